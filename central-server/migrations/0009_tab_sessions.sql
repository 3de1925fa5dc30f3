-- Sessions of a tab: a page that may keep no cookie of ours has a handle instead, which changes at each use (ADR 0014).
-- Handles are 256 random bits that the page chooses; what is stored are labelled SHA-256 hashes, in hex.

alter table sessions
  add column handle text,
  -- How many handles the session has had.
  add column handle_number integer not null default 0;
create unique index sessions_handle on sessions (handle) where handle is not null;

-- Handles that were used, for as long as their session: who shows one of them again has a copy.
create table session_handles (
  handle text primary key,
  session_id uuid not null references sessions on delete cascade,
  number integer not null
);
create index session_handles_session on session_handles (session_id, number);
select neopro_guard('session_handles', 'select, insert, update, delete');
create policy internal on session_handles to neopro_app
  using ((select neopro_scope_is('system'))) with check ((select neopro_scope_is('system')));

-- Puts the next handle in the place of the given one. Answers what became of it, and whose session it is:
-- `renewed`; `reused`, and the session is revoked, which it is answered for if it was not before; `unknown`, also if the session is over; `taken` if the
-- next one is no new one. The same two handles
-- once more are the same request once more, as browsers repeat it when a connection breaks.
create function neopro_renew_handle(given text, following text, moment timestamptz)
returns table (outcome text, session uuid)
language plpgsql set search_path = public, pg_temp as $fn$
declare
  found_session uuid;
  its_number integer;
begin
  -- Of two at once the second waits here, and finds another handle then.
  select s.id, s.handle_number into found_session, its_number
    from sessions s join users u on u.id = s.user_id
    where s.handle = given and s.revoked_at is null and s.expires_at > moment and u.is_active and u.status = 'active'
    for update of s;
  if found then
    if exists (select from session_handles h where h.handle = following) then
      return query select 'taken'::text, null::uuid;
      return;
    end if;
    insert into session_handles (handle, session_id, number) values (given, found_session, its_number);
    update sessions set handle = following, handle_number = its_number + 1, last_used_at = moment
      where id = found_session;
    -- No page comes here in a session's life; a program that renews without end fills no disk.
    delete from session_handles h where h.session_id = found_session and h.number < its_number - 2000;
    return query select 'renewed'::text, found_session;
    return;
  end if;
  select h.session_id into found_session from session_handles h where h.handle = given;
  if not found then
    return query select 'unknown'::text, null::uuid;
    return;
  end if;
  perform from sessions s join session_handles h on h.session_id = s.id and h.handle = given
    join users u on u.id = s.user_id
    where s.handle = following and h.number = s.handle_number - 1 and s.revoked_at is null and s.expires_at > moment
      and u.is_active and u.status = 'active';
  if found then
    return query select 'renewed'::text, found_session;
    return;
  end if;
  update sessions set revoked_at = moment where id = found_session and revoked_at is null;
  return query select 'reused'::text, case when found then found_session end;
end
$fn$;
select neopro_guard_function('neopro_renew_handle(text, text, timestamptz)');
