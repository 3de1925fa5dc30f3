//! The only reader of the environment.
//!
//! Everything the server can be told is read and checked once, at the start, into a [`Config`]; nothing else in the
//! program looks at an environment variable. A start with a wrong environment ends in one message, [`Problems`], that
//! lists all of it, with the step of the production guide and never with a value. What is merely unwise is a warning.
//!
//! [`VARIABLES`] defines each variable. The files beside this one read them by topic; [`Config::read`] is the map.

mod data_dir;
mod database;
mod dotenv;
mod login;
mod logs;
mod notify;
mod placeholder;
mod problem;
mod reader;
mod secret;
mod services;
mod storage;
mod tls;
mod url;
mod variables;
mod web;
mod words;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

pub use database::{Database, DatabaseUrl, Tls};
pub use logs::{Logtail, Metrics};
pub use notify::{Mail, Sender, Slack};
pub use problem::{Gravity, Note, Notes, Problem, Problems};
pub use secret::Secret;
pub use services::{Redis, Supabase};
pub use storage::{Place, S3, Storage};
pub use variables::{VARIABLES, Variable, help};

use reader::{Reader, Refused, Surroundings};

/// How strict the rules are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// `NODE_ENV` unset or `development`: nothing has to be set.
    Development,
    /// `NODE_ENV=production`: everything of the guide's step 6.4 is needed, and encrypted towards public hosts.
    Production,
}

/// All that the server is told by its environment.
#[derive(Debug, Clone)]
pub struct Config {
    /// `NODE_ENV`.
    pub mode: Mode,
    /// `PORT`, on all interfaces.
    pub port: u16,
    /// `NEOPRO_DATA_DIR`, absolute; not yet created.
    pub data_dir: PathBuf,
    /// `XDG_RUNTIME_DIR`: where the embedded database's socket goes when we are not root.
    pub runtime_dir: Option<PathBuf>,
    /// `DATABASE_URL` and `DATABASE_SSL…`.
    pub database: Database,
    /// `DATABASE_POOL_SIZE`, 1 to 100 connections for each replica.
    pub database_pool_size: usize,
    /// `SUPABASE_URL` and `SUPABASE_SERVICE_KEY`. None only in development, or with files on our own disk.
    pub supabase: Option<Supabase>,
    /// The bucket of a storage that speaks S3, if it is configured: `S3_…`.
    pub s3: Option<S3>,
    /// `STORAGE` and `STORAGE_…`.
    pub storage: Storage,
    /// `REDIS_URL` and `REDIS_SSL_CA_FILE`. None only in development.
    pub redis: Option<Redis>,
    /// `JWT_SECRET`, at least 32 characters, whose text is the key. None only in development: the caller then makes
    /// one and keeps it in `data_dir`.
    pub jwt_secret: Option<Secret>,
    /// `JWT_EXPIRES_IN`, one second to 90 days: the life of a session and of its cookie.
    pub jwt_expires_in: Duration,
    /// `MFA_ISSUER`, without a colon.
    pub mfa_issuer: String,
    /// `MFA_ENCRYPTION_KEY`, at least 32 characters, whose text is the key material. None only in development: the
    /// caller then makes one and keeps it in `data_dir`.
    pub mfa_encryption_key: Option<Secret>,
    /// `MFA_ENCRYPTION_KEY_PREVIOUS`: the value before, which still opens what it has sealed.
    pub mfa_encryption_key_previous: Option<Secret>,
    /// `ALLOWED_ORIGINS` as browsers write them: `https://host[:port]`, lower case. Empty: no foreign origin.
    pub allowed_origins: Vec<String>,
    /// This server's public address, `https://host[:port]`: `PUBLIC_URL`, else `RENDER_EXTERNAL_URL`.
    pub public_url: Option<String>,
    /// The dashboard's address for links in mail, without a slash at the end: `FRONTEND_URL`, else `DASHBOARD_URL`,
    /// else the first allowed origin.
    pub frontend_url: Option<String>,
    /// `TRUSTED_PROXY_HOPS`, 0 to 10: how many entries at the end of `X-Forwarded-For` are our own proxies'.
    pub trusted_proxy_hops: usize,
    /// Whether limits of calls are kept: `NEOPRO_RATE_LIMITS` is not `off`.
    pub rate_limits: bool,
    /// `VIDEO_MAX_MB`: the largest file of the library, in bytes.
    pub video_max_bytes: u64,
    /// `AUDIT_KEEP_MONTHS`, 24 to 1200: for how long the journal is kept. None: for ever.
    pub audit_keep_months: Option<usize>,
    /// `SENDGRID_API_KEY` or `SMTP_…`, with `EMAIL_FROM`. None: mail is off.
    pub mail: Option<Mail>,
    /// `SLACK_WEBHOOK_URL`, unless `SLACK_ALERTS_ENABLED=false`.
    pub slack: Option<Slack>,
    /// `LOGTAIL_TOKEN`.
    pub logtail: Option<Logtail>,
    /// `METRICS_ENABLED` and `METRICS_TOKEN`.
    pub metrics: Metrics,
    /// `SSL_CERT_FILE`: further certificate authorities for what goes out over https, PEM.
    pub authorities: Option<String>,
    /// `LOG_LEVEL`: levels and `target=level`, separated by commas, as `tracing`'s filters read them.
    pub log_level: String,
    /// What there was to say of the environment.
    pub notes: Notes,
}

