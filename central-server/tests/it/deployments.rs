//! `/api/deployments`: what can be asked for, and what is refused. How it reaches boxes stands in `delivery`.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::media;
use crate::support::{Form, TestApp};

pub const PATH: &str = "/api/deployments";
pub const NOBODY: &str = "01a2140d-1e46-777d-ae1d-fcbbe9c1485a";

/// A server with one site and one video.
pub struct Stock {
    pub app: TestApp,
    pub token: String,
    pub site: String,
    pub video: String,
}

impl Stock {
    pub async fn new() -> Self {
        let app = TestApp::new().await;
        let token = app.token("admin").await;
        let new = json!({"site_name": "Gymnase", "club_name": "CA Vitré"});
        let site = app.post("/api/sites", new).bearer(&token).send().await.expect(StatusCode::CREATED).json();
        let form = Form::new().text("title", "But").file("video", "but.mp4", media!("faststart.mp4"));
        let video = app.call(axum::http::Method::POST, "/api/videos").bearer(&token).form(&form).send().await;
        let id = |value: &Value| value["id"].as_str().expect("an id").to_owned();
        let video = id(&video.expect(StatusCode::CREATED).json());
        Self { site: id(&site), app, token, video }
    }

    pub async fn post(&self, path: &str, body: Value, status: StatusCode) -> Value {
        self.app.post(path, body).bearer(&self.token).send().await.expect(status).json()
    }

    /// A `POST` that has to succeed.
    pub async fn post_to(&self, path: String, body: Value) -> Value {
        let answer = self.app.post(&path, body).bearer(&self.token).send().await;
        assert!(answer.status < 300, "{path}: {}", answer.text);
        answer.json()
    }

    pub async fn get(&self, path: &str) -> Value {
        self.app.get(path).bearer(&self.token).send().await.expect(StatusCode::OK).json()
    }

    pub async fn order(&self, action: &str) -> Value {
        let body = json!({"video_id": self.video, "target_id": self.site, "action": action});
        self.post(PATH, body, StatusCode::CREATED).await
    }

    /// The site's box reports, as the live channel hands it on.
    pub async fn reports(&self, revision: i64, sequence: i64, states: &[&str]) {
        let sql = self.app.db.owner().await;
        let ids: Vec<uuid::Uuid> = states.iter().map(|_| self.video.parse().expect("an id")).collect();
        let (states, none) = (states.to_vec(), vec![None::<String>; states.len()]);
        let tries = vec![1; states.len()];
        sql.query_one(
            "select neopro_report($1, $2, $3, false, 5, '[]', $4, $5, $6, $7, $8, $9, now())",
            &[
                &self.site.parse::<uuid::Uuid>().expect("an id"),
                &revision,
                &sequence,
                &ids,
                &none,
                &states,
                &tries,
                &none,
                &none,
            ],
        )
        .await
        .expect("a report");
    }

    pub async fn wanted(&self) -> bool {
        let inventory = self.get(&format!("/api/sites/{}/inventory", self.site)).await;
        inventory["items"].as_array().expect("items").iter().any(|item| item["desired"] == true)
    }
}

#[tokio::test]
async fn an_order_has_the_names_of_neopro_1_and_more() {
    let stock = Stock::new().await;
    let order = stock.order("install").await;
    for (field, value) in [
        ("video_id", json!(stock.video)),
        ("video_title", json!("But")),
        ("video_name", json!("But")),
        ("original_name", json!("but.mp4")),
        ("target_type", json!("site")),
        ("target_name", json!("Gymnase")),
        ("club_name", json!("CA Vitré")),
        ("status", json!("pending")),
        ("progress", json!(0)),
        ("error", json!(null)),
        ("deployed_by_name", json!("Camille Durand")),
        ("deployed_count", json!(0)),
        ("total_count", json!(1)),
        ("deployed_at", json!(null)),
        ("started_at", json!("2026-01-15T12:00:00.000Z")),
    ] {
        assert_eq!(order[field], value, "{field}");
    }
    let id = order["id"].as_str().expect("an id");
    let list = stock.get(PATH).await;
    assert_eq!(list[0], order, "a bare array, newest first");
    assert_eq!(stock.get(&format!("{PATH}/{id}")).await, order);
    for (query, found) in [
        ("status=pending".to_owned(), 1),
        ("status=completed".to_owned(), 0),
        (format!("video_id={}", stock.video), 1),
        (format!("target_id={}", stock.site), 1),
        (format!("target_id={NOBODY}"), 0),
        ("page=2&limit=1".to_owned(), 0),
    ] {
        assert_eq!(stock.get(&format!("{PATH}?{query}")).await.as_array().map(Vec::len), Some(found), "{query}");
    }
    stock.reports(1, 1, &["installed"]).await;
    let of_video = stock.get(&format!("/api/videos/{}/deployments", stock.video)).await;
    assert_eq!(of_video["stats"], json!({"total": 1, "completed": 1, "failed": 0, "pending": 0, "in_progress": 0}));
    assert_eq!(of_video["deployments"][0]["deployed_at"], of_video["deployments"][0]["completed_at"]);
    let of_site = stock.get(&format!("/api/sites/{}/deployments", stock.site)).await;
    assert_eq!((&of_site[0]["state"], &of_site[0]["video_title"]), (&json!("installed"), &json!("But")));
}

