//! Supabase's storage and Redis: `SUPABASE_URL`, `SUPABASE_SERVICE_KEY`, `REDIS_URL`.

use std::time::UNIX_EPOCH;

use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;

use super::reader::{Reader, Refused};
use super::url::{self, Address};
use super::{Database, Secret, tls, web, words};
use crate::words::{Said, Words};

/// The Supabase project whose storage holds the videos.
#[derive(Debug, Clone)]
pub struct Supabase {
    /// `https://<ref>.supabase.co` or a domain of one's own, without a slash at the end.
    pub url: String,
    /// The `service_role` key (a JWT) or a newer `sb_secret_…` key. Never leaves the server.
    pub service_key: Secret,
}

/// The Redis server that wakes up the other replicas.
#[derive(Debug, Clone)]
pub struct Redis {
    /// `redis://` or `rediss://` with user, password, host, port.
    pub url: Secret,
    /// The connection is encrypted (`rediss://`).
    pub tls: bool,
    /// Lower case, an IPv6 address without its brackets.
    pub host: String,
    /// 6379 where the URL says none.
    pub port: u16,
    /// The user of its access list; none is Redis's own `default`.
    pub user: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
    /// `REDIS_SSL_CA_FILE`: the root certificates of a private authority, PEM. None: the public ones.
    pub ca_pem: Option<String>,
}

const URL: &str = "SUPABASE_URL";
const KEY: &str = "SUPABASE_SERVICE_KEY";
const REDIS: &str = "REDIS_URL";
const REDIS_CA: &str = "REDIS_SSL_CA_FILE";

/// The project, if both its variables are there. None only in development, or if files stay on our own disk.
pub(super) fn supabase(r: &mut Reader, is_optional: bool) -> Result<Option<Supabase>, Refused> {
    let url = supabase_url(r, is_optional);
    let key = service_key(r, is_optional);
    match (url?, key?) {
        (Some(url), Some(service_key)) => Ok(Some(Supabase { url, service_key })),
        (Some(_), None) => {
            r.warn(KEY, words::URL_WITHOUT_KEY);
            Ok(None)
        }
        (None, Some(_)) => {
            r.warn(URL, words::KEY_WITHOUT_URL);
            Ok(None)
        }
        (None, None) => Ok(None),
    }
}

fn supabase_url(r: &mut Reader, is_optional: bool) -> Result<Option<String>, Refused> {
    let Some(value) = (if is_optional { r.text(URL)? } else { r.required(URL)? }) else {
        return Ok(None);
    };
    let address = web::parsed(r, URL, &value)?;
    match address.host.as_str() {
        "abcdefgh.supabase.co" => return Err(r.refuse(URL, words::GUIDES_PROJECT)),
        "supabase.com" | "app.supabase.com" => return Err(r.refuse(URL, words::SITE_OF_SUPABASE)),
        _ => {}
    }
    web::encrypted(r, URL, &address)?;
    match address.path.as_str() {
        "" => {}
        "/rest/v1" | "/storage/v1" | "/auth/v1" => {
            r.warn(URL, Said::new(words::PATH_IGNORED).with("path", &address.path));
        }
        _ => return Err(r.refuse(URL, Said::new(words::WITH_PATH).with("origin", address.origin()))),
    }
    Ok(Some(address.origin()))
}

fn service_key(r: &mut Reader, is_optional: bool) -> Result<Option<Secret>, Refused> {
    let Some(value) = (if is_optional { r.text(KEY)? } else { r.required(KEY)? }) else {
        return Ok(None);
    };
    if value.starts_with("sb_publishable_") {
        return Err(r.refuse(KEY, words::PUBLISHABLE_KEY));
    }
    if value.strip_prefix("sb_secret_").is_some_and(|rest| rest.len() >= 8) {
        return Ok(Some(Secret::new(value)));
    }
    let Some(claims) = claims(&value) else {
        return Err(r.refuse(KEY, words::UNREADABLE_KEY));
    };
    match claims.get("role").and_then(Value::as_str) {
        Some("service_role") => {}
        Some("anon") => return Err(r.refuse(KEY, words::ANON_KEY)),
        _ => return Err(r.refuse(KEY, words::OTHER_KEY)),
    }
    let now = r.surroundings.now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    if claims.get("exp").and_then(Value::as_u64).is_some_and(|expiry| expiry <= now) {
        return Err(r.refuse(KEY, words::EXPIRED_KEY));
    }
    Ok(Some(Secret::new(value)))
}

/// The payload of a JWT. Its signature is not ours to check: only Supabase has the key.
fn claims(jwt: &str) -> Option<Value> {
    let [_, payload, signature] = jwt.split('.').collect::<Vec<_>>().try_into().ok()?;
    let payload = BASE64URL_NOPAD.decode(payload.trim_end_matches('=').as_bytes()).ok()?;
    serde_json::from_slice(&payload).ok().filter(|claims: &Value| claims.is_object() && !signature.is_empty())
}

