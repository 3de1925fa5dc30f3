//! `/api/auth/setup`: the first account.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::store::{self, First};
use super::{SetUp, Works};
use crate::app::App;
use crate::audit::{self, Action, Entry};
use crate::auth::{Message, Role, Source, What, password};
use crate::error::{Error, Result};
use crate::http::openapi::{PublicRead, PublicWrite};
use crate::http::{Body, Query, Snapshot};
use crate::ids::UserId;
use crate::passwords::{Shown, hash_of};

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(works)).routes(routes!(set_up))
}

const DEAD: Error = Error::Link(
    "link_invalid",
    "Ce lien ne fonctionne pas ou plus : le premier compte existe déjà, ou le lien a plus de 24 heures. Le journal du \
     serveur affiche le lien valable.",
);

/// Whether a link for the first account works.
#[utoipa::path(
    get, path = "/api/auth/setup", tag = "Authentication",
    params(("token" = String, Query, description = "What stands in the link.")),
    responses((status = 200, description = "Whether it works.", body = Works), PublicRead),
)]
async fn works(State(app): State<App>, Query(Shown(token)): Query<Shown>) -> Result<Json<Works>> {
    let valid = app.db()?.run_as_system(store::works(hash_of(&token), app.clock.now())).await?;
    Ok(Json(Works { valid }))
}

/// Makes the first account, a super_admin, with a link from the log. Refused for ever once there is one.
#[utoipa::path(
    post, path = "/api/auth/setup", tag = "Authentication", request_body = SetUp,
    responses((status = 201, description = "The account is there.", body = Message), PublicWrite),
)]
async fn set_up(
    State(app): State<App>,
    source: Source,
    from: Snapshot,
    Body(set_up): Body<SetUp>,
) -> Result<(StatusCode, Json<Message>)> {
    let SetUp { token, email, full_name, password, language } = set_up;
    let (token_hash, now) = (hash_of(&token), app.clock.now());
    // Asked before a password is hashed for anybody who comes by.
    if !app.db()?.run_as_system(store::works(token_hash.clone(), now)).await? {
        return Err(DEAD);
    }
    password::accept(&password, &email).map_err(|why| Error::field("password", why))?;
    let password_hash = app.passwords.hash(password).await?;
    let user = UserId::new();
    let entry = Entry::new(Action::FirstAccountCreated, user, &from, now)
        .on("user", user)
        .change(Value::Null, json!({ "email": email, "full_name": full_name, "role": Role::SuperAdmin }));
    let entered = app.tries.begin(What::Login, &email, &source).entered(user, now);
    let first = First { token_hash, user, email, full_name, password_hash, language, now };
    let flush = (store::set_up(first), audit::store::record(entry), entered);
    app.db()?.run_as_system(flush).await.map_err(|error| if error.is_gone() { DEAD } else { error.into() })?;
    Ok((StatusCode::CREATED, Json(Message::saying("Le compte est créé. Connectez-vous."))))
}
