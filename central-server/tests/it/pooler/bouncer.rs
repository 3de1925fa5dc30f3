//! A real PgBouncer in transaction mode in front of a test's database, what it says of itself, and what is
//! found on its server connections afterwards.

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, chown};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio_postgres::config::Host;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

use super::own_folder;
use crate::support::TestDb;
use crate::support::cluster::connect;
use crate::support::program::{free_port, text};

/// Connections to PostgreSQL that everybody shares.
pub const SERVERS: usize = 4;

/// A PgBouncer as a hosting platform runs it. Killed when it is dropped.
pub struct PgBouncer {
    program: Child,
    folder: PathBuf,
    db: TestDb,
    port: u16,
}

/// What the pooler counted while something ran.
#[derive(Debug)]
pub struct Figures {
    /// Clients that waited for a server connection at the same moment, at most.
    pub most_waiting: u64,
    /// Connections to PostgreSQL at the same moment, at most.
    pub most_servers: u64,
    /// How long clients waited for one, all together.
    pub waited: Duration,
    /// Transactions.
    pub transactions: u64,
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { most_waiting, most_servers, waited, transactions } = self;
        write!(
            f,
            "{transactions} transactions over {most_servers} connections, at most {most_waiting} clients waiting, \
             {waited:.1?} waited in all"
        )
    }
}

impl Figures {
    /// Four connections carried it all, and clients waited for them.
    pub fn prove_that_clients_waited(&self) {
        assert_eq!(self.most_servers, SERVERS as u64, "{self}");
        assert!(self.most_waiting > 0 && self.waited > Duration::ZERO, "nobody waited: {self}");
    }
}

