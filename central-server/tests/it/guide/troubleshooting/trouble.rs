//! An installation after the guide's steps 2 to 7, in which one thing is wrong at a time, and all that is seen of it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::case::{Case, Fault, Screen, Start};
use crate::cloud::network::gallery;
use crate::cloud::postgres::{ENCODED_PASSWORD, PASSWORD};
use crate::cloud::redis::TOKEN;
use crate::cloud::{DASHBOARD, POOLER, PROJECT, REDIS, SERVER, database};
use crate::doctor::{Promise, diagnosed};
use crate::guide::walker::Walk;
use crate::guide::{borrowed, filled};
use crate::mail::sendgrid::{KEY as SENDGRID_KEY, Next};
use crate::support::program::{self, Server, text};
use crate::support::{Supabase, http};

pub const EMAIL: &str = "a@club.test";
pub const WORD: &str = "Tir au but 12";

/// Where something is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Log,
    Doctor,
    Screen,
}

/// The installation.
pub struct Trouble {
    pub walk: Walk,
    /// All that was read, and where.
    seen: Vec<(Place, String)>,
    /// For which address of the API the dashboard was built.
    built: Option<String>,
    has_person: bool,
    pictures: usize,
    /// A port that takes connections and says nothing.
    _silent: TcpListener,
}

/// A server, as it was started with something wrong.
pub struct Running {
    pub server: Server,
    log: PathBuf,
}

impl Trouble {
    pub async fn begin(name: &str) -> Self {
        let mut walk = Walk::begin(name).await;
        walk.accounts();
        walk.variables();
        walk.set("ALLOWED_ORIGINS", &format!("https://{DASHBOARD}"));
        walk.set("EMAIL_FROM", "noreply@club.test");
        walk.set("SENDGRID_API_KEY", SENDGRID_KEY);
        let silent = TcpListener::bind(("127.0.0.1", 6550)).await.expect("a port that says nothing");
        Self { walk, seen: Vec::new(), built: None, has_person: false, pictures: 0, _silent: silent }
    }

    /// A text of the table with what is this installation's own.
    pub fn filled(&self, text: &str) -> String {
        let own = [
            ("{own}", format!("https://{DASHBOARD}")),
            ("{user}", format!("postgres.{PROJECT}")),
            ("{password}", ENCODED_PASSWORD.to_owned()),
            ("{pooler}", POOLER.to_owned()),
            ("{direct}", database()),
            ("{project}", format!("{PROJECT}.supabase.co")),
            ("{redis}", REDIS.to_owned()),
            ("{token}", TOKEN.to_owned()),
            ("{anon}", Supabase::jwt("anon")),
            ("{tampered}", format!("{}x", Supabase::jwt("service_role"))),
        ];
        let text = own.iter().fold(text.to_owned(), |text, (place, value)| text.replace(place, value));
        // What the guide itself prints for a variable, step 2.4.
        match text.strip_prefix("{printed ").and_then(|rest| rest.strip_suffix('}')) {
            Some(variable) => {
                let printed = self.walk.guide.section("2.4.").block("").to_owned();
                let mut rows = printed.lines().filter_map(|line| line.split_once('='));
                rows.find(|(name, _)| *name == variable).expect("a row of step 2.4").1.to_owned()
            }
            None => text,
        }
    }

    /// The variables of a case: the right ones with others in their place, or without them.
    fn environment(&self, change: &[(&str, Option<&str>)]) -> Vec<(String, String)> {
        let mut environment = self.walk.environment.clone();
        for (name, value) in change {
            environment.retain(|(known, _)| known != name);
            environment.extend(value.map(|value| ((*name).to_owned(), self.filled(value))));
        }
        self.walk.on_the_platform(&environment)
    }

    /// Starts the server on the guide's port, so that its front finds it.
    pub fn start(&self, name: &str, change: &[(&str, Option<&str>)]) -> Running {
        let log = self.walk.cloud.folder.join(format!("{}.log", name.replace(' ', "-")));
        let server = Server::spawn_on(Some(3001), &borrowed(&self.environment(change)), &log);
        Running { server, log }
    }

