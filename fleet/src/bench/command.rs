//! Commands: how long from a caller's request until the box has it, and whether each comes to its box, once, and to no
//! other; and whether its result is stored.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;

use super::Measured;
use super::arrive::milliseconds_each;
use super::beat::{Controls, ask_all};
use super::boxes::{Crowd, result_of};
use super::ledger::Arrival;
use super::process::Spent;
use super::times::{Times, number};
use crate::identity::identity;

/// How long is waited for what is on its way when the callers stop.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long boxes and database may take for the results.
const RESULTS: Duration = Duration::from_secs(3);
/// How many results are looked at.
const LOOKED_AT: usize = 2_000;
/// What the boxes are asked for: nothing of theirs changes by it.
const KIND: &str = "get_logs";
/// The most lines that may be asked for.
const MOST_LINES: usize = 5_000;

/// A command that a caller has sent.
#[derive(Debug, Clone)]
struct Sent {
    id: Uuid,
    /// The number that its parameters carry.
    mark: usize,
    target: usize,
    began: Instant,
}

/// What the command with this number carries, so that it is told from others.
fn parameters(mark: usize) -> Value {
    json!({ "service": "nginx", "lines": 1 + mark % MOST_LINES })
}

/// Lets callers send commands to the whole fleet for a time, each one after the other.
pub(super) async fn measure(
    measured: &Measured,
    crowd: &Crowd,
    (callers, time): (usize, Duration),
    background: Spent,
    controls: &mut Controls,
) -> Result<Value, String> {
    let marks = AtomicUsize::new(0);
    let before = measured.processes.cost()?;
    let began = Instant::now();
    let each = (0..callers).map(|_| call(measured, crowd, &marks, began + time));
    let sent: Vec<Sent> = futures_util::future::try_join_all(each).await?.into_iter().flatten().collect();
    let seconds = began.elapsed().as_secs_f64();
    let spent = measured.processes.cost()?.since(before).without(background);

    let arrivals = arrivals(crowd, sent.len()).await;
    let faults = faults(&sent, &arrivals);
    crowd.shared.ledger.faults().extend(faults);
    for wrong in wrong_ledgers(&sent, &arrivals) {
        controls.expect(&wrong);
    }
    let delivery: Times = sent.iter().filter_map(|sent| delay(sent, &arrivals)).collect();
    let checked = check_results(measured, crowd, &sent).await?;
    Ok(json!({
        "callers": callers, "sent": sent.len(), "per_second": number(sent.len()) / seconds,
        "messages_per_command": number(arrivals.values().map(Vec::len).sum()) / number(sent.len().max(1)),
        "delivery": delivery.json(), "cpu_ms": milliseconds_each(spent, sent.len().max(1)), "results_checked": checked,
    }))
}

async fn call(measured: &Measured, crowd: &Crowd, marks: &AtomicUsize, until: Instant) -> Result<Vec<Sent>, String> {
    let mut caller = measured.caller().await?;
    let mut all = Vec::new();
    while Instant::now() < until {
        let mark = marks.fetch_add(1, Ordering::Relaxed);
        // A prime walks through the fleet, both protocols in turn.
        let target = mark.wrapping_mul(7_919) % crowd.shared.ledger.members();
        let path = format!("/api/sites/{}/command", identity(&crowd.shared.seed, target).site);
        let began = Instant::now();
        let body = json!({ "command": KIND, "params": parameters(mark) });
        let answer =
            caller.send_json("POST", &path, &body).await?.json().map_err(|error| format!("POST {path}: {error}"))?;
        let id = answer["commandId"].as_str().and_then(|id| Uuid::parse_str(id).ok());
        match id.filter(|_| answer["sent"] == true && answer["queued"] == false) {
            Some(id) => all.push(Sent { id, mark, target, began }),
            None => crowd.shared.ledger.complain(format!("A command to box {target} is answered with {answer}")),
        }
    }
    Ok(all)
}

/// What has come to the boxes, once all of it has, or after a while.
async fn arrivals(crowd: &Crowd, expected: usize) -> HashMap<Uuid, Vec<Arrival>> {
    let began = Instant::now();
    while crowd.shared.ledger.commands() < expected && began.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // What comes to a wrong box, or twice, may come late.
    tokio::time::sleep(Duration::from_secs(1)).await;
    crowd.shared.ledger.take_commands()
}

fn delay(sent: &Sent, arrivals: &HashMap<Uuid, Vec<Arrival>>) -> Option<Duration> {
    let first = arrivals.get(&sent.id)?.iter().map(|arrival| arrival.at).min()?;
    Some(first.saturating_duration_since(sent.began))
}

