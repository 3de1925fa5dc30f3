-- Tables that services made by themselves when they were first used.
create table audit_logs (
  id uuid primary key default gen_random_uuid(),
  action varchar(100) not null,
  user_id uuid references users on delete set null,
  target_type varchar(50),
  target_id varchar(100),
  details jsonb,
  ip_address varchar(45),
  user_agent text,
  created_at timestamptz default now()
);
create index idx_audit_action on audit_logs (action);
create table alert_thresholds (
  id uuid primary key default gen_random_uuid(),
  name varchar(100),
  metric varchar(50),
  condition varchar(10),
  warning_value numeric,
  critical_value numeric,
  duration integer,
  enabled boolean default true,
  cooldown_minutes integer default 15,
  escalate_after_minutes integer default 60,
  notify_channels jsonb default '["email"]',
  created_at timestamp default now()
);
create table canary_deployments (
  id uuid primary key default gen_random_uuid(),
  deployment_type varchar(20) check (deployment_type in ('content', 'update')),
  resource_id uuid,
  target_type varchar(20),
  target_id uuid,
  config jsonb,
  current_phase varchar(20),
  current_step integer default 0,
  error_message text,
  created_by uuid references users on delete set null,
  created_at timestamptz default now()
);
create table canary_site_status (
  id uuid primary key default gen_random_uuid(),
  canary_deployment_id uuid references canary_deployments on delete cascade,
  site_id uuid references sites on delete cascade,
  site_name varchar(255),
  phase varchar(20),
  status varchar(20) check (status in ('pending', 'deployed', 'failed')),
  deployed_at timestamptz,
  error_message text,
  created_at timestamptz default now()
);
