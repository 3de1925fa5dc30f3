//! `cargo xtask test`: what a fresh machine lacks, then every test.

use crate::packages;
use crate::steps::{Outcome, cargo, loud, visible};

/// Runs the tests whose names contain a filter, or all.
pub fn run(filters: &[String]) -> Outcome {
    packages::ensure()?;
    loud("cargo test", || visible(cargo(&["test", "--workspace", "--locked", "--"]).args(filters)))
}
