//! What is read from the storage in a month, and what an order will add to it.

use axum::http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{server_with, upload};
use crate::media;
use crate::support::supabase::SECRET_KEY;
use crate::support::{Supabase, TestApp};

async fn figures(app: &TestApp, token: &str) -> Value {
    app.get("/api/storage").bearer(token).send().await.expect(StatusCode::OK).json()
}

/// A site.
async fn site(app: &TestApp) -> Uuid {
    let id = Uuid::now_v7();
    let sql = "insert into sites (id, site_name, club_name, api_key) values ($1, $2, $2, $2)";
    app.db.owner().await.execute(sql, &[&id, &id.to_string()]).await.expect("a site");
    id
}

/// What a box says of a video, as its report is written down.
async fn says(app: &TestApp, site: Uuid, video: &str, state: &str) {
    let sql = format!(
        "insert into site_inventory (site_id, video_id, state, changed_at) \
         values ('{site}', '{video}', '{state}', '2026-01-15 12:00+00') \
         on conflict (site_id, video_id) do update set state = excluded.state, changed_at = excluded.changed_at"
    );
    app.db.owner().await.batch_execute(&sql).await.expect("a report");
}

#[tokio::test]
async fn what_boxes_have_fetched_is_counted_once_each_and_so_is_what_the_server_has_read() {
    let supabase = Supabase::start().await;
    let app = server_with(&supabase, SECRET_KEY, &[]).await;
    let token = app.token("operator").await;
    let file = media!("faststart.mp4");
    let made = upload(&app, &token, "a.mp4", file).await;
    let (id, size) = (made["id"].as_str().expect("an id").to_owned(), file.len() as i64);
    assert_eq!(figures(&app, &token).await["traffic_bytes"], json!(size), "the server has read it to look at it");

    let (one, other) = (site(&app).await, site(&app).await);
    says(&app, one, &id, "downloading").await;
    assert_eq!(figures(&app, &token).await["traffic_bytes"], json!(size));
    for _ in 0..3 {
        // Whatever a box repeats, it has fetched once.
        says(&app, one, &id, "installed").await;
    }
    says(&app, other, &id, "installed").await;
    assert_eq!(figures(&app, &token).await["traffic_bytes"], json!(3 * size));
    // Lost and fetched again is fetched twice.
    says(&app, other, &id, "pending").await;
    says(&app, other, &id, "installed").await;
    assert_eq!(figures(&app, &token).await["traffic_bytes"], json!(4 * size));
    // Another month begins with nothing.
    app.clock.advance(std::time::Duration::from_secs(17 * 86_400));
    let token = app.token("operator").await;
    assert_eq!(figures(&app, &token).await["traffic_bytes"], json!(0));
}

#[tokio::test]
async fn an_order_is_told_what_it_adds_to_the_traffic_of_the_month() {
    let supabase = Supabase::start().await;
    let app = server_with(&supabase, SECRET_KEY, &[("STORAGE_TRAFFIC_GB", "2")]).await;
    let token = app.token("operator").await;
    let sites = [site(&app).await, site(&app).await, site(&app).await];
    let video = Uuid::now_v7();
    let sql = "insert into videos (id, filename, original_name, file_size, mime_type, storage_path, checksum) \
         values ($1, 'a.mp4', 'a.mp4', 500000000, 'video/mp4', 'uploads/a.mp4', md5('a') || md5('b'))";
    app.db.owner().await.execute(sql, &[&video]).await.expect("a video");
    let targets: Vec<Value> = sites.iter().map(|site| json!({ "type": "site", "id": site })).collect();
    let preview = async || {
        let plan = json!({ "video_ids": [video], "targets": targets });
        app.post("/api/deployments/preview", plan).bearer(&token).send().await.expect(StatusCode::OK).json()
    };
    let before = preview().await;
    assert_eq!((&before["bytes_to_send"], &before["traffic_bytes"]), (&json!(1_500_000_000), &json!(0)));
    assert_eq!(before["traffic_limit_bytes"], json!(2_000_000_000));
    for site in &sites {
        let order = json!({ "video_id": video, "target_type": "site", "target_id": site });
        app.post("/api/deployments", order).bearer(&token).send().await.expect(StatusCode::CREATED);
    }
    // What is on its way counts before it was fetched.
    let page = figures(&app, &token).await;
    assert_eq!((&page["coming_bytes"], &page["traffic_level"]), (&json!(1_500_000_000), &json!("ok")));
    says(&app, sites[0], &video.to_string(), "installed").await;
    let page = figures(&app, &token).await;
    assert_eq!((&page["coming_bytes"], &page["traffic_bytes"]), (&json!(1_000_000_000), &json!(500_000_000)));
    let after = preview().await;
    assert_eq!((&after["bytes_to_send"], &after["traffic_bytes"]), (&json!(1_000_000_000), &json!(500_000_000)));

    let own = TestApp::new().await;
    let token = own.token("viewer").await;
    let page = figures(&own, &token).await;
    assert_eq!(
        (&page["place"], &page["traffic_limit_bytes"], &page["stored_limit_bytes"]),
        (&json!("local"), &json!(null), &json!(null))
    );
}
