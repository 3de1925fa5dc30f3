//! PostgreSQL's data folder: made once, with the two roles and the database, before any server
//! listens on it.
//!
//! A first start may be killed at any moment. So the folder is made under another name, filled by
//! PostgreSQL in single-user mode (no socket, no password needed, nobody else there), and gets its
//! name when it is complete. What an interrupted start left is thrown away by the next one.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Output, Stdio};

use data_encoding::HEXLOWER;

use super::error::EmbeddedError;
use super::folders::{self, DataFolder};
use super::machine::{Machine, Orphaned, Programs};
use super::{ADMIN, OWNER};

/// Who may connect: whoever knows a password, through the socket.
const PG_HBA: &str = "\
# Written by the NeoPro server. There is no TCP listener; the socket lies in a private folder.
# TYPE  DATABASE  USER  METHOD
local   all       all   scram-sha-256
";

/// What the last statement of a successful initialisation answers.
const VERDICT: &str = "the roles and the database are complete";

/// The passwords of the two roles.
pub(super) struct Passwords {
    pub(super) admin: String,
    pub(super) owner: String,
}

impl Passwords {
    fn random() -> Result<Self, EmbeddedError> {
        let password = || folders::random::<32>().map(|bytes| HEXLOWER.encode(&bytes));
        Ok(Self { admin: password()?, owner: password()? })
    }

    fn save(&self, folder: &DataFolder) -> Result<(), EmbeddedError> {
        folders::write_secret(&folder.password(ADMIN), &self.admin)?;
        folders::write_secret(&folder.password(OWNER), &self.owner)
    }

    /// Reads what was saved; `None` if a file is missing.
    pub(super) fn read(folder: &DataFolder) -> Result<Option<Self>, EmbeddedError> {
        let admin = folders::read_secret(&folder.password(ADMIN))?;
        let owner = folders::read_secret(&folder.password(OWNER))?;
        Ok(admin.zip(owner).map(|(admin, owner)| Self { admin, owner }))
    }
}

/// The major version that made the data folder; `None` if there is no data folder yet. An error if
/// what is there is not ours.
pub(super) fn made_by(machine: &Machine, folder: &DataFolder) -> Result<Option<u32>, EmbeddedError> {
    let cluster = folder.cluster();
    let facts = match fs::metadata(&cluster) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        facts => facts.map_err(EmbeddedError::io("de lire les droits du dossier", &cluster))?,
    };
    if facts.uid() != machine.database_uid() {
        return Err(EmbeddedError::OtherOwner {
            folder: cluster,
            owner: facts.uid(),
            expected: machine.database_uid(),
        });
    }
    let mut entries = fs::read_dir(&cluster).map_err(EmbeddedError::io("de lire le dossier", &cluster))?;
    if entries.next().is_none() {
        return Ok(None);
    }
    // Only a complete folder ever gets this name from us, so anything else in it is not ours.
    let version = fs::read_to_string(cluster.join("PG_VERSION")).ok();
    match version.and_then(|version| version.trim().parse().ok()) {
        Some(major) => Ok(Some(major)),
        None => Err(EmbeddedError::NotACluster { folder: cluster }),
    }
}

/// Makes the data folder if there is none, and returns the passwords.
///
/// To be called when no process works in the folder. `durable` is false for throw-away databases
/// of tests, which need not survive a power cut.
pub(super) fn prepare(
    machine: &Machine,
    programs: &Programs,
    folder: &DataFolder,
    durable: bool,
) -> Result<Passwords, EmbeddedError> {
    discard_unfinished(folder)?;
    if made_by(machine, folder)?.is_none() {
        let passwords = Passwords::random()?;
        // Before the data: what is interrupted in between is made anew, passwords and all.
        passwords.save(folder)?;
        create(machine, programs, folder, &passwords, durable)?;
        return Ok(passwords);
    }
    match Passwords::read(folder)? {
        Some(passwords) => Ok(passwords),
        None => replace_passwords(machine, programs, folder),
    }
}

