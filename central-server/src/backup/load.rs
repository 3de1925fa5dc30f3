//! Reads a backup: into nothing, to verify it, or into a database.

use std::fs::File;
use std::io::{Read, Seek as _};

use serde_json::json;
use tokio_postgres::Client;

use super::records::{Reader, Record};
use super::store::{self, Found, Settled};
use super::{End, Fault, LEFT_OUT, Manifest, Needed, Table, envelope};
use crate::clock::Clock;
use crate::db::{Error, migrations};

/// What was read, to its last byte.
#[derive(Debug)]
pub(super) struct Verified {
    pub manifest: Manifest,
    pub end: End,
    /// The SHA-256 of the file, hex.
    pub sha256: String,
}

/// Reads a file whole, and holds everything that it says of itself against what it is. `each` sees every file of the
/// storage that the rows need.
pub(super) fn verify(file: &File, passphrase: Option<&str>, mut each: impl FnMut(&Needed)) -> Result<Verified, Fault> {
    let length = file.metadata()?.len();
    let mut file = file;
    file.rewind()?;
    let sha256 = envelope::check(file, length)?;
    file.rewind()?;
    let (mut reader, manifest) = Reader::open(file, passphrase)?;
    loop {
        match reader.next()? {
            Record::Objects(objects) => objects.iter().for_each(&mut each),
            Record::End(end) => return Ok(Verified { manifest, end, sha256 }),
            Record::Table(_) | Record::Rows(_) | Record::TableEnds(_) => {}
        }
    }
}

/// What a restore has done.
#[derive(Debug)]
pub(super) struct Restored {
    pub settled: Settled,
    /// The version of the schema afterwards.
    pub schema: i32,
}

/// Why nothing was restored. The database is as it was.
#[derive(Debug)]
pub(super) enum Failed {
    /// There is something in the database.
    Occupied,
    /// NeoPro 1 is in the database.
    NeoPro1,
    /// A later program has made the schema: this version of it is not known.
    Newer(i32),
    /// This migration is known by another text.
    Different(i32),
    /// The schema has no such table, or not these columns.
    NoPlace(Table),
    Migration(String),
    Database(Error),
    File(Fault),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Self {
        Self::File(fault)
    }
}

/// What may become of the database.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    /// What is there may go.
    pub replace: bool,
    /// Everything is done and then undone.
    pub rehearse: bool,
    /// Tokens of the API go on opening what they opened at the time of the backup.
    pub keep_tokens: bool,
}

/// Whether this program can make the schema of these rows.
pub(super) fn check_schema(manifest: &Manifest) -> Result<(), Failed> {
    for applied in &manifest.migrations {
        match migrations::checksum_of(applied.version) {
            None => return Err(Failed::Newer(applied.version)),
            Some(checksum) if checksum != applied.checksum => return Err(Failed::Different(applied.version)),
            Some(_) => {}
        }
    }
    Ok(())
}

/// Loads a verified file, in one transaction.
pub(super) async fn restore(
    client: &Client,
    mut file: &File,
    passphrase: Option<&str>,
    verified: &Verified,
    wish: Wish,
) -> Result<Restored, Failed> {
    store::begin_to_load(client).await?;
    let found = store::look(client).await?;
    match found {
        Found::NeoPro1 => return Err(Failed::NeoPro1),
        Found::Used if !wish.replace => return Err(Failed::Occupied),
        Found::Nothing => {}
        Found::Fresh | Found::Used => store::clear(client, &migrations::names()).await?,
    }
    let manifest = &verified.manifest;
    let is_in = |version| manifest.migrations.iter().any(|applied| applied.version == version);
    store::make(client, &migrations::script_of(is_in)).await?;
    store::open(client).await?;
    file.rewind().map_err(Fault::from)?;
    let (reader, again) = Reader::open(file, passphrase)?;
    let end = load(client, reader).await?;
    if again != *manifest || end != verified.end {
        return Err(Fault::Damaged("elle a changé pendant la restauration".into()).into());
    }
    for sequence in &manifest.sequences {
        store::count_on(client, sequence).await?;
    }
    store::close(client).await?;
    let schema = migrations::migrate(client).await.map_err(|error| Failed::Migration(error.to_string()))?;
    let now = Clock::System.now();
    let settled = store::settle(client, wish.keep_tokens, now).await?;
    let ended = if wish.keep_tokens { 0 } else { settled.tokens.len() };
    let details =
        json!({ "made_at": manifest.made_at, "sha256": verified.sha256, "rows": end.rows, "tokens_ended": ended });
    store::note(client, details, now).await?;
    store::end(client, !wish.rehearse).await?;
    Ok(Restored { settled, schema })
}

