-- Schéma complet de NeoPro (étape 8.2 du guide). Peut être collé sur une base vide ou déjà migrée.
-- Généré à partir de central-server/migrations par `cargo xtask generate` : ne pas modifier à la main.
do $neopro$
declare
  allowed boolean;
begin
  perform set_config('search_path', 'public', true);
  perform pg_advisory_xact_lock(7041776033);
  if (select count(*) from pg_attribute where not attisdropped and (attrelid = to_regclass('public.users') and attname in ('email', 'password_hash') or attrelid = to_regclass('public.sites') and attname in ('site_name', 'club_name', 'api_key'))) = 5 and not exists (select from pg_attribute where attrelid = to_regclass('public.schema_migrations') and attname = 'checksum' and not attisdropped) then
    raise exception using errcode = 'NP101', message =
      'Cette base est celle de NeoPro 1, que ce script ne sait pas reprendre. Arrêtez NeoPro 1, sauvegardez la base, '
      'puis lancez « neopro-central migrate » : il la reprend sur place (docs/reprise-neopro-1.md).';
  end if;

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

  if not exists (select from public.schema_migrations where version = 4) then
execute $m0004$
-- What every site is to have, what it has, and the orders that made it so.
--
-- The desired state is `site_videos`, the reported one `site_inventory`; `site_states` counts the revisions of
-- the first and notes from which one the second was reported. An order (`content_deployments`) changes the desired
-- state of its targets in one transaction and leaves one row per site (`deployment_targets`) to follow it by.
--
-- Functions that work on many sites plan anew each time (`force_custom_plan`): an array that the planner can see is
-- looked into by its hash, another one from its beginning for each row.

create table content_deployments (
  id uuid primary key default gen_random_uuid(),
  -- Null once the video is deleted: what was done with it stays known by its title.
  video_id uuid references videos on delete set null,
  video_title text not null,
  action text not null default 'install' check (action in ('install', 'remove')),
  target_type text not null check (target_type in ('site', 'group')),
  target_id uuid not null,
  target_name text not null,
  deployed_by uuid references users on delete set null,
  deployed_by_name text,
  created_at timestamptz not null default now(),
  scheduled_at timestamptz,
  -- When the desired state was changed and the rows of the sites were made.
  started_at timestamptz,
  cancelled_at timestamptz
);
create index content_deployments_newest on content_deployments (created_at desc, id desc);
create index content_deployments_video on content_deployments (video_id);
create index content_deployments_due on content_deployments (scheduled_at)
  where started_at is null and cancelled_at is null;
select neopro_guard('content_deployments', 'select, insert, update, delete');

create table deployment_targets (
  deployment_id uuid not null references content_deployments on delete cascade,
  site_id uuid not null references sites on delete cascade,
  video_id uuid not null,
  action text not null,
  -- `installed`: the site is as the order wants it, also where the order was to remove.
  state text not null default 'pending'
    check (state in ('pending', 'downloading', 'installed', 'failed', 'cancelled', 'superseded')),
  progress smallint not null default 0 check (progress between 0 and 100),
  attempts integer not null default 0,
  reason_code text,
  reason text,
  -- The first revision of the site's desired state that has the order in it.
  revision bigint not null,
  -- Whether the site was to have the video before this order: what cancelling goes back to.
  was_wanted boolean not null,
  created_at timestamptz not null,
  started_at timestamptz,
  completed_at timestamptz,
  primary key (deployment_id, site_id)
);
create index deployment_targets_open on deployment_targets (site_id, video_id)
  where state in ('pending', 'downloading', 'failed');
create index deployment_targets_site on deployment_targets (site_id, created_at desc);
select neopro_guard('deployment_targets', 'select, insert, update, delete');

create table site_states (
  site_id uuid primary key references sites on delete cascade,
  desired_revision bigint not null default 0,
  -- What the box has confirmed to have on its own disk.
  persisted_revision bigint not null default 0,
  reported_revision bigint not null default 0,
  report_sequence bigint not null default 0,
  reported_at timestamptz,
  free_bytes bigint,
  -- What the last report found different from what was noted: [{kind, name}].
  drift jsonb not null default '[]',
  protocol smallint,
  agent_version text,
  -- The box's Ed25519 key, base64; another one means another box with the same site key.
  device_key text,
  device_key_since timestamptz,
  capabilities text[] not null default '{}'
);
select neopro_guard('site_states', 'select, insert, update, delete');

create table site_videos (
  site_id uuid not null references sites on delete cascade,
  -- A video that a site is to have cannot be deleted.
  video_id uuid not null references videos,
  deployment_id uuid,
  since timestamptz not null,
  -- Grows when a person asks for another try.
  attempt integer not null default 0,
  primary key (site_id, video_id)
);
create index site_videos_video on site_videos (video_id);
select neopro_guard('site_videos', 'select, insert, update, delete');

-- Videos that a site is to have no more. Boxes of protocol 2 delete what is not desired; boxes of protocol 1 are
-- told, one by one, and only this: what the club has put there itself is never touched.
create table site_removals (
  site_id uuid not null references sites on delete cascade,
  video_id uuid not null,
  since timestamptz not null,
  primary key (site_id, video_id)
);
select neopro_guard('site_removals', 'select, insert, update, delete');

create table site_inventory (
  site_id uuid not null references sites on delete cascade,
  video_id uuid not null,
  sha256 text,
  state text not null check (state in ('pending', 'downloading', 'installed', 'failed')),
  progress smallint not null default 0 check (progress between 0 and 100),
  attempts integer not null default 0,
  reason_code text,
  reason text,
  -- Protocol 1 only: where the old agent has put it, whether its mirror shows it, when it is tried again.
  filename text,
  category text,
  subcategory text,
  mirrored boolean not null default false,
  retry_at timestamptz,
  attempt integer not null default 0,
  changed_at timestamptz not null,
  primary key (site_id, video_id)
);
select neopro_guard('site_inventory', 'select, insert, update, delete');

-- Every command that is sent to a box, from before it is sent. Names of NeoPro 1.
create table remote_commands (
  id uuid primary key default gen_random_uuid(),
  site_id uuid not null references sites on delete cascade,
  command_type text not null,
  command_data jsonb not null default '{}',
  status text not null default 'pending'
    check (status in ('pending', 'executing', 'completed', 'failed', 'timeout')),
  result jsonb,
  error_message text,
  executed_by uuid references users on delete set null,
  created_at timestamptz not null default now(),
  executed_at timestamptz,
  completed_at timestamptz,
  -- Without a sign of the command until then, it is given up.
  deadline timestamptz
);
create index remote_commands_site on remote_commands (site_id, created_at desc);
create index remote_commands_running on remote_commands (site_id) where status = 'executing';
select neopro_guard('remote_commands', 'select, insert, update, delete');

-- A site's own configuration.json, as its box has sent it: secrets apart and encrypted.
create table site_mirrors (
  site_id uuid primary key references sites on delete cascade,
  configuration jsonb not null,
  secrets text,
  hash text,
  received_at timestamptz not null
);
select neopro_guard('site_mirrors', 'select, insert, update, delete');

create policy internal on content_deployments to neopro_app
  using ((select neopro_scope_is('system', 'staff'))) with check ((select neopro_scope_is('system', 'staff')));
create policy internal on deployment_targets to neopro_app
  using ((select neopro_scope_is('system', 'staff'))) with check ((select neopro_scope_is('system', 'staff')));
create policy internal on site_states to neopro_app
  using ((select neopro_scope_is('system', 'staff'))) with check ((select neopro_scope_is('system', 'staff')));
create policy internal on site_videos to neopro_app
  using ((select neopro_scope_is('system', 'staff'))) with check ((select neopro_scope_is('system', 'staff')));
create policy internal on site_removals to neopro_app
  using ((select neopro_scope_is('system', 'staff'))) with check ((select neopro_scope_is('system', 'staff')));
create policy internal on site_inventory to neopro_app
  using ((select neopro_scope_is('system', 'staff'))) with check ((select neopro_scope_is('system', 'staff')));
create policy internal on remote_commands to neopro_app
  using ((select neopro_scope_is('system', 'staff'))) with check ((select neopro_scope_is('system', 'staff')));
create policy internal on site_mirrors to neopro_app
  using ((select neopro_scope_is('system', 'staff'))) with check ((select neopro_scope_is('system', 'staff')));

-- An order with what became of it, in the six words of NeoPro 1: nobody writes a status, it follows from the sites.
create view deployment_orders with (security_invoker = true) as
select d.id, d.video_id, d.video_title, d.action, d.target_type, d.target_id, d.target_name, d.deployed_by,
  d.deployed_by_name, d.created_at, d.scheduled_at, d.started_at,
  case
    when d.started_at is null and d.cancelled_at is not null then 'cancelled'
    when d.started_at is null then 'scheduled'
    -- A site that is deleted takes its rows with it: that is no failure of the order.
    when t.total = 0 and d.target_type = 'site' and not exists (select from sites s where s.id = d.target_id)
      then 'cancelled'
    when t.total = 0 then 'failed'
    when t.downloading > 0 or (t.pending > 0 and t.installed + t.failed > 0) then 'in_progress'
    when t.pending > 0 then 'pending'
    when t.failed > 0 then 'failed'
    when t.installed > 0 then 'completed'
    else 'cancelled'
  end as status,
  coalesce(t.progress, 0) as progress,
  case when t.pending + t.downloading = 0 then coalesce(t.completed_at, d.cancelled_at) end as completed_at,
  case when d.started_at is null or t.total > 0 then t.reason
    when d.video_id is null then 'La vidéo a été supprimée avant le jour prévu.'
    when d.target_type = 'site' then 'Ce site n''existe plus.'
    else 'Aucun site visé.' end as error,
  t.total as total_count, t.installed as deployed_count, t.failed as failed_count,
  t.pending + t.downloading as open_count
from content_deployments d
cross join lateral (
  select count(*) as total,
    count(*) filter (where state = 'pending') as pending,
    count(*) filter (where state = 'downloading') as downloading,
    count(*) filter (where state = 'installed') as installed,
    count(*) filter (where state = 'failed') as failed,
    floor(avg(case when state = 'installed' then 100 else progress end)
      filter (where state not in ('cancelled', 'superseded')))::integer as progress,
    max(completed_at) as completed_at,
    mode() within group (order by reason) filter (where state = 'failed') as reason
  from deployment_targets where deployment_id = d.id
) t;
select neopro_guard('deployment_orders', 'select');

-- Carries an order out: the desired state of its targets changes, older orders about the same video are superseded.
-- Answers the sites that have work now.
create function neopro_start_deployment(deployment uuid, moment timestamptz) returns setof uuid
language plpgsql set search_path = public, pg_temp set plan_cache_mode = force_custom_plan as $fn$
declare
  d content_deployments;
  touched uuid[];
  revisions bigint[];
begin
  update content_deployments set started_at = moment
    where id = deployment and started_at is null and cancelled_at is null returning * into d;
  if d.id is null or d.video_id is null then
    return;
  end if;
  -- Always in the order of their ids: two orders to the same sites wait for each other instead of for ever.
  with members as (
    select s.id from sites s where d.target_type = 'site' and s.id = d.target_id
    union all
    select g.site_id from site_groups g where d.target_type = 'group' and g.group_id = d.target_id
  ), bumped as (
    insert into site_states as s (site_id, desired_revision) select m.id, 1 from members m order by m.id
      on conflict (site_id) do update set desired_revision = s.desired_revision + 1 returning s.site_id, s.desired_revision
  )
  select array_agg(b.site_id), array_agg(b.desired_revision) into touched, revisions from bumped b;
  if touched is null then
    return;
  end if;
  -- An order that was still open never came true: before it is before this one too.
  insert into deployment_targets
      (deployment_id, site_id, video_id, action, revision, was_wanted, created_at)
    select d.id, m.site_id, d.video_id, d.action, m.revision,
      coalesce(
        (select o.was_wanted from deployment_targets o where o.site_id = m.site_id and o.video_id = d.video_id
          and o.state in ('pending', 'downloading', 'failed') limit 1),
        exists (select from site_videos w where w.site_id = m.site_id and w.video_id = d.video_id)), moment
    from unnest(touched, revisions) as m (site_id, revision);
  update deployment_targets t set state = 'superseded', completed_at = moment
    where t.site_id = any (touched) and t.video_id = d.video_id and t.deployment_id <> d.id
      and t.state in ('pending', 'downloading', 'failed');
  -- Protocol 1: that an earlier order could not remove it says nothing about this one.
  update site_inventory i set reason_code = null, reason = null, retry_at = null
    where i.site_id = any (touched) and i.video_id = d.video_id and i.state = 'installed' and i.filename is not null
      and i.reason_code is not null;
  if d.action = 'install' then
    delete from site_removals r where r.site_id = any (touched) and r.video_id = d.video_id;
    insert into site_videos as w (site_id, video_id, deployment_id, since)
      select unnest(touched), d.video_id, d.id, moment
      on conflict (site_id, video_id) do update set deployment_id = excluded.deployment_id, attempt = w.attempt + 1;
  else
    delete from site_videos w where w.site_id = any (touched) and w.video_id = d.video_id;
    insert into site_removals (site_id, video_id, since) select unnest(touched), d.video_id, moment
      on conflict do nothing;
  end if;
  return query select unnest(touched);
end
$fn$;
select neopro_guard_function('neopro_start_deployment(uuid, timestamptz)');

-- Takes back what of an order is not done yet: the desired state of those sites becomes what it was.
-- Answers the sites that have work now.
create function neopro_cancel_deployment(deployment uuid, moment timestamptz) returns setof uuid
language plpgsql set search_path = public, pg_temp set plan_cache_mode = force_custom_plan as $fn$
declare
  d content_deployments;
  touched uuid[];
  had uuid[];
  had_not uuid[];
begin
  update content_deployments set cancelled_at = coalesce(cancelled_at, moment)
    where id = deployment returning * into d;
  if d.id is null or d.started_at is null then
    return;
  end if;
  select array_agg(t.site_id) into touched from deployment_targets t
    where t.deployment_id = d.id and t.state in ('pending', 'downloading', 'failed');
  perform from site_states x where x.site_id = any (touched) order by x.site_id for update;
  -- Decided again now that the sites are locked: a report may have ended an order meanwhile.
  with ended as (
    update deployment_targets t set state = 'cancelled', completed_at = moment
      where t.deployment_id = d.id and t.site_id = any (touched) and t.state in ('pending', 'downloading', 'failed')
      returning t.site_id, t.was_wanted
  )
  select array_agg(e.site_id), array_agg(e.site_id) filter (where e.was_wanted),
      array_agg(e.site_id) filter (where not e.was_wanted)
    into touched, had, had_not from ended e;
  if touched is null then
    return;
  end if;
  update site_states s set desired_revision = s.desired_revision + 1 where s.site_id = any (touched);
  if d.video_id is null then
    return query select unnest(touched);
    return;
  end if;
  if d.action = 'install' then
    delete from site_videos w where w.site_id = any (had_not) and w.video_id = d.video_id;
    insert into site_removals (site_id, video_id, since) select unnest(had_not), d.video_id, moment
      on conflict do nothing;
  else
    delete from site_removals r where r.site_id = any (touched) and r.video_id = d.video_id;
    insert into site_videos (site_id, video_id, deployment_id, since) select unnest(had), d.video_id, d.id, moment
      on conflict do nothing;
  end if;
  return query select unnest(touched);
end
$fn$;
select neopro_guard_function('neopro_cancel_deployment(uuid, timestamptz)');

-- Another try of what of an order has failed, on these sites or on all. Answers the sites that have work now.
create function neopro_retry_deployment(deployment uuid, only_sites uuid[], moment timestamptz)
returns setof uuid
language plpgsql set search_path = public, pg_temp set plan_cache_mode = force_custom_plan as $fn$
declare
  touched uuid[];
  video uuid;
begin
  select array_agg(t.site_id) into touched from deployment_targets t
    where t.deployment_id = deployment and t.state = 'failed' and (only_sites is null or t.site_id = any (only_sites));
  perform from site_states x where x.site_id = any (touched) order by x.site_id for update;
  with again as (
    update deployment_targets t set state = 'pending', progress = 0, reason_code = null, reason = null,
        completed_at = null,
        revision = (select s.desired_revision + 1 from site_states s where s.site_id = t.site_id)
      where t.deployment_id = deployment and t.site_id = any (touched) and t.state = 'failed'
      returning t.site_id, t.video_id
  )
  select array_agg(a.site_id), (array_agg(a.video_id))[1] into touched, video from again a;
  update site_states s set desired_revision = s.desired_revision + 1 where s.site_id = any (touched);
  update site_videos w set attempt = w.attempt + 1 where w.site_id = any (touched) and w.video_id = video;
  update site_inventory i set reason_code = null, reason = null, retry_at = null
    where i.site_id = any (touched) and i.video_id = video and i.state = 'installed' and i.filename is not null
      and i.reason_code is not null;
  return query select unnest(touched);
end
$fn$;
select neopro_guard_function('neopro_retry_deployment(uuid, uuid[], timestamptz)');

-- Moves the open orders of a site to where its inventory is. Only orders that were in the state from which the
-- inventory was reported: a report that crossed an order on its way says nothing about it.
create function neopro_settle(site uuid, at_revision bigint, moment timestamptz) returns void
language sql set search_path = public, pg_temp as $fn$
  update deployment_targets t set
    state = n.state, progress = n.progress, attempts = greatest(t.attempts, n.attempts),
    reason_code = n.reason_code, reason = n.reason,
    started_at = coalesce(t.started_at, case when n.state <> 'pending' then moment end),
    completed_at = case when n.state in ('installed', 'failed') then moment end
  from (
    select o.deployment_id,
      case when o.action = 'install' then coalesce(i.state, 'pending')
        when i.video_id is null then 'installed'
        when i.reason_code = 'delete_failed' then 'failed' else 'pending' end as state,
      case when o.action = 'install' and i.state = 'installed' then 100
        when o.action = 'install' then coalesce(i.progress, 0)
        when i.video_id is null then 100 else 0 end::smallint as progress,
      coalesce(i.attempts, 0) as attempts,
      case when o.action = 'install' or i.reason_code = 'delete_failed' then i.reason_code end as reason_code,
      case when o.action = 'install' or i.reason_code = 'delete_failed' then i.reason end as reason
    from deployment_targets o
    left join site_inventory i on i.site_id = o.site_id and i.video_id = o.video_id
    where o.site_id = site and o.state in ('pending', 'downloading', 'failed') and o.revision <= at_revision
  ) n
  where t.site_id = site and t.deployment_id = n.deployment_id
    and (t.state, t.progress, t.attempts, t.reason_code, t.reason)
      is distinct from (n.state, n.progress, greatest(t.attempts, n.attempts), n.reason_code, n.reason);
  delete from site_removals r where r.site_id = site
    and not exists (select from site_inventory i where i.site_id = site and i.video_id = r.video_id)
    and not exists (select from deployment_targets t where t.site_id = site and t.video_id = r.video_id
      and t.state in ('pending', 'downloading', 'failed'));
$fn$;
select neopro_guard_function('neopro_settle(uuid, bigint, timestamptz)');

-- Takes a report of a box of protocol 2: all that it has. One that came before changes nothing; answers whether it
-- was new. A fresh box has lost what it had noted, also the number of its last report.
create function neopro_report(
  site uuid, of_revision bigint, in_sequence bigint, fresh boolean, bytes_free bigint, differences jsonb, ids uuid[], hashes text[],
  states text[], tries integer[], codes text[], details text[], moment timestamptz
) returns boolean
language plpgsql set search_path = public, pg_temp as $fn$
declare
  at_revision bigint;
begin
  insert into site_states (site_id) values (site) on conflict do nothing;
  update site_states set report_sequence = in_sequence, reported_at = moment, free_bytes = bytes_free, drift = differences,
      -- A box may say anything; what was never desired cannot have been worked from.
      reported_revision = greatest(reported_revision, least(of_revision, desired_revision)),
      persisted_revision = greatest(persisted_revision, least(of_revision, desired_revision))
    where site_id = site and (fresh or report_sequence < in_sequence)
    returning least(of_revision, desired_revision) into at_revision;
  if not found then
    return false;
  end if;
  delete from site_inventory i where i.site_id = site and i.video_id <> all (ids);
  insert into site_inventory as i
    (site_id, video_id, sha256, state, progress, attempts, reason_code, reason, changed_at)
    select site, n.id, n.hash, n.state, case when n.state = 'installed' then 100 else 0 end, n.tries, n.code, n.detail,
      moment
    from unnest(ids, hashes, states, tries, codes, details) as n (id, hash, state, tries, code, detail)
    on conflict (site_id, video_id) do update set sha256 = excluded.sha256, state = excluded.state,
      progress = case when excluded.state = 'downloading' then greatest(i.progress, 0) else excluded.progress end,
      attempts = excluded.attempts, reason_code = excluded.reason_code, reason = excluded.reason, mirrored = false,
      changed_at = excluded.changed_at
    where (i.sha256, i.state, i.attempts, i.reason_code, i.reason)
      is distinct from (excluded.sha256, excluded.state, excluded.attempts, excluded.reason_code, excluded.reason);
  perform neopro_settle(site, at_revision, moment);
  return true;
end
$fn$;
select neopro_guard_function(
  'neopro_report(uuid, bigint, bigint, boolean, bigint, jsonb, uuid[], text[], text[], integer[], text[], text[], timestamptz)');

-- How far downloads are. A command that gives signs of life has time again. Like everything that touches the rows of
-- several sites it takes the sites first, in the order of their ids, or it would meet orders and reports half-way. A
-- site that is being worked on is passed over: its next percentage comes in seconds.
create function neopro_progress(sites uuid[], videos uuid[], percents smallint[], moment timestamptz) returns void
language plpgsql set search_path = public, pg_temp set plan_cache_mode = force_custom_plan as $fn$
declare
  free uuid[];
  news record;
begin
  select array_agg(x.site_id) into free from (
    select s.site_id from site_states s where s.site_id = any (sites) order by s.site_id for update skip locked) x;
  for news in
    select n.site, n.video, n.percent from unnest(sites, videos, percents) as n (site, video, percent)
      where n.site = any (free)
  loop
    update site_inventory i set state = 'downloading', progress = greatest(i.progress, news.percent),
        changed_at = case when i.state = 'downloading' then i.changed_at else moment end
      where i.site_id = news.site and i.video_id = news.video and i.state in ('pending', 'downloading');
    update remote_commands c set deadline = moment + interval '10 minutes'
      where c.site_id = news.site and c.status = 'executing' and c.command_data->>'videoId' = news.video::text;
    update deployment_targets t set state = 'downloading', progress = greatest(t.progress, news.percent),
        started_at = coalesce(t.started_at, moment)
      where t.site_id = news.site and t.video_id = news.video and t.action = 'install'
        and t.state in ('pending', 'downloading');
  end loop;
end
$fn$;
select neopro_guard_function('neopro_progress(uuid[], uuid[], smallint[], timestamptz)');
$m0004$;
insert into public.schema_migrations (version, name, checksum) values (4, '0004_deployments', '5c1af9751c1762773374c19c7b4458f6a45fc19652ee4389468b949a12def39a');
  elsif (select checksum from public.schema_migrations where version = 4) <> '5c1af9751c1762773374c19c7b4458f6a45fc19652ee4389468b949a12def39a' then
    raise exception 'La migration 0004_deployments enregistrée dans cette base n''est pas celle de ce programme.';
  end if;

  if not exists (select from public.schema_migrations where version = 5) then
execute $m0005$
-- Boxes of protocol 1 know no desired state: the server finds out what is missing, and tells them one command at a
-- time. Their inventory is what they answered, and what their mirrored configuration shows.

-- A command of such a box has failed, or nothing was heard of it for too long: the file is tried again later, three
-- times in all.
create function neopro_command_failed(
  site uuid, command_type text, video uuid, code text, message text, moment timestamptz
) returns void
language sql set search_path = public, pg_temp as $fn$
  update site_inventory i set
    state = case when command_type = 'delete_video' then i.state when i.attempts >= 3 then 'failed' else 'pending' end,
    progress = case when command_type = 'delete_video' then i.progress else 0 end,
    reason_code = case when command_type = 'delete_video' and i.attempts >= 3 then 'delete_failed' else code end,
    reason = message,
    -- One minute, then five.
    retry_at = moment + interval '1 minute' * case when i.attempts <= 1 then 1 else 5 end,
    changed_at = moment
  where i.site_id = site and i.video_id = video
$fn$;
select neopro_guard_function('neopro_command_failed(uuid, text, uuid, text, text, timestamptz)');

-- What a box of protocol 1 is to do next, written down as its running command before it is told; no row when there
-- is nothing, or when it is still busy with the last one.
create function neopro_next_command(site uuid, command uuid, moment timestamptz)
returns table (command_type text, command_data jsonb, storage_path text)
language plpgsql set search_path = public, pg_temp as $fn$
declare
  overdue remote_commands;
  revision bigint;
  work record;
