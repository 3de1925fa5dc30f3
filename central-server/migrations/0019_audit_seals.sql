-- The journal, complete and sealed: who by which session, what it was before and is since, and a chain of hashes over
-- all of it. What is hashed, and how, stands in docs/audit.md; the server verifies it in a program of its own.

-- An account that goes takes nothing of the journal with it, which would change what is sealed: its bare id stays.
alter table audit_logs drop constraint audit_logs_user_id_fkey;

alter table audit_logs
  add column session_id uuid,
  add column token_id uuid,
  add column before jsonb,
  add column after jsonb,
  -- What tells who a person is, of those whom the act is about: hashed apart, so that it can be erased.
  add column personal jsonb,
  -- The database's own clock. Null in entries from before this migration.
  add column written_at timestamptz,
  -- What sealing adds. The number is the entry's place in the chain.
  add column number bigint,
  add column actor_salt bytea,
  add column actor_hash bytea,
  add column personal_salt bytea,
  add column personal_hash bytea,
  add column entry_hash bytea,
  -- The entry of the erasure by which address and browser, or `personal`, are gone.
  add column actor_erased_by uuid,
  add column personal_erased_by uuid,
  add constraint audit_logs_finite check (isfinite(created_at));
alter table audit_logs
  alter column session_id set default nullif(current_setting('neopro.session', true), '')::uuid,
  alter column token_id set default nullif(current_setting('neopro.token', true), '')::uuid,
  alter column written_at set default clock_timestamp();

create unique index audit_logs_number on audit_logs (number) where number is not null;
create index audit_logs_unsealed on audit_logs (created_at, id) where number is null;
drop index audit_logs_newest;
create index audit_logs_newest on audit_logs (created_at desc, id desc);
create index audit_logs_action on audit_logs (action, created_at desc);
create index audit_logs_user on audit_logs (user_id, created_at desc);

-- The application tells what happened; the rest of a row is the sealing's.
revoke insert on audit_logs from neopro_app;
grant insert (id, action, user_id, target_type, target_id, details, before, after, personal, ip_address, user_agent,
  session_id, token_id, created_at) on audit_logs to neopro_app;

-- One link of the chain: the hashes of the entries `first_entry` to `last_entry`, behind the link before.
create table audit_seals (
  number bigint primary key,
  first_entry bigint not null,
  last_entry bigint not null,
  previous bytea not null,
  hash bytea not null,
  sealed_at timestamptz not null,
  -- It took as many entries as one may: more were waiting.
  is_full boolean not null
);
select neopro_guard('audit_seals', 'select');

-- Among NeoPro's own people, whether it is one who reads the journal.
create function neopro_reads_audit() returns boolean
language sql stable security definer set search_path = public, pg_temp
as $fn$
  select neopro_scope_is('staff') and exists (
    select from users where id = neopro_user() and role in ('super_admin', 'admin') and is_active and status = 'active')
$fn$;
select neopro_guard_function('neopro_reads_audit()');

create policy readers on audit_logs for select to neopro_app using ((select neopro_reads_audit()));
create policy internal on audit_seals for select to neopro_app using ((select neopro_scope_is('system')));
create policy readers on audit_seals for select to neopro_app using ((select neopro_reads_audit()));

-- The addresses and names of accounts, for those who read the journal: these, or those with these words in them.
create function neopro_audit_people(ids uuid[], words text) returns table (id uuid, email text, full_name text)
language sql stable security definer set search_path = public, pg_temp
as $fn$
  select u.id, u.email, u.full_name from users u
  where (u.id = any (ids) or strpos(neopro_fold(u.email || e'\n' || coalesce(u.full_name, '')), neopro_fold(words)) > 0)
    and (neopro_scope_is('system') or neopro_reads_audit())
$fn$;
select neopro_guard_function('neopro_audit_people(uuid[], text)');

-- What a thing is now, as the journal keeps it: its columns that people decide on, and none that is secret. Null when
-- it is not there.
create function neopro_audit_snapshot(kind text, thing uuid) returns jsonb
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
    return (select jsonb_build_object('title', metadata->>'title', 'original_name', original_name,
        'category', category, 'subcategory', subcategory, 'mime_type', mime_type, 'file_size', file_size,
        'duration', duration, 'checksum', checksum, 'thumbnail', thumbnail_url)
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
        'agency_id', agency_id, 'mfa_enabled', coalesce(mfa_enabled, false))
      from users where id = thing);
  end if;
  raise 'the journal knows no %', kind;
end
$fn$;
select neopro_guard_function('neopro_audit_snapshot(text, uuid)');

