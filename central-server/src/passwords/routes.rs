//! `/api/auth`: forgotten, reset and changed passwords.

use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::store::{self, Forgotten};
use super::{Change, Done, Forgot, GoodLink, Kind, Reset, Shown, Token, Tongue, hash_of};
use crate::app::App;
use crate::audit::{self, Action, Entry};
use crate::auth::password::{self, Match};
use crate::auth::{Message, Person, Source, What};
use crate::error::{Error, Result};
use crate::http::openapi::{PublicRead, PublicWrite, Write};
use crate::http::{Body, Query, Snapshot};
use crate::ids::SessionId;
use crate::notify::mail::{self, Letter};

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(forgot))
        .routes(routes!(verify))
        .routes(routes!(reset))
        .routes(routes!(change))
        .routes(routes!(set_language))
}

/// How long the answer to a forgotten password takes: longer than its statements, whether there is an account or not.
const ANSWER: Duration = Duration::from_secs(1);

const DEAD: Error = Error::Link(
    "link_invalid",
    "Ce lien ne fonctionne pas ou plus : il a servi, il est trop vieux, ou un autre l'a remplacé.",
);

/// Mails a link to choose a new password, if the address has an account. The answer is the same, and takes as long, if
/// it has none.
#[utoipa::path(
    post, path = "/api/auth/forgot-password", tag = "Authentication", request_body = Forgot,
    responses((status = 200, description = "If there is such an account, a mail is on its way.", body = Done), PublicWrite),
)]
async fn forgot(
    State(app): State<App>,
    source: Source,
    from: Snapshot,
    Body(Forgot { email, language }): Body<Forgot>,
) -> Result<Json<Done>> {
    let (began, now) = (Instant::now(), app.clock.now());
    let mut asking = app.tries.begin(What::Reset, &email, &source);
    let looked = app.db()?.run_as_system(asking.look(now)).await?;
    // Who asks for many accounts is told to wait. Who asks often for one gets no further mail, and is not told.
    asking.allow_address(&looked)?;
    if asking.allow(looked).is_ok() {
        let token = Token::fresh().map_err(|error| Error::Internal(error.to_string()))?;
        let token_hash = hash_of(&token);
        let (job, sealed) = mail::seal(&app, &Letter::Reset { token }, language)?;
        let expires_at = now.plus(Kind::Reset.lifetime());
        let forgotten = Forgotten { email, token_hash, expires_at, job, sealed, from, now };
        match app.db()?.run_as_system((store::forgot(forgotten), asking.failed(now))).await {
            // Suspended at this very moment: as if there had never been such an account.
            Err(error) if error.is_gone() => {}
            Err(error) => return Err(error.into()),
            Ok(_) => {}
        }
    }
    app.clock.wait_until(began + ANSWER).await;
    // Behind the answer's moment: a worker that sends at once would tell by its load whether there is a mail.
    app.jobs.ring();
    Ok(Json(Done::saying(
        "Si un compte existe pour cette adresse, un lien pour choisir un nouveau mot de passe vient de lui être envoyé.",
    )))
}

/// Whether a link works, and whose it is.
#[utoipa::path(
    get, path = "/api/auth/verify-reset-token", tag = "Authentication",
    params(("token" = String, Query, description = "What stands in the link.")),
    responses(
        (status = 200, description = "The link works.", body = GoodLink),
        (status = 401, description = "It does not, or no more.", body = crate::error::ErrorBody),
        (status = 429, description = "Too many tries; see `Retry-After`.", body = crate::error::ErrorBody),
        PublicRead,
    ),
)]
async fn verify(State(app): State<App>, source: Source, Query(Shown(token)): Query<Shown>) -> Result<Json<GoodLink>> {
    let found = find(&app, &source, &token).await?;
    let kind = if found.invites { Kind::Invitation } else { Kind::Reset };
    Ok(Json(GoodLink { valid: true, email: found.email, full_name: found.full_name, kind }))
}

/// The link of a token. Wrong ones are counted for their address.
async fn find(app: &App, source: &Source, token: &Token) -> Result<store::Link> {
    let now = app.clock.now();
    let guess = app.tries.begin(What::Reset, "", source);
    let (looked, found) = app.db()?.run_as_system((guess.look(now), store::find(hash_of(token), now))).await?;
    // Nobody guesses 256 bits: a link that works is let through, whatever others have tried from here.
    if let Some(found) = found {
        return Ok(found);
    }
    guess.allow_address(&looked)?;
    app.db()?.run_as_system(guess.failed_at_address(now)).await?;
    Err(DEAD)
}

