//! The outer layers, from the outside in: name the request, finish its answer, judge its origin, end it in
//! time. The order stands in [`crate::app::App::router`].

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt as _;
use tracing::Instrument;

use super::extract::Origin;
use crate::app::App;
use crate::error::{Error, Failure};
use crate::ids::RequestId;

/// The longest that a request may take, its database work and its queueing included, once its body is there.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes of an address and of all headers, and how many headers, that a request may have.
const MOST_ADDRESS: usize = 8 * 1024;
const MOST_HEADERS: usize = 32 * 1024;
const MOST_FIELDS: usize = 100;

/// The one address whose answer every page may read.
const SIGN_OF_LIFE: &str = "/live";

/// Names the request, logs its end, and gives every answer its headers; failures get their body here.
pub async fn edge(State(app): State<App>, request: Request, next: Next) -> Response {
    let request_id = RequestId::new();
    let started = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().map(|matched| matched.as_str().to_owned());
    let span = tracing::info_span!("request", %request_id, %method);
    let _under_way = app.measures.requests.begin(&method);

    let mut response = next.run(request).instrument(span).await;
    if let Some(Failure(error)) = response.extensions_mut().remove::<Failure>() {
        let outer = std::mem::take(response.headers_mut());
        response = error.answer(request_id, &path);
        response.headers_mut().extend(
            outer
                .into_iter()
                .filter_map(|(name, value)| Some((name?, value)))
                .filter(|(name, _)| !matches!(*name, header::CONTENT_TYPE | header::CONTENT_LENGTH)),
        );
    }
    secure(response.headers_mut());
    if let Ok(value) = HeaderValue::from_str(&request_id.to_string()) {
        response.headers_mut().insert("x-request-id", value);
    }

    let status = response.status().as_u16();
    let took = started.elapsed();
    app.measures.requests.ended(&method, route.as_deref(), status, took);
    let duration_ms = took.as_secs_f64() * 1000.0;
    // The platform probes all day, and free log plans count bytes.
    if matches!(path.as_str(), "/live" | "/ready" | "/health" | "/api/health" | "/metrics") {
        tracing::debug!(%request_id, %method, path, status, duration_ms, "answered");
    } else {
        let path = route.unwrap_or_else(|| "(no route)".to_owned());
        tracing::info!(%request_id, %method, path, status, duration_ms, "answered");
    }
    response
}

/// What helmet gave the answers of NeoPro 1, a route's own policy left alone.
fn secure(headers: &mut HeaderMap) {
    const FIXED: &[(&str, &str)] = &[
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("origin-agent-cluster", "?1"),
        ("referrer-policy", "no-referrer"),
        ("strict-transport-security", "max-age=15552000; includeSubDomains"),
        ("x-content-type-options", "nosniff"),
        ("x-dns-prefetch-control", "off"),
        ("x-download-options", "noopen"),
        ("x-frame-options", "SAMEORIGIN"),
        ("x-permitted-cross-domain-policies", "none"),
        ("x-xss-protection", "0"),
    ];
    for (name, value) in FIXED {
        headers.entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ));
    // Answers of the API are of one person at one moment.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// CORS as the guide's `ALLOWED_ORIGINS` says: exact matches, with credentials; every `OPTIONS` is answered. Only the
/// sign of life is for every page, without credentials.
pub async fn cors(State(app): State<App>, request: Request, next: Next) -> Response {
    let listed = match Origin::of(request.headers(), &app) {
        Origin::Listed => request.headers().get(header::ORIGIN).cloned(),
        Origin::Own => None,
        Origin::Foreign(origin) => {
            app.foreign_origins.note(&origin);
            None
        }
    };
    let preflight = request.method() == Method::OPTIONS;
    // A dashboard that is hosted apart has to learn whether the address that it was built for is this service at all,
    // before anybody has listed it: this one answer, which says nothing else, may be read by every page.
    let is_sign = listed.is_none() && request.method().is_safe() && request.uri().path() == SIGN_OF_LIFE;
    let mut response = if preflight { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = listed {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("Retry-After, X-Request-Id, X-Total-Count"),
        );
        headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    } else if is_sign && !preflight {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    }
    if preflight {
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("GET,POST,PUT,PATCH,DELETE,OPTIONS"),
        );
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static("Content-Type, Authorization, X-Requested-With"),
        );
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
    response
}

/// Refuses acts that a page of a foreign origin sends: NeoPro 1 executed them and hid only the answer.
pub async fn same_origin(State(app): State<App>, request: Request, next: Next) -> Result<Response, Error> {
    if !request.method().is_safe() {
        let headers = request.headers();
        let foreign = matches!(Origin::of(headers, &app), Origin::Foreign(_));
        // Should an act of a page ever come without its origin, the browser's second word counts.
        let unnamed = !headers.contains_key(header::ORIGIN) && is_from_another_site(headers);
        if foreign || unnamed {
            return Err(Error::ForeignOrigin);
        }
    }
    Ok(next.run(request).await)
}

/// What browsers say of a request by themselves; programs say nothing.
fn is_from_another_site(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site" || site == "same-site")
}

/// Ends a request that takes too long; what it has begun in the database ends by itself.
///
/// The time begins anew as long as pieces of the body arrive: an upload of half a gigabyte may take an hour, if it
/// does not stand still ([`super::Multipart`] has a shorter limit for that, with a better sentence). What has no body,
/// or has read it, gets the time once. The answer's body is outside: a slow download is not cut off.
pub async fn deadline(request: Request, next: Next) -> Result<Response, Error> {
    let arrived = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&arrived);
    let counted = request.map(|body| {
        Body::new(body.map_frame(move |frame| {
            counter.fetch_add(1, Ordering::Relaxed);
            frame
        }))
    });
    let mut answer = std::pin::pin!(next.run(counted));
    let mut before = 0;
    loop {
        if let Ok(answer) = tokio::time::timeout(REQUEST_TIMEOUT, &mut answer).await {
            return Ok(answer);
        }
        let now = arrived.load(Ordering::Relaxed);
        if now == before {
            return Err(Error::Unavailable("the request took longer than its deadline".into()));
        }
        before = now;
    }
}

/// Refuses heads that no client of ours sends, before anything looks into them.
pub async fn modest_head(request: Request, next: Next) -> Result<Response, Error> {
    let headers: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    let address = request.uri().path_and_query().map_or(0, |address| address.as_str().len());
    if address > MOST_ADDRESS || headers > MOST_HEADERS || request.headers().len() > MOST_FIELDS {
        return Err(Error::HeadTooLarge);
    }
    Ok(next.run(request).await)
}

/// A method that the route does not have.
pub async fn no_method() -> Error {
    Error::Method
}

/// Foreign origins seen so far: each is worth one line in the log, with the value to add, and no more.
#[derive(Debug, Default)]
pub struct ForeignOrigins(std::sync::Mutex<std::collections::HashSet<String>>);

impl ForeignOrigins {
    /// An attacker can invent origins without end; we remember this many.
    const MOST: usize = 100;

    fn note(&self, origin: &str) {
        let origin: String = origin.chars().filter(|c| !c.is_control()).take(200).collect();
        let mut seen = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if seen.len() < Self::MOST && seen.insert(origin.clone()) {
            tracing::warn!(
                origin,
                "a page of an unlisted origin was refused; to allow it, add this value to ALLOWED_ORIGINS (étape 7.6 du guide)"
            );
        }
    }
}
