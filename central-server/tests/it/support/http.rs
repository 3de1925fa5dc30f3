//! A client over real sockets.

use axum::body::Bytes;
use axum::http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use super::Answer;

/// One connection to a server on this machine, which requests follow each other on.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    port: u16,
}

impl Connection {
    /// Connects.
    pub async fn open(port: u16) -> std::io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(std::io::Error::other)?;
        tokio::spawn(async move {
            let _ = connection.await;
        });
        Ok(Self { sender, port })
    }

    /// Sends a request and reads the answer.
    pub async fn send(
        &mut self,
        method: &Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> std::io::Result<Answer> {
        let mut request =
            Request::builder().method(method).uri(path).header("host", format!("127.0.0.1:{}", self.port));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let bytes = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Bytes::from(serde_json::to_vec(body).expect("JSON"))
            }
            None => Bytes::new(),
        };
        let request = request.body(Full::new(bytes)).expect("a request");
        let response = self.sender.send_request(request).await.map_err(std::io::Error::other)?;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
        let answer = Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
            bytes,
        };
        super::contract::check(method, path, &answer);
        Ok(answer)
    }
}

/// A `POST` of a form with files.
pub async fn send_form(port: u16, path: &str, token: &str, form: &super::Form) -> std::io::Result<Answer> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(std::io::Error::other)?;
    tokio::spawn(async move {
        let _ = connection.await;
    });
    let request = Request::post(path)
        .header("host", format!("127.0.0.1:{port}"))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", form.media_type())
        .body(Full::new(Bytes::from(form.bytes())))
        .expect("a request");
    let (parts, body) = sender.send_request(request).await.map_err(std::io::Error::other)?.into_parts();
    let bytes = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, text, bytes })
}

/// One request on a connection of its own.
pub async fn send(
    port: u16,
    method: Method,
    path: &str,
    token: Option<&str>,
    body: Option<&Value>,
) -> std::io::Result<Answer> {
    Connection::open(port).await?.send(&method, path, token, body).await
}

/// A `GET` that has to be answered.
pub async fn get(port: u16, path: &str) -> Answer {
    send(port, Method::GET, path, None, None).await.expect("an answer")
}
