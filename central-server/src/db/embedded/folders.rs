//! Where everything lies: the data folder with its lock and its secrets, and the folder of the
//! socket.
//!
//! ```text
//! <data folder>             ours; 0711 for root, so that the database user can walk through
//! ├── server.lock           held for our life, our process number inside
//! ├── neopro.password       0600, ours; the role that the server works with
//! ├── postgres.password     0600, ours; the role that made the database
//! ├── postgres.log          0600, ours; what PostgreSQL says (and postgres.log.1)
//! ├── postgres/             0700, the database user's; exists only when it is complete
//! └── postgres.new-<hex>/   a first start that is under way, or was interrupted
//! ```

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, lchown};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::error::EmbeddedError;
use super::machine::{Account, Machine, Orphaned};

/// The name of the socket inside its folder; PostgreSQL makes it from the port.
const SOCKET: &str = ".s.PGSQL.5432";

/// The longest path of a unix socket, in bytes without the closing zero.
const LONGEST_SOCKET_PATH: usize = if cfg!(target_os = "macos") { 103 } else { 107 };

/// At this size the log of an earlier run is put aside at the start.
const LARGEST_LOG: u64 = 10 * 1024 * 1024;

/// The folder of `NEOPRO_DATA_DIR`.
#[derive(Debug, Clone)]
pub(super) struct DataFolder {
    /// Absolute and without symbolic links, as the kernel shows it in `/proc/<pid>/cwd`.
    path: PathBuf,
}

/// The lock on a data folder: it ends with this value, or with our process however that ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl DataFolder {
    /// Makes the folder if it is not there and if the database user could reach it.
    pub(super) fn open(path: &Path, machine: &Machine) -> Result<Self, EmbeddedError> {
        let fail = |path| EmbeddedError::io("de créer le dossier", path);
        let path = &std::path::absolute(path).map_err(fail(path))?;
        let mode = if machine.uid == 0 { 0o711 } else { 0o700 };
        if !path.is_dir() {
            let existing = path.ancestors().find_map(|folder| fs::canonicalize(folder).ok());
            check_way(existing.as_deref().unwrap_or(path), machine)?;
            create_folders(path, mode).map_err(fail(path))?;
        } else if fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none()) {
            // Somebody made it for us, or we were interrupted when we made it.
            fs::set_permissions(path, Permissions::from_mode(mode)).map_err(fail(path))?;
        }
        Ok(Self { path: fs::canonicalize(path).map_err(fail(path))? })
    }

    /// Makes sure that the database user can reach the folder.
    pub(super) fn check_way(&self, machine: &Machine) -> Result<(), EmbeddedError> {
        check_way(&self.path, machine)
    }

    /// A folder that need not exist.
    #[cfg(test)]
    pub(super) fn at(path: &str) -> Self {
        Self { path: path.into() }
    }

    /// The folder itself.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// PostgreSQL's own data folder.
    pub(super) fn cluster(&self) -> PathBuf {
        self.path.join("postgres")
    }

    /// A new name for a data folder that is not complete yet.
    pub(super) fn new_cluster(&self) -> Result<PathBuf, EmbeddedError> {
        Ok(self.path.join(format!("postgres.new-{}", HEXLOWER.encode(&random::<4>()?))))
    }

    /// Whether this, as `/proc` shows it, is PostgreSQL's data folder or one that is not complete
    /// yet.
    pub(super) fn is_cluster(&self, folder: &Path) -> bool {
        // Somebody may have moved it to another disk and left a link.
        let cluster = fs::canonicalize(self.cluster()).unwrap_or_else(|_| self.cluster());
        folder == cluster || self.is_new_cluster(folder)
    }

    /// Whether this is what an interrupted first start left.
    pub(super) fn is_new_cluster(&self, folder: &Path) -> bool {
        let name = folder.file_name().unwrap_or_default().as_bytes();
        folder.parent() == Some(&self.path) && name.starts_with(b"postgres.new-")
    }

    /// Where PostgreSQL's messages go.
    pub(super) fn log(&self) -> PathBuf {
        self.path.join("postgres.log")
    }

    /// Where the password of a role stands.
    pub(super) fn password(&self, role: &str) -> PathBuf {
        self.path.join(format!("{role}.password"))
    }

    /// Eight hex digits that are this folder's own: they stand in the socket's path and in the
    /// titles of PostgreSQL's processes.
    pub(super) fn mark(&self) -> String {
        HEXLOWER.encode(&Sha256::digest(self.path.as_os_str().as_bytes())[..4])
    }

    /// Takes the lock, or says who has it.
    ///
    /// The kernel lets go of it when our last descriptor is closed, so there is no stale lock. The
    /// file stays: whoever deleted it could take a lock beside ours.
    pub(super) fn lock(&self) -> Result<Lock, EmbeddedError> {
        let path = self.lock_file();
        let fail = || EmbeddedError::io("de verrouiller le fichier", &path);
        let mut file =
            OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path).map_err(fail())?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(EmbeddedError::Locked { folder: self.path.clone(), holder: self.lock_holder() });
            }
            Err(TryLockError::Error(error)) => return Err(fail()(error)),
        }
        file.set_len(0).map_err(fail())?;
        writeln!(file, "{}", std::process::id()).map_err(fail())?;
        Ok(Lock { _file: file })
    }

    /// The process that wrote its number into the lock file.
    pub(super) fn lock_holder(&self) -> Option<u32> {
        fs::read_to_string(self.lock_file()).ok()?.trim().parse().ok()
    }

    fn lock_file(&self) -> PathBuf {
        self.path.join("server.lock")
    }

    /// The log, for a child to write into.
    pub(super) fn open_log(&self) -> Result<File, EmbeddedError> {
        let path = self.log();
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path)
            .map_err(EmbeddedError::io("d'écrire le fichier", &path))
    }

    /// Puts a large log of earlier runs aside.
    pub(super) fn rotate_log(&self) -> Result<(), EmbeddedError> {
        let path = self.log();
        if fs::metadata(&path).is_ok_and(|log| log.len() > LARGEST_LOG) {
            fs::rename(&path, path.with_extension("log.1"))
                .map_err(EmbeddedError::io("de renommer le fichier", &path))?;
        }
        Ok(())
    }

    /// Makes the folder for the socket, or checks the one that is there, and returns it.
    ///
    /// The socket does not lie in the data folder because its path would often be too long, and
    /// because `/run` is emptied when the machine starts.
    pub(super) fn socket_folder(
        &self,
        machine: &Machine,
        runtime_dir: Option<&Path>,
    ) -> Result<PathBuf, EmbeddedError> {
        let mark = self.mark();
        let own = if machine.account.is_some() { Some(Path::new("/run")) } else { runtime_dir };
        let folder = own
            .filter(|base| base.is_absolute() && base.is_dir())
            .map(|base| base.join(format!("neopro-{mark}")))
            .into_iter()
            .chain([PathBuf::from(format!("/tmp/neopro-{}-{mark}", machine.uid))])
            .find(|folder| fits(folder))
            .ok_or(EmbeddedError::NoSocketFolder)?;
        make_private(&folder, machine)?;
        Ok(folder)
    }
}

