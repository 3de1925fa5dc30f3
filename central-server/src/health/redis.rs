//! What is known of Redis: what the bell's own connection last said of it.

use std::time::Duration;

use super::{Health, State};
use crate::replicas::Trouble;

/// Redis, as it was last seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RedisState {
    /// There is none: `REDIS_URL` is not set.
    #[default]
    Off,
    /// Nobody has reached it yet.
    Unseen,
    /// It answers.
    Ready,
    /// Something is wrong with it.
    Wrong(Trouble),
}

impl RedisState {
    /// Without it everything works, between replicas later.
    pub(super) fn state(self) -> State {
        match self {
            Self::Off | Self::Ready => State::Healthy,
            Self::Unseen | Self::Wrong(_) => State::Degraded,
        }
    }

    pub(super) fn sentence(self) -> Option<&'static str> {
        match self {
            Self::Off | Self::Ready => None,
            Self::Unseen => Some("Redis n'a pas encore répondu."),
            Self::Wrong(trouble) => Some(trouble.words()),
        }
    }
}

impl Health {
    /// Redis, and how long its last answer took.
    #[must_use]
    pub fn redis(&self) -> (RedisState, Duration) {
        *self.redis.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Whether it answers.
    #[must_use]
    pub fn redis_is_ready(&self) -> bool {
        self.redis().0 == RedisState::Ready
    }

    /// Writes down how it is.
    pub fn set_redis(&self, state: RedisState, took: Duration) {
        *self.redis.write().unwrap_or_else(std::sync::PoisonError::into_inner) = (state, took);
    }
}
