//! Heartbeats at the field's cadence: what they cost, and whether the server has noted each of them in time.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::Measured;
use super::arrive::milliseconds_each;
use super::boxes::{Crowd, MIRROR_BEATS};
use super::ledger::{Ledger, Record};
use super::process::Spent;
use super::seed::mirror_shown;
use super::times::number;
use crate::identity::identity;

/// How old what is stored may be, in milliseconds.
const IN_TIME: i64 = 10_000;
/// After which nothing of the last heartbeat is under way any more.
pub(super) const WRITTEN: Duration = Duration::from_secs(11);
/// How many callers look at what is stored.
const CALLERS: usize = 8;
/// How often the last signs of life are compared, each time at another part of the time between two heartbeats.
const LOOKS: u32 = 3;
/// How many mirrors are compared whole.
const MIRRORS: usize = 200;
/// Sites of one page.
const PAGE: usize = 1_000;

/// Controls: ledgers made wrong on purpose, and how many of them were found out.
#[derive(Debug, Default)]
pub(super) struct Controls {
    of: usize,
    found: usize,
}

impl Controls {
    /// A check of a wrong ledger has to find faults.
    pub fn expect(&mut self, faults: &[String]) {
        self.of += 1;
        self.found += usize::from(!faults.is_empty());
    }

    pub fn json(&self) -> Value {
        json!({ "of": self.of, "found": self.found })
    }
}

/// What the connections cost while the boxes do nothing.
pub(super) async fn idle(measured: &Measured, time: Duration) -> Result<Spent, String> {
    let before = measured.processes.cost()?;
    measured.wait(time).await?;
    Ok(measured.processes.cost()?.since(before))
}

/// Lets the boxes beat. Their first heartbeats bring their mirrors with them, and are not measured.
pub(super) async fn measure(
    measured: &Measured,
    crowd: &Crowd,
    (idle, time): (Spent, Duration),
    controls: &mut Controls,
) -> Result<(Value, Spent), String> {
    crowd.beat();
    let warm_up = crowd.shared.heartbeat.as_secs_f64() * (number(MIRROR_BEATS) + 1.0);
    measured.wait(Duration::from_secs_f64(warm_up)).await?;
    let (first, before) = (count(&crowd.shared.ledger), measured.processes.cost()?);
    measured.wait(time).await?;
    let (last, after) = (count(&crowd.shared.ledger), measured.processes.cost()?);
    let (beats, spent) = (last - first, after.since(before));
    for _ in 0..LOOKS {
        look(measured, crowd, controls).await?;
        measured.wait(crowd.shared.heartbeat / (2 * LOOKS)).await?;
    }
    let thousands = number(beats) / 1_000.0;
    let pair = |(server, database): (f64, f64)| json!({ "server": server, "database": database });
    let figures = json!({
        "beats": beats, "seconds": spent.seconds,
        "cpu_s_per_1000": pair(spent.without(idle).each(thousands)),
        "with_idle_s_per_1000": pair(spent.each(thousands)),
        "idle_s_per_minute": pair((idle.server * 60.0 / idle.seconds, idle.database * 60.0 / idle.seconds)),
        "cpu_ms_per_box_and_minute": milliseconds_each(spent, crowd_minutes(crowd, spent)),
    });
    Ok((figures, spent))
}

/// Boxes, times minutes, rounded down.
fn crowd_minutes(crowd: &Crowd, spent: Spent) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, and small")]
    let minutes = (number(crowd.shared.ledger.members()) * spent.seconds / 60.0) as usize;
    minutes.max(1)
}

fn count(ledger: &Ledger) -> usize {
    (0..ledger.count()).map(|box_number| ledger.of(box_number).beats.len()).sum()
}

/// Compares what is stored of the last signs of life with what was sent.
async fn look(measured: &Measured, crowd: &Crowd, controls: &mut Controls) -> Result<(), String> {
    let ledger = &crowd.shared.ledger;
    let numbers = numbers(&crowd.shared.seed, ledger.count());
    let mut caller = measured.caller().await?;
    for page in 1..=ledger.count().div_ceil(PAGE) {
        let asked = neopro_box::clock::unix_millis();
        let list = caller.read(&format!("/api/sites?limit={PAGE}&page={page}")).await?;
        let answered = neopro_box::clock::unix_millis();
        let rows = list["data"].as_array().ok_or("A page of sites has no rows.")?;
        if rows.is_empty() {
            ledger.complain(format!("Page {page} of the sites is empty."));
        }
        for row in rows {
            let id = row["id"].as_str().and_then(|id| Uuid::parse_str(id).ok());
            let Some(box_number) = id.and_then(|id| numbers.get(&id).copied()) else {
                ledger.complain(format!("There is a site that nobody made: {row}"));
                continue;
            };
            let stored = row["last_seen_at"].as_str().and_then(milliseconds);
            let record = ledger.of(box_number).clone();
            if let Some(fault) = last_seen_fault(&record, stored, (asked, answered)) {
                ledger.complain(format!("Box {box_number}: {fault}"));
            }
            if let (0, Some(seen)) = (box_number, stored) {
                // As if it had beaten long before, and just after what is known of it.
                let wrong = Record { beats: vec![seen - 2 * IN_TIME, seen + 1], ..record };
                controls.expect(&last_seen_fault(&wrong, stored, (asked, answered)).into_iter().collect::<Vec<_>>());
            }
        }
    }
    Ok(())
}

