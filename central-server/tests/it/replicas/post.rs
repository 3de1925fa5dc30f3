//! Mail that several servers have to send: each once, and what is twice when one is killed has a bound.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::json;

use super::{Replicas, redis, until};
use crate::mail::SendGrid;
use crate::mail::sendgrid::Next;
use crate::support::http;

/// How many jobs a server has at the same time (`TOGETHER` of the worker): what it may have sent and not noted.
const WINDOW: usize = 8;
/// How many people are invited.
const PEOPLE: usize = 60;
/// How long the provider takes to answer: mail is always on its way.
const SLOW: Duration = Duration::from_secs(1);

/// Three servers, and a provider that answers late.
async fn three(name: &str, url: &str) -> (Replicas, SendGrid) {
    let sendgrid = SendGrid::start().await;
    let mail = sendgrid.variables();
    let mut variables: Vec<(&str, &str)> = mail.iter().map(|(name, value)| (*name, value.as_str())).collect();
    variables.push(("REDIS_URL", url));
    let replicas = Replicas::start(name, 3, &variables).await;
    sendgrid.hesitates(SLOW);
    (replicas, sendgrid)
}

/// Invites people on all servers at the same time, and waits until each server is at work.
async fn invite(replicas: &Replicas, sendgrid: &SendGrid) {
    let asked = (0..PEOPLE).map(|number| {
        let (port, token) = (replicas.servers[number % 3].port, &replicas.token);
        let new = json!({"email": format!("{number}@mail.test"), "full_name": "Camille", "role": "viewer"});
        async move { http::send(port, Method::POST, "/api/users", Some(token), Some(&new)).await }
    });
    for answer in futures_util::future::join_all(asked).await {
        let answer = answer.expect("an answer");
        assert_eq!(answer.status, 201, "{}", answer.text);
    }
    let began = Instant::now();
    while sendgrid.taken().len() < WINDOW * 2 {
        assert!(began.elapsed() < Duration::from_secs(20), "mail does not leave");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// How often each job's mail was taken.
fn ledger(sendgrid: &SendGrid) -> BTreeMap<String, usize> {
    let mut ledger = BTreeMap::new();
    for mail in sendgrid.taken() {
        let job = mail["custom_args"]["neopro_job"].as_str().expect("the job").to_owned();
        *ledger.entry(job).or_default() += 1;
    }
    ledger
}

const OPEN: &str = "select count(*)::text from jobs where state <> 'done'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_server_that_is_killed_only_the_mail_on_its_way_is_sent_again() {
    let (_redis, url) = redis();
    let (mut replicas, sendgrid) = three("post-killed", &url).await;
    invite(&replicas, &sendgrid).await;
    replicas.servers[1].kill();
    // What stays behind when the two others have nothing more to do is the dead one's.
    let mut since = (String::new(), Instant::now());
    until("the others are done", Duration::from_secs(30), async || {
        let open = replicas.value(OPEN).await;
        if open != since.0 {
            since = (open, Instant::now());
        }
        since.1.elapsed() > SLOW * 3
    })
    .await;
    let rows = replicas.value("select string_agg(id::text, ' ') from jobs where state <> 'done'").await;
    let held: BTreeSet<String> = rows.split_whitespace().map(str::to_owned).collect();
    assert!((1..=WINDOW).contains(&held.len()), "{held:?}");
    // Two minutes later, in short.
    replicas.sql("update jobs set lease_until = now() where state <> 'done'").await;
    until("all is done", Duration::from_secs(20), async || replicas.value(OPEN).await == "0").await;
    let ledger = ledger(&sendgrid);
    assert_eq!(ledger.len(), PEOPLE, "each is sent");
    let twice: BTreeSet<String> = ledger.iter().filter(|(_, times)| **times > 1).map(|(job, _)| job.clone()).collect();
    assert!(ledger.values().all(|times| *times <= 2), "{ledger:?}");
    assert!(twice.is_subset(&held), "only what the dead one had taken over");
    let tried = replicas.value("select string_agg(id::text, ' ') from jobs where attempts > 1").await;
    assert_eq!(tried.split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>(), held);
    println!("{PEOPLE} mails, one server killed: {} were on their way, {} were sent twice", held.len(), twice.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_stopped_sends_what_it_has_and_nothing_is_sent_twice() {
    let (_redis, url) = redis();
    let (mut replicas, sendgrid) = three("post-stopped", &url).await;
    invite(&replicas, &sendgrid).await;
    let began = Instant::now();
    assert!(replicas.servers[1].terminate().await.success());
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    until("all is done", Duration::from_secs(20), async || replicas.value(OPEN).await == "0").await;
    let ledger = ledger(&sendgrid);
    assert_eq!((ledger.len(), ledger.values().sum::<usize>()), (PEOPLE, PEOPLE), "{ledger:?}");
    let tries = replicas.value("select max(attempts)::text from jobs").await;
    assert_eq!(tries, "1");
    // What takes too long is given back, and not kept for the rest of two minutes.
    sendgrid.hesitates(Duration::ZERO);
    sendgrid.will(Next::Silence);
    let asked = sendgrid.requests();
    let late = json!({"email": "late@mail.test", "full_name": "Camille", "role": "viewer"});
    let made = replicas.call(0, Method::POST, "/api/users", Some(&late)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    until("it is asked", Duration::from_secs(10), async || sendgrid.requests() > asked).await;
    assert_eq!(replicas.value("select count(*)::text from jobs where lease_until > now()").await, "1");
    let began = Instant::now();
    assert!(replicas.servers[0].terminate().await.success());
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    until("the last one sends it", Duration::from_secs(10), async || replicas.value(OPEN).await == "0").await;
    assert_eq!(sendgrid.taken().len(), PEOPLE + 1);
    assert!(replicas.log(0).contains("are given back"), "{}", replicas.log(0));
}
