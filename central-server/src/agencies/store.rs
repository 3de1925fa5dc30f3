//! The SQL of agencies. `$1` is always the caller's tenant: the first wall, see [`visible`].

use uuid::Uuid;

use super::{AgencyChanges, AgencySite, AgencyView, Filter, NewAgency, Person, Sort, Status};
use crate::clock::Time;
use crate::db::{Query, Scalar, Scope, Statement, escape_like, first_wall, scoped};
use crate::ids::{AgencyId, SessionId, SiteId};

/// The condition under which a scope sees an agency: an agency sees itself.
fn visible(scope: Scope) -> &'static str {
    first_wall(match scope {
        Scope::System | Scope::Staff(_) => "$1 is null",
        Scope::Agency(..) => "agencies.id = $1",
        Scope::Sponsor(..) => "$1 is null and false",
    })
}

/// The condition under which a scope may change agencies.
fn writable(scope: Scope) -> &'static str {
    first_wall(match scope {
        Scope::System | Scope::Staff(_) => "$1 is null",
        Scope::Agency(..) | Scope::Sponsor(..) => "$1 is null and false",
    })
}

const VIEW: &str = "select id, name, description, logo_url, contact_name, contact_email, contact_phone, address, status, \
     metadata, created_at, updated_at, (select count(*) from agency_sites m where m.agency_id = agencies.id) as site_count \
     from agencies";

fn meant(scope: Scope) -> String {
    format!(
        "{} and ($2 is null or status = $2) and ($3 is null or neopro_fold(name) like neopro_fold($3) \
           or neopro_fold(coalesce(contact_name, '')) like neopro_fold($3) \
           or neopro_fold(coalesce(contact_email, '')) like neopro_fold($3))",
        visible(scope)
    )
}

fn filtered(scope: Scope, sql: String, filter: &Filter) -> Statement {
    let pattern = filter.search.as_deref().map(|words| format!("%{}%", escape_like(words)));
    scoped(scope, sql).bind(filter.status.map(Status::name)).bind(pattern)
}

/// One page of the agencies that the scope sees.
pub fn page(scope: Scope, filter: &Filter) -> Query<Vec<AgencyView>> {
    let column = match filter.sort {
        Sort::Name => "neopro_fold(name)",
        Sort::CreatedAt => "created_at",
        Sort::SiteCount => "site_count",
    };
    let direction = filter.order.name();
    let sql = format!("{VIEW} where {} order by {column} {direction}, id {direction} limit $4 offset $5", meant(scope));
    filtered(scope, sql, filter).bind(filter.slice.limit).bind(filter.slice.offset()).all()
}

/// How many agencies a filter means.
pub fn count(scope: Scope, filter: &Filter) -> Query<i64> {
    let sql = format!("select count(*) from agencies where {}", meant(scope));
    filtered(scope, sql, filter).one::<Scalar<i64>>().map(|Scalar(count)| count)
}

/// One agency.
pub fn find(scope: Scope, id: AgencyId) -> Query<Option<AgencyView>> {
    scoped(scope, format!("{VIEW} where {} and id = $2", visible(scope))).bind(id).optional()
}

/// Creates an agency.
pub fn insert(scope: Scope, id: AgencyId, new: &NewAgency, now: Time) -> Query<()> {
    let sql = format!(
        "insert into agencies (id, name, description, logo_url, contact_name, contact_email, contact_phone, address, \
           metadata, created_at, updated_at) \
         select $2, $3, $4, $5, $6, $7, $8, $9, coalesce($10, '{{}}'), $11, $11 where {}",
        writable(scope)
    );
    scoped(scope, sql)
        .bind(id)
        .bind(new.name.clone())
        .bind(new.description.clone())
        .bind(new.logo_url.clone())
        .bind(new.contact_name.clone())
        .bind(new.contact_email.clone())
        .bind(new.contact_phone.clone())
        .bind(new.address.clone())
        .bind(new.metadata.clone())
        .bind(now)
        .nothing()
}

