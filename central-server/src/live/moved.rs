//! Boxes that have left us for another replica while their connection here seems to live, and those whose key is another by
//! now: whoever is told so looks at the rows, and a sweep looks without being told.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::app::App;
use crate::ids::SiteId;
use crate::replicas;

/// Sites that are to be looked at.
#[derive(Debug, Default)]
pub(super) struct Moved {
    named: Mutex<HashSet<SiteId>>,
    bell: Notify,
}

impl Moved {
    pub(super) fn look(&self, sites: impl Iterator<Item = SiteId>) {
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        named.extend(sites);
        if !named.is_empty() {
            self.bell.notify_one();
        }
    }
}

/// Runs until the server stops.
pub(super) async fn run(app: App) {
    loop {
        app.live.moved.bell.notified().await;
        let named = std::mem::take(&mut *app.live.moved.named.lock().unwrap_or_else(PoisonError::into_inner));
        dismiss(&app, Some(&named)).await;
    }
}

/// Closes the connections of these sites, or of any, whose box has come to another replica since, or whose key is another.
/// While we are alone there is nothing to be found: whoever changes a key here closes the connection himself.
pub(super) async fn dismiss(app: &App, named: Option<&HashSet<SiteId>>) {
    if !app.replicas.outbox.has_others() {
        return;
    }
    let Ok(db) = app.db() else { return };
    let arrivals = app.live.hub.arrivals(named);
    if arrivals.is_empty() {
        return;
    }
    match db.run_as_system(replicas::gone(&arrivals, app.replicas.id())).await {
        Ok(gone) => {
            for (site, at) in gone {
                tracing::debug!(%site, "a box has another replica, or another key");
                app.live.hub.part(site, at);
            }
        }
        // The next sweep looks again.
        Err(error) => tracing::warn!(%error, "it could not be looked for boxes that have moved"),
    }
}
