//! `DATABASE_URL` and the variables beside it, which people copy out of a hoster's pages: lines of `NAME=value`.

use std::fmt::Write as _;

use neopro_central::config::{Database, DatabaseConfig, DatabaseUrl, Loaded, Problems, Tls};

use crate::memory;

/// The variables that a line may set. Those that name a file are left out: what stands in the files of this machine is
/// no part of an input.
const VARIABLES: [&str; 4] = ["DATABASE_URL", "DATABASE_SSL", "DATABASE_SSL_CA", "NODE_ENV"];

/// Texts are decoded, cut and shown in sentences.
const FACTOR: usize = 64;

/// A password below this length may be a piece of a sentence by chance.
const TELLING: usize = 12;

/// What the sentences show of a URL as it should be.
const EXAMPLES: &str = "postgresql:// postgres:// postgresql://… postgresql://utilisateur:mot-de-passe@hôte:port/base";

/// The password stands in no sentence; a URL that is understood can be written from its parts, and is then understood
/// alike.
pub fn read(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if text.contains("sslrootcert") {
        return;
    }
    let outcome = memory::within(FACTOR * text.len(), || load(text));
    match outcome {
        Err(problems) => {
            assert!(!problems.0.is_empty(), "a refusal says why");
            conceals(text, &raw_password(text), &problems.to_string());
        }
        Ok(Loaded { config, warnings }) => {
            let Database::Url(url) = config.database else { return };
            conceals(text, url.password.expose(), &format!("{url:?} {warnings:?}"));
            let rest: Vec<&str> = text.lines().filter(|line| !line.starts_with("DATABASE_URL=")).collect();
            let again = load(&format!("{}\n{}", written(&url), rest.join("\n")));
            let again = again.unwrap_or_else(|problems| panic!("{}: {problems}", written(&url)));
            let Database::Url(again) = again.config.database else { panic!("{}", written(&url)) };
            assert_eq!(shown(&url), shown(&again));
        }
    }
}

/// An encrypted connection through a pooler, by a user who names no project.
pub fn planted(bytes: &[u8]) -> bool {
    let Some(Ok(Loaded { config, .. })) = std::str::from_utf8(bytes).ok().map(load) else { return false };
    let Database::Url(url) = config.database else { return false };
    url.pooled && url.tls == Tls::Unverified && !url.user.contains('.')
}

fn load(text: &str) -> Result<Loaded<DatabaseConfig>, Problems> {
    DatabaseConfig::read(|name| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.filter(|_| VARIABLES.contains(&name)).map(str::to_owned)
    })
}

/// What stands between the user and the last `@` of a URL that was refused.
fn raw_password(text: &str) -> String {
    let url = text.lines().find_map(|line| line.strip_prefix("DATABASE_URL=")).unwrap_or_default();
    let login = url.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@')).map(|(login, _)| login);
    login.and_then(|login| login.split_once(':')).map(|(_, password)| password.to_owned()).unwrap_or_default()
}

fn conceals(text: &str, password: &str, told: &str) {
    // One that is also the user's name is shown as that, and so is what the hoster's page prints in its place.
    let is_secret = password.len() >= TELLING && text.matches(password).count() <= 1 && !EXAMPLES.contains(password);
    assert!(!is_secret || told.contains("valeur d'exemple") || !told.contains(password), "{told}");
}

/// What is compared: all of it, with the password.
fn shown(url: &DatabaseUrl) -> String {
    format!("{url:?} {}", url.password.expose())
}

/// The line that says the same.
fn written(url: &DatabaseUrl) -> String {
    let mut line =
        format!("DATABASE_URL=postgresql:///{}?host={}&port={}", encoded(&url.name), encoded(&url.host), url.port);
    let sslmode = if url.tls == Tls::Off { "disable" } else { "require" };
    let seconds = url.connect_timeout.map(|time| time.as_secs().to_string());
    for (name, value) in [
        ("user", Some(url.user.as_str())),
        ("password", Some(url.password.expose())),
        ("application_name", url.application_name.as_deref()),
        ("options", url.options.as_deref()),
        ("connect_timeout", seconds.as_deref()),
        ("pgbouncer", url.pooled.then_some("true")),
        ("sslmode", Some(sslmode)),
    ] {
        if let Some(value) = value {
            write!(line, "&{name}={}", encoded(value)).expect("a text takes everything");
        }
    }
    line
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        write!(encoded, "%{byte:02X}").expect("a text takes everything");
        encoded
    })
}
