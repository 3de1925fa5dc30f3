//! Every event of the live channel, as everybody: nobody, somebody with a wrong key, a person, the box of another site,
//! and the box itself.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use axum::http::Method;
use neopro_fleet::wire::{Said, Wire};
use serde_json::{Value, json};
use tokio_postgres::Client;
use uuid::Uuid;

use super::rights::EVENTS;
use crate::media;
use crate::support::Stage;
use crate::support::stage::key;

/// The server's own words for what boxes say.
const BOXES: &str = include_str!("../../../src/live/boxes.rs");

/// How long it takes until what was heard is on record.
const ON_RECORD: Duration = Duration::from_secs(8);

#[test]
fn no_event_is_without_a_row() {
    let mut known = BTreeSet::new();
    for line in BOXES.lines().map(str::trim) {
        let arm = line.strip_prefix('"').filter(|_| line.contains("=>"));
        let compared = line.split("event.name == \"").nth(1);
        for rest in [arm, compared].into_iter().flatten() {
            known.insert(rest.split('"').next().expect("a word"));
        }
    }
    assert_eq!(known, BTreeSet::from(EVENTS));
}

/// A site with something of everything that its box can speak of.
struct Club {
    site: String,
    video: String,
    command: String,
}

impl Club {
    async fn of(stage: &Stage, name: &str, bytes: &[u8]) -> Self {
        let site = stage.site(name).await;
        let video = stage.upload(&format!("{name}.mp4"), bytes, None).await;
        stage.order(&video, "site", &site, "install").await;
        let waits = json!({"command": "reboot"});
        let path = format!("/api/sites/{site}/command");
        let command =
            stage.call(Method::POST, &path, Some(&waits)).await.json()["commandId"].as_str().expect("an id").to_owned();
        Self { site, video, command }
    }

