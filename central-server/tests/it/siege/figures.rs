//! How long things take, and whether that has changed.

use std::time::{Duration, Instant};

/// What was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// A report of a box of protocol 2, until it is acknowledged: that is, committed.
    Report,
    /// A ping of a box of protocol 1, until its session answers.
    Ping,
    /// `GET /live`.
    Live,
}

/// One question and its answer.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    pub question: Question,
    pub asked: Instant,
    pub took: Duration,
}

/// How much slower the answers may become.
#[derive(Debug, Clone, Copy)]
pub struct Tolerance {
    /// As a share of what they took before.
    pub share: f64,
    /// And what is not looked at.
    pub floor: Duration,
}

/// The time within which `share` of the answers came.
pub fn quantile(times: &mut [Duration], share: f64) -> Duration {
    assert!(!times.is_empty(), "nothing was asked");
    times.sort_unstable();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index"
    )]
    let index = (times.len() as f64 * share).ceil() as usize;
    times[index.clamp(1, times.len()) - 1]
}

/// The complaint, if what took `before` has become too slow.
pub fn slower(what: &str, before: Duration, now: Duration, tolerance: Tolerance) -> Option<String> {
    let most = before.mul_f64(1.0 + tolerance.share) + tolerance.floor;
    (now > most).then(|| format!("{what}: {now:?} instead of {before:?}, at most {most:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slow_answer_of_a_hundred_is_none_and_two_are() {
        let mut times = vec![Duration::from_millis(3); 99];
        times.push(Duration::from_secs(1));
        assert_eq!(quantile(&mut times, 0.99), Duration::from_millis(3));
        times[0] = Duration::from_secs(1);
        assert_eq!(quantile(&mut times, 0.99), Duration::from_secs(1));
        assert_eq!(quantile(&mut times, 0.5), Duration::from_millis(3));
    }

    #[test]
    fn what_has_become_slower_is_found() {
        let (before, floor) = (Duration::from_millis(20), Duration::from_millis(1));
        let tolerance = Tolerance { share: 0.1, floor };
        assert_eq!(slower("x", before, Duration::from_millis(23), tolerance), None);
        assert!(slower("x", before, Duration::from_micros(23_100), tolerance).is_some());
    }
}
