-- The tables of sponsors: part of the one beginning, added later to the other.
create table sponsors (
  id uuid primary key default uuid_generate_v4(),
  name varchar(255) not null,
  logo_url varchar(500),
  contact_email varchar(255),
  contact_name varchar(255),
  contact_phone varchar(50),
  status varchar(50) default 'active' check (status in ('active', 'inactive', 'paused')),
  metadata jsonb default '{}',
  created_at timestamp default now(),
  updated_at timestamp default now()
);
create trigger update_sponsors_updated_at before update on sponsors
  for each row execute function update_updated_at_column();

create table sponsor_videos (
  sponsor_id uuid references sponsors on delete cascade,
  video_id uuid references videos on delete cascade,
  is_primary boolean default true,
  added_at timestamp default now(),
  primary key (sponsor_id, video_id)
);

create table sponsor_impressions (
  id uuid primary key default uuid_generate_v4(),
  site_id uuid references sites on delete cascade,
  video_id uuid references videos on delete cascade,
  played_at timestamp not null,
  duration_played integer not null,
  video_duration integer not null,
  completed boolean default false,
  interrupted_at integer,
  event_type varchar(50) check (event_type in ('match', 'training', 'tournament', 'other', null)),
  period varchar(50) check (period in ('pre_match', 'halftime', 'post_match', 'loop', null)),
  trigger_type varchar(20) check (trigger_type in ('auto', 'manual')),
  position_in_loop integer,
  audience_estimate integer,
  home_score integer,
  away_score integer,
  created_at timestamp default now()
);
create index idx_impressions_video on sponsor_impressions (video_id, played_at desc);

create table sponsor_daily_stats (
  id uuid primary key default uuid_generate_v4(),
  video_id uuid references videos on delete cascade,
  site_id uuid references sites on delete cascade,
  date date not null,
  total_impressions integer default 0,
  total_duration_seconds integer default 0,
  completed_plays integer default 0,
  completion_rate numeric(5, 2),
  unique_events integer default 0,
  auto_plays integer default 0,
  manual_plays integer default 0,
  total_audience_estimate integer default 0,
  avg_audience_per_play numeric(10, 2),
  calculated_at timestamp default now(),
  unique (video_id, site_id, date)
);

create view sponsor_analytics_summary as
  select s.id as sponsor_id, s.name, v.id as video_id, count(i.id) as impressions
  from sponsors s join sponsor_videos sv on sv.sponsor_id = s.id join videos v on v.id = sv.video_id
  left join sponsor_impressions i on i.video_id = v.id group by s.id, s.name, v.id;
create view top_sponsor_videos as
  select video_id, count(*) as impressions from sponsor_impressions
  where played_at > now() - interval '30 days' group by video_id order by 2 desc limit 50;

create function calculate_sponsor_daily_stats(p_video uuid, p_site uuid, p_date date) returns void
language plpgsql as $$
begin
  insert into sponsor_daily_stats (video_id, site_id, date, total_impressions)
    select p_video, p_site, p_date, count(*) from sponsor_impressions
    where video_id = p_video and site_id = p_site and played_at::date = p_date
    on conflict (video_id, site_id, date) do update set total_impressions = excluded.total_impressions;
end
$$;
