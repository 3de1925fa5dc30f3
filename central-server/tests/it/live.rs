//! The live channel: boxes of the field (the official client, in a process of its own), and strangers.

use std::time::{Duration, Instant};

use axum::http::Method;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio_tungstenite::tungstenite::Message;

use crate::support::cluster::scratch;
use crate::support::program::Server;
use crate::support::{Cluster, Player, TestDb, http};

/// A server with one site.
struct Fleet {
    server: Server,
    db: TestDb,
    site: String,
    key: String,
}

impl Fleet {
    async fn start(name: &str) -> Self {
        let db = Cluster::get().migrated().await;
        let data_dir = scratch(name);
        let variables = [("DATABASE_URL", db.url()), ("NEOPRO_DATA_DIR", data_dir.to_str().expect("UTF-8").to_owned())];
        let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
        let mut server = Server::spawn(&variables, &scratch(&format!("{name}.log")));
        server.ready().await;
        let key = "0123456789abcdef".repeat(4);
        let site = uuid::Uuid::now_v7().to_string();
        let stored = neopro_central::sites::SiteKey::given(&key).stored();
        db.owner()
            .await
            .batch_execute(&format!(
                "insert into sites (id, site_name, club_name, api_key) values ('{site}', 'Gymnase', 'Club', '{stored}')"
            ))
            .await
            .expect("a site");
        Self { server, db, site, key }
    }

    fn boxed(&self, key: &str, transports: &str) -> Player {
        Player::start_with("box.mjs", self.server.port, &self.site, key, transports)
    }

    async fn row(&self) -> Value {
        let sql = self.db.owner().await;
        let row = sql
            .query_one(
                "select to_jsonb(s) from sites s where id = $1",
                &[&uuid::Uuid::parse_str(&self.site).expect("an id")],
            )
            .await;
        row.expect("the site").get(0)
    }

