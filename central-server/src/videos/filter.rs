//! Which videos a list is of, and in which order.

use std::str::FromStr;

use super::Presence;
use crate::http::page::{Order, Slice};
use crate::http::{Form, FromForm};

/// By what the library is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// `created_at`, the order of NeoPro 1 (newest first).
    CreatedAt,
    /// `title`.
    Title,
    /// `file_size`.
    FileSize,
    /// `duration`.
    Duration,
}

impl FromStr for Sort {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(match text {
            "created_at" => Self::CreatedAt,
            "title" => Self::Title,
            "file_size" => Self::FileSize,
            "duration" => Self::Duration,
            _ => return Err(()),
        })
    }
}

/// What moves and what does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaKind {
    /// It has a duration.
    Video,
    /// It has none.
    Image,
}

impl MediaKind {
    /// The beginning of its media types.
    #[must_use]
    pub fn family(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Image => "image",
        }
    }
}

impl FromStr for MediaKind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Video, Self::Image].into_iter().find(|kind| kind.family() == text).ok_or(())
    }
}

/// Which videos a list is of.
#[derive(Debug)]
pub struct Filter {
    /// Words within the title or the original name, whatever their accents and capitals.
    pub search: Option<String>,
    /// Exactly this category.
    pub category: Option<String>,
    /// Videos or pictures only.
    pub kind: Option<MediaKind>,
    /// Exactly these bytes, by their SHA-256 in lower case.
    pub sha256: Option<String>,
    /// Whether those are meant that no site is to have, and no order that waits for its day.
    pub unused: bool,
    /// By what it is sorted.
    pub sort: Sort,
    /// Up or down.
    pub order: Order,
    /// Which part of it.
    pub slice: Slice,
}

impl FromForm for Filter {
    fn read(form: &mut Form) -> Option<Self> {
        let sort = form.choice("sort", "created_at, title, file_size, duration").unwrap_or(Sort::CreatedAt);
        // Names read best from A, all else largest or newest first.
        let natural = if sort == Sort::Title { Order::Asc } else { Order::Desc };
        Some(Self {
            search: form.optional_text("search", 200),
            category: form.optional_text("category", 100),
            kind: form.choice("kind", "video, image"),
            sha256: sha256(form),
            unused: form.flag("unused").unwrap_or(false),
            sort,
            order: form.choice("order", Order::WORDS).unwrap_or(natural),
            slice: Slice::read(form),
        })
    }
}

fn sha256(form: &mut Form) -> Option<String> {
    let text = form.optional_text("sha256", 64)?;
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some(text.to_ascii_lowercase());
    }
    form.problem("sha256", "Un SHA-256 de 64 chiffres hexadécimaux est attendu.");
    None
}

/// Which of a video's sites a list is of.
#[derive(Debug)]
pub struct SiteFilter {
    /// Where it is this far.
    pub state: Option<Presence>,
    /// Which part of it.
    pub slice: Slice,
}

impl FromForm for SiteFilter {
    fn read(form: &mut Form) -> Option<Self> {
        Some(Self { state: form.choice("state", Presence::WORDS), slice: Slice::read(form) })
    }
}
