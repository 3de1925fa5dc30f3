//! Resumable uploads by TUS 1.0.0, the kind that is signed: real statuses and bare words, unlike the rest.

use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use futures_util::TryStreamExt as _;

use super::answers::{is_key, text};
use super::{Object, Supabase, Written};

/// What every piece but the last has: the hosted service's own rule.
pub const PIECE: usize = 6 * 1024 * 1024;

const VERSION: &str = "1.0.0";
const BELOW: &str = "/upload/resumable/sign";

/// A file that comes piece by piece.
#[derive(Debug)]
pub struct Coming {
    key: (String, String),
    media_type: String,
    cache_control: String,
    length: usize,
    bytes: Vec<u8>,
    /// How much of it came in requests that were answered.
    answered: usize,
    is_busy: bool,
    is_object: bool,
}

impl Coming {
    /// Whether a request writes to it.
    pub fn is_busy(&self) -> bool {
        self.is_busy
    }
}

type Said<T = Response> = Result<T, (StatusCode, &'static str)>;

pub async fn answer(supabase: &Supabase, path: &str, request: Request) -> Response {
    let said = match version(request.headers()) {
        Err(refused) => Err(refused),
        Ok(()) => match (request.method().clone(), path.strip_prefix(BELOW).unwrap_or_default().trim_matches('/')) {
            (Method::POST, "") => begin(supabase, &request),
            (Method::HEAD, id) => head(supabase, id, request.headers()),
            (Method::PATCH, id) => piece(supabase, id.to_owned(), request).await,
            (Method::DELETE, id) => end(supabase, id, request.headers()),
            _ => Err((StatusCode::NOT_FOUND, "Not found")),
        },
    };
    let mut response = said.unwrap_or_else(|(status, words)| (status, format!("{words}\n")).into_response());
    response.headers_mut().insert("tus-resumable", VERSION.parse().expect("a value"));
    response
}

fn version(headers: &HeaderMap) -> Said<()> {
    match text(headers, "tus-resumable").as_str() {
        "" => Err((StatusCode::PRECONDITION_FAILED, "Tus-Resumable Required")),
        VERSION => Ok(()),
        _ => Err((StatusCode::BAD_REQUEST, "Invalid tus-resumable")),
    }
}

/// The signature is for one object, and lives as long as the address that it was given with.
fn judge(supabase: &Supabase, headers: &HeaderMap, key: &(String, String)) -> Said<()> {
    let signature = text(headers, "x-signature");
    let book = supabase.book();
    match () {
        () if signature.is_empty() => Err((StatusCode::BAD_REQUEST, "Missing x-signature header")),
        () if book.tokens.get(&signature) != Some(key) => Err((StatusCode::BAD_REQUEST, "Invalid signature")),
        () if book.mood.tokens_expired => Err((StatusCode::BAD_REQUEST, "The provided token has expired.")),
        () => Ok(()),
    }
}

/// `Upload-Metadata`: names with values in base64.
fn told(headers: &HeaderMap, name: &str) -> String {
    let all = text(headers, "upload-metadata");
    let value = all.split(',').find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
    let bytes = BASE64.decode(value.unwrap_or_default().as_bytes()).unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

fn begin(supabase: &Supabase, request: &Request) -> Said {
    let headers = request.headers();
    let length: usize = text(headers, "upload-length")
        .parse()
        .map_err(|_| (StatusCode::BAD_REQUEST, "Upload-Length or Upload-Defer-Length header required"))?;
    let key = (told(headers, "bucketName"), told(headers, "objectName"));
    if key.0.is_empty() || !is_key(&key.1) {
        return Err((StatusCode::BAD_REQUEST, "Upload-Metadata is invalid"));
    }
    judge(supabase, headers, &key)?;
    let mut book = supabase.book();
    let bucket = book.buckets.get(&key.0).cloned().ok_or((StatusCode::NOT_FOUND, "Bucket not found"))?;
    let most = [book.mood.most, bucket.file_size_limit].into_iter().flatten().min();
    if most.is_some_and(|most| length as u64 > most) {
        return Err((StatusCode::PAYLOAD_TOO_LARGE, "Maximum size exceeded"));
    }
    let seconds = told(headers, "cacheControl");
    let is_number = !seconds.is_empty() && seconds.bytes().all(|byte| byte.is_ascii_digit());
    let cache_control = if is_number { format!("max-age={seconds}") } else { "no-cache".to_owned() };
    let id = BASE64URL_NOPAD.encode(format!("{}/{}/{}", key.0, key.1, uuid::Uuid::now_v7()).as_bytes());
    let coming = Coming {
        key,
        media_type: told(headers, "contentType"),
        cache_control,
        length,
        bytes: Vec::new(),
        answered: 0,
        is_busy: false,
        is_object: false,
    };
    book.coming.insert(id.clone(), coming);
    Ok((StatusCode::CREATED, [("location", format!("{}/storage/v1{BELOW}/{id}", supabase.url()))]).into_response())
}

/// Which object an address of an upload is of; it stands in it.
fn key_of(id: &str) -> Said<(String, String)> {
    let gone = (StatusCode::NOT_FOUND, "The file for this url was not found");
    let name = BASE64URL_NOPAD.decode(id.as_bytes()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let name = name.ok_or(gone)?;
    let (name, _) = name.rsplit_once('/').ok_or(gone)?;
    name.split_once('/').map(|(bucket, path)| (bucket.to_owned(), path.to_owned())).ok_or(gone)
}

fn head(supabase: &Supabase, id: &str, headers: &HeaderMap) -> Said {
    judge(supabase, headers, &key_of(id)?)?;
    let book = supabase.book();
    let coming = book.coming.get(id).ok_or((StatusCode::NOT_FOUND, ""))?;
    let offset = if coming.is_object { coming.length } else { coming.bytes.len() };
    let facts = [("upload-offset", offset.to_string()), ("upload-length", coming.length.to_string())];
    Ok((StatusCode::OK, facts, [("cache-control", "no-store")]).into_response())
}

fn end(supabase: &Supabase, id: &str, headers: &HeaderMap) -> Said {
    judge(supabase, headers, &key_of(id)?)?;
    let gone = supabase.book().coming.remove(id);
    gone.map(|_| StatusCode::NO_CONTENT.into_response()).ok_or((StatusCode::NOT_FOUND, "The file was not found"))
}

/// Who writes to an upload, until he is answered or gone.
struct Writing<'a>(&'a Supabase, String);

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        let mut book = self.0.book();
        let drops = book.mood.drops_cut_pieces;
        let Some(coming) = book.coming.get_mut(&self.1) else { return };
        coming.is_busy = false;
        if drops {
            coming.bytes.truncate(coming.answered);
        }
    }
}

