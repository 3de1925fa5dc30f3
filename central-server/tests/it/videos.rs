//! `/api/videos`.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::media;
use crate::support::{Answer, Form, TestApp};

const VIDEOS: &str = "/api/videos";
const BULK: &str = "/api/videos/bulk";
const NOBODY: &str = "01a2140d-1e46-777d-ae1d-fcbbe9c1485a";

async fn post(app: &TestApp, token: &str, path: &str, form: &Form) -> Answer {
    app.call(axum::http::Method::POST, path).bearer(token).form(form).send().await
}

/// A video of the library that was made of this file.
async fn video(app: &TestApp, token: &str, name: &str, content: &[u8]) -> Value {
    let answer = post(app, token, VIDEOS, &Form::new().file("video", name, content)).await;
    answer.expect(StatusCode::CREATED).json()
}

fn path(video: &Value) -> String {
    format!("{VIDEOS}/{}", video["id"].as_str().expect("an id"))
}

async fn titles(app: &TestApp, token: &str, query: &str) -> Vec<String> {
    let page = app.get(&format!("{VIDEOS}{query}")).bearer(token).send().await.expect(StatusCode::OK).json();
    let rows = page["data"].as_array().expect("rows").clone();
    rows.iter().map(|video| video["title"].as_str().expect("a title").to_owned()).collect()
}

#[tokio::test]
async fn a_video_is_known_by_its_bytes_and_found_under_a_name_of_ours() {
    let app = TestApp::with(&[("PUBLIC_URL", "https://central.example")]).await;
    let token = app.token("operator").await;
    let file = media!("faststart.mp4");
    // Name and type are the sender's words; texts stand on both sides of the file.
    let form = Form::new()
        .text("category", "BUTS")
        .file("video", "../../été \u{1F3D0}.avi", file)
        .text("title", " But de la victoire ")
        .text("subcategory", "");
    let made = post(&app, &token, VIDEOS, &form).await.expect(StatusCode::CREATED).json();
    let checksum = data_encoding::HEXLOWER.encode(&Sha256::digest(file));
    let name = made["name"].as_str().expect("a name").to_owned();
    assert!(name.len() == 36 && name.is_ascii() && name.ends_with(".mp4"), "{name}");
    assert_eq!(app.stored(), [format!("videos/uploads/{name}")], "and nothing beside it");
    for (field, expected) in [
        ("original_name", json!("été \u{1F3D0}.avi")),
        ("title", json!("But de la victoire")),
        ("category", json!("BUTS")),
        ("subcategory", json!(null)),
        ("size", json!(file.len())),
        ("duration", json!(2)),
        ("codec", json!("h264")),
        ("width", json!(64)),
        ("height", json!(36)),
        ("faststart", json!(true)),
        ("mime_type", json!("video/mp4")),
        ("checksum", json!(checksum)),
        ("metadata", json!({"title": "But de la victoire"})),
        ("url", json!(format!("https://central.example/storage/v1/object/public/videos/uploads/{name}"))),
        ("created_at", json!("2026-01-15T12:00:00.000Z")),
    ] {
        assert_eq!(made[field], expected, "{field}");
    }
    assert_eq!(made["public_url"], made["url"]);

    let shown = app.get(&path(&made)).bearer(&token).send().await.expect(StatusCode::OK).json();
    assert_eq!((&shown["filename"], &shown["file_size"]), (&made["name"], &made["size"]));
    assert_eq!((&shown["url"], &shown["public_url"]), (&json!(format!("uploads/{name}")), &made["url"]));
    let list = app.get(VIDEOS).bearer(&token).send().await.expect(StatusCode::OK).json();
    assert_eq!((&list["data"][0], &list["videos"][0], &list["total"]), (&shown, &shown, &json!(1)));
    assert_eq!(list["max_file_bytes"], 500 * 1024 * 1024, "what a page may try to send");
}

