-- Commands that people give to single boxes, beside those by which deployments are carried out on boxes of protocol 1.

alter table remote_commands
  -- Whose it is: what a person has asked for neither holds up a deployment nor counts as a part of it.
  add column origin text not null default 'deployment' check (origin in ('deployment', 'person')),
  -- It waited for its box, or still does.
  add column queued boolean not null default false,
  -- 1 goes first, 10 last, among those that wait for the same box.
  add column priority smallint not null default 5 check (priority between 1 and 10),
  -- How long the box may take once it is told.
  add column seconds integer,
  -- Until when it waits for its box; null if it does not wait.
  add column expires_at timestamptz,
  -- When the box had it on its disk. One of NeoPro 1 never says so: its answer does.
  add column received_at timestamptz,
  -- What of its data is secret, sealed; gone when the command has ended.
  add column secrets text;

create index remote_commands_open on remote_commands (site_id, priority, created_at)
  where origin = 'person' and status in ('pending', 'executing');
create index remote_commands_due on remote_commands (deadline)
  where origin = 'person' and status in ('pending', 'executing');
-- Rows come in the order of their age and go in it.
create index remote_commands_age on remote_commands using brin (created_at) with (pages_per_range = 32);

-- Whether a box of protocol 1 is busy with what changes its configuration file. It does that without a lock: two at
-- once lose one. Asked with the row of the site's state locked.
create function neopro_writes_configuration(site uuid) returns boolean
language plpgsql set search_path = public, pg_temp as $fn$
begin
  return exists (select from remote_commands c where c.site_id = site and c.status = 'executing'
    and (c.origin = 'deployment' or c.command_type = 'update_config'));
end
$fn$;
select neopro_guard_function('neopro_writes_configuration(uuid)');

