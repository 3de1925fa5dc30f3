//! Where files are kept: names of our own making, bytes that never change.
//!
//! There are two places. [`Local`] is this machine's disk, where every file that comes through this server is written
//! first; [`Remote`] is a storage outside. Where one is configured, a file goes on to it and is an object there, people's
//! browsers write to it by addresses that we sign, and boxes read from it. What was kept on the disk before stays
//! readable there, until it was copied (`neopro-central storage copy`).
//!
//! Here and at Supabase objects have the addresses of Supabase Storage; a storage that speaks S3 has its own. An object
//! appears at once and whole.

pub mod copy;
mod draft;
mod local;
pub mod probe;
pub mod remote;
mod s3;
pub mod serve;
mod supabase;
mod trouble;
pub mod watch;
mod wire;

use std::fs::File;
use std::io;
use std::str::FromStr;

pub use draft::Draft;
pub use local::{Local, Object};
pub use remote::{Put, Remote, Resumable, Signed, Stored};
pub use s3::S3;
pub use supabase::Supabase;
pub use trouble::Trouble;

use crate::config::{Config, Place};

/// How many names are tried for one object. That a single one is taken is not to be expected in the life of the universe.
const MOST_NAMES: usize = 3;

/// Why a file could not be stored.
#[derive(Debug)]
pub enum Error {
    /// The disk is full, or nearly.
    Full,
    /// The system refused. The text is for the log.
    Io(io::Error),
    /// The storage outside does not do it.
    Outside(Trouble),
}

impl From<Trouble> for Error {
    fn from(trouble: Trouble) -> Self {
        Self::Outside(trouble)
    }
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
    /// Packages of the boxes' own software.
    SoftwareUpdates,
}

impl Bucket {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Videos, Self::SoftwareUpdates];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Videos => "videos",
            Self::SoftwareUpdates => "software-updates",
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
/// NeoPro 1 wrote them as a UUID, with dashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectName {
    stem: String,
    kind: Kind,
}

impl ObjectName {
    /// A new one.
    ///
    /// # Errors
    /// The system has no random bits.
    pub fn new(kind: Kind) -> io::Result<Self> {
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
        let is_hex = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let is_ours = match stem.len() {
            32 => is_hex(stem),
            36 => stem.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && stem.split('-').all(is_hex),
            _ => false,
        };
        if is_ours { Ok(Self { stem: stem.to_owned(), kind }) } else { Err(()) }
    }
}

/// 128 random bits as 32 hex characters.
fn random() -> io::Result<String> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(data_encoding::HEXLOWER.encode(&bytes))
}

/// The objects of this server.
#[derive(Debug)]
pub struct Storage {
    local: Local,
    remote: Option<Remote>,
    /// Where objects are found, up to `/storage/v1`.
    public_url: String,
}

impl Storage {
    /// The storage of this configuration. Nothing is touched yet.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let remote = Remote::of(config);
        let public_url = remote.as_ref().map_or_else(|| config.own_url(), |remote| remote.public_url().to_owned());
        Self { local: Local::new(&config.data_dir), remote, public_url }
    }

    /// This machine's disk.
    #[must_use]
    pub fn local(&self) -> &Local {
        &self.local
    }

    /// The storage outside, if there is one.
    #[must_use]
    pub fn remote(&self) -> Option<&Remote> {
        self.remote.as_ref()
    }

    /// The origin at which objects are found: `https://host[:port]`.
    #[must_use]
    pub fn origin(&self) -> String {
        let host_from = self.public_url.find("://").map_or(0, |place| place + 3);
        let end = self.public_url[host_from..].find('/').map_or(self.public_url.len(), |length| host_from + length);
        self.public_url[..end].to_owned()
    }

    /// The largest object that it takes, where less than `ours` is known.
    #[must_use]
    pub fn most_bytes(&self, ours: u64) -> u64 {
        self.remote.as_ref().and_then(Remote::most_bytes).map_or(ours, |most| most.min(ours))
    }

    /// A file to write into, which vanishes unless it is kept.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn draft(&self) -> Result<Draft, Error> {
        self.local.draft().await
    }

    /// Makes a finished draft an object.
    ///
    /// # Errors
    /// See [`Error`]; then nothing is left of it.
    pub async fn keep(&self, draft: Draft, bucket: Bucket, kind: Kind) -> Result<ObjectName, Error> {
        let Some(remote) = &self.remote else {
            let name = ObjectName::new(kind)?;
            self.local.keep(draft, bucket, &name).await?;
            return Ok(name);
        };
        remote.check_size(bucket, draft.size()).await?;
        for _ in 0..MOST_NAMES {
            let name = ObjectName::new(kind)?;
            match remote.put(bucket, &name.path(), kind.media_type(), &|| draft.reader(), draft.size()).await? {
                Put::Stored => return Ok(name),
                Put::Taken => tracing::warn!(%name, "a name was taken; another one is tried"),
            }
        }
        Err(Trouble::Odd("every new name is taken".into()).into())
    }

    /// Deletes what a row calls this path, wherever it is; whether it was there.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn delete(&self, bucket: Bucket, path: &str) -> Result<bool, Error> {
        let mut was_there = match ObjectName::from_path(path) {
            Some(name) => self.local.delete(bucket, &name).await?,
            None => false,
        };
        // An address of NeoPro 1 that is not below our own is not ours to delete.
        if let Some(remote) = self.remote.as_ref().filter(|_| !path.contains("://")) {
            was_there |= remote.delete(bucket, path).await?;
        }
        Ok(was_there)
    }

    /// Where the world finds what stands under this path of a bucket: the URL shape of Supabase Storage.
    #[must_use]
    pub fn public_url(&self, bucket: Bucket, path: &str) -> String {
        match &self.remote {
            Some(remote) => remote.address_of(bucket, path),
            None => format!("{}/storage/v1/object/public/{}/{path}", self.public_url, bucket.name()),
        }
    }

    /// The same for what a row has: rows of NeoPro 1 may have a whole address already.
    #[must_use]
    pub fn address_of(&self, bucket: Bucket, stored: &str) -> String {
        if stored.contains("://") { stored.to_owned() } else { self.public_url(bucket, stored) }
    }

    /// Which place it is.
    #[must_use]
    pub fn place(&self) -> Place {
        self.remote.as_ref().map_or(Place::Local, Remote::place)
    }
}

/// A path as it stands in an address. Ours need nothing; those of NeoPro 1 have the endings of people's files.
fn encoded(path: &str) -> String {
    const KEPT: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    percent_encoding::utf8_percent_encode(path, KEPT).to_string()
}

/// Opens a file once more for each try to send it.
pub type Again<'a> = &'a (dyn Fn() -> Result<File, Error> + Sync);

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
        let of_neopro_1 = "uploads/01234567-89ab-4def-8123-456789abcdef.mp4";
        assert_eq!(ObjectName::from_path(of_neopro_1).expect("a name").path(), of_neopro_1);
        for wrong in [
            "",
            "01234567-89ab-4def-8123-456789abcde-.mp4",
            "0123456789ab-4def-8123--456789abcdef.mp4",
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
}
