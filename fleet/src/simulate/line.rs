//! The command line of the simulated boxes.

use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use neopro_box::link::{Pace, Patience};
use neopro_box::net::{Address, Dialer};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::sites::read_faults;
use super::{Fault, Fleet, Journal, Rhythm, Site, Trouble, read, run, spoil, write_out};
use crate::identity::identity;

/// What `neopro-fleet simulate` is told.
#[derive(Debug, Args)]
pub struct Simulate {
    /// How many boxes: the first so many of the sites' file, or without one the first so many that
    /// `neopro-fleet sites --seed …` made.
    count: Option<usize>,
    /// Address of the server, `http://host:port`.
    #[arg(long, value_parser = read_server)]
    server: Address,
    /// File of the sites, or `-`: `{"id": …, "key": …, "fault": …}` or `id,key,fault` on each line, the fault optional.
    #[arg(long, required_unless_present = "count")]
    sites: Option<PathBuf>,
    /// How many boxes have which fault for good: `offline=N,slow=N,disk_full=N,corrupt=N`.
    #[arg(long, value_delimiter = ',', value_parser = read_faults)]
    faults: Vec<(Fault, usize)>,
    /// Prints a JSON line for each event.
    #[arg(long)]
    events: bool,
    /// From which all trouble follows, and without a file also who the boxes are.
    #[arg(long, default_value = "fleet")]
    seed: String,
    /// Probability that a box goes away, at each heartbeat.
    #[arg(long, default_value_t = 0.0, value_parser = read_probability)]
    offline: f64,
    /// The longest time that it is away, in seconds.
    #[arg(long, default_value_t = 60.0, value_parser = read_seconds)]
    away: f64,
    /// The most bytes of a second that one download gets.
    #[arg(long)]
    slow: Option<u64>,
    /// The same, for a box whose fault is that it is slow.
    #[arg(long, default_value_t = 4_000)]
    crawl: u64,
    /// Probability that there is no room, at each try of a file.
    #[arg(long, default_value_t = 0.0, value_parser = read_probability)]
    disk_full: f64,
    /// Probability that the bytes come out wrong, at each try of a file.
    #[arg(long, default_value_t = 0.0, value_parser = read_probability)]
    corrupt: f64,
    /// Probability that an acknowledged report is said once more, out of date, after the next one.
    #[arg(long, default_value_t = 0.0, value_parser = read_probability)]
    repeat: f64,
    /// Share of the boxes that report after a new connection only what was not acknowledged.
    #[arg(long, default_value_t = 0.0, value_parser = read_probability)]
    trusting: f64,
    /// Seconds between two signs of life.
    #[arg(long, default_value_t = 30.0, value_parser = read_seconds)]
    heartbeat: f64,
    /// Seconds within which the boxes come for the first time.
    #[arg(long, default_value_t = 0.0, value_parser = read_seconds)]
    spread: f64,
    /// The first wait before coming back, in seconds; each is random between it and twice it, and it doubles.
    #[arg(long, default_value_t = 5.0, value_parser = read_seconds)]
    wait: f64,
    /// The longest such wait, in seconds.
    #[arg(long, default_value_t = 60.0, value_parser = read_seconds)]
    longest_wait: f64,
    /// Seconds between two reports of a box, at least.
    #[arg(long, default_value_t = 1.0, value_parser = read_seconds)]
    report: f64,
    /// Seconds that the server may take to answer.
    #[arg(long, default_value_t = 10.0, value_parser = read_seconds)]
    patience: f64,
}

fn read_server(text: &str) -> Result<Address, &'static str> {
    Address::of_server(text).ok_or("http://host:port or https://host:port, without a path")
}

fn read_probability(text: &str) -> Result<f64, &'static str> {
    text.parse().ok().filter(|number| (0.0..=1.0).contains(number)).ok_or("a number from 0 to 1")
}

fn read_seconds(text: &str) -> Result<f64, &'static str> {
    text.parse().ok().filter(|number| (0.0..=86_400.0).contains(number)).ok_or("a number of seconds, at most a day")
}

