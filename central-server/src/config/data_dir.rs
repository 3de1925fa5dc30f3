//! Where the server keeps what belongs to this machine: the embedded database, generated secrets, local media.

use std::path::PathBuf;

use super::reader::{Reader, Refused};
use super::words;
use crate::words::Said;

const OF_THE_MACHINE: &str = "/var/lib/neopro";

/// `NEOPRO_DATA_DIR` as an absolute path (child processes work in other folders), else the user's data folder.
pub(super) fn read(r: &mut Reader) -> Result<PathBuf, Refused> {
    let Some(value) = r.text("NEOPRO_DATA_DIR")? else {
        let root = r.surroundings.root;
        let chosen = by_default(root, r.untouched("XDG_DATA_HOME"), r.untouched("HOME"));
        return Ok(chosen.unwrap_or_else(|| {
            r.warn("NEOPRO_DATA_DIR", Said::new(words::NO_HOME).with("folder", OF_THE_MACHINE));
            PathBuf::from(OF_THE_MACHINE)
        }));
    };
    if value.starts_with('~') {
        return Err(r.refuse("NEOPRO_DATA_DIR", words::TILDE));
    }
    std::path::absolute(&value).map_err(|_| r.refuse("NEOPRO_DATA_DIR", words::BAD_PATH))
}

/// `XDG_RUNTIME_DIR`, where a user's sockets go; none if unset or, against its specification, relative.
pub(super) fn runtime_dir(r: &Reader) -> Option<PathBuf> {
    r.untouched("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute())
}

/// `VIDEO_MAX_MB` in bytes.
pub(super) fn video_max_bytes(r: &mut Reader) -> Result<u64, Refused> {
    let megabytes = r.number("VIDEO_MAX_MB", 1..=4096)?.unwrap_or(500);
    Ok(megabytes as u64 * 1024 * 1024)
}

/// The XDG base directory specification has relative paths ignored.
fn by_default(root: bool, xdg_data_home: Option<String>, home: Option<String>) -> Option<PathBuf> {
    let absolute = |path: Option<String>| path.map(PathBuf::from).filter(|path| path.is_absolute());
    if root {
        return Some(PathBuf::from(OF_THE_MACHINE));
    }
    absolute(xdg_data_home)
        .map(|data| data.join("neopro"))
        .or_else(|| absolute(home).map(|home| home.join(".local/share/neopro")))
}

/// Whether this process has root's rights: its effective user where the kernel tells it, else the name in `USER`.
pub(super) fn running_as_root(source: &dyn Fn(&str) -> Option<String>) -> bool {
    match std::fs::read_to_string("/proc/self/status") {
        Ok(status) => effective_uid(&status) == Some("0"),
        Err(_) => source("USER").as_deref() == Some("root"),
    }
}

/// `Uid:` is followed by the real, effective, saved and file system user.
fn effective_uid(status: &str) -> Option<&str> {
    status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_whitespace().nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_folder_depends_on_the_user() {
        let some = |path: &str| Some(path.to_owned());
        let rows = [
            (true, some("/x"), some("/root"), some("/var/lib/neopro")),
            (false, some("/x"), some("/home/a"), some("/x/neopro")),
            (false, some("relative"), some("/home/a"), some("/home/a/.local/share/neopro")),
            (false, None, some("/home/a"), some("/home/a/.local/share/neopro")),
            (false, None, None, None),
        ];
        for (root, xdg, home, expected) in rows {
            assert_eq!(by_default(root, xdg, home), expected.map(PathBuf::from));
        }
    }

    #[test]
    fn root_is_recognised_by_the_effective_user() {
        assert_eq!(effective_uid("Name:\tx\nUid:\t1000\t0\t0\t0\nGid:\t0\n"), Some("0"));
        assert_eq!(effective_uid("Uid:\t0\t1000\t0\t0\n"), Some("1000"));
        assert_eq!(effective_uid("Name:\tx\n"), None);
    }
}
