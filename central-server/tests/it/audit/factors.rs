//! How to succeed with what concerns accounts, their sessions, tokens and second factors.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::acts::{Body, Scene, id_of};
use crate::second_factor::{Person, password};
use crate::setup;
use crate::support::app::PASSWORD;
use crate::support::letters::{newest_token, token_in};

/// Another password than everybody has.
const NEW: &str = "Corner gauche 4";

impl Scene {
    /// What such a route needs: its path, and its body with the session of whom it concerns.
    pub(super) async fn prepared_of_a_person(&self, route: &str, path: &str) -> (String, Body) {
        let at = |id: &str| path.replace("{id}", id);
        match route {
            "POST /api/auth/login/code" => {
                let person = self.person().await;
                let step = json!({"challenge": person.challenge(&self.app).await, "code": person.code(&self.app)});
                (at(""), Body::Json(step))
            }
            "POST /api/auth/setup" => {
                let token = token_in(&setup::link(&self.app).await);
                (at(""), Body::Json(setup::first(&token, "camille@neopro.test")))
            }
            "POST /api/auth/forgot-password" => (at(""), Body::Json(json!({"email": self.email}))),
            "POST /api/auth/reset-password" => {
                let (email, _) = self.somebody("operator").await;
                let asked = self.app.post("/api/auth/forgot-password", json!({"email": email})).send().await;
                asked.expect(StatusCode::OK);
                let token = newest_token(&self.app).await;
                (at(""), Body::Json(json!({"token": token, "password": NEW, "password_confirm": NEW})))
            }
            "POST /api/auth/change-password" => {
                let (_, token) = self.somebody("operator").await;
                (at(""), Body::As(token, json!({"current_password": PASSWORD, "new_password": NEW})))
            }
            "POST /api/auth/login/enable" => (at(""), Body::Json(self.set_up_at_login().await)),
            "DELETE /api/auth/sessions" => {
                self.app.login(&self.email).await;
                (at(""), Body::Nothing)
            }
            "DELETE /api/auth/sessions/{id}" => (at(&self.other_session().await), Body::Nothing),
            "POST /api/auth/tokens" => (at(""), Body::Json(new_token())),
            "DELETE /api/auth/tokens/{id}" => {
                let made = self.app.post("/api/auth/tokens", new_token()).bearer(&self.token).send().await;
                (at(&id_of(&made.expect(StatusCode::CREATED).json())), Body::Nothing)
            }
            "POST /api/mfa/enable" => {
                let (email, token) = self.somebody("operator").await;
                let answer = self.app.post("/api/mfa/setup", json!({})).bearer(&token).send().await;
                let person = Person::of(&email, &answer.expect(StatusCode::OK).json(), token);
                (at(""), Body::As(person.token.clone(), json!({"code": person.code(&self.app)})))
            }
            "POST /api/mfa/disable" | "POST /api/mfa/backup-codes/regenerate" => {
                let person = self.person().await;
                (at(""), Body::As(person.token.clone(), json!({"code": person.code(&self.app)})))
            }
            "POST /api/users/{id}/reset-mfa" => {
                let person = self.person().await;
                let me = self.app.get("/api/auth/me").bearer(&person.token).send().await.json();
                (at(&id_of(&me)), Body::Nothing)
            }
            "PUT /api/settings/retention" => (at(""), Body::Json(crate::retention::limits(30))),
            "PUT /api/settings/security" => {
                (at(""), Body::Json(json!({"mfa_required_roles": ["operator"], "mfa_grace_days": 30})))
            }
            other => panic!("nobody has said how to succeed with {other}"),
        }
    }

    /// A new account: its address and a session.
    async fn somebody(&self, role: &str) -> (String, String) {
        let email = format!("{}@neopro.test", Uuid::now_v7());
        self.app.account(&email, role).await;
        let token = self.app.login(&email).await;
        (email, token)
    }

    /// Somebody with a second factor, whose next code is fresh.
    async fn person(&self) -> Person {
        Person::new(&self.app, &format!("{}@neopro.test", Uuid::now_v7()), "operator").await
    }

    /// Another session of the same person.
    async fn other_session(&self) -> String {
        self.app.login(&self.email).await;
        let sessions = self.app.get("/api/auth/sessions").bearer(&self.token).send().await.json();
        let other =
            sessions["sessions"].as_array().expect("sessions").iter().find(|session| session["current"] == false);
        id_of(other.expect("another one"))
    }

    /// A login that has to set a second factor up, and has: its last step.
    async fn set_up_at_login(&self) -> Value {
        self.app.put("/api/settings/security", rule()).bearer(&self.token).send().await.expect(StatusCode::OK);
        let email = format!("{}@neopro.test", Uuid::now_v7());
        self.app.account(&email, "viewer").await;
        self.app.clock.advance(Duration::from_secs(1));
        let asked = password(&self.app, &email).await.expect(StatusCode::OK).json();
        let challenge = asked["challenge"].clone();
        let shown = self.app.post("/api/auth/login/setup", json!({"challenge": challenge})).send().await;
        let person = Person::of(&email, &shown.expect(StatusCode::OK).json(), String::new());
        json!({"challenge": challenge, "code": person.code(&self.app)})
    }
}

fn new_token() -> Value {
    json!({"name": "Tableau", "scopes": ["read"], "expires_in_days": 30})
}

/// Viewers have to have a second factor from now on.
fn rule() -> Value {
    json!({"mfa_required_roles": ["viewer"], "mfa_grace_days": 0})
}
