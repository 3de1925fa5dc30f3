//! What a fleet costs that lives: it comes at once, beats, gets commands and a video. Fleets of three sizes live the same
//! life, which shows how each cost grows; that of 13,000 is the one with the goals.

use serde_json::Value;

use super::cluster::Cluster;
use super::figures::{Figure, Growth, Judged, Measured};
use super::generator::{Sites, World, honesty, number};
use super::server::Settings;

/// The sizes by which the growth is judged.
pub const SIZES: [usize; 3] = [100, 1_000, 13_000];
/// The fleet against which the memory of 13,000 is measured.
const FEW: usize = 2_000;
const MANY: usize = 13_000;
/// Beside the fleet: the video is not for them.
const STRANGERS: usize = 20;
/// The video that all get.
const CLIP: &str = "box/tests/media/orange.mp4";

/// Measures.
pub fn measure(cluster: &Cluster, settings: &Settings) -> Result<Measured, String> {
    let mut measured = Measured::default();
    let mut lives = Vec::new();
    for size in SIZES {
        // Five minutes of heartbeats; the mirrors come within the first two and a half, and are not measured.
        let (idle, beats) = if size == MANY { ("60", "150") } else { ("30", "60") };
        let arguments = ["--idle", idle, "--beats", beats, "--commands", "8", "--clip", CLIP];
        lives.push(live(cluster, settings, size, &arguments)?);
    }
    let few = live(cluster, settings, FEW, &["--idle", "60", "--beats", "150", "--commands", "0"])?;
    let [.., many] = &lives[..] else { return Err("No fleet has lived.".into()) };

    measured.figures.extend(arrival(&many["arrive"]));
    measured.figures.extend(memory(&few["memory_kib"], &many["memory_kib"]));
    measured.figures.extend(heartbeats(&many["beat"]));
    measured.figures.extend(commands(&many["command"]));
    measured.figures.extend(deployment(&many["deploy"]));
    for life in lives.iter().chain([&few]) {
        measured.figures.extend(honesty(&format!("fleet of {}", life["boxes"]), life));
    }
    measured.growth.extend(growth(&lives));
    Ok(measured)
}

fn live(cluster: &Cluster, settings: &Settings, size: usize, arguments: &[&str]) -> Result<Value, String> {
    let sites = Sites { count: size + STRANGERS, members: size, ..Sites::default() };
    let world = World::start(cluster, settings, &format!("fleet_{size}"), sites)?;
    let size = size.to_string();
    let found = world.measure("fleet", &[&["--count", &size], arguments].concat());
    world.end()?;
    found
}

fn arrival(arrive: &Value) -> Vec<Figure> {
    let waves = [&arrive["again"], &arrive["first"]];
    let seconds =
        |name: &str, wave: &Value| Figure::new(name, "s", Judged::Worst, Some(5.0)).with([number(&wave["seconds"])]);
    let [again, first] = waves;
    vec![
        seconds("13,000 at once, as after an outage", again),
        seconds("13,000 at once, never seen before", first),
        Figure::new("of these lost or refused", "", Judged::Worst, Some(0.0))
            .with(waves.map(|wave| number(&wave["lost"]) + number(&wave["refused"]))),
        live_p99("/live meanwhile, p99", waves),
        live_failed("/live meanwhile, not answered", waves),
    ]
}

/// What the probe beside has waited for.
pub fn live_p99<const N: usize>(name: &str, parts: [&Value; N]) -> Figure {
    Figure::new(name, "ms", Judged::Worst, Some(50.0)).with(parts.map(|part| number(&part["live"]["p99_ms"])))
}

/// What the probe beside has waited for in vain.
pub fn live_failed<const N: usize>(name: &str, parts: [&Value; N]) -> Figure {
    Figure::new(name, "", Judged::Worst, Some(0.0)).with(parts.map(|part| number(&part["live"]["failed"])))
}