#[tokio::test]
async fn every_accepted_kind_is_accepted() {
    let app = TestApp::new().await;
    let token = app.token("admin").await;
    for (file, extension, media_type, facts) in [
        (media!("late.mp4"), "mp4", "video/mp4", json!([2, "h264", 64, 36, false])),
        (media!("upright.mp4"), "mp4", "video/mp4", json!([2, "h264", 36, 64, false])),
        (media!("quicktime.mov"), "mov", "video/quicktime", json!([2, "h264", 64, 36, false])),
        (media!("picture.jpg"), "jpg", "image/jpeg", json!([null, null, 64, 36, null])),
        (media!("picture.png"), "png", "image/png", json!([null, null, 64, 36, null])),
        (media!("lossy.webp"), "webp", "image/webp", json!([null, null, 64, 36, null])),
    ] {
        let made = video(&app, &token, "sans fin", file).await;
        assert!(made["name"].as_str().expect("a name").ends_with(extension), "{made}");
        assert_eq!((&made["mime_type"], &made["title"]), (&json!(media_type), &json!("sans fin")));
        let read = ["duration", "codec", "width", "height", "faststart"].map(|field| made[field].clone());
        assert_eq!(json!(read), facts, "{media_type}");
        // Without a public address of ours, links are for this machine.
        assert!(made["url"].as_str().expect("a URL").starts_with("http://localhost:3001/storage/v1/"));
    }
}

#[tokio::test]
async fn what_is_not_accepted_is_refused_with_what_to_do_and_leaves_nothing() {
    let app = TestApp::new().await;
    let token = app.token("operator").await;
    let late = media!("late.mp4");
    for (file, status, code, words) in [
        (media!("hevc.mp4"), 415, "unsupported_codec", "HEVC (H.265)"),
        (media!("vp9.webm"), 415, "unsupported_format", "WebM"),
        (media!("h264.mkv"), 415, "unsupported_format", "MKV"),
        (media!("mpeg4.avi"), 415, "unsupported_format", "AVI"),
        (b"Une liste de courses.".as_slice(), 415, "unsupported_format", "ni une vidéo"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", 415, "unsupported_format", "JPEG, PNG ou WebP"),
        (b"", 400, "unreadable", "vide"),
        (&late[..late.len() / 2], 400, "unreadable", "incomplet"),
        (&late[..late.len() - 1968], 400, "unreadable", "index"),
        (media!("sound.m4a"), 400, "unreadable", "son"),
    ] {
        let form = Form::new().file("video", "vidéo.mp4", file).text("title", "T");
        let answer = post(&app, &token, VIDEOS, &form).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{}", answer.text);
        let sentence = answer.json()["error"].as_str().expect("a sentence").to_owned();
        assert!(sentence.contains(words), "{sentence}");
        assert!(status != 415 || sentence.contains("H.264"), "what to convert to: {sentence}");
        assert!(app.stored().is_empty(), "{words}");
    }
    assert_eq!(app.get(VIDEOS).bearer(&token).send().await.json()["total"], 0);
}

#[tokio::test]
async fn a_form_that_is_wrong_is_told_so_and_leaves_nothing() {
    let app = TestApp::new().await;
    let token = app.token("operator").await;
    let file = media!("faststart.mp4");
    let long = "x".repeat(300);
    for (form, fields) in [
        (Form::new(), &["video"][..]),
        (Form::new().text("title", "T"), &["video"]),
        (Form::new().file("file", "a.mp4", file), &["video"]),
        (Form::new().file("video", "", b""), &["video"]),
        (Form::new().file("video", "a.mp4", file).file("video", "b.mp4", file), &["video"]),
        (
            Form::new().file("video", "a.mp4", file).text("title", &long).text("category", "a\u{0}b"),
            &["title", "category"],
        ),
        (Form::new().text("title", &"x".repeat(20_000)).file("video", "a.mp4", file), &["title"]),
        (Form::new().part("name=\"title\"", b"\xff\xfe").file("video", "a.mp4", file), &["title"]),
    ] {
        let answer = post(&app, &token, VIDEOS, &form).await.expect(StatusCode::BAD_REQUEST);
        assert_eq!(answer.fields(), fields);
        assert!(app.stored().is_empty());
    }
    // What no form needs is not looked at.
    let form = Form::new().text("surprise", "x").file("other", "x.svg", b"<svg/>").file("video", "a.mp4", file);
    post(&app, &token, VIDEOS, &form).await.expect(StatusCode::CREATED);
    let json = app.post(VIDEOS, json!({"video": "x"})).bearer(&token).send().await;
    assert_eq!((json.status, json.code().as_str()), (415, "not_multipart"));
}

#[tokio::test]
async fn a_duplicate_is_found_by_its_bytes() {
    let app = TestApp::new().await;
    let token = app.token("operator").await;
    let first = video(&app, &token, "a.mp4", media!("faststart.mp4")).await;
    let before = app.stored();
    let form = Form::new().file("video", "tout autre nom.mov", media!("faststart.mp4"));
    let answer = post(&app, &token, VIDEOS, &form).await.expect(StatusCode::CONFLICT).json();
    assert_eq!(answer["code"], "duplicate");
    assert_eq!(answer["details"], json!([{"field": "existing_id", "message": first["id"], "code": "duplicate"}]));
    assert_eq!(app.stored(), before);

    app.delete(&path(&first)).bearer(&app.token("admin").await).send().await.expect(StatusCode::OK);
    assert!(app.stored().is_empty());
    video(&app, &token, "a.mp4", media!("faststart.mp4")).await;
}

#[tokio::test]
async fn of_the_same_file_at_the_same_moment_one_wins() {
    let app = TestApp::new().await;
    let token = app.token("operator").await;
    let form = Form::new().file("video", "a.mp4", media!("faststart.mp4"));
    let answers = futures_util::future::join_all((0..6).map(|_| post(&app, &token, VIDEOS, &form))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409]);
    let winner = answers.iter().find(|answer| answer.status == 201).expect("one").json();
    for loser in answers.iter().filter(|answer| answer.status == 409) {
        assert_eq!(loser.json()["details"][0]["message"], winner["id"]);
    }
    assert_eq!(app.stored(), [format!("videos/uploads/{}", winner["name"].as_str().expect("a name"))]);
}

