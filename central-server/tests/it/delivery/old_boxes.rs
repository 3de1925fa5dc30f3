//! Boxes of NeoPro 1: commands, one at a time, and never twice.

use std::time::Duration;

use axum::http::Method;
use serde_json::json;

use crate::media;
use crate::support::{Player, Stage};

const BOTH: [&str; 2] = ["websocket,polling", "polling"];

#[tokio::test]
async fn an_old_box_gets_what_is_wanted_one_by_one_and_loses_what_is_not() {
    for (index, transports) in BOTH.into_iter().enumerate() {
        let stage = Stage::start(&format!("old-{index}")).await;
        let site = stage.site("Gymnase").await;
        let first = stage.upload("But de la victoire.mp4", media!("faststart.mp4"), Some("SPONSORS")).await;
        let second = stage.upload("Autre.mp4", media!("late.mp4"), None).await;
        // Ordered while it is away.
        let orders =
            [stage.order(&first, "site", &site, "install").await, stage.order(&second, "site", &site, "install").await];
        let waiting = stage.get(&format!("/api/deployments/{}", orders[0])).await;
        assert_eq!((&waiting["status"], &waiting["total_count"]), (&json!("pending"), &json!(1)));

        let mut old = Player::start("agent.mjs", stage.server.port, &site, transports);
        for _ in 0..2 {
            let command = old.says("command").await;
            assert_eq!((&command["type"], &command["running"]), (&json!("deploy_video"), &json!(1)), "one at a time");
            let data = &command["data"];
            assert!(data["checksum"].as_str().is_some_and(|hash| hash.len() == 64));
            assert!(data["videoUrl"].as_str().is_some_and(|url| url.contains("/storage/v1/object/public/videos/")));
            assert!(orders.iter().any(|order| data["deploymentId"] == order.as_str()));
            old.says("done").await;
        }
        for order in &orders {
            let order = stage.until(order, "completed").await;
            assert_eq!((&order["progress"], &order["deployed_count"]), (&json!(100), &json!(1)));
        }
        assert!(old.folder.join("videos/SPONSORS/But de la victoire.mp4").exists());
        assert!(old.folder.join("videos/default/Autre.mp4").exists(), "no category is `default`");

        let removal = stage.order(&first, "site", &site, "remove").await;
        let command = old.says("command").await;
        assert_eq!(command["type"], "delete_video");
        assert_eq!(command["data"]["filename"], "But de la victoire.mp4");
        stage.until(&removal, "completed").await;
        assert!(!old.folder.join("videos/SPONSORS/But de la victoire.mp4").exists());
        assert!(old.folder.join("videos/default/Autre.mp4").exists());
        let inventory = stage
            .until_it(&format!("/api/sites/{site}/inventory"), "in sync", |inventory| inventory["in_sync"] == true)
            .await;
        assert_eq!(inventory["items"].as_array().map(Vec::len), Some(1));
        assert!(old.says_within("command", Duration::from_secs(2)).await.is_none(), "nothing is left to do");
    }
}

#[tokio::test]
async fn a_cut_in_mid_deployment_repeats_nothing() {
    for (index, transports) in BOTH.into_iter().enumerate() {
        let stage = Stage::start(&format!("old-cut-{index}")).await;
        let site = stage.site("Gymnase").await;
        let video = stage.upload("Long.mp4", &long_video(), Some("SPONSORS")).await;
        let mut old = Player::start("agent.mjs", stage.server.port, &site, transports);
        old.says("authenticated").await;
        old.tell(&json!({"slow": 150})).await;
        let order = stage.order(&video, "site", &site, "install").await;
        old.says("command").await;
        let path = format!("/api/deployments/{order}");
        stage.until_it(&path, "under way", |order| order["status"] == "in_progress" && order["progress"] != 0).await;
        for _ in 0..3 {
            old.tell(&json!({"drop": true})).await;
            old.says("authenticated").await;
        }
        old.says("done").await;
        stage.until(&order, "completed").await;
        assert!(old.says_within("command", Duration::from_secs(3)).await.is_none(), "the command came once");
        let files = std::fs::read_dir(old.folder.join("videos/SPONSORS")).expect("its files").count();
        assert_eq!(files, 1);
        let targets = stage.get(&format!("{path}/targets")).await;
        assert_eq!((&targets["data"][0]["state"], &targets["data"][0]["attempts"]), (&json!("installed"), &json!(1)));
    }
}

