//! Accepting connections, as many as a small machine can bear, and none for longer than it is of use.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::hosts::Ends;

/// Connections of others at the same time: the people of a club. One too many is closed at once.
const CONNECTIONS: usize = 128;
/// Connections of this machine itself, where the TV is: nobody in the hall can keep it out.
const OWN_CONNECTIONS: usize = 256;
/// How long a client may take for the head of a request, or be silent between two.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a new connection may be silent. Before its first byte the HTTP library does not count.
const FIRST_BYTE: Duration = Duration::from_secs(10);
/// The largest head that is read.
const HEAD_BYTES: usize = 16 * 1024;
/// The most header lines that are read.
const HEADERS: usize = 64;

/// Serves a router until `shutdown`, then closes every connection.
pub async fn accept(listener: TcpListener, router: Router, shutdown: impl Future<Output = ()>) {
    let mut http = auto::Builder::new(TokioExecutor::new()).http1_only();
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEADERS);
    let [places, own_places] = [CONNECTIONS, OWN_CONNECTIONS].map(|count| Arc::new(Semaphore::new(count)));
    let mut open = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    // Sockets outlive the request that made them; they end with the server all the same.
    let (_alive, ending) = watch::channel(());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = open.join_next() => continue,
            () = &mut shutdown => break,
        };
        let (stream, ends) = match accepted.and_then(|(stream, peer)| Ok((stream.local_addr()?, peer, stream))) {
            Ok((own, peer, stream)) => (stream, Ends { own, peer }),
            Err(error) => {
                // No file left to open, or a client that is gone already: neither ends the server.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        let places = if ends.is_local() { &own_places } else { &places };
        let Ok(place) = Arc::clone(places).try_acquire_owned() else { continue };
        let router = router.clone().layer(Extension(ends)).layer(Extension(Ending(ending.clone())));
        let http = http.clone();
        open.spawn(async move {
            let _place = place;
            if let Err(error) = converse(&http, stream, router).await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    open.shutdown().await;
}

/// Told to what lives longer than its request: [`Ending::wait`] returns when the server ends.
#[derive(Debug, Clone)]
pub struct Ending(watch::Receiver<()>);

impl Ending {
    /// Returns when the server ends.
    pub async fn wait(&mut self) {
        while self.0.changed().await.is_ok() {}
    }
}

async fn converse(
    http: &auto::Builder<TokioExecutor>,
    stream: TcpStream,
    router: Router,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    // Small messages to the page do not wait for more to come.
    stream.set_nodelay(true)?;
    match tokio::time::timeout(FIRST_BYTE, stream.peek(&mut [0; 1])).await {
        Ok(Ok(1)) => {}
        Ok(Ok(_)) => return Ok(()),
        Ok(Err(error)) => return Err(error.into()),
        Err(_) => return Err(io::Error::from(io::ErrorKind::TimedOut).into()),
    }
    http.serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(router)).await
}
