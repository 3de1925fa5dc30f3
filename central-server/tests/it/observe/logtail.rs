//! The log on its way to Logtail (G-156 to G-159), through the program itself.

use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::sink::{Next, Sink, TOKEN};
use super::{PASSWORD, Watched};
use crate::support::http;

/// Longer than a line waits when all is well.
const SOON: Duration = Duration::from_secs(15);

async fn watched(name: &str, sink: &Sink, more: &[(&str, &str)]) -> Watched {
    let own = sink.variables();
    let mut variables: Vec<(&str, &str)> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
    variables.extend(more);
    Watched::start(name, &variables).await
}

#[tokio::test]
async fn with_a_token_the_log_arrives_by_itself_and_its_last_words_too() {
    let sink = Sink::start().await;
    let mut watched = watched("logtail", &sink, &[]).await;
    sink.hears("listening", SOON).await;
    http::get(watched.server.port, "/api/sites").await.expect(StatusCode::UNAUTHORIZED);
    sink.hears("answered", SOON).await;
    let first = sink.lines().remove(0);
    assert!(
        first["dt"].as_str().is_some_and(|moment| moment.ends_with('Z')),
        "its own moment, by its own name: {first}"
    );
    assert!(first["level"].is_string() && first["target"].is_string() && first["timestamp"].is_null(), "{first}");
    let requests = sink.taken();
    assert!(requests.iter().all(|taken| taken.status == 202), "every request was as the contract asks: {requests:?}");
    let head = &requests[0].head;
    assert!(head.to_lowercase().contains(&format!("host: 127.0.0.1:{}", sink.port)), "{head}");

    let began = Instant::now();
    assert!(watched.server.terminate().await.success());
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(sink.lines().iter().any(|line| line["message"] == "stopping"), "the end is told as well");
}

