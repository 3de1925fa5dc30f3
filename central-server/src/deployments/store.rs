//! The SQL of orders and inventories. `$1` is always the caller's tenant: the first wall, see [`reach`].

use super::{
    Cause, DeploymentSummary, DeploymentView, Filter, InventoryItem, InventoryState, NewDeployment, Retry, Target,
    TargetFilter, TargetView, order,
};
use crate::clock::Time;
use crate::db::{Query, Scalar, Scope, Statement, escape_like, first_wall, query, row, scoped};
use crate::ids::{DeploymentId, SiteId, VideoId};

/// The condition under which a scope reaches orders: like the library, they are NeoPro's own.
pub(super) fn reach(scope: Scope) -> &'static str {
    first_wall(match scope {
        Scope::System | Scope::Staff(_) => "$1 is null",
        Scope::Agency(..) | Scope::Sponsor(..) => "$1 is null and false",
    })
}

row! {
    /// What an order would be about.
    #[derive(Debug)]
    pub struct Prospect {
        /// The video is there.
        pub video: bool,
        /// Its bytes are known by their hash.
        pub hashed: bool,
        /// Every site and group that was chosen is there.
        pub targets: bool,
        /// How many sites they mean now.
        pub sites: i64,
    }
}

/// What was chosen, without a name where it is not there, and the sites that it means: `$3` and `$4` are the types and
/// the ids.
pub(super) const CHOSEN: &str = "chosen as (select c.type, c.id, coalesce(s.site_name, g.name) as name \
       from unnest($3, $4) as c (type, id) \
       left join sites s on c.type = 'site' and s.id = c.id left join groups g on c.type = 'group' and g.id = c.id), \
     members as (select id from chosen where type = 'site' and name is not null \
       union select m.site_id from chosen c join site_groups m on m.group_id = c.id where c.type = 'group')";

/// Binds what was chosen.
pub(super) fn with_targets(statement: Statement, targets: &[Target]) -> Statement {
    let types: Vec<String> = targets.iter().map(|target| target.kind.name().to_owned()).collect();
    let ids: Vec<uuid::Uuid> = targets.iter().map(|target| target.id.0).collect();
    statement.bind(types).bind(ids)
}

fn about(scope: Scope, sql: String, new: &NewDeployment) -> Statement {
    with_targets(scoped(scope, sql).bind(new.video_id), &new.chosen())
}

/// Looks at what a new order would be about.
pub fn look(scope: Scope, new: &NewDeployment) -> Query<Prospect> {
    let sql = format!(
        "with {CHOSEN} select count(id) > 0 as video, count(checksum) > 0 as hashed, \
           not exists (select from chosen where name is null) as targets, (select count(*) from members) as sites \
         from videos where {} and id = $2",
        reach(scope)
    );
    about(scope, sql, new).one()
}

/// Writes an order down, if it can be carried out. A single target is its own, several are a selection.
pub fn insert(scope: Scope, id: DeploymentId, new: &NewDeployment, now: Time) -> Query<()> {
    let chosen = new.chosen();
    let (groups, sites) = order::counted(&chosen);
    let sql = format!(
        "with {CHOSEN}, made as ( \
           insert into content_deployments (id, video_id, video_title, action, target_type, target_id, target_name, \
             selected_groups, selected_sites, deployed_by, deployed_by_name, created_at, scheduled_at) \
           select $5, v.id, coalesce(nullif(v.metadata->>'title', ''), v.original_name), $6, \
             coalesce(one.type, 'selection'), coalesce(one.id, $5), coalesce(one.name, $9), \
             case when one.id is null then $10 end, case when one.id is null then $11 end, neopro_user(), \
             (select coalesce(nullif(full_name, ''), email) from users where id = neopro_user()), $7, $8 \
           from videos v left join (select * from chosen where (select count(*) from chosen) = 1) one on true \
           where {} and v.id = $2 and not exists (select from chosen where name is null) \
             and (v.checksum is not null or $6 = 'remove') and (exists (select from members) or $8 is not null) \
           returning id, target_type) \
         insert into deployment_selections (deployment_id, target_type, target_id, target_name) \
         select made.id, c.type, c.id, c.name from made cross join chosen c where made.target_type = 'selection'",
        reach(scope)
    );
    about(scope, sql, new)
        .bind(id)
        .bind(new.action.name())
        .bind(now)
        .bind(new.scheduled_at)
        .bind(order::selection_name(&chosen))
        .bind(groups)
        .bind(sites)
        .nothing()
}

