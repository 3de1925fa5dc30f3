update sites set local_config_hash = '0123456789abcdef', last_config_sync = '2025-12-24 20:00:00+00',
    local_config_mirror = '{"auth": {"password": "mirror-in-clear-3", "clubName": "CA Vitré"}, "categories": [
      {"name": "SPONSORS", "videos": [{"name": "Boulangerie Morel", "path": "videos/SPONSORS/Or/boulangerie.mp4",
        "video_id": "40000000-0000-4000-8000-000000000001"}, {"name": "à nous", "path": "videos/x.mp4"}]}]}'
  where id = '20000000-0000-4000-8000-000000000001';
insert into config_history (id, site_id, configuration, deployed_by, deployed_at, comment, changes_summary) values
  ('a0000000-0000-4000-8000-000000000001', '20000000-0000-4000-8000-000000000001',
    '{"auth": {"password": "history-in-clear-4"}}', '10000000-0000-4000-8000-000000000001', '2025-09-10 08:00:00',
    'mot de passe', '[{"path": "auth.password", "type": "changed", "oldValue": "change-in-clear-5",
      "newValue": "history-in-clear-4"}]');
update sites set pending_config_version_id = 'a0000000-0000-4000-8000-000000000001'
  where id = '20000000-0000-4000-8000-000000000002';
insert into club_sessions (id, site_id, started_at, ended_at, duration_seconds, match_name)
  values ('b0000000-0000-4000-8000-000000000001', '20000000-0000-4000-8000-000000000001', '2025-10-01 18:00:00',
    '2025-10-01 20:00:00', 7200, 'Vitré – Rennes');
-- A match around midnight in France, and one of another day that NeoPro 1 has counted.
insert into video_plays (site_id, session_id, video_filename, category, played_at, duration_played, video_duration,
    completed, trigger_type)
  select '20000000-0000-4000-8000-000000000001', null, 'boulangerie.mp4', case n % 4 when 0 then 'sponsor' when 1 then
      'jingle' when 2 then 'ambiance' else 'maison' end,
    timestamp '2025-10-01 21:50:00' + n * interval '1 minute', 15, 15, true, case when n % 2 = 0 then 'auto' else 'manual' end
  from generate_series(0, 19) n;
insert into video_plays (site_id, session_id, video_filename, category, played_at, duration_played, completed, trigger_type)
  values ('20000000-0000-4000-8000-000000000001', 'b0000000-0000-4000-8000-000000000001', 'but.mp4', 'jingle',
    '2025-10-05 18:00:00', 5, true, 'manual');
insert into club_daily_stats (site_id, date, videos_played, screen_time_seconds, uptime_percent) values
  ('20000000-0000-4000-8000-000000000001', '2025-10-05', 17, 255, 99.50);
