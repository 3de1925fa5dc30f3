//! A takeover that is killed at any moment leaves the old database or the new one.
//!
//! `NEOPRO_KILLS` says how often, `NEOPRO_SEED` repeats a run (its moments, not the machine's).

use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{KEY, Old, counts, migrate, value};
use crate::pooler::{Random, seed, variable};
use crate::support::{Cluster, program};

#[tokio::test]
async fn a_takeover_that_is_killed_leaves_the_old_or_the_new_and_nothing_between() {
    let seed = seed();
    println!("takeover: NEOPRO_SEED={seed}");
    let mut random = Random::seeded(seed);
    let kills = variable("NEOPRO_KILLS").unwrap_or(8);

    // How long it takes whole, and what it leaves.
    let whole = Old::Everything.database().await;
    let old = counts(&whole.admin().await, "public").await;
    let began = Instant::now();
    assert_eq!(migrate(&whole, &[]).0, 0);
    let longest = began.elapsed();
    let new = counts(&whole.admin().await, "public").await;

    let mut db = Old::Everything.database().await;
    let (mut left_old, mut left_new) = (0, 0);
    for _ in 0..kills {
        let mut child = program::neopro(&["migrate"], &[("DATABASE_URL", &db.url()), ("MFA_ENCRYPTION_KEY", KEY)])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let moment = random.below(longest.as_micros() as u64 * 11 / 10);
        tokio::time::sleep(Duration::from_micros(moment)).await;
        child.kill().expect("kill -9");
        child.wait().expect("it is gone");
        until_nobody_is_connected(&db.name).await;
        let admin = db.admin().await;
        let found = counts(&admin, "public").await;
        if value(&admin, "to_regnamespace('neopro_1')").await.is_none() {
            assert_eq!(found, old, "killed after {moment} µs of {longest:?}");
            left_old += 1;
        } else {
            assert_eq!(found, new, "killed after {moment} µs of {longest:?}");
            left_new += 1;
            drop(admin);
            db = Old::Everything.database().await;
        }
    }
    println!("{kills} kills within {longest:?}: the old {left_old} times, the new {left_new} times");
    assert!(left_old > 0, "no kill came in time: this proves nothing");
    assert_eq!(migrate(&db, &[]).0, 0, "and then it goes through");
}

/// A server process ends when it notices that its client has gone.
async fn until_nobody_is_connected(database: &str) {
    let admin = Cluster::get().admin("postgres").await;
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let sql = format!(
            "select count(*) from pg_stat_activity where datname = '{database}' and application_name = 'neopro'"
        );
        if value(&admin, &sql).await.as_deref() == Some("0") {
            return;
        }
        assert!(Instant::now() < until, "the database still works for one that is gone");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
