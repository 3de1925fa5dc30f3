//! The first account, for whoever has no shell: a link in the log, while there is nobody yet.

pub mod jobs;
pub mod routes;
mod store;

use std::time::Duration;

use utoipa::ToSchema;

use crate::auth::password::SHORTEST;
use crate::http::{Form, FromForm};
use crate::language::Language;
use crate::passwords::Token;

/// How long such a link is valid, and how often a new one is printed.
///
/// Those before it stay valid as well: where the service sleeps when nobody asks for it, the visit of a link is itself a
/// start, which prints the next one.
pub const LIFETIME: Duration = Duration::from_secs(24 * 3_600);

/// Who is to be the first.
#[derive(ToSchema)]
pub struct SetUp {
    /// What stood in the link.
    #[schema(value_type = String)]
    pub token: Token,
    /// The address of the account.
    pub email: String,
    /// The person's name.
    pub full_name: String,
    /// The password.
    #[schema(min_length = 8, max_length = 1024)]
    pub password: String,
    /// The language in which the person wants to be written to.
    pub language: Option<Language>,
}

impl FromForm for SetUp {
    fn read(form: &mut Form) -> Option<Self> {
        let (token, email) = (Token::read(form, "token"), form.email("email"));
        let (full_name, password) = (form.text("full_name", 255), form.secret("password", SHORTEST));
        let language = form.choice("language", Language::WORDS);
        Some(Self { token: token?, email: email?, full_name: full_name?, password: password?, language })
    }
}

/// Whether a link works.
#[derive(Debug, serde::Serialize, ToSchema)]
pub struct Works {
    /// It is one of ours, not too old, and there is nobody yet.
    pub valid: bool,
}