impl PgBouncer {
    /// Starts one in front of a database. `name` tells it from those of other tests.
    pub async fn in_front_of(db: &TestDb, name: &str) -> Self {
        let Host::Unix(socket) = &db.config.get_hosts()[0] else { panic!("the test cluster has a socket") };
        let folder = own_folder(&format!("pgbouncer-{name}"));
        fs::DirBuilder::new().mode(0o700).create(&folder).expect("a folder for the pooler");
        let port = free_port();
        let path = folder.display();
        let password = password(db);
        let settings = format!(
            "[databases]\n{} = host={}\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = scram-sha-256\nauth_file = {path}/users\nadmin_users = console\n\
             pool_mode = transaction\ndefault_pool_size = {SERVERS}\nmax_db_connections = {SERVERS}\n\
             max_client_conn = 200\nserver_reset_query_always = 0\n\
             ignore_startup_parameters = extra_float_digits, options, search_path, statement_timeout\n",
            db.name,
            socket.display(),
        );
        fs::write(folder.join("pgbouncer.ini"), settings).expect("its settings");
        let users = format!("\"neopro\" \"{password}\"\n\"console\" \"{password}\"\n");
        fs::write(folder.join("users"), users).expect("its users");
        let log = fs::File::create(folder.join("log")).expect("its log");
        // Only the owner of the socket's folder gets to the socket, and PgBouncer refuses to run as root.
        let owner = fs::metadata(socket).expect("the socket's folder");
        chown(&folder, Some(owner.uid()), Some(owner.gid())).expect("a folder of the database's user");
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]);
        if fs::metadata("/proc/self").is_ok_and(|process| process.uid() != owner.uid()) {
            command.args([format!("--reuid={}", owner.uid()), format!("--regid={}", owner.gid())]);
            command.arg("--clear-groups");
        }
        let paths = std::env::var("PATH").unwrap_or_default();
        let program = command
            .args(["--", "pgbouncer"])
            .arg(folder.join("pgbouncer.ini"))
            .env("PATH", format!("{paths}:/usr/sbin:/usr/local/sbin"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("its log"))
            .stderr(log)
            .spawn()
            .expect("setpriv is installed");
        let mut pooler = Self { program, folder, db: db.clone(), port };
        pooler.wait_until_it_answers().await;
        pooler
    }

    async fn wait_until_it_answers(&mut self) {
        let until = Instant::now() + Duration::from_secs(20);
        while self.console_config().connect(NoTls).await.is_err() {
            let ended = self.program.try_wait().expect("a status");
            if ended.is_some() || Instant::now() > until {
                panic!("pgbouncer (is it installed?) does not answer: {}", text(&self.folder.join("log")));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The way to the database through the pooler.
    pub fn config(&self) -> Config {
        let mut config = Config::new();
        config.host("127.0.0.1").port(self.port).user("neopro").password(password(&self.db)).dbname(&self.db.name);
        config
    }

    /// The `DATABASE_URL` of it, as the guide writes one.
    pub fn url(&self) -> String {
        let (password, port, name) = (password(&self.db), self.port, &self.db.name);
        format!("postgresql://neopro:{password}@127.0.0.1:{port}/{name}?pgbouncer=true")
    }

    fn console_config(&self) -> Config {
        self.config().user("console").dbname("pgbouncer").clone()
    }

    /// Runs something and reads the pooler's own statistics meanwhile.
    pub async fn watch<T>(&self, work: impl Future<Output = T>) -> (T, Figures) {
        let console = connect(&self.console_config()).await;
        let before = self.totals(&console).await;
        let (done, mut ended) = tokio::sync::oneshot::channel();
        let work = async {
            let output = work.await;
            let _ = done.send(());
            output
        };
        let sampling = async {
            let (mut most_waiting, mut most_servers) = (0, 0);
            loop {
                let pool = self.row(&console, "show pools", &["cl_waiting", "sv_active", "sv_idle", "sv_used"]).await;
                most_waiting = most_waiting.max(pool[0]);
                most_servers = most_servers.max(pool[1..].iter().sum());
                if tokio::time::timeout(Duration::from_millis(20), &mut ended).await.is_ok() {
                    return (most_waiting, most_servers);
                }
            }
        };
        let (output, (most_waiting, most_servers)) = tokio::join!(work, sampling);
        let after = self.totals(&console).await;
        let waited = Duration::from_micros(after[0] - before[0]);
        (output, Figures { most_waiting, most_servers, waited, transactions: after[1] - before[1] })
    }

    async fn totals(&self, console: &Client) -> Vec<u64> {
        self.row(console, "show stats", &["total_wait_time", "total_xact_count"]).await
    }

    /// Columns of the row about our database; noughts before anybody has connected to it.
    async fn row(&self, console: &Client, question: &str, columns: &[&str]) -> Vec<u64> {
        // The console speaks the simple protocol only.
        let answers = console.simple_query(question).await.expect("the console answers");
        let ours = answers.iter().find_map(|answer| match answer {
            SimpleQueryMessage::Row(row) if row.get("database") == Some(self.db.name.as_str()) => Some(row),
            _ => None,
        });
        let number = |column: &&str| ours.map_or("0", |row| row.get(column).expect("a column")).parse();
        columns.iter().map(number).collect::<Result<_, _>>().expect("numbers")
    }

    /// What transactions left behind on the connections to PostgreSQL, in words. Nothing, if all is well.
    ///
    /// To be asked while the clients are still connected: when one leaves in the middle of a transaction, the
    /// pooler closes the server connection, and nothing is left to be seen.
    pub async fn remains(&self) -> Vec<String> {
        let open = self.open_transactions().await;
        if !open.is_empty() {
            return open;
        }
        // As many transactions at the same time as there are connections: each of them is looked at.
        let mut found = Vec::new();
        let mut backends = Vec::new();
        let mut clients = Vec::new();
        for _ in 0..SERVERS {
            let client = connect(&self.config()).await;
            client.batch_execute("begin").await.expect("a transaction");
            let facts = client
                .query_typed(
                    "select pg_backend_pid(), concat_ws(' ', 'role', current_user, 'for', session_user, 'settings', \
                     current_setting('neopro.scope', true), current_setting('neopro.user', true), \
                     current_setting('neopro.tenant', true), current_setting('statement_timeout'), 'statements', \
                     (select count(*) from pg_prepared_statements)) where $1",
                    &[(&true, Type::BOOL)],
                )
                .await
                .expect("facts about the connection");
            backends.push(facts[0].get::<_, i32>(0));
            let facts: String = facts[0].get(1);
            // A setting of an ended transaction reads as empty.
            let facts = facts.split_whitespace().collect::<Vec<_>>().join(" ");
            if facts != "role neopro for neopro settings 0 statements 0" {
                found.push(facts);
            }
            clients.push(client);
        }
        backends.sort_unstable();
        backends.dedup();
        assert_eq!(backends.len(), SERVERS, "every server connection was looked at");
        found
    }

    /// Transactions that nobody continues. What is under way is given time to end.
    async fn open_transactions(&self) -> Vec<String> {
        let admin = self.db.admin().await;
        let began = Instant::now();
        loop {
            let sessions = admin
                .query(
                    "select state || ': ' || query, state = 'active' from pg_stat_activity \
                     where datname = current_database() and usename = 'neopro' and state <> 'idle'",
                    &[],
                )
                .await
                .expect("the sessions");
            let is_running = sessions.iter().any(|row| row.get(1));
            let patience = Duration::from_secs(if is_running { 20 } else { 2 });
            if sessions.is_empty() || began.elapsed() > patience {
                return sessions.iter().map(|row| row.get(0)).collect();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn password(db: &TestDb) -> String {
    String::from_utf8(db.config.get_password().expect("a password").to_vec()).expect("ASCII")
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}