fn discard_unfinished(folder: &DataFolder) -> Result<(), EmbeddedError> {
    let entries = fs::read_dir(folder.path()).map_err(EmbeddedError::io("de lire le dossier", folder.path()))?;
    for entry in entries.flatten() {
        let path = entry.path();
        if folder.is_new_cluster(&path) {
            tracing::warn!(folder = %path.display(), "discarding an interrupted initialisation");
            if let Err(error) = fs::remove_dir_all(&path) {
                // It is in nobody's way.
                tracing::warn!(%error, "it could not be removed entirely");
            }
        }
    }
    Ok(())
}

fn create(
    machine: &Machine,
    programs: &Programs,
    folder: &DataFolder,
    passwords: &Passwords,
    durable: bool,
) -> Result<(), EmbeddedError> {
    let draft = folder.new_cluster()?;
    let first = Initialisation { machine, programs, folder, cluster: &draft };
    let outcome = first.run(passwords, durable).and_then(|()| {
        fs::rename(&draft, folder.cluster()).map_err(EmbeddedError::io("de renommer le dossier", &draft))?;
        folders::sync_folder(folder.path())
    });
    if outcome.is_err() {
        // The error says more than a failure to tidy up, and the next start tidies up again.
        let _ = fs::remove_dir_all(&draft);
    }
    outcome
}

/// New passwords for an existing database, whose files were lost (restored from a copy of
/// `postgres/` alone, say). Whoever may do this owns the data anyway.
fn replace_passwords(machine: &Machine, programs: &Programs, folder: &DataFolder) -> Result<Passwords, EmbeddedError> {
    tracing::warn!("a password file of the embedded database is missing: new passwords are made");
    let passwords = Passwords::random()?;
    let cluster = folder.cluster();
    let existing = Initialisation { machine, programs, folder, cluster: &cluster };
    let statements = format!(
        "alter role {ADMIN} password '{}'\nalter role {OWNER} password '{}'\n",
        passwords.admin, passwords.owner
    );
    existing.single_user(OWNER, &statements, None)?;
    // After the roles: what is interrupted in between is done again, as a file is still missing.
    passwords.save(folder)?;
    Ok(passwords)
}

/// PostgreSQL's programs at work on a data folder that no server runs on.
struct Initialisation<'a> {
    machine: &'a Machine,
    programs: &'a Programs,
    folder: &'a DataFolder,
    cluster: &'a Path,
}

