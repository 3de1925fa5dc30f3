//! `/api/sites/:id/local-content`.

use axum::Json;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{LocalContent, store};
use crate::app::App;
use crate::auth::Staff;
use crate::error::{Error, Result};
use crate::http::Id;
use crate::http::openapi::Read;
use crate::ids::SiteId;

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(local_content))
}

/// The configuration that a site's box has, as it last sent it, without its secrets.
#[utoipa::path(
    get, path = "/api/sites/{id}/local-content", tag = "Sites", security(("bearer" = []), ("cookie" = [])),
    params(("id" = SiteId, Path, description = "The site's id.")),
    responses((status = 200, description = "The configuration; `hasContent` says whether there is one.", body = LocalContent), Read),
)]
async fn local_content(caller: Staff, Id(id): Id<SiteId>) -> Result<Json<LocalContent>> {
    caller.run(store::local_content(caller.scope(), id)).await?.map(Json).ok_or(Error::NotFound("Ce site"))
}
