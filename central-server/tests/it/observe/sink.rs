//! A stand-in for the ingesting host of Logtail: judges requests by the public contract, keeps the lines, and fails in every
//! way in which a service can.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The token that it knows.
pub const TOKEN: &str = "srcTok3nForTests9876";

/// What it does with a request, in the place of judging it.
#[derive(Debug, Clone, Copy)]
pub enum Next {
    /// This status, and `Retry-After`.
    Answer(u16, Option<u64>),
    /// Reads, and says nothing ever.
    Hang,
    /// Breaks the connection off.
    Reset,
    /// Something that is no HTTP, without an end.
    Garbage,
}

/// A request that was taken.
#[derive(Debug, Clone)]
pub struct Taken {
    pub at: Instant,
    pub status: u16,
    pub head: String,
    pub lines: Vec<Value>,
    pub bytes: usize,
}

#[derive(Debug, Default)]
struct Book {
    taken: Vec<Taken>,
    next: VecDeque<Next>,
    always: Option<Next>,
}

/// The stand-in.
#[derive(Debug, Clone)]
pub struct Sink {
    book: Arc<Mutex<Book>>,
    pub port: u16,
}

impl Sink {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let sink = Self { book: Arc::default(), port: listener.local_addr().expect("an address").port() };
        let kept = sink.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let sink = kept.clone();
                tokio::spawn(async move { sink.serve(stream).await });
            }
        });
        sink
    }

    /// The variables of a server that sends here.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        vec![("LOGTAIL_TOKEN", TOKEN.to_owned()), ("LOGTAIL_HOST", self.address())]
    }

    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Does this with the next request.
    pub fn will(&self, next: Next) {
        self.book().next.push_back(next);
    }

    /// Does this with every request, or judges them again.
    pub fn always(&self, next: Option<Next>) {
        self.book().always = next;
    }

    pub fn taken(&self) -> Vec<Taken> {
        self.book().taken.clone()
    }

    /// The lines of those requests that were answered by 202.
    pub fn lines(&self) -> Vec<Value> {
        self.taken().into_iter().filter(|taken| taken.status == 202).flat_map(|taken| taken.lines).collect()
    }

    /// Waits until a line with this message has arrived.
    pub async fn hears(&self, message: &str, within: Duration) {
        let began = Instant::now();
        while !self.lines().iter().any(|line| line["message"] == message) {
            assert!(began.elapsed() < within, "{message:?} has not arrived: {:?}", self.lines());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().expect("no panic")
    }

    async fn serve(&self, mut stream: TcpStream) {
        let Some((head, body)) = read(&mut stream).await else { return };
        let next = {
            let mut book = self.book();
            book.next.pop_front().or(book.always)
        };
        let status = match next {
            None => judge(&head, &body),
            Some(Next::Answer(status, _)) => status,
            Some(Next::Hang | Next::Reset | Next::Garbage) => 0,
        };
        let lines = serde_json::from_slice::<Vec<Value>>(&body).unwrap_or_default();
        self.book().taken.push(Taken { at: Instant::now(), status, head, lines, bytes: body.len() });
        let retry = match next {
            Some(Next::Answer(_, Some(seconds))) => format!("retry-after: {seconds}\r\n"),
            _ => String::new(),
        };
        match next {
            Some(Next::Hang) => tokio::time::sleep(Duration::from_secs(600)).await,
            Some(Next::Reset) => drop(stream.set_zero_linger()),
            Some(Next::Garbage) => {
                let _ = stream.write_all(b"\x16\x03\x01 no HTTP at all\r\n\r\n").await;
                while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
            }
            _ => {
                let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n{retry}\r\n");
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        }
    }
}

/// A request: its head and its body.
async fn read(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 16 * 1024];
        let count = stream.read(&mut chunk).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&chunk[..count]);
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
        while bytes.len() < end + 4 + length {
            let count = stream.read(&mut chunk).await.ok().filter(|count| *count > 0)?;
            bytes.extend_from_slice(&chunk[..count]);
        }
        // The token is the one thing whose capitals count.
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        return Some((head, bytes[end + 4..end + 4 + length].to_vec()));
    }
}

/// What the service would answer.
fn judge(head: &str, body: &[u8]) -> u16 {
    let has = |wanted: &str| head.lines().any(|line| line.eq_ignore_ascii_case(wanted));
    if !head.starts_with("POST / HTTP/1.1") {
        404
    } else if !head
        .lines()
        .any(|line| line.to_lowercase().starts_with("authorization: bearer ") && line.ends_with(&format!(" {TOKEN}")))
    {
        403
    } else if !has("content-type: application/json") || serde_json::from_slice::<Vec<Value>>(body).is_err() {
        406
    } else {
        202
    }
}
