//! Somebody who has the dashboard open: reads the stream of changes as a browser does.

use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request};
use futures_util::{Stream, StreamExt as _};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// An open stream.
pub struct Watcher {
    pub headers: HeaderMap,
    bytes: Pin<Box<dyn Stream<Item = Bytes> + Send>>,
    text: String,
}

impl Watcher {
    /// The stream in this body.
    pub fn of(headers: HeaderMap, body: Body) -> Self {
        let bytes = Box::pin(body.into_data_stream().map(|bytes| bytes.expect("bytes")));
        Self { headers, bytes, text: String::new() }
    }

    /// A stream over a real socket, as a browser asks for it.
    pub async fn open(port: u16, path: &str, token: &str) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("a connection");
        let (mut sender, connection) = handshake(TokioIo::new(stream)).await.expect("HTTP");
        tokio::spawn(connection);
        let request = Request::get(path)
            .header("host", format!("127.0.0.1:{port}"))
            .header("authorization", format!("Bearer {token}"))
            .header("accept", "text/event-stream")
            .header("accept-encoding", "gzip")
            .body(Empty::<Bytes>::new())
            .expect("a request");
        let (parts, body) = sender.send_request(request).await.expect("an answer").into_parts();
        assert_eq!(parts.status, 200);
        // A connection that is cut ends the stream as well.
        let bytes = body.into_data_stream().take_while(|bytes| std::future::ready(bytes.is_ok()));
        let bytes = Box::pin(bytes.map(|bytes| bytes.expect("bytes")).chain(futures_util::stream::once(async move {
            drop(sender);
            Bytes::new()
        })));
        Self { headers: parts.headers, bytes, text: String::new() }
    }

    /// The next event and its data; nothing when the stream is over.
    pub async fn next(&mut self) -> Option<(String, Value)> {
        tokio::time::timeout(Duration::from_secs(20), self.read()).await.expect("an event within 20 s")
    }

    /// The next event within this time.
    pub async fn within(&mut self, time: Duration) -> Option<(String, Value)> {
        tokio::time::timeout(time, self.read()).await.ok().flatten()
    }

    /// The data of the next event, which is to have this name.
    pub async fn says(&mut self, name: &str) -> Value {
        match self.next().await {
            Some((said, data)) if said == name => data,
            other => panic!("{other:?} in the place of {name}"),
        }
    }

    /// Reads on until an event is as it is to be.
    pub async fn until(&mut self, what: &str, mut holds: impl FnMut(&str, &Value) -> bool) -> Value {
        let mut seen = Vec::new();
        let waited = tokio::time::timeout(Duration::from_secs(20), async {
            while let Some((name, data)) = self.read().await {
                if holds(&name, &data) {
                    return data;
                }
                seen.push((name, data));
            }
            panic!("the stream ended without {what}: {seen:?}")
        });
        waited.await.unwrap_or_else(|_| panic!("20 s without {what}"))
    }

    async fn read(&mut self) -> Option<(String, Value)> {
        loop {
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned));
                if let (Some(name), Some(data)) = (field("event: "), field("data: ")) {
                    return Some((name, serde_json::from_str(&data).expect("JSON")));
                }
            }
            self.text.push_str(std::str::from_utf8(&self.bytes.next().await?).expect("whole events"));
        }
    }
}
