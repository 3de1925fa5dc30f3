//! What the server and PostgreSQL have cost so far, as the kernel counts it.

use std::fs;
use std::time::Instant;

/// The measured processes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Processes {
    pub server: u32,
    /// The parent of all those of PostgreSQL.
    pub database: u32,
}

/// Seconds of processor since the processes were started, and when that was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    pub server: f64,
    pub database: f64,
    at: Instant,
}

/// What something has cost.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Spent {
    pub server: f64,
    pub database: f64,
    pub seconds: f64,
}

/// Ticks of a second: what Linux shows programs, on every machine.
const TICKS: f64 = 100.0;

impl Processes {
    /// What they have cost until now. PostgreSQL is all its processes: those that run, and those that have ended, whose
    /// time their parent has taken over.
    pub fn cost(self) -> Result<Cost, String> {
        let server = stat(self.server).ok_or("The server is gone.")?;
        let parent = stat(self.database).ok_or("PostgreSQL is gone.")?;
        let folders = fs::read_dir("/proc").map_err(|error| format!("/proc: {error}."))?;
        let pids = folders.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let children: u64 = pids.filter_map(stat).filter(|it| it.parent == self.database).map(|it| it.own).sum();
        let database = parent.own + parent.ended + children;
        Ok(Cost { server: seconds(server.own), database: seconds(database), at: Instant::now() })
    }

    /// The server's resident memory, in KiB.
    pub fn resident(self) -> Result<f64, String> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.server)).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        kibibytes.ok_or_else(|| "The server's memory cannot be read.".into())
    }
}

impl Cost {
    /// What it has cost from an earlier moment to this one.
    pub fn since(self, earlier: Self) -> Spent {
        Spent {
            server: self.server - earlier.server,
            database: self.database - earlier.database,
            seconds: self.at.duration_since(earlier.at).as_secs_f64(),
        }
    }
}

impl Spent {
    /// The same without what another time has shown to be spent anyhow in each second.
    pub fn without(self, background: Self) -> Self {
        let share = if background.seconds > 0.0 { self.seconds / background.seconds } else { 0.0 };
        Self {
            server: (self.server - background.server * share).max(0.0),
            database: (self.database - background.database * share).max(0.0),
            seconds: self.seconds,
        }
    }

    /// For each of so many: seconds of the server and of PostgreSQL.
    pub fn each(self, count: f64) -> (f64, f64) {
        (self.server / count, self.database / count)
    }
}

fn seconds(ticks: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let ticks = ticks as f64;
    ticks / TICKS
}

/// What the kernel says of a process.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    /// Ticks of its own.
    own: u64,
    /// Ticks of its children that have ended.
    ended: u64,
}

fn stat(pid: u32) -> Option<Stat> {
    read(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Reads a line of proc_pid_stat(5). The name stands in brackets and may hold spaces and brackets.
fn read(line: &str) -> Option<Stat> {
    let fields: Vec<&str> = line.rsplit_once(')')?.1.split_whitespace().collect();
    // The first of these is field 3 of the manual: the state.
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    Some(Stat { parent: u32::try_from(field(4)?).ok()?, own: field(14)? + field(15)?, ended: field(16)? + field(17)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_says_is_read_whatever_a_process_is_called() {
        let line = "42 (a) b (c) S 7 42 42 0 -1 4194560 1 2 3 4 500 60 700 80 20 0 1 0 9 1 1";
        assert_eq!(read(line), Some(Stat { parent: 7, own: 560, ended: 780 }));
        assert_eq!(read("42 (a"), None);
    }

    #[test]
    fn our_own_work_is_seen() {
        let me = std::process::id();
        let processes = Processes { server: me, database: me };
        let before = processes.cost().expect("a cost");
        let began = Instant::now();
        let mut waste = 0_u64;
        while began.elapsed().as_millis() < 120 {
            waste = waste.wrapping_mul(31).wrapping_add(7);
        }
        let spent = processes.cost().expect("a cost").since(before);
        assert!(spent.server > 0.0 && spent.seconds >= 0.12, "{spent:?} {waste}");
        assert!(processes.resident().expect("memory") > 1000.0);
    }

    #[test]
    fn what_is_spent_anyhow_is_taken_off_by_its_share_of_the_time() {
        let spent = Spent { server: 3.0, database: 1.0, seconds: 20.0 };
        let background = Spent { server: 1.0, database: 9.0, seconds: 10.0 };
        assert_eq!(spent.without(background), Spent { server: 1.0, database: 0.0, seconds: 20.0 });
        assert_eq!(spent.without(Spent::default()), spent);
    }
}
