//! What boxes measure of themselves, gathered by site and five minutes until it is written down.
//!
//! A fleet of thirteen thousand beats four hundred times a second; what stays of it are sums, counts and
//! maxima. A figure that a box does not know, or that cannot be, is not counted.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::clock::Time;
use crate::events::Beat;
use crate::ids::SiteId;

/// How many five minutes of sites may wait while the database is away; then what is newest is lost.
const MOST: usize = 100_000;
/// What is summed up.
pub(super) const SLOT_SECONDS: i64 = 300;
const HOUR_SECONDS: i64 = 3_600;
/// The longest that a machine is believed to run, in seconds: ten years.
const LONGEST_UPTIME: f64 = 315_360_000.0;

/// The figures of one heartbeat.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Reading {
    /// Percent of the processors.
    pub cpu: Option<f64>,
    /// Percent of the memory.
    pub memory: Option<f64>,
    /// Degrees Celsius.
    pub temperature: Option<f64>,
    /// Percent of the disk.
    pub disk: Option<f64>,
    /// Seconds since the machine has started.
    pub uptime: Option<i64>,
}

impl Reading {
    /// Reads the `metrics` of a heartbeat. Boxes of NeoPro 1 say 0 for what they could not measure: memory and
    /// disk in use and the processor's temperature are never really 0.
    #[must_use]
    pub fn of(metrics: &Value) -> Self {
        let figure = |name: &str, range: std::ops::RangeInclusive<f64>| {
            metrics[name].as_f64().filter(|figure| range.contains(figure))
        };
        let measured = |name: &str| figure(name, 0.0..=100.0).filter(|figure| *figure > 0.0);
        #[expect(clippy::cast_possible_truncation, reason = "within the range that was just checked")]
        Self {
            cpu: figure("cpu", 0.0..=100.0),
            memory: measured("memory"),
            temperature: figure("temperature", -40.0..=150.0).filter(|degrees| *degrees != 0.0),
            disk: measured("disk"),
            uptime: figure("uptime", 0.0..=LONGEST_UPTIME).map(|seconds| seconds as i64),
        }
    }

    /// The same, for those who watch the site.
    #[must_use]
    pub fn beat(self, site_id: SiteId, at: Time) -> Beat {
        let Self { cpu, memory, temperature, disk, uptime } = self;
        Beat { site_id, at, cpu, memory, temperature, disk, uptime }
    }
}

/// One figure of a slot.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Sum {
    pub sum: f64,
    pub count: i32,
    pub max: Option<f64>,
}

impl Sum {
    fn of(figure: Option<f64>) -> Self {
        figure.map_or(Self::default(), |figure| Self { sum: figure, count: 1, max: Some(figure) })
    }

    fn add(&mut self, other: Self) {
        self.sum += other.sum;
        self.count += other.count;
        self.max = match (self.max, other.max) {
            (Some(one), Some(two)) => Some(one.max(two)),
            (one, two) => one.or(two),
        };
    }
}

/// What was heard of one site in one slot and is not written down.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    pub(super) beats: i32,
    pub(super) cpu: Sum,
    pub(super) memory: Sum,
    pub(super) temperature: Sum,
    pub(super) disk: Sum,
    pub(super) uptime_max: Option<i64>,
    /// The minutes of the hour in which it was heard, the first in the lowest bit.
    pub(super) minutes: i64,
    pub(super) heard_at: Time,
    pub(super) latest: Reading,
}

impl Figures {
    fn of(reading: Reading, heard_at: Time) -> Self {
        Self {
            beats: 1,
            cpu: Sum::of(reading.cpu),
            memory: Sum::of(reading.memory),
            temperature: Sum::of(reading.temperature),
            disk: Sum::of(reading.disk),
            uptime_max: reading.uptime,
            minutes: 1 << (heard_at.unix_seconds().rem_euclid(HOUR_SECONDS) / 60),
            heard_at,
            latest: reading,
        }
    }

    fn add(&mut self, other: Self) {
        self.beats += other.beats;
        self.cpu.add(other.cpu);
        self.memory.add(other.memory);
        self.temperature.add(other.temperature);
        self.disk.add(other.disk);
        self.uptime_max = self.uptime_max.max(other.uptime_max);
        self.minutes |= other.minutes;
        if other.heard_at >= self.heard_at {
            (self.heard_at, self.latest) = (other.heard_at, other.latest);
        }
    }
}

/// A site and five minutes, counted from 1970.
pub type SiteSlot = (SiteId, i64);

