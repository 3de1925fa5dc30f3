//! Brings work to boxes: whoever changes a site's desired state rings, and what is connected here is told.
//!
//! A ring is a hint, never the truth: the work is in the database, and a sweep finds what was not rung for (another
//! replica made it and cannot ring, or a message was lost).

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::sync::Notify;

use super::commands::{self, Presence};
use super::session::Handle;
use super::{moved, store, v1, v2};
use crate::app::App;
use crate::events::Change;
use crate::ids::{CommandId, SiteId};

/// How often it is looked for work that nobody rang for.
const SWEPT_EVERY: Duration = Duration::from_secs(30);
/// The same while there are other replicas that cannot ring.
pub const SWEPT_DEAF: Duration = Duration::from_secs(5);
/// How often the progress of downloads is written down.
const WRITTEN_EVERY: Duration = Duration::from_secs(5);
/// How many downloads are written down by one statement.
const WRITTEN_TOGETHER: usize = 1_000;
/// After how long an unacknowledged state is sent again.
const SENT_AGAIN: Duration = Duration::from_secs(60);
/// Of how many files a box may say how far they are, between two times that it is written down.
const MOST_FILES: usize = 32;
/// How many sites are served by one query.
const BATCH: usize = 500;
/// How many boxes of protocol 1 are served by one query, and how many queries run at the same time.
const STEP: usize = 100;
const STEPS: usize = 2;

/// Sites that have work, until somebody takes them.
#[derive(Debug, Default)]
pub struct Bell {
    rung: Mutex<HashSet<SiteId>>,
    ring: Notify,
}

impl Bell {
    /// These sites have work.
    pub fn ring(&self, sites: impl IntoIterator<Item = SiteId>) {
        let mut rung = lock(&self.rung);
        let before = rung.len();
        rung.extend(sites);
        if rung.len() > before {
            self.ring.notify_one();
        }
    }

    async fn take(&self) -> Vec<SiteId> {
        loop {
            let rung: Vec<SiteId> = lock(&self.rung).drain().collect();
            if !rung.is_empty() {
                return rung;
            }
            self.ring.notified().await;
        }
    }
}

/// Which language a connected box speaks, and what it was told.
#[derive(Debug, Clone)]
pub(super) enum Speaks {
    /// Commands, one at a time, from this moment on: its mirror, which shows what it has, is to come before them.
    One { from: Instant },
    /// Desired states.
    Two { told: i64, at: Instant, has: i64 },
}

impl Speaks {
    fn presence(&self) -> Presence {
        match self {
            Self::One { .. } => Presence::Old,
            Self::Two { .. } => Presence::New,
        }
    }
}

#[derive(Debug)]
struct Seat {
    handle: Handle,
    speaks: Speaks,
    /// The last commands that were told on this connection, and whether the box has said that it has them.
    commands: Vec<(CommandId, bool)>,
    /// More commands wait than were told at once.
    has_more: bool,
}

/// How many commands of a connection are remembered: more than may be open at a time.
const REMEMBERED: usize = 128;

/// Whether a box can be told a command.
#[derive(Debug)]
pub(super) enum Told {
    /// It is to be told now, by whoever asked.
    Now(Handle, Presence),
    /// It was told on this connection.
    Already,
    /// It is not there.
    Away,
}

/// The boxes that are connected here, as far as they are told something.
#[derive(Debug, Default)]
pub(super) struct Seats(Mutex<HashMap<SiteId, Seat>>);

impl Seats {
    /// A box is known. One whose connection was replaced before it came here has no seat any more.
    pub(super) fn take(&self, site: SiteId, handle: Handle, speaks: Speaks) {
        let mut seats = lock(&self.0);
        if !handle.is_closing() {
            seats.insert(site, Seat { handle, speaks, commands: Vec::new(), has_more: false });
        }
    }

    /// A connection has ended; its seat may be another's already.
    pub(super) fn leave(&self, site: SiteId, handle: &Handle) {
        let mut seats = lock(&self.0);
        if seats.get(&site).is_some_and(|seat| seat.handle.number() == handle.number()) {
            seats.remove(&site);
        }
    }

    /// A box of protocol 1 has shown what it has: commands may come.
    pub(super) fn has_shown(&self, site: SiteId) {
        if let Some(Seat { speaks: Speaks::One { from }, .. }) = lock(&self.0).get_mut(&site) {
            *from = Instant::now();
        }
    }

