//! How large the database grows: clubs that are open for 12 hours a day with 15 seconds a video and 30 seconds a
//! heartbeat, written by the functions that the server writes with, and its hourly rounds.
//!
//! `NEOPRO_YEAR` says how many sites and days, `35x35`. Without it a few days run with short times, so that everything
//! is forgotten that can be; then what is judged is that the sums stay exact, and how large a row is.

use std::time::{Duration, Instant};

use neopro_central::clock::Time;
use neopro_central::ids::SiteId;
use neopro_central::live::jobs::write_now;
use neopro_central::plays::Play;
use serde_json::json;
use tokio_postgres::Client;
use uuid::Uuid;

use super::ledger::{DAY, Ledger, send};
use super::{count, limits, round, set, site};
use crate::support::TestApp;

/// The model: sites, hours that they are open, seconds of a video and between heartbeats.
const SITES: i64 = 35;
const OPEN: i64 = 12 * 3_600;
const ITEM: i64 = 15;
const BEAT: i64 = 30;
/// How often a box sends what it has shown.
const SENT_EVERY: i64 = 300;
/// Videos in a loop.
const LOOP: i64 = 24;
/// What the plan has room for.
const ROOM: f64 = 500e6;

/// What grows with time: for how many days it is kept, and how many bytes a row may have at most, indexes included.
const GROWING: &[(&str, i64, f64)] = &[
    // Never more than an hour of them; but what a day has left there is cleared up at night in this test.
    ("video_plays", 1, f64::INFINITY),
    ("site_figures_5min", 30, 320.0),
    ("site_figures", 395, 400.0),
    ("video_play_blocks", 90, f64::INFINITY),
    ("video_daily_stats", 365, 400.0),
    ("club_daily_stats", 365, 400.0),
];

struct Run {
    sites: i64,
    days: i64,
    /// The whole measurement, with the limits of the beginning and a write for each heartbeat.
    is_whole: bool,
}

fn wanted() -> Run {
    let Ok(words) = std::env::var("NEOPRO_YEAR") else { return Run { sites: 3, days: 10, is_whole: false } };
    let (sites, days) = words.split_once('x').expect("NEOPRO_YEAR is like 35x35");
    let number = |word: &str| word.parse().expect("NEOPRO_YEAR is like 35x35");
    Run { sites: number(sites), days: number(days), is_whole: true }
}

struct Model {
    app: TestApp,
    clubs: Vec<SiteId>,
    videos: Vec<(String, Uuid)>,
    ledger: Ledger,
    beats: i64,
    /// What boxes could not send yet.
    held_back: Vec<(SiteId, Vec<Play>)>,
}

impl Model {
    async fn new(sites: i64) -> Self {
        let app = TestApp::new().await;
        let mut clubs = Vec::new();
        for _ in 0..sites {
            clubs.push(site(&app, "Europe/Paris").await);
        }
        let videos = (0..LOOP).map(|number| (format!("partenaires/annonce-du-club-{number:02}.mp4"), Uuid::now_v7()));
        Self { app, clubs, videos: videos.collect(), ledger: Ledger::default(), beats: 0, held_back: Vec::new() }
    }

    fn now(&self) -> i64 {
        self.app.clock.now().unix_seconds()
    }

    /// What a box has shown since the last time it sent.
    fn shown(&mut self, club: usize) -> Vec<Play> {
        let (now, site) = (self.now(), self.clubs[club]);
        let mut plays = Vec::new();
        for start in (now - SENT_EVERY..now).step_by(usize::try_from(ITEM).expect("small")) {
            let number = start / ITEM + i64::try_from(club).expect("few");
            let (name, id) = &self.videos[usize::try_from(number % LOOP).expect("small")];
            let is_manual = number % 97 == 0;
            let completed = number % 61 != 0;
            plays.push(Play {
                // Not on the second: boxes are not.
                played_at: Time::from_unix_micros(start * 1_000_000 + (number % 983) * 1_000),
                video_filename: name.clone(),
                category: Some(
                    ["sponsor", "jingle", "ambiance"][usize::try_from(number % 3).expect("small")].to_owned(),
                ),
                duration_played: if completed { 15 } else { 6 },
                video_duration: Some(15),
                completed,
                is_manual,
                session_id: None,
                video_id: Some(*id),
                sponsor_id: None,
            });
        }
        for play in &plays {
            self.ledger.add(site, now / DAY, play);
        }
        plays
    }

    async fn everybody_sends(&mut self) {
        for club in 0..self.clubs.len() {
            let (plays, site) = (self.shown(club), self.clubs[club]);
            let number = self.now() / SENT_EVERY + i64::try_from(club).expect("few");
            if number % 50 == 0 {
                self.held_back.push((site, plays));
                continue;
            }
            send(&self.app, site, &plays).await;
            if number % 99 == 0 {
                self.held_back.push((site, plays));
            }
        }
    }

