//! Boxes that all come at once, as after an outage, and say who they are without waiting for anything.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use neopro_protocol::Authenticate;
use serde::Serialize;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Error;

use crate::identity::identity;
use crate::wire::{Said, Wire};

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
async fn idle(mut wire: Box<Wire>) {
    while wire.next().await.is_ok() {}
}

enum Answer {
    Welcome(Box<Wire>, Duration),
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
                Ok(Answer::Welcome(wire, took)) => {
                    outcome.authenticated += 1;
                    outcome.slowest = outcome.slowest.max(took.as_secs_f64());
                    if storm.hold {
                        kept.0.spawn(idle(wire));
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
        Ok(Ok(Some(wire))) => Answer::Welcome(Box::new(wire), began.elapsed()),
        Ok(Ok(None)) => Answer::Refused,
        Ok(Err(error)) => Answer::Lost(error.to_string()),
        Err(_) => Answer::Unanswered,
    }
}

/// Connects and says who it is, at once. `None` if that is refused.
async fn introduce(storm: &Storm, number: usize) -> Result<Option<Wire>, Error> {
    let identity = identity(&storm.seed, number);
    let claim = Authenticate { site_id: identity.site.to_string(), api_key: identity.key, ..Authenticate::default() };
    let mut wire = Wire::connect(storm.server, number).await?;
    // It does not wait for the namespace's answer.
    wire.emit("authenticate", &claim).await?;
    loop {
        let Said::Event { name, .. } = wire.next().await? else { continue };
        match name.as_str() {
            "authenticated" => return Ok(Some(wire)),
            "auth_error" => return Ok(None),
            _ => {}
        }
    }
}
