//! `/api/auth`: forgotten, reset and changed passwords, and invitations.

use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use neopro_central::ids::UserId;
use neopro_central::passwords;
use serde_json::{Value, json};

use crate::support::app::PASSWORD;
use crate::support::cluster::scratch;
use crate::support::http;
use crate::support::letters::{letters, newest_token, token_in};
use crate::support::program::Server;
use crate::support::{Answer, Cluster, TestApp};

const LOGIN: &str = "/api/auth/login";
const ME: &str = "/api/auth/me";
const FORGOT: &str = "/api/auth/forgot-password";
const VERIFY: &str = "/api/auth/verify-reset-token";
const RESET: &str = "/api/auth/reset-password";
const CHANGE: &str = "/api/auth/change-password";

const CAMILLE: &str = "camille@club.fr";
const NEW: &str = "Corner gauche 4";

async fn server() -> TestApp {
    let app = TestApp::new().await;
    app.account(CAMILLE, "operator").await;
    app
}

async fn forget(app: &TestApp, email: &str) -> Answer {
    app.post(FORGOT, json!({"email": email})).send().await.expect(StatusCode::OK)
}

/// A link that Camille has just asked for.
async fn link(app: &TestApp) -> String {
    // As often as one asks here, one would wait for the next.
    app.clock.advance(Duration::from_secs(900));
    forget(app, CAMILLE).await;
    newest_token(app).await
}

async fn verify(app: &TestApp, token: &str) -> Answer {
    app.get(&format!("{VERIFY}?token={token}")).send().await
}

fn reset_body(token: &str, password: &str) -> Value {
    json!({"token": token, "password": password, "password_confirm": password})
}

async fn reset(app: &TestApp, token: &str, password: &str) -> Answer {
    app.post(RESET, reset_body(token, password)).send().await
}

async fn login_status(app: &TestApp, password: &str) -> u16 {
    app.post(LOGIN, json!({"email": CAMILLE, "password": password})).send().await.status
}

async fn camille(app: &TestApp) -> UserId {
    let row = app.db.owner().await.query_one("select id from users where email = $1", &[&CAMILLE]).await;
    UserId(row.expect("an account").get(0))
}

