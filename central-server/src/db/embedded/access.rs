//! The way into a running database: its socket and the passwords of its roles.

use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::error::SqlState;
use tokio_postgres::{Config, NoTls};

use super::cluster::Passwords;
use super::error::EmbeddedError;
use super::folders::DataFolder;
use super::remains::PidFile;
use super::{ADMIN, OWNER};

/// How long a single attempt to log in may take.
const LOGIN_LIMIT: Duration = Duration::from_secs(10);

/// How to get into the database of one data folder.
pub(super) struct Access {
    pub(super) socket_folder: PathBuf,
    pub(super) passwords: Passwords,
}

impl Access {
    /// The way into the database that another process runs in the folder; `None` while it does not
    /// take connections.
    pub(super) fn of_running(folder: &DataFolder) -> Result<Option<Self>, EmbeddedError> {
        let Some(file) = PidFile::read(&folder.cluster()).filter(|file| file.is_ready) else {
            return Ok(None);
        };
        let passwords = Passwords::read(folder)?;
        Ok(file.socket_folder.zip(passwords).map(|(socket_folder, passwords)| Self { socket_folder, passwords }))
    }

    pub(super) fn owner(&self) -> Config {
        self.config(OWNER, OWNER, &self.passwords.owner)
    }

    pub(super) fn admin(&self) -> Config {
        self.config(ADMIN, "postgres", &self.passwords.admin)
    }

    fn config(&self, role: &str, database: &str, password: &str) -> Config {
        let mut config = Config::new();
        config.host_path(&self.socket_folder).port(5432);
        config.user(role).dbname(database).password(password);
        config
    }

    /// Logs in as the owner, which proves the socket, the role, its password and the database.
    /// False while PostgreSQL is still starting or just ending.
    pub(super) async fn works(&self, folder: &DataFolder) -> Result<bool, EmbeddedError> {
        let config = self.owner();
        let login = async {
            let (client, connection) = config.connect(NoTls).await?;
            // Without a client the connection says goodbye and ends.
            drop(client);
            connection.await
        };
        match tokio::time::timeout(LOGIN_LIMIT, login).await {
            Ok(Ok(())) => Ok(true),
            Ok(Err(error)) if is_final(&error) => Err(EmbeddedError::Refused { log: folder.log(), source: error }),
            Ok(Err(_)) | Err(_) => Ok(false),
        }
    }
}

/// Whether trying again is of no use: PostgreSQL itself has said no, and not only "not now".
fn is_final(error: &tokio_postgres::Error) -> bool {
    let not_now = [
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::TOO_MANY_CONNECTIONS,
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
    ];
    error.code().is_some_and(|code| !not_now.contains(code))
}
