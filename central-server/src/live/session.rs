//! One session of Engine.IO: a transport, a queue of what is to be sent, a pulse.
//!
//! A session is one task that reads, answers and sends in turn. An event is handled before the next one is
//! read, so that nothing that follows the namespace's CONNECT can be lost, and a box that floods is slowed by
//! its own backlog. What the server sends goes through a bounded queue: a client that does not read loses its
//! connection, never the server its memory; the work itself is in the database.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::extract::ws::{Message, WebSocket};
use serde_json::Value;
use tokio::sync::{Notify, mpsc};

use super::boxes::Talk;
use super::packet::{self, FromClient};
use super::polling::{Poll, Received};

/// Between two pings of the engine.
pub const PING_INTERVAL: Duration = Duration::from_secs(25);
/// How long after a ping a client may be silent.
pub const PING_TIMEOUT: Duration = Duration::from_secs(60);
/// The largest packet: a mirrored configuration or a log, far above the library's default of 1 MB.
pub const MAX_PAYLOAD: usize = 10_000_000;
/// How many packets may wait for a client that reads slowly.
const QUEUE: usize = 64;
/// How long a packet may take to leave.
const SEND_TIMEOUT: Duration = Duration::from_secs(20);

/// The server's end of a session: sends and closes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Handle(Arc<Ends>);

#[derive(Debug)]
struct Ends {
    number: u64,
    address: IpAddr,
    began: Instant,
    /// Under which number the next event that wants an acknowledgement goes out.
    next_ack: AtomicU64,
    queue: mpsc::Sender<String>,
    closing: AtomicBool,
    close: Notify,
}

impl Handle {
    /// A handle and the queue that its session empties.
    pub(super) fn new(address: IpAddr) -> (Self, mpsc::Receiver<String>) {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let (queue, waiting) = mpsc::channel(QUEUE);
        let ends = Ends {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            address,
            began: Instant::now(),
            next_ack: AtomicU64::new(0),
            queue,
            closing: AtomicBool::new(false),
            close: Notify::new(),
        };
        (Self(Arc::new(ends)), waiting)
    }

    /// Tells sessions of this process apart.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.0.number
    }

    /// Where the client is.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.0.address
    }

    /// How long the session has lasted.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.0.began.elapsed()
    }

    /// Sends an event. A client whose queue is full loses its connection.
    pub fn emit(&self, name: &str, data: &Value) {
        self.send(packet::event(name, data));
    }

    /// Sends an event whose arrival the client is to acknowledge: the number under which
    /// [`Talk::acknowledged`] will hear of it. A connection that ends takes its open numbers with it.
    pub fn emit_with_ack(&self, name: &str, data: &Value) -> u64 {
        let id = self.0.next_ack.fetch_add(1, Ordering::Relaxed);
        self.send(packet::event_with_ack(name, data, id));
        id
    }

    /// Acknowledges a client's event, with `data` unless that is null.
    pub fn acknowledge(&self, id: u64, data: &Value) {
        self.send(packet::ack(id, data));
    }

    /// Whether an event was ever sent under this number.
    fn has_asked(&self, id: u64) -> bool {
        id < self.0.next_ack.load(Ordering::Relaxed)
    }

    /// Sends a packet as it is.
    pub(super) fn send(&self, packet: String) {
        if self.0.queue.try_send(packet).is_err() {
            self.close();
        }
    }

    /// Ends the session once what is queued before was tried. The client comes back by itself.
    pub fn close(&self) {
        self.0.closing.store(true, Ordering::SeqCst);
        self.0.close.notify_one();
    }

    /// Whether the session is to end.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.0.closing.load(Ordering::SeqCst)
    }
}

/// How packets travel.
pub(super) enum Transport {
    WebSocket(Box<WebSocket>),
    Polling(Arc<Poll>),
}

impl Transport {
    /// What the client sends next; `None` when it is gone or speaks another language.
    async fn receive(&mut self) -> Option<Received> {
        match self {
            Self::WebSocket(socket) => loop {
                match socket.recv().await? {
                    Ok(Message::Text(text)) => return Some(Received::Packet(text.to_string())),
                    Ok(Message::Ping(_) | Message::Pong(_)) => {}
                    Ok(Message::Binary(_) | Message::Close(_)) | Err(_) => return None,
                }
            },
            Self::Polling(poll) => poll.receive().await,
        }
    }