-- Keeps what a thing is for the entry behind the act, in the same transaction. Two who change the same thing wait for
-- each other, or one would be said to have done what the other did. An order's rows are locked by its own functions, in
-- their order.
create function neopro_audit_before(kind text, thing uuid) returns void
language plpgsql set search_path = public, pg_temp as $fn$
begin
  if kind = 'site' then
    perform from sites where id = thing for no key update;
  elsif kind = 'group' then
    perform from groups where id = thing for no key update;
  elsif kind = 'video' then
    perform from videos where id = thing for no key update;
  elsif kind = 'user' then
    perform from users where id = thing for no key update;
  end if;
  perform set_config('neopro.before', coalesce(neopro_audit_snapshot(kind, thing)::text, ''), true);
end
$fn$;
select neopro_guard_function('neopro_audit_before(text, uuid)');

-- What of one snapshot is otherwise in the other.
create function neopro_audit_difference(one jsonb, other jsonb) returns jsonb
language sql immutable
as $fn$
  select coalesce(pg_catalog.jsonb_object_agg(e.key, e.value), '{}') from pg_catalog.jsonb_each(one) e
  where other is null or other -> e.key is distinct from e.value
$fn$;
select neopro_guard_function('neopro_audit_difference(jsonb, jsonb)');

-- A field as it is hashed: a zero byte for null, else a one, the length in four bytes, and the text in UTF-8.
create function neopro_audit_field(words text) returns bytea
language sql immutable
as $fn$
  select case when words is null then '\x00'::bytea
    else '\x01'::bytea || pg_catalog.int4send(pg_catalog.octet_length(pg_catalog.convert_to(words, 'UTF8')))
      || pg_catalog.convert_to(words, 'UTF8') end
$fn$;
select neopro_guard_function('neopro_audit_field(text)', false);

-- A moment as it is hashed: whole microseconds since 1970.
create function neopro_audit_moment(moment timestamptz) returns bytea
language sql stable
as $fn$
  select public.neopro_audit_field(((extract(epoch from moment) * 1000000)::bigint)::text)
$fn$;
select neopro_guard_function('neopro_audit_moment(timestamptz)', false);

-- Takes out of the journal what tells who somebody is: address and browser of all that he did, and his data in what was
-- done to his account, or stands with his address anywhere else. The hashes stay; without their salts nobody finds by
-- trying what they were of. Answers the entry that tells of it, and in how many entries something was erased. An entry
-- that is not sealed yet gets its hashes when it is, over nothing then.
create function neopro_erase_person(person uuid, address text, mark text, moment timestamptz)
returns table (entry uuid, entries bigint)
language plpgsql security definer set search_path = public, pg_temp as $fn$
declare
  told uuid := gen_random_uuid();
  as_actor bigint;
  as_subject bigint;
  quoted text := lower(to_jsonb(address)::text);
  quoted_mark text := to_jsonb(mark)::text;
begin
  perform pg_advisory_xact_lock(7041776034);
  update audit_logs set ip_address = null, user_agent = null, actor_salt = null, actor_erased_by = told
    where user_id = person and actor_erased_by is null;
  get diagnostics as_actor = row_count;
  update audit_logs set personal = null, personal_salt = null, personal_erased_by = told
    where personal is not null
      and case when target_type = 'user' then target_id = person::text
        else strpos(lower(personal::text), quoted) > 0 or strpos(personal::text, quoted_mark) > 0 end;
  get diagnostics as_subject = row_count;
  insert into audit_logs (id, action, target_type, target_id, details, created_at)
    values (told, 'PERSON_ERASED', 'user', person::text,
      jsonb_build_object('addresses', as_actor, 'persons', as_subject), moment);
  return query select told, as_actor + as_subject;
end
$fn$;
-- Not for the application: only who owns the database takes something out of the journal.
select neopro_guard_function('neopro_erase_person(uuid, text, text, timestamptz)', false);

-- Seals what has come since the last time, at most so many entries. An entry gets its number here and not when it is
-- written: one whose transaction ends late gets a later number, and is never left behind. Sealers wait for each other.
-- `intact` says whether the seal that the caller has seen last still is what it was.
create function neopro_seal_audit(most integer, seen_number bigint, seen_hash text)
returns table (entries bigint, seal bigint, last_entry bigint, hash text, intact boolean)
language plpgsql security definer set search_path = public, pg_temp as $fn$
declare
  last audit_seals;
  sealed bigint;
  moment timestamptz;
  digest bytea;
