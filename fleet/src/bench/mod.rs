//! The load of the bench: boxes and callers in a process of their own, which speak the public contract, measure, and
//! hold what the server has stored against a ledger of what they have sent. It shares no code with the server but the
//! types of the protocol.
//!
//! Each part prints one line of JSON. `faults` is what was not as it has to be; a ledger that was made wrong on purpose
//! has to be found out as well (`controls`), or the check of that part proves nothing.

mod arrive;
mod beat;
mod boxes;
mod command;
mod deploy;
mod first;
mod fleet;
mod http;
mod ledger;
mod logins;
mod pages;
mod probe;
mod process;
mod seed;
mod times;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::time::Instant;

use http::Caller;
use process::Processes;

pub use seed::sql;

/// With how much memory, in KiB, a server is given up.
const MOST_MEMORY: f64 = 3e6;
/// How often it is looked at.
const GLANCE: Duration = Duration::from_millis(500);

/// What the bench measures, and what it needs for that.
#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Prints the SQL that makes the sites.
    Sites(Sites),
    /// The life of a fleet: it comes at once, rests, beats, gets commands and a video; each is checked.
    Fleet(fleet::Fleet),
    /// The first contact of boxes whose keys NeoPro 1 has hashed, while others beat.
    First(first::First),
    /// Logins from several callers while boxes live beside them.
    Logins(logins::Logins),
    /// The lists of sites, read by several callers while somebody changes what they show.
    Pages(pages::Pages),
    /// Asks an address again and again until the input ends, and prints how long the answers took.
    Probe(probe::Probe),
}

/// Which sites there are.
#[derive(Debug, Args)]
pub struct Sites {
    /// How many.
    #[arg(long)]
    pub count: usize,
    /// From which their ids and keys follow: letters, digits, dashes.
    #[arg(long, default_value = "bench", value_parser = crate::identity::read_seed)]
    pub seed: String,
    /// Of the first so many the key is stored as NeoPro 1 did.
    #[arg(long, default_value_t = 0)]
    pub old_keys: usize,
    /// The first so many are members of the group that the video is for.
    #[arg(long, default_value_t = 0)]
    pub members: usize,
}

/// Which server is measured. The first line of the input is the token of an administrator's session.
#[derive(Debug, Clone, Args)]
pub struct Target {
    /// Where it listens.
    #[arg(long)]
    pub server: SocketAddr,
    /// The process of the server, on this machine.
    #[arg(long)]
    pub server_pid: u32,
    /// The process that started all those of PostgreSQL, on this machine.
    #[arg(long)]
    pub database_pid: u32,
    /// From which the sites' ids and keys follow.
    #[arg(long, default_value = "bench", value_parser = crate::identity::read_seed)]
    pub seed: String,
    /// Seconds between two heartbeats of a box: the field's.
    #[arg(long, default_value_t = 30)]
    pub heartbeat: u64,
}

/// A target with what is needed to measure it.
#[derive(Debug, Clone)]
struct Measured {
    target: Target,
    token: String,
    processes: Processes,
}

impl Measured {
    async fn new(target: Target) -> Result<Self, String> {
        let mut token = String::new();
        let read = BufReader::new(tokio::io::stdin()).read_line(&mut token).await;
        read.map_err(|error| format!("The session's token: {error}."))?;
        let processes = Processes { server: target.server_pid, database: target.database_pid };
        Ok(Self { target, token: token.trim().to_owned(), processes })
    }

    /// Lets time pass. A server whose memory runs away is given up, before it takes that of everybody on the machine.
    async fn wait(&self, time: Duration) -> Result<(), String> {
        let until = Instant::now() + time;
        while Instant::now() < until {
            let resident = self.processes.resident()?;
            if resident > MOST_MEMORY {
                return Err(format!("The server has taken {resident} KiB of memory, and is given up."));
            }
            tokio::time::sleep_until(until.min(Instant::now() + GLANCE)).await;
        }
        Ok(())
    }

    /// A connection with that session.
    async fn caller(&self) -> Result<Caller, String> {
        Caller::connect(self.target.server, &self.token).await
    }
}

/// Runs a part: the line that it prints.
///
/// # Errors
/// It could not be measured.
pub async fn run(bench: Bench) -> Result<Value, String> {
    crate::allow_many_files();
    match bench {
        Bench::Sites(sites) => Ok(Value::String(sql(&sites))),
        Bench::Fleet(part) => part.run().await,
        Bench::First(part) => part.run().await,
        Bench::Logins(part) => part.run().await,
        Bench::Pages(part) => part.run().await,
        Bench::Probe(part) => part.run().await,
    }
}

/// The program that runs, for parts that need a process beside.
fn own_program() -> Result<PathBuf, String> {
    std::env::current_exe().map_err(|error| format!("Our own program is not found: {error}."))
}
