//! Mail: written from a letter in the reader's language, sent by a job.
//!
//! No request waits for a mail or fails with it: a letter is a job in the flush of the act that it tells of. A mail is
//! sent at least once; twice if the process dies, or the provider's answer is lost, between the deed and its record.

mod files;
mod letters;
mod page;
mod reports;
mod sendgrid;
mod smtp;
mod store;
mod trial;

use std::path::Path;

pub use letters::Letter;
pub use page::Page;
pub use reports::{Order, Week};
use store::Recipient;
pub use trial::Refusal;

use crate::app::App;
use crate::config::{Config, Mail, Sender};
use crate::db::Query;
use crate::error::Error;
use crate::health::MailState;
use crate::ids::{JobId, UserId};
use crate::jobs::{self, Failure, Kind};
use crate::language::Language;

/// How mail leaves this server.
#[derive(Debug)]
pub enum Transport {
    /// Through SendGrid's HTTP API.
    SendGrid(sendgrid::SendGrid),
    /// Through an SMTP server.
    Smtp(smtp::Smtp),
    /// Into files, in development.
    Files(files::Files),
    /// Not at all: production without the variables.
    Off,
}

impl Transport {
    /// The one that the configuration asks for.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        match &config.mail {
            Some(Mail::SendGrid { key, from, api }) => {
                Self::SendGrid(sendgrid::SendGrid::new(key.clone(), from.clone(), api))
            }
            Some(Mail::Smtp { host, port, login, secure, from }) => {
                Self::Smtp(smtp::Smtp::new(host, *port, login.as_ref(), *secure, from.clone()))
            }
            None if config.is_production() => Self::Off,
            None => Self::Files(files::Files::in_folder(&config.data_dir.join("mail"))),
        }
    }

    /// Before the first mail: whether there is a way at all.
    #[must_use]
    pub fn state(&self) -> MailState {
        match self {
            Self::Off => MailState::Off,
            Self::Files(_) => MailState::Files,
            Self::SendGrid(_) | Self::Smtp(_) => MailState::Ready,
        }
    }

    /// The folder of the files, if that is the way.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Files(files) => Some(files.folder()),
            _ => None,
        }
    }

    async fn send(&self, post: &Post, now: crate::clock::Time) -> Result<(), Failure> {
        match self {
            Self::SendGrid(sendgrid) => sendgrid.send(post).await,
            Self::Smtp(smtp) => smtp.send(post).await,
            Self::Files(files) => files.send(post, now).await,
            Self::Off => Err(Failure::Later("mail is not configured (SENDGRID_API_KEY or SMTP_HOST)".into(), None)),
        }
    }
}

/// A mail that is ready to leave.
#[derive(Debug)]
struct Post {
    /// The job, which names this mail for programs.
    id: JobId,
    /// To whom.
    to: Sender,
    /// What.
    page: Page,
}

/// Enqueues a letter in the flush of the act that it tells of, in any scope. To whom it goes, by which name and in which
/// language is looked up when it is sent; `language` is for those of whom we do not know it. Ring [`App::jobs`] behind
/// the flush, or it waits for the next round.
///
/// # Errors
/// The system has no randomness.
pub fn enqueue(app: &App, to: UserId, letter: &Letter, language: Option<Language>) -> Result<Query<()>, Error> {
    let (job, sealed) = seal(app, letter, language)?;
    Ok(jobs::store::enqueue(job, Kind::Mail, to, sealed, app.clock.now()))
}

/// A job's id and its sealed letter, for a statement that finds out by itself whom it goes to.
///
/// # Errors
/// The system has no randomness.
pub fn seal(app: &App, letter: &Letter, language: Option<Language>) -> Result<(JobId, String), Error> {
    let job = JobId::new();
    let payload = serde_json::json!({ "letter": letter, "language": language }).to_string();
    let sealed = app.job_sealer.seal(&job.to_string(), payload.as_bytes());
    Ok((job, sealed.map_err(|error| Error::Internal(error.to_owned()))?))
}

/// What a job of ours knows.
#[derive(Debug, serde::Deserialize)]
struct Payload {
    letter: Letter,
    language: Option<Language>,
}

/// Sends the mail of a job.
///
/// # Errors
/// What the way out said, without the address.
pub async fn send(app: &App, job: JobId, to: Option<UserId>, payload: &[u8]) -> Result<(), Failure> {
    let payload: Payload =
        serde_json::from_slice(payload).map_err(|error| Failure::Never(format!("unreadable: {error}")))?;
    let to = to.ok_or_else(|| Failure::Never("a mail to nobody".into()))?;
    let link = payload.letter.token().map(crate::passwords::hash_of);
    let asked = async { Ok::<_, Error>(app.db()?.run_as_system(store::recipient(to, link, app.clock.now())).await?) };
    let found = asked.await.map_err(|error| Failure::Later(format!("{error:?}"), None))?;
    if payload.letter.is_stale(app.clock.now()) {
        tracing::info!(%job, letter = payload.letter.name(), "a mail comes too late and is not sent");
        return Ok(());
    }
    let Some(Recipient { email, full_name, language }) = found else {
        // The account is gone, or the link is used, replaced or over: nobody needs this any more.
        tracing::info!(%job, letter = payload.letter.name(), "a mail is needed no more");
        return Ok(());
    };
    let language = language.and_then(|word| word.parse().ok()).or(payload.language).unwrap_or_default();
    let written = payload.letter.page(language, full_name.as_deref(), &app.config.dashboard_url());
    let name = full_name.as_deref().map(page::one_line).filter(|name| !name.trim().is_empty());
    let post = Post { id: job, to: Sender { name, address: email }, page: written };
    if !counted(app, &payload.letter).await? {
        tracing::warn!(%job, letter = payload.letter.name(), "a mail is held back: the day's number is reached");
        return Ok(());
    }
    let outcome = app.mail.send(&post, app.clock.now()).await;
    let outcome = outcome.map_err(|failure| failure.without(&post.to.address));
    if outcome.is_err()
        && let Ok(db) = app.db()
        && let Err(error) = db.run_as_system(store::uncount(app.clock.now())).await
    {
        tracing::warn!(%error, "a mail that has not left stays counted");
    }
    match &outcome {
        Ok(()) => {
            tracing::info!(%job, letter = payload.letter.name(), "a mail has left");
            app.health.set_mail(app.mail.state());
        }
        // One address that nobody has is no fault of the way out.
        Err(Failure::Never(_)) => {}
        Err(Failure::Later(..)) if app.mail.state() == MailState::Off => {}
        Err(Failure::Later(..)) => app.health.set_mail(MailState::Failing),
    }
    outcome
}

/// Counts a mail that is about to leave; false if it is to stay, because so many have left today that those about accounts
/// need the rest of what the provider lets through. It is told in the summary and on the page of alerts, not sent later.
async fn counted(app: &App, letter: &Letter) -> Result<bool, Failure> {
    let now = app.clock.now();
    let asked = async {
        let db = app.db()?;
        let most = db.run_as_system(store::most_in_a_day()).await?;
        Ok::<_, Error>(db.run_as_system(store::count(letter.is_urgent(), most, now)).await?)
    };
    let may = asked.await.map_err(|error| Failure::Later(format!("{error:?}"), None))?;
    if !may {
        app.health.set_mails_held(true);
    }
    Ok(may)
}
