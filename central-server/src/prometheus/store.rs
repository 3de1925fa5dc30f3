//! What is looked at from behind, for figures of the whole service.

use crate::clock::Time;
use crate::db::{Query, query, row};

row! {
    /// What there is at a moment.
    #[derive(Debug, Clone, Copy, Default)]
    pub struct Standing {
        /// Jobs that wait, their pauses included.
        pub jobs_waiting: i64,
        /// For how many seconds the oldest of them has been due; 0 if none is.
        pub jobs_late_seconds: f64,
        /// Jobs that were given up and are not forgotten yet.
        pub jobs_failed: i64,
        /// Sites.
        pub sites: i64,
        /// Those whose box is connected, to whichever replica.
        pub sites_online: i64,
    }
}

/// What there is at this moment.
pub fn standing(now: Time) -> Query<Standing> {
    query(
        "select count(*) filter (where state = 'waiting') as jobs_waiting, \
           coalesce(extract(epoch from $1 - min(run_at) filter (where state = 'waiting' and run_at < $1)), 0)::float8 \
             as jobs_late_seconds, \
           count(*) filter (where state = 'failed') as jobs_failed, \
           (select count(*) from sites) as sites, \
           (select count(*) from sites where status = 'online') as sites_online \
         from jobs where state <> 'done'",
    )
    .bind(now)
    .one()
}

row! {
    /// Something that has ended, or has begun.
    #[derive(Debug)]
    pub struct Passed {
        /// Its kind.
        pub kind: String,
        /// How it stands.
        pub status: String,
        /// How long it took, if it is over and has begun.
        pub seconds: Option<f64>,
    }
}

/// More of one look are not counted: nobody reads them one by one.
const MOST: i64 = 5_000;

/// Orders that were given, and those that have ended, after one moment and until another.
pub fn orders(since: Time, until: Time) -> Query<Vec<Passed>> {
    query(
        "select d.target_type as kind, 'created' as status, null::float8 as seconds from content_deployments d \
           where d.created_at > $1 and d.created_at <= $2 \
         union all \
         select d.target_type, o.status, extract(epoch from o.completed_at - d.started_at)::float8 \
           from deployment_orders o join content_deployments d on d.id = o.id \
           where o.status in ('completed', 'failed') and o.completed_at > $1 and o.completed_at <= $2 \
         limit $3",
    )
    .bind(since)
    .bind(until)
    .bind(MOST)
    .all()
}

/// Commands that have ended after one moment and until another. None lasts longer than a week.
pub fn commands(since: Time, until: Time) -> Query<Vec<Passed>> {
    query(
        "select command_type as kind, status, extract(epoch from completed_at - executed_at)::float8 as seconds \
         from remote_commands \
         where created_at > $1 - interval '8 days' and completed_at > $1 and completed_at <= $2 \
           and status in ('completed', 'failed', 'timeout') \
         limit $3",
    )
    .bind(since)
    .bind(until)
    .bind(MOST)
    .all()
}