/// What commands need that only touch the database (`migrate`, `create-admin`, `grant-role`), so that they run in a
/// shell without the other variables.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// `NODE_ENV`.
    pub mode: Mode,
    /// `NEOPRO_DATA_DIR`, absolute; not yet created.
    pub data_dir: PathBuf,
    /// `XDG_RUNTIME_DIR`: where the embedded database's socket goes when we are not root.
    pub runtime_dir: Option<PathBuf>,
    /// `DATABASE_URL` and `DATABASE_SSL…`.
    pub database: Database,
    /// `DATABASE_POOL_SIZE`, 1 to 100 connections.
    pub database_pool_size: usize,
}

/// A configuration, and the French sentences about it to print at the start. No sentence holds a secret.
#[derive(Debug, Clone)]
pub struct Loaded<C = Config> {
    /// Complete and checked.
    pub config: C,
    /// Each begins with the variable's name.
    pub warnings: Vec<String>,
}

impl Config {
    /// Reads the process's environment; in development also the file `.env` of the working directory, over which
    /// real variables win.
    pub fn load() -> Result<Loaded, Problems> {
        let (source, warnings) = environment();
        Ok(Self::read(source)?.preceded_by(warnings))
    }

    /// Reads the variables that `source` knows. Besides, only the certificate files named in them, the clock and the
    /// process's user are looked at.
    pub fn read(source: impl Fn(&str) -> Option<String>) -> Result<Loaded, Problems> {
        let surroundings = Surroundings::observe(&source);
        Self::read_in(&source, surroundings)
    }

    fn read_in(source: &dyn Fn(&str) -> Option<String>, surroundings: Surroundings) -> Result<Loaded, Problems> {
        let mut r = Reader::new(source, surroundings);
        let config = Self::read_all(&mut r);
        let notes = r.notes();
        let Loaded { config, warnings } = r.finish(config)?;
        Ok(Loaded { config: Self { notes, ..config }, warnings })
    }

