//! `docs/api-compatibility.md` says of each route of NeoPro 1 what became of it. Scripts of NeoPro 1 call those that are
//! kept or repaired, on a database that was taken over, and read from the answers what they always read.

use std::collections::BTreeSet;

use axum::http::Method;
use serde_json::{Value, json};

use super::{BAKERY, GOAL, JEANNE, KEY, LIFFRE, Old, PAUL, VITRE, taken_over, value};
use crate::contract::fill;
use crate::media;
use crate::second_factor::oathtool;
use crate::support::app::PASSWORD;
use crate::support::contract::operations;
use crate::support::{Answer, Form, TestApp};

const TABLE: &str = include_str!("../../../../docs/api-compatibility.md");
const GROUP: &str = "30000000-0000-4000-8000-000000000001";
const AGENCY: &str = "c0000000-0000-4000-8000-000000000001";

/// A route of the table, and what became of it.
struct Route {
    method: Method,
    path: String,
    state: &'static str,
}

fn table() -> Vec<Route> {
    let (_, table) = TABLE.split_once("## Every route of NeoPro 1, one by one").expect("the table");
    let (table, _) = table.split_once("\n## ").expect("its end");
    table
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| chapter"))
        .map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let (method, path) = cells[2].trim_matches('`').split_once(' ').expect("a method and a path");
            assert!(["kept", "repaired", "dropped", "not yet"].contains(&cells[3]), "{line}");
            assert!(cells[3] != "dropped" || !cells[4].is_empty(), "without a reason: {line}");
            Route { method: method.parse().expect("a method"), path: path.to_owned(), state: cells[3] }
        })
        .collect()
}

#[test]
fn the_table_tells_the_truth_about_which_routes_there_are() {
    let there: BTreeSet<String> = operations().iter().map(|(path, method, _)| format!("{method} {path}")).collect();
    let table = table();
    // As many as the description of the API of NeoPro 1 has in its chapters 7 to 25.
    assert_eq!(table.len(), 147);
    for Route { method, path, state } in table {
        let route = format!("{method} {path}");
        // Not operations of the API, and one that answers only to say that it does nothing.
        if matches!(&*route, "GET /api-docs" | "PUT /api/deployments/{id}") {
            continue;
        }
        assert_eq!(there.contains(&route), matches!(state, "kept" | "repaired"), "{route} is said to be {state}");
    }
}

#[tokio::test]
async fn what_is_not_there_says_so_in_the_old_shape() {
    let app = TestApp::new().await;
    let token = app.token("super_admin").await;
    for Route { method, path, state } in
        table().into_iter().filter(|route| matches!(route.state, "dropped" | "not yet"))
    {
        let call = app.call(method.clone(), &fill(&path)).bearer(&token).json(&json!({}));
        let answer = call.unjudged().await;
        assert!(
            (400..500).contains(&answer.status) && answer.status != 401,
            "{method} {path} {state}: {}",
            answer.status
        );
        if path.starts_with("/api/") {
            assert!(answer.json()["error"].is_string(), "{method} {path}: {}", answer.text);
        }
    }
}

/// A person with a script of NeoPro 1.
struct Script<'a> {
    app: &'a TestApp,
    token: String,
    called: BTreeSet<String>,
}

impl Script<'_> {
    async fn answer(&mut self, route: &str, path: &str, body: Option<Value>) -> Answer {
        self.called.insert(route.to_owned());
        let (method, _) = route.split_once(' ').expect("a method");
        let call = self.app.call(method.parse().expect("a method"), path).bearer(&self.token);
        match body {
            Some(body) => call.json(&body).send().await,
            None => call.send().await,
        }
    }

    /// Calls a route, and reads these places of the answer: `data.0.id:s` is a text in the first row of `data`. `s` text,
    /// `n` number, `b` boolean, `o` object, `a` array; `?` also null.
    async fn call(&mut self, route: &str, path: &str, body: Option<Value>, status: u16, reads: &str) -> Value {
        let answer = self.answer(route, path, body).await;
        assert_eq!(answer.status, status, "{route} at {path}: {}", answer.text);
        let answer = answer.json();
        reads_all(route, &answer, reads);
        answer
    }
}

