-- Copies what NeoPro 1 knew into our tables, as they are at version 19 of the schema: what comes later upgrades the rows
-- like those of any installation. The session's time zone is UTC: so are times that were stored without one.
--
-- Old rows are read as documents (`to_jsonb`): a column that one of the old schemas has not is null. Nothing of the old
-- tables is changed here.

create function neopro_1.note(kind text, sentence text, rows bigint, examples text[] default '{}') returns void
language sql as $fn$
  insert into neopro_1.takeover (kind, sentence, rows, examples) select kind, sentence, rows,
    array(select left(e.text, 120) from unnest(examples) with ordinality e (text, place)
      where e.text is not null order by e.place)
  where rows > 0
$fn$;

-- A text, cut to so many characters; null if there is nothing in it.
create function neopro_1.words(value text, most integer default 100000) returns text
language sql immutable as $fn$ select nullif(left(trim(value), most), '') $fn$;

-- A moment that a calendar has; null for infinity and the like.
create function neopro_1.moment(value text) returns timestamptz
language sql stable as $fn$
  select case when isfinite(t) and t >= '1970-01-01+00' and t < '9999-01-01+00' then t end
  from (select value::timestamptz as t) x
$fn$;

-- An object, or an empty one.
create function neopro_1.object(value jsonb) returns jsonb
language sql immutable as $fn$ select case when jsonb_typeof(value) = 'object' then value else '{}' end $fn$;

-- An object; what else there was stands in one under a name.
create function neopro_1.wrapped(value jsonb) returns jsonb
language sql immutable as $fn$
  select case when jsonb_typeof(value) = 'object' then value
    when jsonb_typeof(value) <> 'null' then jsonb_build_object('value', value) end
$fn$;

