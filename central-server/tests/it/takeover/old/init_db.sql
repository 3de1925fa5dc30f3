-- One of the two ways in which databases of NeoPro 1 began: fleet, content, sponsors; no copies of configurations, no
-- figures of clubs. Written anew from the description of its tables.
create extension if not exists "uuid-ossp";

create function update_updated_at_column() returns trigger language plpgsql as $$
begin
  new.updated_at = now();
  return new;
end
$$;

create table users (
  id uuid primary key default uuid_generate_v4(),
  email varchar(255) unique not null,
  password_hash varchar(255) not null,
  full_name varchar(255),
  role varchar(50) not null default 'viewer' check (role in ('admin', 'operator', 'viewer')),
  created_at timestamp default now(),
  updated_at timestamp default now(),
  last_login_at timestamp
);
create index idx_users_email on users (email);
create index idx_users_role on users (role);

create table sites (
  id uuid primary key default uuid_generate_v4(),
  site_name varchar(255) not null,
  club_name varchar(255) not null,
  location jsonb,
  sports jsonb,
  status varchar(50) default 'offline' check (status in ('online', 'offline', 'maintenance', 'error')),
  last_seen_at timestamp,
  last_ip varchar(45),
  local_ip varchar(45),
  software_version varchar(50),
  hardware_model varchar(100) default 'Raspberry Pi 4',
  api_key varchar(255) unique not null,
  metadata jsonb default '{}',
  created_at timestamp default now(),
  updated_at timestamp default now()
);
create index idx_sites_status on sites (status);
create index idx_sites_last_seen on sites (last_seen_at desc);

create table groups (
  id uuid primary key default uuid_generate_v4(),
  name varchar(255) not null,
  description text,
  type varchar(50) check (type in ('sport', 'geography', 'version', 'custom')),
  filters jsonb,
  created_at timestamp default now(),
  updated_at timestamp default now()
);

create table site_groups (
  site_id uuid references sites on delete cascade,
  group_id uuid references groups on delete cascade,
  added_at timestamp default now(),
  primary key (site_id, group_id)
);

create table videos (
  id uuid primary key default uuid_generate_v4(),
  filename varchar(255) not null,
  original_name varchar(255) not null,
  category varchar(100),
  subcategory varchar(100),
  file_size bigint,
  duration integer,
  mime_type varchar(100),
  storage_path varchar(500),
  thumbnail_url varchar(500),
  metadata jsonb default '{}',
  uploaded_by uuid references users,
  created_at timestamp default now(),
  updated_at timestamp default now()
);

create table content_deployments (
  id uuid primary key default uuid_generate_v4(),
  video_id uuid references videos on delete cascade,
  target_type varchar(20) check (target_type in ('site', 'group')),
  target_id uuid not null,
  status varchar(50) default 'pending'
    check (status in ('pending', 'in_progress', 'completed', 'failed', 'cancelled')),
  progress integer default 0,
  error_message text,
  deployed_by uuid references users,
  created_at timestamp default now(),
  started_at timestamp,
  completed_at timestamp
);
create index idx_content_deployments_status on content_deployments (status);

create table software_updates (
  id uuid primary key default uuid_generate_v4(),
  version varchar(50) unique not null,
  description text,
  is_critical boolean default false,
  changelog text,
  package_url varchar(500),
  package_size bigint,
  checksum varchar(64),
  uploaded_by uuid references users,
  created_at timestamp default now()
);

create table update_deployments (
  id uuid primary key default uuid_generate_v4(),
  update_id uuid references software_updates on delete cascade,
  target_type varchar(20) check (target_type in ('site', 'group')),
  target_id uuid not null,
  status varchar(50) default 'pending'
    check (status in ('pending', 'in_progress', 'completed', 'failed', 'rolled_back')),
  progress integer default 0,
  error_message text,
  backup_path varchar(500),
  deployed_by uuid references users,
  created_at timestamp default now(),
  started_at timestamp,
  completed_at timestamp
);

create table remote_commands (
  id uuid primary key default uuid_generate_v4(),
  site_id uuid references sites on delete cascade,
  command_type varchar(100) not null,
  command_data jsonb,
  status varchar(50) default 'pending' check (status in ('pending', 'executing', 'completed', 'failed', 'timeout')),
  result jsonb,
  error_message text,
  executed_by uuid references users,
  created_at timestamp default now(),
  executed_at timestamp,
  completed_at timestamp
);
create index idx_remote_commands_site on remote_commands (site_id, created_at desc);

create table metrics (
  id uuid primary key default uuid_generate_v4(),
  site_id uuid references sites on delete cascade,
  cpu_usage float,
  memory_usage float,
  temperature float,
  disk_usage float,
  uptime bigint,
  network_status jsonb,
  recorded_at timestamp default now()
);
create index idx_metrics_site_time on metrics (site_id, recorded_at desc);

create table alerts (
  id uuid primary key default uuid_generate_v4(),
  site_id uuid references sites on delete cascade,
  alert_type varchar(50) not null,
  severity varchar(20) check (severity in ('info', 'warning', 'critical')),
  message text not null,
  metadata jsonb,
  status varchar(20) default 'active' check (status in ('active', 'acknowledged', 'resolved')),
  created_at timestamp default now(),
  resolved_at timestamp
);

create trigger update_users_updated_at before update on users
  for each row execute function update_updated_at_column();
create trigger update_sites_updated_at before update on sites
  for each row execute function update_updated_at_column();
create trigger update_groups_updated_at before update on groups
  for each row execute function update_updated_at_column();
create trigger update_videos_updated_at before update on videos
  for each row execute function update_updated_at_column();
