//! What a box remembers over restarts and power cuts: one SQLite file with one owner, a thread of its own.
//!
//! Nothing here is the only copy of anything that the club made. A file that cannot be read is set aside and the box
//! begins anew: the server says again what it wants, and files on the disk are known again by their hash.

mod commands;
mod store;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use neopro_protocol::{Desired, Drift, ItemState, Reason};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

pub use commands::Kept;

/// The file within the folder of the state.
pub const FILE: &str = "state.sqlite";

/// The way to the state. Cheap to clone.
#[derive(Clone)]
pub struct State {
    orders: mpsc::Sender<Order>,
    /// The number of the last report.
    sequence: Arc<AtomicI64>,
}

type Order = Box<dyn FnOnce(&mut Connection) + Send>;

/// What the disk, or SQLite, said.
#[derive(Debug)]
pub enum StateError {
    /// The statement failed.
    Sqlite(rusqlite::Error),
    /// What is kept is not what we had written.
    Unreadable(serde_json::Error),
    /// The owner has ended.
    Closed,
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(error) => write!(f, "{error}"),
            Self::Unreadable(error) => write!(f, "the state holds what cannot be read: {error}"),
            Self::Closed => f.write_str("the state is closed"),
        }
    }
}

impl From<rusqlite::Error> for StateError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<serde_json::Error> for StateError {
    fn from(error: serde_json::Error) -> Self {
        Self::Unreadable(error)
    }
}

/// What the server wants, and where it may be fetched from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The desired state; of revision 0 while the server has said nothing.
    pub desired: Desired,
    /// Origins from which media may be fetched.
    pub origins: Vec<String>,
}

/// What the box knows of a file of the server, by its SHA-256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// How far it is.
    pub state: ItemState,
    /// Its size.
    pub bytes: u64,
    /// How many times it was begun to be fetched.
    pub attempts: u32,
    /// How many times other bytes came than were announced.
    pub mismatches: u32,
    /// The desired `attempt` of the last try.
    pub attempt: u32,
    /// Why it is not there.
    pub reason: Option<Reason>,
    /// The same for a person.
    pub detail: Option<String>,
    /// The storage's tag of the bytes that are there in part.
    pub etag: Option<String>,
    /// When all of its bytes were last checked, in milliseconds since 1970; 0 for never.
    pub verified: i64,
}

impl Record {
    /// A file that is wanted and not begun.
    #[must_use]
    pub fn pending(bytes: u64, attempt: u32) -> Self {
        Self {
            state: ItemState::Pending,
            bytes,
            attempts: 0,
            mismatches: 0,
            attempt,
            reason: None,
            detail: None,
            etag: None,
            verified: 0,
        }
    }
}

/// A clip that the screen could not play.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// What it was like then: it is tried again when it is no longer like that.
    pub mark: String,
    /// Why, in the player's words.
    pub reason: String,
}

/// A difference that was found, with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotedDrift {
    /// Grows.
    pub number: i64,
    /// The difference.
    pub drift: Drift,
}

/// The state, and what there is to say about how it was opened.
pub struct Opened {
    /// The way to it.
    pub state: State,
    /// Where a file went that could not be read.
    pub set_aside: Option<PathBuf>,
    /// Why nothing is kept over a restart, if the disk does not let us.
    pub forgetful: Option<String>,
    owner: std::thread::JoinHandle<()>,
}

fn belong(connection: &mut Connection, site: Option<&str>) -> Result<(), StateError> {
    site.map_or(Ok(()), |site| store::belong_to(connection, site))
}

impl Opened {
    /// Opens the state of a folder, for a site. What is known of another site is forgotten. Blocks.
    ///
    /// # Errors
    /// There is neither a disk nor memory for it, or no thread.
    pub fn open(folder: &Path, site: Option<&str>) -> Result<Self, StateError> {
        let mut set_aside = None;
        let mut forgetful = None;
        let opened = store::open_or_begin_anew(folder, &mut set_aside).and_then(|mut connection| {
            belong(&mut connection, site).map_err(|error| error.to_string())?;
            Ok(connection)
        });
        let mut connection = match opened {
            Ok(connection) => connection,
            Err(why) => {
                forgetful = Some(why);
                let mut connection = store::open_in_memory()?;
                // A card that can no longer be written can often still be read.
                if let Err(error) = store::remember(folder, &mut connection) {
                    tracing::warn!(%error, "what was kept before is not known");
                }
                belong(&mut connection, site)?;
                connection
            }
        };
        let (orders, mut waiting) = mpsc::channel::<Order>(64);
        let owner = std::thread::Builder::new()
            .name("state".into())
            .stack_size(256 * 1024)
            .spawn(move || {
                while let Some(order) = waiting.blocking_recv() {
                    order(&mut connection);
                }
                store::close(connection);
            })
            .map_err(|_| StateError::Closed)?;
        Ok(Self { state: State { orders, sequence: Arc::default() }, set_aside, forgetful, owner })
    }

    /// Waits until everything that was asked for is done. Blocks until the last [`State`] is gone.
    pub fn close(self) {
        let Self { state, owner, .. } = self;
        drop(state);
        if owner.join().is_err() {
            tracing::error!("the owner of the state had panicked");
        }
    }
}

