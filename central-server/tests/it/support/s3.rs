//! A stand-in for a storage that speaks S3, in one bucket. It takes nothing without a signature that it has computed
//! itself from what has come (`storage/s3/sign.rs` compares the same signatures with botocore's).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Request, Response, StatusCode};
use data_encoding::HEXLOWER;
use percent_encoding::percent_decode_str;
use ring::hmac::{HMAC_SHA256, Key, sign};
use sha2::{Digest as _, Sha256};

pub const BUCKET: &str = "neopro-videos";
const REGION: &str = "gra";
const KEY_ID: &str = "AKNEOPROTEST";
pub const SECRET: &str = "a-secret-of-the-stand-in-for-tests";
/// Objects of one page: few, so that a list has several.
const PAGE: usize = 2;

#[derive(Debug, Default)]
pub struct Book {
    /// Media type and bytes, by key.
    pub objects: BTreeMap<String, (String, Bytes)>,
    /// Method, key and status of every request.
    pub seen: Vec<(String, String, u16)>,
    /// Nobody reads without a key.
    pub private: bool,
    /// There is no such bucket.
    pub missing: bool,
    /// So many of the next requests are told to come again.
    pub busy: u32,
    /// What is stored is not what was sent.
    pub damages: bool,
}

#[derive(Debug, Clone)]
pub struct S3 {
    book: Arc<Mutex<Book>>,
    port: u16,
}

impl S3 {
    /// An empty bucket that everybody may read.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let s3 = Self { book: Arc::default(), port: listener.local_addr().expect("an address").port() };
        let router = axum::Router::new().fallback(answer).with_state(s3.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        s3
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().expect("nobody has panicked")
    }

    /// What a server has to know of it.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        [
            ("STORAGE", "s3".to_owned()),
            ("S3_ENDPOINT", self.url()),
            ("S3_BUCKET", BUCKET.to_owned()),
            ("S3_REGION", REGION.to_owned()),
            ("S3_ACCESS_KEY_ID", KEY_ID.to_owned()),
            ("S3_SECRET_ACCESS_KEY", SECRET.to_owned()),
        ]
        .into()
    }
}

async fn answer(State(s3): State<S3>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 64 * 1024 * 1024).await.expect("a body");
    let (path, query) = (parts.uri.path().to_owned(), parts.uri.query().unwrap_or_default().to_owned());
    let decoded = percent_decode_str(&path).decode_utf8().expect("UTF-8").into_owned();
    let key = decoded.trim_start_matches('/').strip_prefix(BUCKET).map(|key| key.trim_start_matches('/').to_owned());
    let mut book = s3.book();
    let response = match key {
        Some(key) if !book.missing => {
            let allowed = allowed(&book, &parts.method, &parts.headers, &path, &query);
            let response = allowed.and_then(|()| act(&mut book, &parts.method, &key, &query, &parts.headers, body));
            book.seen.push((parts.method.to_string(), key, response.as_ref().map_or_else(|error| error.0, |_| 200)));
            response
        }
        _ => Err((404, "NoSuchBucket")),
    };
    response.unwrap_or_else(|(status, code)| {
        let status = StatusCode::from_u16(status).expect("a status");
        // `HEAD` has no body: whoever asks has to know by the status alone.
        let body =
            if parts.method == Method::HEAD { String::new() } else { format!("<Error><Code>{code}</Code></Error>") };
        Response::builder().status(status).body(Body::from(body)).expect("an answer")
    })
}

