//! Files in a storage outside: on their way there, in every state in which it can be, and back.

mod copies;
mod foreign;
mod kinds;
mod limits;
mod pieces;
mod s3;
mod stand_in;
mod states;
mod straight;
mod traffic;

use axum::body::Bytes;
use axum::http::Request;
use data_encoding::{BASE64, HEXLOWER};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpStream;

use crate::support::{Answer, Supabase, TestApp};

const UPLOADS: &str = "/api/videos/uploads";

/// A server that keeps its files there, with this key.
async fn server_with(supabase: &Supabase, key: &str, more: &[(&str, &str)]) -> TestApp {
    let variables = supabase.variables_with(key);
    let variables: Vec<(&str, &str)> =
        variables.iter().map(|(name, value)| (*name, value.as_str())).chain(more.iter().copied()).collect();
    TestApp::with(&variables).await
}

/// A server that keeps its files there.
async fn server(supabase: &Supabase) -> TestApp {
    server_with(supabase, crate::support::supabase::SECRET_KEY, &[]).await
}

fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

/// What a browser says of a file before it sends it.
fn announcement(name: &str, bytes: &[u8]) -> Value {
    let head = BASE64.encode(&bytes[..bytes.len().min(512)]);
    json!({ "name": name, "size": bytes.len(), "head": head, "sha256": sha256(bytes), "category": "BUTS" })
}

async fn announce(app: &TestApp, token: &str, said: Value) -> Answer {
    app.post(UPLOADS, said).bearer(token).send().await
}

async fn done(app: &TestApp, token: &str, way: &Value) -> Answer {
    let id = way["address"]["id"].as_str().expect("an id");
    app.post(&format!("{UPLOADS}/{id}/done"), json!({})).bearer(token).send().await
}

/// What a browser does with an address that it was given: the status of the answer.
async fn send(way: &Value, bytes: &[u8]) -> u16 {
    let media_type = way["address"]["media_type"].as_str().expect("a type");
    send_as(way, bytes, media_type).await
}

async fn send_as(way: &Value, bytes: &[u8], media_type: &str) -> u16 {
    let url = way["address"]["url"].as_str().expect("an address");
    let rest = url.strip_prefix("http://").expect("of this machine");
    let (host, path) = rest.split_at(rest.find('/').expect("a path"));
    let stream = TcpStream::connect(host).await.expect("a connection");
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.expect("HTTP");
    tokio::spawn(async move {
        let _ = connection.await;
    });
    let request = Request::put(path)
        .header("host", host)
        .header("user-agent", "Mozilla/5.0 (X11; Linux) Firefox/140.0")
        .header("content-type", media_type)
        .header("cache-control", way["address"]["cache_control"].as_str().expect("a rule"))
        .body(Full::new(Bytes::copy_from_slice(bytes)))
        .expect("a request");
    let (parts, body) = sender.send_request(request).await.expect("an answer").into_parts();
    let _ = body.collect().await;
    parts.status.as_u16()
}

/// A file that goes the whole way.
async fn upload(app: &TestApp, token: &str, name: &str, bytes: &[u8]) -> Value {
    let way = announce(app, token, announcement(name, bytes)).await;
    assert_eq!(way.status, 200, "{}", way.text);
    let way = way.json();
    assert_eq!(send(&way, bytes).await, 200);
    let made = done(app, token, &way).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.json()
}

/// The path of a video's object.
fn path_of(made: &Value) -> String {
    format!("uploads/{}", made["name"].as_str().expect("a name"))
}

/// How many videos the library has, and how many uploads are on record.
async fn counts(app: &TestApp) -> (i64, i64) {
    let sql = "select (select count(*) from videos), (select count(*) from video_uploads)";
    let row = app.db.owner().await.query_one(sql, &[]).await.expect("counts");
    (row.get(0), row.get(1))
}

/// A real video that is as large as one likes.
fn video_of(content: usize) -> Vec<u8> {
    let start = &crate::media!("faststart.mp4")[..32 + 899];
    [start, b"\0\0\0\x01mdat", &(content as u64 + 16).to_be_bytes(), &vec![0; content]].concat()
}
