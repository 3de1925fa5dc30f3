//! The SQL of the second factor.
//!
//! A statement that uses a code up *requires* that it was still good: else it raises, and with it falls what stands
//! behind it in the same flush.

use super::{Pending, Spent};
use crate::auth::store::{Account, account_columns};
use crate::clock::Time;
use crate::db::{Query, Scalar, Statement, query, row};
use crate::ids::{SessionId, UserId};

row! {
    /// What a code is compared with.
    #[derive(Debug, Clone)]
    pub struct Factor {
        /// Whether a code is asked for at login.
        pub enabled: bool,
        /// The sealed secret.
        pub mfa_secret: Option<String>,
        /// The hashes of the backup codes that are left.
        pub mfa_backup_codes: Option<Vec<String>>,
        /// The sealed secret of a factor that is being set up.
        pub pending: Option<String>,
        /// The address that the application shows.
        pub email: String,
    }
}

/// A factor that is being set up has to be finished within the hour.
const FACTOR: &str = "coalesce(u.mfa_enabled, false) as enabled, u.mfa_secret, u.mfa_backup_codes, u.email, \
     case when u.factor_pending_at > $2 - interval '1 hour' then u.factor_pending_secret end as pending";

/// The factor of a person.
pub fn factor(user: UserId, now: Time) -> Query<Option<Factor>> {
    query(format!("select {FACTOR} from users u where u.id = $1")).bind(user).bind(now).optional()
}

/// The factor of whoever is at the second step of a login.
pub fn factor_at(challenge: &str, now: Time) -> Query<Option<Factor>> {
    query(format!("select {FACTOR} from login_challenges c join users u on u.id = c.user_id where c.token = $1"))
        .bind(challenge.to_owned())
        .bind(now)
        .optional()
}

/// The account of whoever is at the second step of a login.
pub fn account_at(challenge: &str) -> Query<Option<Account>> {
    let columns = account_columns("u");
    query(format!("select {columns} from login_challenges c join users u on u.id = c.user_id where c.token = $1"))
        .bind(challenge.to_owned())
        .optional()
}

/// The account of whoever has to set a factor up to log in, as long as the challenge counts.
pub fn account_at_set_up(challenge: &str, now: Time) -> Query<Option<Account>> {
    let columns = account_columns("u");
    query(format!(
        "select {columns} from login_challenges c join users u on u.id = c.user_id \
         where c.token = $1 and c.kind = 'setup' and c.passed_at is null and c.expires_at > $2 and c.tries < 5 \
           and u.is_active and u.status = 'active' and neopro_login_proof(u.password_hash) = c.proof"
    ))
    .bind(challenge.to_owned())
    .bind(now)
    .optional()
}

/// A step of a login that is to come.
#[derive(Debug)]
pub struct NewChallenge {
    /// The hash of its name.
    pub token: String,
    /// Whose login it is.
    pub user: UserId,
    /// The hash that the password was compared with.
    pub verified_hash: String,
    /// A code is asked for; else a factor has to be set up.
    pub for_code: bool,
    /// Now.
    pub now: Time,
    /// When it is over.
    pub expires_at: Time,
}

/// Writes a challenge down, and forgets those that are over; `false` when the account changed since its password was
/// compared.
pub fn open_challenge(new: NewChallenge) -> Query<bool> {
    query(
        "with old as (delete from login_challenges where expires_at < $5 - interval '1 hour') \
         insert into login_challenges (token, user_id, kind, proof, created_at, expires_at) \
         select $1, u.id, case when $4 then 'code' else 'setup' end, neopro_login_proof(u.password_hash), $5, $6 \
         from users u where u.id = $2 and u.password_hash = $3 and u.is_active and u.status = 'active' \
           and coalesce(u.mfa_enabled, false) = $4 returning true",
    )
    .bind(new.token)
    .bind(new.user)
    .bind(new.verified_hash)
    .bind(new.for_code)
    .bind(new.now)
    .bind(new.expires_at)
    .optional::<Scalar<bool>>()
    .map(|made| made.is_some())
}

row! {
    /// What became of a try.
    #[derive(Debug)]
    pub struct Try {
        /// `go`, `slow` or `over`.
        pub outcome: String,
        /// With `slow`: how long to wait.
        pub seconds: i32,
        /// No other try will follow.
        pub is_last: bool,
    }
}

/// Takes a try of a challenge, and of its account.
pub fn try_challenge(challenge: &str, for_code: bool, address: &str, now: Time) -> Query<Try> {
    query("select outcome, seconds, is_last from neopro_try_challenge($1, $2, $3, $4)")
        .bind(challenge.to_owned())
        .bind(if for_code { "code" } else { "setup" })
        .bind(address.to_owned())
        .bind(now)
        .one()
}

