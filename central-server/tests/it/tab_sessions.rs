//! `POST /api/auth/login` with a handle, and `POST /api/auth/refresh`: the session of a page that may keep no cookie.

use std::time::Duration;

use axum::http::StatusCode;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use crate::support::app::{Answer, PASSWORD};
use crate::support::{TestApp, Watcher};

const LOGIN: &str = "/api/auth/login";
const REFRESH: &str = "/api/auth/refresh";
const ME: &str = "/api/auth/me";

/// A handle as a page draws it.
fn handle() -> String {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes).expect("randomness");
    BASE64URL_NOPAD.encode(&bytes)
}

async fn login(app: &TestApp, email: &str, handle: &str) -> Value {
    let body = json!({"email": email, "password": PASSWORD, "handle": handle});
    app.post(LOGIN, body).send().await.expect(StatusCode::OK).json()
}

async fn refresh(app: &TestApp, handle: &str, next: &str) -> Answer {
    app.post(REFRESH, json!({"handle": handle, "next": next})).send().await
}

async fn status(app: &TestApp, body: &Value) -> u16 {
    app.get(ME).bearer(body["token"].as_str().expect("a token")).send().await.status
}

async fn with_account() -> TestApp {
    let app = TestApp::new().await;
    app.account("camille@club.fr", "operator").await;
    app
}

#[tokio::test]
async fn a_tab_has_a_token_of_ten_minutes_and_no_cookie() {
    let app = with_account().await;
    let body = json!({"email": "camille@club.fr", "password": PASSWORD, "handle": handle()});
    let answer = app.post(LOGIN, body).send().await.expect(StatusCode::OK);
    assert_eq!(answer.header("set-cookie"), "");
    let tab = answer.json();
    assert_eq!((&tab["expires_in"], &tab["user"]["email"]), (&json!(600), &json!("camille@club.fr")));
    app.clock.advance(Duration::from_secs(599));
    assert_eq!(status(&app, &tab).await, 200);
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(status(&app, &tab).await, 401);

    let without = app.post(LOGIN, json!({"email": "camille@club.fr", "password": PASSWORD})).send().await;
    assert!(without.header("set-cookie").starts_with("neopro_token="), "others go on as they did");
    assert_eq!(without.json()["expires_in"], 604_800);
}

/// Who works in a page is to be told before the session is over, not by its end.
#[tokio::test]
async fn a_page_learns_how_long_its_session_lasts_with_a_token_of_minutes_as_well() {
    let app = with_account().await;
    let (first, second) = (handle(), handle());
    let tab = login(&app, "camille@club.fr", &first).await;
    assert_eq!((&tab["expires_in"], &tab["session_expires_in"]), (&json!(600), &json!(604_800)));
    app.clock.advance(Duration::from_secs(300));
    let me = app.get(ME).bearer(tab["token"].as_str().expect("a token")).send().await.expect(StatusCode::OK);
    assert_eq!(me.json()["session_expires_in"], 604_500);
    let next = refresh(&app, &first, &second).await.expect(StatusCode::OK).json();
    assert_eq!((&next["expires_in"], &next["session_expires_in"]), (&json!(600), &json!(604_500)));
}

#[tokio::test]
async fn each_handle_gives_ten_minutes_and_the_next_one() {
    let app = with_account().await;
    let mut current = handle();
    let mut tab = login(&app, "camille@club.fr", &current).await;
    for _ in 0..5 {
        app.clock.advance(Duration::from_secs(1_000));
        assert_eq!(status(&app, &tab).await, 401);
        let next = handle();
        tab = refresh(&app, &current, &next).await.expect(StatusCode::OK).json();
        assert_eq!((&tab["expires_in"], &tab["user"]["role"]), (&json!(600), &json!("operator")));
        assert_eq!(status(&app, &tab).await, 200);
        current = next;
    }
}

