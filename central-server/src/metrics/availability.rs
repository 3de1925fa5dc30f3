//! When a site's box was there, to the minute: from the minutes in which its heartbeats were heard.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::Time;
use crate::db::row;
use crate::http::{Form, FromForm};

/// The longest period of one answer, in hours: a month.
const LONGEST: i64 = 744;

/// What was heard is written down every few seconds: the minute that has just ended may not be complete before.
const UNWRITTEN_SECONDS: i64 = 10;

/// Every minute of an hour.
const WHOLE: u64 = (1 << 60) - 1;

/// How far back.
#[derive(Debug)]
pub struct Recent {
    /// Hours until now.
    pub hours: i64,
}

impl FromForm for Recent {
    fn read(form: &mut Form) -> Option<Self> {
        Some(Self { hours: form.integer("hours", 1..=LONGEST).unwrap_or(24) })
    }
}

row! {
    /// An hour in which a box was heard.
    #[derive(Debug, Clone)]
    pub struct Hour {
        /// Its beginning.
        pub hour: Time,
        /// How many heartbeats.
        pub beats: i32,
        /// In which of its minutes, the first in the lowest bit.
        pub minutes: i64,
    }
}

impl Hour {
    /// The hour, counted from 1970.
    fn number(&self) -> i64 {
        self.hour.unix_seconds().div_euclid(3_600)
    }

    /// Its minutes. Of an hour that was written without them, only the hour is known.
    fn heard(&self) -> u64 {
        match self.minutes.cast_unsigned() & WHOLE {
            0 if self.beats > 0 => WHOLE,
            minutes => minutes,
        }
    }
}

/// Whether a site's box was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SpanState {
    /// It was heard.
    Online,
    /// It was not heard.
    Offline,
    /// It had never been heard before.
    Unknown,
}

/// A time in which nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Span {
    /// Its beginning.
    pub from: Time,
    /// Its end.
    pub to: Time,
    /// Whether the box was there.
    pub state: SpanState,
}

/// When a site's box was there.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub struct Availability {
    /// The beginning of the period, on a minute.
    pub from: Time,
    /// Its end: the last minute that is wholly written down.
    pub to: Time,
    /// Percent of the minutes since the first contact in which the box was heard, to two decimals; `null` while it was
    /// never heard.
    pub online_percent: Option<f64>,
    /// The period without a gap, from its beginning to its end.
    pub spans: Vec<Span>,
}

/// A period of whole minutes, counted from 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Minutes {
    from: i64,
    to: i64,
}

impl Minutes {
    /// The last hours.
    #[must_use]
    pub fn until(now: Time, hours: i64) -> Self {
        let to = (now.unix_seconds() - UNWRITTEN_SECONDS).div_euclid(60);
        Self { from: to - hours * 60, to }
    }

    /// The beginning of the hour in which the period begins.
    #[must_use]
    pub fn first_hour(self) -> Time {
        time(self.from.div_euclid(60) * 60)
    }
}

fn time(minute: i64) -> Time {
    Time::from_unix_micros(minute * 60_000_000)
}

impl Availability {
    /// Reads the hours of a period. `first`: the first hour in which the box was ever heard.
    #[must_use]
    pub fn of(hours: &[Hour], first: Option<&Hour>, period: Minutes) -> Self {
        let heard: BTreeMap<i64, u64> = hours.iter().map(|hour| (hour.number(), hour.heard())).collect();
        let contact = first.map(|first| first.number() * 60 + i64::from(first.heard().trailing_zeros()));
        let is_heard =
            |minute: i64| heard.get(&minute.div_euclid(60)).is_some_and(|bits| bits >> minute.rem_euclid(60) & 1 == 1);
        let (mut spans, mut online, mut known) = (Vec::<Span>::new(), 0_u32, 0_u32);
        for minute in period.from..period.to {
            let state = match contact {
                Some(contact) if minute >= contact && is_heard(minute) => SpanState::Online,
                Some(contact) if minute >= contact => SpanState::Offline,
                _ => SpanState::Unknown,
            };
            online += u32::from(state == SpanState::Online);
            known += u32::from(state != SpanState::Unknown);
            match spans.last_mut() {
                Some(last) if last.state == state => last.to = time(minute + 1),
                _ => spans.push(Span { from: time(minute), to: time(minute + 1), state }),
            }
        }
        let online_percent = (known > 0).then(|| percent(online, known));
        Self { from: time(period.from), to: time(period.to), online_percent, spans }
    }
}

/// To two decimals.
fn percent(part: u32, whole: u32) -> f64 {
    (f64::from(part) * 10_000.0 / f64::from(whole)).round() / 100.0
}

/// What of a day's heartbeats was heard, in the words of NeoPro 1.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Heartbeats {
    /// How many; those of an hour that lies within the day only in part, by the minutes in which they were heard.
    #[serde(rename = "heartbeats24h")]
    pub beats: i64,
    /// Percent of the day's minutes in which at least one was heard, to two decimals.
    #[serde(rename = "uptime24h")]
    pub uptime: f64,
    /// The minute of the first.
    #[serde(rename = "firstHeartbeat24h")]
    pub first: Option<Time>,
    /// When the last was heard.
    #[serde(rename = "lastHeartbeat24h")]
    pub last: Option<Time>,
}

