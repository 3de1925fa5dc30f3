//! `/api/doctor`.

use std::net::{IpAddr, SocketAddr};

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::catalogue::OUTSIDE_PROXIES;
use super::ground::{FRESH, Ground};
use super::{CheckState, Report, Told, VERSION, outside, send};
use crate::app::App;
use crate::audit::{self, Action, Entry};
use crate::auth::SuperAdmin;
use crate::clock::Time;
use crate::error::{Error, Result};
use crate::http::openapi::{Read, Write};
use crate::http::{Body, Form, FromForm, Query, Snapshot};
use crate::language::Language;

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(diagnose)).routes(routes!(send_trials))
}

/// What was found, in a language.
#[derive(Debug, Serialize, ToSchema)]
pub struct Diagnosis {
    /// When it was looked at.
    pub checked_at: Time,
    /// For how many seconds the same is answered again.
    pub fresh_seconds: u64,
    /// The version of this server.
    pub version: &'static str,
    /// The worst of it.
    pub worst: CheckState,
    /// How many findings are errors.
    pub errors: usize,
    /// How many are warnings.
    pub warnings: usize,
    /// How many are as they have to be.
    pub oks: usize,
    /// How much could not be looked at, or does not apply.
    pub unchecked: usize,
    /// Each finding, in the order of the guide.
    pub findings: Vec<Told>,
}

impl Diagnosis {
    /// A report in words.
    #[must_use]
    pub fn of(report: &Report, language: Language) -> Self {
        Self {
            checked_at: report.at,
            fresh_seconds: FRESH.as_secs(),
            version: VERSION,
            worst: report.worst(),
            errors: report.count(CheckState::Error),
            warnings: report.count(CheckState::Warning),
            oks: report.count(CheckState::Ok),
            unchecked: report.count(CheckState::NotChecked),
            findings: report.told(language),
        }
    }
}

/// In which language.
#[derive(Debug)]
struct Wish(Language);

impl FromForm for Wish {
    fn read(form: &mut Form) -> Option<Self> {
        Some(Self(form.choice("language", Language::WORDS).unwrap_or_default()))
    }
}

/// Looks at the whole installation: its environment, what it stands on, and how the world reaches it. A report is shown
/// again for half a minute, and made once for all who ask meanwhile; through how many proxies this request came is of
/// this request.
#[utoipa::path(
    get, path = "/api/doctor", tag = "Diagnosis", security(("bearer" = []), ("cookie" = [])),
    params(("language" = Option<Language>, Query, description = "In which language it is told; French without it.")),
    responses((status = 200, description = "What was found.", body = Diagnosis), Read),
)]
async fn diagnose(
    State(app): State<App>,
    caller: SuperAdmin,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Query(Wish(language)): Query<Wish>,
) -> Result<Json<Diagnosis>> {
    caller.run(()).await?;
    let report = app.doctor.report(&app.config, &app.clock).await;
    let report = with_proxies(&report, &app, &headers, peer.ip().to_canonical());
    Ok(Json(Diagnosis::of(&report, language)))
}

fn with_proxies(report: &Report, app: &App, headers: &HeaderMap, peer: IpAddr) -> Report {
    let mut report = report.clone();
    let found = outside::proxies(&app.config, headers, peer);
    if let Some(place) = report.findings.iter_mut().find(|finding| finding.check.id == OUTSIDE_PROXIES.id) {
        *place = found;
    }
    report
}

/// To whom the mail goes, and in which language everything is written.
#[derive(Debug, ToSchema)]
#[schema(as = DoctorTrials)]
#[expect(dead_code, reason = "the shape of the body, for the description")]
struct Shape {
    /// The address of the test mail; without it, the sender's own (`EMAIL_FROM`).
    email: Option<String>,
    /// In which language; French without it.
    language: Option<Language>,
}

/// What is to be sent.
#[derive(Debug)]
struct Trials {
    email: Option<String>,
    language: Language,
}

impl FromForm for Trials {
    fn read(form: &mut Form) -> Option<Self> {
        let email = form.optional_email("email");
        let language = form.choice("language", Language::WORDS).unwrap_or_default();
        Some(Self { email, language })
    }
}

/// What the services answered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DoctorSent)]
struct Sent {
    /// One for mail, one for Slack, one for Logtail.
    sent: Vec<Told>,
}

/// Sends a test mail, a Slack message and a line to Logtail, as far as they are configured, and tells what the services
/// answered. Once in half a minute, whoever asks.
#[utoipa::path(
    post, path = "/api/doctor/send", tag = "Diagnosis", security(("bearer" = []), ("cookie" = [])), request_body = Shape,
    responses((status = 200, description = "What the services answered.", body = Sent), Write),
)]
async fn send_trials(
    State(app): State<App>,
    caller: SuperAdmin,
    from: Snapshot,
    Body(Trials { email, language }): Body<Trials>,
) -> Result<Json<Sent>> {
    caller.run(()).await?;
    let now = app.clock.now();
    app.doctor.may_send(now).map_err(Error::TooManyRequests)?;
    let entry = Entry::new(Action::TrialsSent, caller.user(), &from, now)
        .on("settings", "diagnosis")
        .change(json!({}), json!({ "email": email, "language": language }));
    caller.run_as_system(audit::store::record(entry)).await?;
    let ground = Ground { config: &app.config, target: None, clock: &app.clock };
    let sent = send::send(&ground, email.as_deref(), language).await;
    Ok(Json(Sent { sent: sent.iter().map(|finding| Told::of(finding, language)).collect() }))
}
