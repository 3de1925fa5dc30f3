//! Every figure: where it is counted, and how it is shown.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::http::Requests;
use super::page::{Counters, Histograms, Kind, Label, Page, float};
use super::process::Process;
use super::store::{Passed, Standing};
use crate::app::App;
use crate::clock::Time;
use crate::health::State;

/// The bounds of NeoPro 1, in seconds.
const DEPLOYMENT_BOUNDS: &[f64] = &[1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0];
const COMMAND_BOUNDS: &[f64] = &[0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0];
/// Of a flush to the database, in seconds.
pub const DATABASE_BOUNDS: &[f64] = &[0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0];

/// What is counted as it happens.
#[derive(Debug)]
pub struct Measures {
    began: Time,
    /// Requests.
    pub requests: Requests,
    /// Logins: `status`, `mfa_used`.
    logins: Counters<2>,
    /// Acts on second factors: `status`.
    factors: Counters<1>,
    /// Files for the library: `status`.
    uploads: Counters<1>,
    /// Bytes of those that were taken.
    uploaded: Mutex<u64>,
    /// What boxes say: `type`.
    heard: Counters<1>,
    /// Jobs: `kind`, `status`.
    jobs: Counters<2>,
    /// Orders: `status`, `target_type`.
    orders: Counters<2>,
    order_seconds: Histograms,
    /// Commands: `type`, `status`.
    commands: Counters<2>,
    command_seconds: Histograms,
    standing: Mutex<Option<Standing>>,
}

impl Measures {
    /// Nothing yet, of a process that began at this moment.
    #[must_use]
    pub fn since(began: Time) -> Self {
        Self {
            began,
            requests: Requests::default(),
            logins: Counters::default(),
            factors: Counters::default(),
            uploads: Counters::default(),
            uploaded: Mutex::default(),
            heard: Counters::default(),
            jobs: Counters::default(),
            orders: Counters::default(),
            order_seconds: Histograms::new(DEPLOYMENT_BOUNDS),
            commands: Counters::default(),
            command_seconds: Histograms::new(COMMAND_BOUNDS),
            standing: Mutex::default(),
        }
    }

    /// Somebody has tried to log in: `success`, `failure` or `slowed`.
    pub fn login(&self, status: &'static str, with_factor: bool) {
        self.logins.add([status.into(), if with_factor { "true" } else { "false" }.into()]);
    }

    /// A second factor was turned on (`enabled`) or off (`disabled`).
    pub fn factor(&self, status: &'static str) {
        self.factors.add([status.into()]);
    }

    /// A file was taken into the library, of so many bytes, or refused.
    pub fn upload(&self, bytes: Option<u64>) {
        self.uploads.add([if bytes.is_some() { "success" } else { "failure" }.into()]);
        *self.uploaded.lock().unwrap_or_else(PoisonError::into_inner) += bytes.unwrap_or_default();
    }

    /// A box has said something. Names that we do not know are one.
    pub fn heard(&self, name: &str) {
        const KNOWN: [&str; 6] =
            ["authenticate", "heartbeat", "reported", "command_result", "deploy_progress", "sync_local_state"];
        let known = KNOWN.into_iter().find(|known| *known == name);
        self.heard.add([known.unwrap_or("other").into()]);
    }

    /// A job was done (`done`), failed for now (`retried`) or for ever (`failed`).
    pub fn job(&self, kind: &str, status: &'static str) {
        self.jobs.add([kind.to_owned().into(), status.into()]);
    }

    pub(super) fn stands(&self, standing: Standing) {
        *self.standing.lock().unwrap_or_else(PoisonError::into_inner) = Some(standing);
    }

    pub(super) fn order(&self, Passed { kind, status, seconds }: Passed) {
        let kind = Label::Owned(kind);
        if let Some(seconds) = seconds {
            self.order_seconds.observe(kind.clone(), seconds);
        }
        self.orders.add([status.into(), kind]);
    }

    pub(super) fn command(&self, Passed { kind, status, seconds }: Passed) {
        let kind = Label::Owned(kind);
        if let Some(seconds) = seconds {
            self.command_seconds.observe(kind.clone(), seconds);
        }
        self.commands.add([kind, status.into()]);
    }

    /// What may be shown to anybody: figures of the whole fleet.
    pub(super) fn of_the_fleet(&self, app: &App, page: &mut Page) {
        let labels = [("version", env!("CARGO_PKG_VERSION"))];
        page.family(Kind::Gauge, "neopro_build_info", "The version of this program; always 1.").sample(&labels, 1.0);
        let connected = float(app.live.hub.count() as u64);
        page.gauge("neopro_connected_sites", "Boxes that are connected to this replica.", connected);
        page.gauge("neopro_connected_sites_total", "The same, by its name in NeoPro 1.", connected);
        if let Some(standing) = *self.standing.lock().unwrap_or_else(PoisonError::into_inner) {
            let mut family =
                page.family(Kind::Gauge, "neopro_sites", "Sites, by whether their box is connected to any replica.");
            for (status, count) in
                [("online", standing.sites_online), ("offline", standing.sites - standing.sites_online)]
            {
                family.sample(&[("status", status)], float(count.try_into().unwrap_or_default()));
            }
        }
        let heartbeats = self.heard.count(&["heartbeat".into()]);
        page.counter("neopro_heartbeats_total", "Heartbeats of boxes.", heartbeats);
        let help = "Orders that were given (created) and that have ended.";
        self.orders.write(page.family(Kind::Counter, "neopro_deployments_total", help), ["status", "target_type"]);
        let help = "Time from the start of an order to the report of its last site.";
        self.order_seconds
            .write(page.family(Kind::Histogram, "neopro_deployment_duration_seconds", help), "target_type");
        let help = "Commands that have ended.";
        self.commands.write(page.family(Kind::Counter, "neopro_commands_total", help), ["type", "status"]);
        let help = "Time from telling a box to its answer.";
        self.command_seconds.write(page.family(Kind::Histogram, "neopro_command_latency_seconds", help), "type");
    }

