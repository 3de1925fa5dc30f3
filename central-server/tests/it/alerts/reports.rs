//! What became of orders, and how a week was.

use serde_json::json;

use super::Scene;

/// An order of this person's for every site, which has ended like this.
pub async fn order(scene: &Scene, by: &str, title: &str, state: &str) {
    let (now, user) = (scene.app.clock.now().unix_seconds(), scene.user(by).await);
    let sql = "with made as ( \
           insert into content_deployments (video_title, target_type, target_id, target_name, deployed_by, created_at, started_at) \
             values ($1, 'group', gen_random_uuid(), 'Bretagne', $2, to_timestamp($3::bigint), to_timestamp($3::bigint)) \
             returning id) \
         insert into deployment_targets (deployment_id, site_id, video_id, action, state, progress, revision, was_wanted, \
             created_at, completed_at) \
           select made.id, s.id, gen_random_uuid(), 'install', $4, 0, 1, false, to_timestamp($3::bigint), \
             case when $4 in ('installed', 'failed') then to_timestamp($3::bigint) end from made, sites s";
    scene.app.db.owner().await.execute(sql, &[&title, &user, &now, &state]).await.expect("an order");
}

#[tokio::test]
async fn whoever_gave_an_order_is_told_once_what_became_of_it() {
    let scene = Scene::start().await;
    scene.app.account("op@club.fr", "operator").await;
    scene.app.account("calme@club.fr", "operator").await;
    scene.sql("update users set mail_results = false where email = 'calme@club.fr'").await;
    scene.sql("update users set language = 'es' where email = 'op@club.fr'").await;
    scene.sites((0..3).map(|number| format!("Salle {number}"))).await;
    order(&scene, "op@club.fr", "Boulangerie", "downloading").await;
    order(&scene, "calme@club.fr", "Autre", "installed").await;
    scene.minutes(5, "%").await;
    assert_eq!(scene.sendgrid.taken().len(), 0, "not before all have ended, and not who does not want it");

    let now = scene.app.clock.now().unix_seconds();
    let ended = format!(
        "update deployment_targets set state = case when site_id = (select id from sites where site_name = 'Salle 0') \
           then 'failed' else 'installed' end, completed_at = to_timestamp({now}) where state = 'downloading'"
    );
    scene.sql(&ended).await;
    scene.minutes(3, "%").await;
    let mails = scene.mails("op@club.fr");
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert_eq!(mails[0].0, "NeoPro : «Boulangerie» a Bretagne: 2 de 3 sitios, 1 fallidos");
    let id = scene.text("select id::text from content_deployments where video_title = 'Boulangerie'").await;
    assert!(mails[0].1.contains(&format!("\nhttps://tableau.neopro.test/deployments/{id}\n")), "{}", mails[0].1);
    scene.sql("update deployment_targets set state = 'installed'").await;
    scene.minutes(5, "%").await;
    assert_eq!(scene.mails("op@club.fr").len(), 1);
    // Several that end together are one mail.
    for title in ["Un", "Deux", "Trois"] {
        order(&scene, "op@club.fr", title, "installed").await;
    }
    scene.minutes(3, "%").await;
    assert_eq!(scene.mails("op@club.fr").len(), 2);
    assert!(scene.mails("op@club.fr")[1].0.contains("3 despliegues"), "{:?}", scene.mails("op@club.fr")[1]);
    assert_eq!(scene.mails("calme@club.fr").len(), 0);
}

#[tokio::test]
async fn an_order_that_does_not_end_is_told_after_a_day() {
    let scene = Scene::start().await;
    scene.sites(["Gymnase".to_owned()].into_iter()).await;
    order(&scene, "robin@club.fr", "Boulangerie", "pending").await;
    scene.minutes(2, "%").await;
    assert_eq!(scene.mails("robin@club.fr").len(), 0);
    scene.app.clock.advance(std::time::Duration::from_secs(86_400));
    scene.minutes(1, "%").await;
    let mails = scene.mails("robin@club.fr");
    assert!(mails[0].0.contains("0 of 1 sites, 1 still waiting after a day"), "{mails:?}");
}

#[tokio::test]
async fn a_week_is_told_once_on_monday_with_what_was_held_back() {
    let scene = Scene::start().await;
    scene.sites((0..4).map(|number| format!("Salle {number}"))).await;
    // Thursday: it is looked for the first time, and a box is away for half an hour and five minutes.
    scene.minutes(2, "%").await;
    scene.minutes(30, "Salle 1").await;
    scene.minutes(10, "%").await;
    order(&scene, "robin@club.fr", "Boulangerie", "failed").await;
    scene.sql("update mail_days set held = 7").await;
    let before = scene.sendgrid.taken().len();
    // Monday 2026-01-19, 7 in France is 6 in UTC.
    let until = |moment: &str| {
        let moment: neopro_central::clock::Time = moment.parse().expect("a moment");
        std::time::Duration::from_secs(
            u64::try_from(moment.unix_seconds() - scene.app.clock.now().unix_seconds()).expect("ahead"),
        )
    };
    scene.app.clock.advance(until("2026-01-19T05:58:00Z"));
    scene.minutes(1, "%").await;
    let weeks = |to: &str| {
        scene.mails(to).into_iter().filter(|(subject, _)| subject.contains("2026-01-12")).collect::<Vec<_>>()
    };
    assert_eq!(weeks("robin@club.fr").len(), 0);
    scene.minutes(4, "%").await;
    let told = weeks("robin@club.fr");
    assert_eq!(told.len(), 1, "{:?}", scene.sendgrid.taken().len() - before);
    let text = &told[0].1;
    for words in
        ["Boxes online now: 4 of 4", "Deployments: 1, 1 of them failed", "Mails held back by the daily limit: 7"]
    {
        assert!(text.contains(words), "{words} in {text}");
    }
    assert!(text.contains("Salle 0 (30 min)") || text.contains("Salle 0 (31 min)"), "{text}");
    assert_eq!(weeks("camille@club.fr").len(), 1);
    scene.minutes(30, "%").await;
    assert_eq!(weeks("robin@club.fr").len(), 1);
    // The next week, switched off, is not told.
    scene.settings(json!({"weekly_summary": false})).await;
    scene.app.clock.advance(until("2026-01-26T06:30:00Z"));
    scene.minutes(3, "%").await;
    assert!(scene.mails("robin@club.fr").iter().all(|(subject, _)| !subject.contains("2026-01-19")));
}
