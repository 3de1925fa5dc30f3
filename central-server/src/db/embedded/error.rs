//! What can go wrong with the private database, each as a sentence for the person who must act.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::machine::OLDEST_MAJOR;

/// Why the embedded database could not be started, reached or stopped.
///
/// `Display` is a French sentence: what happened and what to do. The technical cause, where there
/// is one, is behind [`Error::source`].
#[derive(Debug)]
#[non_exhaustive]
pub enum EmbeddedError {
    /// Another server holds the data folder.
    Locked {
        /// The data folder.
        folder: PathBuf,
        /// The process that wrote its number into the lock file.
        holder: Option<u32>,
    },
    /// The machine has no PostgreSQL server programs.
    NotInstalled,
    /// The newest PostgreSQL found is below the oldest version that we support.
    TooOld {
        /// The program that was asked.
        program: PathBuf,
        /// Its major version.
        major: u32,
    },
    /// The data were made by a major version that is not installed.
    OtherMajor {
        /// The folder with the data.
        folder: PathBuf,
        /// The major version that made them.
        made_by: u32,
        /// The major versions that are installed.
        installed: Vec<u32>,
    },
    /// We run as root and there is no user for PostgreSQL to run as.
    NoAccount,
    /// The database user may not enter a folder above the data.
    Closed {
        /// The folder that stays closed.
        folder: PathBuf,
        /// The name of the database user.
        account: String,
    },
    /// The data belong to somebody other than the user who would run PostgreSQL.
    OtherOwner {
        /// The folder with the data.
        folder: PathBuf,
        /// The user id that owns it.
        owner: u32,
        /// The user id that PostgreSQL would run as.
        expected: u32,
    },
    /// The place of the data holds something that is not a PostgreSQL data folder.
    NotACluster {
        /// The folder in question.
        folder: PathBuf,
    },
    /// The folder for the socket exists, but is not a private folder of the database user.
    SocketFolder {
        /// The folder in question.
        folder: PathBuf,
    },
    /// No place for the socket was found whose path is short enough.
    NoSocketFolder,
    /// A file or folder could not be read or written.
    Io {
        /// What was tried: an infinitive, followed by the path in the sentence.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A program that we need could not be run.
    Program {
        /// The program.
        program: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The first initialisation of the data failed; nothing of it was kept.
    Initialisation {
        /// The last thing that PostgreSQL said.
        said: String,
        /// Where the rest of it stands.
        log: PathBuf,
    },
    /// PostgreSQL ended before it answered.
    Died {
        /// The last thing that PostgreSQL said.
        said: String,
        /// Where the rest of it stands.
        log: PathBuf,
    },
    /// PostgreSQL runs, but refuses our connection.
    Refused {
        /// Where PostgreSQL writes its log.
        log: PathBuf,
        /// What the driver said.
        source: tokio_postgres::Error,
    },
    /// The server that holds the data folder has no database that answers.
    Silent {
        /// The data folder.
        folder: PathBuf,
        /// The process that holds it.
        holder: Option<u32>,
    },
    /// Processes of an earlier run do not end, or ours does not.
    Stuck {
        /// The folder that they work in.
        folder: PathBuf,
        /// Their numbers.
        processes: Vec<u32>,
    },
}

impl EmbeddedError {
    /// For `map_err`: names what was tried on which path.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    /// For `map_err`: names the program that could not be run.
    pub(super) fn program(program: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        let program = program.as_ref().to_owned();
        move |source| Self::Program { program, source }
    }
}

impl fmt::Display for EmbeddedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentence = self.about_the_machine().or_else(|| self.about_folders()).or_else(|| self.about_the_database());
        f.write_str(&sentence.unwrap_or_default())
    }
}

impl EmbeddedError {
    /// What the machine lacks.
    fn about_the_machine(&self) -> Option<String> {
        Some(match self {
            Self::NotInstalled => format!(
                "PostgreSQL n'est pas installé sur cette machine : installez le paquet « postgresql » (Debian, \
                 Ubuntu), « postgresql-server » (Fedora, RHEL) ou « postgresql@17 » (Homebrew), en version \
                 {OLDEST_MAJOR} au moins, ou donnez l'adresse d'une base de données par DATABASE_URL."
            ),
            Self::TooOld { program, major } => format!(
                "{} est PostgreSQL {major}, mais il faut la version {OLDEST_MAJOR} au moins : installez le paquet \
                 « postgresql-{OLDEST_MAJOR} » ou un plus récent, ou donnez l'adresse d'une base de données par \
                 DATABASE_URL.",
                program.display()
            ),
            Self::OtherMajor { folder, made_by, installed } => {
                let installed: Vec<String> = installed.iter().map(u32::to_string).collect();
                format!(
                    "Les données de {} ont été créées par PostgreSQL {made_by}, qui n'est plus sur cette machine \
                     (présent : {}) : réinstallez le paquet « postgresql-{made_by} », au moins le temps de faire une \
                     sauvegarde et de la restaurer dans un dossier neuf.",
                    folder.display(),
                    installed.join(", ")
                )
            }
            Self::NoAccount => String::from(
                "PostgreSQL refuse de tourner sous root et il n'y a pas d'utilisateur « postgres » sur cette machine \
                 : créez-le avec « useradd --system --no-create-home --shell /usr/sbin/nologin postgres », ou lancez \
                 le serveur sous un autre utilisateur que root.",
            ),
            Self::Program { program, .. } => {
                format!("Impossible de lancer le programme {} : vérifiez qu'il est installé.", program.display())
            }
            _ => return None,
        })
    }

