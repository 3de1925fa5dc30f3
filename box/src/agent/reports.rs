//! When a report is due, and which number it has: at most one in a while, the newest state, until it is acknowledged.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::files::Inventory;
use crate::link::Question;

/// The reports of one connection.
#[derive(Debug)]
pub(super) struct Reports {
    pace: Duration,
    /// There is something to send, and not before this moment.
    due: Option<Instant>,
    last_sent: Option<Instant>,
    /// What was sent last and is not acknowledged: sent again unchanged, it keeps its number.
    open: Option<Sent>,
}

#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub sequence: i64,
    pub inventory: Arc<Inventory>,
    question: Option<Question>,
}

impl Reports {
    /// The first report of a connection is due at once. What the last connection left open goes on.
    pub fn begin(pace: Duration, open: Option<Sent>) -> Self {
        Self { pace, due: Some(Instant::now()), last_sent: None, open }
    }

    /// Something has changed.
    pub fn changed(&mut self) {
        let earliest = self.last_sent.map_or_else(Instant::now, |sent| sent + self.pace);
        self.due.get_or_insert(earliest);
    }

    /// When the next report is due.
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// The number of this inventory if it was sent already and is not acknowledged.
    pub fn known_number(&self, inventory: &Arc<Inventory>) -> Option<i64> {
        self.open.as_ref().filter(|sent| sent.inventory == *inventory).map(|sent| sent.sequence)
    }

    /// A report is on its way.
    pub fn sent(&mut self, sequence: i64, inventory: Arc<Inventory>, question: Question) {
        self.due = None;
        self.last_sent = Some(Instant::now());
        self.open = Some(Sent { sequence, inventory, question: Some(question) });
    }

    /// The server has answered with the number of a report; the inventory in it, if it is the open one.
    pub fn acknowledged(&mut self, question: Question, sequence: i64) -> Option<Arc<Inventory>> {
        let is_open = |sent: &mut Sent| sent.question == Some(question) && sent.sequence == sequence;
        let taken = self.open.take_if(is_open);
        if taken.is_none() && self.open.as_ref().is_some_and(|sent| sent.question == Some(question)) {
            self.changed();
        }
        taken.map(|sent| sent.inventory)
    }

    /// A report was not answered.
    pub fn unanswered(&mut self, question: Question) {
        if self.open.as_ref().is_some_and(|sent| sent.question == Some(question)) {
            self.changed();
        }
    }

    /// What is open, for the next connection.
    pub fn into_open(self) -> Option<Sent> {
        self.open.map(|sent| Sent { question: None, ..sent })
    }
}
