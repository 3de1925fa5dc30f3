//! Taking over a database of NeoPro 1, in place (`docs/adr/0024-taking-over-neopro-1.md`).
//!
//! One transaction: the old tables move into the schema `neopro_1`, ours are made, rows are copied over, secrets are
//! sealed, and what could not be carried is told. Whoever is killed in between leaves the old database as it was; a rehearsal is the
//! same transaction, undone at its end.

mod report;
mod secrets;
mod store;

use tokio_postgres::Client;

use crate::db::migrations::{self, MigrateError};
use crate::sealing::Sealer;

pub use report::{Kind, Line, Report};

/// The version of the schema into which old rows are copied. What came later upgrades them as it does everybody's, so
/// that the copy never has to change.
const COPIED_AT: i32 = 19;

/// The old tables, and what is in the way of ours, into a schema of their own.
const ASIDE: &str = include_str!("aside.sql");
/// Their rows into our tables: people, places and the library; what sites are to have; what has happened.
const OVER: [&str; 3] = [include_str!("over.sql"), include_str!("orders.sql"), include_str!("history.sql")];

/// Before anything else. A stranger's limits would end a long copy. Old times were stored without a zone, by servers whose
/// zone was UTC. Replicas wait for each other as long as it takes; behind that, whoever still writes is waited for so long.
const BEGIN: &str = "begin; set local search_path = public; set local time zone 'UTC'; set local statement_timeout = 0; \
     set local idle_in_transaction_session_timeout = 0; set local client_min_messages = warning; \
     set local lock_timeout = 0; select pg_advisory_xact_lock(7041776033); set local lock_timeout = '10s'";

/// Whether what is done is to stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// It is.
    Keep,
    /// Everything is done, told and undone.
    Rehearse,
}

/// What was done.
#[derive(Debug)]
pub struct Done {
    /// The version of the schema.
    pub version: i32,
    /// What a takeover has to tell; `None` if there was nothing to take over.
    pub report: Option<Report>,
}

/// What secrets are sealed with.
#[derive(Debug)]
pub struct Keys {
    /// Second factors.
    factors: Sealer,
    /// Documents: configurations and commands.
    documents: Sealer,
}

impl Keys {
    /// The keys under the `MFA_ENCRYPTION_KEY` of the server.
    #[must_use]
    pub fn new(secret: &str) -> Self {
        Self { factors: Sealer::new(secret, "mfa"), documents: Sealer::new(secret, "mirror") }
    }
}

/// Brings the schema up to date, after taking over what NeoPro 1 has left, if it has.
///
/// `keys` is asked only when there is something to seal.
///
/// # Errors
/// Those of [`migrations::migrate`], and the sentence of `keys`; nothing was changed.
pub async fn bring_up_to_date(
    client: &Client,
    wish: Wish,
    keys: &(dyn Fn() -> Result<Keys, String> + Sync),
) -> Result<Done, MigrateError> {
    let migrated = match wish {
        Wish::Keep => migrations::migrate(client).await,
        Wish::Rehearse => {
            run(client, "begin").await?;
            let migrated = migrations::migrate(client).await;
            run(client, "rollback").await?;
            migrated
        }
    };
    match migrated {
        Err(MigrateError::NeoPro1) => {}
        migrated => return migrated.map(|version| Done { version, report: None }),
    }
    match take_over(client, wish, keys).await {
        Ok(Some(done)) => Ok(done),
        // Another replica was faster, and has left nothing to take over.
        Ok(None) => migrations::migrate(client).await.map(|version| Done { version, report: None }),
        Err(error) => {
            // The connection may be gone, and the transaction with it.
            if run(client, "rollback").await.is_err() {
                tracing::debug!("the takeover ended with its connection");
            }
            Err(error)
        }
    }
}

async fn take_over(
    client: &Client,
    wish: Wish,
    keys: &(dyn Fn() -> Result<Keys, String> + Sync),
) -> Result<Option<Done>, MigrateError> {
    run(client, BEGIN).await?;
    if !store::is_neopro_1(client).await? {
        run(client, "rollback").await?;
        return Ok(None);
    }
    store::name_ours(client, &migrations::names()).await?;
    run(client, ASIDE).await?;
    run(client, &migrations::script_until(COPIED_AT)).await?;
    for script in OVER {
        run(client, &script.replace("@secrets@", secrets::NAMES)).await?;
    }
    secrets::seal(client, keys).await?;
    let version = migrations::migrate(client).await?;
    let report = Report { lines: store::report(client).await?, bytes: store::kept_bytes(client).await? };
    run(
        client,
        if wish == Wish::Keep { "drop function neopro_1.note(text, text, bigint, text[]); commit" } else { "rollback" },
    )
    .await?;
    Ok(Some(Done { version, report: Some(report) }))
}

async fn run(client: &Client, sql: &str) -> Result<(), MigrateError> {
    client.batch_execute(sql).await.map_err(|error| MigrateError::of(&error))
}
