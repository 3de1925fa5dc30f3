//! The SQL of what is due.

use crate::clock::Time;
use crate::db::{Query, query, row};

row! {
    /// Whether there is something to do, by who does it.
    #[derive(Debug)]
    pub struct Look {
        pub commands: bool,
        pub jobs: bool,
        pub orders: bool,
        pub tallies: bool,
        pub journal: bool,
    }
}

/// Asks for all of it.
pub fn due(now: Time) -> Query<Look> {
    query("select commands, jobs, orders, tallies, journal from neopro_due($1)").bind(now).one()
}
