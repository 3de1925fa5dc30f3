//! The lists of sites that people read.

use serde_json::Value;

use super::cluster::Cluster;
use super::figures::{Figure, Growth, Judged, Measured};
use super::fleet::SIZES;
use super::generator::{Sites, World, honesty, number};
use super::server::Settings;

/// Sites of the lists with the goals.
const SITES: usize = 5_000;

/// Measures.
pub fn measure(cluster: &Cluster, settings: &Settings) -> Result<Measured, String> {
    let mut measured = Measured::default();
    let found = read(cluster, settings, SITES, &["--rounds", "5", "--seconds", "4"])?;
    let lists = &found["lists"];
    for (name, list, goal) in [
        ("page 1 of 5,000 sites", "first", Some(1_500.0)),
        // The dearest: farthest from both ends.
        ("page 25 of 5,000 sites", "middle", None),
        ("page 50 of 5,000 sites", "fiftieth", Some(1_000.0)),
        ("pages by region, search and order", "filtered", None),
        ("connections of 5,000 sites", "status", Some(500.0)),
    ] {
        let each = |path: &dyn Fn(&Value) -> &Value| {
            rounds(&lists[list]).iter().map(|it| number(path(it))).collect::<Vec<_>>()
        };
        // Only the pages have a goal for their cost.
        let cost = matches!(list, "first" | "fiftieth").then_some(0.4);
        measured.figures.extend([
            Figure::rate(name, "/s", Judged::Median, goal).with(each(&|it| &it["per_second"])),
            Figure::new(format!("{name}: server"), "ms", Judged::Median, cost)
                .with(each(&|it| &it["cpu_ms"]["server"])),
            Figure::new(format!("{name}: PostgreSQL"), "ms", Judged::Median, None)
                .with(each(&|it| &it["cpu_ms"]["database"])),
        ]);
    }
    measured.figures.extend(honesty("lists", &found));
    measured.growth = growth(cluster, settings)?;
    Ok(measured)
}

fn rounds(list: &Value) -> &[Value] {
    list.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn read(cluster: &Cluster, settings: &Settings, sites: usize, arguments: &[&str]) -> Result<Value, String> {
    let world = World::start(cluster, settings, &format!("pages_{sites}"), Sites { count: sites, ..Sites::default() })?;
    let found = world.measure("pages", &[&["--count", &sites.to_string()], arguments].concat());
    world.end()?;
    found
}

/// What a list costs for each site that there is.
fn growth(cluster: &Cluster, settings: &Settings) -> Result<Vec<Growth>, String> {
    let mut costs = [Vec::new(), Vec::new()];
    for size in SIZES {
        let found = read(cluster, settings, size, &["--lists", "first,status", "--rounds", "3", "--seconds", "3"])?;
        for (list, costs) in ["first", "status"].into_iter().zip(&mut costs) {
            let mut each: Vec<f64> = rounds(&found["lists"][list])
                .iter()
                .map(|it| number(&it["cpu_ms"]["server"]) + number(&it["cpu_ms"]["database"]))
                .collect();
            each.sort_by(f64::total_cmp);
            #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
            let sites = size as f64;
            let median = each.get(each.len() / 2).copied().unwrap_or(f64::NAN);
            costs.push((size, median * 1_000.0 / sites));
        }
    }
    let [first, status] = costs;
    Ok(vec![
        Growth::new("page 1, for each site that there is", "µs", first),
        Growth::new("connections, for each site", "µs", status),
    ])
}
