//! Every route, as everybody: each role, those who have no session or had one, boxes, and programs with a token of each
//! scope; tenants with what is their own and with what is not.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio_postgres::Client;
use uuid::Uuid;

use super::catalogue::{Table, tables};
use super::rights::{PUBLIC, RIGHTS, TENANTS, may, opened_by, scopes, table_of};
use super::world::{Tenant, World};
use crate::support::TestApp;
use crate::support::app::Call;
use crate::support::contract::operations;

const STAFF: [&str; 4] = ["super_admin", "admin", "operator", "viewer"];

/// A route and what its description says.
struct Route {
    name: String,
    path: String,
    method: Method,
    is_open: bool,
    takes_body: bool,
    takes_json: bool,
}

/// As a page of the server's own, whose browser says so: else the cookie itself is what is refused.
fn by_cookie<'a>(call: Call<'a>, token: &str) -> Call<'a> {
    call.header("cookie", &format!("neopro_token={token}")).header("sec-fetch-site", "same-origin")
}

fn routes() -> Vec<Route> {
    let read = |(path, method, operation): (String, String, Value)| Route {
        name: format!("{method} {path}"),
        path,
        method: Method::from_bytes(method.as_bytes()).expect("a method"),
        is_open: operation.get("security").is_none(),
        takes_body: operation["requestBody"].is_object(),
        takes_json: operation["requestBody"]["content"]["application/json"].is_object(),
    };
    operations().into_iter().map(read).collect()
}

