//! The guide's free plan has 512 MB of memory, and nobody asks before it takes the process. The server lives a hard day
//! below that limit, at once: 35 boxes, ten people who log in, uploads as large as they may be, their pictures, and boxes
//! that fetch. A slice sends small files; `cargo xtask soak plan512` sends 499 MB each (`NEOPRO_PLAN_MB`).

pub mod plan;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::http::{Method, StatusCode};
use neopro_fleet::identity::sites_sql;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::media;
use crate::observe::day::arrive;
use crate::pooler::variable;
use crate::support::app::stored;
use crate::support::cluster::scratch;
use crate::support::http;
use crate::uploads::{MB, Running, body};
use plan::{MOST, Plan};

const SEED: &str = "plan-512";
const BOXES: usize = 35;
const LOGINS: usize = 10;
const UPLOADS: usize = 2;
/// With the boxes there and nobody else, as the guide's checklist has it.
const AT_REST: u64 = 150 * 1024 * 1024;

/// What is seen of the server from outside, twenty times a second.
#[derive(Default)]
struct Seen {
    resident: AtomicU64,
    on_disk: AtomicU64,
    over: AtomicBool,
}

fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|size| size.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or_default() * 1024
}

fn on_disk(data_dir: &Path) -> u64 {
    let sizes = stored(data_dir).into_iter().filter_map(|file| data_dir.join("storage").join(file).metadata().ok());
    sizes.map(|file| file.len()).sum()
}

