//! Who the simulated boxes are: ids and keys that follow from a seed and a number.
//!
//! PostgreSQL can work them out as well, so that twenty thousand sites are one statement.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// One simulated site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its id.
    pub site: Uuid,
    /// Its key, 64 hexadecimal digits.
    pub key: String,
}

/// The site of this number.
#[must_use]
pub fn identity(seed: &str, number: usize) -> Identity {
    let digest = |what: &str| Sha256::digest(format!("{what} {number} of {seed}").as_bytes());
    let mut id = [0u8; 16];
    id.copy_from_slice(&digest("site")[..16]);
    Identity { site: Uuid::from_bytes(id), key: data_encoding::HEXLOWER.encode(&digest("key")) }
}

/// Whether a seed can stand in a statement as it is: letters, digits and dashes.
#[must_use]
pub fn is_seed(seed: &str) -> bool {
    !seed.is_empty() && seed.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// A seed from the command line.
///
/// # Errors
/// What a seed may be, for the person at the command line.
pub fn read_seed(text: &str) -> Result<String, &'static str> {
    if is_seed(text) { Ok(text.to_owned()) } else { Err("letters, digits and dashes only") }
}

/// The statement that makes the first `count` sites of a seed; see [`is_seed`] for what a seed may be.
#[must_use]
pub fn sites_sql(seed: &str, count: usize) -> String {
    let digest = |what: &str| format!("encode(sha256(convert_to('{what} ' || n || ' of {seed}', 'UTF8')), 'hex')");
    // What the server stores of a key: the hash of its label, a zero byte, and the key.
    format!(
        "insert into sites (id, site_name, club_name, api_key) \
         select left({site}, 32)::uuid, '{seed} ' || n, 'Club ' || n, \
           'sha256:' || encode(sha256('neopro site key v1'::bytea || '\\x00'::bytea || {key}::bytea), 'hex') \
         from generate_series(0, {count} - 1) as n",
        site = digest("site"),
        key = digest("key"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_follows_from_its_number() {
        assert_eq!(identity("a", 7), identity("a", 7));
        assert_ne!(identity("a", 7).site, identity("a", 8).site);
        assert_ne!(identity("a", 7).key, identity("b", 7).key);
        assert_eq!(identity("a", 7).key.len(), 64);
    }

    #[test]
    fn a_seed_cannot_end_a_statement() {
        assert!(is_seed("storm-1"));
        for seed in ["", "a'b", "a b", "é"] {
            assert!(!is_seed(seed), "{seed}");
        }
    }
}
