//! The keeper: compares what is wanted with what is there, and does what is missing.

mod begin;
mod publish;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use neopro_protocol::{Drift, DriftKind, ItemState, Reason};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, Id, JoinSet};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::fetch::Tagged;
use super::folder::{Contents, Folder};
use super::plan::{Want, wants};
use super::space::Space;
use super::{Failure, Inventory, Note, Options, Progresses, Surroundings, Views};
use crate::library::Library;
use crate::state::{Quarantined, Record, StateError, Wanted};

/// Different bytes so many times are not the network's fault.
const MOST_MISMATCHES: u32 = 3;

/// Keeps the files of a site.
pub struct Keeper {
    options: Options,
    around: Surroundings,
    wanted: Arc<Wanted>,
    wants: Arc<BTreeMap<String, Want>>,
    records: BTreeMap<String, Record>,
    quarantine: Arc<BTreeMap<String, Quarantined>>,
    drift: (Vec<Drift>, i64),
    space: Space,
    /// What is under way: by its task, and by its file.
    jobs: JoinSet<Outcome>,
    busy: BTreeMap<String, (Work, AbortHandle)>,
    /// When a file may be tried again, and how many tries failed in a row.
    waits: BTreeMap<String, (Instant, u32)>,
    /// Places where a wanted file could have been and is not: its SHA-256 and the path.
    looked_at: BTreeSet<(String, PathBuf)>,
    /// Under which tag the bytes of a file come.
    tag: mpsc::UnboundedSender<Tagged>,
    tagged: mpsc::UnboundedReceiver<Tagged>,
    notes: mpsc::Receiver<Note>,
    inventory: watch::Sender<Arc<Inventory>>,
    progress: watch::Sender<Progresses>,
    library: watch::Sender<Arc<Library>>,
    knows_strangers: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    Fetching,
    TakingOver,
    Checking,
}

#[derive(Debug)]
enum Outcome {
    Fetched(Result<(), Failure>),
    /// Whether the bytes are in their place now; where they were looked for, and why not, otherwise.
    TakenOver(Result<(), Vec<(PathBuf, String)>>),
    /// The SHA-256 that a file has.
    Checked(PathBuf, io::Result<String>),
}

impl Keeper {
    /// A keeper and what it publishes. It works on when [`Keeper::run`] runs; what it has is published already, so that
    /// a TV that plays on over a restart of its box never meets an empty loop.
    ///
    /// # Errors
    /// The state cannot be read.
    pub async fn open(options: Options, around: Surroundings) -> Result<(Self, Views), StateError> {
        let (tell, notes) = mpsc::channel(32);
        let (tag, tagged) = mpsc::unbounded_channel();
        let (inventory, reported) = watch::channel(Arc::default());
        let (progress, progressed) = watch::channel(Progresses::new());
        let (library, published) = watch::channel(Arc::default());
        let views = Views { inventory: reported, progress: progressed, library: published, notes: tell };
        let records = around.state.records().await?.into_iter().collect();
        let quarantine = Arc::new(around.state.quarantine().await?.into_iter().collect());
        let wanted = around.wanted.borrow().clone();
        let mut keeper = Self {
            wants: Arc::new(wants(&wanted.desired.media)),
            space: Space::of(&options.videos, options.gauge.clone()),
            options,
            around,
            wanted,
            records,
            quarantine,
            drift: (Vec::new(), 0),
            jobs: JoinSet::new(),
            busy: BTreeMap::new(),
            waits: BTreeMap::new(),
            looked_at: BTreeSet::new(),
            tag,
            tagged,
            notes,
            inventory,
            progress,
            library,
            knows_strangers: false,
        };
        keeper.pass().await;
        Ok((keeper, views))
    }

