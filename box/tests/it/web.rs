//! HTTP of the box, as strangers on the network would try it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::time::{Duration, Instant};

use neopro_box::player::{PAGES, token};
use tokio::net::TcpSocket;

use crate::tv::support::{Tv, address, clip};

/// An answer, taken apart.
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Sends what a stranger writes and reads to the end.
fn send(to: SocketAddr, request: &str) -> Answer {
    answer(TcpStream::connect(to).expect("a connection"), request)
}

fn answer(mut stream: TcpStream, request: &str) -> Answer {
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a limit");
    // Who is shown out at once may not be able to write.
    let _ = stream.write_all(request.as_bytes());
    let mut bytes = Vec::new();
    let mut piece = [0; 65536];
    while let Ok(read @ 1..) = stream.read(&mut piece) {
        bytes.extend_from_slice(&piece[..read]);
        // Where the connection stays open, the head is all that is asked for.
        if request.contains("Connection: Upgrade") && bytes.windows(4).any(|four| four == b"\r\n\r\n") {
            break;
        }
    }
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(bytes.len());
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.get(9..12).and_then(|status| status.parse().ok()).unwrap_or_default();
    Answer { status, head, body: bytes.get(end + 4..).unwrap_or_default().to_vec() }
}

fn request(to: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let host = to.to_string();
    let mut text = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "Host") {
        text += &format!("Host: {host}\r\n");
    }
    headers.iter().for_each(|(name, value)| text += &format!("{name}: {value}\r\n"));
    send(to, &(text + "\r\n"))
}

#[test]
fn the_root_leads_to_the_tv_and_every_answer_is_guarded() {
    let tv = Tv::start(Vec::new());
    let root = request(tv.address, "GET", "/", &[]);
    assert_eq!((root.status, root.header("location")), (307, Some("/tv")));
    let page = request(tv.address, "GET", "/tv", &[]);
    assert_eq!((page.status, page.header("cache-control")), (200, Some("no-cache")), "{}", page.text());
    let absent = request(tv.address, "GET", "/nothing", &[]);
    assert_eq!(absent.status, 404);
    for answer in [&root, &page, &absent] {
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    }
    let text = page.text();
    let script = text.split('"').find(|part| part.ends_with(".js")).expect("a script");
    let script = request(tv.address, "GET", script, &[]);
    assert_eq!(script.header("cache-control"), Some("public, max-age=31536000, immutable"));
    assert_eq!(script.header("content-type"), Some("text/javascript; charset=utf-8"));
    assert!(
        !text.contains("style=") && !text.contains("<style") && !text.contains("<script>"),
        "the policy forbids it"
    );
}

#[test]
fn only_own_names_are_answered() {
    let tv = Tv::start(vec![clip("orange.mp4")]);
    let port = tv.address.port();
    for host in
        ["localhost", "neopro.local", "np-test", "np-test.local", "NP-TEST.local", "tv.club.example", "127.0.0.1"]
    {
        for host in [host.to_owned(), format!("{host}:{port}")] {
            assert_eq!(request(tv.address, "GET", "/tv", &[("Host", &host)]).status, 200, "{host}");
        }
    }
    let paths = ["/", "/tv", "/tv/socket", "/configuration.json", &address("orange.mp4"), "/nothing"];
    for host in ["evil.example", "192.168.4.77", "", "localhost.evil.example", "127.0.0.1@evil.example"] {
        for path in paths {
            let answer = request(tv.address, "GET", path, &[("Host", host)]);
            assert!(answer.status == 421 || answer.status == 400, "{host} {path}: {}", answer.head);
        }
    }
    let answer = request(tv.address, "GET", "/tv", &[("Host", "evil.example")]);
    assert_eq!(answer.status, 421);
    assert!(answer.text().contains("neopro.local"), "it says what to open: {}", answer.text());
    let twice = request(tv.address, "GET", "/tv", &[("Host", "localhost"), ("Host", "evil.example")]);
    assert!(twice.status == 421 || twice.status == 400);
    let whole = request(tv.address, "GET", "http://evil.example/tv", &[("Host", "localhost")]);
    assert_eq!(whole.status, 421);
    assert_eq!(send(tv.address, "GET /tv HTTP/1.0\r\n\r\n").status, 421, "without a name there is nothing to trust");
}

