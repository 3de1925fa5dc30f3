//! One session of Engine.IO: a transport, a queue of what is to be sent, a pulse.
//!
//! A session is one task that reads, answers and sends in turn. An event is handled before the next one is read, so that
//! nothing that follows the namespace's CONNECT can be lost, and a box that floods is slowed by its own backlog and by
//! what it may send in a while ([`super::allowance`]). What the server sends goes through a bounded queue: a client that
//! does not read loses its connection, never the server its memory; the work itself is in the database.
//!
//! Thousands of sessions are idle at the same time, so what a session holds while it waits is little: no buffer,
//! an empty queue, one timer. What handling a packet needs is allocated for as long as that takes.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::Notify;

use super::allowance::Allowance;
use super::boxes::Talk;
use super::frames::Said;
use super::large::{self, Beside};
use super::packet::{self, FromClient};
use super::polling::{Poll, Received};
use super::websocket::WebSocket;
use crate::app::App;

/// Between two pings of the engine.
pub const PING_INTERVAL: Duration = Duration::from_secs(25);
/// How long after a ping a client may be silent.
pub const PING_TIMEOUT: Duration = Duration::from_secs(60);
/// The largest packet: a mirrored configuration or a log, far above the library's default of 1 MB.
pub const MAX_PAYLOAD: usize = 10_000_000;
/// The largest packet, and the largest body of a request, of a client that has not said who it is.
pub const STRANGERS_PAYLOAD: usize = 64 * 1024;
/// How many packets may wait for a client that reads slowly.
const QUEUE: usize = 64;
/// And how much of them. A single one may be larger.
pub(super) const QUEUE_BYTES: usize = 1_000_000;
/// How long a client that seems to be silent may still speak.
const GRACE: Duration = Duration::from_millis(500);
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
    /// Whether we know who it is.
    trusted: AtomicBool,
    outgoing: Mutex<Outgoing>,
    /// Rung when something is to be sent, or the session is to end.
    bell: Notify,
}

/// What waits to be sent.
#[derive(Debug, Default)]
struct Outgoing {
    packets: Vec<String>,
    bytes: usize,
    /// Since when the client is to go unless it says who it is.
    doubted: Option<tokio::time::Instant>,
    /// Nothing more is taken; what waits is still tried.
    closing: bool,
    /// The client does not read: not even what is being sent now is waited for.
    cut: bool,
}

impl Handle {
    pub(super) fn new(address: IpAddr) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(Arc::new(Ends {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            address,
            began: Instant::now(),
            next_ack: AtomicU64::new(0),
            trusted: AtomicBool::new(false),
            outgoing: Mutex::default(),
            bell: Notify::new(),
        }))
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

    /// The client has proven who it is: from its next packet on it may send [`MAX_PAYLOAD`] bytes at once instead
    /// of [`STRANGERS_PAYLOAD`].
    pub fn trust(&self) {
        self.0.trusted.store(true, Ordering::Relaxed);
    }

    /// How many bytes the client may send at once.
    #[must_use]
    pub fn max_payload(&self) -> usize {
        if self.0.trusted.load(Ordering::Relaxed) { MAX_PAYLOAD } else { STRANGERS_PAYLOAD }
    }

    /// Sends an event. A client that has let too much wait loses its connection.
    pub fn emit(&self, name: &str, data: &Value) {
        self.send(packet::event(name, data));
    }

