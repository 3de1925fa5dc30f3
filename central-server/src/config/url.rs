//! Takes URLs apart by hand. A general parser accepts what people paste wrongly (a raw `@` or `/` in a password) and
//! then connects to the wrong place; this one keeps such text where it can be named.

use std::net::{IpAddr, Ipv6Addr};

use super::words;
use crate::words::Words;

/// A URL cut into its parts, nothing decoded or checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parts<'a> {
    pub scheme: &'a str,
    pub user: Option<&'a str>,
    pub password: Option<&'a str>,
    /// With brackets if it is an IPv6 address; empty for a local socket.
    pub host: &'a str,
    pub port: Option<&'a str>,
    /// Without the first slash.
    pub path: &'a str,
    pub query: Option<&'a str>,
    pub fragment: Option<&'a str>,
}

/// Cuts `scheme://user:password@host:port/path?query#fragment`; none without `://`.
///
/// Everything before the *last* `@` is user and password, so that raw `@ / ? #` in a password end up in it.
pub(super) fn split(url: &str) -> Option<Parts<'_>> {
    let (scheme, rest) = url.split_once("://")?;
    let (login, rest) = match rest.rsplit_once('@') {
        Some((login, rest)) if !login.starts_with('/') => (Some(login), rest),
        _ => (None, rest),
    };
    let (user, password) = match login.map(|login| login.split_once(':').ok_or(login)) {
        None => (None, None),
        Some(Err(user)) => (Some(user), None),
        Some(Ok((user, password))) => (Some(user), Some(password)),
    };
    let (rest, fragment) = cut(rest, '#');
    let (rest, query) = cut(rest, '?');
    let (authority, path) = cut(rest, '/');
    let after_ipv6 = authority.rfind(']').map_or(0, |at| at + 1);
    let (host, port) = match authority[after_ipv6..].rfind(':') {
        Some(at) => (&authority[..after_ipv6 + at], Some(&authority[after_ipv6 + at + 1..])),
        None => (authority, None),
    };
    Some(Parts { scheme, user, password, host, port, path: path.unwrap_or_default(), query, fragment })
}

fn cut(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

/// Whether `host` (lower case) can be a host: a DNS name, an IPv4 address, or an IPv6 address in brackets.
pub(super) fn is_host(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[') {
        let address = inner.strip_suffix(']').map(|inner| inner.split('%').next().unwrap_or(inner));
        return address.is_some_and(|address| address.parse::<Ipv6Addr>().is_ok());
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    host.len() <= 253 && host.strip_suffix('.').unwrap_or(host).split('.').all(label)
}

/// Whether traffic to `host` stays on the machine or in a private network: loopback, RFC 1918, IPv6 unique local or
/// link local, a name of one label, the folder of a unix socket.
pub(super) fn is_private(host: &str) -> bool {
    if host.starts_with('/') {
        return true;
    }
    let bare = host.trim_start_matches('[').trim_end_matches(']').split('%').next().unwrap_or(host);
    match bare.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_private(),
        Ok(IpAddr::V6(address)) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
        // A lone number is an IPv4 address in disguise: resolvers read 134744072 as 8.8.8.8.
        Err(_) => {
            let one_label = !bare.contains('.') && bare.starts_with(|first: char| first.is_ascii_alphabetic());
            one_label || bare.ends_with(".localhost")
        }
    }
}

/// A port from its digits, 1 to 65535.
pub(super) fn port(text: &str) -> Option<u16> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port != 0)
}

/// The first character that a user name or password may only hold percent-encoded.
pub(super) fn raw_reserved(text: &str) -> Option<char> {
    text.char_indices()
        .find(|(at, c)| match c {
            ':' | '/' | '?' | '#' | '[' | ']' | '@' => true,
            '%' => {
                let digits = text.as_bytes().get(at + 1..at + 3);
                !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            }
            c => c.is_whitespace(),
        })
        .map(|(_, c)| c)
}

/// `@` → `%40`.
pub(super) fn encoded(character: char) -> String {
    let mut bytes = [0; 4];
    let text = character.encode_utf8(&mut bytes);
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// Percent-decodes; none if the result is not UTF-8 or holds a NUL, which PostgreSQL cannot take.
pub(super) fn decoded(text: &str) -> Option<String> {
    let text = percent_encoding::percent_decode_str(text).decode_utf8().ok()?;
    (!text.contains('\0')).then(|| text.into_owned())
}

/// An `http://` or `https://` address in its normal form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub https: bool,
    /// Lower case; IPv6 in brackets.
    pub host: String,
    /// None if it is the scheme's own.
    pub port: Option<u16>,
    /// With its first slash, without the last; empty for the root.
    pub path: String,
}

impl Address {
    /// Reads an address; the error is the end of a sentence that begins with the variable or « l'adresse ».
    pub fn parse(text: &str) -> Result<Self, Words> {
        let parts = split(text).ok_or(words::NOT_HTTPS)?;
        let https = match parts.scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(words::NOT_HTTPS),
        };
        if parts.user.is_some() {
            return Err(words::WITH_LOGIN);
        }
        if parts.query.is_some() || parts.fragment.is_some() {
            return Err(words::WITH_QUERY);
        }
        let host = parts.host.to_ascii_lowercase();
        if !host.is_ascii() {
            return Err(words::WITH_ACCENTS);
        }
        if !is_host(&host) {
            return Err(words::WITHOUT_HOST);
        }
        let number = parts.port.map(|text| port(text).ok_or(words::WITH_BAD_PORT)).transpose()?;
        let path = parts.path.trim_matches('/');
        Ok(Self {
            https,
            host,
            port: number.filter(|number| *number != if https { 443 } else { 80 }),
            path: if path.is_empty() { String::new() } else { format!("/{path}") },
        })
    }

    /// `https://host:port`, as a browser writes it in the header `Origin`.
    pub fn origin(&self) -> String {
        let scheme = if self.https { "https" } else { "http" };
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{scheme}://{}{port}", self.host)
    }
}
