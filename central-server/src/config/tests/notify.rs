//! Mail, Slack, Logtail, metrics, log level: incomplete settings switch a service off, not the server.

use super::*;

fn key() -> String {
    format!("SG.{}.{}", random(50, 22, ALPHANUMERIC), random(51, 43, ALPHANUMERIC))
}

#[test]
fn sendgrid_needs_its_key_and_a_sender() {
    let key = key();
    let sendgrid = |key: &str, from: &str| with(production(), &[("SENDGRID_API_KEY", key), ("EMAIL_FROM", from)]);
    for (from, name) in [("noreply@example.com", None), ("NeoPro Club <noreply@example.com>", Some("NeoPro Club"))] {
        let loaded = accepted(&sendgrid(&key, from));
        let Some(Mail::SendGrid { key: kept, from, api }) = loaded.config.mail else { panic!("SendGrid") };
        assert_eq!((kept.expose(), api.as_str()), (key.as_str(), "https://api.sendgrid.com"));
        assert_eq!((from.name.as_deref(), from.address.as_str()), (name, "noreply@example.com"));
    }
    let european = with(sendgrid(&key, "a@b.fr"), &[("SENDGRID_API_URL", "https://api.eu.sendgrid.com/")]);
    let Some(Mail::SendGrid { api, .. }) = accepted(&european).config.mail else { panic!("SendGrid") };
    assert_eq!(api, "https://api.eu.sendgrid.com");
    for (key, from, variable, fragment) in [
        (key.as_str(), "", "EMAIL_FROM", "désactivés"),
        ("", "noreply@example.com", "SENDGRID_API_KEY", "désactivés"),
        ("XX.abc", "noreply@example.com", "SENDGRID_API_KEY", "« SG. »"),
        (&key, "noreply", "EMAIL_FROM", "illisible"),
        (&key, "a b@example.com", "EMAIL_FROM", "illisible"),
        (&key, "a@b@example.com", "EMAIL_FROM", "illisible"),
        (&key, "a@example", "EMAIL_FROM", "illisible"),
        (&key, "NeoPro noreply@example.com", "EMAIL_FROM", "illisible"),
        (&key, "noreply@example.com>", "EMAIL_FROM", "illisible"),
        (&key, "@example.com", "EMAIL_FROM", "illisible"),
    ] {
        assert!(warned(&sendgrid(key, from), variable, fragment).config.mail.is_none(), "{key} {from}");
    }
}

#[test]
fn smtp_serves_where_sendgrid_is_not_set() {
    let smtp = |changes: &[(&str, &str)]| {
        let base =
            [("SMTP_HOST", "smtp.monclub.fr"), ("SMTP_USER", "u"), ("SMTP_PASSWORD", "p"), ("SMTP_FROM", "a@b.fr")];
        with(with(production(), &base), changes)
    };
    for (changes, expected) in [
        (vec![], (587, false, "a@b.fr", true)),
        (vec![("SMTP_SECURE", "true")], (465, true, "a@b.fr", true)),
        (vec![("SMTP_PORT", "465")], (465, true, "a@b.fr", true)),
        (vec![("SMTP_PORT", "2525"), ("SMTP_SECURE", "false")], (2525, false, "a@b.fr", true)),
        (vec![("EMAIL_FROM", "c@d.fr")], (587, false, "c@d.fr", true)),
        (vec![("SMTP_USER", ""), ("SMTP_PASSWORD", "")], (587, false, "a@b.fr", false)),
    ] {
        let Some(Mail::Smtp { host, port, login, secure, from }) = accepted(&smtp(&changes)).config.mail else {
            panic!("SMTP: {changes:?}")
        };
        assert_eq!(host, "smtp.monclub.fr");
        assert_eq!((port, secure, from.address.as_str(), login.is_some()), expected);
    }
    let both = smtp(&[("SENDGRID_API_KEY", &key()), ("EMAIL_FROM", "c@d.fr")]);
    assert!(matches!(accepted(&both).config.mail, Some(Mail::SendGrid { .. })));
    for (change, variable) in [
        (("SMTP_HOST", ""), "SMTP_HOST"),
        (("SMTP_USER", ""), "SMTP_USER"),
        (("SMTP_PASSWORD", ""), "SMTP_PASSWORD"),
        (("SMTP_FROM", ""), "EMAIL_FROM"),
        (("SMTP_FROM", "personne"), "SMTP_FROM"),
    ] {
        assert!(warned(&smtp(&[change]), variable, "désactivés").config.mail.is_none());
    }
    for (name, value) in [("SMTP_PORT", "0"), ("SMTP_PORT", "x"), ("SMTP_SECURE", "tls"), ("SMTP_HOST", "smtp://h:25")]
    {
        refused(&smtp(&[(name, value)]), name);
    }
}

#[test]
fn no_mail_is_said_once_in_production_only() {
    warned(&production(), "SENDGRID_API_KEY", "désactivés");
    assert!(accepted(&development()).warnings.is_empty());
}

