//! `/api/auth/login/…`: the second step of a login whose password was right.

use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::store::{self, Factor, NewChallenge};
use super::{Code, NewFactor, Spent, check, invent, noted, open};
use crate::app::App;
use crate::audit::{self, Action, Entry};
use crate::auth::handle::Handle;
use crate::auth::refused;
use crate::auth::routes::{LoggedIn, REFUSAL, Start, begin, known_again, logged_in};
use crate::auth::store::Account;
use crate::auth::{Source, What};
use crate::clock::Time;
use crate::error::{Error, Result};
use crate::http::openapi::PublicWrite;
use crate::http::{Body, Form, FromForm, Origin, Snapshot};

/// How long the second step may take.
const LASTS: Duration = Duration::from_secs(5 * 60);

const WRONG: Error = Error::Handle("code_wrong", "Ce code n'est pas le bon, ou il a déjà servi.");
const OVER: Error = Error::Handle(
    "challenge_over",
    "Cette étape de connexion n'est plus valable. Saisissez de nouveau votre mot de passe.",
);

/// The routes of the second step.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(code)).routes(routes!(setup)).routes(routes!(enable))
}

/// What is due behind the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// A code.
    Code,
    /// A factor: the role has to have one, and the time to do without is over.
    SetUp,
}

impl Due {
    /// What is due for this account.
    #[must_use]
    pub fn of(account: &Account, now: Time) -> Option<Self> {
        if account.mfa_enabled {
            return Some(Self::Code);
        }
        account.mfa_grace_until.filter(|until| *until <= now).map(|_| Self::SetUp)
    }
}

/// The name of a login whose second step is to come: 256 random bits.
#[derive(Clone)]
pub struct Challenge(String);

// It stands for a right password: no debug text shows it.
impl std::fmt::Debug for Challenge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Challenge(•••)")
    }
}

impl Challenge {
    fn generate() -> Result<Self> {
        let mut bytes = [0u8; 32];
        getrandom::fill(&mut bytes).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(Self(BASE64URL_NOPAD.encode(&bytes)))
    }

    /// What is stored of it: a plain hash, since nobody guesses 256 random bits.
    fn stored(&self) -> String {
        let labelled = Sha256::new().chain_update(b"neopro login challenge v1\0").chain_update(self.0.as_bytes());
        HEXLOWER.encode(&labelled.finalize())
    }

    fn read(form: &mut Form) -> Option<Self> {
        form.text("challenge", 64).map(Self)
    }
}

/// What a login answers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum LoginAnswer {
    /// The session has begun.
    Begun(LoggedIn),
    /// A code is due, by `POST /api/auth/login/code`.
    Code(CodeWanted),
    /// A second factor has to be set up, by `POST /api/auth/login/setup`.
    SetUp(SetupWanted),
}

/// The password was right; a code is asked for.
#[derive(Debug, Serialize, ToSchema)]
pub struct CodeWanted {
    /// True.
    #[serde(rename = "requireMfa")]
    require_mfa: bool,
    /// Names this login at its second step. Five codes may be tried.
    challenge: String,
    /// How long it counts, in seconds.
    expires_in: u64,
    /// What to do.
    message: &'static str,
}

/// The password was right; the role has to have a second factor, and there is none.
#[derive(Debug, Serialize, ToSchema)]
pub struct SetupWanted {
    /// True.
    #[serde(rename = "requireMfaSetup")]
    require_mfa_setup: bool,
    /// Names this login at its second step.
    challenge: String,
    /// How long it counts, in seconds.
    expires_in: u64,
    /// What to do.
    message: &'static str,
}

impl LoginAnswer {
    /// The answer that asks for the second step.
    #[must_use]
    pub fn asking(due: Due, challenge: Challenge) -> Self {
        let (challenge, expires_in) = (challenge.0, LASTS.as_secs());
        match due {
            Due::Code => Self::Code(CodeWanted {
                require_mfa: true,
                challenge,
                expires_in,
                message: "Saisissez le code de votre application d'authentification, ou un code de secours.",
            }),
            Due::SetUp => Self::SetUp(SetupWanted {
                require_mfa_setup: true,
                challenge,
                expires_in,
                message: "Votre rôle demande une double authentification : mettez-la en place pour vous connecter.",
            }),
        }
    }
}

/// Opens the second step for an account whose password is right; `None` when it was changed since.
pub async fn ask(app: &App, account: &Account, verified_hash: String, due: Due) -> Result<Option<Challenge>> {
    let (challenge, now) = (Challenge::generate()?, app.clock.now());
    let new = NewChallenge {
        token: challenge.stored(),
        user: account.id,
        verified_hash,
        for_code: due == Due::Code,
        now,
        expires_at: now.plus(LASTS),
    };
    Ok(app.db()?.run_as_system(store::open_challenge(new)).await?.then_some(challenge))
}

