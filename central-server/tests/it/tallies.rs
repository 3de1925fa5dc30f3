//! The counts that are kept of each order are those of its sites, whatever has happened to them.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::deployments::{PATH, Stock};
use crate::selections::{group, id, site};

/// Where the view says something else than the sites themselves: the view's words, counted anew.
const DIFFERENCES: &str = "\
    select o.id::text, o.total_count, t.total, o.progress, t.progress from deployment_orders o \
    cross join lateral ( \
      select count(*) as total, count(*) filter (where state = 'pending') as pending, \
        count(*) filter (where state = 'downloading') as downloading, \
        count(*) filter (where state = 'installed') as installed, count(*) filter (where state = 'failed') as failed, \
        count(*) filter (where state = 'cancelled') as cancelled, \
        count(*) filter (where state = 'superseded') as superseded, \
        coalesce(floor(avg(case when state = 'installed' then 100 else progress end) \
          filter (where state not in ('cancelled', 'superseded'))), 0)::integer as progress, \
        max(completed_at) as ended, mode() within group (order by reason) filter (where state = 'failed') as reason \
      from deployment_targets where deployment_id = o.id) t \
    where (o.total_count, o.pending_count, o.downloading_count, o.deployed_count, o.failed_count, o.cancelled_count, \
        o.superseded_count, o.open_count, o.progress) \
      <> (t.total, t.pending, t.downloading, t.installed, t.failed, t.cancelled, t.superseded, \
        t.pending + t.downloading, t.progress) \
      or (t.total > 0 and o.error is distinct from t.reason) \
      or (t.pending + t.downloading = 0 and t.ended is not null and o.completed_at is distinct from t.ended)";

async fn differences(sql: &tokio_postgres::Client) -> Vec<String> {
    let rows = sql.query(DIFFERENCES, &[]).await.expect("the view");
    let numbers = |row: &tokio_postgres::Row| {
        format!(
            "{}: {} of {}, {} of {} percent",
            row.get::<_, String>(0),
            row.get::<_, i64>(1),
            row.get::<_, i64>(2),
            row.get::<_, i32>(3),
            row.get::<_, i32>(4)
        )
    };
    rows.iter().map(numbers).collect()
}

async fn rows(sql: &tokio_postgres::Client) -> i64 {
    sql.query_one("select count(*) from deployment_tallies", &[]).await.expect("a count").get(0)
}

/// Numbers that look like chance and are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % sides
    }

    fn of<'a, T>(&mut self, things: &'a [T]) -> Option<&'a T> {
        (!things.is_empty()).then(|| &things[self.below(things.len())])
    }
}

struct Fleet {
    stock: Stock,
    sql: tokio_postgres::Client,
    dice: Dice,
    sites: Vec<String>,
    orders: Vec<String>,
    group: String,
    sequence: i64,
}

impl Fleet {
    async fn new() -> Self {
        let stock = Stock::new().await;
        let mut sites = vec![stock.site.clone()];
        for number in 0..9 {
            sites.push(site(&stock, &format!("S{number}")).await);
        }
        let group = group(&stock, "Tous", &sites[..7].iter().collect::<Vec<_>>()).await;
        let sql = stock.app.db.owner().await;
        Self { stock, sql, dice: Dice(7), sites, orders: Vec::new(), group, sequence: 0 }
    }

    async fn order(&mut self) {
        let mut body = json!({"video_id": self.stock.video});
        body["action"] = json!(["install", "install", "remove"][self.dice.below(3)]);
        let site = self.dice.of(&self.sites).expect("a site is left").clone();
        if self.dice.below(2) == 0 {
            body["target_id"] = json!(site);
        } else {
            body["targets"] = json!([{"type": "group", "id": self.group}, {"type": "site", "id": site}]);
        }
        if self.dice.below(6) == 0 {
            body["scheduled_at"] = json!("2026-06-01T08:00:00Z");
        }
        self.orders.push(id(&self.stock.post(PATH, body, StatusCode::CREATED).await));
    }

    /// Its box says how far it is; the live channel hands it on.
    async fn report(&mut self) {
        let site: uuid::Uuid = self.dice.of(&self.sites).expect("a site is left").parse().expect("an id");
        let video: uuid::Uuid = self.stock.video.parse().expect("an id");
        self.sequence += 1;
        let state = ["pending", "downloading", "installed", "failed"][self.dice.below(4)];
        let reason = (state == "failed").then(|| ["Plein.", "Coupé."][self.dice.below(2)]);
        let videos = if self.dice.below(4) == 0 { vec![] } else { vec![video] };
        let texts = |text: Option<&str>| vec![text.map(str::to_owned); videos.len()];
        self.sql
            .execute(
                "select neopro_report($1, 1000, $2, false, 5, '[]', $3, $4, $5, $6, $7, $8, now())",
                &[
                    &site,
                    &self.sequence,
                    &videos,
                    &texts(None),
                    &texts(Some(state)),
                    &vec![1; videos.len()],
                    &texts(reason.map(|_| "trouble")),
                    &texts(reason),
                ],
            )
            .await
            .expect("a report");
    }

    async fn progress(&mut self) {
        let percent = i16::try_from(self.dice.below(100)).expect("small");
        self.sql
            .execute(
                "select neopro_progress(array_agg(id), array_agg($1::text::uuid), array_agg($2::smallint), now()) \
                   from (select id from sites order by id limit 4) s",
                &[&self.stock.video, &percent],
            )
            .await
            .expect("progress");
    }

