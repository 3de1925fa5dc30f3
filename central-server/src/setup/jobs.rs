//! Prints a link for the first account, at the start and once a day, until there is one.

use std::time::Duration;

use super::{LIFETIME, store};
use crate::app::App;
use crate::passwords::{Token, hash_of};

/// How often it is looked whether the database can be asked, before the first link is out.
const AGAIN: Duration = Duration::from_secs(30);

/// Runs until there is an account.
pub async fn run(app: App) {
    loop {
        let pause = match issue(&app).await {
            Ok(None) => return,
            Ok(Some(link)) => {
                tracing::warn!(
                    "Aucun compte n'existe encore. Créez le premier, administrateur, à cette adresse, valable 24 h : {link}"
                );
                LIFETIME
            }
            Err(why) => {
                tracing::warn!(why, "whether there is an account could not be found out");
                AGAIN
            }
        };
        tokio::time::sleep(pause).await;
    }
}

/// A new link, if there is nobody yet. With several replicas each has one of its own; all of them are void once one is
/// used.
///
/// # Errors
/// No database, or no randomness.
pub async fn issue(app: &App) -> Result<Option<String>, String> {
    let token = Token::fresh().map_err(|error| error.to_string())?;
    let now = app.clock.now();
    let db = app.db().map_err(|error| error.sentence())?;
    let kept = db.run_as_system(store::issue(hash_of(&token), now.plus(LIFETIME), now)).await;
    let kept = kept.map_err(|error| error.to_string())?;
    Ok(kept.then(|| format!("{}/setup?token={}", app.config.dashboard_url(), token.expose())))
}
