//! Those who know a password and guess codes.

use std::time::Duration;

use axum::http::StatusCode;
use futures_util::future::join_all;
use serde_json::json;

use super::{CODE, LOGIN, Person, STEP, second, value};
use crate::support::app::PASSWORD;
use crate::support::{Answer, TestApp};

const OWN: &str = "203.0.113.9";
const FOREIGN: &str = "198.51.100.66";

/// Password and code from this address.
async fn from(app: &TestApp, address: &str, person: &Person, code: &str) -> Answer {
    let body = json!({"email": person.email, "password": PASSWORD});
    let asked = app.post(LOGIN, body).header("x-forwarded-for", address).send().await.expect(StatusCode::OK).json();
    let body = json!({"challenge": asked["challenge"], "code": code});
    app.post(CODE, body).header("x-forwarded-for", address).send().await
}

#[tokio::test]
async fn five_codes_end_a_challenge() {
    let app = TestApp::new().await;
    let camille = Person::new(&app, "camille@club.fr", "operator").await;
    let (challenge, wrong) = (camille.challenge(&app).await, camille.wrong_code(&app));
    for outcome in ["code_wrong", "code_wrong", "code_wrong", "code_wrong", "challenge_over", "challenge_over"] {
        assert_eq!(second(&app, &challenge, &wrong).await.expect(StatusCode::UNAUTHORIZED).code(), outcome);
    }
    app.clock.advance(STEP);
    let right = second(&app, &challenge, &camille.code(&app)).await.expect(StatusCode::UNAUTHORIZED);
    assert_eq!(right.code(), "challenge_over");
}

#[tokio::test]
async fn guesses_at_the_same_moment_are_counted_as_well() {
    let app = TestApp::new().await;
    let camille = Person::new(&app, "camille@club.fr", "operator").await;
    let challenges = join_all((0..8).map(|_| camille.challenge(&app))).await;
    let wrong = camille.wrong_code(&app);
    let guesses = challenges.iter().flat_map(|challenge| [challenge; 3]).map(|to| second(&app, to, &wrong));
    let answers = join_all(guesses).await;
    let (tried, told): (Vec<&Answer>, Vec<&Answer>) = answers.iter().partition(|answer| answer.status == 401);
    assert_eq!((tried.len(), told.len()), (5, 19));
    assert!(told.iter().all(|answer| answer.status == 429));
    // The owner finds both, and nobody a flood.
    let entries = "select string_agg(concat(action, ' ', details->>'reason'), ', ' order by action) from audit_logs \
         where action in ('MFA_FAILED', 'USER_LOGIN_FAILED')";
    let expected = [["MFA_FAILED "; 5].as_slice(), &["USER_LOGIN_FAILED slowed"]].concat().join(", ");
    assert_eq!(value(&app, entries).await, Some(expected));
}

