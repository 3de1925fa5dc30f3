//! `/api/auth`: login, logout, the next minutes of a tab's session, and who am I.

use axum::Json;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::handle::Handle;
use super::password::Match;
use super::second_factor::Code;
use super::second_factor::challenge::{self, Challenge, Due, LoginAnswer, Passed};
use super::store::{self, Account, Going, Me, NewSession};
use super::{Claims, Device, Person, Role, Source, Try, What, cookies, refused};
use crate::app::App;
use crate::audit::{self, Action, Entry};
use crate::clock::Time;
use crate::db::{self, Statements};
use crate::error::{Error, Result};
use crate::http::openapi::{PublicWrite, Read};
use crate::http::{Body, Form, FromForm, Origin, Snapshot};
use crate::ids::{AgencyId, SessionId, SponsorId, UserId};

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(login)).routes(routes!(refresh)).routes(routes!(logout)).routes(routes!(me))
}

/// An address and a password.
#[derive(Debug, ToSchema)]
pub struct Login {
    /// The account's address; capitals do not matter.
    #[schema(example = "votre@email.com")]
    email: String,
    /// The password.
    password: String,
    /// For a page that may keep no cookie: 256 random bits of its own in base64url, its handle of the session. There is
    /// no cookie then, and the token lasts ten minutes; `POST /api/auth/refresh` gives the next.
    #[schema(value_type = Option<String>, min_length = 43, max_length = 43)]
    handle: Option<Handle>,
    /// For an account with a second factor, if it is known beforehand: the six digits that the application shows, or a
    /// backup code. Without it the login asks for it.
    #[schema(rename = "mfaCode", value_type = Option<String>)]
    code: Option<Code>,
}

impl FromForm for Login {
    fn read(form: &mut Form) -> Option<Self> {
        // The address is not judged any further: an account made by SQL may have any.
        let (email, password) = (form.text("email", 255), form.secret("password", 1));
        let handle = form.has("handle").then(|| Handle::read(form, "handle"));
        let code = Code::read_optional(form, "mfaCode");
        Some(Self { email: email?, password: password?, handle: handle.flatten(), code })
    }
}

/// A session that has begun.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoggedIn {
    /// For `Authorization: Bearer`; browsers get it as a cookie as well.
    token: String,
    /// How long the token lasts, in seconds.
    expires_in: u64,
    /// How long the session lasts, in seconds: as long as its token, or as many tokens can follow each other.
    session_expires_in: u64,
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
    /// The role has to have a second factor, and there is none yet.
    mfa_required: bool,
    /// From then on it has to be set up to log in.
    mfa_grace_until: Option<Time>,
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

impl Message {
    /// With this sentence.
    #[must_use]
    pub fn saying(message: &'static str) -> Self {
        Self { message }
    }
}

/// How long the token of a tab lasts.
const TAB_TOKEN: Duration = Duration::from_secs(10 * 60);

/// How long every refusal of a login takes: longer than the slowest hash of a machine of our size.
pub(super) const REFUSAL: Duration = Duration::from_secs(1);

const WRONG: Error = Error::Unauthenticated("Adresse e-mail ou mot de passe incorrect.");
const WRONG_WITH_CODE: Error = Error::Unauthenticated("Adresse e-mail, mot de passe ou code incorrect.");

/// Begins a session, or asks for the second step of a login whose password was right.
#[utoipa::path(
    post, path = "/api/auth/login", tag = "Authentication", request_body = Login,
    responses((status = 200, description = "The session has begun and the cookie `neopro_token` is set, or a second step is due.", body = LoginAnswer), PublicWrite),
)]
async fn login(
    State(app): State<App>,
    origin: Origin,
    source: Source,
    from: Snapshot,
    Body(login): Body<Login>,
) -> Result<Response> {
    let began = Instant::now();
    // A browser that keeps cookies is known again: who guesses from elsewhere does not slow it.
    let (source, is_new) = source.known_by_cookie(login.handle.is_none())?;
    let mut guess = app.tries.begin(What::Login, &login.email, &source);
    let mut proven = enter(&app, &mut guess, &login, &from).await?;
    if let Entered::Changed = proven {
        // The account was changed between the comparison and the session: by another login that renewed its hash,
        // or by an administrator. It is looked at once more, as it is now.
        proven = enter(&app, &mut guess, &login, &from).await?;
    }
    let device = source.device.filter(|_| is_new);
    match proven {
        Entered::Begun(account, token, lifetime) => {
            if login.code.is_some() {
                app.db()?.run_as_system(guess.entered(account.id, app.clock.now())).await?;
            }
            renew_hash(&app, &account, login.password).await;
            let answer = logged_in(&app, *account, token, lifetime, login.handle.as_ref(), &origin);
            Ok(known_again(&app, answer, device, &origin))
        }
        Entered::Asked(due, challenge) => {
            app.db()?.run_as_system(guess.succeeded()).await?;
            // No cookie of any kind before the second step.
            Ok(Json(LoginAnswer::asking(due, challenge)).into_response())
        }
        Entered::Refused | Entered::Changed => {
            app.db()?.run_as_system(guess.failed(app.clock.now())).await?;
            // It is counted, and under way no more.
            drop(guess);
            refused::login(&app, &login.email, &from).await;
            // Whatever had to be computed, a refusal takes as long: it must not tell which accounts there are.
            app.clock.wait_until(began + REFUSAL).await;
            Err(if login.code.is_some() { WRONG_WITH_CODE } else { WRONG })
        }
    }
}

