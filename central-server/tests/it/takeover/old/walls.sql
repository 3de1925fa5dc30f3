-- Row-level security as NeoPro 1 had it: settings of the connection, functions that read them, policies on the tables.
create function set_session_context(p_site uuid, p_user uuid, p_admin boolean) returns void language plpgsql as $$
begin
  perform set_config('app.current_site_id', coalesce(p_site::text, ''), false);
  perform set_config('app.current_user_id', coalesce(p_user::text, ''), false);
  perform set_config('app.is_admin', coalesce(p_admin, false)::text, false);
end
$$;
create function reset_session_context() returns void language plpgsql as $$
begin
  perform set_session_context(null, null, false);
end
$$;
create function current_site_id() returns uuid language sql stable as
  $$ select nullif(current_setting('app.current_site_id', true), '')::uuid $$;
create function current_user_id() returns uuid language sql stable as
  $$ select nullif(current_setting('app.current_user_id', true), '')::uuid $$;
create function is_admin() returns boolean language sql stable as
  $$ select coalesce(nullif(current_setting('app.is_admin', true), '')::boolean, false) $$;

create table rls_audit_log (
  id bigserial primary key,
  accessed_at timestamptz default now(),
  user_id uuid,
  site_id uuid,
  is_admin boolean,
  table_name text,
  operation text,
  row_id uuid,
  ip_address text
);
create function audit_sensitive_access() returns trigger language plpgsql as $$
begin
  insert into rls_audit_log (user_id, site_id, is_admin, table_name, operation)
    values (current_user_id(), current_site_id(), is_admin(), tg_table_name, tg_op);
  return coalesce(new, old);
end
$$;

alter table users enable row level security;
create policy admin_all_users on users using (is_admin()) with check (is_admin());
alter table sites enable row level security;
create policy admin_all_sites on sites using (is_admin());
create policy site_own_sites on sites for select using (id = current_site_id());
alter table metrics enable row level security;
create policy admin_all_metrics on metrics using (is_admin());
create policy site_own_metrics on metrics for insert with check (site_id = current_site_id());
alter table groups enable row level security;
create policy read_groups on groups for select using (true);
alter table videos enable row level security;
create policy read_videos on videos for select using (true);
alter table content_deployments enable row level security;
create policy admin_all_deployments on content_deployments using (is_admin());
alter table remote_commands enable row level security;
create policy site_own_commands on remote_commands using (site_id = current_site_id() or is_admin());
