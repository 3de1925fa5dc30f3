//! Large files piece by piece: the stand-in by the rules of TUS and of the hosted service, and what the server makes of
//! them. A browser that does it, over a line that is cut, is in `fleet/tests/it/pieces.rs`.

use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use data_encoding::BASE64;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::stand_in::{NEW, Said, ask};
use super::{announce, announcement, counts, done, path_of, server, sha256, video_of};
use crate::support::Supabase;
use crate::support::supabase::{Bucket, Coming, FIFTY_MB, PIECE, Written};

const BELOW: &str = "/upload/resumable/sign";
const OCTETS: (&str, &str) = ("content-type", "application/offset+octet-stream");
const V1: (&str, &str) = ("tus-resumable", "1.0.0");

/// An upload that its signature is for.
struct Upload<'a> {
    supabase: &'a Supabase,
    signature: String,
    /// Below the storage's own base.
    at: String,
}

fn metadata(bucket: &str, object: &str) -> String {
    let pair = |name: &str, value: &str| format!("{name} {}", BASE64.encode(value.as_bytes()));
    let (kind, cached) = (pair("contentType", "video/mp4"), pair("cacheControl", "31536000"));
    format!("{},{},{kind},{cached}", pair("bucketName", bucket), pair("objectName", object))
}

async fn begin(supabase: &Supabase, headers: &[(&str, &str)], signature: &str, length: usize, metadata: &str) -> Said {
    let length = length.to_string();
    let own = [("upload-length", length.as_str()), ("upload-metadata", metadata), ("x-signature", signature)];
    ask(supabase, Method::POST, BELOW, &[headers, &own].concat(), b"").await
}

/// A signature for one object.
async fn sign(supabase: &Supabase, object: &str) -> String {
    let said = ask(supabase, Method::POST, &format!("/object/upload/sign/videos/{object}"), &NEW, b"{}").await;
    let given: Value = serde_json::from_slice(&said.2).expect("JSON");
    given["token"].as_str().expect("a token").to_owned()
}

/// Below `/storage/v1`.
fn location(supabase: &Supabase, said: &Said) -> String {
    assert_eq!(said.0, StatusCode::CREATED, "{:?}", said.2);
    let location = said.1["location"].to_str().expect("an address");
    location.strip_prefix(&format!("{}/storage/v1", supabase.url())).expect("its own").to_owned()
}

impl<'a> Upload<'a> {
    async fn begin(supabase: &'a Supabase, object: &str, length: usize) -> Self {
        let signature = sign(supabase, object).await;
        let said = begin(supabase, &[V1], &signature, length, &metadata("videos", object)).await;
        Self { supabase, signature, at: location(supabase, &said) }
    }

    async fn ask(&self, method: Method, headers: &[(&str, &str)], body: &[u8]) -> Said {
        let own = [V1, ("x-signature", self.signature.as_str())];
        ask(self.supabase, method, &self.at, &[&own[..], headers].concat(), body).await
    }

    async fn piece(&self, offset: usize, bytes: &[u8]) -> Said {
        self.ask(Method::PATCH, &[OCTETS, ("upload-offset", &offset.to_string())], bytes).await
    }

    async fn offset(&self) -> usize {
        let said = self.ask(Method::HEAD, &[], b"").await;
        assert_eq!(said.0, StatusCode::OK);
        said.1["upload-offset"].to_str().expect("digits").parse().expect("a number")
    }

    /// A piece whose line is cut after so many of its bytes.
    async fn cut(&self, offset: usize, piece: usize, come: usize) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.supabase.port)).await.expect("a connection");
        let head = format!(
            "PATCH /storage/v1{} HTTP/1.1\r\nhost: x\r\ntus-resumable: 1.0.0\r\nx-signature: {}\r\n\
             content-type: application/offset+octet-stream\r\nupload-offset: {offset}\r\ncontent-length: {piece}\r\n\r\n",
            self.at, self.signature
        );
        stream.write_all(head.as_bytes()).await.expect("sent");
        stream.write_all(&vec![b'x'; come]).await.expect("sent");
        let book = || self.supabase.book();
        until("the bytes are there", || book().written.last().is_some_and(|last| last.bytes == come as u64)).await;
        drop(stream);
        until("it is given up", || !book().coming.values().any(Coming::is_busy)).await;
    }
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(10), "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn words(said: &Said) -> (u16, String) {
    (said.0.as_u16(), String::from_utf8_lossy(&said.2).trim().to_owned())
}

