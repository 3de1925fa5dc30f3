//! `/api/auth`: login, logout, and who am I.

use axum::Json;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::password::Match;
use super::store::{self, Account, Me, NewSession};
use super::{Caller, Claims, Role, cookies};
use crate::app::App;
use crate::audit::{self, Action, Entry};
use crate::error::{Error, Result};
use crate::http::openapi::{PublicWrite, Read};
use crate::http::{Body, Form, FromForm, Origin, Snapshot};
use crate::ids::{AgencyId, SessionId, SponsorId, UserId};

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(login)).routes(routes!(logout)).routes(routes!(me))
}

/// An address and a password.
#[derive(Debug, ToSchema)]
pub struct Login {
    /// The account's address; capitals do not matter.
    #[schema(example = "votre@email.com")]
    email: String,
    /// The password.
    password: String,
}

impl FromForm for Login {
    fn read(form: &mut Form) -> Option<Self> {
        // The address is not judged any further: an account made by SQL may have any.
        let (email, password) = (form.text("email", 255), form.secret("password", 1));
        Some(Self { email: email?, password: password? })
    }
}

/// A session that has begun.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoggedIn {
    /// For `Authorization: Bearer`; browsers get it as a cookie as well.
    token: String,
    /// Whose session it is.
    user: LoggedInUser,
}

/// The account of a new session.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoggedInUser {
    /// The account's id.
    id: UserId,
    /// The address, as it was entered.
    email: String,
    /// The person's name.
    full_name: Option<String>,
    /// What the person may do.
    role: Role,
    /// Whether a code is asked for at login.
    mfa_enabled: bool,
    /// The sponsor of a sponsor's account.
    sponsor_id: Option<SponsorId>,
    /// The agency of an agency's account.
    agency_id: Option<AgencyId>,
}

/// A sentence.
#[derive(Debug, Serialize, ToSchema)]
pub struct Message {
    /// The sentence.
    message: &'static str,
}

/// How long every refusal of a login takes: longer than the slowest hash of a machine of our size.
const REFUSAL: Duration = Duration::from_secs(1);

const WRONG: Error = Error::Unauthenticated("Adresse e-mail ou mot de passe incorrect.");

/// Begins a session.
#[utoipa::path(
    post, path = "/api/auth/login", tag = "Authentication", request_body = Login,
    responses((status = 200, description = "The session has begun; the cookie `neopro_token` is set.", body = LoggedIn), PublicWrite),
)]
async fn login(State(app): State<App>, origin: Origin, from: Snapshot, Body(login): Body<Login>) -> Result<Response> {
    let began = Instant::now();
    app.login_limits.take_try(from.ip, &login.email, app.clock.now())?;
    let mut proven = enter(&app, &login, &from).await?;
    if let Entered::Changed = proven {
        // The account was changed between the comparison and the session: by another login that renewed its hash,
        // or by an administrator. It is looked at once more, as it is now.
        proven = enter(&app, &login, &from).await?;
    }
    let Entered::Begun(account, token) = proven else {
        // Whatever had to be computed, a refusal takes as long: it must not tell which accounts there are.
        app.clock.wait_until(began + REFUSAL).await;
        return Err(WRONG);
    };
    app.login_limits.succeeded(from.ip, &login.email);
    renew_hash(&app, &account, login.password).await;

    let cookie = cookies::set(token.clone(), app.tokens.lifetime(), app.config.is_production(), &origin);
    let user = LoggedInUser {
        id: account.id,
        email: account.email,
        full_name: account.full_name,
        role: account.role,
        mfa_enabled: account.mfa_enabled,
        sponsor_id: account.sponsor_id,
        agency_id: account.agency_id,
    };
    Ok(([(header::SET_COOKIE, cookie)], Json(LoggedIn { token, user })).into_response())
}

/// What became of a login.
enum Entered {
    /// A session of this account, with its token.
    Begun(Box<Account>, String),
    /// Another password, or an account that may not act.
    Refused,
    /// The account is not what the password was compared with any more.
    Changed,
}

