//! A storage that is missing something, refuses something, or is away: nobody waits, nothing is left, and everybody is
//! told what concerns him.

use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use neopro_central::storage::{Trouble, watch};
use serde_json::json;

use super::{announce, announcement, counts, done, path_of, send, server, server_with, upload};
use crate::media;
use crate::support::supabase::Bucket;
use crate::support::{Form, Supabase, TestApp};

/// What health says of the storage: its state and its sentence.
async fn health(app: &TestApp) -> (String, String) {
    let report = app.get("/health").send().await.expect(StatusCode::OK).json();
    let check = &report["checks"]["storage"];
    (check["status"].as_str().expect("a state").to_owned(), check["message"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn buckets_that_are_missing_are_made_and_public() {
    let supabase = Supabase::empty().await;
    let app = server(&supabase).await;
    assert_eq!(health(&app).await.0, "degraded", "nobody has looked yet");
    watch::look(&app.app).await.expect("all is well");
    assert_eq!(health(&app).await, ("healthy".to_owned(), String::new()));
    for name in ["videos", "software-updates"] {
        let bucket = supabase.book().buckets[name].clone();
        assert!(bucket.public && bucket.file_size_limit.is_none(), "{name}: {bucket:?}");
    }
    // Another look makes nothing.
    watch::look(&app.app).await.expect("all is well");
    assert_eq!(supabase.seen("POST /storage/v1/bucket").len(), 2);
    let token = app.token("operator").await;
    upload(&app, &token, "a.mp4", media!("faststart.mp4")).await;
}

#[tokio::test]
async fn a_bucket_that_somebody_deletes_is_made_again_by_the_next_upload() {
    let supabase = Supabase::start().await;
    let app = server(&supabase).await;
    let token = app.token("operator").await;
    supabase.book().buckets.clear();
    upload(&app, &token, "a.mp4", media!("faststart.mp4")).await;
    supabase.book().buckets.clear();
    let form = Form::new().file("video", "b.mp4", media!("late.mp4"));
    let made = app.call(Method::POST, "/api/videos").bearer(&token).form(&form).send().await;
    let made = made.expect(StatusCode::CREATED).json();
    assert!(supabase.paths("videos").contains(&path_of(&made)));
    assert!(supabase.book().buckets["videos"].public);
}

#[tokio::test]
async fn a_bucket_that_is_private_stays_so_and_the_step_is_named() {
    for (name, step) in [("videos", "3.1"), ("software-updates", "3.2")] {
        let supabase = Supabase::start().await;
        supabase.book().buckets.insert(name.into(), Bucket { public: false, file_size_limit: None });
        let app = server(&supabase).await;
        let trouble = watch::look(&app.app).await.expect_err("it is private");
        assert!(matches!(trouble, Trouble::Private(_)) && trouble.advice().contains(step), "{trouble:?}");
        let (state, sentence) = health(&app).await;
        assert!(state == "degraded" && sentence.contains(name) && sentence.contains("privé"), "{sentence}");
        assert!(!supabase.book().buckets[name].public, "we did not make it public");
        assert!(supabase.seen("PUT /storage/v1/bucket").is_empty());
    }
    // A file that was written there all the same cannot be read by boxes, so it is no video.
    let supabase = Supabase::start().await;
    let app = server(&supabase).await;
    let token = app.token("operator").await;
    let file = media!("faststart.mp4");
    let way = announce(&app, &token, announcement("a.mp4", file)).await.expect(StatusCode::OK).json();
    send(&way, file).await;
    supabase.book().buckets.insert("videos".into(), Bucket { public: false, file_size_limit: None });
    let refused = done(&app, &token, &way).await.expect(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.code(), "storage_bucket_private");
    assert!(refused.json()["message"].as_str().expect("what to do").contains("étape 3.1"), "{}", refused.text);
    // Mended by hand, it becomes one.
    supabase.book().buckets.insert("videos".into(), Bucket { public: true, file_size_limit: None });
    done(&app, &token, &way).await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn a_bucket_that_cannot_be_made_is_one_message_that_names_the_step() {
    let supabase = Supabase::empty().await;
    supabase.set(|mood| mood.buckets_refused = true);
    let app = server(&supabase).await;
    let trouble = watch::look(&app.app).await.expect_err("it cannot be made");
    assert!(trouble.words().contains("« videos »") && trouble.advice().contains("étape 3.1"), "{trouble:?}");
    let token = app.token("operator").await;
    let refused = announce(&app, &token, announcement("a.mp4", media!("faststart.mp4"))).await;
    let refused = refused.expect(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.code(), "storage_bucket_missing");
    assert!(refused.json()["message"].as_str().expect("what to do").contains("étape 3.1"));
    assert_eq!(counts(&app).await, (0, 0));
}

/// Something that is wrong with the storage as a whole.
struct Case {
    name: &'static str,
    change: fn(&mut crate::support::supabase::Mood),
    status: u16,
    code: &'static str,
    /// What the person is told to look at.
    advice: &'static str,
    /// Whether a look from behind finds it as well: policies are only met by who writes or reads.
    is_seen: bool,
}

const CASES: [Case; 4] = [
    Case {
        name: "away",
        change: |mood| mood.down = true,
        status: 503,
        code: "storage_away",
        advice: "SUPABASE_URL",
        is_seen: true,
    },
    Case {
        name: "paused",
        change: |mood| mood.paused = true,
        status: 503,
        code: "storage_paused",
        advice: "Relancez le projet",
        is_seen: true,
    },
    Case {
        name: "quota",
        change: |mood| mood.quota_full = true,
        status: 507,
        code: "storage_full",
        advice: "offre",
        is_seen: true,
    },
    Case {
        name: "writes refused",
        change: |mood| mood.writes_refused = true,
        status: 503,
        code: "storage_write_refused",
        advice: "étape 3.3",
        is_seen: false,
    },
];

#[tokio::test]
async fn whatever_is_wrong_has_a_sentence_and_a_place_to_mend_it_and_the_rest_goes_on() {
    for Case { name, change, status, code, advice, is_seen } in CASES {
        let supabase = Supabase::start().await;
        let app = server(&supabase).await;
        let token = app.token("operator").await;
        supabase.set(change);
        let began = Instant::now();
        let form = Form::new().file("video", "b.mp4", media!("late.mp4"));
        let (announced, sent, looked) = tokio::join!(
            announce(&app, &token, announcement("a.mp4", media!("faststart.mp4"))),
            app.call(Method::POST, "/api/videos").bearer(&token).form(&form).send(),
            watch::look(&app.app),
        );
        for answer in [announced, sent] {
            // Who only waits for bytes is more patient than who asks: it is one storage, and one word for it.
            assert_eq!((answer.status, answer.code().as_str()), (status, code), "{name}: {}", answer.text);
            assert!(answer.json()["message"].as_str().expect("what to do").contains(advice), "{name}: {}", answer.text);
            for secret in ["127.0.0.1", "sb_secret", "policy", "quota."] {
                assert!(!answer.text.contains(secret), "{name}: {}", answer.text);
            }
        }
        assert_eq!(looked.is_err(), is_seen, "{name}: {looked:?}");
        assert_eq!(health(&app).await.0, if is_seen { "degraded" } else { "healthy" }, "{name}");
        assert!(app.stored().is_empty() && supabase.paths("videos").is_empty(), "{name}: something was left");
        assert_eq!(counts(&app).await, (0, 0), "{name}");
        // Nobody else waits.
        let before = Instant::now();
        app.get("/api/videos").bearer(&token).send().await.expect(StatusCode::OK);
        app.get("/ready").send().await.expect(StatusCode::OK);
        assert!(before.elapsed() < Duration::from_secs(2), "{name}");
        eprintln!("{name}: refused after {:?}", began.elapsed());
    }
}

#[tokio::test]
async fn a_storage_that_is_slow_keeps_nobody_waiting_for_longer_than_a_request_may_take() {
    let supabase = Supabase::start().await;
    let app = server(&supabase).await;
    let token = app.token("operator").await;
    supabase.set(|mood| mood.slow = Duration::from_secs(40));
    let began = Instant::now();
    let refused = announce(&app, &token, announcement("a.mp4", media!("faststart.mp4"))).await;
    assert_eq!(refused.expect(StatusCode::SERVICE_UNAVAILABLE).code(), "storage_away");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    // One that only takes its time is waited for, by who has sent a file already.
    supabase.set(|mood| mood.slow = Duration::from_secs(2));
    upload(&app, &token, "a.mp4", media!("faststart.mp4")).await;
}

#[tokio::test]
async fn what_boxes_could_not_read_is_no_video_and_the_policy_is_named() {
    let supabase = Supabase::start().await;
    let app = server(&supabase).await;
    let token = app.token("operator").await;
    supabase.set(|mood| mood.reads_refused = true);
    let file = media!("faststart.mp4");
    let way = announce(&app, &token, announcement("a.mp4", file)).await.expect(StatusCode::OK).json();
    send(&way, file).await;
    let refused = done(&app, &token, &way).await.expect(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.code(), "storage_read_refused");
    let advice = refused.json()["message"].as_str().expect("what to do").to_owned();
    assert!(advice.contains("étape 3.3") && advice.contains("Allow public read"), "{advice}");
    supabase.set(|mood| mood.reads_refused = false);
    done(&app, &token, &way).await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn a_key_of_another_project_is_named_and_not_told() {
    let supabase = Supabase::start().await;
    let app = server_with(&supabase, "sb_secret_of_another_project", &[]).await;
    let trouble = watch::look(&app.app).await.expect_err("it is refused");
    assert!(matches!(trouble, Trouble::Key(_)) && trouble.advice().contains("SUPABASE_SERVICE_KEY"), "{trouble:?}");
    assert!(!format!("{trouble:?} {:?}", app.app.storage).contains("sb_secret"), "the key stays where it is");
    assert!(health(&app).await.1.contains("clé"));
}

#[tokio::test]
async fn an_upload_that_was_let_down_has_the_storage_looked_at() {
    let supabase = Supabase::start().await;
    let app = server(&supabase).await;
    let token = app.token("operator").await;
    let watching = tokio::spawn(watch::run(app.app.clone()));
    let until = async |state: &str| {
        let began = Instant::now();
        while health(&app).await.0 != state {
            assert!(began.elapsed() < Duration::from_secs(10), "it is never {state}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    until("healthy").await;
    // Its next look of its own would be in minutes.
    supabase.set(|mood| mood.quota_full = true);
    announce(&app, &token, announcement("a.mp4", media!("faststart.mp4")))
        .await
        .expect(StatusCode::INSUFFICIENT_STORAGE);
    until("degraded").await;
    let page = app.get("/api/storage").bearer(&token).send().await.expect(StatusCode::OK).json();
    assert_eq!((&page["healthy"], &page["place"]), (&json!(false), &json!("supabase")));
    assert!(page["problem"].as_str().expect("a sentence").contains("limite"), "{page}");
    watching.abort();
}

#[tokio::test]
async fn a_probe_tells_the_policies_apart_and_leaves_nothing() {
    use neopro_central::storage::probe::probe;
    use neopro_central::storage::{Bucket as Place, Error};

    for (place, step) in [(Place::Videos, "3.3"), (Place::SoftwareUpdates, "3.4")] {
        let supabase = Supabase::start().await;
        let app = server(&supabase).await;
        let storage = &app.app.storage;
        let look = async || probe(storage.local(), storage.remote().expect("one outside"), place).await;
        let advice = |error: Error| match error {
            Error::Outside(trouble) => trouble.advice().to_owned(),
            other => panic!("{other:?}"),
        };
        let found = look().await;
        assert!(
            found.written.is_ok() && matches!(found.read, Some(Ok(()))) && found.is_closed == Some(true),
            "{found:?}"
        );
        supabase.set(|mood| mood.reads_refused = true);
        let refused = look().await.read.expect("it was written").expect_err("nobody reads");
        assert!(advice(refused).contains(&format!("étape {step}")));
        supabase.set(|mood| (mood.reads_refused, mood.writes_refused) = (false, true));
        let refused = look().await.written.expect_err("nobody writes");
        assert!(advice(refused).contains(&format!("étape {step}")));
        supabase.set(|mood| (mood.writes_refused, mood.open) = (false, true));
        assert_eq!(look().await.is_closed, Some(false));
        assert!(supabase.paths(place.name()).is_empty() && app.stored().is_empty());
    }
}
