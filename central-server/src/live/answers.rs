//! The answers of boxes to people's commands, written down together.
//!
//! Each answer is acknowledged only once it is committed, and a commit costs as much for one as for a thousand: those
//! that come while one is under way are written by the next one, and at full load there is a moment between two.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::store::{self, Answered};
use super::together::Together;
use crate::app::App;
use crate::ids::{CommandId, SiteId};

/// How many bytes one statement writes, one answer at least.
const TOGETHER_BYTES: usize = 4_000_000;
/// The shortest time between the first answers of two statements.
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
    /// How long that is as a text.
    pub bytes: usize,
    /// Why it did not succeed.
    pub message: Option<String>,
}

type Written = Result<Option<Answered>, Unwritten>;

/// The answers that wait to be written.
#[derive(Debug, Default)]
pub(super) struct Answers {
    waiting: Together<Answer, Written>,
    /// When the next statement may be sent.
    next: Mutex<Option<Instant>>,
}

impl Answers {
    /// Writes an answer down: what it answers, or `None` if that is no command of a person for this site.
    pub(super) async fn take(&self, app: &App, answer: Answer) -> Written {
        let written = self.waiting.ask(answer, async |answers| {
            if let Some(next) = self.next_turn(Instant::now()) {
                tokio::time::sleep_until(next).await;
            }
            let mut written = Vec::with_capacity(answers.len());
            for some in parts(&answers) {
                written.extend(write(app, some).await);
            }
            written
        });
        written.await.unwrap_or(Err(Unwritten))
    }

    /// When it is the turn of those who ask now.
    fn next_turn(&self, now: Instant) -> Option<Instant> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = next.filter(|next| *next > now);
        *next = Some(turn.unwrap_or(now) + PACE);
        turn
    }
}

/// The answers in parts of which each is one statement.
fn parts(mut answers: &[Answer]) -> Vec<&[Answer]> {
    let mut parts = Vec::new();
    while !answers.is_empty() {
        let mut bytes = 0;
        let fits = |answer: &&Answer| {
            bytes += answer.bytes;
            bytes <= TOGETHER_BYTES
        };
        let count = answers.iter().take_while(fits).count().max(1);
        let (part, rest) = answers.split_at(count);
        parts.push(part);
        answers = rest;
    }
    parts
}

async fn write(app: &App, answers: &[Answer]) -> Vec<Written> {
    // An answer is a receipt as well.
    app.live.receipts.forget(answers.iter().map(|answer| answer.command));
    let rows = match app.db() {
        Ok(db) => db.run_as_system(store::answer_commands(answers, app.clock.now())).await,
        Err(_) => return vec![Err(Unwritten); answers.len()],
    };
    match rows {
        Ok(rows) => {
            let rows: HashMap<_, _> = rows.into_iter().map(|row| ((row.id, row.site_id), row)).collect();
            answers.iter().map(|answer| Ok(rows.get(&(answer.command, answer.site)).cloned())).collect()
        }
        Err(error) => {
            tracing::warn!(%error, commands = answers.len(), "answers to commands could not be written down now");
            vec![Err(Unwritten); answers.len()]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_answers_are_written_by_themselves_and_none_is_left_out() {
        let answer = |bytes| Answer {
            site: SiteId::new(),
            command: CommandId::new(),
            succeeded: true,
            result: None,
            bytes,
            message: None,
        };
        let lengths = |bytes: &[usize]| {
            let answers: Vec<Answer> = bytes.iter().copied().map(answer).collect();
            parts(&answers).into_iter().map(<[Answer]>::len).collect::<Vec<_>>()
        };
        assert_eq!(lengths(&[]), [0; 0]);
        assert_eq!(lengths(&[10; 700]), [700]);
        assert_eq!(lengths(&[TOGETHER_BYTES + 1, 1, TOGETHER_BYTES, 1, 1]), [1, 1, 1, 2]);
    }

    #[test]
    fn the_first_is_written_at_once_and_those_behind_it_in_their_time() {
        let (answers, began) = (Answers::default(), Instant::now());
        assert_eq!(answers.next_turn(began), None);
        assert_eq!(answers.next_turn(began), Some(began + PACE));
        assert_eq!(answers.next_turn(began), Some(began + PACE * 2));
        assert_eq!(answers.next_turn(began + PACE * 4), None);
    }
}
