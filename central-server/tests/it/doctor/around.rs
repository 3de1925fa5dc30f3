//! Storage, Redis, mail, Slack and logs in every state that the guide's troubleshooting chapter knows.

use super::sinks::{alerting, silent};
use super::{World, error, remark, unseen, warning};
use crate::mail::sendgrid;
use crate::observe::sink::{self as logtail, Next};
use crate::support::program;
use crate::support::supabase::{Bucket, Mood};

#[tokio::test]
async fn each_trouble_of_the_storage_names_its_bucket_its_policy_and_its_step() {
    let world = World::new().await;
    let (code, report) = world.doctor(&[("SUPABASE_SERVICE_KEY", "sb_secret_another-one")]).await;
    assert_eq!(code, 1);
    error("storage.bucket", "refuse la clé", "SUPABASE_SERVICE_KEY", "2.3").on("videos").check(&report);
    let (_, report) = world.doctor(&[("SUPABASE_SERVICE_KEY", &crate::support::Supabase::jwt("anon"))]).await;
    error("storage.settings", "clé anon", "SUPABASE_SERVICE_KEY", "2.3").on("SUPABASE_SERVICE_KEY").check(&report);
    unseen("storage.object_size", "pas utilisables", "3.1").check(&report);
    unseen("storage.pages", "pas utilisables", "3").check(&report);
    let nobody = format!("http://127.0.0.1:{}", program::free_port());
    let (_, report) = world.doctor(&[("SUPABASE_URL", &nobody)]).await;
    error("storage.bucket", "ne répond pas", "SUPABASE_URL", "2.3").on("videos").check(&report);

    type Change = fn(&mut Mood);
    let moods: [(Change, super::Promise); 7] = [
        (|mood| mood.reads_refused = true, error("storage.read", "refusée", "Allow public read", "3.3").on("videos")),
        (
            |mood| mood.writes_refused = true,
            error("storage.write", "écrire", "Allow service upload", "3.4").on("software-updates"),
        ),
        (|mood| mood.open = true, error("storage.closed", "N'importe qui", "INSERT", "3.3").on("videos")),
        (
            |mood| mood.reads_refused = true,
            error("storage.read", "refusée", "Allow public read", "3.4").on("software-updates"),
        ),
        (|mood| mood.open = true, error("storage.closed", "N'importe qui", "INSERT", "3.4").on("software-updates")),
        (|mood| mood.paused = true, error("storage.bucket", "en pause", "Relancez", "2").on("videos")),
        (|mood| mood.quota_full = true, error("storage.bucket", "limite de l'offre", "Supprimez", "3").on("videos")),
    ];
    for (change, promise) in moods {
        world.supabase.set(change);
        let (code, report) = world.doctor(&[]).await;
        assert_eq!(code, 1);
        promise.check(&report);
        assert!(world.supabase.paths("videos").is_empty(), "{promise:?} leaves nothing behind");
        world.supabase.set(|mood| *mood = Mood::default());
    }
    for (name, step) in [("videos", "3.1"), ("software-updates", "3.2")] {
        world.supabase.book().buckets.insert(name.into(), Bucket { public: false, file_size_limit: None });
        let (_, report) = world.doctor(&[]).await;
        error("storage.bucket", "privé", "public", step).on(name).check(&report);
        world.supabase.book().buckets.remove(name);
        let (_, report) = world.doctor(&[]).await;
        error("storage.bucket", "n'existe pas", "Créez", step).on(name).check(&report);
        assert!(!world.supabase.book().buckets.contains_key(name), "looking makes nothing");
        world.supabase.book().buckets.insert(name.into(), Bucket { public: true, file_size_limit: Some(50_000_000) });
    }
    let (code, report) =
        world.doctor(&[("STORAGE", "local"), ("PUBLIC_URL", "https://neopro-essai.onrender.com")]).await;
    assert_eq!(code, 1, "nobody answers there");
    warning("storage.bucket", "disparaissent", "storage copy", "3.1").check(&report);
    let (_, report) = world.doctor(&[]).await;
    remark("storage.object_size", "50 Mo au plus", "3.1").check(&report);
    let owner = world.db.owner().await;
    let fill = "insert into videos (filename, original_name, file_size, mime_type, storage_path) values ('a.mp4', 'a.mp4', 900000000, 'video/mp4', 'uploads/a.mp4')";
    owner.batch_execute(fill).await.expect("a large video");
    let (code, report) = world.doctor(&[]).await;
    assert_eq!(code, 0, "a warning is no error: {report:#}");
    warning("storage.room", "900 Mo sur 1000 Mo", "changez d'offre", "3").check(&report);
    owner.batch_execute("update videos set file_size = 1000000000").await.expect("a larger one");
    error("storage.room", "1000 Mo", "Supprimez", "3").check(&world.doctor(&[]).await.1);
}

