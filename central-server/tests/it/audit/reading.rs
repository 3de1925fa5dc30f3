//! `/api/audit`.

use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio_postgres::Client;

use super::{seal, timely};
use crate::support::TestApp;

const AUDIT: &str = "/api/audit";

/// A server with a journal of its own making, and the session of an administrator.
async fn with_acts() -> (TestApp, String) {
    let app = timely().await;
    app.account("camille@club.fr", "admin").await;
    let token = app.login("camille@club.fr").await;
    for name in ["Élan Béarnais", "HBC Nantes"] {
        let site = json!({"site_name": name, "club_name": name});
        app.post("/api/sites", site).bearer(&token).send().await.expect(StatusCode::CREATED);
    }
    (app, token)
}

async fn list(app: &TestApp, token: &str, query: &str) -> Value {
    app.get(&format!("{AUDIT}{query}")).bearer(token).send().await.expect(StatusCode::OK).json()
}

fn actions(page: &Value) -> Vec<&str> {
    page["logs"].as_array().expect("entries").iter().filter_map(|log| log["action"].as_str()).collect()
}

#[tokio::test]
async fn entries_come_newest_first_with_names_and_in_pages() {
    let (app, token) = with_acts().await;
    let all = list(&app, &token, "").await;
    assert_eq!(actions(&all), ["SITE_CREATED", "SITE_CREATED", "USER_LOGIN"]);
    assert_eq!((&all["total"], &all["page"], &all["totalPages"]), (&json!(3), &json!(1), &json!(1)));
    let log = &all["logs"][0];
    assert_eq!((&log["user_email"], &log["target_name"]), (&json!("camille@club.fr"), &json!("HBC Nantes")));
    assert_eq!(
        (&log["ip_address"], &log["sealed"], &log["number"]),
        (&json!("192.0.2.7"), &json!(false), &Value::Null)
    );
    assert_eq!(log["after"]["club_name"], "HBC Nantes");
    assert_eq!(log["session_id"], all["logs"][2]["session_id"], "that of the login");

    let second = list(&app, &token, "?limit=2&page=2").await;
    assert_eq!((actions(&second), &second["totalPages"]), (vec!["USER_LOGIN"], &json!(2)));
    assert_eq!(list(&app, &token, "?limit=5000").await["total"], 3, "as NeoPro 1: at most a hundred, and no refusal");
    for wrong in ["page=0", "limit=0", "userId=x", "startDate=yesterday", "endDate=2026-13-01"] {
        let refused = app.get(&format!("{AUDIT}?{wrong}")).bearer(&token).send().await;
        assert_eq!(refused.expect(StatusCode::BAD_REQUEST).fields().len(), 1, "{wrong}");
    }
    seal(&app.pool()).await;
    let sealed = list(&app, &token, "").await;
    assert_eq!((&sealed["logs"][0]["sealed"], &sealed["logs"][2]["number"]), (&json!(true), &json!(1)));
}

#[tokio::test]
async fn entries_are_found_by_what_they_are() {
    let (app, token) = with_acts().await;
    let all = list(&app, &token, "").await;
    let (user, site) = (all["logs"][0]["user_id"].clone(), all["logs"][0]["target_id"].clone());
    let (user, site) = (user.as_str().expect("an id"), site.as_str().expect("an id"));
    let day = all["logs"][0]["created_at"].as_str().expect("a time")[..10].to_owned();
    for (query, total) in [
        ("action=SITE_CREATED".to_owned(), 2),
        ("action=SITE_CREATE".into(), 0),
        (format!("userId={user}"), 3),
        (format!("userId={site}"), 0),
        ("targetType=site".into(), 2),
        (format!("targetType=site&targetId={site}"), 1),
        (format!("startDate={day}&endDate={day}"), 3),
        ("startDate=2020-01-01".into(), 3),
        ("endDate=2020-01-01".into(), 0),
        (format!("startDate={day}T00:00:00%2B02:00"), 3),
        ("search=elan+bearn".into(), 1),
        ("search=CAMILLE".into(), 3),
        ("search=192.0.2".into(), 3),
        ("search=100%25".into(), 0),
        ("search=_".into(), 3),
    ] {
        let found = list(&app, &token, &format!("?{query}")).await;
        assert_eq!(found["total"], total, "{query}: {found:#}");
        assert_eq!(found["logs"].as_array().map(Vec::len), usize::try_from(total).ok(), "{query}");
    }
    let words = app.get("/api/audit/actions").bearer(&token).send().await.json();
    assert_eq!(words, json!({"actions": ["SITE_CREATED", "USER_LOGIN"]}));
}

