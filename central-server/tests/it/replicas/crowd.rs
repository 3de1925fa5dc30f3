//! Three servers behind nginx, PgBouncer, PostgreSQL and Redis: how soon what is issued on one reaches a box on another,
//! and that nothing is lost or done twice when one is killed. `cargo xtask soak replicas` runs more of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use axum::http::Method;
use neopro_central::replicas::{Prints, compare};
use serde_json::json;
use tokio::sync::mpsc;

use super::boxes::Boxed;
use super::nginx::Nginx;
use super::{Replicas, redis, until};
use crate::pooler::bouncer::PgBouncer;
use crate::support::{Cluster, http};

/// How many things are issued: some in the tests of every day, more with `NEOPRO_REPLICAS`.
fn issued() -> usize {
    std::env::var("NEOPRO_REPLICAS").ok().and_then(|text| text.parse().ok()).unwrap_or(120)
}

/// Within which what is issued on one replica is to be at a box on another: 99 of 100.
const SOON: Duration = Duration::from_millis(100);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_issued_on_one_reaches_boxes_on_others_within_100_ms() {
    let (_redis, url) = redis();
    let db = Cluster::get().migrated().await;
    let pooler = PgBouncer::in_front_of(&db, "replicas-soon").await;
    let replicas = Replicas::start_on("soon", 3, db, &pooler.url(), &[("REDIS_URL", &url)]).await;
    let (heard_by, mut heard) = mpsc::unbounded_channel();
    let mut sites = Vec::new();
    for number in 0..6 {
        let site = replicas.site(&format!("Club {number}")).await;
        // None at the one that everything is issued on.
        let mut there = Boxed::connect(replicas.servers[1 + number % 2].port, &site).await;
        let heard_by = heard_by.clone();
        tokio::spawn(async move {
            while let Some((name, data)) = there.next().await {
                let named = |media: &serde_json::Value| media["id"].as_str().map(str::to_owned);
                let ids: Vec<String> = match name.as_str() {
                    "command" => named(&data).into_iter().collect(),
                    _ => data["media"].as_array().into_iter().flatten().filter_map(named).collect(),
                };
                if heard_by.send((ids, Instant::now())).is_err() {
                    return;
                }
            }
        });
        sites.push(site);
    }
    until("all are online", Duration::from_secs(20), async || {
        replicas.value("select count(*)::text from sites where status = 'online'").await == "6"
    })
    .await;
    let mut times = Vec::new();
    for turn in 0..issued() {
        let site = &sites[turn % sites.len()];
        let (id, answered) = if turn % 2 == 0 {
            let video = replicas.video(&format!("{turn}.mp4")).await;
            replicas.order(0, &video, site).await;
            (video, Instant::now())
        } else {
            let path = format!("/api/sites/{site}/command");
            let sent = replicas.call(0, Method::POST, &path, Some(&json!({"command": "get_system_info"}))).await.json();
            assert_eq!(sent["sent"], true, "{sent}");
            (sent["commandId"].as_str().expect("an id").to_owned(), Instant::now())
        };
        let at = tokio::time::timeout(Duration::from_secs(10), async {
            loop {
                let (ids, at) = heard.recv().await.expect("boxes");
                if ids.contains(&id) {
                    return at;
                }
            }
        });
        times.push(at.await.expect("it reaches its box").saturating_duration_since(answered));
    }
    times.sort_unstable();
    let of = |share: usize| times[(times.len() * share).div_ceil(100) - 1];
    println!("{} issued: p50 {:?}, p99 {:?}, max {:?} behind the answer", times.len(), of(50), of(99), of(100));
    assert!(of(99) < SOON, "p99 {:?}", of(99));
}

/// A box that comes back through nginx whenever its connection ends; what it was told, until it is stopped.
async fn lasting_box(port: u16, site: String, mut stop: tokio::sync::watch::Receiver<bool>) -> Ledger {
    let mut ledger = Ledger::default();
    let mut revision = 0;
    while !*stop.borrow() {
        let Some(mut connected) = Boxed::try_connect(port, &site, revision).await else {
            tokio::time::sleep(Duration::from_millis(200)).await;
            continue;
        };
        ledger.connections += 1;
        loop {
            tokio::select! {
                told = connected.next() => if told.is_none() { break },
                _ = stop.changed() => break,
            }
        }
        revision = connected.revision().max(revision);
        connected.commands.drain(..).for_each(|command| *ledger.commands.entry(command).or_default() += 1);
        // Each state is a whole one: the last one counts.
        ledger.videos.append(&mut connected.videos);
    }
    ledger
}