impl State {
    async fn call<T: Send + 'static>(
        &self,
        order: impl FnOnce(&mut Connection) -> Result<T, StateError> + Send + 'static,
    ) -> Result<T, StateError> {
        let (answer, answered) = oneshot::channel();
        let order: Order = Box::new(move |connection| {
            // Whoever asked may have given up meanwhile; what was asked for is done all the same.
            let _ = answer.send(order(connection));
        });
        self.orders.send(order).await.map_err(|_| StateError::Closed)?;
        answered.await.map_err(|_| StateError::Closed)?
    }

    /// What the server wants, as last heard.
    ///
    /// # Errors
    /// The state has trouble.
    pub async fn wanted(&self) -> Result<Wanted, StateError> {
        self.call(|connection| store::wanted(connection)).await
    }

    /// Keeps a desired state if its revision is greater than the kept one: on the disk when this returns. Returns
    /// the revision that is kept now.
    ///
    /// # Errors
    /// The state has trouble.
    pub async fn keep_desired(&self, desired: Arc<Desired>) -> Result<i64, StateError> {
        self.call(move |connection| store::keep_desired(connection, &desired)).await
    }

    /// Keeps the origins from which media may be fetched.
    ///
    /// # Errors
    /// The state has trouble.
    pub async fn keep_origins(&self, origins: Vec<String>) -> Result<(), StateError> {
        self.call(move |connection| store::keep_origins(connection, &origins)).await
    }

    /// All records, by SHA-256.
    ///
    /// # Errors
    /// The state has trouble.
    pub async fn records(&self) -> Result<Vec<(String, Record)>, StateError> {
        self.call(|connection| store::records(connection)).await
    }

    /// Keeps a record.
    ///
    /// # Errors
    /// The state has trouble.
    pub async fn keep_record(&self, sha256: String, record: Record) -> Result<(), StateError> {
        self.call(move |connection| store::keep_record(connection, &sha256, &record)).await
    }

    /// Forgets a record.
    ///
    /// # Errors
    /// The state has trouble.
    pub async fn forget_record(&self, sha256: String) -> Result<(), StateError> {
        self.call(move |connection| store::forget_record(connection, &sha256)).await
    }

    /// The number of the next report, greater than any before. It grows with the clock, so that it goes on growing
    /// after the state was lost, and on a card that is full.
    pub async fn next_sequence(&self) -> i64 {
        let least = crate::clock::unix_millis().max(self.sequence.load(Ordering::SeqCst).saturating_add(1));
        let next = self.call(move |connection| store::next_sequence(connection, least)).await.unwrap_or_else(|error| {
            tracing::error!(%error, "the number of a report could not be kept");
            least
        });
        self.sequence.store(next, Ordering::SeqCst);
        next
    }

    /// Notes differences.
    ///
    /// # Errors
    /// The state has trouble.
    pub async fn note_drift(&self, drift: Vec<Drift>) -> Result<(), StateError> {
        self.call(move |connection| store::note_drift(connection, &drift)).await
    }

    /// The differences that were not reported yet, the oldest first.
    ///
    /// # Errors
    /// The state has trouble.
    pub async fn drift(&self) -> Result<Vec<NotedDrift>, StateError> {
        self.call(|connection| store::drift(connection)).await
    }

    /// Forgets the differences up to this number: they were reported.
    ///
    /// # Errors
    /// The state has trouble.
    pub async fn drift_reported(&self, up_to: i64) -> Result<(), StateError> {
        self.call(move |connection| store::drift_reported(connection, up_to)).await
    }

    /// The clips that the screen could not play, by their key.
    ///
    /// # Errors
    /// The state has trouble.
    pub async fn quarantine(&self) -> Result<Vec<(String, Quarantined)>, StateError> {
        self.call(|connection| store::quarantine(connection)).await
    }

    /// Puts a clip into quarantine, or takes it out.
    ///
    /// # Errors
    /// The state has trouble.
    pub async fn set_quarantine(&self, key: String, quarantined: Option<Quarantined>) -> Result<(), StateError> {
        self.call(move |connection| store::set_quarantine(connection, &key, quarantined.as_ref())).await
    }

    /// Where the player was.
    ///
    /// # Errors
    /// The state has trouble.
    pub async fn place(&self) -> Result<Option<serde_json::Value>, StateError> {
        self.call(|connection| store::document(connection, store::PLACE)).await
    }

    /// Keeps where the player is.
    ///
    /// # Errors
    /// The state has trouble.
    pub async fn keep_place(&self, place: serde_json::Value) -> Result<(), StateError> {
        self.call(move |connection| store::keep_document(connection, store::PLACE, &place)).await
    }

    /// The hash of the club's document that the server has.
    ///
    /// # Errors
    /// The state has trouble.
    pub async fn mirrored(&self) -> Result<Option<String>, StateError> {
        self.call(|connection| store::document(connection, store::MIRRORED)).await
    }

    /// Keeps the hash of the club's document that was sent.
    ///
    /// # Errors
    /// The state has trouble.
    pub async fn keep_mirrored(&self, hash: String) -> Result<(), StateError> {
        self.call(move |connection| store::keep_document(connection, store::MIRRORED, &hash)).await
    }
}

#[cfg(test)]
mod tests;