    /// What is in the way in the file system.
    fn about_folders(&self) -> Option<String> {
        Some(match self {
            Self::Locked { folder, holder } => format!(
                "Un autre serveur NeoPro{} utilise déjà le dossier {} : arrêtez-le, ou donnez un autre dossier par \
                 NEOPRO_DATA_DIR.",
                process(*holder),
                folder.display()
            ),
            Self::Closed { folder, account } => format!(
                "L'utilisateur « {account} », sous lequel tourne PostgreSQL, ne peut pas entrer dans le dossier {0} : \
                 ouvrez-lui le passage avec « chmod o+x {0} », ou placez les données ailleurs par NEOPRO_DATA_DIR, \
                 par exemple dans /var/lib/neopro.",
                folder.display()
            ),
            Self::OtherOwner { folder, owner, expected } => format!(
                "Le dossier {0} appartient à l'utilisateur n° {owner}, mais PostgreSQL tournerait sous l'utilisateur \
                 n° {expected} : lancez le serveur comme la première fois, ou donnez-lui le dossier avec \
                 « chown -R {expected} {0} ».",
                folder.display()
            ),
            Self::NotACluster { folder } => format!(
                "Le dossier {} n'est pas vide et n'est pas un dossier de données de PostgreSQL : déplacez son \
                 contenu, ou donnez un autre dossier par NEOPRO_DATA_DIR.",
                folder.display()
            ),
            Self::SocketFolder { folder } => format!(
                "Le dossier {}, prévu pour la connexion à PostgreSQL, existe déjà et n'est pas un dossier privé de \
                 l'utilisateur de la base de données : vérifiez qui l'a créé et supprimez-le.",
                folder.display()
            ),
            Self::NoSocketFolder => String::from(
                "Aucun dossier ne convient à la connexion avec PostgreSQL : il faut que /run, XDG_RUNTIME_DIR ou \
                 /tmp existe et que son chemin soit court.",
            ),
            Self::Io { action, path, .. } => format!("Impossible {action} {}.", path.display()),
            _ => return None,
        })
    }

    /// What PostgreSQL itself complained about.
    fn about_the_database(&self) -> Option<String> {
        Some(match self {
            Self::Initialisation { said, log } => format!(
                "PostgreSQL n'a pas pu créer la base de données ({said}) : corrigez la cause et relancez le serveur, \
                 rien n'est resté de cet essai ; le détail est dans {}.",
                log.display()
            ),
            Self::Died { said, log } => format!(
                "PostgreSQL s'est arrêté avant d'avoir démarré ({said}) : corrigez la cause et relancez le serveur ; \
                 le détail est dans {}.",
                log.display()
            ),
            Self::Refused { log, .. } => format!(
                "PostgreSQL a démarré, mais refuse la connexion du serveur NeoPro : la raison est dans {}.",
                log.display()
            ),
            Self::Silent { folder, holder } => format!(
                "Le serveur NeoPro{} qui utilise le dossier {} n'a pas de base de données qui réponde : attendez qu'il \
                 ait démarré, ou arrêtez-le et recommencez.",
                process(*holder),
                folder.display()
            ),
            Self::Stuck { folder, processes } => {
                let processes: Vec<String> = processes.iter().map(u32::to_string).collect();
                format!(
                    "PostgreSQL ne s'arrête pas dans le dossier {} : terminez les processus {} et recommencez.",
                    folder.display(),
                    processes.join(", ")
                )
            }
            _ => return None,
        })
    }
}

impl Error for EmbeddedError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io { source, .. } | Self::Program { source, .. } => Some(source),
            Self::Refused { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// ` (processus 4711)`, or nothing when it is not known.
fn process(number: Option<u32>) -> String {
    number.map(|number| format!(" (processus {number})")).unwrap_or_default()
}
