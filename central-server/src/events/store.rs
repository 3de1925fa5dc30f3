//! The SQL of streams: whether their sessions and tokens still stand. Rows are read by the statements of their own
//! features.

use uuid::Uuid;

use crate::clock::Time;
use crate::db::{Query, query, row};
use crate::ids::{Credential, SessionId, TokenId};

row! {
    struct Over {
        session: Option<SessionId>,
        token: Option<TokenId>,
    }
}

/// Of these sessions and tokens, those that are over, whose account may not act any more, or whose time to do without a
/// second factor is over.
pub fn ended(open: &[Credential], now: Time) -> Query<Vec<Credential>> {
    let (mut sessions, mut tokens) = (Vec::<Uuid>::new(), Vec::<Uuid>::new());
    for credential in open {
        match credential {
            Credential::Session(id) => sessions.push(id.0),
            Credential::Token(id) => tokens.push(id.0),
        }
    }
    query(
        "select claimed.id as session, null::uuid as token from unnest($1) as claimed (id) \
         where not exists (select from sessions s join users u on u.id = s.user_id where s.id = claimed.id \
           and s.revoked_at is null and s.expires_at > $3 and u.is_active and u.status = 'active' \
           and (u.mfa_enabled is true or coalesce(neopro_mfa_grace(u.role, u.created_at) > $3, true))) \
         union all \
         select null, claimed.id from unnest($2) as claimed (id) \
         where not exists (select from api_tokens t join users u on u.id = t.user_id where t.id = claimed.id \
           and t.revoked_at is null and t.expires_at > $3 and u.is_active and u.status = 'active')",
    )
    .bind(sessions)
    .bind(tokens)
    .bind(now)
    .all::<Over>()
    .map(|over| {
        let credential = |over: Over| over.session.map(Credential::from).or(over.token.map(Credential::from));
        over.into_iter().filter_map(credential).collect()
    })
}
