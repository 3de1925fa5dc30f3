//! A running server with an administrator, sites and videos, spoken to as programs do.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::{Value, json};

use super::cluster::scratch;
use super::program::Server;
use super::{Answer, Cluster, Form, TestDb, http};

/// The key of a site of a stage.
pub fn key(site: &str) -> String {
    site.replace('-', "").repeat(2)
}

/// The server and what it knows.
pub struct Stage {
    pub server: Server,
    pub db: TestDb,
    pub data_dir: PathBuf,
    name: String,
    token: String,
}

impl Stage {
    /// Starts a server on a database of its own.
    pub async fn start(name: &str) -> Self {
        let (db, data_dir) = (Cluster::get().migrated().await, scratch(name));
        let _ = std::fs::remove_dir_all(&data_dir);
        let mut server = Self::serve(&db, &data_dir, name, None);
        server.ready().await;
        let hash = neopro_central::auth::Passwords::default().hash("Tir au but 7".into()).await.expect("a hash");
        db.owner()
            .await
            .execute("insert into users (email, password_hash, role) values ('a@club.fr', $1, 'admin')", &[&hash])
            .await
            .expect("an account");
        let login = json!({"email": "a@club.fr", "password": "Tir au but 7"});
        let answer = http::send(server.port, Method::POST, "/api/auth/login", None, Some(&login)).await;
        let token = answer.expect("an answer").json()["token"].as_str().expect("a token").to_owned();
        Self { server, db, data_dir, name: name.to_owned(), token }
    }

    fn serve(db: &TestDb, data_dir: &std::path::Path, name: &str, port: Option<u16>) -> Server {
        let variables = [("DATABASE_URL", db.url()), ("NEOPRO_DATA_DIR", data_dir.to_str().expect("UTF-8").to_owned())];
        let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
        Server::spawn_on(port, &variables, &scratch(&format!("{name}.log")))
    }

    /// Kills the server and starts it again at the same port.
    pub async fn kill_and_restart(&mut self) {
        self.server.kill();
        self.server = Self::serve(&self.db, &self.data_dir, &self.name, Some(self.server.port));
        self.server.ready().await;
    }

    /// The administrator's session.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// A site with its [`key`]: its id.
    pub async fn site(&self, name: &str) -> String {
        let id = uuid::Uuid::now_v7().to_string();
        let stored = neopro_central::sites::SiteKey::given(&key(&id)).stored();
        self.db
            .owner()
            .await
            .batch_execute(&format!(
                "insert into sites (id, site_name, club_name, api_key) values ('{id}', '{name}', 'Club {name}', '{stored}')"
            ))
            .await
            .expect("a site");
        id
    }

    /// A request as the administrator.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        http::send(self.server.port, method, path, Some(&self.token), body).await.expect("an answer")
    }

    /// A `GET` that has to succeed.
    pub async fn get(&self, path: &str) -> Value {
        let answer = self.call(Method::GET, path, None).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.json()
    }

    /// A `POST` that has to succeed.
    pub async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.call(Method::POST, path, Some(&body)).await;
        assert!(answer.status < 300, "{path}: {} {}", answer.status, answer.text);
        answer.json()
    }

    /// Adds a file to the library: its id.
    pub async fn upload(&self, name: &str, bytes: &[u8], category: Option<&str>) -> String {
        let mut form = Form::new();
        if let Some(category) = category {
            form = form.text("category", category);
        }
        let form = form.file("video", name, bytes);
        let answer = http::send_form(self.server.port, "/api/videos", &self.token, &form).await.expect("an answer");
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()["id"].as_str().expect("an id").to_owned()
    }

    /// Orders a video onto a site or group, or off it: the order's id.
    pub async fn order(&self, video: &str, target_type: &str, target: &str, action: &str) -> String {
        let order = json!({"video_id": video, "target_type": target_type, "target_id": target, "action": action});
        self.post("/api/deployments", order).await["id"].as_str().expect("an id").to_owned()
    }

    /// Waits until an order is this far.
    pub async fn until(&self, order: &str, status: &str) -> Value {
        self.until_it(&format!("/api/deployments/{order}"), status, |order| order["status"] == status).await
    }

    /// Waits until what a `GET` answers is as it is to be.
    pub async fn until_it(&self, path: &str, what: &str, mut holds: impl FnMut(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let answer = self.get(path).await;
            if holds(&answer) {
                return answer;
            }
            assert!(began.elapsed() < Duration::from_secs(40), "{path} is not {what}: {answer:#}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.server.kill_if_running();
        let _ = std::fs::remove_dir_all(&self.data_dir);
    }
}
