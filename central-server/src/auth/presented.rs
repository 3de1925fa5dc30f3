//! What a request shows to be let in, before the database has been asked.

use axum::http::{HeaderMap, Method, header};

use super::api_tokens::TokenSecret;
use super::{Claims, cookies};
use crate::app::App;
use crate::error::Error;

/// What a request shows.
#[derive(Debug)]
pub enum Presented {
    /// The claims of a session's token that is ours and has not expired.
    Session(Box<Claims>),
    /// A token of the API, in the header. A browser keeps none in a cookie.
    Token(TokenSecret),
}

impl Presented {
    /// Reads the header, else the cookie. Never the address: what stands there ends up in logs and histories.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] when there is nothing, or nothing of ours; [`Error::UnnamedOrigin`] when a cookie is to
    /// act and no page is named ([ADR 0033](../../../docs/adr/0033-a-cookie-acts-for-a-page-that-is-named.md)).
    pub fn of(method: &Method, headers: &HeaderMap, app: &App) -> Result<Self, Error> {
        let bearer = cookies::bearer(headers);
        if let Some(secret) = bearer.as_deref().and_then(TokenSecret::read) {
            return Ok(Self::Token(secret));
        }
        let token = cookies::token(headers).ok_or(Error::Unauthenticated("Connectez-vous pour continuer."))?;
        let claims = app.tokens.read(&token, app.clock.now())?;
        if bearer.is_none() && !method.is_safe() && !names_its_page(headers) {
            return Err(Error::UnnamedOrigin);
        }
        Ok(Self::Session(Box::new(claims)))
    }
}

/// Whether a browser says which page sends this. What it says of a foreign one was refused before
/// ([`crate::http::layers::same_origin`]).
fn names_its_page(headers: &HeaderMap) -> bool {
    headers.contains_key(header::ORIGIN) || headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin")
}