-- Writes a person's command down, and into the journal: as told when its box is connected (`told`), else as waiting
-- until `waits_until`, if it may wait. `alone`: the box does one such command at a time. An id that is known writes
-- nothing: what it names is answered. `outcome`: 'sent', 'queued', 'known', 'taken' (the id is another command's),
-- 'crowded' (too many wait already), 'away' (the box is, and the command does not wait), 'gone' (no such site).
create function neopro_ask_command(
  site uuid, command uuid, kind text, data jsonb, sealed text, importance smallint, moment timestamptz,
  seconds integer, waits_until timestamptz, told boolean, alone boolean, most integer, ip text, agent text,
  out outcome text, out state text
) language plpgsql set search_path = public, pg_temp as $fn$
declare
  known remote_commands;
  goes boolean := told;
begin
  if told and alone then
    insert into site_states (site_id) select s.id from sites s where s.id = site on conflict do nothing;
    perform from site_states s where s.site_id = site for update;
    goes := not neopro_writes_configuration(site);
  end if;
  insert into remote_commands (id, site_id, command_type, command_data, secrets, status, origin, queued, priority,
      seconds, expires_at, executed_by, created_at, executed_at, deadline)
    select command, s.id, kind, data, sealed, case when goes then 'executing' else 'pending' end, 'person', not goes,
      importance, neopro_ask_command.seconds, waits_until, neopro_user(), moment, case when goes then moment end,
      case when goes then moment + make_interval(secs => neopro_ask_command.seconds) else waits_until end
    from sites s
    where s.id = site and (goes or waits_until is not null)
      and (select count(*) from remote_commands o where o.site_id = site and o.origin = 'person'
        and o.status in ('pending', 'executing')) < most
    on conflict (id) do nothing;
  if found then
    insert into audit_logs (action, user_id, target_type, target_id, details, ip_address, user_agent, created_at)
      values ('COMMAND_SENT', neopro_user(), 'site', site::text,
        jsonb_build_object('command', kind, 'commandId', command), ip, agent, moment);
    outcome := case when goes then 'sent' else 'queued' end;
    return;
  end if;
  select * into known from remote_commands c where c.id = command;
  if known.id is not null then
    outcome := case when known.site_id = site and known.command_type = kind and known.origin = 'person' then 'known'
      else 'taken' end;
    state := known.status;
  elsif exists (select from sites s where s.id = site) is false then
    outcome := 'gone';
  elsif not goes and waits_until is null then
    outcome := 'away';
  else
    outcome := 'crowded';
  end if;
end
$fn$;
select neopro_guard_function('neopro_ask_command(uuid, uuid, text, jsonb, text, smallint, timestamptz, integer, '
  'timestamptz, boolean, boolean, integer, text, text)');

-- What is to be told now to boxes that are connected: what waits for them, and what was told to a box of protocol 2 that
-- has not said that it has it, at most so many for each site. What waits counts as told from now on; to a box of
-- protocol 1 it is never told twice.
create function neopro_tell_commands(sites uuid[], olds boolean[], most integer, moment timestamptz)
returns table (id uuid, site_id uuid, command_type text, command_data jsonb, secrets text)
language plpgsql set search_path = public, pg_temp as $fn$
declare
  c record;
begin
  for c in
    select x.*, n.is_old from unnest(sites, olds) as n (site, is_old) cross join lateral (
        select r.* from remote_commands r
        where r.site_id = n.site and r.origin = 'person' and r.status in ('pending', 'executing')
          and r.deadline > moment and (r.status = 'pending' or not n.is_old and r.received_at is null)
        order by r.priority, r.created_at, r.id limit most) x
      order by x.site_id, x.priority, x.created_at, x.id
  loop
    if c.status = 'pending' then
      if c.is_old and c.command_type = 'update_config' then
        insert into site_states (site_id) values (c.site_id) on conflict do nothing;
        perform from site_states s where s.site_id = c.site_id for update;
        continue when neopro_writes_configuration(c.site_id);
      end if;
      update remote_commands r set status = 'executing', executed_at = moment,
          deadline = moment + make_interval(secs => r.seconds)
        where r.id = c.id and r.status = 'pending' and r.deadline > moment;
      -- Another replica was faster, or its time was over.
      continue when not found;
    end if;
    id := c.id;
    site_id := c.site_id;
    command_type := c.command_type;
    command_data := c.command_data;
    secrets := c.secrets;
    return next;
  end loop;
end
$fn$;
select neopro_guard_function('neopro_tell_commands(uuid[], boolean[], integer, timestamptz)');

-- Commands that count as told, and could not be: their boxes have gone this moment. They wait after all, or have failed.
-- Answers those that were still so.
create function neopro_take_back_commands(ids uuid[], moment timestamptz) returns setof uuid
language sql set search_path = public, pg_temp as $fn$
  update remote_commands r set executed_at = null, queued = expires_at is not null,
      status = case when expires_at is null then 'failed' else 'pending' end,
      deadline = coalesce(expires_at, deadline), completed_at = case when expires_at is null then moment end,
      secrets = case when expires_at is not null then secrets end,
      error_message = case when expires_at is null then 'Le boîtier s''est déconnecté avant de recevoir la commande.' end
    where r.id = any (ids) and r.origin = 'person' and r.status = 'executing' and r.received_at is null
    returning r.id
$fn$;
select neopro_guard_function('neopro_take_back_commands(uuid[], timestamptz)');

-- Takes the answers of boxes to people's commands: each that is one, and whether it is news. One that comes after the
-- command was given up still tells the truth; a second one changes nothing.
create function neopro_answer_commands(
  sites uuid[], ids uuid[], successes boolean[], results jsonb[], messages text[], moment timestamptz
) returns table (id uuid, site_id uuid, command_type text, is_news boolean)
language plpgsql set search_path = public, pg_temp as $fn$
declare
  asked uuid[];
begin
  -- In one order, so that two such statements never wait for each other.
  asked := array(select r.id from remote_commands r
    where r.id = any (ids) and r.origin = 'person' order by r.id for update);
  return query
    with given as (
      select distinct on (g.id) g.* from unnest(sites, ids, successes, results, messages)
        as g (site, id, succeeded, result, message)
      join remote_commands r on r.id = g.id and r.site_id = g.site
      where g.id = any (asked) order by g.id
    ), written as (
      update remote_commands r set status = case when g.succeeded then 'completed' else 'failed' end,
          result = g.result, error_message = g.message, completed_at = moment,
          received_at = coalesce(r.received_at, moment), secrets = null
        from given g
        where r.id = g.id and r.executed_at is not null and r.status in ('executing', 'timeout')
        returning r.id
    )
    select g.id, g.site, r.command_type, w.id is not null
      from given g join remote_commands r on r.id = g.id left join written w on w.id = g.id;
end
$fn$;
select neopro_guard_function(
  'neopro_answer_commands(uuid[], uuid[], boolean[], jsonb[], text[], timestamptz)');

-- What a box of protocol 1 is to do next, written down as its running command before it is told; no row when there
-- is nothing, or when it is still busy with the last one, or with a configuration that a person has sent.
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
      where c.site_id = site and c.origin = 'deployment' and c.status = 'executing' and c.deadline <= moment returning *
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
  if neopro_writes_configuration(site) then
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

-- The answer of a box to one of the commands that carry out deployments. Answers whether it was waited for: a second one changes nothing,
-- one that comes after the command was given up still tells the truth.
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
    where r.id = command and r.site_id = site and r.origin = 'deployment' and r.status in ('executing', 'timeout')
    returning * into c;
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
