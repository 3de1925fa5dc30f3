//! Commands and time: those that wait for their box or for their turn, and those that are given up.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{BOXES, WHILE, seconds};
use crate::media;
use crate::support::{Player, Stage, Watcher};

#[tokio::test]
async fn what_can_wait_waits_for_its_box_and_the_rest_does_not() {
    let stage = Stage::start("commands-queue").await;
    for (script, transports) in BOXES {
        let site = stage.site(&format!("{script} {transports}")).await;
        let away = stage.command(&site, json!({"command": "get_logs"})).await.expect(StatusCode::OK).json();
        assert_eq!(
            (&away["success"], &away["sent"], &away["queued"], &away["commandId"]),
            (&json!(false), &json!(false), &json!(false), &json!(""))
        );
        for command in ["get_logs", "reboot"] {
            let refused = stage.command(&site, json!({"command": command, "queueIfOffline": false})).await;
            assert_eq!(refused.expect(StatusCode::SERVICE_UNAVAILABLE).code(), "not_connected");
        }
        let hotspot = json!({"command": "update_hotspot", "params": {"ssid": "Club", "password": "n0 bodys business"}});
        let second = stage.waits(&site, hotspot).await;
        let third = stage.waits(&site, json!({"command": "restart_service", "params": {"service": "hostapd"}})).await;
        let first =
            stage.waits(&site, json!({"command": "reboot", "priority": 1, "commandId": uuid::Uuid::now_v7()})).await;
        let row = stage.row(&site, &second).await;
        assert_eq!(
            (&row["status"], &row["executed_at"], &row["pending_command_id"]),
            (&json!("pending"), &Value::Null, &json!(second))
        );
        assert_eq!(row["command_data"], json!({"ssid": "Club", "password": "********"}));
        assert_eq!(seconds(&row["deadline"]) - seconds(&row["created_at"]), 24 * 3_600);
        let repeated = stage.command(&site, json!({"command": "reboot", "commandId": first})).await.json();
        assert_eq!(
            (&repeated["success"], &repeated["sent"], &repeated["queued"]),
            (&json!(true), &json!(false), &json!(true))
        );
        let sql = stage.db.owner().await;
        let clear =
            sql.query_one("select count(*) from remote_commands where remote_commands::text like '%bodys%'", &[]).await;
        assert_eq!(clear.expect("a count").get::<_, i64>(0), 0, "no secret is stored in the clear");

        let mut boxed = stage.boxed(script, &site, transports).await;
        for id in [&first, &second, &third] {
            let told = boxed.says("command").await;
            assert_eq!(told["id"], id.as_str(), "{script}: {told}");
            if id == &second {
                assert_eq!(told["data"], json!({"ssid": "Club", "password": "n0 bodys business"}));
            }
            boxed.emits(script, "command_result", json!({"commandId": id, "status": "success"})).await;
        }
        for id in [&first, &second, &third] {
            stage.until_status(&site, id, "completed").await;
        }
        let sealed = sql.query_one("select count(secrets) from remote_commands", &[]).await;
        assert_eq!(sealed.expect("a count").get::<_, i64>(0), 0, "what has ended keeps no secret");
        assert!(boxed.says_within("command", WHILE).await.is_none());
    }
    let nowhere = uuid::Uuid::now_v7().to_string();
    for body in [
        json!({"command": "reboot"}),
        json!({"command": "get_logs"}),
        json!({"command": "reboot", "queueIfOffline": false}),
    ] {
        assert_eq!(stage.command(&nowhere, body).await.status, 404);
    }
}

#[tokio::test]
async fn time_ends_commands_and_a_late_answer_still_tells_the_truth() {
    let stage = Stage::start("commands-time").await;
    let site = stage.site("Gymnase").await;
    let mut watcher = Watcher::open(stage.server.port, "/api/events", stage.token()).await;
    watcher.says("hello").await;
    let expiring = stage.waits(&site, json!({"command": "reboot", "expiresIn": 1_500})).await;
    let lasting = stage.waits(&site, json!({"command": "reboot", "expiresIn": 60_000})).await;
    let row = stage.until_status(&site, &expiring, "timeout").await;
    assert!(
        row["executed_at"].is_null() && row["completed_at"].is_string() && row["error_message"].is_string(),
        "{row}"
    );
    watcher
        .until("the site, as given up", |name, told| name == "changes" && told["sites"][0]["id"] == site.as_str())
        .await;
    let mut new = stage.boxed("box2.mjs", &site, "websocket").await;
    assert_eq!(new.says("command").await["id"], lasting.as_str(), "what has expired is not told");
    assert!(new.says_within("command", WHILE).await.is_none());
    // It was never told, so nothing can be the answer to it.
    new.answers(json!({"commandId": expiring, "status": "success"})).await;
    assert_eq!(stage.row(&site, &expiring).await["status"], "timeout");

    stage.sql("update remote_commands set deadline = now() where status = 'executing'").await;
    stage.until_status(&site, &lasting, "timeout").await;
    new.answers(json!({"commandId": lasting, "status": "success", "result": {"success": true}})).await;
    let row = stage.row(&site, &lasting).await;
    assert_eq!((&row["status"], &row["error_message"]), (&json!("completed"), &Value::Null));

    // A deaf box is not told again what was given up.
    new.tell(&json!({"deaf": true})).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let unheard = stage.told(&site, json!({"command": "get_config"})).await;
    new.says("command").await;
    stage.sql("update remote_commands set deadline = now() where status = 'executing'").await;
    stage.until_status(&site, &unheard, "timeout").await;
    new.tell(&json!({"drop": true})).await;
    new.says("authenticated").await;
    assert!(new.says_within("command", WHILE).await.is_none());
}

