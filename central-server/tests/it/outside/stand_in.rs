//! The stand-in itself, by the rules that clients stumble over.

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::support::Supabase;
use crate::support::supabase::{Bucket, FIFTY_MB, SECRET_KEY};

pub(super) type Said = (StatusCode, HeaderMap, Bytes);

pub(super) async fn ask(
    supabase: &Supabase,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Said {
    let stream = TcpStream::connect(("127.0.0.1", supabase.port)).await.expect("a connection");
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.expect("HTTP");
    tokio::spawn(async move {
        let _ = connection.await;
    });
    let mut request = Request::builder().method(method).uri(format!("/storage/v1{path}")).header("host", "x");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::copy_from_slice(body))).expect("a request");
    let (parts, body) = sender.send_request(request).await.expect("an answer").into_parts();
    (parts.status, parts.headers, body.collect().await.expect("a body").to_bytes())
}

/// HTTP status, and status and code of the body.
fn refusal((status, _, body): &Said) -> (u16, String, String) {
    let said: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |field: &str| said[field].as_str().unwrap_or_default().to_owned();
    (status.as_u16(), text("statusCode"), text("code"))
}

pub(super) const NEW: [(&str, &str); 2] = [("apikey", SECRET_KEY), ("user-agent", "neopro")];

#[tokio::test]
async fn it_refuses_with_400_and_the_truth_in_the_body() {
    let supabase = Supabase::start().await;
    let said = |status: &str, code: &str| (400, status.to_owned(), code.to_owned());
    let post = async |path: &str, body: &[u8]| ask(&supabase, Method::POST, path, &NEW, body).await;
    for name in ["été.mp4", "a%23b", "a%5Bb", "a~b", "a%22b"] {
        let name = name.replace('é', "%C3%A9");
        let answer = post(&format!("/object/videos/uploads/{name}"), b"x").await;
        assert_eq!(refusal(&answer), said("400", "InvalidKey"), "{name}");
    }
    assert_eq!(post("/object/videos/uploads/a.mp4", b"0123456789").await.0, StatusCode::OK);
    let again = post("/object/videos/uploads/a.mp4", b"x").await;
    assert_eq!(refusal(&again), said("409", "KeyAlreadyExists"));
    assert_eq!(refusal(&post("/object/nowhere/a.mp4", b"x").await), said("404", "NoSuchBucket"));
    let get = async |path: &str, headers: &[(&str, &str)]| ask(&supabase, Method::GET, path, headers, b"").await;
    let part = get("/object/public/videos/uploads/a.mp4", &[("range", "bytes=4-6")]).await;
    assert_eq!(
        (part.0.as_u16(), &part.1["content-range"], &part.2[..]),
        (206, &"bytes 4-6/10".parse().expect("a value"), &b"456"[..])
    );
    assert_eq!(supabase.seen("GET").last().and_then(|seen| seen.range.clone()).as_deref(), Some("bytes=4-6"));
    let beyond = get("/object/public/videos/uploads/a.mp4", &[("range", "bytes=10-")]).await;
    assert_eq!(refusal(&beyond), said("416", "InvalidRange"));
    // A bucket that is private looks to readers like one that is not there.
    supabase.book().buckets.insert("videos".into(), Bucket { public: false, file_size_limit: None });
    for path in ["/object/public/videos/uploads/a.mp4", "/object/public/nowhere/uploads/a.mp4"] {
        assert_eq!(refusal(&get(path, &[]).await), said("404", "NoSuchBucket"));
    }
    assert_eq!(get("/object/authenticated/videos/uploads/a.mp4", &NEW).await.2, "0123456789");
    let deleted = ask(&supabase, Method::DELETE, "/object/videos/uploads/a.mp4", &NEW, b"").await;
    assert_eq!(deleted.0, StatusCode::OK);
    let gone = ask(&supabase, Method::DELETE, "/object/videos/uploads/a.mp4", &NEW, b"").await;
    assert_eq!(refusal(&gone), said("404", "NoSuchKey"));
}

#[tokio::test]
async fn it_knows_each_key_by_its_form() {
    let supabase = Supabase::start().await;
    let (service, anon) = (Supabase::jwt("service_role"), Supabase::jwt("anon"));
    let (as_bearer, anon_bearer) = (format!("Bearer {service}"), format!("Bearer {anon}"));
    let secret_bearer = format!("Bearer {SECRET_KEY}");
    for (headers, status) in [
        (vec![("apikey", SECRET_KEY), ("user-agent", "neopro")], 200),
        (vec![("apikey", SECRET_KEY), ("user-agent", "neopro"), ("authorization", &secret_bearer)], 200),
        (vec![("apikey", SECRET_KEY), ("user-agent", "neopro"), ("authorization", &as_bearer)], 401),
        (vec![("apikey", SECRET_KEY), ("user-agent", "Mozilla/5.0")], 401),
        (vec![("apikey", &service), ("authorization", &as_bearer)], 200),
        (vec![("apikey", &service)], 400),
        (vec![("apikey", &anon), ("authorization", &anon_bearer)], 400),
        (vec![("apikey", "sb_secret_of_nobody"), ("user-agent", "neopro")], 401),
        (vec![], 401),
    ] {
        let answer = ask(&supabase, Method::GET, "/bucket/videos", &headers, b"").await;
        assert_eq!(answer.0.as_u16(), status, "{headers:?}");
    }
}

#[tokio::test]
async fn it_has_a_limit_for_what_announces_its_length() {
    let supabase = Supabase::empty().await;
    supabase.set(|mood| mood.most = Some(FIFTY_MB));
    let make = async |body: &str| ask(&supabase, Method::POST, "/bucket", &NEW, body.as_bytes()).await;
    let large = make(r#"{"name":"videos","public":true,"file_size_limit":1073741824}"#).await;
    assert_eq!(refusal(&large).2, "EntityTooLarge", "what NeoPro 1 asked for is above the plan");
    assert_eq!(make(r#"{"name":"videos"}"#).await.0, StatusCode::OK);
    assert!(!supabase.book().buckets["videos"].public, "a bucket is private unless it is said to be public");
    assert_eq!(refusal(&make(r#"{"name":"videos","public":true}"#).await).1, "409");
    supabase.set(|mood| mood.most = Some(5));
    let answer = ask(&supabase, Method::POST, "/object/videos/a", &NEW, b"123456").await;
    assert_eq!(refusal(&answer).2, "EntityTooLarge");
}
