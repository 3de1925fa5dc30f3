//! Mail and Slack. Neither keeps the server from starting: what is incomplete is off, and a warning says why.

use super::reader::{Reader, Refused};
use super::url::{is_host, is_private};
use super::{Secret, web, words};
use crate::words::Said;

/// How mail leaves the server.
#[derive(Debug, Clone)]
pub enum Mail {
    /// Through SendGrid's HTTP API.
    SendGrid {
        /// `SENDGRID_API_KEY`, begins with `SG.`.
        key: Secret,
        /// The verified sender.
        from: Sender,
        /// `SENDGRID_API_URL`, an origin.
        api: String,
    },
    /// Through an SMTP server.
    Smtp {
        /// `SMTP_HOST`, a name or an address.
        host: String,
        /// `SMTP_PORT`: 587, or 465 when the connection begins with TLS.
        port: u16,
        /// `SMTP_USER` and `SMTP_PASSWORD`; none for a relay that asks for neither.
        login: Option<(String, Secret)>,
        /// TLS from the first byte (`SMTP_SECURE=true`, port 465) instead of STARTTLS.
        secure: bool,
        /// The sender.
        from: Sender,
    },
}

/// From whom mail comes: `Name <address>` or the address alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The name that people see.
    pub name: Option<String>,
    /// `local@domain`.
    pub address: String,
}

/// Where alerts are posted.
#[derive(Debug, Clone)]
pub struct Slack {
    /// The incoming webhook's URL, which is itself the permission to post.
    pub webhook: Secret,
    /// `#channel`; webhooks made as the guide says post to their own channel whatever this is.
    pub channel: Option<String>,
}

const FROM: &str = "EMAIL_FROM";
const KEY: &str = "SENDGRID_API_KEY";
/// Where SendGrid takes mail, but from accounts that are kept in Europe.
const SENDGRID: &str = "https://api.sendgrid.com";

/// SendGrid if its key is set, else SMTP if its host is set, else nothing.
pub(super) fn mail(r: &mut Reader) -> Result<Option<Mail>, Refused> {
    let key = r.secret(KEY);
    let from = sender(r, FROM);
    let old_from = sender(r, "SMTP_FROM");
    let host = r.text("SMTP_HOST");
    let smtp = smtp_settings(r);
    let api = web::address(r, "SENDGRID_API_URL");
    let (key, from, old_from, host, smtp, api) = (key?, from?, old_from?, host?, smtp?, api?);

    if let Some(key) = key {
        let api = api.map_or_else(|| SENDGRID.to_owned(), |api| api.origin() + &api.path);
        return Ok(sendgrid(r, key, from, api));
    }
    let Some(host) = host else {
        let nothing = matches!((&from, &old_from), (Given::Unset, Given::Unset)) && smtp.is_empty();
        if !nothing {
            let other = if smtp.is_empty() && matches!(old_from, Given::Unset) { KEY } else { "SMTP_HOST" };
            r.fault(other, words::MAIL_ELSE_SET);
        } else if r.production() {
            r.warn(KEY, words::MAIL_UNSET);
        }
        return Ok(None);
    };
    if !is_host(&host.to_ascii_lowercase()) {
        return Err(r.refuse("SMTP_HOST", words::SMTP_HOST));
    }
    let from = match (from, old_from) {
        (Given::Sender(from), _) | (Given::Unset, Given::Sender(from)) => from,
        (Given::Malformed, _) | (Given::Unset, Given::Malformed) => return Ok(None),
        (Given::Unset, Given::Unset) => {
            r.fault(FROM, unset_for("SMTP_HOST"));
            return Ok(None);
        }
    };
    let login = match (smtp.user, smtp.password) {
        (Some(user), Some(password)) => Some((user, password)),
        (None, None) => None,
        (Some(_), None) => {
            r.fault("SMTP_PASSWORD", unset_for("SMTP_USER"));
            return Ok(None);
        }
        (None, Some(_)) => {
            r.fault("SMTP_USER", unset_for("SMTP_PASSWORD"));
            return Ok(None);
        }
    };
    let secure = smtp.secure.unwrap_or(smtp.port == Some(465));
    let port = smtp.port.unwrap_or(if secure { 465 } else { 587 });
    Ok(Some(Mail::Smtp { host, port, login, secure, from }))
}

