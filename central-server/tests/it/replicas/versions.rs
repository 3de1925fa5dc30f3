//! Two versions of the program beside each other on one database, as during every deployment: the older one made the schema,
//! the newer one has changed it under its feet. `cargo xtask soak versions` builds the older one and runs this.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::boxes::Boxed;
use super::{Replicas, redis, until};
use crate::mail::SendGrid;
use crate::support::{Cluster, http};

/// Boxes at each of the two.
const BOXES: usize = 6;
/// Orders and commands that are issued while both are there.
const ISSUED: usize = 120;
/// What is issued on one reaches a box of the other within this, 99 times of 100.
const SOON: Duration = Duration::from_millis(500);

const OLD: usize = 0;
const NEW: usize = 1;

/// What a box was told, and how often it has beaten.
#[derive(Debug, Default)]
struct Ledger {
    commands: BTreeMap<String, usize>,
    beats: u64,
}

/// A box of one of the two.
struct Member {
    site: String,
    at: usize,
    task: JoinHandle<Ledger>,
}

/// Lives as a box: at its own server, and at the other one when that is gone.
async fn live(
    mut at: usize,
    ports: watch::Receiver<[u16; 2]>,
    site: String,
    mut quiet: watch::Receiver<Quiet>,
    told: Told,
) -> Ledger {
    let (mut ledger, mut revision) = (Ledger::default(), 0);
    while *quiet.borrow() != Quiet::Over {
        let port = ports.borrow()[at];
        let Some(mut connected) = Boxed::try_connect(port, &site, revision).await else {
            at = 1 - at;
            tokio::time::sleep(Duration::from_millis(200)).await;
            continue;
        };
        let mut pulse = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                heard = connected.next() => match heard {
                    Some((name, data)) => told.note(&name, &data),
                    None => break,
                },
                _ = pulse.tick() => if *quiet.borrow() == Quiet::No && connected.beats().await { ledger.beats += 1 },
                _ = quiet.changed() => if *quiet.borrow() == Quiet::Over { break },
            }
        }
        revision = connected.revision().max(revision);
        connected.commands.drain(..).for_each(|command| *ledger.commands.entry(command).or_default() += 1);
    }
    ledger
}

/// Whether boxes beat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quiet {
    No,
    Yes,
    Over,
}

/// When something was first told to a box.
#[derive(Clone, Default)]
struct Told(std::sync::Arc<std::sync::Mutex<BTreeMap<String, Instant>>>);

impl Told {
    fn note(&self, name: &str, data: &Value) {
        let now = Instant::now();
        let mut told = self.0.lock().expect("a ledger");
        let mut note = |id: &Value| {
            told.entry(id.as_str().expect("an id").to_owned()).or_insert(now);
        };
        match name {
            "command" => note(&data["id"]),
            _ => data["media"].as_array().into_iter().flatten().for_each(|media| note(&media["id"])),
        }
    }

    fn at(&self, id: &str) -> Option<Instant> {
        self.0.lock().expect("a ledger").get(id).copied()
    }
}

/// The two servers with their boxes.
struct Stage {
    replicas: Replicas,
    sendgrid: SendGrid,
    members: Vec<Member>,
    told: Told,
    quiet: watch::Sender<Quiet>,
    /// Where the two are.
    ports: watch::Sender<[u16; 2]>,
    _redis: crate::support::Redis,
}

impl Stage {
    /// The older one on an empty database, with boxes; then the newer one beside it, with others.
    async fn start(old: &str) -> Self {
        let (redis, url) = redis();
        let sendgrid = SendGrid::start().await;
        let mail = sendgrid.variables();
        let mut variables: Vec<(&str, &str)> = mail.iter().map(|(name, value)| (*name, value.as_str())).collect();
        variables.push(("REDIS_URL", &url));
        let db = Cluster::get().empty().await;
        let address = db.url();
        let mut replicas = Replicas::nobody("versions", db, &address, &variables);
        replicas.add_another(old).await;
        let before = replicas.value("select max(version)::text from schema_migrations").await;
        replicas.token = replicas.login().await;
        let (quiet, told) = (watch::channel(Quiet::No).0, Told::default());
        let ports = watch::channel([replicas.servers[OLD].port; 2]).0;
        let mut stage = Self { replicas, sendgrid, members: Vec::new(), told, quiet, ports, _redis: redis };
        stage.come(OLD).await;
        stage.replicas.add(&[]).await;
        stage.ports.send_replace([OLD, NEW].map(|number| stage.replicas.servers[number].port));
        let after = stage.replicas.value("select max(version)::text from schema_migrations").await;
        println!("the schema of the older server is {before}, that of the newer one {after}");
        assert_ne!(before, after, "the newer one has migrated: else nothing is shown here");
        stage.come(NEW).await;
        stage.replicas.know_of_each_other().await;
        stage
    }

