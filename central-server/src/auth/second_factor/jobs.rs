//! What a new `MFA_ENCRYPTION_KEY` asks for: what the key before has sealed is sealed anew, once, at the start.

use std::time::Duration;

use super::{place, store};
use crate::app::App;
use crate::db;

/// How long after a failure it is tried again.
const AGAIN: Duration = Duration::from_secs(60);

/// Runs until everything is sealed with the present key, or cannot be opened.
pub async fn run(app: App) {
    while let Err(error) = reseal(&app).await {
        tracing::warn!(%error, "the secrets of second factors could not be looked at yet");
        tokio::time::sleep(AGAIN).await;
    }
}

/// Seals with the present key what the key before has sealed. Tells how many there were of these, and of those that no
/// key opens.
///
/// # Errors
/// The database does not answer; what is done is done.
pub async fn reseal(app: &App) -> Result<(usize, usize), db::Error> {
    let db = app.db().map_err(|_| db::Error::Unavailable("it has not been reached yet".into()))?;
    let (mut after, mut renewed, mut lost) = (None, 0, 0);
    loop {
        let secrets = db.run_as_system(store::sealed_behind(after)).await?;
        let Some(last) = secrets.last() else { break };
        after = Some(last.id);
        for secret in secrets {
            let opened = app.factor_sealer.open(&place(secret.id), &secret.mfa_secret);
            if app.factor_sealer.is_current(&secret.mfa_secret) && opened.is_some() {
                continue;
            }
            match opened.and_then(|bytes| app.factor_sealer.seal(&place(secret.id), &bytes).ok()) {
                Some(sealed) => {
                    db.run_as_system(store::replace_sealed(secret.id, secret.mfa_secret, sealed)).await?;
                    renewed += 1;
                }
                None => lost += 1,
            }
        }
    }
    if renewed > 0 {
        tracing::info!(
            secrets = renewed,
            "second factors are sealed with the new key: MFA_ENCRYPTION_KEY_PREVIOUS can be removed"
        );
    }
    if lost > 0 {
        tracing::error!(
            secrets = lost,
            "second factors cannot be opened: put the key before into MFA_ENCRYPTION_KEY_PREVIOUS and start again"
        );
    }
    Ok((renewed, lost))
}
