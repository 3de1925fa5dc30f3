//! What the service tells of itself: its log at Logtail, its figures for Prometheus, its health for monitors, and with whom
//! it speaks at all.

pub mod day;
mod figures;
mod health;
mod logtail;
mod outgoing;
mod scraped;
pub mod sink;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde_json::json;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::watch;

use crate::support::cluster::scratch;
use crate::support::program::Server;
use crate::support::{Cluster, TestDb, http};

/// A running server with an administrator.
struct Watched {
    server: Server,
    db: TestDb,
    log: PathBuf,
}

/// The password of the administrator.
const PASSWORD: &str = "Tir au but 7";

impl Watched {
    /// Starts one with these variables beside those of its database and its folder.
    async fn start(name: &str, variables: &[(&str, &str)]) -> Self {
        let (db, log) = (Cluster::get().migrated().await, scratch(&format!("{name}.log")));
        let (url, data_dir) = (db.url(), scratch(name));
        let _ = (std::fs::remove_file(&log), std::fs::remove_dir_all(&data_dir));
        let mut all =
            BTreeMap::from([("DATABASE_URL", url.as_str()), ("NEOPRO_DATA_DIR", data_dir.to_str().expect("UTF-8"))]);
        all.extend(variables.iter().copied().filter(|(name, _)| *name != "DATABASE_URL"));
        let hash = neopro_central::auth::Passwords::default().hash(PASSWORD.into()).await.expect("a hash");
        let sql = "insert into users (email, password_hash, role) values ('camille@club.fr', $1, 'admin')";
        db.owner().await.execute(sql, &[&hash]).await.expect("an account");
        let all: Vec<(&str, &str)> = all.into_iter().collect();
        let mut server = Server::spawn(&all, &log);
        server.ready().await;
        Self { server, db, log }
    }

    /// Logs the administrator in.
    async fn login(&self) -> String {
        let body = json!({"email": "camille@club.fr", "password": PASSWORD});
        let answer = http::send(self.server.port, Method::POST, "/api/auth/login", None, Some(&body)).await;
        let answer = answer.expect("an answer").expect(StatusCode::OK);
        answer.json()["token"].as_str().expect("a token").to_owned()
    }

    /// What the process has said.
    fn said(&self) -> String {
        crate::support::program::text(&self.log)
    }
}

/// A way to the database by TCP that can be closed without a word: what is sent is taken, and nothing comes back.
struct Relay {
    /// The address of the database by this way.
    url: String,
    port: u16,
    hang: watch::Sender<bool>,
}

impl Relay {
    async fn to(db: &TestDb) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let url = db.url();
        let (login, rest) = url.split_once('@').expect("a login");
        let (name, folder) = rest.trim_start_matches('/').split_once("?host=").expect("a folder");
        let socket = PathBuf::from(folder).join(".s.PGSQL.5432");
        let (hang, hangs) = watch::channel(false);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (socket, mut hangs) = (socket.clone(), hangs.clone());
                tokio::spawn(async move {
                    if *hangs.borrow() {
                        // Nobody is there, and nobody says so.
                        tokio::time::sleep(Duration::from_secs(600)).await;
                    }
                    let mut database = UnixStream::connect(&socket).await.expect("the database");
                    tokio::select! {
                        _ = copy_bidirectional(&mut stream, &mut database) => {}
                        _ = hangs.changed() => tokio::time::sleep(Duration::from_secs(600)).await,
                    }
                });
            }
        });
        Self { url: format!("{login}@127.0.0.1:{port}/{name}"), port, hang }
    }
}
