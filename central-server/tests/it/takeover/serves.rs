//! The server on a database that it has taken over: people log in as they did, and boxes connect with the key they have.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{BAKERY, BOX_KEY, GOAL, KEY, LIFFRE, Old, PAUL, VITRE, row, taken_over, value};
use crate::second_factor::{oathtool, password, second};
use crate::support::cluster::scratch;
use crate::support::program::{Server, text};
use crate::support::{Player, TestApp};

#[tokio::test]
async fn people_log_in_with_their_old_passwords_whatever_the_capitals() {
    let (db, _) = taken_over(Old::Everything).await;
    let app = TestApp::on(db, &[("MFA_ENCRYPTION_KEY", KEY)]).await;
    for (email, role) in [
        ("JEANNE.ADMIN@neopro.test", "super_admin"),
        ("lea@neopro.test", "viewer"),
        ("agence@neopro.test", "agency"),
        ("morel@neopro.test", "sponsor"),
    ] {
        let token = app.login(email).await;
        let me = app.get("/api/auth/me").bearer(&token).send().await.expect(StatusCode::OK).json();
        assert_eq!(me["role"], role, "{email}");
        let sites = app.get("/api/sites").bearer(&token).send().await.expect(StatusCode::OK).json();
        let expected = if matches!(role, "agency" | "sponsor") { 1 } else { 3 };
        assert_eq!(sites["pagination"]["total"], expected, "{email}");
    }
    assert_eq!(password(&app, "parti@neopro.test").await.status, 401, "suspended is suspended now");
    let hash = "select password_hash from users where email = 'lea@neopro.test'";
    let hash = value(&app.db.admin().await, hash).await.expect("a hash");
    assert!(hash.starts_with("$argon2id$"), "replaced at the first login: {hash}");
}

#[tokio::test]
async fn old_authenticator_applications_and_backup_codes_open() {
    let (db, _) = taken_over(Old::Everything).await;
    let app = TestApp::on(db, &[("MFA_ENCRYPTION_KEY", KEY)]).await;
    let challenge = async || {
        let asked = password(&app, "paul@neopro.test").await.expect(StatusCode::OK).json();
        assert_eq!(asked["requireMfa"], true, "{asked}");
        asked["challenge"].as_str().expect("a challenge").to_owned()
    };
    let code = oathtool("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", app.clock.now().unix_seconds());
    second(&app, &challenge().await, &code).await.expect(StatusCode::OK);
    app.clock.advance(Duration::from_secs(60));
    let wrong = second(&app, &challenge().await, "ZZZZ-9998").await;
    assert_eq!(wrong.status, 401, "{}", wrong.text);
    for code in ["zzzz-9999", "0000-1111"] {
        second(&app, &challenge().await, code).await.expect(StatusCode::OK);
        let again = second(&app, &challenge().await, code).await;
        assert_eq!(again.status, 401, "each opens once: {}", again.text);
        app.clock.advance(Duration::from_secs(3600));
    }
    let left = format!("select cardinality(mfa_backup_codes) from users where id = '{PAUL}'");
    assert_eq!(value(&app.db.admin().await, &left).await.as_deref(), Some("1"));
}

/// What the box of Vitré sends when it is known.
fn heartbeat() -> Value {
    json!(["heartbeat", {"siteId": VITRE, "timestamp": 1, "softwareVersion": "2.0.1", "versionInfo": null,
        "metrics": {"cpu": 1.5, "memory": 2, "temperature": 0, "disk": 3, "uptime": 4.5, "localIp": "192.168.1.21", "timestamp": 1}}])
}

#[tokio::test]
async fn serve_takes_over_by_itself_and_an_old_box_connects_with_its_old_key() {
    let db = Old::Everything.database().await;
    let (data_dir, log) = (scratch("takeover-serves"), scratch("takeover-serves.log"));
    let _ = std::fs::remove_file(&log);
    let url = db.url();
    let variables =
        [("DATABASE_URL", &*url), ("NEOPRO_DATA_DIR", data_dir.to_str().expect("UTF-8")), ("MFA_ENCRYPTION_KEY", KEY)];
    let mut server = Server::spawn(&variables, &log);
    server.ready().await;
    let logged = text(&log);
    assert!(logged.contains("NeoPro 1") && logged.contains("Comptes : 6"), "{logged}");
    assert!(
        !logged.contains("@neopro.test") && !logged.contains("in-clear"),
        "a log counts, and names nobody: {logged}"
    );

    let mut old = Player::start_with("box.mjs", server.port, VITRE, BOX_KEY, "websocket,polling");
    assert_eq!(old.says("authenticated").await["siteId"], VITRE);
    old.tell(&heartbeat()).await;
    let admin = db.admin().await;
    let site = async || row(&admin, &format!("select status, local_ip, api_key from sites where id = '{VITRE}'")).await;
    let mut seen = site().await;
    for _ in 0..200 {
        if seen["local_ip"] == "192.168.1.21" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        seen = site().await;
    }
    assert_eq!((&seen["status"], &seen["local_ip"]), (&json!("online"), &json!("192.168.1.21")));
    assert!(seen["api_key"].as_str().expect("a key").starts_with("sha256:"), "the slow hash is replaced: {seen}");

    let mut thief = Player::start_with("box.mjs", server.port, LIFFRE, BOX_KEY, "websocket,polling");
    thief.says("auth_error").await;
    drop(thief);
    old.pull_the_plug().await;
    assert_ne!(BAKERY, GOAL);
    server.terminate().await;
    let _ = std::fs::remove_dir_all(&data_dir);
}
