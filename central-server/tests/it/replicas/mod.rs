//! Several servers on one database, and Redis between them: what is done on one is done on all.

mod bell;
pub mod boxes;
mod budget;
mod crowd;
mod nginx;
mod polling;
mod post;
mod stops;
mod versions;
mod wrong;

use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::cluster::scratch;
use crate::support::program::{self, Server};
use crate::support::stage::key;
use crate::support::{Answer, Cluster, Redis, TestDb, http};

/// What all servers of a test have in common.
const SECRETS: [(&str, &str); 2] = [
    ("JWT_SECRET", "one secret of all replicas, 0123456789 abcdefghij"),
    ("MFA_ENCRYPTION_KEY", "one key of all replicas, 0123456789 abcdefghij"),
];

/// Servers on one database, with an administrator.
pub struct Replicas {
    pub servers: Vec<Server>,
    pub db: TestDb,
    pub token: String,
    name: String,
    variables: Vec<(String, String)>,
}

impl Replicas {
    /// Starts so many, with these variables besides, and waits until they know of each other.
    pub async fn start(name: &str, count: usize, variables: &[(&str, &str)]) -> Self {
        let db = Cluster::get().migrated().await;
        let url = db.url();
        Self::start_on(name, count, db, &url, variables).await
    }

    /// The same on this database, which servers reach by this `DATABASE_URL`.
    pub async fn start_on(name: &str, count: usize, db: TestDb, url: &str, variables: &[(&str, &str)]) -> Self {
        let mut replicas = Self::nobody(name, db, url, variables);
        for _ in 0..count {
            replicas.add(&[]).await;
        }
        replicas.token = replicas.login().await;
        if count > 1 {
            replicas.know_of_each_other().await;
        }
        replicas
    }

    /// No server yet, and nobody logged in.
    pub fn nobody(name: &str, db: TestDb, url: &str, variables: &[(&str, &str)]) -> Self {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let mut all: Vec<(String, String)> = SECRETS.iter().chain(variables).map(own).collect();
        all.push(("DATABASE_URL".into(), url.to_owned()));
        all.push(("NEOPRO_RATE_LIMITS".into(), "off".into()));
        Self { servers: Vec::new(), db, token: String::new(), name: name.to_owned(), variables: all }
    }

    /// One more, with these variables instead.
    pub async fn add(&mut self, instead: &[(&str, &str)]) {
        // The log of an earlier run.
        let _ = std::fs::remove_file(self.log_path(self.servers.len()));
        let mut server = self.spawn(self.servers.len(), None, instead);
        server.ready().await;
        self.servers.push(server);
    }

    /// Starts the replica of this number anew, at its port.
    pub async fn again(&mut self, number: usize) {
        let port = self.servers[number].port;
        self.servers[number] = self.spawn(number, Some(port), &[]);
        self.servers[number].ready().await;
    }

    /// One more, of another version of the program.
    pub async fn add_another(&mut self, program: &str) {
        let number = self.servers.len();
        let _ = std::fs::remove_file(self.log_path(number));
        let data_dir = self.data_dir(number);
        let mut server = Server::spawn_another(program, &self.environment(&data_dir, &[]), &self.log_path(number));
        server.ready().await;
        self.servers.push(server);
    }

    fn spawn(&self, number: usize, port: Option<u16>, instead: &[(&str, &str)]) -> Server {
        let data_dir = self.data_dir(number);
        Server::spawn_on(port, &self.environment(&data_dir, instead), &self.log_path(number))
    }

    fn data_dir(&self, number: usize) -> String {
        scratch(&format!("{}-{number}", self.name)).to_str().expect("UTF-8").to_owned()
    }

