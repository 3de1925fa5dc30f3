//! Plays are counted once, whatever order they come in, and what they come to outlives them.

use std::time::Duration;

use neopro_central::ids::SiteId;
use neopro_central::plays::Play;
use uuid::Uuid;

use super::ledger::{DAY, Ledger, play, send};
use super::{count, round, set, site};
use crate::support::TestApp;
use crate::support::app::NOON;

/// The day of [`NOON`].
const TODAY: i64 = NOON / DAY;

/// Seconds that clocks in Paris are before UTC: summer has ended on 26 October, at 1:00 UTC.
fn paris(play: &Play) -> i64 {
    if play.played_at.unix_seconds() < (TODAY - 81) * DAY + 3_600 { 7_200 } else { 3_600 }
}

/// There is no summer in La Réunion.
fn reunion(_: &Play) -> i64 {
    4 * 3_600
}

type Zone = fn(&Play) -> i64;

async fn send_and_note(app: &TestApp, ledger: &mut Ledger, site: SiteId, zone: Zone, plays: &[Play]) {
    send(app, site, plays).await;
    plays.iter().for_each(|play| ledger.note(site, play, zone(play)));
}

/// A day of a loop of four videos, one play in seven broken off, one in five by hand.
fn day_of_plays(day: i64, every: i64) -> Vec<Play> {
    let plays = (0..DAY / every).map(|number| {
        let mut play = play(day * DAY + number * every, &format!("Vidéo {}.mp4", number % 4));
        play.completed = number % 7 != 0;
        play.is_manual = number % 5 == 0;
        play.duration_played = if play.completed { 15 } else { 4 };
        play.category = [Some("sponsor"), Some("jingle"), Some("maison"), None]
            [usize::try_from(number % 4).expect("4")]
        .map(str::to_owned);
        play
    });
    plays.collect()
}

#[tokio::test]
async fn plays_are_counted_once_however_late_mixed_and_often_they_come() {
    let app = TestApp::new().await;
    let (paris_club, reunion_club) = (site(&app, "Europe/Paris").await, site(&app, "Indian/Reunion").await);
    let mut ledger = Ledger::default();
    // In the order of nobody: each third play of a day first, then all of it again with the rest.
    for day in [TODAY - 1, TODAY - 89, TODAY - 40, TODAY - 2, TODAY - 82] {
        let plays = day_of_plays(day, 120);
        let third: Vec<Play> = plays.iter().step_by(3).cloned().collect();
        for (club, zone) in [(paris_club, paris as Zone), (reunion_club, reunion)] {
            send_and_note(&app, &mut ledger, club, zone, &third).await;
            let done = round(&app).await;
            assert_eq!((done.counted, done.repeated), (240, 0));
            send_and_note(&app, &mut ledger, club, zone, &plays).await;
            let done = round(&app).await;
            assert_eq!((done.counted, done.repeated), (480, 240), "what came before is found again");
        }
    }
    ledger.compare(&app, i64::MIN).await;
    assert_eq!(count(&app, "select count(*) from video_plays").await, 0, "all of it is put away");
    // Midnight is the club's: at 23:30 in Paris it is the next day in La Réunion.
    let days = "select count(*) from club_daily_stats";
    assert_eq!(count(&app, days).await, 2 * 9, "midnight cuts each day of UTC in two, and two of them are neighbours");
    // The control: a ledger with one play more.
    let mut wrong = ledger.clone();
    wrong.note(paris_club, &play(NOON, "Vidéo 0.mp4"), 3_600);
    let compared = tokio::spawn(async move { wrong.compare(&app, i64::MIN).await }).await;
    assert!(compared.is_err(), "a play that is missing is found out");
}

#[tokio::test]
async fn a_day_that_is_an_hour_shorter_begins_and_ends_at_its_own_midnights() {
    let app = TestApp::new().await;
    let club = site(&app, "Europe/Paris").await;
    // 2026-03-28 23:30 and 2026-03-29 21:30 UTC are the 29th in Paris, 22:30 is the 30th.
    let march_29 = 20_541 * DAY;
    let plays = [-1_800, 21 * 3_600 + 1_800, 22 * 3_600 + 1_800].map(|second| play(march_29 + second, "a.mp4"));
    send(&app, club, &plays).await;
    round(&app).await;
    let rows =
        app.db.owner().await.query("select date::text, plays from analytics order by 1", &[]).await.expect("rows");
    let days: Vec<(String, i32)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(days, [("2026-03-29".to_owned(), 2), ("2026-03-30".to_owned(), 1)]);
}

