//! Cleans up behind uploads whose address has expired: what is no video is deleted from the storage.

use std::time::Duration;

use super::{GRACE, LEASE, store};
use crate::app::App;
use crate::storage::Bucket;

/// How often it is looked for them.
const LOOKED_EVERY: Duration = Duration::from_secs(60);

/// Runs until the server stops.
pub async fn run(app: App) {
    loop {
        tokio::time::sleep(LOOKED_EVERY).await;
        clean_up(&app).await;
    }
}

/// Cleans up once, and tells how many rows are gone. What the storage does not do now is done later: the row stays until
/// then.
pub async fn clean_up(app: &App) -> usize {
    let Ok(db) = app.db() else { return 0 };
    let now = app.clock.now();
    let expired = match db.run_as_system(store::expired(now.minus(GRACE), now, now.plus(LEASE))).await {
        Ok(expired) => expired,
        Err(error) => {
            tracing::warn!(%error, "uploads that have expired could not be looked at");
            return 0;
        }
    };
    let mut gone = 0;
    for upload in expired {
        if !upload.is_kept {
            match app.storage.delete(Bucket::Videos, &upload.path).await {
                Ok(false) => {}
                Ok(true) => tracing::info!(object = upload.path, "a file that never became a video was deleted"),
                Err(error) => {
                    tracing::warn!(?error, object = upload.path, "a file that is no video could not be deleted yet");
                    continue;
                }
            }
        }
        match db.run_as_system(store::forget(upload.id)).await {
            Ok(()) => gone += 1,
            Err(error) => tracing::warn!(%error, "an upload that has expired could not be forgotten yet"),
        }
    }
    gone
}
