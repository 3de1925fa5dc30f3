//! Extractors: what a handler writes in its signature to get a part of the request.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::form::{Form, FromForm};
use crate::app::App;
use crate::error::Error;

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// A JSON object in the body, read as a `T`.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: FromForm> FromRequest<App> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &App) -> Result<Self, Error> {
        if !is_json(request.headers()) {
            return Err(Error::MediaType);
        }
        let bytes = read_body(request, T::LIMIT).await?;
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(values)) => Form::new(values).into().map(Self),
            Ok(_) => Err(Error::Unreadable("Le corps de la requête doit être un objet JSON.")),
            Err(_) => Err(Error::Unreadable("Le corps de la requête n'est pas un JSON valide.")),
        }
    }
}

/// Reads a whole body of at most `limit` bytes.
///
/// # Errors
/// It is larger, does not arrive in time, or breaks off.
pub async fn read_body(request: Request, limit: usize) -> Result<Bytes, Error> {
    let body = Limited::new(request.into_body(), limit);
    match tokio::time::timeout(BODY_TIMEOUT, body.collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Error::TooLarge(limit as u64)),
        Ok(Err(_)) => Err(Error::Unreadable("Le corps de la requête s'est interrompu.")),
        Err(_) => Err(Error::SlowBody),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let media = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media == "application/json" || (media.starts_with("application/") && media.ends_with("+json"))
}

/// The query string, read as a `T`.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: FromForm> FromRequestParts<App> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Error> {
        let mut values = Map::new();
        for pair in parts.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            values.insert(decode(name)?, Value::String(decode(value)?));
        }
        Form::new(values).into().map(Self)
    }
}

fn decode(text: &str) -> Result<String, Error> {
    percent_decode_str(&text.replace('+', " "))
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| Error::Unreadable("L'adresse contient un texte qui n'est pas en UTF-8."))
}

/// The id in the path.
#[derive(Debug)]
pub struct Id<T>(pub T);

impl<T: FromStr + Send> FromRequestParts<App> for Id<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &App) -> Result<Self, Error> {
        let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| no_id())?;
        text.parse().map(Self).map_err(|_| no_id())
    }
}

/// The two ids in the path.
#[derive(Debug)]
pub struct Ids<A, B>(pub A, pub B);

impl<A: FromStr + Send, B: FromStr + Send> FromRequestParts<App> for Ids<A, B> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &App) -> Result<Self, Error> {
        let Path((first, second)) =
            Path::<(String, String)>::from_request_parts(parts, state).await.map_err(|_| no_id())?;
        Ok(Self(first.parse().map_err(|_| no_id())?, second.parse().map_err(|_| no_id())?))
    }
}

fn no_id() -> Error {
    Error::field("id", "Un identifiant de la forme 00000000-0000-0000-0000-000000000000 est attendu.")
}

/// Where the request comes from: the socket's other end, or what the nth trusted proxy from the right says.
///
/// `TRUSTED_PROXY_HOPS` proxies stand in front of us; each adds the address that it saw at the end of
/// `X-Forwarded-For`. What stands further left was written by the client and proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl FromRequestParts<App> for ClientAddress {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let peer = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map_or(IpAddr::from([0, 0, 0, 0]), |ConnectInfo(address)| address.ip().to_canonical());
        Ok(Self(client_address(&parts.headers, peer, app.config.trusted_proxy_hops)))
    }
}

fn client_address(headers: &HeaderMap, peer: IpAddr, hops: usize) -> IpAddr {
    if hops == 0 {
        return peer;
    }
    // Counted first and read then: an entry that cannot be read still takes its place, or a client could push a
    // forged one into it.
    let chain: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .flat_map(|value| value.to_str().unwrap_or("unreadable").split(','))
        .map(str::trim)
        .collect();
    // A shorter chain than expected did not come through all proxies: its leftmost entry is the best known.
    let entry = chain.get(chain.len().saturating_sub(hops)).copied().unwrap_or_default();
    let bare = entry.parse::<IpAddr>().ok();
    let with_port = || entry.parse::<SocketAddr>().ok().map(|address| address.ip());
    let bracketed = || entry.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    bare.or_else(with_port).or_else(bracketed).map_or(peer, |address: IpAddr| address.to_canonical())
}

