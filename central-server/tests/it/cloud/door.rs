//! The door of Supabase's pooler, by its public contract: TLS, users named after their project, codes in round brackets, and
//! a circuit breaker that closes after ten refused logins. Whom it lets through it hands to a real pooler, on plain text.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::PROJECT;
use super::authority::Certificate;

/// Refused logins within [`WINDOW`] that close the door, and for how long.
const TOO_MANY: usize = 10;
const WINDOW: Duration = Duration::from_secs(150);
const CLOSED: Duration = Duration::from_secs(120);
/// How long it thinks about a stranger.
const THINKS: Duration = Duration::from_millis(500);

/// The codes by which clients ask for TLS and begin.
const TLS_WANTED: u32 = 80_877_103;
const CANCEL: u32 = 80_877_102;

/// What has happened at the door.
#[derive(Debug, Default)]
pub struct Book {
    /// Logins that were tried.
    pub tried: AtomicU32,
    /// Logins that were refused, and when.
    refused: Mutex<Vec<Instant>>,
    /// It says the older text to strangers.
    pub old_words: AtomicBool,
    closed_until: Mutex<Option<Instant>>,
    /// Whether the breaker has ever closed it.
    pub was_closed: AtomicBool,
}

impl Book {
    /// Logins that were refused so far.
    pub fn refused(&self) -> usize {
        self.refused.lock().expect("a list").len()
    }

    fn refuse(&self) {
        let mut refused = self.refused.lock().expect("a list");
        refused.push(Instant::now());
        if refused.iter().filter(|moment| moment.elapsed() < WINDOW).count() >= TOO_MANY {
            *self.closed_until.lock().expect("a time") = Some(Instant::now() + CLOSED);
            self.was_closed.store(true, Ordering::SeqCst);
        }
    }

    fn is_closed(&self) -> bool {
        self.closed_until.lock().expect("a time").is_some_and(|until| Instant::now() < until)
    }
}

/// The door, on port 6543 of this network.
pub struct Door {
    pub book: Arc<Book>,
    listening: JoinHandle<()>,
}

impl Door {
    /// Opens it in front of a pooler that speaks plain text on this port.
    pub async fn open(certificate: &Certificate, pooler: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 6543)).await.expect("the guide's port");
        let chain = CertificateDer::pem_file_iter(&certificate.chain).expect("a certificate");
        let chain: Vec<_> = chain.map(|part| part.expect("a certificate")).collect();
        let key = PrivateKeyDer::from_pem_file(&certificate.key).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("a certificate and its key");
        let (acceptor, book) = (TlsAcceptor::from(Arc::new(config)), Arc::new(Book::default()));
        let kept = Arc::clone(&book);
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, book) = (acceptor.clone(), Arc::clone(&book));
                tokio::spawn(async move {
                    let _ = let_in(stream, acceptor, &book, pooler).await;
                });
            }
        });
        Self { book: kept, listening }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn let_in(mut stream: TcpStream, acceptor: TlsAcceptor, book: &Book, pooler: u16) -> std::io::Result<()> {
    let (length, code) = (stream.read_u32().await?, stream.read_u32().await?);
    if (length, code) != (8, TLS_WANTED) {
        return say(&mut stream, "XX000", "(ESSLREQUIRED) SSL connection is required").await;
    }
    stream.write_all(b"S").await?;
    let mut stream = acceptor.accept(stream).await?;
    let length = stream.read_u32().await?;
    let mut rest = vec![0; (length as usize).saturating_sub(4).min(10_000)];
    stream.read_exact(&mut rest).await?;
    let is_cancel = rest[..4] == CANCEL.to_be_bytes();
    if !is_cancel {
        book.tried.fetch_add(1, Ordering::SeqCst);
        if let Some(sentence) = judge(&rest, book).await {
            return say(&mut stream, "XX000", &sentence).await;
        }
    }
    let mut inner = TcpStream::connect(("127.0.0.1", pooler)).await?;
    inner.write_u32(length).await?;
    inner.write_all(&rest).await?;
    if is_cancel || logs_in(&mut stream, &mut inner, book).await? {
        tokio::io::copy_bidirectional(&mut stream, &mut inner).await?;
    }
    Ok(())
}

/// What is said to one who may not come in.
async fn judge(start: &[u8], book: &Book) -> Option<String> {
    if book.is_closed() {
        return Some(
            "(ECIRCUITBREAKER) too many authentication failures, new connections are temporarily blocked".into(),
        );
    }
    let mut words = start[4..].split(|byte| *byte == 0).map(String::from_utf8_lossy);
    let user = loop {
        match (words.next()?, words.next()?) {
            (name, user) if name == "user" => break user.into_owned(),
            _ => {}
        }
    };
    let Some((_, project)) = user.rsplit_once('.') else {
        return Some("(ENOIDENTIFIER) no tenant identifier provided (external_id or sni_hostname required)".into());
    };
    if project == PROJECT {
        return None;
    }
    tokio::time::sleep(THINKS).await;
    book.refuse();
    let old = book.old_words.load(Ordering::SeqCst);
    Some(if old { "Tenant or user not found".into() } else { format!("(ENOTFOUND) tenant/user {user} not found") })
}

/// Passes the messages of a login on, until it has succeeded or failed.
async fn logs_in(
    outer: &mut (impl AsyncRead + AsyncWrite + Unpin),
    inner: &mut TcpStream,
    book: &Book,
) -> std::io::Result<bool> {
    loop {
        let (kind, length) = (inner.read_u8().await?, inner.read_u32().await?);
        let mut body = vec![0; length as usize - 4];
        inner.read_exact(&mut body).await?;
        if kind == b'E' && String::from_utf8_lossy(&body).contains("authentication failed") {
            book.refuse();
            tokio::time::sleep(THINKS).await;
            say(outer, "28P01", "password authentication failed for user \"postgres\"").await?;
            return Ok(false);
        }
        outer.write_u8(kind).await?;
        outer.write_u32(length).await?;
        outer.write_all(&body).await?;
        outer.flush().await?;
        let asks = kind == b'R' && matches!(body[..4], [0, 0, 0, 10 | 11]);
        match kind {
            b'E' => return Ok(false),
            b'Z' => return Ok(true),
            _ if asks => {
                // A password or a proof: one message of the client.
                let (kind, length) = (outer.read_u8().await?, outer.read_u32().await?);
                let mut body = vec![0; length as usize - 4];
                outer.read_exact(&mut body).await?;
                inner.write_u8(kind).await?;
                inner.write_u32(length).await?;
                inner.write_all(&body).await?;
            }
            _ => {}
        }
    }
}

/// An error that ends the conversation, in the protocol's form.
async fn say(stream: &mut (impl AsyncWrite + Unpin), code: &str, sentence: &str) -> std::io::Result<()> {
    let fields = format!("SFATAL\0VFATAL\0C{code}\0M{sentence}\0\0");
    stream.write_u8(b'E').await?;
    stream.write_u32(fields.len() as u32 + 4).await?;
    stream.write_all(fields.as_bytes()).await?;
    stream.flush().await?;
    stream.shutdown().await
}