/// What became of a second step.
pub enum Passed {
    /// A session of this account, with its token and how long that lasts.
    Begun(Box<Account>, String, Duration),
    /// Another code, or one that was used.
    Wrong,
    /// The challenge counts no more.
    Over,
}

/// Takes a try of the challenge: the factor and the account, and whether it is the last one.
async fn attempt(app: &App, token: &str, for_code: bool, from: &Snapshot) -> Result<Option<(Factor, Account, bool)>> {
    let (now, address) = (app.clock.now(), from.ip.to_string());
    let flush =
        (store::try_challenge(token, for_code, &address, now), store::factor_at(token, now), store::account_at(token));
    let (taken, factor, account) = app.db()?.run_as_system(flush).await?;
    match (taken.outcome.as_str(), factor, account) {
        ("go", Some(factor), Some(account)) => Ok(Some((factor, account, taken.is_last))),
        ("slow", _, account) => {
            if let Some(account) = account {
                refused::slowed_at_code(app, &account, from).await;
            }
            Err(Error::TooManyRequests(u64::try_from(taken.seconds).unwrap_or(1)))
        }
        _ => Ok(None),
    }
}

/// Compares the code and begins the session.
pub async fn enter(
    app: &App,
    challenge: &Challenge,
    code: &Code,
    from: &Snapshot,
    handle: Option<&Handle>,
) -> Result<Passed> {
    let token = challenge.stored();
    let Some((factor, account, is_last)) = attempt(app, &token, true, from).await? else { return Ok(Passed::Over) };
    if let Some(spent) = check(app, account.id, &factor, code).await? {
        let now = app.clock.now();
        let pass = store::pass(&token, factor.mfa_secret, spent.clone(), now, &from.ip.to_string());
        let start = Start { handle, challenge: Some(token), details: Some(json!({ "factor": spent.name() })), now };
        if let Some((token, lifetime)) = begin(app, &account, from, start, pass).await? {
            return Ok(Passed::Begun(Box::new(account), token, lifetime));
        }
    }
    app.measures.login("failure", true);
    // Whoever comes this far knows the password: the owner should be able to find it.
    let entry = Entry::new(Action::MfaFailed, account.id, from, app.clock.now()).on("user", account.id);
    app.db()?.run_as_system(audit::store::record(entry)).await?;
    Ok(if is_last { Passed::Over } else { Passed::Wrong })
}

/// A code for a login.
#[derive(Debug, ToSchema)]
pub struct CodeStep {
    /// What the login has answered.
    #[schema(value_type = String)]
    challenge: Challenge,
    /// The six digits that the application shows, or a backup code (`XXXX-XXXX`).
    #[schema(value_type = String, example = "123456")]
    code: Code,
    /// As at the login.
    #[schema(value_type = Option<String>, min_length = 43, max_length = 43)]
    handle: Option<Handle>,
}

impl FromForm for CodeStep {
    fn read(form: &mut Form) -> Option<Self> {
        let (challenge, code) = (Challenge::read(form), Code::read(form, "code"));
        let handle = form.has("handle").then(|| Handle::read(form, "handle")).flatten();
        Some(Self { challenge: challenge?, code: code?, handle })
    }
}

/// Begins the session of a login that asked for a code. The failure's `code` is `code_wrong`, or `challenge_over`: the
/// login has to start again.
#[utoipa::path(
    post, path = "/api/auth/login/code", tag = "Authentication", request_body = CodeStep,
    responses((status = 200, description = "The session has begun; the cookie `neopro_token` is set.", body = LoggedIn), PublicWrite),
)]
async fn code(
    State(app): State<App>,
    origin: Origin,
    source: Source,
    from: Snapshot,
    Body(step): Body<CodeStep>,
) -> Result<Response> {
    let (began, key) = (Instant::now(), step.challenge.stored());
    let (source, is_new) = source.known_by_cookie(step.handle.is_none())?;
    let passed = enter(&app, &step.challenge, &step.code, &from, step.handle.as_ref()).await?;
    remember(&app, &source, &passed).await;
    let answer = answer(&app, began, passed, &key, &from, step.handle.as_ref(), &origin).await?;
    Ok(known_again(&app, answer, source.device.filter(|_| is_new), &origin))
}

/// From where a session has begun, the owner is not slowed by those who guess elsewhere. That it could not be written down
/// must keep nobody out.
async fn remember(app: &App, source: &Source, passed: &Passed) {
    let Passed::Begun(account, ..) = passed else { return };
    let entered = app.tries.begin(What::Login, &account.email, source).entered(account.id, app.clock.now());
    let written = async { Ok::<(), Error>(app.db()?.run_as_system(entered).await?) };
    if let Err(error) = written.await {
        tracing::warn!(?error, "from where a login came could not be written down");
    }
}