async fn count(app: &TestApp, what: &str) -> i64 {
    app.db.owner().await.query_one(&format!("select count(*) from {what}"), &[]).await.expect("a count").get(0)
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_by_a_mailed_link() {
    let app = server().await;
    let session = app.login(CAMILLE).await;
    let other = app.token("viewer").await;
    let mut stream = app.get("/api/events").bearer(&session).open().await;
    let token = link(&app).await;

    let valid = verify(&app, &token).await.expect(StatusCode::OK).json();
    let expected = json!({"valid": true, "email": CAMILLE, "full_name": "Camille Durand", "kind": "reset"});
    assert_eq!(valid, expected);
    let done = reset(&app, &token, NEW).await.expect(StatusCode::OK).json();
    assert_eq!(done["success"], true);

    assert_eq!((login_status(&app, PASSWORD).await, login_status(&app, NEW).await), (401, 200));
    app.get(ME).bearer(&session).send().await.expect(StatusCode::UNAUTHORIZED);
    app.get(ME).bearer(&other).send().await.expect(StatusCode::OK);
    let over = async { while stream.next().await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(2), over).await.expect("the stream of the old session ends");

    let said = letters(&app).await;
    assert_eq!(said.len(), 2, "the link, and that the password was changed");
    assert!(said[1].contains("Subject: Votre mot de passe NeoPro a été changé"), "{}", said[1]);
    assert_eq!(count(&app, "audit_logs where action in ('PASSWORD_RESET', 'PASSWORD_RESET_REQUESTED')").await, 2);
}

#[tokio::test]
async fn the_answer_is_the_same_whether_there_is_an_account_or_not() {
    let app = server().await;
    app.account("gone@club.fr", "viewer").await;
    app.db
        .owner()
        .await
        .batch_execute("update users set status = 'suspended' where email = 'gone@club.fr'")
        .await
        .expect("set");
    let known = forget(&app, CAMILLE).await;
    for email in ["nobody@club.fr", "gone@club.fr"] {
        assert_eq!(forget(&app, email).await.text, known.text);
    }
    assert_eq!(known.json().as_object().map(serde_json::Map::len), Some(2));
    assert_eq!((count(&app, "jobs").await, count(&app, "password_links").await), (1, 1));
    let malformed = app.post(FORGOT, json!({"email": "camille"})).send().await;
    assert_eq!(malformed.expect(StatusCode::BAD_REQUEST).fields(), ["email"]);
}

/// With the machine's clock: the program itself.
#[tokio::test]
async fn the_answer_takes_as_long_whether_there_is_an_account_or_not() {
    let db = Cluster::get().migrated().await;
    let (log, folder) = (scratch("forgot.log"), scratch("forgot"));
    let (url, folder) = (db.url(), folder.to_str().expect("UTF-8").to_owned());
    let variables = [("DATABASE_URL", url.as_str()), ("NEOPRO_DATA_DIR", folder.as_str())];
    let mut insert = String::new();
    for number in 0..8 {
        insert += &format!("insert into users (email, password_hash) values ('known{number}@club.fr', '');");
    }
    db.owner().await.batch_execute(&insert).await.expect("accounts");
    let mut server = Server::spawn(&variables, &log);
    server.ready().await;
    let ask = async |email: String| {
        let body = json!({"email": email});
        let began = Instant::now();
        let answer = http::send(server.port, Method::POST, FORGOT, None, Some(&body)).await.expect("an answer");
        assert_eq!(answer.status, 200);
        began.elapsed().as_secs_f64()
    };
    ask("warm@club.fr".into()).await;
    let (mut times, mut differences) = (Vec::new(), Vec::new());
    for number in 0..8 {
        // Both at the same moment: what else the machine does, it does to both.
        let (known, unknown) =
            tokio::join!(ask(format!("known{number}@club.fr")), ask(format!("unknown{number}@club.fr")));
        times.push(known);
        differences.push(known - unknown);
    }
    let middle = |mut numbers: Vec<f64>| {
        numbers.sort_by(f64::total_cmp);
        numbers[numbers.len() / 2]
    };
    let (known, difference) = (middle(times), middle(differences));
    assert!((1.0..1.5).contains(&known), "{known}");
    assert!(difference.abs() < 0.02, "{difference} s more with an account than without");
    assert!(server.terminate().await.success());
}

#[tokio::test]
async fn a_link_works_once_even_for_two_at_the_same_moment() {
    let app = server().await;
    for round in 0..5 {
        let token = link(&app).await;
        let passwords = [format!("Premier poteau {round}"), format!("Second poteau {round}")];
        let (one, other) = tokio::join!(reset(&app, &token, &passwords[0]), reset(&app, &token, &passwords[1]));
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 401], "{} / {}", one.text, other.text);
        let winner = usize::from(other.status == 200);
        assert_eq!(login_status(&app, &passwords[winner]).await, 200);
        assert_eq!(login_status(&app, &passwords[1 - winner]).await, 401);
        dead(verify(&app, &token).await);
    }
    assert_eq!(count(&app, "audit_logs where action = 'PASSWORD_RESET'").await, 5, "who came second stands nowhere");
}

/// The answer to a link that opens nothing.
fn dead(answer: Answer) {
    let body = answer.expect(StatusCode::UNAUTHORIZED).json();
    assert_eq!((&body["valid"], &body["code"]), (&json!(false), &json!("link_invalid")), "{body}");
}

