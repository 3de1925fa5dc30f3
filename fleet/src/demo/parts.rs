//! The processes of the demo. Each writes a log of its own, and none outlives the demo: when that ends without a goodbye,
//! a guard that reads from it tells the process to stop.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;

use super::folder::{Folder, Site};
use super::{api, program};

/// How long a part may take to end. The server lets requests end, and then its database.
const FAREWELL: Duration = Duration::from_secs(30);
const GLANCE: Duration = Duration::from_millis(50);

/// Waits for the end of its input, which is the end of the demo, and then tells a process to stop.
const GUARD: &str = "cat >/dev/null; kill -TERM \"$1\"";

/// What runs.
pub(super) struct Parts {
    logs: PathBuf,
    parts: Vec<Part>,
}

struct Part {
    name: String,
    log: PathBuf,
    process: Child,
    guard: Child,
}

impl Parts {
    /// None yet; their logs go into a folder of the demo's.
    pub fn new(folder: &Path) -> Result<Self, String> {
        let logs = folder.join("logs");
        fs::create_dir_all(&logs).map_err(|error| format!("{}: {error}.", logs.display()))?;
        Ok(Self { logs, parts: Vec::new() })
    }

    /// The central server.
    pub fn server(&mut self, folder: &Folder, port: u16) -> Result<(), String> {
        let mut command = server(folder)?;
        command.arg("serve").env("PORT", port.to_string());
        self.start("server", command)
    }

    /// A real box of a club.
    pub fn real_box(&mut self, folder: &Folder, club: &Site, server: u16, port: u16) -> Result<(), String> {
        let root = folder.path().join(format!("box-{port}"));
        fs::create_dir_all(&root).map_err(|error| format!("{}: {error}.", root.display()))?;
        let mut command = bare(&program("neopro-box")?, &root);
        command
            .arg("run")
            .env("CONFIG_FILE", root.join("site.conf"))
            .env("NEOPRO_ROOT", &root)
            .env("NEOPRO_LISTEN", format!("127.0.0.1:{port}"))
            .env("CENTRAL_SERVER_ENABLED", "true")
            .env("CENTRAL_SERVER_URL", format!("http://127.0.0.1:{server}"))
            .env("SITE_ID", &club.id)
            .env("SITE_API_KEY", &club.key)
            .env("CLUB_NAME", &club.name);
        self.start(&format!("box-{port}"), command)
    }

    /// The simulated boxes.
    pub fn simulated(&mut self, folder: &Folder, server: u16, count: usize, faults: &str) -> Result<(), String> {
        let mut command = bare(&program("neopro-fleet")?, folder.path());
        command
            .args(["simulate", "--server", &format!("http://127.0.0.1:{server}"), "--sites"])
            .arg(folder.list_fleet(count)?)
            .args(["--faults", faults, "--spread", "15", "--away", "600", "--offline", "0.002"]);
        self.start("fleet", command)
    }

    fn start(&mut self, name: &str, mut command: Command) -> Result<(), String> {
        let log = self.logs.join(format!("{name}.log"));
        let out = File::create(&log).map_err(|error| format!("{}: {error}.", log.display()))?;
        let errors = out.try_clone().map_err(|error| format!("{}: {error}.", log.display()))?;
        // A Ctrl-C is for the demo, which then ends the others in order. The input stays open as long as we live.
        command.process_group(0).stdin(Stdio::piped()).stdout(out).stderr(errors);
        let failed = |error: std::io::Error| format!("The part \"{name}\" cannot be started: {error}.");
        let mut process = command.spawn().map_err(failed)?;
        let mut guard = Command::new("sh");
        guard.args(["-c", GUARD, "guard", &process.id().to_string()]);
        guard.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        match guard.spawn() {
            Ok(guard) => self.parts.push(Part { name: name.to_owned(), log, process, guard }),
            Err(error) => {
                let _ = process.kill();
                let _ = process.wait();
                return Err(failed(error));
            }
        }
        Ok(())
    }

