//! The chain of hashes over the journal: what is hashed, and how. `neopro_seal_audit` of the database makes it, this
//! part verifies it; docs/audit.md states it for third parties.

pub mod cli;
pub mod jobs;
pub(super) mod store;
mod verify;

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

pub use verify::{Break, Known, Report, verify};

use crate::clock::Time;
use crate::db::row;

row! {
    /// An entry with its place in the chain. JSON is what PostgreSQL writes.
    #[derive(Debug, Clone)]
    pub struct SealedEntry {
        /// Its place, from 1.
        pub number: i64,
        /// Its id.
        pub id: Uuid,
        /// What was done.
        pub action: String,
        /// Who did it.
        pub user_id: Option<Uuid>,
        /// To what kind of thing.
        pub target_type: Option<String>,
        /// To which.
        pub target_id: Option<String>,
        /// What else is known.
        pub details: Option<String>,
        /// What it was.
        pub before: Option<String>,
        /// What it is since.
        pub after: Option<String>,
        /// By which session.
        pub session_id: Option<Uuid>,
        /// By which token.
        pub token_id: Option<Uuid>,
        /// When, by the server's clock.
        pub created_at: Time,
        /// When, by the database's; not known of entries from before there were seals.
        pub written_at: Option<Time>,
        /// From where.
        pub ip_address: Option<String>,
        /// With which browser.
        pub user_agent: Option<String>,
        /// What tells who a person is.
        pub personal: Option<String>,
        /// Goes into `actor_hash`.
        pub actor_salt: Option<Vec<u8>>,
        /// The hash of address and browser.
        pub actor_hash: Option<Vec<u8>>,
        /// Goes into `personal_hash`.
        pub personal_salt: Option<Vec<u8>>,
        /// The hash of `personal`.
        pub personal_hash: Option<Vec<u8>>,
        /// The hash of it all.
        pub entry_hash: Option<Vec<u8>>,
        /// The entry of the erasure by which address and browser are gone.
        pub actor_erased_by: Option<Uuid>,
        /// The entry of the erasure by which `personal` is gone.
        pub personal_erased_by: Option<Uuid>,
    }
}

row! {
    /// A link of the chain.
    #[derive(Debug, Clone)]
    pub struct Seal {
        /// Its place, from 1.
        pub number: i64,
        /// The first entry in it.
        pub first_entry: i64,
        /// The last one.
        pub last_entry: i64,
        /// The hash of the seal before it; zeros, if it is the first.
        pub previous: Vec<u8>,
        /// Its own.
        pub hash: Vec<u8>,
        /// When it was made, by the database's clock.
        pub sealed_at: Time,
        /// Whether more entries were waiting.
        pub is_full: bool,
    }
}

/// A hash that is being made of fields, each of which says where it ends: no two different entries are the same bytes.
struct Fields(Sha256);

impl Fields {
    fn of(label: &str) -> Self {
        Self(Sha256::new().chain_update(label.as_bytes()))
    }

    fn bytes(self, bytes: &[u8]) -> Self {
        Self(self.0.chain_update(bytes))
    }

    fn text(self, text: Option<&str>) -> Self {
        let Some(text) = text else { return self.bytes(&[0]) };
        // A text of PostgreSQL has at most a gigabyte.
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        self.bytes(&[1]).bytes(&length.to_be_bytes()).bytes(text.as_bytes())
    }

    fn shown(self, value: Option<impl std::fmt::Display>) -> Self {
        self.text(value.map(|value| value.to_string()).as_deref())
    }

    fn moment(self, moment: Option<Time>) -> Self {
        self.shown(moment.map(Time::unix_micros))
    }

    fn finish(self) -> Vec<u8> {
        self.0.finalize().to_vec()
    }
}

impl SealedEntry {
    /// The hash of address and browser with this salt.
    #[must_use]
    pub fn hash_of_actor(&self, salt: &[u8]) -> Vec<u8> {
        let fields = Fields::of("neopro audit actor v1").bytes(salt);
        fields.text(self.ip_address.as_deref()).text(self.user_agent.as_deref()).finish()
    }

    /// The hash of the persons' data with this salt.
    #[must_use]
    pub fn hash_of_persons(&self, salt: &[u8]) -> Vec<u8> {
        Fields::of("neopro audit personal v1").bytes(salt).text(self.personal.as_deref()).finish()
    }

    /// The hash of the entry, with the two others as they are stored: it stays when what they are of is erased.
    #[must_use]
    pub fn hash(&self) -> Vec<u8> {
        Fields::of("neopro audit entry v1")
            .shown(Some(self.number))
            .shown(Some(self.id))
            .text(Some(&self.action))
            .shown(self.user_id)
            .text(self.target_type.as_deref())
            .text(self.target_id.as_deref())
            .text(self.details.as_deref())
            .text(self.before.as_deref())
            .text(self.after.as_deref())
            .shown(self.session_id)
            .shown(self.token_id)
            .moment(Some(self.created_at))
            .moment(self.written_at)
            .bytes(self.actor_hash.as_deref().unwrap_or_default())
            .bytes(self.personal_hash.as_deref().unwrap_or_default())
            .finish()
    }
}

impl Seal {
    /// The hash of the seal over the hashes of its entries, one after the other.
    #[must_use]
    pub fn hash_over(&self, entries: &[u8]) -> Vec<u8> {
        Fields::of("neopro audit seal v1")
            .bytes(&self.previous)
            .shown(Some(self.number))
            .shown(Some(self.first_entry))
            .shown(Some(self.last_entry))
            .moment(Some(self.sealed_at))
            .text(Some(if self.is_full { "true" } else { "false" }))
            .bytes(entries)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_says_where_it_ends() {
        let hash = |first: Option<&str>, second: Option<&str>| Fields::of("x").text(first).text(second).finish();
        let all = [
            hash(Some("ab"), Some("c")),
            hash(Some("a"), Some("bc")),
            hash(Some("abc"), None),
            hash(None, Some("abc")),
            hash(Some("abc"), Some("")),
            hash(None, None),
        ];
        for (index, one) in all.iter().enumerate() {
            assert!(all[index + 1..].iter().all(|other| other != one), "{index}");
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_description() {
        // sha256sum of: x, a one, four bytes of length, the text, a zero.
        let mut bytes = b"x\x01\x00\x00\x00\x03".to_vec();
        bytes.extend("é!".as_bytes());
        bytes.push(0);
        assert_eq!(Fields::of("x").text(Some("é!")).text(None).finish(), Sha256::digest(&bytes).to_vec());
    }
}
