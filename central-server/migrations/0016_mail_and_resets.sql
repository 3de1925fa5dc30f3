-- What is done behind an answer (jobs, mail first of all), how a person gets a new password or the first account, and
-- how those who guess are slowed.

alter table users add column language text check (language in ('fr', 'en', 'es'));
comment on column users.language is 'Langue des courriels ; sans valeur : français';

-- Work that is committed with the act that it belongs to and done soon after, by whichever replica takes its lease. What
-- it needs to know is sealed, since a link in a mail opens an account, and goes when it has ended.
create table jobs (
  id uuid primary key,
  kind text not null,
  -- Whom it is about: with the account goes what was to be done for it.
  user_id uuid references users on delete cascade,
  payload text,
  state text not null default 'waiting' check (state in ('waiting', 'done', 'failed')),
  run_at timestamptz not null,
  attempts integer not null default 0,
  lease_until timestamptz,
  last_error text,
  created_at timestamptz not null,
  ended_at timestamptz
);
create index jobs_due on jobs (run_at) where state = 'waiting';
create index jobs_user on jobs (user_id) where user_id is not null;
create index jobs_ended on jobs (ended_at) where ended_at is not null;
select neopro_guard('jobs', 'select, insert, update, delete');
create policy internal on jobs to neopro_app
  using ((select neopro_scope_is('system'))) with check ((select neopro_scope_is('system')));

-- Links that let a person choose a password: one of a kind for each account, so that a new one voids the one before.
-- 256 random bits; what is stored is their labelled SHA-256, in hex.
create table password_links (
  user_id uuid not null references users on delete cascade,
  kind text not null check (kind in ('reset', 'invitation')),
  token_hash text not null unique,
  issued_at timestamptz not null,
  expires_at timestamptz not null,
  primary key (user_id, kind)
);
create index password_links_expiry on password_links (expires_at);
select neopro_guard('password_links', 'select, insert, update, delete');
create policy internal on password_links to neopro_app
  using ((select neopro_scope_is('system'))) with check ((select neopro_scope_is('system')));

-- Links by which the first account is made, printed in the log while there is none.
create table setup_links (
  token_hash text primary key,
  issued_at timestamptz not null,
  expires_at timestamptz not null
);
select neopro_guard('setup_links', 'select, insert, update, delete');
create policy internal on setup_links to neopro_app
  using ((select neopro_scope_is('system'))) with check ((select neopro_scope_is('system')));

-- Wrong guesses: for each hash of what is guessed, where from and about whom, until when they weigh.
create table tries (
  key text primary key,
  clear_at timestamptz not null
);
create index tries_clear on tries (clear_at);
select neopro_guard('tries', 'select, insert, update, delete');
create policy internal on tries to neopro_app
  using ((select neopro_scope_is('system'))) with check ((select neopro_scope_is('system')));

-- Addresses and devices from which a person got in: strangers who guess his password do not slow him there.
create table known_places (
  user_id uuid not null references users on delete cascade,
  place text not null,
  seen_at timestamptz not null,
  primary key (user_id, place)
);
create index known_places_seen on known_places (seen_at);
select neopro_guard('known_places', 'select, insert, update, delete');
create policy internal on known_places to neopro_app
  using ((select neopro_scope_is('system'))) with check ((select neopro_scope_is('system')));

-- Enqueues a job in whatever transaction it belongs to; nobody but the server reads it.
create function neopro_enqueue(job uuid, what text, about uuid, sealed text, due timestamptz, moment timestamptz)
returns void
language sql security definer set search_path = public, pg_temp as $fn$
  insert into jobs (id, kind, user_id, payload, run_at, created_at) values (job, what, about, sealed, due, moment)
$fn$;
select neopro_guard_function('neopro_enqueue(uuid, text, uuid, text, timestamptz, timestamptz)');

-- Gives an account a link, in the place of the one of that kind that it had. Undoes the transaction if the account is
-- not there or may not act.
create function neopro_issue_link(person uuid, what text, hash text, expiry timestamptz, moment timestamptz)
returns void
language plpgsql security definer set search_path = public, pg_temp as $fn$
begin
  insert into password_links (user_id, kind, token_hash, issued_at, expires_at)
    select u.id, what, hash, moment, expiry from users u where u.id = person and u.is_active and u.status = 'active'
    on conflict (user_id, kind) do update
      set token_hash = excluded.token_hash, issued_at = excluded.issued_at, expires_at = excluded.expires_at;
  if not found then
    raise exception 'no such account' using errcode = 'NP410';
  end if;
