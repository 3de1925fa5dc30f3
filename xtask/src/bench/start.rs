//! How soon the server is there, and what it needs until then and alone.
//!
//! Every round measures the server as it is, and then once more through a proxy that counts round trips: the proxy costs
//! time, and a machine that grows slower during the bench slows both alike.

use std::time::Duration;

use super::cluster::Cluster;
use super::figures::{Figure, Judged, Measured};
use super::proxy::Proxy;
use super::server::{Server, Settings};

const ROUNDS: usize = 15;

/// Measures.
pub fn measure(cluster: &Cluster, settings: &Settings) -> Result<Measured, String> {
    let proxy = Proxy::start(cluster.port(), Duration::ZERO).map_err(|error| format!("The counting proxy: {error}"))?;
    let direct = cluster.url(cluster.port());
    let counted = cluster.url(proxy.port());

    let mut live = Figure::new("start to /live", "ms", Judged::Median, Some(50.0));
    let mut ready = Figure::new("start to /ready", "ms", Judged::Median, Some(200.0));
    let mut login = Figure::new("first login after ready", "ms", Judged::Median, Some(300.0));
    let mut trips = Figure::new("round trips before ready", "", Judged::Worst, Some(5.0));
    let mut connections = Figure::new("connections before ready", "", Judged::Worst, None);
    let mut memory = Figure::new("idle memory (RSS)", "MB", Judged::Worst, Some(40.0));

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
    Ok(Measured { figures: vec![live, ready, login, trips, connections, memory], ..Measured::default() })
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
