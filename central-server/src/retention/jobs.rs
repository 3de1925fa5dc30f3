//! Puts away what has come, and forgets what is too old: every hour, a piece at a time.

use std::time::Duration;

use uuid::Uuid;

use super::{RetentionSettings, settings, store};
use crate::app::App;
use crate::clock::Time;
use crate::db::{Db, Error};
use crate::usage::Level;

/// The first round waits until whoever woke the server is served.
const FIRST_AFTER: Duration = Duration::from_secs(30);
/// How often it is done. A day's blocks are rewritten each time: more often would be more to clear up.
const EVERY: Duration = Duration::from_secs(3_600);
/// How many plays are put away at a time.
const PLAYS: i32 = 20_000;
/// Of how many sites the days are counted at a time.
const SITES: i32 = 200;
/// How many days of clubs are forgotten at a time.
const DAYS: i32 = 100;
/// How many figures are forgotten at a time.
const FIGURES: i32 = 10_000;
/// How many pieces one round has at most of each kind: more than years of sleep leave, and an end for whatever would
/// have none.
const PIECES: usize = 100_000;

/// What a round has done.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// Plays that were put away and counted.
    pub counted: i64,
    /// Plays that had come before, or whose day was counted without them.
    pub repeated: i64,
    /// Plays that were forgotten one by one.
    pub plays: i64,
    /// Figures of five minutes that were forgotten.
    pub five_minutes: i64,
    /// Figures of hours that were forgotten.
    pub hours: i64,
    /// Commands that were forgotten.
    pub commands: i64,
    /// Deployments that were forgotten.
    pub orders: i64,
    /// Sessions that were forgotten.
    pub sessions: i64,
}

/// Runs until the server stops.
pub async fn run(app: App) {
    tokio::time::sleep(FIRST_AFTER).await;
    loop {
        match run_now(&app).await {
            Ok(done) if done == Done::default() => {}
            Ok(done) => tracing::info!(?done, "plays were counted, and what was too old was forgotten"),
            // What was done is done, and the rest is found again.
            Err(error) => tracing::warn!(%error, "not all that is too old could be forgotten; the next round goes on"),
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// One round.
///
/// # Errors
/// The database did not answer. Each piece is whole or undone, and the next round goes on from there.
pub async fn run_now(app: &App) -> Result<Done, Error> {
    let db = app.db().map_err(|_| Error::Unavailable("it has not been reached yet".into()))?;
    let (kept, now) = (db.run_as_system(settings(app)).await?, app.clock.now());
    let mut done = Done::default();
    pack(&db, now, &mut done).await?;
    count_days(&db, now).await?;
    forget_plays(&db, &kept, now, &mut done).await?;
    forget_figures(&db, &kept, now, &mut done).await?;
    forget_records(&db, &kept, now, &mut done).await?;
    tell_size(&db, &kept).await?;
    Ok(done)
}

async fn pack(db: &Db, now: Time, done: &mut Done) -> Result<(), Error> {
    for _ in 0..PIECES {
        let Some(piece) = db.run_as_system(store::pack(PLAYS, now)).await? else { break };
        done.counted += piece.counted;
        done.repeated += piece.arrived - piece.counted;
        if piece.days == 0 {
            break;
        }
    }
    Ok(())
}

async fn count_days(db: &Db, now: Time) -> Result<(), Error> {
    let mut behind = Uuid::nil();
    while let Some(last) = db.run_as_system(store::count_days(behind, SITES, now)).await? {
        behind = last;
    }
    Ok(())
}

async fn forget_plays(db: &Db, kept: &RetentionSettings, now: Time, done: &mut Done) -> Result<(), Error> {
    for _ in 0..PIECES {
        let Some(piece) = db.run_as_system(store::forget_plays(kept.plays_days, DAYS, now)).await? else { break };
        done.plays += piece.plays;
        if piece.days == 0 {
            break;
        }
    }
    Ok(())
}

async fn forget_figures(db: &Db, kept: &RetentionSettings, now: Time, done: &mut Done) -> Result<(), Error> {
    for _ in 0..PIECES {
        let piece = db.run_as_system(store::forget_figures(kept, FIGURES, now)).await?;
        done.five_minutes += piece.five_minutes;
        done.hours += piece.hours;
        if piece.five_minutes + piece.hours == 0 {
            break;
        }
    }
    Ok(())
}

async fn forget_records(db: &Db, kept: &RetentionSettings, now: Time, done: &mut Done) -> Result<(), Error> {
    for _ in 0..PIECES {
        let piece = db.run_as_system(store::forget_records(kept, now)).await?;
        done.commands += piece.commands;
        done.orders += piece.orders;
        done.sessions += piece.sessions;
        if piece.commands + piece.orders + piece.sessions + piece.months == 0 {
            break;
        }
    }
    Ok(())
}

/// Says in the log when the room of the database runs out.
async fn tell_size(db: &Db, kept: &RetentionSettings) -> Result<(), Error> {
    let bytes = db.run_as_system(store::database_size()).await?;
    match Level::of(bytes, kept.database_limit()) {
        Level::Ok => {}
        Level::Near => tracing::warn!(
            bytes,
            limit_mb = kept.database_limit_mb,
            "four fifths of the database's room are used: a larger plan, or shorter times in the settings of retention"
        ),
        Level::Full => tracing::error!(
            bytes,
            limit_mb = kept.database_limit_mb,
            "the database's room is used up, and its plan may refuse to write: a larger plan, or shorter times in the \
             settings of retention"
        ),
    }
    Ok(())
}
