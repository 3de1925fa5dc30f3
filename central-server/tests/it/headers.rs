//! What every answer carries, and which pages may read it: looked at on every address there is.

use axum::http::{Method, StatusCode};
use neopro_central::http::pages::File;
use serde_json::json;

use crate::auth::production;
use crate::contract::fill;
use crate::support::app::Answer;
use crate::support::cluster::scratch;
use crate::support::contract::operations;
use crate::support::program::{Server, text};
use crate::support::{Cluster, TestApp, http};

const LISTED: &str = "https://dashboard.neopro.test";

const DASHBOARD: &[File] = &[
    File { path: "assets/index-5f3a.js", media_type: "text/javascript", mark: "5f3a", bytes: b"1", gzip: None },
    File { path: "index.html", media_type: "text/html", mark: "cc", bytes: b"<!doctype html>", gzip: None },
];

/// Every operation of the API, and what stands beside it: pages, files, the reader of the API, stored bytes, the live
/// channel, what is not there, and what is refused before anything looks at it.
fn addresses() -> Vec<(Method, String)> {
    let mut addresses: Vec<(Method, String)> = operations()
        .into_iter()
        .map(|(path, method, _)| (Method::from_bytes(method.as_bytes()).expect("a method"), fill(&path)))
        .collect();
    for path in [
        "/sites",
        "/assets/index-5f3a.js",
        "/assets/gone.js",
        "/api-docs",
        "/api-docs/",
        "/api-docs/openapi.json",
        "/api-docs/gone.js",
        "/api/nowhere",
        "/storage/v1/object/public/videos/uploads/0123456789abcdef0123456789abcdef.mp4",
        "/storage/nowhere",
        "/socket.io/",
        "/socket.io/?EIO=4&transport=polling&sid=unknown",
        "/metrics",
    ] {
        addresses.push((Method::GET, path.to_owned()));
    }
    addresses.push((Method::PATCH, "/api/sites".to_owned()));
    addresses.push((Method::OPTIONS, "/api/sites".to_owned()));
    addresses.push((Method::GET, format!("/api/sites?search={}", "x".repeat(10_000))));
    addresses
}

async fn ask(app: &TestApp, method: &Method, path: &str, session: &str, origin: Option<&str>) -> Answer {
    let mut call = app.call(method.clone(), path).header("host", "api.neopro.test").header("accept", "text/html, */*");
    // Who logs out has no session for the rest.
    if !session.is_empty() && !path.ends_with("/logout") {
        call = call.bearer(session);
    }
    if let Some(origin) = origin {
        call = call.header("origin", origin);
    }
    // The live channel is described by its own protocol, and a method that no route has by nothing.
    if path.starts_with("/socket.io") || *method == Method::PATCH { call.unjudged().await } else { call.send().await }
}

fn directive<'a>(policy: &'a str, name: &str) -> Option<&'a str> {
    policy.split(';').map(str::trim).find_map(|part| part.strip_prefix(name)?.strip_prefix(' '))
}

fn judge(answer: &Answer, what: &str) {
    let is = |name: &str, value: &str| assert_eq!(answer.header(name), value, "{what}: {name}");
    is("x-content-type-options", "nosniff");
    is("referrer-policy", "no-referrer");
    is("cross-origin-opener-policy", "same-origin");
    is("x-permitted-cross-domain-policies", "none");
    assert!(answer.header("strict-transport-security").starts_with("max-age=15552000"), "{what}");
    assert!(matches!(answer.header("x-frame-options"), "SAMEORIGIN" | "DENY"), "{what}");
    for name in ["server", "x-powered-by"] {
        is(name, "");
    }
    assert_eq!(answer.headers.get_all("content-security-policy").iter().count(), 1, "{what}");
    let policy = answer.header("content-security-policy");
    let scripts = directive(policy, "script-src").or(directive(policy, "default-src"));
    let scripts = scripts.unwrap_or_else(|| panic!("{what}: {policy} says nothing of scripts"));
    assert!(matches!(scripts, "'none'" | "'self'"), "{what}: scripts may come from {scripts}");
    let frames = directive(policy, "frame-ancestors").unwrap_or_else(|| panic!("{what}: {policy} says no frames"));
    assert!(matches!(frames, "'none'" | "'self'"), "{what}: {frames} may frame it");
    assert!(!answer.header("cache-control").is_empty(), "{what}: whether it may be kept is said");
    if what.contains(" /api/") {
        assert!(answer.header("cache-control").contains("no-store"), "{what}: answers are of one person");
    }
}

#[tokio::test]
async fn every_answer_of_every_address_is_guarded() {
    let app = TestApp::serving(DASHBOARD).await;
    let session = app.token("super_admin").await;
    let mut statuses = std::collections::BTreeSet::new();
    for (method, path) in addresses() {
        for session in ["", session.as_str()] {
            let answer = ask(&app, &method, &path, session, None).await;
            judge(&answer, &format!("{method} {}", &path[..path.len().min(80)]));
            statuses.insert(answer.status);
        }
    }
    app.pool().close();
    judge(&ask(&app, &Method::GET, "/api/sites", &session, None).await, "GET /api/sites without a database");
    for status in [200, 204, 303, 400, 401, 404, 405, 415, 431] {
        assert!(statuses.contains(&status), "{status} is not among {statuses:?}");
    }
}

