//! Slows down those who guess the handles of tabs and the challenges of logins. Only wrong ones count, and a right one is let
//! through whatever others have tried from its address: nobody guesses 256 random bits.
//!
//! Kept in this process's memory, for the same reason. Passwords, codes and links are counted for all replicas together,
//! see [`super::tries`].

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::Duration;

use crate::clock::Time;
use crate::error::Error;
use crate::http::limits::{Shown, Who};

/// How often one address may show the same wrong thing within the window, and how often the same right one may be asked
/// for work.
const OF_ONE: usize = 10;
/// How many wrong ones an address may show.
const OF_AN_ADDRESS: usize = 100;
const WINDOW: Duration = Duration::from_secs(15 * 60);
/// Keys remembered at most; an attacker with more addresses than this gains nothing but forgetting.
const MOST_KEYS: usize = 20_000;

/// The limits of these guesses, for those who look at them.
pub fn shown() -> impl Iterator<Item = Shown> {
    let minutes = WINDOW.as_secs_f64() / 60.0;
    [(Who::Pair, OF_ONE), (Who::Address, OF_AN_ADDRESS)].into_iter().map(move |(who, most)| {
        let burst = u32::try_from(most).unwrap_or(u32::MAX);
        Shown { name: "handle", who, burst, per_minute: f64::from(burst) / minutes, shared: false }
    })
}

/// What was wrong of late, by address and by address and what was shown.
#[derive(Debug, Default)]
pub struct LoginLimits(Mutex<HashMap<String, Vec<Time>>>);

impl LoginLimits {
    /// What this address has shown is wrong.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`] with the seconds to wait, when it was too often.
    pub fn wrong(&self, ip: IpAddr, shown: &str, now: Time) -> Result<(), Error> {
        let address = network(ip);
        self.count(&[(format!("{address} {shown}"), OF_ONE), (address, OF_AN_ADDRESS)], now)
    }

    /// What was shown is right, and asks for something that takes a while.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`] with the seconds to wait, when it was too often.
    pub fn asked(&self, shown: &str, now: Time) -> Result<(), Error> {
        self.count(&[(shown.to_owned(), OF_ONE)], now)
    }

    fn count(&self, keys: &[(String, usize)], now: Time) -> Result<(), Error> {
        let mut counted = self.lock();
        if counted.len() >= MOST_KEYS {
            counted.retain(|_, times| times.last().is_some_and(|time| time.plus(WINDOW) > now));
            if counted.len() >= MOST_KEYS {
                counted.clear();
            }
        }
        for (key, most) in keys {
            let times = counted.entry(key.clone()).or_default();
            times.retain(|time| time.plus(WINDOW) > now);
            if times.len() >= *most {
                let until = times[times.len() - most].plus(WINDOW);
                let seconds = (until.unix_micros() - now.unix_micros()) / 1_000_000 + 1;
                return Err(Error::TooManyRequests(u64::try_from(seconds).unwrap_or(1)));
            }
        }
        for (key, _) in keys {
            counted.entry(key.clone()).or_default().push(now);
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Vec<Time>>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A household has a whole /64 of IPv6 to choose from: that is one address here.
fn network(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("{:x?}", &address.segments()[..4]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_times_the_same_or_a_hundred_of_any_kind_close_an_address_for_a_while() {
        let limits = LoginLimits::default();
        let now = Time::from_unix_micros(0);
        let (here, there) = (IpAddr::from([1, 1, 1, 1]), IpAddr::from([2, 2, 2, 2]));
        for _ in 0..OF_ONE {
            limits.wrong(here, "one", now).expect("still open");
        }
        assert!(matches!(limits.wrong(here, "one", now), Err(Error::TooManyRequests(901))));
        for other in OF_ONE..OF_AN_ADDRESS {
            limits.wrong(here, &other.to_string(), now).expect("another one");
        }
        limits.wrong(here, "more", now).expect_err("too many of this address");
        limits.wrong(there, "one", now).expect("another address");
        limits.wrong(here, "one", now.plus(WINDOW)).expect("later");
    }

    #[test]
    fn what_is_right_is_counted_by_itself() {
        let limits = LoginLimits::default();
        let now = Time::from_unix_micros(0);
        assert_eq!((0..20).filter(|_| limits.asked("one", now).is_ok()).count(), OF_ONE);
        limits.asked("other", now).expect("another one");
        limits.wrong([1, 1, 1, 1].into(), "one", now).expect("of nobody's address");
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let limits = LoginLimits::default();
        let now = Time::from_unix_micros(0);
        for host in 0..10u16 {
            limits.wrong(IpAddr::from([0x2001, 0xdb8, 0, 7, 0, 0, 0, host]), "one", now).expect("still open");
        }
        limits.wrong(IpAddr::from([0x2001, 0xdb8, 0, 7, 9, 9, 9, 9]), "one", now).expect_err("the same network");
        limits.wrong(IpAddr::from([0x2001, 0xdb8, 0, 8, 0, 0, 0, 1]), "one", now).expect("another network");
    }
}
