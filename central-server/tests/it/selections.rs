//! Orders for several sites and groups at once, and what they would cost.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::deployments::{NOBODY, PATH, Stock};

/// A site beside the one of the stock: its id.
pub async fn site(stock: &Stock, name: &str) -> String {
    let new = json!({"site_name": name, "club_name": format!("Club {name}")});
    id(&stock.post("/api/sites", new, StatusCode::CREATED).await)
}

/// A group of these sites: its id.
pub async fn group(stock: &Stock, name: &str, sites: &[&String]) -> String {
    let new = json!({"name": name, "type": "custom", "site_ids": sites});
    id(&stock.post("/api/groups", new, StatusCode::CREATED).await)
}

pub fn id(value: &Value) -> String {
    value["id"].as_str().expect("an id").to_owned()
}

fn target(kind: &str, id: &str) -> Value {
    json!({"type": kind, "id": id})
}

async fn sites_of(stock: &Stock, order: &Value) -> Vec<String> {
    let page = stock.get(&format!("{PATH}/{}/targets", id(order))).await;
    let rows = page["data"].as_array().expect("rows").iter();
    let mut sites: Vec<String> = rows.map(|row| row["site_id"].as_str().expect("an id").to_owned()).collect();
    sites.sort();
    sites
}

#[tokio::test]
async fn a_selection_is_each_of_its_sites_once() {
    let stock = Stock::new().await;
    let (b, c) = (site(&stock, "B").await, site(&stock, "C").await);
    let outside = site(&stock, "D").await;
    let (one, two) = (group(&stock, "Un", &[&stock.site, &b]).await, group(&stock, "Deux", &[&b, &c]).await);
    let chosen =
        [target("group", &one), target("group", &two), target("site", &c), target("site", &c), target("group", &one)];
    let body = json!({"video_id": stock.video, "targets": chosen});
    let order = stock.post(PATH, body, StatusCode::CREATED).await;
    for (field, value) in [
        ("target_type", json!("selection")),
        ("target_id", json!(null)),
        ("target_name", json!("2 groupes, 1 site")),
        ("selected_groups", json!(2)),
        ("selected_sites", json!(1)),
        ("club_name", json!(null)),
        ("total_count", json!(3)),
        ("pending_count", json!(3)),
        ("open_count", json!(3)),
        ("status", json!("pending")),
    ] {
        assert_eq!(order[field], value, "{field}");
    }
    let mut sites = vec![stock.site.clone(), b.clone(), c.clone()];
    sites.sort();
    assert_eq!(sites_of(&stock, &order).await, sites);
    for (who, found) in [(&one, 1), (&c, 1), (&b, 0), (&outside, 0), (&id(&order), 0)] {
        let list = stock.get(&format!("{PATH}?target_id={who}")).await;
        assert_eq!(list.as_array().map(Vec::len), Some(found), "the orders that name {who}");
    }
    // Everything else is as with any other order.
    let cancelled = stock.post(&format!("{PATH}/{}/cancel", id(&order)), json!({}), StatusCode::OK).await;
    assert_eq!((&cancelled["status"], &cancelled["cancelled_count"]), (&json!("cancelled"), &json!(3)));
    stock.app.delete(&format!("{PATH}/{}", id(&order))).bearer(&stock.token).send().await.expect(StatusCode::OK);
    let left = stock.app.db.owner().await.query_one("select count(*) from deployment_selections", &[]).await;
    assert_eq!(left.expect("a count").get::<_, i64>(0), 0);
}

#[tokio::test]
async fn a_single_target_is_an_order_like_any_other() {
    let stock = Stock::new().await;
    let chosen = [target("site", &stock.site), target("site", &stock.site)];
    let order = stock.post(PATH, json!({"video_id": stock.video, "targets": chosen}), StatusCode::CREATED).await;
    for (field, value) in [
        ("target_type", json!("site")),
        ("target_id", json!(stock.site)),
        ("target_name", json!("Gymnase")),
        ("club_name", json!("CA Vitré")),
        ("selected_sites", json!(null)),
    ] {
        assert_eq!(order[field], value, "{field}");
    }
}

