//! Hands changes on to the open streams of this process, and knows whose they are.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, broadcast, watch};

use super::{Beat, Change, Kind, MOST};
use crate::ids::{Credential, SiteId};
use crate::replicas::Outbox;

/// How many changes are kept for streams that have not taken them yet. Who is further behind is told that everything
/// may be out of date.
const KEPT: usize = 1024;
/// How many streams one session or token may have open.
const PER_SESSION: usize = 20;
/// And all of them together.
const PER_PROCESS: usize = 1_000;
/// How many streams read rows at the same moment: the other connections are for requests and boxes.
const READERS: usize = 3;

/// The changes of this process, on their way to those who watch, here and on other replicas. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Changes(Arc<Hub>);

#[derive(Debug)]
struct Hub {
    news: broadcast::Sender<Change>,
    /// How many streams are open: read at every change, so without a lock.
    open: AtomicUsize,
    /// How many of them watch a site.
    watching: AtomicUsize,
    seats: Mutex<Seats>,
    readers: Semaphore,
    /// Those who watch on other replicas.
    others: Outbox,
}

#[derive(Debug, Default)]
struct Seats {
    sessions: HashMap<Credential, Streams>,
    watched: HashMap<SiteId, usize>,
    is_closed: bool,
}

/// The streams of one session or token.
#[derive(Debug)]
struct Streams {
    count: usize,
    end: watch::Sender<Option<End>>,
}

/// Why a stream ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The session or token is over.
    Session,
    /// The server stops.
    Stop,
}

/// Why no stream is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The session or token has too many.
    Session,
    /// The server has too many.
    Process,
    /// The server stops.
    Stop,
}

impl Default for Changes {
    fn default() -> Self {
        Self::shared_with(Outbox::default())
    }
}

impl Changes {
    /// Changes that are told to these others as well.
    #[must_use]
    pub fn shared_with(others: Outbox) -> Self {
        Self(Arc::new(Hub {
            news: broadcast::Sender::new(KEPT),
            open: AtomicUsize::new(0),
            watching: AtomicUsize::new(0),
            seats: Mutex::default(),
            readers: Semaphore::new(READERS),
            others,
        }))
    }

    /// Whether anybody listens.
    #[must_use]
    pub fn is_heard(&self) -> bool {
        self.0.open.load(Ordering::Relaxed) > 0
    }

    /// How many listen.
    #[must_use]
    pub fn listeners(&self) -> usize {
        self.0.open.load(Ordering::Relaxed)
    }

    /// Tells whoever listens, here and on other replicas. Costs nothing when nobody does.
    pub fn note(&self, change: Change) {
        self.0.others.change(&change);
        self.hear(change);
    }

    /// Tells whoever listens here: somebody else has changed it, or time has, which passes everywhere.
    pub fn hear(&self, change: Change) {
        if self.is_heard() {
            // The last listener may have gone this moment.
            let _ = self.0.news.send(change);
        }
    }

    /// The same for many sites at once; of too many only that they are.
    pub fn note_sites(&self, sites: impl ExactSizeIterator<Item = SiteId>, change: impl Fn(SiteId) -> Change) {
        if !self.is_heard() && !self.0.others.has_others() {
            return;
        }
        if sites.len() > MOST {
            if sites.take(1).any(|site| matches!(change(site), Change::Work(_))) {
                self.note(Change::All(Kind::Deployments));
            }
            return self.note(Change::All(Kind::Sites));
        }
        sites.for_each(|site| self.note(change(site)));
    }

    /// Tells those who watch this site what its box has measured, if anybody does.
    pub fn note_beat(&self, site: SiteId, beat: impl FnOnce() -> Beat) {
        if self.0.watching.load(Ordering::Relaxed) > 0 && self.lock().watched.contains_key(&site) {
            self.note(Change::Beat(Arc::new(beat())));
        }
    }

    /// A place for one more stream of a session or token, which watches a site or none.
    ///
    /// # Errors
    /// There are too many already, or the server stops.
    pub fn take_seat(&self, of: impl Into<Credential>, watched: Option<SiteId>) -> Result<Seat, Refused> {
        let (of, mut seats) = (of.into(), self.lock());
        if seats.is_closed {
            return Err(Refused::Stop);
        }
        if self.0.open.load(Ordering::Relaxed) >= PER_PROCESS {
            return Err(Refused::Process);
        }
        let streams = seats.sessions.entry(of).or_insert_with(|| Streams { count: 0, end: watch::Sender::new(None) });
        if streams.count >= PER_SESSION {
            return Err(Refused::Session);
        }
        streams.count += 1;
        let end = streams.end.subscribe();
        if let Some(site) = watched {
            *seats.watched.entry(site).or_default() += 1;
            self.0.watching.fetch_add(1, Ordering::Relaxed);
        }
        // Subscribed before it counts as a listener: what is noted from now on arrives.
        let news = self.0.news.subscribe();
        self.0.open.fetch_add(1, Ordering::Relaxed);
        Ok(Seat { changes: self.clone(), of, watched, news, end })
    }

