//! Downloads: everything that a storage, a network or a card can do to a file.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use neopro_box::system::Room;
use neopro_protocol::{DriftKind, Item, ItemState, Media, Reason};

use crate::support::boxed::{TestBox, options, rhythm};
use crate::support::central::Central;
use crate::support::storage::Trouble;
use crate::support::{bytes, media, scratch, sha256};

const NAME: &str = "a.mp4";

/// A server with one file that is wanted.
async fn wanting(content: &[u8]) -> (Central, Media) {
    let central = Central::start().await;
    central.storage.put(NAME, content);
    let wanted = media(content, central.file(NAME));
    central.want(std::slice::from_ref(&wanted));
    (central, wanted)
}

async fn installed(central: &Central, wanted: &Media) -> Item {
    central.reported(wanted, |item| item.state == ItemState::Installed).await
}

async fn failed(central: &Central, wanted: &Media, reason: Reason) -> Item {
    central.reported(wanted, |item| item.reason == Some(reason) && item.state == ItemState::Failed).await
}

fn asked(central: &Central) -> Vec<u64> {
    central.storage.with(NAME, |served| served.asked.clone())
}

fn sent(central: &Central) -> u64 {
    central.storage.with(NAME, |served| served.sent)
}

fn content_of(path: &Path) -> String {
    sha256(&fs::read(path).expect("the file"))
}

#[tokio::test]
async fn a_file_is_fetched_once_and_played() {
    let content = bytes(10, 3_000_000);
    let (central, wanted) = wanting(&content).await;
    let again = Media { id: uuid::Uuid::now_v7(), name: "Encore".into(), ..wanted.clone() };
    central.want(&[wanted.clone(), again.clone()]);
    let running = TestBox::start(&central, &scratch("download-plain")).await;
    let item = installed(&central, &wanted).await;
    installed(&central, &again).await;
    assert_eq!((item.attempts, item.reason), (1, None));
    assert_eq!(content_of(&running.file(&wanted.sha256)), wanted.sha256);
    assert_eq!((asked(&central), sent(&central)), (vec![0], 3_000_000));
    assert_eq!(running.played(), ["Boulangerie"]);
    assert!(!running.part(&wanted.sha256).exists());
    assert!(central.reports().pop().expect("a report").free_bytes.is_some());
    running.stop().await;
}

#[tokio::test]
async fn a_cut_connection_is_gone_on_with() {
    let content = bytes(11, 2_000_000);
    let (central, wanted) = wanting(&content).await;
    central.storage.trouble(NAME, Trouble::CutAfter(300_000));
    let running = TestBox::start(&central, &scratch("download-cut")).await;
    let item = installed(&central, &wanted).await;
    assert_eq!(content_of(&running.file(&wanted.sha256)), wanted.sha256);
    let begun = asked(&central);
    assert!(begun.len() >= 6 && begun.is_sorted() && begun[1] > 0, "{begun:?}");
    assert_eq!(item.attempts as usize, begun.len());
    running.stop().await;
}

#[tokio::test]
async fn a_storage_that_hangs_is_left() {
    let content = bytes(12, 1_000_000);
    let (central, wanted) = wanting(&content).await;
    central.storage.trouble(NAME, Trouble::HangAfter(400_000));
    let running = TestBox::start(&central, &scratch("download-hang")).await;
    installed(&central, &wanted).await;
    assert_eq!(content_of(&running.file(&wanted.sha256)), wanted.sha256);
    assert!(asked(&central).len() >= 3);
    running.stop().await;
}

#[tokio::test]
async fn a_slow_storage_is_waited_for() {
    let content = bytes(13, 200_000);
    let (central, wanted) = wanting(&content).await;
    // Longer in all than the storage may be silent.
    central.storage.trouble(NAME, Trouble::Slow(20_000, Duration::from_millis(60)));
    let running = TestBox::start(&central, &scratch("download-slow")).await;
    installed(&central, &wanted).await;
    assert_eq!(asked(&central), [0]);
    running.stop().await;
}

