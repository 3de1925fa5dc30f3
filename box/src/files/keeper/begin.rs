//! What is begun: taking over what is on the box already, fetching what is not, checking what is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use neopro_protocol::{ItemState, Reason};
use tokio::time::Instant;

use super::super::fetch::{Job, fetch};
use super::super::folder::{Contents, Folder, hash};
use super::super::plan::Want;
use super::super::programme::club_file;
use super::{Keeper, Outcome, Work};
use crate::state::Record;

/// Where wanted bytes may be.
enum Place {
    /// In the server's folder, under their final name.
    Ours(PathBuf),
    /// A path of the club's document.
    OfClub(String),
}

impl Place {
    fn path(&self) -> &Path {
        match self {
            Self::Ours(path) => path,
            Self::OfClub(path) => Path::new(path),
        }
    }
}

impl Keeper {
    /// Begins what is missing and may be tried now.
    pub(super) async fn begin(&mut self, folder: &Folder, contents: &Contents) {
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
            let places = self.places(&want, contents);
            let begun = contents.parts.get(&want.sha256).copied().unwrap_or(0);
            if !places.is_empty() {
                self.begin_taking_over(folder, &want, places, target);
            } else if self.may_try(&want, &record, begun) {
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

    /// Where on this box the wanted bytes may be: left in the folder, or put somewhere by the old agent.
    fn places(&self, want: &Want, contents: &Contents) -> Vec<Place> {
        let current = self.around.configuration.borrow().clone();
        let deployed = current.deployed.iter().filter(|video| want.ids.contains(&video.video_id));
        let of_categories = deployed.filter_map(|video| {
            let parts = [video.category.as_deref(), video.subcategory.as_deref(), video.filename.as_deref()];
            let parts: Vec<&str> = parts.into_iter().flatten().collect();
            video.filename.as_ref().map(|_| format!("videos/{}", parts.join("/")))
        });
        let is_wanted = |id: &String| want.ids.iter().any(|wanted| wanted.to_string().eq_ignore_ascii_case(id));
        let of_loop = current.view.sponsors.iter().filter(|entry| entry.video_id.as_ref().is_some_and(is_wanted));
        let of_club = of_loop.map(|entry| entry.path.clone()).chain(of_categories).map(Place::OfClub);
        let left = contents.files.get(&want.sha256).map(|(path, _)| Place::Ours(path.clone()));
        let is_new = |place: &Place| !self.looked_at.contains(&(want.sha256.clone(), place.path().to_owned()));
        left.into_iter().chain(of_club).filter(is_new).collect()
    }

    /// Whether a download, of which so many bytes are there, may begin now.
    fn may_try(&self, want: &Want, record: &Record, begun: u64) -> bool {
        // Another number, not only a greater one: ordered anew after it was taken away, tries are counted from 0 again.
        if want.attempt != record.attempt {
            return true;
        }
        let is_due = self.waits.get(&want.sha256).is_none_or(|(until, _)| *until <= Instant::now());
        match (record.state, record.reason) {
            // A disk can say that there is room, and yet refuse a write.
            (ItemState::Failed, Some(Reason::DiskFull)) => is_due && self.space.has(want.bytes.saturating_sub(begun)),
            (ItemState::Failed, Some(Reason::NotFound | Reason::OriginRefused)) => is_due,
            (ItemState::Failed, _) => false,
            _ => is_due,
        }
    }

    fn begin_taking_over(&mut self, folder: &Folder, want: &Want, places: Vec<Place>, target: PathBuf) {
        let search = Search {
            root: self.options.root.clone(),
            videos: self.options.videos.clone(),
            folder: folder.clone(),
            sha256: want.sha256.clone(),
            bytes: want.bytes,
            target,
        };
        let task = self.jobs.spawn_blocking(move || Outcome::TakenOver(search.take_over(places)));
        self.busy.insert(want.sha256.clone(), (Work::TakingOver, task));
    }

    async fn begin_fetching(&mut self, folder: &Folder, want: Want, record: Record, target: PathBuf) {
        let asked_again = want.attempt != record.attempt;
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
            tags: self.tag.clone(),
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
    pub(super) fn begin_check(&mut self, contents: &Contents) {
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
        let task = self.jobs.spawn_blocking(move || {
            let checked = hash(&path, pause);
            Outcome::Checked(path, checked)
        });
        self.busy.insert(sha256.clone(), (Work::Checking, task));
    }
}

/// Looks for the bytes of a file on this box.
struct Search {
    root: PathBuf,
    videos: PathBuf,
    folder: Folder,
    sha256: String,
    bytes: u64,
    target: PathBuf,
}

impl Search {
    /// Takes over the first file that has the bytes; otherwise tells what each place has instead. Blocks.
    fn take_over(&self, places: Vec<Place>) -> Result<(), Vec<(PathBuf, String)>> {
        let mut looked_at = Vec::new();
        for place in places {
            match self.try_one(&place) {
                Ok(()) => return Ok(()),
                Err(why) => looked_at.push((place.path().to_owned(), why)),
            }
        }
        Err(looked_at)
    }

    fn try_one(&self, place: &Place) -> Result<(), String> {
        let found = match place {
            Place::Ours(path) => path.clone(),
            Place::OfClub(path) => club_file(&self.root, &self.videos, path).ok_or("there is no such file")?,
        };
        let length = fs::metadata(&found).map_err(|error| error.to_string())?.len();
        if length != self.bytes {
            return Err(format!("{length} bytes instead of {}", self.bytes));
        }
        let hash = hash(&found, Duration::ZERO).map_err(|error| error.to_string())?;
        if hash != self.sha256 {
            return Err("other bytes".into());
        }
        if matches!(place, Place::Ours(_)) {
            return Ok(());
        }
        self.folder.take_over(&found, &self.sha256, &self.target).map_err(|error| error.to_string())
    }
}
