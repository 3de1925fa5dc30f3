//! The journal: every act is in it, it is read by those who may, and what is changed in it is found.

mod acts;
mod chain;
mod factors;
mod fields;
mod persons;
mod program;
mod reading;
mod sealing;

use std::time::Duration;

use neopro_central::audit::seals::{Known, Report, jobs, verify};
use neopro_central::clock::Clock;
use neopro_central::db::Db;
use tokio_postgres::Client;

use crate::support::app::NOON;
use crate::support::{Cluster, TestApp, TestDb};

/// A server whose clock says what the database's says: entries tell when they were written by both.
async fn timely() -> TestApp {
    let app = TestApp::new().await;
    let since = Clock::System.now().unix_micros() - NOON * 1_000_000;
    app.clock.advance(Duration::from_micros(since.try_into().expect("after that noon")));
    app
}

/// Seals all that is there: the last seal's number and hash.
async fn seal(db: &Db) -> Known {
    let (seal, hash) = jobs::seal_now(db, None).await.expect("sealed").expect("a seal");
    Known { seal, hash }
}

/// Verifies, with these seals known.
async fn verified(db: &Db, known: &[Known]) -> Report {
    verify(&db.still().await.expect("a view"), known).await.expect("a report")
}

/// Verifies; what is broken, in words.
async fn breaks(db: &Db) -> Vec<String> {
    let report = verified(db, &[]).await;
    report.breaks.into_iter().map(|found| format!("{:?} {}", found.entry, found.what)).collect()
}

/// A database with a journal of this many entries, in seals of three. All that an entry can have is in each.
async fn journal(entries: i64) -> (TestDb, Client) {
    let db = Cluster::get().migrated().await;
    let owner = db.owner().await;
    for number in 1..=entries {
        write(&owner, number).await;
        if number % 3 == 0 || number == entries {
            seal(&db.pool(1)).await;
        }
    }
    (db, owner)
}

/// Writes an entry as the application does.
async fn write(owner: &Client, number: i64) {
    owner
        .execute(
            "insert into audit_logs (action, user_id, target_type, target_id, details, before, after, personal, \
               ip_address, user_agent, session_id, token_id, created_at) \
             values ('SITE_UPDATED', gen_random_uuid(), 'site', gen_random_uuid()::text, jsonb_build_object('n', $1::bigint), \
               '{\"a\": 1}', '{\"a\": 2}', '{\"details\": {\"email\": \"a@club.fr\"}}', '192.0.2.7', 'Firefox', \
               gen_random_uuid(), gen_random_uuid(), clock_timestamp())",
            &[&number],
        )
        .await
        .expect("an entry");
}
