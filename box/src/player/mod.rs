//! The player: decides what the TV shows, and follows what its page reports.
//!
//! [`Broadcast`] holds the decisions; here is what surrounds it: one task that hears the pages, the library and the
//! clock, and [`Player`], the handle by which they reach it.

pub mod broadcast;
mod item;
pub mod messages;
mod order;
mod quarantine;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::library::{Clip, Library};
use broadcast::{Broadcast, Order, PageId};
use messages::{FromPage, ToPage};

/// Pages that can be connected at once: the TV, and a few people who look at what it shows.
pub const PAGES: usize = 8;
/// Messages that a page may be behind, before it is sent away to come back.
const BEHIND: usize = 32;
/// Reports and questions that may wait for the player.
const WAITING: usize = 64;
/// Notes that may wait for whoever keeps the box's state.
const NOTES: usize = 16;

/// What the player has to say to the rest of the box.
#[derive(Debug, Clone, PartialEq)]
pub enum Note {
    /// A file could not be played, repeatedly, and is left out until it leaves the library or is another file.
    Unplayable {
        /// The key of the clip.
        key: String,
        /// What the browser said, for the log and the server.
        reason: String,
    },
    /// A file played to its end: for the first time since the start, or since it could not.
    Playable {
        /// The key of the clip.
        key: String,
    },
    /// Where the loop is, at most every 15 s: worth keeping over a restart.
    Place(Place),
}

/// Where the loop is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// The key of the item on air.
    pub key: String,
    /// Seconds from its beginning.
    pub seconds: f64,
}

/// The name of a clip in addresses: tells nothing of the disk, and is the same after a restart.
#[must_use]
pub fn token(key: &str) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(format!("neopro clip v1\0{key}"))[..16])
}

/// A handle to the player; clones are the same player. It ends when the last one is gone.
#[derive(Debug, Clone)]
pub struct Player {
    requests: mpsc::Sender<Request>,
    ids: Arc<AtomicU64>,
}

enum Request {
    Join { id: PageId, is_local: bool, messages: mpsc::Sender<ToPage> },
    Leave(PageId),
    Report(PageId, FromPage),
    Clip(String, oneshot::Sender<Option<Clip>>),
    Place(oneshot::Sender<Option<Place>>),
}

/// Starts the player. What there is to play arrives through `library`; `place` is where it was before a restart.
///
/// The notes want to be read; until they are, those that must not be lost wait, and older places make room.
#[must_use]
pub fn start(library: watch::Receiver<Arc<Library>>, place: Option<Place>) -> (Player, mpsc::Receiver<Note>) {
    let (requests, receiver) = mpsc::channel(WAITING);
    let (notes, note_receiver) = mpsc::channel(NOTES);
    let driver = Driver {
        broadcast: Broadcast::new(place),
        start: Instant::now(),
        pages: HashMap::new(),
        waiting_notes: VecDeque::new(),
    };
    tokio::spawn(driver.run(library, receiver, notes));
    (Player { requests, ids: Arc::default() }, note_receiver)
}

impl Player {
    /// Connects a page. `None` if there are too many, or the player has ended.
    pub async fn connect(&self, is_local: bool) -> Option<Connection> {
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let (messages, receiver) = mpsc::channel(BEHIND);
        self.requests.send(Request::Join { id, is_local, messages }).await.ok()?;
        Some(Connection { id, requests: self.requests.clone(), messages: receiver })
    }

    /// The clip behind a [`token`], if a page may ask for it now.
    pub async fn clip(&self, token: &str) -> Option<Clip> {
        let (answer, receiver) = oneshot::channel();
        self.requests.send(Request::Clip(token.to_owned(), answer)).await.ok()?;
        receiver.await.ok()?
    }

    /// Returns when the player has ended, which it does not do by itself.
    pub async fn ended(&self) {
        self.requests.closed().await;
    }

    /// Where the loop is now; `None` when nothing is on air.
    pub async fn place(&self) -> Option<Place> {
        let (answer, receiver) = oneshot::channel();
        self.requests.send(Request::Place(answer)).await.ok()?;
        receiver.await.ok()?
    }
}

/// One page that is connected; dropping it disconnects.
#[derive(Debug)]
pub struct Connection {
    id: PageId,
    requests: mpsc::Sender<Request>,
    messages: mpsc::Receiver<ToPage>,
}

impl Connection {
    /// What the page is to be told next. `None` when the connection is over.
    pub async fn next(&mut self) -> Option<ToPage> {
        self.messages.recv().await
    }

    /// Hands on what the page reports. False when the player has ended.
    pub async fn report(&self, report: FromPage) -> bool {
        self.requests.send(Request::Report(self.id, report)).await.is_ok()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // With a full queue the player finds out when it next speaks to the page.
        let _ = self.requests.try_send(Request::Leave(self.id));
    }
}

