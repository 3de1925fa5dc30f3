//! `/api/auth`.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::app::{Answer, NOON, PASSWORD};

const LOGIN: &str = "/api/auth/login";
const ME: &str = "/api/auth/me";

#[tokio::test]
async fn a_login_gives_a_token_and_a_cookie_that_both_open_the_door() {
    let app = TestApp::new().await;
    app.account("camille@club.fr", "operator").await;
    let answer = app.post(LOGIN, json!({"email": " Camille@CLUB.fr ", "password": PASSWORD})).send().await;
    let answer = answer.expect(StatusCode::OK);
    let body = answer.json();
    assert_eq!(body["user"]["email"], "camille@club.fr");
    assert_eq!(body["user"]["role"], "operator");
    assert_eq!(body["user"]["mfa_enabled"], false);
    let token = body["token"].as_str().expect("a token");
    let cookie = answer.header("set-cookie");
    assert_eq!(cookie, format!("neopro_token={token}; HttpOnly; SameSite=Lax; Path=/; Max-Age=604800"));

    for call in [
        app.get(ME).bearer(token),
        app.get(ME).header("cookie", &format!("other=1; neopro_token={token}")),
        app.get(ME).header("cookie", "neopro_token=stale").bearer(token),
    ] {
        let me = call.send().await.expect(StatusCode::OK).json();
        assert_eq!(me["email"], "camille@club.fr");
        assert_eq!(me["full_name"], "Camille Durand");
        assert_eq!(me["last_login_at"], "2026-01-15T12:00:00.000Z");
    }
}

#[tokio::test]
async fn in_production_the_cookie_is_secure_and_fits_the_page_it_is_for() {
    let app = TestApp::with(&production()).await;
    app.account("camille@club.fr", "operator").await;
    let login = || app.post(LOGIN, json!({"email": "camille@club.fr", "password": PASSWORD}));

    let own = login().send().await;
    assert!(own.header("set-cookie").contains("; SameSite=Lax; Secure; Path=/; Max-Age=3600"));
    let foreign = login().header("origin", "https://dashboard.neopro.test").send().await;
    assert!(foreign.header("set-cookie").contains("; SameSite=None; Partitioned; Secure;"));
    assert_eq!(foreign.header("access-control-allow-origin"), "https://dashboard.neopro.test");

    let out = app.post("/api/auth/logout", json!({})).header("origin", "https://dashboard.neopro.test").send().await;
    assert_eq!(
        out.header("set-cookie"),
        "neopro_token=; HttpOnly; SameSite=None; Partitioned; Secure; Path=/; Max-Age=0"
    );
}

/// A complete production environment, with obviously invented secrets.
pub fn production() -> Vec<(&'static str, &'static str)> {
    vec![
        ("NODE_ENV", "production"),
        ("DATABASE_URL", "embedded"),
        ("SUPABASE_URL", "https://abcdefghijklmnopqrst.supabase.co"),
        ("SUPABASE_SERVICE_KEY", "sb_secret_for_tests"),
        ("REDIS_URL", "rediss://default:0a1b2c3d4e5f@eu1-caring-owl-12345.upstash.io:6379"),
        ("JWT_SECRET", "Uc4dTQm0pXk2vLr9sWz7yBn3hGf6jKe8aPq1iOu5tRvMxNlZbCwYgHdSfJkE0T2A"),
        ("MFA_ENCRYPTION_KEY", "q7Lw2Zs9Xc4Vb6Nm1Kj8Hg3Fd5Sa0PoI"),
        ("JWT_EXPIRES_IN", "1h"),
        ("ALLOWED_ORIGINS", "https://dashboard.neopro.test, https://second.neopro.test/"),
    ]
}

#[tokio::test]
async fn unknown_mistaken_and_suspended_look_the_same() {
    let app = TestApp::new().await;
    app.account("camille@club.fr", "admin").await;
    app.account("gone@club.fr", "admin").await;
    app.account("stopped@club.fr", "admin").await;
    let sql = app.db.owner().await;
    sql.batch_execute(
        "update users set is_active = false where email = 'gone@club.fr'; \
         update users set status = 'suspended' where email = 'stopped@club.fr'",
    )
    .await
    .expect("the owner may");

    let mut sentences = std::collections::BTreeSet::new();
    for (email, password) in [
        ("nobody@club.fr", PASSWORD),
        ("camille@club.fr", "tir au but 7"),
        ("gone@club.fr", PASSWORD),
        ("stopped@club.fr", PASSWORD),
    ] {
        let answer = app.post(LOGIN, json!({"email": email, "password": password})).send().await;
        sentences.insert(answer.expect(StatusCode::UNAUTHORIZED).json()["error"].to_string());
    }
    assert_eq!(sentences.len(), 1, "{sentences:?}");
}

