//! `/api/deployments/preview`, held against a count of our own.

use axum::http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::deployments::{NOBODY, Stock};

const PATH: &str = "/api/deployments/preview";
const MB: i64 = 1_000_000;
/// What a box keeps free for itself.
const KEPT: i64 = 256 * 1024 * 1024;

/// A site of a small fleet in which everything occurs, and everything together.
struct Place {
    number: u128,
    state: &'static str,
    free: Option<i64>,
    first_is_there: bool,
    second_is_at: Option<i64>,
    another_is_coming: bool,
    open_order: bool,
}

const SITES: u128 = 0x01a2_140d_1e46_777d_ae1d_0000_0000_0000;
const VIDEOS: [Uuid; 3] = [Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3)];
const SIZES: [i64; 3] = [700 * MB, 90 * MB, 300 * MB];
const EVEN: Uuid = Uuid::from_u128(11);
const FIFTHS: Uuid = Uuid::from_u128(12);

impl Place {
    fn of(number: u128) -> Self {
        Self {
            number,
            state: ["online", "offline", "never"][usize::try_from(number % 3).expect("small")],
            free: [Some(400 * MB), None, Some(1_200 * MB), Some(10_000 * MB)]
                [usize::try_from(number / 3 % 4).expect("small")],
            first_is_there: number.is_multiple_of(4),
            second_is_at: (number % 6 < 2).then_some(40),
            another_is_coming: number % 10 < 3,
            open_order: number.is_multiple_of(7),
        }
    }

    fn id(&self) -> Uuid {
        Uuid::from_u128(SITES + self.number)
    }

    fn needs(&self) -> i64 {
        let first = if self.first_is_there { 0 } else { SIZES[0] };
        first + SIZES[1] - self.second_is_at.map_or(0, |percent| SIZES[1] / 100 * percent)
    }

    /// More than there is.
    fn missing(&self) -> Option<i64> {
        let coming = if self.another_is_coming { SIZES[2] } else { 0 };
        self.free.map(|free| self.needs() + coming + KEPT - free).filter(|missing| *missing > 0)
    }

    async fn write(&self, sql: &tokio_postgres::Client) {
        let (id, number) = (self.id(), self.number);
        let (seen, status) = match self.state {
            "online" => ("now()", "online"),
            "offline" => ("now()", "offline"),
            _ => ("null", "offline"),
        };
        let mut rows = format!(
            "insert into sites (id, site_name, club_name, api_key, status, last_seen_at) \
               values ('{id}', 's{number}', 'Club {number}', 'k{number}', '{status}', {seen}); \
             insert into site_states (site_id, free_bytes) values ('{id}', {});",
            self.free.map_or("null".into(), |free| free.to_string())
        );
        let mut has = |video: usize, state: &str, progress: i64| {
            rows += &format!(
                "insert into site_inventory (site_id, video_id, sha256, state, progress, changed_at) \
                   select '{id}', id, checksum, '{state}', {progress}, now() from videos where id = '{}';",
                VIDEOS[video]
            );
        };
        if self.first_is_there {
            has(0, "installed", 100);
        }
        if let Some(percent) = self.second_is_at {
            has(1, "downloading", percent);
        }
        // Wanted there: on its way, or given up.
        has(2, if self.another_is_coming { "pending" } else { "failed" }, 0);
        rows += &format!("insert into site_videos (site_id, video_id, since) values ('{id}', '{}', now());", VIDEOS[2]);
        let state = if self.open_order { "pending" } else { "installed" };
        rows += &format!(
            "insert into deployment_targets (deployment_id, site_id, video_id, action, state, revision, was_wanted, \
               created_at) select id, '{id}', '{}', 'install', '{state}', 1, false, now() from content_deployments;",
            VIDEOS[0]
        );
        for (group, is_in) in [(EVEN, number.is_multiple_of(2)), (FIFTHS, number.is_multiple_of(5))] {
            if is_in {
                rows += &format!("insert into site_groups (site_id, group_id) values ('{id}', '{group}');");
            }
        }
        sql.batch_execute(&rows).await.expect("the owner may");
    }
}

async fn library(sql: &tokio_postgres::Client) {
    for (index, (video, size)) in VIDEOS.iter().zip(SIZES).enumerate() {
        sql.batch_execute(&format!(
            "insert into videos (id, filename, original_name, file_size, mime_type, storage_path, checksum) \
               values ('{video}', 'f{index}', 'f{index}', {size}, 'video/mp4', 'p{index}', repeat('{index}', 64))"
        ))
        .await
        .expect("the owner may");
    }
    sql.batch_execute(&format!(
        "insert into groups (id, name) values ('{EVEN}', 'Pairs'), ('{FIFTHS}', 'Cinquièmes'); \
         insert into content_deployments (id, video_id, video_title, target_type, target_id, target_name, started_at) \
           values (gen_random_uuid(), '{}', 'x', 'group', '{EVEN}', 'x', now())",
        VIDEOS[0]
    ))
    .await
    .expect("the owner may");
}