/// Carries an order out, unless it waits for its day: the sites that have work now.
pub fn start(scope: Scope, id: DeploymentId, now: Time) -> Query<Vec<SiteId>> {
    sites(
        scoped(
            scope,
            format!(
                "select neopro_start_deployment(id, $3) from content_deployments \
             where {} and id = $2 and scheduled_at is null",
                reach(scope)
            ),
        )
        .bind(id)
        .bind(now),
    )
}

/// The orders whose day has come, the oldest first, at most 100.
pub fn due(now: Time) -> Query<Vec<DeploymentId>> {
    query(
        "select id from content_deployments where scheduled_at <= $1 and started_at is null and cancelled_at is null \
         order by scheduled_at, id limit 100",
    )
    .bind(now)
    .all::<Scalar<DeploymentId>>()
    .map(|orders| orders.into_iter().map(|Scalar(order)| order).collect())
}

/// Carries out an order whose day has come: the sites that have work now.
pub fn start_due(id: DeploymentId, now: Time) -> Query<Vec<SiteId>> {
    sites(query("select neopro_start_deployment($1, $2)").bind(id).bind(now))
}

/// Puts the rows together in which the counts of the orders stand.
pub fn sum_tallies() -> Query<()> {
    query("select neopro_sum_tallies()").nothing()
}

/// Takes back what of an order is not done: the sites that have work now.
pub fn cancel(scope: Scope, id: DeploymentId, now: Time) -> Query<Vec<SiteId>> {
    let sql =
        format!("select neopro_cancel_deployment(id, $3) from content_deployments where {} and id = $2", reach(scope));
    sites(scoped(scope, sql).bind(id).bind(now))
}

/// Another try of what of an order has failed: the sites that have work now.
pub fn retry(scope: Scope, id: DeploymentId, which: Retry, now: Time) -> Query<Vec<SiteId>> {
    let sql = format!(
        "select neopro_retry_deployment(id, case when $5 is null then $3 else (select coalesce(array_agg(t.site_id), '{{}}') \
           from deployment_targets t where t.deployment_id = $2 and t.state = 'failed' and coalesce(t.reason_code, 'unknown') = $5 \
             and ($3 is null or t.site_id = any($3))) end, $4) \
         from content_deployments where {} and id = $2",
        reach(scope)
    );
    let only: Option<Vec<uuid::Uuid>> = which.site_ids.map(|sites| sites.into_iter().map(|site| site.0).collect());
    sites(scoped(scope, sql).bind(id).bind(only).bind(now).bind(which.reason_code))
}

fn sites(statement: Statement) -> Query<Vec<SiteId>> {
    statement.all::<Scalar<SiteId>>().map(|sites| sites.into_iter().map(|Scalar(site)| site).collect())
}

/// Deletes an order; its video's title and its target's name, if it was there.
pub fn delete(scope: Scope, id: DeploymentId) -> Query<Option<String>> {
    scoped(scope, format!("delete from content_deployments where {} and id = $2 returning video_title", reach(scope)))
        .bind(id)
        .optional::<Scalar<String>>()
        .map(|title| title.map(|Scalar(title)| title))
}

const VIEW: &str = "o.id, o.video_id, o.video_title, o.video_title as video_name, v.filename, v.original_name, \
     v.metadata, v.file_size as bytes, v.thumbnail_url, o.action, o.target_type, \
     nullif(o.target_id, o.id) as target_id, o.target_name, o.selected_groups, o.selected_sites, s.club_name, o.status, o.progress, o.error, \
     o.error as error_message, o.deployed_by, o.deployed_by_name, o.created_at, o.scheduled_at, o.started_at, \
     o.completed_at, o.completed_at as deployed_at, o.total_count, o.deployed_count, o.failed_count, o.open_count, \
     o.pending_count, o.downloading_count, o.cancelled_count, o.superseded_count";

const FROM: &str = "deployment_orders o left join videos v on v.id = o.video_id \
     left join sites s on o.target_type = 'site' and s.id = o.target_id";

/// What an order itself says.
const WRITTEN: &str = "($2 is null or o.video_id = $2) \
     and ($3 is null or nullif(o.target_id, o.id) = $3 \
       or o.id in (select c.deployment_id from deployment_selections c where c.target_id = $3)) \
     and ($4 is null or neopro_fold(concat_ws(e'\\n', o.video_title, o.target_name, s.club_name)) \
         like '%' || neopro_fold($4) || '%' \
       or o.id in (select c.deployment_id from deployment_selections c \
         where neopro_fold(c.target_name) like '%' || neopro_fold($4) || '%'))";

