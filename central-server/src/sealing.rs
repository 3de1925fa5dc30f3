//! Secrets at rest: encrypted with a key of their own purpose, bound to where they belong.
//!
//! What is sealed names its key, so that a new key can be rotated in: a [`Sealer`] seals with the current one and
//! still opens what the one before has sealed.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};

/// AES-256-GCM under a key that HKDF-SHA256 derives from `MFA_ENCRYPTION_KEY`; then the name of the key, a colon, and
/// nonce and text in base64url.
const VERSION: &str = "v2:";
/// The same without the name of the key.
const NAMELESS: &str = "v1:";

/// Seals secrets of one purpose.
pub struct Sealer {
    /// The key that seals, and then those that still open.
    keys: Vec<Key>,
}

struct Key {
    /// Eight hexadecimal digits that tell nothing of the key but which one it is.
    name: String,
    aead: LessSafeKey,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer")
    }
}

impl Sealer {
    /// The sealer for this purpose (a label such as `mirror`) under this secret.
    #[must_use]
    pub fn new(secret: &str, purpose: &str) -> Self {
        Self::rotating(secret, None, purpose)
    }

    /// The same, which also opens what was sealed under the secret before.
    #[must_use]
    pub fn rotating(secret: &str, previous: Option<&str>, purpose: &str) -> Self {
        let secrets = [Some(secret), previous];
        Self { keys: secrets.into_iter().flatten().filter_map(|secret| Key::derive(secret, purpose)).collect() }
    }

    /// Encrypts; what comes out opens only at the same `place`.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn seal(&self, place: &str, secret: &[u8]) -> Result<String, &'static str> {
        let key = self.keys.first().ok_or("no key could be derived")?;
        let mut nonce = [0u8; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|_| "the system has no randomness")?;
        let mut sealed = secret.to_vec();
        key.aead
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place), &mut sealed)
            .map_err(|_| "it could not be encrypted")?;
        Ok(format!("{VERSION}{}:{}", key.name, BASE64URL_NOPAD.encode(&[&nonce[..], &sealed].concat())))
    }

    /// Decrypts what [`Self::seal`] made for the same `place` with one of our secrets; `None` for anything else.
    #[must_use]
    pub fn open(&self, place: &str, sealed: &str) -> Option<Vec<u8>> {
        if let Some(nameless) = sealed.strip_prefix(NAMELESS) {
            return self.keys.iter().find_map(|key| key.open(place, nameless));
        }
        let (name, text) = sealed.strip_prefix(VERSION)?.split_once(':')?;
        self.keys.iter().find(|key| key.name == name)?.open(place, text)
    }

    /// Whether this was sealed with the key that seals now.
    #[must_use]
    pub fn is_current(&self, sealed: &str) -> bool {
        let name = sealed.strip_prefix(VERSION).and_then(|rest| rest.split_once(':')).map(|(name, _)| name);
        name.is_some() && name == self.keys.first().map(|key| key.name.as_str())
    }
}

/// What a secret's key is called, in whatever it has sealed: it tells which one it is, and nothing of it.
#[must_use]
pub fn name_of(secret: &str) -> Option<String> {
    Key::derive(secret, "").map(|key| key.name)
}

/// How many bytes of a derivation are the name of a key.
struct NameLength;

impl KeyType for NameLength {
    fn len(&self) -> usize {
        4
    }
}

impl Key {
    fn derive(secret: &str, purpose: &str) -> Option<Self> {
        let derived = Salt::new(HKDF_SHA256, b"neopro").extract(secret.as_bytes());
        let (purpose, label): ([&[u8]; 1], [&[u8]; 1]) = ([purpose.as_bytes()], [b"name of the key"]);
        let aead = derived.expand(&purpose, &AES_256_GCM).ok()?;
        let mut name = [0u8; 4];
        derived.expand(&label, NameLength).ok()?.fill(&mut name).ok()?;
        Some(Self { name: HEXLOWER.encode(&name), aead: LessSafeKey::new(UnboundKey::from(aead)) })
    }

    fn open(&self, place: &str, text: &str) -> Option<Vec<u8>> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN)?;
        let mut opened = sealed.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let length = self.aead.open_in_place(nonce, Aad::from(place), &mut opened).ok()?.len();
        opened.truncate(length);
        Some(opened)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_at_its_place_with_its_key_alone() {
        let sealer = Sealer::new("a secret", "mirror");
        let sealed = sealer.seal("site 1", b"wifi").expect("sealed");
        assert!(sealed.starts_with("v2:") && !sealed.contains("wifi"));
        assert_ne!(sealed, sealer.seal("site 1", b"wifi").expect("sealed"), "never twice the same");
        assert_eq!(sealer.open("site 1", &sealed).as_deref(), Some(&b"wifi"[..]));
        assert_eq!(sealer.open("site 2", &sealed), None);
        assert_eq!(Sealer::new("another", "mirror").open("site 1", &sealed), None);
        assert_eq!(Sealer::new("a secret", "mfa").open("site 1", &sealed), None);
        let mut broken = sealed.clone();
        broken.replace_range(20..21, if &sealed[20..21] == "A" { "B" } else { "A" });
        for wrong in [broken.as_str(), "", "v1:", "v1:AAAA", "v2:AAAA", "v2::", "v2:00000000:AAAA", "v3:a:b", "é"] {
            assert_eq!(sealer.open("site 1", wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_new_key_seals_and_the_one_before_still_opens() {
        let (old, new) = (Sealer::new("old", "mfa"), Sealer::rotating("new", Some("old"), "mfa"));
        let sealed = old.seal("a", b"x").expect("sealed");
        assert!(old.is_current(&sealed) && !new.is_current(&sealed));
        assert_eq!(new.open("a", &sealed).as_deref(), Some(&b"x"[..]));
        let again = new.seal("a", b"x").expect("sealed");
        assert!(new.is_current(&again));
        assert_eq!(old.open("a", &again), None);
        assert_eq!(Sealer::new("new", "mfa").open("a", &again).as_deref(), Some(&b"x"[..]));
    }

    #[test]
    fn what_was_sealed_before_keys_had_names_opens_with_either() {
        let sealed = Sealer::new("old", "mfa").seal("a", b"x").expect("sealed");
        let nameless = format!("v1:{}", sealed.rsplit_once(':').expect("a name").1);
        for sealer in [Sealer::new("old", "mfa"), Sealer::rotating("new", Some("old"), "mfa")] {
            assert_eq!(sealer.open("a", &nameless).as_deref(), Some(&b"x"[..]));
            assert!(!sealer.is_current(&nameless));
        }
        assert_eq!(Sealer::new("new", "mfa").open("a", &nameless), None);
    }
}