#[tokio::test]
async fn what_is_forgotten_stays_counted_and_is_not_counted_again() {
    let app = TestApp::new().await;
    let club = site(&app, "Europe/Paris").await;
    let mut ledger = Ledger::default();
    let (old, young) = (day_of_plays(TODAY - 30, 300), day_of_plays(TODAY - 3, 300));
    let (first, rest) = old.split_at(200);
    send_and_note(&app, &mut ledger, club, paris, first).await;
    send_and_note(&app, &mut ledger, club, paris, &young).await;
    assert_eq!(round(&app).await.plays, 0, "nothing is too old");
    ledger.compare(&app, i64::MIN).await;
    set(&app, &super::limits(7)).await;
    let done = round(&app).await;
    assert_eq!((done.plays, done.counted), (200, 0));
    ledger.compare(&app, TODAY - 8).await;
    // Sent again they change nothing; what the box shows of that day later is added.
    send_and_note(&app, &mut ledger, club, paris, first).await;
    assert_eq!(round(&app).await.repeated, 200);
    ledger.compare(&app, TODAY - 8).await;
    for part in rest.chunks(50) {
        send_and_note(&app, &mut ledger, club, paris, part).await;
        // Part of them comes twice within one round as well.
        send(&app, club, &part[..10]).await;
        round(&app).await;
        // What goes over midnight is a day that was never counted: it is put away as any other, and forgotten.
        round(&app).await;
        ledger.compare(&app, TODAY - 8).await;
    }
    // Longer again: what is gone is gone, and what is there stays.
    set(&app, &super::limits(400)).await;
    assert_eq!(round(&app).await.plays, 0);
    ledger.compare(&app, TODAY - 8).await;
}

#[tokio::test]
async fn a_box_that_was_away_for_longer_than_plays_are_kept_is_counted_all_the_same() {
    let app = TestApp::new().await;
    let club = site(&app, "Europe/Paris").await;
    let mut ledger = Ledger::default();
    for day in [TODAY - 200, TODAY - 91, TODAY - 1] {
        send_and_note(&app, &mut ledger, club, paris, &day_of_plays(day, 600)).await;
    }
    let done = round(&app).await;
    assert_eq!((done.counted, done.repeated), (3 * 144, 0));
    assert_eq!(
        done.plays,
        2 * 144 - 12,
        "and what is too old has gone in the same round; two hours are of the day after"
    );
    ledger.compare(&app, TODAY - 90).await;
}

#[tokio::test]
async fn a_day_that_is_not_counted_or_has_plays_waiting_is_not_forgotten() {
    let app = TestApp::new().await;
    let (uncounted, waiting) = (site(&app, "Europe/Paris").await, site(&app, "Europe/Paris").await);
    let plays: Vec<Play> = (0..50).map(|number| play((TODAY - 200) * DAY + 40_000 + number, "a.mp4")).collect();
    set(&app, &super::limits(400)).await;
    for club in [uncounted, waiting] {
        send(&app, club, &plays).await;
    }
    round(&app).await;
    let owner = app.db.owner().await;
    owner.execute("delete from club_daily_stats where site_id = $1", &[&uncounted.0]).await.expect("the owner may");
    send(&app, waiting, &[play((TODAY - 200) * DAY + 39_999, "a.mp4")]).await;
    let forget = "select plays from neopro_forget_plays((now() - interval '1 day')::date, 100)";
    assert_eq!(owner.query_one(forget, &[]).await.expect("forgets").get::<_, i64>(0), 0);
    assert_eq!(count(&app, "select sum(cardinality(at)) from video_play_blocks").await, 100);
    // Once the one that waits is counted, its day may go; the other one still may not.
    round(&app).await;
    assert_eq!(owner.query_one(forget, &[]).await.expect("forgets").get::<_, i64>(0), 51);
    assert_eq!(count(&app, "select videos_played::bigint from club_daily_stats").await, 51);
}

