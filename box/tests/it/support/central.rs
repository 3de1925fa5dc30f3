//! A central server of the tests' own: protocol 2 over one WebSocket, and a storage.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::ws::{Message, WebSocket};
use axum::extract::{FromRequestParts as _, Request, WebSocketUpgrade};
use axum::response::{IntoResponse as _, Response};
use neopro_protocol::{Desired, Item, Media, Reported};
use serde_json::{Value, json};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;

use super::PATIENCE;
use super::storage::Storage;

/// How the server behaves.
#[derive(Debug, Clone)]
pub struct Manners {
    /// Every `authenticate` is refused with these words.
    pub refuses: Option<String>,
    /// It speaks protocol 1 only.
    pub is_old: bool,
    /// Reports are acknowledged.
    pub acknowledges: bool,
    /// Answers to commands are acknowledged.
    pub takes_answers: bool,
    /// Between two pings, and how long the box would have to answer, in milliseconds.
    pub pulse: (u64, u64),
    /// Pings are sent.
    pub pings: bool,
    /// From where media may be fetched; the storage of the server itself if empty.
    pub origins: Vec<String>,
    /// The first packet.
    pub open: Option<String>,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            refuses: None,
            is_old: false,
            acknowledges: true,
            takes_answers: true,
            pulse: (25_000, 60_000),
            pings: true,
            origins: Vec::new(),
            open: None,
        }
    }
}

/// Everything that boxes have said, and when.
#[derive(Debug, Default)]
struct Heard {
    events: Vec<(String, Value, Instant)>,
    pongs: usize,
    connections: Vec<Instant>,
}

struct Shared {
    heard: Mutex<Heard>,
    manners: Mutex<Manners>,
    desired: watch::Sender<Desired>,
    /// Packets for every connection, as they are; an empty one cuts it.
    packets: broadcast::Sender<String>,
    origin: String,
}

