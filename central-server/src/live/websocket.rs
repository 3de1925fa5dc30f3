//! The server's side of a WebSocket (RFC 6455), as far as the live channel speaks it: text, pings, an end.
//!
//! Of our own because of what thousands of them cost. One that is idle holds no buffer at all; the memory of a large
//! message goes back as soon as it is read (`frames`). The limit may change while the connection lasts: a stranger may
//! send little, a box that we know a whole configuration.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header};
use axum::response::Response;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto::upgrade;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::allowance::Allowance;
use super::frames::{CLOSE, End, Incoming, PONG, Said, TEXT, frame};
use super::large::{Beside, Turn};
use super::session::STRANGERS_PAYLOAD;
use crate::http::Place;

/// Packets of all connections of this process.
static SENT: AtomicU64 = AtomicU64::new(0);

/// How many packets this process has sent to boxes through WebSockets.
#[must_use]
pub fn packets_sent() -> u64 {
    SENT.load(Ordering::Relaxed)
}

/// How much is read at a time. It lies on the stack of the thread that reads, not in the connection.
const CHUNK: usize = 16 * 1024;
/// How long an end waits for the client's: a socket that is dropped with unread bytes in it is reset, and the
/// last words, perhaps an `auth_error`, are lost on their way.
const LINGER: Duration = Duration::from_secs(1);
/// And how much is read of it meanwhile.
const LAST_BYTES: usize = 256 * 1024;
/// The code of an end because the server stops: it is back soon, or another one is there (IANA, « Service Restart »).
const RESTARTING: [u8; 2] = 1012u16.to_be_bytes();
/// How many messages of one client may be heard before others have their turn.
const IN_A_ROW: u8 = 8;

/// A client's wish to change from HTTP to a WebSocket.
pub(super) struct Upgrade {
    connection: OnUpgrade,
    place: Option<Place>,
    accept: HeaderValue,
}

impl Upgrade {
    /// Reads the wish out of a request; `None` if it is none, or none that can be fulfilled.
    pub(super) fn asked(parts: &mut Parts) -> Option<Self> {
        if parts.method != Method::GET || parts.version != Version::HTTP_11 {
            return None;
        }
        let headers = &parts.headers;
        let says = |name: HeaderName, word: &str| has_word(headers, &name, word);
        if !says(header::CONNECTION, "upgrade")
            || !says(header::UPGRADE, "websocket")
            || !says(header::SEC_WEBSOCKET_VERSION, "13")
        {
            return None;
        }
        let accept = accept(headers.get(header::SEC_WEBSOCKET_KEY)?.as_bytes())?;
        let connection = parts.extensions.remove::<OnUpgrade>()?;
        Some(Self { connection, place: parts.extensions.remove::<Place>(), accept })
    }

    /// The answer on which the connection changes.
    pub(super) fn answer(&self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, self.accept.clone());
        response
    }

    /// The WebSocket, once the answer has left. `None` if the client went before.
    pub(super) async fn socket(self) -> Option<WebSocket> {
        let upgraded = self.connection.await.ok()?;
        // The connection itself, without what HTTP had wrapped around it: that would live as long as it does.
        match upgrade::downcast::<TokioIo<TcpStream>>(upgraded) {
            Ok(parts) => Some(WebSocket::new(parts.io.into_inner(), parts.read_buf.to_vec(), self.place)),
            Err(_) => {
                tracing::error!("a connection of an unknown kind cannot become a WebSocket");
                None
            }
        }
    }
}

/// Whether a header's list has a word, whatever its capitals.
fn has_word(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|one| one.trim().eq_ignore_ascii_case(word))
}

/// What proves to a client that we understood its key. SHA-1 secures nothing here.
fn accept(key: &[u8]) -> Option<HeaderValue> {
    let mut sha1 = ring::digest::Context::new(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY);
    sha1.update(key);
    sha1.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    HeaderValue::from_str(&data_encoding::BASE64.encode(sha1.finish().as_ref())).ok()
}

