//! The server's side of a WebSocket (RFC 6455), as far as the live channel speaks it: text, pings, an end.
//!
//! Of our own because of what thousands of them cost. One that is idle holds no buffer at all; what a frame
//! announces is refused by its head when the client may not send so much, and is never allocated before it has
//! come; the memory of a large message goes back as soon as it is read. The limit may change while the
//! connection lasts: a stranger may send little, a box that we know a whole configuration.

use std::io;
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
use crate::http::Place;

/// How much is read at a time. It lies on the stack of the thread that reads, not in the connection.
const CHUNK: usize = 16 * 1024;
/// How long an end waits for the client's: a socket that is dropped with unread bytes in it is reset, and the
/// last words, perhaps an `auth_error`, are lost on their way.
const LINGER: Duration = Duration::from_secs(1);
/// And how much is read of it meanwhile.
const LAST_BYTES: usize = 256 * 1024;
/// How many messages of one client may be heard before others have their turn.
const IN_A_ROW: u8 = 8;

const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;

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

/// What a client says.
#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    /// A message.
    Text(String),
    /// A ping of the WebSocket itself, to be answered with the same bytes.
    Ping(Vec<u8>),
}

/// One connection.
pub(super) struct WebSocket {
    stream: TcpStream,
    incoming: Incoming,
    in_a_row: u8,
    /// Kept as long as the connection: it counts among those that the server accepts.
    _place: Option<Place>,
}

impl WebSocket {
    pub(super) fn new(stream: TcpStream, received: Vec<u8>, place: Option<Place>) -> Self {
        Self { stream, incoming: Incoming { received, ..Incoming::default() }, in_a_row: 0, _place: place }
    }

    /// What the client says next, as soon as its allowance lets it be heard, if no frame and no message is longer than
    /// `limit` bytes. `None` when it goes, is gone, or does not keep to the protocol. Loses nothing when it is given up
    /// half-way.
    pub(super) async fn receive(&mut self, limit: usize, allowance: &mut Allowance) -> Option<Said> {
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
        self.write(TEXT, text.as_bytes()).await
    }

    /// Answers a ping.
    ///
    /// # Errors
    /// The connection's.
    pub(super) async fn pong(&mut self, payload: &[u8]) -> io::Result<()> {
        self.write(PONG, payload).await
    }

    /// Says that it ends, and lets what was sent arrive.
    pub(super) async fn finish(mut self) {
        let end = async {
            self.write(CLOSE, &[]).await?;
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

/// A frame of the server's: whole, unmasked.
fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(payload.len() + 10);
    frame.push(0x80 | kind);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length @ 0..=125), _) => frame.push(length),
        (_, Ok(length)) => {
            frame.push(126);
            frame.extend_from_slice(&length.to_be_bytes());
        }
        _ => {
            frame.push(127);
            frame.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame
}

/// The client closes, or what it sends cannot be understood: nothing that follows can be.
#[derive(Debug, PartialEq, Eq)]
pub struct End;

/// What has come and is not understood yet. Knows nothing of a connection, so that any bytes can be tried on it.
#[derive(Debug, Default)]
pub struct Incoming {
    received: Vec<u8>,
    /// How many bytes of `received` are done with.
    done: usize,
    /// The beginning of a message that comes in several frames.
    begun: Option<Vec<u8>>,
    /// How many frames were read since that was last asked.
    frames: u32,
}

/// The head of a frame.
struct Head {
    last: bool,
    kind: u8,
    mask: [u8; 4],
    /// Where the payload begins, counted from the head.
    start: usize,
    length: usize,
}

impl Incoming {
    /// Adds what has come.
    pub fn add(&mut self, bytes: &[u8]) {
        self.received.extend_from_slice(bytes);
    }

