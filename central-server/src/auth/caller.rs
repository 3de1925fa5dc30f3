//! The extractors that carry authentication: what a handler takes is whom it lets in.
//!
//! | extractor | lets in |
//! |---|---|
//! | [`Caller`] | any session |
//! | [`Staff`] | super_admin, admin, operator, viewer |
//! | [`Operator`] | super_admin, admin, operator |
//! | [`Admin`] | super_admin, admin |
//! | [`SuperAdmin`] | super_admin |
//!
//! A handler that takes none of them is visibly public. The token alone proves nothing yet: whether session,
//! user, role and tenant still stand is the first statement of the flush in [`Caller::run`], and that is the
//! caller's only way to the database.

use std::ops::Deref;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::{Claims, Role, cookies};
use crate::app::App;
use crate::clock::Time;
use crate::db::{Db, Scope, SessionClaim, Statements};
use crate::error::Error;
use crate::ids::{SessionId, UserId};

/// A person with a session, in any role.
#[derive(Debug, Clone)]
pub struct Caller {
    claim: SessionClaim,
    role: Role,
    scope: Scope,
    db: Db,
}

impl Caller {
    fn new(claims: &Claims, app: &App) -> Result<Self, Error> {
        let scope = match (claims.role, claims.agency_id, claims.sponsor_id) {
            (role, _, _) if role.is_staff() => Scope::Staff(claims.id),
            (Role::Agency, Some(agency), _) => Scope::Agency(claims.id, agency),
            (Role::Sponsor, _, Some(sponsor)) => Scope::Sponsor(claims.id, sponsor),
            _ => return Err(Error::Forbidden("Ce compte n'est rattaché à aucune agence ni à aucun partenaire.")),
        };
        let claim = SessionClaim {
            session: claims.sid,
            user: claims.id,
            role: claims.role.name(),
            agency: claims.agency_id,
            sponsor: claims.sponsor_id,
            now: app.clock.now(),
        };
        Ok(Self { claim, role: claims.role, scope, db: app.db()? })
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

    /// The caller's session.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.claim.session
    }

    /// The caller's role.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// The same caller at another moment, for what lasts longer than a request.
    #[must_use]
    pub fn at(&self, now: Time) -> Self {
        Self { claim: SessionClaim { now, ..self.claim.clone() }, ..self.clone() }
    }

    /// Proves the session and runs the statements within the caller's scope, in one round trip.
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

impl FromRequestParts<App> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let token = cookies::token(&parts.headers).ok_or(Error::Unauthenticated("Connectez-vous pour continuer."))?;
        Self::new(&app.tokens.read(&token, app.clock.now())?, app)
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
    /// Those who manage people.
    SuperAdmin: SuperAdmin,
        "Réservé au rôle super_admin.";
}
