-- Copies what has happened: commands, the journal, figures. Then tells what stays where it is.

-- A command that NeoPro 1 has not seen the end of has none. Documents that may hold secrets come later, by the program.
insert into public.remote_commands (id, site_id, command_type, command_data, status, result, error_message, executed_by,
    created_at, executed_at, completed_at, origin)
  select (j->>'id')::uuid, s.id, coalesce(neopro_1.words(j->>'command_type', 100), 'unknown'),
    case when (j->'command_data')::text !~* '@secrets@' then neopro_1.object(j->'command_data') else '{}' end,
    case when j->>'status' in ('completed', 'failed', 'timeout') then j->>'status' else 'timeout' end,
    case when (j->'result')::text !~* '@secrets@' then neopro_1.wrapped(j->'result') end,
    coalesce(j->>'error_message', case when j->>'status' in ('completed', 'failed', 'timeout') is not true then
      'NeoPro 1 n''a pas vu la fin de cette commande.' end),
    u.id, coalesce(neopro_1.moment(j->>'created_at'), now()), neopro_1.moment(j->>'executed_at'),
    coalesce(neopro_1.moment(j->>'completed_at'), neopro_1.moment(j->>'created_at'), now()),
    case when j->>'command_type' in ('deploy_video', 'delete_video') then 'deployment' else 'person' end
  from (select to_jsonb(t) as j from neopro_1.remote_commands t) o
  join public.sites s on s.id = (j->>'site_id')::uuid
  left join public.users u on u.id = (j->>'executed_by')::uuid
  where j->>'id' is not null
  on conflict do nothing;
select neopro_1.note('changed', 'Commandes sans issue connue : notées sans réponse, aucune n''est envoyée de nouveau', count(*))
  from neopro_1.remote_commands t cross join lateral (select to_jsonb(t) as j) o
  where j->>'status' in ('completed', 'failed', 'timeout') is not true;

insert into public.audit_logs (id, action, user_id, target_type, target_id, details, ip_address, user_agent, created_at,
    session_id, token_id, written_at)
  select coalesce((j->>'id')::uuid, gen_random_uuid()), coalesce(neopro_1.words(j->>'action', 100), 'UNKNOWN'),
    (j->>'user_id')::uuid, j->>'target_type', j->>'target_id', neopro_1.wrapped(j->'details'), j->>'ip_address',
    j->>'user_agent', coalesce(neopro_1.moment(j->>'created_at'), now()), null, null, null
  from (select to_jsonb(t) as j from neopro_1.audit_logs t) o
  on conflict do nothing;

-- What NeoPro 1 has counted of a day is kept as it was. Days that it never counted (nothing called its functions) are
-- counted here from the plays, in the days of France.
insert into public.club_daily_stats (site_id, date, sessions_count, screen_time_seconds, videos_played, manual_triggers,
    auto_plays, sponsor_plays, jingle_plays, ambiance_plays, other_plays, avg_cpu, avg_memory, avg_temperature,
    max_temperature, uptime_percent, incidents_count, calculated_at)
  select s.id, (j->>'date')::date, coalesce((j->>'sessions_count')::integer, 0),
    coalesce((j->>'screen_time_seconds')::bigint, 0), coalesce((j->>'videos_played')::integer, 0),
    coalesce((j->>'manual_triggers')::integer, 0), coalesce((j->>'auto_plays')::integer, 0),
    coalesce((j->>'sponsor_plays')::integer, 0), coalesce((j->>'jingle_plays')::integer, 0),
    coalesce((j->>'ambiance_plays')::integer, 0), coalesce((j->>'other_plays')::integer, 0),
    (j->>'avg_cpu')::numeric, (j->>'avg_memory')::numeric, (j->>'avg_temperature')::numeric,
    (j->>'max_temperature')::numeric, (j->>'uptime_percent')::numeric, coalesce((j->>'incidents_count')::integer, 0),
    coalesce(neopro_1.moment(j->>'calculated_at'), now())
  from (select to_jsonb(t) as j from neopro_1.club_daily_stats t) o
  join public.sites s on s.id = (j->>'site_id')::uuid
  where neopro_1.moment(j->>'date') is not null
  on conflict do nothing;
