//! Lines that wait to be sent to Logtail: bounded, and whoever writes one waits for nobody.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tracing_subscriber::fmt::MakeWriter;

use super::redact;

/// What may wait, in bytes. The oldest lines go first: what has just happened is what somebody looks for.
const MOST_WAITING: usize = 4 * 1024 * 1024;
/// A longer line is none of ours; the service advises against records of more than 100 KiB.
const LONGEST_LINE: usize = 100 * 1024;
/// What one request carries, far below the service's limit of 10 MiB.
const MOST_AT_ONCE: usize = 512 * 1024;
/// A request is sent early when this much waits.
const EAGER: usize = 128 * 1024;

/// What is known of the way to Logtail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogState {
    /// `LOGTAIL_TOKEN` is not set: lines go to standard output alone.
    Off,
    /// Nothing was sent yet.
    Unseen,
    /// The last lines arrived.
    Ready,
    /// The service does not know the token, or not at this host.
    Refused,
    /// The month's room is used up.
    Full,
    /// The service does not answer, or not as it should.
    Failing,
}

/// What became of the lines so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// How it goes.
    pub state: LogState,
    /// Lines that the service has taken.
    pub sent: u64,
    /// Lines that were lost: there was no room, or the service would never take them.
    pub dropped: u64,
    /// Bytes that the service has taken, as the plan counts them.
    pub sent_bytes: u64,
    /// Bytes that wait.
    pub waiting_bytes: usize,
}

impl Tally {
    /// Of a log that is sent nowhere.
    pub const OFF: Self = Self { state: LogState::Off, sent: 0, dropped: 0, sent_bytes: 0, waiting_bytes: 0 };
}

/// The lines that wait. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Outbox(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// Much waits.
    full: Notify,
}

#[derive(Debug)]
struct Waiting {
    lines: VecDeque<Vec<u8>>,
    tally: Tally,
    /// How many bytes the next request may carry: less, after the service found one too large.
    at_once: usize,
}

impl Default for Waiting {
    fn default() -> Self {
        let tally = Tally { state: LogState::Unseen, ..Tally::OFF };
        Self { lines: VecDeque::new(), tally, at_once: MOST_AT_ONCE }
    }
}

impl Waiting {
    fn make_room(&mut self) {
        while self.tally.waiting_bytes > MOST_WAITING {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.tally.waiting_bytes -= oldest.len();
            self.tally.dropped += 1;
        }
    }
}

impl Outbox {
    /// Adds a line, a JSON object. What is too long, and what is too old, is dropped and counted.
    pub fn put(&self, line: Vec<u8>) {
        let mut waiting = self.lock();
        if line.len() > LONGEST_LINE {
            waiting.tally.dropped += 1;
            return;
        }
        waiting.tally.waiting_bytes += line.len();
        waiting.lines.push_back(line);
        waiting.make_room();
        if waiting.tally.waiting_bytes >= EAGER {
            self.0.full.notify_one();
        }
    }

    /// Takes the lines of one request out, the oldest first.
    pub(super) fn take(&self) -> Vec<Vec<u8>> {
        let mut waiting = self.lock();
        let (mut bytes, most) = (0, waiting.at_once);
        let fits = |line: &&Vec<u8>| {
            bytes += line.len();
            bytes <= most
        };
        // One line at least, or what is longer than a request would stay for ever.
        let count = waiting.lines.iter().take_while(fits).count().max(1).min(waiting.lines.len());
        let lines: Vec<Vec<u8>> = waiting.lines.drain(..count).collect();
        waiting.tally.waiting_bytes -= lines.iter().map(Vec::len).sum::<usize>();
        lines
    }

    /// Puts lines back that were not taken, before all others.
    pub(super) fn put_back(&self, lines: Vec<Vec<u8>>) {
        let mut waiting = self.lock();
        waiting.tally.waiting_bytes += lines.iter().map(Vec::len).sum::<usize>();
        lines.into_iter().rev().for_each(|line| waiting.lines.push_front(line));
        waiting.make_room();
    }

