//! The schema: embedded SQL files, forward only, applied by one script.
//!
//! The script is one `do` block. `serve` and `migrate` send it; the guide's step 8.2 pastes the very same
//! text. It takes a transaction lock (several replicas may start at once), skips what is recorded, applies
//! the rest and records it: all of it or nothing.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};
use tokio_postgres::{Client, SimpleQueryMessage};

use super::{Error, error::chain};

struct Migration {
    version: i32,
    name: &'static str,
    sql: &'static str,
}

macro_rules! migrations {
    ($($version:literal $name:literal;)*) => {
        &[$(Migration {
            version: $version,
            name: $name,
            sql: include_str!(concat!("../../migrations/", $name, ".sql")),
        }),*]
    };
}

const MIGRATIONS: &[Migration] = migrations! {
    1 "0001_ground";
    2 "0002_analytics";
    3 "0003_videos";
    4 "0004_deployments";
    5 "0005_protocol1";
    6 "0006_figures";
    7 "0007_overview";
    8 "0008_selections";
    9 "0009_tab_sessions";
    10 "0010_tallies";
    11 "0011_lean_reads";
    12 "0012_commands";
    13 "0013_lean_orders";
    14 "0014_lean_lists";
    15 "0015_second_factor";
    16 "0016_mail_and_resets";
    17 "0017_accounts";
    18 "0018_api_tokens";
    19 "0019_audit_seals";
    21 "0021_storage";
    22 "0022_grace_is_over";
    23 "0023_whole_entries";
    24 "0024_replicas";
    25 "0025_retention";
    26 "0026_alerts";
    30 "0030_time_zones";
    31 "0031_few_bytes";
};

/// The migrations that step 8.3 of the guide pastes by themselves.
const ANALYTICS: &[i32] = &[2];

/// The versions of the schema that this program knows, rising. A number may be missing: a migration that was written and
/// never landed.
pub fn versions() -> impl Iterator<Item = i32> {
    MIGRATIONS.iter().map(|migration| migration.version)
}

/// Each migration of this program as a database records it: version, name, and the hash of its text.
pub(crate) fn records() -> impl Iterator<Item = (i32, &'static str, String)> {
    MIGRATIONS.iter().map(|migration| (migration.version, migration.name, checksum(migration)))
}

/// The version of the schema that this program was built for.
#[must_use]
pub fn latest() -> i32 {
    MIGRATIONS.last().map_or(0, |migration| migration.version)
}

/// `init-db.sql`: the whole schema, for an empty or an existing database.
#[must_use]
pub fn init_db_script() -> String {
    let mut body = format!(
        "  if {IS_NEOPRO_1} then\n    raise exception using errcode = '{NEOPRO_1}', message =\n      \
         'Cette base est celle de NeoPro 1, que ce script ne sait pas reprendre. Arrêtez NeoPro 1, sauvegardez la base, '\n      \
         'puis lancez « neopro-central migrate » : il la reprend sur place (docs/reprise-neopro-1.md).';\n  end if;\n"
    );
    body.push_str(PREPARE);
    for migration in MIGRATIONS {
        body.push_str(&apply(migration));
    }
    body.push_str(CLOSE);
    script("Schéma complet de NeoPro (étape 8.2 du guide). Peut être collé sur une base vide ou déjà migrée.", &body)
}

/// The schema as it was at this version, for a takeover that copies into it.
pub(crate) fn script_until(version: i32) -> String {
    script_of(|known| known <= version)
}

/// The schema that just these migrations make, for rows that are of it.
pub(crate) fn script_of(is_wanted: impl Fn(i32) -> bool) -> String {
    let mut body = String::from(PREPARE);
    for migration in MIGRATIONS.iter().filter(|migration| is_wanted(migration.version)) {
        body.push_str(&apply(migration));
    }
    script("Schéma de NeoPro, tel qu'il était.", &body)
}

/// The checksum that a database records of this migration; `None` for one that this program does not know.
pub(crate) fn checksum_of(version: i32) -> Option<String> {
    MIGRATIONS.iter().find(|migration| migration.version == version).map(checksum)
}

fn checksum(migration: &Migration) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(migration.sql.as_bytes()))
}

/// The names that the migrations give to tables, views, functions and types.
pub(crate) fn names() -> Vec<String> {
    const KINDS: [&str; 5] =
        ["create table ", "create view ", "create function ", "create type ", "create materialized view "];
    let mut names = vec!["schema_migrations".to_owned()];
    for line in MIGRATIONS.iter().flat_map(|migration| migration.sql.lines()) {
        let line = line.trim_start().replace("create or replace ", "create ");
        let Some(rest) = KINDS.iter().find_map(|kind| line.strip_prefix(kind)) else { continue };
        names.push(rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect());
    }
    names.sort();
    names.dedup();
    names
}

