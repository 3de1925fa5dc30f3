//! The life of a fleet, in the order in which a server meets it. One process from beginning to end, so that the ledger
//! knows of everything that a box has ever sent.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::beat::Controls;
use super::boxes::{Crowd, Shared};
use super::ledger::Ledger;
use super::{Measured, Target, arrive, beat, command, deploy};

/// Boxes that are not of the fleet: the video is not for them.
const STRANGERS: usize = 20;
/// How long the server may take to know that all have gone.
const GONE_WITHIN: Duration = Duration::from_secs(30);

/// Which fleet, and how long its phases are.
#[derive(Debug, Args)]
pub struct Fleet {
    #[command(flatten)]
    target: Target,
    /// How many boxes. The server has twenty sites more.
    #[arg(long)]
    count: usize,
    /// Seconds that the connections are idle.
    #[arg(long, default_value_t = 30)]
    idle: u64,
    /// Seconds of heartbeats that are measured, behind a minute of them that is not.
    #[arg(long, default_value_t = 60)]
    beats: u64,
    /// Seconds of commands, of one caller and of eight; 0 sends none.
    #[arg(long, default_value_t = 8)]
    commands: u64,
    /// The video that all get; without it, none.
    #[arg(long)]
    clip: Option<PathBuf>,
}

impl Fleet {
    pub(super) async fn run(self) -> Result<Value, String> {
        let measured = Measured::new(self.target.clone()).await?;
        let ledger = Ledger::new(self.count + STRANGERS, self.count);
        let mut crowd = Crowd::new(Shared::new(&self.target, 0, ledger));
        let mut controls = Controls::default();
        let alone = measured.processes.resident()?;

        let first = arrive::wave(&measured, &mut crowd, 0..self.count).await?;
        crowd.leave().await;
        arrive::until_online(&measured, 0, GONE_WITHIN).await?;
        let again = arrive::wave(&measured, &mut crowd, 0..self.count).await?;
        arrive::until_online(&measured, self.count, GONE_WITHIN).await?;
        let connected = measured.processes.resident()?;

        let idle = beat::idle(&measured, Duration::from_secs(self.idle)).await?;
        let times = (idle, Duration::from_secs(self.beats));
        let (beats, background) = beat::measure(&measured, &crowd, times, &mut controls).await?;
        let living = measured.processes.resident()?;

        let mut commands = Vec::new();
        for callers in [1, 8].into_iter().filter(|_| self.commands > 0) {
            let load = (callers, Duration::from_secs(self.commands));
            commands.push(command::measure(&measured, &crowd, load, background, &mut controls).await?);
        }
        if self.commands > 0 {
            command::repeat(&measured, &crowd).await?;
        }
        let mut video = Value::Null;
        if let Some(clip) = &self.clip {
            arrive::quietly(&mut crowd, self.count..self.count + STRANGERS).await;
            video = deploy::measure(&measured, &crowd, clip, background, &mut controls).await?;
        }

        crowd.rest();
        tokio::time::sleep(beat::WRITTEN).await;
        let expected = if self.clip.is_some() { self.count + STRANGERS } else { self.count };
        if crowd.count() != expected {
            let left = crowd.count();
            crowd.shared.ledger.complain(format!("Of {expected} connections {left} are left."));
        }
        let checked = beat::check(&measured, &crowd, &mut controls).await?;
        crowd.leave().await;
        let faults = crowd.shared.ledger.faults();
        Ok(json!({
            "boxes": self.count,
            "arrive": { "first": first, "again": again },
            "memory_kib": { "alone": alone, "connected": connected, "living": living },
            "beat": beats, "command": commands, "deploy": video, "checked": checked,
            "controls": controls.json(), "faults": { "count": faults.count(), "first": faults.told() },
        }))
    }
}
