//! A download to nowhere: the bytes are counted and hashed, and not kept. What a broken connection left is gone on
//! with where it was.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, HOST, IF_RANGE, RANGE, USER_AGENT};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use neopro_box::link::{BackOff, Pace};
use neopro_box::net::{Address, Dialer};
use neopro_protocol::{Media, Reason};
use sha2::{Digest as _, Sha256};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// How long a storage may take to answer, and may send nothing.
const PATIENCE: Duration = Duration::from_secs(30);
/// What is read at once: little, so that thirteen thousand downloads fit into memory.
const READ_BUFFER: usize = 16 * 1024;

/// A file to download.
pub(super) struct Job {
    pub media: Media,
    pub origins: Vec<String>,
    pub dialer: Dialer,
    /// The pauses between two connections.
    pub pace: Pace,
    /// The most bytes of a second.
    pub slow: Option<u64>,
    /// Told how many bytes are there.
    pub came: Arc<AtomicU64>,
}

/// What it took.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Taken {
    /// Bytes that came, those that came twice among them.
    pub bytes: u64,
    /// Connections.
    pub connections: u32,
}

/// What has come so far.
#[derive(Default)]
struct Sink {
    hash: Sha256,
    length: u64,
    etag: Option<String>,
    /// Everything that came, also what was begun anew.
    bytes: u64,
    connections: u32,
}

/// What went wrong with one connection.
enum Trouble {
    /// It may go better next time.
    Passing,
    /// It will not.
    Final(Reason),
}

impl From<io::Error> for Trouble {
    fn from(_: io::Error) -> Self {
        Self::Passing
    }
}

impl From<hyper::Error> for Trouble {
    fn from(_: hyper::Error) -> Self {
        Self::Passing
    }
}

/// Downloads a file, over as many connections as it takes.
pub(super) async fn download(job: Job) -> Result<Taken, Reason> {
    let (uri, from) = allowed(&job).ok_or(Reason::OriginRefused)?;
    let (mut sink, mut back_off) = (Sink::default(), BackOff::new(job.pace));
    loop {
        let before = sink.bytes;
        sink.connections += 1;
        match go_on(&job, &uri, &from, &mut sink).await {
            Ok(()) => break,
            Err(Trouble::Final(reason)) => return Err(reason),
            Err(Trouble::Passing) => {
                if sink.bytes > before {
                    back_off.succeeded();
                }
                sleep(back_off.failed()).await;
            }
        }
    }
    if data_encoding::HEXLOWER.encode(&sink.hash.finalize()) != job.media.sha256 {
        return Err(Reason::ChecksumMismatch);
    }
    Ok(Taken { bytes: sink.bytes, connections: sink.connections })
}

/// The file's address, if its origin was announced.
fn allowed(job: &Job) -> Option<(Uri, Address)> {
    let uri: Uri = job.media.url.parse().ok()?;
    let from = Address::of(&uri)?;
    let announced = job.origins.iter().filter_map(|origin| Address::of(&origin.parse().ok()?));
    announced.into_iter().any(|origin| origin == from).then_some((uri, from))
}

/// One connection: asks for what is missing, and takes what comes.
async fn go_on(job: &Job, uri: &Uri, from: &Address, sink: &mut Sink) -> Result<(), Trouble> {
    let stream = job.dialer.connect(from, PATIENCE).await?;
    let mut settings = http1::Builder::new();
    let (mut sender, connection) = settings.max_buf_size(READ_BUFFER).handshake(TokioIo::new(stream)).await?;
    // The connection ends with this set, at the latest when nobody waits for the file any more.
    let mut alongside = JoinSet::new();
    alongside.spawn(connection);
    let mut request = Request::get(uri.path_and_query().map_or("/", |path| path.as_str()))
        .header(HOST, from.authority())
        .header(USER_AGENT, concat!("neopro-fleet/", env!("CARGO_PKG_VERSION")));
    if sink.length > 0 {
        request = request.header(RANGE, format!("bytes={}-", sink.length));
        if let Some(etag) = &sink.etag {
            request = request.header(IF_RANGE, etag);
        }
    }
    let request = request.body(Empty::<Bytes>::new()).map_err(|_| Trouble::Final(Reason::OriginRefused))?;
    let answer = timeout(PATIENCE, sender.send_request(request)).await.map_err(|_| Trouble::Passing)??;
    begin(job, &answer, sink)?;
    take(job, answer.into_body(), sink).await
}