#[tokio::test]
async fn of_several_files_each_stands_or_falls_by_itself() {
    let app = TestApp::new().await;
    let token = app.token("operator").await;
    let form = Form::new()
        .file("videos", "a.mp4", media!("faststart.mp4"))
        .file("videos", "b.webm", media!("vp9.webm"))
        .file("videos", "c.jpg", media!("picture.jpg"))
        .file("videos", "d.mp4", media!("faststart.mp4"))
        .file("videos", "e.mp4", &media!("late.mp4")[..5_000])
        .text("category", "SPONSORS")
        .text("title", "is of no file");
    let answer = post(&app, &token, BULK, &form).await.expect(StatusCode::MULTI_STATUS).json();
    assert_eq!(answer["success"], false);
    let field = |list: &str, name: &str| -> Vec<Value> {
        answer[list].as_array().expect("a list").iter().map(|entry| entry[name].clone()).collect()
    };
    assert_eq!(field("files", "title"), ["a.mp4", "c.jpg"]);
    assert_eq!(field("files", "success"), [true, true]);
    assert_eq!(field("errors", "name"), ["b.webm", "d.mp4", "e.mp4"]);
    assert_eq!(field("errors", "code"), ["unsupported_format", "duplicate", "unreadable"]);
    assert!(answer["errors"][0]["error"].as_str().expect("a sentence").contains("H.264"));
    assert_eq!(app.stored().len(), 2);
    assert_eq!(titles(&app, &token, "?category=SPONSORS").await.len(), 2);
    let page = app.get(VIDEOS).bearer(&token).send().await.json();
    assert!(page["data"].as_array().expect("rows").iter().all(|video| video["checksum"].is_string()));

    let form = Form::new().file("videos", "f.png", media!("picture.png"));
    let answer = post(&app, &token, BULK, &form).await.expect(StatusCode::CREATED).json();
    assert_eq!((&answer["success"], answer.get("errors")), (&json!(true), None));

    let many = (0..21).fold(Form::new(), |form, index| form.file("videos", &format!("{index}.gif"), b"GIF89a"));
    let answer = post(&app, &token, BULK, &many).await.expect(StatusCode::BAD_REQUEST);
    assert_eq!(answer.fields(), ["videos"]);
    assert_eq!(post(&app, &token, BULK, &Form::new()).await.expect(StatusCode::BAD_REQUEST).fields(), ["videos"]);
    assert_eq!(app.stored().len(), 3);
}

