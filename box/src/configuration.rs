//! The club's `configuration.json`: watched, read, never written.
//!
//! Others write it, some of them in place: a reader may meet half a document, and after a power cut the document may
//! be torn for good. The last whole one is kept and stays in use until there is another whole one.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use data_encoding::HEXLOWER;
use neopro_protocol::configuration::{ClubView, DeployedVideo, club_view, deployed_videos, public_text, split};
use neopro_protocol::weight;
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;

use crate::identity::write_private;

/// The last whole document within the folder of the state. It holds the club's password.
pub const GOOD_COPY: &str = "configuration.good.json";

/// Between two looks at the file. Looking at it costs two system calls, and works on every file system.
pub const LOOK: Duration = Duration::from_secs(2);

/// What the box knows of the document now. Holds no secret.
#[derive(Debug, Clone, Default)]
pub struct Current {
    /// The document without its secrets, as it was written; `None` while there was none.
    pub public_text: Option<Arc<str>>,
    /// What the TV needs of it.
    pub view: ClubView,
    /// The videos of the central library that an older agent has put there.
    pub deployed: Vec<DeployedVideo>,
    /// The document for the server.
    pub mirror: Option<Arc<Mirror>>,
}

/// The document as it is sent to the server: every secret is masked.
#[derive(Debug)]
pub struct Mirror {
    /// 16 hexadecimal digits of the SHA-256 of `document`. Not of the file: with the rest known, a hash of the file
    /// would let a club's password be guessed.
    pub hash: String,
    /// The masked document.
    pub document: Box<RawValue>,
}

/// The most bytes of a document that are read: ten times what a club with a thousand videos needs. A larger one could
/// not be sent to the server, and would push the rest of the box out of its memory.
const LARGEST: u64 = 5_000_000;

/// Why a text is no document.
#[derive(Debug)]
pub enum Unusable {
    /// It is no JSON, or not whole.
    Torn(serde_json::Error),
    /// It is JSON, but no object.
    NoObject,
    /// It would push the rest of the box out of its memory.
    Heavy,
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // The error of the reader tells the line and the column, and nothing of what stands there.
            Self::Torn(error) => write!(f, "line {}, column {}", error.line(), error.column()),
            Self::NoObject => f.write_str("it is no JSON object"),
            Self::Heavy => f.write_str("it takes too much memory for its length"),
        }
    }
}

impl Current {
    /// Reads a document.
    ///
    /// # Errors
    /// [`Unusable`]; none of its words is from the document.
    pub fn read(text: &str) -> Result<Self, Unusable> {
        // Some editors begin a file with it; browsers pass over it.
        let text = text.trim_start_matches('\u{FEFF}');
        if !weight::is_fair(text) {
            return Err(Unusable::Heavy);
        }
        let document: Value = serde_json::from_str(text).map_err(Unusable::Torn)?;
        if !document.is_object() {
            return Err(Unusable::NoObject);
        }
        let view = club_view(&document);
        let deployed = deployed_videos(&document);
        let (masked, _) = split(document);
        let document = serde_json::value::to_raw_value(&masked).map_err(Unusable::Torn)?;
        let hash = HEXLOWER.encode(&Sha256::digest(document.get().as_bytes())[..8]);
        let public_text = public_text(text).map_err(Unusable::Torn)?;
        Ok(Self {
            public_text: Some(public_text.into()),
            view,
            deployed,
            mirror: Some(Arc::new(Mirror { hash, document })),
        })
    }
}

/// Looks at the file, again and again.
pub struct Watcher {
    path: PathBuf,
    good_copy: PathBuf,
    every: Duration,
    seen: Option<Stamp>,
    /// The hash of the document in use, and of the last text that was none.
    in_use: Option<Hash>,
    refused: Option<Hash>,
    current: watch::Sender<Arc<Current>>,
}

type Hash = [u8; 32];

/// What changes when a file is written or replaced, or becomes readable: its number, its size, and the time of its
/// change in seconds and nanoseconds. The time of its writing can be set by whoever copies it.
type Stamp = (u64, u64, i64, i64);

impl Watcher {
    /// Reads the document, or the last whole one. Blocks.
    #[must_use]
    pub fn open(path: &Path, state_dir: &Path, every: Duration) -> (Self, watch::Receiver<Arc<Current>>) {
        let (current, receiver) = watch::channel(Arc::default());
        let (path, good_copy) = (path.to_owned(), state_dir.join(GOOD_COPY));
        let mut watcher = Self { path, good_copy, every, seen: None, in_use: None, refused: None, current };
        if let Ok(bytes) = fs::read(&watcher.good_copy)
            && let Ok(current) = Current::read(&String::from_utf8_lossy(&bytes))
        {
            watcher.in_use = Some(Sha256::digest(&bytes).into());
            watcher.current.send_replace(Arc::new(current));
        }
        watcher.look();
        (watcher, receiver)
    }

    /// Goes on looking for as long as the box runs.
    pub async fn run(mut self) {
        let mut ticks = tokio::time::interval(self.every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let looked = tokio::task::spawn_blocking(move || {
                self.look();
                self
            });
            match looked.await {
                Ok(watcher) => self = watcher,
                Err(error) => {
                    tracing::error!(%error, "the configuration is no longer watched");
                    return;
                }
            }
        }
    }

