//! The SQL of a takeover that is not in its scripts. All of it runs in the one transaction, as the owner of the tables.

use serde_json::{Value, json};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use super::report::{Kind, Line};
use crate::db::migrations::{self, MigrateError};

/// The old tables, and what is in the way of ours, into a schema of their own.
const ASIDE: &str = include_str!("aside.sql");
/// Their rows into our tables: people, places and the library; what sites are to have; what has happened.
const OVER: [&str; 3] = [include_str!("over.sql"), include_str!("orders.sql"), include_str!("history.sql")];

/// Before anything else. A stranger's limits would end a long copy. Old times were stored without a zone, by servers whose
/// zone was UTC. Replicas wait for each other as long as it takes; behind that, whoever still writes is waited for so long.
const BEGIN: &str = "begin; set local search_path = public; set local time zone 'UTC'; set local statement_timeout = 0; \
     set local idle_in_transaction_session_timeout = 0; set local client_min_messages = warning; \
     set local lock_timeout = 0; select pg_advisory_xact_lock(7041776033); set local lock_timeout = '10s'";

/// A person's second factor, as NeoPro 1 kept it.
pub(super) struct OldFactor {
    pub user: Uuid,
    pub is_on: bool,
    pub secret: Option<String>,
    /// An array of texts, or a text that holds one: it was written both ways.
    pub codes: Value,
}

/// A copy of a box's configuration.
pub(super) struct OldMirror {
    pub site: Uuid,
    pub document: Value,
    pub hash: Option<String>,
}

/// A factor as it is stored here.
pub(super) struct NewFactor {
    pub user: Uuid,
    pub sealed: String,
    pub codes: Vec<String>,
}

/// A document with its secrets apart.
pub(super) struct Masked {
    pub id: Uuid,
    pub document: Value,
    pub sealed: Option<String>,
}

type Parameters<'a> = [(&'a (dyn ToSql + Sync), Type)];

async fn rows(client: &Client, sql: &str, parameters: &Parameters<'_>) -> Result<Vec<Row>, MigrateError> {
    client.query_typed(sql, parameters).await.map_err(|error| MigrateError::of(&error))
}

/// One column of a row of ours.
fn read<'a, T: tokio_postgres::types::FromSql<'a>>(row: &'a Row, index: usize) -> Result<T, MigrateError> {
    row.try_get(index).map_err(|error| MigrateError::of(&error))
}

/// Runs statements for their effect.
pub(super) async fn run(client: &Client, sql: &str) -> Result<(), MigrateError> {
    client.batch_execute(sql).await.map_err(|error| MigrateError::of(&error))
}

/// Begins a transaction.
pub(super) async fn begin(client: &Client) -> Result<(), MigrateError> {
    run(client, "begin").await
}

/// Begins the transaction of a takeover, and waits for other replicas.
pub(super) async fn begin_takeover(client: &Client) -> Result<(), MigrateError> {
    run(client, BEGIN).await
}

/// Ends a transaction.
pub(super) async fn end(client: &Client, kept: bool) -> Result<(), MigrateError> {
    run(client, if kept { "commit" } else { "rollback" }).await
}

/// Ends the transaction of a takeover, whose last tool goes with it.
pub(super) async fn end_takeover(client: &Client, kept: bool) -> Result<(), MigrateError> {
    run(client, "drop function neopro_1.note(text, text, bigint, text[])").await?;
    end(client, kept).await
}

/// Moves the old tables aside.
pub(super) async fn move_aside(client: &Client) -> Result<(), MigrateError> {
    run(client, ASIDE).await
}

/// Copies their rows over. A document in which one of these names occurs may hold a secret, and is left for later.
pub(super) async fn copy_over(client: &Client, names_of_secrets: &str) -> Result<(), MigrateError> {
    for script in OVER {
        run(client, &script.replace("@secrets@", names_of_secrets)).await?;
    }
    Ok(())
}

/// Whether this still is a database of NeoPro 1, now that nobody else migrates it.
pub(super) async fn is_neopro_1(client: &Client) -> Result<bool, MigrateError> {
    let found = rows(client, &format!("select coalesce({}, false)", migrations::IS_NEOPRO_1), &[]).await?;
    found.first().map_or(Ok(false), |row| read(row, 0))
}

/// Tells the scripts which names are ours.
pub(super) async fn name_ours(client: &Client, names: &[String]) -> Result<(), MigrateError> {
    let names = json!(names).to_string();
    rows(client, "select set_config('neopro.names', $1, true)", &[(&names, Type::TEXT)]).await.map(|_| ())
}

/// Adds a line to the report.
pub(super) async fn note(
    client: &Client,
    kind: Kind,
    sentence: &str,
    count: i64,
    examples: &[String],
) -> Result<(), MigrateError> {
    let sql = "select neopro_1.note($1, $2, $3, $4)";
    let parameters: &Parameters<'_> =
        &[(&kind.name(), Type::TEXT), (&sentence, Type::TEXT), (&count, Type::INT8), (&examples, Type::TEXT_ARRAY)];
    rows(client, sql, parameters).await.map(|_| ())
}

