//! The running PostgreSQL: one thread of ours that starts the postmaster, waits for its end, and
//! starts it again if that end was not asked for.
//!
//! It is a thread and not a task because the kernel shuts a child down (`setpriv --pdeathsig`) when
//! the *thread* that started it ends, which a runtime may do with its threads at any time.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::cluster;
use super::error::EmbeddedError;
use super::folders::{self, DataFolder};
use super::machine::{Machine, Orphaned, Programs};
use super::remains::{self, PATIENCE, PATIENCE_AFTER_QUIT, PidFile};

/// Set on the command line, where neither a configuration file nor `alter system` outweighs it.
const SETTINGS: [(&str, &str); 8] = [
    ("listen_addresses", ""),
    ("port", "5432"),
    ("unix_socket_permissions", "0700"),
    ("password_encryption", "scram-sha-256"),
    ("logging_collector", "off"),
    ("fsync", "on"),
    ("full_page_writes", "on"),
    ("synchronous_commit", "on"),
];

/// The waits before a restart: they double from the first to the longest, and begin anew after a
/// postmaster that lived for a while.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
const LONG_LIFE: Duration = Duration::from_secs(60);

/// How often a first start is tried when processes of an earlier run turn up only then: one that
/// was started a moment before its server was killed is not yet at work in our folder when we look.
const TRIES: u32 = 3;

/// All that is needed to start PostgreSQL on a data folder that is complete.
pub(super) struct Launch {
    pub(super) machine: Machine,
    pub(super) programs: Programs,
    pub(super) folder: DataFolder,
    pub(super) runtime_dir: Option<PathBuf>,
    pub(super) settings: Vec<(String, String)>,
}

/// The thread that keeps PostgreSQL running. Dropping it asks PostgreSQL to shut down.
pub(super) struct Postmaster {
    launch: Arc<Launch>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Result<(), EmbeddedError>>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// Rung when PostgreSQL is to stop, for the thread that pauses before a restart.
    stopping: Condvar,
}

#[derive(Default)]
struct State {
    phase: Phase,
    /// The postmaster, from its start until it has been waited for: so long its number is its own.
    process: Option<u32>,
}

#[derive(Default, Clone, Copy, PartialEq)]
enum Phase {
    /// It has not answered yet: if it ends now, that is the caller's to know.
    #[default]
    Starting,
    /// It has answered: if it ends now, it is started again.
    Running,
    /// It is to end, or has ended for good.
    Stopping,
}

impl Postmaster {
    /// Begins to start PostgreSQL. Nothing may run in the folder.
    pub(super) fn start(launch: Launch) -> Result<Self, EmbeddedError> {
        launch.folder.rotate_log()?;
        let launch = Arc::new(launch);
        let shared = Arc::new(Shared::default());
        let thread = thread::Builder::new()
            .name("postgres".to_owned())
            .spawn({
                let (launch, shared) = (Arc::clone(&launch), Arc::clone(&shared));
                move || {
                    let outcome = keep_running(&launch, &shared);
                    shared.lock().phase = Phase::Stopping;
                    outcome
                }
            })
            .map_err(EmbeddedError::program(&launch.programs.postgres))?;
        Ok(Self { launch, shared, thread: Some(thread) })
    }

    /// Whether it takes connections, by its own account; an error if it ended instead.
    pub(super) fn is_ready(&mut self) -> Result<bool, EmbeddedError> {
        if self.has_ended() {
            self.outcome()?;
        }
        let process = self.shared.lock().process;
        let file = PidFile::read(&self.launch.folder.cluster());
        Ok(file.is_some_and(|file| file.is_ready && Some(file.process) == process))
    }

    /// From now on PostgreSQL is started again whenever it ends. False if it has just ended.
    pub(super) fn keep(&self) -> bool {
        let mut state = self.shared.lock();
        let is_alive = state.phase == Phase::Starting && state.process.is_some();
        if is_alive {
            state.phase = Phase::Running;
        }
        is_alive
    }

    /// Fast shutdown: PostgreSQL ends all sessions, writes everything to its files and ends.
    pub(super) async fn stop(mut self) -> Result<(), EmbeddedError> {
        self.signal("INT");
        let began = Instant::now();
        let mut is_polite = true;
        while !self.has_ended() {
            if is_polite && began.elapsed() > PATIENCE {
                is_polite = false;
                tracing::warn!("PostgreSQL does not shut down: it is told to drop everything");
                self.signal("QUIT");
            }
            if began.elapsed() > PATIENCE + PATIENCE_AFTER_QUIT {
                return Err(EmbeddedError::Stuck {
                    folder: self.launch.folder.cluster(),
                    processes: self.shared.lock().process.into_iter().collect(),
                });
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        self.outcome()
    }

    fn signal(&self, signal: &str) {
        let process = {
            let mut state = self.shared.lock();
            state.phase = Phase::Stopping;
            state.process
        };
        self.shared.stopping.notify_all();
        if let Some(process) = process {
            remains::send(&self.launch.machine, process, signal);
        }
    }

    fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// What the thread returned; to be asked once, when it has ended.
    fn outcome(&mut self) -> Result<(), EmbeddedError> {
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(outcome)) => outcome,
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            None => Ok(()),
        }
    }
}

