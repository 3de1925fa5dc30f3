//! A real browser, for what the guide has people look at.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use crate::support::cluster;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A page that was opened, once its scripts were done.
pub struct Page {
    /// The elements as they are then, as HTML.
    pub dom: String,
    /// What the page itself asked for, wherever that is. The browser's own calls home are left out.
    pub requests: Vec<String>,
}

/// Opens an address in a browser that reaches this machine and no other.
pub fn open(url: &str) -> Page {
    let number = NEXT.fetch_add(1, Ordering::SeqCst);
    let folder = cluster::scratch("guide").join(format!("browser-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the browser");
    let log = folder.join("network.json");
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
        .args(["--disable-background-networking", "--no-proxy-server", "--virtual-time-budget=20000"])
        .arg("--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1")
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .arg(format!("--log-net-log={}", log.display()))
        .args(["--dump-dom", url])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", &folder)
        .stdin(Stdio::null())
        .output()
        .expect("the program `chromium`, which `cargo xtask test` installs");
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && !output.stdout.is_empty(), "the browser shows nothing: {complaints}");
    let page = Page { dom: String::from_utf8_lossy(&output.stdout).into_owned(), requests: requests(&log) };
    // Several megabytes each; what failed is kept for a look.
    let _ = std::fs::remove_dir_all(&folder);
    page
}

/// Addresses that a document, and not the person or the browser, has set off.
fn requests(log: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(log).expect("the browser's log of the network");
    let log: Value = serde_json::from_str(&text).expect("the log is JSON");
    let events = log["events"].as_array().expect("events").iter().map(|event| &event["params"]);
    let by_pages = events.filter(|event| event["initiator"].as_str().is_some_and(|by| by.contains("://")));
    by_pages.filter_map(|event| event["url"].as_str()).map(str::to_owned).collect()
}
