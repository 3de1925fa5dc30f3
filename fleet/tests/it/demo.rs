//! `cargo xtask demo`, as a new user starts it, on other ports: it starts, both TVs play, it stops without leaving
//! anything, and the next start is quick and finds everything again.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Browser, free_port, program, root, scratch};
use crate::tv::ALONE;

/// A start with nothing to build, and with everything to make.
const FIRST: Duration = Duration::from_secs(150);

struct Demo {
    child: Child,
    folder: PathBuf,
    port: u16,
}

impl Demo {
    fn start(folder: &Path, port: u16, boxes: [u16; 2], arguments: &[&str]) -> Self {
        let log = std::fs::File::create(log(folder)).expect("a log");
        let child = Command::new(program("xtask"))
            .arg("demo")
            .args(arguments)
            .env("NEOPRO_DEMO_DIR", folder)
            .env("NEOPRO_DEMO_PORT", port.to_string())
            .env("NEOPRO_DEMO_BOXES", format!("{},{}", boxes[0], boxes[1]))
            .env("CARGO_MANIFEST_DIR", root().join("xtask"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("the log"))
            .stderr(log)
            .spawn()
            .expect("it starts");
        Self { child, folder: folder.to_owned(), port }
    }

    fn said(&self) -> String {
        std::fs::read_to_string(log(&self.folder)).expect("a log")
    }

    /// Waits until it says that it runs.
    fn until_it_runs(&mut self, within: Duration) -> Duration {
        let began = Instant::now();
        while !self.said().contains("Stop it with Ctrl-C") {
            assert!(self.child.try_wait().expect("a status").is_none(), "it has ended: {}", self.said());
            assert!(began.elapsed() < within, "it does not run: {}", self.said());
            std::thread::sleep(Duration::from_millis(50));
        }
        began.elapsed()
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "it lived until then");
    }

