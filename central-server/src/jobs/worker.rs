//! Does the jobs: when the bell rings.

use std::time::Duration;

use super::store::{self, Job};
use super::{Failure, Kind, Lane};
use crate::app::App;
use crate::notify;

/// How often what has ended is forgotten.
const FORGOTTEN_EVERY: Duration = Duration::from_secs(3_600);
/// How many jobs are taken at once.
const TOGETHER: i64 = 8;
/// How long a job may take; who dies loses it to another one after that.
pub const LEASE: Duration = Duration::from_secs(120);
/// How long what is being done may take when the server is told to stop.
const FINISHED_WITHIN: Duration = Duration::from_secs(5);
/// Shorter than the lease, so that nobody works on a job that another one has taken over.
const PATIENCE: Duration = Duration::from_secs(90);

/// Runs until the server stops.
pub async fn run(app: App) {
    tokio::join!(walk(&app, Lane::Mail), walk(&app, Lane::Slack), async {
        loop {
            tokio::time::sleep(FORGOTTEN_EVERY).await;
            forget(&app).await;
        }
    });
}

async fn walk(app: &App, lane: Lane) {
    loop {
        // As long as there is something to do, there may be more.
        while round_of(app, lane).await > 0 {}
        // Also for jobs of replicas that died, and for those whose pause is over (`due`).
        app.jobs.rung(lane).await;
    }
}

/// Does what is due in every lane, and says how many jobs that were.
pub async fn round(app: &App) -> usize {
    let rounds = Lane::ALL.map(|lane| round_of(app, lane));
    futures_util::future::join_all(rounds).await.into_iter().sum()
}

/// Does what is due in a lane, and says how many jobs that were.
pub async fn round_of(app: &App, lane: Lane) -> usize {
    let (Ok(db), Some(_round)) = (app.db(), app.jobs.begin().await) else { return 0 };
    let jobs = match db.run_as_system(store::take(lane, TOGETHER, LEASE, app.clock.now())).await {
        Ok(jobs) => jobs,
        Err(error) => {
            tracing::warn!(%error, "no jobs could be taken");
            return 0;
        }
    };
    app.jobs.held().extend(jobs.iter().map(|job| (job.id, job.attempts)));
    // Each on its own: a mail server that is slow today keeps no other mail waiting.
    let work = jobs.iter().map(async |job| {
        carry_out(app, job).await;
        app.jobs.held().retain(|held| held.0 != job.id);
    });
    futures_util::future::join_all(work).await.len()
}

/// Ends the work of this process: nothing more is taken, what is being done has [`FINISHED_WITHIN`], and what is not done
/// then is given back, so that another server does it now and not when our lease has run out.
pub async fn stop(app: &App) {
    if tokio::time::timeout(FINISHED_WITHIN, app.jobs.end()).await.is_ok() {
        return;
    }
    let held = app.jobs.held().clone();
    let Ok(db) = app.db() else { return };
    match db.run_as_system(store::give_back(&held)).await {
        Ok(()) => tracing::info!(jobs = held.len(), "jobs that take too long are given back"),
        Err(error) => {
            tracing::warn!(%error, "jobs could not be given back: they are done when their leases have run out")
        }
    }
}

async fn carry_out(app: &App, job: &Job) {
    let outcome = match tokio::time::timeout(PATIENCE, attempt(app, job)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Failure::Later("it took too long".into(), None)),
    };
    let now = app.clock.now();
    let record = match &outcome {
        Ok(()) => {
            app.measures.job(&job.kind, "done");
            store::done(job, now)
        }
        Err(failure) => {
            let is_over = failure.next_try(job.attempts, now).is_none();
            app.measures.job(&job.kind, if is_over { "failed" } else { "retried" });
            let (id, kind, attempts, why) = (job.id, &job.kind, job.attempts, failure.why());
            if is_over {
                tracing::error!(job = %id, kind, attempts, why, "a job was given up");
            } else {
                tracing::warn!(job = %id, kind, attempts, why, "a job failed and will be tried again");
            }
            store::failed(job, failure, now)
        }
    };
    let recorded = match app.db() {
        Ok(db) => db.run_as_system(record).await.map_err(|error| error.to_string()),
        Err(_) => Err("no database".to_owned()),
    };
    if let Err(why) = recorded {
        // Its lease runs out, and it is done again.
        tracing::warn!(job = %job.id, why, "what became of a job could not be written down");
    }
}

async fn attempt(app: &App, job: &Job) -> Result<(), Failure> {
    let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.name() == job.kind) else {
        return Err(Failure::Later("this version does not know such jobs".into(), None));
    };
    let sealed = job.payload.as_deref().unwrap_or_default();
    let payload = app
        .job_sealer
        .open(&job.id.to_string(), sealed)
        .ok_or_else(|| Failure::Never("it was sealed with another MFA_ENCRYPTION_KEY".into()))?;
    match kind {
        Kind::Mail => notify::mail::send(app, job.id, job.user_id, &payload).await,
        Kind::Slack => notify::slack::send(app, job.id, &payload).await,
    }
}

/// Forgets what has ended long ago.
pub async fn forget(app: &App) {
    let Ok(db) = app.db() else { return };
    if let Err(error) = db.run_as_system(store::forget_ended(app.clock.now())).await {
        tracing::warn!(%error, "ended jobs, links and tries could not be forgotten yet");
    }
}
