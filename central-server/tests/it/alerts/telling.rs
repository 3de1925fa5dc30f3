//! What people are told, how often, and that it is once.

use axum::http::StatusCode;
use neopro_central::alerts::watch;
use neopro_central::jobs::worker;
use serde_json::json;

use super::slack::{Next, SECRET, Slack};
use super::{Scene, server, server_with};
use crate::mail::sendgrid::SendGrid;
use crate::support::Cluster;

fn numbered(count: u32) -> impl Iterator<Item = String> {
    (1..=count).map(|number| format!("Salle {number:03}"))
}

#[tokio::test]
async fn five_hundred_boxes_that_drop_are_one_message_and_one_mail_for_each_reader() {
    let scene = Scene::start().await;
    scene.app.account("lea@club.fr", "viewer").await;
    scene.app.account("sans@club.fr", "admin").await;
    scene.sql("update users set mail_alerts = false where email = 'sans@club.fr'").await;
    scene.sites(numbered(500)).await;
    scene.minutes(3, "%").await;
    assert_eq!(scene.told(), (0, 0), "a fleet that is there is no news");

    // They fall silent within two minutes, as leases end.
    for part in 1..=4 {
        scene.heard(&format!("Salle {part}%")).await;
        scene.look().await;
    }
    scene.minutes(40, "").await;
    assert_eq!(scene.count("select count(*) from alerts where resolved_at is null").await, 500);
    assert_eq!(scene.told(), (1, 2), "{:?}", scene.slack.taken());
    let said = scene.said();
    let names = "500 boîtiers hors ligne : Salle 001, Salle 002, Salle 003, Salle 004, Salle 005 et 495 autres";
    assert!(said.contains(names), "{said}");
    assert!(said.contains("<https://tableau.neopro.test/alerts|Ouvrir dans NeoPro>"), "{said}");
    assert_eq!(scene.slack.taken()[0]["channel"], "#alerts-neopro");
    let [(subject, text)] = &scene.mails("robin@club.fr")[..] else { panic!("one mail") };
    assert!(subject.contains("500 boxes offline: Salle 001"), "{subject}");
    assert!(text.contains("\nhttps://tableau.neopro.test/alerts\n") && text.contains("Hello Camille"), "{text}");
    assert!(scene.mails("camille@club.fr")[0].0.contains("500 boîtiers hors ligne"));
    assert_eq!((scene.mails("lea@club.fr").len(), scene.mails("sans@club.fr").len()), (0, 0));

    // It grows critical an hour after: one more. They come back: one more, and then silence.
    scene.minutes(30, "").await;
    assert_eq!(scene.told(), (2, 4));
    assert!(scene.said().contains("Devenu critique"), "{}", scene.said());
    scene.minutes(20, "%").await;
    assert_eq!(scene.told(), (3, 6));
    assert!(scene.said().contains("Rétabli – 500 boîtiers hors ligne"), "{}", scene.said());
    scene.minutes(60, "%").await;
    assert_eq!(scene.told(), (3, 6), "recovery is told once");
    // The control: one box alone is told by its name, with a link to its site.
    scene.minutes(8, "Salle 0%").await;
    scene.minutes(1, "%").await;
    assert_eq!(scene.told().0, 4);
}

#[tokio::test]
async fn what_comes_and_goes_is_told_once() {
    let scene = Scene::start().await;
    scene.sites(["Gymnase".to_owned(), "Autre".to_owned()].into_iter()).await;
    scene.minutes(3, "%").await;
    for _ in 0..12 {
        scene.minutes(7, "Autre").await;
        scene.minutes(3, "%").await;
    }
    assert_eq!(scene.count("select count(*) from alerts").await, 1, "it was never away for long enough to be over");
    assert_eq!(scene.told(), (1, 2));
    assert!(scene.said().contains("1 boîtier hors ligne : Gymnase"), "{}", scene.said());
    assert!(scene.said().contains("/sites/"), "{}", scene.said());
    scene.minutes(20, "%").await;
    assert_eq!(scene.told(), (2, 4), "and that it is over, once");

    // With longer pauses it is over each time: three times in a day it is told, and then no more.
    for _ in 0..6 {
        scene.minutes(20, "Autre").await;
        scene.minutes(20, "%").await;
    }
    assert_eq!(scene.count("select count(*) from alerts").await, 7);
    assert_eq!(scene.count("select count(*) from alerts where told_at is not null").await, 3);
    assert_eq!(scene.told(), (6, 12));
}

