//! The production guide, followed by copy and paste from `docs/guide-original.md`.
//!
//! What is pasted comes from that document, never from a copy in a test. Where this version cannot keep a line,
//! the tests take what holds instead from `docs/guide-differences.md`; a difference that is not listed there
//! has no way in.

mod browser;
pub mod differences;
pub mod document;
mod editions;
mod editor;
mod hashes;
mod original;
mod step10;
mod step8;
mod step9;
mod troubleshooting;
mod walk;
mod walker;

use std::path::PathBuf;

use document::Document;

use crate::support::program::{self, Server};
use crate::support::{Redis, Supabase, TestDb, cluster};

/// Where the guide's examples say that the server is.
const HOST: &str = "https://neopro-central-server.onrender.com";

/// The service of step 6: `serve` with the guide's variables, on a database and with a storage of its own. Its log goes with it, unless a test fails.
struct Service {
    server: Server,
    /// The Redis of step 4. It goes with the service.
    _redis: Redis,
    log: PathBuf,
}

impl Service {
    /// Starts it, and waits until requests can be served.
    async fn on(db: &TestDb) -> Self {
        let log = cluster::scratch("guide").join(format!("{}-{}.log", db.name, program::free_port()));
        // Step 3 is done: both buckets are there.
        let supabase = Supabase::start().await;
        let mut variables = variables(&db.url());
        variables.push(("SUPABASE_URL".to_owned(), supabase.url()));
        let redis = Redis::start();
        variables.push(("REDIS_URL".to_owned(), redis.url()));
        let mut server = Server::spawn(&borrowed(&variables), &log);
        server.ready().await;
        Self { server, _redis: redis, log }
    }

    fn port(&self) -> u16 {
        self.server.port
    }

    /// Ends it as a platform does: all that it logged.
    async fn stopped(mut self) -> String {
        let status = self.server.terminate().await;
        let log = program::text(&self.log);
        assert!(status.success(), "{status}: {log}");
        log
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = std::fs::remove_file(&self.log);
        }
    }
}

/// A text of the guide with our own server in the place of the example's.
fn at(port: u16, text: &str) -> String {
    filled(text, &[(HOST, &format!("http://127.0.0.1:{port}"))])
}

/// A text of the guide with our own values in the places of its placeholders, every one of which must be there.
pub fn filled(text: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(text.to_owned(), |text, (placeholder, value)| {
        assert!(text.contains(placeholder), "the guide does not say {placeholder:?} here: {text}");
        text.replace(placeholder, value)
    })
}

/// The guide's ten variables of step 6.4 in production: its own values, where they are not somebody's secrets.
pub fn variables(database_url: &str) -> Vec<(String, String)> {
    let guide = Document::original();
    let rows = guide.section("6.4.").lines.iter().filter(|line| line.starts_with("| `"));
    let named: Vec<(String, String)> = rows
        .map(|row| {
            let cells: Vec<&str> =
                row.trim_matches('|').split(" | ").map(|cell| cell.trim_matches([' ', '`'])).collect();
            let value = match cells[0] {
                "DATABASE_URL" => database_url.to_owned(),
                "SUPABASE_URL" => "https://not-a-project.supabase.co".to_owned(),
                "SUPABASE_SERVICE_KEY" => Supabase::jwt("service_role"),
                "REDIS_URL" => "rediss://default:not-a-token@not-a-host.upstash.io:6379".to_owned(),
                "JWT_SECRET" => "not a secret but 64 characters for a test, 0123456789 abcdefghij".to_owned(),
                "MFA_ENCRYPTION_KEY" => "not a key, only a test: 01234567".to_owned(),
                _ => cells[1].to_owned(),
            };
            (cells[0].to_owned(), value)
        })
        .collect();
    assert_eq!(named.len(), 10, "the guide's mandatory variables");
    named
}

/// As the program takes them.
pub fn borrowed(variables: &[(String, String)]) -> Vec<(&str, &str)> {
    variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}
