//! Sealing while others write: nothing is left behind, and nothing is sealed twice.

use std::time::{Duration, Instant};

use neopro_central::audit::seals::{Known, jobs};
use tokio::task::JoinSet;

use super::chain::age;
use super::{breaks, journal, seal, verified, write};
use crate::support::Cluster;

#[tokio::test]
async fn an_entry_that_is_committed_late_is_sealed_later_and_not_lost() {
    let db = Cluster::get().migrated().await;
    let (pool, mut late, other) = (db.pool(2), db.owner().await, db.owner().await);
    let open = late.transaction().await.expect("a transaction");
    open.execute("insert into audit_logs (action, created_at) values ('LATE', clock_timestamp())", &[])
        .await
        .expect("an entry");
    write(&other, 1).await;
    write(&other, 2).await;
    seal(&pool).await;
    open.commit().await.expect("at last");
    // Another that is never committed leaves no hole.
    let mut given_up = db.owner().await;
    let open = given_up.transaction().await.expect("a transaction");
    open.execute("insert into audit_logs (action) values ('NEVER')", &[]).await.expect("an entry");
    drop(open);
    write(&other, 3).await;
    seal(&pool).await;
    let report = verified(&pool, &[]).await;
    assert_eq!((report.breaks.len(), report.entries, report.seals, report.unsealed.0), (0, 4, 2, 0));
    let late = other.query_one("select number from audit_logs where action = 'LATE'", &[]).await.expect("the entry");
    assert_eq!(late.get::<_, i64>(0), 3, "behind those that were sealed before it was there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_sealers_at_once_make_one_chain() {
    const WRITERS: i64 = 4;
    const EACH: i64 = 60;
    let db = Cluster::get().migrated().await;
    let mut at_work = JoinSet::new();
    for _ in 0..WRITERS {
        let client = db.owner().await;
        at_work.spawn(async move {
            for number in 0..EACH {
                write(&client, number).await;
            }
        });
    }
    let pool = db.pool(8);
    let mut sealers = JoinSet::new();
    for _ in 0..8 {
        let pool = pool.clone();
        sealers.spawn(async move {
            for _ in 0..30 {
                jobs::seal_now(&pool, None).await.expect("sealed");
            }
        });
    }
    at_work.join_all().await;
    sealers.join_all().await;
    seal(&pool).await;
    let report = verified(&pool, &[]).await;
    assert_eq!(report.breaks, []);
    assert_eq!((report.entries, report.unsealed.0), (WRITERS * EACH, 0));
    assert!(report.seals > 2, "they sealed while it was written: {}", report.seals);
}

#[tokio::test]
async fn a_running_server_notices_that_its_last_seal_is_gone() {
    let (db, owner) = journal(3).await;
    let pool = db.pool(1);
    let seen = jobs::seal_now(&pool, None).await.expect("sealed").expect("a seal");
    let intact = async |number: i64, hash: &str| -> bool {
        let sql = "select intact from neopro_seal_audit(10, $1, $2)";
        owner.query_one(sql, &[&number, &hash]).await.expect("an answer").get(0)
    };
    assert!(intact(seen.0, &seen.1).await);
    assert!(!intact(seen.0, &"0".repeat(64)).await, "another one");
    owner.batch_execute("delete from audit_logs; delete from audit_seals").await.expect("the owner may");
    assert!(!intact(seen.0, &seen.1).await, "gone");
}

#[tokio::test]
async fn what_is_too_old_is_forgotten_at_a_seal_and_the_rest_stays_verifiable() {
    let (db, owner) = journal(9).await;
    let pool = db.pool(1);
    let cut = async |keep: &str| -> Vec<(i64, i64)> {
        let sql = format!("select entries, seal from neopro_cut_audit(now() - interval '{keep}', 1000, now())");
        owner.query(&sql, &[]).await.expect("an answer").iter().map(|row| (row.get(0), row.get(1))).collect()
    };
    assert_eq!(cut("36 months").await, [], "nothing is that old");
    age(&owner, 40, 2).await;
    assert_eq!(breaks(&pool).await, [""; 0]);
    assert_eq!(cut("48 months").await, []);
    let noted = owner.query_one("select encode(hash, 'hex') from audit_seals where number = 1", &[]).await;
    let noted = Known { seal: 1, hash: noted.expect("a seal").get(0) };
    assert_eq!(cut("36 months").await, [(6, 2)], "two whole seals");
    assert_eq!(cut("36 months").await, [], "once");
    let report = verified(&pool, &[]).await;
    assert_eq!(report.breaks, []);
    assert_eq!((report.cut_at, report.first, report.entries, report.unsealed.0), (Some(2), Some(7), 3, 1));
    let (at, first) = report.cut;
    assert!(at.is_some() && first.is_some(), "when it was cut, and where what is left begins: {:?}", report.cut);
    let report = verified(&pool, &[noted]).await;
    assert_eq!((report.breaks.len(), report.forgotten), (0, vec![1]), "what was noted of it proves nothing any more");
    seal(&pool).await;
    assert_eq!(verified(&pool, &[]).await.entries, 4, "the cut is in the journal");
    // Two years are kept whatever is asked for.
    assert_eq!(cut("1 day").await, []);
    // Without the word about it the cut is a break.
    owner
        .batch_execute("update audit_logs set target_id = '7' where action = 'AUDIT_CUT'")
        .await
        .expect("the owner may");
    assert!(breaks(&pool).await[0].contains("sans qu'une coupe soit notée"));
}

/// The figures of docs/audit.md: `cargo test --test it a_hundred_thousand -- --nocapture`.
#[tokio::test]
async fn a_hundred_thousand_entries_are_sealed_and_verified() {
    const MANY: i64 = 100_000;
    let db = Cluster::get().migrated().await;
    let (pool, owner) = (db.pool(1), db.owner().await);
    owner
        .execute(
            "insert into audit_logs (action, user_id, target_type, target_id, details, before, after, ip_address, \
               user_agent, created_at) \
             select 'SITE_UPDATED', gen_random_uuid(), 'site', gen_random_uuid()::text, '{\"fields\": [\"club_name\"]}', \
               '{\"club_name\": \"Avant\"}', '{\"club_name\": \"Après\"}', '192.0.2.7', \
               'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36', clock_timestamp() \
             from generate_series(1, $1::bigint)",
            &[&MANY],
        )
        .await
        .expect("entries");
    let began = Instant::now();
    seal(&pool).await;
    let sealing = began.elapsed();
    let began = Instant::now();
    let report = verified(&pool, &[]).await;
    let verifying = began.elapsed();
    assert_eq!((report.breaks.len(), report.entries, report.seals), (0, MANY, 50));
    println!("{MANY} entries: sealed in {sealing:.1?}, verified in {verifying:.1?}");
    // Seconds on a machine that does nothing else; what would be wrong is work that grows with the square.
    assert!(sealing + verifying < Duration::from_secs(240), "{sealing:?} and {verifying:?}");
}
