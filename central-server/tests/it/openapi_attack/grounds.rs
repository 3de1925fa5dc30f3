//! A server with four tenants on record, whoever attacks it, and the program that does it for him.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::http::Method;
use neopro_central::alerts::watch;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::matrix::world::{NOBODYS, World};
use crate::support::app::{NOON, PASSWORD};
use crate::support::cluster::scratch;
use crate::support::program::{Server, text};
use crate::support::{Answer, Cluster, TestApp, TestDb, http};

/// Who looks after the rows that go during an attack, and who attacks with a session that is none of a tenant.
pub const KEEPER: &str = "keeper@neopro.test";
pub const ATTACKER: &str = "attacker@neopro.test";

/// Of what was found, so many bytes are shown.
const EXCERPT: usize = 24_000;

/// Who attacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Whoever may everything.
    SuperAdmin,
    /// Whoever may only read.
    Viewer,
    /// A tenant.
    Agency,
    /// A program with a token of a super_admin, for this alone.
    Token(&'static str),
    /// Whoever has read the key on a box.
    Box,
    /// Anybody.
    Nobody,
}

impl Who {
    pub fn name(self) -> &'static str {
        match self {
            Self::SuperAdmin => "super_admin",
            Self::Viewer => "viewer",
            Self::Agency => "agency",
            Self::Token(scope) => scope,
            Self::Box => "box",
            Self::Nobody => "nobody",
        }
    }

    pub fn role(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Agency => "agency",
            _ => "super_admin",
        }
    }

    /// How its account begins, if it has one.
    pub fn email(self) -> &'static str {
        if self == Self::Agency { "Zyxagenrot." } else { ATTACKER }
    }

    /// Whether what it does can make rows go, which are made anew then.
    pub fn can_delete(self) -> bool {
        matches!(self, Self::SuperAdmin | Self::Token("sites:write" | "content:write"))
    }

    /// Some of what it has to have succeeded in, or it was not let in at all.
    pub fn succeeds_in(self) -> &'static [&'static str] {
        match self {
            Self::SuperAdmin => &["PUT /api/sites/{id}", "POST /api/groups", "GET /api/users", "GET /api/audit"],
            Self::Viewer => &["GET /api/sites/{id}", "GET /api/videos", "PUT /api/auth/language"],
            Self::Agency => &["GET /api/sites", "GET /api/agencies"],
            Self::Token("read") => &["GET /api/sites/{id}", "GET /api/videos"],
            Self::Token("sites:write") => &["PUT /api/sites/{id}", "POST /api/groups"],
            Self::Token("content:write") => &["PUT /api/videos/{id}"],
            Self::Token("commands:write") => &["POST /api/sites/{id}/command"],
            Self::Token(_) => &["GET /api/audit"],
            Self::Box | Self::Nobody => &["GET /live"],
        }
    }
}

/// What is to be attacked, and how.
#[derive(Debug, Clone)]
pub struct Attack {
    pub seed: u64,
    /// The phases of schemathesis.
    pub phases: Vec<&'static str>,
    /// The operations that they are about; all if it is not said.
    pub made_up: Option<Vec<String>>,
    pub examples: usize,
    /// For how long they go on; once through if it is nought.
    pub seconds: u64,
    /// How many words each place gets; none leaves the places alone.
    pub words: usize,
    /// The operations whose places get words; all if it is not said.
    pub only: Option<Vec<String>>,
    /// Every word at every place.
    pub is_whole: bool,
    /// What whoever attacks must not succeed in.
    pub forbidden: Vec<String>,
    /// Words that he must not read, beside those of other tenants.
    pub unread: Vec<String>,
    /// The description, if it is to be another than the server's own.
    pub document: Option<Value>,
}

impl Attack {
    /// Nothing yet.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            phases: Vec::new(),
            made_up: None,
            examples: 1,
            seconds: 0,
            words: 0,
            only: None,
            is_whole: false,
            forbidden: Vec::new(),
            unread: Vec::new(),
            document: None,
        }
    }

    /// Every word at every place of these operations.
    pub fn words_for(seed: u64, operations: &[&str]) -> Self {
        let only = Some(operations.iter().map(|label| (*label).to_owned()).collect());
        Self { words: 1, only, is_whole: true, ..Self::new(seed) }
    }

    /// What a phase of schemathesis makes up for these operations.
    pub fn made_up_for(seed: u64, phase: &'static str, examples: usize, operations: &[&str]) -> Self {
        let made_up = Some(operations.iter().map(|label| (*label).to_owned()).collect());
        Self { phases: vec![phase], examples, made_up, ..Self::new(seed) }
    }
}

