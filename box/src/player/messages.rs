//! What box and TV page say to each other: one JSON object a message, `{"type": "…", …}`.
//!
//! The box says what to load and when to show it, the page says what really happened. A `play` is one passage of one
//! item on air: the same file shown twice is two of them, so that a late report is never taken for the wrong one.

use serde::{Deserialize, Serialize};

/// What the box tells a page.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum ToPage {
    /// The first message of a connection.
    Hello {
        /// Which version of the page this box serves; a page that was loaded from another one loads itself again.
        page: String,
    },
    /// Load this out of sight, and stop at its first picture.
    Prepare(Prepare),
    /// Let this take the place of what is visible, as soon as it can be seen.
    Show {
        /// What was prepared.
        play: u64,
    },
    /// There is nothing to play.
    Safe(Safe),
}

/// An item to load.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Prepare {
    /// Names this passage in every report.
    pub play: u64,
    /// Where its bytes are, on the box.
    pub url: String,
    /// What it is.
    pub kind: Kind,
    /// How long an image is shown, in seconds; a video knows by itself.
    pub seconds: Option<u32>,
    /// From where a video plays, in seconds.
    pub at: f64,
}

/// What an item is for the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Plays to its end.
    Video,
    /// Stands still.
    Image,
}

/// The screen for when there is nothing to play.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Safe {
    /// The club's name, if it is known.
    pub club: Option<String>,
    /// `fr`, `en` or `es`.
    pub language: &'static str,
    /// Whether a first video is missing. If not, there are some and none can be played: no news for spectators.
    pub empty: bool,
}

/// What a page reports. Moments in an item are seconds from its beginning.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum FromPage {
    /// After `hello`: what is on the screen already, from before this connection.
    Here {
        /// Where its bytes are, on the box.
        url: String,
        /// Where in the item it is.
        at: f64,
    },
    /// The first picture is decoded.
    Ready {
        /// Which passage.
        play: u64,
        /// How long the whole video is, if it says so.
        seconds: Option<f64>,
    },
    /// The first picture was seen.
    Shown {
        /// Which passage.
        play: u64,
        /// Where in the item it was.
        at: f64,
    },
    /// It is playing.
    Position {
        /// Which passage.
        play: u64,
        /// Where in the item it is.
        at: f64,
    },
    /// It came to its end.
    Ended {
        /// Which passage.
        play: u64,
    },
    /// It cannot be loaded or played.
    Failed {
        /// Which passage.
        play: u64,
        /// What the browser says, for the log.
        reason: String,
    },
}
