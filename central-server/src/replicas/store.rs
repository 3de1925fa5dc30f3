//! The SQL of the roll: who is there. Replicas are compared by the clock of the database, the only one that they share.

use uuid::Uuid;

use super::Prints;
use crate::clock::Time;
use crate::db::{Query, Scalar, query, row};
use crate::ids::SiteId;

row! {
    /// Another replica that is there.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Other {
        /// Its name.
        pub id: Uuid,
        /// The version of its program.
        pub version: String,
        /// Whether its `JWT_SECRET` is ours.
        pub same_jwt: bool,
        /// Whether its `MFA_ENCRYPTION_KEY` is ours.
        pub same_mfa: bool,
    }
}

/// Writes down that this replica is there, and forgets those that have been gone for a day.
pub fn be_there(id: Uuid, version: &str, prints: &Prints) -> Query<()> {
    query(
        "with gone as (delete from replicas where seen_at < now() - interval '1 day' and id <> $1) \
         insert into replicas (id, version, jwt_print, mfa_print, started_at, seen_at) values ($1, $2, $3, $4, now(), now()) \
         on conflict (id) do update set seen_at = now()",
    )
    .bind(id)
    .bind(version.to_owned())
    .bind(prints.jwt.clone())
    .bind(prints.mfa.clone())
    .nothing()
}

/// The other replicas that are there, the oldest first. `id` may be that of nobody.
pub fn others(id: Uuid, prints: &Prints) -> Query<Vec<Other>> {
    query(
        "select id, version, jwt_print = $2 as same_jwt, mfa_print = $3 as same_mfa from replicas \
         where id <> $1 and neopro_is_there(id) order by started_at, id",
    )
    .bind(id)
    .bind(prints.jwt.clone())
    .bind(prints.mfa.clone())
    .all()
}

/// This replica goes.
pub fn leave(id: Uuid) -> Query<()> {
    query("delete from replicas where id = $1").bind(id).nothing()
}

/// Of these boxes, which are connected to this replica since a moment with a key: those that have come to another one since, and
/// those of sites that are gone or have another key. Slow hashes of NeoPro 1 are no keys of ours, and are not compared.
pub fn gone(arrivals: &[(SiteId, Time, i64)], replica: Uuid) -> Query<Vec<(SiteId, Time)>> {
    row! { struct Gone { id: SiteId, since: Time, } }
    query(
        "select here.id, here.since from unnest($1, $2, $3) as here (id, since, print) left join sites s on s.id = here.id \
         where s.id is null or s.replica_id <> $4 and s.connected_at > here.since \
           or s.api_key like 'sha256:%' and ('x' || substr(s.api_key, 8, 16))::bit(64)::bigint <> here.print",
    )
    .bind(arrivals.iter().map(|(site, ..)| site.0).collect::<Vec<_>>())
    .bind(arrivals.iter().map(|(_, since, _)| *since).collect::<Vec<_>>())
    .bind(arrivals.iter().map(|(.., print)| *print).collect::<Vec<_>>())
    .bind(replica)
    .all::<Gone>()
    .map(|gone| gone.into_iter().map(|gone| (gone.id, gone.since)).collect())
}

/// Sites that say online and were not heard of since `lease`: their replica is gone with them.
pub fn end_leases(lease: Time) -> Query<Vec<SiteId>> {
    query("update sites set status = 'offline' where status = 'online' and last_seen_at < $1 returning id")
        .bind(lease)
        .all::<Scalar<SiteId>>()
        .map(|ended| ended.into_iter().map(|Scalar(site)| site).collect())
}