impl Heartbeats {
    /// Counts what was heard in a period. `latest`: when the box was last heard.
    #[must_use]
    pub fn of(hours: &[Hour], latest: Option<Time>, period: Minutes) -> Self {
        let (mut beats, mut online, mut first) = (0.0, 0_u32, None);
        for hour in hours {
            let begin = hour.number() * 60;
            let within = (0..60).filter(|minute| (period.from..period.to).contains(&(begin + minute)));
            let within = within.fold(0_u64, |bits, minute| bits | 1 << minute) & hour.heard();
            if within == 0 {
                continue;
            }
            beats += f64::from(hour.beats) * f64::from(within.count_ones()) / f64::from(hour.heard().count_ones());
            online += within.count_ones();
            first = first.or_else(|| Some(time(begin + i64::from(within.trailing_zeros()))));
        }
        let minutes = u32::try_from(period.to - period.from).unwrap_or(u32::MAX);
        #[expect(clippy::cast_possible_truncation, reason = "a sum of a day's counts")]
        let beats = f64::round(beats) as i64;
        Self { beats, uptime: percent(online, minutes), first, last: latest.filter(|last| *last >= time(period.from)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noon of some day, as a minute and as an hour.
    const NOON: i64 = 20_000 * 24 * 60 + 12 * 60;

    fn hour(after_noon: i64, beats: i32, minutes: u64) -> Hour {
        Hour { hour: time(NOON + after_noon * 60), beats, minutes: minutes.cast_signed() }
    }

    fn spans(availability: &Availability) -> Vec<(i64, i64, SpanState)> {
        let minute = |time: Time| time.unix_seconds() / 60 - NOON;
        availability.spans.iter().map(|span| (minute(span.from), minute(span.to), span.state)).collect()
    }

    #[test]
    fn a_gap_is_a_gap_and_before_the_first_contact_nothing_is_known() {
        // Heard from 12:10 to 12:50 but for 12:20, the whole hour of 13, nothing at 14, and one minute of 15.
        let first = hour(0, 78, ((1 << 50) - 1) & !((1 << 10) - 1) & !(1 << 20));
        let hours = [first.clone(), hour(1, 120, WHOLE), hour(3, 2, 1)];
        let day = Availability::of(&hours, Some(&first), Minutes { from: NOON - 30, to: NOON + 200 });
        assert_eq!(
            spans(&day),
            [
                (-30, 10, SpanState::Unknown),
                (10, 20, SpanState::Online),
                (20, 21, SpanState::Offline),
                (21, 50, SpanState::Online),
                (50, 60, SpanState::Offline),
                (60, 120, SpanState::Online),
                (120, 180, SpanState::Offline),
                (180, 181, SpanState::Online),
                (181, 200, SpanState::Offline),
            ]
        );
        assert_eq!(day.online_percent, Some(52.63), "100 minutes of 190");
        // The first contact lies before the period: then a gap at its beginning is one.
        let later = Availability::of(&hours[2..], Some(&first), Minutes { from: NOON + 170, to: NOON + 181 });
        assert_eq!(spans(&later), [(170, 180, SpanState::Offline), (180, 181, SpanState::Online)]);
        assert_eq!(later.online_percent, Some(9.09));
    }

    #[test]
    fn a_box_that_was_never_heard_is_unknown_and_has_no_percentage() {
        let never = Availability::of(&[], None, Minutes { from: NOON, to: NOON + 60 });
        assert_eq!((spans(&never), never.online_percent), (vec![(0, 60, SpanState::Unknown)], None));
    }

    #[test]
    fn of_an_hour_without_its_minutes_only_the_hour_is_known() {
        let old = hour(0, 3, 0);
        let day = Availability::of(std::slice::from_ref(&old), Some(&old), Minutes { from: NOON, to: NOON + 90 });
        assert_eq!(spans(&day), [(0, 60, SpanState::Online), (60, 90, SpanState::Offline)]);
    }

    #[test]
    fn a_period_ends_with_the_last_minute_that_is_written_down() {
        let at = |seconds: i64| Minutes::until(Time::from_unix_micros((NOON * 60 + seconds) * 1_000_000), 1);
        assert_eq!(at(9), Minutes { from: NOON - 61, to: NOON - 1 });
        assert_eq!(at(10), Minutes { from: NOON - 60, to: NOON });
        assert_eq!(at(69), Minutes { from: NOON - 60, to: NOON });
        assert_eq!(at(9).first_hour(), time(NOON - 120));
        assert_eq!(at(10).first_hour(), time(NOON - 60));
    }

    #[test]
    fn heartbeats_are_counted_within_the_period() {
        let period = Minutes { from: NOON + 30, to: NOON + 90 };
        let hours = [hour(0, 120, WHOLE), hour(1, 60, (1 << 30) - 1)];
        let latest = time(NOON + 89);
        let heard = Heartbeats::of(&hours, Some(latest), period);
        assert_eq!((heard.beats, heard.uptime), (120, 100.0));
        assert_eq!((heard.first, heard.last), (Some(time(NOON + 30)), Some(latest)));
        let silent = Heartbeats::of(&[], Some(time(NOON)), period);
        assert_eq!(silent, Heartbeats { beats: 0, uptime: 0.0, first: None, last: None });
    }
}