#[tokio::test]
async fn a_planned_selection_means_who_is_in_its_groups_on_its_day() {
    let stock = Stock::new().await;
    let (b, c) = (site(&stock, "B").await, site(&stock, "C").await);
    let (one, empty) = (group(&stock, "Un", &[&b]).await, group(&stock, "Vide", &[]).await);
    let body = json!({"video_id": stock.video, "scheduled_at": "2026-01-16T12:00:00Z",
        "targets": [target("group", &one), target("group", &empty), target("site", &stock.site)]});
    let order = stock.post(PATH, body, StatusCode::CREATED).await;
    assert_eq!((&order["status"], &order["total_count"]), (&json!("scheduled"), &json!(0)));
    let delete = |path: String| stock.app.delete(&path).bearer(&stock.token);
    delete(format!("/api/sites/{}", stock.site)).send().await.expect(StatusCode::OK);
    let members = json!({"site_ids": [c]});
    stock.app.put(&format!("/api/groups/{one}"), members).bearer(&stock.token).send().await.expect(StatusCode::OK);
    delete(format!("/api/groups/{empty}")).send().await.expect(StatusCode::OK);
    stock.app.clock.advance(std::time::Duration::from_secs(86_401));
    neopro_central::deployments::jobs::start_due(&stock.app.app).await;
    assert_eq!(sites_of(&stock, &order).await, [c]);
}

#[tokio::test]
async fn a_selection_that_cannot_be_carried_out_is_refused_with_its_reason() {
    let stock = Stock::new().await;
    let (one, two) = (group(&stock, "Un", &[]).await, group(&stock, "Deux", &[]).await);
    let there = target("site", &stock.site);
    for (targets, status, code) in [
        (json!([]), 400, "invalid"),
        (json!("all"), 400, "invalid"),
        (json!(["all"]), 400, "invalid"),
        (json!([{"type": "site"}]), 400, "invalid"),
        (json!([{"id": stock.site}]), 400, "invalid"),
        (json!([{"type": "selection", "id": stock.site}]), 400, "invalid"),
        (json!(vec![&there; 1001]), 400, "invalid"),
        (json!([there, target("site", NOBODY)]), 404, "not_found"),
        (json!([there, target("group", &stock.site)]), 404, "not_found"),
        (json!([target("group", &one), target("group", &two)]), 409, "empty_group"),
        (json!([target("group", &one)]), 409, "empty_group"),
    ] {
        let status = StatusCode::from_u16(status).expect("a status");
        let answer = stock.post(PATH, json!({"video_id": stock.video, "targets": targets}), status).await;
        assert_eq!(answer["code"], code, "{answer}");
    }
    let both = json!({"video_id": stock.video, "targets": [there], "target_id": stock.site});
    let answer = stock.post(PATH, both, StatusCode::BAD_REQUEST).await;
    assert_eq!(answer["details"][0]["field"], "targets");
    assert_eq!(stock.get(PATH).await, json!([]), "nothing of it is left");
    let most: Vec<Value> = std::iter::repeat_n(there, 1000).collect();
    stock.post(PATH, json!({"video_id": stock.video, "targets": most}), StatusCode::CREATED).await;
}

#[tokio::test]
async fn an_order_says_how_many_sites_are_how_far_and_what_its_video_is() {
    let stock = Stock::new().await;
    let sites = [stock.site.clone(), site(&stock, "B").await, site(&stock, "C").await, site(&stock, "D").await];
    let all = group(&stock, "Tous", &sites.each_ref()).await;
    let body = json!({"video_id": stock.video, "targets": [target("group", &all), target("site", &stock.site)]});
    let order = stock.post(PATH, body.clone(), StatusCode::CREATED).await;
    let size = crate::media!("faststart.mp4").len();
    assert_eq!((&order["bytes"], &order["thumbnail_url"]), (&json!(size), &json!(null)));
    let sql = stock.app.db.owner().await;
    for (site, state) in sites.iter().zip(["installed", "failed", "downloading"]) {
        sql.batch_execute(&format!(
            "update deployment_targets set state = '{state}', progress = 50 where site_id = '{site}'; \
             update videos set thumbnail_url = 'https://elsewhere.test/a.jpg'"
        ))
        .await
        .expect("the owner may");
    }
    let path = format!("{PATH}/{}", id(&order));
    let now = stock.get(&path).await;
    let counts = |order: &Value| {
        ["total", "deployed", "failed", "downloading", "pending", "open", "cancelled", "superseded"]
            .map(|name| order[format!("{name}_count")].as_i64().expect("a count"))
    };
    assert_eq!(counts(&now), [4, 1, 1, 1, 1, 2, 0, 0]);
    assert_eq!(now["thumbnail_url"], "https://elsewhere.test/a.jpg", "an address of NeoPro 1 stays");
    assert_eq!(now["progress"], (100 + 50 + 50) / 4);
    sql.batch_execute("update videos set thumbnail_url = 'uploads/a.jpg'").await.expect("the owner may");
    let list = stock.get(PATH).await;
    let address = list[0]["thumbnail_url"].as_str().expect("an address");
    assert!(address.starts_with("http") && address.ends_with("/uploads/a.jpg"), "{address}");
    stock.post(PATH, body, StatusCode::CREATED).await;
    assert_eq!(counts(&stock.get(&path).await), [4, 1, 0, 0, 0, 0, 0, 3]);
}
