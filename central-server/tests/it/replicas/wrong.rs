//! A Redis that is not as `REDIS_URL` says: the server starts and serves, says once what is wrong, and health shows it.

use std::time::Duration;

use neopro_central::config::{Config, Redis as Configured};
use neopro_central::replicas::{Trouble, ping};

use super::{Replicas, redis, until};
use crate::support::program::free_port;
use crate::support::{Redis, http};

/// The configured Redis of these variables.
fn configured(variables: &[(&str, String)]) -> Configured {
    let source = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
    Config::read(source).expect("a valid configuration").config.redis.expect("a Redis")
}

/// An environment, as far as Redis reads it.
type Variables = Vec<(&'static str, String)>;

/// Ways to be wrong, and one to be right: the variables, and what is said of each.
fn ways(redis: &Redis) -> Vec<(Variables, Option<Trouble>)> {
    let url = |url: String| vec![("REDIS_URL", url)];
    let (tls, ca) = (redis.tls_url("bell"), redis.ca());
    let by = |ca: String| vec![("REDIS_URL", tls.clone()), ("REDIS_SSL_CA_FILE", ca)];
    let local = |scheme: &str, port: u16| format!("{scheme}://default:jeton-de-test-0123456789@127.0.0.1:{port}");
    vec![
        (url(redis.url()), None),
        (by(ca.clone()), None),
        (by(ca.replace("ca.crt", "other.crt")), Some(Trouble::Certificate)),
        // The public authorities have not signed it.
        (url(tls.clone()), Some(Trouble::Certificate)),
        // The certificate is for another name.
        (
            vec![("REDIS_URL", local("rediss", redis.tls_port)), ("REDIS_SSL_CA_FILE", ca.clone())],
            Some(Trouble::Certificate),
        ),
        (url(redis.url().replace("jeton", "autre")), Some(Trouble::Login)),
        (url(format!("redis://127.0.0.1:{}", redis.port)), Some(Trouble::Login)),
        (url(local("redis", free_port())), Some(Trouble::Refused)),
        (url("redis://default:jeton@no-host.invalid:6379".into()), Some(Trouble::Host)),
        // Without TLS where it is expected, and the other way round.
        (url(local("redis", redis.tls_port)), Some(Trouble::HungUp)),
        (url(local("rediss", redis.port)), Some(Trouble::Plain)),
    ]
}

#[tokio::test]
async fn a_ping_says_how_long_it_took_or_what_is_wrong_in_words() {
    let (redis, _) = redis();
    for (variables, expected) in ways(&redis) {
        let outcome = ping(&configured(&variables)).await;
        match (outcome, expected) {
            (Ok(took), None) => assert!(took < Duration::from_secs(1)),
            (Err(fault), Some(trouble)) => {
                assert_eq!(fault.trouble, trouble, "{variables:?}: {}", fault.detail);
                assert!(fault.trouble.advice().contains("étape 4"), "{}", fault.trouble.advice());
                assert!(!fault.detail.contains("jeton-de-test"), "{}", fault.detail);
            }
            (outcome, expected) => panic!("{outcome:?} instead of {expected:?}: {variables:?}"),
        }
    }
    // One that accepts and stays silent is not waited for.
    redis.freeze(true);
    let began = std::time::Instant::now();
    let fault = ping(&configured(&[("REDIS_URL", redis.url())])).await.expect_err("it is frozen");
    redis.freeze(false);
    assert_eq!(fault.trouble, Trouble::Silent);
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
}

#[tokio::test]
async fn whatever_is_wrong_with_redis_the_server_starts_serves_and_says_it_once() {
    let (redis, _) = redis();
    let mut wrong: Vec<_> = ways(&redis).into_iter().filter(|(_, trouble)| trouble.is_some()).collect();
    let mute = vec![("REDIS_URL", redis.tls_url("mute")), ("REDIS_SSL_CA_FILE", redis.ca())];
    wrong.push((mute, Some(Trouble::Rights)));
    for (number, (variables, trouble)) in wrong.into_iter().enumerate() {
        let trouble = trouble.expect("it is wrong");
        let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let replicas = Replicas::start(&format!("bell-wrong-{number}"), 1, &variables).await;
        until("health says so", Duration::from_secs(15), async || {
            replicas.redis_of(0).await["message"] == trouble.words()
        })
        .await;
        let health = http::get(replicas.servers[0].port, "/health").await.json();
        assert_eq!(health["status"], "degraded", "{health}");
        assert_eq!(http::get(replicas.servers[0].port, "/ready").await.status, 200);
        assert_eq!(http::get(replicas.servers[0].port, "/health?strict=1").await.status, 200);
        let log = replicas.log(0);
        let lines: Vec<&str> = log.lines().filter(|line| line.contains("Redis (")).collect();
        assert_eq!(lines.len(), 1, "{lines:#?}");
        assert!(lines[0].contains(trouble.words()) && lines[0].contains(trouble.advice()), "{}", lines[0]);
        assert!(!log.contains("jeton-de-test"), "{log}");
    }
}

#[tokio::test]
async fn a_redis_that_comes_after_the_server_is_found() {
    let (port, tls_port) = (free_port(), free_port());
    let url = format!("redis://default:{}@127.0.0.1:{port}", crate::support::redis::PASSWORD);
    let replicas = Replicas::start("bell-late", 1, &[("REDIS_URL", &url)]).await;
    until("it is missed", Duration::from_secs(10), async || replicas.redis_of(0).await["status"] == "degraded").await;
    let redis = Redis::start_at(port, tls_port);
    until("it is found", Duration::from_secs(40), async || replicas.redis_of(0).await["status"] == "healthy").await;
    let alone = async || redis.clients() == 1;
    until("one that is alone only listens", Duration::from_secs(5), alone).await;
    // Probes are no commands.
    let before = redis.commands();
    for _ in 0..200 {
        assert_eq!(http::get(replicas.servers[0].port, "/health").await.status, 200);
    }
    let said: u64 =
        ["publish", "subscribe", "auth"].iter().filter_map(|name| redis.commands().get(*name).copied()).sum();
    let had: u64 = ["publish", "subscribe", "auth"].iter().filter_map(|name| before.get(*name).copied()).sum();
    assert!(said <= had + 3, "the questions of this test itself: {before:?} {:?}", redis.commands());
}