fn reads_all(route: &str, answer: &Value, reads: &str) {
    for read in reads.split_whitespace() {
        let (place, kind) = read.split_once(':').expect("a place and a kind");
        let pointer = if place == "." { String::new() } else { format!("/{}", place.replace('.', "/")) };
        let found = answer.pointer(&pointer);
        let fits = found.is_some_and(|value| {
            (kind.ends_with('?') && value.is_null())
                || match kind.trim_end_matches('?') {
                    "s" => value.is_string(),
                    "n" => value.is_number(),
                    "b" => value.is_boolean(),
                    "o" => value.is_object(),
                    "a" => value.is_array(),
                    other => panic!("no kind {other}"),
                }
        });
        assert!(fits, "{route}: {read} in {answer}");
    }
}

#[tokio::test]
async fn scripts_of_neopro_1_call_every_route_that_was_kept() {
    let (db, _) = taken_over(Old::Everything).await;
    let app = TestApp::on(db, &[("MFA_ENCRYPTION_KEY", KEY)]).await;
    let mut script = Script { app: &app, token: String::new(), called: BTreeSet::new() };
    service(&mut script).await;
    let body = json!({"email": "Jeanne.Admin@neopro.test", "password": PASSWORD});
    let reads = "token:s user.id:s user.email:s user.full_name:s? user.role:s user.mfa_enabled:b user.sponsor_id:s? user.agency_id:s?";
    let login = script.answer("POST /api/auth/login", "/api/auth/login", Some(body)).await;
    assert_eq!(login.status, 200, "{}", login.text);
    assert!(login.header("set-cookie").contains("neopro_token="), "and the cookie");
    reads_all("login", &login.json(), reads);
    login.json()["token"].as_str().expect("a token").clone_into(&mut script.token);
    account(&mut script).await;
    sites(&mut script).await;
    groups(&mut script).await;
    videos_and_deployments(&mut script).await;
    agencies_and_users(&mut script).await;
    journal(&mut script).await;
    second_factor(&mut script).await;
    script.call("POST /api/auth/logout", "/api/auth/logout", None, 200, "message:s").await;

    let kept: BTreeSet<String> = table()
        .iter()
        .filter(|route| matches!(route.state, "kept" | "repaired"))
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    assert_eq!(script.called, kept, "each route that is kept was called, and no other");
}

async fn service(script: &mut Script<'_>) {
    let root = script.app.get("/").header("accept", "application/json").send().await;
    script.called.insert("GET /".into());
    reads_all("GET /", &root.json(), "service:s version:s status:s timestamp:s documentation:s");
    script.call("GET /live", "/live", None, 200, "status:s timestamp:s").await;
    let ready = script.answer("GET /ready", "/ready", None).await;
    assert!(matches!(ready.status, 200 | 503), "{}", ready.text);
    reads_all("GET /ready", &ready.json(), "status:s timestamp:s checks.database:b checks.websocket:b");
    let reads = "status:s timestamp:s version:s uptime:n environment:s checks.database.name:s checks.database.status:s \
                 checks.websocket.details.connectedSites:n summary.totalChecks:n summary.healthyChecks:n";
    script.call("GET /health", "/health", None, 200, reads).await;
    // Prometheus reads them where they are switched on, which they are not by themselves any more.
    let metrics = script.answer("GET /metrics", "/metrics", None).await;
    assert_eq!(metrics.status, 404, "{}", metrics.text);
    let docs = script.app.get("/api-docs").unjudged().await;
    script.called.insert("GET /api-docs".into());
    assert!(matches!(docs.status, 200 | 303 | 307 | 308), "{}", docs.status);
}

async fn account(script: &mut Script<'_>) {
    let reads = "id:s email:s full_name:s? role:s sponsor_id:s? agency_id:s? created_at:s last_login_at:s?";
    let me = script.call("GET /api/auth/me", "/api/auth/me", None, 200, reads).await;
    assert_eq!((&me["id"], &me["created_at"]), (&json!(JEANNE), &json!("2025-03-01T08:00:00.000Z")));
    let body = json!({"current_password": PASSWORD, "new_password": "Un autre but 8"});
    script.call("POST /api/auth/change-password", "/api/auth/change-password", Some(body), 200, "message:s").await;
    let body = json!({"email": "lea@neopro.test"});
    script
        .call("POST /api/auth/forgot-password", "/api/auth/forgot-password", Some(body), 200, "success:b message:s")
        .await;
    let path = format!("/api/auth/verify-reset-token?token={}", "a".repeat(64));
    let unknown = script.call("GET /api/auth/verify-reset-token", &path, None, 401, "valid:b error:s").await;
    assert_eq!(unknown["valid"], false);
    let body = json!({"token": "a".repeat(64), "password": "Un autre but 8", "password_confirm": "Un autre but 8"});
    script.call("POST /api/auth/reset-password", "/api/auth/reset-password", Some(body), 401, "error:s").await;
}

