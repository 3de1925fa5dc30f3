//! The first contact of boxes that NeoPro 1 knew: their keys are hashed slowly, once more and then never again.

use super::cluster::Cluster;
use super::figures::{Figure, Judged, Measured};
use super::fleet::{live_failed, live_p99};
use super::generator::{Sites, World, honesty, number};
use super::server::Settings;

/// Boxes with such keys, and others that beat meanwhile.
const OLD: usize = 500;
const BESIDE: usize = 1_000;

/// Measures.
pub fn measure(cluster: &Cluster, settings: &Settings) -> Result<Measured, String> {
    let sites = Sites { count: OLD + BESIDE, old_keys: OLD, ..Sites::default() };
    let world = World::start(cluster, settings, "first", sites)?;
    let numbers = [OLD, BESIDE].map(|number| number.to_string());
    let found = world.measure("first", &["--old", &numbers[0], "--beside", &numbers[1]]);
    world.end()?;
    let found = found?;
    let welcome = number(&found["welcome"]["count"]);
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    let old = OLD as f64;
    let mut figures = vec![
        Figure::new("of 500 with bcrypt keys not welcomed", "", Judged::Worst, Some(0.0)).with([old - welcome]),
        live_p99("/live meanwhile, p99", [&found]),
        live_failed("/live meanwhile, not answered", [&found]),
        Figure::new("until all 500 are known", "s", Judged::Worst, None).with([number(&found["seconds"])]),
        Figure::new("connections that a box needs for that", "", Judged::Worst, None)
            .with([number(&found["connections"]) / old]),
    ];
    figures.extend(honesty("first contact", &found));
    Ok(Measured { figures, ..Measured::default() })
}
