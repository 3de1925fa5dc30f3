//! The keys of boxes that say who they are, looked up together.
//!
//! After an outage the whole fleet comes back at once, and each box asks for one row. One statement for each would
//! have them queue for the pool's few connections until the pool gives up; so those that arrive while a statement
//! is under way are asked for by the next one.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;

use super::store::{self, StoredKey};
use crate::db::Db;
use crate::ids::SiteId;

/// How many keys one statement asks for.
const TOGETHER: usize = 1_000;

/// The database could not be asked. Nothing is known of the site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unanswered;

type Answer = Result<Option<StoredKey>, Unanswered>;

/// Who waits for a key, in the order of arrival.
#[derive(Debug, Default)]
pub(super) struct Keys {
    waiting: Mutex<Vec<(SiteId, oneshot::Sender<Answer>)>>,
    /// Of whoever asks for all.
    turn: tokio::sync::Mutex<()>,
}

impl Keys {
    /// The key of a site; `None` if there is no such site.
    pub(super) async fn find(&self, db: &Db, site: SiteId) -> Answer {
        let (sender, mut answer) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push((site, sender));
        loop {
            tokio::select! {
                biased;
                answer = &mut answer => return answer.unwrap_or(Err(Unanswered)),
                _turn = self.turn.lock() => self.ask(db).await,
            }
        }
    }

    /// Asks for those that have waited longest.
    async fn ask(&self, db: &Db) {
        let asked: Vec<_> = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let count = waiting.len().min(TOGETHER);
            waiting.drain(..count).collect()
        };
        if asked.is_empty() {
            return;
        }
        let found = db.run_as_system(store::find_keys(asked.iter().map(|(site, _)| *site).collect())).await;
        let found: Result<HashMap<SiteId, StoredKey>, Unanswered> = match found {
            Ok(keys) => Ok(keys.into_iter().map(|key| (key.id, key)).collect()),
            Err(error) => {
                tracing::warn!(%error, boxes = asked.len(), "boxes could not be authenticated now");
                Err(Unanswered)
            }
        };
        for (site, sender) in asked {
            // Who does not wait any more has lost its connection.
            let _ = sender.send(found.as_ref().map(|keys| keys.get(&site).cloned()).map_err(|failed| *failed));
        }
    }
}
