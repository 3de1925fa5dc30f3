//! What time alone changes, or nobody can tell us: sessions and tokens that are over, whoever ended them (another replica, the command line, the clock),
//! and boxes that have been silent for so long that they count as offline.

use std::time::{Duration, Instant};

use super::{Change, store};
use crate::app::App;
use crate::live::SWEPT_DEAF;
use crate::sites;

/// How often it is looked, as long as a stream is open.
const LOOKED_EVERY: Duration = Duration::from_millis(800);

/// How long a box may be silent before it counts as offline: as `neopro_display_status` has it.
const OFFLINE_AFTER: Duration = Duration::from_secs(120);

/// Runs until the server stops.
pub async fn run(app: App) {
    let mut looked = app.clock.now();
    let mut heard = Instant::now();
    loop {
        tokio::time::sleep(LOOKED_EVERY).await;
        if app.replicas.is_deaf() && heard.elapsed() > SWEPT_DEAF {
            // Whatever others have changed, nobody can say it to us.
            heard = Instant::now();
            app.changes.hear_of_all();
        }
        let open = app.changes.credentials();
        let Ok(db) = app.db() else { continue };
        if open.is_empty() {
            looked = app.clock.now();
            continue;
        }
        let now = app.clock.now();
        let silent = sites::store::last_heard_within(looked.minus(OFFLINE_AFTER), now.minus(OFFLINE_AFTER));
        match db.run_as_system((store::ended(&open, now), silent)).await {
            Ok((ended, silent)) => {
                looked = now;
                ended.into_iter().for_each(|over| app.changes.hear_of_end(over));
                silent.into_iter().for_each(|site| app.changes.hear(Change::Site(site)));
            }
            // Nothing leaves a stream without its session being proven: this only comes later.
            Err(error) => tracing::warn!(%error, "the sessions of streams could not be looked at"),
        }
    }
}
