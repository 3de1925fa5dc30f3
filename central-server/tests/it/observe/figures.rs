//! `GET /metrics`: who may read it, what it counts, and that it costs nobody anything (G-167, G-168).

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use neopro_central::jobs::worker;
use neopro_central::prometheus::watch;
use serde_json::json;
use uuid::Uuid;

use crate::media;
use crate::support::{Form, TestApp};

pub const TOKEN: &str = "scrape-me-0123456789abcdef";
const ON: (&str, &str) = ("METRICS_ENABLED", "true");

/// Every series of a page, by name and labels.
pub fn series(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let all: Vec<(String, f64)> = lines
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
            (name.to_owned(), value.parse().unwrap_or_else(|_| panic!("{line}")))
        })
        .collect();
    let found: BTreeMap<String, f64> = all.iter().cloned().collect();
    assert_eq!(found.len(), all.len(), "a series twice");
    found
}

/// The names that a page has, as a query names them.
pub fn names(text: &str) -> BTreeSet<String> {
    series(text).keys().map(|series| series.split('{').next().unwrap_or_default().to_owned()).collect()
}

async fn page(app: &TestApp) -> String {
    app.get("/metrics").bearer(TOKEN).send().await.expect(StatusCode::OK).text
}

/// A server on which everything has happened that is counted.
pub async fn lively() -> TestApp {
    let app = TestApp::with(&[ON, ("METRICS_TOKEN", TOKEN)]).await;
    let began = app.clock.now();
    app.account("camille@club.fr", "admin").await;
    let token = app.login("camille@club.fr").await;
    let wrong = json!({"email": "camille@club.fr", "password": "Tir raté 8"});
    app.post("/api/auth/login", wrong).send().await.expect(StatusCode::UNAUTHORIZED);
    app.post("/api/auth/forgot-password", json!({"email": "camille@club.fr"})).send().await.expect(StatusCode::OK);
    worker::round(&app.app).await;
    let form = Form::new().file("video", "But.mp4", media!("faststart.mp4"));
    let video = app.call(Method::POST, "/api/videos").form(&form).bearer(&token).send().await;
    let video = video.expect(StatusCode::CREATED).json()["id"].as_str().expect("an id").to_owned();
    let site = json!({"site_name": "Gym", "club_name": "Club"});
    let site = app.post("/api/sites", site).bearer(&token).send().await.expect(StatusCode::CREATED).json();
    let id = site["id"].as_str().expect("an id").to_owned();
    let order = json!({"video_id": video, "target_type": "site", "target_id": id});
    app.post("/api/deployments", order).bearer(&token).send().await.expect(StatusCode::CREATED);
    app.get(&format!("/api/sites/{id}")).bearer(&token).send().await.expect(StatusCode::OK);
    app.get(&format!("/api/sites/{}", Uuid::now_v7())).bearer(&token).send().await.expect(StatusCode::NOT_FOUND);
    app.get("/api/nowhere/4242").send().await.expect(StatusCode::NOT_FOUND);
    // The box has the video and has answered a command, 4 s after it was told.
    let sql = format!(
        "update deployment_targets set state = 'installed', completed_at = timestamptz '2026-01-15 12:00:07+00'; \
         insert into remote_commands (id, site_id, command_type, status, created_at, executed_at, completed_at, origin) \
         values ('{}', '{id}', 'reboot', 'completed', '2026-01-15 12:00+00', '2026-01-15 12:00+00', \
           '2026-01-15 12:00:04+00', 'person')",
        Uuid::now_v7()
    );
    app.db.owner().await.batch_execute(&sql).await.expect("a report");
    app.app.measures.heard("heartbeat");
    app.app.measures.heard("a word of a stranger");
    app.app.measures.factor("enabled");
    app.clock.advance(Duration::from_secs(60));
    // Orders given at the very moment at which the look begins are those of the look before.
    watch::look(&app.app, began.minus(Duration::from_secs(1))).await;
    app
}

