//! Opening connections: the pool, and TLS as the configuration says.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Hook, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::brake::Brake;
use super::{Db, Error};
use crate::config::{DatabaseUrl, Tls};
use crate::prometheus::DATABASE_BOUNDS;
use crate::prometheus::page::Histograms;
use crate::words::Said;

/// How long a request waits for a free connection before it is told to come back.
pub(super) const WAIT: Duration = Duration::from_secs(5);
/// How long a new connection may take.
const CONNECT: Duration = Duration::from_secs(10);

/// Where the database is and how to speak to it.
#[derive(Clone)]
pub struct Target {
    config: tokio_postgres::Config,
    tls: Option<MakeRustlsConnect>,
    brake: Arc<Brake>,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target").field("hosts", &self.config.get_hosts()).finish_non_exhaustive()
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use tokio_postgres::config::Host;
        let port = self.config.get_ports().first().copied().unwrap_or(5432);
        match self.config.get_hosts().first() {
            Some(Host::Tcp(host)) => write!(f, "{host}:{port}"),
            Some(Host::Unix(folder)) => write!(f, "{}", folder.display()),
            None => f.write_str("aucun hôte"),
        }
    }
}

impl Target {
    /// A target without TLS: the embedded database's socket, or a test's.
    #[must_use]
    pub fn plain(config: tokio_postgres::Config) -> Self {
        Self { config, tls: None, brake: Arc::default() }
    }

    /// The target of a `DATABASE_URL`.
    ///
    /// # Errors
    /// A sentence when `DATABASE_SSL_CA` holds no certificate.
    pub fn from_url(url: &DatabaseUrl) -> Result<Self, Said> {
        let mut config = tokio_postgres::Config::new();
        config
            .host(&url.host)
            .port(url.port)
            .user(&url.user)
            .password(url.password.expose())
            .dbname(&url.name)
            .connect_timeout(url.connect_timeout.unwrap_or(CONNECT).min(CONNECT))
            .keepalives_idle(Duration::from_secs(30))
            .tcp_user_timeout(Duration::from_secs(15));
        config.application_name(url.application_name.as_deref().unwrap_or("neopro"));
        if let Some(options) = &url.options {
            config.options(options);
        }
        let tls = match &url.tls {
            Tls::Off => {
                config.ssl_mode(SslMode::Disable);
                None
            }
            Tls::Unverified => Some(unverified()),
            Tls::Verified { ca_pem } => Some(verified(ca_pem)?),
        };
        if tls.is_some() {
            config.ssl_mode(SslMode::Require);
        }
        Ok(Self { config, tls, brake: Arc::default() })
    }

    /// A pool of at most `size` connections, none of them open yet.
    ///
    /// # Errors
    /// Only a pool without a runtime, which cannot happen here.
    pub fn pool(&self, size: usize) -> Result<Db, Error> {
        // Fast: a recycled connection is only looked at. Any reset statement would cost a round trip, and
        // behind a transaction pooler it would reset somebody else's connection.
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = match &self.tls {
            Some(tls) => Manager::from_config(self.config.clone(), tls.clone(), recycling),
            None => Manager::from_config(self.config.clone(), NoTls, recycling),
        };
        let released = Arc::clone(&self.brake);
        let pool = Pool::builder(manager)
            .max_size(size)
            .post_create(Hook::sync_fn(move |_, _| {
                released.release();
                Ok(())
            }))
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(CONNECT))
            .recycle_timeout(Some(CONNECT))
            .build()
            .map_err(|error| Error::Unavailable(error.to_string()))?;
        Ok(Db {
            pool,
            first: Arc::default(),
            brake: Arc::clone(&self.brake),
            durations: Arc::new(Histograms::new(DATABASE_BOUNDS)),
        })
    }
}

/// One connection outside the pool: migrations and the command line.
///
/// # Errors
/// [`Error::Unavailable`] with the driver's words.
pub async fn connect_once(target: &Target) -> Result<Client, Error> {
    async fn open<T>(config: &tokio_postgres::Config, tls: T) -> Result<Client, tokio_postgres::Error>
    where
        T: tokio_postgres::tls::MakeTlsConnect<tokio_postgres::Socket>,
        T::Stream: Send + 'static,
    {
        let (client, connection) = config.connect(tls).await?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a database connection ended");
            }
        });
        Ok(client)
    }
    // The driver's own limit ends with the TCP connection: whoever accepts it and stays silent would hold us.
    let opened = tokio::time::timeout(CONNECT, async {
        match &target.tls {
            Some(tls) => open(&target.config, tls.clone()).await,
            None => open(&target.config, NoTls).await,
        }
    });
    match opened.await {
        Ok(opened) => Ok(opened?),
        Err(_) => Err(Error::Unavailable("connection timed out: no answer from the database".into())),
    }
}

fn builder() -> rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier> {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring offers TLS 1.2 and 1.3")
}

fn verified(ca_pem: &str) -> Result<MakeRustlsConnect, Said> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca_pem.as_bytes()) {
        let certificate = certificate.map_err(|error| Said::new(CA_UNREADABLE).with("why", error))?;
        roots.add(certificate).map_err(|error| Said::new(CA_REFUSED).with("why", error))?;
    }
    if roots.is_empty() {
        return Err(CA_EMPTY.into());
    }
    Ok(MakeRustlsConnect::new(builder().with_root_certificates(roots).with_no_client_auth()))
}

crate::words::words! {
    CA_UNREADABLE: "DATABASE_SSL_CA ne peut pas être lu : {why}.", "DATABASE_SSL_CA cannot be read: {why}.", "DATABASE_SSL_CA no se puede leer: {why}.";
    CA_REFUSED: "DATABASE_SSL_CA contient un certificat refusé : {why}.", "DATABASE_SSL_CA holds a certificate that is refused: {why}.", "DATABASE_SSL_CA contiene un certificado rechazado: {why}.";
    CA_EMPTY: "DATABASE_SSL_CA ne contient aucun certificat au format PEM.", "DATABASE_SSL_CA holds no certificate in PEM format.", "DATABASE_SSL_CA no contiene ningún certificado en formato PEM.";
}

fn unverified() -> MakeRustlsConnect {
    MakeRustlsConnect::new(
        builder()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate(rustls::crypto::ring::default_provider())))
            .with_no_client_auth(),
    )
}

/// Accepts every certificate: encrypted, but not proven to be the right server. The platform's pooler chains
/// to a root of its own that the guide does not ask for; the start-up warning says so.
#[derive(Debug)]
struct AnyCertificate(rustls::crypto::CryptoProvider);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_wrong_with_an_authority_is_told_in_three_languages() {
        crate::words::tests::complete(super::ALL);
    }
}
