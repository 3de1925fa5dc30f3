//! The server's own router on a database of its own, driven without a socket. Every answer is held against
//! the OpenAPI document on the way.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use axum::response::Response;
use http_body_util::BodyExt as _;
use neopro_central::app::App;
use neopro_central::clock::{Clock, Time};
use neopro_central::config::{Config, Secret};
use neopro_central::db::{Db, Target};
use neopro_central::health::DatabaseState;
use neopro_central::http::pages::{File, Pages};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::cluster::scratch;
use super::contract;
use super::form::Form;
use super::{Cluster, TestDb, Watcher};

/// 2026-01-15 12:00 UTC: every test begins at this moment.
pub const NOON: i64 = 1_768_478_400;

/// The password of every account that a test makes.
pub const PASSWORD: &str = "Tir au but 7";

/// A server of one test. Its folder goes when it is dropped.
pub struct TestApp {
    pub app: App,
    pub db: TestDb,
    pub clock: Clock,
    router: Router,
}

impl TestApp {
    /// A server on a migrated database, in development mode.
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// A server with these environment variables.
    pub async fn with(variables: &[(&str, &str)]) -> Self {
        Self::on(Cluster::get().migrated().await, variables).await
    }

    /// A server with this dashboard.
    pub async fn serving(files: &'static [File]) -> Self {
        Self::build(Cluster::get().migrated().await, &[], files)
    }

    /// A server on this database.
    pub async fn on(db: TestDb, variables: &[(&str, &str)]) -> Self {
        // Whether somebody has built a dashboard here decides no test.
        Self::build(db, variables, &[])
    }

    fn build(db: TestDb, variables: &[(&str, &str)], files: &'static [File]) -> Self {
        let folder = scratch(&db.name);
        let mut variables: Vec<(String, String)> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        variables.push(("NEOPRO_DATA_DIR".to_owned(), folder.to_str().expect("UTF-8").to_owned()));
        // The clock stands still, so no bucket fills again; `rate_limits.rs` switches them on.
        variables.push(("NEOPRO_RATE_LIMITS".to_owned(), "off".to_owned()));
        let source =
            move |name: &str| variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let config = Config::read(source).expect("a valid configuration").config;
        let clock = Clock::manual(Time::from_unix_micros(NOON * 1_000_000));
        let pages = Pages::of(files, &config.own_url());
        let secret = "a secret for tests, as long as it has to be";
        let sealed_with = config.mfa_encryption_key.as_ref().map_or("another secret", Secret::expose).to_owned();
        let app = App::with_pages(config, secret, &sealed_with, clock.clone(), Some(pages));
        app.set_db(db.pool(4));
        app.doctor.set_target(Target::plain(db.config.clone()));
        app.health.set_database(DatabaseState::Up, Duration::from_millis(1));
        let router = app.router();
        Self { app, db, clock, router }
    }

    /// Every file of the storage, by its path there.
    pub fn stored(&self) -> Vec<String> {
        stored(&self.app.config.data_dir)
    }

    /// The way to the database, as the server itself.
    pub fn pool(&self) -> Db {
        self.app.db().expect("a database")
    }

    /// A request without a body.
    pub fn get(&self, path: &str) -> Call<'_> {
        self.call(Method::GET, path)
    }

    /// A `POST` with a JSON body.
    pub fn post(&self, path: &str, body: Value) -> Call<'_> {
        self.call(Method::POST, path).json(&body)
    }

    /// A `PUT` with a JSON body.
    pub fn put(&self, path: &str, body: Value) -> Call<'_> {
        self.call(Method::PUT, path).json(&body)
    }

    /// A `DELETE`.
    pub fn delete(&self, path: &str) -> Call<'_> {
        self.call(Method::DELETE, path)
    }

    /// Any request.
    pub fn call(&self, method: Method, path: &str) -> Call<'_> {
        // Nobody runs the live channel's loop here, and a test may take longer than health has patience.
        self.app.health.live_came_round();
        Call {
            app: self,
            method,
            path: path.to_owned(),
            headers: HeaderMap::new(),
            body: Vec::new(),
            peer: [192, 0, 2, 7],
        }
    }

    /// An account with [`PASSWORD`], made by SQL. All of them have one hash: to make one takes as long as a login.
    pub async fn account(&self, email: &str, role: &str) {
        static HASH: tokio::sync::OnceCell<String> = tokio::sync::OnceCell::const_new();
        let hash = HASH.get_or_init(async || self.app.passwords.hash(PASSWORD.into()).await.expect("a hash")).await;
        self.db
            .owner()
            .await
            .execute(
                "insert into users (email, password_hash, full_name, role) values ($1, $2, 'Camille Durand', $3)",
                &[&email, &hash, &role],
            )
            .await
            .expect("an account");
    }

    /// A new account with this role, logged in: its token.
    pub async fn token(&self, role: &str) -> String {
        let email = format!("{}@neopro.test", uuid::Uuid::now_v7());
        self.account(&email, role).await;
        self.login(&email).await
    }

    /// A token of the API for whoever has this session: its id and itself.
    pub async fn api_token(&self, session: &str, scopes: &[&str]) -> (String, String) {
        let new = json!({"name": "Essai", "scopes": scopes, "expires_in_days": 30});
        let made = self.post("/api/auth/tokens", new).bearer(session).send().await.expect(StatusCode::CREATED).json();
        let text = |field: &str| made[field].as_str().expect("a text").to_owned();
        (text("id"), text("token"))
    }

    /// Logs an account with [`PASSWORD`] in.
    pub async fn login(&self, email: &str) -> String {
        let answer = self.post("/api/auth/login", json!({"email": email, "password": PASSWORD})).send().await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["token"].as_str().expect("a token").to_owned()
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.app.config.data_dir);
    }
}