#[tokio::test]
async fn a_preview_says_what_would_come() {
    let stock = Stock::new().await;
    let sql = stock.app.db.owner().await;
    library(&sql).await;
    let places: Vec<Place> = (0..120).map(Place::of).collect();
    for place in &places {
        place.write(&sql).await;
    }
    // Two groups that overlap, a site of both, one of one, and two of none.
    let single = [10, 2, 1, 7];
    let mut targets = vec![
        json!({"type": "group", "id": EVEN}),
        json!({"type": "group", "id": FIFTHS}),
        json!({"type": "group", "id": EVEN}),
    ];
    targets.extend(single.map(|number| json!({"type": "site", "id": Place::of(number).id()})));
    let plan =
        |action: &str| json!({"video_ids": [VIDEOS[0], VIDEOS[1], VIDEOS[0]], "targets": targets, "action": action});
    let preview = stock.post(PATH, plan("install"), StatusCode::OK).await;

    let meant: Vec<&Place> = places
        .iter()
        .filter(|place| {
            place.number.is_multiple_of(2) || place.number.is_multiple_of(5) || single.contains(&place.number)
        })
        .collect();
    let count = |is: &dyn Fn(&Place) -> bool| meant.iter().filter(|place| is(place)).count();
    let mut short: Vec<(i64, Uuid)> =
        meant.iter().filter_map(|place| place.missing().map(|missing| (-missing, place.id()))).collect();
    short.sort();
    for (field, value) in [
        ("sites", json!(meant.len())),
        ("online", json!(count(&|place| place.state == "online"))),
        ("offline", json!(count(&|place| place.state == "offline"))),
        ("never_seen", json!(count(&|place| place.state == "never"))),
        ("already", json!(count(&|place| place.first_is_there))),
        ("bytes_to_send", json!(meant.iter().map(|place| place.needs()).sum::<i64>())),
        ("bytes_per_site", json!(SIZES[0] + SIZES[1])),
        ("sites_short_of_space", json!(short.len())),
        ("supersedes", json!(count(&|place| place.open_order))),
    ] {
        assert_eq!(preview[field], value, "{field}");
        assert_ne!(value, 0, "{field} proves nothing");
    }
    let named = preview["short_of_space"].as_array().expect("a list");
    assert!(short.len() > 20 && named.len() == 20, "{} are short, {} are named", short.len(), named.len());
    for (row, (missing, id)) in named.iter().zip(&short) {
        let place = meant.iter().find(|place| place.id() == *id).expect("it is among them");
        let club = format!("Club {}", place.number);
        let free = place.free.expect("known");
        let expected = json!({"site_id": id, "club_name": club, "free_bytes": free, "missing_bytes": -missing});
        assert_eq!(*row, expected);
    }

    let removal = stock.post(PATH, plan("remove"), StatusCode::OK).await;
    for (field, value) in [
        ("sites", preview["sites"].clone()),
        ("already", preview["already"].clone()),
        ("supersedes", preview["supersedes"].clone()),
        ("bytes_to_send", json!(0)),
        ("bytes_per_site", json!(0)),
        ("sites_short_of_space", json!(0)),
        ("short_of_space", json!([])),
    ] {
        assert_eq!(removal[field], value, "{field} of a removal");
    }
    assert_eq!(stock.get("/api/deployments").await.as_array().map(Vec::len), Some(1), "nothing was ordered");
}

#[tokio::test]
async fn a_preview_and_its_order_mean_the_same() {
    let stock = Stock::new().await;
    let sql = stock.app.db.owner().await;
    library(&sql).await;
    for number in 0..30 {
        Place::of(number).write(&sql).await;
    }
    let targets = json!([{"type": "group", "id": EVEN}, {"type": "site", "id": Place::of(5).id()}]);
    let plan = json!({"video_ids": [VIDEOS[0]], "targets": targets});
    let before = stock.post(PATH, plan.clone(), StatusCode::OK).await;
    let order = json!({"video_id": VIDEOS[0], "targets": targets});
    let order = stock.post("/api/deployments", order, StatusCode::CREATED).await;
    assert_eq!(order["total_count"], before["sites"]);
    let superseded = sql
        .query_one("select count(*) from deployment_targets where state = 'superseded'", &[])
        .await
        .expect("a count")
        .get::<_, i64>(0);
    assert_eq!(before["supersedes"], superseded);
    let after = stock.post(PATH, plan, StatusCode::OK).await;
    assert_eq!(after["supersedes"], before["sites"], "now all of them are of an open order");
    for field in ["already", "bytes_to_send", "short_of_space"] {
        assert_eq!(after[field], before[field], "{field}: the same files are not counted twice");
    }
}