#[tokio::test]
async fn a_new_link_voids_the_one_before() {
    let app = server().await;
    let (old, new) = (link(&app).await, link(&app).await);
    dead(verify(&app, &old).await);
    dead(reset(&app, &old, NEW).await);
    reset(&app, &new, NEW).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_link_lasts_an_hour_and_as_long_as_its_account() {
    let app = server().await;
    let token = link(&app).await;
    app.clock.advance(Duration::from_secs(3_599));
    verify(&app, &token).await.expect(StatusCode::OK);
    app.clock.advance(Duration::from_secs(1));
    dead(verify(&app, &token).await);
    dead(reset(&app, &token, NEW).await);
    let token = link(&app).await;
    app.db.owner().await.batch_execute("update users set is_active = false").await.expect("the owner may");
    dead(verify(&app, &token).await);
    dead(reset(&app, &token, NEW).await);
    for nonsense in ["x", "%00", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        assert!(matches!(verify(&app, nonsense).await.status, 400 | 401), "{nonsense}");
    }
    app.get(VERIFY).send().await.expect(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_password_that_will_not_do_leaves_the_link_as_it_was() {
    let app = server().await;
    let token = link(&app).await;
    for (password, confirm, field) in [
        ("abcdef7", "abcdef7", "password"),
        ("motdepasse", "motdepasse", "password"),
        (CAMILLE, CAMILLE, "password"),
        (NEW, PASSWORD, "password_confirm"),
    ] {
        let body = json!({"token": token, "password": password, "password_confirm": confirm});
        let refused = app.post(RESET, body).send().await.expect(StatusCode::BAD_REQUEST);
        assert_eq!(refused.fields(), [field], "{password}");
        assert!(!refused.text.contains(password), "{}", refused.text);
    }
    assert_eq!(login_status(&app, PASSWORD).await, 200);
    reset(&app, &token, NEW).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn who_asks_without_end_mails_nobody_without_end_and_is_not_told() {
    let app = server().await;
    for _ in 0..20 {
        forget(&app, CAMILLE).await;
    }
    assert_eq!(count(&app, "jobs").await, 3);
    // Nor does one address ask for everybody.
    let mut refused = 0;
    for number in 0..40 {
        let asked = app.post(FORGOT, json!({"email": format!("{number}@club.fr")})).send().await;
        refused += usize::from(asked.status == 429);
    }
    assert!(refused > 0, "an address may ask for as many accounts as it likes");
    // The owner can still use what he has in his mailbox.
    reset(&app, &newest_token(&app).await, NEW).await.expect(StatusCode::OK);
}

/// A token that was never given.
fn guess(number: u32) -> String {
    let mut bytes = [7u8; 32];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    data_encoding::BASE64URL_NOPAD.encode(&bytes)
}

#[tokio::test]
async fn who_guesses_links_is_stopped_and_a_link_that_works_is_let_through() {
    let app = TestApp::with(&[("TRUSTED_PROXY_HOPS", "1")]).await;
    app.account(CAMILLE, "operator").await;
    let good = link(&app).await;
    let from = |address: &str, number: u32| {
        let token = guess(number);
        let call = match number % 2 {
            0 => app.get(&format!("{VERIFY}?token={token}")),
            _ => app.post(RESET, reset_body(&token, NEW)),
        };
        // What stands in front of our proxy's entry is what he has written.
        call.header("x-forwarded-for", &format!("{}, {address}", std::net::Ipv4Addr::from(0x0b00_0000 + number)))
    };
    let mut answers = std::collections::BTreeMap::<u16, usize>::new();
    for number in 0..200 {
        *answers.entry(from("203.0.113.9", number).send().await.status).or_default() += 1;
    }
    assert_eq!(answers, [(401, 30), (429, 170)].into());
    let refused = from("203.0.113.9", 0).send().await.expect(StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.header("retry-after"), "60");
    dead(from("198.51.100.4", 0).send().await);
    // Thirty at the same moment are no more than one after the other.
    let together = (0..100).map(|number| from("192.0.2.9", number).send());
    let together = futures_util::future::join_all(together).await;
    assert_eq!(together.iter().filter(|answer| answer.status == 401).count(), 30);
    // Behind the same address somebody has a link.
    for call in [app.get(&format!("{VERIFY}?token={good}")), app.post(RESET, reset_body(&good, NEW))] {
        call.header("x-forwarded-for", "203.0.113.9").send().await.expect(StatusCode::OK);
    }
}

#[tokio::test]
async fn the_token_is_in_the_mail_and_nowhere_else() {
    let app = server().await;
    forget(&app, CAMILLE).await;
    let sql = app.db.owner().await;
    let payload: String = sql.query_one("select payload from jobs", &[]).await.expect("a job").get(0);
    let token = newest_token(&app).await;
    assert!(payload.starts_with('v') && !payload.contains(&token));
    for table in ["password_links", "jobs", "audit_logs", "tries"] {
        let rows = sql.query(&format!("select to_jsonb(t)::text from {table} t"), &[]).await.expect("rows");
        assert!(!rows.is_empty(), "{table}");
        for row in rows {
            let row: String = row.get(0);
            assert!(!row.contains(&token), "{table}: {row}");
        }
    }
}

#[tokio::test]
async fn an_invitation_opens_the_account_that_it_was_made_with() {
    let app = TestApp::new().await;
    let sql = app.db.owner().await;
    let insert = "insert into users (email, password_hash, full_name) values ('camille@club.fr', '', 'Camille Durand')";
    sql.batch_execute(insert).await.expect("an account without a password");
    let user = camille(&app).await;
    let invite = async || {
        let (issue, mail) = passwords::invite(&app.app, user).expect("an invitation");
        app.pool().run_as_system((issue, mail)).await.expect("invited");
        newest_token(&app).await
    };
    let first = invite().await;
    assert_eq!(login_status(&app, "").await, 400);
    assert_eq!(login_status(&app, PASSWORD).await, 401);
    app.clock.advance(Duration::from_secs(60));
    let second = invite().await;
    dead(verify(&app, &first).await);
    // Somebody asks for a new password meanwhile: the invitation stays.
    forget(&app, CAMILLE).await;
    app.clock.advance(Duration::from_secs(7 * 24 * 3_600 - 1));
    assert_eq!(verify(&app, &second).await.expect(StatusCode::OK).json()["kind"], "invitation");
    let mails = letters(&app).await.len();
    reset(&app, &second, NEW).await.expect(StatusCode::OK);
    assert_eq!(login_status(&app, NEW).await, 200);
    assert_eq!(letters(&app).await.len(), mails, "nobody is told that his first password was changed");
    assert_eq!(count(&app, "password_links").await, 0);
    let accepted = "audit_logs where action = 'INVITATION_ACCEPTED' and before = '{\"password\": null}' \
         and after = '{\"password\": \"•••\"}'";
    assert_eq!(count(&app, accepted).await, 1, "that there was none is in the journal, and which it is, is not");
}

#[tokio::test]
async fn nobody_is_invited_into_an_account_that_is_not_there() {
    let app = TestApp::new().await;
    let (issue, mail) = passwords::invite(&app.app, UserId::new()).expect("statements");
    let refused = app.pool().run_as_system((issue, mail)).await.expect_err("no such account");
    assert!(refused.is_gone(), "{refused}");
    assert_eq!(count(&app, "jobs").await, 0);
}

#[tokio::test]
async fn changing_ones_password_ends_the_other_sessions() {
    let app = server().await;
    let (here, there) = (app.login(CAMILLE).await, app.login(CAMILLE).await);
    let body = json!({"current_password": PASSWORD, "new_password": NEW});
    app.post(CHANGE, body.clone()).send().await.expect(StatusCode::UNAUTHORIZED);
    let told = app.post(CHANGE, body).bearer(&here).send().await.expect(StatusCode::OK).json();
    assert!(told["message"].is_string() && told.as_object().map(serde_json::Map::len) == Some(1), "{told}");
    app.get(ME).bearer(&here).send().await.expect(StatusCode::OK);
    app.get(ME).bearer(&there).send().await.expect(StatusCode::UNAUTHORIZED);
    assert_eq!((login_status(&app, PASSWORD).await, login_status(&app, NEW).await), (401, 200));
    let mail = letters(&app).await.pop().expect("a mail");
    assert!(mail.contains("a été changé") && !mail.contains(NEW), "{mail}");
    assert_eq!(count(&app, "audit_logs where action = 'PASSWORD_CHANGED'").await, 1);
}

#[tokio::test]
async fn a_change_names_the_field_and_closes_nobodys_page() {
    let app = server().await;
    let token = app.login(CAMILLE).await;
    for (current, new, field) in [
        ("wrong", NEW, "current_password"),
        (PASSWORD, "abcdef7", "new_password"),
        (PASSWORD, "azertyuiop", "new_password"),
        (PASSWORD, PASSWORD, "new_password"),
        (PASSWORD, "Camille@club.fr", "new_password"),
    ] {
        let body = json!({"current_password": current, "new_password": new});
        let refused = app.post(CHANGE, body).bearer(&token).send().await.expect(StatusCode::BAD_REQUEST);
        assert_eq!(refused.fields(), [field], "{current} / {new}");
    }
    let empty = app.post(CHANGE, json!({})).bearer(&token).send().await.expect(StatusCode::BAD_REQUEST);
    assert_eq!(empty.fields(), ["current_password", "new_password"]);
    app.get(ME).bearer(&token).send().await.expect(StatusCode::OK);
    // Whoever has found a page open cannot try all passwords.
    let body = json!({"current_password": "wrong", "new_password": NEW});
    let mut last = 0;
    for _ in 0..12 {
        last = app.post(CHANGE, body.clone()).bearer(&token).send().await.status;
    }
    assert_eq!(last, 429);
}

#[tokio::test]
async fn a_change_voids_the_links_that_were_on_their_way() {
    let app = server().await;
    let session = app.login(CAMILLE).await;
    let token = link(&app).await;
    let body = json!({"current_password": PASSWORD, "new_password": NEW});
    app.post(CHANGE, body).bearer(&session).send().await.expect(StatusCode::OK);
    dead(verify(&app, &token).await);
    assert_eq!(token_in("a?token=x-_9. b"), "x-_9");
}
