//! `DATABASE_URL` and what belongs to it. The URL is understood here and handed on in parts: the driver refuses
//! parameters that people paste with it (`pgbouncer`, `sslmode=verify-full`), and its errors quote the password.

use std::collections::BTreeSet;
use std::time::Duration;

use super::reader::{Reader, Refused};
use super::{Secret, tls, url, words};
use crate::words::{Said, Words};

const VARIABLE: &str = "DATABASE_URL";

/// Where the data is.
#[derive(Debug, Clone)]
pub enum Database {
    /// A private PostgreSQL that the server starts in its data folder: `DATABASE_URL=embedded`, or unset in
    /// development.
    Embedded,
    /// A PostgreSQL somewhere else.
    Url(DatabaseUrl),
}

/// A PostgreSQL server, the way to it, and whom to be there.
#[derive(Debug, Clone)]
pub struct DatabaseUrl {
    /// Name or address in lower case (IPv6 without brackets), or the folder of a unix socket, which begins with `/`.
    pub host: String,
    /// 5432 unless given; also part of a unix socket's file name.
    pub port: u16,
    /// Decoded. `postgres.<project>` at Supabase's pooler.
    pub user: String,
    /// Decoded; empty if the URL has none.
    pub password: Secret,
    /// The database's name, decoded.
    pub name: String,
    /// The parameter `application_name`.
    pub application_name: Option<String>,
    /// The parameter `options`, for the start-up packet. Supabase's pooler ignores most of them.
    pub options: Option<String>,
    /// The parameter `connect_timeout`, in the URL as whole seconds; 0 there means none.
    pub connect_timeout: Option<Duration>,
    /// Whether and how the connection is encrypted.
    pub tls: Tls,
    /// A transaction pooler is in between (port 6543 or `pgbouncer=true`). Statements are pooler-safe always; this is
    /// for advice.
    pub pooled: bool,
}

/// Encryption of the connection to the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// Plain text: a private host, or development.
    Off,
    /// Encrypted, but the server's certificate is not checked because no root certificate is known for it.
    Unverified,
    /// Encrypted, and the certificate must chain to one of these roots and name the host.
    Verified {
        /// One or more root certificates, PEM.
        ca_pem: String,
    },
}

/// The database; embedded without a word in development only.
pub(super) fn read(r: &mut Reader) -> Result<Database, Refused> {
    let wish = tls::read_wish(r);
    match r.required(VARIABLE)? {
        None => Ok(Database::Embedded),
        Some(value) if value.eq_ignore_ascii_case("embedded") => Ok(Database::Embedded),
        Some(value) => parse(r, &value, wish?).map(Database::Url),
    }
}

/// `DATABASE_POOL_SIZE`: connections for each replica.
pub(super) fn pool_size(r: &mut Reader) -> Result<usize, Refused> {
    Ok(r.number("DATABASE_POOL_SIZE", 1..=100)?.unwrap_or(10))
}

fn parse(r: &mut Reader, value: &str, wish: tls::Wish) -> Result<DatabaseUrl, Refused> {
    let parts = match url::split(value) {
        Some(parts) if matches!(parts.scheme.to_ascii_lowercase().as_str(), "postgresql" | "postgres") => parts,
        _ if value.starts_with("psql") => {
            return Err(r.refuse(VARIABLE, words::PSQL_PASTED));
        }
        _ => return Err(r.refuse(VARIABLE, words::NOT_A_DATABASE)),
    };
    if parts.fragment.is_some() || value.contains(char::is_whitespace) {
        return Err(r.refuse(VARIABLE, words::BLANK_OR_HASH));
    }
    let parameters = Parameters::read(r, parts.query.unwrap_or_default())?;

    // A parameter has the last word over the part of the URL that it repeats, as in libpq.
    let user = parameters.user.clone().or(login_part(r, parts.user, words::THE_USER)?);
    let password = parameters.password.clone().or(login_part(r, parts.password, words::THE_PASSWORD)?);
    let Some(user) = user.filter(|user| !user.is_empty()) else {
        return Err(r.refuse(VARIABLE, words::NO_USER));
    };
    let host = host(r, parts.host, parameters.host.as_deref())?;
    let port = match parameters.port.as_deref().or(parts.port).map(url::port) {
        None => 5432,
        Some(Some(port)) => port,
        Some(None) => return Err(r.refuse(VARIABLE, words::BAD_PORT)),
    };
    let path = parts.path.trim_end_matches('/');
    let name = parameters.name.clone().or_else(|| url::decoded(path));
    let Some(name) = name.filter(|name| !name.is_empty() && !path.contains('/')) else {
        return Err(r.refuse(VARIABLE, words::NO_NAME));
    };

    let tls = tls::choose(r, &host, parameters.sslmode, parameters.sslrootcert.as_deref(), wish)?;
    if r.production() && !url::is_private(&host) && password.as_deref().unwrap_or_default().is_empty() {
        return Err(r.refuse(VARIABLE, words::NO_PASSWORD));
    }
    let database = DatabaseUrl {
        pooled: port == 6543 || parameters.pgbouncer,
        host,
        port,
        user,
        password: Secret::new(password.unwrap_or_default()),
        name,
        application_name: parameters.application_name,
        options: parameters.options,
        connect_timeout: parameters.connect_timeout,
        tls,
    };
    advise(r, &database);
    if database.port == 6543 && !parameters.pgbouncer {
        r.remark(VARIABLE, words::WITHOUT_PGBOUNCER);
    }
    Ok(database)
}

