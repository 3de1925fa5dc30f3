//! `/api/mfa`: a person's own second factor; and taking away that of somebody who has lost it.

use std::time::Instant;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::store::{self, Factor, FactorStatus};
use super::{Code, NewFactor, Spent, backup, check, invent, noted, open};
use crate::app::App;
use crate::audit::{self, Action, Entry};
use crate::auth::routes::REFUSAL;
use crate::auth::{Caller, Person, SuperAdmin};
use crate::db;
use crate::error::{Error, Result};
use crate::http::openapi::{Read, Write};
use crate::http::{Body, Form, FromForm, Id, Snapshot};
use crate::ids::UserId;
use crate::notify::mail::{self, Letter};

const GONE: Error = Error::NotFound("Ce compte");
const ON: Error = Error::Conflict("mfa_on", "La double authentification est déjà activée.");
const OFF: Error = Error::Conflict("mfa_off", "La double authentification n'est pas activée.");
const BEGIN: Error = Error::Conflict(
    "mfa_not_set_up",
    "Demandez d'abord un code QR : aucune mise en place n'est en cours, ou elle date de plus d'une heure.",
);
const REQUIRED: Error = Error::Conflict(
    "mfa_required",
    "Votre rôle demande une double authentification : elle peut être remplacée, mais pas retirée.",
);

/// The routes of the second factor.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(status))
        .routes(routes!(setup))
        .routes(routes!(replace))
        .routes(routes!(enable))
        .routes(routes!(disable))
        .routes(routes!(regenerate))
        .routes(routes!(reset))
}

/// A code of one's own second factor.
#[derive(Debug, ToSchema)]
pub struct OwnCode {
    /// The six digits that the application shows; where the factor is on, a backup code (`XXXX-XXXX`) as well.
    #[schema(value_type = String, example = "123456")]
    code: Code,
}

impl FromForm for OwnCode {
    fn read(form: &mut Form) -> Option<Self> {
        Some(Self { code: Code::read(form, "code")? })
    }
}

/// Something is done.
#[derive(Debug, Serialize, ToSchema)]
pub struct FactorMessage {
    /// True.
    success: bool,
    /// What was done.
    message: &'static str,
}

/// New backup codes.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewCodes {
    /// Eight codes, each of which opens once; shown this once.
    backup_codes: Vec<String>,
    /// What became of the codes before.
    message: &'static str,
}

/// How it is with one's own second factor.
#[utoipa::path(
    get, path = "/api/mfa/status", tag = "Authentication", security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, description = "The second factor of the session's account.", body = FactorStatus), Read),
)]
async fn status(caller: Caller) -> Result<Json<FactorStatus>> {
    caller.run_as_system(store::status(caller.user())).await?.map(Json).ok_or(GONE)
}

/// Begins to set a second factor up: the QR code, the same for those who type, and backup codes. It is on after
/// `POST /api/mfa/enable` within the hour.
#[utoipa::path(
    post, path = "/api/mfa/setup", tag = "Authentication", operation_id = "set_up_second_factor", security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, description = "What to scan and what to keep; shown this once.", body = NewFactor), Write),
)]
async fn setup(State(app): State<App>, caller: Caller) -> Result<Json<NewFactor>> {
    let (user, now) = (caller.user(), app.clock.now());
    let factor = caller.run_as_system(store::factor(user, now)).await?.ok_or(GONE)?;
    if factor.enabled {
        return Err(ON);
    }
    let (shown, pending) = invent(&app, user, &factor.email).await?;
    let kept = caller.run_as_system(store::set_up(user, pending, now)).await?;
    if kept { Ok(Json(shown)) } else { Err(ON) }
}

