//! Tokens in the database. A person's own are behind the policy `self`; who a token belongs to is asked as the server.

use std::time::Duration;

use super::{MOST, TokenScope, TokenView};
use crate::auth::Role;
use crate::clock::Time;
use crate::db::{Query, Scalar, Scope, query, row};
use crate::ids::{AgencyId, SponsorId, TokenId, UserId};

/// How long a token is still listed after its end, so that its owner sees why a program stopped.
const LISTED: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How long it is kept at all.
const KEPT: Duration = Duration::from_secs(90 * 24 * 60 * 60);

row! {
    /// Whose a token is, and what it may.
    #[derive(Debug)]
    pub struct Bearer {
        pub id: TokenId,
        pub user_id: UserId,
        pub role: Role,
        pub agency_id: Option<AgencyId>,
        pub sponsor_id: Option<SponsorId>,
        pub scopes: Vec<String>,
    }
}

/// The bearer of the token with this hash, if both still stand.
pub fn bearer(hash: String, now: Time) -> Query<Option<Bearer>> {
    query(
        "select t.id, t.user_id, u.role, u.agency_id, u.sponsor_id, t.scopes \
         from api_tokens t join users u on u.id = t.user_id \
         where t.hash = $1 and t.revoked_at is null and t.expires_at > $2 and u.is_active and u.status = 'active'",
    )
    .bind(hash)
    .bind(now)
    .optional()
}

row! {
    struct Row {
        id: TokenId,
        name: String,
        scopes: Vec<String>,
        created_at: Time,
        expires_at: Time,
        last_used_at: Option<Time>,
        last_ip: Option<String>,
        hint: String,
    }
}

impl From<Row> for TokenView {
    fn from(row: Row) -> Self {
        let Row { id, name, scopes, created_at, expires_at, last_used_at, last_ip, hint } = row;
        let scopes = scopes.iter().filter_map(|word| TokenScope::named(word)).collect();
        Self { id, name, scopes, created_at, expires_at, last_used_at, last_ip, hint }
    }
}

const COLUMNS: &str = "id, name, scopes, created_at, expires_at, last_used_at, last_ip, hint";

/// The tokens of the person who asks.
pub fn list(scope: Scope, now: Time) -> Query<Vec<TokenView>> {
    query(format!(
        "select {COLUMNS} from api_tokens where user_id = $1 and revoked_at is null and expires_at > $2 \
         order by created_at desc, id desc"
    ))
    .bind(scope.user())
    .bind(now.minus(LISTED))
    .all::<Row>()
    .map(|rows| rows.into_iter().map(TokenView::from).collect())
}

/// A token that is about to exist.
#[derive(Debug)]
pub struct Made {
    pub id: TokenId,
    pub name: String,
    pub scopes: Vec<TokenScope>,
    pub hash: String,
    pub hint: String,
    pub now: Time,
    pub expires_at: Time,
}

/// Adds a token; none if the person has too many. Those that ended long ago go in the same statement.
pub fn add(scope: Scope, made: Made) -> Query<Option<TokenView>> {
    let scopes: Vec<String> = made.scopes.iter().map(|scope| scope.name().to_owned()).collect();
    query(format!(
        "with old as ( \
           delete from api_tokens where user_id = $2 and least(expires_at, coalesce(revoked_at, expires_at)) < $9 \
         ) \
         insert into api_tokens (id, user_id, name, scopes, hash, hint, created_at, expires_at) \
         select $1, $2, $3, $4, $5, $6, $7, $8 \
         where (select count(*) from api_tokens where user_id = $2 and revoked_at is null and expires_at > $7) < {MOST} \
         returning {COLUMNS}"
    ))
    .bind(made.id)
    .bind(scope.user())
    .bind(made.name)
    .bind(scopes)
    .bind(made.hash)
    .bind(made.hint)
    .bind(made.now)
    .bind(made.expires_at)
    .bind(made.now.minus(KEPT))
    .optional::<Row>()
    .map(|row| row.map(TokenView::from))
}

/// Ends one of the person's tokens for good; `false` if there is none of this id.
pub fn revoke(scope: Scope, token: TokenId, now: Time) -> Query<bool> {
    query("update api_tokens set revoked_at = $3 where id = $1 and user_id = $2 and revoked_at is null returning id")
        .bind(token)
        .bind(scope.user())
        .bind(now)
        .optional::<Scalar<TokenId>>()
        .map(|id| id.is_some())
}
