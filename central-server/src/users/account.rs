//! Accounts as they are managed: what may be asked for, and what nobody may do to himself.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::auth::{Role, password};
use crate::clock::Time;
use crate::db::row;
use crate::http::page::Pagination;
use crate::http::{Form, FromForm};
use crate::ids::{AgencyId, SponsorId, UserId};

/// What stands in the place of the password's hash as long as the person has chosen none. It matches nothing.
pub const NO_PASSWORD: &str = "";

/// Every role's word.
const ROLES: &str = "super_admin, admin, operator, viewer, sponsor, agency";

/// Whether an account may act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = UserStatus)]
pub enum Status {
    /// It may.
    Active,
    /// It may not: it is not needed any more.
    Inactive,
    /// It may not: somebody has shut it out.
    Suspended,
}

impl Status {
    /// Every word.
    pub const WORDS: &'static str = "active, inactive, suspended";

    /// The word in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Suspended => "suspended",
        }
    }
}

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        [Self::Active, Self::Inactive, Self::Suspended]
            .into_iter()
            .find(|status| status.name() == text)
            .ok_or(UnknownStatus)
    }
}

/// A word that names no status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownStatus;

impl fmt::Display for UnknownStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no status of an account")
    }
}

impl std::error::Error for UnknownStatus {}

// As a text in the database.
impl<'a> tokio_postgres::types::FromSql<'a> for Status {
    fn from_sql(
        ty: &tokio_postgres::types::Type,
        raw: &'a [u8],
    ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(<&str>::from_sql(ty, raw)?.parse()?)
    }

    fn accepts(ty: &tokio_postgres::types::Type) -> bool {
        <&str as tokio_postgres::types::FromSql<'_>>::accepts(ty)
    }
}

row! {
    /// An account, as those see it who manage it.
    #[derive(Debug, Clone, Serialize, ToSchema)]
    #[schema(as = User)]
    pub struct UserView {
        /// Its id.
        pub id: UserId,
        /// Its address, as it was entered.
        pub email: String,
        /// The person's name.
        pub full_name: Option<String>,
        /// What the person may do.
        pub role: Role,
        /// The sponsor of a sponsor's account.
        pub sponsor_id: Option<SponsorId>,
        /// That sponsor's name.
        pub sponsor_name: Option<String>,
        /// The agency of an agency's account.
        pub agency_id: Option<AgencyId>,
        /// That agency's name.
        pub agency_name: Option<String>,
        /// Whether a code is asked for at login.
        pub mfa_enabled: bool,
        /// Whether it may act.
        pub status: Status,
        /// Since when it exists.
        pub created_at: Time,
        /// When it was last changed.
        pub updated_at: Time,
        /// The last login.
        pub last_login_at: Option<Time>,
        /// Whether the person was invited and has not chosen a password yet.
        pub invited: bool,
        /// Whether the person was ever here.
        pub has_logged_in: bool,
    }
}

/// Where an account belongs: what its role needs, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tenancy {
    /// Of a sponsor's account.
    pub sponsor: Option<SponsorId>,
    /// Of an agency's account.
    pub agency: Option<AgencyId>,
}

impl Tenancy {
    /// What this role keeps of what was named.
    ///
    /// # Errors
    /// The field that has to be named.
    pub fn of(role: Role, sponsor: Option<SponsorId>, agency: Option<AgencyId>) -> Result<Self, &'static str> {
        match role {
            Role::Sponsor if sponsor.is_none() => Err("sponsor_id"),
            Role::Sponsor => Ok(Self { sponsor, agency: None }),
            Role::Agency if agency.is_none() => Err("agency_id"),
            Role::Agency => Ok(Self { sponsor: None, agency }),
            Role::SuperAdmin | Role::Admin | Role::Operator | Role::Viewer => Ok(Self { sponsor: None, agency: None }),
        }
    }
}

/// What is said of a missing [`Tenancy`].
fn needed(field: &str) -> &'static str {
    if field == "sponsor_id" {
        "Un compte de ce rôle appartient à un partenaire : indiquez lequel."
    } else {
        "Un compte de ce rôle appartient à une agence : indiquez laquelle."
    }
}

/// An account to be created.
#[derive(ToSchema)]
#[schema(as = NewUser)]
pub struct NewAccount {
    /// Its address; compared without regard to capitals.
    #[schema(max_length = 255, example = "camille@club.fr")]
    pub email: String,
    /// The person's name.
    #[schema(max_length = 255)]
    pub full_name: String,
    /// What the person may do.
    pub role: Role,
    /// The password; without it the person is invited to choose one.
    #[schema(required = false, min_length = 8)]
    pub password: Option<String>,
    /// The sponsor of a sponsor's account; no other account has one.
    #[schema(required = false, value_type = Option<SponsorId>)]
    pub sponsor_id: Option<SponsorId>,
    /// The agency of an agency's account; no other account has one.
    #[schema(required = false, value_type = Option<AgencyId>)]
    pub agency_id: Option<AgencyId>,
}

impl fmt::Debug for NewAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewAccount").field("email", &self.email).field("role", &self.role).finish_non_exhaustive()
    }
}

