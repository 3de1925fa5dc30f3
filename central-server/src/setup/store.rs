//! The SQL of the first account.

use crate::clock::Time;
use crate::db::{Query, Scalar, query};
use crate::ids::UserId;
use crate::language::Language;

/// Keeps a new link, if there is nobody yet; says whether.
pub fn issue(token_hash: String, expires_at: Time, now: Time) -> Query<bool> {
    query(
        "insert into setup_links (token_hash, issued_at, expires_at) \
         select $1, $2, $3 where not exists (select from users) returning true",
    )
    .bind(token_hash)
    .bind(now)
    .bind(expires_at)
    .optional::<Scalar<bool>>()
    .map(|kept| kept.is_some())
}

/// Whether a link works, and there is nobody yet.
pub fn works(token_hash: String, now: Time) -> Query<bool> {
    query(
        "select not exists (select from users) \
           and exists (select from setup_links where token_hash = $1 and expires_at > $2)",
    )
    .bind(token_hash)
    .bind(now)
    .one::<Scalar<bool>>()
    .map(|Scalar(works)| works)
}

/// The first account, as it is to be.
#[derive(Debug)]
pub struct First {
    pub token_hash: String,
    pub user: UserId,
    pub email: String,
    pub full_name: String,
    pub password_hash: String,
    pub language: Option<Language>,
    pub now: Time,
}

/// Makes the first account, a super_admin. Undoes the flush with [`crate::db::Error::Gone`] if there is one by now, or the
/// link does not work.
pub fn set_up(first: First) -> Query<()> {
    query("select neopro_set_up($1, $2, $3, $4, $5, $6, $7)")
        .bind(first.token_hash)
        .bind(first.user)
        .bind(first.email)
        .bind(first.full_name)
        .bind(first.password_hash)
        .bind(first.language.map(Language::name))
        .bind(first.now)
        .nothing()
}
