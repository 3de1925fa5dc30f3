//! Fetches one file: resumes, hashes while it writes, and believes nothing that the storage says.

use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{Connection, SendRequest};
use hyper::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HOST, IF_RANGE, LOCATION, RANGE,
};
use hyper::header::{HeaderMap, HeaderName, USER_AGENT};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use neopro_protocol::Reason;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::folder::Folder;
use super::part::Part;
use super::plan::Want;
use super::space::{Promise, Space};
use super::{Failure, Progresses};
use crate::net::{Address, Dialer, Stream};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(20);
/// What is read at once from the network.
const READ_BUFFER: usize = 64 * 1024;
/// How many pieces may wait for the disk.
const WAITING: usize = 4;
/// How often the room of the disk is looked at while a file is written.
const LOOK_EVERY: u64 = 4 * 1024 * 1024;
/// How many times a storage may send us to another address of its own.
const REDIRECTS: usize = 3;

/// A file's SHA-256, and the storage's tag of the bytes that come.
pub(super) type Tagged = (String, Option<String>);

/// A file to fetch.
pub(super) struct Job {
    pub want: Want,
    pub origins: Vec<String>,
    pub folder: Folder,
    pub target: PathBuf,
    /// The storage's tag of the part that is there.
    pub etag: Option<String>,
    /// Told the tag of what comes now.
    pub tags: mpsc::UnboundedSender<Tagged>,
    pub progress: watch::Sender<Progresses>,
    pub dialer: Dialer,
    pub idle: Duration,
    pub space: Space,
}

/// What an answer's head says about the bytes that follow.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// They go on where the part ends.
    GoOn,
    /// They are the file from its beginning.
    StartOver,
    /// The part is longer than what the storage has.
    PartIsWrong,
    /// They are at another address.
    Elsewhere(String),
}

/// Fetches a file to its final place.
pub(super) async fn fetch(job: Job) -> Result<(), Failure> {
    let uri = job.want.urls.iter().find_map(|url| allowed(url, &job.origins)).ok_or_else(|| {
        Failure::new(Reason::OriginRefused, "L'adresse du fichier n'est pas d'un stockage annoncé par le serveur.")
    })?;
    let (path, bytes) = (job.folder.part(&job.want.sha256), job.want.bytes);
    let mut part = blocking(move || Ok(Part::open(&path, bytes)?)).await?;
    let promise = job.space.promise(bytes - part.length()).ok_or_else(Failure::disk_full)?;
    if part.length() < bytes {
        part = transfer(&job, uri, part, promise).await?;
    }
    blocking(move || part.finish(&job.folder, &job.want.sha256, &job.target)).await
}

/// The address, if its origin was announced.
fn allowed(url: &str, origins: &[String]) -> Option<Uri> {
    let uri: Uri = url.parse().ok()?;
    let origin = Address::of(&uri)?;
    let announced = |origin: &String| origin.parse::<Uri>().ok().and_then(|uri| Address::of(&uri));
    origins.iter().filter_map(announced).any(|announced| announced == origin).then_some(uri)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Failure> + Send + 'static) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(Failure::new(Reason::Disk, format!("L'écriture s'est interrompue ({error})."))),
    }
}

async fn transfer(job: &Job, mut uri: Uri, mut part: Part, mut promise: Promise) -> Result<Part, Failure> {
    for _ in 0..=REDIRECTS {
        let from = Address::of(&uri).ok_or_else(|| Failure::new(Reason::OriginRefused, "L'adresse est illisible."))?;
        let mut exchange = Exchange::open(job, &from).await?;
        let answer = exchange.ask(request(&uri, &from, part.length(), job.etag.as_deref())?, job.idle).await?;
        let begun = part.length() > 0;
        match judge(answer.status(), answer.headers(), part.length(), job.want.bytes)? {
            Verdict::GoOn => {}
            Verdict::StartOver if !begun => {}
            Verdict::StartOver => (part, promise) = restart(job, part, promise).await?,
            Verdict::PartIsWrong if begun => {
                (part, promise) = restart(job, part, promise).await?;
                continue;
            }
            Verdict::PartIsWrong => return Err(size_mismatch()),
            Verdict::Elsewhere(location) => {
                uri = resolve(&from, &location).and_then(|url| allowed(&url, &job.origins)).ok_or_else(|| {
                    Failure::new(Reason::OriginRefused, "Le stockage renvoie vers une adresse non annoncée.")
                })?;
                continue;
            }
        }
        let etag = answer.headers().get(ETAG).and_then(|tag| tag.to_str().ok()).filter(|tag| tag.starts_with('"'));
        // The keeper may have ended: then nobody needs the tag.
        let _ = job.tags.send((job.want.sha256.clone(), etag.map(str::to_owned)));
        return exchange.alongside(receive(job, answer, part, promise)).await;
    }
    Err(Failure::new(Reason::Network, "Le stockage renvoie d'adresse en adresse."))
}