    async fn come(&mut self, at: usize) {
        for number in 0..BOXES {
            let site = self.replicas.site(&format!("Club {at}.{number}")).await;
            let task =
                tokio::spawn(live(at, self.ports.subscribe(), site.clone(), self.quiet.subscribe(), self.told.clone()));
            self.members.push(Member { site, at, task });
        }
        let count = self.members.len().to_string();
        until("they are online", Duration::from_secs(20), async || {
            self.replicas.value("select count(*)::text from sites where status = 'online'").await == count
        })
        .await;
    }

    /// Issues something on one server for a box of the other: its id, and how soon the box had it.
    async fn issue(&self, turn: usize, member: &Member) -> (String, Duration) {
        let on = 1 - member.at;
        let id = if turn.is_multiple_of(2) {
            let video = self.replicas.video(&format!("{turn}.mp4")).await;
            self.replicas.order(on, &video, &member.site).await;
            video
        } else {
            self.command(on, &member.site).await
        };
        let answered = Instant::now();
        until("its box has it", Duration::from_secs(10), async || self.told.at(&id).is_some()).await;
        let at = self.told.at(&id).expect("it has it");
        (id, at.saturating_duration_since(answered))
    }

    async fn command(&self, on: usize, site: &str) -> String {
        let asked = json!({"command": "get_system_info"});
        let sent = self.replicas.call(on, Method::POST, &format!("/api/sites/{site}/command"), Some(&asked)).await;
        assert_eq!(sent.json()["sent"], true, "{}", sent.text);
        sent.json()["commandId"].as_str().expect("an id").to_owned()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server of an older revision: `cargo xtask soak versions` builds one and runs this"]
async fn two_versions_serve_one_database_side_by_side() {
    let old = std::env::var("NEOPRO_OLD_SERVER").expect("the program of an older revision");
    let mut stage = Stage::start(&old).await;
    what_is_issued_on_one_reaches_boxes_of_the_other(&stage).await;
    sessions_hold_on_both(&stage.replicas).await;
    mail_is_sent_once(&stage).await;
    what_comes_due_is_done_once(&stage).await;
    beats_are_kept(&stage).await;
    // The end of the deployment: the older one goes.
    let began = Instant::now();
    assert!(stage.replicas.servers[OLD].terminate().await.success());
    println!("the older server took {:?} to stop", began.elapsed());
    let moved = "select count(distinct replica_id)::text || ' ' || count(*) from sites where status = 'online'";
    let all = format!("1 {}", BOXES * 2);
    let took = until("its boxes come over", Duration::from_secs(60), async || stage.replicas.value(moved).await == all);
    println!("its boxes were at the newer one {:?} later", took.await);
    for member in &stage.members {
        let id = stage.command(NEW, &member.site).await;
        until("its box has it", Duration::from_secs(10), async || stage.told.at(&id).is_some()).await;
    }
    let open = "select count(*)::text from remote_commands where status <> 'completed'";
    until("all are answered", Duration::from_secs(20), async || stage.replicas.value(open).await == "0").await;
    for (number, name) in [(OLD, "older"), (NEW, "newer")] {
        let log = stage.replicas.log(number);
        let errors: Vec<&str> =
            log.lines().filter(|line| line.contains(" ERROR ") || line.contains("panicked")).collect();
        assert!(errors.is_empty(), "the {name} server: {errors:#?}");
        let warnings: BTreeSet<&str> =
            log.lines().filter_map(|line| line.split_once(" WARN ").map(|(_, said)| said.trim())).collect();
        println!("warnings of the {name} server: {warnings:#?}");
    }
    stage.quiet.send_replace(Quiet::Over);
    for member in stage.members {
        let ledger = member.task.await.expect("a ledger");
        assert!(ledger.commands.values().all(|times| *times == 1), "no command is told twice: {ledger:?}");
    }
}

async fn what_is_issued_on_one_reaches_boxes_of_the_other(stage: &Stage) {
    let mut times = Vec::new();
    for turn in 0..ISSUED {
        // Orders and commands to both sides in turn.
        let member = &stage.members[(turn / 2 + (turn / 4 % 2) * BOXES) % stage.members.len()];
        times.push(stage.issue(turn, member).await.1);
    }
    times.sort_unstable();
    println!("{ISSUED} issued on the other server: p50 {:?}, max {:?}", times[ISSUED / 2], times[ISSUED - 1]);
    assert!(times[ISSUED * 99 / 100 - 1] < SOON, "{times:?}");
    let commands = "select concat(count(*), ' ', count(*) filter (where status = 'completed')) from remote_commands";
    let all = format!("{} {}", ISSUED / 2, ISSUED / 2);
    until("all are answered", Duration::from_secs(20), async || stage.replicas.value(commands).await == all).await;
}

async fn sessions_hold_on_both(replicas: &Replicas) {
    let status = async |number: usize, token: &str| {
        let answer = http::send(replicas.servers[number].port, Method::GET, "/api/auth/me", Some(token), None).await;
        answer.expect("an answer").status
    };
    for on in [OLD, NEW] {
        let token = replicas.login_at(on).await;
        assert_eq!((status(OLD, &token).await, status(NEW, &token).await), (200, 200), "logged in on {on}");
        // Who logs out on the other one is out on both.
        let port = replicas.servers[1 - on].port;
        let out = http::send(port, Method::POST, "/api/auth/logout", Some(&token), None).await.expect("an answer");
        assert_eq!(out.status, 200, "{}", out.text);
        assert_eq!((status(OLD, &token).await, status(NEW, &token).await), (401, 401));
    }
}

async fn mail_is_sent_once(stage: &Stage) {
    const PEOPLE: usize = 40;
    stage.sendgrid.hesitates(Duration::from_millis(200));
    for number in 0..PEOPLE {
        let new = json!({"email": format!("{number}@mail.test"), "full_name": "Camille", "role": "viewer"});
        let made = stage.replicas.call(number % 2, Method::POST, "/api/users", Some(&new)).await;
        assert_eq!(made.status, 201, "{}", made.text);
    }
    let open = "select count(*)::text from jobs where kind = 'mail' and state <> 'done'";
    until("all have left", Duration::from_secs(60), async || stage.replicas.value(open).await == "0").await;
    let mut to: BTreeMap<String, usize> = BTreeMap::new();
    for mail in stage.sendgrid.taken() {
        let address = mail["personalizations"][0]["to"][0]["email"].as_str().expect("an address").to_owned();
        if address.ends_with("@mail.test") {
            *to.entry(address).or_default() += 1;
        }
    }
    assert_eq!((to.len(), to.values().sum::<usize>()), (PEOPLE, PEOPLE), "{to:?}");
    let senders = [OLD, NEW].map(|number| stage.replicas.log(number).matches("a mail has left").count());
    println!("{PEOPLE} mails: {} left the older server, {} the newer one", senders[OLD], senders[NEW]);
    assert!(senders.iter().all(|sent| *sent > 0), "{senders:?}");
}

async fn what_comes_due_is_done_once(stage: &Stage) {
    let replicas = &stage.replicas;
    let before = "select string_agg(desired_revision::text, ' ' order by site_id) from site_states";
    let numbers = |text: String| text.split(' ').map(|part| part.parse::<i64>().expect("a number")).collect::<Vec<_>>();
    let were = numbers(replicas.value(before).await);
    for (number, member) in stage.members.iter().enumerate() {
        let video = replicas.video(&format!("due {number}.mp4")).await;
        let due = json!({"video_id": video, "target_type": "site", "target_id": member.site, "action": "install",
            "scheduled_at": "2099-01-01T00:00:00Z"});
        let answer = replicas.call(number % 2, Method::POST, "/api/deployments", Some(&due)).await;
        assert!(answer.status < 300, "{}", answer.text);
    }
    replicas
        .sql("update content_deployments set scheduled_at = now() - interval '1 second' where scheduled_at > now()")
        .await;
    let open = "select count(*)::text from content_deployments where started_at is null";
    until("all have begun", Duration::from_secs(40), async || replicas.value(open).await == "0").await;
    // Each looks at least twice more.
    tokio::time::sleep(Duration::from_secs(11)).await;
    let raised: Vec<i64> = were.iter().map(|revision| revision + 1).collect();
    assert_eq!(numbers(replicas.value(before).await), raised, "each order has raised one revision, once");
}

async fn beats_are_kept(stage: &Stage) {
    stage.quiet.send_replace(Quiet::Yes);
    // What was heard is written down every five seconds.
    tokio::time::sleep(Duration::from_secs(7)).await;
    let sum = "select count(distinct site_id)::text || ' ' || count(*) filter (where beats < 10) from site_figures";
    assert_eq!(stage.replicas.value(sum).await, format!("{} 0", BOXES * 2), "each box was heard again and again");
    stage.quiet.send_replace(Quiet::No);
}