impl Seen {
    fn look(pid: u32, data_dir: PathBuf) -> Arc<Self> {
        let seen = Arc::new(Self::default());
        let own = seen.clone();
        std::thread::spawn(move || {
            while !own.over.load(Ordering::Relaxed) {
                own.resident.fetch_max(resident(pid), Ordering::Relaxed);
                own.on_disk.fetch_max(on_disk(&data_dir), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        seen
    }
}

/// The control: what takes more than the plan has is ended by it, and what takes less is not.
fn assert_it_holds(plan: &Plan) {
    for (taken, lives) in [(MOST / 4, true), (MOST * 5 / 4, false)] {
        let mut taker = Command::new("perl");
        taker.args(["-e", "my $all = 'x'; $all x= $ARGV[0]; exit 0"]).arg(taken.to_string());
        let ended = plan.below(&taker).output().expect("perl");
        assert_eq!(ended.status.success(), lives, "{taken} bytes under {plan:?}: {ended:?}");
    }
}

/// Boxes that say how they are, until somebody says that it is over: how often they have.
async fn live(port: u16, over: Arc<AtomicBool>) -> u64 {
    let beat = r#"{"metrics":{"cpu":12.5,"memory":41.2,"temperature":52.1,"disk":63.4,"uptime":86400,"localIp":"192.168.1.20"},"softwareVersion":"2.1.3"}"#;
    let mut boxes = Vec::new();
    for number in 0..BOXES {
        boxes.push(arrive(SEED, port, number).await);
    }
    let mut beats = 0;
    while !over.load(Ordering::Relaxed) {
        for wire in &mut boxes {
            wire.pulse("heartbeat", beat).await.expect("a box that is connected");
            beats += 1;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    beats
}

/// People who log in again and again, ten at a time, until it is over: how many have.
async fn log_in(port: u16, over: Arc<AtomicBool>) -> usize {
    let login = json!({"email": "a@club.fr", "password": "Tir au but 7"});
    let mut times = 0;
    loop {
        let ten = (0..LOGINS).map(|_| http::send(port, Method::POST, "/api/auth/login", None, Some(&login)));
        for answer in futures_util::future::join_all(ten).await {
            answer.expect("an answer").expect(StatusCode::OK);
            times += 1;
        }
        if over.load(Ordering::Relaxed) {
            return times;
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

/// Fetches a whole file as a box does: its bytes.
async fn fetch(port: u16, path: &str) -> usize {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("a connection");
    let asked = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(asked.as_bytes()).await.expect("sent");
    let (mut come, mut buffer) = (0, vec![0; 256 * 1024]);
    loop {
        match stream.read(&mut buffer).await.expect("more") {
            0 => return come,
            read => come += read,
        }
    }
}

/// A picture for a video, and the video to a few boxes.
async fn picture_and_boxes(running: &Running, made: &serde_json::Value, size: usize) {
    let path = format!("/api/videos/{}/thumbnail", made["id"].as_str().expect("an id"));
    let head = format!(
        "PUT {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nconnection: close\r\ncontent-type: image/jpeg\r\n\
         content-length: {}\r\n\r\n",
        running.token,
        media!("picture.jpg").len()
    );
    let mut stream = TcpStream::connect(("127.0.0.1", running.server.port)).await.expect("a connection");
    stream.write_all(&[head.as_bytes(), media!("picture.jpg")].concat()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let url = made["url"].as_str().expect("a URL");
    let file = &url[url.find("/storage").expect("an address")..];
    let fetched = futures_util::future::join_all((0..3).map(|_| fetch(running.server.port, file))).await;
    assert!(fetched.iter().all(|bytes| *bytes > size), "{fetched:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_survives_a_hard_day_in_the_memory_of_the_free_plan_and_leaves_no_file_of_it() {
    let size = usize::try_from(variable("NEOPRO_PLAN_MB").unwrap_or(48)).expect("small") * MB;
    let plan = Plan::impose();
    assert_it_holds(&plan);
    let temporary = scratch("plan-512-tmp");
    std::fs::create_dir_all(&temporary).expect("a folder");
    let mut running = Running::start_below("plan-512", &temporary, |command| plan.below(command)).await;
    running.db.owner().await.batch_execute(&sites_sql(SEED, BOXES)).await.expect("sites");
    let (pid, port) = (running.server.pid(), running.server.port);
    let seen = Seen::look(pid, running.data_dir.clone());
    let over = Arc::new(AtomicBool::default());
    let boxes = tokio::spawn(live(port, over.clone()));
    tokio::time::sleep(Duration::from_secs(2)).await;
    let at_rest = seen.resident.load(Ordering::Relaxed);

    let people = tokio::spawn(log_in(port, over.clone()));
    let uploads = (0..UPLOADS).map(async |number| {
        // No two are the same file.
        let made = body(&running.upload(size - (number + 1) * MB, MB, Duration::ZERO).await);
        assert_eq!(made["codec"], "h264", "{made}");
        picture_and_boxes(&running, &made, size - (number + 1) * MB).await;
        made
    });
    // One that is broken off in the middle.
    let broken = async {
        let mut stream = running.begin(size).await;
        stream.write_all(&vec![0; size / 2]).await.expect("sent");
    };
    let (made, ()) = tokio::join!(futures_util::future::join_all(uploads), broken);
    over.store(true, Ordering::Relaxed);
    let (beats, logins) = (boxes.await.expect("boxes"), people.await.expect("people"));
    assert!(beats >= BOXES as u64 && logins >= LOGINS, "{beats} heartbeats, {logins} logins");

    assert_eq!(http::get(port, "/ready").await.status, 200, "it is the same server, and well");
    running.until_stored("two videos with their pictures", |files| files.len() == 2 * UPLOADS).await;
    seen.over.store(true, Ordering::Relaxed);
    let (most, disk) = (seen.resident.load(Ordering::Relaxed), seen.on_disk.load(Ordering::Relaxed));
    let mb = |bytes: u64| bytes / (1024 * 1024);
    println!(
        "{plan:?}: {} MB with {BOXES} boxes, at most {} MB with {logins} logins and {UPLOADS} uploads of {} MB at once; \
         {:?} MB charged with pages of files; at most {} MB on the disk",
        mb(at_rest),
        mb(most),
        size / MB,
        plan.peak().map(mb),
        mb(disk)
    );
    assert!((1..AT_REST).contains(&at_rest), "{at_rest} bytes with {BOXES} boxes");
    assert!(most < MOST / 2, "{most} bytes");
    assert!(plan.peak().is_none_or(|peak| peak <= MOST), "{:?}", plan.peak());
    // Never more than what was on its way, once.
    assert!(disk <= (UPLOADS * size + size / 2 + MB) as u64, "{disk} bytes on the disk");
    for video in made {
        let path = format!("/api/videos/{}", video["id"].as_str().expect("an id"));
        let gone = http::send(port, Method::DELETE, &path, Some(&running.token), None).await.expect("an answer");
        gone.expect(StatusCode::OK);
    }
    assert!(stored(&running.data_dir).is_empty(), "{:?}", stored(&running.data_dir));
    assert_eq!(
        std::fs::read_dir(&temporary).expect("a folder").count(),
        0,
        "nothing is left in the folder for such files"
    );
    assert!(running.server.terminate().await.success());
    std::fs::remove_dir_all(&running.data_dir).expect("what is left of it");
}
