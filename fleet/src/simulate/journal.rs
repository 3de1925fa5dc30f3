//! What the boxes tell of themselves: a JSON line for each event, and a summary of all.

use std::sync::{Mutex, PoisonError};

use neopro_protocol::Reason;
use serde::Serialize;
use tokio::sync::mpsc;
use uuid::Uuid;

/// What happens to a box.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The server knows it.
    Authenticated {
        /// The revision that it came with.
        revision: i64,
    },
    /// The server refuses it.
    Refused {
        /// In the server's words.
        message: String,
    },
    /// Its connection has ended, or did not come about.
    Lost {
        /// Why.
        why: String,
    },
    /// Its network is away for a while.
    Away {
        /// How long, in milliseconds.
        milliseconds: u64,
    },
    /// It has taken over what the server wants.
    Desired {
        /// Its revision.
        revision: i64,
        /// The SHA-256 of every file.
        files: Vec<String>,
    },
    /// A file has come, whole and with the right hash.
    Downloaded {
        /// Its SHA-256.
        sha256: String,
        /// Which try that a person asked for.
        attempt: u32,
        /// Bytes that came.
        bytes: u64,
        /// Connections that it took.
        connections: u32,
    },
    /// A file is given up.
    Failed {
        /// Its SHA-256.
        sha256: String,
        /// Which try that a person asked for.
        attempt: u32,
        /// Why.
        reason: Reason,
    },
    /// A file that was there is no longer wanted, and gone.
    Removed {
        /// Its SHA-256.
        sha256: String,
        /// The revision that does not want it.
        revision: i64,
    },
    /// A report is on its way, perhaps again.
    Reported {
        /// Its number.
        sequence: i64,
        /// The revision that it was made from.
        revision: i64,
        /// The SHA-256 of every file that it says is there.
        installed: Vec<String>,
    },
    /// A report that is acknowledged and out of date was said once more.
    Repeated {
        /// Its number.
        sequence: i64,
    },
    /// The server has a report.
    Acknowledged {
        /// Its number.
        sequence: i64,
    },
    /// The last event: what it has at the end.
    Holds {
        /// The revision that it has.
        revision: i64,
        /// The SHA-256 of every file.
        files: Vec<String>,
    },
}

/// All events, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Boxes.
    pub boxes: usize,
    /// Connections on which a box was known.
    pub authenticated: u64,
    /// Refusals.
    pub refused: u64,
    /// Connections that ended or did not come about.
    pub lost: u64,
    /// Files that came.
    pub downloaded: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Times that a file was gone on with where it was.
    pub resumed: u64,
    /// Files that were given up.
    pub failed: u64,
    /// Files that were removed.
    pub removed: u64,
    /// Reports that were sent, repetitions among them.
    pub reported: u64,
    /// Reports that were said once more.
    pub repeated: u64,
    /// Reports that the server has acknowledged.
    pub acknowledged: u64,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(rename = "box")]
    site: Uuid,
    #[serde(flatten)]
    event: &'a Event,
}

/// Takes events.
#[derive(Debug)]
pub struct Journal {
    summary: Mutex<Summary>,
    lines: Option<mpsc::UnboundedSender<String>>,
}

impl Journal {
    /// Counts only.
    #[must_use]
    pub fn silent(boxes: usize) -> Self {
        Self { summary: Mutex::new(Summary { boxes, ..Summary::default() }), lines: None }
    }

    /// Counts, and gives out a line for each event.
    #[must_use]
    pub fn telling(boxes: usize) -> (Self, mpsc::UnboundedReceiver<String>) {
        let (lines, told) = mpsc::unbounded_channel();
        (Self { lines: Some(lines), ..Self::silent(boxes) }, told)
    }

    /// Takes an event of a box.
    pub fn note(&self, site: Uuid, event: &Event) {
        self.summary.lock().unwrap_or_else(PoisonError::into_inner).count(event);
        if let Some(lines) = &self.lines
            && let Ok(line) = serde_json::to_string(&Line { site, event })
        {
            // Whoever read has gone: whoever writes them out knows and ends the run.
            let _ = lines.send(line);
        }
    }

    /// What has happened so far.
    #[must_use]
    pub fn summary(&self) -> Summary {
        self.summary.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Summary {
    fn count(&mut self, event: &Event) {
        match event {
            Event::Authenticated { .. } => self.authenticated += 1,
            Event::Refused { .. } => self.refused += 1,
            Event::Lost { .. } => self.lost += 1,
            Event::Downloaded { bytes, connections, .. } => {
                self.downloaded += 1;
                self.bytes += bytes;
                self.resumed += u64::from(connections.saturating_sub(1));
            }
            Event::Failed { .. } => self.failed += 1,
            Event::Removed { .. } => self.removed += 1,
            Event::Reported { .. } => self.reported += 1,
            Event::Repeated { .. } => self.repeated += 1,
            Event::Acknowledged { .. } => self.acknowledged += 1,
            Event::Away { .. } | Event::Desired { .. } | Event::Holds { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_and_is_counted() {
        let (journal, mut told) = Journal::telling(1);
        let event = Event::Downloaded { sha256: "ab".into(), attempt: 1, bytes: 7, connections: 3 };
        journal.note(Uuid::nil(), &event);
        journal.note(Uuid::nil(), &Event::Acknowledged { sequence: 4 });
        assert_eq!(
            told.try_recv().expect("a line"),
            r#"{"box":"00000000-0000-0000-0000-000000000000","event":"downloaded","sha256":"ab","attempt":1,"bytes":7,"connections":3}"#
        );
        let summary = journal.summary();
        assert_eq!((summary.boxes, summary.downloaded, summary.bytes), (1, 1, 7));
        assert_eq!((summary.resumed, summary.acknowledged, summary.failed), (2, 1, 0));
    }
}