    async fn step(&mut self) -> &'static str {
        match self.dice.below(20) {
            0..6 => {
                self.order().await;
                "an order"
            }
            6..12 => {
                self.report().await;
                "a report"
            }
            12..15 => {
                self.progress().await;
                "progress"
            }
            what => {
                let Some(order) = self.dice.of(&self.orders).cloned() else { return "nothing" };
                let path = format!("{PATH}/{order}");
                match what {
                    15 => self.stock.post_to(format!("{path}/retry"), json!({})).await,
                    16 => self.stock.post_to(format!("{path}/cancel"), json!({})).await,
                    17 if self.orders.len() > 6 => {
                        self.orders.retain(|known| *known != order);
                        let call = self.stock.app.delete(&path).bearer(&self.stock.token);
                        call.send().await.expect(StatusCode::OK).json()
                    }
                    18 if self.sites.len() > 3 => {
                        let site = self.sites.swap_remove(self.dice.below(self.sites.len()));
                        let call = self.stock.app.delete(&format!("/api/sites/{site}")).bearer(&self.stock.token);
                        call.send().await.expect(StatusCode::OK).json()
                    }
                    _ => {
                        self.sql.execute("select neopro_sum_tallies()", &[]).await.expect("a sum");
                        Value::Null
                    }
                };
                ["a retry", "a cancellation", "an order's end", "a site's end", "a sum"][what - 15]
            }
        }
    }
}

#[tokio::test]
async fn kept_counts_are_those_of_the_sites_after_everything() {
    let mut fleet = Fleet::new().await;
    let mut done = std::collections::BTreeMap::<&str, usize>::new();
    let mut seen = std::collections::BTreeSet::<String>::new();
    for step in 0..400 {
        let what = fleet.step().await;
        if what != "nothing" {
            *done.entry(what).or_default() += 1;
        }
        assert_eq!(differences(&fleet.sql).await, [""; 0], "after step {step}, {what}");
        let states = fleet.sql.query("select distinct state from deployment_targets", &[]).await.expect("states");
        seen.extend(states.iter().map(|row| row.get::<_, String>(0)));
    }
    assert!(done.values().all(|times| *times >= 3) && done.len() >= 8, "{done:?}");
    assert_eq!(seen.len(), 6, "every state occurs: {seen:?}");
    fleet.sql.execute("select neopro_sum_tallies()", &[]).await.expect("a sum");
    assert_eq!(differences(&fleet.sql).await, [""; 0]);
    let orders = i64::try_from(fleet.orders.len()).expect("few");
    assert!(rows(&fleet.sql).await <= orders, "at most one row of each order is left");
    for order in std::mem::take(&mut fleet.orders) {
        let call = fleet.stock.app.delete(&format!("{PATH}/{order}")).bearer(&fleet.stock.token);
        call.send().await.expect(StatusCode::OK);
    }
    fleet.sql.execute("select neopro_sum_tallies()", &[]).await.expect("a sum");
    assert_eq!(rows(&fleet.sql).await, 0, "what is gone leaves nothing");
}

#[tokio::test]
async fn a_wrong_count_would_be_found() {
    let mut fleet = Fleet::new().await;
    fleet.order().await;
    fleet.sql.batch_execute("update deployment_tallies set failed = failed + 1").await.expect("the owner may");
    assert_eq!(differences(&fleet.sql).await.len(), 1);
}

/// Reports, progress, orders, cancellations and sums at the same time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kept_counts_are_right_when_everything_meets() {
    let stock = Stock::new().await;
    let sql = stock.app.db.owner().await;
    sql.batch_execute(
        "insert into groups (id, name) values ('01a2140d-0000-777d-ae1d-fcbbe9c1485a', 'Tous'); \
         insert into sites (site_name, club_name, api_key) select 'site ' || n, 'club', 'key ' || n \
           from generate_series(1, 60) n; \
         insert into site_groups (site_id, group_id) select id, '01a2140d-0000-777d-ae1d-fcbbe9c1485a' from sites",
    )
    .await
    .expect("the owner may");
    let body =
        json!({"video_id": stock.video, "target_type": "group", "target_id": "01a2140d-0000-777d-ae1d-fcbbe9c1485a"});
    stock.post(PATH, body.clone(), StatusCode::CREATED).await;
    let video: uuid::Uuid = stock.video.parse().expect("an id");
    let until = std::time::Instant::now() + std::time::Duration::from_secs(4);
    let mut crowd = tokio::task::JoinSet::new();
    for statement in [
        "select neopro_progress(array_agg(id), array_agg($1::uuid), array_agg(5::smallint), now()) \
           from (select id from sites order by random() limit 20) x",
        "select neopro_report(s.site_id, s.desired_revision, (extract(epoch from clock_timestamp()) * 1e6)::bigint, \
           false, 1, '[]', array[$1::uuid], array['x'], \
           array[(array['pending', 'downloading', 'installed', 'failed'])[1 + floor(random() * 4)::int]], \
           array[1], array[null::text], array[null::text], now()) \
           from (select * from site_states order by random() limit 1) s",
        "select neopro_sum_tallies() where $1::uuid is not null",
        "select neopro_sum_tallies() where $1::uuid is not null",
    ] {
        let client = stock.app.db.owner().await;
        crowd.spawn(async move {
            let mut rounds = 0;
            while std::time::Instant::now() < until {
                client.query(statement, &[&video]).await.unwrap_or_else(|error| panic!("{statement}: {error:?}"));
                rounds += 1;
            }
            rounds
        });
    }
    while std::time::Instant::now() < until {
        let order = stock.post(PATH, body.clone(), StatusCode::CREATED).await;
        assert_eq!(differences(&sql).await, [""; 0], "in the middle of it");
        stock.post_to(format!("{PATH}/{}/cancel", id(&order)), json!({})).await;
    }
    for rounds in crowd.join_all().await {
        assert!(rounds > 5, "{rounds} rounds prove nothing");
    }
    assert_eq!(differences(&sql).await, [""; 0]);
}
