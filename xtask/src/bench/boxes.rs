//! What an idle box costs: the real program with a server, two videos and nothing to do.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::cluster::{Cluster, free_port};
use super::curl::Curl;
use super::figures::{Figure, Judged, Measured};
use super::server::{Server, Settings};
use crate::steps::Outcome;

const PROGRAM: &str = "target/release/neopro-box";
const FOLDER: &str = "target/neopro-bench-box";
const CLIPS: [&str; 2] = ["box/tests/media/orange.mp4", "box/tests/media/green.mp4"];
/// Until what the downloads needed is given back.
const SETTLED: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(60);

/// Measures a box at a server of its own.
pub fn measure(cluster: &Cluster, settings: &Settings) -> Result<Measured, String> {
    let mut server = Server::start(settings, &cluster.url(cluster.port()))?;
    server.wait_until("/ready")?;
    let curl = Curl { port: server.port(), token: server.token()? };
    let site = curl.post("/api/sites", &json!({ "site_name": "bench box", "club_name": "Bench" }))?;
    let root = empty_folder()?;
    let tv = BoxProcess::start(&root, server.port(), &site)?;
    for clip in CLIPS {
        let video = curl.send(&["-F", &format!("video=@{clip}")], "/api/videos")?;
        curl.post("/api/deployments", &json!({ "video_id": video["id"], "target_id": site["id"] }))?;
    }
    wait_until_completed(&curl)?;
    std::thread::sleep(SETTLED);

    let mut memory = Figure::new("idle box (PSS)", "MB", Judged::Worst, Some(15.0));
    memory.add(tv.proportional_megabytes()?);
    Ok(Measured { figures: vec![memory], ..Measured::default() })
}

fn empty_folder() -> Result<PathBuf, String> {
    let complain = |error: std::io::Error| format!("{FOLDER}: {error}");
    if Path::new(FOLDER).exists() {
        fs::remove_dir_all(FOLDER).map_err(complain)?;
    }
    fs::create_dir_all(FOLDER).and_then(|()| fs::canonicalize(FOLDER)).map_err(complain)
}

/// Waits until the box has its videos.
fn wait_until_completed(curl: &Curl) -> Outcome {
    let start = Instant::now();
    loop {
        let orders = curl.send(&[], "/api/deployments")?;
        if orders.as_array().is_some_and(|orders| orders.iter().all(|order| order["status"] == "completed")) {
            return Ok(());
        }
        if start.elapsed() > PATIENCE {
            return Err(format!("The box does not get its videos: {orders}"));
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// A running box; dropped, it is killed.
struct BoxProcess(Child);

impl BoxProcess {
    fn start(root: &Path, server: u16, site: &Value) -> Result<Self, String> {
        let text = |field: &str| site[field].as_str().map(str::to_owned).ok_or(format!("The site has no {field}."));
        let log = File::create(root.join("log")).map_err(|error| format!("The box's log: {error}"))?;
        let errors = log.try_clone().map_err(|error| format!("The box's log: {error}"))?;
        Command::new(PROGRAM)
            .arg("run")
            .env("CONFIG_FILE", root.join("site.conf"))
            .env("NEOPRO_ROOT", root)
            .env("CENTRAL_SERVER_ENABLED", "true")
            .env("CENTRAL_SERVER_URL", format!("http://localhost:{server}"))
            .env("SITE_ID", text("id")?)
            .env("SITE_API_KEY", text("api_key")?)
            .env("NEOPRO_LISTEN", format!("127.0.0.1:{}", free_port()?))
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .map(Self)
            .map_err(|error| format!("{PROGRAM} cannot be started: {error}"))
    }

    /// The memory that is this process's alone, and its part of what it shares.
    fn proportional_megabytes(&self) -> Result<f64, String> {
        let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.0.id())).unwrap_or_default();
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
        let kilobytes: Option<f64> = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        kilobytes.map(|kilobytes| kilobytes / 1024.0).ok_or_else(|| "The box has ended, or hides its memory.".into())
    }
}

impl Drop for BoxProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