#[tokio::test]
async fn what_lasts_is_told_again_after_a_day_unless_somebody_has_taken_it_on() {
    let scene = Scene::start().await;
    scene.sites(["Gymnase".to_owned(), "Salle".to_owned()].into_iter()).await;
    scene.settings(json!({"offline_critical_minutes": 43_200})).await;
    scene.minutes(2, "%").await;
    scene.minutes(10, "").await;
    assert_eq!(scene.told().0, 1);
    scene.sql("update alerts set status = 'acknowledged' where site_id = (select id from sites where site_name = 'Salle')").await;
    for _ in 0..25 {
        scene.app.clock.advance(std::time::Duration::from_secs(3_400));
        // A server that was away in between looks again.
        scene.minutes(3, "").await;
    }
    assert_eq!(scene.told().0, 2, "{}", scene.said());
    assert!(scene.said().contains("Dure encore") && scene.said().contains("1 boîtier hors ligne : Gymnase"));
}

#[tokio::test]
async fn a_server_that_dies_in_between_and_one_beside_it_tell_once() {
    let scene = Scene::start().await;
    let other = server(scene.app.db.clone(), &scene.slack, &scene.sendgrid).await;
    scene.sites(numbered(3)).await;
    scene.minutes(2, "%").await;
    // It dies between seeing and telling: what it saw is committed with a notice that nobody has passed on.
    while scene.count("select count(*) from alert_notices").await == 0 {
        scene.app.clock.advance(std::time::Duration::from_secs(30));
        watch::look(&scene.app.app).await.expect("a look");
    }
    assert_eq!((scene.told(), scene.count("select count(*) from jobs").await), ((0, 0), 0));
    // Two servers find it at the same moment, and look themselves.
    let (one, two) = (&scene.app.app, &other.app);
    let (first, second) = tokio::join!(watch::pass_on(one), watch::pass_on(two));
    first.and(second).expect("one was faster");
    assert_eq!(scene.count("select count(*) from jobs").await, 3, "Slack and two people");
    let (first, second) = tokio::join!(watch::look(one), watch::look(two));
    first.and(second).expect("both looked");
    // The one that has made the jobs dies before it does them.
    other.clock.advance(std::time::Duration::from_secs(600));
    while worker::round(two).await > 0 {}
    assert_eq!(scene.told(), (1, 2));
    scene.minutes(10, "").await;
    assert_eq!(scene.told(), (1, 2));
}

#[tokio::test]
async fn slacks_refusals_are_told_in_words_and_mended_without_a_restart() {
    for (refusal, words, tried_again) in [
        (Next::Refuse(404, "no_service"), "Slack ne connaît plus ce webhook", true),
        (Next::Refuse(403, "invalid_token"), "recopier son adresse entière dans SLACK_WEBHOOK_URL", true),
        (Next::Refuse(410, "channel_is_archived"), "Le canal de ce webhook est archivé", true),
        (Next::Refuse(404, "channel_not_found"), "n'existe plus", true),
        (Next::Refuse(403, "action_prohibited"), "ne laisse pas cette application écrire", true),
        (Next::Refuse(400, "invalid_blocks"), "ne comprend pas le message", false),
        (Next::Refuse(500, "rollup_error"), "Slack ne répond pas", true),
    ] {
        let scene = Scene::start().await;
        scene.sites(["Gymnase".to_owned()].into_iter()).await;
        scene.minutes(2, "%").await;
        scene.slack.will(refusal);
        while scene.slack.requests() == 0 {
            scene.look().await;
        }
        let error = scene.text("select last_error from jobs where kind = 'slack'").await;
        assert!(error.contains(words) && !error.contains(SECRET), "{refusal:?}: {error}");
        let health = scene.app.get("/health").send().await.json();
        assert_eq!(health["checks"]["slack"]["status"], "degraded", "{refusal:?}");
        assert!(health["checks"]["slack"]["message"].as_str().expect("words").contains(words), "{health}");
        assert!(!health.to_string().contains(SECRET));
        let mails = scene.sendgrid.taken().len();
        assert_eq!(mails, 2, "the mail of the same alert has left");
        scene.app.clock.advance(std::time::Duration::from_secs(20));
        scene.work().await;
        assert_eq!(scene.slack.taken().len(), usize::from(tried_again), "{refusal:?}");
        if tried_again {
            let health = scene.app.get("/health").send().await.json();
            assert_eq!(health["checks"]["slack"]["status"], "healthy", "{refusal:?}");
        }
    }
}