    /// A box of protocol 2 has persisted a revision.
    pub(super) fn has_persisted(&self, site: SiteId, revision: i64) {
        if let Some(Seat { speaks: Speaks::Two { has, .. }, .. }) = lock(&self.0).get_mut(&site) {
            *has = revision.max(*has);
        }
    }

    /// Notes that a box is about to be told a revision; `None` if it has it, or was told just now.
    pub(super) fn tell(&self, site: SiteId, revision: i64) -> Option<Handle> {
        match lock(&self.0).get_mut(&site) {
            Some(Seat { handle, speaks: Speaks::Two { told, at, has }, .. }) => {
                let is_due = revision > *has && (revision > *told || at.elapsed() > SENT_AGAIN);
                is_due.then(|| {
                    (*told, *at) = (revision, Instant::now());
                    handle.clone()
                })
            }
            _ => None,
        }
    }

    /// Which protocol the site's box speaks; `None` if it is not there.
    pub(super) fn presence(&self, site: SiteId) -> Option<Presence> {
        lock(&self.0).get(&site).filter(|seat| !seat.handle.is_closing()).map(|seat| seat.speaks.presence())
    }

    /// Notes that a box is told a command, once a connection, whoever comes first.
    pub(super) fn tell_command(&self, site: SiteId, command: CommandId) -> Told {
        let mut seats = lock(&self.0);
        let Some(seat) = seats.get_mut(&site).filter(|seat| !seat.handle.is_closing()) else { return Told::Away };
        if seat.commands.iter().any(|(told, _)| *told == command) {
            return Told::Already;
        }
        if seat.commands.len() >= REMEMBERED {
            seat.commands.remove(0);
        }
        seat.commands.push((command, false));
        Told::Now(seat.handle.clone(), seat.speaks.presence())
    }

    /// A box says that it has a command; whether it was told so, and says it for the first time.
    pub(super) fn has_command(&self, site: SiteId, command: CommandId) -> bool {
        let mut seats = lock(&self.0);
        let told = seats.get_mut(&site).and_then(|seat| seat.commands.iter_mut().find(|(told, _)| *told == command));
        told.is_some_and(|(_, has)| !std::mem::replace(has, true))
    }

    /// More commands wait for a box than were told at once.
    pub(super) fn has_more(&self, site: SiteId) {
        if let Some(seat) = lock(&self.0).get_mut(&site) {
            seat.has_more = true;
        }
    }

    /// Whether that was so until now.
    pub(super) fn took_more(&self, site: SiteId) -> bool {
        lock(&self.0).get_mut(&site).is_some_and(|seat| std::mem::take(&mut seat.has_more))
    }

    fn find(&self, sites: &[SiteId]) -> Vec<(SiteId, Handle, Speaks)> {
        let seats = lock(&self.0);
        let seated = sites.iter().filter_map(|site| Some((*site, seats.get(site)?)));
        seated.map(|(site, seat)| (site, seat.handle.clone(), seat.speaks.clone())).collect()
    }

    /// Every connected box, by the protocol that it speaks.
    fn all(&self) -> (Vec<SiteId>, Vec<SiteId>) {
        let seats = lock(&self.0);
        let (mut ones, mut twos) = (Vec::new(), Vec::new());
        for (site, seat) in seats.iter() {
            match seat.speaks {
                Speaks::One { from } if from <= Instant::now() => ones.push(*site),
                Speaks::One { .. } => {}
                Speaks::Two { .. } => twos.push(*site),
            }
        }
        (ones, twos)
    }
}

/// Runs until the server stops.
pub(super) async fn run(app: App) {
    tokio::join!(deliver(&app), sweep(&app), write(&app));
}

async fn deliver(app: &App) {
    loop {
        let rung = app.live.bell.take().await;
        let (mut ones, mut twos) = (Vec::new(), Vec::new());
        let seated = app.live.seats.find(&rung);
        for batch in seated.chunks(BATCH) {
            // Before the next step of a box of protocol 1: it may have to wait for what a person sends.
            commands::deliver(app, batch.iter().map(|(site, _, speaks)| (*site, speaks.presence())).unzip()).await;
        }
        for (site, handle, speaks) in seated {
            match speaks {
                Speaks::One { from } if from <= Instant::now() => ones.push((site, handle)),
                // Its turn comes with its mirror, or with the sweep.
                Speaks::One { .. } => {}
                Speaks::Two { .. } => twos.push(site),
            }
        }
        for batch in twos.chunks(BATCH) {
            v2::tell(app, batch).await;
        }
        stream::iter(ones.chunks(STEP)).for_each_concurrent(STEPS, |boxes| v1::step(app, boxes)).await;
    }
}

