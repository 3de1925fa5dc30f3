//! Finding orders, counting them, and trying again what failed for one reason.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::deployments::{NOBODY, PATH, Stock};
use crate::selections::{group, id, site};

/// Writes what became of a site of an order, as a report of its box would.
async fn ends(stock: &Stock, order: &str, site: &str, state: &str, code: Option<&str>, reason: Option<&str>) {
    let sql = stock.app.db.owner().await;
    let ids = [order, site].map(|id| id.parse::<uuid::Uuid>().expect("an id"));
    let changed = sql
        .execute(
            "update deployment_targets set state = $3, reason_code = $4, reason = $5, \
               completed_at = case when $3 in ('installed', 'failed') then timestamptz '2026-01-15 12:00Z' end \
             where deployment_id = $1 and site_id = $2",
            &[&ids[0], &ids[1], &state, &code, &reason],
        )
        .await
        .expect("the owner may");
    assert_eq!(changed, 1);
}

/// Seven sites of one order: three without room, two without a network, one without a word, one that is done.
async fn trouble(stock: &Stock) -> (String, Vec<String>) {
    let mut sites = vec![stock.site.clone()];
    for name in ["B", "C", "D", "E", "F", "G"] {
        sites.push(site(stock, name).await);
    }
    let all = group(stock, "Tous", &sites.iter().collect::<Vec<_>>()).await;
    let body = json!({"video_id": stock.video, "target_type": "group", "target_id": all});
    let order = id(&stock.post(PATH, body, StatusCode::CREATED).await);
    let network = (Some("network"), Some("Pas de réseau."));
    for (site, (code, reason)) in sites.iter().zip([
        (Some("no_space"), Some("Il manque 3 Mo.")),
        (Some("no_space"), Some("Il manque 5 Mo.")),
        (Some("no_space"), Some("Il manque 5 Mo.")),
        network,
        network,
        (None, None),
    ]) {
        ends(stock, &order, site, "failed", code, reason).await;
    }
    ends(stock, &order, &sites[6], "installed", None, None).await;
    (order, sites)
}

#[tokio::test]
async fn causes_are_counted_and_one_of_them_is_tried_again() {
    let stock = Stock::new().await;
    let (order, sites) = trouble(&stock).await;
    let path = format!("{PATH}/{order}");
    let no_space = json!({"reason_code": "no_space", "reason": "Il manque 5 Mo.", "sites": 3});
    let network = json!({"reason_code": "network", "reason": "Pas de réseau.", "sites": 2});
    let unknown = json!({"reason_code": null, "reason": null, "sites": 1});
    assert_eq!(stock.get(&format!("{path}/causes")).await, json!([no_space, network, unknown]));
    stock.app.get(&format!("{PATH}/{NOBODY}/causes")).bearer(&stock.token).send().await.expect(StatusCode::NOT_FOUND);

    let retry = |body: Value| stock.post_to(format!("{path}/retry"), body);
    assert_eq!(retry(json!({"reason_code": "corrupt"})).await["retried"], 0);
    assert_eq!(retry(json!({"reason_code": "network", "site_ids": [sites[0], sites[3]]})).await["retried"], 1);
    let answer = retry(json!({"reason_code": "no_space"})).await;
    assert_eq!((&answer["retried"], &answer["failed_count"]), (&json!(3), &json!(2)));
    assert_eq!((&answer["pending_count"], &answer["status"]), (&json!(4), &json!("in_progress")));
    let left = json!({"reason_code": "network", "reason": "Pas de réseau.", "sites": 1});
    assert_eq!(stock.get(&format!("{path}/causes")).await, json!([left, unknown]));
    let unexplained = stock.get(&format!("{path}/targets?reason_code=unknown&state=failed")).await;
    assert_eq!(unexplained["pagination"]["total"], 1, "where no reason was told");
    assert_eq!(retry(json!({"reason_code": "unknown"})).await["retried"], 1);
    assert_eq!(stock.get(&format!("{path}/causes")).await, json!([left]));
    assert_eq!(retry(json!({})).await["retried"], 1, "without a word: all that have failed");
    assert_eq!(stock.get(&format!("{path}/causes")).await, json!([]));
}

