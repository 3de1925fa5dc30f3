-- What scripts run by hand have added over the years, on both beginnings: second factors, agencies, the queue, plans,
-- portals.
alter table users drop constraint users_role_check;
alter table users
  add column status varchar(20) default 'active' check (status in ('active', 'inactive', 'suspended')),
  add column mfa_enabled boolean default false,
  add column mfa_secret varchar(255),
  add column mfa_backup_codes jsonb,
  add column mfa_verified_at timestamptz,
  -- Where another script ran first, without their references.
  add column sponsor_id uuid,
  add column agency_id uuid,
  add constraint users_role_check
    check (role in ('super_admin', 'admin', 'operator', 'viewer', 'sponsor', 'agency'));
create index idx_users_mfa_enabled on users (mfa_enabled) where mfa_enabled = true;
create index idx_users_sponsor on users (sponsor_id) where sponsor_id is not null;
create index idx_users_sponsor_id on users (sponsor_id);

create table agencies (
  id uuid primary key default gen_random_uuid(),
  name varchar(255) not null,
  description text,
  logo_url varchar(500),
  contact_name varchar(255),
  contact_email varchar(255),
  contact_phone varchar(50),
  address jsonb,
  status varchar(50) default 'active' check (status in ('active', 'inactive', 'suspended')),
  metadata jsonb default '{}',
  created_at timestamp default now(),
  updated_at timestamp default now()
);
create table agency_sites (
  agency_id uuid references agencies on delete cascade,
  site_id uuid references sites on delete cascade,
  added_at timestamp default now(),
  added_by uuid references users,
  primary key (agency_id, site_id)
);
create table password_reset_tokens (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references users on delete cascade,
  token_hash varchar(64) not null,
  expires_at timestamp not null,
  used_at timestamp,
  created_at timestamp default now()
);
create table pending_commands (
  id uuid primary key default gen_random_uuid(),
  site_id uuid not null references sites on delete cascade,
  command_type varchar(100) not null,
  command_data jsonb not null default '{}',
  priority integer default 5 check (priority between 1 and 10),
  created_by uuid references users,
  created_at timestamp default now(),
  expires_at timestamp,
  attempts integer default 0,
  last_attempt_at timestamp,
  max_attempts integer default 3,
  description text
);
alter table remote_commands
  add column pending_command_id uuid references pending_commands on delete set null;
create view pending_commands_summary as
  select site_id, count(*) as pending_count, min(priority) as highest_priority from pending_commands group by site_id;

alter table sites add column live_score_enabled boolean default false;
alter table videos add column checksum varchar(64);
create index idx_videos_checksum on videos (checksum);
alter table content_deployments drop constraint content_deployments_status_check;
alter table content_deployments
  add column scheduled_at timestamp,
  add column scheduled_by uuid references users,
  add constraint check_status
    check (status in ('pending', 'scheduled', 'in_progress', 'completed', 'failed', 'cancelled'));
alter table update_deployments
  add column scheduled_at timestamp,
  add column scheduled_by uuid references users;

create table analytics_categories (
  id varchar(50) primary key,
  name varchar(100) not null,
  description text,
  color varchar(7) default '#6B7280',
  is_default boolean default false,
  created_at timestamptz default now()
);
insert into analytics_categories (id, name, color, is_default)
  values ('sponsor', 'Sponsor', '#3B82F6', true), ('jingle', 'Jingle', '#10B981', true),
    ('ambiance', 'Ambiance', '#8B5CF6', true), ('other', 'Autre', '#6B7280', true);
alter table video_plays
  add column video_id uuid references videos on delete set null,
  add column sponsor_id uuid references sponsors on delete set null;
create table sponsor_sites (
  sponsor_id uuid references sponsors on delete cascade,
  site_id uuid references sites on delete cascade,
  added_at timestamp default now(),
  contract_start date,
  contract_end date,
  is_active boolean default true,
  primary key (sponsor_id, site_id)
);
create view sponsor_accessible_sites as
  select sponsor_id, site_id from sponsor_sites where is_active;
create view agency_accessible_sites as select agency_id, site_id from agency_sites;

create function cleanup_expired_pending_commands() returns integer language plpgsql as $$
declare
  gone integer;
begin
  delete from pending_commands where expires_at < now();
  get diagnostics gone = row_count;
  return gone;
end
$$;
create function get_scheduled_deployments_due()
returns table (deployment_type text, deployment_id uuid, scheduled_at timestamp) language sql as $$
  select 'content', id, content_deployments.scheduled_at from content_deployments
  where status = 'scheduled' and content_deployments.scheduled_at <= now()
$$;
create trigger update_agencies_updated_at before update on agencies
  for each row execute function update_updated_at_column();
