//! What depends on the server's secrets, and what does not.

use axum::http::Method;
use serde_json::json;

use crate::support::cluster::scratch;
use crate::support::program::{Server, free_port, run, words};
use crate::support::{Cluster, Player, http, stage};

/// A server with this secret at this port.
async fn serving(url: &str, port: u16, secret: &str) -> Server {
    let data_dir = scratch("secrets");
    let variables =
        [("DATABASE_URL", url), ("JWT_SECRET", secret), ("NEOPRO_DATA_DIR", data_dir.to_str().expect("UTF-8"))];
    let mut server = Server::spawn_on(Some(port), &variables, &scratch("secrets.log"));
    server.ready().await;
    server
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_jwt_secret_logs_people_out_and_boxes_and_programs_stay() {
    let db = Cluster::get().migrated().await;
    let (url, port) = (db.url(), free_port());
    let mut server = serving(&url, port, "the secret of yesterday, 0123456789 abcdefghij klmnopqrst uvwxyz").await;
    let flags = ["create-admin", "--email", "a@club.fr", "--full-name", "A", "--password-stdin"];
    let made = run(&flags, &[("DATABASE_URL", &url)], "Tir au but 7\n");
    assert!(made.status.success(), "{}", words(&made));
    let login = async || {
        let body = json!({"email": "a@club.fr", "password": "Tir au but 7"});
        let answer = http::send(port, Method::POST, "/api/auth/login", None, Some(&body)).await.expect("an answer");
        answer.json()["token"].as_str().expect("a token").to_owned()
    };
    let status = async |token: &str| {
        http::send(port, Method::GET, "/api/sites", Some(token), None).await.expect("an answer").status
    };
    let session = login().await;
    let new = json!({"name": "Inventaire", "scopes": ["read"], "expires_in_days": 30});
    let token = http::send(port, Method::POST, "/api/auth/tokens", Some(&session), Some(&new)).await;
    let token = token.expect("an answer").json()["token"].as_str().expect("a token").to_owned();
    let site = json!({"site_name": "Gymnase", "club_name": "Élan"});
    let site =
        http::send(port, Method::POST, "/api/sites", Some(&session), Some(&site)).await.expect("an answer").json();
    let (id, key) = (site["id"].as_str().expect("an id"), site["api_key"].as_str().expect("a key"));
    assert_ne!(key, stage::key(id), "the key is the one that was given to the person");
    let mut agent = Player::start_with("agent.mjs", port, id, key, "websocket");
    agent.says("authenticated").await;
    assert_eq!((status(&session).await, status(&token).await), (200, 200));

    assert!(server.terminate().await.success());
    agent.says("disconnect").await;
    let mut server = serving(&url, port, "the secret of today, 0123456789 abcdefghij klmnopqrst uvwxyz !!").await;
    agent.says("authenticated").await;
    assert_eq!((status(&session).await, status(&token).await), (401, 200));
    assert_eq!(status(&login().await).await, 200, "the same password lets the same person in");
    assert!(server.terminate().await.success());
}
