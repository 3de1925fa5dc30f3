//! The whole box: starts its parts, and ends them.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tracing_subscriber::EnvFilter;

use crate::agent::{Agent, Rhythm};
use crate::commands::Worker;
use crate::config::{Central, Config, Loaded};
use crate::configuration::{LOOK, Watcher};
use crate::files::{Keeper, Options, Surroundings, Views};
use crate::identity::DeviceKey;
use crate::net::Dialer;
use crate::screen::Screen;
use crate::state::{Opened, StateError, Wanted};

/// How long each of the three steps of the end may take: the whole has ended within 2 s, whatever hangs.
const END: Duration = Duration::from_millis(600);

/// Between two looks at whether another box has ended.
const ALONE_AGAIN: Duration = Duration::from_secs(1);

/// Why a box does not start, or not go on. It is no box that is badly configured: that one runs, and says what is wrong.
#[derive(Debug)]
enum StartError {
    State(StateError),
    Tls(rustls::Error),
    Random(crate::identity::IdentityError),
    System(io::Error),
    /// A part of it has ended, which is a mistake of ours. Whoever started the box starts it again; half a box would
    /// run on without anybody noticing.
    Part(String),
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::State(error) => write!(f, "{error}"),
            Self::Tls(error) => write!(f, "{error}"),
            Self::Random(error) => write!(f, "{error}"),
            Self::System(error) => write!(f, "{error}"),
            Self::Part(why) => write!(f, "a part of it has ended: {why}"),
        }
    }
}

/// Runs a box by its surroundings until it is told to end.
#[must_use]
pub fn run() -> ExitCode {
    let Loaded { config, warnings } = Loaded::from_surroundings();
    let filter = EnvFilter::try_new(&config.log_level).unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).init();
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    // Two threads: one for the network while the other one draws. Each piece of work is short.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).max_blocking_threads(8).enable_all().build();
    let ended = match runtime {
        Ok(runtime) => {
            let ended = runtime.block_on(until_told(config));
            runtime.shutdown_timeout(END);
            ended
        }
        Err(error) => Err(StartError::System(error)),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the box cannot run");
            ExitCode::FAILURE
        }
    }
}

async fn until_told(config: Config) -> Result<(), StartError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(StartError::System)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(StartError::System)?;
    let alone = tokio::select! {
        alone = alone_in(&config.state_dir) => alone?,
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };
    let mut running = Running::start(config).await?;
    let told = tokio::select! {
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
        part = ended(&mut running.parts, &mut running.screen) => Err(part),
    };
    tracing::info!("the box ends");
    running.end().await;
    drop(alone);
    told
}

/// Waits until no other box works with this folder, and keeps others away from it for as long as what is returned
/// lives. Two would push each other off the server for ever, and write over each other's records.
async fn alone_in(folder: &Path) -> Result<Option<File>, StartError> {
    let mut told = false;
    loop {
        let folder = folder.to_owned();
        let lock = move || {
            fs::create_dir_all(&folder)?;
            let lock = File::open(&folder)?;
            lock.try_lock().map(|()| lock).map_err(io::Error::from)
        };
        match blocking(lock).await? {
            Ok(lock) => return Ok(Some(lock)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if !std::mem::replace(&mut told, true) {
                    tracing::error!("another box works with this folder (NEOPRO_STATE_DIR); its end is waited for");
                }
            }
            Err(error) => {
                tracing::error!(%error, "it is not known whether another box works with this folder");
                return Ok(None);
            }
        }
        tokio::time::sleep(ALONE_AGAIN).await;
    }
}

/// Returns when something has ended that nobody told to.
async fn ended(parts: &mut JoinSet<()>, screen: &mut JoinHandle<()>) -> StartError {
    let ended = tokio::select! {
        Some(part) = parts.join_next() => part,
        screen = screen => screen,
    };
    StartError::Part(ended.map_or_else(|error| error.to_string(), |()| "it returned".into()))
}

/// A box that runs.
struct Running {
    state: Opened,
    parts: JoinSet<()>,
    screen: JoinHandle<()>,
    end_screen: oneshot::Sender<()>,
}

