//! `GET /api/events`.

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Refused;
use super::stream::Open;
use crate::app::App;
use crate::auth::Caller;
use crate::error::{Error, Result};
use crate::http::openapi::Read;
use crate::http::{Form, FromForm, Query};
use crate::ids::SiteId;
use crate::sites;

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(events))
}

/// Which site is watched closely.
struct Watched(Option<SiteId>);

impl FromForm for Watched {
    fn read(form: &mut Form) -> Option<Self> {
        Some(Self(if form.has("site") { Some(form.id("site")?) } else { None }))
    }
}

/// An event of the stream, as it stands on the wire.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it is only described: the stream writes its lines itself")]
struct StreamEvent {
    /// `hello`, `changes`, `heartbeat` or `end`.
    event: String,
    /// JSON. Of `changes` it is `Changes`, of `heartbeat` `Heartbeat`.
    data: String,
}

/// What changes, as it happens, until the session or token is over. Events: `hello` with the server's time in `at` and
/// its `version`; `changes` at most four times a second; `heartbeat` of the site that is watched; `end` with its
/// `reason` when the session is over. Rows are those that the session may see. What happened while no stream was open is
/// not told: read anew.
#[utoipa::path(
    get, path = "/api/events", tag = "Live", security(("bearer" = []), ("cookie" = [])),
    params(("site" = Option<SiteId>, Query, description = "Adds the heartbeats of this site.")),
    responses(
        (status = 200, description = "The stream; the schema is that of each event.", body = StreamEvent, content_type = "text/event-stream"),
        Read,
    ),
)]
async fn events(State(app): State<App>, caller: Caller, Query(Watched(site)): Query<Watched>) -> Result<Response> {
    match site {
        Some(site) => {
            caller
                .run(sites::store::find(caller.scope(), site, app.clock.now()))
                .await?
                .ok_or(Error::NotFound("Ce site"))?;
        }
        None => caller.run(()).await?,
    }
    let seat = app.changes.take_seat(caller.credential(), site).map_err(|refused| match refused {
        Refused::Session => {
            Error::TooManyStreams("Cette session suit déjà trop d'écrans en direct : fermez des onglets.")
        }
        Refused::Process => Error::TooManyStreams("Trop d'écrans sont suivis en direct en ce moment."),
        Refused::Stop => Error::Unavailable("the server stops".into()),
    })?;
    let headers = [
        (header::CONTENT_TYPE.as_str(), "text/event-stream"),
        (header::CACHE_CONTROL.as_str(), "no-store, no-transform"),
        // Proxies of the nginx family keep an answer back until it is whole, unless they are told.
        ("x-accel-buffering", "no"),
    ];
    Ok((headers, Body::from_stream(Open::new(app, caller, seat).bytes())).into_response())
}
