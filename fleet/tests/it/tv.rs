//! A deployed video plays on a TV page: real boxes, a real browser, real files.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;

use crate::harness::{Browser, Central, RealBox, root};

/// Mean luminance, of 255. The darkest picture of a clip is far above, and so is any mixture of two.
const BLACK: f64 = 60.0;

/// How many items take the place of others: a slice here, the whole in `cargo xtask soak`.
fn transitions() -> u64 {
    std::env::var("NEOPRO_TV_TRANSITIONS").ok().and_then(|number| number.parse().ok()).unwrap_or(12)
}

fn number(seen: &Value, name: &str) -> f64 {
    seen[name].as_f64().unwrap_or_else(|| panic!("{name} is a number: {seen}"))
}

fn order(seen: &Value) -> Vec<String> {
    seen["order"].as_array().expect("a list").iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Whether what was seen is as a spectator wants it; the reason if not.
fn judge(seen: &Value, transitions: u64) -> Result<(), String> {
    for darkest in ["darkest", "darkest_presented", "darkest_shot"] {
        if number(seen, darkest) <= BLACK {
            return Err(format!("{darkest} is {}", number(seen, darkest)));
        }
    }
    // A detector that looks away finds nothing.
    let looked = number(seen, "presented") > 15.0 * transitions as f64 && number(seen, "shots_per_second") > 5.0;
    let played = number(seen, "transitions") >= transitions as f64;
    if looked && played { Ok(()) } else { Err(format!("too little was seen: {seen}")) }
}

/// Two browsers at once have half a processor each, and pictures are late.
pub static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn what_is_deployed_to_a_group_plays_in_turn_without_a_black_picture_and_without_the_server() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let media = root().join("box/tests/media");
    let mut central = Central::start("tv");
    let sites = [central.site("Vitré"), central.site("Fougères")];
    let group = central.group(&sites);
    let configuration =
        r#"{"auth":{"clubName":"CA Vitré","password":"motdepasse"},"sponsors":[],"unknown":{"kept":1.50}}"#;
    let mut boxes = sites.each_ref().map(|site| RealBox::start(&central, site, Some(configuration)));
    let mut browsers = boxes.each_ref().map(Browser::open);
    browsers[0].until("the safe screen", Duration::from_secs(30), |seen| seen["screen"] == "safe");

    let videos = ["orange.mp4", "green.mp4"].map(|name| central.upload(&media.join(name), Some("SPONSORS")));
    for video in &videos {
        let order = central.order(video, "group", &group, "install");
        let done = central.until(&format!("/api/deployments/{order}"), Duration::from_secs(60), |order| {
            order["status"] == "completed"
        });
        assert_eq!((done["deployed_count"].as_i64(), done["total_count"].as_i64()), (Some(2), Some(2)));
    }
    browsers.iter_mut().for_each(playing);
    // Whoever asks the box for its configuration gets it without its secrets.
    let text = std::process::Command::new("curl")
        .args(["-sS", &format!("http://127.0.0.1:{}/configuration.json", boxes[0].port)])
        .output()
        .expect("curl runs");
    assert_eq!(
        String::from_utf8_lossy(&text.stdout),
        r#"{"auth":{"clubName":"CA Vitré"},"sponsors":[],"unknown":{"kept":1.50}}"#
    );

    // The other screen is not looked at meanwhile: two browsers at once are late on a small machine.
    let [first, second] = browsers;
    drop(second);
    let mut browser = first;
    let seen = browser.watch(transitions());
    println!("{}", without_order(&seen));
    judge(&seen, transitions()).expect("no black picture");
    let shown = order(&seen);
    assert_eq!(shown.iter().collect::<BTreeSet<_>>().len(), 2, "both play: {shown:?}");
    assert!(shown.windows(2).all(|pair| pair[0] != pair[1]), "in turn: {shown:?}");

    // The server goes; a picture goes; the TV goes on.
    central.kill();
    let seen = browser.watch(4);
    judge(&seen, 4).expect("the TV goes on without the server");
    assert_eq!(order(&seen).iter().collect::<BTreeSet<_>>().len(), 2);

    // The box is killed: the page plays what it has, and the loop goes on when the box is back, still without server.
    boxes[0].kill();
    std::thread::sleep(Duration::from_secs(4));
    let alone = browser.look();
    assert!(alone["screen"] == "gone" && number(&alone, "light") > BLACK, "{alone}");
    boxes[0].restart();
    let seen = browser.watch(6);
    judge(&seen, 4).expect("and it comes back without a black picture");
    assert_eq!(order(&seen).iter().collect::<BTreeSet<_>>().len(), 2, "both again: {seen}");
    drop(browser);

    let mut browser = Browser::open(&boxes[1]);
    playing(&mut browser);
    let seen = browser.watch(3);
    judge(&seen, 3).expect("the other box plays the same");
    assert_eq!(order(&seen).iter().collect::<BTreeSet<_>>().len(), 2);
    drop(browser);

    // Removed from everywhere: the safe screen again.
    central.restart();
    for video in &videos {
        let order = central.order(video, "group", &group, "remove");
        central.until(&format!("/api/deployments/{order}"), Duration::from_secs(120), |order| {
            order["status"] == "completed"
        });
    }
    let mut browser = Browser::open(&boxes[0]);
    browser.until("the safe screen", Duration::from_secs(30), |seen| seen["screen"] == "safe");
    let left = std::fs::read_dir(boxes[0].root.join("videos/central")).map(Iterator::count).unwrap_or_default();
    assert_eq!(left, 0, "nothing is left on the card");
}

#[test]
fn a_black_picture_in_a_deployed_video_would_be_found() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let media = root().join("box/tests/media");
    let central = Central::start("tv-control");
    let site = central.site("Vitré");
    let tv = RealBox::start(&central, &site, None);
    for name in ["black.mp4", "green.mp4"] {
        let order = central.order(&central.upload(&media.join(name), None), "site", &site.id, "install");
        central.until(&format!("/api/deployments/{order}"), Duration::from_secs(60), |order| {
            order["status"] == "completed"
        });
    }
    let mut browser = Browser::open(&tv);
    playing(&mut browser);
    let seen = browser.watch(4);
    let verdict = judge(&seen, 4).expect_err("one black picture of 40 ms");
    assert!(verdict.starts_with("darkest"), "{verdict}");
}

/// Waits until a video is on the screen, and nothing of what was there before.
fn playing(browser: &mut Browser) {
    browser.until("a video", Duration::from_secs(20), |seen| {
        seen["screen"] == "gone" && seen["src"].is_string() && seen["light"].as_f64() > Some(BLACK)
    });
}

fn without_order(seen: &Value) -> Value {
    let mut seen = seen.clone();
    seen["order"] = Value::Null;
    seen
}
