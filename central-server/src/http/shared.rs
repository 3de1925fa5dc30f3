//! One answer for all who ask for the same at the same time.
//!
//! A long answer that many programs ask for again and again, the state of every box above all, is made once for those
//! who wait. Who comes while it is being made gets the next one: nobody gets what was read before he asked.

use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;

/// Those who wait for one answer.
#[derive(Debug)]
pub struct Shared<T> {
    waiting: Mutex<Vec<oneshot::Sender<T>>>,
    /// Of whoever makes the answer.
    turn: tokio::sync::Mutex<()>,
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self { waiting: Mutex::default(), turn: tokio::sync::Mutex::default() }
    }
}

/// An answer, and whose.
#[derive(Debug, PartialEq, Eq)]
pub enum Got<T> {
    /// This caller made it.
    Made(T),
    /// Somebody else did, after this caller had asked.
    Shared(T),
}

impl<T: Clone> Shared<T> {
    /// An answer whose making began after this call.
    ///
    /// # Errors
    /// Those of `make`: who cannot make it keeps his reason for himself, and those who waited for him make their own.
    pub async fn get<E>(&self, make: impl Future<Output = Result<T, E>>) -> Result<Got<T>, E> {
        let (sender, answer) = oneshot::channel();
        self.waiting().push(sender);
        tokio::select! {
            biased;
            answer = answer => match answer {
                Ok(answer) => Ok(Got::Shared(answer)),
                // Whoever was to make it has gone, or could not.
                Err(_) => make.await.map(Got::Made),
            },
            _turn = self.turn.lock() => {
                let waiting = std::mem::take(&mut *self.waiting());
                let answer = make.await?;
                for sender in waiting {
                    // Who does not wait any more has gone.
                    let _ = sender.send(answer.clone());
                }
                Ok(Got::Made(answer))
            }
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<oneshot::Sender<T>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn those_who_come_while_an_answer_is_made_share_the_next_one() {
        let (shared, made, gate) = (Shared::default(), Cell::new(0), Notify::new());
        let make = || async {
            made.set(made.get() + 1);
            Ok::<_, ()>(made.get())
        };
        let slow = async {
            gate.notified().await;
            make().await
        };
        let open = async { gate.notify_one() };
        let (first, second, third, ()) =
            tokio::join!(biased; shared.get(slow), shared.get(make()), shared.get(make()), open);
        assert_eq!((first, second, third), (Ok(Got::Made(1)), Ok(Got::Made(2)), Ok(Got::Shared(2))));
        assert_eq!(shared.get(make()).await, Ok(Got::Made(3)), "who comes later gets one of his own");
    }

    #[tokio::test]
    async fn whoever_makes_the_answer_may_go_away() {
        let shared = Shared::default();
        let never =
            tokio::time::timeout(Duration::from_millis(10), shared.get(std::future::pending::<Result<i32, ()>>()));
        let (never, answer) = tokio::join!(biased; never, shared.get(async { Ok::<_, ()>(7) }));
        assert!(never.is_err());
        assert_eq!(answer, Ok(Got::Made(7)));
    }

    #[tokio::test]
    async fn a_failure_is_nobody_elses() {
        let (shared, gate) = (Shared::default(), Notify::new());
        let first = shared.get(async {
            gate.notified().await;
            Ok::<_, &str>(1)
        });
        let open = async { gate.notify_one() };
        // The second and the third wait together; the second fails.
        let (first, second, third, ()) = tokio::join!(biased; first, shared.get(async { Err("gone") }), shared.get(async { Ok::<_, &str>(3) }), open);
        assert_eq!((first, second, third), (Ok(Got::Made(1)), Err("gone"), Ok(Got::Made(3))));
    }
}