#[tokio::test]
async fn slack_says_for_how_long_to_wait() {
    let scene = Scene::start().await;
    scene.sites(["Gymnase".to_owned()].into_iter()).await;
    scene.minutes(2, "%").await;
    scene.slack.will(Next::TooMany(100));
    while scene.slack.requests() == 0 {
        scene.look().await;
    }
    scene.app.clock.advance(std::time::Duration::from_secs(99));
    scene.work().await;
    assert_eq!((scene.slack.requests(), scene.slack.taken().len()), (1, 0), "its own pauses would be over");
    scene.app.clock.advance(std::time::Duration::from_secs(1));
    scene.work().await;
    assert_eq!((scene.slack.requests(), scene.slack.taken().len()), (2, 1));
}

#[tokio::test]
async fn a_webhook_that_fails_is_told_by_mail_and_what_is_old_is_dropped() {
    let scene = Scene::start().await;
    scene.sites(["Gymnase".to_owned()].into_iter()).await;
    scene.minutes(2, "%").await;
    for _ in 0..40 {
        scene.slack.will(Next::Refuse(404, "no_service"));
    }
    scene.minutes(60, "").await;
    assert_eq!(scene.slack.taken().len(), 0);
    let mails = scene.mails("camille@club.fr");
    assert!(mails.iter().any(|(_, text)| text.contains("Slack refuse les messages")), "{mails:?}");
    scene.minutes(180, "").await;
    // What Slack was to be told this long ago is no news: nothing waits for ever.
    assert_eq!(scene.count("select count(*) from jobs where kind = 'slack' and state = 'waiting'").await, 0);
}

#[tokio::test]
async fn a_slack_that_hangs_holds_nobody_up() {
    let scene = Scene::start().await;
    scene.sites(["Gymnase".to_owned()].into_iter()).await;
    scene.minutes(2, "%").await;
    scene.slack.will(Next::Silence);
    while scene.count("select count(*) from alert_notices").await == 0 {
        scene.app.clock.advance(std::time::Duration::from_secs(30));
        watch::look(&scene.app.app).await.expect("a look");
    }
    watch::pass_on(&scene.app.app).await.expect("passed on");
    let working = tokio::spawn(worker::run(scene.app.app.clone()));
    let began = std::time::Instant::now();
    while scene.slack.requests() == 0 || scene.sendgrid.taken().len() < 2 {
        assert!(began.elapsed().as_secs() < 10, "both are tried");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let asked = std::time::Instant::now();
    let body = json!({"email": "robin@club.fr"});
    scene.app.post("/api/auth/forgot-password", body).send().await.expect(StatusCode::OK);
    while scene.sendgrid.taken().len() < 3 {
        assert!(asked.elapsed().as_secs() < 8, "the password's mail waits behind Slack");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    // The control: Slack has not answered all this time.
    assert_eq!((scene.slack.requests(), scene.slack.taken().len()), (1, 0));
    working.abort();
}

/// Both values, from what is seen to what Slack hears. Without either the webhook alone switches it on: every other test here.
#[tokio::test]
async fn slack_hears_nothing_once_alerts_are_switched_off_and_mails_go_on() {
    for (value, heard) in [("true", 1), ("false", 0)] {
        let (slack, sendgrid) = (Slack::start().await, SendGrid::start().await);
        let app =
            server_with(Cluster::get().migrated().await, &slack, &sendgrid, &[("SLACK_ALERTS_ENABLED", value)]).await;
        app.account("camille@club.fr", "super_admin").await;
        let scene = Scene { app, slack, sendgrid };
        scene.sites(numbered(3)).await;
        scene.minutes(10, "").await;
        assert_eq!(scene.count("select count(*) from alerts where resolved_at is null").await, 3);
        assert_eq!(scene.told(), (heard, 1), "SLACK_ALERTS_ENABLED={value}");
        assert_eq!(scene.slack.requests(), heard, "not even tried");
        assert_eq!(scene.count("select count(*) from jobs where kind = 'slack'").await as usize, heard);
    }
}
