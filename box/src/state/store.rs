//! The statements of the state.

use std::fs::OpenOptions;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use neopro_protocol::{Desired, Drift};
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{FILE, NotedDrift, Quarantined, Record, StateError, Wanted, commands};

/// The version of the schema: that below, and from the second version on commands.
const VERSION: i64 = 2;

const SCHEMA: &str = "
create table document (
  name text primary key,
  json text not null
) strict;
create table file (
  sha256 text primary key,
  state text not null,
  bytes integer not null,
  attempts integer not null,
  mismatches integer not null,
  attempt integer not null,
  reason text,
  detail text,
  etag text,
  verified integer not null
) strict;
create table drift (
  number integer primary key autoincrement,
  kind text not null,
  name text not null,
  unique (kind, name)
) strict;
create table quarantine (
  key text primary key,
  mark text not null,
  reason text not null
) strict;
";

const SITE: &str = "site";
const DESIRED: &str = "desired";
const ORIGINS: &str = "origins";
const SEQUENCE: &str = "sequence";
pub(super) const PLACE: &str = "place";
pub(super) const MIRRORED: &str = "mirrored";

/// How many differences are kept for the next report: a box that is offline for a season has no use for more.
const MOST_DRIFT: i64 = 100;

/// Opens the file of a folder. One that cannot be read, or is of a later version, is set aside.
pub(super) fn open_or_begin_anew(folder: &Path, set_aside: &mut Option<PathBuf>) -> Result<Connection, String> {
    std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    let path = folder.join(FILE);
    match open(&path) {
        Ok(connection) => return Ok(connection),
        Err(error) if is_unreadable(&error) => {}
        Err(error) => return Err(error.to_string()),
    }
    let aside = folder.join(format!("{FILE}.unreadable"));
    for suffix in ["", "-wal", "-shm"] {
        let with = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
        match std::fs::rename(with(&path), with(&aside)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.to_string()),
            _ => {}
        }
    }
    *set_aside = Some(aside);
    open(&path).map_err(|error| error.to_string())
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    // Signed addresses are in it. What SQLite puts beside it has the same rights.
    let private = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    if let Err(error) = private {
        tracing::debug!(%error, "SQLite will say what is wrong with the file");
    }
    let connection = Connection::open(path)?;
    // Nobody else has business here but a person with a tool, who must not stop the box.
    connection.busy_timeout(Duration::from_millis(500))?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    let sound: String = connection.query_row("pragma quick_check(1)", [], |row| row.get(0))?;
    if sound != "ok" {
        return Err(unreadable());
    }
    prepare(&connection)?;
    Ok(connection)
}

pub(super) fn open_in_memory() -> Result<Connection, StateError> {
    let connection = Connection::open_in_memory()?;
    prepare(&connection)?;
    Ok(connection)
}

/// Copies what the file of a folder says into another state, without writing to the file or beside it. What had not
/// reached the file itself from its journal is not seen.
pub(super) fn remember(folder: &Path, into: &mut Connection) -> Result<(), StateError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let path = percent_encode(folder.join(FILE).as_os_str().as_bytes(), NON_ALPHANUMERIC).to_string();
    let from = Connection::open_with_flags(format!("file:{path}?immutable=1"), flags)?;
    for name in [SITE, DESIRED, ORIGINS, SEQUENCE, PLACE, MIRRORED] {
        if let Some(value) = document::<serde_json::Value>(&from, name)? {
            keep_document(into, name, &value)?;
        }
    }
    for (sha256, record) in records(&from)? {
        keep_record(into, &sha256, &record)?;
    }
    for (key, quarantined) in quarantine(&from)? {
        set_quarantine(into, &key, Some(&quarantined))?;
    }
    commands::remember(&from, into)
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    // A power cut may take the last moments with it, except where `durably` says otherwise. A cache of 256 kB is
    // more than everything that is kept here.
    connection.execute_batch("pragma synchronous = normal; pragma cache_size = -256;")?;
    let version: i64 = connection.query_row("pragma user_version", [], |row| row.get(0))?;
    match version {
        VERSION => Ok(()),
        0 => learn(connection, &[SCHEMA, commands::SCHEMA]),
        1 => learn(connection, &[commands::SCHEMA]),
        _ => Err(unreadable()),
    }
}

