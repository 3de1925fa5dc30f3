//! `GET, HEAD /storage/v1/object/public/<bucket>/uploads/<name>`: what is stored, under the addresses that Supabase
//! Storage would have for it.
//!
//! No session and no cookie is looked at: whoever knows the name may read. What comes from here is kept from being a
//! page of ours: its type is one of a closed list, and its policy lets nothing run.

use std::io::{self, SeekFrom};

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use super::local::Object;
use super::{Bucket, ObjectName};
use crate::app::App;
use crate::clock::Time;
use crate::error::ObjectError;

/// The address; the second part is `uploads/<name>`.
pub const PATH: &str = "/storage/v1/object/public/{bucket}/{*path}";

/// How much is read at once, for each download.
const CHUNK: u64 = 128 * 1024;

/// Headers of every answer.
const FIXED: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox; frame-ancestors 'none'"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // Whoever knows the address may read it, from a page as well: the dashboard draws small pictures out of videos.
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    (HeaderName::from_static("x-robots-tag"), "none"),
];

/// Serves an object, whole or in part.
pub async fn object(
    State(app): State<App>,
    method: Method,
    address: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    let mut response = match find(&app, address).await {
        Ok((name, object)) => answer(&method, &headers, &name, object).await.unwrap_or_else(broken),
        Err(error) => error.into_response(),
    };
    for (name, value) in FIXED {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn find(
    app: &App,
    address: Result<Path<(String, String)>, PathRejection>,
) -> Result<(ObjectName, Object), ObjectError> {
    let Path((bucket, path)) = address.map_err(|_| ObjectError::NoSuchKey)?;
    let bucket: Bucket = bucket.parse().map_err(|()| ObjectError::NoSuchBucket)?;
    let name = ObjectName::from_path(&path).ok_or(ObjectError::NoSuchKey)?;
    match app.storage.local().open(bucket, &name).await {
        Ok(object) => Ok((name, object.ok_or(ObjectError::NoSuchKey)?)),
        Err(error) => Err(ObjectError::Internal(format!("{error:?}"))),
    }
}

fn broken(error: io::Error) -> Response {
    ObjectError::Internal(error.to_string()).into_response()
}

async fn answer(method: &Method, asked: &HeaderMap, name: &ObjectName, object: Object) -> io::Result<Response> {
    // An object never changes, so its name is as good a tag as its checksum, and needs no database.
    let etag = format!("\"{name}\"");
    let modified = object.stored_at.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let modified = Time::from_unix_micros(i64::try_from(modified.as_micros()).unwrap_or_default()).http_date();
    let lasting = [
        (header::ETAG, etag.clone()),
        (header::LAST_MODIFIED, modified.clone()),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable".to_owned()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
    ];
    if is_known(asked, &etag, &modified) {
        return Ok((StatusCode::NOT_MODIFIED, lasting).into_response());
    }
    let same = |condition: &HeaderValue| condition == etag.as_str() || condition == modified.as_str();
    // A condition that does not hold, or a request for the head only, is about the whole.
    let ranged = method == Method::GET && asked.get(header::IF_RANGE).is_none_or(same);
    let range = asked.get(header::RANGE).and_then(|value| value.to_str().ok()).filter(|_| ranged);
    let (status, first, length) = match Wanted::of(range, object.size) {
        Wanted::Whole => (StatusCode::OK, 0, object.size),
        Wanted::Part { first, length } => (StatusCode::PARTIAL_CONTENT, first, length),
        Wanted::Nothing => return Ok(ObjectError::Range(object.size).into_response()),
    };
    let mut response = (status, lasting, content(object.file, first, length).await?).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(name.kind().media_type()));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if status == StatusCode::PARTIAL_CONTENT {
        let place = format!("bytes {first}-{}/{}", first + length - 1, object.size);
        headers.insert(header::CONTENT_RANGE, HeaderValue::from_str(&place).map_err(io::Error::other)?);
    }
    Ok(response)
}

/// Whether the client has it already. A date is compared as we wrote it: clients send it back unchanged.
fn is_known(asked: &HeaderMap, etag: &str, modified: &str) -> bool {
    let text = |name| asked.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    match text(header::IF_NONE_MATCH) {
        Some(tags) => tags.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag),
        None => text(header::IF_MODIFIED_SINCE) == Some(modified),
    }
}

