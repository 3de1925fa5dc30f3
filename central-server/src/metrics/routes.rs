//! `/api/sites/{id}/metrics`, `…/availability` and `…/connection-status`.

use axum::Json;
use axum::extract::State;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Availability, Heartbeats, Metrics, Minutes, Period, Received, Recent, SiteConnection, store};
use crate::app::App;
use crate::auth::StaffOrAgency;
use crate::error::{Error, Result};
use crate::http::openapi::Read;
use crate::http::{Id, Query};
use crate::ids::SiteId;
use crate::sites::Connection;

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(of_site)).routes(routes!(availability)).routes(routes!(connection_status))
}

const GONE: Error = Error::NotFound("Ce site");

/// Figures of a site's box: processor, memory, temperature, disk, uptime. An agency sees its clubs'.
#[utoipa::path(
    get, path = "/api/sites/{id}/metrics", tag = "Sites", operation_id = "metrics_of_site", security(("bearer" = []), ("cookie" = [])),
    params(
        ("id" = SiteId, Path, description = "The site's id."),
        ("hours" = Option<i64>, Query, description = "How far back, 24 by default.", minimum = 1, maximum = 8784),
        ("resolution" = Option<String>, Query, description = "`hour` by default; `five_minutes`, of at most 744 hours; \
            `auto` chooses: five minutes for two days, else hours."),
    ),
    responses((status = 200, description = "The figures, the newest first.", body = Metrics), Read),
)]
async fn of_site(
    State(app): State<App>,
    caller: StaffOrAgency,
    Id(site_id): Id<SiteId>,
    Query(Period { hours, resolution }): Query<Period>,
) -> Result<Json<Metrics>> {
    let (scope, now) = (caller.scope(), app.clock.now());
    let (known, metrics) =
        caller.run((store::is_visible(scope, site_id), store::since(scope, site_id, hours, resolution, now))).await?;
    if !known {
        return Err(GONE);
    }
    Ok(Json(Metrics { site_id, period_hours: hours, resolution, metrics }))
}

/// When a site's box was there, to the minute: a minute without a heartbeat is a gap. An agency sees its clubs'.
#[utoipa::path(
    get, path = "/api/sites/{id}/availability", tag = "Sites", security(("bearer" = []), ("cookie" = [])),
    params(
        ("id" = SiteId, Path, description = "The site's id."),
        ("hours" = Option<i64>, Query, description = "How far back, 24 by default.", minimum = 1, maximum = 744),
    ),
    responses((status = 200, description = "The period, without a gap.", body = Availability), Read),
)]
async fn availability(
    State(app): State<App>,
    caller: StaffOrAgency,
    Id(site): Id<SiteId>,
    Query(Recent { hours }): Query<Recent>,
) -> Result<Json<Availability>> {
    let (scope, period) = (caller.scope(), Minutes::until(app.clock.now(), hours));
    let flush = (
        store::is_visible(scope, site),
        store::hours(scope, site, period.first_hour()),
        store::first_hour(scope, site),
    );
    let (known, hours, first) = caller.run(flush).await?;
    if !known {
        return Err(GONE);
    }
    Ok(Json(Availability::of(&hours, first.as_ref(), period)))
}

/// Whether a site's box is connected, and how its day was. An agency sees its clubs'.
#[utoipa::path(
    get, path = "/api/sites/{id}/connection-status", tag = "Sites", operation_id = "connection_status_of_site", security(("bearer" = []), ("cookie" = [])),
    params(("id" = SiteId, Path, description = "The site's id.")),
    responses((status = 200, description = "The connection.", body = SiteConnection), Read),
)]
async fn connection_status(
    State(app): State<App>,
    caller: StaffOrAgency,
    Id(site_id): Id<SiteId>,
) -> Result<Json<SiteConnection>> {
    let (scope, now) = (caller.scope(), app.clock.now());
    let period = Minutes::until(now, 24);
    let flush = (store::connection(scope, site_id), store::hours(scope, site_id, period.first_hour()));
    let (known, hours) = caller.run(flush).await?;
    let known = known.ok_or(GONE)?;
    Ok(Json(SiteConnection {
        site_id,
        site_name: known.site_name,
        club_name: known.club_name,
        connection: Connection::of(&known.status, known.last_seen_at, known.local_ip, now),
        sync: Received { last_config_sync: known.mirrored_at },
        statistics: Heartbeats::of(&hours, known.heard_at, period),
    }))
}
