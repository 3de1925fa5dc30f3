//! `/api/alerts`: who sees which, takes them on, says that they are over.

use axum::http::StatusCode;
use serde_json::json;

use super::Scene;

#[tokio::test]
async fn alerts_are_listed_taken_on_and_over() {
    let scene = Scene::start().await;
    let (admin, operator, viewer) =
        (scene.app.token("admin").await, scene.app.token("operator").await, scene.app.token("viewer").await);
    scene.sites(["Gymnase".to_owned(), "Salle".to_owned()].into_iter()).await;
    scene.minutes(2, "%").await;
    scene.minutes(6, "Salle").await;
    let list =
        scene.app.get("/api/alerts?status=open&type=site_offline").bearer(&viewer).send().await.expect(StatusCode::OK);
    let list = list.json();
    assert_eq!(
        (&list["counts"], &list["pagination"]["total"]),
        (&json!({"open": 1, "active": 1, "critical": 0}), &json!(1))
    );
    let alert = &list["alerts"][0];
    assert_eq!((&alert["site_name"], &alert["message"]), (&json!("Gymnase"), &json!("Le boîtier est hors ligne.")));
    let id = alert["id"].as_str().expect("an id");
    let none = scene.app.get("/api/alerts?severity=critical").bearer(&viewer).send().await.json();
    assert_eq!(none["alerts"], json!([]));

    let act = async |token: &str, act: &str| {
        scene.app.post(&format!("/api/alerts/{id}/{act}"), json!({})).bearer(token).send().await
    };
    act(&viewer, "acknowledge").await.expect(StatusCode::FORBIDDEN);
    let taken = act(&operator, "acknowledge").await.expect(StatusCode::OK).json();
    assert_eq!(taken["status"], "acknowledged");
    assert!(taken["acknowledged_by"].is_string() && taken["acknowledged_at"].is_string());
    let again = act(&admin, "acknowledge").await.expect(StatusCode::OK).json();
    assert_eq!(again["acknowledged_by"], taken["acknowledged_by"], "who was first stays");
    act(&operator, "resolve").await.expect(StatusCode::FORBIDDEN);
    let over = act(&admin, "resolve").await.expect(StatusCode::OK).json();
    assert_eq!(over["status"], "resolved");

    // It is away still: what a person has closed stays closed, until it has been over in fact.
    scene.minutes(10, "Salle").await;
    assert_eq!(scene.count("select count(*) from alerts").await, 1);
    scene.minutes(2, "%").await;
    scene.minutes(8, "Salle").await;
    assert_eq!(scene.count("select count(*) from alerts where resolved_at is null").await, 1);
    let acts =
        scene.count("select count(*) from audit_logs where action in ('ALERT_ACKNOWLEDGED', 'ALERT_RESOLVED')").await;
    assert_eq!(acts, 2, "what changed nothing is no act");
}

#[tokio::test]
async fn an_agency_sees_its_clubs_alerts_and_none_of_the_installation() {
    let scene = Scene::start().await;
    let agency = crate::walls::tenant(&scene.app, "agency").await;
    scene
        .sql(
            "insert into sites (site_name, club_name, api_key) values ('Ailleurs', 'Ailleurs', 'ailleurs'); \
             insert into alerts (site_id, alert_type, severity, message) \
               select id, 'high_temperature', 'warning', site_name from sites; \
             insert into alerts (alert_type, severity, message) values ('storage_full', 'critical', 'x')",
        )
        .await;
    let list = scene.app.get("/api/alerts").bearer(&agency.token).send().await.expect(StatusCode::OK).json();
    let all = scene.count("select count(*) from alerts").await;
    let own = scene.count("select count(*) from alerts where site_id in (select site_id from agency_sites)").await;
    assert!(own > 0 && own < all - 1, "{own} of {all}");
    assert_eq!((&list["pagination"]["total"], &list["counts"]["critical"]), (&json!(own), &json!(0)));
    assert!(list["alerts"].as_array().expect("rows").iter().all(|alert| alert["site_name"] != "Ailleurs"));
    let elsewhere = scene.text("select id::text from sites where site_name = 'Ailleurs'").await;
    let path = format!("/api/analytics/clubs/{elsewhere}/alerts");
    scene.app.get(&path).bearer(&agency.token).send().await.expect(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn thresholds_are_the_installations_own_and_every_wrong_one_is_named() {
    let scene = Scene::start().await;
    let (boss, admin) = (scene.app.token("super_admin").await, scene.app.token("admin").await);
    let path = "/api/settings/alerts";
    let mut rules = scene.app.get(path).bearer(&admin).send().await.expect(StatusCode::OK).json();
    assert_eq!((&rules["offline_minutes"], &rules["mails_per_day"]), (&json!(5), &json!(80)));
    rules["offline_minutes"] = json!(30);
    scene.app.put(path, rules.clone()).bearer(&admin).send().await.expect(StatusCode::FORBIDDEN);
    scene.app.put(path, rules.clone()).bearer(&boss).send().await.expect(StatusCode::OK);
    rules["disk_critical"] = json!(50);
    rules["language"] = json!("de");
    let wrong = scene.app.put(path, rules).bearer(&boss).send().await.expect(StatusCode::BAD_REQUEST);
    let mut fields = wrong.fields();
    fields.sort();
    assert_eq!(fields, ["disk_critical", "language"]);
    scene.sites(["Gymnase".to_owned()].into_iter()).await;
    scene.minutes(2, "%").await;
    scene.minutes(28, "").await;
    assert_eq!(scene.count("select count(*) from alerts").await, 0);
    scene.minutes(4, "").await;
    assert_eq!(scene.count("select count(*) from alerts").await, 1);
}

#[tokio::test]
async fn what_a_person_is_written_to_about_is_his_own_choice() {
    let scene = Scene::start().await;
    let token = scene.app.login("robin@club.fr").await;
    let path = "/api/auth/notifications";
    let all = json!({"mail_alerts": true, "mail_results": true, "mail_summary": true});
    assert_eq!(scene.app.get(path).bearer(&token).send().await.expect(StatusCode::OK).json(), all);
    let none = json!({"mail_alerts": false, "mail_results": true, "mail_summary": true});
    scene.app.put(path, none).bearer(&token).send().await.expect(StatusCode::OK);
    let half = scene.app.put(path, json!({"mail_alerts": "no"})).bearer(&token).send().await;
    assert_eq!(half.expect(StatusCode::BAD_REQUEST).fields(), ["mail_alerts", "mail_results", "mail_summary"]);
    scene.sites(["Gymnase".to_owned()].into_iter()).await;
    scene.minutes(2, "%").await;
    scene.minutes(10, "").await;
    assert_eq!((scene.mails("camille@club.fr").len(), scene.mails("robin@club.fr").len()), (1, 0));
}