    /// Sends an event whose arrival the client is to acknowledge: the number under which the conversation will
    /// hear of it. A connection that ends takes its open numbers with it.
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
        {
            let mut outgoing = self.outgoing();
            if outgoing.closing {
                return;
            }
            let fits = outgoing.packets.is_empty() || outgoing.bytes + packet.len() <= QUEUE_BYTES;
            if fits && outgoing.packets.len() < QUEUE {
                outgoing.bytes += packet.len();
                outgoing.packets.push(packet);
            } else {
                tracing::debug!(address = %self.0.address, "a client that does not read loses its connection");
                *outgoing = Outgoing { closing: true, cut: true, ..Outgoing::default() };
            }
        }
        self.0.bell.notify_one();
    }

    /// Ends the session once what is queued before was tried. The client comes back by itself.
    pub fn close(&self) {
        self.outgoing().closing = true;
        self.0.bell.notify_one();
    }

    /// Ends the session unless its client says who it is within a moment: it may have done so, and we have not read it.
    pub(super) fn doubt(&self) {
        self.outgoing().doubted.get_or_insert_with(tokio::time::Instant::now);
        self.0.bell.notify_one();
    }

    /// Until when the client has to have said who it is, if it is doubted.
    fn last_moment(&self) -> Option<tokio::time::Instant> {
        let is_known = self.0.trusted.load(Ordering::Relaxed);
        self.outgoing().doubted.filter(|_| !is_known).map(|since| since + GRACE)
    }

    /// Whether the session is to end.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.outgoing().closing
    }

    /// What waits, taken out.
    fn take(&self) -> Vec<String> {
        let mut outgoing = self.outgoing();
        outgoing.bytes = 0;
        std::mem::take(&mut outgoing.packets)
    }

    /// Waits until the client is given up at once.
    async fn cut(&self) {
        while !self.outgoing().cut {
            self.0.bell.notified().await;
        }
    }

    fn outgoing(&self) -> MutexGuard<'_, Outgoing> {
        self.0.outgoing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How packets travel.
pub(super) enum Transport {
    WebSocket(Box<WebSocket>),
    Polling(Arc<Poll>),
}

impl Transport {
    /// What the client sends next; `None` when it is gone or speaks another language.
    async fn receive(&mut self, limit: usize, (allowance, beside): (&mut Allowance, &Beside)) -> Option<Received> {
        match self {
            Self::WebSocket(socket) => Some(match socket.receive(limit, allowance, Some(beside)).await? {
                Said::Text(text) => Received::Packet(text),
                Said::Ping(payload) => Received::Ping(payload),
            }),
            Self::Polling(poll) => poll.receive(allowance).await,
        }
    }

    /// Sends a packet, unless it takes too long or the client is given up meanwhile.
    async fn send(&mut self, packet: &str, handle: &Handle) -> bool {
        match self {
            Self::WebSocket(socket) => tokio::select! {
                sent = tokio::time::timeout(SEND_TIMEOUT, socket.send(packet)) => matches!(sent, Ok(Ok(()))),
                () = handle.cut() => false,
            },
            Self::Polling(poll) => poll.push(packet.to_owned()),
        }
    }

    /// Sends until nothing waits any more. What comes while a packet leaves has rung in vain: sending listens for
    /// being cut off, and takes the ring for that.
    async fn send_what_waits(&mut self, handle: &Handle) -> bool {
        loop {
            let packets = handle.take();
            if packets.is_empty() {
                return true;
            }
            for packet in packets {
                if !self.send(&packet, handle).await {
                    return false;
                }
            }
        }
    }

    async fn pong(&mut self, payload: &[u8]) -> bool {
        match self {
            Self::WebSocket(socket) => {
                matches!(tokio::time::timeout(SEND_TIMEOUT, socket.pong(payload)).await, Ok(Ok(())))
            }
            Self::Polling(_) => true,
        }
    }
}

/// One session.
pub(super) struct Session {
    sid: Box<str>,
    transport: Transport,
    handle: Handle,
    talk: Talk,
}

impl Session {
    /// A session, of which nothing is said yet.
    pub(super) fn new(app: App, sid: String, transport: Transport, handle: Handle) -> Box<Self> {
        Box::new(Self { sid: sid.into(), transport, talk: Talk::begin(app, handle.clone()), handle })
    }

