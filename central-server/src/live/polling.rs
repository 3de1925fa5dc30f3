//! The polling transport: packets wait here until the client fetches them, and come here as it posts them.
//!
//! The dashboard of NeoPro 1 starts with it and changes to a WebSocket; old proxies know nothing else.

use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use super::allowance::Allowance;
use super::packet::SEPARATOR;
use super::session::{Handle, PING_INTERVAL, QUEUE_BYTES};
use super::websocket::WebSocket;

/// How many posts may wait for the session: a client that posts faster than its packets are handled waits.
const INBOX: usize = 1;

/// What a session gets from this transport.
pub(super) enum Received {
    /// A packet.
    Packet(String),
    /// A ping of a WebSocket itself, to be answered with the same bytes.
    Ping(Vec<u8>),
    /// Another transport: from now on everything goes through it.
    Upgraded(Box<WebSocket>),
}

/// The meeting place of a session and the requests of its client.
pub(super) struct Poll {
    handle: Handle,
    inbox: mpsc::Sender<Posted>,
    /// Taken by the one session.
    received: tokio::sync::Mutex<Inbox>,
    outgoing: Mutex<Outgoing>,
    /// Rung when something can be fetched.
    ready: Notify,
}

/// What comes from the requests of a client.
enum Posted {
    Packets(String),
    Upgraded(Box<WebSocket>),
}

struct Inbox {
    posts: mpsc::Receiver<Posted>,
    /// The last post, as it came: ten million empty packets in a list would be a large list.
    packets: String,
    /// Where its next packet begins, if there is one.
    next: Option<usize>,
}

impl Inbox {
    /// The next packet of the last post.
    fn next(&mut self) -> Option<String> {
        let start = self.next.take()?;
        match self.packets[start..].find(SEPARATOR) {
            Some(length) => {
                let end = start + length;
                self.next = Some(end + SEPARATOR.len_utf8());
                Some(self.packets[start..end].to_owned())
            }
            None => {
                let mut last = std::mem::take(&mut self.packets);
                last.drain(..start);
                Some(last)
            }
        }
    }
}

#[derive(Default)]
struct Outgoing {
    packets: Vec<String>,
    bytes: usize,
    closed: bool,
    /// A request waits for packets already.
    fetching: bool,
    /// A request brings packets already.
    posting: bool,
}

/// Why a request of a client cannot be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// The session is over.
    Gone,
    /// Another request of the same kind is under way.
    Twice,
}

impl Poll {
    pub(super) fn new(handle: Handle) -> Self {
        let (inbox, posts) = mpsc::channel(INBOX);
        let received = tokio::sync::Mutex::new(Inbox { posts, packets: String::new(), next: None });
        Self { handle, inbox, received, outgoing: Mutex::default(), ready: Notify::new() }
    }

    /// How many bytes the client may post at once.
    pub(super) fn max_payload(&self) -> usize {
        self.handle.max_payload()
    }

    /// For the session: what the client sent, as soon as its allowance lets it be heard. `None` when nothing more can
    /// come.
    pub(super) async fn receive(&self, allowance: &mut Allowance) -> Option<Received> {
        let mut inbox = self.received.lock().await;
        loop {
            if let Some(moment) = allowance.pause(Instant::now()) {
                Box::pin(tokio::time::sleep_until(moment)).await;
            }
            if let Some(packet) = inbox.next() {
                allowance.frames(1, Instant::now());
                return Some(Received::Packet(packet));
            }
            match inbox.posts.recv().await? {
                Posted::Packets(packets) => {
                    allowance.read(packets.len(), Instant::now());
                    (inbox.packets, inbox.next) = (packets, Some(0));
                }
                Posted::Upgraded(socket) => return Some(Received::Upgraded(socket)),
            }
        }
    }

    /// For the session: a packet to fetch. `false` when too much waits already.
    pub(super) fn push(&self, packet: String) -> bool {
        let mut outgoing = self.lock();
        let fits = outgoing.packets.is_empty() || outgoing.bytes + packet.len() <= QUEUE_BYTES;
        if outgoing.closed || !fits {
            return false;
        }
        outgoing.bytes += packet.len();
        outgoing.packets.push(packet);
        drop(outgoing);
        self.ready.notify_one();
        true
    }