const SITE: &str = "id:s site_name:s club_name:s location:o? sports:a? status:s last_seen_at:s? last_ip:s? local_ip:s? \
                    software_version:s? hardware_model:s metadata:o created_at:s updated_at:s live_score_enabled:b";

/// The same places, in the first row below.
fn below(place: &str, reads: &str) -> String {
    reads.split_whitespace().map(|read| format!("{place}.{read}")).collect::<Vec<_>>().join(" ")
}

async fn sites(script: &mut Script<'_>) {
    let reads = format!(
        "{} pagination.page:n pagination.limit:n pagination.total:n pagination.totalPages:n \
                         pagination.hasNext:b pagination.hasPrev:b",
        below("data.0", SITE)
    );
    let list = script.call("GET /api/sites", "/api/sites?sport=volleyball&region=Bretagne", None, 200, &reads).await;
    assert_eq!((&list["data"][0]["id"], &list["pagination"]["total"]), (&json!(VITRE), &json!(1)));
    script
        .call(
            "GET /api/sites/stats",
            "/api/sites/stats",
            None,
            200,
            "total_sites:n online:n offline:n maintenance:n error:n",
        )
        .await;
    let reads = "sites.0.siteId:s sites.0.siteName:s sites.0.clubName:s sites.0.isConnected:b sites.0.displayStatus:s \
                 sites.0.lastSeenAt:s? sites.0.secondsSinceLastSeen:n? sites.0.localIp:s? stats.total:n stats.online:n \
                 stats.warning:n stats.offline:n stats.unknown:n timestamp:s";
    script.call("GET /api/sites/connection-status", "/api/sites/connection-status", None, 200, reads).await;
    let one = |rest: &str| format!("/api/sites/{VITRE}{rest}");
    let site = script.call("GET /api/sites/{id}", &one(""), None, 200, SITE).await;
    assert_eq!(site["last_seen_at"], "2025-12-24T19:59:30.000Z", "as NeoPro 1 had it, in UTC");
    let reads = "site_id:s period_hours:n metrics:a";
    script.call("GET /api/sites/{id}/metrics", &one("/metrics?hours=24"), None, 200, reads).await;
    let reads = "siteId:s siteName:s clubName:s connection.isConnected:b connection.displayStatus:s connection.lastSeenAt:s? \
                 sync.lastConfigSync:s? statistics.heartbeats24h:n statistics.uptime24h:n";
    let status =
        script.call("GET /api/sites/{id}/connection-status", &one("/connection-status"), None, 200, reads).await;
    assert_eq!(status["sync"]["lastConfigSync"], "2025-12-24T20:00:00.000Z");
    let reads = "siteId:s siteName:s clubName:s hasContent:b lastSync:s? configHash:s? configuration:o?";
    let content = script.call("GET /api/sites/{id}/local-content", &one("/local-content"), None, 200, reads).await;
    assert_eq!(content["configuration"]["auth"]["password"], "********");
    let body = json!({"site_name": "Salle Neuve", "club_name": "Neuf", "hardware_model": "", "location": {"city": ""}});
    let reads = "id:s site_name:s club_name:s location:o? sports:a? hardware_model:s status:s created_at:s api_key:s api_key_warning:s";
    let made = script.call("POST /api/sites", "/api/sites", Some(body), 201, reads).await;
    assert_eq!(made["api_key"].as_str().expect("a key").len(), 64);
    let path = format!("/api/sites/{}", made["id"].as_str().expect("an id"));
    let body = json!({"club_name": "Tout neuf", "live_score_enabled": true});
    script.call("PUT /api/sites/{id}", &path, Some(body), 200, SITE).await;
    let reads = "id:s site_name:s club_name:s status:s updated_at:s api_key:s api_key_warning:s";
    script.call("POST /api/sites/{id}/regenerate-key", &format!("{path}/regenerate-key"), None, 200, reads).await;
    let body = json!({"command": "reboot", "params": {}});
    let reads = "success:b sent:b queued:b commandId:s message:s";
    let sent = script.call("POST /api/sites/{id}/command", &format!("{path}/command"), Some(body), 200, reads).await;
    assert_eq!((&sent["sent"], &sent["queued"]), (&json!(false), &json!(true)), "the box is away");
    let reads = "id:s site_id:s command_type:s command_data:o? status:s result:o? error_message:s? executed_by:s? \
                 created_at:s executed_at:s? completed_at:s?";
    let old = one("/command/70000000-0000-4000-8000-000000000003");
    let old = script.call("GET /api/sites/{id}/command/{command_id}", &old, None, 200, reads).await;
    assert_eq!(old["result"]["configuration"]["auth"], json!({"password": "********", "clubName": "CA Vitré"}));
    let reads = "alerts.0.id:s alerts.0.type:s alerts.0.severity:s alerts.0.message:s alerts.0.resolved:b \
                 alerts.0.created_at:s alerts.0.resolved_at:s?";
    let alerts = format!("/api/analytics/clubs/{VITRE}/alerts?days=366&limit=10");
    let alerts = script.call("GET /api/analytics/clubs/{site_id}/alerts", &alerts, None, 200, reads).await;
    assert_eq!(
        (&alerts["alerts"][0]["type"], &alerts["alerts"][0]["created_at"]),
        (&json!("high_temperature"), &json!("2025-09-01T12:00:00.000Z"))
    );
    script.call("DELETE /api/sites/{id}", &path, None, 200, "message:s").await;
}