impl Drop for Postmaster {
    fn drop(&mut self) {
        if !self.has_ended() {
            self.signal("INT");
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change of the state is one assignment, so it is whole even after a panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits before a restart, unless PostgreSQL is to stop.
    fn pause(&self, length: Duration) {
        let state = self.lock();
        let _ = self.stopping.wait_timeout_while(state, length, |state| state.phase != Phase::Stopping);
    }
}

fn keep_running(launch: &Launch, shared: &Shared) -> Result<(), EmbeddedError> {
    let mut tries = 1;
    let mut pause = FIRST_PAUSE;
    loop {
        let began = Instant::now();
        let log_start = launch.log_length();
        let outcome = launch.run(shared);
        let phase = shared.lock().phase;
        match phase {
            Phase::Stopping => return Ok(()),
            Phase::Starting => {
                let is_hindered = remains::clear(&launch.machine, &launch.folder)? > 0;
                if !is_hindered || tries == TRIES {
                    let said = launch.last_words(log_start, outcome?);
                    return Err(EmbeddedError::Died { said, log: launch.folder.log() });
                }
                tries += 1;
            }
            Phase::Running => {
                if began.elapsed() > LONG_LIFE {
                    pause = FIRST_PAUSE;
                }
                let reason = outcome.map_or_else(|error| error.to_string(), |end| end.to_string());
                tracing::error!(reason, ?pause, "PostgreSQL ended unexpectedly and is restarted");
                shared.pause(pause);
                pause = (pause * 2).min(LONGEST_PAUSE);
                if let Err(error) = remains::clear(&launch.machine, &launch.folder) {
                    tracing::error!(%error, "the remains of PostgreSQL could not be cleared away");
                }
            }
        }
    }
}

impl Launch {
    /// Starts the postmaster and waits for its end.
    fn run(&self, shared: &Shared) -> Result<ExitStatus, EmbeddedError> {
        let Some(mut child) = self.spawn(shared)? else {
            return Ok(ExitStatus::default());
        };
        let end = child.wait();
        shared.lock().process = None;
        end.map_err(EmbeddedError::program(&self.programs.postgres))
    }

    /// Starts the postmaster; `None` if it is to stop by now.
    fn spawn(&self, shared: &Shared) -> Result<Option<Child>, EmbeddedError> {
        let log = self.folder.open_log()?;
        let socket_folder = self.folder.socket_folder(&self.machine, self.runtime_dir.as_deref())?;
        folders::remove_socket(&socket_folder);
        let fail = || EmbeddedError::program(&self.programs.postgres);
        let mut command = self.machine.command(&self.programs.postgres, Orphaned::ShutsDown);
        command.arg("-D").arg(self.folder.cluster());
        let mut set = |name: &str, value: &str| {
            command.arg("-c").arg(format!("{name}={value}"));
        };
        for (name, value) in SETTINGS {
            set(name, value);
        }
        set("cluster_name", &format!("neopro-{}", self.folder.mark()));
        for (name, value) in &self.settings {
            set(name, value);
        }
        let mut directory = std::ffi::OsString::from("unix_socket_directories=");
        directory.push(&socket_folder);
        command.arg("-c").arg(directory);
        command.stdout(log.try_clone().map_err(fail())?).stderr(log);

        // Under the lock, so that whoever says stop either comes before it or finds the process.
        let mut state = shared.lock();
        if state.phase == Phase::Stopping {
            return Ok(None);
        }
        let child = command.spawn().map_err(fail())?;
        state.process = Some(child.id());
        Ok(Some(child))
    }

    fn log_length(&self) -> u64 {
        std::fs::metadata(self.folder.log()).map_or(0, |log| log.len())
    }

    /// What PostgreSQL wrote to its log since it was started, in a few words, or how it ended.
    fn last_words(&self, log_start: u64, end: ExitStatus) -> String {
        let mut messages = Vec::new();
        let mut read = || -> io::Result<usize> {
            let mut log = File::open(self.folder.log())?;
            log.seek(SeekFrom::Start(log_start))?;
            log.take(1 << 20).read_to_end(&mut messages)
        };
        match read() {
            Ok(1..) => cluster::telling_words(&messages),
            _ => end.to_string(),
        }
    }
}
