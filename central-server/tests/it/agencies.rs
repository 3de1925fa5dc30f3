//! `/api/agencies`: admins manage them, an agency reads itself, and its people see its clubs.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::{TestApp, Watcher};
use crate::walls::tenant;

const AGENCIES: &str = "/api/agencies";
const NOBODY: &str = "01a2140d-1e46-777d-ae1d-fcbbe9c1485a";

async fn agency(app: &TestApp, token: &str, body: Value) -> Value {
    let made = app.post(AGENCIES, body).bearer(token).send().await.expect(StatusCode::CREATED).json();
    assert_eq!(made["success"], true);
    made["data"].clone()
}

async fn site(app: &TestApp, token: &str, name: &str) -> String {
    let new = json!({"site_name": name, "club_name": format!("Club {name}")});
    let site = app.post("/api/sites", new).bearer(token).send().await.expect(StatusCode::CREATED).json();
    site["id"].as_str().expect("an id").to_owned()
}

fn path(agency: &Value) -> String {
    format!("{AGENCIES}/{}", agency["id"].as_str().expect("an id"))
}

async fn watch(app: &TestApp, token: &str) -> Watcher {
    let mut watcher = app.get("/api/events").bearer(token).open().await;
    watcher.says("hello").await;
    watcher
}

/// The journal's words about agencies, in order.
async fn actions(app: &TestApp) -> Vec<String> {
    let sql = "select action from audit_logs where target_type = 'agency' order by written_at";
    app.db.owner().await.query(sql, &[]).await.expect("the journal").iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn an_agency_is_made_changed_and_cleared() {
    let app = TestApp::new().await;
    let token = app.token("admin").await;
    let made = agency(
        &app,
        &token,
        json!({
            "name": "Agence Ouest", "description": "", "contact_name": "Élise", "contact_email": "elise@ouest.fr",
            "contact_phone": "02 98 00 00 00", "logo_url": "https://ouest.fr/logo.png",
            "address": {"city": "Brest"}, "metadata": {"crm": 7},
        }),
    )
    .await;
    for old in [
        "id",
        "name",
        "description",
        "logo_url",
        "contact_name",
        "contact_email",
        "contact_phone",
        "address",
        "status",
        "metadata",
        "created_at",
        "updated_at",
    ] {
        assert!(made.get(old).is_some(), "{old}");
    }
    assert_eq!(
        (&made["status"], &made["description"], &made["site_count"]),
        (&json!("active"), &Value::Null, &json!(0))
    );

    app.clock.advance(Duration::from_secs(1));
    let put = async |body: Value| app.put(&path(&made), body).bearer(&token).send().await;
    let changed = put(json!({"status": "inactive", "contact_email": null, "address": null, "logo_url": ""})).await;
    let changed = changed.expect(StatusCode::OK).json()["data"].clone();
    for cleared in ["contact_email", "address", "logo_url"] {
        assert_eq!(changed[cleared], Value::Null, "{cleared}");
    }
    assert_eq!((&changed["status"], &changed["name"]), (&json!("inactive"), &json!("Agence Ouest")));
    assert_eq!(
        (&changed["contact_name"], &changed["metadata"]),
        (&json!("Élise"), &json!({"crm": 7})),
        "the rest stays"
    );
    let read = app.get(&path(&made)).bearer(&token).send().await.expect(StatusCode::OK).json();
    assert_eq!(read, json!({"success": true, "data": {"agency": changed}}));

    assert_eq!(put(json!({})).await.status, 400);
    for (body, field) in [
        (json!({"name": ""}), "name"),
        (json!({"contact_email": "elise"}), "contact_email"),
        (json!({"logo_url": "javascript:alert(1)"}), "logo_url"),
        (json!({"status": "closed"}), "status"),
        (json!({"address": []}), "address"),
    ] {
        assert_eq!(put(body).await.expect(StatusCode::BAD_REQUEST).fields(), [field]);
    }
    let unknown = app.put(&format!("{AGENCIES}/{NOBODY}"), json!({"name": "X"})).bearer(&token).send().await;
    assert_eq!(unknown.expect(StatusCode::NOT_FOUND).json()["success"], false);
    assert_eq!(actions(&app).await, ["AGENCY_CREATED", "AGENCY_UPDATED"]);
}

#[tokio::test]
async fn agencies_are_listed_by_name_searched_and_paged() {
    let app = TestApp::new().await;
    let token = app.token("super_admin").await;
    for (name, contact) in [("Zéphyr", "Anne"), ("élan", "Bob"), ("Brest", "Élise")] {
        agency(&app, &token, json!({"name": name, "contact_name": contact})).await;
    }
    let names = async |query: &str| -> Vec<String> {
        let list = app.get(&format!("{AGENCIES}{query}")).bearer(&token).send().await.expect(StatusCode::OK).json();
        let rows = list["data"]["agencies"].as_array().expect("agencies").clone();
        rows.iter().map(|row| row["name"].as_str().expect("a name").to_owned()).collect()
    };
    assert_eq!(names("").await, ["Brest", "élan", "Zéphyr"]);
    assert_eq!(names("?search=ELISE").await, ["Brest"]);
    assert_eq!(names("?search=zeph").await, ["Zéphyr"]);
    assert_eq!(names("?status=suspended").await, Vec::<String>::new());
    assert_eq!(names("?limit=1&page=3").await, ["Zéphyr"]);
    assert_eq!(names("?order=desc&limit=1").await, ["Zéphyr"]);
}

#[tokio::test]
async fn an_agency_is_given_sites_and_its_people_see_them_at_once_and_no_longer() {
    let app = TestApp::new().await;
    let token = app.token("admin").await;
    let own = tenant(&app, "agency").await;
    let sites = format!("{AGENCIES}/{}/sites", own.id);
    let (a, b) = (site(&app, &token, "A").await, site(&app, &token, "B").await);
    let seen = async || app.get("/api/sites").bearer(&own.token).send().await.json()["total"].clone();
    assert_eq!(seen().await, 1);

    let mut watcher = watch(&app, &own.token).await;
    let given = app.post(&sites, json!({"site_ids": [a, b, a]})).bearer(&token).send().await;
    assert_eq!(given.expect(StatusCode::CREATED).json()["success"], true);
    let told = watcher.says("changes").await;
    assert_eq!(told["sites"].as_array().map(Vec::len), Some(2), "they appear on the open screen");
    assert_eq!(seen().await, 3);
    app.post(&sites, json!({"site_ids": [a]})).bearer(&token).send().await.expect(StatusCode::CREATED);
    let list = app.get(&sites).bearer(&token).send().await.expect(StatusCode::OK).json();
    assert_eq!((&list["data"]["total"], &list["data"]["agency"]["id"]), (&json!(3), &json!(own.id.to_string())));
    assert_eq!(list["data"]["sites"][0]["site_name"], "A");
    assert_eq!(list["data"]["sites"][0]["display_status"], "unknown", "its box was never heard of, as every list says");
    let added =
        app.db.owner().await.query_one("select count(*) from agency_sites where added_by is not null", &[]).await;
    assert_eq!(added.expect("a count").get::<_, i64>(0), 2, "who gave them is known");

    let wrong = json!({"site_ids": [b, NOBODY]});
    app.post(&sites, wrong).bearer(&token).send().await.expect(StatusCode::NOT_FOUND);
    for body in [json!({"site_ids": []}), json!({}), json!({"site_ids": [b, "x"]})] {
        app.post(&sites, body).bearer(&token).send().await.expect(StatusCode::BAD_REQUEST);
    }
    let unknown = format!("{AGENCIES}/{NOBODY}/sites");
    app.post(&unknown, json!({"site_ids": [b]})).bearer(&token).send().await.expect(StatusCode::NOT_FOUND);

    let mut watcher = watch(&app, &own.token).await;
    let one = format!("{sites}/{a}");
    app.delete(&one).bearer(&token).send().await.expect(StatusCode::OK);
    assert_eq!(watcher.says("changes").await["stale"], json!(["sites"]), "it leaves the open screen");
    app.delete(&one).bearer(&token).send().await.expect(StatusCode::NOT_FOUND);
    assert_eq!(seen().await, 2);
    app.get(&format!("/api/sites/{a}")).bearer(&own.token).send().await.expect(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_agency_reads_itself_and_nobody_else() {
    let app = TestApp::new().await;
    let (own, other) = (tenant(&app, "agency").await, tenant(&app, "agency").await);
    let sponsor = tenant(&app, "sponsor").await;
    let list = app.get(AGENCIES).bearer(&own.token).send().await.expect(StatusCode::OK);
    assert!(!list.text.contains(&other.id.to_string()));
    assert_eq!(list.json()["data"]["total"], 1);
    let sites = app.get(&format!("{AGENCIES}/{}/sites", own.id)).bearer(&own.token).send().await.expect(StatusCode::OK);
    assert_eq!(sites.json()["data"]["sites"][0]["id"], own.site.to_string());
    app.get(&format!("{AGENCIES}/{}", own.id)).bearer(&own.token).send().await.expect(StatusCode::OK);
    for path in [format!("{AGENCIES}/{}", other.id), format!("{AGENCIES}/{}/sites", other.id)] {
        app.get(&path).bearer(&own.token).send().await.expect(StatusCode::NOT_FOUND);
        app.get(&path).bearer(&sponsor.token).send().await.expect(StatusCode::FORBIDDEN);
    }
    let change = app.put(&format!("{AGENCIES}/{}", own.id), json!({"name": "X"})).bearer(&own.token).send().await;
    change.expect(StatusCode::FORBIDDEN);
    app.get(AGENCIES).bearer(&app.token("operator").await).send().await.expect(StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn an_agency_with_people_goes_only_with_their_access_and_a_super_admin_says_so() {
    let app = TestApp::new().await;
    let (top, admin) = (app.token("super_admin").await, app.token("admin").await);
    let own = tenant(&app, "agency").await;
    let path = format!("{AGENCIES}/{}", own.id);
    for token in [&admin, &top] {
        let refused = app.delete(&path).bearer(token).send().await.expect(StatusCode::CONFLICT);
        assert_eq!(refused.code(), "has_people");
        let people = refused.json()["details"].clone();
        let email = format!("{}@tenant.test", own.id);
        assert_eq!(
            people,
            json!([{"field": "people", "message": format!("Camille Durand ({email})"), "code": "in_use"}])
        );
    }
    let force = format!("{path}?force=true");
    app.delete(&force).bearer(&admin).send().await.expect(StatusCode::FORBIDDEN);
    app.get("/api/sites").bearer(&own.token).send().await.expect(StatusCode::OK);

    let mut stream = watch(&app, &own.token).await;
    let began = Instant::now();
    app.delete(&force).bearer(&top).send().await.expect(StatusCode::OK);
    assert_eq!(stream.says("end").await, json!({"reason": "session"}));
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    app.get("/api/sites").bearer(&own.token).send().await.expect(StatusCode::UNAUTHORIZED);
    app.get(&path).bearer(&top).send().await.expect(StatusCode::NOT_FOUND);
    app.get(&format!("/api/sites/{}", own.site)).bearer(&top).send().await.expect(StatusCode::OK);

    let users = app.get("/api/users?role=agency").bearer(&top).send().await.json()["data"]["users"].clone();
    assert_eq!((&users[0]["status"], &users[0]["agency_id"]), (&json!("suspended"), &Value::Null));
    // Without an agency nobody of an agency is let in again.
    let user = format!("/api/users/{}", users[0]["id"].as_str().expect("an id"));
    let back = app.put(&user, json!({"status": "active"})).bearer(&top).send().await;
    assert_eq!(back.expect(StatusCode::BAD_REQUEST).fields(), ["agency_id"]);
    let other = agency(&app, &top, json!({"name": "Autre"})).await;
    app.put(&user, json!({"status": "active", "agency_id": other["id"]}))
        .bearer(&top)
        .send()
        .await
        .expect(StatusCode::OK);
    app.login(&format!("{}@tenant.test", own.id)).await;
    assert_eq!(actions(&app).await, ["AGENCY_DELETED", "AGENCY_CREATED"]);

    let alone = agency(&app, &admin, json!({"name": "Seule"})).await;
    let gone = app.delete(&self::path(&alone)).bearer(&admin).send().await.expect(StatusCode::OK).json();
    assert_eq!(gone["success"], true);
    app.delete(&self::path(&alone)).bearer(&admin).send().await.expect(StatusCode::NOT_FOUND);
}
