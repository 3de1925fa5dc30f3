//! The first contact of boxes whose keys NeoPro 1 has hashed slowly, while others live beside them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::beat::Controls;
use super::boxes::{Answer, Crowd, Shared};
use super::ledger::Ledger;
use super::probe::Probing;
use super::times::Times;
use super::{Measured, Target, arrive, beat};
use crate::wire::Wire;

/// How long all of them may take.
const PATIENCE: Duration = Duration::from_secs(180);
/// How agents of the field come back: after five seconds, twice as long after each failure, half more or less by chance.
const COMES_BACK: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(30);

/// Which boxes.
#[derive(Debug, Args)]
pub struct First {
    #[command(flatten)]
    target: Target,
    /// How many boxes of NeoPro 1 come; theirs are the first sites.
    #[arg(long, default_value_t = 500)]
    old: usize,
    /// How many others live beside them.
    #[arg(long, default_value_t = 1_000)]
    beside: usize,
}

/// A box that has come at last.
struct Came {
    number: usize,
    wire: Option<Box<Wire>>,
    took: Duration,
    /// How many connections it has needed.
    connections: usize,
}

impl First {
    pub(super) async fn run(self) -> Result<Value, String> {
        let measured = Measured::new(self.target.clone()).await?;
        let all = self.old + self.beside;
        let mut crowd = Crowd::new(Shared::new(&self.target, self.old, Ledger::new(all, all)));
        let heartbeat = crowd.shared.heartbeat;
        let mut controls = Controls::default();
        arrive::quietly(&mut crowd, self.old..all).await;
        crowd.beat();
        tokio::time::sleep(heartbeat + Duration::from_secs(5)).await;

        let probing = Probing::start(self.target.server).await?;
        let before = measured.processes.cost()?;
        let began = Instant::now();
        let mut coming: JoinSet<Came> = (0..self.old).map(|number| come(crowd.shared.clone(), number)).collect();
        let (mut welcome, mut connections) = (Times::default(), 0);
        while let Some(came) = coming.join_next().await {
            let came = came.map_err(|error| format!("A box: {error}."))?;
            connections += came.connections;
            match came.wire {
                Some(wire) => {
                    welcome.add(came.took);
                    crowd.keep(came.number, wire);
                }
                None => crowd.shared.ledger.complain(format!("Box {} is never welcomed.", came.number)),
            }
        }
        let seconds = began.elapsed().as_secs_f64();
        let spent = measured.processes.cost()?.since(before);
        let live = probing.end().await?;

        tokio::time::sleep(heartbeat + Duration::from_secs(5)).await;
        crowd.rest();
        tokio::time::sleep(beat::WRITTEN).await;
        let checked = beat::check(&measured, &crowd, &mut controls).await?;
        let left = crowd.count();
        if left != all {
            crowd.shared.ledger.complain(format!("Of {all} connections {left} are left."));
        }
        crowd.leave().await;
        let faults = crowd.shared.ledger.faults();
        Ok(json!({
            "old": self.old, "beside": self.beside, "seconds": seconds, "welcome": welcome.json(),
            "connections": connections, "cpu_s": { "server": spent.server, "database": spent.database },
            "live": live, "checked": checked,
            "controls": controls.json(), "faults": { "count": faults.count(), "first": faults.told() },
        }))
    }
}

/// Comes, and comes back as agents do until it is welcome. A refusal would end an agent for good.
async fn come(shared: Arc<Shared>, number: usize) -> Came {
    let began = Instant::now();
    let (mut connections, mut wait) = (0, COMES_BACK);
    while began.elapsed() < PATIENCE {
        connections += 1;
        match shared.introduce(number).await {
            Ok(Answer::Welcome(wire)) => return Came { number, wire: Some(wire), took: began.elapsed(), connections },
            Ok(Answer::Refused(why)) => {
                shared.ledger.complain(format!("Box {number} is refused: {why}"));
                break;
            }
            // The server has closed it: not now.
            Err(_) => {
                let chance = 0.5 + f64::from(u32::try_from(number * 7_919 % 1_000).unwrap_or_default()) / 1_000.0;
                tokio::time::sleep(wait.mul_f64(chance)).await;
                wait = (wait * 2).min(LONGEST);
            }
        }
    }
    Came { number, wire: None, took: began.elapsed(), connections }
}
