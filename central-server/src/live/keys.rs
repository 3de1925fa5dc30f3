//! The keys of boxes that say who they are, and what these say of themselves: looked up and written down together.

use std::collections::HashMap;

use super::store::{self, Introduction, StoredKey};
use super::together::Together;
use crate::clock::Time;
use crate::db::Db;
use crate::ids::SiteId;

/// The database could not be asked. Nothing is known of the site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unanswered;

/// Boxes that wait for the database to know them.
#[derive(Debug, Default)]
pub(super) struct Keys {
    asked: Together<SiteId, Result<Option<StoredKey>, Unanswered>>,
    said: Together<(SiteId, Introduction), ()>,
}

impl Keys {
    /// The key of a site; `None` if there is no such site.
    pub(super) async fn find(&self, db: &Db, site: SiteId) -> Result<Option<StoredKey>, Unanswered> {
        let ask = |sites: Vec<SiteId>| async move {
            match db.run_as_system(store::find_keys(&sites)).await {
                Ok(keys) => {
                    let found: HashMap<SiteId, StoredKey> = keys.into_iter().map(|key| (key.id, key)).collect();
                    sites.iter().map(|site| Ok(found.get(site).cloned())).collect()
                }
                Err(error) => {
                    tracing::warn!(%error, boxes = sites.len(), "boxes could not be authenticated now");
                    vec![Err(Unanswered); sites.len()]
                }
            }
        };
        self.asked.ask(site, ask).await.unwrap_or(Err(Unanswered))
    }

    /// Writes down what a box says of itself, if that is possible now: it says so again with its next connection.
    pub(super) async fn introduce(&self, db: &Db, site: SiteId, introduction: Introduction, now: Time) {
        let write = |said: Vec<(SiteId, Introduction)>| async move {
            let written = db.run_as_system(store::introduce(&said, now)).await;
            if let Err(error) = written {
                tracing::warn!(%error, boxes = said.len(), "what boxes say of themselves could not be written down");
            }
            vec![(); said.len()]
        };
        self.said.ask((site, introduction), write).await;
    }
}
