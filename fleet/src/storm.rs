//! Boxes that all come at once, as after an outage, and say who they are without waiting for anything.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use neopro_protocol::Authenticate;
use serde::Serialize;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::identity::identity;

/// What is to happen.
#[derive(Debug, Clone)]
pub struct Storm {
    /// Where the server is.
    pub server: SocketAddr,
    /// From which the boxes' ids and keys follow.
    pub seed: String,
    /// The number of the first box.
    pub first: usize,
    /// How many boxes.
    pub count: usize,
    /// How many at the same time; the next wave begins when each of this one has its answer.
    pub wave: usize,
    /// How long a box waits for its answer.
    pub patience: Duration,
    /// Whether the connections stay. Else those of a wave are closed before the next one.
    pub hold: bool,
}

/// What has happened.
#[derive(Debug, Default, Serialize)]
pub struct Outcome {
    /// Boxes that were welcomed.
    pub authenticated: usize,
    /// Boxes that were told that they are none.
    pub refused: usize,
    /// Boxes whose connection failed or ended without an answer.
    pub lost: usize,
    /// Boxes whose connection stayed, without an answer in time.
    pub unanswered: usize,
    /// Seconds that each wave took.
    pub waves: Vec<f64>,
    /// The longest that a box waited for its welcome, in seconds from the start of its connection.
    pub slowest: f64,
    /// What the first few lost ones met.
    pub complaints: Vec<String>,
}

type Held = WebSocketStream<TcpStream>;

/// Connections that stay: they answer the server's pings, and are closed when this is dropped.
#[derive(Debug, Default)]
pub struct Kept(JoinSet<()>);

impl Kept {
    /// How many of them are still there.
    pub fn count(&mut self) -> usize {
        while self.0.try_join_next().is_some() {}
        self.0.len()
    }
}

/// What a box does that has nothing to do, until its connection ends.
async fn idle(mut socket: Box<Held>) {
    while let Some(Ok(message)) = socket.next().await {
        // The engine's ping, which the server sends and the client answers.
        if message.to_text().is_ok_and(|text| text == "2") && socket.send(Message::text("3")).await.is_err() {
            return;
        }
    }
}

enum Answer {
    Welcome(Box<Held>, Duration),
    Refused,
    Lost(String),
    Unanswered,
}

/// Lets the boxes come; what happened, and the connections if they are to stay.
pub async fn run(storm: &Storm) -> (Outcome, Kept) {
    let mut outcome = Outcome::default();
    let mut kept = Kept::default();
    let (mut first, end) = (storm.first, storm.first + storm.count);
    while first < end {
        let last = (first + storm.wave.max(1)).min(end);
        let began = Instant::now();
        let mut boxes: JoinSet<Answer> = (first..last).map(|number| arrive(storm.clone(), number)).collect();
        while let Some(answer) = boxes.join_next().await {
            match answer {
                Ok(Answer::Welcome(socket, took)) => {
                    outcome.authenticated += 1;
                    outcome.slowest = outcome.slowest.max(took.as_secs_f64());
                    if storm.hold {
                        kept.0.spawn(idle(socket));
                    }
                }
                Ok(Answer::Refused) => outcome.refused += 1,
                Ok(Answer::Unanswered) => outcome.unanswered += 1,
                Ok(Answer::Lost(why)) => outcome.lose(why),
                Err(error) => outcome.lose(error.to_string()),
            }
        }
        outcome.waves.push(began.elapsed().as_secs_f64());
        first = last;
    }
    (outcome, kept)
}

impl Outcome {
    fn lose(&mut self, why: String) {
        self.lost += 1;
        if self.complaints.len() < 5 {
            self.complaints.push(why);
        }
    }
}

async fn arrive(storm: Storm, number: usize) -> Answer {
    let began = Instant::now();
    match tokio::time::timeout(storm.patience, introduce(&storm, number)).await {
        Ok(Ok(Some(socket))) => Answer::Welcome(Box::new(socket), began.elapsed()),
        Ok(Ok(None)) => Answer::Refused,
        Ok(Err(error)) => Answer::Lost(error.to_string()),
        Err(_) => Answer::Unanswered,
    }
}

/// Boxes that stand behind one address.
const BEHIND_ONE: usize = 30;

/// A connection to the server. On the machine itself there are addresses enough for the boxes to come from many, as
/// they do in the world; the server's limits are for each.
async fn connect(server: SocketAddr, number: usize) -> std::io::Result<TcpStream> {
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

/// Connects and says who it is, at once. `None` if that is refused.
async fn introduce(storm: &Storm, number: usize) -> Result<Option<Held>, Error> {
    let identity = identity(&storm.seed, number);
    let claim = Authenticate { site_id: identity.site.to_string(), api_key: identity.key, ..Authenticate::default() };
    let claim = serde_json::to_string(&claim).map_err(std::io::Error::other)?;
    let stream = connect(storm.server, number).await?;
    stream.set_nodelay(true)?;
    let address = format!("ws://{}/socket.io/?EIO=4&transport=websocket", storm.server);
    let config = WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(0);
    let (mut socket, _) = client_async_with_config(address, stream, Some(config)).await?;
    // Into the namespace, and who it is: the second does not wait for the answer to the first.
    socket.feed(Message::text("40")).await?;
    socket.feed(Message::text(format!("42[\"authenticate\",{claim}]"))).await?;
    socket.flush().await?;
    while let Some(message) = socket.next().await {
        let message = message?;
        match message.to_text() {
            Ok(text) if text.starts_with("42[\"authenticated\"") => return Ok(Some(socket)),
            Ok(text) if text.starts_with("42[\"auth_error\"") => return Ok(None),
            Ok("2") => socket.send(Message::text("3")).await?,
            Ok(_) | Err(_) => {}
        }
    }
    Err(Error::ConnectionClosed)
}
