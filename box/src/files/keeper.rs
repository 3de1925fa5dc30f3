//! The keeper: compares what is wanted with what is there, and does what is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use neopro_protocol::{Drift, DriftKind, Item, ItemState, Media, Reason};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, Id, JoinSet};
use tokio::time::{Instant, sleep_until};

use super::fetch::{Job, fetch};
use super::folder::{Contents, Folder, hash};
use super::plan::{Want, nameless, wants};
use super::programme::{Sources, club_file};
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
    wants: BTreeMap<String, Want>,
    records: BTreeMap<String, Record>,
    quarantine: BTreeMap<String, Quarantined>,
    drift: (Vec<Drift>, i64),
    space: Space,
    /// What is under way: by its task, and by its file.
    jobs: JoinSet<Outcome>,
    busy: BTreeMap<String, (Work, AbortHandle)>,
    /// When a file may be tried again, and how many tries failed in a row.
    waits: BTreeMap<String, (Instant, u32)>,
    /// Files of the club that were looked at and are not what is wanted.
    looked_at: BTreeSet<(String, PathBuf)>,
    tags: (mpsc::UnboundedSender<(String, Option<String>)>, mpsc::UnboundedReceiver<(String, Option<String>)>),
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
    /// Whether the bytes were the right ones; where they were looked for, if not.
    TakenOver(Result<(), (PathBuf, String)>),
    /// The SHA-256 that the file has.
    Checked(std::io::Result<String>),
}

