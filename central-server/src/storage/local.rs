//! Objects on this machine's disk.
//!
//! ```text
//! <data folder>/storage/         0700
//! ├── incoming/                  files that are being written, each locked by its writer
//! └── videos/uploads/<name>      objects
//! ```
//!
//! An object appears at once and whole: it is written under `incoming`, put on the disk for good and then renamed.
//! No path of a request comes here: only a [`Bucket`] and an [`ObjectName`], which cannot hold one.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{Bucket, Draft, Error, ObjectName};

/// What has to stay free on the disk: the database, its log and the system live there as well.
const MARGIN: u64 = 512 * 1024 * 1024;

/// An object that is open for reading.
#[derive(Debug)]
pub struct Object {
    /// Its bytes.
    pub file: File,
    /// How many there are.
    pub size: u64,
    /// When it was stored.
    pub stored_at: SystemTime,
}

/// The objects of this machine.
#[derive(Debug, Clone)]
pub struct Local {
    root: PathBuf,
}

impl Local {
    /// Those in this data folder. Nothing is touched yet.
    #[must_use]
    pub fn new(data_dir: &Path) -> Self {
        Self { root: data_dir.join("storage") }
    }

    /// Makes the folders, and removes what a run that crashed was writing.
    ///
    /// # Returns
    /// How many such files there were.
    ///
    /// # Errors
    /// The folders cannot be made or read.
    pub fn prepare(&self) -> io::Result<usize> {
        create_folder(&self.incoming())?;
        for bucket in Bucket::ALL {
            create_folder(&self.uploads(bucket))?;
        }
        let mut removed = 0;
        for entry in fs::read_dir(self.incoming())? {
            let path = entry?.path();
            // Another server beside us may be writing it; the lock ends with its writer, however that ends.
            if File::open(&path).is_ok_and(|file| file.try_lock().is_ok()) {
                fs::remove_file(&path)?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Whether `bytes` more may be written.
    ///
    /// # Errors
    /// [`Error::Full`] if too little would stay free.
    pub fn check_room(&self, bytes: u64) -> Result<(), Error> {
        let place = self.root.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("/"));
        check_room(place, bytes)
    }

    /// A file to write into, which vanishes unless it is kept.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn draft(&self) -> Result<Draft, Error> {
        let folder = self.incoming();
        blocking(move || Draft::create(&folder)).await
    }

    /// Makes a finished draft an object of this name.
    ///
    /// # Errors
    /// See [`Error`]; then nothing is left of it.
    pub async fn keep(&self, draft: Draft, bucket: Bucket, name: &ObjectName) -> Result<(), Error> {
        let folder = self.uploads(bucket);
        let path = folder.join(name.to_string());
        blocking(move || draft.keep(&folder, &path)).await
    }

    /// Opens an object; `None` if there is none of this name.
    ///
    /// # Errors
    /// The system refused to read it.
    pub async fn open(&self, bucket: Bucket, name: &ObjectName) -> Result<Option<Object>, Error> {
        let path = self.uploads(bucket).join(name.to_string());
        blocking(move || {
            let file = match File::open(path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            let facts = file.metadata()?;
            Ok(Some(Object { file, size: facts.len(), stored_at: facts.modified()? }))
        })
        .await
    }

    /// Deletes an object. Who reads it may go on; whether it was there.
    ///
    /// # Errors
    /// The system refused.
    pub async fn delete(&self, bucket: Bucket, name: &ObjectName) -> Result<bool, Error> {
        let path = self.uploads(bucket).join(name.to_string());
        blocking(move || match fs::remove_file(path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.into()),
        })
        .await
    }

    /// The objects of a bucket, by name.
    ///
    /// # Errors
    /// The system refused.
    pub fn names(&self, bucket: Bucket) -> io::Result<Vec<ObjectName>> {
        let entries = match fs::read_dir(self.uploads(bucket)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut names = Vec::new();
        for entry in entries {
            names.extend(entry?.file_name().to_str().and_then(|name| name.parse().ok()));
        }
        names.sort_by_key(ToString::to_string);
        Ok(names)
    }

    fn incoming(&self) -> PathBuf {
        self.root.join("incoming")
    }

    fn uploads(&self, bucket: Bucket) -> PathBuf {
        self.root.join(bucket.name()).join("uploads")
    }
}

/// Makes a folder below the storage's. The data folder itself may be walked through, since the database's user has
/// to; what is below the storage is ours alone.
pub(super) fn create_folder(path: &Path) -> io::Result<()> {
    let storage = path.ancestors().find(|folder| folder.ends_with("storage"));
    if let Some(data_dir) = storage.and_then(Path::parent) {
        DirBuilder::new().recursive(true).mode(0o711).create(data_dir)?;
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

pub(super) fn check_room(place: &Path, bytes: u64) -> Result<(), Error> {
    let disk = rustix::fs::statvfs(place).map_err(io::Error::from)?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if free < bytes.saturating_add(MARGIN) { Err(Error::Full) } else { Ok(()) }
}

/// Runs what waits for the disk where it keeps no request waiting.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(Error::Io(io::Error::other(error))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_would_be_full_is_noticed_before() {
        let here = Path::new("/");
        assert!(matches!(check_room(here, u64::MAX), Err(Error::Full)));
        assert!(matches!(check_room(here, 1 << 60), Err(Error::Full)));
        assert!(matches!(Error::from(io::Error::from(io::ErrorKind::StorageFull)), Error::Full));
    }
}
