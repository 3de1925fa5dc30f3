//! Sessions and the second factor: `JWT_SECRET`, `JWT_EXPIRES_IN`, `MFA_ISSUER`, `MFA_ENCRYPTION_KEY` and the one before.

use std::collections::HashSet;
use std::time::Duration;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::reader::{Reader, Refused};
use super::{Secret, words};
use crate::words::Said;

const DAY: u64 = 24 * 60 * 60;

/// SHA-256 of the two secrets that the guide prints as examples: they are public.
const PUBLISHED: [&str; 2] = [
    "ad44362596c1933bcec283cd58af20a6890357bc82ff9fdeffdb458f0c74883a",
    "d8854dd230c65f1d10a9a3a55419ae16754d00261c635fc5c8c0256121138785",
];

/// Words of which invented secrets are made. Long ones come first: they are taken out in this order.
const INVENTED: [&str; 28] = [
    "productiononly",
    "motdepasse",
    "encryption",
    "production",
    "development",
    "changeme",
    "password",
    "supersecret",
    "changez",
    "default",
    "example",
    "exemple",
    "neopro",
    "secret",
    "please",
    "change",
    "minimum",
    "chars",
    "votre",
    "super",
    "token",
    "your",
    "this",
    "with",
    "key",
    "cle",
    "jwt",
    "mfa",
];

/// `JWT_SECRET`: its text is the key of the signature, it is never decoded. None only in development.
pub(super) fn jwt_secret(r: &mut Reader) -> Result<Option<Secret>, Refused> {
    let Some(secret) = signing_secret(r, "JWT_SECRET")? else {
        return Ok(None);
    };
    let length = secret.expose().chars().count();
    if length < 64 {
        r.warn("JWT_SECRET", Said::new(words::SHORT_SECRET).with("length", length));
    }
    Ok(Some(secret))
}

/// `MFA_ENCRYPTION_KEY`: its text, not its decoding, is the key material. None only in development.
pub(super) fn mfa_encryption_key(r: &mut Reader) -> Result<Option<Secret>, Refused> {
    signing_secret(r, "MFA_ENCRYPTION_KEY")
}

/// `MFA_ENCRYPTION_KEY_PREVIOUS`: what it has sealed is still opened. It is judged no more: it was in use.
pub(super) fn mfa_encryption_key_previous(
    r: &mut Reader,
    present: Result<&Option<Secret>, &Refused>,
) -> Result<Option<Secret>, Refused> {
    const NAME: &str = "MFA_ENCRYPTION_KEY_PREVIOUS";
    let previous = r.secret(NAME)?;
    match (&previous, present) {
        (Some(previous), Ok(Some(present))) if previous.expose() == present.expose() => {
            r.warn(NAME, words::SAME_AS_PRESENT);
        }
        (Some(_), Ok(None)) => r.warn(NAME, words::PREVIOUS_ALONE),
        _ => {}
    }
    Ok(previous)
}

/// One value for both would make a leak of one the loss of both, and keep each from being changed alone.
pub(super) fn refuse_equal(r: &mut Reader, jwt_secret: &Secret, mfa_encryption_key: &Secret) {
    if jwt_secret.expose() == mfa_encryption_key.expose() {
        r.refuse("MFA_ENCRYPTION_KEY", words::SAME_AS_JWT);
    }
}

fn signing_secret(r: &mut Reader, variable: &'static str) -> Result<Option<Secret>, Refused> {
    let Some(value) = r.required(variable)? else {
        return Ok(None);
    };
    let known = is_published(&value).then_some(words::PUBLISHED);
    let length = value.chars().count();
    if length < 32 && !(known.is_some() && r.production()) {
        return Err(r.refuse(variable, Said::new(words::TOO_SHORT).with("length", length)));
    }
    let weakness = known.or(is_obvious(&value).then_some(words::OBVIOUS));
    match weakness {
        Some(weakness) if r.production() => return Err(r.refuse(variable, weakness)),
        Some(weakness) => {
            r.warn(variable, Said::new(words::REFUSED_IN_PRODUCTION).with_words("weakness", weakness));
        }
        None => {}
    }
    Ok(Some(Secret::new(value)))
}

/// The guide prints this very value.
fn is_published(value: &str) -> bool {
    let digest = HEXLOWER.encode(&Sha256::digest(value.as_bytes()));
    PUBLISHED.contains(&digest.as_str())
}

/// Anybody could guess this value, or a program within minutes.
pub(super) fn is_obvious(value: &str) -> bool {
    let different: HashSet<char> = value.chars().collect();
    different.len() < 8 || is_repetition(value.as_bytes()) || is_invented(value)
}

/// The value is one text said at least twice, `abcdefgh` + `abcdefgh` + `abc`.
fn is_repetition(value: &[u8]) -> bool {
    (1..=value.len() / 2).any(|period| value.iter().skip(period).zip(value).all(|(later, earlier)| later == earlier))
}

/// Most of the value is words of which people make such values, and too little remains.
fn is_invented(value: &str) -> bool {
    let mut rest: String = value.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    let length = rest.chars().count();
    INVENTED.iter().for_each(|word| rest = rest.replace(word, ""));
    let left = rest.chars().count();
    left * 2 <= length && left < 16
}

/// `JWT_EXPIRES_IN`: how long a session lasts, and its cookie.
pub(super) fn jwt_expires_in(r: &mut Reader) -> Result<Duration, Refused> {
    let Some(value) = r.text_or_default("JWT_EXPIRES_IN")? else {
        return Ok(Duration::from_secs(7 * DAY));
    };
    match seconds(&value) {
        Some(seconds) if (1..=90 * DAY).contains(&seconds) => Ok(Duration::from_secs(seconds)),
        Some(_) => Err(r.refuse("JWT_EXPIRES_IN", words::BAD_LIFE)),
        None => Err(r.refuse("JWT_EXPIRES_IN", words::UNREADABLE_LIFE)),
    }
}

/// `12h` → 43,200. A number alone is seconds. None if unreadable or too large for any clock.
fn seconds(text: &str) -> Option<u64> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let unit = match &text[unit_at..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => DAY,
        "w" => 7 * DAY,
        _ => return None,
    };
    // So long a row of digits is readable all the same: it is too much, not nonsense.
    let number = &text[..unit_at];
    if number.is_empty() { None } else { Some(number.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(unit)) }
}

/// `MFA_ISSUER`: the name beside the code in the authenticator application.
pub(super) fn mfa_issuer(r: &mut Reader) -> Result<String, Refused> {
    let Some(value) = r.text_or_default("MFA_ISSUER")? else {
        return Ok("NeoPro".to_owned());
    };
    if value.contains(':') {
        return Err(r.refuse("MFA_ISSUER", words::COLON_IN_ISSUER));
    }
    Ok(value)
}
