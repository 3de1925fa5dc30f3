//! The SQL of backups. All of it runs on one connection, in one transaction, as the owner of the tables.

use futures_util::{SinkExt as _, Stream, TryStreamExt as _};
use tokio_postgres::{Client, CopyInSink};
use uuid::Uuid;

use super::{Applied, Counted, LEFT_OUT, Needed, REVISIONS_SINCE, Table};
use crate::clock::Time;
use crate::db::migrations::IS_NEOPRO_1;
use crate::db::{Error, Scalar, Statements as _, query, row};

/// Values are written in one way, whatever the server's settings. A stranger's limits would end a long copy.
const HEAD: &str = "set local search_path = public; set local time zone 'UTC'; set local datestyle = 'ISO, YMD'; \
     set local intervalstyle = 'postgres'; set local bytea_output = 'hex'; set local extra_float_digits = 1; \
     set local client_min_messages = warning; set local statement_timeout = 0; \
     set local idle_in_transaction_session_timeout = 0; set local lock_timeout = '10s'";

/// Our tables: those that a migration has given to their owner, and what a takeover has kept.
const OURS: &str = "c.relkind in ('r', 'p') and not c.relispartition and (n.nspname = 'neopro_1' or n.nspname = 'public' \
     and exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'owner'))";

/// Takes everything of ours away. What is somebody else's and stands on it is in the way, and stays.
const CLEAR: &str = "do $clear$
declare
  names text;
begin
  select string_agg(c.oid::regclass::text, ', ') into names from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind = 'v' and c.relname = any (array[@names@])
      and c.relowner = (select r.oid from pg_roles r where r.rolname = current_user);
  if names is not null then
    execute 'drop view ' || names;
  end if;
  select string_agg(c.oid::regclass::text, ', ') into names from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'public' and @ours@;
  if names is not null then
    execute 'drop table ' || names;
  end if;
  select string_agg(p.oid::regprocedure::text, ', ') into names from pg_proc p
    where p.pronamespace = 'public'::regnamespace and p.proname like 'neopro\\_%' and p.prokind = 'f'
      and p.proowner = (select r.oid from pg_roles r where r.rolname = current_user);
  if names is not null then
    execute 'drop function ' || names;
  end if;
  select string_agg(t.oid::regtype::text, ', ') into names from pg_type t
    where t.typnamespace = 'public'::regnamespace and t.typname = any (array[@names@]) and t.typtype in ('c', 'd', 'e')
      and t.typowner = (select r.oid from pg_roles r where r.rolname = current_user);
  if names is not null then
    execute 'drop type ' || names;
  end if;
  drop schema if exists neopro_1 cascade;
end
$clear$";

/// Before rows are loaded: no row of the migrations, no rule between tables, nothing that happens with a row. `COPY` does
/// not load into a table whose policies hold for its owner.
const OPEN: &str = "do $open$
declare
  t record;
begin
  create temporary table neopro_keys on commit drop as
    select k.conrelid::regclass::text as relation, quote_ident(k.conname) as name, pg_get_constraintdef(k.oid) as body
    from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
    where k.contype = 'f' and n.nspname = 'public' and @ours@;
  create temporary table neopro_triggers on commit drop as
    select g.tgrelid::regclass::text as relation, quote_ident(g.tgname) as name, g.tgenabled as state
    from pg_trigger g join pg_class c on c.oid = g.tgrelid join pg_namespace n on n.oid = c.relnamespace
    where not g.tgisinternal and n.nspname = 'public' and @ours@;
  for t in select relation, name from neopro_keys loop
    execute format('alter table %s drop constraint %s', t.relation, t.name);
  end loop;
  for t in
    select c.oid::regclass as relation, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'public' and @ours@
  loop
    execute format('alter table %s disable trigger user, no force row level security', t.relation);
    if t.relname <> 'schema_migrations' then
      execute format('truncate table %s', t.relation);
    end if;
  end loop;
end
$open$";

/// Behind the rows: everything as the migrations have made it, and every rule between tables checked.
const CLOSE: &str = "do $close$
declare
  t record;
