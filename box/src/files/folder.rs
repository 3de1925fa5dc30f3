//! The folder of the files that the server wants: `<VIDEOS_PATH>/central/<sha256>.<extension>`.
//!
//! A file has its final name only when it is whole. Only names that the box gives itself are ever removed. All of
//! this blocks.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

/// The name of the folder.
pub const NAME: &str = "central";
/// The extension of a file that is on its way.
const PART: &str = "part";

/// The folder.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

/// What is in the folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Whole files by their SHA-256, with their size.
    pub files: BTreeMap<String, (PathBuf, u64)>,
    /// What there is of files on their way, in bytes, by their SHA-256.
    pub parts: BTreeMap<String, u64>,
    /// Names that are none of ours.
    pub unknown: Vec<String>,
}

/// Whether this is a SHA-256 as we write it: nothing else may become a name.
#[must_use]
pub fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The extension for a type of media.
#[must_use]
pub fn extension(media_type: &str) -> &'static str {
    match media_type {
        "video/mp4" => "mp4",
        "video/quicktime" => "mov",
        "image/jpeg" => "jpg",
        "image/png" => "png",
        "image/webp" => "webp",
        _ => "bin",
    }
}

impl Folder {
    /// The folder below that of the videos.
    #[must_use]
    pub fn below(videos: &Path) -> Self {
        Self(videos.join(NAME))
    }

    /// Makes the folder, if there is none.
    ///
    /// # Errors
    /// What the disk says: a card that wears out can often still be read.
    pub fn make(&self) -> io::Result<()> {
        fs::create_dir_all(&self.0)
    }

    /// Where a whole file is.
    #[must_use]
    pub fn file(&self, sha256: &str, media_type: &str) -> PathBuf {
        self.0.join(format!("{sha256}.{}", extension(media_type)))
    }

    /// Where a file is while it is on its way.
    #[must_use]
    pub fn part(&self, sha256: &str) -> PathBuf {
        self.0.join(format!("{sha256}.{PART}"))
    }

    /// What is there; nothing, if there is no folder.
    ///
    /// # Errors
    /// What the disk says.
    pub fn contents(&self) -> io::Result<Contents> {
        let mut contents = Contents::default();
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(contents),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let own = name.split_once('.').filter(|(sha256, _)| is_sha256(sha256));
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                // Renamed or removed since the folder was read.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            match own {
                Some((sha256, PART)) => {
                    contents.parts.insert(sha256.to_owned(), metadata.size());
                }
                Some((sha256, _)) if metadata.is_file() => {
                    contents.files.insert(sha256.to_owned(), (entry.path(), metadata.size()));
                }
                _ => contents.unknown.push(name),
            }
        }
        Ok(contents)
    }

    /// Gives a whole file its final name, for good: it is there after a power cut too.
    ///
    /// # Errors
    /// What the disk says.
    pub fn install(&self, part: &Path, target: &Path) -> io::Result<()> {
        fs::rename(part, target)?;
        File::open(&self.0)?.sync_all()
    }

    /// Takes over a file that is somewhere else on the box: a second name for it, or a copy where that is impossible.
    ///
    /// # Errors
    /// What the disk says, or that a copy is not what was copied.
    pub fn take_over(&self, found: &Path, sha256: &str, target: &Path) -> io::Result<()> {
        // Whoever put it there may not have waited for the disk.
        File::open(found)?.sync_all()?;
        match fs::hard_link(found, target) {
            Ok(()) => File::open(&self.0)?.sync_all(),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(_) => self.copy(found, sha256, target),
        }
    }

    fn copy(&self, found: &Path, sha256: &str, target: &Path) -> io::Result<()> {
        let part = self.part(sha256);
        fs::copy(found, &part)?;
        File::open(&part)?.sync_all()?;
        if hash(&part, Duration::ZERO)? != sha256 {
            Self::remove(&part)?;
            return Err(io::Error::other("the copy is not what was copied"));
        }
        self.install(&part, target)
    }

    /// Removes a file, or what there is of it. One that is gone already is no mistake.
    ///
    /// # Errors
    /// What the disk says.
    pub fn remove(path: &Path) -> io::Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// The SHA-256 of a file's bytes. With a pause after each piece of 256 kB it leaves the disk to the player.
///
/// # Errors
/// What the disk says.
pub fn hash(path: &Path, pause: Duration) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let length = file.read(&mut buffer)?;
        if length == 0 {
            return Ok(HEXLOWER.encode(&hasher.finalize()));
        }
        hasher.update(&buffer[..length]);
        if !pause.is_zero() {
            std::thread::sleep(pause);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::scratch;
    use super::*;

    #[test]
    fn only_names_of_ours_are_known() {
        let folder = Folder::below(&scratch("folder"));
        assert_eq!(folder.contents().expect("nothing"), Contents::default());
        folder.make().expect("a folder");
        let sha256 = "a".repeat(64);
        let path = folder.file(&sha256, "video/mp4");
        fs::write(&path, "x").expect("written");
        fs::write(folder.part(&"b".repeat(64)), "y").expect("written");
        for name in ["club.mp4", "A.mp4", &format!("{}.mp4", "A".repeat(64)), &"c".repeat(64)] {
            fs::write(folder.0.join(name), "z").expect("written");
        }
        let contents = folder.contents().expect("read");
        assert_eq!(contents.files, BTreeMap::from([(sha256, (path, 1))]));
        assert_eq!(contents.parts, BTreeMap::from([("b".repeat(64), 1)]));
        assert_eq!(contents.unknown.len(), 4);
        assert!(!is_sha256("../../etc/passwd") && !is_sha256(&"g".repeat(64)));
    }

    #[test]
    fn a_file_is_taken_over_without_being_copied() {
        let videos = scratch("take-over");
        let folder = Folder::below(&videos);
        folder.make().expect("a folder");
        let found = videos.join("club.mp4");
        fs::write(&found, "abc").expect("written");
        let sha256 = hash(&found, Duration::ZERO).expect("a hash");
        assert_eq!(sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let target = folder.file(&sha256, "video/mp4");
        folder.take_over(&found, &sha256, &target).expect("taken over");
        assert_eq!(fs::metadata(&target).expect("there").ino(), fs::metadata(&found).expect("there").ino());
        fs::remove_file(&target).expect("removed");
        folder.copy(&found, &sha256, &target).expect("copied");
        assert_eq!(fs::read(&target).expect("there"), b"abc");
        let other = "b".repeat(64);
        assert!(folder.copy(&found, &other, &folder.file(&other, "video/mp4")).is_err());
        assert_eq!(folder.contents().expect("read").files.len(), 1);
    }
}