begin
  insert into site_states (site_id) values (site) on conflict do nothing;
  select s.desired_revision into revision from site_states s where s.site_id = site for update;
  for overdue in
    update remote_commands c set status = 'timeout', completed_at = moment,
        error_message = 'Le boîtier n''a plus rien dit de cette commande.'
      where c.site_id = site and c.status = 'executing' and c.deadline <= moment returning *
  loop
    perform neopro_command_failed(site, overdue.command_type, (overdue.command_data->>'videoId')::uuid, 'timeout',
      overdue.error_message, moment);
  end loop;
  -- What is wanted no more and never arrived is not there: nothing has to be removed.
  delete from site_inventory i where i.site_id = site and i.state <> 'installed'
    and not exists (select from site_videos w where w.site_id = site and w.video_id = i.video_id)
    and not exists (select from remote_commands c where c.site_id = site and c.status = 'executing'
      and c.command_data->>'videoId' = i.video_id::text);
  update site_inventory i set state = 'failed', reason_code = 'unsupported', attempt = w.attempt, changed_at = moment,
      reason = 'Le logiciel de ce boîtier ne sait pas afficher d''images : mettez-le à jour.'
    from site_videos w join videos v on v.id = w.video_id
    where w.site_id = site and v.mime_type like 'image/%' and i.site_id = site and i.video_id = v.id
      and (i.reason_code is distinct from 'unsupported' or i.attempt < w.attempt);
  insert into site_inventory (site_id, video_id, sha256, state, reason_code, attempt, reason, changed_at)
    select site, v.id, v.checksum, 'failed', 'unsupported', w.attempt,
      'Le logiciel de ce boîtier ne sait pas afficher d''images : mettez-le à jour.', moment
    from site_videos w join videos v on v.id = w.video_id
    where w.site_id = site and v.mime_type like 'image/%'
    on conflict do nothing;
  if exists (select from remote_commands c where c.site_id = site and c.status = 'executing') then
    perform neopro_settle(site, revision, moment);
    return;
  end if;
  select 'delete_video' as kind, r.video_id, null::text as path, 0 as attempt, jsonb_build_object(
      'videoId', r.video_id, 'filename', i.filename, 'category', i.category, 'subcategory', i.subcategory) as data
    into work
    from site_removals r join site_inventory i on i.site_id = r.site_id and i.video_id = r.video_id
    where r.site_id = site and i.filename is not null and i.state = 'installed'
      and i.reason_code is distinct from 'delete_failed' and (i.retry_at is null or i.retry_at <= moment)
    order by r.since, r.video_id limit 1;
  if work is null then
    select 'deploy_video' as kind, w.video_id, v.storage_path as path, w.attempt, jsonb_build_object(
        'deploymentId', w.deployment_id, 'videoId', v.id, 'filename', v.filename,
        'originalName', coalesce(nullif(v.metadata->>'title', ''), v.original_name),
        'category', coalesce(v.category, 'default'), 'subcategory', v.subcategory,
        'duration', coalesce(v.duration, 0), 'checksum', v.checksum, 'sponsorId', null,
        'analyticsCategory', v.metadata->>'analytics_category') as data
      into work
      from site_videos w
      join videos v on v.id = w.video_id
      left join site_inventory i on i.site_id = w.site_id and i.video_id = w.video_id
      where w.site_id = site and v.checksum is not null and v.mime_type not like 'image/%'
        and (i.video_id is null or i.state <> 'installed')
        and (i.video_id is null or i.attempt < w.attempt
          or (i.state <> 'failed' and (i.retry_at is null or i.retry_at <= moment)))
      order by w.since, w.video_id limit 1;
  end if;
  if work is null then
    perform neopro_settle(site, revision, moment);
    return;
  end if;
  insert into remote_commands (id, site_id, command_type, command_data, status, created_at, executed_at, deadline)
    values (command, site, work.kind, work.data, 'executing', moment, moment, moment + interval '10 minutes');
  if work.kind = 'deploy_video' then
    insert into site_inventory as i (site_id, video_id, sha256, state, attempts, attempt, changed_at)
      values (site, work.video_id, work.data->>'checksum', 'downloading', 1, work.attempt, moment)
      on conflict (site_id, video_id) do update set state = 'downloading', progress = 0, reason_code = null,
        reason = null, retry_at = null, attempts = case when i.attempt < work.attempt then 1 else i.attempts + 1 end,
        attempt = work.attempt, changed_at = moment;
  else
    update site_inventory i set attempts = case when i.reason_code is null then 1 else i.attempts + 1 end
      where i.site_id = site and i.video_id = work.video_id;
  end if;
  perform neopro_settle(site, revision, moment);
  return query select work.kind, work.data, work.path;
end
$fn$;
select neopro_guard_function('neopro_next_command(uuid, uuid, timestamptz)');

-- The answer of a box to one of its own commands. Answers whether it was waited for: a second one changes nothing,
-- one that comes after the command was given up still tells the truth.
create function neopro_finish_command(
  site uuid, command uuid, succeeded boolean, outcome jsonb, code text, message text, moment timestamptz
) returns boolean
language plpgsql set search_path = public, pg_temp as $fn$
declare
  c remote_commands;
  given_up boolean;
  video uuid;
begin
  perform from site_states s where s.site_id = site for update;
  select r.status = 'timeout' into given_up from remote_commands r where r.id = command and r.site_id = site;
  update remote_commands r set status = case when succeeded then 'completed' else 'failed' end, result = outcome,
      error_message = message, completed_at = moment
    where r.id = command and r.site_id = site and r.status in ('executing', 'timeout') returning * into c;
  if c.id is null then
    return false;
  end if;
  video := (c.command_data->>'videoId')::uuid;
  if not succeeded and given_up then
    -- It has counted as a failure when it was given up; another try may have succeeded since.
    null;
  elsif not succeeded then
    perform neopro_command_failed(site, c.command_type, video, code, message, moment);
  elsif c.command_type = 'deploy_video' then
    insert into site_inventory as i (site_id, video_id, sha256, state, progress, filename, category, subcategory, changed_at)
      values (site, video, c.command_data->>'checksum', 'installed', 100,
        coalesce(outcome->>'filename', c.command_data->>'originalName'), c.command_data->>'category',
        c.command_data->>'subcategory', moment)
      on conflict (site_id, video_id) do update set state = 'installed', progress = 100, reason_code = null,
        reason = null, retry_at = null, sha256 = excluded.sha256, filename = excluded.filename,
        category = excluded.category, subcategory = excluded.subcategory, changed_at = moment;
    -- We have had it fetched, and it is wanted no more: it goes again.
    insert into site_removals (site_id, video_id, since) select site, video, moment
      where not exists (select from site_videos w where w.site_id = site and w.video_id = video)
      on conflict do nothing;
  elsif c.command_type = 'delete_video' then
    delete from site_inventory i where i.site_id = site and i.video_id = video;
  end if;
  perform neopro_settle(site, (select s.desired_revision from site_states s where s.site_id = site), moment);
  return true;
end
$fn$;
select neopro_guard_function('neopro_finish_command(uuid, uuid, boolean, jsonb, text, text, timestamptz)');

-- The mirror of a site's configuration. Of a box of protocol 1 it also shows which of our videos are there: an entry
-- is proof of presence, and one that was there and is gone is proof of absence.
create function neopro_mirror(
  site uuid, document jsonb, apart text, document_hash text, of_protocol_1 boolean, ids uuid[], filenames text[],
  categories text[], subcategories text[], moment timestamptz
) returns void
language plpgsql set search_path = public, pg_temp as $fn$
begin
  insert into site_mirrors (site_id, configuration, secrets, hash, received_at)
    values (site, document, apart, document_hash, moment)
    on conflict (site_id) do update set configuration = excluded.configuration, secrets = excluded.secrets,
      hash = excluded.hash, received_at = excluded.received_at;
  if not of_protocol_1 then
    return;
  end if;
  insert into site_states (site_id) values (site) on conflict do nothing;
  perform from site_states s where s.site_id = site for update;
  delete from site_inventory i where i.site_id = site and i.mirrored and i.video_id <> all (ids);
  insert into site_inventory as i
    (site_id, video_id, sha256, state, progress, filename, category, subcategory, mirrored, changed_at)
    select distinct on (n.id) site, n.id, v.checksum, 'installed', 100, n.filename, n.category, n.subcategory, true, moment
    from unnest(ids, filenames, categories, subcategories) as n (id, filename, category, subcategory)
    left join videos v on v.id = n.id
    order by n.id
    on conflict (site_id, video_id) do update set state = 'installed', progress = 100, filename = excluded.filename,
      category = excluded.category, subcategory = excluded.subcategory, mirrored = true,
      reason_code = case when i.state = 'installed' then i.reason_code end,
      reason = case when i.state = 'installed' then i.reason end
    where not i.mirrored or (i.state, i.filename, i.category, i.subcategory)
      is distinct from ('installed', excluded.filename, excluded.category, excluded.subcategory);
  perform neopro_settle(site, (select s.desired_revision from site_states s where s.site_id = site), moment);
end
$fn$;
select neopro_guard_function(
  'neopro_mirror(uuid, jsonb, text, text, boolean, uuid[], text[], text[], text[], timestamptz)');
$m0005$;
insert into public.schema_migrations (version, name, checksum) values (5, '0005_protocol1', '1f6b6d31c16266bfae65ea57215de5eda299915351903fd271c7b555b3531edd');
  elsif (select checksum from public.schema_migrations where version = 5) <> '1f6b6d31c16266bfae65ea57215de5eda299915351903fd271c7b555b3531edd' then
    raise exception 'La migration 0005_protocol1 enregistrée dans cette base n''est pas celle de ce programme.';
  end if;

  if not exists (select from public.schema_migrations where version = 6) then
execute $m0006$
-- What boxes measure of themselves: one row a site and hour, however often its box beats, and its last words.

-- Averages are sum by count; a figure that a beat does not know is not counted.
create table site_figures (
  site_id uuid not null references sites on delete cascade,
  -- Its beginning, UTC.
  hour timestamptz not null,
  beats integer not null check (beats >= 0),
  -- Percent.
  cpu_sum double precision not null,
  cpu_count integer not null,
  cpu_max double precision,
  -- Percent.
  memory_sum double precision not null,
  memory_count integer not null,
  memory_max double precision,
  -- Degrees Celsius.
  temperature_sum double precision not null,
  temperature_count integer not null,
  temperature_max double precision,
  -- Percent.
  disk_sum double precision not null,
  disk_count integer not null,
  disk_max double precision,
  -- Seconds.
  uptime_max bigint,
  primary key (site_id, hour)
);
select neopro_guard('site_figures', 'select, insert, update');

-- The figures of the last beat; null what it did not know. Half of each page is left free: a row is rewritten in its
-- own page, all day long.
create table site_latest (
  site_id uuid primary key references sites on delete cascade,
  heard_at timestamptz not null,
  cpu double precision,
  memory double precision,
  temperature double precision,
  disk double precision,
  uptime bigint
) with (fillfactor = 50);
select neopro_guard('site_latest', 'select, insert, update');

create policy internal on site_figures to neopro_app
  using ((select neopro_scope_is('system', 'staff'))) with check ((select neopro_scope_is('system', 'staff')));
create policy internal on site_latest to neopro_app
  using ((select neopro_scope_is('system', 'staff'))) with check ((select neopro_scope_is('system', 'staff')));
-- An agency looks after its clubs' boxes. A sponsor sees no machine.
create policy agency on site_figures for select to neopro_app
  using ((select neopro_scope_is('agency'))
    and site_id in (select site_id from agency_sites where agency_id = (select neopro_tenant())));
create policy agency on site_latest for select to neopro_app
  using ((select neopro_scope_is('agency'))
    and site_id in (select site_id from agency_sites where agency_id = (select neopro_tenant())));
$m0006$;
insert into public.schema_migrations (version, name, checksum) values (6, '0006_figures', 'db787732261bad9544d6328f0e01c6dfe4b903dbf23563fd5b01e345c9866fb6');
  elsif (select checksum from public.schema_migrations where version = 6) <> 'db787732261bad9544d6328f0e01c6dfe4b903dbf23563fd5b01e345c9866fb6' then
    raise exception 'La migration 0006_figures enregistrée dans cette base n''est pas celle de ce programme.';
  end if;

  if not exists (select from public.schema_migrations where version = 7) then
execute $m0007$
-- What a screen shows of a site beside its row: one word for its state, whether its box is behind, what room it has.

-- The state of a site in one word. What a person or a fault has said stands first; then whether its box is connected;
-- then when it was last heard of. Stable, as the difference of two times is: only so does the planner look into it.
create function neopro_display_status(status text, last_seen_at timestamptz, moment timestamptz) returns text
language sql stable
as $fn$
  select case
    when status in ('maintenance', 'error', 'online') then status
    when last_seen_at is null then 'unknown'
    when last_seen_at > moment - interval '120 seconds' then 'warning'
    else 'offline'
  end
$fn$;
select neopro_guard_function('neopro_display_status(text, timestamptz, timestamptz)');

-- Sites as they are read, one or a few: without their key, and with what `site_states` says of them. A page of a long
-- list looks that up behind its limit, for a list that is skipped through pays for every row that it skips.
create view site_overview with (security_invoker = true) as
select s.id, s.site_name, s.club_name, s.location, s.sports, s.status, s.last_seen_at, s.last_ip, s.local_ip,
  s.software_version, s.hardware_model, s.metadata, s.live_score_enabled, s.created_at, s.updated_at, s.search_text,
  coalesce((select x.reported_revision < x.desired_revision from site_states x where x.site_id = s.id), false) as behind,
  (select x.free_bytes from site_states x where x.site_id = s.id) as free_bytes
from sites s;
select neopro_guard('site_overview', 'select, update');

-- An agency looks after its clubs' boxes: it sees how far they are. A sponsor sees no machine.
create policy agency on site_states for select to neopro_app
  using ((select neopro_scope_is('agency'))
    and site_id in (select site_id from agency_sites where agency_id = (select neopro_tenant())));

create index sites_by_city on sites (neopro_fold(location->>'city'), id);

-- In which minutes of the hour the box was heard, the first in the lowest bit. 0 beside beats: of before this column,
-- when only the hour was known.
alter table site_figures add column minutes bigint not null default 0;
$m0007$;
insert into public.schema_migrations (version, name, checksum) values (7, '0007_overview', '94d829212446507a4a45805434743e2173b5360ee7f53d1b06abc0db10edff1d');
  elsif (select checksum from public.schema_migrations where version = 7) <> '94d829212446507a4a45805434743e2173b5360ee7f53d1b06abc0db10edff1d' then
    raise exception 'La migration 0007_overview enregistrée dans cette base n''est pas celle de ce programme.';
  end if;

  if not exists (select from public.schema_migrations where version = 8) then
execute $m0008$
-- Orders for several sites and groups at once. What was chosen stands in a table of its own; which sites that means is
-- decided when the order is carried out, as it is for a group.

alter table content_deployments drop constraint content_deployments_target_type_check;
alter table content_deployments add constraint content_deployments_target_type_check
  check (target_type in ('site', 'group', 'selection'));
-- How many of each were chosen. The `target_id` of a selection is the order's own id: servers from before this
-- migration, which may still be running, read an id there.
alter table content_deployments add selected_groups integer, add selected_sites integer;

create table deployment_selections (
  deployment_id uuid not null references content_deployments on delete cascade,
  target_type text not null check (target_type in ('site', 'group')),
  target_id uuid not null,
  target_name text not null,
  primary key (deployment_id, target_type, target_id)
);
create index deployment_selections_target on deployment_selections (target_id);
select neopro_guard('deployment_selections', 'select, insert, update, delete');
create policy internal on deployment_selections to neopro_app
  using ((select neopro_scope_is('system', 'staff'))) with check ((select neopro_scope_is('system', 'staff')));

-- The causes of a failed order, and the most frequent one, without its other sites.
create index deployment_targets_failed on deployment_targets (deployment_id, reason_code) where state = 'failed';

-- As before; who was chosen, and how many sites are in each state, stand behind the columns that there were.
create or replace view deployment_orders with (security_invoker = true) as
select d.id, d.video_id, d.video_title, d.action, d.target_type, d.target_id, d.target_name, d.deployed_by,
  d.deployed_by_name, d.created_at, d.scheduled_at, d.started_at,
  case
    when d.started_at is null and d.cancelled_at is not null then 'cancelled'
    when d.started_at is null then 'scheduled'
    -- A site that is deleted takes its rows with it: that is no failure of the order.
    when t.total = 0 and d.target_type = 'site' and not exists (select from sites s where s.id = d.target_id)
      then 'cancelled'
    when t.total = 0 then 'failed'
    when t.downloading > 0 or (t.pending > 0 and t.installed + t.failed > 0) then 'in_progress'
    when t.pending > 0 then 'pending'
    when t.failed > 0 then 'failed'
    when t.installed > 0 then 'completed'
    else 'cancelled'
  end as status,
  coalesce(t.progress, 0) as progress,
  case when t.pending + t.downloading = 0 then coalesce(t.completed_at, d.cancelled_at) end as completed_at,
  case when d.started_at is null or t.total > 0 then t.reason
    when d.video_id is null then 'La vidéo a été supprimée avant le jour prévu.'
    when d.target_type = 'site' then 'Ce site n''existe plus.'
    else 'Aucun site visé.' end as error,
  t.total as total_count, t.installed as deployed_count, t.failed as failed_count,
  t.pending + t.downloading as open_count,
  t.pending as pending_count, t.downloading as downloading_count, t.cancelled as cancelled_count,
  t.superseded as superseded_count, d.selected_groups, d.selected_sites
from content_deployments d
cross join lateral (
  select count(*) as total,
    count(*) filter (where state = 'pending') as pending,
    count(*) filter (where state = 'downloading') as downloading,
    count(*) filter (where state = 'installed') as installed,
    count(*) filter (where state = 'failed') as failed,
    count(*) filter (where state = 'cancelled') as cancelled,
    count(*) filter (where state = 'superseded') as superseded,
    floor(avg(case when state = 'installed' then 100 else progress end)
      filter (where state not in ('cancelled', 'superseded')))::integer as progress,
    max(completed_at) as completed_at,
    mode() within group (order by reason) filter (where state = 'failed') as reason
  from deployment_targets where deployment_id = d.id
) t;

-- Carries an order out: the desired state of its targets changes, older orders about the same video are superseded.
-- Answers the sites that have work now.
create or replace function neopro_start_deployment(deployment uuid, moment timestamptz) returns setof uuid
language plpgsql set search_path = public, pg_temp set plan_cache_mode = force_custom_plan as $fn$
declare
  d content_deployments;
  touched uuid[];
  revisions bigint[];
begin
  update content_deployments set started_at = moment
    where id = deployment and started_at is null and cancelled_at is null returning * into d;
  if d.id is null or d.video_id is null then
    return;
  end if;
  -- Always in the order of their ids: two orders to the same sites wait for each other instead of for ever.
  with members as (
    select s.id from sites s where d.target_type = 'site' and s.id = d.target_id
    union all
    select g.site_id from site_groups g where d.target_type = 'group' and g.group_id = d.target_id
    -- Each site once, however often it was chosen.
    union
    select s.id from deployment_selections c join sites s on s.id = c.target_id
      where c.deployment_id = d.id and c.target_type = 'site'
    union
    select g.site_id from deployment_selections c join site_groups g on g.group_id = c.target_id
      where c.deployment_id = d.id and c.target_type = 'group'
  ), bumped as (
    insert into site_states as s (site_id, desired_revision) select m.id, 1 from members m order by m.id
      on conflict (site_id) do update set desired_revision = s.desired_revision + 1 returning s.site_id, s.desired_revision
  )
  select array_agg(b.site_id), array_agg(b.desired_revision) into touched, revisions from bumped b;
  if touched is null then
    return;
  end if;
  -- An order that was still open never came true: before it is before this one too.
  insert into deployment_targets
      (deployment_id, site_id, video_id, action, revision, was_wanted, created_at)
    select d.id, m.site_id, d.video_id, d.action, m.revision,
      coalesce(
        (select o.was_wanted from deployment_targets o where o.site_id = m.site_id and o.video_id = d.video_id
          and o.state in ('pending', 'downloading', 'failed') limit 1),
        exists (select from site_videos w where w.site_id = m.site_id and w.video_id = d.video_id)), moment
    from unnest(touched, revisions) as m (site_id, revision);
  update deployment_targets t set state = 'superseded', completed_at = moment
    where t.site_id = any (touched) and t.video_id = d.video_id and t.deployment_id <> d.id
      and t.state in ('pending', 'downloading', 'failed');
  -- Protocol 1: that an earlier order could not remove it says nothing about this one.
  update site_inventory i set reason_code = null, reason = null, retry_at = null
    where i.site_id = any (touched) and i.video_id = d.video_id and i.state = 'installed' and i.filename is not null
      and i.reason_code is not null;
  if d.action = 'install' then
    delete from site_removals r where r.site_id = any (touched) and r.video_id = d.video_id;
    insert into site_videos as w (site_id, video_id, deployment_id, since)
      select unnest(touched), d.video_id, d.id, moment
      on conflict (site_id, video_id) do update set deployment_id = excluded.deployment_id, attempt = w.attempt + 1;
  else
    delete from site_videos w where w.site_id = any (touched) and w.video_id = d.video_id;
    insert into site_removals (site_id, video_id, since) select unnest(touched), d.video_id, moment
      on conflict do nothing;
  end if;
  return query select unnest(touched);
end
$fn$;
$m0008$;
insert into public.schema_migrations (version, name, checksum) values (8, '0008_selections', '3433c5089410ec53093e9f852bdff7665d7f21b262b77789b7aeec5d65930fb3');
  elsif (select checksum from public.schema_migrations where version = 8) <> '3433c5089410ec53093e9f852bdff7665d7f21b262b77789b7aeec5d65930fb3' then
    raise exception 'La migration 0008_selections enregistrée dans cette base n''est pas celle de ce programme.';
  end if;

  if not exists (select from public.schema_migrations where version = 9) then
execute $m0009$
-- Sessions of a tab: a page that may keep no cookie of ours has a handle instead, which changes at each use (ADR 0014).
-- Handles are 256 random bits that the page chooses; what is stored are labelled SHA-256 hashes, in hex.

alter table sessions
  add column handle text,
  -- How many handles the session has had.
  add column handle_number integer not null default 0;
create unique index sessions_handle on sessions (handle) where handle is not null;

-- Handles that were used, for as long as their session: who shows one of them again has a copy.
create table session_handles (
  handle text primary key,
  session_id uuid not null references sessions on delete cascade,
  number integer not null
);
create index session_handles_session on session_handles (session_id, number);
select neopro_guard('session_handles', 'select, insert, update, delete');
create policy internal on session_handles to neopro_app
  using ((select neopro_scope_is('system'))) with check ((select neopro_scope_is('system')));

-- Puts the next handle in the place of the given one. Answers what became of it, and whose session it is:
-- `renewed`; `reused`, and the session is revoked, which it is answered for if it was not before; `unknown`, also if the session is over; `taken` if the
-- next one is no new one. The same two handles
-- once more are the same request once more, as browsers repeat it when a connection breaks.
create function neopro_renew_handle(given text, following text, moment timestamptz)
returns table (outcome text, session uuid)
language plpgsql set search_path = public, pg_temp as $fn$
declare
  found_session uuid;
  its_number integer;
begin
  -- Of two at once the second waits here, and finds another handle then.
  select s.id, s.handle_number into found_session, its_number
    from sessions s join users u on u.id = s.user_id
    where s.handle = given and s.revoked_at is null and s.expires_at > moment and u.is_active and u.status = 'active'
    for update of s;
  if found then
    if exists (select from session_handles h where h.handle = following) then
      return query select 'taken'::text, null::uuid;
      return;
    end if;
    insert into session_handles (handle, session_id, number) values (given, found_session, its_number);
    update sessions set handle = following, handle_number = its_number + 1, last_used_at = moment
      where id = found_session;
    -- No page comes here in a session's life; a program that renews without end fills no disk.
    delete from session_handles h where h.session_id = found_session and h.number < its_number - 2000;
    return query select 'renewed'::text, found_session;
    return;
  end if;
  select h.session_id into found_session from session_handles h where h.handle = given;
  if not found then
    return query select 'unknown'::text, null::uuid;
    return;
  end if;
  perform from sessions s join session_handles h on h.session_id = s.id and h.handle = given
    join users u on u.id = s.user_id
    where s.handle = following and h.number = s.handle_number - 1 and s.revoked_at is null and s.expires_at > moment
      and u.is_active and u.status = 'active';
  if found then
    return query select 'renewed'::text, found_session;
    return;
  end if;
  update sessions set revoked_at = moment where id = found_session and revoked_at is null;
  return query select 'reused'::text, case when found then found_session end;
end
$fn$;
select neopro_guard_function('neopro_renew_handle(text, text, timestamptz)');
$m0009$;
insert into public.schema_migrations (version, name, checksum) values (9, '0009_tab_sessions', '15ca627b243913bf6a3759fb02aab513d403a1478c0db8eb84dff41d04835719');
  elsif (select checksum from public.schema_migrations where version = 9) <> '15ca627b243913bf6a3759fb02aab513d403a1478c0db8eb84dff41d04835719' then
    raise exception 'La migration 0009_tab_sessions enregistrée dans cette base n''est pas celle de ce programme.';
  end if;

  if not exists (select from public.schema_migrations where version = 10) then
execute $m0010$
-- How many sites of each order are how far, without looking at each of them: an order to a whole fleet has thousands.
--
-- A change adds a row of differences; the sum of an order's rows is its counts. Nobody waits for anybody: rows are
-- only added by those who change sites, and put together from time to time. Counters in one row an order would make
-- every report of a fleet wait for the same row.

create table deployment_tallies (
  -- Refers to nothing: a reference would lock the order with every report.
  deployment_id uuid not null,
  total integer not null,
  pending integer not null,
  downloading integer not null,
  installed integer not null,
  failed integer not null,
  cancelled integer not null,
  superseded integer not null,
  -- The sum of the percents of those that are neither cancelled nor superseded.
  progress integer not null
);
create index deployment_tallies_order on deployment_tallies (deployment_id);
select neopro_guard('deployment_tallies', 'select, insert, delete');
create policy internal on deployment_tallies to neopro_app
  using ((select neopro_scope_is('system', 'staff'))) with check ((select neopro_scope_is('system', 'staff')));

-- The end of an order is that of its last site.
create index deployment_targets_ended on deployment_targets (deployment_id, completed_at)
  where completed_at is not null;