/// Takes a try of an account whose owner is logged in; the seconds to wait if it is too early.
pub fn take_try(user: UserId, address: &str, now: Time) -> Query<i32> {
    query("select neopro_take_code_try($1, $2, $3)")
        .bind(user)
        .bind(address.to_owned())
        .bind(now)
        .one::<Scalar<i32>>()
        .map(|Scalar(seconds)| seconds)
}

/// What using a code up changes: `$2` is the secret that it was compared with, `$3` its step, `$4` the backup code's
/// hash, `$5` now.
const SPEND: &str = "factor_step = coalesce($3, u.factor_step), mfa_verified_at = $5";
const CODES_LEFT: &str = "mfa_backup_codes = array_remove(u.mfa_backup_codes, $4)";
const UNSPENT: &str = "u.mfa_enabled and u.mfa_secret is not distinct from $2 and case when $3 is not null \
     then coalesce(u.factor_step, -1) < $3 else $4 = any (u.mfa_backup_codes) end";

fn bind_spent(statement: Statement, sealed: Option<String>, spent: Spent, now: Time) -> Statement {
    let (step, backup) = match spent {
        Spent::Step(step) => (Some(step), None),
        Spent::Backup(hash) => (None, Some(hash)),
    };
    statement.bind(sealed).bind(step).bind(backup).bind(now)
}

/// The challenge is passed by this code, which is used up; whoever comes from `address` has no failures left there.
pub fn pass(challenge: &str, sealed: Option<String>, spent: Spent, now: Time, address: &str) -> Query<()> {
    let passed = query(format!(
        "with passed as ( \
           update login_challenges set passed_at = $5 \
           where token = $1 and kind = 'code' and passed_at is null and expires_at > $5 returning user_id \
         ), spent as ( \
           update users u set {SPEND}, {CODES_LEFT} from passed p where u.id = p.user_id and {UNSPENT} returning u.id \
         ), calm as ( \
           delete from second_factor_tries t using spent \
           where t.user_id = spent.id and t.from_known = neopro_knows_address(spent.id, $6) \
         ) \
         select neopro_require(exists (select from spent))"
    ))
    .bind(challenge.to_owned());
    bind_spent(passed, sealed, spent, now).bind(address.to_owned()).nothing()
}

/// Keeps a factor that is to be set up, for an account that has none.
pub fn set_up(user: UserId, pending: Pending, now: Time) -> Query<bool> {
    query(
        "update users set factor_pending_secret = $2, factor_pending_codes = $3, factor_pending_at = $4 \
         where id = $1 and not coalesce(mfa_enabled, false) returning true",
    )
    .bind(user)
    .bind(pending.sealed)
    .bind(pending.codes)
    .bind(now)
    .optional::<Scalar<bool>>()
    .map(|kept| kept.is_some())
}

/// Keeps a factor that is to take the place of the present one, a code of which is used up.
pub fn set_up_another(
    user: UserId,
    sealed: Option<String>,
    spent: Spent,
    pending: Pending,
    now: Time,
    address: &str,
) -> Query<()> {
    let change = format!("{CODES_LEFT}, factor_pending_secret = $7, factor_pending_codes = $8, factor_pending_at = $5");
    act(&change, user, sealed, spent, now, address).bind(pending.sealed).bind(pending.codes).nothing()
}

/// Turns the factor off.
pub fn disable(user: UserId, sealed: Option<String>, spent: Spent, now: Time, address: &str) -> Query<()> {
    let change = "mfa_enabled = false, mfa_secret = null, mfa_backup_codes = null, factor_pending_secret = null, \
         factor_pending_codes = null, factor_pending_at = null, updated_at = $5";
    act(change, user, sealed, spent, now, address).nothing()
}

/// Replaces the backup codes.
pub fn replace_codes(
    user: UserId,
    sealed: Option<String>,
    spent: Spent,
    codes: Vec<String>,
    now: Time,
    address: &str,
) -> Query<()> {
    act("mfa_backup_codes = $7", user, sealed, spent, now, address).bind(codes).nothing()
}

/// Uses a code up and changes the account.
fn act(change: &str, user: UserId, sealed: Option<String>, spent: Spent, now: Time, address: &str) -> Statement {
    let statement = query(format!(
        "with spent as (update users u set {SPEND}, {change} where u.id = $1 and {UNSPENT} returning u.id), \
         calm as ( \
           delete from second_factor_tries t using spent \
           where t.user_id = spent.id and t.from_known = neopro_knows_address(spent.id, $6) \
         ) \
         select neopro_require(exists (select from spent))"
    ))
    .bind(user);
    bind_spent(statement, sealed, spent, now).bind(address.to_owned())
}

