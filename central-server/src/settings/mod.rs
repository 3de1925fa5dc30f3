//! What is decided for the whole installation.

pub mod routes;
mod store;

use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Role;
use crate::http::{Form, FromForm};

/// The longest time that a role may do without the second factor that it has to have, in days.
const LONGEST_GRACE: i64 = 90;

/// Who has to have a second factor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SecuritySettings {
    /// The roles that have to have one. None on a new installation.
    pub mfa_required_roles: Vec<Role>,
    /// How many days each account has, from the moment on when its role was added or the account was made, before it
    /// has to set one up to log in: 0 to 90.
    pub mfa_grace_days: i32,
}

impl Default for SecuritySettings {
    fn default() -> Self {
        Self { mfa_required_roles: Vec::new(), mfa_grace_days: 14 }
    }
}

impl FromForm for SecuritySettings {
    fn read(form: &mut Form) -> Option<Self> {
        let words = form.lines("mfa_required_roles", Role::ALL.len(), 64);
        let days = form.integer("mfa_grace_days", 0..=LONGEST_GRACE);
        for (field, is_there) in [("mfa_required_roles", words.is_some()), ("mfa_grace_days", days.is_some())] {
            if !is_there && !form.has_problem(field) {
                form.problem(field, "Ce champ est obligatoire.");
            }
        }
        let words = words?;
        let known: Vec<Option<Role>> = words.iter().map(|word| word.parse().ok()).collect();
        for (index, _) in known.iter().enumerate().filter(|(_, role)| role.is_none()) {
            let all = Role::ALL.map(Role::name).join(", ");
            form.problem(&format!("mfa_required_roles.{index}"), format!("Valeurs possibles : {all}."));
        }
        // Once each, the mightiest first, however they came.
        let roles = Role::ALL.into_iter().filter(|role| known.contains(&Some(*role))).collect();
        Some(Self { mfa_required_roles: roles, mfa_grace_days: i32::try_from(days?).ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use serde_json::{Value, json};

    fn read(body: Value) -> Result<SecuritySettings, Vec<String>> {
        let Value::Object(values) = body else { panic!("an object") };
        Form::new(values).into().map_err(|error| match error {
            Error::Invalid(fields) => fields.into_iter().map(|problem| problem.field).collect(),
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn roles_stand_once_and_days_within_their_range() {
        let body = json!({"mfa_required_roles": ["admin", "super_admin", "admin"], "mfa_grace_days": 0});
        let roles = vec![Role::SuperAdmin, Role::Admin];
        assert_eq!(read(body), Ok(SecuritySettings { mfa_required_roles: roles, mfa_grace_days: 0 }));
        let wrong = json!({"mfa_required_roles": ["admin", "chef"], "mfa_grace_days": 91});
        assert_eq!(read(wrong), Err(vec!["mfa_grace_days".into(), "mfa_required_roles.1".into()]));
        assert_eq!(read(json!({})), Err(vec!["mfa_required_roles".into(), "mfa_grace_days".into()]));
    }
}