impl FromForm for NewAccount {
    fn read(form: &mut Form) -> Option<Self> {
        let (email, full_name) = (form.email("email"), form.text("full_name", 255));
        let role = form.text("role", 64).and_then(|word| {
            let role = word.parse().ok();
            if role.is_none() {
                form.problem("role", format!("Valeurs possibles : {ROLES}."));
            }
            role
        });
        let password = form.optional_secret("password", password::SHORTEST);
        if let Some(Err(why)) =
            password.as_ref().map(|password| password::accept(password, email.as_deref().unwrap_or_default()))
        {
            form.problem("password", why);
        }
        let (sponsor, agency) = (form.optional_id("sponsor_id"), form.optional_id("agency_id"));
        let tenancy = match Tenancy::of(role?, sponsor, agency) {
            Ok(tenancy) => tenancy,
            Err(field) => {
                if !form.has_problem(field) {
                    form.problem(field, needed(field));
                }
                return None;
            }
        };
        let Tenancy { sponsor: sponsor_id, agency: agency_id } = tenancy;
        Some(Self { email: email?, full_name: full_name?, role: role?, password, sponsor_id, agency_id })
    }
}

/// What is to be changed in an account: what is absent stays.
#[derive(Debug, Default, ToSchema)]
#[schema(as = UserChanges)]
pub struct AccountChanges {
    /// Another address.
    #[schema(required = false, nullable = false, max_length = 255)]
    pub email: Option<String>,
    /// Another name.
    #[schema(required = false, nullable = false, max_length = 255)]
    pub full_name: Option<String>,
    /// Another role. One's own stays.
    #[schema(required = false, nullable = false)]
    pub role: Option<Role>,
    /// Another sponsor; only an account of the role `sponsor` has one, and it needs one.
    #[schema(required = false, value_type = Option<SponsorId>)]
    pub sponsor_id: Option<Option<SponsorId>>,
    /// Another agency; only an account of the role `agency` has one, and it needs one.
    #[schema(required = false, value_type = Option<AgencyId>)]
    pub agency_id: Option<Option<AgencyId>>,
    /// Another status. One's own stays.
    #[schema(required = false, nullable = false)]
    pub status: Option<Status>,
}

impl FromForm for AccountChanges {
    fn read(form: &mut Form) -> Option<Self> {
        Some(Self {
            email: form.has("email").then(|| form.email("email")).flatten(),
            full_name: form.has("full_name").then(|| form.text("full_name", 255)).flatten(),
            role: form.choice("role", ROLES),
            sponsor_id: form.has("sponsor_id").then(|| form.optional_id("sponsor_id")),
            agency_id: form.has("agency_id").then(|| form.optional_id("agency_id")),
            status: form.choice("status", Status::WORDS),
        })
    }
}

/// The status that an account is to have.
#[derive(Debug, ToSchema)]
pub struct StatusChange {
    /// Which.
    pub status: Status,
}

impl FromForm for StatusChange {
    fn read(form: &mut Form) -> Option<Self> {
        let status = form.choice("status", Status::WORDS);
        if status.is_none() && !form.has_problem("status") {
            form.problem("status", format!("Ce champ est obligatoire. Valeurs possibles : {}.", Status::WORDS));
        }
        Some(Self { status: status? })
    }
}

/// What an account is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its address.
    pub email: String,
    /// The person's name.
    pub full_name: Option<String>,
    /// What the person may do.
    pub role: Role,
    /// Where it belongs.
    pub tenancy: Tenancy,
    /// Whether it may act.
    pub status: Status,
}

impl Record {
    /// What an account is.
    #[must_use]
    pub fn of(account: &UserView) -> Self {
        Self {
            email: account.email.clone(),
            full_name: account.full_name.clone(),
            role: account.role,
            tenancy: Tenancy { sponsor: account.sponsor_id, agency: account.agency_id },
            status: account.status,
        }
    }

    /// Whether the sessions that began with the other record may go on with this one.
    #[must_use]
    pub fn keeps_sessions_of(&self, before: &Self) -> bool {
        self.role == before.role && self.tenancy == before.tenancy && self.status == Status::Active
    }

    /// For the journal.
    #[must_use]
    pub fn noted(&self) -> Value {
        json!({
            "email": self.email, "full_name": self.full_name, "role": self.role, "status": self.status,
            "sponsor_id": self.tenancy.sponsor, "agency_id": self.tenancy.agency,
        })
    }
}

/// A field that stays as it is, and why.
pub type Refusal = (&'static str, &'static str);