#[tokio::test]
async fn nothing_is_shown_unless_it_is_asked_for() {
    for variables in [&[][..], &[("METRICS_ENABLED", "yes")], &[("METRICS_TOKEN", TOKEN)]] {
        let app = TestApp::with(variables).await;
        let answer = app.get("/metrics").bearer(TOKEN).send().await.expect(StatusCode::NOT_FOUND);
        assert_eq!(answer.code(), "no_route", "{variables:?}");
    }
    for on in ["true", "1"] {
        let app = TestApp::with(&[("METRICS_ENABLED", on)]).await;
        let answer = app.get("/metrics").send().await.expect(StatusCode::OK);
        assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
        assert!(answer.text.ends_with('\n'));
    }
}

#[tokio::test]
async fn with_a_token_nobody_else_reads_them() {
    let app = TestApp::with(&[ON, ("METRICS_TOKEN", TOKEN)]).await;
    let admin = app.token("super_admin").await;
    let longer = format!("{TOKEN}x");
    for other in ["", "x", &TOKEN[1..], &TOKEN[..TOKEN.len() - 1], longer.as_str(), admin.as_str()] {
        let answer = app.get("/metrics").bearer(other).send().await.expect(StatusCode::UNAUTHORIZED);
        assert!(answer.json()["error"].as_str().is_some_and(|words| words.contains("METRICS_TOKEN")));
    }
    app.get("/metrics").send().await.expect(StatusCode::UNAUTHORIZED);
    app.get(&format!("/metrics?token={TOKEN}")).send().await.expect(StatusCode::UNAUTHORIZED);
    app.get("/metrics").bearer(TOKEN).send().await.expect(StatusCode::OK);
    app.call(Method::HEAD, "/metrics").bearer(TOKEN).send().await.expect(StatusCode::OK);
}

