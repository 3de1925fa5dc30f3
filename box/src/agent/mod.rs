//! The agent: speaks with the central server for as long as the box runs, and never gives up.

mod answers;
mod conversation;
mod reports;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::commands::Desk;
use crate::config::Central;
use crate::configuration::Current;
use crate::files::{Inventory, Note, Progresses};
use crate::link::{BackOff, Pace, Patience};
use crate::net::Dialer;
use crate::state::{State, Wanted};
use conversation::{Conversation, Over};

/// Of failures in a row the log has the first one, and then one in so many: about one an hour.
const TOLD_AGAIN: u32 = 80;

/// How often things happen.
#[derive(Debug, Clone, Copy)]
pub struct Rhythm {
    /// Between two signs of life.
    pub heartbeat: Duration,
    /// Between two reports, at least.
    pub report: Duration,
    /// Between two tellings of how far a file is, at least.
    pub progress: Duration,
    /// Coming back after a lost connection.
    pub come_back: Pace,
    /// Coming back after a refusal.
    pub refused: Pace,
    /// What the link may take.
    pub patience: Patience,
}

impl Rhythm {
    /// As boxes in the field have it.
    #[must_use]
    pub fn field(heartbeat: Duration) -> Self {
        Self {
            heartbeat,
            report: Duration::from_secs(1),
            progress: Duration::from_secs(2),
            come_back: Pace::FIELD,
            refused: Pace::REFUSED,
            patience: Patience::FIELD,
        }
    }
}

/// What the agent works with.
pub struct Agent {
    /// The server, and who we are there.
    pub central: Central,
    /// The public half of the box's key, in base64.
    pub device_key: String,
    /// How often things happen.
    pub rhythm: Rhythm,
    /// Makes connections.
    pub dialer: Dialer,
    /// Where what the server wants is kept.
    pub state: State,
    /// Told what the server wants, once it is kept.
    pub wanted: watch::Sender<Arc<Wanted>>,
    /// What to report.
    pub inventory: watch::Receiver<Arc<Inventory>>,
    /// What is on its way.
    pub progress: watch::Receiver<Progresses>,
    /// The club's document.
    pub configuration: watch::Receiver<Arc<Current>>,
    /// To tell the keeper what was reported.
    pub notes: mpsc::Sender<Note>,
    /// The way to whoever does what the server asks for.
    pub desk: Desk,
    /// The folder whose disk is reported.
    pub videos: PathBuf,
}

impl Agent {
    /// Speaks with the server, connection after connection.
    pub async fn run(mut self) {
        let mut lost = BackOff::new(self.rhythm.come_back);
        let mut refused = BackOff::new(self.rhythm.refused);
        let mut open_report = None;
        loop {
            let (known, over) = Conversation::hold(&mut self, &mut open_report).await;
            if known {
                lost.succeeded();
                refused.succeeded();
            }
            let wait = match over {
                Over::Refused(message) => {
                    let wait = refused.failed();
                    tracing::error!(
                        message,
                        seconds = wait.as_secs(),
                        "the server refuses this box: the site's key or id is wrong; asking again later"
                    );
                    wait
                }
                Over::Lost(ended) => {
                    let wait = lost.failed();
                    let failures = lost.in_a_row();
                    // A box may be without a network for a whole season: its log is on the card.
                    if failures == 1 || failures.is_multiple_of(TOLD_AGAIN) {
                        tracing::warn!(%ended, failures, "no connection to the server; coming back");
                    } else {
                        tracing::debug!(%ended, seconds = wait.as_secs(), "no connection to the server");
                    }
                    wait
                }
            };
            tokio::time::sleep(wait).await;
        }
    }
}
