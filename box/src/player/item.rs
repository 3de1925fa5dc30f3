//! The two items that matter at any time: the one on air and the one that comes next.

use std::time::Duration;

use super::broadcast::{END_MARGIN, LONGEST, Moment};
use super::messages::{Kind, Prepare, ToPage};
use super::token;
use crate::library::{Clip, ClipKind};

/// The item on the screen, or on its way there.
#[derive(Debug)]
pub struct OnAir {
    /// Which passage it is.
    pub play: u64,
    pub clip: Clip,
    /// Its place in the loop, if it is still there.
    pub index: Option<usize>,
    /// Seconds from its beginning, and when it was there.
    pub at: f64,
    pub since: Moment,
    /// How long the whole of it is, if that is known.
    pub seconds: Option<f64>,
    pub phase: Phase,
}

/// How far the item on air is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Phase {
    /// The page was asked to show it; no picture was seen yet.
    Asked { until: Moment },
    /// It is on the screen, and moved last at that moment.
    Playing { moved: Moment },
    /// Its last picture stands.
    Over,
}

/// The item that is loaded out of sight.
#[derive(Debug)]
pub struct Next {
    /// Which passage it will be.
    pub play: u64,
    pub clip: Clip,
    /// From where it will play, in seconds.
    pub at: f64,
    pub loading: Loading,
}

/// How far the next item is.
#[derive(Debug, Clone, Copy)]
pub enum Loading {
    /// It has to be ready by then.
    Until(Moment),
    /// Its first picture is decoded.
    Done { seconds: Option<f64> },
}

impl OnAir {
    pub fn is_video(&self) -> bool {
        self.clip.kind == ClipKind::Video
    }

    /// Seconds from its beginning.
    pub fn position(&self, now: Moment) -> f64 {
        let Phase::Playing { .. } = self.phase else { return self.at };
        let at = self.at + now.saturating_sub(self.since).as_secs_f64();
        self.seconds.map_or(at, |seconds| at.min(seconds))
    }

    /// When it has ended at the latest, if its length is known.
    pub fn ends(&self) -> Option<Moment> {
        let left = Duration::from_secs_f64((self.seconds? - self.at).clamp(0.0, LONGEST));
        Some(self.since + left + if self.is_video() { END_MARGIN } else { Duration::ZERO })
    }
}

/// What a page is told to load.
pub fn prepare(play: u64, clip: &Clip, at: f64) -> ToPage {
    let (kind, seconds) = match clip.kind {
        ClipKind::Video => (Kind::Video, None),
        ClipKind::Image { seconds } => (Kind::Image, Some(seconds)),
    };
    ToPage::Prepare(Prepare { play, url: address(clip), kind, seconds, at })
}

/// Where the box serves a clip.
pub fn address(clip: &Clip) -> String {
    format!("/media/{}", token(&clip.key))
}