#[tokio::test]
async fn only_the_listed_page_reads_the_answers_of_any_address() {
    let app = TestApp::with(&production()).await;
    let session = app.token("super_admin").await;
    for (method, path) in addresses().into_iter().filter(|(_, path)| !path.starts_with("/storage/v1/")) {
        let what = format!("{method} {}", &path[..path.len().min(80)]);
        let listed = ask(&app, &method, &path, &session, Some(LISTED)).await;
        let heads = path.len() > 8_000;
        assert_eq!(listed.header("access-control-allow-origin") == LISTED, !heads, "{what}");
        assert_eq!(listed.header("access-control-allow-credentials") == "true", !heads, "{what}");
        for foreign in ["https://evil.test", "null", "http://localhost:4200", "https://dashboard.neopro.test.evil.test"]
        {
            let answer = ask(&app, &method, &path, &session, Some(foreign)).await;
            let sign = if what == "GET /live" { "*" } else { "" };
            assert_eq!(answer.header("access-control-allow-origin"), sign, "{what} from {foreign}");
            assert_eq!(answer.header("access-control-allow-credentials"), "", "{what} from {foreign}");
            if !method.is_safe() {
                assert_eq!(answer.status, 403, "{what} from {foreign}");
            }
        }
        if !heads {
            let varies = listed.headers.get_all("vary").iter().any(|names| names == "Origin");
            assert!(varies, "{what}: a cache must not give one page the answer of another");
        }
    }
}

#[tokio::test]
async fn the_sign_of_life_says_to_every_page_what_it_is_and_nothing_else() {
    let app = TestApp::with(&production()).await;
    let session = app.token("super_admin").await;
    let sign = ask(&app, &Method::GET, "/live", &session, Some("https://tableau.club.test")).await;
    assert_eq!(sign.header("access-control-allow-origin"), "*");
    assert_eq!(sign.header("access-control-allow-credentials"), "", "no page may send a session along");
    assert_eq!(sign.header("cross-origin-resource-policy"), "cross-origin");
    let mut said: Vec<String> = sign.json().as_object().expect("an object").keys().cloned().collect();
    said.sort();
    assert_eq!(
        (said, sign.json()["service"].as_str()),
        (["service", "status", "timestamp"].map(str::to_owned).to_vec(), Some("neopro-central"),)
    );
    for (method, path) in [(Method::OPTIONS, "/live"), (Method::GET, "/live/"), (Method::GET, "/health")] {
        let other = ask(&app, &method, path, "", Some("https://tableau.club.test")).await;
        assert_eq!(other.header("access-control-allow-origin"), "", "{method} {path}");
    }
    let listed = ask(&app, &Method::GET, "/live", "", Some(LISTED)).await;
    assert_eq!(listed.header("access-control-allow-origin"), LISTED);
}

#[tokio::test]
async fn without_a_list_production_lets_no_foreign_page_in() {
    let mut variables = production();
    variables.retain(|(name, _)| *name != "ALLOWED_ORIGINS");
    let app = TestApp::with(&variables).await;
    for origin in [LISTED, "http://localhost:4200", "null"] {
        let read = ask(&app, &Method::GET, "/ready", "", Some(origin)).await;
        assert_eq!((read.status, read.header("access-control-allow-origin")), (200, ""), "{origin}");
        let act = ask(&app, &Method::POST, "/api/auth/logout", "", Some(origin)).await;
        assert_eq!((act.status, act.code().as_str()), (403, "foreign_origin"), "{origin}");
        let live = app.get("/socket.io/?EIO=4&transport=polling").header("host", "api.neopro.test");
        assert_eq!(live.header("origin", origin).status().await, 403, "{origin}");
    }
    let own = app.post("/api/auth/logout", json!({})).header("host", "api.neopro.test");
    own.header("origin", "https://api.neopro.test").send().await.expect(StatusCode::OK);
}

/// The program itself, as production starts it.
#[tokio::test]
async fn the_log_warns_of_a_missing_list_and_names_each_refused_page_once() {
    let (db, folder, log) = (Cluster::get().migrated().await, scratch("headers"), scratch("headers.log"));
    let _ = std::fs::remove_file(&log);
    let url = db.url();
    let mut variables = production();
    variables.retain(|(name, _)| !matches!(*name, "ALLOWED_ORIGINS" | "DATABASE_URL" | "REDIS_URL"));
    variables.extend([
        ("DATABASE_URL", url.as_str()),
        ("REDIS_URL", "redis://127.0.0.1:1"),
        ("NEOPRO_DATA_DIR", folder.to_str().expect("UTF-8")),
    ]);
    let mut server = Server::spawn(&variables, &log);
    server.ready().await;
    let warned = text(&log);
    assert!(warned.contains("ALLOWED_ORIGINS") && warned.contains("étape 7.6"), "{warned}");

    let answer = http::get(server.port, "/api/sites").await;
    assert_eq!(answer.status, 401);
    judge(&answer, "GET /api/sites of the program");
    let origin = "https://tableau.club.test";
    for _ in 0..3 {
        let refused = from_page(server.port, origin).await;
        assert!(refused.starts_with("HTTP/1.1 403"), "{refused}");
        assert!(!refused.to_lowercase().contains("access-control-allow-origin"), "{refused}");
    }
    assert!(server.terminate().await.success());
    let said = text(&log);
    let named: Vec<&str> = said.lines().filter(|line| line.contains(origin)).collect();
    assert_eq!(named.len(), 1, "{said}");
    assert!(named[0].contains("ALLOWED_ORIGINS") && named[0].contains("7.6"), "{}", named[0]);
    let _ = std::fs::remove_dir_all(&folder);
}

/// The head of the answer to an act from a page of this origin.
async fn from_page(port: u16, origin: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.expect("a connection");
    let request = format!(
        "POST /api/auth/logout HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\norigin: {origin}\r\ncontent-length: 0\r\n\
         connection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}
