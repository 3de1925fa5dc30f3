//! Every route that changes something leaves an entry: by the API's description, not by examples.

use std::collections::BTreeSet;

use axum::http::Method;
use neopro_central::alerts::rules::AlertSettings;
use serde_json::{Value, json};
use tokio_postgres::Row;
use uuid::Uuid;

use super::timely;
use crate::media;
use crate::support::app::PASSWORD;
use crate::support::contract::operations;
use crate::support::{Answer, Form, TestApp};

/// What each unsafe route leaves in the journal when it succeeds. [`Scene::act`] makes it succeed.
const ACTS: &[(&str, &str)] = &[
    ("POST /api/auth/login", "USER_LOGIN"),
    ("POST /api/auth/logout", "USER_LOGOUT"),
    ("POST /api/auth/setup", "FIRST_ACCOUNT_CREATED"),
    ("POST /api/auth/forgot-password", "PASSWORD_RESET_REQUESTED"),
    ("POST /api/auth/reset-password", "PASSWORD_RESET"),
    ("POST /api/auth/change-password", "PASSWORD_CHANGED"),
    ("PUT /api/auth/language", "USER_UPDATED"),
    ("PATCH /api/auth/me", "USER_UPDATED"),
    ("POST /api/auth/login/code", "USER_LOGIN"),
    ("POST /api/auth/login/enable", "USER_LOGIN"),
    ("DELETE /api/auth/sessions", "SESSION_ENDED"),
    ("DELETE /api/auth/sessions/{id}", "SESSION_ENDED"),
    ("POST /api/auth/tokens", "API_TOKEN_CREATED"),
    ("DELETE /api/auth/tokens/{id}", "API_TOKEN_REVOKED"),
    ("POST /api/mfa/enable", "MFA_ENABLED"),
    ("POST /api/mfa/disable", "MFA_DISABLED"),
    ("POST /api/mfa/backup-codes/regenerate", "MFA_BACKUP_CODES_REPLACED"),
    ("POST /api/users/{id}/reset-mfa", "MFA_RESET"),
    ("PUT /api/settings/security", "SETTINGS_UPDATED"),
    ("PUT /api/settings/retention", "SETTINGS_UPDATED"),
    ("PUT /api/settings/alerts", "SETTINGS_UPDATED"),
    ("PUT /api/auth/notifications", "USER_UPDATED"),
    ("POST /api/alerts/{id}/acknowledge", "ALERT_ACKNOWLEDGED"),
    ("POST /api/alerts/{id}/resolve", "ALERT_RESOLVED"),
    ("POST /api/doctor/send", "TEST_MESSAGES_SENT"),
    ("POST /api/sites", "SITE_CREATED"),
    ("PUT /api/sites/{id}", "SITE_UPDATED"),
    ("DELETE /api/sites/{id}", "SITE_DELETED"),
    ("POST /api/sites/{id}/regenerate-key", "API_KEY_REGENERATED"),
    ("POST /api/sites/{id}/command", "COMMAND_SENT"),
    ("POST /api/groups", "GROUP_CREATED"),
    ("PUT /api/groups/{id}", "GROUP_UPDATED"),
    ("DELETE /api/groups/{id}", "GROUP_DELETED"),
    ("POST /api/groups/{id}/sites", "GROUP_UPDATED"),
    ("DELETE /api/groups/{id}/sites/{site_id}", "GROUP_UPDATED"),
    ("POST /api/videos", "VIDEO_UPLOADED"),
    ("POST /api/videos/bulk", "VIDEO_UPLOADED"),
    ("PUT /api/videos/{id}", "VIDEO_UPDATED"),
    ("PUT /api/videos/{id}/thumbnail", "VIDEO_UPDATED"),
    ("DELETE /api/videos/{id}", "VIDEO_DELETED"),
    ("POST /api/deployments", "VIDEO_DEPLOYED"),
    ("POST /api/deployments/{id}/cancel", "DEPLOYMENT_CANCELLED"),
    ("POST /api/deployments/{id}/retry", "DEPLOYMENT_RETRIED"),
    ("DELETE /api/deployments/{id}", "DEPLOYMENT_DELETED"),
    ("POST /api/users", "USER_CREATED"),
    ("PUT /api/users/{id}", "USER_UPDATED"),
    ("PATCH /api/users/{id}/status", "USER_UPDATED"),
    ("POST /api/users/{id}/reset-password", "USER_PASSWORD_RESET"),
    ("POST /api/users/{id}/invite", "USER_INVITED"),
    ("DELETE /api/users/{id}", "USER_DELETED"),
    ("POST /api/agencies", "AGENCY_CREATED"),
    ("PUT /api/agencies/{id}", "AGENCY_UPDATED"),
    ("POST /api/agencies/{id}/sites", "AGENCY_UPDATED"),
    ("DELETE /api/agencies/{id}/sites/{site_id}", "AGENCY_UPDATED"),
    ("DELETE /api/agencies/{id}", "AGENCY_DELETED"),
];

