//! Slows those who guess the keys of boxes, and never a box.
//!
//! A key is 256 random bits, of which a plain hash is stored: to compare costs nothing, no rate of guessing finds it, and
//! so the right one is let in whatever others have tried. Wrong ones are counted, by address, by site and by both; whoever
//! has shown too many loses the connection without a verdict. What the limits guard is the machine, and the log.
//!
//! Keys of NeoPro 1 are hashed slowly until their box has come once. Of these one is compared at a time for an address and
//! one for a site, so that nobody who knows a site takes the threads from the boxes of others. From an address that has
//! shown too many wrong ones none is. Where the box of a site was last, that does not count, and the turns are its own.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::http::limits::{Shown, Who};
use crate::ids::SiteId;

/// So many wrong keys at once, then one in so long.
#[derive(Debug, Clone, Copy)]
struct Limit {
    who: Who,
    burst: u32,
    every: Duration,
}

const fn limit(who: Who, burst: u32, seconds: u64) -> Limit {
    Limit { who, burst, every: Duration::from_secs(seconds) }
}

/// A box of NeoPro 1 whose key was replaced starts anew every ten seconds, and is told each time.
const PAIR: Limit = limit(Who::Pair, 20, 10);
const ADDRESS: Limit = limit(Who::Address, 60, 2);
const SITE: Limit = limit(Who::Site, 60, 2);

/// How many may wait for a slow comparison of one address, or of one site: more than a hall has boxes.
const WAITING: usize = 64;

/// Counters at most; an attacker with more addresses than this gains nothing but forgetting.
const MOST_COUNTERS: usize = 20_000;

/// The limits of wrong keys, for those who look at them.
pub fn guesses_shown() -> impl Iterator<Item = Shown> {
    [PAIR, ADDRESS, SITE].into_iter().map(|Limit { who, burst, every }| Shown {
        name: "box_key",
        who,
        burst,
        per_minute: 60.0 / every.as_secs_f64(),
        shared: false,
    })
}

/// What is counted by: an address, as the number of its network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Counter {
    Pair(u128, SiteId),
    Address(u128),
    Site(SiteId),
}

impl Counter {
    fn limit(self) -> Limit {
        match self {
            Self::Pair(..) => PAIR,
            Self::Address(_) => ADDRESS,
            Self::Site(_) => SITE,
        }
    }
}

/// The wrong keys of late, and who waits for a slow comparison.
#[derive(Debug, Default)]
pub(super) struct Guesses {
    /// Until when each counter weighs.
    counters: Mutex<HashMap<Counter, Instant>>,
    addresses: Lanes<u128>,
    /// Apart for where the box is at home.
    sites: Lanes<(SiteId, bool)>,
}

impl Guesses {
    /// A wrong key was shown, or a site that is none: whether its client is told so.
    pub(super) fn may_be_told(&self, address: IpAddr, site: Option<SiteId>, now: Instant) -> bool {
        let network = network(address);
        let mut counts = vec![Counter::Address(network)];
        counts.extend(site.into_iter().flat_map(|site| [Counter::Pair(network, site), Counter::Site(site)]));
        let mut counters = lock(&self.counters);
        if counts.iter().any(|counter| is_full(&counters, *counter, now)) {
            return false;
        }
        if counters.len() + counts.len() > MOST_COUNTERS {
            counters.retain(|_, clear| *clear > now);
            if counters.len() > MOST_COUNTERS * 3 / 4 {
                counters.clear();
            }
        }
        for counter in counts {
            let clear = counters.entry(counter).or_insert(now);
            *clear = (*clear).max(now) + counter.limit().every;
        }
        true
    }

    /// Waits for a turn at the slow comparison with the key of a site. None if too many wait already, or if this address
    /// has shown too many wrong ones: that does not count where the box `is_at_home`.
    pub(super) async fn turn(&self, address: IpAddr, site: SiteId, is_at_home: bool) -> Option<Turn> {
        let network = network(address);
        let may = || {
            let counters = lock(&self.counters);
            let counts = [Counter::Address(network), Counter::Pair(network, site)];
            is_at_home || !counts.iter().any(|counter| is_full(&counters, *counter, Instant::now()))
        };
        if !may() {
            return None;
        }
        // In this order, who waits for a site that many guess keeps nobody waiting at his address.
        let turn =
            Turn { _site: self.sites.enter((site, is_at_home)).await?, _address: self.addresses.enter(network).await? };
        // Those ahead of it may have been wrong.
        may().then_some(turn)
    }
}

/// The turn of a client, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    _site: Place<(SiteId, bool)>,
    _address: Place<u128>,
}

fn is_full(counters: &HashMap<Counter, Instant>, counter: Counter, now: Instant) -> bool {
    let Limit { burst, every, .. } = counter.limit();
    counters.get(&counter).is_some_and(|clear| *clear + every > now + every * burst)
}

/// Whether a box that was last heard of from `last` is at home at `address`.
pub(super) fn is_at_home(last: Option<&str>, address: IpAddr) -> bool {
    let last: Option<IpAddr> = last.and_then(|last| last.parse().ok());
    last.is_some_and(|last| network(last) == network(address))
}

/// A household has a whole /64 of IPv6 to choose from: that is one address here.
fn network(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => ((u128::from(address) >> 64) << 64) | (1 << 63),
    }
}

/// Queues, one for each key that anybody waits for.
#[derive(Debug)]
struct Lanes<K>(Arc<Mutex<HashMap<K, Lane>>>);

#[derive(Debug)]
struct Lane {
    gate: Arc<Semaphore>,
    /// Who has its turn, and who waits.
    users: usize,
}