/// Checks that the database user, if that is not ourselves, can walk to the folder: with the mode
/// bits, and as they know nothing of access lists, where they say no, by sending that user there.
fn check_way(folder: &Path, machine: &Machine) -> Result<(), EmbeddedError> {
    let Some(account) = &machine.account else {
        return Ok(());
    };
    let mut way: Vec<&Path> = folder.ancestors().collect();
    way.reverse();
    for folder in way {
        let facts = fs::metadata(folder).map_err(EmbeddedError::io("de lire les droits du dossier", folder))?;
        let passage = if facts.uid() == account.uid {
            0o100
        } else if facts.gid() == account.gid {
            0o010
        } else {
            0o001
        };
        if facts.mode() & passage == 0 {
            let mut test = machine.command("test", Orphaned::IsKilled);
            let enters = test.arg("-x").arg(folder).status();
            if !enters.map_err(EmbeddedError::program("test"))?.success() {
                return Err(EmbeddedError::Closed { folder: folder.to_owned(), account: account.name.to_owned() });
            }
        }
    }
    Ok(())
}

/// Removes the socket of a postmaster that is no more. Its lock file would stop the next one if
/// the process number inside happens to be in use again.
pub(super) fn remove_socket(folder: &Path) {
    for name in [SOCKET.to_owned(), format!("{SOCKET}.lock")] {
        // Mostly there is none.
        let _ = fs::remove_file(folder.join(name));
    }
}

