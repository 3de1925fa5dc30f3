//! The SQL of links and passwords.

use super::Kind;
use crate::clock::Time;
use crate::db::{Query, Scalar, query, row};
use crate::http::Snapshot;
use crate::ids::{JobId, SessionId, UserId};
use crate::language::Language;

/// Gives an account a link, which voids the one of that kind before it; any scope. Undoes the flush with
/// [`crate::db::Error::Gone`] if the account is not there or may not act.
pub fn issue(user: UserId, kind: Kind, token_hash: String, expires_at: Time, now: Time) -> Query<()> {
    query("select neopro_issue_link($1, $2, $3, $4, $5)")
        .bind(user)
        .bind(kind.name())
        .bind(token_hash)
        .bind(expires_at)
        .bind(now)
        .nothing()
}

/// A link and its mail for whoever has this address, if anybody has.
#[derive(Debug)]
pub struct Forgotten {
    pub email: String,
    pub token_hash: String,
    pub expires_at: Time,
    /// The mail's job, and its letter, sealed.
    pub job: JobId,
    pub sealed: String,
    pub from: Snapshot,
    pub now: Time,
}

/// Answers nothing: not even we know whether there is such an account.
pub fn forgot(forgotten: Forgotten) -> Query<()> {
    query("select neopro_forgot_password($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(forgotten.email)
        .bind(forgotten.token_hash)
        .bind(forgotten.expires_at)
        .bind(forgotten.job)
        .bind(forgotten.sealed)
        .bind(forgotten.from.ip.to_string())
        .bind(forgotten.from.user_agent)
        .bind(forgotten.now)
        .nothing()
}

row! {
    /// A link that works, and whose it is.
    #[derive(Debug)]
    pub struct Link {
        pub user_id: UserId,
        pub email: String,
        pub full_name: Option<String>,
        /// Whether it is an invitation.
        pub invites: bool,
    }
}

/// The link with this hash, if it works and its account may act.
pub fn find(token_hash: String, now: Time) -> Query<Option<Link>> {
    query(
        "select l.user_id, u.email, u.full_name, l.kind = 'invitation' as invites \
         from password_links l join users u on u.id = l.user_id \
         where l.token_hash = $1 and l.expires_at > $2 and u.is_active and u.status = 'active'",
    )
    .bind(token_hash)
    .bind(now)
    .optional()
}

/// Uses a link up, sets the password and ends the account's sessions, which it answers. Undoes the flush with
/// [`crate::db::Error::Gone`] if the link works no more.
pub fn use_link(token_hash: String, new_hash: String, language: Option<Language>, now: Time) -> Query<Vec<SessionId>> {
    ids(query("select * from neopro_use_link($1, $2, $3, $4)")
        .bind(token_hash)
        .bind(new_hash)
        .bind(language.map(Language::name))
        .bind(now)
        .all())
}

row! {
    /// What a person's password is compared with.
    #[derive(Debug)]
    pub struct Own {
        pub email: String,
        pub password_hash: String,
    }
}

/// The caller's own account: the policy of the table shows no other.
pub fn own(user: UserId) -> Query<Option<Own>> {
    query("select email, password_hash from users where id = $1").bind(user).optional()
}

/// Sets the caller's own password and ends his other sessions, which it answers. Undoes the flush with
/// [`crate::db::Error::Gone`] if the password is not what was compared any more.
pub fn change(compared: String, new_hash: String, kept: SessionId, now: Time) -> Query<Vec<SessionId>> {
    ids(query("select * from neopro_change_password($1, $2, $3, $4)")
        .bind(compared)
        .bind(new_hash)
        .bind(kept)
        .bind(now)
        .all())
}

/// The language in which the caller is written to.
pub fn set_language(language: Language) -> Query<()> {
    query("select neopro_set_language($1)").bind(language.name()).nothing()
}

fn ids(query: Query<Vec<Scalar<SessionId>>>) -> Query<Vec<SessionId>> {
    query.map(|ids| ids.into_iter().map(|Scalar(id)| id).collect())
}
