//! HTTP of the box: the TV's page, its files, its socket, and the public configuration.
//!
//! Everything comes from the program or from the loop's own files; nothing is looked up by a path of a request.
//! Who may ask is decided by [`hosts`]: the box answers for its own addresses and names only.

mod connections;
pub mod hosts;
mod media;
mod pages;
mod socket;

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{any, get};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::player::Player;
use hosts::Hosts;

/// What the web serves.
#[derive(Debug, Clone)]
pub struct Web {
    /// Who decides what the page shows.
    pub player: Player,
    /// The configuration as everybody on the network may read it: JSON, without secrets. `None` when there is none.
    pub configuration: watch::Receiver<Option<Arc<str>>>,
    /// The names for which the box answers.
    pub hosts: Arc<Hosts>,
}

/// Serves until `shutdown`; what is open then is closed.
pub async fn serve(listener: TcpListener, web: Web, shutdown: impl Future<Output = ()>) {
    connections::accept(listener, router(web), shutdown).await;
}

/// What a page may do: draw what comes from this box, and talk to it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; \
    media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Headers of every answer that has none of its own.
const FIXED: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

#[expect(clippy::disallowed_methods, reason = "the rule is about the API of the central server and its description")]
fn router(web: Web) -> Router {
    let hosts = Arc::clone(&web.hosts);
    Router::new()
        .route("/", get(async || Redirect::temporary("/tv")))
        .route("/tv", get(pages::tv))
        .route("/tv/socket", any(socket::tv))
        .route("/assets/{name}", get(pages::asset))
        .route("/media/{token}", get(media::clip))
        .route("/configuration.json", get(configuration))
        .fallback(async || pages::sentence(StatusCode::NOT_FOUND, "Cette page n'existe pas sur ce boîtier."))
        .with_state(web)
        .layer(from_fn_with_state(hosts, hosts::guard))
        .layer(from_fn(with_headers))
}

async fn with_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in FIXED {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

async fn configuration(State(web): State<Web>) -> Response {
    let text = web.configuration.borrow().clone();
    let Some(text) = text else {
        return pages::sentence(StatusCode::NOT_FOUND, "Ce boîtier n'a pas encore de configuration.");
    };
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-cache")];
    (headers, text.to_string()).into_response()
}
