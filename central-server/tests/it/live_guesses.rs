//! Those who guess the keys of boxes: they are slowed, and no box is.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::http::Method;
use futures_util::future::join_all;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message;

use crate::support::cluster::scratch;
use crate::support::program::{Server, text};
use crate::support::stage::key;
use crate::support::{Stage, http};

/// What becomes of somebody who says that he is a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    Welcome,
    /// `auth_error`.
    Verdict,
    /// The connection ends without a word.
    Nothing,
}

/// How to speak to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    WebSocket,
    Polling,
}

fn claim(site: &str, key: &str, protocol: Option<u32>) -> String {
    format!("42{}", json!(["authenticate", {"siteId": site, "apiKey": key, "protocol": protocol}]))
}

async fn dial(server: &Server, from: [u8; 4]) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    // The port stays free for the servers of other tests, which listen on every address.
    socket.set_reuseaddr(true).expect("a socket");
    socket.bind(SocketAddr::from((from, 0))).expect("any of 127.0.0.0/8 is ours");
    socket.connect(SocketAddr::from(([127, 0, 0, 1], server.port))).await.expect("a connection")
}

/// Says who it is, and listens until it is known what comes of it.
async fn says(server: &Server, by: By, from: [u8; 4], claim: &str) -> Heard {
    let heard = async {
        match by {
            By::WebSocket => on_a_websocket(dial(server, from).await, server.port, claim).await,
            By::Polling => by_polling(dial(server, from).await, claim).await,
        }
    };
    tokio::time::timeout(Duration::from_secs(120), heard).await.expect("an end")
}

fn of(said: &str) -> Option<Heard> {
    let is = |event: &str| said.contains(&format!("42[\"{event}\""));
    if is("authenticated") { Some(Heard::Welcome) } else { is("auth_error").then_some(Heard::Verdict) }
}

async fn on_a_websocket(stream: TcpStream, port: u16, claim: &str) -> Heard {
    let url = format!("ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket");
    let (mut socket, _) = tokio_tungstenite::client_async(url, stream).await.expect("a WebSocket");
    for packet in ["40", claim] {
        // It may be over before all is said.
        let _ = socket.send(Message::text(packet)).await;
    }
    while let Some(Ok(message)) = socket.next().await {
        if let Some(heard) = message.to_text().ok().and_then(of) {
            return heard;
        }
    }
    Heard::Nothing
}

async fn by_polling(mut stream: TcpStream, claim: &str) -> Heard {
    let path = "/socket.io/?EIO=4&transport=polling";
    let opened = exchange(&mut stream, "GET", path, "").await;
    let sid = opened.split("\"sid\":\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a session");
    let path = format!("{path}&sid={sid}");
    let packets = format!("40\u{1e}{claim}");
    if !exchange(&mut stream, "POST", &path, &packets).await.starts_with("HTTP/1.1 200") {
        return Heard::Nothing;
    }
    loop {
        let fetched = exchange(&mut stream, "GET", &path, "").await;
        match of(&fetched) {
            Some(heard) => return heard,
            None if fetched.starts_with("HTTP/1.1 200") => {}
            None => return Heard::Nothing,
        }
    }
}