async fn groups(script: &mut Script<'_>) {
    let group = "id:s name:s description:s? type:s filters:o? created_at:s updated_at:s";
    let list = script
        .call("GET /api/groups", "/api/groups", None, 200, &format!("total:n {}", below("groups.0", group)))
        .await;
    assert_eq!(list["total"], 2);
    let one = format!("/api/groups/{GROUP}");
    script.call("GET /api/groups/{id}", &one, None, 200, &format!("{group} {}", below("sites.0", SITE))).await;
    let reads = format!("group_id:s total:n {}", below("sites.0", SITE));
    script.call("GET /api/groups/{id}/sites", &format!("{one}/sites"), None, 200, &reads).await;
    let body = json!({"name": "Neuf", "type": "custom", "description": "", "metadata": {"sport": "volleyball"}, "site_ids": [VITRE]});
    let made = script.call("POST /api/groups", "/api/groups", Some(body), 201, "id:s name:s type:s metadata:o").await;
    let path = format!("/api/groups/{}", made["id"].as_str().expect("an id"));
    script.call("PUT /api/groups/{id}", &path, Some(json!({"name": "Plus neuf"})), 200, "id:s name:s").await;
    let body = json!({"site_ids": [LIFFRE]});
    script
        .call("POST /api/groups/{id}/sites", &format!("{path}/sites"), Some(body), 200, "message:s added_count:n")
        .await;
    let member = format!("{path}/sites/{LIFFRE}");
    script.call("DELETE /api/groups/{id}/sites/{site_id}", &member, None, 200, "message:s").await;
    script.call("DELETE /api/groups/{id}", &path, None, 200, "message:s").await;
}