    /// For the session: it is over. What waits may still be fetched.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.ready.notify_one();
    }

    /// For a `GET`: waits for packets, a pulse at the most.
    pub(super) async fn fetch(&self) -> Result<String, Refused> {
        {
            let mut outgoing = self.lock();
            if outgoing.fetching {
                return Err(Refused::Twice);
            }
            if outgoing.closed && outgoing.packets.is_empty() {
                return Err(Refused::Gone);
            }
            outgoing.fetching = true;
        }
        let _fetching = Under(self, |outgoing| outgoing.fetching = false);
        let until = tokio::time::Instant::now() + PING_INTERVAL * 2;
        loop {
            {
                let mut outgoing = self.lock();
                if !outgoing.packets.is_empty() {
                    outgoing.bytes = 0;
                    let packets = std::mem::take(&mut outgoing.packets);
                    return Ok(packets.join(&SEPARATOR.to_string()));
                }
                if outgoing.closed {
                    return Ok("1".into());
                }
            }
            if tokio::time::timeout_at(until, self.ready.notified()).await.is_err() {
                return Ok("6".into());
            }
        }
    }

    /// For a `POST`: lets one in at a time. What comes back ends it when it is dropped.
    pub(super) fn begin_post(&self) -> Result<Under<'_>, Refused> {
        let mut outgoing = self.lock();
        if outgoing.posting {
            return Err(Refused::Twice);
        }
        outgoing.posting = true;
        drop(outgoing);
        Ok(Under(self, |outgoing| outgoing.posting = false))
    }

    /// For a `POST`: packets of the client.
    pub(super) async fn post(&self, body: String) -> Result<(), Refused> {
        self.put(Posted::Packets(body)).await
    }

    /// For a WebSocket of the same session whose probe was answered: releases the request that waits, so that
    /// the client can change over.
    pub(super) fn release(&self) {
        if self.lock().packets.is_empty() {
            self.push("6".into());
        }
    }

    /// For a WebSocket that takes over.
    pub(super) async fn upgrade(&self, socket: Box<WebSocket>) -> Result<(), Refused> {
        self.put(Posted::Upgraded(socket)).await
    }

    /// For the session: what was not fetched before the change.
    pub(super) fn unfetched(&self) -> Vec<String> {
        let mut outgoing = self.lock();
        outgoing.bytes = 0;
        std::mem::take(&mut outgoing.packets).into_iter().filter(|packet| packet != "6").collect()
    }

    async fn put(&self, posted: Posted) -> Result<(), Refused> {
        if self.lock().closed {
            return Err(Refused::Gone);
        }
        // A session that is busy slows its client down, for a while.
        match tokio::time::timeout(Duration::from_secs(20), self.inbox.send(posted)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Refused::Gone),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Outgoing> {
        self.outgoing.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A request under way: lets the next one of its kind in when it ends, in whatever way.
pub(super) struct Under<'a>(&'a Poll, fn(&mut Outgoing));

impl Drop for Under<'_> {
    fn drop(&mut self) {
        (self.1)(&mut self.0.lock());
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn poll() -> Poll {
        Poll::new(Handle::new(IpAddr::V4(Ipv4Addr::LOCALHOST)))
    }

    /// Whether it has not ended after a moment.
    async fn waits(request: impl Future) -> bool {
        tokio::time::timeout(Duration::from_millis(20), request).await.is_err()
    }

    #[tokio::test]
    async fn one_request_of_a_kind_at_a_time() {
        let poll = poll();
        let first = poll.begin_post().ok();
        assert!(first.is_some() && poll.begin_post().is_err());
        drop(first);
        assert!(poll.begin_post().is_ok());

        let mut waiting = std::pin::pin!(poll.fetch());
        assert!(waits(waiting.as_mut()).await);
        assert_eq!(poll.fetch().await, Err(Refused::Twice));
        assert!(poll.push("2".into()));
        assert_eq!(waiting.await, Ok("2".to_owned()));
    }

    #[tokio::test]
    async fn what_is_posted_comes_in_order_and_no_more_than_one_post_waits() {
        let poll = poll();
        poll.post("40\u{1e}3".into()).await.expect("it is open");
        let mut second = std::pin::pin!(poll.post("1".into()));
        assert!(waits(second.as_mut()).await, "the first is not handled yet");
        let mut allowance = Allowance::of_stranger(Instant::now());
        for expected in ["40", "3"] {
            assert!(matches!(poll.receive(&mut allowance).await, Some(Received::Packet(packet)) if packet == expected));
        }
        second.await.expect("there is room now");
        poll.close();
        assert_eq!(poll.post("3".into()).await, Err(Refused::Gone));
    }

    #[test]
    fn what_is_not_fetched_is_bounded() {
        let poll = poll();
        assert!(poll.push("x".repeat(QUEUE_BYTES + 1)), "a single packet may be larger");
        assert!(!poll.push("2".into()));
        assert_eq!(poll.unfetched().len(), 1);
        assert!(poll.push("2".into()));
    }
}