/// The page from which a browser sends this request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Not a browser, or a page of this server itself.
    Own,
    /// A page of an origin in `ALLOWED_ORIGINS`.
    Listed,
    /// Any other page.
    Foreign(String),
}

impl Origin {
    /// Decides by the `Origin` header, which a page cannot forge.
    #[must_use]
    pub fn of(headers: &HeaderMap, app: &App) -> Self {
        let Some(value) = headers.get(header::ORIGIN) else { return Self::Own };
        let origin = String::from_utf8_lossy(value.as_bytes()).trim_end_matches('/').to_ascii_lowercase();
        if app.config.allowed_origins.contains(&origin) {
            return Self::Listed;
        }
        let developing = !app.config.is_production() && app.config.allowed_origins.is_empty();
        if developing && is_loopback(&origin) {
            return Self::Listed;
        }
        let own_host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let host = origin.split_once("://").map_or("", |(_, host)| host);
        let public = app.config.public_url.as_deref().is_some_and(|url| url.eq_ignore_ascii_case(&origin));
        if public || (!host.is_empty() && host.eq_ignore_ascii_case(own_host)) {
            return Self::Own;
        }
        Self::Foreign(origin)
    }
}

/// A page on the developer's own machine.
fn is_loopback(origin: &str) -> bool {
    let host = origin.split_once("://").map_or("", |(_, rest)| rest);
    let name = host.rsplit_once(':').map_or(host, |(name, port)| if port.ends_with(']') { host } else { name });
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

impl FromRequestParts<App> for Origin {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&parts.headers, app))
    }
}

/// Facts of the request that are written down with an act: address and browser.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The client's address.
    pub ip: IpAddr,
    /// The browser's own words, without control characters, at most 255 characters.
    pub user_agent: Option<String>,
}

impl FromRequestParts<App> for Snapshot {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let ClientAddress(ip) = ClientAddress::from_request_parts(parts, app).await?;
        let user_agent = parts.headers.get(header::USER_AGENT).map(|value| {
            String::from_utf8_lossy(value.as_bytes()).chars().filter(|c| !c.is_control()).take(255).collect()
        });
        Ok(Self { ip, user_agent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_trusted_proxies_wrote_decides_the_address() {
        let peer: IpAddr = "10.0.0.1".parse().expect("an address");
        let with = |chain: &'static str| {
            HeaderMap::from_iter([("x-forwarded-for".parse().expect("a name"), chain.parse().expect("a value"))])
        };
        for (chain, hops, expected) in [
            ("203.0.113.9", 0, "10.0.0.1"),
            ("203.0.113.9, 10.9.9.9", 2, "203.0.113.9"),
            ("6.6.6.6, 203.0.113.9, 10.9.9.9", 2, "203.0.113.9"),
            ("203.0.113.9", 2, "203.0.113.9"),
            ("nonsense", 2, "10.0.0.1"),
            ("6.6.6.6, 2001:db8::1", 1, "2001:db8::1"),
            ("6.6.6.6, 203.0.113.9:4711", 1, "203.0.113.9"),
            ("6.6.6.6, [2001:db8::1]:4711", 1, "2001:db8::1"),
            ("6.6.6.6, [2001:db8::1]", 1, "2001:db8::1"),
            ("6.6.6.6, unknown", 1, "10.0.0.1"),
            ("6.6.6.6, ::ffff:203.0.113.9", 1, "203.0.113.9"),
        ] {
            assert_eq!(client_address(&with(chain), peer, hops).to_string(), expected, "{chain} / {hops}");
        }
        assert_eq!(client_address(&HeaderMap::new(), peer, 2), peer);
    }
}
