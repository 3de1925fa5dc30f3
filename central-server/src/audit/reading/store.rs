//! The SQL of reading. Who may is decided by the policies, too: the journal is NeoPro's own, and no tenant's.

use super::{Filter, LogRow, Seals};
use crate::clock::Time;
use crate::db::{Columns as _, Query, Scalar, Scope, Statement, escape_like, first_wall, scoped};

/// The condition under which a scope reaches the journal. `$1` is its tenant.
fn reach(scope: Scope) -> &'static str {
    first_wall(match scope {
        Scope::System | Scope::Staff(_) => "$1 is null",
        Scope::Agency(..) | Scope::Sponsor(..) => "$1 is null and false",
    })
}

/// Which entries a filter means; `$2` to `$8`.
fn meant(scope: Scope, filter: &Filter) -> String {
    let Filter { action, user_id, target_type, target_id, start, end, search } = filter;
    let asked = [
        (action.is_some(), "a.action = $2"),
        (user_id.is_some(), "a.user_id = $3"),
        (target_type.is_some(), "a.target_type = $4"),
        (target_id.is_some(), "a.target_id = $5"),
        (start.is_some(), "a.created_at >= $6"),
        (end.is_some(), "a.created_at <= $7"),
        (
            search.is_some(),
            "(neopro_fold(concat_ws(' ', a.action, a.target_type, a.target_id, a.details, a.before, a.after, \
               a.personal, a.ip_address, a.user_agent)) like '%' || neopro_fold($8) || '%' \
             or a.user_id in (select id from neopro_audit_people('{}', $9)))",
        ),
    ];
    let mut conditions = vec![reach(scope)];
    conditions.extend(asked.into_iter().filter_map(|(is_asked, condition)| is_asked.then_some(condition)));
    conditions.join(" and ")
}

fn filtered(scope: Scope, sql: String, filter: &Filter) -> Statement {
    scoped(scope, sql)
        .bind(filter.action.clone())
        .bind(filter.user_id)
        .bind(filter.target_type.clone())
        .bind(filter.target_id.clone())
        .bind(filter.start)
        .bind(filter.end)
        .bind(filter.search.as_deref().map(escape_like))
        .bind(filter.search.clone())
}

/// What an entry is about, by name: as it is called now, else as it was called when it was written down. The rows are
/// `a`.
const TARGET_NAME: &str = "coalesce( \
     case when a.target_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then case a.target_type \
       when 'site' then (select site_name from sites where id = a.target_id::uuid) \
       when 'group' then (select name from groups where id = a.target_id::uuid) \
       when 'video' then (select coalesce(metadata->>'title', original_name) from videos where id = a.target_id::uuid) \
       when 'deployment' then (select video_title from content_deployments where id = a.target_id::uuid) \
       when 'user' then (select p.email from neopro_audit_people(array[a.target_id::uuid], null) p) end end, \
     a.before->>'site_name', a.after->>'site_name', a.before->>'name', a.after->>'name', a.before->>'title', \
     a.before->>'original_name', a.after->>'original_name', a.before->>'video_title', a.after->>'video_title', \
     a.details->>'siteName', a.personal->'details'->>'email', a.personal->'before'->>'email', \
     a.personal->'after'->>'email')";

/// Rows of the journal, out of `page`, with names.
fn with_names(page: &str) -> String {
    let columns: Vec<String> = LogRow::NAMES
        .iter()
        .map(|name| match *name {
            "user_email" => "who.email as user_email".to_owned(),
            "target_name" => format!("{TARGET_NAME} as target_name"),
            "erased" => "a.actor_erased_by is not null or a.personal_erased_by is not null as erased".to_owned(),
            name => format!("a.{name}"),
        })
        .collect();
    // The accounts of the page only, read once.
    format!(
        "with a as materialized ({page}) select {} from a \
         left join neopro_audit_people(array(select user_id from a), null) who on who.id = a.user_id \
         order by a.created_at desc, a.id desc",
        columns.join(", ")
    )
}

/// A page of entries, newest first.
pub fn page(scope: Scope, filter: &Filter, limit: i64, offset: i64) -> Query<Vec<LogRow>> {
    let page = format!(
        "select a.* from audit_logs a where {} order by a.created_at desc, a.id desc limit $10 offset $11",
        meant(scope, filter)
    );
    filtered(scope, with_names(&page), filter).bind(limit).bind(offset).all()
}

/// How many entries there are.
pub fn count(scope: Scope, filter: &Filter) -> Query<i64> {
    let sql = format!("select count(*) from audit_logs a where {}", meant(scope, filter));
    filtered(scope, sql, filter).one::<Scalar<i64>>().map(|Scalar(count)| count)
}

/// The entries behind one, newest first: what is written meanwhile moves nothing.
pub fn behind(scope: Scope, filter: &Filter, last: Option<(Time, uuid::Uuid)>, limit: i64) -> Query<Vec<LogRow>> {
    let page = format!(
        "select a.* from audit_logs a where {} and ($10 is null or (a.created_at, a.id) < ($10, $11)) \
         order by a.created_at desc, a.id desc limit $12",
        meant(scope, filter)
    );
    let (at, id) = last.unzip();
    filtered(scope, with_names(&page), filter).bind(at).bind(id).bind(limit).all()
}

/// The words that occur. Each is looked up behind the one before it, in the index: the entries are not read.
pub fn actions(scope: Scope) -> Query<Vec<String>> {
    let sql = format!(
        "with recursive words as ( \
           (select min(action) as word from audit_logs where {reach}) \
           union all \
           select (select min(action) from audit_logs where {reach} and action > word) from words where word is not null \
         ) select word from words where word is not null order by word",
        reach = reach(scope)
    );
    scoped(scope, sql).all::<Scalar<String>>().map(|words| words.into_iter().map(|Scalar(word)| word).collect())
}

/// How far the journal is sealed.
pub fn seals(scope: Scope) -> Query<Seals> {
    let sql = format!(
        "select last.sealed_at as last_seal_at, last.number as last_number, encode(last.hash, 'hex') as last_hash, \
           (select count(*) from audit_logs where number is null) as unsealed \
         from (select 1) one left join lateral (select * from audit_seals order by number desc limit 1) last on true \
         where {}",
        reach(scope)
    );
    scoped(scope, sql).one()
}
