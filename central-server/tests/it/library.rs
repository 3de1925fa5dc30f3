//! The library as a screen shows it: small pictures, filters, and where a video is wanted.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::media;
use crate::support::{Answer, Form, TestApp};

const VIDEOS: &str = "/api/videos";

async fn video(app: &TestApp, token: &str, title: &str, file: &[u8]) -> Value {
    let form = Form::new().file("video", "fichier.mp4", file).text("title", title);
    app.call(Method::POST, VIDEOS).bearer(token).form(&form).send().await.expect(StatusCode::CREATED).json()
}

fn path(video: &Value) -> String {
    format!("{VIDEOS}/{}", video["id"].as_str().expect("an id"))
}

async fn put(app: &TestApp, token: &str, video: &Value, media_type: &str, picture: &[u8]) -> Answer {
    let path = format!("{}/thumbnail", path(video));
    let call = app.call(Method::PUT, &path).bearer(token).header("content-type", media_type);
    call.body(picture.to_vec()).send().await
}

/// A JPEG of this size, and of this many bytes with what follows its end.
fn jpeg(width: u16, height: u16, bytes: usize) -> Vec<u8> {
    let mut file = vec![0xFF, 0xD8, 0xFF, 0xC0, 0, 11, 8];
    file.extend_from_slice(&height.to_be_bytes());
    file.extend_from_slice(&width.to_be_bytes());
    file.extend_from_slice(&[1, 1, 0x11, 0, 0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0, 0x55, 0xFF, 0xD9]);
    file.resize(bytes.max(file.len()), 0);
    file
}

#[tokio::test]
async fn a_thumbnail_is_kept_shown_replaced_and_deleted_with_its_video() {
    let app = TestApp::with(&[("PUBLIC_URL", "https://central.example")]).await;
    let token = app.token("operator").await;
    let made = video(&app, &token, "But", media!("faststart.mp4")).await;
    let bare = app.stored();
    assert_eq!(app.get(&path(&made)).bearer(&token).send().await.json()["thumbnail_url"], Value::Null);

    let mut before = None;
    for (said, kind, ending, picture) in [
        ("image/jpeg", "image/jpeg", ".jpg", media!("picture.jpg").to_vec()),
        ("IMAGE/WEBP; q=1", "image/webp", ".webp", media!("lossy.webp").to_vec()),
        // The bytes decide, not what is said of them.
        ("image/webp", "image/jpeg", ".jpg", jpeg(1_280, 1_280, 200_000)),
    ] {
        app.clock.advance(Duration::from_secs(1));
        let answer = put(&app, &token, &made, said, &picture).await.expect(StatusCode::OK).json();
        assert_eq!(answer, app.get(&path(&made)).bearer(&token).send().await.json());
        assert_ne!(answer["updated_at"], made["updated_at"]);
        let address = answer["thumbnail_url"].as_str().expect("an address").to_owned();
        let place = address.strip_prefix("https://central.example").expect("an absolute address");
        assert!(place.starts_with("/storage/v1/object/public/videos/uploads/") && place.ends_with(ending), "{place}");
        let served = app.get(place).send().await.expect(StatusCode::OK);
        assert_eq!((served.header("content-type"), &served.bytes[..]), (kind, &picture[..]));
        assert_eq!(app.stored().len(), bare.len() + 1, "the one before it is gone");
        if let Some(before) = before.replace(place.to_owned()) {
            app.get(&before).send().await.expect(StatusCode::BAD_REQUEST);
        }
        let list = app.get(VIDEOS).bearer(&token).send().await.json();
        assert_eq!(list["data"][0], answer);
    }
    app.delete(&path(&made)).bearer(&app.token("admin").await).send().await.expect(StatusCode::OK);
    assert_eq!(app.stored(), [""; 0]);
    put(&app, &token, &made, "image/jpeg", media!("picture.jpg")).await.expect(StatusCode::NOT_FOUND);
    assert_eq!(app.stored(), [""; 0]);
}