fn refused(status: u16, words: &str) -> (u16, String) {
    (status, words.to_owned())
}

#[tokio::test]
async fn the_stand_in_begins_what_is_signed_told_and_within_the_limit_and_nothing_else() {
    let supabase = Supabase::start().await;
    let (signature, other) = (sign(&supabase, "uploads/a.mp4").await, sign(&supabase, "uploads/b.mp4").await);
    let (told, size) = (metadata("videos", "uploads/a.mp4"), 2 * PIECE);
    let first = async |headers: &[(&str, &str)], signature: &str, size: usize, told: &str| {
        words(&begin(&supabase, headers, signature, size, told).await)
    };
    assert_eq!(first(&[], &signature, size, &told).await, refused(412, "Tus-Resumable Required"));
    let old = [("tus-resumable", "0.2.2")];
    assert_eq!(first(&old, &signature, size, &told).await, refused(400, "Invalid tus-resumable"));
    assert_eq!(first(&[V1], "", size, &told).await, refused(400, "Missing x-signature header"));
    for foreign in [&*other, "signed-by-nobody"] {
        assert_eq!(first(&[V1], foreign, size, &told).await, refused(400, "Invalid signature"));
    }
    assert_eq!(first(&[V1], &signature, size, "bucketName x").await, refused(400, "Upload-Metadata is invalid"));
    assert_eq!(first(&[V1], &signature, size, &metadata("videos", "é.mp4")).await.0, 400);
    supabase.set(|mood| mood.tokens_expired = true);
    assert_eq!(first(&[V1], &signature, size, &told).await, refused(400, "The provided token has expired."));
    supabase.set(|mood| (mood.tokens_expired, mood.most) = (false, Some(FIFTY_MB)));
    let large = usize::try_from(FIFTY_MB).expect("small") + 1;
    assert_eq!(first(&[V1], &signature, large, &told).await, refused(413, "Maximum size exceeded"));
    supabase.book().buckets.insert("videos".into(), Bucket { public: true, file_size_limit: Some(size as u64 - 1) });
    assert_eq!(first(&[V1], &signature, size, &told).await, refused(413, "Maximum size exceeded"));
    supabase.book().buckets.remove("videos");
    assert_eq!(first(&[V1], &signature, size, &told).await, refused(404, "Bucket not found"));
    assert!(supabase.book().coming.is_empty());
    // What does not know it at all answers like any other route that is none.
    supabase.set(|mood| mood.no_pieces = true);
    assert_eq!(begin(&supabase, &[V1], &signature, size, &told).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_stand_in_takes_six_megabytes_at_the_offset_that_it_has_and_nothing_else() {
    let supabase = Supabase::start().await;
    let upload = Upload::begin(&supabase, "uploads/a.mp4", 2 * PIECE + 10).await;
    let whole = vec![b'x'; PIECE];
    for wrong in [&whole[1..], &whole[..10]] {
        assert_eq!(words(&upload.piece(0, wrong).await), refused(400, "Chunks have 6 MB, all but the last"));
    }
    assert_eq!(upload.piece(0, &[&whole[..], b"x"].concat()).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(words(&upload.piece(PIECE, &whole).await), refused(409, "Upload-Offset conflict"));
    assert_eq!(upload.ask(Method::PATCH, &[OCTETS], &whole).await.0, StatusCode::FORBIDDEN);
    let wrong_kind = [("content-type", "video/mp4"), ("upload-offset", "0")];
    assert_eq!(words(&upload.ask(Method::PATCH, &wrong_kind, &whole).await), refused(400, "Invalid content-type"));
    let written = supabase.book().written.len();
    assert_eq!((written, upload.offset().await), (0, 0), "not a byte of these was taken");

    assert_eq!(upload.piece(0, &whole).await.1["upload-offset"], PIECE.to_string());
    assert_eq!(words(&upload.piece(0, &whole).await), refused(409, "Upload-Offset conflict"));
    // Of a piece whose line is cut it has what came, or nothing.
    upload.cut(PIECE, PIECE, 1_000_000).await;
    assert_eq!(upload.offset().await, PIECE + 1_000_000);
    supabase.set(|mood| mood.drops_cut_pieces = true);
    upload.cut(PIECE + 1_000_000, PIECE + 10 - 1_000_000, 2_000_000).await;
    assert_eq!(upload.offset().await, PIECE);
    assert_eq!(upload.piece(PIECE, &whole).await.0, StatusCode::NO_CONTENT);
    assert_eq!(upload.piece(2 * PIECE, &whole[..11]).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(supabase.paths("videos").is_empty());
    let last = upload.piece(2 * PIECE, &whole[..10]).await;
    assert_eq!((last.0, &last.1["tus-complete"]), (StatusCode::NO_CONTENT, &"1".parse().expect("a value")));
    let object = supabase.object("videos", "uploads/a.mp4");
    assert_eq!((object.bytes.len(), &*object.media_type), (2 * PIECE + 10, "video/mp4"));
    assert_eq!((&*object.cache_control, upload.offset().await), ("max-age=31536000", 2 * PIECE + 10));

    // Its address is nothing without its signature, and nothing after its end.
    let stranger =
        Upload { signature: sign(&supabase, "uploads/c.mp4").await, supabase: &supabase, at: upload.at.clone() };
    assert_eq!(stranger.ask(Method::HEAD, &[], b"").await.0, StatusCode::BAD_REQUEST);
    assert_eq!(upload.ask(Method::DELETE, &[], b"").await.0, StatusCode::NO_CONTENT);
    assert_eq!(upload.ask(Method::HEAD, &[], b"").await.0, StatusCode::NOT_FOUND);
    // Of two that were begun for one object the later one is refused at its end.
    let signature = sign(&supabase, "uploads/d.mp4").await;
    let told = metadata("videos", "uploads/d.mp4");
    let mut ends = Vec::new();
    for _ in 0..2 {
        let said = begin(&supabase, &[V1], &signature, 10, &told).await;
        let one = Upload { supabase: &supabase, signature: signature.clone(), at: location(&supabase, &said) };
        ends.push(words(&one.piece(0, &whole[..10]).await));
    }
    assert_eq!(ends, [refused(204, ""), refused(409, "The resource already exists")]);
}

#[tokio::test]
async fn a_file_of_more_than_a_piece_is_offered_both_ways_and_is_the_same_video_by_either() {
    let supabase = Supabase::start().await;
    let app = server(&supabase).await;
    let token = app.token("operator").await;
    // What is one piece, or lies elsewhere, is sent whole.
    let small = announce(&app, &token, announcement("petite.mp4", &video_of(1_000))).await.expect(StatusCode::OK);
    assert_eq!(small.json()["address"]["resumable"], json!(null));

    let file = video_of(2 * PIECE);
    let way = announce(&app, &token, announcement("grande.mp4", &file)).await.expect(StatusCode::OK).json();
    let resumable = &way["address"]["resumable"];
    assert_eq!(resumable["url"], format!("{}/storage/v1{BELOW}", supabase.url()));
    assert_eq!((&resumable["bucket"], &resumable["piece_bytes"]), (&json!("videos"), &json!(PIECE)));
    let (signature, object) =
        (resumable["signature"].as_str().expect("one"), resumable["object"].as_str().expect("one"));
    let said = begin(&supabase, &[V1], signature, file.len(), &metadata("videos", object)).await;
    let upload = Upload { supabase: &supabase, signature: signature.to_owned(), at: location(&supabase, &said) };
    assert_eq!(upload.piece(0, &file[..PIECE]).await.0, StatusCode::NO_CONTENT);
    // In the middle it has not arrived, and that decides nothing.
    assert_eq!(done(&app, &token, &way).await.expect(StatusCode::CONFLICT).code(), "not_arrived");
    for from in [PIECE, 2 * PIECE] {
        let piece = &file[from..file.len().min(from + PIECE)];
        assert_eq!(upload.piece(from, piece).await.0, StatusCode::NO_CONTENT);
    }
    let made = done(&app, &token, &way).await.expect(StatusCode::CREATED).json();
    assert_eq!((&made["checksum"], path_of(&made)), (&json!(sha256(&file)), object.to_owned()));
    assert_eq!(counts(&app).await.0, 1);
    let written = [(0, PIECE), (PIECE, PIECE), (2 * PIECE, file.len() - 2 * PIECE)].map(|(from, bytes)| Written {
        path: object.to_owned(),
        from: from as u64,
        bytes: bytes as u64,
    });
    assert_eq!(supabase.book().written, written);
}