create function neopro_tally() returns trigger
language plpgsql set search_path = public, pg_temp as $fn$
begin
  if tg_op = 'INSERT' then
    insert into deployment_tallies
      select n.deployment_id, count(*), count(*) filter (where n.state = 'pending'),
        count(*) filter (where n.state = 'downloading'), count(*) filter (where n.state = 'installed'),
        count(*) filter (where n.state = 'failed'), count(*) filter (where n.state = 'cancelled'),
        count(*) filter (where n.state = 'superseded'),
        sum(case when n.state in ('cancelled', 'superseded') then 0 when n.state = 'installed' then 100
          else n.progress end)
      from rows_after n group by n.deployment_id;
  elsif tg_op = 'DELETE' then
    insert into deployment_tallies
      select o.deployment_id, -count(*), -count(*) filter (where o.state = 'pending'),
        -count(*) filter (where o.state = 'downloading'), -count(*) filter (where o.state = 'installed'),
        -count(*) filter (where o.state = 'failed'), -count(*) filter (where o.state = 'cancelled'),
        -count(*) filter (where o.state = 'superseded'),
        -sum(case when o.state in ('cancelled', 'superseded') then 0 when o.state = 'installed' then 100
          else o.progress end)
      from rows_before o group by o.deployment_id;
  else
    insert into deployment_tallies
      select * from (
        select x.deployment_id, sum(x.n) as total, sum(case x.state when 'pending' then x.n else 0 end) as pending,
          sum(case x.state when 'downloading' then x.n else 0 end) as downloading,
          sum(case x.state when 'installed' then x.n else 0 end) as installed,
          sum(case x.state when 'failed' then x.n else 0 end) as failed,
          sum(case x.state when 'cancelled' then x.n else 0 end) as cancelled,
          sum(case x.state when 'superseded' then x.n else 0 end) as superseded,
          sum(case when x.state in ('cancelled', 'superseded') then 0 when x.state = 'installed' then 100
            else x.progress end * x.n) as progress
        from (
          select o.deployment_id, o.state, o.progress, -1 as n from rows_before o
          union all
          select a.deployment_id, a.state, a.progress, 1 from rows_after a
        ) x group by x.deployment_id
      ) d
      where (d.total, d.pending, d.downloading, d.installed, d.failed, d.cancelled, d.superseded, d.progress)
        <> (0, 0, 0, 0, 0, 0, 0, 0);
  end if;
  return null;
end
$fn$;
select neopro_guard_function('neopro_tally()', false);

create trigger tally_added after insert on deployment_targets
  referencing new table as rows_after for each statement execute function neopro_tally();
create trigger tally_changed after update on deployment_targets
  referencing old table as rows_before new table as rows_after for each statement execute function neopro_tally();
create trigger tally_deleted after delete on deployment_targets
  referencing old table as rows_before for each statement execute function neopro_tally();

insert into deployment_tallies
  select t.deployment_id, count(*), count(*) filter (where t.state = 'pending'),
    count(*) filter (where t.state = 'downloading'), count(*) filter (where t.state = 'installed'),
    count(*) filter (where t.state = 'failed'), count(*) filter (where t.state = 'cancelled'),
    count(*) filter (where t.state = 'superseded'),
    sum(case when t.state in ('cancelled', 'superseded') then 0 when t.state = 'installed' then 100
      else t.progress end)
  from deployment_targets t group by t.deployment_id;

-- Puts the rows of each order together; what sums up to nothing goes. One at a time: a second one has nothing to do.
create function neopro_sum_tallies() returns void
language plpgsql set search_path = public, pg_temp as $fn$
begin
  if not pg_try_advisory_xact_lock(hashtext('neopro_sum_tallies')) then
    return;
  end if;
  with old as (
    delete from deployment_tallies where deployment_id in (
      select deployment_id from deployment_tallies group by deployment_id having count(*) > 1)
    returning *
  )
  insert into deployment_tallies
    select deployment_id, sum(total), sum(pending), sum(downloading), sum(installed), sum(failed), sum(cancelled),
      sum(superseded), sum(progress)
    from old group by deployment_id having sum(total) <> 0;
end
$fn$;
select neopro_guard_function('neopro_sum_tallies()');

-- As before, from the counts that are kept.
create or replace view deployment_orders with (security_invoker = true) as
select d.id, d.video_id, d.video_title, d.action, d.target_type, d.target_id, d.target_name, d.deployed_by,
  d.deployed_by_name, d.created_at, d.scheduled_at, d.started_at,
  case
    when d.started_at is null and d.cancelled_at is not null then 'cancelled'
    when d.started_at is null then 'scheduled'
    -- A site that is deleted takes its rows with it: that is no failure of the order.
    when t.total = 0 and d.target_type = 'site' and not exists (select from sites s where s.id = d.target_id)
      then 'cancelled'
    when t.total = 0 then 'failed'
    when t.downloading > 0 or (t.pending > 0 and t.installed + t.failed > 0) then 'in_progress'
    when t.pending > 0 then 'pending'
    when t.failed > 0 then 'failed'
    when t.installed > 0 then 'completed'
    else 'cancelled'
  end as status,
  coalesce(floor(t.progress / nullif(t.total - t.cancelled - t.superseded, 0)::numeric), 0)::integer as progress,
  case when t.pending + t.downloading = 0 then coalesce(
    (select max(x.completed_at) from deployment_targets x where x.deployment_id = d.id), d.cancelled_at)
  end as completed_at,
  case when t.failed > 0 then (
      select mode() within group (order by x.reason) from deployment_targets x
        where x.deployment_id = d.id and x.state = 'failed')
    when d.started_at is null or t.total > 0 then null
    when d.video_id is null then 'La vidéo a été supprimée avant le jour prévu.'
    when d.target_type = 'site' then 'Ce site n''existe plus.'
    else 'Aucun site visé.' end as error,
  t.total as total_count, t.installed as deployed_count, t.failed as failed_count,
  t.pending + t.downloading as open_count,
  t.pending as pending_count, t.downloading as downloading_count, t.cancelled as cancelled_count,
  t.superseded as superseded_count, d.selected_groups, d.selected_sites
from content_deployments d
cross join lateral (
  select coalesce(sum(total), 0) as total, coalesce(sum(pending), 0) as pending,
    coalesce(sum(downloading), 0) as downloading, coalesce(sum(installed), 0) as installed,
    coalesce(sum(failed), 0) as failed, coalesce(sum(cancelled), 0) as cancelled,
    coalesce(sum(superseded), 0) as superseded, coalesce(sum(progress), 0) as progress
  from deployment_tallies where deployment_id = d.id
) t;
$m0010$;
insert into public.schema_migrations (version, name, checksum) values (10, '0010_tallies', '20519e16c68fde8819ac9063f24b51b9b524c832046d68dff2d84d1c2a77b525');
  elsif (select checksum from public.schema_migrations where version = 10) <> '20519e16c68fde8819ac9063f24b51b9b524c832046d68dff2d84d1c2a77b525' then
    raise exception 'La migration 0010_tallies enregistrée dans cette base n''est pas celle de ce programme.';
  end if;

  if not exists (select from public.schema_migrations where version = 11) then
execute $m0011$
-- What every list pays for, made cheap: the policies of tenants in one function each instead of sub-selects that the
-- planner opens up, policies within policies, with every statement anew; and how many sites there are, kept.

-- The sites of the transaction's tenant: those of its agency, or those that show its sponsor. As its owner, who sees
-- all of both tables: what it answers with depends on the tenant alone.
create function neopro_tenant_sites() returns setof uuid
language plpgsql stable security definer set search_path = public, pg_temp as $fn$
begin
  if neopro_scope_is('agency') then
    return query select a.site_id from agency_sites a where a.agency_id = neopro_tenant();
  elsif neopro_scope_is('sponsor') then
    return query select s.site_id from sponsor_sites s where s.sponsor_id = neopro_tenant() and s.is_active;
  end if;
end
$fn$;
select neopro_guard_function('neopro_tenant_sites()');

drop policy agency on sites;
drop policy sponsor on sites;
create policy tenant on sites for select to neopro_app
  using ((select neopro_scope_is('agency', 'sponsor')) and id in (select neopro_tenant_sites()));
alter policy agency on site_groups
  using ((select neopro_scope_is('agency')) and site_id in (select neopro_tenant_sites()));
alter policy agency on club_daily_stats
  using ((select neopro_scope_is('agency')) and site_id in (select neopro_tenant_sites()));
alter policy agency on site_states
  using ((select neopro_scope_is('agency')) and site_id in (select neopro_tenant_sites()));
alter policy agency on site_figures
  using ((select neopro_scope_is('agency')) and site_id in (select neopro_tenant_sites()));
alter policy agency on site_latest
  using ((select neopro_scope_is('agency')) and site_id in (select neopro_tenant_sites()));

-- How many sites there are. Every page of the list says it, and to count them costs more than to read the page. Those
-- who add or remove sites wait for each other, which people do not notice.
create table site_total (
  total bigint not null
);
insert into site_total select count(*) from sites;
select neopro_guard('site_total', 'select');
create policy internal on site_total to neopro_app
  using ((select neopro_scope_is('system', 'staff'))) with check ((select neopro_scope_is('system', 'staff')));

create function neopro_count_sites() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $fn$
begin
  if tg_op = 'INSERT' then
    update site_total set total = total + (select count(*) from rows_after);
  elsif tg_op = 'DELETE' then
    update site_total set total = total - (select count(*) from rows_before);
  else
    update site_total set total = 0;
  end if;
  return null;
end
$fn$;
select neopro_guard_function('neopro_count_sites()', false);
create trigger count_added after insert on sites
  referencing new table as rows_after for each statement execute function neopro_count_sites();
create trigger count_deleted after delete on sites
  referencing old table as rows_before for each statement execute function neopro_count_sites();
create trigger count_emptied after truncate on sites
  for each statement execute function neopro_count_sites();
$m0011$;
insert into public.schema_migrations (version, name, checksum) values (11, '0011_lean_reads', 'caf459e188c0481c53c46050424a7c8e69490732090ef5e02d88f37cdfa81e47');
  elsif (select checksum from public.schema_migrations where version = 11) <> 'caf459e188c0481c53c46050424a7c8e69490732090ef5e02d88f37cdfa81e47' then
    raise exception 'La migration 0011_lean_reads enregistrée dans cette base n''est pas celle de ce programme.';
  end if;

  if not exists (select from public.schema_migrations where version = 12) then
execute $m0012$
-- Commands that people give to single boxes, beside those by which deployments are carried out on boxes of protocol 1.

alter table remote_commands
  -- Whose it is: what a person has asked for neither holds up a deployment nor counts as a part of it.
  add column origin text not null default 'deployment' check (origin in ('deployment', 'person')),
  -- It waited for its box, or still does.
  add column queued boolean not null default false,
  -- 1 goes first, 10 last, among those that wait for the same box.
  add column priority smallint not null default 5 check (priority between 1 and 10),
  -- How long the box may take once it is told.
  add column seconds integer,
  -- Until when it waits for its box; null if it does not wait.
  add column expires_at timestamptz,
  -- When the box had it on its disk. One of NeoPro 1 never says so: its answer does.
  add column received_at timestamptz,
  -- What of its data is secret, sealed; gone when the command has ended.
  add column secrets text;

create index remote_commands_open on remote_commands (site_id, priority, created_at)
  where origin = 'person' and status in ('pending', 'executing');
create index remote_commands_due on remote_commands (deadline)
  where origin = 'person' and status in ('pending', 'executing');
-- Rows come in the order of their age and go in it.
create index remote_commands_age on remote_commands using brin (created_at) with (pages_per_range = 32);

-- Whether a box of protocol 1 is busy with what changes its configuration file. It does that without a lock: two at
-- once lose one. Asked with the row of the site's state locked.
create function neopro_writes_configuration(site uuid) returns boolean
language plpgsql set search_path = public, pg_temp as $fn$
begin
  return exists (select from remote_commands c where c.site_id = site and c.status = 'executing'
    and (c.origin = 'deployment' or c.command_type = 'update_config'));
end
$fn$;
select neopro_guard_function('neopro_writes_configuration(uuid)');

