//! Long lists of the dashboard stay fluid: 13,000 sites, and an order that goes to all of them.
//!
//! The figures of a quiet machine stand in docs/performance.md. The limits here fail on gross faults only, such as a
//! table that draws every row: tests run beside each other.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::harness::{Central, EMAIL, PASSWORD, program, root};
use crate::tv::ALONE;

const SITES: usize = 13_000;

/// Sites as a list shows them, all in one group: its id comes back.
const SEED: &str = "
    with made as (
      insert into sites (id, site_name, club_name, location, sports, api_key, status, last_seen_at, software_version)
      select gen_random_uuid(), 'Gymnase ' || n, 'Club ' || lpad(n::text, 5, '0'),
        jsonb_build_object('city', 'Ville ' || n % 900, 'region', (array['Bretagne', 'Occitanie', 'Grand Est'])[1 + n % 3]),
        jsonb_build_array((array['football', 'handball'])[1 + n % 2]),
        'sha256:' || encode(sha256(convert_to(n::text, 'UTF8')), 'hex'), 'offline',
        now() - n * interval '1 minute', (array['2.0.0', '2.1.0'])[1 + n % 2]
      from generate_series(1, :count) n returning id
    ), everybody as (
      insert into groups (name, type) values ('Tous', 'custom') returning id
    ), members as (
      insert into site_groups (site_id, group_id) select made.id, everybody.id from made, everybody
    ) select id from everybody";

/// Through the socket of the server's own database: one by one, over the API, it would take longer than the test.
fn seed(central: &Central) -> String {
    let data = central.folder.join("data");
    let read = |name: &str| std::fs::read_to_string(data.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let pid_file = read("postgres/postmaster.pid");
    let line = |number: usize| pid_file.lines().nth(number).expect("PostgreSQL's own lines").to_owned();
    let made = Command::new("psql")
        .args(["-qAt", "-h", &line(4), "-p", &line(3), "-U", "neopro", "-v", "ON_ERROR_STOP=1", "neopro", "-c"])
        .arg(SEED.replace(":count", &SITES.to_string()))
        .env("PGPASSWORD", read("neopro.password").trim())
        .output()
        .expect("psql, which comes with PostgreSQL");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    String::from_utf8_lossy(&made.stdout).trim().to_owned()
}

fn number(seen: &Value, path: &str) -> f64 {
    seen.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("{path} is a number: {seen}"))
}

#[test]
fn thirteen_thousand_sites_are_scrolled_through_found_and_kept_alive() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let built = root().join("central-dashboard/dist/central-dashboard/index.html");
    assert!(built.exists(), "`cargo xtask test` builds the dashboard first");
    assert!(program("neopro-central").exists());
    let central = Central::start("fluid");
    let group = seed(&central);
    let video = central.upload(&root().join("box/tests/media/orange.mp4"), None);
    let order = central.order(&video, "group", &group, "install");
    let asked = json!({
        "chromium": "/usr/bin/chromium", "address": format!("http://127.0.0.1:{}", central.port),
        "email": EMAIL, "password": PASSWORD, "places": {"deployment": order},
    });
    let output = Command::new("node")
        .args(["tests/browser/fluid.mjs", &asked.to_string()])
        .current_dir(root().join("central-dashboard"))
        .stdin(Stdio::null())
        .output()
        .expect("Node and Chromium: `cargo xtask test` installs what is missing");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    println!("{said}");
    let seen: Value = serde_json::from_str(&said).expect("its figures");
    for list in ["sites", "deployment"] {
        let of = |name: &str| number(&seen, &format!("/{list}/{name}"));
        assert!((of("last_row") - SITES as f64).abs() < 0.5, "{list}: every row came by: {seen}");
        assert!(of("rows_in_page") < 120.0, "{list}: only the rows that one sees are drawn: {seen}");
        assert!(of("processor_ms_a_frame") < 60.0, "{list}: {seen}");
        assert!(of("longest_task_ms") < 2_000.0, "{list}: nobody waits for the page: {seen}");
        assert!(of("memory_mb/after") < 100.0, "{list}: {seen}");
    }
    assert!(number(&seen, "/search_ms") < 3_000.0, "{seen}");
    assert!(number(&seen, "/change/median_ms") < 3_000.0, "{seen}");
}