/// Puts the factor that was being set up in the place of the present one, if there is one. `step` is that of its first
/// code; `sealed` the secret that this code was compared with.
pub fn enable(user: UserId, sealed: &str, step: i64, now: Time) -> Query<()> {
    query(
        "with enabled as ( \
           update users set mfa_enabled = true, mfa_secret = factor_pending_secret, mfa_backup_codes = factor_pending_codes, \
             factor_step = $3, mfa_verified_at = $4, updated_at = $4, \
             factor_pending_secret = null, factor_pending_codes = null, factor_pending_at = null \
           where id = $1 and factor_pending_secret = $2 returning id \
         ) \
         select neopro_require(exists (select from enabled))",
    )
    .bind(user)
    .bind(sealed.to_owned())
    .bind(step)
    .bind(now)
    .nothing()
}

/// A challenge whose factor has been set up is passed.
pub fn pass_set_up(challenge: &str, now: Time) -> Query<()> {
    query(
        "with passed as ( \
           update login_challenges set passed_at = $2 \
           where token = $1 and kind = 'setup' and passed_at is null and expires_at > $2 returning token \
         ) \
         select neopro_require(exists (select from passed))",
    )
    .bind(challenge.to_owned())
    .bind(now)
    .nothing()
}

row! {
    /// How it is with a person's second factor.
    #[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
    pub struct FactorStatus {
        /// A code is asked for at login.
        pub enabled: bool,
        /// The role has to have a second factor.
        pub required: bool,
        /// Until when it may be set up later, where the role has to have one and there is none.
        pub grace_until: Option<Time>,
        /// Backup codes that were not used.
        pub backup_codes_left: i32,
    }
}

/// The status of a person's second factor.
pub fn status(user: UserId) -> Query<Option<FactorStatus>> {
    query(
        "select f.enabled, f.until is not null as required, case when not f.enabled then f.until end as grace_until, \
           case when f.enabled then coalesce(cardinality(f.mfa_backup_codes), 0) else 0 end as backup_codes_left \
         from ( \
           select coalesce(u.mfa_enabled, false) as enabled, neopro_mfa_grace(u.role, u.created_at) as until, \
             u.mfa_backup_codes from users u where u.id = $1) f",
    )
    .bind(user)
    .optional()
}

/// Takes a person's second factor away, set up or only begun. Requires that there was one. The person's sessions end by
/// [`end_sessions`], behind it in the same flush.
pub fn reset(user: UserId, now: Time) -> Query<()> {
    query(
        "with person as ( \
           update users set mfa_enabled = false, mfa_secret = null, mfa_backup_codes = null, factor_step = null, \
             mfa_verified_at = null, factor_pending_secret = null, factor_pending_codes = null, factor_pending_at = null, \
             updated_at = $2 \
           where id = $1 and (mfa_enabled or factor_pending_secret is not null) returning id \
         ), gone as (delete from login_challenges c using person where c.user_id = person.id \
         ), calm as (delete from second_factor_tries t using person where t.user_id = person.id) \
         select neopro_require(exists (select from person))",
    )
    .bind(user)
    .bind(now)
    .nothing()
}

/// Ends a person's sessions, but for the one that is kept: which ones. A statement of its own, behind the one that changes
/// the account: that one waits for a login that is under way, and only what begins behind it sees the session of this
/// login.
pub fn end_sessions(user: UserId, kept: Option<SessionId>, now: Time) -> Query<Vec<SessionId>> {
    query(
        "update sessions set revoked_at = $3 \
         where user_id = $1 and id is distinct from $2 and revoked_at is null returning id",
    )
    .bind(user)
    .bind(kept)
    .bind(now)
    .all::<Scalar<SessionId>>()
    .map(|ended| ended.into_iter().map(|Scalar(id)| id).collect())
}

/// Whether there is such an account.
pub fn exists(user: UserId) -> Query<bool> {
    query("select exists (select from users where id = $1)")
        .bind(user)
        .one::<Scalar<bool>>()
        .map(|Scalar(exists)| exists)
}

row! {
    /// A sealed secret and whose it is.
    #[derive(Debug)]
    pub struct Sealed {
        /// The account.
        pub id: UserId,
        /// The secret.
        pub mfa_secret: String,
    }
}

/// The next sealed secrets behind this account, a hundred at most.
pub fn sealed_behind(after: Option<UserId>) -> Query<Vec<Sealed>> {
    query(
        "select id, mfa_secret from users where mfa_secret is not null and ($1 is null or id > $1) \
         order by id limit 100",
    )
    .bind(after)
    .all()
}

/// Puts the same secret, sealed anew, in the place of what it was.
pub fn replace_sealed(user: UserId, old: String, new: String) -> Query<()> {
    query("update users set mfa_secret = $3 where id = $1 and mfa_secret = $2").bind(user).bind(old).bind(new).nothing()
}