-- Writes a person's command down, and into the journal: as told when its box is connected (`told`), else as waiting
-- until `waits_until`, if it may wait. `alone`: the box does one such command at a time. An id that is known writes
-- nothing: what it names is answered. `outcome`: 'sent', 'queued', 'known', 'taken' (the id is another command's),
-- 'crowded' (too many wait already), 'away' (the box is, and the command does not wait), 'gone' (no such site).
create function neopro_ask_command(
  site uuid, command uuid, kind text, data jsonb, sealed text, importance smallint, moment timestamptz,
  seconds integer, waits_until timestamptz, told boolean, alone boolean, most integer, ip text, agent text,
  out outcome text, out state text
) language plpgsql set search_path = public, pg_temp as $fn$
declare
  known remote_commands;
  goes boolean := told;
begin
  if told and alone then
    insert into site_states (site_id) select s.id from sites s where s.id = site on conflict do nothing;
    perform from site_states s where s.site_id = site for update;
    goes := not neopro_writes_configuration(site);
  end if;
  insert into remote_commands (id, site_id, command_type, command_data, secrets, status, origin, queued, priority,
      seconds, expires_at, executed_by, created_at, executed_at, deadline)
    select command, s.id, kind, data, sealed, case when goes then 'executing' else 'pending' end, 'person', not goes,
      importance, neopro_ask_command.seconds, waits_until, neopro_user(), moment, case when goes then moment end,
      case when goes then moment + make_interval(secs => neopro_ask_command.seconds) else waits_until end
    from sites s
    where s.id = site and (goes or waits_until is not null)
      and (select count(*) from remote_commands o where o.site_id = site and o.origin = 'person'
        and o.status in ('pending', 'executing')) < most
    on conflict (id) do nothing;
  if found then
    insert into audit_logs (action, user_id, target_type, target_id, details, ip_address, user_agent, created_at)
      values ('COMMAND_SENT', neopro_user(), 'site', site::text,
        jsonb_build_object('command', kind, 'commandId', command), ip, agent, moment);
    outcome := case when goes then 'sent' else 'queued' end;
    return;
  end if;
  select * into known from remote_commands c where c.id = command;
  if known.id is not null then
    outcome := case when known.site_id = site and known.command_type = kind and known.origin = 'person' then 'known'
      else 'taken' end;
    state := known.status;
  elsif exists (select from sites s where s.id = site) is false then
    outcome := 'gone';
  elsif not goes and waits_until is null then
    outcome := 'away';
  else
    outcome := 'crowded';
  end if;
end
$fn$;
select neopro_guard_function('neopro_ask_command(uuid, uuid, text, jsonb, text, smallint, timestamptz, integer, '
  'timestamptz, boolean, boolean, integer, text, text)');

-- What is to be told now to boxes that are connected: what waits for them, and what was told to a box of protocol 2 that
-- has not said that it has it, at most so many for each site. What waits counts as told from now on; to a box of
-- protocol 1 it is never told twice.
create function neopro_tell_commands(sites uuid[], olds boolean[], most integer, moment timestamptz)
returns table (id uuid, site_id uuid, command_type text, command_data jsonb, secrets text)
language plpgsql set search_path = public, pg_temp as $fn$
declare
  c record;
begin
  for c in
    select x.*, n.is_old from unnest(sites, olds) as n (site, is_old) cross join lateral (
        select r.* from remote_commands r
        where r.site_id = n.site and r.origin = 'person' and r.status in ('pending', 'executing')
          and r.deadline > moment and (r.status = 'pending' or not n.is_old and r.received_at is null)
        order by r.priority, r.created_at, r.id limit most) x
      order by x.site_id, x.priority, x.created_at, x.id
  loop
    if c.status = 'pending' then
      if c.is_old and c.command_type = 'update_config' then
        insert into site_states (site_id) values (c.site_id) on conflict do nothing;
        perform from site_states s where s.site_id = c.site_id for update;
        continue when neopro_writes_configuration(c.site_id);
      end if;
      update remote_commands r set status = 'executing', executed_at = moment,
          deadline = moment + make_interval(secs => r.seconds)
        where r.id = c.id and r.status = 'pending' and r.deadline > moment;
      -- Another replica was faster, or its time was over.
      continue when not found;
    end if;
    id := c.id;
    site_id := c.site_id;
    command_type := c.command_type;
    command_data := c.command_data;
    secrets := c.secrets;
    return next;
  end loop;
end
$fn$;
select neopro_guard_function('neopro_tell_commands(uuid[], boolean[], integer, timestamptz)');

-- Commands that count as told, and could not be: their boxes have gone this moment. They wait after all, or have failed.
-- Answers those that were still so.
create function neopro_take_back_commands(ids uuid[], moment timestamptz) returns setof uuid
language sql set search_path = public, pg_temp as $fn$
  update remote_commands r set executed_at = null, queued = expires_at is not null,
      status = case when expires_at is null then 'failed' else 'pending' end,
      deadline = coalesce(expires_at, deadline), completed_at = case when expires_at is null then moment end,
      secrets = case when expires_at is not null then secrets end,
      error_message = case when expires_at is null then 'Le boîtier s''est déconnecté avant de recevoir la commande.' end
    where r.id = any (ids) and r.origin = 'person' and r.status = 'executing' and r.received_at is null
    returning r.id
$fn$;
select neopro_guard_function('neopro_take_back_commands(uuid[], timestamptz)');

-- Takes the answers of boxes to people's commands: each that is one, and whether it is news. One that comes after the
-- command was given up still tells the truth; a second one changes nothing.
create function neopro_answer_commands(
  sites uuid[], ids uuid[], successes boolean[], results jsonb[], messages text[], moment timestamptz
) returns table (id uuid, site_id uuid, command_type text, is_news boolean)
language plpgsql set search_path = public, pg_temp as $fn$
declare
  asked uuid[];
begin
  -- In one order, so that two such statements never wait for each other.
  asked := array(select r.id from remote_commands r
    where r.id = any (ids) and r.origin = 'person' order by r.id for update);
  return query
    with given as (
      select distinct on (g.id) g.* from unnest(sites, ids, successes, results, messages)
        as g (site, id, succeeded, result, message)
      join remote_commands r on r.id = g.id and r.site_id = g.site
      where g.id = any (asked) order by g.id
    ), written as (
      update remote_commands r set status = case when g.succeeded then 'completed' else 'failed' end,
          result = g.result, error_message = g.message, completed_at = moment,
          received_at = coalesce(r.received_at, moment), secrets = null
        from given g
        where r.id = g.id and r.executed_at is not null and r.status in ('executing', 'timeout')
        returning r.id
    )
    select g.id, g.site, r.command_type, w.id is not null
      from given g join remote_commands r on r.id = g.id left join written w on w.id = g.id;
end
$fn$;
select neopro_guard_function(
  'neopro_answer_commands(uuid[], uuid[], boolean[], jsonb[], text[], timestamptz)');

-- What a box of protocol 1 is to do next, written down as its running command before it is told; no row when there
-- is nothing, or when it is still busy with the last one, or with a configuration that a person has sent.
create or replace function neopro_next_command(site uuid, command uuid, moment timestamptz)
returns table (command_type text, command_data jsonb, storage_path text)
language plpgsql set search_path = public, pg_temp as $fn$
declare
  overdue remote_commands;
  revision bigint;
  work record;
begin
  insert into site_states (site_id) values (site) on conflict do nothing;
  select s.desired_revision into revision from site_states s where s.site_id = site for update;
  for overdue in
    update remote_commands c set status = 'timeout', completed_at = moment,
        error_message = 'Le boîtier n''a plus rien dit de cette commande.'
      where c.site_id = site and c.origin = 'deployment' and c.status = 'executing' and c.deadline <= moment returning *
  loop
    perform neopro_command_failed(site, overdue.command_type, (overdue.command_data->>'videoId')::uuid, 'timeout',
      overdue.error_message, moment);
  end loop;
  -- What is wanted no more and never arrived is not there: nothing has to be removed.
  delete from site_inventory i where i.site_id = site and i.state <> 'installed'
    and not exists (select from site_videos w where w.site_id = site and w.video_id = i.video_id)
    and not exists (select from remote_commands c where c.site_id = site and c.status = 'executing'
      and c.command_data->>'videoId' = i.video_id::text);
  update site_inventory i set state = 'failed', reason_code = 'unsupported', attempt = w.attempt, changed_at = moment,
      reason = 'Le logiciel de ce boîtier ne sait pas afficher d''images : mettez-le à jour.'
    from site_videos w join videos v on v.id = w.video_id
    where w.site_id = site and v.mime_type like 'image/%' and i.site_id = site and i.video_id = v.id
      and (i.reason_code is distinct from 'unsupported' or i.attempt < w.attempt);
  insert into site_inventory (site_id, video_id, sha256, state, reason_code, attempt, reason, changed_at)
    select site, v.id, v.checksum, 'failed', 'unsupported', w.attempt,
      'Le logiciel de ce boîtier ne sait pas afficher d''images : mettez-le à jour.', moment
    from site_videos w join videos v on v.id = w.video_id
    where w.site_id = site and v.mime_type like 'image/%'
    on conflict do nothing;
  if neopro_writes_configuration(site) then
    perform neopro_settle(site, revision, moment);
    return;
  end if;
  select 'delete_video' as kind, r.video_id, null::text as path, 0 as attempt, jsonb_build_object(
      'videoId', r.video_id, 'filename', i.filename, 'category', i.category, 'subcategory', i.subcategory) as data
    into work
    from site_removals r join site_inventory i on i.site_id = r.site_id and i.video_id = r.video_id
    where r.site_id = site and i.filename is not null and i.state = 'installed'
      and i.reason_code is distinct from 'delete_failed' and (i.retry_at is null or i.retry_at <= moment)
    order by r.since, r.video_id limit 1;
  if work is null then
    select 'deploy_video' as kind, w.video_id, v.storage_path as path, w.attempt, jsonb_build_object(
        'deploymentId', w.deployment_id, 'videoId', v.id, 'filename', v.filename,
        'originalName', coalesce(nullif(v.metadata->>'title', ''), v.original_name),
        'category', coalesce(v.category, 'default'), 'subcategory', v.subcategory,
        'duration', coalesce(v.duration, 0), 'checksum', v.checksum, 'sponsorId', null,
        'analyticsCategory', v.metadata->>'analytics_category') as data
      into work
      from site_videos w
      join videos v on v.id = w.video_id
      left join site_inventory i on i.site_id = w.site_id and i.video_id = w.video_id
      where w.site_id = site and v.checksum is not null and v.mime_type not like 'image/%'
        and (i.video_id is null or i.state <> 'installed')
        and (i.video_id is null or i.attempt < w.attempt
          or (i.state <> 'failed' and (i.retry_at is null or i.retry_at <= moment)))
      order by w.since, w.video_id limit 1;
  end if;
  if work is null then
    perform neopro_settle(site, revision, moment);
    return;
  end if;
  insert into remote_commands (id, site_id, command_type, command_data, status, created_at, executed_at, deadline)
    values (command, site, work.kind, work.data, 'executing', moment, moment, moment + interval '10 minutes');
  if work.kind = 'deploy_video' then
    insert into site_inventory as i (site_id, video_id, sha256, state, attempts, attempt, changed_at)
      values (site, work.video_id, work.data->>'checksum', 'downloading', 1, work.attempt, moment)
      on conflict (site_id, video_id) do update set state = 'downloading', progress = 0, reason_code = null,
        reason = null, retry_at = null, attempts = case when i.attempt < work.attempt then 1 else i.attempts + 1 end,
        attempt = work.attempt, changed_at = moment;
  else
    update site_inventory i set attempts = case when i.reason_code is null then 1 else i.attempts + 1 end
      where i.site_id = site and i.video_id = work.video_id;
  end if;
  perform neopro_settle(site, revision, moment);
  return query select work.kind, work.data, work.path;
end
$fn$;

-- The answer of a box to one of the commands that carry out deployments. Answers whether it was waited for: a second one changes nothing,
-- one that comes after the command was given up still tells the truth.
create or replace function neopro_finish_command(
  site uuid, command uuid, succeeded boolean, outcome jsonb, code text, message text, moment timestamptz
) returns boolean
language plpgsql set search_path = public, pg_temp as $fn$
declare
  c remote_commands;
  given_up boolean;
  video uuid;
begin
  perform from site_states s where s.site_id = site for update;
  select r.status = 'timeout' into given_up from remote_commands r where r.id = command and r.site_id = site;
  update remote_commands r set status = case when succeeded then 'completed' else 'failed' end, result = outcome,
      error_message = message, completed_at = moment
    where r.id = command and r.site_id = site and r.origin = 'deployment' and r.status in ('executing', 'timeout')
    returning * into c;
  if c.id is null then
    return false;
  end if;
  video := (c.command_data->>'videoId')::uuid;
  if not succeeded and given_up then
    -- It has counted as a failure when it was given up; another try may have succeeded since.
    null;
  elsif not succeeded then
    perform neopro_command_failed(site, c.command_type, video, code, message, moment);
  elsif c.command_type = 'deploy_video' then
    insert into site_inventory as i (site_id, video_id, sha256, state, progress, filename, category, subcategory, changed_at)
      values (site, video, c.command_data->>'checksum', 'installed', 100,
        coalesce(outcome->>'filename', c.command_data->>'originalName'), c.command_data->>'category',
        c.command_data->>'subcategory', moment)
      on conflict (site_id, video_id) do update set state = 'installed', progress = 100, reason_code = null,
        reason = null, retry_at = null, sha256 = excluded.sha256, filename = excluded.filename,
        category = excluded.category, subcategory = excluded.subcategory, changed_at = moment;
    -- We have had it fetched, and it is wanted no more: it goes again.
    insert into site_removals (site_id, video_id, since) select site, video, moment
      where not exists (select from site_videos w where w.site_id = site and w.video_id = video)
      on conflict do nothing;
  elsif c.command_type = 'delete_video' then
    delete from site_inventory i where i.site_id = site and i.video_id = video;
  end if;
  perform neopro_settle(site, (select s.desired_revision from site_states s where s.site_id = site), moment);
  return true;
end
$fn$;
$m0012$;
insert into public.schema_migrations (version, name, checksum) values (12, '0012_commands', '0f9b98df687766f267d381c5429164d47cd47459bc419a724fbdb6a866496b35');
  elsif (select checksum from public.schema_migrations where version = 12) <> '0f9b98df687766f267d381c5429164d47cd47459bc419a724fbdb6a866496b35' then
    raise exception 'La migration 0012_commands enregistrée dans cette base n''est pas celle de ce programme.';
  end if;

  if not exists (select from public.schema_migrations where version = 13) then
execute $m0013$
-- What an order to a whole fleet pays for, made cheap: references that are checked for a whole statement, plans that are
-- made once, and many boxes of protocol 1 served by one transaction.

-- Room for the next version of a row in its own page: heartbeats rewrite these all day, and a row that has to move
-- takes its entries in every index with it.
alter table sites set (fillfactor = 70);
alter table site_figures set (fillfactor = 80);
alter table site_states set (fillfactor = 80);

-- A reference of the database is checked row by row. Where one statement adds a row for each site of a fleet, that is
-- most of what the statement costs; the same is checked here once for all rows (docs/adr/0017). As the owner: whoever
-- adds a row need not be allowed to see what it refers to.
create function neopro_check_references() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $fn$
declare
  parent text := tg_argv[0];
  child_column text := tg_argv[1];
  is_missing boolean;
begin
  -- Held until the end of the transaction: whoever is about to delete one of them waits, and then finds our rows.
  execute format(
    'with wanted as (select distinct %2$I as id from rows_after), held as (
       select p.id from %1$I p where p.id in (select id from wanted) for key share
     ) select exists (select from wanted where id not in (select id from held))', parent, child_column)
    into is_missing;
  if is_missing then
    raise exception '% refers to a row of % that is not there', tg_table_name, parent using errcode = 'foreign_key_violation';
  end if;
  return null;
end
$fn$;
select neopro_guard_function('neopro_check_references()', false);

alter table deployment_targets
  drop constraint deployment_targets_deployment_id_fkey, drop constraint deployment_targets_site_id_fkey;
alter table site_videos
  drop constraint site_videos_site_id_fkey, drop constraint site_videos_video_id_fkey;

create trigger has_order after insert on deployment_targets referencing new table as rows_after
  for each statement execute function neopro_check_references('content_deployments', 'deployment_id');
create trigger has_site after insert on deployment_targets referencing new table as rows_after
  for each statement execute function neopro_check_references('sites', 'site_id');
create trigger has_site after insert on site_videos referencing new table as rows_after
  for each statement execute function neopro_check_references('sites', 'site_id');
create trigger has_video after insert on site_videos referencing new table as rows_after
  for each statement execute function neopro_check_references('videos', 'video_id');

-- None of those rows ever gets another site, order or video.
create function neopro_keep_references() returns trigger
language plpgsql set search_path = public, pg_temp as $fn$
begin
  raise exception 'a row of % keeps what it refers to', tg_table_name using errcode = 'integrity_constraint_violation';
end
$fn$;
select neopro_guard_function('neopro_keep_references()', false);
create trigger keep_references before update of deployment_id, site_id on deployment_targets
  for each statement execute function neopro_keep_references();
create trigger keep_references before update of site_id, video_id on site_videos
  for each statement execute function neopro_keep_references();

-- What refers to a deleted site or order goes with it.
create function neopro_forget_sites() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $fn$
begin
  if tg_op = 'TRUNCATE' then
    delete from deployment_targets;
    delete from site_videos;
  else
    delete from deployment_targets where site_id in (select id from rows_before);
    delete from site_videos where site_id in (select id from rows_before);
  end if;
  return null;
end
$fn$;
select neopro_guard_function('neopro_forget_sites()', false);
create trigger forget_deleted after delete on sites
  referencing old table as rows_before for each statement execute function neopro_forget_sites();
create trigger forget_all after truncate on sites for each statement execute function neopro_forget_sites();

create function neopro_forget_orders() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $fn$
begin
  if tg_op = 'TRUNCATE' then
    delete from deployment_targets;
  else
    delete from deployment_targets where deployment_id in (select id from rows_before);
  end if;
  return null;
end
$fn$;
select neopro_guard_function('neopro_forget_orders()', false);
create trigger forget_deleted after delete on content_deployments
  referencing old table as rows_before for each statement execute function neopro_forget_orders();
create trigger forget_all after truncate on content_deployments
  for each statement execute function neopro_forget_orders();

-- A video that a site is to have cannot be deleted.
create function neopro_keep_wanted_videos() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $fn$
begin
  if tg_op = 'TRUNCATE' and exists (select from site_videos)
    or tg_op = 'DELETE' and exists (select from site_videos where video_id in (select id from rows_before)) then
    raise exception 'sites are to have a video that was to be deleted' using errcode = 'foreign_key_violation';
  end if;
  return null;
end
$fn$;
select neopro_guard_function('neopro_keep_wanted_videos()', false);
create trigger keep_wanted after delete on videos
  referencing old table as rows_before for each statement execute function neopro_keep_wanted_videos();
create trigger keep_all after truncate on videos for each statement execute function neopro_keep_wanted_videos();

-- As before, in the language that keeps its plans: to plan both statements took longer than to run them, with every
-- report, mirror and answer of a box.
create or replace function neopro_settle(site uuid, at_revision bigint, moment timestamptz) returns void
language plpgsql set search_path = public, pg_temp as $fn$
begin
  if exists (select from deployment_targets o
      where o.site_id = site and o.state in ('pending', 'downloading', 'failed') and o.revision <= at_revision) then
    update deployment_targets t set
      state = n.state, progress = n.progress, attempts = greatest(t.attempts, n.attempts),
      reason_code = n.reason_code, reason = n.reason,
      started_at = coalesce(t.started_at, case when n.state <> 'pending' then moment end),
      completed_at = case when n.state in ('installed', 'failed') then moment end
    from (
      select o.deployment_id,
        case when o.action = 'install' then coalesce(i.state, 'pending')
          when i.video_id is null then 'installed'
          when i.reason_code = 'delete_failed' then 'failed' else 'pending' end as state,
        case when o.action = 'install' and i.state = 'installed' then 100
          when o.action = 'install' then coalesce(i.progress, 0)
          when i.video_id is null then 100 else 0 end::smallint as progress,
        coalesce(i.attempts, 0) as attempts,
        case when o.action = 'install' or i.reason_code = 'delete_failed' then i.reason_code end as reason_code,
        case when o.action = 'install' or i.reason_code = 'delete_failed' then i.reason end as reason
      from deployment_targets o
      left join site_inventory i on i.site_id = o.site_id and i.video_id = o.video_id
      where o.site_id = site and o.state in ('pending', 'downloading', 'failed') and o.revision <= at_revision
    ) n
    where t.site_id = site and t.deployment_id = n.deployment_id
      and (t.state, t.progress, t.attempts, t.reason_code, t.reason)
        is distinct from (n.state, n.progress, greatest(t.attempts, n.attempts), n.reason_code, n.reason);
  end if;
  if exists (select from site_removals r where r.site_id = site) then
    delete from site_removals r where r.site_id = site
      and not exists (select from site_inventory i where i.site_id = site and i.video_id = r.video_id)
      and not exists (select from deployment_targets t where t.site_id = site and t.video_id = r.video_id
        and t.state in ('pending', 'downloading', 'failed'));
  end if;
end
$fn$;

-- What a box of protocol 1 is to do next, as before; what is seldom to be done is looked for in one statement, and done
-- only then. The videos of the site are read first (offset 0): from the side of a video that a whole fleet has, there
-- are thousands.
create or replace function neopro_next_command(site uuid, command uuid, moment timestamptz)
returns table (command_type text, command_data jsonb, storage_path text)
language plpgsql set search_path = public, pg_temp as $fn$
declare
  overdue remote_commands;
  revision bigint;
  work record;
  there record;
begin
  insert into site_states (site_id) values (site) on conflict do nothing;
  select s.desired_revision into revision from site_states s where s.site_id = site for update;
  select
      exists (select from remote_commands c where c.site_id = site and c.origin = 'deployment'
        and c.status = 'executing' and c.deadline <= moment) as overdue,
      exists (select from site_inventory i where i.site_id = site and i.state <> 'installed'
        and not exists (select from site_videos w where w.site_id = site and w.video_id = i.video_id)) as unwanted,
      exists (select from (select * from site_videos x where x.site_id = site offset 0) w
        join videos v on v.id = w.video_id where v.mime_type like 'image/%') as images,
      exists (select from site_removals r where r.site_id = site) as removals
    into there;
  if there.overdue then
    for overdue in
      update remote_commands c set status = 'timeout', completed_at = moment,
          error_message = 'Le boîtier n''a plus rien dit de cette commande.'
        where c.site_id = site and c.origin = 'deployment' and c.status = 'executing' and c.deadline <= moment returning *
    loop
      perform neopro_command_failed(site, overdue.command_type, (overdue.command_data->>'videoId')::uuid, 'timeout',
        overdue.error_message, moment);
    end loop;
  end if;
  if there.overdue or there.unwanted then
    -- What is wanted no more and never arrived is not there: nothing has to be removed.
    delete from site_inventory i where i.site_id = site and i.state <> 'installed'
      and not exists (select from site_videos w where w.site_id = site and w.video_id = i.video_id)
      and not exists (select from remote_commands c where c.site_id = site and c.status = 'executing'
        and c.command_data->>'videoId' = i.video_id::text);
  end if;
  if there.images then
    update site_inventory i set state = 'failed', reason_code = 'unsupported', attempt = w.attempt, changed_at = moment,
        reason = 'Le logiciel de ce boîtier ne sait pas afficher d''images : mettez-le à jour.'
      from site_videos w join videos v on v.id = w.video_id
      where w.site_id = site and v.mime_type like 'image/%' and i.site_id = site and i.video_id = v.id
        and (i.reason_code is distinct from 'unsupported' or i.attempt < w.attempt);
    insert into site_inventory (site_id, video_id, sha256, state, reason_code, attempt, reason, changed_at)
      select site, v.id, v.checksum, 'failed', 'unsupported', w.attempt,
        'Le logiciel de ce boîtier ne sait pas afficher d''images : mettez-le à jour.', moment
      from site_videos w join videos v on v.id = w.video_id
      where w.site_id = site and v.mime_type like 'image/%'
      on conflict do nothing;
  end if;
  if neopro_writes_configuration(site) then
    perform neopro_settle(site, revision, moment);
    return;
  end if;
  work := null;
  if there.removals then
    select 'delete_video' as kind, r.video_id, null::text as path, 0 as attempt, jsonb_build_object(
        'videoId', r.video_id, 'filename', i.filename, 'category', i.category, 'subcategory', i.subcategory) as data
      into work
      from site_removals r join site_inventory i on i.site_id = r.site_id and i.video_id = r.video_id
      where r.site_id = site and i.filename is not null and i.state = 'installed'
        and i.reason_code is distinct from 'delete_failed' and (i.retry_at is null or i.retry_at <= moment)
      order by r.since, r.video_id limit 1;
  end if;
  if work is null then
    select 'deploy_video' as kind, w.video_id, v.storage_path as path, w.attempt, jsonb_build_object(
        'deploymentId', w.deployment_id, 'videoId', v.id, 'filename', v.filename,
        'originalName', coalesce(nullif(v.metadata->>'title', ''), v.original_name),
        'category', coalesce(v.category, 'default'), 'subcategory', v.subcategory,
        'duration', coalesce(v.duration, 0), 'checksum', v.checksum, 'sponsorId', null,
        'analyticsCategory', v.metadata->>'analytics_category') as data
      into work
      from (select * from site_videos x where x.site_id = site offset 0) w
      join videos v on v.id = w.video_id
      left join site_inventory i on i.site_id = site and i.video_id = w.video_id
      where v.checksum is not null and v.mime_type not like 'image/%'
        and (i.video_id is null or i.state <> 'installed')
        and (i.video_id is null or i.attempt < w.attempt
          or (i.state <> 'failed' and (i.retry_at is null or i.retry_at <= moment)))
      order by w.since, w.video_id limit 1;
  end if;
  if work is null then
    perform neopro_settle(site, revision, moment);
    return;
  end if;
  insert into remote_commands (id, site_id, command_type, command_data, status, created_at, executed_at, deadline)
    values (command, site, work.kind, work.data, 'executing', moment, moment, moment + interval '10 minutes');
  if work.kind = 'deploy_video' then
    insert into site_inventory as i (site_id, video_id, sha256, state, attempts, attempt, changed_at)
      values (site, work.video_id, work.data->>'checksum', 'downloading', 1, work.attempt, moment)
      on conflict (site_id, video_id) do update set state = 'downloading', progress = 0, reason_code = null,
        reason = null, retry_at = null, attempts = case when i.attempt < work.attempt then 1 else i.attempts + 1 end,
        attempt = work.attempt, changed_at = moment;
  else
    update site_inventory i set attempts = case when i.reason_code is null then 1 else i.attempts + 1 end
      where i.site_id = site and i.video_id = work.video_id;
  end if;
  perform neopro_settle(site, revision, moment);
  return query select work.kind, work.data, work.path;
end
$fn$;

-- The same for many boxes: each with the id that its command is to have. In the order of the sites' ids, like everything
-- that touches several; one that was deleted meanwhile is passed over.
create function neopro_next_commands(sites_asked uuid[], commands uuid[], moment timestamptz)
returns table (site_id uuid, command_id uuid, command_type text, command_data jsonb, storage_path text)
language plpgsql set search_path = public, pg_temp as $fn$
declare
  asked record;
begin
  for asked in
    select n.site, n.command from unnest(sites_asked, commands) as n (site, command) join sites s on s.id = n.site
      order by n.site
  loop
    return query select asked.site, asked.command, n.command_type, n.command_data, n.storage_path
      from neopro_next_command(asked.site, asked.command, moment) n;
  end loop;
end
$fn$;
select neopro_guard_function('neopro_next_commands(uuid[], uuid[], timestamptz)');

-- These look up the rows of single sites, and keep their plans. A plan that was made while a table was empty reads all of
-- it, and would still do so when an order has just filled it.
do $fn$
declare
  looks_up regprocedure;
begin
  for looks_up in
    select oid from pg_proc where pronamespace = 'public'::regnamespace and proname in (
      'neopro_settle', 'neopro_next_command', 'neopro_next_commands', 'neopro_finish_command', 'neopro_command_failed',
      'neopro_writes_configuration', 'neopro_report', 'neopro_mirror', 'neopro_ask_command', 'neopro_tell_commands',
      'neopro_answer_commands')
  loop
    execute format('alter function %s set enable_seqscan = off', looks_up);
  end loop;
end
$fn$;
$m0013$;
insert into public.schema_migrations (version, name, checksum) values (13, '0013_lean_orders', 'dd472dd711d887fc30c7f105479ded686765c7700f468cdd89b0dce7132902ce');
  elsif (select checksum from public.schema_migrations where version = 13) <> 'dd472dd711d887fc30c7f105479ded686765c7700f468cdd89b0dce7132902ce' then
    raise exception 'La migration 0013_lean_orders enregistrée dans cette base n''est pas celle de ce programme.';
  end if;

  if not exists (select from public.schema_migrations where version = 14) then
execute $m0014$
-- Pages of the whole list of sites, in functions that keep their plans: to plan such a page with every request takes
-- longer than to find its rows. One function for each order, since an order is part of a plan. Whose rows they are stays
-- with the policies: the functions run as whoever calls them.
create type site_row as (
  id uuid, site_name text, club_name text, location jsonb, sports jsonb, status text, display_status text,
  last_seen_at timestamptz, last_ip text, local_ip text, software_version text, hardware_model text, behind boolean,
  free_bytes bigint, metadata jsonb, live_score_enabled boolean, created_at timestamptz, updated_at timestamptz
);

do $do$
declare
  sorting record;
begin
  for sorting in
    -- As people sort: É beside E, whatever the database's collation. What is not known comes last, both ways.
    select k.name, k.key, d.name as direction, d.reversed,
      case when k.is_partly_known then ' nulls last' else '' end as unknown,
      case when k.is_partly_known then ' nulls first' else '' end as unknown_reversed
    from (values
        ('created_at', 'created_at', false), ('club_name', 'neopro_fold(club_name)', false),
        ('site_name', 'neopro_fold(site_name)', false), ('city', 'neopro_fold(location->>''city'')', true),
        ('status', 'status', false), ('last_seen_at', 'last_seen_at', true),
        ('software_version', 'software_version', true)) as k (name, key, is_partly_known)
      cross join (values ('asc', 'desc'), ('desc', 'asc')) as d (name, reversed)
  loop
    execute format($make$
      create function neopro_sites_by_%1$s_%2$s(moment timestamptz, most bigint, skipped bigint)
      returns setof site_row
      language plpgsql stable set search_path = public, pg_temp
        set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off as $fn$
      declare
        length bigint;
        page uuid[];
        way integer := 1;
      begin
        if skipped > 0 then
          -- First which rows they are, from the index alone where it has all, and from the nearer end of the list.
          select total into length from site_total;
          if skipped * 2 <= length then
            page := array(select id from sites order by %3$s %2$s%5$s, id %2$s limit most offset skipped);
          else
            way := -1;
            page := array(select id from sites order by %3$s %4$s%6$s, id %4$s
              limit greatest(least(most, length - skipped), 0) offset greatest(length - skipped - most, 0));
          end if;
          return query
            select s.id, s.site_name, s.club_name, s.location, s.sports, s.status,
              neopro_display_status(s.status, s.last_seen_at, moment), s.last_seen_at, s.last_ip, s.local_ip,
              s.software_version, s.hardware_model, coalesce(told.behind, false), told.free_bytes, s.metadata,
              s.live_score_enabled, s.created_at, s.updated_at
            from unnest(page) with ordinality as p (id, place) join sites s on s.id = p.id
            left join lateral (select reported_revision < desired_revision as behind, free_bytes
              from site_states where site_id = s.id offset 0) told on true
            order by p.place * way;
        else
          return query
            select s.id, s.site_name, s.club_name, s.location, s.sports, s.status,
              neopro_display_status(s.status, s.last_seen_at, moment), s.last_seen_at, s.last_ip, s.local_ip,
              s.software_version, s.hardware_model, coalesce(told.behind, false), told.free_bytes, s.metadata,
              s.live_score_enabled, s.created_at, s.updated_at
            from (select * from sites order by %3$s %2$s%5$s, id %2$s limit most) s
            left join lateral (select reported_revision < desired_revision as behind, free_bytes
              from site_states where site_id = s.id offset 0) told on true
            order by %3$s %2$s%5$s, id %2$s;
        end if;
      end
      $fn$$make$, sorting.name, sorting.direction, sorting.key, sorting.reversed, sorting.unknown,
      sorting.unknown_reversed);
    perform neopro_guard_function(format('neopro_sites_by_%s_%s(timestamptz, bigint, bigint)', sorting.name, sorting.direction)::regprocedure);
  end loop;
end
$do$;

-- How many there are, the same way. None for those who do not see all of them.
create function neopro_total_sites() returns bigint
language plpgsql stable set search_path = public, pg_temp as $fn$
begin
  return (select total from site_total);
end
$fn$;
select neopro_guard_function('neopro_total_sites()');

-- A small table that has to be read whole costs a plan without such reads so much on paper that it would be compiled,
-- which takes a hundred times as long as to run it.
do $fn$
declare
  looks_up regprocedure;
begin
  for looks_up in
    select oid from pg_proc where pronamespace = 'public'::regnamespace and 'enable_seqscan=off' = any (proconfig)
      and proname like 'neopro%'
  loop
    execute format('alter function %s set jit = off', looks_up);
  end loop;
end
$fn$;
$m0014$;
insert into public.schema_migrations (version, name, checksum) values (14, '0014_lean_lists', '0a6686f23391d73e1da85e2d16343624cd51244aec3b6d1c6cc9a6eeb7b533b8');
  elsif (select checksum from public.schema_migrations where version = 14) <> '0a6686f23391d73e1da85e2d16343624cd51244aec3b6d1c6cc9a6eeb7b533b8' then
    raise exception 'La migration 0014_lean_lists enregistrée dans cette base n''est pas celle de ce programme.';
  end if;

  if not exists (select from public.schema_migrations where version = 15) then
execute $m0015$
-- The second factor at login: codes of an authenticator application (RFC 6238), backup codes, the steps of a login
-- that is not over yet, and the rule which roles have to have one. The columns of the guide's step 8.4 are used.

alter table users
  -- The last step of 30 seconds whose code was accepted: a code opens once.
  add column factor_step bigint,
  -- A factor that is being set up, sealed and hashed like one that is on. It takes that one's place when its first code
  -- has come.
  add column factor_pending_secret text,
  add column factor_pending_codes text[],
  add column factor_pending_at timestamptz;

-- What a person decides for the whole installation.
create table settings (
  key text primary key,
  value jsonb not null,
  updated_at timestamptz not null,
  updated_by uuid references users on delete set null
);
select neopro_guard('settings', 'select, insert, update');
create policy internal on settings to neopro_app
  using ((select neopro_scope_is('system'))) with check ((select neopro_scope_is('system')));

-- A login whose password was right and whose second step is still to come. Its name is 256 random bits, of which a
-- labelled SHA-256 hash is stored, in hex.
create table login_challenges (
  token text primary key,
  user_id uuid not null references users on delete cascade,
  -- A code is asked for, or a factor has to be set up.
  kind text not null check (kind in ('code', 'setup')),
  -- A hash of the password's hash: with the password changes what is proven.
  proof text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  tries integer not null default 0,
  passed_at timestamptz
);
create index login_challenges_user on login_challenges (user_id);
create index login_challenges_expiry on login_challenges (expires_at);
select neopro_guard('login_challenges', 'select, insert, update, delete');
create policy internal on login_challenges to neopro_app
  using ((select neopro_scope_is('system'))) with check ((select neopro_scope_is('system')));

-- Wrong codes of an account, apart for addresses from which its owner got in before: whoever guesses from elsewhere
-- slows down himself, and not the owner.
create table second_factor_tries (
  user_id uuid not null references users on delete cascade,
  from_known boolean not null,
  failures integer not null,
  last_at timestamptz not null,
  blocked_until timestamptz not null,
  primary key (user_id, from_known)
);
select neopro_guard('second_factor_tries', 'select, insert, update, delete');
create policy internal on second_factor_tries to neopro_app
  using ((select neopro_scope_is('system'))) with check ((select neopro_scope_is('system')));

-- Ends the transaction unless this holds: what stands behind it in the same flush is not done then.
create function neopro_require(holds boolean) returns boolean
language plpgsql set search_path = public, pg_temp as $fn$
begin
  if holds is not true then
    raise exception 'what a statement requires does not hold' using errcode = 'NP412';
  end if;
  return true;
end
$fn$;
select neopro_guard_function('neopro_require(boolean)');

create function neopro_login_proof(password_hash text) returns text
language sql immutable set search_path = public, pg_temp
as $fn$ select encode(sha256(convert_to('neopro login proof v1 ' || password_hash, 'UTF8')), 'hex') $fn$;
select neopro_guard_function('neopro_login_proof(text)');

-- Until when an account of this role may do without a second factor; null if the role need not have one. The grace
-- period begins with the rule, or with the account if that is younger. Everybody may know this of a role, and nobody
-- but the server reads the settings.
create function neopro_mfa_grace(role text, created timestamptz) returns timestamptz
language sql stable security definer set search_path = public, pg_temp
as $fn$
  select greatest(created, (s.value -> 'required' ->> role)::timestamptz)
    + make_interval(days => (s.value ->> 'grace_days')::integer)
  from settings s where s.key = 'security' and s.value -> 'required' ? role
$fn$;
select neopro_guard_function('neopro_mfa_grace(text, timestamptz)');

-- Whether the owner of an account got in from this address before. A household has a whole /64 of IPv6: one address.
create function neopro_knows_address(account uuid, address text) returns boolean
language sql stable set search_path = public, pg_temp
as $fn$
  select exists (
    select from sessions s where s.user_id = account and case
      when address like '%:%' and s.ip ~ '^[0-9a-f:]*:[0-9a-f:]*$'
        then network(set_masklen(s.ip::inet, 64)) = network(set_masklen(address::inet, 64))
      else s.ip = address end)
$fn$;
select neopro_guard_function('neopro_knows_address(uuid, text)');

-- Takes a try of a code of an account. It counts as a failure until a success takes it back, so that tries at the same
-- moment cannot slip through together. Answers the seconds to wait if it is too early, else 0. Five tries are free; then
-- each makes the next wait longer, up to a quarter of an hour. A day later all is forgotten.
create function neopro_take_code_try(account uuid, address text, moment timestamptz) returns integer
language plpgsql set search_path = public, pg_temp as $fn$
declare
  known boolean := neopro_knows_address(account, address);
  until timestamptz;
begin
  insert into second_factor_tries as t (user_id, from_known, failures, last_at, blocked_until)
    values (account, known, 1, moment, moment)
    on conflict (user_id, from_known) do update set
      failures = case when t.last_at < moment - interval '1 day' then 1 else t.failures + 1 end,
      last_at = moment,
      blocked_until = case
        when t.last_at < moment - interval '1 day' or t.failures < 4 then moment
        else moment + least(900, 30 * power(2, least(t.failures - 4, 5))) * interval '1 second' end
      where t.blocked_until <= moment;
  if found then
    return 0;
  end if;
  select t.blocked_until into until from second_factor_tries t where t.user_id = account and t.from_known = known;
  return greatest(1, ceil(extract(epoch from until - moment)))::integer;
end
$fn$;
select neopro_guard_function('neopro_take_code_try(uuid, text, timestamptz)');

-- Takes a try of a challenge. `outcome`: 'go'; 'slow', and `seconds` to wait; 'over' if it is unknown, expired, passed,
-- tried five times, or its account is not what it was. `is_last`: no other try will follow.
create function neopro_try_challenge(
  given text, wanted text, address text, moment timestamptz, out outcome text, out seconds integer, out is_last boolean
) language plpgsql set search_path = public, pg_temp as $fn$
declare
  c login_challenges;
begin
  outcome := 'over';
  seconds := 0;
  is_last := true;
  select * into c from login_challenges l where l.token = given and l.kind = wanted and l.passed_at is null
    and l.expires_at > moment and l.tries < 5 for update;
  if not found then
    return;
  end if;
  perform from users u where u.id = c.user_id and u.is_active and u.status = 'active'
    and coalesce(u.mfa_enabled, false) = (wanted = 'code') and neopro_login_proof(u.password_hash) = c.proof;
  if not found then
    return;
  end if;
  -- Who sets a factor up has nothing to guess.
  if wanted = 'code' then
    seconds := neopro_take_code_try(c.user_id, address, moment);
    if seconds > 0 then
      outcome := 'slow';
      return;
    end if;
  end if;
  update login_challenges l set tries = l.tries + 1 where l.token = given;
  outcome := 'go';
  is_last := c.tries + 1 >= 5;
end
$fn$;
select neopro_guard_function('neopro_try_challenge(text, text, text, timestamptz)');
$m0015$;
insert into public.schema_migrations (version, name, checksum) values (15, '0015_second_factor', '19464e7c8c0d0ea821534f4030c0d75173b1781a88dcee2385ef23a93ed0b00b');
  elsif (select checksum from public.schema_migrations where version = 15) <> '19464e7c8c0d0ea821534f4030c0d75173b1781a88dcee2385ef23a93ed0b00b' then
    raise exception 'La migration 0015_second_factor enregistrée dans cette base n''est pas celle de ce programme.';
  end if;

  if not exists (select from public.schema_migrations where version = 16) then
execute $m0016$
-- What is done behind an answer (jobs, mail first of all), how a person gets a new password or the first account, and
-- how those who guess are slowed.

alter table users add column language text check (language in ('fr', 'en', 'es'));
comment on column users.language is 'Langue des courriels ; sans valeur : français';

-- Work that is committed with the act that it belongs to and done soon after, by whichever replica takes its lease. What
-- it needs to know is sealed, since a link in a mail opens an account, and goes when it has ended.
create table jobs (
  id uuid primary key,
  kind text not null,
  -- Whom it is about: with the account goes what was to be done for it.
  user_id uuid references users on delete cascade,
  payload text,
  state text not null default 'waiting' check (state in ('waiting', 'done', 'failed')),
  run_at timestamptz not null,
  attempts integer not null default 0,
  lease_until timestamptz,
  last_error text,
  created_at timestamptz not null,
  ended_at timestamptz
);
create index jobs_due on jobs (run_at) where state = 'waiting';
create index jobs_user on jobs (user_id) where user_id is not null;
create index jobs_ended on jobs (ended_at) where ended_at is not null;
select neopro_guard('jobs', 'select, insert, update, delete');
create policy internal on jobs to neopro_app
  using ((select neopro_scope_is('system'))) with check ((select neopro_scope_is('system')));

-- Links that let a person choose a password: one of a kind for each account, so that a new one voids the one before.
-- 256 random bits; what is stored is their labelled SHA-256, in hex.
create table password_links (
  user_id uuid not null references users on delete cascade,
  kind text not null check (kind in ('reset', 'invitation')),
  token_hash text not null unique,
  issued_at timestamptz not null,
  expires_at timestamptz not null,
  primary key (user_id, kind)
);
create index password_links_expiry on password_links (expires_at);
select neopro_guard('password_links', 'select, insert, update, delete');
create policy internal on password_links to neopro_app
  using ((select neopro_scope_is('system'))) with check ((select neopro_scope_is('system')));

-- Links by which the first account is made, printed in the log while there is none.
create table setup_links (
  token_hash text primary key,
  issued_at timestamptz not null,
  expires_at timestamptz not null
);
select neopro_guard('setup_links', 'select, insert, update, delete');
create policy internal on setup_links to neopro_app
  using ((select neopro_scope_is('system'))) with check ((select neopro_scope_is('system')));

-- Wrong guesses: for each hash of what is guessed, where from and about whom, until when they weigh.
create table tries (
  key text primary key,
  clear_at timestamptz not null
);
create index tries_clear on tries (clear_at);
select neopro_guard('tries', 'select, insert, update, delete');
create policy internal on tries to neopro_app
  using ((select neopro_scope_is('system'))) with check ((select neopro_scope_is('system')));

-- Addresses and devices from which a person got in: strangers who guess his password do not slow him there.
create table known_places (
  user_id uuid not null references users on delete cascade,
  place text not null,
  seen_at timestamptz not null,
  primary key (user_id, place)
);
create index known_places_seen on known_places (seen_at);
select neopro_guard('known_places', 'select, insert, update, delete');
create policy internal on known_places to neopro_app
  using ((select neopro_scope_is('system'))) with check ((select neopro_scope_is('system')));

-- Enqueues a job in whatever transaction it belongs to; nobody but the server reads it.
create function neopro_enqueue(job uuid, what text, about uuid, sealed text, due timestamptz, moment timestamptz)
returns void
language sql security definer set search_path = public, pg_temp as $fn$
  insert into jobs (id, kind, user_id, payload, run_at, created_at) values (job, what, about, sealed, due, moment)
$fn$;
select neopro_guard_function('neopro_enqueue(uuid, text, uuid, text, timestamptz, timestamptz)');

-- Gives an account a link, in the place of the one of that kind that it had. Undoes the transaction if the account is
-- not there or may not act.
create function neopro_issue_link(person uuid, what text, hash text, expiry timestamptz, moment timestamptz)
returns void
language plpgsql security definer set search_path = public, pg_temp as $fn$
begin
  insert into password_links (user_id, kind, token_hash, issued_at, expires_at)
    select u.id, what, hash, moment, expiry from users u where u.id = person and u.is_active and u.status = 'active'
    on conflict (user_id, kind) do update
      set token_hash = excluded.token_hash, issued_at = excluded.issued_at, expires_at = excluded.expires_at;
  if not found then
    raise exception 'no such account' using errcode = 'NP410';
  end if;
end
$fn$;
select neopro_guard_function('neopro_issue_link(uuid, text, text, timestamptz, timestamptz)');

-- Somebody has forgotten a password: a link and the mail with it, if there is such an account. Does the same work, but
-- for the rows, if there is none.
create function neopro_forgot_password(
  address text, hash text, expiry timestamptz, job uuid, sealed text, ip text, agent text, moment timestamptz
) returns void
language plpgsql set search_path = public, pg_temp as $fn$
declare
  person uuid;
begin
  select u.id into person from users u
    where lower(u.email) = lower(address) and u.is_active and u.status = 'active';
  if person is null then
    return;
  end if;
  perform neopro_issue_link(person, 'reset', hash, expiry, moment);
  perform neopro_enqueue(job, 'mail', person, sealed, moment, moment);
  insert into audit_logs (action, user_id, target_type, target_id, ip_address, user_agent, created_at)
    values ('PASSWORD_RESET_REQUESTED', person, 'user', person::text, ip, agent, moment);
end
$fn$;
select neopro_guard_function(
  'neopro_forgot_password(text, text, timestamptz, uuid, text, text, text, timestamptz)');

-- Uses a link up: the new password is set, every link of the account is void, and its sessions are over. Answers these.
-- Of two at once the second waits for the row and finds none; that undoes its transaction.
create function neopro_use_link(hash text, new_hash text, tongue text, moment timestamptz) returns setof uuid
language plpgsql set search_path = public, pg_temp as $fn$
declare
  person uuid;
begin
  delete from password_links l using users u
    where l.token_hash = hash and l.expires_at > moment and u.id = l.user_id and u.is_active and u.status = 'active'
    returning l.user_id into person;
  if person is null then
    raise exception 'no such link' using errcode = 'NP410';
  end if;
  delete from password_links l where l.user_id = person;
  update users u set password_hash = new_hash, updated_at = moment, language = coalesce(tongue, u.language)
    where u.id = person;
  return query update sessions s set revoked_at = moment
    where s.user_id = person and s.revoked_at is null and s.expires_at > moment returning s.id;
end
$fn$;
select neopro_guard_function('neopro_use_link(text, text, text, timestamptz)');

-- A person changes his own password: his other sessions and the links that were on their way are over. Undoes the
-- transaction if the password is not the one that was compared any more.
create function neopro_change_password(compared text, new_hash text, kept uuid, moment timestamptz) returns setof uuid
language plpgsql security definer set search_path = public, pg_temp as $fn$
declare
  person uuid := neopro_user();
begin
  update users u set password_hash = new_hash, updated_at = moment where u.id = person and u.password_hash = compared;
  if not found then
    raise exception 'the password is another one by now' using errcode = 'NP410';
  end if;
  delete from password_links l where l.user_id = person;
  return query update sessions s set revoked_at = moment
    where s.user_id = person and s.id <> kept and s.revoked_at is null and s.expires_at > moment returning s.id;
end
$fn$;
select neopro_guard_function('neopro_change_password(text, text, uuid, timestamptz)');

-- In which language a person is written to.
create function neopro_set_language(tongue text) returns void
language sql security definer set search_path = public, pg_temp as $fn$
  update users set language = tongue where id = neopro_user()
$fn$;
select neopro_guard_function('neopro_set_language(text)');

-- Makes the first account with a link from the log. Undoes the transaction if the link is none or if there is an account:
-- whoever makes one waits for the other.
create function neopro_set_up(
  hash text, person uuid, address text, name text, password text, tongue text, moment timestamptz
) returns void
language plpgsql set search_path = public, pg_temp as $fn$
begin
  lock table users in share row exclusive mode;
  if exists (select from users)
      or not exists (select from setup_links l where l.token_hash = hash and l.expires_at > moment) then
    raise exception 'no such link' using errcode = 'NP410';
  end if;
  insert into users (id, email, full_name, password_hash, role, language, created_at, updated_at)
    values (person, address, name, password, 'super_admin', tongue, moment, moment);
  delete from setup_links;
end
$fn$;
select neopro_guard_function('neopro_set_up(text, uuid, text, text, text, text, timestamptz)');

-- Forgets what has ended: jobs after a month, what guesses weighed, links that are over, places not seen for half a year.
create function neopro_forget_ended(moment timestamptz) returns void
language plpgsql set search_path = public, pg_temp as $fn$
begin
  delete from jobs where ended_at < moment - interval '30 days';
  -- Those that weigh again this moment are somebody's, and wait for nobody.
  delete from tries where key in (select t.key from tries t where t.clear_at < moment for update skip locked);
  delete from password_links where expires_at < moment;
  delete from setup_links where expires_at < moment;
  delete from known_places where seen_at < moment - interval '180 days';
end
$fn$;
select neopro_guard_function('neopro_forget_ended(timestamptz)');
$m0016$;
insert into public.schema_migrations (version, name, checksum) values (16, '0016_mail_and_resets', '5469812e7256d9394cfc1c8f7d6aea6bc9a349f493e3a120427198a14d803f25');
  elsif (select checksum from public.schema_migrations where version = 16) <> '5469812e7256d9394cfc1c8f7d6aea6bc9a349f493e3a120427198a14d803f25' then
    raise exception 'La migration 0016_mail_and_resets enregistrée dans cette base n''est pas celle de ce programme.';
  end if;

  if not exists (select from public.schema_migrations where version = 17) then
execute $m0017$
-- Accounts are managed through the API: read by admins, written by super_admins. The second wall says so as well, by
-- the role that the session's check proves in the same flush.

create function neopro_role_is(variadic roles text[]) returns boolean
language sql stable
as $fn$ select coalesce(pg_catalog.current_setting('neopro.role', true), '') = any (roles) $fn$;
select neopro_guard_function('neopro_role_is(text[])');

create policy readers on users for select to neopro_app
  using ((select neopro_scope_is('staff') and neopro_role_is('super_admin', 'admin')));
create policy managers on users to neopro_app
  using ((select neopro_scope_is('staff') and neopro_role_is('super_admin')))
  with check ((select neopro_scope_is('staff') and neopro_role_is('super_admin')));
-- Who loses an account, or a part of its rights, loses its sessions.
create policy managers_see on sessions for select to neopro_app
  using ((select neopro_scope_is('staff') and neopro_role_is('super_admin')));
create policy managers_end on sessions for update to neopro_app
  using ((select neopro_scope_is('staff') and neopro_role_is('super_admin')))
  with check ((select neopro_scope_is('staff') and neopro_role_is('super_admin')));
-- A link that was sent to an address opens nothing once the account has another one, or another password.
create policy managers_see on password_links for select to neopro_app
  using ((select neopro_scope_is('staff') and neopro_role_is('super_admin')));
create policy managers_void on password_links for delete to neopro_app
  using ((select neopro_scope_is('staff') and neopro_role_is('super_admin')));

-- A rule that a statement of the application finds broken ends its flush: nothing of it remains, the journal included.
create function neopro_must(held boolean, rule text) returns void
language plpgsql set search_path = public, pg_temp as $fn$
begin
  if held is not true then
    raise exception 'the rule % does not hold', rule using errcode = 'NP409', constraint = rule;
  end if;
end
$fn$;
select neopro_guard_function('neopro_must(boolean, text)');

-- Without an active super_admin nobody could manage the others. The owner of the tables (the SQL editor of the guide's
-- step 9) is free: he can also make a new one.
create function neopro_keep_a_super_admin() returns trigger
language plpgsql set search_path = public, pg_temp as $fn$
begin
  if current_user = 'neopro_app' then
    -- Of two at once the second waits here, and then sees what the first has left.
    perform pg_advisory_xact_lock(hashtext('neopro_keep_a_super_admin'));
    perform neopro_must(
      exists (select from users where role = 'super_admin' and is_active and status = 'active'),
      'users_last_super_admin');
  end if;
  return null;
end
$fn$;
select neopro_guard_function('neopro_keep_a_super_admin()', false);
create trigger keep_a_super_admin_when_changed after update of role, status, is_active on users
  for each row when (
    old.role = 'super_admin' and old.is_active and old.status = 'active'
    and not (new.role = 'super_admin' and new.is_active and new.status = 'active'))
  execute function neopro_keep_a_super_admin();
create trigger keep_a_super_admin_when_deleted after delete on users
  for each row when (old.role = 'super_admin' and old.is_active and old.status = 'active')
  execute function neopro_keep_a_super_admin();

create index users_newest on users (created_at desc, id desc);
create index agencies_by_name on agencies (neopro_fold(name), id);
$m0017$;
insert into public.schema_migrations (version, name, checksum) values (17, '0017_accounts', '6670cbfb807d409b294f1a082148e1198e8e301f2d45b1ef0d194c07942c378d');
  elsif (select checksum from public.schema_migrations where version = 17) <> '6670cbfb807d409b294f1a082148e1198e8e301f2d45b1ef0d194c07942c378d' then
    raise exception 'La migration 0017_accounts enregistrée dans cette base n''est pas celle de ce programme.';
  end if;

  if not exists (select from public.schema_migrations where version = 18) then
execute $m0018$
-- Tokens of the API: what a program shows to act for the person who made it, within scopes and until a day. A token is
-- 256 random bits; what is stored is a labelled SHA-256 hash, in hex, and its last characters to recognise it by.
create table api_tokens (
  id uuid primary key,
  user_id uuid not null references users on delete cascade,
  name text not null check (length(name) between 1 and 100),
  scopes text[] not null check (
    cardinality(scopes) > 0
    and scopes <@ array['read', 'sites:write', 'content:write', 'commands:write', 'audit:read']
  ),
  hash text not null unique,
  hint text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz,
  last_used_at timestamptz,
  last_ip text
);
create index api_tokens_user on api_tokens (user_id, created_at);
select neopro_guard('api_tokens', 'select, insert, update, delete');

-- Tokens are found by the server itself; a person sees and ends his own.
create policy internal on api_tokens to neopro_app
  using ((select neopro_scope_is('system'))) with check ((select neopro_scope_is('system')));
create policy self on api_tokens to neopro_app
  using (user_id = (select neopro_user())) with check (user_id = (select neopro_user()));

-- First statement of every request with a token, as `neopro_check_session` is of one with a session: it raises, so that
-- nothing behind it in the same flush can happen. The last use is written at most every five minutes.
create function neopro_check_token(
  claimed_token uuid, claimed_user uuid, claimed_role text, claimed_agency uuid, claimed_sponsor uuid,
  moment timestamptz, address text
) returns void
language plpgsql security definer set search_path = public, pg_temp as $fn$
declare
  used timestamptz;
begin
  select t.last_used_at into used
    from api_tokens t
    join users u on u.id = t.user_id
    where t.id = claimed_token
      and t.user_id = claimed_user
      and t.revoked_at is null
      and t.expires_at > moment
      and u.is_active
      and u.status = 'active'
      and u.role = claimed_role
      and u.agency_id is not distinct from claimed_agency
      and u.sponsor_id is not distinct from claimed_sponsor;
  if not found then
    raise exception 'the token is over' using errcode = 'NP401';
  end if;
  if used is null or used < moment - interval '5 minutes' then
    update api_tokens set last_used_at = moment, last_ip = address where id = claimed_token;
  end if;
end
$fn$;
select neopro_guard_function('neopro_check_token(uuid, uuid, text, uuid, uuid, timestamptz, text)');

-- Who has less to say than before has no programs that were made when he had more, nor for another tenant. It runs as
-- its owner: who changes an account is not the person of the tokens.
create function neopro_end_tokens() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $fn$
declare
  rank constant text[] := array['agency', 'sponsor', 'viewer', 'operator', 'admin', 'super_admin'];
begin
  if array_position(rank, new.role) < array_position(rank, old.role)
    or (new.role <> old.role and new.role in ('agency', 'sponsor'))
    or new.agency_id is distinct from old.agency_id
    or new.sponsor_id is distinct from old.sponsor_id
  then
    update api_tokens set revoked_at = now() where user_id = new.id and revoked_at is null;
  end if;
  return null;
end
$fn$;
select neopro_guard_function('neopro_end_tokens()', false);
create trigger users_end_tokens after update of role, agency_id, sponsor_id on users
  for each row execute function neopro_end_tokens();
$m0018$;
insert into public.schema_migrations (version, name, checksum) values (18, '0018_api_tokens', '1677688bf55b34281be386c89a0a1d13b2023abbc8884b718042f9501a92c1b6');
  elsif (select checksum from public.schema_migrations where version = 18) <> '1677688bf55b34281be386c89a0a1d13b2023abbc8884b718042f9501a92c1b6' then
    raise exception 'La migration 0018_api_tokens enregistrée dans cette base n''est pas celle de ce programme.';
  end if;

  if not exists (select from public.schema_migrations where version = 19) then
execute $m0019$
-- The journal, complete and sealed: who by which session, what it was before and is since, and a chain of hashes over
-- all of it. What is hashed, and how, stands in docs/audit.md; the server verifies it in a program of its own.

-- An account that goes takes nothing of the journal with it, which would change what is sealed: its bare id stays.
alter table audit_logs drop constraint audit_logs_user_id_fkey;

alter table audit_logs
  add column session_id uuid,
  add column token_id uuid,
  add column before jsonb,
  add column after jsonb,
  -- What tells who a person is, of those whom the act is about: hashed apart, so that it can be erased.
  add column personal jsonb,
  -- The database's own clock. Null in entries from before this migration.
  add column written_at timestamptz,
  -- What sealing adds. The number is the entry's place in the chain.
  add column number bigint,
  add column actor_salt bytea,
  add column actor_hash bytea,
  add column personal_salt bytea,
  add column personal_hash bytea,
  add column entry_hash bytea,
  -- The entry of the erasure by which address and browser, or `personal`, are gone.
  add column actor_erased_by uuid,
  add column personal_erased_by uuid,
  add constraint audit_logs_finite check (isfinite(created_at));
alter table audit_logs
  alter column session_id set default nullif(current_setting('neopro.session', true), '')::uuid,
  alter column token_id set default nullif(current_setting('neopro.token', true), '')::uuid,
  alter column written_at set default clock_timestamp();

create unique index audit_logs_number on audit_logs (number) where number is not null;
create index audit_logs_unsealed on audit_logs (created_at, id) where number is null;
drop index audit_logs_newest;
create index audit_logs_newest on audit_logs (created_at desc, id desc);
create index audit_logs_action on audit_logs (action, created_at desc);
create index audit_logs_user on audit_logs (user_id, created_at desc);

-- The application tells what happened; the rest of a row is the sealing's.
revoke insert on audit_logs from neopro_app;
grant insert (id, action, user_id, target_type, target_id, details, before, after, personal, ip_address, user_agent,
  session_id, token_id, created_at) on audit_logs to neopro_app;

-- One link of the chain: the hashes of the entries `first_entry` to `last_entry`, behind the link before.
create table audit_seals (
  number bigint primary key,
  first_entry bigint not null,
  last_entry bigint not null,
  previous bytea not null,
  hash bytea not null,
  sealed_at timestamptz not null,
  -- It took as many entries as one may: more were waiting.
  is_full boolean not null
);
select neopro_guard('audit_seals', 'select');

-- Among NeoPro's own people, whether it is one who reads the journal.
create function neopro_reads_audit() returns boolean
language sql stable security definer set search_path = public, pg_temp
as $fn$
  select neopro_scope_is('staff') and exists (
    select from users where id = neopro_user() and role in ('super_admin', 'admin') and is_active and status = 'active')
$fn$;
select neopro_guard_function('neopro_reads_audit()');

create policy readers on audit_logs for select to neopro_app using ((select neopro_reads_audit()));
create policy internal on audit_seals for select to neopro_app using ((select neopro_scope_is('system')));
create policy readers on audit_seals for select to neopro_app using ((select neopro_reads_audit()));

-- The addresses and names of accounts, for those who read the journal: these, or those with these words in them.
create function neopro_audit_people(ids uuid[], words text) returns table (id uuid, email text, full_name text)
language sql stable security definer set search_path = public, pg_temp
as $fn$
  select u.id, u.email, u.full_name from users u
  where (u.id = any (ids) or strpos(neopro_fold(u.email || e'\n' || coalesce(u.full_name, '')), neopro_fold(words)) > 0)
    and (neopro_scope_is('system') or neopro_reads_audit())
$fn$;
select neopro_guard_function('neopro_audit_people(uuid[], text)');

-- What a thing is now, as the journal keeps it: its columns that people decide on, and none that is secret. Null when
-- it is not there.
create function neopro_audit_snapshot(kind text, thing uuid) returns jsonb
language plpgsql stable set search_path = public, pg_temp as $fn$
begin
  if kind = 'site' then
    return (select jsonb_build_object('site_name', site_name, 'club_name', club_name, 'location', location,
        'sports', sports, 'status', status, 'hardware_model', hardware_model,
        'live_score_enabled', live_score_enabled)
      from sites where id = thing);
  elsif kind = 'group' then
    -- Of a large group how many are in it: who they are would be half a megabyte at each change.
    return (select jsonb_build_object('name', name, 'description', description, 'type', type, 'filters', filters,
        'metadata', metadata, 'sites', (select case when count(*) <= 100
          then coalesce(jsonb_agg(m.site_id order by m.site_id), '[]') else to_jsonb(count(*)) end
        from site_groups m where m.group_id = thing))
      from groups where id = thing);
  elsif kind = 'video' then
    return (select jsonb_build_object('title', metadata->>'title', 'original_name', original_name,
        'category', category, 'subcategory', subcategory, 'mime_type', mime_type, 'file_size', file_size,
        'duration', duration, 'checksum', checksum, 'thumbnail', thumbnail_url)
      from videos where id = thing);
  elsif kind = 'deployment' then
    return (select jsonb_build_object('video_id', d.video_id, 'video_title', d.video_title, 'action', d.action,
        'target_type', d.target_type, 'target_id', d.target_id, 'target_name', d.target_name,
        'scheduled_at', d.scheduled_at, 'cancelled_at', d.cancelled_at, 'sites', (
          select coalesce(jsonb_object_agg(s.state, s.sites), '{}') from (
            select t.state, count(*) as sites from deployment_targets t where t.deployment_id = thing group by t.state) s))
      from content_deployments d where d.id = thing);
  elsif kind = 'user' then
    -- What tells who it is comes from the server, which keeps it apart.
    return (select jsonb_build_object('role', role, 'status', status, 'is_active', is_active, 'sponsor_id', sponsor_id,
        'agency_id', agency_id, 'mfa_enabled', coalesce(mfa_enabled, false))
      from users where id = thing);
  end if;
  raise 'the journal knows no %', kind;
end
$fn$;
select neopro_guard_function('neopro_audit_snapshot(text, uuid)');

-- Keeps what a thing is for the entry behind the act, in the same transaction. Two who change the same thing wait for
-- each other, or one would be said to have done what the other did. An order's rows are locked by its own functions, in
-- their order.
create function neopro_audit_before(kind text, thing uuid) returns void
language plpgsql set search_path = public, pg_temp as $fn$
begin
  if kind = 'site' then
    perform from sites where id = thing for no key update;
  elsif kind = 'group' then
    perform from groups where id = thing for no key update;
  elsif kind = 'video' then
    perform from videos where id = thing for no key update;
  elsif kind = 'user' then
    perform from users where id = thing for no key update;
  end if;
  perform set_config('neopro.before', coalesce(neopro_audit_snapshot(kind, thing)::text, ''), true);
end
$fn$;
select neopro_guard_function('neopro_audit_before(text, uuid)');

-- What of one snapshot is otherwise in the other.
create function neopro_audit_difference(one jsonb, other jsonb) returns jsonb
language sql immutable
as $fn$
  select coalesce(pg_catalog.jsonb_object_agg(e.key, e.value), '{}') from pg_catalog.jsonb_each(one) e
  where other is null or other -> e.key is distinct from e.value
$fn$;
select neopro_guard_function('neopro_audit_difference(jsonb, jsonb)');

-- A field as it is hashed: a zero byte for null, else a one, the length in four bytes, and the text in UTF-8.
create function neopro_audit_field(words text) returns bytea
language sql immutable
as $fn$
  select case when words is null then '\x00'::bytea
    else '\x01'::bytea || pg_catalog.int4send(pg_catalog.octet_length(pg_catalog.convert_to(words, 'UTF8')))
      || pg_catalog.convert_to(words, 'UTF8') end
$fn$;
select neopro_guard_function('neopro_audit_field(text)', false);

-- A moment as it is hashed: whole microseconds since 1970.
create function neopro_audit_moment(moment timestamptz) returns bytea
language sql stable
as $fn$
  select public.neopro_audit_field(((extract(epoch from moment) * 1000000)::bigint)::text)
$fn$;
select neopro_guard_function('neopro_audit_moment(timestamptz)', false);

-- Takes out of the journal what tells who somebody is: address and browser of all that he did, and his data in what was
-- done to his account, or stands with his address anywhere else. The hashes stay; without their salts nobody finds by
-- trying what they were of. Answers the entry that tells of it, and in how many entries something was erased. An entry
-- that is not sealed yet gets its hashes when it is, over nothing then.
create function neopro_erase_person(person uuid, address text, mark text, moment timestamptz)
returns table (entry uuid, entries bigint)
language plpgsql security definer set search_path = public, pg_temp as $fn$
declare
  told uuid := gen_random_uuid();
  as_actor bigint;
  as_subject bigint;
  quoted text := lower(to_jsonb(address)::text);
  quoted_mark text := to_jsonb(mark)::text;
begin
  perform pg_advisory_xact_lock(7041776034);
  update audit_logs set ip_address = null, user_agent = null, actor_salt = null, actor_erased_by = told
    where user_id = person and actor_erased_by is null;
  get diagnostics as_actor = row_count;
  update audit_logs set personal = null, personal_salt = null, personal_erased_by = told
    where personal is not null
      and case when target_type = 'user' then target_id = person::text
        else strpos(lower(personal::text), quoted) > 0 or strpos(personal::text, quoted_mark) > 0 end;
  get diagnostics as_subject = row_count;
  insert into audit_logs (id, action, target_type, target_id, details, created_at)
    values (told, 'PERSON_ERASED', 'user', person::text,
      jsonb_build_object('addresses', as_actor, 'persons', as_subject), moment);
  return query select told, as_actor + as_subject;
end
$fn$;
-- Not for the application: only who owns the database takes something out of the journal.
select neopro_guard_function('neopro_erase_person(uuid, text, text, timestamptz)', false);

-- Seals what has come since the last time, at most so many entries. An entry gets its number here and not when it is
-- written: one whose transaction ends late gets a later number, and is never left behind. Sealers wait for each other.
-- `intact` says whether the seal that the caller has seen last still is what it was.
create function neopro_seal_audit(most integer, seen_number bigint, seen_hash text)
returns table (entries bigint, seal bigint, last_entry bigint, hash text, intact boolean)
language plpgsql security definer set search_path = public, pg_temp as $fn$
declare
  last audit_seals;
  sealed bigint;
  moment timestamptz;
  digest bytea;
begin
  perform pg_advisory_xact_lock(7041776034);
  select * into last from audit_seals s order by s.number desc limit 1;
  intact := seen_number is null or exists (
    select from audit_seals s where s.number = seen_number and s.hash = decode(seen_hash, 'hex'));
  with open as materialized (
    select a.id, coalesce(last.last_entry, 0) + row_number() over (order by a.created_at, a.id) as place,
      -- 244 random bits each, from the system.
      uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) as salt_1,
      uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) as salt_2
    from (select w.id, w.created_at from audit_logs w where w.number is null order by w.created_at, w.id limit most) a
  ), apart as materialized (
    select a.id, o.place, o.salt_1, o.salt_2,
      sha256('neopro audit actor v1'::bytea || o.salt_1
        || neopro_audit_field(a.ip_address) || neopro_audit_field(a.user_agent)) as actor,
      sha256('neopro audit personal v1'::bytea || o.salt_2 || neopro_audit_field(a.personal::text)) as person
    from open o join audit_logs a on a.id = o.id
  )
  update audit_logs a set number = p.place, actor_salt = p.salt_1, actor_hash = p.actor,
      personal_salt = p.salt_2, personal_hash = p.person,
      entry_hash = sha256('neopro audit entry v1'::bytea || neopro_audit_field(p.place::text)
        || neopro_audit_field(a.id::text) || neopro_audit_field(a.action) || neopro_audit_field(a.user_id::text)
        || neopro_audit_field(a.target_type) || neopro_audit_field(a.target_id) || neopro_audit_field(a.details::text)
        || neopro_audit_field(a.before::text) || neopro_audit_field(a.after::text)
        || neopro_audit_field(a.session_id::text) || neopro_audit_field(a.token_id::text)
        || neopro_audit_moment(a.created_at) || neopro_audit_moment(a.written_at) || p.actor || p.person)
    from apart p where a.id = p.id;
  get diagnostics sealed = row_count;
  entries := sealed;
  if sealed = 0 then
    seal := last.number;
    last_entry := last.last_entry;
    hash := encode(last.hash, 'hex');
    return next;
    return;
  end if;
  seal := coalesce(last.number, 0) + 1;
  last_entry := coalesce(last.last_entry, 0) + sealed;
  moment := clock_timestamp();
  select sha256('neopro audit seal v1'::bytea || coalesce(last.hash, decode(repeat('00', 32), 'hex'))
      || neopro_audit_field(seal::text) || neopro_audit_field((coalesce(last.last_entry, 0) + 1)::text)
      || neopro_audit_field(neopro_seal_audit.last_entry::text) || neopro_audit_moment(moment)
      || neopro_audit_field((sealed >= most)::text) || string_agg(a.entry_hash, ''::bytea order by a.number))
    into digest from audit_logs a where a.number > coalesce(last.last_entry, 0);
  insert into audit_seals (number, first_entry, last_entry, previous, hash, sealed_at, is_full)
    values (seal, coalesce(last.last_entry, 0) + 1, neopro_seal_audit.last_entry,
      coalesce(last.hash, decode(repeat('00', 32), 'hex')), digest, moment, sealed >= most);
  hash := encode(digest, 'hex');
  return next;
