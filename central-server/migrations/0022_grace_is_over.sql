-- When the time to do without a second factor is over, sessions that have none are over with it: their next request is
-- refused, and the way back in is a login that sets the factor up. The rule is that of `neopro_mfa_grace`, written out:
-- this runs in front of every request, and a statement here keeps its plan.
create or replace function neopro_check_session(
  claimed_session uuid, claimed_user uuid, claimed_role text, claimed_agency uuid, claimed_sponsor uuid,
  moment timestamptz
) returns void
language plpgsql security definer set search_path = public, pg_temp as $fn$
declare
  used timestamptz;
begin
  select s.last_used_at into used
    from sessions s
    join users u on u.id = s.user_id
    where s.id = claimed_session
      and s.user_id = claimed_user
      and s.revoked_at is null
      and s.expires_at > moment
      and u.is_active
      and u.status = 'active'
      and u.role = claimed_role
      and u.agency_id is not distinct from claimed_agency
      and u.sponsor_id is not distinct from claimed_sponsor
      and (u.mfa_enabled is true or not exists (
        select from settings r
        where r.key = 'security' and r.value -> 'required' ? u.role
          and greatest(u.created_at, (r.value -> 'required' ->> u.role)::timestamptz)
            + make_interval(days => (r.value ->> 'grace_days')::integer) <= moment));
  if not found then
    raise exception 'the session is over' using errcode = 'NP401';
  end if;
  if used < moment - interval '5 minutes' then
    update sessions set last_used_at = moment where id = claimed_session;
  end if;
end
$fn$;
