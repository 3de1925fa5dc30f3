//! `GET, HEAD /media/<token>`: the bytes of what the loop plays, whole or in part.
//!
//! The token leads to a clip that the player knows; no path of a request comes near the disk.

use std::io::{self, SeekFrom};
use std::time::UNIX_EPOCH;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use super::{Web, pages};
use crate::library::Clip;

/// How much is read at once, for each download.
const CHUNK: u64 = 64 * 1024;
/// How much of a file shows what it is.
const HEAD: usize = 16;

/// Serves a clip.
pub async fn clip(State(web): State<Web>, method: Method, Path(token): Path<String>, headers: HeaderMap) -> Response {
    const ABSENT: &str = "Ce fichier n'est pas dans la boucle de ce boîtier.";
    let Some(clip) = web.player.clip(&token).await else { return pages::sentence(StatusCode::NOT_FOUND, ABSENT) };
    match answer(&clip, &method, &headers).await {
        Ok(response) => response,
        Err(error) if error.kind() == io::ErrorKind::NotFound => pages::sentence(StatusCode::NOT_FOUND, ABSENT),
        Err(error) => {
            tracing::warn!(%error, clip = clip.name, "a file of the loop cannot be read");
            pages::sentence(StatusCode::INTERNAL_SERVER_ERROR, "Ce fichier ne peut pas être lu.")
        }
    }
}

async fn answer(clip: &Clip, method: &Method, asked: &HeaderMap) -> io::Result<Response> {
    let mut file = File::open(&clip.file).await?;
    let facts = file.metadata().await?;
    if !facts.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let size = facts.len();
    // Another file under the same name has another size or another moment.
    let moment = facts.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let etag = format!("\"{size:x}-{moment:x}\"");
    let mut head = Vec::with_capacity(HEAD);
    (&mut file).take(HEAD as u64).read_to_end(&mut head).await?;
    let lasting = [
        (header::ETAG, etag.clone()),
        // A browser on the box would copy every file of the loop to the SD card, again and again when it has no room.
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
    ];
    let text = |name| asked.get(name).and_then(|value| value.to_str().ok());
    if text(header::IF_NONE_MATCH).is_some_and(|tags| tags == "*" || tags.split(',').any(|tag| tag.trim() == etag)) {
        return Ok((StatusCode::NOT_MODIFIED, lasting).into_response());
    }
    // A condition that does not hold, or a request for the head only, is about the whole.
    let ranged = method == Method::GET && text(header::IF_RANGE).is_none_or(|tag| tag == etag);
    let part = match text(header::RANGE).filter(|_| ranged).map_or(Part::Whole, |range| Part::of(range, size)) {
        Part::Beyond => {
            let range = [(header::CONTENT_RANGE, format!("bytes */{size}"))];
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, lasting, range).into_response());
        }
        part => part,
    };
    let (status, first, length) = match part {
        Part::Some { first, length } => (StatusCode::PARTIAL_CONTENT, first, length),
        Part::Whole | Part::Beyond => (StatusCode::OK, 0, size),
    };
    let body = if method == Method::HEAD { Body::empty() } else { content(file, first, length).await? };
    let plain = [(header::CONTENT_TYPE, media_type(&head).to_owned()), (header::CONTENT_LENGTH, length.to_string())];
    let mut response = (status, lasting, plain, body).into_response();
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {first}-{}/{size}", first + length - 1);
        response.headers_mut().insert(header::CONTENT_RANGE, range.parse().map_err(io::Error::other)?);
    }
    Ok(response)
}

/// What a file is by its first bytes, whatever it is called: one of these, so that nothing is ever a page.
fn media_type(head: &[u8]) -> &'static str {
    match head {
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => "video/mp4",
        [0x1a, 0x45, 0xdf, 0xa3, ..] => "video/webm",
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
        _ => "application/octet-stream",
    }
}

async fn content(mut file: File, first: u64, length: u64) -> io::Result<Body> {
    file.seek(SeekFrom::Start(first)).await?;
    let pieces = stream::try_unfold((file, length), async |(mut file, left)| {
        if left == 0 {
            return Ok::<_, io::Error>(None);
        }
        let mut piece = Vec::with_capacity(usize::try_from(left.min(CHUNK)).unwrap_or_default());
        let read = (&mut file).take(left.min(CHUNK)).read_to_end(&mut piece).await?;
        if read == 0 {
            // It was cut while it was being read: a short body is an error for the browser, not a whole file.
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Some((piece, (file, left - read as u64))))
    });
    Ok(Body::from_stream(pieces))
}

/// Which part of a file a request is about.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    Whole,
    Some {
        first: u64,
        length: u64,
    },
    /// It starts behind the end.
    Beyond,
}

impl Part {
    /// Reads a `Range` header (RFC 9110, section 14). What is not one range of bytes is ignored, as the standard allows.
    fn of(range: &str, size: u64) -> Self {
        let Some((first, last)) = range.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
            return Self::Whole;
        };
        let number = |text: &str| text.trim().parse::<u64>().ok().filter(|_| !text.contains('+'));
        let (first, last) = match (first.trim(), last.trim()) {
            ("", last) => match number(last) {
                Some(0) => return Self::Beyond,
                Some(length) => (size.saturating_sub(length), size.saturating_sub(1)),
                None => return Self::Whole,
            },
            (first, "") => match number(first) {
                Some(first) => (first, u64::MAX),
                None => return Self::Whole,
            },
            (first, last) => match (number(first), number(last)) {
                (Some(first), Some(last)) if first <= last => (first, last),
                _ => return Self::Whole,
            },
        };
        if first >= size {
            return Self::Beyond;
        }
        Self::Some { first, length: last.min(size - 1) - first + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        let part = |first, length| Part::Some { first, length };
        for (range, expected) in [
            ("bytes=0-", part(0, 100)),
            ("bytes=0-0", part(0, 1)),
            ("bytes=10-19", part(10, 10)),
            ("bytes=90-1000", part(90, 10)),
            ("bytes=-10", part(90, 10)),
            ("bytes=-1000", part(0, 100)),
            ("bytes=100-", Part::Beyond),
            ("bytes=-0", Part::Beyond),
            ("bytes=19-10", Part::Whole),
            ("bytes=0-1,5-6", Part::Whole),
            ("bytes=+1-2", Part::Whole),
            ("bytes=18446744073709551616-", Part::Whole),
            ("lines=0-1", Part::Whole),
        ] {
            assert_eq!(Part::of(range, 100), expected, "{range}");
        }
        assert_eq!(Part::of("bytes=0-", 0), Part::Beyond);
    }

    #[test]
    fn a_file_is_what_its_bytes_say() {
        assert_eq!(media_type(b"\0\0\0\x20ftypisom"), "video/mp4");
        assert_eq!(media_type(b"RIFF\0\0\0\0WEBPVP8 "), "image/webp");
        assert_eq!(media_type(b"\xff\xd8\xff\xe0"), "image/jpeg");
        for text in [&b"<html>"[..], b"<svg xmlns", b"", b"RIFF\0\0\0\0WAVE"] {
            assert_eq!(media_type(text), "application/octet-stream");
        }
    }
}
