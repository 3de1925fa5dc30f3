//! The server on its embedded database, killed without a warning, again and again: while it is made, while it
//! starts, under writes. What was acknowledged is there afterwards, and nothing else of it lives on.
//!
//! `NEOPRO_KILLS` says how often, `NEOPRO_SEED` repeats a run (its moments, not the machine's).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::http::Method;
use neopro_central::db::embedded::{Embedded, Options};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::pooler::{Random, own_folder, seed, variable};
use crate::support::cluster::connect;
use crate::support::http;
use crate::support::program::{Server, free_port, run, words};

const EMAIL: &str = "camille@neopro.test";
const PASSWORD: &str = "Tir au but 7";

/// Clients that write at the same time.
const WRITERS: usize = 4;

/// A data folder and the servers that work on it, one after the other.
struct Place {
    folder: PathBuf,
    logs: PathBuf,
    starts: u32,
    kills: u64,
    random: Random,
}

impl Place {
    fn new(name: &str) -> Self {
        let seed = seed();
        let base = own_folder(name);
        println!("{name}: NEOPRO_SEED={seed}, logs below {}", base.display());
        let (folder, logs) = (base.join("data"), base.join("logs"));
        Self { folder, logs, starts: 0, kills: 0, random: Random::seeded(seed) }
    }

    fn variables(&self) -> [(&str, &str); 2] {
        // Few clients write as fast as they can.
        [("NEOPRO_DATA_DIR", self.folder.to_str().expect("a readable path")), ("NEOPRO_RATE_LIMITS", "off")]
    }

    /// Starts a server and waits for nothing.
    fn start(&mut self) -> Server {
        self.starts += 1;
        Server::spawn(&self.variables(), &self.logs.join(format!("{:03}.log", self.starts)))
    }

    async fn start_until_ready(&mut self) -> Server {
        let mut server = self.start();
        server.ready().await;
        assert_eq!(self.postmasters(), 1, "one PostgreSQL works in the folder");
        server
    }

    /// Starts a server and kills it before it is ready or just after: at a random moment, or in that in which it
    /// starts PostgreSQL and the kernel does not know yet that this child shall end with it.
    async fn start_and_kill_within(&mut self, longest: Duration) {
        let mut server = self.start();
        let began = Instant::now();
        if self.random.below(2) == 0 {
            while !self.sees_a_birth(server.pid()) && began.elapsed() < longest {
                tokio::task::yield_now().await;
            }
        } else {
            let moment = self.random.below(longest.as_micros() as u64);
            tokio::time::sleep(Duration::from_micros(moment)).await;
        }
        self.kill(&mut server);
    }

    /// Whether the server has started a program on the folder.
    fn sees_a_birth(&self, server: u32) -> bool {
        let folder = self.folder.as_os_str().as_encoded_bytes();
        let processes = fs::read_dir("/proc").expect("the list of processes").flatten();
        let mut younger = processes.filter(|entry| {
            entry.file_name().to_str().and_then(|name| name.parse().ok()).is_some_and(|process: u32| process > server)
        });
        younger.any(|entry| {
            let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            command.windows(folder.len()).any(|part| part == folder)
        })
    }

    fn kill(&mut self, server: &mut Server) {
        server.kill();
        self.kills += 1;
    }

    fn command(&self, arguments: &[&str], input: &str) -> (bool, String) {
        let output = run(arguments, &self.variables(), input);
        (output.status.success(), words(&output))
    }

    fn create_admin(&self, email: &str) {
        let arguments = ["create-admin", "--email", email, "--full-name", "Camille Durand", "--password-stdin"];
        let (is_done, words) = self.command(&arguments, PASSWORD);
        assert!(is_done && words.contains("Compte créé"), "{words}");
    }

    /// The processes that work in the folder, and their parents.
    fn processes(&self) -> BTreeMap<u32, u32> {
        let mut command = Command::new("find");
        if let Some((user, group)) = self.database_user() {
            // Root in a container may not look into another user's process; that user may.
            command = Command::new("setpriv");
            command.args([format!("--reuid={user}"), format!("--regid={group}")]);
            command.args(["--clear-groups", "--", "find"]);
        }
        let pattern = format!("{}/*", self.folder.display());
        command.args(["/proc", "-maxdepth", "2", "-name", "cwd", "-lname", &pattern, "-printf", "%h\n"]);
        let found = command.current_dir("/").output().expect("find runs").stdout;
        let found = String::from_utf8(found).expect("ASCII");
        let numbers = found.lines().filter_map(|path| path.strip_prefix("/proc/")?.parse().ok());
        numbers.filter_map(|process| Some((process, parent(process)?))).collect()
    }

