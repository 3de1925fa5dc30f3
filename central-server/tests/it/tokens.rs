//! `/api/auth/tokens`, and what a token of the API opens.

use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use neopro_central::auth::scopes::{NEVER, NEVER_ACTS, TokenScope};
use neopro_central::db::{Claim, Error, Scope, query};
use neopro_central::events::{self, Change};
use neopro_central::ids::{SiteId, TokenId, UserId};
use serde_json::{Value, json};

use crate::contract::{RIGHTS, fill};
use crate::support::TestApp;
use crate::support::app::NOON;
use crate::support::contract::operations;
use crate::walls::tenant;

const TOKENS: &str = "/api/auth/tokens";
const ALL: &[&str] = &["read", "sites:write", "content:write", "commands:write", "audit:read"];

async fn listed(app: &TestApp, session: &str) -> Vec<Value> {
    let list = app.get(TOKENS).bearer(session).send().await.expect(StatusCode::OK).json();
    list["tokens"].as_array().expect("a list").clone()
}

async fn status(app: &TestApp, token: &str) -> u16 {
    app.get("/api/sites").bearer(token).send().await.status
}

#[tokio::test]
async fn a_token_is_shown_once_and_acts_until_it_is_revoked() {
    let app = TestApp::new().await;
    let session = app.token("operator").await;
    let new = json!({"name": " Inventaire ", "scopes": ["read", "sites:write"], "expires_in_days": 30});
    let made = app.post(TOKENS, new).bearer(&session).send().await.expect(StatusCode::CREATED).json();
    let token = made["token"].as_str().expect("a token").to_owned();
    assert_eq!((token.len(), &token[..4]), (47, "npt_"));
    assert_eq!((&made["name"], &made["expires_at"]), (&json!("Inventaire"), &json!("2026-02-14T12:00:00.000Z")));

    let mut shown = made.clone();
    shown.as_object_mut().expect("an object").remove("token");
    let list = app.get(TOKENS).bearer(&session).send().await.expect(StatusCode::OK);
    assert_eq!(list.json(), json!({"tokens": [shown]}));
    assert!(!list.text.contains(&token[4..40]), "never again");
    assert_eq!(shown["hint"], token[43..]);

    let site = json!({"site_name": "Gymnase", "club_name": "Élan"});
    app.post("/api/sites", site).bearer(&token).send().await.expect(StatusCode::CREATED);
    assert_eq!(status(&app, &token).await, 200);

    let path = format!("{TOKENS}/{}", made["id"].as_str().expect("an id"));
    app.delete(&path).bearer(&session).send().await.expect(StatusCode::OK);
    let refused = app.get("/api/sites").bearer(&token).send().await.expect(StatusCode::UNAUTHORIZED);
    assert_eq!((refused.code().as_str(), refused.header("www-authenticate")), ("unauthenticated", "Bearer"));
    assert_eq!(listed(&app, &session).await, Vec::<Value>::new());
    app.delete(&path).bearer(&session).send().await.expect(StatusCode::NOT_FOUND);
    app.get("/api/sites").bearer(&session).send().await.expect(StatusCode::OK);
}

/// What a scope is to open, said once more and otherwise than in `auth/scopes.rs`.
fn expected(method: &str, path: &str) -> Option<&'static str> {
    let below = |prefix: &str| path == prefix || path.starts_with(&format!("{prefix}/"));
    if ["/api/auth", "/api/doctor", "/api/mfa", "/api/settings", "/api/users"].into_iter().any(below) {
        return None;
    }
    match method {
        "GET" if below("/api/audit") => Some("audit:read"),
        "GET" => Some("read"),
        _ if path == "/api/sites/{id}/command" => Some("commands:write"),
        _ if ["/api/sites", "/api/groups", "/api/alerts"].into_iter().any(below) => Some("sites:write"),
        _ if below("/api/videos") || below("/api/deployments") => Some("content:write"),
        _ if below("/api/agencies") => None,
        _ => panic!("{method} {path}: nobody has decided which scope opens it"),
    }
}

#[test]
fn every_route_has_been_decided_about_for_tokens() {
    let mut opened = 0;
    for (path, method, operation) in operations() {
        if operation.get("security").is_none() {
            continue;
        }
        let verb = Method::from_bytes(method.as_bytes()).expect("a method");
        let opens = TokenScope::that_opens(&verb, &path).map(TokenScope::name);
        let closed = NEVER.iter().any(|never| path.starts_with(never))
            || (method != "GET" && NEVER_ACTS.iter().any(|never| path.starts_with(never)));
        assert!(opens.is_some() != closed, "{method} {path} needs a row in auth/scopes.rs, or a place below NEVER");
        assert_eq!(opens, expected(&method, &path), "{method} {path}");
        opened += usize::from(opens.is_some());
    }
    assert!(opened > 40, "only {opened} routes were looked at");
}

