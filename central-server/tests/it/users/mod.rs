//! `/api/users`: who manages accounts, what nobody may do to himself, and what ends with a right.

mod ends;
mod invitations;
mod rules;

use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use neopro_central::db::{Claim, Scalar, Scope, query};
use neopro_central::ids::{Credential, SessionId, UserId};
use serde_json::{Value, json};

use crate::support::app::{Answer, PASSWORD};
use crate::support::{TestApp, Watcher};
use crate::walls::tenant;

const USERS: &str = "/api/users";
const NOBODY: &str = "01a2140d-1e46-777d-ae1d-fcbbe9c1485a";

/// An account of this role, logged in.
struct Person {
    id: String,
    email: String,
    token: String,
}

impl Person {
    async fn new(app: &TestApp, name: &str, role: &str) -> Self {
        let email = format!("{name}@neopro.test");
        app.account(&email, role).await;
        let token = app.login(&email).await;
        let me = app.get("/api/auth/me").bearer(&token).send().await.json();
        Self { id: me["id"].as_str().expect("an id").to_owned(), email, token }
    }

    fn path(&self) -> String {
        format!("{USERS}/{}", self.id)
    }

    async fn status(&self, app: &TestApp) -> u16 {
        app.get("/api/auth/me").bearer(&self.token).send().await.status
    }
}

async fn patch(app: &TestApp, path: &str, token: &str, body: Value) -> Answer {
    app.call(Method::PATCH, path).json(&body).bearer(token).send().await
}

async fn set_status(app: &TestApp, by: &Person, whose: &Person, status: &str) -> Answer {
    patch(app, &format!("{}/status", whose.path()), &by.token, json!({"status": status})).await
}

async fn create(app: &TestApp, by: &Person, body: Value) -> Answer {
    app.post(USERS, body).bearer(&by.token).send().await
}

