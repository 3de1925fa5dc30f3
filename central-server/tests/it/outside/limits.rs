//! The largest object, and the room of the plan.

use axum::http::{Method, StatusCode};
use neopro_central::storage::watch;
use serde_json::json;

use super::{announce, announcement, counts, send, server, server_with, upload, video_of};
use crate::media;
use crate::support::supabase::{Bucket, FIFTY_MB, SECRET_KEY};
use crate::support::{Form, Supabase};

const MB: usize = 1_000_000;

#[tokio::test]
async fn a_limit_that_nobody_has_told_is_found_out_before_a_large_file_is_sent() {
    let supabase = Supabase::start().await;
    supabase.set(|mood| mood.most = Some(FIFTY_MB));
    let app = server(&supabase).await;
    let token = app.token("operator").await;
    let mut said = announcement("grande.mp4", media!("faststart.mp4"));
    said["size"] = json!(60 * MB);
    let refused = announce(&app, &token, said.clone()).await.expect(StatusCode::PAYLOAD_TOO_LARGE);
    let body = refused.json();
    assert_eq!(body["code"], "too_large");
    assert!(body["error"].as_str().expect("a sentence").contains("60 Mo"), "{body}");
    let advice = body["message"].as_str().expect("what to do");
    assert!(advice.contains("50 Mo") && advice.contains("Supabase") && advice.contains("H.264"), "{advice}");
    let asked = supabase.seen("POST /storage/v1/object/videos");
    assert_eq!((asked.len(), asked[0].content_length), (1, Some(60 * MB as u64)));
    assert!(supabase.paths("videos").is_empty() && counts(&app).await == (0, 0));
    // It is known from now on, to browsers as well.
    announce(&app, &token, said).await.expect(StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(supabase.seen("POST /storage/v1/object/videos").len(), 1);
    let page = app.get("/api/videos?limit=1").bearer(&token).send().await.expect(StatusCode::OK).json();
    assert_eq!(page["max_file_bytes"], json!(60 * MB - 1));
    // What fits goes through.
    upload(&app, &token, "a.mp4", &video_of(51 * MB)).await;
}

#[tokio::test]
async fn a_storage_without_a_limit_is_asked_once_and_takes_it() {
    let supabase = Supabase::start().await;
    let app = server(&supabase).await;
    let token = app.token("operator").await;
    let mut said = announcement("grande.mp4", media!("faststart.mp4"));
    said["size"] = json!(60 * MB);
    let way = announce(&app, &token, said).await.expect(StatusCode::OK).json();
    assert_eq!(way["way"], "storage");
    assert!(supabase.paths("videos").is_empty(), "what was only announced is not there");
}

#[tokio::test]
async fn the_limit_that_a_bucket_states_is_known_before() {
    let supabase = Supabase::start().await;
    supabase.book().buckets.insert("videos".into(), Bucket { public: true, file_size_limit: Some(20 * MB as u64) });
    let app = server(&supabase).await;
    let token = app.token("operator").await;
    watch::look(&app.app).await.expect("all is well");
    let page = app.get("/api/videos?limit=1").bearer(&token).send().await.expect(StatusCode::OK).json();
    assert_eq!(page["max_file_bytes"], json!(20 * MB));
    let mut said = announcement("grande.mp4", media!("faststart.mp4"));
    said["size"] = json!(20 * MB + 1);
    let refused = announce(&app, &token, said).await.expect(StatusCode::PAYLOAD_TOO_LARGE).json();
    let sentence = refused["error"].as_str().expect("a sentence");
    assert!(sentence.contains("(20,1 Mo)") && sentence.contains("(20 Mo)"), "{sentence}");
    assert!(supabase.seen("POST /storage/v1/object/videos").is_empty());
    // A form is refused at its first bytes.
    let form = Form::new().file("video", "grande.mp4", &video_of(21 * MB));
    let refused = app.call(Method::POST, "/api/videos").bearer(&token).form(&form).send().await;
    assert_eq!(refused.expect(StatusCode::PAYLOAD_TOO_LARGE).code(), "too_large");
    assert!(app.stored().is_empty() && counts(&app).await == (0, 0));
}

#[tokio::test]
async fn a_form_above_the_limit_leaves_nothing_anywhere() {
    let supabase = Supabase::start().await;
    supabase.set(|mood| mood.most = Some(FIFTY_MB));
    let app = server(&supabase).await;
    let token = app.token("operator").await;
    let form = Form::new().file("video", "grande.mp4", &video_of(60 * MB));
    let refused = app.call(Method::POST, "/api/videos").bearer(&token).form(&form).send().await;
    assert_eq!(refused.expect(StatusCode::PAYLOAD_TOO_LARGE).code(), "too_large");
    let several = Form::new().file("videos", "fits.mp4", &video_of(MB)).file("videos", "large.mp4", &video_of(60 * MB));
    let answer = app.call(Method::POST, "/api/videos/bulk").bearer(&token).form(&several).send().await;
    let answer = answer.expect(StatusCode::MULTI_STATUS).json();
    assert_eq!((&answer["errors"][0]["code"], &answer["files"][0]["title"]), (&json!("too_large"), &json!("fits.mp4")));
    assert!(app.stored().is_empty() && supabase.paths("videos").len() == 1);
    assert_eq!(counts(&app).await, (1, 0));
}

#[tokio::test]
async fn a_plan_that_is_full_takes_no_more_and_says_so() {
    let supabase = Supabase::start().await;
    let app = server_with(&supabase, SECRET_KEY, &[("STORAGE_GB", "1")]).await;
    let token = app.token("operator").await;
    app.db
        .owner()
        .await
        .batch_execute(
            "insert into videos (filename, original_name, file_size, mime_type, storage_path) \
             values ('a.mp4', 'a.mp4', 850000000, 'video/mp4', 'uploads/a.mp4')",
        )
        .await
        .expect("a video");
    let page = app.get("/api/storage").bearer(&token).send().await.expect(StatusCode::OK).json();
    assert_eq!((&page["stored_level"], &page["stored_limit_bytes"]), (&json!("near"), &json!(1_000_000_000)));
    let mut said = announcement("b.mp4", media!("faststart.mp4"));
    said["size"] = json!(200 * MB);
    let refused = announce(&app, &token, said).await.expect(StatusCode::INSUFFICIENT_STORAGE);
    assert_eq!(refused.code(), "storage_full");
    assert!(supabase.seen("POST").is_empty(), "nobody had to be asked");
    let way = announce(&app, &token, announcement("b.mp4", media!("faststart.mp4"))).await;
    assert_eq!(send(&way.expect(StatusCode::OK).json(), media!("faststart.mp4")).await, 200);
}
