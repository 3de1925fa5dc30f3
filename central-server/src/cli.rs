//! The program's commands.

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use tokio::runtime::{Builder, Runtime};

use crate::app::App;
use crate::audit::seals::cli::{ErasePerson, VerifyAudit};
use crate::auth::second_factor::cli::ResetMfa;
use crate::backup::cli::{Backup, Here, Restore};
use crate::clock::Clock;
use crate::config::{Config, Database, DatabaseConfig, help};
use crate::db::embedded::{Embedded, Options};
use crate::db::{Target, connect_once, migrations};
use crate::doctor::cli::Diagnose;
use crate::notify::https;
use crate::sealing;
use crate::serve;
use crate::storage::copy::StorageCommand;
use crate::takeover::{self, Keys, Report, Wish};
use crate::users::cli::{CreateAdmin, GrantRole};

/// What `--version` says beside the version: whether this program also serves the dashboard.
const LONG_VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    "\ntableau de bord : ",
    env!("NEOPRO_DASHBOARD"),
    " dans ce programme (étape 7 du guide)"
);

/// Serveur central de NeoPro.
#[derive(Debug, Parser)]
#[command(name = "neopro-central", version, long_version = LONG_VERSION, about, after_long_help = help())]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Démarre le serveur ; met d'abord la base de données à jour.
    #[command(after_long_help = help())]
    Serve,
    /// Met la base de données à jour, ou écrit les scripts SQL de l'étape 8 du guide.
    Migrate {
        /// Écrit ce script au lieu de l'exécuter.
        #[arg(long, value_name = "SCRIPT", num_args = 0..=1, default_missing_value = "init-db")]
        print: Option<Script>,
        /// Fait tout, dit ce qui serait fait, puis annule : rien n'est modifié.
        #[arg(long, conflicts_with = "print")]
        dry_run: bool,
    },
    /// Crée un compte d'administration (étape 9 du guide).
    CreateAdmin(CreateAdmin),
    /// Donne un rôle à un compte existant.
    GrantRole(GrantRole),
    /// Retire la double authentification d'un compte qui a perdu téléphone et codes de secours.
    ResetMfa(ResetMfa),
    /// Vérifie la chaîne de sceaux du journal d'audit, sans rien modifier ; code 1 si elle est rompue.
    VerifyAudit(VerifyAudit),
    /// Efface une personne du journal d'audit ; la chaîne de sceaux reste vérifiable.
    ErasePerson(ErasePerson),
    /// Sauvegarde toute la base dans un fichier, ou vérifie une sauvegarde. Le serveur peut tourner.
    Backup(Backup),
    /// Restaure une sauvegarde, en une transaction : tout, ou rien.
    Restore(Restore),
    /// Vérifie toute l'installation et dit quoi corriger, à quelle étape du guide ; code 1 s'il y a une erreur.
    Doctor(Diagnose),
    /// Le stockage des vidéos.
    #[command(subcommand)]
    Storage(StorageCommand),
    /// Écrit la description OpenAPI de l'API.
    Openapi,
}

/// A script of step 8.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Script {
    /// Le schéma complet (8.2).
    InitDb,
    /// Les tables d'analyse (8.3).
    Analytics,
}

/// Runs the command line. The last words of a failure are a sentence that says what to do.
#[must_use]
pub fn run() -> ExitCode {
    match threads("requests").and_then(|threads| threads.block_on(command(Cli::parse().command))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => fail(&sentence),
    }
}

fn threads(name: &str) -> Result<Runtime, String> {
    let runtime = Builder::new_multi_thread().thread_name(name).enable_all().build();
    runtime.map_err(|error| format!("Le serveur ne peut pas démarrer ses fils d'exécution : {error}."))
}

