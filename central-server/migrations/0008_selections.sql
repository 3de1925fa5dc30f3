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