/// The address of a route with ids that `of` chooses by table.
fn filled(pattern: &str, of: impl Fn(&'static str) -> Option<Uuid>) -> String {
    let mut before = "";
    let mut parts = Vec::new();
    for part in pattern.split('/') {
        if part.starts_with('{') {
            parts.push(of(table_of(before)).unwrap_or(Uuid::nil()).to_string());
        } else {
            before = part;
            parts.push(part.to_owned());
        }
    }
    parts.join("/")
}

fn of_nobody(pattern: &str) -> String {
    filled(pattern, |_| None)
}

#[test]
fn the_table_of_rights_is_that_of_the_router() {
    let routes = routes();
    for route in &routes {
        let row = RIGHTS.iter().filter(|(known, _)| *known == route.name).count();
        let public = PUBLIC.iter().filter(|known| **known == route.name).count();
        let expected = if route.is_open { (0, 1) } else { (1, 0) };
        assert_eq!((row, public), expected, "{}: its rows in RIGHTS and in PUBLIC", route.name);
    }
    let declared = RIGHTS.iter().map(|(name, _)| *name).chain(PUBLIC.iter().copied());
    for name in declared {
        assert!(routes.iter().any(|route| route.name == name), "{name} is declared and there is no such route");
    }
    for (name, roles) in RIGHTS {
        assert!(!roles.is_empty(), "{name}");
        for role in *roles {
            assert!(STAFF.contains(role) || TENANTS.contains(role), "{name} is for {role}");
        }
        // What a role may, a mightier one of NeoPro's may as well.
        let staff: Vec<bool> = STAFF.iter().map(|role| roles.contains(role)).collect();
        assert!(staff.is_sorted_by(|one, next| one >= next), "{name}: {roles:?}");
    }
}

/// A body that is right for as many routes as one can be.
fn body() -> Value {
    let id = Uuid::nil();
    json!({"site_name": "Autre", "club_name": "Club", "name": "Autre", "type": "custom", "command": "reboot",
        "video_id": id, "video_ids": [id], "target_type": "site", "target_id": id, "site_ids": [id], "action": "install",
        "targets": [{"type": "site", "id": id}], "email": "qui@club.test", "full_name": "Qui", "role": "viewer",
        "status": "active", "title": "Autre", "password": "Tir au but 7", "current_password": "Tir au but 7",
        "new_password": "Tir au but 8", "language": "fr", "code": "123456", "scopes": ["read"], "expires_in_days": 1,
        "mfa_required_roles": [], "mfa_grace_days": 14})
}

/// Tokens of the API that open nothing any more: revoked, expired, and of a person who will be suspended.
async fn programs_that_are_over(app: &TestApp) -> [(&'static str, String); 4] {
    let person = app.token("super_admin").await;
    let scopes: Vec<String> = scopes();
    let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
    let (gone, revoked) = app.api_token(&person, &scopes).await;
    app.delete(&format!("/api/auth/tokens/{gone}")).bearer(&person).send().await.expect(StatusCode::OK);
    let (old, expired) = app.api_token(&person, &scopes).await;
    let old = Uuid::parse_str(&old).expect("an id");
    let owner = app.db.owner().await;
    let past = "update api_tokens set expires_at = created_at where id = $1";
    assert_eq!(owner.execute(past, &[&old]).await.expect("the owner may"), 1);
    let (_, of_suspended) = app.api_token(&person, &scopes).await;
    let invented = format!("npt_{}", "A".repeat(43));
    [
        ("a revoked program", revoked),
        ("an expired one", expired),
        ("one of who is suspended", of_suspended),
        ("an invented one", invented),
    ]
}

#[tokio::test]
async fn who_has_no_session_is_nobody_everywhere() {
    let app = TestApp::new().await;
    let (revoked, suspended) = (app.token("super_admin").await, app.token("super_admin").await);
    app.call(Method::POST, "/api/auth/logout").bearer(&revoked).send().await.expect(StatusCode::OK);
    let programs = programs_that_are_over(&app).await;
    let owner = app.db.owner().await;
    let deed = "update users set status = 'suspended' \
         where id in (select user_id from sessions where revoked_at is null)";
    assert_eq!(owner.execute(deed, &[]).await.expect("the owner may"), 2);
    let key = "0123456789abcdef".repeat(4);
    let stored = neopro_central::sites::SiteKey::given(&key).stored();
    owner
        .execute("insert into sites (site_name, club_name, api_key) values ('A', 'A', $1)", &[&stored])
        .await
        .expect("a site with this key");
    let world = tables(&owner).await;
    let (before, mut wrong, mut judged) = (rows(&owner, &world).await, Vec::new(), 0);

    for route in routes() {
        let path = of_nobody(&route.path);
        let call = |path: &str| {
            let call = app.call(route.method.clone(), path);
            if route.takes_json && !route.is_open { call.json(&body()) } else { call }
        };
        let anonymous = call(&path).send().await.status;
        for (who, call) in [
            ("nobody", call(&path)),
            ("a box", call(&path).bearer(&key)),
            ("a box, by cookie", by_cookie(call(&path), &key)),
            ("a box, by the header of NeoPro 1", call(&path).header("x-api-key", &key)),
            ("who hides a session in the address", call(&format!("{path}?token={suspended}"))),
        ] {
            let status = call.send().await.status;
            if !route.is_open && status != 401 {
                wrong.push(format!("{} to {who}: {status}", route.name));
            }
        }
        for (who, token) in &programs {
            let status = call(&path).bearer(token).send().await.status;
            if !route.is_open && status != 401 {
                wrong.push(format!("{} to {who}: {status}", route.name));
            }
        }
        for (who, call) in [
            ("who logged out", call(&path).bearer(&revoked)),
            ("who logged out, by cookie", by_cookie(call(&path), &revoked)),
            ("who is suspended", call(&path).bearer(&suspended)),
            ("who is suspended, by cookie", by_cookie(call(&path), &suspended)),
        ] {
            let status = call.send().await.status;
            // Whether a session stands is asked of the database, where what cannot be read does not come.
            let is_unread = route.takes_body && matches!(status, 400 | 411 | 415);
            let is_right = if route.is_open { status == anonymous } else { status == 401 || is_unread };
            judged += usize::from(route.takes_json && status == 401);
            if !is_right {
                wrong.push(format!("{} to {who}: {status}", route.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(judged >= 30, "{judged} bodies came as far as the session");
    assert_eq!(rows(&owner, &world).await, before, "and nobody has changed a row");
}

#[tokio::test]
async fn each_role_gets_in_where_the_table_says_and_nowhere_else() {
    let app = TestApp::new().await;
    let world = World::build(&app).await;
    let mut wrong = Vec::new();
    for role in STAFF {
        let token = app.token(role).await;
        for route in routes().iter().filter(|route| !route.is_open) {
            let reads = route.method == Method::GET;
            // NeoPro's people read everybody's; what they could do to it is tried on what is not there.
            let path = filled(&route.path, |table| world.tenants[0].id(table).filter(|_| reads));
            let status = app.call(route.method.clone(), &path).bearer(&token).status().await;
            if (status == 403) == may(role, &route.name) || status == 401 || status >= 500 {
                wrong.push(format!("{} as {role}: {status}", route.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");

    let owner = app.db.owner().await;
    let before = rows(&owner, &world.tables).await;
    for caller in &world.tenants {
        // A session of its own: some routes end the others.
        let token = another_session(&app, caller).await;
        for route in routes().iter().filter(|route| !route.is_open) {
            for of in &world.tenants {
                let path = filled(&route.path, |table| of.id(table));
                let status = app.call(route.method.clone(), &path).bearer(&token).status().await;
                let may = may(caller.kind, &route.name);
                // What is its own is there, when it may be read.
                let is_there = status == 200 || route.method != Method::GET || of.word != caller.word || !may;
                if (status == 403) == may || status == 401 || status >= 500 || !is_there {
                    wrong.push(format!("{} of {} as {}: {status}", route.name, of.word, caller.word));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(rows(&owner, &world.tables).await, before, "no tenant has changed a row by any route");
}

/// A session beside the tenant's own, which routes may end.
async fn another_session(app: &TestApp, tenant: &Tenant) -> String {
    let email: String = app
        .db
        .owner()
        .await
        .query_one("select email from users where id = $1", &[&tenant.id("users")])
        .await
        .expect("its person")
        .get(0);
    app.login(&email).await
}

/// What a person changes of himself: his sessions, tokens, factors, tries, and what the journal tells of it.
const OF_PERSONS: [&str; 9] = [
    "api_tokens",
    "audit_logs",
    "known_places",
    "login_challenges",
    "second_factor_tries",
    "session_handles",
    "sessions",
    "tries",
    "users",
];

/// What stands in each table.
async fn rows(owner: &Client, tables: &[Table]) -> BTreeMap<String, String> {
    let mut rows = BTreeMap::new();
    for table in tables.iter().filter(|table| !OF_PERSONS.contains(&table.name.as_str())) {
        let sql = format!(
            "select count(*) || ' ' || md5(coalesce(string_agg(t::text, '' order by t::text), '')) from {} t",
            table.name
        );
        rows.insert(table.name.clone(), owner.query_one(&sql, &[]).await.expect("a digest").get(0));
    }
    rows
}

/// A program may what its person may, and of that what its scope opens; nothing else, and never more than one scope.
#[tokio::test]
async fn a_token_of_each_scope_opens_what_the_table_says_and_nothing_else() {
    let app = TestApp::new().await;
    let world = World::build(&app).await;
    let has_tokens = routes().iter().any(|route| route.name == "POST /api/auth/tokens");
    assert_eq!(scopes().is_empty(), !has_tokens, "the description names the scopes where there are tokens");
    let people = [
        ("super_admin", app.token("super_admin").await),
        ("admin", app.token("admin").await),
        ("operator", app.token("operator").await),
        ("viewer", app.token("viewer").await),
        ("agency", world.tenants[0].token.clone()),
        ("sponsor", world.tenants[2].token.clone()),
    ];
    let mut wrong = Vec::new();
    for scope in scopes() {
        for (role, session) in &people {
            let new = json!({"name": scope, "scopes": [scope], "expires_in_days": 1});
            let made =
                app.post("/api/auth/tokens", new).bearer(session).send().await.expect(StatusCode::CREATED).json();
            let token = made["token"].as_str().expect("a token");
            for route in routes().iter().filter(|route| !route.is_open) {
                let path = of_nobody(&route.path);
                let status = app.call(route.method.clone(), &path).bearer(token).status().await;
                let opens = may(role, &route.name) && opened_by(&route.name) == Some(scope.as_str());
                if (status == 403) == opens || status == 401 || status >= 500 {
                    wrong.push(format!("{} with {scope} of a {role}: {status}", route.name));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
