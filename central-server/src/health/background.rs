//! What works behind the service: jobs, and the log on its way out. Nobody who uses the service notices at once when it
//! does not, so it makes the service no worse than it is.

use std::time::Duration;

use super::{Health, SlackState, State};
use crate::logging::LogState;

/// From when on a job that is due counts as forgotten: it is looked for jobs every few seconds.
const FORGOTTEN: Duration = Duration::from_secs(300);

/// The jobs, as they were last counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Those that wait for their turn.
    pub waiting: i64,
    /// Those that were given up and are not forgotten.
    pub failed: i64,
    /// For how long the oldest has been due.
    pub late: Duration,
}

impl Backlog {
    pub(super) fn state(self) -> State {
        if self.late > FORGOTTEN { State::Degraded } else { State::Healthy }
    }

    pub(super) fn sentence(self) -> Option<&'static str> {
        (self.late > FORGOTTEN).then_some("Des tâches attendent depuis plus de cinq minutes : le journal dit pourquoi.")
    }
}

pub(super) fn log_state(logs: LogState) -> State {
    match logs {
        LogState::Off | LogState::Unseen | LogState::Ready => State::Healthy,
        LogState::Refused | LogState::Full | LogState::Failing => State::Degraded,
    }
}

pub(super) fn log_sentence(logs: LogState) -> Option<&'static str> {
    match logs {
        LogState::Ready => None,
        LogState::Off => Some("Les logs ne sont pas envoyés à Logtail."),
        LogState::Unseen => Some("Rien n'a encore été envoyé à Logtail."),
        LogState::Refused => Some("Logtail refuse le jeton : vérifiez LOGTAIL_TOKEN et LOGTAIL_HOST."),
        LogState::Full => Some("Le quota de logs du mois est atteint chez Logtail."),
        LogState::Failing => Some("Logtail ne répond pas : les lignes attendent, les plus anciennes seront perdues."),
    }
}

impl Health {
    /// Every check by its name, what works behind the service included.
    #[must_use]
    pub fn states(&self, logs: LogState) -> Vec<(&'static str, State)> {
        let behind = [("jobs", self.jobs().state()), ("logs", log_state(logs))];
        let slack = Some(self.slack()).filter(|slack| *slack != SlackState::Off);
        let slack = slack.map(|slack| ("slack", slack.state()));
        self.foreground().into_iter().chain(behind).chain(slack).collect()
    }
}
