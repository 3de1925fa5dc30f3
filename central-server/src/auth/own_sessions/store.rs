//! A person's own sessions in the database, behind the policy `self`.

use super::SessionView;
use super::device::device;
use crate::clock::Time;
use crate::db::{Query, Scalar, Scope, query, row};
use crate::ids::SessionId;

row! {
    struct Row {
        id: SessionId,
        created_at: Time,
        last_used_at: Time,
        expires_at: Time,
        ip: Option<String>,
        user_agent: Option<String>,
        current: bool,
    }
}

impl From<Row> for SessionView {
    fn from(row: Row) -> Self {
        let Row { id, created_at, last_used_at, expires_at, ip, user_agent, current } = row;
        let device = user_agent.as_deref().and_then(device);
        Self { id, created_at, last_used_at, expires_at, ip, user_agent, device, current }
    }
}

/// The sessions of the person who asks, in this one, that stand.
pub fn list(scope: Scope, current: SessionId, now: Time) -> Query<Vec<SessionView>> {
    query(
        "select id, created_at, last_used_at, expires_at, ip, user_agent, id = $2 as current from sessions \
         where user_id = $1 and revoked_at is null and expires_at > $3 \
         order by id = $2 desc, last_used_at desc, id desc limit 200",
    )
    .bind(scope.user())
    .bind(current)
    .bind(now)
    .all::<Row>()
    .map(|rows| rows.into_iter().map(SessionView::from).collect())
}

/// Ends one of the person's sessions for good; `false` if none of this id stands.
pub fn end(scope: Scope, session: SessionId, now: Time) -> Query<bool> {
    query(
        "update sessions set revoked_at = $3 \
         where id = $1 and user_id = $2 and revoked_at is null and expires_at > $3 returning id",
    )
    .bind(session)
    .bind(scope.user())
    .bind(now)
    .optional::<Scalar<SessionId>>()
    .map(|id| id.is_some())
}

/// Ends all of the person's sessions but this one; those that have ended.
pub fn end_others(scope: Scope, current: SessionId, now: Time) -> Query<Vec<SessionId>> {
    query(
        "update sessions set revoked_at = $3 \
         where user_id = $1 and id <> $2 and revoked_at is null and expires_at > $3 returning id",
    )
    .bind(scope.user())
    .bind(current)
    .bind(now)
    .all::<Scalar<SessionId>>()
    .map(|ended| ended.into_iter().map(|Scalar(id)| id).collect())
}