#[derive(Debug, Default)]
struct Ledger {
    connections: usize,
    commands: BTreeMap<String, usize>,
    videos: BTreeSet<String>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_is_killed_takes_nothing_with_it() {
    let (_redis, url) = redis();
    let db = Cluster::get().migrated().await;
    let pooler = PgBouncer::in_front_of(&db, "replicas-killed").await;
    let variables = [("REDIS_URL", url.as_str()), ("TRUSTED_PROXY_HOPS", "1")];
    let mut replicas = Replicas::start_on("killed", 3, db, &pooler.url(), &variables).await;
    let nginx = Nginx::before(&replicas.servers).await;
    let (stop, stopping) = tokio::sync::watch::channel(false);
    let (mut sites, mut boxes) = (Vec::new(), Vec::new());
    for number in 0..6 {
        let site = replicas.site(&format!("Club {number}")).await;
        boxes.push(tokio::spawn(lasting_box(nginx.port, site.clone(), stopping.clone())));
        sites.push(site);
    }
    until("boxes are at all replicas", Duration::from_secs(20), async || {
        replicas.value("select count(distinct replica_id)::text from sites where status = 'online'").await == "3"
    })
    .await;
    let kills = (issued() / 120).max(1);
    let mut told: Vec<(String, String)> = Vec::new();
    let mut wanted: Vec<(String, String)> = Vec::new();
    for turn in 0..issued() {
        if turn % 120 == 40 && turn / 120 < kills {
            replicas.servers[1].kill();
        }
        if turn % 120 == 90 && turn / 120 < kills {
            replicas.again(1).await;
        }
        let site = &sites[turn % sites.len()];
        // Through nginx, as everybody comes; again under the same id when the answer was lost.
        if turn % 2 == 0 {
            let video = replicas.video(&format!("{turn}.mp4")).await;
            let order = json!({"video_id": video, "target_type": "site", "target_id": site, "action": "install"});
            if insist(&nginx, &replicas.token, "/api/deployments", &order).await {
                wanted.push((site.clone(), video));
            }
        } else {
            let id = uuid::Uuid::now_v7().to_string();
            let command = json!({"command": "get_system_info", "commandId": id, "queueIfOffline": true});
            assert!(insist(&nginx, &replicas.token, &format!("/api/sites/{site}/command"), &command).await);
            told.push((site.clone(), id));
        }
    }
    let open = "select count(*)::text from remote_commands where status in ('pending', 'executing')";
    until("every command is answered", Duration::from_secs(60), async || replicas.value(open).await == "0").await;
    let behind = "select count(*)::text from site_videos";
    let rows = replicas.value(behind).await;
    assert!(rows.parse::<usize>().expect("a number") >= wanted.len(), "{rows} of {}", wanted.len());
    tokio::time::sleep(Duration::from_secs(6)).await;
    stop.send_replace(true);
    let mut ledgers = BTreeMap::new();
    for (site, ledger) in sites.iter().zip(boxes) {
        ledgers.insert(site.clone(), ledger.await.expect("a ledger"));
    }
    let repeated: usize =
        ledgers.values().flat_map(|ledger| ledger.commands.values()).filter(|told| **told > 1).count();
    for (site, command) in &told {
        assert!(ledgers[site].commands.contains_key(command), "a command was lost");
        assert!(ledgers.iter().all(|(other, ledger)| other == site || !ledger.commands.contains_key(command)));
    }
    for (site, video) in &wanted {
        assert!(ledgers[site].videos.contains(video), "an order was lost");
    }
    let completed = replicas.value("select count(*)::text from remote_commands where status = 'completed'").await;
    assert_eq!(completed, told.len().to_string(), "each is on record once, as done");
    println!(
        "{} commands and {} orders over {kills} kills: none lost, {repeated} told again on a new connection; boxes \
         connected {:?} times",
        told.len(),
        wanted.len(),
        ledgers.values().map(|ledger| ledger.connections).collect::<Vec<_>>()
    );
    // Only who lost its connection before it could say that it had a command hears it again, under the same id.
    assert!(repeated <= kills * 2, "{repeated} commands were told twice");
}

/// Sends until there is an answer.
async fn insist(nginx: &Nginx, token: &str, path: &str, body: &serde_json::Value) -> bool {
    let began = Instant::now();
    loop {
        if let Ok(answer) = http::send(nginx.port, Method::POST, path, Some(token), Some(body)).await
            && answer.status < 300
        {
            return true;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "no answer for {path}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_time_brings_is_done_once_whoever_looks() {
    let (_redis, url) = redis();
    let replicas = Replicas::start("once", 3, &[("REDIS_URL", &url)]).await;
    let count = 30;
    for number in 0..count {
        let site = replicas.site(&format!("Club {number}")).await;
        let video = replicas.video(&format!("{number}.mp4")).await;
        let due = json!({"video_id": video, "target_type": "site", "target_id": site, "action": "install",
            "scheduled_at": "2099-01-01T00:00:00Z"});
        let answer = replicas.call(number % 3, Method::POST, "/api/deployments", Some(&due)).await;
        assert!(answer.status < 300, "{}", answer.text);
    }
    replicas.sql("update content_deployments set scheduled_at = now() - interval '1 second'").await;
    // Overdue commands, at the same time.
    replicas
        .sql(
            "insert into remote_commands (id, site_id, command_type, status, origin, created_at, executed_at, deadline) \
             select gen_random_uuid(), id, 'get_logs', 'executing', 'person', now(), now(), now() - interval '1 second' \
             from sites",
        )
        .await;
    until("all orders are out", Duration::from_secs(30), async || {
        replicas.value("select count(*)::text from site_videos").await == count.to_string()
            && replicas.value("select count(*)::text from remote_commands where status = 'timeout'").await
                == count.to_string()
    })
    .await;
    // Each replica looks at least twice more.
    tokio::time::sleep(Duration::from_secs(11)).await;
    let revisions = "select concat(min(desired_revision), ' ', max(desired_revision), ' ', count(*)) from site_states";
    assert_eq!(replicas.value(revisions).await, format!("1 1 {count}"), "each order has raised one revision, once");
    let targets = "select count(*)::text from deployment_targets";
    assert_eq!(replicas.value(targets).await, count.to_string());
    // The journal is sealed in one chain: each seal begins behind the one before, and together they have every entry.
    let sealed = "select concat(sum(last_entry - first_entry + 1), ' ', count(*) filter (where first_entry > 1 and not exists \
        (select from audit_seals b where b.last_entry = a.first_entry - 1))) from audit_seals a";
    let entries = "select concat(count(*), ' ', 0) from audit_logs";
    until("the journal is sealed", Duration::from_secs(20), async || {
        replicas.value(sealed).await == replicas.value(entries).await
    })
    .await;
    let logged: usize = (0..3).map(|number| replicas.log(number).matches("commands were given up").count()).sum();
    let given_up: usize = (0..3)
        .flat_map(|number| replicas.log(number).lines().map(str::to_owned).collect::<Vec<_>>())
        .filter(|line| line.contains("commands were given up"))
        .filter_map(|line| line.split("commands=").nth(1)?.split_whitespace().next()?.parse::<usize>().ok())
        .sum();
    assert!(logged > 0);
    assert_eq!(given_up, count, "three looked, each command was given up by one");
}

#[tokio::test]
async fn replicas_with_other_secrets_are_found() {
    let mut replicas = Replicas::start("prints", 1, &[]).await;
    let own = |name: &str| super::SECRETS.iter().find(|(known, _)| *known == name).expect("a secret").1;
    let prints = Prints::of(own("JWT_SECRET"), own("MFA_ENCRYPTION_KEY"));
    let db = replicas.db.pool(1);
    let there = compare(&db, &prints).await.expect("the roll");
    assert!(there.len() == 1 && there[0].same_jwt && there[0].same_mfa, "{there:?}");
    replicas.add(&[("JWT_SECRET", "another secret, as long as it has to be, 0123456789")]).await;
    replicas.know_of_each_other().await;
    let there = compare(&db, &prints).await.expect("the roll");
    assert_eq!(
        there.iter().map(|other| (other.same_jwt, other.same_mfa)).collect::<Vec<_>>(),
        [(true, true), (false, true)]
    );
    for number in [0, 1] {
        let log = replicas.log(number);
        let lines: Vec<&str> = log.lines().filter(|line| line.contains("JWT_SECRET diffère")).collect();
        assert_eq!(lines.len(), 1, "{log}");
        assert!(lines[0].contains("étape 6.4"), "{lines:?}");
    }
    // Neither a secret nor anything that one can be read from.
    let row = replicas.value("select string_agg(to_jsonb(r)::text, ' ') from replicas r").await;
    assert!(!row.contains("secret of all") && !row.contains("key of all"), "{row}");
    // Who is stopped is off the roll, who is killed after a while.
    assert!(replicas.servers[1].terminate().await.success());
    assert_eq!(compare(&db, &prints).await.expect("the roll").len(), 1);
}

#[tokio::test]
async fn a_box_whose_replica_was_killed_and_that_does_not_come_back_is_offline_in_the_end() {
    let mut replicas = Replicas::start("dead", 2, &[]).await;
    let (gone, back) = (replicas.site("Parti").await, replicas.site("Revenu").await);
    let _one = Boxed::connect(replicas.servers[1].port, &gone).await;
    let _two = Boxed::connect(replicas.servers[1].port, &back).await;
    let status =
        async |site: &str| replicas.value(&format!("select status::text from sites where id = '{site}'")).await;
    for site in [&gone, &back] {
        until("it is online", Duration::from_secs(10), async || status(site).await == "online").await;
    }
    let mut pair = std::mem::take(&mut replicas.servers);
    pair[1].kill();
    replicas.servers = pair;
    let mut again = Boxed::connect(replicas.servers[0].port, &back).await;
    // A minute and a half go by, in which the one that is back beats.
    replicas.sql(&format!("update sites set last_seen_at = now() - interval '101 seconds' where id = '{gone}'")).await;
    let status =
        async |site: &str| replicas.value(&format!("select status::text from sites where id = '{site}'")).await;
    until("it is offline", Duration::from_secs(35), async || {
        assert!(again.beats().await, "it stays");
        status(&gone).await == "offline"
    })
    .await;
    assert_eq!(status(&back).await, "online");
    let shown = replicas.call(0, Method::GET, &format!("/api/sites/{gone}"), None).await.json();
    assert_eq!(shown["status"], "offline", "{shown}");
}