    /// Runs it from its first packet to its end.
    pub(super) async fn run(mut self: Box<Self>, upgrades: &'static [&'static str]) {
        let pulse = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let open = packet::open(&self.sid, upgrades, pulse(PING_INTERVAL), pulse(PING_TIMEOUT), MAX_PAYLOAD);
        if self.send(&open).await {
            drop(open);
            self.converse().await;
        }
        Box::pin(self.end()).await;
    }

    async fn converse(&mut self) {
        let mut heard = Instant::now();
        let mut pulse = std::pin::pin!(tokio::time::sleep(PING_INTERVAL));
        loop {
            if !self.send_what_waits().await || self.handle.is_closing() {
                return;
            }
            let last_moment = self.handle.last_moment();
            tokio::select! {
                // The pulse whatever comes; then what the client has said, and only then whether it is too late.
                biased;
                () = &mut pulse => {
                    if heard.elapsed() > PING_INTERVAL + PING_TIMEOUT || !self.send("2").await {
                        return;
                    }
                    pulse.as_mut().reset(tokio::time::Instant::now() + PING_INTERVAL);
                }
                received = self.transport.receive(self.handle.max_payload(), self.talk.limits()) => {
                    heard = Instant::now();
                    let Some(received) = received else { return };
                    // Large while it runs, and nothing while it does not.
                    if !Box::pin(self.answer(received)).await {
                        return;
                    }
                }
                () = passes(last_moment), if last_moment.is_some() => return,
                () = self.handle.0.bell.notified() => {}
            }
        }
    }

    /// Does what a packet asks for; whether the session goes on.
    async fn answer(&mut self, received: Received) -> bool {
        let text = match received {
            Received::Packet(text) => text,
            Received::Ping(payload) => return self.transport.pong(&payload).await,
            Received::Upgraded(socket) => return self.change_to(socket).await,
        };
        let length = text.len();
        let _turn = self.talk.beside().turn(length).await;
        // One that is passed over does not end it: its client would come back and say the same again.
        let Some(packet) = large::read(text, self.talk.beside(), &self.handle).await else { return true };
        match packet {
            Ok(FromClient::Event { name, arguments, ack }) => self.talk.event(name, arguments, ack, length).await,
            Ok(FromClient::Connect(auth)) => {
                let connected = packet::connected(&self.sid);
                self.send(&connected).await && self.talk.entered(auth).await
            }
            // A number that we never gave: this is no client of ours.
            Ok(FromClient::Ack { id, arguments }) => {
                self.handle.has_asked(id) && self.talk.acknowledged(id, arguments).await
            }
            Ok(FromClient::Pong | FromClient::Noop) => true,
            Ok(FromClient::Close | FromClient::Disconnect | FromClient::Probe | FromClient::Upgrade) => false,
            Err(packet::Malformed) => {
                tracing::debug!(address = %self.handle.address(), "a malformed packet ended a session");
                false
            }
        }
    }

    /// Goes on through a WebSocket, beginning with what was not fetched before.
    async fn change_to(&mut self, socket: Box<WebSocket>) -> bool {
        let unfetched = match &self.transport {
            Transport::Polling(poll) => {
                poll.close();
                poll.unfetched()
            }
            Transport::WebSocket(_) => Vec::new(),
        };
        self.transport = Transport::WebSocket(socket);
        for packet in unfetched {
            if !self.send(&packet).await {
                return false;
            }
        }
        true
    }

    async fn send(&mut self, packet: &str) -> bool {
        self.transport.send(packet, &self.handle).await
    }

    async fn send_what_waits(&mut self) -> bool {
        self.transport.send_what_waits(&self.handle).await
    }

    async fn end(mut self: Box<Self>) {
        // What was queued before the end is still tried: an `auth_error` has to arrive.
        let (_, restarting) = (self.send_what_waits().await, self.talk.is_last());
        self.talk.over().await;
        match self.transport {
            Transport::WebSocket(socket) => socket.finish(restarting).await,
            Transport::Polling(poll) => poll.close(),
        }
    }
}

