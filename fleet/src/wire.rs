//! One connection to the server's live channel, as little as a box needs of it, so that one process can hold twenty
//! thousand: WebSocket, Engine.IO and Socket.IO of the public contract, and nothing of the server's code.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// Boxes that stand behind one address.
const BEHIND_ONE: usize = 30;

/// What the server says.
#[derive(Debug)]
pub enum Said {
    /// An event, and under which number its arrival is to be acknowledged.
    Event {
        /// Its name.
        name: String,
        /// Its argument, null without one.
        data: Value,
        /// The number.
        ack: Option<u64>,
    },
    /// What was asked under this number is answered.
    Answer(u64),
}

/// A connection. It answers the engine's pings while it is listened to.
#[derive(Debug)]
pub struct Wire {
    socket: WebSocketStream<TcpStream>,
    next_question: u64,
}

impl Wire {
    /// Connects as the box of this number, and enters the namespace without waiting for the answer.
    ///
    /// # Errors
    /// There is no connection, or it is no WebSocket.
    pub async fn connect(server: SocketAddr, number: usize) -> Result<Self, Error> {
        let stream = dial(server, number).await?;
        stream.set_nodelay(true)?;
        let address = format!("ws://{server}/socket.io/?EIO=4&transport=websocket");
        let config = WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(0);
        let (mut socket, _) = client_async_with_config(address, stream, Some(config)).await?;
        socket.feed(Message::text("40")).await?;
        Ok(Self { socket, next_question: 0 })
    }

    /// Says something.
    ///
    /// # Errors
    /// The connection is over.
    pub async fn emit(&mut self, event: &str, data: &impl Serialize) -> Result<(), Error> {
        let data = serde_json::to_string(data).map_err(std::io::Error::other)?;
        self.emit_text(event, &data).await
    }

    /// Says something that is JSON already.
    ///
    /// # Errors
    /// The connection is over.
    pub async fn emit_text(&mut self, event: &str, json: &str) -> Result<(), Error> {
        self.socket.send(Message::text(format!("42[\"{event}\",{json}]"))).await
    }

    /// Says something that is JSON already: how long the server takes to have read it. What it says meanwhile is passed
    /// over, but for its questions for a sign of life.
    ///
    /// # Errors
    /// The connection is over, or something was said that is no packet.
    pub async fn pulse(&mut self, event: &str, json: &str) -> Result<Duration, Error> {
        let began = Instant::now();
        self.socket.feed(Message::text(format!("42[\"{event}\",{json}]"))).await?;
        self.socket.send(Message::Ping(Bytes::new())).await?;
        loop {
            match self.socket.next().await.ok_or(Error::ConnectionClosed)?? {
                Message::Pong(_) => return Ok(began.elapsed()),
                Message::Text(text) => self.answer(&Packet::read(&text)).await?,
                _ => {}
            }
        }
    }

    /// Says something whose arrival the server is to acknowledge: the number of the question.
    ///
    /// # Errors
    /// The connection is over.
    pub async fn ask(&mut self, event: &str, data: &impl Serialize) -> Result<u64, Error> {
        let number = self.next_question;
        self.next_question += 1;
        let data = serde_json::to_string(data).map_err(std::io::Error::other)?;
        self.socket.send(Message::text(format!("42{number}[\"{event}\",{data}]"))).await?;
        Ok(number)
    }

    /// Acknowledges an event.
    ///
    /// # Errors
    /// The connection is over.
    pub async fn acknowledge(&mut self, number: u64, data: &impl Serialize) -> Result<(), Error> {
        let data = serde_json::to_string(data).map_err(std::io::Error::other)?;
        self.socket.send(Message::text(format!("43{number}[{data}]"))).await
    }

    /// What the server says next. Its questions for a sign of life are answered here.
    ///
    /// # Errors
    /// The connection is over, or something was said that is no packet.
    pub async fn next(&mut self) -> Result<Said, Error> {
        loop {
            let message = self.socket.next().await.ok_or(Error::ConnectionClosed)??;
            let Message::Text(text) = message else { continue };
            match Packet::read(&text) {
                Packet::Said(said) => return Ok(said),
                Packet::Malformed => return Err(std::io::Error::other(format!("no packet: {text}")).into()),
                packet => self.answer(&packet).await?,
            }
        }
    }

