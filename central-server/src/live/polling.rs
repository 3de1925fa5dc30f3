//! The polling transport: packets wait here until the client fetches them, and come here as it posts them.
//!
//! The dashboard of NeoPro 1 starts with it and changes to a WebSocket; old proxies know nothing else.

use std::sync::Mutex;
use std::time::Duration;

use axum::extract::ws::WebSocket;
use tokio::sync::{Notify, mpsc};

use super::packet::SEPARATOR;
use super::session::{MAX_PAYLOAD, PING_INTERVAL};

/// How many posted packets may wait for the session.
const INBOX: usize = 64;

/// What a session gets from this transport.
pub(super) enum Received {
    /// A packet.
    Packet(String),
    /// Another transport: from now on everything goes through it.
    Upgraded(Box<WebSocket>),
}

/// The meeting place of a session and the requests of its client.
pub(super) struct Poll {
    inbox: mpsc::Sender<Received>,
    /// Taken by the one session.
    received: tokio::sync::Mutex<mpsc::Receiver<Received>>,
    outgoing: Mutex<Outgoing>,
    /// Rung when something can be fetched.
    ready: Notify,
}

#[derive(Default)]
struct Outgoing {
    packets: Vec<String>,
    bytes: usize,
    closed: bool,
    /// A request waits for packets already.
    fetching: bool,
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
    pub(super) fn new() -> Self {
        let (inbox, received) = mpsc::channel(INBOX);
        Self { inbox, received: tokio::sync::Mutex::new(received), outgoing: Mutex::default(), ready: Notify::new() }
    }

    /// For the session: what the client sent. `None` when nothing more can come.
    pub(super) async fn receive(&self) -> Option<Received> {
        self.received.lock().await.recv().await
    }

    /// For the session: a packet to fetch. `false` when too much waits already.
    pub(super) fn push(&self, packet: String) -> bool {
        let mut outgoing = self.lock();
        if outgoing.closed || outgoing.bytes + packet.len() > MAX_PAYLOAD {
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
        let _fetching = Fetching(self);
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

    /// For a `POST`: packets of the client.
    pub(super) async fn post(&self, body: &str) -> Result<(), Refused> {
        for packet in body.split(SEPARATOR) {
            self.put(Received::Packet(packet.to_owned())).await?;
        }
        Ok(())
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
        self.put(Received::Upgraded(socket)).await
    }

    /// For the session: what was not fetched before the change.
    pub(super) fn unfetched(&self) -> Vec<String> {
        let mut outgoing = self.lock();
        outgoing.bytes = 0;
        std::mem::take(&mut outgoing.packets).into_iter().filter(|packet| packet != "6").collect()
    }

    async fn put(&self, received: Received) -> Result<(), Refused> {
        if self.lock().closed {
            return Err(Refused::Gone);
        }
        // A session that is busy slows its client down, for a while.
        match tokio::time::timeout(Duration::from_secs(20), self.inbox.send(received)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Refused::Gone),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Outgoing> {
        self.outgoing.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Lets the next request in when this one ends, in whatever way.
struct Fetching<'a>(&'a Poll);

impl Drop for Fetching<'_> {
    fn drop(&mut self) {
        self.0.lock().fetching = false;
    }
}
