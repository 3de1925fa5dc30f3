//! Commands whose time is over, and those that nobody needs any more.

use std::time::Duration;

use super::store;
use crate::app::App;
use crate::events::Change;
use crate::ids::SiteId;

/// How often it is looked for overdue commands.
const LOOKED_EVERY: Duration = Duration::from_secs(2);
/// How often old ones are forgotten.
const FORGOTTEN_EVERY: Duration = Duration::from_secs(3_600);
/// How long commands stay on record.
const KEPT: Duration = Duration::from_secs(90 * 24 * 3_600);

/// Runs until the server stops.
pub async fn run(app: App) {
    tokio::join!(
        async {
            loop {
                tokio::time::sleep(LOOKED_EVERY).await;
                give_up(&app).await;
            }
        },
        async {
            loop {
                forget(&app).await;
                tokio::time::sleep(FORGOTTEN_EVERY).await;
            }
        }
    );
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
    app.live.bell.ring(sites);
}

async fn forget(app: &App) {
    loop {
        let Ok(db) = app.db() else { return };
        match db.run_as_system(store::forget(app.clock.now().minus(KEPT))).await {
            Ok(0) => return,
            Ok(commands) => tracing::info!(commands, "old commands were forgotten"),
            Err(error) => return tracing::warn!(%error, "old commands could not be forgotten"),
        }
    }
}
