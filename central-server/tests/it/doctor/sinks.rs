//! Real servers on loopback for what is outside: a dashboard, Slack, Logtail, Redis, and ports that misbehave.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use crate::support::{cluster, program};

/// The page of a dashboard, as far as anybody looks at it from outside.
pub const PAGE: &str = "<!doctype html><title>NeoPro</title><script type=\"module\" src=\"/a.js\"></script>";

/// How the web server behaves, and what it has heard.
#[derive(Debug, Clone)]
pub struct Book {
    pub page: (u16, String),
    /// `health.json`; a page where there is none, as static hosts answer for any address.
    pub build: Option<Value>,
    pub slack_answers: (u16, &'static str),
    pub logs_answer: u16,
    slack: Vec<Value>,
    logs: Vec<(String, Value)>,
}

/// A web server of many parts.
#[derive(Debug, Clone)]
pub struct Sinks {
    book: Arc<Mutex<Book>>,
    pub port: u16,
}

impl Sinks {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let book = Book {
            page: (200, PAGE.to_owned()),
            build: None,
            slack_answers: (200, "ok"),
            logs_answer: 202,
            slack: vec![],
            logs: vec![],
        };
        let sinks = Self { book: Arc::new(Mutex::new(book)), port };
        let router = Router::new().fallback(answer).with_state(sinks.clone());
        tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        sinks
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn set(&self, change: impl FnOnce(&mut Book)) {
        change(&mut self.book.lock().expect("a book"));
    }

    pub fn slack(&self) -> Vec<Value> {
        self.book.lock().expect("a book").slack.clone()
    }

    pub fn logs(&self) -> Vec<(String, Value)> {
        self.book.lock().expect("a book").logs.clone()
    }
}

async fn answer(State(sinks): State<Sinks>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let mut book = sinks.book.lock().expect("a book");
    let status = |status: u16| StatusCode::from_u16(status).expect("a status");
    let read = || serde_json::from_slice::<Value>(&body).unwrap_or_default();
    match uri.path() {
        "/services/T0/B0/slack-secret-canary" => {
            book.slack.push(read());
            (status(book.slack_answers.0), book.slack_answers.1).into_response()
        }
        "/logs" => {
            let authorization = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
            if !body.is_empty() {
                book.logs.push((authorization.to_owned(), read()));
            }
            // It repeats what it was given, as services may.
            (status(book.logs_answer), authorization.to_owned()).into_response()
        }
        "/health.json" if book.build.is_some() => {
            ([("content-type", "application/json")], json!(book.build).to_string()).into_response()
        }
        _ => (status(book.page.0), [("content-type", "text/html")], book.page.1.clone()).into_response(),
    }
}

/// The password of the real Redis below.
pub const REDIS_PASSWORD: &str = "redis-password-canary";

/// A real Redis with a password. It ends with the test.
pub struct Redis {
    child: Child,
    folder: PathBuf,
    pub port: u16,
}

impl Redis {
    pub fn start() -> Self {
        let port = program::free_port();
        let folder = cluster::scratch(&format!("doctor-redis-{port}"));
        std::fs::create_dir_all(&folder).expect("a folder");
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--requirepass", REDIS_PASSWORD])
            .arg("--dir")
            .arg(&folder)
            .stdout(Stdio::null())
            .spawn()
            .expect("the program `redis-server` (package redis-server)");
        let until = Instant::now() + Duration::from_secs(10);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "Redis does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { child, folder, port }
    }

    pub fn url(&self) -> String {
        format!("redis://default:{REDIS_PASSWORD}@127.0.0.1:{}", self.port)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A port that takes connections and says nothing, ever.
pub async fn silent() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    port
}

/// A port at which a server that expects TLS answers everything else with an alert.
pub async fn alerting() -> u16 {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 64]).await;
            let _ = stream.write_all(&[0x15, 3, 1, 0, 2, 2, 10]).await;
        }
    });
    port
}