/// The journal's words about an account, in order.
async fn journal(app: &TestApp, id: &str) -> Vec<(String, Value)> {
    let rows = app
        .db
        .owner()
        .await
        .query(
            "select action, to_jsonb(audit_logs) from audit_logs where target_type = 'user' and target_id = $1 \
             and action like 'USER\\_%' and action not like '%\\_LOG%' order by written_at",
            &[&id],
        )
        .await
        .expect("the journal");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

async fn actions(app: &TestApp, id: &str) -> Vec<String> {
    journal(app, id).await.into_iter().map(|(action, _)| action).collect()
}

/// A stream behind its greeting.
async fn watch(app: &TestApp, token: &str) -> Watcher {
    let mut watcher = app.get("/api/events").bearer(token).open().await;
    watcher.says("hello").await;
    watcher
}

/// The stream ends because the session does, within this time of `since`.
async fn ends_within(mut watcher: Watcher, since: Instant, most: Duration) {
    assert_eq!(watcher.says("end").await, json!({"reason": "session"}));
    assert!(since.elapsed() < most, "{:?}", since.elapsed());
    assert_eq!(watcher.next().await, None);
}

#[tokio::test]
async fn accounts_are_listed_as_neopro_1_did_and_in_pages() {
    let app = TestApp::new().await;
    let admin = Person::new(&app, "admin", "admin").await;
    app.clock.advance(Duration::from_secs(60));
    let agency = tenant(&app, "agency").await;
    app.db
        .owner()
        .await
        .batch_execute(
            "update users set created_at = '2026-01-15 12:01+00', full_name = 'Élise Le Goff' where role = 'agency'; \
             update users set created_at = '2026-01-15 12:00+00' where role = 'admin'; \
             insert into users (email, password_hash, role, is_active, created_at) \
               values ('by_the_guide@club.fr', 'x', 'viewer', false, '2026-01-15 12:02+00')",
        )
        .await
        .expect("the owner may");

    let list = app.get(USERS).bearer(&admin.token).send().await.expect(StatusCode::OK).json();
    assert_eq!((&list["success"], &list["data"]["total"]), (&json!(true), &json!(3)));
    let users = list["data"]["users"].as_array().expect("users");
    let roles: Vec<&str> = users.iter().map(|user| user["role"].as_str().expect("a role")).collect();
    assert_eq!(roles, ["viewer", "agency", "admin"], "newest first");
    let keys: Vec<&str> = users[1].as_object().expect("an object").keys().map(String::as_str).collect();
    for old in [
        "id",
        "email",
        "full_name",
        "role",
        "sponsor_id",
        "sponsor_name",
        "agency_id",
        "agency_name",
        "mfa_enabled",
        "status",
        "created_at",
        "updated_at",
        "last_login_at",
    ] {
        assert!(keys.contains(&old), "{old}");
    }
    assert_eq!((&users[1]["agency_id"], &users[1]["agency_name"]), (&json!(agency.id.to_string()), &json!("agency")));
    assert_eq!((&users[0]["status"], &users[0]["has_logged_in"]), (&json!("inactive"), &json!(false)));
    assert_eq!((&users[1]["invited"], &users[1]["has_logged_in"]), (&json!(false), &json!(true)));

    for (query, found) in [
        ("?role=agency", 1),
        ("?role=sponsor", 0),
        ("?status=active", 2),
        ("?status=inactive", 1),
        ("?search=ELISE", 1),
        ("?search=by_the", 1),
        ("?search=%25", 0),
        ("?search=neopro.test&status=active", 1),
    ] {
        let list = app.get(&format!("{USERS}{query}")).bearer(&admin.token).send().await.expect(StatusCode::OK).json();
        let rows = list["data"]["users"].as_array().expect("users").len();
        assert_eq!(
            (list["data"]["total"].as_i64(), rows),
            (Some(found), usize::try_from(found).expect("few")),
            "{query}"
        );
    }
    let page = app.get(&format!("{USERS}?sort=email&limit=2&page=2")).bearer(&admin.token).send().await.json();
    assert_eq!(page["data"]["users"].as_array().map(Vec::len), Some(1));
    assert_eq!((&page["data"]["total"], &page["data"]["pagination"]["hasPrev"]), (&json!(3), &json!(true)));
    let first = app.get(&format!("{USERS}?sort=role")).bearer(&admin.token).send().await.json();
    assert_eq!(first["data"]["users"][0]["role"], "admin", "the mightiest first");
    let last = app.get(&format!("{USERS}?sort=last_login_at&order=desc")).bearer(&admin.token).send().await.json();
    assert_eq!(last["data"]["users"][2]["role"], "viewer", "who was never here comes last");

    let one = app.get(&admin.path()).bearer(&admin.token).send().await.expect(StatusCode::OK).json();
    assert_eq!((&one["success"], &one["data"]["user"]["email"]), (&json!(true), &json!(admin.email)));
    let gone = app.get(&format!("{USERS}/{NOBODY}")).bearer(&admin.token).send().await.expect(StatusCode::NOT_FOUND);
    assert_eq!(gone.json()["success"], false, "failures say so as NeoPro 1 did");
    let known = app.get(&format!("{USERS}/tenants")).bearer(&admin.token).send().await.expect(StatusCode::OK).json();
    assert_eq!(known, json!({"agencies": [{"id": agency.id.to_string(), "name": "agency"}], "sponsors": []}));
}

#[tokio::test]
async fn an_admin_reads_accounts_and_cannot_write_them_not_even_behind_the_routes() {
    let app = TestApp::new().await;
    let (admin, other) = (Person::new(&app, "admin", "admin").await, Person::new(&app, "viewer", "viewer").await);
    for call in [
        app.post(USERS, json!({})),
        app.put(&other.path(), json!({"role": "admin"})),
        app.put(&admin.path(), json!({"role": "super_admin"})),
        app.delete(&other.path()),
        app.call(Method::PATCH, &format!("{}/status", other.path())).json(&json!({"status": "suspended"})),
        app.post(&format!("{}/reset-password", other.path()), json!({"new_password": "Une autre porte 9"})),
        app.post(&format!("{}/invite", other.path()), json!({})),
    ] {
        let refused = call.bearer(&admin.token).send().await.expect(StatusCode::FORBIDDEN);
        assert_eq!(refused.json()["success"], false);
    }

    // The second wall by itself: statements without any condition, as this session.
    let sql = app.db.owner().await;
    let session = async |email: &str| -> (uuid::Uuid, uuid::Uuid) {
        let sql = app.db.owner().await;
        let own = "select s.id, u.id from sessions s join users u on u.id = s.user_id where email = $1";
        let row = sql.query_one(own, &[&email]).await.expect("a session");
        (row.get(0), row.get(1))
    };
    let seen = async |email: &str, role: &'static str, statement: &'static str| {
        let (session, user) = session(email).await;
        let (credential, user) = (Credential::Session(SessionId(session)), UserId(user));
        let (now, ip) = (app.clock.now(), std::net::Ipv4Addr::LOCALHOST.into());
        let claim = Claim { credential, user, role, agency: None, sponsor: None, now, ip };
        let rows = query(statement).all::<Scalar<i32>>();
        app.pool().run(Scope::Staff(user), Some(&claim), rows).await.map(|rows| rows.len())
    };
    assert_eq!(seen(&admin.email, "admin", "select 1 from users").await.expect("rows"), 2);
    assert_eq!(seen(&other.email, "viewer", "select 1 from users").await.expect("rows"), 1, "himself");
    for write in [
        "update users set role = 'super_admin' returning 1",
        "delete from users returning 1",
        "update sessions set revoked_at = now() where user_id <> neopro_user() returning 1",
    ] {
        assert_eq!(seen(&admin.email, "admin", write).await.expect("no row, hence no failure"), 0, "{write}");
    }
    let insert = "insert into users (email, password_hash) values ('x@y.fr', 'x') returning 1";
    seen(&admin.email, "admin", insert).await.expect_err("a row that he may not write");
    // What a session says of itself is proven before it counts.
    seen(&admin.email, "super_admin", "delete from users returning 1").await.expect_err("another role");
    let count: i64 = sql.query_one("select count(*) from users", &[]).await.expect("a count").get(0);
    assert_eq!(count, 2);
    let top = Person::new(&app, "top", "super_admin").await;
    assert_eq!(seen(&top.email, "super_admin", "select 1 from users").await.expect("rows"), 3, "the control");
}

#[tokio::test]
async fn tenants_and_their_people_see_nothing_of_each_other() {
    let app = TestApp::new().await;
    let (agency, other, sponsor) =
        (tenant(&app, "agency").await, tenant(&app, "agency").await, tenant(&app, "sponsor").await);
    let viewer = app.token("viewer").await;
    for token in [&agency.token, &sponsor.token, &viewer] {
        for path in [USERS.to_owned(), format!("{USERS}/tenants"), format!("{USERS}/{NOBODY}")] {
            let refused = app.get(&path).bearer(token).send().await.expect(StatusCode::FORBIDDEN);
            assert!(!refused.text.contains(&other.id.to_string()));
        }
    }
}

#[tokio::test]
async fn an_account_is_made_for_a_role_and_where_it_belongs() {
    let app = TestApp::new().await;
    let top = Person::new(&app, "top", "super_admin").await;
    let (agency, sponsor) = (tenant(&app, "agency").await.id, tenant(&app, "sponsor").await.id);
    let new = json!({
        "email": " Camille@Club.fr ", "password": PASSWORD, "full_name": "Camille Durand", "role": "agency",
        "agency_id": agency, "sponsor_id": sponsor,
    });
    let made = create(&app, &top, new).await.expect(StatusCode::CREATED).json();
    assert_eq!(made["success"], true);
    let made = &made["data"];
    assert_eq!((&made["email"], &made["status"]), (&json!("Camille@Club.fr"), &json!("active")));
    assert_eq!((&made["agency_id"], &made["sponsor_id"]), (&json!(agency), &Value::Null), "no agency has a sponsor");
    let token = app.login("camille@club.FR").await;
    assert_eq!(app.get("/api/sites").bearer(&token).send().await.expect(StatusCode::OK).json()["total"], 1);
    assert_eq!(actions(&app, made["id"].as_str().expect("an id")).await, ["USER_CREATED"]);

    let again = json!({"email": "CAMILLE@club.fr", "password": PASSWORD, "full_name": "X", "role": "viewer"});
    let taken = create(&app, &top, again).await.expect(StatusCode::CONFLICT);
    assert_eq!(taken.code(), "email_taken");
    for (body, fields) in [
        (json!({}), vec!["email", "full_name", "role"]),
        (
            json!({"email": "a", "full_name": "A", "role": "root", "password": "court"}),
            vec!["email", "role", "password"],
        ),
        (json!({"email": "a@b.fr", "full_name": "A", "role": "agency", "password": PASSWORD}), vec!["agency_id"]),
        (
            json!({"email": "a@b.fr", "full_name": "A", "role": "sponsor", "agency_id": agency, "password": PASSWORD}),
            vec!["sponsor_id"],
        ),
        (
            json!({"email": "a@b.fr", "full_name": "A", "role": "sponsor", "sponsor_id": NOBODY, "password": PASSWORD}),
            vec!["sponsor_id"],
        ),
        (
            json!({"email": "a@b.fr", "full_name": "A", "role": "agency", "agency_id": sponsor, "password": PASSWORD}),
            vec!["agency_id"],
        ),
        (json!({"email": "a@b.fr", "full_name": "A", "role": "viewer", "password": "password123"}), vec!["password"]),
    ] {
        let refused = create(&app, &top, body.clone()).await.expect(StatusCode::BAD_REQUEST);
        assert_eq!(refused.fields(), fields, "{body}");
    }
    let list = app.get(&format!("{USERS}?search=a@b.fr")).bearer(&top.token).send().await.json();
    assert_eq!(list["data"]["total"], 0, "nothing of what was refused remains");
}

/// Waits until so many statements on this database wait for a lock.
async fn until_waiting(app: &TestApp, many: i64) {
    let watcher = app.db.admin().await;
    for _ in 0..500 {
        let waiting =
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        if watcher.query_one(waiting, &[]).await.expect("a count").get::<_, i64>(0) >= many {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("they do not wait");
}

#[tokio::test]
async fn a_name_that_stays_as_it_was_is_nothing_for_the_journal() {
    let app = TestApp::new().await;
    let person = Person::new(&app, "p", "viewer").await;
    let rename = async |name: &str| {
        let answer = patch(&app, "/api/auth/me", &person.token, json!({"full_name": name})).await;
        answer.expect(StatusCode::OK).json()["full_name"].clone()
    };
    assert_eq!(rename("Camille Durand").await, "Camille Durand");
    assert_eq!(actions(&app, &person.id).await, [""; 0], "it is the name that he has");
    assert_eq!(rename("Camille Morel").await, "Camille Morel");
    assert_eq!(rename("Camille Morel").await, "Camille Morel");
    assert_eq!(actions(&app, &person.id).await, ["USER_UPDATED"], "the change, and nothing behind it");
}