/// One connection.
pub(super) struct WebSocket {
    stream: TcpStream,
    incoming: Incoming,
    in_a_row: u8,
    /// While a long message comes, and until it is handled.
    arrival: Option<Turn>,
    /// Kept as long as the connection: it counts among those that the server accepts.
    _place: Option<Place>,
}

impl WebSocket {
    pub(super) fn new(stream: TcpStream, received: Vec<u8>, place: Option<Place>) -> Self {
        Self { stream, incoming: Incoming::of(received), in_a_row: 0, arrival: None, _place: place }
    }

    /// What the client says next, as soon as its allowance lets it be heard, if no frame and no message is longer than
    /// `limit` bytes. `None` when it goes, is gone, or does not keep to the protocol. Loses nothing when it is given up
    /// half-way. Long messages come when it is their turn `beside` others; those of strangers do not, who might only keep
    /// others from theirs.
    pub(super) async fn receive(
        &mut self,
        limit: usize,
        allowance: &mut Allowance,
        beside: Option<&Beside>,
    ) -> Option<Said> {
        let beside = beside.filter(|_| limit > STRANGERS_PAYLOAD);
        // Whoever asks for more has handled what was said before.
        self.arrival.take_if(|_| !self.incoming.is_long());
        loop {
            if let Some(moment) = allowance.pause(Instant::now()) {
                // On the heap for as long as it lasts: most clients never see one.
                Box::pin(tokio::time::sleep_until(moment)).await;
            }
            // A client that never stops sending must leave the thread to the others now and then.
            if self.in_a_row >= IN_A_ROW {
                self.in_a_row = 0;
                tokio::task::yield_now().await;
            }
            let said = self.incoming.next(limit);
            allowance.frames(std::mem::take(&mut self.incoming.frames), Instant::now());
            match said {
                Ok(Some(said)) => {
                    self.in_a_row += 1;
                    return Some(said);
                }
                Ok(None) => {}
                Err(End) => return None,
            }
            self.incoming.tidy();
            if allowance.pause(Instant::now()).is_some() {
                continue;
            }
            if let Some(beside) = beside
                && self.arrival.is_none()
                && self.incoming.is_long()
            {
                self.arrival = Box::pin(beside.arrival()).await;
            }
            tokio::task::coop::consume_budget().await;
            self.stream.readable().await.ok()?;
            match self.read_now() {
                Ok(0) => return None,
                Ok(length) => allowance.read(length, Instant::now()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return None,
            }
        }
    }

    fn read_now(&mut self) -> io::Result<usize> {
        let mut chunk = [0u8; CHUNK];
        let length = self.stream.try_read(&mut chunk)?;
        self.incoming.add(&chunk[..length]);
        Ok(length)
    }

    /// Sends a message.
    ///
    /// # Errors
    /// The connection's. One that was given up half-way cannot be used any more.
    pub(super) async fn send(&mut self, text: &str) -> io::Result<()> {
        SENT.fetch_add(1, Ordering::Relaxed);
        self.write(TEXT, text.as_bytes()).await
    }

    /// Answers a ping.
    ///
    /// # Errors
    /// The connection's.
    pub(super) async fn pong(&mut self, payload: &[u8]) -> io::Result<()> {
        self.write(PONG, payload).await
    }

    /// Says that it ends, and whether that is because the server stops, and lets what was sent arrive.
    pub(super) async fn finish(mut self, restarting: bool) {
        let end = async {
            self.write(CLOSE, if restarting { &RESTARTING } else { &[] }).await?;
            self.stream.shutdown().await?;
            let mut read = 0;
            while read < LAST_BYTES {
                self.stream.readable().await?;
                self.incoming = Incoming::default();
                match self.read_now() {
                    Ok(0) => break,
                    Ok(length) => read += length,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err::<(), io::Error>(error),
                }
            }
            Ok(())
        };
        // Whatever happens, the connection is dropped behind it.
        let _ = tokio::time::timeout(LINGER, end).await;
    }

    async fn write(&mut self, kind: u8, payload: &[u8]) -> io::Result<()> {
        self.stream.write_all(&frame(kind, payload)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proof_is_that_of_the_standard() {
        let accept = accept(b"dGhlIHNhbXBsZSBub25jZQ==").expect("a header");
        assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
