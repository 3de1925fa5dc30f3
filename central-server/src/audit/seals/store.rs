//! The SQL of the chain.

use uuid::Uuid;

use super::{Seal, SealedEntry};
use crate::clock::Time;
use crate::db::{Columns as _, Query, query, row};
use crate::ids::UserId;

row! {
    /// What a sealing did, and the last seal there is.
    #[derive(Debug)]
    pub struct Sealing {
        /// How many entries were sealed.
        pub entries: i64,
        /// The last seal; none while there is none.
        pub seal: Option<i64>,
        /// The last entry in it.
        pub last_entry: Option<i64>,
        /// Its hash, in hex.
        pub hash: Option<String>,
        /// Whether the seal that was seen before still is what it was.
        pub intact: bool,
    }
}

/// Seals at most so many entries. `seen` is a seal that was there: its number and its hash in hex.
pub fn seal(most: i32, seen: Option<(i64, String)>) -> Query<Sealing> {
    let (number, hash) = seen.unzip();
    query("select entries, seal, last_entry, hash, intact from neopro_seal_audit($1, $2, $3)")
        .bind(most)
        .bind(number)
        .bind(hash)
        .one()
}

row! {
    /// What was forgotten.
    #[derive(Debug)]
    pub struct Cut {
        /// How many entries.
        pub entries: i64,
        /// Up to the end of which seal.
        pub seal: i64,
    }
}

/// Forgets whole seals from before this moment, at most so many entries; nothing if there is none.
pub fn cut(keep_from: Time, most: i64, now: Time) -> Query<Option<Cut>> {
    query("select entries, seal from neopro_cut_audit($1, $2, $3)").bind(keep_from).bind(most).bind(now).optional()
}

row! {
    /// What was erased.
    #[derive(Debug)]
    pub struct Erased {
        /// The entry that tells of it.
        pub entry: Uuid,
        /// In how many entries something was erased.
        pub entries: i64,
    }
}

/// Takes what tells who somebody is out of the journal. The application's role may not: this is for the owner.
pub fn erase(person: Option<UserId>, address: Option<String>, mark: Option<String>, now: Time) -> Query<Erased> {
    query("select entry, entries from neopro_erase_person($1, $2, $3, $4)")
        .bind(person)
        .bind(address)
        .bind(mark)
        .bind(now)
        .one()
}

row! {
    /// The account of an address, and of how many accounts the journal says that they had it.
    #[derive(Debug)]
    pub struct Person {
        /// The account, whether it is still there or not.
        pub id: Option<UserId>,
        /// Whether it is still there.
        pub is_there: bool,
    }
}

/// Whose address this is, or was, as far as the accounts and the journal know.
pub fn persons(address: &str) -> Query<Vec<Person>> {
    query(
        "select id, true as is_there from users where lower(email) = lower($1) \
         union \
         select distinct target_id::uuid, false from audit_logs \
         where target_type = 'user' and strpos(lower(personal::text), lower(to_jsonb($1)::text)) > 0 \
           and target_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' \
           and not exists (select from users where lower(email) = lower($1) and id::text = target_id)",
    )
    .bind(address.to_owned())
    .all()
}

row! {
    /// An entry of the journal that says that something was taken out of it.
    #[derive(Debug)]
    pub struct Removal {
        /// Its id.
        pub id: Uuid,
        /// `PERSON_ERASED` or `AUDIT_CUT`.
        pub action: String,
        /// The account that was erased, or the seal that was cut at.
        pub target_id: Option<String>,
        /// The hash of that seal, in hex.
        pub hash: Option<String>,
        /// When that was noted.
        pub created_at: Time,
    }
}

/// Every such entry.
pub fn removals() -> Query<Vec<Removal>> {
    query(
        "select id, action, target_id, details->>'hash' as hash, created_at from audit_logs \
         where action in ('PERSON_ERASED', 'AUDIT_CUT')",
    )
    .all()
}

/// Seals behind this number, in order.
pub fn seals(behind: i64, most: i64) -> Query<Vec<Seal>> {
    query(format!("select {} from audit_seals where number > $1 order by number limit $2", Seal::NAMES.join(", ")))
        .bind(behind)
        .bind(most)
        .all()
}

/// Sealed entries behind this number, in order.
pub fn entries(behind: i64, most: i64) -> Query<Vec<SealedEntry>> {
    // JSON as PostgreSQL writes it: what is hashed is text.
    let columns: Vec<String> = SealedEntry::NAMES
        .iter()
        .map(|name| match *name {
            "details" | "before" | "after" | "personal" => format!("{name}::text"),
            _ => (*name).to_owned(),
        })
        .collect();
    query(format!("select {} from audit_logs where number > $1 order by number limit $2", columns.join(", ")))
        .bind(behind)
        .bind(most)
        .all()
}

row! {
    /// What is not sealed yet.
    #[derive(Debug)]
    pub struct Unsealed {
        /// How many entries.
        pub entries: i64,
        /// Since when the oldest of them waits.
        pub since: Option<Time>,
    }
}

/// What is not sealed yet.
pub fn unsealed() -> Query<Unsealed> {
    query("select count(*) as entries, min(coalesce(written_at, created_at)) as since from audit_logs where number is null")
        .one()
}
