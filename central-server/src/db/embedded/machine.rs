//! What the machine offers: who we are, where PostgreSQL's programs are, and how a program is run
//! as the user that the database belongs to.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::error::EmbeddedError;

/// The oldest PostgreSQL whose SQL the migrations are written for.
pub(super) const OLDEST_MAJOR: u32 = 15;

/// Where packages put the server's programs when they do not put them on the `PATH`: the folders
/// `<parent>/<prefix><version>/bin`.
const INSTALLATIONS: [(&str, &str); 5] = [
    ("/usr/lib/postgresql", ""),
    ("/usr", "pgsql-"),
    ("/opt/homebrew/opt", "postgresql@"),
    ("/usr/local/opt", "postgresql@"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql@"),
];

/// Everything about the machine that takes a process to find out, asked in one. `setpriv` is run
/// and not only looked for, because the one of BusyBox knows none of the options that we need.
const SURVEY: &str = r#"
uid=$(id -u)
echo "uid=$uid"
[ "$uid" = 0 ] && echo "account=$(id postgres 2>/dev/null)"
setpriv --pdeathsig KILL true 2>/dev/null && echo "setpriv=$(command -v setpriv)"
echo "postgres=$(command -v postgres)"
"#;

/// Becomes the program behind it, unless the parent is gone already.
const IF_WE_LIVE: &str = r#"[ "$PPID" = "$1" ] && shift && exec "$@""#;

/// The account that a root server runs PostgreSQL under.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) name: &'static str,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// The facts about this machine.
#[derive(Debug, Clone, Default)]
pub(super) struct Machine {
    /// Our own user.
    pub(super) uid: u32,
    /// `Some` when we are root: PostgreSQL refuses to run as root.
    pub(super) account: Option<Account>,
    /// The program that lets a child die with us.
    setpriv: Option<PathBuf>,
    /// What the shell calls `postgres`.
    postgres: Option<PathBuf>,
}

/// The programs of one PostgreSQL installation.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    pub(super) postgres: PathBuf,
    pub(super) initdb: PathBuf,
}

/// What happens to a child when the thread that started it ends, if the machine has `setpriv`.
#[derive(Debug, Clone, Copy)]
pub(super) enum Orphaned {
    /// It shuts down quickly and cleanly: SIGINT to a postmaster.
    ShutsDown,
    /// It is killed: for work that is thrown away when it is not finished.
    IsKilled,
}

impl Machine {
    /// Asks the machine. The shell looks at the `PATH` for us.
    pub(super) fn survey() -> Result<Self, EmbeddedError> {
        let answer = Command::new("sh")
            .args(["-c", SURVEY])
            .stdin(Stdio::null())
            .output()
            .map_err(EmbeddedError::program("sh"))?;
        let mut machine = Self::default();
        let mut uid = None;
        for line in answer.stdout.split(|&byte| byte == b'\n') {
            let Some(at) = line.iter().position(|&byte| byte == b'=') else {
                continue;
            };
            let (key, value) = (&line[..at], &line[at + 1..]);
            let text = String::from_utf8_lossy(value);
            match key {
                b"uid" => uid = text.parse().ok(),
                b"account" => machine.account = account(&text),
                b"setpriv" => machine.setpriv = absolute(value),
                b"postgres" => machine.postgres = absolute(value),
                _ => {}
            }
        }
        machine.uid = uid.ok_or_else(|| EmbeddedError::program("id")(io::ErrorKind::InvalidData.into()))?;
        Ok(machine)
    }

    /// The user that the database's files and processes belong to.
    pub(super) fn database_uid(&self) -> u32 {
        self.account.as_ref().map_or(self.uid, |account| account.uid)
    }

