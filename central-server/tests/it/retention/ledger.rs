//! Plays, and what they have to come to: counted here, in Rust, by nothing of what the server counts with.

use std::collections::BTreeMap;

use neopro_central::clock::Time;
use neopro_central::ids::SiteId;
use neopro_central::plays::{Play, store};
use uuid::Uuid;

use crate::support::TestApp;

/// Seconds of a day.
pub const DAY: i64 = 86_400;

/// What a video of a club has come to on a day: plays, completed, manual, seconds.
type Sums = [i64; 4];

/// Days are counted from 1970 in the club's own zone.
#[derive(Debug, Default, Clone)]
pub struct Ledger {
    /// Site, millisecond and file, and its day.
    seen: BTreeMap<(Uuid, i64, String), i64>,
    pub sums: BTreeMap<(Uuid, i64, String), Sums>,
}

impl Ledger {
    /// Counts a play, once; `offset` is its club's, in seconds.
    pub fn note(&mut self, site: SiteId, play: &Play, offset: i64) {
        let millis = play.played_at.unix_micros().div_euclid(1_000);
        let day = (play.played_at.unix_seconds() + offset).div_euclid(DAY);
        if self.seen.insert((site.0, millis, play.video_filename.clone()), day).is_some() {
            return;
        }
        self.add(site, day, play);
    }

    /// Counts a play of which it is known that it is new.
    pub fn add(&mut self, site: SiteId, day: i64, play: &Play) {
        let sums = self.sums.entry((site.0, day, play.video_filename.clone())).or_default();
        let added = [1, i64::from(play.completed), i64::from(play.is_manual), i64::from(play.duration_played)];
        sums.iter_mut().zip(added).for_each(|(sum, added)| *sum += added);
    }

    /// How many different plays there are.
    pub fn plays(&self) -> i64 {
        i64::try_from(self.seen.len()).expect("a number")
    }

    /// What is on record of days of videos, of days of clubs and, of these days on, play by play is what it has to be.
    pub async fn compare(&self, app: &TestApp, kept_from: i64) {
        self.compare_days(app).await;
        self.compare_kept(app, kept_from).await;
    }

    /// The same of days alone.
    pub async fn compare_days(&self, app: &TestApp) {
        let owner = app.db.owner().await;
        let videos = "select site_id, date - '1970-01-01'::date, video_filename, sum(plays)::bigint, \
             sum(completed_plays)::bigint, sum(manual_plays)::bigint, sum(screen_time_seconds)::bigint \
           from video_daily_stats group by 1, 2, 3";
        let mut stored = BTreeMap::new();
        for row in owner.query(videos, &[]).await.expect("days of videos") {
            let key: (Uuid, i64, String) = (row.get(0), i64::from(row.get::<_, i32>(1)), row.get(2));
            stored.insert(key, [row.get(3), row.get(4), row.get(5), row.get::<_, i64>(6)]);
        }
        assert_eq!(stored.len(), self.sums.len(), "days of videos");
        for (key, sums) in &self.sums {
            assert_eq!(stored.get(key), Some(sums), "{key:?}");
        }
        self.compare_clubs(app).await;
    }

    async fn compare_clubs(&self, app: &TestApp) {
        let mut clubs: BTreeMap<(Uuid, i64), Sums> = BTreeMap::new();
        for ((site, day, _), sums) in &self.sums {
            let club = clubs.entry((*site, *day)).or_default();
            club.iter_mut().zip(sums).for_each(|(sum, added)| *sum += added);
        }
        let sql = "select site_id, date - '1970-01-01'::date, plays, d.screen_time_seconds, d.manual_triggers, d.auto_plays, \
             d.sponsor_plays + d.jingle_plays + d.ambiance_plays + d.other_plays \
           from analytics join club_daily_stats d using (site_id, date) where plays > 0";
        let rows = app.db.owner().await.query(sql, &[]).await.expect("days of clubs");
        assert_eq!(rows.len(), clubs.len(), "days of clubs");
        for row in rows {
            let key: (Uuid, i64) = (row.get(0), i64::from(row.get::<_, i32>(1)));
            let [plays, _, manual, seconds] = clubs[&key];
            let number = |column: usize| i64::from(row.get::<_, i32>(column));
            assert_eq!(
                (number(2), row.get(3), number(4), number(5)),
                (plays, seconds, manual, plays - manual),
                "{key:?}"
            );
            assert_eq!(number(6), plays, "every play is of one category: {key:?}");
        }
    }

    /// Play by play, whether in a block or not: of the days that are kept each once, of others none.
    async fn compare_kept(&self, app: &TestApp, kept_from: i64) {
        let mut expected: BTreeMap<(Uuid, String), (i64, i64)> = BTreeMap::new();
        for ((site, millis, name), day) in &self.seen {
            if *day >= kept_from {
                let sum = expected.entry((*site, name.clone())).or_default();
                *sum = (sum.0 + 1, sum.1 + millis);
            }
        }
        let sql = "select site_id, video_filename, count(*), \
             sum((extract(epoch from played_at) * 1000)::bigint)::bigint from video_plays_kept group by 1, 2";
        let rows = app.db.owner().await.query(sql, &[]).await.expect("plays");
        let found: BTreeMap<(Uuid, String), (i64, i64)> =
            rows.iter().map(|row| ((row.get(0), row.get(1)), (row.get(2), row.get(3)))).collect();
        assert_eq!(found, expected, "play by play");
    }
}

/// A play of a sponsor's video that ran to its end.
pub fn play(second: i64, name: &str) -> Play {
    Play {
        played_at: Time::from_unix_micros(second * 1_000_000),
        video_filename: name.to_owned(),
        category: Some("sponsor".to_owned()),
        duration_played: 15,
        video_duration: Some(15),
        completed: true,
        is_manual: false,
        session_id: None,
        video_id: None,
        sponsor_id: None,
    }
}

/// Sends plays as a box's are taken; how many of them the server did not wait with already.
pub async fn send(app: &TestApp, site: SiteId, plays: &[Play]) -> i64 {
    app.pool().run_as_system(store::take(site, plays, app.clock.now())).await.expect("they are taken")
}
