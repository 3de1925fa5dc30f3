//! Files on this machine's disk: names of our own making, bytes that never change.
//!
//! ```text
//! <data folder>/storage/         0700
//! ├── incoming/                  files that are being written, each locked by its writer
//! └── videos/uploads/<name>      objects
//! ```
//!
//! An object appears at once and whole: it is written under `incoming`, put on the disk for good and then renamed.
//! No path of a request comes here: only a [`Bucket`] and an [`ObjectName`], which cannot hold one.

mod draft;
pub mod serve;

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::SystemTime;

pub use draft::Draft;

/// What has to stay free on the disk: the database, its log and the system live there as well.
const MARGIN: u64 = 512 * 1024 * 1024;

/// Why a file could not be stored.
#[derive(Debug)]
pub enum Error {
    /// The disk is full, or nearly.
    Full,
    /// The system refused. The text is for the log.
    Io(io::Error),
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Io(error),
        }
    }
}

/// The kinds of files that are stored and served. Closed: never SVG, HTML or XML, which a browser would run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// MPEG-4.
    Mp4,
    /// QuickTime.
    Mov,
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP.
    WebP,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Mp4, Self::Mov, Self::Jpeg, Self::Png, Self::WebP];

    /// The end of the names of its objects.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4",
            Self::Mov => "mov",
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::WebP => "webp",
        }
    }

    /// Its `Content-Type`.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Mp4 => "video/mp4",
            Self::Mov => "video/quicktime",
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
        }
    }
}

/// A folder of objects, with the name that it has at Supabase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bucket {
    /// The video library.
    Videos,
}

impl Bucket {
    const ALL: [Self; 1] = [Self::Videos];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Videos => "videos",
        }
    }
}

impl FromStr for Bucket {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|bucket| bucket.name() == text).ok_or(())
    }
}

/// The name of an object: 128 random bits in hex, and the ending of its kind. Whoever knows it may read the object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectName {
    stem: String,
    kind: Kind,
}

impl ObjectName {
    fn new(kind: Kind) -> io::Result<Self> {
        Ok(Self { stem: random()?, kind })
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The path within the bucket, as NeoPro 1 wrote it: `uploads/<name>`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("uploads/{self}")
    }

    /// Reads a path within a bucket.
    #[must_use]
    pub fn from_path(path: &str) -> Option<Self> {
        path.strip_prefix("uploads/")?.parse().ok()
    }
}

impl std::fmt::Display for ObjectName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.stem, self.kind.extension())
    }
}

impl FromStr for ObjectName {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (stem, extension) = text.split_once('.').ok_or(())?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.extension() == extension).ok_or(())?;
        let hex = stem.len() == 32 && stem.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if hex { Ok(Self { stem: stem.to_owned(), kind }) } else { Err(()) }
    }
}

/// 128 random bits as 32 hex characters.
fn random() -> io::Result<String> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(data_encoding::HEXLOWER.encode(&bytes))
}

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

/// The objects of this server.
#[derive(Debug)]
pub struct Storage {
    root: PathBuf,
    public_url: String,
}

impl Storage {
    /// The storage in this data folder, whose objects the world finds under `public_url`. Nothing is touched yet.
    #[must_use]
    pub fn new(data_dir: &Path, public_url: &str) -> Self {
        Self { root: data_dir.join("storage"), public_url: public_url.to_owned() }
    }

    /// The origin at which objects are found: `https://host[:port]`.
    #[must_use]
    pub fn origin(&self) -> String {
        let host_from = self.public_url.find("://").map_or(0, |place| place + 3);
        let end = self.public_url[host_from..].find('/').map_or(self.public_url.len(), |length| host_from + length);
        self.public_url[..end].to_owned()
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

    /// Makes a finished draft an object.
    ///
    /// # Errors
    /// See [`Error`]; then nothing is left of it.
    pub async fn keep(&self, draft: Draft, bucket: Bucket, kind: Kind) -> Result<ObjectName, Error> {
        let (folder, name) = (self.uploads(bucket), ObjectName::new(kind)?);
        let path = folder.join(name.to_string());
        blocking(move || draft.keep(&folder, &path)).await?;
        Ok(name)
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

    /// Where the world finds what stands under this path of a bucket: the URL shape of Supabase Storage.
    #[must_use]
    pub fn public_url(&self, bucket: Bucket, path: &str) -> String {
        format!("{}/storage/v1/object/public/{}/{path}", self.public_url, bucket.name())
    }

    /// The same for what a row has: rows of NeoPro 1 may have a whole address already.
    #[must_use]
    pub fn address_of(&self, bucket: Bucket, stored: &str) -> String {
        if stored.contains("://") { stored.to_owned() } else { self.public_url(bucket, stored) }
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
fn create_folder(path: &Path) -> io::Result<()> {
    let storage = path.ancestors().find(|folder| folder.ends_with("storage"));
    if let Some(data_dir) = storage.and_then(Path::parent) {
        DirBuilder::new().recursive(true).mode(0o711).create(data_dir)?;
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn check_room(place: &Path, bytes: u64) -> Result<(), Error> {
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
    fn only_names_of_our_own_making_are_read() {
        let stem = "0123456789abcdef0123456789abcdef";
        for kind in Kind::ALL {
            let name: ObjectName = format!("{stem}.{}", kind.extension()).parse().expect("a name");
            assert_eq!(name.kind(), kind);
            assert_eq!(ObjectName::from_path(&name.path()).as_ref(), Some(&name));
        }
        for wrong in [
            "",
            ".mp4",
            "a.mp4",
            &format!("{stem}.svg"),
            &format!("{stem}.mp4."),
            &format!("{stem}.MP4"),
            &format!("{stem}.mp4/"),
            &format!("{stem}/../{stem}.mp4"),
            &format!("../{stem}.mp4"),
            &format!("{}.mp4", stem.to_uppercase()),
            &format!("{stem}\0.mp4"),
            &format!("{stem}.mp4\0"),
            &format!("{}é.mp4", &stem[2..]),
        ] {
            assert!(wrong.parse::<ObjectName>().is_err(), "{wrong:?}");
        }
        assert!(ObjectName::from_path(&format!("{stem}.mp4")).is_none());
    }

    #[test]
    fn a_disk_that_would_be_full_is_noticed_before() {
        let here = Path::new("/");
        assert!(matches!(check_room(here, u64::MAX), Err(Error::Full)));
        assert!(matches!(check_room(here, 1 << 60), Err(Error::Full)));
        assert!(matches!(Error::from(io::Error::from(io::ErrorKind::StorageFull)), Error::Full));
    }
}
