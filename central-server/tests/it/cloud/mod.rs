//! The services of the guide on this machine, under the guide's own names: PostgreSQL with TLS behind a pooler with TLS,
//! Redis with TLS and a password, a storage, the services that take messages, and the fronts of the hosting platform.
//!
//! Nothing in the program is told that they are here: a test that uses them runs in a network of its own
//! ([`network::alone`]), in which those names lead to this machine, and the program believes their authority by the variables
//! that it has for private ones.

pub mod authority;
pub mod door;
pub mod front;
pub mod network;
pub mod pooler;
pub mod postgres;
pub mod redis;
pub mod sinks;

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use authority::{Authority, Certificate};
use front::Front;
use pooler::Pooler;
use postgres::Postgres;
use redis::Redis;
use sinks::Sink;

use crate::mail::sendgrid::SendGrid;
use crate::pooler::own_folder;
use crate::support::Supabase;

/// The project's reference, as long as Supabase makes them.
pub const PROJECT: &str = "vzqkwmtrhonlbsjdeapc";
/// The server, as step 6.7 names it.
pub const SERVER: &str = "neopro-central-server.onrender.com";
/// The dashboard, as step 7.5 names it.
pub const DASHBOARD: &str = "neopro-dashboard.onrender.com";
/// The pooler of step 2.2.
pub const POOLER: &str = "aws-0-eu-west-1.pooler.supabase.com";
/// The Redis of step 4.3.
pub const REDIS: &str = "eu1-caring-owl-12345.upstash.io";

/// The direct host of step 2.1.
pub fn database() -> String {
    format!("db.{PROJECT}.supabase.co")
}

/// The project's address, step 2.3.
pub fn project() -> String {
    format!("{PROJECT}.supabase.co")
}

/// Every name that leads to this machine.
pub fn names() -> Vec<String> {
    let others = ["api.sendgrid.com", "hooks.slack.com", "in.logs.betterstack.com", SERVER, DASHBOARD, POOLER, REDIS];
    others.into_iter().map(str::to_owned).chain([database(), project()]).collect()
}

/// All of them at once.
pub struct Cloud {
    pub folder: PathBuf,
    pub authority: Authority,
    pub certificate: Certificate,
    pub postgres: Postgres,
    pub pooler: Pooler,
    pub redis: Redis,
    pub supabase: Supabase,
    pub sendgrid: SendGrid,
    pub slack: Sink,
    pub logtail: Sink,
    _front: Front,
}

impl Cloud {
    /// Starts them. The dashboard's front serves `pages`, a folder that may be filled later.
    pub async fn start(name: &str) -> Self {
        let folder = shared_folder(&format!("cloud-{name}"));
        let authority = Authority::new(&folder, "Une racine privée");
        let certificate = authority.issue("services", &names());
        let postgres = Postgres::start(&folder, Some(&certificate)).await;
        let pooler = Pooler::start(&folder, &postgres, Some((&certificate, &authority)), 6543).await;
        let redis = Redis::start(&folder, &certificate).await;
        let supabase = Supabase::start().await;
        let sendgrid = SendGrid::start().await;
        let (slack, logtail) = (Sink::start("ok").await, Sink::start("").await);
        let behind = [
            (project(), supabase.port),
            ("api.sendgrid.com".to_owned(), sendgrid.port),
            ("hooks.slack.com".to_owned(), slack.port),
            ("in.logs.betterstack.com".to_owned(), logtail.port),
        ];
        let front = Front::start(&folder, &certificate, &behind).await;
        Self {
            folder,
            authority,
            certificate,
            postgres,
            pooler,
            redis,
            supabase,
            sendgrid,
            slack,
            logtail,
            _front: front,
        }
    }

    /// Where the dashboard's front looks for its files.
    pub fn pages(&self) -> PathBuf {
        front::pages(&self.folder)
    }

    /// What makes the program believe the authority of all this, where it checks one.
    pub fn trust(&self) -> Vec<(String, String)> {
        let root = self.authority.root.to_str().expect("UTF-8").to_owned();
        vec![("SSL_CERT_FILE".to_owned(), root.clone()), ("REDIS_SSL_CA_FILE".to_owned(), root)]
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// A new folder that programs under other accounts may enter.
pub fn shared_folder(name: &str) -> PathBuf {
    let folder = own_folder(name);
    let _ = fs::remove_dir_all(&folder);
    fs::DirBuilder::new().recursive(true).mode(0o755).create(&folder).expect("a folder");
    folder
}

/// Whom PostgreSQL and its pooler run as where we are root, which neither agrees to.
pub fn database_account() -> Option<(u32, u32)> {
    if rustix::process::getuid().as_raw() != 0 {
        return None;
    }
    let number = |flag: &str| -> u32 {
        let output = Command::new("id").args([flag, "postgres"]).output().expect("the program `id`");
        String::from_utf8_lossy(&output.stdout).trim().parse().expect("the account `postgres`, which its package makes")
    };
    Some((number("-u"), number("-g")))
}

/// Gives a file to the account of the database.
pub fn give_to_database(path: &Path) {
    if let Some((user, group)) = database_account() {
        chown(path, Some(user), Some(group)).expect("a file of the database's account");
    }
}

/// A program that ends with us, under the account of the database or our own.
pub fn program(name: &str, as_database: bool) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]);
    if let Some((user, group)) = database_account().filter(|_| as_database) {
        command.args([format!("--reuid={user}"), format!("--regid={group}"), "--clear-groups".to_owned()]);
    }
    let paths = std::env::var("PATH").unwrap_or_default();
    command.args(["--", name]).env("PATH", format!("{paths}:/usr/sbin:/sbin"));
    command
}

/// Waits until something listens there.
pub async fn listening(what: &str, port: u16, log: &Path) {
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        assert!(std::time::Instant::now() < until, "{what} does not listen on {port}: {}", log_of(log));
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

fn log_of(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}
