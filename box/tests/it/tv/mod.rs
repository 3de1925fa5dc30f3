//! The TV's page in a real browser: what a spectator sees, and what must never be seen.

pub mod support;

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use neopro_box::player::Place;
use serde_json::{Value, json};

use support::{Browser, Tv, address, clip, clip_at, library};

/// Mean luminance, of 255. The darkest picture of a clip is far above, and so is any mixture of two.
const BLACK: f64 = 60.0;
/// The darkest of the clips that follow one another has 153, as the compositor's pictures show it: a fade that lets
/// something shine through from below is darker than both that it is between.
const DIP: f64 = 140.0;

/// How many items take the place of others: a slice here, the whole in `cargo xtask soak`.
fn transitions() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "the run says how long it wants to look")]
    let asked = std::env::var("NEOPRO_TV_TRANSITIONS");
    asked.ok().and_then(|number| number.parse().ok()).unwrap_or(12)
}

fn number(seen: &Value, name: &str) -> f64 {
    seen[name].as_f64().unwrap_or_else(|| panic!("{name} is a number: {seen}"))
}

#[test]
fn no_black_picture_comes_between_two_items() {
    let loop_of = ["orange.mp4", "green.mp4", "yellow.jpg", "blue.mp4"];
    let tv = Tv::start(loop_of.map(clip).to_vec());
    let mut browser = Browser::start();
    browser.open(&tv);
    // It is noted with the next picture that the page composes.
    let noted = browser.wait("a first picture", Duration::from_secs(20), |seen| !seen["first_picture"].is_null());
    let first = number(&noted, "first_picture");
    println!("{first:.0} ms from the address to the first picture");
    assert!(first < 4000.0, "{first}");
    let before = browser.ask(&json!({"do": "weigh"}));
    let seen = browser.watch(transitions());
    let after = browser.ask(&json!({"do": "weigh"}));
    println!(
        "{before}\n{after}\n{}",
        json!({"pictures": seen["pictures"], "presented": seen["presented"],
        "missed": seen["missed"], "darkest": seen["darkest"], "darkest_presented": seen["darkest_presented"],
        "shots": seen["shots"], "shots_per_second": seen["shots_per_second"], "darkest_shot": seen["darkest_shot"],
        "transitions": seen["transitions"]})
    );
    assert!(number(&seen, "transitions") >= transitions() as f64, "{seen}");
    for darkest in ["darkest", "darkest_presented", "darkest_shot"] {
        assert!(number(&seen, darkest) > BLACK, "{darkest}: {seen}");
        assert!(number(&seen, darkest) > DIP, "{darkest}: {seen}");
    }
    // A detector that looks away finds nothing.
    assert!(number(&seen, "presented") > 15.0 * transitions() as f64, "{seen}");
    assert!(number(&seen, "shots_per_second") > 5.0, "{seen}");
    let order: Vec<&str> = seen["order"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    let addresses = loop_of.map(address);
    let start = addresses.iter().position(|address| order[0] == address).expect("one of the loop");
    let expected: Vec<&str> = addresses.iter().map(String::as_str).cycle().skip(start).take(order.len()).collect();
    assert_eq!(order, expected, "in the order of the loop, none left out");
    // Nothing is added to the page by playing; what a passing fade holds for a moment is allowed.
    assert_eq!(before["elements"], after["elements"]);
    for kept in ["Nodes", "JSEventListeners"] {
        assert!(number(&after, kept) <= number(&before, kept) + 8.0, "{kept}: {before} {after}");
    }
}

#[test]
fn one_black_picture_would_be_found() {
    let tv = Tv::start(vec![clip("black.mp4"), clip("green.mp4")]);
    let mut browser = Browser::start();
    browser.open(&tv);
    browser.wait_for("green.mp4");
    let seen = browser.watch(3);
    println!(
        "{}",
        json!({"darkest_presented": seen["darkest_presented"], "darkest_shot": seen["darkest_shot"], "shots_per_second": seen["shots_per_second"]})
    );
    assert!(number(&seen, "darkest_presented") < BLACK, "one picture of 40 ms in a clip: {seen}");

    tv.play(vec![clip("orange.mp4"), clip("green.mp4")]);
    browser.wait_for("orange.mp4");
    browser.wait_for("green.mp4");
    let seen = browser.ask(&json!({"do": "watch", "transitions": 2, "within": 20_000, "blank_after": 1000}));
    println!(
        "{}",
        json!({"darkest": seen["darkest"], "darkest_presented": seen["darkest_presented"], "darkest_shot": seen["darkest_shot"], "shots_per_second": seen["shots_per_second"]})
    );
    assert!(number(&seen, "darkest") < BLACK, "{seen}");
    assert!(number(&seen, "darkest_shot") < BLACK, "a page that is blank for a moment, in the compositor: {seen}");
}

#[test]
fn a_broken_file_is_skipped_and_given_up() {
    let folder = std::env::temp_dir().join(format!("neopro-tv-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let whole = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/media/blue.mp4")).expect("a clip");
    let broken = [
        ("text.mp4", b"<html>This is no video</html>".to_vec()),
        ("torn.mp4", whole[..whole.len() / 2].to_vec()),
        ("empty.mp4", Vec::new()),
        ("text.jpg", b"neither is this".to_vec()),
    ];
    let mut clips = vec![clip("orange.mp4")];
    for (name, bytes) in &broken {
        fs::write(folder.join(name), bytes).expect("a file");
        clips.push(clip_at(folder.join(name)));
    }
    clips.push(clip_at(folder.join("absent.mp4")));
    let mut tv = Tv::start(clips);
    let mut browser = Browser::start();
    browser.open(&tv);
    browser.wait_for("orange.mp4");
    let trouble = browser.watch_for(Duration::from_secs(20));
    for darkest in ["darkest", "darkest_presented", "darkest_shot"] {
        assert!(number(&trouble, darkest) > BLACK, "nothing of it is seen: {darkest}: {trouble}");
    }
    let mut given_up: Vec<String> =
        (0..5).map(|_| tv.unplayable(Duration::from_secs(60)).expect("a file that is given up")).collect();
    given_up.sort();
    assert_eq!(given_up, ["absent.mp4", "empty.mp4", "text.jpg", "text.mp4", "torn.mp4"]);
    let seen = browser.watch(3);
    assert!(number(&seen, "transitions") >= 3.0, "the good one goes on by itself: {seen}");
    assert!(seen["order"].as_array().expect("a list").iter().all(|src| *src == address("orange.mp4")), "{seen}");
    fs::remove_dir_all(&folder).expect("our folder");
}

#[test]
fn a_video_that_breaks_while_it_fades_in_leaves_no_hole() {
    let tv = Tv::start(["orange.mp4", "green.mp4", "blue.mp4"].map(clip).to_vec());
    let mut browser = Browser::start();
    browser.open(&tv);
    browser.wait_for("orange.mp4");
    browser.ask(&json!({"do": "break_next"}));
    let seen = browser.watch(3);
    assert!(number(&seen, "transitions") >= 3.0, "the loop goes on: {seen}");
    for darkest in ["darkest", "darkest_shot"] {
        assert!(number(&seen, darkest) > BLACK, "{darkest}: {seen}");
    }
}

#[test]
fn an_image_stands_for_its_seconds() {
    let tv = Tv::start(vec![clip("yellow.jpg"), clip("orange.mp4")]);
    let mut browser = Browser::start();
    browser.open(&tv);
    browser.wait_for("orange.mp4");
    browser.wait_for("yellow.jpg");
    let start = Instant::now();
    browser.wait_for("orange.mp4");
    let stood = start.elapsed().as_secs_f64();
    assert!((2.6..4.2).contains(&stood), "three seconds, more or less a fade: {stood}");
}

#[test]
fn the_safe_screen_comes_and_goes() {
    let tv = Tv::start(Vec::new());
    let mut browser = Browser::start();
    browser.open(&tv);
    let safe = |seen: &Value| seen["screen"] == "safe";
    let seen = browser.wait("the safe screen", Duration::from_secs(10), safe);
    assert_eq!(seen["club"], "Étoile Sportive de Fougères");
    assert_eq!((&seen["invitation"], &seen["language"]), (&json!("Ajoutez une première vidéo"), &json!("fr")));
    browser.wait("the letters", Duration::from_secs(10), |seen| seen["font"] == true);
    for (language, invitation) in [("en", "Add a first video"), ("es", "Añade un primer vídeo")] {
        let mut other = library(Vec::new());
        other.language = Some(language.to_owned());
        tv.library.send_replace(other.into());
        browser.wait(language, Duration::from_secs(5), |seen| {
            seen["invitation"] == invitation && seen["language"] == language
        });
    }
    tv.play(vec![clip("orange.mp4")]);
    let seen = browser.wait_for("orange.mp4");
    assert_eq!((&seen["muted"], &seen["paused"]), (&json!(false), &json!(false)));
    tv.play(Vec::new());
    let seen =
        browser.wait("the safe screen again", Duration::from_secs(10), |seen| safe(seen) && seen["src"].is_null());
    assert_eq!(seen["invitation"], "Ajoutez une première vidéo");
    // It comes back as well, over and over.
    tv.play(vec![clip("green.mp4")]);
    browser.wait_for("green.mp4");
}

#[test]
fn a_reload_goes_on_where_it_was() {
    let tv = Tv::start(vec![clip("orange.mp4"), clip("green.mp4"), clip("blue.mp4")]);
    let mut browser = Browser::start();
    browser.open(&tv);
    browser.wait_for("green.mp4");
    browser.ask(&json!({"do": "reload"}));
    let seen =
        browser.wait("a picture", Duration::from_secs(10), |seen| seen["screen"] == "gone" && !seen["src"].is_null());
    assert_eq!(seen["src"], address("green.mp4").as_str());
    browser.wait_for("blue.mp4");
}

#[test]
fn a_box_and_a_browser_that_start_together_go_on_where_they_were() {
    let place = Place { key: "blue.mp4".to_owned(), seconds: 1.0 };
    let clips = vec![clip("orange.mp4"), clip("green.mp4"), clip("blue.mp4")];
    let tv = Tv::start_on((Ipv4Addr::LOCALHOST, 0).into(), clips, Some(place));
    let mut browser = Browser::start();
    browser.open(&tv);
    let seen = browser.wait_for("blue.mp4");
    assert!(number(&seen, "at") >= 1.0, "in the middle of it: {seen}");
    browser.wait_for("orange.mp4");
}

#[test]
fn without_its_box_the_page_plays_on_and_a_new_box_takes_it_over() {
    let loop_of = || vec![clip("orange.mp4"), clip("green.mp4"), clip("blue.mp4")];
    let tv = Tv::start(loop_of());
    let address_of_box = tv.address;
    let mut browser = Browser::start();
    browser.open(&tv);
    browser.wait_for("green.mp4");
    assert_eq!(tv.place().map(|place| place.key).as_deref(), Some("green.mp4"));
    tv.kill();
    let alone = browser.watch_for(Duration::from_secs(7));
    assert!(number(&alone, "darkest") > BLACK && number(&alone, "darkest_shot") > BLACK, "{alone}");
    assert!(number(&alone, "presented") > 60.0, "it moves: {alone}");
    let seen = browser.look();
    assert_eq!((&seen["src"], &seen["text"]), (&json!(address("green.mp4")), &json!("")), "no word about it");
    assert_eq!(seen["paused"], false);

    // What the box remembers is some seconds old; what is on the screen counts.
    let remembered = Place { key: "orange.mp4".to_owned(), seconds: 1.0 };
    let tv = Tv::start_on(address_of_box, loop_of(), Some(remembered));
    let taken = browser.watch(4);
    assert!(number(&taken, "darkest") > BLACK && number(&taken, "darkest_shot") > BLACK, "{taken}");
    let order: Vec<Value> = ["blue.mp4", "orange.mp4", "green.mp4"].map(|file| json!(address(file))).to_vec();
    assert_eq!(
        taken["order"].as_array().map(|order| order[..3].to_vec()),
        Some(order),
        "no jump, no second start: {taken}"
    );

    // The same when its memory is fresh.
    browser.wait_for("blue.mp4");
    let remembered = tv.place();
    assert_eq!(remembered.as_ref().map(|place| place.key.as_str()), Some("blue.mp4"));
    tv.kill();
    let _tv = Tv::start_on(address_of_box, loop_of(), remembered);
    let taken = browser.watch(2);
    let order: Vec<Value> = ["orange.mp4", "green.mp4"].map(|file| json!(address(file))).to_vec();
    assert_eq!(taken["order"], json!(order), "{taken}");
}

#[test]
fn a_page_of_another_program_loads_itself_again() {
    let tv = Tv::start(vec![clip("orange.mp4"), clip("green.mp4")]);
    let (address_of_box, page) = (tv.address, tv.page());
    let mut browser = Browser::start();
    browser.ask(&json!({"do": "open", "url": page, "renewed": true}));
    let before = browser.wait_for("orange.mp4");
    tv.kill();
    let _tv = Tv::start_on(address_of_box, vec![clip("green.mp4")], None);
    let seen = browser.wait("the other page", Duration::from_secs(20), |seen| seen["loaded_at"] != before["loaded_at"]);
    browser.wait_for("green.mp4");
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(browser.look()["loaded_at"], seen["loaded_at"], "once");
}

#[test]
fn two_pages_show_the_same_and_either_goes_on_without_the_other() {
    let tv = Tv::start(vec![clip("orange.mp4"), clip("green.mp4"), clip("blue.mp4")]);
    let mut browser = Browser::start();
    browser.open(&tv);
    browser.wait_for("green.mp4");
    browser.open(&tv);
    let seen =
        browser.wait("a picture", Duration::from_secs(10), |seen| seen["screen"] == "gone" && !seen["src"].is_null());
    assert_eq!(seen["src"], address("green.mp4").as_str(), "the second goes on with the first");
    browser.wait_for("blue.mp4");
    browser.ask(&json!({"do": "close"}));
    let watched = browser.watch(4);
    assert!(number(&watched, "transitions") >= 4.0 && number(&watched, "darkest_shot") > BLACK, "{watched}");
}

/// Who leads tells a page once more what is on air when the one that led before is gone. That may be while it fades in.
#[test]
fn a_page_that_is_told_again_in_the_middle_of_a_fade_fades_once() {
    let tv = Tv::start(vec![clip("orange.mp4"), clip("green.mp4"), clip("blue.mp4")]);
    let mut browser = Browser::start();
    browser.ask(&json!({"do": "open", "url": tv.page(), "briefed": true}));
    browser.wait_for("orange.mp4");
    let watched = browser.watch(4);
    assert!(number(&watched, "transitions") >= 4.0, "{watched}");
    assert!(number(&watched, "darkest") > BLACK && number(&watched, "darkest_shot") > BLACK, "{watched}");
}

#[test]
fn a_browser_that_wants_a_hand_first_plays_silently() {
    let tv = Tv::start(vec![clip("blue.mp4")]);
    let mut browser = Browser::start_with(&["--autoplay-policy=user-gesture-required"]);
    browser.open(&tv);
    // To be asked anything is a hand for this browser, so it is not asked before something plays.
    std::thread::sleep(Duration::from_secs(4));
    let seen = browser.look();
    assert_eq!((&seen["muted"], &seen["paused"]), (&json!(true), &json!(false)), "{seen}");
    browser.wait("sound", Duration::from_secs(10), |seen| seen["muted"] == false && seen["paused"] == false);
}

#[test]
fn the_page_weighs_less_than_40_kb() {
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/dist");
    let mut files = vec![dist.join("tv.html")];
    files.extend(
        fs::read_dir(dist.join("assets")).expect("`cargo xtask pages`").map(|file| file.expect("a file").path()),
    );
    let sizes: Vec<(String, u64)> = files.iter().map(|file| (file.display().to_string(), packed(file))).collect();
    let all: u64 = sizes.iter().map(|(_, size)| size).sum();
    println!("{all} {sizes:?}");
    assert!(sizes.len() >= 4, "page, script, style and letters: {sizes:?}");
    assert!(all < 40_000, "{all}: {sizes:?}");
}

/// The bytes of a file as gzip packs it.
fn packed(file: &Path) -> u64 {
    let output = Command::new("gzip").args(["-9", "-c"]).arg(file).stderr(Stdio::inherit()).output().expect("gzip");
    assert!(output.status.success());
    output.stdout.len() as u64
}