/// Unsafe routes that leave none, and why.
const EXCEPTIONS: &[(&str, &str)] = &[
    (
        "POST /api/auth/refresh",
        "a session goes on: nothing is changed but its handle, every ten minutes; a stolen one is SESSION_REVOKED",
    ),
    ("POST /api/auth/login/setup", "it invents a second factor, which is none until MFA_ENABLED"),
    ("POST /api/mfa/setup", "the same"),
    ("POST /api/mfa/replace", "the same: until then the factor is the one before"),
    (
        "POST /api/deployments/preview",
        "it computes and changes nothing; it is a POST because of the size of its question",
    ),
    ("POST /api/videos/uploads", "it signs an address: what is sent there is none of the library's until it is done"),
    ("POST /api/videos/uploads/{id}/done", "VIDEO_UPLOADED, with a storage outside: `outside` looks at it"),
    ("PUT /api/deployments/{id}", "it never succeeds: a status follows from what the boxes report"),
];

/// Acts of people who have no session: by a link, or to get one.
const WITHOUT_SESSION: [&str; 3] =
    ["POST /api/auth/setup", "POST /api/auth/forgot-password", "POST /api/auth/reset-password"];

/// Deletions that leave the rest of a thing.
const OUT_OF_A_SET: [&str; 3] = [
    "DELETE /api/groups/{id}/sites/{site_id}",
    "DELETE /api/agencies/{id}/sites/{site_id}",
    "DELETE /api/auth/sessions",
];

#[tokio::test]
async fn every_act_leaves_an_entry() {
    let scene = Scene::new().await;
    let mut known: BTreeSet<&str> = ACTS.iter().chain(EXCEPTIONS).map(|(route, _)| *route).collect();
    assert_eq!(known.len(), ACTS.len() + EXCEPTIONS.len(), "a route stands in one of the tables, once");
    for (path, method, _) in operations() {
        if matches!(method.as_str(), "GET" | "HEAD" | "OPTIONS") {
            continue;
        }
        let route = format!("{method} {path}");
        assert!(known.remove(route.as_str()), "{route} stands in neither table: what does it leave in the journal?");
        let Some((_, action)) = ACTS.iter().find(|(act, _)| *act == route) else { continue };
        let empty = if route == "POST /api/auth/setup" { Some(Scene::empty().await) } else { None };
        let scene = empty.as_ref().unwrap_or(&scene);
        let (answer, entries) = scene.act(&route).await;
        assert!((200..300).contains(&answer.status), "{route}: {} {}", answer.status, answer.text);
        let entry = entries.iter().find(|entry| entry.get::<_, String>("action") == *action);
        let entry = entry.unwrap_or_else(|| panic!("{route} leaves no {action}"));
        scene.judge(&route, entry, &answer);
    }
    assert!(known.is_empty(), "routes of the tables that are not there: {known:?}");
}

/// A server, somebody who may do everything, and what is needed to do it.
pub(super) struct Scene {
    pub app: TestApp,
    pub email: String,
    user: Uuid,
    pub token: String,
}

/// Whether it concerns accounts and their sessions: see [`super::factors`].
pub(super) fn is_about_a_person(route: &str) -> bool {
    let by_link = WITHOUT_SESSION.contains(&route) || route == "POST /api/auth/change-password";
    by_link
        || route.contains("/api/auth/login/")
        || ["/auth/sessions", "/auth/tokens", "mfa", "/settings"].iter().any(|part| route.contains(part))
}

