//! `/`, `/health`, `/live`, `/ready`: step 10 of the guide, and what platforms and monitors ask.

use axum::Json;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::background::{log_sentence, log_state};
use super::{RedisState, SlackState, State, VERSION, live_sentence};
use crate::app::App;
use crate::clock::Time;
use crate::error::Result;
use crate::http::openapi::PublicRead;
use crate::http::{Form, FromForm, Query, pages};

/// All is well, but it could be better.
const UNVERIFIED: &str = "La connexion à la base de données est chiffrée, mais son certificat n'est pas vérifié.";

/// Mail works, and some of it was not sent.
const HELD: &str = "Le nombre de courriels du jour est atteint : seuls ceux des comptes partent encore.";

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(root))
        .routes(routes!(health))
        .routes(routes!(api_health))
        .routes(routes!(live))
        .routes(routes!(ready))
}

/// What answers at the address of the service.
#[derive(Debug, Serialize, ToSchema)]
struct Root {
    /// Which service this is.
    service: &'static str,
    /// Its version.
    version: &'static str,
    /// Always `online`.
    status: &'static str,
    /// Now.
    timestamp: Time,
    /// Where its API is described.
    documentation: &'static str,
}

/// Which service this is: JSON for programs, the dashboard for browsers.
#[utoipa::path(
    get, path = "/", tag = "Service",
    responses((status = 200, description = "The service.", content((Root = "application/json"), (String = "text/html"))), (status = 304, description = "The browser has this page already."), PublicRead),
)]
async fn root(Shared(app): Shared<App>, method: Method, headers: HeaderMap) -> Response {
    if pages::wants_page(&headers) {
        return app.pages.document(&method, &headers);
    }
    Json(Root {
        service: "NeoPro Central Server",
        version: VERSION,
        status: "online",
        timestamp: app.clock.now(),
        documentation: "/api-docs",
    })
    .into_response()
}

/// How the service is. The first three keys and their order are what monitors search for.
#[derive(Debug, Serialize, ToSchema)]
struct Report {
    /// The worst state of all checks.
    status: State,
    /// Now.
    timestamp: Time,
    /// The version of the service.
    version: &'static str,
    /// Seconds since the process began.
    uptime: f64,
    /// `production` or `development`.
    environment: &'static str,
    /// Each check.
    checks: Checks,
    /// The checks, counted.
    summary: Summary,
}

/// The checks. One appears with the feature that it is about.
#[derive(Debug, Serialize, ToSchema)]
struct Checks {
    /// PostgreSQL.
    database: Check,
    /// Redis, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    redis: Option<Check>,
    /// The live channel of the boxes.
    websocket: LiveCheck,
    /// Mail.
    mail: Check,
    /// Where the videos are kept.
    storage: Check,
    /// Work behind answers. It makes the service no worse.
    jobs: Check,
    /// The log that is sent to Logtail. It makes the service no worse.
    logs: Check,
    /// Slack, where there is a webhook. It makes the service no worse.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    slack: Option<Check>,
}

/// The check of the live channel.
#[derive(Debug, Serialize, ToSchema)]
struct LiveCheck {
    /// The check itself.
    #[serde(flatten)]
    check: Check,
    /// What is known besides.
    details: LiveDetails,
}

/// The live channel of this replica.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LiveDetails {
    /// Boxes that are connected to this replica.
    connected_sites: usize,
}

/// One check.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Check {
    /// What is checked.
    name: &'static str,
    /// Its state at the last check.
    status: State,
    /// How long its last answer took, in milliseconds.
    latency_ms: u64,
    /// What is wrong, one of a fixed list of sentences.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    message: Option<&'static str>,
}

/// The checks, counted.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Summary {
    /// All of them.
    total_checks: usize,
    /// Those that are well.
    healthy_checks: usize,
    /// Those that work with something missing.
    degraded_checks: usize,
    /// Those that do not work.
    unhealthy_checks: usize,
}

/// Whether the status code shall tell the truth as well.
#[derive(Debug)]
struct Strict(bool);

impl FromForm for Strict {
    fn read(form: &mut Form) -> Option<Self> {
        Some(Self(form.integer("strict", 0..=1) == Some(1)))
    }
}

/// How the service is. 200 even when it is not well, so that no platform restarts it for a fault that is not
/// its own; `?strict=1` answers 503 then.
#[utoipa::path(
    get, path = "/health", tag = "Service",
    params(("strict" = Option<i64>, Query, description = "1: answers 503 if the service cannot be used.", minimum = 0, maximum = 1)),
    responses(
        (status = 200, description = "How the service is.", body = Report),
        (status = 400, description = "A malformed parameter.", body = crate::error::ErrorBody),
        (status = 431, description = "The address or the headers are too long.", body = crate::error::ErrorBody),
        (status = 503, description = "With `strict=1`: the service cannot be used.", body = Report),
    ),
)]
async fn health(Shared(app): Shared<App>, Query(Strict(strict)): Query<Strict>) -> (StatusCode, Json<Report>) {
    report(&app, strict)
}

