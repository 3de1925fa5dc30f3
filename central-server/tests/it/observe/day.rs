//! How much log a day of a fleet is (G-012), measured as Logtail would count it.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use neopro_fleet::identity::{identity, sites_sql};
use neopro_fleet::wire::{Said, Wire};
use neopro_protocol::Authenticate;

use super::Watched;
use super::sink::Sink;
use crate::support::http::Connection;

/// The boxes of the guide's club of clubs.
const BOXES: usize = 35;
/// What the free plan of the guide has for a day: 1 GB a month.
const A_DAYS_SHARE: u64 = 1_000_000_000 / 30;
const SEED: &str = "a-day-of-log";

/// What a day has, generously.
const DASHBOARD_HOURS: u64 = 8;
const CLICKS_PER_MINUTE: u64 = 4;
const CALLS_PER_CLICK: u64 = 5;
const RETURNS_PER_BOX: u64 = 6;
const FILES_PER_BOX: u64 = 10;

/// A box that is welcome.
pub async fn arrive(seed: &str, port: u16, number: usize) -> Wire {
    let identity = identity(seed, number);
    let claim = Authenticate { site_id: identity.site.to_string(), api_key: identity.key, ..Authenticate::default() };
    let mut wire = Wire::connect(([127, 0, 0, 1], port).into(), number).await.expect("a connection");
    wire.emit("authenticate", &claim).await.expect("said");
    loop {
        if let Said::Event { name, .. } = wire.next().await.expect("an answer") {
            assert_ne!(name, "auth_error");
            if name == "authenticated" {
                return wire;
            }
        }
    }
}

/// What has arrived, once nothing more comes.
async fn settled(sink: &Sink) -> (u64, usize) {
    let mut before = usize::MAX;
    loop {
        let now = sink.taken().len();
        if now == before {
            let bytes = sink.taken().iter().map(|taken| taken.bytes as u64).sum();
            return (bytes, sink.lines().len());
        }
        before = now;
        tokio::time::sleep(Duration::from_secs(7)).await;
    }
}

#[tokio::test]
async fn a_day_of_thirty_five_boxes_fits_into_the_free_plan_and_heartbeats_are_not_in_it() {
    let sink = Sink::start().await;
    let own = sink.variables();
    let variables: Vec<(&str, &str)> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut watched = Watched::start("a-day", &variables).await;
    watched.db.owner().await.batch_execute(&sites_sql(SEED, BOXES)).await.expect("sites");
    let port = watched.server.port;
    let token = watched.login().await;
    let start = settled(&sink).await;

    let mut boxes = Vec::new();
    for number in 0..BOXES {
        boxes.push(arrive(SEED, port, number).await);
    }
    let arrived = settled(&sink).await;

    // Forty minutes of heartbeats in twenty seconds, probes and scrapes of as long a time beside them.
    let beat = r#"{"metrics":{"cpu":12.5,"memory":41.2,"temperature":52.1,"disk":63.4,"uptime":86400,"localIp":"192.168.1.20"},"softwareVersion":"2.1.3"}"#;
    let mut beats = 0;
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(20) {
        for wire in &mut boxes {
            wire.pulse("heartbeat", beat).await.expect("heard");
            beats += 1;
        }
        let mut probe = Connection::open(port).await.expect("a connection");
        for path in ["/health", "/ready", "/live"] {
            probe.send(&axum::http::Method::GET, path, None, None).await.expect("an answer").expect(StatusCode::OK);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let beaten = settled(&sink).await;
    assert!(beats > 500, "{beats}");

    let calls = 200;
    let mut connection = Connection::open(port).await.expect("a connection");
    for number in 0..calls {
        let path = ["/api/sites?limit=20", "/api/deployments", "/api/sites/stats", "/api/videos"][number % 4];
        connection.send(&axum::http::Method::GET, path, Some(&token), None).await.expect("an answer");
    }
    let called = settled(&sink).await;
    assert!(watched.server.terminate().await.success());

    let (of_beats, beat_lines) = (beaten.0 - arrived.0, beaten.1 - arrived.1);
    let per_arrival = (arrived.0 - start.0).div_ceil(BOXES as u64);
    let per_call = (called.0 - beaten.0).div_ceil(calls as u64);
    let clicks = DASHBOARD_HOURS * 60 * CLICKS_PER_MINUTE * CALLS_PER_CLICK;
    let idle = of_beats * 24 * 60 / 40;
    let fleet = BOXES as u64;
    let day =
        idle + clicks * per_call + fleet * RETURNS_PER_BOX * per_arrival + fleet * FILES_PER_BOX * per_call + start.0;
    println!(
        "log of a day at info: {day} bytes ({:.1} % of the {A_DAYS_SHARE} of the free plan): a call {per_call}, a box that \
         comes {per_arrival}, {beats} heartbeats and their probes {of_beats} in {beat_lines} lines, a start with a login {}; \
         {clicks} calls of a dashboard, {} returns, {} files",
        100.0 * day as f64 / A_DAYS_SHARE as f64,
        start.0,
        fleet * RETURNS_PER_BOX,
        fleet * FILES_PER_BOX,
    );
    assert!(beat_lines < 10, "heartbeats and probes are not logged one by one: {beat_lines} lines");
    assert!(per_call > 100, "the control: a call is a line");
    assert!(day < A_DAYS_SHARE / 2, "{day} bytes");
}