    /// Ends it. What it has logged is evidence, and holds no secret.
    pub async fn end(&mut self, mut running: Running) {
        assert!(running.server.terminate().await.success());
        self.note(Place::Log, &text(&running.log));
    }

    fn note(&mut self, place: Place, said: &str) {
        for secret in [PASSWORD, ENCODED_PASSWORD, TOKEN, SENDGRID_KEY, WORD] {
            assert!(!said.contains(secret), "a secret is shown: {secret}");
        }
        self.seen.push((place, said.to_owned()));
    }

    /// Whether this was seen there.
    pub fn has_seen(&self, place: Place, sentence: &str) -> bool {
        self.seen.iter().any(|(at, said)| *at == place && said.contains(sentence))
    }

    /// Brings a case about, and holds that it is seen wherever the table says so.
    pub async fn provoke(&mut self, case: &Case) {
        self.walk.note(case.cause);
        let other = self.break_something(case).await;
        let log = match case.start {
            Start::Refused => {
                let output = program::run(&["serve"], &borrowed(&self.environment(case.change)), "");
                let said = program::words(&output);
                assert!(!output.status.success(), "{}: {said}", case.cause);
                self.note(Place::Log, &said);
                self.look(case);
                said
            }
            Start::Waits | Start::Serves => {
                let mut running = self.start(case.cause, case.change);
                if case.start == Start::Serves {
                    running.server.ready().await;
                }
                self.happen(case.fault, &running).await;
                self.look(case);
                running.says(&case.log.iter().map(|words| self.filled(words)).collect::<Vec<_>>()).await;
                if let Some((check, words)) = case.health {
                    running.reports(check, words).await;
                }
                self.diagnose(case);
                self.mend(case, &running).await;
                let log = running.log.clone();
                self.end(running).await;
                text(&log)
            }
        };
        for words in case.log.iter().map(|words| self.filled(words)) {
            assert!(log.contains(&words), "{}: the log does not say {words:?}: {log}", case.cause);
        }
        if case.start == Start::Refused {
            self.diagnose(case);
        }
        if let Some(other) = other {
            self.end(other).await;
        }
    }

    /// What is wrong before the server starts; a server that has its port goes on until the case is over.
    async fn break_something(&mut self, case: &Case) -> Option<Running> {
        let supabase = self.walk.cloud.supabase.clone();
        match case.fault {
            Fault::PortTaken => {
                let mut other = self.start("right", &[]);
                other.server.ready().await;
                return Some(other);
            }
            Fault::WritesRefused => supabase.set(|mood| mood.writes_refused = true),
            Fault::NoBuckets => {
                supabase.book().buckets.clear();
                supabase.set(|mood| mood.buckets_refused = true);
            }
            Fault::Built("") => {
                std::fs::remove_dir_all(self.walk.cloud.pages()).expect("what was built before");
                std::fs::create_dir(self.walk.cloud.pages()).expect("nothing");
                self.built = None;
            }
            Fault::Built(api) => self.dashboard(&self.filled(api)),
            Fault::None | Fault::RedisAway | Fault::SenderRefused => {}
        }
        None
    }

    /// What goes wrong once it runs.
    async fn happen(&mut self, fault: Fault, running: &Running) {
        let port = running.server.port;
        match fault {
            Fault::RedisAway => {
                self.walk.cloud.redis.down();
                assert_eq!(http::get(port, "/ready").await.status, 200);
                let login = json!({"email": "b@club.test", "password": WORD});
                let answer = http::send(port, Method::POST, "/api/auth/login", None, Some(&login)).await;
                assert_eq!(answer.expect("an answer").status, 401, "people get in and out as before");
            }
            Fault::SenderRefused => {
                self.administrator();
                let refused = "The from address does not match a verified Sender Identity. Mail cannot be sent until this \
                               error is resolved.";
                self.walk.cloud.sendgrid.always(Some(Next::Refuse(403, refused, None)));
                self.walk.shell(&format!(
                    "curl --silent --fail -X POST -H 'Content-Type: application/json' --data '{{\"email\":\"{EMAIL}\"}}' \
                     https://{SERVER}/api/auth/forgot-password"
                ));
                running.says(&["verify the sender".to_owned()]).await;
            }
            _ => {}
        }
    }

