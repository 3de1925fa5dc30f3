//! Large files, slow ones, and clients that go away: what an upload costs, and that nothing is left of it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::media;
use crate::support::app::stored;
use crate::support::cluster::scratch;
use crate::support::program::{Server, run, words};
use crate::support::{Cluster, Form, TestApp, TestDb, http};

pub const MB: usize = 1024 * 1024;

/// A real video that can be as large as one likes: its index is that of `faststart.mp4`, its content is zeros.
fn head_of_video(content: usize) -> Vec<u8> {
    let start = &media!("faststart.mp4")[..32 + 899];
    [start, b"\0\0\0\x01mdat", &(content as u64 + 16).to_be_bytes()].concat()
}

/// A running program with an administrator.
pub struct Running {
    pub server: Server,
    pub db: TestDb,
    pub data_dir: PathBuf,
    pub token: String,
}

impl Running {
    async fn start(name: &str) -> Self {
        let (db, data_dir) = (Cluster::get().migrated().await, scratch(name));
        let _ = std::fs::remove_dir_all(&data_dir);
        let server = Self::serve(&db, &data_dir, name).await;
        Self::with_administrator(server, db, data_dir).await
    }

    /// One whose command is put below another, and whose temporary files would go to a folder of their own.
    pub async fn start_below(name: &str, temporary: &Path, below: impl FnOnce(&Command) -> Command) -> Self {
        let (db, data_dir) = (Cluster::get().migrated().await, scratch(name));
        let _ = std::fs::remove_dir_all(&data_dir);
        let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
        let variables = [("DATABASE_URL", db.url()), ("NEOPRO_DATA_DIR", text(&data_dir)), ("TMPDIR", text(temporary))];
        let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
        let mut server = Server::spawn_below(below, None, &variables, &scratch(&format!("{name}.log")));
        server.ready().await;
        Self::with_administrator(server, db, data_dir).await
    }

    async fn with_administrator(server: Server, db: TestDb, data_dir: PathBuf) -> Self {
        let created = run(
            &["create-admin", "--email", "a@club.fr", "--full-name", "A", "--password-stdin"],
            &[("DATABASE_URL", &db.url())],
            "Tir au but 7\n",
        );
        assert!(created.status.success(), "{}", words(&created));
        let login = json!({"email": "a@club.fr", "password": "Tir au but 7"});
        let answer = http::send(server.port, Method::POST, "/api/auth/login", None, Some(&login)).await;
        let token = answer.expect("an answer").json()["token"].as_str().expect("a token").to_owned();
        Self { server, db, data_dir, token }
    }

    async fn serve(db: &TestDb, data_dir: &Path, name: &str) -> Server {
        let variables = [("DATABASE_URL", db.url()), ("NEOPRO_DATA_DIR", data_dir.to_str().expect("UTF-8").to_owned())];
        let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
        let mut server = Server::spawn(&variables, &scratch(&format!("{name}.log")));
        server.ready().await;
        server
    }

    /// Lets the kernel forget what the process needed before: logging in takes more than an upload.
    fn forget_peak(&self) {
        std::fs::write(format!("/proc/{}/clear_refs", self.server.pid()), "5").expect("a process of ours");
    }

