//! `/api/doctor`: who may see it, how often it is made, in which language, and what only a request shows.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::sinks::Sinks;
use super::{error, warning};
use crate::support::{Supabase, TestApp};

async fn server(supabase: &Supabase, more: &[(&str, &str)]) -> TestApp {
    let variables = supabase.variables();
    let variables: Vec<(&str, &str)> =
        variables.iter().map(|(name, value)| (*name, value.as_str())).chain(more.iter().copied()).collect();
    TestApp::with(&variables).await
}

fn state(report: &Value, id: &str) -> String {
    super::of(report, id, None)[0]["state"].as_str().expect("a state").to_owned()
}

#[tokio::test]
async fn a_report_is_made_once_for_all_who_ask_and_shown_again_for_half_a_minute() {
    let supabase = Supabase::start().await;
    let app = server(&supabase, &[]).await;
    let token = app.token("super_admin").await;
    let ask = || app.get("/api/doctor").bearer(&token).send();
    let (first, second, third) = tokio::join!(ask(), ask(), ask());
    let looks = || supabase.seen("GET /storage/v1/bucket/videos").len();
    let once = looks();
    assert!(once >= 1);
    let first = first.expect(StatusCode::OK).json();
    assert_eq!(first, second.json());
    assert_eq!(first, third.json());
    assert_eq!(state(&first, "database.schema"), "ok", "{first:#}");
    assert_eq!(state(&first, "storage.write"), "ok", "{first:#}");
    app.clock.advance(Duration::from_secs(29));
    assert_eq!(ask().await.json()["checked_at"], first["checked_at"]);
    assert_eq!(looks(), once, "nobody was asked again");
    app.clock.advance(Duration::from_secs(2));
    assert_ne!(ask().await.json()["checked_at"], first["checked_at"]);
    assert_eq!(looks(), 2 * once);
    // The clock of a test stands still at a day that is over: that is found as well.
    error("database.clock", "s d'écart", "NTP", "10.1").check(&first);
}

#[tokio::test]
async fn every_word_of_it_is_in_the_language_that_was_asked_for() {
    let supabase = Supabase::start().await;
    supabase.set(|mood| mood.reads_refused = true);
    let app = server(&supabase, &[]).await;
    let token = app.token("super_admin").await;
    let mut by_language = Vec::new();
    for language in ["fr", "en", "es"] {
        let report = app.get(&format!("/api/doctor?language={language}")).bearer(&token).send().await;
        let report = report.expect(StatusCode::OK).json();
        let words: Vec<String> = report["findings"]
            .as_array()
            .expect("findings")
            .iter()
            .map(|told| format!("{} {}", told["found"], told["fix"]))
            .collect();
        by_language.push(words);
    }
    let [french, english, spanish] = &by_language[..] else { panic!("three languages") };
    assert!(french.len() == english.len() && french.len() == spanish.len());
    for ((fr, en), es) in french.iter().zip(english).zip(spanish) {
        // Megabytes are the same word in English and Spanish.
        let is_a_size = en.contains(" MB.");
        assert!(fr != en && fr != es && (en != es || is_a_size), "not translated: {fr} | {en} | {es}");
    }
    let wrong = app.get("/api/doctor?language=de").bearer(&token).send().await;
    assert_eq!(wrong.expect(StatusCode::BAD_REQUEST).fields(), ["language"]);
}

#[tokio::test]
async fn the_proxies_are_those_of_the_request_that_asks() {
    let supabase = Supabase::start().await;
    let app = server(&supabase, &[("TRUSTED_PROXY_HOPS", "2")]).await;
    let token = app.token("super_admin").await;
    let through = |chain: &'static str| app.get("/api/doctor").bearer(&token).header("x-forwarded-for", chain).send();
    let right = through("198.51.100.4, 10.0.0.1").await.json();
    let told = super::of(&right, "outside.proxies", None)[0];
    assert_eq!(told["state"], "ok", "{told:#}");
    assert!(told["found"].as_str().expect("words").contains("198.51.100.4 → 10.0.0.1 → 192.0.2.7"), "{told:#}");
    let few = through("198.51.100.4").await.json();
    // The cached report does not hide it.
    warning("outside.proxies", "passée par 1", "TRUSTED_PROXY_HOPS à 1", "6.7").check(&few);
}

#[tokio::test]
async fn messages_are_sent_once_in_half_a_minute_and_the_journal_says_by_whom() {
    let (supabase, sinks) = (Supabase::start().await, Sinks::start().await);
    let webhook = format!("{}/services/T0/B0/slack-secret-canary", sinks.url());
    let app = server(&supabase, &[("SLACK_WEBHOOK_URL", &webhook)]).await;
    let token = app.token("super_admin").await;
    let body = json!({"email": "camille@club.test", "language": "es"});
    let sent = app.post("/api/doctor/send", body.clone()).bearer(&token).send().await.expect(StatusCode::OK).json();
    let states: Vec<&str> =
        sent["sent"].as_array().expect("three").iter().map(|told| told["state"].as_str().expect("one")).collect();
    assert_eq!(states, ["ok", "ok", "not_checked"], "a file, Slack, and no Logtail: {sent:#}");
    assert!(sinks.slack()[0]["text"].as_str().expect("a text").contains("Prueba"), "{:?}", sinks.slack());
    let again = app.post("/api/doctor/send", body.clone()).bearer(&token).send().await;
    assert_eq!(again.expect(StatusCode::TOO_MANY_REQUESTS).header("retry-after"), "30");
    assert_eq!(sinks.slack().len(), 1);
    app.clock.advance(Duration::from_secs(31));
    app.post("/api/doctor/send", body).bearer(&token).send().await.expect(StatusCode::OK);
    let wrong = app.post("/api/doctor/send", json!({"email": "nobody"})).bearer(&token).send().await;
    assert_eq!(wrong.expect(StatusCode::BAD_REQUEST).fields(), ["email"]);
    let logs = app.get("/api/audit?action=TEST_MESSAGES_SENT").bearer(&token).send().await.json();
    assert_eq!(logs["logs"].as_array().map(Vec::len), Some(2), "{logs:#}");
}

/// What anybody reads of a server in trouble helps nobody to attack it: the words are for who may see them.
#[tokio::test]
async fn nobody_without_a_session_reads_more_than_a_word_and_a_fixed_sentence() {
    let supabase = Supabase::start().await;
    let app = server(&supabase, &[]).await;
    app.app.health.set_database(neopro_central::health::DatabaseState::Down, Duration::from_secs(3));
    let report = app.get("/health").send().await.expect(StatusCode::OK);
    for telling in
        ["127.0.0.1", "postgresql://", "neopro-tests", "rustls", "tokio", &supabase.port.to_string(), &app.db.name]
    {
        assert!(!report.text.contains(telling), "{telling}: {}", report.text);
    }
    app.get("/api/doctor").send().await.expect(StatusCode::UNAUTHORIZED);
    let token = app.token("admin").await;
    app.get("/api/doctor").bearer(&token).send().await.expect(StatusCode::FORBIDDEN);
}