async fn command(command: Command) -> Result<(), String> {
    match command {
        Command::Serve => {
            let loaded = Config::load().map_err(|problems| problems.to_string())?;
            let boxes = threads("boxes")?;
            let served = serve::serve(loaded, boxes.handle().clone()).await;
            // Nobody waits for connections that are still open.
            boxes.shutdown_background();
            served
        }
        Command::Migrate { print: Some(script), .. } => print(&match script {
            Script::InitDb => migrations::init_db_script(),
            Script::Analytics => migrations::analytics_script(),
        }),
        Command::Migrate { print: None, dry_run } => {
            let wish = if dry_run { Wish::Rehearse } else { Wish::Keep };
            let database = AtHand::opened(Schema::TakenOver(wish)).await?;
            print(&said_of_migration(&database, wish))?;
            database.close().await
        }
        Command::CreateAdmin(create) => {
            let database = AtHand::open().await?;
            let result = create.run(&database.db()?, &Clock::System).await;
            database.close().await.and(result)
        }
        Command::GrantRole(grant) => {
            let database = AtHand::open().await?;
            let result = grant.run(&database.db()?, &Clock::System).await;
            database.close().await.and(result)
        }
        Command::ResetMfa(reset) => {
            let database = AtHand::open().await?;
            let result = reset.run(&database.db()?, &Clock::System).await;
            database.close().await.and(result)
        }
        Command::VerifyAudit(verify) => {
            let database = AtHand::open_as_it_is().await?;
            let result = verify.run(&database.db()?).await;
            database.close().await?;
            let (told, verdict) = match result {
                Ok(told) => (told, Ok(())),
                Err((told, sentence)) => (told, Err(sentence)),
            };
            print(&told).and(verdict)
        }
        Command::ErasePerson(erase) => {
            let database = AtHand::open().await?;
            let owner = connect_once(&database.target).await.map_err(|error| error.to_string())?;
            let result = erase.run(&database.db()?, &owner, &Clock::System).await;
            database.close().await?;
            print(&result?)
        }
        Command::Backup(backup) if backup.only_verifies() => print(&backup.verify()?),
        Command::Backup(backup) => back_up(backup).await,
        Command::Restore(restore) => bring_back(restore).await,
        Command::Storage(command) => of_storage(command).await,
        Command::Doctor(diagnose) => {
            let (told, verdict) = diagnose.run().await?;
            print(&told).and(verdict)
        }
        Command::Openapi => {
            let json = App::openapi().to_pretty_json().map_err(|error| error.to_string())?;
            print(&format!("{json}\n"))
        }
    }
}

async fn back_up(backup: Backup) -> Result<(), String> {
    let database = AtHand::open_as_it_is().await?;
    let done = async { backup.run(&database.owner().await?, &database.here()?).await }.await;
    database.close().await?;
    // Standard output may be the backup itself.
    done.map(|told| note(told.trim_end()))
}

async fn bring_back(restore: Restore) -> Result<(), String> {
    let ready = restore.open()?;
    let database = AtHand::open_as_it_is().await?;
    let done = async { ready.run(&database.owner().await?, &database.here()?).await }.await;
    database.close().await?;
    print(&done?)
}

async fn of_storage(command: StorageCommand) -> Result<(), String> {
    let loaded = Config::load().map_err(|problems| problems.to_string())?;
    https::believe(loaded.config.authorities.as_deref());
    match command {
        StorageCommand::Copy(copy) => copy.run(&loaded.config).await,
        StorageCommand::Inventory(inventory) => {
            let database = AtHand::open_as_it_is().await?;
            let done = async { inventory.run(&loaded.config, &database.owner().await?).await }.await;
            database.close().await.and(done)
        }
    }
}

/// The database of the commands, migrated: the configured one, or the embedded one of the data folder, started
/// for the length of the command unless a server runs it already.
struct AtHand {
    config: DatabaseConfig,
    target: Target,
    embedded: Option<Embedded>,
    /// Of the schema; 0 if it was not looked at.
    version: i32,
    /// What was taken over from NeoPro 1.
    report: Option<Report>,
}

/// What is to become of the schema before a command begins.
#[derive(Debug, Clone, Copy)]
enum Schema {
    /// It stays what it is.
    AsItIs,
    /// It is brought up to date.
    Migrated,
    /// The same, also where NeoPro 1 has left it.
    TakenOver(Wish),
}

/// The file with the key of secrets, where the environment has none.
const KEPT_KEY: &str = "mfa-encryption-key";

/// What `migrate` says when it has succeeded.
fn said_of_migration(database: &AtHand, wish: Wish) -> String {
    let version = database.version;
    match (&database.report, wish) {
        (None, Wish::Keep) => format!("La base de données est à jour (version {version} du schéma).\n"),
        (None, Wish::Rehearse) => {
            format!(
                "Essai : la base de données serait mise à jour (version {version} du schéma). Rien n'a été modifié.\n"
            )
        }
        (Some(report), Wish::Keep) => format!(
            "La base de NeoPro 1 a été reprise.\n{report}\nLa base de données est à jour (version {version} du schéma).\n"
        ),
        (Some(report), Wish::Rehearse) => {
            format!("Essai : voici ce que la reprise de la base de NeoPro 1 ferait.\n{report}\nRien n'a été modifié.\n")
        }
    }
}

