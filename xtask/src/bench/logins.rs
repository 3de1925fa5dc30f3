//! Logins while a thousand boxes stay connected.

use super::cluster::Cluster;
use super::figures::{Figure, Judged, Measured};
use super::generator::{Sites, World, honesty, number};
use super::server::Settings;

/// Boxes that beat as in the field, and others that are listened to.
const BESIDE: usize = 1_000;
const PULSES: usize = 50;

/// Measures.
pub fn measure(cluster: &Cluster, settings: &Settings) -> Result<Measured, String> {
    let world = World::start(cluster, settings, "logins", Sites { count: BESIDE + PULSES, ..Sites::default() })?;
    let numbers = [BESIDE, PULSES].map(|number| number.to_string());
    let found =
        world.measure("logins", &["--password", settings.password(), "--beside", &numbers[0], "--pulses", &numbers[1]]);
    world.end()?;
    let found = found?;
    let memory = |moment: &str| number(&found["memory_kib"][moment]) / 1024.0;
    let figure = |name: &str, unit, goal, value: f64| Figure::new(name, unit, Judged::Worst, goal).with([value]);
    let mut figures = vec![
        Figure::rate("logins a second, 1,000 boxes connected", "/s", Judged::Worst, Some(40.0))
            .with([number(&found["per_second"])]),
        figure("a heartbeat meanwhile until it is read, p99", "ms", Some(50.0), number(&found["heartbeat"]["p99_ms"])),
        figure("the same without logins, p99", "ms", None, number(&found["heartbeat_quiet"]["p99_ms"])),
        figure("memory for that", "MB", Some(64.0), memory("peak") - memory("before")),
        figure("a login: processor of the server", "ms", None, number(&found["cpu_ms"]["server"])),
        figure("a login: processor of PostgreSQL", "ms", None, number(&found["cpu_ms"]["database"])),
    ];
    figures.extend(honesty("logins", &found));
    Ok(Measured { figures, ..Measured::default() })
}