    /// Keeps the files for as long as the box runs.
    pub async fn run(mut self) {
        loop {
            self.pass().await;
            let next = self.next_look();
            tokio::select! {
                changed = self.around.wanted.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    self.take_wanted().await;
                }
                changed = self.around.configuration.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    self.looked_at.clear();
                }
                Some(note) = self.notes.recv() => self.heed(note).await,
                Some((sha256, etag)) = self.tagged.recv() => self.note_tag(sha256, etag).await,
                Some(ended) = self.jobs.join_next_with_id() => match ended {
                    Ok((task, outcome)) => self.settle(task, outcome).await,
                    Err(error) => {
                        if error.is_panic() {
                            tracing::error!(%error, "a task of a file panicked");
                        }
                        self.release(error.id());
                    }
                },
                () = sleep_until(next) => {}
            }
        }
    }

    /// One comparison of everything.
    async fn pass(&mut self) {
        let videos = self.options.videos.clone();
        let look = move || {
            let folder = Folder::below(&videos);
            let made = folder.make();
            folder.contents().map(|contents| (folder, contents, made))
        };
        let (folder, contents, made) = match blocking(look).await {
            Ok(looked) => looked,
            Err(error) => return tracing::error!(%error, "the folder of the videos cannot be read"),
        };
        if let Err(error) = made {
            tracing::error!(%error, "there is no folder for the server's files");
        }
        self.find_drift(&contents).await;
        self.call_off();
        self.begin(&folder, &contents).await;
        self.begin_check(&contents);
        self.publish(&contents).await;
        // What is removed is published as gone first: the TV does not choose it any more.
        self.remove_unwanted(&folder, &contents).await;
    }

    /// What is noted as installed and is not there as it was.
    async fn find_drift(&mut self, contents: &Contents) {
        let mut found = Vec::new();
        for (sha256, record) in &self.records {
            if record.state != ItemState::Installed {
                continue;
            }
            match contents.files.get(sha256) {
                None => found.push((sha256.clone(), DriftKind::Missing, sha256.clone())),
                Some((path, bytes)) if *bytes != record.bytes => {
                    found.push((sha256.clone(), DriftKind::Changed, name_of(path)));
                }
                Some(_) => {}
            }
        }
        let mut drift = Vec::new();
        for (sha256, kind, name) in found {
            tracing::warn!(?kind, name, "a file is not as it was");
            drift.push(Drift { kind, name });
            let path = contents.files.get(&sha256).map(|(path, _)| path.clone());
            self.lost(&sha256, path).await;
        }
        if !self.knows_strangers {
            self.knows_strangers = true;
            drift.extend(contents.unknown.iter().map(|name| Drift { kind: DriftKind::Unknown, name: name.clone() }));
        }
        if !drift.is_empty() {
            self.note(drift).await;
        }
    }

    async fn note(&mut self, drift: Vec<Drift>) {
        let noted = self.around.state.note_drift(drift).await;
        complain("the drift", noted);
    }

    /// A file that was installed is not, or is another: it is wanted anew.
    async fn lost(&mut self, sha256: &str, path: Option<PathBuf>) {
        if let Some(path) = path {
            remove(path).await;
        }
        if let Some(record) = self.records.get(sha256).cloned() {
            self.keep(sha256, Record { state: ItemState::Pending, verified: 0, etag: None, ..record }).await;
        }
    }

    /// Ends what is no longer wanted.
    fn call_off(&mut self) {
        for (sha256, (_, task)) in &self.busy {
            if !self.wants.contains_key(sha256) {
                task.abort();
            }
        }
    }

    /// What a task has brought.
    async fn settle(&mut self, task: Id, outcome: Outcome) {
        let Some(sha256) = self.release(task) else { return };
        match outcome {
            Outcome::Fetched(Ok(())) => {
                tracing::info!(sha256, "a file was fetched");
                self.installed(&sha256).await;
                // If the screen could not play it, it was perhaps for its bytes.
                self.release_clip(sha256).await;
            }
            Outcome::Fetched(Err(failure)) => self.failed(&sha256, failure).await,
            Outcome::TakenOver(Ok(())) => {
                tracing::info!(sha256, "a file was there already");
                self.installed(&sha256).await;
            }
            Outcome::TakenOver(Err(looked_at)) => {
                for (path, why) in looked_at {
                    let is_ours = path.file_stem().is_some_and(|stem| stem.to_string_lossy() == sha256);
                    // One that cannot be removed either is not looked at for ever.
                    self.looked_at.insert((sha256.clone(), path.clone()));
                    if is_ours {
                        tracing::warn!(path = %path.display(), why, "a file is not what its name says");
                        self.lost(&sha256, Some(path)).await;
                    } else {
                        tracing::debug!(path = %path.display(), why, "not the wanted file");
                    }
                }
            }
            Outcome::Checked(path, checked) => self.checked(&sha256, path, checked).await,
        }
    }

    async fn checked(&mut self, sha256: &str, path: PathBuf, checked: io::Result<String>) {
        match checked {
            Ok(found) if found != sha256 => {
                tracing::warn!(sha256, "the bytes of a file have changed");
                self.note(vec![Drift { kind: DriftKind::Changed, name: name_of(&path) }]).await;
                return self.lost(sha256, Some(path)).await;
            }
            Ok(_) => {}
            // The next look tells whether the file is still there; if so, it is checked again in its turn.
            Err(error) => tracing::warn!(sha256, %error, "a file could not be checked"),
        }
        if let Some(record) = self.records.get(sha256).cloned() {
            self.keep(sha256, Record { verified: crate::clock::unix_millis(), ..record }).await;
        }
    }

    /// Which file a task was about; it is free again.
    fn release(&mut self, task: Id) -> Option<String> {
        let sha256 = self.busy.iter().find(|(_, (_, busy))| busy.id() == task).map(|(sha256, _)| sha256.clone())?;
        self.busy.remove(&sha256);
        let busy = self.busy.keys().filter_map(|sha256| self.wants.get(sha256));
        let under_way: BTreeSet<&Uuid> = busy.flat_map(|want| &want.ids).collect();
        self.progress.send_modify(|progress| progress.retain(|id, _| under_way.contains(id)));
        Some(sha256)
    }

    /// Takes a clip out of quarantine, if it is in it.
    async fn release_clip(&mut self, key: String) {
        if Arc::make_mut(&mut self.quarantine).remove(&key).is_some() {
            let kept = self.around.state.set_quarantine(key, None).await;
            complain("the quarantine", kept);
        }
    }

    async fn installed(&mut self, sha256: &str) {
        let Some(want) = self.wants.get(sha256) else { return };
        self.waits.remove(sha256);
        let attempts = self.records.get(sha256).map_or(0, |record| record.attempts);
        let record = Record {
            state: ItemState::Installed,
            attempts,
            verified: crate::clock::unix_millis(),
            ..Record::pending(want.bytes, want.attempt)
        };
        self.keep(sha256, record).await;
    }

    async fn failed(&mut self, sha256: &str, failure: Failure) {
        let Some(record) = self.records.get(sha256).cloned() else { return };
        let Failure { reason, detail, received } = failure;
        tracing::warn!(sha256, ?reason, detail, received, "a file could not be fetched");
        let is_other = matches!(reason, Reason::ChecksumMismatch | Reason::SizeMismatch);
        let mismatches = record.mismatches.saturating_add(u32::from(is_other));
        // A network that gives something now and then is worth a quick next try.
        let failures = if received > 0 { 1 } else { self.waits.get(sha256).map_or(0, |(_, failures)| *failures) + 1 };
        let (state, wait) = match reason {
            Reason::NotFound | Reason::OriginRefused => (ItemState::Failed, self.options.not_found),
            Reason::DiskFull => (ItemState::Failed, self.options.pace.wait(failures)),
            _ if is_other && mismatches >= MOST_MISMATCHES => (ItemState::Failed, Duration::ZERO),
            _ => (ItemState::Pending, self.options.pace.wait(failures)),
        };
        self.waits.insert(sha256.to_owned(), (Instant::now() + wait, failures));
        let etag = if is_other { None } else { record.etag.clone() };
        self.keep(sha256, Record { state, mismatches, reason: Some(reason), detail: Some(detail), etag, ..record })
            .await;
    }

    async fn note_tag(&mut self, sha256: String, etag: Option<String>) {
        if let Some(record) = self.records.get(&sha256).filter(|record| record.etag != etag).cloned() {
            self.keep(&sha256, Record { etag, ..record }).await;
        }
    }

    async fn keep(&mut self, sha256: &str, record: Record) {
        if self.records.get(sha256) == Some(&record) {
            return;
        }
        self.records.insert(sha256.to_owned(), record.clone());
        let kept = self.around.state.keep_record(sha256.to_owned(), record).await;
        complain("the record of a file", kept);
    }

    /// Takes over what the server wants now. What could not be had where it was is tried where it is now.
    async fn take_wanted(&mut self) {
        let before = std::mem::replace(&mut self.wanted, self.around.wanted.borrow_and_update().clone());
        let old = std::mem::replace(&mut self.wants, Arc::new(wants(&self.wanted.desired.media)));
        let origins_changed = before.origins != self.wanted.origins;
        for (sha256, want) in self.wants.iter() {
            if origins_changed || old.get(sha256).is_none_or(|old| old.urls != want.urls || old.attempt != want.attempt)
            {
                self.waits.remove(sha256);
            }
        }
    }

    async fn heed(&mut self, note: Note) {
        match note {
            Note::Unplayable { key, reason } => {
                tracing::warn!(key, reason, "a clip cannot be played and is left out");
                let (sources, of) = (self.sources(BTreeMap::new()), key.clone());
                let mark = match blocking(move || Ok(sources.mark(&of))).await {
                    Ok(mark) => mark,
                    Err(error) => return tracing::error!(%error, "a clip could not be put into quarantine"),
                };
                let quarantined = Quarantined { mark, reason };
                Arc::make_mut(&mut self.quarantine).insert(key.clone(), quarantined.clone());
                let kept = self.around.state.set_quarantine(key.clone(), Some(quarantined)).await;
                complain("the quarantine", kept);
                // The card may have changed it: it is the next to be checked.
                if let Some(record) = self.records.get(&key).cloned() {
                    self.keep(&key, Record { verified: 0, ..record }).await;
                }
            }
            Note::Playable { key } => {
                // Such a clip is shown only when all are in quarantine: then the browser was at fault, not the files.
                if self.quarantine.contains_key(&key) {
                    tracing::info!(key, "a clip that could not be played plays: nothing is left out any more");
                    for (key, _) in std::mem::take(Arc::make_mut(&mut self.quarantine)) {
                        let kept = self.around.state.set_quarantine(key, None).await;
                        complain("the quarantine", kept);
                    }
                }
            }
            Note::DriftReported(up_to) => {
                let forgotten = self.around.state.drift_reported(up_to).await;
                complain("the drift", forgotten);
            }
        }
    }

    /// When to look again if nothing happens.
    fn next_look(&self) -> Instant {
        let now = Instant::now();
        let latest = now + self.options.look;
        let is_free = |sha256: &&String| self.wants.contains_key(*sha256) && !self.busy.contains_key(*sha256);
        let waits = self.waits.iter().filter(|(sha256, _)| is_free(sha256)).map(|(_, (until, _))| *until);
        waits.filter(|until| *until > now).min().map_or(latest, |next| next.min(latest))
    }
}

/// Work that waits for the disk.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// Removes a file of ours; whether it is gone.
async fn remove(path: PathBuf) -> bool {
    let gone = path.clone();
    let removed = blocking(move || Folder::remove(&gone)).await;
    if let Err(error) = &removed {
        tracing::error!(%error, path = %path.display(), "a file cannot be removed");
    }
    removed.is_ok()
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The box goes on with what it has in memory, and tries to keep the next change.
fn complain(what: &str, kept: Result<(), StateError>) {
    if let Err(error) = kept {
        tracing::error!(%error, "{what} could not be kept");
    }
}
