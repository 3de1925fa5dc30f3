//! A server that is stopped, for a moment or for a long time: nobody takes that for an outage of the fleet, and what was due
//! meanwhile is done once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::http::Method;
use futures_util::StreamExt as _;
use neopro_central::alerts::rules::AlertSettings;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::boxes::Boxed;
use super::{Replicas, until};
use crate::mail::SendGrid;
use crate::mail::sendgrid::Next;
use crate::support::http;

/// Boxes that beat, and come back by themselves after a pause that differs.
struct Crowd {
    sites: Vec<String>,
    stop: watch::Sender<bool>,
    /// How many are connected.
    there: Arc<AtomicUsize>,
    tasks: Vec<JoinHandle<()>>,
}

impl Crowd {
    async fn of(replicas: &Replicas, count: usize) -> Self {
        let (stop, there) = (watch::channel(false).0, Arc::<AtomicUsize>::default());
        let mut crowd = Self { sites: Vec::new(), stop, there, tasks: Vec::new() };
        for number in 0..count {
            let site = replicas.site(&format!("Club {number}")).await;
            let life = live(replicas.servers[0].port, site.clone(), crowd.stop.subscribe(), Arc::clone(&crowd.there));
            crowd.tasks.push(tokio::spawn(life));
            crowd.sites.push(site);
        }
        crowd.is_there(count).await;
        crowd
    }

    async fn is_there(&self, count: usize) -> Duration {
        until("they are connected", Duration::from_secs(60), async || self.there.load(Ordering::Relaxed) == count).await
    }

    async fn ends(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            task.await.expect("a box");
        }
    }
}

