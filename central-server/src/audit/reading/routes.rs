//! `/api/audit`, for those who administer.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Actions, Asked, Filter, Log, Logs, Seals, csv, store};
use crate::app::App;
use crate::auth::Admin;
use crate::error::Result;
use crate::http::Query;
use crate::http::openapi::Read;
use crate::ids::UserId;

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(actions)).routes(routes!(export)).routes(routes!(seals))
}

/// The journal: who did what, to what, from where, newest first.
#[utoipa::path(
    get, path = "/api/audit", tag = "Audit", operation_id = "list_entries", security(("bearer" = []), ("cookie" = [])),
    params(
        ("page" = Option<i64>, Query, description = "From 1.", minimum = 1),
        ("limit" = Option<i64>, Query, description = "Entries a page; more than 100 count as 100. Without it 50.", minimum = 1),
        ("action" = Option<String>, Query, description = "Exactly this word; see `/api/audit/actions`."),
        ("userId" = Option<UserId>, Query, description = "By this account."),
        ("targetType" = Option<String>, Query, description = "About this kind of thing: site, group, video, deployment, user, session…"),
        ("targetId" = Option<String>, Query, description = "About this thing."),
        ("startDate" = Option<String>, Query, description = "From this day (UTC) or moment on."),
        ("endDate" = Option<String>, Query, description = "Up to the end of this day (UTC), or to this moment."),
        ("search" = Option<String>, Query, description = "Words of the action, the target, what is told, the address, the browser or the person, whatever their accents and capitals."),
    ),
    responses((status = 200, description = "A page of the journal.", body = Logs), Read),
)]
async fn list(caller: Admin, Query(asked): Query<Asked>) -> Result<Json<Logs>> {
    let Asked { filter, page, limit } = asked;
    let offset = (page - 1).saturating_mul(limit);
    let (scope, rows) = (caller.scope(), store::page(caller.scope(), &filter, limit, offset));
    let (rows, total) = caller.run((rows, store::count(scope, &filter))).await?;
    let logs = rows.into_iter().map(Log::from).collect();
    Ok(Json(Logs { logs, total, page, total_pages: (total + limit - 1) / limit }))
}

/// The words for what was done that occur in the journal.
#[utoipa::path(
    get, path = "/api/audit/actions", tag = "Audit", security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, description = "The words.", body = Actions), Read),
)]
async fn actions(caller: Admin) -> Result<Json<Actions>> {
    Ok(Json(Actions { actions: caller.run(store::actions(caller.scope())).await? }))
}

/// The journal, or the part of it that the filter means, as a file for spreadsheets: UTF-8 with a byte-order mark,
/// semicolons. Nothing in it is a formula.
#[utoipa::path(
    get, path = "/api/audit/export", tag = "Audit", security(("bearer" = []), ("cookie" = [])),
    params(
        ("action" = Option<String>, Query, description = "Exactly this word."),
        ("userId" = Option<UserId>, Query, description = "By this account."),
        ("targetType" = Option<String>, Query, description = "About this kind of thing."),
        ("targetId" = Option<String>, Query, description = "About this thing."),
        ("startDate" = Option<String>, Query, description = "From this day (UTC) or moment on."),
        ("endDate" = Option<String>, Query, description = "Up to the end of this day (UTC), or to this moment."),
        ("search" = Option<String>, Query, description = "Words, as in the list."),
    ),
    responses((status = 200, description = "The file.", body = String, content_type = "text/csv"), Read),
)]
async fn export(State(app): State<App>, caller: Admin, Query(filter): Query<Filter>) -> Result<Response> {
    let first = caller.run(csv::beginning(&caller, &filter)).await?;
    let day = app.clock.now().to_string();
    let name = format!("attachment; filename=\"journal-{}.csv\"", day.split('T').next().unwrap_or_default());
    let body = Body::from_stream(csv::file((*caller).clone(), app.clock.clone(), filter, first));
    let mut response = body.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    if let Ok(name) = HeaderValue::from_str(&name) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// How far the journal is sealed, and the last seal. Noted elsewhere, it shows later whether all of it is still there.
#[utoipa::path(
    get, path = "/api/audit/seals", tag = "Audit", security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, description = "The last seal.", body = Seals), Read),
)]
async fn seals(caller: Admin) -> Result<Json<Seals>> {
    Ok(Json(caller.run(store::seals(caller.scope())).await?))
}
