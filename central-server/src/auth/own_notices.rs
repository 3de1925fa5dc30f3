//! `/api/auth/notifications`: what a person wants to be written to about.

use axum::Json;
use axum::extract::State;
use serde_json::json;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Person;
use super::store::{self, OwnNotices};
use crate::app::App;
use crate::audit::{self, Action, Entry};
use crate::error::{Error, Result};
use crate::http::openapi::{Read, Write};
use crate::http::{Body, Form, FromForm, Snapshot};

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(own_notices, set_own_notices))
}

const GONE: Error = Error::NotFound("Ce compte");

impl FromForm for OwnNotices {
    fn read(form: &mut Form) -> Option<Self> {
        let mut flag = |field: &str| {
            let flag = form.flag(field);
            if flag.is_none() && !form.has_problem(field) {
                form.problem(field, "Ce champ est obligatoire.");
            }
            flag
        };
        let (alerts, results, summary) = (flag("mail_alerts"), flag("mail_results"), flag("mail_summary"));
        Some(Self { mail_alerts: alerts?, mail_results: results?, mail_summary: summary? })
    }
}

/// What the caller is written to about. Mail about the account itself is always sent.
#[utoipa::path(
    get, path = "/api/auth/notifications", tag = "Authentication", security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, description = "What holds.", body = OwnNotices), Read),
)]
async fn own_notices(person: Person) -> Result<Json<OwnNotices>> {
    person.run(store::own_notices(person.user())).await?.map(Json).ok_or(GONE)
}

/// Decides that.
#[utoipa::path(
    put, path = "/api/auth/notifications", tag = "Authentication", request_body = OwnNotices,
    security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, description = "What holds from now on.", body = OwnNotices), Write),
)]
async fn set_own_notices(
    State(app): State<App>,
    person: Person,
    from: Snapshot,
    Body(new): Body<OwnNotices>,
) -> Result<Json<OwnNotices>> {
    let (user, now) = (person.user(), app.clock.now());
    let before = person.run(store::own_notices(user)).await?.ok_or(GONE)?;
    let entry = Entry::new(Action::UserUpdated, user, &from, now).on("user", user).change(json!(before), json!(new));
    let flush = (store::set_own_notices(user, &new, now), audit::store::record(entry), store::own_notices(user));
    let ((), (), after) = person.run_as_system(flush).await?;
    after.map(Json).ok_or(GONE)
}
