//! Taking over a database of NeoPro 1, in place (`docs/adr/0024-taking-over-neopro-1.md`).
//!
//! One transaction: the old tables move into the schema `neopro_1`, ours are made, rows are copied over, secrets are
//! sealed, and what could not be carried is told. Whoever is killed in between leaves the old database as it was; a
//! rehearsal is the same transaction, undone at its end.

mod report;
mod secrets;
mod store;
mod whole;

pub use report::{Kind, Line, Report};
pub use secrets::Keys;
pub use whole::bring_up_to_date;

/// Whether what is done is to stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// It is.
    Keep,
    /// Everything is done, told and undone.
    Rehearse,
}

/// What was done.
#[derive(Debug)]
pub struct Done {
    /// The version of the schema.
    pub version: i32,
    /// What a takeover has to tell; `None` if there was nothing to take over.
    pub report: Option<Report>,
}
