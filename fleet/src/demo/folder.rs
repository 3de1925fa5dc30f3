//! The demo's folder: its data, its secrets, and whether it runs.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What the demo knows of itself. It holds keys.
const STATE: &str = "demo.json";
/// Held by the running demo, with its process id in it.
const LOCK: &str = "demo.lock";
/// Is there while the demo runs: one that is left tells of an end without a goodbye.
const RUNNING: &str = "running";

/// What is remembered from one start to the next.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct State {
    /// The account's password.
    pub password: String,
    /// Whether everything was made. What was made by halves is made anew.
    pub is_seeded: bool,
    /// The clubs: the first two have real boxes, the others none.
    pub clubs: Vec<Site>,
    /// The group of those with real boxes.
    pub pilots: String,
    /// The group that is ordered for as well, although most of its boxes were never seen.
    pub region: String,
    /// The videos, in the order of the network's clips.
    pub videos: Vec<String>,
    /// The simulated boxes, and their group.
    pub fleet: Vec<Site>,
    /// Their group.
    pub fleet_group: Option<String>,
}

/// A site and the key of its box.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Site {
    /// Its id.
    pub id: String,
    /// Its key.
    pub key: String,
    /// Its club.
    pub name: String,
}

/// The folder, ours alone as long as this lives.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    pub state: State,
    was_left_running: bool,
    /// Closed, it lets the next demo in.
    _lock: File,
}

impl Folder {
    /// Opens the folder, making it if it is not there. For root it is one that PostgreSQL's user can go through.
    pub fn open(path: &Path) -> Result<Self, String> {
        let failed = |error: io::Error| format!("The folder {} cannot be used: {error}.", path.display());
        fs::create_dir_all(path).map_err(failed)?;
        let path = path.canonicalize().map_err(failed)?;
        let failed = |error: io::Error| format!("The folder {} cannot be used: {error}.", path.display());
        let mode = if fs::metadata(&path).map_err(failed)?.uid() == 0 { 0o711 } else { 0o700 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).map_err(failed)?;
        let lock = lock(&path.join(LOCK)).map_err(failed)?.map_err(|process| {
            format!("The demo is already running (process {process}). Stop it first: kill {process}")
        })?;
        let state = match fs::read(path.join(STATE)) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => State::default(),
            Err(error) => return Err(failed(error)),
        };
        let was_left_running = path.join(RUNNING).exists();
        Ok(Self { path, state, was_left_running, _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether an earlier demo has ended without saying goodbye.
    pub fn was_left_running(&self) -> bool {
        self.was_left_running
    }

    /// Removes what an earlier demo has left, and thinks of a new password.
    pub fn clear(&mut self) -> Result<(), String> {
        for entry in fs::read_dir(&self.path).map_err(|error| self.failed(&error))? {
            let entry = entry.map_err(|error| self.failed(&error))?;
            let is_folder = entry.file_type().map_err(|error| self.failed(&error))?.is_dir();
            let removed = match is_folder {
                true => fs::remove_dir_all(entry.path()),
                false if entry.file_name() == LOCK => Ok(()),
                false => fs::remove_file(entry.path()),
            };
            removed.map_err(|error| self.failed(&error))?;
        }
        self.state = State { password: password().map_err(|error| self.failed(&error))?, ..State::default() };
        self.save()
    }

    /// Notes that the demo runs.
    pub fn started(&self) -> Result<(), String> {
        fs::write(self.path.join(RUNNING), "").map_err(|error| self.failed(&error))
    }

    /// Notes that nothing of it runs any more.
    pub fn ended(&self) -> Result<(), String> {
        match fs::remove_file(self.path.join(RUNNING)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.failed(&error)),
            _ => Ok(()),
        }
    }

    /// Writes the state down, whole or not at all.
    pub fn save(&self) -> Result<(), String> {
        let draft = self.path.join(format!("{STATE}.new"));
        let text = serde_json::to_vec_pretty(&self.state).map_err(|error| self.failed(&error.into()))?;
        write_private(&draft, &text)
            .and_then(|()| fs::rename(&draft, self.path.join(STATE)))
            .map_err(|error| self.failed(&error))
    }

    /// Writes the list of the first so many simulated boxes, for the program that is all of them.
    pub fn list_fleet(&self, count: usize) -> Result<PathBuf, String> {
        let path = self.path.join("fleet.csv");
        let lines: String =
            self.state.fleet.iter().take(count).map(|site| format!("{},{}\n", site.id, site.key)).collect();
        write_private(&path, lines.as_bytes()).map_err(|error| self.failed(&error))?;
        Ok(path)
    }

    fn failed(&self, error: &io::Error) -> String {
        format!("The folder {} cannot be used: {error}.", self.path.display())
    }
}

/// The lock, or who has it.
fn lock(path: &Path) -> io::Result<Result<File, String>> {
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0)?;
            write!(file, "{}", std::process::id())?;
            Ok(Ok(file))
        }
        Err(fs::TryLockError::WouldBlock) => {
            let mut process = String::new();
            file.read_to_string(&mut process)?;
            Ok(Err(process))
        }
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)
}

/// Letters and digits that nobody mistakes for one another, sixty bits of them: the server of a demo listens to the
/// whole network.
fn password() -> io::Result<String> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut random = [0u8; 12];
    File::open("/dev/urandom")?.read_exact(&mut random)?;
    let letter = |byte: &u8| char::from(LETTERS[usize::from(byte % 32)]);
    let words: Vec<String> = random.chunks(4).map(|word| word.iter().map(letter).collect()).collect();
    Ok(words.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("neopro-demo-folder-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        path
    }

    #[test]
    fn one_demo_at_a_time_and_what_it_knows_is_found_again() {
        let path = scratch("again");
        let mut folder = Folder::open(&path).expect("a folder");
        folder.clear().expect("empty");
        folder.state.is_seeded = true;
        folder.save().expect("written");
        folder.started().expect("noted");
        let refused = Folder::open(&path).expect_err("it is taken");
        assert!(refused.contains(&format!("kill {}", std::process::id())), "{refused}");
        let password = folder.state.password.clone();
        drop(folder);
        let folder = Folder::open(&path).expect("free again");
        assert!(folder.was_left_running() && folder.state.is_seeded);
        assert_eq!(folder.state.password, password);
        let mode = |name: &str| fs::metadata(path.join(name)).expect("a file").permissions().mode() & 0o777;
        assert_eq!((mode(STATE), mode(LOCK)), (0o600, 0o600), "keys are nobody else's business");
        folder.ended().expect("noted");
        drop(folder);
        assert!(!Folder::open(&path).expect("free").was_left_running());
        fs::remove_dir_all(&path).expect("clean");
    }

    #[test]
    fn what_is_cleared_is_gone() {
        let path = scratch("clear");
        let mut folder = Folder::open(&path).expect("a folder");
        fs::create_dir_all(path.join("server/postgres")).expect("a folder");
        fs::write(path.join("server.log"), "x").expect("a file");
        folder.clear().expect("cleared");
        let left = fs::read_dir(&path).expect("a folder").map(|entry| entry.expect("an entry").file_name());
        let left: std::collections::BTreeSet<_> = left.collect();
        assert_eq!(left, [LOCK, STATE].map(Into::into).into());
        drop(folder);
        fs::remove_dir_all(&path).expect("clean");
    }

    #[test]
    fn passwords_are_long_and_differ() {
        let (one, other) = (password().expect("random"), password().expect("random"));
        assert_eq!(one.len(), 14);
        assert_ne!(one, other);
    }
}
