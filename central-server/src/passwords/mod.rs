//! How a person gets a password: by a link that was mailed, or by changing the one that he has.
//!
//! A link is 256 random bits, of which the database has a hash. It works once, a new one of its kind voids the one
//! before, and using one ends every session of the account.

mod links;
pub mod routes;
mod store;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

pub use links::invite;

use crate::auth::password::SHORTEST;
use crate::http::{Form, FromForm};
use crate::language::Language;

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = LinkKind)]
pub enum Kind {
    /// To choose a new password, for whoever has forgotten it.
    Reset,
    /// To choose the first one.
    Invitation,
}

impl Kind {
    /// The word in the table and in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::Invitation => "invitation",
        }
    }

    /// How long such a link is valid.
    #[must_use]
    pub fn lifetime(self) -> Duration {
        match self {
            Self::Reset => Duration::from_secs(3_600),
            Self::Invitation => Duration::from_secs(7 * 24 * 3_600),
        }
    }
}

/// What stands in a link: 256 random bits in base64url. Whoever has it has the account.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(String);

impl Token {
    /// A new one.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn fresh() -> Result<Self, getrandom::Error> {
        let mut bytes = [0u8; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(data_encoding::BASE64URL_NOPAD.encode(&bytes)))
    }

    /// The token itself, for the link.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Reads one that has to be there. Whatever it looks like: a mangled one is a link that does not work.
    pub fn read(form: &mut Form, field: &str) -> Option<Self> {
        form.text(field, 255).map(Self)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(•••)")
    }
}

/// What is stored of a token. A plain hash: 256 random bits cannot be guessed. The label keeps it apart from every other.
#[must_use]
pub fn hash_of(token: &Token) -> String {
    let digest = Sha256::new().chain_update(b"neopro link v1\0").chain_update(token.0.as_bytes()).finalize();
    data_encoding::HEXLOWER.encode(&digest)
}

/// Whose password is forgotten.
#[derive(Debug, ToSchema)]
#[schema(as = ForgottenPassword)]
pub struct Forgot {
    /// The account's address; capitals do not matter.
    #[schema(example = "votre@email.com")]
    pub email: String,
    /// The language of the page, for an account that has chosen none.
    pub language: Option<Language>,
}

impl FromForm for Forgot {
    fn read(form: &mut Form) -> Option<Self> {
        let (email, language) = (form.email("email"), form.choice("language", Language::WORDS));
        Some(Self { email: email?, language })
    }
}

/// A token in an address.
#[derive(Debug)]
pub struct Shown(pub Token);

impl FromForm for Shown {
    fn read(form: &mut Form) -> Option<Self> {
        Token::read(form, "token").map(Self)
    }
}

/// A link that works.
#[derive(Debug, Serialize, ToSchema)]
pub struct GoodLink {
    /// Always true: a link that does not work is a failure.
    pub valid: bool,
    /// Whose account it opens.
    pub email: String,
    /// The person's name.
    pub full_name: Option<String>,
    /// What it is for.
    pub kind: Kind,
}

/// A new password, by a link.
#[derive(Debug, ToSchema)]
#[schema(as = PasswordReset)]
pub struct Reset {
    /// What stood in the link.
    #[schema(value_type = String)]
    pub token: Token,
    /// The new password.
    #[schema(min_length = 8, max_length = 1024)]
    pub password: String,
    /// The same once more.
    pub password_confirm: String,
    /// The language in which the person wants to be written to from now on.
    pub language: Option<Language>,
}

impl FromForm for Reset {
    fn read(form: &mut Form) -> Option<Self> {
        let token = Token::read(form, "token");
        let (password, password_confirm) = (form.secret("password", SHORTEST), form.secret("password_confirm", 1));
        if let (Some(one), Some(other)) = (&password, &password_confirm)
            && one != other
        {
            form.problem("password_confirm", "Les deux mots de passe diffèrent.");
        }
        let language = form.choice("language", Language::WORDS);
        Some(Self { token: token?, password: password?, password_confirm: password_confirm?, language })
    }
}

/// A person's own new password.
#[derive(ToSchema)]
#[schema(as = PasswordChange)]
pub struct Change {
    /// The one that he has.
    pub current_password: String,
    /// The one that he wants.
    #[schema(min_length = 8, max_length = 1024)]
    pub new_password: String,
}

impl FromForm for Change {
    fn read(form: &mut Form) -> Option<Self> {
        let (current, new) = (form.secret("current_password", 1), form.secret("new_password", SHORTEST));
        if let (Some(current), Some(new)) = (&current, &new)
            && current == new
        {
            form.problem("new_password", "C'est le mot de passe que vous avez déjà : choisissez-en un autre.");
        }
        Some(Self { current_password: current?, new_password: new? })
    }
}

/// The language in which a person wants to be written to.
#[derive(Debug, ToSchema)]
#[schema(as = OwnLanguage)]
pub struct Tongue {
    /// The language.
    pub language: Language,
}

impl FromForm for Tongue {
    fn read(form: &mut Form) -> Option<Self> {
        let language = form.choice("language", Language::WORDS);
        if language.is_none() && !form.has_problem("language") {
            form.problem("language", format!("Valeurs possibles : {}.", Language::WORDS));
        }
        Some(Self { language: language? })
    }
}

/// That something was done.
#[derive(Debug, Serialize, ToSchema)]
pub struct Done {
    /// Always true.
    pub success: bool,
    /// The same in a sentence.
    pub message: &'static str,
}

impl Done {
    /// With this sentence.
    #[must_use]
    pub fn saying(message: &'static str) -> Self {
        Self { success: true, message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_new_each_time_and_its_hash_tells_nothing_of_it() {
        let (one, other) = (Token::fresh().expect("randomness"), Token::fresh().expect("randomness"));
        assert_eq!((one.expose().len(), hash_of(&one).len()), (43, 64));
        assert_ne!(one.expose(), other.expose());
        assert_ne!(hash_of(&one), hash_of(&other));
        assert!(!format!("{one:?}").contains(one.expose()));
    }
}
