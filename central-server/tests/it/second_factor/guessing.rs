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
