//! What is published: what there is to play, and what there is to report. And what goes, once it is no longer played.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use neopro_protocol::{Item, ItemState, Media, Reason};
use tokio::sync::watch;

use super::super::Inventory;
use super::super::folder::{Contents, Folder};
use super::super::plan::nameless;
use super::super::programme::Sources;
use super::{Keeper, blocking, complain, name_of, remove};
use crate::state::{Quarantined, Record};

impl Keeper {
    pub(super) fn is_installed(&self, sha256: &str, contents: &Contents) -> bool {
        let noted = self.records.get(sha256).is_some_and(|record| record.state == ItemState::Installed);
        noted && contents.files.contains_key(sha256)
    }

    pub(super) fn sources(&self, installed: BTreeMap<String, PathBuf>) -> Sources {
        Sources {
            root: self.options.root.clone(),
            videos: self.options.videos.clone(),
            club_name: self.options.club_name.clone(),
            current: self.around.configuration.borrow().clone(),
            wanted: self.wanted.clone(),
            wants: self.wants.clone(),
            installed,
            quarantine: self.quarantine.clone(),
        }
    }

    /// Publishes what there is to play and to report, if it has changed.
    pub(super) async fn publish(&mut self, contents: &Contents) {
        let installed = contents.files.iter().filter(|(sha256, _)| self.is_installed(sha256, contents));
        let installed = installed.map(|(sha256, (path, _))| (sha256.clone(), path.clone())).collect();
        let sources = self.sources(installed);
        match blocking(move || Ok((sources.library(), sources.released()))).await {
            Ok((library, released)) => {
                publish_if_new(&self.library, library);
                for key in released {
                    self.release_clip(key).await;
                }
            }
            Err(error) => tracing::error!(%error, "the loop could not be put together"),
        }
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
    pub(super) async fn remove_unwanted(&mut self, folder: &Folder, contents: &Contents) {
        if self.wanted.desired.revision == 0 {
            return;
        }
        let is_free = |sha256: &&String| !self.wants.contains_key(*sha256) && !self.busy.contains_key(*sha256);
        let files = contents.files.iter().filter(|(sha256, _)| is_free(sha256)).map(|(_, (path, _))| path.clone());
        let parts = contents.parts.keys().filter(|sha256| {
            let is_installed = self.is_installed(sha256, contents);
            is_free(sha256) || (is_installed && !self.busy.contains_key(*sha256))
        });
        let unwanted: Vec<PathBuf> = files.chain(parts.map(|sha256| folder.part(sha256))).collect();
        for path in unwanted {
            let file = name_of(&path);
            if remove(path).await {
                tracing::info!(file, "a file that is no longer wanted was removed");
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