#[tokio::test]
async fn what_is_no_thumbnail_is_refused_and_changes_nothing() {
    let app = TestApp::new().await;
    let token = app.token("operator").await;
    let made = video(&app, &token, "But", media!("faststart.mp4")).await;
    put(&app, &token, &made, "image/jpeg", media!("picture.jpg")).await.expect(StatusCode::OK);
    let (shown, stored) = (app.get(&path(&made)).bearer(&token).send().await.json(), app.stored());
    let cut = &media!("picture.jpg")[..media!("picture.jpg").len() - 2];
    for (media_type, picture, status, code) in [
        ("image/jpeg", b"Une liste de courses.".to_vec(), 415, "unsupported_format"),
        ("image/jpeg", b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(), 415, "unsupported_format"),
        ("image/jpeg", media!("picture.png").to_vec(), 415, "unsupported_format"),
        ("image/jpeg", media!("picture.gif").to_vec(), 415, "unsupported_format"),
        ("image/webp", media!("faststart.mp4").to_vec(), 415, "unsupported_format"),
        ("image/png", media!("picture.png").to_vec(), 415, "unsupported_format"),
        ("image/png", media!("picture.jpg").to_vec(), 415, "unsupported_format"),
        ("application/json", b"{}".to_vec(), 415, "unsupported_format"),
        ("", media!("picture.jpg").to_vec(), 415, "unsupported_format"),
        ("image/jpeg", Vec::new(), 400, "unreadable"),
        ("image/jpeg", cut.to_vec(), 400, "unreadable"),
        ("image/webp", media!("lossy.webp")[..20].to_vec(), 400, "unreadable"),
        ("image/jpeg", jpeg(0, 720, 0), 400, "unreadable"),
        ("image/jpeg", jpeg(3_000, 3_000, 0), 400, "unreadable"),
        ("image/jpeg", jpeg(1_281, 1, 0), 400, "unreadable"),
        ("image/jpeg", jpeg(1, 1_281, 0), 400, "unreadable"),
        ("image/jpeg", jpeg(640, 360, 200_001), 413, "too_large"),
    ] {
        let answer = put(&app, &token, &made, media_type, &picture).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{media_type}: {}", answer.text);
        assert!(status != 413 || answer.text.contains("200 ko"), "{}", answer.text);
        assert_eq!(app.stored(), stored, "{media_type} {code}");
    }
    assert_eq!(app.get(&path(&made)).bearer(&token).send().await.json(), shown);
}

#[tokio::test]
async fn of_thumbnails_at_the_same_moment_one_is_kept() {
    let app = TestApp::new().await;
    let token = app.token("operator").await;
    let made = video(&app, &token, "But", media!("faststart.mp4")).await;
    let answers = futures_util::future::join_all(
        (1..7_u16).map(async |width| put(&app, &token, &made, "image/jpeg", &jpeg(width, 1, 0)).await),
    )
    .await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    let shown = app.get(&path(&made)).bearer(&token).send().await.json()["thumbnail_url"].clone();
    let name = shown.as_str().and_then(|address| address.rsplit('/').next()).expect("a name").to_owned();
    let stored = app.stored();
    assert_eq!(stored.len(), 2, "{stored:?}");
    assert!(stored.contains(&format!("videos/uploads/{name}")), "{stored:?}");
}

#[tokio::test]
async fn a_thumbnail_that_its_database_refuses_leaves_the_one_that_was() {
    let app = TestApp::new().await;
    let token = app.token("operator").await;
    let made = video(&app, &token, "But", media!("faststart.mp4")).await;
    put(&app, &token, &made, "image/jpeg", media!("picture.jpg")).await.expect(StatusCode::OK);
    let stored = app.stored();
    let owner = app.db.owner().await;
    owner
        .batch_execute(
            "create function end_it() returns trigger language plpgsql as $$ begin \
               raise exception 'over' using errcode = 'NP401'; end $$; \
             create trigger end_it before update on videos for each row execute function end_it()",
        )
        .await
        .expect("the owner may");
    put(&app, &token, &made, "image/jpeg", media!("picture.jpg")).await.expect(StatusCode::UNAUTHORIZED);
    assert_eq!(app.stored(), stored);
    owner.batch_execute("update sessions set revoked_at = now()").await.expect("the owner may");
    put(&app, &token, &made, "image/jpeg", media!("picture.jpg")).await.expect(StatusCode::UNAUTHORIZED);
    assert_eq!(app.stored(), stored);
}

#[tokio::test]
async fn a_thumbnail_of_neopro_1_is_shown_as_it_is() {
    let app = TestApp::with(&[("PUBLIC_URL", "https://central.example")]).await;
    let token = app.token("viewer").await;
    for (stored, shown) in [
        ("https://cdn.example/a.jpg", "https://cdn.example/a.jpg"),
        ("uploads/a.jpg", "https://central.example/storage/v1/object/public/videos/uploads/a.jpg"),
    ] {
        let id = Uuid::now_v7();
        let row = format!(
            "insert into videos (id, filename, original_name, file_size, mime_type, storage_path, thumbnail_url) \
             values ('{id}', '{id}', 'a.mp4', 1, 'video/mp4', 'uploads/{id}', '{stored}')"
        );
        app.db.owner().await.batch_execute(&row).await.expect("a video");
        let video = app.get(&format!("{VIDEOS}/{id}")).bearer(&token).send().await.expect(StatusCode::OK).json();
        assert_eq!(video["thumbnail_url"], shown);
    }
}