    /// Tells whoever listens here that anything may have changed.
    pub fn hear_of_all(&self) {
        for kind in [Kind::Sites, Kind::Deployments, Kind::Videos, Kind::Groups] {
            self.hear(Change::All(kind));
        }
    }

    /// Ends the streams of a session or token, here and on other replicas.
    pub fn end(&self, of: impl Into<Credential>) {
        let of = of.into();
        self.0.others.ended(of);
        self.hear_of_end(of);
    }

    /// Ends its streams here.
    pub fn hear_of_end(&self, of: impl Into<Credential>) {
        if let Some(streams) = self.lock().sessions.get(&of.into()) {
            streams.end.send_replace(Some(End::Session));
        }
    }

    /// Ends every stream, and opens none any more.
    pub fn close(&self) {
        let mut seats = self.lock();
        seats.is_closed = true;
        for streams in seats.sessions.values() {
            streams.end.send_replace(Some(End::Stop));
        }
    }

    /// The sessions and tokens that have a stream open.
    #[must_use]
    pub fn credentials(&self) -> Vec<Credential> {
        self.lock().sessions.keys().copied().collect()
    }

    /// How many streams are open.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.open.load(Ordering::Relaxed)
    }

    /// Waits for a turn to read rows.
    pub(super) async fn turn(&self) -> Option<tokio::sync::SemaphorePermit<'_>> {
        self.0.readers.acquire().await.ok()
    }

    fn lock(&self) -> MutexGuard<'_, Seats> {
        self.0.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of an open stream, free again when it is dropped.
#[derive(Debug)]
pub struct Seat {
    changes: Changes,
    of: Credential,
    /// The site that is watched.
    pub watched: Option<SiteId>,
    /// What changes.
    pub(super) news: broadcast::Receiver<Change>,
    /// Why the stream is to end.
    pub(super) end: watch::Receiver<Option<End>>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.changes.lock();
        self.changes.0.open.fetch_sub(1, Ordering::Relaxed);
        if let Some(streams) = seats.sessions.get_mut(&self.of) {
            streams.count -= 1;
            if streams.count == 0 {
                seats.sessions.remove(&self.of);
            }
        }
        if let Some(site) = self.watched {
            self.changes.0.watching.fetch_sub(1, Ordering::Relaxed);
            if let Some(count) = seats.watched.get_mut(&site) {
                *count -= 1;
                if *count == 0 {
                    seats.watched.remove(&site);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{SessionId, TokenId};

    #[test]
    fn seats_are_counted_by_session_and_in_all_and_come_back() {
        let changes = Changes::default();
        let session = SessionId::new();
        let mut seats: Vec<Seat> =
            (0..PER_SESSION).map(|_| changes.take_seat(session, None).expect("a seat")).collect();
        assert_eq!(changes.take_seat(session, None).err(), Some(Refused::Session));
        while seats.len() < PER_PROCESS {
            seats.push(changes.take_seat(SessionId::new(), None).expect("a seat"));
        }
        assert_eq!(changes.take_seat(SessionId::new(), None).err(), Some(Refused::Process));
        seats.truncate(1);
        changes.take_seat(session, None).expect("there is room again");
        drop(seats);
        assert_eq!((changes.count(), changes.credentials().len()), (0, 0), "nothing is left behind");
        changes.close();
        assert_eq!(changes.take_seat(session, None).err(), Some(Refused::Stop));
    }

    #[test]
    fn the_streams_of_a_session_and_of_a_token_end_apart() {
        let (changes, session, token) = (Changes::default(), SessionId::new(), TokenId::new());
        let (tab, program) = (changes.take_seat(session, None), changes.take_seat(token, None));
        let (tab, program) = (tab.expect("a seat"), program.expect("a seat"));
        changes.end(token);
        assert_eq!((*tab.end.borrow(), *program.end.borrow()), (None, Some(End::Session)));
        changes.end(session);
        assert_eq!(*tab.end.borrow(), Some(End::Session));
    }

    #[test]
    fn what_a_box_measures_is_built_for_its_watchers_only() {
        let (changes, site) = (Changes::default(), SiteId::new());
        changes.note_beat(site, || panic!("nobody listens"));
        let other = changes.take_seat(SessionId::new(), Some(SiteId::new())).expect("a seat");
        changes.note_beat(site, || panic!("nobody watches this site"));
        drop(other);
        assert_eq!(changes.0.watching.load(Ordering::Relaxed), 0);
        assert!(changes.lock().watched.is_empty());
    }

    #[test]
    fn many_sites_are_one_hint() {
        let changes = Changes::default();
        let mut seat = changes.take_seat(SessionId::new(), None).expect("a seat");
        let sites: Vec<SiteId> = (0..=MOST).map(|_| SiteId::new()).collect();
        changes.note_sites(sites.iter().copied(), Change::Work);
        assert!(matches!(seat.news.try_recv(), Ok(Change::All(Kind::Deployments))));
        assert!(matches!(seat.news.try_recv(), Ok(Change::All(Kind::Sites))));
        assert!(seat.news.try_recv().is_err());
        changes.note_sites(sites.iter().copied().take(2), Change::Site);
        assert!(matches!(seat.news.try_recv(), Ok(Change::Site(first)) if first == sites[0]));
    }
}
