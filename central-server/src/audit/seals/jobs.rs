//! Seals the journal every few seconds, and forgets what is too old.

use std::time::Duration;

use super::store;
use crate::app::App;
use crate::db::{Db, Error};

/// How often it is looked at the last seal when there is nothing to seal: whether it still is what it was.
const LOOKED_EVERY: Duration = Duration::from_secs(60);
/// How many entries one seal has at most: a quarter of a second of the database's work.
const MOST: i32 = 2_000;
/// How often it is looked for what is too old.
const CUT_EVERY: Duration = Duration::from_secs(24 * 3_600);
/// How many entries are forgotten at a time.
const CUT_MOST: i64 = 20_000;
/// The mean month of our calendar.
const MONTH: Duration = Duration::from_secs(2_629_746);

/// The number and the hash, in hex, of a seal.
pub type Seen = Option<(i64, String)>;

/// Runs until the server stops.
pub async fn run(app: App) {
    tokio::join!(seal(&app), forget(&app));
}

async fn seal(app: &App) {
    let mut seen: Seen = None;
    loop {
        tokio::select! {
            () = app.due.journal.notified() => {}
            () = tokio::time::sleep(LOOKED_EVERY) => {}
        }
        let Ok(db) = app.db() else { continue };
        match seal_now(&db, seen.clone()).await {
            Ok(now) => seen = now,
            Err(error) => tracing::warn!(%error, "the journal could not be sealed yet"),
        }
    }
}

/// Seals all that is there; answers the last seal. What is written into the log is what a person can compare later: who
/// owns the database can make another chain, but not another log.
///
/// # Errors
/// The database did not do it. What was sealed before is sealed.
pub async fn seal_now(db: &Db, mut seen: Seen) -> Result<Seen, Error> {
    loop {
        let done = db.run_as_system(store::seal(MOST, seen.clone())).await?;
        if let (false, Some((seal, hash))) = (done.intact, &seen) {
            tracing::error!(seal, hash, "the journal's seal is not what it was: somebody has changed the journal");
        }
        seen = done.seal.zip(done.hash);
        if let (true, Some((seal, hash))) = (done.entries > 0, &seen) {
            tracing::info!(seal, hash, entries = done.entries, last_entry = done.last_entry, "the journal was sealed");
        }
        if done.entries < i64::from(MOST) {
            return Ok(seen);
        }
    }
}

async fn forget(app: &App) {
    let Some(months) = app.config.audit_keep_months else { return };
    let kept = MONTH.saturating_mul(u32::try_from(months).unwrap_or(u32::MAX));
    loop {
        if let Ok(db) = app.db() {
            forget_now(app, &db, kept).await;
        }
        tokio::time::sleep(CUT_EVERY).await;
    }
}

async fn forget_now(app: &App, db: &Db, kept: Duration) {
    loop {
        let now = app.clock.now();
        match db.run_as_system(store::cut(now.minus(kept), CUT_MOST, now)).await {
            Ok(None) => return,
            Ok(Some(cut)) => {
                tracing::info!(entries = cut.entries, seal = cut.seal, "the journal's oldest entries were forgotten")
            }
            Err(error) => return tracing::warn!(%error, "the journal's oldest entries could not be forgotten"),
        }
    }
}
