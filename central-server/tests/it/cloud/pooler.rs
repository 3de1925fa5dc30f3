//! PgBouncer as the transaction pooler of step 2.2: it knows one user, named after the project, and speaks TLS both ways.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Child;

use super::authority::{Authority, Certificate};
use super::postgres::{PASSWORD, Postgres};
use super::{PROJECT, database, give_to_database, listening, program};

/// The pooler. Killed when it is dropped.
pub struct Pooler {
    program: Option<Child>,
    settings: PathBuf,
    log: PathBuf,
    port: u16,
}

impl Pooler {
    /// Starts it in front of a PostgreSQL. With a certificate clients have to encrypt, and the way to PostgreSQL is verified;
    /// without, clients speak plain text and PostgreSQL has to have TLS all the same.
    pub async fn start(folder: &Path, _to: &Postgres, tls: Option<(&Certificate, &Authority)>, port: u16) -> Self {
        let folder = folder.join(format!("pooler-{port}"));
        fs::create_dir_all(&folder).expect("a folder");
        give_to_database(&folder);
        let (users, log) = (folder.join("users"), folder.join("log"));
        fs::write(&users, format!("\"postgres.{PROJECT}\" \"{PASSWORD}\"\n")).expect("its users");
        let mut lines = format!(
            "[databases]\npostgres = host={} port=5432 dbname=postgres user=postgres password='{PASSWORD}'\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = scram-sha-256\nauth_file = {}\npool_mode = transaction\ndefault_pool_size = 15\n\
             max_client_conn = 200\nserver_reset_query_always = 0\nserver_login_retry = 1\nlogfile = {}\n\
             ignore_startup_parameters = extra_float_digits, options, search_path, statement_timeout\n",
            database(),
            users.display(),
            log.display(),
        );
        match tls {
            Some((certificate, authority)) => lines.push_str(&format!(
                "client_tls_sslmode = require\nclient_tls_cert_file = {}\nclient_tls_key_file = {}\n\
                 server_tls_sslmode = verify-full\nserver_tls_ca_file = {}\n",
                certificate.chain.display(),
                certificate.key_of_database.display(),
                authority.root.display(),
            )),
            None => lines.push_str("server_tls_sslmode = prefer\n"),
        }
        let settings = folder.join("pgbouncer.ini");
        fs::write(&settings, lines).expect("its settings");
        let mut pooler = Self { program: None, settings, log, port };
        pooler.up().await;
        pooler
    }

    /// Starts it again.
    pub async fn up(&mut self) {
        let said = File::create(self.settings.with_extension("said")).expect("a file");
        let started = program("pgbouncer", true)
            .arg("--quiet")
            .arg(&self.settings)
            .stdout(said.try_clone().expect("the file"))
            .stderr(said)
            .spawn();
        self.program = Some(started.expect("setpriv and pgbouncer are installed"));
        listening("pgbouncer", self.port, &self.log).await;
    }

    /// Kills it; all connections are cut.
    pub fn down(&mut self) {
        if let Some(mut program) = self.program.take() {
            let _ = program.kill();
            let _ = program.wait();
        }
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        self.down();
    }
}
