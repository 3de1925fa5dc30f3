//! `neopro-fleet`: simulated boxes.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use neopro_fleet::bench::{self, Bench};
use neopro_fleet::clubs::club;
use neopro_fleet::demo::Demo;
use neopro_fleet::identity::{read_seed, sites_sql};
use neopro_fleet::simulate::Simulate;
use neopro_fleet::storm::{self, Storm};
use tokio::io::AsyncReadExt as _;

/// Simulated boxes of a server of your own.
#[derive(Parser)]
#[command(version)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Prints the SQL that makes the boxes' sites.
    Sites(Fleet),
    /// Boxes connect at once, in waves, and are counted; the result is printed as JSON.
    Storm {
        #[command(flatten)]
        fleet: Fleet,
        /// Address of the server.
        #[arg(long)]
        server: SocketAddr,
        /// The number of the first box.
        #[arg(long, default_value_t = 0)]
        first: usize,
        /// Boxes of a wave.
        #[arg(long, default_value_t = 5000)]
        wave: usize,
        /// Seconds that a box waits for its answer.
        #[arg(long, default_value_t = 60)]
        patience: u64,
        /// Keeps the connections until the standard input ends, and says then how many are still there; else each
        /// wave goes before the next one comes.
        #[arg(long)]
        hold: bool,
    },
    /// Boxes live: they connect, download, report, have trouble and come back, until the standard input ends or a
    /// signal comes; what happened is printed as JSON.
    Simulate(Box<Simulate>),
    /// Prints invented clubs, a JSON line each, as the server takes new sites.
    Clubs {
        /// How many.
        count: usize,
    },
    /// Measures a server: the load of `cargo xtask bench`. Prints what it found as JSON.
    #[command(subcommand)]
    Bench(Box<Bench>),
    /// A club network on this machine with all its parts, until a signal comes: `cargo xtask demo` starts it.
    Demo(Demo),
}

#[derive(Args)]
struct Fleet {
    /// How many boxes.
    #[arg(long)]
    count: usize,
    /// From which their ids and keys follow: letters, digits, dashes.
    #[arg(long, default_value = "fleet", value_parser = read_seed)]
    seed: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Line::parse().command).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> std::io::Result<ExitCode> {
    match command {
        Command::Sites(Fleet { count, seed }) => {
            writeln!(std::io::stdout(), "{};", sites_sql(&seed, count))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Simulate(simulate) => {
            simulate.start().await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Clubs { count } => {
            for number in 0..count {
                writeln!(std::io::stdout(), "{}", serde_json::to_string(&club(number))?)?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Bench(bench) => {
            let found = bench::run(*bench).await.map_err(std::io::Error::other)?;
            match found.as_str() {
                Some(text) => writeln!(std::io::stdout(), "{text}")?,
                None => writeln!(std::io::stdout(), "{found}")?,
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Demo(demo) => demo.run().await.map(|()| ExitCode::SUCCESS).map_err(std::io::Error::other),
        Command::Storm { fleet: Fleet { count, seed }, server, first, wave, patience, hold } => {
            let storm = Storm { server, seed, first, count, wave, patience: Duration::from_secs(patience), hold };
            neopro_fleet::allow_many_files();
            let (outcome, mut kept) = storm::run(&storm).await;
            // Whoever waits for the figures reads a line.
            writeln!(std::io::stdout(), "{}", serde_json::to_string(&outcome)?)?;
            std::io::stdout().flush()?;
            if hold {
                tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
                writeln!(std::io::stdout(), "{{\"connected\":{}}}", kept.count())?;
            }
            Ok(if outcome.authenticated == count { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
    }
}
