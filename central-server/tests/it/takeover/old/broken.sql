-- What years of hand-run scripts leave behind: constraints that were dropped, rows that none of them would have let in,
-- and things of others under names that are ours.
alter table users alter column password_hash drop not null, alter column email type text,
  alter column role drop not null, drop constraint users_role_check, drop constraint users_status_check;
insert into users (id, email, password_hash, full_name, role, status, last_login_at, sponsor_id, agency_id) values
  ('11000000-0000-4000-8000-000000000001', 'double@club.test', '{PASSWORD}', 'Ancien', 'operator', 'active', '2025-01-01', null, null),
  ('11000000-0000-4000-8000-000000000002', 'Double@club.test', '{PASSWORD}', 'Récent', 'operator', 'active', '2025-11-01', null, null),
  ('11000000-0000-4000-8000-000000000003', 'DOUBLE@CLUB.TEST', '{PASSWORD}', 'Suspendu', 'admin', 'suspended', '2025-12-01', null, null),
  ('11000000-0000-4000-8000-000000000004', 'defaut@club.test', '{PASSWORD}', null, 'user', null, null, null, null),
  ('11000000-0000-4000-8000-000000000005', 'chef@club.test', null, null, 'directeur', 'active', null, null, null),
  ('11000000-0000-4000-8000-000000000006', 'sans@club.test', '', null, null, 'banni', 'infinity', null, null),
  ('11000000-0000-4000-8000-000000000007', '', '{PASSWORD}', null, 'viewer', 'active', null, null, null),
  ('11000000-0000-4000-8000-000000000008', repeat('x', 300) || '@club.test', '{PASSWORD}', null, 'viewer', 'active', null, null, null),
  ('11000000-0000-4000-8000-000000000009', 'orphelin@club.test', '{PASSWORD}', null, 'sponsor', 'active', null,
    '99999999-0000-4000-8000-000000000009', '99999999-0000-4000-8000-000000000009');
update users set mfa_enabled = true, mfa_secret = 'pas du base32 !', mfa_backup_codes = '"[\"AAAA-BBBB\"]"'
  where id = '11000000-0000-4000-8000-000000000001';

drop view club_analytics_summary;
alter table sites alter column site_name drop not null, alter column club_name drop not null,
  alter column api_key drop not null, alter column site_name type text, alter column club_name type text,
  drop constraint sites_api_key_key, drop constraint sites_status_check;
insert into sites (id, site_name, club_name, location, sports, status, api_key, metadata, last_seen_at) values
  ('21000000-0000-4000-8000-000000000001', 'Gymnase Jean-Moulin', 'Double', '"Vitré"', '{"a": 1}', 'on fire',
    'a key in clear', '[1]', '-infinity'),
  ('21000000-0000-4000-8000-000000000002', null, null, '{"city": 7, "coordinates": {"lat": "x"}, "salle": "B"}',
    '["volley", 7, null]', null, null, null, null),
  ('21000000-0000-4000-8000-000000000003', repeat('é', 400), repeat('è', 400), null, null, 'offline', null, null, null),
  ('21000000-0000-4000-8000-000000000004', 'Même clé', 'Même clé', null, null, 'offline',
    '$2b$10$C6UzMDM.H6dfI/f/IKcEeO7Zxq1S4m3lQ5n7v0bqA8W9uY2yXr5eK', null, null);
update sites set local_config_mirror = '["pas un objet"]' where id = '21000000-0000-4000-8000-000000000004';

alter table groups alter column name drop not null, drop constraint groups_type_check;
insert into groups (id, name, type, filters) values ('31000000-0000-4000-8000-000000000001', null, 'planète', '[]');
alter table site_groups drop constraint site_groups_site_id_fkey;
insert into site_groups (site_id, group_id)
  values ('99999999-0000-4000-8000-000000000001', '31000000-0000-4000-8000-000000000001');
alter table agencies alter column name drop not null, drop constraint agencies_status_check;
insert into agencies (id, name, status, address, metadata)
  values ('c1000000-0000-4000-8000-000000000001', '  ', 'en vacances', '"rue"', '"x"');
alter table agency_sites drop constraint agency_sites_agency_id_fkey;
insert into agency_sites (agency_id, site_id)
  values ('99999999-0000-4000-8000-000000000001', '20000000-0000-4000-8000-000000000001');
alter table sponsors alter column name drop not null, drop constraint sponsors_status_check;
insert into sponsors (id, name, status) values ('91000000-0000-4000-8000-000000000001', null, 'éteint');
alter table sponsor_sites drop constraint sponsor_sites_sponsor_id_fkey;
insert into sponsor_sites (sponsor_id, site_id, is_active)
  values ('99999999-0000-4000-8000-000000000001', '20000000-0000-4000-8000-000000000001', null);

alter table videos alter column filename drop not null, alter column original_name drop not null,
  drop constraint videos_uploaded_by_fkey;