/// The answer with the cookie of a new device. It is known once a session has begun with it.
pub(super) fn known_again(app: &App, mut answer: Response, device: Option<Device>, origin: &Origin) -> Response {
    if let Some(device) = device {
        answer.headers_mut().append(header::SET_COOKIE, device.cookie(app.config.is_production(), origin));
    }
    answer
}

/// The answer that a session has begun, with its cookie.
pub(super) fn logged_in(
    app: &App,
    account: Account,
    token: String,
    lifetime: Duration,
    handle: Option<&Handle>,
    origin: &Origin,
) -> Response {
    app.measures.login("success", account.mfa_enabled);
    // A tab with a handle has chosen not to have one: what a browser keeps for all tabs would outlive it.
    let cookie = handle.is_none().then(|| cookies::set(token.clone(), lifetime, app.config.is_production(), origin));
    let user = LoggedInUser {
        id: account.id,
        email: account.email,
        full_name: account.full_name,
        role: account.role,
        mfa_enabled: account.mfa_enabled,
        mfa_required: account.mfa_grace_until.is_some(),
        mfa_grace_until: account.mfa_grace_until,
        sponsor_id: account.sponsor_id,
        agency_id: account.agency_id,
    };
    let session_expires_in = app.tokens.lifetime().as_secs();
    let begun = LoggedIn { token, expires_in: lifetime.as_secs(), session_expires_in, user };
    let mut response = Json(LoginAnswer::Begun(begun)).into_response();
    if let Some(cookie) = cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// What became of a login.
enum Entered {
    /// A session of this account, with its token and how long that lasts.
    Begun(Box<Account>, String, Duration),
    /// The password was right, and a second step is due.
    Asked(Due, Challenge),
    /// Another password, or an account that may not act.
    Refused,
    /// The account is not what the password was compared with any more.
    Changed,
}

/// Compares the password and begins a session.
async fn enter(app: &App, guess: &mut Try, login: &Login, from: &Snapshot) -> Result<Entered> {
    let Some(account) = prove(app, guess, login, from).await? else { return Ok(Entered::Refused) };
    let now = app.clock.now();
    if let Some(due) = Due::of(&account, now) {
        return second_step(app, &account, login, from, due).await;
    }
    let start = Start { handle: login.handle.as_ref(), challenge: None, details: None, now };
    Ok(match begin(app, &account, from, start, guess.entered(account.id, now)).await? {
        Some((token, lifetime)) => Entered::Begun(Box::new(account), token, lifetime),
        None => Entered::Changed,
    })
}

/// Asks for what is due behind the password, or takes the code that came with it.
async fn second_step(app: &App, account: &Account, login: &Login, from: &Snapshot, due: Due) -> Result<Entered> {
    // Before, since the second step proves the hash as it is now.
    let renewed = renew_hash(app, account, login.password.clone()).await;
    let verified = renewed.unwrap_or_else(|| account.password_hash.clone());
    let Some(challenge) = challenge::ask(app, account, verified, due).await? else { return Ok(Entered::Changed) };
    match (&login.code, due) {
        (Some(code), Due::Code) => {
            Ok(match challenge::enter(app, &challenge, code, from, login.handle.as_ref()).await? {
                Passed::Begun(account, token, lifetime) => Entered::Begun(account, token, lifetime),
                Passed::Wrong | Passed::Over => Entered::Refused,
            })
        }
        _ => Ok(Entered::Asked(due, challenge)),
    }
}

/// The account, if the password is its own. Unknown, suspended and mistaken look the same.
async fn prove(app: &App, guess: &mut Try, login: &Login, from: &Snapshot) -> Result<Option<Account>> {
    let flush = (guess.look(app.clock.now()), store::find_account(&login.email));
    let (looked, account) = app.db()?.run_as_system(flush).await?;
    if let Err(slowed) = guess.allow(looked) {
        refused::slowed(app, guess, account.as_ref(), &login.email, from).await;
        return Err(slowed);
    }
    let hash = account.as_ref().map(|account| account.password_hash.clone());
    let matched = app.passwords.verify(login.password.clone(), hash).await?;
    Ok(account.filter(|account| account.may_act && matched != Match::No))
}

/// Replaces a hash of another time by ours, which is answered: whatever goes wrong here must not keep anybody out, and
/// the next login tries again.
async fn renew_hash(app: &App, account: &Account, password: String) -> Option<String> {
    if account.password_hash.starts_with("$argon2id$") {
        return None;
    }
    let renewed = async {
        let new = app.passwords.hash(password).await?;
        let replace = store::replace_hash(account.id, account.password_hash.clone(), new.clone());
        app.db()?.run_as_system(replace).await?;
        Ok::<String, Error>(new)
    };
    renewed.await.inspect_err(|error| tracing::warn!(?error, "an old password hash could not be replaced yet")).ok()
}

/// How a session begins.
pub(super) struct Start<'a> {
    /// The handle that a tab has chosen.
    pub handle: Option<&'a Handle>,
    /// The hash of the challenge that the statements before have passed.
    pub challenge: Option<String>,
    /// For the journal.
    pub details: Option<serde_json::Value>,
    /// The moment, also of what stands before.
    pub now: Time,
}

