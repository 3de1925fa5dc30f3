//! `/api/deployments/preview`.

use axum::Json;
use axum::extract::State;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Plan, Preview, ShortOfSpace, store};
use crate::app::App;
use crate::auth::Operator;
use crate::error::{Error, Result};
use crate::http::Body;
use crate::http::openapi::Write;
use crate::usage;

/// The route of this part.
pub fn routes() -> OpenApiRouter<App> {
    #[derive(utoipa::OpenApi)]
    #[openapi(components(schemas(ShortOfSpace)))]
    struct Words;
    OpenApiRouter::with_openapi(<Words as utoipa::OpenApi>::openapi()).routes(routes!(preview))
}

/// What an order would mean if it was given now: its sites, what has to be sent, whose disk is too small. Nothing is
/// changed.
#[utoipa::path(
    post, path = "/api/deployments/preview", tag = "Deployments", security(("bearer" = []), ("cookie" = [])), request_body = Plan,
    responses((status = 200, description = "The figures. Groups without members have zeros.", body = Preview), Write),
)]
async fn preview(State(app): State<App>, caller: Operator, Body(plan): Body<Plan>) -> Result<Json<Preview>> {
    let scope = caller.scope();
    let limit = usage::limit(app.config.storage.traffic);
    let (known, preview) =
        caller.run((store::look(scope, &plan), store::preview(scope, &plan, app.clock.now(), limit))).await?;
    if !known.videos {
        return Err(Error::NotFound("Une de ces vidéos"));
    }
    if !known.targets {
        return Err(Error::NotFound("Un de ces sites ou groupes"));
    }
    Ok(Json(preview))
}
