//! Trouble by the dice. Which box meets which trouble follows from the seed, the box and the occasion alone, so that a
//! run can be repeated however its tasks are scheduled.

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// How often what goes wrong: probabilities from 0 to 1.
#[derive(Debug, Clone, Default)]
pub struct Trouble {
    /// From which everything follows.
    pub seed: String,
    /// At each heartbeat: the box's network goes away for a while.
    pub offline: f64,
    /// The longest time that it is away.
    pub away: Duration,
    /// At each try of a file: there is no room for it, until a person asks for another try.
    pub disk_full: f64,
    /// At each try of a file: its bytes come out wrong, until a person asks for another try.
    pub corrupt: f64,
    /// At each acknowledged report: it is said once more when the next one is acknowledged, out of date by then.
    pub repeat: f64,
    /// The share of boxes that believe an acknowledgement: after a new connection they report only what was not
    /// acknowledged. Boxes of the field repeat themselves, and so hide a server that had forgotten.
    pub trusting: f64,
}

impl Trouble {
    /// A number from 0 to 1 that follows from the occasion.
    fn draw(&self, what: &str, site: Uuid, occasion: &str) -> f64 {
        let digest = Sha256::digest(format!("{what} of {site} at {occasion} by {}", self.seed).as_bytes());
        let number = digest.iter().take(4).fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
        f64::from(number) / f64::from(u32::MAX)
    }

    /// Whether something with this probability happens. Never is never, and always is always.
    fn happens(&self, probability: f64, what: &str, site: Uuid, occasion: &str) -> bool {
        self.draw(what, site, occasion) < probability || probability >= 1.0
    }

    /// How long the box is away after this heartbeat, if it goes.
    #[must_use]
    pub fn goes_away(&self, site: Uuid, heartbeat: u64) -> Option<Duration> {
        let occasion = heartbeat.to_string();
        let goes = self.happens(self.offline, "offline", site, &occasion);
        goes.then(|| self.away.mul_f64(self.draw("away", site, &occasion)))
    }

    /// Whether there is no room at this try.
    #[must_use]
    pub fn is_full(&self, site: Uuid, sha256: &str, attempt: u32) -> bool {
        self.happens(self.disk_full, "disk full", site, &format!("{sha256} {attempt}"))
    }

    /// Whether the bytes come out wrong at this try.
    #[must_use]
    pub fn is_corrupt(&self, site: Uuid, sha256: &str, attempt: u32) -> bool {
        self.happens(self.corrupt, "corrupt", site, &format!("{sha256} {attempt}"))
    }

    /// Whether this report is said once more.
    #[must_use]
    pub fn is_repeated(&self, site: Uuid, sequence: i64) -> bool {
        self.happens(self.repeat, "repeat", site, &sequence.to_string())
    }

    /// Whether this box believes an acknowledgement.
    #[must_use]
    pub fn is_trusting(&self, site: Uuid) -> bool {
        self.happens(self.trusting, "trust", site, "birth")
    }

    /// A number between two bounds that follows from the box, and from an occasion if it is not for life.
    #[must_use]
    pub fn between(&self, name: &str, site: Uuid, occasion: &str, low: f64, high: f64) -> f64 {
        low + (high - low) * self.draw(name, site, occasion)
    }

    /// A part of a time span, for what shall not happen to all boxes at once.
    #[must_use]
    pub fn share(&self, name: &str, site: Uuid, of: Duration) -> Duration {
        of.mul_f64(self.draw(name, site, "start"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_comes_as_often_as_asked_for_and_again_the_same() {
        let trouble = Trouble { seed: "a".into(), corrupt: 0.25, disk_full: 1.0, ..Trouble::default() };
        let corrupt = |trouble: &Trouble| -> Vec<bool> {
            (0..4000).map(|number| trouble.is_corrupt(Uuid::from_u128(number), "ab", 0)).collect()
        };
        let first = corrupt(&trouble);
        let count = first.iter().filter(|is_corrupt| **is_corrupt).count();
        assert!((900..1100).contains(&count), "{count} of 4000");
        assert_eq!(first, corrupt(&trouble));
        assert_ne!(first, corrupt(&Trouble { seed: "b".into(), ..trouble.clone() }));
        for number in 0..1000 {
            let site = Uuid::from_u128(number);
            assert!(trouble.is_full(site, "ab", 0), "always");
            assert_eq!(trouble.goes_away(site, 1), None, "never");
            assert!((20.0..=40.0).contains(&trouble.between("cpu", site, "birth", 20.0, 40.0)), "within its bounds");
        }
    }
}
