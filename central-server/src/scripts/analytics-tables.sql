-- Tables d'analyse de NeoPro (étape 8.3 du guide). Déjà comprises dans init-db.sql ; sans effet après lui.
-- Généré à partir de central-server/migrations par `cargo xtask generate` : ne pas modifier à la main.
do $neopro$
declare
  allowed boolean;
begin
  perform set_config('search_path', 'public', true);
  perform pg_advisory_xact_lock(7041776033);
  if to_regclass('public.schema_migrations') is not null then
    allowed := (select count(*) from public.schema_migrations where version <= 1) = 1;
  end if;
  if allowed is not true then
    raise exception 'Exécutez d''abord init-db.sql (étape 8.2 du guide) : les tables de base manquent.';
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
end
$neopro$;

select max(version) as schema_version, count(*) as migrations from public.schema_migrations;
