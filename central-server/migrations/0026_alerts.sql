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
