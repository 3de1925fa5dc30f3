-- Copies the orders of NeoPro 1, and makes of them what each site is to have.
--
-- NeoPro 1 kept one row for an order and none for its sites, so that nobody knows which boxes of a group have a video. What
-- was open is to be had, and is sent to those that do not show it; what had failed is to be had, and waits for a person to
-- try it again; what was completed is history, and nothing is sent anew. What a box shows in the copy of its
-- configuration is counted as there (the program does that after this).

create table neopro_1.orders as
  select (j->>'id')::uuid as id, v.id as video_id, v.checksum is not null as has_bytes, v.checksum,
    coalesce(neopro_1.words(v.metadata->>'title', 255), v.original_name, 'Vidéo supprimée') as video_title,
    j->>'target_type' as target_type, (j->>'target_id')::uuid as target_id,
    coalesce(s.site_name, g.name, case when j->>'target_type' = 'site' then 'Site supprimé' else 'Groupe supprimé' end)
      as target_name,
    u.id as deployed_by, coalesce(u.full_name, u.email) as deployed_by_name,
    case when v.id is null and j->>'status' in ('pending', 'in_progress', 'scheduled') then 'cancelled'
      when j->>'status' = 'scheduled' and coalesce(neopro_1.moment(j->>'scheduled_at') < now() - interval '1 day', true)
        then 'cancelled'
      when j->>'status' in ('pending', 'scheduled', 'in_progress', 'completed', 'failed', 'cancelled') then j->>'status'
      else 'cancelled' end as status,
    j->>'status' as old_status, neopro_1.words(j->>'error_message', 500) as error,
    coalesce(neopro_1.moment(j->>'created_at'), now()) as created, neopro_1.moment(j->>'started_at') as started,
    neopro_1.moment(j->>'completed_at') as completed, neopro_1.moment(j->>'scheduled_at') as scheduled
  from (select to_jsonb(t) as j from neopro_1.content_deployments t) o
  left join public.videos v on v.id = (j->>'video_id')::uuid
  left join public.sites s on j->>'target_type' = 'site' and s.id = (j->>'target_id')::uuid
  left join public.groups g on j->>'target_type' = 'group' and g.id = (j->>'target_id')::uuid
  left join public.users u on u.id = (j->>'deployed_by')::uuid
  where j->>'id' is not null and j->>'target_type' in ('site', 'group') and j->>'target_id' is not null;
insert into public.content_deployments (id, video_id, video_title, target_type, target_id, target_name, deployed_by,
    deployed_by_name, created_at, scheduled_at, started_at, cancelled_at)
  select id, video_id, video_title, target_type, target_id, target_name, deployed_by, deployed_by_name, created, scheduled,
    case when status not in ('scheduled', 'cancelled') then coalesce(started, created) end,
    case when status = 'cancelled' then coalesce(completed, started, created) end
  from neopro_1.orders on conflict do nothing;

-- The last order about a video counts at each site; what was open before it is superseded by it.
create table neopro_1.targets as
  select x.*, case
      when x.status = 'completed' then 'installed'
      when x.place > 1 then 'superseded'
      when x.status = 'failed' or not x.has_bytes then 'failed'
      else 'pending' end as state
  from (
    select o.id as order_id, m.site_id, o.video_id, o.checksum, o.status, o.has_bytes, o.error, o.created,
      coalesce(o.started, o.created) as started, coalesce(o.completed, o.started, o.created) as ended,
      row_number() over (partition by m.site_id, o.video_id order by o.created desc, o.id desc) as place
    from neopro_1.orders o
    cross join lateral (
      select s.id as site_id from public.sites s where o.target_type = 'site' and s.id = o.target_id
      union
      select g.site_id from public.site_groups g where o.target_type = 'group' and g.group_id = o.target_id
    ) m
    where o.status not in ('scheduled', 'cancelled') and o.video_id is not null
  ) x;
insert into public.site_states (site_id, desired_revision)
  select distinct site_id, 1 from neopro_1.targets where state = 'pending' order by site_id;
insert into public.deployment_targets (deployment_id, site_id, video_id, action, state, progress, attempts, reason_code,
    reason, revision, was_wanted, created_at, started_at, completed_at)
  select t.order_id, t.site_id, t.video_id, 'install', t.state, case when t.state = 'installed' then 100 else 0 end,
    case when t.state = 'pending' then 0 else 1 end, case when t.state = 'failed' then 'other' end,
    case when t.state = 'failed' and not t.has_bytes then 'Cette vidéo n''a pas d''empreinte : chargez-la de nouveau.'
      when t.state = 'failed' then coalesce(t.error, 'NeoPro 1 n''en a pas noté la raison.') end,
    case when t.state = 'pending' then 1 else 0 end, false, t.created,
    case when t.state <> 'pending' then t.started end, case when t.state <> 'pending' then t.ended end
  from neopro_1.targets t;
insert into public.site_videos (site_id, video_id, deployment_id, since)
  select site_id, video_id, order_id, created from neopro_1.targets where state in ('pending', 'failed');
insert into public.site_inventory (site_id, video_id, sha256, state, attempts, reason_code, reason, changed_at)
  select t.site_id, t.video_id, t.checksum, 'failed', 1, 'other',
    case when not t.has_bytes then 'Cette vidéo n''a pas d''empreinte : chargez-la de nouveau.'
      else coalesce(t.error, 'NeoPro 1 n''en a pas noté la raison.') end, t.ended
  from neopro_1.targets t where t.state = 'failed';

select neopro_1.note('changed', 'Déploiements planifiés dont le jour est passé depuis plus d''un jour : annulés', count(*),
    (array_agg(video_title || ' → ' || target_name order by created))[1:20])
  from neopro_1.orders where old_status = 'scheduled' and status = 'cancelled' and video_id is not null;
select neopro_1.note('changed', 'Déploiements d''un état inconnu, ou ouverts d''une vidéo supprimée : annulés', count(*),
    (array_agg(video_title || ' → ' || target_name order by created))[1:20])
  from neopro_1.orders where status = 'cancelled' and old_status is distinct from 'cancelled'
    and (video_id is null or old_status is distinct from 'scheduled');
select neopro_1.note('changed', 'Déploiements terminés ou échoués dont aucun site n''existe plus : leur état d''alors reste '
    'dans neopro_1.content_deployments', count(*), (array_agg(video_title || ' → ' || target_name order by created))[1:20])
  from neopro_1.orders o where status not in ('scheduled', 'cancelled')
    and not exists (select from neopro_1.targets t where t.order_id = o.id);
select neopro_1.note('taken', 'Vidéos qu''un site attend encore : envoyées à sa prochaine connexion', count(*))
  from neopro_1.targets where state = 'pending';
drop table neopro_1.orders, neopro_1.targets;
