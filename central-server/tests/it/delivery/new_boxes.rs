//! Boxes of protocol 2: they are told a state, and report one.

use std::time::Duration;

use serde_json::{Value, json};

use crate::media;
use crate::support::{Player, Stage};

fn item(media: &Value, state: &str) -> Value {
    json!({"id": media["id"], "sha256": media["sha256"], "state": state, "attempts": 1})
}

fn report(revision: &Value, sequence: i64, inventory: &[Value]) -> Value {
    json!({"ask": ["reported", {"revision": revision, "sequence": sequence, "inventory": inventory,
        "freeBytes": 12_000_000_000u64, "drift": []}]})
}

#[tokio::test]
async fn a_state_is_told_persisted_reported_and_counted_once() {
    let stage = Stage::start("new-box").await;
    let site = stage.site("Gymnase").await;
    let video = stage.upload("Sponsor.mp4", media!("faststart.mp4"), Some("SPONSORS")).await;
    let picture = stage.upload("Affiche.png", media!("picture.png"), Some("Jingles")).await;
    let mut new = Player::start("box2.mjs", stage.server.port, &site, "websocket");
    let welcome = new.says("authenticated").await;
    assert_eq!(welcome["protocol"], 2);
    assert_eq!(welcome["mediaOrigins"], json!([format!("http://localhost:{}", stage.server.port)]));
    assert!(welcome["serverTime"].as_str().is_some_and(|time| time.ends_with('Z')));
    assert!(new.says_within("desired", Duration::from_millis(500)).await.is_none(), "there is nothing yet");

    let order = stage.order(&video, "site", &site, "install").await;
    let desired = new.says("desired").await;
    let media = desired["media"][0].clone();
    assert_eq!((&media["id"], &media["inLoop"], &media["name"]), (&json!(video), &json!(true), &json!("Sponsor.mp4")));
    assert_eq!(media["bytes"], media!("faststart.mp4").len());
    let fetched = crate::support::http::get(stage.server.port, path_of(&media["url"])).await;
    assert_eq!(fetched.bytes.as_ref(), media!("faststart.mp4"), "the address leads to the bytes");

    new.tell(&report(&desired["revision"], 1, &[item(&media, "downloading")])).await;
    assert_eq!(new.says("acknowledged").await["sequence"], 1);
    new.tell(&json!({"emit": ["deploy_progress", {"videoId": video, "progress": 42.7}]})).await;
    let path = format!("/api/deployments/{order}/targets");
    stage.until_it(&path, "at 42 percent", |page| page["data"][0]["progress"] == 42).await;
    new.tell(&report(&desired["revision"], 2, &[item(&media, "installed")])).await;
    new.says("acknowledged").await;
    let done = stage.until(&order, "completed").await;
    let ended = done["completed_at"].clone();

    // The same report again, and an older one: acknowledged, and nothing happens.
    for sequence in [2, 1] {
        new.tell(&report(&desired["revision"], sequence, &[item(&media, "failed")])).await;
        assert_eq!(new.says("acknowledged").await["sequence"], sequence);
    }
    let inventory = stage.get(&format!("/api/sites/{site}/inventory")).await;
    assert_eq!((&inventory["in_sync"], &inventory["free_bytes"]), (&json!(true), &json!(12_000_000_000u64)));
    assert_eq!(inventory["agent_version"], "2.0.0-test");
    assert_eq!(stage.get(&format!("/api/deployments/{order}")).await["completed_at"], ended);

    // A second video, a picture: both are in the next state; the picture has its seconds and does not loop.
    stage.order(&picture, "site", &site, "install").await;
    let desired = new.says("desired").await;
    assert_eq!(desired["media"].as_array().map(Vec::len), Some(2));
    let shown = &desired["media"][1];
    assert_eq!((&shown["mediaType"], &shown["inLoop"]), (&json!("image/png"), &json!(false)));

    // A box that has the revision is not told again; one that lost its memory is.
    new.tell(&json!({"drop": true})).await;
    new.says("authenticated").await;
    assert!(new.says_within("desired", Duration::from_millis(700)).await.is_none());
    new.tell(&json!({"revision": 0})).await;
    new.tell(&json!({"drop": true})).await;
    new.says("authenticated").await;
    assert_eq!(new.says("desired").await["revision"], desired["revision"]);
    new.tell(&report(&desired["revision"], 1, &[item(&media, "installed")])).await;
    new.says("acknowledged").await;
    let inventory = stage.get(&format!("/api/sites/{site}/inventory")).await;
    assert_eq!(inventory["in_sync"], false, "its first report counts although its number is old");
}

