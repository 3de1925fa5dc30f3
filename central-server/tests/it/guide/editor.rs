//! The provider's SQL editor, and a way to look behind it.

use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_postgres::config::Host;
use tokio_postgres::{AsyncMessage, Client, NoTls, SimpleQueryMessage, SimpleQueryRow};

use crate::support::{Cluster, TestDb};

/// What is pasted goes out as one simple query of the database's owner; rows and notices are shown.
pub struct Editor {
    client: Client,
    notices: Arc<Mutex<Vec<String>>>,
}

impl Editor {
    /// Opens the editor on a database.
    pub async fn open(db: &TestDb) -> Self {
        let (client, mut connection) = db.config.connect(NoTls).await.expect("a connection of the owner");
        let notices = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&notices);
        tokio::spawn(async move {
            while let Some(message) = std::future::poll_fn(|context| connection.poll_message(context)).await {
                match message {
                    Ok(AsyncMessage::Notice(notice)) => {
                        noted.lock().unwrap_or_else(PoisonError::into_inner).push(notice.to_string());
                    }
                    Ok(_) => {}
                    Err(_) => return,
                }
            }
        });
        Self { client, notices }
    }

    /// Pastes and runs a text: the rows that it shows at the end, or the error's sentence.
    pub async fn run(&self, text: &str) -> Result<Vec<SimpleQueryRow>, String> {
        let answer = self.client.simple_query(text).await;
        let messages = answer.map_err(|error| match error.as_db_error() {
            Some(error) => error.message().to_owned(),
            None => panic!("the connection is lost: {error}"),
        })?;
        Ok(messages
            .into_iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => Some(row),
                _ => None,
            })
            .collect())
    }

    /// The first column of what a text shows.
    pub async fn column(&self, text: &str) -> Vec<String> {
        let rows = self.run(text).await.unwrap_or_else(|error| panic!("{error}: {text}"));
        rows.iter().map(|row| row.get(0).unwrap_or_default().to_owned()).collect()
    }

    /// The notices since the last time.
    pub fn notices(&self) -> Vec<String> {
        std::mem::take(&mut *self.notices.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Everything in a database as `pg_dump` writes it.
pub fn dump(db: &TestDb) -> String {
    // Each start of a server without an account prints a link for the first one, and remembers it.
    pg_dump(db, &["--exclude-table-data=setup_links"])
}

/// A database's schema as `pg_dump` writes it.
pub fn dump_schema(db: &TestDb) -> String {
    pg_dump(db, &["--schema-only"])
}

fn pg_dump(db: &TestDb, arguments: &[&str]) -> String {
    // As the superuser: the owner would not see what row-level security hides from him.
    let admin = Cluster::get().admin_config();
    let [Host::Unix(folder)] = admin.get_hosts() else { panic!("a socket") };
    let password = String::from_utf8(admin.get_password().expect("a password").to_vec()).expect("ASCII");
    let output = Command::new("pg_dump")
        .args(arguments)
        .args(["--no-password", "--username", admin.get_user().expect("a name"), "--dbname", &db.name, "--host"])
        .arg(folder)
        .env("PGPASSWORD", password)
        .output()
        .expect("the program `pg_dump` (package postgresql-client)");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    // Newer versions put a random word into two lines of every dump.
    let lines = text.lines().filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"));
    lines.map(|line| format!("{line}\n")).collect()
}
