//! Session tokens: JWT, HS256 and nothing else, with the claims of NeoPro 1 and the session's id.

use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use super::Role;
use crate::clock::Time;
use crate::error::Error;
use crate::ids::{AgencyId, SessionId, SponsorId, UserId};

/// What a token says. The database has the last word, see [`crate::db::SessionClaim`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The account.
    pub id: UserId,
    /// The account's address, for clients that show it.
    pub email: String,
    /// The role at login.
    pub role: Role,
    /// The sponsor of a sponsor's account.
    pub sponsor_id: Option<SponsorId>,
    /// The agency of an agency's account.
    pub agency_id: Option<AgencyId>,
    /// The session: a row that logout, suspension and expiry end.
    pub sid: SessionId,
    /// Issued at, seconds since 1970.
    pub iat: i64,
    /// Expires at, seconds since 1970.
    pub exp: i64,
}

/// Signs and reads tokens.
pub struct Tokens {
    signing: EncodingKey,
    reading: DecodingKey,
    lifetime: Duration,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}

impl Tokens {
    /// `secret` is `JWT_SECRET` as it stands, byte for byte; `lifetime` is `JWT_EXPIRES_IN`.
    #[must_use]
    pub fn new(secret: &str, lifetime: Duration) -> Self {
        Self {
            signing: EncodingKey::from_secret(secret.as_bytes()),
            reading: DecodingKey::from_secret(secret.as_bytes()),
            lifetime,
        }
    }

    /// How long a session lasts.
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// A token with these claims.
    ///
    /// # Errors
    /// [`Error::Internal`], which an HMAC cannot give rise to.
    pub fn sign(&self, claims: &Claims) -> Result<String, Error> {
        encode(&Header::new(Algorithm::HS256), claims, &self.signing)
            .map_err(|error| Error::Internal(error.to_string()))
    }

    /// The claims of a token that is ours and not expired at `now`.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for anything else.
    pub fn read(&self, token: &str, now: Time) -> Result<Claims, Error> {
        let claims = self.read_of_any_age(token)?;
        if claims.exp <= now.unix_seconds() {
            return Err(Error::Unauthenticated("Votre session a expiré. Reconnectez-vous."));
        }
        Ok(claims)
    }

    /// The claims of a token that is ours, also if it has expired: enough to end its session, and for nothing else.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for anything else.
    pub fn read_of_any_age(&self, token: &str) -> Result<Claims, Error> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.validate_exp = false; // by our own clock, in `read`
        validation.required_spec_claims.clear();
        let read = decode::<Claims>(token, &self.reading, &validation);
        Ok(read.map_err(|_| Error::Unauthenticated("Cette session n'est pas valable. Reconnectez-vous."))?.claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(exp: i64) -> Claims {
        Claims {
            id: UserId::new(),
            email: "a@b.fr".into(),
            role: Role::Admin,
            sponsor_id: None,
            agency_id: None,
            sid: SessionId::new(),
            iat: 0,
            exp,
        }
    }

    fn at(seconds: i64) -> Time {
        Time::from_unix_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_token_lives_until_its_second() {
        let tokens = Tokens::new("a secret that is long enough for it", Duration::from_secs(10));
        let token = tokens.sign(&claims(10)).expect("signed");
        assert!(tokens.read_of_any_age(&token).is_ok());
        assert!(tokens.read(&token, at(9)).is_ok());
        assert!(tokens.read(&token, at(10)).is_err());
    }

    #[test]
    fn only_our_signature_and_only_hs256_count() {
        let tokens = Tokens::new("a secret that is long enough for it", Duration::from_secs(10));
        let token = tokens.sign(&claims(10)).expect("signed");
        let header = data_encoding::BASE64URL_NOPAD.decode(token.split('.').next().expect("a header").as_bytes());
        assert_eq!(String::from_utf8_lossy(&header.expect("base64")), r#"{"typ":"JWT","alg":"HS256"}"#);

        let other = Tokens::new("another secret, as long as the first", Duration::from_secs(10));
        assert!(other.read(&token, at(0)).is_err());

        let body = token.split('.').nth(1).expect("a body");
        for header in [r#"{"typ":"JWT","alg":"none"}"#, r#"{"typ":"JWT","alg":"HS512"}"#, r#"{"alg":"RS256"}"#] {
            let forged = format!("{}.{body}.", data_encoding::BASE64URL_NOPAD.encode(header.as_bytes()));
            assert!(tokens.read(&forged, at(0)).is_err(), "{header}");
        }
        for nonsense in ["", ".", "..", "a.b.c", "\u{0}", &"x".repeat(100_000)] {
            assert!(tokens.read(nonsense, at(0)).is_err());
        }
    }
}
