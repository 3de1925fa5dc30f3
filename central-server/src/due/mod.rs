//! What time has made due, looked for once for all who wait for it: each look is a message to a database that may be far
//! away, and a platform bills what leaves it. An installation in which nothing is due sends one statement every five seconds.

pub mod jobs;
mod store;

use tokio::sync::Notify;

/// Who waits for something to be due. What nobody waits for at this moment is not lost, and what could not be done is due
/// again at the next look.
#[derive(Debug, Default)]
pub struct Due {
    /// Commands that are overdue.
    pub commands: Notify,
    /// Orders whose day has come.
    pub orders: Notify,
    /// Counts of orders that are to be put together.
    pub tallies: Notify,
    /// Entries of the journal that no seal has.
    pub journal: Notify,
}