/// One request on a connection that stays, and what came as its answer.
async fn exchange(stream: &mut TcpStream, method: &str, path: &str, body: &str) -> String {
    let head = format!("{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", body.len());
    if stream.write_all(format!("{head}{body}").as_bytes()).await.is_err() {
        return String::new();
    }
    let mut answer = vec![0; 4096];
    let length = stream.read(&mut answer).await.unwrap_or_default();
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

fn wrong(number: usize) -> String {
    format!("{number:064x}")
}

/// So many at once, then one in so many seconds: what may be told since a moment, however slow the machine is.
fn may_be_told(burst: usize, every: u64, began: Instant) -> std::ops::RangeInclusive<usize> {
    burst..=burst + 1 + usize::try_from(began.elapsed().as_secs() / every).expect("few")
}

#[tokio::test]
async fn who_guesses_is_told_twenty_times_and_the_box_is_let_in_all_the_same() {
    let log = scratch("guesses-one.log");
    // That of an earlier run would be added to.
    let _ = std::fs::remove_file(&log);
    let stage = Stage::start("guesses-one").await;
    let ways = [(By::WebSocket, None), (By::WebSocket, Some(2)), (By::Polling, None), (By::Polling, Some(2))];
    let (mut least, mut most) = (0, 0);
    for (number, (by, protocol)) in ways.into_iter().enumerate() {
        let site = stage.site(&format!("Salle {number}")).await;
        // Whoever guesses stands behind the address of the box.
        let here = [127, 0, 40, u8::try_from(number).expect("few") + 1];
        let (mut heard, began) = (Vec::new(), Instant::now());
        for guess in 0..40 {
            heard.push(says(&stage.server, by, here, &claim(&site, &wrong(guess), protocol)).await);
        }
        let told = heard.iter().filter(|heard| **heard == Heard::Verdict).count();
        let may_be = may_be_told(20, 10, began);
        // Who polls and does not ask at that very moment misses what is said at the end.
        let is_right = may_be.contains(&told) || by == By::Polling && told <= *may_be.end();
        assert!(is_right, "{by:?} {protocol:?}: {told}");
        assert!(by == By::Polling || heard[..20] == [Heard::Verdict; 20], "the first ones: {heard:?}");
        assert!(!heard.contains(&Heard::Welcome), "{by:?} {protocol:?}");
        (least, most) = (least + 20, most + may_be.end());
        for (by, protocol) in ways {
            let box_of_the_site = says(&stage.server, by, here, &claim(&site, &key(&site), protocol)).await;
            assert_eq!(box_of_the_site, Heard::Welcome, "{by:?} {protocol:?} at {here:?}");
        }
    }
    // Whoever floods the log as well fills a disk.
    let lines = text(&log);
    let refused = lines.lines().filter(|line| line.contains("a box was refused")).count();
    assert!((least..=most).contains(&refused), "{refused} lines instead of {least} to {most}");
}

#[tokio::test]
async fn many_sites_of_one_address_and_many_addresses_at_one_site_are_limited_too() {
    let stage = Stage::start("guesses-many").await;
    let mut sites = Vec::new();
    for number in 0..6 {
        sites.push(stage.site(&format!("Salle {number}")).await);
    }
    let here = [127, 0, 41, 1];
    let (mut told, began) = (0, Instant::now());
    for guess in 0..120 {
        // Sites that there are, some that there are not, and nonsense.
        let nowhere = uuid::Uuid::now_v7().to_string();
        let site = [sites[guess % 6].as_str(), &nowhere, "nonsense"][guess % 3];
        let heard = says(&stage.server, By::WebSocket, here, &claim(site, &wrong(guess), None)).await;
        told += usize::from(heard == Heard::Verdict);
    }
    assert!(may_be_told(60, 2, began).contains(&told), "one address: {told}");

    let mut told = 0;
    for guess in 0..120 {
        let from = [127, 0, 42, u8::try_from(guess).expect("few") + 1];
        let heard = says(&stage.server, By::WebSocket, from, &claim(&sites[0], &wrong(guess), None)).await;
        told += usize::from(heard == Heard::Verdict);
    }
    // Some were told of this site already.
    assert!((40..=*may_be_told(60, 2, began).end()).contains(&told), "one site: {told}");
    for site in &sites {
        let welcome = says(&stage.server, By::WebSocket, here, &claim(site, &key(site), None)).await;
        assert_eq!(welcome, Heard::Welcome);
    }
}

/// As NeoPro 1 has hashed them.
const SLOW: u32 = 10;

/// A site of NeoPro 1, with its [`key`] and the address of its box.
async fn old_site(stage: &Stage, name: &str, last: Option<&str>) -> String {
    let site = stage.site(name).await;
    let hash = bcrypt::hash(key(&site), SLOW).expect("a hash");
    let set = "update sites set api_key = $1, last_ip = $2 where id = $3::text::uuid";
    stage.db.owner().await.execute(set, &[&hash, &last, &site]).await.expect("the owner may");
    site
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_at_one_old_key_keeps_neither_its_box_nor_others_nor_people_waiting() {
    let stage = Stage::start("guesses-old").await;
    let victim = old_site(&stage, "Assiégée", Some("127.0.43.1")).await;
    let mut others = Vec::new();
    for number in 0..4 {
        others.push(old_site(&stage, &format!("Voisine {number}"), None).await);
    }
    let server = &stage.server;
    // Sixty addresses, six at a time each: more than the comparisons of a minute.
    let flood = join_all((0..360).map(|guess| {
        let (from, claim) =
            ([127, 0, 44, u8::try_from(guess % 60).expect("few") + 1], claim(&victim, &wrong(guess), None));
        async move { says(server, By::WebSocket, from, &claim).await }
    }));
    let people = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let began = Instant::now();
        // Each as soon as the one before is in, and one that comes from the same address as a part of the flood.
        for (number, site) in others.iter().enumerate() {
            let from =
                if number == 3 { [127, 0, 44, 60] } else { [127, 0, 45, u8::try_from(number).expect("few") + 1] };
            assert_eq!(says(server, By::WebSocket, from, &claim(site, &key(site), None)).await, Heard::Welcome);
        }
        let beside = began.elapsed();
        let began = Instant::now();
        let own = says(server, By::Polling, [127, 0, 43, 1], &claim(&victim, &key(&victim), None)).await;
        assert_eq!(own, Heard::Welcome, "the box of the site, where it is at home");
        let at_home = began.elapsed();
        let began = Instant::now();
        let login = json!({"email": "a@club.fr", "password": "Tir au but 7"});
        let answer = http::send(server.port, Method::POST, "/api/auth/login", None, Some(&login)).await;
        assert_eq!(answer.expect("an answer").status, 200);
        (beside, at_home, began.elapsed())
    };
    let (heard, (beside, at_home, login)) = tokio::join!(flood, people);
    println!("four others {beside:?}, the own box {at_home:?}, a login {login:?}");
    assert!(beside < Duration::from_secs(8) && at_home < Duration::from_secs(3) && login < Duration::from_secs(3));
    assert!(!heard.contains(&Heard::Welcome));
    // Once it has come, its key is hashed as ours are, and is let in from anywhere.
    let away = says(server, By::WebSocket, [127, 0, 44, 1], &claim(&victim, &key(&victim), None)).await;
    assert_eq!(away, Heard::Welcome);
}

#[tokio::test]
async fn an_address_that_guesses_at_old_keys_has_no_more_of_them_compared() {
    let stage = Stage::start("guesses-none").await;
    let (victim, here) = (old_site(&stage, "Assiégée", Some("127.0.47.1")).await, [127, 0, 46, 1]);
    let guess =
        async |number: usize| says(&stage.server, By::WebSocket, here, &claim(&victim, &wrong(number), None)).await;
    let began = Instant::now();
    let together = join_all((0..30).map(guess)).await;
    let told = together.iter().filter(|heard| **heard == Heard::Verdict).count();
    assert!(may_be_told(20, 10, began).contains(&told), "also those at the same moment are counted: {told}");
    let stored = "select api_key from sites where site_name = 'Assiégée'";
    let stored: String = stage.db.owner().await.query_one(stored, &[]).await.expect("a site").get(0);
    assert!(stored.starts_with("$2b$10$"), "{stored}");
    let own = says(&stage.server, By::WebSocket, [127, 0, 47, 1], &claim(&victim, &key(&victim), Some(2))).await;
    assert_eq!(own, Heard::Welcome);
}

/// The key of a box opens the live channel, and nothing of HTTP.
#[tokio::test]
async fn there_is_nothing_else_to_guess_at() {
    let stage = Stage::start("guesses-http").await;
    let site = stage.site("Salle").await;
    for path in ["/api/sites", &format!("/api/sites/{site}"), "/api/videos", "/api/events"] {
        let answer =
            http::send(stage.server.port, Method::GET, path, Some(&key(&site)), None).await.expect("an answer");
        assert_eq!((answer.status, answer.json()["code"].clone()), (401, Value::from("unauthenticated")), "{path}");
    }
}
