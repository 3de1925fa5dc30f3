//! `/api/alerts`, `/api/settings/alerts`, and a club's alerts as NeoPro 1 gave them.

use axum::Json;
use axum::extract::State;
use serde_json::json;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::rules::AlertSettings;
use super::{AlertView, Alerts, ClubAlerts, Filter, OfClub, Severity, Status, store, watch};
use crate::app::App;
use crate::audit::{self, Action, Entry};
use crate::auth::{Admin, Operator, StaffOrAgency, SuperAdmin};
use crate::clock::Time;
use crate::error::{Error, Result};
use crate::http::openapi::{Read, Write};
use crate::http::{Body, Id, Query, Snapshot};
use crate::ids::{AlertId, SiteId, UserId};

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(acknowledge))
        .routes(routes!(resolve))
        .routes(routes!(of_club))
        .routes(routes!(settings, set_settings))
}

const GONE: Error = Error::NotFound("Cette alerte");

/// What is wrong, or was. An agency sees its clubs'.
#[utoipa::path(
    get, path = "/api/alerts", tag = "Alerts", operation_id = "list_alerts", security(("bearer" = []), ("cookie" = [])),
    params(
        ("status" = Option<Status>, Query, description = "Exactly so far; `open` is active or acknowledged."),
        ("severity" = Option<Severity>, Query, description = "Exactly this bad."),
        ("type" = Option<String>, Query, description = "Exactly this kind.", max_length = 50),
        ("site_id" = Option<SiteId>, Query, description = "Of this site."),
        ("page" = Option<i64>, Query, description = "From 1.", minimum = 1, maximum = 1_000_000),
        ("limit" = Option<i64>, Query, description = "Rows per page.", minimum = 1, maximum = 1000),
    ),
    responses((status = 200, description = "A page, the newest first.", body = Alerts), Read),
)]
async fn list(caller: StaffOrAgency, Query(filter): Query<Filter>) -> Result<Json<Alerts>> {
    let scope = caller.scope();
    let flush = (store::page(scope, &filter), store::count(scope, &filter), store::open(scope));
    let (alerts, total, counts) = caller.run(flush).await?;
    Ok(Json(Alerts { alerts, counts, pagination: filter.slice.of(total) }))
}

/// Takes an alert on: it stays open and is not told again. One that is taken on or over already stays as it is.
#[utoipa::path(
    post, path = "/api/alerts/{id}/acknowledge", tag = "Alerts", operation_id = "acknowledge_alert",
    security(("bearer" = []), ("cookie" = [])), params(("id" = AlertId, Path, description = "The alert's id.")),
    responses((status = 200, description = "The alert as it is now.", body = AlertView), Write),
)]
async fn acknowledge(
    State(app): State<App>,
    caller: Operator,
    from: Snapshot,
    Id(id): Id<AlertId>,
) -> Result<Json<AlertView>> {
    let (scope, user, now) = (caller.scope(), caller.user(), app.clock.now());
    let before = caller.run(store::find(scope, id)).await?.ok_or(GONE)?;
    if before.status != "active" {
        return Ok(Json(before));
    }
    let entry = entry(Action::AlertAcknowledged, &before, "acknowledged", user, &from, now);
    let flush = (store::acknowledge(scope, id, user, now), audit::store::record(entry), store::find(scope, id));
    let (_, (), after) = caller.run(flush).await?;
    after.map(Json).ok_or(GONE)
}

