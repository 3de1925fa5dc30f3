//! `/api/videos`.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::upload::{self, Arrived};
use super::{
    BulkError, BulkFile, BulkUpload, Filter, Labels, MOST_FILES, Presence, SiteFilter, UploadedVideo, VideoChanges,
    VideoForm, VideoPage, VideoRow, VideoSites, VideoView, VideosForm, store, thumbnail,
};
use crate::app::App;
use crate::audit::{self, Action, Entry};
use crate::auth::{Admin, Operator, Staff};
use crate::db;
use crate::error::{Error, Result};
use crate::events::{Change, Kind};
use crate::http::openapi::{Picture, Read, Upload, Write};
use crate::http::page::MOST;
use crate::http::{Body, Id, Multipart, Query, Snapshot};
use crate::ids::VideoId;
use crate::storage::Bucket;
use crate::usage;

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, upload))
        .routes(routes!(upload_bulk))
        .routes(routes!(read, update, delete))
        .routes(routes!(put_thumbnail))
        .routes(routes!(sites))
}

const GONE: Error = Error::NotFound("Cette vidéo");

/// A video that sites are to have stays: whoever deletes it would take it off the air without saying so.
fn wanted_somewhere(error: db::Error) -> Error {
    match error {
        db::Error::Reference(_) => Error::Conflict(
            "in_use",
            "Des sites ont cette vidéo : retirez-la d'abord de ces sites (déploiement avec action « remove »).",
        ),
        other => other.into(),
    }
}

pub(super) fn view(app: &App, mut video: VideoRow) -> VideoView {
    video.thumbnail_url = video.thumbnail_url.map(|stored| app.storage.address_of(Bucket::Videos, &stored));
    let public_url = app.storage.public_url(Bucket::Videos, &video.url);
    VideoView { video, public_url }
}

/// The library: searched, filtered, sorted, in pages.
#[utoipa::path(
    get, path = "/api/videos", tag = "Videos", operation_id = "list_videos", security(("bearer" = []), ("cookie" = [])),
    params(
        ("page" = Option<i64>, Query, description = "From 1.", minimum = 1),
        ("limit" = Option<i64>, Query, description = "Rows a page, at most 1000. Without `page` and `limit`: the whole list, up to 1000 rows.", minimum = 1, maximum = 1000),
        ("search" = Option<String>, Query, description = "Words of the title or the original name, whatever their accents and capitals."),
        ("category" = Option<String>, Query, description = "Exactly this category."),
        ("kind" = Option<String>, Query, description = "video or image."),
        ("sha256" = Option<String>, Query, description = "Exactly these bytes, 64 hex characters: whether a file is there already.", min_length = 64, max_length = 64),
        ("unused" = Option<bool>, Query, description = "Only those that no site is to have, and no order that waits for its day."),
        ("sort" = Option<String>, Query, description = "created_at, title, file_size or duration."),
        ("order" = Option<String>, Query, description = "asc or desc."),
    ),
    responses((status = 200, description = "A page of videos.", body = VideoPage), Read),
)]
async fn list(State(app): State<App>, caller: Staff, Query(filter): Query<Filter>) -> Result<Json<VideoPage>> {
    let scope = caller.scope();
    let (rows, whole) = caller.run((store::page(scope, &filter), store::count(scope, &filter))).await?;
    let data: Vec<VideoView> = rows.into_iter().map(|video| view(&app, video)).collect();
    // Two screens of NeoPro 1 read `videos`; neither pages.
    let videos = (filter.slice.limit == MOST).then(|| data.clone());
    let max_file_bytes = app.storage.most_bytes(app.config.video_max_bytes);
    let (total, total_bytes) = (whole.total, whole.bytes);
    Ok(Json(VideoPage { data, pagination: filter.slice.of(total), total, total_bytes, max_file_bytes, videos }))
}

/// One video of the library.
#[utoipa::path(
    get, path = "/api/videos/{id}", tag = "Videos", operation_id = "read_video", security(("bearer" = []), ("cookie" = [])),
    params(("id" = VideoId, Path, description = "The video's id.")),
    responses((status = 200, description = "The video.", body = VideoView), Read),
)]
async fn read(State(app): State<App>, caller: Staff, Id(id): Id<VideoId>) -> Result<Json<VideoView>> {
    let video = caller.run(store::find(caller.scope(), id)).await?.ok_or(GONE)?;
    Ok(Json(view(&app, video)))
}

