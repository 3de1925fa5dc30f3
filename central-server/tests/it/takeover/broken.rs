//! What breaks our constraints is changed as little as it takes, told, and kept as it was beside.

use axum::http::StatusCode;
use serde_json::json;

use super::{JEANNE, KEY, Old, counts, migrate, row, value};
use crate::support::TestApp;

#[tokio::test]
async fn nothing_is_lost_of_what_our_tables_cannot_hold() {
    let db = Old::Broken.database().await;
    let admin = db.admin().await;
    let before = counts(&admin, "public").await;
    let (code, said) = migrate(&db, &[]);
    assert_eq!(code, 0, "{said}");
    let mut kept = counts(&admin, "neopro_1").await;
    kept.retain(|(name, _)| name != "takeover");
    let mut expected = before.clone();
    expected.retain(|(name, _)| name != "comptabilite");
    assert_eq!(kept, expected);
    assert_eq!(
        value(&admin, "select montant from public.comptabilite").await.as_deref(),
        Some("12.5"),
        "it is none of ours"
    );
    for (table, missing) in [
        ("users", 0),
        ("sites", 0),
        ("groups", 0),
        ("agencies", 0),
        ("sponsors", 0),
        ("videos", 0),
        ("audit_logs", 0),
        ("content_deployments", 2),
        ("remote_commands", 1),
    ] {
        let sql = format!(
            "select count(*) from neopro_1.{table} o where not exists (select from public.{table} n where n.id = o.id)"
        );
        assert_eq!(value(&admin, &sql).await, Some(missing.to_string()), "{table}: {said}");
        let line = format!(
            "Lignes laissées dans neopro_1.{table}, parce qu'elles renvoient à ce qui n'existe plus ou que cette version ne sait pas les écrire : {missing}"
        );
        assert_eq!(said.contains(&line), missing > 0, "{table}: {said}");
    }
    for table in ["site_groups", "agency_sites", "sponsor_sites", "club_daily_stats"] {
        assert!(said.contains(&format!("Lignes laissées dans neopro_1.{table}, ")), "{table}: {said}");
    }
    for line in [
        "Comptes dont l'adresse ne diffère de celle d'un autre que par ses majuscules : gardés sans fusion, suspendus sous une autre adresse (Utilisateurs permet de la corriger) : 2",
        "DOUBLE@CLUB.TEST → DOUBLE@CLUB.TEST.doublon-11000000-0000-4000-8000-000000000003.invalid",
        "Comptes sans adresse e-mail utilisable : suspendus : 2",
        "Comptes de rôle « user », que NeoPro 1 ne contrôlait pas : lecteurs (viewer) : 1",
        "chef@club.test : directeur",
        "sans@club.test : banni",
        "Comptes rattachés à un partenaire ou à une agence qui n'existe pas : sans rattachement : 1",
        "Gymnase Jean-Moulin → Gymnase Jean-Moulin-1",
        "Sites dont la clé n'est pas utilisable",
        "Vidéos au contenu identique à une autre",
        "Copies de configurations illisibles : dans neopro_1.sites : 1",
        "déplacées dans neopro_1 : 6",
        "reset-mfa",
    ] {
        assert!(said.contains(line), "{line} is missing in {said}");
    }
    let foreign = row(&admin, "select (select name from neopro_1.sessions) as session, \
        (select plays from neopro_1.mon_rapport limit 1) as plays, (select count(*) from neopro_1.schema_migrations) as records").await;
    assert_eq!(foreign, json!({"session": "de quelqu'un d'autre", "plays": 25, "records": 1}));
    let (code, said) = migrate(&db, &[]);
    assert_eq!((code, said.contains("neopro_1")), (0, false), "{said}");
}

#[tokio::test]
async fn of_addresses_that_differ_by_capitals_the_one_in_use_stays_and_none_is_merged() {
    let db = Old::Broken.database().await;
    let (code, said) = migrate(&db, &[]);
    assert_eq!(code, 0, "{said}");
    let admin = db.admin().await;
    let people = "select string_agg(email || ' ' || status || ' ' || role, ', ' order by id) from users where id::text like '11%000_' \
                  and lower(email) like 'double%'";
    assert_eq!(
        value(&admin, people).await.as_deref(),
        Some(
            "double@club.test.doublon-11000000-0000-4000-8000-000000000001.invalid suspended operator, Double@club.test active operator, \
             DOUBLE@CLUB.TEST.doublon-11000000-0000-4000-8000-000000000003.invalid suspended admin"
        ),
    );
    let app = TestApp::on(db, &[("MFA_ENCRYPTION_KEY", KEY)]).await;
    let token = app.login("DOUBLE@club.test").await;
    let me = app.get("/api/auth/me").bearer(&token).send().await.expect(StatusCode::OK).json();
    assert_eq!(me["full_name"], "Récent");
}

#[tokio::test]
async fn every_screen_of_an_admin_opens_on_what_was_broken() {
    let db = Old::Broken.database().await;
    let (code, said) = migrate(&db, &[]);
    assert_eq!(code, 0, "{said}");
    let app = TestApp::on(db, &[("MFA_ENCRYPTION_KEY", KEY)]).await;
    let token = app.login("jeanne.admin@neopro.test").await;
    let mut paths: Vec<String> = [
        "/api/users",
        "/api/users/tenants",
        "/api/agencies",
        "/api/sites",
        "/api/sites?sort=city",
        "/api/sites/stats",
        "/api/sites/facets",
        "/api/sites/connection-status",
        "/api/groups",
        "/api/videos",
        "/api/videos?sort=duration",
        "/api/deployments",
        "/api/deployments/scheduled",
        "/api/deployments/summary",
        "/api/audit",
        "/api/audit/actions",
        "/api/audit/export",
    ]
    .map(str::to_owned)
    .to_vec();
    let admin = app.db.admin().await;
    for (table, places) in [
        ("users", &[""][..]),
        ("agencies", &["", "/sites"]),
        ("groups", &["", "/sites"]),
        (
            "sites",
            &[
                "",
                "/metrics?hours=48",
                "/connection-status",
                "/availability",
                "/local-content",
                "/deployments",
                "/inventory",
            ],
        ),
        ("videos", &["", "/sites", "/deployments"]),
        ("deployments", &["", "/targets", "/causes"]),
    ] {
        let stored = if table == "deployments" { "content_deployments" } else { table };
        for row in admin.query(&format!("select id::text from {stored}"), &[]).await.expect("ids") {
            paths.extend(places.iter().map(|place| format!("/api/{table}/{}{place}", row.get::<_, String>(0))));
        }
    }
    assert!(paths.len() > 100, "{}", paths.len());
    for path in paths {
        let answer = app.get(&path).bearer(&token).send().await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    }
    // Whom it was renamed for can be given another name, like anybody.
    let person = app.get("/api/users?search=doublon").bearer(&token).send().await.expect(StatusCode::OK).json();
    let id = person["data"]["users"][0]["id"].as_str().expect("one").to_owned();
    app.put(&format!("/api/users/{id}"), json!({"email": "corrige@club.test"}))
        .bearer(&token)
        .send()
        .await
        .expect(StatusCode::OK);
    app.call(axum::http::Method::PATCH, &format!("/api/users/{id}/status"))
        .json(&json!({"status": "active"}))
        .bearer(&token)
        .send()
        .await
        .expect(StatusCode::OK);
    assert_ne!(id, JEANNE);
}