/// What follows from its sites.
const DERIVED: &str = "($5 is null or o.status = $5) \
     and ($6 is null or (o.status in ('pending', 'scheduled', 'in_progress')) = $6)";

fn filtered(scope: Scope, sql: String, filter: &Filter) -> Statement {
    scoped(scope, sql)
        .bind(filter.video)
        .bind(filter.target)
        .bind(filter.search.as_deref().map(escape_like))
        .bind(filter.status.map(super::DeploymentStatus::name))
        .bind(filter.open)
}

/// A part of the orders, newest first.
pub fn list(scope: Scope, filter: &Filter) -> Query<Vec<DeploymentView>> {
    let sql = format!(
        "select {VIEW} from {FROM} where {} and {WRITTEN} and {DERIVED} \
         order by o.created_at desc, o.id desc limit $7 offset $8",
        reach(scope)
    );
    filtered(scope, sql, filter).bind(filter.slice.limit).bind(filter.slice.offset()).all()
}

/// How many orders the whole list has. Their sites are looked at only if it asks for it.
pub fn count(scope: Scope, filter: &Filter) -> Query<i64> {
    let (orders, derived) = match (filter.status, filter.open) {
        (None, None) => ("content_deployments", "true"),
        _ => ("deployment_orders", DERIVED),
    };
    let sql = format!(
        "select count(*) from {orders} o left join sites s on o.target_type = 'site' and s.id = o.target_id \
         where {} and {WRITTEN} and {derived}",
        reach(scope)
    );
    filtered(scope, sql, filter).one::<Scalar<i64>>().map(|Scalar(count)| count)
}

/// How many orders are how far.
pub fn summary(scope: Scope, now: Time) -> Query<DeploymentSummary> {
    let sql = format!(
        "select count(*) filter (where status in ('pending', 'scheduled', 'in_progress')) as open, \
           count(*) filter (where status = 'scheduled') as scheduled, \
           count(*) filter (where status = 'failed' and ended > $2 - interval '7 days') as failed_7d, \
           count(*) filter (where status = 'completed' and ended > $2 - interval '7 days') as completed_7d \
         from (select status, coalesce(completed_at, started_at) as ended from deployment_orders where {}) o",
        reach(scope)
    );
    scoped(scope, sql).bind(now).one()
}

/// Why sites of an order have failed, the most frequent cause first.
pub fn causes(scope: Scope, id: DeploymentId) -> Query<Vec<Cause>> {
    let sql = format!(
        "select reason_code, mode() within group (order by reason) as reason, count(*) as sites \
         from deployment_targets where {} and deployment_id = $2 and state = 'failed' \
         group by reason_code order by sites desc, reason_code",
        reach(scope)
    );
    scoped(scope, sql).bind(id).all()
}

/// One order.
pub fn find(scope: Scope, id: DeploymentId) -> Query<Option<DeploymentView>> {
    scoped(scope, format!("select {VIEW} from {FROM} where {} and o.id = $2", reach(scope))).bind(id).optional()
}

/// Whether an order is there.
pub fn has_order(scope: Scope, id: DeploymentId) -> Query<bool> {
    let sql = format!("select exists (select from content_deployments where {} and id = $2)", reach(scope));
    exists(scoped(scope, sql).bind(id))
}

/// These orders, and those that are at work at these sites or were since this moment; at most so many of the latter.
pub fn among(
    scope: Scope,
    orders: Vec<DeploymentId>,
    sites: Vec<SiteId>,
    since: Time,
    most: i64,
) -> Query<Vec<DeploymentView>> {
    let sql = format!(
        "with wanted as materialized ( \
           select unnest($2) as id union (select t.deployment_id from deployment_targets t where t.site_id = any ($3) \
             and (t.state in ('pending', 'downloading', 'failed') or t.completed_at >= $4) \
             group by t.deployment_id limit $5) \
         ) select {VIEW} from wanted join ({FROM}) on o.id = wanted.id where {}",
        reach(scope)
    );
    scoped(scope, sql)
        .bind(orders.into_iter().map(|id| id.0).collect::<Vec<_>>())
        .bind(sites.into_iter().map(|id| id.0).collect::<Vec<_>>())
        .bind(since)
        .bind(most)
        .all()
}

