//! The SQL of settings. `neopro_mfa_grace` reads the same row.

use super::SecuritySettings;
use crate::auth::Role;
use crate::clock::Time;
use crate::db::{Query, query, row};
use crate::ids::UserId;

row! {
    struct Stored {
        roles: Vec<String>,
        grace_days: i32,
    }
}

impl From<Stored> for SecuritySettings {
    fn from(stored: Stored) -> Self {
        let roles = Role::ALL.into_iter().filter(|role| stored.roles.iter().any(|word| word == role.name()));
        Self { mfa_required_roles: roles.collect(), mfa_grace_days: stored.grace_days }
    }
}

/// What holds.
pub fn security() -> Query<SecuritySettings> {
    query(
        "select array(select jsonb_object_keys(value -> 'required')) as roles, \
           (value ->> 'grace_days')::integer as grace_days from settings where key = 'security'",
    )
    .optional::<Stored>()
    .map(|stored| stored.map_or_else(SecuritySettings::default, SecuritySettings::from))
}

/// Lets this hold from now on. A role that had to have a second factor before keeps the moment since when.
pub fn set_security(new: &SecuritySettings, by: UserId, now: Time) -> Query<()> {
    let roles: Vec<String> = new.mfa_required_roles.iter().map(|role| role.name().to_owned()).collect();
    query(
        "insert into settings (key, value, updated_at, updated_by) \
         select 'security', jsonb_build_object('grace_days', $2, 'required', \
           (select coalesce(jsonb_object_agg(role, $4), '{}') from unnest($1) as roles (role))), $4, $3 \
         on conflict (key) do update set updated_at = excluded.updated_at, updated_by = excluded.updated_by, \
           value = jsonb_build_object('grace_days', $2, 'required', \
             (select coalesce(jsonb_object_agg(role, coalesce(settings.value -> 'required' -> role, to_jsonb($4))), '{}') \
              from unnest($1) as roles (role)))",
    )
    .bind(roles)
    .bind(new.mfa_grace_days)
    .bind(by)
    .bind(now)
    .nothing()
}
