//! The live channel under many, under slow ones and under bad ones: nobody is lost, nothing stays in memory.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use neopro_fleet::identity::{identity, sites_sql};
use neopro_fleet::storm::{self, Storm};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::support::cluster::scratch;
use crate::support::program::Server;
use crate::support::{Cluster, TestDb};

const SEED: &str = "limits";
const MB: u64 = 1024 * 1024;

/// A server with this many sites.
struct Place {
    server: Server,
    db: TestDb,
}

impl Place {
    async fn start(name: &str, sites: usize) -> Self {
        let db = Cluster::get().migrated().await;
        let data_dir = scratch(name);
        let variables = [
            ("DATABASE_URL", db.url()),
            ("NEOPRO_DATA_DIR", data_dir.to_str().expect("UTF-8").to_owned()),
            ("LOG_LEVEL", "warn".to_owned()),
        ];
        let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
        let mut server = Server::spawn(&variables, &scratch(&format!("{name}.log")));
        server.ready().await;
        db.owner().await.batch_execute(&sites_sql(SEED, sites)).await.expect("sites");
        Self { server, db }
    }

    fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.server.port))
    }

    /// The memory of the server, in bytes.
    fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.server.pid())).expect("the server runs");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a size").to_owned();
        line.split_whitespace().nth(1).and_then(|kilobytes| kilobytes.parse::<u64>().ok()).expect("a number") * 1024
    }

    /// Waits until the memory is back to where it was, within what the allocator may keep for later.
    async fn back_to(&self, before: u64, kept: u64, after_what: &str) {
        let began = Instant::now();
        while self.resident() > before + kept {
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "after {after_what}: {} MB instead of {}",
                self.resident() / MB,
                before / MB
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// A socket of a stranger, from an address of its own.
    async fn stranger(&self, from: [u8; 4]) -> Socket {
        self.stranger_with(TcpSocket::new_v4().expect("a socket"), from).await
    }

    async fn stranger_with(&self, socket: TcpSocket, from: [u8; 4]) -> Socket {
        // The port stays free for the servers of other tests, which listen on every address.
        socket.set_reuseaddr(true).expect("a socket");
        socket.bind(SocketAddr::from((from, 0))).expect("any of 127.0.0.0/8 is ours");
        let stream = socket.connect(self.address()).await.expect("a connection");
        let url = format!("ws://{}/socket.io/?EIO=4&transport=websocket", self.address());
        let (mut socket, _) = tokio_tungstenite::client_async(url, stream).await.expect("a WebSocket");
        socket.next().await.expect("the greeting").expect("whole");
        socket
    }

    /// A box that is welcome.
    async fn boxed(&self, number: usize, from: [u8; 4]) -> Socket {
        self.welcomed(self.stranger(from).await, number).await
    }

    async fn welcomed(&self, mut socket: Socket, number: usize) -> Socket {
        let identity = identity(SEED, number);
        let claim = json!(["authenticate", {"siteId": identity.site, "apiKey": identity.key}]);
        for packet in ["40".to_owned(), format!("42{claim}")] {
            socket.send(Message::text(packet)).await.expect("sent");
        }
        event(&mut socket, "authenticated").await;
        socket
    }
}

type Socket = WebSocketStream<TcpStream>;

/// Waits for an event.
async fn event(socket: &mut Socket, name: &str) -> Value {
    let begin = format!("42[\"{name}\"");
    let found = async {
        loop {
            let message = socket.next().await.expect("it lasts").expect("whole").into_text().expect("text");
            if message.starts_with(&begin) {
                return serde_json::from_str::<Value>(&message[2..]).expect("JSON")[1].clone();
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), found).await.unwrap_or_else(|_| panic!("{name} never came"))
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_fleet_that_comes_back_at_once_nobody_is_lost() {
    let count = 20_000;
    let place = Place::start("live-storm", count).await;
    let storm = Storm {
        server: place.address(),
        seed: SEED.to_owned(),
        first: 0,
        count,
        wave: 5_000,
        patience: Duration::from_secs(60),
        hold: false,
    };
    neopro_fleet::allow_many_files();
    let (outcome, _) = storm::run(&storm).await;
    println!("{count} boxes in waves of 5000: {outcome:?}");
    assert_eq!((outcome.authenticated, outcome.complaints), (count, Vec::new()));
    // And every one of them was written down.
    let began = Instant::now();
    loop {
        let row =
            place.db.owner().await.query_one("select count(*) from sites where last_seen_at is not null", &[]).await;
        if row.expect("a count").get::<_, i64>(0) == i64::try_from(count).expect("few") {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "some sites were never written down");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn thirty_boxes_and_twenty_silent_sockets_behind_one_address_meet_no_limit() {
    let place = Place::start("live-one-address", 30).await;
    let here = [127, 0, 0, 9];
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(place.stranger(here).await);
    }
    let mut boxes = Vec::new();
    for number in 0..30 {
        boxes.push(place.boxed(number, here).await);
    }
    tokio::time::sleep(Duration::from_secs(4)).await;
    for socket in silent.iter_mut().chain(&mut boxes) {
        assert!(!ends(socket, Duration::from_millis(10)).await);
    }
}

#[tokio::test]
async fn of_six_hundred_silent_sockets_the_oldest_hundred_go_and_the_memory_comes_back() {
    let place = Place::start("live-600", 1).await;
    let before = place.resident();
    let mut silent = Vec::new();
    for number in 0..600_u16 {
        // Twelve of each address: it is the limit for all that is met.
        let [_, host] = (number / 12).to_be_bytes();
        silent.push(place.stranger([127, 0, 1, host]).await);
    }
    // The newcomer is never the one.
    let mut newcomer = place.boxed(0, [127, 0, 0, 1]).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    let mut closed = Vec::new();
    for socket in &mut silent {
        closed.push(ends(socket, Duration::from_millis(5)).await);
    }
    assert_eq!(closed, [vec![true; 100], vec![false; 500]].concat());
    assert!(!ends(&mut newcomer, Duration::from_millis(10)).await);
    drop(silent);
    place.back_to(before, 16 * MB, "600 silent sockets").await;
}

#[tokio::test]
async fn who_speaks_at_the_last_moment_is_not_silent() {
    let place = Place::start("live-late", 1).await;
    let here = [127, 0, 0, 7];
    let mut late = place.stranger(here).await;
    let mut others = Vec::new();
    for _ in 0..20 {
        others.push(place.stranger(here).await);
    }
    // It is the oldest of one too many, and says who it is while that is noticed.
    tokio::time::sleep(Duration::from_millis(2_250)).await;
    let identity = identity(SEED, 0);
    let claim = json!(["authenticate", {"siteId": identity.site, "apiKey": identity.key}]);
    for packet in ["40".to_owned(), format!("42{claim}")] {
        late.send(Message::text(packet)).await.expect("sent");
    }
    event(&mut late, "authenticated").await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(!ends(&mut late, Duration::from_millis(10)).await);
    for other in &mut others {
        assert!(!ends(other, Duration::from_millis(10)).await, "twenty are no longer too many");
    }
}

#[tokio::test]
async fn a_stranger_cannot_make_the_server_hold_much() {
    let place = Place::start("live-strangers", 17).await;
    let before = place.resident();
    let big = format!("42[\"heartbeat\",\"{}\"]", "x".repeat(9_000_000));
    let mut strangers = Vec::new();
    for _ in 0..12 {
        let mut stranger = place.stranger([127, 0, 0, 1]).await;
        // The server may end it before all has left.
        let _ = tokio::time::timeout(Duration::from_secs(5), stranger.send(Message::text(big.as_str()))).await;
        assert!(ends(&mut stranger, Duration::from_secs(5)).await);
        strangers.push(stranger);
    }
    assert!(place.resident() < before + 16 * MB, "{} MB instead of {}", place.resident() / MB, before / MB);

    // The same by polling: a body above 64 kB ends the session.
    let mut stream = TcpStream::connect(place.address()).await.expect("a connection");
    let opened = exchange(&mut stream, "GET", "/socket.io/?EIO=4&transport=polling", "").await;
    let sid = opened.split("\"sid\":\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a session");
    let path = format!("/socket.io/?EIO=4&transport=polling&sid={sid}");
    assert!(exchange(&mut stream, "POST", &path, "40").await.starts_with("HTTP/1.1 200"));
    let mut stream = TcpStream::connect(place.address()).await.expect("a connection");
    assert!(exchange(&mut stream, "POST", &path, &big[..70_000]).await.starts_with("HTTP/1.1 400"));

    // Boxes that we know may send ten million bytes at once, if they have time. Their connections stay, and keep nothing
    // of it: sixteen times what is heard at once would be more than the allocator keeps of it.
    let large = format!("42[\"heartbeat\",\"{}\"]", "x".repeat(2_700_000));
    let mut known = Vec::new();
    for (number, text) in [&big].into_iter().chain([&large; 16]).enumerate() {
        let mut socket = place.boxed(number, [127, 0, 0, 1]).await;
        socket.send(Message::text(text.as_str())).await.expect("sent");
        socket.send(Message::Ping("still there?".into())).await.expect("sent");
        let pong = async { while !matches!(socket.next().await, Some(Ok(Message::Pong(_)))) {} };
        tokio::time::timeout(Duration::from_secs(30), pong).await.expect("it is answered, so it was read");
        known.push(socket);
    }
    place.back_to(before, 36 * MB, "a frame of 9 MB and sixteen of 2.7 MB").await;
    let known = &mut known[1];
    let huge = format!("42[\"heartbeat\",\"{}\"]", "x".repeat(11_000_000));
    let _ = known.send(Message::text(huge)).await;
    assert!(ends(known, Duration::from_secs(5)).await, "a frame of 11 MB");
    place.back_to(before, 40 * MB, "a frame of 11 MB").await;
}

/// One request on a connection that stays: the head of the answer and what came with it.
async fn exchange(stream: &mut TcpStream, method: &str, path: &str, body: &str) -> String {
    let head = format!("{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).await.expect("sent");
    let mut answer = vec![0; 4096];
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut answer)).await;
    let length = read.expect("an answer in time").expect("an answer");
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

#[tokio::test]
async fn a_flood_of_fragments_ends_where_a_message_would() {
    use tokio_tungstenite::tungstenite::protocol::frame::Frame;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
    let place = Place::start("live-fragments", 1).await;
    let before = place.resident();
    let mut flood = place.stranger([127, 0, 0, 1]).await;
    let mut kind = Data::Text;
    let mut sent = 0;
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(10) {
        let frame = Frame::message(vec![b'x'; 1_000], OpCode::Data(kind), false);
        kind = Data::Continue;
        if flood.send(Message::Frame(frame)).await.is_err() {
            break;
        }
        sent += 1;
    }
    assert!(ends(&mut flood, Duration::from_secs(5)).await, "{sent} fragments of 1000 bytes");
    place.back_to(before, 16 * MB, "a flood of fragments").await;
}

#[tokio::test]
async fn who_does_not_read_loses_its_connection_and_delays_nobody() {
    let place = Place::start("live-slow", 2).await;
    let mut other = place.boxed(1, [127, 0, 0, 1]).await;
    // The system keeps little for it: that much the server has said to it soon, however slowly it is heard.
    let small = TcpSocket::new_v4().expect("a socket");
    small.set_recv_buffer_size(2_048).expect("a socket");
    let mut slow = place.welcomed(place.stranger_with(small, [127, 0, 0, 1]).await, 0).await;
    let before = place.resident();
    // Every ping of a WebSocket is answered with its bytes, so whoever pings and does not read makes the server
    // wait with what it sends: as much as the system keeps for a connection, and no more.
    let payload = vec![0u8; 125];
    let began = Instant::now();
    let mut stuck = false;
    while began.elapsed() < Duration::from_secs(120) {
        let ping = slow.get_mut();
        let frame: Vec<u8> = [&[0x89, 0xfd, 0, 0, 0, 0][..], &payload].concat().repeat(500);
        match tokio::time::timeout(Duration::from_millis(200), ping.write_all(&frame)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => break,
            Err(_) => {
                stuck = true;
                // Meanwhile the other one is served at once.
                let asked = Instant::now();
                other.send(Message::Ping("and me?".into())).await.expect("sent");
                while !matches!(other.next().await, Some(Ok(Message::Pong(_)))) {}
                assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
                assert!(place.resident() < before + 16 * MB, "{} MB", place.resident() / MB);
            }
        }
    }
    assert!(stuck, "the server went on reading from a client that does not read");
    assert!(began.elapsed() < Duration::from_secs(110), "its connection ends twenty seconds after that");
    drop(slow);
    place.back_to(before, 16 * MB, "a client that does not read").await;
}

/// Boxes of NeoPro 1 show their whole configuration with every connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_that_shows_its_configurations_at_once_is_taken_bit_by_bit() {
    let count = 1_500;
    let place = Place::start("live-mirrors", count).await;
    let mut boxes = Vec::with_capacity(count);
    for number in 0..count {
        let [_, _, high, low] = u32::try_from(number / 20).expect("few").to_be_bytes();
        boxes.push(place.boxed(number, [127, 7, high, low + 1]).await);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = place.resident();
    // 50 kB of short entries: the tree that they become is ten times as large.
    let entries: Vec<Value> = (0..500)
        .map(|n| json!({"name": format!("Vidéo {n}"), "path": format!("videos/{n}.mp4"), "duration": n}))
        .collect();
    let config = json!({ "categories": [{ "id": "a", "name": "A", "videos": entries }] });
    let packet = format!("42{}", json!(["sync_local_state", {"configHash": "ab", "config": config}]));
    assert!((30_000..64_000).contains(&packet.len()), "{} bytes", packet.len());
    let shown = boxes.into_iter().map(|mut socket| {
        let packet = Message::text(packet.clone());
        tokio::spawn(async move {
            socket.send(packet).await.expect("sent");
            // It stays, and answers pings.
            while let Some(Ok(message)) = socket.next().await {
                if message.to_text().is_ok_and(|text| text == "2") {
                    socket.send(Message::text("3")).await.expect("sent");
                }
            }
        })
    });
    let shown: Vec<_> = shown.collect();
    let (began, mut most) = (Instant::now(), before);
    loop {
        most = most.max(place.resident());
        let row = place.db.owner().await.query_one("select count(*) from site_mirrors", &[]).await;
        if row.expect("a count").get::<_, i64>(0) == i64::try_from(count).expect("few") {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "some configurations were never written down");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("{count} configurations in {:?}: {} MB more at most", began.elapsed(), (most - before) / MB);
    assert!(most - before < 100 * MB, "{} MB more", (most - before) / MB);
    assert!(shown.iter().all(|it| !it.is_finished()), "every box is still connected");
    shown.iter().for_each(tokio::task::JoinHandle::abort);
}
