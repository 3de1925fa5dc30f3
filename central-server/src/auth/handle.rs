//! Handles: what a tab has in the place of a cookie (ADR 0014).

use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use crate::http::Form;

/// 256 random bits that a page has chosen, as it sends them: 43 characters of base64url.
#[derive(Clone)]
pub struct Handle(String);

impl Handle {
    /// What is stored of it. A plain hash: 256 random bits cannot be guessed. The label keeps it apart from every other.
    #[must_use]
    pub fn stored(&self) -> String {
        let digest = Sha256::new().chain_update(b"neopro tab handle v1\0").chain_update(self.0.as_bytes()).finalize();
        data_encoding::HEXLOWER.encode(&digest)
    }

    /// Reads a handle that has to be there.
    pub fn read(form: &mut Form, field: &str) -> Option<Self> {
        let text = form.text(field, 64)?;
        let handle = text.parse().ok();
        if handle.is_none() {
            form.problem(field, "43 caractères en base64url (256 bits au hasard) sont attendus.");
        }
        handle
    }
}

impl FromStr for Handle {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()) {
            // What a program sends that has no randomness yet.
            Ok(bytes) if bytes.len() == 32 && bytes.iter().any(|byte| *byte != bytes[0]) => Ok(Self(text.to_owned())),
            _ => Err(()),
        }
    }
}

impl PartialEq for Handle {
    fn eq(&self, other: &Self) -> bool {
        self.stored() == other.stored()
    }
}

// It opens a session: no debug text shows it.
impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handle(•••)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_256_bits_in_base64url_are_a_handle() {
        let good = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
        let handle: Handle = good.parse().expect("a handle");
        assert_eq!(handle.stored().len(), 64);
        assert!(!format!("{handle:?}").contains("AAEC"));
        for bad in [
            "",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "é",
        ] {
            assert!(bad.parse::<Handle>().is_err(), "{bad}");
        }
    }
}