/// Begins the part anew, with a promise for the whole file.
async fn restart(job: &Job, mut part: Part, promise: Promise) -> Result<(Part, Promise), Failure> {
    let part = blocking(move || {
        part.restart()?;
        Ok(part)
    })
    .await?;
    drop(promise);
    Ok((part, job.space.promise(job.want.bytes).ok_or_else(Failure::disk_full)?))
}

/// A connection to a storage, which lives as long as somebody waits for something on it.
struct Exchange<C> {
    sender: SendRequest<Empty<Bytes>>,
    connection: Pin<Box<C>>,
    is_over: bool,
}

impl Exchange<Connection<TokioIo<Stream>, Empty<Bytes>>> {
    async fn open(job: &Job, from: &Address) -> Result<Self, Failure> {
        let stream = job.dialer.connect(from, CONNECT).await.map_err(|error| Failure::network(&error))?;
        let mut settings = hyper::client::conn::http1::Builder::new();
        let shaken = settings.max_buf_size(READ_BUFFER).handshake(TokioIo::new(stream)).await;
        let (sender, connection) = shaken.map_err(|error| Failure::network(&error))?;
        Ok(Self { sender, connection: Box::pin(connection), is_over: false })
    }
}

impl<C: Future> Exchange<C> {
    async fn ask(&mut self, request: Request<Empty<Bytes>>, patience: Duration) -> Result<Response<Incoming>, Failure> {
        let answer = self.sender.send_request(request);
        match timeout(patience, drive(&mut self.connection, &mut self.is_over, answer)).await {
            Ok(answer) => answer.map_err(|error| Failure::network(&error)),
            Err(_) => Err(silent()),
        }
    }

    async fn alongside<T>(mut self, work: impl Future<Output = T>) -> T {
        drive(&mut self.connection, &mut self.is_over, work).await
    }
}

/// Waits for work that needs a connection to go on. What the connection itself says at its end, the work says too.
async fn drive<T>(connection: &mut Pin<Box<impl Future>>, is_over: &mut bool, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = connection.as_mut(), if !*is_over => *is_over = true,
        }
    }
}

fn request(uri: &Uri, from: &Address, have: u64, etag: Option<&str>) -> Result<Request<Empty<Bytes>>, Failure> {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::get(path)
        .header(HOST, from.authority())
        .header(USER_AGENT, concat!("neopro-box/", env!("CARGO_PKG_VERSION")))
        .header(ACCEPT_ENCODING, "identity");
    if have > 0 {
        request = request.header(RANGE, format!("bytes={have}-"));
        if let Some(etag) = etag {
            request = request.header(IF_RANGE, etag);
        }
    }
    request.body(Empty::new()).map_err(|error| Failure::network(&error))
}