#[tokio::test]
async fn a_token_lasts_no_longer_than_its_session() {
    let app = TestApp::with(&[("JWT_EXPIRES_IN", "15m")]).await;
    app.account("camille@club.fr", "viewer").await;
    let (first, second) = (handle(), handle());
    login(&app, "camille@club.fr", &first).await;
    app.clock.advance(Duration::from_secs(600));
    let tab = refresh(&app, &first, &second).await.expect(StatusCode::OK).json();
    assert_eq!(tab["expires_in"], 300);
    app.clock.advance(Duration::from_secs(300));
    let over = refresh(&app, &second, &handle()).await.expect(StatusCode::UNAUTHORIZED);
    assert_eq!(over.code(), "handle_unknown", "no sliding: it is over");
}

#[tokio::test]
async fn a_handle_that_was_used_ends_the_session_for_everybody() {
    let app = with_account().await;
    let (first, second) = (handle(), handle());
    login(&app, "camille@club.fr", &first).await;
    let tab = refresh(&app, &first, &second).await.expect(StatusCode::OK).json();
    let mut watcher: Watcher = app.get("/api/events").bearer(tab["token"].as_str().expect("a token")).open().await;
    watcher.says("hello").await;

    // Whoever has a copy of the first one.
    let thief = refresh(&app, &first, &handle()).await.expect(StatusCode::UNAUTHORIZED);
    assert_eq!((thief.code().as_str(), thief.header("www-authenticate")), ("handle_reused", "Bearer"));
    assert_eq!(status(&app, &tab).await, 401, "its token is worthless at once");
    assert_eq!(watcher.says("end").await, json!({"reason": "session"}), "its stream ends at once");
    let owner = refresh(&app, &second, &handle()).await.expect(StatusCode::UNAUTHORIZED);
    assert_eq!(owner.code(), "handle_unknown");
    // However often it is shown, it stands in the journal once.
    refresh(&app, &first, &handle()).await.expect(StatusCode::UNAUTHORIZED);
    let rows = app
        .db
        .owner()
        .await
        .query("select 1 from audit_logs where action = 'SESSION_REVOKED' and target_type = 'session'", &[])
        .await;
    assert_eq!(rows.expect("the journal").len(), 1);
}

#[tokio::test]
async fn an_old_handle_is_known_as_used_however_long_ago() {
    let app = with_account().await;
    let handles: Vec<String> = (0..8).map(|_| handle()).collect();
    login(&app, "camille@club.fr", &handles[0]).await;
    for pair in handles.windows(2) {
        refresh(&app, &pair[0], &pair[1]).await.expect(StatusCode::OK);
    }
    assert_eq!(refresh(&app, &handles[2], &handle()).await.code(), "handle_reused");
    assert_eq!(refresh(&app, &handles[7], &handle()).await.code(), "handle_unknown", "the session is over");
}

/// What the page does after a reload at the worst moment: it has noted both, and knows nothing of the answer.
#[tokio::test]
async fn a_lost_answer_logs_nobody_out() {
    let app = with_account().await;
    // The answer was lost: the next one is in force.
    let (first, second, third) = (handle(), handle(), handle());
    login(&app, "camille@club.fr", &first).await;
    refresh(&app, &first, &second).await.expect(StatusCode::OK);
    let tab = refresh(&app, &second, &third).await.expect(StatusCode::OK).json();
    assert_eq!(status(&app, &tab).await, 200);
    // The question was lost: the next one is unknown, which ends nothing, and the one before is in force.
    let (never, fourth) = (handle(), handle());
    assert_eq!(refresh(&app, &never, &fourth).await.expect(StatusCode::UNAUTHORIZED).code(), "handle_unknown");
    assert_eq!(status(&app, &tab).await, 200);
    refresh(&app, &third, &fourth).await.expect(StatusCode::OK);
    // The very same question twice, as a browser repeats it when a connection breaks: one question.
    let fifth = handle();
    refresh(&app, &fourth, &fifth).await.expect(StatusCode::OK);
    let again = refresh(&app, &fourth, &fifth).await.expect(StatusCode::OK).json();
    assert_eq!(status(&app, &again).await, 200);
    refresh(&app, &fifth, &handle()).await.expect(StatusCode::OK);
    // But not for ever.
    assert_eq!(refresh(&app, &fourth, &fifth).await.code(), "handle_reused");
}

