//! Those who guess are slowed, whatever they do; the owner is not.

use std::time::Duration;

use axum::http::StatusCode;
use neopro_central::jobs::worker;
use serde_json::json;

use crate::support::app::PASSWORD;
use crate::support::letters::newest_token;
use crate::support::{Answer, Cluster, TestApp};

const LOGIN: &str = "/api/auth/login";
const CAMILLE: &str = "camille@club.fr";
const HOME: &str = "203.0.113.7";

/// A server behind one proxy, which says where each request comes from.
async fn server() -> TestApp {
    let app = TestApp::with(&[("TRUSTED_PROXY_HOPS", "1")]).await;
    app.account(CAMILLE, "admin").await;
    app
}

async fn login(app: &TestApp, address: &str, password: &str, device: Option<&str>) -> Answer {
    let call = app.post(LOGIN, json!({"email": CAMILLE, "password": password})).header("x-forwarded-for", address);
    match device {
        Some(device) => call.header("cookie", &format!("neopro_device={device}")),
        None => call,
    }
    .send()
    .await
}

/// The device that a login has given.
fn device(answer: &Answer) -> Option<String> {
    let cookies = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().expect("ASCII"));
    let device = cookies.filter_map(|cookie| cookie.strip_prefix("neopro_device=")).next()?;
    assert!(device.contains("; HttpOnly; "), "{device}");
    device.split(';').next().map(str::to_owned)
}

/// Guesses from ever new addresses until the account refuses them; how many were judged.
async fn storm(app: &TestApp) -> usize {
    for number in 0..60 {
        if login(app, &format!("198.51.100.{number}"), "wrong", None).await.status == 429 {
            return number;
        }
    }
    panic!("sixty addresses guess without end")
}