    /// The service found these lines too large together: the next request carries half. A single line is dropped.
    pub(super) fn halve(&self, lines: Vec<Vec<u8>>) {
        if lines.len() <= 1 {
            self.has_lost(lines.len());
            return;
        }
        self.lock().at_once = lines.iter().map(Vec::len).sum::<usize>() / 2;
        self.put_back(lines);
    }

    /// The service has these lines.
    pub(super) fn has_sent(&self, lines: &[Vec<u8>]) {
        let mut waiting = self.lock();
        waiting.tally.sent += lines.len() as u64;
        waiting.tally.sent_bytes += lines.iter().map(Vec::len).sum::<usize>() as u64;
        waiting.at_once = (waiting.at_once * 2).min(MOST_AT_ONCE);
    }

    /// Lines that the service will never take.
    pub(super) fn has_lost(&self, lines: usize) {
        self.lock().tally.dropped += lines as u64;
    }

    /// Notes how it goes, and says how it went before.
    pub(super) fn goes(&self, state: LogState) -> LogState {
        std::mem::replace(&mut self.lock().tally.state, state)
    }

    /// What became of the lines so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.lock().tally
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().lines.is_empty()
    }

    /// Waits until much waits.
    pub(super) async fn fills(&self) {
        self.0.full.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts each line of the log into the outbox, its secrets blotted out.
pub(super) struct ToOutbox {
    pub(super) secrets: Arc<[String]>,
    pub(super) outbox: Outbox,
}

impl<'a> MakeWriter<'a> for ToOutbox {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

impl Write for &ToOutbox {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.outbox.put(named(redact(&self.secrets, line.trim_ascii_end())).into_bytes());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The line with its moment under the name that the service reads it by. Otherwise it would note when the line came,
/// which after an outage is hours later.
fn named(line: String) -> String {
    match line.strip_prefix(r#"{"timestamp":"#) {
        Some(rest) => format!(r#"{{"dt":{rest}"#),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Vec<u8> {
        text.as_bytes().to_vec()
    }

    #[test]
    fn what_waits_is_bounded_and_the_oldest_is_lost_and_counted() {
        let outbox = Outbox::default();
        let kilobyte = 1_024;
        for number in 0..5_000u32 {
            outbox.put(format!("{number:0>kilobyte$}").into_bytes());
        }
        let tally = outbox.tally();
        assert_eq!((tally.waiting_bytes, tally.dropped), (MOST_WAITING, 5_000 - 4_096));
        assert!(outbox.take()[0].ends_with(b"0904"), "the oldest that is left");
        outbox.put(vec![b'x'; LONGEST_LINE + 1]);
        assert_eq!(outbox.tally().dropped, 905);
    }

    #[test]
    fn lines_keep_their_order_when_they_are_put_back() {
        let outbox = Outbox::default();
        ["1", "2", "3"].into_iter().for_each(|text| outbox.put(line(text)));
        let taken = outbox.take();
        outbox.put(line("4"));
        outbox.put_back(taken);
        assert_eq!(outbox.take(), [line("1"), line("2"), line("3"), line("4")]);
        assert_eq!((outbox.tally().waiting_bytes, outbox.is_empty()), (0, true));
        assert!(outbox.take().is_empty());
    }

    #[test]
    fn what_is_too_large_together_is_sent_in_halves_and_alone_it_is_lost() {
        let outbox = Outbox::default();
        (0..8).for_each(|_| outbox.put(vec![b'x'; 1_000]));
        let mut counts = Vec::new();
        for _ in 0..4 {
            let lines = outbox.take();
            counts.push(lines.len());
            outbox.halve(lines);
        }
        assert_eq!((counts, outbox.tally().dropped), (vec![8, 4, 2, 1], 1));
        let lines = outbox.take();
        outbox.has_sent(&lines);
        assert_eq!((lines.len(), outbox.take().len()), (1, 2), "and more again once it goes");
    }

    #[test]
    fn the_moment_of_a_line_has_the_services_name() {
        let written = r#"{"timestamp":"2026-01-15T12:00:00.000000Z","level":"INFO","message":"listening"}"#;
        assert_eq!(
            named(written.to_owned()),
            r#"{"dt":"2026-01-15T12:00:00.000000Z","level":"INFO","message":"listening"}"#
        );
    }
}