/// What to do with an answer when we have the first `have` of `bytes`.
fn judge(status: StatusCode, headers: &HeaderMap, have: u64, bytes: u64) -> Result<Verdict, Failure> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if status.is_success() && text(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(Failure::new(Reason::Network, "Le stockage envoie le fichier sous une forme compressée."));
    }
    match status {
        StatusCode::PARTIAL_CONTENT => match text(CONTENT_RANGE).and_then(content_range) {
            Some((first, total)) if first == have && total.is_none_or(|total| total == bytes) => Ok(Verdict::GoOn),
            Some((first, Some(_))) if first == have => Err(size_mismatch()),
            _ => Err(Failure::new(Reason::Network, "Le stockage a répondu par un autre morceau que celui demandé.")),
        },
        StatusCode::OK => match text(CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok()) {
            Some(length) if length != bytes => Err(size_mismatch()),
            _ => Ok(Verdict::StartOver),
        },
        StatusCode::RANGE_NOT_SATISFIABLE => Ok(Verdict::PartIsWrong),
        // Supabase says 400 to nearly everything. If the file itself is not there, it says so again without a range.
        StatusCode::BAD_REQUEST if have > 0 => Ok(Verdict::PartIsWrong),
        StatusCode::MOVED_PERMANENTLY
        | StatusCode::FOUND
        | StatusCode::SEE_OTHER
        | StatusCode::TEMPORARY_REDIRECT
        | StatusCode::PERMANENT_REDIRECT => Ok(Verdict::Elsewhere(text(LOCATION).unwrap_or_default().to_owned())),
        // 402: the traffic of its plan is used up. It has the file, and gives it when somebody has paid or a month is over.
        StatusCode::REQUEST_TIMEOUT
        | StatusCode::TOO_EARLY
        | StatusCode::TOO_MANY_REQUESTS
        | StatusCode::PAYMENT_REQUIRED => Err(trouble(status)),
        status if status.is_client_error() => Err(Failure::new(
            Reason::NotFound,
            format!("Le stockage ne donne pas ce fichier (réponse {}).", status.as_u16()),
        )),
        status => Err(trouble(status)),
    }
}

fn trouble(status: StatusCode) -> Failure {
    Failure::new(
        Reason::Network,
        format!("Le stockage est en difficulté (réponse {}) ; le boîtier réessaie.", status.as_u16()),
    )
}

fn silent() -> Failure {
    Failure::new(Reason::Network, "Le stockage n'envoie plus rien ; le boîtier réessaie.")
}

fn size_mismatch() -> Failure {
    Failure::new(Reason::SizeMismatch, "La taille du fichier n'est pas celle annoncée par le serveur.")
}

/// The first byte and the whole size in `bytes 10-99/100` (RFC 9110, 14.4); a size of `*` is not known.
fn content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let total = if total == "*" { None } else { Some(total.parse().ok()?) };
    Some((range.split_once('-')?.0.parse().ok()?, total))
}

/// The address that `Location` means: whole, or a path at the same storage.
fn resolve(from: &Address, location: &str) -> Option<String> {
    if location.contains("://") {
        return Some(location.to_owned());
    }
    (location.starts_with('/') && !location.starts_with("//")).then(|| format!("{from}{location}"))
}

/// Writes what comes. Whatever ends it, what had come is written first.
async fn receive(job: &Job, answer: Response<Incoming>, part: Part, promise: Promise) -> Result<Part, Failure> {
    let begin = part.length();
    let (pieces, waiting) = mpsc::channel(WAITING);
    let writer = tokio::task::spawn_blocking(move || write(part, promise, waiting));
    let mut came = begin;
    let streamed = stream(job, answer, &pieces, &mut came).await;
    drop(pieces);
    let written = match writer.await {
        Ok(written) => written,
        Err(error) => Err(Failure::new(Reason::Disk, format!("L'écriture s'est interrompue ({error})."))),
    };
    // The disk's trouble goes first: it is why nobody took the rest.
    let result = written.and_then(|part| streamed.map(|()| part));
    result.map_err(|failure| Failure { received: came - begin, ..failure })
}

