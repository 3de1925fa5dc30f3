//! The central server as the bench starts, asks and stops it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::cluster::free_port;
use super::http;
use crate::programs::variable;
use crate::steps::{Outcome, output};

const PROGRAM: &str = "target/release/neopro-central";
const EMAIL: &str = "bench@example.org";

/// How long a server may take until it counts as broken.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two questions to a server that does not answer yet.
const PAUSE: Duration = Duration::from_micros(300);

/// What every start has in common.
pub struct Settings {
    folder: PathBuf,
    password: String,
    variables: Vec<(&'static str, OsString)>,
}

impl Settings {
    /// Fresh secrets, and an empty folder for the server's files and its log.
    pub fn new(folder: &Path) -> Result<Self, String> {
        let complain = |error: std::io::Error| format!("{}: {error}", folder.display());
        if folder.exists() {
            fs::remove_dir_all(folder).map_err(complain)?;
        }
        fs::create_dir_all(folder).map_err(complain)?;
        let folder = folder.canonicalize().map_err(complain)?;
        let variables = vec![
            ("PATH", variable("PATH").unwrap_or_default()),
            ("NEOPRO_DATA_DIR", folder.clone().into()),
            ("JWT_SECRET", random_hex(32)?.into()),
            ("MFA_ENCRYPTION_KEY", random_hex(32)?.into()),
            // One account and one address ask as fast as they can.
            ("NEOPRO_RATE_LIMITS", "off".into()),
        ];
        Ok(Self { folder, password: format!("Bench-{}", random_hex(8)?), variables })
    }

    /// The password of the account that logs in.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Migrates the database and makes the account that logs in.
    pub fn prepare(&self, database: &str) -> Outcome {
        output(self.command(database)?.arg("migrate"))?;
        let mut create = self
            .command(database)?
            .args(["create-admin", "--email", EMAIL, "--full-name", "Bench", "--password-stdin"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{PROGRAM} cannot be started: {error}"))?;
        // If it reads nothing it says why, below; the pipe is closed behind the password.
        let _ = create.stdin.take().map(|mut stdin| writeln!(stdin, "{}", self.password));
        let said = create.wait_with_output().map_err(|error| format!("create-admin: {error}"))?;
        if said.status.success() {
            return Ok(());
        }
        Err(format!("create-admin failed: {}", String::from_utf8_lossy(&said.stderr).trim()))
    }

    /// The program with these settings alone, away from a developer's own `.env`.
    fn command(&self, database: &str) -> Result<Command, String> {
        let program = Path::new(PROGRAM).canonicalize().map_err(|error| format!("{PROGRAM}: {error}"))?;
        let mut command = Command::new(program);
        command.env_clear().current_dir(&self.folder).env("DATABASE_URL", database);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        Ok(command)
    }
}

/// A running server; dropped, it is stopped.
pub struct Server<'a> {
    settings: &'a Settings,
    started: Instant,
    port: u16,
    process: Child,
}

impl<'a> Server<'a> {
    pub fn start(settings: &'a Settings, database: &str) -> Result<Self, String> {
        let port = free_port()?;
        let log = File::create(settings.log()).map_err(|error| format!("The server's log: {error}"))?;
        let errors = log.try_clone().map_err(|error| format!("The server's log: {error}"))?;
        let mut command = settings.command(database)?;
        command.arg("serve").env("PORT", port.to_string()).stdin(Stdio::null()).stdout(log).stderr(errors);
        let started = Instant::now();
        let process = command.spawn().map_err(|error| format!("{PROGRAM} cannot be started: {error}"))?;
        Ok(Self { settings, started, port, process })
    }

    /// The time from the start of the process until an address answers 200.
    pub fn wait_until(&mut self, path: &str) -> Result<Duration, String> {
        loop {
            let answer = http::get(self.port, path);
            let elapsed = self.started.elapsed();
            if answer.is_ok_and(|answer| answer.status == 200) {
                return Ok(elapsed);
            }
            if let Ok(Some(status)) = self.process.try_wait() {
                return Err(self.complaint(&format!("it ended by itself ({status})")));
            }
            if elapsed > PATIENCE {
                return Err(self.complaint(&format!("{path} does not answer 200")));
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// The time that a login takes.
    pub fn log_in(&self) -> Result<Duration, String> {
        let body = serde_json::json!({ "email": EMAIL, "password": self.settings.password }).to_string();
        let start = Instant::now();
        let answer = http::post_json(self.port, "/api/auth/login", &body);
        let elapsed = start.elapsed();
        match answer {
            Ok(answer) if answer.status == 200 => Ok(elapsed),
            Ok(answer) => Err(self.complaint(&format!("the login answers {}", answer.text))),
            Err(error) => Err(self.complaint(&format!("the login fails: {error}"))),
        }
    }

    /// A session of the account that logs in.
    pub fn token(&self) -> Result<String, String> {
        let body = serde_json::json!({ "email": EMAIL, "password": self.settings.password }).to_string();
        let answer = http::post_json(self.port, "/api/auth/login", &body)
            .map_err(|error| self.complaint(&format!("the login fails: {error}")))?;
        let json = answer.text.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
        let said: Option<serde_json::Value> = serde_json::from_str(json).ok();
        let token = said.and_then(|said| said["token"].as_str().map(str::to_owned));
        token.ok_or_else(|| self.complaint(&format!("the login answers {}", answer.text)))
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// The memory that the process has now.
    pub fn resident_megabytes(&self) -> Result<f64, String> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap_or_default();
        resident_kilobytes(&status)
            .map(|kilobytes| f64::from(kilobytes) / 1024.0)
            .ok_or_else(|| self.complaint("its memory cannot be read"))
    }

    /// A sentence with the end of its log.
    pub fn complaint(&self, what: &str) -> String {
        let log = fs::read_to_string(self.settings.log()).unwrap_or_default();
        let last = log.lines().count().saturating_sub(20);
        let tail: Vec<&str> = log.lines().skip(last).collect();
        format!("The server: {what}. The end of its log:\n{}", tail.join("\n"))
    }
}

impl Settings {
    fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }
}

impl Drop for Server<'_> {
    /// Asks it to stop, as a platform does; a server that does not is killed.
    fn drop(&mut self) {
        let _ = output(Command::new("sh").args(["-c", &format!("kill -TERM {}", self.process.id())]));
        let asked = Instant::now();
        while asked.elapsed() < Duration::from_secs(10) {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn resident_kilobytes(status: &str) -> Option<u32> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// So many random bytes, as hexadecimal digits.
pub fn random_hex(bytes: usize) -> Result<String, String> {
    let mut random = vec![0; bytes];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut random))
        .map_err(|error| format!("The system's random source: {error}"))?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_what_the_kernel_says() {
        assert_eq!(resident_kilobytes("VmPeak:\t 9 kB\nVmRSS:\t   20480 kB\n"), Some(20480));
        assert_eq!(resident_kilobytes("VmPeak:\t 9 kB\n"), None);
    }

    #[test]
    fn secrets_have_their_length_and_differ() -> Outcome {
        let (one, other) = (random_hex(16)?, random_hex(16)?);
        assert_eq!(one.len(), 32);
        assert_ne!(one, other);
        Ok(())
    }
}