async fn videos_and_deployments(script: &mut Script<'_>) {
    let video = "id:s filename:s original_name:s category:s? subcategory:s? file_size:n duration:n? url:s thumbnail_url:s? \
                 metadata:o created_at:s updated_at:s title:s";
    let list =
        script.call("GET /api/videos", "/api/videos?category=SPONSORS", None, 200, &below("data.0", video)).await;
    assert_eq!(list["data"][0]["title"], "Boulangerie Morel");
    let one = format!("/api/videos/{BAKERY}");
    script.call("GET /api/videos/{id}", &one, None, 200, video).await;
    let reads = "video_id:s stats.total:n stats.completed:n stats.failed:n stats.pending:n stats.in_progress:n \
                 deployments.0.id:s deployments.0.status:s deployments.0.target_name:s? deployments.0.deployed_by_name:s?";
    script.call("GET /api/videos/{id}/deployments", &format!("{one}/deployments"), None, 200, reads).await;

    let form =
        Form::new().file("video", "neuf.mp4", media!("faststart.mp4")).text("title", "Neuf").text("category", "BUTS");
    let made = script.app.call(Method::POST, "/api/videos").bearer(&script.token).form(&form).send().await;
    script.called.insert("POST /api/videos".into());
    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json();
    reads_all(
        "POST /api/videos",
        &made,
        "id:s name:s original_name:s category:s? subcategory:s? size:n url:s checksum:s metadata:o title:s",
    );
    let form = Form::new().file("videos", "deux.mp4", media!("late.mp4")).text("category", "BUTS");
    let bulk = script.app.call(Method::POST, "/api/videos/bulk").bearer(&script.token).form(&form).send().await;
    script.called.insert("POST /api/videos/bulk".into());
    assert_eq!(bulk.status, 201, "{}", bulk.text);
    reads_all(
        "bulk",
        &bulk.json(),
        "success:b message:s files.0.id:s files.0.name:s files.0.title:s files.0.size:n files.0.success:b",
    );
    let path = format!("/api/videos/{}", made["id"].as_str().expect("an id"));
    script.call("PUT /api/videos/{id}", &path, Some(json!({"category": "JINGLES"})), 200, "id:s category:s").await;
    script.call("DELETE /api/videos/{id}", &path, None, 200, "message:s").await;

    let order = "id:s video_id:s? target_type:s target_id:s? status:s progress:n error:s? deployed_at:s? created_at:s \
                 started_at:s? target_name:s video_title:s";
    let list = script.call("GET /api/deployments", "/api/deployments", None, 200, &below("0", order)).await;
    assert_eq!(list.as_array().expect("a bare array").len(), 6);
    let path = "/api/deployments/50000000-0000-4000-8000-000000000001";
    let done = script.call("GET /api/deployments/{id}", path, None, 200, order).await;
    assert_eq!((&done["status"], &done["completed_at"]), (&json!("completed"), &json!("2025-06-03T08:03:00.000Z")));
    assert_eq!(done["deployed_by_name"], "Paul Le Goff");
    script
        .call(
            "GET /api/deployments/scheduled",
            "/api/deployments/scheduled",
            None,
            200,
            &below("0", "id:s scheduled_at:s"),
        )
        .await;
    let body = json!({"video_id": GOAL, "target_type": "site", "target_id": VITRE});
    let made = script
        .call(
            "POST /api/deployments",
            "/api/deployments",
            Some(body),
            201,
            "id:s video_id:s target_type:s target_id:s status:s progress:n created_at:s",
        )
        .await;
    let path = format!("/api/deployments/{}", made["id"].as_str().expect("an id"));
    script.call("POST /api/deployments/{id}/cancel", &format!("{path}/cancel"), None, 200, "id:s status:s").await;
    script.call("DELETE /api/deployments/{id}", &path, None, 200, "message:s").await;
}

