//! The two walls between tenants: what they are made of. `matrix` asks everything there is of them.

use axum::http::StatusCode;
use neopro_central::db::{Scope, query};
use neopro_central::ids::{AgencyId, SponsorId, UserId};
use serde_json::json;
use uuid::Uuid;

use crate::support::{Cluster, TestApp};

/// A person of a tenant, and the one site that the tenant has.
pub struct Tenant {
    pub token: String,
    pub id: Uuid,
    pub site: Uuid,
}

/// A new agency or sponsor with one site of its own, beside a site of nobody's.
pub async fn tenant(app: &TestApp, kind: &str) -> Tenant {
    let (table, link) = match kind {
        "agency" => ("agencies", "agency_sites (agency_id, site_id)"),
        "sponsor" => ("sponsors", "sponsor_sites (sponsor_id, site_id)"),
        other => panic!("no tenant is a {other}"),
    };
    let sql = app.db.owner().await;
    let (id, site, foreign) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    sql.batch_execute(&format!(
        "insert into {table} (id, name) values ('{id}', '{kind}'); \
         insert into sites (id, site_name, club_name, api_key, last_ip, location) values \
           ('{site}', 'own of {id}', 'Own', 'k{site}', '203.0.113.5', '{{\"city\":\"Pau\",\"coordinates\":{{\"lat\":1,\"lng\":2}}}}'), \
           ('{foreign}', 'foreign to {id}', 'Foreign', 'k{foreign}', null, null); \
         insert into {link} values ('{id}', '{site}')"
    ))
    .await
    .expect("a tenant");
    let email = format!("{id}@tenant.test");
    app.account(&email, kind).await;
    sql.execute(&format!("update users set {kind}_id = $1 where email = $2"), &[&id, &email]).await.expect("a member");
    Tenant { token: app.login(&email).await, id, site }
}

#[tokio::test]
async fn a_tenant_sees_its_own_sites_and_no_other() {
    let app = TestApp::new().await;
    let staff = app.token("viewer").await;
    for kind in ["agency", "sponsor"] {
        let own = tenant(&app, kind).await;
        let other = tenant(&app, kind).await;
        let page = app.get("/api/sites").bearer(&own.token).send().await.expect(StatusCode::OK).json();
        assert_eq!(page["pagination"]["total"], 1, "{kind}");
        assert_eq!(page["data"][0]["id"], own.site.to_string());
        for query in ["?search=foreign", "?search=own+of&page=2", "?status=online"] {
            let page = app.get(&format!("/api/sites{query}")).bearer(&own.token).send().await.json();
            assert_eq!(page["data"], json!([]), "{kind} {query}");
        }
        app.get(&format!("/api/sites/{}", own.site)).bearer(&own.token).send().await.expect(StatusCode::OK);
        app.get(&format!("/api/sites/{}", other.site)).bearer(&own.token).send().await.expect(StatusCode::NOT_FOUND);
    }
    let all = app.get("/api/sites").bearer(&staff).send().await.json();
    assert_eq!(all["pagination"]["total"], 8);
}

#[tokio::test]
async fn a_sponsor_sees_names_and_towns_but_no_machine() {
    let app = TestApp::new().await;
    let own = tenant(&app, "sponsor").await;
    let site = app.get(&format!("/api/sites/{}", own.site)).bearer(&own.token).send().await.json();
    assert_eq!((&site["club_name"], &site["location"]), (&json!("Own"), &json!({"city": "Pau"})));
    for hidden in ["last_ip", "local_ip", "software_version"] {
        assert!(site[hidden].is_null(), "{hidden}");
    }
}

#[tokio::test]
async fn an_account_that_lost_its_tenant_sees_nothing() {
    let app = TestApp::new().await;
    let own = tenant(&app, "agency").await;
    app.db.owner().await.batch_execute("delete from agencies").await.expect("the owner may");
    app.get("/api/sites").bearer(&own.token).send().await.expect(StatusCode::UNAUTHORIZED);
    let email = format!("{}@tenant.test", own.id);
    let token = app.login(&email).await;
    app.get("/api/sites").bearer(&token).send().await.expect(StatusCode::FORBIDDEN);
}

