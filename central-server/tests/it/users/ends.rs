//! What ends with an access, a role or an account: sessions and open streams, at once.

use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use neopro_central::events;
use serde_json::{Value, json};

use super::{NOBODY, Person, USERS, actions, ends_within, journal, set_status, watch};
use crate::media;
use crate::support::app::PASSWORD;
use crate::support::{Form, TestApp};

#[tokio::test]
async fn a_suspension_ends_streams_within_a_second_and_the_next_request_at_once() {
    let app = TestApp::new().await;
    let (top, other) = (Person::new(&app, "top", "super_admin").await, Person::new(&app, "other", "operator").await);
    let (near, staying) = (watch(&app, &other.token).await, watch(&app, &top.token).await);
    // Another replica, which only has its sweep.
    let replica = TestApp::on(app.db.clone(), &[]).await;
    let sweeping = tokio::spawn(events::jobs::run(replica.app.clone()));
    let far = watch(&replica, &other.token).await;

    let began = Instant::now();
    let suspended = set_status(&app, &top, &other, "suspended").await.expect(StatusCode::OK).json();
    assert_eq!(suspended["data"]["status"], "suspended");
    assert_eq!((other.status(&app).await, other.status(&replica).await), (401, 401), "at once, on every replica");
    ends_within(near, began, Duration::from_secs(1)).await;
    ends_within(far, began, Duration::from_millis(2_500)).await;
    sweeping.abort();
    drop(staying);

    let login = json!({"email": other.email, "password": PASSWORD});
    assert_eq!(app.post("/api/auth/login", login.clone()).send().await.status, 401);
    set_status(&app, &top, &other, "active").await.expect(StatusCode::OK);
    assert_eq!(other.status(&app).await, 401, "what has ended does not come back");
    let token = app.login(&other.email).await;
    app.get("/api/sites").bearer(&token).send().await.expect(StatusCode::OK);
    assert_eq!(actions(&app, &other.id).await, ["USER_UPDATED", "USER_UPDATED"]);
    let noted = &journal(&app, &other.id).await[0].1.to_string();
    assert!(noted.contains("active") && noted.contains("suspended"), "{noted}");
}

#[tokio::test]
async fn the_guides_own_switch_is_undone_as_well() {
    let app = TestApp::new().await;
    let (top, other) = (Person::new(&app, "top", "super_admin").await, Person::new(&app, "other", "viewer").await);
    app.db
        .owner()
        .await
        .batch_execute("update users set is_active = false where role = 'viewer'")
        .await
        .expect("the owner may");
    set_status(&app, &top, &other, "active").await.expect(StatusCode::OK);
    app.login(&other.email).await;
}

#[tokio::test]
async fn another_role_ends_the_sessions_that_began_with_the_one_before() {
    let app = TestApp::new().await;
    let (top, other) = (Person::new(&app, "top", "super_admin").await, Person::new(&app, "other", "viewer").await);
    let stream = watch(&app, &other.token).await;
    let began = Instant::now();
    app.put(&other.path(), json!({"role": "operator"})).bearer(&top.token).send().await.expect(StatusCode::OK);
    ends_within(stream, began, Duration::from_secs(1)).await;
    assert_eq!(other.status(&app).await, 401);
    // Back in the old role: a token of before opens nothing all the same.
    app.put(&other.path(), json!({"role": "viewer"})).bearer(&top.token).send().await.expect(StatusCode::OK);
    assert_eq!(other.status(&app).await, 401);
    let token = app.login(&other.email).await;
    assert_eq!(app.get("/api/auth/me").bearer(&token).send().await.json()["role"], "viewer");
}