#[test]
fn other_web_sites_cannot_drive_or_watch_the_tv() {
    let tv = Tv::start(vec![clip("orange.mp4")]);
    let own = format!("http://{}", tv.address);
    let connect = |origin: Option<&str>| {
        let mut headers = vec![
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        headers.extend(origin.map(|origin| ("Origin", origin)));
        let host = tv.address.to_string();
        let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        send(tv.address, &format!("GET /tv/socket HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\n{lines}\r\n"))
            .status
    };
    assert_eq!(connect(Some(&own)), 101);
    assert_eq!(connect(None), 101, "a program is no web site");
    for origin in [
        "http://evil.example",
        "null",
        "http://127.0.0.1",
        &own.replace("http", "https"),
        &format!("{own}.evil.example"),
    ] {
        assert_eq!(connect(Some(origin)), 403, "{origin}");
    }
}

#[test]
fn clips_are_served_whole_and_in_part() {
    let tv = Tv::start(vec![clip("orange.mp4"), clip("yellow.jpg")]);
    let file = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/media/orange.mp4")).expect("the clip");
    let path = address("orange.mp4");
    let whole = request(tv.address, "GET", &path, &[]);
    assert_eq!((whole.status, whole.body == file), (200, true));
    assert_eq!(whole.header("content-type"), Some("video/mp4"));
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    assert_eq!(whole.header("cache-control"), Some("no-store"), "the browser writes no copy to the SD card");
    let etag = whole.header("etag").expect("a tag").to_owned();
    assert_eq!(request(tv.address, "GET", &address("yellow.jpg"), &[]).header("content-type"), Some("image/jpeg"));

    let head = request(tv.address, "HEAD", &path, &[("Range", "bytes=0-9")]);
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), Some(file.len().to_string().as_str()));

    let part = request(tv.address, "GET", &path, &[("Range", "bytes=1000-1999")]);
    assert_eq!((part.status, part.body.as_slice()), (206, &file[1000..2000]));
    assert_eq!(part.header("content-range"), Some(format!("bytes 1000-1999/{}", file.len()).as_str()));
    let end = request(tv.address, "GET", &path, &[("Range", "bytes=-7"), ("If-Range", &etag)]);
    assert_eq!((end.status, end.body.as_slice()), (206, &file[file.len() - 7..]));
    let other = request(tv.address, "GET", &path, &[("Range", "bytes=-7"), ("If-Range", "\"other\"")]);
    assert_eq!((other.status, other.body.len()), (200, file.len()));
    let beyond = request(tv.address, "GET", &path, &[("Range", "bytes=99999999-")]);
    assert_eq!(
        (beyond.status, beyond.header("content-range")),
        (416, Some(format!("bytes */{}", file.len()).as_str()))
    );
    let known = request(tv.address, "GET", &path, &[("If-None-Match", &etag)]);
    assert_eq!((known.status, known.body.len()), (304, 0));
    assert_eq!(request(tv.address, "POST", &path, &[]).status, 405);
}

#[test]
fn nothing_but_the_loop_can_be_asked_for() {
    let tv = Tv::start(vec![clip("orange.mp4")]);
    for path in [
        "/media/orange.mp4",
        "/media/..%2f..%2fCargo.toml",
        "/media/%2fetc%2fpasswd",
        "/media/../../../../etc/passwd",
        "/media/",
        "/assets/..%2ftv.html",
        "/assets/../../Cargo.toml",
        &format!("/media/{}", token("green.mp4")),
    ] {
        assert_eq!(request(tv.address, "GET", path, &[]).status, 404, "{path}");
    }
    tv.play(vec![clip("green.mp4")]);
    // The player takes the new loop in its own time.
    let start = Instant::now();
    while request(tv.address, "GET", &address("green.mp4"), &[]).status != 200 {
        assert!(start.elapsed() < Duration::from_secs(10), "the new loop is not served");
    }
    assert_eq!(request(tv.address, "GET", &address("orange.mp4"), &[]).status, 404, "it has left the loop");
}