#[tokio::test]
async fn replicas_at_once_and_boxes_that_send_meanwhile_lose_and_double_nothing() {
    let app = TestApp::new().await;
    let clubs = [site(&app, "Europe/Paris").await, site(&app, "Europe/Paris").await];
    let mut ledger = Ledger::default();
    let mut sent = Vec::new();
    for (number, club) in clubs.into_iter().enumerate() {
        for part in day_of_plays(TODAY - 1 - i64::try_from(number).expect("few"), 30).chunks(96) {
            part.iter().for_each(|play| ledger.note(club, play, paris(play)));
            sent.push((club, part.to_vec()));
        }
    }
    let sending = async {
        for (club, part) in &sent {
            send(&app, *club, part).await;
        }
    };
    let replica = async || {
        let mut counted = 0;
        for _ in 0..12 {
            counted += round(&app).await.counted;
        }
        counted
    };
    let ((), first, second, third) = tokio::join!(sending, replica(), replica(), replica());
    let last = round(&app).await.counted;
    assert_eq!(first + second + third + last, ledger.plays(), "each play was counted by one of them");
    ledger.compare(&app, i64::MIN).await;
}

#[tokio::test]
async fn a_round_that_is_killed_in_the_middle_has_not_happened() {
    let app = TestApp::new().await;
    let club = site(&app, "Europe/Paris").await;
    let mut ledger = Ledger::default();
    send_and_note(&app, &mut ledger, club, paris, &day_of_plays(TODAY - 200, 60)).await;
    set(&app, &super::limits(400)).await;
    let admin = app.db.admin().await;
    for act in [
        "select count(*) from neopro_pack_plays(20000, now())",
        "select count(*) from neopro_forget_plays((now() - interval '1 day')::date, 100)",
    ] {
        let dying = app.db.owner().await;
        dying.batch_execute("begin").await.expect("begins");
        let pid: i32 = dying.query_one("select pg_backend_pid()", &[]).await.expect("its process").get(0);
        assert_eq!(dying.query_one(act, &[]).await.expect("works").get::<_, i64>(0), 1, "{act}");
        // Another replica does not wait for it, and does nothing meanwhile.
        assert_eq!(round(&app).await.counted, 0);
        admin.execute("select pg_terminate_backend($1)", &[&pid]).await.expect("it dies");
        while admin
            .query_one("select count(*) from pg_stat_activity where pid = $1", &[&pid])
            .await
            .expect("a look")
            .get::<_, i64>(0)
            > 0
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        round(&app).await;
        ledger.compare(&app, i64::MIN).await;
    }
}

#[tokio::test]
async fn plays_of_a_site_that_is_gone_are_passed_over() {
    let app = TestApp::new().await;
    let gone = SiteId(Uuid::now_v7());
    assert_eq!(send(&app, gone, &day_of_plays(TODAY, 3_600)).await, 0);
    let club = site(&app, "Europe/Paris").await;
    let plays = day_of_plays(TODAY, 3_600);
    assert_eq!(send(&app, club, &plays).await, 24);
    assert_eq!(send(&app, club, &plays).await, 0, "they are there");
    round(&app).await;
    app.db.owner().await.execute("delete from sites where id = $1", &[&club.0]).await.expect("deleted");
    assert_eq!(count(&app, "select count(*) from video_play_blocks").await, 0);
    assert_eq!(round(&app).await.counted, 0);
}

/// The last statement of the migration, as it runs behind a takeover.
fn takes_plays_over() -> &'static str {
    const MIGRATION: &str = include_str!("../../../migrations/0025_retention.sql");
    let (_, last) = MIGRATION.rsplit_once("\ndo $fn$").expect("it is there");
    assert!(last.contains("neopro_1.video_plays"));
    &MIGRATION[MIGRATION.len() - last.len() - "do $fn$".len()..]
}

