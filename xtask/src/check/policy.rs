//! What we depend on: under which licences, from where, and what is not wanted.

use super::files::Tree;
use super::licence;
use crate::dependencies::{Crate, Dependencies};

/// Where crates come from. Put together, because the name of a host belongs in no text.
const REGISTRY: &str = concat!("registry+https://github.com/rust-lang/crates", ".io-index");

/// Crates that must not come in, not by a detour either.
const BANNED: [(&str, &str); 9] = [
    ("openssl", "TLS is rustls with ring everywhere: one library, no system package"),
    ("openssl-sys", "TLS is rustls with ring everywhere: one library, no system package"),
    ("native-tls", "TLS is rustls with ring everywhere: one library, no system package"),
    ("aws-lc-rs", "rustls uses ring; a second provider doubles the build and must be chosen at run time"),
    ("aws-lc-sys", "rustls uses ring; this one needs a C compiler and cmake"),
    ("async-std", "the runtime is tokio"),
    ("sqlx", "behind a transaction pooler it returned wrong rows (architecture, section 3)"),
    ("diesel", "it prepares named statements, which are wrong behind a transaction pooler"),
    ("chrono", "dates are jiff's, which knows time zones and their changes"),
];

/// Reads the resolved dependencies and says how many there are.
pub fn check(tree: &Tree) -> Result<String, String> {
    if !tree.paths.contains("Cargo.lock") {
        return Err("Cargo.lock is not there: everybody builds with the same versions.".to_owned());
    }
    let dependencies = Dependencies::read()?;
    let complaints: Vec<String> = dependencies.foreign().flat_map(complaints).collect();
    if complaints.is_empty() { Ok(String::new()) } else { Err(complaints.join("\n")) }
}

fn complaints(krate: &Crate) -> Vec<String> {
    let mut complaints = Vec::new();
    let name = format!("{} {}", krate.name, krate.version);
    if let Some((_, why)) = BANNED.iter().find(|(banned, _)| *banned == krate.name) {
        complaints.push(format!("{name} is banned: {why}"));
    }
    match krate.source.as_deref() {
        Some(REGISTRY) => {}
        Some(git) if git.starts_with("git+") => {
            complaints.push(format!("{name} comes from git: a branch can vanish or change"))
        }
        Some(other) => {
            complaints.push(format!("{name} comes from {other}, and not from the registry of Rust's crates"))
        }
        None => complaints.push(format!("{name} is a folder outside of this workspace")),
    }
    match krate.licence.as_deref().map(|licence| (licence, licence::is_allowed(licence))) {
        Some((_, Some(true))) => {}
        Some((licence, Some(false))) => {
            complaints.push(format!("{name} is under {licence}, which is not among the allowed licences"))
        }
        Some((licence, None)) => complaints.push(format!("the licence of {name} cannot be read: {licence}")),
        None => complaints.push(format!("{name} does not say under which licence it is")),
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints_about(name: &str, licence: Option<&str>, source: Option<&str>) -> usize {
        complaints(&Crate {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            licence: licence.map(str::to_owned),
            source: source.map(str::to_owned),
            is_direct: true,
            is_ours: false,
        })
        .len()
    }

    #[test]
    fn each_rule_finds_what_breaks_it() {
        assert_eq!(complaints_about("tokio", Some("MIT"), Some(REGISTRY)), 0);
        assert_eq!(complaints_about("openssl", Some("MIT"), Some(REGISTRY)), 1);
        assert_eq!(complaints_about("tokio", Some("GPL-3.0"), Some(REGISTRY)), 1);
        assert_eq!(complaints_about("tokio", Some("MIT OR"), Some(REGISTRY)), 1);
        assert_eq!(complaints_about("tokio", None, Some(REGISTRY)), 1);
        assert_eq!(complaints_about("tokio", Some("MIT"), Some("git+https://example.org/tokio#1")), 1);
        assert_eq!(complaints_about("tokio", Some("MIT"), Some("registry+https://example.org/index")), 1);
        assert_eq!(complaints_about("tokio", Some("MIT"), None), 1);
    }
}