/// Adds a file to the library. What it is, is read from its bytes; a file that is there already is 409 with its id.
#[utoipa::path(
    post, path = "/api/videos", tag = "Videos", security(("bearer" = []), ("cookie" = [])),
    request_body(content = VideoForm, content_type = "multipart/form-data"),
    responses((status = 201, description = "The video.", body = UploadedVideo), Upload),
)]
async fn upload(
    State(app): State<App>,
    caller: Operator,
    from: Snapshot,
    request: Request,
) -> Result<(StatusCode, Json<UploadedVideo>)> {
    let mut form = Multipart::open(request, app.config.video_max_bytes)?;
    // A token alone does not fill our disk: its session is proven before the first byte, and again at the end.
    let used = caller.run(usage::stored(caller.scope())).await?;
    usage::check_room(&app, used, form.left())?;
    let mut taken = upload::take(&app, &mut form, "video", 1).await?;
    let (name, file) = taken.files.pop().ok_or(GONE)?;
    let file = (name, file.inspect_err(|_| app.measures.upload(None))?);
    let video = App::to_its_end(async move {
        let video = upload::keep(&app, &caller, &from, file, taken.labels).await?;
        Ok(view(&app, video))
    });
    Ok((StatusCode::CREATED, Json(video.await?.into())))
}

/// Adds up to 20 files to the library. Each stands or falls by itself; the title of each is its own name.
#[utoipa::path(
    post, path = "/api/videos/bulk", tag = "Videos", security(("bearer" = []), ("cookie" = [])),
    request_body(content = VideosForm, content_type = "multipart/form-data"),
    responses(
        (status = 201, description = "All files are in the library.", body = BulkUpload),
        (status = 207, description = "Some are not; `errors` says why.", body = BulkUpload),
        Upload,
    ),
)]
async fn upload_bulk(
    State(app): State<App>,
    caller: Operator,
    from: Snapshot,
    request: Request,
) -> Result<(StatusCode, Json<BulkUpload>)> {
    let limit = app.config.video_max_bytes.saturating_mul(MOST_FILES as u64);
    let mut form = Multipart::open(request, limit)?;
    let used = caller.run(usage::stored(caller.scope())).await?;
    usage::check_room(&app, used, form.left())?;
    let taken = upload::take(&app, &mut form, "videos", MOST_FILES).await?;
    let labels = Labels { title: None, ..taken.labels };
    let result = App::to_its_end(keep_each(app, caller, from, taken.files, labels)).await?;
    let status = if result.success { StatusCode::CREATED } else { StatusCode::MULTI_STATUS };
    Ok((status, Json(result)))
}

/// Puts each file that arrived well into the library, and gathers what is to be said of the others.
async fn keep_each(
    app: App,
    caller: Operator,
    from: Snapshot,
    arrived: Vec<(String, Result<Arrived>)>,
    labels: Labels,
) -> Result<BulkUpload> {
    let (mut files, mut errors) = (Vec::new(), Vec::new());
    for (name, file) in arrived {
        let kept = match file {
            Ok(file) => upload::keep(&app, &caller, &from, (name.clone(), file), labels.clone()).await,
            Err(error) => {
                app.measures.upload(None);
                Err(error)
            }
        };
        match kept {
            Ok(VideoRow { id, filename: name, title, file_size: size, .. }) => {
                files.push(BulkFile { id, name, title, size, success: true });
            }
            // What concerns every file alike is the answer, as long as none was kept.
            Err(error @ (Error::Unauthenticated(_) | Error::Unavailable(_) | Error::ReadOnly | Error::Internal(_))) => {
                if files.is_empty() {
                    return Err(error);
                }
                tracing::warn!(?error, "of several files one could not be kept");
                errors.push(BulkError { name, error: error.sentence(), code: error.code() });
            }
            Err(error) => errors.push(BulkError { name, error: error.sentence(), code: error.code() }),
        }
    }
    let success = errors.is_empty();
    let message = match (files.len(), errors.len()) {
        (1, 0) => "Le fichier est dans la bibliothèque.".to_owned(),
        (all, 0) => format!("Les {all} fichiers sont dans la bibliothèque."),
        (kept, refused) => format!("Fichiers ajoutés : {kept}. Fichiers refusés : {refused}."),
    };
    Ok(BulkUpload { success, message, files, errors })
}