/// The whole report.
pub(super) async fn report(client: &Client) -> Result<Vec<Line>, MigrateError> {
    let sql = "select kind, sentence, rows, examples from neopro_1.takeover order by step";
    let read_line = |row: &Row| {
        let kind: String = read(row, 0)?;
        let kind = Kind::named(&kind).ok_or_else(|| MigrateError::Refused(format!("unknown kind {kind}")))?;
        Ok(Line { kind, sentence: read(row, 1)?, rows: read(row, 2)?, examples: read(row, 3)? })
    };
    rows(client, sql, &[]).await?.iter().map(read_line).collect()
}

/// What is kept apart, in bytes.
pub(super) async fn kept_bytes(client: &Client) -> Result<i64, MigrateError> {
    let sql = "select coalesce(sum(pg_total_relation_size(oid)), 0)::int8 from pg_class \
               where relnamespace = 'neopro_1'::regnamespace and relkind in ('r', 'm')";
    rows(client, sql, &[]).await?.first().map_or(Ok(0), |row| read(row, 0))
}

/// Lets nothing that hangs on an old table happen while it is changed, or lets it happen again.
pub(super) async fn hold_triggers(client: &Client, table: &str, held: bool) -> Result<(), MigrateError> {
    let word = if held { "disable" } else { "enable" };
    let sql = format!("alter table neopro_1.{table} {word} trigger user");
    client.batch_execute(&sql).await.map_err(|error| MigrateError::of(&error))
}

/// Whether an old table has this column.
pub(super) async fn has_column(client: &Client, table: &str, column: &str) -> Result<bool, MigrateError> {
    let sql = "select exists (select from pg_attribute where attrelid = to_regclass('neopro_1.' || $1) \
               and attname = $2 and not attisdropped)";
    rows(client, sql, &[(&table, Type::TEXT), (&column, Type::TEXT)])
        .await?
        .first()
        .map_or(Ok(false), |row| read(row, 0))
}

/// Every second factor that NeoPro 1 kept something of.
pub(super) async fn old_factors(client: &Client) -> Result<Vec<OldFactor>, MigrateError> {
    let sql = "select (j->>'id')::uuid, coalesce((j->>'mfa_enabled')::boolean, false), nullif(j->>'mfa_secret', ''), \
                 coalesce(j->'mfa_backup_codes', 'null') \
               from (select to_jsonb(t) as j from neopro_1.users t) o join public.users u on u.id = (j->>'id')::uuid \
               where nullif(j->>'mfa_secret', '') is not null or coalesce(j->'mfa_backup_codes', 'null') <> 'null' \
                 or (j->>'mfa_enabled')::boolean \
               order by 1";
    let read_factor = |row: &Row| {
        Ok(OldFactor { user: read(row, 0)?, is_on: read(row, 1)?, secret: read(row, 2)?, codes: read(row, 3)? })
    };
    rows(client, sql, &[]).await?.iter().map(read_factor).collect()
}

/// Keeps a factor.
pub(super) async fn keep_factor(client: &Client, factor: &NewFactor) -> Result<(), MigrateError> {
    let sql = "update public.users set mfa_secret = $2, mfa_backup_codes = $3 where id = $1";
    let parameters: &Parameters<'_> =
        &[(&factor.user, Type::UUID), (&factor.sealed, Type::TEXT), (&factor.codes, Type::TEXT_ARRAY)];
    rows(client, sql, parameters).await.map(|_| ())
}

/// Takes secrets and codes out of the old accounts.
pub(super) async fn forget_clear_factors(client: &Client) -> Result<(), MigrateError> {
    for column in ["mfa_secret", "mfa_backup_codes"] {
        if has_column(client, "users", column).await? {
            let sql = format!("update neopro_1.users set {column} = null where {column} is not null");
            rows(client, &sql, &[]).await?;
        }
    }
    Ok(())
}

/// The next copies of configurations, in the order of their sites.
pub(super) async fn old_mirrors(client: &Client, after: Uuid, most: i64) -> Result<Vec<OldMirror>, MigrateError> {
    let sql = "select t.id, t.local_config_mirror, to_jsonb(t)->>'local_config_hash' from neopro_1.sites t \
               join public.sites s on s.id = t.id where t.id > $1 and t.local_config_mirror is not null \
               order by t.id limit $2";
    let read_mirror = |row: &Row| Ok(OldMirror { site: read(row, 0)?, document: read(row, 1)?, hash: read(row, 2)? });
    rows(client, sql, &[(&after, Type::UUID), (&most, Type::INT8)]).await?.iter().map(read_mirror).collect()
}