/// What an attack has found.
#[derive(Debug, Deserialize)]
pub struct Found {
    /// How many requests were made up, and how many carried a word.
    made_up: u64,
    words: u64,
    seconds: [f64; 2],
    /// How often each operation answered with which status.
    answers: Vec<(String, u16, u64)>,
    /// After what the attacker's session was over.
    pub ended: BTreeMap<String, u64>,
    /// What should not be.
    pub failures: Vec<String>,
}

impl Found {
    /// The operations that answered with such a status.
    pub fn answered(&self, is_meant: impl Fn(u16) -> bool) -> impl Iterator<Item = String> {
        self.answers.iter().filter(move |(_, status, _)| is_meant(*status)).map(|(label, _, _)| label.clone())
    }

    /// How many answers had such a status.
    pub fn count(&self, is_meant: impl Fn(u16) -> bool) -> u64 {
        self.answers.iter().filter(|(_, status, _)| is_meant(*status)).map(|(_, _, count)| count).sum()
    }

    /// The beginning of what was found.
    pub fn excerpt(&self) -> String {
        let all = self.failures.join("\n\n");
        all.chars().take(EXCERPT).collect()
    }

    pub fn print(&self, name: &str) {
        let hundreds = [2, 3, 4, 5].map(|hundred| self.count(|status| status / 100 == hundred));
        println!(
            "attack as {name}: {} requests made up in {} s, {} with a word in {} s; answers 2xx to 5xx: {hundreds:?}",
            self.made_up, self.seconds[0], self.words, self.seconds[1]
        );
    }
}

/// The server that is attacked.
pub struct Grounds {
    server: Server,
    /// When it was ready.
    began: Instant,
    pub db: TestDb,
    pub world: World,
    folder: PathBuf,
    log: PathBuf,
    caller: Value,
    foreign: Vec<String>,
}

/// Within which a server has swept everything that it sweeps often: every five seconds, a second after its start.
const SWEPT: Duration = Duration::from_secs(7);

/// Does at the moment of now what a server does by itself half a minute after its start, and later: that closes, counts and
/// forgets some of the made-up rows. Its own rounds find nothing left to do then.
async fn long_after(app: &TestApp) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970");
    app.clock.advance(now - Duration::from_secs(NOON.unsigned_abs()));
    watch::look(&app.app).await.expect("a look for alerts");
    watch::forget(&app.app).await.expect("alerts that are over");
    neopro_central::retention::jobs::run_now(&app.app).await.expect("a round");
    neopro_central::videos::direct::jobs::clean_up(&app.app).await;
}

impl Grounds {
    /// Waits until the server has done what it does by itself within seconds of a start. What comes later was done before
    /// it ([`long_after`]).
    pub async fn has_come_to_rest(&self) {
        tokio::time::sleep_until((self.began + SWEPT).into()).await;
    }

    /// A server with rows, and a caller that it knows.
    pub async fn prepare(who: Who) -> Self {
        let name = format!("attack-{}-{}", who.name().replace(':', "-"), uuid::Uuid::now_v7().simple());
        let (db, folder) = (Cluster::get().migrated().await, scratch(&name));
        let app = TestApp::on(db.clone(), &[]).await;
        let world = World::build(&app).await;
        app.account(KEEPER, "super_admin").await;
        app.account(ATTACKER, who.role().replace("agency", "viewer").as_str()).await;
        // What was made up for the journal and for second factors was never sealed by the server; and uploads that have
        // expired it would take away by itself.
        let made_up = "set session_replication_role = replica; truncate audit_logs, audit_seals; \
             update users set mfa_secret = null; \
             update video_uploads set expires_at = now() + interval '1 day', busy_until = null";
        db.admin().await.batch_execute(made_up).await.expect("the superuser may");
        long_after(&app).await;
        drop(app);

        std::fs::create_dir_all(folder.join("attack")).expect("a folder");
        let (data_dir, log) = (folder.join("data"), folder.join("server.log"));
        let variables = [
            ("DATABASE_URL", db.url()),
            ("NEOPRO_DATA_DIR", data_dir.to_str().expect("UTF-8").to_owned()),
            ("NEOPRO_RATE_LIMITS", "off".to_owned()),
            ("TRUSTED_PROXY_HOPS", "1".to_owned()),
            ("DATABASE_POOL_SIZE", "4".to_owned()),
        ];
        let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
        let mut server = Server::spawn(&variables, &log);
        server.ready().await;
        let began = Instant::now();
        let mut grounds = Self { server, began, db, world, folder, log, caller: Value::Null, foreign: Vec::new() };
        grounds.introduce(who).await;
        grounds
    }