    /// The next thing said among what has come; `None` when more has to come first.
    ///
    /// # Errors
    /// [`End`]: nothing is to be read behind it. Also if a message is longer than `limit`.
    pub fn next(&mut self, limit: usize) -> Result<Option<Said>, End> {
        loop {
            let waiting = &self.received[self.done..];
            let room = limit.saturating_sub(self.begun.as_ref().map_or(0, Vec::len));
            let Some(head) = read_head(waiting, room)? else { return Ok(None) };
            if waiting.len() < head.start + head.length {
                return Ok(None);
            }
            self.frames += 1;
            let payload = self.take(&head);
            match (head.kind, self.begun.take()) {
                (TEXT, None) if head.last => return text(payload),
                (TEXT, None) => self.begun = Some(payload),
                (CONTINUATION, Some(mut message)) => {
                    message.extend_from_slice(&payload);
                    if head.last {
                        return text(message);
                    }
                    self.begun = Some(message);
                }
                (PING, begun) => {
                    self.begun = begun;
                    return Ok(Some(Said::Ping(payload)));
                }
                (PONG, begun) => self.begun = begun,
                // A close, a binary frame, a message within another one, a continuation of none.
                _ => return Err(End),
            }
        }
    }

    /// Takes a payload that has come whole, unmasked.
    fn take(&mut self, head: &Head) -> Vec<u8> {
        let start = self.done + head.start;
        let end = start + head.length;
        let mut payload = if end == self.received.len() && head.length > CHUNK {
            // A large message is not copied: the buffer itself becomes it.
            let mut whole = std::mem::take(&mut self.received);
            whole.drain(..start);
            self.done = 0;
            whole
        } else {
            self.done = end;
            self.received[start..end].to_vec()
        };
        unmask(&mut payload, head.mask);
        payload
    }

    /// Gives back the memory of what is done with, before the next wait.
    pub fn tidy(&mut self) {
        if self.done == self.received.len() {
            self.received = Vec::new();
        } else {
            self.received.drain(..self.done);
        }
        self.done = 0;
    }
}

/// Takes the mask off, sixteen bytes at a time: with a large message the thread is kept from others.
fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let four = u128::from(u32::from_ne_bytes(mask));
    let wide = four | four << 32 | four << 64 | four << 96;
    let (chunks, rest) = payload.as_chunks_mut::<16>();
    for chunk in chunks {
        *chunk = (u128::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask.into_iter().cycle()) {
        *byte ^= mask;
    }
}

/// Reads a frame's head; `None` if it has not come whole. A payload above `room` is refused before it comes.
fn read_head(bytes: &[u8], room: usize) -> Result<Option<Head>, End> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    let (last, kind) = (first & 0x80 != 0, first & 0x0f);
    // No extension was agreed on, and clients mask.
    if first & 0x70 != 0 || second & 0x80 == 0 {
        return Err(End);
    }
    let (length, width) = match (second & 0x7f, rest) {
        (126, [a, b, ..]) => (u64::from(u16::from_be_bytes([*a, *b])), 2),
        (127, [a, b, c, d, e, f, g, h, ..]) => (u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), 8),
        (126 | 127, _) => return Ok(None),
        (length, _) => (u64::from(length), 0),
    };
    let fits = match kind {
        TEXT | CONTINUATION => usize::try_from(length).is_ok_and(|length| length <= room),
        CLOSE | PING | PONG => last && length <= 125,
        _ => false,
    };
    let (true, Ok(length)) = (fits, usize::try_from(length)) else { return Err(End) };
    match rest.get(width..width + 4) {
        Some(&[a, b, c, d]) => Ok(Some(Head { last, kind, mask: [a, b, c, d], start: 2 + width + 4, length })),
        _ => Ok(None),
    }
}

