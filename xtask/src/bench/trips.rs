//! Round trips to the database: what a request costs when that is far away.

use std::time::{Duration, Instant};

use serde_json::json;

use super::cluster::Cluster;
use super::curl::Curl;
use super::figures::{Figure, Judged, Measured};
use super::generator::{Sites, World};
use super::http;
use super::proxy::Proxy;
use super::server::Settings;
use super::storm::Held;

/// How far away the database is: each way.
const DELAY: Duration = Duration::from_millis(20);
/// What one round trip takes and a request may take beside it, in milliseconds.
const ONE_TRIP: f64 = 50.0;
const ROUNDS: usize = 7;
const WARM_UP: usize = 3;
const CLIP: &str = "box/tests/media/orange.mp4";

/// Measures.
pub fn measure(cluster: &Cluster, settings: &Settings) -> Result<Measured, String> {
    let proxy = Proxy::start(cluster.port(), DELAY).map_err(|error| format!("The counting proxy: {error}"))?;
    let sites = Sites { count: 200, members: 200, ..Sites::default() };
    let world = World::start_through(cluster, settings, "trips", sites, proxy.port())?;
    let (port, token) = (world.server()?.port(), world.server()?.token()?);
    let connected = Held::come(world.server()?, "bench", 0, 1)?;
    let curl = Curl { port, token: token.clone() };
    // The newest is the one with the number 0, whose box is connected.
    let newest = curl.send(&[], "/api/sites?limit=1")?;
    let site = newest["data"][0]["id"].as_str().ok_or("There is no site.")?;
    let video = curl.send(&["-F", &format!("video=@{CLIP}")], "/api/videos")?;
    let order = curl.post("/api/deployments", &json!({ "video_id": video["id"], "target_id": site }))?;
    let order = order["id"].as_str().ok_or("The order has no id.")?;

    let command = json!({ "command": "get_system_info", "params": {} }).to_string();
    let get = |path: &str| (path.to_owned(), None);
    let routes: [(String, Option<&str>); 10] = [
        get("/api/sites?limit=100"),
        get("/api/sites/stats"),
        get("/api/sites/connection-status"),
        get(&format!("/api/sites/{site}")),
        get(&format!("/api/sites/{site}/metrics")),
        (format!("/api/sites/{site}/command"), Some(command.as_str())),
        get("/api/groups"),
        get("/api/videos?limit=50"),
        get("/api/deployments?limit=50"),
        get(&format!("/api/deployments/{order}")),
    ];
    let mut trips = Figure::new("round trips of the ten busiest routes", "", Judged::Worst, Some(1.0));
    let mut times = Figure::new("the same, 20 ms away each way", "ms", Judged::Worst, Some(ONE_TRIP));
    for (path, body) in routes {
        let mut each: Vec<(u32, Duration)> = Vec::new();
        for round in 0..WARM_UP + ROUNDS {
            proxy.reset();
            let began = Instant::now();
            let answer = http::request(port, &path, &token, body).map_err(|error| format!("{path}: {error}"))?;
            let (took, counted) = (began.elapsed(), proxy.round_trips());
            if answer.status != 200 {
                return Err(format!("{path} answers {}", answer.text));
            }
            if round >= WARM_UP {
                each.push((counted, took));
            }
        }
        // What the server does by itself now and then is of no request.
        each.sort_unstable();
        let usual = each[ROUNDS / 2].0;
        if usual > 1 {
            println!("    {path}: {usual} round trips until its answer");
        }
        trips.add(f64::from(usual));
        each.sort_unstable_by_key(|(_, took)| *took);
        times.add(each[ROUNDS / 2].1.as_secs_f64() * 1_000.0);
    }
    connected.go()?;
    world.end()?;
    Ok(Measured { figures: vec![trips, times], ..Measured::default() })
}
