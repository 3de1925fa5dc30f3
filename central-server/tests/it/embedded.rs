//! The embedded PostgreSQL: who gets in, as whom it runs, and what it says when it cannot.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use neopro_central::db::embedded::{Embedded, Options};

use crate::support::cluster::{connect, scratch};

async fn start(data_dir: &Path) -> Embedded {
    let options = Options { data_dir, runtime_dir: None, settings: &[("fsync", "off")] };
    Embedded::start(options).await.expect("the database starts")
}

fn fresh(name: &str) -> std::path::PathBuf {
    let folder = scratch(name);
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

#[tokio::test]
async fn nobody_else_gets_in() {
    let data_dir = fresh("embedded-doors");
    let embedded = start(&data_dir).await;
    let owner = connect(&embedded.config()).await;

    let rights = owner
        .query_one(
            "select rolname::text, rolsuper, rolbypassrls, rolcreatedb, rolreplication, rolcreaterole from pg_roles \
             where rolname = current_user",
            &[],
        )
        .await
        .expect("a role");
    assert_eq!(rights.get::<_, String>(0), "neopro");
    assert_eq!(
        [1, 2, 3, 4].map(|right| rights.get::<_, bool>(right)),
        [false; 4],
        "no right beyond those of a hosted owner"
    );
    assert!(rights.get::<_, bool>(5), "it may create roles, as a hosted owner may");

    let setting = async |name: &str| -> String {
        owner.query_one("select current_setting($1)", &[&name]).await.expect("a setting").get(0)
    };
    assert_eq!(setting("listen_addresses").await, "");
    assert_eq!(setting("password_encryption").await, "scram-sha-256");
    assert_eq!(setting("full_page_writes").await, "on");
    assert_eq!(setting("synchronous_commit").await, "on");

    let access = std::fs::read_to_string(data_dir.join("postgres/pg_hba.conf")).expect("the access rules");
    let rules: Vec<&str> = access.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).collect();
    assert!(!rules.is_empty());
    for rule in rules {
        assert!(rule.starts_with("local ") && rule.ends_with("scram-sha-256"), "{rule}");
    }
    let mut wrong = embedded.config();
    wrong.password("guessed");
    assert!(wrong.connect(tokio_postgres::NoTls).await.is_err());
    embedded.stop().await.expect("it stops");
}

#[tokio::test]
async fn files_belong_to_whom_they_should() {
    let data_dir = fresh("embedded-files");
    let embedded = start(&data_dir).await;
    let mode = |path: &str| std::fs::metadata(data_dir.join(path)).expect(path).permissions().mode() & 0o777;
    let owner = |path: &str| std::fs::metadata(data_dir.join(path)).expect(path).uid();
    assert_eq!(mode("postgres"), 0o700);
    for secret in ["neopro.password", "postgres.password"] {
        assert_eq!(mode(secret), 0o600, "{secret}");
        assert_eq!(owner(secret), owner(""), "{secret}");
    }
    if owner("") == 0 {
        assert_eq!(mode(""), 0o711);
        assert_ne!(owner("postgres"), 0, "PostgreSQL does not run as root");
    }
    let tokio_postgres::config::Host::Unix(socket) = &embedded.config().get_hosts()[0].clone() else {
        panic!("a socket")
    };
    assert_eq!(std::fs::metadata(socket).expect("the socket's folder").permissions().mode() & 0o777, 0o700);
    assert!(socket.as_os_str().len() < 80, "the path of a socket is limited to 107 bytes");
    embedded.stop().await.expect("it stops");
    assert!(!socket.exists(), "nothing is left of it");
}

#[tokio::test]
async fn a_second_server_on_the_same_folder_is_refused_in_a_sentence() {
    let data_dir = fresh("embedded-twice");
    let embedded = start(&data_dir).await;
    let options = Options { data_dir: &data_dir, runtime_dir: None, settings: &[] };
    let refusal = Embedded::start(options).await.expect_err("the folder is taken").to_string();
    assert!(refusal.contains(data_dir.to_str().expect("UTF-8")), "{refusal}");
    assert!(refusal.contains(&std::process::id().to_string()), "it names who holds it: {refusal}");

    // A command beside it is not refused: it joins.
    let joined = Embedded::start_or_attach(options).await.expect("attached");
    connect(&joined.config()).await.query_one("select 1", &[]).await.expect("a row");
    joined.stop().await.expect("leaving stops nothing");
    connect(&embedded.config()).await.query_one("select 1", &[]).await.expect("it still runs");
    embedded.stop().await.expect("it stops");
    start(&data_dir).await.stop().await.expect("and the folder is free again");
}

#[tokio::test]
async fn a_folder_that_the_database_user_cannot_enter_is_named() {
    let locked = fresh("embedded-locked");
    std::fs::create_dir_all(&locked).expect("a folder");
    if std::fs::metadata(&locked).expect("its owner").uid() != 0 {
        return; // the database user is ourselves
    }
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o700)).expect("locked");
    let data_dir = locked.join("data");
    let options = Options { data_dir: &data_dir, runtime_dir: None, settings: &[] };
    let refusal = Embedded::start(options).await.expect_err("no way in").to_string();
    assert!(refusal.contains(locked.to_str().expect("UTF-8")) && refusal.contains("postgres"), "{refusal}");
}

#[tokio::test]
async fn a_postmaster_that_dies_is_started_again() {
    let data_dir = fresh("embedded-dies");
    let embedded = start(&data_dir).await;
    let owner = connect(&embedded.config()).await;
    owner.batch_execute("create table kept (n int); insert into kept values (42)").await.expect("written");
    let pid = std::fs::read_to_string(data_dir.join("postgres/postmaster.pid")).expect("a pid file");
    let pid = pid.lines().next().expect("a number").to_owned();
    assert!(std::process::Command::new("kill").args(["-KILL", &pid]).status().expect("kill runs").success());
    for _ in 0..600 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        if let Ok((client, connection)) = embedded.config().connect(tokio_postgres::NoTls).await {
            tokio::spawn(connection);
            let kept: i32 = client.query_one("select n from kept", &[]).await.expect("the row").get(0);
            assert_eq!(kept, 42);
            return embedded.stop().await.expect("it stops");
        }
    }
    panic!("it was not started again");
}