-- A place as ours are: texts under the three names, and two numbers in the coordinates.
create function neopro_1.place(value jsonb) returns jsonb
language sql immutable as $fn$
  select case when jsonb_typeof(value) = 'object' then jsonb_strip_nulls(jsonb_build_object(
      'city', case when jsonb_typeof(value -> 'city') = 'string' then value -> 'city' end,
      'region', case when jsonb_typeof(value -> 'region') = 'string' then value -> 'region' end,
      'country', case when jsonb_typeof(value -> 'country') = 'string' then value -> 'country' end,
      'coordinates', case when jsonb_typeof(value #> '{coordinates,lat}') = 'number'
        and jsonb_typeof(value #> '{coordinates,lng}') = 'number' then
          jsonb_build_object('lat', value #> '{coordinates,lat}', 'lng', value #> '{coordinates,lng}') end)) end
$fn$;

-- An old table that this database never had is read as an empty one.
do $over$
declare
  name text;
begin
  create table neopro_1.absent (name text primary key);
  foreach name in array array[
    'users', 'agencies', 'agency_sites', 'sites', 'groups', 'site_groups', 'metrics', 'remote_commands', 'videos',
    'content_deployments', 'video_plays', 'club_daily_stats', 'sponsors', 'sponsor_sites', 'audit_logs']
  loop
    if to_regclass('neopro_1.' || name) is null then
      execute format('create table neopro_1.%I (id uuid, site_id uuid, played_at timestamp, duration_played integer, '
        'category text, trigger_type text, recorded_at timestamp, cpu_usage float8, memory_usage float8, '
        'temperature float8, disk_usage float8, uptime bigint)', name);
      insert into neopro_1.absent values (name);
    end if;
  end loop;
end
$over$;

-- For whom: agencies and partners. What has no name gets one that says so.
insert into public.agencies (id, name, description, logo_url, contact_name, contact_email, contact_phone, address, status,
    metadata, created_at, updated_at)
  select (j->>'id')::uuid, coalesce(neopro_1.words(j->>'name', 255), 'Agence sans nom ' || left(j->>'id', 8)),
    j->>'description', j->>'logo_url', j->>'contact_name', j->>'contact_email', j->>'contact_phone',
    case when jsonb_typeof(j->'address') = 'object' then j->'address' end,
    case when j->>'status' in ('active', 'inactive', 'suspended') then j->>'status' else 'inactive' end,
    neopro_1.object(j->'metadata'), coalesce(neopro_1.moment(j->>'created_at'), now()),
    coalesce(neopro_1.moment(j->>'updated_at'), neopro_1.moment(j->>'created_at'), now())
  from (select to_jsonb(t) as j from neopro_1.agencies t) o where j->>'id' is not null
  on conflict do nothing;
insert into public.sponsors (id, name, logo_url, contact_email, contact_name, contact_phone, status, metadata,
    created_at, updated_at)
  select (j->>'id')::uuid, coalesce(neopro_1.words(j->>'name', 255), 'Partenaire sans nom ' || left(j->>'id', 8)),
    j->>'logo_url', j->>'contact_email', j->>'contact_name', j->>'contact_phone',
    case when j->>'status' in ('active', 'inactive', 'paused') then j->>'status' else 'inactive' end,
    neopro_1.object(j->'metadata'), coalesce(neopro_1.moment(j->>'created_at'), now()),
    coalesce(neopro_1.moment(j->>'updated_at'), neopro_1.moment(j->>'created_at'), now())
  from (select to_jsonb(t) as j from neopro_1.sponsors t) o where j->>'id' is not null
  on conflict do nothing;

-- Who may act. Second factors follow in the program, which has the key. Of addresses that differ by their capitals
-- alone one stays: that of an active account, and of these the one that was used last. The others keep their id, and
-- all that they did, under an address that no mail reaches, suspended.
create table neopro_1.people as
  select j, (j->>'id')::uuid as id, coalesce(j->>'email', '') as email,
    length(coalesce(j->>'email', '')) not between 3 and 255 as has_none,
    row_number() over (partition by lower(coalesce(j->>'email', '')) order by
      (j->>'status' is not distinct from 'active') desc, neopro_1.moment(j->>'last_login_at') desc nulls last,
      neopro_1.moment(j->>'created_at') nulls last, j->>'id') as place,
    j->>'role' in ('super_admin', 'admin', 'operator', 'viewer', 'sponsor', 'agency', 'user') is true as has_role,
    coalesce(j->>'status', 'active') in ('active', 'inactive', 'suspended') as has_status
  from (select to_jsonb(t) as j from neopro_1.users t) o where j->>'id' is not null;
insert into public.users (id, email, password_hash, full_name, role, status, mfa_enabled, mfa_verified_at, sponsor_id,
    agency_id, created_at, updated_at, last_login_at)
  select p.id,
    case when p.has_none then 'sans-adresse-' || p.id || '@neopro-1.invalid'
      when p.place > 1 then left(p.email, 190) || '.doublon-' || p.id || '.invalid'
      else p.email end,
    coalesce(j->>'password_hash', ''), neopro_1.words(j->>'full_name', 255),
    case when j->>'role' = 'user' or not p.has_role then 'viewer' else j->>'role' end,
    case when p.has_none or p.place > 1 or not p.has_role or not p.has_status then 'suspended'
      else coalesce(j->>'status', 'active') end,
    coalesce((j->>'mfa_enabled')::boolean, false), neopro_1.moment(j->>'mfa_verified_at'),
    s.id, a.id, coalesce(neopro_1.moment(j->>'created_at'), now()),
    coalesce(neopro_1.moment(j->>'updated_at'), neopro_1.moment(j->>'created_at'), now()),
    neopro_1.moment(j->>'last_login_at')
  from neopro_1.people p
  left join public.sponsors s on s.id = (j->>'sponsor_id')::uuid
  left join public.agencies a on a.id = (j->>'agency_id')::uuid
  on conflict do nothing;
select neopro_1.note('changed', 'Comptes dont l''adresse ne diffère de celle d''un autre que par ses majuscules : gardés '
    'sans fusion, suspendus sous une autre adresse (Utilisateurs permet de la corriger)', count(*),
    (array_agg(p.email || ' → ' || u.email order by p.email))[1:20])
  from neopro_1.people p join public.users u on u.id = p.id where p.place > 1 and not p.has_none;
select neopro_1.note('changed', 'Comptes sans adresse e-mail utilisable : suspendus', count(*),
    (array_agg(id::text order by id))[1:20])
  from neopro_1.people where has_none;
select neopro_1.note('changed', 'Comptes de rôle « user », que NeoPro 1 ne contrôlait pas : lecteurs (viewer)', count(*),
    (array_agg(email order by email))[1:20])
  from neopro_1.people where j->>'role' = 'user';
select neopro_1.note('changed', 'Comptes d''un rôle inconnu : lecteurs (viewer), suspendus', count(*),
    (array_agg(email || ' : ' || coalesce(j->>'role', 'aucun') order by email))[1:20])
  from neopro_1.people where not has_role;
select neopro_1.note('changed', 'Comptes d''un état inconnu : suspendus', count(*),
    (array_agg(email || ' : ' || (j->>'status') order by email))[1:20])
  from neopro_1.people where not has_status;
select neopro_1.note('changed', 'Comptes inactifs ou suspendus : NeoPro 1 les laissait se connecter, cette version non',
    count(*), (array_agg(email order by email))[1:20])
  from neopro_1.people where j->>'status' in ('inactive', 'suspended');
select neopro_1.note('changed', 'Comptes rattachés à un partenaire ou à une agence qui n''existe pas : sans rattachement',
    count(*), (array_agg(p.email order by p.email))[1:20])
  from neopro_1.people p join public.users u on u.id = p.id
  where j->>'sponsor_id' is not null and u.sponsor_id is null or j->>'agency_id' is not null and u.agency_id is null;
select neopro_1.note('changed', 'Comptes de partenaire ou d''agence sans rattachement : ils ne voient rien tant que vous '
    'n''en indiquez pas', count(*), (array_agg(u.email order by u.email))[1:20])
  from public.users u where u.role = 'sponsor' and u.sponsor_id is null or u.role = 'agency' and u.agency_id is null;
drop table neopro_1.people;

-- Where: sites and groups. No box is connected at this moment.
create table neopro_1.places as
  select j, (j->>'id')::uuid as id, neopro_1.words(j->>'site_name') as name, neopro_1.words(j->>'club_name') as club,
    j->>'api_key' ~ '^\$2[abxy]\$[0-9]{2}\$[./A-Za-z0-9]{53}$' as has_key,
    row_number() over (partition by j->>'api_key' order by j->>'id') as key_place
  from (select to_jsonb(t) as j from neopro_1.sites t) o where j->>'id' is not null;
do $over$
declare
  o neopro_1.places;
  wanted text;
  free text;
  number integer;
  renamed text[] := '{}';
begin
  for o in select * from neopro_1.places order by neopro_1.moment(j->>'created_at') nulls last, id loop
    wanted := coalesce(left(o.name, 255), 'Site sans nom ' || left(o.id::text, 8));
    free := wanted;
    number := 1;
    -- As NeoPro 1 did it when a site was made.
    while exists (select from public.sites s where s.site_name = free) loop
      free := left(wanted, 240) || '-' || number;
      number := number + 1;
    end loop;
    if free is distinct from o.j->>'site_name' then
      renamed := renamed || (coalesce(left(o.j->>'site_name', 60), 'sans nom') || ' → ' || left(free, 60));
    end if;
    insert into public.sites (id, site_name, club_name, location, sports, status, last_seen_at, last_ip, local_ip,
        software_version, hardware_model, api_key, metadata, live_score_enabled, created_at, updated_at)
      values (o.id, free, coalesce(left(o.club, 255), 'Club sans nom'), neopro_1.place(o.j->'location'),
        case when jsonb_typeof(o.j->'sports') = 'array' then (
          select coalesce(jsonb_agg(e.value order by e.ordinality), '[]')
            from jsonb_array_elements(o.j->'sports') with ordinality e where jsonb_typeof(e.value) = 'string') end,
        case when o.j->>'status' in ('maintenance', 'error') then o.j->>'status' else 'offline' end,
        neopro_1.moment(o.j->>'last_seen_at'), o.j->>'last_ip', o.j->>'local_ip', o.j->>'software_version',
        coalesce(neopro_1.words(o.j->>'hardware_model', 100), 'Unknown'),
        -- A box whose key is none gets a new one from a person, who sees this.
        case when o.has_key and o.key_place = 1 then o.j->>'api_key' else 'none:' || o.id end,
        neopro_1.object(o.j->'metadata'), coalesce((o.j->>'live_score_enabled')::boolean, false),
        coalesce(neopro_1.moment(o.j->>'created_at'), now()),
        coalesce(neopro_1.moment(o.j->>'updated_at'), neopro_1.moment(o.j->>'created_at'), now()));
  end loop;
  perform neopro_1.note('changed', 'Sites renommés, parce que leur nom était pris, vide, trop long ou bordé de blancs',
    cardinality(renamed), renamed[1:20]);
end
$over$;
select neopro_1.note('changed', 'Sites sans nom de club, ou au nom trop long', count(*), (array_agg(id::text order by id))[1:20])
  from neopro_1.places where club is null or length(club) > 255;
select neopro_1.note('changed', 'Sites d''un état inconnu : hors ligne', count(*), (array_agg(name order by name))[1:20])
  from neopro_1.places where j->>'status' not in ('online', 'offline', 'maintenance', 'error');
select neopro_1.note('changed', 'Sites dont la clé n''est pas utilisable : leur boîtier ne se connecte qu''avec une '
    'nouvelle (« Régénérer la clé »)', count(*), (array_agg(name order by name))[1:20])
  from neopro_1.places where has_key is not true or key_place > 1;
select neopro_1.note('changed', 'Sites dont le lieu, les sports ou les notes n''avaient pas la forme attendue', count(*),
    (array_agg(p.name order by p.name))[1:20])
  from neopro_1.places p join public.sites s on s.id = p.id
  where s.location is distinct from nullif(p.j->'location', 'null') or s.sports is distinct from nullif(p.j->'sports', 'null')
    or s.metadata is distinct from coalesce(nullif(p.j->'metadata', 'null'), '{}');
select neopro_1.note('kept', 'Sites pour lesquels une configuration attendait d''être envoyée : elle ne part pas d''elle-même',
    count(*), (array_agg(name order by name))[1:20])
  from neopro_1.places where j->>'pending_config_version_id' is not null;
drop table neopro_1.places;

insert into public.groups (id, name, description, type, filters, metadata, created_at, updated_at)
  select (j->>'id')::uuid, coalesce(neopro_1.words(j->>'name', 255), 'Groupe sans nom ' || left(j->>'id', 8)), j->>'description',
    case when j->>'type' in ('sport', 'geography', 'version', 'custom') then j->>'type' end,
    case when jsonb_typeof(j->'filters') = 'object' then j->'filters' end, neopro_1.object(j->'metadata'),
    coalesce(neopro_1.moment(j->>'created_at'), now()),
    coalesce(neopro_1.moment(j->>'updated_at'), neopro_1.moment(j->>'created_at'), now())
  from (select to_jsonb(t) as j from neopro_1.groups t) o where j->>'id' is not null
  on conflict do nothing;
select neopro_1.note('changed', 'Groupes, partenaires ou agences d''un type ou d''un état inconnu, ou sans nom', sum(n)::bigint)
  from (
    select count(*) as n from neopro_1.groups t cross join lateral (select to_jsonb(t) as j) o
      where j->>'type' not in ('sport', 'geography', 'version', 'custom') or neopro_1.words(j->>'name') is null
    union all
    select count(*) from neopro_1.agencies t cross join lateral (select to_jsonb(t) as j) o
      where j->>'status' in ('active', 'inactive', 'suspended') is not true or neopro_1.words(j->>'name') is null
    union all
    select count(*) from neopro_1.sponsors t cross join lateral (select to_jsonb(t) as j) o
      where j->>'status' in ('active', 'inactive', 'paused') is not true or neopro_1.words(j->>'name') is null
  ) counts;
insert into public.site_groups (site_id, group_id, added_at)
  select s.id, g.id, coalesce(neopro_1.moment(j->>'added_at'), now())
  from (select to_jsonb(t) as j from neopro_1.site_groups t) o
  join public.sites s on s.id = (j->>'site_id')::uuid join public.groups g on g.id = (j->>'group_id')::uuid
  on conflict do nothing;
insert into public.agency_sites (agency_id, site_id, added_at, added_by)
  select a.id, s.id, coalesce(neopro_1.moment(j->>'added_at'), now()), u.id
  from (select to_jsonb(t) as j from neopro_1.agency_sites t) o
  join public.agencies a on a.id = (j->>'agency_id')::uuid join public.sites s on s.id = (j->>'site_id')::uuid
  left join public.users u on u.id = (j->>'added_by')::uuid
  on conflict do nothing;
insert into public.sponsor_sites (sponsor_id, site_id, added_at, contract_start, contract_end, is_active)
  select p.id, s.id, coalesce(neopro_1.moment(j->>'added_at'), now()), (j->>'contract_start')::date,
    (j->>'contract_end')::date, coalesce((j->>'is_active')::boolean, false)
  from (select to_jsonb(t) as j from neopro_1.sponsor_sites t) o
  join public.sponsors p on p.id = (j->>'sponsor_id')::uuid join public.sites s on s.id = (j->>'site_id')::uuid
  on conflict do nothing;

-- The library. Two rows with the same bytes cannot both be known by them: the one that was ordered, else the older one, is.
create table neopro_1.files as
  select j, (j->>'id')::uuid as id, coalesce(neopro_1.words(j->>'filename'), j->>'id') as file,
    coalesce(neopro_1.words(j->>'storage_path'), neopro_1.words(j->>'filename'), 'absent/' || (j->>'id')) as path,
    case when lower(j->>'checksum') ~ '^[0-9a-f]{64}$' then lower(j->>'checksum') end as checksum,
    coalesce(j->>'id' in (select to_jsonb(d)->>'video_id' from neopro_1.content_deployments d), false) as was_ordered
  from (select to_jsonb(t) as j from neopro_1.videos t) o where j->>'id' is not null;
create table neopro_1.ranked_files as
  select f.*,
    row_number() over (partition by file order by id) as file_place,
    row_number() over (partition by path order by id) as path_place,
    row_number() over (partition by checksum order by was_ordered desc, neopro_1.moment(j->>'created_at') nulls last, id)
      as bytes_place
  from neopro_1.files f;
insert into public.videos (id, filename, original_name, category, subcategory, file_size, duration, mime_type,
    storage_path, thumbnail_url, checksum, metadata, uploaded_by, created_at, updated_at)
  select f.id, case when f.file_place = 1 then f.file else f.id || '-' || f.file end,
    coalesce(neopro_1.words(j->>'original_name', 255), f.file), neopro_1.words(j->>'category', 100),
    neopro_1.words(j->>'subcategory', 100), greatest(coalesce((j->>'file_size')::bigint, 0), 0),
    case when (j->>'duration')::numeric between 1 and 1000000 then (j->>'duration')::numeric::integer end,
    coalesce(neopro_1.words(j->>'mime_type', 100), case lower(substring(f.file from '\.([A-Za-z0-9]+)$'))
      when 'mp4' then 'video/mp4' when 'mov' then 'video/quicktime' when 'webm' then 'video/webm'
      when 'ogg' then 'video/ogg' when 'avi' then 'video/x-msvideo' when 'mkv' then 'video/x-matroska'
      else 'application/octet-stream' end),
    case when f.path_place = 1 then f.path else f.path || '#' || f.id end,
    neopro_1.words(j->>'thumbnail_url', 500), case when f.bytes_place = 1 then f.checksum end,
    neopro_1.object(j->'metadata'), u.id, coalesce(neopro_1.moment(j->>'created_at'), now()),
    coalesce(neopro_1.moment(j->>'updated_at'), neopro_1.moment(j->>'created_at'), now())
  from neopro_1.ranked_files f left join public.users u on u.id = (j->>'uploaded_by')::uuid
  on conflict do nothing;
select neopro_1.note('changed', 'Vidéos au contenu identique à une autre : gardées, mais sans empreinte, et donc à déployer '
    'par cette autre', count(*), (array_agg(file order by file))[1:20])
  from neopro_1.ranked_files where bytes_place > 1 and checksum is not null;
select neopro_1.note('changed', 'Vidéos sans empreinte valable (chargements groupés de NeoPro 1) : à charger de nouveau avant '
    'de les déployer', count(*), (array_agg(file order by file))[1:20])
  from neopro_1.ranked_files where checksum is null;
select neopro_1.note('changed', 'Vidéos dont la taille, la durée, le type, le nom ou le chemin manquait ou n''était pas '
    'possible', count(*), (array_agg(file order by file))[1:20])
  from neopro_1.ranked_files where (j->>'file_size')::bigint >= 0 is not true or (j->>'duration')::numeric < 0
    or neopro_1.words(j->>'mime_type') is null or file_place > 1 or path_place > 1
    or neopro_1.words(j->>'filename') is null or neopro_1.words(j->>'storage_path') is null;
drop table neopro_1.files, neopro_1.ranked_files;
