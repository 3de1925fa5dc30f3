//! `/`, `/health`, `/live`, `/ready`, `/api-docs`, and what surrounds every route.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use neopro_central::health::DatabaseState;
use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn health_begins_with_the_three_keys_of_the_guide() {
    let app = TestApp::new().await;
    for path in ["/health", "/api/health"] {
        let answer = app.get(path).send().await.expect(StatusCode::OK);
        let version = env!("CARGO_PKG_VERSION");
        assert!(
            answer.text.starts_with(&format!(
                r#"{{"status":"healthy","timestamp":"2026-01-15T12:00:00.000Z","version":"{version}","#
            )),
            "{}",
            answer.text
        );
    }
}

#[tokio::test]
async fn health_tells_the_truth_in_words_and_with_strict_in_its_status() {
    let app = TestApp::new().await;
    let mut sentences = std::collections::BTreeSet::new();
    for (state, word, strict, ready) in [
        (DatabaseState::Up, "healthy", 200, 200),
        (DatabaseState::Slow, "degraded", 200, 200),
        (DatabaseState::ReadOnly, "degraded", 200, 200),
        (DatabaseState::Starting, "unhealthy", 503, 503),
        (DatabaseState::Migrating, "unhealthy", 503, 503),
        (DatabaseState::Down, "unhealthy", 503, 503),
        (DatabaseState::Stopping, "unhealthy", 503, 503),
    ] {
        app.app.health.set_database(state, Duration::from_millis(3));
        let answer = app.get("/health").send().await.expect(StatusCode::OK);
        assert_eq!(answer.json()["status"], word, "{state:?}");
        sentences.insert(answer.json()["checks"]["database"]["message"].to_string());
        assert_eq!(app.get("/health?strict=1").send().await.status, strict, "{state:?}");
        assert_eq!(app.get("/ready").send().await.status, ready, "{state:?}");
        assert_eq!(app.get("/live").send().await.status, 200, "{state:?}");
    }
    assert_eq!(sentences.len(), 7, "each state has a sentence of its own: {sentences:?}");
}

#[tokio::test]
async fn probes_may_use_head() {
    let app = TestApp::new().await;
    for path in ["/", "/health", "/health?strict=1", "/live", "/ready", "/api/health"] {
        let answer = app.call(Method::HEAD, path).send().await.expect(StatusCode::OK);
        assert_eq!(answer.text, "", "{path}");
    }
}

#[tokio::test]
async fn a_probe_asks_the_database_nothing() {
    let app = TestApp::new().await;
    app.get("/api/sites").send().await.expect(StatusCode::UNAUTHORIZED);
    for _ in 0..50 {
        app.get("/health").send().await.expect(StatusCode::OK);
        app.get("/ready").send().await.expect(StatusCode::OK);
        app.get("/live").send().await.expect(StatusCode::OK);
    }
    assert_eq!(app.pool().load(), (0, 0), "not one connection was opened");
}

#[tokio::test]
async fn the_root_speaks_json_to_programs_and_a_sentence_to_people() {
    let app = TestApp::new().await;
    let root = app.get("/").header("accept", "*/*").send().await.expect(StatusCode::OK).json();
    assert_eq!((&root["status"], &root["documentation"]), (&json!("online"), &json!("/api-docs")));
    let page = app.get("/").header("accept", "text/html,application/xhtml+xml;q=0.9").send().await;
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.text.contains("étape 7 du guide"), "{}", page.text);
}

#[tokio::test]
async fn the_reader_of_the_api_comes_whole_from_this_server() {
    let app = TestApp::new().await;
    let redirect = app.get("/api-docs").send().await;
    assert_eq!((redirect.status, redirect.header("location")), (303, "/api-docs/"));
    let page = app.get("/api-docs/").send().await.expect(StatusCode::OK);
    let policy = page.header("content-security-policy").to_owned();
    assert!(policy.contains("script-src 'self';") && !policy.contains("http"), "{policy}");
    let mut parts = 0;
    for attribute in page.text.split(['"', '\'']).filter(|text| text.starts_with("./") || text.contains("://")) {
        assert!(!attribute.contains("://"), "{attribute} comes from elsewhere");
        let part = app.get(&format!("/api-docs/{}", attribute.trim_start_matches("./"))).send().await;
        part.expect(StatusCode::OK);
        parts += 1;
    }
    assert!(parts >= 4, "the page has parts: {}", page.text);
    app.get("/api-docs/nothing.js").send().await.expect(StatusCode::NOT_FOUND);
    let document = app.get("/api-docs/openapi.json").send().await.expect(StatusCode::OK).json();
    assert_eq!(document, *crate::support::contract::DOCUMENT);
}