#[tokio::test]
async fn a_person_who_has_done_much_is_deleted_and_his_name_stays_where_it_matters() {
    let app = TestApp::new().await;
    let (top, other) = (Person::new(&app, "top", "super_admin").await, Person::new(&app, "other", "admin").await);
    let token = &other.token;
    let site =
        app.post("/api/sites", json!({"site_name": "Gymnase", "club_name": "Club"})).bearer(token).send().await.json();
    let site = site["id"].as_str().expect("an id");
    let form = Form::new().file("video", "Sponsor.mp4", media!("faststart.mp4"));
    let video = app.call(Method::POST, "/api/videos").bearer(token).form(&form).send().await.json()["id"].clone();
    let order = json!({"video_id": video, "target_type": "site", "target_id": site});
    let order = app.post("/api/deployments", order).bearer(token).send().await.expect(StatusCode::CREATED).json();
    let command = app
        .post(&format!("/api/sites/{site}/command"), json!({"command": "reboot", "queue": true}))
        .bearer(token)
        .send()
        .await;
    assert!(command.status < 300, "{}", command.text);
    let agency =
        app.post("/api/agencies", json!({"name": "Agence"})).bearer(token).send().await.json()["data"]["id"].clone();
    let sites = format!("/api/agencies/{}/sites", agency.as_str().expect("an id"));
    app.post(&sites, json!({"site_ids": [site]})).bearer(token).send().await.expect(StatusCode::CREATED);

    let stream = watch(&app, token).await;
    let began = Instant::now();
    let gone = app.delete(&other.path()).bearer(&top.token).send().await.expect(StatusCode::OK).json();
    assert_eq!(gone["success"], true);
    ends_within(stream, began, Duration::from_secs(1)).await;
    assert_eq!(other.status(&app).await, 401);
    app.get(&other.path()).bearer(&top.token).send().await.expect(StatusCode::NOT_FOUND);
    app.delete(&other.path()).bearer(&top.token).send().await.expect(StatusCode::NOT_FOUND);

    let order = format!("/api/deployments/{}", order["id"].as_str().expect("an id"));
    let order = app.get(&order).bearer(&top.token).send().await.expect(StatusCode::OK).json();
    assert_eq!((&order["deployed_by"], &order["deployed_by_name"]), (&Value::Null, &json!("Camille Durand")));
    let video = format!("/api/videos/{}", video.as_str().expect("an id"));
    app.get(&video).bearer(&top.token).send().await.expect(StatusCode::OK);
    let kept = app.get(&sites).bearer(&top.token).send().await.expect(StatusCode::OK).json();
    assert_eq!(kept["data"]["total"], 1);
    let entries: i64 = app
        .db
        .owner()
        .await
        .query_one(
            "select count(*) from audit_logs where action in ('SITE_CREATED', 'VIDEO_UPLOADED', 'VIDEO_DEPLOYED')",
            &[],
        )
        .await
        .expect("a count")
        .get(0);
    assert_eq!(entries, 3, "what he did stays in the journal");
    let (action, details) = journal(&app, &other.id).await.pop().expect("an entry");
    assert_eq!(action, "USER_DELETED");
    assert!(details.to_string().contains("admin"), "{details}");
}

#[tokio::test]
async fn a_password_that_somebody_else_sets_ends_every_session() {
    let app = TestApp::new().await;
    let (top, other) = (Person::new(&app, "top", "super_admin").await, Person::new(&app, "other", "viewer").await);
    let path = format!("{}/reset-password", other.path());
    for weak in ["court", "password123", other.email.as_str()] {
        let refused = app.post(&path, json!({"new_password": weak})).bearer(&top.token).send().await;
        assert_eq!(refused.expect(StatusCode::BAD_REQUEST).fields(), ["new_password"], "{weak}");
    }
    assert_eq!(other.status(&app).await, 200);
    let stream = watch(&app, &other.token).await;
    let began = Instant::now();
    let new = "Une autre porte 9";
    let said = app.post(&path, json!({"new_password": new})).bearer(&top.token).send().await.expect(StatusCode::OK);
    assert!(!said.text.contains(new));
    ends_within(stream, began, Duration::from_secs(1)).await;
    assert_eq!(other.status(&app).await, 401);
    let login =
        |password: &str| app.post("/api/auth/login", json!({"email": other.email, "password": password})).send();
    assert_eq!((login(PASSWORD).await.status, login(new).await.status), (401, 200));
    assert_eq!(actions(&app, &other.id).await, ["USER_PASSWORD_RESET"]);
    let unknown = format!("{USERS}/{NOBODY}/reset-password");
    app.post(&unknown, json!({"new_password": new})).bearer(&top.token).send().await.expect(StatusCode::NOT_FOUND);
}
