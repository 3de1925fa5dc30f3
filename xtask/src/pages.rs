//! The pages of the box, which its program carries: TypeScript, built by Vite. Cargo alone never needs Node.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use crate::steps::{Outcome, loud, output, visible};

/// Where the pages are written, and where they are built to.
const SOURCES: &str = "box/ui";
const BUILT: &str = "box/ui/dist/tv.html";

/// What npm and Vite write there, which is no source.
const WRITTEN: [&str; 2] = ["node_modules", "dist"];

/// Builds the pages, if they are older than what they are built from.
pub fn ensure() -> Outcome {
    let newest = newest(Path::new(SOURCES)).map_err(|error| format!("{SOURCES}: {error}"))?;
    if fs::metadata(BUILT).and_then(|built| built.modified()).is_ok_and(|built| built >= newest) {
        return Ok(());
    }
    install(SOURCES)?;
    loud("pages of the box", || visible(&mut npm(SOURCES, &["run", "--silent", "build"])))
}

/// Checks the types, where npm has been before: a check installs nothing.
pub fn check() -> Result<String, String> {
    if !is_installed(Path::new(SOURCES)) {
        return Ok("the pages' types were not looked at: `cargo xtask pages` installs what that needs".to_owned());
    }
    output(&mut npm(SOURCES, &["run", "--silent", "check"]))
}

/// Installs what a folder's lock file asks for, unless it is there.
pub fn install(folder: &str) -> Outcome {
    if is_installed(Path::new(folder)) {
        return Ok(());
    }
    loud(&format!("npm ci in {folder}"), || {
        visible(&mut npm(folder, &["ci", "--no-audit", "--no-fund"]))
            .map_err(|error| format!("{error} Node and npm have to be on the PATH."))
    })
}

fn npm(folder: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("npm");
    command.args(arguments).current_dir(folder);
    command
}

/// Whether what the lock file asks for was installed since it was last changed.
fn is_installed(folder: &Path) -> bool {
    let time = |file: &str| fs::metadata(folder.join(file)).and_then(|file| file.modified()).ok();
    matches!((time("node_modules/.package-lock.json"), time("package-lock.json")), (Some(installed), Some(asked)) if installed >= asked)
}

/// When the youngest source was changed.
fn newest(folder: &Path) -> io::Result<SystemTime> {
    let mut newest = SystemTime::UNIX_EPOCH;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if WRITTEN.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        let metadata = entry.metadata()?;
        // A folder is younger when something left it.
        newest = newest.max(metadata.modified()?);
        if metadata.is_dir() {
            newest = newest.max(self::newest(&entry.path())?);
        }
    }
    Ok(newest)
}
