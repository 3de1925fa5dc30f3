//! Looks at the whole service from behind, so that nobody who reads its figures or its health makes it work.

use std::time::Duration;

use super::store;
use crate::app::App;
use crate::clock::Time;
use crate::health::Backlog;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(30);
/// What is younger may still be committed behind our back.
const SETTLED: Duration = Duration::from_secs(10);

/// Runs until the server stops.
pub async fn run(app: App) {
    let mut since = app.clock.now();
    loop {
        since = look(&app, since).await;
        tokio::time::sleep(EVERY).await;
    }
}

/// Looks once, at what has happened since this moment; the moment from which on the next look counts.
pub async fn look(app: &App, since: Time) -> Time {
    let Ok(db) = app.db() else { return since };
    let now = app.clock.now();
    match db.run_as_system(store::standing(now)).await {
        Ok(standing) => {
            let late = Duration::try_from_secs_f64(standing.jobs_late_seconds).unwrap_or_default();
            app.health.set_jobs(Backlog { waiting: standing.jobs_waiting, failed: standing.jobs_failed, late });
            app.measures.stands(standing);
        }
        Err(error) => {
            tracing::warn!(%error, "the jobs that wait could not be counted");
            return since;
        }
    }
    let until = now.minus(SETTLED);
    if !app.config.metrics.enabled || until <= since {
        return since;
    }
    match db.run_as_system((store::orders(since, until), store::commands(since, until))).await {
        Ok((orders, commands)) => {
            orders.into_iter().for_each(|order| app.measures.order(order));
            commands.into_iter().for_each(|command| app.measures.command(command));
            until
        }
        Err(error) => {
            tracing::warn!(%error, "what has ended could not be counted");
            since
        }
    }
}