    async fn day(&mut self, is_whole: bool) {
        let opens = (self.now() / DAY + 1) * DAY + 9 * 3_600;
        self.app.clock.advance(Duration::from_secs(u64::try_from(opens - self.now()).expect("later")));
        // What was kept from the day before: in part what the server has had already.
        for (site, plays) in std::mem::take(&mut self.held_back) {
            send(&self.app, site, &plays).await;
        }
        for beat in 1..=OPEN / BEAT {
            self.app.clock.advance(Duration::from_secs(u64::try_from(BEAT).expect("small")));
            let now = self.app.clock.now();
            for (club, site) in self.clubs.iter().enumerate() {
                let cpu = 10.0
                    + f64::from(i32::try_from((beat * 7 + i64::try_from(club).expect("few")) % 400).expect("small"))
                        / 10.0;
                let metrics =
                    json!({"cpu": cpu, "memory": 41.5, "temperature": 52.5, "disk": 61.2, "uptime": beat * BEAT});
                self.app.app.live.hub.beat(*site, &json!({ "metrics": metrics }), now);
                self.beats += 1;
            }
            // In life each box's beat is a write of its own; together they leave as many versions of rows.
            if is_whole || beat % 10 == 0 {
                write_now(&self.app.app).await;
            }
            if beat * BEAT % SENT_EVERY == 0 {
                self.everybody_sends().await;
            }
            if beat * BEAT % 3_600 == 0 {
                round(&self.app).await;
            }
        }
    }

    /// What was sent is on record.
    async fn judge(&self, plays_days: i64) {
        let mut all = self.ledger.clone();
        for (site, plays) in &self.held_back {
            // Of what waits in the boxes, the server has had what it was sent before.
            assert!(!plays.is_empty() && self.clubs.contains(site));
        }
        assert_eq!(count(&self.app, "select sum(beats) from site_figures").await, self.beats, "no heartbeat is lost");
        all.compare_days(&self.app).await;
        let kept_from = (self.now() - plays_days * DAY) / DAY;
        all.sums.retain(|(_, day, _), _| *day >= kept_from);
        let young: i64 = all.sums.values().map(|sums| sums[0]).sum();
        assert_eq!(count(&self.app, "select count(*) from video_plays_kept").await, young, "play by play");
    }
}

#[derive(Debug)]
struct Size {
    name: String,
    bytes: f64,
    rows: f64,
    dead: i64,
}

/// Every table with its indexes, and how many rows are dead and not cleared up.
async fn sizes(owner: &Client) -> Vec<Size> {
    let sql = "select relname::text, pg_total_relation_size(relid)::float8, n_live_tup::float8, n_dead_tup \
         from pg_stat_user_tables where schemaname = 'public' order by 2 desc";
    owner.batch_execute("select pg_stat_clear_snapshot()").await.expect("new figures");
    let rows = owner.query(sql, &[]).await.expect("sizes");
    rows.iter().map(|row| Size { name: row.get(0), bytes: row.get(1), rows: row.get(2), dead: row.get(3) }).collect()
}

#[tokio::test]
async fn a_year_of_thirty_five_sites_has_room_in_five_hundred_megabytes() {
    let Run { sites, days, is_whole } = wanted();
    let began = Instant::now();
    let mut model = Model::new(sites).await;
    let plays_days = if is_whole { 90 } else { 7 };
    if !is_whole {
        let mut short = limits(7);
        short["five_minutes_days"] = json!(2);
        set(&model.app, &short).await;
    }
    let owner = model.app.db.owner().await;
    for day in 1..=days {
        // The server's own clearing up is once a minute; a day takes seconds here, and is cleared up once.
        owner.batch_execute("vacuum analyze").await.expect("the owner may");
        model.day(is_whole).await;
        if is_whole {
            println!("day {day} of {days} after {} s", began.elapsed().as_secs());
        }
    }
    let before = sizes(&owner).await;
    // The last boxes catch up, and then the sums are whole.
    for (site, plays) in std::mem::take(&mut model.held_back) {
        send(&model.app, site, &plays).await;
    }
    round(&model.app).await;
    model.judge(plays_days).await;
    owner.batch_execute("analyze").await.expect("the owner may");
    let database = f64::from(
        i32::try_from(count(&model.app, "select pg_database_size(current_database())").await).expect("below 2 GB"),
    );
    report(&before, database, &model, days, is_whole);
}

/// What a year comes to, and what it may.
fn report(sizes: &[Size], database: f64, model: &Model, days: i64, is_whole: bool) {
    let number = |number: i64| f64::from(i32::try_from(number).expect("small"));
    let sites = number(i64::try_from(model.clubs.len()).expect("few"));
    let mut total = database;
    println!("{} sites, {days} days, {:.1} MB in all", model.clubs.len(), database / 1e6);
    println!(
        "| table | bytes | rows | dead rows | bytes a row | after a year, {SITES} sites |\n|---|---|---|---|---|---|"
    );
    for Size { name, bytes, rows, dead } in sizes.iter().filter(|size| size.rows > 0.0) {
        let growing = GROWING.iter().find(|(table, ..)| table == name);
        let year = growing.map_or(*bytes, |(_, kept, _)| {
            bytes * number(*kept).max(number(days.min(*kept))) / number(days.min(*kept))
        });
        let year = if growing.is_some() { year * number(SITES) / sites } else { year };
        total += year - bytes;
        println!("| `{name}` | {bytes} | {rows} | {dead} | {:.0} | {:.1} MB |", bytes / rows, year / 1e6);
        if let Some((_, _, most)) = growing {
            // Small tables are mostly room that is not used yet.
            assert!(bytes / rows < *most || *bytes < 2e6, "{name}: {} bytes a row", bytes / rows);
        }
    }
    let plays = sizes.iter().find(|size| size.name == "video_play_blocks").expect("it is there").bytes;
    let kept: i64 = model.ledger.sums.values().map(|sums| sums[0]).sum();
    if is_whole {
        println!("{:.1} bytes a play that is kept", plays / number(kept));
        println!("after a year: {:.0} MB, {:.2} MB a site", total / 1e6, total / 1e6 / number(SITES));
        assert!(days >= 30, "fewer than thirty days say nothing about a year");
        assert!(total < ROOM, "{:.0} MB after a year", total / 1e6);
    }
}
