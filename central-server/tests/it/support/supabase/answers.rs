//! Its routes: the gateway first, then the storage behind it.

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::TryStreamExt as _;
use serde_json::{Value, json};

use super::{Bucket, Object, Refusal, SECRET_KEY, Seen, Supabase, Written, tus};

type Answer = Result<Response, Refusal>;

/// The gateway: counts, judges keys, adds what browsers need.
pub async fn answer(State(supabase): State<Supabase>, request: Request) -> Response {
    let seen = seen(&request);
    let place = {
        let mut book = supabase.book();
        book.seen.push(seen);
        book.seen.len() - 1
    };
    let slow = supabase.book().mood.slow;
    tokio::time::sleep(slow).await;
    let mut response = gateway(&supabase, request).await.unwrap_or_else(axum::response::IntoResponse::into_response);
    supabase.book().seen[place].status = response.status().as_u16();
    let headers = response.headers_mut();
    headers.insert("access-control-allow-origin", "*".parse().expect("a value"));
    headers.insert("access-control-allow-methods", "GET,HEAD,PUT,PATCH,POST,DELETE".parse().expect("a value"));
    headers.insert(
        "access-control-allow-headers",
        "authorization,apikey,content-type,cache-control,x-upsert,range,tus-resumable,upload-length,upload-metadata,\
         upload-offset,x-signature"
            .parse()
            .expect("a value"),
    );
    let shown = "location,upload-offset,upload-length,tus-resumable";
    headers.insert("access-control-expose-headers", shown.parse().expect("a value"));
    response
}

fn seen(request: &Request) -> Seen {
    let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    Seen {
        line: format!("{} {}", request.method(), request.uri().path()),
        range: text("range"),
        content_length: text("content-length").and_then(|length| length.parse().ok()),
        upsert: text("x-upsert").is_some_and(|upsert| upsert == "true"),
        bearer: text("authorization").is_some(),
        status: 0,
    }
}

async fn gateway(supabase: &Supabase, request: Request) -> Answer {
    let mood = supabase.book().mood.clone();
    match () {
        () if mood.down => return Err(Refusal::Down),
        () if mood.paused => return Err(Refusal::Paused),
        () if mood.quota_full => return Err(Refusal::Quota),
        () if request.method() == Method::OPTIONS => return Ok(StatusCode::NO_CONTENT.into_response()),
        () => {}
    }
    let path = percent_decoded(request.uri().path());
    let path = path.strip_prefix("/storage/v1").ok_or(Refusal::NoRoute)?.to_owned();
    if path.starts_with("/upload/resumable/sign") {
        return if mood.no_pieces { Err(Refusal::NoRoute) } else { Ok(tus::answer(supabase, &path, request).await) };
    }
    let is_open = path.starts_with("/object/public/")
        || path.starts_with("/object/info/public/")
        || (path.starts_with("/object/upload/sign/") && request.method() == Method::PUT);
    let is_written_by_anybody = mood.open && path.starts_with("/object/") && request.method() == Method::POST;
    if !is_open && (!is_written_by_anybody || request.headers().contains_key("apikey")) {
        judge_key(request.headers())?;
    }
    storage(supabase, &path, request).await
}

fn percent_decoded(path: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let hex: String = rest.by_ref().take(2).map(char::from).collect();
                bytes.push(u8::from_str_radix(&hex, 16).unwrap_or(b'?'));
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A newer key in `apikey` alone, or a JWT in both headers.
fn judge_key(headers: &HeaderMap) -> Result<(), Refusal> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (key, bearer) = (text("apikey"), text("authorization").strip_prefix("Bearer ").unwrap_or_default());
    if key == SECRET_KEY {
        let agent = text("user-agent");
        let is_browser = agent.is_empty() || agent.contains("Mozilla");
        // Beside it a bearer is borne only if it is the same text.
        return if is_browser || (!bearer.is_empty() && bearer != key) { Err(Refusal::ApiKey) } else { Ok(()) };
    }
    match () {
        () if key == Supabase::jwt("service_role") && bearer == key => Ok(()),
        () if key == Supabase::jwt("service_role") && bearer.is_empty() => Err(Refusal::Malformed),
        () if key == Supabase::jwt("service_role") => Err(Refusal::BadJwt),
        () if key == Supabase::jwt("anon") => Err(Refusal::Policy),
        () => Err(Refusal::ApiKey),
    }
}