/// Makes tables that a file does not have yet.
fn learn(connection: &Connection, tables: &[&str]) -> rusqlite::Result<()> {
    let tables = tables.concat();
    connection.execute_batch(&format!("begin immediate; {tables} pragma user_version = {VERSION}; commit;"))
}

fn unreadable() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT), None)
}

fn is_unreadable(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Closes the file; what is in its journal goes into it.
pub(super) fn close(connection: Connection) {
    if let Err((_, error)) = connection.close() {
        tracing::warn!(%error, "the state was not closed cleanly");
    }
}

/// Makes what follows reach the disk before it counts as done.
pub(super) fn durably<T>(
    connection: &mut Connection,
    write: impl FnOnce(&mut Connection) -> Result<T, StateError>,
) -> Result<T, StateError> {
    connection.execute_batch("pragma synchronous = full")?;
    let written = write(connection);
    connection.execute_batch("pragma synchronous = normal")?;
    written
}

/// Forgets what another site's server has said.
pub(super) fn belong_to(connection: &mut Connection, site: &str) -> Result<(), StateError> {
    let known: Option<String> = document(connection, SITE)?;
    if known.as_deref() == Some(site) {
        return Ok(());
    }
    durably(connection, |connection| {
        let transaction = connection.transaction()?;
        if known.is_some() {
            transaction.execute("delete from document where name in (?1, ?2, ?3)", [DESIRED, ORIGINS, MIRRORED])?;
            transaction.execute("delete from drift", [])?;
            transaction.execute("delete from command", [])?;
        }
        keep_document(&transaction, SITE, &site)?;
        Ok(transaction.commit()?)
    })
}

/// A document. One that cannot be understood counts as not kept, so that it can be kept anew: a later version wrote it,
/// or the card has changed it.
pub(super) fn document<T: DeserializeOwned>(connection: &Connection, name: &str) -> Result<Option<T>, StateError> {
    let json: Option<String> =
        connection.query_row("select json from document where name = ?1", [name], |row| row.get(0)).optional()?;
    Ok(json.and_then(|json| understood(name, serde_json::from_str(&json))))
}

pub(super) fn understood<T>(what: &str, read: serde_json::Result<T>) -> Option<T> {
    read.inspect_err(|error| tracing::error!(what, %error, "what the state holds cannot be understood")).ok()
}

pub(super) fn keep_document(connection: &Connection, name: &str, value: &impl Serialize) -> Result<(), StateError> {
    connection.execute(
        "insert into document (name, json) values (?1, ?2) on conflict (name) do update set json = excluded.json",
        params![name, serde_json::to_string(value)?],
    )?;
    Ok(())
}

pub(super) fn wanted(connection: &Connection) -> Result<Wanted, StateError> {
    Ok(Wanted {
        desired: document(connection, DESIRED)?.unwrap_or_default(),
        origins: document(connection, ORIGINS)?.unwrap_or_default(),
    })
}

pub(super) fn keep_desired(connection: &mut Connection, desired: &Desired) -> Result<i64, StateError> {
    let kept: Desired = document(connection, DESIRED)?.unwrap_or_default();
    if desired.revision <= kept.revision {
        return Ok(kept.revision);
    }
    durably(connection, |connection| keep_document(connection, DESIRED, desired))?;
    Ok(desired.revision)
}

pub(super) fn keep_origins(connection: &mut Connection, origins: &[String]) -> Result<(), StateError> {
    durably(connection, |connection| keep_document(connection, ORIGINS, &origins))
}

pub(super) fn next_sequence(connection: &Connection, least: i64) -> Result<i64, StateError> {
    let last: i64 = document(connection, SEQUENCE)?.unwrap_or_default();
    let next = least.max(last.saturating_add(1));
    keep_document(connection, SEQUENCE, &next)?;
    Ok(next)
}

/// A word of the protocol, as it is on the wire.
fn word<T: Serialize>(value: &T) -> Result<String, StateError> {
    match serde_json::to_value(value)? {
        serde_json::Value::String(word) => Ok(word),
        other => Ok(other.to_string()),
    }
}

fn from_word<T: DeserializeOwned>(word: String) -> serde_json::Result<T> {
    serde_json::from_value(serde_json::Value::String(word))
}

pub(super) fn records(connection: &Connection) -> Result<Vec<(String, Record)>, StateError> {
    let mut statement = connection.prepare(
        "select sha256, state, bytes, attempts, mismatches, attempt, reason, detail, etag, verified from file",
    )?;
    let mut rows = statement.query([])?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        let sha256: String = row.get(0)?;
        let reason: Option<String> = row.get(6)?;
        // Without its record a file counts as not known, and is known again by its hash.
        let Some(state) = understood(&sha256, from_word(row.get(1)?)) else { continue };
        let record = Record {
            state,
            bytes: u64::try_from(row.get::<_, i64>(2)?).unwrap_or_default(),
            attempts: row.get(3)?,
            mismatches: row.get(4)?,
            attempt: row.get(5)?,
            reason: reason.and_then(|reason| understood(&sha256, from_word(reason))),
            detail: row.get(7)?,
            etag: row.get(8)?,
            verified: row.get(9)?,
        };
        records.push((sha256, record));
    }
    Ok(records)
}

