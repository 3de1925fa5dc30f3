//! `/api/storage`.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Level, limit, store};
use crate::app::App;
use crate::auth::Staff;
use crate::error::Result;
use crate::health::StorageState;
use crate::http::openapi::Read;
use crate::retention;

/// The route of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(storage))
}

/// The storage, and how much of its plan is used.
#[derive(Debug, Serialize, ToSchema)]
struct StorageUse {
    /// `local`, `supabase` or `s3`.
    place: &'static str,
    /// Whether all is well with it, as it was last seen.
    healthy: bool,
    /// What is wrong, in a sentence.
    problem: Option<&'static str>,
    /// Who mends it where.
    advice: Option<&'static str>,
    /// The largest file that it takes, in bytes, as far as it is known.
    max_file_bytes: u64,
    /// How many files the library has.
    files: i64,
    /// Their bytes.
    stored_bytes: i64,
    /// The room of the plan; `null` without a limit.
    stored_limit_bytes: Option<i64>,
    /// How near that limit is.
    stored_level: Level,
    /// Bytes that were read this month, in UTC: by boxes, and by this server to look at uploads.
    traffic_bytes: i64,
    /// Bytes that boxes have yet to fetch.
    coming_bytes: i64,
    /// What may be read in a month; `null` without a limit.
    traffic_limit_bytes: Option<i64>,
    /// How near that limit is, with what boxes have yet to fetch.
    traffic_level: Level,
    /// Bytes of the database, with its indexes and what is not cleared up yet.
    database_bytes: i64,
    /// The room of the database's plan (a setting of retention); `null` without a limit.
    database_limit_bytes: Option<i64>,
    /// How near that limit is.
    database_level: Level,
}

/// The storage of the videos and the database, and how much of their plans is used.
#[utoipa::path(
    get, path = "/api/storage", tag = "Videos", security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, description = "The figures.", body = StorageUse), Read),
)]
async fn storage(State(app): State<App>, caller: Staff) -> Result<Json<StorageUse>> {
    // The settings are the server's own: the condition of the statement itself says whose the storage is.
    let flush = (store::figures(caller.scope(), app.clock.now()), retention::settings(&app));
    let (figures, kept) = caller.run_as_system(flush).await?;
    let database = kept.database_limit();
    let plan = app.config.storage;
    let (room, traffic) = (limit(plan.room), limit(plan.traffic));
    let trouble = match app.health.storage().0 {
        StorageState::Wrong(trouble) => Some(trouble),
        StorageState::Local | StorageState::Unseen | StorageState::Ready => None,
    };
    Ok(Json(StorageUse {
        place: app.storage.place().name(),
        healthy: trouble.is_none(),
        problem: trouble.as_ref().map(|trouble| trouble.words()),
        advice: trouble.as_ref().map(|trouble| trouble.advice()),
        max_file_bytes: app.storage.most_bytes(app.config.video_max_bytes),
        files: figures.files,
        stored_bytes: figures.stored_bytes,
        stored_limit_bytes: room,
        stored_level: Level::of(figures.stored_bytes, room),
        traffic_bytes: figures.traffic_bytes,
        coming_bytes: figures.coming_bytes,
        traffic_limit_bytes: traffic,
        traffic_level: Level::of(figures.traffic_bytes.saturating_add(figures.coming_bytes), traffic),
        database_bytes: figures.database_bytes,
        database_limit_bytes: database,
        database_level: Level::of(figures.database_bytes, database),
    }))
}