#[tokio::test]
async fn what_cannot_be_carried_out_is_refused_with_its_reason() {
    let stock = Stock::new().await;
    let group = stock.post("/api/groups", json!({"name": "Vide", "type": "custom"}), StatusCode::CREATED).await;
    let refused = |status, code, body: Value| {
        let stock = &stock;
        async move {
            let answer = stock.post(PATH, body, status).await;
            assert_eq!(answer["code"], code, "{answer}");
        }
    };
    let (site, video) = (&stock.site, &stock.video);
    refused(StatusCode::BAD_REQUEST, "invalid", json!({})).await;
    refused(StatusCode::BAD_REQUEST, "invalid", json!({"video_id": "x", "target_id": 7})).await;
    refused(StatusCode::BAD_REQUEST, "invalid", json!({"video_id": video, "target_id": site, "target_type": "all"}))
        .await;
    refused(StatusCode::NOT_FOUND, "not_found", json!({"video_id": NOBODY, "target_id": site})).await;
    refused(StatusCode::NOT_FOUND, "not_found", json!({"video_id": video, "target_id": NOBODY})).await;
    refused(StatusCode::NOT_FOUND, "not_found", json!({"video_id": video, "target_id": site, "target_type": "group"}))
        .await;
    let empty = json!({"video_id": video, "target_id": group["id"], "target_type": "group"});
    refused(StatusCode::CONFLICT, "empty_group", empty).await;
    for day in ["2026-01-15T11:59:59Z", "yesterday", "2026-02-30T10:00:00Z", "2026-12-31 18:30", "2026-12-31"] {
        stock
            .post(PATH, json!({"video_id": video, "target_id": site, "scheduled_at": day}), StatusCode::BAD_REQUEST)
            .await;
    }
    stock.app.db.owner().await.batch_execute("update videos set checksum = null").await.expect("the owner may");
    refused(StatusCode::CONFLICT, "no_checksum", json!({"video_id": video, "target_id": site})).await;
    assert_eq!(stock.get(PATH).await, json!([]), "nothing of it is left");
}

