-- Tokens of the API: what a program shows to act for the person who made it, within scopes and until a day. A token is
-- 256 random bits; what is stored is a labelled SHA-256 hash, in hex, and its last characters to recognise it by.
create table api_tokens (
  id uuid primary key,
  user_id uuid not null references users on delete cascade,
  name text not null check (length(name) between 1 and 100),
  scopes text[] not null check (
    cardinality(scopes) > 0
    and scopes <@ array['read', 'sites:write', 'content:write', 'commands:write', 'audit:read']
  ),
  hash text not null unique,
  hint text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz,
  last_used_at timestamptz,
  last_ip text
);
create index api_tokens_user on api_tokens (user_id, created_at);
select neopro_guard('api_tokens', 'select, insert, update, delete');

-- Tokens are found by the server itself; a person sees and ends his own.
create policy internal on api_tokens to neopro_app
  using ((select neopro_scope_is('system'))) with check ((select neopro_scope_is('system')));
create policy self on api_tokens to neopro_app
  using (user_id = (select neopro_user())) with check (user_id = (select neopro_user()));

-- First statement of every request with a token, as `neopro_check_session` is of one with a session: it raises, so that
-- nothing behind it in the same flush can happen. The last use is written at most every five minutes.
create function neopro_check_token(
  claimed_token uuid, claimed_user uuid, claimed_role text, claimed_agency uuid, claimed_sponsor uuid,
  moment timestamptz, address text
) returns void
language plpgsql security definer set search_path = public, pg_temp as $fn$
declare
  used timestamptz;
begin
  select t.last_used_at into used
    from api_tokens t
    join users u on u.id = t.user_id
    where t.id = claimed_token
      and t.user_id = claimed_user
      and t.revoked_at is null
      and t.expires_at > moment
      and u.is_active
      and u.status = 'active'
      and u.role = claimed_role
      and u.agency_id is not distinct from claimed_agency
      and u.sponsor_id is not distinct from claimed_sponsor;
  if not found then
    raise exception 'the token is over' using errcode = 'NP401';
  end if;
  if used is null or used < moment - interval '5 minutes' then
    update api_tokens set last_used_at = moment, last_ip = address where id = claimed_token;
  end if;
end
$fn$;
select neopro_guard_function('neopro_check_token(uuid, uuid, text, uuid, uuid, timestamptz, text)');

-- Who has less to say than before has no programs that were made when he had more, nor for another tenant. It runs as
-- its owner: who changes an account is not the person of the tokens.
create function neopro_end_tokens() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $fn$
declare
  rank constant text[] := array['agency', 'sponsor', 'viewer', 'operator', 'admin', 'super_admin'];
begin
  if array_position(rank, new.role) < array_position(rank, old.role)
    or (new.role <> old.role and new.role in ('agency', 'sponsor'))
    or new.agency_id is distinct from old.agency_id
    or new.sponsor_id is distinct from old.sponsor_id
  then
    update api_tokens set revoked_at = now() where user_id = new.id and revoked_at is null;
  end if;
  return null;
end
$fn$;
select neopro_guard_function('neopro_end_tokens()', false);
create trigger users_end_tokens after update of role, agency_id, sponsor_id on users
  for each row execute function neopro_end_tokens();
