//! Which refusals the journal knows of: one in a while for whatever is full, so that nobody who guesses floods it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Time;

/// How long one entry stands for all refusals of the same kind.
const WINDOW: Duration = Duration::from_secs(15 * 60);

/// How many are kept in mind. To fill that takes many times as many wrong guesses, each of which has its own entry; what
/// comes on top has none.
const MOST: usize = 10_000;

/// What was told of late. Each replica tells for itself.
#[derive(Debug, Clone, Default)]
pub struct Told(Arc<Mutex<HashMap<String, Time>>>);

impl Told {
    /// Whether this is to be told now: it was not within the last quarter of an hour.
    pub fn is_news(&self, what: &str, now: Time) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.get(what).is_some_and(|at| at.plus(WINDOW) > now) {
            return false;
        }
        if told.len() >= MOST {
            told.retain(|_, at| at.plus(WINDOW) > now);
        }
        let fits = told.len() < MOST;
        if fits {
            told.insert(what.to_owned(), now);
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_is_told_once_in_a_while_and_what_is_too_much_is_not() {
        let (told, now) = (Told::default(), Time::from_unix_micros(0));
        assert!(told.is_news("a", now) && !told.is_news("a", now) && told.is_news("b", now));
        assert!(!told.is_news("a", now.plus(WINDOW - Duration::from_secs(1))));
        assert!(told.is_news("a", now.plus(WINDOW)));
        let flood = (0..2 * MOST).filter(|number| told.is_news(&number.to_string(), now.plus(WINDOW))).count();
        assert!(flood <= MOST, "{flood}");
        assert!(!told.is_news("c", now.plus(WINDOW)) && told.is_news("c", now.plus(2 * WINDOW)));
    }
}