#[tokio::test]
async fn the_library_is_searched_filtered_and_paged() {
    let app = TestApp::new().await;
    let token = app.token("operator").await;
    for (title, file) in
        [("Élan du club", media!("faststart.mp4")), ("100 %_", media!("late.mp4")), ("Mi-temps", media!("hevc.mp4"))]
    {
        let form = Form::new().file("video", "fichier.mp4", file).text("title", title).text("category", title);
        post(&app, &token, VIDEOS, &form).await;
        app.clock.advance(std::time::Duration::from_secs(1));
    }
    assert_eq!(titles(&app, &token, "").await, ["100 %_", "Élan du club"], "newest first");
    for (query, found) in [
        ("?search=elan", 1),
        ("?search=%25", 1),
        ("?search=_", 1),
        ("?search=FICHIER", 2),
        ("?search=rien", 0),
        ("?category=%C3%89lan%20du%20club", 1),
        ("?category=elan", 0),
        ("?limit=1&page=2", 1),
        ("?limit=1&page=3", 0),
    ] {
        assert_eq!(titles(&app, &token, query).await.len(), found, "{query}");
    }
    let page = app.get(&format!("{VIDEOS}?limit=1")).bearer(&token).send().await.json();
    assert_eq!((&page["total"], page.get("videos"), &page["pagination"]["hasNext"]), (&json!(2), None, &json!(true)));
    let answer = app.get(&format!("{VIDEOS}?limit=0&page=x")).bearer(&token).send().await;
    assert_eq!(answer.expect(StatusCode::BAD_REQUEST).fields(), ["page", "limit"]);
}

