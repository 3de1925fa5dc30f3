//! The server behind a transaction pooler, as the guide's hosting has it: a real PgBouncer, far more clients than
//! connections, requests that are given up in the middle. Nobody gets somebody else's answer, nothing is left on
//! a connection for the next one; and what would go wrong with other ways of asking does go wrong here.
//!
//! `NEOPRO_POOLER_REQUESTS` says how often each of the 64 clients asks, `NEOPRO_SEED` repeats a run.

pub mod bouncer;
mod clients;
mod shapes;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::task::JoinSet;
use tokio_postgres::types::Type;

use bouncer::PgBouncer;
use shapes::{ACTS, BROKEN_ACTS, Report, TABLE, Way, Worker};

use crate::support::cluster::{connect, scratch};
use crate::support::program::{Server, text};
use crate::support::{Cluster, TestDb};

/// Clients all together.
const CLIENTS: usize = 64;

/// Numbers that are the same for the same seed (SplitMix64).
pub struct Random(u64);

impl Random {
    pub fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, and nought below nought.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// One of several.
    pub fn of<'a, T>(&mut self, several: &'a [T]) -> &'a T {
        &several[self.below(several.len() as u64) as usize]
    }

    /// The first bytes of a number.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let number = self.next().to_le_bytes();
        std::array::from_fn(|index| number[index])
    }
}

/// A number from the environment.
pub fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// The seed of this run.
pub fn seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970");
    variable("NEOPRO_SEED").unwrap_or(now.as_micros() as u64)
}

/// A folder of this process. Those that earlier runs left when they failed go.
pub fn own_folder(name: &str) -> PathBuf {
    let own = scratch(&format!("{name}-{}", std::process::id()));
    let others = fs::read_dir(own.parent().expect("a folder above")).expect("the folder of the tests");
    for other in others.flatten() {
        let other_name = other.file_name();
        let number = other_name.to_str().and_then(|other| other.strip_prefix(name)?.strip_prefix('-'));
        let process = number.and_then(|number| number.parse::<u32>().ok());
        if process.is_some_and(|process| !Path::new(&format!("/proc/{process}")).exists()) {
            let _ = fs::remove_dir_all(other.path());
        }
    }
    own
}