end
$fn$;
select neopro_guard_function('neopro_seal_audit(integer, bigint, text)');

-- Forgets what is older than `keep_from`, in whole seals, at most so many entries at a time. The last seal that goes
-- stays as the beginning of the rest, and the journal tells of it. Nobody forgets anything of the last two years by this:
-- not by a wrong setting, and not in the application's name.
create function neopro_cut_audit(keep_from timestamptz, most bigint, moment timestamptz)
returns table (entries bigint, seal bigint)
language plpgsql security definer set search_path = public, pg_temp as $fn$
declare
  oldest bigint;
  last audit_seals;
begin
  perform pg_advisory_xact_lock(7041776034);
  select min(a.number) into oldest from audit_logs a where a.number is not null;
  select * into last from audit_seals s
    where s.sealed_at < least(keep_from, clock_timestamp() - interval '24 months')
      and s.last_entry >= oldest and s.last_entry < oldest + most
    order by s.number desc limit 1;
  if last.number is null then
    return;
  end if;
  delete from audit_logs a where a.number <= last.last_entry;
  get diagnostics entries = row_count;
  delete from audit_seals s where s.number < last.number;
  insert into audit_logs (action, target_type, target_id, details, created_at)
    values ('AUDIT_CUT', 'seal', last.number::text, jsonb_build_object('seal', last.number,
      'last_entry', last.last_entry, 'hash', encode(last.hash, 'hex'), 'entries', entries), moment);
  seal := last.number;
  return next;
