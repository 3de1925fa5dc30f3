//! The SQL of sites. `$1` is always the caller's tenant: the first wall, see [`visible`].

use super::{Filter, NewSite, Order, SiteBrief, SiteChanges, SiteKey, SiteView, Sort};
use crate::clock::Time;
use crate::db::{Columns as _, Query, Scalar, Scope, Statement, escape_like, scoped};
use crate::ids::SiteId;

/// The condition under which a scope sees a site.
fn visible(scope: Scope) -> &'static str {
    match scope {
        Scope::System | Scope::Staff(_) => "$1 is null",
        Scope::Agency(..) => "sites.id in (select site_id from agency_sites where agency_id = $1)",
        Scope::Sponsor(..) => "sites.id in (select site_id from sponsor_sites where sponsor_id = $1 and is_active)",
    }
}

/// The condition under which a scope may change a site: only NeoPro's own people and the server itself.
fn writable(scope: Scope) -> &'static str {
    match scope {
        Scope::System | Scope::Staff(_) => "$1 is null",
        Scope::Agency(..) | Scope::Sponsor(..) => "$1 is null and false",
    }
}

/// The conditions of a filter, `$2` to `$5`. The planner sees the values and drops what is null.
const FILTER: &str = "($2 is null or status = $2) and ($3 is null or sports @> jsonb_build_array($3)) \
     and ($4 is null or location->>'region' = $4) \
     and ($5 is null or search_text like '%' || neopro_fold($5) || '%')";

fn filtered(scope: Scope, sql: String, filter: &Filter) -> Statement {
    let pattern = filter.search.as_deref().map(escape_like);
    scoped(scope, sql)
        .bind(filter.status.map(super::Status::name))
        .bind(filter.sport.clone())
        .bind(filter.region.clone())
        .bind(pattern)
}

/// One page of the sites that the scope sees.
pub fn page(scope: Scope, filter: &Filter) -> Query<Vec<SiteView>> {
    let column = match filter.sort {
        Sort::CreatedAt => "created_at",
        // As people sort: É beside E, whatever the database's collation.
        Sort::ClubName => "neopro_fold(club_name)",
        Sort::SiteName => "neopro_fold(site_name)",
        Sort::Status => "status",
        Sort::LastSeenAt => "last_seen_at",
    };
    let direction = match filter.order {
        Order::Asc => "asc",
        Order::Desc => "desc",
    };
    // A box that was never seen has no time to be sorted by.
    let nulls = if filter.sort == Sort::LastSeenAt { "nulls last" } else { "" };
    let view = SiteView::columns_of("sites");
    let sql = format!(
        "select {view} from sites where {} and {FILTER} \
         order by {column} {direction} {nulls}, id {direction} limit $6 offset $7",
        visible(scope)
    );
    filtered(scope, sql, filter).bind(filter.slice.limit).bind(filter.slice.offset()).all()
}

/// How many sites the whole list has.
pub fn count(scope: Scope, filter: &Filter) -> Query<i64> {
    let sql = format!("select count(*) from sites where {} and {FILTER}", visible(scope));
    filtered(scope, sql, filter).one::<Scalar<i64>>().map(|Scalar(count)| count)
}

/// One site.
pub fn find(scope: Scope, id: SiteId) -> Query<Option<SiteView>> {
    let view = SiteView::columns_of("sites");
    scoped(scope, format!("select {view} from sites where {} and id = $2", visible(scope))).bind(id).optional()
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
         insert into sites (id, site_name, club_name, location, sports, hardware_model, api_key, created_at, updated_at) \
         select $2, \
           case when exists (select from sites where site_name = $3) \
             then stem || '-' || coalesce(last, 0) + 1 else $3 end, \
           $4, $5, $6, coalesce($7, 'Unknown'), $8, $9, $9 \
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
        .one()
}

/// Changes what is given.
pub fn update(scope: Scope, id: SiteId, changes: &SiteChanges, now: Time) -> Query<Option<SiteView>> {
    let view = SiteView::columns_of("sites");
    let sql = format!(
        "update sites set site_name = coalesce($3, site_name), club_name = coalesce($4, club_name), \
           location = case when $5 then $6 else location end, sports = case when $7 then $8 else sports end, \
           status = coalesce($9, status), live_score_enabled = coalesce($10, live_score_enabled), updated_at = $11 \
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
        .bind(changes.status.map(super::Status::name))
        .bind(changes.live_score_enabled)
        .bind(now)
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
