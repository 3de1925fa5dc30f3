//! A box's link to the central server: Socket.IO over one WebSocket.
//!
//! A link is a value without a task of its own: whoever has it calls [`Link::next`] in a loop and sends in between.
//! So one box is one task, and a process can have thirteen thousand of them.

mod back_off;
pub mod packet;

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde::Serialize;
use serde_json::Value;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};

pub use back_off::{BackOff, Pace};

use crate::net::{Address, Dialer, Stream};
use packet::FromServer;

/// Enough for what a server sends to an idle box; a longer message grows it for as long as it is read.
const READ_BUFFER: usize = 4 * 1024;
/// The largest message, as the server has it too.
pub const MAX_MESSAGE: usize = 10_000_000;

/// How long steps may take.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Connecting, up to the entered namespace.
    pub connect: Duration,
    /// A message on its way out.
    pub send: Duration,
    /// The answer to an event that asks for one.
    pub answer: Duration,
}

impl Patience {
    /// How boxes in the field have it.
    pub const FIELD: Self =
        Self { connect: Duration::from_secs(20), send: Duration::from_secs(20), answer: Duration::from_secs(10) };
}

/// A link that stands.
pub struct Link {
    socket: WebSocketStream<Stream>,
    patience: Patience,
    /// When the server gave its last sign of life, and how long it may take for the next.
    heard: Instant,
    silence: Duration,
    pong_due: bool,
    next_question: u64,
    open_questions: VecDeque<(Question, Instant)>,
}

/// An event that asks for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Question(u64);

/// An event of the server that asks for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked(u64);

/// What comes in.
#[derive(Debug, PartialEq)]
pub enum Incoming {
    /// An event.
    Event {
        /// Its name.
        name: String,
        /// Its argument; null if it has none.
        data: Value,
        /// What to answer it by, if it asks for an answer.
        asked: Option<Asked>,
    },
    /// The answer to an event of ours.
    Answer {
        /// Which one.
        to: Question,
        /// The argument.
        data: Value,
    },
    /// An event of ours was not answered in time.
    Unanswered(Question),
}

/// Why there is no link, or no longer.
#[derive(Debug)]
pub enum Ended {
    /// The server is not there, or refuses WebSockets now.
    Unreachable(String),
    /// The connection was cut.
    Cut(String),
    /// The server closed it.
    Closed,
    /// The server said what is no packet.
    Malformed,
    /// The server gave no sign of life in time.
    Silent,
    /// The server does not read what we send.
    Stuck,
    /// We tried to say what cannot be written.
    Unwritable(String),
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(why) => write!(f, "the server cannot be reached: {why}"),
            Self::Cut(why) => write!(f, "the connection was cut: {why}"),
            Self::Closed => f.write_str("the server closed the connection"),
            Self::Malformed => f.write_str("the server sent a malformed packet"),
            Self::Silent => f.write_str("the server gave no sign of life"),
            Self::Stuck => f.write_str("the server does not read"),
            Self::Unwritable(why) => write!(f, "a message could not be written: {why}"),
        }
    }
}

impl From<serde_json::Error> for Ended {
    fn from(error: serde_json::Error) -> Self {
        Self::Unwritable(error.to_string())
    }
}

impl Link {
    /// Connects and enters the namespace.
    ///
    /// # Errors
    /// The server is not there, not in time, or does not speak our language.
    pub async fn connect(dialer: &Dialer, server: &Address, patience: Patience) -> Result<Self, Ended> {
        match timeout(patience.connect, Self::enter(dialer, server, patience)).await {
            Ok(entered) => entered,
            Err(_) => Err(Ended::Unreachable("no answer in time".into())),
        }
    }