#[tokio::test]
async fn what_a_person_asks_for_and_deployments_do_not_get_in_each_others_way() {
    let stage = Stage::start("commands-beside").await;
    let site = stage.site("Gymnase").await;
    let first = stage.upload("Un.mp4", media!("faststart.mp4"), Some("SPONSORS")).await;
    let second = stage.upload("Deux.mp4", media!("late.mp4"), Some("SPONSORS")).await;
    let mut old = Player::start("agent.mjs", stage.server.port, &site, "websocket");
    old.says("authenticated").await;
    old.tell(&json!({"mute": true})).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    // A log that never comes holds up nothing, and its end is no failed download.
    let log = stage.told(&site, json!({"command": "get_logs"})).await;
    assert_eq!(old.says("command").await["id"], log.as_str());
    let order = stage.order(&first, "site", &site, "install").await;
    let download = old.says("command").await;
    assert_eq!(download["type"], "deploy_video");
    stage.sql("update remote_commands set deadline = now() where command_type = 'get_logs'").await;
    stage.until_status(&site, &log, "timeout").await;
    let path = format!("/api/deployments/{order}/targets");
    let target = stage.get(&path).await["data"][0].clone();
    assert_eq!(
        (&target["state"], &target["attempts"], &target["reason_code"]),
        (&json!("downloading"), &json!(1), &Value::Null)
    );

    // A configuration waits for the download; what changes no file does not.
    let config = json!({"command": "update_config", "params": {"configuration": {"version": "3"}}});
    let waiting = stage.waits(&site, config.clone()).await;
    let info = stage.told(&site, json!({"command": "get_system_info"})).await;
    assert_eq!(old.says("command").await["id"], info.as_str());
    assert!(old.says_within("command", WHILE).await.is_none(), "the configuration waits");
    let result = json!({"commandId": download["id"], "status": "success", "result": {"filename": "Un.mp4"}});
    old.tell(&json!({"emit": ["command_result", result]})).await;
    let told = old.says("command").await;
    assert_eq!(
        (&told["id"], &told["type"], &told["data"]["mode"]),
        (&json!(waiting), &json!("update_config"), &json!("replace"))
    );
    stage.until(&order, "completed").await;

    // And the next download, and the next configuration, wait for the configuration.
    let next = stage.order(&second, "site", &site, "install").await;
    let last = stage.waits(&site, config).await;
    assert!(old.says_within("command", WHILE).await.is_none(), "the download waits");
    old.tell(
        &json!({"emit": ["command_result", {"commandId": waiting, "status": "success", "result": {"success": true}}]}),
    )
    .await;
    assert_eq!(old.says("command").await["id"], last.as_str(), "people go first");
    assert!(old.says_within("command", WHILE).await.is_none());
    // One that is never answered holds it up until it is given up.
    stage
        .sql(
            "update remote_commands set deadline = now() where command_type = 'update_config' and status = 'executing'",
        )
        .await;
    let download = old.says("command").await;
    assert_eq!(download["type"], "deploy_video");
    let result = json!({"commandId": download["id"], "status": "success", "result": {"filename": "Deux.mp4"}});
    old.tell(&json!({"emit": ["command_result", result]})).await;
    stage.until(&next, "completed").await;
    assert_eq!(stage.row(&site, &last).await["status"], "timeout");
    // The commands of deployments are on record as well, as nobody's.
    let row = stage.row(&site, download["id"].as_str().expect("an id")).await;
    assert_eq!((&row["command_type"], &row["executed_by"]), (&json!("deploy_video"), &Value::Null));
}

#[tokio::test]
async fn commands_that_wait_are_bounded_and_those_that_wait_go_when_others_end() {
    let stage = Stage::start("commands-crowded").await;
    let site = stage.site("Gymnase").await;
    let mut ids = Vec::new();
    for _ in 0..100 {
        ids.push(stage.waits(&site, json!({"command": "reboot"})).await);
    }
    let crowded = stage.command(&site, json!({"command": "reboot"})).await.expect(StatusCode::CONFLICT);
    assert_eq!(crowded.code(), "too_many_commands");
    let known = stage.command(&site, json!({"command": "reboot", "commandId": ids[0]})).await;
    assert_eq!(known.expect(StatusCode::OK).json()["queued"], true, "what is there is still answered");
    // More than a connection's queue takes: they come one after the other, each once.
    let mut new = stage.boxed("box2.mjs", &site, "websocket").await;
    let began = Instant::now();
    let mut heard = std::collections::BTreeSet::new();
    while heard.len() < 100 {
        let id = new.says("command").await["id"].as_str().expect("an id").to_owned();
        assert!(heard.insert(id.clone()), "{id} came twice");
        assert!(began.elapsed() < Duration::from_secs(60), "{} of 100", heard.len());
    }
    for id in &ids {
        stage.until_row(&site, id, "received", |row| row["received_at"].is_string()).await;
    }
}
