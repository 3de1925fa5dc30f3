//! Rounds behind a transaction pooler, as step 2.2 of the guide has it: each piece of one may run on another connection,
//! which knows nothing of the piece before.

use std::time::Duration;

use neopro_central::retention::jobs::Done;
use uuid::Uuid;

use super::ledger::{DAY, Ledger, play, send};
use super::{count, limits, round, set, site};
use crate::pooler::bouncer::PgBouncer;
use crate::support::app::NOON;
use crate::support::{TestApp, TestDb};

/// By how much the clocks of Paris are before UTC in winter, in seconds.
const HOUR: i64 = 3_600;

const NONE: &str =
    "cpu_sum, cpu_count, memory_sum, memory_count, temperature_sum, temperature_count, disk_sum, disk_count";

/// What a round has to put away and to forget: plays of three days, one of them too old, and figures, commands and a session
/// of last year.
async fn past(app: &TestApp) -> Ledger {
    let club = site(app, "Europe/Paris").await;
    let mut ledger = Ledger::default();
    for day in [40, 3, 2] {
        let morning = (NOON / DAY - day) * DAY;
        let plays: Vec<_> =
            (0..600).map(|minute| play(morning + minute * 60, &format!("Vidéo {}.mp4", minute % 4))).collect();
        send(app, club, &plays).await;
        plays.iter().for_each(|play| ledger.note(club, play, HOUR));
    }
    let (site, user) = (club.0, Uuid::now_v7());
    let sql = format!(
        "insert into site_figures_5min (site_id, slot, beats, {NONE}) \
           select '{site}', timestamptz '2025-01-15 12:00Z' + make_interval(mins => 5 * n), 1, 0, 0, 0, 0, 0, 0, 0, 0 \
           from generate_series(1, 300) n; \
         insert into site_figures (site_id, hour, beats, {NONE}) \
           select '{site}', timestamptz '2024-01-15 12:00Z' + make_interval(hours => n), 1, 0, 0, 0, 0, 0, 0, 0, 0 \
           from generate_series(1, 300) n; \
         insert into remote_commands (site_id, command_type, status, created_at, completed_at, origin) \
           select '{site}', 'get_logs', 'completed', '2025-01-15 12:00Z', '2025-01-15 12:00Z', 'person' from generate_series(1, 30); \
         insert into users (id, email, password_hash, role) values ('{user}', 'a@club.test', 'x', 'viewer'); \
         insert into sessions (id, user_id, created_at, last_used_at, expires_at) \
           values ('{user}', '{user}', '2025-01-15 12:00Z', '2025-01-15 12:00Z', '2025-01-22 12:00Z')"
    );
    app.db.owner().await.batch_execute(&sql).await.expect("a past");
    ledger
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_behind_a_transaction_pooler_count_and_forget_as_they_do_without_one() {
    let app = TestApp::new().await;
    let ledger = past(&app).await;
    set(&app, &limits(7)).await;
    let pooler = PgBouncer::in_front_of(&app.db, "retention").await;
    let replica = async || TestApp::on(TestDb { config: pooler.config(), name: app.db.name.clone() }, &[]).await;
    let replicas = [replica().await, replica().await];
    let rounds = async |replica: &TestApp| {
        let mut all = Vec::new();
        for _ in 0..4 {
            all.push(round(replica).await);
        }
        all
    };
    let (done, figures) = pooler.watch(async { tokio::join!(rounds(&replicas[0]), rounds(&replicas[1])) }).await;
    let all: Vec<Done> = [done.0, done.1].concat();
    let sum = |of: fn(&Done) -> i64| all.iter().map(of).sum::<i64>();
    assert_eq!((sum(|done| done.counted), sum(|done| done.repeated)), (ledger.plays(), 0), "{all:?}");
    assert_eq!(sum(|done| done.plays), 600, "the day that is too old");
    assert_eq!((sum(|done| done.five_minutes), sum(|done| done.hours)), (300, 300));
    assert_eq!((sum(|done| done.commands), sum(|done| done.sessions)), (30, 1));
    ledger.compare(&app, NOON / DAY - 8).await;
    assert_eq!(count(&app, "select count(*) from video_plays").await, 0);
    // It was the pooler that carried it, over more than one connection, and they are as they were.
    assert!(figures.transactions > 40 && figures.most_servers > 1, "{figures}");
    assert_eq!(pooler.remains().await, [""; 0]);

    // The next day's round, by the same connections.
    let club = site(&app, "Europe/Paris").await;
    send(&app, club, &[play(NOON - 2 * DAY, "Vidéo 0.mp4")]).await;
    replicas[0].clock.advance(Duration::from_secs(86_400));
    let next = round(&replicas[0]).await;
    assert_eq!((next.counted, next.repeated), (1, 0));
}