fn path_of(url: &Value) -> &str {
    let url = url.as_str().expect("a url");
    &url[url.find("/storage").expect("a path")..]
}

#[tokio::test]
async fn a_report_says_nothing_about_orders_that_crossed_it() {
    let stage = Stage::start("new-crossing").await;
    let site = stage.site("Gymnase").await;
    let video = stage.upload("V.mp4", media!("faststart.mp4"), None).await;
    let mut new = Player::start("box2.mjs", stage.server.port, &site, "websocket");
    let install = stage.order(&video, "site", &site, "install").await;
    let first = new.says("desired").await;
    let removal = stage.order(&video, "site", &site, "remove").await;
    let second = new.says("desired").await;
    assert_eq!(second["media"], json!([]));
    assert_eq!(stage.get(&format!("/api/deployments/{install}")).await["status"], "cancelled", "superseded");
    // From the first state: the file is not there. That is no proof that the removal was carried out.
    new.tell(&report(&first["revision"], 1, &[])).await;
    new.says("acknowledged").await;
    assert_eq!(stage.get(&format!("/api/deployments/{removal}")).await["status"], "pending");
    new.tell(&report(&second["revision"], 2, &[])).await;
    new.says("acknowledged").await;
    stage.until(&removal, "completed").await;
}

#[tokio::test]
async fn a_box_that_gave_up_says_why_and_tries_again_when_asked() {
    let stage = Stage::start("new-failure").await;
    let site = stage.site("Gymnase").await;
    let video = stage.upload("V.mp4", media!("faststart.mp4"), None).await;
    let mut new = Player::start("box2.mjs", stage.server.port, &site, "websocket");
    let order = stage.order(&video, "site", &site, "install").await;
    let desired = new.says("desired").await;
    let mut failed = item(&desired["media"][0], "failed");
    failed["reason"] = json!("disk_full");
    failed["detail"] = json!("Il manque 12 Mo sur la carte SD.\u{0}");
    failed["attempts"] = json!(3);
    new.tell(&report(&desired["revision"], 1, &[failed])).await;
    new.says("acknowledged").await;
    let order_now = stage.until(&order, "failed").await;
    assert_eq!(order_now["error"], "Il manque 12 Mo sur la carte SD.");
    let by_reason = stage.get(&format!("/api/deployments/{order}/targets?reason_code=disk_full&state=failed")).await;
    assert_eq!((&by_reason["pagination"]["total"], &by_reason["data"][0]["attempts"]), (&json!(1), &json!(3)));

    stage.post(&format!("/api/deployments/{order}/retry"), json!({"site_ids": [site]})).await;
    let again = new.says("desired").await;
    assert_eq!(again["media"][0]["attempt"], 1);
    new.tell(&report(&again["revision"], 2, &[item(&again["media"][0], "installed")])).await;
    new.says("acknowledged").await;
    stage.until(&order, "completed").await;
}

#[tokio::test]
async fn what_is_not_acknowledged_is_not_lost() {
    let mut stage = Stage::start("new-deaf").await;
    let site = stage.site("Gymnase").await;
    let video = stage.upload("V.mp4", media!("faststart.mp4"), None).await;
    let mut new = Player::start("box2.mjs", stage.server.port, &site, "websocket");
    new.says("authenticated").await;
    new.tell(&json!({"deaf": true})).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    stage.order(&video, "site", &site, "install").await;
    let unheard = new.says("desired").await;
    // The server dies with what it had said. The box had not kept it, and is told again.
    stage.kill_and_restart().await;
    new.tell(&json!({"deaf": false})).await;
    new.says("authenticated").await;
    assert_eq!(new.says("desired").await["revision"], unheard["revision"]);
    // A report that the server cannot read is not acknowledged, and harms nobody.
    new.tell(&json!({"ask": ["reported", {"revision": "x"}]})).await;
    new.says("unheard").await;
    new.tell(&report(&unheard["revision"], 1, &[item(&unheard["media"][0], "installed")])).await;
    new.says("acknowledged").await;
}

#[tokio::test]
async fn nothing_is_told_to_a_box_before_it_is_welcome() {
    let stage = Stage::start("new-welcome").await;
    let site = stage.site("Gymnase").await;
    let video = stage.upload("V.mp4", media!("faststart.mp4"), None).await;
    let mut new = Player::start("box2.mjs", stage.server.port, &site, "websocket");
    new.says("authenticated").await;
    let is_over = std::cell::Cell::new(false);
    // Another order in every moment, while the box comes again and again, each time as another device.
    let orders = async {
        while !is_over.get() {
            stage.order(&video, "site", &site, "install").await;
        }
    };
    let comings = async {
        for device in 0..40 {
            new.tell(&json!({"deviceKey": format!("device {device}")})).await;
            new.tell(&json!({"drop": true})).await;
            new.says("disconnect").await;
            new.forget();
            assert_eq!(new.says_first(&["authenticated", "desired"]).await, "authenticated", "device {device}");
            new.says("desired").await;
        }
        is_over.set(true);
    };
    tokio::join!(orders, comings);
}