/// `analytics-tables.sql`: the analytics part by itself. Says so where the rest is missing.
#[must_use]
pub fn analytics_script() -> String {
    let before = MIGRATIONS.iter().take_while(|migration| !ANALYTICS.contains(&migration.version)).count();
    let mut body = format!(
        "  if to_regclass('public.schema_migrations') is not null then\n    \
         allowed := (select count(*) from public.schema_migrations where version <= {before}) = {before};\n  \
         end if;\n  \
         if allowed is not true then\n    \
         raise exception 'Exécutez d''abord init-db.sql (étape 8.2 du guide) : les tables de base manquent.';\n  end if;\n"
    );
    for migration in MIGRATIONS.iter().filter(|migration| ANALYTICS.contains(&migration.version)) {
        body.push_str(&apply(migration));
    }
    script(
        "Tables d'analyse de NeoPro (étape 8.3 du guide). Déjà comprises dans init-db.sql ; sans effet après lui.",
        &body,
    )
}

/// Whether this is a database of NeoPro 1, as a condition: its accounts and sites, and no record of ours. Another
/// program's record of the same name has other columns.
pub(crate) const IS_NEOPRO_1: &str = "(select count(*) from pg_attribute where not attisdropped \
     and (attrelid = to_regclass('public.users') and attname in ('email', 'password_hash') \
       or attrelid = to_regclass('public.sites') and attname in ('site_name', 'club_name', 'api_key'))) = 5 \
     and not exists (select from pg_attribute where attrelid = to_regclass('public.schema_migrations') \
       and attname = 'checksum' and not attisdropped)";

/// The code of an error that says so.
const NEOPRO_1: &str = "NP101";

/// Lock, bookkeeping table, and the application's role.
const PREPARE: &str = r"
  if current_setting('server_version_num')::int < 150000 then
    raise exception 'NeoPro demande PostgreSQL 15 ou plus récent ; ce serveur est en version %.',
      current_setting('server_version');
  end if;

  -- The role that every request takes on: no login, no rights but those granted below.
  begin
    if not exists (select from pg_roles where rolname = 'neopro_app') then
      begin
        create role neopro_app nologin;
      exception when duplicate_object or unique_violation then
        null; -- another database of this server was faster
      end;
    end if;
    -- From version 16 on, membership alone does not allow `set role`.
    if current_setting('server_version_num')::int >= 160000 then
      execute 'select pg_has_role(current_user, ''neopro_app'', ''SET'')' into allowed;
    else
      allowed := pg_has_role(current_user, 'neopro_app', 'MEMBER');
    end if;
    if not allowed then
      execute format('grant neopro_app to %I', current_user);
    end if;
  exception when insufficient_privilege then
    raise exception using
      errcode = 'NP001',
      message = format(
        'Le rôle %s ne peut pas créer le rôle neopro_app ou se le donner. Un administrateur de la base doit '
        'exécuter : %sgrant neopro_app to %I;',
        current_user,
        case when exists (select from pg_roles where rolname = 'neopro_app') then ''
          else 'create role neopro_app nologin; ' end,
        current_user);
  end;

  if to_regclass('public.schema_migrations') is null then
    create table public.schema_migrations (
      version integer primary key,
      name text not null,
      checksum text not null,
      applied_at timestamptz not null default now()
    );
  end if;
";

