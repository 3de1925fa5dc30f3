//! What there is to play: published by those who keep the files, read by those who show them.

use std::path::PathBuf;

/// Everything that the box can play now. Immutable: a change is a new one, sent over a `watch` channel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Library {
    /// The club's name, for the screen that is shown when there is nothing to play.
    pub club_name: Option<String>,
    /// `fr`, `en` or `es`; French when unknown.
    pub language: Option<String>,
    /// The loop, in its order.
    pub clips: Vec<Clip>,
}

/// A file that the TV can show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clip {
    /// Tells it from others, also over restarts: its SHA-256 when it came from the server, else its path.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// Where its bytes are on the disk.
    pub file: PathBuf,
    /// What it is.
    pub kind: ClipKind,
}

/// What a clip is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClipKind {
    /// Plays to its end.
    Video,
    /// Is shown for this many seconds.
    Image {
        /// Seconds, at least one.
        seconds: u32,
    },
}

/// How long a picture is shown when nobody says otherwise, in seconds.
pub const IMAGE_SECONDS: u32 = 10;
