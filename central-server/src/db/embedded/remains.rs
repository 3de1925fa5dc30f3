//! What an earlier run left behind: finding the processes of a postmaster that outlived its server
//! (or of its backends that outlived it), and ending them and nobody else.
//!
//! A number in `postmaster.pid` proves nothing, it may be somebody else's by now. A process is ours
//! if it is PostgreSQL, belongs to the database user and works in our folder.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::error::EmbeddedError;
use super::folders::DataFolder;
use super::machine::{Machine, Orphaned};

/// How long a postmaster may take for a clean shutdown, which writes everything to its files.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// How long backends without a postmaster may take: nothing that they still do is worth waiting for.
const PATIENCE_WITH_BACKENDS: Duration = Duration::from_secs(3);

/// How long anything may take to go after SIGQUIT, at which PostgreSQL drops everything.
pub(super) const PATIENCE_AFTER_QUIT: Duration = Duration::from_secs(10);

/// What a running postmaster writes into `postmaster.pid`.
#[derive(Debug, PartialEq)]
pub(super) struct PidFile {
    /// Its process.
    pub(super) process: u32,
    /// The folder of its socket.
    pub(super) socket_folder: Option<PathBuf>,
    /// Whether it takes connections.
    pub(super) is_ready: bool,
}

impl PidFile {
    /// Reads the file of a PostgreSQL data folder; `None` if there is none, or only half of one.
    pub(super) fn read(cluster: &Path) -> Option<Self> {
        Self::parse(&fs::read(cluster.join("postmaster.pid")).ok()?)
    }

    /// Lines: process, data folder, start time, port, socket folder, TCP address, shared memory,
    /// state.
    fn parse(content: &[u8]) -> Option<Self> {
        let mut lines = content.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
        let process = std::str::from_utf8(lines.next()?).ok()?.parse().ok()?;
        let socket_folder = lines.nth(3).filter(|line| !line.is_empty());
        let state = lines.nth(2);
        Some(Self {
            process,
            socket_folder: socket_folder.map(|folder| PathBuf::from(OsStr::from_bytes(folder))),
            is_ready: state == Some(b"ready"),
        })
    }
}

/// Ends whatever still runs in the data folder and says how many processes that were. On return
/// nothing runs there, and no stale file keeps the next postmaster from starting.
///
/// To be called with the data folder's lock held: then no other server has a right to a process
/// in it.
pub(super) fn clear(machine: &Machine, folder: &DataFolder) -> Result<usize, EmbeddedError> {
    let began = Instant::now();
    let mut sent: HashMap<u32, &'static str> = HashMap::new();
    let mut postmaster = None;
    loop {
        let running = processes(machine, folder);
        if running.is_empty() {
            break;
        }
        // It removes the file a moment before it ends, and stays the postmaster for that moment.
        let recorded = PidFile::read(&folder.cluster()).map(|file| file.process);
        postmaster = recorded.or(postmaster).filter(|process| running.contains(process));
        let patience = if postmaster.is_some() { PATIENCE } else { PATIENCE_WITH_BACKENDS };
        let is_polite = began.elapsed() < patience;
        for &process in &running {
            let signal = match postmaster {
                // Its children leave with it.
                Some(postmaster) if postmaster != process => continue,
                Some(_) if is_polite => "INT",
                None if is_polite => "TERM",
                _ => "QUIT",
            };
            if sent.insert(process, signal) != Some(signal) {
                tracing::warn!(process, signal, "ending a PostgreSQL process of an earlier run");
                send(machine, process, signal);
            }
        }
        if began.elapsed() > patience + PATIENCE_AFTER_QUIT {
            return Err(EmbeddedError::Stuck { folder: folder.cluster(), processes: running });
        }
        thread::sleep(Duration::from_millis(3));
    }
    remove_stale_pid_file(&folder.cluster())?;
    Ok(sent.len())
}

/// Sends a signal as the database user: so not even a mistake could reach a process of anybody
/// else. The shell does it, because it always has `kill`, and a small machine may have no program
/// of that name.
pub(super) fn send(machine: &Machine, process: u32, signal: &str) {
    let mut kill = machine.command("sh", Orphaned::IsKilled);
    kill.arg("-c").arg(format!("kill -s {signal} {process}"));
    // A process that went by itself in the meantime is no failure.
    let _ = kill.stdout(Stdio::null()).stderr(Stdio::null()).status();
}

