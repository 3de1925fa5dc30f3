//! Statements of every kind with values that occur once, so that an answer to somebody else's question shows;
//! and the process that sends them. The test program starts itself for it, because names of prepared statements
//! collide between processes only.

use std::fmt::Debug;
use std::process::Stdio;
use std::time::Duration;

use futures_util::FutureExt as _;
use neopro_central::clock::Time;
use neopro_central::db::{Claim, Db, Error, FromRow, Query, Scalar, Scope, SqlType, Statements, Target, query};
use neopro_central::ids::{AgencyId, SessionId, SponsorId, UserId};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::task::JoinSet;
use tokio_postgres::types::{FromSqlOwned, ToSql};
use tokio_postgres::{Client, Config, Row};
use uuid::Uuid;

use super::Random;
use crate::support::cluster::connect;

/// Tasks of one process, and connections of its pool.
const TASKS: usize = 32;

/// The order of a process that is a worker; without it the worker's test has nothing to do.
const ORDER: &str = "NEOPRO_POOLER_WORKER";

/// What the line of its report begins with.
const REPORT: &str = "pooler-worker-report ";

/// What the statements of the workers write to.
pub const TABLE: &str = "create table echoes (id uuid primary key, act uuid not null, rows int not null, word text not null); \
     grant select, insert on echoes to neopro_app";

/// Transactions that wrote.
pub const ACTS: &str = "select count(distinct act) from echoes";

/// Acts of which a part only was written, and rows with the word of another.
pub const BROKEN_ACTS: &str = "select count(*) from \
     (select from echoes group by act, rows having count(*) <> rows or bool_or(word <> id::text)) as broken";

/// By which way statements are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The product's: [`Db::run`].
    Product,
    /// Named prepared statements, as most drivers have it.
    Named,
}

/// What workers did.
#[derive(Debug, Default)]
pub struct Report {
    pub answered: u64,
    pub cancelled: u64,
    /// Transactions that wrote and were answered.
    pub acts: u64,
    /// Errors, and answers to other questions.
    pub faults: u64,
    /// Some of them.
    pub examples: Vec<String>,
}

/// Faults of which the words are kept.
const EXAMPLES: usize = 5;

impl Report {
    fn note(&mut self, outcome: Option<Result<(), String>>) {
        match outcome {
            Some(Ok(())) => self.answered += 1,
            Some(Err(fault)) => {
                self.faults += 1;
                self.examples.push(fault.chars().take(300).collect());
                self.examples.truncate(EXAMPLES);
            }
            None => self.cancelled += 1,
        }
    }

    pub fn add(&mut self, other: Self) {
        self.answered += other.answered;
        self.cancelled += other.cancelled;
        self.acts += other.acts;
        self.faults += other.faults;
        self.examples.extend(other.examples);
        self.examples.truncate(EXAMPLES);
    }
}

/// Another process that sends statements. Killed when it is dropped.
pub struct Worker {
    process: Child,
    output: tokio::io::Lines<BufReader<ChildStdout>>,
}

impl Worker {
    /// Starts one; each of its tasks sends `rounds` times.
    pub fn start(way: Way, database: &Config, rounds: u64, seed: u64) -> Self {
        let password = String::from_utf8_lossy(database.get_password().expect("a password"));
        let order = json!({
            "named": way == Way::Named,
            "port": database.get_ports()[0],
            "password": password,
            "database": database.get_dbname(),
            "rounds": rounds,
            "seed": seed,
        });
        let mut process = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "pooler::worker", "--nocapture"])
            .env(ORDER, order.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("this program starts again");
        let output = BufReader::new(process.stdout.take().expect("its output")).lines();
        Self { process, output }
    }

    /// What it did, once it has. Its connections stay open.
    pub async fn report(&mut self) -> Report {
        while let Some(line) = self.output.next_line().await.expect("lines of text") {
            if let Some((_, report)) = line.split_once(REPORT) {
                let report: Value = serde_json::from_str(report).expect("a report");
                let number = |name: &str| report[name].as_u64().expect("a number");
                let examples = report["examples"].as_array().expect("a list").iter();
                return Report {
                    answered: number("answered"),
                    cancelled: number("cancelled"),
                    acts: number("acts"),
                    faults: number("faults"),
                    examples: examples.filter_map(Value::as_str).map(str::to_owned).collect(),
                };
            }
        }
        panic!("the worker ended without a report");
    }

    /// Lets it go.
    pub async fn leave(mut self) {
        drop(self.process.stdin.take());
        assert!(self.process.wait().await.expect("it ends").success());
    }
}

