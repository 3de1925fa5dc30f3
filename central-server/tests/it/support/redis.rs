//! A real Redis of one test, as a provider runs it: with a password, with TLS if it is to have it, and with a count of
//! every command.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::cluster::scratch;
use super::program::{free_port, text};

/// The password of its default user.
pub const PASSWORD: &str = "jeton-de-test-0123456789";

/// A Redis. Killed when it is dropped.
pub struct Redis {
    program: Option<Child>,
    pub folder: PathBuf,
    /// Its port without TLS, on loopback alone.
    pub port: u16,
    /// Its port with TLS.
    pub tls_port: u16,
}

impl Redis {
    /// Starts one.
    pub fn start() -> Self {
        Self::start_at(free_port(), free_port())
    }

    /// Starts one at these ports.
    pub fn start_at(port: u16, tls_port: u16) -> Self {
        let folder = scratch(&format!("redis-{port}"));
        fs::create_dir_all(&folder).expect("a folder for Redis");
        let mut redis = Self { program: None, folder, port, tls_port };
        redis.run();
        redis
    }

    /// Starts it, at its ports.
    pub fn run(&mut self) {
        let path = |name: &str| self.folder.join(name).to_str().expect("UTF-8").to_owned();
        let certificate = |name: &str| certificates().join(name).to_str().expect("UTF-8").to_owned();
        let log = fs::File::options().create(true).append(true).open(path("log")).expect("its log");
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--", "redis-server"]);
        for (name, value) in [
            ("--port", self.port.to_string()),
            ("--tls-port", self.tls_port.to_string()),
            ("--bind", "127.0.0.1".into()),
            ("--tls-cert-file", certificate("redis.crt")),
            ("--tls-key-file", certificate("redis.key")),
            ("--tls-ca-cert-file", certificate("ca.crt")),
            ("--tls-auth-clients", "no".into()),
            ("--requirepass", PASSWORD.into()),
            ("--save", String::new()),
            ("--appendonly", "no".into()),
            ("--dir", path("")),
        ] {
            command.args([name, &value]);
        }
        for (name, channel) in [("bell", "&neopro:bell"), ("mute", "resetchannels")] {
            let password = format!(">{PASSWORD}");
            let rights = ["-@all", "+subscribe", "+publish", "+ping"];
            command.args(["--user", name, "on", &password, "resetchannels", channel]).args(rights);
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("its log"))
            .stderr(log)
            .spawn()
            .expect("setpriv is installed");
        self.program = Some(child);
        let until = Instant::now() + Duration::from_secs(20);
        while self.ask(&["ping"]) != "PONG" {
            assert!(
                Instant::now() < until,
                "redis-server (is it installed?) does not answer: {}",
                text(&self.folder.join("log"))
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Stops it at once.
    pub fn stop(&mut self) {
        if let Some(mut program) = self.program.take() {
            let _ = program.kill();
            let _ = program.wait();
        }
    }

    /// Has it answer nothing, or go on.
    pub fn freeze(&self, frozen: bool) {
        let pid = self.program.as_ref().expect("it runs").id().to_string();
        let signal = if frozen { "-STOP" } else { "-CONT" };
        assert!(Command::new("kill").args([signal, &pid]).status().expect("kill runs").success());
    }

    /// The `REDIS_URL` without TLS.
    pub fn url(&self) -> String {
        format!("redis://default:{PASSWORD}@127.0.0.1:{}", self.port)
    }

    /// The `REDIS_URL` with TLS, of this user.
    pub fn tls_url(&self, user: &str) -> String {
        format!("rediss://{user}:{PASSWORD}@localhost:{}", self.tls_port)
    }

    /// `REDIS_SSL_CA_FILE`.
    pub fn ca(&self) -> String {
        certificates().join("ca.crt").to_str().expect("UTF-8").to_owned()
    }

    /// What `redis-cli` answers to a command of the default user.
    pub fn ask(&self, command: &[&str]) -> String {
        let mut cli = Command::new("redis-cli");
        cli.args(["-p", &self.port.to_string(), "--no-auth-warning", "-a", PASSWORD]).args(command);
        let output = cli.output().expect("redis-cli is installed");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// How often each command was given since it was started, by its name; without those of this question itself.
    pub fn commands(&self) -> BTreeMap<String, u64> {
        let stats = self.ask(&["info", "commandstats"]);
        let of_line = |line: &str| {
            let (name, figures) = line.trim().strip_prefix("cmdstat_")?.split_once(":calls=")?;
            Some((name.to_owned(), figures.split(',').next()?.parse().ok()?))
        };
        stats.lines().filter_map(of_line).collect()
    }

    /// How many clients there are besides the one that asks.
    pub fn clients(&self) -> usize {
        self.ask(&["client", "list"]).lines().filter(|line| !line.contains("cmd=client")).count()
    }

    /// Says something on the channel: how many heard it.
    pub fn say(&self, message: &str) -> usize {
        self.ask(&["publish", "neopro:bell", message]).parse().expect("a number")
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.stop();
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// The folder of the certificates of this run.
fn certificates() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = scratch("redis-certificates");
        // Two runs at once do not write into the same files.
        let folder = folder.join(std::process::id().to_string());
        fs::create_dir_all(&folder).expect("a folder for certificates");
        make(&folder);
        folder
    })
}

/// Makes an authority of our own, a certificate for localhost by it, and another authority that has signed nothing.
fn make(folder: &Path) {
    let path = |name: &str| folder.join(name).to_str().expect("UTF-8").to_owned();
    let openssl = |arguments: &[&str]| {
        let output = Command::new("openssl").args(arguments).output().expect("openssl is installed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    for ca in ["ca", "other"] {
        let (key, certificate, name) =
            (path(&format!("{ca}.key")), path(&format!("{ca}.crt")), format!("/CN=NeoPro {ca}"));
        let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
        let made = ["req", "-x509", "-days", "2", "-subj", &name, "-keyout", &key, "-out", &certificate];
        openssl(&[&made[..], &curve].concat());
    }
    fs::write(folder.join("names"), "subjectAltName=DNS:localhost\n").expect("the names");
    let request =
        ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost"];
    openssl(&[&request[..], &["-keyout", &path("redis.key"), "-out", &path("redis.csr")]].concat());
    let signed = ["x509", "-req", "-days", "2", "-CAcreateserial", "-extfile", &path("names")].map(str::to_owned);
    let files = ["-in", "redis.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-out", "redis.crt"]
        .map(|word| if word.starts_with('-') { word.to_owned() } else { path(word) });
    let all: Vec<&str> = signed.iter().chain(&files).map(String::as_str).collect();
    openssl(&all);
}