/// Keeps the copy of a configuration; the videos in it are there.
pub(super) async fn keep_mirror(
    client: &Client,
    mirror: &Masked,
    hash: Option<&str>,
    videos: &[neopro_protocol::configuration::DeployedVideo],
) -> Result<(), MigrateError> {
    let ids: Vec<Uuid> = videos.iter().map(|video| video.video_id).collect();
    let texts = |text: fn(&neopro_protocol::configuration::DeployedVideo) -> Option<String>| {
        videos.iter().map(text).collect::<Vec<_>>()
    };
    let (names, categories) = (texts(|video| video.filename.clone()), texts(|video| video.category.clone()));
    let subcategories = texts(|video| video.subcategory.clone());
    let sql = "select neopro_mirror($1, $2, $3, $4, true, $5, $6, $7, $8, coalesce( \
                 (select (to_jsonb(t)->>'last_config_sync')::timestamptz from neopro_1.sites t where t.id = $1), now()))";
    let parameters: &Parameters<'_> = &[
        (&mirror.id, Type::UUID),
        (&mirror.document, Type::JSONB),
        (&mirror.sealed, Type::TEXT),
        (&hash, Type::TEXT),
        (&ids, Type::UUID_ARRAY),
        (&names, Type::TEXT_ARRAY),
        (&categories, Type::TEXT_ARRAY),
        (&subcategories, Type::TEXT_ARRAY),
    ];
    rows(client, sql, parameters).await?;
    let sql = "update neopro_1.sites set local_config_mirror = $2 where id = $1";
    rows(client, sql, &[(&mirror.id, Type::UUID), (&mirror.document, Type::JSONB)]).await.map(|_| ())
}

/// What boxes show of the library they are to keep: a box with our own software removes what it is not to have.
pub(super) async fn want_what_is_there(client: &Client) -> Result<i64, MigrateError> {
    let sql = "with wanted as ( \
                 insert into public.site_videos (site_id, video_id, deployment_id, since) \
                 select i.site_id, i.video_id, (select t.deployment_id from public.deployment_targets t \
                     where t.site_id = i.site_id and t.video_id = i.video_id order by t.created_at desc limit 1), i.changed_at \
                 from public.site_inventory i join public.videos v on v.id = i.video_id \
                 where i.mirrored and i.state = 'installed' \
                 on conflict do nothing returning 1) \
               select count(*) from wanted";
    rows(client, sql, &[]).await?.first().map_or(Ok(0), |row| read(row, 0))
}

/// The next documents of an old table in which a secret may be.
pub(super) async fn suspects(
    client: &Client,
    table: &str,
    column: &str,
    after: Uuid,
    most: i64,
) -> Result<Vec<(Uuid, Value)>, MigrateError> {
    let sql = format!(
        "select id, {column} from neopro_1.{table} where id > $1 and {column}::text ~* $2 order by id limit $3"
    );
    let parameters: &Parameters<'_> =
        &[(&after, Type::UUID), (&super::secrets::NAMES, Type::TEXT), (&most, Type::INT8)];
    rows(client, &sql, parameters).await?.iter().map(|row| Ok((read(row, 0)?, read(row, 1)?))).collect()
}

/// Makes room for what is sealed beside a column of an old table.
pub(super) async fn add_place(client: &Client, table: &str, column: &str) -> Result<(), MigrateError> {
    let sql = format!("alter table neopro_1.{table} add column {column}_sealed text");
    client.batch_execute(&sql).await.map_err(|error| MigrateError::of(&error))
}

/// Puts masked documents into the place of what they were, here and, of commands, in our table.
pub(super) async fn keep_masked(
    client: &Client,
    table: &str,
    column: &str,
    masked: &[Masked],
) -> Result<(), MigrateError> {
    let ids: Vec<Uuid> = masked.iter().map(|row| row.id).collect();
    let documents: Vec<&Value> = masked.iter().map(|row| &row.document).collect();
    let sealed: Vec<Option<&str>> = masked.iter().map(|row| row.sealed.as_deref()).collect();
    let parameters: &Parameters<'_> =
        &[(&ids, Type::UUID_ARRAY), (&documents, Type::JSONB_ARRAY), (&sealed, Type::TEXT_ARRAY)];
    let sql = format!(
        "update neopro_1.{table} t set {column} = n.document, {column}_sealed = n.sealed \
         from unnest($1, $2, $3) as n (id, document, sealed) where t.id = n.id and n.sealed is not null"
    );
    rows(client, &sql, parameters).await?;
    if table == "remote_commands" {
        // Our table holds objects only.
        let document = match column {
            "command_data" => "case when jsonb_typeof(n.document) = 'object' then n.document else '{}' end",
            _ => {
                "case when jsonb_typeof(n.document) = 'object' then n.document \
                 else jsonb_build_object('value', n.document) end"
            }
        };
        let sql = format!(
            "update public.remote_commands t set {column} = {document} \
             from unnest($1, $2) as n (id, document) where t.id = n.id"
        );
        rows(client, &sql, &parameters[..2]).await?;
    }
    Ok(())
}