fn text(bytes: Vec<u8>) -> Result<Option<Said>, End> {
    String::from_utf8(bytes).map(|text| Some(Said::Text(text))).map_err(|_| End)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame as a client sends it.
    fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = frame(0, payload);
        let head = bytes.len() - payload.len();
        bytes[0] = first;
        bytes[1] |= 0x80;
        let mask = [1, 2, 3, 4];
        let scrambled = payload.iter().enumerate().map(|(index, byte)| byte ^ mask[index % 4]);
        let tail: Vec<u8> = mask.into_iter().chain(scrambled).collect();
        bytes.truncate(head);
        bytes.extend_from_slice(&tail);
        bytes
    }

    fn said(text: &str) -> Result<Option<Said>, End> {
        Ok(Some(Said::Text(text.to_owned())))
    }

    fn whole(bytes: &[u8]) -> Incoming {
        Incoming { received: bytes.to_vec(), ..Incoming::default() }
    }

    #[test]
    fn the_proof_is_that_of_the_standard() {
        let accept = accept(b"dGhlIHNhbXBsZSBub25jZQ==").expect("a header");
        assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn messages_are_read_byte_by_byte_and_at_once_alike() {
        let long = "é".repeat(40_000);
        let middle = "x".repeat(300);
        let mut bytes = Vec::new();
        for text in ["", "40", middle.as_str(), long.as_str()] {
            bytes.extend(masked(0x81, text.as_bytes()));
        }
        bytes.extend(masked(0x89, b"here?"));
        bytes.extend(masked(0x8a, b"unasked"));
        bytes.extend(
            [masked(0x01, b"in "), masked(0x89, b""), masked(0x00, b"three "), masked(0x80, b"parts")].concat(),
        );
        let expected = [
            said(""),
            said("40"),
            said(&middle),
            said(&long),
            Ok(Some(Said::Ping(b"here?".to_vec()))),
            Ok(Some(Said::Ping(Vec::new()))),
            said("in three parts"),
            Ok(None),
        ];
        let mut at_once = whole(&bytes);
        for expected in &expected {
            assert_eq!(&at_once.next(100_000), expected);
        }
        let mut slowly = Incoming::default();
        let mut heard = Vec::new();
        for byte in bytes {
            slowly.received.push(byte);
            while let Some(one) = slowly.next(100_000).expect("well formed") {
                heard.push(Ok(Some(one)));
            }
            slowly.tidy();
        }
        assert_eq!(heard, expected[..expected.len() - 1]);
        assert_eq!((slowly.received.capacity(), slowly.begun), (0, None), "nothing is kept while nothing comes");
    }

    #[test]
    fn what_is_too_long_is_refused_by_its_head() {
        assert_eq!(whole(&masked(0x81, &[b'x'; 100])).next(100), said(&"x".repeat(100)));
        assert_eq!(whole(&masked(0x81, &[b'x'; 101])[..1]).next(100), Ok(None), "its length is still to come");
        assert_eq!(whole(&masked(0x81, &[b'x'; 101])[..2]).next(100), Err(End));
        assert_eq!(whole(&[0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).next(100), Err(End));
        let parts = [masked(0x01, &[b'x'; 60]), masked(0x00, &[b'x'; 40]), masked(0x00, b"x")].concat();
        assert_eq!(whole(&parts).next(100), Err(End), "parts count together");
        let endless = [masked(0x01, b""), masked(0x00, b"").repeat(10_000)].concat();
        let mut endless = whole(&endless);
        assert_eq!(endless.next(100), Ok(None));
        assert_eq!(endless.begun.as_ref().map(Vec::capacity), Some(0), "empty parts cost nothing");
    }

    #[test]
    fn what_no_client_of_ours_sends_ends_it() {
        let unmasked = frame(TEXT, b"40");
        for (bytes, what) in [
            (unmasked, "no mask"),
            (masked(0x82, b"40"), "binary"),
            (masked(0xc1, b"40"), "an extension"),
            (masked(0x83, b"40"), "an unknown kind"),
            (masked(0x80, b"40"), "a continuation of nothing"),
            ([masked(0x01, b"4"), masked(0x81, b"0")].concat(), "a message within another"),
            (masked(0x09, b"40"), "a ping in parts"),
            (masked(0x89, &[0; 126]), "a long ping"),
            (masked(0x88, b""), "a close"),
            (masked(0x81, &[0xff, 0xfe]), "no text"),
        ] {
            assert_eq!(whole(&bytes).next(1000), Err(End), "{what}");
        }
    }
}