impl Keeper {
    /// A keeper and what it publishes. It works when [`Keeper::run`] runs.
    ///
    /// # Errors
    /// The state cannot be read.
    pub async fn open(options: Options, around: Surroundings) -> Result<(Self, Views), StateError> {
        let (tell, notes) = mpsc::channel(32);
        let (inventory, reported) = watch::channel(Arc::default());
        let (progress, progressed) = watch::channel(Progresses::new());
        let (library, published) = watch::channel(Arc::default());
        let views = Views { inventory: reported, progress: progressed, library: published, notes: tell };
        let records = around.state.records().await?.into_iter().collect();
        let quarantine = around.state.quarantine().await?.into_iter().collect();
        let wanted = around.wanted.borrow().clone();
        let keeper = Self {
            wants: wants(&wanted.desired.media),
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
            tags: mpsc::unbounded_channel(),
            notes,
            inventory,
            progress,
            library,
            knows_strangers: false,
        };
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
                Some((sha256, etag)) = self.tags.1.recv() => self.tagged(sha256, etag).await,
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
        let looked = tokio::task::spawn_blocking(move || {
            let folder = Folder::below(&videos)?;
            let contents = folder.contents()?;
            Ok::<_, std::io::Error>((folder, contents))
        })
        .await;
        let (folder, contents) = match looked {
            Ok(Ok(looked)) => looked,
            Ok(Err(error)) => return tracing::error!(%error, "the folder of the videos cannot be read"),
            Err(error) => return tracing::error!(%error, "the folder of the videos could not be looked at"),
        };
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
        if let Some(path) = path
            && let Err(error) = Folder::remove(&path)
        {
            tracing::error!(%error, path = %path.display(), "a changed file cannot be removed");
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

    /// Begins what is missing and may be tried now.
    async fn begin(&mut self, folder: &Folder, contents: &Contents) {
        let mut missing: Vec<Want> =
            self.in_order().filter(|want| !self.is_installed(&want.sha256, contents)).cloned().collect();
        missing.retain(|want| !self.busy.contains_key(&want.sha256));
        for want in missing {
            let under_way = self.busy.values().filter(|(work, _)| *work != Work::Checking).count();
            if under_way >= self.options.parallel {
                return;
            }
            let record = self.records.get(&want.sha256).cloned();
            let record = record.unwrap_or_else(|| Record::pending(want.bytes, want.attempt));
            let target = folder.file(&want.sha256, &want.media_type);
            if let Some(found) = self.candidate(&want, contents) {
                self.begin_taking_over(folder, &want, found, target);
            } else if self.may_try(&want, &record) {
                self.begin_fetching(folder, want, record, target).await;
            } else if !self.records.contains_key(&want.sha256) {
                self.keep(&want.sha256, record).await;
            }
        }
    }

    /// The wanted files in the order in which they were put there.
    fn in_order(&self) -> impl Iterator<Item = &Want> {
        let mut seen = BTreeSet::new();
        let media = self.wanted.desired.media.iter().filter(move |media| seen.insert(media.sha256.as_str()));
        media.filter_map(|media| self.wants.get(&media.sha256))
    }

    fn is_installed(&self, sha256: &str, contents: &Contents) -> bool {
        let noted = self.records.get(sha256).is_some_and(|record| record.state == ItemState::Installed);
        noted && contents.files.contains_key(sha256)
    }

    /// A file on this box that may have the wanted bytes: left in the folder, or put somewhere by the old agent.
    fn candidate(&self, want: &Want, contents: &Contents) -> Option<PathBuf> {
        let untried = |path: &PathBuf| {
            let length = std::fs::metadata(path).map(|file| file.len());
            length.is_ok_and(|length| length == want.bytes)
                && !self.looked_at.contains(&(want.sha256.clone(), path.clone()))
        };
        let left = contents.files.get(&want.sha256).map(|(path, _)| path.clone());
        if let Some(left) = left.filter(untried) {
            return Some(left);
        }
        let current = self.around.configuration.borrow().clone();
        let deployed = current.deployed.iter().filter(|video| want.ids.contains(&video.video_id));
        let of_categories = deployed.filter_map(|video| {
            let parts = [video.category.as_deref(), video.subcategory.as_deref(), video.filename.as_deref()];
            let parts: Vec<&str> = parts.into_iter().flatten().collect();
            Some(format!("videos/{}", parts.join("/"))).filter(|_| video.filename.is_some())
        });
        let is_wanted = |id: &String| want.ids.iter().any(|wanted| wanted.to_string().eq_ignore_ascii_case(id));
        let of_loop = current.view.sponsors.iter().filter(|entry| entry.video_id.as_ref().is_some_and(is_wanted));
        let paths = of_loop.map(|entry| entry.path.clone()).chain(of_categories);
        let files = paths.filter_map(|path| club_file(&self.options.root, &self.options.videos, &path));
        files.into_iter().find(untried)
    }

    /// Whether a download may begin now.
    fn may_try(&self, want: &Want, record: &Record) -> bool {
        if want.attempt > record.attempt {
            return true;
        }
        let is_due = self.waits.get(&want.sha256).is_none_or(|(until, _)| *until <= Instant::now());
        match (record.state, record.reason) {
            (ItemState::Failed, Some(Reason::DiskFull)) => self.space.has(want.bytes),
            (ItemState::Failed, Some(Reason::NotFound | Reason::OriginRefused)) => is_due,
            (ItemState::Failed, _) => false,
            _ => is_due,
        }
    }

    fn begin_taking_over(&mut self, folder: &Folder, want: &Want, found: PathBuf, target: PathBuf) {
        let (folder, sha256) = (folder.clone(), want.sha256.clone());
        let task = self.jobs.spawn_blocking(move || {
            let taken = match hash(&found, Duration::ZERO) {
                Ok(hash) if hash != sha256 => Err("other bytes".into()),
                Ok(_) if found == target => Ok(()),
                Ok(_) => folder.take_over(&found, &sha256, &target).map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            };
            Outcome::TakenOver(taken.map_err(|why| (found, why)))
        });
        self.busy.insert(want.sha256.clone(), (Work::TakingOver, task));
    }

    async fn begin_fetching(&mut self, folder: &Folder, want: Want, record: Record, target: PathBuf) {
        let asked_again = want.attempt > record.attempt;
        let begun = Record {
            state: ItemState::Downloading,
            bytes: want.bytes,
            attempts: record.attempts.saturating_add(1),
            mismatches: if asked_again { 0 } else { record.mismatches },
            attempt: want.attempt,
            ..record
        };
        let job = Job {
            origins: self.wanted.origins.clone(),
            folder: folder.clone(),
            target,
            etag: begun.etag.clone(),
            tags: self.tags.0.clone(),
            progress: self.progress.clone(),
            dialer: self.around.dialer.clone(),
            idle: self.options.idle,
            space: self.space.clone(),
            want,
        };
        let sha256 = job.want.sha256.clone();
        self.keep(&sha256, begun).await;
        let task = self.jobs.spawn(async move { Outcome::Fetched(fetch(job).await) });
        self.busy.insert(sha256, (Work::Fetching, task));
    }

    /// Begins to check the bytes of the file that was not checked for the longest time, if nothing else is to do.
    fn begin_check(&mut self, contents: &Contents) {
        if !self.busy.is_empty() {
            return;
        }
        let now = crate::clock::unix_millis();
        let patience = i64::try_from(self.options.verify.as_millis()).unwrap_or(i64::MAX);
        // A check in the future is one of a clock that was wrong.
        let is_due = |record: &Record| record.verified > now || now.saturating_sub(record.verified) >= patience;
        let installed =
            self.records.iter().filter(|(_, record)| record.state == ItemState::Installed && is_due(record));
        let oldest = installed.min_by_key(|(_, record)| record.verified).map(|(sha256, _)| sha256.clone());
        let Some((sha256, (path, _))) = oldest.and_then(|sha256| contents.files.get_key_value(&sha256)) else { return };
        let (path, pause) = (path.clone(), self.options.verify_pause);
        let task = self.jobs.spawn_blocking(move || Outcome::Checked(hash(&path, pause)));
        self.busy.insert(sha256.clone(), (Work::Checking, task));
    }

    /// What a task has brought.
    async fn settle(&mut self, task: Id, outcome: Outcome) {
        let Some(sha256) = self.release(task) else { return };
        match outcome {
            Outcome::Fetched(Ok(())) => {
                tracing::info!(sha256, "a file was fetched");
                self.installed(&sha256).await;
            }
            Outcome::Fetched(Err(failure)) => self.failed(&sha256, failure).await,
            Outcome::TakenOver(Ok(())) => {
                tracing::info!(sha256, "a file was there already");
                self.installed(&sha256).await;
            }
            Outcome::TakenOver(Err((path, why))) => {
                tracing::info!(path = %path.display(), why, "a file is not the wanted one");
                let is_ours = path.file_stem().is_some_and(|stem| stem.to_string_lossy() == sha256);
                self.looked_at.insert((sha256.clone(), path.clone()));
                if is_ours {
                    self.lost(&sha256, Some(path)).await;
                }
            }
            Outcome::Checked(Ok(found)) if found == sha256 => {
                if let Some(record) = self.records.get(&sha256).cloned() {
                    self.keep(&sha256, Record { verified: crate::clock::unix_millis(), ..record }).await;
                }
            }
            Outcome::Checked(Ok(_)) => {
                tracing::warn!(sha256, "the bytes of a file have changed");
                let files = self.options.videos.join(super::folder::NAME);
                let media_type = self.wants.get(&sha256).map(|want| want.media_type.clone()).unwrap_or_default();
                let path = files.join(format!("{sha256}.{}", super::folder::extension(&media_type)));
                self.note(vec![Drift { kind: DriftKind::Changed, name: name_of(&path) }]).await;
                self.lost(&sha256, Some(path)).await;
            }
            Outcome::Checked(Err(error)) => {
                // A bad sector shows itself so; the next look decides whether the file is still there.
                tracing::warn!(sha256, %error, "a file could not be checked");
                self.waits.insert(sha256.clone(), (Instant::now() + self.options.verify, 0));
                if let Some(record) = self.records.get(&sha256).cloned() {
                    self.keep(&sha256, Record { verified: crate::clock::unix_millis(), ..record }).await;
                }
            }
        }
    }

    /// Which file a task was about; it is free again.
    fn release(&mut self, task: Id) -> Option<String> {
        let sha256 = self.busy.iter().find(|(_, (_, busy))| busy.id() == task).map(|(sha256, _)| sha256.clone())?;
        self.busy.remove(&sha256);
        if let Some(want) = self.wants.get(&sha256) {
            self.progress.send_modify(|progress| progress.retain(|id, _| !want.ids.contains(id)));
        }
        Some(sha256)
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
            Reason::DiskFull => (ItemState::Failed, Duration::ZERO),
            _ if is_other && mismatches >= MOST_MISMATCHES => (ItemState::Failed, Duration::ZERO),
            _ => (ItemState::Pending, self.options.pace.wait(failures)),
        };
        self.waits.insert(sha256.to_owned(), (Instant::now() + wait, failures));
        let etag = if is_other { None } else { record.etag.clone() };
        self.keep(sha256, Record { state, mismatches, reason: Some(reason), detail: Some(detail), etag, ..record })
            .await;
    }

    async fn tagged(&mut self, sha256: String, etag: Option<String>) {
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
        let old = std::mem::replace(&mut self.wants, wants(&self.wanted.desired.media));
        let origins_changed = before.origins != self.wanted.origins;
        for (sha256, want) in &self.wants {
            if origins_changed || old.get(sha256).is_none_or(|old| old.urls != want.urls || old.attempt < want.attempt)
            {
                self.waits.remove(sha256);
            }
        }
    }

    async fn heed(&mut self, note: Note) {
        match note {
            Note::Unplayable { key, reason } => {
                let mark = self.with_sources(&BTreeMap::new(), |sources| sources.mark(&key));
                tracing::warn!(key, reason, "a clip cannot be played and is left out");
                let quarantined = Quarantined { mark, reason };
                self.quarantine.insert(key.clone(), quarantined.clone());
                let kept = self.around.state.set_quarantine(key, Some(quarantined)).await;
                complain("the quarantine", kept);
            }
            Note::DriftReported(up_to) => {
                let forgotten = self.around.state.drift_reported(up_to).await;
                complain("the drift", forgotten);
            }
        }
    }

    fn with_sources<T>(&self, installed: &BTreeMap<String, PathBuf>, use_them: impl FnOnce(&Sources<'_>) -> T) -> T {
        let current = self.around.configuration.borrow().clone();
        use_them(&Sources {
            root: &self.options.root,
            videos: &self.options.videos,
            club_name: self.options.club_name.as_deref(),
            view: &current.view,
            desired: &self.wanted.desired,
            wants: &self.wants,
            installed,
            quarantine: &self.quarantine,
        })
    }

    /// Publishes what there is to play and to report, if it has changed.
    async fn publish(&mut self, contents: &Contents) {
        let installed: BTreeMap<String, PathBuf> = contents
            .files
            .iter()
            .filter(|(sha256, _)| self.is_installed(sha256, contents))
            .map(|(sha256, (path, _))| (sha256.clone(), path.clone()))
            .collect();
        let (library, released) = self.with_sources(&installed, |sources| {
            let changed = |(key, quarantined): &(&String, &Quarantined)| sources.mark(key) != quarantined.mark;
            let released = self.quarantine.iter().filter(changed).map(|(key, _)| key.clone()).collect::<Vec<_>>();
            (sources.library(), released)
        });
        for key in released {
            self.quarantine.remove(&key);
            let kept = self.around.state.set_quarantine(key, None).await;
            complain("the quarantine", kept);
        }
        publish_if_new(&self.library, library);
        match self.around.state.drift().await {
            Ok(noted) => {
                let last = noted.last().map_or(0, |noted| noted.number);
                self.drift = (noted.into_iter().map(|noted| noted.drift).collect(), last);
            }
            Err(error) => tracing::error!(%error, "the drift cannot be read"),
        }
        let (drift, drift_up_to) = self.drift.clone();
        let items = self.wanted.desired.media.iter().map(|media| self.item(media)).collect();
        let revision = self.wanted.desired.revision;
        publish_if_new(&self.inventory, Inventory { revision, items, drift, drift_up_to });
    }

    fn item(&self, media: &Media) -> Item {
        let sha256 = media.sha256.clone();
        if !self.wants.contains_key(&sha256) {
            return nameless(media);
        }
        let record = self.records.get(&sha256).cloned().unwrap_or_else(|| Record::pending(media.bytes, media.attempt));
        // What was under way when the box was switched off waits now.
        let is_idle = record.state == ItemState::Downloading && !self.busy.contains_key(&sha256);
        let state = if is_idle { ItemState::Pending } else { record.state };
        let unplayable = self.quarantine.get(&sha256).filter(|_| state == ItemState::Installed);
        let (state, reason, detail) = match unplayable {
            Some(Quarantined { reason, .. }) => {
                let detail = format!("L'écran ne peut pas lire ce fichier ({reason}).");
                (ItemState::Failed, Some(Reason::Unplayable), Some(detail))
            }
            None => (state, record.reason, record.detail),
        };
        Item { id: media.id, sha256, state, attempts: record.attempts, reason, detail }
    }

    /// Removes what the server no longer wants. While it has said nothing, everything may be wanted.
    async fn remove_unwanted(&mut self, folder: &Folder, contents: &Contents) {
        if self.wanted.desired.revision == 0 {
            return;
        }
        let is_free = |sha256: &&String| !self.wants.contains_key(*sha256) && !self.busy.contains_key(*sha256);
        let files = contents.files.iter().filter(|(sha256, _)| is_free(sha256)).map(|(_, (path, _))| path.clone());
        let parts = contents.parts.iter().filter(|sha256| {
            let is_installed = self.is_installed(sha256, contents);
            is_free(sha256) || (is_installed && !self.busy.contains_key(*sha256))
        });
        for path in files.chain(parts.map(|sha256| folder.part(sha256))) {
            match Folder::remove(&path) {
                Ok(()) => tracing::info!(file = name_of(&path), "a file that is no longer wanted was removed"),
                Err(error) => tracing::error!(%error, path = %path.display(), "a file cannot be removed"),
            }
        }
        let forgotten: Vec<String> = self.records.keys().filter(is_free).cloned().collect();
        for sha256 in forgotten {
            self.records.remove(&sha256);
            self.waits.remove(&sha256);
            let kept = self.around.state.forget_record(sha256).await;
            complain("the record of a file", kept);
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

fn name_of(path: &std::path::Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn publish_if_new<T: PartialEq>(channel: &watch::Sender<Arc<T>>, value: T) {
    channel.send_if_modified(|current| {
        let is_new = **current != value;
        if is_new {
            *current = Arc::new(value);
        }
        is_new
    });
}

/// The box goes on with what it has in memory, and tries to keep the next change.
fn complain(what: &str, kept: Result<(), StateError>) {
    if let Err(error) = kept {
        tracing::error!(%error, "{what} could not be kept");
    }
}
