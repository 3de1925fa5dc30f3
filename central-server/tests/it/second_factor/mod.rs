//! The second factor: `/api/auth/login/…`, `/api/mfa`, `/api/settings/security`, `reset-mfa`.
//!
//! Codes come from `oathtool`, which knows nothing of ours.

mod enforcement;
mod guessing;
mod login;
mod own;
mod picture;
mod recovery;
mod rotation;

use std::process::Command;
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::app::PASSWORD;
use crate::support::{Answer, TestApp};

const LOGIN: &str = "/api/auth/login";
const CODE: &str = "/api/auth/login/code";
const ME: &str = "/api/auth/me";
const STATUS: &str = "/api/mfa/status";
const STEP: Duration = Duration::from_secs(30);

/// A person with an authenticator application.
pub struct Person {
    pub email: String,
    pub key: String,
    pub backup: Vec<String>,
    /// The session in which the factor was set up.
    pub token: String,
}

impl Person {
    /// A new account of this role whose second factor is on, at a moment when its next code is fresh.
    pub async fn new(app: &TestApp, email: &str, role: &str) -> Self {
        app.account(email, role).await;
        let token = app.login(email).await;
        let set_up = app.post("/api/mfa/setup", json!({})).bearer(&token).send().await.expect(StatusCode::OK).json();
        let person = Self::of(email, &set_up, token);
        let first = json!({"code": person.code(app)});
        app.post("/api/mfa/enable", first).bearer(&person.token).send().await.expect(StatusCode::OK);
        app.clock.advance(STEP);
        person
    }

    /// What is shown while a factor is set up.
    pub fn of(email: &str, set_up: &Value, token: String) -> Self {
        let codes = set_up["backupCodes"].as_array().expect("codes");
        Self {
            email: email.to_owned(),
            key: set_up["manualEntryKey"].as_str().expect("a key").to_owned(),
            backup: codes.iter().map(|code| code.as_str().expect("a text").to_owned()).collect(),
            token,
        }
    }

    /// What the application shows now.
    pub fn code(&self, app: &TestApp) -> String {
        oathtool(&self.key, app.clock.now().unix_seconds())
    }

    /// What it never shows.
    pub fn wrong_code(&self, app: &TestApp) -> String {
        let now = app.clock.now().unix_seconds();
        let near: Vec<String> = (-2..=2).map(|step| oathtool(&self.key, now + step * 30)).collect();
        (0..).map(|number| format!("{number:06}")).find(|code| !near.contains(code)).expect("one of a million")
    }

    /// The password, which asks for the second step: its challenge.
    pub async fn challenge(&self, app: &TestApp) -> String {
        let asked = password(app, &self.email).await.expect(StatusCode::OK).json();
        assert_eq!(asked["requireMfa"], true, "{asked}");
        asked["challenge"].as_str().expect("a challenge").to_owned()
    }

    /// Password and code: the answer to the code.
    pub async fn log_in_with(&self, app: &TestApp, code: &str) -> Answer {
        let challenge = self.challenge(app).await;
        second(app, &challenge, code).await
    }
}

/// The first step of a login.
pub async fn password(app: &TestApp, email: &str) -> Answer {
    app.post(LOGIN, json!({"email": email, "password": PASSWORD})).send().await
}

/// The second.
pub async fn second(app: &TestApp, challenge: &str, code: &str) -> Answer {
    app.post(CODE, json!({"challenge": challenge, "code": code})).send().await
}

/// A code of this key at this moment, by a program that is not ours.
pub fn oathtool(key: &str, at: i64) -> String {
    let key: String = key.split(' ').collect();
    let output = Command::new("oathtool")
        .args(["--totp", "--base32", "--now", &format!("@{at}"), &key])
        .output()
        .expect("oathtool, which `cargo xtask test` installs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("digits").trim().to_owned()
}

/// One value of a row, as the owner of the database sees it.
pub async fn value(app: &TestApp, sql: &str) -> Option<String> {
    app.db.owner().await.query_one(sql, &[]).await.expect("a row").get(0)
}

/// The words of the journal, oldest first.
pub async fn journal(app: &TestApp) -> Vec<String> {
    let rows = app.db.owner().await.query("select action from audit_logs order by created_at, id", &[]).await;
    rows.expect("rows").iter().map(|row| row.get(0)).collect()
}