/// A real head and enough behind it that its download takes a while.
fn long_video() -> Vec<u8> {
    let content = 12 * 1024 * 1024;
    let start = &media!("faststart.mp4")[..32 + 899];
    let mut video = [start, b"\0\0\0\x01mdat", &(content as u64 + 16).to_be_bytes()].concat();
    video.resize(video.len() + content, 7);
    video
}

#[tokio::test]
async fn a_box_that_died_after_its_download_shows_it_by_its_mirror() {
    let stage = Stage::start("old-mirror").await;
    let site = stage.site("Gymnase").await;
    let video = stage.upload("Vu.mp4", media!("faststart.mp4"), Some("SPONSORS")).await;
    let order = stage.order(&video, "site", &site, "install").await;
    let mut old = Player::start("agent.mjs", stage.server.port, &site, "websocket");
    let command = old.says("command").await;
    old.says("done").await;
    stage.until(&order, "completed").await;
    let folder = old.pull_the_plug().await;

    // As if the answer had been lost: the server waits for it, and the file is there.
    let sql = stage.db.owner().await;
    sql.batch_execute(&format!(
        "update remote_commands set status = 'executing', completed_at = null where id = '{}'; \
         update site_inventory set state = 'downloading', mirrored = false; \
         update deployment_targets set state = 'downloading', completed_at = null",
        command["id"].as_str().expect("an id")
    ))
    .await
    .expect("the owner may");
    let mut again = Player::start("agent.mjs", stage.server.port, &site, "websocket");
    again.says("authenticated").await;
    stage.until(&order, "completed").await;
    assert!(again.says_within("command", Duration::from_secs(2)).await.is_none(), "it is not fetched twice");

    // A club that deletes a file of ours gets it back: it is still wanted.
    std::fs::remove_file(folder.join("videos/SPONSORS/Vu.mp4")).expect("its file");
    std::fs::remove_file(folder.join("configuration.json")).expect("its configuration");
    sql.batch_execute("update remote_commands set deadline = now() - interval '1 minute' where status = 'executing'")
        .await
        .expect("the owner may");
    again.pull_the_plug().await;
    let mut third = Player::start("agent.mjs", stage.server.port, &site, "websocket");
    let command = third.says("command").await;
    assert_eq!(command["type"], "deploy_video");
    third.says("done").await;
    stage.until_it(&format!("/api/sites/{site}/inventory"), "in sync", |inventory| inventory["in_sync"] == true).await;
}

#[tokio::test]
async fn a_failure_is_tried_three_times_and_then_told() {
    let stage = Stage::start("old-failures").await;
    let site = stage.site("Gymnase").await;
    let mut old = Player::start("agent.mjs", stage.server.port, &site, "websocket");
    old.says("authenticated").await;
    let sql = stage.db.owner().await;
    let refused = stage.upload("Refusé.mp4", media!("quicktime.mov"), Some("SPONSORS")).await;
    let mut order = String::new();
    for attempt in 1..=3 {
        old.tell(&json!({"fail": "ENOSPC: no space left on device, write"})).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        if attempt == 1 {
            order = stage.order(&refused, "site", &site, "install").await;
        } else {
            // Instead of minutes, no time at all.
            sql.batch_execute("update site_inventory set retry_at = now()").await.expect("the owner may");
            old.tell(&json!({"drop": true})).await;
        }
        old.says("command").await;
        old.says("failed").await;
        let path = format!("/api/deployments/{order}/targets");
        let target = stage
            .until_it(&path, "told", |page| {
                page["data"][0]["attempts"] == attempt && page["data"][0]["reason_code"] == "disk_full"
            })
            .await;
        let state = if attempt == 3 { "failed" } else { "pending" };
        assert_eq!(target["data"][0]["state"], state, "{target}");
    }
    let failed = stage.until(&order, "failed").await;
    assert_eq!((&failed["failed_count"], &failed["deployed_count"]), (&json!(1), &json!(0)));
    assert!(failed["error"].as_str().is_some_and(|error| error.contains("ENOSPC")));
    old.tell(&json!({"drop": true})).await;
    assert!(old.says_within("command", Duration::from_secs(2)).await.is_none(), "three times are enough");

    let retried = stage.post(&format!("/api/deployments/{order}/retry"), json!({})).await;
    assert_eq!(retried["retried"], 1);
    old.says("done").await;
    stage.until(&order, "completed").await;
}

