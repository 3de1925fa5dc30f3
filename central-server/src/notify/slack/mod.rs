//! Slack: messages to an incoming webhook, as jobs of a lane of their own. What does not arrive holds nobody up and breaks
//! nothing; what is too old to be news is dropped, so that no more wait than a few hours bring.

mod blocks;

use std::fmt;
use std::time::Duration;

use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::alerts::News;
use crate::app::App;
use crate::clock::Time;
use crate::config::{Config, Slack};
use crate::error::Error;
use crate::health::SlackState;
use crate::ids::JobId;
use crate::jobs::Failure;
use crate::language::Language;
use crate::notify::https::{self, Answer};

/// How long Slack may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// After how long a message is no news any more.
const NEWS: Duration = Duration::from_secs(2 * 3_600);
/// The pause after the first failure.
const FIRST_PAUSE: Duration = Duration::from_secs(15);
/// How long to wait where Slack says that there were too many and not for how long.
const PAUSE: u64 = 30;

/// What a job of ours knows.
#[derive(Debug, Serialize, Deserialize)]
pub struct Message {
    /// What there is to tell.
    pub news: News,
    /// When it was, in seconds since 1970 UTC.
    pub at: i64,
    /// In which language.
    pub language: Language,
}

/// Why a message did not arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No answer, or one that comes from elsewhere.
    Away,
    /// There were too many.
    TooMany,
    /// The webhook is not there (any more).
    NoService,
    /// It is switched off, or its address is wrong.
    InvalidToken,
    /// Its channel is archived.
    ChannelIsArchived,
    /// Its channel is not there.
    ChannelNotFound,
    /// The workspace does not let it write.
    Forbidden,
    /// What we say does not fit: a mistake of ours.
    Invalid,
}

impl Refusal {
    /// A word for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Away => "slack_away",
            Self::TooMany => "slack_too_many",
            Self::NoService => "slack_no_service",
            Self::InvalidToken => "slack_invalid_token",
            Self::ChannelIsArchived => "slack_channel_is_archived",
            Self::ChannelNotFound => "slack_channel_not_found",
            Self::Forbidden => "slack_forbidden",
            Self::Invalid => "slack_invalid",
        }
    }

    /// What is wrong, and the step of the guide that mends it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Away => "Slack ne répond pas. Le message part dès qu'il répond.",
            Self::TooMany => "Slack demande d'attendre avant le prochain message.",
            Self::NoService => {
                "Slack ne connaît plus ce webhook : en créer un autre et changer SLACK_WEBHOOK_URL (« Notifications Slack », \
                 étape 2)."
            }
            Self::InvalidToken => {
                "Slack refuse ce webhook : recopier son adresse entière dans SLACK_WEBHOOK_URL (« Notifications Slack », \
                 étape 2.6)."
            }
            Self::ChannelIsArchived => {
                "Le canal de ce webhook est archivé : le rétablir, ou créer un webhook pour un autre canal (« Notifications \
                 Slack », étape 2.4)."
            }
            Self::ChannelNotFound => {
                "Le canal de ce webhook n'existe plus : créer un webhook pour un autre canal (« Notifications Slack », étape \
                 2.4)."
            }
            Self::Forbidden => {
                "Slack ne laisse pas cette application écrire : voir avec qui gère l'espace Slack (« Notifications Slack », \
                 étape 2)."
            }
            Self::Invalid => "Slack ne comprend pas le message. Sa réponse est dans le journal.",
        }
    }

    /// Reads an answer that is not a success. Decided by the word, which says more than the status.
    fn of(status: u16, word: &str) -> Self {
        match (word, status) {
            ("no_service" | "no_team" | "team_disabled", _) => Self::NoService,
            ("invalid_token" | "token_revoked" | "no_active_hooks", _) => Self::InvalidToken,
            ("channel_is_archived", _) => Self::ChannelIsArchived,
            ("channel_not_found", _) => Self::ChannelNotFound,
            ("action_prohibited" | "posting_to_general_channel_denied", _) => Self::Forbidden,
            (_, 429) => Self::TooMany,
            (_, 404) => Self::NoService,
            (_, 403) => Self::InvalidToken,
            (_, 410) => Self::ChannelIsArchived,
            (_, 400 | 413) => Self::Invalid,
            _ => Self::Away,
        }
    }
}

/// A message that did not arrive: why, in Slack's own words as well, and not before when it is to be tried again.
#[derive(Debug)]
struct Refused {
    refusal: Refusal,
    said: String,
    not_before: Option<Time>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} Réponse : {}", self.refusal.words(), self.said)
    }
}

/// Seals what a job is to say.
///
/// # Errors
/// The system has no randomness.
pub fn seal(app: &App, job: JobId, message: &Message) -> Result<String, Error> {
    let payload = json!(message).to_string();
    app.job_sealer.seal(&job.to_string(), payload.as_bytes()).map_err(|error| Error::Internal(error.to_owned()))
}

