//! Who is invited chooses a password.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::json;

use super::{Person, USERS, actions, create, patch};
use crate::support::TestApp;
use crate::support::app::PASSWORD;
use crate::support::letters::newest_token;

#[tokio::test]
async fn who_is_invited_chooses_a_password_and_is_in() {
    let app = TestApp::new().await;
    let top = Person::new(&app, "top", "super_admin").await;
    let new = json!({"email": "noe@club.fr", "full_name": "Noé", "role": "operator"});
    let made = create(&app, &top, new).await.expect(StatusCode::CREATED).json()["data"].clone();
    assert_eq!((&made["invited"], &made["has_logged_in"]), (&json!(true), &json!(false)));
    for guess in ["", " ", "null", PASSWORD] {
        let login = app.post("/api/auth/login", json!({"email": "noe@club.fr", "password": guess})).send().await;
        assert!(matches!(login.status, 400 | 401), "{guess:?}: {}", login.text);
    }
    let first = newest_token(&app).await;
    let user = format!("{USERS}/{}", made["id"].as_str().expect("an id"));
    let invite = format!("{user}/invite");
    app.clock.advance(Duration::from_secs(60));
    app.post(&invite, json!({})).bearer(&top.token).send().await.expect(StatusCode::OK);
    let second = newest_token(&app).await;
    let choose = async |token: &str| {
        let body = json!({"token": token, "password": PASSWORD, "password_confirm": PASSWORD});
        app.post("/api/auth/reset-password", body).send().await.status
    };
    assert_eq!(choose(&first).await, 401, "a later invitation takes the place of the one before");

    // The mail went to an address that is not the account's any more.
    app.put(&user, json!({"email": "noe@ailleurs.fr"})).bearer(&top.token).send().await.expect(StatusCode::OK);
    assert_eq!(choose(&second).await, 401);
    app.clock.advance(Duration::from_secs(60));
    app.post(&invite, json!({})).bearer(&top.token).send().await.expect(StatusCode::OK);
    assert_eq!(choose(&newest_token(&app).await).await, 200);
    let token = app.login("noe@ailleurs.fr").await;
    app.get("/api/sites").bearer(&token).send().await.expect(StatusCode::OK);

    let row = app.get(&user).bearer(&top.token).send().await.json()["data"]["user"].clone();
    assert_eq!((&row["invited"], &row["has_logged_in"]), (&json!(false), &json!(true)));
    let refused = app.post(&invite, json!({})).bearer(&top.token).send().await.expect(StatusCode::CONFLICT);
    assert_eq!(refused.code(), "has_password");
    let written = actions(&app, made["id"].as_str().expect("an id")).await;
    assert_eq!(written, ["USER_CREATED", "USER_INVITED", "USER_UPDATED", "USER_INVITED"]);
}

#[tokio::test]
async fn a_link_on_its_way_is_void_once_somebody_else_sets_a_password_and_the_shut_out_are_not_invited() {
    let app = TestApp::new().await;
    let top = Person::new(&app, "top", "super_admin").await;
    let new = json!({"email": "noe@club.fr", "full_name": "Noé", "role": "operator"});
    let made = create(&app, &top, new).await.expect(StatusCode::CREATED).json()["data"].clone();
    let user = format!("{USERS}/{}", made["id"].as_str().expect("an id"));
    let link = newest_token(&app).await;
    patch(&app, &format!("{user}/status"), &top.token, json!({"status": "inactive"})).await.expect(StatusCode::OK);
    let refused = app.post(&format!("{user}/invite"), json!({})).bearer(&top.token).send().await;
    assert_eq!(refused.expect(StatusCode::CONFLICT).code(), "not_active");
    patch(&app, &format!("{user}/status"), &top.token, json!({"status": "active"})).await.expect(StatusCode::OK);
    let reset = format!("{user}/reset-password");
    app.post(&reset, json!({"new_password": PASSWORD})).bearer(&top.token).send().await.expect(StatusCode::OK);
    let body = json!({"token": link, "password": "Une autre porte 9", "password_confirm": "Une autre porte 9"});
    app.post("/api/auth/reset-password", body).send().await.expect(StatusCode::UNAUTHORIZED);
    app.login("noe@club.fr").await;
}