type Refusal = (u16, &'static str);

fn allowed(book: &Book, method: &Method, headers: &HeaderMap, path: &str, query: &str) -> Result<(), Refusal> {
    let parameters: BTreeMap<&str, &str> = query.split('&').filter_map(|part| part.split_once('=')).collect();
    let Some(told) = parameters.get("X-Amz-Signature") else {
        let reads = *method == Method::GET && !query.contains("list-type");
        return if reads && !book.private { Ok(()) } else { Err((403, "AccessDenied")) };
    };
    let parameter =
        |name: &str| percent_decode_str(parameters.get(name).copied().unwrap_or_default()).decode_utf8_lossy();
    let moment = parameter("X-Amz-Date").into_owned();
    let scope = format!("{}/{REGION}/s3/aws4_request", &moment[..8]);
    if parameter("X-Amz-Credential") != format!("{KEY_ID}/{scope}") {
        return Err((403, "InvalidAccessKeyId"));
    }
    let signed_at: jiff::Timestamp = moment.parse().expect("a time");
    let age = jiff::Timestamp::now().as_second() - signed_at.as_second();
    if age < -60 || age > parameter("X-Amz-Expires").parse::<i64>().expect("seconds") {
        return Err((403, "RequestTimeTooSkewed"));
    }
    let names = parameter("X-Amz-SignedHeaders").into_owned();
    let mut canonical = String::new();
    for name in names.split(';') {
        let value = headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        canonical.push_str(&format!("{name}:{value}\n"));
    }
    let mut rest: Vec<&str> = query.split('&').filter(|part| !part.starts_with("X-Amz-Signature=")).collect();
    rest.sort_unstable();
    let request = format!("{method}\n{path}\n{}\n{canonical}\n{names}\nUNSIGNED-PAYLOAD", rest.join("&"));
    let text = format!("AWS4-HMAC-SHA256\n{moment}\n{scope}\n{}", HEXLOWER.encode(&Sha256::digest(request.as_bytes())));
    let parts = [&moment[..8], REGION, "s3", "aws4_request", &text];
    let signature = parts.iter().fold(format!("AWS4{SECRET}").into_bytes(), |key, part| {
        sign(&Key::new(HMAC_SHA256, &key), part.as_bytes()).as_ref().to_vec()
    });
    if HEXLOWER.encode(&signature) == *told { Ok(()) } else { Err((403, "SignatureDoesNotMatch")) }
}

fn act(
    book: &mut Book,
    method: &Method,
    key: &str,
    query: &str,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Response<Body>, Refusal> {
    if book.busy > 0 {
        book.busy -= 1;
        return Err((503, "SlowDown"));
    }
    let response = Response::builder();
    let answer = match method.as_str() {
        "GET" if key.is_empty() => response.body(Body::from(list(book, query))),
        "PUT" => {
            let media_type = headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
            let mut bytes = body.to_vec();
            if book.damages && !bytes.is_empty() {
                bytes[0] ^= 1;
            }
            book.objects.insert(key.to_owned(), (media_type.to_owned(), bytes.into()));
            response.body(Body::empty())
        }
        "DELETE" => {
            book.objects.remove(key);
            response.status(204).body(Body::empty())
        }
        _ => {
            let (media_type, bytes) = book.objects.get(key).ok_or((404, "NoSuchKey"))?;
            response
                .header("content-type", media_type)
                .header("content-length", bytes.len())
                .body(Body::from(bytes.clone()))
        }
    };
    Ok(answer.expect("an answer"))
}

fn list(book: &Book, query: &str) -> String {
    let parameter = |name: &str| {
        let value = query.split('&').filter_map(|part| part.split_once('=')).find(|(found, _)| *found == name);
        value.map(|(_, value)| percent_decode_str(value).decode_utf8_lossy().into_owned())
    };
    let prefix = parameter("prefix").unwrap_or_default();
    let after = parameter("continuation-token").unwrap_or_default();
    let keys: Vec<&String> = book.objects.keys().filter(|key| key.starts_with(&prefix) && **key > after).collect();
    let page = &keys[..keys.len().min(PAGE)];
    let entries: String = page.iter().map(|key| format!("<Contents><Key>{key}</Key></Contents>")).collect();
    let more = keys.len() > PAGE;
    let next = page.last().filter(|_| more).map(|key| format!("<NextContinuationToken>{key}</NextContinuationToken>"));
    format!(
        "<ListBucketResult><IsTruncated>{more}</IsTruncated>{entries}{}</ListBucketResult>",
        next.unwrap_or_default()
    )
}
