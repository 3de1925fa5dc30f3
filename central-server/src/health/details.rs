//! What an administrator may know beyond `/health`: counts, and how full everything is.

use axum::Json;
use axum::extract::State as Shared;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{State, VERSION};
use crate::app::App;
use crate::auth::Admin;
use crate::clock::Time;
use crate::error::Result;
use crate::http::openapi::Read;
use crate::prometheus::Process;

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(details))
}

/// How the service is, with its figures. What was counted was so by this replica since it began.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthDetails {
    /// The worst state of what the service is for.
    status: State,
    /// Now.
    timestamp: Time,
    /// The version of the service.
    version: &'static str,
    /// Seconds since the process began.
    uptime: f64,
    /// PostgreSQL, and the connections to it.
    database: DatabaseDetails,
    /// The live channel.
    websocket: ChannelDetails,
    /// Where the videos are kept.
    storage: StorageDetails,
    /// Mail.
    mail: Detail,
    /// Work behind answers.
    jobs: JobDetails,
    /// The log that is sent to Logtail.
    logs: LogDetails,
    /// This process.
    process: ProcessDetails,
}

/// A state, and what there is to say of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HealthDetail)]
struct Detail {
    /// The state.
    status: State,
    /// What is wrong, one of a fixed list of sentences.
    message: Option<&'static str>,
}

/// The database.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HealthDatabase)]
struct DatabaseDetails {
    #[serde(flatten)]
    detail: Detail,
    /// How long its last answer took, in milliseconds.
    latency_ms: u64,
    /// Open connections.
    connections: usize,
    /// How many there may be.
    connections_max: usize,
    /// Requests that wait for one.
    requests_waiting: usize,
}

/// The live channel.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HealthChannel)]
struct ChannelDetails {
    #[serde(flatten)]
    detail: Detail,
    /// Boxes that are connected to this replica.
    connected_sites: usize,
    /// Connections that have not said who they are.
    strangers: usize,
    /// Open dashboards.
    dashboards: usize,
}

/// The storage.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HealthStorage)]
struct StorageDetails {
    #[serde(flatten)]
    detail: Detail,
    /// `local`, `supabase` or `s3`.
    place: &'static str,
    /// How long the last look at it took, in milliseconds.
    latency_ms: u64,
}

/// Jobs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HealthJobs)]
struct JobDetails {
    #[serde(flatten)]
    detail: Detail,
    /// Jobs that wait for their turn.
    waiting: i64,
    /// Jobs that were given up of late.
    failed: i64,
    /// For how many seconds the oldest has been due.
    late_seconds: u64,
}

/// The log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HealthLogs)]
struct LogDetails {
    #[serde(flatten)]
    detail: Detail,
    /// Lines that Logtail has taken.
    sent: u64,
    /// Bytes of those lines.
    sent_bytes: u64,
    /// Lines that did not reach it and never will.
    dropped: u64,
    /// Bytes that wait.
    waiting_bytes: usize,
}

/// The process.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HealthProcess)]
struct ProcessDetails {
    /// Bytes of memory in use.
    resident_bytes: Option<u64>,
    /// Open files, connections included.
    open_files: Option<u64>,
    /// Threads.
    threads: Option<u64>,
    /// Seconds of processor time.
    cpu_seconds: Option<f64>,
}

/// How the service is in figures, for administrators: what `/health` tells nobody else.
#[utoipa::path(
    get, path = "/api/health/details", tag = "Service", operation_id = "health_details", security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, description = "How the service is.", body = HealthDetails), Read),
)]
async fn details(Shared(app): Shared<App>, admin: Admin) -> Result<Json<HealthDetails>> {
    admin.run(()).await?;
    let (database, latency) = app.health.database();
    let (storage, storage_latency) = app.health.storage();
    let (mail, jobs, logs, process) = (app.health.mail(), app.health.jobs(), app.logs(), Process::read());
    let (connections, requests_waiting) = app.db()?.load();
    let millis = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let detail = |status, message| Detail { status, message };
    let live = app.health.live_state();
    Ok(Json(HealthDetails {
        status: app.health.status(),
        timestamp: app.clock.now(),
        version: VERSION,
        uptime: app.health.uptime().as_secs_f64(),
        database: DatabaseDetails {
            detail: detail(database.state(), database.sentence()),
            latency_ms: millis(latency),
            connections,
            connections_max: app.config.database_pool_size,
            requests_waiting,
        },
        websocket: ChannelDetails {
            detail: detail(live, super::live_sentence(live)),
            connected_sites: app.live.hub.count(),
            strangers: app.live.strangers(),
            dashboards: app.changes.listeners(),
        },
        storage: StorageDetails {
            detail: detail(storage.state(), storage.sentence()),
            place: app.config.storage.place.name(),
            latency_ms: millis(storage_latency),
        },
        mail: detail(mail.state(), mail.sentence()),
        jobs: JobDetails {
            detail: detail(jobs.state(), jobs.sentence()),
            waiting: jobs.waiting,
            failed: jobs.failed,
            late_seconds: jobs.late.as_secs(),
        },
        logs: LogDetails {
            detail: detail(super::background::log_state(logs.state), super::background::log_sentence(logs.state)),
            sent: logs.sent,
            sent_bytes: logs.sent_bytes,
            dropped: logs.dropped,
            waiting_bytes: logs.waiting_bytes,
        },
        process: ProcessDetails {
            resident_bytes: process.resident_bytes,
            open_files: process.open_files,
            threads: process.threads,
            cpu_seconds: process.cpu_seconds,
        },
    }))
}
