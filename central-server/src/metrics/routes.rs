//! `/api/sites/{id}/metrics`.

use axum::Json;
use axum::extract::State;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Metrics, Period, store};
use crate::app::App;
use crate::auth::StaffOrAgency;
use crate::error::{Error, Result};
use crate::http::openapi::Read;
use crate::http::{Id, Query};
use crate::ids::SiteId;

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(of_site))
}

/// Figures of a site's box: processor, memory, temperature, disk, uptime. An agency sees its clubs'.
#[utoipa::path(
    get, path = "/api/sites/{id}/metrics", tag = "Sites", security(("bearer" = []), ("cookie" = [])),
    params(
        ("id" = SiteId, Path, description = "The site's id."),
        ("hours" = Option<i64>, Query, description = "How far back, 24 by default.", minimum = 1, maximum = 8784),
    ),
    responses((status = 200, description = "The figures, the newest first.", body = Metrics), Read),
)]
async fn of_site(
    State(app): State<App>,
    caller: StaffOrAgency,
    Id(site_id): Id<SiteId>,
    Query(Period { hours }): Query<Period>,
) -> Result<Json<Metrics>> {
    let (scope, now) = (caller.scope(), app.clock.now());
    let (known, metrics) =
        caller.run((store::is_visible(scope, site_id), store::since(scope, site_id, hours, now))).await?;
    if !known {
        return Err(Error::NotFound("Ce site"));
    }
    Ok(Json(Metrics { site_id, period_hours: hours, metrics }))
}