begin
  for t in select relation, name, body from neopro_keys loop
    execute format('alter table %s add constraint %s %s', t.relation, t.name, t.body);
  end loop;
  for t in
    select c.oid::regclass as relation from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'public' and @ours@
  loop
    execute format('alter table %s force row level security', t.relation);
  end loop;
  for t in select relation, name, state from neopro_triggers where state <> 'D' loop
    execute format('alter table %s enable %s trigger %s', t.relation,
      case t.state when 'A' then 'always' when 'R' then 'replica' else '' end, t.name);
  end loop;
  for t in
    select c.oid::regclass as relation from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'public' and @ours@
  loop
    execute format('analyze %s', t.relation);
  end loop;
end
$close$";

fn ours(script: &str) -> String {
    script.replace("@ours@", OURS)
}

async fn run(client: &Client, sql: &str) -> Result<(), Error> {
    Ok(client.batch_execute(sql).await?)
}

/// Begins to look at one moment of the database.
pub(super) async fn begin_to_look(client: &Client) -> Result<(), Error> {
    run(client, &format!("begin isolation level repeatable read read only; {HEAD}")).await
}

/// Begins a restore, and waits for whoever migrates.
pub(super) async fn begin_to_load(client: &Client) -> Result<(), Error> {
    run(client, &format!("begin; {HEAD}; select pg_advisory_xact_lock(7041776033)")).await
}

/// Ends either.
pub(super) async fn end(client: &Client, kept: bool) -> Result<(), Error> {
    run(client, if kept { "commit" } else { "rollback" }).await
}

/// What a database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing of ours.
    Nothing,
    /// NeoPro 1.
    NeoPro1,
    /// Ours, with nobody and nothing in it: as a server leaves it that has just begun.
    Fresh,
    /// Ours.
    Used,
}

/// Looks what is there.
pub(super) async fn look(client: &Client) -> Result<Found, Error> {
    let what = format!(
        "select case when coalesce({IS_NEOPRO_1}, false) then 'neopro 1' \
           when exists (select from pg_attribute where attrelid = to_regclass('public.schema_migrations') \
             and attname = 'checksum' and not attisdropped) then 'ours' else '' end"
    );
    let Scalar(what): Scalar<String> = query(what).one().run(client).await?;
    match what.as_str() {
        "neopro 1" => return Ok(Found::NeoPro1),
        "" => return Ok(Found::Nothing),
        _ => {}
    }
    for table in ["users", "sites", "videos", "agencies", "sponsors"] {
        let sql = format!("select to_regclass('public.{table}') is not null");
        let Scalar(is_there): Scalar<bool> = query(sql).one().run(client).await?;
        if !is_there {
            continue;
        }
        let Scalar(is_used): Scalar<bool> =
            query(format!("select exists (select from public.{table})")).one().run(client).await?;
        if is_used {
            return Ok(Found::Used);
        }
    }
    Ok(Found::Fresh)
}

row! {
    /// Where the database is.
    pub(super) struct Server {
        pub now: Time,
        pub version: String,
    }
}

/// The moment that is looked at, and the server's version.
pub(super) async fn server(client: &Client) -> Result<Server, Error> {
    query("select now() as now, current_setting('server_version') as version").one().run(client).await
}

row! {
    struct Migrated {
        version: i32,
        checksum: String,
    }
}

/// The migrations that made the tables.
pub(super) async fn applied(client: &Client) -> Result<Vec<Applied>, Error> {
    let sql = "select version, checksum from public.schema_migrations order by version";
    let rows = query(sql).all::<Migrated>().run(client).await?;
    Ok(rows.into_iter().map(|Migrated { version, checksum }| Applied { version, checksum }).collect())
}

row! {
    struct Relation {
        schema: String,
        name: String,
        columns: Vec<String>,
        types: Vec<String>,
        is_ours: bool,
    }
}

/// Every table that is to be kept. The error names one that belongs to somebody else: its rows may be hidden from us.
pub(super) async fn tables(client: &Client) -> Result<Result<Vec<Table>, String>, Error> {
    let column = "pg_attribute a join pg_type t on t.oid = a.atttypid \
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''";
    let sql = format!(
        "select n.nspname::text as schema, quote_ident(c.relname) as name, \
           array(select quote_ident(a.attname) from {column} order by a.attnum) as columns, \
           array(select case when t.typnamespace = 'pg_catalog'::regnamespace \
             then format_type(a.atttypid, a.atttypmod) else 'text' end from {column} order by a.attnum) as types, \
           c.relowner = (select r.oid from pg_roles r where r.rolname = current_user) as is_ours \
         from pg_class c join pg_namespace n on n.oid = c.relnamespace where {OURS} order by n.nspname, c.relname"
    );
    let mut tables = Vec::new();
    for Relation { schema, name, columns, types, is_ours } in query(sql).all::<Relation>().run(client).await? {
        let table = Table { schema, name, columns, types };
        if !is_ours && table.schema == "public" {
            return Ok(Err(table.to_string()));
        }
        if table.schema != "public" || !LEFT_OUT.contains(&table.name.as_str()) {
            tables.push(table);
        }
    }
    Ok(Ok(tables))
}

