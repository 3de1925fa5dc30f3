//! The answers of boxes to people's commands, written down together.
//!
//! Each answer is acknowledged only once it is committed, and a commit costs as much for one as for a thousand: those
//! that come while one is under way are written by the next one, and at full load there is a moment between two.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::store::{self, Answered};
use crate::app::App;
use crate::ids::{CommandId, SiteId};

/// How many answers one statement writes.
const TOGETHER: usize = 500;
/// And how many bytes of them, one answer at least.
const TOGETHER_BYTES: usize = 4_000_000;
/// The shortest time between two statements.
const PACE: Duration = Duration::from_millis(10);

/// The database could not be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unwritten;

/// What a box says to a command.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub site: SiteId,
    pub command: CommandId,
    pub succeeded: bool,
    /// Without secrets.
    pub result: Option<Value>,
    /// Why it did not succeed.
    pub message: Option<String>,
}

type Written = Result<Option<Answered>, Unwritten>;

#[derive(Debug)]
struct Waiting {
    answer: Answer,
    bytes: usize,
    told: oneshot::Sender<Written>,
}

/// Who waits for an answer to be written, in the order of arrival.
#[derive(Debug, Default)]
pub(super) struct Answers {
    waiting: Mutex<Vec<Waiting>>,
    /// Of whoever writes for all; when that was done last.
    turn: tokio::sync::Mutex<Option<Instant>>,
}

impl Answers {
    /// Writes an answer down: what it answers, or `None` if that is no command of a person for this site.
    pub(super) async fn take(&self, app: &App, answer: Answer) -> Written {
        let (told, mut written) = oneshot::channel();
        let bytes = answer.result.as_ref().map_or(0, |result| result.to_string().len());
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(Waiting { answer, bytes, told });
        loop {
            tokio::select! {
                biased;
                written = &mut written => return written.unwrap_or(Err(Unwritten)),
                mut last = self.turn.lock() => {
                    if let Some(last) = *last {
                        tokio::time::sleep_until(last + PACE).await;
                    }
                    self.write(app).await;
                    *last = Some(Instant::now());
                }
            }
        }
    }

    /// Writes those that have waited longest.
    async fn write(&self, app: &App) {
        let Some((answers, told)) = self.next() else { return };
        let commands = answers.iter().map(|answer| answer.command);
        app.live.receipts.forget(commands);
        let written = match app.db() {
            Ok(db) => db.run_as_system(store::answer_commands(&answers, app.clock.now())).await.map_err(|error| {
                tracing::warn!(%error, commands = answers.len(), "answers to commands could not be written down now");
            }),
            Err(_) => Err(()),
        };
        let written: Result<HashMap<(CommandId, SiteId), Answered>, Unwritten> = written
            .map(|rows| rows.into_iter().map(|row| ((row.id, row.site_id), row)).collect())
            .map_err(|()| Unwritten);
        for (answer, told) in answers.iter().zip(told) {
            let key = (answer.command, answer.site);
            // Who does not wait any more has lost its connection.
            let _ = told.send(written.as_ref().map(|rows| rows.get(&key).cloned()).map_err(|failed| *failed));
        }
    }

    fn next(&self) -> Option<(Vec<Answer>, Vec<oneshot::Sender<Written>>)> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut count, mut bytes) = (0, 0);
        for one in waiting.iter().take(TOGETHER) {
            bytes += one.bytes;
            if count > 0 && bytes > TOGETHER_BYTES {
                break;
            }
            count += 1;
        }
        let taken: Vec<Waiting> = waiting.drain(..count).collect();
        (!taken.is_empty()).then(|| taken.into_iter().map(|one| (one.answer, one.told)).unzip())
    }
}
