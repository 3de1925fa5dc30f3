//! Boxes that all come at once, each with its answer.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Measured;
use super::boxes::{Answer, Crowd};
use super::probe::Probing;
use super::process::Spent;
use super::times::{Times, number};
use crate::wire::Wire;

/// How long a box waits for its answer.
const PATIENCE: Duration = Duration::from_secs(90);
/// Two rounds of what the server writes by itself: behind them the arrival has cost what it costs.
const WRITTEN: Duration = Duration::from_secs(11);

/// The connection of a box that was welcome and how long that took, `None` for one that was refused, or why it was lost.
type Outcome = Result<Option<(Box<Wire>, Duration)>, String>;

/// How the boxes were received.
#[derive(Debug, Default)]
struct Reception {
    welcome: Times,
    refused: usize,
    lost: usize,
    complaints: Vec<String>,
}

impl Reception {
    fn lose(&mut self, why: String) {
        self.lost += 1;
        if self.complaints.len() < 5 {
            self.complaints.push(why);
        }
    }
}

/// Lets boxes come at once, with a probe beside, and waits until the server has written that down. What is measured is
/// told; what failed is a fault.
pub(super) async fn wave(
    measured: &Measured,
    crowd: &mut Crowd,
    boxes: std::ops::Range<usize>,
) -> Result<Value, String> {
    let expected = boxes.len();
    let probing = Probing::start(measured.target.server).await?;
    let before = measured.processes.cost()?;
    let began = Instant::now();
    let reception = receive(crowd, boxes).await;
    let seconds = began.elapsed().as_secs_f64();
    let live = probing.end().await?;
    tokio::time::sleep(WRITTEN).await;
    let spent = measured.processes.cost()?.since(before);
    let Reception { welcome, refused, lost, complaints } = reception;
    if welcome.count() != expected {
        let told = complaints.join("; ");
        crowd.shared.ledger.complain(format!("Of {expected} boxes {refused} are refused and {lost} are lost: {told}"));
    }
    Ok(json!({
        "boxes": expected, "welcome": welcome.json(), "refused": refused, "lost": lost, "seconds": seconds,
        "live": live, "cpu_ms": milliseconds_each(spent, expected),
    }))
}

/// Lets boxes come, a thousand at once, without measuring anything.
pub(super) async fn quietly(crowd: &mut Crowd, boxes: std::ops::Range<usize>) {
    let Reception { welcome, refused, lost, complaints } = receive(crowd, boxes.clone()).await;
    if welcome.count() != boxes.len() {
        let told = complaints.join("; ");
        crowd.shared.ledger.complain(format!("{refused} boxes are refused and {lost} are lost: {told}"));
    }
}

async fn receive(crowd: &mut Crowd, boxes: std::ops::Range<usize>) -> Reception {
    let mut coming: JoinSet<(usize, Outcome)> = JoinSet::new();
    for number in boxes {
        let shared = crowd.shared.clone();
        coming.spawn(async move {
            let began = Instant::now();
            let outcome = match timeout(PATIENCE, shared.introduce(number)).await {
                Ok(Ok(Answer::Welcome(wire))) => Ok(Some((wire, began.elapsed()))),
                Ok(Ok(Answer::Refused(_))) => Ok(None),
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
            };
            (number, outcome)
        });
    }
    let mut reception = Reception::default();
    while let Some(came) = coming.join_next().await {
        match came {
            Ok((number, Ok(Some((wire, took))))) => {
                reception.welcome.add(took);
                crowd.keep(number, wire);
            }
            Ok((_, Ok(None))) => reception.refused += 1,
            Ok((number, Err(why))) => reception.lose(format!("box {number}: {why}")),
            Err(error) => reception.lose(error.to_string()),
        }
    }
    reception
}

/// Milliseconds of processor for each: of the server, of PostgreSQL.
pub(super) fn milliseconds_each(spent: Spent, count: usize) -> Value {
    let (server, database) = spent.each(number(count));
    json!({ "server": server * 1000.0, "database": database * 1000.0 })
}

/// Waits until the server says that so many sites are online.
pub(super) async fn until_online(measured: &Measured, expected: usize, patience: Duration) -> Result<(), String> {
    let mut caller = measured.caller().await?;
    let began = Instant::now();
    loop {
        let stats = caller.read("/api/sites/stats").await?;
        if stats["online"] == expected {
            return Ok(());
        }
        if began.elapsed() > patience {
            return Err(format!("{expected} boxes are connected, and the server says: {stats}"));
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}
