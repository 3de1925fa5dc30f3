//! The log: lines for people in development, JSON objects in production, both sent to Logtail if it is configured, and no
//! secret in any.
//!
//! Nothing of ours writes a secret. What drivers say is not ours, so that every line is searched for the
//! configured secrets on its way out.

mod logtail;
mod outbox;

use std::io::{self, Write};
use std::sync::Arc;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use self::outbox::ToOutbox;
use crate::config::{Config, Database, Mail, Secret};

pub use self::logtail::Shipping;
pub use self::outbox::{LogState, Outbox, Tally};

/// Shorter secrets would blot out ordinary words.
const SHORTEST: usize = 8;

/// Starts the log of this process, at the level of `LOG_LEVEL`. What is to be sent to Logtail waits until the answer is run.
pub fn start(config: &Config) -> Option<Shipping> {
    let filter = EnvFilter::try_new(&config.log_level).unwrap_or_else(|_| EnvFilter::new("info"));
    let secrets = secrets(config);
    let own = tracing_subscriber::fmt::layer().with_writer(Redacted(Arc::clone(&secrets)));
    let own = if config.is_production() {
        own.json().flatten_event(true).with_current_span(false).boxed()
    } else {
        own.boxed()
    };
    let shipping = config.logtail.clone().map(|logtail| Shipping::new(logtail, Outbox::default()));
    let sent = shipping.as_ref().map(|shipping| {
        let writer = ToOutbox { secrets, outbox: shipping.outbox() };
        tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(false).with_writer(writer)
    });
    tracing_subscriber::registry().with(filter).with(own).with(sent).init();
    shipping
}

/// Everything in the configuration that must not be read.
fn secrets(config: &Config) -> Arc<[String]> {
    let url = match &config.database {
        Database::Url(url) => Some(url.password.expose()),
        Database::Embedded => None,
    };
    let mail = match &config.mail {
        Some(Mail::SendGrid { key, .. }) => Some(key.expose()),
        Some(Mail::Smtp { login, .. }) => login.as_ref().map(|(_, password)| password.expose()),
        None => None,
    };
    let redis = config.redis.as_ref().map(|redis| redis.url.expose());
    [
        url,
        mail,
        redis,
        redis.and_then(password_of),
        config.redis.as_ref().and_then(|redis| redis.password.as_ref()).map(Secret::expose),
        config.supabase.as_ref().map(|supabase| supabase.service_key.expose()),
        config.s3.as_ref().map(|bucket| bucket.secret.expose()),
        config.jwt_secret.as_ref().map(Secret::expose),
        config.mfa_encryption_key.as_ref().map(Secret::expose),
        config.mfa_encryption_key_previous.as_ref().map(Secret::expose),
        config.slack.as_ref().map(|slack| slack.webhook.expose()),
        config.logtail.as_ref().map(|logtail| logtail.token.expose()),
        config.metrics.token.as_ref().map(Secret::expose),
    ]
    .into_iter()
    .flatten()
    .filter(|secret| secret.len() >= SHORTEST)
    .flat_map(as_written)
    .collect()
}

/// A secret, and the same as a JSON line or a quoted text shows it: with what is escaped there.
fn as_written(secret: &str) -> Vec<String> {
    let quoted =
        |text: &str| serde_json::to_string(text).map(|text| text[1..text.len() - 1].to_owned()).unwrap_or_default();
    let (once, twice) = (quoted(secret), quoted(&quoted(secret)));
    // The longest first: a part that is blotted out would hide the rest of it from the search.
    let mut forms = vec![twice, once, secret.to_owned()];
    forms.dedup();
    forms
}

/// The password in `scheme://user:password@host`.
fn password_of(url: &str) -> Option<&str> {
    url.split_once("://")?.1.rsplit_once('@')?.0.split_once(':').map(|(_, password)| password)
}

/// Standard output, with the secrets blotted out.
struct Redacted(Arc<[String]>);

impl<'a> MakeWriter<'a> for Redacted {
    type Writer = RedactedLine<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        RedactedLine(&self.0)
    }
}

/// One line: the formatter writes each in one piece.
struct RedactedLine<'a>(&'a [String]);

impl Write for RedactedLine<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        io::stdout().write_all(redact(self.0, line).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush()
    }
}

fn redact(secrets: &[String], line: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(line).into_owned();
    for secret in secrets {
        if text.contains(secret.as_str()) {
            text = text.replace(secret.as_str(), "•••");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_blotted_out_wherever_they_stand() {
        let secrets = ["s3cr3t-p4ssw0rd".to_owned()];
        let line = "error connecting to postgres://u:s3cr3t-p4ssw0rd@h: s3cr3t-p4ssw0rd\n";
        assert_eq!(redact(&secrets, line.as_bytes()), "error connecting to postgres://u:•••@h: •••\n");
        assert_eq!(redact(&secrets, b"nothing here"), "nothing here");
        let quoted = as_written(r#"a"b\c-d"#);
        assert_eq!(quoted, [r#"a\\\"b\\\\c-d"#, r#"a\"b\\c-d"#, r#"a"b\c-d"#]);
        let line = serde_json::json!({ "error": format!("{:?}", r#"a"b\c-d"#), "message": r#"a"b\c-d"# }).to_string();
        assert_eq!(redact(&quoted, line.as_bytes()), r#"{"error":"\"•••\"","message":"•••"}"#);
        assert_eq!(password_of("rediss://default:abc@h:6379"), Some("abc"));
    }
}
