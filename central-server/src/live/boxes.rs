//! What boxes say: who they are, that they live, what they have.
//!
//! Boxes in the field end their program on `auth_error`, so that is sent only when the answer will never be
//! another: no such site, another key, nothing sent. Whenever we are the ones in trouble (no database, too many
//! at once) the transport is closed, and the box comes back by itself.

use std::str::FromStr as _;
use std::time::Instant;

use neopro_protocol::{Authenticate, Authenticated, CommandAck, PROTOCOL, RevisionAck};
use serde_json::{Value, json};

use super::allowance::Allowance;
use super::courier::Speaks;
use super::figures::Reading;
use super::guesses::{Turn, is_at_home};
use super::keys::Unanswered;
use super::large::{Beside, LARGE};
use super::packet;
use super::session::Handle;
use super::silent;
use super::store::{self, Introduction, StoredKey};
use super::v2::clean;
use super::{commands, v1, v2};
use crate::app::App;
use crate::auth::password::Match;
use crate::error::Error;
use crate::health::DatabaseState;
use crate::ids::SiteId;
use crate::sites::SiteKey;

/// What may be sent before `authenticate` is answered: old boxes flush what they had kept, first of all.
const EARLY_EVENTS: usize = 16;
/// And how much of it.
const EARLY_BYTES: usize = 64 * 1024;

/// How our own hashes of keys begin, which cost nothing to compare; those of NeoPro 1 are slow.
const FAST: &str = "sha256:";

/// One box's side of a session.
pub(super) struct Talk {
    app: App,
    handle: Handle,
    /// How much it may say.
    pub(super) allowance: Allowance,
    known: Option<Known>,
    early: Vec<Event>,
    early_bytes: usize,
}

/// A box that has proven who it is.
#[derive(Debug, Clone, Copy)]
struct Known {
    site: SiteId,
    /// It speaks protocol 2.
    is_new: bool,
    /// It has lost what it had noted, and its next report is the first one.
    is_fresh: bool,
}

/// Something that a box says.
struct Event {
    name: String,
    data: Value,
    ack: Option<u64>,
    is_large: bool,
}

/// The outcome of an `authenticate`.
enum Verdict {
    /// It is this site.
    Welcome(SiteId, Box<StoredKey>),
    /// It will never be.
    Refused(&'static str),
    /// Not now.
    Later,
}

impl Talk {
    pub(super) fn begin(app: App, handle: Handle) -> Self {
        app.live.silent.opened(&handle);
        let allowance = Allowance::of_stranger(tokio::time::Instant::now());
        let talk = Self { app, handle, allowance, known: None, early: Vec::new(), early_bytes: 0 };
        // Who comes behind all others were let go is let go as well.
        if talk.is_last() {
            talk.handle.close();
        }
        talk
    }

    /// Whether the server stops.
    pub(super) fn is_last(&self) -> bool {
        self.app.health.database().0 == DatabaseState::Stopping
    }

    /// The namespace is entered. What a dashboard says about itself here is for a later version.
    pub(super) async fn entered(&mut self, _auth: Option<Value>) -> bool {
        true
    }

    /// Where large packets are handled.
    pub(super) fn beside(&self) -> &Beside {
        &self.app.live.beside
    }

    /// What bounds what it may say, and when.
    pub(super) fn limits(&mut self) -> (&mut Allowance, &Beside) {
        (&mut self.allowance, &self.app.live.beside)
    }

    /// An event that came in so many bytes; `false` ends the session.
    pub(super) async fn event(
        &mut self,
        name: String,
        mut arguments: Vec<Value>,
        ack: Option<u64>,
        length: usize,
    ) -> bool {
        self.allowance.event(&name, length, tokio::time::Instant::now());
        self.app.measures.heard(&name);
        let data = if arguments.is_empty() { Value::Null } else { arguments.swap_remove(0) };
        let event = Event { name, data, ack, is_large: length > LARGE };
        match self.known {
            Some(known) => {
                self.hear(known, event).await;
                true
            }
            None if event.name == "authenticate" => self.authenticate(event.data).await,
            None => self.keep(event),
        }
    }

    /// The box has what was sent under this number; `false` ends the session. Desired states and commands are numbered.
    pub(super) async fn acknowledged(&mut self, _id: u64, mut arguments: Vec<Value>) -> bool {
        if let Some(Known { site, .. }) = self.known {
            self.app.live.hub.heard(site, self.app.clock.now());
            let ack = arguments.pop().unwrap_or_default();
            if let Some(command) = commands::named(&ack) {
                commands::received(&self.app, site, command);
            } else {
                let ack: RevisionAck = serde_json::from_value(ack).unwrap_or_default();
                self.app.live.seats.has_persisted(site, ack.revision);
            }
        }
        true
    }

