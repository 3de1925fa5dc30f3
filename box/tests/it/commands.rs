//! Commands of the server: kept, acknowledged, done once, answered until the server has the answer.

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::boxed::TestBox;
use crate::support::central::Central;
use crate::support::scratch;

/// A short while, in which something would have come.
const WHILE: Duration = Duration::from_millis(500);

/// Gives a command that asks to be acknowledged: its id.
fn give(central: &Central, kind: &str) -> String {
    let id = Uuid::now_v7().to_string();
    give_as(central, kind, &id);
    id
}

fn give_as(central: &Central, kind: &str, id: &str) {
    central.send(&format!("42900{}", json!(["command", {"id": id, "type": kind, "data": {}}])));
}

/// What was answered to a command so far.
fn answers(central: &Central, id: &str) -> Vec<Value> {
    central.events("command_result").into_iter().filter(|answer| answer["commandId"] == id).collect()
}

async fn answered(central: &Central, id: &str) -> Value {
    central.until(id, |central| answers(central, id).into_iter().next()).await
}

async fn acknowledged(central: &Central, id: &str, times: usize) {
    let is_ack = |ack: &&Value| ack["commandId"] == id;
    central.until(id, |central| (central.events("(ack)").iter().filter(is_ack).count() == times).then_some(())).await;
}

#[tokio::test]
async fn a_command_is_kept_acknowledged_done_and_answered_once() {
    let central = Central::start().await;
    let root = scratch("commands-once");
    std::fs::create_dir_all(root.join("webapp")).expect("a folder");
    let running = TestBox::start(&central, &root).await;
    central.event("heartbeat", 0).await;
    let none = give(&central, "get_config");
    acknowledged(&central, &none, 1).await;
    let answer = answered(&central, &none).await;
    let nothing = json!({"success": true, "configuration": null, "message": "No configuration file found"});
    assert_eq!((&answer["status"], &answer["result"]), (&json!("success"), &nothing));

    let document = r#"{"auth":{"clubName":"Vitré","password":"s3cr3t"},"version":"2.0"}"#;
    std::fs::write(root.join("webapp/configuration.json"), document).expect("written");
    central.event("sync_local_state", 0).await;
    let config = give(&central, "get_config");
    let answer = answered(&central, &config).await;
    assert_eq!(answer["result"]["configuration"]["auth"], json!({"clubName": "Vitré", "password": "********"}));

    let info = give(&central, "get_system_info");
    let answer = answered(&central, &info).await;
    assert!(answer["result"]["systemInfo"]["hostname"].is_string(), "{answer}");
    assert!(answer["result"]["metrics"]["memory"].is_number(), "{answer}");

    let unknown = give(&central, "reboot");
    let answer = answered(&central, &unknown).await;
    assert!(answer["error"].as_str().is_some_and(|error| error.contains("« reboot »")), "{answer}");
    assert_eq!((&answer["status"], answer.get("result")), (&json!("error"), None));

    // The same again, on this connection and on the next: acknowledged, and not done again.
    give_as(&central, "get_config", &none);
    acknowledged(&central, &none, 2).await;
    central.cut();
    central.event("authenticate", 1).await;
    central.event("heartbeat", central.events("heartbeat").len()).await;
    give_as(&central, "get_config", &none);
    acknowledged(&central, &none, 3).await;
    // What cannot be read is not acknowledged, and no reason to go.
    central.send(r#"42901["command",{"id":"c1","type":"reboot"}]"#);
    central.send(r#"42902["command",null]"#);
    central.heard().await;
    tokio::time::sleep(WHILE).await;
    for id in [&none, &config, &info, &unknown] {
        assert_eq!(answers(&central, id).len(), 1, "{id}");
    }
    assert_eq!(central.events("(ack)").iter().filter(|ack| ack.get("commandId").is_some()).count(), 6);
    assert_eq!(central.connections().len(), 2);
    running.stop().await;
}

#[tokio::test]
async fn an_answer_is_sent_until_it_is_taken_also_over_connections_and_restarts() {
    let central = Central::start().await;
    central.manners(|manners| manners.takes_answers = false);
    let root = scratch("commands-answers");
    let running = TestBox::start(&central, &root).await;
    central.event("heartbeat", 0).await;
    let ids: Vec<String> = (0..30).map(|_| give(&central, "get_config")).collect();
    acknowledged(&central, &ids[29], 1).await;
    // The first ones again and again; the others wait until one is taken.
    central.until("three times", |central| (answers(central, &ids[0]).len() >= 3).then_some(())).await;
    assert_eq!(answers(&central, &ids[29]).len(), 0, "answers that nobody takes do not pile up on the way");
    central.cut();
    central.event("authenticate", 1).await;
    let before = answers(&central, &ids[0]).len();
    central.until("once more", |central| (answers(central, &ids[0]).len() > before).then_some(())).await;
    running.stop().await;
    central.manners(|manners| manners.takes_answers = true);
    let running = TestBox::start(&central, &root).await;
    for id in &ids {
        answered(&central, id).await;
    }
    let all = answers(&central, &ids[0]);
    assert!(all.iter().all(|answer| *answer == all[0]), "the same answer each time");
    tokio::time::sleep(WHILE).await;
    let count = central.events("command_result").len();
    running.stop().await;
    let running = TestBox::start(&central, &root).await;
    central.event("heartbeat", central.events("heartbeat").len()).await;
    tokio::time::sleep(WHILE).await;
    assert_eq!(central.events("command_result").len(), count, "what is taken is not sent again");
    give_as(&central, "get_config", &ids[0]);
    acknowledged(&central, &ids[0], 2).await;
    tokio::time::sleep(WHILE).await;
    assert_eq!(central.events("command_result").len(), count, "nor done again, after a restart");
    running.stop().await;
}

#[tokio::test]
async fn a_command_that_cannot_be_kept_is_neither_done_nor_acknowledged_before_it_is() {
    let central = Central::start().await;
    let root = scratch("commands-unkept");
    let running = TestBox::start(&central, &root).await;
    central.event("heartbeat", 0).await;
    let lock = rusqlite::Connection::open(root.join("data/state.sqlite")).expect("opens");
    lock.execute_batch("begin immediate").expect("locked");
    let id = give(&central, "get_system_info");
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert!(answers(&central, &id).is_empty() && central.events("(ack)").is_empty());
    lock.execute_batch("rollback").expect("unlocked");
    acknowledged(&central, &id, 1).await;
    answered(&central, &id).await;
    running.stop().await;
}

#[tokio::test]
async fn a_server_of_neopro_1_gets_its_answer_once_and_is_asked_nothing() {
    let central = Central::start().await;
    central.manners(|manners| manners.is_old = true);
    let root = scratch("commands-old");
    let running = TestBox::start(&central, &root).await;
    central.event("heartbeat", 0).await;
    let id = Uuid::now_v7().to_string();
    for _ in 0..2 {
        central.send(&format!("42{}", json!(["command", {"id": id, "type": "reboot", "data": {}}])));
    }
    assert_eq!(answered(&central, &id).await["status"], "error");
    tokio::time::sleep(WHILE).await;
    central.cut();
    central.event("authenticate", 1).await;
    tokio::time::sleep(WHILE).await;
    assert_eq!(answers(&central, &id).len(), 1, "such a server repeats commands, and acknowledges nothing");
    assert!(central.events("(ack)").is_empty());
    running.stop().await;
}