do $over$
declare
  days bigint;
begin
  insert into public.club_daily_stats (site_id, date, screen_time_seconds, videos_played, manual_triggers, auto_plays,
      sponsor_plays, jingle_plays, ambiance_plays, other_plays)
    select p.site_id, (p.played_at::timestamptz at time zone 'Europe/Paris')::date as day,
      coalesce(sum(greatest(p.duration_played, 0)), 0), count(*), count(*) filter (where p.trigger_type = 'manual'),
      count(*) filter (where p.trigger_type is distinct from 'manual'), count(*) filter (where p.category = 'sponsor'),
      count(*) filter (where p.category = 'jingle'), count(*) filter (where p.category = 'ambiance'),
      count(*) filter (where p.category in ('sponsor', 'jingle', 'ambiance') is not true)
    from neopro_1.video_plays p
    where p.played_at >= '1971-01-01' and p.played_at < '9999-01-01'
      and p.site_id in (select id from public.sites)
    group by 1, 2
    on conflict do nothing;
  get diagnostics days = row_count;
  perform neopro_1.note('taken', 'Journées de diffusion comptées à partir des diffusions, que NeoPro 1 n''avait pas comptées',
    days);
end
$over$;

-- What boxes have measured of themselves, by the hour, for the thirteen months for which that is kept; and their last words.
insert into public.site_figures (site_id, hour, beats, minutes, cpu_sum, cpu_count, cpu_max, memory_sum, memory_count,
    memory_max, temperature_sum, temperature_count, temperature_max, disk_sum, disk_count, disk_max, uptime_max)
  select m.site_id, date_trunc('hour', m.recorded_at::timestamptz), count(*),
    bit_or(1::bigint << extract(minute from m.recorded_at)::integer),
    coalesce(sum(c.cpu), 0), count(c.cpu), max(c.cpu), coalesce(sum(c.memory), 0), count(c.memory), max(c.memory),
    coalesce(sum(c.temperature), 0), count(c.temperature), max(c.temperature),
    coalesce(sum(c.disk), 0), count(c.disk), max(c.disk), max(c.uptime)
  from neopro_1.metrics m
  cross join lateral (select
    case when m.cpu_usage between 0 and 100 then m.cpu_usage end as cpu,
    case when m.memory_usage between 0 and 100 then m.memory_usage end as memory,
    case when m.temperature between -60 and 200 then m.temperature end as temperature,
    case when m.disk_usage between 0 and 100 then m.disk_usage end as disk,
    case when m.uptime >= 0 then m.uptime end as uptime) c
  where m.recorded_at >= now() - interval '13 months' and m.recorded_at <= now() + interval '1 hour'
    and m.site_id in (select id from public.sites)
  group by 1, 2;
insert into public.site_latest (site_id, heard_at, cpu, memory, temperature, disk, uptime)
  select s.id, l.recorded_at, case when l.cpu_usage between 0 and 100 then l.cpu_usage end,
    case when l.memory_usage between 0 and 100 then l.memory_usage end,
    case when l.temperature between -60 and 200 then l.temperature end,
    case when l.disk_usage between 0 and 100 then l.disk_usage end, case when l.uptime >= 0 then l.uptime end
  from public.sites s cross join lateral (
    select * from neopro_1.metrics m where m.site_id = s.id and m.recorded_at >= '1971-01-01'
      and m.recorded_at <= now() + interval '1 hour' order by m.recorded_at desc limit 1) l;

-- How many rows each table has given. Rows that ours cannot hold are still in the old one.
do $over$
declare
  carried record;
  before bigint;
  after bigint;
  missing bigint;
  which text[];
