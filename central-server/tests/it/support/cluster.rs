//! One PostgreSQL for the whole run, the product's own embedded one, and a database for each test.
//!
//! The databases belong to `neopro`, which may create roles but neither is a superuser nor bypasses row-level
//! security: a mistake in the policies shows.

use std::hash::{Hash as _, Hasher as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use neopro_central::db::embedded::{Embedded, Options};
use neopro_central::db::{Db, Target, migrations};
use tokio_postgres::{Client, Config, NoTls};

/// The running server.
pub struct Cluster {
    admin: Config,
    owner: Config,
}

static NEXT: AtomicU32 = AtomicU32::new(0);

impl Cluster {
    /// The server of this run, started at the first call and stopped with the process.
    pub fn get() -> &'static Self {
        static CLUSTER: OnceLock<Cluster> = OnceLock::new();
        CLUSTER.get_or_init(|| {
            let (send, receive) = std::sync::mpsc::channel();
            // A thread of its own that never ends: it keeps the server for the rest of the process.
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Runtime::new().expect("a runtime");
                runtime.block_on(async {
                    let embedded = start().await;
                    send.send(Self { admin: embedded.admin_config(), owner: embedded.config() }).expect("a waiter");
                    std::future::pending::<()>().await;
                });
            });
            receive.recv().expect("the test cluster starts")
        })
    }

    /// A connection of the superuser, for what no part of the product may do.
    pub async fn admin(&self, database: &str) -> Client {
        connect(self.admin.clone().dbname(database)).await
    }

    /// The superuser's own settings, for programs that set up a server of their own.
    pub fn admin_config(&self) -> Config {
        self.admin.clone()
    }

    /// A new, empty database.
    pub async fn empty(&self) -> TestDb {
        self.create("template0").await
    }

    /// A new, migrated database.
    pub async fn migrated(&self) -> TestDb {
        self.create(template(self).await).await
    }

    async fn create(&self, template: &str) -> TestDb {
        let name = format!("test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
        self.admin("postgres")
            .await
            .batch_execute(&format!("create database {name} owner neopro template {template}"))
            .await
            .expect("a database for the test");
        TestDb { config: self.owner.clone().dbname(&name).clone(), name }
    }
}

async fn start() -> Embedded {
    // Two runs at once get a folder each; a later run finds the folder of an earlier one ready.
    for number in 0..8 {
        let data_dir = scratch(&format!("cluster-{number}"));
        let settings =
            [("fsync", "off"), ("synchronous_commit", "off"), ("full_page_writes", "off"), ("max_connections", "200")];
        match Embedded::start(Options { data_dir: &data_dir, runtime_dir: None, settings: &settings }).await {
            Ok(embedded) => {
                forget_old_databases(&connect(&embedded.admin_config()).await).await;
                return embedded;
            }
            Err(error) if number < 7 => eprintln!("{error}"),
            Err(error) => panic!("{error}"),
        }
    }
    unreachable!("the loop returns or panics")
}

async fn forget_old_databases(admin: &Client) {
    let old = admin
        .query(
            "select datname::text from pg_database where datname like 'test\\_%' or datname = 'neopro_template'",
            &[],
        )
        .await
        .expect("the list of databases");
    for row in old {
        let name: String = row.get(0);
        admin.batch_execute(&format!("drop database {name} with (force)")).await.expect("an old database goes");
    }
}

/// A migrated database that the others are cloned from.
async fn template(cluster: &Cluster) -> &'static str {
    static READY: tokio::sync::OnceCell<()> = tokio::sync::OnceCell::const_new();
    READY
        .get_or_init(async || {
            let admin = cluster.admin("postgres").await;
            admin
                .batch_execute("create database neopro_template owner neopro template template0")
                .await
                .expect("a template");
            let owner = connect(cluster.owner.clone().dbname("neopro_template")).await;
            migrations::migrate(&owner).await.expect("the template is migrated");
        })
        .await;
    "neopro_template"
}

/// A folder for tests to write in: within the build's, unless we are root. PostgreSQL runs as another user then,
/// who may not be able to enter the folders above ours.
pub fn scratch(name: &str) -> PathBuf {
    let build = Path::new(env!("CARGO_TARGET_TMPDIR"));
    if std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0) {
        let mut hasher = std::hash::DefaultHasher::new();
        build.hash(&mut hasher);
        let folder = PathBuf::from(format!("/var/tmp/neopro-tests-{:016x}", hasher.finish()));
        std::fs::DirBuilder::new().recursive(true).mode(0o711).create(&folder).expect("a folder for tests");
        return folder.join(name);
    }
    build.join(name)
}

/// Connects without TLS.
pub async fn connect(config: &Config) -> Client {
    let (client, connection) = config.connect(NoTls).await.expect("a connection to the test database");
    tokio::spawn(async move {
        let _ = connection.await;
    });
    client
}

/// A database of one test.
#[derive(Clone)]
pub struct TestDb {
    pub config: Config,
    pub name: String,
}

impl TestDb {
    /// A connection of the owner, as the guide's SQL editor has it.
    pub async fn owner(&self) -> Client {
        connect(&self.config).await
    }

    /// A connection of the superuser.
    pub async fn admin(&self) -> Client {
        Cluster::get().admin(&self.name).await
    }

    /// A pool as the server has it.
    pub fn pool(&self, size: usize) -> Db {
        Target::plain(self.config.clone()).pool(size).expect("a pool")
    }

    /// The `DATABASE_URL` of this database.
    pub fn url(&self) -> String {
        let tokio_postgres::config::Host::Unix(folder) = &self.config.get_hosts()[0] else { panic!("a socket") };
        let password = String::from_utf8(self.config.get_password().expect("a password").to_vec()).expect("ASCII");
        format!("postgresql://neopro:{password}@/{}?host={}", self.name, folder.display())
    }
}
