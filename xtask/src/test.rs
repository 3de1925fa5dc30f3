//! `cargo xtask test`: what a fresh machine lacks, then every test, then a slice of made-up inputs.

use crate::steps::{Outcome, cargo, loud, visible};
use crate::{fuzz, packages, pages, python};

/// What tests run under Node: the official Socket.IO client for the live channel and an S3 storage that others wrote, and
/// what drives a browser for the TV and for the dashboard.
const CLIENTS: [&str; 3] = ["central-server/tests/js", "box/tests/js", "central-dashboard"];

/// Runs the tests whose names contain a filter, or all.
pub fn run(filters: &[String]) -> Outcome {
    prepare()?;
    loud("cargo test", || visible(cargo(&["test", "--workspace", "--locked", "--"]).args(filters)))?;
    fuzz::slice(filters)
}

/// Installs and builds what the tests need beside Rust.
pub fn prepare() -> Outcome {
    packages::ensure(&packages::TESTS)?;
    CLIENTS.iter().try_for_each(|folder| pages::install(folder))?;
    python::ensure()?;
    pages::ensure()?;
    pages::budget()
}