/// Waits for a moment that may never come.
async fn passes(moment: Option<tokio::time::Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    fn handle() -> Handle {
        Handle::new(IpAddr::V4(Ipv4Addr::LOCALHOST))
    }

    #[test]
    fn what_waits_is_bounded_in_number_and_in_bytes() {
        let crowded = handle();
        (0..QUEUE).for_each(|_| crowded.emit("ping_check", &Value::Null));
        assert!(!crowded.is_closing());
        crowded.emit("ping_check", &Value::Null);
        assert!(crowded.is_closing());
        assert!(crowded.take().is_empty(), "its memory is free at once: the work is in the database");
        crowded.emit("ping_check", &Value::Null);
        assert!(crowded.take().is_empty());

        let large = "x".repeat(QUEUE_BYTES * 2);
        let full = handle();
        full.send(large.clone());
        assert!(!full.is_closing(), "a single packet may be larger");
        full.send("2".into());
        assert!(full.is_closing() && full.take().is_empty());

        let read = handle();
        for _ in 0..10 {
            read.send(large.clone());
            assert_eq!(read.take().len(), 1);
        }
        assert!(!read.is_closing(), "who reads has room again");
    }

    #[test]
    fn what_was_queued_before_an_end_is_still_there_and_nothing_after_it() {
        let handle = handle();
        handle.emit("auth_error", &Value::Null);
        handle.close();
        handle.emit("ping_check", &Value::Null);
        assert_eq!(handle.take(), [r#"42["auth_error"]"#]);
    }

    #[test]
    fn acknowledgements_have_numbers_of_their_own() {
        let handle = handle();
        assert!(!handle.has_asked(0));
        assert_eq!(
            (handle.emit_with_ack("desired", &Value::Null), handle.emit_with_ack("desired", &Value::Null)),
            (0, 1)
        );
        assert!(handle.has_asked(1) && !handle.has_asked(2));
        handle.acknowledge(7, &Value::Null);
        assert_eq!(handle.take(), [r#"420["desired"]"#, r#"421["desired"]"#, "437[]"]);
    }

    #[test]
    fn only_who_is_trusted_may_send_much() {
        let handle = handle();
        assert_eq!(handle.max_payload(), STRANGERS_PAYLOAD);
        handle.trust();
        assert_eq!(handle.max_payload(), MAX_PAYLOAD);
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_is_cut_in_the_middle_of_a_packet() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let (_client, server) = (TcpStream::connect(address).await.expect("a client"), listener.accept().await);
        let socket = WebSocket::new(server.expect("a connection").0, Vec::new(), None);
        let (mut transport, handle) = (Transport::WebSocket(Box::new(socket)), handle());
        // More than the system takes for a client that does not read.
        let large = "x".repeat(50_000_000);
        let began = Instant::now();
        let overflow = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            (0..=QUEUE).for_each(|_| handle.emit("ping_check", &Value::Null));
        };
        let (sent, ()) = tokio::join!(transport.send(&large, &handle), overflow);
        assert!(!sent && began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    }
    #[tokio::test]
    async fn what_is_said_while_a_packet_leaves_is_said_behind_it() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let (client, server) = (TcpStream::connect(address).await.expect("a client"), listener.accept().await);
        let socket = WebSocket::new(server.expect("a connection").0, Vec::new(), None);
        let (mut transport, handle) = (Transport::WebSocket(Box::new(socket)), handle());
        handle.send("x".repeat(20_000_000));
        let meanwhile = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            handle.emit("desired", &Value::Null);
            tokio::time::sleep(Duration::from_millis(100)).await;
            let (mut heard, end) = (Vec::new(), br#"42["desired"]"#);
            while !heard.ends_with(end) {
                client.readable().await.expect("it lasts");
                // The end is all that is looked at.
                heard.drain(..heard.len().saturating_sub(end.len()));
                let _ = client.try_read_buf(&mut heard);
            }
        };
        let both = async { tokio::join!(transport.send_what_waits(&handle), meanwhile).0 };
        let sent = tokio::time::timeout(Duration::from_secs(10), both).await;
        assert_eq!(sent, Ok(true), "what was said behind the first packet never came");
    }
}
