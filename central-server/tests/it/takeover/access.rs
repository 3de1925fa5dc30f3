//! Who takes over, and which way: an owner who is no superuser, directly and through a pooler; and what is said to those
//! who cannot.

use std::time::Instant;

use super::{KEY, Old, counts, migrate, migrate_at, value};
use crate::pooler::bouncer::PgBouncer;
use crate::support::{Cluster, program};

#[tokio::test]
async fn through_a_pooler_it_is_the_same_and_nothing_is_left_on_its_connections() {
    let db = Old::Everything.database().await;
    let pooler = PgBouncer::in_front_of(&db, "takeover").await;
    let watched = crate::support::cluster::connect(&pooler.config()).await;
    let (code, said) = migrate_at(&pooler.url(), &[]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("Comptes : 6"), "{said}");
    assert_eq!(pooler.remains().await, Vec::<String>::new());
    drop(watched);
    let (direct, through) = (Old::Everything.database().await, db);
    let (code, said) = migrate(&direct, &[]);
    assert_eq!(code, 0, "{said}");
    for schema in ["public", "neopro_1"] {
        assert_eq!(counts(&direct.admin().await, schema).await, counts(&through.admin().await, schema).await);
    }
}

#[tokio::test]
async fn a_rehearsal_tells_everything_and_changes_nothing() {
    let db = Old::Broken.database().await;
    let admin = db.admin().await;
    let before = counts(&admin, "public").await;
    let (code, rehearsed) = migrate(&db, &["--dry-run"]);
    assert_eq!(code, 0, "{rehearsed}");
    assert!(rehearsed.contains("Rien n'a été modifié."), "{rehearsed}");
    assert_eq!(counts(&admin, "public").await, before);
    assert_eq!(value(&admin, "to_regnamespace('neopro_1')").await, None);

    let (code, done) = migrate(&db, &[]);
    assert_eq!(code, 0, "{done}");
    let lines = |said: &str| said.lines().filter(|line| line.starts_with("  ")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&rehearsed), lines(&done), "it told the truth");
    let (code, said) = migrate(&db, &["--dry-run"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("Essai : la base de données serait mise à jour"), "{said}");
}

#[tokio::test]
async fn without_the_key_of_the_server_nothing_is_sealed_with_another() {
    let db = Old::Everything.database().await;
    let output = program::run(&["migrate"], &[("DATABASE_URL", &db.url())], "");
    let said = program::words(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("MFA_ENCRYPTION_KEY") && said.contains("étape 6.4"), "{said}");
    let admin = db.admin().await;
    assert_eq!(value(&admin, "to_regnamespace('neopro_1')").await, None);
    assert_eq!(
        value(&admin, "select count(*) from public.users where mfa_secret is not null").await.as_deref(),
        Some("2")
    );
}

#[tokio::test]
async fn other_commands_and_the_sql_editor_name_the_command_that_does_it() {
    let db = Old::InitDb.database().await;
    let create = ["create-admin", "--email", "a@b.test", "--full-name", "A", "--password-stdin"];
    let output = program::run(&create, &[("DATABASE_URL", &db.url())], "Tir au but 7\n");
    let said = program::words(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("« neopro-central migrate »"), "{said}");
    let script = neopro_central::db::migrations::init_db_script();
    let error = db.owner().await.batch_execute(&script).await.expect_err("it is refused");
    let sentence = error.as_db_error().expect("by the database").message().to_owned();
    assert!(sentence.contains("NeoPro 1") && sentence.contains("« neopro-central migrate »"), "{sentence}");
    assert_eq!(value(&db.admin().await, "to_regclass('public.schema_migrations')").await, None);
}

#[tokio::test]
async fn whoever_does_not_own_the_tables_is_told_who_does() {
    let db = Old::InitDb.database().await;
    let admin = db.admin().await;
    let stranger = format!("stranger_{}", db.name);
    admin
        .batch_execute(&format!(
            "create role {stranger} login password 'not-a-secret'; grant neopro_app to {stranger}; \
             grant create on database {0} to {stranger}; grant all on schema public to {stranger}",
            db.name
        ))
        .await
        .expect("a role");
    let url = db.url().replace("neopro:", &format!("{stranger}:"));
    let (begin, end) = (url.find(&format!("{stranger}:")).expect("a user"), url.find("@/").expect("a socket"));
    let url = format!("{}{stranger}:not-a-secret{}", &url[..begin], &url[end..]);
    let (code, said) = migrate_at(&url, &[]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains(&format!("grant neopro to {stranger};")), "{said}");
    admin.batch_execute(&format!("grant neopro to {stranger}")).await.expect("the administrator does it");
    let (code, said) = migrate_at(&url, &[]);
    admin
        .batch_execute(&format!(
            "reassign owned by {stranger} to neopro; drop owned by {stranger}; drop role {stranger}"
        ))
        .await
        .expect("cleared away");
    assert_eq!(code, 0, "{said}");
}

#[tokio::test]
async fn one_who_may_not_make_schemas_gets_the_statement_for_who_may() {
    let db = Old::InitDb.database().await;
    let admin = db.admin().await;
    // As at a host where the database is somebody else's.
    admin
        .batch_execute(&format!(
            "alter database {} owner to postgres; grant create on schema public to neopro",
            db.name
        ))
        .await
        .expect("the superuser may");
    let (code, said) = migrate(&db, &[]);
    assert_eq!(code, 1, "{said}");
    let (_, statement) = said.split_once("doit exécuter : ").expect("a statement");
    admin.batch_execute(statement.trim()).await.unwrap_or_else(|error| panic!("{error}: {statement}"));
    let (code, said) = migrate(&db, &[]);
    assert_eq!(code, 0, "{said}");
}

#[tokio::test]
async fn while_neopro_1_still_works_on_it_nothing_is_done_and_that_is_said() {
    let db = Old::InitDb.database().await;
    let old_server = db.owner().await;
    old_server.batch_execute("begin; update sites set last_seen_at = now()").await.expect("it works on");
    let began = Instant::now();
    let (code, said) = migrate(&db, &[]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("encore utilisée") && began.elapsed().as_secs() < 40, "{said}");
    old_server.batch_execute("commit").await.expect("its work is whole");
    assert_eq!(migrate(&db, &[]).0, 0);
}

#[tokio::test]
async fn several_at_once_take_it_over_once() {
    let db = Old::Everything.database().await;
    let url = db.url();
    let start = || {
        let mut command = program::neopro(&["migrate"], &[("DATABASE_URL", &url), ("MFA_ENCRYPTION_KEY", KEY)]);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().expect("it starts")
    };
    let three = [start(), start(), start()];
    let mut tellers = 0;
    for child in three {
        let output = child.wait_with_output().expect("it ends");
        let said = program::words(&output);
        assert_eq!(output.status.code(), Some(0), "{said}");
        tellers += usize::from(said.contains("La base de NeoPro 1 a été reprise."));
    }
    assert_eq!(tellers, 1);
    assert_eq!(value(&db.admin().await, "select count(*) from public.users").await.as_deref(), Some("6"));
}

#[tokio::test]
async fn a_second_old_database_in_the_same_place_is_not_mixed_with_the_first() {
    let db = Cluster::get().empty().await;
    db.owner()
        .await
        .batch_execute("create schema neopro_1; create table neopro_1.users (id int)")
        .await
        .expect("it is there");
    let old = include_str!("old/init_db.sql");
    db.owner().await.batch_execute(old).await.expect("old tables");
    let (code, said) = migrate(&db, &[]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("neopro_1") && said.contains("existe déjà"), "{said}");
}
