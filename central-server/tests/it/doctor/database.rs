//! The database, its schema and its accounts in every state.

use std::process::Command;

use super::sinks::silent;
use super::{World, error, remark, warning};
use crate::support::cluster::scratch;
use crate::support::program;

use neopro_central::db::embedded::{Embedded, Options};

#[tokio::test]
async fn a_database_out_of_reach_says_which_of_the_guides_three_things_to_check() {
    let world = World::new().await;
    let at =
        |password: &str, port: u16| format!("postgresql://neopro:{password}@127.0.0.1:{port}/neopro?pgbouncer=true");
    let closed = program::free_port();
    for (url, found) in [
        (at("secret-0123456789", closed), "Connection refused"),
        (at("secret-0123456789", silent().await), "Connection timeout"),
        ("postgresql://neopro:secret-0123456789@database.invalid:6543/neopro".to_owned(), "n'existe pas"),
    ] {
        let (code, report) = world.doctor(&[("DATABASE_URL", &url)]).await;
        assert_eq!(code, 1);
        for fix in ["6543", "?pgbouncer=true", "mot de passe", "psql \"postgresql://neopro:PASSWORD@"] {
            error("database.connection", found, fix, "2.2").check(&report);
        }
        assert!(!report.to_string().contains("secret-0123456789"), "{report:#}");
        assert_eq!(super::of(&report, "storage.write", Some("videos"))[0]["state"], "ok", "the rest is looked at");
    }
    let right = String::from_utf8(world.db.config.get_password().expect("one").to_vec()).expect("ASCII");
    let wrong = world.db.url().replace(&right, "not-the-password");
    let (_, report) = world.doctor(&[("DATABASE_URL", &wrong)]).await;
    error("database.connection", "mot de passe", "DATABASE_URL", "2.2").check(&report);
}

#[tokio::test]
async fn the_command_that_it_prints_works_once_the_password_is_in_it() {
    let world = World::new().await;
    let (_, report) = world.doctor(&[]).await;
    let found = super::of(&report, "database.connection", None)[0]["found"].as_str().expect("words").to_owned();
    let (_, command) = found.split_once("psql ").expect("the command");
    let password = String::from_utf8(world.db.config.get_password().expect("one").to_vec()).expect("ASCII");
    let url = command.trim().trim_matches('"').replace("PASSWORD", &password);
    let output = Command::new("psql").args([&url, "-Atc", "select 40 + 2"]).output().expect("the program `psql`");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "42", "{command}: {output:?}");
}

#[tokio::test]
async fn addresses_of_supabase_that_are_unwise_are_remarked() {
    let world = World::new().await;
    let reference = "abcdefghijklmnopqrst";
    let production = |url: &str| world_in_production(url);
    let direct =
        production(&format!("postgresql://postgres:secret-0123456789@db.{reference}.supabase.co:5432/postgres"));
    let (_, report) = world.doctor(&borrowed(&direct)).await;
    warning("database.settings", "IPv6", "DATABASE_URL", "2.2").on("DATABASE_URL").check(&report);
    warning("database.tls", "n'est pas vérifié", "DATABASE_SSL_CA", "2.2").check(&report);
    let pooler = "aws-0-eu-west-3.pooler.supabase.com";
    let session = production(&format!("postgresql://postgres.{reference}:secret-0123456789@{pooler}:5432/postgres"));
    warning("database.settings", "port 6543", "DATABASE_URL", "2.2").check(&world.doctor(&borrowed(&session)).await.1);
    let nobody = production(&format!("postgresql://postgres:secret-0123456789@{pooler}:6543/postgres"));
    warning("database.settings", "postgres.<référence", "DATABASE_URL", "2.2")
        .check(&world.doctor(&borrowed(&nobody)).await.1);
    let plain = production(&format!("postgresql://postgres.{reference}:secret-0123456789@{pooler}:6543/postgres"));
    remark("database.settings", "pgbouncer=true", "2.2").check(&world.doctor(&borrowed(&plain)).await.1);
    let mut elsewhere = plain.clone();
    elsewhere.push(("PORT".into(), "10000".into()));
    remark("environment.variables", "3001", "6.4").on("PORT").check(&world.doctor(&borrowed(&elsewhere)).await.1);
}

fn world_in_production(url: &str) -> Vec<(String, String)> {
    vec![("NODE_ENV".into(), "production".into()), ("DATABASE_URL".into(), url.into())]
}