/// Of each, whether it is the last of its site.
pub(super) fn are_last(figures: &[(SiteSlot, Figures)]) -> Vec<bool> {
    let mut last: HashMap<SiteId, i64> = HashMap::new();
    for ((site, slot), _) in figures {
        last.entry(*site).and_modify(|last| *last = (*last).max(*slot)).or_insert(*slot);
    }
    figures.iter().map(|((site, slot), _)| last.get(site) == Some(slot)).collect()
}

/// The figures of every site that are not written down.
#[derive(Debug, Default)]
pub struct Gathered(Mutex<HashMap<SiteSlot, Figures>>);

impl Gathered {
    /// Counts a heartbeat.
    pub fn add(&self, site: SiteId, metrics: &Value, now: Time) {
        let slot = now.unix_seconds().div_euclid(SLOT_SECONDS);
        self.merge((site, slot), Figures::of(Reading::of(metrics), now));
    }

    /// Takes everything out.
    pub fn take(&self) -> Vec<(SiteSlot, Figures)> {
        std::mem::take(&mut *self.lock()).into_iter().collect()
    }

    /// Puts back what could not be written.
    pub fn put_back(&self, figures: Vec<(SiteSlot, Figures)>) {
        for (key, figures) in figures {
            self.merge(key, figures);
        }
    }

    fn merge(&self, key: SiteSlot, new: Figures) {
        let mut waiting = self.lock();
        let is_full = waiting.len() >= MOST;
        match waiting.entry(key) {
            Entry::Occupied(mut entry) => entry.get_mut().add(new),
            // The state of the site itself is kept all the same.
            Entry::Vacant(_) if is_full => tracing::debug!("too many figures wait to be written down: one is lost"),
            Entry::Vacant(entry) => {
                entry.insert(new);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SiteSlot, Figures>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_unknown_or_cannot_be_is_not_counted() {
        let old = json!({"cpu": 12.5, "memory": 40, "temperature": 0, "disk": 61.2, "uptime": 86_400.7});
        assert_eq!(
            Reading::of(&old),
            Reading { cpu: Some(12.5), memory: Some(40.0), temperature: None, disk: Some(61.2), uptime: Some(86_400) }
        );
        let idle = Reading { cpu: Some(0.0), ..Reading::default() };
        assert_eq!(Reading::of(&json!({"cpu": 0, "memory": 0, "temperature": 0, "disk": 0.0})), idle);
        for nonsense in [
            json!(null),
            json!("metrics"),
            json!({"cpu": null, "memory": "40", "temperature": [1], "disk": {}, "uptime": true}),
            json!({"cpu": -1, "memory": 101, "temperature": 1e300, "disk": 1e9, "uptime": -5}),
            json!({"cpu": 100.1, "temperature": -273.2, "uptime": 1e12}),
        ] {
            assert_eq!(Reading::of(&nonsense), Reading::default(), "{nonsense}");
        }
    }

    #[test]
    fn beats_become_sums_by_five_minutes_and_what_could_not_be_written_is_added_again() {
        let (gathered, site) = (Gathered::default(), SiteId::new());
        let at = |second: i64| Time::from_unix_micros((7_200 + second) * 1_000_000);
        gathered.add(site, &json!({"cpu": 10, "temperature": 50, "uptime": 90}), at(0));
        gathered.add(site, &json!({"cpu": 30, "temperature": 0, "uptime": 30}), at(30));
        gathered.add(site, &json!({"cpu": 99}), at(300));
        let taken = gathered.take();
        assert!(gathered.take().is_empty());
        gathered.add(site, &json!({"cpu": 20}), at(60));
        gathered.put_back(taken);
        let mut taken = gathered.take();
        taken.sort_by_key(|((_, slot), _)| *slot);
        let [((_, first_slot), first), ((_, last_slot), last)] = &taken[..] else { panic!("two slots: {taken:?}") };
        assert_eq!((*first_slot, *last_slot), (24, 25));
        assert_eq!(first.cpu, Sum { sum: 60.0, count: 3, max: Some(30.0) });
        assert_eq!((first.temperature.sum, first.temperature.count), (50.0, 1));
        assert_eq!((first.minutes, last.minutes), (0b11, 0b10_0000), "minutes 0, 1 and 5");
        assert_eq!((first.memory.count, first.memory.max), (0, None));
        assert_eq!(first.uptime_max, Some(90));
        assert_eq!((first.latest.cpu, first.latest.temperature), (Some(20.0), None), "the latest beat's");
        assert_eq!((first.beats, last.beats), (3, 1));
    }
}
