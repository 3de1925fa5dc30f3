//! The roll: this replica says in a row that it is there, and sees who else is.

use std::collections::BTreeSet;
use std::time::Duration;

use uuid::Uuid;

use super::store::{self, Other};
use super::{Prints, bell};
use crate::app::App;
use crate::db::{Db, Error};
use crate::health::VERSION;

/// How often. Who has not done so for 35 s (`neopro_is_there`) is gone.
const EVERY: Duration = Duration::from_secs(10);

/// Runs until the server stops.
pub async fn run(app: App) {
    let mut told = BTreeSet::new();
    loop {
        if let Err(error) = beat_now(&app, &mut told).await {
            tracing::warn!(%error, "the other replicas could not be looked at");
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = app.replicas.stirred.notified() => {}
        }
    }
}

/// Says that this replica is there, and looks who else is. `told`: those of which the log has said that they differ.
///
/// # Errors
/// The database does not answer. Whom we knew of is still believed to be there.
pub async fn beat_now(app: &App, told: &mut BTreeSet<Uuid>) -> Result<Vec<Other>, Error> {
    let db = app.db().map_err(|_| Error::Unavailable("it has not been reached yet".into()))?;
    let (id, prints) = (app.replicas.id(), app.replicas.prints());
    let ((), others) = db.run_as_system((store::be_there(id, VERSION, prints), store::others(id, prints))).await?;
    app.replicas.outbox.set_others(!others.is_empty());
    let before = app.replicas.set_known(others.clone()).len();
    if before != others.len() {
        tracing::info!(others = others.len(), "the number of replicas is another");
        if before == 0 {
            // They may have changed something before we knew that there is somebody to listen to; and they may not know
            // of us.
            app.replicas.greet();
            bell::catch_up(app);
        }
    }
    for other in others.iter().filter(|other| !(other.same_jwt && other.same_mfa)) {
        if told.insert(other.id) {
            tracing::error!("{}", difference(other));
        }
    }
    Ok(others)
}

/// What people have to know of a replica with other secrets.
fn difference(other: &Other) -> String {
    let names = match (other.same_jwt, other.same_mfa) {
        (false, false) => "JWT_SECRET et MFA_ENCRYPTION_KEY diffèrent",
        (false, true) => "JWT_SECRET diffère",
        _ => "MFA_ENCRYPTION_KEY diffère",
    };
    format!(
        "{names} entre ce serveur et le réplica {} (version {}) : les sessions et les secrets de l'un ne valent pas chez \
         l'autre. Donnez les mêmes valeurs à tous les réplicas (étape 6.4 du guide).",
        other.id, other.version
    )
}

/// The replicas that are there, held against these secrets: for a command that is none of them.
///
/// # Errors
/// The database does not answer.
pub async fn compare(db: &Db, prints: &Prints) -> Result<Vec<Other>, Error> {
    db.run_as_system(store::others(Uuid::nil(), prints)).await
}

/// Takes this replica off the roll.
pub async fn leave(app: &App) {
    let Ok(db) = app.db() else { return };
    if let Err(error) = db.run_as_system(store::leave(app.replicas.id())).await {
        tracing::debug!(%error, "this replica could not be taken off the roll: it counts as gone soon");
    }
}