    /// Waits until an address of the last part answers.
    pub async fn until_answers(&mut self, port: u16, path: &str, within: Duration) -> Result<(), String> {
        let until = Instant::now() + within;
        while !api::answers(port, path).await {
            if let Some(end) = self.ended() {
                return Err(end);
            }
            if Instant::now() > until {
                return Err(format!("http://127.0.0.1:{port}{path} does not answer.{}", self.last_words()));
            }
            sleep(GLANCE).await;
        }
        Ok(())
    }

    /// Waits until a part ends by itself: what it said last.
    pub async fn first_end(&mut self) -> String {
        loop {
            if let Some(end) = self.ended() {
                return end;
            }
            sleep(GLANCE * 4).await;
        }
    }

    fn ended(&mut self) -> Option<String> {
        self.parts.iter_mut().find_map(|part| {
            let status = part.process.try_wait().ok().flatten()?;
            Some(format!("The part \"{}\" has ended by itself ({status}).{}", part.name, tail(&part.log)))
        })
    }

    fn last_words(&self) -> String {
        self.parts.last().map(|part| tail(&part.log)).unwrap_or_default()
    }

    /// Tells every part to stop and waits for its end; what does not end is killed.
    pub async fn stop(&mut self) {
        for part in &self.parts {
            part.signal();
        }
        let until = Instant::now() + FAREWELL;
        for part in &mut self.parts {
            while part.process.try_wait().is_ok_and(|status| status.is_none()) {
                if Instant::now() > until {
                    eprintln!("The part \"{}\" does not stop, and is killed.{}", part.name, tail(&part.log));
                    // Gone in this very moment, perhaps.
                    let _ = part.process.kill();
                    let _ = part.process.wait();
                    break;
                }
                sleep(GLANCE).await;
            }
            // Its process is gone: the guard must not meet another one with the same number.
            let _ = part.guard.kill();
            let _ = part.guard.wait();
        }
        self.parts.clear();
    }
}

impl Part {
    fn signal(&self) {
        let pid = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // One that has ended already hears nothing.
            let _ = kill_process(pid, Signal::TERM);
        }
    }
}

/// Makes the account, beside the running server.
pub(super) async fn create_account(folder: &Folder, email: &str) -> Result<(), String> {
    let mut command = server(folder)?;
    command.args(["create-admin", "--email", email, "--full-name", "Camille Démo", "--password-stdin"]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut command = tokio::process::Command::from(command);
    let mut creation = command.kill_on_drop(true).spawn().map_err(|error| format!("create-admin: {error}."))?;
    if let Some(mut input) = creation.stdin.take() {
        use tokio::io::AsyncWriteExt as _;
        let line = format!("{}\n", folder.state.password);
        // If it reads nothing it says why, below.
        let _ = input.write_all(line.as_bytes()).await;
    }
    let said = creation.wait_with_output().await.map_err(|error| format!("create-admin: {error}."))?;
    let why = || format!("The account cannot be made: {}", String::from_utf8_lossy(&said.stderr).trim());
    if said.status.success() { Ok(()) } else { Err(why()) }
}

fn server(folder: &Folder) -> Result<Command, String> {
    let mut command = bare(&program("neopro-central")?, folder.path());
    command.env("NODE_ENV", "development").env("NEOPRO_DATA_DIR", folder.path().join("server"));
    Ok(command)
}

/// A program away from a developer's own settings: those of the environment and those of an `.env`.
fn bare(program: &Path, folder: &Path) -> Command {
    const KEPT: [&str; 5] = ["PATH", "HOME", "XDG_RUNTIME_DIR", "LANG", "TMPDIR"];
    let mut command = Command::new(program);
    command.env_clear().current_dir(folder);
    command.envs(std::env::vars_os().filter(|(name, _)| KEPT.iter().any(|kept| name == kept)));
    command
}

/// The end of a log, below a sentence.
fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let skipped = text.lines().count().saturating_sub(12);
    let mut end = format!(" The end of {}:", log.display());
    for line in text.lines().skip(skipped) {
        // Writing into a text cannot fail.
        let _ = write!(end, "\n    {line}");
    }
    end
}
