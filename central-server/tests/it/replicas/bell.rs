//! The bell between two replicas: who is told what, how soon, and what becomes of it when Redis goes.

use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::json;

use super::boxes::Boxed;
use super::{Replicas, redis, until};
use crate::support::{Redis, Watcher};

/// Shorter than any sweep: what comes within it was rung for.
const AT_ONCE: Duration = Duration::from_secs(2);
/// A sweep of a replica that cannot hear the others, and some time for a busy machine.
const ONE_SWEEP: Duration = Duration::from_secs(8);

#[tokio::test]
async fn what_is_done_on_one_replica_is_known_on_the_other_at_once() {
    let (redis, url) = redis();
    let replicas = Replicas::start("bell-at-once", 2, &[("REDIS_URL", &url)]).await;
    let (site, video) = (replicas.site("Gymnase").await, replicas.video("a.mp4").await);
    let mut there = Boxed::connect(replicas.servers[1].port, &site).await;
    until("the site is online", Duration::from_secs(10), async || {
        replicas.value("select status::text from sites").await == "online"
    })
    .await;
    let mut watcher = Watcher::open(replicas.servers[1].port, "/api/events", &replicas.token).await;
    watcher.says("hello").await;

    // An order: the box is told, and whoever looks at the other replica sees it.
    let order = replicas.order(0, &video, &site).await;
    assert!(there.hears("desired", AT_ONCE).await, "the box is told by the replica that it is connected to");
    let sees = |name: &str, data: &serde_json::Value| {
        name == "changes" && data["deployments"].as_array().is_some_and(|all| all.iter().any(|one| one["id"] == order))
    };
    let began = Instant::now();
    watcher.until("the order", sees).await;
    assert!(began.elapsed() < AT_ONCE);

    // A command that does not wait for boxes that are away: this one is not, wherever it is asked.
    let command = json!({"command": "get_system_info", "queueIfOffline": false});
    let path = format!("/api/sites/{site}/command");
    let sent = replicas.call(0, Method::POST, &path, Some(&command)).await;
    assert_eq!(sent.json()["sent"], true, "{}", sent.text);
    assert!(there.hears("command", AT_ONCE).await);

    // A renewed key closes its connection.
    let renewed = replicas.call(0, Method::POST, &format!("/api/sites/{site}/regenerate-key"), None).await;
    assert_eq!(renewed.status, 200, "{}", renewed.text);
    assert!(there.is_ended(AT_ONCE).await, "the box with the old key");

    // Who logs out on one has no stream on the other.
    let out = replicas.call(0, Method::POST, "/api/auth/logout", None).await;
    assert_eq!(out.status, 200, "{}", out.text);
    let began = Instant::now();
    watcher.until("the end", |name, _| name == "end").await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(redis.clients(), 4, "two connections a replica");
}

