//! The second wall by itself, for every relation that there is: what a tenant's transaction reads, changes and adds.

use neopro_central::db::{self, FromRow, Scalar, Scope, query};
use neopro_central::ids::UserId;
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use super::catalogue::Table;
use super::world::{Tenant, World};
use crate::support::{Cluster, TestApp};

/// What tenants see something of: a relation, and whether an agency and a sponsor see their own rows in it. All others
/// are empty to them.
const SEEN: &[(&str, bool, bool)] = &[
    ("agencies", true, false),
    ("agency_sites", true, false),
    ("alerts", true, false),
    ("analytics", true, false),
    ("api_tokens", true, true),
    ("club_daily_stats", true, false),
    ("groups", true, false),
    ("sessions", true, true),
    ("site_figures", true, false),
    ("site_figures_5min", true, false),
    ("site_groups", true, false),
    ("site_latest", true, false),
    ("site_overview", true, true),
    ("site_states", true, false),
    ("sites", true, true),
    ("sponsor_sites", false, true),
    ("sponsors", false, true),
    ("users", true, true),
    ("video_daily_stats", true, false),
    ("video_play_blocks", true, false),
    ("video_plays", true, false),
    ("video_plays_kept", true, false),
];

/// What a person changes of his own by himself.
const OWN: [&str; 2] = ["api_tokens", "sessions"];

/// Every relation that the application has this right to: tables and views.
async fn relations(owner: &Client, right: &str) -> Vec<String> {
    let rows = owner
        .query(
            "select relname::text from pg_class where relnamespace = 'public'::regnamespace \
               and relkind in ('r', 'p', 'v', 'm') and has_table_privilege('neopro_app', oid, $1) order by relname",
            &[&right],
        )
        .await
        .expect("the catalogue");
    rows.iter().map(|row| row.get(0)).collect()
}

/// Runs a statement of one text column as somebody's.
async fn texts(app: &TestApp, scope: Scope, sql: &str) -> Result<Vec<String>, db::Error> {
    let rows = app.pool().run(scope, None, query(sql.to_owned()).all::<Scalar<String>>()).await?;
    Ok(rows.into_iter().map(|Scalar(text)| text).collect())
}

/// Whether rows hold a word or an id of another tenant than this.
fn is_foreign(world: &World, tenant: &Tenant, rows: &[String]) -> Option<String> {
    let of_others = |row: &&String| {
        let text = row.to_lowercase();
        world.foreign_word(tenant, &text).is_some() || world.foreign_id(tenant, &text).is_some()
    };
    rows.iter().find(of_others).cloned()
}

fn is_refusal(error: &db::Error) -> bool {
    let text = error.to_string();
    ["permission denied", "row-level security", "keeps what it refers to"].iter().any(|words| text.contains(words))
}

#[tokio::test]
async fn a_tenant_reads_its_own_rows_of_every_relation_and_no_others() {
    let app = TestApp::new().await;
    let world = World::build(&app).await;
    let owner = app.db.owner().await;
    let relations = relations(&owner, "select").await;
    assert!(relations.len() > 25, "{relations:?}");
    for relation in &relations {
        let sql = format!("select t::text from {relation} t");
        for tenant in &world.tenants {
            let rows = texts(&app, tenant.scope(), &sql).await.expect("rows");
            assert_eq!(is_foreign(&world, tenant, &rows), None, "{relation} to {}", tenant.word);
            let seen = SEEN.iter().find(|(name, ..)| name == relation);
            let expected =
                seen.is_some_and(|(_, agency, sponsor)| if tenant.kind == "agency" { *agency } else { *sponsor });
            assert_eq!(!rows.is_empty(), expected, "{relation} to {}: {rows:?}", tenant.word);
        }
        // A transaction that forgot to say whose it is.
        let nobodys = format!("begin; set local role neopro_app; select count(*) as rows from {relation}; rollback");
        let answer = owner.simple_query(&nobodys).await.expect("an empty answer");
        let counted = answer.iter().find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get("rows"),
            _ => None,
        });
        assert_eq!(counted, Some("0"), "{relation} to nobody");
    }
}

#[tokio::test]
async fn a_tenant_changes_no_row_of_any_relation_and_adds_none_to_others() {
    let app = TestApp::new().await;
    let world = World::build(&app).await;
    let owner = app.db.owner().await;
    let (updatable, deletable) = (relations(&owner, "update").await, relations(&owner, "delete").await);
    assert!(updatable.len() > 15 && deletable.len() > 15);
    for tenant in &world.tenants {
        for table in &world.tables {
            let Table { name, columns } = table;
            let column = &columns.last().expect("a column").name;
            let mut acts = Vec::new();
            if updatable.contains(name) {
                acts.push(format!("update {name} t set {column} = t.{column} returning t::text"));
            }
            if deletable.contains(name) && !OWN.contains(&name.as_str()) {
                acts.push(format!("delete from {name} t returning t::text"));
            }
            for act in acts {
                match texts(&app, tenant.scope(), &act).await {
                    Ok(rows) => {
                        assert!(rows.is_empty() || OWN.contains(&name.as_str()), "{act} as {}: {rows:?}", tenant.word);
                        assert_eq!(is_foreign(&world, tenant, &rows), None, "{act} as {}", tenant.word);
                    }
                    Err(error) => assert!(is_refusal(&error), "{act}: {error}"),
                }
            }
            for other in world.others(tenant) {
                add_a_copy(&app, &owner, table, tenant, other).await;
            }
        }
    }
}

