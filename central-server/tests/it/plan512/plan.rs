//! A plan's memory, imposed: a control group of the kernel where this machine lets us make one, else the limit that a
//! process can be given. Nothing else of the plan is imitated: its processor would make every other test here slow.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// The guide's free plan.
pub const MOST: u64 = 512 * 1024 * 1024;

/// Where the kernel is told of memory: version 2, and version 1.
const PLACES: [(&str, [&str; 2], &str); 2] = [
    ("/sys/fs/cgroup", ["memory.max", "memory.swap.max"], "memory.peak"),
    ("/sys/fs/cgroup/memory", ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"], "memory.max_usage_in_bytes"),
];

/// Into a file that is there: elsewhere one would be made, and limit nothing.
fn write(file: &Path, number: u64) -> std::io::Result<()> {
    File::options().write(true).open(file)?.write_all(number.to_string().as_bytes())
}

/// The limit. A group is gone when it is dropped.
#[derive(Debug)]
pub enum Plan {
    Group {
        folder: PathBuf,
        peak: &'static str,
    },
    /// Private memory that may be written, used or not: stricter than a plan in what it counts, and no page of a file.
    Process,
}

impl Plan {
    pub fn impose() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("neopro-plan-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let group = PLACES.iter().find_map(|(root, limits, peak)| {
            let folder = Path::new(root).join(&name);
            fs::create_dir(&folder).ok()?;
            let group = Self::Group { folder: folder.clone(), peak };
            // A folder that only looks like a group has no such files. The second is not there where there is no swap.
            write(&folder.join(limits[0]), MOST).ok()?;
            let _ = write(&folder.join(limits[1]), if limits[1].ends_with("swap.max") { 0 } else { MOST });
            let may_be_entered = group.below(&Command::new("true")).status().is_ok_and(|status| status.success());
            may_be_entered.then_some(group)
        });
        group.unwrap_or(Self::Process)
    }

    /// Puts a command under it, from its first instruction on.
    pub fn below(&self, command: &Command) -> Command {
        let mut below = match self {
            Self::Group { folder, .. } => {
                let mut shell = Command::new("sh");
                shell.args(["-c", "echo $$ > \"$0/cgroup.procs\" && exec \"$@\""]).arg(folder);
                shell
            }
            Self::Process => {
                let mut limited = Command::new("prlimit");
                limited.arg(format!("--data={MOST}"));
                limited
            }
        };
        below.arg(command.get_program()).args(command.get_args());
        below
    }

    /// The most that was charged to it, pages of files included, if anybody counts.
    pub fn peak(&self) -> Option<u64> {
        match self {
            Self::Group { folder, peak } => fs::read_to_string(folder.join(peak)).ok()?.trim().parse().ok(),
            Self::Process => None,
        }
    }
}

impl Drop for Plan {
    fn drop(&mut self) {
        if let Self::Group { folder, .. } = self {
            // A process of it that was killed may take a moment to be gone.
            for _ in 0..100 {
                if fs::remove_dir(&*folder).is_ok() {
                    return;
                }
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
        }
    }
}