row! {
    struct Sequence {
        name: String,
        last: i64,
    }
}

/// How far our sequences have counted; those that have not begun are as the migrations make them.
pub(super) async fn sequences(client: &Client) -> Result<Vec<Counted>, Error> {
    let sql = "select quote_ident(sequencename) as name, last_value as last from pg_sequences \
         where schemaname = 'public' and sequenceowner = current_user and last_value is not null order by 1";
    let rows = query(sql).all::<Sequence>().run(client).await?;
    Ok(rows.into_iter().map(|Sequence { name, last }| Counted { name, last }).collect())
}

row! {
    struct Object {
        path: String,
        bytes: Option<i64>,
        sha256: Option<String>,
    }
}

/// Every file that the rows need in the storage: videos, and their small pictures.
pub(super) async fn needed(client: &Client) -> Result<Vec<Needed>, Error> {
    let sql = "select storage_path as path, file_size as bytes, checksum as sha256 from public.videos \
         union all select thumbnail_url, null, null from public.videos where thumbnail_url is not null order by 1";
    let rows = query(sql).all::<Object>().run(client).await?;
    let needed = |Object { path, bytes, sha256 }: Object| Needed { bucket: "videos".to_owned(), path, bytes, sha256 };
    Ok(rows.into_iter().map(needed).collect())
}

/// Files that are on their way into the storage, or were not taken: their sweep is the server's.
pub(super) async fn on_their_way(client: &Client) -> Result<Vec<String>, Error> {
    let rows = query("select path from public.video_uploads").all::<Scalar<String>>().run(client).await?;
    Ok(rows.into_iter().map(|Scalar(path)| path).collect())
}

/// The rows of a table, one at a time. The driver names this statement, and closes it within the transaction: a pooler
/// keeps one connection for that long.
pub(super) async fn rows_of(
    client: &Client,
    table: &Table,
) -> Result<impl Stream<Item = Result<bytes::Bytes, Error>> + Unpin + use<>, Error> {
    let columns = table.columns.join(", ");
    let stream = client.copy_out(format!("copy (select {columns} from {table}) to stdout").as_str()).await?;
    Ok(Box::pin(stream.map_err(Error::from)))
}

/// Takes away what is there.
pub(super) async fn clear(client: &Client, names: &[String]) -> Result<(), Error> {
    let names: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    run(client, &ours(CLEAR).replace("@names@", &names.join(", "))).await
}

/// Makes the schema.
pub(super) async fn make(client: &Client, script: &str) -> Result<(), Error> {
    run(client, script).await
}

/// Makes every table ready to be loaded.
pub(super) async fn open(client: &Client) -> Result<(), Error> {
    run(client, &ours(OPEN)).await
}

/// Makes a table of NeoPro 1 again: its rows, for whoever looks something up. Its types are those of PostgreSQL alone.
pub(super) async fn make_old(client: &Client, table: &Table) -> Result<(), Error> {
    let sql = "select coalesce(bool_and(to_regtype(kind) is not null), false) from unnest($1) as kind";
    let Scalar(are_types): Scalar<bool> = query(sql).bind(table.types.clone()).one().run(client).await?;
    if !are_types {
        return Err(Error::Value(format!("{table} has a type that this server does not know")));
    }
    let columns: Vec<String> =
        table.columns.iter().zip(&table.types).map(|(name, kind)| format!("{name} {kind}")).collect();
    let columns = columns.join(", ");
    run(
        client,
        &format!(
            "create schema if not exists neopro_1; revoke all on schema neopro_1 from public; \
             create table {table} ({columns}); revoke all on {table} from public"
        ),
    )
    .await
}

/// Begins to load a table.
pub(super) async fn load(client: &Client, table: &Table) -> Result<CopyInSink<bytes::Bytes>, Error> {
    let columns = table.columns.join(", ");
    Ok(client.copy_in(format!("copy {table} ({columns}) from stdin").as_str()).await?)
}

