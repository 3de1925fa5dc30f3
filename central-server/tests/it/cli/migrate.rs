//! `migrate`: several at once, one that dies, one that may not make the application's role.

use std::process::Stdio;
use std::time::{Duration, Instant};

use neopro_central::db::embedded::{Embedded, Options};
use neopro_central::db::migrations::latest;
use tokio_postgres::Client;
use tokio_postgres::config::Host;

use super::{ended, run};
use crate::support::program::neopro;
use crate::support::{Cluster, TestDb, cluster};

/// Versions that are recorded, one entry for each record.
async fn recorded(db: &TestDb) -> Vec<i32> {
    let admin = db.admin().await;
    let there = admin.query_one("select to_regclass('public.schema_migrations') is not null", &[]).await;
    if !there.expect("an answer").get::<_, bool>(0) {
        return Vec::new();
    }
    let rows = admin.query("select version from schema_migrations order by 1", &[]).await.expect("the records");
    rows.iter().map(|row| row.get(0)).collect()
}

/// The versions that there are, by their files: the numbers may have gaps.
fn all() -> Vec<i32> {
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")).expect("the folder");
    let names = files.map(|file| file.expect("a file").file_name().into_string().expect("ASCII"));
    let mut versions: Vec<i32> = names.map(|name| name[..4].parse().expect("a number")).collect();
    versions.sort_unstable();
    versions
}

/// How many tables, views, indexes and functions of ours there are.
async fn things(admin: &Client) -> i64 {
    let count = "select (select count(*) from pg_class where relnamespace = 'public'::regnamespace) \
                      + (select count(*) from pg_proc where pronamespace = 'public'::regnamespace)";
    admin.query_one(count, &[]).await.expect("a number").get(0)
}