    /// The programs to work with: those of the major version that made the data, else the first
    /// supported ones, the `PATH` before the packages' folders and newer before older.
    pub(super) fn programs(&self, cluster: &Path, made_by: Option<u32>) -> Result<Programs, EmbeddedError> {
        let packaged = installed();
        // Mostly the folder's name says it, which spares the milliseconds of asking the program.
        let known = packaged.iter().find(|(version, _)| Some(*version) == made_by);
        if let Some(programs) = known.and_then(|(_, folder)| Programs::in_folder(folder)) {
            return Ok(programs);
        }

        let postgres = self.postgres.as_deref().and_then(|path| fs::canonicalize(path).ok());
        let on_path = postgres.as_deref().and_then(Path::parent);
        let folders = on_path.into_iter().chain(packaged.iter().map(|(_, folder)| folder.as_path()));
        let mut seen = Vec::new();
        for programs in folders.filter_map(Programs::in_folder) {
            let Some(major) = programs.major() else {
                continue;
            };
            if made_by.map_or(major >= OLDEST_MAJOR, |made_by| major == made_by) {
                return Ok(programs);
            }
            seen.push((major, programs.postgres));
        }
        seen.sort();
        seen.dedup_by_key(|(major, _)| *major);
        Err(match (made_by, seen.last().cloned()) {
            (Some(made_by), Some(_)) => EmbeddedError::OtherMajor {
                folder: cluster.to_owned(),
                made_by,
                installed: seen.into_iter().map(|(major, _)| major).collect(),
            },
            (None, Some((major, program))) => EmbeddedError::TooOld { program, major },
            (_, None) => EmbeddedError::NotInstalled,
        })
    }

    /// A command that runs as the database user and gets nothing of ours: not the environment,
    /// which holds the server's secrets (and systemd's notification socket), not the working
    /// folder, which that user may not be able to enter, and not the Ctrl-C of our terminal.
    pub(super) fn command(&self, program: impl AsRef<OsStr>, orphaned: Orphaned) -> Command {
        let mut command = if let Some(setpriv) = &self.setpriv {
            let mut command = Command::new(setpriv);
            if let Some(Account { uid, gid, .. }) = &self.account {
                command.arg(format!("--reuid={uid}")).arg(format!("--regid={gid}"));
                command.arg("--init-groups");
            }
            command.arg(match orphaned {
                Orphaned::ShutsDown => "--pdeathsig=INT",
                Orphaned::IsKilled => "--pdeathsig=KILL",
            });
            // If we ended before the kernel was told, nobody would ever tell this child: it looks once more.
            command.args(["--", "sh", "-c", IF_WE_LIVE, "sh"]).arg(std::process::id().to_string()).arg(program);
            command
        } else {
            let mut command = Command::new(program);
            if let Some(Account { uid, gid, .. }) = &self.account {
                command.uid(*uid).gid(*gid);
            }
            command
        };
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin")
            // PostgreSQL's own messages in one language, which this module reads in two places;
            // on macOS it does not even start without a locale.
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::null());
        command
    }
}

impl Programs {
    fn in_folder(folder: &Path) -> Option<Self> {
        let programs = Self { postgres: folder.join("postgres"), initdb: folder.join("initdb") };
        (programs.postgres.is_file() && programs.initdb.is_file()).then_some(programs)
    }

    fn major(&self) -> Option<u32> {
        let answer = Command::new(&self.postgres).arg("--version").output().ok()?;
        major_of(&String::from_utf8_lossy(&answer.stdout))
    }
}

/// The `bin` folders of the known installations, newest version first.
fn installed() -> Vec<(u32, PathBuf)> {
    let mut found: Vec<(u32, PathBuf)> = Vec::new();
    for (parent, prefix) in INSTALLATIONS {
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let version = name.to_str().and_then(|name| name.strip_prefix(prefix)?.parse().ok());
            if let Some(version) = version {
                found.push((version, entry.path().join("bin")));
            }
        }
    }
    found.sort();
    found.reverse();
    found
}

/// From `postgres (PostgreSQL) 15.8 (Debian …)` or `… 18beta1`.
fn major_of(version: &str) -> Option<u32> {
    let number = version.split_once(") ")?.1;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// From what `id` says: `uid=101(postgres) gid=104(postgres) groups=…`.
fn account(ids: &str) -> Option<Account> {
    let number = |key: &str| {
        let word = ids.split(' ').find_map(|word| word.strip_prefix(key))?;
        word.split('(').next()?.parse().ok()
    };
    Some(Account { name: "postgres", uid: number("uid=")?, gid: number("gid=")? })
}

fn absolute(path: &[u8]) -> Option<PathBuf> {
    let path = Path::new(OsStr::from_bytes(path));
    path.is_absolute().then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_major_version_of_releases_and_of_betas() {
        assert_eq!(major_of("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major_of("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major_of("something else 9"), None);
    }

    #[test]
    fn reads_the_numbers_of_the_account() {
        let account = account("uid=101(postgres) gid=104(postgres) groups=104(postgres),103(ssl-cert)");
        assert_eq!(account.map(|account| (account.uid, account.gid)), Some((101, 104)));
    }
}
