//! The SQL of previews. `$1` is always the caller's tenant, `$2` the videos, `$3` and `$4` what was chosen.

use super::{MARGIN_BYTES, MOST_NAMED, Plan, Preview};
use crate::clock::Time;
use crate::db::{Query, Scope, Statement, row, scoped};
use crate::deployments::store::{CHOSEN, reach, with_targets};

row! {
    /// Whether everything that was named is there.
    #[derive(Debug)]
    pub struct Known {
        /// Every video.
        pub videos: bool,
        /// Every site and group.
        pub targets: bool,
    }
}

fn about(scope: Scope, sql: String, plan: &Plan) -> Statement {
    let videos: Vec<uuid::Uuid> = plan.video_ids.iter().map(|video| video.0).collect();
    with_targets(scoped(scope, sql).bind(videos), &plan.targets)
}

/// Whether everything that was named is there.
pub fn look(scope: Scope, plan: &Plan) -> Query<Known> {
    let sql = format!(
        "with {CHOSEN} select count(*) = cardinality($2) as videos, \
           not exists (select from chosen where name is null) as targets from videos where {} and id = any($2)",
        reach(scope)
    );
    about(scope, sql, plan).one()
}

/// What of a video is on a box already. A file that is on its way is there in part.
const THERE: &str = "case when i.state = 'installed' and (i.sha256 = v.checksum) is not false then v.file_size \
     when i.state = 'downloading' then v.file_size * i.progress / 100 else 0 end";

/// Each site's rows are looked up by its id, whatever the planner believes of how many there are: see ADR 0010. What
/// has failed for good is not on its way.
pub fn preview(scope: Scope, plan: &Plan, now: Time, traffic_limit: Option<i64>) -> Query<Preview> {
    let sql = format!(
        "with {CHOSEN}, films as (select coalesce(sum(file_size), 0) as bytes from videos where id = any($2)), \
         boxes as materialized ( \
           select s.id, s.club_name, x.free_bytes, s.last_seen_at is null as unseen, \
             s.status = 'online' or s.status <> 'offline' and s.last_seen_at > $6 - interval '2 minutes' as online, \
             held.installed, held.replaced, coming.bytes as coming, \
             case when $5 = 'install' then films.bytes - held.bytes else 0 end as needed \
           from members m join sites s on s.id = m.id cross join films \
           left join site_states x on x.site_id = s.id \
           cross join lateral ( \
             select count(*) filter (where i.state = 'installed' and (i.sha256 = v.checksum) is not false) as installed, \
               coalesce(sum({THERE}), 0) as bytes, \
               (select count(*) from deployment_targets t where t.site_id = s.id and t.video_id = any($2) \
                 and t.state in ('pending', 'downloading', 'failed')) as replaced \
             from site_inventory i join videos v on v.id = i.video_id \
             where i.site_id = s.id and i.video_id = any($2)) held \
           cross join lateral ( \
             select coalesce(sum(v.file_size - ({THERE})), 0) as bytes \
             from site_videos w join videos v on v.id = w.video_id \
             left join site_inventory i on i.site_id = w.site_id and i.video_id = w.video_id \
             where w.site_id = s.id and w.video_id <> all($2) and i.state is distinct from 'failed') coming \
           where {}), \
         short as (select id, club_name, free_bytes, needed + coming + $7 - free_bytes as missing from boxes \
           where needed > 0 and needed + coming + $7 > free_bytes) \
         select count(*) as sites, count(*) filter (where online) as online, \
           count(*) filter (where not coalesce(online, false) and not unseen) as offline, \
           count(*) filter (where not coalesce(online, false) and unseen) as never_seen, \
           coalesce(sum(installed), 0)::bigint as already, coalesce(sum(needed), 0)::bigint as bytes_to_send, \
           coalesce(max(needed), 0)::bigint as bytes_per_site, \
           (select count(*) from short) as sites_short_of_space, \
           (select coalesce(jsonb_agg(jsonb_build_object('site_id', id, 'club_name', club_name, \
               'free_bytes', free_bytes, 'missing_bytes', missing) order by missing desc, id), '[]') \
             from (select * from short order by missing desc, id limit $8) most) as short_of_space, \
           coalesce(sum(replaced), 0)::bigint as supersedes, neopro_storage_traffic($6) as traffic_bytes, $9 as traffic_limit_bytes \
         from boxes",
        reach(scope)
    );
    about(scope, sql, plan)
        .bind(plan.action.name())
        .bind(now)
        .bind(MARGIN_BYTES)
        .bind(MOST_NAMED)
        .bind(traffic_limit)
        .one()
}