#[tokio::test]
async fn three_at_once_all_succeed_and_record_each_migration_once() {
    let db = Cluster::get().empty().await;
    let url = db.url();
    let start = || {
        let mut command = neopro(&["migrate"], &[("DATABASE_URL", &url)]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
    };
    let three = [start(), start(), start()];
    for child in three {
        let (code, said) = ended(&child.wait_with_output().expect("the program ends"));
        assert_eq!(code, 0, "{said}");
        assert!(said.contains(&format!("à jour (version {} du schéma)", latest())), "{said}");
    }
    assert_eq!(recorded(&db).await, all());
    let (code, said) = run(&url, &["migrate"], "");
    assert_eq!(code, 0, "and a fourth finds nothing to do: {said}");
    assert_eq!(recorded(&db).await, all());
}

/// Starts `migrate` and holds it up between two migrations: its second one waits for a name that this open
/// transaction has taken.
async fn held_up(db: &TestDb) -> (std::process::Child, Client) {
    let blocker = db.owner().await;
    blocker.batch_execute("begin; create table public.club_daily_stats (x int)").await.expect("the name is taken");
    let url = db.url();
    let child = neopro(&["migrate"], &[("DATABASE_URL", &url)])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    wait_for(db, "wait_event_type = 'Lock'", 1).await;
    (child, blocker)
}

/// Waits until this many connections of the application to a database are in this state.
async fn wait_for(db: &TestDb, state: &str, connections: i64) {
    let admin = Cluster::get().admin("postgres").await;
    let text =
        format!("select count(*) from pg_stat_activity where datname = $1 and application_name = 'neopro' and {state}");
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let count: i64 = admin.query_one(&text, &[&db.name]).await.expect("a number").get(0);
        if count == connections {
            return;
        }
        assert!(Instant::now() < until, "{count} connections with {state} instead of {connections}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn one_that_is_killed_in_the_middle_leaves_all_or_nothing() {
    let db = Cluster::get().empty().await;
    let (mut child, blocker) = held_up(&db).await;
    child.kill().expect("kill -9");
    child.wait().expect("it is gone");
    assert!(recorded(&db).await.is_empty(), "nothing is seen of what is under way");
    blocker.batch_execute("rollback").await.expect("the name is free");
    wait_for(&db, "true", 0).await;
    let left = recorded(&db).await;
    assert!(left.is_empty() || left == all(), "{left:?}");
    assert_eq!(things(&db.admin().await).await == 0, left.is_empty());

    let (code, said) = run(&db.url(), &["migrate"], "");
    assert_eq!(code, 0, "{said}");
    assert_eq!(recorded(&db).await, all());
}

#[tokio::test]
async fn one_whose_connection_is_cut_in_the_middle_says_so_and_leaves_nothing() {
    let db = Cluster::get().empty().await;
    let (child, blocker) = held_up(&db).await;
    let cut =
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and application_name = 'neopro'";
    Cluster::get().admin("postgres").await.query(cut, &[&db.name]).await.expect("the connection is cut");
    let (code, said) = ended(&child.wait_with_output().expect("the program ends"));
    assert_eq!(code, 1, "{said}");
    assert!(said.trim().len() > 20, "a sentence: {said}");
    blocker.batch_execute("rollback").await.expect("the name is free");
    assert_eq!((things(&db.admin().await).await, recorded(&db).await), (0, vec![]));

    let (code, said) = run(&db.url(), &["migrate"], "");
    assert_eq!(code, 0, "{said}");
    assert_eq!(recorded(&db).await, all());
}

/// A PostgreSQL of its own where nobody has made the application's role yet, with two databases whose owners may
/// not make it: the superuser there, and the folder of the socket.
async fn hosted() -> (Embedded, Client, String) {
    let folder = cluster::scratch(&format!("hosted-{}", std::process::id()));
    let embedded = Embedded::start(Options { data_dir: &folder, runtime_dir: None, settings: &[("fsync", "off")] })
        .await
        .expect("a PostgreSQL of its own");
    let admin = cluster::connect(&embedded.admin_config()).await;
    for tenant in ["tenant", "second"] {
        for statement in [
            format!("create role {tenant} login password 'not-a-secret'"),
            format!("create database {tenant} owner {tenant} template template0"),
        ] {
            admin.batch_execute(&statement).await.expect("a hosted database");
        }
    }
    let config = embedded.config();
    let [Host::Unix(socket)] = config.get_hosts() else { panic!("a socket") };
    let socket = socket.display().to_string();
    (embedded, admin, socket)
}

/// The statements that a refused `migrate` asks an administrator for.
fn asked_for(said: &str) -> String {
    let (_, statements) = said.split_once("doit exécuter : ").unwrap_or_else(|| panic!("nothing to run in: {said}"));
    statements.trim().to_owned()
}

#[tokio::test]
async fn an_owner_who_may_not_make_roles_gets_the_statements_for_who_may() {
    let (embedded, admin, socket) = hosted().await;
    let url = |tenant: &str| format!("postgresql://{tenant}:not-a-secret@/{tenant}?host={socket}");

    let (code, said) = run(&url("tenant"), &["migrate"], "");
    assert_eq!(code, 1, "{said}");
    assert_eq!(asked_for(&said), "create role neopro_app nologin; grant neopro_app to tenant;");
    assert!(!said.contains("not-a-secret"), "{said}");
    let config = embedded.admin_config().dbname("tenant").clone();
    assert_eq!(things(&cluster::connect(&config).await).await, 0, "nothing was changed");
    let made = admin.query("select from pg_roles where rolname = 'neopro_app'", &[]).await.expect("the roles");
    assert!(made.is_empty(), "not even the role");

    // The administrator pastes what was asked for, once for each database, and it works.
    for tenant in ["tenant", "second"] {
        let (code, said) = run(&url(tenant), &["migrate"], "");
        assert_eq!(code, 1, "{said}");
        let statements = asked_for(&said);
        admin.batch_execute(&statements).await.unwrap_or_else(|error| panic!("{error}: {statements}"));
        let (code, said) = run(&url(tenant), &["migrate"], "");
        assert_eq!(code, 0, "{said}");
    }
    drop(admin);
    embedded.stop().await.expect("it stops");
    let _ = std::fs::remove_dir_all(cluster::scratch(&format!("hosted-{}", std::process::id())));
}
