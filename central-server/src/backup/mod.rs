//! The whole database in one file, and back (docs/backup.md).
//!
//! What is written is not how the database is laid out but what is in it: the rows of every table at one moment, and
//! which migrations made the tables. A restore makes the same tables with the same migrations, loads the rows, and goes on
//! to the schema of the program that restores. One transaction each way: a backup never shows half of an act, and whoever
//! is killed in a restore leaves what was there.

pub mod cli;
mod dump;
mod envelope;
pub mod inventory;
mod load;
mod records;
mod store;

use serde::{Deserialize, Serialize};

/// The version of the format: of the envelope and of the records within.
pub const FORMAT: u32 = 1;

/// Tables whose rows are of no use in another life of the database: who is in just now, and links that are on their way.
/// Everybody logs in again, and what is secret of it is in no file. The record of migrations is made by the migrations.
pub const LEFT_OUT: [&str; 6] =
    ["schema_migrations", "sessions", "session_handles", "login_challenges", "password_links", "setup_links"];

/// What a restore adds to the revision of every site: more than could have been issued since the backup. A box that has
/// a later revision than the server has would never hear of what it is to have now.
pub const REVISIONS_SINCE: i64 = 1_000_000;

/// What a file says of itself before its tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the program that wrote it.
    pub program: String,
    /// The moment of which it shows the database, RFC 3339.
    pub made_at: String,
    /// The version of PostgreSQL that it comes from.
    pub postgresql: String,
    /// The migrations that made the tables, in their order.
    pub migrations: Vec<Applied>,
    /// The name of the key that secrets are sealed with (`MFA_ENCRYPTION_KEY`), which tells nothing of it; `None` if it
    /// was not known.
    pub key: Option<String>,
    /// How far the sequences have counted.
    pub sequences: Vec<Counted>,
}

impl Manifest {
    /// The version of the schema.
    #[must_use]
    pub fn schema(&self) -> i32 {
        self.migrations.iter().map(|applied| applied.version).max().unwrap_or_default()
    }
}

/// A migration, as a database has recorded it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// Its version.
    pub version: i32,
    /// The SHA-256 of its text.
    pub checksum: String,
}

/// A sequence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// Its name in `public`, quoted where SQL wants it.
    pub name: String,
    /// The number that it gave last.
    pub last: i64,
}

/// A table whose rows follow, as `COPY` in its text format writes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// `public`, or `neopro_1` for what a takeover has kept of NeoPro 1.
    pub schema: String,
    /// Its name, quoted where SQL wants it.
    pub name: String,
    /// Its columns, quoted likewise, in the order of the fields; without those that are computed.
    pub columns: Vec<String>,
    /// Their types. A table of NeoPro 1 is made anew from them.
    pub types: Vec<String>,
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

/// The end of a table: what has gone before, to be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whole {
    /// How many rows.
    pub rows: u64,
    /// How many bytes.
    pub bytes: u64,
    /// Their SHA-256, hex.
    pub sha256: String,
}

/// A file that the rows need in the storage. The file itself is not in the backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needed {
    /// `videos`.
    pub bucket: String,
    /// Its path there, or the whole address that a row of NeoPro 1 has.
    pub path: String,
    /// Its size in bytes, where the row knows it.
    pub bytes: Option<i64>,
    /// Its SHA-256, hex, where the row knows it.
    pub sha256: Option<String>,
}

/// The end of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// How many tables.
    pub tables: u64,
    /// How many rows in all.
    pub rows: u64,
    /// How many files the rows need in the storage.
    pub objects: u64,
    /// The SHA-256 of every record before this one, hex.
    pub sha256: String,
}

/// Why a file cannot be read. Each is a sentence for whoever restores.
#[derive(Debug)]
pub enum Fault {
    /// It is something else.
    NotOurs,
    /// A later program has written it.
    Newer(u32),
    /// It is not what was written: bytes are missing, or others.
    Damaged(String),
    /// It is encrypted, and no passphrase was given.
    Locked,
    /// The passphrase does not open it.
    Passphrase,
    /// It is not encrypted, and a passphrase was given.
    Open,
    /// The system refused.
    Io(std::io::Error),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotOurs => f.write_str("Ce fichier n'est pas une sauvegarde de NeoPro."),
            Self::Newer(format) => write!(
                f,
                "Cette sauvegarde est d'une version plus récente de NeoPro (format {format}) : restaurez-la avec cette \
                 version ou une plus récente."
            ),
            Self::Damaged(why) => write!(
                f,
                "Cette sauvegarde est abîmée ou coupée : {why}. Prenez-en une autre copie, ou celle d'avant."
            ),
            Self::Locked => f.write_str(
                "Cette sauvegarde est chiffrée : donnez sa phrase secrète avec --passphrase ou --passphrase-file.",
            ),
            Self::Passphrase => f.write_str(
                "La phrase secrète n'ouvre pas cette sauvegarde. Le fichier, lui, est entier : essayez une autre phrase.",
            ),
            Self::Open => f.write_str(
                "Cette sauvegarde n'est pas chiffrée, alors qu'une phrase secrète est donnée : est-ce bien le bon fichier ? \
                 Sans --passphrase, elle se lit.",
            ),
            Self::Io(error) => write!(f, "Le fichier ne peut pas être lu : {error}."),
        }
    }
}

impl std::error::Error for Fault {}

/// Readers hand their errors on as the system's: what was ours is taken out again.
impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::UnexpectedEof => Self::Damaged("la fin manque".into()),
            // What the decompression refuses.
            std::io::ErrorKind::InvalidInput | std::io::ErrorKind::InvalidData => Self::Damaged(error.to_string()),
            _ => match error.downcast::<Self>() {
                Ok(fault) => fault,
                Err(error) => Self::Io(error),
            },
        }
    }
}
