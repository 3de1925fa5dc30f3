//! Connections to the outside: TCP, and TLS where the address asks for it.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use rustls::RootCertStore;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How much the kernel keeps of what we have not read yet. Linux doubles it; enough for 15 MB/s over 30 ms, and what
/// is lost with the power is little.
const RECEIVE_BUFFER: u32 = 256 * 1024;

/// Where a server is: scheme, host and port. It prints as an origin, without the scheme's own port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    /// `https` and not `http`.
    pub tls: bool,
    /// The host, in lower case; an IPv6 address without its brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Address {
    /// The origin of an address that may have a path; `None` if it is not `http` or `https`, or names a user.
    #[must_use]
    pub fn of(uri: &Uri) -> Option<Self> {
        let tls = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        if uri.authority()?.as_str().contains('@') {
            return None;
        }
        let host = uri.host()?.to_ascii_lowercase();
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(&host);
        let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
        // Brackets stand around an address, and nowhere in one: `http://a[` passes for an address elsewhere.
        (!bare.is_empty() && !bare.contains(['[', ']'])).then(|| Self { tls, host: bare.to_owned(), port })
    }

    /// The address of a central server: an origin, with at most a slash behind it.
    #[must_use]
    pub fn of_server(text: &str) -> Option<Self> {
        let uri: Uri = text.trim().trim_end_matches('/').parse().ok()?;
        let bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
        Self::of(&uri).filter(|_| bare)
    }

    /// Whether it is this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.host == "localhost" || self.host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// The value of the header `Host`.
    #[must_use]
    pub fn authority(&self) -> String {
        let origin = self.to_string();
        origin.split_once("://").map_or_else(String::new, |(_, authority)| authority.to_owned())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, usual) = if self.tls { ("https", 443) } else { ("http", 80) };
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "{scheme}://{open}{}{close}", self.host)?;
        if self.port == usual { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

/// Makes connections. Cheap to clone; one is enough for any number of them.
#[derive(Clone)]
pub struct Dialer {
    tls: TlsConnector,
}

impl Dialer {
    /// One that trusts the public certificate authorities.
    ///
    /// # Errors
    /// The cryptography is built without TLS 1.2 and 1.3.
    pub fn new() -> Result<Self, rustls::Error> {
        Self::trusting(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })
    }

    /// One that trusts these authorities and no others.
    ///
    /// # Errors
    /// The cryptography is built without TLS 1.2 and 1.3.
    pub fn trusting(roots: RootCertStore) -> Result<Self, rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: TlsConnector::from(Arc::new(config)) })
    }

    /// Connects, trying each address of the host in turn.
    ///
    /// # Errors
    /// The name is not known, nobody answers in time, or the certificate is not to be trusted.
    pub async fn connect(&self, to: &Address, within: Duration) -> io::Result<Stream> {
        timeout(within, self.dial(to, within)).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    async fn dial(&self, to: &Address, within: Duration) -> io::Result<Stream> {
        let addresses: Vec<SocketAddr> = lookup_host((to.host.as_str(), to.port)).await?.collect();
        // Many a club's network has an IPv6 that leads nowhere: no address may use up the time of the others.
        let each = within / u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for address in addresses {
            match timeout(each, connect(address)).await {
                Ok(Ok(stream)) => return self.secure(to, stream).await,
                Ok(Err(error)) => last = error,
                Err(_) => last = io::ErrorKind::TimedOut.into(),
            }
        }
        Err(last)
    }

    async fn secure(&self, to: &Address, stream: TcpStream) -> io::Result<Stream> {
        if !to.tls {
            return Ok(Stream::Plain(stream));
        }
        let name = ServerName::try_from(to.host.clone()).map_err(io::Error::other)?;
        Ok(Stream::Tls(Box::new(self.tls.connect(name, stream).await?)))
    }
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A connection.
pub enum Stream {
    /// As it is.
    Plain(TcpStream),
    /// Encrypted.
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_told_from_another() {
        let of =
            |text: &str| text.parse::<Uri>().ok().and_then(|uri| Address::of(&uri)).map(|address| address.to_string());
        for (text, origin) in [
            ("https://Storage.example.org/a/b?c=d", Some("https://storage.example.org")),
            ("https://storage.example.org:443/", Some("https://storage.example.org")),
            ("http://127.0.0.1:3001/x", Some("http://127.0.0.1:3001")),
            ("http://[::1]:3001/x", Some("http://[::1]:3001")),
            ("https://storage.example.org@evil.example/a", None),
            ("ftp://storage.example.org/a", None),
            ("/a/b", None),
        ] {
            assert_eq!(of(text).as_deref(), origin, "{text}");
        }
        assert!(Address::of_server("http://localhost:3001/").is_some_and(|address| address.is_local()));
        assert_eq!(Address::of_server("http://localhost:3001/a"), None);
        assert!(Address::of_server("http://[::1]:3001").is_some_and(|address| address.is_local()));
        assert_eq!(Address::of_server("http://a[:3001"), None);
    }
}
