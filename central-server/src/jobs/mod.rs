//! Work behind an answer: committed with the act that it belongs to, done soon after by whichever replica takes it.
//!
//! A job is a row. Who does it holds a lease; if the process dies, the lease runs out and another one does the job
//! again. So a job is done at least once, and once unless somebody dies between the deed and its record: ADR 0032 says
//! how much that can be. Who is told to stop finishes what he holds, or gives it back.

pub mod store;
pub mod worker;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, RwLock, RwLockReadGuard};

use crate::clock::Time;
use crate::ids::JobId;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// To send a mail.
    Mail,
    /// To write to Slack.
    Slack,
}

impl Kind {
    /// All that this version knows. Others in the table are those of a newer one beside it, which does them itself.
    pub const ALL: [Self; 2] = [Self::Mail, Self::Slack];

    /// In which lane it is done.
    #[must_use]
    pub fn lane(self) -> Lane {
        match self {
            Self::Mail => Lane::Mail,
            Self::Slack => Lane::Slack,
        }
    }

    /// The word in the table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Slack => "slack",
        }
    }
}

/// How often a job is tried before it is given up: with the pauses between, for about a day.
pub const MOST_ATTEMPTS: i32 = 10;

/// The pause after the first failure; each one after it is four times as long.
const FIRST_PAUSE: Duration = Duration::from_secs(15);
/// The shortest pause, whatever a provider says.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 3_600);

/// How long to wait after this many attempts have failed.
#[must_use]
pub fn pause_after(attempts: i32) -> Duration {
    let doublings = u32::try_from(attempts.clamp(1, 16) - 1).unwrap_or_default();
    FIRST_PAUSE.saturating_mul(4u32.saturating_pow(doublings)).min(LONGEST_PAUSE)
}

/// How a try of a job can fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// It may go better later: by our own pauses, or not before this moment. The text is for the log and the row.
    Later(String, Option<Time>),
    /// It will never go.
    Never(String),
}

impl Failure {
    /// What went wrong.
    #[must_use]
    pub fn why(&self) -> &str {
        match self {
            Self::Later(why, _) | Self::Never(why) => why,
        }
    }

    /// The same without a word that is nobody's business, an address above all: servers repeat it.
    #[must_use]
    pub fn without(self, word: &str) -> Self {
        let blot = |why: String| why.replace(word, "•••").replace(&word.to_lowercase(), "•••");
        match self {
            Self::Later(why, not_before) => Self::Later(blot(why), not_before),
            Self::Never(why) => Self::Never(blot(why)),
        }
    }

    /// When to try again after this many attempts; `None` to give up.
    #[must_use]
    pub fn next_try(&self, attempts: i32, now: Time) -> Option<Time> {
        match self {
            Self::Later(_, not_before) if attempts < MOST_ATTEMPTS => {
                let pause = now.plus(pause_after(attempts));
                Some(not_before.map_or(pause, |moment| moment.clamp(now.plus(SHORTEST_PAUSE), now.plus(LONGEST_PAUSE))))
            }
            Self::Later(..) | Self::Never(_) => None,
        }
    }
}

/// Jobs that are done beside each other: a service that hangs holds up its own, and no password's mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Everything but what follows.
    Mail,
    /// What is for Slack.
    Slack,
}

impl Lane {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Mail, Self::Slack];

    /// The words in the table of what is done in it.
    #[must_use]
    pub fn kinds(self) -> Vec<String> {
        Kind::ALL.into_iter().filter(|kind| kind.lane() == self).map(|kind| kind.name().to_owned()).collect()
    }
}

/// Wakes the workers of this process: what was just committed need not wait for their next round. And ends them.
#[derive(Debug, Clone, Default)]
pub struct Bell(Arc<Desk>);

#[derive(Debug, Default)]
struct Desk {
    rings: [Notify; 2],
    /// Nothing more is taken.
    stopping: AtomicBool,
    /// Held by each round as one of many, and by whoever waits until there is none.
    rounds: RwLock<()>,
    /// What is being done: the jobs, and by which attempt.
    held: Mutex<Vec<(JobId, i32)>>,
}

impl Bell {
    /// There is something to do.
    pub fn ring(&self) {
        self.0.rings.iter().for_each(Notify::notify_one);
    }

    /// Waits until it rings for this lane; a ring that nobody waited for is not lost.
    pub async fn rung(&self, lane: Lane) {
        let [mail, slack] = &self.0.rings;
        match lane {
            Lane::Mail => mail.notified().await,
            Lane::Slack => slack.notified().await,
        }
    }

    /// A round begins, unless they have ended. It lasts as long as what is returned.
    async fn begin(&self) -> Option<RwLockReadGuard<'_, ()>> {
        let round = self.0.rounds.read().await;
        (!self.0.stopping.load(Ordering::Relaxed)).then_some(round)
    }

    /// Lets no round begin any more, and waits for those that are under way.
    async fn end(&self) {
        self.0.stopping.store(true, Ordering::Relaxed);
        drop(self.0.rounds.write().await);
    }

    fn held(&self) -> MutexGuard<'_, Vec<(JobId, i32)>> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_a_job_is_given_up_after_a_day() {
        let pauses: Vec<u64> = (1..=6).map(|attempts| pause_after(attempts).as_secs()).collect();
        assert_eq!(pauses, [15, 60, 240, 960, 3_840, 15_360]);
        assert_eq!(pause_after(i32::MAX), LONGEST_PAUSE);
        let all: Duration = (1..MOST_ATTEMPTS).map(pause_after).sum();
        assert!((20..30).contains(&(all.as_secs() / 3_600)), "{all:?}");
    }

    #[test]
    fn who_says_when_is_waited_for_but_not_for_ever() {
        let now = Time::from_unix_micros(0);
        let later = |moment| Failure::Later("x".into(), moment);
        assert_eq!(later(None).next_try(1, now), Some(now.plus(FIRST_PAUSE)));
        let minute_long = Duration::from_secs(60);
        let minute = now.plus(minute_long);
        assert_eq!(later(Some(minute)).next_try(1, now), Some(minute));
        assert_eq!(later(Some(now.minus(minute_long))).next_try(1, now), Some(now.plus(SHORTEST_PAUSE)));
        let year = now.plus(Duration::from_secs(365 * 86_400));
        assert_eq!(later(Some(year)).next_try(1, now), Some(now.plus(LONGEST_PAUSE)));
        assert_eq!(later(None).next_try(MOST_ATTEMPTS, now), None);
        assert_eq!(Failure::Never("x".into()).next_try(1, now), None);
    }
}
