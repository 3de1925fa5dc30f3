//! The diagnosis: every line of the guide's checklist and troubleshooting chapter, looked at in the real environment.
//!
//! A check has an id that stays, and finds one thing or several, each with what was found, what mends it and the step of
//! the guide. Nothing stands in the way of anything else: without a database everything else is still looked at. What is
//! outside is asked all at once, gets [`PATIENCE`] for each answer, and is only ever what the configuration names: no
//! address comes from a request, and no redirect is followed. No finding holds a secret.
//!
//! It is safe on a running system: it reads, writes a few bytes to the storage and takes them away again, and sends
//! nothing to anybody unless it is told to ([`send`]).

mod catalogue;
pub mod cli;
mod dashboard;
mod database;
mod environment;
mod ground;
mod machine;
mod mail;
mod net;
mod outside;
mod redis;
mod replicas;
pub mod routes;
mod schema;
mod send;
mod storage;
mod store;
mod words;

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

pub use catalogue::CHECKS;
pub use ground::Doctor;

use crate::clock::Time;
use crate::language::Language;
use words::{Said, Words};

/// How long anything outside has for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The version of this program.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// As it has to be.
    Ok,
    /// It could not be looked at, or does not apply here.
    NotChecked,
    /// It works, and somebody should see to it.
    Warning,
    /// It does not work.
    Error,
}

/// What a check is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckGroup {
    /// The environment as a whole.
    Environment,
    /// PostgreSQL.
    Database,
    /// Who may get in.
    Accounts,
    /// Where the videos are.
    Storage,
    /// The bell between replicas.
    Redis,
    /// Mail.
    Mail,
    /// Slack.
    Slack,
    /// Logs that are sent elsewhere.
    Logs,
    /// This server as the world sees it.
    Outside,
    /// The dashboard, and whom it may be.
    Dashboard,
    /// This machine.
    Machine,
}

/// One thing that is looked at.
#[derive(Debug, PartialEq, Eq)]
pub struct Check {
    /// A word that stays.
    pub id: &'static str,
    /// What it is about.
    pub group: CheckGroup,
    /// Its name.
    pub title: Words,
    /// The step of the guide: a number, or the title of a part.
    pub step: &'static str,
}

/// What a check has found.
#[derive(Debug, Clone)]
pub struct Finding {
    check: &'static Check,
    subject: Option<String>,
    state: CheckState,
    found: Said,
    fix: Option<Said>,
    step: &'static str,
}

impl Finding {
    fn new(check: &'static Check, state: CheckState, found: impl Into<Said>) -> Self {
        Self { check, subject: None, state, found: found.into(), fix: None, step: check.step }
    }

    fn ok(check: &'static Check, found: impl Into<Said>) -> Self {
        Self::new(check, CheckState::Ok, found)
    }

    fn not_checked(check: &'static Check, found: impl Into<Said>) -> Self {
        Self::new(check, CheckState::NotChecked, found)
    }

    fn warning(check: &'static Check, found: impl Into<Said>, fix: impl Into<Said>) -> Self {
        Self { fix: Some(fix.into()), ..Self::new(check, CheckState::Warning, found) }
    }

    fn error(check: &'static Check, found: impl Into<Said>, fix: impl Into<Said>) -> Self {
        Self { fix: Some(fix.into()), ..Self::new(check, CheckState::Error, found) }
    }

    /// Which of several things it is about.
    fn on(self, subject: impl ToString) -> Self {
        Self { subject: Some(subject.to_string()), ..self }
    }

    /// Another step than the check's own.
    fn at(self, step: &'static str) -> Self {
        Self { step, ..self }
    }
}

/// Everything that was found, in the order of [`CHECKS`].
#[derive(Debug, Clone)]
pub struct Report {
    at: Time,
    findings: Vec<Finding>,
}

impl Report {
    /// The worst of it.
    #[must_use]
    pub fn worst(&self) -> CheckState {
        self.findings.iter().map(|finding| finding.state).max().unwrap_or(CheckState::Ok)
    }

    fn count(&self, state: CheckState) -> usize {
        self.findings.iter().filter(|finding| finding.state == state).count()
    }

    fn told(&self, language: Language) -> Vec<Told> {
        self.findings.iter().map(|finding| Told::of(finding, language)).collect()
    }
}

/// A finding in a language.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = DoctorFinding)]
pub struct Told {
    /// Which check: a word that stays.
    pub id: &'static str,
    /// What it is about.
    pub group: CheckGroup,
    /// The name of the check.
    pub title: &'static str,
    /// Which of several things it is about: a variable, a bucket, an origin.
    pub subject: Option<String>,
    /// How it is.
    pub state: CheckState,
    /// What was found.
    pub found: String,
    /// What mends it.
    pub fix: Option<String>,
    /// The step of the production guide: a number, or the title of a part in French.
    pub step: &'static str,
    /// The same in words: « étape 2.2 ».
    pub step_words: String,
}

impl Told {
    fn of(finding: &Finding, language: Language) -> Self {
        let Finding { check, subject, state, found, fix, step } = finding;
        Self {
            id: check.id,
            group: check.group,
            title: check.title.text(language),
            subject: subject.clone(),
            state: *state,
            found: found.text(language),
            fix: fix.as_ref().map(|fix| fix.text(language)),
            step,
            step_words: words::step(step).text(language),
        }
    }
}