/// Sets a new password by a link, which works once. Every session of the account ends.
#[utoipa::path(
    post, path = "/api/auth/reset-password", tag = "Authentication", operation_id = "reset_forgotten_password", request_body = Reset,
    responses((status = 200, description = "The password is set.", body = Done), PublicWrite),
)]
async fn reset(
    State(app): State<App>,
    source: Source,
    from: Snapshot,
    Body(Reset { token, password, language, .. }): Body<Reset>,
) -> Result<Json<Done>> {
    let found = find(&app, &source, &token).await?;
    password::accept(&password, &found.email).map_err(|why| Error::field("password", why))?;
    let hash = app.passwords.hash(password).await?;
    let now = app.clock.now();
    let user = found.user_id;
    let (action, letter) = match found.invites {
        true => (Action::InvitationAccepted, None),
        false => (Action::PasswordReset, Some(Letter::PasswordChanged)),
    };
    let was = if found.invites { Value::Null } else { "before".into() };
    let entry = Entry::new(action, user, &from, now)
        .on("user", user)
        .change(json!({ "password": was }), json!({ "password": "after" }));
    let used = store::use_link(hash_of(&token), hash, language, now);
    // Whoever holds the mailbox is let in from here, whatever strangers have guessed meanwhile.
    let entered = app.tries.begin(What::Login, &found.email, &source).entered(user, now);
    let told = letter.map(|letter| mail::enqueue(&app, user, &letter, language)).transpose()?;
    let flush = (used, audit::store::record(entry), entered, told);
    let (sessions, ..) =
        app.db()?.run_as_system(flush).await.map_err(|error| if error.is_gone() { DEAD } else { error.into() })?;
    over(&app, sessions);
    Ok(Json(Done::saying("Votre mot de passe est enregistré. Connectez-vous.")))
}

/// Sessions are over: their streams end at once.
fn over(app: &App, sessions: Vec<SessionId>) {
    sessions.into_iter().for_each(|session| app.changes.end(session));
    app.jobs.ring();
}

/// Changes one's own password. The other sessions of the account end.
#[utoipa::path(
    post, path = "/api/auth/change-password", tag = "Authentication", request_body = Change,
    security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, description = "The password is changed.", body = Message), Write),
)]
async fn change(
    State(app): State<App>,
    caller: Person,
    source: Source,
    from: Snapshot,
    Body(Change { current_password, new_password }): Body<Change>,
) -> Result<Json<Message>> {
    let (now, user) = (app.clock.now(), caller.user());
    let own = caller.run(store::own(user)).await?.ok_or(Error::NotFound("Ce compte"))?;
    let mut guess = app.tries.begin(What::Login, &own.email, &source);
    let looked = app.db()?.run_as_system(guess.look(now)).await?;
    guess.allow(looked)?;
    if app.passwords.verify(current_password, Some(own.password_hash.clone())).await? == Match::No {
        app.db()?.run_as_system(guess.failed(now)).await?;
        return Err(Error::field("current_password", "Ce n'est pas votre mot de passe actuel."));
    }
    password::accept(&new_password, &own.email).map_err(|why| Error::field("new_password", why))?;
    let hash = app.passwords.hash(new_password).await?;
    let entry = Entry::new(Action::PasswordChanged, user, &from, now)
        .on("user", user)
        .change(json!({ "password": "before" }), json!({ "password": "after" }));
    let changed = store::change(own.password_hash, hash, caller.session(), now);
    let told = mail::enqueue(&app, user, &Letter::PasswordChanged, None)?;
    let (sessions, ..) =
        caller.run((changed, audit::store::record(entry), told)).await.map_err(|error| match error.is_gone() {
            true => Error::Conflict("password_changed", "Votre mot de passe a été changé entre-temps. Recommencez."),
            false => error.into(),
        })?;
    over(&app, sessions);
    Ok(Json(Message::saying("Votre mot de passe est changé. Vos autres sessions sont fermées.")))
}

/// Sets the language in which one is written to.
#[utoipa::path(
    put, path = "/api/auth/language", tag = "Authentication", request_body = Tongue,
    security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, description = "The language is set.", body = Message), Write),
)]
async fn set_language(
    State(app): State<App>,
    caller: Person,
    from: Snapshot,
    Body(Tongue { language }): Body<Tongue>,
) -> Result<Json<Message>> {
    let user = caller.user();
    let entry = Entry::new(Action::UserUpdated, user, &from, app.clock.now()).on("user", user);
    let before = audit::store::before("user", user.0);
    caller.run((before, store::set_language(language), audit::store::record_change_if_any(entry, user.0))).await?;
    Ok(Json(Message::saying("Votre langue est enregistrée.")))
}
