-- The second factor at login: codes of an authenticator application (RFC 6238), backup codes, the steps of a login
-- that is not over yet, and the rule which roles have to have one. The columns of the guide's step 8.4 are used.

alter table users
  -- The last step of 30 seconds whose code was accepted: a code opens once.
  add column factor_step bigint,
  -- A factor that is being set up, sealed and hashed like one that is on. It takes that one's place when its first code
  -- has come.
  add column factor_pending_secret text,
  add column factor_pending_codes text[],
  add column factor_pending_at timestamptz;

-- What a person decides for the whole installation.
create table settings (
  key text primary key,
  value jsonb not null,
  updated_at timestamptz not null,
  updated_by uuid references users on delete set null
);
select neopro_guard('settings', 'select, insert, update');
create policy internal on settings to neopro_app
  using ((select neopro_scope_is('system'))) with check ((select neopro_scope_is('system')));

-- A login whose password was right and whose second step is still to come. Its name is 256 random bits, of which a
-- labelled SHA-256 hash is stored, in hex.
create table login_challenges (
  token text primary key,
  user_id uuid not null references users on delete cascade,
  -- A code is asked for, or a factor has to be set up.
  kind text not null check (kind in ('code', 'setup')),
  -- A hash of the password's hash: with the password changes what is proven.
  proof text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  tries integer not null default 0,
  passed_at timestamptz
);
create index login_challenges_user on login_challenges (user_id);
create index login_challenges_expiry on login_challenges (expires_at);
select neopro_guard('login_challenges', 'select, insert, update, delete');
create policy internal on login_challenges to neopro_app
  using ((select neopro_scope_is('system'))) with check ((select neopro_scope_is('system')));

-- Wrong codes of an account, apart for addresses from which its owner got in before: whoever guesses from elsewhere
-- slows down himself, and not the owner.
create table second_factor_tries (
  user_id uuid not null references users on delete cascade,
  from_known boolean not null,
  failures integer not null,
  last_at timestamptz not null,
  blocked_until timestamptz not null,
  primary key (user_id, from_known)
);
select neopro_guard('second_factor_tries', 'select, insert, update, delete');
create policy internal on second_factor_tries to neopro_app
  using ((select neopro_scope_is('system'))) with check ((select neopro_scope_is('system')));

-- Ends the transaction unless this holds: what stands behind it in the same flush is not done then.
create function neopro_require(holds boolean) returns boolean
language plpgsql set search_path = public, pg_temp as $fn$
begin
  if holds is not true then
    raise exception 'what a statement requires does not hold' using errcode = 'NP412';
  end if;
  return true;
end
$fn$;
select neopro_guard_function('neopro_require(boolean)');

create function neopro_login_proof(password_hash text) returns text
language sql immutable set search_path = public, pg_temp
as $fn$ select encode(sha256(convert_to('neopro login proof v1 ' || password_hash, 'UTF8')), 'hex') $fn$;
select neopro_guard_function('neopro_login_proof(text)');

-- Until when an account of this role may do without a second factor; null if the role need not have one. The grace
-- period begins with the rule, or with the account if that is younger. Everybody may know this of a role, and nobody
-- but the server reads the settings.
create function neopro_mfa_grace(role text, created timestamptz) returns timestamptz
language sql stable security definer set search_path = public, pg_temp
as $fn$
  select greatest(created, (s.value -> 'required' ->> role)::timestamptz)
    + make_interval(days => (s.value ->> 'grace_days')::integer)
  from settings s where s.key = 'security' and s.value -> 'required' ? role
$fn$;
select neopro_guard_function('neopro_mfa_grace(text, timestamptz)');

-- Whether the owner of an account got in from this address before. A household has a whole /64 of IPv6: one address.
create function neopro_knows_address(account uuid, address text) returns boolean
language sql stable set search_path = public, pg_temp
as $fn$
  select exists (
    select from sessions s where s.user_id = account and case
      when address like '%:%' and s.ip ~ '^[0-9a-f:]*:[0-9a-f:]*$'
        then network(set_masklen(s.ip::inet, 64)) = network(set_masklen(address::inet, 64))
      else s.ip = address end)
$fn$;
select neopro_guard_function('neopro_knows_address(uuid, text)');

-- Takes a try of a code of an account. It counts as a failure until a success takes it back, so that tries at the same
-- moment cannot slip through together. Answers the seconds to wait if it is too early, else 0. Five tries are free; then
-- each makes the next wait longer, up to a quarter of an hour. A day later all is forgotten.
create function neopro_take_code_try(account uuid, address text, moment timestamptz) returns integer
language plpgsql set search_path = public, pg_temp as $fn$
declare
  known boolean := neopro_knows_address(account, address);
  until timestamptz;
begin
  insert into second_factor_tries as t (user_id, from_known, failures, last_at, blocked_until)
    values (account, known, 1, moment, moment)
    on conflict (user_id, from_known) do update set
      failures = case when t.last_at < moment - interval '1 day' then 1 else t.failures + 1 end,
      last_at = moment,
      blocked_until = case
        when t.last_at < moment - interval '1 day' or t.failures < 4 then moment
        else moment + least(900, 30 * power(2, least(t.failures - 4, 5))) * interval '1 second' end
      where t.blocked_until <= moment;
  if found then
    return 0;
  end if;
  select t.blocked_until into until from second_factor_tries t where t.user_id = account and t.from_known = known;
  return greatest(1, ceil(extract(epoch from until - moment)))::integer;
end
$fn$;
select neopro_guard_function('neopro_take_code_try(uuid, text, timestamptz)');

-- Takes a try of a challenge. `outcome`: 'go'; 'slow', and `seconds` to wait; 'over' if it is unknown, expired, passed,
-- tried five times, or its account is not what it was. `is_last`: no other try will follow.
create function neopro_try_challenge(
  given text, wanted text, address text, moment timestamptz, out outcome text, out seconds integer, out is_last boolean
) language plpgsql set search_path = public, pg_temp as $fn$
declare
  c login_challenges;
begin
  outcome := 'over';
  seconds := 0;
  is_last := true;
  select * into c from login_challenges l where l.token = given and l.kind = wanted and l.passed_at is null
    and l.expires_at > moment and l.tries < 5 for update;
  if not found then
    return;
  end if;
  perform from users u where u.id = c.user_id and u.is_active and u.status = 'active'
    and coalesce(u.mfa_enabled, false) = (wanted = 'code') and neopro_login_proof(u.password_hash) = c.proof;
  if not found then
    return;
  end if;
  -- Who sets a factor up has nothing to guess.
  if wanted = 'code' then
    seconds := neopro_take_code_try(c.user_id, address, moment);
    if seconds > 0 then
      outcome := 'slow';
      return;
    end if;
  end if;
  update login_challenges l set tries = l.tries + 1 where l.token = given;
  outcome := 'go';
  is_last := c.tries + 1 >= 5;
end
$fn$;
select neopro_guard_function('neopro_try_challenge(text, text, text, timestamptz)');
