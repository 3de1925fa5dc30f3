//! A box with its player and its web, and a real browser that shows its page.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use neopro_box::library::{Clip, ClipKind, Library};
use neopro_box::player::{self, Note, Place, Player};
use neopro_box::web::hosts::Hosts;
use neopro_box::web::{self, Web};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};

/// The part of a box that has to do with the TV.
pub struct Tv {
    runtime: Runtime,
    pub address: SocketAddr,
    pub library: watch::Sender<Arc<Library>>,
    pub configuration: watch::Sender<Option<Arc<str>>>,
    pub player: Player,
    notes: mpsc::Receiver<Note>,
}

impl Tv {
    /// A box that plays these, on a free port.
    pub fn start(clips: Vec<Clip>) -> Self {
        Self::start_on((Ipv4Addr::LOCALHOST, 0).into(), clips, None)
    }

    /// A box that listens there and goes on at a place.
    pub fn start_on(address: SocketAddr, clips: Vec<Clip>, place: Option<Place>) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let (library, receiver) = watch::channel(Arc::new(library(clips)));
        let (configuration, texts) = watch::channel(None);
        let inside = runtime.enter();
        let (player, notes) = player::start(receiver, place);
        let listener = runtime.block_on(bind(address));
        let address = listener.local_addr().expect("an address");
        let hosts = Arc::new(Hosts::new("np-test", ["tv.club.example".to_owned()]));
        let web = Web { player: player.clone(), configuration: texts, hosts };
        runtime.spawn(web::serve(listener, web, std::future::pending()));
        drop(inside);
        Self { runtime, address, library, configuration, player, notes }
    }

    pub fn page(&self) -> String {
        format!("http://{}/tv", self.address)
    }

    /// Ends as a power cut ends it: nothing is said to anybody.
    pub fn kill(self) {
        self.runtime.shutdown_background();
    }

    pub fn place(&self) -> Option<Place> {
        self.runtime.block_on(self.player.place())
    }

    pub fn play(&self, clips: Vec<Clip>) {
        self.library.send_replace(Arc::new(library(clips)));
    }

    /// The keys of the files that were given up, within a time.
    pub fn unplayable(&mut self, within: Duration) -> Option<String> {
        let notes = &mut self.notes;
        let wait = async {
            loop {
                match notes.recv().await {
                    Some(Note::Unplayable { key, .. }) => return Some(key),
                    Some(Note::Playable { .. } | Note::Place(_)) => {}
                    None => return None,
                }
            }
        };
        self.runtime.block_on(async { tokio::time::timeout(within, wait).await.ok().flatten() })
    }
}

/// A port that was just left may be busy for a moment.
async fn bind(address: SocketAddr) -> TcpListener {
    let start = Instant::now();
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            Err(error) => assert!(start.elapsed() < Duration::from_secs(10), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub fn library(clips: Vec<Clip>) -> Library {
    Library { club_name: Some("Étoile Sportive de Fougères".to_owned()), language: None, clips }
}

/// One of the committed files.
pub fn clip(file: &str) -> Clip {
    clip_at(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/media").join(file))
}

pub fn clip_at(file: PathBuf) -> Clip {
    let name = file.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
    let kind = if name.ends_with(".jpg") { ClipKind::Image { seconds: 3 } } else { ClipKind::Video };
    Clip { key: name.clone(), name, file, kind }
}

/// The address of a clip on the box.
pub fn address(file: &str) -> String {
    format!("/media/{}", player::token(file))
}

/// A Chromium, driven through `tests/js/tv.mjs`.
pub struct Browser {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// Two browsers at once would have half a processor each, and pictures would be late.
    _alone: MutexGuard<'static, ()>,
}

static ALONE: Mutex<()> = Mutex::new(());

impl Browser {
    /// As the kiosk starts it.
    pub fn start() -> Self {
        Self::start_with(&["--autoplay-policy=no-user-gesture-required"])
    }

    pub fn start_with(flags: &[&str]) -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut child = Command::new("node")
            .args(["tv.mjs", "/usr/bin/chromium"])
            .args(flags)
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/js"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the tests of the TV need Node and Chromium: `cargo xtask test` installs what is missing");
        let input = child.stdin.take().expect("a pipe");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, input, output, _alone: alone }
    }

    pub fn ask(&mut self, question: &Value) -> Value {
        writeln!(self.input, "{question}").expect("the browser listens");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the browser answers");
        let answer: Value =
            serde_json::from_str(&line).expect("an answer; `cargo xtask test` installs playwright-core");
        assert!(answer.get("error").is_none(), "{question}: {answer}");
        answer
    }

    pub fn open(&mut self, tv: &Tv) {
        self.ask(&json!({"do": "open", "url": tv.page()}));
    }

    pub fn look(&mut self) -> Value {
        let seen = self.ask(&json!({"do": "look"}));
        assert_eq!(seen["foreign"], json!([]), "the page asked somebody else");
        assert_eq!(seen["errors"], json!([]));
        seen
    }

    /// Looks until something is so.
    pub fn wait(&mut self, what: &str, within: Duration, is_so: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        loop {
            let seen = self.look();
            if is_so(&seen) {
                return seen;
            }
            assert!(start.elapsed() < within, "{what}, not within {within:?}: {seen}");
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    pub fn wait_for(&mut self, file: &str) -> Value {
        let address = address(file);
        self.wait(file, Duration::from_secs(20), |seen| seen["src"] == address.as_str() && seen["screen"] == "gone")
    }

    /// Looks at every picture for a time.
    pub fn watch_for(&mut self, time: Duration) -> Value {
        self.ask(&json!({"do": "watch", "transitions": u32::MAX, "within": time.as_millis() as u64}))
    }

    /// Looks at every picture until so many items took the place of others.
    pub fn watch(&mut self, transitions: u64) -> Value {
        let within = Duration::from_secs(20 + 6 * transitions);
        self.ask(&json!({"do": "watch", "transitions": transitions, "within": within.as_millis() as u64}))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Playwright's child ends its browser.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
