//! The SQL of jobs.

use std::time::Duration;

use super::{Failure, Kind, Lane};
use crate::clock::Time;
use crate::db::{Query, query, row};
use crate::ids::{JobId, UserId};

/// Enqueues a job in the flush of the act that it belongs to, whatever the scope. `sealed` opens at the job's id.
pub fn enqueue(job: JobId, kind: Kind, about: UserId, sealed: String, now: Time) -> Query<()> {
    query("select neopro_enqueue($1, $2, $3, $4, $5, $5)")
        .bind(job)
        .bind(kind.name())
        .bind(about)
        .bind(sealed)
        .bind(now)
        .nothing()
}

row! {
    /// A job whose lease we hold.
    #[derive(Debug)]
    pub struct Job {
        /// Its id.
        pub id: JobId,
        /// What is to be done, in a word.
        pub kind: String,
        /// Whom it is about.
        pub user_id: Option<UserId>,
        /// What it needs to know, sealed.
        pub payload: Option<String>,
        /// How often it was tried, this time included.
        pub attempts: i32,
    }
}

/// Takes the leases of jobs that are due, the oldest first. Those of others are passed over, not waited for, and so are
/// kinds of which only a newer server beside this one knows.
pub fn take(lane: Lane, most: i64, lease: Duration, now: Time) -> Query<Vec<Job>> {
    query(
        "with due as ( \
           select id from jobs where state = 'waiting' and run_at <= $3 and (lease_until is null or lease_until <= $3) \
             and kind = any ($4) \
           order by run_at, id limit $1 for update skip locked \
         ) \
         update jobs set lease_until = $2, attempts = attempts + 1 from due where jobs.id = due.id \
         returning jobs.id, jobs.kind, jobs.user_id, jobs.payload, jobs.attempts",
    )
    .bind(most)
    .bind(now.plus(lease))
    .bind(now)
    .bind(lane.kinds())
    .all()
}

/// Gives jobs back that are not done, each as this attempt has it: another server may take them at once.
pub fn give_back(held: &[(JobId, i32)]) -> Query<()> {
    query(
        "update jobs set lease_until = null from unnest($1, $2) as held (id, attempts) \
         where jobs.id = held.id and jobs.attempts = held.attempts and jobs.state = 'waiting'",
    )
    .bind(held.iter().map(|(job, _)| job.0).collect::<Vec<_>>())
    .bind(held.iter().map(|(_, attempts)| *attempts).collect::<Vec<_>>())
    .nothing()
}

/// A job is done: what it knew is forgotten. One that has lost its lease to another try leaves that alone.
pub fn done(job: &Job, now: Time) -> Query<()> {
    query(
        "update jobs set state = 'done', payload = null, lease_until = null, last_error = null, ended_at = $3 \
         where id = $1 and attempts = $2 and state = 'waiting'",
    )
    .bind(job.id)
    .bind(job.attempts)
    .bind(now)
    .nothing()
}

/// A try has failed: the next one is at that moment, or there is none.
pub fn failed(job: &Job, failure: &Failure, now: Time) -> Query<()> {
    let next = failure.next_try(job.attempts, now);
    query(
        "update jobs set lease_until = null, last_error = $3, run_at = coalesce($4, run_at), \
           state = case when $4 is null then 'failed' else 'waiting' end, \
           payload = case when $4 is null then null else payload end, \
           ended_at = case when $4 is null then $5 end \
         where id = $1 and attempts = $2 and state = 'waiting'",
    )
    .bind(job.id)
    .bind(job.attempts)
    .bind(failure.why().chars().take(1_000).collect::<String>())
    .bind(next)
    .bind(now)
    .nothing()
}

/// Forgets what has ended long ago: see the function.
pub fn forget_ended(now: Time) -> Query<()> {
    query("select neopro_forget_ended($1)").bind(now).nothing()
}