/// Part of a file, a chunk at a time and only as fast as it is taken.
async fn content(file: std::fs::File, first: u64, length: u64) -> io::Result<Body> {
    let mut file = File::from_std(file);
    file.seek(SeekFrom::Start(first)).await?;
    Ok(Body::from_stream(stream::try_unfold((file, length), next_chunk)))
}

async fn next_chunk((mut file, left): (File, u64)) -> io::Result<Option<(Bytes, (File, u64))>> {
    if left == 0 {
        return Ok(None);
    }
    let mut chunk = BytesMut::with_capacity(usize::try_from(left.min(CHUNK)).map_err(io::Error::other)?);
    let read = (&mut file).take(left).read_buf(&mut chunk).await? as u64;
    if read == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some((chunk.freeze(), (file, left - read))))
}

/// Which bytes are asked for.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    /// All: no range, several, or one that cannot be read, as RFC 9110 (14.2) has it.
    Whole,
    /// These.
    Part { first: u64, length: u64 },
    /// None that exists.
    Nothing,
}

impl Wanted {
    fn of(range: Option<&str>, size: u64) -> Self {
        let Some((first, last)) = range.and_then(single) else { return Self::Whole };
        let (first, last) = match (first, last) {
            // The last so many.
            (None, Some(length)) => (size.saturating_sub(length), if length == 0 { 0 } else { size }),
            (Some(first), last) => (first, last.map_or(size, |last| last.saturating_add(1).min(size))),
            (None, None) => return Self::Whole,
        };
        match last.checked_sub(first) {
            Some(length) if length > 0 => Self::Part { first, length },
            _ => Self::Nothing,
        }
    }
}

/// `bytes=1-2`, `bytes=1-` or `bytes=-2`. Numbers beyond 64 bits are as good as the largest.
fn single(range: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (unit, ranges) = range.split_once('=')?;
    let (first, last) = ranges.trim().split_once('-').filter(|_| unit.trim().eq_ignore_ascii_case("bytes"))?;
    let number = |text: &str| match text {
        "" => Some(None),
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(Some(digits.parse().unwrap_or(u64::MAX))),
        _ => None,
    };
    let (first, last) = (number(first.trim())?, number(last.trim())?);
    let upside_down = first.zip(last).is_some_and(|(first, last)| first > last);
    (!upside_down).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let part = |first, length| Wanted::Part { first, length };
        for (range, expected) in [
            ("bytes=0-0", part(0, 1)),
            ("bytes=0-", part(0, 10)),
            ("Bytes = 2-4", part(2, 3)),
            ("bytes=2-400", part(2, 8)),
            ("bytes=9-9", part(9, 1)),
            ("bytes=-3", part(7, 3)),
            ("bytes=-30", part(0, 10)),
            ("bytes=5-99999999999999999999999", part(5, 5)),
            ("bytes=10-", Wanted::Nothing),
            ("bytes=99999999999999999999999-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=4-2", Wanted::Whole),
            ("bytes=0-1,3-4", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes=a-b", Wanted::Whole),
            ("bytes=+1-2", Wanted::Whole),
            ("bytes", Wanted::Whole),
            ("lines=0-1", Wanted::Whole),
            ("", Wanted::Whole),
        ] {
            assert_eq!(Wanted::of(Some(range), 10), expected, "{range}");
        }
        assert_eq!(Wanted::of(None, 10), Wanted::Whole);
        for range in ["bytes=0-", "bytes=-1", "bytes=0-0"] {
            assert_eq!(Wanted::of(Some(range), 0), Wanted::Nothing, "{range} of nothing");
        }
    }
}