/// Every migration keeps what it makes from the roles of the platform's data API. What they were given since (the
/// database was moved to the platform, or its data API was switched on later) is taken back, of what is ours.
const CLOSE: &str = r"
  declare
    me oid := (select r.oid from pg_roles r where r.rolname = current_user);
    grants record;
  begin
    for grants in
      with outsider as (select oid, rolname from pg_roles where rolname in ('anon', 'authenticated')),
      ours as (
        select c.oid, c.relkind, c.relacl from pg_class c
        where c.relnamespace = 'public'::regnamespace and c.relowner = me
          and (exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'owner')
            or exists (select from aclexplode(c.relacl) a where a.grantee = 'neopro_app'::regrole)
            or exists (select from pg_depend d join pg_policy p on p.polrelid = d.refobjid and p.polname = 'owner'
              where d.objid = c.oid and d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
                and c.relkind = 'S'))
      )
      select format('revoke all on %s %s from %I', case o.relkind when 'S' then 'sequence' else 'table' end,
          o.oid::regclass, r.rolname) as taken_back
        from ours o cross join aclexplode(o.relacl) a join outsider r on r.oid = a.grantee
      union
      select format('revoke all on table %s from %I', o.oid::regclass, r.rolname)
        from ours o join pg_attribute c on c.attrelid = o.oid cross join aclexplode(c.attacl) a
        join outsider r on r.oid = a.grantee
      union
      select format('revoke all on function %s from %I', f.oid::regprocedure, r.rolname)
        from pg_proc f cross join aclexplode(f.proacl) a join outsider r on r.oid = a.grantee
        where f.pronamespace = 'public'::regnamespace and f.proowner = me
          and f.proname like 'neopro\_%'
      union
      select format('alter default privileges in schema public revoke all on %s from %I',
          case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' else 'functions' end, r.rolname)
        from pg_default_acl d cross join aclexplode(d.defaclacl) a join outsider r on r.oid = a.grantee
        where d.defaclrole = me and d.defaclnamespace = 'public'::regnamespace
          and d.defaclobjtype in ('r', 'S', 'f')
    loop
      execute grants.taken_back;
    end loop;
  end;
";

fn apply(migration: &Migration) -> String {
    let Migration { version, name, sql } = migration;
    let checksum = checksum(migration);
    let tag = format!("$m{version:04}$");
    let mut text = String::new();
    let _ = write!(
        text,
        "\n  if not exists (select from public.schema_migrations where version = {version}) then\n\
         execute {tag}\n{sql}{tag};\n\
         insert into public.schema_migrations (version, name, checksum) values ({version}, '{name}', '{checksum}');\n  \
         elsif (select checksum from public.schema_migrations where version = {version}) <> '{checksum}' then\n    \
         raise exception 'La migration {name} enregistrée dans cette base n''est pas celle de ce programme.';\n  \
         end if;\n"
    );
    text
}

fn script(title: &str, body: &str) -> String {
    format!(
        "-- {title}\n\
         -- Généré à partir de central-server/migrations par `cargo xtask generate` : ne pas modifier à la main.\n\
         do $neopro$\n\
         declare\n  allowed boolean;\n\
         begin\n  \
         perform set_config('search_path', 'public', true);\n  \
         perform pg_advisory_xact_lock(7041776033);\n\
         {body}\
         end\n\
         $neopro$;\n\n\
         select max(version) as schema_version, count(*) as migrations from public.schema_migrations;\n"
    )
}

/// What went wrong while the schema was brought up to date.
#[derive(Debug)]
pub enum MigrateError {
    /// The database refused, with a sentence for a person.
    Refused(String),
    /// It is a database of NeoPro 1, which has to be taken over first (`takeover`).
    NeoPro1,
    /// The connection failed; worth another try.
    Connection(Error),
}

impl MigrateError {
    /// What an error of the driver means here.
    pub(crate) fn of(error: &tokio_postgres::Error) -> Self {
        let Some(db) = error.as_db_error() else {
            return Self::Connection(Error::Unavailable(chain(error)));
        };
        match db.code().code() {
            NEOPRO_1 => Self::NeoPro1,
            // Somebody holds a table, or waits for one that we hold.
            "55P03" | "40P01" => Self::Refused(
                "La base est encore utilisée : un autre programme (NeoPro 1 ?) tient ses tables. Arrêtez-le, puis \
                 relancez ; rien n'a été modifié."
                    .into(),
            ),
            "25006" => Self::Refused(
                "La base n'accepte pas d'écriture : la place de son offre est sans doute prise (500 Mo chez Supabase, étape 1 du \
                 guide). Faites de la place ou changez d'offre, puis relancez ; rien n'a été modifié."
                    .into(),
            ),
            code if matches!(&code[..2], "08" | "53" | "57" | "XX") => {
                Self::Connection(Error::Unavailable(chain(error)))
            }
            _ => Self::Refused(db.message().to_owned()),
        }
    }
}

impl std::fmt::Display for MigrateError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(sentence) => f.write_str(sentence),
            Self::NeoPro1 => f.write_str(
                "Cette base est celle de NeoPro 1. Arrêtez NeoPro 1, sauvegardez la base, puis lancez « neopro-central \
                 migrate » : il la reprend sur place (docs/reprise-neopro-1.md).",
            ),
            Self::Connection(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for MigrateError {}

/// Brings the schema up to date, as the role that owns it, in one round trip.
///
/// # Returns
/// The version of the schema afterwards; above [`latest`] when a newer server has migrated it already.
///
/// # Errors
/// [`MigrateError::Refused`] with the sentence of the script; nothing was changed.
pub async fn migrate(client: &Client) -> Result<i32, MigrateError> {
    let answers = client.simple_query(&init_db_script()).await.map_err(|error| MigrateError::of(&error))?;
    let version = answers.iter().find_map(|answer| match answer {
        SimpleQueryMessage::Row(row) => row.get("schema_version").and_then(|text| text.parse().ok()),
        _ => None,
    });
    version.ok_or(MigrateError::Connection(Error::Missing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_rise_and_stand_in_the_file_names() {
        assert!(versions().is_sorted_by(|one, next| one < next));
        for migration in MIGRATIONS {
            assert!(migration.name.starts_with(&format!("{:04}_", migration.version)), "{}", migration.name);
        }
    }

    #[test]
    fn no_migration_breaks_out_of_its_quotes_or_needs_psql() {
        for migration in MIGRATIONS {
            assert!(!migration.sql.contains("$m0"), "{}", migration.name);
            assert!(!migration.sql.contains("$neopro$"), "{}", migration.name);
            assert!(!migration.sql.lines().any(|line| line.starts_with('\\')), "{}", migration.name);
            assert!(!migration.sql.to_lowercase().contains("if not exists"), "{}: notices", migration.name);
        }
    }
}
