//! A file on its way into the storage.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncWriteExt as _, BufWriter};

use super::local::{check_room, create_folder};
use super::{Error, random};

/// After so many bytes they are put on the disk, and the room on it is looked at again. Otherwise gigabytes would
/// gather in the system's memory, which a small container counts as ours, and be waited for at the end.
const SYNC_EVERY: u64 = 32 * 1024 * 1024;

/// Small pieces are gathered up to this size: each write is a walk to another thread.
const BUFFER: usize = 256 * 1024;

/// A file that is being written. It vanishes from the disk when it is dropped, unless it was kept.
#[derive(Debug)]
pub struct Draft {
    file: BufWriter<tokio::fs::File>,
    place: Place,
    digest: Sha256,
    size: u64,
    unsynced: u64,
}

/// Where a draft lies, until it is kept.
#[derive(Debug)]
struct Place(Option<PathBuf>);

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(path) = self.0.take()
            && let Err(error) = fs::remove_file(&path)
        {
            tracing::warn!(%error, "a file that was not wanted could not be removed; the next start tries again");
        }
    }
}

impl Draft {
    pub(super) fn create(folder: &Path) -> Result<Self, Error> {
        create_folder(folder)?;
        let path = folder.join(random()?);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        let place = Place(Some(path));
        // Held until the file is closed, so that a start of another server can tell it from what a crash left.
        file.try_lock().map_err(io::Error::from)?;
        let file = BufWriter::with_capacity(BUFFER, tokio::fs::File::from_std(file));
        Ok(Self { file, place, digest: Sha256::new(), size: 0, unsynced: 0 })
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.digest.update(bytes);
        self.file.write_all(bytes).await?;
        let added = bytes.len() as u64;
        self.size += added;
        self.unsynced += added;
        if self.unsynced >= SYNC_EVERY {
            self.finish().await?;
            check_room(self.path()?, 0)?;
        }
        Ok(())
    }

    /// Puts all bytes on the disk.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn finish(&mut self) -> Result<(), Error> {
        self.file.flush().await?;
        self.file.get_ref().sync_all().await?;
        self.unsynced = 0;
        Ok(())
    }

    /// How many bytes were written.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The SHA-256 of what was written, 64 hex characters.
    #[must_use]
    pub fn checksum(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.digest.clone().finalize())
    }

    /// The file once more, to read what was written and finished.
    ///
    /// # Errors
    /// The system refused.
    pub fn reader(&self) -> Result<File, Error> {
        Ok(File::open(self.path()?)?)
    }

    pub(super) fn keep(mut self, folder: &Path, path: &Path) -> Result<(), Error> {
        create_folder(folder)?;
        fs::rename(self.path()?, path)?;
        self.place.0 = Some(path.to_owned());
        // Without this the name may be gone after a power cut, though the row is there.
        File::open(folder)?.sync_all()?;
        self.place.0 = None;
        Ok(())
    }

    fn path(&self) -> io::Result<&Path> {
        self.place.0.as_deref().ok_or_else(|| io::Error::other("this draft was kept already"))
    }
}
