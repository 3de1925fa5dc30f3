//! What time has made due, looked for once for all who wait for it: each look is a message to a database that may be far
//! away, and a platform bills what leaves it. An installation in which nothing is due sends one statement every five seconds.

mod store;

use std::time::Duration;

use tokio::sync::Notify;

use crate::app::App;

/// How often it is looked.
const LOOKED_EVERY: Duration = Duration::from_secs(5);

/// Who waits for something to be due. What nobody waits for at this moment is not lost, and what could not be done is due
/// again at the next look.
#[derive(Debug, Default)]
pub struct Due {
    /// Commands that are overdue.
    pub commands: Notify,
    /// Orders whose day has come.
    pub orders: Notify,
    /// Counts of orders that are to be put together.
    pub tallies: Notify,
    /// Entries of the journal that no seal has.
    pub journal: Notify,
}

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
