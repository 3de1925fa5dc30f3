//! The embedded database: with no `DATABASE_URL`, the server runs a PostgreSQL of its own from the
//! programs installed on the machine.
//!
//! What is promised, and where it is kept:
//!
//! - Nobody else gets in: no TCP listener, a socket in a private folder, passwords (`folders`,
//!   `cluster`). We ourselves work as the role [`OWNER`], which has no more rights than the one
//!   that a hosted database gives us.
//! - Nothing that was acknowledged is lost, and a first start that is killed at any moment is
//!   repaired by the next one (`cluster`).
//! - PostgreSQL lives as long as we do: it is restarted when it dies (`postmaster`), shuts down
//!   when we end, and what outlived us nevertheless is ended by the next start, which touches no
//!   process but ours (`remains`).
//! - One server at a time: a file lock (`folders`).
//!
//! PostgreSQL refuses to run as root; a root server runs it as the user `postgres` (`machine`).

mod access;
mod cluster;
mod error;
mod folders;
mod machine;
mod postmaster;
mod remains;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio_postgres::Config;

pub use error::EmbeddedError;

use access::Access;
use folders::{DataFolder, Lock};
use machine::Machine;
use postmaster::{Launch, Postmaster};

/// The role that the server works as, and the database that it owns.
pub const OWNER: &str = "neopro";

/// The superuser that made the database: for backups and for tests, never for the server's work.
pub const ADMIN: &str = "postgres";

/// How often a PostgreSQL that starts is looked at.
const GLANCE: Duration = Duration::from_millis(2);

/// How often a long recovery is mentioned in the log.
const REMINDER: Duration = Duration::from_secs(10);

/// How long [`Embedded::start_or_attach`] waits for the database of a server that is starting.
const ATTACH_LIMIT: Duration = Duration::from_secs(60);

/// Where the embedded database lives.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// The folder of `NEOPRO_DATA_DIR`; it is made if it is not there.
    pub data_dir: &'a Path,
    /// The folder of `XDG_RUNTIME_DIR`, where a user other than root gets the socket.
    pub runtime_dir: Option<&'a Path>,
    /// Further settings of PostgreSQL, which outweigh ours: for tests (`fsync=off`, say).
    pub settings: &'a [(&'a str, &'a str)],
}

/// A running embedded database.
///
/// It is shut down by [`Embedded::stop`], and also when the value is dropped or the process ends in
/// any way, but then nobody waits for it.
pub struct Embedded {
    access: Access,
    /// `None` when we are attached to the database of another process.
    ours: Option<Ours>,
}

/// What makes the database ours. The order matters: the lock is let go last.
struct Ours {
    postmaster: Postmaster,
    lock: Lock,
}

impl Embedded {
    /// Takes the lock of the data folder, makes the database on first use, starts PostgreSQL and
    /// waits until it answers.
    ///
    /// # Errors
    ///
    /// [`EmbeddedError::Locked`] if another server uses the folder; any other [`EmbeddedError`]
    /// says what the machine lacks or what PostgreSQL complained about.
    pub async fn start(options: Options<'_>) -> Result<Self, EmbeddedError> {
        let order = Order::from(options);
        let prepared = blocking(move || {
            let (machine, folder) = order.open()?;
            let lock = folder.lock()?;
            order.prepare(machine, folder, lock)
        });
        prepared.await?.start().await
    }

    /// For the commands that work beside a server: connects to the database of the server that
    /// holds the data folder, or does what [`Embedded::start`] does if there is none.
    ///
    /// # Errors
    ///
    /// Those of [`Embedded::start`], and [`EmbeddedError::Silent`] if a server holds the folder but
    /// its database does not answer within a minute.
    pub async fn start_or_attach(options: Options<'_>) -> Result<Self, EmbeddedError> {
        let order = Order::from(options);
        let (order, machine, folder) = blocking(move || {
            let (machine, folder) = order.open()?;
            Ok((order, machine, folder))
        })
        .await?;
        let began = Instant::now();
        // The server may be about to start or to end, so both questions are asked until one is
        // answered with yes.
        loop {
            match folder.lock() {
                Ok(lock) => {
                    let prepared = blocking(move || order.prepare(machine, folder, lock));
                    return prepared.await?.start().await;
                }
                Err(EmbeddedError::Locked { .. }) => {}
                Err(error) => return Err(error),
            }
            if let Some(access) = Access::of_running(&folder)?
                && access.works(&folder).await?
            {
                return Ok(Self { access, ours: None });
            }
            if began.elapsed() > ATTACH_LIMIT {
                return Err(EmbeddedError::Silent { holder: folder.lock_holder(), folder: folder.path().to_owned() });
            }
            tokio::time::sleep(GLANCE * 10).await;
        }
    }