/// Whether a video is there.
pub fn has_video(scope: Scope, id: VideoId) -> Query<bool> {
    exists(scoped(scope, format!("select exists (select from videos where {} and id = $2)", reach(scope))).bind(id))
}

/// Whether a site is there.
pub fn has_site(scope: Scope, id: SiteId) -> Query<bool> {
    exists(scoped(scope, format!("select exists (select from sites where {} and id = $2)", reach(scope))).bind(id))
}

fn exists(statement: Statement) -> Query<bool> {
    statement.one::<Scalar<bool>>().map(|Scalar(there)| there)
}

const TARGET: &str = "t.deployment_id, t.site_id, s.site_name, s.club_name, t.video_id, d.video_title, t.action, \
     t.state, t.progress, t.attempts, t.reason_code, t.reason, t.created_at, t.started_at, t.completed_at";

const TARGETS: &str = "deployment_targets t join sites s on s.id = t.site_id \
     join content_deployments d on d.id = t.deployment_id";

fn targeted(scope: Scope, sql: String, id: DeploymentId, filter: &TargetFilter) -> Statement {
    scoped(scope, sql).bind(id).bind(filter.state.map(super::TargetState::name)).bind(filter.reason.clone())
}

const TARGET_FILTER: &str = "t.deployment_id = $2 and ($3 is null or t.state = $3) \
     and ($4 is null or coalesce(t.reason_code, 'unknown') = $4)";

/// A page of the sites of an order: what asks for a person first.
pub fn targets(scope: Scope, id: DeploymentId, filter: &TargetFilter) -> Query<Vec<TargetView>> {
    let sql = format!(
        "select {TARGET} from {TARGETS} where {} and {TARGET_FILTER} \
         order by array_position(array['failed', 'downloading', 'pending', 'installed', 'cancelled', 'superseded'], \
           t.state), neopro_fold(s.club_name), t.site_id limit $5 offset $6",
        reach(scope)
    );
    targeted(scope, sql, id, filter).bind(filter.slice.limit).bind(filter.slice.offset()).all()
}

/// How many the whole list has.
pub fn count_targets(scope: Scope, id: DeploymentId, filter: &TargetFilter) -> Query<i64> {
    let sql = format!("select count(*) from deployment_targets t where {} and {TARGET_FILTER}", reach(scope));
    targeted(scope, sql, id, filter).one::<Scalar<i64>>().map(|Scalar(count)| count)
}

/// The orders of one site, newest first, at most 1000.
pub fn targets_of_site(scope: Scope, site: SiteId) -> Query<Vec<TargetView>> {
    let sql = format!(
        "select {TARGET} from {TARGETS} where {} and t.site_id = $2 order by t.created_at desc, t.deployment_id desc \
         limit 1000",
        reach(scope)
    );
    scoped(scope, sql).bind(site).all()
}

/// How far a site's box is; `None` without the site.
pub fn inventory_state(scope: Scope, site: SiteId) -> Query<Option<InventoryState>> {
    let sql = format!(
        "select s.id as site_id, coalesce(x.desired_revision, 0) as desired_revision, \
           coalesce(x.persisted_revision, 0) as persisted_revision, \
           coalesce(x.reported_revision, 0) as reported_revision, x.reported_at, x.free_bytes, x.protocol, \
           x.agent_version, x.device_key_since as device_since, coalesce(x.drift, '[]') as found \
         from sites s left join site_states x on x.site_id = s.id where {} and s.id = $2",
        reach(scope)
    );
    scoped(scope, sql).bind(site).optional()
}

/// Every video that a site is to have or has.
pub fn inventory(scope: Scope, site: SiteId) -> Query<Vec<InventoryItem>> {
    let sql = format!(
        "select coalesce(w.video_id, i.video_id) as video_id, \
           coalesce(nullif(v.metadata->>'title', ''), v.original_name) as title, \
           coalesce(v.checksum, i.sha256) as checksum, v.file_size, w.video_id is not null as desired, \
           i.state, i.progress, i.reason_code, i.reason, \
           case when w.video_id is null then 'extra' when i.state is distinct from 'installed' then 'missing' \
             when i.sha256 <> v.checksum then 'changed' end as drift, i.changed_at \
         from (select * from site_videos where site_id = $2) w \
         full join (select * from site_inventory where site_id = $2) i on i.video_id = w.video_id \
         left join videos v on v.id = coalesce(w.video_id, i.video_id) \
         where {} order by w.since nulls last, 1",
        reach(scope)
    );
    scoped(scope, sql).bind(site).all()
}
