//! `/api/mfa`: one's own second factor.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{Person, STATUS, STEP, journal, password, value};
use crate::support::app::PASSWORD;
use crate::support::{Answer, TestApp};

async fn act(app: &TestApp, route: &str, person: &Person, code: &str) -> Answer {
    app.post(route, json!({"code": code})).bearer(&person.token).send().await
}

async fn status(app: &TestApp, token: &str) -> Value {
    app.get(STATUS).bearer(token).send().await.expect(StatusCode::OK).json()
}

#[tokio::test]
async fn every_role_sets_its_factor_up_and_takes_it_off_again() {
    let app = TestApp::new().await;
    let mut tokens = Vec::new();
    for role in ["super_admin", "admin", "operator", "viewer"] {
        tokens.push(app.token(role).await);
    }
    for kind in ["agency", "sponsor"] {
        tokens.push(crate::walls::tenant(&app, kind).await.token);
    }
    for token in tokens {
        let none = json!({"enabled": false, "required": false, "grace_until": null, "backup_codes_left": 0});
        assert_eq!(status(&app, &token).await, none);
        let set_up = app.post("/api/mfa/setup", json!({})).bearer(&token).send().await.expect(StatusCode::OK).json();
        assert_eq!(status(&app, &token).await, none, "it is not on before its first code");
        let person = Person::of("", &set_up, token);
        act(&app, "/api/mfa/enable", &person, &person.code(&app)).await.expect(StatusCode::OK);
        let on = status(&app, &person.token).await;
        assert_eq!((&on["enabled"], &on["backup_codes_left"]), (&json!(true), &json!(8)));
        app.clock.advance(STEP);
        act(&app, "/api/mfa/disable", &person, &person.code(&app)).await.expect(StatusCode::OK);
        assert_eq!(status(&app, &person.token).await, none);
    }
    let words = journal(&app).await;
    for word in ["MFA_ENABLED", "MFA_DISABLED"] {
        assert_eq!(words.iter().filter(|found| *found == word).count(), 6, "{word}");
    }
}

#[tokio::test]
async fn a_factor_that_is_being_set_up_changes_nothing_until_its_first_code() {
    let app = TestApp::new().await;
    app.account("camille@club.fr", "operator").await;
    let token = app.login("camille@club.fr").await;
    let set_up =
        async || app.post("/api/mfa/setup", json!({})).bearer(&token).send().await.expect(StatusCode::OK).json();
    let enable = async |code: &str| app.post("/api/mfa/enable", json!({"code": code})).bearer(&token).send().await;

    assert_eq!(enable("123456").await.expect(StatusCode::CONFLICT).code(), "mfa_not_set_up");
    let first = Person::of("camille@club.fr", &set_up().await, token.clone());
    assert!(password(&app, &first.email).await.json()["token"].is_string(), "no code is asked for yet");
    let wrong = enable(&first.wrong_code(&app)).await.expect(StatusCode::BAD_REQUEST);
    assert_eq!(wrong.fields(), ["code"]);
    assert_eq!(enable(&first.backup[0]).await.expect(StatusCode::BAD_REQUEST).fields(), ["code"]);
    // Asked for once more, the first picture is worthless.
    let second = Person::of("camille@club.fr", &set_up().await, token.clone());
    assert_ne!(first.key, second.key);
    enable(&first.code(&app)).await.expect(StatusCode::BAD_REQUEST);
    // After an hour the second one is as well.
    app.clock.advance(Duration::from_secs(3_600));
    assert_eq!(enable(&second.code(&app)).await.expect(StatusCode::CONFLICT).code(), "mfa_not_set_up");
    let third = Person::of("camille@club.fr", &set_up().await, token.clone());
    enable(&third.code(&app)).await.expect(StatusCode::OK);
    for _ in 0..2 {
        let again = app.post("/api/mfa/setup", json!({})).bearer(&token).send().await.expect(StatusCode::CONFLICT);
        assert_eq!(again.code(), "mfa_on");
    }
    assert_eq!(enable(&third.code(&app)).await.expect(StatusCode::CONFLICT).code(), "mfa_on");
}

#[tokio::test]
async fn with_a_factor_the_sessions_that_began_without_one_end() {
    let app = TestApp::new().await;
    app.account("camille@club.fr", "operator").await;
    let (here, there) = (app.login("camille@club.fr").await, app.login("camille@club.fr").await);
    let mut stream = app.get("/api/events").bearer(&there).open().await;
    let set_up = app.post("/api/mfa/setup", json!({})).bearer(&here).send().await.json();
    app.get(super::ME).bearer(&there).send().await.expect(StatusCode::OK);
    let camille = Person::of("camille@club.fr", &set_up, here);
    act(&app, "/api/mfa/enable", &camille, &camille.code(&app)).await.expect(StatusCode::OK);
    app.get(super::ME).bearer(&camille.token).send().await.expect(StatusCode::OK);
    app.get(super::ME).bearer(&there).send().await.expect(StatusCode::UNAUTHORIZED);
    stream.until("its end", |name, data| name == "end" && data["reason"] == "session").await;
}

