//! A client's end of a WebSocket, frame by frame, so that it can say what no library would send. The generator has its
//! own idea of the wire: it shares none with the server.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use neopro_fleet::identity::identity;
use neopro_protocol::Authenticate;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

/// From which the sites' ids and keys follow.
pub const SEED: &str = "siege";
/// How long anything of a client's may take before it is given up.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// The first bytes of whole frames.
pub const TEXT: u8 = 0x81;
pub const PING: u8 = 0x89;
pub const PONG: u8 = 0x8a;

const MASK: [u8; 4] = [0x5a, 0x17, 0xc3, 0x2e];

/// A frame as clients send them, beginning with this byte.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = head(first, payload.len() as u64);
    frame.extend(payload.iter().enumerate().map(|(index, byte)| byte ^ MASK[index % 4]));
    frame
}

/// The head of such a frame, which announces so many bytes.
pub fn head(first: u8, length: u64) -> Vec<u8> {
    let mut head = vec![first];
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ 0..=125), _) => head.push(0x80 | length),
        (_, Ok(length)) => {
            head.push(0x80 | 126);
            head.extend_from_slice(&length.to_be_bytes());
        }
        _ => {
            head.push(0x80 | 127);
            head.extend_from_slice(&length.to_be_bytes());
        }
    }
    head.extend_from_slice(&MASK);
    head
}

/// A connection from this address of the machine's own: to the server each is another club.
pub async fn dial(server: SocketAddr, from: [u8; 4]) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    // The port stays free for the servers of other tests, which listen on every address.
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((from, 0)))?;
    let stream = socket.connect(server).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The request that asks for a WebSocket.
pub const HANDSHAKE: &str = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\n\
     upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: c2llZ2Ugc2llZ2Ugc2llZw==\r\n\r\n";

/// What the server says.
#[derive(Debug)]
pub enum Heard {
    Text(String),
    /// The answer to a ping, with its bytes.
    Pong(Vec<u8>),
    /// It ends the connection, in whatever way.
    End,
}

/// One WebSocket.
pub struct Wire {
    pub stream: TcpStream,
    received: Vec<u8>,
}

impl Wire {
    /// Opens one, and waits for the greeting.
    pub async fn open(server: SocketAddr, from: [u8; 4]) -> io::Result<Self> {
        let mut wire = Self { stream: dial(server, from).await?, received: Vec::new() };
        wire.send(HANDSHAKE.as_bytes()).await?;
        loop {
            if let Some(end) = wire.received.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                if !wire.received.starts_with(b"HTTP/1.1 101 ") {
                    return Err(io::Error::other(String::from_utf8_lossy(&wire.received).into_owned()));
                }
                wire.received.drain(..end + 4);
                break;
            }
            wire.read().await?;
        }
        match wire.hear().await? {
            Heard::Text(greeting) if greeting.starts_with('0') => Ok(wire),
            other => Err(io::Error::other(format!("no greeting, but {other:?}"))),
        }
    }

    /// Opens one, and says which box it is: one that the server knows.
    pub async fn known(server: SocketAddr, from: [u8; 4], number: usize, protocol: Option<u32>) -> io::Result<Self> {
        let known = async {
            let mut wire = Self::open(server, from).await?;
            let identity = identity(SEED, number);
            // One that has nothing yet: its reports are counted from the first.
            let revision = protocol.map(|_| 0);
            let (site_id, api_key) = (identity.site.to_string(), identity.key);
            let claim = Authenticate { site_id, api_key, protocol, revision, ..Authenticate::default() };
            wire.say("40").await?;
            wire.say(&format!("42[\"authenticate\",{}]", serde_json::to_string(&claim)?)).await?;
            loop {
                match wire.hear().await? {
                    Heard::Text(text) if text.starts_with("42[\"authenticated\"") => return Ok(wire),
                    Heard::Text(text) if text.starts_with("40") => {}
                    other => return Err(io::Error::other(format!("no welcome, but {other:?}"))),
                }
            }
        };
        tokio::time::timeout(PATIENCE, known).await.map_err(|_| io::Error::other("no welcome in time"))?
    }

    /// Sends bytes as they are.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Sends a message.
    pub async fn say(&mut self, text: &str) -> io::Result<()> {
        self.send(&frame(TEXT, text.as_bytes())).await
    }

    /// What the server says next. Loses nothing when it is given up half-way.
    pub async fn hear(&mut self) -> io::Result<Heard> {
        loop {
            if let Some((kind, payload)) = self.take() {
                match kind {
                    TEXT => return String::from_utf8(payload).map(Heard::Text).map_err(io::Error::other),
                    PONG => return Ok(Heard::Pong(payload)),
                    0x88 => return Ok(Heard::End),
                    other => return Err(io::Error::other(format!("a frame that begins with {other:#x}"))),
                }
            }
            match self.read().await {
                Ok(()) => {}
                Err(error) => match error.kind() {
                    io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => return Ok(Heard::End),
                    _ => return Err(error),
                },
            }
        }
    }

    async fn read(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.received).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// A frame of the server's that has come whole: servers do not mask.
    fn take(&mut self) -> Option<(u8, Vec<u8>)> {
        let (start, length) = match self.received.as_slice() {
            [_, length @ 0..=125, ..] => (2, usize::from(*length)),
            [_, 126, a, b, ..] => (4, usize::from(u16::from_be_bytes([*a, *b]))),
            [_, 127, rest @ ..] => {
                let length = u64::from_be_bytes(*rest.first_chunk::<8>()?);
                (10, usize::try_from(length).ok()?)
            }
            _ => return None,
        };
        if self.received.len() < start + length {
            return None;
        }
        let frame: Vec<u8> = self.received.drain(..start + length).collect();
        Some((frame[0], frame[start..].to_vec()))
    }

    /// Whether the server ends it within this time. What it says until then is passed over.
    pub async fn ends(&mut self, within: Duration) -> bool {
        let end = async { while !matches!(self.hear().await, Ok(Heard::End) | Err(_)) {} };
        tokio::time::timeout(within, end).await.is_ok()
    }
}
