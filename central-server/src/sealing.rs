//! Secrets at rest: encrypted with a key of their own purpose, bound to where they belong.

use data_encoding::BASE64URL_NOPAD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};

/// The first version of the form: AES-256-GCM under a key that HKDF-SHA256 derives from `MFA_ENCRYPTION_KEY`.
const VERSION: &str = "v1:";

/// Seals the secrets of mirrored configurations and of commands.
pub struct Sealer(Option<LessSafeKey>);

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer")
    }
}

impl Sealer {
    /// The sealer for this purpose (a label such as `mirror`) under this secret.
    #[must_use]
    pub fn new(secret: &str, purpose: &str) -> Self {
        let salt = Salt::new(HKDF_SHA256, b"neopro");
        let derived = salt.extract(secret.as_bytes());
        let purpose = [purpose.as_bytes()];
        Self(derived.expand(&purpose, &AES_256_GCM).ok().map(|key| LessSafeKey::new(UnboundKey::from(key))))
    }

    /// Encrypts; what comes out opens only at the same `place`.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn seal(&self, place: &str, secret: &[u8]) -> Result<String, &'static str> {
        let key = self.0.as_ref().ok_or("no key could be derived")?;
        let mut nonce = [0u8; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|_| "the system has no randomness")?;
        let mut sealed = secret.to_vec();
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place), &mut sealed)
            .map_err(|_| "it could not be encrypted")?;
        Ok(format!("{VERSION}{}", BASE64URL_NOPAD.encode(&[&nonce[..], &sealed].concat())))
    }

    /// Decrypts what [`Self::seal`] made for the same `place` with the same secret; `None` for anything else.
    #[must_use]
    pub fn open(&self, place: &str, sealed: &str) -> Option<Vec<u8>> {
        let bytes = BASE64URL_NOPAD.decode(sealed.strip_prefix(VERSION)?.as_bytes()).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN)?;
        let mut opened = sealed.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let length = self.0.as_ref()?.open_in_place(nonce, Aad::from(place), &mut opened).ok()?.len();
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
        assert!(sealed.starts_with("v1:") && !sealed.contains("wifi"));
        assert_ne!(sealed, sealer.seal("site 1", b"wifi").expect("sealed"), "never twice the same");
        assert_eq!(sealer.open("site 1", &sealed).as_deref(), Some(&b"wifi"[..]));
        assert_eq!(sealer.open("site 2", &sealed), None);
        assert_eq!(Sealer::new("another", "mirror").open("site 1", &sealed), None);
        assert_eq!(Sealer::new("a secret", "mfa").open("site 1", &sealed), None);
        let mut broken = sealed.clone();
        broken.replace_range(10..11, if &sealed[10..11] == "A" { "B" } else { "A" });
        for wrong in [broken.as_str(), "", "v1:", "v1:AAAA", "v2:AAAA", "é"] {
            assert_eq!(sealer.open("site 1", wrong), None, "{wrong}");
        }
    }
}