#[tokio::test]
async fn nobody_speaks_for_another_site() {
    let stage = Stage::start("old-others").await;
    let (mine, yours) = (stage.site("Mien").await, stage.site("Tien").await);
    let video = stage.upload("V.mp4", media!("faststart.mp4"), None).await;
    let mut me = Player::start("agent.mjs", stage.server.port, &mine, "websocket");
    let mut you = Player::start("agent.mjs", stage.server.port, &yours, "websocket");
    me.says("authenticated").await;
    you.says("authenticated").await;
    you.tell(&json!({"mute": true})).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let order = stage.order(&video, "site", &yours, "install").await;
    let command = you.says("command").await;
    for said in [
        json!(["command_result", {"commandId": command["id"], "status": "success", "result": {"filename": "x.mp4"}}]),
        json!(["deploy_progress", {"deploymentId": order, "videoId": video, "progress": 250.5, "completed": true}]),
        json!(["command_result", {"commandId": "no such", "status": "success"}]),
        json!(["command_result", {}]),
        json!(["deploy_progress"]),
        json!(["sync_local_state", {"config": 7}]),
        json!(["update_progress", {"progress": 3.5}]),
    ] {
        me.tell(&json!({ "emit": said })).await;
    }
    tokio::time::sleep(Duration::from_secs(6)).await;
    let target = &stage.get(&format!("/api/deployments/{order}/targets")).await["data"][0];
    assert_eq!((&target["state"], &target["progress"]), (&json!("downloading"), &json!(0)), "{target}");
    // Its own answer counts, once.
    let result = json!({"commandId": command["id"], "status": "success", "result": {"filename": "V.mp4"}});
    for _ in 0..2 {
        you.tell(&json!({"emit": ["command_result", result]})).await;
    }
    stage.until(&order, "completed").await;
}

