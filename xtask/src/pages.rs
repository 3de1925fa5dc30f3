//! The pages that the programs carry: TypeScript, built by Vite. Cargo alone never needs Node.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use crate::steps::{Outcome, loud, output, visible};

/// Pages of one program.
struct Pages {
    /// What they are.
    name: &'static str,
    /// Where they are written.
    sources: &'static str,
    /// A file that every build writes.
    built: &'static str,
    /// The npm script that builds them.
    script: &'static str,
}

const PAGES: [Pages; 2] = [
    Pages { name: "pages of the box", sources: "box/ui", built: "box/ui/dist/tv.html", script: "build" },
    Pages {
        name: "dashboard",
        sources: "central-dashboard",
        built: "central-dashboard/dist/central-dashboard/index.html",
        script: "build:prod",
    },
];

/// What npm, Vite and the tests write there, which is no source.
const WRITTEN: [&str; 2] = ["node_modules", "dist"];

/// Builds what is older than its sources.
pub fn ensure() -> Outcome {
    PAGES.iter().try_for_each(Pages::ensure)
}

/// Checks types, words and the like. What that needs is installed first.
pub fn check() -> Result<String, String> {
    for pages in &PAGES {
        install_quietly(pages.sources)?;
        output(&mut npm(pages.sources, &["run", "--silent", "check"]))?;
    }
    Ok(String::new())
}

/// Holds what was built against what it may weigh.
pub fn budget() -> Outcome {
    loud("weights", || visible(&mut npm("central-dashboard", &["run", "--silent", "budget"])))
}

impl Pages {
    fn ensure(&self) -> Outcome {
        let newest = newest(Path::new(self.sources)).map_err(|error| format!("{}: {error}", self.sources))?;
        if fs::metadata(self.built).and_then(|built| built.modified()).is_ok_and(|built| built >= newest) {
            return Ok(());
        }
        install(self.sources)?;
        loud(self.name, || visible(&mut npm(self.sources, &["run", "--silent", self.script])))
    }
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

/// The types of an API's description, for the dashboard; its path is seen from the dashboard's folder.
pub fn types_of(description: &str) -> Result<String, String> {
    let folder = "central-dashboard";
    install_quietly(folder)?;
    output(&mut npm(folder, &["exec", "--offline", "--", "openapi-typescript", description]))
}

/// The same within a step that is silent.
fn install_quietly(folder: &str) -> Outcome {
    if is_installed(Path::new(folder)) {
        return Ok(());
    }
    output(&mut npm(folder, &["ci", "--no-audit", "--no-fund"])).map(|_| ())
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
