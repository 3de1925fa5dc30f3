-- Entries of the journal that say all of what was done; and what runs with the owner's rights asks once more for whom.

-- What a thing is now, as the journal keeps it: as before, with the notes of a video and the language of an account.
create or replace function neopro_audit_snapshot(kind text, thing uuid) returns jsonb
language plpgsql stable set search_path = public, pg_temp as $fn$
begin
  if kind = 'site' then
    return (select jsonb_build_object('site_name', site_name, 'club_name', club_name, 'location', location,
        'sports', sports, 'status', status, 'hardware_model', hardware_model,
        'live_score_enabled', live_score_enabled)
      from sites where id = thing);
  elsif kind = 'group' then
    -- Of a large group how many are in it: who they are would be half a megabyte at each change.
    return (select jsonb_build_object('name', name, 'description', description, 'type', type, 'filters', filters,
        'metadata', metadata, 'sites', (select case when count(*) <= 100
          then coalesce(jsonb_agg(m.site_id order by m.site_id), '[]') else to_jsonb(count(*)) end
        from site_groups m where m.group_id = thing))
      from groups where id = thing);
  elsif kind = 'video' then
    return (select jsonb_build_object('title', metadata->>'title', 'metadata', metadata - 'title',
        'original_name', original_name, 'category', category, 'subcategory', subcategory, 'mime_type', mime_type,
        'file_size', file_size, 'duration', duration, 'checksum', checksum, 'thumbnail', thumbnail_url)
      from videos where id = thing);
  elsif kind = 'deployment' then
    return (select jsonb_build_object('video_id', d.video_id, 'video_title', d.video_title, 'action', d.action,
        'target_type', d.target_type, 'target_id', d.target_id, 'target_name', d.target_name,
        'scheduled_at', d.scheduled_at, 'cancelled_at', d.cancelled_at, 'sites', (
          select coalesce(jsonb_object_agg(s.state, s.sites), '{}') from (
            select t.state, count(*) as sites from deployment_targets t where t.deployment_id = thing group by t.state) s))
      from content_deployments d where d.id = thing);
  elsif kind = 'user' then
    -- What tells who it is comes from the server, which keeps it apart.
    return (select jsonb_build_object('role', role, 'status', status, 'is_active', is_active, 'sponsor_id', sponsor_id,
        'agency_id', agency_id, 'mfa_enabled', coalesce(mfa_enabled, false), 'language', language)
      from users where id = thing);
  end if;
  raise 'the journal knows no %', kind;
end
$fn$;

-- The same as before, and the entry says what was sent: `sent` without secrets, `apart` what of it tells of persons. It
-- looks up the rows of single sites and keeps its plan, hence without whole reads (0013).
create function neopro_ask_command(
  site uuid, command uuid, kind text, data jsonb, sealed text, importance smallint, moment timestamptz,
  seconds integer, waits_until timestamptz, told boolean, alone boolean, most integer, ip text, agent text,
  sent jsonb, apart jsonb, out outcome text, out state text
) language plpgsql set search_path = public, pg_temp set enable_seqscan = off as $fn$
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
    insert into audit_logs (action, user_id, target_type, target_id, details, after, personal, ip_address, user_agent,
        created_at)
      values ('COMMAND_SENT', neopro_user(), 'site', site::text,
        jsonb_build_object('command', kind, 'commandId', command), sent, apart, ip, agent, moment);
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
  'timestamptz, boolean, boolean, integer, text, text, jsonb, jsonb)');

-- Servers of before ask without saying what they have sent.
create or replace function neopro_ask_command(
  site uuid, command uuid, kind text, data jsonb, sealed text, importance smallint, moment timestamptz,
  seconds integer, waits_until timestamptz, told boolean, alone boolean, most integer, ip text, agent text,
  out outcome text, out state text
) language plpgsql set search_path = public, pg_temp set enable_seqscan = off as $fn$
begin
  select a.outcome, a.state into outcome, state from neopro_ask_command(site, command, kind, data, sealed, importance,
    moment, seconds, waits_until, told, alone, most, ip, agent, jsonb_build_object('command', kind), null) a;
end
$fn$;

-- Somebody has forgotten a password: as before, and the entry says how long the link works.
create or replace function neopro_forgot_password(
  address text, hash text, expiry timestamptz, job uuid, sealed text, ip text, agent text, moment timestamptz
) returns void
language plpgsql set search_path = public, pg_temp as $fn$
declare
  person uuid;
begin
  select u.id into person from users u
    where lower(u.email) = lower(address) and u.is_active and u.status = 'active';
  if person is null then
    return;
  end if;
  perform neopro_issue_link(person, 'reset', hash, expiry, moment);
  perform neopro_enqueue(job, 'mail', person, sealed, moment, moment);
  insert into audit_logs (action, user_id, target_type, target_id, after, ip_address, user_agent, created_at)
    values ('PASSWORD_RESET_REQUESTED', person, 'user', person::text, jsonb_build_object('link_until', expiry), ip,
      agent, moment);
end
$fn$;

-- Whether this transaction may do something for an account with the owner's rights: the server itself, whoever manages
-- accounts, and the person.
create function neopro_acts_for(person uuid) returns boolean
language sql stable set search_path = public, pg_temp
as $fn$
  select coalesce(neopro_scope_is('system') or neopro_scope_is('staff') and neopro_role_is('super_admin')
    or person = neopro_user(), false)
$fn$;
select neopro_guard_function('neopro_acts_for(uuid)');

-- A link opens an account: as before, and not to whoever has no say over it.
create or replace function neopro_issue_link(person uuid, what text, hash text, expiry timestamptz, moment timestamptz)
returns void
language plpgsql security definer set search_path = public, pg_temp as $fn$
begin
  if not neopro_acts_for(person) then
    raise exception 'permission denied for the account of somebody else' using errcode = '42501';
  end if;
  insert into password_links (user_id, kind, token_hash, issued_at, expires_at)
    select u.id, what, hash, moment, expiry from users u where u.id = person and u.is_active and u.status = 'active'
    on conflict (user_id, kind) do update
      set token_hash = excluded.token_hash, issued_at = excluded.issued_at, expires_at = excluded.expires_at;
  if not found then
    raise exception 'no such account' using errcode = 'NP410';
  end if;
end
$fn$;

-- A job writes to somebody: the same.
create or replace function neopro_enqueue(
  job uuid, what text, about uuid, sealed text, due timestamptz, moment timestamptz
) returns void
language plpgsql security definer set search_path = public, pg_temp as $fn$
begin
  if not neopro_acts_for(about) then
    raise exception 'permission denied for the account of somebody else' using errcode = '42501';
  end if;
  insert into jobs (id, kind, user_id, payload, run_at, created_at) values (job, what, about, sealed, due, moment);
end
$fn$;
