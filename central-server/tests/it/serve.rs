//! The running program: up, down, and through a database that comes and goes.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use axum::http::Method;
use neopro_central::db::embedded::{Embedded, Options};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::cluster::scratch;
use crate::support::program::{Server, run, text, words};
use crate::support::{Cluster, http};

/// A PostgreSQL that a test may stop and start.
struct Stoppable {
    data_dir: PathBuf,
    running: Option<Embedded>,
}

impl Stoppable {
    async fn start(name: &str) -> Self {
        let mut database = Self { data_dir: scratch(name), running: None };
        let _ = std::fs::remove_dir_all(&database.data_dir);
        database.up().await;
        database
    }

    async fn up(&mut self) {
        let options = Options { data_dir: &self.data_dir, runtime_dir: None, settings: &[("fsync", "off")] };
        self.running = Some(Embedded::start(options).await.expect("the database starts"));
    }

    async fn down(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await.expect("the database stops");
        }
    }

    fn url(&self) -> String {
        let config = self.running.as_ref().expect("a running database").config();
        let tokio_postgres::config::Host::Unix(folder) = &config.get_hosts()[0] else { panic!("a socket") };
        let password = String::from_utf8(config.get_password().expect("a password").to_vec()).expect("ASCII");
        format!("postgresql://neopro:{password}@/neopro?host={}", folder.display())
    }
}

async fn until(what: &str, within: Duration, mut holds: impl AsyncFnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < within, "not within {within:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    began.elapsed()
}

/// A database that takes every connection and never says a word.
async fn black_hole() -> u16 {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let port = listener.local_addr().expect("its address").port();
    tokio::spawn(async move {
        let mut silent = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            silent.push(stream);
        }
    });
    port
}

#[tokio::test]
async fn live_is_answered_within_fifty_milliseconds_while_the_database_is_a_black_hole() {
    let url = format!("postgresql://neopro:x@127.0.0.1:{}/neopro", black_hole().await);
    let (log, folder) = (scratch("black-hole.log"), scratch("black-hole"));
    let server = Server::spawn(&[("DATABASE_URL", &url), ("NEOPRO_DATA_DIR", path(&folder))], &log);
    let get = async |path: &str| http::send(server.port, Method::GET, path, None, None).await;
    until("/live", Duration::from_secs(10), async || get("/live").await.is_ok()).await;
    let mut times = Vec::new();
    for _ in 0..41 {
        let began = Instant::now();
        let live = get("/live").await.expect("an answer");
        times.push(began.elapsed());
        assert_eq!((live.status, &live.json()["status"]), (200, &json!("ok")));
        assert!(live.json()["timestamp"].is_string());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    times.sort_unstable();
    // The median: other tests share the machine.
    assert!(times[20] < Duration::from_millis(50), "{times:?}");
    // The control: the database really does not answer.
    assert_eq!(get("/ready").await.expect("an answer").status, 503);
    assert_eq!(get("/api/sites").await.expect("an answer").status, 401, "without a session it is not even asked");
}

#[tokio::test]
async fn a_database_that_stops_and_returns_needs_no_restart_of_ours() {
    let mut database = Stoppable::start("stoppable").await;
    let (url, log) = (database.url(), scratch("stoppable.log"));
    let mut server =
        Server::spawn(&[("DATABASE_URL", &url), ("NEOPRO_DATA_DIR", path(&scratch("stoppable-server")))], &log);
    server.ready().await;
    let port = server.port;
    let created = run(
        &["create-admin", "--email", "a@club.fr", "--full-name", "A", "--password-stdin"],
        &[("DATABASE_URL", &url)],
        "Tir au but 7\n",
    );
    assert!(created.status.success(), "{}", words(&created));
    let login = async || {
        let body = json!({"email": "a@club.fr", "password": "Tir au but 7"});
        http::send(port, Method::POST, "/api/auth/login", None, Some(&body)).await.expect("an answer")
    };
    let token = login().await.json()["token"].as_str().expect("a token").to_owned();
    let sites = async || http::send(port, Method::GET, "/api/sites", Some(&token), None).await.expect("an answer");
    assert_eq!(sites().await.status, 200);

    database.down().await;
    let refused = sites().await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, "5"), "{}", refused.text);
    let health = async || http::get(port, "/health").await;
    let noticed =
        until("the health tells", Duration::from_secs(10), async || health().await.json()["status"] == "unhealthy")
            .await;
    assert!(noticed < Duration::from_secs(10));
    let report = health().await;
    assert_eq!(report.status, 200, "no platform may restart us for this");
    assert_eq!(report.json()["checks"]["database"]["message"], "La base de données ne répond pas.");
    for word in [".s.PGSQL", "/run/", "onnection", "refused"] {
        assert!(!report.text.contains(word), "no driver's words: {}", report.text);
    }
    assert_eq!(http::get(port, "/health?strict=1").await.status, 503);
    assert_eq!(http::get(port, "/ready").await.status, 503);
    assert_eq!(http::get(port, "/live").await.status, 200);

    database.up().await;
    until("the health recovers", Duration::from_secs(15), async || health().await.json()["status"] == "healthy").await;
    assert_eq!(sites().await.status, 200, "the session survived");
    assert!(server.terminate().await.success());
    database.down().await;
}

