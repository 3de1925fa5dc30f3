//! Heartbeats by five minutes and by hours, for their times.

use std::time::Duration;

use axum::http::StatusCode;
use neopro_central::ids::SiteId;
use neopro_central::live::jobs::write_now;
use serde_json::{Value, json};

use super::{changed, count, round, set, site};
use crate::support::TestApp;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

/// Beats every minute for so many minutes, the processor a percent busier each minute of five.
async fn beats(app: &TestApp, site: SiteId, minutes: u32) {
    for minute in 0..minutes {
        let metrics =
            json!({"cpu": minute % 5, "memory": 40, "temperature": 50 + minute % 3, "disk": 61, "uptime": 60});
        app.app.live.hub.beat(site, &json!({ "metrics": metrics }), app.clock.now());
        app.clock.advance(MINUTE);
        if minute % 3 == 0 {
            write_now(&app.app).await;
        }
    }
    write_now(&app.app).await;
}

async fn metrics(app: &TestApp, token: &str, site: SiteId, query: &str) -> Value {
    let path = format!("/api/sites/{}/metrics?{query}", site.0);
    app.get(&path).bearer(token).send().await.expect(StatusCode::OK).json()
}

#[tokio::test]
async fn figures_are_told_by_five_minutes_or_by_hours() {
    let app = TestApp::new().await;
    let (site, token) = (site(&app, "Europe/Paris").await, app.token("viewer").await);
    beats(&app, site, 120).await;
    let shape = |answer: &Value| {
        let list = answer["metrics"].as_array().expect("rows");
        let beats: Vec<i64> = list[1..].iter().map(|metric| metric["beats"].as_i64().expect("beats")).collect();
        (answer["resolution"].as_str().expect("a word").to_owned(), beats)
    };
    let hours = ("hour".to_owned(), vec![60, 60]);
    let fine = ("five_minutes".to_owned(), vec![5; 24]);
    assert_eq!(shape(&metrics(&app, &token, site, "hours=24").await), hours, "as it always was");
    assert_eq!(shape(&metrics(&app, &token, site, "hours=24&resolution=hour").await), hours);
    assert_eq!(shape(&metrics(&app, &token, site, "hours=744&resolution=five_minutes").await), fine);
    assert_eq!(shape(&metrics(&app, &token, site, "hours=48&resolution=auto").await), fine);
    assert_eq!(shape(&metrics(&app, &token, site, "hours=49&resolution=auto").await), hours);
    let answer = metrics(&app, &token, site, "resolution=five_minutes").await;
    let first = &answer["metrics"].as_array().expect("rows")[24];
    assert_eq!(
        (
            &first["recorded_at"],
            &first["cpu_usage"],
            &first["temperature"],
            &first["temperature_max"],
            &first["uptime"]
        ),
        (&json!("2026-01-15T12:00:00.000Z"), &json!(2.0), &json!(50.8), &json!(52.0), &json!("60"))
    );
    for (query, field) in [
        ("hours=745&resolution=five_minutes", "hours"),
        ("resolution=minute", "resolution"),
        ("resolution=HOUR", "resolution"),
    ] {
        let path = format!("/api/sites/{}/metrics?{query}", site.0);
        let answer = app.get(&path).bearer(&token).send().await.expect(StatusCode::BAD_REQUEST);
        assert_eq!(answer.fields(), [field], "{query}");
    }
}

#[tokio::test]
async fn five_minutes_go_after_their_days_and_hours_after_their_months() {
    let app = TestApp::new().await;
    let site = site(&app, "Europe/Paris").await;
    beats(&app, site, 60).await;
    app.clock.advance(DAY * 20);
    beats(&app, site, 60).await;
    let slots = "select count(*) from site_figures_5min";
    let hours = "select count(*) from site_figures";
    // Ten days later the first ones are 30 days old to the hour: they stay, and half an hour later half of them goes.
    app.clock.advance(DAY * 10 - MINUTE * 120);
    assert_eq!(round(&app).await.five_minutes, 0);
    app.clock.advance(MINUTE * 30);
    assert_eq!(round(&app).await.five_minutes, 6);
    assert_eq!((count(&app, slots).await, count(&app, hours).await), (18, 2), "the hours know all of it");
    // A longer time keeps what there is, and brings nothing back; a shorter one holds from the next round on.
    set(
        &app,
        &json!({"five_minutes_days": 90, "hours_months": 13, "plays_days": 90, "commands_days": 90,
        "deployments_months": 13, "database_limit_mb": 0}),
    )
    .await;
    app.clock.advance(DAY * 30);
    assert_eq!(round(&app).await.five_minutes, 0);
    set(&app, &changed("five_minutes_days")).await;
    assert_eq!(round(&app).await.five_minutes, 18);
    // Weeks of sleep, and more than a year: one round catches up.
    app.clock.advance(DAY * 330);
    assert_eq!(round(&app).await.hours, 0, "still within 13 months");
    app.clock.advance(DAY * 20);
    assert_eq!((round(&app).await.hours, count(&app, hours).await), (1, 1));
    app.clock.advance(DAY * 60);
    assert_eq!((round(&app).await.hours, count(&app, hours).await), (1, 0));
    let day = "select beats from (select count(*) as beats from club_daily_stats where uptime_percent > 4) x";
    assert_eq!(count(&app, day).await, 2, "the days know how it was for ever");
}

#[tokio::test]
async fn a_day_of_a_club_knows_how_long_its_box_was_there() {
    let app = TestApp::new().await;
    let (present, short) = (site(&app, "Europe/Paris").await, site(&app, "Europe/Paris").await);
    // From 13:00 in Paris to 15:00, at which 15 of the day's hours have passed.
    beats(&app, present, 120).await;
    app.app.live.hub.beat(short, &json!({"metrics": {"cpu": 5}}), app.clock.now());
    write_now(&app.app).await;
    let day = async |site: SiteId| {
        let sql = "select date::text, avg_cpu::float8, avg_temperature::float8, max_temperature::float8, uptime_percent::float8 \
             from club_daily_stats where site_id = $1 order by date desc limit 1";
        let row = app.db.owner().await.query_one(sql, &[&site.0]).await.expect("its day");
        (row.get::<_, String>(0), row.get::<_, Option<f64>>(1), row.get::<_, Option<f64>>(2), row.get::<_, f64>(4))
    };
    round(&app).await;
    assert_eq!(day(present).await, ("2026-01-15".into(), Some(2.0), Some(51.0), 13.33));
    app.clock.advance(DAY * 3);
    round(&app).await;
    assert_eq!(
        day(present).await,
        ("2026-01-15".into(), Some(2.0), Some(51.0), 8.33),
        "of the whole day, once it is over"
    );
    assert_eq!(day(short).await, ("2026-01-15".into(), Some(5.0), None, 0.07));
}
