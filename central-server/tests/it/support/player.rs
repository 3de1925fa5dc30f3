//! A program of Node that plays a box, with the official Socket.IO client.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::cluster::scratch;

/// A program of Node that plays a box.
pub struct Player {
    process: Child,
    says: Lines<BufReader<ChildStdout>>,
    hears: ChildStdin,
    /// What it said while another event was waited for.
    passed_over: Vec<Value>,
    /// Where it keeps its files.
    pub folder: PathBuf,
}

impl Player {
    /// Starts a script of `tests/js` for a site of a [`Stage`](super::Stage), in a folder that may be there from an
    /// earlier life.
    pub fn start(script: &str, port: u16, site: &str, transports: &str) -> Self {
        Self::start_with(script, port, site, &super::stage::key(site), transports)
    }

    /// The same with any key.
    pub fn start_with(script: &str, port: u16, site: &str, key: &str, transports: &str) -> Self {
        Self::start_from("127.0.0.1", script, port, site, key, transports)
    }

    /// The same from another address of this machine.
    pub fn start_from(from: &str, script: &str, port: u16, site: &str, key: &str, transports: &str) -> Self {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/js");
        assert!(
            scripts.join("node_modules/socket.io-client").exists(),
            "`cargo xtask test` installs the official client"
        );
        let folder = scratch(&format!("box-{site}"));
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut process = Command::new("node")
            .arg(scripts.join(script))
            .args([&format!("http://127.0.0.1:{port}"), site, key, transports])
            .arg(&folder)
            .env("FROM", from)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node runs");
        let says = BufReader::new(process.stdout.take().expect("its output")).lines();
        let hears = process.stdin.take().expect("its input");
        Self { process, says, hears, passed_over: Vec::new(), folder }
    }

    /// The next event of this name; others are kept for later.
    pub async fn says(&mut self, event: &str) -> Value {
        if let Some(index) = self.passed_over.iter().position(|said| said["event"] == event) {
            return self.passed_over.remove(index)["data"].clone();
        }
        let found = async {
            loop {
                let line = self.says.next_line().await.expect("its output").expect("it still runs");
                let said: Value = serde_json::from_str(&line).expect("JSON");
                if said["event"] == event {
                    return said["data"].clone();
                }
                self.passed_over.push(said);
            }
        };
        match tokio::time::timeout(Duration::from_secs(30), found).await {
            Ok(data) => data,
            Err(_) => panic!("it never said {event}, but {:?}", self.passed_over),
        }
    }

    /// Whichever of these it says first.
    pub async fn says_first(&mut self, events: &[&str]) -> String {
        assert!(self.passed_over.is_empty(), "{:?}", self.passed_over);
        loop {
            let line = self.says.next_line().await.expect("its output").expect("it still runs");
            let said: Value = serde_json::from_str(&line).expect("JSON");
            if let Some(event) = events.iter().find(|event| said["event"] == **event) {
                return (*event).to_owned();
            }
        }
    }

    /// What it has said and nobody has waited for.
    pub fn heard(&self) -> String {
        Value::from(self.passed_over.clone()).to_string()
    }

    /// Forgets what it has said and nobody has waited for.
    pub fn forget(&mut self) {
        self.passed_over.clear();
    }

    /// Whether it says this within a time.
    pub async fn says_within(&mut self, event: &str, time: Duration) -> Option<Value> {
        tokio::time::timeout(time, self.says(event)).await.ok()
    }

    /// Gives it an order.
    pub async fn tell(&mut self, order: &Value) {
        self.hears.write_all(format!("{order}\n").as_bytes()).await.expect("it listens");
    }

    /// Kills it; its files stay.
    pub async fn pull_the_plug(mut self) -> PathBuf {
        self.process.kill().await.expect("killed");
        self.folder
    }
}
