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
