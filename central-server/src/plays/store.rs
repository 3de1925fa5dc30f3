//! The SQL of plays as they come.

use super::Play;
use crate::clock::Time;
use crate::db::{Query, Scalar, query};
use crate::ids::SiteId;

/// Keeps plays of a site; how many of them were not there yet. One that comes again while it waits changes nothing; one
/// that comes later still is found when it is put into its day.
pub fn take(site: SiteId, plays: &[Play], now: Time) -> Query<i64> {
    query(
        "with added as ( \
           insert into video_plays (site_id, played_at, video_filename, category, duration_played, video_duration, completed, \
             trigger_type, session_id, video_id, sponsor_id, received_at) \
           select s.id, p.played_at, p.video_filename, p.category, p.duration_played, p.video_duration, p.completed, \
             case when p.is_manual then 'manual' else 'auto' end, p.session_id, p.video_id, p.sponsor_id, $12 \
           from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11) as p (played_at, video_filename, category, \
             duration_played, video_duration, completed, is_manual, session_id, video_id, sponsor_id) \
           join sites s on s.id = $1 \
           on conflict do nothing returning 1 \
         ) select count(*) from added",
    )
    .bind(site)
    .bind(column(plays, |play| play.played_at))
    .bind(column(plays, |play| play.video_filename.clone()))
    .bind(column(plays, |play| play.category.clone()))
    .bind(column(plays, |play| play.duration_played))
    .bind(column(plays, |play| play.video_duration))
    .bind(column(plays, |play| play.completed))
    .bind(column(plays, |play| play.is_manual))
    .bind(column(plays, |play| play.session_id.clone()))
    .bind(column(plays, |play| play.video_id))
    .bind(column(plays, |play| play.sponsor_id))
    .bind(now)
    .one::<Scalar<i64>>()
    .map(|Scalar(added)| added)
}

fn column<T>(plays: &[Play], of: impl Fn(&Play) -> T) -> Vec<T> {
    plays.iter().map(of).collect()
}
