//! The server's dependencies, and its map: every route and every layer is named here.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{any, get};
use tower_http::compression::CompressionLayer;
use tracing::Instrument as _;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;

use crate::auth::{LoginLimits, Passwords, Tokens, Tries};
use crate::clock::Clock;
use crate::config::{Config, Secret};
use crate::db::Db;
use crate::doctor::Doctor;
use crate::due::Due;
use crate::error::Error;
use crate::events::{Change, Changes};
use crate::health::Health;
use crate::http::Shared;
use crate::http::layers::{self, ForeignOrigins};
use crate::http::limits::{self, Limits};
use crate::http::openapi::{self, ApiDoc};
use crate::http::pages::{self, Pages};
use crate::ids::{DeploymentId, SessionId, SiteId};
use crate::jobs::Bell;
use crate::live::{self, Live};
use crate::logging::{Outbox, Tally};
use crate::notify::mail;
use crate::prometheus::{self, Measures};
use crate::replicas::Replicas;
use crate::sealing::Sealer;
use crate::storage::{self, Storage};
use crate::{
    agencies, alerts, audit, auth, commands, configurations, deployments, doctor, events, groups, health, metrics,
    passwords, retention, settings, setup, sites, usage, users, videos,
};

/// Everything that a handler may need. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App(Arc<Parts>);

/// What [`App`] gives access to.
#[derive(Debug)]
pub struct Parts {
    /// The configuration, checked.
    pub config: Config,
    /// The time.
    pub clock: Clock,
    /// Signs and reads session tokens.
    pub tokens: Tokens,
    /// Hashes and compares passwords.
    pub passwords: Passwords,
    /// Compares the slow hashes of old boxes' keys, apart from people's logins.
    pub box_keys: Passwords,
    /// This server among those on the same database.
    pub replicas: Replicas,
    /// What changes, for the open dashboards.
    pub changes: Changes,
    /// The live channel.
    pub live: Live,
    /// What `/api/sites/connection-status` says of every site, for those who ask at the same time.
    pub connections: Shared<Bytes>,
    /// Encrypts the secrets of clubs' configurations.
    pub sealer: Sealer,
    /// Encrypts the secrets of commands that have not ended.
    pub command_sealer: Sealer,
    /// Encrypts the secrets of second factors.
    pub factor_sealer: Sealer,
    /// Encrypts what jobs need to know.
    pub job_sealer: Sealer,
    /// Wakes those who do the jobs.
    pub jobs: Bell,
    /// Wakes those who wait for a time to come.
    pub due: Due,
    /// How mail leaves the server.
    pub mail: mail::Transport,
    /// Slows down those who guess handles of tabs and challenges.
    pub login_limits: LoginLimits,
    /// Slows down those who guess passwords, codes and links.
    pub tries: Tries,
    /// How much everybody has asked of late.
    pub limits: Limits,
    /// How the service is.
    pub health: Arc<Health>,
    /// What is counted of all this, for Prometheus.
    pub measures: Measures,
    /// The files of the library.
    pub storage: Storage,
    /// The dashboard.
    pub pages: Pages,
    /// Pages that were refused, each logged once.
    pub foreign_origins: ForeignOrigins,
    /// Looks at the whole installation.
    pub doctor: Doctor,
    /// Set once the database is reached and migrated.
    db: OnceLock<Db>,
    /// Set at the start, if the log is sent anywhere.
    logs: OnceLock<Outbox>,
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    /// An application without a database yet: it serves `/live` at once and says 503 where it needs more.
    #[must_use]
    pub fn new(config: Config, jwt_secret: &str, sealed_with: &str, clock: Clock) -> Self {
        Self::with_pages(config, jwt_secret, sealed_with, clock, None)
    }

    /// The same, with this dashboard in the place of the one that was built into the program.
    #[must_use]
    pub fn with_pages(config: Config, jwt_secret: &str, sealed_with: &str, clock: Clock, pages: Option<Pages>) -> Self {
        let tokens = Tokens::new(jwt_secret, config.jwt_expires_in);
        let storage = Storage::of(&config);
        let pages = pages.unwrap_or_else(|| Pages::built(&storage.origin()));
        let previous = config.mfa_encryption_key_previous.clone();
        let sealer = |purpose| Sealer::rotating(sealed_with, previous.as_ref().map(Secret::expose), purpose);
        let mail = mail::Transport::of(&config);
        let (health, measures) = (Arc::<Health>::default(), Measures::since(clock.now()));
        health.set_mail(mail.state());
        let replicas = Replicas::new(jwt_secret, sealed_with);
        if config.slack.is_some() {
            health.set_slack(health::SlackState::Ready);
        }
        if storage.remote().is_some() {
            health.set_storage(health::StorageState::Unseen, Duration::ZERO);
        }
        Self(Arc::new(Parts {
            config,
            clock,
            tokens,
            passwords: Passwords::default(),
            box_keys: Passwords::default(),
            changes: Changes::shared_with(replicas.outbox.clone()),
            replicas,
            live: Live::default(),
            connections: Shared::default(),
            sealer: sealer("mirror"),
            command_sealer: sealer("command"),
            factor_sealer: sealer("mfa"),
            job_sealer: sealer("job"),
            jobs: Bell::default(),
            due: Due::default(),
            mail,
            login_limits: LoginLimits::default(),
            tries: Tries::default(),
            limits: Limits::default(),
            health,
            measures,
            storage,
            pages,
            foreign_origins: ForeignOrigins::default(),
            doctor: Doctor::default(),
            db: OnceLock::new(),
            logs: OnceLock::new(),
        }))
    }