/// What is wrong: each command has to come once, to its box, with its parameters, and nothing else may come.
fn faults(sent: &[Sent], arrivals: &HashMap<Uuid, Vec<Arrival>>) -> Vec<String> {
    let mut faults = Vec::new();
    for Sent { id, mark, target, .. } in sent {
        let came = arrivals.get(id).map(Vec::as_slice).unwrap_or_default();
        let is_right = matches!(came, [one] if one.number == *target && one.data == parameters(*mark));
        if !is_right {
            faults.push(format!("Command {mark} to box {target} came as {came:?}."));
        }
    }
    let known: std::collections::HashSet<Uuid> = sent.iter().map(|sent| sent.id).collect();
    let strangers = arrivals.iter().filter(|(id, _)| !known.contains(id));
    faults.extend(strangers.map(|(id, came)| format!("Nobody has sent {id}, which came as {came:?}.")));
    if known.len() != sent.len() {
        faults.push("Two commands have the same id.".into());
    }
    faults
}

/// What is found in ledgers that are wrong: a command for another box, one that came twice, one that nobody sent.
fn wrong_ledgers(sent: &[Sent], arrivals: &HashMap<Uuid, Vec<Arrival>>) -> Vec<Vec<String>> {
    let Some((last, rest)) = sent.split_last() else { return vec![Vec::new()] };
    let mut elsewhere = sent.to_vec();
    elsewhere[0].target += 1;
    let mut twice = arrivals.clone();
    twice.entry(last.id).and_modify(|came| came.extend(came.clone()));
    vec![faults(&elsewhere, arrivals), faults(sent, &twice), faults(rest, arrivals)]
}

/// Compares what is stored of some commands with what their boxes have answered; of how many.
async fn check_results(measured: &Measured, crowd: &Crowd, sent: &[Sent]) -> Result<usize, String> {
    tokio::time::sleep(RESULTS).await;
    let some: Vec<&Sent> = sent.iter().step_by(sent.len().div_ceil(LOOKED_AT).max(1)).collect();
    let site = |target| identity(&crowd.shared.seed, target).site;
    let paths = some.iter().map(|sent| format!("/api/sites/{}/command/{}", site(sent.target), sent.id)).collect();
    for (sent, stored) in some.iter().zip(ask_all(measured, paths).await?) {
        let result = result_of(sent.target, &parameters(sent.mark));
        let is_received = !crowd.shared.is_new(sent.target) || stored["received_at"].is_string();
        if stored["status"] != "completed" || stored["result"] != result || !is_received {
            crowd.shared.ledger.complain(format!("Box {} has answered {result}, stored is {stored}", sent.target));
        }
    }
    Ok(some.len())
}

/// A command that is sent a second time under its id is the same one: nothing more comes to the box.
pub(super) async fn repeat(measured: &Measured, crowd: &Crowd) -> Result<(), String> {
    let mut caller = measured.caller().await?;
    let id = Uuid::from_u128(0x4e65_6f50_726f_4000_8000_0000_0000_0001);
    let path = format!("/api/sites/{}/command", identity(&crowd.shared.seed, 0).site);
    let body = json!({ "command": KIND, "params": parameters(0), "commandId": id });
    for _ in 0..3 {
        let answer =
            caller.send_json("POST", &path, &body).await?.json().map_err(|error| format!("POST {path}: {error}"))?;
        if answer["commandId"] != json!(id) {
            crowd.shared.ledger.complain(format!("A repeated command is answered with {answer}"));
        }
    }
    let came = arrivals(crowd, 1).await;
    let times: usize = came.values().map(Vec::len).sum();
    if times != 1 || !came.contains_key(&id) {
        crowd.shared.ledger.complain(format!("A command that was sent three times under one id came {times} times."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_comes_once_to_its_box_and_everything_else_is_found() {
        let now = Instant::now();
        let id = Uuid::from_u128;
        let sent: Vec<Sent> =
            (0..3).map(|mark| Sent { id: id(mark as u128), mark, target: mark + 10, began: now }).collect();
        let arrival = |number: usize, mark: usize| Arrival { number, at: now, data: parameters(mark) };
        let right: HashMap<Uuid, Vec<Arrival>> =
            (0..3).map(|mark| (id(mark as u128), vec![arrival(mark + 10, mark)])).collect();
        assert_eq!(faults(&sent, &right), Vec::<String>::new());
        let with = |changed: u128, came: Vec<Arrival>| {
            let mut arrivals = right.clone();
            arrivals.insert(id(changed), came);
            faults(&sent, &arrivals).len()
        };
        assert_eq!(with(1, vec![]), 1, "lost");
        assert_eq!(with(1, vec![arrival(12, 1)]), 1, "at another box");
        assert_eq!(with(1, vec![arrival(11, 1), arrival(11, 1)]), 1, "twice");
        assert_eq!(with(1, vec![arrival(11, 2)]), 1, "with another's parameters");
        assert_eq!(with(9, vec![arrival(11, 1)]), 1, "that nobody sent");
        assert_eq!(wrong_ledgers(&sent, &right).iter().filter(|faults| faults.is_empty()).count(), 0);
    }
}