#[tokio::test]
async fn a_box_that_moves_to_another_replica_has_one_connection_and_stays_online() {
    let (_redis, url) = redis();
    let replicas = Replicas::start("bell-moves", 2, &[("REDIS_URL", &url)]).await;
    let site = replicas.site("Gymnase").await;
    let mut before = Boxed::connect(replicas.servers[0].port, &site).await;
    let row = "select concat_ws(' ', status, replica_id is not null) from sites";
    until("it is online", Duration::from_secs(10), async || replicas.value(row).await == "online t").await;
    // Its old connection is half open: nobody has closed it.
    let mut after = Boxed::connect(replicas.servers[1].port, &site).await;
    assert!(before.is_ended(AT_ONCE).await, "the old replica has let go");
    assert!(!after.is_ended(Duration::from_millis(500)).await);
    // Longer than news wait to be written down: the end of the old connection says nothing.
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(7) {
        assert_eq!(replicas.value(row).await, "online t");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // And both say the same of it.
    for number in [0, 1] {
        let shown = replicas.call(number, Method::GET, &format!("/api/sites/{site}"), None).await.json();
        assert_eq!(shown["status"], "online", "{shown}");
    }
    assert_eq!(
        replicas
            .call(
                0,
                Method::POST,
                &format!("/api/sites/{site}/command"),
                Some(&json!({"command": "get_logs", "queueIfOffline": false}))
            )
            .await
            .json()["sent"],
        true
    );
    assert!(after.hears("command", AT_ONCE).await);
}

#[tokio::test]
async fn without_redis_everything_is_found_by_the_sweep() {
    let (mut redis, url) = redis();
    let replicas = Replicas::start("bell-gone", 2, &[("REDIS_URL", &url)]).await;
    let sites = [replicas.site("Un").await, replicas.site("Deux").await];
    let mut one = Boxed::connect(replicas.servers[1].port, &sites[0]).await;
    let mut two = Boxed::connect(replicas.servers[1].port, &sites[1]).await;
    let mut watcher = Watcher::open(replicas.servers[1].port, "/api/events", &replicas.token).await;
    watcher.says("hello").await;
    redis.stop();
    for number in [0, 1] {
        until("its health says so", Duration::from_secs(10), async || {
            replicas.redis_of(number).await["status"] == "degraded"
        })
        .await;
    }
    // Let what was rung for before pass.
    while watcher.within(Duration::from_millis(700)).await.is_some() {}

    let video = replicas.video("a.mp4").await;
    replicas.order(0, &video, &sites[0]).await;
    let began = Instant::now();
    assert!(one.hears("desired", ONE_SWEEP).await, "an order within one sweep");
    println!("an order without Redis took {:?}", began.elapsed());
    watcher.until("that something has changed", |name, _| name == "changes").await;
    assert!(began.elapsed() < ONE_SWEEP * 2);
    let renewed = replicas.call(0, Method::POST, &format!("/api/sites/{}/regenerate-key", sites[1]), None).await;
    assert_eq!(renewed.status, 200);
    assert!(two.is_ended(ONE_SWEEP).await, "a renewed key within one sweep");
    let moved = Boxed::connect(replicas.servers[0].port, &sites[0]).await;
    assert!(one.is_ended(ONE_SWEEP * 2).await, "a box that has moved, once that is written down");
    drop(moved);

    // One line a trouble and replica, which says what it is and where to look.
    tokio::time::sleep(Duration::from_secs(3)).await;
    for number in [0, 1] {
        let log = replicas.log(number);
        let warnings: Vec<&str> = log.lines().filter(|line| line.contains("WARN") && line.contains("Redis")).collect();
        assert!((1..=2).contains(&warnings.len()), "{warnings:#?}");
        assert!(warnings.iter().all(|line| line.contains("étape 4") && line.contains("5 s au plus")), "{warnings:?}");
    }
    // It comes back by itself.
    redis.run();
    for number in [0, 1] {
        until("it is back", Duration::from_secs(40), async || replicas.redis_of(number).await["status"] == "healthy")
            .await;
    }
    let mut again = Boxed::connect(replicas.servers[1].port, &sites[0]).await;
    while again.within(Duration::from_millis(300)).await.is_some() {}
    replicas.order(0, &replicas.video("b.mp4").await, &sites[0]).await;
    assert!(again.hears("desired", AT_ONCE).await);
}

#[tokio::test]
async fn a_connection_that_is_cut_fifty_times_is_made_anew_and_garbage_does_no_harm() {
    let (redis, url) = redis();
    let replicas = Replicas::start("bell-cut", 2, &[("REDIS_URL", &url)]).await;
    let site = replicas.site("Gymnase").await;
    let mut there = Boxed::connect(replicas.servers[1].port, &site).await;
    let listens = |redis: &Redis| redis.ask(&["pubsub", "numsub", "neopro:bell"]).ends_with("\n2");
    for _ in 0..50 {
        until("both listen", Duration::from_secs(40), async || listens(&redis)).await;
        for kind in ["pubsub", "normal"] {
            redis.ask(&["client", "kill", "type", kind]);
        }
    }
    until("both listen", Duration::from_secs(40), async || listens(&redis)).await;
    let (long, id) = ("x".repeat(100_000), uuid::Uuid::now_v7());
    let others = [
        String::new(),
        "garbage".into(),
        long,
        "[".repeat(5_000),
        json!({"v": 2, "from": id, "work": {"site": site}}).to_string(),
        json!({"v": 1, "from": id, "work": [17]}).to_string(),
        json!({"v": 1, "from": id, "sites": [site], "more": {"of": "a newer server"}}).to_string(),
        json!({"v": 1, "from": id, "keys": "all", "seats": "all", "work": "all"}).to_string(),
    ];
    for message in &others {
        assert_eq!(redis.say(message), 2, "both hear it");
    }
    replicas.order(0, &replicas.video("a.mp4").await, &site).await;
    assert!(there.hears("desired", AT_ONCE).await, "and go on");
    for number in [0, 1] {
        assert!(!replicas.log(number).contains("panicked"), "{}", replicas.log(number));
    }
}
