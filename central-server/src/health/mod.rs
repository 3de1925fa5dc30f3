//! The truth about the service, as its own background checks last saw it.
//!
//! A probe never causes work: platforms ask every few seconds, all day. What a probe may read is a word and
//! one of a fixed list of sentences; what the driver said is in the log.

mod background;
pub mod checks;
pub mod details;
mod redis;
pub mod routes;
mod slack;
mod storage;
mod store;

use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;
use utoipa::ToSchema;

pub use background::Backlog;
pub use redis::RedisState;
pub use slack::SlackState;
pub use storage::StorageState;

/// The version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A state, in the words of NeoPro 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// All is well.
    Healthy,
    /// It works, with something missing or slow.
    Degraded,
    /// What it is for does not work.
    Unhealthy,
}

/// What the database check can say. The list is closed: no host, no driver's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseState {
    /// The server has just started and does not know yet.
    Starting,
    /// The schema is being brought up to date.
    Migrating,
    /// It answers.
    Up,
    /// It answers, but takes longer than a second.
    Slow,
    /// It does not answer.
    Down,
    /// It answers, but takes no writes.
    ReadOnly,
    /// The server is going down.
    Stopping,
}

impl DatabaseState {
    fn state(self) -> State {
        match self {
            Self::Up => State::Healthy,
            Self::Slow | Self::ReadOnly => State::Degraded,
            Self::Starting | Self::Migrating | Self::Down | Self::Stopping => State::Unhealthy,
        }
    }

    fn sentence(self) -> Option<&'static str> {
        Some(match self {
            Self::Up => return None,
            Self::Starting => "Le serveur démarre : la base de données n'a pas encore répondu.",
            Self::Migrating => "La base de données est en cours de mise à jour.",
            Self::Slow => "La base de données répond lentement.",
            Self::Down => "La base de données ne répond pas.",
            Self::ReadOnly => "La base de données n'accepte plus d'écriture.",
            Self::Stopping => "Le serveur s'arrête.",
        })
    }

    /// Whether requests can be served.
    #[must_use]
    pub fn is_ready(self) -> bool {
        matches!(self, Self::Up | Self::Slow | Self::ReadOnly)
    }
}

/// What is known of the way of mail out of this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailState {
    /// Production without its variables.
    Off,
    /// Development: mail is written into files.
    Files,
    /// There is a way, and the last mail has left if there was one.
    Ready,
    /// The last mail could not leave.
    Failing,
}

impl MailState {
    /// A server without mail is well: the guide does not ask for it.
    fn state(self) -> State {
        match self {
            Self::Off | Self::Files | Self::Ready => State::Healthy,
            Self::Failing => State::Degraded,
        }
    }

    fn sentence(self) -> Option<&'static str> {
        match self {
            Self::Off => Some("Les courriels ne sont pas configurés."),
            Self::Files => Some("Les courriels sont écrits dans le dossier « mail » des données."),
            Self::Ready => None,
            Self::Failing => Some("Le dernier courriel n'a pas pu partir : le journal dit pourquoi."),
        }
    }
}

/// What there is to say of the live channel.
fn live_sentence(state: State) -> Option<&'static str> {
    (state != State::Healthy).then_some("Le canal des boîtiers ne fonctionne pas encore.")
}

/// How long the live channel's loop may take to come round.
const LIVE_PATIENCE: Duration = Duration::from_secs(5);

/// The last results.
#[derive(Debug)]
pub struct Health {
    started: Instant,
    database: RwLock<(DatabaseState, Duration)>,
    /// When the live channel last gave a sign of life.
    live: RwLock<Option<Instant>>,
    mail: RwLock<MailState>,
    /// Whether mails were held back today.
    mails_held: AtomicBool,
    slack: RwLock<SlackState>,
    storage: storage::LastLook,
    jobs: RwLock<Backlog>,
    redis: RwLock<(RedisState, Duration)>,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            database: RwLock::new((DatabaseState::Starting, Duration::ZERO)),
            live: RwLock::default(),
            mail: RwLock::new(MailState::Off),
            mails_held: AtomicBool::new(false),
            slack: RwLock::default(),
            storage: storage::LastLook::default(),
            jobs: RwLock::default(),
            redis: RwLock::default(),
        }
    }
}

impl Health {
    /// The database's state and how long its last answer took.
    #[must_use]
    pub fn database(&self) -> (DatabaseState, Duration) {
        *self.database.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Writes a result down; a change is worth a line in the log.
    pub fn set_database(&self, state: DatabaseState, latency: Duration) {
        let mut last = self.database.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        if last.0 == DatabaseState::Stopping {
            return;
        }
        if last.0 != state {
            tracing::info!(from = ?last.0, to = ?state, "the database's state changed");
        }
        *last = (state, latency);
    }

    /// The way of mail, as its last use showed it.
    #[must_use]
    pub fn mail(&self) -> MailState {
        *self.mail.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Writes down how the last mail went.
    pub fn set_mail(&self, state: MailState) {
        *self.mail.write().unwrap_or_else(std::sync::PoisonError::into_inner) = state;
    }

    /// Whether mails were held back today, because their number was reached.
    #[must_use]
    pub fn mails_held(&self) -> bool {
        self.mails_held.load(Ordering::Relaxed)
    }

    /// Writes that down.
    pub fn set_mails_held(&self, held: bool) {
        self.mails_held.store(held, Ordering::Relaxed);
    }

    /// The live channel's own loop has come round.
    pub fn live_came_round(&self) {
        *self.live.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether the live channel works: its loop comes round twice a second, whatever the database does.
    #[must_use]
    pub fn live_is_running(&self) -> bool {
        let last = *self.live.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        last.is_some_and(|last| last.elapsed() < LIVE_PATIENCE)
    }

    /// The live channel's state.
    #[must_use]
    pub fn live_state(&self) -> State {
        if self.live_is_running() { State::Healthy } else { State::Unhealthy }
    }

    /// The jobs, as they were last counted.
    #[must_use]
    pub fn jobs(&self) -> Backlog {
        *self.jobs.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Writes down how many jobs wait.
    pub fn set_jobs(&self, backlog: Backlog) {
        *self.jobs.write().unwrap_or_else(std::sync::PoisonError::into_inner) = backlog;
    }

    /// What the service is for, and how each part of it stands: the worst is the service's own state.
    fn foreground(&self) -> Vec<(&'static str, State)> {
        let redis = self.redis().0;
        let mut parts = vec![
            ("database", self.database().0.state()),
            ("websocket", self.live_state()),
            ("mail", self.mail().state()),
            ("storage", self.storage().0.state()),
        ];
        if redis != RedisState::Off {
            parts.push(("redis", redis.state()));
        }
        parts
    }

    /// The worst state of what the service is for.
    #[must_use]
    pub fn status(&self) -> State {
        self.foreground().into_iter().map(|(_, state)| state).max().unwrap_or(State::Healthy)
    }

    /// The time since this process began.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }
}
