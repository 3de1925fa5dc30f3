//! What the server has to know in the end: every sign of life, every report and every order of the crowd, whatever
//! others did meanwhile.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use axum::http::Method;
use neopro_fleet::identity::identity;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::attackers::{FLOOD, MIRRORS, Target};
use super::crowd::Account;
use super::wire::SEED;
use crate::support::http::Connection;
use crate::support::{Stage, TestDb};

/// Between two orders.
const ORDERED_EVERY: Duration = Duration::from_millis(100);
/// How long everything may take to come to its end.
const PATIENCE: Duration = Duration::from_secs(40);
/// How many signs of life of one box may be heard in a second, in the long run and at most at once. A box beats twice a
/// minute; one that is not slowed down is heard thousands of times a second.
const MOST_BEATS: i64 = 50;
const MOST_AT_ONCE: i64 = 300;

/// What one site was ordered to have.
#[derive(Debug, Default)]
pub struct Ordered {
    /// How many orders.
    pub orders: usize,
    /// What it is to have now.
    pub wanted: BTreeSet<Uuid>,
}

/// Somebody who orders a video onto one site after the other, and off it again.
pub struct Orders {
    task: JoinHandle<Vec<Ordered>>,
    end: watch::Sender<bool>,
}

impl Orders {
    /// Begins to order this video for the crowd.
    pub fn begin(stage: &Stage, video: &str, crowd: usize) -> Self {
        let (end, ended) = watch::channel(false);
        let (port, token) = (stage.server.port, stage.token().to_owned());
        let video = Uuid::parse_str(video).expect("an id");
        let task = tokio::spawn(async move {
            let mut connection = Connection::open(port).await.expect("a connection");
            let mut ordered: Vec<Ordered> = (0..crowd).map(|_| Ordered::default()).collect();
            // Both protocols in turn.
            for number in (0..crowd / 2).flat_map(|number| [number, number + crowd / 2]).cycle() {
                if *ended.borrow() {
                    break;
                }
                let site = &mut ordered[number];
                let is_install = site.wanted.is_empty();
                let order = json!({"video_id": video, "target_type": "site", "target_id": identity(SEED, number).site,
                    "action": if is_install { "install" } else { "remove" }});
                let answer = connection.send(&Method::POST, "/api/deployments", Some(&token), Some(&order)).await;
                let answer = answer.expect("an answer");
                assert_eq!(answer.status, 201, "{}", answer.text);
                site.orders += 1;
                site.wanted = is_install.then_some(video).into_iter().collect();
                tokio::time::sleep(ORDERED_EVERY).await;
            }
            ordered
        });
        Self { task, end }
    }

    /// No more orders: what was ordered, by the number of the site.
    pub async fn end(self) -> Vec<Ordered> {
        self.end.send_replace(true);
        self.task.await.expect("every order was taken")
    }
}

/// Waits until every order has ended; the complaint if one does not.
pub async fn settle(stage: &Stage, ordered: &[Ordered]) -> Option<String> {
    let orders: usize = ordered.iter().map(|site| site.orders).sum();
    let (owner, began) = (stage.db.owner().await, Instant::now());
    loop {
        let row = owner.query_one("select count(*), count(completed_at) from deployment_targets", &[]).await;
        let (all, ended) = row.map(|row| (row.get::<_, i64>(0), row.get::<_, i64>(1))).expect("counts");
        if (all, ended) == (orders as i64, all) {
            println!("{orders} orders, the last ended {:.1?} after all else", began.elapsed());
            return None;
        }
        if began.elapsed() > PATIENCE {
            return Some(format!("of {orders} orders {all} are known and {ended} have ended"));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Holds what the boxes say against what the server has written down.
pub async fn check(db: &TestDb, accounts: &[Account], ordered: &[Ordered]) -> Vec<String> {
    let began = Instant::now();
    loop {
        let mut wrong = Vec::new();
        for account in accounts {
            wrong.extend(check_one(db, account, &ordered[account.number]).await);
        }
        // What was heard last is written down within five seconds.
        if wrong.is_empty() || began.elapsed() > Duration::from_secs(15) {
            let sum = |count: fn(&Account) -> i64| accounts.iter().map(count).sum::<i64>();
            let answered: usize = accounts.iter().map(|account| account.answered).sum();
            println!("{} beats, {} questions, {answered} answers", sum(|one| one.beats), sum(|one| one.acknowledged));
            wrong.truncate(5);
            return wrong;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn check_one(db: &TestDb, account: &Account, ordered: &Ordered) -> Option<String> {
    let site = identity(SEED, account.number).site;
    let row = db
        .owner()
        .await
        .query_one(
            "select coalesce((select sum(beats) from site_figures where site_id = $1), 0)::bigint, \
               coalesce((select report_sequence from site_states where site_id = $1), 0), \
               array(select video_id from site_inventory where site_id = $1 and state = 'installed')",
            &[&site],
        )
        .await
        .expect("what is known of a site");
    let (beats, sequence, holds): (i64, i64, Vec<Uuid>) = (row.get(0), row.get(1), row.get(2));
    let is_right = account.complaint.is_none()
        && account.acknowledged == account.reported
        && account.acknowledged > 0
        && account.answered >= ordered.orders
        && beats == account.beats
        && sequence == if account.is_new { account.reported } else { 0 }
        && account.holds == ordered.wanted
        && holds.into_iter().collect::<BTreeSet<_>>() == ordered.wanted;
    (!is_right).then(|| format!("{account:?} with {ordered:?}: the server knows {beats} beats and report {sequence}"))
}

/// Whether the box that floods was heard as often as it may be within this time, and no more often; and whether the box
/// whose mirrors are huge has one. The complaints if not.
pub async fn check_attackers(db: &TestDb, target: &Target, since: Instant) -> Vec<String> {
    let owner = db.owner().await;
    let flood = identity(SEED, target.first + FLOOD).site;
    let counted = "select coalesce(sum(beats), 0)::bigint from site_figures where site_id = $1";
    let beats: i64 = owner.query_one(counted, &[&flood]).await.expect("a count").get(0);
    let most = MOST_BEATS * i64::try_from(since.elapsed().as_secs()).unwrap_or_default() + MOST_AT_ONCE;
    println!("the box that floods was heard {beats} times, at most {most}");
    let huge = identity(SEED, target.first + MIRRORS).site;
    let kept = "select coalesce(max(octet_length(configuration::text)), 0) from site_mirrors where site_id = $1";
    let bytes: i32 = owner.query_one(kept, &[&huge]).await.expect("a size").get(0);
    println!("the largest mirror that was kept has {bytes} bytes");
    let heard =
        (!(1..=most).contains(&beats)).then(|| format!("the box that floods was heard {beats} times of {most}"));
    let kept = (bytes < 9_000_000).then(|| format!("of huge mirrors {bytes} bytes were kept"));
    heard.into_iter().chain(kept).collect()
}
