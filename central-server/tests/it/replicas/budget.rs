//! What a day costs at a provider who counts: the guide's plan has 10,000 commands a day. A day is not waited for: what
//! passes in it is done faster than it happens, what time alone costs is counted over real time, and both are multiplied
//! up to a day. `cargo xtask soak replicas` counts ten minutes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::json;

use super::boxes::Boxed;
use super::{Replicas, redis, until};
use crate::support::{Redis, Watcher, http};

/// The guide's plan.
const PLAN: u64 = 10_000;
/// The boxes of the guide's fleet.
const BOXES: usize = 35;
/// In an hour of the day that is counted with: orders to single sites, commands, boxes that come back.
const DAY: [(&str, u64); 3] = [("orders", 300), ("commands", 300), ("arrivals", 35 * 6)];
/// How often a provider may cut a connection that is idle, in a day: every five minutes.
const CUTS: u64 = 288;

/// Real time that is counted: longer than the pause between two questions for a sign of life.
fn counted() -> Duration {
    let whole = std::env::var("NEOPRO_REPLICAS").is_ok();
    Duration::from_secs(if whole { 600 } else { 61 })
}

/// What was asked of Redis while something went on, without the questions of this test.
async fn ledger(redis: &Redis, work: impl Future<Output = ()>) -> BTreeMap<String, u64> {
    let before = redis.commands();
    work.await;
    let mut after = redis.commands();
    for (name, count) in &mut after {
        // The second look: it logs in, and asks.
        let own = u64::from(matches!(name.as_str(), "auth" | "info"));
        *count -= before.get(name).copied().unwrap_or_default();
        *count = count.saturating_sub(own);
    }
    after.retain(|_, count| *count > 0);
    after
}

fn sum(ledger: &BTreeMap<String, u64>) -> u64 {
    ledger.values().sum()
}

/// A box that listens and beats far more often than it would.
fn live(mut there: Boxed) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        // Until its server ends.
        while there.beats().await {
            let until = Instant::now() + Duration::from_millis(900);
            while let Some(left) = until.checked_duration_since(Instant::now()) {
                there.within(left).await;
            }
        }
    })
}

/// What the events of the day cost, each by itself: commands for one order, one command, one arrival.
async fn costs(redis: &Redis, replicas: &Replicas, sites: &[String]) -> [f64; 3] {
    const EACH: usize = 20;
    let pause = || tokio::time::sleep(Duration::from_millis(300));
    let orders = ledger(redis, async {
        for turn in 0..EACH {
            let video = replicas.video(&format!("{}-{turn}.mp4", uuid::Uuid::now_v7())).await;
            replicas.order(0, &video, &sites[turn % sites.len()]).await;
            pause().await;
        }
    })
    .await;
    let commands = ledger(redis, async {
        for turn in 0..EACH {
            let path = format!("/api/sites/{}/command", sites[turn % sites.len()]);
            let sent = replicas.call(0, Method::POST, &path, Some(&json!({"command": "get_system_info"}))).await;
            assert_eq!(sent.status, 200, "{}", sent.text);
            pause().await;
        }
    })
    .await;
    let arrivals = ledger(redis, async {
        for turn in 0..EACH {
            let site = replicas.site(&format!("Nouveau {turn}")).await;
            let there = Boxed::connect(replicas.servers[0].port, &site).await;
            pause().await;
            drop(there);
            pause().await;
        }
    })
    .await;
    println!("{EACH} orders: {orders:?}, {EACH} commands: {commands:?}, {EACH} arrivals and departures: {arrivals:?}");
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    [orders, commands, arrivals].map(|ledger| sum(&ledger) as f64 / EACH as f64)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_of_one_replica_stays_below_the_plan() {
    let (redis, url) = redis();
    let began = redis.commands();
    let replicas = Replicas::start("budget-one", 1, &[("REDIS_URL", &url)]).await;
    until("it listens", Duration::from_secs(10), async || redis.clients() == 1).await;
    let connected = sum(&redis.commands()) - sum(&began);
    println!("to start: about {connected} commands, those of this test included: {:?}", redis.commands());
    let mut sites = Vec::new();
    for number in 0..BOXES {
        let site = replicas.site(&format!("Club {number}")).await;
        live(Boxed::connect(replicas.servers[0].port, &site).await);
        sites.push(site);
    }
    let mut watcher = Watcher::open(replicas.servers[0].port, "/api/events", &replicas.token).await;
    watcher.says("hello").await;
    tokio::spawn(async move { while watcher.within(Duration::from_secs(30)).await.is_some() {} });

    // Time: probes a hundred times as often as a platform's, heartbeats thirty times as often as a box's.
    let (time, port) = (counted(), replicas.servers[0].port);
    let idle = ledger(&redis, async {
        let began = Instant::now();
        while began.elapsed() < time {
            for path in ["/health", "/ready", "/live", "/api/health"] {
                http::get(port, path).await;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    println!("{time:?} with {BOXES} boxes, an open dashboard, probes and heartbeats: {idle:?}");
    let a_day = 86_400 / time.as_secs();
    let costs = costs(&redis, &replicas, &sites).await;
    assert_eq!(costs, [0.0; 3], "who is alone has nobody to tell");
    // A cut connection: who we are, the subscription, and that we are there.
    let again = ledger(&redis, async {
        redis.ask(&["client", "kill", "type", "pubsub"]);
        until("it listens again", Duration::from_secs(20), async || {
            http::get(port, "/health").await.text.contains("\"name\":\"Redis\",\"status\":\"healthy\"")
        })
        .await;
        tokio::time::sleep(Duration::from_secs(2)).await;
    })
    .await;
    println!("a cut connection: {again:?}, with two commands of this test");
    let day = sum(&idle) * (a_day + 1) + CUTS * sum(&again);
    println!(
        "a day: {} for time, {} for {CUTS} cut connections: {day} of {PLAN}",
        sum(&idle) * a_day,
        CUTS * sum(&again)
    );
    assert!(day < PLAN, "{day}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_of_two_replicas_stays_below_the_plan_as_well() {
    let (redis, url) = redis();
    let replicas = Replicas::start("budget-two", 2, &[("REDIS_URL", &url)]).await;
    let mut sites = Vec::new();
    for number in 0..BOXES {
        let site = replicas.site(&format!("Club {number}")).await;
        live(Boxed::connect(replicas.servers[number % 2].port, &site).await);
        sites.push(site);
    }
    until("all are online", Duration::from_secs(20), async || {
        replicas.value("select count(*)::text from sites where status = 'online'").await == BOXES.to_string()
    })
    .await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    let beats = ledger(&redis, tokio::time::sleep(Duration::from_secs(15))).await;
    assert!(!beats.contains_key("publish"), "heartbeats ring for nobody: {beats:?}");
    let costs = costs(&redis, &replicas, &sites).await;
    assert!(costs[0] >= 1.0 && costs[1] >= 1.0, "what is done is said: {costs:?}");
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let events: f64 = DAY.iter().zip(costs).map(|((_, count), cost)| *count as f64 * cost).sum();
    // Both ask for a sign of life once a minute.
    let day = events + 2.0 * 1_440.0;
    println!(
        "a day of {DAY:?} on two replicas: {costs:?} commands each, {events:.0} in all, {day:.0} with signs of life"
    );
    assert!(day < 10_000.0, "{day}");
}