/// Warns when address, key and database name different Supabase projects: each works, but not together.
pub(super) fn compare_projects(r: &mut Reader, supabase: &Supabase, database: &Database) {
    let of_url =
        Address::parse(&supabase.url).ok().and_then(|url| url.host.strip_suffix(".supabase.co").map(str::to_owned));
    let of_key =
        claims(supabase.service_key.expose()).and_then(|claims| claims.get("ref")?.as_str().map(str::to_owned));
    let of_database = match database {
        Database::Url(url) if url.host.ends_with(".pooler.supabase.com") => {
            url.user.rsplit_once('.').map(|(_, project)| project.to_owned())
        }
        Database::Url(url) => {
            url.host.strip_prefix("db.").and_then(|host| host.strip_suffix(".supabase.co")).map(str::to_owned)
        }
        Database::Embedded => None,
    };
    let references = [(URL, of_url), (KEY, of_key), ("DATABASE_URL", of_database)];
    let known: Vec<(&str, String)> = references.into_iter().filter_map(|(name, of)| Some((name, of?))).collect();
    if known.iter().any(|(_, project)| *project != known[0].1) {
        let of = |(name, project): &(&str, String)| {
            Said::new(words::PROJECT_OF).with("project", project).with("variable", name)
        };
        let list = words::joined(words::LIST, ("a", "b"), known.iter().map(of).collect());
        r.warn(URL, Said::new(words::SEVERAL_PROJECTS).with_words("list", list));
    }
}

/// `REDIS_URL` and `REDIS_SSL_CA_FILE`. None only in development.
pub(super) fn redis(r: &mut Reader) -> Result<Option<Redis>, Refused> {
    let (redis, ca_pem) = (redis_url(r), tls::ca_file(r, REDIS_CA));
    let (Some(redis), ca_pem) = (redis?, ca_pem?) else { return Ok(None) };
    if ca_pem.is_some() && !redis.tls {
        r.warn(REDIS_CA, words::REDIS_CA_WITHOUT_TLS);
    }
    Ok(Some(Redis { ca_pem, ..redis }))
}

fn redis_url(r: &mut Reader) -> Result<Option<Redis>, Refused> {
    let Some(value) = r.required(REDIS)? else {
        return Ok(None);
    };
    let refuse_as = |r: &mut Reader, what: Said| r.refuse(REDIS, Said::new(words::REDIS_FORM).with_words("what", what));
    let refuse = |r: &mut Reader, what: Words| refuse_as(r, what.into());
    if value.contains("redis-cli") {
        return Err(refuse(r, words::REDIS_CLI_PASTED));
    }
    if value.contains(char::is_whitespace) || value.contains(['"', '\'']) {
        return Err(refuse(r, words::REDIS_BLANK));
    }
    let Some(parts) = url::split(&value) else {
        return Err(refuse(r, words::REDIS_NO_SCHEME));
    };
    let tls = match parts.scheme {
        "rediss" => true,
        "redis" => false,
        "https" | "http" => return Err(refuse(r, words::REDIS_REST)),
        _ => return Err(refuse(r, words::REDIS_SCHEME)),
    };
    for text in [parts.user, parts.password].into_iter().flatten() {
        if let Some(character) = url::raw_reserved(text) {
            let what = Said::new(words::REDIS_ENCODE).with("character", character);
            return Err(refuse_as(r, what.with("encoded", url::encoded(character))));
        }
    }
    let host = parts.host.to_ascii_lowercase();
    if !url::is_host(&host) || parts.port.is_some_and(|text| url::port(text).is_none()) {
        return Err(refuse(r, words::REDIS_HOST));
    }
    if parts.fragment.is_some() || !parts.path.trim_end_matches('/').bytes().all(|b| b.is_ascii_digit()) {
        return Err(refuse(r, words::REDIS_END));
    }
    if !tls && host.ends_with(".upstash.io") {
        r.warn(REDIS, words::UPSTASH_PLAIN);
        let value = value.replacen("redis://", "rediss://", 1);
        return Ok(redis_of(&value, true, host));
    }
    if !tls && r.production() && !url::is_private(&host) {
        r.warn(REDIS, words::REDIS_PLAIN);
    }
    Ok(redis_of(&value, tls, host))
}

/// The parts of a URL that was found to be in order.
fn redis_of(value: &str, tls: bool, host: String) -> Option<Redis> {
    let parts = url::split(value)?;
    let login = |text: Option<&str>| text.filter(|text| !text.is_empty()).and_then(url::decoded);
    Some(Redis {
        url: Secret::new(value),
        tls,
        host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
        port: parts.port.and_then(url::port).unwrap_or(6379),
        user: login(parts.user),
        password: login(parts.password).map(Secret::new),
        ca_pem: None,
    })
}