    /// Everything is read before anything is judged: a start tells all of its problems at once.
    fn read_all(r: &mut Reader) -> Result<Self, Refused> {
        let mode = r.mode();
        let port = web::port(r);
        let database = database::read(r);
        let database_pool_size = database::pool_size(r);
        let place = storage::chosen(r);
        let supabase = services::supabase(r, matches!(place, Ok(Some(Place::Local | Place::S3))));
        if let (Ok(Some(supabase)), Ok(database)) = (&supabase, &database) {
            services::compare_projects(r, supabase, database);
        }
        let s3 = storage::s3(r);
        let storage = storage::read(r, place, &supabase, &s3);
        let redis = services::redis(r);
        let jwt_secret = login::jwt_secret(r);
        let jwt_expires_in = login::jwt_expires_in(r);
        let mfa_issuer = login::mfa_issuer(r);
        let mfa_encryption_key = login::mfa_encryption_key(r);
        let mfa_encryption_key_previous = login::mfa_encryption_key_previous(r, mfa_encryption_key.as_ref());
        if let (Ok(Some(jwt_secret)), Ok(Some(mfa_encryption_key))) = (&jwt_secret, &mfa_encryption_key) {
            login::refuse_equal(r, jwt_secret, mfa_encryption_key);
        }
        let allowed_origins = web::allowed_origins(r);
        let public_url = web::public_url(r);
        let frontend_url = web::frontend_url(r, allowed_origins.as_deref().unwrap_or_default());
        let trusted_proxy_hops = web::trusted_proxy_hops(r);
        let rate_limits = web::rate_limits(r);
        let data_dir = data_dir::read(r);
        let runtime_dir = data_dir::runtime_dir(r);
        let video_max_bytes = data_dir::video_max_bytes(r);
        let audit_keep_months = r.number("AUDIT_KEEP_MONTHS", 24..=1200);
        let mail = notify::mail(r);
        let slack = notify::slack(r);
        let logtail = logs::logtail(r);
        let metrics = logs::metrics(r);
        let authorities = tls::authorities(r);
        let log_level = logs::log_level(r);

        Ok(Self {
            mode,
            port: port?,
            data_dir: data_dir?,
            runtime_dir,
            database: database?,
            database_pool_size: database_pool_size?,
            supabase: supabase?,
            s3: s3?,
            storage: storage?,
            redis: redis?,
            jwt_secret: jwt_secret?,
            jwt_expires_in: jwt_expires_in?,
            mfa_issuer: mfa_issuer?,
            mfa_encryption_key: mfa_encryption_key?,
            mfa_encryption_key_previous: mfa_encryption_key_previous?,
            allowed_origins: allowed_origins?,
            public_url: public_url?,
            frontend_url: frontend_url?,
            trusted_proxy_hops: trusted_proxy_hops?,
            rate_limits: rate_limits?,
            video_max_bytes: video_max_bytes?,
            audit_keep_months: audit_keep_months?,
            mail: mail?,
            slack: slack?,
            logtail: logtail?,
            metrics: metrics?,
            authorities: authorities?,
            log_level: log_level?,
            notes: Notes::default(),
        })
    }
}

impl Config {
    /// For `doctor`: what of the environment can be understood, whatever is wrong with the rest. A variable that is refused
    /// counts as unset; [`Notes::refuse`] names it.
    #[must_use]
    pub fn examined() -> Self {
        Self::examine(environment().0)
    }

    /// Like [`Self::examined`], of the variables that `source` knows.
    #[must_use]
    pub fn examine(source: impl Fn(&str) -> Option<String>) -> Self {
        let surroundings = Surroundings::observe(&source);
        let mut r = Reader::new(&source, surroundings);
        let whole = Self::read_all(&mut r);
        let (mode, notes) = (r.mode(), r.notes());
        let refused = notes.0.iter().filter(|note| note.gravity == Gravity::Problem).map(|note| note.problem.variable);
        let refused: BTreeSet<&'static str> = refused.collect();
        match whole {
            Ok(config) if refused.is_empty() => Self { notes, ..config },
            _ => Self { mode, notes, ..Self::without(&source, surroundings, refused) },
        }
    }

    /// What is left when these variables are taken away: in development nothing has to be there.
    fn without(
        source: &dyn Fn(&str) -> Option<String>,
        surroundings: Surroundings,
        mut refused: BTreeSet<&'static str>,
    ) -> Self {
        loop {
            let rest = |name: &str| source(name).filter(|_| name != "NODE_ENV" && !refused.contains(name));
            let mut r = Reader::new(&rest, surroundings);
            let config = Self::read_all(&mut r);
            let notes = r.notes();
            let before = refused.len();
            let more = notes.0.iter().filter(|note| note.gravity == Gravity::Problem).map(|note| note.problem.variable);
            match config {
                Ok(config) if more.clone().next().is_none() => return config,
                _ => refused.extend(more),
            }
            assert!(refused.len() > before, "a variable that is unset is refused in development");
        }
    }
}

impl DatabaseConfig {
    /// `MFA_ENCRYPTION_KEY` by itself, for the one command of the database that may have to seal something.
    pub fn load_sealing_key() -> Result<Option<Secret>, Problems> {
        let (source, _) = environment();
        let surroundings = Surroundings::observe(&source);
        let mut r = Reader::new(&source, surroundings);
        r.mode();
        let key = login::mfa_encryption_key(&mut r);
        r.finish(key).map(|loaded| loaded.config)
    }