/// A part of this content is there, then the box starts.
async fn resumed(name: &str, trouble: Trouble, part: &[u8], content: &[u8]) -> (Central, Media, TestBox) {
    let (central, wanted) = wanting(content).await;
    central.storage.trouble(NAME, trouble);
    let root = scratch(name);
    fs::create_dir_all(root.join("videos/central")).expect("a folder");
    fs::write(root.join(format!("videos/central/{}.part", wanted.sha256)), part).expect("a part");
    let running = TestBox::start(&central, &root).await;
    (central, wanted, running)
}

#[tokio::test]
async fn a_part_is_gone_on_with_however_the_storage_answers() {
    let content = bytes(14, 1_000_000);
    let cases = [
        ("resume-range", Trouble::None, 600_000, 400_000),
        ("resume-whole", Trouble::None, 1_000_000, 0),
        ("resume-ignored", Trouble::NoRanges, 600_000, 1_000_000),
    ];
    for (name, trouble, there, expected) in cases {
        let (central, wanted, running) = resumed(name, trouble, &content[..there], &content).await;
        installed(&central, &wanted).await;
        assert_eq!(content_of(&running.file(&wanted.sha256)), wanted.sha256, "{name}");
        assert_eq!(sent(&central), expected, "{name}");
        running.stop().await;
    }
}

#[tokio::test]
async fn a_part_of_other_bytes_is_thrown_away() {
    let content = bytes(15, 1_000_000);
    let long = bytes(16, 1_200_000);
    for (name, part) in
        [("other-bytes", &long[..600_000]), ("other-whole", &long[..1_000_000]), ("too-long", &long[..])]
    {
        let (central, wanted, running) = resumed(name, Trouble::None, part, &content).await;
        installed(&central, &wanted).await;
        assert_eq!(content_of(&running.file(&wanted.sha256)), wanted.sha256, "{name}");
        running.stop().await;
    }
}

#[tokio::test]
async fn a_file_that_was_replaced_at_the_storage_is_begun_anew() {
    let content = bytes(17, 1_000_000);
    let (central, wanted) = wanting(&content).await;
    let mut other = content.clone();
    other[0] ^= 1;
    central.storage.put(NAME, &other);
    central.storage.trouble(NAME, Trouble::HangAfter(500_000));
    let running = TestBox::start(&central, &scratch("download-replaced")).await;
    central.until("a part", |central| (sent(central) >= 500_000).then_some(())).await;
    central.storage.with(NAME, |served| {
        served.bytes = Arc::new(content.clone());
        served.etag = "\"mended\"".into();
        served.trouble = Trouble::None;
        served.sent = 0;
    });
    let item = installed(&central, &wanted).await;
    // Without the tag, the new end would have been put behind the old beginning.
    assert_eq!((sent(&central), item.attempts), (1_000_000, 2));
    running.stop().await;
}

#[tokio::test]
async fn an_answer_from_another_byte_is_not_written() {
    let content = bytes(18, 1_000_000);
    let (central, wanted, running) = resumed("wrong-range", Trouble::WrongRange, &content[..600_000], &content).await;
    central.reported(&wanted, |item| item.reason == Some(Reason::Network)).await;
    assert_eq!(fs::metadata(running.part(&wanted.sha256)).expect("the part").len(), 600_000);
    central.storage.trouble(NAME, Trouble::None);
    installed(&central, &wanted).await;
    running.stop().await;
}

#[tokio::test]
async fn wrong_bytes_are_given_up_after_three_times_and_tried_again_when_asked() {
    // What was taken away and ordered anew while the box was off comes with a smaller number.
    for (name, trouble, reason, attempts) in [
        ("wrong-hash", Trouble::OtherBytes, Reason::ChecksumMismatch, [0, 1]),
        ("wrong-size", Trouble::TooLong, Reason::SizeMismatch, [2, 0]),
    ] {
        let content = bytes(19, 300_000);
        let (central, mut wanted) = wanting(&content).await;
        wanted.attempt = attempts[0];
        central.want(std::slice::from_ref(&wanted));
        central.storage.trouble(NAME, trouble);
        let root = scratch(name);
        let running = TestBox::start(&central, &root).await;
        let item = failed(&central, &wanted, reason).await;
        assert_eq!((item.attempts, asked(&central).len()), (3, 3), "{name}");
        assert!(!running.file(&wanted.sha256).exists() && running.played().is_empty(), "{name}");
        central.storage.trouble(NAME, Trouble::None);
        running.stop().await;
        let running = TestBox::start(&central, &root).await;
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert_eq!(asked(&central).len(), 3, "{name}: given up, also after a restart");
        wanted.attempt = attempts[1];
        central.want(std::slice::from_ref(&wanted));
        installed(&central, &wanted).await;
        running.stop().await;
    }
}

