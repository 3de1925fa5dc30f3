//! This machine: the folder and the room in which the server works.

use std::path::{Path, PathBuf};

use super::Finding;
use super::catalogue::{MACHINE_DISK, MACHINE_FOLDER};
use super::words::{self, Said};
use crate::config::Config;

const MEGABYTE: u64 = 1024 * 1024;
/// Below this the server refuses uploads; below four times as much somebody should know.
const LEAST: u64 = 512 * MEGABYTE;

/// The data folder and its disk.
pub(super) fn look(config: &Config) -> Vec<Finding> {
    let there: PathBuf = config.data_dir.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("/")).into();
    vec![folder(&config.data_dir), disk(&there)]
}

fn folder(folder: &Path) -> Finding {
    let said = |words| Said::new(words).with("folder", folder.display());
    // Of a folder that is not there, the one in which it will be made is looked at.
    let there = folder.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"));
    let written = tried(there);
    if written.is_ok() && there != folder {
        return Finding::ok(MACHINE_FOLDER, said(words::FOLDER_COMING));
    }
    match written {
        Ok(()) => Finding::ok(MACHINE_FOLDER, said(words::FOLDER_OK)),
        Err(error) => {
            Finding::error(MACHINE_FOLDER, said(words::FOLDER_REFUSED).with("why", error), words::MEND_FOLDER)
        }
    }
}

/// A file that is there for a moment: rights, a full disk and a read-only mount show the same way.
fn tried(folder: &Path) -> std::io::Result<()> {
    let path = folder.join(format!(".doctor-{}-{}", std::process::id(), uuid::Uuid::now_v7().simple()));
    std::fs::File::options().write(true).create_new(true).open(&path)?;
    std::fs::remove_file(path)
}

fn disk(folder: &Path) -> Finding {
    let state = match rustix::fs::statvfs(folder) {
        Ok(state) => state,
        Err(error) => return Finding::not_checked(MACHINE_DISK, Said::new(words::DISK_UNKNOWN).with("why", error)),
    };
    let (free, total) = (state.f_bavail * state.f_frsize, state.f_blocks * state.f_frsize);
    let said = Said::new(words::DISK).with("free", free / MEGABYTE).with("total", total / MEGABYTE);
    match free {
        free if free < LEAST => Finding::error(MACHINE_DISK, said, words::MEND_DISK),
        free if free < LEAST * 4 => Finding::warning(MACHINE_DISK, said, words::MEND_DISK),
        _ => Finding::ok(MACHINE_DISK, said),
    }
}
