-- Boxes of protocol 1 know no desired state: the server finds out what is missing, and tells them one command at a
-- time. Their inventory is what they answered, and what their mirrored configuration shows.

-- A command of such a box has failed, or nothing was heard of it for too long: the file is tried again later, three
-- times in all.
create function neopro_command_failed(
  site uuid, command_type text, video uuid, code text, message text, moment timestamptz
) returns void
language sql set search_path = public, pg_temp as $fn$
  update site_inventory i set
    state = case when command_type = 'delete_video' then i.state when i.attempts >= 3 then 'failed' else 'pending' end,
    progress = case when command_type = 'delete_video' then i.progress else 0 end,
    reason_code = case when command_type = 'delete_video' and i.attempts >= 3 then 'delete_failed' else code end,
    reason = message,
    -- One minute, then five.
    retry_at = moment + interval '1 minute' * case when i.attempts <= 1 then 1 else 5 end,
    changed_at = moment
  where i.site_id = site and i.video_id = video
$fn$;
select neopro_guard_function('neopro_command_failed(uuid, text, uuid, text, text, timestamptz)');

-- What a box of protocol 1 is to do next, written down as its running command before it is told; no row when there
-- is nothing, or when it is still busy with the last one.
create function neopro_next_command(site uuid, command uuid, moment timestamptz)
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
select neopro_guard_function('neopro_next_command(uuid, uuid, timestamptz)');

-- The answer of a box to one of its own commands. Answers whether it was waited for: a second one changes nothing,
-- one that comes after the command was given up still tells the truth.
create function neopro_finish_command(
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
select neopro_guard_function('neopro_finish_command(uuid, uuid, boolean, jsonb, text, text, timestamptz)');

-- The mirror of a site's configuration. Of a box of protocol 1 it also shows which of our videos are there: an entry
-- is proof of presence, and one that was there and is gone is proof of absence.
create function neopro_mirror(
  site uuid, document jsonb, apart text, document_hash text, of_protocol_1 boolean, ids uuid[], filenames text[],
  categories text[], subcategories text[], moment timestamptz
) returns void
language plpgsql set search_path = public, pg_temp as $fn$
begin
  insert into site_mirrors (site_id, configuration, secrets, hash, received_at)
    values (site, document, apart, document_hash, moment)
    on conflict (site_id) do update set configuration = excluded.configuration, secrets = excluded.secrets,
      hash = excluded.hash, received_at = excluded.received_at;
  if not of_protocol_1 then
    return;
  end if;
  insert into site_states (site_id) values (site) on conflict do nothing;
  perform from site_states s where s.site_id = site for update;
  delete from site_inventory i where i.site_id = site and i.mirrored and i.video_id <> all (ids);
  insert into site_inventory as i
    (site_id, video_id, sha256, state, progress, filename, category, subcategory, mirrored, changed_at)
    select distinct on (n.id) site, n.id, v.checksum, 'installed', 100, n.filename, n.category, n.subcategory, true, moment
    from unnest(ids, filenames, categories, subcategories) as n (id, filename, category, subcategory)
    left join videos v on v.id = n.id
    order by n.id
    on conflict (site_id, video_id) do update set state = 'installed', progress = 100, filename = excluded.filename,
      category = excluded.category, subcategory = excluded.subcategory, mirrored = true,
      reason_code = case when i.state = 'installed' then i.reason_code end,
      reason = case when i.state = 'installed' then i.reason end
    where not i.mirrored or (i.state, i.filename, i.category, i.subcategory)
      is distinct from ('installed', excluded.filename, excluded.category, excluded.subcategory);
  perform neopro_settle(site, (select s.desired_revision from site_states s where s.site_id = site), moment);
end
$fn$;
select neopro_guard_function(
  'neopro_mirror(uuid, jsonb, text, text, boolean, uuid[], text[], text[], text[], timestamptz)');
