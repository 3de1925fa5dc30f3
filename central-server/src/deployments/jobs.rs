//! Orders whose day has come.

use std::time::Duration;

use super::store;
use crate::app::App;

/// How often it is looked for them.
const LOOKED_EVERY: Duration = Duration::from_secs(5);

/// Runs until the server stops.
pub async fn run(app: App) {
    loop {
        tokio::time::sleep(LOOKED_EVERY).await;
        start_due(&app).await;
    }
}

/// Carries out what is due. Two replicas that look at the same moment start each order once: its row decides.
pub async fn start_due(app: &App) {
    let Ok(db) = app.db() else { return };
    match db.run_as_system(store::start_due(app.clock.now())).await {
        Ok(sites) => app.live.bell.ring(sites),
        Err(error) => tracing::warn!(%error, "scheduled deployments could not be looked at"),
    }
}