#[tokio::test]
async fn what_the_storage_does_not_have_is_tried_again_slowly() {
    for status in [404, 403, 400] {
        let content = bytes(20, 100_000);
        let (central, wanted) = wanting(&content).await;
        central.storage.trouble(NAME, Trouble::Status(status));
        let running = TestBox::start(&central, &scratch(&format!("not-found-{status}"))).await;
        failed(&central, &wanted, Reason::NotFound).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(asked(&central).len(), 1, "{status}");
        central.storage.trouble(NAME, Trouble::None);
        installed(&central, &wanted).await;
        running.stop().await;
    }
}

#[tokio::test]
async fn a_new_address_is_tried_at_once() {
    let content = bytes(21, 100_000);
    let (central, mut wanted) = wanting(&content).await;
    central.storage.trouble(NAME, Trouble::Status(404));
    let root = scratch("new-address");
    let slow = neopro_box::files::Options { not_found: Duration::from_secs(600), ..options(&root) };
    let running = TestBox::start_with(&central, &root, slow, rhythm()).await;
    failed(&central, &wanted, Reason::NotFound).await;
    central.storage.put("b.mp4", &content);
    wanted.url = central.file("b.mp4");
    central.want(std::slice::from_ref(&wanted));
    installed(&central, &wanted).await;
    running.stop().await;
}

#[tokio::test]
async fn a_storage_in_trouble_is_tried_for_ever() {
    let content = bytes(22, 100_000);
    let (central, wanted) = wanting(&content).await;
    central.storage.trouble(NAME, Trouble::Status(503));
    let running = TestBox::start(&central, &scratch("trouble")).await;
    central.until("six tries", |central| (asked(central).len() >= 6).then_some(())).await;
    let item = central.reported(&wanted, |item| item.state == ItemState::Pending).await;
    assert_eq!(item.reason, Some(Reason::Network));
    central.storage.trouble(NAME, Trouble::None);
    installed(&central, &wanted).await;
    running.stop().await;
}

#[tokio::test]
async fn no_byte_is_asked_of_an_origin_that_was_not_announced() {
    let content = bytes(23, 100_000);
    let (central, wanted) = wanting(&content).await;
    let stranger = Central::start().await;
    stranger.storage.put(NAME, &content);
    let foreign = Media { url: stranger.file(NAME), ..wanted.clone() };
    central.want(std::slice::from_ref(&foreign));
    let running = TestBox::start(&central, &scratch("foreign")).await;
    failed(&central, &wanted, Reason::OriginRefused).await;
    // Nor if an announced origin leads there.
    central.storage.trouble(NAME, Trouble::Redirect(stranger.file(NAME)));
    central.want(std::slice::from_ref(&wanted));
    central.until("a redirect", |central| (!asked(central).is_empty()).then_some(())).await;
    failed(&central, &wanted, Reason::OriginRefused).await;
    assert!(stranger.storage.with(NAME, |served| served.asked.is_empty()));
    // An announced origin may lead to itself.
    central.storage.put("real.mp4", &content);
    central.storage.trouble(NAME, Trouble::Redirect("/files/real.mp4".into()));
    installed(&central, &wanted).await;
    running.stop().await;
}