    /// What the attacker has in his hands.
    async fn introduce(&mut self, who: Who) {
        let person = |email: &str| json!({"account": {"email": email, "password": PASSWORD}, "token": null});
        self.caller = match who {
            Who::SuperAdmin | Who::Viewer => person(ATTACKER),
            Who::Agency => {
                let tenant = &self.world.tenants[0];
                let owner = self.db.owner().await;
                let email = owner.query_one("select email from users where id = $1", &[&tenant.id("users")]).await;
                self.foreign = self.world.others(tenant).map(|other| other.word.to_owned()).collect();
                self.foreign.push(NOBODYS.to_owned());
                person(email.expect("its person").get(0))
            }
            Who::Token(scope) => {
                let new = json!({"name": "Essai", "scopes": [scope], "expires_in_days": 30});
                let made = self.as_keeper(Method::POST, "/api/auth/tokens", Some(&new)).await.json();
                json!({"account": null, "token": made["token"]})
            }
            Who::Box => {
                let new = json!({"site_name": "Gymnase", "club_name": "Club"});
                let made = self.as_keeper(Method::POST, "/api/sites", Some(&new)).await.json();
                json!({"account": null, "token": made["api_key"]})
            }
            Who::Nobody => json!({"account": null, "token": null}),
        };
        self.caller["caller"] = who.name().into();
        self.caller["keeps_up"] = who.can_delete().into();
    }

    /// A request as the keeper, on a session of its own.
    pub async fn as_keeper(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let account = json!({"email": KEEPER, "password": PASSWORD});
        let login = http::send(self.server.port, Method::POST, "/api/auth/login", None, Some(&account)).await;
        let login = login.expect("an answer").json();
        let token = login["token"].as_str().unwrap_or_else(|| panic!("{login}"));
        http::send(self.server.port, method, path, Some(token), body).await.expect("an answer")
    }

    /// Carries an attack out.
    pub async fn attack(&self, name: &str, attack: &Attack) -> Found {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
        let python = scripts.join("../../target/python/bin/python");
        assert!(python.exists(), "`cargo xtask test` installs schemathesis");
        let folder = self.folder.join("attack").join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        let document = match &attack.document {
            Some(document) => document.to_string(),
            None => http::get(self.server.port, "/api-docs/openapi.json").await.text,
        };
        let (document_at, plan_at) = (folder.join("openapi.json"), folder.join("plan.json"));
        std::fs::write(&document_at, document).expect("the description is written");
        let mut plan = self.caller.clone();
        let media = |name: &str| scripts.join("media").join(name);
        for (name, value) in [
            ("base", json!(format!("http://127.0.0.1:{}", self.server.port))),
            ("admin", json!({"email": KEEPER, "password": PASSWORD})),
            ("document", json!(document_at)),
            ("picture", json!(media("picture.jpg"))),
            ("video", json!(media("faststart.mp4"))),
            // Of a number of 64 bits a reader of JSON might keep only 53.
            ("seed", json!(attack.seed % (1 << 53))),
            ("phases", json!(attack.phases)),
            ("made_up", json!(attack.made_up)),
            ("examples", json!(attack.examples)),
            ("seconds", json!(attack.seconds)),
            ("words", json!(attack.words)),
            ("only", json!(attack.only)),
            ("whole", json!(attack.is_whole)),
            ("forbidden", json!(attack.forbidden)),
            ("foreign", json!([&self.foreign[..], &attack.unread[..]].concat())),
        ] {
            plan[name] = value;
        }
        std::fs::write(&plan_at, plan.to_string()).expect("the plan is written");
        // It gives way to those whose time is measured beside it.
        let output = tokio::process::Command::new("nice")
            .args(["-n", "5"])
            .arg(python)
            .arg(scripts.join("py/attack.py"))
            .arg(&plan_at)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .expect("Python runs");
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let summary = std::fs::read_to_string(folder.join("summary.json"));
        let summary = summary.unwrap_or_else(|_| panic!("the attack broke off ({}):\n{said}", output.status));
        let found: Found = serde_json::from_str(&summary).expect("a summary");
        assert_eq!(output.status.success(), found.failures.is_empty(), "{}:\n{said}", output.status);
        found
    }

    /// The server goes on as if nothing had happened, and its log knows of nothing that failed within.
    pub async fn is_well(&self) {
        let ready = http::get(self.server.port, "/ready").await;
        assert_eq!(ready.status, 200, "{}", ready.text);
        assert_eq!(self.as_keeper(Method::GET, "/api/sites", None).await.status, 200);
        let log = text(&self.log);
        assert!(log.contains("listening"), "this is its log");
        let bad = |line: &&str| line.contains("ERROR") || line.contains("panicked") || line.contains("request failed");
        let bad: Vec<&str> = log.lines().filter(bad).take(20).collect();
        assert!(bad.is_empty(), "{}", bad.join("\n"));
    }
}

impl Drop for Grounds {
    fn drop(&mut self) {
        self.server.kill_if_running();
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}
