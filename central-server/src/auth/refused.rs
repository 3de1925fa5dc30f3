//! Refused logins, in the journal.

use serde_json::json;

use super::Try;
use super::store::{self, Account};
use crate::app::App;
use crate::audit::{self, Action, Entry, login_mark};
use crate::error::{Error, Result};
use crate::http::Snapshot;
use crate::ids::UserId;

/// Notes that a login with this address was refused, and why: an address without an account, an account that may not act, or
/// another password.
pub async fn login(app: &App, address: &str, from: &Snapshot) {
    app.measures.login("failure", false);
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

/// Notes that guesses are refused unread, once in a while for what is full.
pub async fn slowed(app: &App, guess: &Try, account: Option<&Account>, address: &str, from: &Snapshot) {
    app.measures.login("slowed", false);
    if guess.is_refused_anew(app.clock.now()) {
        note(app, account.map(|account| account.id), address, SLOWED, from).await;
    }
}

/// The same of codes behind a right password.
pub async fn slowed_at_code(app: &App, account: &Account, from: &Snapshot) {
    app.measures.login("slowed", true);
    if app.tries.is_news(&format!("codes of {}", account.id), app.clock.now()) {
        note(app, Some(account.id), &account.email, SLOWED, from).await;
    }
}

/// Too many guesses: for so long each is refused unread, the right one too.
const SLOWED: &str = "slowed";

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
