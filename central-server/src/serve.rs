//! Up and down: the port first, then the database, then requests; and the same backwards.

use std::convert::Infallible;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tower::ServiceExt as _;

use crate::app::App;
use crate::clock::Clock;
use crate::config::{Config, Database, Loaded};
use crate::db::embedded::{Embedded, Options};
use crate::db::migrations::{self, MigrateError};
use crate::db::{Error, Obstacle, PAUSE_AFTER_REFUSED_LOGIN, Target, connect_once};
use crate::health::{DatabaseState, checks};
use crate::http::Place;
use crate::language::Language;
use crate::logging::{Outbox, Shipping};
use crate::notify::https;
use crate::takeover::{self, Keys, Wish};
use crate::{
    alerts, audit, auth, commands, deployments, due, events, jobs, live, logging, prometheus, replicas, retention,
    setup, storage, videos,
};

/// How long requests that run at the end may take to finish. Platforms kill after 30 s.
const DRAIN: Duration = Duration::from_secs(8);
/// How long a client may take to send the head of a request, or be idle between two.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a new connection may be silent. Before its first byte the HTTP library does not count.
const FIRST_BYTE: Duration = Duration::from_secs(20);
/// After which the jobs begin that have something to look at.
const SETTLED_AFTER: Duration = Duration::from_secs(1);
/// The largest head that is read at all; what is above our own limits gets a sentence, above this a bare 431.
const HEAD_BYTES: usize = 256 * 1024;
/// Connections at the same time, below the 20,000 files that a process may open.
const CONNECTIONS: usize = 18_000;
/// Connections that the system keeps for us until they are accepted: a whole fleet returns at once.
const BACKLOG: u32 = 4096;

/// How a box begins, most of them. Such a connection is served by threads that do nothing else: a whole fleet that comes
/// back is seconds of work, behind which nobody's request is to wait.
const BOXES: &[u8; 15] = b"GET /socket.io/";

/// Runs the server until it is told to stop; `boxes` are the threads that serve the boxes.
///
/// # Errors
/// A sentence: what keeps it from starting, and what to do.
pub async fn serve(loaded: Loaded, boxes: Handle) -> Result<(), String> {
    let Loaded { config, warnings } = loaded;
    let shipping = logging::start(&config);
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    https::believe(config.authorities.as_deref());
    let logs = shipping.as_ref().map(Shipping::outbox);
    let (end, ended) = watch::channel(false);
    let shipping = shipping.map(|shipping| tokio::spawn(shipping.run(ended)));
    let served = serve_until_stopped(config, logs, boxes).await;
    // The last lines are those that tell how it ended.
    let _ = end.send(true);
    if let Some(shipping) = shipping {
        let _ = shipping.await;
    }
    served
}