async fn titles(app: &TestApp, token: &str, query: &str) -> Vec<String> {
    let page = app.get(&format!("{VIDEOS}{query}")).bearer(token).send().await.expect(StatusCode::OK).json();
    let rows = page["data"].as_array().expect("rows").clone();
    if !query.contains("limit") {
        assert_eq!(page["total"], rows.len(), "the count is of the same rows: {query}");
    }
    rows.iter().map(|video| video["title"].as_str().expect("a title").to_owned()).collect()
}

/// A site, and whether it is to have the video; how far its inventory says that it is.
async fn wants(app: &TestApp, name: &str, video: &Value, state: Option<&str>) -> Uuid {
    let (site, video) = (Uuid::now_v7(), video["id"].as_str().expect("an id"));
    let report = state.map_or(String::new(), |state| {
        format!(
            "insert into site_inventory (site_id, video_id, state, changed_at) \
             values ('{site}', '{video}', '{state}', '2026-01-15 11:00Z')"
        )
    });
    let sql = format!(
        "insert into sites (id, site_name, club_name, api_key) values ('{site}', '{name}', 'Club {name}', 'k{site}'); \
         insert into site_videos (site_id, video_id, since) values ('{site}', '{video}', '2026-01-15 10:00Z'); {report}"
    );
    app.db.owner().await.batch_execute(&sql).await.expect("a site");
    site
}

#[tokio::test]
async fn the_library_is_filtered_by_kind_bytes_and_use_and_sorted() {
    let app = TestApp::new().await;
    let token = app.token("operator").await;
    let mut made = Vec::new();
    for (title, file) in
        [("Élan", media!("faststart.mp4")), ("affiche", media!("picture.jpg")), ("Zoom", media!("late.mp4"))]
    {
        made.push(video(&app, &token, title, file).await);
        app.clock.advance(Duration::from_secs(1));
    }
    wants(&app, "a", &made[0], None).await;
    wants(&app, "b", &made[0], Some("installed")).await;
    let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(media!("late.mp4")));
    let mut by_size: Vec<(&[u8], &str)> =
        vec![(media!("faststart.mp4"), "Élan"), (media!("picture.jpg"), "affiche"), (media!("late.mp4"), "Zoom")];
    by_size.sort_by_key(|(file, _)| file.len());
    let by_size: Vec<&str> = by_size.into_iter().map(|(_, title)| title).collect();
    for (query, expected) in [
        ("?kind=image", &["affiche"][..]),
        ("?kind=video", &["Zoom", "Élan"]),
        (&format!("?sha256={hash}"), &["Zoom"]),
        (&format!("?sha256={}", hash.to_uppercase()), &["Zoom"]),
        (&format!("?sha256={}", "0".repeat(64)), &[]),
        ("?unused=true", &["Zoom", "affiche"]),
        ("?unused=false", &["Zoom", "affiche", "Élan"]),
        ("?unused=true&kind=video&search=zoom", &["Zoom"]),
        ("?sort=title", &["affiche", "Élan", "Zoom"]),
        ("?sort=title&order=desc", &["Zoom", "Élan", "affiche"]),
        ("?sort=title&limit=1&page=2", &["Élan"]),
        ("?sort=file_size&order=asc", &by_size),
        ("?sort=created_at&order=asc", &["Élan", "affiche", "Zoom"]),
    ] {
        assert_eq!(titles(&app, &token, query).await, expected, "{query}");
    }
    // What could go frees so much; what an order waits for is none of it, what an order takes away is.
    let spare = async || {
        let page = app.get(&format!("{VIDEOS}?unused=true&limit=1")).bearer(&token).send().await.json();
        (page["total"].as_i64().expect("a number"), page["total_bytes"].as_u64().expect("bytes"))
    };
    let sizes = [media!("picture.jpg").len() as u64, media!("late.mp4").len() as u64];
    assert_eq!(spare().await, (2, sizes[0] + sizes[1]));
    for (order, action, left) in [(1, "install", 1), (2, "remove", 1), (2, "install", 0)] {
        let planned = format!(
            "insert into content_deployments (video_id, video_title, action, target_type, target_id, target_name, scheduled_at) \
             values ('{}', 'a', '{action}', 'site', gen_random_uuid(), 'a', '2030-01-01')",
            made[order]["id"].as_str().expect("an id")
        );
        app.db.owner().await.batch_execute(&planned).await.expect("an order for later");
        assert_eq!(spare().await.0, left, "{action}");
    }
    app.db.owner().await.batch_execute("update content_deployments set cancelled_at = now()").await.expect("cancelled");
    assert_eq!(spare().await.0, 2, "an order that was given up waits for nothing");
    for order in ["asc", "desc"] {
        let sorted = titles(&app, &token, &format!("?sort=duration&order={order}")).await;
        assert_eq!(sorted[2], "affiche", "a picture has no duration: {order}");
    }
    let list = app.get(&format!("{VIDEOS}?sort=title")).bearer(&token).send().await.json();
    let counts: Vec<&Value> =
        list["data"].as_array().expect("rows").iter().map(|video| &video["sites_count"]).collect();
    assert_eq!(counts, [0, 2, 0]);
    for (query, field) in [
        ("?kind=audio", "kind"),
        ("?sort=checksum", "sort"),
        ("?order=up", "order"),
        ("?unused=maybe", "unused"),
        ("?sha256=abc", "sha256"),
        (&format!("?sha256={}", "g".repeat(64)), "sha256"),
        (&format!("?sha256={}", "a".repeat(65)), "sha256"),
        (&format!("?sha256={}", "%27".repeat(64)), "sha256"),
    ] {
        let answer = app.get(&format!("{VIDEOS}{query}")).bearer(&token).send().await;
        assert_eq!(answer.expect(StatusCode::BAD_REQUEST).fields(), [field], "{query}");
    }
}

