//! What the system knows of this process, under the names that every client of Prometheus gives it.

use std::fs;

use rustix::process::{Resource, getrlimit};

use super::page::{Kind, Page, float};
use crate::clock::Time;

/// Linux counts processor time for programs in hundredths of a second, whatever it does inside.
const TICKS_PER_SECOND: f64 = 100.0;

/// Figures of this process; what cannot be read is left out.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Process {
    /// Seconds of processor time.
    pub cpu_seconds: Option<f64>,
    /// Bytes of memory in use.
    pub resident_bytes: Option<u64>,
    /// Bytes of address space.
    pub virtual_bytes: Option<u64>,
    /// Threads.
    pub threads: Option<u64>,
    /// Open files, connections included.
    pub open_files: Option<u64>,
}

impl Process {
    /// Reads them.
    #[must_use]
    pub fn read() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let open_files = fs::read_dir("/proc/self/fd").ok().map(|files| files.count() as u64);
        Self { open_files, ..Self::of(&status, &stat) }
    }

    fn of(status: &str, stat: &str) -> Self {
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim_start_matches(':').split_whitespace().next()?.parse::<u64>().ok()
        };
        // The name of the program stands in brackets and may hold anything.
        let times = stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect::<Vec<_>>());
        let ticks = |at: usize| times.as_ref().and_then(|fields| fields.get(at)?.parse::<f64>().ok());
        Self {
            cpu_seconds: ticks(11).zip(ticks(12)).map(|(user, system)| (user + system) / TICKS_PER_SECOND),
            resident_bytes: field("VmRSS").map(|kilobytes| kilobytes * 1_024),
            virtual_bytes: field("VmSize").map(|kilobytes| kilobytes * 1_024),
            threads: field("Threads"),
            open_files: None,
        }
    }

    pub(super) fn write(self, page: &mut Page, began: Time) {
        let Self { cpu_seconds, resident_bytes, virtual_bytes, threads, open_files } = self;
        if let Some(seconds) = cpu_seconds {
            page.family(Kind::Counter, "process_cpu_seconds_total", "Processor time of this process.")
                .sample(&[], seconds);
        }
        let most = getrlimit(Resource::Nofile).current;
        for (name, help, value) in [
            ("process_resident_memory_bytes", "Memory in use.", resident_bytes),
            ("process_virtual_memory_bytes", "Address space.", virtual_bytes),
            ("process_threads", "Threads.", threads),
            ("process_open_fds", "Open files, connections included.", open_files),
            ("process_max_fds", "Files that may be open at the same time.", most),
        ] {
            if let Some(value) = value {
                page.gauge(name, help, float(value));
            }
        }
        // One that is worked out anew each time would differ by a second now and then, and look like a restart.
        let began = began.unix_seconds();
        page.gauge(
            "process_start_time_seconds",
            "When the process began, since 1970.",
            float(began.try_into().unwrap_or(0)),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_words_are_read() {
        let status = "Name:\tx\nVmSize:\t  2048 kB\nVmRSS:\t 1024 kB\nThreads:\t7\n";
        let stat = "42 (neo) pro) S 1 42 42 0 -1 4194560 5 0 0 0 150 50 0 0 20 0 7 0 1";
        let process = Process::of(status, stat);
        assert_eq!((process.resident_bytes, process.virtual_bytes), (Some(1 << 20), Some(2 << 20)));
        assert_eq!((process.threads, process.cpu_seconds), (Some(7), Some(2.0)));
        assert_eq!(Process::of("", ""), Process::default());
        assert!(Process::read().open_files.is_some_and(|files| files > 2), "of this very process");
    }
}
