//! The Python programs that tests start, in a virtual environment below `target/`: exactly the versions, and exactly the
//! files, that the list of requirements names.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::packages;
use crate::programs::folder_of;
use crate::steps::{Outcome, loud, output};

/// What is wanted, with the hash of each file that may be installed for it.
const WANTED: &str = "central-server/tests/py/requirements.txt";
/// Where it is installed; the list is copied there when all of it is.
const FOLDER: &str = "target/python";

/// Debian's Python, which alone finds Debian's packages for it: another one on the PATH does not.
const DEBIANS: &str = "/usr/bin/python3";
const PACKAGES: [&str; 2] = ["python3", "python3-venv"];

/// The oldest version that runs what is wanted, and what it takes to make an environment with it.
const SUITS: &str = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))";

/// Installs what is wanted, unless it is there.
pub fn ensure() -> Outcome {
    let wanted = fs::read_to_string(WANTED).map_err(|error| format!("{WANTED}: {error}"))?;
    let (folder, installed) = (Path::new(FOLDER), Path::new(FOLDER).join("requirements.txt"));
    let python = folder.join("bin/python");
    let is_there = fs::read_to_string(&installed).is_ok_and(|text| text == wanted);
    // An environment outlives the Python that it was made with.
    if is_there && output(Command::new(&python).arg("--version")).is_ok() {
        return Ok(());
    }
    let interpreter = interpreter()?;
    loud(&format!("pip install in {FOLDER}"), || {
        if folder.exists() {
            fs::remove_dir_all(folder).map_err(|error| format!("{FOLDER}: {error}"))?;
        }
        output(Command::new(interpreter).args(["-m", "venv"]).arg(folder))?;
        output(Command::new(python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args([
            "--require-hashes",
            "--only-binary=:all:",
            "--requirement",
            WANTED,
        ]))?;
        fs::write(&installed, &wanted).map_err(|error| format!("{}: {error}", installed.display()))
    })
}

/// A Python that can make an environment: one that is there, else Debian's.
fn interpreter() -> Result<PathBuf, String> {
    let present = || {
        let on_the_path = folder_of("python3").map(|folder| folder.join("python3"));
        on_the_path.into_iter().chain([PathBuf::from(DEBIANS)]).find(|python| suits(python))
    };
    if let Some(python) = present() {
        return Ok(python);
    }
    packages::install(&PACKAGES)?;
    present().ok_or_else(|| "Python 3.11 or newer with its module venv is needed, and was not found.".to_owned())
}

fn suits(python: &Path) -> bool {
    output(Command::new(python).args(["-c", SUITS])).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_requirement_has_one_version_and_a_hash() {
        let text = fs::read_to_string(Path::new("..").join(WANTED)).expect("the list");
        let wanted = text.replace("\\\n", " ");
        let lines: Vec<&str> = wanted.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
        assert!(lines.iter().any(|line| line.starts_with("schemathesis==")), "what all the others are there for");
        for line in lines.into_iter().filter(|line| !line.trim().is_empty()) {
            assert!(line.contains("==") && line.contains("--hash=sha256:"), "{line}");
        }
    }

    #[test]
    fn what_is_no_python_suits_nobody() {
        assert!(!suits(Path::new("/bin/false")) && !suits(Path::new("/no/python")));
    }
}