#[tokio::test]
async fn a_full_card_is_told_and_waited_for() {
    let content = bytes(24, 1_000_000);
    let (central, wanted) = wanting(&content).await;
    let root = scratch("disk-full");
    let free = Arc::new(AtomicU64::new(1_000_000));
    let gauge = free.clone();
    let measured = neopro_box::files::Options {
        gauge: Some(Arc::new(move |_| Some(Room { free: gauge.load(Ordering::SeqCst), total: 10_000_000 }))),
        ..options(&root)
    };
    let running = TestBox::start_with(&central, &root, measured, rhythm()).await;
    let item = failed(&central, &wanted, Reason::DiskFull).await;
    assert_eq!((item.attempts, sent(&central)), (1, 0), "nothing is fetched that has no room");
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(asked(&central).is_empty());
    free.store(2_000_000, Ordering::SeqCst);
    installed(&central, &wanted).await;
    running.stop().await;
}

#[tokio::test]
async fn what_is_no_longer_wanted_goes_and_the_clubs_files_stay() {
    let content = bytes(25, 100_000);
    let (central, wanted) = wanting(&content).await;
    let root = scratch("removed");
    let club = ["S/club.mp4", "central/notes.txt", "central/club.mp4", "top.mp4"];
    for file in club {
        let path = root.join("videos").join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, "the club's").expect("a file");
    }
    let stale = root.join(format!("videos/central/{}.part", "a".repeat(64)));
    fs::write(&stale, "stale").expect("a part");
    let running = TestBox::start(&central, &root).await;
    installed(&central, &wanted).await;
    central.until("a stale part goes", |_| (!stale.exists()).then_some(())).await;
    let unknown = |central: &Central| {
        let drift = central.reports().into_iter().flat_map(|report| report.drift);
        let names: Vec<String> =
            drift.filter(|drift| drift.kind == DriftKind::Unknown).map(|drift| drift.name).collect();
        (names.iter().any(|name| name == "notes.txt") && names.iter().any(|name| name == "club.mp4")).then_some(())
    };
    central.until("what nobody knows", unknown).await;
    central.want(&[]);
    central.until("the file goes", |_| (!running.file(&wanted.sha256).exists()).then_some(())).await;
    central.until("an empty report", |central| central.reports().pop()?.inventory.is_empty().then_some(())).await;
    for file in club {
        assert_eq!(fs::read(root.join("videos").join(file)).expect("there"), b"the club's", "{file}");
    }
    assert!(running.played().is_empty());
    running.stop().await;
}

#[tokio::test]
async fn a_download_that_is_no_longer_wanted_ends() {
    let content = bytes(26, 1_000_000);
    let (central, wanted) = wanting(&content).await;
    central.storage.trouble(NAME, Trouble::Slow(10_000, Duration::from_millis(20)));
    let running = TestBox::start(&central, &scratch("called-off")).await;
    central.until("it begins", |central| (sent(central) > 50_000).then_some(())).await;
    central.want(&[]);
    central.until("the part goes", |_| (!running.part(&wanted.sha256).exists()).then_some(())).await;
    let before = sent(&central);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(sent(&central) <= before + 50_000);
    // Wanted again, it comes.
    central.storage.trouble(NAME, Trouble::None);
    central.want(std::slice::from_ref(&wanted));
    installed(&central, &wanted).await;
    running.stop().await;
}

#[tokio::test]
async fn two_files_at_once_and_no_more() {
    let central = Central::start().await;
    let all: Vec<Media> = (0..5)
        .map(|number| {
            let (name, content) = (format!("{number}.mp4"), bytes(30 + number, 200_000));
            central.storage.put(&name, &content);
            central.storage.trouble(&name, Trouble::Slow(20_000, Duration::from_millis(20)));
            media(&content, central.file(&name))
        })
        .collect();
    central.want(&all);
    let running = TestBox::start(&central, &scratch("parallel")).await;
    for wanted in &all {
        installed(&central, wanted).await;
    }
    let most = central
        .reports()
        .into_iter()
        .map(|report| report.inventory.iter().filter(|item| item.state == ItemState::Downloading).count());
    assert_eq!(most.max(), Some(2));
    assert_eq!(
        running.library.borrow().clips.iter().map(|clip| &clip.key).collect::<Vec<_>>(),
        all.iter().map(|media| &media.sha256).collect::<Vec<_>>(),
        "in their order"
    );
    running.stop().await;
}

