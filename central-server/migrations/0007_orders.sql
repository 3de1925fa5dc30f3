-- What the first weeks of orders have shown: orders to thousands of sites whose plan does not depend on what the planner
-- knows of tables that were empty a moment ago; removals of what never arrived; failures that came too late.
--
-- Functions that work on many sites plan anew each time (`force_custom_plan`): an array that the planner can see is
-- looked into by its hash, another one from its beginning for each row.

-- As before, with the reasons for which an order has no site.
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

-- As before.
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

-- As before.
create or replace function neopro_cancel_deployment(deployment uuid, moment timestamptz) returns setof uuid
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

-- As before; a removal that a box of protocol 1 could not carry out is told to it again.
create or replace function neopro_retry_deployment(deployment uuid, only_sites uuid[], moment timestamptz)
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

-- As before; what was never there is not waited for.
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

-- As before; a failure that comes after the command was given up changes nothing.
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