#[tokio::test]
async fn an_account_with_a_second_factor_is_never_let_in_by_its_password_alone() {
    let app = TestApp::new().await;
    app.account("camille@club.fr", "admin").await;
    app.db.owner().await.batch_execute("update users set mfa_enabled = true").await.expect("the owner may");
    let answer = app.post(LOGIN, json!({"email": "camille@club.fr", "password": PASSWORD})).send().await;
    let answer = answer.expect(StatusCode::OK);
    assert_eq!((answer.header("set-cookie"), &answer.json()["requireMfa"]), ("", &json!(true)));
    assert!(answer.json().get("token").is_none(), "{}", answer.text);
    let wrong = app.post(LOGIN, json!({"email": "camille@club.fr", "password": "wrong"})).send().await;
    wrong.expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn ten_wrong_passwords_close_the_account_to_that_address_for_a_while() {
    let app = TestApp::new().await;
    app.account("camille@club.fr", "admin").await;
    for _ in 0..10 {
        let wrong = app.post(LOGIN, json!({"email": "camille@club.fr", "password": "wrong"})).send().await;
        wrong.expect(StatusCode::UNAUTHORIZED);
    }
    let right = json!({"email": "camille@club.fr", "password": PASSWORD});
    let refused = app.post(LOGIN, right.clone()).send().await.expect(StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.header("retry-after"), "90");
    assert_eq!(refused.json()["retryAfter"], 90);
    app.clock.advance(Duration::from_secs(90));
    app.post(LOGIN, right).send().await.expect(StatusCode::OK);
}

#[tokio::test]
async fn logging_out_ends_the_session_for_good() {
    let app = TestApp::new().await;
    let token = app.token("viewer").await;
    app.get(ME).bearer(&token).send().await.expect(StatusCode::OK);
    let out = app.post("/api/auth/logout", json!({})).bearer(&token).send().await.expect(StatusCode::OK);
    assert!(out.header("set-cookie").starts_with("neopro_token=; "));
    app.get(ME).bearer(&token).send().await.expect(StatusCode::UNAUTHORIZED);
    assert_eq!(journal(&app).await.iter().filter(|entry| entry.0 == "USER_LOGOUT").count(), 1);
    // Whoever is out already, or was never in, is out, and the journal has nothing to tell.
    app.post("/api/auth/logout", json!({})).bearer(&token).send().await.expect(StatusCode::OK);
    app.call(axum::http::Method::POST, "/api/auth/logout").send().await.expect(StatusCode::OK);
    assert_eq!(journal(&app).await.iter().filter(|entry| entry.0 == "USER_LOGOUT").count(), 1);
}

#[tokio::test]
async fn whoever_is_gone_or_cannot_be_asked_for_is_out_as_well() {
    let app = TestApp::new().await;
    let token = app.token("viewer").await;
    app.db.owner().await.batch_execute("delete from users").await.expect("the owner may");
    let out = app.post("/api/auth/logout", json!({})).bearer(&token).send().await.expect(StatusCode::OK);
    assert!(out.header("set-cookie").starts_with("neopro_token=; "));
    app.pool().close();
    let out = app.post("/api/auth/logout", json!({})).bearer(&token).send().await;
    assert!(out.expect(StatusCode::SERVICE_UNAVAILABLE).header("set-cookie").starts_with("neopro_token=; "));
}

async fn journal(app: &TestApp) -> Vec<(String, String)> {
    let sql = app.db.owner().await;
    let rows =
        sql.query("select action, ip_address from audit_logs order by created_at, action", &[]).await.expect("rows");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test]
async fn a_session_ends_with_everything_that_it_stands_on() {
    let app = TestApp::new().await;
    let sql = app.db.owner().await;
    for (act, undo) in [
        ("update users set is_active = false", Some("update users set is_active = true")),
        ("update users set status = 'suspended'", Some("update users set status = 'active'")),
        ("update users set role = 'viewer'", Some("update users set role = 'admin'")),
        ("update sessions set revoked_at = now()", None),
        ("delete from sessions", None),
        ("delete from users", None),
    ] {
        let token = app.token("admin").await;
        app.get(ME).bearer(&token).send().await.expect(StatusCode::OK);
        sql.batch_execute(act).await.expect("the owner may");
        let answer = app.get(ME).bearer(&token).send().await;
        assert_eq!(answer.status, 401, "after {act}: {}", answer.text);
        assert_eq!(answer.code(), "unauthenticated");
        if let Some(undo) = undo {
            sql.batch_execute(undo).await.expect("the owner may");
            app.get(ME).bearer(&token).send().await.expect(StatusCode::OK);
        }
    }
}

#[tokio::test]
async fn nothing_behind_a_session_that_is_over_happens() {
    let app = TestApp::new().await;
    let token = app.token("admin").await;
    app.db.owner().await.batch_execute("update sessions set revoked_at = now()").await.expect("the owner may");
    let new = json!({"site_name": "Gymnase", "club_name": "Club"});
    app.post("/api/sites", new).bearer(&token).send().await.expect(StatusCode::UNAUTHORIZED);
    let rows = app.db.owner().await.query("select 1 from sites", &[]).await.expect("rows");
    assert!(rows.is_empty());
}

#[tokio::test]
async fn a_session_lasts_as_long_as_configured_and_not_a_second_more() {
    let app = TestApp::with(&[("JWT_EXPIRES_IN", "2h")]).await;
    let token = app.token("viewer").await;
    app.clock.advance(Duration::from_secs(7_199));
    app.get(ME).bearer(&token).send().await.expect(StatusCode::OK);
    app.clock.advance(Duration::from_secs(1));
    app.get(ME).bearer(&token).send().await.expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_row_of_a_session_ends_it_even_if_its_token_does_not() {
    let app = TestApp::new().await;
    let token = app.token("viewer").await;
    let sql = app.db.owner().await;
    sql.batch_execute("update sessions set expires_at = '2026-01-15 11:59:59Z'").await.expect("the owner may");
    app.get(ME).bearer(&token).send().await.expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_last_use_of_a_session_is_written_down_now_and_then() {
    let app = TestApp::new().await;
    let token = app.token("viewer").await;
    let last_used = async || {
        let row =
            app.db.owner().await.query_one("select extract(epoch from last_used_at)::bigint from sessions", &[]).await;
        row.expect("one session").get::<_, i64>(0) - NOON
    };
    app.clock.advance(Duration::from_secs(60));
    app.get(ME).bearer(&token).send().await.expect(StatusCode::OK);
    assert_eq!(last_used().await, 0, "a minute later there is nothing new to say");
    app.clock.advance(Duration::from_secs(600));
    app.get(ME).bearer(&token).send().await.expect(StatusCode::OK);
    assert_eq!(last_used().await, 660);
}

#[tokio::test]
async fn an_old_hash_is_replaced_at_the_first_login() {
    let app = TestApp::new().await;
    // "motDePasse-42", cost 4, made with another implementation (libxcrypt).
    let bcrypt = "$2b$04$abcdefghijklmnopqrstuujgDXVs49d209KQySdu6saHU25G9L7Tm";
    let sql = app.db.owner().await;
    sql.execute("insert into users (email, password_hash, role) values ('old@club.fr', $1, 'admin')", &[&bcrypt])
        .await
        .expect("an account of NeoPro 1");
    let hash = async || -> String { sql.query_one("select password_hash from users", &[]).await.expect("one").get(0) };

    let login = |password: &str| app.post(LOGIN, json!({"email": "old@club.fr", "password": password}));
    login("motDePasse-43").send().await.expect(StatusCode::UNAUTHORIZED);
    assert_eq!(hash().await, bcrypt);
    login("motDePasse-42").send().await.expect(StatusCode::OK);
    assert!(hash().await.starts_with("$argon2id$"));
    login("motDePasse-42").send().await.expect(StatusCode::OK);
}

#[tokio::test]
async fn comings_and_goings_stand_in_the_journal() {
    let app = TestApp::with(&[("TRUSTED_PROXY_HOPS", "2")]).await;
    app.account("camille@club.fr", "admin").await;
    let answer = app
        .post(LOGIN, json!({"email": "camille@club.fr", "password": PASSWORD}))
        .header("x-forwarded-for", "6.6.6.6, 203.0.113.9, 10.0.0.3")
        .header("user-agent", "Firefox/140")
        .send()
        .await;
    let token = answer.json()["token"].as_str().expect("a token").to_owned();
    app.post(LOGIN, json!({"email": "camille@club.fr", "password": "wrong"})).send().await;
    app.post("/api/auth/logout", json!({})).bearer(&token).send().await;

    let journal = journal(&app).await;
    let (login, from) = ("203.0.113.9".to_owned(), "192.0.2.7".to_owned());
    assert_eq!(
        journal,
        [
            ("USER_LOGIN".to_owned(), login),
            ("USER_LOGIN_FAILED".to_owned(), from.clone()),
            ("USER_LOGOUT".to_owned(), from),
        ]
    );
}

/// The same account from two browsers at once, at its first login after the change from NeoPro 1.
#[tokio::test]
async fn two_first_logins_of_an_old_account_both_succeed() {
    let app = TestApp::new().await;
    let bcrypt = "$2b$04$abcdefghijklmnopqrstuujgDXVs49d209KQySdu6saHU25G9L7Tm";
    let sql = app.db.owner().await;
    sql.execute("insert into users (email, password_hash, role) values ('old@club.fr', $1, 'admin')", &[&bcrypt])
        .await
        .expect("an account of NeoPro 1");
    let logins = (0..6).map(|_| app.post(LOGIN, json!({"email": "old@club.fr", "password": "motDePasse-42"})).send());
    for answer in futures_util::future::join_all(logins).await {
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}

#[tokio::test]
async fn guesses_at_the_same_moment_are_counted_as_well() {
    let app = TestApp::new().await;
    app.account("camille@club.fr", "admin").await;
    let guesses = (0..30).map(|_| app.post(LOGIN, json!({"email": "camille@club.fr", "password": "wrong"})).send());
    let answers = futures_util::future::join_all(guesses).await;
    let mut counted = BTreeMap::<u16, usize>::new();
    answers.iter().for_each(|answer| *counted.entry(answer.status).or_default() += 1);
    assert_eq!(counted, BTreeMap::from([(401, 10), (429, 20)]));
}

#[tokio::test]
async fn everybody_calls_himself_what_he_likes_and_nothing_else_of_him_changes() {
    let app = TestApp::new().await;
    for role in ["super_admin", "viewer", "operator"] {
        let email = format!("{role}@club.fr");
        app.account(&email, role).await;
        let token = app.login(&email).await;
        let before = app.get(ME).bearer(&token).send().await.json();
        let sent = json!({
            "full_name": " Léa  O'Brien ", "email": "autre@club.fr", "role": "super_admin", "status": "suspended", "id": NOBODY,
        });
        let answer = rename(&app, &token, sent).await.expect(StatusCode::OK).json();
        let mut expected = before.clone();
        expected["full_name"] = answer["full_name"].clone();
        expected["session_expires_in"] = answer["session_expires_in"].clone();
        assert_eq!(answer, expected, "{role}: only the name");
        assert!(answer["full_name"].as_str().is_some_and(|name| name.starts_with("Léa") && name.ends_with("O'Brien")));
        assert_eq!(app.get(ME).bearer(&token).send().await.json()["full_name"], answer["full_name"]);
        for wrong in
            [json!({}), json!({"full_name": "  "}), json!({"full_name": null}), json!({"full_name": "é".repeat(256)})]
        {
            assert_eq!(rename(&app, &token, wrong).await.expect(StatusCode::BAD_REQUEST).fields(), ["full_name"]);
        }
    }
    let chief = app.login("super_admin@club.fr").await;
    let logs = app.get("/api/audit?action=USER_UPDATED").bearer(&chief).send().await.json();
    assert_eq!(logs["logs"].as_array().map(Vec::len), Some(3), "one entry for each, none for what was refused");
    assert!(logs["logs"][0]["after"]["full_name"].as_str().is_some_and(|name| name.starts_with("Léa")));
    assert_eq!(rename(&app, "none", json!({"full_name": "Léa"})).await.status, 401);
}

const NOBODY: &str = "01a2140d-1e46-777d-ae1d-fcbbe9c1485a";

async fn rename(app: &TestApp, token: &str, body: Value) -> Answer {
    app.call(Method::PATCH, ME).json(&body).bearer(token).send().await
}
