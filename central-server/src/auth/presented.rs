//! What a request shows to be let in, before the database has been asked.

use axum::http::HeaderMap;

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
    /// [`Error::Unauthenticated`] when there is nothing, or nothing of ours.
    pub fn of(headers: &HeaderMap, app: &App) -> Result<Self, Error> {
        if let Some(secret) = cookies::bearer(headers).as_deref().and_then(TokenSecret::read) {
            return Ok(Self::Token(secret));
        }
        let token = cookies::token(headers).ok_or(Error::Unauthenticated("Connectez-vous pour continuer."))?;
        Ok(Self::Session(Box::new(app.tokens.read(&token, app.clock.now())?)))
    }
}
