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
