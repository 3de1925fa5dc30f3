//! With whom the program speaks (G-006): every connection that it opens, written down by the system itself.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use neopro_fleet::identity::{identity, sites_sql};
use neopro_fleet::storm::{self, Storm};
use serde_json::{Value, json};

use super::sink::Sink;
use super::{PASSWORD, Relay};
use crate::mail::SendGrid;
use crate::media;
use crate::support::cluster::scratch;
use crate::support::program::{Server, free_port, text};
use crate::support::{Cluster, Form, Supabase, http};

const SEED: &str = "outgoing";

/// The addresses in what strace has written, as `address port`.
fn peers(trace: &str) -> BTreeSet<String> {
    let quoted = |text: &str, behind: &str| {
        text.split_once(behind).and_then(|(_, rest)| Some(rest.split_once('"')?.0.to_owned()))
    };
    trace
        .lines()
        .filter(|line| line.contains("sa_family=AF_INET"))
        .map(|line| {
            let port =
                line.split_once("_port=htons(").and_then(|(_, rest)| Some(rest.split_once(')')?.0)).unwrap_or("?");
            let address = quoted(line, "inet_addr(\"").or_else(|| quoted(line, "inet_pton(AF_INET6, \""));
            format!("{} {port}", address.unwrap_or_else(|| line.to_owned()))
        })
        .collect()
}

#[test]
fn what_the_system_writes_down_is_read() {
    let trace = r#"12 connect(9, {sa_family=AF_INET, sin_port=htons(443), sin_addr=inet_addr("192.0.2.1")}, 16) = -1 EINPROGRESS
12 connect(9, {sa_family=AF_INET6, sin6_port=htons(53), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "2001:db8::1", &sin6_addr), sin6_scope_id=0}, 28) = 0
12 connect(9, {sa_family=AF_UNIX, sun_path="/run/x"}, 9) = 0
12 sendto(9, "GET / HTTP/1.1", 14, MSG_NOSIGNAL, NULL, 0) = 14"#;
    assert_eq!(peers(trace), ["192.0.2.1 443".to_owned(), "2001:db8::1 53".to_owned()].into());
}

/// A day in which everything happens once: a start, people, a video, a box, a mail, the log, an end.
#[tokio::test]
async fn a_whole_day_speaks_only_with_what_is_configured() {
    let (db, sink, supabase, sendgrid) =
        (Cluster::get().migrated().await, Sink::start().await, Supabase::start().await, SendGrid::start().await);
    let relay = Relay::to(&db).await;
    let hash = neopro_central::auth::Passwords::default().hash(PASSWORD.into()).await.expect("a hash");
    let owner = db.owner().await;
    let sql = "insert into users (email, password_hash, role) values ('camille@club.fr', $1, 'admin')";
    owner.execute(sql, &[&hash]).await.expect("an account");
    owner.batch_execute(&sites_sql(SEED, 3)).await.expect("sites");
    let (data_dir, log, trace) = (scratch("outgoing"), scratch("outgoing.log"), scratch("outgoing.trace"));
    let _ = (std::fs::remove_file(&log), std::fs::remove_file(&trace), std::fs::remove_dir_all(&data_dir));
    // Nobody listens there: whether it is asked or not, it may be.
    let redis = free_port();
    let mut variables: Vec<(&str, String)> = crate::auth::production()
        .into_iter()
        .filter(|(name, _)| !name.starts_with("SUPABASE") && !["DATABASE_URL", "REDIS_URL"].contains(name))
        .map(|(name, value)| (name, value.to_owned()))
        .collect();
    variables.extend([
        ("DATABASE_URL", relay.url.clone()),
        ("REDIS_URL", format!("redis://127.0.0.1:{redis}")),
        ("NEOPRO_DATA_DIR", data_dir.to_str().expect("UTF-8").to_owned()),
        ("METRICS_ENABLED", "true".to_owned()),
    ]);
    variables.extend(sink.variables());
    variables.extend(supabase.variables());
    variables.extend(sendgrid.variables());
    let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut server = Server::spawn_traced(&variables, &log, &trace);
    server.ready().await;
    live_a_day(&mut server).await;
    sink.hears("answered", Duration::from_secs(20)).await;
    let began = Instant::now();
    while sendgrid.taken().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(20), "no mail has left");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(server.terminate().await.success(), "{}", text(&log));

    // Who watches ends behind the program.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let found = peers(&text(&trace));
    let at = |port: u16| format!("127.0.0.1 {port}");
    let configured: BTreeSet<String> =
        [relay.port, supabase.port, sendgrid.port, sink.port].into_iter().map(at).collect();
    println!("whom the program has called: {found:?}");
    let strangers: Vec<&String> =
        found.iter().filter(|peer| !configured.contains(*peer) && **peer != at(redis)).collect();
    assert!(strangers.is_empty(), "{strangers:?}");
    let missed: Vec<&String> = configured.difference(&found).collect();
    assert!(missed.is_empty(), "the control: each of the configured ones was seen, but for {missed:?}");
}

async fn live_a_day(server: &mut Server) {
    let port = server.port;
    let send = async |method: Method, path: &str, token: Option<&str>, body: Option<&Value>| {
        http::send(port, method, path, token, body).await.expect("an answer")
    };
    let login = json!({"email": "camille@club.fr", "password": PASSWORD});
    let answer = send(Method::POST, "/api/auth/login", None, Some(&login)).await.expect(StatusCode::OK);
    let token = answer.json()["token"].as_str().expect("a token").to_owned();
    for path in ["/", "/health", "/ready", "/live", "/metrics", "/api-docs/openapi.json", "/index.html"] {
        send(Method::GET, path, None, None).await;
    }
    for path in ["/api/sites", "/api/storage", "/api/health/details", "/api/users", "/api/audit"] {
        send(Method::GET, path, Some(&token), None).await.expect(StatusCode::OK);
    }
    let form = Form::new().file("video", "But.mp4", media!("faststart.mp4"));
    let video =
        http::send_form(port, "/api/videos", &token, &form).await.expect("an answer").expect(StatusCode::CREATED);
    let site = identity(SEED, 0).site;
    let order = json!({"video_id": video.json()["id"], "target_type": "site", "target_id": site});
    send(Method::POST, "/api/deployments", Some(&token), Some(&order)).await.expect(StatusCode::CREATED);
    let storm = Storm {
        server: ([127, 0, 0, 1], port).into(),
        seed: SEED.to_owned(),
        first: 0,
        count: 3,
        wave: 3,
        patience: Duration::from_secs(20),
        hold: true,
    };
    let (outcome, mut kept) = storm::run(&storm).await;
    assert_eq!(outcome.authenticated, 3, "{outcome:?}");
    let forgot = json!({"email": "camille@club.fr"});
    send(Method::POST, "/api/auth/forgot-password", None, Some(&forgot)).await.expect(StatusCode::OK);
    // Every job that comes round within half a minute has come round.
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!(kept.count(), 3);
}
