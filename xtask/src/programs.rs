//! The machine on which a command runs: its programs, its environment, its user.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Debian keeps the programs of a PostgreSQL server, by version, apart from the PATH.
const POSTGRES_VERSIONS: &str = "/usr/lib/postgresql";

/// The folder in which a program is found: on the PATH, or among PostgreSQL's own, the newest first.
pub fn folder_of(program: &str) -> Option<PathBuf> {
    let path = variable("PATH").unwrap_or_default();
    std::env::split_paths(&path).chain(postgres_folders()).find(|folder| is_program(&folder.join(program)))
}

fn postgres_folders() -> Vec<PathBuf> {
    let entries = fs::read_dir(POSTGRES_VERSIONS).into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort_by(|left, right| right.cmp(left));
    versions.into_iter().map(|(_, folder)| folder).collect()
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
}

/// A variable of the environment in which the command was started.
#[expect(clippy::disallowed_methods, reason = "these are commands of a developer, not the server with its config/")]
pub fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// Whether we run as root.
pub fn am_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|facts| facts.uid() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_on_the_path_is_found_and_an_invented_one_is_not() {
        assert!(folder_of("sh").is_some());
        assert!(folder_of("no-program-has-this-name").is_none());
    }
}