#[tokio::test]
async fn what_is_there_already_is_not_fetched() {
    let content = bytes(27, 200_000);
    let (central, wanted) = wanting(&content).await;
    let root = scratch("adopted");
    let old = root.join("videos/SPONSORS/Or");
    fs::create_dir_all(&old).expect("a folder");
    fs::create_dir_all(root.join("webapp")).expect("a folder");
    fs::write(old.join("boulangerie.mp4"), &content).expect("a file");
    let document = serde_json::json!({"categories": [{"name": "SPONSORS", "subCategories": [
        {"name": "Or", "videos": [{"filename": "boulangerie.mp4", "video_id": wanted.id}]}]}]});
    fs::write(root.join("webapp/configuration.json"), document.to_string()).expect("a file");
    let running = TestBox::start(&central, &root).await;
    installed(&central, &wanted).await;
    assert!(asked(&central).is_empty());
    let ino = |path: &Path| fs::metadata(path).expect("there").ino();
    assert_eq!(ino(&running.file(&wanted.sha256)), ino(&old.join("boulangerie.mp4")), "a name, not a copy");
    running.stop().await;
    // The same after the state was lost: what is there is known by its bytes.
    fs::remove_dir_all(&old).expect("gone");
    fs::write(root.join("data/state.sqlite"), "torn").expect("written");
    let running = TestBox::start(&central, &root).await;
    let reports = central.reports().len();
    central.until("a report", |central| (central.reports().len() > reports).then_some(())).await;
    installed(&central, &wanted).await;
    assert!(asked(&central).is_empty());
    assert!(root.join("data/state.sqlite.unreadable").exists());
    running.stop().await;
}

#[tokio::test]
async fn drift_is_told_once_and_mended() {
    let content = bytes(28, 200_000);
    let (central, wanted) = wanting(&content).await;
    let root = scratch("drift");
    let checking = neopro_box::files::Options { verify: Duration::from_millis(500), ..options(&root) };
    let running = TestBox::start_with(&central, &root, checking, rhythm()).await;
    installed(&central, &wanted).await;
    let file = running.file(&wanted.sha256);
    let damage: [(DriftKind, &dyn Fn()); 3] = [
        (DriftKind::Missing, &|| fs::remove_file(&file).expect("removed")),
        (DriftKind::Changed, &|| fs::write(&file, &content[..1000]).expect("cut short")),
        (DriftKind::Changed, &|| {
            let mut other = content.clone();
            other[100_000] ^= 1;
            fs::write(&file, other).expect("changed");
        }),
    ];
    for (index, (kind, hurt)) in damage.iter().enumerate() {
        hurt();
        central.until("a mended file", |_| fs::read(&file).is_ok_and(|found| found == content).then_some(())).await;
        let told = |central: &Central| {
            let drift: Vec<DriftKind> = acknowledged_drift(central);
            (drift.len() > index).then(|| drift[index])
        };
        assert_eq!(central.until("the drift", told).await, *kind);
        installed(&central, &wanted).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(acknowledged_drift(&central).len(), 3, "each is told once");
    running.stop().await;
}

/// Differences as they were told, those of a report that repeats the one before counted once.
fn acknowledged_drift(central: &Central) -> Vec<DriftKind> {
    let mut told = Vec::new();
    let mut last = Vec::new();
    for report in central.reports() {
        told.extend(report.drift.iter().filter(|drift| !last.contains(*drift)).map(|drift| drift.kind));
        last = report.drift;
    }
    told
}

#[tokio::test]
async fn a_name_that_is_no_hash_is_no_path() {
    let central = Central::start().await;
    let mut wanted = media(b"x", central.file(NAME));
    wanted.sha256 = "../../../tmp/x".into();
    central.want(std::slice::from_ref(&wanted));
    let running = TestBox::start(&central, &scratch("no-path")).await;
    failed(&central, &wanted, Reason::Other).await;
    running.stop().await;
}
