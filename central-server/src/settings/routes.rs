//! `/api/settings`.

use axum::Json;
use axum::extract::State;
use serde_json::json;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{SecuritySettings, store};
use crate::app::App;
use crate::audit::{self, Action, Entry};
use crate::auth::{Admin, SuperAdmin};
use crate::error::Result;
use crate::http::openapi::{Read, Write};
use crate::http::{Body, Snapshot};

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(security, set_security))
}

/// Who has to have a second factor.
#[utoipa::path(
    get, path = "/api/settings/security", tag = "Settings", security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, description = "What holds.", body = SecuritySettings), Read),
)]
async fn security(caller: Admin) -> Result<Json<SecuritySettings>> {
    Ok(Json(caller.run_as_system(store::security()).await?))
}

/// Decides who has to have a second factor. Where the time to do without is over, sessions without one end at their next
/// request, one's own included. It locks nobody out: the factor is set up while logging in.
#[utoipa::path(
    put, path = "/api/settings/security", tag = "Settings", security(("bearer" = []), ("cookie" = [])), request_body = SecuritySettings,
    responses((status = 200, description = "What holds from now on.", body = SecuritySettings), Write),
)]
async fn set_security(
    State(app): State<App>,
    caller: SuperAdmin,
    from: Snapshot,
    Body(new): Body<SecuritySettings>,
) -> Result<Json<SecuritySettings>> {
    let (user, now) = (caller.user(), app.clock.now());
    let before = caller.run_as_system(store::security()).await?;
    let entry = Entry::new(Action::SettingsUpdated, user, &from, now)
        .on("settings", "security")
        .change(json!(before), json!(new));
    let flush = (store::set_security(&new, user, now), audit::store::record(entry), store::security());
    let ((), (), after) = caller.run_as_system(flush).await?;
    Ok(Json(after))
}