    /// It is mended, and goes on by itself.
    async fn mend(&mut self, case: &Case, running: &Running) {
        let supabase = self.walk.cloud.supabase.clone();
        match case.fault {
            Fault::WritesRefused => {
                supabase.set(|mood| mood.writes_refused = false);
                assert_eq!(supabase.paths("videos"), [""; 0], "of a refused upload nothing is left");
                self.screen(&Screen::Upload(&["Dans la vidéothèque"]));
            }
            Fault::NoBuckets => {
                supabase.set(|mood| mood.buckets_refused = false);
                self.walk.buckets();
            }
            Fault::RedisAway => self.walk.cloud.redis.up().await,
            Fault::SenderRefused => {
                let sendgrid = self.walk.cloud.sendgrid.clone();
                sendgrid.always(None);
                // Pauses between tries grow to minutes; this one is over now.
                let due = "update jobs set run_at = now() where kind = 'mail' and state = 'waiting'";
                self.walk.cloud.postgres.admin().await.batch_execute(due).await.expect("a mail that waits");
                let until = Instant::now() + Duration::from_secs(30);
                while !sendgrid.taken().iter().any(|mail| mail["mail_settings"].is_null()) {
                    assert!(Instant::now() < until, "the mail does not leave: {}", text(&running.log));
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                assert_eq!(running.check("mail").await["status"], "healthy");
                assert!(!text(&running.log).contains(EMAIL), "whom it is for is nobody's business");
            }
            _ => {}
        }
    }

    /// The diagnosis of this very environment: its report and its table say what the table here says.
    pub fn diagnose(&mut self, case: &Case) {
        let promises: Vec<Promise> = case.doctor.iter().map(|promise| self.own(*promise)).collect();
        let (code, report, table) = self.doctor(case.change);
        promises.iter().for_each(|promise| promise.check(&report));
        let is_wrong = promises.iter().any(|promise| promise.state == "error");
        assert!(!is_wrong || code == 1, "{}: {report:#}", case.cause);
        for promise in &promises {
            let kept = promise.kept(&report).expect("it was checked");
            let step = kept["step_words"].as_str().expect("a step");
            let fix = kept["fix"].as_str().map(|fix| format!("À faire : {fix} [{step}]"));
            for words in [kept["found"].as_str().map(str::to_owned), fix].into_iter().flatten() {
                assert!(table.contains(&words), "{}: the table lacks {words:?}: {table}", case.cause);
            }
        }
    }

    /// Runs the diagnosis twice at once: its exit code and its report; and the French table.
    pub fn doctor(&mut self, change: &[(&str, Option<&str>)]) -> (i32, Value, String) {
        let environment = self.environment(change);
        let ask = |words: &[&str]| program::run(words, &borrowed(&environment), "");
        let (json, table) = std::thread::scope(|scope| {
            let table = scope.spawn(|| ask(&["doctor"]));
            (ask(&["doctor", "--json"]), table.join().expect("it ran"))
        });
        let (said, table) = (program::words(&json), program::words(&table));
        self.note(Place::Doctor, &said);
        self.note(Place::Doctor, &table);
        (json.status.code().expect("an exit code"), diagnosed(&said), table)
    }

    /// A promise with what is this installation's own.
    pub fn own(&self, promise: Promise) -> Promise {
        let own = |text: &str| -> &'static str { Box::leak(self.filled(text).into_boxed_str()) };
        Promise { found: own(promise.found), fix: own(promise.fix), ..promise }
    }

    /// Looks at every screen of a case.
    fn look(&mut self, case: &Case) {
        case.screen.iter().for_each(|screen| self.screen(screen));
    }

    pub fn screen(&mut self, screen: &Screen) {
        if self.built.is_none() {
            self.dashboard(&format!("https://{SERVER}"));
        }
        let home = format!("https://{DASHBOARD}");
        let person = json!({"email": EMAIL, "password": WORD});
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/media/faststart.mp4");
        let (more, expect) = match screen {
            Screen::Open(expect) => (json!({}), expect),
            Screen::LogIn(expect) => (json!({"person": person}), expect),
            Screen::Upload(expect) => (json!({"person": person, "page": "/content", "upload": file}), expect),
            Screen::Diagnosis(expect) => (json!({"person": person, "page": "/admin/doctor"}), expect),
        };
        if matches!(screen, Screen::Upload(_) | Screen::Diagnosis(_)) {
            self.administrator();
        }
        let expect: Vec<String> = expect.iter().map(|text| self.filled(text)).collect();
        self.page(&home, more, &expect);
    }

    /// What a browser shows at an address, where these texts have to be read.
    pub fn page(&mut self, address: &str, more: Value, expect: &[String]) -> Value {
        self.pictures += 1;
        let mut asked = json!({
            "chromium": "/usr/bin/chromium", "mark": self.walk.cloud.certificate.mark(), "address": address,
            "folder": gallery("troubleshooting"), "expect": expect,
            "name": format!("{}-{}", self.walk.cloud.folder.file_name().expect("a name").display(), self.pictures),
        });
        asked.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        let output = Command::new("node")
            .arg("tests/browser/trouble.mjs")
            .arg(asked.to_string())
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../central-dashboard"))
            .output()
            .expect("Node");
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{address}, {expect:?}: {out}{err}");
        let told: Value = serde_json::from_str(out.trim_end().lines().last().unwrap_or_default()).expect("JSON");
        // Blanks at which a line must not break are blanks to whoever reads.
        self.note(Place::Screen, &told["text"].as_str().expect("a text").replace(['\u{a0}', '\u{202f}'], " "));
        told
    }

    /// The dashboard of step 7, built for this address of the API.
    pub fn dashboard(&mut self, api: &str) {
        if self.built.as_deref() == Some(api) {
            return;
        }
        // Without the check of its types, which the address does not change.
        let built = self.walk.build_dashboard_for("npm run build", api).wait_with_output().expect("a build");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        self.built = Some(api.to_owned());
    }

    /// An administrator, who can log in wherever there is a database.
    pub fn administrator(&mut self) {
        if std::mem::replace(&mut self.has_person, true) {
            return;
        }
        let flags = ["create-admin", "--email", EMAIL, "--full-name", "A", "--password-stdin"];
        let made = program::run(&flags, &borrowed(&self.environment(&[])), &format!("{WORD}\n"));
        assert!(made.status.success(), "{}", program::words(&made));
    }

    /// A command of the guide's own for an entry, filled in.
    pub fn own_test(&self, heading: &str, more: &str, values: &[(&str, &str)]) -> String {
        let line = format!("{}{more}", self.walk.guide.section(heading).block("bash").trim());
        self.walk.shell(&filled(&line, values))
    }
}

impl Running {
    /// Waits until the log says all of this.
    pub async fn says(&self, words: &[String]) {
        let until = Instant::now() + Duration::from_secs(25);
        loop {
            let log = text(&self.log);
            let Some(missing) = words.iter().find(|words| !log.contains(words.as_str())) else { return };
            assert!(Instant::now() < until, "the log does not say {missing:?}: {log}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// A check of `/health`.
    pub async fn check(&self, name: &str) -> Value {
        http::get(self.server.port, "/health").await.json()["checks"][name].clone()
    }

    /// Waits until a check of `/health` says this, and that it is not well.
    async fn reports(&self, name: &str, words: &str) {
        let until = Instant::now() + Duration::from_secs(25);
        loop {
            let check = self.check(name).await;
            let said = check["message"].as_str().unwrap_or_default();
            if said.starts_with(words) && check["status"] != "healthy" {
                return;
            }
            assert!(Instant::now() < until, "/health does not say {words:?}: {check}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub fn log(&self) -> String {
        text(&self.log)
    }
}
