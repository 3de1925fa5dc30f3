//! `cargo xtask test`: what a fresh machine lacks, then every test.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::packages;
use crate::steps::{Outcome, cargo, loud, visible};

/// The official Socket.IO client, which the tests of the live channel run under Node.
const CLIENT: &str = "central-server/tests/js";

/// Runs the tests whose names contain a filter, or all.
pub fn run(filters: &[String]) -> Outcome {
    packages::ensure()?;
    if !is_installed(Path::new(CLIENT)) {
        loud("npm ci", || {
            visible(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(CLIENT))
                .map_err(|error| format!("{error} The tests of the live channel need Node and npm on the PATH."))
        })?;
    }
    loud("cargo test", || visible(cargo(&["test", "--workspace", "--locked", "--"]).args(filters)))
}

/// Whether what the lock file asks for was installed since it was last changed.
fn is_installed(folder: &Path) -> bool {
    let time = |file: &str| fs::metadata(folder.join(file)).and_then(|file| file.modified()).ok();
    matches!((time("node_modules/.package-lock.json"), time("package-lock.json")), (Some(installed), Some(asked)) if installed >= asked)
}