#[test]
fn a_webhook_alone_switches_slack_on() {
    let webhook = "https://hooks.slack.com/services/T01/B02/AbC123";
    let slack = |changes: &[(&str, &str)]| with(with(production(), &[("SLACK_WEBHOOK_URL", webhook)]), changes);
    for (changes, on) in [
        (vec![], true),
        (vec![("SLACK_ALERTS_ENABLED", "true")], true),
        (vec![("SLACK_ALERTS_ENABLED", "false")], false),
    ] {
        let loaded = accepted(&slack(&changes));
        assert_eq!(loaded.config.slack.map(|slack| slack.webhook.expose().to_owned()), on.then(|| webhook.to_owned()));
    }
    let channel =
        accepted(&slack(&[("ALERT_SLACK_CHANNEL", "#alerts-neopro")])).config.slack.and_then(|slack| slack.channel);
    assert_eq!(channel.as_deref(), Some("#alerts-neopro"));

    let compatible = slack(&[("SLACK_WEBHOOK_URL", "https://mattermost.monclub.fr/hooks/abc")]);
    assert!(warned(&compatible, "SLACK_WEBHOOK_URL", "hooks.slack.com").config.slack.is_some());
    for value in ["http://hooks.slack.com/services/T01/B02/kanari", "hooks.slack.com/services/kanari"] {
        let problem = refused(&slack(&[("SLACK_WEBHOOK_URL", value)]), "SLACK_WEBHOOK_URL");
        assert!(!problem.what.french().contains("kanari"));
    }
    refused(&slack(&[("SLACK_ALERTS_ENABLED", "oui")]), "SLACK_ALERTS_ENABLED");
    for alone in [("ALERT_SLACK_CHANNEL", "#alertes"), ("SLACK_ALERTS_ENABLED", "true")] {
        warned(&with(production(), &[alone]), "SLACK_WEBHOOK_URL", "non définie");
    }
}

#[test]
fn logtail_has_a_default_host() {
    for (host, expected) in [
        ("", "https://in.logs.betterstack.com"),
        ("s1.eu-nbg-2.betterstackdata.com", "https://s1.eu-nbg-2.betterstackdata.com"),
        ("https://s1.eu-nbg-2.betterstackdata.com/", "https://s1.eu-nbg-2.betterstackdata.com"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
    ] {
        let changes = [("LOGTAIL_TOKEN", random(60, 24, ALPHANUMERIC)), ("LOGTAIL_HOST", host.to_owned())];
        let loaded = accepted(&with(production(), &changes.each_ref().map(|(name, value)| (*name, value.as_str()))));
        assert_eq!(loaded.config.logtail.expect("set").endpoint, expected);
    }
    refused(&with(production(), &[("LOGTAIL_HOST", "http://logs.monclub.fr")]), "LOGTAIL_HOST");
    let alone = with(production(), &[("LOGTAIL_HOST", "logs.monclub.fr")]);
    assert!(warned(&alone, "LOGTAIL_TOKEN", "non définie").config.logtail.is_none());
}

#[test]
fn only_true_and_one_switch_metrics_on() {
    for (value, enabled, remarked) in [
        ("true", true, false),
        ("1", true, false),
        ("false", false, false),
        ("0", false, false),
        ("", false, false),
        ("yes", false, true),
        ("TRUE", false, true),
    ] {
        let token = random(61, 32, BASE64);
        let loaded = accepted(&with(production(), &[("METRICS_ENABLED", value), ("METRICS_TOKEN", &token)]));
        assert_eq!(loaded.config.metrics.enabled, enabled, "{value}");
        assert_eq!(loaded.config.metrics.token.as_ref().map(Secret::expose), Some(token.as_str()));
        assert_eq!(warnings_of(&loaded, "METRICS_ENABLED").len(), usize::from(remarked), "{value}");
    }
}

#[test]
fn an_unreadable_log_level_is_info() {
    for (value, expected) in [
        ("error", "error"),
        ("warn", "warn"),
        ("info", "info"),
        ("DEBUG", "debug"),
        ("trace", "trace"),
        ("off", "off"),
        ("neopro_central=debug", "neopro_central=debug"),
        ("info, neopro_central::db=TRACE,tower-http=off", "info,neopro_central::db=trace,tower-http=off"),
    ] {
        let loaded = accepted(&with(production(), &[("LOG_LEVEL", value)]));
        assert_eq!(loaded.config.log_level, expected);
        assert_eq!(warnings_of(&loaded, "LOG_LEVEL"), Vec::<String>::new());
    }
    for value in ["nonsense", "neopro_central=", "=debug", "info,", "a b=info", "verbose=loud"] {
        assert_eq!(warned(&with(production(), &[("LOG_LEVEL", value)]), "LOG_LEVEL", "info").config.log_level, "info");
    }
}
