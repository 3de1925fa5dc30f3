//! A file on its way: written, hashed and counted at once. All of this blocks.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use neopro_protocol::Reason;
use sha2::{Digest as _, Sha256};

use super::Failure;
use super::folder::Folder;

/// After so many bytes the disk is made to have them: a power cut costs no more, and the last sync is short.
const SYNC_EVERY: u64 = 8 * 1024 * 1024;

/// A part. Whoever has it has it alone: the file is locked until it is dropped.
pub struct Part {
    path: PathBuf,
    file: File,
    hasher: Sha256,
    length: u64,
    unsynced: u64,
}

impl Part {
    /// Opens the part of a file of this size and hashes what there is of it. More than the whole is no part.
    ///
    /// # Errors
    /// What the disk says.
    pub fn open(path: &Path, bytes: u64) -> io::Result<Self> {
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        // A download that was called off may still be writing its last piece.
        file.lock()?;
        let mut part = Self { path: path.to_owned(), file, hasher: Sha256::new(), length: 0, unsynced: 0 };
        if part.file.metadata()?.len() > bytes {
            part.restart()?;
        }
        let mut buffer = vec![0; 256 * 1024];
        loop {
            let length = part.file.read(&mut buffer)?;
            if length == 0 {
                return Ok(part);
            }
            part.hasher.update(&buffer[..length]);
            part.length += length as u64;
        }
    }

    /// How much is there.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Begins with nothing.
    ///
    /// # Errors
    /// What the disk says.
    pub fn restart(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.hasher = Sha256::new();
        self.length = 0;
        Ok(())
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// What the disk says.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        self.length += bytes.len() as u64;
        self.unsynced += bytes.len() as u64;
        if self.unsynced >= SYNC_EVERY {
            self.file.sync_data()?;
            self.unsynced = 0;
        }
        Ok(())
    }

    /// Makes the part the file, if its bytes are the right ones; otherwise it is removed.
    ///
    /// # Errors
    /// The bytes are others, or what the disk says.
    pub fn finish(self, folder: &Folder, sha256: &str, target: &Path) -> Result<(), Failure> {
        let found = HEXLOWER.encode(&self.hasher.finalize());
        if found != sha256 {
            Folder::remove(&self.path)?;
            return Err(Failure::new(
                Reason::ChecksumMismatch,
                "Les octets reçus ne sont pas ceux annoncés par le serveur (empreinte SHA-256 différente).",
            ));
        }
        self.file.sync_all()?;
        Ok(folder.install(&self.path, target)?)
    }
}
