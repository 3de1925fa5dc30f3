//! What an uploaded file is, by its own bytes: MP4 and QuickTime, and pictures.

use std::cell::Cell;
use std::io::{self, Cursor, Read, Seek, SeekFrom};

use neopro_central::storage::Kind;
use neopro_central::videos::facts::{self, Facts, HEAD};

use crate::memory;

/// What a JPEG is read through. Nothing of a file is kept besides, but its tracks.
const BUFFER: usize = 64 * 1024;

/// A box is at least eight bytes, of which the head is read, and a few numbers in it. Whoever reads more than this many
/// times the length goes through the same place again and again.
const MOST_TIMES: usize = 8;

/// The facts are possible ones, and the same for each reading; the time that reading takes is bounded by the length.
pub fn read(bytes: &[u8]) {
    let Ok(kind) = facts::sniff(&bytes[..bytes.len().min(HEAD)]) else { return };
    let read = Cell::new(0);
    let outcome =
        memory::within(BUFFER + bytes.len(), || facts::read(Counted { file: Cursor::new(bytes), read: &read }, kind));
    let (read, most) = (read.get(), BUFFER + MOST_TIMES * bytes.len());
    assert!(read <= most, "{read} bytes were read of a file of {}", bytes.len());
    let Ok(found) = outcome else { return };
    assert!(found.width > 0 && found.height > 0, "{found:?}");
    assert!(found.duration.is_none_or(|seconds| seconds > 0), "{found:?}");
    let is_video = matches!(kind, Kind::Mp4 | Kind::Mov);
    assert_eq!((found.kind, found.codec.is_some(), found.faststart.is_some()), (kind, is_video, is_video), "{found:?}");
    assert_eq!(facts::read(Cursor::new(bytes), kind).ok(), Some(found));
}

/// A QuickTime film that is higher than wide.
pub fn planted(bytes: &[u8]) -> bool {
    let Ok(Kind::Mov) = facts::sniff(&bytes[..bytes.len().min(HEAD)]) else { return false };
    let Ok(Facts { width, height, duration: Some(_), .. }) = facts::read(Cursor::new(bytes), Kind::Mov) else {
        return false;
    };
    height > width
}

/// A file that counts what is read of it.
struct Counted<'a> {
    file: Cursor<&'a [u8]>,
    read: &'a Cell<usize>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.read.set(self.read.get() + count);
        Ok(count)
    }
}

impl Seek for Counted<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
