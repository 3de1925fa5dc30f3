//! What a client may ask of the server in a while.
//!
//! Everything that a client sends has a price in time, and each client has its time: as long as nothing is owed it is
//! heard at once, and one that sends more than boxes do is not read until it has paid. Its bytes wait in its own
//! connection then, which slows it down; what the server sends to it goes on, and so does everybody else. The prices are
//! far above what handling costs: whoever floods takes a few hundredths of a processor, wherever it is.
//!
//! A box that comes back owes what it owed before.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::ids::SiteId;

/// A read, however little it brought: who sends byte by byte costs the most for the least.
const READ: Duration = Duration::from_millis(4);
/// A frame or a packet, also an empty one. Boxes of NeoPro 1 say of every piece of a download that it came.
const FRAME: Duration = Duration::from_millis(1);
/// A kilobyte: the largest mirror is worth ten seconds.
const KILOBYTE: Duration = Duration::from_millis(1);
/// What is more than a word about a download, on top.
const EVENT: Duration = Duration::from_millis(20);
/// What is written to the database before the next packet is read, on top.
const WRITTEN: Duration = Duration::from_millis(30);
/// And a kilobyte of it, which costs the database most of all: the largest mirror is worth a minute.
const KILOBYTE_WRITTEN: Duration = Duration::from_millis(5);
/// What a box may owe and still be heard at once: a connection begins with much to say.
const CREDIT: Duration = Duration::from_secs(3);
/// The part of it that a stranger has.
const STRANGERS_CREDIT: Duration = Duration::from_secs(1);
/// How many debts are remembered before those that are paid are swept out.
const SWEPT_AT: usize = 64;

/// One client's account.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowance {
    /// When everything that was sent so far will be paid.
    paid: Instant,
}

impl Allowance {
    /// That of a client of whom nothing is known.
    pub(super) fn of_stranger(now: Instant) -> Self {
        Self { paid: now + (CREDIT - STRANGERS_CREDIT) }
    }

    /// So many bytes came at once.
    pub(super) fn read(&mut self, bytes: usize, now: Instant) {
        self.charge(READ + KILOBYTE.mul_f64(bytes as f64 / 1024.0), now);
    }

    /// So many frames came.
    pub(super) fn frames(&mut self, count: u32, now: Instant) {
        self.charge(FRAME * count, now);
    }

    /// An event of so many bytes came, which will be handled.
    pub(super) fn event(&mut self, name: &str, bytes: usize, now: Instant) {
        let price = match name {
            "deploy_progress" => Duration::ZERO,
            "reported" | "sync_local_state" | "command_result" => {
                EVENT + WRITTEN + KILOBYTE_WRITTEN.mul_f64(bytes as f64 / 1024.0)
            }
            _ => EVENT,
        };
        self.charge(price, now);
    }

    fn charge(&mut self, price: Duration, now: Instant) {
        self.paid = self.paid.max(now) + price;
    }

    /// Until when nothing more is read of the client; `None` if it may be heard now.
    pub(super) fn pause(&self, now: Instant) -> Option<Instant> {
        (self.paid > now + CREDIT).then(|| self.paid - CREDIT)
    }
}

/// What boxes owed when their connections ended.
#[derive(Debug, Default)]
pub(super) struct Debts(Mutex<HashMap<SiteId, Instant>>);

impl Debts {
    /// A client turns out to be this box: it owes what the box owed, and is a stranger no more.
    pub(super) fn recall(&self, site: SiteId, allowance: &mut Allowance, now: Instant) {
        let owed = |paid: Instant| paid.saturating_duration_since(now);
        let before = self.lock().remove(&site).map_or(Duration::ZERO, owed);
        allowance.paid = now + before + owed(allowance.paid).saturating_sub(CREDIT - STRANGERS_CREDIT);
    }

    /// A box goes.
    pub(super) fn remember(&self, site: SiteId, allowance: &Allowance, now: Instant) {
        let mut debts = self.lock();
        if debts.len() >= SWEPT_AT {
            debts.retain(|_, paid| *paid > now);
        }
        if allowance.paid > now {
            debts.insert(site, allowance.paid);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SiteId, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// How many beats are heard within a time, of a client that sends them as fast as it can.
    fn heard(allowance: &mut Allowance, mut now: Instant, within: Duration) -> u32 {
        let (end, mut count) = (now + within, 0);
        loop {
            now = allowance.pause(now).unwrap_or(now);
            if now > end {
                return count;
            }
            allowance.frames(1, now);
            allowance.event("heartbeat", 100, now);
            count += 1;
        }
    }

    #[test]
    fn a_flood_is_heard_at_a_fixed_pace_and_a_box_at_once() {
        let now = Instant::now();
        let mut flood = Allowance::of_stranger(now);
        let first = heard(&mut flood, now, Duration::ZERO);
        assert!((40..60).contains(&first), "{first} at once");
        let later = heard(&mut flood, now, SECOND * 60);
        assert!((2_800..2_900).contains(&later), "{later} in a minute");
        // What a box says after a long silence: all that it has kept.
        let now = now + SECOND * 120;
        for name in ["heartbeat", "sync_local_state", "command_result", "reported"].repeat(10) {
            assert_eq!(flood.pause(now), None);
            flood.event(name, 100, now);
        }
        assert_eq!(flood.pause(now), None);
    }

    #[test]
    fn a_huge_mirror_is_worth_seconds_and_less_than_a_lost_connection() {
        let now = Instant::now();
        for (bytes, pauses) in [(16_384, 55..62), (4_096, 60..70)] {
            let mut allowance = Allowance::of_stranger(now);
            Debts::default().recall(SiteId::new(), &mut allowance, now);
            (0..10_000_000 / bytes).for_each(|_| allowance.read(bytes, now));
            allowance.event("sync_local_state", 10_000_000, now);
            let pause = allowance.pause(now).expect("a pause") - now;
            assert!(
                pauses.contains(&pause.as_secs()),
                "{pause:?} for reads of {bytes}: a silent box is given up after 85"
            );
        }
    }

    #[test]
    fn who_comes_back_owes_what_it_owed() {
        let (debts, site, now) = (Debts::default(), SiteId::new(), Instant::now());
        let come_back = |site, now| {
            let mut allowance = Allowance::of_stranger(now);
            debts.recall(site, &mut allowance, now);
            heard(&mut allowance, now, Duration::ZERO)
        };
        let mut before = Allowance::of_stranger(now);
        heard(&mut before, now, SECOND);
        debts.remember(site, &before, now + SECOND);
        assert!(come_back(site, now + SECOND) < 2);
        // One that has stayed away, and another one, owe nothing.
        debts.remember(site, &before, now + SECOND);
        assert!(come_back(site, now + SECOND * 10) > 100);
        assert!(come_back(SiteId::new(), now + SECOND) > 100);
        for second in 0..1_000 {
            let mut flood = Allowance::of_stranger(now + SECOND * second);
            heard(&mut flood, now + SECOND * second, Duration::ZERO);
            debts.remember(SiteId::new(), &flood, now + SECOND * second);
        }
        assert!(debts.lock().len() <= SWEPT_AT, "what is paid is forgotten");
    }
}