/// The same, where the diagnosis of NeoPro 1's boxes looks for it.
#[utoipa::path(
    get, path = "/api/health", tag = "Service",
    responses((status = 200, description = "How the service is.", body = Report), PublicRead),
)]
async fn api_health(Shared(app): Shared<App>) -> (StatusCode, Json<Report>) {
    report(&app, false)
}

fn report(app: &App, strict: bool) -> (StatusCode, Json<Report>) {
    let (database, latency) = app.health.database();
    let live = app.health.live_state();
    let (mail, jobs, logs) = (app.health.mail(), app.health.jobs(), app.logs().state);
    let (storage, storage_latency) = app.health.storage();
    let (states, status) = (app.health.states(logs), app.health.status());
    let count = |wanted: State| states.iter().filter(|(_, state)| *state == wanted).count();
    let slack = app.health.slack();
    let has_slack = slack != SlackState::Off;
    let unverified = app.config.database_is_unverified().then_some(UNVERIFIED);
    let report = Report {
        status,
        timestamp: app.clock.now(),
        version: VERSION,
        uptime: app.health.uptime().as_secs_f64(),
        environment: app.config.environment(),
        checks: Checks {
            database: Check {
                name: "PostgreSQL",
                status: database.state(),
                latency_ms: u64::try_from(latency.as_millis()).unwrap_or(u64::MAX),
                message: database.sentence().or(unverified),
            },
            redis: redis_check(app),
            websocket: LiveCheck {
                check: Check { name: "WebSocket", status: live, latency_ms: 0, message: live_sentence(live) },
                details: LiveDetails { connected_sites: app.live.hub.count() },
            },
            mail: Check {
                name: "Mail",
                status: mail.state(),
                latency_ms: 0,
                message: mail.sentence().or_else(|| app.health.mails_held().then_some(HELD)),
            },
            slack: has_slack.then(|| Check {
                name: "Slack",
                status: slack.state(),
                latency_ms: 0,
                message: slack.sentence(),
            }),
            storage: Check {
                name: "Storage",
                status: storage.state(),
                latency_ms: u64::try_from(storage_latency.as_millis()).unwrap_or(u64::MAX),
                message: storage.sentence(),
            },
            jobs: Check { name: "Jobs", status: jobs.state(), latency_ms: 0, message: jobs.sentence() },
            logs: Check { name: "Logtail", status: log_state(logs), latency_ms: 0, message: log_sentence(logs) },
        },
        summary: Summary {
            total_checks: states.len(),
            healthy_checks: count(State::Healthy),
            degraded_checks: count(State::Degraded),
            unhealthy_checks: count(State::Unhealthy),
        },
    };
    let code = if strict && status == State::Unhealthy { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (code, Json(report))
}

fn redis_check(app: &App) -> Option<Check> {
    let (redis, took) = app.health.redis();
    let check = Check {
        name: "Redis",
        status: redis.state(),
        latency_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        message: redis.sentence(),
    };
    (redis != RedisState::Off).then_some(check)
}

/// The process answers.
#[derive(Debug, Serialize, ToSchema)]
struct Live {
    /// Always `ok`.
    status: &'static str,
    /// Now.
    timestamp: Time,
    /// Always `neopro-central`: by this a dashboard that is hosted apart knows what answers at its address.
    service: &'static str,
}

/// Whether the process answers. Asks nobody else. Pages of every origin may read it.
#[utoipa::path(
    get, path = "/live", tag = "Service",
    responses((status = 200, description = "The process answers.", body = Live), PublicRead),
)]
async fn live(Shared(app): Shared<App>) -> Json<Live> {
    Json(Live { status: "ok", timestamp: app.clock.now(), service: "neopro-central" })
}

/// Whether requests can be served.
#[derive(Debug, Serialize, ToSchema)]
struct Ready {
    /// `ready` or `not_ready`.
    status: &'static str,
    /// Now.
    timestamp: Time,
    /// What it depends on.
    checks: ReadyChecks,
}

/// What readiness depends on. One appears with the feature that it is about.
#[derive(Debug, Serialize, ToSchema)]
struct ReadyChecks {
    /// The database answers and its schema is up to date.
    database: bool,
    /// The live channel works.
    websocket: bool,
}

/// Whether requests can be served: not while migrating, not while going down.
#[utoipa::path(
    get, path = "/ready", tag = "Service",
    responses(
        (status = 200, description = "Ready.", body = Ready),
        (status = 431, description = "The address or the headers are too long.", body = crate::error::ErrorBody),
        (status = 503, description = "Not yet, or no more.", body = Ready),
    ),
)]
async fn ready(Shared(app): Shared<App>) -> Result<Response> {
    let (database, _) = app.health.database();
    let checks = ReadyChecks { database: database.is_ready(), websocket: app.health.live_is_running() };
    let ready = checks.database && checks.websocket;
    let body = Ready { status: if ready { "ready" } else { "not_ready" }, timestamp: app.clock.now(), checks };
    let code = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok((code, Json(body)).into_response())
}