async fn serve_until_stopped(config: Config, logs: Option<Outbox>, boxes: Handle) -> Result<(), String> {
    allow_many_files();
    let listener = listen(config.port)?;
    let secret = match &config.jwt_secret {
        Some(secret) => secret.expose().to_owned(),
        None => kept_secret(&config.data_dir, "jwt-secret")?,
    };
    let sealed_with = match &config.mfa_encryption_key {
        Some(key) => key.expose().to_owned(),
        None => kept_secret(&config.data_dir, "mfa-encryption-key")?,
    };
    let app = App::new(config, &secret, &sealed_with, Clock::System);
    if let Some(logs) = logs {
        app.set_logs(logs);
    }
    match app.storage.local().prepare() {
        Ok(0) => {}
        Ok(files) => tracing::info!(files, "removed what an earlier run had not finished receiving"),
        // Without it the fleet is served all the same; uploads are refused.
        Err(error) => tracing::error!(%error, "the folder for videos, `storage` in NEOPRO_DATA_DIR, is not usable"),
    }
    let (stop, stopping) = watch::channel(false);
    let http = tokio::spawn(accept(listener, app.router(), stopping, boxes.clone()));
    tracing::info!(port = app.config.port, version = crate::health::VERSION, "listening");

    tokio::spawn(storage::watch::run(app.clone()));
    tokio::spawn(replicas::ring(app.clone()));
    let mut database = tokio::spawn(bring_up(app.clone(), boxes, sealed_with));
    // One listener from here to the end: a word said between two of them would be heard by neither.
    let mut told_to_stop = std::pin::pin!(told_to_stop());
    let embedded = tokio::select! {
        up = &mut database => up.map_err(|error| error.to_string())??,
        () = &mut told_to_stop => {
            // What was half started goes down as its future is dropped.
            database.abort();
            let _ = database.await;
            return Ok(());
        }
    };
    told_to_stop.await;

    tracing::info!("stopping");
    app.health.set_database(DatabaseState::Stopping, Duration::ZERO);
    let _ = stop.send(true);
    // A stream has no end by itself that could be waited for, and neither has a box's connection.
    app.changes.close();
    let ends = futures_util::future::join3(http, live::let_go(&app), jobs::worker::stop(&app));
    if tokio::time::timeout(DRAIN, ends).await.is_err() {
        tracing::warn!("some requests had not ended in time");
    }
    replicas::leave(&app).await;
    if let Ok(db) = app.db() {
        db.close();
    }
    match embedded {
        Some(embedded) => embedded.stop().await.map_err(|error| error.to_string()),
        None => Ok(()),
    }
}

/// Reaches the database, brings its schema up to date, hands it to the application and keeps watching it.
///
/// An unreachable database is waited for; one that cannot be used ends the start.
async fn bring_up(app: App, boxes: Handle, sealed_with: String) -> Result<Option<Embedded>, String> {
    let (target, embedded) = match &app.config.database {
        Database::Url(url) => (Target::from_url(url).map_err(|said| said.french())?, None),
        Database::Embedded => {
            let options = Options {
                data_dir: &app.config.data_dir,
                runtime_dir: app.config.runtime_dir.as_deref(),
                settings: &[],
            };
            let embedded = Embedded::start(options).await.map_err(|error| error.to_string())?;
            (Target::plain(embedded.config()), Some(embedded))
        }
    };
    app.doctor.set_target(target.clone());
    let mut pause = Duration::from_secs(1);
    loop {
        let error = match reach(&app, &target, &sealed_with).await {
            Ok(version) => {
                if version > migrations::latest() {
                    tracing::info!(version, "the schema is newer than this server, which can work with it");
                }
                break;
            }
            Err(error @ (MigrateError::Refused(_) | MigrateError::NeoPro1)) => return Err(error.to_string()),
            Err(MigrateError::Connection(error)) => error,
        };
        app.health.set_database(DatabaseState::Down, Duration::ZERO);
        // A pooler counts refused logins: what nobody has mended is not tried often.
        let refused = Obstacle::of(&error).is_refused_login();
        let next = if refused { PAUSE_AFTER_REFUSED_LOGIN } else { pause };
        tracing::error!("{} Nouvel essai dans {} s.", unreachable(&target, &error), next.as_secs());
        tokio::time::sleep(next).await;
        pause = (pause * 2).min(Duration::from_secs(15));
    }
    let db = target.pool(app.config.database_pool_size).map_err(|error| error.to_string())?;
    let checks = target.pool(1).map_err(|error| error.to_string())?;
    app.set_db(db.clone());
    app.health.set_database(DatabaseState::Up, Duration::ZERO);
    // A connection of its own: behind busy requests it would see a full queue and call it a dead database.
    tokio::spawn(checks::watch_database(Arc::clone(&app.health), checks, db));
    tokio::spawn(replicas::keep_roll(app.clone()));
    boxes.spawn(live::run(app.clone()));
    tokio::spawn(deployments::jobs::run(app.clone()));
    tokio::spawn(events::jobs::run(app.clone()));
    tokio::spawn(audit::seals::jobs::run(app.clone()));
    tokio::spawn(begin_work(app.clone()));
    Ok(embedded)
}

