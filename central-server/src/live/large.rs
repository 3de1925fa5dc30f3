//! Packets that take long: read and taken apart one after the other, beside the threads that everybody waits for.
//!
//! And packets that are many: boxes of NeoPro 1 show their whole configuration with every connection, so that a fleet
//! that comes back sends gigabytes at once. Those that are longer than a few words wait for each other, where they cost
//! nothing: in their own connections.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock, mpsc};
use std::thread;

use neopro_protocol::weight;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::packet::{self, FromClient, Malformed};
use super::session::{Handle, STRANGERS_PAYLOAD};

/// From how many bytes on a packet waits for others of its kind. What boxes say all the time is shorter.
pub(super) const LONG: usize = 8 * 1024;
/// How many of those may be on their way in or waiting at the same time.
const ARRIVING: usize = 256;
/// And how many may be taken apart and written down.
const HANDLED: usize = 16;
/// From how many bytes on a packet is large. A club's configuration is smaller.
pub(super) const LARGE: usize = STRANGERS_PAYLOAD;
/// From how many on it is huge: taken apart and written down it takes ten times its memory, so one of all is at a time.
pub(super) const HUGE: usize = 1_000_000;
/// By how much the thread gives way to others: it has time.
const YIELDS: i32 = 10;

type Job = Box<dyn FnOnce() + Send>;

/// The one thread for what takes long. It begins with the first of it.
pub(super) struct Beside {
    thread: OnceLock<Option<mpsc::Sender<Job>>>,
    arriving: Arc<Semaphore>,
    handled: Arc<Semaphore>,
    huge: Arc<Semaphore>,
}

/// The turn of a packet that waits for others.
pub(super) type Turn = OwnedSemaphorePermit;

impl Default for Beside {
    fn default() -> Self {
        let of = |count| Arc::new(Semaphore::new(count));
        Self { thread: OnceLock::new(), arriving: of(ARRIVING), handled: of(HANDLED), huge: of(1) }
    }
}

impl fmt::Debug for Beside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Beside")
    }
}

impl Beside {
    /// Waits until a packet of so many bytes may be handled; what comes back is kept until it is.
    pub(super) async fn turn(&self, bytes: usize) -> Option<Turn> {
        if bytes <= LONG {
            return None;
        }
        let kind = if bytes > HUGE { &self.huge } else { &self.handled };
        kind.clone().acquire_owned().await.ok()
    }

    /// Waits until the rest of a long message may be read; what comes back is kept until it is handled.
    pub(super) async fn arrival(&self) -> Option<Turn> {
        self.arriving.clone().acquire_owned().await.ok()
    }

    /// Does it when its turn comes. `None` if it cannot be done.
    pub(super) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let (answer, done) = oneshot::channel();
        let job: Job = Box::new(move || {
            // Whoever asked may be gone.
            let _ = answer.send(work());
        });
        self.thread.get_or_init(begin).as_ref()?.send(job).ok()?;
        done.await.ok()
    }
}

fn begin() -> Option<mpsc::Sender<Job>> {
    let (jobs, todo) = mpsc::channel::<Job>();
    let work = move || {
        // Where it may not give way it is as quick as the others.
        let _ = rustix::process::nice(YIELDS);
        for job in todo {
            // The one that fails is told so by its answer's end; the next one is another's.
            if catch_unwind(AssertUnwindSafe(job)).is_err() {
                tracing::error!("a large packet could not be handled");
            }
        }
    };
    match thread::Builder::new().name("large packets".into()).spawn(work) {
        Ok(_) => Some(jobs),
        Err(error) => {
            tracing::error!(%error, "there is no thread for large packets");
            None
        }
    }
}

/// Reads a packet, however large it is. `None` if it would take more memory than is fair: a box may not know better, and
/// goes on without it.
pub(super) async fn read(text: String, beside: &Beside, from: &Handle) -> Option<Result<FromClient, Malformed>> {
    let length = text.len();
    if length <= LARGE {
        return Some(packet::read(&text));
    }
    let reading = move || weight::is_fair(&text).then(|| packet::read(&text));
    let packet = beside.run(reading).await.unwrap_or(Some(Err(Malformed)));
    if packet.is_none() {
        tracing::warn!(address = %from.address(), length, "a packet that would take too much memory was passed over");
    }
    packet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_large_packet_is_read_and_one_that_is_made_to_be_heavy_is_passed_over() {
        let (beside, from) = (Beside::default(), Handle::new([127, 0, 0, 1].into()));
        let large = format!("42[\"a\",\"{}\"]", "x".repeat(1_000_000));
        let read_large = read(large, &beside, &from).await;
        assert!(matches!(read_large, Some(Ok(FromClient::Event { arguments, .. })) if arguments.len() == 1));
        assert_eq!(read(format!("42[\"a\",{}1]", "{\"\":0},".repeat(250_000)), &beside, &from).await, None);
        assert_eq!(read(format!("42[\"a\",{}", "x".repeat(100_000)), &beside, &from).await, Some(Err(Malformed)));
        assert_eq!(read("3".into(), &beside, &from).await, Some(Ok(FromClient::Pong)));
    }

    #[tokio::test]
    async fn one_that_fails_does_not_end_the_others() {
        let beside = Beside::default();
        assert_eq!(beside.run(|| -> u8 { panic!("on purpose") }).await, None);
        assert_eq!(beside.run(|| 7).await, Some(7));
    }
}
