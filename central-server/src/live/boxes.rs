//! What boxes say: who they are, and that they live.
//!
//! Boxes in the field end their program on `auth_error`, so that is sent only when the answer will never be
//! another: no such site, another key, nothing sent. Whenever we are the ones in trouble (no database, too many
//! at once) the transport is closed, and the box comes back by itself.

use std::str::FromStr as _;

use serde_json::{Value, json};

use super::packet;
use super::session::Handle;
use super::silent;
use super::store::{self, StoredKey};
use crate::app::App;
use crate::auth::password::Match;
use crate::error::Error;
use crate::ids::SiteId;
use crate::sites::SiteKey;

/// What may be sent before `authenticate` is answered: old boxes flush what they had kept, first of all.
const EARLY_EVENTS: usize = 16;
/// And how much of it.
const EARLY_BYTES: usize = 64 * 1024;

/// One box's side of a session.
pub(super) struct Talk {
    app: App,
    handle: Handle,
    site: Option<SiteId>,
    early: Vec<(String, Vec<Value>)>,
    early_bytes: usize,
}

/// The outcome of an `authenticate`.
enum Verdict {
    /// It is this site.
    Welcome(SiteId, String),
    /// It will never be.
    Refused(&'static str),
    /// Not now.
    Later,
}

impl Talk {
    pub(super) fn begin(app: App, handle: Handle) -> Self {
        app.live.silent.opened(&handle);
        Self { app, handle, site: None, early: Vec::new(), early_bytes: 0 }
    }

    /// The namespace is entered. What a dashboard says about itself here is for a later version.
    pub(super) async fn entered(&mut self, _auth: Option<Value>) -> bool {
        true
    }

    /// An event; `false` ends the session.
    pub(super) async fn event(&mut self, name: String, arguments: Vec<Value>, _ack: Option<u64>) -> bool {
        match self.site {
            Some(site) => {
                self.known(site, &name, arguments.first().unwrap_or(&Value::Null));
                true
            }
            None if name == "authenticate" => self.authenticate(arguments.first().unwrap_or(&Value::Null)).await,
            None => self.keep(name, arguments),
        }
    }

    /// The box has what was sent under this number; `false` ends the session.
    pub(super) async fn acknowledged(&mut self, _id: u64, _arguments: Vec<Value>) -> bool {
        if let Some(site) = self.site {
            self.app.live.hub.heard(site);
        }
        true
    }

    /// The session is over.
    pub(super) async fn over(self) {
        self.app.live.silent.settled(&self.handle);
        if let Some(site) = self.site {
            self.app.live.hub.left(site, &self.handle, self.app.clock.now());
        }
    }

    /// An event of a box that we know. Events that we do not know yet are no mistake of the box.
    fn known(&self, site: SiteId, name: &str, data: &Value) {
        match name {
            "heartbeat" => self.app.live.hub.beat(site, data, self.app.clock.now()),
            _ => self.app.live.hub.heard(site),
        }
    }

    /// An event that came before we know from whom.
    fn keep(&mut self, name: String, arguments: Vec<Value>) -> bool {
        self.early_bytes += name.len() + arguments.iter().map(|value| value.to_string().len()).sum::<usize>();
        if self.early.len() >= EARLY_EVENTS || self.early_bytes > EARLY_BYTES || self.handle.age() > silent::LONGEST {
            return false;
        }
        self.early.push((name, arguments));
        true
    }

    async fn authenticate(&mut self, claim: &Value) -> bool {
        match self.judge(claim).await {
            Verdict::Welcome(site, name) => {
                self.site = Some(site);
                self.app.live.silent.settled(&self.handle);
                self.app.live.hub.arrived(site, self.handle.clone(), self.app.clock.now());
                self.handle.emit("authenticated", &json!({ "message": format!("Bienvenue, {name}."), "siteId": site }));
                for (name, arguments) in std::mem::take(&mut self.early) {
                    self.known(site, &name, arguments.first().unwrap_or(&Value::Null));
                }
                true
            }
            Verdict::Refused(message) => {
                tracing::warn!(address = %self.handle.address(), message, "a box was refused");
                self.handle.emit("auth_error", &json!({ "message": message }));
                self.handle.send(packet::DISCONNECT.into());
                false
            }
            Verdict::Later => false,
        }
    }

    async fn judge(&self, claim: &Value) -> Verdict {
        let (Some(site), Some(key)) = (claim["siteId"].as_str(), claim["apiKey"].as_str()) else {
            return Verdict::Refused("Identifiant de site ou clé manquants.");
        };
        let Ok(site) = SiteId::from_str(site) else { return Verdict::Refused("Ce site n'existe pas.") };
        let Ok(db) = self.app.db() else { return Verdict::Later };
        let stored = match db.run_as_system(store::find_key(site)).await {
            Ok(Some(stored)) => stored,
            Ok(None) => return Verdict::Refused("Ce site n'existe pas."),
            Err(error) => {
                tracing::warn!(%error, "a box could not be authenticated now");
                return Verdict::Later;
            }
        };
        match self.is_right(site, key, &stored).await {
            Ok(true) => Verdict::Welcome(site, stored.site_name),
            Ok(false) => Verdict::Refused("La clé de ce site n'est pas la bonne."),
            Err(error) => {
                tracing::warn!(?error, "a box could not be authenticated now");
                Verdict::Later
            }
        }
    }

    /// Whether this is the site's key. The slow hash of NeoPro 1 is replaced at the first success.
    async fn is_right(&self, site: SiteId, key: &str, stored: &StoredKey) -> Result<bool, Error> {
        let given = SiteKey::given(key);
        if stored.api_key.starts_with("sha256:") {
            return Ok(given.matches(&stored.api_key));
        }
        let matched = self.app.box_keys.verify(key.to_owned(), Some(stored.api_key.clone())).await?;
        if matched == Match::No {
            return Ok(false);
        }
        let replaced = store::replace_old_key(site, stored.api_key.clone(), given.stored());
        self.app.db()?.run_as_system(replaced).await?;
        Ok(true)
    }
}