#[tokio::test]
async fn a_box_that_is_ahead_of_a_restored_database_is_caught_up_with() {
    let stage = Stage::start("new-ahead").await;
    let site = stage.site("Gymnase").await;
    let video = stage.upload("V.mp4", media!("faststart.mp4"), None).await;
    stage.order(&video, "site", &site, "install").await;
    let mut new = Player::start("box2.mjs", stage.server.port, &site, "websocket");
    assert_eq!(new.says("desired").await["revision"], 1);
    for (claimed, told) in [(json!(41), 42), (json!(9_007_199_254_740_992u64), 42), (json!(-3), 42)] {
        new.tell(&json!({"revision": claimed})).await;
        new.tell(&json!({"drop": true})).await;
        new.says("authenticated").await;
        let desired = new.says("desired").await;
        assert_eq!((&desired["revision"], desired["media"].as_array().map(Vec::len)), (&json!(told), Some(1)));
    }
}

#[tokio::test]
async fn a_group_gets_it_and_each_site_has_a_row_of_its_own() {
    let stage = Stage::start("new-group").await;
    let (a, b, c) = (stage.site("A").await, stage.site("B").await, stage.site("C").await);
    let group = stage.post("/api/groups", json!({"name": "G", "type": "custom", "site_ids": [a, b, c]})).await;
    let video = stage.upload("V.mp4", media!("faststart.mp4"), None).await;
    let mut boxes = Vec::new();
    for site in [&a, &b] {
        let mut new = Player::start("box2.mjs", stage.server.port, site, "websocket");
        new.says("authenticated").await;
        boxes.push(new);
    }
    let order = stage.order(&video, "group", group["id"].as_str().expect("an id"), "install").await;
    for (index, new) in boxes.iter_mut().enumerate() {
        let desired = new.says("desired").await;
        let state = if index == 0 { "installed" } else { "downloading" };
        new.tell(&report(&desired["revision"], 1, &[item(&desired["media"][0], state)])).await;
        new.says("acknowledged").await;
    }
    let path = format!("/api/deployments/{order}");
    let order_now = stage.until(&order, "in_progress").await;
    assert_eq!(
        (&order_now["total_count"], &order_now["deployed_count"], &order_now["open_count"]),
        (&json!(3), &json!(1), &json!(2))
    );
    let page = stage.get(&format!("{path}/targets")).await;
    let states: Vec<_> = page["data"].as_array().expect("rows").iter().map(|row| row["state"].clone()).collect();
    assert_eq!(states, ["downloading", "pending", "installed"]);

    // The third was away.
    let mut late = Player::start("box2.mjs", stage.server.port, &c, "websocket");
    let desired = late.says("desired").await;
    late.tell(&report(&desired["revision"], 1, &[item(&desired["media"][0], "installed")])).await;
    late.says("acknowledged").await;
    let cancelled = stage.post(&format!("{path}/cancel"), json!({})).await;
    assert_eq!((&cancelled["status"], &cancelled["deployed_count"]), (&json!("completed"), &json!(2)));
    assert_eq!(boxes[1].says("desired").await["media"], json!([]), "who was not done goes back");
    assert!(boxes[0].says_within("desired", Duration::from_millis(500)).await.is_none(), "who was done stays");
}

#[tokio::test]
async fn an_old_box_in_the_place_of_a_new_one_is_asked_anew() {
    let stage = Stage::start("new-old").await;
    let site = stage.site("Gymnase").await;
    let video = stage.upload("V.mp4", media!("faststart.mp4"), None).await;
    let order = stage.order(&video, "site", &site, "install").await;
    let mut new = Player::start("box2.mjs", stage.server.port, &site, "websocket");
    let desired = new.says("desired").await;
    new.tell(&report(&desired["revision"], 1, &[item(&desired["media"][0], "installed")])).await;
    stage.until(&order, "completed").await;
    new.pull_the_plug().await;
    // Its card was changed for one of before: what the other had is not there.
    let mut old = Player::start("agent.mjs", stage.server.port, &site, "websocket");
    assert_eq!(old.says("command").await["type"], "deploy_video");
    old.says("done").await;
    stage.until_it(&format!("/api/sites/{site}/inventory"), "in sync", |inventory| inventory["in_sync"] == true).await;
}
