//! After a refused login no other is tried for a while. Supabase's pooler closes its door for two minutes when ten have
//! failed, also to those who come with the right password then.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long nobody tries after a refusal: five in the time in which ten are too many.
pub const PAUSE: Duration = Duration::from_secs(30);
/// How long the one who tries after a pause may take.
const TRY: Duration = Duration::from_secs(10);

/// Shared by all pools of a target.
#[derive(Debug, Default)]
pub(super) struct Brake {
    /// Until when nobody may log in.
    until: Mutex<Option<Instant>>,
}

impl Brake {
    /// Whether a login has to wait. The first who asks after a pause may try, and the others wait for what becomes of it.
    pub(super) fn holds(&self) -> bool {
        let mut until = self.until();
        match *until {
            None => false,
            Some(moment) if Instant::now() < moment => true,
            Some(_) => {
                *until = Some(Instant::now() + TRY);
                false
            }
        }
    }

    /// A login was refused.
    pub(super) fn pull(&self) {
        *self.until() = Some(Instant::now() + PAUSE);
    }

    /// A login succeeded.
    pub(super) fn release(&self) {
        *self.until() = None;
    }

    fn until(&self) -> MutexGuard<'_, Option<Instant>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