/// Starts the jobs that have something to look at from the first moment. They wait until whoever woke the server is
/// served: each would open a connection of its own beside his.
async fn begin_work(app: App) {
    tokio::time::sleep(SETTLED_AFTER).await;
    tokio::spawn(due::jobs::run(app.clone()));
    tokio::spawn(commands::jobs::run(app.clone()));
    tokio::spawn(auth::second_factor::jobs::run(app.clone()));
    tokio::spawn(jobs::worker::run(app.clone()));
    tokio::spawn(retention::jobs::run(app.clone()));
    tokio::spawn(prometheus::watch::run(app.clone()));
    tokio::spawn(alerts::watch::run(app.clone()));
    tokio::spawn(videos::direct::jobs::run(app.clone()));
    tokio::spawn(setup::jobs::run(app));
}

/// One connection, first and alone: a pooler counts failed logins.
async fn reach(app: &App, target: &Target, sealed_with: &str) -> Result<i32, MigrateError> {
    let client = connect_once(target).await.map_err(MigrateError::Connection)?;
    app.health.set_database(DatabaseState::Migrating, Duration::ZERO);
    let done = takeover::bring_up_to_date(&client, Wish::Keep, &|| Ok(Keys::new(sealed_with))).await?;
    for line in done.report.iter().flat_map(takeover::Report::for_the_log) {
        tracing::info!("NeoPro 1: {line}");
    }
    Ok(done.version)
}

/// The troubleshooting entry of the guide that fits, without the password.
#[must_use]
pub fn unreachable(target: &Target, error: &Error) -> String {
    let what = Obstacle::of(error).words().text(Language::Fr);
    format!(
        "Erreur de connexion à la base de données ({target}). {what} Vérifiez le port 6543 (pooler), \
         ?pgbouncer=true et le mot de passe dans l'URL (étape 2.2 du guide). Détail : {error}"
    )
}

/// Lets this process open as many files as the system allows it to: every connection is one, and service managers
/// give 1,024 to those who do not ask.
fn allow_many_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    match setrlimit(Resource::Nofile, limit) {
        Ok(()) if limit.current.is_some_and(|files| files < CONNECTIONS as u64) => {
            tracing::warn!(files = limit.current, "this process may open fewer files than a large fleet needs");
        }
        Ok(()) => {}
        Err(error) => tracing::warn!(%error, "this process could not ask for more open files"),
    }
}

fn listen(port: u16) -> Result<TcpListener, String> {
    let bind = |address: SocketAddr| -> io::Result<TcpListener> {
        let socket = if address.is_ipv6() { TcpSocket::new_v6()? } else { TcpSocket::new_v4()? };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    // IPv6 sockets of Linux take IPv4 as well; where there is no IPv6, IPv4 alone.
    let v6 = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    let v4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    let listener = bind(v6).or_else(|error| match error.kind() {
        io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied => Err(error),
        _ => bind(v4),
    });
    listener.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "Le port {port} est déjà utilisé par un autre programme. Arrêtez-le ou changez la variable PORT."
        ),
        io::ErrorKind::PermissionDenied => {
            format!("Ce compte n'a pas le droit d'ouvrir le port {port}. Choisissez PORT au-dessus de 1023 (3001 dans le guide).")
        }
        _ => format!("Le port {port} (variable PORT) ne peut pas être ouvert : {error}."),
    })
}