    /// Answers a question for a sign of life.
    async fn answer(&mut self, packet: &Packet) -> Result<(), Error> {
        match packet {
            Packet::Ping => self.socket.send(Message::text("3")).await,
            Packet::SignOfLife => self.socket.send(Message::text("42[\"pong_check\"]")).await,
            Packet::Said(_) | Packet::Other | Packet::Malformed => Ok(()),
        }
    }

    /// Says goodbye.
    pub async fn close(mut self) {
        // A server that has gone already hears no goodbye.
        let _ = self.socket.close(None).await;
    }
}

/// A text of the engine.
enum Packet {
    Ping,
    /// The application's own question.
    SignOfLife,
    Said(Said),
    /// The engine's and the namespace's greetings.
    Other,
    Malformed,
}

impl Packet {
    fn read(text: &Utf8Bytes) -> Self {
        let text = text.as_str();
        match text.as_bytes() {
            [b'2'] => Self::Ping,
            [b'4', b'2', ..] if text.starts_with("42[\"ping_check\"") => Self::SignOfLife,
            [b'4', b'2', ..] => Self::event(&text[2..]).map_or(Self::Malformed, Self::Said),
            [b'4', b'3', ..] => {
                numbered(&text[2..]).0.map_or(Self::Malformed, |number| Self::Said(Said::Answer(number)))
            }
            _ => Self::Other,
        }
    }

    fn event(text: &str) -> Option<Said> {
        let (ack, arguments) = numbered(text);
        let arguments: Vec<&RawValue> = serde_json::from_str(arguments).ok()?;
        let name = serde_json::from_str(arguments.first()?.get()).ok()?;
        let data = match arguments.get(1) {
            Some(data) => serde_json::from_str(data.get()).ok()?,
            None => Value::Null,
        };
        Some(Said::Event { name, data, ack })
    }
}

/// The number at the beginning of a text, and the rest.
fn numbered(text: &str) -> (Option<u64>, &str) {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    (text[..digits].parse().ok(), &text[digits..])
}

/// A connection to the server. On the machine itself there are addresses enough for the boxes to come from many, as
/// they do in the world; the server's limits are for each.
async fn dial(server: SocketAddr, number: usize) -> std::io::Result<TcpStream> {
    let SocketAddr::V4(address) = server else { return TcpStream::connect(server).await };
    if !address.ip().is_loopback() {
        return TcpStream::connect(server).await;
    }
    let socket = TcpSocket::new_v4()?;
    // The port stays free for a server that listens on every address.
    socket.set_reuseaddr(true)?;
    let club = u16::try_from(number / BEHIND_ONE).unwrap_or_default().to_be_bytes();
    socket.bind(SocketAddr::from(([127, 1, club[0], club[1]], 0)))?;
    socket.connect(server).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Packet {
        Packet::read(&text.to_owned().into())
    }

    #[test]
    fn what_the_server_says_is_read() {
        assert!(matches!(read("2"), Packet::Ping));
        assert!(matches!(read("42[\"ping_check\",{\"timestamp\":1}]"), Packet::SignOfLife));
        assert!(matches!(read("4317[{\"sequence\":1}]"), Packet::Said(Said::Answer(17))));
        let Packet::Said(Said::Event { name, data, ack }) = read("4212[\"desired\",{\"revision\":3}]") else {
            panic!("an event");
        };
        assert_eq!((name.as_str(), &data["revision"], ack), ("desired", &Value::from(3), Some(12)));
        assert!(matches!(read("42[\"bare\"]"), Packet::Said(Said::Event { data: Value::Null, ack: None, .. })));
        for other in ["0{\"sid\":\"a\"}", "40{\"sid\":\"a\"}", "6"] {
            assert!(matches!(read(other), Packet::Other), "{other}");
        }
        for malformed in ["42", "42[]", "42[\"a\",", "43[]"] {
            assert!(matches!(read(malformed), Packet::Malformed), "{malformed}");
        }
    }
}
