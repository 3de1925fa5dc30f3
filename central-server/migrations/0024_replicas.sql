-- The servers that run on this database. Each says every ten seconds that it is there; who has not for 35 s is gone.
-- The prints tell whether two have the same secrets, and nothing else of them.
create table replicas (
  id uuid primary key,
  version text not null,
  jwt_print text not null,
  mfa_print text not null,
  started_at timestamptz not null,
  seen_at timestamptz not null
);
select neopro_guard('replicas', 'select, insert, update, delete');
create policy internal on replicas to neopro_app
  using ((select neopro_scope_is('system', 'staff'))) with check ((select neopro_scope_is('system', 'staff')));

-- Whether this replica is there, by the clock of the database.
create function neopro_is_there(replica uuid) returns boolean
language sql stable
as $fn$
  select exists (select from public.replicas r
    where r.id = replica and r.seen_at > pg_catalog.now() - pg_catalog.make_interval(secs => 35))
$fn$;
select neopro_guard_function('neopro_is_there(uuid)');

-- To which replica a site's box has come last, and when. It says nothing of whether it is there still: that is the status.
alter table sites add column replica_id uuid, add column connected_at timestamptz;
