//! What the diagnosis asks the database. It only reads.

use crate::clock::Time;
use crate::db::{Query, migrations, query, row};

row! {
    /// What any database tells whoever may log in.
    #[derive(Debug, Clone)]
    pub struct Facts {
        /// PostgreSQL's.
        pub version: String,
        /// Who has logged in.
        pub role: String,
        /// Whether that role stands above everything.
        pub is_super: bool,
        /// Whether it stands above row-level security.
        pub bypasses: bool,
        /// Whether it may make roles.
        pub makes_roles: bool,
        /// Whether the application's role is there.
        pub has_app_role: bool,
        /// Whether that has rights of its own.
        pub app_role_is_mighty: bool,
        /// Whether who has logged in may take it on.
        pub may_take_it_on: bool,
        /// Its clock.
        pub now: Time,
        /// It takes no writes.
        pub read_only: bool,
        /// Bytes of the database.
        pub bytes: i64,
        /// Connections of clients to the whole server.
        pub connections: i64,
        /// How many there may be.
        pub most_connections: i64,
        /// Whether there is a record of migrations.
        pub has_record: bool,
        /// Who owns that.
        pub owner: Option<String>,
        /// Whether it is a database of NeoPro 1.
        pub is_neopro_1: bool,
    }
}

row! {
    /// A migration that was recorded.
    #[derive(Debug, Clone)]
    pub struct Recorded {
        /// Its version.
        pub version: i32,
        /// The hash of its text.
        pub checksum: String,
    }
}

row! {
    /// What is not as the migrations left it.
    #[derive(Debug, Clone)]
    pub struct Walls {
        /// Names that nothing has.
        pub missing: Vec<String>,
        /// How many tables of ours there are.
        pub tables: i64,
        /// Those without forced row-level security.
        pub open: Vec<String>,
        /// Whether the platform's roles are there at all.
        pub has_outsiders: bool,
        /// What of ours they have rights on.
        pub let_in: Vec<String>,
    }
}

row! {
    /// Whom and what there is.
    #[derive(Debug, Clone)]
    pub struct Installation {
        /// Accounts.
        pub accounts: i64,
        /// Those who may do everything, and may log in.
        pub admins: i64,
        /// Addresses of accounts whose password is no hash, ten at most.
        pub unusable: Vec<String>,
        /// Sites.
        pub sites: i64,
        /// Mails that were refused and are tried again.
        pub mails_waiting: i64,
        /// Mails that were given up in the last week.
        pub mails_failed: i64,
        /// Why the last of them was refused.
        pub mail_error: Option<String>,
    }
}

/// What may be asked of a database in any state. Whoever may not look at others' connections sees that they are there, and not
/// of which kind. `$1` of `pg_has_role` differs by version: membership alone is not
/// enough from 16 on.
pub fn facts() -> Query<Facts> {
    query(format!(
        "select current_setting('server_version') as version, session_user::text as role, \
           me.rolsuper as is_super, me.rolbypassrls as bypasses, me.rolcreaterole as makes_roles, \
           app.oid is not null as has_app_role, \
           coalesce(app.rolsuper or app.rolbypassrls or app.rolcanlogin, false) as app_role_is_mighty, \
           coalesce(pg_has_role(session_user, app.oid, \
             case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end), false) \
             as may_take_it_on, \
           clock_timestamp() as now, current_setting('transaction_read_only') = 'on' as read_only, \
           pg_database_size(current_database()) as bytes, \
           (select count(*) from pg_stat_activity where usesysid is not null \
             and coalesce(backend_type, 'client backend') = 'client backend') as connections, \
           current_setting('max_connections')::bigint - current_setting('superuser_reserved_connections')::bigint \
             as most_connections, \
           to_regclass('public.schema_migrations') is not null as has_record, \
           (select r.rolname::text from pg_class c join pg_roles r on r.oid = c.relowner \
             where c.oid = to_regclass('public.schema_migrations')) as owner, \
           coalesce({}, false) as is_neopro_1 \
         from pg_roles me left join pg_roles app on app.rolname = 'neopro_app' where me.rolname = session_user",
        migrations::IS_NEOPRO_1
    ))
    .one()
}

/// The record of migrations, as its owner reads it.
pub fn recorded() -> Query<Vec<Recorded>> {
    query("select version, checksum from public.schema_migrations order by version").all()
}

/// Holds the catalogue against the names that the migrations give.
pub fn walls(names: Vec<String>) -> Query<Walls> {
    query(
        "with ours as (select c.oid, c.relname::text as name, c.relkind, c.relacl, c.relrowsecurity, c.relforcerowsecurity \
             from pg_class c where c.relnamespace = 'public'::regnamespace and c.relname = any($1) \
               and c.relkind in ('r', 'p', 'v', 'm')), \
           functions as (select f.oid, f.proname::text as name, f.proacl from pg_proc f \
             where f.pronamespace = 'public'::regnamespace and f.proname = any($1)), \
           types as (select t.typname::text as name from pg_type t \
             where t.typnamespace = 'public'::regnamespace and t.typname = any($1)), \
           outsiders as (select oid from pg_roles where rolname in ('anon', 'authenticated')) \
         select \
           array(select n from unnest($1) as wanted (n) where n not in (select name from ours) \
             and n not in (select name from functions) and n not in (select name from types) order by n) as missing, \
           (select count(*) from ours where relkind in ('r', 'p')) as tables, \
           array(select name from ours where relkind in ('r', 'p') and not (relrowsecurity and relforcerowsecurity) \
             order by name) as open, \
           exists (select from outsiders) as has_outsiders, \
           array(select name from ours cross join aclexplode(relacl) a where a.grantee in (select oid from outsiders) \
             union select name from functions cross join aclexplode(proacl) a where a.grantee in (select oid from outsiders) \
             union select o.name from ours o join pg_attribute c on c.attrelid = o.oid cross join aclexplode(c.attacl) a \
               where a.grantee in (select oid from outsiders) order by 1) as let_in",
    )
    .bind(names)
    .one()
}

/// Whom and what there is, as the server itself sees it. A hash is argon2id's or bcrypt's; an account that waits for its
/// person's first password has none at all.
pub fn installation(since: Time) -> Query<Installation> {
    query(
        "select (select count(*) from users) as accounts, \
           (select count(*) from users where role = 'super_admin' and is_active and status = 'active') as admins, \
           array(select email from users where password_hash !~ '^\\$2[abxy]\\$[0-9]{2}\\$[./A-Za-z0-9]{53}$' \
             and password_hash !~ '^\\$argon2id\\$v=[0-9]+\\$' and password_hash <> '' order by email limit 10) as unusable, \
           (select count(*) from sites) as sites, \
           (select count(*) from jobs where kind = 'mail' and state = 'waiting' and attempts > 0) as mails_waiting, \
           (select count(*) from jobs where kind = 'mail' and state = 'failed' and ended_at > $1) as mails_failed, \
           (select last_error from jobs where kind = 'mail' and last_error is not null \
             and (state = 'waiting' or ended_at > $1) order by created_at desc limit 1) as mail_error",
    )
    .bind(since)
    .one()
}

/// What takes from the application's role what it must not have.
pub const HUMBLE: &str = "alter role neopro_app nosuperuser nobypassrls nologin;";

/// What gives a login the application's role, and makes that first if it is not there.
pub fn granting(login: &str, is_there: bool) -> String {
    let make = if is_there { "" } else { "create role neopro_app nologin; " };
    format!("{make}grant neopro_app to \"{}\";", login.replace('"', "\"\""))
}
