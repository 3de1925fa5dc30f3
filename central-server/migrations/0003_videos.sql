-- The video library. A row is one stored file; its bytes never change: new content is a new row.

create table videos (
  id uuid primary key default gen_random_uuid(),
  -- Random, ASCII: the name in the storage.
  filename text not null unique,
  -- As the person's computer named it.
  original_name text not null,
  category text,
  subcategory text,
  file_size bigint not null check (file_size >= 0),
  -- Whole seconds; null for images.
  duration integer,
  mime_type text not null,
  storage_path text not null unique,
  thumbnail_url text,
  -- SHA-256 of the bytes, 64 hex characters. Null only in rows of NeoPro 1.
  checksum text check (checksum ~ '^[0-9a-f]{64}$'),
  codec text,
  width integer,
  height integer,
  -- Whether playing can begin before the whole file is there.
  faststart boolean,
  metadata jsonb not null default '{}',
  uploaded_by uuid references users on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  search_text text generated always as (
    neopro_fold(original_name || e'\n' || coalesce(metadata->>'title', ''))
  ) stored
);
create unique index videos_checksum_key on videos (checksum) where checksum is not null;
create index videos_newest on videos (created_at desc, id desc);
create index videos_by_category on videos (category);
select neopro_guard('videos', 'select, insert, update, delete');

create policy internal on videos to neopro_app
  using ((select neopro_scope_is('system', 'staff'))) with check ((select neopro_scope_is('system', 'staff')));