/// Writes the session, behind these statements in their flush, and signs its token; `None` when the account was changed
/// since its password was compared, or what the statements before require does not hold.
pub(super) async fn begin<S: Statements>(
    app: &App,
    account: &Account,
    from: &Snapshot,
    Start { handle, challenge, details, now }: Start<'_>,
    before: S,
) -> Result<Option<(String, Duration)>> {
    let session_lasts = app.tokens.lifetime();
    let token_lasts = if handle.is_some() { session_lasts.min(TAB_TOKEN) } else { session_lasts };
    let claims = Claims {
        id: account.id,
        email: account.email.clone(),
        role: account.role,
        sponsor_id: account.sponsor_id,
        agency_id: account.agency_id,
        sid: SessionId::new(),
        iat: now.unix_seconds(),
        exp: now.plus(token_lasts).unix_seconds(),
    };
    let session = NewSession {
        id: claims.sid,
        user: account.id,
        verified_hash: account.password_hash.clone(),
        now,
        expires_at: now.plus(session_lasts),
        user_agent: from.user_agent.clone(),
        ip: from.ip.to_string(),
        handle: handle.map(Handle::stored),
        challenge,
    };
    let mut entry = Entry::new(Action::UserLogin, account.id, from, now)
        .on("user", account.id)
        .change(Value::Null, json!({ "session": claims.sid }));
    if let Some(details) = details {
        entry = entry.with(details);
    }
    let flush = (before, store::begin_session(session), audit::store::record_begun(entry, claims.sid));
    let begun = match app.db()?.run_as_system(flush).await {
        Ok((_, begun, ())) => begun,
        Err(db::Error::Refused) => false,
        Err(error) => return Err(handle_is_taken(error, "handle")),
    };
    begun.then(|| Ok((app.tokens.sign(&claims)?, token_lasts))).transpose()
}

fn handle_is_taken(error: db::Error, field: &'static str) -> Error {
    if error.is_taken("sessions_handle") { taken(field) } else { error.into() }
}

/// Nobody meets a handle by chance: whoever sends one twice has no randomness.
fn taken(field: &'static str) -> Error {
    Error::field(field, "Cette valeur a déjà servi : tirez-en une autre au hasard.")
}

/// A handle and the one that takes its place.
#[derive(Debug, ToSchema)]
pub struct Refresh {
    /// The session's handle.
    #[schema(value_type = String, min_length = 43, max_length = 43)]
    handle: Handle,
    /// Its next one, chosen by the page: 256 random bits in base64url. To be kept before this is sent.
    #[schema(value_type = String, min_length = 43, max_length = 43)]
    next: Handle,
}

impl FromForm for Refresh {
    fn read(form: &mut Form) -> Option<Self> {
        let (handle, next) = (Handle::read(form, "handle"), Handle::read(form, "next"));
        let (handle, next) = (handle?, next?);
        if handle == next {
            form.problem("next", "Une autre valeur que celle de handle est attendue.");
            return None;
        }
        Some(Self { handle, next })
    }
}

