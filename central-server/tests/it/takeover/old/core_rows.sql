-- Rows that any database of NeoPro 1 has. `{PASSWORD}` and `{KEY}` are hashes (bcrypt) that the test makes.
insert into users (id, email, password_hash, full_name, role, created_at, updated_at, last_login_at) values
  ('10000000-0000-4000-8000-000000000001', 'Jeanne.Admin@neopro.test', '{PASSWORD}', 'Jeanne Morvan', 'admin',
    '2025-03-01 08:00:00', '2025-03-02 09:30:00', '2025-12-20 18:45:10.123456'),
  ('10000000-0000-4000-8000-000000000002', 'paul@neopro.test', '{PASSWORD}', 'Paul Le Goff', 'operator',
    '2025-03-05 10:00:00', '2025-03-05 10:00:00', null),
  ('10000000-0000-4000-8000-000000000003', 'lea@neopro.test', '{PASSWORD}', null, 'viewer',
    '2025-04-01 10:00:00', '2025-04-01 10:00:00', null);

insert into sites (id, site_name, club_name, location, sports, status, last_seen_at, last_ip, local_ip,
    software_version, hardware_model, api_key, metadata, created_at, updated_at) values
  ('20000000-0000-4000-8000-000000000001', 'Gymnase Jean-Moulin', 'CA Vitré',
    '{"city": "Vitré", "region": "Bretagne", "country": "France", "coordinates": {"lat": 48.12, "lng": -1.21}}',
    '["volleyball", "handball"]', 'online', '2025-12-24 19:59:30', '203.0.113.7', '192.168.1.20', '2.0.1',
    'Raspberry Pi 4', '{KEY}', '{"note": "porte bleue"}', '2025-05-01 12:00:00', '2025-06-01 12:00:00'),
  ('20000000-0000-4000-8000-000000000002', 'Salle Colette-Besson', 'Rennes Volley', '{"city": "Rennes"}', null,
    'maintenance', null, null, null, null, 'Unknown',
    '$2b$10$C6UzMDM.H6dfI/f/IKcEeO7Zxq1S4m3lQ5n7v0bqA8W9uY2yXr5eK', '{}', '2025-05-02 12:00:00', '2025-05-02 12:00:00'),
  ('20000000-0000-4000-8000-000000000003', 'Stade du Pressoir', 'US Liffré', null, '["football"]', 'offline',
    '2025-11-02 14:00:00', '198.51.100.4', '10.0.0.8', '1.9.0', 'Raspberry Pi 4',
    '$2b$10$AAAAAAAAAAAAAAAAAAAAAuJ1b2Zq8oXn5W0aQ3dE4fG5hI6jK7lM8', null, '2025-05-03 12:00:00', '2025-05-03 12:00:00');

insert into groups (id, name, description, type, filters, created_at) values
  ('30000000-0000-4000-8000-000000000001', 'Bretagne', 'Tous les clubs bretons', 'geography', '{"region": "Bretagne"}',
    '2025-05-04 12:00:00'),
  ('30000000-0000-4000-8000-000000000002', 'Vide', null, 'custom', null, '2025-05-04 12:00:00');
insert into site_groups (site_id, group_id, added_at) values
  ('20000000-0000-4000-8000-000000000001', '30000000-0000-4000-8000-000000000001', '2025-05-05 12:00:00'),
  ('20000000-0000-4000-8000-000000000002', '30000000-0000-4000-8000-000000000001', '2025-05-05 12:00:00');

insert into videos (id, filename, original_name, category, subcategory, file_size, mime_type, storage_path, metadata,
    uploaded_by, created_at) values
  ('40000000-0000-4000-8000-000000000001', 'aaaaaaaa-0000-4000-8000-000000000001.mp4', 'boulangerie.mp4', 'SPONSORS',
    'Or', 12345678, 'video/mp4', 'uploads/aaaaaaaa-0000-4000-8000-000000000001.mp4',
    '{"title": "Boulangerie Morel", "analytics_category": "sponsor"}', '10000000-0000-4000-8000-000000000002',
    '2025-06-01 08:00:00'),
  ('40000000-0000-4000-8000-000000000002', 'aaaaaaaa-0000-4000-8000-000000000002.mp4', 'but.mp4', 'JINGLES', null,
    2345678, 'video/mp4', 'uploads/aaaaaaaa-0000-4000-8000-000000000002.mp4', '{"title": "But !"}',
    '10000000-0000-4000-8000-000000000001', '2025-06-02 08:00:00');