/// What is missing beside another setting.
fn unset_for(other: &str) -> Said {
    Said::new(words::FROM_UNSET_FOR).with("other", other)
}

fn sendgrid(r: &mut Reader, key: Secret, from: Given, api: String) -> Option<Mail> {
    if !key.expose().starts_with("SG.") {
        r.fault(KEY, words::NOT_OF_SENDGRID);
        return None;
    }
    match from {
        Given::Sender(from) => Some(Mail::SendGrid { key, from, api }),
        Given::Malformed => None,
        Given::Unset => {
            r.fault(FROM, words::FROM_UNSET_FOR_SENDGRID);
            None
        }
    }
}

/// The settings of SMTP besides host and sender.
struct SmtpSettings {
    port: Option<u16>,
    user: Option<String>,
    password: Option<Secret>,
    secure: Option<bool>,
}

impl SmtpSettings {
    fn is_empty(&self) -> bool {
        self.port.is_none() && self.user.is_none() && self.password.is_none() && self.secure.is_none()
    }
}

fn smtp_settings(r: &mut Reader) -> Result<SmtpSettings, Refused> {
    let port = r.number("SMTP_PORT", 1..=usize::from(u16::MAX));
    let user = r.text("SMTP_USER");
    let password = r.secret("SMTP_PASSWORD");
    let secure = r.flag("SMTP_SECURE");
    let port = port?.and_then(|port| u16::try_from(port).ok());
    Ok(SmtpSettings { port, user: user?, password: password?, secure: secure? })
}

/// A sender's variable.
enum Given {
    Unset,
    /// A warning is given.
    Malformed,
    Sender(Sender),
}

fn sender(r: &mut Reader, variable: &'static str) -> Result<Given, Refused> {
    let Some(value) = r.text(variable)? else {
        return Ok(Given::Unset);
    };
    Ok(parse_sender(&value).map(Given::Sender).unwrap_or_else(|| {
        r.fault(variable, words::BAD_SENDER);
        Given::Malformed
    }))
}

fn parse_sender(text: &str) -> Option<Sender> {
    let (name, address) = match text.strip_suffix('>').map(|text| text.rsplit_once('<')) {
        Some(Some((name, address))) => (Some(name.trim().trim_matches('"').trim()), address.trim()),
        Some(None) => return None,
        None => (None, text),
    };
    let (local, domain) = address.rsplit_once('@')?;
    let local_is_plain = local.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"@<>()[],;:\\\"".contains(c));
    let address_is_good =
        !local.is_empty() && local_is_plain && is_host(&domain.to_ascii_lowercase()) && domain.contains('.');
    address_is_good
        .then(|| Sender { name: name.filter(|name| !name.is_empty()).map(str::to_owned), address: address.to_owned() })
}

/// The webhook, unless alerts are switched off.
pub(super) fn slack(r: &mut Reader) -> Result<Option<Slack>, Refused> {
    const WEBHOOK: &str = "SLACK_WEBHOOK_URL";
    let webhook = r.text(WEBHOOK);
    let channel = r.text("ALERT_SLACK_CHANNEL");
    let enabled = r.flag("SLACK_ALERTS_ENABLED");
    let (webhook, channel, enabled) = (webhook?, channel?, enabled?);
    let Some(webhook) = webhook else {
        if enabled == Some(true) || (channel.is_some() && enabled.is_none()) {
            r.fault(WEBHOOK, words::SLACK_ELSE_SET);
        }
        return Ok(None);
    };
    let address = web::parsed(r, WEBHOOK, &webhook)?;
    web::encrypted(r, WEBHOOK, &address)?;
    let own_test = is_private(&address.host) && !r.production();
    if address.host != "hooks.slack.com" && !own_test {
        r.warn(WEBHOOK, words::NOT_OF_SLACK);
    }
    Ok((enabled != Some(false)).then(|| Slack { webhook: Secret::new(webhook), channel }))
}
