//! Installs, from the distribution, the programs that the tests and the demo need and the machine lacks.

use std::process::Command;

use crate::programs::{am_root, folder_of};
use crate::steps::{Outcome, output, quiet};

/// A program, and the Debian package that has it.
pub type Needed = (&'static str, &'static str);

/// What the demo starts.
pub const DEMO: [Needed; 2] = [("postgres", "postgresql"), ("setpriv", "util-linux")];

/// What the tests start.
pub const TESTS: [Needed; 20] = [
    ("postgres", "postgresql"),
    ("psql", "postgresql-client"),
    ("pgbouncer", "pgbouncer"),
    ("chromium", "chromium"),
    ("script", "bsdutils"),
    ("perl", "perl"),
    ("curl", "curl"),
    ("openssl", "openssl"),
    ("oathtool", "oathtool"),
    ("htpasswd", "apache2-utils"),
    ("setpriv", "util-linux"),
    ("systemd-analyze", "systemd"),
    ("adduser", "adduser"),
    ("prometheus", "prometheus"),
    ("promtool", "prometheus"),
    ("strace", "strace"),
    ("nginx", "nginx-light"),
    ("redis-server", "redis-server"),
    ("redis-cli", "redis-tools"),
    ("ip", "iproute2"),
];

/// Packages that start a service of their own when they are installed. We start ours ourselves.
const WITH_SERVICE: [&str; 5] = ["postgresql", "pgbouncer", "prometheus", "nginx-light", "redis-server"];

/// A mirror may be busy for a moment; one that stays away is not waited for longer.
const TRIES: usize = 3;

/// Makes sure that every needed program is there. With nothing missing it takes a millisecond.
pub fn ensure(needed: &[Needed]) -> Outcome {
    let missing = missing(needed, |program| folder_of(program).is_some());
    if missing.is_empty() {
        return Ok(());
    }
    install(&missing)?;
    match self::missing(needed, |program| folder_of(program).is_some()).as_slice() {
        [] => Ok(()),
        still => Err(format!("Installed, and yet their programs are not found: {}.", still.join(", "))),
    }
}

/// Installs packages of the distribution.
pub fn install(missing: &[&str]) -> Outcome {
    let line = format!("apt-get install --no-install-recommends {}", missing.join(" "));
    if folder_of("apt-get").is_none() {
        return Err(format!(
            "These Debian packages are needed, or their like on this machine: {}.",
            missing.join(", ")
        ));
    }
    let root: &[&str] = if am_root() {
        &[]
    } else if output(Command::new("sudo").args(["-n", "true"])).is_ok() {
        &["sudo", "-n"]
    } else {
        return Err(format!("Programs are missing that only root can install. Please run: sudo {line}"));
    };
    println!("{line}");
    quiet("package lists", || tried(|| apt(root, &["update"])))?;
    quiet("packages", || apt(root, &[&["install", "--yes", "--no-install-recommends"], missing].concat()))?;
    for service in WITH_SERVICE.iter().filter(|service| missing.contains(service)) {
        // Where nothing was started there is nothing to stop, and some machines have no services at all.
        let _ = output(&mut as_root(root, &["service", service, "stop"]));
    }
    Ok(())
}

fn missing(needed: &[Needed], is_there: impl Fn(&str) -> bool) -> Vec<&'static str> {
    needed.iter().filter(|(program, _)| !is_there(program)).map(|(_, package)| *package).collect()
}

fn apt(root: &[&str], arguments: &[&str]) -> Result<String, String> {
    let head = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-o", "DPkg::Lock::Timeout=300"];
    output(&mut as_root(root, &[&head, arguments].concat())).map(|_| String::new())
}

fn as_root(root: &[&str], words: &[&str]) -> Command {
    let mut line = root.iter().chain(words);
    let mut command = Command::new(line.next().unwrap_or(&"false"));
    command.args(line);
    command
}

fn tried(action: impl Fn() -> Result<String, String>) -> Result<String, String> {
    let mut outcome = action();
    for _ in 1..TRIES {
        if outcome.is_ok() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_secs(2));
        outcome = action();
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_is_installed() {
        assert_eq!(missing(&TESTS, |program| program != "perl" && program != "psql"), ["postgresql-client", "perl"]);
        assert!(missing(&TESTS, |_| true).is_empty());
    }

    #[test]
    fn without_root_the_line_starts_with_sudo() {
        let command = as_root(&["sudo", "-n"], &["apt-get", "update"]);
        assert_eq!(command.get_program(), "sudo");
        assert_eq!(command.get_args().collect::<Vec<_>>(), ["-n", "apt-get", "update"]);
    }
}
