//! The extractors that carry authentication: what a handler takes is whom it lets in.
//!
//! | extractor | lets in |
//! |---|---|
//! | [`Caller`] | any session, and the tokens of the API that [`OPENS`](super::scopes::OPENS) has a row for |
//! | [`Person`] | any session, and no token |
//! | [`Staff`] | super_admin, admin, operator, viewer |
//! | [`Operator`] | super_admin, admin, operator |
//! | [`Admin`] | super_admin, admin |
//! | [`AdminOrAgency`] | super_admin, admin, and an agency for its own |
//! | [`StaffOrAgency`] | super_admin, admin, operator, viewer, and an agency for its own |
//! | [`SuperAdmin`] | super_admin |
//!
//! A handler that takes none of them is visibly public. What is shown alone proves nothing yet: whether session or
//! token, user, role and tenant still stand is proven in the head of the flush in [`Caller::run`], and that is the
//! caller's only way to the database.

use std::net::IpAddr;
use std::ops::Deref;

use axum::extract::{FromRequestParts, MatchedPath};
use axum::http::request::Parts;

use super::api_tokens::TokenSecret;
use super::api_tokens::store::{self, Bearer};
use super::scopes::TokenScope;
use super::{Claims, Presented, Role};
use crate::app::App;
use crate::clock::Time;
use crate::db::{Claim, Db, Scope, Statements};
use crate::error::Error;
use crate::http::ClientAddress;
use crate::ids::{AgencyId, Credential, SessionId, SponsorId, UserId};

/// A person, in any role: himself with a session, or a program with a token of his.
#[derive(Debug, Clone)]
pub struct Caller {
    claim: Claim,
    role: Role,
    scope: Scope,
    db: Db,
}

/// Who is behind what was shown.
struct Whose {
    user: UserId,
    role: Role,
    agency: Option<AgencyId>,
    sponsor: Option<SponsorId>,
}

impl Caller {
    fn new(credential: Credential, whose: &Whose, ip: IpAddr, app: &App) -> Result<Self, Error> {
        let Whose { user, role, agency, sponsor } = *whose;
        let scope = match (role, agency, sponsor) {
            (role, _, _) if role.is_staff() => Scope::Staff(user),
            (Role::Agency, Some(agency), _) => Scope::Agency(user, agency),
            (Role::Sponsor, _, Some(sponsor)) => Scope::Sponsor(user, sponsor),
            _ => return Err(Error::Forbidden("Ce compte n'est rattaché à aucune agence ni à aucun partenaire.")),
        };
        let claim = Claim { credential, user, role: role.name(), agency, sponsor, now: app.clock.now(), ip };
        Ok(Self { claim, role, scope, db: app.db()? })
    }

    fn with_session(claims: &Claims, ip: IpAddr, app: &App) -> Result<Self, Error> {
        let Claims { id: user, role, agency_id: agency, sponsor_id: sponsor, sid, .. } = *claims;
        Self::new(sid.into(), &Whose { user, role, agency, sponsor }, ip, app)
    }

    /// Looks up whose a token is; the flush of the request proves it again.
    async fn with_token(secret: &TokenSecret, parts: &Parts, ip: IpAddr, app: &App) -> Result<Self, Error> {
        let bearer = app.db()?.run_as_system(store::bearer(secret.stored(), app.clock.now())).await?;
        let Some(Bearer { id, user_id: user, role, agency_id: agency, sponsor_id: sponsor, scopes }) = bearer else {
            return Err(Error::Unauthenticated("Ce jeton d'API n'est pas valable, ou ne l'est plus."));
        };
        let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
        match TokenScope::that_opens(&parts.method, route) {
            Some(needed) if scopes.iter().any(|word| word == needed.name()) => {}
            Some(needed) => return Err(needed.refusal()),
            None => return Err(NO_TOKEN),
        }
        Self::new(id.into(), &Whose { user, role, agency, sponsor }, ip, app)
    }

