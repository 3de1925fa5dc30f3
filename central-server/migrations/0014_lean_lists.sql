-- Pages of the whole list of sites, in functions that keep their plans: to plan such a page with every request takes
-- longer than to find its rows. One function for each order, since an order is part of a plan. Whose rows they are stays
-- with the policies: the functions run as whoever calls them.
create type site_row as (
  id uuid, site_name text, club_name text, location jsonb, sports jsonb, status text, display_status text,
  last_seen_at timestamptz, last_ip text, local_ip text, software_version text, hardware_model text, behind boolean,
  free_bytes bigint, metadata jsonb, live_score_enabled boolean, created_at timestamptz, updated_at timestamptz
);

do $do$
declare
  sorting record;
begin
  for sorting in
    -- As people sort: É beside E, whatever the database's collation. What is not known comes last, both ways.
    select k.name, k.key, d.name as direction, d.reversed,
      case when k.is_partly_known then ' nulls last' else '' end as unknown,
      case when k.is_partly_known then ' nulls first' else '' end as unknown_reversed
    from (values
        ('created_at', 'created_at', false), ('club_name', 'neopro_fold(club_name)', false),
        ('site_name', 'neopro_fold(site_name)', false), ('city', 'neopro_fold(location->>''city'')', true),
        ('status', 'status', false), ('last_seen_at', 'last_seen_at', true),
        ('software_version', 'software_version', true)) as k (name, key, is_partly_known)
      cross join (values ('asc', 'desc'), ('desc', 'asc')) as d (name, reversed)
  loop
    execute format($make$
      create function neopro_sites_by_%1$s_%2$s(moment timestamptz, most bigint, skipped bigint)
      returns setof site_row
      language plpgsql stable set search_path = public, pg_temp
        set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off as $fn$
      declare
        length bigint;
        page uuid[];
        way integer := 1;
      begin
        if skipped > 0 then
          -- First which rows they are, from the index alone where it has all, and from the nearer end of the list.
          select total into length from site_total;
          if skipped * 2 <= length then
            page := array(select id from sites order by %3$s %2$s%5$s, id %2$s limit most offset skipped);
          else
            way := -1;
            page := array(select id from sites order by %3$s %4$s%6$s, id %4$s
              limit greatest(least(most, length - skipped), 0) offset greatest(length - skipped - most, 0));
          end if;
          return query
            select s.id, s.site_name, s.club_name, s.location, s.sports, s.status,
              neopro_display_status(s.status, s.last_seen_at, moment), s.last_seen_at, s.last_ip, s.local_ip,
              s.software_version, s.hardware_model, coalesce(told.behind, false), told.free_bytes, s.metadata,
              s.live_score_enabled, s.created_at, s.updated_at
            from unnest(page) with ordinality as p (id, place) join sites s on s.id = p.id
            left join lateral (select reported_revision < desired_revision as behind, free_bytes
              from site_states where site_id = s.id offset 0) told on true
            order by p.place * way;
        else
          return query
            select s.id, s.site_name, s.club_name, s.location, s.sports, s.status,
              neopro_display_status(s.status, s.last_seen_at, moment), s.last_seen_at, s.last_ip, s.local_ip,
              s.software_version, s.hardware_model, coalesce(told.behind, false), told.free_bytes, s.metadata,
              s.live_score_enabled, s.created_at, s.updated_at
            from (select * from sites order by %3$s %2$s%5$s, id %2$s limit most) s
            left join lateral (select reported_revision < desired_revision as behind, free_bytes
              from site_states where site_id = s.id offset 0) told on true
            order by %3$s %2$s%5$s, id %2$s;
        end if;
      end
      $fn$$make$, sorting.name, sorting.direction, sorting.key, sorting.reversed, sorting.unknown,
      sorting.unknown_reversed);
    perform neopro_guard_function(format('neopro_sites_by_%s_%s(timestamptz, bigint, bigint)', sorting.name, sorting.direction)::regprocedure);
  end loop;
end
$do$;

-- How many there are, the same way. None for those who do not see all of them.
create function neopro_total_sites() returns bigint
language plpgsql stable set search_path = public, pg_temp as $fn$
begin
  return (select total from site_total);
end
$fn$;
select neopro_guard_function('neopro_total_sites()');

-- A small table that has to be read whole costs a plan without such reads so much on paper that it would be compiled,
-- which takes a hundred times as long as to run it.
do $fn$
declare
  looks_up regprocedure;
begin
  for looks_up in
    select oid from pg_proc where pronamespace = 'public'::regnamespace and 'enable_seqscan=off' = any (proconfig)
      and proname like 'neopro%'
  loop
    execute format('alter function %s set jit = off', looks_up);
  end loop;
end
$fn$;