    fn environment<'a>(&'a self, data_dir: &'a str, instead: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let mut variables = program_variables(&self.variables);
        variables.push(("NEOPRO_DATA_DIR", data_dir));
        variables.retain(|(name, _)| !instead.iter().any(|(other, _)| name == other));
        variables.extend(instead);
        variables
    }

    fn log_path(&self, number: usize) -> std::path::PathBuf {
        scratch(&format!("{}-{number}.log", self.name))
    }

    /// What the replica of this number has logged.
    pub fn log(&self, number: usize) -> String {
        let text = program::text(&self.log_path(number));
        // Without the colours of a log for people.
        let mut pieces = text.split("\u{1b}[");
        let first = pieces.next().unwrap_or_default().to_owned();
        pieces.fold(first, |text, piece| text + piece.split_once('m').map_or("", |(_, rest)| rest))
    }

    /// A new session of a new administrator.
    pub async fn login(&self) -> String {
        self.login_at(0).await
    }

    /// The same, begun at the replica of this number.
    pub async fn login_at(&self, number: usize) -> String {
        let email = format!("{}@club.test", uuid::Uuid::now_v7());
        let hash = neopro_central::auth::Passwords::default().hash("Tir au but 7".into()).await.expect("a hash");
        self.db
            .owner()
            .await
            .execute("insert into users (email, password_hash, role) values ($1, $2, 'super_admin')", &[&email, &hash])
            .await
            .expect("an account");
        let login = json!({"email": email, "password": "Tir au but 7"});
        let answer = http::send(self.servers[number].port, Method::POST, "/api/auth/login", None, Some(&login)).await;
        answer.expect("an answer").json()["token"].as_str().expect("a token").to_owned()
    }

    /// Waits until each has all others on its list: the log says so.
    pub async fn know_of_each_other(&self) {
        let others = self.servers.len() - 1;
        for number in 0..self.servers.len() {
            until("the replicas know of each other", Duration::from_secs(30), async || {
                self.log(number).contains(&format!("others={others}"))
            })
            .await;
        }
    }

    /// A request to the replica of this number, as the administrator.
    pub async fn call(&self, number: usize, method: Method, path: &str, body: Option<&Value>) -> Answer {
        http::send(self.servers[number].port, method, path, Some(&self.token), body).await.expect("an answer")
    }

    /// The `redis` of the health of a replica.
    pub async fn redis_of(&self, number: usize) -> Value {
        http::get(self.servers[number].port, "/health").await.json()["checks"]["redis"].clone()
    }

    /// A site with its [`key`]: its id.
    pub async fn site(&self, name: &str) -> String {
        let id = uuid::Uuid::now_v7().to_string();
        let stored = neopro_central::sites::SiteKey::given(&key(&id)).stored();
        self.sql(&format!(
            "insert into sites (id, site_name, club_name, api_key) values ('{id}', '{name}', 'Club {name}', '{stored}')"
        ))
        .await;
        id
    }

    /// A video that boxes could fetch: its id.
    pub async fn video(&self, name: &str) -> String {
        let id = uuid::Uuid::now_v7();
        self.sql(&format!(
            "insert into videos (id, filename, original_name, file_size, mime_type, storage_path, checksum) \
             values ('{id}', '{name}', '{name}', 1000, 'video/mp4', 'videos/{id}', md5('{id}') || md5('{id}'))"
        ))
        .await;
        id.to_string()
    }

    /// Orders a video onto a site, at the replica of this number: the order's id.
    pub async fn order(&self, number: usize, video: &str, site: &str) -> String {
        let order = json!({"video_id": video, "target_type": "site", "target_id": site, "action": "install"});
        let answer = self.call(number, Method::POST, "/api/deployments", Some(&order)).await;
        assert!(answer.status < 300, "{}", answer.text);
        answer.json()["id"].as_str().expect("an id").to_owned()
    }

    /// Runs a statement as the owner.
    pub async fn sql(&self, sql: &str) {
        self.db.owner().await.batch_execute(sql).await.expect("the owner may");
    }

    /// The number of the replica that has the box of a site.
    pub async fn seat(&self, site: &str) -> usize {
        let sql = format!(
            "select (count(*) filter (where r.started_at < own.started_at))::text from replicas r, replicas own \
             where own.id = (select replica_id from sites where id = '{site}')"
        );
        self.value(&sql).await.parse().expect("a number")
    }

    /// One value of one row, as text.
    pub async fn value(&self, sql: &str) -> String {
        let row = self.db.owner().await.query_one(sql, &[]).await.expect("a row");
        row.get::<_, Option<String>>(0).unwrap_or_default()
    }
}

impl Drop for Replicas {
    fn drop(&mut self) {
        for (number, server) in self.servers.iter_mut().enumerate() {
            server.kill_if_running();
            let _ = std::fs::remove_dir_all(scratch(&format!("{}-{number}", self.name)));
        }
    }
}

fn program_variables(variables: &[(String, String)]) -> Vec<(&str, &str)> {
    variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// Waits until something holds, and says how long that took.
pub async fn until(what: &str, within: Duration, mut holds: impl AsyncFnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < within, "not within {within:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    began.elapsed()
}

/// A Redis, and the variable that names it.
pub fn redis() -> (Redis, String) {
    let redis = Redis::start();
    let url = redis.url();
    (redis, url)
}