end
$fn$;
select neopro_guard_function('neopro_issue_link(uuid, text, text, timestamptz, timestamptz)');

-- Somebody has forgotten a password: a link and the mail with it, if there is such an account. Does the same work, but
-- for the rows, if there is none.
create function neopro_forgot_password(
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
  insert into audit_logs (action, user_id, target_type, target_id, ip_address, user_agent, created_at)
    values ('PASSWORD_RESET_REQUESTED', person, 'user', person::text, ip, agent, moment);
end
$fn$;
select neopro_guard_function(
  'neopro_forgot_password(text, text, timestamptz, uuid, text, text, text, timestamptz)');

-- Uses a link up: the new password is set, every link of the account is void, and its sessions are over. Answers these.
-- Of two at once the second waits for the row and finds none; that undoes its transaction.
create function neopro_use_link(hash text, new_hash text, tongue text, moment timestamptz) returns setof uuid
language plpgsql set search_path = public, pg_temp as $fn$
declare
  person uuid;
begin
  delete from password_links l using users u
    where l.token_hash = hash and l.expires_at > moment and u.id = l.user_id and u.is_active and u.status = 'active'
    returning l.user_id into person;
  if person is null then
    raise exception 'no such link' using errcode = 'NP410';
  end if;
  delete from password_links l where l.user_id = person;
  update users u set password_hash = new_hash, updated_at = moment, language = coalesce(tongue, u.language)
    where u.id = person;
  return query update sessions s set revoked_at = moment
    where s.user_id = person and s.revoked_at is null and s.expires_at > moment returning s.id;
end
$fn$;
select neopro_guard_function('neopro_use_link(text, text, text, timestamptz)');

-- A person changes his own password: his other sessions and the links that were on their way are over. Undoes the
-- transaction if the password is not the one that was compared any more.
create function neopro_change_password(compared text, new_hash text, kept uuid, moment timestamptz) returns setof uuid
language plpgsql security definer set search_path = public, pg_temp as $fn$
declare
  person uuid := neopro_user();
begin
  update users u set password_hash = new_hash, updated_at = moment where u.id = person and u.password_hash = compared;
  if not found then
    raise exception 'the password is another one by now' using errcode = 'NP410';
  end if;
  delete from password_links l where l.user_id = person;
  return query update sessions s set revoked_at = moment
    where s.user_id = person and s.id <> kept and s.revoked_at is null and s.expires_at > moment returning s.id;
end
$fn$;
select neopro_guard_function('neopro_change_password(text, text, uuid, timestamptz)');

-- In which language a person is written to.
create function neopro_set_language(tongue text) returns void
language sql security definer set search_path = public, pg_temp as $fn$
  update users set language = tongue where id = neopro_user()
$fn$;
select neopro_guard_function('neopro_set_language(text)');

-- Makes the first account with a link from the log. Undoes the transaction if the link is none or if there is an account:
-- whoever makes one waits for the other.
create function neopro_set_up(
  hash text, person uuid, address text, name text, password text, tongue text, moment timestamptz
) returns void
language plpgsql set search_path = public, pg_temp as $fn$
begin
  lock table users in share row exclusive mode;
  if exists (select from users)
      or not exists (select from setup_links l where l.token_hash = hash and l.expires_at > moment) then
    raise exception 'no such link' using errcode = 'NP410';
  end if;
  insert into users (id, email, full_name, password_hash, role, language, created_at, updated_at)
    values (person, address, name, password, 'super_admin', tongue, moment, moment);
  delete from setup_links;
end
$fn$;
select neopro_guard_function('neopro_set_up(text, uuid, text, text, text, text, timestamptz)');

-- Forgets what has ended: jobs after a month, what guesses weighed, links that are over, places not seen for half a year.
create function neopro_forget_ended(moment timestamptz) returns void
language plpgsql set search_path = public, pg_temp as $fn$
begin
  delete from jobs where ended_at < moment - interval '30 days';
  -- Those that weigh again this moment are somebody's, and wait for nobody.
  delete from tries where key in (select t.key from tries t where t.clear_at < moment for update skip locked);
  delete from password_links where expires_at < moment;
  delete from setup_links where expires_at < moment;
  delete from known_places where seen_at < moment - interval '180 days';
end
$fn$;
select neopro_guard_function('neopro_forget_ended(timestamptz)');