/// Every file of the storage in a data folder.
pub fn stored(data_dir: &std::path::Path) -> Vec<String> {
    let root = data_dir.join("storage");
    let (mut folders, mut files): (Vec<PathBuf>, Vec<String>) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path.strip_prefix(&root).expect("below").to_str().expect("ASCII").to_owned());
            }
        }
    }
    files.sort();
    files
}

/// A request that is being put together.
pub struct Call<'a> {
    app: &'a TestApp,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Vec<u8>,
    peer: [u8; 4],
}

impl Call<'_> {
    /// With this session.
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// With this header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name: axum::http::HeaderName = name.parse().expect("a header's name");
        self.headers.append(name, value.parse().expect("a header's value"));
        self
    }

    /// With these headers in the place of those of the same names.
    pub fn headers(mut self, headers: HeaderMap) -> Self {
        for (name, value) in headers.into_iter().filter_map(|(name, value)| Some((name?, value))) {
            self.headers.insert(name, value);
        }
        self
    }

    /// With this JSON body.
    pub fn json(self, body: &Value) -> Self {
        let bytes = serde_json::to_vec(body).expect("JSON");
        self.header("content-type", "application/json").body(bytes)
    }

    /// With a form as the body, its length announced.
    pub fn form(self, form: &Form) -> Self {
        let bytes = form.bytes();
        self.header("content-type", &form.media_type()).header("content-length", &bytes.len().to_string()).body(bytes)
    }

    /// With these bytes as the body.
    pub fn body(mut self, bytes: Vec<u8>) -> Self {
        self.body = bytes;
        self
    }

    /// From this address.
    pub fn from(mut self, peer: [u8; 4]) -> Self {
        self.peer = peer;
        self
    }

    /// Opens a stream, which has to begin.
    pub async fn open(self) -> Watcher {
        let (parts, body) = self.response().await.into_parts();
        assert_eq!(parts.status, StatusCode::OK);
        Watcher::of(parts.headers, body)
    }

    /// Sends it for its status alone: of thousands nobody reads the bodies.
    pub async fn status(self) -> u16 {
        self.response().await.status().as_u16()
    }

    async fn response(self) -> Response {
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(&self.path)
            .body(Body::from(self.body))
            .expect("a request");
        *request.headers_mut() = self.headers;
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from((self.peer, 40_000))));
        self.app.router.clone().oneshot(request).await.expect("an infallible router")
    }

    /// Sends it, and holds the answer against the contract.
    pub async fn send(self) -> Answer {
        let (method, path) = (self.method.clone(), self.path.clone());
        let answer = self.unjudged().await;
        contract::check(&method, &path, &answer);
        answer
    }

    /// Sends it to what is no part of the contract. Of a stream its first words are enough.
    pub async fn unjudged(self) -> Answer {
        let (parts, mut body) = self.response().await.into_parts();
        let is_stream = parts.headers.get("content-type").is_some_and(|kind| kind == "text/event-stream");
        let bytes = match is_stream {
            true => body.frame().await.expect("a word").expect("bytes").into_data().expect("data"),
            false => body.collect().await.expect("a body").to_bytes(),
        };
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
            bytes,
        }
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
    pub bytes: Bytes,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {:?}", self.text))
    }

    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().expect("ASCII")).unwrap_or_default()
    }

    /// The answer, once its status is this one.
    pub fn expect(self, status: StatusCode) -> Self {
        assert_eq!(self.status, status.as_u16(), "{}", self.text);
        self
    }

    /// The stable word of a failure.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The fields that a failure names.
    pub fn fields(&self) -> Vec<String> {
        let body = self.json();
        let details = body["details"].as_array().cloned().unwrap_or_default();
        details.iter().map(|problem| problem["field"].as_str().expect("a field").to_owned()).collect()
    }
}
