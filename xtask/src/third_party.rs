//! THIRD_PARTY.md: what others wrote, and what we use it for.

use crate::dependencies::{Crate, Dependencies};

/// What each crate that ours name is for. A missing entry is an error, and so is one that nobody needs.
const WHAT_FOR: &[(&str, &str)] = &[
    ("argon2", "passwords: to set and to verify"),
    ("axum", "HTTP: routes, and extractors that carry authentication"),
    ("bcrypt", "passwords and box keys of NeoPro 1: to verify, before they are replaced"),
    ("bytes", "the wire format of our own column types"),
    ("clap", "the command line and the environment, with their help"),
    ("cookie", "the session cookie"),
    ("data-encoding", "hexadecimal and base64"),
    ("deadpool-postgres", "the pool of database connections"),
    ("flate2", "backups; the dashboard's pages, compressed while the server is built"),
    ("futures-util", "the body of a download, as a stream"),
    ("getrandom", "keys, tokens and passwords from the system's random source"),
    ("http-body-util", "reading request bodies up to a limit"),
    ("hyper", "HTTP/1.1"),
    ("hyper-util", "serving connections, and letting them finish at the end"),
    ("jiff", "time, time zones and their changes"),
    ("jsonschema", "tests: every response fits the API description"),
    ("jsonwebtoken", "session tokens, HS256"),
    ("lettre", "mail: messages and SMTP"),
    ("libfuzzer-sys", "tests: libFuzzer, which makes up inputs for the readers of foreign bytes"),
    ("memchr", "boundaries of forms, marks of pictures"),
    ("mimalloc", "the server's memory: given back after a rush"),
    ("peak_alloc", "tests: how much memory a reader holds"),
    ("percent-encoding", "parts of addresses"),
    ("qrcode", "the QR code of a second factor"),
    ("redis", "the protocol of the bell between replicas"),
    ("ring", "the box's own key, and secrets at rest; what rustls brings anyway"),
    ("rpassword", "asking for a password without showing it"),
    ("rqrr", "tests: reads QR codes, as an application does"),
    ("rusqlite", "the box's state, with SQLite built in"),
    ("rustix", "how much room the disk has, how many files a process may open"),
    ("rustls", "TLS, with ring"),
    ("serde", "JSON in and out of types"),
    ("serde_json", "JSON"),
    ("sha2", "SHA-256 of keys and files"),
    ("tokio", "the asynchronous runtime"),
    ("tokio-postgres", "PostgreSQL without named statements, so that any pooler works"),
    ("tokio-postgres-rustls", "TLS to PostgreSQL"),
    ("tokio-rustls", "TLS of the box's connections, and of the server's to services outside"),
    ("tokio-tungstenite", "the WebSocket of boxes, real and simulated; tests: WebSockets of strangers"),
    ("tower", "middleware"),
    ("tower-http", "compression and cross-origin rules"),
    ("tracing", "log events"),
    ("tracing-subscriber", "log lines: readable, or JSON in production"),
    ("utoipa", "the API description, from the handlers themselves"),
    ("utoipa-axum", "route and description registered at once"),
    ("utoipa-swagger-ui", "the page /api-docs, with its files built in"),
    ("uuid", "ids, version 7"),
    (
        "webpki-roots",
        "the certificate authorities that a box and the server trust: an old image may have none of its own",
    ),
    ("yaml-rust2", "tests: reads the files of the ways to run"),
];

const HEAD: &str = "# Third-party software

Written by `cargo xtask generate`; `cargo xtask check` compares it with Cargo.lock.

## Letters, and the tools of the pages

The TV's page carries a part of the font Outfit 1.100 under the SIL Open Font License 1.1, with its licence: see
[box/ui/src/tv/font](box/ui/src/tv/font/README.md). Its code is our own. It is built with TypeScript (Apache-2.0) and
Vite (MIT); tests use playwright-core (Apache-2.0) and socket.io-client (MIT). No program carries these four.

## What our own crates use

| crate | version | licence | what for |
|---|---|---|---|
";

const ALL: &str = "
## Everything

What those need in turn, on every platform that Cargo.lock covers; a build has a part of it.

| crate | version | licence |
|---|---|---|
";

/// The text of the file, the same for the same Cargo.lock.
pub fn text(dependencies: &Dependencies) -> Result<String, String> {
    let direct: Vec<&Crate> = dependencies.foreign().filter(|krate| krate.is_direct).collect();
    complete(&direct.iter().map(|krate| krate.name.as_str()).collect::<Vec<_>>())?;
    let mut text = HEAD.to_owned();
    for krate in direct {
        text += &format!(
            "| {} | {} | {} | {} |\n",
            krate.name,
            krate.version,
            licence(krate),
            what_for(&krate.name).unwrap_or_default()
        );
    }
    text += ALL;
    for krate in dependencies.foreign() {
        text += &format!("| {} | {} | {} |\n", krate.name, krate.version, licence(krate));
    }
    Ok(text)
}

fn licence(krate: &Crate) -> &str {
    krate.licence.as_deref().unwrap_or("not stated")
}

fn what_for(name: &str) -> Option<&'static str> {
    WHAT_FOR.iter().find(|(known, _)| *known == name).map(|(_, what_for)| *what_for)
}

/// Whether the table says something about each of these crates, and about no other.
fn complete(direct: &[&str]) -> Result<(), String> {
    let silent = direct.iter().filter(|name| what_for(name).is_none());
    let idle = WHAT_FOR.iter().map(|(name, _)| name).filter(|name| !direct.contains(name));
    let complaints: Vec<String> = silent
        .map(|name| format!("the table in xtask/src/third_party.rs does not say what {name} is for"))
        .chain(idle.map(|name| format!("the table in xtask/src/third_party.rs speaks of {name}, which is not used")))
        .collect();
    if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_without_a_purpose_and_a_purpose_without_a_crate_are_noticed() {
        let known: Vec<&str> = WHAT_FOR.iter().map(|(name, _)| *name).collect();
        assert_eq!(complete(&known), Ok(()));
        assert!(complete(&known[1..]).is_err_and(|error| error.contains("argon2")));
        assert!(complete(&[&known[..], &["leftpad"]].concat()).is_err_and(|error| error.contains("leftpad")));
    }
}