fn borrowed(variables: &[(String, String)]) -> Vec<(&str, &str)> {
    variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[tokio::test]
async fn accounts_that_nobody_can_enter_and_an_installation_without_an_administrator_are_named() {
    let world = World::new().await;
    let owner = world.db.owner().await;
    let pasted = "insert into users (email, password_hash, full_name, role) values \
         ('admin@votredomaine.com', '$2a$12$VOTRE_HASH_ICI', 'Administrateur', 'admin'), \
         ('invited@club.test', '', 'Invited', 'viewer')";
    owner.batch_execute(pasted).await.expect("the literal block of step 9");
    let (code, report) = world.doctor(&[]).await;
    assert_eq!(code, 1);
    error("accounts.passwords", "admin@votredomaine.com", "VOTRE_HASH_ICI", "9").check(&report);
    assert!(!report.to_string().contains("invited@club.test"), "who was invited has no password yet: {report:#}");
    owner.batch_execute("delete from users where email = 'admin@votredomaine.com'").await.expect("gone");
    let last = "set session_replication_role = replica; update users set role = 'admin' where role = 'super_admin'";
    world.db.admin().await.batch_execute(last).await.expect("what no rule lets happen");
    error("accounts.administrator", "Aucun compte", "create-admin", "9").check(&world.doctor(&[]).await.1);
}

#[tokio::test]
async fn an_empty_installation_on_a_free_project_is_warned_that_it_will_be_paused() {
    let world = World::new().await;
    let free = [("SUPABASE_URL", "https://abcdefghijklmnopqrst.supabase.co"), ("STORAGE", "local")];
    warning("database.activity", "mis en pause", "premier club", "1.3").check(&world.doctor(&free).await.1);
    let owner = world.db.owner().await;
    let club = "insert into sites (site_name, club_name, api_key) values ('A', 'A', 'sha256:0')";
    owner.batch_execute(club).await.expect("a club");
    remark("database.activity", "Sites : 1", "1.3").check(&world.doctor(&free).await.1);
}

#[tokio::test]
async fn a_schema_that_is_missing_old_or_changed_by_hand_is_told_apart() {
    let world = World::new().await;
    let owner = world.db.owner().await;
    owner.batch_execute("alter table groups no force row level security").await.expect("a wall down");
    error("database.row_security", "groups", "force row level security", "8.2").check(&world.doctor(&[]).await.1);
    owner.batch_execute("alter table groups force row level security").await.expect("up again");
    owner.batch_execute("drop function neopro_fold(text) cascade").await.expect("somebody tidies up");
    error("database.drift", "neopro_fold", "sauvegarde", "8.5").check(&world.doctor(&[]).await.1);
    owner
        .batch_execute("update schema_migrations set checksum = 'x' where version = 3")
        .await
        .expect("another program");
    let (_, report) = world.doctor(&[]).await;
    assert_eq!(super::of(&report, "database.drift", None)[0]["state"], "error");
    owner.batch_execute("delete from schema_migrations where version = 5").await.expect("a gap");
    let (code, report) = world.doctor(&[]).await;
    assert_eq!(code, 1);
    error("database.schema", "ce programme attend", "migrate", "8.2").check(&report);
    assert_eq!(super::of(&report, "accounts.administrator", None)[0]["state"], "not_checked");
    let empty = crate::support::Cluster::get().empty().await;
    let (_, report) = world.doctor(&[("DATABASE_URL", &empty.url())]).await;
    error("database.schema", "vide", "migrate", "8.2").check(&report);
    let old = empty.owner().await;
    let script = "create table users (id uuid, email text, password_hash text); \
         create table sites (id uuid, site_name text, club_name text, api_key text)";
    old.batch_execute(script).await.expect("NeoPro 1");
    let (_, report) = world.doctor(&[("DATABASE_URL", &empty.url())]).await;
    error("database.schema", "NeoPro 1", "reprise-neopro-1.md", "8.2").check(&report);
}

/// A cluster of its own: roles belong to all databases of one.
#[tokio::test]
async fn rights_of_the_platforms_roles_and_roles_that_are_too_mighty_are_found() {
    let world = World::new().await;
    let data_dir = scratch("doctor-roles");
    let _ = std::fs::remove_dir_all(&data_dir);
    let options = Options { data_dir: &data_dir, runtime_dir: None, settings: &[("fsync", "off")] };
    let cluster = Embedded::start(options).await.expect("a cluster");
    let db = crate::support::TestDb { config: cluster.config(), name: "neopro".into() };
    let owner = crate::support::cluster::connect(&cluster.config()).await;
    neopro_central::db::migrations::migrate(&owner).await.expect("migrated");
    let admin = crate::support::cluster::connect(cluster.admin_config().dbname(name_of(&cluster))).await;
    let url = crate::support::TestDb { name: name_of(&cluster), ..db }.url();
    let at = [("DATABASE_URL", url.as_str())];
    remark("database.outsiders", "n'existent pas", "8.2").check(&world.doctor(&at).await.1);
    admin.batch_execute("create role anon nologin; create role authenticated nologin").await.expect("roles");
    remark("database.outsiders", "aucun droit", "8.2").check(&world.doctor(&at).await.1);
    admin
        .batch_execute("grant select on sites to anon; grant update (club_name) on sites to authenticated")
        .await
        .expect("rights");
    error("database.outsiders", "sites", "migrate", "8.2").check(&world.doctor(&at).await.1);
    admin.batch_execute("alter role neopro_app bypassrls").await.expect("a mighty role");
    error("database.app_role", "ne sont plus séparés", "nobypassrls", "8.2").check(&world.doctor(&at).await.1);
    admin
        .batch_execute("alter role neopro_app nobypassrls; alter role neopro bypassrls")
        .await
        .expect("as at Supabase");
    remark("database.login_role", "passer outre", "2.2").check(&world.doctor(&at).await.1);
    admin.batch_execute("alter role neopro superuser").await.expect("more than needed");
    warning("database.login_role", "superutilisateur", "CREATEROLE", "2.2").check(&world.doctor(&at).await.1);
    admin
        .batch_execute("alter role neopro nosuperuser nobypassrls; revoke neopro_app from neopro")
        .await
        .expect("less");
    error("database.app_role", "ne peut pas prendre", "grant neopro_app to \"neopro\"", "8.2")
        .check(&world.doctor(&at).await.1);
    admin
        .batch_execute(&format!("alter database {} set default_transaction_read_only = on", name_of(&cluster)))
        .await
        .expect("full");
    error("database.writes", "plus d'écriture", "Supabase", "2").check(&world.doctor(&at).await.1);
    cluster.stop().await.expect("it ends");
    let _ = std::fs::remove_dir_all(&data_dir);
}

fn name_of(cluster: &Embedded) -> String {
    cluster.config().get_dbname().expect("a name").to_owned()
}
