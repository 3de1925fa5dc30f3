//! The conversation with the server: who we are, what is wanted, what there is.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use neopro_box::files::Note;
use neopro_protocol::{Item, ItemState, Media, Reason};
use serde_json::json;

use crate::support::boxed::{KEY, SITE, TestBox, rhythm};
use crate::support::central::Central;
use crate::support::storage::Trouble;
use crate::support::{bytes, media, scratch};

#[tokio::test]
async fn a_box_says_who_it_is_and_lives() {
    let central = Central::start().await;
    let root = scratch("agent-hello");
    let running = TestBox::start(&central, &root).await;
    let claim = central.event("authenticate", 0).await;
    assert_eq!(claim["siteId"], SITE);
    assert_eq!(claim["apiKey"], KEY);
    assert_eq!((&claim["protocol"], &claim["revision"]), (&json!(2), &json!(0)));
    let beat = central.event("heartbeat", 0).await;
    assert_eq!(beat["siteId"], SITE);
    assert!(beat["metrics"]["cpu"].is_null(), "the load is not known at once: {beat}");
    assert!(beat["metrics"]["uptime"].as_f64().is_some_and(|uptime| uptime > 0.0));
    let second = central.event("heartbeat", 1).await;
    assert!(second["metrics"]["cpu"].is_number(), "{second}");
    central.send(r#"42["ping_check",{"timestamp":1}]"#);
    central.event("pong_check", 0).await;
    central.send(r#"42["site_config_updated",{}]"#);
    central.event("heartbeat", 4).await;
    assert_eq!(central.connections().len(), 1, "an unknown event is no reason to go");
    running.stop().await;
}

#[tokio::test]
async fn what_is_wanted_is_kept_acknowledged_and_not_sent_again() {
    let central = Central::start().await;
    let root = scratch("agent-desired");
    let content = bytes(1, 100_000);
    central.storage.put("a.mp4", &content);
    let wanted = media(&content, central.file("a.mp4"));
    let running = TestBox::start(&central, &root).await;
    central.event("authenticate", 0).await;
    central.want(std::slice::from_ref(&wanted));
    assert_eq!(central.event("(ack)", 0).await, json!({"revision": 1}));
    central.reported(&wanted, |item| item.state == ItemState::Installed).await;
    // A revision that is not greater changes nothing, and is acknowledged with the one that is kept.
    central.send(r#"4299["desired",{"revision":1,"media":[]}]"#);
    assert_eq!(central.event("(ack)", 1).await, json!({"revision": 1}));
    central.send(r#"4299["desired",{"revision":"?"}]"#);
    central.cut();
    let claim = central.event("authenticate", 1).await;
    assert_eq!(claim["revision"], 1);
    assert!(running.file(&wanted.sha256).exists());
    running.stop().await;
    let running = TestBox::start(&central, &root).await;
    assert_eq!(central.event("authenticate", 2).await["revision"], 1);
    central.until("the loop", |_| (running.played() == ["Boulangerie"]).then_some(())).await;
    assert_eq!(central.storage.with("a.mp4", |served| served.asked.len()), 1);
    central.heard().await;
    assert_eq!(central.events("(ack)").len(), 2, "what cannot be read is not acknowledged");
    running.stop().await;
}

#[tokio::test]
async fn a_report_is_sent_until_it_is_acknowledged_and_keeps_its_number() {
    let central = Central::start().await;
    central.manners(|manners| manners.acknowledges = false);
    let root = scratch("agent-reports");
    let running = TestBox::start(&central, &root).await;
    central.until("three reports", |central| (central.reports().len() >= 3).then_some(())).await;
    let numbers: BTreeSet<i64> = central.reports().iter().map(|report| report.sequence).collect();
    assert_eq!(numbers.len(), 1, "the same report: {numbers:?}");
    central.cut();
    central.event("authenticate", 1).await;
    let before = central.reports().len();
    central.until("a report", |central| (central.reports().len() > before).then_some(())).await;
    assert!(central.reports().iter().all(|report| numbers.contains(&report.sequence)), "also over a connection");
    central.manners(|manners| manners.acknowledges = true);
    let before = central.reports().len();
    central.until("a report", |central| (central.reports().len() > before).then_some(())).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let acknowledged = central.reports().len();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(central.reports().len(), acknowledged, "an acknowledged report is not sent again");
    // After a restart the numbers go on growing, even if the state was lost.
    running.stop().await;
    std::fs::write(root.join("data/state.sqlite"), "torn").expect("written");
    let running = TestBox::start(&central, &root).await;
    central.until("a report", |central| (central.reports().len() > acknowledged).then_some(())).await;
    let last = central.reports().pop().expect("a report");
    assert!(numbers.iter().all(|number| *number < last.sequence));
    running.stop().await;
}

#[tokio::test]
async fn reports_and_progress_are_paced() {
    let central = Central::start().await;
    let root = scratch("agent-pace");
    let content = bytes(2, 2_000_000);
    let wanted: Vec<_> = (0..4)
        .map(|number| {
            let name = format!("{number}.mp4");
            let mut content = content.clone();
            content[0] = number;
            central.storage.put(&name, &content);
            central.storage.trouble(&name, Trouble::Slow(20_000, Duration::from_millis(5)));
            media(&content, central.file(&name))
        })
        .collect();
    central.want(&wanted);
    let running = TestBox::start(&central, &root).await;
    for media in &wanted {
        central.reported(media, |item| item.state == ItemState::Installed).await;
    }
    // Counted over the whole time: on its way, one may come closer to the one before.
    let paced = |name: &str, times: &[Instant], pace: Duration| {
        let took = times[times.len() - 1] - times[0];
        let most = took.as_millis() / pace.as_millis() + 2;
        assert!(times.len() as u128 <= most, "{} times {name} within {took:?}", times.len());
    };
    let times: Vec<_> = central.timed("reported").into_iter().map(|(_, at)| at).collect();
    paced("reported", &times, rhythm().report);
    for media in &wanted {
        let told = central.timed("deploy_progress").into_iter();
        let told: Vec<_> = told.filter(|(data, _)| data["videoId"] == media.id.to_string()).collect();
        assert!(told.len() >= 3, "{} tellings", told.len());
        assert!(told.windows(2).all(|pair| pair[0].0["progress"].as_f64() < pair[1].0["progress"].as_f64()));
        paced("progress", &told.iter().map(|(_, at)| *at).collect::<Vec<_>>(), rhythm().progress);
    }
    running.stop().await;
}

#[tokio::test]
async fn a_refused_box_waits_long_and_goes_on() {
    let central = Central::start().await;
    central.manners(|manners| manners.refuses = Some("La clé de ce site n'est pas la bonne.".into()));
    let root = scratch("agent-refused");
    let running = TestBox::start(&central, &root).await;
    central.until("three tries", |central| (central.connections().len() >= 3).then_some(())).await;
    let tries = central.connections();
    for pair in tries.windows(2) {
        assert!(pair[1] - pair[0] >= Duration::from_millis(390), "{:?}", pair[1] - pair[0]);
    }
    central.manners(|manners| manners.refuses = None);
    central.event("heartbeat", 0).await;
    running.stop().await;
}

#[tokio::test]
async fn a_lost_server_is_come_back_to_quickly() {
    let central = Central::start().await;
    let root = scratch("agent-lost");
    let running = TestBox::start(&central, &root).await;
    for connection in 0..3 {
        central.event("authenticate", connection).await;
        let beats = central.events("heartbeat").len();
        central.event("heartbeat", beats).await;
        central.send(["41", "", "nonsense"][connection]);
    }
    central.event("authenticate", 3).await;
    running.stop().await;
}

#[tokio::test]
async fn the_document_is_mirrored_when_it_changes_and_without_its_secrets() {
    let central = Central::start().await;
    let root = scratch("agent-mirror");
    std::fs::create_dir_all(root.join("webapp")).expect("a folder");
    let path = root.join("webapp/configuration.json");
    let text = r#"{"auth":{"clubName":"Vitré","password":"s3cr3t"},"version":"2.0"}"#;
    std::fs::write(&path, text).expect("written");
    let running = TestBox::start(&central, &root).await;
    let mirror = central.event("sync_local_state", 0).await;
    assert_eq!(mirror["config"]["auth"], json!({"clubName": "Vitré", "password": "********"}));
    assert_eq!(mirror["configHash"].as_str().map(str::len), Some(16));
    central.event("reported", 0).await;
    central.heard().await;
    central.cut();
    central.event("authenticate", 1).await;
    let beats = central.events("heartbeat").len();
    central.event("heartbeat", beats + 1).await;
    assert_eq!(central.events("sync_local_state").len(), 1, "the server has it already");
    std::fs::write(&path, "{\"auth\":{\"clubName\":\"Ren").expect("written");
    tokio::time::sleep(Duration::from_millis(200)).await;
    std::fs::write(&path, text.replace("Vitré", "Rennes")).expect("written");
    let mirror = central.event("sync_local_state", 1).await;
    assert_eq!(mirror["config"]["auth"]["clubName"], "Rennes");
    central
        .until("the name", |_| (running.library.borrow().club_name.as_deref() == Some("Rennes")).then_some(()))
        .await;
    assert_eq!(std::fs::read_to_string(&path).expect("the file"), text.replace("Vitré", "Rennes"));
    running.stop().await;
}

#[tokio::test]
async fn a_document_that_the_server_may_have_missed_is_sent_again() {
    let central = Central::start().await;
    central.manners(|manners| manners.acknowledges = false);
    let root = scratch("agent-missed");
    std::fs::create_dir_all(root.join("webapp")).expect("a folder");
    let path = root.join("webapp/configuration.json");
    let write = |name: &str| std::fs::write(&path, json!({"club_name": name}).to_string()).expect("written");
    let sent = |central: &Central| -> Vec<String> {
        let names = central.events("sync_local_state").into_iter();
        names.map(|event| event["config"]["club_name"].as_str().expect("a name").to_owned()).collect()
    };
    write("A");
    let running = TestBox::start(&central, &root).await;
    central.event("sync_local_state", 0).await;
    central.cut();
    central.until("A again", |central| (sent(central) == ["A", "A"]).then_some(())).await;
    central.manners(|manners| manners.acknowledges = true);
    let before = central.reports().len();
    central.until("a confirmation", |central| (central.reports().len() > before).then_some(())).await;
    central.heard().await;
    central.cut();
    central.event("authenticate", 2).await;
    let beats = central.events("heartbeat").len();
    central.event("heartbeat", beats + 1).await;
    assert_eq!(sent(&central), ["A", "A"], "the server has it");
    write("B");
    central.until("B", |central| (sent(central) == ["A", "A", "B"]).then_some(())).await;
    write("A");
    central.until("A", |central| (sent(central) == ["A", "A", "B", "A"]).then_some(())).await;
    running.stop().await;
}

#[tokio::test]
async fn what_cannot_be_kept_is_done_and_acknowledged_later() {
    let central = Central::start().await;
    let root = scratch("agent-unkept");
    let content = bytes(4, 50_000);
    central.storage.put("a.mp4", &content);
    let wanted = media(&content, central.file("a.mp4"));
    central.want(std::slice::from_ref(&wanted));
    let running = TestBox::start(&central, &root).await;
    central.reported(&wanted, |item| item.state == ItemState::Installed).await;
    // Nothing can be written, as on a full card.
    let lock = rusqlite::Connection::open(root.join("data/state.sqlite")).expect("opens");
    lock.execute_batch("begin immediate").expect("locked");
    central.want(&[]);
    central.until("the file goes", |_| (!running.file(&wanted.sha256).exists()).then_some(())).await;
    central.until("an empty report", |central| central.reports().pop()?.inventory.is_empty().then_some(())).await;
    assert_eq!(central.events("(ack)"), [json!({"revision": 1})]);
    central.cut();
    assert_eq!(central.event("authenticate", 1).await["revision"], 1, "what is only known is not claimed");
    lock.execute_batch("rollback").expect("unlocked");
    central
        .until("revision 2", |central| central.events("(ack)").contains(&json!({"revision": 2})).then_some(()))
        .await;
    running.stop().await;
}

#[tokio::test]
async fn a_server_of_neopro_1_gets_what_it_knows() {
    let central = Central::start().await;
    central.manners(|manners| manners.is_old = true);
    let root = scratch("agent-old");
    let running = TestBox::start(&central, &root).await;
    central.event("heartbeat", 2).await;
    assert!(central.reports().is_empty());
    running.stop().await;
}

/// Two videos that a box is to have, called "a" and "b".
fn two_videos(central: &Central) -> [Media; 2] {
    ["a", "b"].map(|name| {
        let content = bytes(u64::from(name.as_bytes()[0]), 50_000);
        let file = format!("{name}.mp4");
        central.storage.put(&file, &content);
        Media { name: name.into(), ..media(&content, central.file(&file)) }
    })
}

/// Tells the box that the screen could not play it, and waits until the server has heard of it.
async fn cannot_play(central: &Central, running: &TestBox, media: &Media) -> Item {
    let note = Note::Unplayable { key: media.sha256.clone(), reason: "MEDIA_ERR_DECODE".into() };
    running.notes.send(note).await.expect("told");
    central.reported(media, |item| item.state == ItemState::Failed).await
}

#[tokio::test]
async fn a_file_that_the_screen_cannot_play_is_left_out_until_somebody_asks_again() {
    let central = Central::start().await;
    let root = scratch("agent-unplayable");
    let mut wanted = two_videos(&central);
    central.want(&wanted);
    let running = TestBox::start(&central, &root).await;
    for media in &wanted {
        central.reported(media, |item| item.state == ItemState::Installed).await;
    }
    let item = cannot_play(&central, &running, &wanted[0]).await;
    assert_eq!(item.reason, Some(Reason::Unplayable));
    assert!(item.detail.is_some_and(|detail| detail.contains("MEDIA_ERR_DECODE")));
    central.until("a loop without it", |_| (running.played() == ["b"]).then_some(())).await;
    running.stop().await;
    let running = TestBox::start(&central, &root).await;
    central.until("the loop", |_| (!running.played().is_empty()).then_some(())).await;
    assert_eq!(running.played(), ["b"], "also after a restart");
    wanted[0].attempt = 1;
    central.want(&wanted);
    central.reported(&wanted[0], |item| item.state == ItemState::Installed).await;
    assert_eq!(running.played(), ["a", "b"]);
    running.stop().await;
}

#[tokio::test]
async fn a_loop_is_never_emptied_by_a_screen_that_plays_nothing() {
    let central = Central::start().await;
    let root = scratch("agent-emptied");
    let wanted = two_videos(&central);
    central.want(&wanted);
    let running = TestBox::start(&central, &root).await;
    for media in &wanted {
        central.reported(media, |item| item.state == ItemState::Installed).await;
    }
    for media in &wanted {
        cannot_play(&central, &running, media).await;
    }
    central.until("everything again", |_| (running.played() == ["a", "b"]).then_some(())).await;
    running.stop().await;
    let running = TestBox::start(&central, &root).await;
    central.until("everything after a restart", |_| (running.played() == ["a", "b"]).then_some(())).await;
    // One of them plays after all: it was the browser, and the other one is as good.
    running.notes.send(Note::Playable { key: wanted[1].sha256.clone() }).await.expect("told");
    for media in &wanted {
        central.reported(media, |item| item.state == ItemState::Installed).await;
    }
    assert_eq!(running.played(), ["a", "b"]);
    running.stop().await;
}

#[tokio::test]
async fn a_file_that_cannot_be_played_for_its_bytes_is_fetched_anew() {
    let central = Central::start().await;
    let root = scratch("agent-rotten");
    let content = bytes(5, 300_000);
    central.storage.put("a.mp4", &content);
    let wanted = media(&content, central.file("a.mp4"));
    central.want(std::slice::from_ref(&wanted));
    let running = TestBox::start(&central, &root).await;
    central.reported(&wanted, |item| item.state == ItemState::Installed).await;
    let file = running.file(&wanted.sha256);
    let mut rotten = content.clone();
    rotten[150_000] ^= 1;
    std::fs::write(&file, rotten).expect("written");
    let note = Note::Unplayable { key: wanted.sha256.clone(), reason: "MEDIA_ERR_DECODE".into() };
    running.notes.send(note).await.expect("told");
    central.until("the right bytes", |_| std::fs::read(&file).is_ok_and(|found| found == content).then_some(())).await;
    central.until("the loop", |_| (running.played() == ["Boulangerie"]).then_some(())).await;
    central.reported(&wanted, |item| item.state == ItemState::Installed).await;
    running.stop().await;
}