#[tokio::test]
async fn a_database_that_is_late_is_waited_for() {
    let mut database = Stoppable::start("late").await;
    let (url, log) = (database.url(), scratch("late.log"));
    database.down().await;
    let mut server = Server::spawn(&[("DATABASE_URL", &url), ("NEOPRO_DATA_DIR", path(&scratch("late-server")))], &log);
    let port = server.port;
    until("the port opens first", Duration::from_secs(5), async || {
        http::send(port, Method::GET, "/live", None, None).await.is_ok_and(|answer| answer.status == 200)
    })
    .await;
    assert_eq!(http::get(port, "/ready").await.status, 503);
    assert_eq!(http::get(port, "/health").await.status, 200);
    let login =
        http::send(port, Method::POST, "/api/auth/login", None, Some(&json!({"email": "a@b.fr", "password": "x"})))
            .await;
    assert_eq!(login.expect("an answer").status, 503);
    database.up().await;
    server.ready().await;
    assert!(server.terminate().await.success());
    database.down().await;
}

#[tokio::test]
async fn a_request_that_runs_is_finished_before_the_end() {
    let db = Cluster::get().migrated().await;
    let log = scratch("drain.log");
    let mut server = Server::spawn(&[("DATABASE_URL", &db.url()), ("NEOPRO_DATA_DIR", path(&scratch("drain")))], &log);
    server.ready().await;
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", server.port)).await.expect("a connection");
    let body = r#"{"email":"a@b.fr","password":"x"}"#;
    let (first, rest) = body.split_at(10);
    let head = format!(
        "POST /api/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{first}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    tokio::time::sleep(Duration::from_millis(100)).await;
    let port = server.port;
    let (status, answer) = tokio::join!(server.terminate(), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err(), "no new connection is taken");
        stream.write_all(rest.as_bytes()).await.expect("the old one still is");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        answer
    });
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn a_client_that_sends_nothing_or_too_much_is_cut_off() {
    let db = Cluster::get().migrated().await;
    let log = scratch("slow.log");
    let mut server = Server::spawn(&[("DATABASE_URL", &db.url()), ("NEOPRO_DATA_DIR", path(&scratch("slow")))], &log);
    server.ready().await;
    let send = async |bytes: Vec<u8>| -> String {
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", server.port)).await.expect("a connection");
        let _ = stream.write_all(&bytes).await;
        let mut answer = Vec::new();
        let _ = tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await.expect("an end");
        String::from_utf8_lossy(&answer).into_owned()
    };
    // A body that never comes: the sentence for it, not a connection held for ever.
    let stuck = "POST /api/auth/login HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{";
    let began = Instant::now();
    let answer = send(stuck.into()).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(began.elapsed() < Duration::from_secs(25));
    // Nothing at all.
    let began = Instant::now();
    assert_eq!(send(Vec::new()).await, "");
    assert!(began.elapsed() > Duration::from_secs(10), "a slow network has its time");
    // Heads that are no HTTP, or endless.
    for bytes in [
        b"\x16\x03\x01\x02\x00\x01\x00".to_vec(),
        b"GET / HTTP/1.1\r\nx: \x00\r\n\r\n".to_vec(),
        [b"GET / HTTP/1.1\r\nx: ".to_vec(), vec![b'a'; 400_000]].concat(),
    ] {
        let answer = send(bytes).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    assert_eq!(http::get(server.port, "/live").await.status, 200);
    assert!(server.terminate().await.success());
}

/// Even at the most talkative level no secret reaches the log, which in production is one JSON object a line.
#[tokio::test]
async fn the_log_of_production_is_json_and_keeps_secrets() {
    let db = Cluster::get().migrated().await;
    let url = db.url();
    let log = scratch("production.log");
    let mut variables = crate::auth::production();
    let data_dir = scratch("production");
    variables.retain(|(name, _)| *name != "DATABASE_URL");
    variables.extend([("DATABASE_URL", url.as_str()), ("LOG_LEVEL", "trace"), ("NEOPRO_DATA_DIR", path(&data_dir))]);
    let created = run(
        &["create-admin", "--email", "a@club.fr", "--full-name", "A", "--password-stdin"],
        &variables,
        "Tir au but 7\n",
    );
    assert!(created.status.success(), "{}", words(&created));
    let mut server = Server::spawn(&variables, &log);
    server.ready().await;
    let login = json!({"email": "a@club.fr", "password": "Tir au but 7"});
    let answer = http::send(server.port, Method::POST, "/api/auth/login", None, Some(&login)).await.expect("an answer");
    let token = answer.json()["token"].as_str().expect("a token").to_owned();
    let wrong = json!({"email": "a@club.fr", "password": "Tir raté 8"});
    http::send(server.port, Method::POST, "/api/auth/login", None, Some(&wrong)).await.expect("an answer");
    let new = json!({"site_name": "Gym", "club_name": "Club"});
    let site = http::send(server.port, Method::POST, "/api/sites", Some(&token), Some(&new)).await.expect("an answer");
    let key = site.json()["api_key"].as_str().expect("a key").to_owned();
    http::send(server.port, Method::GET, "/api/sites?search=secretwords", Some(&token), None).await.expect("an answer");
    assert!(server.terminate().await.success());

    let log = text(&log);
    let lines: Vec<&str> = log.lines().collect();
    assert!(lines.len() > 10, "{log}");
    for line in &lines {
        let entry: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(entry["timestamp"].is_string() && entry["level"].is_string(), "{line}");
    }
    let database_password = url.split([':', '@']).nth(2).expect("a password");
    let mut secrets =
        vec!["Tir au but 7", "Tir raté 8", key.as_str(), token.as_str(), database_password, "secretwords", "$argon2"];
    secrets.extend(
        variables
            .iter()
            .filter(|(name, _)| name.contains("KEY") || name.contains("SECRET") || *name == "REDIS_URL")
            .map(|(_, value)| *value),
    );
    for secret in secrets {
        assert!(!log.contains(secret), "{secret} stands in the log");
    }
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let taken = std::net::TcpListener::bind("[::]:0").expect("a port");
    let port = taken.local_addr().expect("its number").port().to_string();
    let db = Cluster::get().migrated().await;
    let output = run(
        &["serve"],
        &[("DATABASE_URL", &db.url()), ("PORT", &port), ("NEOPRO_DATA_DIR", path(&scratch("port")))],
        "",
    );
    assert!(!output.status.success());
    let said = words(&output);
    assert!(said.contains(&port) && said.contains("PORT"), "{said}");
}

fn path(path: &std::path::Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// Anybody may send logins, and a body that he never ends.
#[tokio::test]
async fn a_crowd_of_strangers_leaves_the_memory_as_it_was() {
    let db = Cluster::get().migrated().await;
    let log = scratch("crowd.log");
    let mut server = Server::spawn(&[("DATABASE_URL", &db.url()), ("NEOPRO_DATA_DIR", path(&scratch("crowd")))], &log);
    server.ready().await;
    let pid = server.pid();
    let resident = || -> u64 {
        let status = text(std::path::Path::new(&format!("/proc/{pid}/status")));
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a size").to_owned();
        line.split_whitespace().nth(1).and_then(|kilobytes| kilobytes.parse().ok()).expect("a number")
    };
    let guess = async |number: usize| {
        let body = json!({"email": format!("{number}@club.fr"), "password": "wrong"});
        http::send(server.port, Method::POST, "/api/auth/login", None, Some(&body)).await.expect("an answer").status
    };
    guess(0).await;
    let before = resident();
    let answers = futures_util::future::join_all((1..=60).map(guess)).await;
    assert!(answers.iter().all(|status| matches!(status, 401 | 429)), "{answers:?}");

    let mut open = Vec::new();
    for _ in 0..300 {
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", server.port)).await.expect("a connection");
        let head = "POST /api/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n";
        let _ = stream.write_all(&[head.as_bytes(), &vec![b' '; 100_000]].concat()).await;
        open.push(stream);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let after = resident();
    assert!(after < before + 64 * 1024, "{before} kB before, {after} kB after");
    assert!(server.terminate().await.success());
}

/// A refusal must not tell whether there is an account, nor of which age.
#[tokio::test]
async fn every_refusal_of_a_login_takes_as_long() {
    let db = Cluster::get().migrated().await;
    let bcrypt = "$2b$10$abcdefghijklmnopqrstuujgDXVs49d209KQySdu6saHU25G9L7Tm";
    let ours = neopro_central::auth::Passwords::default().hash("Tir au but 7".into()).await.expect("a hash");
    db.owner()
        .await
        .batch_execute(&format!(
            "insert into users (email, password_hash, status) values ('old@club.fr', '{bcrypt}', 'active'), \
               ('none@club.fr', '$2a$12$VOTRE_HASH_ICI', 'active'), ('ours@club.fr', '{ours}', 'active'), \
               ('invited@club.fr', '', 'active'), ('stopped@club.fr', '{ours}', 'suspended')"
        ))
        .await
        .expect("accounts");
    let log = scratch("refusals.log");
    let mut server =
        Server::spawn(&[("DATABASE_URL", &db.url()), ("NEOPRO_DATA_DIR", path(&scratch("refusals")))], &log);
    server.ready().await;
    let port = server.port;
    let refused = async |(name, password): (&str, &str)| {
        let body = json!({"email": format!("{name}@club.fr"), "password": password});
        let began = Instant::now();
        let answer = http::send(port, Method::POST, "/api/auth/login", None, Some(&body)).await.expect("an answer");
        assert_eq!(answer.status, 401, "{name}");
        began.elapsed()
    };
    let kinds = [
        ("nobody", "wrong"),
        ("old", "wrong"),
        ("none", "wrong"),
        ("ours", "wrong"),
        ("invited", "wrong"),
        // His password is right, and he may not come in.
        ("stopped", "Tir au but 7"),
    ];
    let mut times = vec![Vec::new(); kinds.len()];
    for _ in 0..7 {
        // All at the same moment: what else the machine does, it does to all.
        let took = futures_util::future::join_all(kinds.map(refused)).await;
        took.into_iter().enumerate().for_each(|(kind, took)| times[kind].push(took));
    }
    let middle = times.into_iter().map(|mut times| {
        times.sort();
        assert!(times[0] >= Duration::from_secs(1), "{times:?}");
        times[times.len() / 2]
    });
    let middle: Vec<Duration> = middle.collect();
    let spread = middle.iter().max().expect("some").saturating_sub(*middle.iter().min().expect("some"));
    assert!(spread < Duration::from_millis(60), "{middle:?}");
    assert!(server.terminate().await.success());
}

#[tokio::test]
async fn a_database_that_never_answers_is_named() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("postgresql://u:p@127.0.0.1:{}/d", silent.local_addr().expect("its number").port());
    let began = Instant::now();
    let output = run(&["migrate"], &[("DATABASE_URL", &url), ("NEOPRO_DATA_DIR", path(&scratch("silent")))], "");
    assert!(!output.status.success());
    assert!(words(&output).contains("Connection timeout"), "{}", words(&output));
    assert!(began.elapsed() < Duration::from_secs(25));
}

/// Every connection of the pool is held by a request that waits: the database itself is well, and so is the server.
#[tokio::test]
async fn a_crowd_of_requests_is_no_dead_database() {
    let db = Cluster::get().migrated().await;
    let (url, data_dir) = (db.url(), scratch("full-pool"));
    let hash = neopro_central::auth::Passwords::default().hash("Tir au but 7".into()).await.expect("a hash");
    let owner = db.owner().await;
    owner
        .execute("insert into users (email, password_hash, role) values ('a@club.fr', $1, 'admin')", &[&hash])
        .await
        .expect("an account");
    let variables = [("DATABASE_URL", url.as_str()), ("DATABASE_POOL_SIZE", "2"), ("NEOPRO_DATA_DIR", path(&data_dir))];
    let mut server = Server::spawn(&variables, &scratch("full-pool.log"));
    server.ready().await;
    let port = server.port;
    let login = json!({"email": "a@club.fr", "password": "Tir au but 7"});
    let answer = http::send(port, Method::POST, "/api/auth/login", None, Some(&login)).await.expect("an answer");
    let token = answer.json()["token"].as_str().expect("a token").to_owned();

    owner.batch_execute("begin; lock table sites").await.expect("the owner may");
    let readers: Vec<_> = (0..30)
        .map(|_| {
            let token = token.clone();
            tokio::spawn(async move { http::send(port, Method::GET, "/api/sites", Some(&token), None).await })
        })
        .collect();
    let (mut states, began) = (std::collections::BTreeSet::new(), Instant::now());
    while began.elapsed() < Duration::from_secs(9) {
        states.insert(http::get(port, "/health").await.json()["status"].as_str().expect("a state").to_owned());
        assert_eq!(http::get(port, "/ready").await.status, 200, "no balancer may take it out for this");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(!states.contains("unhealthy"), "{states:?}");
    owner.batch_execute("rollback").await.expect("the lock is gone");
    for reader in readers {
        let status = reader.await.expect("no panic").expect("an answer").status;
        assert!(matches!(status, 200 | 503), "{status}");
    }
    assert!(server.terminate().await.success());
}
