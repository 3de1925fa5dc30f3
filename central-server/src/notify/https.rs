//! One request to a service outside, on a connection of its own: a handful a day need no pool, and what is large takes
//! longer than its connection.

use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// How long a request may take, its connection included.
const PATIENCE: Duration = Duration::from_secs(30);
/// More of an answer is of no use to us.
const MOST_BYTES: usize = 64 * 1024;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, at most 64 KiB.
    pub body: Bytes,
}

/// Sends a JSON body by `POST` to an address, `http` or `https`.
///
/// # Errors
/// The address is none, nobody answers in time, or the certificate is of no public authority. The text is for the log
/// and holds neither body nor headers.
pub async fn post_json(url: &str, headers: &[(HeaderName, HeaderValue)], body: Vec<u8>) -> Result<Answer, String> {
    let mut request = Request::post(url).header(header::CONTENT_TYPE, "application/json");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = request.body(Body::from(body)).map_err(|_| "the address is none".to_owned())?;
    let exchange = exchange(request, |response| async move {
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, MOST_BYTES).collect().await.map_err(|error| error.to_string())?.to_bytes();
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
    });
    tokio::time::timeout(PATIENCE, exchange).await.unwrap_or_else(|_| Err("no answer in time".into()))
}

/// Sends a request for a whole address, `http` or `https`, and lets `read` take its answer. How long that may take is
/// the caller's to say: given up, the connection ends.
///
/// # Errors
/// Those of [`post_json`] but the time, and those of `read`.
pub async fn exchange<T, R>(mut request: Request<Body>, read: impl FnOnce(Response<Incoming>) -> R) -> Result<T, String>
where
    R: Future<Output = Result<T, String>>,
{
    let uri = std::mem::take(request.uri_mut());
    let host = uri.host().ok_or("the address has no host")?.to_owned();
    let tls = uri.scheme_str() == Some("https");
    let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
    let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse::<Uri>().map_err(|error| error.to_string())?;
    let authority = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
    let authority = HeaderValue::from_str(authority).map_err(|error| error.to_string())?;
    request.headers_mut().insert(header::HOST, authority);
    let agent = HeaderValue::from_static(concat!("neopro/", env!("CARGO_PKG_VERSION")));
    request.headers_mut().entry(header::USER_AGENT).or_insert(agent);
    let stream = TcpStream::connect((bare.as_str(), port)).await.map_err(|error| format!("{host}:{port}: {error}"))?;
    if !tls {
        return ask(stream, request, read).await;
    }
    let name = ServerName::try_from(bare).map_err(|error| error.to_string())?;
    let secured = connector().map_err(|error| error.to_string())?.connect(name, stream).await;
    ask(secured.map_err(|error: io::Error| format!("{host}:{port}: {error}"))?, request, read).await
}

/// What the configuration adds to the public authorities: the same for every request of a process, from its start on.
static FURTHER: OnceLock<Vec<CertificateDer<'static>>> = OnceLock::new();

/// Believes the authorities of a configuration from now on, beside the public ones; the first call decides.
pub fn believe(authorities: Option<&str>) {
    let Some(pem) = authorities else { return };
    // Bundles of systems hold some that nobody can use any more: they are passed over, here and where they are added.
    FURTHER.get_or_init(|| CertificateDer::pem_slice_iter(pem.as_bytes()).filter_map(Result::ok).collect());
}

/// Trusts the public certificate authorities, and those that the configuration adds.
///
/// # Errors
/// Those of the library, which cannot happen with what is asked of it here.
pub(crate) fn connector() -> Result<TlsConnector, rustls::Error> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    roots.add_parsable_certificates(FURTHER.get().into_iter().flatten().cloned());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

async fn ask<T, R>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Body>,
    read: impl FnOnce(Response<Incoming>) -> R,
) -> Result<T, String>
where
    R: Future<Output = Result<T, String>>,
{
    let words = |error: hyper::Error| error.to_string();
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(words)?;
    let exchange = async { read(sender.send_request(request).await.map_err(words)?).await };
    let mut exchange = std::pin::pin!(exchange);
    // The connection is driven here and not by a task of its own: it ends with the request. What it says at its end, the
    // exchange says too, unless an answer has come before: who refuses a large body does not wait for it.
    tokio::select! {
        answer = &mut exchange => answer,
        _ = connection => exchange.await,
    }
}