    /// The database.
    ///
    /// # Errors
    /// [`Error::Unavailable`] until it was reached for the first time.
    pub fn db(&self) -> Result<Db, Error> {
        self.db.get().cloned().ok_or_else(|| Error::Unavailable("the database has not been reached yet".into()))
    }

    /// Hands the database over, once.
    pub fn set_db(&self, db: Db) {
        let _ = self.db.set(db);
    }

    /// Where the lines wait that are sent to Logtail, once.
    pub fn set_logs(&self, logs: Outbox) {
        let _ = self.logs.set(logs);
    }

    /// What became of the lines of the log.
    #[must_use]
    pub fn logs(&self) -> Tally {
        self.logs.get().map_or(Tally::OFF, Outbox::tally)
    }

    /// An order has changed what these sites are to have: their boxes are told, and so are those who watch.
    pub fn has_ordered(&self, order: DeploymentId, sites: Vec<SiteId>) {
        self.changes.note(Change::Deployment(order));
        self.changes.note_sites(sites.iter().copied(), Change::Work);
        self.ring(sites);
    }

    /// The boxes of these sites are to be told something, whichever replica they are connected to.
    pub fn ring(&self, sites: Vec<SiteId>) {
        self.replicas.outbox.work(&sites);
        self.live.bell.ring(sites);
    }

    /// A site has another key, or is gone: its box's connection is closed, whichever replica has it.
    pub fn dismiss(&self, site: SiteId) {
        self.live.hub.dismiss(site);
        self.replicas.outbox.key(site);
    }

    /// Ends the streams of sessions that are over.
    pub fn have_ended(&self, sessions: impl IntoIterator<Item = SessionId>) {
        sessions.into_iter().for_each(|session| self.changes.end(session));
    }

    /// Runs an act to its end, also if its request is given up meanwhile: what has put something on the disk is to
    /// write it down, or to take it away again.
    ///
    /// # Errors
    /// Those of the act.
    pub async fn to_its_end<T: Send + 'static>(
        act: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        tokio::spawn(act.in_current_span()).await.unwrap_or_else(|error| Err(Error::Internal(error.to_string())))
    }

    /// Every route, and the description made from them.
    fn routes() -> OpenApiRouter<Self> {
        OpenApiRouter::with_openapi(ApiDoc::openapi())
            .merge(health::routes::routes())
            .merge(health::details::routes())
            .merge(prometheus::routes::routes())
            .merge(auth::routes::routes())
            .merge(auth::second_factor::challenge::routes())
            .merge(auth::second_factor::routes::routes())
            .merge(settings::routes::routes())
            .merge(retention::routes::routes())
            .merge(alerts::routes::routes())
            .merge(auth::own_notices::routes())
            .merge(auth::own_name::routes())
            .merge(auth::own_sessions::routes::routes())
            .merge(auth::api_tokens::routes::routes())
            .merge(passwords::routes::routes())
            .merge(setup::routes::routes())
            .merge(sites::routes::routes())
            .merge(metrics::routes::routes())
            .merge(groups::routes::routes())
            .merge(videos::routes::routes())
            .merge(videos::direct::routes::routes())
            .merge(usage::routes::routes())
            .merge(doctor::routes::routes())
            .merge(deployments::routes::routes())
            .merge(commands::routes::routes())
            .merge(events::routes::routes())
            .merge(configurations::routes::routes())
            .merge(limits::routes())
            .merge(audit::reading::routes::routes())
            .merge(users::routes::routes())
            .merge(agencies::routes::routes())
    }

    /// The description of the API.
    #[must_use]
    pub fn openapi() -> utoipa::openapi::OpenApi {
        Self::routes().into_openapi()
    }

    /// What is no part of the API's description: the live channel, which is described by its protocol.
    #[expect(clippy::disallowed_methods, reason = "not a route of the API")]
    fn beside_the_api(&self) -> Router {
        Router::new().route("/socket.io/", any(live::engine::handle)).with_state(self.clone())
    }

    /// The whole server, from the outermost layer to the handlers.
    pub fn router(&self) -> Router {
        let (api, description) = Self::routes().split_for_parts();
        api.fallback(pages::page_or_nothing)
            .with_state(self.clone())
            .merge(openapi::reader(description))
            .method_not_allowed_fallback(layers::no_method)
            .layer(from_fn(layers::deadline))
            .layer(from_fn_with_state(self.clone(), limits::limited))
            .merge(self.beside_the_api())
            .layer(from_fn_with_state(self.clone(), layers::same_origin))
            .layer(from_fn_with_state(self.clone(), layers::cors))
            .layer(from_fn(layers::modest_head))
            .layer(from_fn_with_state(self.clone(), layers::edge))
            .layer(CompressionLayer::new())
            .merge(self.objects())
    }

    /// What stands beside the API: bytes under addresses of Supabase's shape. They are anybody's who knows the name,
    /// so nobody's cookie, origin or session counts; they are compressed already, and may take long to arrive.
    #[expect(clippy::disallowed_methods, reason = "an object is no operation of the API and not in its description")]
    fn objects(&self) -> Router {
        Router::new()
            .route(storage::serve::PATH, get(storage::serve::object))
            .method_not_allowed_fallback(layers::no_method)
            .with_state(self.clone())
            .layer(from_fn_with_state(self.clone(), layers::edge))
    }
}
