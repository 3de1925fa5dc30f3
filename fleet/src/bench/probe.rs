//! A platform's probe beside the load, in a process of its own: in the generator's it would measure that one's own haste.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, timeout};

use super::own_program;
use super::times::Times;

/// Between two questions. Each is asked at its time, whether the one before is answered or not.
const EVERY: Duration = Duration::from_millis(10);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whom to ask.
#[derive(Debug, Args)]
pub struct Probe {
    /// Where the server listens.
    #[arg(long)]
    server: SocketAddr,
    /// What to ask for.
    #[arg(long, default_value = "/live")]
    path: String,
}

impl Probe {
    pub(super) async fn run(self) -> Result<Value, String> {
        let mut asked = JoinSet::new();
        let mut clock = interval(EVERY);
        let mut nothing = Vec::new();
        let mut stdin = tokio::io::stdin();
        let end = stdin.read_to_end(&mut nothing);
        tokio::pin!(end);
        loop {
            tokio::select! {
                _ = &mut end => break,
                due = clock.tick() => {
                    let (server, path) = (self.server, self.path.clone());
                    asked.spawn(async move {
                        let is_right = matches!(timeout(PATIENCE, ask(server, &path)).await, Ok(Ok(true)));
                        // From when it was due: what a busy machine had to wait with is not left out.
                        is_right.then(|| due.elapsed())
                    });
                }
            }
        }
        let answers = asked.join_all().await;
        let times: Times = answers.iter().copied().flatten().collect();
        let mut figures = times.json();
        figures["failed"] = json!(answers.len() - times.count());
        Ok(figures)
    }
}

/// Asks over a connection of its own, as platforms do; whether the answer is 200.
async fn ask(server: SocketAddr, path: &str) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(server).await?;
    stream.set_nodelay(true)?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer.starts_with(b"HTTP/1.1 200"))
}

/// The probe while it runs.
pub(super) struct Probing(Child);

impl Probing {
    /// Starts one, and waits until it asks.
    pub async fn start(server: SocketAddr) -> Result<Self, String> {
        let child = Command::new(own_program()?)
            .args(["bench", "probe", "--server", &server.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("The probe cannot be started: {error}."))?;
        let began = Instant::now();
        tokio::time::sleep_until(began + Duration::from_millis(200)).await;
        Ok(Self(child))
    }

    /// Ends it: how long the answers took.
    pub async fn end(mut self) -> Result<Value, String> {
        drop(self.0.stdin.take());
        let output = self.0.wait_with_output().await.map_err(|error| format!("The probe: {error}."))?;
        serde_json::from_slice(&output.stdout).map_err(|error| format!("The probe said something else: {error}."))
    }
}
