//! The library: videos and pictures that the boxes show. A row is one stored file; its bytes never change.

pub mod direct;
pub mod facts;
mod filter;
pub mod routes;
mod store;
mod thumbnail;
mod upload;

use std::str::FromStr;

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::clock::Time;
use crate::db::row;
use crate::http::page::Pagination;
use crate::http::{Form, FromForm};
use crate::ids::{SiteId, VideoId};

pub use filter::{Filter, MediaKind, SiteFilter, Sort};

/// The most files of one request.
pub const MOST_FILES: usize = 20;

/// A form with one file. Its fields come in any order.
#[derive(Debug, ToSchema)]
pub struct VideoForm {
    /// The file: MP4 or MOV with H.264, JPEG, PNG or WebP.
    #[schema(value_type = String, format = Binary)]
    pub video: Vec<u8>,
    /// What it is called; the file's own name without it.
    #[schema(required = false, max_length = 255, example = "But de la victoire")]
    pub title: Option<String>,
    /// Where it belongs.
    #[schema(required = false, max_length = 100)]
    pub category: Option<String>,
    /// Where it belongs there.
    #[schema(required = false, max_length = 100)]
    pub subcategory: Option<String>,
}

/// A form with several files. Its fields come in any order.
#[derive(Debug, ToSchema)]
pub struct VideosForm {
    /// The files, each as in a form with one.
    #[schema(value_type = Vec<String>, format = Binary, min_items = 1, max_items = 20)]
    pub videos: Vec<Vec<u8>>,
    /// Where they belong.
    #[schema(required = false, max_length = 100)]
    pub category: Option<String>,
    /// Where they belong there.
    #[schema(required = false, max_length = 100)]
    pub subcategory: Option<String>,
}

/// The texts that go with files.
#[derive(Debug, Clone)]
pub struct Labels {
    title: Option<String>,
    category: Option<String>,
    subcategory: Option<String>,
}

impl FromForm for Labels {
    fn read(form: &mut Form) -> Option<Self> {
        Some(Self {
            title: form.optional_text("title", 255),
            category: form.optional_text("category", 100),
            subcategory: form.optional_text("subcategory", 100),
        })
    }
}

/// A video that is to be written down.
#[derive(Debug)]
struct NewVideo {
    id: VideoId,
    /// The name in the storage.
    filename: String,
    /// The path in the storage.
    path: String,
    original_name: String,
    size: i64,
    checksum: String,
    facts: facts::Facts,
    labels: Labels,
}

impl NewVideo {
    /// What it is called, as NeoPro 1 kept it.
    fn metadata(&self) -> Value {
        json!({ "title": self.labels.title.as_ref().unwrap_or(&self.original_name) })
    }
}

/// What is to be changed in a video: what is absent stays, `null` or `""` clears. The file itself never changes.
#[derive(Debug, ToSchema)]
pub struct VideoChanges {
    /// Another title; without one the original name is shown.
    #[schema(required = false, value_type = Option<String>, max_length = 255)]
    pub title: Option<Option<String>>,
    /// Another original name.
    #[schema(required = false, nullable = false, max_length = 255)]
    pub original_name: Option<String>,
    /// Another category.
    #[schema(required = false, value_type = Option<String>, max_length = 100)]
    pub category: Option<Option<String>>,
    /// Another subcategory.
    #[schema(required = false, value_type = Option<String>, max_length = 100)]
    pub subcategory: Option<Option<String>>,
    /// Other notes, in the place of all that are there; the title is one of them.
    #[schema(required = false, value_type = Option<Object>)]
    pub metadata: Option<Value>,
}

impl FromForm for VideoChanges {
    fn read(form: &mut Form) -> Option<Self> {
        Some(Self {
            title: form.has("title").then(|| form.optional_text("title", 255)),
            original_name: form.has("original_name").then(|| form.text("original_name", 255)).flatten(),
            category: form.has("category").then(|| form.optional_text("category", 100)),
            subcategory: form.has("subcategory").then(|| form.optional_text("subcategory", 100)),
            metadata: form.has("metadata").then(|| form.object("metadata").unwrap_or_else(|| json!({}))),
        })
    }
}

