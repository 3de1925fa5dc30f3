//! Accounts at login, and sessions.

use super::Role;
use crate::clock::Time;
use crate::db::{Query, Scalar, Scope, query, row};
use crate::ids::{AgencyId, SessionId, SponsorId, UserId};

row! {
    /// An account as the login sees it.
    #[derive(Debug, Clone)]
    pub struct Account {
        pub id: UserId,
        pub email: String,
        pub full_name: Option<String>,
        pub role: Role,
        pub password_hash: String,
        pub may_act: bool,
        pub mfa_enabled: bool,
        /// Until when it may do without a second factor, if its role has to have one and it has none.
        pub mfa_grace_until: Option<Time>,
        pub sponsor_id: Option<SponsorId>,
        pub agency_id: Option<AgencyId>,
    }
}

/// The columns of an account, of the table `users` under this name.
pub fn account_columns(users: &str) -> String {
    format!(
        "{users}.id, {users}.email, {users}.full_name, {users}.role, {users}.password_hash, \
         {users}.is_active and {users}.status = 'active' as may_act, {}, {users}.sponsor_id, {users}.agency_id",
        factor_columns(users)
    )
}

/// Whether a code is asked for, and until when not to have a second factor is allowed where one has to be.
fn factor_columns(users: &str) -> String {
    format!(
        "coalesce({users}.mfa_enabled, false) as mfa_enabled, case when not coalesce({users}.mfa_enabled, false) \
         then neopro_mfa_grace({users}.role, {users}.created_at) end as mfa_grace_until"
    )
}

/// The account of an address, whatever its capitals.
pub fn find_account(email: &str) -> Query<Option<Account>> {
    let columns = account_columns("u");
    query(format!("select {columns} from users u where lower(u.email) = lower($1)")).bind(email.to_owned()).optional()
}

/// A login that is about to become a session.
#[derive(Debug)]
pub struct NewSession {
    pub id: SessionId,
    pub user: UserId,
    /// The hash that the password was compared with. If it changed meanwhile, no session begins.
    pub verified_hash: String,
    pub now: Time,
    pub expires_at: Time,
    pub user_agent: Option<String>,
    pub ip: String,
    /// The hash of the first handle of a tab's session.
    pub handle: Option<String>,
    /// The hash of the challenge that the same flush has passed. Without one no session of an account with a second
    /// factor begins, or of one that has to have it by now.
    pub challenge: Option<String>,
}

/// Begins a session and notes the login; `false` when the account changed since its password was compared.
///
/// Sessions of the same account that ended a month ago go in the same statement.
pub fn begin_session(new: NewSession) -> Query<bool> {
    query(
        "with account as ( \
           update users set last_login_at = $4 \
           where id = $2 and password_hash = $3 and is_active and status = 'active' and case \
             when mfa_enabled or neopro_mfa_grace(role, created_at) <= $4 then exists (select from login_challenges c \
               where c.token = $9 and c.user_id = users.id and c.passed_at = $4) \
             else true end \
           returning id \
         ), old as ( \
           delete from sessions using account \
           where sessions.user_id = account.id and sessions.expires_at < $4 - interval '30 days' \
         ) \
         insert into sessions (id, user_id, created_at, last_used_at, expires_at, user_agent, ip, handle) \
         select $1, id, $4, $4, $5, $6, $7, $8 from account \
         where not exists (select from session_handles used where used.handle = $8) returning id",
    )
    .bind(new.id)
    .bind(new.user)
    .bind(new.verified_hash)
    .bind(new.now)
    .bind(new.expires_at)
    .bind(new.user_agent)
    .bind(new.ip)
    .bind(new.handle)
    .bind(new.challenge)
    .optional::<Scalar<SessionId>>()
    .map(|id| id.is_some())
}

row! {
    /// What became of a handle.
    #[derive(Debug)]
    pub struct Renewed {
        /// `renewed`, `reused` or `unknown`.
        pub outcome: String,
        /// The session that goes on, or that was revoked this moment.
        pub session: Option<SessionId>,
        /// Whose it is.
        pub user_id: Option<UserId>,
    }
}

/// Puts the next handle of a session in the place of the given one; both are hashes.
pub fn renew_handle(given: String, next: String, now: Time) -> Query<Renewed> {
    query(
        "select r.outcome, r.session, s.user_id from neopro_renew_handle($1, $2, $3) r \
         left join sessions s on s.id = r.session",
    )
    .bind(given)
    .bind(next)
    .bind(now)
    .one()
}

row! {
    /// A session that goes on, and its account.
    #[derive(Debug)]
    pub struct Going {
        pub session: SessionId,
        pub expires_at: Time,
        pub id: UserId,
        pub email: String,
        pub full_name: Option<String>,
        pub role: Role,
        pub mfa_enabled: bool,
        pub mfa_grace_until: Option<Time>,
        pub sponsor_id: Option<SponsorId>,
        pub agency_id: Option<AgencyId>,
    }
}

