//! The SQL of sites. `$1` is always the caller's tenant: the first wall, see [`visible`].

use super::connection::Seen;
use super::overview::FacetRow;
use super::{
    Counted, DisplayStatus, Filter, NewSite, SiteBrief, SiteChanges, SiteKey, SiteStats, SiteView, Sort, Status,
};
use crate::clock::Time;
use crate::db::{Columns as _, Query, Scalar, Scope, Statement, escape_like, first_wall, query, scoped};
use crate::ids::SiteId;

/// The condition of those who see every site.
const EVERYTHING: &str = "$1 is null";

/// The condition under which a scope sees a site.
fn visible(scope: Scope) -> &'static str {
    first_wall(match scope {
        Scope::System | Scope::Staff(_) => EVERYTHING,
        Scope::Agency(..) => "sites.id in (select site_id from agency_sites where agency_id = $1)",
        Scope::Sponsor(..) => "sites.id in (select site_id from sponsor_sites where sponsor_id = $1 and is_active)",
    })
}

/// The condition under which a scope may change a site: only NeoPro's own people and the server itself.
fn writable(scope: Scope) -> &'static str {
    first_wall(match scope {
        Scope::System | Scope::Staff(_) => "$1 is null",
        Scope::Agency(..) | Scope::Sponsor(..) => "$1 is null and false",
    })
}

/// What a filter asks of a site, each with its parameter, `$2` to `$11`; `$7` is the time. What it does not ask is not
/// in the statement: to read and plan that would cost more than to find the rows.
fn asked(filter: &Filter) -> Vec<&'static str> {
    let Filter { status, sport, region, search, display_status, group_id, version, seen_before, behind, .. } = filter;
    [
        (status.is_some(), "status = $2"),
        (sport.is_some(), "sports @> jsonb_build_array($3)"),
        (region.is_some(), "location->>'region' = $4"),
        (search.is_some(), "search_text like '%' || neopro_fold($5) || '%'"),
        (display_status.is_some(), "neopro_display_status(status, last_seen_at, $7) = $6"),
        (group_id.is_some(), "sites.id in (select site_id from site_groups where group_id = $8)"),
        (version.is_some(), "software_version = $9"),
        (seen_before.is_some(), "(last_seen_at is null or last_seen_at < $10)"),
        (
            behind.is_some(),
            "$11 = exists (select from site_states where site_id = sites.id and reported_revision < desired_revision)",
        ),
    ]
    .into_iter()
    .filter_map(|(is_asked, condition)| is_asked.then_some(condition))
    .collect()
}

/// Which sites of a scope a filter means.
fn meant(scope: Scope, filter: &Filter) -> String {
    let mut conditions = vec![visible(scope)];
    conditions.extend(asked(filter));
    conditions.join(" and ")
}

fn filtered(scope: Scope, sql: String, filter: &Filter, now: Time) -> Statement {
    let pattern = filter.search.as_deref().map(escape_like);
    scoped(scope, sql)
        .bind(filter.status.map(Status::name))
        .bind(filter.sport.clone())
        .bind(filter.region.clone())
        .bind(pattern)
        .bind(filter.display_status.map(DisplayStatus::name))
        .bind(now)
        .bind(filter.group_id)
        .bind(filter.version.clone())
        .bind(filter.seen_before)
        .bind(filter.behind)
}

/// One page of the sites that the scope sees.
pub fn page(scope: Scope, filter: &Filter, now: Time) -> Query<Vec<SiteView>> {
    let condition = meant(scope, filter);
    if condition == EVERYTHING {
        return page_of_all(filter, now);
    }
    // Like migration 0014 where it sorts.
    let column = match filter.sort {
        // As people sort: É beside E, whatever the database's collation.
        Sort::ClubName => "neopro_fold(club_name)",
        Sort::SiteName => "neopro_fold(site_name)",
        Sort::City => "neopro_fold(location->>'city')",
        Sort::CreatedAt | Sort::Status | Sort::LastSeenAt | Sort::SoftwareVersion => filter.sort.name(),
    };
    // What is not known comes last, whichever way the rest is sorted.
    let nulls = match filter.sort {
        Sort::LastSeenAt | Sort::City | Sort::SoftwareVersion => "nulls last",
        Sort::CreatedAt | Sort::ClubName | Sort::SiteName | Sort::Status => "",
    };
    let direction = filter.order.name();
    let order = format!("order by {column} {direction} {nulls}, id {direction}");
    // First the rows of the page and then what belongs to each: rows that are skipped cost nothing more. No view and no
    // second level around it: to plan this costs as much as to run it. Behind the first page it is found out first which
    // rows they are.
    let rows = match filter.slice.offset() {
        0 => format!("select * from sites where {condition} {order} limit $12 offset $13"),
        _ => format!(
            "select * from sites where id = any (array( \
               select id from sites where {condition} {order} limit $12 offset $13))"
        ),
    };
    let sql = format!(
        "select {} from ({rows}) sites \
         left join lateral (select reported_revision < desired_revision as behind, free_bytes \
           from site_states where site_id = sites.id offset 0) told on true {order}",
        SiteView::columns_at("$7"),
    );
    filtered(scope, sql, filter, now).bind(filter.slice.limit).bind(filter.slice.offset()).all()
}