#[tokio::test]
async fn sending_says_nothing_that_would_have_to_be_sent() {
    let sink = Sink::start().await;
    sink.always(Some(Next::Answer(500, None)));
    let mut watched = watched("logtail-loop", &sink, &[("LOG_LEVEL", "trace")]).await;
    http::get(watched.server.port, "/api/sites").await;
    let began = Instant::now();
    while sink.taken().len() < 4 {
        assert!(began.elapsed() < Duration::from_secs(40), "it goes on trying");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // Of four tries that failed one line says so; each try has the same lines, and what was said since.
    sink.always(None);
    sink.hears("Logtail takes the log again", Duration::from_secs(40)).await;
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert!(watched.server.terminate().await.success());
    let lines = sink.lines();
    let of_sending = |line: &&Value| {
        let from = line["target"].as_str().unwrap_or_default();
        from.starts_with("neopro_central::logging") || !from.starts_with("neopro_central")
    };
    let told: Vec<&Value> = lines.iter().filter(of_sending).collect();
    assert_eq!(told.len(), 2, "that it fails, and that it does no more: {told:?}");
    let port = sink.port.to_string();
    assert!(!lines.iter().any(|line| line.to_string().contains(&port)), "nothing about the connections");
}

#[tokio::test]
async fn nothing_secret_and_nobodys_address_is_sent_even_at_the_most_talkative_level() {
    let sink = Sink::start().await;
    let production = crate::auth::production();
    let mut more = production.clone();
    more.push(("LOG_LEVEL", "trace"));
    // A secret that a JSON line writes otherwise than it is.
    more.push(("METRICS_TOKEN", r#"me"tri\cs-t0ken-4242"#));
    let mut watched = watched("logtail-secrets", &sink, &more).await;
    let (port, url) = (watched.server.port, watched.db.url());
    let token = watched.login().await;
    let send = async |method, path, token, body: Option<Value>| {
        http::send(port, method, path, token, body.as_ref()).await.expect("an answer")
    };
    let wrong = json!({"email": "camille@club.fr", "password": "Tir raté 8"});
    send(Method::POST, "/api/auth/login", None, Some(wrong)).await.expect(StatusCode::UNAUTHORIZED);
    send(Method::POST, "/api/auth/forgot-password", None, Some(json!({"email": "camille@club.fr"}))).await;
    let new = json!({"site_name": "Gym", "club_name": "Club"});
    let site = send(Method::POST, "/api/sites", Some(&token), Some(new)).await.expect(StatusCode::CREATED).json();
    let key = site["api_key"].as_str().expect("a key").to_owned();
    send(Method::GET, "/api/sites?search=secretwords", Some(&token), None).await.expect(StatusCode::OK);
    let scope = json!({"name": "Essai", "scopes": ["read"], "expires_in_days": 30});
    let api =
        send(Method::POST, "/api/auth/tokens", Some(&token), Some(scope)).await.expect(StatusCode::CREATED).json();
    let api_token = api["token"].as_str().expect("a token").to_owned();
    send(Method::GET, "/api/sites", Some(&api_token), None).await.expect(StatusCode::OK);
    assert!(watched.server.terminate().await.success());

    let sent: String = sink.lines().iter().map(|line| format!("{line}\n")).collect();
    assert!(sink.lines().len() > 20, "the log was sent: {} lines", sink.lines().len());
    assert!(sent.contains("secretwords") == sent.contains("search="), "addresses with their queries are not logged");
    let database_password = url.split([':', '@']).nth(2).expect("a password").to_owned();
    let mut secrets =
        vec![PASSWORD, "Tir raté 8", &key, &token, &api_token, &database_password, TOKEN, "$argon2", "tri\\cs-t0ken"];
    secrets.extend(["me\\\"tri", "camille@club.fr", "secretwords"]);
    let hidden = |name: &str| name.contains("KEY") || name.contains("SECRET") || name == "REDIS_URL";
    secrets.extend(production.iter().filter(|(name, _)| hidden(name)).map(|(_, value)| *value));
    let stdout = watched.said();
    for secret in secrets {
        assert!(!sent.contains(secret), "{secret} was sent: {}", line_with(&sent, secret));
        assert!(!stdout.contains(secret), "{secret} stands in the log: {}", line_with(&stdout, secret));
    }
}

fn line_with<'a>(text: &'a str, word: &str) -> &'a str {
    text.lines().find(|line| line.contains(word)).unwrap_or_default()
}

#[tokio::test]
async fn a_token_that_is_refused_is_told_once_with_what_to_do() {
    for (status, state) in [(401, "jeton"), (403, "jeton"), (404, "jeton"), (402, "quota")] {
        let sink = Sink::start().await;
        sink.always(Some(Next::Answer(status, None)));
        let mut watched = watched(&format!("logtail-{status}"), &sink, &[("LOG_LEVEL", "off")]).await;
        // A log that is silent sends nothing, and so is told nothing.
        http::get(watched.server.port, "/api/sites").await;
        assert_eq!(watched.said(), "", "{status}");
        let mut watched2 = self::watched(&format!("logtail-{status}-info"), &sink, &[]).await;
        let began = Instant::now();
        while !watched2.said().contains(state) {
            assert!(began.elapsed() < SOON, "{status}: {}", watched2.said());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let requests = sink.taken().len();
        http::get(watched2.server.port, "/api/sites").await;
        tokio::time::sleep(Duration::from_secs(7)).await;
        assert_eq!(sink.taken().len(), requests, "{status}: nobody asks again within the hour");
        let said = watched2.said();
        let told = if status == 402 { "LOG_LEVEL=warn" } else { "LOGTAIL_HOST" };
        assert_eq!(said.matches(told).count(), 1, "{said}");
        let health = http::get(watched2.server.port, "/health").await.json();
        assert_eq!((&health["status"], &health["checks"]["logs"]["status"]), (&json!("healthy"), &json!("degraded")));
        let token = watched2.login().await;
        let details = http::send(watched2.server.port, Method::GET, "/api/health/details", Some(&token), None).await;
        assert!(details.expect("an answer").json()["logs"]["waiting_bytes"].as_u64().is_some_and(|bytes| bytes > 0));
        let (one, two) = tokio::join!(watched.server.terminate(), watched2.server.terminate());
        assert!(one.success() && two.success());
    }
}

#[tokio::test]
async fn a_service_that_hangs_breaks_off_or_answers_rubbish_holds_nobody_up() {
    for next in [Next::Hang, Next::Reset, Next::Garbage, Next::Answer(500, None)] {
        let sink = Sink::start().await;
        sink.always(Some(next));
        let mut watched = watched(&format!("logtail-{next:?}").replace([' ', ',', '(', ')'], "-"), &sink, &[]).await;
        let port = watched.server.port;
        let began = Instant::now();
        while sink.taken().is_empty() {
            assert!(began.elapsed() < SOON, "{next:?}: nothing was sent");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let mut slowest = Duration::ZERO;
        for _ in 0..300 {
            let began = Instant::now();
            http::get(port, "/api/sites").await.expect(StatusCode::UNAUTHORIZED);
            slowest = slowest.max(began.elapsed());
        }
        println!("while Logtail does {next:?}, the slowest of 300 requests took {slowest:?}");
        assert!(slowest < Duration::from_secs(1), "{next:?}: {slowest:?}");
        let began = Instant::now();
        assert!(watched.server.terminate().await.success(), "{next:?}");
        assert!(began.elapsed() < Duration::from_secs(5), "{next:?}: {:?}", began.elapsed());
    }
}

#[tokio::test]
async fn what_could_not_be_sent_arrives_later_once_and_in_its_order() {
    let sink = Sink::start().await;
    sink.will(Next::Answer(429, Some(3)));
    sink.will(Next::Reset);
    sink.will(Next::Answer(413, None));
    let mut watched = watched("logtail-later", &sink, &[]).await;
    let port = watched.server.port;
    for _ in 0..20 {
        http::get(port, "/api/sites").await;
    }
    sink.hears("Logtail takes the log again", Duration::from_secs(30)).await;
    assert!(watched.server.terminate().await.success());
    let requests = sink.taken();
    let statuses: Vec<u16> = requests.iter().map(|taken| taken.status).collect();
    assert_eq!(statuses[..3], [429, 0, 413], "{statuses:?}");
    assert!(requests[1].at - requests[0].at >= Duration::from_secs(3), "Retry-After is kept");
    assert!(requests[3].lines.len() < requests[2].lines.len(), "what was too large goes in halves");
    let ids: Vec<String> =
        sink.lines().iter().filter_map(|line| Some(line["request_id"].as_str()?.to_owned())).collect();
    let mut once = ids.clone();
    once.sort();
    once.dedup();
    assert_eq!((ids.len() >= 20, once.len()), (true, ids.len()), "none is lost, none comes twice");
    // Those of the requests, which followed each other: two threads may write at the same moment.
    let lines = sink.lines();
    let answered = lines.iter().filter(|line| line["message"] == "answered");
    let moments: Vec<&str> = answered.map(|line| line["dt"].as_str().expect("a moment")).collect();
    assert!(moments.is_sorted(), "{moments:?}");
}
