//! Orders whose day has come, and the counts of all of them.

use super::store;
use crate::app::App;

/// Runs until the server stops.
pub async fn run(app: App) {
    loop {
        tokio::select! {
            () = app.due.orders.notified() => start_due(&app).await,
            () = app.due.tallies.notified() => sum_tallies(&app).await,
        }
    }
}

/// Puts together what the counts of the orders have changed by.
async fn sum_tallies(app: &App) {
    let Ok(db) = app.db() else { return };
    if let Err(error) = db.run_as_system(store::sum_tallies()).await {
        tracing::warn!(%error, "the counts of the deployments could not be summed up");
    }
}

/// Carries out what is due, each order by itself: one that cannot be carried out now does not hold up the others, and
/// several for the whole fleet need not fit into the time of one statement. Two replicas that look at the same moment
/// start each order once: its row decides.
pub async fn start_due(app: &App) {
    let Ok(db) = app.db() else { return };
    let due = match db.run_as_system(store::due(app.clock.now())).await {
        Ok(due) => due,
        Err(error) => return tracing::warn!(%error, "scheduled deployments could not be looked at"),
    };
    for order in due {
        match db.run_as_system(store::start_due(order, app.clock.now())).await {
            Ok(sites) => app.has_ordered(order, sites),
            Err(error) => tracing::warn!(%order, %error, "a scheduled deployment could not be started yet"),
        }
    }
}
