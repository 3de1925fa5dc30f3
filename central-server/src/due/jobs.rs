//! Looks for what is due, and wakes those who do it.

use std::time::Duration;

use super::{Due, store};
use crate::app::App;

/// How often it is looked.
const LOOKED_EVERY: Duration = Duration::from_secs(5);

/// Runs until the server stops.
pub async fn run(app: App) {
    loop {
        tokio::time::sleep(LOOKED_EVERY).await;
        look(&app).await;
    }
}

async fn look(app: &App) {
    let Ok(db) = app.db() else { return };
    let due = match db.run_as_system(store::due(app.clock.now())).await {
        Ok(due) => due,
        Err(error) => return tracing::warn!(%error, "what is due could not be looked for"),
    };
    if due.jobs {
        app.jobs.ring();
    }
    let Due { commands, orders, tallies, journal } = &app.due;
    let waiting = [(due.commands, commands), (due.orders, orders), (due.tallies, tallies), (due.journal, journal)];
    waiting.iter().filter(|(is_due, _)| *is_due).for_each(|(_, who)| who.notify_one());
}
