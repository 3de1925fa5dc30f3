//! The roles that the database's platform serves to the world with a public key: whatever there is, they can touch none
//! of it, whether they were there before the schema or came after it.

use neopro_central::db::embedded::{Embedded, Options};
use neopro_central::db::migrations::migrate;
use tokio_postgres::Client;

use crate::support::cluster::{connect, scratch};

const OUTSIDERS: [&str; 2] = ["anon", "authenticated"];

/// What the platform grants of everything that is there, and of everything that its owner will make.
const PLATFORM: &str = "grant usage on schema public to anon, authenticated; \
     grant all on all tables in schema public to anon, authenticated; \
     grant all on all routines in schema public to anon, authenticated; \
     grant all on all sequences in schema public to anon, authenticated; \
     alter default privileges for role neopro in schema public grant all on tables to anon, authenticated; \
     alter default privileges for role neopro in schema public grant all on routines to anon, authenticated; \
     alter default privileges for role neopro in schema public grant all on sequences to anon, authenticated";

/// Everything in every schema that a role has any right to, and what it will have of what the owner makes.
const TOUCHABLE: &str = "with schemas as ( \
       select oid, nspname from pg_namespace where nspname not like 'pg\\_%' and nspname <> 'information_schema'), \
     relations as (select c.oid, c.relkind, n.nspname || '.' || c.relname as name from pg_class c \
       join schemas n on n.oid = c.relnamespace) \
     select 'relation ' || name from relations where relkind in ('r', 'p', 'v', 'm', 'f') \
       and has_table_privilege($1, oid, 'select, insert, update, delete, truncate, references, trigger') \
     union all select 'column of ' || name from relations where relkind in ('r', 'p', 'v', 'm', 'f') \
       and has_any_column_privilege($1, oid, 'select, insert, update, references') \
     union all select 'sequence ' || name from relations \
       where case when relkind = 'S' then has_sequence_privilege($1, oid, 'select, usage, update') else false end \
     union all select 'function ' || n.nspname || '.' || p.proname from pg_proc p join schemas n on n.oid = p.pronamespace \
       where has_function_privilege($1, p.oid, 'execute') \
     union all select 'schema ' || nspname from schemas where has_schema_privilege($1, oid, 'create') \
     union all select 'schema ' || nspname from schemas where nspname <> 'public' and has_schema_privilege($1, oid, 'usage') \
     union all select 'database' where has_database_privilege($1, current_database(), 'create') \
     union all select 'what comes: ' || d.defaclobjtype::text from pg_default_acl d, aclexplode(d.defaclacl) a \
       where d.defaclrole = 'neopro'::regrole and (a.grantee = 0 or a.grantee = $1::text::regrole) \
     union all select 'policy ' || p.polname from pg_policy p where p.polroles && array[0::oid, $1::text::regrole::oid] \
     union all select 'role ' || m.roleid::regrole::text from pg_auth_members m where m.member = $1::text::regrole \
     order by 1";

async fn touchable(admin: &Client, role: &str) -> Vec<String> {
    let rows = admin.query(TOUCHABLE, &[&role]).await.expect("the catalogue");
    rows.iter().map(|row| row.get(0)).collect()
}

async fn nothing_is_touchable(admin: &Client, when: &str) {
    for role in OUTSIDERS {
        assert_eq!(touchable(admin, role).await, [""; 0], "{role}, {when}");
    }
}

/// A database of the cluster: as its superuser, and as the owner of its schema.
async fn database(cluster: &Embedded, name: &str) -> (Client, Client) {
    let admin = connect(&cluster.admin_config()).await;
    admin.batch_execute(&format!("create database {name} owner neopro template template0")).await.expect("a database");
    (connect(cluster.admin_config().dbname(name)).await, connect(cluster.config().dbname(name)).await)
}

/// What a later migration would make, in the manner of all of them.
const LATER: &str = "create table later (id bigint generated always as identity primary key, words text); \
     select neopro_guard('later', 'select, insert'); \
     create view later_words with (security_invoker = true) as select words from later; \
     select neopro_guard('later_words', 'select'); \
     create function neopro_later() returns int language sql as 'select 1'; \
     select neopro_guard_function('neopro_later()')";

