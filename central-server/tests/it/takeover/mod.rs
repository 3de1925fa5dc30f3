//! A database of NeoPro 1 is taken over in place: `migrate`, and then the server on it.
//!
//! The scripts below `old` are written anew from the description of its tables and share nothing with our migrations.

mod access;
mod broken;
mod kept;
mod kills;
mod scale;
mod serves;
mod shapes;

use std::sync::OnceLock;

use serde_json::Value;
use tokio_postgres::Client;

use crate::support::app::PASSWORD;
use crate::support::{Cluster, TestDb, program};

/// The key of the server's secrets.
pub const KEY: &str = "Lorsque-la-nuit-tombe-sur-le-gymnase-42";

/// The key of the box of the first site, as it stands in its file.
pub const BOX_KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// People, places and things of `old/core_rows.sql`.
pub const JEANNE: &str = "10000000-0000-4000-8000-000000000001";
pub const PAUL: &str = "10000000-0000-4000-8000-000000000002";
pub const VITRE: &str = "20000000-0000-4000-8000-000000000001";
pub const RENNES: &str = "20000000-0000-4000-8000-000000000002";
pub const LIFFRE: &str = "20000000-0000-4000-8000-000000000003";
pub const BAKERY: &str = "40000000-0000-4000-8000-000000000001";
pub const GOAL: &str = "40000000-0000-4000-8000-000000000002";

const INIT_DB: [&str; 4] = [
    include_str!("old/init_db.sql"),
    include_str!("old/sponsors.sql"),
    include_str!("old/core_rows.sql"),
    include_str!("old/sponsor_rows.sql"),
];
const FULL_SCHEMA: [&str; 4] = [
    include_str!("old/init_db.sql"),
    include_str!("old/clubs.sql"),
    include_str!("old/core_rows.sql"),
    include_str!("old/club_rows.sql"),
];
const EVERYTHING: [&str; 11] = [
    include_str!("old/init_db.sql"),
    include_str!("old/sponsors.sql"),
    include_str!("old/clubs.sql"),
    include_str!("old/later.sql"),
    include_str!("old/lazy.sql"),
    include_str!("old/core_rows.sql"),
    include_str!("old/sponsor_rows.sql"),
    include_str!("old/club_rows.sql"),
    include_str!("old/later_rows.sql"),
    include_str!("old/lazy_rows.sql"),
    include_str!("old/walls.sql"),
];

/// How a database of NeoPro 1 came to be.
#[derive(Debug, Clone, Copy)]
pub enum Old {
    /// The one beginning: with sponsors.
    InitDb,
    /// The other: with copies of configurations and figures of clubs.
    FullSchema,
    /// Either, with all that was added by hand and by services.
    Everything,
    /// The same, and what years have left behind.
    Broken,
}

impl Old {
    /// A database like that, as the owner of its tables has made it.
    pub async fn database(self) -> TestDb {
        let db = Cluster::get().empty().await;
        let mut scripts = match self {
            Self::InitDb => INIT_DB.to_vec(),
            Self::FullSchema => FULL_SCHEMA.to_vec(),
            Self::Everything | Self::Broken => EVERYTHING.to_vec(),
        };
        if let Self::Broken = self {
            scripts.push(include_str!("old/broken.sql"));
        }
        let owner = db.owner().await;
        // The server of NeoPro 1 stored times as its database told them, and that was UTC.
        owner.batch_execute("set time zone 'UTC'").await.expect("a time zone");
        for script in scripts {
            let script = script.replace("{PASSWORD}", password_hash()).replace("{KEY}", key_hash());
            owner.batch_execute(&script).await.unwrap_or_else(|error| panic!("{error:?} in {}", &script[..200]));
        }
        db
    }
}

/// As NeoPro 1 hashed passwords and keys: bcrypt, cost 10.
fn password_hash() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| bcrypt::hash(PASSWORD, 10).expect("a hash"))
}

fn key_hash() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| bcrypt::hash(BOX_KEY, 10).expect("a hash"))
}

/// Runs `migrate` on a database: its exit code, and everything that it said.
pub fn migrate(db: &TestDb, words: &[&str]) -> (i32, String) {
    migrate_at(&db.url(), words)
}

pub fn migrate_at(url: &str, words: &[&str]) -> (i32, String) {
    let words: Vec<&str> = ["migrate"].iter().chain(words).copied().collect();
    let output = program::run(&words, &[("DATABASE_URL", url), ("MFA_ENCRYPTION_KEY", KEY)], "");
    (output.status.code().expect("an exit code, not a signal"), program::words(&output))
}

/// A database that was taken over, and what was said of it.
pub async fn taken_over(old: Old) -> (TestDb, String) {
    let db = old.database().await;
    let (code, said) = migrate(&db, &[]);
    assert_eq!(code, 0, "{said}");
    (db, said)
}

/// One value, as text.
pub async fn value(client: &Client, sql: &str) -> Option<String> {
    client
        .query_one(&format!("select ({sql})::text"), &[])
        .await
        .unwrap_or_else(|error| panic!("{error:?} in {sql}"))
        .get(0)
}

/// One row as a document.
pub async fn row(client: &Client, sql: &str) -> Value {
    client
        .query_one(&format!("select to_jsonb(x) from ({sql}) x"), &[])
        .await
        .unwrap_or_else(|error| panic!("{error:?} in {sql}"))
        .get(0)
}

/// The tables of a schema, with how many rows each has.
pub async fn counts(client: &Client, schema: &str) -> Vec<(String, i64)> {
    let names = client
        .query(
            "select relname::text from pg_class where relnamespace = to_regnamespace($1) and relkind in ('r', 'p') order by 1",
            &[&schema],
        )
        .await
        .expect("names");
    let mut counts = Vec::new();
    for name in names {
        let name: String = name.get(0);
        let sql = format!("select count(*) from {schema}.{name}");
        counts.push((name, client.query_one(&sql, &[]).await.expect("a number").get(0)));
    }
    counts
}
