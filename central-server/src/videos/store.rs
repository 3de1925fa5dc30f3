//! The SQL of videos. `$1` is always the caller's tenant: the first wall, see [`reach`].

use super::{Filter, MediaKind, NewVideo, Presence, SiteFilter, Sort, VideoChanges, VideoRow, VideoSite};
use crate::clock::Time;
use crate::db::{Query, Scalar, Scope, Statement, escape_like, first_wall, row, scoped};
use crate::ids::VideoId;
use crate::storage::ObjectName;

/// The condition under which a scope reaches videos: the library is NeoPro's own.
fn reach(scope: Scope) -> &'static str {
    first_wall(match scope {
        Scope::System | Scope::Staff(_) => "$1 is null",
        Scope::Agency(..) | Scope::Sponsor(..) => "$1 is null and false",
    })
}

const VIEW: &str = "id, filename, original_name, coalesce(nullif(metadata->>'title', ''), original_name) as title, \
     category, subcategory, file_size, duration, storage_path as url, thumbnail_url, mime_type, checksum, codec, \
     width, height, faststart, metadata, created_at, updated_at, \
     (select count(*) from site_videos w where w.video_id = videos.id) as sites_count";

/// The conditions of a filter, `$2` to `$6`. The planner sees the values and drops what is null.
const FILTER: &str = "($2 is null or category = $2) \
     and ($3 is null or search_text like '%' || neopro_fold($3) || '%') and ($4 is null or checksum = $4) \
     and ($5 is null or mime_type like $5 || '/%') \
     and ($6 is null or not exists (select from site_videos w where w.video_id = videos.id) \
       and not exists (select from content_deployments d where d.video_id = videos.id and d.action = 'install' \
         and d.started_at is null and d.cancelled_at is null))";

fn filtered(scope: Scope, sql: String, filter: &Filter) -> Statement {
    let pattern = filter.search.as_deref().map(escape_like);
    scoped(scope, sql)
        .bind(filter.category.clone())
        .bind(pattern)
        .bind(filter.sha256.clone())
        .bind(filter.kind.map(MediaKind::family))
        .bind(filter.unused.then_some(true))
}

/// One page of the library.
pub fn page(scope: Scope, filter: &Filter) -> Query<Vec<VideoRow>> {
    let column = match filter.sort {
        Sort::CreatedAt => "created_at",
        // As people sort: É beside E, whatever the database's collation.
        Sort::Title => "neopro_fold(coalesce(nullif(metadata->>'title', ''), original_name))",
        Sort::FileSize => "file_size",
        Sort::Duration => "duration",
    };
    let direction = filter.order.name();
    // A picture has no duration: it comes last, whichever way the rest is sorted.
    let nulls = if filter.sort == Sort::Duration { "nulls last" } else { "" };
    // First the rows of the page and then their sites: those of the rows that are skipped are not counted.
    let sql = format!(
        "select {VIEW} from ( \
           select videos.*, {column} as sort_key from videos where {} and {FILTER} \
           order by {column} {direction} {nulls}, id {direction} limit $7 offset $8) videos \
         order by sort_key {direction} {nulls}, id {direction}",
        reach(scope)
    );
    filtered(scope, sql, filter).bind(filter.slice.limit).bind(filter.slice.offset()).all()
}

row! {
    /// The whole of a list, beyond its page.
    #[derive(Debug)]
    pub struct Whole {
        /// How many videos.
        pub total: i64,
        /// Their bytes.
        pub bytes: i64,
    }
}

/// How many videos the whole list has, and how large they are together.
pub fn count(scope: Scope, filter: &Filter) -> Query<Whole> {
    let sums = "count(*) as total, coalesce(sum(file_size), 0)::bigint as bytes";
    filtered(scope, format!("select {sums} from videos where {} and {FILTER}", reach(scope)), filter).one()
}

/// One video.
pub fn find(scope: Scope, id: VideoId) -> Query<Option<VideoRow>> {
    scoped(scope, format!("select {VIEW} from videos where {} and id = $2", reach(scope))).bind(id).optional()
}

/// The video with these bytes.
pub fn find_same(scope: Scope, checksum: &str) -> Query<Option<VideoId>> {
    scoped(scope, format!("select id from videos where {} and checksum = $2", reach(scope)))
        .bind(checksum.to_owned())
        .optional::<Scalar<VideoId>>()
        .map(|id| id.map(|Scalar(id)| id))
}