#[tokio::test]
async fn each_scope_opens_its_routes_and_no_other() {
    let app = TestApp::new().await;
    let session = app.token("super_admin").await;
    for scope in ALL {
        let (_, token) = app.api_token(&session, &[*scope]).await;
        for (path, method, operation) in operations() {
            if operation.get("security").is_none() {
                continue;
            }
            let verb = Method::from_bytes(method.as_bytes()).expect("a method");
            let status = app.call(verb, &fill(&path)).bearer(&token).send().await.status;
            let opens = expected(&method, &path) == Some(*scope);
            assert_eq!(status != 403, opens, "{method} {path} with {scope}: {status}");
            assert_ne!(status, 401, "{method} {path} with {scope}");
        }
    }
}

#[tokio::test]
async fn within_its_scopes_a_token_may_what_its_person_may() {
    let app = TestApp::new().await;
    let mut people = Vec::new();
    for role in ["super_admin", "admin", "operator", "viewer"] {
        people.push((role, app.token(role).await));
    }
    people.push(("agency", tenant(&app, "agency").await.token));
    people.push(("sponsor", tenant(&app, "sponsor").await.token));
    for (role, session) in people {
        let (_, token) = app.api_token(&session, ALL).await;
        for (path, method, operation) in operations() {
            if operation.get("security").is_none() {
                continue;
            }
            let route = format!("{method} {path}");
            let (_, allowed) = RIGHTS.iter().find(|(known, _)| *known == route).expect("a row");
            let verb = Method::from_bytes(method.as_bytes()).expect("a method");
            let status = app.call(verb, &fill(&path)).bearer(&token).send().await.status;
            let may = allowed.contains(&role) && expected(&method, &path).is_some();
            assert_eq!(status != 403, may, "{route} with a token of {role}: {status}");
        }
    }
}

#[tokio::test]
async fn a_token_sees_its_persons_tenant_and_no_other() {
    let app = TestApp::new().await;
    let (own, other) = (tenant(&app, "agency").await, tenant(&app, "agency").await);
    let (_, token) = app.api_token(&own.token, ALL).await;
    let page = app.get("/api/sites").bearer(&token).send().await.expect(StatusCode::OK).json();
    assert_eq!((&page["pagination"]["total"], &page["data"][0]["id"]), (&json!(1), &json!(own.site.to_string())));
    let foreign = format!("/api/sites/{}", other.site);
    app.get(&foreign).bearer(&token).send().await.expect(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_token_ends_with_everything_that_it_stands_on() {
    let app = TestApp::new().await;
    let sql = app.db.owner().await;
    for (act, undo) in [
        ("update users set is_active = false", Some("update users set is_active = true")),
        ("update users set status = 'suspended'", Some("update users set status = 'active'")),
        ("update api_tokens set revoked_at = now()", None),
        ("update api_tokens set expires_at = '2026-01-15 12:00:00Z'", None),
        ("delete from users", None),
    ] {
        let session = app.token("admin").await;
        let (_, token) = app.api_token(&session, ALL).await;
        assert_eq!(status(&app, &token).await, 200);
        sql.batch_execute(act).await.expect("the owner may");
        let site = json!({"site_name": "Gymnase", "club_name": "Club"});
        let answer = app.post("/api/sites", site).bearer(&token).send().await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "unauthenticated"), "after {act}");
        if let Some(undo) = undo {
            sql.batch_execute(undo).await.expect("the owner may");
            assert_eq!(status(&app, &token).await, 200);
        }
    }
    assert!(sql.query("select 1 from sites", &[]).await.expect("rows").is_empty(), "nothing was done");
}