#[tokio::test]
async fn plays_of_neopro_1_are_taken_over_once_and_whole_days_of_them() {
    let app = TestApp::new().await;
    let club = site(&app, "Europe/Paris").await;
    let owner = app.db.owner().await;
    // NeoPro 1 had times without a zone, in UTC, and repeated what it had sent. The 90th day before today is cut by the
    // limit: of that one nothing is taken, and its count stays.
    let past = format!(
        "create schema neopro_1; \
         create table neopro_1.video_plays (id uuid default gen_random_uuid(), site_id uuid, session_id uuid, \
           video_filename varchar(255), category varchar(50), played_at timestamp, duration_played integer, \
           video_duration integer, completed boolean, trigger_type varchar(20), created_at timestamp default now()); \
         insert into neopro_1.video_plays (site_id, video_filename, category, played_at, duration_played, completed, trigger_type) \
           select '{site}', 'a.mp4', 'sponsor', day + interval '12 hours' + minute * interval '1 minute', 15, true, 'auto' \
           from (select ((now() at time zone 'UTC')::date - days)::timestamp as day \
             from unnest(array[1, 1, 10, 90, 91, 200]) as days) d cross join generate_series(0, 9) as minute; \
         insert into neopro_1.video_plays (site_id, video_filename, played_at, duration_played, trigger_type) values \
           ('{site}', null, now() at time zone 'UTC' - interval '10 days', -3, 'rfid'), \
           (gen_random_uuid(), 'b.mp4', now() at time zone 'UTC' - interval '1 day', 15, 'auto'); \
         insert into club_daily_stats (site_id, date, videos_played, forgotten_until) \
           select '{site}', (now() at time zone 'UTC')::date - days, 77, now() - days * interval '1 day' + interval '1 day' \
           from unnest(array[1, 10, 90, 91, 200]) as days",
        site = club.0
    );
    owner.batch_execute(&past).await.expect("a past");
    let takeover = format!("begin; set local time zone 'America/New_York'; {}; commit", takes_plays_over());
    owner.batch_execute(&takeover).await.expect("it is taken over");
    assert_eq!(count(&app, "select count(*) from video_plays").await, 10 + 11);
    let hours = "select count(*) from video_plays where video_filename = 'a.mp4' and extract(hour from played_at at time zone 'UTC') = 12";
    assert_eq!(count(&app, hours).await, 20, "at their hour, whatever zone the session has");
    // Counted by the clock of the machine, by which the migration has chosen.
    owner.batch_execute("select neopro_pack_plays(1000, now())").await.expect("packed");
    let rows = owner.query("select videos_played from club_daily_stats order by date desc", &[]).await.expect("days");
    assert_eq!(rows.iter().map(|row| row.get::<_, i32>(0)).collect::<Vec<_>>(), [10, 11, 77, 77, 77]);
    // Without NeoPro 1 there is nothing to do.
    owner.batch_execute("drop schema neopro_1 cascade").await.expect("dropped");
    owner.batch_execute(takes_plays_over()).await.expect("nothing");
}

#[tokio::test]
async fn sixty_full_days_that_each_get_a_late_play_are_one_short_piece() {
    let app = TestApp::new().await;
    let club = site(&app, "Europe/Paris").await;
    for day in 1..=60 {
        // Within the day in summer as in winter.
        let from = (TODAY - day) * DAY + 3_600;
        let plays: Vec<Play> =
            (0..2_880).map(|number| play(from + number * 15, &format!("{}.mp4", number % 24))).collect();
        send(&app, club, &plays).await;
    }
    assert_eq!(round(&app).await.counted, 60 * 2_880);
    let late: Vec<Play> = (1..=60).map(|day| play((TODAY - day) * DAY + 3_607, "0.mp4")).collect();
    send(&app, club, &late).await;
    let began = std::time::Instant::now();
    let piece = "select arrived, counted, days from neopro_pack_plays(20000, now())";
    let row = app.db.owner().await.query_one(piece, &[]).await.expect("one piece");
    let took = began.elapsed();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1), row.get::<_, i64>(2)), (60, 60, 60));
    println!("172,860 plays of 60 days were put away anew in {took:?}");
    // What a statement of the server may take is ten seconds.
    assert!(took < Duration::from_secs(8), "{took:?}");
    assert_eq!(count(&app, "select sum(plays)::bigint from video_daily_stats").await, 60 * 2_881);
}
