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
