//! A stand-in for SendGrid's v3 API: judges each request by the public contract and keeps what it took.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

/// What it answers next, in the place of judging.
#[derive(Debug, Clone)]
pub enum Next {
    /// This status with this message, and `X-RateLimit-Reset`.
    Refuse(u16, &'static str, Option<i64>),
    /// Nothing, ever.
    Silence,
}

#[derive(Debug, Default)]
struct Book {
    taken: Vec<Value>,
    next: VecDeque<Next>,
    always: Option<Next>,
    requests: usize,
    /// How long it takes to say that it has taken a mail.
    pause: Duration,
}

/// The stand-in.
#[derive(Debug, Clone)]
pub struct SendGrid {
    book: Arc<Mutex<Book>>,
    pub port: u16,
}

/// The key that it knows.
pub const KEY: &str = "SG.aaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

impl SendGrid {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let sendgrid = Self { book: Arc::default(), port };
        let router = Router::new().fallback(answer).with_state(sendgrid.clone());
        tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        sendgrid
    }

    /// The variables of a server that sends by it.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("SENDGRID_API_KEY", KEY.to_owned()),
            ("EMAIL_FROM", "NeoPro <noreply@neopro.test>".to_owned()),
            ("SENDGRID_API_URL", format!("http://127.0.0.1:{}", self.port)),
        ]
    }

    pub fn will(&self, next: Next) {
        self.book().next.push_back(next);
    }

    /// From now on it says so late that it has taken a mail: whoever dies meanwhile does not know.
    pub fn hesitates(&self, pause: Duration) {
        self.book().pause = pause;
    }

    /// Does this with every request, or judges them again.
    pub fn always(&self, next: Option<Next>) {
        self.book().always = next;
    }

    /// The bodies that it took.
    pub fn taken(&self) -> Vec<Value> {
        self.book().taken.clone()
    }

    /// How often it was asked.
    pub fn requests(&self) -> usize {
        self.book().requests
    }

    fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        self.book.lock().expect("a book")
    }
}

async fn answer(
    State(sendgrid): State<SendGrid>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let next = {
        let mut book = sendgrid.book();
        book.requests += 1;
        book.next.pop_front().or_else(|| book.always.clone())
    };
    match next {
        Some(Next::Silence) => {
            tokio::time::sleep(Duration::from_secs(3_600)).await;
            StatusCode::GATEWAY_TIMEOUT.into_response()
        }
        Some(Next::Refuse(status, message, reset)) => {
            let mut response = refusal(status, message);
            if let Some(reset) = reset {
                response.headers_mut().insert("x-ratelimit-reset", reset.into());
            }
            response
        }
        None => match judge(&method, &uri, &headers, &body) {
            Ok(body) => {
                let pause = {
                    let mut book = sendgrid.book();
                    book.taken.push(body);
                    book.pause
                };
                tokio::time::sleep(pause).await;
                (StatusCode::ACCEPTED, [("x-message-id", "1")]).into_response()
            }
            Err((status, message)) => refusal(status, message),
        },
    }
}

fn refusal(status: u16, message: &str) -> Response {
    let body = json!({ "errors": [{ "message": message, "field": null, "help": null }] }).to_string();
    let status = StatusCode::from_u16(status).expect("a status");
    (status, [("content-type", "application/json")], body).into_response()
}

/// A key limited to « Mail Send » may do one thing; the body as the reference describes it.
fn judge(method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Result<Value, (u16, &'static str)> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if header("authorization") != format!("Bearer {KEY}") {
        return Err((401, "The provided authorization grant is invalid, expired, or revoked"));
    }
    if method != Method::POST || uri.path() != "/v3/mail/send" {
        return Err((403, "access forbidden"));
    }
    if header("content-type") != "application/json" {
        return Err((415, "not JSON"));
    }
    let body: Value = serde_json::from_slice(body).map_err(|_| (400, "Bad Request"))?;
    let address = |value: &Value| value["email"].as_str().is_some_and(|email| email.contains('@'));
    let to = body["personalizations"][0]["to"].as_array().ok_or((400, "personalizations"))?;
    let content = body["content"].as_array().ok_or((400, "content"))?;
    let kinds: Vec<&str> = content.iter().filter_map(|part| part["type"].as_str()).collect();
    let written = content.iter().all(|part| part["value"].as_str().is_some_and(|text| !text.is_empty()));
    if to.len() != 1 || !address(&to[0]) || !address(&body["from"]) {
        return Err((400, "an address is missing"));
    }
    if body["subject"].as_str().is_none_or(str::is_empty) || kinds != ["text/plain", "text/html"] || !written {
        return Err((400, "subject or content"));
    }
    Ok(body)
}