impl AccountChanges {
    /// Only this status.
    #[must_use]
    pub fn status(status: Status) -> Self {
        Self { status: Some(status), ..Self::default() }
    }

    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.email.is_none()
            && self.full_name.is_none()
            && self.role.is_none()
            && self.sponsor_id.is_none()
            && self.agency_id.is_none()
            && self.status.is_none()
    }

    /// What the account is to be, if it may be so. `is_own`: whether it is the account of who asks, whose form may repeat
    /// the role and the status that it has.
    ///
    /// # Errors
    /// A field that may not be so, and why.
    pub fn applied(&self, before: &Record, is_own: bool) -> Result<Record, Refusal> {
        let role = self.role.unwrap_or(before.role);
        let status = self.status.unwrap_or(before.status);
        if is_own && role != before.role {
            return Err(("role", "Vous ne pouvez pas changer votre propre rôle."));
        }
        if is_own && status != before.status {
            return Err(("status", "Vous ne pouvez pas changer votre propre statut."));
        }
        let (sponsor, agency) =
            (self.sponsor_id.unwrap_or(before.tenancy.sponsor), self.agency_id.unwrap_or(before.tenancy.agency));
        let tenancy = match Tenancy::of(role, sponsor, agency) {
            Ok(tenancy) => tenancy,
            // Its agency is gone, and it may not act: so it may stay, whatever its name.
            Err(_)
                if role == before.role
                    && (sponsor, agency) == (before.tenancy.sponsor, before.tenancy.agency)
                    && status != Status::Active =>
            {
                before.tenancy
            }
            Err(field) => return Err((field, needed(field))),
        };
        Ok(Record {
            email: self.email.clone().unwrap_or_else(|| before.email.clone()),
            full_name: self.full_name.clone().or_else(|| before.full_name.clone()),
            role,
            tenancy,
            status,
        })
    }
}

/// Another password for somebody.
#[derive(ToSchema)]
#[schema(as = NewPassword)]
pub struct PasswordReset {
    /// The password.
    #[schema(min_length = 8)]
    pub new_password: String,
}

impl fmt::Debug for PasswordReset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordReset(•••)")
    }
}

impl FromForm for PasswordReset {
    fn read(form: &mut Form) -> Option<Self> {
        Some(Self { new_password: form.secret("new_password", password::SHORTEST)? })
    }
}

/// Accounts of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Users {
    /// The accounts.
    pub users: Vec<UserView>,
    /// How many there are in all.
    pub total: i64,
    /// Which part of them this is.
    pub pagination: Pagination,
}

row! {
    /// An agency or a sponsor, by name.
    #[derive(Debug, Serialize, ToSchema)]
    pub struct Named {
        /// Its id.
        #[schema(value_type = String, format = "uuid")]
        pub id: uuid::Uuid,
        /// Its name.
        pub name: String,
    }
}

/// Where accounts can belong.
#[derive(Debug, Serialize, ToSchema)]
pub struct Tenants {
    /// Every agency, by name.
    pub agencies: Vec<Named>,
    /// Every sponsor, by name.
    pub sponsors: Vec<Named>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(role: Role, status: Status) -> Record {
        Record {
            email: "a@b.fr".into(),
            full_name: None,
            role,
            tenancy: Tenancy { sponsor: None, agency: None },
            status,
        }
    }

    #[test]
    fn a_role_keeps_the_tenant_that_it_needs_and_no_other() {
        let (sponsor, agency) = (Some(SponsorId::new()), Some(AgencyId::new()));
        assert_eq!(Tenancy::of(Role::Agency, sponsor, agency), Ok(Tenancy { sponsor: None, agency }));
        assert_eq!(Tenancy::of(Role::Sponsor, sponsor, agency), Ok(Tenancy { sponsor, agency: None }));
        assert_eq!(Tenancy::of(Role::Admin, sponsor, agency), Ok(Tenancy { sponsor: None, agency: None }));
        assert_eq!(Tenancy::of(Role::Sponsor, None, agency), Err("sponsor_id"));
        assert_eq!(Tenancy::of(Role::Agency, sponsor, None), Err("agency_id"));
    }

    #[test]
    fn nobody_changes_his_own_role_or_status_and_may_repeat_them() {
        let own = record(Role::SuperAdmin, Status::Active);
        for role in Role::ALL.into_iter().filter(|role| *role != Role::SuperAdmin) {
            let changes =
                AccountChanges { role: Some(role), agency_id: Some(Some(AgencyId::new())), ..Default::default() };
            assert_eq!(changes.applied(&own, true).expect_err("his own").0, "role");
        }
        for status in [Status::Inactive, Status::Suspended] {
            assert_eq!(AccountChanges::status(status).applied(&own, true).expect_err("his own").0, "status");
            assert!(AccountChanges::status(status).applied(&own, false).is_ok());
        }
        let repeated = AccountChanges {
            role: Some(Role::SuperAdmin),
            status: Some(Status::Active),
            full_name: Some("Camille".into()),
            ..Default::default()
        };
        assert_eq!(repeated.applied(&own, true).expect("a name").full_name.as_deref(), Some("Camille"));
    }

    #[test]
    fn who_has_lost_his_agency_is_renamed_and_not_let_in_again_without_one() {
        let lost = record(Role::Agency, Status::Suspended);
        let renamed = AccountChanges { full_name: Some("Camille".into()), ..Default::default() };
        assert!(renamed.applied(&lost, false).is_ok());
        assert_eq!(AccountChanges::status(Status::Active).applied(&lost, false).expect_err("none").0, "agency_id");
        let found = AccountChanges { agency_id: Some(Some(AgencyId::new())), ..AccountChanges::status(Status::Active) };
        assert!(found.applied(&lost, false).is_ok());
    }
}