impl Scene {
    /// A server without anybody.
    async fn empty() -> Self {
        Self { app: timely().await, email: String::new(), user: Uuid::nil(), token: String::new() }
    }

    pub(super) async fn new() -> Self {
        let app = timely().await;
        let email = "camille@neopro.test".to_owned();
        app.account(&email, "super_admin").await;
        let token = app.login(&email).await;
        let me = app.get("/api/auth/me").bearer(&token).send().await.json();
        Self { user: id_of(&me).parse().expect("an id"), app, email, token }
    }

    /// Succeeds with a route: the answer, and the entries that it has left.
    async fn act(&self, route: &str) -> (Answer, Vec<Row>) {
        let (method, path) = route.split_once(' ').expect("a method");
        let (path, body) = self.prepared(route, path).await;
        self.act_with(method, &path, body).await
    }

    /// The same, with this body.
    pub(super) async fn act_with(&self, method: &str, path: &str, body: Body) -> (Answer, Vec<Row>) {
        let since = self.count().await;
        let method: Method = method.parse().expect("a method");
        let mut call = self.app.call(method, path).bearer(&self.token).header("user-agent", "Firefox");
        call = match body {
            Body::Nothing => call,
            Body::Json(body) => call.json(&body),
            Body::Files(form) => call.form(&form),
            Body::Picture(bytes) => call.header("content-type", "image/jpeg").body(bytes.to_vec()),
            Body::As(token, body) => self.app.post(path, body).bearer(&token).header("user-agent", "Firefox"),
        };
        let answer = call.send().await;
        let sql = "select *, details::text as told, (before || coalesce(personal->'before', '{}'))::text as was, \
               (after || coalesce(personal->'after', '{}'))::text as became from audit_logs \
             order by written_at desc, id limit $1";
        let more = self.count().await - since;
        (answer, self.app.db.owner().await.query(sql, &[&more]).await.expect("the journal"))
    }

