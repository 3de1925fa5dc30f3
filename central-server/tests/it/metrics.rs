//! Heartbeats become sums by hour, and `/api/sites/:id/metrics` tells them.

use std::time::Duration;

use axum::http::StatusCode;
use neopro_central::ids::SiteId;
use neopro_central::live::jobs::write_now;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::TestApp;
use crate::walls::tenant;

async fn site(app: &TestApp) -> SiteId {
    let id = Uuid::now_v7();
    let sql = format!("insert into sites (id, site_name, club_name, api_key) values ('{id}', '{id}', 'Club', '{id}')");
    app.db.owner().await.batch_execute(&sql).await.expect("a site");
    SiteId(id)
}

fn beat(app: &TestApp, site: SiteId, metrics: &Value) {
    app.app.live.hub.beat(site, &json!({ "metrics": metrics }), app.clock.now());
}

async fn metrics(app: &TestApp, token: &str, site: SiteId, query: &str) -> Value {
    let path = format!("/api/sites/{}/metrics{query}", site.0);
    app.get(&path).bearer(token).send().await.expect(StatusCode::OK).json()
}

#[tokio::test]
async fn a_day_of_heartbeats_is_one_row_an_hour() {
    let app = TestApp::new().await;
    let (site, token) = (site(&app).await, app.token("viewer").await);
    let minute = Duration::from_secs(60);
    for second_hour in [false, true] {
        for number in 0..60 {
            // The middle one of each hour could not measure.
            let cpu = if second_hour { 30.0 } else { 10.0 + f64::from(number % 2) };
            let temperature = if number == 30 { 0.0 } else { 50.0 + f64::from(number) / 10.0 };
            beat(
                &app,
                site,
                &json!({"cpu": cpu, "memory": 40, "temperature": temperature, "disk": 61.25,
                "uptime": 1000 + number * 60, "localIp": "192.168.1.20"}),
            );
            if number % 7 == 0 {
                write_now(&app.app).await;
            }
            app.clock.advance(minute);
        }
    }
    write_now(&app.app).await;
    let rows =
        app.db.owner().await.query_one("select count(*), sum(beats) from site_figures", &[]).await.expect("rows");
    assert_eq!((rows.get::<_, i64>(0), rows.get::<_, i64>(1)), (2, 120));

    let answer = metrics(&app, &token, site, "").await;
    assert_eq!((&answer["site_id"], &answer["period_hours"]), (&json!(site), &json!(24)));
    let list = answer["metrics"].as_array().expect("rows");
    let times: Vec<&Value> = list.iter().map(|metric| &metric["recorded_at"]).collect();
    assert_eq!(times, ["2026-01-15T13:59:00.000Z", "2026-01-15T13:00:00.000Z", "2026-01-15T12:00:00.000Z"]);
    let (latest, first) = (&list[0], &list[2]);
    assert_eq!(
        (&latest["cpu_usage"], &latest["temperature"], &latest["beats"]),
        (&json!(30.0), &json!(55.9), &json!(1))
    );
    assert_eq!((&latest["uptime"], &latest["network_status"]), (&json!("4540"), &Value::Null));
    assert_eq!(
        (&first["cpu_usage"], &first["memory_usage"], &first["disk_usage"]),
        (&json!(10.5), &json!(40.0), &json!(61.3))
    );
    assert_eq!(
        (&first["temperature"], &first["temperature_max"], &first["beats"]),
        (&json!(52.9), &json!(55.9), &json!(60))
    );
    // Asked again it says the same, ids included.
    assert_eq!(metrics(&app, &token, site, "?hours=24").await, answer);
    assert_eq!(metrics(&app, &token, site, "?hours=1").await["metrics"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn what_a_box_does_not_know_is_null_and_what_cannot_be_is_not_stored() {
    let app = TestApp::new().await;
    let (site, token) = (site(&app).await, app.token("viewer").await);
    assert_eq!(metrics(&app, &token, site, "").await["metrics"], json!([]));
    for nonsense in
        [json!({"cpu": 1e300, "memory": -4, "temperature": 0, "disk": 0, "uptime": 1e18}), json!("none"), Value::Null]
    {
        beat(&app, site, &nonsense);
    }
    write_now(&app.app).await;
    for metric in metrics(&app, &token, site, "").await["metrics"].as_array().expect("rows") {
        for figure in ["cpu_usage", "memory_usage", "temperature", "temperature_max", "disk_usage", "uptime"] {
            assert_eq!(metric[figure], Value::Null, "{figure}");
        }
    }
    for query in ["?hours=0", "?hours=8785", "?hours=abc"] {
        let path = format!("/api/sites/{}/metrics{query}", site.0);
        app.get(&path).bearer(&token).send().await.expect(StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn a_deleted_site_does_not_keep_the_others_from_being_written() {
    let app = TestApp::new().await;
    let (gone, stays) = (site(&app).await, site(&app).await);
    beat(&app, gone, &json!({"cpu": 1}));
    beat(&app, stays, &json!({"cpu": 2}));
    app.db.owner().await.execute("delete from sites where id = $1", &[&gone.0]).await.expect("deleted");
    write_now(&app.app).await;
    let rows = app.db.owner().await.query("select site_id from site_latest", &[]).await.expect("rows");
    assert_eq!(rows.iter().map(|row| row.get::<_, Uuid>(0)).collect::<Vec<_>>(), [stays.0]);
}

#[tokio::test]
async fn an_agency_sees_the_figures_of_its_clubs_and_a_sponsor_none() {
    let app = TestApp::new().await;
    let (agency, sponsor) = (tenant(&app, "agency").await, tenant(&app, "sponsor").await);
    for site in [agency.site, sponsor.site] {
        beat(&app, SiteId(site), &json!({"cpu": 7}));
    }
    write_now(&app.app).await;
    assert_eq!(metrics(&app, &agency.token, SiteId(agency.site), "").await["metrics"][0]["cpu_usage"], 7.0);
    let foreign = format!("/api/sites/{}/metrics", sponsor.site);
    app.get(&foreign).bearer(&agency.token).send().await.expect(StatusCode::NOT_FOUND);
    app.get(&foreign).bearer(&sponsor.token).send().await.expect(StatusCode::FORBIDDEN);
}

async fn get(app: &TestApp, token: &str, site: SiteId, what: &str) -> Value {
    app.get(&format!("/api/sites/{}/{what}", site.0)).bearer(token).send().await.expect(StatusCode::OK).json()
}

/// Half an hour of heartbeats, ten minutes of silence, and heartbeats for another half an hour.
async fn hour_with_a_gap(app: &TestApp, site: SiteId) {
    for half_minute in 0..140 {
        if !(60..80).contains(&half_minute) {
            beat(app, site, &json!({"cpu": 1}));
        }
        if half_minute % 25 == 0 {
            write_now(&app.app).await;
        }
        app.clock.advance(Duration::from_secs(30));
    }
    write_now(&app.app).await;
}

#[tokio::test]
async fn a_silence_is_a_gap_to_the_minute_and_before_the_first_heartbeat_nothing_is_known() {
    let app = TestApp::new().await;
    let (site, token) = (site(&app).await, app.token("viewer").await);
    let never = get(&app, &token, site, "availability?hours=1").await;
    assert_eq!(
        never,
        json!({"from": "2026-01-15T10:59:00.000Z", "to": "2026-01-15T11:59:00.000Z", "online_percent": null,
            "spans": [{"from": "2026-01-15T10:59:00.000Z", "to": "2026-01-15T11:59:00.000Z", "state": "unknown"}]})
    );
    hour_with_a_gap(&app, site).await;
    app.clock.advance(Duration::from_secs(130));
    // 13:12:10: the box is gone since 13:10.
    let day = get(&app, &token, site, "availability").await;
    let spans: Vec<(&str, &str, &str)> = day["spans"]
        .as_array()
        .expect("spans")
        .iter()
        .map(|span| {
            let time = |end: &str| span[end].as_str().map(|time| &time[8..16]).expect("a time");
            (time("from"), time("to"), span["state"].as_str().expect("a state"))
        })
        .collect();
    assert_eq!(
        spans,
        [
            ("14T13:12", "15T12:00", "unknown"),
            ("15T12:00", "15T12:30", "online"),
            ("15T12:30", "15T12:40", "offline"),
            ("15T12:40", "15T13:10", "online"),
            ("15T13:10", "15T13:12", "offline"),
        ]
    );
    assert_eq!(day["online_percent"], 83.33, "60 minutes of 72");
    let hour = get(&app, &token, site, "availability?hours=1").await;
    assert_eq!((&hour["spans"][0]["state"], &hour["online_percent"]), (&json!("online"), &json!(80.0)));
    for query in ["?hours=0", "?hours=745", "?hours=abc", "?hours=1e1"] {
        let path = format!("/api/sites/{}/availability{query}", site.0);
        let answer = app.get(&path).bearer(&token).send().await.expect(StatusCode::BAD_REQUEST);
        assert_eq!(answer.fields(), ["hours"], "{query}");
    }
    let nobody = format!("/api/sites/{}/availability", Uuid::now_v7());
    app.get(&nobody).bearer(&token).send().await.expect(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_connection_of_a_site_and_its_day() {
    let app = TestApp::new().await;
    let (site, token) = (site(&app).await, app.token("viewer").await);
    let nothing = json!({"heartbeats24h": 0, "uptime24h": 0.0, "firstHeartbeat24h": null, "lastHeartbeat24h": null});
    let fresh = get(&app, &token, site, "connection-status").await;
    assert_eq!((&fresh["connection"]["displayStatus"], &fresh["statistics"]), (&json!("unknown"), &nothing));

    hour_with_a_gap(&app, site).await;
    let mirror = "insert into site_mirrors (site_id, configuration, received_at) select id, '{}', '2026-01-15 12:34Z' from sites";
    app.db.owner().await.batch_execute(mirror).await.expect("a mirror");
    let shown = get(&app, &token, site, "connection-status").await;
    assert_eq!(
        shown,
        json!({
            "siteId": site, "siteName": site.0.to_string(), "clubName": "Club",
            "connection": {"isConnected": true, "displayStatus": "online", "lastSeenAt": "2026-01-15T13:09:30.000Z",
                "secondsSinceLastSeen": 30, "localIp": null},
            "sync": {"lastConfigSync": "2026-01-15T12:34:00.000Z"},
            // The minute that has just ended may not be written down wholly: it is not counted.
            "statistics": {"heartbeats24h": 118, "uptime24h": 4.1, "firstHeartbeat24h": "2026-01-15T12:00:00.000Z",
                "lastHeartbeat24h": "2026-01-15T13:09:30.000Z"},
        })
    );
    // A day later the box has said nothing more.
    app.clock.advance(Duration::from_secs(26 * 3_600));
    assert_eq!(get(&app, &token, site, "connection-status").await["statistics"], nothing);
    let nobody = format!("/api/sites/{}/connection-status", Uuid::now_v7());
    app.get(&nobody).bearer(&token).send().await.expect(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_agency_sees_when_its_clubs_were_there_and_a_sponsor_does_not() {
    let app = TestApp::new().await;
    let (agency, sponsor) = (tenant(&app, "agency").await, tenant(&app, "sponsor").await);
    for site in [agency.site, sponsor.site] {
        beat(&app, SiteId(site), &json!({"cpu": 7}));
    }
    write_now(&app.app).await;
    let mirrors = "insert into site_mirrors (site_id, configuration, received_at) select id, '{}', now() from sites";
    app.db.owner().await.batch_execute(mirrors).await.expect("mirrors");
    app.clock.advance(Duration::from_secs(70));
    let own = SiteId(agency.site);
    assert_eq!(get(&app, &agency.token, own, "availability").await["online_percent"], 100.0);
    let connection = get(&app, &agency.token, own, "connection-status").await;
    assert_eq!(
        (&connection["statistics"]["heartbeats24h"], &connection["sync"]["lastConfigSync"]),
        (&json!(1), &Value::Null)
    );
    for what in ["availability", "connection-status"] {
        let foreign = format!("/api/sites/{}/{what}", sponsor.site);
        app.get(&foreign).bearer(&agency.token).send().await.expect(StatusCode::NOT_FOUND);
        app.get(&foreign).bearer(&sponsor.token).send().await.expect(StatusCode::FORBIDDEN);
    }
}
