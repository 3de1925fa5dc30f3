//! The SQL of alerts. `$1` is always the caller's tenant: the first wall, see [`visible`].

use std::time::Duration;

use super::{AlertView, ClubAlert, Filter, OfClub, OpenAlerts, Severity, Status};
use crate::clock::Time;
use crate::db::{Columns as _, Query, Scalar, Scope, Statement, first_wall, scoped};
use crate::ids::{AlertId, SiteId, UserId};

/// The condition under which a scope sees an alert. A sponsor sees no machine, an agency its clubs'.
fn visible(scope: Scope) -> &'static str {
    first_wall(match scope {
        Scope::System | Scope::Staff(_) => "$1 is null",
        Scope::Agency(..) => "alerts.site_id in (select site_id from agency_sites where agency_id = $1)",
        Scope::Sponsor(..) => "$1 is null and false",
    })
}

/// The condition under which a scope may change one: only NeoPro's own people.
fn writable(scope: Scope) -> &'static str {
    first_wall(match scope {
        Scope::System | Scope::Staff(_) => "$1 is null",
        Scope::Agency(..) | Scope::Sponsor(..) => "$1 is null and false",
    })
}

/// What a list shows, from an alert and its site.
fn shown() -> String {
    let columns = AlertView::NAMES.iter().map(|name| match *name {
        "site_name" | "club_name" => format!("sites.{name}"),
        other => format!("alerts.{other}"),
    });
    columns.collect::<Vec<_>>().join(", ")
}

const ASKED: &str = "($2 is null or alerts.status = any ($2)) and ($3 is null or severity = $3) \
     and ($4 is null or alert_type = $4) and ($5 is null or site_id = $5)";

fn filtered(scope: Scope, sql: String, filter: &Filter) -> Statement {
    scoped(scope, sql)
        .bind(filter.status.map(Status::names))
        .bind(filter.severity.map(Severity::name))
        .bind(filter.alert_type.clone())
        .bind(filter.site_id)
}

/// One page, the newest first.
pub fn page(scope: Scope, filter: &Filter) -> Query<Vec<AlertView>> {
    let sql = format!(
        "select {} from alerts left join sites on sites.id = alerts.site_id where {} and {ASKED} \
         order by alerts.created_at desc, alerts.id desc limit $6 offset $7",
        shown(),
        visible(scope)
    );
    filtered(scope, sql, filter).bind(filter.slice.limit).bind(filter.slice.offset()).all()
}

/// How many the whole list has.
pub fn count(scope: Scope, filter: &Filter) -> Query<i64> {
    let sql = format!("select count(*) from alerts where {} and {ASKED}", visible(scope));
    filtered(scope, sql, filter).one::<Scalar<i64>>().map(|Scalar(total)| total)
}

/// How many are open.
pub fn open(scope: Scope) -> Query<OpenAlerts> {
    let sql = format!(
        "select count(*) as open, count(*) filter (where status = 'active') as active, \
           count(*) filter (where severity = 'critical') as critical \
         from alerts where {} and resolved_at is null",
        visible(scope)
    );
    scoped(scope, sql).one()
}

/// One alert.
pub fn find(scope: Scope, id: AlertId) -> Query<Option<AlertView>> {
    let sql = format!(
        "select {} from alerts left join sites on sites.id = alerts.site_id where {} and alerts.id = $2",
        shown(),
        visible(scope)
    );
    scoped(scope, sql).bind(id).optional()
}

/// Somebody takes an active alert on.
pub fn acknowledge(scope: Scope, id: AlertId, by: UserId, now: Time) -> Query<Option<AlertId>> {
    let sql = format!(
        "update alerts set status = 'acknowledged', acknowledged_at = $3, acknowledged_by = $4 \
         where {} and id = $2 and status = 'active' returning id",
        writable(scope)
    );
    acted(scoped(scope, sql).bind(id).bind(now).bind(by))
}

/// Somebody says that an open alert is over. Nobody needs to be told.
pub fn resolve(scope: Scope, id: AlertId, by: UserId, now: Time) -> Query<Option<AlertId>> {
    let sql = format!(
        "update alerts set status = 'resolved', resolved_at = $3, resolved_by = $4, recovery_told_at = $3 \
         where {} and id = $2 and resolved_at is null returning id",
        writable(scope)
    );
    acted(scoped(scope, sql).bind(id).bind(now).bind(by))
}

fn acted(statement: Statement) -> Query<Option<AlertId>> {
    statement.optional::<Scalar<AlertId>>().map(|id| id.map(|Scalar(id)| id))
}

/// Whether the scope sees the site's machine.
pub fn sees_site(scope: Scope, site: SiteId) -> Query<bool> {
    let condition = first_wall(match scope {
        Scope::System | Scope::Staff(_) => "$1 is null",
        Scope::Agency(..) => "sites.id in (select site_id from agency_sites where agency_id = $1)",
        Scope::Sponsor(..) => "$1 is null and false",
    });
    scoped(scope, format!("select exists (select from sites where {condition} and id = $2)"))
        .bind(site)
        .one::<Scalar<bool>>()
        .map(|Scalar(sees)| sees)
}

/// A club's alerts of the last days, the newest first.
pub fn of_club(scope: Scope, site: SiteId, asked: &OfClub, now: Time) -> Query<Vec<ClubAlert>> {
    let since = now.minus(Duration::from_secs(86_400 * u64::try_from(asked.days).unwrap_or_default()));
    let sql = format!(
        "select id, alert_type as kind, severity, message, status = 'resolved' as resolved, created_at, resolved_at \
         from alerts where {} and site_id = $2 and created_at >= $3 and ($4 is null or status = any ($4)) \
           and ($5 is null or severity = $5) order by created_at desc, id desc limit $6",
        visible(scope)
    );
    scoped(scope, sql)
        .bind(site)
        .bind(since)
        .bind(asked.status.map(Status::names))
        .bind(asked.severity.map(Severity::name))
        .bind(asked.limit)
        .all()
}