/// Whether the answer goes on where we are, or begins anew.
fn begin(job: &Job, answer: &Response<Incoming>, sink: &mut Sink) -> Result<(), Trouble> {
    let text = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
    match answer.status() {
        StatusCode::PARTIAL_CONTENT => {
            let last = job.media.bytes.saturating_sub(1);
            let wanted = format!("bytes {}-{last}/{}", sink.length, job.media.bytes);
            if text(CONTENT_RANGE) != Some(wanted.as_str()) {
                return Err(Trouble::Final(Reason::SizeMismatch));
            }
        }
        StatusCode::OK => {
            if text(CONTENT_LENGTH).is_some_and(|length| length != job.media.bytes.to_string()) {
                return Err(Trouble::Final(Reason::SizeMismatch));
            }
            (sink.hash, sink.length) = (Sha256::new(), 0);
        }
        status if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS => {
            return Err(Trouble::Final(Reason::NotFound));
        }
        _ => return Err(Trouble::Passing),
    }
    sink.etag = text(ETAG).filter(|tag| tag.starts_with('"')).map(str::to_owned);
    Ok(())
}

async fn take(job: &Job, mut body: Incoming, sink: &mut Sink) -> Result<(), Trouble> {
    let (began, before) = (Instant::now(), sink.length);
    while sink.length < job.media.bytes {
        let frame = timeout(PATIENCE, body.frame()).await.map_err(|_| Trouble::Passing)?;
        let Some(frame) = frame else { return Err(Trouble::Passing) };
        let Ok(piece) = frame?.into_data() else { continue };
        sink.length += piece.len() as u64;
        sink.bytes += piece.len() as u64;
        if sink.length > job.media.bytes {
            return Err(Trouble::Final(Reason::SizeMismatch));
        }
        sink.hash.update(&piece);
        job.came.store(sink.length, Ordering::Relaxed);
        if let Some(slow) = job.slow {
            let millis = (sink.length - before).saturating_mul(1000) / slow.max(1);
            sleep_until(began + Duration::from_millis(millis)).await;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use uuid::Uuid;

    use super::*;

    const FILE: &[u8] = b"twenty bytes of video";

    /// A storage that gives these answers, one a connection; what it was asked for.
    async fn storage(answers: Vec<String>) -> (String, tokio::task::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = tokio::spawn(async move {
            let mut asked = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.expect("a request"));
                }
                asked.push(String::from_utf8(head).expect("text").to_lowercase());
                stream.write_all(answer.as_bytes()).await.expect("sent");
            }
            asked
        });
        (origin, asked)
    }

    async fn run(answers: Vec<String>) -> (Result<Taken, Reason>, Vec<String>) {
        let (origin, asked) = storage(answers).await;
        let job = Job {
            media: Media {
                id: Uuid::nil(),
                sha256: data_encoding::HEXLOWER.encode(&Sha256::digest(FILE)),
                bytes: FILE.len() as u64,
                url: format!("{origin}/a.mp4"),
                name: "a".into(),
                category: None,
                subcategory: None,
                media_type: "video/mp4".into(),
                seconds: None,
                in_loop: true,
                attempt: 0,
            },
            origins: vec![origin],
            dialer: Dialer::new().expect("a dialer"),
            pace: Pace { first: Duration::from_millis(1), longest: Duration::from_millis(2) },
            slow: None,
            came: Arc::default(),
        };
        (download(job).await, asked.await.expect("the storage ends"))
    }

    fn whole(head: &str, body: &[u8]) -> String {
        format!("HTTP/1.1 {head}\r\nETag: \"e\"\r\n\r\n{}", String::from_utf8_lossy(body))
    }

    #[tokio::test]
    async fn a_broken_connection_is_gone_on_with() {
        let first = whole("200 OK\r\nContent-Length: 21", &FILE[..8]);
        let broken = "HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\n\r\n".to_owned();
        let rest = whole("206 Partial\r\nContent-Length: 13\r\nContent-Range: bytes 8-20/21", &FILE[8..]);
        let (taken, asked) = run(vec![first, broken, rest]).await;
        assert_eq!(taken, Ok(Taken { bytes: 21, connections: 3 }));
        assert!(!asked[0].contains("range:"), "{}", asked[0]);
        for asked in &asked[1..] {
            assert!(asked.contains("\r\nrange: bytes=8-\r\n") && asked.contains("if-range: \"e\""), "{asked}");
        }
    }

    #[tokio::test]
    async fn another_file_is_begun_anew_and_other_bytes_are_found() {
        let first = whole("200 OK\r\nContent-Length: 21", b"other by");
        let anew = whole("200 OK\r\nContent-Length: 21", FILE);
        assert_eq!(run(vec![first, anew]).await.0, Ok(Taken { bytes: 29, connections: 2 }));
        let wrong = whole("200 OK\r\nContent-Length: 21", b"twenty bytes of vodka");
        assert_eq!(run(vec![wrong]).await.0, Err(Reason::ChecksumMismatch));
        let shorter = whole("200 OK\r\nContent-Length: 5", b"short");
        assert_eq!(run(vec![shorter]).await.0, Err(Reason::SizeMismatch));
        let gone = whole("404 Not Found\r\nContent-Length: 0", b"");
        assert_eq!(run(vec![gone]).await.0, Err(Reason::NotFound));
    }
}
