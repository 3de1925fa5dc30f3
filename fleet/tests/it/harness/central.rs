//! The central server on its own database, and `curl`.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{free_port, program, scratch};

/// A running server. It ends with its database when it is dropped.
pub struct Central {
    child: Child,
    pub port: u16,
    pub folder: PathBuf,
    token: String,
    variables: Vec<(String, String)>,
}

/// The administrator of every server under test.
pub const EMAIL: &str = "a@club.fr";
pub const PASSWORD: &str = "Tir au but 7";

/// A site and the key of its box.
#[derive(Debug, Clone)]
pub struct Site {
    pub id: String,
    pub key: String,
}

impl Central {
    /// A new server with an administrator.
    pub fn start(name: &str) -> Self {
        Self::start_with(name, &[])
    }

    /// The same as the guide has it run, with these variables.
    pub fn start_in_production(name: &str, variables: &[(&str, &str)]) -> Self {
        let guide = [
            ("NODE_ENV", "production"),
            ("DATABASE_URL", "embedded"),
            ("JWT_SECRET", "4a7d1ed414474e4033ac29ccb8653d9b5c6e0f1a2b3c4d5e6f708192a3b4c5d6"),
            ("MFA_ENCRYPTION_KEY", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
            // Who wants a storage outside brings one.
            ("STORAGE", "local"),
            // A service that the guide has, which this version does not speak to yet.
            ("REDIS_URL", "rediss://default:0a1b2c3d4e5f@eu1-caring-owl-12345.upstash.io:6379"),
        ];
        Self::start_with(name, &[&guide, variables].concat())
    }

    /// A new server on which nobody has an account yet.
    pub fn start_untouched(name: &str) -> Self {
        Self::start_alone(name, &[])
    }

    /// A new server with these variables.
    pub fn start_with(name: &str, variables: &[(&str, &str)]) -> Self {
        let mut central = Self::start_alone(name, variables);
        central.account(EMAIL, None);
        let login = central.post("/api/auth/login", &json!({"email": EMAIL, "password": PASSWORD}));
        central.token = login["token"].as_str().expect("a token").to_owned();
        central
    }

    fn start_alone(name: &str, variables: &[(&str, &str)]) -> Self {
        let (folder, port) = (scratch(name), free_port());
        let variables: Vec<_> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut central =
            Self { child: serve(&folder, port, &variables), port, folder, token: String::new(), variables };
        central.ready();
        central
    }

    /// A new account, of a role or else an administrator's, with the one password.
    pub fn account(&self, email: &str, role: Option<&str>) {
        let mut creation = Command::new(program("neopro-central"))
            .args(["create-admin", "--email", email, "--full-name", "A", "--password-stdin"])
            .args(role.map(|role| format!("--role={role}")))
            .env("NEOPRO_DATA_DIR", self.folder.join("data"))
            .envs(self.variables.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("the program starts");
        creation.stdin.take().expect("its input").write_all(format!("{PASSWORD}\n").as_bytes()).expect("it reads");
        assert!(creation.wait().expect("it ends").success(), "an account: {email}");
    }

    fn ready(&mut self) {
        let until = Instant::now() + Duration::from_secs(60);
        let address = format!("http://127.0.0.1:{}/ready", self.port);
        while !Command::new("curl")
            .args(["-sf", "-m", "2", "-o", "/dev/null", &address])
            .status()
            .expect("curl")
            .success()
        {
            assert!(self.child.try_wait().expect("a status").is_none(), "the server has ended: {}", self.log());
            assert!(Instant::now() < until, "the server is not ready: {}", self.log());
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Kills the server without a warning; its database is stopped by the next start.
    pub fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it is gone");
    }

    /// Starts it again at the same port.
    pub fn restart(&mut self) {
        self.child = serve(&self.folder, self.port, &self.variables);
        self.ready();
    }

    /// Ends it politely and starts it again with another value of a variable.
    pub fn restart_with(&mut self, name: &str, value: &str) {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(asked.is_ok_and(|status| status.success()), "the server is asked to end");
        self.child.wait().expect("it ends");
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
        self.restart();
    }

    /// The administrator's session.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The id of the process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn curl(&self, arguments: &[&str], path: &str) -> Option<(u16, Value)> {
        let mut command = Command::new("curl");
        command.args(["-sS", "-m", "60", "-w", "\n%{http_code}"]);
        if !self.token.is_empty() {
            command.args(["-H", &format!("Authorization: Bearer {}", self.token)]);
        }
        let output =
            command.args(arguments).arg(format!("http://127.0.0.1:{}{path}", self.port)).output().expect("curl runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (body, status) = text.rsplit_once('\n')?;
        let status = status.trim().parse().ok().filter(|status| *status != 0)?;
        Some((status, serde_json::from_str(body).unwrap_or(Value::Null)))
    }

    /// A `GET`; `None` while nobody answers as it should.
    pub fn try_get(&self, path: &str) -> Option<Value> {
        self.curl(&[], path).filter(|(status, _)| *status == 200).map(|(_, body)| body)
    }

    /// A `GET` that has to succeed.
    pub fn get(&self, path: &str) -> Value {
        self.try_get(path).unwrap_or_else(|| panic!("GET {path}"))
    }

    /// A `POST` that may fail.
    pub fn try_post(&self, path: &str, body: &Value) -> Option<(u16, Value)> {
        self.curl(&["-H", "Content-Type: application/json", "-d", &body.to_string()], path)
    }

    /// A `POST` that has to succeed.
    pub fn post(&self, path: &str, body: &Value) -> Value {
        match self.try_post(path, body) {
            Some((200..=299, answer)) => answer,
            other => panic!("POST {path} {body}: {other:?}"),
        }
    }

    /// Any other request, as `curl` takes it, that has to succeed.
    pub fn ask(&self, arguments: &[&str], path: &str) -> Value {
        match self.curl(arguments, path) {
            Some((200..=299, answer)) => answer,
            other => panic!("{arguments:?} {path}: {other:?}"),
        }
    }

    /// Adds a file to the library: its id.
    pub fn upload(&self, file: &Path, category: Option<&str>) -> String {
        let (file, category) = (format!("video=@{}", file.display()), category.map(|name| format!("category={name}")));
        let mut arguments = vec!["-F", &file];
        if let Some(category) = &category {
            arguments.extend(["-F", category]);
        }
        match self.curl(&arguments, "/api/videos") {
            Some((201, video)) => video["id"].as_str().expect("an id").to_owned(),
            other => panic!("{file}: {other:?}"),
        }
    }

    /// A new site.
    pub fn site(&self, name: &str) -> Site {
        let site = self.post("/api/sites", &json!({"site_name": name, "club_name": format!("Club {name}")}));
        let text = |field: &str| site[field].as_str().expect("a text").to_owned();
        Site { id: text("id"), key: text("api_key") }
    }

    /// A group of these sites: its id.
    pub fn group(&self, sites: &[Site]) -> String {
        let ids: Vec<&str> = sites.iter().map(|site| site.id.as_str()).collect();
        let group = self.post("/api/groups", &json!({"name": "Tous", "type": "custom", "site_ids": ids}));
        group["id"].as_str().expect("an id").to_owned()
    }

    /// Orders a video onto a site or group, or off it: the order's id.
    pub fn order(&self, video: &str, target_type: &str, target: &str, action: &str) -> String {
        let order = json!({"video_id": video, "target_type": target_type, "target_id": target, "action": action});
        self.post("/api/deployments", &order)["id"].as_str().expect("an id").to_owned()
    }

    /// Waits until a `GET` answers what it should.
    pub fn until(&self, path: &str, within: Duration, mut holds: impl FnMut(&Value) -> bool) -> Value {
        let until = Instant::now() + within;
        loop {
            let answer = self.try_get(path).unwrap_or_default();
            if holds(&answer) {
                return answer;
            }
            assert!(Instant::now() < until, "{path} after {within:?}: {answer:#}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

fn serve(folder: &Path, port: u16, variables: &[(String, String)]) -> Child {
    let log = File::options().create(true).append(true).open(folder.join("log")).expect("a log");
    Command::new(program("neopro-central"))
        .arg("serve")
        .env_remove("DATABASE_URL")
        .env("PORT", port.to_string())
        .env("NEOPRO_DATA_DIR", folder.join("data"))
        .envs(variables.iter().cloned())
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("the log"))
        .stderr(log)
        .spawn()
        .expect("the server starts")
}

impl Drop for Central {
    fn drop(&mut self) {
        // Politely: its database ends with it. One that was killed is started once more for that.
        if self.child.try_wait().is_ok_and(|status| status.is_some()) {
            self.child = serve(&self.folder, self.port, &self.variables);
            std::thread::sleep(Duration::from_secs(2));
        }
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let until = Instant::now() + Duration::from_secs(15);
        while self.child.try_wait().is_ok_and(|status| status.is_none()) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}
