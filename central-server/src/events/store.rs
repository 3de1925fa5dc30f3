//! The SQL of streams: whether their sessions still stand. Rows are read by the statements of their own features.

use uuid::Uuid;

use crate::clock::Time;
use crate::db::{Query, Scalar, query};
use crate::ids::SessionId;

/// Of these sessions, those that are over or whose account may not act any more.
pub fn ended(sessions: Vec<SessionId>, now: Time) -> Query<Vec<SessionId>> {
    query(
        "select claimed.id from unnest($1) as claimed (id) \
         where not exists (select from sessions s join users u on u.id = s.user_id where s.id = claimed.id \
           and s.revoked_at is null and s.expires_at > $2 and u.is_active and u.status = 'active')",
    )
    .bind(sessions.into_iter().map(|session| session.0).collect::<Vec<Uuid>>())
    .bind(now)
    .all::<Scalar<SessionId>>()
    .map(|sessions| sessions.into_iter().map(|Scalar(session)| session).collect())
}
