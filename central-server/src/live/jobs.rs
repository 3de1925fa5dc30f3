//! What the live channel does by itself, again and again.

use std::time::Duration;

use super::silent::COUNTED_EVERY;
use super::store;
use crate::app::App;
use crate::events::Change;
use crate::ids::SiteId;
use crate::replicas;

/// How often what was heard is written down.
const WRITTEN_EVERY: Duration = Duration::from_secs(5);
/// How soon it is written down that a box came or went, when somebody looks: those who come together are one write.
const SHOWN_WITHIN: Duration = Duration::from_millis(150);
/// How often boxes are asked for a sign of life.
const PINGED_EVERY: Duration = Duration::from_secs(30);
/// After how long without news a site is offline, whichever replica it was connected to.
const LEASE: Duration = Duration::from_secs(100);

/// Runs until the server stops.
pub async fn run(app: App) {
    tokio::join!(close_surplus(&app), write(&app), ping(&app));
}

async fn close_surplus(app: &App) {
    loop {
        app.live.silent.close_surplus();
        app.health.live_came_round();
        tokio::time::sleep(COUNTED_EVERY).await;
    }
}

async fn write(app: &App) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(WRITTEN_EVERY) => {}
            () = somebody_looks(app) => tokio::time::sleep(SHOWN_WITHIN).await,
        }
        write_now(app).await;
    }
}

/// Waits until a box has come or gone, and somebody has the dashboard open to see it, or is another replica.
async fn somebody_looks(app: &App) {
    loop {
        app.live.hub.stirred().await;
        // Another replica may have the same box still, and tell it things into a dead connection.
        if app.changes.is_heard() || app.replicas.outbox.has_others() {
            return;
        }
    }
}

/// Writes down what was heard since the last time. What cannot be written now is kept.
pub async fn write_now(app: &App) {
    let Ok(db) = app.db() else { return };
    let (news, figures) = (app.live.hub.take_news(), app.live.hub.figures.take());
    if news.is_empty() && figures.is_empty() {
        return;
    }
    let written = db.run_as_system((store::write_news(&news, app.replicas.id()), store::write_figures(&figures))).await;
    match written {
        Ok(_) => {
            let shown: Vec<SiteId> = news.iter().filter(|(_, news)| news.shows).map(|(site, _)| *site).collect();
            app.changes.note_sites(shown.into_iter(), Change::Site);
            let arrived = news.iter().filter(|(_, news)| news.arrived.is_some());
            app.replicas.outbox.seats(arrived.map(|(site, _)| *site));
        }
        Err(error) => {
            tracing::warn!(%error, sites = news.len(), "what was heard of boxes could not be written down yet");
            app.live.hub.put_back(news);
            app.live.hub.figures.put_back(figures);
        }
    }
}

async fn ping(app: &App) {
    loop {
        tokio::time::sleep(PINGED_EVERY).await;
        app.live.hub.ping(app.clock.now());
        let Ok(db) = app.db() else { continue };
        match db.run_as_system(replicas::end_leases(app.clock.now().minus(LEASE))).await {
            Ok(ended) if ended.is_empty() => {}
            Ok(ended) => {
                tracing::info!(ended = ended.len(), "boxes were not heard of any more");
                app.changes.note_sites(ended.into_iter(), Change::Site);
            }
            Err(error) => tracing::warn!(%error, "leases could not be looked at"),
        }
    }
}