/// Loads more rows.
pub(super) async fn add(sink: &mut std::pin::Pin<Box<CopyInSink<bytes::Bytes>>>, rows: Vec<u8>) -> Result<(), Error> {
    Ok(sink.send(rows.into()).await?)
}

/// Ends the loading of a table: how many rows it has.
pub(super) async fn loaded(mut sink: std::pin::Pin<Box<CopyInSink<bytes::Bytes>>>) -> Result<u64, Error> {
    Ok(sink.as_mut().finish().await?)
}

/// Lets a sequence count on.
pub(super) async fn count_on(client: &Client, sequence: &Counted) -> Result<(), Error> {
    let sql = "select setval($1::text::regclass, $2)";
    query(sql).bind(format!("public.{}", sequence.name)).bind(sequence.last).nothing().run(client).await
}

/// What was ended, and what is worth telling.
#[derive(Debug, Clone)]
pub(super) struct Settled {
    /// Mails that were waiting.
    pub jobs: i64,
    /// Commands of people that waited for their box or its answer.
    pub commands: i64,
    /// Sites, whose boxes are told again what they are to have.
    pub sites: i64,
    /// Tokens of the API that opened something at the time of the backup.
    pub tokens: Vec<Token>,
}

row! {
    /// A token of the API, as its owner knows it.
    #[derive(Debug, Clone)]
    pub(super) struct Token {
        pub name: String,
        /// The owner's address.
        pub owner: String,
    }
}

/// Ends what has happened since, or would happen twice. The schema is this program's own. Tokens of the API are ended
/// unless they are to be kept: which of them were revoked since the backup nobody knows any more.
pub(super) async fn settle(client: &Client, keeps_tokens: bool, now: Time) -> Result<Settled, Error> {
    let count = async |sql: &str| {
        let sql = format!("with done as ({sql} returning 1) select count(*) from done");
        let Scalar(rows): Scalar<i64> = query(sql).bind(now).one().run(client).await?;
        Ok::<i64, Error>(rows)
    };
    let jobs = count(
        "update public.jobs set state = 'failed', payload = null, lease_until = null, ended_at = $1, \
         last_error = 'dropped by a restore: it may have been done since the backup' where state = 'waiting'",
    )
    .await?;
    let commands = count(
        "update public.remote_commands set status = 'timeout', completed_at = $1, secrets = null, \
         error_message = 'Restauration d''une sauvegarde : la commande a pu être exécutée entre-temps.' \
         where origin = 'person' and status in ('pending', 'executing')",
    )
    .await?;
    // Those by which deployments are carried out are given up as any that nobody answers, and given again.
    query("update public.remote_commands set deadline = $1 where status = 'executing'")
        .bind(now)
        .nothing()
        .run(client)
        .await?;
    let sql = format!(
        "insert into public.site_states as s (site_id, desired_revision) select id, {REVISIONS_SINCE} from public.sites \
         where $1::timestamptz is not null \
         on conflict (site_id) do update set desired_revision = s.desired_revision + excluded.desired_revision"
    );
    let sites = count(&sql).await?;
    // What is still open counts as done only by a report about what is told from now on.
    let sql = "update public.deployment_targets set revision = revision + $1 where state in ('pending', 'downloading', 'failed')";
    query(sql).bind(REVISIONS_SINCE).nothing().run(client).await?;
    let open = "revoked_at is null and expires_at > $1";
    let sql = format!(
        "select t.name, u.email as owner from public.api_tokens t join public.users u on u.id = t.user_id where {open} \
         order by u.email, t.created_at, t.name"
    );
    let tokens = query(sql).bind(now).all::<Token>().run(client).await?;
    if !keeps_tokens {
        let sql = format!("update public.api_tokens set revoked_at = $1 where {open}");
        query(sql).bind(now).nothing().run(client).await?;
    }
    Ok(Settled { jobs, commands, sites, tokens })
}

/// Everything as the migrations have made it.
pub(super) async fn close(client: &Client) -> Result<(), Error> {
    run(client, &ours(CLOSE)).await
}

/// Writes into the journal that the rest of it is a restored one.
pub(super) async fn note(client: &Client, details: serde_json::Value, now: Time) -> Result<(), Error> {
    let sql =
        "insert into public.audit_logs (id, action, details, created_at) values ($1, 'DATABASE_RESTORED', $2, $3)";
    query(sql).bind(Uuid::now_v7()).bind(details).bind(now).nothing().run(client).await
}
