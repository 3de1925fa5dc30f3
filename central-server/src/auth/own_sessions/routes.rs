//! `/api/auth/sessions`: a person's own sessions.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::SessionList;
use super::store;
use crate::app::App;
use crate::audit::{self, Action, Entry};
use crate::auth::Person;
use crate::error::{Error, Result};
use crate::http::openapi::{Read, Write};
use crate::http::{Id, Snapshot};
use crate::ids::SessionId;

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, end_others)).routes(routes!(end))
}

/// Where the caller is logged in.
#[utoipa::path(
    get, path = "/api/auth/sessions", tag = "Authentication", operation_id = "list_sessions",
    security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, description = "The sessions that stand, this one first.", body = SessionList), Read),
)]
async fn list(State(app): State<App>, person: Person) -> Result<Json<SessionList>> {
    let sessions = person.run(store::list(person.scope(), person.session(), app.clock.now())).await?;
    Ok(Json(SessionList { sessions }))
}

/// A sentence about the session.
#[derive(Debug, Serialize, ToSchema)]
struct SessionMessage {
    /// The sentence.
    message: &'static str,
}

/// Ends one of the caller's own sessions, this one included: the next request of it is refused, and its streams end.
#[utoipa::path(
    delete, path = "/api/auth/sessions/{id}", tag = "Authentication", operation_id = "end_session",
    security(("bearer" = []), ("cookie" = [])),
    params(("id" = SessionId, Path, description = "The session's id.")),
    responses((status = 200, description = "The session is over.", body = SessionMessage), Write),
)]
async fn end(
    State(app): State<App>,
    person: Person,
    Id(id): Id<SessionId>,
    from: Snapshot,
) -> Result<Json<SessionMessage>> {
    let now = app.clock.now();
    let entry = Entry::new(Action::SessionEnded, person.user(), &from, now)
        .on("session", id)
        .change(json!({ "session": id }), Value::Null);
    let flush = (audit::store::record_ending(entry, id), store::end(person.scope(), id, now));
    let ((), ended) = person.run(flush).await?;
    if !ended {
        return Err(Error::NotFound("Cette session"));
    }
    app.changes.end(id);
    Ok(Json(SessionMessage { message: "La session est fermée." }))
}

/// How many sessions have ended.
#[derive(Debug, Serialize, ToSchema)]
struct SessionsEnded {
    /// The sentence.
    message: String,
    /// How many.
    ended: usize,
}

/// Ends all of the caller's sessions but this one.
#[utoipa::path(
    delete, path = "/api/auth/sessions", tag = "Authentication", operation_id = "end_other_sessions",
    security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, description = "Only this session is left.", body = SessionsEnded), Write),
)]
async fn end_others(State(app): State<App>, person: Person, from: Snapshot) -> Result<Json<SessionsEnded>> {
    let (now, current) = (app.clock.now(), person.session());
    let entry = Entry::new(Action::SessionEnded, person.user(), &from, now)
        .on("user", person.user())
        .with(json!({ "sessions": "others" }));
    let flush = (audit::store::record_ending_others(entry, current), store::end_others(person.scope(), current, now));
    let ((), others) = person.run(flush).await?;
    others.iter().for_each(|session| app.changes.end(*session));
    let message = match others.len() {
        0 => "Aucune autre session n'était ouverte.".to_owned(),
        1 => "L'autre session est fermée.".to_owned(),
        many => format!("Les {many} autres sessions sont fermées."),
    };
    Ok(Json(SessionsEnded { message, ended: others.len() }))
}
