//! `cargo xtask bench`: the figures of the README, measured on this machine.
//!
//! Every round measures the server as it is, and then once more through a proxy that counts round trips:
//! the proxy costs time, and a machine that grows slower during the bench slows both alike.

mod boxes;
mod cluster;
mod figures;
mod fleet;
mod http;
mod machine;
mod proxy;
mod server;

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::programs::am_root;
use crate::steps::{Outcome, cargo, loud, quiet, visible};
use crate::{packages, pages};

use cluster::Cluster;
use figures::{Figure, Judged};
use proxy::Proxy;
use server::{Server, Settings};

const ROUNDS: usize = 15;
const RESULTS: &str = "target/bench.json";

/// Builds, measures, prints, and fails if a goal is missed.
pub fn run() -> Outcome {
    packages::ensure(&packages::TESTS)?;
    pages::ensure()?;
    loud("release build", || {
        visible(&mut cargo(&[
            "build",
            "--release",
            "--locked",
            "-p",
            "neopro-central",
            "-p",
            "neopro-fleet",
            "-p",
            "neopro-box",
        ]))
    })?;
    // As root PostgreSQL runs as another user, who may not be able to enter the folders above ours.
    let folder = if am_root() { "/var/tmp/neopro-bench-pg" } else { "target/neopro-bench-pg" };
    let cluster = Cluster::start(Path::new(folder))?;
    let settings = Settings::new(Path::new("target/neopro-bench"))?;
    settings.prepare(&cluster.url(cluster.port()))?;
    let mut figures = Vec::new();
    let parts: [(&str, Measure); 3] =
        [("start and first login", measure_start), ("a fleet", fleet::measure), ("a box", boxes::measure)];
    for (name, measure) in parts {
        quiet(name, || measure(&cluster, &settings).map(|measured| figures.extend(measured)).map(|()| String::new()))?;
    }

    let machine = machine::describe();
    println!("\n{}\n\n{}", machine.sentence(), figures::table(&figures));
    let results = serde_json::json!({ "machine": machine.json(), "figures": figures::json(&figures) });
    fs::write(RESULTS, format!("{results:#}\n")).map_err(|error| format!("{RESULTS}: {error}"))?;
    let missed: Vec<&str> = figures.iter().filter(|figure| !figure.is_met()).map(|figure| figure.name).collect();
    if missed.is_empty() { Ok(()) } else { Err(format!("Goals missed: {}.", missed.join(", "))) }
}

type Measure = fn(&Cluster, &Settings) -> Result<Vec<Figure>, String>;

fn measure_start(cluster: &Cluster, settings: &Settings) -> Result<Vec<Figure>, String> {
    let proxy = Proxy::start(cluster.port()).map_err(|error| format!("The counting proxy: {error}"))?;
    let direct = cluster.url(cluster.port());
    let counted = cluster.url(proxy.port());

    let mut live = Figure::new("start to /live", "ms", Judged::Median, Some(50.0));
    let mut ready = Figure::new("start to /ready", "ms", Judged::Median, Some(200.0));
    let mut login = Figure::new("first login after ready", "ms", Judged::Median, Some(300.0));
    let mut trips = Figure::new("round trips before ready", "", Judged::Worst, Some(5.0));
    let mut connections = Figure::new("connections before ready", "", Judged::Worst, None);
    let mut memory = Figure::new("idle memory (RSS)", "MB", Judged::Worst, None);

    // The first start of all warms the page cache, and is the one that may stay idle for a while.
    let mut idle = Server::start(settings, &direct)?;
    idle.wait_until("/ready")?;
    std::thread::sleep(Duration::from_secs(2));
    memory.add(idle.resident_megabytes()?);
    drop(idle);

    for _ in 0..ROUNDS {
        let mut server = Server::start(settings, &direct)?;
        live.add(milliseconds(server.wait_until("/live")?));
        ready.add(milliseconds(server.wait_until("/ready")?));
        login.add(milliseconds(server.log_in()?));
        drop(server);

        proxy.reset();
        let mut server = Server::start(settings, &counted)?;
        server.wait_until("/ready")?;
        trips.add(f64::from(proxy.round_trips()));
        connections.add(f64::from(proxy.connections()));
    }
    Ok(vec![live, ready, login, trips, connections, memory])
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
