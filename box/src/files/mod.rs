//! The files of a site: fetched, checked, taken over, removed, as the server wants them, and never by its command.
//!
//! One task, the keeper, has everything: what is wanted, what is there, what is on its way. It compares them again
//! whenever something changes, and once in a while, and publishes what there is to report and to play.

mod fetch;
pub mod folder;
mod keeper;
mod part;
mod plan;
mod programme;
mod space;
#[cfg(test)]
pub mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use neopro_protocol::{Drift, Item, Reason};
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

pub use keeper::Keeper;
pub use space::Gauge;

use crate::configuration::Current;
use crate::library::Library;
use crate::link::Pace;
use crate::net::Dialer;
use crate::state::{State, Wanted};

/// How files are kept.
#[derive(Clone)]
pub struct Options {
    /// `NEOPRO_ROOT`.
    pub root: PathBuf,
    /// `VIDEOS_PATH`.
    pub videos: PathBuf,
    /// The club's name when its document has none.
    pub club_name: Option<String>,
    /// How many files are fetched at once.
    pub parallel: usize,
    /// How long a storage may send nothing.
    pub idle: Duration,
    /// Between two tries after trouble with the network or the disk.
    pub pace: Pace,
    /// Between two tries of what the storage does not have.
    pub not_found: Duration,
    /// Between two looks at the folder when nothing happens.
    pub look: Duration,
    /// Between two checks of all bytes of a file.
    pub verify: Duration,
    /// The pause after each 256 kB of such a check.
    pub verify_pause: Duration,
    /// Tells the room of the disk, in tests.
    pub gauge: Option<Gauge>,
}

impl Options {
    /// As boxes in the field have it.
    #[must_use]
    pub fn field(root: PathBuf, videos: PathBuf, club_name: Option<String>) -> Self {
        Self {
            root,
            videos,
            club_name,
            parallel: 2,
            idle: Duration::from_secs(30),
            pace: Pace { first: Duration::from_secs(5), longest: Duration::from_secs(15 * 60) },
            not_found: Duration::from_secs(60 * 60),
            look: Duration::from_secs(30),
            verify: Duration::from_secs(24 * 60 * 60),
            // About 4 MB a second.
            verify_pause: Duration::from_millis(60),
            gauge: None,
        }
    }
}

/// What the box has, for the report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The revision that was worked from.
    pub revision: i64,
    /// Every wanted file.
    pub items: Vec<Item>,
    /// Differences that were not reported yet.
    pub drift: Vec<Drift>,
    /// The number of the last of them.
    pub drift_up_to: i64,
}

/// How far each file on its way is: percent, by the video's id.
pub type Progresses = BTreeMap<Uuid, u8>;

/// What a keeper is told.
#[derive(Debug)]
pub enum Note {
    /// The screen could not play this clip.
    Unplayable {
        /// The clip's key.
        key: String,
        /// Why, in the player's words.
        reason: String,
    },
    /// The screen has played this clip to its end.
    Playable {
        /// The clip's key.
        key: String,
    },
    /// The server has the differences up to this number.
    DriftReported(i64),
}

/// What a keeper publishes, and the way to tell it something.
pub struct Views {
    /// What to report.
    pub inventory: watch::Receiver<Arc<Inventory>>,
    /// What is on its way.
    pub progress: watch::Receiver<Progresses>,
    /// What there is to play.
    pub library: watch::Receiver<Arc<Library>>,
    /// To tell it something.
    pub notes: mpsc::Sender<Note>,
}

/// What a keeper works with.
pub struct Surroundings {
    /// Where it remembers.
    pub state: State,
    /// How it reaches storages.
    pub dialer: Dialer,
    /// What the server wants.
    pub wanted: watch::Receiver<Arc<Wanted>>,
    /// The club's document.
    pub configuration: watch::Receiver<Arc<Current>>,
}

/// Why a file is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The word for it.
    pub reason: Reason,
    /// A French sentence.
    pub detail: String,
    /// Bytes that came all the same.
    pub received: u64,
}

impl Failure {
    fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into(), received: 0 }
    }

    fn network(error: &dyn fmt::Display) -> Self {
        Self::new(Reason::Network, format!("La connexion au stockage a échoué ({error}) ; le boîtier réessaie."))
    }

    fn disk_full() -> Self {
        Self::new(Reason::DiskFull, "Il n'y a plus assez de place sur la carte du boîtier.")
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::disk_full(),
            _ => Self::new(Reason::Disk, format!("La carte du boîtier a refusé une opération ({error}).")),
        }
    }
}