end
$fn$;
select neopro_guard_function('neopro_cut_audit(timestamptz, bigint, timestamptz)');
$m0019$;
insert into public.schema_migrations (version, name, checksum) values (19, '0019_audit_seals', '2377ce86495fca21fe1f875da0a96d49ab65727981a23bf50d2aed1a978c9530');
  elsif (select checksum from public.schema_migrations where version = 19) <> '2377ce86495fca21fe1f875da0a96d49ab65727981a23bf50d2aed1a978c9530' then
    raise exception 'La migration 0019_audit_seals enregistrée dans cette base n''est pas celle de ce programme.';
  end if;

  if not exists (select from public.schema_migrations where version = 21) then
execute $m0021$
-- Files that go from a person's browser straight into the storage outside: announced, signed, sent, and then looked at
-- by the server before they are videos. A row stays until its address has expired, whatever became of the file: until
-- then something can still be written there. Its id is that of the video that it becomes.
create table video_uploads (
  id uuid primary key,
  user_id uuid references users on delete set null,
  path text not null unique,
  mime_type text not null,
  original_name text not null,
  labels jsonb not null,
  size bigint not null check (size > 0),
  -- What the browser has computed; it is compared where it is there.
  checksum text,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  -- Somebody looks at it, and has until then.
  busy_until timestamptz,
  -- Why it is no video.
  refusal_code text,
  refusal text
);
create index video_uploads_expiry on video_uploads (expires_at);
select neopro_guard('video_uploads', 'select, insert, update, delete');
create policy internal on video_uploads to neopro_app
  using ((select neopro_scope_is('system', 'staff'))) with check ((select neopro_scope_is('system', 'staff')));

-- What was read out of the storage, by month and reader: a site's box, or the server itself (the zero id). A row for
-- each, so that boxes which report at the same moment do not wait for each other. It stays when the site goes: what was
-- read was read.
create table storage_traffic (
  month date not null,
  reader uuid not null,
  bytes bigint not null,
  primary key (month, reader)
);
select neopro_guard('storage_traffic', 'select, insert, update');
create policy internal on storage_traffic to neopro_app
  using ((select neopro_scope_is('system', 'staff'))) with check ((select neopro_scope_is('system', 'staff')));

-- What was read in the month of a moment, in UTC.
create function neopro_storage_traffic(moment timestamptz) returns bigint
language sql stable
as $fn$
  select coalesce(sum(t.bytes), 0)::bigint from public.storage_traffic t
    where t.month = (date_trunc('month', moment at time zone 'UTC'))::date
$fn$;
select neopro_guard_function('neopro_storage_traffic(timestamptz)');

-- A box that says that it has a file has fetched it. What it fetched in vain is not known; what it had already and
-- mirrors from its old agent was fetched in another life.
create function neopro_count_traffic() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $fn$
begin
  insert into storage_traffic as t (month, reader, bytes)
    select date_trunc('month', new.changed_at at time zone 'UTC')::date, new.site_id, v.file_size
    from videos v where v.id = new.video_id and v.file_size > 0
    on conflict (month, reader) do update set bytes = t.bytes + excluded.bytes;
  return null;
end
$fn$;
select neopro_guard_function('neopro_count_traffic()', false);
create trigger site_inventory_fetched after insert on site_inventory
  for each row when (new.state = 'installed' and not new.mirrored)
  execute function neopro_count_traffic();
create trigger site_inventory_fetched_now after update of state, sha256 on site_inventory
  for each row when (new.state = 'installed' and not new.mirrored
    and (old.state <> 'installed' or old.sha256 is distinct from new.sha256))
  execute function neopro_count_traffic();
$m0021$;
insert into public.schema_migrations (version, name, checksum) values (21, '0021_storage', '30d280e582e9a42d80bdd949e713b3d88e7d86747a4028bd8e8e4a4680d2ad5c');
  elsif (select checksum from public.schema_migrations where version = 21) <> '30d280e582e9a42d80bdd949e713b3d88e7d86747a4028bd8e8e4a4680d2ad5c' then
    raise exception 'La migration 0021_storage enregistrée dans cette base n''est pas celle de ce programme.';
  end if;

  if not exists (select from public.schema_migrations where version = 22) then