#[tokio::test]
async fn a_status_cannot_be_forced() {
    let stock = Stock::new().await;
    let order = stock.order("install").await;
    let path = format!("{PATH}/{}", order["id"].as_str().expect("an id"));
    for body in [json!({"status": "completed"}), json!({"progress": 100}), json!({"error_message": "x"}), json!({})] {
        let answer = stock.app.put(&path, body).bearer(&stock.token).send().await.expect(StatusCode::CONFLICT).json();
        assert_eq!(answer["code"], "derived_status");
    }
    assert_eq!(stock.get(&path).await, order);
    stock
        .app
        .put(&format!("{PATH}/{NOBODY}"), json!({"status": "failed"}))
        .bearer(&stock.token)
        .send()
        .await
        .expect(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn cancelling_goes_back_to_what_was_before() {
    let stock = Stock::new().await;
    let cancel = |order: &Value| format!("{PATH}/{}/cancel", order["id"].as_str().expect("an id"));
    // Never there: gone again. An order in the place of one that never came true is no better.
    let first = stock.order("install").await;
    let second = stock.order("install").await;
    let first_now = stock.get(&format!("{PATH}/{}", first["id"].as_str().expect("an id"))).await;
    assert_eq!(first_now["status"], "cancelled", "superseded");
    let cancelled = stock.post(&cancel(&second), json!({}), StatusCode::OK).await;
    assert_eq!(cancelled["status"], "cancelled");
    assert!(!stock.wanted().await);
    // Installed, ordered again, and that taken back: it stays.
    stock.order("install").await;
    stock.reports(4, 1, &["installed"]).await;
    let again = stock.order("install").await;
    stock.post(&cancel(&again), json!({}), StatusCode::OK).await;
    assert!(stock.wanted().await);
    // A removal that is taken back before it was carried out.
    let removal = stock.order("remove").await;
    assert!(!stock.wanted().await);
    stock.post(&cancel(&removal), json!({}), StatusCode::OK).await;
    assert!(stock.wanted().await);
    // What is done cannot be taken back.
    let removal = stock.order("remove").await;
    stock.reports(9, 2, &[]).await;
    let done = stock.post(&cancel(&removal), json!({}), StatusCode::OK).await;
    assert_eq!((&done["status"], stock.wanted().await), (&json!("completed"), false));
    stock.post(&format!("{PATH}/{NOBODY}/cancel"), json!({}), StatusCode::NOT_FOUND).await;
}

#[tokio::test]
async fn deleting_an_order_takes_back_what_was_not_done() {
    let stock = Stock::new().await;
    let order = stock.order("install").await;
    let path = format!("{PATH}/{}", order["id"].as_str().expect("an id"));
    stock.app.delete(&path).bearer(&stock.token).send().await.expect(StatusCode::OK);
    assert!(!stock.wanted().await);
    stock.app.delete(&path).bearer(&stock.token).send().await.expect(StatusCode::NOT_FOUND);
    let done = stock.order("install").await;
    stock.reports(3, 1, &["installed"]).await;
    stock
        .app
        .delete(&format!("{PATH}/{}", done["id"].as_str().expect("an id")))
        .bearer(&stock.token)
        .send()
        .await
        .expect(StatusCode::OK);
    assert!(stock.wanted().await, "what was done stays");
}

#[tokio::test]
async fn a_video_that_sites_are_to_have_cannot_be_deleted() {
    let stock = Stock::new().await;
    let order = stock.order("install").await;
    let path = format!("/api/videos/{}", stock.video);
    let answer = stock.app.delete(&path).bearer(&stock.token).send().await.expect(StatusCode::CONFLICT).json();
    assert_eq!(answer["code"], "in_use");
    assert_eq!(stock.app.stored().len(), 1, "its file is there");
    stock.reports(1, 1, &["installed"]).await;
    stock.order("remove").await;
    stock.app.delete(&path).bearer(&stock.token).send().await.expect(StatusCode::OK);
    let past = stock.get(&format!("{PATH}/{}", order["id"].as_str().expect("an id"))).await;
    assert_eq!((&past["video_id"], &past["video_title"]), (&json!(null), &json!("But")), "history outlives it");
    assert!(stock.app.stored().is_empty());
}

#[tokio::test]
async fn a_scheduled_order_waits_for_its_day_and_starts_once() {
    let stock = Stock::new().await;
    let day = json!({"video_id": stock.video, "target_id": stock.site, "scheduled_at": "2026-01-16T13:00:00+01:00"});
    let order = stock.post(PATH, day.clone(), StatusCode::CREATED).await;
    assert_eq!((&order["status"], &order["scheduled_at"]), (&json!("scheduled"), &json!("2026-01-16T12:00:00.000Z")));
    let other = stock.post(PATH, day, StatusCode::CREATED).await;
    assert_eq!(stock.get(&format!("{PATH}/scheduled")).await.as_array().map(Vec::len), Some(2));
    assert!(!stock.wanted().await);
    let cancelled =
        stock.post(&format!("{PATH}/{}/cancel", other["id"].as_str().expect("an id")), json!({}), StatusCode::OK).await;
    assert_eq!(cancelled["status"], "cancelled");
    neopro_central::deployments::jobs::start_due(&stock.app.app).await;
    assert!(!stock.wanted().await, "its day has not come");
    stock.app.clock.advance(std::time::Duration::from_secs(86_400));
    for _ in 0..2 {
        neopro_central::deployments::jobs::start_due(&stock.app.app).await;
    }
    let list = stock.get(PATH).await;
    let mut statuses: Vec<_> = list.as_array().expect("orders").iter().map(|order| order["status"].clone()).collect();
    statuses.sort_by_key(Value::to_string);
    assert_eq!(statuses, ["cancelled", "pending"]);
    assert_eq!(stock.get(&format!("{PATH}/scheduled")).await, json!([]));
}

#[tokio::test]
async fn an_order_without_a_site_says_why() {
    let stock = Stock::new().await;
    let day = json!({"video_id": stock.video, "target_id": stock.site, "scheduled_at": "2026-01-16T12:00:00Z"});
    let planned = stock.post(PATH, day, StatusCode::CREATED).await;
    let video = format!("/api/videos/{}", stock.video);
    stock.app.delete(&video).bearer(&stock.token).send().await.expect(StatusCode::OK);
    stock.app.clock.advance(std::time::Duration::from_secs(86_401));
    neopro_central::deployments::jobs::start_due(&stock.app.app).await;
    let path = format!("{PATH}/{}", planned["id"].as_str().expect("an id"));
    let order = stock.get(&path).await;
    assert_eq!(
        (&order["status"], &order["error"]),
        (&json!("failed"), &json!("La vidéo a été supprimée avant le jour prévu."))
    );

    let stock = Stock::new().await;
    let order = stock.order("install").await;
    stock.reports(1, 1, &["installed"]).await;
    let path = format!("{PATH}/{}", order["id"].as_str().expect("an id"));
    assert_eq!(stock.get(&path).await["status"], "completed");
    stock.app.delete(&format!("/api/sites/{}", stock.site)).bearer(&stock.token).send().await.expect(StatusCode::OK);
    let order = stock.get(&path).await;
    assert_eq!((&order["status"], &order["error"]), (&json!("cancelled"), &json!("Ce site n'existe plus.")));
}

#[tokio::test]
async fn one_order_that_cannot_start_does_not_hold_up_the_others() {
    let stock = Stock::new().await;
    let mut orders = Vec::new();
    for minute in [1, 2] {
        let day = format!("2026-01-16T12:0{minute}:00Z");
        let new = json!({"video_id": stock.video, "target_id": stock.site, "scheduled_at": day});
        orders.push(stock.post(PATH, new, StatusCode::CREATED).await["id"].as_str().expect("an id").to_owned());
    }
    // The first one meets a trouble of its own.
    let sql = stock.app.db.owner().await;
    sql.batch_execute(&format!(
        "create function trouble() returns trigger language plpgsql as \
           $$ begin if new.deployment_id = '{}' then raise 'trouble'; end if; return new; end $$; \
         create trigger trouble before insert on deployment_targets for each row execute function trouble()",
        orders[0]
    ))
    .await
    .expect("the owner may");
    stock.app.clock.advance(std::time::Duration::from_secs(90_000));
    neopro_central::deployments::jobs::start_due(&stock.app.app).await;
    assert_eq!(stock.get(&format!("{PATH}/{}", orders[0])).await["status"], "scheduled");
    assert_eq!(stock.get(&format!("{PATH}/{}", orders[1])).await["status"], "pending");
}

/// The ends of downloads, orders, reports and cancellations of the same sites meet each other in any order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_reports_and_progress_do_not_wait_for_each_other_in_circles() {
    let stock = Stock::new().await;
    let sql = stock.app.db.owner().await;
    sql.batch_execute(
        "insert into groups (id, name) values ('01a2140d-0000-777d-ae1d-fcbbe9c1485a', 'Tous'); \
         insert into sites (site_name, club_name, api_key) select 'site ' || n, 'club', 'key ' || n \
           from generate_series(1, 200) n; \
         insert into site_groups (site_id, group_id) select id, '01a2140d-0000-777d-ae1d-fcbbe9c1485a' from sites",
    )
    .await
    .expect("the owner may");
    let body =
        json!({"video_id": stock.video, "target_type": "group", "target_id": "01a2140d-0000-777d-ae1d-fcbbe9c1485a"});
    stock.post(PATH, body.clone(), StatusCode::CREATED).await;
    let video: uuid::Uuid = stock.video.parse().expect("an id");
    let until = std::time::Instant::now() + std::time::Duration::from_secs(5);
    let mut crowd = tokio::task::JoinSet::new();
    for (index, statement) in [
        "select neopro_progress(array_agg(id), array_agg($1::uuid), array_agg(5::smallint), now()) \
           from (select id from sites order by random()) x",
        "select neopro_progress(array_agg(id), array_agg($1::uuid), array_agg(6::smallint), now()) \
           from (select id from sites order by random()) x",
        "select neopro_report(s.site_id, s.desired_revision, (extract(epoch from clock_timestamp()) * 1e6)::bigint, false, \
           1, '[]', array[$1::uuid], array['x'], array[(array['pending', 'downloading'])[1 + floor(random() * 2)::int]], \
           array[1], array[null::text], array[null::text], now()) \
           from (select * from site_states order by random() limit 1) s",
    ]
    .into_iter()
    .enumerate()
    {
        let client = stock.app.db.owner().await;
        crowd.spawn(async move {
            let mut rounds = 0;
            while std::time::Instant::now() < until {
                client.query(statement, &[&video]).await.unwrap_or_else(|error| panic!("{index}: {error:?}"));
                rounds += 1;
            }
            rounds
        });
    }
    while std::time::Instant::now() < until {
        let order = stock.post(PATH, body.clone(), StatusCode::CREATED).await;
        let cancel = format!("{PATH}/{}/cancel", order["id"].as_str().expect("an id"));
        stock.post(&cancel, json!({}), StatusCode::OK).await;
    }
    for rounds in crowd.join_all().await {
        assert!(rounds > 5, "{rounds} rounds prove nothing");
    }
}

#[tokio::test]
async fn thousands_of_sites_are_one_order() {
    let stock = Stock::new().await;
    let sql = stock.app.db.owner().await;
    sql.batch_execute(
        "insert into groups (id, name) values ('01a2140d-0000-777d-ae1d-fcbbe9c1485a', 'Tous'); \
         insert into sites (site_name, club_name, api_key) select 'site ' || n, 'club', 'key ' || n \
           from generate_series(1, 6000) n; \
         insert into site_groups (site_id, group_id) select id, '01a2140d-0000-777d-ae1d-fcbbe9c1485a' from sites",
    )
    .await
    .expect("the owner may");
    let body =
        json!({"video_id": stock.video, "target_type": "group", "target_id": "01a2140d-0000-777d-ae1d-fcbbe9c1485a"});
    let (one, two) =
        tokio::join!(stock.post(PATH, body.clone(), StatusCode::CREATED), stock.post(PATH, body, StatusCode::CREATED));
    let mut statuses = Vec::new();
    for order in [&one, &two] {
        let now = stock.get(&format!("{PATH}/{}", order["id"].as_str().expect("an id"))).await;
        statuses.push(now["status"].as_str().expect("a status").to_owned());
    }
    statuses.sort();
    assert_eq!(statuses, ["cancelled", "pending"], "the later one took the place of the earlier");
    let page = stock.get(&format!("{PATH}/{}/targets?limit=10&page=601", one["id"].as_str().expect("an id"))).await;
    assert_eq!((&page["pagination"]["total"], page["data"].as_array().map(Vec::len)), (&json!(6001), Some(1)));
    // Whatever the planner believes of tables that were empty a moment ago, it never looks at each site for each site.
    let removal = json!({"video_id": stock.video, "target_type": "group", "action": "remove",
        "target_id": "01a2140d-0000-777d-ae1d-fcbbe9c1485a"});
    let removal = stock.post(PATH, removal, StatusCode::CREATED).await;
    let path = format!("{PATH}/{}", removal["id"].as_str().expect("an id"));
    sql.batch_execute("update deployment_targets set state = 'failed' where action = 'remove'").await.expect("it may");
    assert_eq!(stock.post(&format!("{path}/retry"), json!({}), StatusCode::OK).await["retried"], 6001);
    let cancelled = stock.post(&format!("{path}/cancel"), json!({}), StatusCode::OK).await;
    assert_eq!((&cancelled["status"], &cancelled["total_count"]), (&json!("cancelled"), &json!(6001)));
}
