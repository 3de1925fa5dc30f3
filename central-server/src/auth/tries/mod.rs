//! Slows those who guess, and never the owner.
//!
//! Wrong guesses are counted in PostgreSQL, so that an attacker gains nothing from many addresses, many replicas or a
//! restart. Each counts in up to three places: for one source and one account, for one address whatever the account, and
//! for one account whatever the address. The last one alone could be turned against the owner, so it does not hold for
//! sources from which he got in before: those have a counter of their own, which strangers cannot touch.
//!
//! Nothing closes for good: when a counter is full, one more guess is let through every few minutes.

mod source;
mod store;
mod told;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

pub use source::{Device, Source};
pub use store::Looked;

use crate::clock::Time;
use crate::db::Query;
use crate::error::Error;
use crate::http::limits::{Shown, Who};
use crate::ids::UserId;

/// What is guessed. Each has counters of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A password.
    Login,
    /// A link to a new password; for [`What::Reset`] asking for one counts as a guess.
    Reset,
}

/// So many wrong guesses at once, then one in so long.
#[derive(Debug, Clone, Copy)]
struct Limit {
    burst: u32,
    every: Duration,
}

const fn limit(burst: u32, seconds: u64) -> Limit {
    Limit { burst, every: Duration::from_secs(seconds) }
}

impl What {
    fn word(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Reset => "reset",
        }
    }

    /// For one source and one account; for one address; for one account.
    fn limits(self) -> [Limit; 3] {
        match self {
            Self::Login => [limit(10, 90), limit(100, 9), limit(30, 180)],
            Self::Reset => [limit(3, 600), limit(30, 60), limit(5, 900)],
        }
    }
}

/// The limits of guesses, for those who look at them.
pub fn shown() -> impl Iterator<Item = Shown> {
    [What::Login, What::Reset].into_iter().flat_map(|what| {
        [Who::Pair, Who::Address, Who::Account].into_iter().zip(what.limits()).map(
            move |(who, Limit { burst, every })| Shown {
                name: what.word(),
                who,
                burst,
                per_minute: 60.0 / every.as_secs_f64(),
                shared: true,
            },
        )
    })
}

/// The guesses that are under way in this process, and those refused ones that the journal knows of.
#[derive(Debug, Clone, Default)]
pub struct Tries {
    under_way: Arc<Mutex<HashMap<String, u32>>>,
    told: told::Told,
}

impl Tries {
    /// Begins a guess. It holds its place until it is dropped, so that guesses at the same moment cannot slip through
    /// together.
    #[must_use]
    pub fn begin(&self, what: What, account: &str, source: &Source) -> Try {
        let account = account.trim().to_lowercase();
        let (address, device) = (source.address(), source.device());
        let pair = |place: &str| key(&[what.word(), "pair", place, &account]);
        let mut keys =
            vec![pair(&address), key(&[what.word(), "address", &address]), key(&[what.word(), "account", &account])];
        keys.extend(device.as_deref().map(pair));
        let mut under_way = self.lock();
        let ahead = keys.iter().map(|key| {
            let count = under_way.entry(key.clone()).or_default();
            *count += 1;
            *count - 1
        });
        let ahead = ahead.collect();
        drop(under_way);
        Try { tries: self.clone(), what, account, address, device, keys, ahead, counts: vec![0, 1, 2], full: None }
    }