#[tokio::test]
async fn what_cannot_be_previewed_is_refused_with_its_reason() {
    let stock = Stock::new().await;
    let group = json!({"name": "Vide", "type": "custom"});
    let group = stock.post("/api/groups", group, StatusCode::CREATED).await;
    let (site, empty) = (json!([{"type": "site", "id": stock.site}]), json!([{"type": "group", "id": group["id"]}]));
    let both = json!([{"type": "site", "id": stock.site}, {"type": "site", "id": NOBODY}]);
    let many: Vec<Uuid> = (0..51).map(Uuid::from_u128).collect();
    for (body, status, fields) in [
        (json!({}), 400, &["video_ids", "targets"][..]),
        (json!({"video_ids": [], "targets": []}), 400, &["video_ids", "targets"]),
        (json!({"video_ids": many, "targets": site}), 400, &["video_ids"]),
        (
            json!({"video_ids": ["x"], "targets": [{"type": "all"}]}),
            400,
            &["video_ids.0", "targets.0.type", "targets.0.id"],
        ),
        (json!({"video_ids": [stock.video], "targets": site, "action": "play"}), 400, &["action"]),
        (json!({"video_ids": [stock.video, NOBODY], "targets": site}), 404, &[]),
        (json!({"video_ids": [stock.video], "targets": both}), 404, &[]),
    ] {
        let answer = stock.post(PATH, body, StatusCode::from_u16(status).expect("a status")).await;
        let named: Vec<&str> = answer["details"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|problem| problem["field"].as_str())
            .collect();
        assert_eq!(named, fields, "{answer}");
    }
    let nobody = stock.post(PATH, json!({"video_ids": [stock.video], "targets": empty}), StatusCode::OK).await;
    assert_eq!((&nobody["sites"], &nobody["short_of_space"]), (&json!(0), &json!([])));
}

/// 13,000 sites that are to have ten videos, of which half are there, and ten videos more.
#[tokio::test]
async fn the_whole_fleet_is_previewed_at_once() {
    let stock = Stock::new().await;
    let sql = stock.app.db.owner().await;
    sql.batch_execute(
        "insert into groups (id, name) values ('01a2140d-0000-777d-ae1d-fcbbe9c1485a', 'Tous'); \
         insert into sites (site_name, club_name, api_key) select 'site ' || n, 'club', 'key ' || n \
           from generate_series(1, 13000) n; \
         insert into site_groups (site_id, group_id) select id, '01a2140d-0000-777d-ae1d-fcbbe9c1485a' from sites; \
         insert into site_states (site_id, free_bytes) select id, 1000000000 from sites; \
         insert into videos (id, filename, original_name, file_size, mime_type, storage_path, checksum) \
           select lpad(n::text, 32, '0')::uuid, n, n, 50000000, 'video/mp4', n, lpad(n::text, 64, '0') \
           from generate_series(1, 20) n; \
         insert into site_videos (site_id, video_id, since) select s.id, v.id, now() from sites s cross join videos v \
           where v.filename ~ '^[0-9]+$' and v.id <= lpad('10', 32, '0')::uuid; \
         insert into site_inventory (site_id, video_id, sha256, state, changed_at) \
           select s.id, v.id, v.checksum, 'installed', now() from sites s cross join videos v \
           where v.filename ~ '^[0-9]+$' and v.id <= lpad('5', 32, '0')::uuid",
    )
    .await
    .expect("the owner may");
    let ids = |numbers: std::ops::RangeInclusive<u32>| -> Vec<Value> {
        numbers.map(|number| json!(format!("00000000-0000-0000-0000-{number:012}"))).collect()
    };
    let targets =
        json!([{"type": "group", "id": "01a2140d-0000-777d-ae1d-fcbbe9c1485a"}, {"type": "site", "id": stock.site}]);
    for (videos, already, bytes) in [(ids(1..=10), 5, 250 * MB), (ids(11..=20), 0, 500 * MB)] {
        let began = std::time::Instant::now();
        let preview = stock.post(PATH, json!({"video_ids": videos, "targets": targets}), StatusCode::OK).await;
        println!("13,001 sites and ten videos: {:?}", began.elapsed());
        // One site for each site would be minutes.
        assert!(began.elapsed() < std::time::Duration::from_secs(10), "{:?}", began.elapsed());
        assert_eq!(preview["sites"], 13_001);
        assert_eq!(preview["already"], 13_001 * already);
        assert_eq!(preview["bytes_to_send"], 13_001 * bytes);
    }
}