begin
  for carried in
    select * from (values (1, 'users', 'Comptes', 'id'), (2, 'agencies', 'Agences', 'id'),
      (3, 'sponsors', 'Partenaires', 'id'), (4, 'sites', 'Sites', 'id'), (5, 'groups', 'Groupes', 'id'),
      (6, 'site_groups', 'Sites dans des groupes', null), (7, 'agency_sites', 'Sites d''agences', null),
      (8, 'sponsor_sites', 'Sites de partenaires', null), (9, 'videos', 'Vidéos', 'id'),
      (10, 'content_deployments', 'Déploiements', 'id'), (11, 'remote_commands', 'Commandes', 'id'),
      (12, 'audit_logs', 'Lignes du journal', 'id'), (13, 'club_daily_stats', 'Journées comptées par NeoPro 1', null)
    ) as c (place, name, sentence, key)
    where not exists (select from neopro_1.absent a where a.name = c.name) order by place
  loop
    which := '{}';
    execute format('select count(*) from neopro_1.%I', carried.name) into before;
    if carried.key is not null then
      execute format('select count(*), (array_agg(o.id::text order by o.id))[1:5] from neopro_1.%1$I o
        where not exists (select from public.%1$I n where n.id = o.id)', carried.name) into missing, which;
    elsif carried.name = 'club_daily_stats' then
      select count(*) into missing from neopro_1.club_daily_stats o
        where not exists (select from public.club_daily_stats n where n.site_id = o.site_id and n.date = o.date);
    else
      execute format('select count(*) from public.%I', carried.name) into after;
      missing := before - after;
    end if;
    perform neopro_1.note('taken', carried.sentence, before - missing);
    perform neopro_1.note('kept', 'Lignes laissées dans neopro_1.' || carried.name || ', parce qu''elles renvoient à ce qui '
      'n''existe plus ou que cette version ne sait pas les écrire', missing, which);
  end loop;
end
$over$;

-- What has no table yet, whole: the migration that brings one takes its rows from here.
do $over$
declare
  whole record;
  counted bigint;
begin
  for whole in
    select * from (values (1, 'video_plays', 'Diffusions'), (2, 'club_sessions', 'Séances de diffusion'),
      (3, 'sponsor_impressions', 'Diffusions de partenaires'), (4, 'sponsor_videos', 'Vidéos de partenaires'),
      (5, 'sponsor_daily_stats', 'Journées de partenaires'), (6, 'analytics_categories', 'Catégories d''analyse'),
      (7, 'config_history', 'Versions de configurations'), (8, 'pending_commands', 'Commandes en attente (elles ne sont '
        'pas envoyées : redonnez celles qui comptent encore)'), (9, 'metrics', 'Mesures des boîtiers, une par une (reprises '
        'par heure)'), (10, 'alerts', 'Alertes'), (11, 'alert_thresholds', 'Seuils d''alerte'),
      (12, 'software_updates', 'Mises à jour logicielles'), (13, 'update_deployments', 'Déploiements de mises à jour'),
      (14, 'canary_deployments', 'Déploiements progressifs'), (15, 'canary_site_status', 'Sites de déploiements progressifs'),
      (16, 'password_reset_tokens', 'Liens de mot de passe (ils n''ouvrent plus rien)'),
      (17, 'rls_audit_log', 'Traces d''accès de NeoPro 1')) as w (place, name, sentence)
    where to_regclass('neopro_1.' || name) is not null
      and not exists (select from neopro_1.absent a where a.name = w.name) order by place
  loop
    execute format('select count(*) from neopro_1.%I', whole.name) into counted;
    perform neopro_1.note('kept', whole.sentence || ' : dans neopro_1.' || whole.name, counted);
  end loop;
end
$over$;

do $over$
declare
  stand_in text;
begin
  for stand_in in select name from neopro_1.absent loop
    execute format('drop table neopro_1.%I', stand_in);
  end loop;
  drop table neopro_1.absent;
end
$over$;
drop function neopro_1.words(text, integer);
drop function neopro_1.moment(text);
drop function neopro_1.object(jsonb);
drop function neopro_1.wrapped(jsonb);
drop function neopro_1.place(jsonb);