    /// What a route needs: its path with ids of things that are there for it, and its body.
    pub(super) async fn prepared(&self, route: &str, path: &str) -> (String, Body) {
        let at = |id: &str| path.replace("{id}", id);
        match route {
            "POST /api/auth/login" => (at(""), Body::Json(json!({"email": self.email, "password": PASSWORD}))),
            "PUT /api/settings/alerts" => {
                let rules = AlertSettings { offline_minutes: 7, ..AlertSettings::default() };
                (at(""), Body::Json(json!(rules)))
            }
            "PUT /api/auth/notifications" => {
                (at(""), Body::Json(json!({"mail_alerts": false, "mail_results": true, "mail_summary": true})))
            }
            alert if alert.contains("/api/alerts/{id}") => (at(&self.alert().await), Body::Nothing),
            "PUT /api/auth/language" => (at(""), Body::Json(json!({"language": "en"}))),
            "POST /api/auth/logout" => (at(""), Body::As(self.app.login(&self.email).await, json!({}))),
            "PATCH /api/auth/me" => (at(""), Body::Json(json!({"full_name": "Camille Morel"}))),
            "POST /api/doctor/send" => (at(""), Body::Json(json!({"language": "en"}))),
            own if is_about_a_person(own) => self.prepared_of_a_person(own, path).await,
            "POST /api/sites" => (at(""), Body::Json(json!({"site_name": "Gymnase", "club_name": "Club"}))),
            "PUT /api/sites/{id}" => (at(&self.site().await), Body::Json(json!({"club_name": "Nouveau club"}))),
            "POST /api/sites/{id}/command" => {
                let wifi = json!({"ssid": "Club", "password": PASSWORD});
                (at(&self.site().await), Body::Json(json!({"command": "update_hotspot", "params": wifi})))
            }
            site if site.contains("/api/sites/{id}") => (at(&self.site().await), Body::Nothing),
            "POST /api/groups" => {
                (at(""), Body::Json(json!({"name": "Groupe", "type": "custom", "site_ids": [self.site().await]})))
            }
            "PUT /api/groups/{id}" => (at(&self.group(None).await), Body::Json(json!({"name": "Autre"}))),
            "POST /api/groups/{id}/sites" => {
                (at(&self.group(None).await), Body::Json(json!({"site_ids": [self.site().await]})))
            }
            "DELETE /api/groups/{id}/sites/{site_id}" => {
                let site = self.site().await;
                (at(&self.group(Some(&site)).await).replace("{site_id}", &site), Body::Nothing)
            }
            "DELETE /api/groups/{id}" => (at(&self.group(None).await), Body::Nothing),
            "POST /api/videos" => (at(""), Body::Files(Form::new().file("video", "a.mp4", &film()))),
            "POST /api/videos/bulk" => (at(""), Body::Files(Form::new().file("videos", "b.mp4", &film()))),
            "PUT /api/videos/{id}" => (at(&self.video().await), Body::Json(json!({"title": "Autre"}))),
            "PUT /api/videos/{id}/thumbnail" => (at(&self.video().await), Body::Picture(media!("picture.jpg"))),
            "DELETE /api/videos/{id}" => (at(&self.video().await), Body::Nothing),
            "POST /api/deployments" => (at(""), Body::Json(self.order().await)),
            "POST /api/deployments/{id}/retry" => {
                let order = self.deployment().await;
                let failed = "update deployment_targets set state = 'failed', reason_code = 'network'";
                self.app.db.owner().await.batch_execute(failed).await.expect("the owner may");
                (at(&order), Body::Json(json!({})))
            }
            order if order.contains("/api/deployments/{id}") => (at(&self.deployment().await), Body::Nothing),
            "POST /api/users" => (at(""), Body::Json(new_user())),
            "PUT /api/users/{id}" => (at(&self.other().await), Body::Json(json!({"role": "operator"}))),
            "PATCH /api/users/{id}/status" => (at(&self.other().await), Body::Json(json!({"status": "suspended"}))),
            "POST /api/users/{id}/reset-password" => {
                (at(&self.other().await), Body::Json(json!({"new_password": PASSWORD})))
            }
            user if user.contains("/api/users/{id}") => (at(&self.other().await), Body::Nothing),
            "POST /api/agencies" => (at(""), Body::Json(json!({"name": "Agence"}))),
            "PUT /api/agencies/{id}" => (at(&self.agency(None).await), Body::Json(json!({"name": "Autre"}))),
            "POST /api/agencies/{id}/sites" => {
                (at(&self.agency(None).await), Body::Json(json!({"site_ids": [self.site().await]})))
            }
            "DELETE /api/agencies/{id}/sites/{site_id}" => {
                let site = self.site().await;
                (at(&self.agency(Some(&site)).await).replace("{site_id}", &site), Body::Nothing)
            }
            "DELETE /api/agencies/{id}" => (at(&self.agency(None).await), Body::Nothing),
            other => panic!("nobody has said how to succeed with {other}"),
        }
    }

