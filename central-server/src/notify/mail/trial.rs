//! Tries the way out of mail, for `doctor`: without sending anything, or with one mail that says that it is a trial.

use std::time::Duration;

use super::{Letter, Post, Transport};
use crate::clock::Time;
use crate::config::Sender;
use crate::ids::JobId;
use crate::jobs::Failure;
use crate::language::Language;

/// How long a trial may take; who waits for it is a person.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a way out is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The key is none, or may not send.
    Key(String),
    /// The plan's mails are used up.
    Credits(String),
    /// The sender is not verified.
    Sender(String),
    /// Nobody answers.
    Silent,
    /// Anything else, in the words of the service.
    Other(String),
}

impl Transport {
    /// Tries the way out and sends nothing; `None` where there is nobody to ask.
    pub async fn try_out(&self) -> Option<Result<(), Refusal>> {
        let tried = async {
            match self {
                Self::SendGrid(sendgrid) => Some(sendgrid.try_out().await),
                Self::Smtp(smtp) => Some(smtp.try_out().await),
                Self::Files(_) | Self::Off => None,
            }
        };
        tokio::time::timeout(PATIENCE, tried).await.unwrap_or(Some(Err(Refusal::Silent)))
    }

    /// Sends one mail to this address that says what it is.
    ///
    /// # Errors
    /// What the way out said, without the address.
    pub async fn send_trial(&self, to: &str, language: Language, dashboard: &str, now: Time) -> Result<(), String> {
        let post = Post {
            id: JobId::new(),
            to: Sender { name: None, address: to.to_owned() },
            page: Letter::Test.page(language, None, dashboard),
        };
        let sent = tokio::time::timeout(PATIENCE * 2, self.send(&post, now)).await;
        match sent.unwrap_or_else(|_| Err(Failure::Later("no answer in time".into(), None))) {
            Ok(()) => Ok(()),
            Err(failure) => match failure.without(to) {
                Failure::Later(why, _) | Failure::Never(why) => Err(why),
            },
        }
    }
}

/// The page of a trial that is judged and not sent.
pub(super) fn unsent(from: &Sender) -> Post {
    Post { id: JobId::new(), to: from.clone(), page: Letter::Test.page(Language::Fr, None, "https://example.org") }
}