    /// Whose data this caller may touch.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// The caller's account.
    #[must_use]
    pub fn user(&self) -> UserId {
        self.claim.user
    }

    /// What the caller acts with.
    #[must_use]
    pub fn credential(&self) -> Credential {
        self.claim.credential
    }

    /// The caller's role.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// The same caller at another moment, for what lasts longer than a request.
    #[must_use]
    pub fn at(&self, now: Time) -> Self {
        Self { claim: Claim { now, ..self.claim.clone() }, ..self.clone() }
    }

    /// Proves the session or token and runs the statements within the caller's scope, in one round trip.
    ///
    /// # Errors
    /// [`crate::db::Error::SessionGone`] before anything is done; see [`Db::run`] for the rest.
    pub async fn run<S: Statements>(&self, statements: S) -> Result<S::Output, crate::db::Error> {
        self.db.run(self.scope, Some(&self.claim), statements).await
    }

    /// The same within the server's own scope: for accounts and settings, which no policy lets anybody else write. The
    /// statement itself says whose they are.
    ///
    /// # Errors
    /// Those of [`Self::run`].
    pub async fn run_as_system<S: Statements>(&self, statements: S) -> Result<S::Output, crate::db::Error> {
        self.db.run(Scope::System, Some(&self.claim), statements).await
    }
}

const NO_TOKEN: Error = Error::Forbidden("Aucun jeton d'API n'ouvre cette adresse : connectez-vous pour cette action.");

impl FromRequestParts<App> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let Ok(ClientAddress(ip)) = ClientAddress::from_request_parts(parts, app).await;
        match Presented::of(&parts.method, &parts.headers, app)? {
            Presented::Session(claims) => Self::with_session(&claims, ip, app),
            Presented::Token(secret) => Self::with_token(&secret, parts, ip, app).await,
        }
    }
}

/// A person with a session of his own, in any role; never a token of the API.
#[derive(Debug, Clone)]
pub struct Person {
    caller: Caller,
    session: SessionId,
}

impl Person {
    /// The session.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.session
    }
}

impl Deref for Person {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl FromRequestParts<App> for Person {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let caller = Caller::from_request_parts(parts, app).await?;
        match caller.credential() {
            Credential::Session(session) => Ok(Self { caller, session }),
            Credential::Token(_) => Err(NO_TOKEN),
        }
    }
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident: $($role:ident)|+, $refusal:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name(Caller);

        impl Deref for $name {
            type Target = Caller;

            fn deref(&self) -> &Caller {
                &self.0
            }
        }

        impl FromRequestParts<App> for $name {
            type Rejection = Error;

            async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
                let caller = Caller::from_request_parts(parts, app).await?;
                match caller.role {
                    $(Role::$role)|+ => Ok(Self(caller)),
                    _ => Err(Error::Forbidden($refusal)),
                }
            }
        }
    )*};
}

permissions! {
    /// NeoPro's own people, whatever their rights.
    Staff: SuperAdmin | Admin | Operator | Viewer,
        "Réservé aux comptes NeoPro (super_admin, admin, operator, viewer).";
    /// NeoPro's own people, and the agencies that look after clubs.
    StaffOrAgency: SuperAdmin | Admin | Operator | Viewer | Agency,
        "Réservé aux comptes NeoPro et aux agences.";
    /// Those who work on the fleet.
    Operator: SuperAdmin | Admin | Operator,
        "Réservé aux rôles super_admin, admin et operator.";
    /// Those who may delete and see keys.
    Admin: SuperAdmin | Admin,
        "Réservé aux rôles super_admin et admin.";
    /// Those who manage agencies, and an agency, for its own.
    AdminOrAgency: SuperAdmin | Admin | Agency,
        "Réservé aux rôles super_admin et admin, et aux agences pour la leur.";
    /// Those who manage people.
    SuperAdmin: SuperAdmin,
        "Réservé au rôle super_admin.";
}
