//! The box answers for its own addresses and names only.
//!
//! A page of the wide world can make a visitor's browser ask this box under a name of its own (DNS rebinding), and would
//! then be allowed to read the answers. It cannot choose the `Host` that its browser sends.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::pages::sentence;

/// Both ends of a connection, as an extension of its requests.
#[derive(Debug, Clone, Copy)]
pub struct Ends {
    /// The address at which this box was reached.
    pub own: SocketAddr,
    /// Where the other one is.
    pub peer: SocketAddr,
}

impl Ends {
    /// Whether the other one is this machine too. The TV's browser asks for `neopro.local`, which is the machine's
    /// address on its network: then both ends have it.
    #[must_use]
    pub fn is_local(&self) -> bool {
        let peer = self.peer.ip().to_canonical();
        peer.is_loopback() || peer == self.own.ip().to_canonical()
    }
}

/// The names for which this box answers, besides the address at which it is reached.
#[derive(Debug, Clone, Default)]
pub struct Hosts(BTreeSet<String>);

impl Hosts {
    /// `localhost`, `neopro.local`, the machine's name with and without `.local`, and these, without ports.
    #[must_use]
    pub fn new(machine: &str, more: impl IntoIterator<Item = String>) -> Self {
        let fixed = ["localhost".to_owned(), "neopro.local".to_owned(), machine.to_owned(), format!("{machine}.local")];
        let names = fixed.into_iter().chain(more).map(|name| plain(&name));
        Self(names.filter(|name| !name.is_empty() && name != ".local").collect())
    }

    /// Whether a request for this host, port or not, is meant for us.
    fn is_own(&self, host: &str, own: IpAddr) -> bool {
        let Ok(authority) = host.parse::<Authority>() else { return false };
        // `user@host` is a disguise in an address and has no place in a header.
        if host.contains('@') {
            return false;
        }
        let name = plain(authority.host());
        match name.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) => address.to_canonical() == own.to_canonical() || address.to_canonical().is_loopback(),
            Err(_) => self.0.contains(&name),
        }
    }
}

/// The name of this machine as the system says it; empty if it says none.
#[must_use]
pub fn machine_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").map(|name| name.trim().to_owned()).unwrap_or_default()
}

fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// Lets through what is meant for us.
pub async fn guard(State(hosts): State<Arc<Hosts>>, request: Request, next: Next) -> Response {
    let own = request.extensions().get::<Ends>().map(|ends| ends.own.ip());
    let named = only(request.headers(), header::HOST.as_str());
    // A request line with a whole address names the host a second time.
    let agrees = request.uri().authority().is_none_or(|authority| named == Some(authority.as_str()));
    match (named, own) {
        (Some(host), Some(own)) if agrees && hosts.is_own(host, own) => next.run(request).await,
        _ => sentence(
            StatusCode::MISDIRECTED_REQUEST,
            "Ce boîtier ne répond pas sous ce nom. Ouvrez http://neopro.local/ ou l'adresse IP du boîtier.",
        ),
    }
}

/// Whether a request that a browser page makes comes from a page of this box. Without `Origin` no page made it.
pub fn is_same_origin(headers: &HeaderMap) -> bool {
    if !headers.contains_key(header::ORIGIN) {
        return true;
    }
    let origin = only(headers, header::ORIGIN.as_str()).and_then(|origin| origin.strip_prefix("http://"));
    let host = only(headers, header::HOST.as_str());
    origin.zip(host).is_some_and(|(origin, host)| origin.eq_ignore_ascii_case(host))
}

/// The value of a header that is there exactly once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_names_and_addresses_are_known_and_no_others() {
        let hosts = Hosts::new("np-35-0412", ["tv.club.example".to_owned()]);
        let own: IpAddr = "::ffff:192.168.4.1".parse().expect("an address");
        for host in [
            "localhost",
            "LOCALHOST:8081",
            "neopro.local",
            "neopro.local.",
            "np-35-0412:80",
            "np-35-0412.local",
            "tv.club.example",
            "192.168.4.1",
            "192.168.4.1:8080",
            "127.0.0.1",
            "[::1]:8081",
        ] {
            assert!(hosts.is_own(host, own), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "neopro.local.evil.example",
            "192.168.4.2",
            "neopro.local@evil.example",
            "evil.example@neopro.local",
            "np-35-0413.local",
            "0.0.0.0",
            "[::]",
            "neopro.local:80:80",
            "http://neopro.local",
        ] {
            assert!(!hosts.is_own(host, own), "{host}");
        }
        assert!(!Hosts::new("", []).is_own(".local", own));
    }

    #[test]
    fn the_tv_is_known_under_every_name_of_its_box() {
        let ends = |own: &str, peer: &str| Ends {
            own: own.parse().expect("an address"),
            peer: peer.parse().expect("an address"),
        };
        for (own, peer) in [
            ("127.0.0.1:80", "127.0.0.1:50000"),
            ("[::1]:80", "[::1]:50000"),
            ("[::ffff:127.0.0.1]:80", "[::ffff:127.0.0.1]:50000"),
            ("[::ffff:192.168.4.1]:80", "[::ffff:192.168.4.1]:50000"),
            ("[fe80::1]:80", "[fe80::1]:50000"),
        ] {
            assert!(ends(own, peer).is_local(), "{own} {peer}");
        }
        for (own, peer) in [("192.168.4.1:80", "192.168.4.17:50000"), ("[::ffff:192.168.4.1]:80", "[fe80::2]:50000")] {
            assert!(!ends(own, peer).is_local(), "{own} {peer}");
        }
    }

    #[test]
    fn a_page_of_another_origin_is_told_apart() {
        let same = |origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "neopro.local:8081".parse().expect("a host"));
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().expect("an origin"));
            }
            is_same_origin(&headers)
        };
        assert!(same(None) && same(Some("http://neopro.local:8081")));
        for other in ["http://neopro.local", "https://neopro.local:8081", "null", "http://evil.example", ""] {
            assert!(!same(Some(other)), "{other}");
        }
    }
}