#[tokio::test]
async fn each_way_in_which_redis_does_not_answer_is_told_apart() {
    let world = World::new().await;
    let port = world.redis.port;
    let at = |scheme: &str, password: &str, port: u16| format!("{scheme}://default:{password}@127.0.0.1:{port}");
    let good = super::sinks::REDIS_PASSWORD;
    let closed = program::free_port();
    for (url, found, fix) in [
        (at("redis", "wrong-password", port), "refuse le mot de passe", "REDIS_URL"),
        (at("redis", "", port), "refuse le mot de passe", "REDIS_URL"),
        (at("redis", good, closed), "Connection refused", "redis-cli"),
        (at("redis", good, silent().await), "ne répond pas", "redis-cli"),
        (at("redis", good, alerting().await), "attend une connexion chiffrée", "rediss://"),
        (at("rediss", good, port), "ne parle pas TLS", "redis://"),
        (at("redis", good, world.sinks.port), "ne répond pas comme Redis", "redis-cli"),
        (format!("redis://default:{good}@redis.invalid:6379"), "n'existe pas", "redis-cli"),
    ] {
        let (code, report) = world.doctor(&[("REDIS_URL", &url)]).await;
        warning("redis.ping", found, fix, "4.3").check(&report);
        assert_eq!(code, 0, "without its bell the server works: {report:#}");
    }
    for (url, found) in [("redis.example.org:6379", "rediss://"), ("https://a.upstash.io", "REST")] {
        let (code, report) = world.doctor(&[("REDIS_URL", url)]).await;
        error("redis.settings", found, "REDIS_URL", "4.3").on("REDIS_URL").check(&report);
        assert_eq!(code, 1);
    }
}

