//! PostgreSQL as a project of Supabase has it: TLS with a certificate of a private authority, and the role `postgres`, which
//! makes roles and passes row-level security but is no superuser.

use std::fs;
use std::path::{Path, PathBuf};

use neopro_central::db::embedded::{Embedded, Options};
use tokio_postgres::{Client, Config};

use super::authority::Certificate;
use super::give_to_database;
use crate::support::cluster::connect;

/// A password such as a generator makes them: every character that a URL reads otherwise is in it.
pub const PASSWORD: &str = "Xy7@p:1/q?2#r%3z";
/// The same, as it stands in a URL.
pub const ENCODED_PASSWORD: &str = "Xy7%40p%3A1%2Fq%3F2%23r%253z";

/// What the platform prepares in a database before anybody gets it.
const PREPARED: &str = "
alter role postgres rename to first_superuser;
create role postgres login createrole createdb bypassrls nosuperuser password '$PASSWORD';
alter database postgres owner to postgres;
create role anon nologin;
create role authenticated nologin;
create role service_role nologin bypassrls;
grant anon, authenticated, service_role to postgres;
grant usage on schema public to anon, authenticated, service_role;
grant all on schema public to postgres;
alter default privileges for role postgres in schema public grant all on tables to anon, authenticated, service_role;
alter default privileges for role postgres in schema public grant all on functions to anon, authenticated, service_role;
alter default privileges for role postgres in schema public grant all on sequences to anon, authenticated, service_role;
";

/// The server, on port 5432 of this network.
pub struct Postgres {
    running: Option<Embedded>,
    settings: Vec<(String, String)>,
    data_dir: PathBuf,
    admin: Config,
}

impl Postgres {
    /// Starts it; without a certificate it speaks plain text only.
    pub async fn start(folder: &Path, certificate: Option<&Certificate>) -> Self {
        let tls = certificate.is_some();
        let rules = folder.join("pg_hba.conf");
        let kind = if tls { "hostssl" } else { "host" };
        let lines = format!("local all all scram-sha-256\n{kind} all all 127.0.0.1/32 scram-sha-256\n");
        fs::write(&rules, lines).expect("rules");
        give_to_database(&rules);
        let mut settings = vec![
            ("listen_addresses".to_owned(), "127.0.0.1".to_owned()),
            ("hba_file".to_owned(), path(&rules)),
            ("fsync".to_owned(), "off".to_owned()),
            ("max_connections".to_owned(), "60".to_owned()),
            ("ssl".to_owned(), if tls { "on" } else { "off" }.to_owned()),
        ];
        if let Some(certificate) = certificate {
            settings.push(("ssl_cert_file".to_owned(), path(&certificate.chain)));
            settings.push(("ssl_key_file".to_owned(), path(&certificate.key_of_database)));
        }
        let mut postgres = Self { running: None, settings, data_dir: folder.join("postgres"), admin: Config::new() };
        postgres.up().await;
        postgres.prepare().await;
        postgres
    }

    /// Starts it again.
    pub async fn up(&mut self) {
        let settings: Vec<(&str, &str)> =
            self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let options = Options { data_dir: &self.data_dir, runtime_dir: None, settings: &settings };
        self.running = Some(Embedded::start(options).await.expect("PostgreSQL starts"));
    }

    /// Stops it; connections are cut.
    pub async fn down(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await.expect("PostgreSQL stops");
        }
    }

    async fn prepare(&mut self) {
        let first = self.running.as_ref().expect("a running server").admin_config();
        let client = connect(&first).await;
        client
            .batch_execute(&format!("create role supabase_admin superuser login password '{PASSWORD}'"))
            .await
            .expect("the platform's own role");
        drop(client);
        self.admin = first.clone().user("supabase_admin").password(PASSWORD).clone();
        self.admin().await.batch_execute(&PREPARED.replace("$PASSWORD", PASSWORD)).await.expect("a project");
    }

    /// A connection of the platform's superuser, which nobody of us has.
    pub async fn admin(&self) -> Client {
        connect(&self.admin).await
    }
}

fn path(path: &Path) -> String {
    path.to_str().expect("UTF-8").to_owned()
}
