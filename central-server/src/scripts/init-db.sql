-- Schéma complet de NeoPro (étape 8.2 du guide). Peut être collé sur une base vide ou déjà migrée.
-- Généré à partir de central-server/migrations par `cargo xtask generate` : ne pas modifier à la main.
do $neopro$
declare
  allowed boolean;
begin
  perform set_config('search_path', 'public', true);
  perform pg_advisory_xact_lock(7041776033);

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

  if not exists (select from public.schema_migrations where version = 1) then
execute $m0001$
-- The ground: who may act (users, sessions), what they act on (sites, groups), for whom (agencies,
-- sponsors), and the two walls around it. Names and columns of NeoPro 1 are kept where they existed.

-- Every relation that a migration creates is handed to this function: row-level security on and forced,
-- the owner let through (the SQL editor of the guide's step 9, later migrations, pg_dump), and nothing left
-- to roles that the platform's data API serves with a public key.
create function neopro_guard(relation regclass, app_rights text default '') returns void
language plpgsql set search_path = public, pg_temp as $fn$
declare
  outsider text;
  kind "char" := (select relkind from pg_class where oid = relation);
begin
  if kind in ('r', 'p') then
    execute format('alter table %s enable row level security', relation);
    execute format('alter table %s force row level security', relation);
    execute format('create policy owner on %s to current_user using (true) with check (true)', relation);
  end if;
  execute format('revoke all on %s from public', relation);
  foreach outsider in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = outsider) then
      execute format('revoke all on %s from %I', relation, outsider);
    end if;
  end loop;
  if app_rights <> '' then
    execute format('grant %s on %s to neopro_app', app_rights, relation);
  end if;
end
$fn$;

-- The same for a function: callable by the application's role and by its owner, nobody else.
create function neopro_guard_function(target regprocedure, app_may_call boolean default true) returns void
language plpgsql set search_path = public, pg_temp as $fn$
declare
  outsider text;
begin
  execute format('revoke all on function %s from public', target);
  foreach outsider in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = outsider) then
      execute format('revoke all on function %s from %I', target, outsider);
    end if;
  end loop;
  if app_may_call then
    execute format('grant execute on function %s to neopro_app', target);
  end if;
end
$fn$;

-- The platform grants everything that will ever be made here to those roles by default: no more.
do $fn$
declare
  outsider text;
begin
  foreach outsider in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = outsider) then
      execute format('alter default privileges in schema public revoke all on tables from %I', outsider);
      execute format('alter default privileges in schema public revoke all on functions from %I', outsider);
      execute format('alter default privileges in schema public revoke all on sequences from %I', outsider);
    end if;
  end loop;
end
$fn$;

select neopro_guard_function('neopro_guard(regclass, text)', false);
select neopro_guard_function('neopro_guard_function(regprocedure, boolean)', false);
select neopro_guard('schema_migrations');

-- What the application says about each transaction. A policy reads them through one boolean sub-select,
-- which the planner evaluates once per statement instead of once per row. The functions name their schema
-- instead of setting a search path, which would keep the planner from looking into them.
create function neopro_scope_is(variadic scopes text[]) returns boolean
language sql stable
as $fn$ select coalesce(pg_catalog.current_setting('neopro.scope', true), '') = any (scopes) $fn$;
select neopro_guard_function('neopro_scope_is(text[])');

create function neopro_user() returns uuid
language sql stable
as $fn$ select nullif(pg_catalog.current_setting('neopro.user', true), '')::pg_catalog.uuid $fn$;
select neopro_guard_function('neopro_user()');

create function neopro_tenant() returns uuid
language sql stable
as $fn$ select nullif(pg_catalog.current_setting('neopro.tenant', true), '')::pg_catalog.uuid $fn$;
select neopro_guard_function('neopro_tenant()');

-- Lower case without the accents of our languages: "elan" finds "Élan".
create function neopro_fold(words text) returns text
language sql immutable strict parallel safe
as $fn$
  select pg_catalog.translate(
    pg_catalog.lower(words), 'àáâãäåçèéêëìíîïñòóôõöùúûüýÿ', 'aaaaaaceeeeiiiinooooouuuuyy')