#[test]
fn the_public_configuration_is_what_it_was_last_told() {
    let tv = Tv::start(Vec::new());
    assert_eq!(request(tv.address, "GET", "/configuration.json", &[]).status, 404);
    tv.configuration.send_replace(Some(r#"{"sponsors":[]}"#.into()));
    let answer = request(tv.address, "GET", "/configuration.json", &[]);
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"sponsors":[]}"#));
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

#[test]
fn silent_and_endless_clients_do_not_keep_others_out() {
    let tv = Tv::start(Vec::new());
    let silent: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(tv.address).expect("a connection")).collect();
    assert_eq!(request(tv.address, "GET", "/tv", &[]).status, 200, "a hundred that say nothing");
    let long = format!("GET /tv HTTP/1.1\r\nHost: localhost\r\nCookie: {}\r\n\r\n", "a".repeat(64 * 1024));
    assert!(matches!(send(tv.address, &long).status, 0 | 400 | 431), "a head without end is refused");
    // They are sent away when their time is over.
    let start = Instant::now();
    for mut stream in silent {
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
        let end = stream.read(&mut [0]);
        assert!(matches!(end, Ok(0)), "{end:?}");
    }
    let waited = start.elapsed();
    assert!(waited < Duration::from_secs(15), "{waited:?}");
}

/// A connection as from somebody in the hall: from the machine's address on its network, if it has any, to another.
/// To choose a way for a packet sends none.
fn from_the_hall(port: u16) -> Option<TcpStream> {
    let way = UdpSocket::bind("0.0.0.0:0").ok()?;
    way.connect("192.0.2.1:9").ok()?;
    let network = way.local_addr().ok()?.ip();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let stream = runtime.block_on(async {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind((network, 0).into()).expect("an address");
        socket.connect((Ipv4Addr::LOCALHOST, port).into()).await.expect("a connection").into_std().expect("a stream")
    });
    stream.set_nonblocking(false).expect("it waits");
    Some(stream)
}

/// A page of which there is nothing but its socket.
fn page(mut stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a limit");
    let request = "GET /tv/socket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("sent");
    stream
}

/// Whether a page is told what to show before its connection ends.
fn is_told(page: &mut TcpStream) -> bool {
    let mut heard = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(read @ 1..) = page.read(&mut piece) {
        heard.extend_from_slice(&piece[..read]);
        if String::from_utf8_lossy(&heard).contains("\"prepare\"") {
            return true;
        }
    }
    false
}

#[test]
fn who_looks_from_the_hall_cannot_take_the_place_of_the_tv() {
    let tv = Tv::start(vec![clip("orange.mp4")]);
    let port = tv.address.port();
    let spectators: Option<Vec<TcpStream>> = (0..PAGES).map(|_| from_the_hall(port).map(page)).collect();
    let Some(mut spectators) = spectators else { return println!("this machine has no network") };
    assert!(spectators.iter_mut().all(is_told));
    assert!(!from_the_hall(port).map(page).as_mut().is_some_and(is_told), "one too many");
    // The TV's browser crashes and comes back more often than there are places.
    let mut left_behind: Vec<TcpStream> = Vec::new();
    for _ in 0..PAGES + 2 {
        let mut screen = page(TcpStream::connect(tv.address).expect("a connection"));
        assert!(is_told(&mut screen), "the TV after {} others", left_behind.len());
        left_behind.push(screen);
    }
}

#[test]
fn the_hall_cannot_keep_the_tv_out() {
    let tv = Tv::start(Vec::new());
    let port = tv.address.port();
    let silent: Option<Vec<TcpStream>> = (0..128).map(|_| from_the_hall(port)).collect();
    let Some(silent) = silent else { return println!("this machine has no network") };
    const ASKED: &str = "GET /tv HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let hall = || answer(from_the_hall(port).expect("a connection"), ASKED);
    assert_eq!(hall().status, 0, "one too many");
    assert_eq!(request(tv.address, "GET", "/tv", &[]).status, 200);
    drop(silent);
    let start = Instant::now();
    while hall().status != 200 {
        assert!(start.elapsed() < Duration::from_secs(5), "there is room again");
    }
}