async fn agencies_and_users(script: &mut Script<'_>) {
    let agency = "id:s name:s description:s? logo_url:s? contact_name:s? contact_email:s? contact_phone:s? status:s created_at:s";
    let reads = format!("success:b data.total:n {}", below("data.agencies.0", agency));
    script.call("GET /api/agencies", "/api/agencies", None, 200, &reads).await;
    let one = format!("/api/agencies/{AGENCY}");
    script
        .call("GET /api/agencies/{id}", &one, None, 200, &format!("success:b {}", below("data.agency", agency)))
        .await;
    let reads = "success:b data.agency.id:s data.agency.name:s data.sites.0.id:s data.sites.0.site_name:s data.total:n";
    script.call("GET /api/agencies/{id}/sites", &format!("{one}/sites"), None, 200, reads).await;
    let made = script
        .call("POST /api/agencies", "/api/agencies", Some(json!({"name": "Neuve"})), 201, "success:b data.id:s")
        .await;
    let path = format!("/api/agencies/{}", made["data"]["id"].as_str().expect("an id"));
    script
        .call(
            "PUT /api/agencies/{id}",
            &path,
            Some(json!({"contact_name": "Anne"})),
            200,
            "success:b data.contact_name:s",
        )
        .await;
    let body = json!({"site_ids": [VITRE]});
    script
        .call("POST /api/agencies/{id}/sites", &format!("{path}/sites"), Some(body), 201, "success:b message:s")
        .await;
    let member = format!("{path}/sites/{VITRE}");
    script.call("DELETE /api/agencies/{id}/sites/{site_id}", &member, None, 200, "success:b message:s").await;
    script.call("DELETE /api/agencies/{id}", &path, None, 200, "success:b message:s").await;

    let user = "id:s email:s full_name:s? role:s sponsor_id:s? sponsor_name:s? agency_id:s? agency_name:s? mfa_enabled:b \
                status:s created_at:s updated_at:s last_login_at:s?";
    let reads = format!("success:b data.total:n {}", below("data.users.0", user));
    let list = script.call("GET /api/users", "/api/users?role=agency", None, 200, &reads).await;
    assert_eq!(list["data"]["users"][0]["agency_name"], "Agence Ouest");
    let reads = format!("success:b {}", below("data.user", user));
    script.call("GET /api/users/{id}", &format!("/api/users/{PAUL}"), None, 200, &reads).await;
    let body = json!({"email": "neuf@neopro.test", "password": PASSWORD, "full_name": "Neuf", "role": "viewer"});
    let made = script
        .call("POST /api/users", "/api/users", Some(body), 201, "success:b data.id:s data.email:s data.role:s")
        .await;
    let path = format!("/api/users/{}", made["data"]["id"].as_str().expect("an id"));
    script
        .call("PUT /api/users/{id}", &path, Some(json!({"full_name": "Plus neuf"})), 200, "success:b data.full_name:s")
        .await;
    let body = json!({"status": "suspended"});
    script
        .call("PATCH /api/users/{id}/status", &format!("{path}/status"), Some(body), 200, "success:b data.status:s")
        .await;
    let body = json!({"new_password": "Un autre but 8"});
    script
        .call(
            "POST /api/users/{id}/reset-password",
            &format!("{path}/reset-password"),
            Some(body),
            200,
            "success:b message:s",
        )
        .await;
    // In NeoPro 1 this failed for whoever had ever done something.
    script.call("DELETE /api/users/{id}", &format!("/api/users/{PAUL}"), None, 200, "success:b message:s").await;
    let kept = "select count(*) from videos where id = '40000000-0000-4000-8000-000000000001' and uploaded_by is null";
    assert_eq!(value(&script.app.db.admin().await, kept).await.as_deref(), Some("1"), "and what he did stays");
}

async fn journal(script: &mut Script<'_>) {
    let reads = "logs.0.id:s logs.0.action:s logs.0.target_type:s? logs.0.target_id:s? logs.0.details:o? \
                 logs.0.created_at:s total:n page:n totalPages:n";
    let path = "/api/audit?action=SITE_CREATED&endDate=2025-06-01&limit=10";
    let old = script.call("GET /api/audit", path, None, 200, reads).await;
    assert_eq!((&old["total"], &old["logs"][0]["details"]), (&json!(1), &json!({"siteName": "Gymnase Jean-Moulin"})));
    assert_eq!(old["logs"][0]["user_email"], "Jeanne.Admin@neopro.test");
    script.call("GET /api/audit/actions", "/api/audit/actions", None, 200, "actions.0:s").await;
}

async fn second_factor(script: &mut Script<'_>) {
    script.call("GET /api/mfa/status", "/api/mfa/status", None, 200, "enabled:b required:b").await;
    let reads = "qrCodeDataUrl:s manualEntryKey:s backupCodes.7:s message:s";
    let set_up = script.call("POST /api/mfa/setup", "/api/mfa/setup", None, 200, reads).await;
    let key = set_up["manualEntryKey"].as_str().expect("a key").to_owned();
    let code = |script: &Script<'_>| {
        script.app.clock.advance(std::time::Duration::from_secs(90));
        json!({"code": oathtool(&key, script.app.clock.now().unix_seconds())})
    };
    let body = code(script);
    script.call("POST /api/mfa/enable", "/api/mfa/enable", Some(body), 200, "success:b message:s").await;
    let body = code(script);
    let path = "/api/mfa/backup-codes/regenerate";
    script.call("POST /api/mfa/backup-codes/regenerate", path, Some(body), 200, "backupCodes.7:s message:s").await;
    let body = code(script);
    script.call("POST /api/mfa/disable", "/api/mfa/disable", Some(body), 200, "success:b message:s").await;
}