/// Compares the password and begins a session.
async fn enter(app: &App, login: &Login, from: &Snapshot) -> Result<Entered> {
    let Some(account) = prove(app, login).await? else { return Ok(Entered::Refused) };
    if account.mfa_enabled {
        return Err(Error::Forbidden(
            "Ce compte est protégé par un code à usage unique, que cette version ne sait pas encore demander.",
        ));
    }
    Ok(match begin(app, &account, from).await? {
        Some(token) => Entered::Begun(Box::new(account), token),
        None => Entered::Changed,
    })
}

/// The account, if the password is its own. Unknown, suspended and mistaken look the same.
async fn prove(app: &App, login: &Login) -> Result<Option<Account>> {
    let account = app.db()?.run_as_system(store::find_account(&login.email)).await?;
    let hash = account.as_ref().map(|account| account.password_hash.clone());
    let matched = app.passwords.verify(login.password.clone(), hash).await?;
    Ok(account.filter(|account| account.may_act && matched != Match::No))
}

/// Replaces a hash of another time by ours, after the session has begun: whatever goes wrong here must not keep
/// anybody out, and the next login tries again.
async fn renew_hash(app: &App, account: &Account, password: String) {
    if account.password_hash.starts_with("$argon2id$") {
        return;
    }
    let renewed = async {
        let new = app.passwords.hash(password).await?;
        let replace = store::replace_hash(account.id, account.password_hash.clone(), new);
        Ok::<(), Error>(app.db()?.run_as_system(replace).await?)
    };
    if let Err(error) = renewed.await {
        tracing::warn!(?error, "an old password hash could not be replaced yet");
    }
}

/// Writes the session and signs its token; `None` when the account was changed since its password was compared.
async fn begin(app: &App, account: &Account, from: &Snapshot) -> Result<Option<String>> {
    let now = app.clock.now();
    let claims = Claims {
        id: account.id,
        email: account.email.clone(),
        role: account.role,
        sponsor_id: account.sponsor_id,
        agency_id: account.agency_id,
        sid: SessionId::new(),
        iat: now.unix_seconds(),
        exp: now.plus(app.tokens.lifetime()).unix_seconds(),
    };
    let session = NewSession {
        id: claims.sid,
        user: account.id,
        verified_hash: account.password_hash.clone(),
        now,
        expires_at: now.plus(app.tokens.lifetime()),
        user_agent: from.user_agent.clone(),
        ip: from.ip.to_string(),
    };
    let entry = Entry::new(Action::UserLogin, account.id, from, now).on("user", account.id);
    let (begun, ()) =
        app.db()?.run_as_system((store::begin_session(session), audit::store::record_begun(entry, claims.sid))).await?;
    begun.then(|| app.tokens.sign(&claims)).transpose()
}

/// Ends the session. Succeeds without one as well: whoever wants out is out.
#[utoipa::path(
    post, path = "/api/auth/logout", tag = "Authentication",
    responses((status = 200, description = "The session is over; the cookie is cleared.", body = Message), PublicWrite),
)]
async fn logout(State(app): State<App>, origin: Origin, from: Snapshot, headers: HeaderMap) -> Response {
    // The cookie goes in any case, even if the session cannot be ended now.
    let cookie = [(header::SET_COOKIE, cookies::clear(app.config.is_production(), &origin))];
    match end(&app, &from, &headers).await {
        Ok(()) => (cookie, Json(Message { message: "Vous êtes déconnecté." })).into_response(),
        Err(error) => (cookie, error).into_response(),
    }
}

async fn end(app: &App, from: &Snapshot, headers: &HeaderMap) -> Result<()> {
    let now = app.clock.now();
    let Some(claims) = cookies::token(headers).and_then(|token| app.tokens.read(&token, now).ok()) else {
        return Ok(());
    };
    let entry = Entry::new(Action::UserLogout, claims.id, from, now).on("user", claims.id);
    let journal = audit::store::record_ending(entry, claims.sid);
    app.db()?.run_as_system((journal, store::end_session(claims.sid, claims.id, now))).await?;
    app.changes.end(claims.sid);
    Ok(())
}

/// The caller's own account.
#[utoipa::path(
    get, path = "/api/auth/me", tag = "Authentication", security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, description = "The account of the session.", body = Me), Read),
)]
async fn me(caller: Caller) -> Result<Json<Me>> {
    let me = caller.run(store::me(caller.scope(), caller.user())).await?;
    me.map(Json).ok_or(Error::NotFound("Ce compte"))
}
