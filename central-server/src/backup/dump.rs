//! Writes a backup: one moment of the database, in constant memory.

use std::io::Write;

use futures_util::TryStreamExt as _;
use tokio_postgres::Client;

use super::records::Writer;
use super::store::{self, Found};
use super::{End, Fault, Manifest};
use crate::db::Error;

/// How many files are listed in one record.
const OBJECTS: usize = 1_000;

/// What a backup has in it.
#[derive(Debug)]
pub(super) struct Dumped {
    pub manifest: Manifest,
    pub end: End,
}

/// Why there is none.
#[derive(Debug)]
pub(super) enum Failed {
    /// The database has nothing of ours, or what only NeoPro 1 understands.
    Foreign(Found),
    /// This table belongs to another role.
    NotOurs(String),
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

/// Writes everything into `out`. `key` is the name of the key that secrets are sealed with.
pub(super) async fn dump<W: Write>(
    client: &Client,
    out: W,
    passphrase: Option<&str>,
    key: Option<String>,
) -> Result<Dumped, Failed> {
    store::begin_to_look(client).await?;
    match store::look(client).await? {
        Found::Fresh | Found::Used => {}
        found => return Err(Failed::Foreign(found)),
    }
    let server = store::server(client).await?;
    let manifest = Manifest {
        program: env!("CARGO_PKG_VERSION").to_owned(),
        made_at: server.now.to_string(),
        postgresql: server.version,
        migrations: store::applied(client).await?,
        key,
        sequences: store::sequences(client).await?,
    };
    let tables = store::tables(client).await?.map_err(Failed::NotOurs)?;
    let mut writer = Writer::begin(out, passphrase, &manifest)?;
    for table in &tables {
        writer.table(table)?;
        let mut rows = store::rows_of(client, table).await?;
        while let Some(row) = rows.try_next().await? {
            writer.row(&row)?;
        }
        writer.end_table()?;
    }
    for objects in store::needed(client).await?.chunks(OBJECTS) {
        writer.objects(objects)?;
    }
    store::end(client, true).await?;
    let (end, _) = writer.finish()?;
    Ok(Dumped { manifest, end })
}