async fn storage(supabase: &Supabase, path: &str, request: Request) -> Answer {
    let parts: Vec<&str> = path.trim_start_matches('/').splitn(4, '/').collect();
    let object = |place: usize| -> Result<(String, String), Refusal> {
        let parts: Vec<&str> = path.trim_start_matches('/').splitn(place + 2, '/').collect();
        match parts[..] {
            [.., bucket, path] if parts.len() == place + 2 && is_key(path) => Ok((bucket.into(), path.into())),
            [.., _, path] if parts.len() == place + 2 && !path.is_empty() => Err(Refusal::InvalidKey),
            _ => Err(Refusal::NoRoute),
        }
    };
    match (request.method().clone(), parts.as_slice()) {
        (Method::GET, ["bucket"]) => Ok(axum::Json(buckets(supabase)).into_response()),
        (Method::POST, ["bucket"]) => make_bucket(supabase, request).await,
        (Method::GET, ["bucket", id]) => {
            let bucket = supabase.book().buckets.get(*id).cloned().ok_or(Refusal::NoSuchBucket)?;
            Ok(axum::Json(bucket_row(id, &bucket)).into_response())
        }
        (Method::PUT, ["bucket", id]) => change_bucket(supabase, id, request).await,
        (Method::DELETE, ["bucket", id]) => {
            if !supabase.paths(id).is_empty() {
                return Err(Refusal::NotEmpty);
            }
            supabase.book().buckets.remove(*id).ok_or(Refusal::NoSuchBucket)?;
            Ok(axum::Json(json!({ "message": "Successfully deleted" })).into_response())
        }
        (Method::GET | Method::HEAD, ["object", "public", ..]) => read(supabase, object(2)?, &request, true),
        (Method::GET | Method::HEAD, ["object", "authenticated", ..]) => read(supabase, object(2)?, &request, false),
        (Method::GET | Method::HEAD, ["object", "info", "public" | "authenticated", ..]) => info(supabase, &object(3)?),
        (Method::GET | Method::HEAD, ["object", "info", ..]) => info(supabase, &object(2)?),
        (Method::POST, ["object", "list", bucket]) => list(supabase, bucket, request).await,
        (Method::POST, ["object", "upload", "sign", ..]) => sign(supabase, object(3)?),
        (Method::PUT, ["object", "upload", "sign", ..]) => write_signed(supabase, object(3)?, request).await,
        (Method::POST, ["object", ..]) => write(supabase, object(1)?, request).await,
        (Method::GET | Method::HEAD, ["object", ..]) => read(supabase, object(1)?, &request, false),
        (Method::DELETE, ["object", ..]) => {
            let key = object(1)?;
            supabase.book().objects.remove(&key).ok_or(Refusal::NoSuchKey)?;
            Ok(axum::Json(json!({ "message": "Successfully deleted" })).into_response())
        }
        _ => Err(Refusal::NoRoute),
    }
}

pub(super) fn is_key(path: &str) -> bool {
    let special = "_/!.*'() &$@=;:+,?-";
    !path.is_empty() && path.chars().all(|char| char.is_ascii_alphanumeric() || special.contains(char))
}

fn bucket_row(name: &str, bucket: &Bucket) -> Value {
    json!({ "id": name, "name": name, "owner": "", "public": bucket.public, "type": "STANDARD",
        "file_size_limit": bucket.file_size_limit, "allowed_mime_types": null,
        "created_at": "2026-01-15T12:00:00.000Z", "updated_at": "2026-01-15T12:00:00.000Z" })
}

fn buckets(supabase: &Supabase) -> Vec<Value> {
    supabase.book().buckets.iter().map(|(name, bucket)| bucket_row(name, bucket)).collect()
}

async fn body(request: Request) -> Result<Value, Refusal> {
    let bytes = axum::body::to_bytes(request.into_body(), 1 << 20).await.map_err(|_| Refusal::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| Refusal::Malformed)
}

async fn make_bucket(supabase: &Supabase, request: Request) -> Answer {
    let asked = body(request).await?;
    let name = asked["name"].as_str().ok_or(Refusal::Malformed)?.to_owned();
    let mut book = supabase.book();
    if book.mood.buckets_refused {
        return Err(Refusal::Policy);
    }
    let limit = asked["file_size_limit"].as_u64();
    if limit > book.mood.most && book.mood.most.is_some() {
        return Err(Refusal::TooLarge);
    }
    if book.buckets.contains_key(&name) {
        return Err(Refusal::Taken);
    }
    // A bucket is private unless it is said to be public.
    let public = asked["public"].as_bool().unwrap_or_default();
    book.buckets.insert(name.clone(), Bucket { public, file_size_limit: limit });
    Ok(axum::Json(json!({ "name": name })).into_response())
}