#[tokio::test]
async fn orders_are_found_by_what_they_are_and_counted() {
    let stock = Stock::new().await;
    let b = site(&stock, "Salle Élan").await;
    let (one, two) = (group(&stock, "Bretagne", &[&b]).await, group(&stock, "100 % basket", &[&stock.site]).await);
    let selection = json!([{"type": "group", "id": one}, {"type": "group", "id": two}]);
    let selection = json!({"video_id": stock.video, "targets": selection});
    let selection = id(&stock.post(PATH, selection, StatusCode::CREATED).await);
    let to_b = json!({"video_id": stock.video, "target_id": b, "action": "remove"});
    let to_b = id(&stock.post(PATH, to_b, StatusCode::CREATED).await);
    let day = json!({"video_id": stock.video, "target_id": stock.site, "scheduled_at": "2026-02-01T08:00:00Z"});
    let planned = id(&stock.post(PATH, day, StatusCode::CREATED).await);
    ends(&stock, &to_b, &b, "installed", None, None).await;
    for (query, found) in [
        ("", vec![&planned, &to_b, &selection]),
        ("open=true", vec![&planned, &selection]),
        ("open=false", vec![&to_b]),
        ("open=true&status=completed", vec![]),
        ("search=bUt", vec![&planned, &to_b, &selection]),
        ("search=elan", vec![&to_b]),
        ("search=vitre", vec![&planned]),
        ("search=bretagne", vec![&selection]),
        ("search=2+groupes", vec![&selection]),
        ("search=0+%25+b", vec![&selection]),
        ("search=%25", vec![&selection]),
        ("search=but&open=false", vec![&to_b]),
        ("search=nothing", vec![]),
    ] {
        let answer = stock.app.get(&format!("{PATH}?{query}")).bearer(&stock.token).send().await.expect(StatusCode::OK);
        let ids: Vec<String> = answer.json().as_array().expect("an array").iter().map(id).collect();
        assert_eq!(ids.iter().collect::<Vec<_>>(), found, "{query}");
        assert_eq!(answer.header("x-total-count"), found.len().to_string(), "{query}");
    }
    let page = stock.app.get(&format!("{PATH}?limit=1&page=2")).bearer(&stock.token).send().await;
    assert_eq!((page.header("x-total-count"), id(&page.json()[0])), ("3", to_b), "the whole list is counted");
    for wrong in ["open=yes", "open=1", "search=%00"] {
        let answer = stock.app.get(&format!("{PATH}?{wrong}")).bearer(&stock.token).send().await;
        assert_eq!(answer.expect(StatusCode::BAD_REQUEST).code(), "invalid", "{wrong}");
    }
}

#[tokio::test]
async fn a_page_of_another_origin_may_read_the_count() {
    let app = crate::support::TestApp::with(&[("ALLOWED_ORIGINS", "https://dash.test")]).await;
    let token = app.token("viewer").await;
    let answer = app.get(PATH).bearer(&token).header("origin", "https://dash.test").send().await;
    assert!(answer.header("access-control-expose-headers").contains("X-Total-Count"));
    assert_eq!(answer.header("x-total-count"), "0");
}

#[tokio::test]
async fn the_summary_counts_what_is_open_and_what_ended_this_week() {
    let stock = Stock::new().await;
    let summary = || stock.get("/api/deployments/summary");
    let expected = |open: i64, scheduled: i64, failed: i64, completed: i64| json!({"open": open, "scheduled": scheduled, "failed_7d": failed, "completed_7d": completed});
    assert_eq!(summary().await, expected(0, 0, 0, 0));
    let b = site(&stock, "B").await;
    let order = |target: &str, day: Option<&str>| {
        let body = json!({"video_id": stock.video, "target_id": target, "scheduled_at": day});
        stock.post_to(PATH.to_owned(), body)
    };
    let (failed, done) = (id(&order(&stock.site, None).await), id(&order(&b, None).await));
    order(&b, Some("2026-02-01T08:00:00Z")).await;
    assert_eq!(summary().await, expected(3, 1, 0, 0));
    ends(&stock, &failed, &stock.site, "failed", None, None).await;
    ends(&stock, &done, &b, "installed", None, None).await;
    assert_eq!(summary().await, expected(1, 1, 1, 1));
    stock.app.clock.advance(std::time::Duration::from_secs(7 * 86_400 - 1));
    let token = stock.app.token("viewer").await;
    let later = stock.app.get("/api/deployments/summary").bearer(&token).send().await.json();
    assert_eq!(later, expected(1, 1, 1, 1));
    stock.app.clock.advance(std::time::Duration::from_secs(2));
    let later = stock.app.get("/api/deployments/summary").bearer(&token).send().await.json();
    assert_eq!(later, expected(1, 1, 0, 0), "a week has passed");
}
