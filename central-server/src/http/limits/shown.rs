//! The table of limits, for those who look at it.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Row, TABLE, Who};
use crate::app::App;
use crate::auth::{self, Admin};
use crate::error::Result;
use crate::http::openapi::Read;
use crate::live;

/// The route of the table.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(table))
}

/// A limit, for those who look at the table.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RateLimit)]
pub struct Shown {
    /// What it is of, in a word.
    #[schema(example = "user")]
    pub name: &'static str,
    /// Whom it counts by.
    pub who: Who,
    /// How many calls at once.
    pub burst: u32,
    /// How many a minute in the long run.
    pub per_minute: f64,
    /// Whether all replicas count together.
    pub shared: bool,
}

impl From<&Row> for Shown {
    fn from(row: &Row) -> Self {
        let Row { name, who, burst, per_minute } = *row;
        Self { name: name.word(), who, burst, per_minute: per_minute.into(), shared: false }
    }
}

/// Every limit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RateLimits)]
struct LimitTable {
    /// One row a limit.
    limits: Vec<Shown>,
}

/// How much anybody may ask in a while: the limits whose violation is answered with 429 and `Retry-After`.
#[utoipa::path(
    get, path = "/api/limits", tag = "Service", operation_id = "limits", security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, description = "The table.", body = LimitTable), Read),
)]
async fn table(admin: Admin) -> Result<Json<LimitTable>> {
    admin.run(()).await?;
    let of_guesses = auth::guesses_shown().chain(live::guesses_shown());
    Ok(Json(LimitTable { limits: TABLE.iter().map(Shown::from).chain(of_guesses).collect() }))
}
