//! What the last look at the storage of the videos has found.

use std::sync::RwLock;
use std::time::Duration;

use tokio::sync::Notify;

use super::{Health, State};
use crate::storage::Trouble;

/// The storage, as it was last seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum StorageState {
    /// Files are on this machine's disk.
    #[default]
    Local,
    /// It is outside, and nobody has looked yet.
    Unseen,
    /// It is outside, and well.
    Ready,
    /// It is outside, and something is wrong.
    Wrong(Trouble),
}

impl StorageState {
    /// Boxes play what they have: without its storage the service works, with something missing.
    pub(super) fn state(&self) -> State {
        match self {
            Self::Local | Self::Ready => State::Healthy,
            Self::Unseen | Self::Wrong(_) => State::Degraded,
        }
    }

    pub(super) fn sentence(&self) -> Option<&'static str> {
        match self {
            Self::Local | Self::Ready => None,
            Self::Unseen => Some("Le stockage des vidéos n'a pas encore été vérifié."),
            Self::Wrong(trouble) => Some(trouble.words()),
        }
    }
}

/// The last look, and a bell for the next one.
#[derive(Debug, Default)]
pub(super) struct LastLook {
    seen: RwLock<(StorageState, Duration)>,
    doubt: Notify,
}

impl Health {
    /// The storage, and how long the last look at it took.
    #[must_use]
    pub fn storage(&self) -> (StorageState, Duration) {
        self.storage.seen.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Writes down how it is.
    pub fn set_storage(&self, state: StorageState, took: Duration) {
        *self.storage.seen.write().unwrap_or_else(std::sync::PoisonError::into_inner) = (state, took);
    }

    /// Somebody was let down by the storage: it is to be looked at now.
    pub fn doubt_storage(&self) {
        self.storage.doubt.notify_one();
    }

    /// Waits for such a doubt.
    pub async fn storage_is_doubted(&self) {
        self.storage.doubt.notified().await;
    }
}