    /// The user that the database's files belong to, and its group, if that is not us.
    fn database_user(&self) -> Option<(u32, u32)> {
        let ours = fs::metadata("/proc/self").expect("this process").uid();
        let entries = fs::read_dir(&self.folder).ok()?.filter_map(|entry| entry.ok()?.metadata().ok());
        entries.map(|facts| (facts.uid(), facts.gid())).find(|(user, _)| *user != ours)
    }

    /// How many of the processes are nobody's children among them.
    fn postmasters(&self) -> usize {
        let processes = self.processes();
        processes.values().filter(|parent| !processes.contains_key(parent)).count()
    }

    /// Waits until nothing works in the folder any more, though nobody starts a server there.
    async fn falls_silent(&self) {
        let until = Instant::now() + Duration::from_secs(10);
        while !self.processes().is_empty() {
            assert!(Instant::now() < until, "PostgreSQL outlives its server: {:?}", self.processes());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn remove(&self) {
        let base = self.folder.parent().expect("a folder above");
        fs::remove_dir_all(base).expect("the folder goes");
    }
}

fn parent(process: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

/// What was sent and what was acknowledged.
#[derive(Default)]
struct Ledger {
    /// The name of every site whose creation was sent.
    sent: BTreeSet<String>,
    /// Name and id of every site whose creation was acknowledged.
    acknowledged: BTreeMap<String, String>,
}

type Shared = Arc<Mutex<Ledger>>;

fn site(name: &str) -> Value {
    json!({
        "site_name": name,
        "club_name": format!("Club {name}"),
        "location": {"city": "Rezé", "region": "Pays de la Loire"},
        "sports": ["handball", "futsal"],
    })
}

async fn log_in(port: u16, email: &str) -> String {
    let body = json!({"email": email, "password": PASSWORD});
    let answer = http::send(port, Method::POST, "/api/auth/login", None, Some(&body)).await.expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["token"].as_str().expect("a token").to_owned()
}

/// Creates sites until the server is gone.
async fn write(port: u16, token: String, stem: String, ledger: Shared) {
    for number in 0.. {
        let name = format!("{stem}-{number}");
        ledger.lock().expect("the ledger").sent.insert(name.clone());
        let answer = http::send(port, Method::POST, "/api/sites", Some(&token), Some(&site(&name))).await;
        let Ok(answer) = answer else { return };
        assert_eq!(answer.status, 201, "{}", answer.text);
        let id = answer.json()["id"].as_str().expect("an id").to_owned();
        ledger.lock().expect("the ledger").acknowledged.insert(name, id);
    }
}

/// Everything that was acknowledged is there, whole; nothing is there that was not sent.
async fn verify(port: u16, token: &str, ledger: &Shared) {
    let mut found = BTreeMap::new();
    for page in 1.. {
        let path = format!("/api/sites?limit=1000&page={page}&sort=site_name");
        let answer = http::send(port, Method::GET, &path, Some(token), None).await.expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text);
        let answer = answer.json();
        for row in answer["data"].as_array().expect("rows") {
            let name = row["site_name"].as_str().expect("a name").to_owned();
            for (field, sent) in site(&name).as_object().expect("fields") {
                assert_eq!(&row[field], sent, "{row}");
            }
            found.insert(name, row["id"].as_str().expect("an id").to_owned());
        }
        if answer["pagination"]["hasNext"] == false {
            assert_eq!(answer["total"], found.len(), "no name stands there twice");
            break;
        }
    }
    let last = {
        let ledger = ledger.lock().expect("the ledger");
        for (name, id) in &ledger.acknowledged {
            assert_eq!(found.get(name), Some(id), "{name} was acknowledged");
        }
        let unsent: Vec<_> = found.keys().filter(|name| !ledger.sent.contains(*name)).collect();
        assert!(unsent.is_empty(), "nobody sent {unsent:?}");
        ledger.acknowledged.iter().next_back().map(|(name, id)| (name.clone(), id.clone()))
    };
    if let Some((name, id)) = last {
        let answer = http::send(port, Method::GET, &format!("/api/sites/{id}"), Some(token), None).await;
        assert_eq!(answer.expect("an answer").json()["site_name"], name);
    }
}

/// Each site has the line of the journal that was written with it, and each such line its site.
async fn verify_journal(folder: &Path) {
    let options = Options { data_dir: folder, runtime_dir: None, settings: &[] };
    let database = Embedded::start_or_attach(options).await.expect("the server's database can be attached to");
    let halves = connect(&database.config())
        .await
        .query(
            "select coalesce(id::text, target_id) from sites full join \
             (select target_id from audit_logs where action = 'SITE_CREATED') as created on target_id = id::text \
             where id is null or target_id is null",
            &[],
        )
        .await
        .expect("an answer");
    assert!(halves.is_empty(), "written in part only: {halves:?}");
    database.stop().await.expect("what is another's is left alone");
}

/// Kills during the very first start: what it leaves does not hinder the next one.
async fn kill_first_starts(place: &mut Place, kills: u64) {
    while place.kills < kills {
        if place.folder.join("postgres").exists() {
            // That one was complete already; the next shall be the first again.
            place.falls_silent().await;
            fs::remove_dir_all(&place.folder).expect("the folder goes");
        }
        place.start_and_kill_within(Duration::from_millis(2_500)).await;
        if place.random.below(2) == 0 {
            place.falls_silent().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_every_kill_and_nothing_else_does() {
    let (kills, began) = (variable("NEOPRO_KILLS").unwrap_or(6), Instant::now());
    let mut place = Place::new("kills");
    let first = kills / 5 + 1;
    kill_first_starts(&mut place, first).await;

    let mut server = place.start_until_ready().await;
    place.create_admin(EMAIL);
    let token = log_in(server.port, EMAIL).await;
    let ledger = Shared::default();
    let mut while_starting = 0;
    while place.kills < kills {
        let kill = place.kills;
        // An orphan is likeliest after a kill at the start; else the next server mostly comes at once.
        let mut is_left_alone = place.random.below(3) == 0;
        if kill.is_multiple_of(3) {
            is_left_alone = !is_left_alone;
            assert!(server.terminate().await.success());
            place.start_and_kill_within(Duration::from_millis(400)).await;
            while_starting += 1;
        } else {
            let mut writers = JoinSet::new();
            for writer in 0..WRITERS {
                let stem = format!("{kill:03}-{writer}");
                writers.spawn(write(server.port, token.clone(), stem, Arc::clone(&ledger)));
            }
            tokio::time::sleep(Duration::from_millis(20 + place.random.below(600))).await;
            place.kill(&mut server);
            writers.join_all().await;
        }
        if is_left_alone {
            place.falls_silent().await;
        }
        server = place.start_until_ready().await;
        verify(server.port, &token, &ledger).await;
        log_in(server.port, EMAIL).await;
        verify_journal(&place.folder).await;
    }

    place.kill(&mut server);
    place.falls_silent().await;
    let mut server = place.start_until_ready().await;
    verify(server.port, &token, &ledger).await;
    assert!(server.terminate().await.success());
    place.falls_silent().await;
    let Ledger { sent, acknowledged } = &*ledger.lock().expect("the ledger");
    println!(
        "kills: {} ({first} in the first start, {while_starting} while starting), {} sites sent, {} acknowledged, \
         none lost, {:.1?}",
        place.kills,
        sent.len(),
        acknowledged.len(),
        began.elapsed()
    );
    place.remove();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_has_one_server_and_commands_work_beside_it() {
    let mut place = Place::new("beside");
    let mut server = place.start_until_ready().await;
    let (folder, holder) = (place.folder.display().to_string(), server.pid().to_string());

    let port = free_port().to_string();
    let variables = [("NEOPRO_DATA_DIR", folder.as_str()), ("PORT", port.as_str())];
    let refused = run(&["serve"], &variables, "");
    let sentence = words(&refused);
    assert!(!refused.status.success(), "{sentence}");
    let last = sentence.lines().last().expect("a sentence");
    assert!(last.starts_with("Un autre serveur NeoPro") && last.contains(&folder) && last.contains(&holder), "{last}");
    assert_eq!(place.postmasters(), 1, "the first server's PostgreSQL is left alone");

    place.create_admin(EMAIL);
    log_in(server.port, EMAIL).await;

    assert!(server.terminate().await.success());
    place.falls_silent().await;
    // Without a server the command brings the database up by itself, and down again.
    place.create_admin("dominique@neopro.test");
    place.falls_silent().await;
    let mut server = place.start_until_ready().await;
    log_in(server.port, "dominique@neopro.test").await;
    assert!(server.terminate().await.success());
    place.falls_silent().await;
    place.remove();
}
