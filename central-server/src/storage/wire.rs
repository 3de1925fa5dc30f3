//! What goes over the wire to any storage outside: files that are slow and not stuck, answers that fit into memory.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Request, Response};
use futures_util::stream;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use tokio::io::AsyncReadExt as _;

use super::{Draft, Error, Trouble};
use crate::notify::https;

/// After so long without a byte a file is not on its way any more.
const SILENCE: Duration = Duration::from_secs(20);
/// More of an answer is of no use to us: a list of a thousand objects has half of it.
const MOST_BYTES: usize = 2 * 1024 * 1024;
/// How much of a file is read at once.
const CHUNK: usize = 128 * 1024;

/// Reads an address that needs no key into a draft. `judge` says what a failed answer means, by its status and body;
/// `away` what it means that there is none.
pub(super) async fn fetch<V>(
    url: &str,
    into: Draft,
    judge: fn(u16, &[u8]) -> V,
    away: fn(String) -> Trouble,
) -> Result<Result<Draft, V>, Error> {
    let pulse = Pulse::default();
    let beat = pulse.clone();
    let request = Request::get(url).body(Body::empty()).map_err(|error| Trouble::Odd(error.to_string()))?;
    let read = move |response: Response<Incoming>| async move {
        if !response.status().is_success() {
            return Ok(Ok(Err(failure(response, judge).await?)));
        }
        let (mut draft, mut body) = (into, response.into_body());
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| error.to_string())?;
            if let Ok(bytes) = frame.into_data() {
                beat.went(bytes.len());
                if let Err(error) = draft.write(&bytes).await {
                    return Ok(Err(error));
                }
            }
        }
        Ok(match draft.finish().await {
            Ok(()) => Ok(Ok(draft)),
            Err(error) => Err(error),
        })
    };
    pulse.while_it_beats(https::exchange(request, read)).await.map_err(away)?
}

/// Up to half of a pause: several servers do not ask at the same moment again.
pub(super) fn jitter(pause: Duration) -> Duration {
    let mut byte = [0u8];
    let part = getrandom::fill(&mut byte).map_or(0, |()| u32::from(byte[0]));
    pause * part / 512
}

/// Reads an answer that fits into memory.
pub(super) async fn small<V>(
    response: Response<Incoming>,
    judge: fn(u16, &[u8]) -> V,
) -> Result<Result<Bytes, V>, String> {
    if !response.status().is_success() {
        return Ok(Err(failure(response, judge).await?));
    }
    let body = Limited::new(response.into_body(), MOST_BYTES).collect().await.map_err(|error| error.to_string())?;
    Ok(Ok(body.to_bytes()))
}

async fn failure<V>(response: Response<Incoming>, judge: fn(u16, &[u8]) -> V) -> Result<V, String> {
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), MOST_BYTES).collect().await.map_err(|error| error.to_string())?;
    Ok(judge(status, &body.to_bytes()))
}

/// A file, a piece at a time and only as fast as it is taken.
pub(super) fn pieces(file: File, size: u64, pulse: Pulse) -> Body {
    let start = (tokio::fs::File::from_std(file).take(size), pulse);
    Body::from_stream(stream::try_unfold(
        start,
        |(mut file, pulse): (tokio::io::Take<tokio::fs::File>, Pulse)| async move {
            let mut piece = bytes::BytesMut::with_capacity(CHUNK);
            let read = file.read_buf(&mut piece).await?;
            pulse.went(read);
            Ok::<_, std::io::Error>((read > 0).then(|| (piece.freeze(), (file, pulse))))
        },
    ))
}

/// Counts what goes over a connection: a slow one lives, one that stands still does not.
#[derive(Debug, Clone, Default)]
pub(super) struct Pulse(Arc<AtomicU64>);

impl Pulse {
    pub(super) fn went(&self, bytes: usize) {
        self.0.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) async fn while_it_beats<T>(&self, work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
        let mut work = std::pin::pin!(work);
        let mut before = 0;
        loop {
            if let Ok(done) = tokio::time::timeout(SILENCE, &mut work).await {
                return done;
            }
            let now = self.0.load(Ordering::Relaxed);
            if now == before {
                return Err("nothing has come or gone for too long".into());
            }
            before = now;
        }
    }
}
