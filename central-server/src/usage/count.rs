//! What is counted, and what is refused where the plan has no room.

use super::{Figures, store};
use crate::app::App;
use crate::clock::Time;
use crate::db::{Query, Scope};
use crate::error::{Error, Result};
use crate::storage::Trouble;

/// Bytes of the library's files.
pub fn stored(scope: Scope) -> Query<i64> {
    store::stored(scope)
}

/// What the database knows of the use of the storage.
pub fn figures(scope: Scope, now: Time) -> Query<Figures> {
    store::figures(scope, now)
}

/// Refuses a file for which the plan has no room.
///
/// # Errors
/// [`Trouble::Full`].
pub fn check_room(app: &App, used: i64, size: u64) -> Result<()> {
    let after = u64::try_from(used).unwrap_or_default().saturating_add(size);
    match app.config.storage.room {
        Some(room) if after > room => Err(Error::Storage(Trouble::Full(format!(
            "{used} bytes are stored, {size} are to come, {room} is the limit (STORAGE_GB)"
        )))),
        _ => Ok(()),
    }
}

/// Counts what the server itself has read from the storage.
pub async fn note_read(app: &App, bytes: u64) {
    let Ok(db) = app.db() else { return };
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    if let Err(error) = db.run_as_system(store::note_read(bytes, app.clock.now())).await {
        tracing::warn!(%error, bytes, "what was read from the storage could not be counted");
    }
}