async fn load<R: Read>(client: &Client, mut reader: Reader<R>) -> Result<End, Failed> {
    let places = store::tables(client).await?.unwrap_or_default();
    let mut sink = None;
    loop {
        match reader.next()? {
            Record::Table(table) => {
                make_place(client, &table, &places).await?;
                sink = Some(Box::pin(store::load(client, &table).await?));
            }
            Record::Rows(rows) => {
                if let Some(sink) = &mut sink {
                    store::add(sink, rows).await?;
                }
            }
            Record::TableEnds(whole) => {
                let rows = match sink.take() {
                    Some(sink) => store::loaded(sink).await?,
                    None => 0,
                };
                if rows != whole.rows {
                    return Err(Fault::Damaged("une table n'a pas autant de lignes qu'elle le dit".into()).into());
                }
            }
            Record::Objects(_) => {}
            Record::End(end) => return Ok(end),
        }
    }
}

/// Whether a table has its place in the schema. Names of foreign files do not get into SQL but by this door: those of
/// our own tables are compared, those of NeoPro 1 must be plain.
async fn make_place(client: &Client, table: &Table, places: &[Table]) -> Result<(), Failed> {
    let refused = || Failed::NoPlace(table.clone());
    match table.schema.as_str() {
        "public" => {
            let place = places.iter().find(|place| place.schema == "public" && place.name == table.name);
            let place = place.filter(|place| !LEFT_OUT.contains(&place.name.as_str())).ok_or_else(refused)?;
            if table.columns.iter().all(|column| place.columns.contains(column)) { Ok(()) } else { Err(refused()) }
        }
        "neopro_1" => {
            let names = table.columns.iter().chain([&table.name]);
            let is_plain = table.columns.len() == table.types.len()
                && names.clone().all(|name| is_name(name))
                && table.types.iter().all(|kind| is_type(kind));
            if is_plain { Ok(store::make_old(client, table).await?) } else { Err(refused()) }
        }
        _ => Err(refused()),
    }
}

/// A plain name, or one in quotes that nothing breaks out of.
fn is_name(name: &str) -> bool {
    let is_plain = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    match name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
        Some(quoted) => !quoted.replace("\"\"", "").contains(['"', '\0']),
        None => is_plain(name),
    }
}

/// As PostgreSQL writes a type of its own: `numeric(10,2)`, `timestamp with time zone`, `text[]`, `"char"`.
fn is_type(kind: &str) -> bool {
    let is_known = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b" _()[],\"".contains(&b);
    !kind.is_empty() && kind.bytes().all(is_known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_of_a_foreign_file_breaks_out() {
        for name in ["users", "_a1", "\"order\"", "\"a\"\"b\"", "\"a b\""] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "a b", "a;drop", "\"a\"b\"", "\"", "a\"", "a--", "é", "\"a\"\"\"b\""] {
            assert!(!is_name(name), "{name}");
        }
        for kind in
            ["text", "numeric(10,2)", "timestamp with time zone", "text[]", "\"char\"", "character varying(255)"]
        {
            assert!(is_type(kind), "{kind}");
        }
        for kind in ["", "text; drop table x", "text default 'a'", "text--", "TEXT"] {
            assert!(!is_type(kind), "{kind}");
        }
    }
}
