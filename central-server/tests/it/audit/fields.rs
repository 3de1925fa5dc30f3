//! Every field that can be changed is told when it changes: by the API's description, not by examples.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use neopro_central::alerts::rules::AlertSettings;
use serde_json::{Value, json};
use uuid::Uuid;

use super::acts::{Body, Scene};
use crate::support::TestApp;
use crate::support::contract::{DOCUMENT, operations};

/// For each field of each body that changes something another value than it has, with what else it needs.
fn changes(agency: &str, sponsor: &str, site: &str) -> Vec<(&'static str, &'static str, Value)> {
    let unique = format!("{}@club.fr", Uuid::now_v7());
    vec![
        ("/api/sites/{id}", "site_name", json!("Autre")),
        ("/api/sites/{id}", "club_name", json!("Autre")),
        ("/api/sites/{id}", "location", json!({"city": "Pau"})),
        ("/api/sites/{id}", "sports", json!(["handball"])),
        ("/api/sites/{id}", "status", json!("maintenance")),
        ("/api/sites/{id}", "live_score_enabled", json!(true)),
        ("/api/sites/{id}", "time_zone", json!("Indian/Reunion")),
        ("/api/groups/{id}", "name", json!("Autre")),
        ("/api/groups/{id}", "description", json!("Autre")),
        ("/api/groups/{id}", "type", json!("sport")),
        ("/api/groups/{id}", "filters", json!({"a": 1})),
        ("/api/groups/{id}", "metadata", json!({"a": 1})),
        ("/api/groups/{id}", "site_ids", json!([site])),
        ("/api/videos/{id}", "title", json!("Autre")),
        ("/api/videos/{id}", "original_name", json!("autre.mp4")),
        ("/api/videos/{id}", "category", json!("Autre")),
        ("/api/videos/{id}", "subcategory", json!("Autre")),
        ("/api/videos/{id}", "metadata", json!({"a": 1})),
        ("/api/users/{id}", "email", json!(unique)),
        ("/api/users/{id}", "full_name", json!("Autre")),
        ("/api/users/{id}", "role", json!("admin")),
        ("/api/users/{id}", "status", json!("inactive")),
        ("/api/users/{id}", "agency_id", json!({"role": "agency", "agency_id": agency})),
        ("/api/users/{id}", "sponsor_id", json!({"role": "sponsor", "sponsor_id": sponsor})),
        ("/api/agencies/{id}", "name", json!("Autre")),
        ("/api/agencies/{id}", "description", json!("Autre")),
        ("/api/agencies/{id}", "logo_url", json!("https://agence.test/logo.png")),
        ("/api/agencies/{id}", "contact_name", json!("Dominique")),
        ("/api/agencies/{id}", "contact_email", json!("dominique@agence.test")),
        ("/api/agencies/{id}", "contact_phone", json!("+33 1")),
        ("/api/agencies/{id}", "address", json!({"city": "Pau"})),
        ("/api/agencies/{id}", "metadata", json!({"a": 1})),
        ("/api/agencies/{id}", "status", json!("inactive")),
        (
            "/api/settings/security",
            "mfa_required_roles",
            json!({"mfa_required_roles": ["viewer"], "mfa_grace_days": 14}),
        ),
        ("/api/settings/security", "mfa_grace_days", json!({"mfa_required_roles": ["viewer"], "mfa_grace_days": 3})),
        ("/api/auth/language", "language", json!("en")),
        ("/api/auth/notifications", "mail_alerts", notices("mail_alerts")),
        ("/api/auth/notifications", "mail_results", notices("mail_results")),
        ("/api/auth/notifications", "mail_summary", notices("mail_summary")),
        ("/api/settings/alerts", "offline_minutes", rules("offline_minutes", json!(9))),
        ("/api/settings/alerts", "offline_critical_minutes", rules("offline_critical_minutes", json!(90))),
        ("/api/settings/alerts", "temperature_warning", rules("temperature_warning", json!(70))),
        ("/api/settings/alerts", "temperature_critical", rules("temperature_critical", json!(85))),
        ("/api/settings/alerts", "disk_warning", rules("disk_warning", json!(85))),
        ("/api/settings/alerts", "disk_critical", rules("disk_critical", json!(97))),
        ("/api/settings/alerts", "memory_warning", rules("memory_warning", json!(80))),
        ("/api/settings/alerts", "minutes_between", rules("minutes_between", json!(30))),
        ("/api/settings/alerts", "repeat_hours", rules("repeat_hours", json!(12))),
        ("/api/settings/alerts", "mails_per_day", rules("mails_per_day", json!(40))),
        ("/api/settings/alerts", "weekly_summary", rules("weekly_summary", json!(false))),
        ("/api/settings/alerts", "language", rules("language", json!("en"))),
    ]
    .into_iter()
    .chain(crate::retention::FIELDS.map(|field| ("/api/settings/retention", field, crate::retention::changed(field))))
    .collect()
}

