//! One message by each way out that is configured, which says that it is a trial, and what the service answered.

use serde_json::json;

use super::Finding;
use super::catalogue::{LOGS_HOST, MAIL_WAY, SLACK_WEBHOOK};
use super::ground::Ground;
use super::mail::host_of;
use super::net;
use super::words::{self, Said};
use crate::config::{Config, Logtail, Mail, Slack};
use crate::language::Language;
use crate::notify::mail::Transport;

/// Sends to everything that is configured, at the same time. Without an address the mail goes to its own sender.
pub(super) async fn send(ground: &Ground<'_>, to: Option<&str>, language: Language) -> Vec<Finding> {
    let config = ground.config;
    let (mail, slack, logs) = tokio::join!(
        mail(ground, to, language),
        async {
            match &config.slack {
                Some(way) => slack(way, language).await,
                None => Finding::not_checked(SLACK_WEBHOOK, words::SLACK_OFF),
            }
        },
        async {
            match &config.logtail {
                Some(way) => logs(ground, way, language).await,
                None => Finding::not_checked(LOGS_HOST, words::LOGS_OFF),
            }
        },
    );
    vec![mail, slack, logs]
}

fn sender(config: &Config) -> Option<&str> {
    match &config.mail {
        Some(Mail::SendGrid { from, .. } | Mail::Smtp { from, .. }) => Some(&from.address),
        None => None,
    }
}

async fn mail(ground: &Ground<'_>, to: Option<&str>, language: Language) -> Finding {
    let config = ground.config;
    let Some(to) = to.or_else(|| sender(config)) else { return Finding::not_checked(MAIL_WAY, words::MAIL_OFF) };
    let transport = Transport::of(config);
    if matches!(transport, Transport::Off) {
        return Finding::not_checked(MAIL_WAY, words::MAIL_OFF);
    }
    let said = |words| Said::new(words).with("to", to);
    match transport.send_trial(to, language, &config.dashboard_url(), ground.clock.now()).await {
        Ok(()) => Finding::ok(MAIL_WAY, said(words::SENT_MAIL)),
        Err(why) => {
            let why = net::one_line(&why);
            Finding::error(MAIL_WAY, said(words::NOT_SENT_MAIL).with("why", why.trim_end_matches('.')), words::MEND_WAY)
        }
    }
}

/// The guide's own test, to the guide's own answers.
async fn slack(way: &Slack, language: Language) -> Finding {
    let mut message = json!({ "text": words::TEST_TEXT.text(language) });
    if let Some(channel) = &way.channel {
        message["channel"] = json!(channel);
    }
    let answer = match net::post(way.webhook.expose(), None, &message).await {
        Ok(answer) => answer,
        Err(why) => {
            return Finding::error(SLACK_WEBHOOK, Said::new(words::NO_ANSWER).with("why", why), words::MEND_WAY);
        }
    };
    let said = |words| {
        Said::new(words).with("answer", format!("{} {}", answer.status, answer.words_without(way.webhook.expose())))
    };
    match answer.status {
        200..=299 => Finding::ok(SLACK_WEBHOOK, said(words::SENT)),
        429 => Finding::warning(SLACK_WEBHOOK, said(words::SLACK_TOO_MANY), words::MEND_WAIT),
        403 | 404 | 410 => Finding::error(SLACK_WEBHOOK, said(words::SLACK_NO_SERVICE), words::MEND_SLACK_AGAIN),
        400..=499 => Finding::error(SLACK_WEBHOOK, said(words::NOT_SENT), words::MEND_SLACK),
        _ => Finding::error(SLACK_WEBHOOK, said(words::NOT_SENT), words::MEND_WAY),
    }
}

async fn logs(ground: &Ground<'_>, way: &Logtail, language: Language) -> Finding {
    // As the server itself sends: a list of lines.
    let line = json!([{ "dt": ground.clock.now(), "level": "info", "message": words::TEST_TEXT.text(language) }]);
    let host = host_of(&way.endpoint);
    let answer = match net::post(&way.endpoint, Some(way.token.expose()), &line).await {
        Ok(answer) => answer,
        Err(why) => return super::mail::logs_unreached(host, &why),
    };
    let said = |words| {
        let answer = format!("{} {}", answer.status, answer.words_without(way.token.expose()));
        Said::new(words).with("answer", answer.trim_end())
    };
    match answer.status {
        200..=299 => Finding::ok(LOGS_HOST, said(words::SENT)),
        401 | 403 | 404 => Finding::error(LOGS_HOST, said(words::LOGS_TOKEN), words::MEND_LOGS_TOKEN),
        402 => Finding::error(LOGS_HOST, said(words::LOGS_FULL), words::MEND_LOGS_FULL),
        429 => Finding::warning(LOGS_HOST, said(words::NOT_SENT), words::MEND_WAIT),
        _ => Finding::error(LOGS_HOST, said(words::NOT_SENT), words::MEND_WAY),
    }
}