impl Simulate {
    /// Lets the boxes live until the standard input ends or a signal comes, and prints what happened as JSON.
    ///
    /// # Errors
    /// The sites cannot be read, or the output not be written.
    pub async fn start(self) -> io::Result<()> {
        let sites = self.read_sites()?;
        // Whoever waits for the end of the input must not have used it for the sites.
        let input_ended = if self.reads_input() { None } else { Some(end_of_input()) };
        let (journal, lines) = match self.events {
            true => {
                let (journal, lines) = Journal::telling(sites.len());
                (journal, Some(lines))
            }
            false => (Journal::silent(sites.len()), None),
        };
        let stop = told_to_stop(input_ended)?;
        let (fleet, writing) = (self.fleet(journal)?, async {
            match lines {
                Some(lines) => write_out(lines).await,
                None => Ok(()),
            }
        });
        // The journal closes with the fleet, and only then everything is written.
        let living = async { io::Result::Ok(run(fleet, sites, stop).await) };
        let (summary, ()) = tokio::try_join!(living, writing)?;
        let mut out = io::stdout();
        writeln!(out, "{}", serde_json::to_string(&summary)?)?;
        out.flush()
    }

    fn reads_input(&self) -> bool {
        self.sites.as_ref().is_some_and(|file| file.as_os_str() == "-")
    }

    fn read_sites(&self) -> io::Result<Vec<Site>> {
        let mut sites = match &self.sites {
            None => (0..self.count.unwrap_or_default()).map(|number| Site::of(identity(&self.seed, number))).collect(),
            Some(file) => {
                let mut text = String::new();
                if self.reads_input() {
                    io::stdin().read_to_string(&mut text)?;
                } else {
                    text = std::fs::read_to_string(file)?;
                }
                read(&text).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?
            }
        };
        sites.truncate(self.count.unwrap_or(usize::MAX));
        spoil(&mut sites, &self.faults);
        Ok(sites)
    }

    fn fleet(self, journal: Journal) -> io::Result<Fleet> {
        let seconds = Duration::from_secs_f64;
        let heartbeat = seconds(self.heartbeat.max(0.01));
        Ok(Fleet {
            server: self.server,
            dialer: Dialer::new().map_err(io::Error::other)?,
            rhythm: Rhythm {
                spread: seconds(self.spread),
                heartbeat,
                report: seconds(self.report),
                progress: Duration::from_secs(2).min(heartbeat),
                come_back: Pace { first: seconds(self.wait), longest: seconds(self.longest_wait) },
                refused: Pace::REFUSED,
                patience: Patience { answer: seconds(self.patience), ..Patience::FIELD },
            },
            trouble: Trouble {
                seed: self.seed,
                offline: self.offline,
                away: seconds(self.away),
                disk_full: self.disk_full,
                corrupt: self.corrupt,
                repeat: self.repeat,
                trusting: self.trusting,
            },
            slow: self.slow,
            crawl: self.crawl,
            journal,
            began: Instant::now(),
        })
    }
}

/// Comes with the end of the standard input. A thread of its own: unlike a task of the runtime it may be left behind
/// in the middle of a read.
fn end_of_input() -> oneshot::Receiver<()> {
    let (tell, told) = oneshot::channel();
    std::thread::spawn(move || {
        if let Err(error) = io::copy(&mut io::stdin(), &mut io::sink()) {
            eprintln!("the standard input cannot be read: {error}");
        }
        // Nobody may be waiting any more.
        let _ = tell.send(());
    });
    told
}

fn told_to_stop(input_ended: Option<oneshot::Receiver<()>>) -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        let input_ended = async {
            match input_ended {
                Some(ended) => ended.await.unwrap_or(()),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = input_ended => {}
        }
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use uuid::Uuid;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        simulate: Simulate,
    }

    fn sites(words: &[&str]) -> Vec<Site> {
        let line = ["simulate", "--server", "http://127.0.0.1:3001"].iter().chain(words);
        Line::try_parse_from(line).unwrap_or_else(|error| panic!("{error}")).simulate.read_sites().expect("sites")
    }

    #[test]
    fn without_a_list_the_boxes_are_those_of_the_seed() {
        let sites = sites(&["20", "--seed", "demo", "--faults", "slow=1,offline=3"]);
        let expected: Vec<Uuid> = (0..20).map(|number| identity("demo", number).site).collect();
        assert_eq!(sites.iter().map(|site| site.id).collect::<Vec<_>>(), expected);
        assert_eq!(sites.iter().filter(|site| site.fault.is_some()).count(), 4);
    }

    #[test]
    fn a_list_or_a_number_is_needed() {
        let line = ["simulate", "--server", "http://127.0.0.1:3001"];
        assert!(Line::try_parse_from(line).is_err_and(|error| error.to_string().contains("--sites")));
    }
}
