//! The SQL of files that were announced. `$1` is always the caller's tenant: the first wall.

use super::{NewUpload, Upload};
use crate::clock::Time;
use crate::db::{Query, Scope, first_wall, query, row, scoped};
use crate::ids::VideoId;

/// How many are cleaned up at once.
const TOGETHER: i64 = 50;

/// The condition under which a scope reaches them: the library is NeoPro's own.
fn reach(scope: Scope) -> &'static str {
    first_wall(match scope {
        Scope::System | Scope::Staff(_) => "$1 is null",
        Scope::Agency(..) | Scope::Sponsor(..) => "$1 is null and false",
    })
}

/// Writes down what was announced.
pub fn announce(scope: Scope, new: &NewUpload, now: Time) -> Query<()> {
    let sql = format!(
        "insert into video_uploads (id, user_id, path, mime_type, original_name, labels, size, checksum, created_at, \
           expires_at) \
         select $2, neopro_user(), $3, $4, $5, $6, $7, $8, $9, $10 where {}",
        reach(scope)
    );
    scoped(scope, sql)
        .bind(new.id)
        .bind(new.path.clone())
        .bind(new.media_type)
        .bind(new.announced.name.clone())
        .bind(new.announced.labels.kept())
        .bind(i64::try_from(new.announced.size).unwrap_or(i64::MAX))
        .bind(new.announced.sha256.clone())
        .bind(now)
        .bind(new.expires_at)
        .nothing()
}

/// Takes an upload of the caller's own to look at, unless somebody looks at it, or has refused it.
pub fn claim(scope: Scope, id: VideoId, now: Time, until: Time) -> Query<Option<Upload>> {
    let sql = format!(
        "update video_uploads set busy_until = $4 \
         where {} and id = $2 and user_id = neopro_user() and refusal_code is null \
           and (busy_until is null or busy_until < $3) and not exists (select from videos v where v.id = $2) \
         returning id, path, mime_type, original_name, labels, size, checksum",
        reach(scope)
    );
    scoped(scope, sql).bind(id).bind(now).bind(until).optional()
}

row! {
    /// Why an upload is no video, if somebody has looked at it.
    #[derive(Debug)]
    pub struct Fate {
        /// A stable word.
        pub refusal_code: Option<String>,
        /// A sentence.
        pub refusal: Option<String>,
    }
}

/// What became of an upload of the caller's own.
pub fn fate(scope: Scope, id: VideoId) -> Query<Option<Fate>> {
    let sql = format!(
        "select refusal_code, refusal from video_uploads where {} and id = $2 and user_id = neopro_user()",
        reach(scope)
    );
    scoped(scope, sql).bind(id).optional()
}

/// Lets others look at it.
pub fn release(id: VideoId) -> Query<()> {
    query("update video_uploads set busy_until = null where id = $1").bind(id).nothing()
}

/// Writes down why it is no video.
pub fn refuse(id: VideoId, code: &'static str, sentence: String) -> Query<()> {
    query("update video_uploads set busy_until = null, refusal_code = $2, refusal = $3 where id = $1")
        .bind(id)
        .bind(code)
        .bind(sentence)
        .nothing()
}

row! {
    /// An upload whose address has expired.
    #[derive(Debug)]
    pub struct Expired {
        /// Which one.
        pub id: VideoId,
        /// Where its object is, if there is one.
        pub path: String,
        /// It has become a video.
        pub is_kept: bool,
    }
}

/// Takes some that have expired, to clean up behind them.
pub fn expired(before: Time, now: Time, until: Time) -> Query<Vec<Expired>> {
    query(
        "update video_uploads u set busy_until = $3 \
         where u.id in (select x.id from video_uploads x where x.expires_at < $1 \
           and (x.busy_until is null or x.busy_until < $2) order by x.expires_at limit $4 for update skip locked) \
         returning u.id, u.path, exists (select from videos v where v.storage_path = u.path) as is_kept",
    )
    .bind(before)
    .bind(now)
    .bind(until)
    .bind(TOGETHER)
    .all()
}

/// Nothing is left of it.
pub fn forget(id: VideoId) -> Query<()> {
    query("delete from video_uploads where id = $1").bind(id).nothing()
}
