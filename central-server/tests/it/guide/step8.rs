//! Step 8: the SQL that is pasted, before and after the server has migrated, as often as anybody likes.

use std::path::Path;

use tokio_postgres::Client;

use super::Service;
use super::document::Document;
use super::editor::{Editor, dump, dump_schema};
use crate::support::program;
use crate::support::{Cluster, TestDb};

/// Step 8.2: the file that it names.
pub fn init_db() -> String {
    script("8.2.")
}

/// Step 8.3: the file that it names.
pub fn analytics() -> String {
    script("8.3.")
}

/// Step 8.4: the block.
pub fn mfa() -> String {
    Document::original().section("8.4.").block("sql").to_owned()
}

/// Step 8.5: the block.
pub fn tables() -> String {
    Document::original().section("8.5.").block("sql").to_owned()
}

fn script(step: &str) -> String {
    let guide = Document::original();
    let path = guide.section(step).code(|code| code.ends_with(".sql"));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Pastes a script of 8.2 or 8.3: no notice, and a row that shows the version of the schema.
pub async fn paste(editor: &Editor, script: &str) {
    let rows = editor.run(script).await.unwrap_or_else(|error| panic!("the editor shows an error: {error}"));
    assert_eq!(editor.notices(), [""; 0], "the editor shows notices");
    let last = rows.last().expect("a row at the end");
    let latest = neopro_central::db::migrations::latest().to_string();
    assert_eq!(last.get("schema_version"), Some(latest.as_str()));
}

/// Steps 8.4 and 8.5, as they stand.
pub async fn add_mfa_and_look(editor: &Editor) {
    editor.run(&mfa()).await.unwrap_or_else(|error| panic!("step 8.4: {error}"));
    // The block's "if not exists" finds everything: PostgreSQL says so, and here one sees that notices are noticed.
    assert!(editor.notices().iter().filter(|notice| notice.contains("already exists")).count() >= 5);
    let shown = editor.column(&tables()).await;
    let guide = Document::original();
    let expected = guide.section("8.5.").codes();
    assert!(expected.len() >= 4, "the guide names what has to be seen: {expected:?}");
    for name in expected {
        assert!(shown.iter().any(|shown| shown == name), "{name} is missing in {shown:?}");
    }
    assert!(shown.is_sorted(), "{shown:?}");
}

async fn pasted(scripts: &[String]) -> TestDb {
    let db = Cluster::get().empty().await;
    let editor = Editor::open(&db).await;
    for script in scripts {
        paste(&editor, script).await;
    }
    db
}

/// A database that `serve` has migrated, the guide's step 6, which comes before step 8.
async fn migrated_by_the_server() -> TestDb {
    let db = Cluster::get().empty().await;
    serve_once(&db).await;
    db
}

async fn serve_once(db: &TestDb) {
    let log = Service::on(db).await.stopped().await;
    assert!(log.contains("listening"), "{log}");
}

async fn migrations(db: &TestDb) -> Vec<String> {
    let rows =
        db.admin().await.query("select version || name || checksum from schema_migrations order by 1", &[]).await;
    rows.expect("the migrations").iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn who_pastes_may_make_roles_and_is_nothing_more() {
    let db = Cluster::get().empty().await;
    let editor = Editor::open(&db).await;
    let rights = "select rolcreaterole, rolsuper, rolbypassrls, rolcreatedb from pg_roles where rolname = current_user";
    let rows = editor.run(rights).await.expect("his rights");
    let rights: Vec<Option<&str>> = (0..3).map(|column| rows[0].get(column)).collect();
    assert_eq!(rights, [Some("t"), Some("f"), Some("f")]);
}

#[tokio::test]
async fn what_is_pasted_is_what_the_server_makes() {
    let by_server = migrated_by_the_server().await;
    let by_hand = pasted(&[init_db(), analytics()]).await;
    let by_half = pasted(&[init_db()]).await;
    let schema = dump_schema(&by_server);
    assert!(schema.contains("CREATE TABLE public.users") && schema.contains("CREATE VIEW public.analytics"));
    assert_eq!(dump_schema(&by_hand), schema);
    assert_eq!(dump_schema(&by_half), schema, "8.2 has the whole schema");
    assert_eq!(migrations(&by_hand).await, migrations(&by_server).await);

    // And then the server finds nothing to do.
    let before = dump(&by_hand);
    serve_once(&by_hand).await;
    assert_eq!(dump(&by_hand), before);
}

#[tokio::test]
async fn pasting_again_in_any_order_changes_nothing_and_loses_nothing() {
    for db in [pasted(&[init_db()]).await, migrated_by_the_server().await] {
        fill(&db.owner().await).await;
        let before = dump(&db);
        assert!(before.contains("camille@club.test") && before.contains("Stade des Essais"));
        let editor = Editor::open(&db).await;
        for script in [init_db(), init_db(), analytics(), analytics(), init_db(), analytics()] {
            paste(&editor, &script).await;
            assert_eq!(dump(&db), before);
        }
    }
}

/// Somebody uses the database: an account, a club in a group, a day's figures.
async fn fill(owner: &Client) {
    owner
        .batch_execute(
            "insert into users (email, password_hash, full_name, role) \
               values ('camille@club.test', 'no hash', 'Camille Durand', 'admin');
             insert into sites (site_name, club_name, api_key) values ('essais', 'Stade des Essais', 'sha256:none');
             insert into groups (name, type) values ('Essais', 'custom');
             insert into site_groups (site_id, group_id) select sites.id, groups.id from sites, groups;
             insert into club_daily_stats (site_id, date, videos_played) select id, '2026-01-15', 7 from sites;",
        )
        .await
        .expect("rows");
}

#[tokio::test]
async fn a_paste_may_stand_in_a_transaction() {
    // Some editors wrap what they run.
    let db = Cluster::get().empty().await;
    let editor = Editor::open(&db).await;
    for script in [init_db(), analytics()] {
        paste(&editor, &format!("begin;\n{script}\ncommit;\n")).await;
    }
    assert_eq!(editor.column("select plays from analytics").await, [""; 0]);
}

#[tokio::test]
async fn step_8_3_before_8_2_is_a_sentence_and_changes_nothing() {
    let db = Cluster::get().empty().await;
    let before = dump(&db);
    let editor = Editor::open(&db).await;
    for _ in 0..2 {
        let sentence = editor.run(&analytics()).await.expect_err("the tables that it needs are missing");
        assert!(sentence.contains("init-db.sql") && sentence.contains("étape 8.2"), "{sentence}");
        assert!(sentence.ends_with('.'), "{sentence}");
        assert_eq!(dump(&db), before);
    }
    for script in [init_db(), analytics(), analytics(), init_db()] {
        paste(&editor, &script).await;
    }
    assert_eq!(dump_schema(&db), dump_schema(&pasted(&[init_db()]).await));
}

/// The four columns as the catalogue has them, and the index on them.
async fn mfa_catalogue(db: &TestDb) -> Vec<String> {
    let text = "select concat_ws(' | ', attname, format_type(atttypid, atttypmod), attnotnull, \
                  pg_get_expr(adbin, adrelid), col_description(attrelid, attnum)) \
                from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum \
                where attrelid = 'public.users'::regclass and attname like 'mfa\\_%' \
                union all select pg_get_indexdef('public.idx_users_mfa_enabled'::regclass) order by 1";
    Editor::open(db).await.column(text).await
}

#[tokio::test]
async fn step_8_4_finds_exactly_what_it_would_have_made() {
    // What the block makes by itself, of a table that has nothing yet.
    let bare = Cluster::get().empty().await;
    let editor = Editor::open(&bare).await;
    editor.run("create table users (id uuid)").await.expect("a bare table");
    editor.run(&mfa()).await.expect("the block of step 8.4");
    assert_eq!(editor.notices(), [""; 0]);
    let made = mfa_catalogue(&bare).await;
    assert_eq!(
        made,
        [
            "CREATE INDEX idx_users_mfa_enabled ON public.users USING btree (mfa_enabled) WHERE (mfa_enabled = true)",
            "mfa_backup_codes | text[] | f | Codes de secours hachés",
            "mfa_enabled | boolean | f | false | Indique si MFA est activé",
            "mfa_secret | text | f | Secret TOTP chiffré",
            "mfa_verified_at | timestamp with time zone | f | Dernière vérification MFA",
        ]
    );

    for db in [pasted(&[init_db(), analytics()]).await, migrated_by_the_server().await] {
        let before = dump(&db);
        let editor = Editor::open(&db).await;
        for _ in 0..2 {
            add_mfa_and_look(&editor).await;
            assert_eq!(dump(&db), before, "the block changes nothing");
        }
        assert_eq!(mfa_catalogue(&db).await, made);
        serve_once(&db).await;
        assert_eq!(dump(&db), before, "and the server nothing after it");
    }
}

#[test]
fn the_files_are_what_the_program_prints() {
    for (script, file) in [("init-db", init_db()), ("analytics", analytics())] {
        let output = program::run(&["migrate", "--print", script], &[], "");
        assert!(output.status.success(), "{}", program::words(&output));
        assert!(String::from_utf8(output.stdout).expect("UTF-8") == file, "{script}: run `cargo xtask generate`");
    }
}
