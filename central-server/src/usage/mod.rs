//! How much of the plans is used: the storage's room, what is read from it in a month, and the database's room.
//!
//! Free plans have little of both. What was read is counted where it is known: boxes say which files they have fetched,
//! and the server reads each upload once.

mod count;
pub mod routes;
mod store;

use serde::Serialize;
use utoipa::ToSchema;

pub use count::{check_room, figures, note_read, stored};

use crate::db::row;

/// From which share of a limit on one is warned, in percent.
const NEAR: i64 = 80;

row! {
    /// What the database knows of the use of the storage.
    #[derive(Debug, Clone, Copy)]
    pub struct Figures {
        /// Bytes of the library's files.
        pub stored_bytes: i64,
        /// How many files they are.
        pub files: i64,
        /// Bytes that were read this month.
        pub traffic_bytes: i64,
        /// Bytes that boxes have yet to fetch.
        pub coming_bytes: i64,
        /// Bytes of the database, with its indexes and what is not cleared up yet.
        pub database_bytes: i64,
    }
}

/// How near a limit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// There is no limit, or it is far.
    Ok,
    /// 80 % are used.
    Near,
    /// All is used.
    Full,
}

impl Level {
    /// How near a limit is when so much is used.
    #[must_use]
    pub fn of(used: i64, limit: Option<i64>) -> Self {
        match limit {
            Some(limit) if used >= limit => Self::Full,
            Some(limit) if used >= limit / 100 * NEAR => Self::Near,
            _ => Self::Ok,
        }
    }
}

/// A limit of the plan as SQL and JSON have it.
#[must_use]
pub fn limit(bytes: Option<u64>) -> Option<i64> {
    bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_warned_at_four_fifths() {
        assert_eq!(Level::of(4_000, None), Level::Ok);
        let limit = Some(5_000_000_000);
        assert_eq!(Level::of(3_999_999_999, limit), Level::Ok);
        assert_eq!(Level::of(4_000_000_000, limit), Level::Near);
        assert_eq!(Level::of(5_000_000_000, limit), Level::Full);
    }
}
