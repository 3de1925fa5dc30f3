//! What the installation of the guide needs of its free plans: 35 boxes that beat, and dashboards that are open.
//!
//! Memory is the server's own. What it sends is counted by proxies in front of it and of the database, and stands for a
//! month in which boxes are on for 12 hours a day: platforms bill what leaves, whether to boxes, browsers or the database.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::cluster::Cluster;
use super::figures::{Figure, Judged, Measured};
use super::generator::{Sites, World, honesty};
use super::http;
use super::proxy::Proxy;
use super::server::Settings;

const BOXES: usize = 35;
const STRANGERS: usize = 20;
const DASHBOARDS: usize = 3;
/// The server's first rounds are over.
const STARTED_AFTER: Duration = Duration::from_secs(45);
/// The boxes have come and sent their mirrors, and the generator's own checks are not yet.
const SETTLED_AFTER: Duration = Duration::from_secs(150);
const MEASURED: Duration = Duration::from_secs(120);
/// How often a dashboard that is used reads a page.
const READS_EVERY: Duration = Duration::from_secs(10);
const PAGES: [&str; 5] =
    ["/api/sites?limit=100", "/api/sites/stats", "/api/groups", "/api/videos?limit=50", "/api/deployments?limit=50"];
/// Seconds of a month, of those in which boxes are on, and in which a dashboard is open: 22 days of 8 hours.
const MONTH: f64 = 30.0 * 24.0 * 3_600.0;
const BOXES_ON: f64 = 30.0 * 12.0 * 3_600.0;
const DASHBOARD_OPEN: f64 = 22.0 * 8.0 * 3_600.0;

/// Measures.
pub fn measure(cluster: &Cluster, settings: &Settings) -> Result<Measured, String> {
    let complain = |error: std::io::Error| format!("The counting proxy: {error}");
    let database = Proxy::start(cluster.port(), Duration::ZERO).map_err(complain)?;
    let sites = Sites { count: BOXES + STRANGERS, members: BOXES, ..Sites::default() };
    let world = World::start_through(cluster, settings, "plan", sites, database.port())?;
    let server = world.server()?;
    let front = Proxy::start(server.port(), Duration::ZERO).map_err(complain)?;
    std::thread::sleep(STARTED_AFTER);
    let alone = watch(&world, &front, &database, None)?;
    let dashboards = Dashboards::open(server.port(), &server.token()?)?;
    let watched = watch(&world, &front, &database, Some(&dashboards))?;
    let mut window = None;
    let life = std::thread::scope(|scope| {
        let life = scope.spawn(|| {
            let count = BOXES.to_string();
            let arguments = ["--count", &count, "--idle", "5", "--beats", "240", "--commands", "0"];
            world.measure_through(front.port(), "fleet", &arguments)
        });
        std::thread::sleep(SETTLED_AFTER);
        window = Some(watch(&world, &front, &database, Some(&dashboards)));
        life.join().unwrap_or_else(|_| Err("The generator could not be waited for.".into()))
    })?;
    let window = window.ok_or("Nothing was watched.")??;
    dashboards.close();
    world.end()?;
    let mut figures = vec![
        Figure::new("memory with 35 boxes and 3 dashboards (RSS)", "MB", Judged::Worst, Some(150.0))
            .with([window.megabytes]),
    ];
    let parts = [
        ("a month to the database, nobody there", alone.to_database, MONTH),
        ("and with 35 boxes, 12 hours a day", window.to_database - watched.to_database, BOXES_ON),
        ("and with 3 dashboards, 22 days of 8 hours", watched.to_database - alone.to_database, DASHBOARD_OPEN),
        ("a month to 35 boxes that beat, 12 hours a day", window.to_boxes, BOXES_ON),
        ("a month to 3 dashboards, 22 days of 8 hours", window.to_dashboards, DASHBOARD_OPEN),
    ];
    let megabytes = parts.map(|(name, per_second, seconds)| (name, per_second * seconds / 1e6));
    figures.extend(megabytes.map(|(name, sent)| Figure::new(name, "MB", Judged::Worst, None).with([sent])));
    let all = megabytes.iter().map(|(_, sent)| sent).sum();
    figures.push(Figure::new("all that leaves the server in a month", "MB", Judged::Worst, Some(5_000.0)).with([all]));
    figures.extend(honesty("plan of 35", &life));
    Ok(Measured { figures, ..Measured::default() })
}

/// What was seen in a measured time: the most memory, and bytes a second.
struct Window {
    megabytes: f64,
    to_boxes: f64,
    to_database: f64,
    to_dashboards: f64,
}

fn watch(world: &World, front: &Proxy, database: &Proxy, dashboards: Option<&Dashboards>) -> Result<Window, String> {
    let counts = || (front.bytes().1, database.bytes().0, dashboards.map_or(0, Dashboards::bytes));
    let (before, began) = (counts(), Instant::now());
    let mut megabytes: f64 = 0.0;
    while began.elapsed() < MEASURED {
        megabytes = megabytes.max(world.server()?.resident_megabytes()?);
        std::thread::sleep(Duration::from_millis(500));
    }
    let (after, seconds) = (counts(), began.elapsed().as_secs_f64());
    #[expect(clippy::cast_precision_loss, reason = "megabytes")]
    let rate = |before: u64, after: u64| (after - before) as f64 / seconds;
    Ok(Window {
        megabytes,
        to_boxes: rate(before.0, after.0),
        to_database: rate(before.1, after.1),
        to_dashboards: rate(before.2, after.2),
    })
}

/// Dashboards: each hears the stream of changes, and reads a page now and then.
struct Dashboards {
    bytes: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Dashboards {
    fn open(port: u16, token: &str) -> Result<Self, String> {
        let (bytes, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let mut threads = Vec::new();
        for number in 0..DASHBOARDS {
            let stream = listen(port, token).map_err(|error| format!("A dashboard's stream: {error}"))?;
            let (heard, ends) = (Arc::clone(&bytes), Arc::clone(&over));
            threads.push(std::thread::spawn(move || hear(stream, &heard, &ends)));
            let (read, ends, token) = (Arc::clone(&bytes), Arc::clone(&over), token.to_owned());
            threads.push(std::thread::spawn(move || {
                for path in PAGES.iter().cycle().skip(number) {
                    if ends.load(Ordering::SeqCst) {
                        return;
                    }
                    // A page that is not answered shows in the generator's own checks.
                    if let Ok(answer) = http::request(port, path, &token, None) {
                        read.fetch_add(answer.text.len() as u64, Ordering::SeqCst);
                    }
                    std::thread::sleep(READS_EVERY);
                }
            }));
        }
        Ok(Self { bytes, over, threads })
    }

    fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::SeqCst)
    }

    fn close(self) {
        self.over.store(true, Ordering::SeqCst);
        for thread in self.threads {
            let _ = thread.join();
        }
    }
}

fn listen(port: u16, token: &str) -> std::io::Result<TcpStream> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_millis(500)))?;
    let head = format!(
        "GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n\
         Accept: text/event-stream\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    Ok(stream)
}

fn hear(mut stream: TcpStream, heard: &AtomicU64, over: &AtomicBool) {
    let mut buffer = [0; 16 * 1024];
    while !over.load(Ordering::SeqCst) {
        match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => {
                heard.fetch_add(length as u64, Ordering::SeqCst);
            }
            // Nothing was said meanwhile.
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            Err(_) => return,
        }
    }
}