fn requests() -> u64 {
    variable("NEOPRO_POOLER_REQUESTS").unwrap_or(40)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_and_64_clients_share_four_connections_and_everybody_sees_his_own() {
    let (seed, began) = (seed(), Instant::now());
    println!("pooler, servers: NEOPRO_SEED={seed}");
    let db = Cluster::get().migrated().await;
    let pooler = PgBouncer::in_front_of(&db, "servers").await;
    let secret = format!("{:016x}", Random::seeded(seed).next()).repeat(3);
    let url = pooler.url();
    let folders = ["pooled-first", "pooled-second"].map(own_folder);
    let logs = folders.each_ref().map(|folder| folder.join("server.log"));
    let [mut first, mut second] = [0, 1].map(|index| {
        let variables = [
            ("DATABASE_URL", url.as_str()),
            ("DATABASE_POOL_SIZE", "32"),
            ("JWT_SECRET", secret.as_str()),
            // 64 clients ask as fast as they can, from one address.
            ("NEOPRO_RATE_LIMITS", "off"),
            ("NEOPRO_DATA_DIR", folders[index].to_str().expect("a readable path")),
        ];
        Server::spawn(&variables, &logs[index])
    });
    first.ready().await;
    second.ready().await;

    let clients = clients::clients(&db, CLIENTS, [first.port, second.port], seed).await;
    let living = async {
        let mut living = JoinSet::new();
        for client in clients {
            living.spawn(client.live(requests()));
        }
        living.join_all().await
    };
    let (mut clients, figures) = pooler.watch(living).await;
    figures.prove_that_clients_waited();
    assert_eq!(pooler.remains().await, [""; 0]);
    let (mut answered, mut abandoned) = (0, 0);
    for client in &mut clients {
        client.take_stock().await;
        answered += client.answered;
        abandoned += client.abandoned;
    }
    assert_eq!(count(&db, UNJOURNALED).await, 0, "each site has its line in the journal and each line its site");
    let answers = logs.map(|log| text(&log).matches("answered").count() as u64);
    let cut = (answered + abandoned).saturating_sub(answers.iter().sum());
    assert!(cut > 0, "the servers ended none of the {abandoned} requests that were given up");
    println!(
        "pooler, servers: {answered} requests answered, {abandoned} given up ({cut} of them within the server), \
         {figures}, {:.1?}",
        began.elapsed()
    );
    assert!(first.terminate().await.success() && second.terminate().await.success());
    for folder in folders {
        fs::remove_dir_all(folder).expect("the server's folder goes");
    }
}

/// Sites without the line about their creation, and such lines without a site or its deletion.
const UNJOURNALED: &str = "select count(*) from \
     (select id::text from sites where site_name like '% n%') as made (id) \
     full join (select target_id from audit_logs where action = 'SITE_CREATED') as created on target_id = id \
     where target_id is null \
       or id is null and target_id not in (select target_id from audit_logs where action = 'SITE_DELETED')";

async fn count(db: &TestDb, sql: &str) -> i64 {
    db.owner().await.query_one(sql, &[]).await.expect("a count").get(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_statement_from_two_processes_gets_its_own_answer_or_none() {
    let (seed, began) = (seed(), Instant::now());
    println!("pooler, statements: NEOPRO_SEED={seed}");
    let (db, pooler) = echoing("statements").await;
    let mut workers = start(&pooler, Way::Product, requests() * 4, seed);
    let (report, figures) = pooler.watch(reports(&mut workers)).await;
    let Report { answered, cancelled, acts, faults, examples } = &report;
    println!(
        "pooler, statements: {answered} answered, {cancelled} cancelled, {faults} faults, {figures}, {:.1?}",
        began.elapsed()
    );
    assert_eq!((*faults, examples), (0, &vec![]));
    figures.prove_that_clients_waited();
    assert_eq!(pooler.remains().await, [""; 0]);
    assert_eq!(count(&db, BROKEN_ACTS).await, 0, "a transaction is written whole or not at all");
    let unheard = count(&db, ACTS).await - *acts as i64;
    println!("pooler, statements: {unheard} transactions were written although nobody waited for the answer");
    assert!(unheard > 0, "cancelled once they were on their way, not before only");
    for worker in workers {
        worker.leave().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn named_statements_would_be_caught() {
    let (_, pooler) = echoing("named").await;
    let mut workers = start(&pooler, Way::Named, 20, seed());
    let (report, figures) = pooler.watch(reports(&mut workers)).await;
    let Report { answered, faults, examples, .. } = &report;
    println!("pooler, named statements: {answered} answered, {faults} faults, as {:?}, {figures}", examples.first());
    assert!(report.faults > 0, "this pooler would hide the fault that it is here to show");
    assert!(!pooler.remains().await.is_empty(), "statements left behind on connections would not be seen");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_nobody_ends_would_be_caught() {
    let (_, pooler) = echoing("open").await;
    let client = connect(&pooler.config()).await;
    assert_eq!(pooler.remains().await, [""; 0]);
    let naive = async {
        client.batch_execute("begin; set local role neopro_app").await.expect("a transaction");
        client.query_typed("select pg_sleep($1)", &[(&0.5, Type::FLOAT8)]).await.expect("a statement");
        client.batch_execute("commit").await.expect("its end");
    };
    let a_while = Duration::from_millis(200);
    assert!(tokio::time::timeout(a_while, naive).await.is_err(), "it is given up in the middle");
    let next = client.query_typed("select current_user::text", &[]).await.expect("the next one's statement");
    assert_eq!(next[0].get::<_, &str>(0), "neopro_app", "the next one inherits the role");
    let remains = pooler.remains().await;
    assert!(remains.iter().any(|words| words.starts_with("idle in transaction")), "{remains:?}");
}

/// The other process of the tests above.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn worker() {
    shapes::work().await;
}

/// A database with a table for the workers, behind a pooler.
async fn echoing(name: &str) -> (TestDb, PgBouncer) {
    let db = Cluster::get().migrated().await;
    db.owner().await.batch_execute(TABLE).await.expect("a table");
    let pooler = PgBouncer::in_front_of(&db, name).await;
    (db, pooler)
}

fn start(pooler: &PgBouncer, way: Way, rounds: u64, seed: u64) -> [Worker; 2] {
    [1, 2].map(|number: u64| Worker::start(way, &pooler.config(), rounds, seed.wrapping_mul(number)))
}

async fn reports(workers: &mut [Worker; 2]) -> Report {
    let [one, other] = workers;
    let (mut report, more) = tokio::join!(one.report(), other.report());
    report.add(more);
    report
}
