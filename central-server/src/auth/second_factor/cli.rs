//! `reset-mfa`: the way back for whoever has lost telephone and backup codes, when nobody can do it in the dashboard.

use std::net::{IpAddr, Ipv4Addr};

use clap::Args;
use serde_json::json;

use super::{noted, store};
use crate::audit::{self, Action, Entry};
use crate::auth::store::find_account;
use crate::clock::Clock;
use crate::db::{Db, Error};
use crate::http::Snapshot;

/// `reset-mfa`.
#[derive(Debug, Args)]
pub struct ResetMfa {
    /// Adresse e-mail du compte.
    #[arg(long)]
    email: String,
}

impl ResetMfa {
    /// Takes the second factor of the account away and ends its sessions.
    ///
    /// # Errors
    /// A sentence; nothing was changed then.
    pub async fn run(self, db: &Db, clock: &Clock) -> Result<(), String> {
        let account = db
            .run_as_system(find_account(self.email.trim()))
            .await
            .map_err(|error| error.to_string())?
            .ok_or_else(|| format!("Aucun compte n'a l'adresse « {} ».", self.email.escape_debug()))?;
        let (now, here) = (clock.now(), IpAddr::from(Ipv4Addr::LOCALHOST));
        let from = Snapshot { ip: here, user_agent: Some("neopro-central reset-mfa".into()) };
        let entry = Entry::new(Action::MfaReset, account.id, &from, now)
            .on("user", account.id)
            .change(noted(Some("before")), noted(None))
            .with(json!({ "by": "command line" }));
        let flush =
            (store::reset(account.id, now), store::end_sessions(account.id, None, now), audit::store::record(entry));
        match db.run_as_system(flush).await {
            Ok(_) => {
                say(&format!(
                    "La double authentification de {} est retirée et ses sessions sont terminées. Son mot de passe \
                     suffit pour se reconnecter.",
                    account.email
                ));
                Ok(())
            }
            Err(Error::Refused) => {
                say(&format!("{} n'a pas de double authentification : rien n'a été changé.", account.email));
                Ok(())
            }
            Err(error) => Err(error.to_string()),
        }
    }
}

#[expect(clippy::print_stdout, reason = "the answer of a command")]
fn say(sentence: &str) {
    println!("{sentence}");
}
