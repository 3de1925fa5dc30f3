//! The pages that the program carries, and sentences in the place of pages.

use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

/// A file of a built page.
struct Page {
    /// Its path in the built folder. Below `assets/` it holds a hash of the content.
    path: &'static str,
    media_type: &'static str,
    bytes: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/pages.rs"));

const UNBUILT: &str = "La page de l'écran n'est pas dans ce programme. Construisez-la avec `cargo xtask pages`, puis \
    recompilez neopro-box.";

/// `GET /tv`. Asked for anew each time, so that a new program's page is seen at once.
pub async fn tv() -> Response {
    match find("tv.html") {
        Some(page) => answer(page, "no-cache"),
        None => sentence(StatusCode::SERVICE_UNAVAILABLE, UNBUILT),
    }
}

/// `GET /assets/<name>`: never another content under the same name.
pub async fn asset(Path(name): Path<String>) -> Response {
    match find(&format!("assets/{name}")) {
        Some(page) => answer(page, "public, max-age=31536000, immutable"),
        None => sentence(StatusCode::NOT_FOUND, "Ce fichier n'existe pas sur ce boîtier."),
    }
}

/// Tells the pages of one program from those of another.
pub fn version() -> &'static str {
    VERSION
}

/// A plain sentence for a person.
pub fn sentence(status: StatusCode, text: &'static str) -> Response {
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, format!("{text}\n")).into_response()
}

fn find(path: &str) -> Option<&'static Page> {
    PAGES.iter().find(|page| page.path == path)
}

fn answer(page: &'static Page, caching: &'static str) -> Response {
    let mut response = page.bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(page.media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    response
}
