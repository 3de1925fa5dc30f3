//! The ways out of the server: mail, Slack, logs. Nothing is sent here.

use axum::http::Method;

use super::catalogue::{LOGS_HOST, MAIL_QUEUE, MAIL_WAY, SLACK_WEBHOOK};
use super::environment;
use super::store::Installation;
use super::words::{self, Said};
use super::{Finding, net};
use crate::config::{Config, Gravity, Mail};
use crate::notify::mail::{Refusal, Transport};

/// How mail would leave, and where Slack's messages would go.
pub(super) async fn look(config: &Config) -> Vec<Finding> {
    let mut findings = slack(config);
    findings.push(way(config).await);
    findings
}

async fn way(config: &Config) -> Finding {
    let transport = Transport::of(config);
    let tried = transport.try_out().await;
    match (&config.mail, tried) {
        (Some(Mail::SendGrid { from, .. }), Some(tried)) => sendgrid(&from.address, tried),
        (Some(Mail::Smtp { host, port, .. }), Some(tried)) => smtp(host, *port, tried),
        _ if matches!(transport, Transport::Files(_)) => Finding::not_checked(MAIL_WAY, words::MAIL_FILES),
        _ => Finding::not_checked(MAIL_WAY, words::MAIL_OFF),
    }
}

fn sendgrid(from: &str, tried: Result<(), Refusal>) -> Finding {
    let said = |words, why: &str| {
        let why = net::one_line(why);
        // The way out may have named itself.
        let why = why.trim_start_matches("SendGrid: ").trim_end_matches('.');
        Said::new(words).with("from", from).with("service", "SendGrid").with("why", why)
    };
    match tried {
        Ok(()) => Finding::ok(MAIL_WAY, said(words::SENDGRID_OK, "")),
        Err(Refusal::Key(why)) => Finding::error(MAIL_WAY, said(words::SENDGRID_KEY, &why), words::MEND_SENDGRID_KEY),
        Err(Refusal::Credits(why)) => {
            Finding::error(MAIL_WAY, said(words::SENDGRID_CREDITS, &why), words::MEND_SENDGRID_CREDITS)
        }
        Err(Refusal::Sender(why)) => {
            Finding::error(MAIL_WAY, said(words::SENDGRID_SENDER, &why), words::MEND_SENDGRID_SENDER)
        }
        Err(Refusal::Silent) => {
            Finding::error(MAIL_WAY, said(words::WAY_FAILED, "no answer within 5 s"), words::MEND_WAY)
        }
        Err(Refusal::Other(why)) => Finding::error(MAIL_WAY, said(words::WAY_FAILED, &why), words::MEND_WAY),
    }
}

fn smtp(host: &str, port: u16, tried: Result<(), Refusal>) -> Finding {
    let said = |words| Said::new(words).with("address", format!("{host}:{port}"));
    match tried {
        Ok(()) => Finding::ok(MAIL_WAY, said(words::SMTP_OK)),
        Err(Refusal::Silent) => Finding::error(MAIL_WAY, said(words::SMTP_SILENT), words::MEND_SMTP_BLOCKED),
        Err(Refusal::Other(why) | Refusal::Key(why) | Refusal::Credits(why) | Refusal::Sender(why)) => {
            let why = net::one_line(&why);
            Finding::error(MAIL_WAY, said(words::SMTP_FAILED).with("why", why.trim_end_matches('.')), words::MEND_SMTP)
        }
    }
}

/// Mails that could not leave, and why.
pub(super) fn queue(there: &Installation) -> Finding {
    if there.mails_waiting == 0 && there.mails_failed == 0 {
        return Finding::ok(MAIL_QUEUE, words::QUEUE_EMPTY);
    }
    let why = net::one_line(there.mail_error.as_deref().unwrap_or("?"));
    let said = Said::new(words::QUEUE)
        .with("waiting", there.mails_waiting)
        .with("failed", there.mails_failed)
        .with("why", why.trim_end_matches('.'));
    Finding::warning(MAIL_QUEUE, said, words::MEND_QUEUE)
}

fn slack(config: &Config) -> Vec<Finding> {
    let variables = ["SLACK_WEBHOOK_URL", "SLACK_ALERTS_ENABLED", "ALERT_SLACK_CHANNEL"];
    if config.notes.about(&variables).any(|note| note.gravity != Gravity::Remark) {
        return environment::of(SLACK_WEBHOOK, config.notes.about(&variables));
    }
    let Some(slack) = &config.slack else { return vec![Finding::not_checked(SLACK_WEBHOOK, words::SLACK_OFF)] };
    let url = slack.webhook.expose();
    // A compatible service has addresses of its own form; Slack's are judged.
    let is_formed = match url.strip_prefix("https://hooks.slack.com/") {
        Some(path) => {
            let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
            matches!(parts[..], ["services", team, app, secret] if [team, app, secret].iter().all(|part| !part.is_empty()))
        }
        None => true,
    };
    let finding = match (&slack.channel, is_formed) {
        (_, false) => Finding::error(SLACK_WEBHOOK, words::SLACK_SHAPE, words::MEND_SLACK),
        (Some(channel), true) => Finding::ok(SLACK_WEBHOOK, Said::new(words::SLACK_CHANNEL).with("channel", channel)),
        (None, true) => Finding::ok(SLACK_WEBHOOK, words::SLACK_OK),
    };
    vec![finding]
}

/// Whether anybody listens where logs are sent: the token is judged when a line is sent.
pub(super) async fn logs(config: &Config) -> Vec<Finding> {
    let Some(logtail) = &config.logtail else { return vec![Finding::not_checked(LOGS_HOST, words::LOGS_OFF)] };
    let said = |words| Said::new(words).with("host", host_of(&logtail.endpoint));
    // Any answer is one.
    let finding = match net::get(Method::GET, &logtail.endpoint, &[]).await {
        Ok(_) => Finding::ok(LOGS_HOST, said(words::LOGS_REACHED)),
        Err(why) => logs_unreached(host_of(&logtail.endpoint), &why),
    };
    vec![finding]
}

/// That nobody listens there. The reason may begin with the host as well.
pub(super) fn logs_unreached(host: &str, why: &str) -> Finding {
    let why = why.strip_prefix(host).map_or(why, |rest| rest.trim_start_matches(": "));
    let said = Said::new(words::LOGS_UNREACHED).with("host", host).with("why", why);
    Finding::error(LOGS_HOST, said, words::MEND_LOGS_HOST)
}

/// An address without its scheme and path.
pub(super) fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}
