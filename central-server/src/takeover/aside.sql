-- Moves what NeoPro 1 has made in `public`, and what else stands there under a name of ours, into a schema of its own.
-- A table changes its schema in the catalogue alone: it takes as long for ten rows as for ten million. Indexes, policies,
-- triggers, and sequences of columns go with their tables.
--
-- `neopro.names`: the names that our migrations give to tables, views, functions and types, as a JSON array.

do $aside$
declare
  ours text[] := array(select jsonb_array_elements_text(current_setting('neopro.names')::jsonb));
  old_tables constant text[] := array[
    'users', 'password_reset_tokens', 'agencies', 'agency_sites', 'sites', 'groups', 'site_groups', 'metrics', 'alerts',
    'alert_thresholds', 'remote_commands', 'pending_commands', 'config_history', 'videos', 'content_deployments',
    'software_updates', 'update_deployments', 'canary_deployments', 'canary_site_status', 'analytics_categories',
    'club_sessions', 'video_plays', 'club_daily_stats', 'sponsors', 'sponsor_videos', 'sponsor_sites',
    'sponsor_impressions', 'sponsor_daily_stats', 'audit_logs', 'rls_audit_log'];
  old_functions constant text[] := array[
    'update_updated_at_column', 'calculate_daily_stats', 'calculate_all_daily_stats', 'calculate_sponsor_daily_stats',
    'calculate_all_sponsor_daily_stats', 'get_scheduled_deployments_due', 'cleanup_expired_pending_commands',
    'set_session_context', 'reset_session_context', 'current_site_id', 'current_user_id', 'is_admin',
    'audit_sensitive_access'];
  foreign_owners text;
  tables regclass[];
  thing record;
begin
  if to_regnamespace('neopro_1') is not null then
    raise exception using errcode = 'NP102', message =
      'Le schéma neopro_1, où la reprise garde les anciennes tables, existe déjà : une reprise a déjà eu lieu. '
      'Renommez-le (alter schema neopro_1 rename to …) ou supprimez-le, puis relancez.';
  end if;

  -- Tables and what reads them. A view of somebody else that reads them would go on showing the old rows under its old
  -- name: it goes with them.
  create temporary table neopro_1_moves on commit drop as
    with recursive moved as (
      select c.oid from pg_class c
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'f', 'v', 'm', 'S', 'c')
        and (c.relname = any (ours) or c.relkind in ('r', 'p', 'f') and c.relname = any (old_tables))
        and not exists (select from pg_depend e where e.objid = c.oid and e.classid = 'pg_class'::regclass
          and e.deptype in ('e', 'a', 'i'))
      union
      select r.ev_class from moved m
        join pg_depend d on d.refobjid = m.oid and d.refclassid = 'pg_class'::regclass
          and d.classid = 'pg_rewrite'::regclass
        join pg_rewrite r on r.oid = d.objid
        join pg_class v on v.oid = r.ev_class and v.relnamespace = 'public'::regnamespace
    )
    select c.oid, c.relname::text as name, c.relkind as kind, c.relowner as owner,
      c.relkind in ('r', 'p') and c.relforcerowsecurity as is_forced,
      not (c.relname = any (old_tables)) as is_foreign
    from moved join pg_class c on c.oid = moved.oid;

  select string_agg(distinct format('%I', pg_get_userbyid(owner)), ', ') into foreign_owners from neopro_1_moves
    where not pg_has_role(current_user, owner, 'USAGE');
  if foreign_owners is not null then
    raise exception using errcode = 'NP102', message = format(
      'Le rôle %I ne possède pas toutes les tables de NeoPro 1 : elles sont à %s. Lancez la reprise avec ce rôle dans '
      'DATABASE_URL, ou donnez-les-lui : grant %s to %I;', current_user, foreign_owners, foreign_owners, current_user);
  end if;

  -- Whoever still writes is waited for, for as long as `lock_timeout`; from here on nobody does.
  select array_agg(oid::regclass order by name) into tables from neopro_1_moves where kind in ('r', 'p');
  execute format('lock table %s in access exclusive mode', array_to_string(tables, ', '));

  begin
    create schema neopro_1;
  exception when insufficient_privilege then
    raise exception using errcode = 'NP102', message = format(
      'Le rôle %I ne peut pas créer le schéma neopro_1. Un administrateur de la base doit exécuter : '
      'grant create on database %I to %I;', current_user, current_database(), current_user);
  end;
  revoke all on schema neopro_1 from public;
  for thing in select rolname from pg_roles where rolname in ('anon', 'authenticated', 'service_role') loop
    execute format('revoke all on schema neopro_1 from %I', thing.rolname);
  end loop;

  for thing in
    select p.oid::regprocedure as signature from pg_proc p
    where p.pronamespace = 'public'::regnamespace
      and (p.proname = any (old_functions) or p.proname = any (ours) or p.proname like 'neopro\_%')
      and not exists (select from pg_depend e where e.objid = p.oid and e.classid = 'pg_proc'::regclass
        and e.deptype = 'e')
  loop
    execute format('alter routine %s set schema neopro_1', thing.signature);
  end loop;
  for thing in select m.oid::regclass as relation, m.kind, m.is_forced from neopro_1_moves m loop
    execute format('alter %s %s set schema neopro_1',
      case thing.kind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence'
        when 'f' then 'foreign table' when 'c' then 'type' else 'table' end,
      thing.relation);
    -- Forced upon its owner, row-level security would hide rows from the takeover.
    if thing.is_forced then
      execute format('alter table %s no force row level security', thing.relation);
    end if;
  end loop;
  for thing in
    select t.oid::regtype as type from pg_type t
    where t.typnamespace = 'public'::regnamespace and t.typtype in ('e', 'd', 'r') and t.typname = any (ours)
      and not exists (select from pg_depend e where e.objid = t.oid and e.classid = 'pg_type'::regclass
        and e.deptype = 'e')
  loop
    execute format('alter type %s set schema neopro_1', thing.type);
  end loop;

  -- What the takeover has to tell, in its order: printed by `migrate`, and here to be read again.
  create table neopro_1.takeover (
    step integer generated always as identity primary key,
    kind text not null check (kind in ('taken', 'changed', 'kept', 'foreign')),
    sentence text not null,
    rows bigint not null,
    -- Which, a few of them.
    examples text[] not null default '{}',
    at timestamptz not null default now()
  );
  insert into neopro_1.takeover (kind, sentence, rows, examples)
    select 'foreign', 'Tables et vues étrangères à NeoPro 1, qui portaient un nom de cette version ou lisaient ses '
      'tables : déplacées dans neopro_1', count(*), (array_agg(name order by name))[1:20]
    from neopro_1_moves where is_foreign and name not in ('club_analytics_summary', 'top_videos_by_site',
      'sponsor_analytics_summary', 'top_sponsor_videos', 'sponsor_performance_by_site', 'sponsor_accessible_sites',
      'agency_accessible_sites', 'sponsor_stats_summary', 'agency_stats_summary', 'pending_commands_summary')
    having count(*) > 0;
end
$aside$;