/// Who guesses passwords from elsewhere slows an owner with a second factor neither at home nor in his own browser.
#[tokio::test]
async fn a_browser_that_got_in_by_a_code_is_known_again() {
    let app = TestApp::with(&[("TRUSTED_PROXY_HOPS", "1")]).await;
    let camille = Person::new(&app, "camille@club.fr", "operator").await;
    let login = |address: &str, password: &str, cookie: &str| {
        let call = app.post(LOGIN, json!({"email": camille.email, "password": password}));
        let call = call.header("x-forwarded-for", address);
        if cookie.is_empty() { call } else { call.header("cookie", cookie) }
    };
    let asked = login(OWN, PASSWORD, "").send().await.expect(StatusCode::OK);
    assert_eq!(asked.header("set-cookie"), "", "the password alone gives none");
    let body = json!({"challenge": asked.json()["challenge"], "code": camille.code(&app)});
    let begun = app.post(CODE, body).header("x-forwarded-for", OWN).send().await.expect(StatusCode::OK);
    let mut cookies = begun.headers.get_all("set-cookie").iter().map(|value| value.to_str().expect("ASCII"));
    let device = cookies.find(|cookie| cookie.starts_with("neopro_device=")).expect("a device");
    let device = device.split(';').next().expect("name and value");
    for number in 0..40 {
        login(&format!("198.51.100.{number}"), "wrong", "").send().await;
    }
    let away = "192.0.2.77";
    login(away, PASSWORD, "").send().await.expect(StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(login(away, PASSWORD, device).send().await.expect(StatusCode::OK).json()["requireMfa"], true);
    // A page that keeps no cookie gets none.
    app.clock.advance(STEP);
    let challenge = login(OWN, PASSWORD, "").send().await.json()["challenge"].clone();
    let handle = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    let body = json!({"challenge": challenge, "code": camille.code(&app), "handle": handle});
    let tab = app.post(CODE, body).header("x-forwarded-for", OWN).send().await.expect(StatusCode::OK);
    assert_eq!(tab.header("set-cookie"), "");
}

#[tokio::test]
async fn whoever_guesses_waits_longer_and_longer_and_the_owner_does_not() {
    let app = TestApp::with(&[("TRUSTED_PROXY_HOPS", "1")]).await;
    let camille = Person::new(&app, "camille@club.fr", "operator").await;
    // Once from the address where the owner works.
    from(&app, OWN, &camille, &camille.code(&app)).await.expect(StatusCode::OK);
    let wrong = camille.wrong_code(&app);
    for _ in 0..5 {
        from(&app, FOREIGN, &camille, &wrong).await.expect(StatusCode::UNAUTHORIZED);
    }
    for seconds in [30, 60, 120, 240, 480, 900, 900] {
        let told = from(&app, FOREIGN, &camille, &wrong).await.expect(StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(told.header("retry-after"), seconds.to_string());
        // Another foreign address does not help, and neither does the right code.
        from(&app, "192.0.2.200", &camille, &camille.backup[0]).await.expect(StatusCode::TOO_MANY_REQUESTS);
        // The owner gets in all the while.
        app.clock.advance(STEP);
        from(&app, OWN, &camille, &camille.code(&app)).await.expect(StatusCode::OK);
        app.clock.advance(Duration::from_secs(seconds) - STEP);
        from(&app, FOREIGN, &camille, &camille.wrong_code(&app)).await.expect(StatusCode::UNAUTHORIZED);
    }
    // From a place where the owner has never been: at the next free moment.
    app.clock.advance(Duration::from_secs(900));
    from(&app, "192.0.2.200", &camille, &camille.code(&app)).await.expect(StatusCode::OK);
    assert_eq!(value(&app, "select count(*)::text from second_factor_tries").await.as_deref(), Some("0"));
}

#[tokio::test]
async fn a_day_later_all_is_forgotten() {
    let app = TestApp::new().await;
    let camille = Person::new(&app, "camille@club.fr", "operator").await;
    for _ in 0..5 {
        camille.log_in_with(&app, &camille.wrong_code(&app)).await.expect(StatusCode::UNAUTHORIZED);
    }
    app.clock.advance(Duration::from_secs(25 * 3_600));
    for _ in 0..5 {
        camille.log_in_with(&app, &camille.wrong_code(&app)).await.expect(StatusCode::UNAUTHORIZED);
    }
    camille.log_in_with(&app, &camille.wrong_code(&app)).await.expect(StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_household_of_ipv6_is_one_address() {
    let app = TestApp::with(&[("TRUSTED_PROXY_HOPS", "1")]).await;
    let camille = Person::new(&app, "camille@club.fr", "operator").await;
    from(&app, "2001:db8:0:7::1", &camille, &camille.code(&app)).await.expect(StatusCode::OK);
    for _ in 0..5 {
        from(&app, "2001:db8:0:8::1", &camille, &camille.wrong_code(&app)).await.expect(StatusCode::UNAUTHORIZED);
    }
    from(&app, "2001:db8:0:8::2", &camille, "000000").await.expect(StatusCode::TOO_MANY_REQUESTS);
    app.clock.advance(STEP);
    from(&app, "2001:db8:0:7:9:9:9:9", &camille, &camille.code(&app)).await.expect(StatusCode::OK);
}

/// Challenges are 256 random bits: who guesses them keeps nobody at his address from the second step.
#[tokio::test]
async fn who_guesses_challenges_is_slowed_and_a_right_one_is_not() {
    let app = TestApp::new().await;
    let camille = Person::new(&app, "camille@club.fr", "operator").await;
    let chief = app.token("super_admin").await;
    let rule = json!({"mfa_required_roles": ["viewer"], "mfa_grace_days": 0});
    app.put("/api/settings/security", rule).bearer(&chief).send().await.expect(StatusCode::OK);
    app.account("viewer@club.fr", "viewer").await;
    let old = "update users set created_at = '2026-01-01' where email = 'viewer@club.fr'";
    app.db.owner().await.batch_execute(old).await.expect("the owner may");
    app.clock.advance(STEP);
    let routes = [CODE, "/api/auth/login/setup", "/api/auth/login/enable"];
    let mut answers = std::collections::BTreeMap::<u16, usize>::new();
    for number in 0..150usize {
        let body = json!({"challenge": format!("{number:043}"), "code": "123456"});
        *answers.entry(app.post(routes[number % 3], body).send().await.status).or_default() += 1;
    }
    assert_eq!(answers, [(401, 100), (429, 50)].into());
    camille.log_in_with(&app, &camille.code(&app)).await.expect(StatusCode::OK);
    let asked = super::password(&app, "viewer@club.fr").await.expect(StatusCode::OK).json();
    let mut set_up = Vec::new();
    for _ in 0..12 {
        set_up.push(app.post(routes[1], json!({"challenge": asked["challenge"]})).send().await.status);
    }
    assert_eq!(set_up, [[200; 10].as_slice(), &[429; 2]].concat(), "each takes a while to make");
}

/// A session that was left open is no place to guess.
#[tokio::test]
async fn guesses_within_a_session_are_limited_too() {
    let app = TestApp::new().await;
    let camille = Person::new(&app, "camille@club.fr", "operator").await;
    let wrong = camille.wrong_code(&app);
    let routes = ["/api/mfa/disable", "/api/mfa/backup-codes/regenerate", "/api/mfa/replace"];
    for route in routes.into_iter().cycle().take(5) {
        let answer = app.post(route, json!({"code": wrong})).bearer(&camille.token).send().await;
        assert_eq!(answer.expect(StatusCode::BAD_REQUEST).fields(), ["code"], "{route}");
    }
    for route in routes {
        let right = json!({"code": camille.code(&app)});
        let answer = app.post(route, right).bearer(&camille.token).send().await;
        assert_eq!(answer.expect(StatusCode::TOO_MANY_REQUESTS).header("retry-after"), "30", "{route}");
    }
}