#[tokio::test]
async fn outsiders_touch_nothing_whether_they_come_before_the_schema_or_after_it() {
    // A cluster of its own: roles belong to all databases of one, and here it matters since when they are there.
    let data_dir = scratch("outsiders");
    let _ = std::fs::remove_dir_all(&data_dir);
    let options = Options { data_dir: &data_dir, runtime_dir: None, settings: &[("fsync", "off")] };
    let cluster = Embedded::start(options).await.expect("a cluster");

    // After: the schema is there, and then come the roles, with all that the platform grants.
    let (admin, owner) = database(&cluster, "before").await;
    migrate(&owner).await.expect("migrated");
    for role in OUTSIDERS {
        admin.batch_execute(&format!("create role {role} nologin")).await.expect("a role");
    }
    nothing_is_touchable(&admin, "just made").await;
    admin.batch_execute(PLATFORM).await.expect("the platform may");
    admin
        .batch_execute("grant update (club_name) on sites to anon; grant neopro_app to authenticated")
        .await
        .expect("a mistake, made by hand");
    // The control: the search finds every kind of thing.
    let found = touchable(&admin, "anon").await;
    for kind in [
        "relation public.sites",
        "column of public.sites",
        "relation public.site_overview",
        "function public.neopro_check_session",
        "what comes: r",
        "what comes: S",
        "what comes: f",
    ] {
        assert!(found.iter().any(|thing| thing == kind), "{kind} is not among {found:?}");
    }
    assert!(touchable(&admin, "authenticated").await.contains(&"role neopro_app".to_owned()));
    admin.batch_execute("revoke neopro_app from authenticated").await.expect("the mistake is mended");
    // The next start of the server takes it all back, and the migrations to come have nothing to give.
    migrate(&owner).await.expect("a start");
    nothing_is_touchable(&admin, "after a start").await;
    owner.batch_execute(LATER).await.expect("the owner may");
    nothing_is_touchable(&admin, "after a later migration").await;

    // Before: the roles are there with all of the platform's grants, and then comes the schema.
    let (admin, owner) = database(&cluster, "after").await;
    admin.batch_execute(PLATFORM).await.expect("the platform may");
    migrate(&owner).await.expect("migrated");
    nothing_is_touchable(&admin, "before the schema").await;
    owner.batch_execute(LATER).await.expect("the owner may");
    nothing_is_touchable(&admin, "before a later migration").await;
    in_practice(&admin).await;

    // What is not ours stays as its owner has granted it.
    owner
        .batch_execute("create table elsewhere (id int); grant select on elsewhere to anon")
        .await
        .expect("the owner may");
    migrate(&owner).await.expect("a start");
    assert_eq!(touchable(&admin, "anon").await, ["column of public.elsewhere", "relation public.elsewhere"]);
    drop((admin, owner));
    cluster.stop().await.expect("it stops");
    let _ = std::fs::remove_dir_all(&data_dir);
}

/// As the data API does it.
async fn in_practice(admin: &Client) {
    let relations = admin
        .query(
            "select relname::text, relkind = 'v' from pg_class where relnamespace = 'public'::regnamespace \
               and relkind in ('r', 'v')",
            &[],
        )
        .await
        .expect("the catalogue");
    assert!(relations.len() > 25);
    for role in OUTSIDERS {
        admin.batch_execute(&format!("set role {role}")).await.expect("the superuser may");
        for relation in &relations {
            let (relation, is_view): (String, bool) = (relation.get(0), relation.get(1));
            let mut acts = vec![format!("select * from {relation}")];
            if !is_view {
                acts.extend(["copy", "delete from", "truncate"].map(|act| format!("{act} {relation}")));
                acts[1] += " to stdout";
            }
            for act in acts {
                let refused = admin.batch_execute(&act).await.expect_err(&act);
                assert_eq!(refused.as_db_error().map(|error| error.code().code()), Some("42501"), "{act}");
            }
        }
        admin.batch_execute("select neopro_tenant_sites()").await.expect_err("a function");
        admin.batch_execute("create table mine (id int)").await.expect_err("a place of its own");
        admin.batch_execute("reset role").await.expect("the superuser may");
    }
}
