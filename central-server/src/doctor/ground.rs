//! What the checks stand on, and how they are run: all at the same time, and once for all who ask.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::words::Said;
use super::{CHECKS, Report, dashboard, database, environment, machine, mail, outside, redis, storage};
use crate::clock::{Clock, Time};
use crate::config::Config;
use crate::db::Target;

/// For how long a report is shown again instead of being made anew.
pub(super) const FRESH: Duration = Duration::from_secs(30);

/// What the checks stand on.
#[derive(Debug)]
pub(super) struct Ground<'a> {
    pub config: &'a Config,
    /// The database; none while its settings cannot be used, with a sentence if one is known.
    pub target: Option<Result<Target, Said>>,
    pub clock: &'a Clock,
}

/// Looks at everything, at the same time.
pub(super) async fn examine(ground: &Ground<'_>) -> Report {
    let at = ground.clock.now();
    let (database, storage, redis, mail, logs, outside, dashboard) = tokio::join!(
        database::look(ground),
        storage::look(ground.config),
        redis::look(ground.config),
        mail::look(ground.config),
        mail::logs(ground.config),
        outside::look(ground.config),
        dashboard::look(ground.config),
    );
    let mut findings = environment::look(ground.config);
    findings.extend([database, storage, redis, mail, logs, outside, dashboard].into_iter().flatten());
    findings.extend(machine::look(ground.config));
    // A stable sort: what a check has found stays in its own order.
    findings.sort_by_key(|finding| CHECKS.iter().position(|check| check.id == finding.check.id));
    Report { at, findings }
}

/// The diagnosis of a running server: the way to its database, and what was found last.
#[derive(Debug, Default)]
pub struct Doctor {
    target: OnceLock<Target>,
    /// Held while a report is made: who asks meanwhile gets that one.
    last: tokio::sync::Mutex<Option<Arc<Report>>>,
    /// When messages were last sent to try the ways out.
    sent: Mutex<Option<Time>>,
}

impl Doctor {
    /// Says where the database is, once.
    pub fn set_target(&self, target: Target) {
        let _ = self.target.set(target);
    }

    /// The last report, or a new one if that is older than [`FRESH`].
    pub(super) async fn report(&self, config: &Config, clock: &Clock) -> Arc<Report> {
        let mut last = self.last.lock().await;
        if let Some(report) = last.as_ref().filter(|report| report.at.plus(FRESH) > clock.now()) {
            return Arc::clone(report);
        }
        let target = self.target.get().cloned().map(Ok);
        let report = Arc::new(examine(&Ground { config, target, clock }).await);
        *last = Some(Arc::clone(&report));
        report
    }

    /// Whether messages may be sent now; else how many seconds there are to wait.
    pub(super) fn may_send(&self, now: Time) -> Result<(), u64> {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(again) = sent.map(|sent| sent.plus(FRESH)).filter(|again| *again > now) {
            return Err(u64::try_from(again.unix_seconds() - now.unix_seconds()).unwrap_or_default().max(1));
        }
        *sent = Some(now);
        Ok(())
    }
}
