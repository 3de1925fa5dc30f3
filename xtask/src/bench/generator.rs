//! The load generator, a process of its own, against a server on a database of its own.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::cluster::Cluster;
use super::figures::{Figure, Judged};
use super::server::{Server, Settings};
use crate::steps::{Outcome, output};

const PROGRAM: &str = "target/release/neopro-fleet";

/// A server with its sites.
pub struct World<'a> {
    cluster: &'a Cluster,
    database: String,
    /// Ends before its database is removed.
    server: Option<Server<'a>>,
}

/// Which sites a world has.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sites {
    pub count: usize,
    /// Of the first so many the key is stored as NeoPro 1 did.
    pub old_keys: usize,
    /// The first so many are the group for which a video is.
    pub members: usize,
}

impl<'a> World<'a> {
    /// Makes the sites and starts the server.
    pub fn start(cluster: &'a Cluster, settings: &'a Settings, name: &str, sites: Sites) -> Result<Self, String> {
        Self::start_through(cluster, settings, name, sites, cluster.port())
    }

    /// The same with the database behind another port.
    pub fn start_through(
        cluster: &'a Cluster,
        settings: &'a Settings,
        name: &str,
        sites: Sites,
        port: u16,
    ) -> Result<Self, String> {
        let database = format!("bench_{name}");
        cluster.remove(&database)?;
        cluster.copy(&database)?;
        let numbers = [sites.count, sites.old_keys, sites.members].map(|number| number.to_string());
        let [count, old_keys, members] = &numbers;
        let script = output(Command::new(PROGRAM).args([
            "bench",
            "sites",
            "--count",
            count,
            "--old-keys",
            old_keys,
            "--members",
            members,
        ]))?;
        cluster.run(&database, &script)?;
        let mut server = Server::start(settings, &cluster.url_of(&database, port))?;
        server.wait_until("/ready")?;
        Ok(Self { cluster, database, server: Some(server) })
    }

    /// The server, while it runs.
    pub fn server(&self) -> Result<&Server<'a>, String> {
        self.server.as_ref().ok_or_else(|| "The server has ended.".into())
    }

    /// Lets the generator measure a part: what it found.
    pub fn measure(&self, part: &str, arguments: &[&str]) -> Result<Value, String> {
        self.measure_through(self.server()?.port(), part, arguments)
    }

    /// The same with the server behind another port.
    pub fn measure_through(&self, port: u16, part: &str, arguments: &[&str]) -> Result<Value, String> {
        let server = self.server()?;
        let (address, server_pid) = (format!("127.0.0.1:{port}"), server.pid().to_string());
        let mut generator = Command::new(PROGRAM)
            .args(["bench", part, "--server", &address, "--server-pid", &server_pid])
            .args(["--database-pid", &self.cluster.pid().to_string()])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{PROGRAM} cannot be started: {error}"))?;
        let token = server.token()?;
        // If it reads nothing it says why, below.
        let _ = generator.stdin.take().map(|mut stdin| writeln!(stdin, "{token}"));
        let said = generator.wait_with_output().map_err(|error| format!("{PROGRAM}: {error}"))?;
        if !said.status.success() {
            let why = String::from_utf8_lossy(&said.stderr).into_owned();
            return Err(server.complaint(&format!("the generator's part {part} failed: {}", why.trim())));
        }
        let found = String::from_utf8_lossy(&said.stdout);
        serde_json::from_str(&found).map_err(|error| format!("The generator said \"{}\": {error}", found.trim()))
    }

    /// Ends the server and removes its database.
    pub fn end(mut self) -> Outcome {
        drop(self.server.take());
        self.cluster.remove(&self.database)
    }
}

/// What the generator's ledger says of the server: no fault, and every wrong ledger found out. Faults are told at once.
pub fn honesty(name: &str, found: &Value) -> [Figure; 2] {
    for fault in found["faults"]["first"].as_array().into_iter().flatten() {
        println!("    {name}: {}", fault.as_str().unwrap_or_default());
    }
    let controls = &found["controls"];
    let missed = number(&controls["of"]) - number(&controls["found"]);
    // Without any control nothing is proven.
    let missed = if number(&controls["of"]) > 0.0 { missed } else { f64::NAN };
    [
        Figure::new(format!("{name}: stored otherwise than sent"), "", Judged::Worst, Some(0.0))
            .with([number(&found["faults"]["count"])]),
        Figure::new(format!("{name}: wrong ledgers not found out"), "", Judged::Worst, Some(0.0)).with([missed]),
    ]
}

/// A measured number; not a number where nothing was measured.
pub fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}
