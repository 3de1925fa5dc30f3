//! The SQL of wrong guesses and known places.

use crate::clock::Time;
use crate::db::{Query, query, row};
use crate::ids::UserId;

row! {
    /// What the counters say.
    #[derive(Debug)]
    pub struct Looked {
        /// Which of the source's places the account's owner got in from.
        pub known: Vec<String>,
        /// For each key how many seconds of weight are counted.
        pub busy: Vec<f64>,
    }
}

/// Reads the counters of these keys, in their order, and which of the places are the account's.
pub fn look(account: String, places: Vec<String>, keys: Vec<String>, now: Time) -> Query<Looked> {
    query(
        "select array(select p.place from known_places p join users u on u.id = p.user_id \
             where lower(u.email) = lower($1) and p.place = any ($2)) as known, \
           array(select coalesce(extract(epoch from t.clear_at - $4)::float8, 0) \
             from unnest($3) with ordinality as k (key, place) left join tries t on t.key = k.key \
             order by k.place) as busy",
    )
    .bind(account)
    .bind(places)
    .bind(keys)
    .bind(now)
    .one()
}

/// Adds so many seconds of weight to each key. In one order, so that two such statements never wait for each other.
pub fn count(mut weights: Vec<(String, f64)>, now: Time) -> Query<()> {
    weights.sort_by(|one, other| one.0.cmp(&other.0));
    let (keys, seconds): (Vec<String>, Vec<f64>) = weights.into_iter().unzip();
    query(
        "insert into tries as t (key, clear_at) \
         select k.key, $3 + make_interval(secs => k.seconds) from unnest($1, $2) as k (key, seconds) order by k.key \
         on conflict (key) do update set clear_at = greatest(t.clear_at, $3) + (excluded.clear_at - $3)",
    )
    .bind(keys)
    .bind(seconds)
    .bind(now)
    .nothing()
}

/// Forgets what was counted.
pub fn forget(keys: Vec<String>) -> Query<()> {
    query("delete from tries where key = any ($1)").bind(keys).nothing()
}

/// Forgets what was counted, and keeps in mind that the account's owner got in from these places. Written at most once a
/// day.
pub fn remember(user: UserId, places: Vec<String>, keys: Vec<String>, now: Time) -> Query<()> {
    query(
        "with forgotten as (delete from tries where key = any ($3)) \
         insert into known_places as p (user_id, place, seen_at) \
         select u.id, place, $4 from users u, unnest($2) as place where u.id = $1 order by place \
         on conflict (user_id, place) do update set seen_at = $4 where p.seen_at < $4 - interval '1 day'",
    )
    .bind(user)
    .bind(places)
    .bind(keys)
    .bind(now)
    .nothing()
}
