//! The SQL of the storage's use. `$1` is always the caller's tenant: the first wall.

use uuid::Uuid;

use super::Figures;
use crate::clock::Time;
use crate::db::{Query, Scalar, Scope, first_wall, query, scoped};

/// The condition under which a scope reaches it: the storage is NeoPro's own.
fn reach(scope: Scope) -> &'static str {
    first_wall(match scope {
        Scope::System | Scope::Staff(_) => "$1 is null",
        Scope::Agency(..) | Scope::Sponsor(..) => "$1 is null and false",
    })
}

/// Bytes of the library's files.
pub fn stored(scope: Scope) -> Query<i64> {
    let sql = format!("select coalesce(sum(file_size), 0)::bigint from videos where {}", reach(scope));
    scoped(scope, sql).one::<Scalar<i64>>().map(|Scalar(bytes)| bytes)
}

/// All figures.
pub fn figures(scope: Scope, now: Time) -> Query<Figures> {
    let sql = format!(
        "select coalesce(sum(v.file_size), 0)::bigint as stored_bytes, count(*) as files, neopro_storage_traffic($2) as traffic_bytes, \
           neopro_database_size() as database_bytes, \
           (select coalesce(sum(c.file_size), 0)::bigint from site_videos w join videos c on c.id = w.video_id \
             left join site_inventory i on i.site_id = w.site_id and i.video_id = w.video_id \
             where i.state is null or i.state not in ('installed', 'failed')) as coming_bytes \
         from videos v where {}",
        reach(scope)
    );
    scoped(scope, sql).bind(now).one()
}

/// Counts what the server itself has read.
pub fn note_read(bytes: i64, now: Time) -> Query<()> {
    query(
        "insert into storage_traffic as t (month, reader, bytes) \
         values (date_trunc('month', $3 at time zone 'UTC')::date, $1, $2) \
         on conflict (month, reader) do update set bytes = t.bytes + excluded.bytes",
    )
    .bind(Uuid::nil())
    .bind(bytes)
    .bind(now)
    .nothing()
}
