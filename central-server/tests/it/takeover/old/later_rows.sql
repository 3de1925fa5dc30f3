update users set role = 'super_admin' where id = '10000000-0000-4000-8000-000000000001';
update users set mfa_enabled = true, mfa_secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ',
    mfa_backup_codes = '["A1B2-C3D4", "ZZZZ-9999", "0000-1111"]'
  where id = '10000000-0000-4000-8000-000000000002';
update users set mfa_secret = 'MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK' where id = '10000000-0000-4000-8000-000000000003';
insert into agencies (id, name, contact_email, address, status) values
  ('c0000000-0000-4000-8000-000000000001', 'Agence Ouest', 'ouest@agence.test', '{"street": "1 rue du Port"}', 'active');
insert into agency_sites (agency_id, site_id, added_by) values
  ('c0000000-0000-4000-8000-000000000001', '20000000-0000-4000-8000-000000000001',
    '10000000-0000-4000-8000-000000000001');
insert into sponsor_sites (sponsor_id, site_id, contract_start, contract_end) values
  ('90000000-0000-4000-8000-000000000001', '20000000-0000-4000-8000-000000000001', '2025-09-01', '2026-06-30');
insert into users (id, email, password_hash, full_name, role, status, sponsor_id, agency_id) values
  ('10000000-0000-4000-8000-000000000004', 'agence@neopro.test', '{PASSWORD}', 'Agence', 'agency', 'active', null,
    'c0000000-0000-4000-8000-000000000001'),
  ('10000000-0000-4000-8000-000000000005', 'morel@neopro.test', '{PASSWORD}', 'Morel', 'sponsor', 'active',
    '90000000-0000-4000-8000-000000000001', null),
  ('10000000-0000-4000-8000-000000000006', 'parti@neopro.test', '{PASSWORD}', 'Parti', 'operator', 'suspended', null, null);
insert into password_reset_tokens (user_id, token_hash, expires_at) values
  ('10000000-0000-4000-8000-000000000002', repeat('ab', 32), '2025-12-25 00:00:00');
insert into pending_commands (id, site_id, command_type, command_data, created_by) values
  ('71000000-0000-4000-8000-000000000001', '20000000-0000-4000-8000-000000000003', 'update_hotspot',
    '{"ssid": "X", "password": "queue-in-clear-6"}', '10000000-0000-4000-8000-000000000001');
update sites set live_score_enabled = true where id = '20000000-0000-4000-8000-000000000001';
update videos set checksum = repeat('a1', 32) where id = '40000000-0000-4000-8000-000000000001';
update videos set checksum = repeat('b2', 32) where id = '40000000-0000-4000-8000-000000000002';
insert into content_deployments (id, video_id, target_type, target_id, status, scheduled_at, scheduled_by, deployed_by,
    created_at) values
  ('50000000-0000-4000-8000-000000000005', '40000000-0000-4000-8000-000000000001', 'group',
    '30000000-0000-4000-8000-000000000001', 'scheduled', '2099-01-01 07:30:00', '10000000-0000-4000-8000-000000000002',
    '10000000-0000-4000-8000-000000000002', '2025-12-01 08:00:00'),
  ('50000000-0000-4000-8000-000000000006', '40000000-0000-4000-8000-000000000001', 'site',
    '20000000-0000-4000-8000-000000000003', 'scheduled', '2025-01-01 07:30:00', null, null, '2024-12-01 08:00:00');