/// The second wall by itself: statements that forget every condition.
#[tokio::test]
async fn the_database_keeps_tenants_apart_by_itself() {
    let app = TestApp::new().await;
    let (agency, sponsor) = (tenant(&app, "agency").await, tenant(&app, "sponsor").await);
    let user = UserId::new();
    let db = app.pool();
    let video = "insert into videos (filename, original_name, file_size, mime_type, storage_path) \
         values ('a.mp4', 'a.mp4', 1, 'video/mp4', 'uploads/a.mp4')";
    app.db.owner().await.batch_execute(video).await.expect("a video");
    app.db
        .owner()
        .await
        .batch_execute(
            "insert into site_latest (site_id, heard_at) select id, now() from sites; \
             insert into site_states (site_id) select id from sites; \
             insert into site_figures (site_id, hour, beats, cpu_sum, cpu_count, memory_sum, memory_count, \
               temperature_sum, temperature_count, disk_sum, disk_count) \
             select id, date_trunc('hour', now()), 1, 0, 0, 0, 0, 0, 0, 0, 0 from sites",
        )
        .await
        .expect("figures");
    let seen = async |scope: Scope, table: &str| -> i64 {
        let sql = format!("select count(*) from {table}");
        let count = query(sql).one::<neopro_central::db::Scalar<i64>>();
        db.run(scope, None, count).await.expect("a count").0
    };
    let (agency_scope, sponsor_scope) =
        (Scope::Agency(user, AgencyId(agency.id)), Scope::Sponsor(user, SponsorId(sponsor.id)));
    for (table, staff, by_agency, by_sponsor) in [
        ("sites", 4, 1, 1),
        ("agencies", 1, 1, 0),
        ("agency_sites", 1, 1, 0),
        ("sponsors", 1, 0, 1),
        ("sponsor_sites", 1, 0, 1),
        ("users", 0, 0, 0),
        ("sessions", 0, 0, 0),
        ("api_tokens", 0, 0, 0),
        ("groups", 0, 0, 0),
        ("videos", 1, 0, 0),
        ("site_figures", 4, 1, 0),
        ("site_latest", 4, 1, 0),
        ("site_states", 4, 1, 0),
        ("site_overview", 4, 1, 1),
    ] {
        assert_eq!(seen(Scope::Staff(user), table).await, staff, "{table} by staff");
        assert_eq!(seen(agency_scope, table).await, by_agency, "{table} by the agency");
        assert_eq!(seen(sponsor_scope, table).await, by_sponsor, "{table} by the sponsor");
    }
    assert_eq!(seen(Scope::System, "users").await, 2);

    for scope in [agency_scope, sponsor_scope] {
        for write in [
            "update sites set club_name = 'x'",
            "update site_overview set club_name = 'x'",
            "update site_states set free_bytes = 0",
            "delete from sites",
            "delete from agency_sites",
            "delete from videos",
            "update users set role = 'admin'",
        ] {
            let rows = db
                .run(scope, None, query(format!("{write} returning 1")).all::<neopro_central::db::Scalar<i32>>())
                .await;
            assert!(rows.expect("no row, hence no failure").is_empty(), "{write}");
        }
        let insert = query("insert into sites (site_name, club_name, api_key) values ('a', 'b', 'c')").nothing();
        db.run(scope, None, insert).await.expect_err("a row outside the tenant");
    }
}

#[tokio::test]
async fn a_request_runs_as_a_role_without_rights_of_its_own_and_leaves_nothing_behind() {
    let app = TestApp::new().await;
    let role = query(
        "select rolname::text, rolsuper, rolbypassrls, rolcanlogin, rolcreaterole from pg_roles where rolname = current_user",
    );
    neopro_central_row(&app, role).await;
    // The same connection, outside a request: nothing of the request is left.
    let owner = app.db.owner().await;
    let row =
        owner.query_one("select current_user::text, coalesce(current_setting('neopro.scope', true), '')", &[]).await;
    let row = row.expect("a row");
    assert_eq!((row.get::<_, String>(0), row.get::<_, String>(1)), ("neopro".to_owned(), String::new()));
    // And the owner, whom the guide's SQL editor is, is neither a superuser nor exempt.
    let row = owner.query_one("select rolsuper or rolbypassrls from pg_roles where rolname = current_user", &[]).await;
    assert!(!row.expect("a row").get::<_, bool>(0), "tests with an exempt owner would prove nothing");
}

async fn neopro_central_row(app: &TestApp, statement: neopro_central::db::Statement) {
    struct Role(String, [bool; 4]);
    impl neopro_central::db::FromRow for Role {
        fn from_row(row: &tokio_postgres::Row) -> Result<Self, neopro_central::db::Error> {
            Ok(Self(row.try_get(0)?, [row.try_get(1)?, row.try_get(2)?, row.try_get(3)?, row.try_get(4)?]))
        }
    }
    let Role(name, rights) = app.pool().run_as_system(statement.one::<Role>()).await.expect("a role");
    assert_eq!((name.as_str(), rights), ("neopro_app", [false; 4]));
}

#[tokio::test]
async fn every_relation_is_guarded() {
    let db = Cluster::get().migrated().await;
    let owner = db.owner().await;
    let unguarded = owner
        .query(
            "select c.relname::text from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') \
             and not (c.relrowsecurity and c.relforcerowsecurity and exists ( \
               select from pg_policy p where p.polrelid = c.oid and p.polroles = array[c.relowner]))",
            &[],
        )
        .await
        .expect("the catalogue");
    assert!(unguarded.is_empty(), "{:?}", names(&unguarded));

    let views = owner
        .query(
            "select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind in ('v', 'm') \
             and not coalesce('security_invoker=true' = any (reloptions), false)",
            &[],
        )
        .await
        .expect("the catalogue");
    assert!(views.is_empty(), "{:?}", names(&views));

    let open = owner
        .query(
            "select p.proname::text from pg_proc p where p.pronamespace = 'public'::regnamespace \
             and has_function_privilege('public', p.oid, 'execute')",
            &[],
        )
        .await
        .expect("the catalogue");
    assert!(open.is_empty(), "{:?}", names(&open));

    let tables: i64 = owner
        .query_one("select count(*) from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'", &[])
        .await
        .expect("a count")
        .get(0);
    assert!(tables >= 10, "the catalogue was really looked at");
}

fn names(rows: &[tokio_postgres::Row]) -> Vec<String> {
    rows.iter().map(|row| row.get(0)).collect()
}
