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
