//! The look-out: every half minute it is looked for what is wrong, and what there is to tell is passed on.
//!
//! Both are safe on several servers and at a kill: a look is one transaction that makes a notice with what it tells of, and
//! a notice is passed on by jobs that are committed with the mark that it was.

pub(super) mod store;

use std::time::Duration;

use serde_json::{Value, json};

use self::store::{Notice, Passing};
use super::rules::AlertSettings;
use super::{News, words};
use crate::app::App;
use crate::error::Error;
use crate::health::{MailState, SlackState, StorageState};
use crate::ids::{JobId, UserId};
use crate::jobs::Kind;
use crate::notify::mail::{self, Letter, Order, Week};
use crate::notify::slack;
use crate::retention;
use crate::storage::Trouble;

/// How often it is looked.
const LOOKED_EVERY: Duration = Duration::from_secs(30);
/// How often what is over is forgotten, in looks.
const FORGOTTEN_EVERY: u32 = 120;
/// From how much of its room on a database is nearly full, in percent.
const NEARLY_FULL: i64 = 85;
/// And from how much on that is critical.
const FULL: i64 = 95;

/// Runs until the server stops.
pub async fn run(app: App) {
    slack::say_where_it_goes(&app.config);
    for look in 0u32.. {
        tokio::time::sleep(LOOKED_EVERY).await;
        if let Err(error) = look_and_tell(&app).await {
            tracing::warn!(?error, "alerts could not be looked after; the next look is in half a minute");
        }
        if look % FORGOTTEN_EVERY == 0
            && let Err(error) = forget(&app).await
        {
            tracing::warn!(?error, "old alerts could not be forgotten yet");
        }
    }
}

/// Forgets alerts and notices that were over long ago.
///
/// # Errors
/// The database is away.
pub async fn forget(app: &App) -> Result<(), Error> {
    app.db()?.run_as_system(store::forget(app.clock.now())).await?;
    Ok(())
}

/// Looks once, and passes on what there is to tell.
///
/// # Errors
/// The database is away.
pub async fn look_and_tell(app: &App) -> Result<(), Error> {
    look(app).await?;
    pass_on(app).await
}

/// Looks once: alerts open and close, and notices are made.
///
/// # Errors
/// The database is away.
pub async fn look(app: &App) -> Result<(), Error> {
    let (db, now) = (app.db()?, app.clock.now());
    let asked = (store::rules(), retention::settings(app), store::database_size(), store::held_today(now));
    let (rules, kept, bytes, held) = db.run_as_system(asked).await?;
    app.health.set_mails_held(held > 0);
    let troubles = troubles(app, kept.database_limit(), bytes);
    db.run_as_system(store::watch(&rules, troubles, now)).await?;
    Ok(())
}

/// What is wrong with the installation itself, as this server sees it.
fn troubles(app: &App, room: Option<i64>, database: i64) -> Value {
    let mut troubles = Vec::new();
    let mut trouble = |kind: &str, severity: &str, metadata: Value| {
        let message = words::sentence(kind, crate::language::Language::Fr);
        troubles.push(json!({ "type": kind, "severity": severity, "message": message, "metadata": metadata }));
    };
    if let Some(most) = room
        && database.saturating_mul(100) >= most.saturating_mul(NEARLY_FULL)
    {
        let critical = database.saturating_mul(100) >= most.saturating_mul(FULL);
        let severity = if critical { "critical" } else { "warning" };
        trouble(
            "database_nearly_full",
            severity,
            json!({ "megabytes": database / 1_000_000, "most": most / 1_000_000 }),
        );
    }
    match app.health.storage().0 {
        StorageState::Wrong(Trouble::Full(_)) => trouble("storage_full", "critical", json!({})),
        StorageState::Wrong(wrong) => trouble("storage_unavailable", "critical", json!({ "code": wrong.code() })),
        StorageState::Local | StorageState::Unseen | StorageState::Ready => {}
    }
    if app.health.mail() == MailState::Failing {
        trouble("mail_failing", "warning", json!({}));
    }
    if let SlackState::Failing(refusal) = app.health.slack() {
        trouble("slack_failing", "warning", json!({ "code": refusal.code() }));
    }
    Value::Array(troubles)
}

/// Passes on every notice that waits: a job for each reader, once.
///
/// # Errors
/// The database is away, or the system has no randomness.
pub async fn pass_on(app: &App) -> Result<(), Error> {
    let db = app.db()?;
    let (notices, rules) = db.run_as_system((store::waiting(), store::rules())).await?;
    for notice in notices {
        let readers = db.run_as_system(store::readers(&notice)).await?;
        let jobs = passing(app, &notice, &readers, &rules)?;
        let count = jobs.len();
        match db.run_as_system(store::spread(notice.id, jobs, app.clock.now())).await {
            Ok(_) => {
                tracing::info!(notice = %notice.id, kind = notice.kind, jobs = count, "a notice is passed on");
                app.jobs.ring();
            }
            // Another server was faster.
            Err(crate::db::Error::Rule(rule)) if rule == "alert_notices_spread_once" => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The jobs of a notice. One whose content this version cannot read has none: a newer server made it.
fn passing(app: &App, notice: &Notice, readers: &[UserId], rules: &AlertSettings) -> Result<Vec<Passing>, Error> {
    let (content, at) = (notice.content.read(), notice.created_at.unix_seconds());
    let unreadable = |error: serde_json::Error| Error::Internal(format!("a notice that cannot be read: {error}"));
    let mut jobs = Vec::new();
    let letter = match notice.kind.as_str() {
        "alerts" => {
            let news: News = serde_json::from_value(content).map_err(unreadable)?;
            if app.config.slack.is_some() {
                let id = JobId::new();
                let sealed =
                    slack::seal(app, id, &slack::Message { news: news.clone(), at, language: rules.language })?;
                jobs.push(Passing { id, kind: Kind::Slack, to: None, sealed });
            }
            Letter::Alerts { news, at }
        }
        "results" => {
            let orders: Vec<Order> = serde_json::from_value(content["orders"].clone()).map_err(unreadable)?;
            Letter::Results { orders }
        }
        _ => {
            let week: Week = serde_json::from_value(content).map_err(unreadable)?;
            Letter::Summary { week }
        }
    };
    for reader in readers {
        let (id, sealed) = mail::seal(app, &letter, None)?;
        jobs.push(Passing { id, kind: Kind::Mail, to: Some(*reader), sealed });
    }
    Ok(jobs)
}
