-- What boxes measure of themselves: one row a site and hour, however often its box beats, and its last words.

-- Averages are sum by count; a figure that a beat does not know is not counted.
create table site_figures (
  site_id uuid not null references sites on delete cascade,
  -- Its beginning, UTC.
  hour timestamptz not null,
  beats integer not null check (beats >= 0),
  -- Percent.
  cpu_sum double precision not null,
  cpu_count integer not null,
  cpu_max double precision,
  -- Percent.
  memory_sum double precision not null,
  memory_count integer not null,
  memory_max double precision,
  -- Degrees Celsius.
  temperature_sum double precision not null,
  temperature_count integer not null,
  temperature_max double precision,
  -- Percent.
  disk_sum double precision not null,
  disk_count integer not null,
  disk_max double precision,
  -- Seconds.
  uptime_max bigint,
  primary key (site_id, hour)
);
select neopro_guard('site_figures', 'select, insert, update');

-- The figures of the last beat; null what it did not know. Half of each page is left free: a row is rewritten in its
-- own page, all day long.
create table site_latest (
  site_id uuid primary key references sites on delete cascade,
  heard_at timestamptz not null,
  cpu double precision,
  memory double precision,
  temperature double precision,
  disk double precision,
  uptime bigint
) with (fillfactor = 50);
select neopro_guard('site_latest', 'select, insert, update');

create policy internal on site_figures to neopro_app
  using ((select neopro_scope_is('system', 'staff'))) with check ((select neopro_scope_is('system', 'staff')));
create policy internal on site_latest to neopro_app
  using ((select neopro_scope_is('system', 'staff'))) with check ((select neopro_scope_is('system', 'staff')));
-- An agency looks after its clubs' boxes. A sponsor sees no machine.
create policy agency on site_figures for select to neopro_app
  using ((select neopro_scope_is('agency'))
    and site_id in (select site_id from agency_sites where agency_id = (select neopro_tenant())));
create policy agency on site_latest for select to neopro_app
  using ((select neopro_scope_is('agency'))
    and site_id in (select site_id from agency_sites where agency_id = (select neopro_tenant())));
