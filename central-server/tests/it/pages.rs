//! The dashboard from within the server: which addresses are pages, which are files, and what a browser is told.

use std::io::Read as _;

use axum::http::{Method, StatusCode};
use neopro_central::http::pages::File;

use crate::support::TestApp;
use crate::support::app::Answer;

/// `SCRIPT`, as the build script compresses it.
const COMPRESSED: &[u8] = include_bytes!("../media/script.js.gz");
const SCRIPT: &str = "export const words = 'liste, liste, liste, liste, liste, liste, liste, liste, liste, liste';\n";

const DASHBOARD: &[File] = &[
    File {
        path: "assets/index-5f3a.js",
        media_type: "text/javascript; charset=utf-8",
        mark: "5f3a",
        bytes: SCRIPT.as_bytes(),
        gzip: Some(COMPRESSED),
    },
    File { path: "favicon.svg", media_type: "image/svg+xml", mark: "aa", bytes: b"<svg/>", gzip: None },
    File { path: "health.json", media_type: "application/json", mark: "bb", bytes: b"{}", gzip: None },
    File {
        path: "index.html",
        media_type: "text/html; charset=utf-8",
        mark: "cc",
        bytes: b"<!doctype html><title>NeoPro</title>",
        gzip: None,
    },
];

/// What a browser sends when somebody opens an address.
const OPENED: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

async fn open(app: &TestApp, path: &str) -> Answer {
    app.get(path).header("accept", OPENED).send().await
}

#[tokio::test]
async fn every_page_is_the_one_document_and_is_asked_for_again() {
    let app = TestApp::serving(DASHBOARD).await;
    for path in
        ["/", "/login", "/sites", "/sites/01a2140d-1e46-777d-ae1d-fcbbe9c1485a/apercu?hours=24", "/n/importe/quoi"]
    {
        let page = open(&app, path).await.expect(StatusCode::OK);
        assert_eq!(page.text, "<!doctype html><title>NeoPro</title>", "{path}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(page.header("cache-control"), "no-cache");
        assert!(page.headers.get_all("vary").iter().any(|name| name == "Accept"), "{path}");
        let known = app.get(path).header("accept", OPENED).header("if-none-match", page.header("etag")).send().await;
        assert_eq!((known.status, known.text.as_str()), (304, ""), "{path}");
    }
    let head = app.call(Method::HEAD, "/sites").header("accept", OPENED).send().await.expect(StatusCode::OK);
    assert_eq!((head.text.as_str(), head.header("content-length")), ("", "36"));
}

#[tokio::test]
async fn programs_get_no_page() {
    let app = TestApp::serving(DASHBOARD).await;
    let root = app.get("/").header("accept", "*/*").send().await.expect(StatusCode::OK);
    assert_eq!(root.json()["status"], "online");
    for path in ["/sites", "/n/importe/quoi"] {
        for call in [
            app.get(path),
            app.get(path).header("accept", "application/json"),
            app.post(path, serde_json::json!({})).header("accept", OPENED),
        ] {
            let answer = call.send().await.expect(StatusCode::NOT_FOUND);
            assert_eq!(answer.code(), "no_route", "{path}");
        }
    }
}

#[tokio::test]
async fn what_is_the_servers_own_is_never_a_page() {
    let app = TestApp::serving(DASHBOARD).await;
    for path in
        ["/api/nothing", "/api", "/storage/nothing", "/socket.io/x", "/health/x", "/live/x", "/metrics", "/ready/x"]
    {
        assert_eq!(open(&app, path).await.expect(StatusCode::NOT_FOUND).code(), "no_route", "{path}");
    }
    assert_eq!(open(&app, "/live").await.expect(StatusCode::OK).json()["status"], "ok");
    let reader = open(&app, "/api-docs/").await.expect(StatusCode::OK);
    assert!(!reader.text.contains("<title>NeoPro</title>"), "{}", reader.text);
}

#[tokio::test]
async fn a_file_is_itself_or_nothing() {
    let app = TestApp::serving(DASHBOARD).await;
    let script = app.get("/assets/index-5f3a.js").send().await.expect(StatusCode::OK);
    assert_eq!(script.text, SCRIPT);
    assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8");
    assert_eq!(script.header("cache-control"), "public, max-age=31536000, immutable");
    let icon = app.get("/favicon.svg").send().await.expect(StatusCode::OK);
    assert_eq!((icon.text.as_str(), icon.header("cache-control")), ("<svg/>", "no-cache"), "its name says no version");
    assert_eq!(app.get("/health.json").send().await.expect(StatusCode::OK).text, "{}");
    // A tab that was opened before an update asks for scripts that are gone.
    for path in
        ["/assets/index-0000.js", "/assets/", "/assets/x", "/logo.png", "/sites/logo.png", "/index.htm", "/.env"]
    {
        assert_eq!(open(&app, path).await.expect(StatusCode::NOT_FOUND).code(), "no_route", "{path}");
    }
    for path in
        ["/../Cargo.toml", "/assets/../index.html", "/%2e%2e/Cargo.toml", "/assets%2Findex-5f3a.js", "//favicon.svg"]
    {
        assert_eq!(app.get(path).send().await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn what_was_compressed_is_sent_so_to_those_who_take_it() {
    let app = TestApp::serving(DASHBOARD).await;
    let packed = app.get("/assets/index-5f3a.js").header("accept-encoding", "br, gzip").send().await;
    assert_eq!((packed.status, packed.header("content-encoding")), (200, "gzip"));
    let mut text = String::new();
    flate2::read::GzDecoder::new(&packed.bytes[..]).read_to_string(&mut text).expect("compressed once");
    assert_eq!(text, SCRIPT);
    let plain = app.get("/assets/index-5f3a.js").send().await;
    assert_eq!((plain.header("content-encoding"), plain.text.as_str()), ("", SCRIPT));
    assert_ne!(plain.header("etag"), packed.header("etag"), "two forms, two marks");
    for answer in [plain, packed] {
        assert!(answer.headers.get_all("vary").iter().any(|name| name == "Accept-Encoding"));
    }
}

#[tokio::test]
async fn a_page_runs_only_what_is_ours_and_stands_in_no_frame() {
    let app = TestApp::serving(DASHBOARD).await;
    for path in ["/", "/sites", "/assets/index-5f3a.js"] {
        let answer = open(&app, path).await.expect(StatusCode::OK);
        let policy = answer.header("content-security-policy");
        for rule in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob: http://localhost:3001",
            "media-src 'self' blob: http://localhost:3001",
            "connect-src 'self' http://localhost:3001",
            "font-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.split("; ").any(|part| part == rule), "{path}: {rule} is not in {policy}");
        }
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
    }
}

#[tokio::test]
async fn without_a_built_dashboard_a_page_says_how_to_get_it() {
    let app = TestApp::new().await;
    for path in ["/", "/sites"] {
        let page = open(&app, path).await.expect(StatusCode::OK);
        assert!(page.text.contains("npm run build:prod") && page.text.contains("cargo build"), "{}", page.text);
        assert!(page.header("content-type").starts_with("text/html"));
    }
    assert_eq!(open(&app, "/assets/index-5f3a.js").await.expect(StatusCode::NOT_FOUND).code(), "no_route");
}
