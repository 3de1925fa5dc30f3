//! `/api/auth/sessions`: where one is logged in, and how one ends that.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::app::PASSWORD;
use crate::walls::tenant;

const SESSIONS: &str = "/api/auth/sessions";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

async fn log_in(app: &TestApp, browser: &str, from: [u8; 4]) -> String {
    let body = json!({"email": "camille@club.fr", "password": PASSWORD});
    let answer = app.post("/api/auth/login", body).header("user-agent", browser).from(from).send().await;
    answer.expect(StatusCode::OK).json()["token"].as_str().expect("a token").to_owned()
}

async fn with_account() -> TestApp {
    let app = TestApp::new().await;
    app.account("camille@club.fr", "operator").await;
    app
}

async fn list(app: &TestApp, session: &str) -> Vec<Value> {
    let list = app.get(SESSIONS).bearer(session).send().await.expect(StatusCode::OK).json();
    list["sessions"].as_array().expect("a list").clone()
}

async fn status(app: &TestApp, session: &str) -> u16 {
    app.get("/api/auth/me").bearer(session).send().await.status
}

#[tokio::test]
async fn ones_sessions_are_listed_with_device_address_and_last_use() {
    let app = with_account().await;
    let old = log_in(&app, "curl/8.14.1", [203, 0, 113, 5]).await;
    app.clock.advance(Duration::from_secs(3_600));
    let here = log_in(&app, FIREFOX, [203, 0, 113, 9]).await;
    app.clock.advance(Duration::from_secs(600));
    assert_eq!(status(&app, &old).await, 200, "it was used later than this one");

    let sessions = list(&app, &here).await;
    let of = |at: usize, field: &str| sessions[at][field].clone();
    assert_eq!(sessions.len(), 2);
    assert_eq!((of(0, "current"), of(1, "current")), (json!(true), json!(false)));
    assert_eq!((of(0, "device"), of(1, "device")), (json!("Firefox · Linux"), json!("curl")));
    assert_eq!((of(0, "ip"), of(1, "ip")), (json!("203.0.113.9"), json!("203.0.113.5")));
    assert_eq!(of(0, "user_agent"), FIREFOX);
    assert_eq!(of(1, "created_at"), "2026-01-15T12:00:00.000Z");
    assert_eq!(of(1, "last_used_at"), "2026-01-15T13:10:00.000Z");
    assert_eq!(of(0, "expires_at"), "2026-01-22T13:00:00.000Z");
    assert_eq!(list(&app, &old).await[0]["id"], of(1, "id"), "each sees itself first");
}

#[tokio::test]
async fn one_session_ends_at_once_with_its_streams_and_the_others_stay() {
    let app = with_account().await;
    let (here, lost) = (log_in(&app, FIREFOX, [1, 1, 1, 1]).await, log_in(&app, "curl/8", [2, 2, 2, 2]).await);
    let mut stream = app.get("/api/events").bearer(&lost).open().await;
    stream.says("hello").await;
    let id = list(&app, &lost).await[0]["id"].as_str().expect("an id").to_owned();
    let path = format!("{SESSIONS}/{id}");
    app.delete(&path).bearer(&here).send().await.expect(StatusCode::OK);
    assert_eq!(stream.says("end").await, json!({"reason": "session"}));
    assert_eq!((status(&app, &lost).await, status(&app, &here).await), (401, 200));
    assert_eq!(list(&app, &here).await.len(), 1);
    app.delete(&path).bearer(&here).send().await.expect(StatusCode::NOT_FOUND);
    assert_eq!(journal(&app).await, [(id, "session".to_owned())], "once");
    // One's own as well: that is to log out.
    let own = format!("{SESSIONS}/{}", list(&app, &here).await[0]["id"].as_str().expect("an id"));
    app.delete(&own).bearer(&here).send().await.expect(StatusCode::OK);
    assert_eq!(status(&app, &here).await, 401);
}