/// A page that is connected.
struct Page {
    is_local: bool,
    messages: mpsc::Sender<ToPage>,
}

/// The task around the decisions.
struct Driver {
    broadcast: Broadcast,
    start: Instant,
    pages: HashMap<PageId, Page>,
    waiting_notes: VecDeque<Note>,
}

impl Driver {
    async fn run(
        mut self,
        mut library: watch::Receiver<Arc<Library>>,
        mut requests: mpsc::Receiver<Request>,
        notes: mpsc::Sender<Note>,
    ) {
        let first = Arc::clone(&library.borrow_and_update());
        self.broadcast.set_library(first, self.now());
        let mut library_lives = true;
        loop {
            self.carry_out();
            // A watchdog that has nothing to watch sleeps long and finds nothing to do.
            let deadline = self.broadcast.deadline().unwrap_or(self.now() + Duration::from_secs(3600));
            tokio::select! {
                request = requests.recv() => match request {
                    Some(request) => self.hear(request),
                    None => return,
                },
                changed = library.changed(), if library_lives => match changed {
                    Ok(()) => {
                        let new = Arc::clone(&library.borrow_and_update());
                        self.broadcast.set_library(new, self.now());
                    }
                    // Nobody will change it any more; it plays on.
                    Err(_) => library_lives = false,
                },
                () = tokio::time::sleep_until(self.start + deadline) => self.broadcast.tick(self.now()),
                permit = notes.reserve(), if !self.waiting_notes.is_empty() => match permit {
                    Ok(permit) => if let Some(note) = self.waiting_notes.pop_front() { permit.send(note) },
                    // Nobody keeps them.
                    Err(_) => self.waiting_notes.clear(),
                },
            }
        }
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn hear(&mut self, request: Request) {
        let now = self.now();
        match request {
            Request::Join { id, is_local, messages } => {
                self.make_room_for(is_local);
                if self.pages.len() < PAGES {
                    self.pages.insert(id, Page { is_local, messages });
                    self.broadcast.joined(id, is_local, now);
                }
            }
            Request::Leave(id) => self.remove(id),
            Request::Report(id, report) => {
                // What the others say does not count, and is not worth the wear of the card.
                if let FromPage::Failed { play, reason } = &report
                    && self.broadcast.leads(id)
                {
                    tracing::warn!(play, reason, "the page cannot play an item");
                }
                self.broadcast.heard(id, report, now);
            }
            Request::Clip(token, answer) => {
                let _ = answer.send(self.broadcast.clip(&token).cloned());
            }
            Request::Place(answer) => {
                let _ = answer.send(self.broadcast.place(now));
            }
        }
    }

    /// The TV always finds a place: that of who looks from afar, or of a page that a browser left behind.
    fn make_room_for(&mut self, is_local: bool) {
        if is_local && self.pages.len() >= PAGES {
            let oldest = self.pages.iter().min_by_key(|(id, page)| (page.is_local, **id)).map(|(id, _)| *id);
            oldest.into_iter().for_each(|id| self.remove(id));
        }
    }

    fn remove(&mut self, id: PageId) {
        if self.pages.remove(&id).is_some() {
            self.broadcast.left(id, self.now());
        }
    }

    /// Does what was decided, and what follows from pages that do not listen any more.
    fn carry_out(&mut self) {
        loop {
            let orders: Vec<Order> = self.broadcast.orders().collect();
            if orders.is_empty() {
                return;
            }
            let mut lost = Vec::new();
            for order in orders {
                match order {
                    Order::Tell(id, message) => self.tell(id, message, &mut lost),
                    Order::TellAll(message) => {
                        let ids: Vec<PageId> = self.pages.keys().copied().collect();
                        ids.into_iter().for_each(|id| self.tell(id, message.clone(), &mut lost));
                    }
                    Order::Note(note) => {
                        if let Note::Unplayable { key, reason } = &note {
                            tracing::warn!(key, reason, "left out of the loop: it cannot be played");
                        }
                        if matches!(note, Note::Place(_)) {
                            self.waiting_notes.retain(|waiting| !matches!(waiting, Note::Place(_)));
                        }
                        self.waiting_notes.push_back(note);
                    }
                }
            }
            lost.into_iter().for_each(|id| self.remove(id));
        }
    }

    /// A page that is far behind is let go, which closes its connection; it comes back with an empty queue.
    fn tell(&self, id: PageId, message: ToPage, lost: &mut Vec<PageId>) {
        if self.pages.get(&id).is_some_and(|page| page.messages.try_send(message).is_err()) {
            lost.push(id);
        }
    }
}