async fn change_bucket(supabase: &Supabase, id: &str, request: Request) -> Answer {
    let asked = body(request).await?;
    let mut book = supabase.book();
    let bucket = book.buckets.get_mut(id).ok_or(Refusal::NoSuchBucket)?;
    bucket.public = asked["public"].as_bool().unwrap_or(bucket.public);
    Ok(axum::Json(json!({ "message": "Successfully updated" })).into_response())
}

fn sign(supabase: &Supabase, (bucket, path): (String, String)) -> Answer {
    let mut book = supabase.book();
    if book.mood.writes_refused {
        return Err(Refusal::Policy);
    }
    if !book.buckets.contains_key(&bucket) {
        return Err(Refusal::NoSuchBucket);
    }
    if book.objects.contains_key(&(bucket.clone(), path.clone())) {
        return Err(Refusal::Taken);
    }
    let token = format!("signed-{}", uuid::Uuid::now_v7().simple());
    let url = format!("/object/upload/sign/{bucket}/{path}?token={token}");
    book.tokens.insert(token.clone(), (bucket, path));
    Ok(axum::Json(json!({ "url": url, "token": token })).into_response())
}

async fn write_signed(supabase: &Supabase, key: (String, String), request: Request) -> Answer {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let token = query.split('&').find_map(|part| part.strip_prefix("token=")).unwrap_or_default();
    if supabase.book().tokens.get(token) != Some(&key) {
        return Err(Refusal::BadToken);
    }
    if supabase.book().mood.tokens_expired {
        return Err(Refusal::BadToken);
    }
    let path = key.1.clone();
    store(supabase, key, request).await?;
    Ok(axum::Json(json!({ "Key": path })).into_response())
}

async fn write(supabase: &Supabase, key: (String, String), request: Request) -> Answer {
    if supabase.book().mood.writes_refused {
        return Err(Refusal::Policy);
    }
    let name = format!("{}/{}", key.0, key.1);
    store(supabase, key, request).await?;
    let mut book = supabase.book();
    if book.mood.lost_answers > 0 {
        book.mood.lost_answers -= 1;
        return Err(Refusal::Down);
    }
    Ok(axum::Json(json!({ "Id": uuid::Uuid::now_v7().to_string(), "Key": name })).into_response())
}

pub(super) fn text(headers: &HeaderMap, name: impl header::AsHeaderName) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

fn or(value: String, other: &str) -> String {
    if value.is_empty() { other.to_owned() } else { value }
}

/// Takes the bytes in: what is announced too large is refused before one is read; without an announcement nobody looks.
async fn store(supabase: &Supabase, key: (String, String), request: Request) -> Result<(), Refusal> {
    let announced: Option<u64> = text(request.headers(), header::CONTENT_LENGTH).parse().ok();
    let upsert = request.headers().get("x-upsert").is_some_and(|value| value == "true");
    {
        let mut book = supabase.book();
        let bucket = book.buckets.get(&key.0).cloned().ok_or(Refusal::NoSuchBucket)?;
        let most = [book.mood.most, bucket.file_size_limit].into_iter().flatten().min();
        if announced.zip(most).is_some_and(|(announced, most)| announced > most) {
            return Err(Refusal::TooLarge);
        }
        if book.mood.name_clashes > 0 {
            book.mood.name_clashes -= 1;
            return Err(Refusal::Taken);
        }
        if book.objects.contains_key(&key) && !upsert {
            return Err(Refusal::Taken);
        }
    }
    let media_type = or(text(request.headers(), header::CONTENT_TYPE), "application/octet-stream");
    let cache_control = or(text(request.headers(), header::CACHE_CONTROL), "no-cache");
    let place = {
        let mut book = supabase.book();
        book.written.push(Written { path: key.1.clone(), from: 0, bytes: 0 });
        book.written.len() - 1
    };
    let mut bytes = Vec::new();
    let mut stream = request.into_body().into_data_stream();
    while let Some(piece) = stream.try_next().await.map_err(|_| Refusal::Malformed)? {
        supabase.book().written[place].bytes += piece.len() as u64;
        bytes.extend_from_slice(&piece);
    }
    if announced.is_some_and(|announced| announced != bytes.len() as u64) {
        return Err(Refusal::Malformed);
    }
    let mut book = supabase.book();
    if book.mood.damages
        && let Some(last) = bytes.last_mut()
    {
        *last ^= 0xFF;
    }
    book.objects.insert(key, Object { bytes: Bytes::from(bytes), media_type, cache_control });
    Ok(())
}