#[tokio::test]
async fn without_a_factor_there_is_nothing_to_take_off() {
    let app = TestApp::new().await;
    let token = app.token("viewer").await;
    for route in ["/api/mfa/disable", "/api/mfa/backup-codes/regenerate", "/api/mfa/replace"] {
        let answer = app.post(route, json!({"code": "123456"})).bearer(&token).send().await;
        assert_eq!(answer.expect(StatusCode::CONFLICT).code(), "mfa_off", "{route}");
    }
}

#[tokio::test]
async fn turning_it_off_takes_a_fresh_code_and_leaves_nothing_behind() {
    let app = TestApp::new().await;
    let camille = Person::new(&app, "camille@club.fr", "operator").await;
    let code = camille.code(&app);
    camille.log_in_with(&app, &code).await.expect(StatusCode::OK);
    for bad in [code, camille.wrong_code(&app)] {
        act(&app, "/api/mfa/disable", &camille, &bad).await.expect(StatusCode::BAD_REQUEST);
    }
    act(&app, "/api/mfa/disable", &camille, &camille.backup[0]).await.expect(StatusCode::OK);
    let left = "select concat(mfa_secret, mfa_backup_codes, factor_pending_secret, factor_pending_codes) from users";
    assert_eq!(value(&app, left).await.as_deref(), Some(""));
    assert!(password(&app, &camille.email).await.json()["token"].is_string());
}

#[tokio::test]
async fn new_backup_codes_take_the_place_of_the_old_ones() {
    let app = TestApp::new().await;
    let camille = Person::new(&app, "camille@club.fr", "operator").await;
    camille.log_in_with(&app, &camille.backup[0]).await.expect(StatusCode::OK);
    let route = "/api/mfa/backup-codes/regenerate";
    let answer = act(&app, route, &camille, &camille.code(&app)).await.expect(StatusCode::OK).json();
    let new: Vec<&str> = answer["backupCodes"].as_array().expect("codes").iter().filter_map(Value::as_str).collect();
    assert_eq!(new.len(), 8);
    assert_eq!(status(&app, &camille.token).await["backup_codes_left"], 8);
    camille.log_in_with(&app, &camille.backup[1]).await.expect(StatusCode::UNAUTHORIZED);
    camille.log_in_with(&app, new[0]).await.expect(StatusCode::OK);
    // The code that asked for them is used up.
    app.clock.advance(STEP);
    let code = camille.code(&app);
    act(&app, route, &camille, &code).await.expect(StatusCode::OK);
    camille.log_in_with(&app, &code).await.expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_new_telephone_takes_the_place_of_the_old_one_when_it_has_proven_itself() {
    let app = TestApp::new().await;
    let old = Person::new(&app, "camille@club.fr", "operator").await;
    act(&app, "/api/mfa/replace", &old, &old.wrong_code(&app)).await.expect(StatusCode::BAD_REQUEST);
    let set_up = act(&app, "/api/mfa/replace", &old, &old.backup[0]).await.expect(StatusCode::OK).json();
    let new = Person::of(&old.email, &set_up, old.token.clone());
    // Until then the old one opens, and the new one does not.
    new.log_in_with(&app, &new.code(&app)).await.expect(StatusCode::UNAUTHORIZED);
    old.log_in_with(&app, &old.code(&app)).await.expect(StatusCode::OK);
    act(&app, "/api/mfa/enable", &new, &new.code(&app)).await.expect(StatusCode::OK);
    app.clock.advance(STEP);
    for code in [old.code(&app), old.backup[1].clone()] {
        old.log_in_with(&app, &code).await.expect(StatusCode::UNAUTHORIZED);
    }
    new.log_in_with(&app, &new.code(&app)).await.expect(StatusCode::OK);
    new.log_in_with(&app, &new.backup[7]).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn the_oracle_of_neopro_1_is_gone() {
    let app = TestApp::new().await;
    let body = json!({"userId": uuid::Uuid::now_v7(), "code": "123456", "password": PASSWORD});
    assert_eq!(app.post("/api/mfa/verify", body).send().await.expect(StatusCode::NOT_FOUND).code(), "no_route");
}
