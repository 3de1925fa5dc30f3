//! The second step of a login.

use std::time::Duration;

use axum::http::StatusCode;
use futures_util::future::join_all;
use serde_json::json;

use super::{CODE, LOGIN, ME, Person, STEP, journal, password, second, value};
use crate::support::TestApp;
use crate::support::app::PASSWORD;

#[tokio::test]
async fn a_code_of_the_application_logs_in() {
    let app = TestApp::new().await;
    let camille = Person::new(&app, "camille@club.fr", "operator").await;
    let asked = password(&app, &camille.email).await.expect(StatusCode::OK);
    assert_eq!(asked.header("set-cookie"), "", "the password alone gives no session");
    let asked = asked.json();
    assert_eq!((&asked["requireMfa"], &asked["expires_in"]), (&json!(true), &json!(300)));
    for absent in ["token", "user", "userId"] {
        assert!(asked.get(absent).is_none(), "{absent} in {asked}");
    }
    let challenge = asked["challenge"].as_str().expect("a challenge");
    assert_eq!(challenge.len(), 43);

    let answer = second(&app, challenge, &camille.code(&app)).await.expect(StatusCode::OK);
    let body = answer.json();
    assert_eq!((&body["user"]["mfa_enabled"], &body["user"]["mfa_required"]), (&json!(true), &json!(false)));
    let token = body["token"].as_str().expect("a token");
    assert!(answer.header("set-cookie").starts_with(&format!("neopro_token={token}; HttpOnly")));
    app.get(ME).bearer(token).send().await.expect(StatusCode::OK);
    let factor =
        value(&app, "select details->>'factor' from audit_logs where action = 'USER_LOGIN' and details is not null");
    assert_eq!(factor.await.as_deref(), Some("totp"));
}