/// What is wrong with a stored sign of life, for a question that was asked and answered at these moments: every heartbeat
/// is to be known within the ten seconds, and what is known is to be one of them.
fn last_seen_fault(record: &Record, stored: Option<i64>, (asked, answered): (i64, i64)) -> Option<String> {
    let due = record.beats.iter().copied().filter(|beat| *beat <= asked - IN_TIME).max()?;
    let Some(stored) = stored else { return Some(format!("beat at {due}, and was never seen")) };
    let is_a_beat = record.beats.iter().any(|beat| (0..=IN_TIME).contains(&(stored - beat)));
    (stored < due || stored > answered || !is_a_beat).then(|| {
        format!("was seen at {stored}, and beat at {due}; asked at {asked}, all its beats: {:?}", record.beats)
    })
}

/// Once all is written: every heartbeat is counted, once, and the mirrors are what was sent.
pub(super) async fn check(measured: &Measured, crowd: &Crowd, controls: &mut Controls) -> Result<Value, String> {
    let ledger = &crowd.shared.ledger;
    let site = |box_number: usize| identity(&crowd.shared.seed, box_number).site;
    let records = ledger.records();
    let paths = (0..records.len()).map(|box_number| format!("/api/sites/{}/metrics?hours=3", site(box_number)));
    let answers = ask_all(measured, paths.collect()).await?;
    let stored: Vec<i64> = answers.iter().map(stored_beats).collect();
    let sent: Vec<usize> = records.iter().map(|record| record.beats.len()).collect();
    ledger.faults().extend(count_faults(&sent, &stored));
    let mut wrong = sent.clone();
    wrong[0] += 1;
    controls.expect(&count_faults(&wrong, &stored));

    let step = (records.len() / MIRRORS).max(1);
    let looked_at: Vec<usize> = (0..records.len()).step_by(step).filter(|it| records[*it].has_mirrored).collect();
    let paths = looked_at.iter().map(|it| format!("/api/sites/{}/local-content", site(*it))).collect();
    let mirrors = ask_all(measured, paths).await?;
    for (box_number, mirror) in looked_at.iter().zip(&mirrors) {
        let is_right = |number: usize| {
            mirror_shown(number).is_ok_and(|shown| mirror["configuration"] == shown)
                && mirror["configHash"] == format!("{number:016x}")
        };
        if !is_right(*box_number) {
            ledger.complain(format!("The mirror of box {box_number} is another one."));
        }
        if *box_number == 0 {
            controls.expect(&if is_right(1) { vec![] } else { vec!["another box's mirror".to_owned()] });
        }
    }
    let open: usize = records.iter().map(|record| record.unanswered).sum();
    if open > 0 {
        ledger.complain(format!("{open} reports and results are not acknowledged."));
    }
    Ok(json!({ "heartbeats": sent.iter().sum::<usize>(), "mirrors": looked_at.len() }))
}

/// The heartbeats of an answer: behind the latest by itself stand the sums of the hours.
fn stored_beats(answer: &Value) -> i64 {
    let rows = answer["metrics"].as_array().map(Vec::as_slice).unwrap_or_default();
    rows.iter().skip(1).filter_map(|row| row["beats"].as_i64()).sum()
}

fn count_faults(sent: &[usize], stored: &[i64]) -> Vec<String> {
    let pairs = sent.iter().zip(stored).enumerate();
    let wrong = pairs.filter(|(_, (sent, stored))| i64::try_from(**sent).ok() != Some(**stored));
    wrong
        .map(|(number, (sent, stored))| format!("Box {number} has sent {sent} heartbeats, {stored} are stored."))
        .collect()
}

/// The answers of many addresses, in their order.
pub(super) async fn ask_all(measured: &Measured, paths: Vec<String>) -> Result<Vec<Value>, String> {
    let each = paths.chunks(paths.len().div_ceil(CALLERS).max(1)).map(|some| async move {
        let mut caller = measured.caller().await?;
        let mut answers = Vec::with_capacity(some.len());
        for path in some {
            answers.push(caller.read(path).await?);
        }
        Ok::<_, String>(answers)
    });
    Ok(futures_util::future::try_join_all(each).await?.into_iter().flatten().collect())
}

/// The numbers of sites by their ids.
fn numbers(seed: &str, count: usize) -> HashMap<Uuid, usize> {
    (0..count).map(|number| (identity(seed, number).site, number)).collect()
}

/// The milliseconds of a moment of RFC 3339.
fn milliseconds(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(beats: &[i64]) -> Record {
        Record { beats: beats.to_vec(), ..Record::default() }
    }

    #[test]
    fn a_heartbeat_is_to_be_known_within_ten_seconds_and_no_other_is() {
        let beats = record(&[30_000, 60_000]);
        let fault = |stored, asked| last_seen_fault(&beats, stored, (asked, asked + 50));
        assert_eq!(fault(Some(60_003), 90_000), None);
        assert_eq!(fault(Some(30_003), 69_999), None, "the second is not due yet");
        assert_eq!(fault(Some(60_003), 69_999), None, "and may be known");
        assert_eq!(fault(None, 39_999), None);
        assert!(fault(Some(30_003), 70_000).is_some(), "late");
        assert!(fault(None, 70_000).is_some(), "never");
        assert!(fault(Some(75_000), 90_000).is_some(), "no beat is as young as that");
        assert!(fault(Some(91_000), 90_000).is_some(), "of the future");
        assert_eq!(milliseconds("1970-01-01T00:01:00.123456Z"), Some(60_123));
    }

    #[test]
    fn every_heartbeat_counts_once() {
        let stored = |beats: &[i64]| {
            let rows: Vec<Value> = beats.iter().map(|beats| json!({ "beats": beats })).collect();
            stored_beats(&json!({ "metrics": rows }))
        };
        assert_eq!([stored(&[]), stored(&[1]), stored(&[1, 7, 5])], [0, 0, 12]);
        assert_eq!(count_faults(&[12, 0], &[12, 0]), Vec::<String>::new());
        assert_eq!(count_faults(&[12, 1], &[11, 2]).len(), 2);
    }
}
