-- Copies of configurations, their history, and the figures of clubs: part of the other beginning, added later to the one.
alter table sites
  add column local_config_mirror jsonb,
  add column local_config_hash varchar(64),
  add column last_config_sync timestamp with time zone;
create table config_history (
  id uuid primary key default uuid_generate_v4(),
  site_id uuid not null references sites on delete cascade,
  configuration jsonb not null,
  deployed_by uuid references users,
  deployed_at timestamp default now(),
  comment text,
  previous_version_id uuid references config_history,
  changes_summary jsonb
);
alter table sites add column pending_config_version_id uuid references config_history;

create table club_sessions (
  id uuid primary key default uuid_generate_v4(),
  site_id uuid references sites on delete cascade,
  started_at timestamp not null,
  ended_at timestamp,
  duration_seconds integer,
  videos_played integer default 0,
  manual_triggers integer default 0,
  auto_plays integer default 0,
  match_date date,
  match_name varchar(255),
  audience_estimate integer,
  created_at timestamp default now()
);
create table video_plays (
  id uuid primary key default uuid_generate_v4(),
  site_id uuid references sites on delete cascade,
  session_id uuid references club_sessions on delete set null,
  video_filename varchar(255) not null,
  category varchar(50),
  played_at timestamp not null,
  duration_played integer,
  video_duration integer,
  completed boolean default false,
  trigger_type varchar(20) check (trigger_type in ('auto', 'manual')),
  created_at timestamp default now()
);
create index idx_video_plays_site on video_plays (site_id, played_at desc);
create table club_daily_stats (
  id uuid primary key default uuid_generate_v4(),
  site_id uuid references sites on delete cascade,
  date date not null,
  sessions_count integer default 0,
  screen_time_seconds integer default 0,
  videos_played integer default 0,
  manual_triggers integer default 0,
  auto_plays integer default 0,
  sponsor_plays integer default 0,
  jingle_plays integer default 0,
  ambiance_plays integer default 0,
  other_plays integer default 0,
  avg_cpu numeric(5, 2),
  avg_memory numeric(5, 2),
  avg_temperature numeric(5, 2),
  max_temperature numeric(5, 2),
  uptime_percent numeric(5, 2),
  incidents_count integer default 0,
  calculated_at timestamp default now(),
  unique (site_id, date)
);

create view club_analytics_summary as
  select s.id as site_id, s.club_name, sum(d.videos_played) as videos_played
  from sites s left join club_daily_stats d on d.site_id = s.id group by s.id, s.club_name;
create view top_videos_by_site as
  select site_id, video_filename, count(*) as plays from video_plays group by site_id, video_filename;

create function calculate_daily_stats(p_site uuid, p_date date) returns void language plpgsql as $$
begin
  insert into club_daily_stats (site_id, date, videos_played)
    select p_site, p_date, count(*) from video_plays where site_id = p_site and played_at::date = p_date
    on conflict (site_id, date) do update set videos_played = excluded.videos_played;
end
$$;
create function calculate_all_daily_stats(p_date date) returns integer language plpgsql as $$
declare
  one record;
  counted integer := 0;
begin
  for one in select id from sites loop
    perform calculate_daily_stats(one.id, p_date);
    counted := counted + 1;
  end loop;
  return counted;
end
$$;
