//! How many mails leave: throttled, and within a day's number that leaves room for passwords.

use axum::http::StatusCode;
use serde_json::json;

use super::Scene;

#[tokio::test]
async fn five_hundred_alerts_in_an_hour_are_fewer_than_twenty_mails_and_a_reset_leaves_at_once() {
    let scene = Scene::start().await;
    scene.sites((0..500).map(|number| format!("Salle {number:03}"))).await;
    scene.settings(json!({"offline_critical_minutes": 43_200})).await;
    scene.minutes(2, "%").await;
    // Every half minute four more boxes fall silent.
    for step in 0..120 {
        let sql = format!(
            "update sites set last_seen_at = to_timestamp({}) where site_name >= 'Salle {:03}'",
            scene.app.clock.now().unix_seconds(),
            step * 4
        );
        scene.sql(&sql).await;
        scene.look().await;
    }
    let alerts = scene.count("select count(*) from alerts").await;
    assert!(alerts > 400, "{alerts}");
    let (slack, mails) = scene.told();
    assert!((2..=6).contains(&slack) && mails == slack * 2 && mails < 20, "{slack} messages, {mails} mails");
    let body = json!({"email": "robin@club.fr"});
    scene.app.post("/api/auth/forgot-password", body).send().await.expect(StatusCode::OK);
    scene.work().await;
    assert_eq!(scene.sendgrid.taken().len(), mails + 1);
}

#[tokio::test]
async fn behind_the_days_number_only_mail_about_accounts_leaves_and_it_is_said() {
    let scene = Scene::start().await;
    scene.settings(json!({"mails_per_day": 3})).await;
    scene.sites((0..2).map(|number| format!("Salle {number}"))).await;
    scene.minutes(2, "%").await;
    scene.minutes(10, "Salle 1").await;
    assert_eq!(scene.told(), (1, 2));
    let health = scene.app.get("/health").send().await.json();
    assert!(health["checks"]["mail"].get("message").is_none(), "{health}");
    // The second message: one of its two mails is within the number.
    scene.minutes(15, "none").await;
    assert_eq!(scene.told(), (2, 3));
    assert_eq!(scene.count("select held::bigint from mail_days").await, 1);
    let health = scene.app.get("/health").send().await.json();
    assert_eq!((&health["status"], &health["checks"]["mail"]["status"]), (&json!("healthy"), &json!("healthy")));
    let words = health["checks"]["mail"]["message"].as_str().expect("words");
    assert!(words.contains("nombre de courriels du jour"), "{words}");
    for _ in 0..3 {
        let body = json!({"email": "robin@club.fr"});
        scene.app.post("/api/auth/forgot-password", body).send().await.expect(StatusCode::OK);
        scene.work().await;
    }
    assert!(scene.mails("robin@club.fr").iter().any(|(subject, _)| subject.contains("Choose a new")));
    let held = scene.count("select held::bigint from mail_days").await;
    // The next day there is room again.
    scene.app.clock.advance(std::time::Duration::from_secs(86_400));
    scene.minutes(3, "Salle 1").await;
    assert_eq!(scene.count("select held::bigint from mail_days order by day limit 1").await, held);
    assert!(scene.app.get("/health").send().await.json()["checks"]["mail"].get("message").is_none());
}

#[tokio::test]
async fn what_a_provider_refused_is_counted_once() {
    let scene = Scene::start().await;
    scene.sites(["Gymnase".to_owned()].into_iter()).await;
    scene.minutes(2, "%").await;
    for _ in 0..2 {
        scene.sendgrid.will(crate::mail::sendgrid::Next::Refuse(503, "", None));
    }
    scene.minutes(10, "").await;
    assert_eq!(scene.told(), (1, 2));
    assert_eq!(scene.count("select sent::bigint from mail_days").await, 2, "what has not left is not counted");
}
