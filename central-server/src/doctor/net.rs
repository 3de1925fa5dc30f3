//! One question to an address of the configuration, with little patience. Redirects are answers like any other: whom an
//! address sends us to, nobody has configured.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, header};
use http_body_util::{BodyExt as _, Limited};

use super::PATIENCE;
use crate::notify::https;

/// More of an answer is not looked at.
const MOST_BYTES: usize = 256 * 1024;

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// A header's text, or nothing.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body as JSON, or `null`.
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The first words of the body, on one line, without the secret that was sent: a service may repeat what it was given.
    pub(super) fn words_without(&self, secret: &str) -> String {
        one_line(&String::from_utf8_lossy(&self.body).replace(secret, "•••"))
    }
}

/// The beginning of somebody else's text, fit to be shown.
pub(super) fn one_line(text: &str) -> String {
    let text: String = text.chars().map(|char| if char.is_control() { ' ' } else { char }).take(200).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Asks, and reads the answer.
///
/// # Errors
/// Nobody answers in time, or not with HTTP; a text of the connection, without what was sent.
pub(super) async fn ask(request: Request<Body>) -> Result<Answer, String> {
    let exchange = https::exchange(request, |response| async move {
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, MOST_BYTES).collect().await.map_err(|error| error.to_string())?.to_bytes();
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
    });
    let answer = tokio::time::timeout(PATIENCE, exchange).await;
    answer.unwrap_or_else(|_| Err("no answer within 5 s".into())).map_err(|why| one_line(&why))
}

/// Asks without a body.
///
/// # Errors
/// Those of [`ask`].
pub(super) async fn get(method: Method, url: &str, headers: &[(&str, &str)]) -> Result<Answer, String> {
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    ask(request.body(Body::empty()).map_err(|error| error.to_string())?).await
}

/// Sends JSON, perhaps with a secret that opens the door.
///
/// # Errors
/// Those of [`ask`].
pub(super) async fn post(url: &str, bearer: Option<&str>, body: &serde_json::Value) -> Result<Answer, String> {
    let mut request = Request::post(url).header(header::CONTENT_TYPE, "application/json");
    if let Some(bearer) = bearer {
        request = request.header(header::AUTHORIZATION, format!("Bearer {bearer}"));
    }
    let request = request.body(Body::from(body.to_string()));
    // What is wrong with an address or a secret is not told: the text could be either.
    ask(request.map_err(|_| "the address or the secret cannot be sent".to_owned())?).await
}