    async fn until(&self, what: &str, mut holds: impl FnMut(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let row = self.row().await;
            if holds(&row) {
                return row;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "{what}: {row}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

fn heartbeat(version: &str) -> Value {
    json!(["heartbeat", {"siteId": "x", "timestamp": 1, "softwareVersion": version, "versionInfo": null,
        "metrics": {"cpu": 1.5, "memory": 2, "temperature": 0, "disk": 3, "uptime": 4.5, "localIp": "192.168.1.20", "timestamp": 1}}])
}

#[tokio::test]
async fn a_box_of_the_field_connects_unchanged_by_every_transport() {
    let mut fleet = Fleet::start("live-transports").await;
    for (transports, version) in [("websocket,polling", "1.0.1"), ("polling", "1.0.2"), ("polling,websocket", "1.0.3")]
    {
        let mut old = fleet.boxed(&fleet.key, transports);
        // Boxes flush what they kept before they say who they are.
        old.tell(&heartbeat(version)).await;
        let opened = old.says("open").await;
        assert_eq!(opened["transport"], transports.split(',').next().expect("one"));
        assert_eq!(old.says("authenticated").await["siteId"], fleet.site.as_str());
        let row = fleet.until("the heartbeat arrives", |row| row["software_version"] == version).await;
        assert_eq!(
            (&row["status"], &row["local_ip"], &row["last_ip"]),
            (&json!("online"), &json!("192.168.1.20"), &json!("127.0.0.1"))
        );
        if transports == "polling,websocket" {
            assert_eq!(old.says("upgrade").await["transport"], "websocket");
            old.tell(&heartbeat("1.0.4")).await;
            fleet.until("and goes on behind the change", |row| row["software_version"] == "1.0.4").await;
        }
        old.pull_the_plug().await;
        if transports.starts_with("websocket") {
            fleet.until("it goes offline", |row| row["status"] == "offline").await;
        }
    }
    assert!(fleet.server.terminate().await.success());
}

#[tokio::test]
async fn a_box_that_comes_back_takes_its_own_place_without_going_offline() {
    let fleet = Fleet::start("live-back").await;
    let mut first = fleet.boxed(&fleet.key, "websocket");
    first.says("authenticated").await;
    fleet.until("it is online", |row| row["status"] == "online").await;
    let mut second = fleet.boxed(&fleet.key, "websocket");
    second.says("authenticated").await;
    assert_eq!(first.says("disconnect").await["reason"], "transport close");
    first.pull_the_plug().await;
    for _ in 0..70 {
        assert_eq!(fleet.row().await["status"], "online");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_connection_that_ends_says_nothing_of_a_site_that_was_heard_of_elsewhere_since() {
    let fleet = Fleet::start("live-elsewhere").await;
    let mut old = fleet.boxed(&fleet.key, "websocket");
    old.says("authenticated").await;
    fleet.until("it is online", |row| row["status"] == "online").await;
    let sql = fleet.db.owner().await;
    sql.batch_execute("update sites set last_seen_at = now() + interval '20 seconds'").await.expect("the owner may");
    old.pull_the_plug().await;
    // News are written every five seconds.
    tokio::time::sleep(Duration::from_secs(7)).await;
    assert_eq!(fleet.row().await["status"], "online");
}

#[tokio::test]
async fn only_a_definitive_refusal_is_one() {
    let mut fleet = Fleet::start("live-refusals").await;
    let wrong = "f".repeat(64);
    let mut old = fleet.boxed(&wrong, "websocket");
    assert!(old.says("auth_error").await["message"].as_str().is_some_and(|words| !words.is_empty()));
    assert_eq!(old.says("disconnect").await["reason"], "io server disconnect");
    let mut stranger =
        Player::start_with("box.mjs", fleet.server.port, &uuid::Uuid::now_v7().to_string(), &fleet.key, "polling");
    stranger.says("auth_error").await;

    // The database in trouble is no refusal: it would end the program of every box.
    fleet.db.admin().await.batch_execute("revoke usage on schema public from public").await.expect("the superuser may");
    let mut unlucky = fleet.boxed(&fleet.key, "websocket");
    unlucky.says("disconnect").await;
    fleet.db.admin().await.batch_execute("grant usage on schema public to public").await.expect("the superuser may");
    unlucky.says("authenticated").await;
    assert!(fleet.server.terminate().await.success());
}

#[tokio::test]
async fn an_old_key_is_verified_once_and_then_stored_as_ours() {
    let fleet = Fleet::start("live-bcrypt").await;
    // "motDePasse-42" again, as in the tests of logins: any text may be a key.
    let bcrypt = "$2b$04$abcdefghijklmnopqrstuujgDXVs49d209KQySdu6saHU25G9L7Tm";
    fleet.db.owner().await.execute("update sites set api_key = $1", &[&bcrypt]).await.expect("the owner may");
    let mut wrong = fleet.boxed("motDePasse-43", "websocket");
    wrong.says("auth_error").await;
    assert_eq!(fleet.row().await["api_key"], bcrypt);
    for _ in 0..2 {
        let mut right = fleet.boxed("motDePasse-42", "websocket");
        right.says("authenticated").await;
        assert!(fleet.row().await["api_key"].as_str().is_some_and(|key| key.starts_with("sha256:")));
    }
}

#[tokio::test]
async fn a_key_that_is_replaced_while_it_is_verified_is_none() {
    let fleet = Fleet::start("live-bcrypt-race").await;
    let bcrypt = "$2b$04$abcdefghijklmnopqrstuujgDXVs49d209KQySdu6saHU25G9L7Tm";
    let sql = fleet.db.owner().await;
    sql.execute("update sites set api_key = $1", &[&bcrypt]).await.expect("the owner may");
    sql.batch_execute("begin; update sites set api_key = 'sha256:another'").await.expect("not seen by others yet");
    let mut old = fleet.boxed("motDePasse-42", "websocket");
    // Verified against the old hash, the box waits to have it replaced.
    let watcher = fleet.db.admin().await;
    let waits = "select exists (select from pg_stat_activity where wait_event_type = 'Lock' \
        and datname = current_database())";
    let began = Instant::now();
    while !watcher.query_one(waits, &[]).await.expect("an answer").get::<_, bool>(0) {
        assert!(began.elapsed() < Duration::from_secs(20), "the box was never verified");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    sql.batch_execute("commit").await.expect("now it is the key");
    old.says("auth_error").await;
}

#[tokio::test]
async fn two_sites_with_one_old_key_are_both_let_in() {
    let fleet = Fleet::start("live-copied-key").await;
    let sql = fleet.db.owner().await;
    // Two hashes of "motDePasse-42", as two rows of NeoPro 1 have them of one copied card.
    let other = uuid::Uuid::now_v7().to_string();
    let (one, two) = ("motDePasse-42", bcrypt_of("motDePasse-42"));
    sql.execute("update sites set api_key = $1", &[&bcrypt_of(one)]).await.expect("the owner may");
    sql.batch_execute(&format!(
        "insert into sites (id, site_name, club_name, api_key) values ('{other}', 'Autre', 'Club', '{two}')"
    ))
    .await
    .expect("another site");
    fleet.boxed(one, "websocket").says("authenticated").await;
    for _ in 0..2 {
        Player::start_with("box.mjs", fleet.server.port, &other, one, "websocket").says("authenticated").await;
    }
}

fn bcrypt_of(key: &str) -> String {
    bcrypt::hash(key, 4).expect("a hash")
}

#[tokio::test]
async fn a_new_key_or_a_deletion_ends_the_connection() {
    let fleet = Fleet::start("live-new-key").await;
    let sql = fleet.db.owner().await;
    let hash = neopro_central::auth::Passwords::default().hash("Tir au but 7".into()).await.expect("a hash");
    sql.execute("insert into users (email, password_hash, role) values ('a@club.fr', $1, 'admin')", &[&hash])
        .await
        .expect("an account");
    let login = json!({"email": "a@club.fr", "password": "Tir au but 7"});
    let answer =
        http::send(fleet.server.port, Method::POST, "/api/auth/login", None, Some(&login)).await.expect("an answer");
    let token = answer.json()["token"].as_str().expect("a token").to_owned();

    let mut old = fleet.boxed(&fleet.key, "websocket");
    old.says("authenticated").await;
    let path = format!("/api/sites/{}/regenerate-key", fleet.site);
    let new = http::send(fleet.server.port, Method::POST, &path, Some(&token), None).await.expect("an answer").json();
    old.says("disconnect").await;
    old.says("auth_error").await;
    let mut renewed = fleet.boxed(new["api_key"].as_str().expect("a key"), "websocket");
    renewed.says("authenticated").await;
    let path = format!("/api/sites/{}", fleet.site);
    http::send(fleet.server.port, Method::DELETE, &path, Some(&token), None).await.expect("an answer");
    renewed.says("disconnect").await;
    renewed.says("auth_error").await;
}

type Socket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

async fn socket(port: u16) -> Socket {
    let address = format!("ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket");
    let (mut socket, _) = tokio_tungstenite::connect_async(address).await.expect("a socket");
    let open = socket.next().await.expect("a packet").expect("whole").into_text().expect("text");
    let open: Value = serde_json::from_str(&open[1..]).expect("the engine's greeting");
    assert_eq!(
        (&open["pingInterval"], &open["pingTimeout"], &open["maxPayload"]),
        (&json!(25_000), &json!(60_000), &json!(10_000_000))
    );
    socket
}

/// Whether the server ends it within this time.
async fn ends(socket: &mut Socket, within: Duration) -> bool {
    let end = async {
        while let Some(Ok(message)) = socket.next().await {
            if message.is_close() {
                break;
            }
        }
    };
    tokio::time::timeout(within, end).await.is_ok()
}

#[tokio::test]
async fn too_many_silent_sockets_cost_the_oldest_and_never_a_newcomer() {
    let fleet = Fleet::start("live-silent").await;
    let port = fleet.server.port;
    let mut silent = Vec::new();
    for _ in 0..40 {
        silent.push(socket(port).await);
    }
    tokio::time::sleep(Duration::from_secs(4)).await;
    let mut closed = Vec::new();
    for socket in &mut silent {
        closed.push(ends(socket, Duration::from_millis(20)).await);
    }
    assert_eq!(closed, [vec![true; 20], vec![false; 20]].concat(), "the twenty oldest of one address are gone");
    let mut old = fleet.boxed(&fleet.key, "websocket");
    old.says("authenticated").await;
}

#[tokio::test]
async fn strangers_and_broken_packets_end_their_own_session_only() {
    let fleet = Fleet::start("live-broken").await;
    let port = fleet.server.port;
    let mut old = fleet.boxed(&fleet.key, "websocket");
    old.says("authenticated").await;
    let huge = format!("42[\"heartbeat\",\"{}\"]", "x".repeat(11_000_000));
    for packet in
        ["", "nonsense", "42", "42{}", "40/admin,", "451-[\"a\"]", "42[1]", &"[".repeat(100_000), huge.as_str()]
    {
        let mut stranger = socket(port).await;
        let _ = stranger.send(Message::text(packet)).await;
        assert!(ends(&mut stranger, Duration::from_secs(5)).await, "{}", &packet[..packet.len().min(40)]);
    }
    let mut binary = socket(port).await;
    binary.send(Message::binary(vec![0, 1, 2])).await.expect("sent");
    assert!(ends(&mut binary, Duration::from_secs(5)).await);
    // More than may be said before saying who one is.
    let mut talker = socket(port).await;
    talker.send(Message::text("40")).await.expect("sent");
    for _ in 0..17 {
        let _ = talker.send(Message::text(r#"42["heartbeat",{}]"#)).await;
    }
    assert!(ends(&mut talker, Duration::from_secs(5)).await);
    for query in [
        "",
        "EIO=3&transport=websocket",
        "EIO=4&transport=carrier-pigeon",
        "EIO=4&transport=polling&sid=unknown",
        "EIO=4&transport=websocket",
    ] {
        let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.expect("a connection");
        let mut stream = BufReader::new(stream);
        stream
            .write_all(format!("GET /socket.io/?{query} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes())
            .await
            .expect("sent");
        let mut line = String::new();
        stream.read_line(&mut line).await.expect("an answer");
        assert!(line.starts_with("HTTP/1.1 400"), "{query}: {line}");
    }
    old.tell(&heartbeat("9.9")).await;
    fleet.until("the box did not notice", |row| row["software_version"] == "9.9").await;
}