    async fn enter(dialer: &Dialer, server: &Address, patience: Patience) -> Result<Self, Ended> {
        let unreachable = |error: &dyn fmt::Display| Ended::Unreachable(error.to_string());
        let stream = dialer.connect(server, patience.connect).await.map_err(|error| unreachable(&error))?;
        let scheme = if server.tls { "wss" } else { "ws" };
        let url = format!("{scheme}://{}/socket.io/?EIO=4&transport=websocket", server.authority());
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE));
        let (socket, _) = tokio_tungstenite::client_async_with_config(url, stream, Some(config))
            .await
            .map_err(|error| unreachable(&error))?;
        let mut link = Self {
            socket,
            patience,
            heard: Instant::now(),
            silence: patience.connect,
            pong_due: false,
            next_question: 0,
            open_questions: VecDeque::new(),
        };
        let FromServer::Open { silence } = link.receive().await? else { return Err(Ended::Malformed) };
        link.silence = silence;
        link.send(packet::CONNECT.into()).await?;
        loop {
            match link.receive().await? {
                FromServer::Connected => return Ok(link),
                FromServer::Ping => link.send(packet::PONG.into()).await?,
                FromServer::Noop => {}
                FromServer::Close | FromServer::Disconnect => return Err(Ended::Closed),
                _ => return Err(Ended::Malformed),
            }
        }
    }

    /// What comes in next. May be given up and called again: nothing is lost.
    ///
    /// # Errors
    /// The link has ended.
    pub async fn next(&mut self) -> Result<Incoming, Ended> {
        loop {
            if self.pong_due {
                self.send(packet::PONG.into()).await?;
                self.pong_due = false;
            }
            let silent_at = self.heard + self.silence;
            let unanswered_at = self.open_questions.front().map(|(_, until)| *until);
            let until = unanswered_at.map_or(silent_at, |unanswered_at| unanswered_at.min(silent_at));
            let received = tokio::select! {
                received = self.socket.next() => received,
                () = tokio::time::sleep_until(until) => {
                    let late = self.open_questions.pop_front_if(|(_, until)| *until <= Instant::now());
                    match late {
                        Some((question, _)) => return Ok(Incoming::Unanswered(question)),
                        None if self.heard + self.silence <= Instant::now() => return Err(Ended::Silent),
                        None => continue,
                    }
                }
            };
            let Some(packet) = self.understand(received)? else { continue };
            match packet {
                FromServer::Ping => self.pong_due = true,
                FromServer::Noop | FromServer::Connected => {}
                FromServer::Close | FromServer::Disconnect => return Err(Ended::Closed),
                FromServer::Open { .. } => return Err(Ended::Malformed),
                FromServer::Event { name, data, ack } => {
                    return Ok(Incoming::Event { name, data, asked: ack.map(Asked) });
                }
                FromServer::Answer { to, data } => {
                    let to = Question(to);
                    let position = self.open_questions.iter().position(|(open, _)| *open == to);
                    // An answer that comes too late was told as missing already.
                    if let Some(position) = position {
                        self.open_questions.remove(position);
                        return Ok(Incoming::Answer { to, data });
                    }
                }
            }
        }
    }

    async fn receive(&mut self) -> Result<FromServer, Ended> {
        loop {
            let received = self.socket.next().await;
            if let Some(packet) = self.understand(received)? {
                return Ok(packet);
            }
        }
    }

    fn understand(
        &mut self,
        received: Option<Result<Message, tungstenite::Error>>,
    ) -> Result<Option<FromServer>, Ended> {
        let message = match received {
            Some(Ok(message)) => message,
            Some(Err(error)) => return Err(Ended::Cut(error.to_string())),
            None => return Err(Ended::Closed),
        };
        self.heard = Instant::now();
        match message {
            Message::Text(text) => packet::read(&text).map(Some).map_err(|packet::Malformed| Ended::Malformed),
            Message::Ping(_) | Message::Pong(_) => Ok(None),
            Message::Close(_) => Err(Ended::Closed),
            Message::Binary(_) | Message::Frame(_) => Err(Ended::Malformed),
        }
    }

    async fn send(&mut self, packet: String) -> Result<(), Ended> {
        match timeout(self.patience.send, self.socket.send(Message::text(packet))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Ended::Cut(error.to_string())),
            Err(_) => Err(Ended::Stuck),
        }
    }

    /// Sends an event.
    ///
    /// # Errors
    /// The link has ended.
    pub async fn emit(&mut self, name: &str, data: &impl Serialize) -> Result<(), Ended> {
        self.send(packet::event(name, data, None)?).await
    }

    /// Sends an event without an argument.
    ///
    /// # Errors
    /// The link has ended.
    pub async fn emit_bare(&mut self, name: &str) -> Result<(), Ended> {
        self.send(packet::bare_event(name)?).await
    }

    /// Sends an event that asks for an answer: [`Link::next`] tells it, or that it did not come in time.
    ///
    /// # Errors
    /// The link has ended.
    pub async fn ask(&mut self, name: &str, data: &impl Serialize) -> Result<Question, Ended> {
        let question = Question(self.next_question);
        self.next_question += 1;
        self.send(packet::event(name, data, Some(question.0))?).await?;
        self.open_questions.push_back((question, Instant::now() + self.patience.answer));
        Ok(question)
    }

    /// Answers an event of the server.
    ///
    /// # Errors
    /// The link has ended.
    pub async fn answer(&mut self, asked: Asked, data: &impl Serialize) -> Result<(), Ended> {
        self.send(packet::answer(asked.0, data)?).await
    }

    /// Says goodbye, so that the server need not wait for a sign of life. What fails here had ended anyway.
    pub async fn close(mut self) {
        let farewell = async {
            self.send(packet::DISCONNECT.into()).await?;
            self.socket.close(None).await.map_err(|error| Ended::Cut(error.to_string()))
        };
        if let Ok(Err(error)) = timeout(Duration::from_secs(1), farewell).await {
            tracing::debug!(%error, "the link had ended before it was closed");
        }
    }
}
