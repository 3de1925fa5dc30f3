-- The time zone of a club (0025) is read and written like the rest of it.

create or replace view site_overview with (security_invoker = true) as
select s.id, s.site_name, s.club_name, s.location, s.sports, s.status, s.last_seen_at, s.last_ip, s.local_ip,
  s.software_version, s.hardware_model, s.metadata, s.live_score_enabled, s.created_at, s.updated_at, s.search_text,
  coalesce((select x.reported_revision < x.desired_revision from site_states x where x.site_id = s.id), false) as behind,
  (select x.free_bytes from site_states x where x.site_id = s.id) as free_bytes,
  s.time_zone
from sites s;

-- As before, with the time zone of a site.
create or replace function neopro_audit_snapshot(kind text, thing uuid) returns jsonb
language plpgsql stable set search_path = public, pg_temp as $fn$
begin
  if kind = 'site' then
    return (select jsonb_build_object('site_name', site_name, 'club_name', club_name, 'location', location,
        'sports', sports, 'status', status, 'hardware_model', hardware_model,
        'live_score_enabled', live_score_enabled, 'time_zone', time_zone)
      from sites where id = thing);
  elsif kind = 'group' then
    -- Of a large group how many are in it: who they are would be half a megabyte at each change.
    return (select jsonb_build_object('name', name, 'description', description, 'type', type, 'filters', filters,
        'metadata', metadata, 'sites', (select case when count(*) <= 100
          then coalesce(jsonb_agg(m.site_id order by m.site_id), '[]') else to_jsonb(count(*)) end
        from site_groups m where m.group_id = thing))
      from groups where id = thing);
  elsif kind = 'video' then
    return (select jsonb_build_object('title', metadata->>'title', 'metadata', metadata - 'title',
        'original_name', original_name, 'category', category, 'subcategory', subcategory, 'mime_type', mime_type,
        'file_size', file_size, 'duration', duration, 'checksum', checksum, 'thumbnail', thumbnail_url)
      from videos where id = thing);
  elsif kind = 'deployment' then
    return (select jsonb_build_object('video_id', d.video_id, 'video_title', d.video_title, 'action', d.action,
        'target_type', d.target_type, 'target_id', d.target_id, 'target_name', d.target_name,
        'scheduled_at', d.scheduled_at, 'cancelled_at', d.cancelled_at, 'sites', (
          select coalesce(jsonb_object_agg(s.state, s.sites), '{}') from (
            select t.state, count(*) as sites from deployment_targets t where t.deployment_id = thing group by t.state) s))
      from content_deployments d where d.id = thing);
  elsif kind = 'user' then
    -- What tells who it is comes from the server, which keeps it apart.
    return (select jsonb_build_object('role', role, 'status', status, 'is_active', is_active, 'sponsor_id', sponsor_id,
        'agency_id', agency_id, 'mfa_enabled', coalesce(mfa_enabled, false), 'language', language)
      from users where id = thing);
  end if;
  raise 'the journal knows no %', kind;
end
$fn$;
