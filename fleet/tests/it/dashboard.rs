//! The dashboard in a real browser, before a real server: scripts of `central-dashboard/tests/browser`.

use std::path::Path;
use std::process::Command;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Central, EMAIL, PASSWORD, RealBox, root};
use crate::tv::ALONE;

/// Runs a script of the dashboard's browser tests to its end: what its last line says.
pub fn browse(script: &str, asked: &Value) -> Value {
    let output = Command::new("node")
        .arg(format!("tests/browser/{script}"))
        .arg(asked.to_string())
        .current_dir(root().join("central-dashboard"))
        .output()
        .expect("Node: `cargo xtask test` installs what is missing");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script}:\n{out}{err}");
    serde_json::from_str(out.trim_end().lines().last().unwrap_or_default())
        .unwrap_or_else(|_| panic!("{script}: {out}"))
}

/// Builds the dashboard for an API somewhere else.
fn build_for(api: &str, into: &Path) {
    let built = Command::new("npm")
        .args(["run", "--silent", "build", "--", "--outDir"])
        .arg(into)
        .env("NG_APP_API_URL", api)
        .current_dir(root().join("central-dashboard"))
        .output()
        .expect("npm");
    assert!(
        built.status.success(),
        "{}{}",
        String::from_utf8_lossy(&built.stdout),
        String::from_utf8_lossy(&built.stderr)
    );
}

#[test]
fn a_dashboard_on_another_host_works_without_third_party_cookies() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let central = Central::start_in_production("foreign", &[("ALLOWED_ORIGINS", "https://tableau.example")]);
    let dist = central.folder.join("dist");
    build_for("https://api.neopro.test", &dist);
    let seen = browse(
        "foreign.mjs",
        &json!({
            "chromium": "/usr/bin/chromium", "folder": central.folder, "dist": dist, "port": central.port,
            "email": EMAIL, "password": PASSWORD,
        }),
    );
    assert!(seen["cookies"].is_array(), "{seen}");
}

/// A picture of every step lies in `target/account`, for people.
#[test]
fn from_the_link_in_the_log_to_a_second_factor_and_back_in_when_the_password_is_forgotten() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let central = Central::start_untouched("account");
    let seen = browse(
        "account.mjs",
        &json!({
            "chromium": "/usr/bin/chromium", "address": format!("http://localhost:{}", central.port),
            "link": first_link(&central), "mail": central.folder.join("data/mail"),
            "folder": root().join("target/account"),
        }),
    );
    assert!(seen["steps"].as_u64().is_some_and(|steps| steps > 10), "{seen}");
}

/// The path and what follows of the link for the first account, at the address where the test reaches the server.
fn first_link(central: &Central) -> String {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let log = central.log();
        if let Some((_, rest)) = log.rsplit_once("/setup?token=") {
            let token: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
            return format!("http://localhost:{}/setup?token={token}", central.port);
        }
        assert!(Instant::now() < until, "no link for the first account: {log}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A picture of every step lies in `target/path`, for people.
#[test]
fn from_the_login_to_deployed_and_shown_by_mouse_and_by_keyboard_alone() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let central = Central::start("path");
    let sites = [central.site("Vitré"), central.site("Fougères")];
    central.group(&sites);
    let boxes = sites.each_ref().map(|site| RealBox::start(&central, site, None));
    // Each hand has a file that the library has not got, and a box whose TV shows nothing yet or something else.
    let hands = [("mouse", "orange", [240, 158, 65], &boxes[0]), ("keyboard", "green", [89, 196, 116], &boxes[1])];
    for (by, clip, colour, tv) in hands {
        let walked = browse(
            "path.mjs",
            &json!({
                "chromium": "/usr/bin/chromium", "address": format!("http://localhost:{}", central.port),
                "email": EMAIL, "password": PASSWORD, "by": by, "group": "Tous", "sites": 2,
                "file": root().join(format!("box/tests/media/{clip}.mp4")), "title": clip, "tv": tv.tv(),
                "colour": colour,
                "folder": root().join("target/path"),
            }),
        );
        assert_eq!(walked["by"], by);
        // The boxes' own words, not the screen's.
        for site in &sites {
            let inventory = central.get(&format!("/api/sites/{}/inventory", site.id));
            let items = inventory["items"].as_array().expect("a list");
            let there = items.iter().any(|item| {
                item["title"].as_str().is_some_and(|title| title.eq_ignore_ascii_case(clip))
                    && item["state"] == "installed"
            });
            assert!(there, "{clip}: {inventory:#}");
        }
    }
}

/// Pictures lie in `target/admin`, for people.
#[test]
fn who_gets_in_is_said_on_the_pages_of_administration() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let central = Central::start("admin");
    central.site("Vitré");
    let seen = browse(
        "admin.mjs",
        &json!({
            "chromium": "/usr/bin/chromium", "address": format!("http://localhost:{}", central.port),
            "email": EMAIL, "password": PASSWORD, "club": "Club Vitré", "folder": root().join("target/admin"),
        }),
    );
    assert!(seen["steps"].as_u64().is_some_and(|steps| steps > 6), "{seen}");
}