/// A row like one of another tenant's, with an id of its own where it has one.
async fn add_a_copy(app: &TestApp, owner: &Client, table: &Table, tenant: &Tenant, other: &Tenant) {
    let name = &table.name;
    let belongs = format!("strpos(lower(t::text), lower('{}')) > 0", other.word);
    let found = owner.query_opt(&format!("select to_jsonb(t)::text from {name} t where {belongs} limit 1"), &[]).await;
    let Some(row) = found.expect("a look") else { return };
    let mut row: serde_json::Value = serde_json::from_str(&row.get::<_, String>(0)).expect("JSON");
    if row["id"].is_string() {
        row["id"] = Uuid::now_v7().to_string().into();
    }
    let columns: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let columns = columns.join(", ");
    let sql = format!("insert into {name} ({columns}) select {columns} from jsonb_populate_record(null::{name}, $1)");
    let added = app.pool().run(tenant.scope(), None, query(sql).bind(row).nothing()).await;
    let error = added.expect_err(&format!("{} adds a row of {} to {name}", tenant.word, other.word));
    assert!(is_refusal(&error), "{name}: {error}");
}

/// As what a statement runs within a request.
struct Within {
    role: String,
    /// Superuser, exempt from policies, may log in, may make roles, may make databases, may replicate.
    powers: [bool; 6],
    /// Relations whose policies do not hold for it.
    open: i64,
    /// Roles that it is a member of, and relations that it owns.
    more: i64,
}

impl FromRow for Within {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        let power = |index: usize| row.try_get(index);
        let powers = [power(1)?, power(2)?, power(3)?, power(4)?, power(5)?, power(6)?];
        Ok(Self { role: row.try_get(0)?, powers, open: row.try_get(7)?, more: row.try_get(8)? })
    }
}

#[tokio::test]
async fn within_a_request_no_power_stands_above_the_policies() {
    let app = TestApp::new().await;
    let world = World::build(&app).await;
    let staff = Scope::Staff(UserId(world.tenants[0].clubs[0]["users"]));
    for scope in world.tenants.iter().map(Tenant::scope).chain([Scope::System, staff]) {
        let within = query(
            "select r.rolname::text, r.rolsuper, r.rolbypassrls, r.rolcanlogin, r.rolcreaterole, r.rolcreatedb, \
               r.rolreplication, (select count(*) from pg_class c where c.relnamespace = 'public'::regnamespace \
                 and c.relkind in ('r', 'p') and not row_security_active(c.oid)), \
               (select count(*) from pg_auth_members m where m.member = r.oid) \
                 + (select count(*) from pg_class c where c.relowner = r.oid) \
             from pg_roles r where r.rolname = current_user",
        );
        let Within { role, powers, open, more } =
            app.pool().run(scope, None, within.one::<Within>()).await.expect("a role");
        assert_eq!((role.as_str(), powers, open, more), ("neopro_app", [false; 6], 0, 0), "{scope:?}");
    }
}

#[tokio::test]
async fn every_relation_keeps_its_policies_for_everybody_and_lets_its_owner_work() {
    let db = Cluster::get().migrated().await;
    let owner = db.owner().await;
    // The control: two tables that a migration has forgotten to guard.
    owner
        .batch_execute(
            "create table forgotten (id int); create table half_done (id int); \
             alter table half_done enable row level security, force row level security",
        )
        .await
        .expect("the owner may");
    let rows = owner
        .query(
            "select c.relname::text from pg_class c where c.relkind in ('r', 'p', 'm', 'f') \
               and c.relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace, \
                 'pg_toast'::regnamespace) \
               and not (c.relrowsecurity and c.relforcerowsecurity and exists ( \
                 select from pg_policy p where p.polrelid = c.oid and p.polroles = array[c.relowner] \
                   and p.polpermissive and p.polcmd = '*' and pg_get_expr(p.polqual, c.oid) = 'true' \
                   and pg_get_expr(p.polwithcheck, c.oid) = 'true')) order by c.relname",
            &[],
        )
        .await
        .expect("the catalogue");
    let unguarded: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(unguarded, ["forgotten", "half_done"]);
    // No policy is for anybody else than the owner and the application.
    let rows = owner
        .query(
            "select p.polrelid::regclass || ' ' || p.polname from pg_policy p join pg_class c on c.oid = p.polrelid \
             where p.polroles <> array[c.relowner] and p.polroles <> array['neopro_app'::regrole::oid]",
            &[],
        )
        .await
        .expect("the catalogue");
    let others: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert!(others.is_empty(), "{others:?}");
}
