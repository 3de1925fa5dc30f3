//! Roles that have to have a second factor.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{LOGIN, ME, Person, STATUS, STEP, password, value};
use crate::support::app::PASSWORD;
use crate::support::{Answer, TestApp};

const RULE: &str = "/api/settings/security";
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// An account that was made at this many days before the clock's noon.
async fn account(app: &TestApp, email: &str, role: &str, days_old: i32) {
    app.account(email, role).await;
    let made =
        "update users set created_at = '2026-01-15 12:00Z'::timestamptz - make_interval(days => $2) where email = $1";
    app.db.owner().await.execute(made, &[&email, &days_old]).await.expect("the owner may");
}

async fn demand(app: &TestApp, token: &str, roles: &[&str], days: i32) -> Answer {
    app.put(RULE, json!({"mfa_required_roles": roles, "mfa_grace_days": days})).bearer(token).send().await
}

async fn set_up(app: &TestApp, email: &str, asked: &Value) -> Person {
    let challenge = json!({"challenge": asked["challenge"]});
    let answer = app.post("/api/auth/login/setup", challenge).send().await.expect(StatusCode::OK).json();
    Person::of(email, &answer, String::new())
}

async fn enable(app: &TestApp, asked: &Value, code: &str) -> Answer {
    app.post("/api/auth/login/enable", json!({"challenge": asked["challenge"], "code": code})).send().await
}

#[tokio::test]
async fn on_a_new_installation_nobody_has_to() {
    let app = TestApp::new().await;
    account(&app, "first@club.fr", "super_admin", 400).await;
    let answer = password(&app, "first@club.fr").await.expect(StatusCode::OK).json();
    assert_eq!(answer["user"]["mfa_required"], false);
    assert_eq!(answer["user"]["mfa_grace_until"], Value::Null);
    let rule = app.get(RULE).bearer(answer["token"].as_str().expect("a token")).send().await.json();
    assert_eq!(rule, json!({"mfa_required_roles": [], "mfa_grace_days": 14}));
}

#[tokio::test]
async fn a_super_admin_decides_an_admin_reads_and_the_journal_tells() {
    let app = TestApp::new().await;
    let (chief, admin) = (app.token("super_admin").await, app.token("admin").await);
    demand(&app, &admin, &["admin"], 0).await.expect(StatusCode::FORBIDDEN);
    let answer = demand(&app, &chief, &["admin", "super_admin", "admin"], 30).await.expect(StatusCode::OK).json();
    assert_eq!(answer, json!({"mfa_required_roles": ["super_admin", "admin"], "mfa_grace_days": 30}));
    assert_eq!(app.get(RULE).bearer(&admin).send().await.expect(StatusCode::OK).json(), answer);
    assert_eq!(demand(&app, &chief, &["chef"], 91).await.expect(StatusCode::BAD_REQUEST).fields().len(), 2);
    let told = value(
        &app,
        "select jsonb_build_object('before', before, 'after', after)::text from audit_logs \
         where action = 'SETTINGS_UPDATED'",
    )
    .await;
    let told: Value = serde_json::from_str(&told.expect("an entry")).expect("JSON");
    assert_eq!((&told["before"]["mfa_required_roles"], &told["after"]), (&json!([]), &answer));
}

