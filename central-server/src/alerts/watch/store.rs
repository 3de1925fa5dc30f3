//! The SQL of the look-out. The look itself is `neopro_watch`.

use serde_json::Value;
use uuid::Uuid;

use crate::alerts::rules::AlertSettings;
use crate::clock::Time;
use crate::db::{Json, Query, Scalar, query, row};
use crate::ids::{JobId, NoticeId, UserId};
use crate::jobs::Kind;

/// What holds.
pub fn rules() -> Query<AlertSettings> {
    query("select value from settings where key = 'alerts'").optional::<Scalar<Json>>().map(|stored| {
        stored.map_or_else(AlertSettings::default, |Scalar(stored)| AlertSettings::stored(&stored.read()))
    })
}

/// Lets this hold from now on.
pub fn set_rules(new: &AlertSettings, by: UserId, now: Time) -> Query<()> {
    query(
        "insert into settings (key, value, updated_at, updated_by) values ('alerts', $1, $2, $3) \
         on conflict (key) do update set value = excluded.value, updated_at = excluded.updated_at, \
           updated_by = excluded.updated_by",
    )
    .bind(serde_json::json!(new))
    .bind(now)
    .bind(by)
    .nothing()
}

/// How large the database is, in bytes.
pub fn database_size() -> Query<i64> {
    query("select neopro_database_size()").one::<Scalar<i64>>().map(|Scalar(bytes)| bytes)
}

/// Looks once: opens, closes, and makes the notices.
pub fn watch(rules: &AlertSettings, troubles: Value, now: Time) -> Query<()> {
    query("select neopro_watch($1, $2, $3)").bind(serde_json::json!(rules)).bind(troubles).bind(now).nothing()
}

/// How many mails were not sent today.
pub fn held_today(now: Time) -> Query<i64> {
    query("select coalesce(sum(held), 0)::bigint from mail_days where day = ($1 at time zone 'UTC')::date")
        .bind(now)
        .one::<Scalar<i64>>()
        .map(|Scalar(held)| held)
}

row! {
    /// A notice that nobody has passed on yet.
    #[derive(Debug)]
    pub struct Notice {
        pub id: NoticeId,
        pub kind: String,
        pub user_id: Option<UserId>,
        pub content: Json,
        pub created_at: Time,
    }
}

/// The oldest of those.
pub fn waiting() -> Query<Vec<Notice>> {
    query(
        "select id, kind, user_id, content, created_at from alert_notices where spread_at is null \
         order by created_at, id limit 20",
    )
    .all()
}

/// Who reads a notice of this kind: its own person, or those who run the installation and want to.
pub fn readers(notice: &Notice) -> Query<Vec<UserId>> {
    query(
        "select id from users where is_active and status = 'active' and case \
           when $2 is not null then id = $2 \
           when $1 = 'alerts' then mail_alerts and role in ('super_admin', 'admin') \
           else mail_summary and role in ('super_admin', 'admin') end order by id",
    )
    .bind(notice.kind.clone())
    .bind(notice.user_id)
    .all::<Scalar<UserId>>()
    .map(|ids| ids.into_iter().map(|Scalar(id)| id).collect())
}

/// A job that passes a notice on.
#[derive(Debug)]
pub struct Passing {
    pub id: JobId,
    pub kind: Kind,
    pub to: Option<UserId>,
    pub sealed: String,
}

/// Passes a notice on by these jobs. Undoes the flush with a broken rule if somebody has done so already.
pub fn spread(notice: NoticeId, jobs: Vec<Passing>, now: Time) -> (Query<()>, Query<()>) {
    let first = query(
        "with done as (update alert_notices set spread_at = $2 where id = $1 and spread_at is null returning id) \
         select neopro_must(exists (select from done), 'alert_notices_spread_once')",
    )
    .bind(notice)
    .bind(now)
    .nothing();
    let mut ids: Vec<Uuid> = Vec::new();
    let (mut kinds, mut people, mut sealed) = (Vec::new(), Vec::new(), Vec::new());
    for job in jobs {
        ids.push(job.id.0);
        kinds.push(job.kind.name().to_owned());
        people.push(job.to.map(|user| user.0));
        sealed.push(job.sealed);
    }
    let jobs = query(
        "insert into jobs (id, kind, user_id, payload, run_at, created_at) \
         select j.id, j.kind, j.person, j.sealed, $5, $5 from unnest($1, $2, $3, $4) as j (id, kind, person, sealed)",
    )
    .bind(ids)
    .bind(kinds)
    .bind(people)
    .bind(sealed)
    .bind(now)
    .nothing();
    (first, jobs)
}

/// Forgets what is over for long: alerts as long as figures are kept.
pub fn forget(now: Time) -> Query<()> {
    query(
        "with old as (delete from alerts where resolved_at < $1 - interval '13 months'), \
           days as (delete from mail_days where day < ($1 - interval '13 months')::date) \
         delete from alert_notices where spread_at < $1 - interval '30 days'",
    )
    .bind(now)
    .nothing()
}
