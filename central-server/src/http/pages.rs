//! The dashboard, from within this program: what no other route answers, and what a browser asks for as a page.
//!
//! A page (`Accept: text/html`) is always the same document, which shows what the address says. A file that is not
//! there is 404 and not that document: a script that turns out to be a page is an error that nobody understands.

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::error::Error;

/// A file of the dashboard's build.
#[derive(Debug, Clone, Copy)]
pub struct File {
    /// Its address, without the first slash.
    pub path: &'static str,
    /// Its `Content-Type`.
    pub media_type: &'static str,
    /// What changes with its bytes.
    pub mark: &'static str,
    /// Its bytes.
    pub bytes: &'static [u8],
    /// Its bytes compressed, where that makes them fewer.
    pub gzip: Option<&'static [u8]>,
}

/// What was there when this program was built. Made by `build.rs`.
const BUILT: &[File] = include!(concat!(env!("OUT_DIR"), "/dashboard.rs"));

/// Addresses that are the server's own, with all that stands below them.
const OURS: [&str; 8] = ["/api", "/api-docs", "/health", "/live", "/metrics", "/ready", "/socket.io", "/storage"];

/// Files whose names hold a mark of their content: they never change.
const IMMUTABLE: &str = "assets/";

/// Without a dashboard in the program.
const MISSING: &str = "<!doctype html><html lang=\"fr\"><meta charset=\"utf-8\"><title>NeoPro</title>\
     <p>Le serveur central de NeoPro fonctionne, mais ce programme ne contient pas le tableau de bord : construisez-le \
     (<code>npm install &amp;&amp; npm run build:prod</code> dans <code>central-dashboard</code>), puis le serveur \
     (<code>cargo build</code>), ou hébergez-le à part (étape 7 du guide). L'API est décrite sur \
     <a href=\"/api-docs\">/api-docs</a>.</p></html>";

/// The dashboard that this server serves.
#[derive(Debug)]
pub struct Pages {
    files: &'static [File],
    policy: HeaderValue,
}

impl Pages {
    /// The dashboard that was built into this program. Pictures and videos come from `storage_origin` as well.
    #[must_use]
    pub fn built(storage_origin: &str) -> Self {
        Self::of(BUILT, storage_origin)
    }

    /// A dashboard of these files.
    #[must_use]
    pub fn of(files: &'static [File], storage_origin: &str) -> Self {
        // `style-src`: the components write style elements. The storage's origin stands here also where it is our
        // own: which names lead to this server, only the browser knows.
        let policy = format!(
            "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
             img-src 'self' data: blob: {storage_origin}; media-src 'self' blob: {storage_origin}; \
             connect-src 'self' {storage_origin}; font-src 'self'; base-uri 'none'; form-action 'self'; \
             frame-ancestors 'none'"
        );
        // An origin of our configuration is plain ASCII.
        let policy = HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"));
        Self { files, policy }
    }

    fn find(&self, path: &str) -> Option<&'static File> {
        let path = path.strip_prefix('/').unwrap_or(path);
        self.files.iter().find(|file| file.path == path)
    }

    /// The document, whichever page it is asked for as.
    #[must_use]
    pub fn document(&self, method: &Method, headers: &HeaderMap) -> Response {
        let mut response = match self.find("index.html") {
            Some(file) => self.file(file, method, headers),
            None => self.finish(([(header::CONTENT_TYPE, "text/html; charset=utf-8")], MISSING).into_response()),
        };
        response.headers_mut().append(header::VARY, HeaderValue::from_static("Accept"));
        response
    }

    fn file(&self, file: &File, method: &Method, headers: &HeaderMap) -> Response {
        let gzip = file.gzip.filter(|_| accepts(headers, header::ACCEPT_ENCODING, "gzip"));
        let tag = format!("\"{}{}\"", file.mark, if gzip.is_some() { "-gzip" } else { "" });
        let is_known = headers
            .get_all(header::IF_NONE_MATCH)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|known| known.trim().trim_start_matches("W/") == tag);
        let lasts = if file.path.starts_with(IMMUTABLE) { "public, max-age=31536000, immutable" } else { "no-cache" };
        let bytes = gzip.unwrap_or(file.bytes);
        let mut response = if is_known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let body = if *method == Method::HEAD { Body::empty() } else { Body::from(Bytes::from_static(bytes)) };
            let mut response = Response::new(body);
            let fields = response.headers_mut();
            fields.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.media_type));
            fields.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
            if gzip.is_some() {
                fields.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
            response
        };
        let fields = response.headers_mut();
        fields.insert(header::CACHE_CONTROL, HeaderValue::from_static(lasts));
        if file.gzip.is_some() {
            fields.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        }
        // The mark is hexadecimal.
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            fields.insert(header::ETAG, tag);
        }
        self.finish(response)
    }

    fn finish(&self, mut response: Response) -> Response {
        let fields = response.headers_mut();
        fields.insert(header::CONTENT_SECURITY_POLICY, self.policy.clone());
        fields.insert(HeaderName::from_static("x-frame-options"), HeaderValue::from_static("DENY"));
        response
    }
}

/// What no route answers: a file of the dashboard, one of its pages, or nothing.
pub async fn page_or_nothing(State(app): State<App>, request: Request) -> Result<Response, Error> {
    let path = request.uri().path();
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if reads && !is_ours(path) {
        if let Some(file) = app.pages.find(path) {
            return Ok(app.pages.file(file, request.method(), request.headers()));
        }
        if wants_page(request.headers()) && !is_file(path) {
            return Ok(app.pages.document(request.method(), request.headers()));
        }
    }
    Err(Error::NoRoute(path.chars().take(200).collect()))
}

/// Whether a page is asked for, by a person at a browser.
#[must_use]
pub fn wants_page(headers: &HeaderMap) -> bool {
    accepts(headers, header::ACCEPT, "text/html")
}

/// Whether this word stands in a list of what a client takes, and is not excluded there.
fn accepts(headers: &HeaderMap, name: HeaderName, word: &str) -> bool {
    headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).any(
        |part| {
            let mut parts = part.split(';').map(str::trim);
            parts.next().is_some_and(|first| first.eq_ignore_ascii_case(word))
                && !parts.any(|weight| matches!(weight, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
        },
    )
}

fn is_ours(path: &str) -> bool {
    OURS.iter().any(|ours| path.strip_prefix(ours).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// Whether an address is that of a file, and not of a page: its last part has an ending.
fn is_file(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|last| last.contains('.')) || path.starts_with("/assets/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_servers_own_is_no_page() {
        for path in ["/api", "/api/", "/api/sites", "/socket.io/", "/storage/v1/a", "/api-docs/x", "/live", "/metrics"]
        {
            assert!(is_ours(path), "{path}");
        }
        for path in ["/", "/apis", "/sites", "/sites/api", "/live-score", "/healthy", "/storage-room"] {
            assert!(!is_ours(path), "{path}");
        }
    }

    #[test]
    fn a_list_of_what_is_taken_is_read() {
        let with =
            |value: &'static str| HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))]);
        for (value, taken) in
            [("gzip", true), ("br, GZIP;q=0.5", true), ("br", false), ("gzip;q=0, br", false), ("", false)]
        {
            assert_eq!(accepts(&with(value), header::ACCEPT_ENCODING, "gzip"), taken, "{value}");
        }
    }
}