    /// What is for those who look after the service.
    pub(super) fn of_the_service(&self, app: &App, page: &mut Page) {
        self.logins.write(page.family(Kind::Counter, "neopro_auth_attempts_total", "Logins."), ["status", "mfa_used"]);
        self.factors.write(
            page.family(Kind::Counter, "neopro_mfa_setup_total", "Second factors turned on and off."),
            ["status"],
        );
        self.uploads
            .write(page.family(Kind::Counter, "neopro_video_uploads_total", "Files for the library."), ["status"]);
        let bytes = *self.uploaded.lock().unwrap_or_else(PoisonError::into_inner);
        let mut family = page.family(Kind::Summary, "neopro_video_upload_bytes", "Sizes of the files that were taken.");
        family.summary(float(bytes), self.uploads.count(&["success".into()]));
        let mut family = page.family(Kind::Gauge, "neopro_websocket_connections", "Connections of the live channel.");
        family.sample(&[("type", "box")], float(app.live.hub.count() as u64));
        family.sample(&[("type", "unknown")], float(app.live.strangers() as u64));
        let mut family = page.family(Kind::Counter, "neopro_websocket_messages_total", "Messages of the live channel.");
        self.heard.write_beside(&mut family, ["type"], &[("direction", "in")]);
        family.sample(&[("direction", "out"), ("type", "any")], float(crate::live::packets_sent()));
        page.gauge(
            "neopro_event_streams",
            "Open dashboards that hear what changes.",
            float(app.changes.listeners() as u64),
        );
        self.jobs.write(page.family(Kind::Counter, "neopro_jobs_total", "Jobs behind answers."), ["kind", "status"]);
        if let Some(standing) = *self.standing.lock().unwrap_or_else(PoisonError::into_inner) {
            let count = |count: i64| float(count.try_into().unwrap_or_default());
            page.gauge("neopro_jobs_waiting", "Jobs that wait for their turn.", count(standing.jobs_waiting));
            page.gauge(
                "neopro_jobs_late_seconds",
                "For how long the oldest job has been due.",
                standing.jobs_late_seconds,
            );
        }
        if let Ok(db) = app.db() {
            db.write_figures(page);
        }
        self.checks(app, page);
        of_the_replicas(app, page);
        let logs = app.logs();
        page.counter("neopro_log_lines_sent_total", "Lines that Logtail has taken.", logs.sent);
        page.counter("neopro_log_bytes_sent_total", "Bytes that Logtail has taken.", logs.sent_bytes);
        page.counter(
            "neopro_log_lines_dropped_total",
            "Lines that did not reach Logtail and never will.",
            logs.dropped,
        );
        page.gauge("neopro_log_waiting_bytes", "Bytes that wait for Logtail.", float(logs.waiting_bytes as u64));
        Process::read().write(page, self.began);
    }

    /// How each check stands: 1 well, 0.5 with something missing, 0 not at all.
    fn checks(&self, app: &App, page: &mut Page) {
        let help = "How each check of /health stands: 1 well, 0.5 with something missing, 0 not at all.";
        let mut family = page.family(Kind::Gauge, "neopro_health", help);
        for (check, state) in app.health.states(app.logs().state) {
            let level = match state {
                State::Healthy => 1.0,
                State::Degraded => 0.5,
                State::Unhealthy => 0.0,
            };
            family.sample(&[("check", check)], level);
        }
        let place = app.config.storage.place.name();
        let help = "Where videos are kept; always 1.";
        page.family(Kind::Gauge, "neopro_storage_info", help).sample(&[("place", place)], 1.0);
    }
}

/// Who else serves this database, and how the bell between them does.
fn of_the_replicas(app: &App, page: &mut Page) {
    let known = app.replicas.known();
    let others = known.iter().filter(|other| !(other.same_jwt && other.same_mfa)).count();
    let help =
        "Servers on this database that this one knows of, itself included, by whether their secrets are its own.";
    let mut family = page.family(Kind::Gauge, "neopro_replicas", help);
    family.sample(&[("secrets", "same")], float((1 + known.len() - others) as u64));
    family.sample(&[("secrets", "other")], float(others as u64));
    let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let tally = app.replicas.tally();
    let help = "Messages on the bell between replicas (Redis).";
    let mut family = page.family(Kind::Counter, "neopro_bell_messages_total", help);
    family.sample(&[("direction", "in")], float(count(&tally.heard)));
    family.sample(&[("direction", "out")], float(count(&tally.said)));
    page.counter("neopro_redis_lost_total", "How often the connection to Redis was lost.", count(&tally.lost));
    page.counter(
        "neopro_polling_astray_total",
        "Requests of polling clients that came here and whose session another replica has just begun.",
        app.live.astray.count(),
    );
}
