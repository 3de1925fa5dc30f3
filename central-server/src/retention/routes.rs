//! `/api/settings/retention`.

use axum::Json;
use axum::extract::State;
use serde_json::json;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{RetentionSettings, settings, store};
use crate::app::App;
use crate::audit::{self, Action, Entry};
use crate::auth::{Admin, SuperAdmin};
use crate::error::Result;
use crate::http::openapi::{Read, Write};
use crate::http::{Body, Snapshot};

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(retention, set_retention))
}

/// For how long what is kept.
#[utoipa::path(
    get, path = "/api/settings/retention", tag = "Settings", security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, description = "What holds.", body = RetentionSettings), Read),
)]
async fn retention(State(app): State<App>, caller: Admin) -> Result<Json<RetentionSettings>> {
    Ok(Json(caller.run_as_system(settings(&app)).await?))
}

/// Decides for how long what is kept. What is too old then is forgotten within the hour; sums of days stay for ever.
#[utoipa::path(
    put, path = "/api/settings/retention", tag = "Settings", security(("bearer" = []), ("cookie" = [])), request_body = RetentionSettings,
    responses((status = 200, description = "What holds from now on.", body = RetentionSettings), Write),
)]
async fn set_retention(
    State(app): State<App>,
    caller: SuperAdmin,
    from: Snapshot,
    Body(new): Body<RetentionSettings>,
) -> Result<Json<RetentionSettings>> {
    let (user, now) = (caller.user(), app.clock.now());
    let before = caller.run_as_system(settings(&app)).await?;
    let entry = Entry::new(Action::SettingsUpdated, user, &from, now)
        .on("settings", "retention")
        .change(json!(before), json!(new));
    let flush = (store::set_settings(&new, user, now), audit::store::record(entry), settings(&app));
    let ((), (), after) = caller.run_as_system(flush).await?;
    Ok(Json(after))
}
