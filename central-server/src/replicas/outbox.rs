//! What this replica has to say to the others, until it is said.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::hints::{Hints, Topic};
use crate::events::Change;
use crate::ids::{Credential, SiteId};

/// Hints for the other replicas. Cheap to clone. Whoever is alone notes nothing.
#[derive(Debug, Clone, Default)]
pub struct Outbox(Arc<Noted>);

#[derive(Debug, Default)]
struct Noted {
    has_others: AtomicBool,
    /// What is to be said; also nothing, which says that we are there.
    hints: Mutex<Hints>,
    rung: Notify,
}

impl Outbox {
    /// Whether there are other replicas, as far as is known.
    #[must_use]
    pub fn has_others(&self) -> bool {
        self.0.has_others.load(Ordering::Relaxed)
    }

    pub(super) fn set_others(&self, has_others: bool) -> bool {
        self.0.has_others.swap(has_others, Ordering::Relaxed)
    }

    /// Something that dashboards follow has changed.
    pub fn change(&self, change: &Change) {
        if !matches!(change, Change::Beat(_)) {
            self.note(|hints| hints.add_change(change));
        }
    }

    /// A session or token is over.
    pub fn ended(&self, credential: Credential) {
        self.note(|hints| hints.add_ended(credential));
    }

    /// The boxes of these sites are to be told something.
    pub fn work(&self, sites: &[SiteId]) {
        self.note(|hints| sites.iter().for_each(|site| hints.add(Topic::Work, site.0)));
    }

    /// A site has another key, or is gone.
    pub fn key(&self, site: SiteId) {
        self.note(|hints| hints.add(Topic::Keys, site.0));
    }

    /// The boxes of these sites are connected here now, which is on record.
    pub fn seats(&self, sites: impl Iterator<Item = SiteId>) {
        self.note(|hints| sites.for_each(|site| hints.add(Topic::Seats, site.0)));
    }

    /// That we are there.
    pub(super) fn greet(&self) {
        self.0.rung.notify_one();
    }

    fn note(&self, add: impl FnOnce(&mut Hints)) {
        if self.has_others() {
            let mut hints = self.lock();
            add(&mut hints);
            if !hints.is_empty() {
                self.0.rung.notify_one();
            }
        }
    }

    /// Waits until there is something to say.
    pub(super) async fn rung(&self) {
        self.0.rung.notified().await;
    }

    pub(super) fn take(&self) -> Hints {
        std::mem::take(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Hints> {
        self.0.hints.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