/// A running server.
pub struct Central {
    pub storage: Storage,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Drop for Central {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Central {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let storage = Storage::default();
        let shared = Arc::new(Shared {
            heard: Mutex::default(),
            manners: Mutex::default(),
            desired: watch::channel(Desired::default()).0,
            packets: broadcast::channel(256).0,
            origin: format!("http://127.0.0.1:{port}"),
        });
        let of_requests = (shared.clone(), storage.clone());
        let answer = move |request: Request| answer(of_requests.0.clone(), of_requests.1.clone(), request);
        let router: axum::Router = axum::Router::new().fallback(answer);
        let task = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("the server serves");
        });
        Self { storage, shared, task }
    }

    pub fn url(&self) -> String {
        self.shared.origin.clone()
    }

    /// The address of a file of the storage.
    pub fn file(&self, name: &str) -> String {
        format!("{}/files/{name}", self.shared.origin)
    }

    pub fn manners(&self, change: impl FnOnce(&mut Manners)) {
        change(&mut self.shared.manners.lock().expect("no panic before"));
    }

    /// Wants these files, in one more revision.
    pub fn want(&self, media: &[Media]) -> i64 {
        self.shared.desired.send_modify(|desired| {
            desired.revision += 1;
            desired.media = media.to_vec();
        });
        self.shared.desired.borrow().revision
    }

    /// Sends a packet as it is.
    pub fn send(&self, packet: &str) {
        self.shared.packets.send(packet.to_owned()).expect("a box is connected");
    }

    /// Cuts every connection.
    pub fn cut(&self) {
        self.send("");
    }

    pub fn connections(&self) -> Vec<Instant> {
        self.shared.heard.lock().expect("no panic before").connections.clone()
    }

    pub fn pongs(&self) -> usize {
        self.shared.heard.lock().expect("no panic before").pongs
    }

    /// All events of a name, with when they came.
    pub fn timed(&self, name: &str) -> Vec<(Value, Instant)> {
        let heard = self.shared.heard.lock().expect("no panic before");
        let named = heard.events.iter().filter(|(event, ..)| event == name);
        named.map(|(_, data, at)| (data.clone(), *at)).collect()
    }

    pub fn events(&self, name: &str) -> Vec<Value> {
        self.timed(name).into_iter().map(|(data, _)| data).collect()
    }

    pub fn reports(&self) -> Vec<Reported> {
        let read = |data| serde_json::from_value(data).expect("a report");
        self.events("reported").into_iter().map(read).collect()
    }

    /// Waits until something holds.
    pub async fn until<T>(&self, what: &str, holds: impl Fn(&Self) -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(found) = holds(self) {
                return found;
            }
            let last = self.reports().pop();
            assert!(began.elapsed() < PATIENCE, "waited in vain for {what}; the last report: {last:#?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until an event of this name has come, after the first `after`.
    pub async fn event(&self, name: &str, after: usize) -> Value {
        self.until(name, |central| central.events(name).into_iter().nth(after)).await
    }

    /// Waits until the box has heard everything that was sent to it so far.
    pub async fn heard(&self) {
        let before = self.events("pong_check").len();
        self.send(r#"42["ping_check",{"timestamp":1}]"#);
        self.event("pong_check", before).await;
    }

    /// Waits until the last report says this of a file.
    pub async fn reported(&self, media: &Media, holds: impl Fn(&Item) -> bool) -> Item {
        self.until(&media.url, |central| {
            let report = central.reports().pop()?;
            report.inventory.into_iter().find(|item| item.id == media.id && holds(item))
        })
        .await
    }
}

async fn answer(shared: Arc<Shared>, storage: Storage, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    if let Some(name) = parts.uri.path().strip_prefix("/files/") {
        return storage.answer(name, &parts.headers);
    }
    assert_eq!(parts.uri.to_string(), "/socket.io/?EIO=4&transport=websocket");
    match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade.on_upgrade(move |socket| converse(shared, socket)),
        Err(refused) => refused.into_response(),
    }
}

async fn converse(shared: Arc<Shared>, mut socket: WebSocket) {
    shared.heard.lock().expect("no panic before").connections.push(Instant::now());
    let manners = shared.manners.lock().expect("no panic before").clone();
    let mut packets = shared.packets.subscribe();
    let mut desired = shared.desired.subscribe();
    let (interval, timeout) = manners.pulse;
    let open = json!({"sid": "s", "upgrades": [], "pingInterval": interval, "pingTimeout": timeout, "maxPayload": 1});
    let open = manners.open.clone().unwrap_or_else(|| format!("0{open}"));
    let mut going = socket.send(Message::Text(open.into())).await.is_ok();
    let mut pulse = tokio::time::interval(Duration::from_millis(interval));
    let mut known: Option<i64> = None;
    let mut next_ack = 100;
    while going {
        if let Some(revision) = known
            && !manners.is_old
            && desired.borrow_and_update().revision > revision
        {
            let wanted = desired.borrow().clone();
            known = Some(wanted.revision);
            next_ack += 1;
            let event = format!("42{next_ack}{}", json!(["desired", wanted]));
            going = socket.send(Message::Text(event.into())).await.is_ok();
            continue;
        }
        tokio::select! {
            received = socket.recv() => match received {
                Some(Ok(Message::Text(text))) => {
                    let manners = shared.manners.lock().expect("no panic before").clone();
                    for packet in react(&shared, &manners, &text, &mut known) {
                        going = going && !packet.is_empty() && socket.send(Message::Text(packet.into())).await.is_ok();
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => going = false,
            },
            Ok(packet) = packets.recv() => {
                going = !packet.is_empty() && socket.send(Message::Text(packet.into())).await.is_ok();
            }
            _ = desired.changed() => {}
            _ = pulse.tick() => {
                going = !manners.pings || socket.send(Message::Text("2".into())).await.is_ok();
            }
        }
    }
}

/// What is answered to a packet; an empty answer ends the connection.
fn react(shared: &Shared, manners: &Manners, text: &str, known: &mut Option<i64>) -> Vec<String> {
    if text == "41" {
        note(shared, "(farewell)", Value::Null);
        return vec![String::new()];
    }
    if text == "3" {
        shared.heard.lock().expect("no panic before").pongs += 1;
        return Vec::new();
    }
    if text.starts_with("40") {
        return vec![r#"40{"sid":"n"}"#.into()];
    }
    if let Some(ack) = text.strip_prefix("43") {
        let at = ack.find('[').expect("arguments");
        let data: Value = serde_json::from_str(&ack[at..]).expect("JSON");
        note(shared, "(ack)", data[0].clone());
        return Vec::new();
    }
    let Some(event) = text.strip_prefix("42") else { return vec![String::new()] };
    let at = event.find('[').expect("arguments");
    let arguments: Value = serde_json::from_str(&event[at..]).expect("JSON");
    let (number, name, data) = (&event[..at], arguments[0].as_str().expect("a name"), arguments[1].clone());
    note(shared, name, data.clone());
    match name {
        "authenticate" => {
            if let Some(words) = &manners.refuses {
                return vec![format!("42{}", json!(["auth_error", {"message": words}])), "41".into(), String::new()];
            }
            *known = data["revision"].as_i64().or(Some(0));
            let mut welcome = json!({"message": "Bienvenue.", "siteId": data["siteId"]});
            if !manners.is_old {
                let own = vec![shared.origin.clone()];
                let origins = if manners.origins.is_empty() { &own } else { &manners.origins };
                welcome["protocol"] = 2.into();
                welcome["mediaOrigins"] = json!(origins);
            }
            vec![format!("42{}", json!(["authenticated", welcome]))]
        }
        "reported" if manners.acknowledges => vec![format!("43{number}[{}]", json!({"sequence": data["sequence"]}))],
        "command_result" if manners.takes_answers && !number.is_empty() => {
            vec![format!("43{number}[{}]", json!({"commandId": data["commandId"]}))]
        }
        _ => Vec::new(),
    }
}

fn note(shared: &Shared, name: &str, data: Value) {
    shared.heard.lock().expect("no panic before").events.push((name.to_owned(), data, Instant::now()));
}
