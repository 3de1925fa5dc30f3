//! Whoever has lost telephone and backup codes: by a super_admin, or at the command line.

use axum::http::StatusCode;
use serde_json::json;

use super::{ME, Person, journal, password, second, value};
use crate::support::{Answer, TestApp, program};

async fn id(app: &TestApp, email: &str) -> String {
    value(app, &format!("select id::text from users where email = '{email}'")).await.expect("an account")
}

async fn reset(app: &TestApp, token: &str, id: &str) -> Answer {
    app.post(&format!("/api/users/{id}/reset-mfa"), json!({})).bearer(token).send().await
}

#[tokio::test]
async fn a_super_admin_takes_a_lost_factor_away() {
    let app = TestApp::new().await;
    let chief = app.token("super_admin").await;
    let camille = Person::new(&app, "camille@club.fr", "admin").await;
    let mut stream = app.get("/api/events").bearer(&camille.token).open().await;
    let open = camille.challenge(&app).await;
    let camilles = id(&app, "camille@club.fr").await;

    let answer = reset(&app, &chief, &camilles).await.expect(StatusCode::OK);
    assert_eq!(answer.json()["success"], true);
    // Her sessions are over, the streams of these too, and what was half done at a login is worthless.
    app.get(ME).bearer(&camille.token).send().await.expect(StatusCode::UNAUTHORIZED);
    stream.until("the session's end", |name, data| name == "end" && data["reason"] == "session").await;
    second(&app, &open, &camille.code(&app)).await.expect(StatusCode::UNAUTHORIZED);
    app.get(ME).bearer(&chief).send().await.expect(StatusCode::OK);
    // Her password is enough, and she may begin anew.
    let token = password(&app, &camille.email).await.expect(StatusCode::OK).json()["token"].as_str().map(str::to_owned);
    let token = token.expect("a token");
    app.post("/api/mfa/setup", json!({})).bearer(&token).send().await.expect(StatusCode::OK);

    let sql = "select concat(u.role, ' ', target_id) from audit_logs join users u on u.id = user_id where action = 'MFA_RESET'";
    assert_eq!(value(&app, sql).await, Some(format!("super_admin {camilles}")));
}

/// A login holds the account's row while it writes its session: what takes the factor away waits for it, and ends it too.
#[tokio::test]
async fn a_login_that_is_under_way_ends_with_the_others() {
    let app = TestApp::new().await;
    let chief = app.token("super_admin").await;
    let camille = Person::new(&app, "camille@club.fr", "admin").await;
    let camilles = id(&app, "camille@club.fr").await;
    let login = app.db.owner().await;
    login
        .batch_execute(&format!(
            "begin; update users set last_login_at = now() where id = '{camilles}'; \
             insert into sessions (id, user_id, created_at, last_used_at, expires_at) \
             values (gen_random_uuid(), '{camilles}', '2026-01-15 12:00Z', '2026-01-15 12:00Z', '2026-01-20 12:00Z')"
        ))
        .await
        .expect("half a login");
    let take_away = reset(&app, &chief, &camilles);
    let end = async {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        login.batch_execute("commit").await.expect("committed");
    };
    let (answer, ()) = tokio::join!(take_away, end);
    answer.expect(StatusCode::OK);
    let open = format!("select count(*)::text from sessions where user_id = '{camilles}' and revoked_at is null");
    assert_eq!(value(&app, &open).await.as_deref(), Some("0"));
    app.get(ME).bearer(&camille.token).send().await.expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn only_what_is_there_can_be_taken_away_and_not_ones_own() {
    let app = TestApp::new().await;
    let chief = Person::new(&app, "chief@club.fr", "super_admin").await;
    app.account("camille@club.fr", "admin").await;
    let own = reset(&app, &chief.token, &id(&app, "chief@club.fr").await).await.expect(StatusCode::CONFLICT);
    assert_eq!(own.code(), "own_account");
    let off = reset(&app, &chief.token, &id(&app, "camille@club.fr").await).await.expect(StatusCode::CONFLICT);
    assert_eq!(off.code(), "mfa_off");
    reset(&app, &chief.token, &uuid::Uuid::now_v7().to_string()).await.expect(StatusCode::NOT_FOUND);
    assert!(!journal(&app).await.iter().any(|word| word == "MFA_RESET"));
}

#[tokio::test]
async fn the_command_line_helps_the_only_super_admin() {
    let app = TestApp::new().await;
    let chief = Person::new(&app, "chief@club.fr", "super_admin").await;
    let run = |email: &str| {
        let output = program::run(&["reset-mfa", "--email", email], &[("DATABASE_URL", &app.db.url())], "");
        (output.status.code(), program::words(&output))
    };
    let (code, said) = run("nobody@club.fr");
    assert!(code == Some(1) && said.contains("Aucun compte n'a l'adresse « nobody@club.fr »."), "{said}");
    let (code, said) = run(" Chief@Club.fr ");
    assert!(code == Some(0) && said.contains("La double authentification de chief@club.fr est retirée"), "{said}");
    app.get(ME).bearer(&chief.token).send().await.expect(StatusCode::UNAUTHORIZED);
    assert!(password(&app, "chief@club.fr").await.expect(StatusCode::OK).json()["token"].is_string());
    let (code, said) = run("chief@club.fr");
    assert!(code == Some(0) && said.contains("rien n'a été changé"), "{said}");
    let entries = "select string_agg(details->>'by', ', ') from audit_logs where action = 'MFA_RESET'";
    assert_eq!(value(&app, entries).await.as_deref(), Some("command line"));
}