/// Begins to set up a second factor that is to take the place of the present one, for a new telephone. The present one
/// stays until `POST /api/mfa/enable` within the hour.
#[utoipa::path(
    post, path = "/api/mfa/replace", tag = "Authentication", security(("bearer" = []), ("cookie" = [])), request_body = OwnCode,
    responses((status = 200, description = "What to scan and what to keep; shown this once.", body = NewFactor), Write),
)]
async fn replace(
    State(app): State<App>,
    caller: Caller,
    from: Snapshot,
    Body(own): Body<OwnCode>,
) -> Result<Json<NewFactor>> {
    let proven = prove(&app, &caller, &from, &own.code).await?;
    let (shown, pending) = invent(&app, caller.user(), &proven.factor.email).await?;
    let (now, address) = (app.clock.now(), from.ip.to_string());
    let act = store::set_up_another(caller.user(), proven.factor.mfa_secret, proven.spent, pending, now, &address);
    caller.run_as_system(act).await.map_err(used)?;
    Ok(Json(shown))
}

/// Turns on the second factor that was set up, by its first code. The person's other sessions, which began without it, end.
#[utoipa::path(
    post, path = "/api/mfa/enable", tag = "Authentication", operation_id = "enable_second_factor", security(("bearer" = []), ("cookie" = [])), request_body = OwnCode,
    responses((status = 200, description = "A code is asked for at login from now on.", body = FactorMessage), Write),
)]
async fn enable(
    State(app): State<App>,
    caller: Person,
    from: Snapshot,
    Body(own): Body<OwnCode>,
) -> Result<Json<FactorMessage>> {
    let (user, now) = (caller.user(), app.clock.now());
    let factor = caller.run_as_system(store::factor(user, now)).await?.ok_or(GONE)?;
    let sealed = factor.pending.ok_or(if factor.enabled { ON } else { BEGIN })?;
    let Code::Timed(digits) = own.code else {
        return Err(Error::field("code", "Les 6 chiffres que l'application affiche sont attendus."));
    };
    let step = open(&app, user, &sealed).and_then(|secret| secret.step_of(digits, now)).ok_or_else(wrong)?;
    let was = noted(factor.enabled.then_some("before"));
    let entry = Entry::new(Action::MfaEnabled, user, &from, now).on("user", user).change(was, noted(Some("after")));
    let others = store::end_sessions(user, Some(caller.session()), now);
    let flush = (store::enable(user, &sealed, step, now), others, audit::store::record(entry));
    let ((), ended, ()) =
        caller.run_as_system(flush).await.map_err(|error| if refused(&error) { BEGIN } else { error.into() })?;
    app.have_ended(ended);
    app.measures.factor("enabled");
    Ok(done(
        "La double authentification est activée : un code vous sera demandé à chaque connexion. Vos autres sessions sont \
         fermées.",
    ))
}

/// Turns the second factor off, unless the role has to have one.
#[utoipa::path(
    post, path = "/api/mfa/disable", tag = "Authentication", security(("bearer" = []), ("cookie" = [])), request_body = OwnCode,
    responses((status = 200, description = "No code is asked for at login any more.", body = FactorMessage), Write),
)]
async fn disable(
    State(app): State<App>,
    caller: Caller,
    from: Snapshot,
    Body(own): Body<OwnCode>,
) -> Result<Json<FactorMessage>> {
    let status = caller.run_as_system(store::status(caller.user())).await?.ok_or(GONE)?;
    if status.enabled && status.required {
        return Err(REQUIRED);
    }
    let proven = prove(&app, &caller, &from, &own.code).await?;
    let (user, now, address) = (caller.user(), app.clock.now(), from.ip.to_string());
    let entry =
        Entry::new(Action::MfaDisabled, user, &from, now).on("user", user).change(noted(Some("before")), noted(None));
    let act = store::disable(user, proven.factor.mfa_secret, proven.spent, now, &address);
    caller.run_as_system((act, audit::store::record(entry))).await.map_err(used)?;
    app.measures.factor("disabled");
    Ok(done("La double authentification est désactivée."))
}

