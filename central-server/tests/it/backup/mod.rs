//! `backup` and `restore`: the program itself, on real databases.

mod drill;
mod faults;
mod inventory;
mod rows;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::pooler::own_folder;
use crate::support::TestDb;
use crate::support::program::{run, words};

/// The key that secrets are sealed with.
const KEY: &str = "a-key-for-secrets-of-at-least-32-characters";

/// A folder for the files of a test, empty.
fn folder(name: &str) -> PathBuf {
    let folder = own_folder(&format!("backup-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// Runs a command on a database: its exit code, and what it said.
fn command(url: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let output = run(arguments, &[("DATABASE_URL", url), ("MFA_ENCRYPTION_KEY", KEY)], "");
    (output.status.code(), words(&output))
}

/// Runs a command that has to succeed: what it said.
fn succeeds(url: &str, arguments: &[&str]) -> String {
    let (code, said) = command(url, arguments);
    assert_eq!(code, Some(0), "{arguments:?}: {said}");
    said
}

/// Runs a command that has to be refused: what it said.
fn refused(url: &str, arguments: &[&str]) -> String {
    let (code, said) = command(url, arguments);
    assert_eq!(code, Some(1), "{arguments:?}: {said}");
    said
}

/// A backup of a database, in a folder of this name.
fn backup(db: &TestDb, name: &str) -> PathBuf {
    let path = folder(name).join("all.backup");
    succeeds(&db.url(), &["backup", text(&path)]);
    path
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// What stands in every table of ours, as one hash of its rows each, whatever their order.
async fn contents(db: &TestDb) -> BTreeMap<String, (i64, String)> {
    let admin = db.admin().await;
    let tables = admin
        .query(
            "select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace \
             where c.relkind = 'r' and n.nspname in ('public', 'neopro_1') order by 1",
            &[],
        )
        .await
        .expect("the catalogue");
    let mut contents = BTreeMap::new();
    for table in tables {
        let table: String = table.get(0);
        let sql =
            format!("select count(*), coalesce(md5(string_agg(t::text, e'\\n' order by t::text)), '') from {table} t");
        let row = admin.query_one(&sql, &[]).await.expect("its rows");
        contents.insert(table, (row.get(0), row.get(1)));
    }
    contents
}

/// Everything that makes up the schema but rows: columns, rules, triggers, policies, rights, functions, indexes.
async fn schema(db: &TestDb) -> Vec<String> {
    let sql = "select format('column %s %s %s %s', a.attrelid::regclass, a.attname, format_type(a.atttypid, a.atttypmod), \
           a.attnotnull) from pg_attribute a join pg_class c on c.oid = a.attrelid \
           where c.relnamespace = 'public'::regnamespace and a.attnum > 0 and not a.attisdropped \
         union all select format('rule %s %s %s', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid)) \
           from pg_constraint k where k.connamespace = 'public'::regnamespace \
         union all select format('trigger %s %s', pg_get_triggerdef(g.oid), g.tgenabled) from pg_trigger g \
           where not g.tgisinternal \
         union all select format('policy %s %s %s %s %s', p.polrelid::regclass, p.polname, p.polcmd, \
           pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) from pg_policy p \
         union all select format('walls %s %s %s %s', c.oid::regclass, c.relrowsecurity, c.relforcerowsecurity, c.relacl) \
           from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v') \
         union all select format('function %s %s %s', p.oid::regprocedure, md5(p.prosrc), p.proacl) from pg_proc p \
           where p.pronamespace = 'public'::regnamespace \
         union all select format('index %s', i.indexdef) from pg_indexes i where i.schemaname = 'public' order by 1";
    let rows = db.admin().await.query(sql, &[]).await.expect("the catalogue");
    rows.iter().map(|row| row.get(0)).collect()
}