insert into content_deployments (id, video_id, target_type, target_id, status, progress, error_message, deployed_by,
    created_at, started_at, completed_at) values
  ('50000000-0000-4000-8000-000000000001', '40000000-0000-4000-8000-000000000001', 'site',
    '20000000-0000-4000-8000-000000000001', 'completed', 100, null, '10000000-0000-4000-8000-000000000002',
    '2025-06-03 08:00:00', '2025-06-03 08:00:05', '2025-06-03 08:03:00'),
  ('50000000-0000-4000-8000-000000000002', '40000000-0000-4000-8000-000000000002', 'group',
    '30000000-0000-4000-8000-000000000001', 'failed', 40, 'Checksum mismatch', '10000000-0000-4000-8000-000000000002',
    '2025-06-04 08:00:00', '2025-06-04 08:00:05', '2025-06-04 08:01:00'),
  ('50000000-0000-4000-8000-000000000003', '40000000-0000-4000-8000-000000000002', 'site',
    '20000000-0000-4000-8000-000000000003', 'pending', 0, null, '10000000-0000-4000-8000-000000000001',
    '2025-06-05 08:00:00', null, null),
  ('50000000-0000-4000-8000-000000000004', '40000000-0000-4000-8000-000000000001', 'group',
    '30000000-0000-4000-8000-000000000002', 'cancelled', 0, null, null, '2025-06-06 08:00:00', null, null);

insert into software_updates (id, version, description, changelog, package_url, package_size, uploaded_by, created_at)
  values ('60000000-0000-4000-8000-000000000001', '2.1.0', 'Stabilité', '- corrige le son', 'https://x.test/a.tar.gz', 99,
    '10000000-0000-4000-8000-000000000001', '2025-07-01 08:00:00');
insert into update_deployments (id, update_id, target_type, target_id, status, created_at)
  values ('61000000-0000-4000-8000-000000000001', '60000000-0000-4000-8000-000000000001', 'site',
    '20000000-0000-4000-8000-000000000001', 'completed', '2025-07-02 08:00:00');

insert into remote_commands (id, site_id, command_type, command_data, status, result, error_message, executed_by,
    created_at, executed_at, completed_at) values
  ('70000000-0000-4000-8000-000000000001', '20000000-0000-4000-8000-000000000001', 'reboot', '{}', 'completed',
    '{"message": "ok"}', null, '10000000-0000-4000-8000-000000000002', '2025-08-01 08:00:00', '2025-08-01 08:00:01',
    '2025-08-01 08:01:00'),
  ('70000000-0000-4000-8000-000000000002', '20000000-0000-4000-8000-000000000001', 'update_hotspot',
    '{"ssid": "NEOPRO", "password": "wifi-in-clear-1"}', 'executing', null, null,
    '10000000-0000-4000-8000-000000000002', '2025-08-02 08:00:00', '2025-08-02 08:00:01', null),
  ('70000000-0000-4000-8000-000000000003', '20000000-0000-4000-8000-000000000001', 'get_config', null, 'completed',
    '{"configuration": {"auth": {"password": "club-in-clear-2", "clubName": "CA Vitré"}}}', null,
    '10000000-0000-4000-8000-000000000001', '2025-08-03 08:00:00', '2025-08-03 08:00:01', '2025-08-03 08:00:02'),
  ('70000000-0000-4000-8000-000000000004', '20000000-0000-4000-8000-000000000002', 'deploy_video',
    '{"videoId": "40000000-0000-4000-8000-000000000002"}', 'failed', null, 'ENOSPC', null, '2025-08-04 08:00:00', null,
    '2025-08-04 08:00:02');

-- Three hours of heartbeats, one in thirty seconds, until this hour.
insert into metrics (site_id, cpu_usage, memory_usage, temperature, disk_usage, uptime, recorded_at)
  select '20000000-0000-4000-8000-000000000001', 10 + n % 5, 40, 55, 30, n * 30,
    date_trunc('hour', now() at time zone 'utc') - interval '3 hours' + n * interval '30 seconds'
  from generate_series(0, 359) n;
insert into alerts (id, site_id, alert_type, severity, message, status, created_at)
  values ('80000000-0000-4000-8000-000000000001', '20000000-0000-4000-8000-000000000001', 'high_temperature',
    'critical', 'Température : 84 °C', 'active', '2025-09-01 12:00:00');