#[tokio::test]
async fn whoever_has_to_has_time_and_then_sets_it_up_while_logging_in() {
    let app = TestApp::new().await;
    account(&app, "chief@club.fr", "super_admin", 100).await;
    account(&app, "viewer@club.fr", "viewer", 100).await;
    let chief = app.login("chief@club.fr").await;
    demand(&app, &chief, &["super_admin", "admin"], 14).await.expect(StatusCode::OK);

    let until = "2026-01-29T12:00:00.000Z";
    let user = password(&app, "chief@club.fr").await.expect(StatusCode::OK).json()["user"].clone();
    assert_eq!((&user["mfa_required"], &user["mfa_grace_until"]), (&json!(true), &json!(until)));
    let status = app.get(STATUS).bearer(&chief).send().await.json();
    assert_eq!((&status["required"], &status["grace_until"]), (&json!(true), &json!(until)));

    app.clock.advance(14 * DAY - Duration::from_secs(1));
    assert!(password(&app, "chief@club.fr").await.json()["token"].is_string());
    app.clock.advance(Duration::from_secs(1));
    let asked = password(&app, "chief@club.fr").await.expect(StatusCode::OK);
    assert_eq!(asked.header("set-cookie"), "");
    let asked = asked.json();
    assert_eq!((&asked["requireMfaSetup"], asked.get("token"), asked.get("requireMfa")), (&json!(true), None, None));
    // Whom the rule does not mean is not asked.
    assert!(password(&app, "viewer@club.fr").await.json()["token"].is_string());

    // A code before the picture, a wrong one, then the right one.
    assert_eq!(enable(&app, &asked, "123456").await.expect(StatusCode::BAD_REQUEST).fields(), ["challenge"]);
    let person = set_up(&app, "chief@club.fr", &asked).await;
    let wrong = enable(&app, &asked, &person.wrong_code(&app)).await.expect(StatusCode::UNAUTHORIZED);
    assert_eq!(wrong.code(), "code_wrong");
    assert_eq!(enable(&app, &asked, &person.backup[0]).await.expect(StatusCode::UNAUTHORIZED).code(), "code_wrong");
    let begun = enable(&app, &asked, &person.code(&app)).await.expect(StatusCode::OK);
    assert!(begun.header("set-cookie").starts_with("neopro_token="));
    let body = begun.json();
    assert_eq!((&body["user"]["mfa_enabled"], &body["user"]["mfa_required"]), (&json!(true), &json!(false)));
    app.get(ME).bearer(body["token"].as_str().expect("a token")).send().await.expect(StatusCode::OK);
    assert_eq!(
        enable(&app, &asked, &person.code(&app)).await.expect(StatusCode::UNAUTHORIZED).code(),
        "challenge_over"
    );

    // From now on it is asked for.
    app.clock.advance(STEP);
    person.log_in_with(&app, &person.code(&app)).await.expect(StatusCode::OK);
    person.log_in_with(&app, &person.backup[0]).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn when_the_time_is_over_sessions_without_a_factor_end_and_do_not_come_back_with_it() {
    let app = TestApp::with(&[("JWT_EXPIRES_IN", "90d")]).await;
    let chief = Person::new(&app, "chief@club.fr", "super_admin").await;
    account(&app, "admin@club.fr", "admin", 100).await;
    account(&app, "viewer@club.fr", "viewer", 100).await;
    demand(&app, &chief.token, &["super_admin", "admin"], 14).await.expect(StatusCode::OK);
    let (admin, viewer) = (app.login("admin@club.fr").await, app.login("viewer@club.fr").await);
    let handles = ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "BAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"];
    let tab = json!({"email": "admin@club.fr", "password": PASSWORD, "handle": handles[0]});
    app.post(LOGIN, tab).send().await.expect(StatusCode::OK);
    let refresh = json!({"handle": handles[0], "next": handles[1]});

    app.clock.advance(14 * DAY - Duration::from_secs(1));
    for token in [&admin, &viewer, &chief.token] {
        app.get(ME).bearer(token).send().await.expect(StatusCode::OK);
    }
    let mut stream = app.get("/api/events").bearer(&admin).open().await;
    stream.says("hello").await;
    app.clock.advance(Duration::from_secs(1));
    let refused = app.get(ME).bearer(&admin).send().await.expect(StatusCode::UNAUTHORIZED);
    assert_eq!(refused.code(), "unauthenticated");
    let site = json!({"site_name": "Gymnase", "club_name": "Club"});
    app.post("/api/sites", site).bearer(&admin).send().await.expect(StatusCode::UNAUTHORIZED);
    assert_eq!(value(&app, "select count(*)::text from sites").await.as_deref(), Some("0"));
    let tab = app.post("/api/auth/refresh", refresh).send().await.expect(StatusCode::UNAUTHORIZED);
    assert_eq!(tab.code(), "handle_unknown");
    // A page that is left open is told by the next look at all of them.
    tokio::select! {
        () = neopro_central::events::jobs::run(app.app.clone()) => {}
        end = stream.says("end") => assert_eq!(end, json!({"reason": "session"})),
    }
    // Whom it does not concern, and who has a factor, notices nothing.
    for token in [&viewer, &chief.token] {
        app.get(ME).bearer(token).send().await.expect(StatusCode::OK);
    }

    let asked = password(&app, "admin@club.fr").await.expect(StatusCode::OK).json();
    let person = set_up(&app, "admin@club.fr", &asked).await;
    let begun = enable(&app, &asked, &person.code(&app)).await.expect(StatusCode::OK).json();
    app.get(ME).bearer(begun["token"].as_str().expect("a token")).send().await.expect(StatusCode::OK);
    app.get(ME).bearer(&admin).send().await.expect(StatusCode::UNAUTHORIZED);
    let next = json!({"handle": handles[1], "next": "CAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"});
    app.post("/api/auth/refresh", next).send().await.expect(StatusCode::UNAUTHORIZED);
}