/// What secrets of NeoPro 1 are sealed with: the key that the server will open them with.
fn keys(config: &DatabaseConfig) -> Result<Keys, String> {
    let key = DatabaseConfig::load_sealing_key().map_err(|problems| problems.to_string())?;
    match (key, &config.database) {
        (Some(key), _) => Ok(Keys::new(key.expose())),
        (None, Database::Embedded) => Ok(Keys::new(&serve::kept_secret(&config.data_dir, KEPT_KEY)?)),
        (None, Database::Url(_)) => {
            Err("Cette base de NeoPro 1 contient des secrets en clair, qu'il faut chiffrer : donnez à cette commande \
             MFA_ENCRYPTION_KEY, avec la valeur même que le serveur aura (étape 6.4 du guide). Rien n'a été modifié."
                .into())
        }
    }
}

impl AtHand {
    async fn open() -> Result<Self, String> {
        Self::opened(Schema::Migrated).await
    }

    /// The same, and its schema stays what it is: for what must change nothing, such as a look at a restored backup.
    async fn open_as_it_is() -> Result<Self, String> {
        Self::opened(Schema::AsItIs).await
    }

    async fn opened(schema: Schema) -> Result<Self, String> {
        let loaded = DatabaseConfig::load().map_err(|problems| problems.to_string())?;
        for warning in &loaded.warnings {
            note(warning);
        }
        let config = loaded.config;
        let (target, embedded) = match &config.database {
            Database::Url(url) => (Target::from_url(url).map_err(|said| said.french())?, None),
            Database::Embedded => {
                let options =
                    Options { data_dir: &config.data_dir, runtime_dir: config.runtime_dir.as_deref(), settings: &[] };
                let embedded = Embedded::start_or_attach(options).await.map_err(|error| error.to_string())?;
                (Target::plain(embedded.config()), Some(embedded))
            }
        };
        let done = async {
            let client = connect_once(&target).await.map_err(|error| serve::unreachable(&target, &error))?;
            let done = match schema {
                Schema::AsItIs => return Ok((0, None)),
                Schema::Migrated => migrations::migrate(&client).await.map(|version| (version, None)),
                Schema::TakenOver(wish) => takeover::bring_up_to_date(&client, wish, &|| keys(&config))
                    .await
                    .map(|done| (done.version, done.report)),
            };
            done.map_err(|error| error.to_string())
        }
        .await;
        match done {
            Ok((version, report)) => Ok(Self { config, target, embedded, version, report }),
            Err(sentence) => {
                if let Some(embedded) = embedded {
                    embedded.stop().await.map_err(|error| error.to_string())?;
                }
                Err(sentence)
            }
        }
    }

    fn db(&self) -> Result<crate::db::Db, String> {
        self.target.pool(1).map_err(|error| error.to_string())
    }

    /// A connection of the role that owns the tables.
    async fn owner(&self) -> Result<tokio_postgres::Client, String> {
        connect_once(&self.target).await.map_err(|error| serve::unreachable(&self.target, &error))
    }

    /// Which key secrets are sealed with here, where that can be known without making one.
    fn here(&self) -> Result<Here, String> {
        let config = &self.config;
        let given = DatabaseConfig::load_sealing_key().map_err(|problems| problems.to_string())?;
        let secret = match given {
            Some(key) => Some(key.expose().to_owned()),
            None if config.data_dir.join(KEPT_KEY).exists() => Some(serve::kept_secret(&config.data_dir, KEPT_KEY)?),
            None => None,
        };
        let key = secret.and_then(|secret| sealing::name_of(&secret));
        Ok(Here { key, data_dir: config.data_dir.clone() })
    }

    async fn close(self) -> Result<(), String> {
        match self.embedded {
            Some(embedded) => embedded.stop().await.map_err(|error| error.to_string()),
            None => Ok(()),
        }
    }
}

fn print(text: &str) -> Result<(), String> {
    use std::io::Write as _;
    std::io::stdout().write_all(text.as_bytes()).map_err(|error| error.to_string())
}

#[expect(clippy::print_stderr, reason = "what a command says beside its answer")]
fn note(sentence: &str) {
    eprintln!("{sentence}");
}

#[expect(clippy::print_stderr, reason = "the last words of a failed command")]
fn fail(sentence: &str) -> ExitCode {
    eprintln!("{sentence}");
    ExitCode::FAILURE
}
