//! The server's public interface, as far as the demo needs it.

use std::net::Ipv4Addr;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between the parts of a form: in no text and in no file of ours.
const BOUNDARY: &str = "neopro-demo-1f0c7be2a9d84e63";

/// An account that has logged in.
#[derive(Debug)]
pub(super) struct Api {
    port: u16,
    token: String,
}

/// The status of an answer, and its body if that is JSON.
type Answer = (u16, Value);

/// What is asked for.
struct Question<'a> {
    method: Method,
    path: &'a str,
    kind: &'a str,
    body: Bytes,
}

impl Api {
    /// Logs in.
    pub async fn log_in(port: u16, email: &str, password: &str) -> Result<Self, String> {
        let mut api = Self { port, token: String::new() };
        let answer = api.post("/api/auth/login", &json!({"email": email, "password": password})).await?;
        api.token = text(&answer, "token")?;
        Ok(api)
    }

    /// A `GET` that has to succeed.
    pub async fn get(&self, path: &str) -> Result<Value, String> {
        self.succeed(Question { method: Method::GET, path, kind: "", body: Bytes::new() }).await
    }

    /// A `POST` that has to succeed.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        let body = body.to_string().into();
        self.succeed(Question { method: Method::POST, path, kind: "application/json", body }).await
    }

    /// A `PUT` of a picture that has to succeed.
    pub async fn put_picture(&self, path: &str, picture: Vec<u8>) -> Result<Value, String> {
        self.succeed(Question { method: Method::PUT, path, kind: "image/jpeg", body: picture.into() }).await
    }

    /// Adds a file to the library.
    pub async fn upload(&self, name: &str, bytes: &[u8], fields: &[(&str, &str)]) -> Result<Value, String> {
        let mut body = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"video\"; filename=\"{name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(bytes);
        for (field, value) in fields {
            let part = format!("\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}");
            body.extend_from_slice(part.as_bytes());
        }
        body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        self.succeed(Question { method: Method::POST, path: "/api/videos", kind: &kind, body: body.into() }).await
    }

    async fn succeed(&self, question: Question<'_>) -> Result<Value, String> {
        let what = format!("{} {}", question.method, question.path);
        match timeout(PATIENCE, self.ask(question)).await {
            Ok(Ok((200..=299, body))) => Ok(body),
            Ok(Ok((status, body))) => Err(format!("{what} is answered with {status}: {body}")),
            Ok(Err(error)) => Err(format!("{what}: {error}")),
            Err(_) => Err(format!("{what}: no answer within {} s.", PATIENCE.as_secs())),
        }
    }

    async fn ask(
        &self,
        Question { method, path, kind, body }: Question<'_>,
    ) -> Result<Answer, Box<dyn std::error::Error>> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // The connection ends with this set.
        let mut alongside = JoinSet::new();
        alongside.spawn(connection);
        let mut request = Request::builder().method(method).uri(path).header(HOST, format!("127.0.0.1:{}", self.port));
        if !kind.is_empty() {
            request = request.header(CONTENT_TYPE, kind);
        }
        if !self.token.is_empty() {
            request = request.header(AUTHORIZATION, format!("Bearer {}", self.token));
        }
        let answer = sender.send_request(request.body(Full::new(body))?).await?;
        let status = answer.status().as_u16();
        let bytes = answer.into_body().collect().await?.to_bytes();
        // Pages and empty answers are no JSON: their status says what is to be known.
        Ok((status, serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
    }
}

/// Whether an address of this machine answers with success.
pub(super) async fn answers(port: u16, path: &str) -> bool {
    Api { port, token: String::new() }.get(path).await.is_ok()
}

/// A text of an answer.
pub(super) fn text(answer: &Value, field: &str) -> Result<String, String> {
    answer[field].as_str().map(str::to_owned).ok_or_else(|| format!("An answer has no {field}: {answer}"))
}