/// Adds a video, unless its bytes are there already. If they come twice at the same moment, the later one waits for
/// the end of the earlier.
pub fn insert(scope: Scope, new: &NewVideo, now: Time) -> Query<Option<VideoRow>> {
    let sql = format!(
        "insert into videos (id, filename, original_name, category, subcategory, file_size, duration, mime_type, \
           storage_path, checksum, codec, width, height, faststart, metadata, uploaded_by, created_at, updated_at) \
         select $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, neopro_user(), $17, $17 where {} \
         on conflict (checksum) where checksum is not null do nothing returning {VIEW}",
        reach(scope)
    );
    scoped(scope, sql)
        .bind(new.id)
        .bind(new.filename.clone())
        .bind(new.original_name.clone())
        .bind(new.labels.category.clone())
        .bind(new.labels.subcategory.clone())
        .bind(new.size)
        .bind(new.facts.duration)
        .bind(new.facts.kind.media_type())
        .bind(new.path.clone())
        .bind(new.checksum.clone())
        .bind(new.facts.codec)
        .bind(new.facts.width)
        .bind(new.facts.height)
        .bind(new.facts.faststart)
        .bind(new.metadata())
        .bind(now)
        .optional()
}

/// Changes what is given. The title lies within the notes.
pub fn update(scope: Scope, id: VideoId, changes: &VideoChanges, now: Time) -> Query<Option<VideoRow>> {
    let sql = format!(
        "update videos set original_name = coalesce($3, original_name), \
           category = case when $4 then $5 else category end, \
           subcategory = case when $6 then $7 else subcategory end, \
           metadata = case when $9 then jsonb_strip_nulls(jsonb_build_object('title', $10)) \
             || (coalesce($8, metadata) - 'title') else coalesce($8, metadata) end, \
           updated_at = $11 \
         where {} and id = $2 returning {VIEW}",
        reach(scope)
    );
    scoped(scope, sql)
        .bind(id)
        .bind(changes.original_name.clone())
        .bind(changes.category.is_some())
        .bind(changes.category.clone().flatten())
        .bind(changes.subcategory.is_some())
        .bind(changes.subcategory.clone().flatten())
        .bind(changes.metadata.clone())
        .bind(changes.title.is_some())
        .bind(changes.title.clone().flatten())
        .bind(now)
        .optional()
}

/// The thumbnail of a video that is to have another one. Held until the end of the transaction: of several that come
/// at once, each replaces the one before it.
pub fn lock_thumbnail(scope: Scope, id: VideoId) -> Query<Option<String>> {
    scoped(scope, format!("select thumbnail_url from videos where {} and id = $2 for update", reach(scope)))
        .bind(id)
        .optional::<Scalar<Option<String>>>()
        .map(|row| row.and_then(|Scalar(thumbnail)| thumbnail))
}

/// Gives a video a thumbnail.
pub fn set_thumbnail(scope: Scope, id: VideoId, object: &ObjectName, now: Time) -> Query<Option<VideoRow>> {
    let sql = format!(
        "update videos set thumbnail_url = $3, updated_at = $4 where {} and id = $2 returning {VIEW}",
        reach(scope)
    );
    scoped(scope, sql).bind(id).bind(object.path()).bind(now).optional()
}

/// The sites that are to have a video (`$2`), as far as it is this far there (`$3`).
const WANTED: &str = "site_videos w join sites s on s.id = w.site_id \
     left join site_inventory i on i.site_id = w.site_id and i.video_id = w.video_id \
     where w.video_id = $2 and ($3 is null or coalesce(i.state, 'pending') = $3)";

/// One page of the sites that are to have a video, by their clubs' names.
pub fn sites(scope: Scope, id: VideoId, filter: &SiteFilter) -> Query<Vec<VideoSite>> {
    let sql = format!(
        "select s.id as site_id, s.site_name, s.club_name, coalesce(i.state, 'pending') as state, \
           coalesce(i.changed_at, w.since) as changed_at \
         from {WANTED} and {} order by neopro_fold(s.club_name), neopro_fold(s.site_name), s.id limit $4 offset $5",
        reach(scope)
    );
    scoped(scope, sql)
        .bind(id)
        .bind(filter.state.map(Presence::name))
        .bind(filter.slice.limit)
        .bind(filter.slice.offset())
        .all()
}

/// How many sites the whole list has.
pub fn count_sites(scope: Scope, id: VideoId, filter: &SiteFilter) -> Query<i64> {
    scoped(scope, format!("select count(*) from {WANTED} and {}", reach(scope)))
        .bind(id)
        .bind(filter.state.map(Presence::name))
        .one::<Scalar<i64>>()
        .map(|Scalar(count)| count)
}

row! {
    /// What is left of a video that was deleted.
    #[derive(Debug)]
    pub struct Deleted {
        /// What it was called.
        pub title: String,
        /// Where its object is.
        pub storage_path: String,
        /// Where the object of its thumbnail is.
        pub thumbnail_url: Option<String>,
    }
}

/// Deletes a video with all that hangs on it.
pub fn delete(scope: Scope, id: VideoId) -> Query<Option<Deleted>> {
    let sql = format!(
        "delete from videos where {} and id = $2 \
         returning coalesce(nullif(metadata->>'title', ''), original_name) as title, storage_path, thumbnail_url",
        reach(scope)
    );
    scoped(scope, sql).bind(id).optional()
}