#[tokio::test]
async fn mail_that_would_not_leave_says_whether_it_is_the_key_the_sender_the_quota_or_the_port() {
    const PART: &str = "Alertes par email";
    let world = World::new().await;
    let (code, report) = world.doctor(&[("SENDGRID_API_KEY", "XX.not-a-key-of-sendgrid")]).await;
    assert_eq!(code, 1);
    error("mail.settings", "commence par « SG. »", "SENDGRID_API_KEY", PART).on("SENDGRID_API_KEY").check(&report);
    for (next, found, fix) in [
        (sendgrid::Next::Refuse(401, "The provided authorization grant is invalid", None), "refuse la clé", "« SG. »"),
        (sendgrid::Next::Refuse(401, "Maximum credits exceeded", None), "quota", "SMTP_HOST"),
        (
            sendgrid::Next::Refuse(403, "The from address does not match a verified Sender Identity", None),
            "noreply@neopro.test",
            "Sender Authentication",
        ),
        (sendgrid::Next::Refuse(500, "oops", None), "HTTP 500 oops", "Réessayez"),
        (sendgrid::Next::Silence, "no answer", "Réessayez"),
    ] {
        world.sendgrid.will(next);
        let (code, report) = world.doctor(&[]).await;
        assert_eq!(code, 1);
        error("mail.service", found, fix, PART).check(&report);
    }
    let before = world.sendgrid.taken().len();
    world.doctor(&[]).await;
    let taken = world.sendgrid.taken();
    let is_dry = |mail: &serde_json::Value| mail["mail_settings"]["sandbox_mode"]["enable"] == true;
    assert!(taken.len() > before && taken.iter().all(is_dry), "nothing was sent: {taken:#?}");

    let silent = silent().await.to_string();
    let smtp = [("SENDGRID_API_KEY", ""), ("SENDGRID_API_URL", ""), ("SMTP_HOST", "127.0.0.1"), ("SMTP_PORT", &silent)];
    error("mail.service", "25, 465 et 587", "2525", PART).check(&world.doctor(&smtp).await.1);
    let closed = program::free_port().to_string();
    let smtp = [("SENDGRID_API_KEY", ""), ("SENDGRID_API_URL", ""), ("SMTP_HOST", "127.0.0.1"), ("SMTP_PORT", &closed)];
    error("mail.service", format_of(&closed), "SMTP_HOST", PART).check(&world.doctor(&smtp).await.1);

    let owner = world.db.owner().await;
    let refused = "insert into jobs (id, kind, state, run_at, attempts, last_error, created_at) values \
         (gen_random_uuid(), 'mail', 'waiting', now() + interval '1 day', 2, 'SendGrid 403, verify the sender', now())";
    owner.batch_execute(refused).await.expect("a refused mail");
    let (code, report) = world.doctor(&[]).await;
    assert_eq!(code, 0);
    warning("mail.queue", "SendGrid 403, verify the sender", "Corrigez", PART).check(&report);
}

/// A promise holds words that are known before; this one is a port.
fn format_of(port: &str) -> &'static str {
    Box::leak(format!("127.0.0.1:{port}").into_boxed_str())
}

/// What the diagnosis tells of a message that it has sent.
fn sent(report: &serde_json::Value, id: &str) -> serde_json::Value {
    let sent = report["sent"].as_array().expect("what was sent").clone();
    sent.into_iter().find(|told| told["id"] == id).unwrap_or_else(|| panic!("{id} in {report:#}"))
}

#[tokio::test]
async fn messages_are_sent_only_when_asked_for_and_each_answer_of_a_service_is_told() {
    let world = World::new().await;
    let (code, report) =
        world.doctor_with(&["--send", "camille@club.test"], &[("ALERT_SLACK_CHANNEL", "#alertes")]).await;
    assert_eq!(code, 0, "{report:#}");
    for id in ["mail.service", "slack.webhook", "logs.host"] {
        assert_eq!(sent(&report, id)["state"], "ok", "{report:#}");
    }
    let mails: Vec<_> = world.sendgrid.taken().into_iter().filter(|mail| mail["mail_settings"].is_null()).collect();
    assert_eq!(mails.len(), 1, "one that leaves, beside those that are only judged");
    assert_eq!(mails[0]["personalizations"][0]["to"][0]["email"], "camille@club.test");
    let slack = world.sinks.slack();
    assert_eq!((slack.len(), &slack[0]["channel"]), (1, &"#alertes".into()));
    assert!(slack[0]["text"].as_str().expect("a text").contains("Test NeoPro"), "{slack:?}");
    let logs = world.sinks.logs();
    assert!(
        logs.len() == 1 && logs[0].0.starts_with("Bearer logtail-canary") && logs[0].1[0]["dt"].is_string(),
        "{logs:?}"
    );

    for (status, said, state, word) in [
        (404, "no_service", "error", "ne connaît plus ce webhook"),
        (400, "invalid_payload", "error", "Refusé"),
        (429, "rate_limited", "warning", "attendre"),
        (500, "oops", "error", "500"),
    ] {
        world.sinks.set(|book| book.slack_answers = (status, said));
        let (code, report) = world.doctor_with(&["--send"], &[]).await;
        let told = sent(&report, "slack.webhook");
        assert_eq!((code, &told["state"]), (i32::from(state == "error"), &state.into()), "{told:#}");
        let found = told["found"].as_str().expect("words");
        assert!(found.contains(word) && found.contains(said), "{found}");
    }
    world.sinks.set(|book| (book.slack_answers, book.logs_answer) = ((200, "ok"), 403));
    let (code, report) = world.doctor_with(&["--send"], &[]).await;
    let told = sent(&report, "logs.host");
    assert_eq!((code, &told["state"]), (1, &"error".into()));
    assert!(told["found"].as_str().expect("words").contains("403"), "{told:#}");
    assert!(told["found"].as_str().expect("words").contains("Bearer •••"), "{told:#}");
    assert!(told["fix"].as_str().expect("words").contains("LOGTAIL_HOST"), "{told:#}");
    let last = world.sendgrid.taken().pop().expect("a mail");
    assert_eq!(
        last["personalizations"][0]["to"][0]["email"], "noreply@neopro.test",
        "to its own sender, without an address"
    );
}