execute $m0022$
-- When the time to do without a second factor is over, sessions that have none are over with it: their next request is
-- refused, and the way back in is a login that sets the factor up. The rule is that of `neopro_mfa_grace`, written out:
-- this runs in front of every request, and a statement here keeps its plan.
create or replace function neopro_check_session(
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
      and u.sponsor_id is not distinct from claimed_sponsor
      and (u.mfa_enabled is true or not exists (
        select from settings r
        where r.key = 'security' and r.value -> 'required' ? u.role
          and greatest(u.created_at, (r.value -> 'required' ->> u.role)::timestamptz)
            + make_interval(days => (r.value ->> 'grace_days')::integer) <= moment));
  if not found then
    raise exception 'the session is over' using errcode = 'NP401';
  end if;
  if used < moment - interval '5 minutes' then
    update sessions set last_used_at = moment where id = claimed_session;
  end if;
end
$fn$;
$m0022$;
insert into public.schema_migrations (version, name, checksum) values (22, '0022_grace_is_over', 'bc646f516c335caae71ca2e51989c81651151ea6fcd968dec9c8e23b94ec4b92');
  elsif (select checksum from public.schema_migrations where version = 22) <> 'bc646f516c335caae71ca2e51989c81651151ea6fcd968dec9c8e23b94ec4b92' then
    raise exception 'La migration 0022_grace_is_over enregistrée dans cette base n''est pas celle de ce programme.';
  end if;

  if not exists (select from public.schema_migrations where version = 23) then
execute $m0023$
-- Entries of the journal that say all of what was done; and what runs with the owner's rights asks once more for whom.

-- What a thing is now, as the journal keeps it: as before, with the notes of a video and the language of an account.
create or replace function neopro_audit_snapshot(kind text, thing uuid) returns jsonb
language plpgsql stable set search_path = public, pg_temp as $fn$
begin
  if kind = 'site' then
    return (select jsonb_build_object('site_name', site_name, 'club_name', club_name, 'location', location,
        'sports', sports, 'status', status, 'hardware_model', hardware_model,
        'live_score_enabled', live_score_enabled)
      from sites where id = thing);
  elsif kind = 'group' then
    -- Of a large group how many are in it: who they are would be half a megabyte at each change.
    return (select jsonb_build_object('name', name, 'description', description, 'type', type, 'filters', filters,
        'metadata', metadata, 'sites', (select case when count(*) <= 100
          then coalesce(jsonb_agg(m.site_id order by m.site_id), '[]') else to_jsonb(count(*)) end
        from site_groups m where m.group_id = thing))
      from groups where id = thing);
  elsif kind = 'video' then
    return (select jsonb_build_object('title', metadata->>'title', 'metadata', metadata - 'title',
        'original_name', original_name, 'category', category, 'subcategory', subcategory, 'mime_type', mime_type,
        'file_size', file_size, 'duration', duration, 'checksum', checksum, 'thumbnail', thumbnail_url)
      from videos where id = thing);
  elsif kind = 'deployment' then
    return (select jsonb_build_object('video_id', d.video_id, 'video_title', d.video_title, 'action', d.action,
        'target_type', d.target_type, 'target_id', d.target_id, 'target_name', d.target_name,
        'scheduled_at', d.scheduled_at, 'cancelled_at', d.cancelled_at, 'sites', (
          select coalesce(jsonb_object_agg(s.state, s.sites), '{}') from (
            select t.state, count(*) as sites from deployment_targets t where t.deployment_id = thing group by t.state) s))
      from content_deployments d where d.id = thing);
  elsif kind = 'user' then
    -- What tells who it is comes from the server, which keeps it apart.
    return (select jsonb_build_object('role', role, 'status', status, 'is_active', is_active, 'sponsor_id', sponsor_id,
        'agency_id', agency_id, 'mfa_enabled', coalesce(mfa_enabled, false), 'language', language)
      from users where id = thing);
  end if;
  raise 'the journal knows no %', kind;
end
$fn$;

-- The same as before, and the entry says what was sent: `sent` without secrets, `apart` what of it tells of persons. It
-- looks up the rows of single sites and keeps its plan, hence without whole reads (0013).
create function neopro_ask_command(
  site uuid, command uuid, kind text, data jsonb, sealed text, importance smallint, moment timestamptz,
  seconds integer, waits_until timestamptz, told boolean, alone boolean, most integer, ip text, agent text,
  sent jsonb, apart jsonb, out outcome text, out state text
) language plpgsql set search_path = public, pg_temp set enable_seqscan = off as $fn$
declare
  known remote_commands;
  goes boolean := told;
begin
  if told and alone then
    insert into site_states (site_id) select s.id from sites s where s.id = site on conflict do nothing;
    perform from site_states s where s.site_id = site for update;
    goes := not neopro_writes_configuration(site);
  end if;
  insert into remote_commands (id, site_id, command_type, command_data, secrets, status, origin, queued, priority,
      seconds, expires_at, executed_by, created_at, executed_at, deadline)
    select command, s.id, kind, data, sealed, case when goes then 'executing' else 'pending' end, 'person', not goes,
      importance, neopro_ask_command.seconds, waits_until, neopro_user(), moment, case when goes then moment end,
      case when goes then moment + make_interval(secs => neopro_ask_command.seconds) else waits_until end
    from sites s
    where s.id = site and (goes or waits_until is not null)
      and (select count(*) from remote_commands o where o.site_id = site and o.origin = 'person'
        and o.status in ('pending', 'executing')) < most
    on conflict (id) do nothing;
  if found then
    insert into audit_logs (action, user_id, target_type, target_id, details, after, personal, ip_address, user_agent,
        created_at)
      values ('COMMAND_SENT', neopro_user(), 'site', site::text,
        jsonb_build_object('command', kind, 'commandId', command), sent, apart, ip, agent, moment);
    outcome := case when goes then 'sent' else 'queued' end;
    return;
  end if;
  select * into known from remote_commands c where c.id = command;
  if known.id is not null then
    outcome := case when known.site_id = site and known.command_type = kind and known.origin = 'person' then 'known'
      else 'taken' end;
    state := known.status;
  elsif exists (select from sites s where s.id = site) is false then
    outcome := 'gone';
  elsif not goes and waits_until is null then
    outcome := 'away';
  else
    outcome := 'crowded';
  end if;
end
$fn$;
select neopro_guard_function('neopro_ask_command(uuid, uuid, text, jsonb, text, smallint, timestamptz, integer, '
  'timestamptz, boolean, boolean, integer, text, text, jsonb, jsonb)');

-- Servers of before ask without saying what they have sent.
create or replace function neopro_ask_command(
  site uuid, command uuid, kind text, data jsonb, sealed text, importance smallint, moment timestamptz,
  seconds integer, waits_until timestamptz, told boolean, alone boolean, most integer, ip text, agent text,
  out outcome text, out state text
) language plpgsql set search_path = public, pg_temp set enable_seqscan = off as $fn$
begin
  select a.outcome, a.state into outcome, state from neopro_ask_command(site, command, kind, data, sealed, importance,
    moment, seconds, waits_until, told, alone, most, ip, agent, jsonb_build_object('command', kind), null) a;
end
$fn$;

-- Somebody has forgotten a password: as before, and the entry says how long the link works.
create or replace function neopro_forgot_password(
  address text, hash text, expiry timestamptz, job uuid, sealed text, ip text, agent text, moment timestamptz
) returns void
language plpgsql set search_path = public, pg_temp as $fn$
declare
  person uuid;
begin
  select u.id into person from users u
    where lower(u.email) = lower(address) and u.is_active and u.status = 'active';
  if person is null then
    return;
  end if;
  perform neopro_issue_link(person, 'reset', hash, expiry, moment);
  perform neopro_enqueue(job, 'mail', person, sealed, moment, moment);
  insert into audit_logs (action, user_id, target_type, target_id, after, ip_address, user_agent, created_at)
    values ('PASSWORD_RESET_REQUESTED', person, 'user', person::text, jsonb_build_object('link_until', expiry), ip,
      agent, moment);
end
$fn$;

-- Whether this transaction may do something for an account with the owner's rights: the server itself, whoever manages
-- accounts, and the person.
create function neopro_acts_for(person uuid) returns boolean
language sql stable set search_path = public, pg_temp
as $fn$
  select coalesce(neopro_scope_is('system') or neopro_scope_is('staff') and neopro_role_is('super_admin')
    or person = neopro_user(), false)
$fn$;
select neopro_guard_function('neopro_acts_for(uuid)');

-- A link opens an account: as before, and not to whoever has no say over it.
create or replace function neopro_issue_link(person uuid, what text, hash text, expiry timestamptz, moment timestamptz)
returns void
language plpgsql security definer set search_path = public, pg_temp as $fn$
begin
  if not neopro_acts_for(person) then
    raise exception 'permission denied for the account of somebody else' using errcode = '42501';
  end if;
  insert into password_links (user_id, kind, token_hash, issued_at, expires_at)
    select u.id, what, hash, moment, expiry from users u where u.id = person and u.is_active and u.status = 'active'
    on conflict (user_id, kind) do update
      set token_hash = excluded.token_hash, issued_at = excluded.issued_at, expires_at = excluded.expires_at;
  if not found then
    raise exception 'no such account' using errcode = 'NP410';
  end if;
end
$fn$;

-- A job writes to somebody: the same.
create or replace function neopro_enqueue(
  job uuid, what text, about uuid, sealed text, due timestamptz, moment timestamptz
) returns void
language plpgsql security definer set search_path = public, pg_temp as $fn$
begin
  if not neopro_acts_for(about) then
    raise exception 'permission denied for the account of somebody else' using errcode = '42501';
  end if;
  insert into jobs (id, kind, user_id, payload, run_at, created_at) values (job, what, about, sealed, due, moment);
end
$fn$;
$m0023$;
insert into public.schema_migrations (version, name, checksum) values (23, '0023_whole_entries', '2d6823fdb939c4a3946ff1ecb9b96188025a0c99815fb96e818810075edd5d8c');
  elsif (select checksum from public.schema_migrations where version = 23) <> '2d6823fdb939c4a3946ff1ecb9b96188025a0c99815fb96e818810075edd5d8c' then
    raise exception 'La migration 0023_whole_entries enregistrée dans cette base n''est pas celle de ce programme.';
  end if;

  if not exists (select from public.schema_migrations where version = 24) then
execute $m0024$
-- The servers that run on this database. Each says every ten seconds that it is there; who has not for 35 s is gone.
-- The prints tell whether two have the same secrets, and nothing else of them.
create table replicas (
  id uuid primary key,
  version text not null,
  jwt_print text not null,
  mfa_print text not null,
  started_at timestamptz not null,
  seen_at timestamptz not null
);
select neopro_guard('replicas', 'select, insert, update, delete');
create policy internal on replicas to neopro_app
  using ((select neopro_scope_is('system', 'staff'))) with check ((select neopro_scope_is('system', 'staff')));

-- Whether this replica is there, by the clock of the database.
create function neopro_is_there(replica uuid) returns boolean
language sql stable
as $fn$
  select exists (select from public.replicas r
    where r.id = replica and r.seen_at > pg_catalog.now() - pg_catalog.make_interval(secs => 35))
$fn$;
select neopro_guard_function('neopro_is_there(uuid)');

-- To which replica a site's box has come last, and when. It says nothing of whether it is there still: that is the status.
alter table sites add column replica_id uuid, add column connected_at timestamptz;
$m0024$;
insert into public.schema_migrations (version, name, checksum) values (24, '0024_replicas', '433df6aba16010e5ec8b861a7e7bf7fe2e71ce9aa63bc044e4a5cc1e08211f20');
  elsif (select checksum from public.schema_migrations where version = 24) <> '433df6aba16010e5ec8b861a7e7bf7fe2e71ce9aa63bc044e4a5cc1e08211f20' then
    raise exception 'La migration 0024_replicas enregistrée dans cette base n''est pas celle de ce programme.';
  end if;

  if not exists (select from public.schema_migrations where version = 25) then
execute $m0025$
-- What is kept how finely and for how long: figures of five minutes beside those of hours, plays, and what is made of
-- them for ever. The limits stand in `settings` (`retention`); docs/retention.md says them for every table.

-- A club's day begins at its own midnight. What is no time zone is refused by the comparison itself.
alter table sites add column time_zone text not null default 'Europe/Paris'
  check ((timestamptz '2000-01-01 00:00+00' at time zone time_zone) is not null);
comment on column sites.time_zone is 'Fuseau horaire du club : ses journées commencent à son minuit';

-- As `site_figures`, by five minutes. Written together with the hours, so that nothing has to be made of these rows
-- before they are deleted. A fifth of each page is free: a row is rewritten in its own page until its time is over.
create table site_figures_5min (
  site_id uuid not null references sites on delete cascade,
  -- Its beginning, UTC.
  slot timestamptz not null,
  uptime_max bigint,
  -- Percent.
  cpu_sum double precision not null,
  cpu_count integer not null,
  cpu_max real,
  -- Percent.
  memory_sum double precision not null,
  memory_count integer not null,
  memory_max real,
  -- Degrees Celsius.
  temperature_sum double precision not null,
  temperature_count integer not null,
  temperature_max real,
  -- Percent.
  disk_sum double precision not null,
  disk_count integer not null,
  disk_max real,
  beats integer not null check (beats >= 0),
  primary key (site_id, slot)
) with (fillfactor = 80);
select neopro_guard('site_figures_5min', 'select, insert, update, delete');
grant delete on site_figures to neopro_app;
create policy internal on site_figures_5min to neopro_app
  using ((select neopro_scope_is('system', 'staff'))) with check ((select neopro_scope_is('system', 'staff')));
create policy agency on site_figures_5min for select to neopro_app
  using ((select neopro_scope_is('agency'))
    and site_id in (select site_id from agency_sites where agency_id = (select neopro_tenant())));

-- Plays as they come, until they are put into blocks: within the hour. The key is what tells one play from another, so
-- that what a box sends twice is there once.
create table video_plays (
  site_id uuid not null references sites on delete cascade,
  played_at timestamptz not null check (isfinite(played_at)),
  video_filename text not null check (length(video_filename) <= 255),
  category text,
  -- Seconds.
  duration_played integer not null default 0 check (duration_played between 0 and 86400),
  -- Seconds.
  video_duration integer check (video_duration >= 0),
  completed boolean not null default false,
  trigger_type text not null default 'auto' check (trigger_type in ('auto', 'manual')),
  session_id text,
  -- Refer to nothing: what was shown was shown, whatever becomes of the video and of whom it was for.
  video_id uuid,
  sponsor_id uuid,
  received_at timestamptz not null default now(),
  primary key (site_id, played_at, video_filename)
) with (autovacuum_vacuum_scale_factor = 0.05);
comment on table video_plays is 'Diffusions reçues, pas encore rangées ; toutes sont dans video_plays_kept';
select neopro_guard('video_plays', 'select, insert, delete');

-- Plays as they are kept: those of one site, day and video that have all else in common, as lists. A row for each would
-- be 64 bytes and an entry in an index; this is 8 bytes.
create table video_play_blocks (
  site_id uuid not null references sites on delete cascade,
  -- The club's day.
  day date not null,
  video_duration integer,
  video_id uuid,
  sponsor_id uuid,
  video_filename text not null,
  category text,
  session_id text,
  -- When: milliseconds since the day's midnight in UTC, rising.
  at integer[] not null,
  -- In the same order: four times the seconds that it ran, two more if a person started it, one more if it ran to its
  -- end. A block of its own for each of these would take half as much room again.
  facts integer[] not null,
  check (cardinality(at) = cardinality(facts) and cardinality(at) > 0)
) with (autovacuum_vacuum_scale_factor = 0.1);
create index video_play_blocks_day on video_play_blocks (site_id, day);
select neopro_guard('video_play_blocks', 'select, insert, delete');

-- What each video was shown of a day, for ever. Rows of the same video and day are added up: there are several if it was
-- in several categories, or if plays came when the day's own were forgotten.
create table video_daily_stats (
  site_id uuid not null references sites on delete cascade,
  -- The club's day.
  date date not null,
  plays integer not null,
  completed_plays integer not null,
  manual_plays integer not null,
  screen_time_seconds bigint not null,
  video_id uuid,
  sponsor_id uuid,
  video_filename text not null,
  category text
) with (autovacuum_vacuum_scale_factor = 0.05);
create index video_daily_stats_day on video_daily_stats (site_id, date);
select neopro_guard('video_daily_stats', 'select, insert, delete');

do $fn$
declare
  relation text;
begin
  foreach relation in array array['video_plays', 'video_play_blocks', 'video_daily_stats'] loop
    execute format('create policy internal on %I to neopro_app using ((select neopro_scope_is(''system'', ''staff'')))
      with check ((select neopro_scope_is(''system'', ''staff'')))', relation);
    execute format('create policy agency on %I for select to neopro_app using ((select neopro_scope_is(''agency''))
      and site_id in (select site_id from agency_sites where agency_id = (select neopro_tenant())))', relation);
  end loop;
end
$fn$;

-- Until when the plays of the day are counted whose own rows are forgotten: what comes later with an older time may have
-- been counted already, and is not counted again. Null while they are kept.
alter table club_daily_stats add column forgotten_until timestamptz;
update club_daily_stats set forgotten_until = least(calculated_at, date::timestamp at time zone 'UTC' + interval '36 hours');

-- Each play that is kept, whichever way: what has come and is not in a block yet, and what is.
create view video_plays_kept with (security_invoker = true) as
  select b.site_id, b.day::timestamp at time zone 'UTC' + u.at * interval '1 millisecond' as played_at, b.video_filename,
    b.category, u.facts >> 2 as duration_played, b.video_duration, u.facts & 1 = 1 as completed,
    case when u.facts & 2 = 2 then 'manual' else 'auto' end as trigger_type, b.session_id, b.video_id, b.sponsor_id
  from video_play_blocks b cross join lateral unnest(b.at, b.facts) as u (at, facts)
  union all
  select p.site_id, date_trunc('milliseconds', p.played_at), p.video_filename, p.category, p.duration_played,
    p.video_duration, p.completed, p.trigger_type, p.session_id, p.video_id, p.sponsor_id
  from video_plays p join sites s on s.id = p.site_id
  cross join lateral (select (p.played_at at time zone s.time_zone)::date as day) d
  where not exists (select from video_play_blocks b where b.site_id = p.site_id and b.day = d.day
      and b.video_filename = p.video_filename
      and floor(extract(epoch from p.played_at - d.day::timestamp at time zone 'UTC') * 1000)::integer = any (b.at))
    and not exists (select from club_daily_stats c where c.site_id = p.site_id and c.date = d.day
      and p.played_at <= c.forgotten_until);
comment on view video_plays_kept is 'Diffusions, une par une, aussi longtemps qu''elles sont gardées';
select neopro_guard('video_plays_kept', 'select');

-- Puts plays that have come into the blocks of their days, and counts those days anew from all of their plays: at most so
-- many plays and sixty days of clubs at a time. What comes late or twice changes nothing but what it has to. One at a
-- time, in one transaction: no row means that somebody else is at it.
create function neopro_pack_plays(most integer, moment timestamptz)
returns table (arrived bigint, counted bigint, days bigint)
language plpgsql set search_path = public, pg_temp as $fn$
begin
  if not pg_try_advisory_xact_lock(7041776035) then
    return;
  end if;
  return query
  with candidates as (
    select p.site_id, (p.played_at at time zone s.time_zone)::date as day, s.time_zone
    from (select v.site_id, v.played_at from video_plays v order by v.site_id, v.played_at limit most) p
    join sites s on s.id = p.site_id
  ), chosen as materialized (
    select c.site_id, c.day, c.day::timestamp at time zone c.time_zone as starts,
      (c.day + 1)::timestamp at time zone c.time_zone as ends, d.forgotten_until
    from (select distinct x.site_id, x.day, x.time_zone from candidates x order by x.site_id, x.day limit 60) c
    left join club_daily_stats d on d.site_id = c.site_id and d.date = c.day
  ), taken as (
    delete from video_plays p using chosen c
      where p.site_id = c.site_id and p.played_at >= c.starts and p.played_at < c.ends
      returning c.day, c.forgotten_until, p.*
  ), known as (
    delete from video_play_blocks b using chosen c
      where b.site_id = c.site_id and b.day = c.day and c.forgotten_until is null returning b.*
  ), plays as materialized (
    -- Those that are kept stand before what has just come: a repeated play stays as it was.
    select distinct on (x.site_id, x.day, x.at, x.video_filename) * from (
      select k.site_id, k.day, u.at, u.facts, k.video_filename, k.category, k.video_duration, k.session_id, k.video_id,
        k.sponsor_id, false as is_new, false as is_late
      from known k cross join lateral unnest(k.at, k.facts) as u (at, facts)
      union all
      select t.site_id, t.day, floor(extract(epoch from t.played_at - t.day::timestamp at time zone 'UTC') * 1000)::integer,
        t.duration_played * 4 + case when t.trigger_type = 'manual' then 2 else 0 end + t.completed::integer,
        t.video_filename, t.category, t.video_duration, t.session_id, t.video_id, t.sponsor_id, true,
        t.forgotten_until is not null
      from taken t where t.forgotten_until is null or t.played_at > t.forgotten_until
    ) x order by x.site_id, x.day, x.at, x.video_filename, x.is_new
  ), packed as (
    insert into video_play_blocks (site_id, day, video_duration, video_id, sponsor_id, video_filename, category, session_id,
        at, facts)
      select p.site_id, p.day, p.video_duration, p.video_id, p.sponsor_id, p.video_filename, p.category, p.session_id,
        array_agg(p.at order by p.at), array_agg(p.facts order by p.at)
      from plays p where not p.is_late group by 1, 2, 3, 4, 5, 6, 7, 8
  ), uncounted as (
    delete from video_daily_stats d using chosen c
      where d.site_id = c.site_id and d.date = c.day and c.forgotten_until is null
  ), videos as (
    insert into video_daily_stats (site_id, date, plays, completed_plays, manual_plays, screen_time_seconds, video_id,
        sponsor_id, video_filename, category)
      select p.site_id, p.day, count(*), sum(p.facts & 1), sum(p.facts >> 1 & 1), sum(p.facts >> 2), p.video_id,
        p.sponsor_id, p.video_filename, p.category
      from plays p group by 1, 2, 7, 8, 9, 10
  ), clubs as (
    insert into club_daily_stats as d (site_id, date, videos_played, screen_time_seconds, manual_triggers, auto_plays,
        sponsor_plays, jingle_plays, ambiance_plays, other_plays, sessions_count, forgotten_until, calculated_at)
      select p.site_id, p.day, count(*), sum(p.facts >> 2), sum(p.facts >> 1 & 1), sum(1 - (p.facts >> 1 & 1)),
        count(*) filter (where p.category = 'sponsor'),
        count(*) filter (where p.category = 'jingle'), count(*) filter (where p.category = 'ambiance'),
        count(*) filter (where p.category in ('sponsor', 'jingle', 'ambiance') is not true),
        count(distinct p.session_id),
        max(p.day::timestamp at time zone 'UTC' + (p.at + 1) * interval '1 millisecond') filter (where p.is_late), moment
      from plays p group by 1, 2
      on conflict (site_id, date) do update set
        -- Where the day's own plays are forgotten, what comes is added.
        videos_played = excluded.videos_played
          + case when d.forgotten_until is null then 0 else d.videos_played end,
        screen_time_seconds = excluded.screen_time_seconds
          + case when d.forgotten_until is null then 0 else d.screen_time_seconds end,
        manual_triggers = excluded.manual_triggers
          + case when d.forgotten_until is null then 0 else d.manual_triggers end,
        auto_plays = excluded.auto_plays + case when d.forgotten_until is null then 0 else d.auto_plays end,
        sponsor_plays = excluded.sponsor_plays + case when d.forgotten_until is null then 0 else d.sponsor_plays end,
        jingle_plays = excluded.jingle_plays + case when d.forgotten_until is null then 0 else d.jingle_plays end,
        ambiance_plays = excluded.ambiance_plays
          + case when d.forgotten_until is null then 0 else d.ambiance_plays end,
        other_plays = excluded.other_plays + case when d.forgotten_until is null then 0 else d.other_plays end,
        sessions_count = greatest(excluded.sessions_count,
          case when d.forgotten_until is null then 0 else d.sessions_count end),
        forgotten_until = greatest(d.forgotten_until, excluded.forgotten_until),
        calculated_at = excluded.calculated_at
  )
  select (select count(*) from taken), (select count(*) from plays p where p.is_new), (select count(*) from chosen);
end
$fn$;
select neopro_guard_function('neopro_pack_plays(integer, timestamptz)');

-- Forgets plays of days before this one, whole days of clubs, at most so many; how many plays. A day goes only when it is
-- counted and nothing of it waits to be, in the transaction that notes until when it was counted.
create function neopro_forget_plays(before date, most integer) returns table (plays bigint, days bigint)
language plpgsql set search_path = public, pg_temp as $fn$
begin
  if not pg_try_advisory_xact_lock(7041776035) then
    return;
  end if;
  return query
  with old as materialized (
    select o.site_id, o.day from sites s cross join lateral (
      select distinct b.site_id, b.day from video_play_blocks b where b.site_id = s.id and b.day < before
      order by b.day limit most) o
    where exists (select from club_daily_stats c where c.site_id = o.site_id and c.date = o.day and c.videos_played > 0)
      and not exists (select from video_plays p where p.site_id = o.site_id
        and p.played_at >= o.day::timestamp at time zone s.time_zone
        and p.played_at < (o.day + 1)::timestamp at time zone s.time_zone)
    limit most
  ), gone as (
    delete from video_play_blocks b using old o where b.site_id = o.site_id and b.day = o.day
      returning b.site_id, b.day, b.at
  ), noted as (
    update club_daily_stats c set forgotten_until = g.until
      from (select x.site_id, x.day, max(x.day::timestamp at time zone 'UTC'
          + (x.at[cardinality(x.at)] + 1) * interval '1 millisecond') as until from gone x group by 1, 2) g
      where c.site_id = g.site_id and c.date = g.day
  )
  select (select coalesce(sum(cardinality(g.at)), 0)::bigint from gone g), (select count(*) from old);
end
$fn$;
select neopro_guard_function('neopro_forget_plays(date, integer)');

-- Puts what boxes have measured into the figures of their days: of each site those since the last day that has them, at
-- most so many sites behind one; the last one of them, null when there is none. For the day that runs, of what has passed
-- of it.
create function neopro_count_days(behind uuid, most integer, moment timestamptz) returns uuid
language plpgsql set search_path = public, pg_temp as $fn$
declare
  last uuid;
begin
  if not pg_try_advisory_xact_lock(7041776035) then
    return null;
  end if;
  select max(x.id::text)::uuid into last
    from (select s.id from sites s where s.id > behind order by s.id limit most) x;
  insert into club_daily_stats as d (site_id, date, avg_cpu, avg_memory, avg_temperature, max_temperature, uptime_percent,
      calculated_at)
    select s.id, h.day, h.cpu, h.memory, h.temperature, h.hottest,
      least(100, 100 * h.minutes * 60 / greatest(60, extract(epoch from
        least(moment, (h.day + 1)::timestamp at time zone s.time_zone) - h.day::timestamp at time zone s.time_zone))),
      moment
    from sites s
    cross join lateral (
      select (f.hour at time zone s.time_zone)::date as day, sum(f.cpu_sum) / nullif(sum(f.cpu_count), 0) as cpu,
        sum(f.memory_sum) / nullif(sum(f.memory_count), 0) as memory,
        sum(f.temperature_sum) / nullif(sum(f.temperature_count), 0) as temperature,
        max(f.temperature_max) as hottest,
        -- Of before the minutes were noted, the hour is all that is known.
        sum(case when f.minutes = 0 and f.beats > 0 then 60
          else length(replace(f.minutes::bit(64)::text, '0', '')) end) as minutes
      from site_figures f
      where f.site_id = s.id and f.hour >= coalesce(
        (select c.date::timestamp at time zone s.time_zone from club_daily_stats c
          where c.site_id = s.id and c.uptime_percent is not null order by c.date desc limit 1), '-infinity')
      group by 1
    ) h
    where s.id > behind and s.id <= last
    on conflict (site_id, date) do update set avg_cpu = excluded.avg_cpu, avg_memory = excluded.avg_memory,
      avg_temperature = excluded.avg_temperature, max_temperature = excluded.max_temperature,
      uptime_percent = excluded.uptime_percent, calculated_at = excluded.calculated_at
    where (d.avg_cpu, d.avg_memory, d.avg_temperature, d.max_temperature, d.uptime_percent) is distinct from
      (excluded.avg_cpu, excluded.avg_memory, excluded.avg_temperature, excluded.max_temperature, excluded.uptime_percent);
  return last;
end
$fn$;
select neopro_guard_function('neopro_count_days(uuid, integer, timestamptz)');

-- Forgets figures of five minutes and of hours before these moments, at most so many of each. They are found by their
-- sites, in the order of the key: there is no index by time, which would be as large as a third of the table.
create function neopro_forget_figures(before_5min timestamptz, before_hours timestamptz, most integer)
returns table (five_minutes bigint, hours bigint)
language plpgsql set search_path = public, pg_temp as $fn$
begin
  with old as (
    select f.site_id, f.slot from sites s cross join lateral (
      select x.site_id, x.slot from site_figures_5min x where x.site_id = s.id and x.slot < before_5min
      order by x.slot limit most) f limit most
  )
  delete from site_figures_5min f using old o where f.site_id = o.site_id and f.slot = o.slot;
  get diagnostics five_minutes = row_count;
  with old as (
    select f.site_id, f.hour from sites s cross join lateral (
      select x.site_id, x.hour from site_figures x where x.site_id = s.id and x.hour < before_hours
      order by x.hour limit most) f limit most
  )
  delete from site_figures f using old o where f.site_id = o.site_id and f.hour = o.hour;
  get diagnostics hours = row_count;
  return next;
end
$fn$;
select neopro_guard_function('neopro_forget_figures(timestamptz, timestamptz, integer)');
alter table site_figures set (autovacuum_vacuum_scale_factor = 0.05);
alter table site_figures_5min set (autovacuum_vacuum_scale_factor = 0.05);

-- Forgets what people and boxes have done long ago: commands that have ended, orders in which nothing is open and by which
-- no site has what it is to have, sessions that ended a month ago, and what was read out of the storage more than two years
-- ago. Of orders at most so few at a time: each has a row for every site.
create function neopro_forget_records(before_commands timestamptz, before_orders timestamptz, moment timestamptz)
returns table (commands bigint, orders bigint, sessions bigint, months bigint)
language plpgsql set search_path = public, pg_temp as $fn$
begin
  delete from remote_commands c where c.id in (
    select x.id from remote_commands x where x.created_at < before_commands
      and x.status not in ('pending', 'executing') limit 1000 for update skip locked);
  get diagnostics commands = row_count;
  delete from content_deployments where id in (
    select d.id from content_deployments d
    where d.created_at < before_orders and (d.started_at is not null or d.cancelled_at is not null)
      and not exists (select from deployment_targets t where t.deployment_id = d.id
        and t.state in ('pending', 'downloading', 'failed'))
      and not exists (select from site_videos w where w.deployment_id = d.id)
    order by d.created_at limit 5 for update skip locked);
  get diagnostics orders = row_count;
  delete from public.sessions s where s.id in (
    select x.id from public.sessions x where x.expires_at < moment - interval '30 days'
    order by x.expires_at limit 1000 for update skip locked);
  get diagnostics sessions = row_count;
  delete from storage_traffic t where t.month < (moment - interval '25 months')::date;
  get diagnostics months = row_count;
  return next;
end
$fn$;
grant delete on storage_traffic to neopro_app;
select neopro_guard_function('neopro_forget_records(timestamptz, timestamptz, timestamptz)');

-- How large the database is. The application's role may not ask by itself.
create function neopro_database_size() returns bigint
language sql volatile security definer set search_path = public, pg_temp
as $fn$ select pg_database_size(current_database()) $fn$;
select neopro_guard_function('neopro_database_size()');

-- The plays of NeoPro 1 that ours would still keep, whole days of them: those days are counted anew, from plays of which
-- each is there once. Times without a zone are UTC.
do $fn$
begin
  if to_regclass('neopro_1.video_plays') is null then
    return;
  end if;
  perform set_config('TimeZone', 'UTC', true);
  insert into video_plays (site_id, played_at, video_filename, category, duration_played, video_duration, completed,
      trigger_type, session_id, video_id, sponsor_id, received_at)
    select s.id, t.played_at, left(coalesce(j->>'video_filename', ''), 255), left(j->>'category', 50),
      least(greatest(coalesce((j->>'duration_played')::numeric, 0), 0), 86400)::integer,
      case when (j->>'video_duration')::numeric between 0 and 86400 then (j->>'video_duration')::numeric::integer end,
      coalesce((j->>'completed')::boolean, false),
      case when j->>'trigger_type' = 'manual' then 'manual' else 'auto' end, left(j->>'session_id', 100),
      (j->>'video_id')::uuid, (j->>'sponsor_id')::uuid, coalesce((j->>'created_at')::timestamptz, t.played_at)
    from (select p.played_at::timestamptz as played_at, to_jsonb(p) as j from neopro_1.video_plays p
      where p.played_at >= now() - interval '92 days' and p.played_at < now() + interval '1 day') t
    join sites s on s.id = (j->>'site_id')::uuid
    where (t.played_at at time zone s.time_zone)::date > ((now() - interval '90 days') at time zone s.time_zone)::date
    on conflict do nothing;
  update club_daily_stats c set forgotten_until = null from sites s
    where s.id = c.site_id and c.forgotten_until is not null and exists (select from video_plays p
      where p.site_id = c.site_id and p.played_at >= c.date::timestamp at time zone s.time_zone
        and p.played_at < (c.date + 1)::timestamp at time zone s.time_zone);
end
$fn$;
$m0025$;
insert into public.schema_migrations (version, name, checksum) values (25, '0025_retention', '7082763ba3b30bbd2995e12c10428fd0d46c0f1ba657d96be2e861d3bfe10b0a');
  elsif (select checksum from public.schema_migrations where version = 25) <> '7082763ba3b30bbd2995e12c10428fd0d46c0f1ba657d96be2e861d3bfe10b0a' then
    raise exception 'La migration 0025_retention enregistrée dans cette base n''est pas celle de ce programme.';
  end if;

  if not exists (select from public.schema_migrations where version = 26) then
execute $m0026$
-- What is worth telling people: a row for each thing that is wrong, from when it was seen until it is over, and the notices
-- that tell of them. Names of NeoPro 1.

create table alerts (
  id uuid primary key default gen_random_uuid(),
  -- Null: of the whole installation.
  site_id uuid references sites on delete cascade,
  alert_type text not null,
  severity text not null check (severity in ('info', 'warning', 'critical')),
  -- A French sentence for whoever reads the list by a program; screens write their own from type and metadata.
  message text not null,
  metadata jsonb not null default '{}',
  status text not null default 'active' check (status in ('active', 'acknowledged', 'resolved')),
  created_at timestamptz not null default now(),
  -- Noted every ten minutes while it lasts.
  last_seen_at timestamptz not null default now(),
  -- Since when it is as severe as it is.
  severity_since timestamptz not null default now(),
  -- Since when it has not been seen. It is over when that has lasted: what comes and goes is one alert.
  clear_since timestamptz,
  acknowledged_at timestamptz,
  acknowledged_by uuid references users on delete set null,
  resolved_at timestamptz,
  -- Who says that it is over. It opens again only when it has been over in fact.
  resolved_by uuid references users on delete set null,
  -- What people were told.
  told_at timestamptz,
  told_severity text,
  recovery_told_at timestamptz,
  -- It came too often in a day to be told again.
  quiet boolean not null default false,
  constraint alerts_resolved check ((status = 'resolved') = (resolved_at is not null))
);
-- One open alert for a site and a kind.
create unique index alerts_open on alerts (coalesce(site_id, '00000000-0000-0000-0000-000000000000'), alert_type)
  where resolved_at is null;
create index alerts_site on alerts (site_id, created_at desc);
create index alerts_told on alerts (told_at) where told_at is not null;
create index alerts_status on alerts (status, severity);
create index alerts_newest on alerts (created_at desc, id desc);
create index alerts_to_tell on alerts (resolved_at)
  where resolved_at is not null and told_at is not null and recovery_told_at is null;
create index alerts_overruled on alerts (site_id, alert_type) where resolved_by is not null and clear_since is null;
create index alerts_acknowledged_by on alerts (acknowledged_by) where acknowledged_by is not null;
create index alerts_resolved_by on alerts (resolved_by) where resolved_by is not null;
select neopro_guard('alerts', 'select, insert, update, delete');
create policy internal on alerts to neopro_app
  using ((select neopro_scope_is('system', 'staff'))) with check ((select neopro_scope_is('system', 'staff')));
create policy agency on alerts for select to neopro_app
  using ((select neopro_scope_is('agency'))
    and site_id in (select site_id from agency_sites where agency_id = (select neopro_tenant())));

-- What is to be told and to whom, committed with what it tells of; one job for each reader is made from it, once.
create table alert_notices (
  id uuid primary key default gen_random_uuid(),
  kind text not null check (kind in ('alerts', 'results', 'summary')),
  -- Whose it is; null: everybody's who has to do with it.
  user_id uuid references users on delete cascade,
  content jsonb not null,
  created_at timestamptz not null,
  spread_at timestamptz
);
create index alert_notices_waiting on alert_notices (created_at) where spread_at is null;
create index alert_notices_user on alert_notices (user_id) where user_id is not null;
select neopro_guard('alert_notices', 'select, insert, update, delete');
create policy internal on alert_notices to neopro_app
  using ((select neopro_scope_is('system'))) with check ((select neopro_scope_is('system')));

-- When it was looked, from when on it was looked without a gap, and when people were last written to.
create table alert_watch (
  only_row boolean primary key default true check (only_row),
  looked_at timestamptz,
  since timestamptz,
  told_at timestamptz,
  summary_at timestamptz
);
select neopro_guard('alert_watch', 'select, insert, update');
create policy internal on alert_watch to neopro_app
  using ((select neopro_scope_is('system'))) with check ((select neopro_scope_is('system')));
insert into alert_watch default values;

-- How many mails have left in a day, in UTC as providers count, and how many were not sent because of that.
create table mail_days (
  day date primary key,
  sent integer not null default 0,
  held integer not null default 0
);
select neopro_guard('mail_days', 'select, insert, update, delete');
create policy internal on mail_days to neopro_app
  using ((select neopro_scope_is('system'))) with check ((select neopro_scope_is('system')));

-- What a person wants to be written to about.
alter table users add column mail_alerts boolean not null default true;
alter table users add column mail_results boolean not null default true;
alter table users add column mail_summary boolean not null default true;

-- When whoever gave an order was told what became of it. Of those that are there nobody is told any more.
alter table content_deployments add column result_told_at timestamptz;
update content_deployments set result_told_at = created_at;
create index content_deployments_untold on content_deployments (started_at) where result_told_at is null;

-- What NeoPro 1 has noted. It never closed an alert, and raised the same one every hour: whether they last is not known, so
-- they are over, and what lasts opens anew.
do $$ begin
  if to_regclass('neopro_1.alerts') is not null then
    insert into alerts (id, site_id, alert_type, severity, message, metadata, status, created_at, last_seen_at,
        severity_since, clear_since, resolved_at, recovery_told_at)
      select (j->>'id')::uuid, s.id, coalesce(nullif(left(trim(coalesce(j->>'alert_type', j->>'type')), 50), ''), 'unknown'),
        case when j->>'severity' in ('info', 'warning', 'critical') then j->>'severity' else 'warning' end,
        coalesce(nullif(left(trim(j->>'message'), 2000), ''), coalesce(j->>'alert_type', j->>'type', 'unknown')),
        case when jsonb_typeof(j->'metadata') = 'object' then j->'metadata' else '{}' end, 'resolved', t.at, t.at, t.at,
        t.ended, t.ended, t.ended
      from (select to_jsonb(a) as j from neopro_1.alerts a) o
      join sites s on s.id = (j->>'site_id')::uuid
      cross join lateral (select (j->>'created_at')::timestamp at time zone 'UTC' as given,
        (j->>'resolved_at')::timestamp at time zone 'UTC' as over) m
      cross join lateral (select case when isfinite(m.given) and m.given >= '1970-01-01+00' and m.given < '9999-01-01+00'
        then m.given else now() end as at) f
      cross join lateral (select f.at, case when isfinite(m.over) and m.over >= f.at and m.over < '9999-01-01+00'
        then m.over else f.at end as ended) t
      where j->>'id' is not null
      on conflict do nothing;
  end if;
end $$;

-- What there is to tell of alerts, by kind: how many, and whose names come first.
create function neopro_alert_groups(ids uuid[]) returns jsonb
language sql stable set search_path = public, pg_temp as $fn$
  select coalesce(jsonb_agg(jsonb_build_object('type', g.alert_type, 'severity', g.severity, 'count', g.count,
      'names', to_jsonb(coalesce(g.names, '{}')), 'site_id', g.site_id, 'message', g.message)
      order by g.severity, g.count desc, g.alert_type), '[]')
  from (
    select a.alert_type, case when bool_or(a.severity = 'critical') then 'critical' else 'warning' end as severity,
      count(*) as count, (array_agg(s.site_name order by neopro_fold(s.site_name)) filter (where s.id is not null))[1:5] as names,
      case when count(*) = 1 then min(a.site_id::text) end as site_id, case when count(*) = 1 then min(a.message) end as message
    from alerts a left join sites s on s.id = a.site_id where a.id = any (ids) group by a.alert_type
  ) g
$fn$;
select neopro_guard_function('neopro_alert_groups(uuid[])');

-- Opens what is wrong and was not, and closes what is over. `troubles` is what this server has seen of itself.
--
-- A box counts as away from the moment on that somebody looked for it: a server that was away itself sees no outage of
-- the fleet when it comes back.
create function neopro_watch_alerts(rules jsonb, troubles jsonb, looking_since timestamptz, moment timestamptz) returns void
language plpgsql set search_path = public, pg_temp set plan_cache_mode = force_custom_plan set jit = off
as $fn$
declare
  away interval := make_interval(mins => (rules->>'offline_minutes')::integer);
  long_away interval := make_interval(mins => (rules->>'offline_critical_minutes')::integer);
  hot double precision := (rules->>'temperature_warning')::double precision;
  too_hot double precision := (rules->>'temperature_critical')::double precision;
  full_disk double precision := (rules->>'disk_warning')::double precision;
  too_full double precision := (rules->>'disk_critical')::double precision;
  full_memory double precision := (rules->>'memory_warning')::double precision;
begin
  -- `place` is the site, or all zeros: null is equal to nothing, and only what is compared by `=` is looked up by its hash.
  with wrong as (
    -- `opens`: it is wrong; without it what is open stays open, within a margin, or while the box says nothing.
    -- A box that is back has to be heard of all the time (its lease lasts 100 seconds) for that to be over.
    select s.id as site_id, 'site_offline' as alert_type, greatest(s.last_seen_at, looking_since) < moment - away as opens,
      case when greatest(s.last_seen_at, looking_since) < moment - long_away then 'critical' else 'warning' end as severity,
      'Le boîtier est hors ligne.' as message, jsonb_build_object('since', s.last_seen_at) as metadata
    from sites s
    where s.status <> 'maintenance' and s.last_seen_at is not null
      and greatest(s.last_seen_at, looking_since) < moment - interval '100 seconds'
    union all
    select l.site_id, m.kind, m.value > m.warning and l.heard_at > moment - interval '5 minutes',
      case when m.value > m.critical then 'critical' else 'warning' end, m.message,
      jsonb_build_object('value', round(m.value::numeric, 1), 'threshold', case when m.value > m.critical then m.critical else m.warning end)
    from site_latest l
    join sites s on s.id = l.site_id and s.status <> 'maintenance'
    cross join lateral (values
      ('high_temperature', l.temperature, hot, too_hot, 3, 'Température : ' || round(l.temperature::numeric) || ' °C.'),
      ('high_disk_usage', l.disk, full_disk, too_full, 2, 'Disque plein à ' || round(l.disk::numeric) || ' %.'),
      ('high_memory_usage', l.memory, full_memory, null, 5, 'Mémoire occupée à ' || round(l.memory::numeric) || ' %.')
    ) as m (kind, value, warning, critical, margin, message)
    where m.value > m.warning - m.margin
    union all
    select t.site_id, 'deployment_failed', true, 'warning',
      'Échec du déploiement de « ' || min(d.video_title) || ' »' || case when count(*) > 1 then
        ' et de ' || count(*) - 1 || ' de plus.' else '.' end,
      jsonb_build_object('count', count(*), 'title', min(d.video_title), 'reason', min(t.reason))
    from deployment_targets t
    join content_deployments d on d.id = t.deployment_id
    join sites s on s.id = t.site_id and s.status <> 'maintenance'
    where t.state = 'failed' and t.completed_at > moment - interval '7 days'
    group by t.site_id
    union all
    select null, x->>'type', true, x->>'severity', x->>'message', coalesce(x->'metadata', '{}')
    from jsonb_array_elements(troubles) x
  ), seen as (
    select coalesce(w.site_id, '00000000-0000-0000-0000-000000000000') as place, w.* from wrong w
  ), often as (
    select coalesce(p.site_id, '00000000-0000-0000-0000-000000000000') as place, p.alert_type from alerts p
      where p.told_at > moment - interval '24 hours' group by 1, 2 having count(*) >= 3
  ), opened as (
    insert into alerts (site_id, alert_type, severity, message, metadata, created_at, last_seen_at, severity_since, quiet)
      select n.site_id, n.alert_type, n.severity, n.message, n.metadata, moment, moment, moment,
        often.place is not null
      from seen n
      left join often on often.place = n.place and often.alert_type = n.alert_type
      where n.opens and not exists (
        select from alerts a where coalesce(a.site_id, '00000000-0000-0000-0000-000000000000') = n.place and a.alert_type = n.alert_type
          and (a.resolved_at is null or (a.resolved_by is not null and a.clear_since is null)))
      on conflict do nothing
  ), lasting as (
    -- It may grow worse and does not get better: what swings around a threshold is told once.
    update alerts a set
        clear_since = null,
        last_seen_at = moment,
        message = n.message,
        metadata = n.metadata,
        severity_since = case when n.severity = 'critical' and a.severity <> 'critical' then moment else a.severity_since end,
        severity = case when n.severity = 'critical' then 'critical' else a.severity end
      from seen n
      where a.resolved_at is null and coalesce(a.site_id, '00000000-0000-0000-0000-000000000000') = n.place and a.alert_type = n.alert_type
        and (a.clear_since is not null or a.last_seen_at <= moment - interval '10 minutes'
          or (n.severity = 'critical' and a.severity <> 'critical'))
  )
  update alerts a set clear_since = moment
    where a.clear_since is null and (a.resolved_at is null or a.resolved_by is not null)
      and not exists (
        select from seen n where coalesce(a.site_id, '00000000-0000-0000-0000-000000000000') = n.place and a.alert_type = n.alert_type);
  update alerts set status = 'resolved', resolved_at = moment
    where resolved_at is null and clear_since <= moment - interval '5 minutes';
end
$fn$;
select neopro_guard_function('neopro_watch_alerts(jsonb, jsonb, timestamptz, timestamptz)');

-- Makes a notice of what there is to tell: not before it has settled for a minute (or some of it is five minutes old), so
-- that those that fall together are told together, and not too soon behind the notice before.
create function neopro_tell_alerts(rules jsonb, told_before timestamptz, moment timestamptz) returns boolean
language plpgsql set search_path = public, pg_temp set plan_cache_mode = force_custom_plan set jit = off
as $fn$
declare
  hours integer := (rules->>'repeat_hours')::integer;
  opened uuid[];
  risen uuid[];
  recovered uuid[];
  again uuid[] := '{}';
  oldest timestamptz;
  newest timestamptz;
  settled boolean;
begin
  if told_before > moment - make_interval(mins => (rules->>'minutes_between')::integer) then
    return false;
  end if;
  select coalesce(array_agg(x.id) filter (where x.why = 'opened'), '{}'),
      coalesce(array_agg(x.id) filter (where x.why = 'risen'), '{}'),
      coalesce(array_agg(x.id) filter (where x.why = 'recovered'), '{}'), min(x.at), max(x.at)
    into opened, risen, recovered, oldest, newest
    from (
      select id, severity_since as at, case when told_at is null then 'opened' else 'risen' end as why from alerts
        where resolved_at is null and status = 'active' and clear_since is null and not quiet
          and (told_at is null or (severity = 'critical' and told_severity = 'warning'))
      union all
      select id, resolved_at, 'recovered' from alerts
        where resolved_at is not null and told_at is not null and recovery_told_at is null
    ) x;
  settled := newest <= moment - interval '1 minute' or oldest <= moment - interval '5 minutes';
  if hours > 0 and exists (
    select from alerts where resolved_at is null and status = 'active' and told_at <= moment - make_interval(hours => hours)
  ) then
    again := array(select id from alerts
      where resolved_at is null and status = 'active' and told_at is not null and id <> all (risen));
  end if;
  if settled is not true and again = '{}' then
    return false;
  end if;
  insert into alert_notices (kind, content, created_at)
    values ('alerts', jsonb_build_object('opened', neopro_alert_groups(opened), 'risen', neopro_alert_groups(risen),
      'recovered', neopro_alert_groups(recovered), 'again', neopro_alert_groups(again),
      'open', (select count(*) from alerts where resolved_at is null), 'sites', (select count(*) from sites)), moment);
  update alerts set told_at = moment, told_severity = severity
    where id = any (opened) or id = any (risen) or id = any (again);
  update alerts set recovery_told_at = moment where id = any (recovered);
  return true;
end
$fn$;
select neopro_guard_function('neopro_tell_alerts(jsonb, timestamptz, timestamptz)');

-- Makes a notice for each person whose orders have ended, or have run for a day: one for all that ended together.
create function neopro_tell_results(moment timestamptz) returns void
language sql set search_path = public, pg_temp as $fn$
  with ended as (
    select o.* from content_deployments d join deployment_orders o on o.id = d.id
    where d.result_told_at is null and d.started_at is not null
      and (d.started_at <= moment - interval '1 day'
        or (o.open_count = 0 and coalesce(o.completed_at, d.started_at) <= moment - interval '1 minute'))
  ), marked as (
    update content_deployments d set result_told_at = moment from ended e where d.id = e.id
  )
  insert into alert_notices (kind, user_id, content, created_at)
    select 'results', u.id, jsonb_build_object('orders', jsonb_agg(jsonb_build_object('id', e.id, 'title', e.video_title,
        'target', e.target_name, 'action', e.action, 'total', e.total_count - e.cancelled_count - e.superseded_count,
        'done', e.deployed_count, 'failed', e.failed_count, 'open', e.open_count) order by e.started_at, e.id)), moment
    from ended e join users u on u.id = e.deployed_by and u.mail_results and u.is_active and u.status = 'active'
    where e.status <> 'cancelled'
    group by u.id
$fn$;
select neopro_guard_function('neopro_tell_results(timestamptz)');

-- Makes the notice of a week, which ends on Monday morning in France; answers until when the weeks are told.
create function neopro_tell_week(told_until timestamptz, moment timestamptz) returns timestamptz
language plpgsql set search_path = public, pg_temp as $fn$
declare
  week_end timestamptz :=
    (date_trunc('week', moment at time zone 'Europe/Paris' - interval '7 hours') + interval '7 hours') at time zone 'Europe/Paris';
  week_start timestamptz := week_end - interval '7 days';
begin
  -- A new installation has had no week yet.
  if told_until is null then
    return moment;
  end if;
  if told_until >= week_end then
    return told_until;
  end if;
  insert into alert_notices (kind, content, created_at)
    with away as (
      select s.site_name, sum(greatest(0, extract(epoch from least(coalesce(a.clear_since, week_end), week_end)
        - greatest(coalesce((a.metadata->>'since')::timestamptz, a.created_at), week_start)) / 60))::bigint as minutes
      from alerts a join sites s on s.id = a.site_id
      where a.alert_type = 'site_offline' and a.created_at < week_end and coalesce(a.resolved_at, week_end) > week_start
      group by s.id
    )
    select 'summary', jsonb_build_object(
      'from', extract(epoch from week_start)::bigint, 'until', extract(epoch from week_end)::bigint,
      'sites', (select count(*) from sites), 'online', (select count(*) from sites where status = 'online'),
      'offline_minutes', coalesce((select sum(minutes) from away), 0)::bigint,
      'most_offline', coalesce((select jsonb_agg(jsonb_build_object('name', x.site_name, 'minutes', x.minutes)
        order by x.minutes desc, x.site_name)
        from (select * from away where minutes > 0 order by minutes desc, site_name limit 5) x), '[]'),
      'orders', (select count(*) from content_deployments where started_at >= week_start and started_at < week_end),
      'failed_orders', (select count(*) from deployment_orders
        where started_at >= week_start and started_at < week_end and status = 'failed'),
      'alerts', (select count(*) from alerts where created_at >= week_start and created_at < week_end),
      'critical', (select count(*) from alerts
        where created_at >= week_start and created_at < week_end and severity = 'critical'),
      'open', (select count(*) from alerts where resolved_at is null),
      'held', coalesce((select sum(held) from mail_days
        where day >= (week_start at time zone 'UTC')::date and day < (week_end at time zone 'UTC')::date), 0)), moment;
  return week_end;
end
$fn$;
select neopro_guard_function('neopro_tell_week(timestamptz, timestamptz)');

-- One look: what is wrong, what is over, what is to be told. In one transaction, one server at a time.
create function neopro_watch(rules jsonb, troubles jsonb, moment timestamptz) returns void
language plpgsql set search_path = public, pg_temp as $fn$
declare
  watch alert_watch;
begin
  perform pg_advisory_xact_lock(hashtext('neopro_watch'));
  select * into watch from alert_watch;
  if watch.looked_at is null or watch.looked_at < moment - interval '2 minutes' then
    watch.since := moment;
  end if;
  perform neopro_watch_alerts(rules, troubles, watch.since, moment);
  if neopro_tell_alerts(rules, watch.told_at, moment) then
    watch.told_at := moment;
  end if;
  perform neopro_tell_results(moment);
  if (rules->>'weekly_summary')::boolean then
    watch.summary_at := neopro_tell_week(watch.summary_at, moment);
  else
    watch.summary_at := moment;
  end if;
  update alert_watch set looked_at = greatest(looked_at, moment), since = watch.since, told_at = watch.told_at,
    summary_at = watch.summary_at;
end
$fn$;
select neopro_guard_function('neopro_watch(jsonb, jsonb, timestamptz)');

-- A mail that was counted has not left.
create function neopro_uncount_mail(moment timestamptz) returns void
language sql set search_path = public, pg_temp as $fn$
  update mail_days set sent = greatest(sent - 1, 0) where day = (moment at time zone 'UTC')::date
$fn$;
select neopro_guard_function('neopro_uncount_mail(timestamptz)');

-- Counts a mail that is about to leave; false if it is to stay because the day's number is reached. Mail about an
-- account always leaves.
create function neopro_count_mail(urgent boolean, most integer, moment timestamptz) returns boolean
language plpgsql set search_path = public, pg_temp as $fn$
declare
  today date := (moment at time zone 'UTC')::date;
begin
  insert into mail_days as d (day, sent) values (today, 1)
    on conflict (day) do update set sent = d.sent + 1 where urgent or most <= 0 or d.sent < most;
  if found then
    return true;
  end if;
  update mail_days set held = held + 1 where day = today;
  return false;
end
$fn$;
select neopro_guard_function('neopro_count_mail(boolean, integer, timestamptz)');
$m0026$;
insert into public.schema_migrations (version, name, checksum) values (26, '0026_alerts', 'a7995ac2712c9c2a1853a07d4c7bb2889af48194c352993d6fde6fe57212d558');
  elsif (select checksum from public.schema_migrations where version = 26) <> 'a7995ac2712c9c2a1853a07d4c7bb2889af48194c352993d6fde6fe57212d558' then
    raise exception 'La migration 0026_alerts enregistrée dans cette base n''est pas celle de ce programme.';
  end if;

  if not exists (select from public.schema_migrations where version = 30) then
execute $m0030$
-- The time zone of a club (0025) is read and written like the rest of it.

create or replace view site_overview with (security_invoker = true) as
select s.id, s.site_name, s.club_name, s.location, s.sports, s.status, s.last_seen_at, s.last_ip, s.local_ip,
  s.software_version, s.hardware_model, s.metadata, s.live_score_enabled, s.created_at, s.updated_at, s.search_text,
  coalesce((select x.reported_revision < x.desired_revision from site_states x where x.site_id = s.id), false) as behind,
  (select x.free_bytes from site_states x where x.site_id = s.id) as free_bytes,
  s.time_zone
from sites s;

-- As before, with the time zone of a site.
create or replace function neopro_audit_snapshot(kind text, thing uuid) returns jsonb
language plpgsql stable set search_path = public, pg_temp as $fn$
begin
  if kind = 'site' then
    return (select jsonb_build_object('site_name', site_name, 'club_name', club_name, 'location', location,
        'sports', sports, 'status', status, 'hardware_model', hardware_model,
        'live_score_enabled', live_score_enabled, 'time_zone', time_zone)
      from sites where id = thing);
  elsif kind = 'group' then
    -- Of a large group how many are in it: who they are would be half a megabyte at each change.
    return (select jsonb_build_object('name', name, 'description', description, 'type', type, 'filters', filters,
        'metadata', metadata, 'sites', (select case when count(*) <= 100
          then coalesce(jsonb_agg(m.site_id order by m.site_id), '[]') else to_jsonb(count(*)) end
        from site_groups m where m.group_id = thing))
      from groups where id = thing);
  elsif kind = 'video' then
    return (select jsonb_build_object('title', metadata->>'title', 'metadata', metadata - 'title',
        'original_name', original_name, 'category', category, 'subcategory', subcategory, 'mime_type', mime_type,
        'file_size', file_size, 'duration', duration, 'checksum', checksum, 'thumbnail', thumbnail_url)
      from videos where id = thing);
  elsif kind = 'deployment' then
    return (select jsonb_build_object('video_id', d.video_id, 'video_title', d.video_title, 'action', d.action,
        'target_type', d.target_type, 'target_id', d.target_id, 'target_name', d.target_name,
        'scheduled_at', d.scheduled_at, 'cancelled_at', d.cancelled_at, 'sites', (
          select coalesce(jsonb_object_agg(s.state, s.sites), '{}') from (
            select t.state, count(*) as sites from deployment_targets t where t.deployment_id = thing group by t.state) s))
      from content_deployments d where d.id = thing);
  elsif kind = 'user' then
    -- What tells who it is comes from the server, which keeps it apart.
    return (select jsonb_build_object('role', role, 'status', status, 'is_active', is_active, 'sponsor_id', sponsor_id,
        'agency_id', agency_id, 'mfa_enabled', coalesce(mfa_enabled, false), 'language', language)
      from users where id = thing);
  end if;
  raise 'the journal knows no %', kind;
end
$fn$;
$m0030$;
insert into public.schema_migrations (version, name, checksum) values (30, '0030_time_zones', '3b092d2fb1c6b8f070b67408e1b2c88c1a3d8eb7ca4f68f5278b2b9ab0e4dc18');
  elsif (select checksum from public.schema_migrations where version = 30) <> '3b092d2fb1c6b8f070b67408e1b2c88c1a3d8eb7ca4f68f5278b2b9ab0e4dc18' then
    raise exception 'La migration 0030_time_zones enregistrée dans cette base n''est pas celle de ce programme.';
  end if;

  if not exists (select from public.schema_migrations where version = 31) then
execute $m0031$
-- What the server says to the database all day, in few bytes: platforms bill what leaves a server, and behind a pooler the
-- text of a statement travels every time. The lists of a heartbeat stay lists of columns: to take a document apart costs the
-- database more than to store it.

-- Notes what was heard of sites. A state that a person set stays; a connection that has ended says nothing about a site
-- that was heard of since, or has come to another replica ($7).
create function neopro_note_news(uuid[], timestamptz[], boolean[], text[], text[], text[], uuid, timestamptz[])
returns void language plpgsql set search_path = public, pg_temp as $fn$
begin
  update sites set
    replica_id = case when sites.connected_at > news.arrived then sites.replica_id
      when news.arrived is not null then $7 else sites.replica_id end,
    connected_at = greatest(sites.connected_at, news.arrived),
    last_seen_at = greatest(sites.last_seen_at, news.seen),
    last_ip = coalesce(news.ip, sites.last_ip),
    local_ip = coalesce(news.local_ip, sites.local_ip),
    software_version = coalesce(news.software_version, sites.software_version),
    status = case when sites.status not in ('online', 'offline') then sites.status
      when news.online then 'online'
      when sites.last_seen_at > news.seen or sites.replica_id <> $7 then sites.status
      else 'offline' end
  from unnest($1, $2, $3, $4, $5, $6, $8) as news (id, seen, online, ip, local_ip, software_version, arrived)
  where sites.id = news.id;
end
$fn$;
select neopro_guard_function(
  'neopro_note_news(uuid[], timestamptz[], boolean[], text[], text[], text[], uuid, timestamptz[])');

-- Adds figures to their five minutes and hours and keeps the latest of each site. Sites that are gone are passed over.
create function neopro_note_figures(
  uuid[], timestamptz[], integer[], bigint[], bigint[], timestamptz[], double precision[], integer[],
  double precision[], double precision[], integer[], double precision[], double precision[], integer[],
  double precision[], double precision[], integer[], double precision[], double precision[],
  double precision[], double precision[], double precision[], bigint[], boolean[])
returns void language plpgsql set search_path = public, pg_temp as $fn$
begin
  with heard as (
    select heard.* from unnest(
      $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
      $23, $24)
      as heard (site_id, slot, beats, minutes, uptime_max, heard_at,
        cpu_sum, cpu_count, cpu_max, memory_sum, memory_count, memory_max,
        temperature_sum, temperature_count, temperature_max, disk_sum, disk_count, disk_max,
        cpu, memory, temperature, disk, uptime, is_last)
    join sites on sites.id = heard.site_id
  ), slots as (
    insert into site_figures_5min (site_id, slot, beats, uptime_max,
        cpu_sum, cpu_count, cpu_max, memory_sum, memory_count, memory_max,
        temperature_sum, temperature_count, temperature_max, disk_sum, disk_count, disk_max)
    select site_id, slot, beats, uptime_max,
        cpu_sum, cpu_count, cpu_max, memory_sum, memory_count, memory_max,
        temperature_sum, temperature_count, temperature_max, disk_sum, disk_count, disk_max
    from heard order by site_id, slot
    on conflict (site_id, slot) do update set beats = site_figures_5min.beats + excluded.beats,
      uptime_max = greatest(site_figures_5min.uptime_max, excluded.uptime_max),
      cpu_sum = site_figures_5min.cpu_sum + excluded.cpu_sum, cpu_count = site_figures_5min.cpu_count + excluded.cpu_count,
      cpu_max = greatest(site_figures_5min.cpu_max, excluded.cpu_max),
      memory_sum = site_figures_5min.memory_sum + excluded.memory_sum,
      memory_count = site_figures_5min.memory_count + excluded.memory_count,
      memory_max = greatest(site_figures_5min.memory_max, excluded.memory_max),
      temperature_sum = site_figures_5min.temperature_sum + excluded.temperature_sum,
      temperature_count = site_figures_5min.temperature_count + excluded.temperature_count,
      temperature_max = greatest(site_figures_5min.temperature_max, excluded.temperature_max),
      disk_sum = site_figures_5min.disk_sum + excluded.disk_sum,
      disk_count = site_figures_5min.disk_count + excluded.disk_count,
      disk_max = greatest(site_figures_5min.disk_max, excluded.disk_max)
  ), hours as (
    insert into site_figures (site_id, hour, beats, minutes, uptime_max,
        cpu_sum, cpu_count, cpu_max, memory_sum, memory_count, memory_max,
        temperature_sum, temperature_count, temperature_max, disk_sum, disk_count, disk_max)
    select site_id, to_timestamp(floor(extract(epoch from slot) / 3600) * 3600), sum(beats), bit_or(minutes),
        max(uptime_max), sum(cpu_sum), sum(cpu_count), max(cpu_max),
        sum(memory_sum), sum(memory_count), max(memory_max),
        sum(temperature_sum), sum(temperature_count), max(temperature_max),
        sum(disk_sum), sum(disk_count), max(disk_max)
    from heard group by 1, 2 order by 1, 2
    on conflict (site_id, hour) do update set beats = site_figures.beats + excluded.beats,
      uptime_max = greatest(site_figures.uptime_max, excluded.uptime_max),
      cpu_sum = site_figures.cpu_sum + excluded.cpu_sum, cpu_count = site_figures.cpu_count + excluded.cpu_count,
      cpu_max = greatest(site_figures.cpu_max, excluded.cpu_max),
      memory_sum = site_figures.memory_sum + excluded.memory_sum,
      memory_count = site_figures.memory_count + excluded.memory_count,
      memory_max = greatest(site_figures.memory_max, excluded.memory_max),
      temperature_sum = site_figures.temperature_sum + excluded.temperature_sum,
      temperature_count = site_figures.temperature_count + excluded.temperature_count,
      temperature_max = greatest(site_figures.temperature_max, excluded.temperature_max),
      disk_sum = site_figures.disk_sum + excluded.disk_sum,
      disk_count = site_figures.disk_count + excluded.disk_count,
      disk_max = greatest(site_figures.disk_max, excluded.disk_max),
      minutes = site_figures.minutes | excluded.minutes
  )
  insert into site_latest (site_id, heard_at, cpu, memory, temperature, disk, uptime)
  select site_id, heard_at, cpu, memory, temperature, disk, uptime from heard where is_last order by site_id
  on conflict (site_id) do update set heard_at = excluded.heard_at, cpu = excluded.cpu, memory = excluded.memory,
    temperature = excluded.temperature, disk = excluded.disk, uptime = excluded.uptime
  where site_latest.heard_at <= excluded.heard_at;
end
$fn$;
select neopro_guard_function('neopro_note_figures(
  uuid[], timestamptz[], integer[], bigint[], bigint[], timestamptz[], double precision[], integer[],
  double precision[], double precision[], integer[], double precision[], double precision[], integer[],
  double precision[], double precision[], integer[], double precision[], double precision[],
  double precision[], double precision[], double precision[], bigint[], boolean[])');

-- What time has made due, in one question for all who would ask: commands that are overdue, jobs, orders whose day has come,
-- counts of orders to be put together, entries of the journal that no seal has.
create function neopro_due(moment timestamptz)
returns table (commands boolean, jobs boolean, orders boolean, tallies boolean, journal boolean)
language plpgsql stable set search_path = public, pg_temp as $fn$
begin
  return query select
    exists (select from remote_commands where origin = 'person' and status in ('pending', 'executing')
      and deadline <= moment),
    exists (select from public.jobs j where j.state = 'waiting' and j.run_at <= moment
      and (j.lease_until is null or j.lease_until <= moment)),
    exists (select from content_deployments where scheduled_at <= moment and started_at is null and cancelled_at is null),
    exists (select from deployment_tallies group by deployment_id having count(*) > 1),
    exists (select from audit_logs where number is null);
end
$fn$;
select neopro_guard_function('neopro_due(timestamptz)');
$m0031$;
insert into public.schema_migrations (version, name, checksum) values (31, '0031_few_bytes', '432384c96b8c53d6ee82f7f48d0071b55b2a8d68d4ce30bc4434225139f61007');
  elsif (select checksum from public.schema_migrations where version = 31) <> '432384c96b8c53d6ee82f7f48d0071b55b2a8d68d4ce30bc4434225139f61007' then
    raise exception 'La migration 0031_few_bytes enregistrée dans cette base n''est pas celle de ce programme.';
  end if;

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
end
$neopro$;

select max(version) as schema_version, count(*) as migrations from public.schema_migrations;