    /// The session is over.
    pub(super) async fn over(self) {
        self.app.live.silent.settled(&self.handle);
        if let Some(Known { site, .. }) = self.known {
            self.app.live.debts.remember(site, &self.allowance, tokio::time::Instant::now());
            self.app.live.seats.leave(site, &self.handle);
            self.app.live.hub.left(site, &self.handle);
        }
    }

    /// An event of a box that we know. Events that we do not know yet are no mistake of the box.
    async fn hear(&mut self, known: Known, Event { name, data, ack, is_large }: Event) {
        let (app, site) = (&self.app, known.site);
        match name.as_str() {
            "heartbeat" => {
                let now = app.clock.now();
                app.live.hub.beat(site, &data, now);
                app.changes.note_beat(site, || Reading::of(&data["metrics"]).beat(site, now));
            }
            _ => app.live.hub.heard(site, app.clock.now()),
        }
        match name.as_str() {
            "deploy_progress" => v1::progress(app, site, &data),
            "sync_local_state" => v1::mirror(app, site, data, !known.is_new, is_large).await,
            "command_result" => {
                let taken = commands::result(app, site, data, known.is_new).await;
                if let (Some(command), Some(ack)) = (taken, ack) {
                    self.handle.acknowledge(ack, &json!(CommandAck { command_id: command.0 }));
                }
            }
            "reported" if known.is_new => {
                let taken = v2::report(app, site, &self.handle, &data, ack, known.is_fresh).await;
                self.known = Some(Known { is_fresh: known.is_fresh && !taken, ..known });
            }
            _ => {}
        }
    }

    /// An event that came before we know from whom.
    fn keep(&mut self, event: Event) -> bool {
        self.early_bytes += event.name.len() + event.data.to_string().len();
        if self.early.len() >= EARLY_EVENTS || self.early_bytes > EARLY_BYTES || self.handle.age() > silent::LONGEST {
            return false;
        }
        self.early.push(event);
        true
    }