#[tokio::test]
async fn how_far_it_is_sealed_is_told() {
    let (app, token) = with_acts().await;
    let seals = async || app.get("/api/audit/seals").bearer(&token).send().await.expect(StatusCode::OK).json();
    let none = json!({"last_seal_at": null, "last_number": null, "last_hash": null, "unsealed": 3});
    assert_eq!(seals().await, none);
    let last = seal(&app.pool()).await;
    let told = seals().await;
    assert_eq!((&told["last_number"], &told["last_hash"]), (&json!(1), &json!(last.hash)));
    assert_eq!(told["unsealed"], 0);
}

#[tokio::test]
async fn nobody_else_reads_it_and_the_database_says_so_too() {
    let (app, token) = with_acts().await;
    for role in ["operator", "viewer"] {
        let other = app.token(role).await;
        for path in ["", "/actions", "/export", "/seals"] {
            app.get(&format!("{AUDIT}{path}")).bearer(&other).send().await.expect(StatusCode::FORBIDDEN);
        }
    }
    // The second wall by itself: an operator's scope without any condition.
    let owner: Client = app.db.owner().await;
    let people = owner.query("select id::text, role from users order by role", &[]).await.expect("accounts");
    for row in people {
        let (id, role): (String, String) = (row.get(0), row.get(1));
        for (scope, user) in [("staff", id.as_str()), ("agency", &id), ("sponsor", &id), ("staff", "")] {
            owner
                .batch_execute(&format!(
                    "begin; set local role neopro_app; select set_config('neopro.scope', '{scope}', true), \
                       set_config('neopro.user', '{user}', true)"
                ))
                .await
                .expect("a scope");
            let seen = "select (select count(*) from audit_logs) + (select count(*) from audit_seals) \
                 + (select count(*) from neopro_audit_people(array(select gen_random_uuid()), '@'))";
            let seen: i64 = owner.query_one(seen, &[]).await.expect("a count").get(0);
            owner.batch_execute("rollback").await.expect("back");
            assert_eq!(seen > 0, role == "admin" && scope == "staff" && !user.is_empty(), "{role} in {scope}");
        }
    }
    drop(token);
}

#[tokio::test]
async fn the_file_is_whole_and_has_no_formula_in_it() {
    let (app, token) = with_acts().await;
    let many = "insert into audit_logs (action, details, user_agent, created_at) \
         select 'MANY', jsonb_build_object('n', n), '=cmd|''/C calc''!A0', clock_timestamp() from generate_series(1, 2500) n";
    app.db.owner().await.batch_execute(many).await.expect("entries");
    let answer = app.get("/api/audit/export").bearer(&token).send().await.expect(StatusCode::OK);
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
    assert!(answer.header("content-disposition").starts_with("attachment; filename=\"journal-20"));
    assert!(answer.bytes.starts_with(&[0xef, 0xbb, 0xbf]), "spreadsheets see UTF-8 by it");
    let lines: Vec<&str> = answer.text.trim_end().split("\r\n").collect();
    assert_eq!(lines.len(), 1 + 2503);
    assert!(lines[0].contains("date;action;utilisateur;"));
    assert_eq!(lines.iter().filter(|line| line.contains(";\"'=cmd|'/C calc'!A0\";")).count(), 2500);
    assert!(answer.text.contains("\"{\"\"n\"\":2500}\""), "JSON in quotes");
    let number = |line: &&str| line.split_once("\"\"n\"\":")?.1.split('}').next()?.parse::<u32>().ok();
    let mut numbers: Vec<u32> = lines.iter().filter_map(number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=2500).collect::<Vec<u32>>(), "each once");
    let part = app.get("/api/audit/export?action=SITE_CREATED").bearer(&token).send().await.expect(StatusCode::OK);
    assert_eq!(part.text.trim_end().split("\r\n").count(), 3);
    app.get("/api/audit/export?userId=x").bearer(&token).send().await.expect(StatusCode::BAD_REQUEST);
}
