//! Commands whose time is over. Those that nobody needs any more are forgotten with everything else that is old.

use super::store;
use crate::app::App;
use crate::events::Change;
use crate::ids::SiteId;

/// Runs until the server stops.
pub async fn run(app: App) {
    loop {
        app.due.commands.notified().await;
        give_up(&app).await;
    }
}

/// Gives up what is overdue. An answer that comes after all still counts.
pub async fn give_up(app: &App) {
    let Ok(db) = app.db() else { return };
    let mut sites: Vec<SiteId> = match db.run_as_system(store::give_up(app.clock.now())).await {
        Ok(sites) => sites,
        Err(error) => return tracing::warn!(%error, "overdue commands could not be given up yet"),
    };
    if sites.is_empty() {
        return;
    }
    tracing::info!(commands = sites.len(), "commands were given up");
    sites.sort_unstable();
    sites.dedup();
    app.changes.note_sites(sites.iter().copied(), Change::Site);
    // What had to wait for them can go on.
    app.ring(sites);
}