/// Sends the message of a job.
///
/// # Errors
/// What Slack said, without the webhook's address.
pub async fn send(app: &App, job: JobId, payload: &[u8]) -> Result<(), Failure> {
    let message: Message =
        serde_json::from_slice(payload).map_err(|error| Failure::Never(format!("unreadable: {error}")))?;
    let Some(slack) = &app.config.slack else {
        tracing::info!(%job, "Slack is switched off: a message is needed no more");
        return Ok(());
    };
    let now = app.clock.now();
    if is_old(now, message.at) {
        tracing::warn!(%job, "a message for Slack is too old to be news and is dropped");
        return Ok(());
    }
    let body = blocks::alerts(&message, slack.channel.as_deref(), &app.config.dashboard_url());
    match post(slack, &body, now).await {
        Ok(()) => {
            tracing::info!(%job, "a message has reached Slack");
            app.health.set_slack(SlackState::Ready);
            Ok(())
        }
        Err(refused) => {
            app.health.set_slack(SlackState::Failing(refused.refusal));
            let why = refused.to_string();
            let next = refused.not_before.unwrap_or_else(|| now.plus(pause(now, message.at)));
            Err(match refused.refusal {
                Refusal::Invalid => Failure::Never(why),
                _ if is_old(next, message.at) => Failure::Never(format!("{why} (too old to be told by then)")),
                _ => Failure::Later(why, Some(next)),
            })
        }
    }
}

/// Whether what was news then is none any more.
fn is_old(now: Time, at: i64) -> bool {
    now.unix_seconds() - at > i64::try_from(NEWS.as_secs()).unwrap_or(i64::MAX)
}

/// How long to wait for the next try: as long as the message is old, so that nine tries fill the time in which it is news.
fn pause(now: Time, at: i64) -> Duration {
    FIRST_PAUSE.max(Duration::from_secs(u64::try_from(now.unix_seconds() - at).unwrap_or_default()))
}

/// Posts a body to the webhook. Slack says `ok` where it has it.
async fn post(slack: &Slack, body: &Value, now: Time) -> Result<(), Refused> {
    let asked = https::post_json(slack.webhook.expose(), &[], body.to_string().into_bytes());
    let away = |said: String| Refused { refusal: Refusal::Away, said, not_before: None };
    let answer = match tokio::time::timeout(PATIENCE, asked).await {
        Ok(answer) => answer.map_err(away)?,
        Err(_) => return Err(away("no answer in time".to_owned())),
    };
    let Answer { status, headers, body } = answer;
    if (200..300).contains(&status) {
        return Ok(());
    }
    let said: String = String::from_utf8_lossy(&body).chars().filter(|c| !c.is_control()).take(200).collect();
    let refusal = Refusal::of(status, said.trim());
    let not_before = (refusal == Refusal::TooMany).then(|| now.plus(Duration::from_secs(retry_after(&headers))));
    Err(Refused { refusal, said: format!("{status} {said}"), not_before })
}

fn retry_after(headers: &HeaderMap) -> u64 {
    let given = headers.get("retry-after").and_then(|value| value.to_str().ok()?.trim().parse().ok());
    given.unwrap_or(PAUSE)
}

/// Says once, at the start, what the variable for the channel can do.
pub fn say_where_it_goes(config: &Config) {
    if let Some(Slack { channel: Some(channel), .. }) = &config.slack {
        tracing::info!("{}", channel_words(channel));
    }
}

/// What `ALERT_SLACK_CHANNEL` can do with today's webhooks.
#[must_use]
pub fn channel_words(channel: &str) -> String {
    format!(
        "ALERT_SLACK_CHANNEL ({channel}) : les webhooks d'aujourd'hui écrivent dans le canal choisi à leur création \
         (« Notifications Slack », étape 2.4) ; la variable n'est suivie que par les anciens."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_refusal_means_is_decided_by_its_word_and_then_by_its_status() {
        for (status, word, expected) in [
            (404, "no_service", Refusal::NoService),
            (404, "no_team", Refusal::NoService),
            (403, "invalid_token", Refusal::InvalidToken),
            (403, "action_prohibited", Refusal::Forbidden),
            (410, "channel_is_archived", Refusal::ChannelIsArchived),
            (404, "channel_not_found", Refusal::ChannelNotFound),
            (400, "invalid_payload", Refusal::Invalid),
            (400, "invalid_blocks", Refusal::Invalid),
            (429, "", Refusal::TooMany),
            (404, "<html>", Refusal::NoService),
            (500, "rollup_error", Refusal::Away),
            (502, "", Refusal::Away),
        ] {
            assert_eq!(Refusal::of(status, word), expected, "{status} {word}");
        }
    }

    #[test]
    fn every_refusal_that_somebody_can_mend_names_the_part_of_the_guide() {
        use Refusal::{ChannelIsArchived, ChannelNotFound, Forbidden, InvalidToken, NoService};
        for refusal in [NoService, InvalidToken, ChannelIsArchived, ChannelNotFound, Forbidden] {
            assert!(refusal.words().contains("« Notifications Slack », étape 2"), "{}", refusal.words());
        }
    }
}
