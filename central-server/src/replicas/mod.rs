//! Several servers on one database: each a replica, equal to the others, that may come and die at any moment.
//!
//! What is true is in the rows (ADR 0023). `roll` writes down that this replica is there and sees who else is; `bell` tells
//! the others through Redis which rows are worth a look, in messages of `hints`, gathered in `outbox`; `link` is the way to
//! Redis, `trouble` what can be wrong with it.

mod bell;
pub mod hints;
mod link;
mod outbox;
mod roll;
mod store;
mod trouble;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use ring::hmac;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::app::App;
use crate::config::Redis;

pub use link::{CHANNEL, Target};
pub use outbox::Outbox;
pub use roll::{beat_now, compare, leave};
pub use store::{Other, end_leases, gone};
pub use trouble::{Fault, Trouble};

/// What a replica knows of itself and of the others.
#[derive(Debug)]
pub struct Replicas {
    id: Uuid,
    /// What is to be said to the others.
    pub outbox: Outbox,
    prints: Prints,
    /// The bell is heard here.
    hears: AtomicBool,
    /// The others that were on the roll when it was last read.
    known: Mutex<Vec<Other>>,
    tally: Tally,
    /// Somebody else was heard, who may not be on the roll yet.
    stirred: Notify,
}

/// What the bell has done, for Prometheus.
#[derive(Debug, Default)]
pub struct Tally {
    /// Messages that were said: each is a command that providers count.
    pub said: AtomicU64,
    /// Messages of others that were heard.
    pub heard: AtomicU64,
    /// How often Redis was lost while it was listened to.
    pub lost: AtomicU64,
}

/// What tells the secrets of two replicas apart, and nothing else of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prints {
    /// Of `JWT_SECRET`.
    pub jwt: String,
    /// Of `MFA_ENCRYPTION_KEY`.
    pub mfa: String,
}

impl Prints {
    /// The prints of these secrets: the first half of an HMAC under each, of a text that is used for nothing else. Whoever
    /// reads it cannot get back to a secret that was drawn at random.
    #[must_use]
    pub fn of(jwt_secret: &str, mfa_key: &str) -> Self {
        let print = |secret: &str, name: &str| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
            let tag = hmac::sign(&key, format!("neopro replicas v1: {name}").as_bytes());
            data_encoding::HEXLOWER.encode(&tag.as_ref()[..16])
        };
        Self { jwt: print(jwt_secret, "JWT_SECRET"), mfa: print(mfa_key, "MFA_ENCRYPTION_KEY") }
    }
}

impl Replicas {
    /// This process, as one of the replicas.
    #[must_use]
    pub fn new(jwt_secret: &str, mfa_key: &str) -> Self {
        Self {
            id: Uuid::now_v7(),
            outbox: Outbox::default(),
            prints: Prints::of(jwt_secret, mfa_key),
            hears: AtomicBool::new(false),
            known: Mutex::default(),
            tally: Tally::default(),
            stirred: Notify::new(),
        }
    }

    /// The name of this process among the replicas.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// The prints of its secrets.
    #[must_use]
    pub fn prints(&self) -> &Prints {
        &self.prints
    }

    /// The others that were on the roll when it was last read.
    #[must_use]
    pub fn known(&self) -> Vec<Other> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Writes down who else is there, and returns who was before.
    fn set_known(&self, others: Vec<Other>) -> Vec<Other> {
        std::mem::replace(&mut *self.known.lock().unwrap_or_else(PoisonError::into_inner), others)
    }

    /// What the bell has done.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Whether there are others that do not reach us: what they change is to be looked for.
    #[must_use]
    pub fn is_deaf(&self) -> bool {
        self.outbox.has_others() && !self.hears()
    }

    fn hears(&self) -> bool {
        self.hears.load(Ordering::Relaxed)
    }

    /// Notes whether the bell is heard here, and tells whether it was.
    fn set_hears(&self, hears: bool) -> bool {
        self.hears.swap(hears, Ordering::Relaxed)
    }

    /// Says to the others that we are there: they look at the roll.
    fn greet(&self) {
        self.outbox.greet();
    }

    /// Another one speaks: so there is one.
    fn has_heard(&self) {
        if !self.outbox.set_others(true) {
            self.stirred.notify_one();
        }
    }
}

/// Rings and hears the bell until the server stops. It needs no database: until there is one nobody is connected.
pub async fn ring(app: App) {
    bell::run(app).await;
}

/// Keeps the roll until the server stops.
pub async fn keep_roll(app: App) {
    roll::run(app).await;
}

/// Asks the Redis of a `REDIS_URL` for a sign of life on a connection of its own; how long the answer took.
///
/// # Errors
/// What is wrong, in words for people: [`Trouble::words`], [`Trouble::advice`].
pub async fn ping(redis: &Redis) -> Result<std::time::Duration, Fault> {
    Target::of(redis)?.ping().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_tell_secrets_apart_and_not_what_they_are_for() {
        let (one, other) = (Prints::of("a secret", "a key"), Prints::of("another", "a key"));
        assert!(one.jwt != other.jwt && one.mfa == other.mfa);
        // The same text as both secrets would show in two prints that are alike.
        let same = Prints::of("x", "x");
        assert_ne!(same.jwt, same.mfa);
        assert!(one.jwt.len() == 32 && !one.jwt.contains("secret"));
    }
}
