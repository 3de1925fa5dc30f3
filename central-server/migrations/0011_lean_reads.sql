-- What every list pays for, made cheap: the policies of tenants in one function each instead of sub-selects that the
-- planner opens up, policies within policies, with every statement anew; and how many sites there are, kept.

-- The sites of the transaction's tenant: those of its agency, or those that show its sponsor. As its owner, who sees
-- all of both tables: what it answers with depends on the tenant alone.
create function neopro_tenant_sites() returns setof uuid
language plpgsql stable security definer set search_path = public, pg_temp as $fn$
begin
  if neopro_scope_is('agency') then
    return query select a.site_id from agency_sites a where a.agency_id = neopro_tenant();
  elsif neopro_scope_is('sponsor') then
    return query select s.site_id from sponsor_sites s where s.sponsor_id = neopro_tenant() and s.is_active;
  end if;
end
$fn$;
select neopro_guard_function('neopro_tenant_sites()');

drop policy agency on sites;
drop policy sponsor on sites;
create policy tenant on sites for select to neopro_app
  using ((select neopro_scope_is('agency', 'sponsor')) and id in (select neopro_tenant_sites()));
alter policy agency on site_groups
  using ((select neopro_scope_is('agency')) and site_id in (select neopro_tenant_sites()));
alter policy agency on club_daily_stats
  using ((select neopro_scope_is('agency')) and site_id in (select neopro_tenant_sites()));
alter policy agency on site_states
  using ((select neopro_scope_is('agency')) and site_id in (select neopro_tenant_sites()));
alter policy agency on site_figures
  using ((select neopro_scope_is('agency')) and site_id in (select neopro_tenant_sites()));
alter policy agency on site_latest
  using ((select neopro_scope_is('agency')) and site_id in (select neopro_tenant_sites()));

-- How many sites there are. Every page of the list says it, and to count them costs more than to read the page. Those
-- who add or remove sites wait for each other, which people do not notice.
create table site_total (
  total bigint not null
);
insert into site_total select count(*) from sites;
select neopro_guard('site_total', 'select');
create policy internal on site_total to neopro_app
  using ((select neopro_scope_is('system', 'staff'))) with check ((select neopro_scope_is('system', 'staff')));

create function neopro_count_sites() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $fn$
begin
  if tg_op = 'INSERT' then
    update site_total set total = total + (select count(*) from rows_after);
  elsif tg_op = 'DELETE' then
    update site_total set total = total - (select count(*) from rows_before);
  else
    update site_total set total = 0;
  end if;
  return null;
end
$fn$;
select neopro_guard_function('neopro_count_sites()', false);
create trigger count_added after insert on sites
  referencing new table as rows_after for each statement execute function neopro_count_sites();
create trigger count_deleted after delete on sites
  referencing old table as rows_before for each statement execute function neopro_count_sites();
create trigger count_emptied after truncate on sites
  for each statement execute function neopro_count_sites();
