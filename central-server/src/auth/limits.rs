//! Slows down those who guess passwords. Only failures count: an office that logs in all day is not slowed.
//!
//! Kept in this process's memory: with several replicas an attacker gets that many times the tries, which
//! the cost of each hash still makes hopeless.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use crate::clock::Time;
use crate::error::Error;

/// Failures of one address for one account within the window; then it waits.
const FAILURES_PER_ACCOUNT: usize = 10;
/// Failures of one address for any accounts.
const FAILURES_PER_ADDRESS: usize = 100;
const WINDOW: Duration = Duration::from_secs(15 * 60);
/// Keys remembered at most; an attacker with more addresses than this gains nothing but forgetting.
const MOST_KEYS: usize = 20_000;

/// The failures of late, by address and by address and account.
#[derive(Debug, Default)]
pub struct LoginLimits(Mutex<HashMap<String, Vec<Time>>>);

impl LoginLimits {
    /// Whether this address may try this account now.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`] with the seconds to wait.
    pub fn check(&self, ip: &str, email: &str, now: Time) -> Result<(), Error> {
        let mut failures = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for (key, most) in keys(ip, email) {
            if let Some(times) = failures.get_mut(&key) {
                times.retain(|time| time.plus(WINDOW) > now);
                if times.len() >= most {
                    let until = times[times.len() - most].plus(WINDOW);
                    let seconds = (until.unix_micros() - now.unix_micros()) / 1_000_000 + 1;
                    return Err(Error::TooManyRequests(u64::try_from(seconds).unwrap_or(1)));
                }
            }
        }
        Ok(())
    }

    /// Notes a wrong password.
    pub fn failed(&self, ip: &str, email: &str, now: Time) {
        let mut failures = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if failures.len() >= MOST_KEYS {
            failures.retain(|_, times| times.last().is_some_and(|time| time.plus(WINDOW) > now));
            if failures.len() >= MOST_KEYS {
                failures.clear();
            }
        }
        for (key, most) in keys(ip, email) {
            let times = failures.entry(key).or_default();
            if times.len() <= most {
                times.push(now);
            }
        }
    }

    /// Forgets the failures of an account once its owner got in.
    pub fn succeeded(&self, ip: &str, email: &str) {
        let [(account, _), _] = keys(ip, email);
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(&account);
    }
}

fn keys(ip: &str, email: &str) -> [(String, usize); 2] {
    [(format!("{ip} {}", email.to_lowercase()), FAILURES_PER_ACCOUNT), (ip.to_owned(), FAILURES_PER_ADDRESS)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_failures_close_the_account_to_this_address_for_a_while() {
        let limits = LoginLimits::default();
        let now = Time::from_unix_micros(0);
        for _ in 0..FAILURES_PER_ACCOUNT {
            limits.check("1.1.1.1", "a@b.fr", now).expect("still open");
            limits.failed("1.1.1.1", "a@b.fr", now);
        }
        assert!(matches!(limits.check("1.1.1.1", "A@b.fr", now), Err(Error::TooManyRequests(901))));
        limits.check("1.1.1.1", "other@b.fr", now).expect("another account");
        limits.check("2.2.2.2", "a@b.fr", now).expect("the owner, from elsewhere");
        limits.check("1.1.1.1", "a@b.fr", now.plus(WINDOW)).expect("later");
        limits.succeeded("1.1.1.1", "a@b.fr");
        limits.check("1.1.1.1", "a@b.fr", now).expect("after a success");
    }
}
