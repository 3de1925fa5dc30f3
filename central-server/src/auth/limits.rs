//! Slows down those who guess the handles of tabs. Only failures count: an office that works all day is not slowed.
//!
//! Kept in this process's memory: nobody guesses 256 random bits, whatever the number of replicas. Passwords, codes and
//! links are counted for all replicas together, see [`super::tries`].

use std::collections::HashMap;
use std::net::IpAddr;
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
    /// Takes a try for this account from this address. It counts as a failure until [`LoginLimits::succeeded`]
    /// gives it back, so that tries at the same moment cannot slip through together.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`] with the seconds to wait.
    pub fn take_try(&self, ip: IpAddr, email: &str, now: Time) -> Result<(), Error> {
        let mut failures = self.lock();
        if failures.len() >= MOST_KEYS {
            failures.retain(|_, times| times.last().is_some_and(|time| time.plus(WINDOW) > now));
            if failures.len() >= MOST_KEYS {
                failures.clear();
            }
        }
        for (key, most) in keys(ip, email) {
            let times = failures.entry(key).or_default();
            times.retain(|time| time.plus(WINDOW) > now);
            if times.len() >= most {
                let until = times[times.len() - most].plus(WINDOW);
                let seconds = (until.unix_micros() - now.unix_micros()) / 1_000_000 + 1;
                return Err(Error::TooManyRequests(u64::try_from(seconds).unwrap_or(1)));
            }
        }
        for (key, _) in keys(ip, email) {
            failures.entry(key).or_default().push(now);
        }
        Ok(())
    }

    /// Forgets the failures of an account once its owner got in, and gives the try back.
    pub fn succeeded(&self, ip: IpAddr, email: &str) {
        let mut failures = self.lock();
        let [(account, _), (address, _)] = keys(ip, email);
        failures.remove(&account);
        if let Some(times) = failures.get_mut(&address) {
            times.pop();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Vec<Time>>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A household has a whole /64 of IPv6 to choose from: that is one address here.
fn keys(ip: IpAddr, email: &str) -> [(String, usize); 2] {
    let address = match ip {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("{:x?}", &address.segments()[..4]),
    };
    [(format!("{address} {}", email.to_lowercase()), FAILURES_PER_ACCOUNT), (address, FAILURES_PER_ADDRESS)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_failures_close_the_account_to_this_address_for_a_while() {
        let limits = LoginLimits::default();
        let now = Time::from_unix_micros(0);
        let (here, there) = (IpAddr::from([1, 1, 1, 1]), IpAddr::from([2, 2, 2, 2]));
        for _ in 0..FAILURES_PER_ACCOUNT {
            limits.take_try(here, "a@b.fr", now).expect("still open");
        }
        assert!(matches!(limits.take_try(here, "A@b.fr", now), Err(Error::TooManyRequests(901))));
        limits.take_try(here, "other@b.fr", now).expect("another account");
        limits.take_try(there, "a@b.fr", now).expect("the owner, from elsewhere");
        limits.take_try(here, "a@b.fr", now.plus(WINDOW)).expect("later");
        limits.succeeded(here, "a@b.fr");
        limits.take_try(here, "a@b.fr", now).expect("after a success");
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let limits = LoginLimits::default();
        let now = Time::from_unix_micros(0);
        for host in 0..10u16 {
            limits.take_try(IpAddr::from([0x2001, 0xdb8, 0, 7, 0, 0, 0, host]), "a@b.fr", now).expect("still open");
        }
        limits.take_try(IpAddr::from([0x2001, 0xdb8, 0, 7, 9, 9, 9, 9]), "a@b.fr", now).expect_err("the same network");
        limits.take_try(IpAddr::from([0x2001, 0xdb8, 0, 8, 0, 0, 0, 1]), "a@b.fr", now).expect("another network");
    }
}