begin
  perform pg_advisory_xact_lock(7041776034);
  select * into last from audit_seals s order by s.number desc limit 1;
  intact := seen_number is null or exists (
    select from audit_seals s where s.number = seen_number and s.hash = decode(seen_hash, 'hex'));
  with open as materialized (
    select a.id, coalesce(last.last_entry, 0) + row_number() over (order by a.created_at, a.id) as place,
      -- 244 random bits each, from the system.
      uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) as salt_1,
      uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) as salt_2
    from (select w.id, w.created_at from audit_logs w where w.number is null order by w.created_at, w.id limit most) a
  ), apart as materialized (
    select a.id, o.place, o.salt_1, o.salt_2,
      sha256('neopro audit actor v1'::bytea || o.salt_1
        || neopro_audit_field(a.ip_address) || neopro_audit_field(a.user_agent)) as actor,
      sha256('neopro audit personal v1'::bytea || o.salt_2 || neopro_audit_field(a.personal::text)) as person
    from open o join audit_logs a on a.id = o.id
  )
  update audit_logs a set number = p.place, actor_salt = p.salt_1, actor_hash = p.actor,
      personal_salt = p.salt_2, personal_hash = p.person,
      entry_hash = sha256('neopro audit entry v1'::bytea || neopro_audit_field(p.place::text)
        || neopro_audit_field(a.id::text) || neopro_audit_field(a.action) || neopro_audit_field(a.user_id::text)
        || neopro_audit_field(a.target_type) || neopro_audit_field(a.target_id) || neopro_audit_field(a.details::text)
        || neopro_audit_field(a.before::text) || neopro_audit_field(a.after::text)
        || neopro_audit_field(a.session_id::text) || neopro_audit_field(a.token_id::text)
        || neopro_audit_moment(a.created_at) || neopro_audit_moment(a.written_at) || p.actor || p.person)
    from apart p where a.id = p.id;
  get diagnostics sealed = row_count;
  entries := sealed;
  if sealed = 0 then
    seal := last.number;
    last_entry := last.last_entry;
    hash := encode(last.hash, 'hex');
    return next;
    return;
  end if;
  seal := coalesce(last.number, 0) + 1;
  last_entry := coalesce(last.last_entry, 0) + sealed;
  moment := clock_timestamp();
  select sha256('neopro audit seal v1'::bytea || coalesce(last.hash, decode(repeat('00', 32), 'hex'))
      || neopro_audit_field(seal::text) || neopro_audit_field((coalesce(last.last_entry, 0) + 1)::text)
      || neopro_audit_field(neopro_seal_audit.last_entry::text) || neopro_audit_moment(moment)
      || neopro_audit_field((sealed >= most)::text) || string_agg(a.entry_hash, ''::bytea order by a.number))
    into digest from audit_logs a where a.number > coalesce(last.last_entry, 0);
  insert into audit_seals (number, first_entry, last_entry, previous, hash, sealed_at, is_full)
    values (seal, coalesce(last.last_entry, 0) + 1, neopro_seal_audit.last_entry,
      coalesce(last.hash, decode(repeat('00', 32), 'hex')), digest, moment, sealed >= most);
  hash := encode(digest, 'hex');
  return next;
end
$fn$;
select neopro_guard_function('neopro_seal_audit(integer, bigint, text)');

-- Forgets what is older than `keep_from`, in whole seals, at most so many entries at a time. The last seal that goes
-- stays as the beginning of the rest, and the journal tells of it. Nobody forgets anything of the last two years by this:
-- not by a wrong setting, and not in the application's name.
create function neopro_cut_audit(keep_from timestamptz, most bigint, moment timestamptz)
returns table (entries bigint, seal bigint)
language plpgsql security definer set search_path = public, pg_temp as $fn$
declare
  oldest bigint;
  last audit_seals;
begin
  perform pg_advisory_xact_lock(7041776034);
  select min(a.number) into oldest from audit_logs a where a.number is not null;
  select * into last from audit_seals s
    where s.sealed_at < least(keep_from, clock_timestamp() - interval '24 months')
      and s.last_entry >= oldest and s.last_entry < oldest + most
    order by s.number desc limit 1;
  if last.number is null then
    return;
  end if;
  delete from audit_logs a where a.number <= last.last_entry;
  get diagnostics entries = row_count;
  delete from audit_seals s where s.number < last.number;
  insert into audit_logs (action, target_type, target_id, details, created_at)
    values ('AUDIT_CUT', 'seal', last.number::text, jsonb_build_object('seal', last.number,
      'last_entry', last.last_entry, 'hash', encode(last.hash, 'hex'), 'entries', entries), moment);
  seal := last.number;
  return next;
end
$fn$;
select neopro_guard_function('neopro_cut_audit(timestamptz, bigint, timestamptz)');