/// Says that an alert is over. It opens again only if it has been over in fact and comes back.
#[utoipa::path(
    post, path = "/api/alerts/{id}/resolve", tag = "Alerts", operation_id = "resolve_alert",
    security(("bearer" = []), ("cookie" = [])), params(("id" = AlertId, Path, description = "The alert's id.")),
    responses((status = 200, description = "The alert as it is now.", body = AlertView), Write),
)]
async fn resolve(
    State(app): State<App>,
    caller: Admin,
    from: Snapshot,
    Id(id): Id<AlertId>,
) -> Result<Json<AlertView>> {
    let (scope, user, now) = (caller.scope(), caller.user(), app.clock.now());
    let before = caller.run(store::find(scope, id)).await?.ok_or(GONE)?;
    if before.status == "resolved" {
        return Ok(Json(before));
    }
    let entry = entry(Action::AlertResolved, &before, "resolved", user, &from, now);
    let flush = (store::resolve(scope, id, user, now), audit::store::record(entry), store::find(scope, id));
    let (_, (), after) = caller.run(flush).await?;
    after.map(Json).ok_or(GONE)
}

/// The journal's entry of an act on an alert.
fn entry(action: Action, alert: &AlertView, status: &str, user: UserId, from: &Snapshot, now: Time) -> Entry {
    let AlertView { id, site_id, alert_type, status: before, .. } = alert;
    Entry::new(action, user, from, now)
        .on("alert", id)
        .with(json!({ "alert_type": alert_type, "site_id": site_id }))
        .change(json!({ "status": before }), json!({ "status": status }))
}

/// A club's alerts, as clients of NeoPro 1 read them. An agency sees its clubs'.
#[utoipa::path(
    get, path = "/api/analytics/clubs/{site_id}/alerts", tag = "Alerts", operation_id = "alerts_of_club",
    security(("bearer" = []), ("cookie" = [])),
    params(
        ("site_id" = SiteId, Path, description = "The site's id."),
        ("days" = Option<i64>, Query, description = "How far back, 30 by default.", minimum = 1, maximum = 366),
        ("status" = Option<Status>, Query, description = "Exactly so far; `open` is active or acknowledged."),
        ("severity" = Option<Severity>, Query, description = "Exactly this bad."),
        ("limit" = Option<i64>, Query, description = "At most so many, 50 by default.", minimum = 1, maximum = 200),
    ),
    responses((status = 200, description = "The newest first.", body = ClubAlerts), Read),
)]
async fn of_club(
    State(app): State<App>,
    caller: StaffOrAgency,
    Id(site): Id<SiteId>,
    Query(asked): Query<OfClub>,
) -> Result<Json<ClubAlerts>> {
    let scope = caller.scope();
    let flush = (store::sees_site(scope, site), store::of_club(scope, site, &asked, app.clock.now()));
    let (known, alerts) = caller.run(flush).await?;
    if !known {
        return Err(Error::NotFound("Ce site"));
    }
    Ok(Json(ClubAlerts { alerts }))
}

/// From when on something is worth telling, and how often it is told.
#[utoipa::path(
    get, path = "/api/settings/alerts", tag = "Settings", operation_id = "alert_settings",
    security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, description = "What holds.", body = AlertSettings), Read),
)]
async fn settings(caller: Admin) -> Result<Json<AlertSettings>> {
    Ok(Json(caller.run_as_system(watch::store::rules()).await?))
}

/// Decides that. It holds from the next look on, half a minute later at most.
#[utoipa::path(
    put, path = "/api/settings/alerts", tag = "Settings", operation_id = "set_alert_settings",
    security(("bearer" = []), ("cookie" = [])), request_body = AlertSettings,
    responses((status = 200, description = "What holds from now on.", body = AlertSettings), Write),
)]
async fn set_settings(
    State(app): State<App>,
    caller: SuperAdmin,
    from: Snapshot,
    Body(new): Body<AlertSettings>,
) -> Result<Json<AlertSettings>> {
    let (user, now) = (caller.user(), app.clock.now());
    let before = caller.run_as_system(watch::store::rules()).await?;
    let entry = Entry::new(Action::SettingsUpdated, user, &from, now)
        .on("settings", "alert_settings")
        .change(json!(before), json!(new));
    let flush = (watch::store::set_rules(&new, user, now), audit::store::record(entry), watch::store::rules());
    let ((), (), after) = caller.run_as_system(flush).await?;
    Ok(Json(after))
}
