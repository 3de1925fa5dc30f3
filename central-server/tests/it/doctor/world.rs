//! A whole installation: a running server, what it stands on, and a dashboard on another host.

use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::{Value, json};

use super::sinks::{REDIS_PASSWORD, Redis, Sinks};
use crate::mail::sendgrid::{self, SendGrid};
use crate::support::program::{self, Server};
use crate::support::supabase::SECRET_KEY;
use crate::support::{Cluster, Supabase, TestDb, cluster, http};

const JWT_SECRET: &str = "jwt-canary 0123456789 abcdefghijklmnopqrstuvwxyz 0123456789 ABCDEF";
const MFA_KEY: &str = "mfa-canary 0123456789 abcdefghijk";
const LOGTAIL_TOKEN: &str = "logtail-canary-0123456789";

pub struct World {
    pub db: TestDb,
    pub supabase: Supabase,
    pub sendgrid: SendGrid,
    pub sinks: Sinks,
    pub redis: Redis,
    pub server: Server,
    variables: Vec<(String, String)>,
}

impl World {
    /// Everything up, `/health` healthy, one super_admin.
    pub async fn new() -> Self {
        let db = Cluster::get().migrated().await;
        let (supabase, sendgrid, sinks) = (Supabase::start().await, SendGrid::start().await, Sinks::start().await);
        let redis = Redis::start();
        let port = program::free_port();
        let folder = cluster::scratch(&format!("doctor-{}", db.name));
        let mut variables: Vec<(String, String)> = [
            ("DATABASE_URL", db.url()),
            ("REDIS_URL", redis.url()),
            ("JWT_SECRET", JWT_SECRET.into()),
            ("MFA_ENCRYPTION_KEY", MFA_KEY.into()),
            ("PUBLIC_URL", format!("http://127.0.0.1:{port}")),
            ("DASHBOARD_URL", sinks.url()),
            ("ALLOWED_ORIGINS", sinks.url()),
            ("SLACK_WEBHOOK_URL", format!("{}/services/T0/B0/slack-secret-canary", sinks.url())),
            ("LOGTAIL_TOKEN", LOGTAIL_TOKEN.into()),
            ("LOGTAIL_HOST", format!("{}/logs", sinks.url())),
            ("NEOPRO_DATA_DIR", folder.to_str().expect("UTF-8").into()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let of_services = supabase.variables().into_iter().chain(sendgrid.variables());
        variables.extend(of_services.map(|(name, value)| (name.to_owned(), value)));
        let about = json!({
            "status": "ok", "version": env!("CARGO_PKG_VERSION"), "api": format!("http://127.0.0.1:{port}"),
        });
        sinks.set(|book| book.build = Some(about));
        // What the server itself would send there is nothing of the diagnosis.
        let own = variables.iter().filter(|(name, _)| !name.starts_with("LOGTAIL_") && !name.starts_with("SLACK_"));
        let borrowed: Vec<(&str, &str)> = own.map(|(name, value)| (&**name, &**value)).collect();
        let mut server = Server::spawn_on(Some(port), &borrowed, &folder.join("log"));
        server.ready().await;
        let hash = format!("$2b$12${}", "a".repeat(53));
        let owner = db.owner().await;
        let insert =
            "insert into users (email, password_hash, full_name, role) values ('a@b.test', $1, 'A', 'super_admin')";
        owner.execute(insert, &[&hash]).await.expect("an account");
        let world = Self { db, supabase, sendgrid, sinks, redis, server, variables };
        world.healthy().await;
        world
    }

    async fn healthy(&self) {
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            let answer = http::send(self.server.port, Method::GET, "/health", None, None).await.expect("an answer");
            let report = answer.json();
            if report["status"] == "healthy" {
                return;
            }
            assert!(Instant::now() < until, "never healthy: {report:#}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The variables of this world with others in their places; an empty one is taken away.
    pub fn with(&self, changes: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut variables = self.variables.clone();
        variables.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        let changed = changes.iter().filter(|(_, value)| !value.is_empty());
        variables.extend(changed.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        variables
    }

    /// Runs `doctor` in this world: its exit code, and everything that it said. No secret is in it.
    pub async fn table(&self, words: &[&str], changes: &[(&str, &str)]) -> (i32, String) {
        let variables = self.with(changes);
        let words: Vec<String> = std::iter::once("doctor").chain(words.iter().copied()).map(str::to_owned).collect();
        let kept = variables.clone();
        // What it asks is answered by this very runtime.
        let output = tokio::task::spawn_blocking(move || {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let variables: Vec<(&str, &str)> = kept.iter().map(|(name, value)| (&**name, &**value)).collect();
            program::run(&words, &variables, "")
        });
        let output = output.await.expect("it ran");
        let said = program::words(&output);
        self.shows_no_secret(&said, &variables);
        (output.status.code().expect("an exit code, not a signal"), said)
    }

    /// The same with `--json`: its exit code, and the report.
    pub async fn doctor(&self, changes: &[(&str, &str)]) -> (i32, Value) {
        self.doctor_with(&[], changes).await
    }

    pub async fn doctor_with(&self, words: &[&str], changes: &[(&str, &str)]) -> (i32, Value) {
        let words: Vec<&str> = ["--json"].into_iter().chain(words.iter().copied()).collect();
        let (code, said) = self.table(&words, changes).await;
        (code, super::diagnosed(&said))
    }

    fn shows_no_secret(&self, said: &str, variables: &[(String, String)]) {
        let password = String::from_utf8(self.db.config.get_password().expect("one").to_vec()).expect("ASCII");
        let known = [
            JWT_SECRET,
            MFA_KEY,
            LOGTAIL_TOKEN,
            SECRET_KEY,
            sendgrid::KEY,
            REDIS_PASSWORD,
            "slack-secret-canary",
            &password,
        ];
        for secret in known {
            assert!(!said.contains(secret), "{secret} is shown: {said}");
        }
        let given = [
            "JWT_SECRET",
            "SUPABASE_SERVICE_KEY",
            "SENDGRID_API_KEY",
            "SLACK_WEBHOOK_URL",
            "LOGTAIL_TOKEN",
            "REDIS_URL",
            "DATABASE_URL",
        ];
        for (name, value) in variables.iter().filter(|(name, value)| given.contains(&name.as_str()) && value.len() > 8)
        {
            assert!(!said.contains(value.as_str()), "{name} is shown: {said}");
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.server.kill_if_running();
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(cluster::scratch(&format!("doctor-{}", self.db.name)));
        }
    }
}
