//! The SQL of accounts.

use super::NewUser;
use crate::auth::Role;
use crate::clock::Time;
use crate::db::{Query, Scalar, query, row};
use crate::ids::UserId;

row! {
    /// An account that was just made or changed.
    #[derive(Debug)]
    pub struct UserBrief {
        /// The account's id.
        pub id: UserId,
        /// The address, as it was entered.
        pub email: String,
        /// The person's name.
        pub full_name: Option<String>,
        /// What the person may do.
        pub role: Role,
    }
}

/// Whether an address has an account.
pub fn exists(email: &str) -> Query<bool> {
    query("select exists (select from users where lower(email) = lower($1))")
        .bind(email.to_owned())
        .one::<Scalar<bool>>()
        .map(|Scalar(exists)| exists)
}

/// Creates an account: a super_admin while there is no active one, whatever was asked for, else with the role that
/// was asked for, else an admin.
/// An address that is taken violates `users_email_key`; the existing account is never touched.
pub fn insert(id: UserId, new: &NewUser, password_hash: String, now: Time) -> Query<UserBrief> {
    query(
        "insert into users (id, email, full_name, password_hash, role, created_at, updated_at) \
         select $1, $2, $3, $4, case when exists ( \
             select from users where role = 'super_admin' and is_active and status = 'active' \
           ) then coalesce($5, 'admin') else 'super_admin' end, $6, $6 \
         returning id, email, full_name, role",
    )
    .bind(id)
    .bind(new.email.clone())
    .bind(new.full_name.clone())
    .bind(password_hash)
    .bind(new.role.map(Role::name))
    .bind(now)
    .one()
}

/// Gives an account a role and ends its sessions: they began with what it was allowed before.
pub fn set_role(email: &str, role: Role, now: Time) -> Query<Option<UserBrief>> {
    query(
        "with account as ( \
           update users set role = $2, updated_at = $3 where lower(email) = lower($1) \
           returning id, email, full_name, role \
         ), ended as ( \
           update sessions set revoked_at = $3 from account \
           where sessions.user_id = account.id and sessions.revoked_at is null \
         ) \
         select id, email, full_name, role from account",
    )
    .bind(email.to_owned())
    .bind(role.name())
    .bind(now)
    .optional()
}

/// The account of an address.
pub fn find_id(email: &str) -> Query<Option<UserId>> {
    query("select id from users where lower(email) = lower($1)")
        .bind(email.to_owned())
        .optional::<Scalar<UserId>>()
        .map(|id| id.map(|Scalar(id)| id))
}

/// Whether an account is the only one left that manages the others. `grant-role` must not take that away.
pub fn is_last_super_admin(email: &str) -> Query<bool> {
    query(
        "select coalesce(bool_and(lower(email) = lower($1)), false) from users \
         where role = 'super_admin' and is_active and status = 'active'",
    )
    .bind(email.to_owned())
    .one::<Scalar<bool>>()
    .map(|Scalar(is_last)| is_last)
}