/// Writes a file that only we can read, so that after a power cut it is there as a whole or not
/// at all.
pub(super) fn write_secret(path: &Path, secret: &str) -> Result<(), EmbeddedError> {
    let fail = || EmbeddedError::io("d'écrire le fichier", path);
    let draft = path.with_extension("password.new");
    // The mode counts for a new file only.
    let _ = fs::remove_file(&draft);
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&draft).map_err(fail())?;
    writeln!(file, "{secret}").map_err(fail())?;
    file.sync_all().map_err(fail())?;
    fs::rename(&draft, path).map_err(fail())?;
    sync_folder(path.parent().unwrap_or(path))
}

/// Reads what [`write_secret`] wrote; `None` if there is no such file.
pub(super) fn read_secret(path: &Path) -> Result<Option<String>, EmbeddedError> {
    match fs::read_to_string(path) {
        Ok(secret) => Ok(Some(secret.trim().to_owned()).filter(|secret| !secret.is_empty())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(EmbeddedError::io("de lire le fichier", path)(error)),
    }
}

/// Makes a folder's entries (a new file, a rename) survive a power cut.
pub(super) fn sync_folder(folder: &Path) -> Result<(), EmbeddedError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(EmbeddedError::io("d'écrire le dossier", folder))
}

/// Makes a new folder that belongs to the database user alone.
pub(super) fn create_private(folder: &Path, machine: &Machine) -> Result<(), EmbeddedError> {
    let fail = || EmbeddedError::io("de créer le dossier", folder);
    DirBuilder::new().mode(0o700).create(folder).map_err(fail())?;
    if let Some(Account { uid, gid, .. }) = machine.account {
        lchown(folder, Some(uid), Some(gid)).map_err(fail())?;
    }
    Ok(())
}

/// Random bytes from the operating system.
pub(super) fn random<const N: usize>() -> Result<[u8; N], EmbeddedError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        let source = io::Error::other(error.to_string());
        EmbeddedError::io("de lire des nombres aléatoires dans", Path::new("/dev/urandom"))(source)
    })?;
    Ok(bytes)
}

/// Makes the folder and those above it that are missing. The mode is set and not only asked for: a
/// strict umask would close the folder to the database user.
fn create_folders(folder: &Path, mode: u32) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        create_folders(parent, mode)?;
    }
    match DirBuilder::new().mode(mode).create(folder) {
        Ok(()) => fs::set_permissions(folder, Permissions::from_mode(mode)),
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether a socket in this folder has a path that the kernel takes, and that PostgreSQL does not
/// take for a list.
fn fits(folder: &Path) -> bool {
    let path = folder.as_os_str().as_bytes();
    path.len() + 1 + SOCKET.len() <= LONGEST_SOCKET_PATH && !path.contains(&b',') && !path.contains(&b'"')
}

/// A folder that exists under a name which others could guess is believed only if nobody else can
/// have put it there or can look into it.
fn make_private(folder: &Path, machine: &Machine) -> Result<(), EmbeddedError> {
    let private = |folder: &Path| {
        fs::symlink_metadata(folder)
            .is_ok_and(|facts| facts.is_dir() && facts.uid() == machine.database_uid() && facts.mode() & 0o777 == 0o700)
    };
    if private(folder) {
        return Ok(());
    }
    // What we were interrupted at is empty; anything else stays where it is and is refused below.
    let _ = fs::remove_dir(folder);
    match create_private(folder, machine) {
        Err(EmbeddedError::Io { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {
            Err(EmbeddedError::SocketFolder { folder: folder.to_owned() })
        }
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_path_may_have_107_bytes_and_no_more() {
        let longest = LONGEST_SOCKET_PATH - 1 - SOCKET.len();
        let folder = |length: usize| PathBuf::from(format!("/{}", "x".repeat(length - 1)));
        assert!(fits(&folder(longest)));
        assert!(!fits(&folder(longest + 1)));
        assert!(!fits(Path::new("/run/a,b")));
    }

    #[test]
    fn only_our_own_folders_are_taken_for_data() {
        let folder = DataFolder::at("/srv/neopro");
        assert!(folder.is_cluster(Path::new("/srv/neopro/postgres")));
        assert!(folder.is_cluster(Path::new("/srv/neopro/postgres.new-0a1b2c3d")));
        assert!(!folder.is_cluster(Path::new("/srv/neopro/postgres/base")));
        assert!(!folder.is_cluster(Path::new("/srv/neopro")));
        assert!(!folder.is_cluster(Path::new("/srv/other/postgres.new-0a1b2c3d")));
    }
}