#[tokio::test]
async fn where_a_video_is_wanted_and_how_far_it_is_there() {
    let app = TestApp::new().await;
    let token = app.token("operator").await;
    let made = video(&app, &token, "But", media!("faststart.mp4")).await;
    let other = video(&app, &token, "Autre", media!("late.mp4")).await;
    let first = wants(&app, "a", &made, None).await;
    for (name, state) in [("b", "installed"), ("c", "downloading"), ("d", "failed"), ("e", "installed")] {
        wants(&app, name, &made, Some(state)).await;
    }
    wants(&app, "f", &other, Some("installed")).await;
    // What a box has without being meant to is not where the video is wanted.
    let stray = format!("delete from site_videos where video_id = '{}'", other["id"].as_str().expect("an id"));
    app.db.owner().await.batch_execute(&stray).await.expect("the owner may");

    let sites = format!("{}/sites", path(&made));
    let list = async |query: &str| {
        let page = app.get(&format!("{sites}{query}")).bearer(&token).send().await.expect(StatusCode::OK).json();
        let rows = page["data"].as_array().expect("rows").clone();
        let names: String = rows.iter().map(|row| row["site_name"].as_str().expect("a name")).collect();
        (names, page)
    };
    let (names, page) = list("").await;
    assert_eq!((names.as_str(), &page["pagination"]["total"]), ("abcde", &json!(5)));
    assert_eq!(
        page["data"][0],
        json!({"site_id": first, "site_name": "a", "club_name": "Club a", "state": "pending",
            "changed_at": "2026-01-15T10:00:00.000Z"})
    );
    assert_eq!(page["data"][1]["changed_at"], "2026-01-15T11:00:00.000Z");
    for (query, expected, total) in [
        ("?state=pending", "a", 1),
        ("?state=installed", "be", 2),
        ("?state=downloading", "c", 1),
        ("?state=failed", "d", 1),
        ("?limit=2&page=2", "cd", 5),
        ("?limit=2&page=4", "", 5),
        ("?state=installed&limit=1&page=2", "e", 2),
    ] {
        let (names, page) = list(query).await;
        assert_eq!((names.as_str(), &page["pagination"]["total"]), (expected, &json!(total)), "{query}");
    }
    let empty = app.get(&format!("{}/sites", path(&other))).bearer(&token).send().await.expect(StatusCode::OK).json();
    assert_eq!((&empty["data"], &empty["pagination"]["total"]), (&json!([]), &json!(0)));
    for query in ["?state=superseded", "?state=x", "?page=0"] {
        app.get(&format!("{sites}{query}")).bearer(&token).send().await.expect(StatusCode::BAD_REQUEST);
    }
    let nobody = format!("{VIDEOS}/{}/sites", Uuid::now_v7());
    app.get(&nobody).bearer(&token).send().await.expect(StatusCode::NOT_FOUND);
}
