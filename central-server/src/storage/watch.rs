//! Looks after the storage outside, behind everything else: makes its buckets, and tells health how it is.

use std::time::{Duration, Instant};

use super::Trouble;
use crate::app::App;
use crate::health::StorageState;

/// Between two looks while all is well: each is two small requests.
const EVERY: Duration = Duration::from_secs(300);
/// Between two looks while something is wrong.
const EVERY_WHEN_WRONG: Duration = Duration::from_secs(20);

/// Runs until the server stops.
pub async fn run(app: App) {
    if app.storage.remote().is_none() {
        return;
    }
    let mut before = None;
    loop {
        let now = look(&app).await;
        tell(before.as_ref(), now.as_ref());
        let pause = if now.is_ok() { EVERY } else { EVERY_WHEN_WRONG };
        before = Some(now);
        tokio::select! {
            () = app.health.storage_is_doubted() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Looks once, and writes down for health what there is to say.
///
/// # Errors
/// What is wrong.
pub async fn look(app: &App) -> Result<(), Trouble> {
    let Some(remote) = app.storage.remote() else { return Ok(()) };
    let began = Instant::now();
    let found = remote.look().await;
    let state = found.as_ref().map_or_else(|trouble| StorageState::Wrong(trouble.clone()), |()| StorageState::Ready);
    app.health.set_storage(state, began.elapsed());
    found
}

/// A line in the log for each change.
fn tell(before: Option<&Result<(), Trouble>>, now: Result<&(), &Trouble>) {
    let code = |state: Result<&(), &Trouble>| state.err().map(Trouble::code);
    if before.is_some_and(|before| code(before.as_ref()) == code(now)) {
        return;
    }
    match now {
        Ok(()) => tracing::info!("the storage is there, and its buckets are public"),
        Err(trouble) => {
            let (why, advice) = (trouble.why(), trouble.advice());
            tracing::error!(code = trouble.code(), why, "{} {advice}", trouble.words());
        }
    }
}