pub(super) fn keep_record(connection: &Connection, sha256: &str, record: &Record) -> Result<(), StateError> {
    connection.execute(
        "insert or replace into file
           (sha256, state, bytes, attempts, mismatches, attempt, reason, detail, etag, verified)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            sha256,
            word(&record.state)?,
            i64::try_from(record.bytes).unwrap_or(i64::MAX),
            record.attempts,
            record.mismatches,
            record.attempt,
            record.reason.as_ref().map(word).transpose()?,
            record.detail,
            record.etag,
            record.verified,
        ],
    )?;
    Ok(())
}

pub(super) fn forget_record(connection: &Connection, sha256: &str) -> Result<(), StateError> {
    connection.execute("delete from file where sha256 = ?1", [sha256])?;
    Ok(())
}

pub(super) fn note_drift(connection: &mut Connection, drift: &[Drift]) -> Result<(), StateError> {
    let transaction = connection.transaction()?;
    for Drift { kind, name } in drift {
        transaction.execute("insert or ignore into drift (kind, name) values (?1, ?2)", params![word(kind)?, name])?;
    }
    transaction.execute(
        "delete from drift where number not in (select number from drift order by number desc limit ?1)",
        [MOST_DRIFT],
    )?;
    Ok(transaction.commit()?)
}

pub(super) fn drift(connection: &Connection) -> Result<Vec<NotedDrift>, StateError> {
    let mut statement = connection.prepare("select number, kind, name from drift order by number")?;
    let mut rows = statement.query([])?;
    let mut drift = Vec::new();
    while let Some(row) = rows.next()? {
        let Some(kind) = understood("drift", from_word(row.get(1)?)) else { continue };
        drift.push(NotedDrift { number: row.get(0)?, drift: Drift { kind, name: row.get(2)? } });
    }
    Ok(drift)
}

pub(super) fn drift_reported(connection: &Connection, up_to: i64) -> Result<(), StateError> {
    connection.execute("delete from drift where number <= ?1", [up_to])?;
    Ok(())
}

pub(super) fn quarantine(connection: &Connection) -> Result<Vec<(String, Quarantined)>, StateError> {
    let mut statement = connection.prepare("select key, mark, reason from quarantine")?;
    let rows =
        statement.query_map([], |row| Ok((row.get(0)?, Quarantined { mark: row.get(1)?, reason: row.get(2)? })))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn set_quarantine(
    connection: &Connection,
    key: &str,
    quarantined: Option<&Quarantined>,
) -> Result<(), StateError> {
    match quarantined {
        Some(Quarantined { mark, reason }) => connection.execute(
            "insert or replace into quarantine (key, mark, reason) values (?1, ?2, ?3)",
            [key, mark, reason],
        )?,
        None => connection.execute("delete from quarantine where key = ?1", [key])?,
    };
    Ok(())
}