fn memory(few: &Value, many: &Value) -> Vec<Figure> {
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let slope = |moment: &str| (number(&many[moment]) - number(&few[moment])) / (MANY - FEW) as f64;
    let figure = |name: &str, goal, moment| Figure::new(name, "KiB", Judged::Worst, goal).with([slope(moment)]);
    vec![
        figure("memory per box, 5 min of heartbeats, mirror", Some(12.0), "living"),
        figure("the same before its first heartbeat", None, "connected"),
    ]
}

fn heartbeats(beat: &Value) -> Vec<Figure> {
    let figure = |name: &str, goal, part: &str, process: &str| {
        Figure::new(name, "s", Judged::Worst, goal).with([number(&beat[part][process])])
    };
    vec![
        figure("1,000 heartbeats: server", Some(0.05), "cpu_s_per_1000", "server"),
        figure("1,000 heartbeats: PostgreSQL", Some(0.05), "cpu_s_per_1000", "database"),
        figure("the same with the idle connections: server", None, "with_idle_s_per_1000", "server"),
        figure("the same with the idle connections: PostgreSQL", None, "with_idle_s_per_1000", "database"),
        figure("13,000 idle connections, a minute: server", None, "idle_s_per_minute", "server"),
        figure("13,000 idle connections, a minute: PostgreSQL", None, "idle_s_per_minute", "database"),
    ]
}

fn commands(command: &Value) -> Vec<Figure> {
    let [one, eight] = [&command[0], &command[1]];
    let times = |name: &str, goal, load: &Value, share: &str| {
        Figure::new(name, "ms", Judged::Worst, Some(goal)).with([number(&load["delivery"][share])])
    };
    vec![
        times("command to its box, 1 caller, p50", 2.0, one, "p50_ms"),
        times("command to its box, 1 caller, p99", 10.0, one, "p99_ms"),
        Figure::rate("commands of 8 callers", "/s", Judged::Worst, Some(800.0)).with([number(&eight["per_second"])]),
        times("command to its box, 8 callers, p99", 30.0, eight, "p99_ms"),
        Figure::new("messages to the fleet for a command", "", Judged::Worst, Some(1.0))
            .with([one, eight].map(|load| number(&load["messages_per_command"]))),
        Figure::new("a command: server", "ms", Judged::Worst, None).with([number(&eight["cpu_ms"]["server"])]),
        Figure::new("a command: PostgreSQL", "ms", Judged::Worst, None).with([number(&eight["cpu_ms"]["database"])]),
    ]
}

fn deployment(deploy: &Value) -> Vec<Figure> {
    vec![
        Figure::new("a video for 13,000: created", "ms", Judged::Worst, Some(1_000.0))
            .with([number(&deploy["created_ms"])]),
        Figure::new("a video for 13,000: all told", "s", Judged::Worst, Some(10.0))
            .with([number(&deploy["told"]["worst_ms"]) / 1_000.0]),
        Figure::new("a video for 13,000: all have it, fetched within 20 s", "s", Judged::Worst, None)
            .with([number(&deploy["done_s"])]),
    ]
}

fn growth(lives: &[Value]) -> Vec<Growth> {
    let costs = |of: &dyn Fn(&Value) -> &Value| {
        let both = |life: &Value| {
            let cost = of(life);
            number(&cost["server"]) + number(&cost["database"])
        };
        SIZES.into_iter().zip(lives.iter().map(both)).collect::<Vec<_>>()
    };
    let row = |name: &str, of: &dyn Fn(&Value) -> &Value| Growth::new(name, "ms", costs(of));
    let mut rows = vec![
        row("a box of many that come at once", &|life| &life["arrive"]["again"]["cpu_ms"]),
        row("a box that beats, a minute", &|life| &life["beat"]["cpu_ms_per_box_and_minute"]),
        row("a command, 8 callers", &|life| &life["command"][1]["cpu_ms"]),
        row("a site of a deployment until it is told", &|life| &life["deploy"]["cpu_ms"]),
    ];
    let memory = |life: &Value| number(&life["memory_kib"]["living"]) - number(&life["memory_kib"]["alone"]);
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let each = SIZES.into_iter().zip(lives).map(|(size, life)| (size, memory(life) / size as f64)).collect();
    rows.push(Growth::new("memory of a box, beside what the server needs alone", "KiB", each));
    rows
}