/// All but this one as they are on a new account.
fn notices(field: &str) -> Value {
    let mut body = json!({"mail_alerts": true, "mail_results": true, "mail_summary": true});
    body[field] = json!(false);
    body
}

/// All but this one as they are on a new installation.
fn rules(field: &str, value: Value) -> Value {
    let mut body = json!(AlertSettings::default());
    body[field] = value;
    body
}

/// The fields that a body of `PUT` may have.
fn fields(operation: &Value) -> Option<Vec<String>> {
    let name = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str()?;
    let schema = DOCUMENT.pointer(name.trim_start_matches('#'))?;
    Some(schema["properties"].as_object()?.keys().cloned().collect())
}

#[tokio::test]
async fn whatever_field_is_changed_the_journal_says_what_it_was_and_is() {
    let scene = Scene::new().await;
    let (agency, sponsor, site) = (scene.agency(None).await, Uuid::now_v7().to_string(), scene.site().await);
    let insert = format!("insert into sponsors (id, name) values ('{sponsor}', 'Partenaire')");
    scene.app.db.owner().await.batch_execute(&insert).await.expect("a sponsor");
    let changes = changes(&agency, &sponsor, &site);

    let tried: BTreeSet<(String, String)> =
        changes.iter().map(|(path, field, _)| ((*path).to_owned(), (*field).to_owned())).collect();
    let mut described = BTreeSet::new();
    // The status of an order follows from what the boxes report, and is never written.
    for (path, _, operation) in
        operations().into_iter().filter(|(path, method, _)| method == "PUT" && path != "/api/deployments/{id}")
    {
        described.extend(fields(&operation).into_iter().flatten().map(|field| (path.clone(), field)));
    }
    assert_eq!(tried, described, "every field of every description, and no other");

    for (pattern, field, value) in changes {
        let (path, _) = scene.prepared(&format!("PUT {pattern}"), pattern).await;
        let body = if value.get(field).is_some() { value } else { json!({ field: value }) };
        let (answer, entries) = scene.act_with("PUT", &path, Body::Json(body.clone())).await;
        assert_eq!(answer.status, 200, "{path} {body}: {}", answer.text);
        assert_eq!(entries.len(), 1, "{pattern} {field}");
        let id: Uuid = entries[0].get("id");
        let logs = scene.app.get("/api/audit?limit=1").bearer(&scene.token).send().await.json();
        let log = &logs["logs"][0];
        assert_eq!(log["id"], id.to_string());
        let (was, is) = (&log["before"], &log["after"]);
        let told = if field == "site_ids" { "sites" } else { field };
        let both = (was.get(told), is.get(told));
        assert!(both.0.is_some() && both.1.is_some() && both.0 != both.1, "{pattern} {field}: {was} {is}");
    }
}

#[tokio::test]
async fn what_a_person_changes_of_himself_is_told_once_whoever_he_is() {
    let app = TestApp::new().await;
    let mut people =
        vec![crate::walls::tenant(&app, "agency").await.token, crate::walls::tenant(&app, "sponsor").await.token];
    for role in ["super_admin", "operator", "viewer"] {
        people.push(app.token(role).await);
    }
    for token in &people {
        // The second time it is what it was.
        for _ in 0..2 {
            let change = app.put("/api/auth/language", json!({"language": "es"})).bearer(token).send().await;
            change.expect(StatusCode::OK);
        }
    }
    let sql = "select count(*), count(distinct user_id) from audit_logs where action = 'USER_UPDATED' \
         and user_id::text = target_id and before = '{\"language\": null}' and after = '{\"language\": \"es\"}'";
    let row = app.db.owner().await.query_one(sql, &[]).await.expect("counts");
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (5, 5));
}