async fn stream(
    job: &Job,
    answer: Response<Incoming>,
    pieces: &mpsc::Sender<Bytes>,
    came: &mut u64,
) -> Result<(), Failure> {
    let mut body = answer.into_body();
    let mut told = None;
    loop {
        let frame = match timeout(job.idle, body.frame()).await {
            Err(_) => return Err(silent()),
            Ok(None) if *came == job.want.bytes => return Ok(()),
            Ok(None) => {
                return Err(Failure::new(
                    Reason::Network,
                    "Le téléchargement s'est interrompu ; le boîtier le reprend.",
                ));
            }
            Ok(Some(Err(error))) => return Err(Failure::network(&error)),
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(piece) = frame.into_data() else { continue };
        *came += piece.len() as u64;
        if *came > job.want.bytes {
            return Err(size_mismatch());
        }
        if pieces.send(piece).await.is_err() {
            // The writer has ended and says why.
            return Ok(());
        }
        let percent = u8::try_from(*came * 100 / job.want.bytes.max(1)).unwrap_or(100);
        if told != Some(percent) {
            told = Some(percent);
            job.progress.send_modify(|progress| progress.extend(job.want.ids.iter().map(|id| (*id, percent))));
        }
    }
}

/// Writes pieces until there are no more. Blocks.
fn write(mut part: Part, mut promise: Promise, mut pieces: mpsc::Receiver<Bytes>) -> Result<Part, Failure> {
    let mut unlooked = 0;
    while let Some(piece) = pieces.blocking_recv() {
        part.write(&piece)?;
        promise.used(piece.len() as u64);
        unlooked += piece.len() as u64;
        if unlooked >= LOOK_EVERY {
            unlooked = 0;
            if !promise.space().is_left() {
                return Err(Failure::disk_full());
            }
        }
    }
    Ok(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().expect("a value"))).collect()
    }

    #[test]
    fn an_answer_is_believed_only_if_it_fits() {
        let judge = |status: u16, pairs: &[(HeaderName, &str)]| {
            judge(StatusCode::from_u16(status).expect("a status"), &headers(pairs), 10, 100)
                .map_err(|failure| failure.reason)
        };
        assert_eq!(judge(206, &[(CONTENT_RANGE, "bytes 10-99/100")]), Ok(Verdict::GoOn));
        assert_eq!(judge(206, &[(CONTENT_RANGE, "bytes 10-99/*")]), Ok(Verdict::GoOn));
        assert_eq!(judge(206, &[(CONTENT_RANGE, "bytes 0-99/100")]), Err(Reason::Network));
        assert_eq!(judge(206, &[(CONTENT_RANGE, "bytes 10-98/99")]), Err(Reason::SizeMismatch));
        assert_eq!(judge(206, &[]), Err(Reason::Network));
        assert_eq!(judge(200, &[(CONTENT_LENGTH, "100")]), Ok(Verdict::StartOver));
        assert_eq!(judge(200, &[]), Ok(Verdict::StartOver));
        assert_eq!(judge(200, &[(CONTENT_LENGTH, "101")]), Err(Reason::SizeMismatch));
        assert_eq!(judge(200, &[(CONTENT_ENCODING, "gzip")]), Err(Reason::Network));
        assert_eq!(judge(416, &[(CONTENT_RANGE, "bytes */5")]), Ok(Verdict::PartIsWrong));
        assert_eq!(judge(302, &[(LOCATION, "/b")]), Ok(Verdict::Elsewhere("/b".into())));
        // What Supabase says to a range beyond the end; and to a file that is not there, whichever part is asked for.
        assert_eq!(judge(400, &[]), Ok(Verdict::PartIsWrong));
        assert_eq!(
            super::judge(StatusCode::BAD_REQUEST, &headers(&[]), 0, 100).map_err(|failure| failure.reason),
            Err(Reason::NotFound)
        );
        for status in [401, 403, 404, 410] {
            assert_eq!(judge(status, &[]), Err(Reason::NotFound), "{status}");
        }
        for status in [100, 204, 300, 402, 408, 429, 500, 503, 540] {
            assert_eq!(judge(status, &[]), Err(Reason::Network), "{status}");
        }
    }

    #[test]
    fn only_announced_origins_are_asked() {
        let origins = ["https://storage.example.org".to_owned(), "http://127.0.0.1:3001/".to_owned()];
        for (url, is_allowed) in [
            ("https://storage.example.org/a.mp4?token=1", true),
            ("https://STORAGE.example.org:443/a.mp4", true),
            ("http://127.0.0.1:3001/a", true),
            ("http://storage.example.org/a.mp4", false),
            ("https://storage.example.org.evil.example/a.mp4", false),
            ("https://storage.example.org@evil.example/a.mp4", false),
            ("https://storage.example.org:444/a.mp4", false),
            ("http://127.0.0.1:3002/a", false),
            ("file:///etc/passwd", false),
            ("/a.mp4", false),
        ] {
            assert_eq!(allowed(url, &origins).is_some(), is_allowed, "{url}");
        }
        let from = Address { tls: true, host: "a.example".into(), port: 443 };
        assert_eq!(resolve(&from, "/b").as_deref(), Some("https://a.example/b"));
        assert_eq!(resolve(&from, "//evil.example/b"), None);
        assert_eq!(resolve(&from, ""), None);
    }
}