async fn answer(
    app: &App,
    began: Instant,
    passed: Passed,
    key: &str,
    from: &Snapshot,
    handle: Option<&Handle>,
    origin: &Origin,
) -> Result<Response> {
    let failure = match passed {
        Passed::Begun(account, token, lifetime) => {
            return Ok(logged_in(app, *account, token, lifetime, handle, origin));
        }
        Passed::Wrong => WRONG,
        Passed::Over => {
            app.login_limits.wrong(from.ip, key, app.clock.now())?;
            OVER
        }
    };
    app.clock.wait_until(began + REFUSAL).await;
    Err(failure)
}

/// The name of a login.
#[derive(Debug, ToSchema)]
pub struct SetupStep {
    /// What the login has answered.
    #[schema(value_type = String)]
    challenge: Challenge,
}

impl FromForm for SetupStep {
    fn read(form: &mut Form) -> Option<Self> {
        Some(Self { challenge: Challenge::read(form)? })
    }
}

/// The second factor of a login that has to set one up: the QR code, the same for those who type, and backup codes. It
/// is on after `POST /api/auth/login/enable`.
#[utoipa::path(
    post, path = "/api/auth/login/setup", tag = "Authentication", operation_id = "login_setup", request_body = SetupStep,
    responses((status = 200, description = "What to scan and what to keep; shown this once.", body = NewFactor), PublicWrite),
)]
async fn setup(State(app): State<App>, from: Snapshot, Body(step): Body<SetupStep>) -> Result<Json<NewFactor>> {
    let (token, now) = (step.challenge.stored(), app.clock.now());
    let Some(account) = app.db()?.run_as_system(store::account_at_set_up(&token, now)).await? else {
        app.login_limits.wrong(from.ip, &token, now)?;
        return Err(OVER);
    };
    // Who asks again and again for something that takes a while to make is slowed down.
    app.login_limits.asked(&token, now)?;
    let (shown, pending) = invent(&app, account.id, &account.email).await?;
    let kept = app.db()?.run_as_system(store::set_up(account.id, pending, now)).await?;
    if kept { Ok(Json(shown)) } else { Err(OVER) }
}

/// Turns the second factor on that this login has set up, and begins its session. The failure's `code` is `code_wrong`,
/// or `challenge_over`: the login has to start again.
#[utoipa::path(
    post, path = "/api/auth/login/enable", tag = "Authentication", operation_id = "login_enable", request_body = CodeStep,
    responses((status = 200, description = "The factor is on and the session has begun; the cookie `neopro_token` is set.", body = LoggedIn), PublicWrite),
)]
async fn enable(
    State(app): State<App>,
    origin: Origin,
    source: Source,
    from: Snapshot,
    Body(step): Body<CodeStep>,
) -> Result<Response> {
    let (began, key) = (Instant::now(), step.challenge.stored());
    let (source, is_new) = source.known_by_cookie(step.handle.is_none())?;
    let passed = enable_and_enter(&app, &step, &from).await?;
    remember(&app, &source, &passed).await;
    let answer = answer(&app, began, passed, &key, &from, step.handle.as_ref(), &origin).await?;
    Ok(known_again(&app, answer, source.device.filter(|_| is_new), &origin))
}

async fn enable_and_enter(app: &App, step: &CodeStep, from: &Snapshot) -> Result<Passed> {
    let token = step.challenge.stored();
    let Some((factor, mut account, is_last)) = attempt(app, &token, false, from).await? else {
        return Ok(Passed::Over);
    };
    let sealed = factor.pending.ok_or(Error::field("challenge", "Demandez d'abord le code QR de cette connexion."))?;
    let (user, now) = (account.id, app.clock.now());
    let found = match &step.code {
        Code::Timed(digits) => open(app, user, &sealed).and_then(|secret| secret.step_of(*digits, now)),
        Code::Backup(_) => None,
    };
    if let Some(at) = found {
        let entry =
            Entry::new(Action::MfaEnabled, user, from, now).on("user", user).change(noted(None), noted(Some("after")));
        // Sessions without a second factor, which the rule has stopped, do not come back with it.
        let others = store::end_sessions(user, None, now);
        let first = (
            store::enable(user, &sealed, at, now),
            store::pass_set_up(&token, now),
            others,
            audit::store::record(entry),
        );
        let details = Some(json!({ "factor": Spent::Step(at).name() }));
        let start = Start { handle: step.handle.as_ref(), challenge: Some(token), details, now };
        if let Some((token, lifetime)) = begin(app, &account, from, start, first).await? {
            (account.mfa_enabled, account.mfa_grace_until) = (true, None);
            return Ok(Passed::Begun(Box::new(account), token, lifetime));
        }
    }
    Ok(if is_last { Passed::Over } else { Passed::Wrong })
}