    /// Goes on through a WebSocket, beginning with what was not fetched before.
    async fn change_to(&mut self, socket: Box<WebSocket>) -> bool {
        let unfetched = match self {
            Self::Polling(poll) => {
                poll.close();
                poll.unfetched()
            }
            Self::WebSocket(_) => Vec::new(),
        };
        *self = Self::WebSocket(socket);
        for packet in unfetched {
            if !self.send(packet).await {
                return false;
            }
        }
        true
    }

    async fn send(&mut self, packet: String) -> bool {
        match self {
            Self::WebSocket(socket) => {
                let sending = socket.send(Message::Text(packet.into()));
                matches!(tokio::time::timeout(SEND_TIMEOUT, sending).await, Ok(Ok(())))
            }
            Self::Polling(poll) => poll.push(packet),
        }
    }
}

/// Runs a session from its first packet to its end.
pub(super) async fn run(
    mut transport: Transport,
    sid: &str,
    upgrades: &[&str],
    handle: Handle,
    mut queue: mpsc::Receiver<String>,
    mut conversation: Talk,
) {
    let pulse = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let open = packet::open(sid, upgrades, pulse(PING_INTERVAL), pulse(PING_TIMEOUT), MAX_PAYLOAD);
    if transport.send(open).await {
        converse(&mut transport, sid, &handle, &mut queue, &mut conversation).await;
    }
    // What was queued before the end is still tried: an `auth_error` has to arrive.
    while let Ok(packet) = queue.try_recv() {
        if !transport.send(packet).await {
            break;
        }
    }
    match transport {
        Transport::WebSocket(mut socket) => {
            let _ = tokio::time::timeout(SEND_TIMEOUT, socket.send(Message::Close(None))).await;
        }
        Transport::Polling(poll) => poll.close(),
    }
    conversation.over().await;
}

async fn converse(
    transport: &mut Transport,
    sid: &str,
    handle: &Handle,
    queue: &mut mpsc::Receiver<String>,
    conversation: &mut Talk,
) {
    let mut heard = Instant::now();
    let mut pulse = tokio::time::interval_at(tokio::time::Instant::now() + PING_INTERVAL, PING_INTERVAL);
    while !handle.is_closing() {
        tokio::select! {
            received = transport.receive() => {
                heard = Instant::now();
                let goes_on = match received {
                    Some(Received::Packet(text)) => answer(&text, transport, sid, handle, conversation).await,
                    Some(Received::Upgraded(socket)) => transport.change_to(socket).await,
                    None => false,
                };
                if !goes_on {
                    return;
                }
            }
            Some(packet) = queue.recv() => {
                if !transport.send(packet).await {
                    return;
                }
            }
            () = handle.0.close.notified() => return,
            _ = pulse.tick() => {
                if heard.elapsed() > PING_INTERVAL + PING_TIMEOUT || !transport.send("2".into()).await {
                    return;
                }
            }
        }
    }
}

/// Does what a packet asks for; whether the session goes on.
async fn answer(text: &str, transport: &mut Transport, sid: &str, handle: &Handle, conversation: &mut Talk) -> bool {
    match packet::read(text) {
        Ok(FromClient::Event { name, arguments, ack }) => conversation.event(name, arguments, ack).await,
        Ok(FromClient::Connect(auth)) => {
            transport.send(packet::connected(sid)).await && conversation.entered(auth).await
        }
        // A number that we never gave: this is no client of ours.
        Ok(FromClient::Ack { id, arguments }) => handle.has_asked(id) && conversation.acknowledged(id, arguments).await,
        Ok(FromClient::Pong | FromClient::Noop) => true,
        Ok(FromClient::Close | FromClient::Disconnect | FromClient::Probe | FromClient::Upgrade) => false,
        Err(packet::Malformed) => {
            tracing::debug!(address = %handle.address(), "a malformed packet ended a session");
            false
        }
    }
}