#[tokio::test]
async fn a_mirror_is_kept_with_its_secrets_apart() {
    let stage = Stage::start("old-secrets").await;
    let site = stage.site("Gymnase").await;
    let mut old = Player::start("agent.mjs", stage.server.port, &site, "websocket");
    old.says("authenticated").await;
    let path = format!("/api/sites/{site}/local-content");
    let content = stage.until_it(&path, "there", |content| content["hasContent"] == true).await;
    assert_eq!(content["configuration"]["auth"]["password"], "********");
    assert_eq!(content["configuration"]["auth"]["clubName"], "CA Vitré");
    assert!(content["configHash"].as_str().is_some_and(|hash| hash.len() == 16));
    let sql = stage.db.owner().await;
    let row = sql.query_one("select m::text, secrets from site_mirrors m", &[]).await.expect("a mirror");
    let (text, sealed): (String, String) = (row.get(0), row.get(1));
    assert!(!text.contains("mot de passe du club") && sealed.starts_with("v2:"), "{text}");
    let secret = std::fs::read_to_string(stage.data_dir.join("mfa-encryption-key")).expect("kept by the server");
    let opened = neopro_central::sealing::Sealer::new(secret.trim_end(), "mirror").open(&site, &sealed);
    let opened = String::from_utf8(opened.expect("it opens")).expect("text");
    assert_eq!(opened, r#"{"/auth/password":"mot de passe du club"}"#);

    // More than a megabyte is a mirror like any other; NUL and nonsense do no harm.
    let long = "x".repeat(1_500_000);
    for config in [json!({"long": long}), json!({"nul": "a\u{0}b"}), json!({"auth": {"password": 5}})] {
        let hash = uuid::Uuid::now_v7().simple().to_string();
        let said = json!({"siteId": "another", "configHash": hash, "config": config, "timestamp": "never"});
        old.tell(&json!({"emit": ["sync_local_state", said]})).await;
        stage.until_it(&path, "another", |content| content["configHash"] == hash.as_str()).await;
    }
    assert_eq!(
        stage.call(Method::GET, "/api/sites/01a2140d-1e46-777d-ae1d-fcbbe9c1485a/local-content", None).await.status,
        404
    );
}

#[tokio::test]
async fn what_never_arrived_needs_no_removal_and_one_that_failed_is_told_again() {
    let stage = Stage::start("old-removals").await;
    let site = stage.site("Gymnase").await;
    let video = stage.upload("V.mp4", media!("faststart.mp4"), Some("SPONSORS")).await;
    let mut old = Player::start("agent.mjs", stage.server.port, &site, "websocket");
    old.says("authenticated").await;
    old.tell(&json!({"fail": "ENOSPC: no space left on device, write"})).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let install = stage.order(&video, "site", &site, "install").await;
    old.says("failed").await;
    stage
        .until_it(&format!("/api/deployments/{install}/targets"), "told", |page| page["data"][0]["attempts"] == 1)
        .await;
    let removal = stage.order(&video, "site", &site, "remove").await;
    stage.until(&removal, "completed").await;
    let inventory = stage.get(&format!("/api/sites/{site}/inventory")).await;
    assert_eq!((&inventory["in_sync"], &inventory["items"]), (&json!(true), &json!([])));

    stage.order(&video, "site", &site, "install").await;
    old.says("done").await;
    stage.until_it(&format!("/api/sites/{site}/inventory"), "in sync", |inventory| inventory["in_sync"] == true).await;
    old.forget();
    let refusal = json!({"fail": "EACCES: permission denied, unlink"});
    old.tell(&refusal).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let removal = stage.order(&video, "site", &site, "remove").await;
    old.says("failed").await;
    stage
        .until_it(&format!("/api/deployments/{removal}/targets"), "told", |page| page["data"][0]["state"] == "pending")
        .await;
    // Two tries are spared: the third ends it.
    let sql = stage.db.owner().await;
    sql.batch_execute("update site_inventory set attempts = 2, retry_at = now()").await.expect("the owner may");
    old.tell(&refusal).await;
    old.tell(&json!({"drop": true})).await;
    old.says("failed").await;
    stage.until(&removal, "failed").await;
    old.forget();
    stage.post(&format!("/api/deployments/{removal}/retry"), json!({})).await;
    assert_eq!(old.says("command").await["type"], "delete_video");
    stage.until(&removal, "completed").await;
}

#[tokio::test]
async fn a_failure_that_comes_too_late_does_not_undo_the_next_try() {
    let stage = Stage::start("old-late").await;
    let site = stage.site("Gymnase").await;
    let video = stage.upload("V.mp4", media!("faststart.mp4"), Some("SPONSORS")).await;
    let mut old = Player::start("agent.mjs", stage.server.port, &site, "websocket");
    old.says("authenticated").await;
    old.tell(&json!({"mute": true})).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let order = stage.order(&video, "site", &site, "install").await;
    let first = old.says("command").await;
    let sql = stage.db.owner().await;
    // Ten minutes pass: the first command is given up, and its next try is due.
    sql.batch_execute("update remote_commands set deadline = now()").await.expect("the owner may");
    old.tell(&json!({"drop": true})).await;
    let path = format!("/api/deployments/{order}/targets");
    stage.until_it(&path, "given up", |page| page["data"][0]["reason_code"] == "timeout").await;
    sql.batch_execute("update site_inventory set retry_at = now()").await.expect("the owner may");
    old.tell(&json!({"mute": false})).await;
    old.tell(&json!({"drop": true})).await;
    old.says("done").await;
    stage.until(&order, "completed").await;

    let late = json!({"commandId": first["id"], "status": "error", "error": "timeout of 600000ms exceeded"});
    old.tell(&json!({"emit": ["command_result", late]})).await;
    old.forget();
    let answered = || async {
        let row = sql.query_one("select count(*) from remote_commands where status = 'failed'", &[]).await;
        row.expect("a count").get::<_, i64>(0) == 1
    };
    let began = std::time::Instant::now();
    while !answered().await {
        assert!(began.elapsed() < Duration::from_secs(20), "the late answer never came");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let inventory = stage.get(&format!("/api/sites/{site}/inventory")).await;
    assert_eq!((&inventory["in_sync"], &inventory["items"][0]["state"]), (&json!(true), &json!("installed")));
    assert!(old.says_within("command", Duration::from_secs(1)).await.is_none(), "it is not fetched once more");
}

#[tokio::test]
async fn a_picture_is_not_sent_to_a_box_that_cannot_show_it() {
    let stage = Stage::start("old-picture").await;
    let site = stage.site("Gymnase").await;
    let picture = stage.upload("Affiche.png", media!("picture.png"), Some("SPONSORS")).await;
    let mut old = Player::start("agent.mjs", stage.server.port, &site, "websocket");
    old.says("authenticated").await;
    for _ in 0..2 {
        let order = stage.order(&picture, "site", &site, "install").await;
        let failed = stage.until(&order, "failed").await;
        assert!(failed["error"].as_str().is_some_and(|error| error.contains("images")), "{failed}");
    }
    assert!(old.says_within("command", Duration::from_secs(1)).await.is_none());
    // And the sweep leaves it at that, also after a second order.
    let sql = stage.db.owner().await;
    let row = sql.query_one("select i.attempt, w.attempt from site_inventory i, site_videos w", &[]).await;
    let row = row.expect("one of each");
    assert_eq!((row.get::<_, i32>(0), row.get::<_, i32>(1)), (1, 1));
    let removal = stage.order(&picture, "site", &site, "remove").await;
    stage.until(&removal, "completed").await;
}
