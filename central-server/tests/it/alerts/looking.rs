//! What counts as wrong, and when it is over.

use std::time::Duration;

use neopro_central::alerts::watch;
use serde_json::json;

use super::Scene;

const OPEN: &str = "select count(*) from alerts where resolved_at is null";

#[tokio::test]
async fn a_server_that_was_away_sees_no_outage_when_it_comes_back() {
    let scene = Scene::start().await;
    scene.sites((0..20).map(|number| format!("Salle {number}"))).await;
    scene.minutes(2, "%").await;
    // Two hours without a server: nobody could write down that the boxes are there.
    scene.app.clock.advance(Duration::from_secs(7_200));
    scene.minutes(4, "").await;
    assert_eq!(scene.count(OPEN).await, 0, "they have some minutes to come back");
    // Those that do not are away.
    scene.minutes(4, "Salle 1%").await;
    assert_eq!(scene.count(OPEN).await, 9);
}

#[tokio::test]
async fn a_site_under_maintenance_and_one_that_was_never_there_are_no_alerts() {
    let scene = Scene::start().await;
    scene.sites(["Travaux".to_owned(), "Neuve".to_owned(), "Gymnase".to_owned()].into_iter()).await;
    scene.sql("update sites set status = 'maintenance' where site_name = 'Travaux'").await;
    scene.sql("update sites set last_seen_at = null where site_name = 'Neuve'").await;
    for _ in 0..24 {
        scene.look().await;
    }
    let away = "select string_agg(site_name, ' ') from alerts join sites on sites.id = site_id";
    assert_eq!(scene.text(away).await, "Gymnase");
}

#[tokio::test]
async fn figures_open_above_their_threshold_and_close_well_below_it() {
    let scene = Scene::start().await;
    scene.sites(["Gymnase".to_owned()].into_iter()).await;
    let state = "select coalesce(string_agg(alert_type || ' ' || severity || ' ' || status, ', ' order by created_at), '') \
                 from alerts";
    let measure = async |degrees: f64, disk: f64, minutes: u32| {
        for _ in 0..minutes * 2 {
            scene.measured("Gymnase", degrees, disk).await;
            scene.look().await;
        }
        scene.text(state).await
    };
    assert_eq!(measure(75.0, 90.0, 2).await, "", "at the threshold nothing is wrong");
    assert_eq!(measure(76.0, 90.0, 1).await, "high_temperature warning active");
    assert_eq!(measure(82.0, 90.0, 1).await, "high_temperature critical active");
    assert_eq!(measure(73.0, 90.0, 20).await, "high_temperature critical active", "within the margin it stays");
    assert_eq!(measure(71.0, 90.0, 4).await, "high_temperature critical active", "not before it lasts");
    assert_eq!(measure(71.0, 90.0, 2).await, "high_temperature critical resolved");
    assert_eq!(measure(71.0, 96.0, 1).await, "high_temperature critical resolved, high_disk_usage critical active");
    // A box that says nothing any more is away, and its disk is not known to be emptier.
    scene.minutes(12, "").await;
    assert_eq!(
        scene.text(state).await,
        "high_temperature critical resolved, high_disk_usage critical active, site_offline warning active"
    );
    let message = scene.text("select message from alerts where alert_type = 'high_disk_usage'").await;
    assert_eq!(message, "Disque plein à 96 %.");
}

#[tokio::test]
async fn a_spike_of_half_a_minute_is_noted_and_not_told() {
    let scene = Scene::start().await;
    scene.sites(["Gymnase".to_owned()].into_iter()).await;
    scene.measured("Gymnase", 79.0, 10.0).await;
    scene.look().await;
    for _ in 0..30 {
        scene.measured("Gymnase", 60.0, 10.0).await;
        scene.look().await;
    }
    assert_eq!(scene.count("select count(*) from alerts where status = 'resolved'").await, 1);
    assert_eq!(scene.told(), (0, 0));
}

#[tokio::test]
async fn a_failed_order_is_an_alert_of_its_sites_until_it_is_mended() {
    let scene = Scene::start().await;
    scene.sites((0..3).map(|number| format!("Salle {number}"))).await;
    scene.look().await;
    super::reports::order(&scene, "camille@club.fr", "Boulangerie", "failed").await;
    scene.minutes(4, "%").await;
    assert_eq!(scene.count("select count(*) from alerts where alert_type = 'deployment_failed'").await, 3);
    assert!(
        scene.said().contains("3 sites avec un déploiement en échec : Salle 0, Salle 1, Salle 2"),
        "{}",
        scene.said()
    );
    scene.sql("update deployment_targets set state = 'installed'").await;
    scene.minutes(6, "%").await;
    assert_eq!(scene.count(OPEN).await, 0);
}

#[tokio::test]
async fn a_database_that_nears_its_limit_is_told_if_somebody_has_said_what_that_is() {
    let scene = Scene::start().await;
    scene.minutes(3, "%").await;
    assert_eq!(scene.told(), (0, 0), "nobody has said");
    let most = scene.count("select round(pg_database_size(current_database()) / 900000.0)::bigint").await;
    let limit = json!({"five_minutes_days": 30, "hours_months": 13, "plays_days": 90, "commands_days": 90,
        "deployments_months": 13, "database_limit_mb": most});
    let sql = "insert into settings (key, value, updated_at) values ('retention', $1, now())";
    scene.app.db.owner().await.execute(sql, &[&limit]).await.expect("a limit");
    scene.minutes(3, "%").await;
    assert!(scene.said().contains("Base de données presque pleine"), "{}", scene.said());
    assert_eq!(scene.text("select severity from alerts").await, "warning");
}

#[tokio::test]
async fn a_look_at_a_large_fleet_that_is_away_writes_nothing_anew() {
    let scene = Scene::start().await;
    scene.sites((0..13_000).map(|number| format!("Salle {number}"))).await;
    scene.minutes(1, "%").await;
    scene.minutes(8, "").await;
    assert_eq!(scene.count(OPEN).await, 13_000);
    assert!(scene.told().0 == 1, "one message");
    // The quickest of some: others work on this machine as well.
    let mut took = Duration::MAX;
    for _ in 0..4 {
        let began = std::time::Instant::now();
        scene.app.clock.advance(Duration::from_secs(30));
        watch::look(&scene.app.app).await.expect("a look");
        took = took.min(began.elapsed());
    }
    println!("a look at 13,000 boxes that are away: {took:?}");
    let touched = scene.count("select count(distinct xmin::text) from alerts").await;
    assert!(touched <= 20, "{touched} transactions have left rows of theirs");
    assert!(took < Duration::from_secs(3), "{took:?}");
}