/// One page of all sites, which is what most screens ask for: the database keeps the plan.
fn page_of_all(filter: &Filter, now: Time) -> Query<Vec<SiteView>> {
    let (sort, direction) = (filter.sort.name(), filter.order.name());
    query(format!("select * from neopro_sites_by_{sort}_{direction}($1, $2, $3)"))
        .bind(now)
        .bind(filter.slice.limit)
        .bind(filter.slice.offset())
        .all()
}

/// How many sites the whole list has.
pub fn count(scope: Scope, filter: &Filter, now: Time) -> Query<i64> {
    if meant(scope, filter) == EVERYTHING {
        return query("select neopro_total_sites()").one::<Scalar<i64>>().map(|Scalar(total)| total);
    }
    let sql = format!("select count(*) from sites where {}", meant(scope, filter));
    filtered(scope, sql, filter, now).one::<Scalar<i64>>().map(|Scalar(count)| count)
}

/// How many sites, or members of a group, are in which state.
pub fn stats(scope: Scope, counted: &Counted, now: Time) -> Query<SiteStats> {
    let sql = format!(
        "select count(*) as total_sites, count(*) filter (where state = 'online') as online, \
           count(*) filter (where state = 'warning') as warning, count(*) filter (where state = 'offline') as offline, \
           count(*) filter (where state = 'unknown') as unknown, \
           count(*) filter (where state = 'maintenance') as maintenance, \
           count(*) filter (where state = 'error') as error, \
           count(*) filter (where state = 'offline' and last_seen_at < $2 - interval '24 hours') as offline_24h, \
           count(*) filter (where reported_revision < desired_revision) as behind \
         from (select neopro_display_status(status, last_seen_at, $2) as state, last_seen_at, reported_revision, \
             desired_revision \
           from sites left join site_states on site_id = id where {} \
             and ($3 is null or sites.id in (select site_id from site_groups where group_id = $3))) counted",
        visible(scope)
    );
    scoped(scope, sql).bind(now).bind(counted.group_id).one()
}

/// The regions, sports and versions that the scope's sites have, each with how many of them.
pub fn facets(scope: Scope) -> Query<Vec<FacetRow>> {
    let visible = visible(scope);
    let sql = format!(
        "select kind, value, count(distinct id) as count from ( \
           select 'region' as kind, location->>'region' as value, id from sites where {visible} \
           union all \
           select 'sport', jsonb_array_elements_text(case jsonb_typeof(sports) when 'array' then sports else '[]' end), \
             id from sites where {visible} \
           union all \
           select 'version', software_version, id from sites where {visible} \
         ) found where value <> '' group by kind, value order by kind, neopro_fold(value), value"
    );
    scoped(scope, sql).all()
}

/// What is known of the connection of every site that the scope sees, in no order: to sort them by name takes the
/// database longer than to read them.
pub fn connections(scope: Scope) -> Query<Vec<Seen>> {
    let sql = format!("select {} from sites where {}", Seen::columns_of("sites"), visible(scope));
    scoped(scope, sql).all()
}

/// One site.
pub fn find(scope: Scope, id: SiteId, now: Time) -> Query<Option<SiteView>> {
    let view = SiteView::columns_at("$3");
    let sql = format!("select {view} from site_overview sites where {} and id = $2", visible(scope));
    scoped(scope, sql).bind(id).bind(now).optional()
}

/// At whose midnight the site's days begin.
pub fn zone(scope: Scope, id: SiteId) -> Query<Option<String>> {
    scoped(scope, format!("select time_zone from sites where {} and id = $2", visible(scope)))
        .bind(id)
        .optional::<Scalar<String>>()
        .map(|zone| zone.map(|Scalar(zone)| zone))
}

/// Whether the database knows a time zone by this name. It reads the files of all zones for it.
pub fn knows_zone(name: &str) -> Query<bool> {
    query("select exists (select from pg_timezone_names where name = $1)")
        .bind(name.to_owned())
        .one::<Scalar<bool>>()
        .map(|Scalar(knows)| knows)
}

