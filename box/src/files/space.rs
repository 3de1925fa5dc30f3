//! How much room there is for one more file, with what the running downloads still need counted in.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::system::{Room, room};

/// What is left free at least: a full card stops the whole box.
const MARGIN_BYTES: u64 = 256 * 1024 * 1024;
const MARGIN_PERCENT: u64 = 5;

/// Tells the room of a folder's disk; `None` when it is not known.
pub type Gauge = Arc<dyn Fn(&Path) -> Option<Room> + Send + Sync>;

/// The room of a disk. Cheap to clone.
#[derive(Clone)]
pub struct Space(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    gauge: Gauge,
    promised: AtomicU64,
}

impl Space {
    /// The room of a folder's disk.
    #[must_use]
    pub fn of(folder: &Path, gauge: Option<Gauge>) -> Self {
        let gauge = gauge.unwrap_or_else(|| Arc::new(room));
        Self(Arc::new(Inner { folder: folder.to_owned(), gauge, promised: AtomicU64::new(0) }))
    }

    /// Bytes that could be used now, without the margin. A disk that does not tell its room is taken to have some:
    /// writing will say so if not.
    fn usable(&self) -> u64 {
        let Some(Room { free, total }) = (self.0.gauge)(&self.0.folder) else { return u64::MAX };
        free.saturating_sub(MARGIN_BYTES.min(total / 100 * MARGIN_PERCENT))
    }

    /// Whether the margin is still whole.
    #[must_use]
    pub fn is_left(&self) -> bool {
        self.usable() > 0
    }

    /// Whether there is room for so many bytes more.
    #[must_use]
    pub fn has(&self, bytes: u64) -> bool {
        self.usable().saturating_sub(self.0.promised.load(Ordering::SeqCst)) >= bytes
    }

    /// Promises room for so many bytes; `None` if there is not enough.
    #[must_use]
    pub fn promise(&self, bytes: u64) -> Option<Promise> {
        let usable = self.usable();
        let promise = |promised: u64| promised.checked_add(bytes).filter(|promised| *promised <= usable);
        self.0.promised.fetch_update(Ordering::SeqCst, Ordering::SeqCst, promise).ok()?;
        Some(Promise { space: self.clone(), bytes })
    }
}

/// Room that is kept for a download. Dropped, it is free again.
pub struct Promise {
    space: Space,
    bytes: u64,
}

impl Promise {
    /// So many bytes are written: the disk itself counts them from now on.
    pub fn used(&mut self, bytes: u64) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        self.space.0.promised.fetch_sub(bytes, Ordering::SeqCst);
    }

    /// The disk that it is of.
    #[must_use]
    pub fn space(&self) -> &Space {
        &self.space
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        self.space.0.promised.fetch_sub(self.bytes, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_promised_is_not_promised_again() {
        let gauge: Gauge = Arc::new(|_| Some(Room { free: 1_000, total: 10_000 }));
        let space = Space::of(Path::new("/"), Some(gauge));
        // 5 % of 10,000 are the margin.
        let mut first = space.promise(400).expect("room");
        assert!(space.promise(101).is_none() && space.has(100));
        first.used(300);
        assert!(space.has(400) && !space.has(401));
        drop(first);
        assert!(space.has(500) && !space.has(501));
    }

    #[test]
    fn a_disk_that_does_not_tell_is_tried() {
        let space = Space::of(Path::new("/"), Some(Arc::new(|_| None)));
        assert!(space.has(1 << 40) && space.is_left());
    }
}
