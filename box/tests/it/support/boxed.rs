//! A box within the test's process, which does in milliseconds what one in the field does in minutes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use neopro_box::agent::{Agent, Rhythm};
use neopro_box::commands::Worker;
use neopro_box::config::{Central as CentralConfig, Secret};
use neopro_box::configuration::Watcher;
use neopro_box::files::{Keeper, Note, Options, Surroundings, Views};
use neopro_box::library::Library;
use neopro_box::link::{Pace, Patience};
use neopro_box::net::{Address, Dialer};
use neopro_box::state::Opened;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::central::Central;

pub const SITE: &str = "0193d5a8-0000-7000-8000-000000000001";
pub const KEY: &str = "k3y-that-nobody-may-see";

/// A running box.
pub struct TestBox {
    pub root: PathBuf,
    pub library: watch::Receiver<Arc<Library>>,
    pub notes: mpsc::Sender<Note>,
    parts: JoinSet<()>,
    state: Option<Opened>,
}

/// Fast paces.
pub fn options(root: &Path) -> Options {
    Options {
        idle: Duration::from_millis(300),
        pace: Pace { first: Duration::from_millis(20), longest: Duration::from_millis(100) },
        not_found: Duration::from_millis(1_500),
        look: Duration::from_millis(200),
        verify_pause: Duration::ZERO,
        ..Options::field(root.to_owned(), root.join("videos"), None)
    }
}

pub fn rhythm() -> Rhythm {
    Rhythm {
        heartbeat: Duration::from_millis(200),
        report: Duration::from_millis(100),
        progress: Duration::from_millis(50),
        come_back: Pace { first: Duration::from_millis(20), longest: Duration::from_millis(80) },
        refused: Pace { first: Duration::from_millis(400), longest: Duration::from_millis(800) },
        patience: Patience {
            connect: Duration::from_secs(2),
            send: Duration::from_secs(2),
            answer: Duration::from_millis(300),
        },
    }
}

impl TestBox {
    /// Starts a box of this folder.
    pub async fn start(central: &Central, root: &Path) -> Self {
        Self::start_with(central, root, options(root), rhythm()).await
    }

    pub async fn start_with(central: &Central, root: &Path, options: Options, rhythm: Rhythm) -> Self {
        let state_dir = root.join("data");
        let opened = Opened::open(&state_dir, Some(SITE)).expect("the state opens");
        let state = opened.state.clone();
        let (want, wanted) = watch::channel(Arc::new(state.wanted().await.expect("read")));
        let dialer = Dialer::new().expect("a dialer");
        let path = root.join("webapp/configuration.json");
        let (watcher, configuration) = Watcher::open(&path, &state_dir, Duration::from_millis(50));
        let around =
            Surroundings { state: state.clone(), dialer: dialer.clone(), wanted, configuration: configuration.clone() };
        let videos = options.videos.clone();
        let (keeper, Views { inventory, progress, library, notes }) =
            Keeper::open(options, around).await.expect("a keeper");
        let (worker, desk) = Worker::open(state.clone(), configuration.clone(), videos.clone());
        let agent = Agent {
            central: CentralConfig {
                server: Address::of_server(&central.url()).expect("an address"),
                site_id: SITE.into(),
                api_key: Secret::new(KEY),
            },
            device_key: "key".into(),
            rhythm,
            dialer,
            state,
            wanted: want,
            inventory,
            progress,
            configuration,
            notes: notes.clone(),
            desk,
            videos,
        };
        let mut parts = JoinSet::new();
        parts.spawn(watcher.run());
        parts.spawn(keeper.run());
        parts.spawn(worker.run());
        parts.spawn(agent.run());
        Self { root: root.to_owned(), library, notes, parts, state: Some(opened) }
    }

    /// Ends it as SIGTERM does.
    pub async fn stop(mut self) {
        self.parts.shutdown().await;
        let state = self.state.take().expect("stopped once");
        tokio::task::spawn_blocking(move || state.close()).await.expect("the state closes");
    }

    /// Where a file of the server is.
    pub fn file(&self, sha256: &str) -> PathBuf {
        self.root.join("videos/central").join(format!("{sha256}.mp4"))
    }

    pub fn part(&self, sha256: &str) -> PathBuf {
        self.root.join("videos/central").join(format!("{sha256}.part"))
    }

    /// The names of the clips that are played.
    pub fn played(&self) -> Vec<String> {
        self.library.borrow().clips.iter().map(|clip| clip.name.clone()).collect()
    }
}
