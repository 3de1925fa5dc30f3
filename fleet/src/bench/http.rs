//! A caller of the server's public interface: one connection that is kept, one request at a time. By hand, because what
//! the generator spends on a request is taken from the server that it measures.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest head of an answer.
const LONGEST_HEAD: usize = 16 * 1024;

/// A connection with a session.
#[derive(Debug)]
pub(super) struct Caller {
    stream: TcpStream,
    server: SocketAddr,
    token: String,
    /// The last answer: its head, and behind it its body.
    buffer: Vec<u8>,
}

/// An answer. Its body is borrowed from the connection.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    pub status: u16,
    pub body: &'a [u8],
}

impl Answer<'_> {
    /// The body of an answer that has to be a success.
    pub fn json(&self) -> Result<Value, String> {
        if !(200..300).contains(&self.status) {
            return Err(format!("{}: {}", self.status, String::from_utf8_lossy(self.body)));
        }
        serde_json::from_slice(self.body).map_err(|error| format!("An answer is no JSON: {error}."))
    }
}

impl Caller {
    /// Connects.
    pub async fn connect(server: SocketAddr, token: &str) -> Result<Self, String> {
        let complain = |error: std::io::Error| format!("{server}: {error}.");
        let stream = TcpStream::connect(server).await.map_err(complain)?;
        stream.set_nodelay(true).map_err(complain)?;
        Ok(Self { stream, server, token: token.to_owned(), buffer: Vec::new() })
    }

    pub async fn get(&mut self, path: &str) -> Result<Answer<'_>, String> {
        self.send("GET", path, "", b"").await
    }

    /// The JSON of an address, which has to be there.
    pub async fn read(&mut self, path: &str) -> Result<Value, String> {
        self.get(path).await?.json().map_err(|error| format!("GET {path}: {error}"))
    }

    pub async fn send_json(&mut self, method: &str, path: &str, body: &Value) -> Result<Answer<'_>, String> {
        self.send(method, path, "application/json", body.to_string().as_bytes()).await
    }

    /// Sends a request and waits for its answer.
    pub async fn send(&mut self, method: &str, path: &str, kind: &str, body: &[u8]) -> Result<Answer<'_>, String> {
        let Self { server, token, .. } = &self;
        let mut request =
            format!("{method} {path} HTTP/1.1\r\nHost: {server}\r\nAuthorization: Bearer {token}\r\n").into_bytes();
        if !kind.is_empty() {
            request.extend_from_slice(format!("Content-Type: {kind}\r\nContent-Length: {}\r\n", body.len()).as_bytes());
        }
        request.extend_from_slice(b"\r\n");
        request.extend_from_slice(body);
        let exchange = async {
            self.stream.write_all(&request).await?;
            self.receive().await
        };
        let (status, start) = match timeout(PATIENCE, exchange).await {
            Ok(received) => received.map_err(|error| format!("{method} {path}: {error}."))?,
            Err(_) => return Err(format!("{method} {path}: no answer within {} s.", PATIENCE.as_secs())),
        };
        Ok(Answer { status, body: &self.buffer[start..] })
    }

    /// Receives one answer: its status, and where in the buffer its body begins.
    async fn receive(&mut self) -> std::io::Result<(u16, usize)> {
        let broken = |what: &str| std::io::Error::other(format!("{what} in an answer"));
        self.buffer.clear();
        let head = loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            match Head::read(&self.buffer) {
                Some(head) => break head.ok_or_else(|| broken("no length, or none that we read,"))?,
                None if self.buffer.len() > LONGEST_HEAD => return Err(broken("a long head")),
                None => {}
            }
        };
        let whole = head.body + head.length;
        self.buffer.reserve(whole.saturating_sub(self.buffer.len()));
        while self.buffer.len() < whole {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
        // One question at a time: nothing may follow its answer.
        if self.buffer.len() > whole { Err(broken("more than its length")) } else { Ok((head.status, head.body)) }
    }
}

/// The head of an answer.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    /// Where the body begins.
    body: usize,
    length: usize,
}

impl Head {
    /// `None` while it is not whole, `Some(None)` when it is none that we can read.
    fn read(bytes: &[u8]) -> Option<Option<Self>> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let read = || {
            let text = std::str::from_utf8(&bytes[..end]).ok()?;
            let mut lines = text.split("\r\n");
            let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
            let length = lines.find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
            });
            // 204 has no body, and says no length.
            let length = if status == 204 { 0 } else { length? };
            Some(Self { status, body: end + 4, length })
        };
        Some(read())
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn heads_are_read() {
        let read = |text: &str| Head::read(text.as_bytes());
        assert_eq!(
            read("HTTP/1.1 200 OK\r\ncontent-length:  12\r\n\r\nab"),
            Some(Some(Head { status: 200, body: 40, length: 12 }))
        );
        assert_eq!(read("HTTP/1.1 204 No\r\n\r\n"), Some(Some(Head { status: 204, body: 19, length: 0 })));
        assert_eq!(read("HTTP/1.1 200 OK\r\ncontent-length: 12\r\n"), None, "not whole");
        assert_eq!(read("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"), Some(None));
        assert_eq!(read("SMTP\r\n\r\n"), Some(None));
    }

    #[tokio::test]
    async fn a_connection_is_used_again_and_its_answers_are_whole() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let server = listener.local_addr().expect("an address");
        let serve = async {
            let (mut stream, _) = listener.accept().await.expect("a caller");
            let mut asked = vec![0; 4096];
            for pieces in [
                ["HTTP/1.1 200 OK\r\ncontent-le", "ngth: 7\r\n\r\n{\"a\"", ":1}"],
                ["HTTP/1.1 503 No\r\n", "content-length: 2\r\n\r\n", "no"],
            ] {
                let length = stream.read(&mut asked).await.expect("a question");
                assert!(String::from_utf8_lossy(&asked[..length]).contains("Authorization: Bearer t\r\n"));
                for piece in pieces {
                    stream.write_all(piece.as_bytes()).await.expect("written");
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        };
        let ask = async {
            let mut caller = Caller::connect(server, "t").await.expect("a connection");
            assert_eq!(caller.read("/a").await.expect("JSON")["a"], 1);
            assert!(caller.read("/b").await.expect_err("a failure").contains("503"));
        };
        tokio::join!(serve, ask);
    }
}