#[tokio::test]
async fn a_tab_with_a_handle_gets_its_session_without_a_cookie() {
    let app = TestApp::new().await;
    let camille = Person::new(&app, "camille@club.fr", "operator").await;
    let handle = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    let challenge = camille.challenge(&app).await;
    let body = json!({"challenge": challenge, "code": camille.code(&app), "handle": handle});
    let answer = app.post(CODE, body).send().await.expect(StatusCode::OK);
    assert_eq!((answer.header("set-cookie"), &answer.json()["expires_in"]), ("", &json!(600)));
    let next = json!({"handle": handle, "next": "BAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"});
    app.post("/api/auth/refresh", next).send().await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_script_sends_password_and_code_at_once() {
    let app = TestApp::new().await;
    let camille = Person::new(&app, "camille@club.fr", "operator").await;
    let login = |password: &str, code: &str| {
        app.post(LOGIN, json!({"email": "camille@club.fr", "password": password, "mfaCode": code}))
    };
    let right = login(PASSWORD, &camille.code(&app)).send().await.expect(StatusCode::OK).json();
    app.get(ME).bearer(right["token"].as_str().expect("a token")).send().await.expect(StatusCode::OK);
    login(PASSWORD, &camille.backup[0]).send().await.expect(StatusCode::OK);
    // Which of the two was wrong is not told.
    let wrong_code = login(PASSWORD, &camille.wrong_code(&app)).send().await.expect(StatusCode::UNAUTHORIZED).json();
    let wrong_password = login("wrong", &camille.backup[1]).send().await.expect(StatusCode::UNAUTHORIZED).json();
    assert_eq!((&wrong_code["error"], &wrong_code["code"]), (&wrong_password["error"], &wrong_password["code"]));
    assert_eq!(login(PASSWORD, "12345").send().await.expect(StatusCode::BAD_REQUEST).fields(), ["mfaCode"]);
    // The code behind a wrong password is not used up.
    camille.log_in_with(&app, &camille.backup[1]).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn an_account_without_a_second_factor_needs_no_code_and_minds_none() {
    let app = TestApp::new().await;
    app.account("camille@club.fr", "operator").await;
    for code in [json!("123456"), json!(""), json!(null)] {
        let body = json!({"email": "camille@club.fr", "password": PASSWORD, "mfaCode": code});
        assert!(app.post(LOGIN, body).send().await.expect(StatusCode::OK).json()["token"].is_string());
    }
}

#[tokio::test]
async fn a_code_opens_once() {
    let app = TestApp::new().await;
    let camille = Person::new(&app, "camille@club.fr", "operator").await;
    let before = super::oathtool(&camille.key, app.clock.now().unix_seconds() - 30);
    let code = camille.code(&app);
    camille.log_in_with(&app, &code).await.expect(StatusCode::OK);
    // The same code, and one of the step before, which would still be in the window.
    for used in [&code, &before] {
        let refused = camille.log_in_with(&app, used).await.expect(StatusCode::UNAUTHORIZED);
        assert_eq!(refused.code(), "code_wrong");
    }
    app.clock.advance(STEP);
    camille.log_in_with(&app, &camille.code(&app)).await.expect(StatusCode::OK);
    assert_eq!(journal(&app).await.iter().filter(|word| *word == "MFA_FAILED").count(), 2);
}

#[tokio::test]
async fn the_code_that_turned_the_factor_on_does_not_log_in() {
    let app = TestApp::new().await;
    app.account("camille@club.fr", "operator").await;
    let token = app.login("camille@club.fr").await;
    let set_up = app.post("/api/mfa/setup", json!({})).bearer(&token).send().await.json();
    let camille = Person::of("camille@club.fr", &set_up, token);
    let code = camille.code(&app);
    app.post("/api/mfa/enable", json!({"code": code})).bearer(&camille.token).send().await.expect(StatusCode::OK);
    camille.log_in_with(&app, &code).await.expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn one_code_at_two_doors_at_the_same_moment_opens_one() {
    let app = TestApp::new().await;
    let camille = Person::new(&app, "camille@club.fr", "operator").await;
    for code in [camille.code(&app), camille.backup[0].clone()] {
        let doors = [camille.challenge(&app).await, camille.challenge(&app).await, camille.challenge(&app).await];
        let answers = join_all(doors.iter().map(|challenge| second(&app, challenge, &code))).await;
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 401, 401], "{code}");
    }
    let sessions = value(&app, "select count(*)::text from sessions").await;
    assert_eq!(sessions.as_deref(), Some("3"), "one to set up, one by each code");
}

#[tokio::test]
async fn each_backup_code_opens_once_however_it_is_typed() {
    let app = TestApp::new().await;
    let camille = Person::new(&app, "camille@club.fr", "operator").await;
    let typed = [
        camille.backup[0].clone(),
        camille.backup[1].to_lowercase(),
        camille.backup[2].replace('-', ""),
        camille.backup[3].replace('-', " "),
    ];
    for code in &typed {
        camille.log_in_with(&app, code).await.expect(StatusCode::OK);
        camille.log_in_with(&app, code).await.expect(StatusCode::UNAUTHORIZED);
    }
    let status = app.get(super::STATUS).bearer(&camille.token).send().await.json();
    assert_eq!(status["backup_codes_left"], 4);
    camille.log_in_with(&app, &camille.code(&app)).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_challenge_counts_for_five_minutes_and_for_one_session() {
    let app = TestApp::new().await;
    let camille = Person::new(&app, "camille@club.fr", "operator").await;
    let late = camille.challenge(&app).await;
    app.clock.advance(Duration::from_secs(299));
    let used = camille.challenge(&app).await;
    second(&app, &used, &camille.code(&app)).await.expect(StatusCode::OK);
    app.clock.advance(Duration::from_secs(1));
    for over in [late.as_str(), &used, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "x"] {
        let refused = second(&app, over, &camille.backup[0]).await.expect(StatusCode::UNAUTHORIZED);
        assert_eq!(refused.code(), "challenge_over", "{over}");
    }
    camille.log_in_with(&app, &camille.backup[0]).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_challenge_ends_with_what_it_stands_on() {
    let app = TestApp::new().await;
    let camille = Person::new(&app, "camille@club.fr", "operator").await;
    let sql = app.db.owner().await;
    for (act, undo) in [
        ("update users set status = 'suspended'", "update users set status = 'active'"),
        ("update users set is_active = false", "update users set is_active = true"),
        ("update users set mfa_enabled = false", "update users set mfa_enabled = true"),
        (
            "update users set password_hash = password_hash || ' '",
            "update users set password_hash = trim(password_hash)",
        ),
    ] {
        let challenge = camille.challenge(&app).await;
        sql.batch_execute(act).await.expect("the owner may");
        let refused = second(&app, &challenge, &camille.backup[0]).await.expect(StatusCode::UNAUTHORIZED);
        assert_eq!(refused.code(), "challenge_over", "{act}");
        sql.batch_execute(undo).await.expect("the owner may");
        let refused = second(&app, &challenge, &camille.wrong_code(&app)).await.expect(StatusCode::UNAUTHORIZED);
        assert_eq!(refused.code(), "code_wrong", "it counts again after {undo}");
        sql.batch_execute("delete from second_factor_tries").await.expect("the owner may");
    }
    let challenge = camille.challenge(&app).await;
    second(&app, &challenge, &camille.backup[0]).await.expect(StatusCode::OK);
}

/// The account comes from NeoPro 1: its hash is replaced on the way, and the second step goes by the new one.
#[tokio::test]
async fn an_old_hash_is_no_obstacle() {
    let app = TestApp::new().await;
    let camille = Person::new(&app, "camille@club.fr", "operator").await;
    // "motDePasse-42", cost 4, made with another implementation (libxcrypt).
    let bcrypt = "$2b$04$abcdefghijklmnopqrstuujgDXVs49d209KQySdu6saHU25G9L7Tm";
    app.db.owner().await.execute("update users set password_hash = $1", &[&bcrypt]).await.expect("the owner may");
    let first = json!({"email": camille.email, "password": "motDePasse-42"});
    let asked = app.post(LOGIN, first).send().await.expect(StatusCode::OK).json();
    let challenge = asked["challenge"].as_str().expect("a challenge");
    assert!(value(&app, "select password_hash from users").await.expect("a hash").starts_with("$argon2id$"));
    second(&app, challenge, &camille.code(&app)).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn at_rest_nothing_can_be_read() {
    let app = TestApp::new().await;
    let camille = Person::new(&app, "camille@club.fr", "operator").await;
    let challenge = camille.challenge(&app).await;
    let rows = "select concat((select json_agg(u) from users u), (select json_agg(c) from login_challenges c))";
    let stored = value(&app, rows).await.expect("rows");
    let key: String = camille.key.split(' ').collect();
    let bytes = data_encoding::BASE32_NOPAD.decode(key.as_bytes()).expect("base32");
    let (hex, base64) = (data_encoding::HEXLOWER.encode(&bytes), data_encoding::BASE64.encode(&bytes));
    for secret in [&key, &hex, &base64, &challenge].into_iter().chain(&camille.backup) {
        assert!(!stored.contains(secret.as_str()), "{secret} in {stored}");
    }
    assert!(value(&app, "select mfa_secret from users").await.expect("a secret").starts_with("v2:"));
    // A secret opens for its own account only: copied into another, it is worth nothing.
    app.account("thief@club.fr", "admin").await;
    app.db
        .owner()
        .await
        .batch_execute(
            "update users t set mfa_enabled = true, mfa_secret = c.mfa_secret from users c \
             where t.email = 'thief@club.fr' and c.email = 'camille@club.fr'",
        )
        .await
        .expect("the owner may");
    let thief = Person { email: "thief@club.fr".into(), ..camille };
    thief.log_in_with(&app, &thief.code(&app)).await.expect(StatusCode::UNAUTHORIZED);
}

/// The second wall: even a statement that forgets every condition begins no session without the second step.
#[tokio::test]
async fn a_factor_that_is_turned_on_during_a_login_counts_for_it() {
    let app = TestApp::new().await;
    let camille = Person::new(&app, "camille@club.fr", "operator").await;
    app.db.owner().await.batch_execute("update users set mfa_enabled = false").await.expect("the owner may");
    // The account's row is held while the login waits to write its session.
    let owner = app.db.owner().await;
    owner.batch_execute("begin; update users set mfa_enabled = true").await.expect("the owner may");
    let login = password(&app, &camille.email);
    let turn_on = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        owner.batch_execute("commit").await.expect("committed");
    };
    let (answer, ()) = tokio::join!(login, turn_on);
    let answer = answer.expect(StatusCode::OK).json();
    assert_eq!((&answer["requireMfa"], answer.get("token")), (&json!(true), None), "{answer}");
}
