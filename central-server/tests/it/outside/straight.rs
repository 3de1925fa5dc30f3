//! From a browser straight into the storage, and what the server makes of it.

use std::time::Duration;

use axum::http::StatusCode;
use neopro_central::videos::direct::jobs::clean_up;
use serde_json::{Value, json};

use super::{
    UPLOADS, announce, announcement, counts, done, path_of, send, send_as, server, server_with, sha256, upload,
};
use crate::media;
use crate::support::supabase::SECRET_KEY;
use crate::support::{Form, Supabase, TestApp};

#[tokio::test]
async fn a_file_goes_into_the_storage_without_touching_this_server_and_is_a_video_with_either_key() {
    for key in [SECRET_KEY.to_owned(), Supabase::jwt("service_role")] {
        let supabase = Supabase::start().await;
        let app = server_with(&supabase, &key, &[]).await;
        let token = app.token("operator").await;
        let file = media!("faststart.mp4");
        let made = upload(&app, &token, "Été à Pau.mp4", file).await;

        // It is the video that it would be if it had come as a form.
        for (field, expected) in [
            ("original_name", json!("Été à Pau.mp4")),
            ("title", json!("Été à Pau.mp4")),
            ("category", json!("BUTS")),
            ("size", json!(file.len())),
            ("duration", json!(2)),
            ("codec", json!("h264")),
            ("width", json!(64)),
            ("mime_type", json!("video/mp4")),
            ("checksum", json!(sha256(file))),
        ] {
            assert_eq!(made[field], expected, "{field}");
        }
        let path = path_of(&made);
        assert!(path.is_ascii() && path.len() == "uploads/".len() + 32 + 4, "{path}");
        assert_eq!(made["url"], format!("{}/storage/v1/object/public/videos/{path}", supabase.url()));
        let object = supabase.object("videos", &path);
        assert!(object.bytes == file);
        assert_eq!((object.media_type.as_str(), object.cache_control.as_str()), ("video/mp4", "max-age=31536000"));
        assert!(app.stored().is_empty(), "nothing is on this server's disk: {:?}", app.stored());

        // The key is shown in the form that it has, never twice in the wrong one, and nothing is ever replaced.
        let signed = &supabase.seen("POST /storage/v1/object/upload/sign/")[0];
        assert_eq!(signed.bearer, key != SECRET_KEY);
        assert!(supabase.book().seen.iter().all(|seen| !seen.upsert && seen.status < 400));
        assert!(supabase.seen("POST /storage/v1/object/videos").is_empty(), "no byte went through this server");

        let owner = app.db.owner().await;
        let journal = owner
            .query("select target_id, after ->> 'checksum' from audit_logs where action = 'VIDEO_UPLOADED'", &[])
            .await
            .expect("the journal");
        assert_eq!(journal.len(), 1);
        assert_eq!(journal[0].get::<_, &str>(0), made["id"].as_str().expect("an id"));
        assert_eq!(journal[0].get::<_, String>(1), sha256(file));
        // Asked again, it is the same video, which is looked at no more.
        let reads = supabase.seen("GET /storage/v1/object/public/").len();
        let way = json!({ "address": { "id": made["id"] } });
        assert_eq!(done(&app, &token, &way).await.expect(StatusCode::CREATED).json()["id"], made["id"]);
        assert_eq!(supabase.seen("GET /storage/v1/object/public/").len(), reads);
    }
}

#[tokio::test]
async fn two_who_say_that_it_is_done_get_one_video() {
    let supabase = Supabase::start().await;
    let app = server(&supabase).await;
    let token = app.token("operator").await;
    let file = media!("faststart.mp4");
    let way = announce(&app, &token, announcement("a.mp4", file)).await.expect(StatusCode::OK).json();
    send(&way, file).await;
    let answers = futures_util::future::join_all((0..4).map(|_| done(&app, &token, &way))).await;
    for answer in answers {
        assert_eq!(answer.expect(StatusCode::CREATED).json()["id"], way["address"]["id"]);
    }
    assert_eq!(counts(&app).await.0, 1);
    assert_eq!(supabase.seen("GET /storage/v1/object/public/").len(), 1, "it was read once");
}