#[tokio::test]
async fn an_unknown_address_and_a_wrong_method_are_told_apart() {
    let app = TestApp::new().await;
    let nowhere = app.get("/api/nowhere?x=1").send().await.expect(StatusCode::NOT_FOUND);
    assert_eq!((nowhere.code().as_str(), nowhere.json()["path"].as_str()), ("no_route", Some("/api/nowhere")));
    let method = app.delete("/api/auth/login").send().await.expect(StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(method.code(), "method_not_allowed");
    assert_eq!(method.header("allow"), "POST");
}

#[tokio::test]
async fn only_listed_origins_may_read_and_foreign_ones_may_not_act() {
    let app = TestApp::with(&crate::auth::production()).await;
    let origin = |origin: &str| app.get("/ready").header("origin", origin).header("host", "api.neopro.test");
    for listed in ["https://dashboard.neopro.test", "https://second.neopro.test", "https://DASHBOARD.neopro.test"] {
        let answer = origin(listed).send().await;
        assert_eq!(answer.header("access-control-allow-origin"), listed);
        assert_eq!(answer.header("access-control-allow-credentials"), "true");
        assert!(answer.header("vary").contains("Origin"));
    }
    for unlisted in
        ["https://evil.test", "http://dashboard.neopro.test", "https://dashboard.neopro.test.evil.test", "null"]
    {
        assert_eq!(origin(unlisted).send().await.header("access-control-allow-origin"), "", "{unlisted}");
        let act = app.post("/api/auth/logout", json!({})).header("origin", unlisted).header("host", "api.neopro.test");
        assert_eq!(act.send().await.expect(StatusCode::FORBIDDEN).code(), "foreign_origin");
    }
    let own = app
        .post("/api/auth/logout", json!({}))
        .header("origin", "https://api.neopro.test")
        .header("host", "api.neopro.test");
    own.send().await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_preflight_is_answered_before_anything_else() {
    let app = TestApp::with(&crate::auth::production()).await;
    for path in ["/api/sites", "/api/nowhere"] {
        let answer = app
            .call(Method::OPTIONS, path)
            .header("origin", "https://dashboard.neopro.test")
            .header("access-control-request-method", "PATCH")
            .send()
            .await
            .expect(StatusCode::NO_CONTENT);
        assert_eq!(answer.header("access-control-allow-methods"), "GET,POST,PUT,PATCH,DELETE,OPTIONS");
        assert_eq!(answer.header("access-control-allow-headers"), "Content-Type, Authorization, X-Requested-With");
        assert_eq!(answer.header("access-control-allow-origin"), "https://dashboard.neopro.test");
    }
    let foreign = app.call(Method::OPTIONS, "/api/sites").header("origin", "https://evil.test").send().await;
    assert_eq!(foreign.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn answers_are_compressed_for_those_who_ask() {
    let app = TestApp::new().await;
    let answer = app.get("/api-docs/openapi.json").header("accept-encoding", "gzip").send().await;
    assert_eq!(answer.header("content-encoding"), "gzip");
}

#[tokio::test]
async fn without_a_database_the_api_says_so_and_the_probes_answer() {
    let app = TestApp::new().await;
    let token = app.token("admin").await;
    app.pool().close();
    let answer = app.get("/api/sites").bearer(&token).send().await.expect(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.code(), "unavailable");
    assert_eq!(answer.header("retry-after"), "5");
    app.get("/live").send().await.expect(StatusCode::OK);
}

#[tokio::test]
async fn in_development_a_page_of_the_same_machine_may_act() {
    let app = TestApp::new().await;
    for origin in ["http://localhost:4200", "http://127.0.0.1:5173", "http://[::1]:4200"] {
        let act = app.post("/api/auth/logout", json!({})).header("origin", origin).send().await.expect(StatusCode::OK);
        assert_eq!(act.header("access-control-allow-origin"), origin);
    }
    for origin in ["https://evil.test", "http://localhost.evil.test", "null"] {
        let act = app.post("/api/auth/logout", json!({})).header("origin", origin).send().await;
        act.expect(StatusCode::FORBIDDEN);
    }
}