#[tokio::test]
async fn a_line_of_its_own_tells_whether_the_way_to_logtail_is_open() {
    let (world, sink) = (World::new().await, logtail::Sink::start().await);
    let address = sink.address();
    for (token, next, state, found, fix) in [
        (logtail::TOKEN, None, "ok", "Envoyé ; réponse du service : 202", ""),
        ("anotherToken123", None, "error", "refuse le jeton (403", "LOGTAIL_TOKEN"),
        (logtail::TOKEN, Some(Next::Answer(402, None)), "error", "quota du mois est atteint (402", "LOG_LEVEL=warn"),
        (logtail::TOKEN, Some(Next::Answer(429, None)), "warning", "429", "dans une minute"),
        (logtail::TOKEN, Some(Next::Answer(500, None)), "error", "Refusé ; réponse du service : 500", "Réessayez"),
        (logtail::TOKEN, Some(Next::Reset), "error", "127.0.0.1", "LOGTAIL_HOST"),
        (logtail::TOKEN, Some(Next::Garbage), "error", "127.0.0.1", "LOGTAIL_HOST"),
    ] {
        sink.always(next);
        let at = [("LOGTAIL_HOST", address.as_str()), ("LOGTAIL_TOKEN", token)];
        let (_, report) = world.doctor_with(&["--send"], &at).await;
        let told = sent(&report, "logs.host");
        assert_eq!(told["state"], state, "{next:?}: {told:#}");
        assert!(told["found"].as_str().is_some_and(|said| said.contains(found)), "{next:?}: {told:#}");
        assert!(told["fix"].as_str().unwrap_or_default().contains(fix), "{next:?}: {told:#}");
    }
    assert_eq!(sink.lines()[0]["message"], "Test NeoPro - Configuration OK !");
}

#[tokio::test]
async fn a_webhook_of_the_wrong_form_and_a_host_of_logs_that_is_none_are_errors() {
    let world = World::new().await;
    let (code, report) = world.doctor(&[("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/only-one")]).await;
    assert_eq!(code, 1);
    error("slack.webhook", "n'est pas celle d'un webhook", "hooks.slack.com/services/", "Notifications Slack")
        .check(&report);
    let (_, report) = world.doctor(&[("ALERT_SLACK_CHANNEL", "#alertes")]).await;
    remark("slack.webhook", "point 2.4", "Notifications Slack").check(&report);
    let nobody = format!("http://127.0.0.1:{}", program::free_port());
    let (_, report) = world.doctor(&[("LOGTAIL_HOST", &nobody)]).await;
    error("logs.host", "127.0.0.1", "LOGTAIL_HOST", "Logs centralisés (Logtail)").check(&report);
    let (code, report) = world.doctor(&[("LOGTAIL_TOKEN", "")]).await;
    assert_eq!(code, 1);
    error("logs.settings", "rien n'est envoyé à Logtail", "LOGTAIL_TOKEN", "Logs centralisés (Logtail)").check(&report);
}
