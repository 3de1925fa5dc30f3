//! The SQL of accounts: first as the command line makes them, then as people manage those of others.

use super::{Filter, NO_PASSWORD, Named, NewAccount, NewUser, Record, Sort, UserView};
use crate::auth::Role;
use crate::clock::Time;
use crate::db::{Query, Scalar, Scope, Statement, escape_like, first_wall, query, row, scoped};
use crate::ids::{SessionId, UserId};

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

/// Gives an account a role. Its sessions began with what it was allowed before: [`end_sessions`] belongs behind it.
pub fn set_role(email: &str, role: Role, now: Time) -> Query<Option<UserBrief>> {
    query(
        "update users set role = $2, updated_at = $3 where lower(email) = lower($1) \
         returning id, email, full_name, role",
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

/// The condition under which a scope reaches the accounts of others; the second wall asks for the role as well. `$1` is
/// always the caller's tenant.
fn managed(scope: Scope) -> &'static str {
    first_wall(match scope {
        Scope::System | Scope::Staff(_) => "$1 is null",
        Scope::Agency(..) | Scope::Sponsor(..) => "$1 is null and false",
    })
}

/// An account may act only if both columns agree: `is_active` is the guide's, `status` that of NeoPro 1.
const STATUS: &str = "case when users.is_active or users.status <> 'active' then users.status else 'inactive' end";

/// The columns of a [`UserView`], and where they come from.
fn view() -> String {
    format!(
        "select users.id, users.email, users.full_name, users.role, users.sponsor_id, s.name as sponsor_name, \
           users.agency_id, a.name as agency_name, coalesce(users.mfa_enabled, false) as mfa_enabled, {STATUS} as status, \
           users.created_at, users.updated_at, users.last_login_at, users.password_hash = '{NO_PASSWORD}' as invited, \
           users.last_login_at is not null as has_logged_in \
         from users left join sponsors s on s.id = users.sponsor_id left join agencies a on a.id = users.agency_id"
    )
}

/// What a filter means, with its parameters `$2` to `$4`.
fn filtered(scope: Scope, sql: String, filter: &Filter) -> Statement {
    let pattern = filter.search.as_deref().map(|words| format!("%{}%", escape_like(words)));
    scoped(scope, sql).bind(filter.role.map(Role::name)).bind(filter.status.map(super::Status::name)).bind(pattern)
}

fn meant(scope: Scope) -> String {
    format!(
        "{} and ($2 is null or users.role = $2) and ($3 is null or {STATUS} = $3) and ($4 is null \
           or neopro_fold(users.email) like neopro_fold($4) \
           or neopro_fold(coalesce(users.full_name, '')) like neopro_fold($4))",
        managed(scope)
    )
}

/// One page of the accounts.
pub fn page(scope: Scope, filter: &Filter) -> Query<Vec<UserView>> {
    let column = match filter.sort {
        Sort::CreatedAt => "users.created_at",
        Sort::Email => "neopro_fold(users.email)",
        Sort::FullName => "neopro_fold(users.full_name)",
        Sort::Role => {
            "array_position(array['super_admin', 'admin', 'operator', 'viewer', 'agency', 'sponsor'], users.role)"
        }
        Sort::Status => STATUS,
        Sort::LastLoginAt => "users.last_login_at",
    };
    let direction = filter.order.name();
    let sql = format!(
        "{} where {} order by {column} {direction} nulls last, users.id {direction} limit $5 offset $6",
        view(),
        meant(scope)
    );
    filtered(scope, sql, filter).bind(filter.slice.limit).bind(filter.slice.offset()).all()
}

/// How many accounts a filter means.
pub fn count(scope: Scope, filter: &Filter) -> Query<i64> {
    let sql = format!("select count(*) from users where {}", meant(scope));
    filtered(scope, sql, filter).one::<Scalar<i64>>().map(|Scalar(count)| count)
}

/// One account.
pub fn find(scope: Scope, id: UserId) -> Query<Option<UserView>> {
    scoped(scope, format!("{} where {} and users.id = $2", view(), managed(scope))).bind(id).optional()
}

/// Creates an account; without a hash it waits for its person. An address that is taken violates `users_email_key`.
pub fn create(scope: Scope, id: UserId, new: &NewAccount, hash: Option<String>, now: Time) -> Query<()> {
    let sql = format!(
        "insert into users (id, email, full_name, role, sponsor_id, agency_id, password_hash, created_at, updated_at) \
         select $2, $3, $4, $5, $6, $7, $8, $9, $9 where {}",
        managed(scope)
    );
    scoped(scope, sql)
        .bind(id)
        .bind(new.email.clone())
        .bind(new.full_name.clone())
        .bind(new.role.name())
        .bind(new.sponsor_id)
        .bind(new.agency_id)
        .bind(hash.unwrap_or_else(|| NO_PASSWORD.to_owned()))
        .bind(now)
        .nothing()
}

/// Makes an account what it is to be. If it is not what it was any more, `users_changed_meanwhile` is broken. With another
/// address the links that were sent to the one before are void.
pub fn change(scope: Scope, id: UserId, before: &Record, after: &Record, now: Time) -> Query<()> {
    let sql = format!(
        "with changed as ( \
           update users set email = $3, full_name = $4, role = $5, sponsor_id = $6, agency_id = $7, status = $8, \
             is_active = case when $8 = 'active' then true else is_active end, updated_at = $15 \
           where {} and id = $2 and email = $9 and full_name is not distinct from $10 and role = $11 \
             and sponsor_id is not distinct from $12 and agency_id is not distinct from $13 and {STATUS} = $14 \
           returning id \
         ), void as (delete from password_links using changed where user_id = changed.id and $3 <> $9) \
         select neopro_must(exists (select from changed), 'users_changed_meanwhile')",
        managed(scope)
    );
    let statement = [after, before].into_iter().fold(scoped(scope, sql).bind(id), |statement, record| {
        statement
            .bind(record.email.clone())
            .bind(record.full_name.clone())
            .bind(record.role.name())
            .bind(record.tenancy.sponsor)
            .bind(record.tenancy.agency)
            .bind(record.status.name())
    });
    statement.bind(now).nothing()
}

/// Gives an account a password; links to choose another one are void. If it is gone meanwhile, `users_changed_meanwhile` is broken.
pub fn set_password(scope: Scope, id: UserId, hash: String, now: Time) -> Query<()> {
    let sql = format!(
        "with changed as (update users set password_hash = $3, updated_at = $4 where {} and id = $2 returning id), \
         void as (delete from password_links using changed where user_id = changed.id) \
         select neopro_must(exists (select from changed), 'users_changed_meanwhile')",
        managed(scope)
    );
    scoped(scope, sql).bind(id).bind(hash).bind(now).nothing()
}

/// Ends the sessions of accounts, if they are to end: which.
pub fn end_sessions(scope: Scope, users: &[UserId], now: Time) -> Query<Vec<SessionId>> {
    let sql = format!(
        "update sessions set revoked_at = $3 where {} and user_id = any ($2) and revoked_at is null returning id",
        managed(scope)
    );
    scoped(scope, sql)
        .bind(users.iter().map(|user| user.0).collect::<Vec<_>>())
        .bind(now)
        .all::<Scalar<SessionId>>()
        .map(|sessions| sessions.into_iter().map(|Scalar(session)| session).collect())
}

/// Deletes an account; what the person has done stays. If it is gone already, `users_changed_meanwhile` is broken.
pub fn delete(scope: Scope, id: UserId) -> Query<()> {
    let sql = format!(
        "with gone as (delete from users where {} and id = $2 returning id) \
         select neopro_must(exists (select from gone), 'users_changed_meanwhile')",
        managed(scope)
    );
    scoped(scope, sql).bind(id).nothing()
}

/// Every agency, by name.
pub fn agencies(scope: Scope) -> Query<Vec<Named>> {
    scoped(scope, format!("select id, name from agencies where {} order by neopro_fold(name), id", managed(scope)))
        .all()
}

/// Every sponsor, by name.
pub fn sponsors(scope: Scope) -> Query<Vec<Named>> {
    scoped(scope, format!("select id, name from sponsors where {} order by neopro_fold(name), id", managed(scope)))
        .all()
}
