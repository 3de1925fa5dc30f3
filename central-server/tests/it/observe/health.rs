//! Health as monitors and administrators see it (G-131 to G-133, G-160).

use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use neopro_central::health::{Backlog, DatabaseState, MailState};
use serde_json::json;

use super::Relay;
use crate::support::cluster::scratch;
use crate::support::program::Server;
use crate::support::{Cluster, TestApp, http};

const DETAILS: &str = "/api/health/details";

#[tokio::test]
async fn figures_are_for_administrators_and_for_nobody_else() {
    let app = TestApp::new().await;
    let admin = app.token("admin").await;
    let details = app.get(DETAILS).bearer(&admin).send().await.expect(StatusCode::OK).json();
    for place in
        ["/database/connections", "/jobs/waiting", "/logs/dropped", "/process/resident_bytes", "/websocket/strangers"]
    {
        assert!(details.pointer(place).is_some_and(|figure| figure.is_number()), "{place}: {details}");
    }
    assert_eq!(details["logs"]["message"], "Les logs ne sont pas envoyés à Logtail.");
    app.get(DETAILS).send().await.expect(StatusCode::UNAUTHORIZED);
    for role in ["operator", "viewer"] {
        let token = app.token(role).await;
        app.get(DETAILS).bearer(&token).send().await.expect(StatusCode::FORBIDDEN);
    }
    // Who is let in is proven by the session's row, not by what is shown.
    app.post("/api/auth/logout", json!({})).bearer(&admin).send().await.expect(StatusCode::OK);
    app.get(DETAILS).bearer(&admin).send().await.expect(StatusCode::UNAUTHORIZED);
}

/// Whatever is wrong, a stranger reads words of a closed list: no host, no driver's text, no figure of how full we are.
#[tokio::test]
async fn a_stranger_reads_no_figure_that_would_help_him() {
    let app = TestApp::new().await;
    app.app.health.set_database(DatabaseState::Down, Duration::from_millis(3));
    app.app.health.set_mail(MailState::Failing);
    app.app.health.set_jobs(Backlog { waiting: 4_242, failed: 4_343, late: Duration::from_secs(4_444) });
    let health = app.get("/health").send().await.expect(StatusCode::OK);
    for word in ["4242", "4343", "4444", "127.0.0.1", "localhost", "postgres:", "neopro_app", "sqlstate", "error"] {
        assert!(!health.text.to_lowercase().contains(word), "{word}: {}", health.text);
    }
    assert_eq!(health.json()["checks"]["jobs"]["status"], "degraded");
}

#[tokio::test]
async fn what_works_behind_the_service_makes_it_no_worse() {
    let app = TestApp::new().await;
    app.app.health.set_jobs(Backlog { waiting: 3, failed: 0, late: Duration::from_secs(301) });
    let health = app.get("/health").send().await.json();
    assert_eq!((&health["status"], &health["checks"]["jobs"]["status"]), (&json!("healthy"), &json!("degraded")));
    assert_eq!((&health["summary"]["totalChecks"], &health["summary"]["degradedChecks"]), (&json!(6), &json!(1)));
    app.app.health.set_jobs(Backlog { waiting: 3, failed: 0, late: Duration::from_secs(299) });
    assert_eq!(app.get("/health").send().await.json()["checks"]["jobs"]["status"], "healthy");
    // The control: what the service is for does make it worse.
    app.app.health.set_mail(MailState::Failing);
    assert_eq!(app.get("/health").send().await.json()["status"], "degraded");
}

