//! Boxes of the field that have nothing but HTTP, behind the nginx of the example: they stay at one server, and get what is
//! issued on any. Without its stickiness they do not, and it is said why.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};

use super::boxes::Boxed;
use super::nginx::Nginx;
use super::{Replicas, redis, until};
use crate::support::stage::key;
use crate::support::{Player, http};

/// Addresses that nginx sends to one server each: it looks at their first three numbers.
const CLUBS: [&str; 4] = ["127.1.1.1", "127.1.2.1", "127.1.3.1", "127.1.4.1"];
/// Shorter than a sweep of commands that nobody rang for.
const AT_ONCE: Duration = Duration::from_secs(3);

/// A box that polls, of a new site.
async fn polls(replicas: &Replicas, nginx: &Nginx, from: &str) -> (String, Player) {
    let site = replicas.site(from).await;
    let mut player = Player::start_from(from, "box.mjs", nginx.port, &site, &key(&site), "polling");
    player.says("authenticated").await;
    (site, player)
}

/// Sends a command to a site, at this replica: whether the box hears of it at once.
async fn commands(replicas: &Replicas, number: usize, site: &str, player: &mut Player) -> bool {
    let path = format!("/api/sites/{site}/command");
    let asked = json!({"command": "get_system_info", "queueIfOffline": true});
    let sent = replicas.call(number, Method::POST, &path, Some(&asked)).await;
    assert!(sent.status < 300, "{}", sent.text);
    let id = sent.json()["commandId"].as_str().expect("an id").to_owned();
    let heard = async {
        loop {
            let told = player.says("command").await;
            if told["id"] == id.as_str() {
                // An old box runs one command at a time.
                let result = json!({"commandId": id, "status": "success", "result": {}});
                player.tell(&json!(["command_result", result])).await;
                return;
            }
        }
    };
    tokio::time::timeout(AT_ONCE, heard).await.is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn boxes_that_only_poll_stay_at_one_server_hear_of_all_and_leave_a_dead_one() {
    let (_redis, url) = redis();
    let variables = [("REDIS_URL", url.as_str()), ("TRUSTED_PROXY_HOPS", "1")];
    let mut replicas = Replicas::start("polling", 3, &variables).await;
    let nginx = Nginx::before(&replicas.servers).await;
    let mut polling = Vec::new();
    for from in CLUBS {
        polling.push(polls(&replicas, &nginx, from).await);
    }
    // WebSockets go round, one after the other.
    let mut round = Vec::new();
    for number in 0..3 {
        let site = replicas.site(&format!("WebSocket {number}")).await;
        round.push((Boxed::connect(nginx.port, &site).await, site));
    }
    until("all seats are on record", Duration::from_secs(10), async || {
        replicas.value("select count(*)::text from sites where status = 'online'").await == "7"
    })
    .await;
    let mut seats = Vec::new();
    for (site, _) in &polling {
        seats.push(replicas.seat(site).await);
    }
    let mut sorted = seats.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!((seats[0], sorted), (seats[3], vec![0, 1, 2]), "by their addresses: {seats:?}");
    let mut of_sockets = Vec::new();
    for (_, site) in &round {
        of_sockets.push(replicas.seat(site).await);
    }
    of_sockets.sort_unstable();
    assert_eq!(of_sockets, [0, 1, 2], "in turn");
    // From everywhere to everywhere.
    for issued_on in 0..3 {
        for (site, player) in &mut polling {
            assert!(commands(&replicas, issued_on, site, player).await, "from {issued_on} to a box that polls");
        }
    }
    for (number, (site, player)) in polling.iter_mut().enumerate() {
        assert_eq!(player.says_within("disconnect", Duration::from_millis(100)).await, None, "box {number}");
        assert_eq!(replicas.seat(site).await, seats[number]);
    }
    // Their server dies: they come over to another, the others notice nothing.
    let dead = seats[0];
    replicas.servers[dead].kill();
    for (number, (site, player)) in polling.iter_mut().enumerate() {
        if seats[number] == dead {
            player.says("disconnect").await;
            player.says("authenticated").await;
        } else {
            assert_eq!(player.says_within("disconnect", Duration::from_millis(100)).await, None, "box {number}");
        }
        for issued_on in (0..3).filter(|other| *other != dead) {
            assert!(commands(&replicas, issued_on, site, player).await, "from {issued_on} to box {number}");
        }
    }
    for number in 0..3 {
        let log = replicas.log(number);
        assert!(!log.contains("polling"), "nobody has strayed: {log}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_stickiness_polling_does_not_hold_and_the_box_the_log_and_the_figures_say_why() {
    let (_redis, url) = redis();
    let variables = [("REDIS_URL", url.as_str()), ("TRUSTED_PROXY_HOPS", "1"), ("METRICS_ENABLED", "true")];
    let replicas = Replicas::start("astray", 3, &variables).await;
    let nginx = Nginx::without_stickiness(&replicas.servers).await;
    let site = replicas.site("Polling").await;
    let mut player = Player::start_from(CLUBS[0], "box.mjs", nginx.port, &site, &key(&site), "polling");
    let said = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            let end = player.says("disconnect").await;
            if let Some(answer) = end["answer"].as_str() {
                return answer.to_owned();
            }
        }
    });
    let said: Value = serde_json::from_str(&said.await.expect("it never holds")).expect("JSON");
    assert_eq!(said["code"], 1);
    assert!(said["message"].as_str().is_some_and(|words| words.contains("sticky sessions")), "{said}");
    let warned = || {
        let logs = (0..3).map(|number| replicas.log(number)).collect::<Vec<_>>();
        logs.iter().map(|log| log.lines().filter(|line| line.contains("ip_hash")).count()).collect::<Vec<_>>()
    };
    until("a log says so", Duration::from_secs(30), async || warned().iter().sum::<usize>() > 0).await;
    // It goes on and on; the log does not.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(warned().iter().all(|lines| *lines <= 1), "{:?}", warned());
    let mut strayed = 0;
    for server in &replicas.servers {
        let figures = http::get(server.port, "/metrics").await.text;
        assert!(figures.contains("neopro_replicas{secrets=\"same\"} 3\n"), "{figures}");
        let line = figures.lines().find(|line| line.starts_with("neopro_polling_astray_total ")).expect("a figure");
        strayed += line.rsplit(' ').next().expect("a value").parse::<u64>().expect("a number");
    }
    assert!(strayed >= 3, "{strayed}");
    // Who has a WebSocket is not touched by it.
    let other = replicas.site("WebSocket").await;
    let mut there = Boxed::connect(nginx.port, &other).await;
    let online = format!("select status::text from sites where id = '{other}'");
    until("it is online", Duration::from_secs(10), async || replicas.value(&online).await == "online").await;
    let path = format!("/api/sites/{other}/command");
    let sent = replicas.call(1, Method::POST, &path, Some(&json!({"command": "get_system_info"}))).await;
    assert_eq!(sent.json()["sent"], true, "{}", sent.text);
    assert!(there.hears("command", AT_ONCE).await);
}
