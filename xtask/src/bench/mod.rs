//! `cargo xtask bench`: the figures of the README, measured on this machine. Server, PostgreSQL and the load generator
//! (`neopro-fleet bench`) are processes of their own; each part has a server of its own.

mod boxes;
mod build;
mod cluster;
mod curl;
mod figures;
mod first;
mod fleet;
mod generator;
mod http;
mod logins;
mod machine;
mod pages;
mod plan;
mod proxy;
mod server;
mod start;
mod storm;
mod trips;

use std::fs;
use std::path::Path;

use crate::packages;
use crate::programs::am_root;
use crate::steps::{Outcome, cargo, loud, quiet, visible};

use cluster::Cluster;
use figures::Measured;
use server::Settings;

const RESULTS: &str = "target/bench.json";

/// What can be measured by itself: a word for the command line, and what the table is told while it runs.
struct Part {
    name: &'static str,
    does: &'static str,
    measure: fn(&Cluster, &Settings) -> Result<Measured, String>,
}

const PARTS: [Part; 9] = [
    Part { name: "start", does: "start and first login", measure: start::measure },
    Part { name: "trips", does: "round trips", measure: trips::measure },
    Part { name: "pages", does: "lists of sites", measure: pages::measure },
    Part { name: "first", does: "boxes of NeoPro 1", measure: first::measure },
    Part { name: "logins", does: "logins", measure: logins::measure },
    Part { name: "storm", does: "20,000 boxes", measure: storm::measure },
    Part { name: "fleet", does: "fleets of four sizes", measure: fleet::measure },
    Part { name: "plan", does: "35 boxes on a free plan", measure: plan::measure },
    Part { name: "box", does: "a box", measure: boxes::measure },
];

/// Builds, measures the named parts or all, prints, and fails if a goal is missed.
pub fn run(names: &[String]) -> Outcome {
    if let Some(unknown) = names.iter().find(|name| !known().any(|known| known == **name)) {
        let known: Vec<&str> = known().collect();
        return Err(format!("There is no part \"{unknown}\", only: {}.", known.join(", ")));
    }
    let (mut all, mut failed) = (Measured::default(), Vec::new());
    if names.is_empty() || names.iter().any(|name| name == build::NAME) {
        // First and alone: what else is built or runs would be counted with it.
        let told = format!("step 6, cold ({})", build::cache());
        failed.extend(loud(&told, || build::measure().map(|measured| all.extend(measured))).err());
    }
    let parts: Vec<&Part> =
        PARTS.iter().filter(|part| names.is_empty() || names.iter().any(|it| it == part.name)).collect();
    if !parts.is_empty() {
        measure(&parts, &mut all, &mut failed)?;
    }

    let machine = machine::describe();
    println!("\n{}\n\n{}", machine.sentence(), all.table());
    let (figures, growth) = all.json();
    let results = serde_json::json!({ "machine": machine.json(), "figures": figures, "growth": growth });
    fs::write(RESULTS, format!("{results:#}\n")).map_err(|error| format!("{RESULTS}: {error}"))?;
    let missed = all.missed();
    if !missed.is_empty() {
        failed.push(format!("Goals missed: {}.", missed.join(", ")));
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join(" ")) }
}

/// The words for the command line.
fn known() -> impl Iterator<Item = &'static str> {
    PARTS.iter().map(|part| part.name).chain([build::NAME])
}

/// What needs the programs, a database and a server.
fn measure(parts: &[&Part], all: &mut Measured, failed: &mut Vec<String>) -> Outcome {
    packages::ensure(&packages::TESTS)?;
    crate::pages::ensure()?;
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
    for Part { does, measure, .. } in parts {
        // What the other parts have found is told all the same.
        failed.extend(
            quiet(does, || measure(&cluster, &settings).map(|measured| all.extend(measured)).map(|()| String::new()))
                .err(),
        );
    }
    Ok(())
}
