//! `cargo xtask soak versions`: the server of an older revision beside that of this tree, on one database.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::steps::{Outcome, cargo, loud, output, visible};

/// Where the older revision is checked out and built; removed by nobody, so that the next time only what differs is built.
const FOLDER: &str = "target/versions";
const MIGRATIONS: &str = "central-server/migrations";
/// The test, which nothing else runs.
const TEST: &str = "replicas::versions";

/// Builds the server of a revision, by default of the last one before the newest migration, and runs both beside each other.
pub fn side_by_side(revision: Option<&str>) -> Outcome {
    let wished = match revision {
        Some(revision) => revision.to_owned(),
        None => before_newest_migration()?,
    };
    let revision = git(&["rev-parse", "--verify", &format!("{wished}^{{commit}}")])
        .map_err(|error| format!("\"{wished}\" is no revision of this repository: {error}"))?;
    println!("the older server: {}", git(&["log", "-1", "--format=%h of %cs, « %s »", &revision])?);
    let tree = check_out(&revision)?;
    let target = std::path::absolute(FOLDER).map_err(|error| error.to_string())?.join("build");
    loud("the older server", || {
        let mut build = cargo(&["build", "--locked", "-p", "neopro-central", "--bin", "neopro-central"]);
        visible(build.current_dir(&tree).env("CARGO_TARGET_DIR", &target))
    })?;
    let program = target.join("debug/neopro-central");
    loud("versions", || {
        let test = |option| {
            cargo(&["test", "--locked", "-p", "neopro-central", "--test", "it", TEST, "--", "--ignored", option])
        };
        if !output(&mut test("--list"))?.contains(": test") {
            return Err(format!("No test is found by \"{TEST}\", so this soak would prove nothing."));
        }
        visible(test("--nocapture").env("NEOPRO_OLD_SERVER", &program))
    })
}

/// The commit before the one that brought the newest migration.
fn before_newest_migration() -> Result<String, String> {
    let entries = std::fs::read_dir(MIGRATIONS).map_err(|error| format!("{MIGRATIONS}: {error}"))?;
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let newest = names.max().ok_or_else(|| format!("{MIGRATIONS} is empty."))?;
    let path = format!("{MIGRATIONS}/{newest}");
    let added = git(&["log", "-1", "--diff-filter=A", "--format=%H", "--", &path])?;
    if added.is_empty() {
        return Err(format!(
            "No commit has brought {path}: commit it, or name a revision. A shallow clone has no past."
        ));
    }
    Ok(format!("{added}^"))
}

/// Checks a revision out beside this tree.
fn check_out(revision: &str) -> Result<PathBuf, String> {
    let tree = Path::new(FOLDER).join("tree");
    if tree.join(".git").exists() {
        output(Command::new("git").current_dir(&tree).args(["checkout", "--quiet", "--force", "--detach", revision]))?;
    } else {
        let path = tree.to_string_lossy();
        git(&["worktree", "prune"])?;
        git(&["worktree", "add", "--quiet", "--force", "--detach", &path, revision])?;
    }
    Ok(tree)
}

fn git(arguments: &[&str]) -> Result<String, String> {
    Ok(output(Command::new("git").args(arguments))?.trim().to_owned())
}
