//! The second factor: a code of an authenticator application, or a backup code, behind the password.
//!
//! A login with a right password gets a *challenge* where a second step is due, and the challenge gets a session for a
//! right code. What a code is compared with, that it opens once, and that a session begins, is one flush: a code that
//! was used elsewhere in the meantime takes the session with it.

mod backup;
pub mod challenge;
pub mod cli;
pub mod jobs;
mod qr;
pub mod routes;
mod store;
mod totp;

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::password::Passwords;
use crate::error::{Error, Result};
use crate::http::Form;
use crate::http::limits::{Shown, Who};
use crate::ids::UserId;
use crate::sealing::Sealer;
use store::Factor;
use totp::Secret;

/// How many codes an account may try, for those who look at the limits: `neopro_take_code_try` counts them. Who goes on
/// waits twice as long each time, up to a quarter of an hour, and addresses from which the owner got in count apart.
pub const GUESSES: Shown = Shown { name: "code", who: Who::Account, burst: 5, per_minute: 1.0 / 15.0, shared: true };

/// For the journal: no factor, or one, under a name that tells it from another. The name is blotted out there.
fn noted(factor: Option<&str>) -> Value {
    json!({ "mfa_enabled": factor.is_some(), "mfa_secret": factor })
}

/// What a person types.
#[derive(Clone, PartialEq, Eq)]
pub enum Code {
    /// Six digits of the application.
    Timed(u32),
    /// A backup code, without its hyphen.
    Backup(String),
}

// No debug text shows it.
impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Code(•••)")
    }
}

impl Code {
    /// Reads a code that has to be there.
    pub fn read(form: &mut Form, field: &str) -> Option<Self> {
        let text = form.text(field, 64)?;
        Self::parse(&text, form, field)
    }

    /// Reads a code that may be absent or empty.
    pub fn read_optional(form: &mut Form, field: &str) -> Option<Self> {
        let text = form.optional_text(field, 64)?;
        Self::parse(&text, form, field)
    }

    fn parse(text: &str, form: &mut Form, field: &str) -> Option<Self> {
        let code = text.parse().ok();
        if code.is_none() {
            form.problem(field, "Les 6 chiffres de l'application, ou un code de secours (XXXX-XXXX), sont attendus.");
        }
        code
    }
}

impl std::str::FromStr for Code {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let plain: String = text.chars().filter(|c| !matches!(c, ' ' | '-')).collect::<String>().to_ascii_uppercase();
        if plain.len() == 6 && plain.bytes().all(|byte| byte.is_ascii_digit()) {
            return plain.parse().map(Self::Timed).map_err(|_| ());
        }
        let is_backup = plain.len() == backup::LENGTH && plain.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if is_backup { Ok(Self::Backup(plain)) } else { Err(()) }
    }
}

/// What a right code uses up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spent {
    /// The code of this step, and those of all steps before.
    Step(i64),
    /// The backup code with this hash.
    Backup(String),
}

impl Spent {
    /// The word for the journal.
    fn name(&self) -> &'static str {
        match self {
            Self::Step(_) => "totp",
            Self::Backup(_) => "backup_code",
        }
    }
}

/// Compares a code with a factor. Whether it was used before only the statement that uses it up can tell.
async fn check(app: &App, user: UserId, factor: &Factor, code: &Code) -> Result<Option<Spent>> {
    match code {
        Code::Timed(digits) => {
            let secret = factor.mfa_secret.as_deref().and_then(|sealed| open(app, user, sealed));
            Ok(secret.and_then(|secret| secret.step_of(*digits, app.clock.now())).map(Spent::Step))
        }
        Code::Backup(word) => {
            let stored = factor.mfa_backup_codes.clone().unwrap_or_default();
            Ok(backup::find(&app.passwords, word.clone(), stored).await?.map(Spent::Backup))
        }
    }
}

/// Where the secret of a person's factor is: it opens nowhere else.
fn place(user: UserId) -> String {
    format!("user {user}")
}