$fn$;
select neopro_guard_function('neopro_fold(text)');

create table agencies (
  id uuid primary key default gen_random_uuid(),
  name text not null,
  description text,
  logo_url text,
  contact_name text,
  contact_email text,
  contact_phone text,
  address jsonb,
  status text not null default 'active' check (status in ('active', 'inactive', 'suspended')),
  metadata jsonb not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
select neopro_guard('agencies', 'select, insert, update, delete');

create table sponsors (
  id uuid primary key default gen_random_uuid(),
  name text not null,
  logo_url text,
  contact_email text,
  contact_name text,
  contact_phone text,
  status text not null default 'active' check (status in ('active', 'inactive', 'paused')),
  metadata jsonb not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
select neopro_guard('sponsors', 'select, insert, update, delete');

-- `is_active` is the guide's word, `status` that of NeoPro 1; an account acts only if both agree. Every
-- column that the guide's INSERT leaves out has a default.
create table users (
  id uuid primary key default gen_random_uuid(),
  email text not null check (length(email) between 3 and 255),
  password_hash text not null,
  full_name text,
  role text not null default 'viewer'
    check (role in ('super_admin', 'admin', 'operator', 'viewer', 'sponsor', 'agency')),
  is_active boolean not null default true,
  status text not null default 'active' check (status in ('active', 'inactive', 'suspended')),
  mfa_enabled boolean default false,
  mfa_secret text,
  mfa_backup_codes text[],
  mfa_verified_at timestamptz,
  sponsor_id uuid references sponsors on delete set null,
  agency_id uuid references agencies on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  last_login_at timestamptz
);
create unique index users_email_key on users (lower(email));
create index idx_users_mfa_enabled on users (mfa_enabled) where mfa_enabled = true;
create index idx_users_sponsor on users (sponsor_id) where sponsor_id is not null;
create index idx_users_agency on users (agency_id) where agency_id is not null;
comment on column users.mfa_enabled is 'Indique si MFA est activé';
comment on column users.mfa_secret is 'Secret TOTP chiffré';
comment on column users.mfa_backup_codes is 'Codes de secours hachés';
comment on column users.mfa_verified_at is 'Dernière vérification MFA';
select neopro_guard('users', 'select, insert, update, delete');

create table sessions (
  id uuid primary key,
  user_id uuid not null references users on delete cascade,
  created_at timestamptz not null,
  last_used_at timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz,
  user_agent text,
  ip text
);
create index sessions_user on sessions (user_id);
create index sessions_expiry on sessions (expires_at);
select neopro_guard('sessions', 'select, insert, update, delete');

create table sites (
  id uuid primary key default gen_random_uuid(),
  site_name text not null check (length(site_name) between 1 and 255),
  club_name text not null check (length(club_name) between 1 and 255),
  location jsonb,
  sports jsonb,
  status text not null default 'offline' check (status in ('online', 'offline', 'maintenance', 'error')),
  last_seen_at timestamptz,
  last_ip text,
  local_ip text,
  software_version text,
  hardware_model text not null default 'Raspberry Pi 4',
  -- 'sha256:' and the hash of a key of 256 random bits, or the bcrypt hash of a box of NeoPro 1.
  api_key text not null unique,
  metadata jsonb not null default '{}',
  live_score_enabled boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- What a search looks into: folded once when it is written, not at each search. No search holds a line break.
  search_text text generated always as (
    neopro_fold(site_name || e'\n' || club_name || e'\n' || coalesce(location->>'city', ''))
  ) stored,
  constraint sites_site_name_key unique (site_name)
);
create index sites_newest on sites (created_at desc, id desc);
create index sites_by_club on sites (neopro_fold(club_name), id);
create index sites_by_name on sites (neopro_fold(site_name), id);
select neopro_guard('sites', 'select, insert, update, delete');

create table groups (
  id uuid primary key default gen_random_uuid(),
  name text not null,
  description text,
  type text check (type in ('sport', 'geography', 'version', 'custom')),
  filters jsonb,
  metadata jsonb not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
select neopro_guard('groups', 'select, insert, update, delete');

create table site_groups (
  site_id uuid not null references sites on delete cascade,
  group_id uuid not null references groups on delete cascade,
  added_at timestamptz not null default now(),
  primary key (site_id, group_id)
);
create index site_groups_group on site_groups (group_id);
select neopro_guard('site_groups', 'select, insert, update, delete');

create table agency_sites (
  agency_id uuid not null references agencies on delete cascade,
  site_id uuid not null references sites on delete cascade,
  added_at timestamptz not null default now(),
  added_by uuid references users on delete set null,
  primary key (agency_id, site_id)
);
create index agency_sites_site on agency_sites (site_id);
select neopro_guard('agency_sites', 'select, insert, update, delete');

create table sponsor_sites (
  sponsor_id uuid not null references sponsors on delete cascade,
  site_id uuid not null references sites on delete cascade,
  added_at timestamptz not null default now(),
  contract_start date,
  contract_end date,
  is_active boolean not null default true,
  primary key (sponsor_id, site_id)
);
create index sponsor_sites_site on sponsor_sites (site_id);
select neopro_guard('sponsor_sites', 'select, insert, update, delete');

-- Who did what. Written in the transaction of the act; never changed by the application.
create table audit_logs (
  id uuid primary key default gen_random_uuid(),
  action text not null,
  user_id uuid references users on delete set null,
  target_type text,
  target_id text,
  details jsonb,
  ip_address text,
  user_agent text,
  created_at timestamptz not null default now()
);
create index audit_logs_newest on audit_logs (created_at desc);
create index audit_logs_target on audit_logs (target_type, target_id);
select neopro_guard('audit_logs', 'select, insert');

-- The second wall. The first is the Scope in the query layer; both say the same, written apart.
create policy internal on sites to neopro_app
  using ((select neopro_scope_is('system', 'staff'))) with check ((select neopro_scope_is('system', 'staff')));
create policy agency on sites for select to neopro_app
  using ((select neopro_scope_is('agency'))
    and id in (select site_id from agency_sites where agency_id = (select neopro_tenant())));
create policy sponsor on sites for select to neopro_app
  using ((select neopro_scope_is('sponsor'))
    and id in (select site_id from sponsor_sites where sponsor_id = (select neopro_tenant()) and is_active));

create policy internal on groups to neopro_app
  using ((select neopro_scope_is('system', 'staff'))) with check ((select neopro_scope_is('system', 'staff')));
create policy internal on site_groups to neopro_app
  using ((select neopro_scope_is('system', 'staff'))) with check ((select neopro_scope_is('system', 'staff')));
-- An agency sees the groups that its clubs are in, and of their members only its own.
create policy agency on site_groups for select to neopro_app
  using ((select neopro_scope_is('agency'))
    and site_id in (select site_id from agency_sites where agency_id = (select neopro_tenant())));
create policy agency on groups for select to neopro_app
  using ((select neopro_scope_is('agency')) and id in (select group_id from site_groups));

create policy internal on agencies to neopro_app
  using ((select neopro_scope_is('system', 'staff'))) with check ((select neopro_scope_is('system', 'staff')));
create policy agency on agencies for select to neopro_app
  using ((select neopro_scope_is('agency')) and id = (select neopro_tenant()));
create policy internal on agency_sites to neopro_app
  using ((select neopro_scope_is('system', 'staff'))) with check ((select neopro_scope_is('system', 'staff')));
create policy agency on agency_sites for select to neopro_app
  using ((select neopro_scope_is('agency')) and agency_id = (select neopro_tenant()));

create policy internal on sponsors to neopro_app
  using ((select neopro_scope_is('system', 'staff'))) with check ((select neopro_scope_is('system', 'staff')));
create policy sponsor on sponsors for select to neopro_app
  using ((select neopro_scope_is('sponsor')) and id = (select neopro_tenant()));
create policy internal on sponsor_sites to neopro_app
  using ((select neopro_scope_is('system', 'staff'))) with check ((select neopro_scope_is('system', 'staff')));
create policy sponsor on sponsor_sites for select to neopro_app
  using ((select neopro_scope_is('sponsor')) and sponsor_id = (select neopro_tenant()));

-- Accounts are read and written by the server itself; a person sees his own.
create policy internal on users to neopro_app
  using ((select neopro_scope_is('system'))) with check ((select neopro_scope_is('system')));
create policy self on users for select to neopro_app using (id = (select neopro_user()));
create policy internal on sessions to neopro_app
  using ((select neopro_scope_is('system'))) with check ((select neopro_scope_is('system')));
create policy self on sessions to neopro_app
  using (user_id = (select neopro_user())) with check (user_id = (select neopro_user()));

create policy internal on audit_logs to neopro_app
  using ((select neopro_scope_is('system'))) with check ((select neopro_scope_is('system')));
create policy self on audit_logs for insert to neopro_app with check (user_id = (select neopro_user()));

-- First statement of every authenticated request. It raises, so that nothing behind it in the same flush
-- can happen. The time of last use is written at most every five minutes: a read stays a read.
create function neopro_check_session(
  claimed_session uuid, claimed_user uuid, claimed_role text, claimed_agency uuid, claimed_sponsor uuid,
  moment timestamptz
) returns void
language plpgsql security definer set search_path = public, pg_temp as $fn$
declare
  used timestamptz;
begin
  select s.last_used_at into used
    from sessions s
    join users u on u.id = s.user_id
    where s.id = claimed_session
      and s.user_id = claimed_user
      and s.revoked_at is null
      and s.expires_at > moment
      and u.is_active
      and u.status = 'active'
      and u.role = claimed_role
      and u.agency_id is not distinct from claimed_agency
      and u.sponsor_id is not distinct from claimed_sponsor;
  if not found then
    raise exception 'the session is over' using errcode = 'NP401';
  end if;
  if used < moment - interval '5 minutes' then
    update sessions set last_used_at = moment where id = claimed_session;
  end if;
end
$fn$;
select neopro_guard_function('neopro_check_session(uuid, uuid, text, uuid, uuid, timestamptz)');
$m0001$;
insert into public.schema_migrations (version, name, checksum) values (1, '0001_ground', 'a0223278125907fad9716f75c4efd4589f8a647766df761d71d4b57917776819');
  elsif (select checksum from public.schema_migrations where version = 1) <> 'a0223278125907fad9716f75c4efd4589f8a647766df761d71d4b57917776819' then
    raise exception 'La migration 0001_ground enregistrée dans cette base n''est pas celle de ce programme.';
  end if;

  if not exists (select from public.schema_migrations where version = 2) then
execute $m0002$
-- The daily figures of each club, and `analytics`, the relation under which the guide looks for them.

create table club_daily_stats (
  site_id uuid not null references sites on delete cascade,
  -- The club's own day (its time zone), not the server's.
  date date not null,
  sessions_count integer not null default 0,
  screen_time_seconds bigint not null default 0,
  videos_played integer not null default 0,
  manual_triggers integer not null default 0,
  auto_plays integer not null default 0,
  sponsor_plays integer not null default 0,
  jingle_plays integer not null default 0,
  ambiance_plays integer not null default 0,
  other_plays integer not null default 0,
  avg_cpu numeric(5, 2),
  avg_memory numeric(5, 2),
  avg_temperature numeric(5, 2),
  max_temperature numeric(5, 2),
  uptime_percent numeric(5, 2),
  incidents_count integer not null default 0,
  calculated_at timestamptz not null default now(),
  primary key (site_id, date)
);
create index club_daily_stats_date on club_daily_stats (date);
comment on table club_daily_stats is 'Chiffres d''un club pour une journée, calculés à partir des diffusions';
select neopro_guard('club_daily_stats', 'select, insert, update, delete');

create policy internal on club_daily_stats to neopro_app
  using ((select neopro_scope_is('system', 'staff'))) with check ((select neopro_scope_is('system', 'staff')));
create policy agency on club_daily_stats for select to neopro_app
  using ((select neopro_scope_is('agency'))
    and site_id in (select site_id from agency_sites where agency_id = (select neopro_tenant())));

create view analytics with (security_invoker = true) as
  select
    d.site_id,
    s.club_name,
    d.date,
    d.videos_played as plays,
    d.sponsor_plays,
    d.screen_time_seconds,
    d.sessions_count as sessions,
    d.uptime_percent,
    d.calculated_at
  from club_daily_stats d
  join sites s on s.id = d.site_id;
comment on view analytics is 'Chiffres quotidiens par club : une ligne par club et par jour';
comment on column analytics.date is 'Jour du club, dans son fuseau horaire';
comment on column analytics.plays is 'Diffusions de la journée';
comment on column analytics.sponsor_plays is 'Diffusions de vidéos de partenaires';
comment on column analytics.screen_time_seconds is 'Durée totale diffusée, en secondes';
comment on column analytics.sessions is 'Matchs ou séances de la journée';
comment on column analytics.uptime_percent is 'Part de la journée où le boîtier était joignable, en pour cent';
select neopro_guard('analytics', 'select');
$m0002$;
insert into public.schema_migrations (version, name, checksum) values (2, '0002_analytics', '629a693d7f788af17719c23fe76d0958bbdfaea19832800fc6bd369b378b9e4e');
  elsif (select checksum from public.schema_migrations where version = 2) <> '629a693d7f788af17719c23fe76d0958bbdfaea19832800fc6bd369b378b9e4e' then
    raise exception 'La migration 0002_analytics enregistrée dans cette base n''est pas celle de ce programme.';
  end if;

  if not exists (select from public.schema_migrations where version = 3) then
execute $m0003$
-- The video library. A row is one stored file; its bytes never change: new content is a new row.

create table videos (
  id uuid primary key default gen_random_uuid(),
  -- Random, ASCII: the name in the storage.
  filename text not null unique,
  -- As the person's computer named it.
  original_name text not null,
  category text,
  subcategory text,
  file_size bigint not null check (file_size >= 0),
  -- Whole seconds; null for images.
  duration integer,
  mime_type text not null,
  storage_path text not null unique,
  thumbnail_url text,
  -- SHA-256 of the bytes, 64 hex characters. Null only in rows of NeoPro 1.
  checksum text check (checksum ~ '^[0-9a-f]{64}$'),
  codec text,
  width integer,
  height integer,
  -- Whether playing can begin before the whole file is there.
  faststart boolean,
  metadata jsonb not null default '{}',
  uploaded_by uuid references users on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  search_text text generated always as (
    neopro_fold(original_name || e'\n' || coalesce(metadata->>'title', ''))
  ) stored
);
create unique index videos_checksum_key on videos (checksum) where checksum is not null;
create index videos_newest on videos (created_at desc, id desc);
create index videos_by_category on videos (category);
select neopro_guard('videos', 'select, insert, update, delete');

create policy internal on videos to neopro_app
  using ((select neopro_scope_is('system', 'staff'))) with check ((select neopro_scope_is('system', 'staff')));
$m0003$;
insert into public.schema_migrations (version, name, checksum) values (3, '0003_videos', 'f197ded8cca75930fdd44dd9b83e35f0a99f8bd604e5941c58fb9164931442f2');
  elsif (select checksum from public.schema_migrations where version = 3) <> 'f197ded8cca75930fdd44dd9b83e35f0a99f8bd604e5941c58fb9164931442f2' then
    raise exception 'La migration 0003_videos enregistrée dans cette base n''est pas celle de ce programme.';
  end if;
end
$neopro$;

select max(version) as schema_version, count(*) as migrations from public.schema_migrations;
