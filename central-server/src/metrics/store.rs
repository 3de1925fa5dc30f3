//! The SQL of a box's figures. `$1` is always the caller's tenant: the first wall, see [`visible`].

use std::time::Duration;

use super::{Hour, Known, Metric, Resolution};
use crate::clock::Time;
use crate::db::{Query, Scalar, Scope, Statement, first_wall, scoped};
use crate::ids::SiteId;

/// The condition under which a scope sees a site's figures. A sponsor sees no machine.
fn visible(scope: Scope) -> &'static str {
    first_wall(match scope {
        Scope::System | Scope::Staff(_) => "$1 is null",
        Scope::Agency(..) => "sites.id in (select site_id from agency_sites where agency_id = $1)",
        Scope::Sponsor(..) => "$1 is null and false",
    })
}

/// Whether the scope sees the site.
pub fn is_visible(scope: Scope, site: SiteId) -> Query<bool> {
    scoped(scope, format!("select exists (select from sites where {} and id = $2)", visible(scope)))
        .bind(site)
        .one::<Scalar<bool>>()
        .map(|Scalar(is)| is)
}

/// The figures of the last hours, the newest first: what was heard last, then five minutes or whole hours.
pub fn since(scope: Scope, site: SiteId, hours: i64, resolution: Resolution, now: Time) -> Query<Vec<Metric>> {
    let from = now.minus(Duration::from_secs(3_600 * u64::try_from(hours).unwrap_or(0)));
    let (table, begin) = match resolution {
        Resolution::Hour => ("site_figures", "hour"),
        Resolution::FiveMinutes => ("site_figures_5min", "slot"),
    };
    let average = |name: &str| format!("round(({name}_sum / nullif({name}_count, 0))::numeric, 1)::float8");
    let sql = format!(
        "with figures as ( \
           select site_id, heard_at as recorded_at, 1 as beats, cpu as cpu_usage, memory as memory_usage, temperature, \
             temperature as temperature_max, disk as disk_usage, uptime, true as is_latest \
           from site_latest where site_id = $2 and heard_at >= $3 \
           union all \
           select site_id, {begin}, beats, {}, {}, {}, round(temperature_max::numeric, 4)::float8, {}, uptime_max, false \
           from {table} where site_id = $2 and {begin} >= $3 \
         ) \
         select md5(concat_ws(' ', site_id, extract(epoch from recorded_at), is_latest))::uuid as id, site_id, cpu_usage, \
           memory_usage, temperature, temperature_max, disk_usage, uptime::text as uptime, null::jsonb as network_status, \
           beats, recorded_at \
         from figures join sites on sites.id = figures.site_id where {} order by recorded_at desc, is_latest desc",
        average("cpu"),
        average("memory"),
        average("temperature"),
        average("disk"),
        visible(scope)
    );
    scoped(scope, sql).bind(site).bind(from).all()
}

/// The hours since `from` in which a site's box was heard, in order.
pub fn hours(scope: Scope, site: SiteId, from: Time) -> Query<Vec<Hour>> {
    heard(scope, site, "hour >= $3 order by hour").bind(from).all()
}

/// The first hour in which a site's box was ever heard.
pub fn first_hour(scope: Scope, site: SiteId) -> Query<Option<Hour>> {
    heard(scope, site, "true order by hour limit 1").optional()
}

fn heard(scope: Scope, site: SiteId, rest: &str) -> Statement {
    let sql = format!(
        "select hour, beats, minutes from site_figures join sites on sites.id = site_id \
         where {} and site_id = $2 and {rest}",
        visible(scope)
    );
    scoped(scope, sql).bind(site)
}

/// What is known of a site's connection; `None` without the site.
pub fn connection(scope: Scope, site: SiteId) -> Query<Option<Known>> {
    let sql = format!(
        "select site_name, club_name, status, last_seen_at, local_ip, received_at as mirrored_at, heard_at \
         from sites left join site_mirrors m on m.site_id = sites.id left join site_latest l on l.site_id = sites.id \
         where {} and sites.id = $2",
        visible(scope)
    );
    scoped(scope, sql).bind(site).optional()
}