impl<K> Default for Lanes<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Copy + Eq + Hash> Lanes<K> {
    /// Waits for its turn; `None` if too many wait already.
    async fn enter(&self, key: K) -> Option<Place<K>> {
        let gate = {
            let mut lanes = lock(&self.0);
            let lane = lanes.entry(key).or_insert_with(|| Lane { gate: Arc::new(Semaphore::new(1)), users: 0 });
            if lane.users > WAITING {
                return None;
            }
            lane.users += 1;
            Arc::clone(&lane.gate)
        };
        // Its place is given up with it, also if its client goes while it waits.
        let mut place = Place { lanes: Arc::clone(&self.0), key, permit: None };
        place.permit = gate.acquire_owned().await.ok();
        Some(place)
    }
}

/// A place in a queue, and in the end the turn.
#[derive(Debug)]
struct Place<K: Copy + Eq + Hash> {
    lanes: Arc<Mutex<HashMap<K, Lane>>>,
    key: K,
    permit: Option<OwnedSemaphorePermit>,
}

impl<K: Copy + Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        self.permit = None;
        let mut lanes = lock(&self.lanes);
        if let Some(lane) = lanes.get_mut(&self.key) {
            lane.users -= 1;
            if lane.users == 0 {
                lanes.remove(&self.key);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    /// How many wrong keys are told of at this moment.
    fn told(guesses: &Guesses, address: IpAddr, site: Option<SiteId>, now: Instant) -> usize {
        (0..10_000).take_while(|_| guesses.may_be_told(address, site, now)).count()
    }

    #[tokio::test]
    async fn an_address_hears_twenty_verdicts_of_a_site_and_sixty_in_all() {
        let (guesses, now) = (Guesses::default(), Instant::now());
        let sites: Vec<SiteId> = (0..5).map(|_| SiteId::new()).collect();
        let heard: Vec<usize> = sites.iter().map(|site| told(&guesses, HERE, Some(*site), now)).collect();
        assert_eq!(heard, [20, 20, 20, 0, 0]);
        assert_eq!(told(&guesses, THERE, Some(sites[0]), now), 20, "another address");
        let later = now + Duration::from_secs(60);
        assert_eq!(told(&guesses, HERE, Some(sites[0]), later), 6, "one in ten seconds");
        assert_eq!(told(&guesses, HERE, None, later), 24, "and thirty a minute in all");
        // What many addresses try on one site.
        let site = Some(SiteId::new());
        let many = (0..=255).map(|last| told(&guesses, IpAddr::from([198, 51, 100, last]), site, now));
        assert_eq!(many.sum::<usize>(), 60);
        let household = |last: u16| IpAddr::from([0x2001, 0xdb8, 0, 7, 0, 0, 0, last]);
        assert_eq!((told(&guesses, household(1), None, now), told(&guesses, household(2), None, now)), (60, 0));
    }

    #[tokio::test]
    async fn counters_are_bounded() {
        let (guesses, now) = (Guesses::default(), Instant::now());
        for number in 0..3 * MOST_COUNTERS {
            let address = IpAddr::from(u32::try_from(number).expect("small").to_be_bytes());
            assert!(guesses.may_be_told(address, Some(SiteId::new()), now));
        }
        assert!(lock(&guesses.counters).len() <= MOST_COUNTERS);
    }

    #[tokio::test]
    async fn slow_comparisons_take_turns_by_address_and_by_site() {
        let (guesses, one, other) = (Guesses::default(), SiteId::new(), SiteId::new());
        let first = guesses.turn(HERE, one, false).await.expect("the first");
        let waits = async |address, site| {
            tokio::time::timeout(Duration::from_millis(20), guesses.turn(address, site, false)).await.is_err()
        };
        assert!(waits(HERE, other).await, "the same address");
        assert!(waits(THERE, one).await, "the same site");
        let beside = guesses.turn(THERE, other, false).await.expect("neither");
        let at_home = guesses.turn([192, 0, 2, 3].into(), one, true).await.expect("where the box is at home");
        drop((first, beside, at_home));
        assert!(
            lock(&guesses.addresses.0).is_empty() && lock(&guesses.sites.0).is_empty(),
            "who gave up leaves nothing"
        );
    }

    #[tokio::test]
    async fn who_was_wrong_too_often_has_no_turn_and_a_box_at_home_has() {
        let (guesses, site) = (Guesses::default(), SiteId::new());
        told(&guesses, HERE, Some(site), Instant::now());
        assert!(guesses.turn(HERE, site, false).await.is_none());
        assert!(guesses.turn(HERE, site, true).await.is_some());
        assert!(guesses.turn(HERE, SiteId::new(), false).await.is_some(), "another site of this address");
        assert!(guesses.turn(THERE, site, false).await.is_some(), "another address");
        assert!(is_at_home(Some("192.0.2.1"), HERE) && !is_at_home(Some("192.0.2.1"), THERE));
        assert!(is_at_home(Some("2001:db8::1"), IpAddr::from([0x2001, 0xdb8, 0, 0, 9, 9, 9, 9])));
        assert!(!is_at_home(None, HERE) && !is_at_home(Some("nonsense"), HERE));
    }

    #[tokio::test]
    async fn more_than_may_wait_are_sent_away() {
        let (guesses, site) = (Guesses::default(), SiteId::new());
        let _first = guesses.turn(HERE, site, false).await.expect("the first");
        let turns = (0..WAITING + 3).map(|_| async {
            // Those that wait do so for ever.
            tokio::time::timeout(Duration::from_millis(50), guesses.turn(HERE, site, false)).await
        });
        let turns = futures_util::future::join_all(turns).await;
        assert_eq!(turns.iter().filter(|turn| matches!(turn, Ok(None))).count(), 3);
    }
}
