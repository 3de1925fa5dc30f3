-- Files that go from a person's browser straight into the storage outside: announced, signed, sent, and then looked at
-- by the server before they are videos. A row stays until its address has expired, whatever became of the file: until
-- then something can still be written there. Its id is that of the video that it becomes.
create table video_uploads (
  id uuid primary key,
  user_id uuid references users on delete set null,
  path text not null unique,
  mime_type text not null,
  original_name text not null,
  labels jsonb not null,
  size bigint not null check (size > 0),
  -- What the browser has computed; it is compared where it is there.
  checksum text,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  -- Somebody looks at it, and has until then.
  busy_until timestamptz,
  -- Why it is no video.
  refusal_code text,
  refusal text
);
create index video_uploads_expiry on video_uploads (expires_at);
select neopro_guard('video_uploads', 'select, insert, update, delete');
create policy internal on video_uploads to neopro_app
  using ((select neopro_scope_is('system', 'staff'))) with check ((select neopro_scope_is('system', 'staff')));

-- What was read out of the storage, by month and reader: a site's box, or the server itself (the zero id). A row for
-- each, so that boxes which report at the same moment do not wait for each other. It stays when the site goes: what was
-- read was read.
create table storage_traffic (
  month date not null,
  reader uuid not null,
  bytes bigint not null,
  primary key (month, reader)
);
select neopro_guard('storage_traffic', 'select, insert, update');
create policy internal on storage_traffic to neopro_app
  using ((select neopro_scope_is('system', 'staff'))) with check ((select neopro_scope_is('system', 'staff')));

-- What was read in the month of a moment, in UTC.
create function neopro_storage_traffic(moment timestamptz) returns bigint
language sql stable
as $fn$
  select coalesce(sum(t.bytes), 0)::bigint from public.storage_traffic t
    where t.month = (date_trunc('month', moment at time zone 'UTC'))::date
$fn$;
select neopro_guard_function('neopro_storage_traffic(timestamptz)');

-- A box that says that it has a file has fetched it. What it fetched in vain is not known; what it had already and
-- mirrors from its old agent was fetched in another life.
create function neopro_count_traffic() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $fn$
begin
  insert into storage_traffic as t (month, reader, bytes)
    select date_trunc('month', new.changed_at at time zone 'UTC')::date, new.site_id, v.file_size
    from videos v where v.id = new.video_id and v.file_size > 0
    on conflict (month, reader) do update set bytes = t.bytes + excluded.bytes;
  return null;
end
$fn$;
select neopro_guard_function('neopro_count_traffic()', false);
create trigger site_inventory_fetched after insert on site_inventory
  for each row when (new.state = 'installed' and not new.mirrored)
  execute function neopro_count_traffic();
create trigger site_inventory_fetched_now after update of state, sha256 on site_inventory
  for each row when (new.state = 'installed' and not new.mirrored
    and (old.state <> 'installed' or old.sha256 is distinct from new.sha256))
  execute function neopro_count_traffic();
