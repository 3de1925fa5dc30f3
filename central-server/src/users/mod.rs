//! People with accounts: made at the command line, or by others who may (`account`).

mod account;
pub mod cli;
mod filter;
pub mod routes;
pub mod store;

use crate::auth::Role;
use crate::auth::password;
use crate::http::is_email;

pub use account::{
    AccountChanges, NO_PASSWORD, Named, NewAccount, PasswordReset, Record, Status, StatusChange, Tenancy, Tenants,
    UserView, Users,
};
pub use filter::{Filter, Sort};

/// An account to be created.
#[derive(Debug)]
pub struct NewUser {
    /// The address; compared without regard to capitals.
    pub email: String,
    /// The person's name.
    pub full_name: String,
    /// What the person may do; `None` lets the database decide: the first one is a super_admin, the others admins.
    pub role: Option<Role>,
}

impl NewUser {
    /// Checks what a person typed.
    ///
    /// # Errors
    /// A sentence that says what to mend.
    pub fn new(email: &str, full_name: &str, role: Option<Role>) -> Result<Self, String> {
        let (email, full_name) = (email.trim(), full_name.trim());
        if !is_email(email) || email.chars().count() > 255 {
            return Err(format!("« {} » n'est pas une adresse e-mail valide.", email.escape_debug()));
        }
        if full_name.is_empty() || full_name.chars().count() > 255 || full_name.chars().any(char::is_control) {
            return Err("Le nom complet est obligatoire (255 caractères au plus, sans caractère invisible).".into());
        }
        staff_only(role)?;
        Ok(Self { email: email.to_owned(), full_name: full_name.to_owned(), role })
    }
}

/// Accounts of sponsors and agencies belong to one of them, which the command line cannot name.
fn staff_only(role: Option<Role>) -> Result<(), String> {
    match role {
        Some(role) if !role.is_staff() => Err(format!(
            "Le rôle {role} se donne avec son partenaire ou son agence, pas ici. Rôles possibles : super_admin, admin, operator, viewer."
        )),
        _ => Ok(()),
    }
}

/// Checks a new password twice typed.
///
/// # Errors
/// A sentence that says what to mend.
pub fn check_password(password: &str, again: &str, email: &str) -> Result<(), String> {
    if password != again {
        return Err("Les deux mots de passe diffèrent.".into());
    }
    password::accept(password, email).map_err(str::to_owned)
}
