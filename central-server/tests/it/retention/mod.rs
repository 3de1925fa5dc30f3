//! What is kept for how long: plays, figures, records, and the limits that people set.

mod bounds;
mod figures;
mod ledger;
mod plays;
mod pooled;
mod records;
mod year;

use axum::http::StatusCode;
use neopro_central::ids::SiteId;
use neopro_central::retention::jobs::{Done, run_now};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::TestApp;

const PATH: &str = "/api/settings/retention";

/// Every limit there is.
pub const FIELDS: [&str; 6] =
    ["five_minutes_days", "hours_months", "plays_days", "commands_days", "deployments_months", "database_limit_mb"];

/// The limits of the beginning, but for the days of plays.
pub fn limits(plays_days: i32) -> Value {
    json!({"five_minutes_days": 30, "hours_months": 13, "plays_days": plays_days, "commands_days": 90,
        "deployments_months": 13, "database_limit_mb": 0})
}

/// The limits of the beginning, but for this one.
pub fn changed(field: &str) -> Value {
    let mut limits = limits(90);
    limits[field] = json!(21);
    limits
}

async fn site(app: &TestApp, zone: &str) -> SiteId {
    let id = Uuid::now_v7();
    let sql = format!(
        "insert into sites (id, site_name, club_name, api_key, time_zone) values ('{id}', '{id}', 'Club', '{id}', '{zone}')"
    );
    app.db.owner().await.batch_execute(&sql).await.expect("a site");
    SiteId(id)
}

async fn round(app: &TestApp) -> Done {
    run_now(&app.app).await.expect("a round")
}

/// A single number.
async fn count(app: &TestApp, sql: &str) -> i64 {
    app.db.owner().await.query_one(sql, &[]).await.expect("a number").get(0)
}

async fn set(app: &TestApp, limits: &Value) {
    let token = app.token("super_admin").await;
    let answer = app.put(PATH, limits.clone()).bearer(&token).send().await.expect(StatusCode::OK);
    assert_eq!(&answer.json(), limits);
}

#[tokio::test]
async fn limits_are_settings_and_the_journal_says_who_has_changed_them() {
    let app = TestApp::new().await;
    let (token, admin) = (app.token("super_admin").await, app.token("admin").await);
    let begun = app.get(PATH).bearer(&admin).send().await.expect(StatusCode::OK).json();
    assert_eq!(begun, limits(90), "an own database has no limit of its own");
    app.put(PATH, limits(30)).bearer(&admin).send().await.expect(StatusCode::FORBIDDEN);
    let wrong = json!({"five_minutes_days": 91, "hours_months": 1, "plays_days": "beaucoup"});
    let answer = app.put(PATH, wrong).bearer(&token).send().await.expect(StatusCode::BAD_REQUEST);
    assert_eq!(answer.fields(), FIELDS);
    app.put(PATH, limits(30)).bearer(&token).send().await.expect(StatusCode::OK);
    assert_eq!(app.get(PATH).bearer(&admin).send().await.json(), limits(30));
    let log = app.get("/api/audit?limit=1").bearer(&admin).send().await.json()["logs"][0].clone();
    assert_eq!((&log["action"], &log["target_id"]), (&json!("SETTINGS_UPDATED"), &json!("retention")));
    assert_eq!((&log["before"]["plays_days"], &log["after"]["plays_days"]), (&json!(90), &json!(30)));
}

#[tokio::test]
async fn the_database_is_shown_beside_its_limit_and_four_fifths_of_it_are_near() {
    let app = TestApp::new().await;
    let token = app.token("super_admin").await;
    let storage = async || app.get("/api/storage").bearer(&token).send().await.expect(StatusCode::OK).json();
    let free = storage().await;
    let bytes = free["database_bytes"].as_i64().expect("bytes");
    let real = count(&app, "select pg_database_size(current_database())").await;
    assert!(bytes > 1_000_000 && (real - bytes).abs() < 2_000_000, "{bytes}, {real}");
    assert_eq!((&free["database_limit_bytes"], &free["database_level"]), (&Value::Null, &json!("ok")));
    let megabytes = bytes / 1_000_000;
    for (limit, level) in [(megabytes, "full"), (megabytes * 100 / 85, "near"), (megabytes * 2, "ok")] {
        let mut limits = limits(90);
        limits["database_limit_mb"] = json!(limit);
        set(&app, &limits).await;
        let shown = storage().await;
        assert_eq!(
            (&shown["database_limit_bytes"], &shown["database_level"]),
            (&json!(limit * 1_000_000), &json!(level))
        );
    }
}