#[tokio::test]
async fn all_others_end_at_once_and_this_one_stays() {
    let app = with_account().await;
    let here = log_in(&app, FIREFOX, [1, 1, 1, 1]).await;
    let mut others = Vec::new();
    for _ in 0..3 {
        let other = log_in(&app, "curl/8", [2, 2, 2, 2]).await;
        let mut stream = app.get("/api/events").bearer(&other).open().await;
        stream.says("hello").await;
        others.push((other, stream));
    }
    let stranger = app.token("viewer").await;
    let ended = app.delete(SESSIONS).bearer(&here).send().await.expect(StatusCode::OK).json();
    assert_eq!(ended, json!({"message": "Les 3 autres sessions sont fermées.", "ended": 3}));
    for (other, mut stream) in others {
        assert_eq!(stream.says("end").await, json!({"reason": "session"}));
        assert_eq!(status(&app, &other).await, 401);
    }
    assert_eq!((status(&app, &here).await, status(&app, &stranger).await), (200, 200));
    let again = app.delete(SESSIONS).bearer(&here).send().await.expect(StatusCode::OK).json();
    assert_eq!(again["ended"], 0);
    assert_eq!(journal(&app).await.len(), 1, "what ended nothing is not in the journal");
}

#[tokio::test]
async fn nobody_sees_or_ends_the_sessions_of_another() {
    let app = with_account().await;
    let theirs = log_in(&app, FIREFOX, [1, 1, 1, 1]).await;
    let id = list(&app, &theirs).await[0]["id"].as_str().expect("an id").to_owned();
    let tenant = tenant(&app, "sponsor").await;
    for other in [app.token("super_admin").await, tenant.token] {
        assert_eq!(list(&app, &other).await.len(), 1);
        app.delete(&format!("{SESSIONS}/{id}")).bearer(&other).send().await.expect(StatusCode::NOT_FOUND);
        app.delete(SESSIONS).bearer(&other).send().await.expect(StatusCode::OK);
    }
    assert_eq!(status(&app, &theirs).await, 200);
    assert!(journal(&app).await.is_empty());
}

#[tokio::test]
async fn what_is_over_is_not_listed() {
    let app = TestApp::with(&[("JWT_EXPIRES_IN", "2h")]).await;
    app.account("camille@club.fr", "operator").await;
    let gone = log_in(&app, FIREFOX, [1, 1, 1, 1]).await;
    app.post("/api/auth/logout", json!({})).bearer(&gone).send().await.expect(StatusCode::OK);
    log_in(&app, FIREFOX, [1, 1, 1, 1]).await;
    app.clock.advance(Duration::from_secs(7_200));
    let here = log_in(&app, FIREFOX, [1, 1, 1, 1]).await;
    assert_eq!(list(&app, &here).await.len(), 1);
    let ended = app.delete(SESSIONS).bearer(&here).send().await.expect(StatusCode::OK).json();
    assert_eq!(ended["ended"], 0);
}

/// The session of a tab without a cookie ends like any other: its handle is worthless then.
#[tokio::test]
async fn a_tab_that_is_ended_from_elsewhere_cannot_go_on() {
    let app = with_account().await;
    let here = log_in(&app, FIREFOX, [1, 1, 1, 1]).await;
    let (first, next) = ("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
    let body = json!({"email": "camille@club.fr", "password": PASSWORD, "handle": first});
    app.post("/api/auth/login", body).send().await.expect(StatusCode::OK);
    app.delete(SESSIONS).bearer(&here).send().await.expect(StatusCode::OK);
    let over = app.post("/api/auth/refresh", json!({"handle": first, "next": next})).send().await;
    assert_eq!(over.expect(StatusCode::UNAUTHORIZED).code(), "handle_unknown");
}

/// Target and kind of every entry about sessions that were ended from the list.
async fn journal(app: &TestApp) -> Vec<(String, String)> {
    let sql = app.db.owner().await;
    let rows = sql
        .query("select target_id, target_type from audit_logs where action = 'SESSION_ENDED' order by created_at", &[])
        .await
        .expect("the journal");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}