fn read(supabase: &Supabase, key: (String, String), request: &Request, anonymous: bool) -> Answer {
    let book = supabase.book();
    // A private bucket is no bucket to those who show no key.
    let bucket = book.buckets.get(&key.0).filter(|bucket| bucket.public || !anonymous).ok_or(Refusal::NoSuchBucket)?;
    if anonymous && book.mood.reads_refused && bucket.public {
        return Err(Refusal::Policy);
    }
    let Object { bytes, media_type, cache_control } = book.objects.get(&key).cloned().ok_or(Refusal::NoSuchKey)?;
    drop(book);
    let size = bytes.len() as u64;
    let range = request.headers().get(header::RANGE).and_then(|value| value.to_str().ok());
    let part = range.and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
    let (status, bytes, place) = match part {
        Some((first, last)) => {
            let first: u64 = first.parse().map_err(|_| Refusal::Range)?;
            let last = last.parse::<u64>().unwrap_or(u64::MAX).min(size.saturating_sub(1));
            if first >= size || last < first {
                return Err(Refusal::Range);
            }
            let (from, to) = (usize::try_from(first).expect("small"), usize::try_from(last).expect("small"));
            (StatusCode::PARTIAL_CONTENT, bytes.slice(from..=to), Some(format!("bytes {first}-{last}/{size}")))
        }
        None => (StatusCode::OK, bytes, None),
    };
    // Pages are not hosted there.
    let media_type = if media_type.starts_with("text/html") { "text/plain".to_owned() } else { media_type };
    let mut response = Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, media_type)
        .header(header::CONTENT_LENGTH, bytes.len())
        .header(header::CACHE_CONTROL, cache_control)
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::ETAG, format!("\"opaque-{size}\""))
        .header("x-robots-tag", "none");
    if let Some(place) = place {
        response = response.header(header::CONTENT_RANGE, place);
    }
    let body = match supabase.book().mood.pace {
        _ if request.method() == Method::HEAD => Body::empty(),
        None => Body::from(bytes),
        Some(pace) => paced(bytes, pace),
    };
    Ok(response.body(body).expect("a response"))
}

/// Ten pieces a second.
fn paced(bytes: Bytes, pace: usize) -> Body {
    Body::from_stream(futures_util::stream::unfold(bytes, move |mut rest| async move {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        let piece = rest.split_to(rest.len().min(pace / 10));
        (!piece.is_empty()).then_some((Ok::<_, std::convert::Infallible>(piece), rest))
    }))
}

fn info(supabase: &Supabase, key: &(String, String)) -> Answer {
    let book = supabase.book();
    if !book.buckets.contains_key(&key.0) {
        return Err(Refusal::NoSuchBucket);
    }
    let object = book.objects.get(key).ok_or(Refusal::NoSuchKey)?;
    Ok(axum::Json(json!({ "id": "0", "name": key.1, "version": "1", "bucket_id": key.0, "size": object.bytes.len(),
        "content_type": object.media_type, "cache_control": object.cache_control, "etag": "\"opaque\"",
        "metadata": {}, "last_modified": "2026-01-15T12:00:00.000Z", "created_at": "2026-01-15T12:00:00.000Z" }))
    .into_response())
}

/// One level below a folder, a page at a time.
async fn list(supabase: &Supabase, bucket: &str, request: Request) -> Answer {
    let bucket = bucket.to_owned();
    let asked = body(request).await?;
    let prefix = asked["prefix"].as_str().ok_or(Refusal::Malformed)?.trim_matches('/').to_owned() + "/";
    let number = |field: &str, other: u64| usize::try_from(asked[field].as_u64().unwrap_or(other)).expect("small");
    if !supabase.book().buckets.contains_key(&bucket) {
        return Err(Refusal::NoSuchBucket);
    }
    // What lies deeper shows as its folder, once, among the names.
    let below: std::collections::BTreeSet<(String, bool)> = supabase
        .paths(&bucket)
        .iter()
        .filter_map(|path| path.strip_prefix(&prefix))
        .map(|name| name.split_once('/').map_or((name.to_owned(), false), |(folder, _)| (folder.to_owned(), true)))
        .collect();
    let page: Vec<Value> = below
        .iter()
        .skip(number("offset", 0))
        .take(number("limit", 100))
        .map(|(name, is_folder)| match is_folder {
            true => json!({ "name": name, "id": null, "metadata": null }),
            false => {
                let size = supabase.object(&bucket, &format!("{prefix}{name}")).bytes.len();
                json!({ "name": name, "id": "0", "metadata": { "size": size } })
            }
        })
        .collect();
    Ok(axum::Json(page).into_response())
}