/// A decoded user name or password. What is wrong with it is told without any of it but the character in question.
fn login_part(r: &mut Reader, text: Option<&str>, part: Words) -> Result<Option<String>, Refused> {
    let Some(text) = text else { return Ok(None) };
    if text.len() > 2 && text.starts_with('[') && text.ends_with(']') {
        return Err(r.refuse(VARIABLE, Said::new(words::STILL_IN_BRACKETS).with_words("part", part)));
    }
    if let Some(character) = url::raw_reserved(text) {
        let said = Said::new(words::TO_BE_ENCODED).with_words("part", part).with("character", character);
        return Err(r.refuse(VARIABLE, said.with("encoded", url::encoded(character))));
    }
    match url::decoded(text) {
        Some(text) => Ok(Some(text)),
        None => Err(r.refuse(VARIABLE, Said::new(words::BAD_PERCENT).with_words("part", part))),
    }
}

/// The parameter `host`, else the host of the URL. Either may be the folder of a socket.
fn host(r: &mut Reader, in_url: &str, in_query: Option<&str>) -> Result<String, Refused> {
    let host = in_query.filter(|host| !host.is_empty()).map(str::to_owned).or_else(|| url::decoded(in_url));
    let Some(host) = host.filter(|host| !host.is_empty()) else {
        return Err(r.refuse(VARIABLE, words::NO_HOST));
    };
    if host.starts_with('/') {
        return Ok(host);
    }
    let host = host.to_ascii_lowercase();
    let bracketed = if host.matches(':').count() > 1 && !host.starts_with('[') { format!("[{host}]") } else { host };
    if bracketed.contains(',') {
        return Err(r.refuse(VARIABLE, words::SEVERAL_HOSTS));
    }
    if !url::is_host(&bracketed) {
        return Err(r.refuse(VARIABLE, words::BAD_HOST));
    }
    Ok(bracketed.trim_start_matches('[').trim_end_matches(']').to_owned())
}

/// The part of the URL after `?`.
#[derive(Debug, Default)]
struct Parameters {
    host: Option<String>,
    port: Option<String>,
    user: Option<String>,
    password: Option<String>,
    name: Option<String>,
    application_name: Option<String>,
    options: Option<String>,
    connect_timeout: Option<Duration>,
    sslmode: Option<tls::SslMode>,
    sslrootcert: Option<String>,
    pgbouncer: bool,
}

impl Parameters {
    fn read(r: &mut Reader, query: &str) -> Result<Self, Refused> {
        let mut known = Self::default();
        let mut foreign = BTreeSet::new();
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let Some(value) = url::decoded(value) else {
                return Err(r.refuse(VARIABLE, words::BAD_PARAMETER));
            };
            match name {
                "host" => known.host = Some(value),
                "port" => known.port = Some(value),
                "user" => known.user = Some(value),
                "password" => known.password = Some(value),
                "dbname" => known.name = Some(value),
                "application_name" => known.application_name = Some(value),
                "options" => known.options = Some(value),
                "sslrootcert" => known.sslrootcert = Some(value),
                "pgbouncer" => known.pgbouncer = value.eq_ignore_ascii_case("true"),
                "sslmode" => known.sslmode = Some(tls::SslMode::read(r, &value)?),
                "connect_timeout" => match value.parse() {
                    Ok(0) => known.connect_timeout = None,
                    Ok(seconds) => known.connect_timeout = Some(Duration::from_secs(seconds)),
                    Err(_) => return Err(r.refuse(VARIABLE, words::BAD_TIMEOUT)),
                },
                // Only what looks like a name is repeated: a badly pasted password must not end up in a warning.
                name if name.len() <= 40 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') => {
                    foreign.insert(name);
                }
                _ => {
                    foreign.insert("(?)");
                }
            }
        }
        if !foreign.is_empty() {
            let names = foreign.into_iter().collect::<Vec<_>>().join(", ");
            r.warn(VARIABLE, Said::new(words::FOREIGN_PARAMETERS).with("names", names));
        }
        Ok(known)
    }
}

/// What works, or seems to, but not in production and not for long.
fn advise(r: &mut Reader, database: &DatabaseUrl) {
    if !r.production() {
        return;
    }
    let DatabaseUrl { host, port, user, .. } = database;
    if host.starts_with("db.") && host.ends_with(".supabase.co") && *port == 5432 {
        r.warn(VARIABLE, words::DIRECT_HOST);
    }
    if host.ends_with(".pooler.supabase.com") {
        if *port == 5432 {
            r.warn(VARIABLE, words::SESSION_POOLER);
        }
        if !user.contains('.') {
            r.warn(VARIABLE, words::POOLER_USER);
        }
    }
}