    /// Everything that its box can say of it.
    fn words(&self) -> [(&'static str, Value); 5] {
        let site = &self.site;
        let item =
            json!({"id": self.video, "sha256": "ab".repeat(32), "state": "failed", "attempts": 3, "reason": "network"});
        [
            (
                "sync_local_state",
                json!({"siteId": site, "configHash": "abc", "config": {"remote": {"title": "Forged"}}}),
            ),
            ("deploy_progress", json!({"siteId": site, "videoId": self.video, "progress": 42})),
            (
                "command_result",
                json!({"siteId": site, "commandId": self.command, "status": "success", "result": {"a": 1}}),
            ),
            (
                "reported",
                json!({"siteId": site, "revision": 1, "sequence": 1, "inventory": [item], "freeBytes": 77, "drift": []}),
            ),
            (
                "heartbeat",
                json!({"siteId": site, "softwareVersion": "6.6.6", "metrics": {"cpu": 66, "localIp": "10.6.6.6"}}),
            ),
        ]
    }

    /// All that is on record of it.
    async fn record(&self, owner: &Client) -> String {
        let tables = owner
            .query(
                "select c.relname::text, a.attname::text from pg_class c join pg_attribute a on a.attrelid = c.oid \
                 where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') \
                   and (a.attname = 'site_id' or c.relname = 'sites' and a.attname = 'id') order by 1",
                &[],
            )
            .await
            .expect("the catalogue");
        assert!(tables.len() > 8);
        let id = Uuid::parse_str(&self.site).expect("an id");
        let mut record = String::new();
        for table in tables {
            let (name, column): (String, String) = (table.get(0), table.get(1));
            let sql = format!(
                "select coalesce(string_agg(t::text, ' ' order by t::text), '') from {name} t where {column} = $1"
            );
            let rows: String = owner.query_one(&sql, &[&id]).await.expect("rows").get(0);
            record += &format!("{name}: {rows}\n");
        }
        record
    }

    /// Waits until its record is another.
    async fn changed(&self, owner: &Client, before: &str, by: &str) {
        until(async || self.record(owner).await != before, &format!("{by} changes something of its own site")).await;
    }
}

async fn until(holds: impl AsyncFn() -> bool, what: &str) {
    let began = tokio::time::Instant::now();
    while !holds().await {
        assert!(began.elapsed() < ON_RECORD + ON_RECORD, "never: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

struct Channel(SocketAddr);

impl Channel {
    async fn open(&self, number: usize) -> Wire {
        Wire::connect(self.0, number).await.expect("a connection")
    }

    /// Who shows this, and what is heard then.
    async fn shows(&self, number: usize, claim: &Value) -> (Wire, Vec<(String, Value)>) {
        let mut wire = self.open(number).await;
        wire.emit("authenticate", claim).await.expect("said");
        let heard = hears(&mut wire, Duration::from_secs(2)).await;
        (wire, heard)
    }
}

/// All that is heard until a moment of silence, or the end. What is asked for is acknowledged.
async fn hears(wire: &mut Wire, silence: Duration) -> Vec<(String, Value)> {
    let mut heard = Vec::new();
    while let Ok(Ok(said)) = tokio::time::timeout(silence, wire.next()).await {
        if let Said::Event { name, data, ack } = said {
            if let (Some(number), "command") = (ack, name.as_str()) {
                wire.acknowledge(number, &json!({"commandId": data["id"]})).await.expect("said");
            } else if let Some(number) = ack {
                wire.acknowledge(number, &json!({"revision": data["revision"]})).await.expect("said");
            }
            heard.push((name, data));
        }
    }
    heard
}

fn claim(site: &str, key: &str, protocol: Option<u32>) -> Value {
    json!({"siteId": site, "apiKey": key, "protocol": protocol, "agentVersion": "2.0.0", "revision": 0,
        "deviceKey": "B".repeat(43) + "=", "capabilities": ["media"]})
}

#[tokio::test]
async fn only_the_box_of_a_site_speaks_for_it() {
    let stage = Stage::start("matrix-sockets").await;
    let owner = stage.db.owner().await;
    let club = Club::of(&stage, "Lyon", media!("faststart.mp4")).await;
    let other = Club::of(&stage, "Brest", media!("late.mp4")).await;
    let channel = Channel(SocketAddr::from(([127, 0, 0, 1], stage.server.port)));
    let stored: String = owner
        .query_one("select api_key from sites where id = $1::text::uuid", &[&club.site])
        .await
        .expect("a row")
        .get(0);
    let before = club.record(&owner).await;

    // Nobody: every event before any key, those too that come with a right one of another's afterwards.
    for (number, (event, data)) in club.words().into_iter().enumerate() {
        let mut wire = channel.open(number).await;
        wire.emit(event, &data).await.expect("said");
        let heard = hears(&mut wire, Duration::from_millis(200)).await;
        assert!(heard.is_empty(), "{event} by nobody: {heard:?}");
        // What is kept until it is known who speaks is his who spoke.
        let _ = wire.emit("authenticate", &claim(&club.site, &key(&other.site), Some(2))).await;
        let heard = hears(&mut wire, Duration::from_secs(2)).await;
        assert!(matches!(heard.as_slice(), [(name, _)] if name == "auth_error"), "{event}: {heard:?}");
    }
    // Somebody with what is no key of this site.
    let (of_other, loud) = (key(&other.site), key(&club.site).to_uppercase());
    let wrong_keys = [of_other.as_str(), stage.token(), &stored, "", " ", &loud, "null"];
    for (number, wrong) in wrong_keys.into_iter().enumerate() {
        for protocol in [None, Some(2)] {
            let (mut wire, heard) = channel.shows(100 + number, &claim(&club.site, wrong, protocol)).await;
            assert!(matches!(heard.as_slice(), [(name, _)] if name == "auth_error"), "{wrong:?}: {heard:?}");
            for (event, data) in club.words() {
                let _ = wire.emit(event, &data).await;
            }
        }
    }
    // The box of another site, of either protocol, says everything of this one.
    for protocol in [None, Some(2)] {
        let (mut wire, heard) = channel.shows(200, &claim(&other.site, &key(&other.site), protocol)).await;
        assert!(heard.iter().any(|(name, _)| name == "authenticated"), "{heard:?}");
        for (event, data) in club.words() {
            wire.emit(event, &data).await.expect("said");
        }
        // It is told of what is its own, and of nothing else, also when something happens there.
        stage
            .call(Method::POST, &format!("/api/sites/{}/command", club.site), Some(&json!({"command": "get_logs"})))
            .await;
        let heard = [heard, hears(&mut wire, Duration::from_secs(1)).await].concat();
        let told = format!("{heard:?}");
        for foreign in [&club.site, &club.video, &club.command] {
            assert!(!told.contains(foreign.as_str()), "protocol {protocol:?} is told of {foreign}: {told}");
        }
        until(async || other.record(&owner).await.contains("10.6.6.6"), "its own heartbeat is heard").await;
        wire.close().await;
    }
    tokio::time::sleep(ON_RECORD).await;
    let after = club.record(&owner).await;
    assert_eq!(without_commands(&after), without_commands(&before), "its own box has said nothing yet");
    assert!(!after.contains("completed") && !after.contains("Forged") && !after.contains("6.6.6"), "{after}");

    // And its own box is heard, in each of its words.
    let (mut wire, heard) = channel.shows(300, &claim(&club.site, &key(&club.site), Some(2))).await;
    assert!(
        ["authenticated", "desired", "command"].iter().all(|name| heard.iter().any(|(said, _)| said == name)),
        "{heard:?}"
    );
    club.changed(&owner, &after, "authenticate").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    for (event, data) in club.words() {
        let before = club.record(&owner).await;
        wire.emit(event, &data).await.expect("said");
        club.changed(&owner, &before, event).await;
    }
    let mut unheard = BTreeSet::from(EVENTS);
    unheard.remove("authenticate");
    club.words().iter().for_each(|(event, _)| assert!(unheard.remove(event)));
    assert!(unheard.is_empty(), "{unheard:?} were never said");
}

/// A record without the commands that people have given meanwhile.
fn without_commands(record: &str) -> Vec<&str> {
    record.lines().filter(|line| !line.starts_with("remote_commands")).collect()
}
