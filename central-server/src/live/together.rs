//! Questions to the database that many have at the same time, asked together.
//!
//! After an outage the whole fleet comes back at once, and each box asks for one row and writes one. One statement for
//! each would have them queue for the pool's few connections until the pool gives up; so those that arrive while a
//! statement is under way are asked by the next one.

use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;

/// How many are asked by one statement.
const TOGETHER: usize = 1_000;

/// Who waits, in the order of arrival.
#[derive(Debug)]
pub(super) struct Together<Q, A> {
    waiting: Mutex<Vec<(Q, oneshot::Sender<A>)>>,
    /// Of whoever asks for all.
    turn: tokio::sync::Mutex<()>,
}

impl<Q, A> Default for Together<Q, A> {
    fn default() -> Self {
        Self { waiting: Mutex::default(), turn: tokio::sync::Mutex::default() }
    }
}

impl<Q, A> Together<Q, A> {
    /// The answer to a question: `ask` asks many, and answers each in its place. `None` if whoever asked has gone before
    /// there was an answer.
    pub(super) async fn ask<F: Future<Output = Vec<A>>>(&self, question: Q, ask: impl Fn(Vec<Q>) -> F) -> Option<A> {
        let (sender, mut answer) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push((question, sender));
        loop {
            tokio::select! {
                biased;
                answer = &mut answer => return answer.ok(),
                _turn = self.turn.lock() => {
                    let (questions, senders): (Vec<_>, Vec<_>) = self.next().into_iter().unzip();
                    if !questions.is_empty() {
                        for (sender, answer) in senders.into_iter().zip(ask(questions).await) {
                            // Who does not wait any more has lost its connection.
                            let _ = sender.send(answer);
                        }
                    }
                }
            }
        }
    }

    /// Those that have waited longest.
    fn next(&self) -> Vec<(Q, oneshot::Sender<A>)> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let count = waiting.len().min(TOGETHER);
        waiting.drain(..count).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use futures_util::future::join_all;

    use super::*;

    #[tokio::test]
    async fn those_who_ask_at_the_same_time_are_asked_together_and_each_gets_its_own_answer() {
        let (together, asked) = (Together::default(), RefCell::new(Vec::new()));
        let ask = |numbers: Vec<usize>| {
            asked.borrow_mut().push(numbers.len());
            async {
                tokio::task::yield_now().await;
                numbers.into_iter().map(|number| number * 2).collect()
            }
        };
        let answers = join_all((0..2_500).map(|number| together.ask(number, ask))).await;
        assert_eq!(answers, (0..2_500).map(|number| Some(number * 2)).collect::<Vec<_>>());
        assert_eq!(*asked.borrow(), [1, 1_000, 1_000, 499]);
    }
}
