//! Tokens of the API: named, scoped, expiring, shown once.
//!
//! A token says nothing by itself: whose it is and what it may be is looked up, and proven again in the flush of the
//! request ([`crate::db::Claim`]). That look costs one more round trip than a session does.

pub mod routes;
pub(super) mod store;

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use super::scopes::TokenScope;
use crate::clock::Time;
use crate::error::Error;
use crate::http::{Form, FromForm};
use crate::ids::TokenId;

/// What every token begins with, so that people and scanners of leaked secrets recognise one.
const PREFIX: &str = "npt_";
/// Tokens that a person may have at the same time.
pub const MOST: i64 = 50;
/// The longest life of a token.
const MOST_DAYS: i64 = 365;

/// A token as a program shows it: `npt_` and 256 random bits in base64url.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenSecret(String);

impl TokenSecret {
    /// A new one.
    ///
    /// # Errors
    /// [`Error::Internal`] if the system has no randomness.
    pub fn draw() -> Result<Self, Error> {
        let mut bytes = [0u8; 32];
        getrandom::fill(&mut bytes).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(Self(format!("{PREFIX}{}", data_encoding::BASE64URL_NOPAD.encode(&bytes))))
    }

    /// The token in what a request shows, if it has the form of one.
    #[must_use]
    pub fn read(shown: &str) -> Option<Self> {
        let bytes = data_encoding::BASE64URL_NOPAD.decode(shown.strip_prefix(PREFIX)?.as_bytes()).ok()?;
        (bytes.len() == 32).then(|| Self(shown.to_owned()))
    }

    /// The token, for the one answer that shows it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is stored of it. A plain hash: 256 random bits cannot be guessed. The label keeps it apart from every other.
    #[must_use]
    pub fn stored(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.digest())
    }

    /// A name for it in this process's memory, which says nothing about it.
    #[must_use]
    pub fn fingerprint(&self) -> u128 {
        self.digest().iter().take(16).fold(0, |number, byte| (number << 8) | u128::from(*byte))
    }

    /// Its last characters, by which its owner recognises it.
    #[must_use]
    pub fn hint(&self) -> String {
        self.0[self.0.len() - 4..].to_owned()
    }

    fn digest(&self) -> [u8; 32] {
        Sha256::new().chain_update(b"neopro api token v1\0").chain_update(self.0.as_bytes()).finalize().into()
    }
}

// It opens an account: no debug text shows it.
impl std::fmt::Debug for TokenSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenSecret(•••)")
    }
}

/// A token that is wanted.
#[derive(Debug, ToSchema)]
pub struct NewToken {
    /// What it is for; for people.
    #[schema(max_length = 100, example = "Inventaire du dimanche")]
    pub name: String,
    /// What it may be used for, each once.
    #[schema(min_items = 1, max_items = 5)]
    pub scopes: Vec<TokenScope>,
    /// For how many days.
    #[schema(value_type = i64, minimum = 1, maximum = 365)]
    pub expires_in_days: u32,
}

impl FromForm for NewToken {
    fn read(form: &mut Form) -> Option<Self> {
        let name = form.text("name", 100);
        let scopes = read_scopes(form);
        let days = form.integer("expires_in_days", 1..=MOST_DAYS).and_then(|days| u32::try_from(days).ok());
        if days.is_none() && !form.has_problem("expires_in_days") {
            form.problem("expires_in_days", format!("Un nombre de jours de 1 à {MOST_DAYS} est attendu."));
        }
        Some(Self { name: name?, scopes: scopes?, expires_in_days: days? })
    }
}

fn read_scopes(form: &mut Form) -> Option<Vec<TokenScope>> {
    let words = form.lines("scopes", TokenScope::ALL.len(), 32).unwrap_or_default();
    if words.is_empty() && !form.has_problem("scopes") {
        form.problem("scopes", format!("Au moins une portée est nécessaire, parmi : {}.", TokenScope::WORDS));
    }
    let mut scopes: Vec<TokenScope> = Vec::with_capacity(words.len());
    for (index, word) in words.iter().enumerate() {
        match TokenScope::named(word) {
            Some(scope) if scopes.contains(&scope) => {
                form.problem(&format!("scopes.{index}"), "Cette portée est nommée deux fois.");
            }
            Some(scope) => scopes.push(scope),
            None => form.problem(&format!("scopes.{index}"), format!("Valeurs possibles : {}.", TokenScope::WORDS)),
        }
    }
    Some(scopes)
}

/// A token, without what it is shown as.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TokenView {
    /// Its id.
    pub id: TokenId,
    /// What it is for.
    pub name: String,
    /// What it may be used for.
    pub scopes: Vec<TokenScope>,
    /// Since when it exists.
    pub created_at: Time,
    /// When it ends, or has ended.
    pub expires_at: Time,
    /// When it was used last, to five minutes.
    pub last_used_at: Option<Time>,
    /// From where.
    pub last_ip: Option<String>,
    /// Its last four characters.
    pub hint: String,
}

/// The tokens of a person.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenList {
    /// Newest first; those that are revoked are not in it, those that have expired for a month.
    pub tokens: Vec<TokenView>,
}

/// A token that was made this moment.
#[derive(Debug, Serialize, ToSchema)]
pub struct MadeToken {
    #[serde(flatten)]
    view: TokenView,
    /// The token, for `Authorization: Bearer`. It is shown this once.
    #[schema(example = "npt_…")]
    token: String,
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_token_is_256_random_bits_behind_its_prefix() {
        let secret = TokenSecret::draw().expect("randomness");
        assert_eq!((secret.expose().len(), &secret.expose()[..4]), (47, "npt_"));
        assert_eq!(TokenSecret::read(secret.expose()), Some(secret.clone()));
        assert_eq!(secret.stored().len(), 64);
        assert!(secret.expose().ends_with(&secret.hint()) && secret.hint().len() == 4);
        assert!(!secret.stored().contains(&secret.expose()[4..]));
        assert!(!format!("{secret:?}").contains(&secret.expose()[4..]));
        let others: HashSet<String> = (0..1_000).map(|_| TokenSecret::draw().expect("randomness").stored()).collect();
        assert_eq!(others.len(), 1_000);
    }

    #[test]
    fn what_has_another_form_is_no_token() {
        let good = "npt_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
        assert!(TokenSecret::read(good).is_some());
        for bad in [
            "",
            "npt_",
            "NPT_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
            "npt_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh",
            "npt_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            "npt_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8 ",
            "npt_é",
        ] {
            assert_eq!(TokenSecret::read(bad), None, "{bad}");
        }
    }
}
