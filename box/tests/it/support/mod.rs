//! What the tests stand on.

pub mod boxed;
pub mod central;
pub mod storage;

use std::path::{Path, PathBuf};
use std::time::Duration;

use data_encoding::HEXLOWER;
use neopro_protocol::Media;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// How long a test waits for something before it fails.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// An empty folder for one test.
pub fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("box-{}", std::process::id())).join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("an old folder goes");
    }
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// Bytes that look like nothing in particular, the same for the same seed.
pub fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut random = Random(seed);
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        bytes.extend(random.next().to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// A file's SHA-256.
pub fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

/// A video with these bytes at this address.
pub fn media(bytes: &[u8], url: String) -> Media {
    Media {
        id: Uuid::now_v7(),
        sha256: sha256(bytes),
        bytes: bytes.len() as u64,
        url,
        name: "Boulangerie".into(),
        category: None,
        subcategory: None,
        media_type: "video/mp4".into(),
        seconds: None,
        in_loop: true,
        attempt: 0,
    }
}

/// Numbers in a sequence that a seed repeats (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^ (number >> 31)
    }

    /// Below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}
