-- What a screen shows of a site beside its row: one word for its state, whether its box is behind, what room it has.

-- The state of a site in one word. What a person or a fault has said stands first; then whether its box is connected;
-- then when it was last heard of. Stable, as the difference of two times is: only so does the planner look into it.
create function neopro_display_status(status text, last_seen_at timestamptz, moment timestamptz) returns text
language sql stable
as $fn$
  select case
    when status in ('maintenance', 'error', 'online') then status
    when last_seen_at is null then 'unknown'
    when last_seen_at > moment - interval '120 seconds' then 'warning'
    else 'offline'
  end
$fn$;
select neopro_guard_function('neopro_display_status(text, timestamptz, timestamptz)');

-- Sites as they are read, one or a few: without their key, and with what `site_states` says of them. A page of a long
-- list looks that up behind its limit, for a list that is skipped through pays for every row that it skips.
create view site_overview with (security_invoker = true) as
select s.id, s.site_name, s.club_name, s.location, s.sports, s.status, s.last_seen_at, s.last_ip, s.local_ip,
  s.software_version, s.hardware_model, s.metadata, s.live_score_enabled, s.created_at, s.updated_at, s.search_text,
  coalesce((select x.reported_revision < x.desired_revision from site_states x where x.site_id = s.id), false) as behind,
  (select x.free_bytes from site_states x where x.site_id = s.id) as free_bytes
from sites s;
select neopro_guard('site_overview', 'select, update');

-- An agency looks after its clubs' boxes: it sees how far they are. A sponsor sees no machine.
create policy agency on site_states for select to neopro_app
  using ((select neopro_scope_is('agency'))
    and site_id in (select site_id from agency_sites where agency_id = (select neopro_tenant())));

create index sites_by_city on sites (neopro_fold(location->>'city'), id);

-- In which minutes of the hour the box was heard, the first in the lowest bit. 0 beside beats: of before this column,
-- when only the hour was known.
alter table site_figures add column minutes bigint not null default 0;