/// Checks a piece before a byte of it is read, and takes it in as it comes: a line may be cut at any of them.
async fn piece(supabase: &Supabase, id: String, request: Request) -> Said {
    let headers = request.headers();
    match text(headers, "content-type").as_str() {
        "" => return Err((StatusCode::FORBIDDEN, "Content-Type header required")),
        "application/offset+octet-stream" => {}
        _ => return Err((StatusCode::BAD_REQUEST, "Invalid content-type")),
    }
    let offset = text(headers, "upload-offset");
    let offset: usize = offset.parse().map_err(|_| (StatusCode::FORBIDDEN, "Upload-Offset header required"))?;
    let key = key_of(&id)?;
    judge(supabase, headers, &key)?;
    let announced = text(headers, "content-length").parse::<usize>().ok();
    let place = {
        let mut book = supabase.book();
        let entry = Written { path: key.1.clone(), from: offset as u64, bytes: 0 };
        let gone = (StatusCode::NOT_FOUND, "The file for this url was not found");
        let coming = book.coming.get_mut(&id).ok_or(gone)?;
        if coming.is_busy {
            return Err((StatusCode::CONFLICT, "The upload is held by another request"));
        }
        if coming.is_object || coming.bytes.len() != offset {
            return Err((StatusCode::CONFLICT, "Upload-Offset conflict"));
        }
        let rest = coming.length - offset;
        let bytes = announced.ok_or((StatusCode::BAD_REQUEST, "Content-Length header required"))?;
        if bytes > rest {
            return Err((StatusCode::PAYLOAD_TOO_LARGE, "upload's size exceeded"));
        }
        if bytes != PIECE.min(rest) {
            return Err((StatusCode::BAD_REQUEST, "Chunks have 6 MB, all but the last"));
        }
        coming.is_busy = true;
        book.written.push(entry);
        book.written.len() - 1
    };
    let writing = Writing(supabase, id);
    let mut stream = request.into_body().into_data_stream();
    while let Some(bytes) = stream.try_next().await.map_err(|_| (StatusCode::BAD_REQUEST, "aborted"))? {
        let mut book = supabase.book();
        book.written[place].bytes += bytes.len() as u64;
        book.coming.get_mut(&writing.1).ok_or((StatusCode::GONE, "gone"))?.bytes.extend_from_slice(&bytes);
    }
    finish(supabase, &writing.1)
}

fn finish(supabase: &Supabase, id: &str) -> Said {
    let mut book = supabase.book();
    let coming = book.coming.get_mut(id).ok_or((StatusCode::GONE, "gone"))?;
    coming.answered = coming.bytes.len();
    let offset = ("upload-offset", coming.answered.to_string());
    if coming.answered < coming.length {
        return Ok((StatusCode::NO_CONTENT, [offset]).into_response());
    }
    let (key, bytes) = (coming.key.clone(), std::mem::take(&mut coming.bytes));
    let object = Object {
        bytes: bytes.into(),
        media_type: coming.media_type.clone(),
        cache_control: coming.cache_control.clone(),
    };
    coming.is_object = true;
    if book.objects.contains_key(&key) {
        return Err((StatusCode::CONFLICT, "The resource already exists"));
    }
    book.objects.insert(key, object);
    Ok((StatusCode::NO_CONTENT, [offset, ("tus-complete", "1".to_owned())]).into_response())
}