/// The life of a worker; nothing without an order.
pub async fn work() {
    let Ok(order) = std::env::var(ORDER) else { return };
    let order: Value = serde_json::from_str(&order).expect("an order");
    let number = |name: &str| order[name].as_u64().expect("a number");
    let word = |name: &str| order[name].as_str().expect("a word");
    let mut config = Config::new();
    config.host("127.0.0.1").port(u16::try_from(number("port")).expect("a port"));
    config.user("neopro").password(word("password")).dbname(word("database"));
    let db = Target::plain(config.clone()).pool(TASKS).expect("a pool");

    let mut tasks = JoinSet::new();
    for task in 0..TASKS as u64 {
        let random = Random::seeded(number("seed").wrapping_add(task));
        let rounds = number("rounds");
        if order["named"] == true {
            tasks.spawn(named(connect(&config).await, rounds, random));
        } else {
            tasks.spawn(product(db.clone(), rounds, random));
        }
    }
    let mut report = Report::default();
    for task in tasks.join_all().await {
        report.add(task);
    }
    let Report { answered, cancelled, acts, faults, examples } = report;
    let words = json!({
        "answered": answered, "cancelled": cancelled, "acts": acts, "faults": faults, "examples": examples
    });
    println!("\n{REPORT}{words}");
    // What is left on the connections is looked at while they are open.
    let told_to_leave = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
    told_to_leave.await.expect("a thread").expect("an end of the input");
    drop(db);
}

async fn named(client: Client, rounds: u64, mut random: Random) -> Report {
    let mut report = Report::default();
    let sender = Sender::Named(client);
    for _ in 0..rounds {
        let number = random.below(10);
        report.note(Some(sender.send(number, &mut random).await));
    }
    report
}

async fn product(db: Db, rounds: u64, mut random: Random) -> Report {
    let mut report = Report::default();
    let mut acts = Acts { db: db.clone(), done: 0, written: Vec::new(), refused: Vec::new() };
    let sender = Sender::Product(db);
    for _ in 0..rounds {
        let is_cancelled = random.below(3) == 0;
        let mut moment = Random::seeded(random.next());
        let number = random.below(17);
        let mut work = async {
            if number < 12 { sender.send(number, &mut random).await } else { acts.send(number, &mut random).await }
        }
        .boxed();
        report.note(if is_cancelled { dropped(&mut work, &mut moment).await } else { Some(work.await) });
    }
    report.acts = acts.done;
    report.note(Some(acts.check().await));
    report
}

/// Works until some moment, mostly before the end: after the first poll, after a few, or after a while.
async fn dropped<F: Future + Unpin>(mut work: F, random: &mut Random) -> Option<F::Output> {
    match random.below(3) {
        0 => (&mut work).now_or_never(),
        1 => {
            for _ in 0..random.below(4) {
                if let Some(output) = (&mut work).now_or_never() {
                    return Some(output);
                }
                tokio::task::yield_now().await;
            }
            None
        }
        _ => tokio::time::timeout(Duration::from_micros(random.below(20_000)), work).await.ok(),
    }
}

/// Sends single statements and holds their answers against what was sent.
enum Sender {
    Product(Db),
    Named(Client),
}

