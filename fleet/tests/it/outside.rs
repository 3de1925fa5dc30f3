//! A storage outside, from a browser's file to a box's disk: no byte of it goes through the server.

use std::process::Command;
use std::sync::PoisonError;
use std::time::Duration;

use data_encoding::{BASE64, HEXLOWER};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::dashboard::browse;
use crate::harness::{Central, EMAIL, PASSWORD, RealBox, root};
use crate::supabase::{SECRET_KEY, Supabase};
use crate::tv::ALONE;

/// A real video with `content` bytes of zeros behind its index.
pub fn video_of(content: usize) -> Vec<u8> {
    let start = &include_bytes!("../../../central-server/tests/media/faststart.mp4")[..32 + 899];
    [start, b"\0\0\0\x01mdat", &(content as u64 + 16).to_be_bytes(), &vec![0; content]].concat()
}

/// What the dashboard does with a file: its video.
fn upload(central: &Central, bytes: &[u8]) -> Value {
    let head = BASE64.encode(&bytes[..512]);
    let hash = HEXLOWER.encode(&Sha256::digest(bytes));
    let said = json!({ "name": "Été.mp4", "size": bytes.len(), "head": head, "sha256": hash });
    let way = central.post("/api/videos/uploads", &said);
    let address = &way["address"];
    let file = central.folder.join("upload.mp4");
    std::fs::write(&file, bytes).expect("a file");
    let header = |name: &str, field: &str| format!("{name}: {}", address[field].as_str().expect("a text"));
    let sent = Command::new("curl")
        .args(["-sf", "-m", "60", "-X", "PUT", "-o", "/dev/null", "-H", &header("Content-Type", "media_type")])
        .args(["-H", &header("Cache-Control", "cache_control"), "--data-binary", &format!("@{}", file.display())])
        .arg(address["url"].as_str().expect("an address"))
        .status()
        .expect("curl");
    assert!(sent.success(), "{way}");
    central.post(&format!("/api/videos/uploads/{}/done", address["id"].as_str().expect("an id")), &json!({}))
}

#[test]
fn a_box_fetches_from_the_storage_itself_and_goes_on_where_it_was() {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let supabase = runtime.block_on(Supabase::start());
    let url = supabase.url();
    let central = Central::start_with("outside", &[("SUPABASE_URL", &url), ("SUPABASE_SERVICE_KEY", SECRET_KEY)]);
    let health = |word: &'static str| {
        central.until("/health", Duration::from_secs(40), |health| health["checks"]["storage"]["status"] == word);
    };
    health("healthy");
    let (site, file) = (central.site("Gymnase"), video_of(24_000_000));
    let made = upload(&central, &file);
    let address = made["url"].as_str().expect("a URL").to_owned();
    assert!(address.starts_with(&format!("{url}/storage/v1/object/public/videos/uploads/")), "{made}");
    let id = made["id"].as_str().expect("an id");

    // The box is killed in the middle: each piece takes a while.
    supabase.set(|mood| mood.pace = Some(2_000_000));
    let mut boxed = RealBox::start(&central, &site, None);
    let order = central.order(id, "site", &site.id, "install");
    let order = format!("/api/deployments/{order}");
    let object = address.strip_prefix(&url).expect("its own").to_owned();
    let asked = || supabase.seen(&format!("GET {object}"));
    let begun = asked().len();
    let until = std::time::Instant::now() + Duration::from_secs(60);
    while asked().len() == begun {
        assert!(std::time::Instant::now() < until, "the box does not fetch");
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(Duration::from_secs(4));
    boxed.kill();
    supabase.set(|mood| mood.pace = None);
    boxed.restart();
    central.until(&order, Duration::from_secs(120), |order| order["status"] == "completed");
    let fetched = asked();
    let range = fetched.last().and_then(|seen| seen.range.clone()).expect("it went on where it was");
    let first: u64 = range.trim_start_matches("bytes=").trim_end_matches('-').parse().expect("a byte");
    assert!(first > 1_000_000 && fetched.last().expect("a request").status == 206, "{range}");
    // No credential goes to the storage, and no byte through the server.
    assert!(fetched.iter().all(|seen| !seen.bearer));
    assert!(supabase.seen("POST /storage/v1/object/videos").is_empty());
    let kept = central.folder.join("data/storage/videos/uploads");
    assert_eq!(std::fs::read_dir(kept).map_or(0, Iterator::count), 0, "nothing is on the server's disk");
    let hash = HEXLOWER.encode(&Sha256::digest(&file));
    let inventory = central.get(&format!("/api/sites/{}/inventory", site.id));
    assert!(inventory.to_string().contains(&hash) || inventory.to_string().contains("installed"), "{inventory}");

    // What the server has read to look at it, and what the box has fetched.
    let page = central.get("/api/storage");
    assert_eq!(page["traffic_bytes"], json!(2 * file.len()), "{page}");

    // While the storage is away the server says so, and serves.
    supabase.set(|mood| mood.down = true);
    let refused = central.try_post(
        "/api/videos/uploads",
        &json!({
        "name": "b.mp4", "size": 2_000, "head": BASE64.encode(&file[..512]) }),
    );
    assert_eq!(refused.map(|(status, body)| (status, body["code"].clone())), Some((503, json!("storage_away"))));
    health("degraded");
    central.get("/api/sites");
    supabase.set(|mood| mood.down = false);
    health("healthy");
}

/// The same walk as without: what differs is where the bytes go.
#[test]
fn from_the_login_to_deployed_and_shown_with_every_byte_going_straight() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let supabase = runtime.block_on(Supabase::start());
    let url = supabase.url();
    let central = Central::start_with("outside-path", &[("SUPABASE_URL", &url), ("SUPABASE_SERVICE_KEY", SECRET_KEY)]);
    let sites = [central.site("Vitré"), central.site("Fougères")];
    central.group(&sites);
    let boxes = sites.each_ref().map(|site| RealBox::start(&central, site, None));
    browse(
        "path.mjs",
        &json!({
            "chromium": "/usr/bin/chromium", "address": format!("http://localhost:{}", central.port),
            "email": EMAIL, "password": PASSWORD, "by": "mouse", "group": "Tous", "sites": 2,
            "file": root().join("box/tests/media/orange.mp4"), "title": "orange", "tv": boxes[0].tv(),
            "colour": [240, 158, 65], "folder": root().join("target/path-outside"),
        }),
    );
    // Written by the browser, and read by the server once and by each box once. Its small picture, which is small, goes
    // the other way.
    assert_eq!(supabase.seen("PUT /storage/v1/object/upload/sign/videos/").len(), 1);
    let through = supabase.seen("POST /storage/v1/object/videos/");
    assert!(through.iter().all(|seen| seen.content_length.is_some_and(|length| length <= 200_000)), "{through:?}");
    let path = supabase.paths("videos").into_iter().find(|path| path.ends_with(".mp4")).expect("the video");
    assert!(supabase.seen(&format!("GET /storage/v1/object/public/videos/{path}")).len() >= 3);
    let kept = central.folder.join("data/storage/videos/uploads");
    assert_eq!(std::fs::read_dir(kept).map_or(0, Iterator::count), 0, "nothing is on the server's disk");
}
