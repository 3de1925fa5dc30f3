//! The log: lines for people in development, JSON objects in production, and no secret in either.
//!
//! Nothing of ours writes a secret. What drivers say is not ours, so that every line is searched for the
//! configured secrets on its way out.

use std::io::{self, Write};
use std::sync::Arc;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::{Config, Database, Mail, Secret};

/// Shorter secrets would blot out ordinary words.
const SHORTEST: usize = 8;

/// Starts the log of this process, at the level of `LOG_LEVEL`.
pub fn start(config: &Config) {
    let filter = EnvFilter::try_new(&config.log_level).unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(Redacted(secrets(config)));
    if config.is_production() {
        log.json().flatten_event(true).with_current_span(false).init();
    } else {
        log.init();
    }
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
        config.supabase.as_ref().map(|supabase| supabase.service_key.expose()),
        config.jwt_secret.as_ref().map(Secret::expose),
        config.mfa_encryption_key.as_ref().map(Secret::expose),
        config.slack.as_ref().map(|slack| slack.webhook.expose()),
        config.logtail.as_ref().map(|logtail| logtail.token.expose()),
        config.metrics.token.as_ref().map(Secret::expose),
    ]
    .into_iter()
    .flatten()
    .filter(|secret| secret.len() >= SHORTEST)
    .map(str::to_owned)
    .collect()
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
        assert_eq!(password_of("rediss://default:abc@h:6379"), Some("abc"));
    }
}