    async fn authenticate(&mut self, claim: Value) -> bool {
        // It has spoken: how long the answer takes is no fault of the box.
        self.app.live.silent.settled(&self.handle);
        let began = Instant::now();
        // A field of another type is as good as none, and does not make the rest unreadable.
        let claim = serde_json::from_value(claim.clone()).unwrap_or_else(|_| Authenticate {
            site_id: claim["siteId"].as_str().unwrap_or_default().to_owned(),
            api_key: claim["apiKey"].as_str().unwrap_or_default().to_owned(),
            ..Authenticate::default()
        });
        match self.judge(&claim).await {
            Verdict::Welcome(site, stored) => {
                self.handle.trust();
                self.app.live.debts.recall(site, &mut self.allowance, tokio::time::Instant::now());
                self.welcome(site, &claim, *stored, began).await;
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

    /// `began` is from before its key was looked up.
    async fn welcome(&mut self, site: SiteId, claim: &Authenticate, stored: StoredKey, began: Instant) {
        let (app, now) = (self.app.clone(), self.app.clock.now());
        let is_new = claim.protocol.is_some_and(|protocol| protocol >= PROTOCOL);
        // Beyond what a program of JavaScript could count to, it is no revision.
        let has = claim.revision.filter(|revision| (0..1 << 52).contains(revision)).unwrap_or_default();
        let known = Known { site, is_new, is_fresh: is_new && has == 0 };
        self.known = Some(known);
        app.live.hub.arrived(site, self.handle.clone(), SiteKey::given(&claim.api_key).print(), now);
        if app.live.hub.was_dismissed_since(site, began) || self.is_last() {
            // While its key was compared the site got another one, or was deleted; or the others were let go.
            self.handle.close();
        }
        let speaks = match is_new {
            true => Speaks::Two { told: 0, at: Instant::now(), has },
            false => Speaks::One { from: Instant::now() + v1::MIRROR_PATIENCE },
        };
        self.introduce(site, claim, &stored).await;
        let answer = Authenticated {
            message: format!("Bienvenue, {}.", stored.site_name),
            site_id: site.to_string(),
            protocol: is_new.then_some(PROTOCOL),
            server_time: is_new.then(|| now.to_string()),
            media_origins: if is_new { vec![app.storage.origin()] } else { Vec::new() },
        };
        self.handle.emit("authenticated", &json!(answer));
        // Only now may anybody tell it something: boxes pass over what comes before they are known.
        app.live.seats.take(site, self.handle.clone(), speaks);
        for event in std::mem::take(&mut self.early) {
            // The first report of a fresh box may be among them.
            self.hear(self.known.unwrap_or(known), event).await;
        }
        if is_new && has > stored.desired_revision {
            self.catch_up(site, has).await;
        }
        // Whether it is behind, or asked for something, is looked at now: since its key was read somebody may have rung
        // in vain.
        app.live.bell.ring([site]);
    }

    /// A box has a state that we never had: our database is an older one. It ignores what is not newer than its own,
    /// so our next state has to be.
    async fn catch_up(&self, site: SiteId, has: i64) {
        let Ok(db) = self.app.db() else { return };
        match db.run_as_system(store::go_beyond(site, has)).await {
            Ok(()) => tracing::warn!(%site, revision = has, "a box is ahead of us: was the database restored?"),
            Err(error) => tracing::warn!(%site, %error, "a box is ahead of us, and cannot be caught up with now"),
        }
    }

    /// Writes down what a box says of itself, if that is news.
    async fn introduce(&self, site: SiteId, claim: &Authenticate, stored: &StoredKey) {
        let protocol = claim.protocol.unwrap_or(1);
        let introduction = Introduction {
            protocol: i16::try_from(protocol).unwrap_or(i16::MAX),
            agent_version: claim.agent_version.as_deref().map(|version| clean(version, 100)),
            device_key: claim.device_key.as_deref().map(|key| clean(key, 100)),
            capabilities: claim.capabilities.iter().take(50).map(|word| clean(word, 50)).collect(),
        };
        let before = Introduction {
            protocol: stored.protocol.unwrap_or_default(),
            agent_version: stored.agent_version.clone(),
            device_key: stored.device_key.clone(),
            capabilities: stored.capabilities.clone(),
        };
        if introduction == before {
            return;
        }
        if before.device_key.is_some() && introduction.device_key != before.device_key {
            tracing::warn!(%site, "another device uses this site's key: replaced, set up anew, or copied");
        }
        let Ok(db) = self.app.db() else { return };
        self.app.live.keys.introduce(&db, site, introduction, self.app.clock.now()).await;
    }

    async fn judge(&self, claim: &Authenticate) -> Verdict {
        if claim.site_id.is_empty() || claim.api_key.is_empty() {
            return self.wrong(None, "Identifiant de site ou clé manquants.");
        }
        let Ok(site) = SiteId::from_str(&claim.site_id) else { return self.wrong(None, "Ce site n'existe pas.") };
        let Ok(db) = self.app.db() else { return Verdict::Later };
        let stored = match self.app.live.keys.find(&db, site).await {
            Ok(Some(stored)) => stored,
            Ok(None) => return self.wrong(None, "Ce site n'existe pas."),
            Err(Unanswered) => return Verdict::Later,
        };
        // Kept until a wrong key is counted.
        let _turn = match stored.api_key.starts_with(FAST) {
            true => None,
            false => match self.turn(site, &stored).await {
                Some(turn) => Some(turn),
                None => return Verdict::Later,
            },
        };
        match self.is_right(site, &claim.api_key, &stored).await {
            Ok(true) => Verdict::Welcome(site, Box::new(stored)),
            Ok(false) => self.wrong(Some(site), "La clé de ce site n'est pas la bonne."),
            // Too many are compared now: not one line each.
            Err(Error::TooManyRequests(_)) => Verdict::Later,
            Err(error) => {
                tracing::warn!(?error, "a box could not be authenticated now");
                Verdict::Later
            }
        }
    }

    /// The verdict about a wrong key, or a site that is none: it is told, as long as these are few.
    fn wrong(&self, site: Option<SiteId>, message: &'static str) -> Verdict {
        let (app, address) = (&self.app, self.handle.address());
        let is_told =
            !app.config.rate_limits || app.live.guesses.may_be_told(address, site, tokio::time::Instant::now());
        if is_told { Verdict::Refused(message) } else { Verdict::Later }
    }

    /// Waits for its turn at a slow comparison; `None` if it is to have none now.
    async fn turn(&self, site: SiteId, stored: &StoredKey) -> Option<Turn> {
        let address = self.handle.address();
        let is_at_home = !self.app.config.rate_limits || is_at_home(stored.last_ip.as_deref(), address);
        self.app.live.guesses.turn(address, site, is_at_home).await
    }

    /// Whether this is the site's key. The slow hash of NeoPro 1 is replaced at the first success.
    async fn is_right(&self, site: SiteId, key: &str, stored: &StoredKey) -> Result<bool, Error> {
        let given = SiteKey::given(key);
        if stored.api_key.starts_with(FAST) {
            return Ok(given.matches(&stored.api_key));
        }
        let matched = self.app.box_keys.verify(key.to_owned(), Some(stored.api_key.clone())).await?;
        if matched == Match::No {
            return Ok(false);
        }
        let replaced = store::replace_old_key(site, stored.api_key.clone(), given.stored());
        match self.app.db()?.run_as_system(replaced).await {
            // A card that was copied to another site: its key is right here too, and stays as it is.
            Err(error) if error.is_taken("sites_api_key_key") => {
                tracing::warn!(%site, "another site has the same key: renew one of them");
                Ok(true)
            }
            replaced => Ok(replaced?),
        }
    }
}
