//! `/api/videos/uploads`.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{ADDRESS_LASTS, Address, Announced, Checking, LEASE, NewUpload, Way, check, kind_of, store, told_again};
use crate::app::App;
use crate::auth::Operator;
use crate::error::{Error, Result};
use crate::http::openapi::{Upload, UploadDone};
use crate::http::{Body, Id, Snapshot};
use crate::ids::VideoId;
use crate::storage::{Bucket, ObjectName, Remote, Signed, Trouble};
use crate::usage;
use crate::videos::{UploadedVideo, VideoRow, routes::view, store as videos, upload};

/// The routes of this part.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(announce)).routes(routes!(done))
}

/// How long somebody waits for the look at his file before he is told to ask again.
const ANSWERED_WITHIN: Duration = Duration::from_secs(15);

/// How often it is asked what somebody else found.
const ASKED_EVERY: Duration = Duration::from_millis(500);

/// Says how a file is to be sent: straight into the storage, by an address that is signed here, or as a form to this
/// server where files are on its own disk. What is no video or too large is refused before it is sent.
#[utoipa::path(
    post, path = "/api/videos/uploads", tag = "Videos", security(("bearer" = []), ("cookie" = [])), request_body = Announced,
    responses((status = 200, description = "How to send it.", body = Way), Upload),
)]
async fn announce(State(app): State<App>, caller: Operator, Body(announced): Body<Announced>) -> Result<Json<Way>> {
    let scope = caller.scope();
    let same = announced.sha256.clone().unwrap_or_default();
    let (same, used) = caller.run((videos::find_same(scope, &same), usage::stored(scope))).await?;
    let kind = kind_of(&announced.head)?;
    if let Some(same) = same {
        return Err(Error::Duplicate(same.to_string()));
    }
    if announced.size > app.config.video_max_bytes {
        return Err(Error::TooLarge(app.config.video_max_bytes));
    }
    let Some(remote) = app.storage.remote() else { return Ok(Json(Way { way: "server", address: None })) };
    usage::check_room(&app, used, announced.size)?;
    let path = ObjectName::new(kind).map_err(|error| Error::Internal(error.to_string()))?.path();
    let signed = sign(remote, &path, announced.size).await;
    let Signed { url, resumable } = signed.map_err(|trouble| upload::refused(&app, trouble.into()))?;
    let (id, now) = (VideoId::new(), app.clock.now());
    let expires_at = now.plus(ADDRESS_LASTS);
    let new = NewUpload { id, path, media_type: kind.media_type(), announced, expires_at };
    // Without a row nobody learns the address.
    caller.run(store::announce(scope, &new, now)).await?;
    let cache_control = "max-age=31536000";
    let address = Address { id, url, media_type: kind.media_type(), cache_control, resumable, expires_at };
    Ok(Json(Way { way: "storage", address: Some(address) }))
}

async fn sign(remote: &Remote, path: &str, size: u64) -> Result<Signed, Trouble> {
    remote.check_size(Bucket::Videos, size).await?;
    remote.sign_upload(Bucket::Videos, path, size).await
}

/// Says that a file has been sent. It is read, hashed and looked at; then it is in the library. As long as that takes,
/// the answer is 202: ask again.
#[utoipa::path(
    post, path = "/api/videos/uploads/{id}/done", tag = "Videos", security(("bearer" = []), ("cookie" = [])),
    params(("id" = VideoId, Path, description = "The upload's id, which will be the video's.")),
    responses(
        (status = 201, description = "The video.", body = UploadedVideo),
        (status = 202, description = "The file is being looked at.", body = Checking),
        UploadDone,
    ),
)]
async fn done(State(app): State<App>, caller: Operator, Id(id): Id<VideoId>, from: Snapshot) -> Result<Response> {
    match tokio::time::timeout(ANSWERED_WITHIN, outcome(app.clone(), caller, id, from)).await {
        Ok(video) => Ok((StatusCode::CREATED, Json(UploadedVideo::from(view(&app, video?)))).into_response()),
        Err(_) => Ok((StatusCode::ACCEPTED, Json(Checking { state: "checking" })).into_response()),
    }
}

/// The video that an upload becomes, whoever looks at it.
async fn outcome(app: App, caller: Operator, id: VideoId, from: Snapshot) -> Result<VideoRow> {
    let scope = caller.scope();
    loop {
        let now = app.clock.now();
        let flush = (store::claim(scope, id, now, now.plus(LEASE)), store::fate(scope, id), videos::find(scope, id));
        match caller.run(flush).await? {
            (Some(upload), ..) => {
                let (app, caller) = (app.clone(), (*caller).clone());
                return App::to_its_end(check::look(app, caller, from, upload)).await;
            }
            (None, None, _) => return Err(Error::NotFound("Cet envoi")),
            (None, Some(_), Some(video)) => return Ok(video),
            (None, Some(store::Fate { refusal_code: Some(code), refusal }), None) => {
                return Err(told_again(&code, refusal.unwrap_or_default()));
            }
            (None, Some(_), None) => tokio::time::sleep(ASKED_EVERY).await,
        }
    }
}