impl VideoChanges {
    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self { title: None, original_name: None, category: None, subcategory: None, metadata: None })
    }
}

row! {
    /// A video, as its row has it.
    #[derive(Debug, Clone, Serialize, ToSchema)]
    pub struct VideoRow {
        /// Its id.
        pub id: VideoId,
        /// Its name in the storage: random, of ASCII letters.
        pub filename: String,
        /// As the sender's computer called it.
        pub original_name: String,
        /// What it is called.
        pub title: String,
        /// Where it belongs.
        pub category: Option<String>,
        /// Where it belongs there.
        pub subcategory: Option<String>,
        /// Bytes.
        pub file_size: i64,
        /// Whole seconds; `null` for a picture.
        pub duration: Option<i32>,
        /// Its path in the storage, under the name that NeoPro 1 gave it; see `public_url`.
        pub url: String,
        /// Where anybody who knows this address can fetch a small picture of it.
        pub thumbnail_url: Option<String>,
        /// How many sites are to have it.
        pub sites_count: i64,
        /// What its bytes are.
        pub mime_type: String,
        /// The SHA-256 of its bytes, 64 hex characters; `null` for some of NeoPro 1.
        pub checksum: Option<String>,
        /// `h264`; `null` for a picture.
        pub codec: Option<String>,
        /// Pixels, as it is shown.
        pub width: Option<i32>,
        /// Pixels, as it is shown.
        pub height: Option<i32>,
        /// Whether playing can begin before the whole file is there.
        pub faststart: Option<bool>,
        /// Notes of programs.
        #[schema(value_type = Object, additional_properties)]
        pub metadata: Value,
        /// Since when it is here.
        pub created_at: Time,
        /// When something about it was last changed.
        pub updated_at: Time,
    }
}

/// A video of the library.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct VideoView {
    /// Its row.
    #[serde(flatten)]
    pub video: VideoRow,
    /// Where anybody who knows this address can fetch it.
    pub public_url: String,
}

/// A page of videos.
#[derive(Debug, Serialize, ToSchema)]
pub struct VideoPage {
    /// The rows.
    pub data: Vec<VideoView>,
    /// Where they stand in the list.
    pub pagination: Pagination,
    /// Rows of the whole list, once more: scripts of NeoPro 1 read it here.
    pub total: i64,
    /// Bytes of the whole list's files.
    pub total_bytes: i64,
    /// The largest file that the library takes, in bytes.
    pub max_file_bytes: u64,
    /// The rows, once more and only for lists that are not paged: screens of NeoPro 1 look for them here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub videos: Option<Vec<VideoView>>,
}

/// How far a video is at a site that is to have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    /// Its box has not begun, or has said nothing of it.
    Pending,
    /// Its box fetches it.
    Downloading,
    /// Its box has it.
    Installed,
    /// Its box could not fetch it.
    Failed,
}

impl Presence {
    const WORDS: &'static str = "pending, downloading, installed, failed";

    /// The word in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Downloading => "downloading",
            Self::Installed => "installed",
            Self::Failed => "failed",
        }
    }
}

impl FromStr for Presence {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Pending, Self::Downloading, Self::Installed, Self::Failed]
            .into_iter()
            .find(|state| state.name() == text)
            .ok_or(())
    }
}

row! {
    /// A site that is to have a video.
    #[derive(Debug, Serialize, ToSchema)]
    pub struct VideoSite {
        /// Which site.
        pub site_id: SiteId,
        /// Name of the box's place.
        pub site_name: String,
        /// Name of the club.
        pub club_name: String,
        /// How far its box is, as it last reported.
        #[schema(value_type = Presence)]
        pub state: String,
        /// Since when.
        pub changed_at: Time,
    }
}

/// A page of the sites that are to have a video, by their clubs' names.
#[derive(Debug, Serialize, ToSchema)]
pub struct VideoSites {
    /// The rows.
    pub data: Vec<VideoSite>,
    /// Where they stand in the list.
    pub pagination: Pagination,
}

