//! Who acts: roles, tokens, passwords, and the extractors by which a handler states whom it lets in.

pub mod api_tokens;
mod caller;
mod common_passwords;
mod cookies;
mod handle;
mod limits;
pub mod own_name;
pub mod own_notices;
pub mod own_sessions;
pub mod password;
mod presented;
pub(crate) mod refused;
pub mod routes;
pub mod scopes;
pub mod second_factor;
mod store;
mod token;
mod tries;

use std::fmt;
use std::str::FromStr;

pub use caller::{Admin, AdminOrAgency, Caller, Operator, Person, Staff, StaffOrAgency, SuperAdmin};
pub use cookies::bearer;
pub use limits::LoginLimits;
pub use password::Passwords;
pub use presented::Presented;
pub use routes::Message;
pub use token::{Claims, Tokens};
pub use tries::{Device, Source, Tries, Try, What};

use crate::http::limits::Shown;

/// The limits of guesses, for those who look at them.
pub fn guesses_shown() -> impl Iterator<Item = Shown> {
    tries::shown().chain([second_factor::GUESSES]).chain(limits::shown())
}

/// What a person may do. The table of rights stands with the extractors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything, users included.
    SuperAdmin,
    /// The fleet, with deletion and keys.
    Admin,
    /// The fleet, without deletion.
    Operator,
    /// Reads the fleet.
    Viewer,
    /// Reads what concerns one sponsor.
    Sponsor,
    /// Reads the clubs of one agency.
    Agency,
}

impl Role {
    /// Every role, the mightiest first.
    pub const ALL: [Self; 6] =
        [Self::SuperAdmin, Self::Admin, Self::Operator, Self::Viewer, Self::Sponsor, Self::Agency];

    /// The word in the database, in tokens and in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SuperAdmin => "super_admin",
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Viewer => "viewer",
            Self::Sponsor => "sponsor",
            Self::Agency => "agency",
        }
    }

    /// NeoPro's own people.
    #[must_use]
    pub fn is_staff(self) -> bool {
        matches!(self, Self::SuperAdmin | Self::Admin | Self::Operator | Self::Viewer)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.name() == text).ok_or(UnknownRole)
    }
}

/// A word that names no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownRole;

impl fmt::Display for UnknownRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rôle inconnu ; rôles possibles : super_admin, admin, operator, viewer")
    }
}

impl std::error::Error for UnknownRole {}

// As a text in the database.
impl<'a> tokio_postgres::types::FromSql<'a> for Role {
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
