//! How long to wait before the next try. Every wait is random within its bounds, so that boxes that lost the server
//! at the same moment do not come back at the same moment.

use std::time::Duration;

/// The bounds of waits.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// The least that is waited.
    pub first: Duration,
    /// The most.
    pub longest: Duration,
}

impl Pace {
    /// How boxes in the field come back to the server.
    pub const FIELD: Self = Self { first: Duration::from_secs(5), longest: Duration::from_secs(60) };
    /// After a refusal: a new key or a new site is a person's work.
    pub const REFUSED: Self = Self { first: Duration::from_secs(5 * 60), longest: Duration::from_secs(30 * 60) };

    /// The wait after this many failures in a row, between its base and twice that, the base doubling each time.
    #[must_use]
    pub fn wait(&self, failures: u32) -> Duration {
        let base = self.first.saturating_mul(1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX));
        // The last step has the whole of its spread too.
        let base = base.min(self.longest / 2).max(self.first.min(self.longest));
        base.saturating_add(base.mul_f64(random_fraction())).min(self.longest)
    }
}

/// Between 0 and 1. Without random numbers the middle: a wait that is not spread is better than none.
fn random_fraction() -> f64 {
    getrandom::u32().map_or(0.5, |number| f64::from(number) / f64::from(u32::MAX))
}

/// Counts failures in a row.
#[derive(Debug, Clone)]
pub struct BackOff {
    pace: Pace,
    failures: u32,
}

impl BackOff {
    /// None yet.
    #[must_use]
    pub fn new(pace: Pace) -> Self {
        Self { pace, failures: 0 }
    }

    /// How long to wait after one more failure.
    pub fn failed(&mut self) -> Duration {
        self.failures = self.failures.saturating_add(1);
        self.pace.wait(self.failures)
    }

    /// How many failures in a row.
    #[must_use]
    pub fn in_a_row(&self) -> u32 {
        self.failures
    }

    /// It worked.
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_within_their_bounds_and_differ() {
        let mut back_off = BackOff::new(Pace::FIELD);
        let bounds = [(5, 10), (10, 20), (20, 40), (30, 60), (30, 60)];
        for (least, most) in bounds {
            let wait = back_off.failed();
            assert!(wait >= Duration::from_secs(least) && wait <= Duration::from_secs(most), "{wait:?}");
        }
        back_off.succeeded();
        assert!(back_off.failed() <= Duration::from_secs(10));
        let waits: std::collections::BTreeSet<Duration> = (0..100).map(|_| Pace::FIELD.wait(4)).collect();
        assert!(waits.len() > 50, "100 waits, only {} different", waits.len());
        assert!(Pace::FIELD.wait(u32::MAX) <= Duration::from_secs(60));
    }
}
