//! `cargo xtask demo`: what a fresh machine lacks, the programs and their pages, and then a club network on this machine
//! (`neopro-fleet demo`), which takes the place of this process.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::programs::{am_root, variable};
use crate::steps::{Outcome, cargo, loud, visible};
use crate::{packages, pages};

const PROGRAM: &str = "target/debug/neopro-fleet";

/// Its data, where PostgreSQL's user may go; and elsewhere, where that user may not, as in the home of root.
const FOLDER: &str = "target/neopro-demo";
const FOLDER_OF_ROOT: &str = "/var/lib/neopro-demo";

const PLAN: &str = "\
This shows the whole of NeoPro on this machine. It will
  1. install what is missing: PostgreSQL from the distribution, and npm packages;
  2. build the pages (Node) and the programs (Rust): up to ten minutes the first time, seconds afterwards;
  3. start the central server with a database of its own, two boxes and the clubs of a demo network;
  4. print the addresses and the login, and run until you press Ctrl-C.";

/// What the person asks for.
#[derive(Debug, PartialEq, Eq)]
struct Wish {
    fleet: usize,
    fresh: bool,
}

/// Prepares the demo and becomes it.
pub fn run(arguments: &[String]) -> Outcome {
    let wish = Wish::read(arguments)?;
    let folder = folder();
    println!("{PLAN}\nIts data go to {}.\n", folder.display());
    packages::ensure(&packages::DEMO)?;
    pages::ensure()?;
    let built = ["build", "--locked", "--bins", "-p", "neopro-central", "-p", "neopro-box", "-p", "neopro-fleet"];
    loud("programs", || visible(&mut cargo(&built)))?;
    let mut command = Command::new(PROGRAM);
    command.args(["demo", "--media", "demo/media", "--folder"]).arg(folder);
    command.args(["--fleet", &wish.fleet.to_string()]);
    if wish.fresh {
        command.arg("--fresh");
    }
    for (option, name) in [("--port", "NEOPRO_DEMO_PORT"), ("--boxes", "NEOPRO_DEMO_BOXES")] {
        if let Some(value) = variable(name) {
            command.arg(option).arg(value);
        }
    }
    // Only one process is there to be stopped, and it hears every signal itself. It does not come back.
    Err(format!("{PROGRAM} cannot be started: {}", command.exec()))
}

impl Wish {
    fn read(arguments: &[String]) -> Result<Self, String> {
        const USAGE: &str = "`cargo xtask demo [--fleet N] [--fresh]`: N simulated boxes beside the two real ones; \
                             --fresh forgets what an earlier demo has left.";
        let mut wish = Self { fleet: 0, fresh: false };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--fresh" => wish.fresh = true,
                "--fleet" => wish.fleet = words.next().and_then(|number| number.parse().ok()).ok_or(USAGE)?,
                _ => return Err(USAGE.to_owned()),
            }
        }
        Ok(wish)
    }
}

fn folder() -> PathBuf {
    if let Some(chosen) = variable("NEOPRO_DEMO_DIR") {
        return chosen.into();
    }
    let here = std::path::absolute(FOLDER).unwrap_or_else(|_| FOLDER.into());
    if am_root() && !anybody_may_pass(&here) { FOLDER_OF_ROOT.into() } else { here }
}

/// Whether every user may go through the folders above a place, as far as they are there.
fn anybody_may_pass(place: &Path) -> bool {
    let above = place.ancestors().skip(1);
    above.filter_map(|folder| fs::metadata(folder).ok()).all(|facts| facts.permissions().mode() & 0o001 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Wish, String> {
        Wish::read(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn what_is_asked_for_is_read() {
        assert_eq!(read(&[]), Ok(Wish { fleet: 0, fresh: false }));
        assert_eq!(read(&["--fleet", "200", "--fresh"]), Ok(Wish { fleet: 200, fresh: true }));
        for bad in [&["--fleet"][..], &["--fleet", "many"], &["--fast"], &["200"]] {
            assert!(read(bad).expect_err("refused").contains("--fleet N"), "{bad:?}");
        }
    }

    #[test]
    fn a_folder_of_one_user_lets_nobody_pass() -> std::io::Result<()> {
        let shut = std::env::temp_dir().join(format!("xtask-demo-{}", std::process::id()));
        fs::create_dir_all(shut.join("clone"))?;
        assert!(anybody_may_pass(&shut.join("clone/target/neopro-demo")));
        fs::set_permissions(&shut, fs::Permissions::from_mode(0o700))?;
        assert!(!anybody_may_pass(&shut.join("clone/target/neopro-demo")));
        fs::remove_dir_all(&shut)
    }
}