fn open(app: &App, user: UserId, sealed: &str) -> Option<Secret> {
    let secret = app.factor_sealer.open(&place(user), sealed).and_then(|bytes| Secret::of(&bytes));
    if secret.is_none() {
        tracing::error!(%user, "the secret of a second factor cannot be opened: MFA_ENCRYPTION_KEY has changed");
    }
    secret
}

/// A factor of NeoPro 1, as it is stored here.
#[derive(Debug)]
pub struct Adopted {
    /// The sealed secret.
    pub sealed: String,
    /// The hashes of the backup codes.
    pub codes: Vec<String>,
}

/// Takes a factor over that was stored in clear; `None` if its secret is none. What is no backup code is left out.
///
/// # Errors
/// The system has no randomness.
pub async fn adopt(
    sealer: &Sealer,
    passwords: &Passwords,
    user: UserId,
    secret: &str,
    codes: &[String],
) -> Result<Option<Adopted>> {
    let Some(secret) = Secret::typed(secret) else { return Ok(None) };
    let sealed = sealer.seal(&place(user), secret.bytes()).map_err(|why| Error::Internal(why.into()))?;
    let words = codes.iter().filter_map(|code| match code.parse() {
        Ok(Code::Backup(word)) => Some(word),
        _ => None,
    });
    Ok(Some(Adopted { sealed, codes: backup::adopt(passwords, words.collect()).await? }))
}

/// A factor to be set up, as it is shown, this once.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewFactor {
    /// The QR code for the application, as the address of a picture (`data:image/svg+xml;base64,…`).
    qr_code_data_url: String,
    /// The same for those who type: base32 in groups of four.
    #[schema(example = "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ")]
    manual_entry_key: String,
    /// Eight codes, each of which opens once without the application. They count once the factor is on.
    backup_codes: Vec<String>,
    /// What to do next.
    message: &'static str,
}

/// What is stored of a factor to be set up.
#[derive(Debug)]
struct Pending {
    sealed: String,
    codes: Vec<String>,
}

/// Makes a factor for a person, whose address the application shows.
async fn invent(app: &App, user: UserId, email: &str) -> Result<(NewFactor, Pending)> {
    let no_randomness = |error: getrandom::Error| Error::Internal(error.to_string());
    let secret = Secret::generate().map_err(no_randomness)?;
    let sealed = app.factor_sealer.seal(&place(user), secret.bytes()).map_err(|why| Error::Internal(why.into()))?;
    let picture = qr::picture(&secret.address(&app.config.mfa_issuer, email));
    let set = backup::generate(&app.passwords).await?;
    let shown = NewFactor {
        qr_code_data_url: picture.ok_or_else(|| Error::Internal("an address is too long for a QR code".into()))?,
        manual_entry_key: secret.in_groups(),
        backup_codes: set.shown,
        message: "Scannez le code QR avec votre application d'authentification, gardez les codes de secours en lieu \
                  sûr, puis saisissez le code affiché par l'application.",
    };
    Ok((shown, Pending { sealed, codes: set.stored }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_as_people_type_them() {
        for (text, digits) in [("012345", 12_345), (" 012 345 ", 12_345), ("012-345", 12_345), ("999999", 999_999)] {
            assert_eq!(text.parse(), Ok(Code::Timed(digits)), "{text}");
        }
        for text in ["ABCD-2345", "abcd2345", "ABCD 2345", "1234-5678"] {
            assert!(matches!(text.parse(), Ok(Code::Backup(word)) if word.len() == 8), "{text}");
        }
        for text in ["", "12345", "1234567", "ABCD-234", "ABCD-23456", "ABCD_2345", "１２３４５６", "-", "éBCD-234"]
        {
            assert!(text.parse::<Code>().is_err(), "{text}");
        }
        assert!(!format!("{:?}", Code::Backup("ABCD2345".into())).contains("ABCD"));
    }
}