async fn live(port: u16, site: String, mut stop: watch::Receiver<bool>, there: Arc<AtomicUsize>) {
    let mut revision = 0;
    while !*stop.borrow() {
        let Some(mut connected) = Boxed::try_connect(port, &site, revision).await else {
            let jitter = u64::from(uuid::Uuid::now_v7().as_bytes()[15]);
            tokio::time::sleep(Duration::from_millis(100 + 4 * jitter)).await;
            continue;
        };
        there.fetch_add(1, Ordering::Relaxed);
        loop {
            tokio::select! {
                told = tokio::time::timeout(Duration::from_secs(10), connected.next()) => match told {
                    Ok(None) => break,
                    Ok(Some(_)) => {}
                    Err(_) if connected.beats().await => {}
                    Err(_) => break,
                },
                _ = stop.changed() => break,
            }
        }
        revision = connected.revision().max(revision);
        there.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The rules of a new installation.
fn rules() -> String {
    json!(AlertSettings::default()).to_string()
}

const ALERTS: &str = "select count(*)::text from alerts where alert_type = 'site_offline'";

/// What the look-out would see at this moment if there had been no gap in its looks; nothing of it stays.
async fn seen_without_a_gap(replicas: &Replicas) -> i64 {
    let owner = replicas.db.owner().await;
    owner
        .batch_execute(&format!(
            "begin; update alert_watch set looked_at = now() - interval '30 seconds', since = now() - interval '1 day'; \
             select neopro_watch('{}', '[]', now())",
            rules()
        ))
        .await
        .expect("a look");
    let row = owner.query_one("select count(*) from alerts where alert_type = 'site_offline'", &[]).await;
    owner.batch_execute("rollback").await.expect("nothing stays");
    row.expect("a row").get(0)
}

/// Has the look-out look now, and after some minutes in which the boxes go on: how many it sees away.
async fn looked(replicas: &Replicas) -> String {
    for minutes in [0, 1, 4] {
        let look = format!("select neopro_watch('{}', '[]', now() + interval '{minutes} minutes')", rules());
        replicas.sql(&format!(
            "update sites set last_seen_at = last_seen_at + interval '{minutes} minutes' where status = 'online'; {look}"
        ))
        .await;
    }
    replicas.value(ALERTS).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_slept_for_twenty_minutes_sees_no_outage_and_does_once_what_was_due() {
    const BOXES: usize = 12;
    let sendgrid = SendGrid::start().await;
    let mail = sendgrid.variables();
    let variables: Vec<(&str, &str)> = mail.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut replicas = Replicas::start("slept", 1, &variables).await;
    let crowd = Crowd::of(&replicas, BOXES).await;
    for (number, site) in crowd.sites.iter().enumerate() {
        let video = replicas.video(&format!("{number}.mp4")).await;
        let due = json!({"video_id": video, "target_type": "site", "target_id": site, "action": "install",
            "scheduled_at": "2099-01-01T00:00:00Z"});
        let answer = replicas.call(0, Method::POST, "/api/deployments", Some(&due)).await;
        assert!(answer.status < 300, "{}", answer.text);
    }
    until("all are on record", Duration::from_secs(10), async || {
        replicas.value("select count(*)::text from sites where status = 'online'").await == BOXES.to_string()
    })
    .await;
    // A mail that has to wait for its next try.
    sendgrid.will(Next::Refuse(503, "", None));
    let new = json!({"email": "noe@mail.test", "full_name": "Noé", "role": "viewer"});
    let made = replicas.call(0, Method::POST, "/api/users", Some(&new)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let waits = "select count(*)::text from jobs where attempts = 1 and lease_until is null and run_at > now()";
    until("it waits", Duration::from_secs(10), async || replicas.value(waits).await == "1").await;
    assert!(replicas.servers[0].terminate().await.success());
    until("nobody is there", Duration::from_secs(10), async || crowd.there.load(Ordering::Relaxed) == 0).await;
    // What comes due while it sleeps, besides: orders, and commands whose time is over.
    let commands = "insert into remote_commands (id, site_id, command_type, status, origin, created_at, executed_at, deadline) \
         select gen_random_uuid(), id, 'get_logs', 'executing', 'person', now(), now(), now() + interval '5 minutes' from sites";
    replicas.sql(commands).await;
    let real = std::env::var("NEOPRO_SLEEP").ok().map(|text| Duration::from_secs(text.parse().expect("seconds")));
    replicas.sql("update content_deployments set scheduled_at = now() + interval '10 minutes'").await;
    replicas.sql("update alert_watch set looked_at = now(), since = now() - interval '1 day'").await;
    match real {
        Some(time) => {
            let half = time.as_secs() / 2;
            replicas.sql(&format!("update content_deployments set scheduled_at = now() + interval '{half} s'")).await;
            tokio::time::sleep(time).await;
        }
        None => set_back_twenty_minutes(&replicas).await,
    }
    assert_eq!(seen_without_a_gap(&replicas).await, 12, "the control: the rows are as old as an outage's");
    let began = Instant::now();
    replicas.again(0).await;
    println!("ready after {:?}; all boxes back after {:?} more", began.elapsed(), crowd.is_there(BOXES).await);
    let raised = "select concat(min(desired_revision), ' ', max(desired_revision), ' ', count(*)) from site_states";
    until("what was due is done", Duration::from_secs(30), async || {
        replicas.value(raised).await == format!("1 1 {BOXES}")
            && replicas.value("select count(*)::text from remote_commands where status = 'timeout'").await
                == BOXES.to_string()
            && replicas.value("select state from jobs").await == "done"
    })
    .await;
    assert_eq!(sendgrid.taken().len(), 1);
    // The session of whoever has the dashboard open.
    let list = replicas.call(0, Method::GET, "/api/sites", None).await;
    assert_eq!(list.status, 200, "{}", list.text);
    if real.is_some() {
        // The look-out of the server itself, longer than a box may be away.
        tokio::time::sleep(Duration::from_secs(400)).await;
        assert_eq!(replicas.value(ALERTS).await, "0");
    }
    assert_eq!(looked(&replicas).await, "0", "no alert for the sleep");
    assert_eq!(replicas.value(raised).await, format!("1 1 {BOXES}"), "once");
    crowd.ends().await;
}

/// Nothing that is written down is younger than twenty minutes; what lies ahead comes nearer by them.
async fn set_back_twenty_minutes(replicas: &Replicas) {
    replicas
        .sql(
            "update sites set last_seen_at = last_seen_at - interval '20 minutes', \
               connected_at = connected_at - interval '20 minutes'; \
             update replicas set seen_at = seen_at - interval '20 minutes', started_at = started_at - interval '20 minutes'; \
             update alert_watch set looked_at = looked_at - interval '20 minutes', since = since - interval '20 minutes'; \
             update jobs set run_at = run_at - interval '20 minutes'; \
             update content_deployments set scheduled_at = scheduled_at - interval '20 minutes', \
               created_at = created_at - interval '20 minutes'; \
             update remote_commands set created_at = created_at - interval '20 minutes', \
               executed_at = executed_at - interval '20 minutes', deadline = deadline - interval '20 minutes'",
        )
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_boxes_are_let_go_at_a_stop_and_come_back_without_an_alert() {
    const BOXES: usize = 200;
    let mut replicas = Replicas::start("let-go", 1, &[]).await;
    let crowd = Crowd::of(&replicas, BOXES).await;
    let address = format!("ws://127.0.0.1:{}/socket.io/?EIO=4&transport=websocket", replicas.servers[0].port);
    let (mut stranger, _) = tokio_tungstenite::connect_async(address).await.expect("a socket");
    let offline = "select count(*)::text from sites where status <> 'online'";
    until("all are on record", Duration::from_secs(20), async || replicas.value(offline).await == "0").await;
    let began = Instant::now();
    let (status, code) = tokio::join!(replicas.servers[0].terminate(), async {
        loop {
            if let Message::Close(frame) = stranger.next().await.expect("a last word").expect("a message") {
                return frame.map(|frame| frame.code);
            }
        }
    });
    let stopped = began.elapsed();
    assert!(status.success() && stopped < Duration::from_secs(10), "{status} after {stopped:?}");
    assert_eq!(code, Some(CloseCode::Restart), "everybody hears that it is only a restart");
    assert_eq!(crowd.there.load(Ordering::Relaxed), 0, "nobody waits for a server that is gone");
    // They were heard of to the end, and are not noted as away.
    let fresh =
        "select count(*)::text from sites where status = 'online' and last_seen_at > now() - interval '15 seconds'";
    assert_eq!(replicas.value(fresh).await, BOXES.to_string());
    assert_eq!(replicas.value("select count(*)::text from jobs where lease_until > now()").await, "0");
    let began = Instant::now();
    replicas.again(0).await;
    let ready = began.elapsed();
    let watched = async {
        let back = crowd.is_there(BOXES);
        tokio::pin!(back);
        loop {
            tokio::select! {
                took = &mut back => return took,
                () = tokio::time::sleep(Duration::from_millis(200)) => assert_eq!(replicas.value(offline).await, "0"),
            }
        }
    };
    println!("{BOXES} boxes: stopped in {stopped:?}, ready in {ready:?}, all back {:?} later", watched.await);
    let me = http::send(replicas.servers[0].port, Method::GET, "/api/auth/me", Some(&replicas.token), None).await;
    assert_eq!(me.expect("an answer").status, 200, "the session has survived");
    assert_eq!(seen_without_a_gap(&replicas).await, 0, "to the look-out they were never away");
    assert_eq!(looked(&replicas).await, "0");
    crowd.ends().await;
}