const UNKNOWN: Error =
    Error::Handle("handle_unknown", "Cette session n'existe pas ou n'existe plus. Reconnectez-vous.");
const REUSED: Error = Error::Handle(
    "handle_reused",
    "Cette session a été fermée par sécurité : sa clé avait déjà servi. Reconnectez-vous.",
);

/// Gives a tab's session its next ten minutes. From then on `next` is its handle; the one before is worthless, and
/// whoever shows it again ends the session. If the answer is lost: try `next` first, then `handle`.
#[utoipa::path(
    post, path = "/api/auth/refresh", tag = "Authentication", request_body = Refresh,
    responses((status = 200, description = "The next token.", body = LoggedIn), PublicWrite),
)]
async fn refresh(
    State(app): State<App>,
    from: Snapshot,
    Body(Refresh { handle, next }): Body<Refresh>,
) -> Result<Json<LoggedIn>> {
    let (given, next, now) = (handle.stored(), next.stored(), app.clock.now());
    let flush = (store::renew_handle(given.clone(), next.clone(), now), store::with_handle(next));
    let (renewed, going) = app.db()?.run_as_system(flush).await.map_err(|error| handle_is_taken(error, "next"))?;
    match (renewed.outcome.as_str(), going) {
        // The time to do without a second factor is over: the way back in is a login that sets it up.
        ("renewed", Some(going)) if going.mfa_grace_until.is_some_and(|until| until <= now) => Err(UNKNOWN),
        ("renewed", Some(going)) => go_on(&app, going),
        ("reused", _) => {
            if let (Some(session), Some(user)) = (renewed.session, renewed.user_id) {
                revoked(&app, session, user, &from).await;
            }
            Err(REUSED)
        }
        ("taken", _) => Err(taken("next")),
        _ => {
            app.login_limits.wrong(from.ip, &given, now)?;
            Err(UNKNOWN)
        }
    }
}

/// The next token of a session that goes on, which lasts no longer than the session.
fn go_on(app: &App, going: Going) -> Result<Json<LoggedIn>> {
    let now = app.clock.now();
    let left = u64::try_from(going.expires_at.unix_seconds() - now.unix_seconds()).unwrap_or_default();
    let lasts = Duration::from_secs(left).min(TAB_TOKEN);
    let Going { session, id, email, full_name, role, mfa_enabled, mfa_grace_until, sponsor_id, agency_id, .. } = going;
    let (iat, exp) = (now.unix_seconds(), now.plus(lasts).unix_seconds());
    let claims = Claims { id, email: email.clone(), role, sponsor_id, agency_id, sid: session, iat, exp };
    let mfa_required = mfa_grace_until.is_some();
    let user =
        LoggedInUser { id, email, full_name, role, mfa_enabled, mfa_required, mfa_grace_until, sponsor_id, agency_id };
    let token = app.tokens.sign(&claims)?;
    Ok(Json(LoggedIn { token, expires_in: lasts.as_secs(), session_expires_in: left, user }))
}

/// A session was revoked: its streams end, and it stands in the journal.
async fn revoked(app: &App, session: SessionId, user: UserId, from: &Snapshot) {
    tracing::warn!(%session, address = %from.ip, "a handle was shown that had been used: its session is revoked");
    app.changes.end(session);
    let entry = Entry::new(Action::SessionRevoked, user, from, app.clock.now())
        .by(session)
        .on("session", session)
        .change(json!({ "session": session }), Value::Null);
    let noted = match app.db() {
        Ok(db) => db.run_as_system(audit::store::record(entry)).await.map_err(Error::from),
        Err(error) => Err(error),
    };
    if let Err(error) = noted {
        tracing::error!(?error, %session, "that a session was revoked is not in the journal");
    }
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
    // Of whatever age: the token of a tab that has slept is over, its session is not.
    let Some(claims) = cookies::token(headers).and_then(|token| app.tokens.read_of_any_age(&token).ok()) else {
        return Ok(());
    };
    let entry = Entry::new(Action::UserLogout, claims.id, from, now)
        .on("user", claims.id)
        .change(json!({ "session": claims.sid }), Value::Null);
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
async fn me(State(app): State<App>, person: Person) -> Result<Json<Me>> {
    let me = store::me(person.scope(), person.user(), person.session(), app.clock.now());
    let me = person.run(me).await?;
    me.map(Json).ok_or(Error::NotFound("Ce compte"))
}