    /// Like [`Config::load`], for the database's variables only.
    pub fn load() -> Result<Loaded<Self>, Problems> {
        let (source, warnings) = environment();
        Ok(Self::read(source)?.preceded_by(warnings))
    }

    /// Like [`Config::read`], for the database's variables only.
    pub fn read(source: impl Fn(&str) -> Option<String>) -> Result<Loaded<Self>, Problems> {
        let surroundings = Surroundings::observe(&source);
        let mut r = Reader::new(&source, surroundings);
        let mode = r.mode();
        let database = database::read(&mut r);
        let database_pool_size = database::pool_size(&mut r);
        let data_dir = data_dir::read(&mut r);
        let runtime_dir = data_dir::runtime_dir(&r);
        let config = || {
            Ok(Self {
                mode,
                data_dir: data_dir?,
                runtime_dir,
                database: database?,
                database_pool_size: database_pool_size?,
            })
        };
        r.finish(config())
    }
}

impl Config {
    /// Whether production's rules hold.
    #[must_use]
    pub fn is_production(&self) -> bool {
        self.mode == Mode::Production
    }

    /// Whether the database is reached by TLS without a certificate to verify it by.
    #[must_use]
    pub fn database_is_unverified(&self) -> bool {
        matches!(&self.database, Database::Url(DatabaseUrl { tls: Tls::Unverified, .. }))
    }

    /// This server's address for links to it: the public one, else that of this machine. Never what a request's `Host`
    /// says, which anybody can write.
    #[must_use]
    pub fn own_url(&self) -> String {
        self.public_url.clone().unwrap_or_else(|| format!("http://localhost:{}", self.port))
    }

    /// The dashboard's address for links to it, without a slash at the end (G-148); its own is that of this server.
    #[must_use]
    pub fn dashboard_url(&self) -> String {
        self.frontend_url.clone().unwrap_or_else(|| self.own_url())
    }

    /// `NODE_ENV`, in its own words.
    #[must_use]
    pub fn environment(&self) -> &'static str {
        if self.is_production() { "production" } else { "development" }
    }
}

/// Whether traffic to this host stays on the machine or in a private network.
#[must_use]
pub fn is_private_host(host: &str) -> bool {
    url::is_private(&host.to_ascii_lowercase())
}

/// Whether the locale (`LC_ALL`, else `LC_MESSAGES`, else `LANG`) says English. Otherwise we speak French.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this folder is the one reader of the environment")]
pub fn speaks_english() -> bool {
    ["LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|locale| !locale.is_empty())
        .is_some_and(|locale| locale.starts_with("en"))
}

impl<C> Loaded<C> {
    fn preceded_by(self, mut warnings: Vec<String>) -> Self {
        warnings.extend(self.warnings);
        Self { warnings, ..self }
    }
}

impl Surroundings {
    fn observe(source: &dyn Fn(&str) -> Option<String>) -> Self {
        Self { now: SystemTime::UNIX_EPOCH + since_1970(), root: data_dir::running_as_root(source) }
    }
}

/// The machine's time, from its only reader.
fn since_1970() -> Duration {
    Duration::from_micros(u64::try_from(crate::clock::Clock::System.now().unix_micros()).unwrap_or_default())
}

/// The process's environment, and in development the variables of `.env` that it lacks; with warnings about the file.
#[expect(clippy::disallowed_methods, reason = "this folder is the one reader of the environment")]
fn environment() -> (impl Fn(&str) -> Option<String>, Vec<String>) {
    // Text that is not UTF-8 is kept, recognisably damaged: reading the variable then names it.
    let real = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
    let developing = real("NODE_ENV").is_none_or(|mode| matches!(mode.trim(), "" | "development"));
    let mut file = if developing { dotenv::File::here() } else { dotenv::File::default() };
    // The file is for development, so it cannot be what ends it.
    if file.values.remove("NODE_ENV").is_some_and(|mode| mode != "development") {
        file.warnings.push(
            "NODE_ENV : ignorée dans .env, qui ne sert qu'en développement ; la définir dans \
                            l'environnement (étape 6.4)"
                .to_owned(),
        );
    }
    (move |name: &str| real(name).or_else(|| file.values.get(name).cloned()), file.warnings)
}