/// Changes what is given. If the agency is gone meanwhile, `agencies_gone` is broken.
pub fn update(scope: Scope, id: AgencyId, changes: &AgencyChanges, now: Time) -> Query<()> {
    let sql = format!(
        "with changed as ( \
           update agencies set name = coalesce($3, name), status = coalesce($4, status), \
             metadata = coalesce($5, metadata), address = case when $6 then $7 else address end, \
             description = case when $8 then $9 else description end, \
             logo_url = case when $10 then $11 else logo_url end, \
             contact_name = case when $12 then $13 else contact_name end, \
             contact_email = case when $14 then $15 else contact_email end, \
             contact_phone = case when $16 then $17 else contact_phone end, updated_at = $18 \
           where {} and id = $2 returning id) \
         select neopro_must(exists (select from changed), 'agencies_gone')",
        writable(scope)
    );
    let statement = scoped(scope, sql)
        .bind(id)
        .bind(changes.name.clone())
        .bind(changes.status.map(Status::name))
        .bind(changes.metadata.clone())
        .bind(changes.address.is_some())
        .bind(changes.address.clone().flatten());
    [&changes.description, &changes.logo_url, &changes.contact_name, &changes.contact_email, &changes.contact_phone]
        .into_iter()
        .fold(statement, |statement, text| statement.bind(text.is_some()).bind(text.clone().flatten()))
        .bind(now)
        .nothing()
}

/// Whoever has an account of an agency, whatever its status.
pub fn people(scope: Scope, id: AgencyId) -> Query<Vec<Person>> {
    let sql = format!(
        "select id, email, full_name from users where {} and agency_id = $2 order by neopro_fold(email), id",
        writable(scope)
    );
    scoped(scope, sql).bind(id).all()
}

/// Suspends whoever has an account of an agency and may act, and ends these sessions: which.
pub fn suspend_people(scope: Scope, id: AgencyId, now: Time) -> Query<Vec<SessionId>> {
    let sql = format!(
        "with shut as ( \
           update users set status = 'suspended', updated_at = $3 where {} and agency_id = $2 and status = 'active' \
           returning id) \
         update sessions set revoked_at = $3 from users where {} and users.agency_id = $2 \
           and sessions.user_id = users.id and sessions.revoked_at is null returning sessions.id",
        writable(scope),
        writable(scope)
    );
    scoped(scope, sql)
        .bind(id)
        .bind(now)
        .all::<Scalar<SessionId>>()
        .map(|sessions| sessions.into_iter().map(|Scalar(session)| session).collect())
}

/// Deletes an agency; its clubs stay. If it is gone meanwhile, or has people although `alone`, `agencies_gone` is broken.
pub fn delete(scope: Scope, id: AgencyId, alone: bool) -> Query<()> {
    let sql = format!(
        "with gone as ( \
           delete from agencies where {} and id = $2 and not ($3 and exists (select from users where agency_id = $2)) \
           returning id) \
         select neopro_must(exists (select from gone), 'agencies_gone')",
        writable(scope)
    );
    scoped(scope, sql).bind(id).bind(alone).nothing()
}

/// The sites that an agency looks after, by name.
pub fn sites(scope: Scope, id: AgencyId, now: Time) -> Query<Vec<AgencySite>> {
    let sql = format!(
        "select sites.id, site_name, club_name, sites.status, location, m.added_at, \
           neopro_display_status(sites.status, sites.last_seen_at, $3) as display_status \
         from agency_sites m join agencies on agencies.id = m.agency_id join site_overview sites on sites.id = m.site_id \
         where {} and m.agency_id = $2 order by neopro_fold(site_name), sites.id",
        visible(scope)
    );
    scoped(scope, sql).bind(id).bind(now).all()
}

/// Gives an agency sites: those that are new to it. An unknown site violates a foreign key, and nothing happens.
pub fn add_sites(scope: Scope, id: AgencyId, sites: &[SiteId], now: Time) -> Query<Vec<SiteId>> {
    let sql = format!(
        "insert into agency_sites (agency_id, site_id, added_at, added_by) \
         select $2, site, $4, neopro_user() from (select distinct unnest($3) as site) named \
         where {} and exists (select from agencies where id = $2) on conflict do nothing returning site_id",
        writable(scope)
    );
    let named: Vec<Uuid> = sites.iter().map(|site| site.0).collect();
    scoped(scope, sql)
        .bind(id)
        .bind(named)
        .bind(now)
        .all::<Scalar<SiteId>>()
        .map(|added| added.into_iter().map(|Scalar(site)| site).collect())
}

/// Takes a site from an agency. If it has not got it, `agencies_gone` is broken.
pub fn remove_site(scope: Scope, id: AgencyId, site: SiteId) -> Query<()> {
    let sql = format!(
        "with gone as (delete from agency_sites where {} and agency_id = $2 and site_id = $3 returning site_id) \
         select neopro_must(exists (select from gone), 'agencies_gone')",
        writable(scope)
    );
    scoped(scope, sql).bind(id).bind(site).nothing()
}