impl Sender {
    /// One of ten shapes, which differ in their types; the last two are the product's own.
    async fn send(&self, shape: u64, random: &mut Random) -> Result<(), String> {
        let number = random.next();
        let text = || format!("word {number:x} é € 𝄞");
        match shape {
            0 => self.echo("select $1::int4", i32::from_le_bytes(random.bytes())).await,
            1 => self.echo("select $1::int8", i64::from_le_bytes(random.bytes())).await,
            2 => self.echo("select not $1::bool = false", number.is_multiple_of(2)).await,
            3 => self.echo("select $1::text", text()).await,
            4 => self.echo("select $1::uuid", Uuid::now_v7()).await,
            5 => self.echo("select $1::timestamptz", moment(random)).await,
            6 => self.echo("select $1::jsonb", json!({"a": [number, null, {"b": text()}]})).await,
            7 => self.echo("select $1::text[]", vec![text(); random.below(4) as usize]).await,
            8 => self.echo("select nullif($1::text, '')", (!number.is_multiple_of(3)).then(text)).await,
            9 => self.echo("select $1::float8", number as f64 / 7.0).await,
            10 => self.list(random).await,
            _ => self.who(random).await,
        }
    }

    async fn echo<T>(&self, sql: &'static str, sent: T) -> Result<(), String>
    where
        T: ToSql + FromSqlOwned + SqlType + PartialEq + Debug + Clone + Send + Sync + 'static,
    {
        let came = match self {
            Self::Product(db) => {
                let one = query(sql).bind(sent.clone()).one::<Scalar<T>>();
                db.run_as_system(one).await.map(|Scalar(came)| came).map_err(|error| error.to_string())
            }
            Self::Named(client) => {
                let row = client.query_one(sql, &[&sent]).await;
                row.and_then(|row| row.try_get(0)).map_err(|error| Error::from(error).to_string())
            }
        };
        same(sql, sent, came)
    }

    /// Several rows of several columns.
    async fn list(&self, random: &mut Random) -> Result<(), String> {
        let (from, word) = (random.below(1 << 40) as i64, format!("{:x}", random.next()));
        let sent = (0..random.below(50) as i64).map(|n| Pair(from + n, format!("{word}-{n}"))).collect::<Vec<_>>();
        let all = query("select $1 + n, $2 || '-' || n from generate_series(0, $3 - 1) as n")
            .bind(from)
            .bind(word)
            .bind(sent.len() as i64)
            .all::<Pair>();
        same("a list", sent, self.db().run_as_system(all).await.map_err(|error| error.to_string()))
    }

    /// The scope that the transaction says it is in: nobody else's.
    async fn who(&self, random: &mut Random) -> Result<(), String> {
        let user = UserId::new();
        let (agency, sponsor) = (AgencyId::new(), SponsorId::new());
        let (scope, name, tenant) = match random.below(3) {
            0 => (Scope::Staff(user), "staff", String::new()),
            1 => (Scope::Agency(user, agency), "agency", agency.to_string()),
            _ => (Scope::Sponsor(user, sponsor), "sponsor", sponsor.to_string()),
        };
        let setting = |name: &str| format!("current_setting('neopro.{name}')");
        let sql = format!(
            "select concat_ws('/', current_user, {}, {}, {})",
            setting("scope"),
            setting("user"),
            setting("tenant")
        );
        let came = self.db().run(scope, None, query(sql).one::<Scalar<String>>()).await;
        let came = came.map(|Scalar(came)| came).map_err(|error| error.to_string());
        same("who", format!("neopro_app/{name}/{user}/{tenant}"), came)
    }

    fn db(&self) -> &Db {
        match self {
            Self::Product(db) => db,
            Self::Named(_) => unreachable!("named statements have ten shapes"),
        }
    }
}

/// Sends transactions that write, and remembers how they ended.
struct Acts {
    db: Db,
    done: u64,
    written: Vec<Uuid>,
    refused: Vec<Uuid>,
}

impl Acts {
    async fn send(&mut self, shape: u64, random: &mut Random) -> Result<(), String> {
        let (act, number) = (Uuid::now_v7(), random.next() as i64);
        let ids: [Uuid; 4] = std::array::from_fn(|_| Uuid::now_v7());
        let echo = || query("select $1").bind(number).one::<Scalar<i64>>();
        let row = |index: usize, rows: i32| insert(ids[index], act, rows);
        let id = |index: usize| Scalar(ids[index]);
        match shape {
            12 => self.write(&ids[..1], row(0, 1), id(0)).await,
            13 => self.write(&ids[..2], (row(0, 2), echo(), row(1, 2)), (id(0), Scalar(number), id(1))).await,
            14 => {
                let all = (row(0, 4), row(1, 4), row(2, 4), row(3, 4));
                self.write(&ids, all, (id(0), id(1), id(2), id(3))).await
            }
            15 => {
                let divide = query("select $1 / 0").bind(number).one::<Scalar<i64>>();
                let refusal = self.db.run_as_system((row(0, 2), divide, row(1, 2))).await.map(drop);
                self.refuse(&ids[..2], refusal, |error| matches!(error, Error::Value(_)))
            }
            _ => {
                let claim = Claim {
                    credential: SessionId::new().into(),
                    user: UserId::new(),
                    role: "admin",
                    agency: None,
                    sponsor: None,
                    now: moment(random),
                    ip: std::net::Ipv4Addr::LOCALHOST.into(),
                };
                let refusal = self.db.run(Scope::Staff(claim.user), Some(&claim), row(0, 1)).await.map(drop);
                self.refuse(&ids[..1], refusal, |error| matches!(error, Error::SessionGone))
            }
        }
    }

