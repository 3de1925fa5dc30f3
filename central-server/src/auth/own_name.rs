//! `PATCH /api/auth/me`: a person's own name. Whatever else an account is, others decide.

use axum::Json;
use axum::extract::State;
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Person;
use super::store::{self, Me};
use crate::app::App;
use crate::audit::{self, Action, Entry};
use crate::db;
use crate::error::{Error, Result};
use crate::http::openapi::Write;
use crate::http::{Body, Form, FromForm, Snapshot};

/// The route of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(rename))
}

/// The longest name.
const LONGEST: usize = 255;

/// How the caller wants to be called.
#[derive(Debug, ToSchema)]
pub struct OwnName {
    /// The person's name.
    #[schema(min_length = 1, max_length = 255, example = "Camille Durand")]
    full_name: String,
}

impl FromForm for OwnName {
    fn read(form: &mut Form) -> Option<Self> {
        Some(Self { full_name: form.text("full_name", LONGEST)? })
    }
}

/// Changes the caller's own name. The address, the role and the tenant stay: who manages accounts changes those.
#[utoipa::path(
    patch, path = "/api/auth/me", tag = "Authentication", operation_id = "rename_me", request_body = OwnName,
    security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, description = "The account as it is now.", body = Me), Write),
)]
async fn rename(
    State(app): State<App>,
    person: Person,
    from: Snapshot,
    Body(OwnName { full_name }): Body<OwnName>,
) -> Result<Json<Me>> {
    let (user, now) = (person.user(), app.clock.now());
    let look = || store::me(person.scope(), user, person.session(), now);
    let me = person.run(look()).await?.ok_or(GONE)?;
    let before = me.full_name.clone();
    // Nothing has happened that a journal could tell of.
    if before.as_ref() == Some(&full_name) {
        return Ok(Json(me));
    }
    let entry = Entry::new(Action::UserUpdated, user, &from, now)
        .on("user", user)
        .change(json!({ "full_name": before }), json!({ "full_name": full_name }));
    let flush = (store::rename(user, before, full_name, now), audit::store::record(entry), look());
    let ((), (), me) = person.run_as_system(flush).await.map_err(refused)?;
    me.map(Json).ok_or(GONE)
}

const GONE: Error = Error::NotFound("Ce compte");

/// The journal says what the name was: if it is another one by now, that would be wrong.
fn refused(error: db::Error) -> Error {
    match &error {
        db::Error::Rule(rule) if rule == "users_changed_meanwhile" => Error::Conflict(
            "changed_meanwhile",
            "Ce compte vient d'être modifié par quelqu'un d'autre : rechargez-le avant de recommencer.",
        ),
        _ => error.into(),
    }
}