async fn sweep(app: &App) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(if app.replicas.is_deaf() { SWEPT_DEAF } else { SWEPT_EVERY }) => {}
            () = app.live.looking.notified() => {}
        }
        let Ok(db) = app.db() else { continue };
        moved::dismiss(app, None).await;
        let (ones, twos) = app.live.seats.all();
        let all = ones.iter().chain(&twos).copied().collect();
        let waiting =
            (store::with_commands(ones, app.clock.now()), store::revisions(twos), store::with_open_commands(all));
        match db.run_as_system(waiting).await {
            Ok((ones, twos, asked)) => {
                let behind = twos.into_iter().filter(|(site, revision)| app.live.seats.is_behind(*site, *revision));
                app.live.bell.ring(ones.into_iter().chain(behind.map(|(site, _)| site)).chain(asked));
            }
            Err(error) => tracing::warn!(%error, "it could not be looked for work of boxes"),
        }
    }
}

impl Seats {
    fn is_behind(&self, site: SiteId, revision: i64) -> bool {
        matches!(lock(&self.0).get(&site), Some(Seat { speaks: Speaks::Two { has, .. }, .. }) if *has < revision)
    }
}

/// Percentages of downloads, from the boxes' words until they are written down.
#[derive(Debug, Default)]
pub(super) struct Progresses(Mutex<HashMap<SiteId, HashMap<uuid::Uuid, i16>>>);

impl Progresses {
    /// A box says how far it is. Boxes of the field send fractions, more than 100, and the same twice.
    pub(super) fn note(&self, site: SiteId, video: uuid::Uuid, percent: f64) {
        if percent.is_finite() {
            #[expect(clippy::cast_possible_truncation, reason = "it lies between 0 and 99")]
            // 100 is said by the result alone.
            let percent = percent.clamp(0.0, 99.0) as i16;
            let mut noted = lock(&self.0);
            let files = noted.entry(site).or_default();
            // No box fetches so many at once: whoever names more is not believed.
            if files.len() < MOST_FILES || files.contains_key(&video) {
                files.insert(video, percent);
            }
        }
    }

    /// A box has said how its download ended. How far it was before would be written over that.
    pub(super) fn forget(&self, site: SiteId) {
        lock(&self.0).remove(&site);
    }

    fn take(&self) -> Vec<((SiteId, uuid::Uuid), i16)> {
        let noted = std::mem::take(&mut *lock(&self.0));
        noted.into_iter().flat_map(|(site, files)| files.into_iter().map(move |(id, at)| ((site, id), at))).collect()
    }
}

async fn write(app: &App) {
    loop {
        tokio::time::sleep(WRITTEN_EVERY).await;
        write_now(app).await;
    }
}

/// Writes down how far downloads are. What cannot be written now is out of date by the next time.
pub(super) async fn write_now(app: &App) {
    let progress = app.live.progress.take();
    let Ok(db) = app.db() else { return };
    if progress.is_empty() {
        return;
    }
    for some in progress.chunks(WRITTEN_TOGETHER) {
        match db.run_as_system(store::write_progress(some, app.clock.now())).await {
            Ok(_) => app.changes.note_sites(some.iter().map(|((site, _), _)| *site), Change::Work),
            Err(error) => {
                tracing::warn!(%error, files = some.len(), "the progress of downloads could not be written down");
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_downloads_are_is_forgotten_with_their_end_and_bounded() {
        let (noted, one, other) = (Progresses::default(), SiteId::new(), SiteId::new());
        let video = uuid::Uuid::from_u128(7);
        for (site, percent) in [(one, 12.5), (one, f64::NAN), (other, 250.0)] {
            noted.note(site, video, percent);
        }
        noted.forget(one);
        assert_eq!(noted.take(), [((other, video), 99)]);
        for number in 0..10_000 {
            noted.note(one, uuid::Uuid::from_u128(number), 5.0);
        }
        noted.note(one, uuid::Uuid::from_u128(0), 6.0);
        let flood = noted.take();
        assert_eq!(flood.len(), MOST_FILES, "a flood of names is not kept");
        assert!(flood.contains(&((one, uuid::Uuid::from_u128(0)), 6)), "the files that were named first go on");
        assert_eq!(noted.take(), []);
    }
}