impl Running {
    async fn start(config: Config) -> Result<Self, StartError> {
        let opened = open_state(&config).await?;
        let state = opened.state.clone();
        let wanted = state.wanted().await.unwrap_or_else(|error| {
            tracing::error!(%error, "what the server wants cannot be read; it will say so again");
            Wanted::default()
        });
        let (want, wanted) = watch::channel(Arc::new(wanted));
        let dialer = Dialer::new().map_err(StartError::Tls)?;
        let (watcher, configuration) = Watcher::open(&config.configuration, &config.state_dir, LOOK);
        let options = Options::field(config.root.clone(), config.videos.clone(), config.club_name.clone());
        let around =
            Surroundings { state: state.clone(), dialer: dialer.clone(), wanted, configuration: configuration.clone() };
        let (keeper, Views { inventory, progress, library, notes }) =
            Keeper::open(options, around).await.map_err(StartError::State)?;
        let mut parts = JoinSet::new();
        parts.spawn(watcher.run());
        parts.spawn(keeper.run());
        let (end_screen, ended) = oneshot::channel();
        let screen = Screen {
            library,
            configuration: configuration.clone(),
            notes: notes.clone(),
            state: state.clone(),
            listen: config.listen,
        };
        let screen = tokio::spawn(screen.run(ended));
        // Made on the first start, also of a box that knows no server yet: it will be known by it.
        let device_key = device_key(config.state_dir).await?;
        match config.central {
            Some(central) => {
                let rhythm = Rhythm::field(config.heartbeat);
                let (worker, desk) = Worker::open(state.clone(), configuration.clone(), config.videos.clone());
                parts.spawn(worker.run());
                let agent = Agent {
                    central,
                    device_key,
                    rhythm,
                    dialer,
                    state,
                    wanted: want,
                    inventory,
                    progress,
                    configuration,
                    notes,
                    desk,
                    videos: config.videos,
                };
                parts.spawn(agent.run());
            }
            // The keeper works for as long as somebody could want something else.
            None => {
                parts.spawn(async move { want.closed().await });
            }
        }
        tracing::info!(version = env!("CARGO_PKG_VERSION"), "the box runs");
        Ok(Self { state: opened, parts, screen, end_screen })
    }

    /// Ends everything. What was asked of the state is done first; anything else can be cut anywhere.
    async fn end(self) {
        let Self { state, mut parts, screen, end_screen } = self;
        // The screen first: it keeps where the loop is.
        let _ = end_screen.send(());
        if !screen.is_finished() && tokio::time::timeout(END, screen).await.is_err() {
            tracing::warn!("the screen did not end in time");
        }
        parts.shutdown().await;
        let closed = tokio::task::spawn_blocking(move || state.close());
        if tokio::time::timeout(END, closed).await.is_err() {
            tracing::warn!("the state was not closed in time");
        }
    }
}

async fn open_state(config: &Config) -> Result<Opened, StartError> {
    let folder = config.state_dir.clone();
    let site = config.central.as_ref().map(|Central { site_id, .. }| site_id.clone());
    let opened = blocking(move || Opened::open(&folder, site.as_deref())).await?.map_err(StartError::State)?;
    if let Some(aside) = &opened.set_aside {
        tracing::error!(aside = %aside.display(), "the state cannot be read: it is set aside and the box begins anew");
    }
    if let Some(why) = &opened.forgetful {
        tracing::error!(why, "the state cannot be kept: the box runs, and forgets what is new at its next start");
    }
    Ok(opened)
}

/// The public half of the box's key.
async fn device_key(folder: PathBuf) -> Result<String, StartError> {
    let key = blocking(move || {
        DeviceKey::load_or_make(&folder).or_else(|error| {
            tracing::error!(%error, "the device key cannot be kept: one is made for this run only");
            DeviceKey::passing()
        })
    });
    Ok(key.await?.map_err(StartError::Random)?.public())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, StartError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| StartError::System(io::Error::other(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_part_that_ends_by_itself_is_the_end_of_the_box() {
        let running = || tokio::spawn(std::future::pending::<()>());
        let mut parts = JoinSet::new();
        parts.spawn(std::future::pending());
        let waited = tokio::time::timeout(Duration::from_millis(50), ended(&mut parts, &mut running())).await;
        assert!(waited.is_err(), "nothing has ended");
        parts.spawn(async { panic!("a mistake of ours") });
        let StartError::Part(why) = ended(&mut parts, &mut running()).await else { panic!("another end") };
        assert!(why.contains("panicked"), "{why}");
        let mut screen = tokio::spawn(async {});
        let StartError::Part(why) = ended(&mut parts, &mut screen).await else { panic!("another end") };
        assert_eq!(why, "it returned");
    }
}
