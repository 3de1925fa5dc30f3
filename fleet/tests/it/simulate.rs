//! What simulated boxes pretend: their faults, as the server sees them, and their figures.

use std::time::Duration;

use serde_json::Value;

use crate::harness::{Boxes, Central, Site, root};

/// The state of each part of an order, and why, by the name of its site.
fn parts(order: &Value) -> Vec<(String, String, String)> {
    let rows = order["data"].as_array().cloned().unwrap_or_default();
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let mut parts: Vec<_> =
        rows.iter().map(|row| (text(row, "site_name"), text(row, "state"), text(row, "reason_code"))).collect();
    parts.sort();
    parts
}

#[test]
fn each_fault_shows_as_what_it_is_and_the_figures_are_alive() {
    let central = Central::start("faults");
    let sites = ["a offline", "b slow", "c full", "d corrupt", "e sound"].map(|name| central.site(name));
    let faults = ["offline", "slow", "disk_full", "corrupt", ""];
    let list: String =
        sites.iter().zip(faults).map(|(site, fault)| format!("{},{},{fault}\n", site.id, site.key)).collect();
    let options = ["--heartbeat", "1", "--report", "0.1", "--away", "3600", "--crawl", "500", "--seed", "faults"];
    let boxes = Boxes::start_list(&central, &list, &options);
    // The one without a network was there once, and is gone at its second heartbeat.
    central.until(&format!("/api/sites/{}", sites[0].id), Duration::from_secs(30), |site| {
        site["status"] == "offline" && site["last_seen_at"].is_string()
    });

    let group = central.group(&sites);
    let video = central.upload(&root().join("box/tests/media/green.mp4"), Some("SPONSORS"));
    let order = central.order(&video, "group", &group, "install");
    let row = |name: &str, state: &str, reason: &str| (name.to_owned(), state.to_owned(), reason.to_owned());
    let expected = [
        row("a offline", "pending", ""),
        row("b slow", "downloading", ""),
        row("c full", "failed", "disk_full"),
        row("d corrupt", "failed", "checksum_mismatch"),
        row("e sound", "installed", ""),
    ];
    central.until(&format!("/api/deployments/{order}/targets"), Duration::from_secs(30), |targets| {
        parts(targets) == expected
    });

    let metrics = |site: &str| central.get(&format!("/api/sites/{site}/metrics?hours=1"))["metrics"][0].clone();
    // The hour's sums, behind what was heard last, are written down a few seconds later.
    let path = format!("/api/sites/{}/metrics?hours=1", sites[4].id);
    central.until(&path, Duration::from_secs(60), |answer| {
        answer["metrics"].as_array().is_some_and(|all| all.iter().any(|hour| hour["beats"].as_i64() > Some(2)))
    });
    let (full, sound) = (metrics(&sites[2].id), metrics(&sites[4].id));
    let figure = |of: &Value, name: &str| of[name].as_f64().unwrap_or_else(|| panic!("{name}: {of}"));
    for (name, low, high) in [("cpu_usage", 0.5, 60.0), ("memory_usage", 28.0, 60.0), ("temperature", 36.0, 74.0)] {
        assert!((low..high).contains(&figure(&sound, name)), "{name}: {sound}");
    }
    assert!(figure(&sound, "disk_usage") < 56.0 && figure(&full, "disk_usage") > 98.0, "{sound} {full}");
    assert!(sound["uptime"].is_string(), "{sound}");

    let (_, summary) = boxes.end();
    assert_eq!((summary["downloaded"].as_i64(), summary["failed"].as_i64()), (Some(1), Some(2)), "{summary}");
}

#[test]
fn the_first_so_many_of_a_list_come_and_so_many_of_them_are_spoiled() {
    let central = Central::start("simulate-n");
    let sites: Vec<Site> = (0..8).map(|number| central.site(&format!("Gymnase {number}"))).collect();
    let options = ["6", "--faults", "disk_full=1,corrupt=2", "--heartbeat", "1", "--report", "0.1"];
    let boxes = Boxes::start(&central, &sites, &options);
    let group = central.group(&sites[..6]);
    let video = central.upload(&root().join("box/tests/media/green.mp4"), None);
    let order = central.order(&video, "group", &group, "install");
    let seen = central.until(&format!("/api/deployments/{order}/targets"), Duration::from_secs(30), |targets| {
        parts(targets).iter().all(|(_, state, _)| state == "installed" || state == "failed")
    });
    let why = |reason: &str| parts(&seen).iter().filter(|(_, _, code)| code == reason).count();
    assert_eq!((why("disk_full"), why("checksum_mismatch"), why("")), (1, 2, 3), "{seen}");
    let (_, summary) = boxes.end();
    assert_eq!((summary["boxes"].as_i64(), summary["authenticated"].as_i64()), (Some(6), Some(6)), "{summary}");
}
