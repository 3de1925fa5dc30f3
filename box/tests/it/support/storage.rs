//! A storage: files by name, with ranges and tags, and with trouble that can be switched on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Trouble {
    None,
    /// The connection is cut after so many bytes of each answer.
    CutAfter(u64),
    /// Nothing more comes after so many bytes of each answer.
    HangAfter(u64),
    /// `Range` is not understood.
    NoRanges,
    /// A range begins somewhere else than asked.
    WrongRange,
    /// Another status.
    Status(u16),
    /// To another address.
    Redirect(String),
    /// Other bytes of the same length.
    OtherBytes,
    /// Other bytes, more of them, without saying how many.
    TooLong,
    /// So many bytes at a time, then a pause.
    Slow(usize, Duration),
}

/// A file of the storage.
pub struct Served {
    pub bytes: Arc<Vec<u8>>,
    pub etag: String,
    pub trouble: Trouble,
    /// How often it was asked for, and from which byte each time.
    pub asked: Vec<u64>,
    /// How many of its bytes have left.
    pub sent: u64,
}

/// The storage. Cheap to clone.
#[derive(Clone, Default)]
pub struct Storage(Arc<Mutex<BTreeMap<String, Served>>>);

impl Storage {
    /// Puts a file there.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        let served = Served {
            bytes: Arc::new(bytes.to_vec()),
            etag: format!("\"{name}-{}\"", bytes.len()),
            trouble: Trouble::None,
            asked: Vec::new(),
            sent: 0,
        };
        self.0.lock().expect("no panic before").insert(name.to_owned(), served);
    }

    /// Looks at a file, or changes it.
    pub fn with<T>(&self, name: &str, look: impl FnOnce(&mut Served) -> T) -> T {
        look(self.0.lock().expect("no panic before").get_mut(name).expect("the file is served"))
    }

    pub fn trouble(&self, name: &str, trouble: Trouble) {
        self.with(name, |served| served.trouble = trouble);
    }

    /// Answers a request.
    pub fn answer(&self, name: &str, headers: &HeaderMap) -> Response {
        let mut files = self.0.lock().expect("no panic before");
        let Some(served) = files.get_mut(name) else { return StatusCode::NOT_FOUND.into_response() };
        let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let range = text(header::RANGE).and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
        let fits = text(header::IF_RANGE).is_none_or(|etag| etag == served.etag);
        let first: u64 = range.filter(|_| fits && served.trouble != Trouble::NoRanges).unwrap_or(0);
        served.asked.push(range.unwrap_or(0));
        let total = served.bytes.len() as u64;
        match &served.trouble {
            Trouble::Status(status) => return StatusCode::from_u16(*status).expect("a status").into_response(),
            Trouble::Redirect(to) => return (StatusCode::FOUND, [(header::LOCATION, to.clone())]).into_response(),
            _ if first > 0 && first >= total => {
                let headers = [(header::CONTENT_RANGE, format!("bytes */{total}"))];
                return (StatusCode::RANGE_NOT_SATISFIABLE, headers).into_response();
            }
            _ => {}
        }
        let mut response = Response::new(self.body(name, served, first));
        let headers = response.headers_mut();
        headers.insert(header::ETAG, served.etag.parse().expect("a tag"));
        if served.trouble != Trouble::TooLong {
            headers.insert(header::CONTENT_LENGTH, (total - first).into());
        }
        if range.is_some() && fits && served.trouble != Trouble::NoRanges {
            let first = if served.trouble == Trouble::WrongRange { first + 1 } else { first };
            let range = format!("bytes {first}-{}/{total}", total.saturating_sub(1));
            headers.insert(header::CONTENT_RANGE, range.parse().expect("a range"));
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        }
        response
    }

    fn body(&self, name: &str, served: &Served, first: u64) -> Body {
        let mut bytes = served.bytes.clone();
        if matches!(served.trouble, Trouble::OtherBytes | Trouble::TooLong) {
            let mut other: Vec<u8> = bytes.iter().map(|byte| !byte).collect();
            if served.trouble == Trouble::TooLong {
                other.extend([0; 100_000]);
            }
            bytes = Arc::new(other);
        }
        let (piece, pause) = match served.trouble {
            Trouble::Slow(piece, pause) => (piece, pause),
            _ => (64 * 1024, Duration::ZERO),
        };
        let (cut, hang) = match served.trouble {
            Trouble::CutAfter(length) => (Some(first + length), None),
            Trouble::HangAfter(length) => (None, Some(first + length)),
            _ => (None, None),
        };
        let (storage, name) = (self.clone(), name.to_owned());
        let begin = usize::try_from(first).expect("a size");
        Body::from_stream(stream::unfold(begin, move |at| {
            let (storage, name, bytes) = (storage.clone(), name.clone(), bytes.clone());
            async move {
                let limit = cut.or(hang).map_or(bytes.len(), |limit| usize::try_from(limit).expect("a size"));
                let end = (at + piece).min(bytes.len()).min(limit);
                if at >= limit && at < bytes.len() {
                    if hang.is_some() {
                        std::future::pending::<()>().await;
                    }
                    return Some((Err(std::io::Error::other("cut")), at));
                }
                if at >= bytes.len() {
                    return None;
                }
                tokio::time::sleep(pause).await;
                storage.with(&name, |served| served.sent += (end - at) as u64);
                Some((Ok(Bytes::copy_from_slice(&bytes[at..end])), end))
            }
        }))
    }
}