    /// Waits for its end; whether that was one without a complaint.
    fn ended(&mut self) -> bool {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(status) = self.child.try_wait().expect("a status") {
                return status.success();
            }
            assert!(Instant::now() < until, "it does not stop: {}", self.said());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What its card says behind a name.
    fn told(&self, name: &str) -> String {
        let said = self.said();
        let line = said.lines().find_map(|line| line.trim().strip_prefix(name)).unwrap_or_else(|| panic!("{said}"));
        line.trim().to_owned()
    }

    /// A `GET` with the account that it tells of.
    fn get(&self, path: &str) -> Value {
        let server = format!("http://localhost:{}", self.port);
        let login = format!(r#"{{"email":"{}","password":"{}"}}"#, self.told("Login"), self.told("Password"));
        let login = ["-H", "Content-Type: application/json", "-d", &login, &format!("{server}/api/auth/login")]
            .map(str::to_owned);
        let token = json(&login)["token"].as_str().expect("a token").to_owned();
        json(&["-H".to_owned(), format!("Authorization: Bearer {token}"), format!("{server}{path}")])
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Its guards end what it has started.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn log(folder: &Path) -> PathBuf {
    folder.with_extension("log")
}

fn json(arguments: &[String]) -> Value {
    let output = Command::new("curl").args(["-sS", "-m", "30"]).args(arguments).output().expect("curl runs");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stdout)))
}

/// The processes that have to do with a folder: that work in it, or name it.
fn processes(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").expect("the system's processes").flatten();
    let folder_text = folder.to_string_lossy().into_owned();
    let mut found = Vec::new();
    for process in entries.map(|entry| entry.path()) {
        let line = std::fs::read(process.join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        let works_there = std::fs::read_link(process.join("cwd")).is_ok_and(|place| place.starts_with(folder));
        if works_there || line.contains(&folder_text) {
            found.push(line);
        }
    }
    found
}

/// Waits until nothing of the demo runs any more.
fn nothing_is_left(folder: &Path, within: Duration) {
    let until = Instant::now() + within;
    loop {
        match processes(folder) {
            left if left.is_empty() => return,
            left => assert!(Instant::now() < until, "still there: {left:#?}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_demo_plays_stops_without_a_trace_and_is_quickly_back() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let folder = scratch("demo");
    let (port, boxes) = (free_port(), [free_port(), free_port()]);
    let mut demo = Demo::start(&folder, port, boxes, &[]);
    demo.until_it_runs(FIRST);
    assert!(processes(&folder).len() >= 4, "server, database and two boxes: {:#?}", processes(&folder));
    for port in boxes {
        let mut browser = Browser::open_at(&format!("http://127.0.0.1:{port}/tv"));
        browser.until("a video", Duration::from_secs(30), |seen| seen["screen"] == "gone" && seen["src"].is_string());
    }
    // When a box was last heard of is written down a little later, for many at once.
    let seen = || {
        let sites = demo.get("/api/sites");
        let sites = sites["sites"].as_array().cloned().unwrap_or_default();
        (sites.len(), sites.iter().filter(|site| site["last_seen_at"].is_null()).count())
    };
    let until = Instant::now() + Duration::from_secs(30);
    while seen() != (12, 10) {
        assert!(Instant::now() < until, "two clubs of twelve have a box: {:?}", seen());
        std::thread::sleep(Duration::from_millis(300));
    }
    assert_eq!(demo.get("/api/groups")["groups"].as_array().map(Vec::len), Some(3));
    let videos = demo.get("/api/videos");
    let videos = videos["data"].as_array().expect("videos");
    assert_eq!(videos.iter().filter(|video| video["thumbnail_url"].is_string()).count(), 7, "{videos:?}");

    // A second one for the same folder is told so, and so is one whose port is taken.
    let mut second = Demo::start(&folder, free_port(), [free_port(), free_port()], &[]);
    assert!(!second.ended());
    assert!(second.said().contains("The demo is already running (process"), "{}", second.said());
    let elsewhere = scratch("demo-elsewhere");
    let mut third = Demo::start(&elsewhere, port, [free_port(), free_port()], &[]);
    assert!(!third.ended());
    assert!(third.said().contains(&format!("Port {port} is used by another program.")), "{}", third.said());
    assert!(third.said().contains("NEOPRO_DEMO_PORT="), "{}", third.said());

    // Ctrl-C.
    demo.signal("-INT");
    assert!(demo.ended(), "{}", demo.said());
    nothing_is_left(&folder, Duration::ZERO);

    // Again, with simulated boxes: the same network, the same account, and no ordering anew.
    let mut demo = Demo::start(&folder, port, boxes, &["--fleet", "10"]);
    let took = demo.until_it_runs(Duration::from_secs(60));
    println!("the second start took {took:?}");
    let online = |demo: &Demo| {
        let sites = demo.get("/api/sites");
        let sites = sites["sites"].as_array().cloned().unwrap_or_default();
        (sites.len(), sites.iter().filter(|site| site["status"] == "online").count())
    };
    let until = Instant::now() + Duration::from_secs(40);
    // One of the simulated boxes loses its network now and then.
    while !matches!(online(&demo), (22, 11..)) {
        assert!(Instant::now() < until, "sites, and those online: {:?}", online(&demo));
        std::thread::sleep(Duration::from_millis(300));
    }

    // The end of a platform, without a goodbye: nothing stays for long, and the next start waits for that.
    demo.signal("-KILL");
    assert!(!demo.ended());
    let mut demo = Demo::start(&folder, port, boxes, &[]);
    demo.until_it_runs(Duration::from_secs(60));
    assert_eq!(online(&demo).0, 22);
    demo.signal("-KILL");
    assert!(!demo.ended());
    nothing_is_left(&folder, Duration::from_secs(30));
    for folder in [folder, elsewhere] {
        std::fs::remove_dir_all(&folder).expect("its files");
        std::fs::remove_file(log(&folder)).expect("its log");
    }
}

#[test]
fn a_demo_that_is_told_to_stop_in_the_middle_of_its_start_stops_and_begins_anew() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let folder = scratch("demo-halves");
    let (port, boxes) = (free_port(), [free_port(), free_port()]);
    let mut demo = Demo::start(&folder, port, boxes, &[]);
    let until = Instant::now() + FIRST;
    while !demo.said().contains("clubs, groups and clips") {
        assert!(Instant::now() < until, "{}", demo.said());
        std::thread::sleep(Duration::from_millis(5));
    }
    demo.signal("-TERM");
    demo.ended();
    nothing_is_left(&folder, Duration::ZERO);
    let mut demo = Demo::start(&folder, port, boxes, &[]);
    demo.until_it_runs(FIRST);
    let sites = demo.get("/api/sites");
    assert_eq!(sites["sites"].as_array().map(Vec::len), Some(12), "what was made by halves is made anew");
    demo.signal("-TERM");
    assert!(demo.ended(), "{}", demo.said());
    nothing_is_left(&folder, Duration::ZERO);
    std::fs::remove_dir_all(&folder).expect("its files");
    std::fs::remove_file(log(&folder)).expect("its log");
}