    /// Whether an entry says who, what, to what, from where; and no secret.
    fn judge(&self, route: &str, entry: &Row, answer: &Answer) {
        let who = entry.get::<_, Option<Uuid>>("user_id").unwrap_or_else(|| panic!("{route}: who"));
        assert!(who == self.user || is_about_a_person(route), "{route}: who");
        let session = entry.get::<_, Option<Uuid>>("session_id");
        assert_eq!(session.is_none(), WITHOUT_SESSION.contains(&route), "{route}: by which session");
        assert!(entry.get::<_, Option<Uuid>>("token_id").is_none(), "{route}: by no token");
        assert!(entry.get::<_, Option<String>>("target_type").is_some_and(|kind| !kind.is_empty()), "{route}: to what");
        assert!(entry.get::<_, Option<String>>("target_id").is_some_and(|id| id.len() >= 8), "{route}: to which");
        assert_eq!(entry.get::<_, Option<String>>("ip_address").as_deref(), Some("192.0.2.7"), "{route}: from where");
        assert_eq!(entry.get::<_, Option<String>>("user_agent").as_deref(), Some("Firefox"), "{route}: with what");
        let [was, became, told] = ["was", "became", "told"].map(|column| entry.get::<_, Option<String>>(column));
        let says = |what: &Option<String>| what.as_ref().is_some_and(|text| text != "{}");
        let is_gone = route.starts_with("DELETE ") || route.ends_with("/logout");
        let is_changed = ["PUT ", "PATCH "].iter().any(|method| route.starts_with(method)) || route.contains("/cancel");
        assert_eq!(says(&became), !is_gone || OUT_OF_A_SET.contains(&route) && became.is_some(), "{route}: what it is");
        assert!(says(&was) || !(is_gone || is_changed), "{route}: what it was");
        assert!(!is_changed || was != became, "{route}: it was something else");
        if route.ends_with("/command") {
            let sent: Value = serde_json::from_str(became.as_deref().unwrap_or_default()).expect("what was sent");
            let wifi = json!({"ssid": "Club", "password": "•••"});
            assert_eq!(sent, json!({"command": "update_hotspot", "params": wifi}), "and no secret");
        }
        let all = format!("{was:?} {became:?} {told:?}");
        let key = answer.text.starts_with('{').then(|| answer.json()["api_key"].as_str().map(str::to_owned)).flatten();
        assert!(key.is_none_or(|key| !all.contains(&key)), "{route}: the journal has the key");
        assert!(!all.contains("sha256:") && !all.contains(PASSWORD), "{route}: {all}");
    }

    async fn count(&self) -> i64 {
        let sql = "select count(*) from audit_logs";
        self.app.db.owner().await.query_one(sql, &[]).await.expect("a count").get(0)
    }

    async fn made(&self, path: &str, body: Value) -> String {
        let answer = self.app.post(path, body).bearer(&self.token).send().await;
        assert_eq!(answer.status, 201, "{path}: {}", answer.text);
        id_of(&answer.json())
    }

    pub(super) async fn site(&self) -> String {
        self.made("/api/sites", json!({"site_name": "Gymnase", "club_name": "Club"})).await
    }

    /// A box that is too hot.
    async fn alert(&self) -> String {
        let site = self.site().await;
        let sql = "insert into alerts (site_id, alert_type, severity, message) \
             values ($1::text::uuid, 'high_temperature', 'warning', 'Température : 78 °C.') returning id::text";
        self.app.db.owner().await.query_one(sql, &[&site]).await.expect("an alert").get(0)
    }

    async fn group(&self, site: Option<&str>) -> String {
        let sites: Vec<&str> = site.into_iter().collect();
        self.made("/api/groups", json!({"name": "Groupe", "type": "custom", "site_ids": sites})).await
    }

    /// Somebody else, who was invited.
    async fn other(&self) -> String {
        self.made("/api/users", new_user()).await
    }

    pub(super) async fn agency(&self, site: Option<&str>) -> String {
        let agency = self.made("/api/agencies", json!({"name": "Agence"})).await;
        if let Some(site) = site {
            let path = format!("/api/agencies/{agency}/sites");
            let given = self.app.post(&path, json!({"site_ids": [site]})).bearer(&self.token).send().await;
            assert_eq!(given.status, 201, "{}", given.text);
        }
        agency
    }

    async fn video(&self) -> String {
        let form = Form::new().file("video", "a.mp4", &film());
        let answer = self.app.call(Method::POST, "/api/videos").bearer(&self.token).form(&form).send().await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        id_of(&answer.json())
    }

    async fn order(&self) -> Value {
        json!({"video_id": self.video().await, "target_type": "site", "target_id": self.site().await})
    }

    async fn deployment(&self) -> String {
        let order = self.order().await;
        self.made("/api/deployments", order).await
    }
}

