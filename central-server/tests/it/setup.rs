//! `/api/auth/setup`: the first account, by a link in the log.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use neopro_central::setup::{LIFETIME, jobs};
use serde_json::{Value, json};

use crate::support::app::PASSWORD;
use crate::support::cluster::scratch;
use crate::support::http;
use crate::support::letters::token_in;
use crate::support::program::Server;
use crate::support::{Answer, Cluster, TestApp};

const SETUP: &str = "/api/auth/setup";

pub fn first(token: &str, email: &str) -> Value {
    json!({"token": token, "email": email, "full_name": "Camille Durand", "password": PASSWORD})
}

pub async fn link(app: &TestApp) -> String {
    jobs::issue(&app.app).await.expect("a database").expect("a link")
}

async fn works(app: &TestApp, token: &str) -> bool {
    let answer = app.get(&format!("{SETUP}?token={token}")).send().await.expect(StatusCode::OK);
    answer.json()["valid"].as_bool().expect("a flag")
}

fn refused(answer: Answer) {
    assert_eq!(answer.expect(StatusCode::UNAUTHORIZED).code(), "link_invalid");
}

async fn people(app: &TestApp) -> Vec<(String, String)> {
    let rows = app.db.owner().await.query("select email, role from users", &[]).await.expect("people");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test]
async fn the_link_makes_one_super_admin_and_then_nobody_for_ever() {
    let app = TestApp::with(&[("FRONTEND_URL", "https://dashboard.neopro.test")]).await;
    let link = link(&app).await;
    assert!(link.starts_with("https://dashboard.neopro.test/setup?token="), "{link}");
    let token = token_in(&link);
    assert!(works(&app, &token).await && !works(&app, "AAAA").await);
    refused(app.post(SETUP, first("AAAA", "eve@club.fr")).send().await);
    let made = app.post(SETUP, first(&token, "camille@club.fr")).send().await.expect(StatusCode::CREATED);
    assert!(made.json()["message"].is_string());
    assert_eq!(people(&app).await, [("camille@club.fr".to_owned(), "super_admin".to_owned())]);
    let session = app.login("camille@club.fr").await;
    assert_eq!(app.get("/api/auth/me").bearer(&session).send().await.json()["role"], "super_admin");

    assert!(!works(&app, &token).await);
    refused(app.post(SETUP, first(&token, "eve@club.fr")).send().await);
    assert_eq!(jobs::issue(&app.app).await, Ok(None), "there is no link any more");
    assert_eq!(people(&app).await.len(), 1);
    let noted = "select count(*) from audit_logs where action = 'FIRST_ACCOUNT_CREATED' and user_id is not null";
    assert_eq!(app.db.owner().await.query_one(noted, &[]).await.expect("a count").get::<_, i64>(0), 1);
}

#[tokio::test]
async fn two_at_once_make_one_administrator() {
    for _ in 0..5 {
        let app = TestApp::new().await;
        let (one, other) = (token_in(&link(&app).await), token_in(&link(&app).await));
        let (first, second) = tokio::join!(
            app.post(SETUP, first(&one, "camille@club.fr")).send(),
            app.post(SETUP, first(&other, "dominique@club.fr")).send(),
        );
        let mut statuses = [first.status, second.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 401], "{} / {}", first.text, second.text);
        let people = people(&app).await;
        assert_eq!(people.len(), 1, "{people:?}");
    }
}

#[tokio::test]
async fn an_account_of_any_kind_ends_it() {
    let app = TestApp::new().await;
    let token = token_in(&link(&app).await);
    app.account("viewer@club.fr", "viewer").await;
    assert!(!works(&app, &token).await);
    refused(app.post(SETUP, first(&token, "eve@club.fr")).send().await);
    assert_eq!(people(&app).await.len(), 1);
}

#[tokio::test]
async fn links_of_several_starts_all_work_for_a_day() {
    let app = TestApp::new().await;
    let old = token_in(&link(&app).await);
    app.clock.advance(Duration::from_secs(3_600));
    let new = token_in(&link(&app).await);
    assert!(works(&app, &old).await && works(&app, &new).await, "to visit one may be what starts the next");
    app.clock.advance(LIFETIME - Duration::from_secs(3_600));
    assert!(!works(&app, &old).await && works(&app, &new).await);
    refused(app.post(SETUP, first(&old, "eve@club.fr")).send().await);
}

#[tokio::test]
async fn what_is_mistyped_leaves_the_link_as_it_was() {
    let app = TestApp::new().await;
    let token = token_in(&link(&app).await);
    for (field, value) in [
        ("email", "camille"),
        ("full_name", " "),
        ("password", "abcdef7"),
        ("password", "password"),
        ("language", "de"),
    ] {
        let mut body = first(&token, "camille@club.fr");
        body[field] = value.into();
        let answer = app.post(SETUP, body).send().await.expect(StatusCode::BAD_REQUEST);
        assert_eq!(answer.fields(), [field], "{value}");
    }
    app.post(SETUP, first(&token, "camille@club.fr")).send().await.expect(StatusCode::CREATED);
}

/// The program itself, on a database without anybody: no shell is needed.
#[tokio::test]
async fn the_log_of_a_start_shows_the_link_until_there_is_somebody() {
    let db = Cluster::get().migrated().await;
    let folder = scratch("setup");
    let (url, folder) = (db.url(), folder.to_str().expect("UTF-8").to_owned());
    let variables = [
        ("DATABASE_URL", url.as_str()),
        ("NEOPRO_DATA_DIR", folder.as_str()),
        ("PUBLIC_URL", "https://neopro.club.test"),
    ];
    let logs = ["setup-1.log", "setup-2.log"].map(scratch);
    for log in &logs {
        let _ = std::fs::remove_file(log);
    }
    let mut server = Server::spawn(&variables, &logs[0]);
    server.ready().await;
    let read = |log: &std::path::Path| std::fs::read_to_string(log).expect("a log");
    let until = std::time::Instant::now() + Duration::from_secs(10);
    while !read(&logs[0]).contains("https://neopro.club.test/setup?token=") {
        assert!(std::time::Instant::now() < until, "no link in\n{}", read(&logs[0]));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let body = first(&token_in(&read(&logs[0])), "camille@club.fr");
    let made = http::send(server.port, Method::POST, SETUP, None, Some(&body)).await.expect("an answer");
    assert_eq!(made.status, 201, "{}", made.text);
    assert!(server.terminate().await.success());

    let mut again = Server::spawn(&variables, &logs[1]);
    again.ready().await;
    let login = json!({"email": "camille@club.fr", "password": PASSWORD});
    let entered = http::send(again.port, Method::POST, "/api/auth/login", None, Some(&login)).await.expect("an answer");
    assert_eq!(entered.status, 200, "{}", entered.text);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!read(&logs[1]).contains("/setup?token="), "{}", read(&logs[1]));
    assert!(again.terminate().await.success());
}