#[tokio::test]
async fn of_two_at_once_one_wins_and_nobody_has_two_sessions() {
    let app = with_account().await;
    let first = handle();
    login(&app, "camille@club.fr", &first).await;
    let next: Vec<String> = (0..6).map(|_| handle()).collect();
    let answers = futures_util::future::join_all(next.iter().map(|next| refresh(&app, &first, next))).await;
    let won = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(won, 1, "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        assert!(["handle_reused", "handle_unknown"].contains(&answer.code().as_str()), "{}", answer.text);
    }
    for next in &next {
        refresh(&app, next, &handle()).await.expect(StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn logout_and_suspension_end_a_tab_at_once() {
    let app = with_account().await;
    let sql = app.db.owner().await;
    let (first, second) = (handle(), handle());
    let tab = login(&app, "camille@club.fr", &first).await;
    let token = tab["token"].as_str().expect("a token").to_owned();
    app.post("/api/auth/logout", json!({})).bearer(&token).send().await.expect(StatusCode::OK);
    assert_eq!(status(&app, &tab).await, 401);
    assert_eq!(refresh(&app, &first, &second).await.code(), "handle_unknown");

    for (act, undo) in [
        ("update users set status = 'suspended'", "update users set status = 'active'"),
        ("update users set is_active = false", "update users set is_active = true"),
    ] {
        let (first, second) = (handle(), handle());
        let tab = login(&app, "camille@club.fr", &first).await;
        sql.batch_execute(act).await.expect("the owner may");
        assert_eq!(status(&app, &tab).await, 401, "{act}");
        assert_eq!(refresh(&app, &first, &second).await.code(), "handle_unknown", "{act}");
        sql.batch_execute(undo).await.expect("the owner may");
        refresh(&app, &first, &second).await.expect(StatusCode::OK);
    }
    // Another role: the next token says so.
    let first = handle();
    login(&app, "camille@club.fr", &first).await;
    sql.batch_execute("update users set role = 'viewer'").await.expect("the owner may");
    let tab = refresh(&app, &first, &handle()).await.expect(StatusCode::OK).json();
    assert_eq!((&tab["user"]["role"], status(&app, &tab).await), (&json!("viewer"), 200));
}

#[tokio::test]
async fn only_pages_that_may_and_only_json_get_a_token() {
    let app = TestApp::with(&crate::auth::production()).await;
    app.account("camille@club.fr", "admin").await;
    let (first, second) = (handle(), handle());
    let body = json!({"email": "camille@club.fr", "password": PASSWORD, "handle": first});
    let listed = app.post(LOGIN, body).header("origin", "https://dashboard.neopro.test").send().await;
    assert_eq!((listed.status, listed.header("set-cookie")), (200, ""));

    let question = json!({"handle": first, "next": second});
    let foreign = app.post(REFRESH, question.clone()).header("origin", "https://evil.test").send().await;
    assert_eq!((foreign.status, foreign.code().as_str()), (403, "foreign_origin"));
    assert_eq!(foreign.header("access-control-allow-origin"), "");
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let text = app.call(axum::http::Method::POST, REFRESH).header("content-type", kind);
        let refused = text.body(question.to_string().into_bytes()).send().await;
        assert_eq!((refused.status, refused.code().as_str()), (415, "not_json"), "{kind}");
    }
    // None of them has used the handle.
    let answer = app.post(REFRESH, question).header("origin", "https://dashboard.neopro.test").send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("access-control-allow-origin"), "https://dashboard.neopro.test");
    assert_eq!((answer.header("cache-control"), answer.header("set-cookie")), ("no-store", ""));
}

#[tokio::test]
async fn what_is_no_handle_is_refused_by_its_name() {
    let app = with_account().await;
    let good = handle();
    for bad in [json!(""), json!("abc"), json!("A".repeat(43)), json!("é".repeat(43)), json!(7), json!(null)] {
        let body = json!({"email": "camille@club.fr", "password": PASSWORD, "handle": bad});
        assert_eq!(app.post(LOGIN, body).send().await.expect(StatusCode::BAD_REQUEST).fields(), ["handle"], "{bad}");
        let both = app.post(REFRESH, json!({"handle": bad, "next": bad})).send().await;
        assert_eq!(both.expect(StatusCode::BAD_REQUEST).fields(), ["handle", "next"], "{bad}");
    }
    assert_eq!(refresh(&app, &good, &good).await.expect(StatusCode::BAD_REQUEST).fields(), ["next"]);

    // A value that was somebody's already.
    let (other, third) = (handle(), handle());
    login(&app, "camille@club.fr", &good).await;
    login(&app, "camille@club.fr", &other).await;
    assert_eq!(refresh(&app, &good, &other).await.expect(StatusCode::BAD_REQUEST).fields(), ["next"]);
    let body = json!({"email": "camille@club.fr", "password": PASSWORD, "handle": other});
    assert_eq!(app.post(LOGIN, body).send().await.expect(StatusCode::BAD_REQUEST).fields(), ["handle"]);
    refresh(&app, &good, &third).await.expect(StatusCode::OK);
    assert_eq!(refresh(&app, &third, &good).await.expect(StatusCode::BAD_REQUEST).fields(), ["next"], "no way back");
    refresh(&app, &third, &handle()).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn what_is_unknown_always_gets_the_same_answer_and_not_without_end() {
    let app = with_account().await;
    let over = handle();
    let tab = login(&app, "camille@club.fr", &over).await;
    let token = tab["token"].as_str().expect("a token");
    app.post("/api/auth/logout", json!({})).bearer(token).send().await.expect(StatusCode::OK);
    let words = |answer: Answer| {
        let mut body = answer.json();
        body["request_id"] = Value::Null;
        (answer.status, body)
    };
    let unknown = words(refresh(&app, &handle(), &handle()).await);
    assert_eq!(words(refresh(&app, &over, &handle()).await), unknown, "whether it ever was one is not said");
    let mut tried = 0;
    while refresh(&app, &handle(), &handle()).await.status == 401 {
        tried += 1;
        assert!(tried < 200);
    }
    assert_eq!(
        refresh(&app, &handle(), &handle()).await.expect(StatusCode::TOO_MANY_REQUESTS).code(),
        "too_many_requests"
    );
    // Whoever guesses behind the address of an office closes nobody's page there.
    let mut good = handle();
    login(&app, "camille@club.fr", &good).await;
    for _ in 0..3 {
        let next = handle();
        refresh(&app, &good, &next).await.expect(StatusCode::OK);
        good = next;
    }
}

#[tokio::test]
async fn only_hashes_are_stored() {
    let app = with_account().await;
    let (first, second) = (handle(), handle());
    login(&app, "camille@club.fr", &first).await;
    refresh(&app, &first, &second).await.expect(StatusCode::OK);
    let sql = app.db.owner().await;
    let text: String = sql
        .query_one(
            "select (select jsonb_agg(s) from sessions s)::text || (select jsonb_agg(h) from session_handles h)::text",
            &[],
        )
        .await
        .expect("rows")
        .get(0);
    assert!(!text.contains(&first) && !text.contains(&second), "{text}");
    // With the session its handles go.
    sql.batch_execute("delete from sessions").await.expect("the owner may");
    assert!(sql.query("select 1 from session_handles", &[]).await.expect("rows").is_empty());
}

/// A machine that has slept: the token of the tab is over, its session is not.
#[tokio::test]
async fn logging_out_ends_the_session_of_a_tab_whose_token_is_over() {
    let app = with_account().await;
    let first = handle();
    let tab = login(&app, "camille@club.fr", &first).await;
    app.clock.advance(Duration::from_secs(3_600));
    assert_eq!(status(&app, &tab).await, 401);
    let out = app.post("/api/auth/logout", json!({})).bearer(tab["token"].as_str().expect("a token")).send().await;
    out.expect(StatusCode::OK);
    let back = refresh(&app, &first, &handle()).await.expect(StatusCode::UNAUTHORIZED);
    assert_eq!(back.code(), "handle_unknown");
}
