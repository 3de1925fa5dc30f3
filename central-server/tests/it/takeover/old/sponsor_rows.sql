insert into sponsors (id, name, contact_email, status, metadata, created_at) values
  ('90000000-0000-4000-8000-000000000001', 'Boulangerie Morel', 'contact@morel.test', 'active', '{}', '2025-06-01 07:00:00'),
  ('90000000-0000-4000-8000-000000000002', 'Garage Dubois', null, 'paused', null, '2025-06-01 07:00:00');
insert into sponsor_videos (sponsor_id, video_id) values
  ('90000000-0000-4000-8000-000000000001', '40000000-0000-4000-8000-000000000001');
insert into sponsor_impressions (site_id, video_id, played_at, duration_played, video_duration, completed, event_type,
    period, trigger_type)
  select '20000000-0000-4000-8000-000000000001', '40000000-0000-4000-8000-000000000001',
    timestamp '2025-10-01 18:00:00' + n * interval '1 minute', 15, 15, true, 'une fête', null, 'auto'
  from generate_series(1, 5) n;
insert into sponsor_daily_stats (video_id, site_id, date, total_impressions) values
  ('40000000-0000-4000-8000-000000000001', '20000000-0000-4000-8000-000000000001', '2025-10-01', 5);
