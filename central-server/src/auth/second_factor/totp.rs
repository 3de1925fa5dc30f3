//! Codes by time (RFC 6238): HMAC-SHA-1, six digits, steps of thirty seconds. What every authenticator application does
//! when nothing else is said, and some whatever is said.

use data_encoding::BASE32_NOPAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ring::hmac;

use crate::clock::Time;

/// Seconds of a step.
const STEP: i64 = 30;
/// Steps before and after the present one whose codes are taken: clocks of telephones are not ours.
const WINDOW: i64 = 1;
/// Bytes of a secret, as long as the hash (RFC 4226, section 4).
const LENGTH: usize = 20;
/// What needs no escape in an address.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Bytes of secrets that others have made.
const FOREIGN: std::ops::RangeInclusive<usize> = 10..=64;

/// What the application and we know.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(•••)")
    }
}

impl Secret {
    /// A new one.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = vec![0u8; LENGTH];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// One that was stored.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        FOREIGN.contains(&bytes.len()).then(|| Self(bytes.to_vec()))
    }

    /// One of NeoPro 1, as applications show it: base32, in groups or not.
    #[must_use]
    pub fn typed(text: &str) -> Option<Self> {
        let letters: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '=')).collect();
        let mut lenient = BASE32_NOPAD.specification();
        // Some programs fill the last letter with whatever is at hand.
        lenient.check_trailing_bits = false;
        Self::of(&lenient.encoding().ok()?.decode(letters.to_ascii_uppercase().as_bytes()).ok()?)
    }

    /// Its bytes, to be sealed.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The code of a step (RFC 4226, section 5.3).
    #[must_use]
    pub fn code(&self, step: i64) -> u32 {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let hash = hmac::sign(&key, &step.to_be_bytes());
        let bytes = hash.as_ref();
        let start = usize::from(bytes[bytes.len() - 1] & 0xf);
        let word = bytes[start..start + 4].iter().fold(0, |word: u32, byte| (word << 8) | u32::from(*byte));
        (word & 0x7fff_ffff) % 1_000_000
    }

    /// The step whose code this is, among those that are taken at `now`. All are computed, whichever it is.
    #[must_use]
    pub fn step_of(&self, code: u32, now: Time) -> Option<i64> {
        let present = now.unix_seconds().div_euclid(STEP);
        (present - WINDOW..=present + WINDOW)
            .fold(None, |found, step| if self.code(step) == code { Some(step) } else { found })
    }

    /// The secret for those who type it: base32 in groups of four.
    #[must_use]
    pub fn in_groups(&self) -> String {
        let text = BASE32_NOPAD.encode(&self.0);
        let groups: Vec<&str> = (0..text.len()).step_by(4).map(|start| &text[start..start + 4]).collect();
        groups.join(" ")
    }

    /// The secret for those who scan it. Issuer and account are shown beside the codes.
    #[must_use]
    pub fn address(&self, issuer: &str, account: &str) -> String {
        let (secret, issuer) = (BASE32_NOPAD.encode(&self.0), utf8_percent_encode(issuer, ESCAPED).to_string());
        let account = utf8_percent_encode(account, ESCAPED);
        format!("otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits=6&period=30")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Time {
        Time::from_unix_micros(seconds * 1_000_000)
    }

    /// RFC 6238, appendix B, the rows of SHA-1; the last six of their eight digits.
    #[test]
    fn secrets_of_others_are_read_as_they_are_shown_and_typed() {
        let bytes = b"12345678901234567890";
        for text in [
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
            "gezd gnbv gy3t qojq gezd gnbv gy3t qojq",
            "GEZDGNBV-GY3TQOJQ-GEZDGNBV-GY3TQOJQ",
        ] {
            assert_eq!(Secret::typed(text).expect("a secret").bytes(), bytes, "{text}");
        }
        assert_eq!(Secret::typed("GEZDGNBVGY3TQOJQ").expect("eighty bits").bytes(), &bytes[..10]);
        assert_eq!(Secret::typed("GEZDGNBVGY3TQOJQGF======").expect("padded, with bits left over").bytes().len(), 11);
        for wrong in ["", "GEZDGNBV", "GEZDGNBVGY3TQOJ1", "pas du base32 !", &"A".repeat(200)] {
            assert!(Secret::typed(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn the_codes_are_those_of_the_standard() {
        let secret = Secret::of(b"12345678901234567890").expect("20 bytes");
        for (seconds, code) in [
            (59, 287_082),
            (1_111_111_109, 81_804),
            (1_111_111_111, 50_471),
            (1_234_567_890, 5_924),
            (2_000_000_000, 279_037),
            (20_000_000_000, 353_130),
        ] {
            assert_eq!(secret.code(seconds / STEP), code, "{seconds}");
            assert_eq!(secret.step_of(code, at(seconds)), Some(seconds / STEP), "{seconds}");
        }
    }

    #[test]
    fn a_code_is_taken_half_a_minute_early_and_late_and_no_more() {
        let secret = Secret::of(b"12345678901234567890").expect("20 bytes");
        let code = secret.code(1_000);
        for (seconds, taken) in [(29_969, false), (29_970, true), (30_000, true), (30_059, true), (30_060, false)] {
            assert_eq!(secret.step_of(code, at(seconds)).is_some(), taken, "{seconds}");
        }
    }

    #[test]
    fn the_secret_is_shown_in_groups_and_as_an_address() {
        let secret = Secret::of(b"12345678901234567890").expect("20 bytes");
        assert_eq!(secret.in_groups(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        assert_eq!(
            secret.address("Club & Co", "camille+x@club.fr"),
            "otpauth://totp/Club%20%26%20Co:camille%2Bx%40club.fr?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Club%20%26%20Co&algorithm=SHA1&digits=6&period=30"
        );
        assert!(!format!("{secret:?}").contains("49"), "no debug text shows it");
        assert!(Secret::of(b"short").is_none());
    }
}