async fn accept(listener: TcpListener, router: Router, mut stopping: watch::Receiver<bool>, boxes: Handle) {
    let graceful = GracefulShutdown::new();
    let mut http = auto::Builder::new(TokioExecutor::new()).http1_only();
    http.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(HEAD_BYTES).max_headers(256);
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let arrival = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, (stream, peer)) = tokio::select! {
            (place, accepted) = arrival => match accepted {
                Ok(accepted) => (place, accepted),
                Err(error) => {
                    // No file descriptor left, or a client that is gone already: neither ends the server.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                }
            },
            _ = stopping.changed() => break,
        };
        let _ = stream.set_nodelay(true);
        let router = router.clone();
        let Ok(place) = place.map(|place| Place(Arc::new(place))) else { break };
        let kept = place.clone();
        let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            request.extensions_mut().insert(kept.clone());
            let router = router.clone();
            async move {
                let response = router.oneshot(request.map(Body::new)).await;
                response.map_err(|never: Infallible| never)
            }
        });
        let (http, watcher, mut stopping) = (http.clone(), graceful.watcher(), stopping.clone());
        let serve = async move |stream| {
            let _place = place;
            let connection = http.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
            if let Err(error) = watcher.watch(connection).await {
                tracing::debug!(%error, "a connection ended early");
            }
        };
        let boxes = boxes.clone();
        tokio::spawn(async move {
            let mut first = [0u8; BOXES.len()];
            let known = tokio::select! {
                spoke = tokio::time::timeout(FIRST_BYTE, stream.peek(&mut first)) => match spoke {
                    Ok(Ok(1..)) => first == *BOXES,
                    _ => return,
                },
                _ = stopping.changed() => return,
            };
            if known {
                boxes.spawn(async move {
                    match stream.into_std().and_then(TcpStream::from_std) {
                        Ok(stream) => serve(stream).await,
                        Err(error) => tracing::warn!(%error, "a connection could not be handed over"),
                    }
                });
            } else {
                serve(stream).await;
            }
        });
    }
    drop(listener);
    graceful.shutdown().await;
    // Those that became WebSockets are not HTTP's any more: they have their last words to say.
    let _ = places.acquire_many(u32::try_from(CONNECTIONS).unwrap_or(u32::MAX)).await;
}

async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        return std::future::pending().await;
    };
    tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
}

/// A secret of this installation, made at the first start and kept in a file that only we can read.
/// Development only: production has its secrets in the environment.
pub(crate) fn kept_secret(data_dir: &Path, name: &str) -> Result<String, String> {
    let path = data_dir.join(name);
    let failed = |error: io::Error| format!("{} ne peut pas être lu ni écrit : {error}.", path.display());
    make_data_dir(data_dir).map_err(failed)?;
    if !path.exists() {
        // Written whole elsewhere and then given its name: a start that is killed leaves no half secret, and of
        // two starts at once the first one's secret stays.
        let mut bytes = [0u8; 48];
        getrandom::fill(&mut bytes).map_err(|error| error.to_string())?;
        let draft = data_dir.join(format!("{name}.{}", std::process::id()));
        let _ = fs::remove_file(&draft);
        let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).and_then(|mut file| {
            file.write_all(data_encoding::BASE64.encode(&bytes).as_bytes())?;
            file.sync_all()
        });
        let named = written.and_then(|()| fs::hard_link(&draft, &path));
        let _ = fs::remove_file(&draft);
        match named {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
            _ => {}
        }
    }
    let secret = fs::read_to_string(&path).map_err(failed)?;
    if secret.trim().len() < 32 {
        return Err(format!("{} n'est pas un secret : supprimez ce fichier et redémarrez.", path.display()));
    }
    Ok(secret)
}

/// Makes the data folder if it is not there: for root one that PostgreSQL's user can enter, else ours alone,
/// whatever the umask is.
fn make_data_dir(data_dir: &Path) -> io::Result<()> {
    if data_dir.exists() {
        return Ok(());
    }
    fs::create_dir_all(data_dir)?;
    let mode = if fs::metadata(data_dir)?.uid() == 0 { 0o711 } else { 0o700 };
    fs::set_permissions(data_dir, fs::Permissions::from_mode(mode))
}
