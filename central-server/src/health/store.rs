//! What the database is asked about itself.

use crate::db::{Query, Scalar, query};

/// Whether it takes no writes at the moment: a full plan, a standby.
pub fn is_read_only() -> Query<bool> {
    query("select current_setting('transaction_read_only') = 'on'").one::<Scalar<bool>>().map(|Scalar(answer)| answer)
}
