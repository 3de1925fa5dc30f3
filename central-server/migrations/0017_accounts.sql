-- Accounts are managed through the API: read by admins, written by super_admins. The second wall says so as well, by
-- the role that the session's check proves in the same flush.

create function neopro_role_is(variadic roles text[]) returns boolean
language sql stable
as $fn$ select coalesce(pg_catalog.current_setting('neopro.role', true), '') = any (roles) $fn$;
select neopro_guard_function('neopro_role_is(text[])');

create policy readers on users for select to neopro_app
  using ((select neopro_scope_is('staff') and neopro_role_is('super_admin', 'admin')));
create policy managers on users to neopro_app
  using ((select neopro_scope_is('staff') and neopro_role_is('super_admin')))
  with check ((select neopro_scope_is('staff') and neopro_role_is('super_admin')));
-- Who loses an account, or a part of its rights, loses its sessions.
create policy managers_see on sessions for select to neopro_app
  using ((select neopro_scope_is('staff') and neopro_role_is('super_admin')));
create policy managers_end on sessions for update to neopro_app
  using ((select neopro_scope_is('staff') and neopro_role_is('super_admin')))
  with check ((select neopro_scope_is('staff') and neopro_role_is('super_admin')));
-- A link that was sent to an address opens nothing once the account has another one, or another password.
create policy managers_see on password_links for select to neopro_app
  using ((select neopro_scope_is('staff') and neopro_role_is('super_admin')));
create policy managers_void on password_links for delete to neopro_app
  using ((select neopro_scope_is('staff') and neopro_role_is('super_admin')));

-- A rule that a statement of the application finds broken ends its flush: nothing of it remains, the journal included.
create function neopro_must(held boolean, rule text) returns void
language plpgsql set search_path = public, pg_temp as $fn$
begin
  if held is not true then
    raise exception 'the rule % does not hold', rule using errcode = 'NP409', constraint = rule;
  end if;
end
$fn$;
select neopro_guard_function('neopro_must(boolean, text)');

-- Without an active super_admin nobody could manage the others. The owner of the tables (the SQL editor of the guide's
-- step 9) is free: he can also make a new one.
create function neopro_keep_a_super_admin() returns trigger
language plpgsql set search_path = public, pg_temp as $fn$
begin
  if current_user = 'neopro_app' then
    -- Of two at once the second waits here, and then sees what the first has left.
    perform pg_advisory_xact_lock(hashtext('neopro_keep_a_super_admin'));
    perform neopro_must(
      exists (select from users where role = 'super_admin' and is_active and status = 'active'),
      'users_last_super_admin');
  end if;
  return null;
end
$fn$;
select neopro_guard_function('neopro_keep_a_super_admin()', false);
create trigger keep_a_super_admin_when_changed after update of role, status, is_active on users
  for each row when (
    old.role = 'super_admin' and old.is_active and old.status = 'active'
    and not (new.role = 'super_admin' and new.is_active and new.status = 'active'))
  execute function neopro_keep_a_super_admin();
create trigger keep_a_super_admin_when_deleted after delete on users
  for each row when (old.role = 'super_admin' and old.is_active and old.status = 'active')
  execute function neopro_keep_a_super_admin();

create index users_newest on users (created_at desc, id desc);
create index agencies_by_name on agencies (neopro_fold(name), id);
