//! Refused logins, in the journal.

use serde_json::json;

use super::store;
use crate::app::App;
use crate::audit::{self, Action, Entry, login_mark};
use crate::error::{Error, Result};
use crate::http::Snapshot;
use crate::ids::UserId;

/// Notes that a login with this address was refused, and why: an address without an account, an account that may not act, or
/// another password.
pub async fn login(app: &App, address: &str, from: &Snapshot) {
    let looked = async {
        let account = app.db()?.run_as_system(store::find_account(address)).await?;
        Ok::<_, Error>(match account {
            None => (None, "unknown"),
            Some(account) if !account.may_act => (Some(account.id), "inactive"),
            Some(account) => (Some(account.id), "password"),
        })
    };
    match looked.await {
        Ok((user, reason)) => note(app, user, address, reason, from).await,
        Err(error) => tracing::error!(?error, "a refused login is not in the journal"),
    }
}

/// Notes a refusal. Whoever was refused is told so in any case: a journal that cannot be written is for the log.
pub async fn note(app: &App, user: Option<UserId>, address: &str, reason: &'static str, from: &Snapshot) {
    let (action, now) = (Action::UserLoginFailed, app.clock.now());
    let entry = match user {
        Some(user) => Entry::new(action, user, from, now).on("user", user).with(json!({ "reason": reason })),
        None => {
            let details = json!({ "reason": reason, "login_mark": login_mark(address) });
            Entry::system(action, Some(from), now).with(details)
        }
    };
    let written: Result<()> = async { Ok(app.db()?.run_as_system(audit::store::record(entry)).await?) }.await;
    if let Err(error) = written {
        tracing::error!(?error, "a refused login is not in the journal");
    }
}
