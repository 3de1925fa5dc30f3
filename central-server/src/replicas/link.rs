//! A connection to Redis: TCP, TLS where the URL wants it, and who we are.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{Stream, StreamExt as _};
use redis::aio::{MultiplexedConnection, PubSub};
use redis::{AsyncConnectionConfig, Msg, RedisConnectionInfo, RedisError};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::trouble::{Fault, Trouble};
use crate::config::Redis;

/// The channel of all replicas of an installation.
pub const CHANNEL: &str = "neopro:bell";
/// How long a connection may take, each of its steps.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(3);

trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// Where Redis is, and how to speak to it.
pub struct Target {
    host: String,
    port: u16,
    login: RedisConnectionInfo,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl Target {
    /// The target of a `REDIS_URL`.
    ///
    /// # Errors
    /// `REDIS_SSL_CA_FILE` holds no certificate that can be used.
    pub fn of(redis: &Redis) -> Result<Self, Fault> {
        let mut login = RedisConnectionInfo::default().set_skip_set_lib_name();
        if let Some(user) = &redis.user {
            login = login.set_username(user);
        }
        if let Some(password) = &redis.password {
            login = login.set_password(password.expose());
        }
        let tls = redis.tls.then(|| encrypted(redis)).transpose()?;
        Ok(Self { host: redis.host.clone(), port: redis.port, login, tls })
    }

    async fn connect(&self) -> Result<Pin<Box<dyn Wire>>, Fault> {
        let silent = |_| Fault::new(Trouble::Silent, "no connection in time");
        let found = timeout(CONNECT, lookup_host((self.host.as_str(), self.port))).await.map_err(silent)?;
        let addresses: Vec<_> = found.map_err(|error| Fault::new(Trouble::Host, error.to_string()))?.collect();
        let mut last = Fault::new(Trouble::Host, "the name has no address");
        for address in addresses {
            match timeout(CONNECT, TcpStream::connect(address)).await.map_err(silent) {
                Ok(Ok(stream)) => return self.encrypt(stream).await,
                Ok(Err(error)) => last = Fault::of_connecting(&error),
                Err(fault) => last = fault,
            }
        }
        Err(last)
    }

    async fn encrypt(&self, stream: TcpStream) -> Result<Pin<Box<dyn Wire>>, Fault> {
        // Without it the command that answers another one waits for an acknowledgement.
        stream.set_nodelay(true).map_err(|error| Fault::of_connecting(&error))?;
        let Some((connector, name)) = &self.tls else { return Ok(Box::pin(stream)) };
        match timeout(CONNECT, connector.connect(name.clone(), stream)).await {
            Ok(Ok(stream)) => Ok(Box::pin(stream)),
            Ok(Err(error)) => Err(Fault::of_tls(&error)),
            // One that does not speak TLS waits for the end of what it takes for a line.
            Err(_) => Err(Fault::new(Trouble::Plain, "connected, but no answer to the greeting of TLS")),
        }
    }

    /// A connection that hears what is said on the channel.
    pub(super) async fn listen(&self) -> Result<Ear, Fault> {
        let stream = self.connect().await?;
        let opened = async {
            let mut ear = PubSub::new(&self.login, stream).await?;
            ear.subscribe(CHANNEL).await?;
            Ok(ear)
        };
        let (sink, messages) = answered(true, opened).await?.split();
        Ok(Ear { sink, messages: Box::pin(messages) })
    }

    /// A connection that commands are given on.
    async fn open(&self) -> Result<Voice, Fault> {
        let stream = self.connect().await?;
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(ANSWER));
        let opened = MultiplexedConnection::new_with_config(&self.login, stream, config);
        let (connection, driver) = answered(true, opened).await?;
        Ok(Voice { connection, driver: Box::pin(driver) })
    }

    /// A connection that speaks on the channel.
    pub(super) async fn speak(&self) -> Result<Voice, Fault> {
        self.open().await
    }

    /// Opens a connection of its own, asks for a sign of life, and says how long that took: what `redis-cli ping` does.
    ///
    /// # Errors
    /// What is wrong; [`Trouble::words`] and [`Trouble::advice`] say it to people.
    pub async fn ping(&self) -> Result<Duration, Fault> {
        let mut voice = self.open().await?;
        let began = Instant::now();
        let answer: String = voice.ask(&redis::cmd("PING")).await?;
        match answer.as_str() {
            "PONG" => Ok(began.elapsed()),
            _ => Err(Fault::new(Trouble::Other, "PING was not answered by PONG")),
        }
    }
}

/// How to speak TLS, with whom.
fn encrypted(redis: &Redis) -> Result<(TlsConnector, ServerName<'static>), Fault> {
    let wrong = |error: String| Fault::new(Trouble::Certificate, error);
    let mut roots = RootCertStore::empty();
    match &redis.ca_pem {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                let certificate = certificate.map_err(|error| wrong(format!("REDIS_SSL_CA_FILE: {error}")))?;
                roots.add(certificate).map_err(|error| wrong(format!("REDIS_SSL_CA_FILE: {error}")))?;
            }
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name =
        ServerName::try_from(redis.host.clone()).map_err(|error| Fault::new(Trouble::Host, error.to_string()))?;
    Ok((TlsConnector::from(Arc::new(config)), name))
}

/// Waits for an answer of Redis, not for ever.
async fn answered<T>(is_greeting: bool, answer: impl Future<Output = Result<T, RedisError>>) -> Result<T, Fault> {
    match timeout(ANSWER, answer).await {
        Ok(answer) => answer.map_err(|error| Fault::of(&error, is_greeting)),
        Err(_) => Err(Fault::new(Trouble::Silent, "no answer in time")),
    }
}

/// A connection that hears.
pub(super) struct Ear {
    sink: redis::aio::PubSubSink,
    messages: Pin<Box<dyn Stream<Item = Msg> + Send>>,
}

impl Ear {
    /// The next message; none when the connection has ended.
    pub(super) async fn next(&mut self) -> Option<Vec<u8>> {
        self.messages.next().await.map(|message| message.get_payload_bytes().to_vec())
    }

    /// Asks for a sign of life, and says how long that took.
    pub(super) async fn ping(&mut self) -> Result<Duration, Fault> {
        let began = Instant::now();
        answered(false, self.sink.ping::<redis::Value>()).await?;
        Ok(began.elapsed())
    }
}

/// A connection that commands are given on. Nothing happens on it between two of them.
pub(super) struct Voice {
    connection: MultiplexedConnection,
    driver: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Voice {
    /// Says this to all replicas.
    pub(super) async fn publish(&mut self, message: &[u8]) -> Result<(), Fault> {
        let mut command = redis::cmd("PUBLISH");
        command.arg(CHANNEL).arg(message);
        self.ask::<i64>(&command).await.map(|_| ())
    }

    async fn ask<T: redis::FromRedisValue>(&mut self, command: &redis::Cmd) -> Result<T, Fault> {
        let Self { connection, driver } = self;
        let asked = async {
            tokio::select! {
                answer = command.query_async(connection) => answer,
                () = driver => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            }
        };
        answered(false, asked).await
    }
}