/// Of these sites, those that the scope sees.
pub fn among(scope: Scope, ids: Vec<SiteId>, now: Time) -> Query<Vec<SiteView>> {
    let view = SiteView::columns_at("$3");
    scoped(scope, format!("select {view} from site_overview sites where {} and id = any ($2)", visible(scope)))
        .bind(ids.into_iter().map(|id| id.0).collect::<Vec<_>>())
        .bind(now)
        .all()
}

/// The sites whose box was last heard of within a span: those that have just been silent for so long.
pub fn last_heard_within(from: Time, to: Time) -> Query<Vec<SiteId>> {
    query("select id from sites where status = 'offline' and last_seen_at > $1 and last_seen_at <= $2")
        .bind(from)
        .bind(to)
        .all::<Scalar<SiteId>>()
        .map(|ids| ids.into_iter().map(|Scalar(id)| id).collect())
}

/// Creates a site. A name that is taken gets the next free suffix; two creations at once may still collide on
/// `sites_site_name_key`, then the later one is to be tried again.
pub fn insert(scope: Scope, id: SiteId, new: &NewSite, key: &SiteKey, now: Time) -> Query<SiteBrief> {
    let brief = SiteBrief::columns_of("sites");
    let sql = format!(
        "with wanted as (select left($3, 244) as stem), taken as ( \
           select max(substring(site_name from length(stem) + 2)::bigint) as last from sites, wanted \
           where left(site_name, length(stem) + 1) = stem || '-' \
             and substring(site_name from length(stem) + 2) ~ '^[0-9]{{1,9}}$' \
         ) \
         insert into sites (id, site_name, club_name, location, sports, hardware_model, api_key, created_at, updated_at, \
           time_zone) \
         select $2, \
           case when exists (select from sites where site_name = $3) \
             then stem || '-' || coalesce(last, 0) + 1 else $3 end, \
           $4, $5, $6, coalesce($7, 'Unknown'), $8, $9, $9, coalesce($10, 'Europe/Paris') \
         from wanted, taken where {} returning {brief}",
        writable(scope)
    );
    scoped(scope, sql)
        .bind(id)
        .bind(new.site_name.clone())
        .bind(new.club_name.clone())
        .bind(new.location.as_ref().map(json))
        .bind(new.sports.as_ref().map(json))
        .bind(new.hardware_model.clone())
        .bind(key.stored())
        .bind(now)
        .bind(new.time_zone.clone())
        .one()
}

/// Changes what is given.
pub fn update(scope: Scope, id: SiteId, changes: &SiteChanges, now: Time) -> Query<Option<SiteView>> {
    let view = SiteView::columns_at("$11");
    let sql = format!(
        "update site_overview sites set site_name = coalesce($3, site_name), club_name = coalesce($4, club_name), \
           location = case when $5 then $6 else location end, sports = case when $7 then $8 else sports end, \
           status = coalesce($9, status), live_score_enabled = coalesce($10, live_score_enabled), updated_at = $11, \
           time_zone = coalesce($12, time_zone) \
         where {} and id = $2 returning {view}",
        writable(scope)
    );
    scoped(scope, sql)
        .bind(id)
        .bind(changes.site_name.clone())
        .bind(changes.club_name.clone())
        .bind(changes.location.is_some())
        .bind(changes.location.as_ref().and_then(Option::as_ref).map(json))
        .bind(changes.sports.is_some())
        .bind(changes.sports.as_ref().and_then(Option::as_ref).map(json))
        .bind(changes.status.map(Status::name))
        .bind(changes.live_score_enabled)
        .bind(now)
        .bind(changes.time_zone.clone())
        .optional()
}

/// Deletes a site with all that hangs on it; its name, if it was there.
pub fn delete(scope: Scope, id: SiteId) -> Query<Option<String>> {
    scoped(scope, format!("delete from sites where {} and id = $2 returning site_name", writable(scope)))
        .bind(id)
        .optional::<Scalar<String>>()
        .map(|name| name.map(|Scalar(name)| name))
}

/// Gives a site another key; the old one is worthless from then on.
pub fn replace_key(scope: Scope, id: SiteId, key: &SiteKey, now: Time) -> Query<Option<SiteBrief>> {
    let brief = SiteBrief::columns_of("sites");
    let sql = format!(
        "update sites set api_key = $3, updated_at = $4 where {} and id = $2 returning {brief}",
        writable(scope)
    );
    scoped(scope, sql).bind(id).bind(key.stored()).bind(now).optional()
}

fn json<T: serde::Serialize>(value: &T) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or_default()
}
