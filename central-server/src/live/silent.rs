//! Sockets that have not said who they are.
//!
//! A fleet that returns after an outage opens thousands of them at once, and thirty boxes may stand behind one
//! address; each authenticates at once. Only one that has said nothing for two seconds counts as silent, and
//! when there are too many of those the *oldest* goes, never the newcomer. Before it goes, what it may have said
//! already is read: on a machine that is overloaded the silence may be ours.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::Duration;

use super::session::Handle;

/// From when on a socket that has not authenticated counts as silent.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest that it may take at all.
pub(super) const LONGEST: Duration = Duration::from_secs(30);
/// Silent sockets of one address.
const PER_ADDRESS: usize = 20;
/// Silent sockets of all.
const IN_ALL: usize = 500;
/// How often they are counted.
pub(super) const COUNTED_EVERY: Duration = Duration::from_millis(500);

/// Every socket that has not authenticated, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Silent(Mutex<BTreeMap<u64, Handle>>);

impl Silent {
    /// A socket has opened.
    pub(super) fn opened(&self, handle: &Handle) {
        self.lock().insert(handle.number(), handle.clone());
    }

    /// A socket has said who it is, or is gone.
    pub(super) fn settled(&self, handle: &Handle) {
        self.lock().remove(&handle.number());
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    /// Closes all of them.
    pub(super) fn let_go(&self) {
        self.lock().values().for_each(Handle::close);
    }

    /// Closes those that are too old or too many.
    pub(super) fn close_surplus(&self) {
        let sockets = self.lock();
        let silent: Vec<&Handle> = sockets.values().filter(|handle| handle.age() > PATIENCE).collect();
        let mut per_address: HashMap<IpAddr, usize> = HashMap::new();
        for handle in &silent {
            *per_address.entry(handle.address()).or_default() += 1;
        }
        let mut surplus = silent.len().saturating_sub(IN_ALL);
        for handle in silent {
            let of_address = per_address.entry(handle.address()).or_default();
            let is_surplus = surplus > 0 || *of_address > PER_ADDRESS;
            if handle.age() > LONGEST {
                handle.close();
            } else if is_surplus {
                handle.doubt();
            } else {
                continue;
            }
            surplus = surplus.saturating_sub(1);
            *of_address -= 1;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Handle>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