#[tokio::test]
async fn what_will_be_no_video_is_refused_before_a_byte_of_it_leaves() {
    let supabase = Supabase::start().await;
    let app = server_with(&supabase, SECRET_KEY, &[("VIDEO_MAX_MB", "1")]).await;
    let token = app.token("operator").await;
    let good = announcement("a.mp4", media!("faststart.mp4"));
    let with = |field: &str, value: Value| {
        let mut said = good.clone();
        said[field] = value;
        said
    };
    let gif = announcement("a.gif", media!("picture.gif"));
    for (said, status, code) in [
        (gif, StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_format"),
        (with("size", json!(1024 * 1024 + 1)), StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
        (with("size", json!(0)), StatusCode::BAD_REQUEST, "invalid"),
        (with("head", json!("é")), StatusCode::BAD_REQUEST, "invalid"),
        (with("head", json!("")), StatusCode::BAD_REQUEST, "invalid"),
        (with("sha256", json!("x".repeat(64))), StatusCode::BAD_REQUEST, "invalid"),
        (with("name", json!(null)), StatusCode::BAD_REQUEST, "invalid"),
    ] {
        let answer = announce(&app, &token, said.clone()).await;
        assert_eq!((answer.status, answer.code().as_str()), (status.as_u16(), code), "{said}");
    }
    let made = upload(&app, &token, "a.mp4", media!("faststart.mp4")).await;
    let again = announce(&app, &token, good.clone()).await.expect(StatusCode::CONFLICT);
    assert_eq!(again.json()["details"][0]["message"], made["id"]);
    assert_eq!(supabase.seen("POST /storage/v1/object/upload/sign/").len(), 1, "only what is one was signed for");
    assert_eq!(counts(&app).await, (1, 1));
}

#[tokio::test]
async fn a_file_that_is_not_what_was_announced_is_no_video_and_goes() {
    let supabase = Supabase::start().await;
    let app = server(&supabase).await;
    let token = app.token("operator").await;
    let file = media!("faststart.mp4");
    let mut changed = file.to_vec();
    *changed.last_mut().expect("bytes") ^= 1;
    let longer = [file, &b"x"[..]].concat();
    let hevc = media!("hevc.mp4");
    // What is announced, what is sent, and as what.
    for (said, sent, media_type, code) in [
        (announcement("a.mp4", file), changed.as_slice(), "video/mp4", "not_as_announced"),
        (announcement("a.mp4", file), longer.as_slice(), "video/mp4", "not_as_announced"),
        (announcement("a.mp4", file), file, "text/html", "not_as_announced"),
        (announcement("a.mp4", file), file, "image/svg+xml", "not_as_announced"),
        // Its first bytes are those of a video that boxes play.
        (announcement("a.mp4", hevc), hevc, "video/mp4", "unsupported_codec"),
    ] {
        let way = announce(&app, &token, said).await.expect(StatusCode::OK).json();
        assert_eq!(send_as(&way, sent, media_type).await, 200);
        for _ in 0..2 {
            let refused = done(&app, &token, &way).await;
            assert_eq!((refused.status, refused.code().as_str()), (415, code), "{}", refused.text);
        }
        assert!(supabase.paths("videos").is_empty(), "{:?}", supabase.paths("videos"));
        assert_eq!(counts(&app).await.0, 0);
    }
    // A picture that is announced by the head of a video.
    let mut said = announcement("a.jpg", media!("picture.jpg"));
    said["head"] = announcement("a.mp4", file)["head"].clone();
    let way = announce(&app, &token, said).await.expect(StatusCode::OK).json();
    send(&way, media!("picture.jpg")).await;
    assert_eq!(done(&app, &token, &way).await.code(), "not_as_announced");
    // What the storage itself damages is found as well, although its size is right.
    supabase.set(|mood| mood.damages = true);
    let way = announce(&app, &token, announcement("a.mp4", file)).await.expect(StatusCode::OK).json();
    send(&way, file).await;
    assert_eq!(done(&app, &token, &way).await.code(), "not_as_announced");
    assert!(supabase.paths("videos").is_empty());
}

#[tokio::test]
async fn a_file_that_has_not_arrived_can_still_arrive() {
    let supabase = Supabase::start().await;
    let app = server(&supabase).await;
    let token = app.token("operator").await;
    let file = media!("faststart.mp4");
    let way = announce(&app, &token, announcement("a.mp4", file)).await.expect(StatusCode::OK).json();
    assert_eq!(done(&app, &token, &way).await.expect(StatusCode::CONFLICT).code(), "not_arrived");
    send(&way, file).await;
    // And while the storage is away nothing is decided about it.
    supabase.set(|mood| mood.down = true);
    assert_eq!(done(&app, &token, &way).await.expect(StatusCode::SERVICE_UNAVAILABLE).code(), "storage_away");
    supabase.set(|mood| mood.down = false);
    done(&app, &token, &way).await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn an_upload_is_its_senders_and_nobody_elses() {
    let supabase = Supabase::start().await;
    let app = server(&supabase).await;
    let (mine, other) = (app.token("operator").await, app.token("operator").await);
    let file = media!("faststart.mp4");
    let way = announce(&app, &mine, announcement("a.mp4", file)).await.expect(StatusCode::OK).json();
    send(&way, file).await;
    done(&app, &other, &way).await.expect(StatusCode::NOT_FOUND);
    let viewer = app.token("viewer").await;
    announce(&app, &viewer, announcement("b.mp4", file)).await.expect(StatusCode::FORBIDDEN);
    app.post(&format!("{UPLOADS}/01a2140d-1e46-777d-ae1d-fcbbe9c1485a/done"), json!({}))
        .bearer(&mine)
        .send()
        .await
        .expect(StatusCode::NOT_FOUND);
    done(&app, &mine, &way).await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn what_was_announced_and_never_became_a_video_is_cleaned_up_and_a_video_stays() {
    let supabase = Supabase::start().await;
    let app = server(&supabase).await;
    let token = app.token("operator").await;
    let kept = upload(&app, &token, "kept.mp4", media!("faststart.mp4")).await;
    // One that was sent and never confirmed, one that was never sent.
    let file = media!("late.mp4");
    let way = announce(&app, &token, announcement("lost.mp4", file)).await.expect(StatusCode::OK).json();
    send(&way, file).await;
    announce(&app, &token, announcement("never.mov", media!("quicktime.mov"))).await.expect(StatusCode::OK);
    assert_eq!((clean_up(&app.app).await, counts(&app).await), (0, (1, 3)));
    app.clock.advance(Duration::from_secs(2 * 3_600 + 60));
    assert_eq!(clean_up(&app.app).await, 0, "a file may be on its way when its address expires");
    app.clock.advance(Duration::from_secs(30 * 60));
    // What cannot be done now is done later.
    supabase.set(|mood| mood.down = true);
    assert_eq!(clean_up(&app.app).await, 1, "the video's own row");
    assert_eq!(supabase.paths("videos").len(), 2);
    supabase.set(|mood| mood.down = false);
    app.clock.advance(Duration::from_secs(11 * 60));
    assert_eq!(clean_up(&app.app).await, 2);
    assert_eq!(supabase.paths("videos"), [path_of(&kept)]);
    assert_eq!(counts(&app).await, (1, 0));
    let id = kept["id"].as_str().expect("an id");
    let row = app.db.owner().await.query_one("select storage_path from videos where id::text = $1", &[&id]).await;
    assert_eq!(row.expect("the video").get::<_, String>(0), path_of(&kept));
}

#[tokio::test]
async fn a_form_of_before_goes_through_this_server_into_the_storage_and_leaves_nothing_here() {
    let supabase = Supabase::start().await;
    let app = server(&supabase).await;
    let token = app.token("operator").await;
    let send = async |file: &[u8]| {
        let form = Form::new().file("video", "a.mp4", file);
        app.call(axum::http::Method::POST, "/api/videos").bearer(&token).form(&form).send().await
    };
    let file = media!("faststart.mp4");
    // A name that is taken is another name; nothing is replaced.
    supabase.set(|mood| mood.name_clashes = 2);
    let made = send(file).await.expect(StatusCode::CREATED).json();
    let object = supabase.object("videos", &path_of(&made));
    assert!(object.bytes == file);
    let sent = supabase.seen("POST /storage/v1/object/videos");
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|seen| seen.content_length == Some(file.len() as u64) && !seen.upsert), "{sent:?}");
    // An answer that is lost does not make a second object of the file.
    supabase.set(|mood| mood.lost_answers = 1);
    let second = send(media!("late.mp4")).await.expect(StatusCode::CREATED).json();
    assert_eq!(supabase.paths("videos").len(), 2);
    assert!(app.stored().is_empty(), "{:?}", app.stored());

    // Its small picture goes the same way, and the one before goes with the video.
    let thumbnail = format!("/api/videos/{}/thumbnail", second["id"].as_str().expect("an id"));
    let mut url = String::new();
    for picture in [media!("picture.jpg"), media!("transparent.webp")] {
        let media_type = if picture == media!("picture.jpg") { "image/jpeg" } else { "image/webp" };
        let call = app.call(axum::http::Method::PUT, &thumbnail).bearer(&token).header("content-type", media_type);
        let video = call.body(picture.to_vec()).send().await.expect(StatusCode::OK).json();
        url = video["thumbnail_url"].as_str().expect("a picture").to_owned();
        assert_eq!(supabase.paths("videos").len(), 3);
    }
    assert!(url.starts_with(&format!("{}/storage/v1/object/public/videos/uploads/", supabase.url())), "{url}");
    let admin = app.token("admin").await;
    for video in [&made, &second] {
        let path = format!("/api/videos/{}", video["id"].as_str().expect("an id"));
        app.delete(&path).bearer(&admin).send().await.expect(StatusCode::OK);
    }
    assert!(supabase.paths("videos").is_empty(), "{:?}", supabase.paths("videos"));
}

#[tokio::test]
async fn an_object_of_neopro_1_is_found_under_its_old_name_and_goes_with_its_video() {
    let supabase = Supabase::start().await;
    let app = server(&supabase).await;
    let path = "uploads/6f1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d.MP4";
    supabase.put("videos", path, media!("faststart.mp4"), "video/mp4");
    let id = uuid::Uuid::now_v7();
    app.db
        .owner()
        .await
        .execute(
            "insert into videos (id, filename, original_name, file_size, mime_type, storage_path) \
             values ($1, 'x.MP4', 'x.MP4', 1, 'video/mp4', $2)",
            &[&id, &path],
        )
        .await
        .expect("a video");
    let admin = app.token("admin").await;
    let video = app.get(&format!("/api/videos/{id}")).bearer(&admin).send().await.expect(StatusCode::OK).json();
    assert_eq!(video["public_url"], format!("{}/storage/v1/object/public/videos/{path}", supabase.url()));
    app.delete(&format!("/api/videos/{id}")).bearer(&admin).send().await.expect(StatusCode::OK);
    assert!(supabase.paths("videos").is_empty());
}

#[tokio::test]
async fn where_files_are_on_this_servers_disk_a_browser_sends_them_as_before() {
    let app = TestApp::new().await;
    let token = app.token("operator").await;
    let way = announce(&app, &token, announcement("a.mp4", media!("faststart.mp4"))).await;
    assert_eq!(way.expect(StatusCode::OK).json(), json!({ "way": "server", "address": null }));
    assert_eq!(counts(&app).await, (0, 0));
}
