//! The whole of it, from the first lock to the commit.

use tokio_postgres::Client;

use super::report::Report;
use super::secrets::{self, Keys};
use super::{Done, Wish, store};
use crate::db::migrations::{self, MigrateError};

/// The version of the schema into which old rows are copied. What came later upgrades them as it does everybody's, so
/// that the copy never has to change.
const COPIED_AT: i32 = 19;

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
            store::begin(client).await?;
            let migrated = migrations::migrate(client).await;
            store::end(client, false).await?;
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
            if store::end(client, false).await.is_err() {
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
    store::begin_takeover(client).await?;
    if !store::is_neopro_1(client).await? {
        store::end(client, false).await?;
        return Ok(None);
    }
    store::name_ours(client, &migrations::names()).await?;
    store::move_aside(client).await?;
    store::run(client, &migrations::script_until(COPIED_AT)).await?;
    store::copy_over(client, secrets::NAMES).await?;
    secrets::seal(client, keys).await?;
    let version = migrations::migrate(client).await?;
    let report = Report { lines: store::report(client).await?, bytes: store::kept_bytes(client).await? };
    store::end_takeover(client, wish == Wish::Keep).await?;
    Ok(Some(Done { version, report: Some(report) }))
}
