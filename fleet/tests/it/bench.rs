//! The load of the bench against a server that is right: a small fleet lives its life, and its ledger finds no fault, but
//! finds each that was put into it.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::{Central, program, root};

/// Boxes, and those beside them that the video is not for.
const BOXES: usize = 24;
const STRANGERS: usize = 20;

/// Runs statements in the server's own database, which listens on a socket only.
fn psql(central: &Central, sql: &str) -> u32 {
    let data = central.folder.join("data");
    let running = std::fs::read_to_string(data.join("postgres/postmaster.pid")).expect("the database runs");
    let lines: Vec<&str> = running.lines().collect();
    let password = std::fs::read_to_string(data.join("postgres.password")).expect("a password");
    let mut psql = Command::new("psql")
        .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", lines[4], "-p", lines[3], "-U", "postgres", "-d", "neopro"])
        .env("PGPASSWORD", password.trim())
        .stdin(Stdio::piped())
        .spawn()
        .expect("psql");
    psql.stdin.take().expect("its input").write_all(sql.as_bytes()).expect("it reads");
    assert!(psql.wait().expect("it ends").success(), "the statements are run");
    lines[0].parse().expect("a process")
}

fn bench(central: &Central, database: u32, arguments: &[&str]) -> Value {
    let mut bench = Command::new(program("neopro-fleet"))
        .args(["bench", arguments[0], "--server", &format!("127.0.0.1:{}", central.port)])
        .args(["--server-pid", &central.pid().to_string(), "--database-pid", &database.to_string()])
        .args(&arguments[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the bench starts");
    writeln!(bench.stdin.take().expect("its input"), "{}", central.token()).expect("it reads");
    let said = bench.wait_with_output().expect("it ends");
    assert!(said.status.success(), "the bench measures");
    serde_json::from_slice(&said.stdout).expect("one line of JSON")
}

/// The server has stored what was sent, and ledgers that were made wrong on purpose were found out.
fn assert_honest(found: &Value) {
    assert_eq!((&found["faults"]["count"], &found["faults"]["first"]), (&0.into(), &Value::Array(vec![])));
    let controls = &found["controls"];
    assert!(controls["of"].as_u64() > Some(0) && controls["of"] == controls["found"], "{controls}");
}

#[test]
fn a_fleet_lives_its_life_and_the_lists_are_right_under_load() {
    // Whoever measures asks more than a person ever would.
    let central = Central::start_with("bench", &[("NEOPRO_RATE_LIMITS", "off")]);
    let sites = Command::new(program("neopro-fleet"))
        .args(["bench", "sites", "--count", &(BOXES + STRANGERS).to_string(), "--members", &BOXES.to_string()])
        .output()
        .expect("the sites' statements");
    let database = psql(&central, &String::from_utf8(sites.stdout).expect("UTF-8"));

    let clip = root().join("box/tests/media/green.mp4");
    let count = BOXES.to_string();
    let life = ["fleet", "--count", &count, "--heartbeat", "2", "--idle", "1", "--beats", "6", "--commands", "1"];
    let found = bench(&central, database, &[&life[..], &["--clip", clip.to_str().expect("UTF-8")]].concat());
    assert_honest(&found);
    assert!(found["beat"]["beats"].as_u64() >= Some(BOXES as u64), "{found}");
    assert_eq!(found["deploy"]["told"]["count"], BOXES, "{found}");
    assert!(found["deploy"]["done_s"].is_number(), "{found}");
    assert!(found["command"].as_array().is_some_and(|loads| loads.iter().all(|it| it["messages_per_command"] == 1.0)));

    let count = (BOXES + STRANGERS).to_string();
    let found = bench(&central, database, &["pages", "--count", &count, "--rounds", "1", "--seconds", "1"]);
    assert_honest(&found);
    for list in ["first", "filtered", "status"] {
        let round = &found["lists"][list][0];
        assert!(round["compared_whole"].as_u64() > Some(0) && round["requests"].as_u64() > Some(0), "{list}: {round}");
    }
}
