//! `/api/groups`.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::TestApp;

const GROUPS: &str = "/api/groups";
const NOBODY: &str = "01a2140d-1e46-777d-ae1d-fcbbe9c1485a";

async fn site(app: &TestApp, token: &str, name: &str) -> String {
    let new = json!({"site_name": name, "club_name": "Club"});
    let site = app.post("/api/sites", new).bearer(token).send().await.expect(StatusCode::CREATED).json();
    site["id"].as_str().expect("an id").to_owned()
}

async fn group(app: &TestApp, token: &str, body: Value) -> Value {
    app.post(GROUPS, body).bearer(token).send().await.expect(StatusCode::CREATED).json()
}

async fn members(app: &TestApp, token: &str, group: &Value) -> Vec<String> {
    let path = format!("{GROUPS}/{}", group["id"].as_str().expect("an id"));
    let group = app.get(&path).bearer(token).send().await.expect(StatusCode::OK).json();
    let sites = group["sites"].as_array().expect("sites");
    assert_eq!(group["site_count"], sites.len());
    sites.iter().map(|site| site["site_name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn a_group_is_made_with_its_members_and_keeps_its_notes() {
    let app = TestApp::new().await;
    let token = app.token("operator").await;
    let (a, b) = (site(&app, &token, "Élan").await, site(&app, &token, "Brest").await);
    let made = group(
        &app,
        &token,
        json!({
            "name": "Handball", "type": "sport", "description": "", "filters": {"sport": "handball"},
            "metadata": {"sport": "handball", "target_version": "2.1"}, "site_ids": [a, b, a],
        }),
    )
    .await;
    assert_eq!((&made["description"], &made["site_count"]), (&Value::Null, &json!(2)));
    assert_eq!(made["metadata"]["target_version"], "2.1");
    assert_eq!(members(&app, &token, &made).await, ["Brest", "Élan"]);

    let list = app.get(GROUPS).bearer(&token).send().await.expect(StatusCode::OK).json();
    assert_eq!((list["total"].as_i64(), &list["groups"][0]["site_count"]), (Some(1), &json!(2)));
    for (query, found) in [("?search=HAND", 1), ("?search=foot", 0), ("?type=sport", 1), ("?type=custom", 0)] {
        let list = app.get(&format!("{GROUPS}{query}")).bearer(&token).send().await.json();
        assert_eq!(list["total"], found, "{query}");
    }
    let path = format!("{GROUPS}/{}/sites", made["id"].as_str().expect("an id"));
    let sites = app.get(&path).bearer(&token).send().await.json();
    assert_eq!((sites["total"].as_i64(), &sites["group_id"]), (Some(2), &made["id"]));
}

#[tokio::test]
async fn members_come_and_go() {
    let app = TestApp::new().await;
    let token = app.token("admin").await;
    let (a, b) = (site(&app, &token, "A").await, site(&app, &token, "B").await);
    let made = group(&app, &token, json!({"name": "G", "type": "custom"})).await;
    let path = format!("{GROUPS}/{}", made["id"].as_str().expect("an id"));
    let sites = format!("{path}/sites");

    let added = app.post(&sites, json!({"site_ids": [a, b]})).bearer(&token).send().await.expect(StatusCode::OK).json();
    assert_eq!(added["added_count"], 2);
    app.post(&sites, json!({"site_ids": [b]})).bearer(&token).send().await.expect(StatusCode::OK);
    assert_eq!(members(&app, &token, &made).await, ["A", "B"]);

    let one = format!("{sites}/{a}");
    app.delete(&one).bearer(&token).send().await.expect(StatusCode::OK);
    app.delete(&one).bearer(&token).send().await.expect(StatusCode::NOT_FOUND);
    assert_eq!(members(&app, &token, &made).await, ["B"]);

    app.put(&path, json!({"site_ids": [a]})).bearer(&token).send().await.expect(StatusCode::OK);
    assert_eq!(members(&app, &token, &made).await, ["A"], "`site_ids` says exactly who is in it");
    app.put(&path, json!({"name": "H", "description": "x"})).bearer(&token).send().await.expect(StatusCode::OK);
    assert_eq!(members(&app, &token, &made).await, ["A"], "without it nobody moves");
    app.put(&path, json!({"site_ids": []})).bearer(&token).send().await.expect(StatusCode::OK);
    assert!(members(&app, &token, &made).await.is_empty());

    app.delete(&path).bearer(&token).send().await.expect(StatusCode::OK);
    for call in [
        app.get(&path),
        app.delete(&path),
        app.put(&path, json!({"name": "x"})),
        app.post(&sites, json!({"site_ids": [a]})),
    ] {
        call.bearer(&token).send().await.expect(StatusCode::NOT_FOUND);
    }
    app.get(&format!("/api/sites/{a}")).bearer(&token).send().await.expect(StatusCode::OK);
}

#[tokio::test]
async fn an_unknown_site_changes_nothing() {
    let app = TestApp::new().await;
    let token = app.token("operator").await;
    let a = site(&app, &token, "A").await;
    let wrong = json!({"name": "G", "type": "custom", "site_ids": [a, NOBODY]});
    app.post(GROUPS, wrong).bearer(&token).send().await.expect(StatusCode::NOT_FOUND);
    assert_eq!(app.get(GROUPS).bearer(&token).send().await.json()["total"], 0);

    let made = group(&app, &token, json!({"name": "G", "type": "custom", "site_ids": [a]})).await;
    let path = format!("{GROUPS}/{}", made["id"].as_str().expect("an id"));
    app.put(&path, json!({"name": "H", "site_ids": [NOBODY]}))
        .bearer(&token)
        .send()
        .await
        .expect(StatusCode::NOT_FOUND);
    let after = app.get(&path).bearer(&token).send().await.json();
    assert_eq!((&after["name"], after["site_count"].as_i64()), (&json!("G"), Some(1)));
}

#[tokio::test]
async fn every_wrong_field_of_a_group_is_named() {
    let app = TestApp::new().await;
    let token = app.token("operator").await;
    let answer =
        app.post(GROUPS, json!({"type": "team", "filters": [], "site_ids": ["x", 1]})).bearer(&token).send().await;
    assert_eq!(
        answer.expect(StatusCode::BAD_REQUEST).fields(),
        ["name", "type", "filters", "site_ids.1", "site_ids.0"]
    );
    let answer = app.post(GROUPS, json!({"name": "G"})).bearer(&token).send().await;
    assert_eq!(answer.expect(StatusCode::BAD_REQUEST).fields(), ["type"]);
    let made = group(&app, &token, json!({"name": "G", "type": "custom"})).await;
    let path = format!("{GROUPS}/{}", made["id"].as_str().expect("an id"));
    app.put(&path, json!({})).bearer(&token).send().await.expect(StatusCode::BAD_REQUEST);
    let answer = app.post(&format!("{path}/sites"), json!({"site_ids": []})).bearer(&token).send().await;
    assert_eq!(answer.expect(StatusCode::BAD_REQUEST).fields(), ["site_ids"]);
}

#[tokio::test]
async fn an_agency_sees_the_groups_of_its_clubs_and_there_only_its_clubs() {
    let app = TestApp::new().await;
    let staff = app.token("operator").await;
    let (own, sponsor) = (crate::walls::tenant(&app, "agency").await, crate::walls::tenant(&app, "sponsor").await);
    let foreign = site(&app, &staff, "Foreign").await;
    let both = group(&app, &staff, json!({"name": "Both", "type": "custom", "site_ids": [own.site, foreign]})).await;
    group(&app, &staff, json!({"name": "Other", "type": "custom", "site_ids": [foreign]})).await;

    let list = app.get(GROUPS).bearer(&own.token).send().await.expect(StatusCode::OK).json();
    assert_eq!((list["total"].as_i64(), &list["groups"][0]["name"]), (Some(1), &json!("Both")));
    assert_eq!(members(&app, &own.token, &both).await, [format!("own of {}", own.id)]);
    // A sponsor has none: how clubs are grouped is nothing of his.
    let path = format!("{GROUPS}/{}", both["id"].as_str().expect("an id"));
    for path in [GROUPS.to_owned(), format!("{path}/sites"), path] {
        app.get(&path).bearer(&sponsor.token).send().await.expect(StatusCode::FORBIDDEN);
    }
}