    /// How to connect to the database [`OWNER`] as the role [`OWNER`].
    #[must_use]
    pub fn config(&self) -> Config {
        self.access.owner()
    }

    /// How to connect to the database `postgres` as the superuser [`ADMIN`].
    #[must_use]
    pub fn admin_config(&self) -> Config {
        self.access.admin()
    }

    /// Shuts PostgreSQL down and waits for its end. Does nothing when attached to the database of
    /// another process.
    ///
    /// # Errors
    ///
    /// [`EmbeddedError::Stuck`] if it does not end within forty seconds.
    pub async fn stop(self) -> Result<(), EmbeddedError> {
        if let Some(Ours { postmaster, lock }) = self.ours {
            postmaster.stop().await?;
            // It is empty now. Under the lock, so that no other server is just putting a socket in.
            let _ = std::fs::remove_dir(&self.access.socket_folder);
            drop(lock);
        }
        Ok(())
    }
}

impl fmt::Debug for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedded")
            .field("socket_folder", &self.access.socket_folder)
            .field("is_attached", &self.ours.is_none())
            .finish_non_exhaustive()
    }
}

/// [`Options`], to be taken to another thread.
struct Order {
    data_dir: PathBuf,
    runtime_dir: Option<PathBuf>,
    settings: Vec<(String, String)>,
}

impl From<Options<'_>> for Order {
    fn from(options: Options<'_>) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self {
            data_dir: options.data_dir.to_owned(),
            runtime_dir: options.runtime_dir.map(Path::to_owned),
            settings: options.settings.iter().map(owned).collect(),
        }
    }
}

impl Order {
    /// All that comes before the lock.
    fn open(&self) -> Result<(Machine, DataFolder), EmbeddedError> {
        let machine = Machine::survey()?;
        let folder = DataFolder::open(&self.data_dir, &machine)?;
        Ok((machine, folder))
    }

    /// All that comes between the lock and the start of PostgreSQL. It takes milliseconds, except
    /// on first use and when processes of an earlier run have to go first.
    fn prepare(self, machine: Machine, folder: DataFolder, lock: Lock) -> Result<Prepared, EmbeddedError> {
        if machine.uid == 0 && machine.account.is_none() {
            return Err(EmbeddedError::NoAccount);
        }
        let made_by = cluster::made_by(&machine, &folder)?;
        folder.check_way(&machine)?;
        let programs = machine.programs(&folder.cluster(), made_by)?;
        remains::clear(&machine, &folder)?;
        let durable = !self.settings.iter().any(|(name, value)| name == "fsync" && value == "off");
        let passwords = cluster::prepare(&machine, &programs, &folder, durable)?;
        let socket_folder = folder.socket_folder(&machine, self.runtime_dir.as_deref())?;
        Ok(Prepared {
            access: Access { socket_folder, passwords },
            launch: Launch { machine, programs, folder, runtime_dir: self.runtime_dir, settings: self.settings },
            lock,
        })
    }
}

/// A data folder that is ours, complete and free of other processes.
struct Prepared {
    launch: Launch,
    access: Access,
    lock: Lock,
}

impl Prepared {
    /// Starts PostgreSQL and waits until it answers. Whoever gives up waiting drops the future,
    /// which shuts PostgreSQL down.
    ///
    /// There is no time limit: after a power cut PostgreSQL reads its journal, and stopping it
    /// would only make it begin again. But if it ends, so does the waiting.
    async fn start(self) -> Result<Embedded, EmbeddedError> {
        let Self { launch, access, lock } = self;
        let folder = launch.folder.clone();
        let mut ours = Ours { postmaster: Postmaster::start(launch)?, lock };
        let began = Instant::now();
        let mut reminded = began;
        // PostgreSQL's own word comes first: each login that it refuses would be an error in its
        // log.
        while !(ours.postmaster.is_ready()? && access.works(&folder).await? && ours.postmaster.keep()) {
            if reminded.elapsed() > REMINDER {
                reminded = Instant::now();
                tracing::warn!(waiting = ?began.elapsed(), "PostgreSQL is still starting");
            }
            tokio::time::sleep(GLANCE).await;
        }
        tracing::info!(took = ?began.elapsed(), "the embedded database answers");
        Ok(Embedded { access, ours: Some(ours) })
    }
}

/// Runs work that waits for files and programs where it holds nobody up. The thread lives until
/// the work is done, as the programs require that it starts.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EmbeddedError> + Send + 'static,
) -> Result<T, EmbeddedError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