insert into videos (id, filename, original_name, file_size, duration, mime_type, storage_path, checksum, metadata,
    uploaded_by) values
  ('41000000-0000-4000-8000-000000000001', null, null, -5, -1, null, null, 'not hexadecimal', '"x"',
    '99999999-0000-4000-8000-000000000001'),
  ('41000000-0000-4000-8000-000000000002', 'aaaaaaaa-0000-4000-8000-000000000001.mp4', 'copie.mp4', null, null, '',
    'uploads/aaaaaaaa-0000-4000-8000-000000000001.mp4', upper(repeat('a1', 32)), null, null),
  ('41000000-0000-4000-8000-000000000003', 'vieux.webm', 'vieux.webm', 10, 5, null, 'uploads/vieux.webm', null, '{}', null);

alter table content_deployments alter column target_id drop not null, drop constraint content_deployments_video_id_fkey,
  drop constraint check_status, drop constraint content_deployments_target_type_check,
  drop constraint content_deployments_deployed_by_fkey;
insert into content_deployments (id, video_id, target_type, target_id, status, progress, deployed_by, created_at) values
  ('51000000-0000-4000-8000-000000000001', '99999999-0000-4000-8000-000000000001', 'site',
    '20000000-0000-4000-8000-000000000001', 'pending', -7, '99999999-0000-4000-8000-000000000001', '2025-07-01'),
  ('51000000-0000-4000-8000-000000000002', '40000000-0000-4000-8000-000000000001', 'planète',
    '20000000-0000-4000-8000-000000000001', 'pending', 0, null, '2025-07-01'),
  ('51000000-0000-4000-8000-000000000003', '40000000-0000-4000-8000-000000000001', 'site', null, 'pending', 0, null, '2025-07-01'),
  ('51000000-0000-4000-8000-000000000004', '40000000-0000-4000-8000-000000000001', 'site',
    '99999999-0000-4000-8000-000000000001', 'completed', 900, null, '2025-07-01'),
  ('51000000-0000-4000-8000-000000000005', '40000000-0000-4000-8000-000000000001', 'site',
    '20000000-0000-4000-8000-000000000003', 'perdu', 0, null, 'infinity');

alter table remote_commands drop constraint remote_commands_site_id_fkey, drop constraint remote_commands_status_check,
  alter column command_type drop not null;
insert into remote_commands (id, site_id, command_type, command_data, status, created_at) values
  ('72000000-0000-4000-8000-000000000001', '99999999-0000-4000-8000-000000000001', 'reboot', '{}', 'completed', '2025-07-01'),
  ('72000000-0000-4000-8000-000000000002', '20000000-0000-4000-8000-000000000001', null, '["token"]', 'perdu', null);
alter table audit_logs alter column action drop not null, drop constraint audit_logs_user_id_fkey;
insert into audit_logs (id, action, user_id, details, created_at) values
  ('d1000000-0000-4000-8000-000000000001', null, '99999999-0000-4000-8000-000000000001', '"x"', 'infinity');
alter table metrics drop constraint metrics_site_id_fkey;
insert into metrics (site_id, cpu_usage, memory_usage, temperature, disk_usage, uptime, recorded_at) values
  ('99999999-0000-4000-8000-000000000001', 1, 1, 1, 1, 1, now() at time zone 'utc'),
  ('20000000-0000-4000-8000-000000000003', 'NaN', 'infinity', -300, -1, -1, date_trunc('hour', now() at time zone 'utc')),
  ('20000000-0000-4000-8000-000000000003', null, null, null, null, null, 'infinity');
alter table video_plays drop constraint video_plays_site_id_fkey;
insert into video_plays (site_id, video_filename, played_at, duration_played) values
  ('99999999-0000-4000-8000-000000000001', 'perdue.mp4', '2025-10-02 12:00:00', 15),
  ('20000000-0000-4000-8000-000000000003', 'sans durée.mp4', '2025-10-02 12:00:00', null),
  ('20000000-0000-4000-8000-000000000003', 'à rebours.mp4', '2025-10-02 12:00:00', -15),
  ('20000000-0000-4000-8000-000000000003', 'hors du temps.mp4', 'infinity', 15);
alter table club_daily_stats drop constraint club_daily_stats_site_id_fkey;
insert into club_daily_stats (site_id, date, videos_played) values
  ('99999999-0000-4000-8000-000000000001', '2025-10-06', 1);

-- Row-level security that is forced upon the owner, with no policy that lets anybody in.
alter table users force row level security;
-- A trigger that lets nobody change anything.
create function refuse() returns trigger language plpgsql as $$ begin raise exception 'not here'; end $$;
create trigger refuse before update or delete on users for each row execute function refuse();
create trigger refuse before update or delete on sites for each row execute function refuse();
create trigger refuse before update or delete on remote_commands for each row execute function refuse();

-- Names of ours.
create table sessions (id integer primary key, name text);
insert into sessions values (1, 'de quelqu''un d''autre');
create table settings (key text, value text);
create view analytics as select count(*) as plays from video_plays;
create view mon_rapport as select s.site_name, a.plays from sites s, analytics a;
create materialized view figees as select id from videos;
create function neopro_user() returns text language sql as $$ select 'autre' $$;
create function neopro_guard(relation regclass, app_rights text default '') returns void language sql as $$ select $$;
create type site_row as enum ('a', 'b');
create table schema_migrations (version varchar(14) primary key);
insert into schema_migrations values ('20240101000000');
create policy owner on sites using (false);
-- And what has nothing to do with us, which stays.
create table comptabilite (id serial primary key, montant numeric);
insert into comptabilite (montant) values (12.5);