#[tokio::test]
async fn a_token_lives_until_its_second_and_logging_out_does_not_end_it() {
    let app = TestApp::with(&[("JWT_EXPIRES_IN", "90d")]).await;
    let session = app.token("viewer").await;
    let (_, token) = app.api_token(&session, &["read"]).await;
    app.post("/api/auth/logout", json!({})).bearer(&session).send().await.expect(StatusCode::OK);
    app.clock.advance(Duration::from_secs(30 * 24 * 3_600 - 1));
    assert_eq!(status(&app, &token).await, 200);
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(status(&app, &token).await, 401);
    let entry = app.post("/api/auth/logout", json!({})).bearer(&token).send().await;
    entry.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_token_acts_in_the_role_that_its_person_has_now_and_ends_when_that_falls() {
    let app = TestApp::new().await;
    let session = app.token("operator").await;
    let (_, token) = app.api_token(&session, ALL).await;
    let delete = format!("/api/sites/{}", SiteId::new());
    app.delete(&delete).bearer(&token).send().await.expect(StatusCode::FORBIDDEN);
    let sql = app.db.owner().await;
    sql.batch_execute("update users set role = 'admin', full_name = 'Camille D.'").await.expect("the owner may");
    app.delete(&delete).bearer(&token).send().await.expect(StatusCode::NOT_FOUND);
    sql.batch_execute("update users set role = 'viewer'").await.expect("the owner may");
    app.get("/api/sites").bearer(&token).send().await.expect(StatusCode::UNAUTHORIZED);
    sql.batch_execute("update users set role = 'admin'").await.expect("the owner may");
    app.get("/api/sites").bearer(&token).send().await.expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_does_not_follow_its_person_to_another_tenant() {
    let app = TestApp::new().await;
    let (own, other) = (tenant(&app, "agency").await, tenant(&app, "agency").await);
    let (_, token) = app.api_token(&own.token, ALL).await;
    let (_, neighbour) = app.api_token(&other.token, ALL).await;
    let sql = app.db.owner().await;
    let moved = "update users set agency_id = $1 where agency_id = $2";
    sql.execute(moved, &[&other.id, &own.id]).await.expect("the owner may");
    assert_eq!((status(&app, &token).await, status(&app, &neighbour).await), (401, 200));
}

/// Between the look at a token and the flush of the request somebody may revoke it.
#[tokio::test]
async fn the_flush_itself_proves_the_token() {
    let app = TestApp::new().await;
    let session = app.token("admin").await;
    let (id, _) = app.api_token(&session, ALL).await;
    let sql = app.db.owner().await;
    let user: uuid::Uuid = sql.query_one("select id from users", &[]).await.expect("one").get(0);
    let token: TokenId = id.parse().expect("an id");
    let run = async |token: TokenId, role: &'static str| {
        let user = UserId(user);
        let claim = Claim {
            credential: token.into(),
            user,
            role,
            agency: None,
            sponsor: None,
            now: app.clock.now(),
            ip: std::net::Ipv4Addr::LOCALHOST.into(),
        };
        let act = query("insert into groups (name) values ('x')").nothing();
        app.pool().run(Scope::Staff(user), Some(&claim), act).await
    };
    run(token, "admin").await.expect("a token that stands");
    for (token, role) in [(TokenId::new(), "admin"), (token, "super_admin")] {
        assert!(matches!(run(token, role).await, Err(Error::SessionGone)), "{role}");
    }
    sql.batch_execute("update api_tokens set revoked_at = now()").await.expect("the owner may");
    assert!(matches!(run(token, "admin").await, Err(Error::SessionGone)));
    assert_eq!(sql.query("select 1 from groups", &[]).await.expect("rows").len(), 1, "only the first was written");
}

#[tokio::test]
async fn a_tokens_streams_end_with_it() {
    let app = TestApp::new().await;
    let session = app.token("operator").await;
    let mut tab = app.get("/api/events").bearer(&session).open().await;
    tab.says("hello").await;
    let (id, token) = app.api_token(&session, &["read"]).await;
    let mut program = app.get("/api/events").bearer(&token).open().await;
    program.says("hello").await;
    app.app.changes.note(Change::Video(neopro_central::ids::VideoId::new()));
    assert_eq!(program.says("changes").await["videos"].as_array().map(Vec::len), Some(1));
    app.delete(&format!("{TOKENS}/{id}")).bearer(&session).send().await.expect(StatusCode::OK);
    assert_eq!(program.says("end").await, json!({"reason": "session"}));
    assert_eq!(program.next().await, None);
    tab.says("changes").await;
    assert_eq!(tab.within(Duration::from_millis(300)).await, None, "the person's own goes on");
    // A scope that does not read hears nothing.
    let (_, writer) = app.api_token(&session, &["sites:write"]).await;
    app.get("/api/events").bearer(&writer).send().await.expect(StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn whoever_ends_a_token_elsewhere_ends_its_streams_within_a_second() {
    let app = TestApp::new().await;
    let looking = tokio::spawn(events::jobs::run(app.app.clone()));
    let sql = app.db.owner().await;
    for act in [
        "update api_tokens set revoked_at = now() where revoked_at is null",
        "update api_tokens set expires_at = '2026-01-15 12:00:00Z'",
        "update users set status = 'suspended'",
        "delete from users",
    ] {
        let session = app.token("viewer").await;
        let (_, token) = app.api_token(&session, &["read"]).await;
        let mut program = app.get("/api/events").bearer(&token).open().await;
        program.says("hello").await;
        sql.batch_execute(act).await.expect("the owner may");
        let ended = Instant::now();
        assert_eq!(program.says("end").await, json!({"reason": "session"}), "{act}");
        assert!(ended.elapsed() < Duration::from_millis(1_500), "{act}: {:?}", ended.elapsed());
    }
    looking.abort();
}

#[tokio::test]
async fn the_last_use_is_written_down_now_and_then_with_its_address() {
    let app = TestApp::with(&[("TRUSTED_PROXY_HOPS", "1")]).await;
    let session = app.token("viewer").await;
    let (_, token) = app.api_token(&session, &["read"]).await;
    let used = async || {
        let row = app.db.owner().await;
        let row = row.query_one("select extract(epoch from last_used_at)::bigint, last_ip from api_tokens", &[]).await;
        let row = row.expect("one token");
        (row.get::<_, Option<i64>>(0).map(|at| at - NOON), row.get::<_, Option<String>>(1).unwrap_or_default())
    };
    let call = async |from: &str| {
        let call = app.get("/api/sites").bearer(&token).header("x-forwarded-for", from);
        call.send().await.expect(StatusCode::OK);
    };
    assert_eq!(used().await, (None, String::new()));
    call("6.6.6.6, 203.0.113.9").await;
    assert_eq!(used().await, (Some(0), "203.0.113.9".to_owned()));
    app.clock.advance(Duration::from_secs(299));
    call("203.0.113.10").await;
    assert_eq!(used().await, (Some(0), "203.0.113.9".to_owned()), "a read stays a read");
    app.clock.advance(Duration::from_secs(2));
    call("203.0.113.10").await;
    assert_eq!(used().await, (Some(301), "203.0.113.10".to_owned()));
    let shown = &listed(&app, &session).await[0];
    assert_eq!(
        (&shown["last_used_at"], &shown["last_ip"]),
        (&json!("2026-01-15T12:05:01.000Z"), &json!("203.0.113.10"))
    );
}

#[tokio::test]
async fn only_hashes_are_stored_and_the_journal_tells_no_secret() {
    let app = TestApp::new().await;
    let session = app.token("admin").await;
    let (id, token) = app.api_token(&session, &["read", "audit:read"]).await;
    app.delete(&format!("{TOKENS}/{id}")).bearer(&session).send().await.expect(StatusCode::OK);
    let sql = app.db.owner().await;
    let text: String = sql
        .query_one(
            "select (select jsonb_agg(t) from api_tokens t)::text || (select jsonb_agg(l) from audit_logs l)::text",
            &[],
        )
        .await
        .expect("rows")
        .get(0);
    assert!(!text.contains(&token[4..]) && !text.contains(&token[4..20]), "{text}");
    let entries = sql
        .query(
            "select action, target_id, coalesce(after, before)::text from audit_logs where target_type = 'api_token' order by created_at, action",
            &[],
        )
        .await
        .expect("the journal");
    let told: Vec<(String, String)> = entries.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(told, [("API_TOKEN_CREATED".to_owned(), id.clone()), ("API_TOKEN_REVOKED".to_owned(), id)]);
    for entry in &entries {
        assert!(entry.get::<_, String>(2).contains("audit:read"), "what it opened: {entry:?}");
    }
}

#[tokio::test]
async fn a_token_counts_in_the_header_alone() {
    let app = TestApp::new().await;
    let session = app.token("admin").await;
    let (_, token) = app.api_token(&session, ALL).await;
    for path in [format!("/api/sites?token={token}"), format!("/api/sites?access_token={token}")] {
        app.get(&path).send().await.expect(StatusCode::UNAUTHORIZED);
    }
    let cookie = format!("neopro_token={token}");
    app.get("/api/sites").header("cookie", &cookie).send().await.expect(StatusCode::UNAUTHORIZED);
    app.get("/api/sites").header("x-api-key", &token).send().await.expect(StatusCode::UNAUTHORIZED);
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let call = app.get("/api/sites").header("authorization", &format!("{scheme} {token}"));
        call.send().await.expect(StatusCode::OK);
    }
}

#[tokio::test]
async fn nobody_sees_or_ends_the_tokens_of_another() {
    let app = TestApp::new().await;
    let (mine, other) = (app.token("super_admin").await, app.token("viewer").await);
    let (id, token) = app.api_token(&other, &["read"]).await;
    assert_eq!(listed(&app, &mine).await, Vec::<Value>::new());
    app.delete(&format!("{TOKENS}/{id}")).bearer(&mine).send().await.expect(StatusCode::NOT_FOUND);
    assert_eq!(status(&app, &token).await, 200);
    let sql = app.db.owner().await;
    let told = sql.query("select 1 from audit_logs where action = 'API_TOKEN_REVOKED'", &[]).await.expect("rows");
    assert!(told.is_empty(), "what did not happen is not in the journal");
}

#[tokio::test]
async fn what_is_wrong_with_a_new_token_is_said_by_its_field() {
    let app = TestApp::new().await;
    let session = app.token("viewer").await;
    let good = json!({"name": "Essai", "scopes": ["read"], "expires_in_days": 365});
    for (field, value) in [
        ("name", json!("")),
        ("name", json!("x".repeat(101))),
        ("name", json!(7)),
        ("scopes", json!([])),
        ("scopes", json!(null)),
        ("scopes", json!("read")),
        ("scopes", json!(["read", "read", "read", "read", "read", "read"])),
        ("scopes.0", json!(["admin"])),
        ("scopes.0", json!(["READ"])),
        ("scopes.1", json!(["read", "read"])),
        ("expires_in_days", json!(0)),
        ("expires_in_days", json!(366)),
        ("expires_in_days", json!(1.5)),
        ("expires_in_days", json!(null)),
    ] {
        let mut new = good.clone();
        new[field.split('.').next().expect("a name")] = value.clone();
        let refused = app.post(TOKENS, new).bearer(&session).send().await.expect(StatusCode::BAD_REQUEST);
        assert_eq!(refused.fields(), [field], "{value}");
    }
    let nothing = app.post(TOKENS, json!({})).bearer(&session).send().await.expect(StatusCode::BAD_REQUEST);
    assert_eq!(nothing.fields(), ["name", "scopes", "expires_in_days"]);
    app.post(TOKENS, good).bearer(&session).send().await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn a_person_has_fifty_tokens_at_most_and_those_that_ended_do_not_count() {
    let app = TestApp::new().await;
    let session = app.token("viewer").await;
    let (first, _) = app.api_token(&session, &["read"]).await;
    for _ in 1..50 {
        app.api_token(&session, &["read"]).await;
    }
    let new = json!({"name": "Essai", "scopes": ["read"], "expires_in_days": 1});
    let refused = app.post(TOKENS, new.clone()).bearer(&session).send().await.expect(StatusCode::CONFLICT);
    assert_eq!(refused.code(), "too_many_tokens");
    app.delete(&format!("{TOKENS}/{first}")).bearer(&session).send().await.expect(StatusCode::OK);
    app.post(TOKENS, new).bearer(&session).send().await.expect(StatusCode::CREATED);
    assert_eq!(listed(&app, &session).await.len(), 50);
}

#[tokio::test]
async fn a_token_that_expired_is_listed_for_a_month_and_kept_for_three() {
    let app = TestApp::with(&[("JWT_EXPIRES_IN", "90d")]).await;
    app.account("camille@club.fr", "viewer").await;
    let session = app.login("camille@club.fr").await;
    app.api_token(&session, &["read"]).await;
    app.clock.advance(Duration::from_secs(59 * 24 * 3_600));
    assert_eq!(listed(&app, &session).await.len(), 1, "so that one sees why a program stopped");
    app.clock.advance(Duration::from_secs(2 * 24 * 3_600));
    assert_eq!(listed(&app, &session).await.len(), 0);
    app.clock.advance(Duration::from_secs(60 * 24 * 3_600));
    let session = app.login("camille@club.fr").await;
    app.api_token(&session, &["read"]).await;
    let rows = app.db.owner().await.query("select 1 from api_tokens", &[]).await.expect("rows");
    assert_eq!(rows.len(), 1, "the old one went as the new one came");
}