    /// Whether a refusal of this kind is to stand in the journal: there was none of late.
    pub fn is_news(&self, what: &str, now: Time) -> bool {
        self.told.is_news(what, now)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, u32>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What people type into a field for addresses may be anything, also a password: only its hash is kept.
fn key(parts: &[&str]) -> String {
    let mut hash = Sha256::new().chain_update(b"neopro tries v1");
    for part in parts {
        hash.update(b"\0");
        hash.update(part.as_bytes());
    }
    data_encoding::HEXLOWER.encode(&hash.finalize())
}

/// The place of the pair of device and account among the keys of a guess.
const DEVICE: usize = 3;
/// The place of the address.
const ADDRESS: usize = 1;
/// The place of the account.
const ACCOUNT: usize = 2;

/// A guess that is under way.
#[derive(Debug)]
pub struct Try {
    tries: Tries,
    what: What,
    account: String,
    address: String,
    device: Option<String>,
    /// Pair of address and account, address, account, and pair of device and account if there is a device.
    keys: Vec<String>,
    /// How many others were under way for each when this one began.
    ahead: Vec<u32>,
    /// Which of the keys count for this source.
    counts: Vec<usize>,
    /// Which of them was full, if it was refused: the widest one.
    full: Option<usize>,
}

impl Try {
    /// The statement that reads the counters; belongs into the flush that reads what the guess is compared with. System
    /// scope.
    pub fn look(&self, now: Time) -> Query<Looked> {
        store::look(self.account.clone(), self.places(), self.keys.clone(), now)
    }

    /// Judges the counters. A source from which the owner got in before is judged by its own alone.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`] with the seconds to wait.
    pub fn allow(&mut self, looked: Looked) -> Result<(), Error> {
        self.counts = match &self.device {
            Some(device) if looked.known.contains(device) => vec![DEVICE],
            _ if looked.known.contains(&self.address) => vec![0, ADDRESS],
            _ => vec![0, ADDRESS, ACCOUNT],
        };
        let is_full = |place: &usize| self.counts.contains(place) && self.judge(&[*place], &looked).is_err();
        self.full = [ADDRESS, ACCOUNT, 0, DEVICE].into_iter().find(is_full);
        self.judge(&self.counts, &looked)
    }

    /// Whether that it was refused is to stand in the journal: one entry in a while for each address, account or pair of
    /// both that is full. A pair is full after ten guesses that have their own entries, the others after more.
    pub fn is_refused_anew(&self, now: Time) -> bool {
        let full = self.full.and_then(|place| self.keys.get(place));
        full.is_some_and(|key| self.tries.is_news(key, now))
    }

    /// Judges the address alone.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`] with the seconds to wait.
    pub fn allow_address(&self, looked: &Looked) -> Result<(), Error> {
        self.judge(&[ADDRESS], looked)
    }

    fn judge(&self, counts: &[usize], looked: &Looked) -> Result<(), Error> {
        let limits = self.what.limits();
        let waits = counts.iter().filter_map(|&place| {
            let limit = limits.get(place).unwrap_or(&limits[0]);
            let busy = looked.busy.get(place).copied().unwrap_or_default();
            wait(*limit, busy, self.ahead.get(place).copied().unwrap_or_default())
        });
        waits.max().map_or(Ok(()), |seconds| Err(Error::TooManyRequests(seconds)))
    }

    /// The guess was wrong. System scope.
    pub fn failed(&self, now: Time) -> Query<()> {
        self.count(&self.counts, now)
    }

    /// The guess was wrong, and of no account that we know. System scope.
    pub fn failed_at_address(&self, now: Time) -> Query<()> {
        self.count(&[ADDRESS], now)
    }

    fn count(&self, counts: &[usize], now: Time) -> Query<()> {
        let limits = self.what.limits();
        let weights = counts.iter().filter_map(|&place| {
            let limit = limits.get(place).unwrap_or(&limits[0]);
            Some((self.keys.get(place)?.clone(), limit.every.as_secs_f64()))
        });
        store::count(weights.collect(), now)
    }

    /// The guess was right: what failed for this account from here is forgotten. System scope.
    pub fn succeeded(&self) -> Query<()> {
        store::forget(self.own_keys())
    }

    /// The guess was right and a session begins: the same, and from here the account is never slowed by strangers.
    /// System scope; belongs into the flush that begins the session.
    pub fn entered(&self, user: UserId, now: Time) -> Query<()> {
        store::remember(user, self.places(), self.own_keys(), now)
    }

    /// The keys that are of this source and this account only. Whoever was judged by his device leaves what others have
    /// tried from the same address as it is.
    fn own_keys(&self) -> Vec<String> {
        let own: &[usize] = if self.counts.contains(&DEVICE) { &[DEVICE] } else { &[0, DEVICE] };
        own.iter().filter_map(|&place| self.keys.get(place).cloned()).collect()
    }

    fn places(&self) -> Vec<String> {
        [Some(self.address.clone()), self.device.clone()].into_iter().flatten().collect()
    }
}

impl Drop for Try {
    fn drop(&mut self) {
        let mut under_way = self.tries.lock();
        for key in &self.keys {
            if let Some(count) = under_way.get_mut(key) {
                *count -= 1;
                if *count == 0 {
                    under_way.remove(key);
                }
            }
        }
    }
}

/// Seconds to wait, if any: `busy` seconds of weight are counted already, and so many guesses are under way.
fn wait(limit: Limit, busy: f64, ahead: u32) -> Option<u64> {
    let every = limit.every.as_secs_f64();
    let over = busy.max(0.0) + (f64::from(ahead) + 1.0 - f64::from(limit.burst)) * every;
    (over > 0.0).then(|| Duration::from_secs_f64(over.ceil()).as_secs().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_one_at_a_time() {
        let limit = limit(10, 90);
        assert_eq!(wait(limit, 0.0, 0), None);
        assert_eq!(wait(limit, 9.0 * 90.0, 0), None, "nine are counted: the tenth");
        assert_eq!(wait(limit, 10.0 * 90.0, 0), Some(90));
        assert_eq!(wait(limit, 10.0 * 90.0 - 89.5, 0), Some(1));
        assert_eq!(wait(limit, 0.0, 9), None, "nine are under way");
        assert_eq!(wait(limit, 0.0, 10), Some(90));
        assert_eq!(wait(limit, -5.0, 9), None);
    }

    #[test]
    fn a_guess_holds_its_place_until_it_ends() {
        let tries = Tries::default();
        let source = Source { ip: [192, 0, 2, 1].into(), device: None };
        let nothing = || Looked { known: Vec::new(), busy: vec![0.0; 3] };
        let mut open: Vec<Try> = (0..10).map(|_| tries.begin(What::Login, "a@b.fr", &source)).collect();
        assert!(open.iter_mut().all(|guess| guess.allow(nothing()).is_ok()));
        assert!(tries.begin(What::Login, " A@B.fr ", &source).allow(nothing()).is_err());
        assert!(tries.begin(What::Reset, "a@b.fr", &source).allow(nothing()).is_ok(), "links are counted apart");
        drop(open);
        assert!(tries.begin(What::Login, "a@b.fr", &source).allow(nothing()).is_ok());
        assert!(tries.lock().is_empty(), "nothing is kept of those who have gone");
    }

    #[test]
    fn strangers_do_not_slow_the_owner_where_he_got_in_before() {
        let tries = Tries::default();
        let device: Device = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8".parse().expect("a device");
        let here = Source { ip: [192, 0, 2, 1].into(), device: Some(device) };
        // Everything is full but the counter of the device.
        let busy = vec![1e6, 1e6, 1e6, 0.0];
        let known = |place: String| Looked { known: vec![place], busy: busy.clone() };
        let begin = || tries.begin(What::Login, "a@b.fr", &here);
        assert!(begin().allow(known(here.device().expect("a device"))).is_ok());
        assert!(begin().allow(known("another".into())).is_err());
        let account_full = Looked { known: vec![here.address()], busy: vec![0.0, 0.0, 1e6, 0.0] };
        assert!(begin().allow(account_full).is_ok());
        let stranger = Looked { known: Vec::new(), busy: vec![0.0, 0.0, 1e6, 0.0] };
        assert!(begin().allow(stranger).is_err());
    }
}