    fn look(&mut self) {
        let stamp =
            fs::metadata(&self.path).map(|file| (file.ino(), file.size(), file.ctime(), file.ctime_nsec())).ok();
        if stamp == self.seen {
            return;
        }
        self.seen = stamp;
        match read_file(&self.path) {
            Ok(bytes) => self.consider(&bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                tracing::warn!(path = %self.path.display(), "there is no configuration; the last one stays in use");
            }
            Err(error) => {
                tracing::warn!(path = %self.path.display(), %error, "the configuration cannot be read; the last one stays in use");
            }
        }
    }

    fn consider(&mut self, bytes: &[u8]) {
        let hash: Hash = Sha256::digest(bytes).into();
        if self.in_use == Some(hash) || self.refused == Some(hash) {
            return;
        }
        match Current::read(&String::from_utf8_lossy(bytes)) {
            Ok(current) => {
                if let Err(error) = write_private(&self.good_copy, bytes) {
                    tracing::error!(%error, "the last whole configuration could not be kept");
                }
                tracing::info!(loop_entries = current.view.sponsors.len(), "the configuration was read");
                self.in_use = Some(hash);
                self.refused = None;
                self.current.send_replace(Arc::new(current));
            }
            Err(error) => {
                tracing::warn!(%error, "the configuration is not whole; the last one stays in use");
                self.refused = Some(hash);
            }
        }
    }
}

/// The bytes of a file, if it is one: a pipe would be waited for without an end.
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let facts = fs::metadata(path)?;
    if !facts.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::files::tests::scratch;

    const FIRST: &str = r#"{"auth":{"clubName":"Vitré","password":"s3cr3t"},"sponsors":[{"path":"videos/a.mp4"}]}"#;

    #[test]
    fn a_torn_document_leaves_the_last_whole_one_in_use_also_over_a_restart() {
        let folder = scratch("configuration");
        let path = folder.join("configuration.json");
        fs::write(&path, FIRST).expect("written");
        let (mut watcher, current) = Watcher::open(&path, &folder, LOOK);
        let name = |current: &watch::Receiver<Arc<Current>>| current.borrow().view.club_name.clone();
        assert_eq!(name(&current).as_deref(), Some("Vitré"));
        for torn in ["{\"auth\":{\"clubName\":\"Ren", "", "[1]", "\u{0}\u{0}"] {
            fs::write(&path, torn).expect("written");
            watcher.look();
            assert_eq!(name(&current).as_deref(), Some("Vitré"), "{torn}");
        }
        let (mut watcher, current) = Watcher::open(&path, &folder, LOOK);
        assert_eq!(name(&current).as_deref(), Some("Vitré"));
        let copy = folder.join(GOOD_COPY);
        assert_eq!(fs::metadata(&copy).expect("the copy").permissions().mode() & 0o777, 0o600);
        fs::write(folder.join("new"), FIRST.replace("Vitré", "Rennes")).expect("written");
        fs::rename(folder.join("new"), &path).expect("renamed");
        watcher.look();
        assert_eq!(name(&current).as_deref(), Some("Rennes"));
        assert_eq!(fs::read_to_string(&copy).expect("the copy"), FIRST.replace("Vitré", "Rennes"));
        fs::remove_file(&path).expect("removed");
        watcher.look();
        assert_eq!(name(&current).as_deref(), Some("Rennes"));
    }

    #[test]
    fn what_is_no_document_is_left_alone_and_a_mark_before_the_text_is_none() {
        let folder = scratch("configuration-odd");
        let path = folder.join("configuration.json");
        fs::write(&path, format!("\u{FEFF}{FIRST}")).expect("written");
        let (mut watcher, current) = Watcher::open(&path, &folder, LOOK);
        assert_eq!(current.borrow().view.club_name.as_deref(), Some("Vitré"));
        let served = current.borrow().public_text.clone().expect("a text");
        assert!(served.starts_with("{\"auth\""), "{served}");
        assert!(matches!(
            Current::read(&format!("{{\"a\":[{}0]}}", "{\"\":0},".repeat(500_000))),
            Err(Unusable::Heavy)
        ));
        let huge = format!("{{\"auth\":{{\"clubName\":\"Rennes\"}},\"x\":\"{}\"}}", "x".repeat(LARGEST as usize));
        fs::write(&path, huge).expect("written");
        watcher.look();
        fs::remove_file(&path).expect("removed");
        fs::create_dir(&path).expect("a folder");
        watcher.look();
        fs::remove_dir(&path).expect("removed");
        // A pipe into which nobody writes; a look at it must come back.
        assert!(std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo runs").success());
        watcher.look();
        assert_eq!(current.borrow().view.club_name.as_deref(), Some("Vitré"));
    }

    #[test]
    fn no_secret_is_in_what_is_handed_on() {
        let current = Current::read(FIRST).expect("a document");
        assert!(!format!("{current:?}").contains("s3cr3t"));
        let mirror = current.mirror.expect("a mirror");
        assert!(!mirror.document.get().contains("s3cr3t") && mirror.document.get().contains("Vitré"));
        let other = Current::read(&FIRST.replace("s3cr3t", "other")).expect("a document").mirror.expect("a mirror");
        assert_eq!(mirror.hash, other.hash, "the hash does not tell one password from another");
        assert_eq!(mirror.hash.len(), 16);
        assert!(Current::read(&format!("\u{FEFF}{FIRST}")).is_ok());
    }
}