/// The rule at once, by somebody whom it concerns himself.
#[tokio::test]
async fn who_demands_it_of_himself_at_once_sets_it_up_at_once() {
    let app = TestApp::new().await;
    account(&app, "chief@club.fr", "super_admin", 100).await;
    let chief = app.login("chief@club.fr").await;
    demand(&app, &chief, &["super_admin"], 0).await.expect(StatusCode::OK);
    app.get(ME).bearer(&chief).send().await.expect(StatusCode::UNAUTHORIZED);
    let asked = password(&app, "chief@club.fr").await.expect(StatusCode::OK).json();
    let person = set_up(&app, "chief@club.fr", &asked).await;
    let begun = enable(&app, &asked, &person.code(&app)).await.expect(StatusCode::OK).json();
    let token = begun["token"].as_str().expect("a token");
    demand(&app, token, &[], 14).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn the_time_begins_with_the_rule_or_with_the_account() {
    let app = TestApp::new().await;
    account(&app, "chief@club.fr", "super_admin", 100).await;
    let chief = app.login("chief@club.fr").await;
    demand(&app, &chief, &["admin"], 10).await.expect(StatusCode::OK);
    account(&app, "old@club.fr", "admin", 100).await;
    // Five days from now.
    account(&app, "new@club.fr", "admin", -5).await;
    let until = async |email: &str| password(&app, email).await.json()["user"]["mfa_grace_until"].clone();
    assert_eq!(until("old@club.fr").await, "2026-01-25T12:00:00.000Z");
    assert_eq!(until("new@club.fr").await, "2026-01-30T12:00:00.000Z");
    // A rule that is said again does not begin again; another role's does.
    app.clock.advance(2 * DAY);
    demand(&app, &chief, &["admin", "super_admin"], 10).await.expect(StatusCode::OK);
    assert_eq!(until("old@club.fr").await, "2026-01-25T12:00:00.000Z");
    assert_eq!(until("chief@club.fr").await, "2026-01-27T12:00:00.000Z");
    // Nor does one that has paused.
    demand(&app, &chief, &[], 10).await.expect(StatusCode::OK);
    assert_eq!(until("old@club.fr").await, Value::Null);
    demand(&app, &chief, &["admin"], 10).await.expect(StatusCode::OK);
    assert_eq!(until("old@club.fr").await, "2026-01-27T12:00:00.000Z", "it begins anew after a pause");
}

/// The rule at its hardest, and one super_admin who has nothing: he is in after two minutes, with whatever he does
/// wrong on the way.
#[tokio::test]
async fn the_only_super_admin_is_never_locked_out() {
    let app = TestApp::new().await;
    account(&app, "chief@club.fr", "super_admin", 100).await;
    let chief = app.login("chief@club.fr").await;
    demand(&app, &chief, &["super_admin", "admin", "operator", "viewer"], 0).await.expect(StatusCode::OK);
    for _ in 0..6 {
        let asked = password(&app, "chief@club.fr").await.expect(StatusCode::OK).json();
        assert_eq!(asked["requireMfaSetup"], true, "{asked}");
        let person = set_up(&app, "chief@club.fr", &asked).await;
        for _ in 0..6 {
            enable(&app, &asked, &person.wrong_code(&app)).await.expect(StatusCode::UNAUTHORIZED);
        }
    }
    let asked = password(&app, "chief@club.fr").await.expect(StatusCode::OK).json();
    let person = set_up(&app, "chief@club.fr", &asked).await;
    enable(&app, &asked, &person.code(&app)).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn who_has_to_have_one_may_replace_it_and_not_take_it_off() {
    let app = TestApp::new().await;
    let chief = Person::new(&app, "chief@club.fr", "super_admin").await;
    demand(&app, &chief.token, &["super_admin"], 30).await.expect(StatusCode::OK);
    let status = app.get(STATUS).bearer(&chief.token).send().await.json();
    assert_eq!((&status["required"], &status["grace_until"]), (&json!(true), &Value::Null));
    let code = json!({"code": chief.code(&app)});
    for _ in 0..8 {
        let off = app.post("/api/mfa/disable", code.clone()).bearer(&chief.token).send().await;
        assert_eq!(off.expect(StatusCode::CONFLICT).code(), "mfa_required");
    }
    app.post("/api/mfa/replace", code).bearer(&chief.token).send().await.expect(StatusCode::OK);
}

/// A factor that is set up for a login, or a challenge for a code, opens nothing of the other kind.
#[tokio::test]
async fn the_two_kinds_of_challenges_are_apart() {
    let app = TestApp::new().await;
    let with = Person::new(&app, "with@club.fr", "admin").await;
    account(&app, "chief@club.fr", "super_admin", 100).await;
    let chief = app.login("chief@club.fr").await;
    demand(&app, &chief, &["super_admin"], 0).await.expect(StatusCode::OK);

    let for_code = json!({"challenge": with.challenge(&app).await});
    let refused = app.post("/api/auth/login/setup", for_code.clone()).send().await.expect(StatusCode::UNAUTHORIZED);
    assert_eq!(refused.code(), "challenge_over");
    enable(&app, &for_code, &with.code(&app)).await.expect(StatusCode::UNAUTHORIZED);

    let asked = password(&app, "chief@club.fr").await.json();
    let person = set_up(&app, "chief@club.fr", &asked).await;
    let challenge = asked["challenge"].as_str().expect("a challenge");
    for code in [person.code(&app), person.backup[0].clone()] {
        let refused = super::second(&app, challenge, &code).await.expect(StatusCode::UNAUTHORIZED);
        assert_eq!(refused.code(), "challenge_over");
    }
    let sessions = value(&app, "select count(*)::text from sessions").await;
    assert_eq!(sessions.as_deref(), Some("2"), "those with which the test began");
}
