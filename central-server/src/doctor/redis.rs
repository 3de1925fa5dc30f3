//! Redis: one connection of its own, and one PING.

use std::time::Instant;

use axum::http::Uri;
use percent_encoding::percent_decode_str;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::catalogue::REDIS_PING;
use super::words::{self, Said};
use super::{Finding, PATIENCE};
use crate::config::{self, Config};
use crate::notify::https;

/// Whether it answers.
pub(super) async fn look(config: &Config) -> Vec<Finding> {
    let finding = match &config.redis {
        _ if config.notes.refuse("REDIS_URL") => Finding::not_checked(REDIS_PING, words::NOT_USABLE),
        None => Finding::not_checked(REDIS_PING, words::REDIS_NONE),
        Some(redis) => ping(redis).await,
    };
    vec![finding]
}

/// Where it is, and whom to be there.
struct Place {
    host: String,
    port: u16,
    user: String,
    password: String,
}

impl Place {
    fn of(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let login = uri.authority()?.as_str().rsplit_once('@').map_or("", |(login, _)| login);
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let host = uri.host()?.trim_start_matches('[').trim_end_matches(']').to_owned();
        Some(Self { host, port: uri.port_u16().unwrap_or(6379), user: decoded(user), password: decoded(password) })
    }
}

/// What went wrong, as the guide's troubleshooting tells it apart.
enum Fault {
    Host,
    Refused,
    Certificate(String),
    /// It speaks TLS, and was spoken to without.
    WantsTls,
    /// It was spoken to with TLS, and does not speak it.
    IsPlain,
    Auth,
    Odd(String),
}

async fn ping(redis: &config::Redis) -> Finding {
    let Some(place) = Place::of(redis.url.expose()) else {
        return Finding::not_checked(REDIS_PING, words::NOT_USABLE);
    };
    let address = format!("{}:{}", place.host, place.port);
    let began = Instant::now();
    let asked = tokio::time::timeout(PATIENCE, ask(&place, redis.tls)).await;
    let said = |words| Said::new(words).with("address", &address);
    let (found, fix) = match asked {
        Ok(Ok(())) => {
            return Finding::ok(REDIS_PING, said(words::REDIS_PONG).with("ms", began.elapsed().as_millis()));
        }
        Err(_) => (said(words::REDIS_SILENT), words::MEND_REDIS),
        Ok(Err(Fault::Host)) => (said(words::REDIS_UNKNOWN_HOST), words::MEND_REDIS),
        Ok(Err(Fault::Refused)) => (said(words::REDIS_REFUSED), words::MEND_REDIS),
        Ok(Err(Fault::Certificate(why))) => (said(words::REDIS_TLS).with("why", why), words::MEND_REDIS),
        Ok(Err(Fault::WantsTls)) => (said(words::REDIS_WANTS_TLS), words::MEND_REDIS_TLS),
        Ok(Err(Fault::IsPlain)) => (said(words::REDIS_IS_PLAIN), words::MEND_REDIS_PLAIN),
        Ok(Err(Fault::Auth)) => (said(words::REDIS_AUTH), words::MEND_REDIS),
        Ok(Err(Fault::Odd(why))) => (said(words::REDIS_ODD).with("why", why), words::MEND_REDIS),
    };
    // Without it nothing is lost and nobody is kept out: it is a bell.
    Finding::warning(REDIS_PING, found, fix)
}

async fn ask(place: &Place, tls: bool) -> Result<(), Fault> {
    let stream = TcpStream::connect((place.host.as_str(), place.port)).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::ConnectionRefused => Fault::Refused,
        _ if error.to_string().contains("lookup address") => Fault::Host,
        _ => Fault::Odd(error.to_string()),
    })?;
    if !tls {
        return converse(stream, place).await;
    }
    let name = ServerName::try_from(place.host.clone()).map_err(|_| Fault::Host)?;
    let connector = https::connector().map_err(|error| Fault::Odd(error.to_string()))?;
    // A plain Redis takes the beginning of TLS for a command that is not whole yet, and waits for the rest of it.
    let secured = tokio::time::timeout(PATIENCE / 2, connector.connect(name, stream)).await;
    let stream = secured.map_err(|_| Fault::IsPlain)?.map_err(|error| match error.to_string() {
        text if text.contains("certificate") => Fault::Certificate(text),
        text if text.contains("corrupt message") || text.contains("eof") => Fault::IsPlain,
        text => Fault::Odd(text),
    })?;
    converse(stream, place).await
}

async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin, place: &Place) -> Result<(), Fault> {
    let mut stream = BufReader::new(stream);
    if !place.password.is_empty() {
        let login = [place.user.as_str(), place.password.as_str()];
        let login = if place.user.is_empty() { &login[1..] } else { &login[..] };
        match say(&mut stream, "AUTH", login).await?.as_str() {
            "+OK" => {}
            // One that asks for no password is not less alive.
            answer if answer.contains("without any password") => {}
            answer if answer.starts_with('-') => return Err(Fault::Auth),
            answer => return Err(Fault::Odd(super::net::one_line(answer))),
        }
    }
    match say(&mut stream, "PING", &[]).await?.as_str() {
        "+PONG" => Ok(()),
        answer if answer.starts_with("-NOAUTH") || answer.starts_with("-WRONGPASS") => Err(Fault::Auth),
        answer => Err(Fault::Odd(super::net::one_line(answer))),
    }
}

/// Sends a command, and reads the one line of its answer.
async fn say(
    stream: &mut BufReader<impl AsyncRead + AsyncWrite + Unpin>,
    command: &str,
    words: &[&str],
) -> Result<String, Fault> {
    let mut text = format!("*{}\r\n${}\r\n{command}\r\n", words.len() + 1, command.len());
    for word in words {
        text.push_str(&format!("${}\r\n{word}\r\n", word.len()));
    }
    // A server that expects TLS hangs up, or answers with an alert.
    let hung_up = |_: std::io::Error| Fault::WantsTls;
    stream.write_all(text.as_bytes()).await.map_err(hung_up)?;
    let mut line = Vec::new();
    loop {
        let (taken, is_end) = {
            let bytes = stream.fill_buf().await.map_err(hung_up)?;
            let end = bytes.iter().position(|byte| *byte == b'\n');
            line.extend_from_slice(&bytes[..end.unwrap_or(bytes.len())]);
            (end.map_or(bytes.len(), |end| end + 1), end.is_some() || bytes.is_empty())
        };
        stream.consume(taken);
        if is_end || line.len() > 512 {
            break;
        }
    }
    if line.is_empty() || line.first() == Some(&0x15) {
        return Err(Fault::WantsTls);
    }
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}
