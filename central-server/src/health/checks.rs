//! The background checks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{DatabaseState, Health, store};
use crate::db::Db;

/// Between two checks. A stopped database shows within this and [`PATIENCE`].
const EVERY: Duration = Duration::from_secs(4);
/// How long an answer may take before the database counts as down.
const PATIENCE: Duration = Duration::from_secs(3);
/// From when on an answer counts as slow.
const SLOW: Duration = Duration::from_secs(1);

/// Asks the database, again and again, until the server stops: through a connection of the check's own, so that
/// it is the database's state that is told. Requests that wait for one of theirs make it slow, not down.
pub async fn watch_database(health: Arc<Health>, own: Db, requests: Db) {
    loop {
        // First the pause: the database has just been seen at the start.
        tokio::time::sleep(EVERY).await;
        let (state, latency) = ask(&own).await;
        let crowded = requests.load().1 > 0;
        let state = if state == DatabaseState::Up && crowded { DatabaseState::Slow } else { state };
        health.set_database(state, latency);
    }
}

async fn ask(db: &Db) -> (DatabaseState, Duration) {
    let began = Instant::now();
    let answer = tokio::time::timeout(PATIENCE, db.run_as_system(store::is_read_only())).await;
    let latency = began.elapsed();
    let state = match answer {
        Ok(Ok(false)) if latency > SLOW => DatabaseState::Slow,
        Ok(Ok(false)) => DatabaseState::Up,
        Ok(Ok(true)) => {
            db.renew();
            DatabaseState::ReadOnly
        }
        Ok(Err(error)) => {
            tracing::warn!(%error, "the database check failed");
            DatabaseState::Down
        }
        Err(_) => {
            tracing::warn!("the database check got no answer in time");
            DatabaseState::Down
        }
    };
    (state, latency)
}
