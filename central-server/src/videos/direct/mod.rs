//! Files that go from a person's browser straight into the storage outside, and not through this server: its traffic
//! is metered, and its memory small.
//!
//! 1. The browser announces a file by its size and its first bytes. What is no video is refused before it is sent; else
//!    the storage signs an address for it, good for one object under a name of ours.
//! 2. The browser writes the file there; a large one piece by piece, where the storage offers that.
//! 3. The browser says that it is done. The server reads the file as a box would, hashes it and looks at it, as it does
//!    with one that comes through it; then it is a video.
//!
//! What is announced and never becomes a video is cleaned up when its address has expired.

mod check;
pub mod jobs;
pub mod routes;
mod store;

use std::time::Duration;

use data_encoding::BASE64;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{Labels, facts, plain_name};
use crate::clock::Time;
use crate::db::row;
use crate::error::Error;
use crate::http::{Form, FromForm};
use crate::ids::VideoId;
use crate::storage::Resumable;

/// How long an address can be written to. Supabase has the same two hours, and no say in it.
const ADDRESS_LASTS: Duration = Duration::from_secs(2 * 3_600);

/// How much longer a row stays: a file may be on its way when its address expires.
const GRACE: Duration = Duration::from_secs(30 * 60);

/// How long the look at a file may take. Somebody else may take over after [`LEASE`].
const LOOK: Duration = Duration::from_secs(8 * 60);

/// For how long a file is somebody's to look at.
const LEASE: Duration = Duration::from_secs(10 * 60);

/// The largest announcement: the first bytes of a file in base64.
const MOST_HEAD: usize = 1_024;

/// A file that a browser is about to send.
#[derive(Debug, ToSchema)]
pub struct Announced {
    /// As the sender's computer calls it.
    #[schema(max_length = 255)]
    pub name: String,
    /// Bytes.
    #[schema(value_type = i64, minimum = 1)]
    pub size: u64,
    /// Its first 512 bytes, or all if it has fewer, in base64: what it is, they say.
    #[schema(value_type = String, max_length = 1024)]
    pub head: Vec<u8>,
    /// Its SHA-256, 64 hex characters, if the browser has computed it.
    #[schema(required = false, nullable = false, min_length = 64, max_length = 64)]
    pub sha256: Option<String>,
    /// What it is called; the file's own name without it.
    #[schema(required = false, value_type = Option<String>, max_length = 255)]
    pub title: (),
    /// Where it belongs.
    #[schema(required = false, value_type = Option<String>, max_length = 100)]
    pub category: (),
    /// Where it belongs there.
    #[schema(required = false, value_type = Option<String>, max_length = 100)]
    pub subcategory: (),
    /// The three above.
    #[schema(ignore)]
    labels: Labels,
}

impl FromForm for Announced {
    fn read(form: &mut Form) -> Option<Self> {
        let name = form.text("name", 255);
        let size = form.integer("size", 1..=i64::MAX);
        let head = form.text("head", MOST_HEAD);
        let sha256 = form.optional_text("sha256", 64);
        if let Some(hash) = &sha256
            && !(hash.len() == 64 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
        {
            form.problem("sha256", "64 caractères hexadécimaux (minuscules) sont attendus.");
        }
        if size.is_none() && !form.has_problem("size") {
            form.problem("size", "Ce champ est obligatoire.");
        }
        let bytes = head.as_ref().and_then(|head| BASE64.decode(head.as_bytes()).ok());
        if head.is_some() && bytes.is_none() {
            form.problem("head", "Un texte en base64 est attendu.");
        }
        let labels = Labels::read(form)?;
        Some(Self {
            name: plain_name(&name?),
            size: size?.unsigned_abs(),
            head: bytes?,
            sha256,
            title: (),
            category: (),
            subcategory: (),
            labels,
        })
    }
}

/// How a file is to be sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct Way {
    /// `storage`: to this address by `PUT`. `server`: as a form to this server, which has the files on its own disk.
    pub way: &'static str,
    /// The address; `null` with `server`.
    pub address: Option<Address>,
}

/// Where and how one file may be written.
#[derive(Debug, Serialize, ToSchema)]
pub struct Address {
    /// Under which it is done, and the video's id afterwards.
    pub id: VideoId,
    /// Where. Whoever knows it can write this one file.
    pub url: String,
    /// With this `Content-Type`.
    pub media_type: &'static str,
    /// With this `Cache-Control`.
    pub cache_control: &'static str,
    /// How it can be sent piece by piece, for as long; `null` where it cannot.
    pub resumable: Option<Resumable>,
    /// Not later than that.
    pub expires_at: Time,
}

/// A file that arrived and is being looked at.
#[derive(Debug, Serialize, ToSchema)]
pub struct Checking {
    /// Always `checking`: ask again.
    state: &'static str,
}

/// A file that is to be written down as announced.
#[derive(Debug)]
struct NewUpload {
    id: VideoId,
    path: String,
    media_type: &'static str,
    announced: Announced,
    expires_at: Time,
}

row! {
    /// A file that was announced.
    #[derive(Debug)]
    struct Upload {
        id: VideoId,
        path: String,
        mime_type: String,
        original_name: String,
        labels: Value,
        size: i64,
        checksum: Option<String>,
    }
}

impl Labels {
    fn kept(&self) -> Value {
        json!({ "title": self.title, "category": self.category, "subcategory": self.subcategory })
    }

    fn of(kept: &Value) -> Self {
        let text = |field: &str| kept[field].as_str().map(str::to_owned);
        Self { title: text("title"), category: text("category"), subcategory: text("subcategory") }
    }
}

/// What is told of a file that arrived and is no video.
fn mismatch(what: &str) -> Error {
    Error::Unsupported("not_as_announced", format!("Le fichier arrivé n'est pas celui qui était annoncé ({what})."))
}

/// The same refusal again, from its row.
fn told_again(code: &str, sentence: String) -> Error {
    match code {
        // Beside this code stands the video that has these bytes.
        "duplicate" => Error::Duplicate(sentence),
        "unsupported_codec" => Error::Unsupported("unsupported_codec", sentence),
        "unsupported_format" => Error::Unsupported("unsupported_format", sentence),
        "not_as_announced" => Error::Unsupported("not_as_announced", sentence),
        _ => Error::Unsupported("file_refused", sentence),
    }
}

/// The kind of file that these first bytes are of.
fn kind_of(head: &[u8]) -> Result<crate::storage::Kind, Error> {
    Ok(facts::sniff(&head[..head.len().min(facts::HEAD)])?)
}