/// Replaces the backup codes.
#[utoipa::path(
    post, path = "/api/mfa/backup-codes/regenerate", tag = "Authentication", security(("bearer" = []), ("cookie" = [])), request_body = OwnCode,
    responses((status = 200, description = "The new codes; those before open nothing any more.", body = NewCodes), Write),
)]
async fn regenerate(
    State(app): State<App>,
    caller: Caller,
    from: Snapshot,
    Body(own): Body<OwnCode>,
) -> Result<Json<NewCodes>> {
    let proven = prove(&app, &caller, &from, &own.code).await?;
    let set = backup::generate(&app.passwords).await?;
    let (user, now, address) = (caller.user(), app.clock.now(), from.ip.to_string());
    let entry = Entry::new(Action::BackupCodesReplaced, user, &from, now)
        .on("user", user)
        .change(json!({ "backup_codes": "before" }), json!({ "backup_codes": "after" }));
    let act = store::replace_codes(user, proven.factor.mfa_secret, proven.spent, set.stored, now, &address);
    caller.run_as_system((act, audit::store::record(entry))).await.map_err(used)?;
    Ok(Json(NewCodes { backup_codes: set.shown, message: "Les codes précédents ne sont plus valables." }))
}

/// A factor that is on, and a code of it that is right, unless it was used.
struct Proven {
    factor: Factor,
    spent: Spent,
}

/// Compares a code of a person who is logged in with the present factor. Wrong ones count like those of a login, and
/// their answer takes as long: a session that was left open is no place to guess.
async fn prove(app: &App, caller: &Caller, from: &Snapshot, code: &Code) -> Result<Proven> {
    let (began, user, now) = (Instant::now(), caller.user(), app.clock.now());
    let flush = (store::factor(user, now), store::take_try(user, &from.ip.to_string(), now));
    let (factor, seconds) = caller.run_as_system(flush).await?;
    let factor = factor.ok_or(GONE)?;
    if !factor.enabled {
        return Err(OFF);
    }
    if seconds > 0 {
        return Err(Error::TooManyRequests(u64::try_from(seconds).unwrap_or(1)));
    }
    match check(app, user, &factor, code).await? {
        Some(spent) => Ok(Proven { factor, spent }),
        None => {
            app.clock.wait_until(began + REFUSAL).await;
            Err(wrong())
        }
    }
}

fn wrong() -> Error {
    Error::field("code", "Ce code n'est pas le bon, ou il a déjà servi.")
}

fn refused(error: &db::Error) -> bool {
    matches!(error, db::Error::Refused)
}

fn used(error: db::Error) -> Error {
    if refused(&error) { wrong() } else { error.into() }
}

fn done(message: &'static str) -> Json<FactorMessage> {
    Json(FactorMessage { success: true, message })
}

/// Takes away the second factor of somebody who has lost it, and ends that person's sessions. The password alone logs in
/// then; where the role has to have a factor, it is set up while doing so.
#[utoipa::path(
    post, path = "/api/users/{id}/reset-mfa", tag = "Users", operation_id = "reset_second_factor", security(("bearer" = []), ("cookie" = [])),
    params(("id" = UserId, Path, description = "The account's id; not one's own.")),
    responses((status = 200, description = "The account has no second factor any more.", body = FactorMessage), Write),
)]
async fn reset(
    State(app): State<App>,
    caller: SuperAdmin,
    Id(id): Id<UserId>,
    from: Snapshot,
) -> Result<Json<FactorMessage>> {
    if id == caller.user() {
        return Err(Error::Conflict("own_account", "Votre propre double authentification se gère dans votre profil."));
    }
    let now = app.clock.now();
    let entry = Entry::new(Action::MfaReset, caller.user(), &from, now)
        .on("user", id)
        .change(noted(Some("before")), noted(None));
    let told = mail::enqueue(&app, id, &Letter::SecondFactorRemoved, None)?;
    let flush = (store::reset(id, now), store::end_sessions(id, None, now), audit::store::record(entry), told);
    match caller.run_as_system(flush).await {
        Ok(((), ended, (), ())) => {
            app.have_ended(ended);
            app.jobs.ring();
            Ok(done("La double authentification de ce compte est retirée et ses sessions sont terminées."))
        }
        Err(error) if refused(&error) => {
            Err(if caller.run_as_system(store::exists(id)).await? { OFF_THERE } else { GONE })
        }
        Err(error) => Err(error.into()),
    }
}

const OFF_THERE: Error = Error::Conflict("mfa_off", "Ce compte n'a pas de double authentification.");
