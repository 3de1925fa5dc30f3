//! Services that take what they are sent: Slack's webhooks, Logtail's ingestion.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};

/// What came.
#[derive(Debug, Clone)]
pub struct Came {
    pub line: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// A service that answers 200 and one text to all.
#[derive(Debug, Clone)]
pub struct Sink {
    came: Arc<Mutex<Vec<Came>>>,
    answer: &'static str,
    pub port: u16,
}

impl Sink {
    /// Starts it on a free port.
    pub async fn start(answer: &'static str) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let sink = Self { came: Arc::default(), answer, port };
        let router = Router::new().fallback(take).with_state(sink.clone());
        tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        sink
    }

    /// All that came so far.
    pub fn came(&self) -> Vec<Came> {
        self.came.lock().expect("a list").clone()
    }
}

async fn take(State(sink): State<Sink>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> &'static str {
    let line = format!("{method} {}", uri.path());
    sink.came.lock().expect("a list").push(Came { line, headers, body });
    sink.answer
}
