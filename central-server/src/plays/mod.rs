//! What boxes have shown, play by play.

pub mod store;

use crate::clock::Time;
use uuid::Uuid;

/// One showing of a video. A site, the moment and the file's name tell it from any other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Play {
    /// When it began, by the box's clock.
    pub played_at: Time,
    /// The file's name on the box, at most 255 characters.
    pub video_filename: String,
    /// The category that is counted: `sponsor`, `jingle`, `ambiance`, or a word of the installation's own.
    pub category: Option<String>,
    /// Seconds that it ran.
    pub duration_played: i32,
    /// Seconds that it has, as far as it is known.
    pub video_duration: Option<i32>,
    /// Whether it ran to its end.
    pub completed: bool,
    /// Whether a person started it.
    pub is_manual: bool,
    /// The match or the session, in the box's own words.
    pub session_id: Option<String>,
    /// The video of the library that it is.
    pub video_id: Option<Uuid>,
    /// For whom it was shown.
    pub sponsor_id: Option<Uuid>,
}