#[tokio::test]
async fn many_addresses_are_no_way_around_and_the_owner_is_let_in_where_he_was_before() {
    let app = server().await;
    let first = login(&app, HOME, PASSWORD, None).await.expect(StatusCode::OK);
    let known = device(&first).expect("a device");
    assert_eq!(storm(&app).await, 30);
    // From elsewhere even the right password waits its turn.
    let away = login(&app, "192.0.2.99", PASSWORD, None).await.expect(StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(away.header("retry-after"), "180");
    let home = login(&app, HOME, PASSWORD, None).await.expect(StatusCode::OK);
    assert!(device(&home).is_some(), "a browser without the cookie gets one");
    let travelling = login(&app, "192.0.2.99", PASSWORD, Some(&known)).await.expect(StatusCode::OK);
    assert_eq!(device(&travelling), None, "it has one");
    // Nothing is closed for good.
    let other = TestApp::on(app.db.clone(), &[("TRUSTED_PROXY_HOPS", "1")]).await;
    other.clock.advance(Duration::from_secs(180));
    login(&other, "192.0.2.98", PASSWORD, None).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn who_guesses_at_the_owners_own_address_does_not_slow_his_device() {
    let app = server().await;
    let known = device(&login(&app, HOME, PASSWORD, None).await).expect("a device");
    for _ in 0..10 {
        login(&app, HOME, "wrong", None).await.expect(StatusCode::UNAUTHORIZED);
    }
    login(&app, HOME, PASSWORD, None).await.expect(StatusCode::TOO_MANY_REQUESTS);
    login(&app, HOME, PASSWORD, Some(&known)).await.expect(StatusCode::OK);
    // A device that nobody has got in with proves nothing.
    let invented = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    login(&app, HOME, PASSWORD, Some(invented)).await.expect(StatusCode::TOO_MANY_REQUESTS);
    // And a stolen one is a counter like another.
    for _ in 0..10 {
        login(&app, "192.0.2.1", "wrong", Some(&known)).await.expect(StatusCode::UNAUTHORIZED);
    }
    login(&app, "192.0.2.1", PASSWORD, Some(&known)).await.expect(StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn replicas_count_together_and_a_restart_forgets_nothing() {
    let db = Cluster::get().migrated().await;
    let variables = [("TRUSTED_PROXY_HOPS", "1")];
    let (one, other) = (TestApp::on(db.clone(), &variables).await, TestApp::on(db.clone(), &variables).await);
    one.account(CAMILLE, "admin").await;
    for _ in 0..5 {
        login(&one, HOME, "wrong", None).await.expect(StatusCode::UNAUTHORIZED);
        login(&other, HOME, "wrong", None).await.expect(StatusCode::UNAUTHORIZED);
    }
    let restarted = TestApp::on(db, &variables).await;
    for app in [&one, &other, &restarted] {
        let refused = login(app, HOME, PASSWORD, None).await.expect(StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(refused.header("retry-after"), "90");
    }
}

#[tokio::test]
async fn whoever_has_the_mailbox_is_let_in_from_anywhere() {
    let app = server().await;
    storm(&app).await;
    let far = "192.0.2.50";
    login(&app, far, PASSWORD, None).await.expect(StatusCode::TOO_MANY_REQUESTS);
    let asked = app.post("/api/auth/forgot-password", json!({"email": CAMILLE})).header("x-forwarded-for", far);
    asked.send().await.expect(StatusCode::OK);
    let new = "Corner gauche 4";
    let body = json!({"token": newest_token(&app).await, "password": new, "password_confirm": new});
    let reset = app.post("/api/auth/reset-password", body).header("x-forwarded-for", far).send().await;
    reset.expect(StatusCode::OK);
    login(&app, far, new, None).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn an_account_that_is_not_there_is_slowed_like_one_that_is() {
    let app = server().await;
    let mut statuses = Vec::new();
    for email in [CAMILLE, "nobody@club.fr"] {
        let mut seen = Vec::new();
        for number in 0..40 {
            let call = app.post(LOGIN, json!({"email": email, "password": "wrong"}));
            let answer = call.header("x-forwarded-for", &format!("198.51.100.{number}")).send().await;
            seen.push((answer.status, answer.header("retry-after").to_owned()));
        }
        statuses.push(seen);
    }
    assert_eq!(statuses[0], statuses[1]);
}

#[tokio::test]
async fn nothing_that_was_typed_is_kept_and_nothing_is_kept_for_long() {
    let app = server().await;
    let typed = json!({"email": "mon mot de passe", "password": "wrong"});
    app.post(LOGIN, typed).send().await.expect(StatusCode::UNAUTHORIZED);
    login(&app, HOME, "wrong", None).await.expect(StatusCode::UNAUTHORIZED);
    login(&app, HOME, PASSWORD, None).await.expect(StatusCode::OK);
    let sql = app.db.owner().await;
    let rows = sql.query("select key from tries union all select place from known_places", &[]).await.expect("rows");
    assert!(rows.len() >= 5, "{}", rows.len());
    for row in rows {
        let key: String = row.get(0);
        assert!(key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit()), "{key}");
    }
    app.clock.advance(Duration::from_secs(181 * 24 * 3_600));
    worker::forget(&app.app).await;
    let left = sql.query_one("select (select count(*) from tries) + (select count(*) from known_places)", &[]).await;
    assert_eq!(left.expect("a count").get::<_, i64>(0), 0);
}

/// The refusals in the journal that were not even judged: whose, from where.
async fn slowed(app: &TestApp) -> Vec<(Option<String>, String)> {
    let sql = "select u.email, ip_address from audit_logs left join users u on u.id = user_id \
         where action = 'USER_LOGIN_FAILED' and details->>'reason' = 'slowed' order by audit_logs.created_at, audit_logs.id";
    let rows = app.db.owner().await.query(sql, &[]).await.expect("rows");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test]
async fn that_guesses_are_refused_stands_in_the_journal_once_in_a_while() {
    let app = server().await;
    for _ in 0..40 {
        login(&app, HOME, "wrong", None).await;
    }
    let of_camille = |address: &str| (Some(CAMILLE.to_owned()), address.to_owned());
    assert_eq!(slowed(&app).await, [of_camille(HOME)], "thirty refusals of one address and one account");
    // Twenty more make the account full, for every address.
    for number in 0..60 {
        login(&app, &format!("198.51.100.{number}"), "wrong", None).await;
    }
    let entries = slowed(&app).await;
    assert_eq!(entries, [of_camille(HOME), of_camille("198.51.100.20")]);
    // While it goes on: one in a quarter of an hour each.
    app.clock.advance(Duration::from_secs(15 * 60));
    for _ in 0..40 {
        login(&app, HOME, "wrong", None).await;
    }
    let entries = slowed(&app).await;
    assert_eq!(entries.len(), 3, "{entries:?}");
    let all = app.db.owner().await.query_one("select count(*) from audit_logs", &[]).await;
    let (all, judged) = (all.expect("a count").get::<_, i64>(0), 10 + 20 + 5);
    assert_eq!(all, judged + 3, "and every guess that was judged");
}

#[tokio::test]
async fn who_tries_ever_new_accounts_does_not_flood_the_journal() {
    let app = server().await;
    for number in 0..150 {
        let body = json!({"email": format!("{number}@club.fr"), "password": "wrong"});
        app.post(LOGIN, body).header("x-forwarded-for", HOME).send().await;
    }
    assert_eq!(slowed(&app).await, [(None, HOME.to_owned())], "fifty accounts, and one address that is full");
    // Nobody knows what was typed there; whoever has it can find it.
    let entry = "select to_jsonb(a)::text from audit_logs a where details->>'reason' = 'slowed'";
    let entry: String = app.db.owner().await.query_one(entry, &[]).await.expect("one").get(0);
    assert!(entry.contains(&neopro_central::audit::login_mark("100@club.fr")), "{entry}");
    assert!(!entry.contains("100@club.fr"), "{entry}");
}
