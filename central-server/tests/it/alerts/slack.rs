//! A stand-in for Slack's incoming webhooks: judges each message by the public limits and keeps what it took.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

/// What it answers next, in the place of judging.
#[derive(Debug, Clone, Copy)]
pub enum Next {
    /// This status with this text.
    Refuse(u16, &'static str),
    /// 429, and for how many seconds.
    TooMany(u64),
    /// Nothing, ever.
    Silence,
}

#[derive(Debug, Default)]
struct Book {
    taken: Vec<Value>,
    next: VecDeque<Next>,
    requests: usize,
}

/// The stand-in.
#[derive(Debug, Clone)]
pub struct Slack {
    book: Arc<Mutex<Book>>,
    port: u16,
}

/// The secret part of its address.
pub const SECRET: &str = "T024F4EL1/B03HDT5QVLP/xq81nGqWsPotAnVmm3XmCwdr";

impl Slack {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let slack = Self { book: Arc::default(), port };
        let router = Router::new().fallback(answer).with_state(slack.clone());
        tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        slack
    }

    /// The variables of a server that writes to it.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("SLACK_WEBHOOK_URL", format!("http://127.0.0.1:{}/services/{SECRET}", self.port)),
            ("ALERT_SLACK_CHANNEL", "#alerts-neopro".to_owned()),
        ]
    }

    pub fn will(&self, next: Next) {
        self.book().next.push_back(next);
    }

    /// The messages that it took.
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

async fn answer(State(slack): State<Slack>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let next = {
        let mut book = slack.book();
        book.requests += 1;
        book.next.pop_front()
    };
    let say = |status: u16, text: &'static str| (StatusCode::from_u16(status).expect("a status"), text).into_response();
    match next {
        Some(Next::Silence) => {
            tokio::time::sleep(Duration::from_secs(3_600)).await;
            say(504, "")
        }
        Some(Next::TooMany(seconds)) => {
            let mut response = say(429, "rate_limited");
            response.headers_mut().insert("retry-after", seconds.into());
            response
        }
        Some(Next::Refuse(status, text)) => say(status, text),
        None => match judge(&method, &uri, &headers, &body) {
            Ok(message) => {
                slack.book().taken.push(message);
                say(200, "ok")
            }
            Err((status, text)) => say(status, text),
        },
    }
}

/// The limits of blocks as the reference has them, and a text that links and calls nobody by a name.
fn judge(method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Result<Value, (u16, &'static str)> {
    if method != Method::POST || uri.path() != format!("/services/{SECRET}") {
        return Err((404, "no_service"));
    }
    if headers.get("content-type").is_none_or(|kind| kind != "application/json") {
        return Err((400, "invalid_payload"));
    }
    let message: Value = serde_json::from_slice(body).map_err(|_| (400, "invalid_payload"))?;
    let text = message["text"].as_str().filter(|text| !text.is_empty()).ok_or((400, "no_text"))?;
    let blocks = message["blocks"].as_array().ok_or((400, "invalid_blocks"))?;
    let short = |value: &Value, most: usize| {
        value["text"].as_str().is_some_and(|text| !text.is_empty() && text.chars().count() <= most)
    };
    let fits = |block: &Value| match block["type"].as_str() {
        Some("header") => block["text"]["type"] == "plain_text" && short(&block["text"], 150),
        Some("section") => {
            let fields = block["fields"].as_array().map_or(&[][..], Vec::as_slice);
            let has = block.get("text").is_some() || !fields.is_empty();
            let text = block.get("text").is_none_or(|text| text["type"] == "mrkdwn" && short(text, 3_000));
            has && text && fields.len() <= 10 && fields.iter().all(|field| short(field, 2_000))
        }
        Some("context") => {
            block["elements"].as_array().is_some_and(|all| all.len() <= 10 && all.iter().all(|one| short(one, 2_000)))
        }
        _ => false,
    };
    if blocks.is_empty() || blocks.len() > 50 || !blocks.iter().all(fits) {
        return Err((400, "invalid_blocks"));
    }
    if message.to_string().chars().count() > 13_200 || text.contains("<!") {
        return Err((400, "msg_blocks_too_long"));
    }
    Ok(message)
}
