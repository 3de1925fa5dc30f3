//! What is known of the way to Slack.

use super::{Health, State};
use crate::notify::slack::Refusal;

/// The way to Slack, as its last use showed it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SlackState {
    /// No webhook, or switched off.
    #[default]
    Off,
    /// There is one, and the last message has arrived if there was one.
    Ready,
    /// The last message did not arrive.
    Failing(Refusal),
}

impl SlackState {
    /// Alerts are on the dashboard and in the mail as well: without Slack the service works, with something missing.
    pub(super) fn state(self) -> State {
        match self {
            Self::Off | Self::Ready => State::Healthy,
            Self::Failing(_) => State::Degraded,
        }
    }

    pub(super) fn sentence(self) -> Option<&'static str> {
        match self {
            Self::Off | Self::Ready => None,
            Self::Failing(refusal) => Some(refusal.words()),
        }
    }
}

impl Health {
    /// The way to Slack.
    #[must_use]
    pub fn slack(&self) -> SlackState {
        *self.slack.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Writes down how it is.
    pub fn set_slack(&self, state: SlackState) {
        *self.slack.write().unwrap_or_else(std::sync::PoisonError::into_inner) = state;
    }
}