impl Initialisation<'_> {
    fn run(&self, passwords: &Passwords, durable: bool) -> Result<(), EmbeddedError> {
        folders::create_private(self.cluster, self.machine)?;
        self.initdb(durable)?;
        self.write_pg_hba()?;
        // One statement a line. The owner is what a hosted database gives us: it may make the role
        // that the tenants' requests run under, and is bound by row-level security itself.
        let roles = format!(
            "alter role {ADMIN} password '{}'\n\
             create role {OWNER} login createrole nosuperuser nocreatedb nobypassrls noreplication \
             password '{}'\n\
             create database {OWNER} owner {OWNER}\n",
            passwords.admin, passwords.owner
        );
        self.single_user("postgres", &roles, None)?;
        let schema = format!("alter schema public owner to {OWNER}\n{}\n", verdict());
        self.single_user(OWNER, &schema, Some(VERDICT))
    }

    /// Makes an empty data folder that lets nobody in. The locale sorts by code point everywhere
    /// alike; where the system does not know it, `C` does, but takes only ASCII letters for letters.
    fn initdb(&self, durable: bool) -> Result<(), EmbeddedError> {
        let mut said = String::new();
        for locale in ["C.UTF-8", "C"] {
            let mut initdb = self.machine.command(&self.programs.initdb, Orphaned::IsKilled);
            initdb.arg("-D").arg(self.cluster).args(["-U", ADMIN, "--encoding=UTF8"]);
            initdb.args(["--locale-provider=libc", &format!("--locale={locale}")]);
            initdb.args(["--auth=reject", "--no-instructions"]);
            if !durable {
                initdb.arg("--no-sync");
            }
            let answer = initdb.output().map_err(EmbeddedError::program(&self.programs.initdb))?;
            self.record(&answer)?;
            if answer.status.success() {
                return Ok(());
            }
            said = telling_words(&answer.stderr);
            if !said.contains("invalid locale") {
                break;
            }
        }
        Err(self.failed(said))
    }

    fn write_pg_hba(&self) -> Result<(), EmbeddedError> {
        let path = self.cluster.join("pg_hba.conf");
        let write = || {
            // Into the file that is there: it has the right owner already.
            let mut file = fs::OpenOptions::new().write(true).truncate(true).open(&path)?;
            file.write_all(PG_HBA.as_bytes())?;
            file.sync_all()
        };
        write().map_err(EmbeddedError::io("d'écrire le fichier", &path))
    }

    /// Runs statements, one a line, without a server. PostgreSQL goes on after a failed statement
    /// here and still reports success, hence the sentence that the last one has to answer.
    fn single_user(&self, database: &str, statements: &str, expected: Option<&str>) -> Result<(), EmbeddedError> {
        let fail = || EmbeddedError::program(&self.programs.postgres);
        let mut single = self.machine.command(&self.programs.postgres, Orphaned::IsKilled);
        single.arg("--single").arg("-D").arg(self.cluster);
        // A failed statement must not put its password into the log.
        single.args(["-c", "log_min_error_statement=panic", database]);
        single.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = single.spawn().map_err(fail())?;
        if let Some(mut stdin) = child.stdin.take() {
            // If it ended already, its own words say why.
            let _ = stdin.write_all(statements.as_bytes());
        }
        let answer = child.wait_with_output().map_err(fail())?;
        self.record(&answer)?;
        let answered = expected
            .is_none_or(|expected| String::from_utf8_lossy(&answer.stdout).contains(&format!("\"{expected}\"")));
        if answer.status.success() && answered { Ok(()) } else { Err(self.failed(telling_words(&answer.stderr))) }
    }

    fn record(&self, answer: &Output) -> Result<(), EmbeddedError> {
        let mut log = self.folder.open_log()?;
        log.write_all(&answer.stdout)
            .and_then(|()| log.write_all(&answer.stderr))
            .map_err(EmbeddedError::io("d'écrire le fichier", &self.folder.log()))
    }

    fn failed(&self, said: String) -> EmbeddedError {
        EmbeddedError::Initialisation { said, log: self.folder.log() }
    }
}

/// A query that answers [`VERDICT`] if both roles can log in, the owner has the rights that it
/// should have and no more, and the schema is its own.
fn verdict() -> String {
    format!(
        "select case when \
         (select count(*) = 2 from pg_authid where rolname in ('{ADMIN}', '{OWNER}') and rolcanlogin \
         and rolpassword like 'SCRAM-SHA-256$%') \
         and exists (select from pg_roles where rolname = '{OWNER}' and rolcreaterole \
         and not (rolsuper or rolcreatedb or rolbypassrls or rolreplication)) \
         and exists (select from pg_namespace where nspname = 'public' \
         and pg_get_userbyid(nspowner) = '{OWNER}') \
         then '{VERDICT}' end"
    )
}

/// The first error in a program's messages, which is mostly the cause of the others, without the
/// words that announce it; else the last line.
pub(super) fn telling_words(messages: &[u8]) -> String {
    let messages = String::from_utf8_lossy(messages);
    let after = |line: &str| {
        let announced = ["FATAL:", "PANIC:", "ERROR:", "error:"].iter();
        announced.filter_map(|word| Some(line.find(word)? + word.len())).min()
    };
    let error = messages.lines().find_map(|line| Some(&line[after(line)?..]));
    let last = messages.lines().rev().find(|line| !line.trim().is_empty());
    error.or(last).unwrap_or("sans explication").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_error_is_what_is_passed_on() {
        let log = b"2026-01-01 LOG:  starting\n2026-01-01 FATAL:  no space left\n\
                    2026-01-01 PANIC:  and so on\n2026-01-01 LOG:  database system is shut down\n";
        assert_eq!(telling_words(log), "no space left");
        assert_eq!(
            telling_words(b"initdb: error: invalid locale name \"C.UTF-8\"\n"),
            "invalid locale name \"C.UTF-8\""
        );
        assert_eq!(telling_words(b"Killed\n\n"), "Killed");
        assert_eq!(telling_words(b""), "sans explication");
    }
}
