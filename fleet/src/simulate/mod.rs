//! Boxes that do everything that a box does, over a box's own link, but keep and play nothing: what they download is
//! counted and hashed, what they know is in memory. One task each, so that one process can be a whole fleet.

mod figures;
mod journal;
mod line;
mod one;
mod reports;
mod sink;
mod sites;
mod stock;
mod trouble;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use neopro_box::link::{Pace, Patience};
use neopro_box::net::{Address, Dialer};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

pub use journal::{Event, Journal, Summary};
pub use line::Simulate;
pub use sites::{Fault, NoSite, Site, read, spoil};
pub use trouble::Trouble;

/// How often things happen.
#[derive(Debug, Clone, Copy)]
pub struct Rhythm {
    /// Within which the boxes come for the first time.
    pub spread: Duration,
    /// Between two signs of life.
    pub heartbeat: Duration,
    /// Between two reports, at least.
    pub report: Duration,
    /// Between two tellings of how far a file is, at least.
    pub progress: Duration,
    /// Coming back after a lost connection, and to a storage.
    pub come_back: Pace,
    /// Coming back after a refusal.
    pub refused: Pace,
    /// What the link may take.
    pub patience: Patience,
}

/// What the boxes have in common.
pub struct Fleet {
    /// Where the server is.
    pub server: Address,
    /// Makes connections.
    pub dialer: Dialer,
    /// How often things happen.
    pub rhythm: Rhythm,
    /// What goes wrong.
    pub trouble: Trouble,
    /// The most bytes of a second that one download gets.
    pub slow: Option<u64>,
    /// The same, for a box whose line is slow.
    pub crawl: u64,
    /// Told what happens.
    pub journal: Journal,
    /// When they were switched on.
    pub began: Instant,
}

/// Lets the boxes of these sites live until something says stop; what happened.
pub async fn run(fleet: Fleet, sites: Vec<Site>, stop: impl Future<Output = ()>) -> Summary {
    let fleet = Arc::new(fleet);
    let (tell, told) = watch::channel(false);
    let mut boxes: JoinSet<()> =
        sites.into_iter().map(|site| one::Simulated::new(fleet.clone(), site).run(told.clone())).collect();
    stop.await;
    tell.send_replace(true);
    while let Some(ended) = boxes.join_next().await {
        if let Err(error) = ended {
            eprintln!("the task of a box has failed: {error}");
        }
    }
    fleet.journal.summary()
}

/// Writes the lines of a journal out until it is closed.
///
/// # Errors
/// Nobody reads them any more.
pub async fn write_out(mut lines: mpsc::UnboundedReceiver<String>) -> io::Result<()> {
    let mut out = tokio::io::stdout();
    let mut batch = String::new();
    while let Some(line) = lines.recv().await {
        batch.clear();
        batch.push_str(&line);
        batch.push('\n');
        while let Ok(line) = lines.try_recv() {
            batch.push_str(&line);
            batch.push('\n');
        }
        out.write_all(batch.as_bytes()).await?;
        out.flush().await?;
    }
    Ok(())
}