#[tokio::test]
async fn a_monitor_gets_the_same_by_both_methods_and_finds_its_word() {
    let app = TestApp::new().await;
    let agent = "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)";
    for (state, word, strict) in [(DatabaseState::Up, "healthy", 200), (DatabaseState::Down, "unhealthy", 503)] {
        app.app.health.set_database(state, Duration::ZERO);
        for (path, status) in [("/health", 200), ("/health?strict=1", strict), ("/live", 200), ("/ready", strict)] {
            let get = app.get(path).header("user-agent", agent).send().await;
            let head = app.call(Method::HEAD, path).header("user-agent", agent).send().await;
            assert_eq!((get.status, head.status, head.text.as_str()), (status, status, ""), "{path} {state:?}");
        }
        let health = app.get("/health").header("user-agent", agent).send().await;
        assert!(health.text.starts_with(&format!(r#"{{"status":"{word}","#)), "{}", health.text);
    }
}

#[tokio::test]
async fn live_answers_within_50_ms_while_the_database_hangs() {
    let db = Cluster::get().migrated().await;
    let (relay, data_dir) = (Relay::to(&db).await, scratch("hanging"));
    let url = relay.url.clone();
    let variables = [("DATABASE_URL", url.as_str()), ("NEOPRO_DATA_DIR", data_dir.to_str().expect("UTF-8"))];
    let mut server = Server::spawn(&variables, &scratch("hanging.log"));
    server.ready().await;
    relay.hang.send(true).expect("the relay");
    let port = server.port;
    // Requests that wait for it, more than there are connections.
    let waiting: Vec<_> = (0..40)
        .map(|number| {
            tokio::spawn(async move {
                let body = json!({"email": format!("{number}@club.fr"), "password": "wrong"});
                http::send(port, Method::POST, "/api/auth/login", None, Some(&body)).await
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut took = Vec::new();
    for _ in 0..100 {
        let began = Instant::now();
        let live = http::get(port, "/live").await.expect(StatusCode::OK);
        took.push(began.elapsed());
        assert_eq!(live.json()["status"], "ok");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    took.sort();
    println!("/live while the database hangs: median {:?}, p95 {:?}, slowest {:?}", took[50], took[95], took[99]);
    // What else runs on the machine takes its turns as well; a question that waited for the database would take seconds.
    assert!(took[50] < Duration::from_millis(50) && took[95] < Duration::from_millis(500), "{took:?}");
    let began = Instant::now();
    while http::get(port, "/ready").await.status == 200 {
        assert!(began.elapsed() < Duration::from_secs(15), "/ready still believes in the database");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(http::get(port, "/health").await.json()["checks"]["database"]["status"], "unhealthy");
    for request in waiting {
        let answer = request.await.expect("no panic").expect("an answer");
        assert!(matches!(answer.status, 429 | 503), "{}", answer.text);
    }
    server.kill();
}

#[tokio::test]
async fn while_the_schema_is_brought_up_to_date_nobody_is_told_to_come() {
    let db = Cluster::get().migrated().await;
    let owner = db.owner().await;
    // Somebody holds what the migration has to look at: it takes as long as that.
    owner
        .batch_execute("begin; lock table public.schema_migrations in access exclusive mode")
        .await
        .expect("the owner may");
    let (url, data_dir) = (db.url(), scratch("migrating"));
    let variables = [("DATABASE_URL", url.as_str()), ("NEOPRO_DATA_DIR", data_dir.to_str().expect("UTF-8"))];
    let mut server = Server::spawn(&variables, &scratch("migrating.log"));
    let port = server.port;
    let began = Instant::now();
    loop {
        let health = http::send(port, Method::GET, "/health", None, None).await;
        if health.is_ok_and(|health| health.text.contains("en cours de mise à jour")) {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "it never says that it migrates");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let ready = http::get(port, "/ready").await.expect(StatusCode::SERVICE_UNAVAILABLE).json();
    assert_eq!((&ready["status"], &ready["checks"]["database"]), (&json!("not_ready"), &json!(false)));
    assert_eq!(http::get(port, "/health").await.status, 200, "no platform may restart it for that");
    http::get(port, "/live").await.expect(StatusCode::OK);
    owner.batch_execute("rollback").await.expect("the lock is gone");
    server.ready().await;
    assert!(server.terminate().await.success());
}
