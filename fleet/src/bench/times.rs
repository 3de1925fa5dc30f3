//! Many measured times, and what is said of them.

use std::time::Duration;

use serde_json::{Value, json};

/// Times, in no order.
#[derive(Debug, Default, Clone)]
pub(super) struct Times(Vec<Duration>);

impl Times {
    pub fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Milliseconds within which this share of the answers came, from 0 to 1; `None` without any.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a position in a list of at most millions"
        )]
        // The nearest rank: of a hundred times the 99th is the one that 99 do not exceed.
        let rank = (share * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.saturating_sub(1)).map(|time| time.as_secs_f64() * 1000.0)
    }

    pub fn json(&self) -> Value {
        json!({
            "count": self.count(),
            "p50_ms": self.quantile(0.5),
            "p99_ms": self.quantile(0.99),
            "worst_ms": self.quantile(1.0),
        })
    }
}

impl FromIterator<Duration> for Times {
    fn from_iter<I: IntoIterator<Item = Duration>>(times: I) -> Self {
        Self(times.into_iter().collect())
    }
}

/// A count as a number that can be divided by.
pub(super) fn number(count: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let number = count as f64;
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_the_time_that_so_many_do_not_exceed() {
        let times: Times = (1..=100).rev().map(Duration::from_millis).collect();
        assert_eq!([0.5, 0.99, 1.0].map(|share| times.quantile(share)), [Some(50.0), Some(99.0), Some(100.0)]);
        assert_eq!(Times::default().quantile(0.99), None);
        let one: Times = [Duration::from_millis(7)].into_iter().collect();
        assert_eq!(one.quantile(0.01), Some(7.0));
    }
}
