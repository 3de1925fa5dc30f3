//! The SQL of groups. `$1` is always the caller's tenant: the first wall, see [`visible`].

use uuid::Uuid;

use super::{GroupChanges, GroupView, Kind, NewGroup};
use crate::clock::Time;
use crate::db::{Query, Scalar, Scope, first_wall, scoped};
use crate::ids::{GroupId, SiteId};
use crate::sites::SiteView;

/// The condition under which a scope sees a group: an agency sees those that its clubs are in.
fn visible(scope: Scope) -> &'static str {
    first_wall(match scope {
        Scope::System | Scope::Staff(_) => "$1 is null",
        Scope::Agency(..) => {
            "groups.id in (select group_id from site_groups join agency_sites using (site_id) where agency_id = $1)"
        }
        Scope::Sponsor(..) => "$1 is null and false",
    })
}

/// The condition under which a scope sees that a site is in a group.
fn visible_member(scope: Scope) -> &'static str {
    first_wall(match scope {
        Scope::Agency(..) => "m.site_id in (select site_id from agency_sites where agency_id = $1)",
        _ => "true",
    })
}

/// The condition under which a scope may change groups.
fn writable(scope: Scope) -> &'static str {
    first_wall(match scope {
        Scope::System | Scope::Staff(_) => "$1 is null",
        Scope::Agency(..) | Scope::Sponsor(..) => "$1 is null and false",
    })
}

fn view(scope: Scope) -> String {
    format!(
        "id, name, description, type as kind, filters, metadata, created_at, updated_at, \
         (select count(*) from site_groups m where m.group_id = groups.id and {}) as site_count",
        visible_member(scope)
    )
}

/// Every group, newest first; those with these words in their name, of this kind.
pub fn list(scope: Scope, search: Option<String>, kind: Option<Kind>) -> Query<Vec<GroupView>> {
    let sql = format!(
        "select {} from groups where {} and ($2 is null or strpos(neopro_fold(name), neopro_fold($2)) > 0) \
         and ($3 is null or type = $3) order by created_at desc, id desc limit 1000",
        view(scope),
        visible(scope)
    );
    scoped(scope, sql).bind(search).bind(kind.map(Kind::name)).all()
}

/// Of these groups, those that the scope sees.
pub fn among(scope: Scope, ids: Vec<GroupId>) -> Query<Vec<GroupId>> {
    scoped(scope, format!("select id from groups where {} and id = any ($2)", visible(scope)))
        .bind(ids.into_iter().map(|id| id.0).collect::<Vec<_>>())
        .all::<Scalar<GroupId>>()
        .map(|ids| ids.into_iter().map(|Scalar(id)| id).collect())
}

/// One group.
pub fn find(scope: Scope, id: GroupId) -> Query<Option<GroupView>> {
    let sql = format!("select {} from groups where {} and id = $2", view(scope), visible(scope));
    scoped(scope, sql).bind(id).optional()
}

/// Who is in a group, by name.
pub fn members(scope: Scope, id: GroupId, now: Time) -> Query<Vec<SiteView>> {
    let sql = format!(
        "select {} from site_overview sites join site_groups m on m.site_id = sites.id \
         join groups on groups.id = m.group_id \
         where groups.id = $2 and {} and {} order by neopro_fold(site_name), sites.id",
        SiteView::columns_at("$3"),
        visible(scope),
        visible_member(scope),
    );
    scoped(scope, sql).bind(id).bind(now).all()
}

/// Creates a group.
pub fn insert(scope: Scope, id: GroupId, new: &NewGroup, now: Time) -> Query<()> {
    let sql = format!(
        "insert into groups (id, name, description, type, filters, metadata, created_at, updated_at) \
         select $2, $3, $4, $5, $6, coalesce($7, '{{}}'), $8, $8 where {}",
        writable(scope)
    );
    scoped(scope, sql)
        .bind(id)
        .bind(new.name.clone())
        .bind(new.description.clone())
        .bind(new.kind.name())
        .bind(new.filters.clone())
        .bind(new.metadata.clone())
        .bind(now)
        .nothing()
}

/// Changes what is given; whether the group is there.
pub fn update(scope: Scope, id: GroupId, changes: &GroupChanges, now: Time) -> Query<bool> {
    let sql = format!(
        "update groups set name = coalesce($3, name), description = case when $4 then $5 else description end, \
           type = coalesce($6, type), filters = case when $7 then $8 else filters end, \
           metadata = coalesce($9, metadata), updated_at = $10 \
         where {} and id = $2 returning id",
        writable(scope)
    );
    scoped(scope, sql)
        .bind(id)
        .bind(changes.name.clone())
        .bind(changes.description.is_some())
        .bind(changes.description.clone().flatten())
        .bind(changes.kind.map(Kind::name))
        .bind(changes.filters.is_some())
        .bind(changes.filters.clone().flatten())
        .bind(changes.metadata.clone())
        .bind(now)
        .optional::<Scalar<GroupId>>()
        .map(|id| id.is_some())
}

/// Deletes a group; its sites stay. Its name, if it was there.
pub fn delete(scope: Scope, id: GroupId) -> Query<Option<String>> {
    let sql = format!("delete from groups where {} and id = $2 returning name", writable(scope));
    scoped(scope, sql).bind(id).optional::<Scalar<String>>().map(|name| name.map(|Scalar(name)| name))
}

/// Adds sites to a group that is there. An unknown site violates a foreign key, and nothing happens.
pub fn add(scope: Scope, id: GroupId, sites: &[SiteId], now: Time) -> Query<()> {
    let sql = format!(
        "insert into site_groups (site_id, group_id, added_at) \
         select distinct site, $2, $4 from unnest($3) site where {} and exists (select from groups where id = $2) \
         on conflict do nothing",
        writable(scope)
    );
    scoped(scope, sql).bind(id).bind(uuids(sites)).bind(now).nothing()
}

/// Takes out of a group whoever is not named; nobody, if `keep` is `None`.
pub fn keep_only(scope: Scope, id: GroupId, keep: Option<&[SiteId]>) -> Query<()> {
    let sql = format!(
        "delete from site_groups where {} and group_id = $2 and $3 is not null and site_id <> all ($3)",
        writable(scope)
    );
    scoped(scope, sql).bind(id).bind(keep.map(uuids)).nothing()
}

/// Takes one site out of a group; whether it was in it.
pub fn remove(scope: Scope, id: GroupId, site: SiteId) -> Query<bool> {
    let sql = format!(
        "delete from site_groups where {} and group_id = $2 and site_id = $3 returning site_id",
        writable(scope)
    );
    scoped(scope, sql).bind(id).bind(site).optional::<Scalar<SiteId>>().map(|gone| gone.is_some())
}

fn uuids(sites: &[SiteId]) -> Vec<Uuid> {
    sites.iter().map(|site| site.0).collect()
}
