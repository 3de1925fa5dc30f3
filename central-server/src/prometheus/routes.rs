//! `GET /metrics`.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest as _, Sha256};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::page::Page;
use crate::app::App;
use crate::auth::bearer;
use crate::error::{Error, Result};

/// The text format, and its version.
const FORMAT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(metrics))
}

/// Figures for Prometheus, with the token of `METRICS_TOKEN` as bearer. In production without such a token anybody may read
/// those of the whole fleet, and nobody the others.
#[utoipa::path(
    get, path = "/metrics", tag = "Service", operation_id = "prometheus_metrics",
    responses(
        (status = 200, description = "The figures.", body = String, content_type = "text/plain"),
        (status = 401, description = "Another token, or none.", body = crate::error::ErrorBody),
        (status = 404, description = "`METRICS_ENABLED` is not `true`.", body = crate::error::ErrorBody),
        (status = 431, description = "The address or the headers are too long.", body = crate::error::ErrorBody),
    ),
)]
async fn metrics(State(app): State<App>, headers: HeaderMap) -> Result<Response> {
    if !app.config.metrics.enabled {
        return Err(Error::NoRoute("/metrics".into()));
    }
    let mut page = Page::default();
    match &app.config.metrics.token {
        Some(token) if !is(bearer(&headers).as_deref(), token.expose()) => {
            return Err(Error::Unauthenticated("Le jeton METRICS_TOKEN est attendu (Authorization: Bearer …)."));
        }
        // Whoever reads them may be anybody: behind a platform's proxy no address says that it is Prometheus.
        None if app.config.is_production() => {
            app.measures.of_the_fleet(&app, &mut page);
            app.measures.requests.write_sums(&mut page);
        }
        _ => {
            app.measures.of_the_fleet(&app, &mut page);
            app.measures.requests.write(&mut page);
            app.measures.of_the_service(&app, &mut page);
        }
    }
    Ok(([(header::CONTENT_TYPE, FORMAT)], page.finish()).into_response())
}

/// Whether it is the token. Hashes are compared, of which no guess knows how much is right.
fn is(shown: Option<&str>, token: &str) -> bool {
    shown.is_some_and(|shown| Sha256::digest(shown.as_bytes()) == Sha256::digest(token.as_bytes()))
}