pub(super) enum Body {
    Nothing,
    Json(Value),
    Files(Form),
    Picture(&'static [u8]),
    /// An object, of this session.
    As(String, Value),
}

fn new_user() -> Value {
    json!({"email": format!("{}@club.fr", Uuid::now_v7()), "full_name": "Dominique", "role": "viewer"})
}

pub(super) fn id_of(answer: &Value) -> String {
    // Of old envelopes.
    let answer = answer.get("data").unwrap_or(answer);
    answer["id"].as_str().unwrap_or_else(|| panic!("no id in {answer}")).to_owned()
}

/// A film that the library has not yet: players pass over what is behind its end.
fn film() -> Vec<u8> {
    let mut bytes = media!("faststart.mp4").to_vec();
    bytes.extend_from_slice(&[0, 0, 0, 24]);
    bytes.extend_from_slice(b"free");
    bytes.extend_from_slice(Uuid::now_v7().as_bytes());
    bytes
}

#[tokio::test]
async fn refused_logins_are_in_it_and_say_why() {
    let app = timely().await;
    app.account("camille@neopro.test", "viewer").await;
    app.account("dominique@neopro.test", "viewer").await;
    let owner = app.db.owner().await;
    owner.batch_execute("update users set is_active = false where email like 'dominique%'").await.expect("suspended");
    for email in ["Camille@Neopro.test", "dominique@neopro.test", "Tir au but 9", "tir au but 9", "x@neopro.test"] {
        let body = json!({"email": email, "password": "Autre chose 1"});
        assert_eq!(app.post("/api/auth/login", body).send().await.status, 401);
    }
    let rows = owner
        .query(
            "select details->>'reason', user_id::text = target_id, ip_address, personal->'details'->>'login_mark', \
               (a.*)::text from audit_logs a where action = 'USER_LOGIN_FAILED' order by written_at",
            &[],
        )
        .await
        .expect("the journal");
    let told: Vec<(String, Option<bool>, Option<String>)> =
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(3))).collect();
    let reasons: Vec<(&str, Option<bool>)> = told.iter().map(|(reason, own, _)| (reason.as_str(), *own)).collect();
    let unknown = ("unknown", None);
    assert_eq!(reasons, [("password", Some(true)), ("inactive", Some(true)), unknown, unknown, unknown]);
    assert!(rows.iter().all(|row| row.get::<_, String>(2) == "192.0.2.7"));
    let marks: Vec<&str> = told.iter().filter_map(|(_, _, mark)| mark.as_deref()).collect();
    assert!(marks[0] == marks[1] && marks[1] != marks[2], "the same address is seen again: {marks:?}");
    for row in &rows {
        let all = row.get::<_, String>(4).to_lowercase();
        assert!(!all.contains("autre chose") && !all.contains("tir au but"), "what may be a password: {all}");
    }
}

#[tokio::test]
async fn an_act_says_what_it_was_and_what_it_is_since() {
    let scene = Scene::new().await;
    let site = scene.site().await;
    let path = format!("/api/sites/{site}");
    let changed = json!({"club_name": "HBC Nantes", "sports": ["handball"]});
    scene.app.put(&path, changed).bearer(&scene.token).send().await.expect(axum::http::StatusCode::OK);
    let group = scene.group(Some(&site)).await;
    scene.app.delete(&format!("/api/groups/{group}/sites/{site}")).bearer(&scene.token).send().await;
    let logs = scene.app.get("/api/audit").bearer(&scene.token).send().await.json();
    let newest = |action: &str| {
        let logs = logs["logs"].as_array().expect("entries").clone();
        logs.into_iter().find(|log| log["action"] == action).unwrap_or_else(|| panic!("no {action} in the journal"))
    };
    let updated = newest("SITE_UPDATED");
    assert_eq!(updated["before"], json!({"club_name": "Club", "sports": null}));
    assert_eq!(updated["after"], json!({"club_name": "HBC Nantes", "sports": ["handball"]}));
    let left = newest("GROUP_UPDATED");
    assert_eq!((&left["before"]["sites"], &left["after"]["sites"]), (&json!([site]), &json!([])));
    scene.app.delete(&path).bearer(&scene.token).send().await.expect(axum::http::StatusCode::OK);
    let logs = scene.app.get("/api/audit?action=SITE_DELETED").bearer(&scene.token).send().await.json();
    let gone = &logs["logs"][0];
    assert_eq!((&gone["before"]["club_name"], &gone["after"]), (&json!("HBC Nantes"), &Value::Null));
    assert_eq!(gone["target_name"], "Gymnase", "by its last name");
}