/// A video that has just come, under the names that NeoPro 1 had for it.
#[derive(Debug, Serialize, ToSchema)]
pub struct UploadedVideo {
    /// Its id.
    pub id: VideoId,
    /// Its name in the storage.
    pub name: String,
    /// As the sender's computer called it.
    pub original_name: String,
    /// What it is called.
    pub title: String,
    /// Where it belongs.
    pub category: Option<String>,
    /// Where it belongs there.
    pub subcategory: Option<String>,
    /// Bytes.
    pub size: i64,
    /// Whole seconds; `null` for a picture.
    pub duration: Option<i32>,
    /// Where it can be fetched.
    pub url: String,
    /// The same, under the name that it has everywhere else.
    pub public_url: String,
    /// A small picture of it.
    pub thumbnail_url: Option<String>,
    /// What its bytes are.
    pub mime_type: String,
    /// The SHA-256 of its bytes, 64 hex characters.
    pub checksum: Option<String>,
    /// `h264`; `null` for a picture.
    pub codec: Option<String>,
    /// Pixels, as it is shown.
    pub width: Option<i32>,
    /// Pixels, as it is shown.
    pub height: Option<i32>,
    /// Whether playing can begin before the whole file is there.
    pub faststart: Option<bool>,
    /// Notes of programs.
    #[schema(value_type = Object, additional_properties)]
    pub metadata: Value,
    /// Since when it is here.
    pub created_at: Time,
    /// When something about it was last changed.
    pub updated_at: Time,
}

impl From<VideoView> for UploadedVideo {
    fn from(VideoView { video, public_url }: VideoView) -> Self {
        Self {
            id: video.id,
            name: video.filename,
            original_name: video.original_name,
            title: video.title,
            category: video.category,
            subcategory: video.subcategory,
            size: video.file_size,
            duration: video.duration,
            url: public_url.clone(),
            public_url,
            thumbnail_url: video.thumbnail_url,
            mime_type: video.mime_type,
            checksum: video.checksum,
            codec: video.codec,
            width: video.width,
            height: video.height,
            faststart: video.faststart,
            metadata: video.metadata,
            created_at: video.created_at,
            updated_at: video.updated_at,
        }
    }
}

/// What became of several files.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkUpload {
    /// Whether every file is in the library now.
    pub success: bool,
    /// A sentence about it.
    pub message: String,
    /// Those that are.
    pub files: Vec<BulkFile>,
    /// Those that are not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<BulkError>,
}

/// A file of several that is in the library.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkFile {
    /// Its id.
    pub id: VideoId,
    /// Its name in the storage.
    pub name: String,
    /// What it is called.
    pub title: String,
    /// Bytes.
    pub size: i64,
    /// Always `true`.
    pub success: bool,
}

/// A file of several that is not in the library.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkError {
    /// As the sender's computer called it.
    pub name: String,
    /// Why, in a sentence.
    pub error: String,
    /// Why, in a stable word.
    pub code: &'static str,
}

/// The name of a file without what a sender may have put into it: no folders, no control characters, no end.
#[must_use]
pub fn plain_name(sent: &str) -> String {
    let last = sent.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last.chars().filter(|char| !char.is_control()).take(255).collect();
    let plain = plain.trim();
    if plain.trim_matches('.').is_empty() { "sans nom".to_owned() } else { plain.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_a_plain_name_whatever_was_sent() {
        for (sent, plain) in [
            ("été 2026.mp4", "été 2026.mp4"),
            ("../../etc/passwd", "passwd"),
            (r"C:\Vidéos\but.mp4", "but.mp4"),
            ("a\0b\r\n.mp4", "ab.mp4"),
            ("", "sans nom"),
            ("..", "sans nom"),
            ("dossier/", "sans nom"),
            (" \u{7f} ", "sans nom"),
        ] {
            assert_eq!(plain_name(sent), plain, "{sent:?}");
        }
        assert_eq!(plain_name(&"é".repeat(300)).chars().count(), 255);
    }
}