#[tokio::test]
async fn what_is_said_of_a_video_changes_but_never_the_video() {
    let app = TestApp::new().await;
    let token = app.token("operator").await;
    let made = video(&app, &token, "a.mp4", media!("faststart.mp4")).await;
    let path = path(&made);
    let before = app.get(&path).bearer(&token).send().await.json();
    let put = async |body: Value| app.put(&path, body).bearer(&token).send().await;

    app.clock.advance(std::time::Duration::from_secs(1));
    let changed = put(json!({
        "title": "But", "category": "BUTS", "subcategory": "2026", "original_name": "b.mp4",
        "metadata": {"analytics_category": "sponsor"},
        "file_size": 1, "storage_path": "uploads/x", "checksum": "0", "duration": 9, "filename": "x", "mime_type": "text/html",
    }))
    .await
    .expect(StatusCode::OK)
    .json();
    for field in ["file_size", "url", "checksum", "duration", "filename", "mime_type", "created_at", "public_url"] {
        assert_eq!(changed[field], before[field], "{field} is the file's own");
    }
    assert_eq!(changed["metadata"], json!({"analytics_category": "sponsor", "title": "But"}));
    let said = |video: &Value| ["title", "category", "subcategory", "original_name"].map(|field| video[field].clone());
    assert_eq!(said(&changed), ["But", "BUTS", "2026", "b.mp4"]);
    assert_ne!(changed["updated_at"], before["updated_at"]);

    let cleared = put(json!({"title": null, "category": "", "subcategory": null})).await.expect(StatusCode::OK).json();
    assert_eq!(json!(said(&cleared)), json!(["b.mp4", null, null, "b.mp4"]));
    assert_eq!(cleared["metadata"], json!({"analytics_category": "sponsor"}));
    let cleared = put(json!({"metadata": null})).await.expect(StatusCode::OK).json();
    assert_eq!(cleared["metadata"], json!({}));

    put(json!({})).await.expect(StatusCode::BAD_REQUEST);
    put(json!({"storage_path": "uploads/x"})).await.expect(StatusCode::BAD_REQUEST);
    let answer = put(json!({"title": 1, "original_name": null, "category": "x".repeat(101), "metadata": []})).await;
    let fields = answer.expect(StatusCode::BAD_REQUEST).fields();
    assert_eq!(fields, ["title", "original_name", "category", "metadata"]);
    let nobody = format!("{VIDEOS}/{NOBODY}");
    app.put(&nobody, json!({"title": "x"})).bearer(&token).send().await.expect(StatusCode::NOT_FOUND);
    app.get(&nobody).bearer(&token).send().await.expect(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_deleted_video_is_gone_from_library_and_disk() {
    let app = TestApp::new().await;
    let (operator, admin) = (app.token("operator").await, app.token("admin").await);
    let made = video(&app, &operator, "a.mp4", media!("faststart.mp4")).await;
    app.delete(&path(&made)).bearer(&operator).send().await.expect(StatusCode::FORBIDDEN);
    assert_eq!(app.stored().len(), 1);
    let answer = app.delete(&path(&made)).bearer(&admin).send().await.expect(StatusCode::OK).json();
    assert!(answer["message"].as_str().expect("a sentence").contains("a.mp4"));
    assert!(app.stored().is_empty());
    app.delete(&path(&made)).bearer(&admin).send().await.expect(StatusCode::NOT_FOUND);

    // A video of NeoPro 1, whose object lies elsewhere.
    let legacy = format!(
        "insert into videos (id, filename, original_name, file_size, mime_type, storage_path) \
         values ('{NOBODY}', 'x.webm', 'x.webm', 1, 'video/webm', 'uploads/../../x.webm')"
    );
    app.db.owner().await.batch_execute(&legacy).await.expect("the owner may");
    app.delete(&format!("{VIDEOS}/{NOBODY}")).bearer(&admin).send().await.expect(StatusCode::OK);

    let journal = app
        .db
        .owner()
        .await
        .query("select action, target_id, details->>'originalName' from audit_logs where target_type = 'video' order by created_at, id", &[])
        .await
        .expect("the journal");
    let entries: Vec<(String, String)> = journal.iter().map(|row| (row.get(0), row.get(1))).collect();
    let id = made["id"].as_str().expect("an id").to_owned();
    for expected in [("VIDEO_UPLOADED", &id), ("VIDEO_DELETED", &id), ("VIDEO_DELETED", &NOBODY.to_owned())] {
        assert!(entries.contains(&(expected.0.to_owned(), expected.1.clone())), "{entries:?}");
    }
    assert_eq!(entries.len(), 3);
}

#[tokio::test]
async fn an_act_that_its_database_refuses_leaves_nothing() {
    let app = TestApp::new().await;
    let token = app.token("operator").await;
    let owner = app.db.owner().await;
    // The session ends while the file arrives: proven at the beginning, it is not at the end.
    owner
        .batch_execute(
            "create function end_it() returns trigger language plpgsql as $$ begin \
               raise exception 'over' using errcode = 'NP401'; end $$; \
             create trigger end_it before insert on videos for each row execute function end_it()",
        )
        .await
        .expect("the owner may");
    let form = Form::new().file("video", "a.mp4", media!("faststart.mp4"));
    post(&app, &token, VIDEOS, &form).await.expect(StatusCode::UNAUTHORIZED);
    assert!(app.stored().is_empty());
    let form = Form::new().file("videos", "a.mp4", media!("faststart.mp4")).file("videos", "b.mp4", media!("late.mp4"));
    post(&app, &token, BULK, &form).await.expect(StatusCode::UNAUTHORIZED);
    assert!(app.stored().is_empty());

    owner
        .batch_execute("drop trigger end_it on videos; update sessions set revoked_at = now()")
        .await
        .expect("the owner may");
    let form = Form::new().file("video", "a.mp4", media!("faststart.mp4"));
    post(&app, &token, VIDEOS, &form).await.expect(StatusCode::UNAUTHORIZED);
    assert!(app.stored().is_empty());
}