/// The session with this handle, as its hash.
pub fn with_handle(handle: String) -> Query<Option<Going>> {
    let factor = factor_columns("u");
    query(format!(
        "select s.id as session, s.expires_at, u.id, u.email, u.full_name, u.role, {factor}, u.sponsor_id, u.agency_id \
         from sessions s join users u on u.id = s.user_id where s.handle = $1"
    ))
    .bind(handle)
    .optional()
}

/// Replaces a hash of another time by ours, unless the password was changed meanwhile.
pub fn replace_hash(user: UserId, old: String, new: String) -> Query<()> {
    query("update users set password_hash = $3 where id = $1 and password_hash = $2")
        .bind(user)
        .bind(old)
        .bind(new)
        .nothing()
}

/// Ends a session for good. Ending one that has ended changes nothing.
pub fn end_session(session: SessionId, user: UserId, now: Time) -> Query<()> {
    query("update sessions set revoked_at = $3 where id = $1 and user_id = $2 and revoked_at is null")
        .bind(session)
        .bind(user)
        .bind(now)
        .nothing()
}

row! {
    /// The caller's own account.
    #[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
    pub struct Me {
        /// The account's id.
        pub id: UserId,
        /// The address, as it was entered.
        pub email: String,
        /// The person's name.
        pub full_name: Option<String>,
        /// What the person may do.
        pub role: Role,
        /// The sponsor of a sponsor's account.
        pub sponsor_id: Option<SponsorId>,
        /// The agency of an agency's account.
        pub agency_id: Option<AgencyId>,
        /// Whether a code is asked for at login.
        pub mfa_enabled: bool,
        /// The role has to have a second factor, and there is none yet.
        pub mfa_required: bool,
        /// From then on it has to be set up to log in.
        pub mfa_grace_until: Option<Time>,
        /// Since when the account exists.
        pub created_at: Time,
        /// The last login.
        pub last_login_at: Option<Time>,
        /// The language in which the person is written to; null is French.
        pub language: Option<String>,
        /// How long the session still lasts, in seconds, whatever the token's own end.
        pub session_expires_in: i64,
    }
}

/// The account of the caller; the scope decides whose.
pub fn me(scope: Scope, user: UserId, session: SessionId, now: Time) -> Query<Option<Me>> {
    let own = scope.user().unwrap_or(user);
    let factor = factor_columns("u");
    query(format!(
        "select id, email, full_name, role, sponsor_id, agency_id, mfa_enabled, mfa_grace_until is not null as mfa_required, \
           mfa_grace_until, created_at, last_login_at, language, (select extract(epoch from s.expires_at - $4)::bigint from sessions s where s.id = $3) as session_expires_in \
         from (select u.id, u.email, u.full_name, u.role, u.sponsor_id, u.agency_id, {factor}, u.created_at, u.last_login_at, u.language \
           from users u where u.id = $1 and u.id = $2) own"
    ))
    .bind(user)
    .bind(own)
    .bind(session)
    .bind(now)
    .optional()
}

/// Gives the caller another name, and leaves everything else. If it is not this one any more, `users_changed_meanwhile` is
/// broken.
pub fn rename(user: UserId, before: Option<String>, name: String, now: Time) -> Query<()> {
    query(
        "with changed as ( \
           update users set full_name = $3, updated_at = $4 where id = $1 and full_name is not distinct from $2 \
           returning id \
         ) select neopro_must(exists (select from changed), 'users_changed_meanwhile')",
    )
    .bind(user)
    .bind(before)
    .bind(name)
    .bind(now)
    .nothing()
}

row! {
    /// What a person wants to be written to about.
    #[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
    pub struct OwnNotices {
        /// Alerts, for those who run the installation (super_admin, admin).
        pub mail_alerts: bool,
        /// What became of one's own orders.
        pub mail_results: bool,
        /// The summary of the week, for those who run the installation.
        pub mail_summary: bool,
    }
}

/// What this person wants to be written to about.
pub fn own_notices(user: UserId) -> Query<Option<OwnNotices>> {
    query("select mail_alerts, mail_results, mail_summary from users where id = $1").bind(user).optional()
}

/// Lets that hold from now on.
pub fn set_own_notices(user: UserId, new: &OwnNotices, now: Time) -> Query<()> {
    query("update users set mail_alerts = $2, mail_results = $3, mail_summary = $4, updated_at = $5 where id = $1")
        .bind(user)
        .bind(new.mail_alerts)
        .bind(new.mail_results)
        .bind(new.mail_summary)
        .bind(now)
        .nothing()
}
