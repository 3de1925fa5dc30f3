//! The program itself, as it is started in production: another process, its environment and nothing else.

use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use super::http;

/// The program with these variables and no others but what finding programs needs.
pub fn neopro(arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    another(env!("CARGO_BIN_EXE_neopro-central"), arguments, variables)
}

fn another(program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().stdin(Stdio::null());
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    for (name, value) in variables {
        command.env(name, value);
    }
    command
}

/// Runs a command of the program to its end.
pub fn run(arguments: &[&str], variables: &[(&str, &str)], input: &str) -> Output {
    use std::io::Write as _;
    let mut child = neopro(arguments, variables)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // A command that fails early does not read what it is given.
    let _ = child.stdin.take().expect("its input").write_all(input.as_bytes());
    child.wait_with_output().expect("the program ends")
}

/// What a command said, both ways.
pub fn words(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A running server. Killed when it is dropped.
pub struct Server {
    child: Child,
    pub port: u16,
}

impl Server {
    /// Starts `serve` on a free port; its log goes to `log`.
    pub fn spawn(variables: &[(&str, &str)], log: &Path) -> Self {
        Self::spawn_on(None, variables, log)
    }

    /// Starts `serve` on a free port, and has the system write into `trace` whom it connects to.
    pub fn spawn_traced(variables: &[(&str, &str)], log: &Path, trace: &Path) -> Self {
        let mut command = Command::new("strace");
        // `-D`: the child is the program, and not who watches it.
        command.args(["-D", "-f", "-qq", "-e", "trace=connect,sendto,sendmsg", "-e", "signal=none", "-o"]).arg(trace);
        command.args([env!("CARGO_BIN_EXE_neopro-central"), "serve"]).env_clear().stdin(Stdio::null());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).envs(variables.iter().copied());
        Self::start(command, free_port(), log)
    }

    /// Starts `serve` on this port, or on a free one, as a command that `below` puts it under.
    pub fn spawn_below(
        below: impl FnOnce(&Command) -> Command,
        port: Option<u16>,
        variables: &[(&str, &str)],
        log: &Path,
    ) -> Self {
        let mut command = below(&neopro(&["serve"], &[]));
        command.env_clear().stdin(Stdio::null());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).envs(variables.iter().copied());
        Self::start(command, port.unwrap_or_else(free_port), log)
    }

    /// Starts `serve` on this port, or on a free one; its log is added to `log`.
    pub fn spawn_on(port: Option<u16>, variables: &[(&str, &str)], log: &Path) -> Self {
        Self::start(neopro(&["serve"], variables), port.unwrap_or_else(free_port), log)
    }

    /// Starts `serve` of another version of the program on a free port.
    pub fn spawn_another(program: &str, variables: &[(&str, &str)], log: &Path) -> Self {
        Self::start(another(program, &["serve"], variables), free_port(), log)
    }

    fn start(mut command: Command, port: u16, log: &Path) -> Self {
        std::fs::create_dir_all(log.parent().expect("a folder")).expect("a folder for the log");
        let file = std::fs::File::options().create(true).append(true).open(log).expect("a log file");
        let child = command
            .env("PORT", port.to_string())
            .stdout(file.try_clone().expect("the log file"))
            .stderr(file)
            .spawn()
            .expect("the program starts");
        Self { child, port }
    }

    /// Waits until `/ready` says so.
    pub async fn ready(&mut self) {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let answer = http::send(self.port, axum::http::Method::GET, "/ready", None, None).await;
            if answer.is_ok_and(|answer| answer.status == 200) {
                return;
            }
            if let Some(status) = self.child.try_wait().expect("a status") {
                panic!("the server ended before it was ready: {status}");
            }
            assert!(Instant::now() < until, "the server is not ready after a minute");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The id of the process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it without a warning.
    pub fn kill(&mut self) {
        self.child.kill().expect("the process can be killed");
        self.child.wait().expect("and is gone");
    }

    /// Kills it without a warning, unless it is gone already.
    pub fn kill_if_running(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to end, and waits.
    pub async fn terminate(&mut self) -> ExitStatus {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs").success());
        self.ended(Duration::from_secs(20)).await
    }

    /// Waits until it ends by itself.
    pub async fn ended(&mut self, within: Duration) -> ExitStatus {
        let until = Instant::now() + within;
        loop {
            if let Some(status) = self.child.try_wait().expect("a status") {
                return status;
            }
            assert!(Instant::now() < until, "the server still runs after {within:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill_if_running();
    }
}

/// A port that was free a moment ago, below those that the system gives to whoever connects somewhere: one of these may
/// be gone before a server has taken it.
pub fn free_port() -> u16 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = std::process::id() * 37 + NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 10_000 + u16::try_from(number % 20_000).expect("small");
        if std::net::TcpListener::bind(("0.0.0.0", port)).is_ok() {
            return port;
        }
    }
}

/// The text of a file, or nothing.
pub fn text(path: &Path) -> String {
    let mut text = String::new();
    if let Ok(mut file) = std::fs::File::open(path) {
        let _ = file.read_to_string(&mut text);
    }
    text
}