    /// The most memory that the process has had since.
    fn peak(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.server.pid())).expect("a process");
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("its peak");
        line.split_whitespace().nth(1).and_then(|kilobytes| kilobytes.parse::<usize>().ok()).expect("a number") * 1024
    }

    /// A connection on which the head of an upload and the beginning of its form were sent.
    pub async fn begin(&self, content: usize) -> TcpStream {
        let form = Form::new().file("video", "grande.mp4", b"");
        let form = String::from_utf8(form.bytes()).expect("text");
        let (before, after) = form.split_at(form.find("\r\n\r\n").expect("a head") + 4);
        let video = head_of_video(content);
        let length = before.len() + video.len() + content + after.len();
        let mut stream = self.connect(length, &Form::new().media_type()).await;
        stream.write_all(before.as_bytes()).await.expect("sent");
        stream.write_all(&video).await.expect("sent");
        stream
    }

    async fn connect(&self, length: usize, media_type: &str) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", self.server.port)).await.expect("a connection");
        let head = format!(
            "POST /api/videos HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nconnection: close\r\n\
             content-type: {media_type}\r\ncontent-length: {length}\r\n\r\n",
            self.token
        );
        stream.write_all(head.as_bytes()).await.expect("sent");
        stream
    }

    /// Uploads a video of this size, in pieces with a pause before each.
    pub async fn upload(&self, content: usize, piece: usize, pause: Duration) -> String {
        let mut stream = self.begin(content).await;
        let zeros = vec![0; piece];
        for _ in 0..content / piece {
            tokio::time::sleep(pause).await;
            stream.write_all(&zeros).await.expect("sent");
        }
        let end = String::from_utf8(Form::new().bytes()).expect("text");
        stream.write_all(format!("\r\n{end}").as_bytes()).await.expect("sent");
        answer(&mut stream).await
    }

    pub async fn until_stored(&self, what: &str, mut holds: impl FnMut(&[String]) -> bool) {
        let began = Instant::now();
        while !holds(&stored(&self.data_dir)) {
            assert!(began.elapsed() < Duration::from_secs(10), "{what}: {:?}", stored(&self.data_dir));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn answer(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

pub fn body(answer: &str) -> Value {
    let (_, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no body in {answer:?}"));
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error} in {body:?}"))
}

#[tokio::test]
async fn four_hundred_megabytes_come_and_go_in_constant_memory() {
    let mut running = Running::start("large").await;
    // Whatever a first request of each kind costs is not this one's.
    let small = body(&running.upload(MB, 64 * 1024, Duration::ZERO).await);
    assert_eq!(small["codec"], "h264", "{small}");
    running.forget_peak();
    let (before, size) = (running.peak(), 400 * MB);
    let made = body(&running.upload(size, MB, Duration::ZERO).await);
    assert_eq!(made["size"], size + head_of_video(0).len(), "{made}");
    assert_eq!((&made["duration"], &made["faststart"]), (&json!(2), &json!(true)));

    let url = made["url"].as_str().expect("a URL");
    let path = &url[url.find("/storage").expect("an address")..];
    let mut stream = TcpStream::connect(("127.0.0.1", running.server.port)).await.expect("a connection");
    stream
        .write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes())
        .await
        .expect("sent");
    let (mut received, mut buffer) = (0, vec![0; 256 * 1024]);
    loop {
        match stream.read(&mut buffer).await.expect("more") {
            0 => break,
            read => received += read,
        }
    }
    assert!(received > size, "{received}");
    let grown = running.peak().saturating_sub(before);
    eprintln!("400 MB up and down: the peak of memory went from {} to {} kB", before / 1024, running.peak() / 1024);
    assert!(grown < 32 * MB, "{grown} bytes more than before");

    // Refused before a byte of it is read, and before one is sent.
    let began = Instant::now();
    let mut stream = running.connect(600 * MB, &Form::new().media_type()).await;
    let refused = answer(&mut stream).await;
    assert!(refused.starts_with("HTTP/1.1 413"), "{refused}");
    assert_eq!((&body(&refused)["code"], began.elapsed() < Duration::from_secs(5)), (&json!("too_large"), true));
    assert!(body(&refused)["error"].as_str().expect("a sentence").contains("500 Mo"));
    assert_eq!(stored(&running.data_dir).len(), 2);
    assert!(running.server.terminate().await.success());
    std::fs::remove_dir_all(&running.data_dir).expect("400 MB less");
}

#[tokio::test]
async fn of_an_upload_that_is_broken_off_nothing_is_left() {
    let mut running = Running::start("broken").await;
    for _ in 0..2 {
        let mut stream = running.begin(300 * MB).await;
        stream.write_all(&vec![0; 20 * MB]).await.expect("sent");
        running.until_stored("it is being written", |files| files.len() == 1).await;
        drop(stream);
        running.until_stored("it is gone with the client", <[String]>::is_empty).await;
    }
    // A server that is killed cannot tidy up; the next start does.
    let mut stream = running.begin(300 * MB).await;
    stream.write_all(&vec![0; 5 * MB]).await.expect("sent");
    running.until_stored("it is being written", |files| files.len() == 1).await;
    running.server.kill();
    assert_eq!(stored(&running.data_dir).len(), 1);
    running.server = Running::serve(&running.db, &running.data_dir, "broken-again").await;
    assert!(stored(&running.data_dir).is_empty());
    // One that is told to end does it by itself.
    let mut stream = running.begin(300 * MB).await;
    stream.write_all(&vec![0; 5 * MB]).await.expect("sent");
    running.until_stored("it is being written", |files| files.len() == 1).await;
    assert!(running.server.terminate().await.success());
    assert!(stored(&running.data_dir).is_empty());
}

#[tokio::test]
async fn a_slow_upload_and_a_slow_download_are_not_cut_off_but_one_that_stands_still_is() {
    let mut running = Running::start("slow-upload").await;
    let made = body(&running.upload(24 * MB, MB, Duration::ZERO).await);
    let url = made["url"].as_str().expect("a URL").to_owned();
    let path = &url[url.find("/storage").expect("an address")..];
    // Any other request has 30 seconds.
    let slow = async {
        let began = Instant::now();
        let made = running.upload(9 * 1024, 1024, Duration::from_secs(4)).await;
        assert!(made.starts_with("HTTP/1.1 201") && began.elapsed() > Duration::from_secs(35), "{made}");
    };
    let still = async {
        let mut stream = running.begin(MB).await;
        let began = Instant::now();
        let refused = answer(&mut stream).await;
        assert!(refused.starts_with("HTTP/1.1 408"), "{refused}");
        assert!(began.elapsed() < Duration::from_secs(25));
    };
    let download = async {
        let mut stream = TcpStream::connect(("127.0.0.1", running.server.port)).await.expect("a connection");
        let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.expect("sent");
        tokio::time::sleep(Duration::from_secs(35)).await;
        let mut received = Vec::new();
        stream.read_to_end(&mut received).await.expect("the rest");
        assert!(received.len() > 24 * MB, "{}", received.len());
    };
    tokio::join!(slow, still, download);
    assert_eq!(stored(&running.data_dir).len(), 2);
    assert!(running.server.terminate().await.success());
}

#[tokio::test]
async fn a_length_is_announced_held_to_and_within_the_limit() {
    let app = TestApp::with(&[("VIDEO_MAX_MB", "1")]).await;
    let token = app.token("operator").await;
    let file = |size: usize| [head_of_video(size), vec![0; size]].concat();
    let send = async |path: &str, form: &Form, length: Option<usize>| {
        let call = app.call(Method::POST, path).bearer(&token).header("content-type", &form.media_type());
        let call = match length {
            Some(length) => call.header("content-length", &length.to_string()),
            None => call,
        };
        call.body(form.bytes()).send().await
    };
    let (fits, large) = (file(MB - 2_000), file(MB + 1));
    let one = |file: &[u8]| Form::new().file("video", "a.mp4", file);
    for path in ["/api/videos", "/api/videos/bulk"] {
        let answer = send(path, &one(&fits), None).await.expect(StatusCode::LENGTH_REQUIRED);
        assert_eq!(answer.code(), "length_required");
        // Longer than announced: cut off where the announcement ends.
        send(path, &one(&fits), Some(5_000)).await.expect(StatusCode::PAYLOAD_TOO_LARGE);
        // Shorter than announced, and above the limit by its own words.
        send(path, &one(b""), Some(50 * MB)).await.expect(StatusCode::PAYLOAD_TOO_LARGE);
        assert!(app.stored().is_empty());
    }
    // The form as a whole would fit, its file does not.
    let answer = send("/api/videos", &one(&large), Some(one(&large).bytes().len())).await;
    assert_eq!(
        answer.expect(StatusCode::PAYLOAD_TOO_LARGE).json()["error"],
        "L'envoi dépasse la taille acceptée (1 Mo)."
    );
    assert!(app.stored().is_empty());

    let several = Form::new().file("videos", "large.mp4", &large).file("videos", "fits.mp4", &fits);
    let answer = send("/api/videos/bulk", &several, Some(several.bytes().len())).await.expect(StatusCode::MULTI_STATUS);
    let answer = answer.json();
    assert_eq!((&answer["errors"][0]["code"], &answer["files"][0]["title"]), (&json!("too_large"), &json!("fits.mp4")));
    assert_eq!(app.stored().len(), 1);
}