    async fn write<S: Statements>(&mut self, ids: &[Uuid], statements: S, sent: S::Output) -> Result<(), String>
    where
        S::Output: PartialEq + Debug,
    {
        let came = self.db.run_as_system(statements).await;
        if came.is_ok() {
            self.done += 1;
            self.written.extend(ids);
        }
        same("a write", sent, came.map_err(|error| error.to_string()))
    }

    fn refuse(
        &mut self,
        ids: &[Uuid],
        came: Result<(), Error>,
        is_expected: impl Fn(&Error) -> bool,
    ) -> Result<(), String> {
        self.refused.extend(ids);
        match came {
            Err(error) if is_expected(&error) => Ok(()),
            came => Err(format!("a refusal was due, {came:?} came")),
        }
    }

    /// What was acknowledged is there, what was refused is not.
    async fn check(self) -> Result<(), String> {
        let count =
            |ids: Vec<Uuid>| query("select count(*) from echoes where id = any($1)").bind(ids).one::<Scalar<i64>>();
        let sent = (Scalar(self.written.len() as i64), Scalar(0));
        // Not as the system, whose settings are empty: what these leave behind could be seen.
        let staff = Scope::Staff(UserId::new());
        let came = self.db.run(staff, None, (count(self.written), count(self.refused))).await;
        same("what was written and what was not", sent, came.map_err(|error| error.to_string()))
    }
}

fn insert(id: Uuid, act: Uuid, rows: i32) -> Query<Scalar<Uuid>> {
    query("insert into echoes (id, act, rows, word) values ($1, $2, $3, $4) returning id")
        .bind(id)
        .bind(act)
        .bind(rows)
        .bind(id.to_string())
        .one()
}

fn moment(random: &mut Random) -> Time {
    Time::from_unix_micros(random.below(4_000_000_000_000_000) as i64)
}

fn same<T: PartialEq + Debug>(what: &str, sent: T, came: Result<T, String>) -> Result<(), String> {
    match came {
        Ok(came) if came == sent => Ok(()),
        came => Err(format!("{what}: {sent:?} was due, {came:?} came")),
    }
}

/// A row of two columns.
#[derive(Debug, PartialEq)]
struct Pair(i64, String);

impl FromRow for Pair {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self(row.try_get(0)?, row.try_get(1)?))
    }
}