/// Changes what is said of a video. The file itself never changes: another file is another video.
#[utoipa::path(
    put, path = "/api/videos/{id}", tag = "Videos", operation_id = "update_video", security(("bearer" = []), ("cookie" = [])), request_body = VideoChanges,
    params(("id" = VideoId, Path, description = "The video's id.")),
    responses((status = 200, description = "The changed video.", body = VideoView), Write),
)]
async fn update(
    State(app): State<App>,
    caller: Operator,
    Id(id): Id<VideoId>,
    from: Snapshot,
    Body(changes): Body<VideoChanges>,
) -> Result<Json<VideoView>> {
    if changes.is_empty() {
        return Err(Error::Unreadable("Aucun champ à modifier n'a été envoyé."));
    }
    let now = app.clock.now();
    let entry = Entry::new(Action::VideoUpdated, caller.user(), &from, now).on("video", id);
    let flush = (
        audit::store::before("video", id.0),
        store::update(caller.scope(), id, &changes, now),
        audit::store::record_change(entry, id.0),
    );
    let ((), video, ()) = caller.run(flush).await?;
    let video = video.ok_or(GONE)?;
    app.changes.note(Change::Video(id));
    Ok(Json(view(&app, video)))
}

/// Gives a video another small picture: JPEG or WebP, at most 200,000 bytes and 1280 × 1280 pixels. What it is, is read
/// from its bytes. The one that it had goes.
#[utoipa::path(
    put, path = "/api/videos/{id}/thumbnail", tag = "Videos", security(("bearer" = []), ("cookie" = [])),
    params(("id" = VideoId, Path, description = "The video's id.")),
    request_body(content((thumbnail::Picture = "image/jpeg"), (thumbnail::Picture = "image/webp"))),
    responses((status = 200, description = "The video.", body = VideoView), Picture),
)]
async fn put_thumbnail(
    State(app): State<App>,
    caller: Operator,
    Id(id): Id<VideoId>,
    from: Snapshot,
    request: Request,
) -> Result<Json<VideoView>> {
    let picture = thumbnail::receive(request).await?;
    App::to_its_end(async move {
        let video = thumbnail::replace(&app, &caller, &from, id, picture).await?.ok_or(GONE)?;
        app.changes.note(Change::Video(id));
        Ok(Json(view(&app, video)))
    })
    .await
}

/// Where a video is wanted, and how far it is there.
#[utoipa::path(
    get, path = "/api/videos/{id}/sites", tag = "Videos", operation_id = "list_sites_of_video", security(("bearer" = []), ("cookie" = [])),
    params(
        ("id" = VideoId, Path, description = "The video's id."),
        ("page" = Option<i64>, Query, description = "From 1.", minimum = 1),
        ("limit" = Option<i64>, Query, description = "Rows a page, at most 1000. Without `page` and `limit`: the whole list, up to 1000 rows.", minimum = 1, maximum = 1000),
        ("state" = Option<Presence>, Query, description = "Only sites where it is this far."),
    ),
    responses((status = 200, description = "A page of sites, by their clubs' names.", body = VideoSites), Read),
)]
async fn sites(caller: Staff, Id(id): Id<VideoId>, Query(filter): Query<SiteFilter>) -> Result<Json<VideoSites>> {
    let scope = caller.scope();
    let flush = (store::find(scope, id), store::sites(scope, id, &filter), store::count_sites(scope, id, &filter));
    let (video, data, total) = caller.run(flush).await?;
    video.ok_or(GONE)?;
    Ok(Json(VideoSites { data, pagination: filter.slice.of(total) }))
}

/// A sentence about the video.
#[derive(Debug, Serialize, ToSchema)]
struct VideoMessage {
    /// The sentence.
    message: String,
}

/// Deletes a video with all that hangs on it, and then its file.
#[utoipa::path(
    delete, path = "/api/videos/{id}", tag = "Videos", operation_id = "delete_video", security(("bearer" = []), ("cookie" = [])),
    params(("id" = VideoId, Path, description = "The video's id.")),
    responses((status = 200, description = "The video is gone.", body = VideoMessage), Write),
)]
async fn delete(
    State(app): State<App>,
    caller: Admin,
    Id(id): Id<VideoId>,
    from: Snapshot,
) -> Result<Json<VideoMessage>> {
    let entry = Entry::new(Action::VideoDeleted, caller.user(), &from, app.clock.now()).on("video", id);
    App::to_its_end(async move {
        let flush = (audit::store::record_removal(entry, id.0), store::delete(caller.scope(), id));
        let ((), gone) = caller.run(flush).await.map_err(wanted_somewhere)?;
        let gone = gone.ok_or(GONE)?;
        app.changes.note(Change::All(Kind::Videos));
        upload::discard(&app, &gone.storage_path).await;
        thumbnail::discard(&app, gone.thumbnail_url).await;
        Ok(Json(VideoMessage { message: format!("La vidéo « {} » est supprimée.", gone.title) }))
    })
    .await
}