/// PostgreSQL refuses to start if the number in its old file is in use again by any process of the
/// same user, for example by another database of this machine.
fn remove_stale_pid_file(cluster: &Path) -> Result<(), EmbeddedError> {
    let path = cluster.join("postmaster.pid");
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(EmbeddedError::io("de supprimer le fichier", &path)(error))
        }
        _ => Ok(()),
    }
}

/// The PostgreSQL processes that work in the folder, complete or not.
fn processes(machine: &Machine, folder: &DataFolder) -> Vec<u32> {
    if Path::new("/proc/self/cwd").exists() { processes_by_proc(machine, folder) } else { processes_by_ps(folder) }
}

fn processes_by_proc(machine: &Machine, folder: &DataFolder) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|process| {
            let proc = PathBuf::from(format!("/proc/{process}"));
            // The cheap questions first; a process that ends while we ask is none.
            fs::metadata(&proc).is_ok_and(|facts| facts.uid() == machine.database_uid())
                && fs::read(proc.join("comm")).is_ok_and(|name| name == b"postgres\n")
                && working_folder(machine, &proc).is_some_and(|cwd| folder.is_cluster(&cwd))
        })
        .collect()
}

fn working_folder(machine: &Machine, proc: &Path) -> Option<PathBuf> {
    let link = proc.join("cwd");
    match fs::read_link(&link) {
        // Root in a container may not look into another user's process; that user may.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let mut readlink = machine.command("readlink", Orphaned::IsKilled);
            let answer = readlink.arg(&link).stderr(Stdio::null()).output().ok()?;
            let path = answer.stdout.strip_suffix(b"\n")?;
            Some(PathBuf::from(OsStr::from_bytes(path)))
        }
        answer => answer.ok(),
    }
}

/// Where there is no `/proc`, a postmaster is known by the folder in its command line and its
/// backends by our mark in their titles.
fn processes_by_ps(folder: &DataFolder) -> Vec<u32> {
    let Ok(answer) = Command::new("ps").args(["-axww", "-o", "pid=,command="]).output() else {
        return Vec::new();
    };
    let answer = String::from_utf8_lossy(&answer.stdout);
    answer.lines().filter_map(|line| ours_in_ps(line, folder)).collect()
}

fn ours_in_ps(line: &str, folder: &DataFolder) -> Option<u32> {
    let (process, command) = line.trim_start().split_once(' ')?;
    let works_in = |cluster: &str| {
        let cluster = folder.path().join(cluster);
        command.contains("/postgres ") && command.contains(&format!(" -D {}", cluster.display()))
    };
    let is_ours = command.starts_with(&format!("postgres: neopro-{}: ", folder.mark()))
        || works_in("postgres ")
        || works_in("postgres.new-");
    if is_ours { process.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_pid_file_of_a_postmaster_that_is_ready_or_not_yet() {
        let file = |state: &str| {
            format!("4711\n/srv/neopro/postgres\n1795632619\n5432\n/run/neopro-0a1b2c3d\n\n  1 2\n{state}\n")
        };
        let ready = PidFile::parse(file("ready   ").as_bytes());
        let expected = PidFile { process: 4711, socket_folder: Some("/run/neopro-0a1b2c3d".into()), is_ready: true };
        assert_eq!(ready, Some(expected));
        assert!(PidFile::parse(file("starting").as_bytes()).is_some_and(|file| !file.is_ready));
        assert!(PidFile::parse(b"4711\n/srv").is_some_and(|file| !file.is_ready));
        assert_eq!(PidFile::parse(b""), None);
    }

    #[test]
    fn the_title_of_a_process_says_whether_it_is_ours() {
        let folder = DataFolder::at("/srv/neopro");
        let mark = folder.mark();
        for ours in [
            "  42 /opt/homebrew/bin/postgres -D /srv/neopro/postgres -c port=5432",
            "  42 /usr/bin/postgres --single -D /srv/neopro/postgres.new-0a1b2c3d -c x=y",
            &format!("42 postgres: neopro-{mark}: checkpointer "),
        ] {
            assert_eq!(ours_in_ps(ours, &folder), Some(42), "{ours}");
        }
        for foreign in [
            "42 /usr/bin/postgres -D /srv/neopro/postgres2",
            "42 /usr/bin/postgres -D /srv/other/postgres -c port=5432",
            "42 postgres: neopro-00000000: checkpointer",
            "42 less /srv/neopro/postgres.log",
        ] {
            assert_eq!(ours_in_ps(foreign, &folder), None, "{foreign}");
        }
    }
}
