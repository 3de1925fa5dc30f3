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