#[tokio::test]
async fn in_production_without_a_token_only_figures_of_the_whole_fleet_are_shown() {
    let mut variables = crate::auth::production();
    variables.push(ON);
    let app = TestApp::with(&variables).await;
    app.get("/api/sites").send().await.expect(StatusCode::UNAUTHORIZED);
    let text = app.get("/metrics").send().await.expect(StatusCode::OK).text;
    assert!(series(&text).contains_key(r#"http_requests_total{method="GET",status_code="401"}"#), "{text}");
    for word in
        ["path=", "process_", "neopro_auth", "neopro_db", "neopro_log", "neopro_jobs", "neopro_health", "websocket"]
    {
        assert!(!text.contains(word), "{word}: {text}");
    }
    // The control: with a token they are there.
    variables.push(("METRICS_TOKEN", TOKEN));
    let app = TestApp::with(&variables).await;
    assert!(page(&app).await.contains("process_resident_memory_bytes "));
}

#[tokio::test]
async fn what_happens_is_counted_under_the_names_of_neopro_1() {
    let app = lively().await;
    let text = page(&app).await;
    let series = series(&text);
    for (name, count) in [
        (r#"http_requests_total{method="GET",path="/api/sites/{id}",status_code="200"}"#, 1.0),
        (r#"http_requests_total{method="GET",path="/api/sites/{id}",status_code="404"}"#, 1.0),
        (r#"http_requests_total{method="GET",path="(no route)",status_code="404"}"#, 1.0),
        (r#"http_request_duration_seconds_count{method="GET",path="/api/sites/{id}"}"#, 2.0),
        (r#"http_requests_in_progress{method="GET"}"#, 1.0),
        (r#"neopro_auth_attempts_total{status="success",mfa_used="false"}"#, 1.0),
        (r#"neopro_auth_attempts_total{status="failure",mfa_used="false"}"#, 1.0),
        (r#"neopro_mfa_setup_total{status="enabled"}"#, 1.0),
        (r#"neopro_jobs_total{kind="mail",status="done"}"#, 1.0),
        (r#"neopro_video_uploads_total{status="success"}"#, 1.0),
        ("neopro_video_upload_bytes_count", 1.0),
        (r#"neopro_deployments_total{status="created",target_type="site"}"#, 1.0),
        (r#"neopro_deployments_total{status="completed",target_type="site"}"#, 1.0),
        (r#"neopro_deployment_duration_seconds_sum{target_type="site"}"#, 7.0),
        (r#"neopro_commands_total{type="reboot",status="completed"}"#, 1.0),
        (r#"neopro_command_latency_seconds_bucket{type="reboot",le="5"}"#, 1.0),
        (r#"neopro_command_latency_seconds_bucket{type="reboot",le="2"}"#, 0.0),
        (r#"neopro_websocket_messages_total{direction="in",type="heartbeat"}"#, 1.0),
        (r#"neopro_websocket_messages_total{direction="in",type="other"}"#, 1.0),
        ("neopro_heartbeats_total", 1.0),
        (r#"neopro_sites{status="offline"}"#, 1.0),
        ("neopro_connected_sites_total", 0.0),
        ("neopro_jobs_waiting", 0.0),
        (r#"neopro_health{check="database"}"#, 1.0),
        ("neopro_log_lines_dropped_total", 0.0),
    ] {
        assert_eq!(series.get(name), Some(&count), "{name} in\n{text}");
    }
    assert!(series[r#"neopro_db_query_duration_seconds_count{operation="request"}"#] >= 5.0);
    assert!(series["process_resident_memory_bytes"] > 1e6 && series["process_cpu_seconds_total"] > 0.0);
    // The next look counts nothing twice.
    let before =
        text.lines().filter(|line| line.starts_with("neopro_deployments") || line.starts_with("neopro_commands"));
    let before: Vec<String> = before.map(str::to_owned).collect();
    app.clock.advance(Duration::from_secs(60));
    watch::look(&app.app, app.clock.now().minus(Duration::from_secs(70))).await;
    let after = page(&app).await;
    assert!(before.iter().all(|line| after.contains(line.as_str())), "{before:?}\n{after}");
}

#[tokio::test]
async fn no_label_is_an_id_or_what_somebody_invents() {
    let app = lively().await;
    for number in 0..300 {
        let method = Method::from_bytes(format!("X{number}").as_bytes()).expect("a method");
        app.call(method, &format!("/api/sites/{}", Uuid::now_v7())).unjudged().await;
        app.get(&format!("/api/invented/{number}")).send().await;
    }
    let text = page(&app).await;
    let lines = text.lines().count();
    assert!(lines < 700, "{lines} lines");
    for line in text.lines() {
        assert!(!line.contains("invented") && !line.contains("\"X"), "{line}");
        let is_id = line.split(['"', '/', ' ']).any(|word| Uuid::parse_str(word).is_ok());
        assert!(!is_id, "{line}");
    }
    assert!(!text.contains("camille"), "nobody is named");
}

#[tokio::test]
async fn the_tool_of_prometheus_finds_fault_with_one_name_only_which_is_neopro_1s() {
    let app = lively().await;
    let said = checked(&page(&app).await);
    let complaints: Vec<&str> = said.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(complaints.len(), 1, "{said}");
    assert!(complaints[0].starts_with("neopro_connected_sites_total ") && complaints[0].contains("_total"), "{said}");
    // The control: it does read what it is given.
    assert!(checked("# TYPE x counter\nx 1\n").contains("x "), "a counter without help and without its suffix");
    assert!(checked("no metrics at all {\n").contains("error"));
}

/// What `promtool check metrics` says.
fn checked(text: &str) -> String {
    let mut child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool, of the package prometheus");
    child.stdin.take().expect("its input").write_all(text.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn a_scrape_asks_nobody_and_takes_a_moment() {
    let app = lively().await;
    app.pool().close();
    let mut took = Vec::new();
    for _ in 0..200 {
        let began = Instant::now();
        page(&app).await;
        took.push(began.elapsed());
    }
    took.sort();
    let bytes = page(&app).await.len();
    println!("a scrape of {bytes} bytes, without a database: median {:?}, p95 {:?}", took[100], took[190]);
    assert!(took[100] < Duration::from_millis(20), "{took:?}");
    assert_eq!(app.pool().load().1, 0, "nothing waits for a connection");
}
