//! `/storage/v1/object/public/…`: what is stored, as Supabase Storage would serve it.

use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::media;
use crate::support::{Answer, Form, TestApp};

const OBJECTS: &str = "/storage/v1/object/public";

/// A server with one stored file, and the file's address.
async fn with(file: &[u8]) -> (TestApp, String) {
    let app = TestApp::new().await;
    let token = app.token("operator").await;
    let form = Form::new().file("video", "a", file);
    let made = app.call(Method::POST, "/api/videos").bearer(&token).form(&form).send().await;
    let url = made.expect(StatusCode::CREATED).json()["url"].as_str().expect("a URL").to_owned();
    let address = url.strip_prefix("http://localhost:3001").expect("our own").to_owned();
    (app, address)
}

/// Headers that every answer from here has.
fn is_kept_from_running(answer: &Answer) {
    for (name, value) in [
        ("content-security-policy", "default-src 'none'; sandbox; frame-ancestors 'none'"),
        ("x-content-type-options", "nosniff"),
        ("x-robots-tag", "none"),
        ("access-control-allow-origin", "*"),
        ("cross-origin-resource-policy", "cross-origin"),
        ("set-cookie", ""),
        ("content-encoding", ""),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
}

#[tokio::test]
async fn a_file_is_served_whole_with_a_type_of_the_closed_list() {
    for (file, media_type) in [
        (media!("faststart.mp4"), "video/mp4"),
        (media!("quicktime.mov"), "video/quicktime"),
        (media!("picture.jpg"), "image/jpeg"),
        (media!("picture.png"), "image/png"),
        (media!("transparent.webp"), "image/webp"),
    ] {
        let (app, address) = with(file).await;
        // Neither cookie nor session nor origin is looked at; compression would only cost.
        let answer = app
            .get(&address)
            .header("cookie", "neopro_token=nonsense")
            .header("authorization", "Bearer nonsense")
            .header("origin", "https://elsewhere.example")
            .header("accept-encoding", "gzip")
            .send()
            .await
            .expect(StatusCode::OK);
        assert!(answer.bytes == file, "{media_type}");
        is_kept_from_running(&answer);
        let name = address.rsplit('/').next().expect("a name");
        for (header, value) in [
            ("content-type", media_type),
            ("content-length", &file.len().to_string()),
            ("accept-ranges", "bytes"),
            ("cache-control", "public, max-age=31536000, immutable"),
            ("etag", &format!("\"{name}\"")),
            ("vary", ""),
        ] {
            assert_eq!(answer.header(header), value, "{header}");
        }
        assert!(answer.header("last-modified").ends_with(" GMT"));

        let head = app.call(Method::HEAD, &address).send().await.expect(StatusCode::OK);
        assert!(head.bytes.is_empty());
        for name in ["content-type", "content-length", "etag", "accept-ranges", "last-modified", "cache-control"] {
            assert_eq!(head.header(name), answer.header(name), "{name}");
        }
    }
}

#[tokio::test]
async fn parts_are_served_as_they_are_asked_for() {
    let file = media!("faststart.mp4");
    let (app, address) = with(file).await;
    let size = file.len();
    let get = async |range: &str| app.get(&address).header("range", range).send().await;
    for (range, first, last) in [
        ("bytes=0-0", 0, 0),
        ("bytes=0-", 0, size - 1),
        ("bytes=100-199", 100, 199),
        ("bytes=-10", size - 10, size - 1),
        ("bytes=3000-99999999", 3_000, size - 1),
    ] {
        let answer = get(range).await.expect(StatusCode::PARTIAL_CONTENT);
        assert!(answer.bytes == file[first..=last], "{range}");
        assert_eq!(answer.header("content-range"), format!("bytes {first}-{last}/{size}"), "{range}");
        assert_eq!(answer.header("content-length"), (last - first + 1).to_string());
        assert_eq!(answer.header("content-type"), "video/mp4");
        is_kept_from_running(&answer);
    }
    // Several ranges, and what is none, are answered with the whole.
    for range in ["bytes=0-1,5-6", "bytes=x", "items=0-1", "bytes=5-2"] {
        assert!(get(range).await.expect(StatusCode::OK).bytes == file, "{range}");
    }
    for range in [format!("bytes={size}-"), "bytes=-0".to_owned()] {
        let answer = get(&range).await.expect(StatusCode::RANGE_NOT_SATISFIABLE);
        assert_eq!(answer.header("content-range"), format!("bytes */{size}"));
        assert_eq!(answer.json()["code"], "InvalidRange");
        is_kept_from_running(&answer);
    }
    let head = app.call(Method::HEAD, &address).header("range", "bytes=0-1").send().await.expect(StatusCode::OK);
    assert_eq!(head.header("content-length"), size.to_string());
}

#[tokio::test]
async fn what_is_known_already_is_not_sent_again() {
    let file = media!("faststart.mp4");
    let (app, address) = with(file).await;
    let first = app.get(&address).send().await;
    let (etag, date) = (first.header("etag").to_owned(), first.header("last-modified").to_owned());
    for (name, value) in [
        ("if-none-match", etag.clone()),
        ("if-none-match", format!("\"x\", W/{etag}")),
        ("if-none-match", "*".to_owned()),
        ("if-modified-since", date.clone()),
    ] {
        let answer = app.get(&address).header(name, &value).send().await.expect(StatusCode::NOT_MODIFIED);
        assert!(answer.bytes.is_empty());
        assert_eq!(
            (answer.header("etag"), answer.header("cache-control")),
            (etag.as_str(), first.header("cache-control"))
        );
    }
    app.get(&address)
        .header("if-none-match", "\"x\"")
        .header("if-modified-since", &date)
        .send()
        .await
        .expect(StatusCode::OK);

    // A download goes on only if it is still the same file.
    for (condition, status) in [(etag.as_str(), 206), (date.as_str(), 206), ("\"x\"", 200), ("W/\"x\"", 200)] {
        let answer = app.get(&address).header("range", "bytes=5-").header("if-range", condition).send().await;
        assert_eq!(answer.status, status, "{condition}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_as_supabase_says_it() {
    let (app, address) = with(media!("faststart.mp4")).await;
    // A file that lies in the folder under a name that is not ours, as does the secret of a server.
    let folder = app.app.config.data_dir.join("storage/videos/uploads");
    std::fs::write(folder.join("page.html"), "<script>1</script>").expect("a file");
    std::fs::write(app.app.config.data_dir.join("jwt-secret"), "secret").expect("a file");
    let nothing = "0123456789abcdef0123456789abcdef";
    let not_found =
        json!({"statusCode": "404", "error": "not_found", "message": "Object not found", "code": "NoSuchKey"});
    for path in [
        format!("{OBJECTS}/videos/uploads/{nothing}.mp4"),
        format!("{OBJECTS}/videos/uploads/{nothing}.html"),
        format!("{OBJECTS}/videos/uploads/page.html"),
        format!("{OBJECTS}/videos/uploads/../../../jwt-secret"),
        format!("{OBJECTS}/videos/uploads/..%2f..%2f..%2fjwt-secret"),
        format!("{OBJECTS}/videos/..%2f..%2fjwt-secret"),
        format!("{OBJECTS}/videos/%2fetc%2fpasswd"),
        format!("{OBJECTS}/videos/uploads/%00"),
        format!("{OBJECTS}/videos/uploads/%ff"),
        format!("{OBJECTS}/videos/uploads/{}", "x".repeat(5_000)),
        format!("{OBJECTS}/videos/uploads//{}", address.rsplit('/').next().expect("a name")),
        format!("{address}/"),
        address.to_uppercase().replace(&OBJECTS.to_uppercase(), OBJECTS).replace("/VIDEOS/UPLOADS", "/videos/uploads"),
    ] {
        let answer = app.get(&path).send().await.expect(StatusCode::BAD_REQUEST);
        assert_eq!(answer.json(), not_found, "{path}");
        assert_eq!(answer.header("cache-control"), "no-store");
        is_kept_from_running(&answer);
    }
    for bucket in ["updates", "incoming", "..", "%2e%2e"] {
        let answer = app.get(&format!("{OBJECTS}/{bucket}/uploads/{nothing}.mp4")).send().await;
        assert_eq!(answer.expect(StatusCode::BAD_REQUEST).json()["code"], "NoSuchBucket", "{bucket}");
    }
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        app.call(method, &address).send().await.expect(StatusCode::METHOD_NOT_ALLOWED);
    }
    app.get("/storage/v1/object/list/videos").send().await.expect(StatusCode::NOT_FOUND);
    app.get(&address).send().await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_start_removes_what_a_crash_left_and_nothing_else() {
    let (app, address) = with(media!("faststart.mp4")).await;
    let before = app.stored();
    let incoming = app.app.config.data_dir.join("storage/incoming");
    std::fs::write(incoming.join("left"), "half a video").expect("a file");
    // Another server beside us still writes this one.
    let writing = std::fs::File::create(incoming.join("writing")).expect("a file");
    writing.try_lock().expect("nobody else");
    assert_eq!(app.app.storage.local().prepare().expect("the folders"), 1);
    assert_eq!(app.stored().len(), before.len() + 1);
    drop(writing);
    assert_eq!(app.app.storage.local().prepare().expect("the folders"), 1);
    assert_eq!(app.stored(), before);
    app.get(&address).send().await.expect(StatusCode::OK);

    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &str| {
        let facts = std::fs::metadata(app.app.config.data_dir.join(path)).expect("it is there");
        facts.permissions().mode() & 0o777
    };
    assert_eq!((mode("storage"), mode("storage/videos/uploads"), mode("storage/incoming")), (0o700, 0o700, 0o700));
    assert_eq!(mode(&format!("storage/{}", before[0])), 0o600);
}
