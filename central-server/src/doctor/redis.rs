//! Redis: one connection of its own, and one PING.

use super::catalogue::REDIS_PING;
use super::words::{self, Said};
use super::{Finding, PATIENCE, mail, net};
use crate::config::{self, Config};
use crate::replicas::{self, Fault, Trouble};

/// Whether it answers.
pub(super) async fn look(config: &Config) -> Vec<Finding> {
    let finding = match &config.redis {
        _ if ["REDIS_URL", "REDIS_SSL_CA_FILE"].iter().any(|variable| config.notes.refuse(variable)) => {
            Finding::not_checked(REDIS_PING, words::NOT_USABLE)
        }
        None => Finding::not_checked(REDIS_PING, words::REDIS_NONE),
        Some(redis) => ping(redis).await,
    };
    vec![finding]
}

async fn ping(redis: &config::Redis) -> Finding {
    // Never what stands before the `@`.
    let address = mail::host_of(redis.url.expose()).rsplit('@').next().unwrap_or_default().to_owned();
    let said = |words| Said::new(words).with("address", &address);
    let asked = tokio::time::timeout(PATIENCE, replicas::ping(redis)).await;
    let fault = match asked {
        Ok(Ok(took)) => return Finding::ok(REDIS_PING, said(words::REDIS_PONG).with("ms", took.as_millis())),
        Ok(Err(fault)) => fault,
        // Behind TLS a plain Redis waits for the rest of a command that it cannot read.
        Err(_) if redis.tls => Fault { trouble: Trouble::Plain, detail: String::new() },
        Err(_) => Fault { trouble: Trouble::Silent, detail: String::new() },
    };
    let why = net::one_line(&fault.detail);
    let why = why.trim_end_matches('.');
    let (found, fix) = match fault.trouble {
        Trouble::Host => (words::REDIS_UNKNOWN_HOST, words::MEND_REDIS),
        Trouble::Refused => (words::REDIS_REFUSED, words::MEND_REDIS),
        Trouble::Silent => (words::REDIS_SILENT, words::MEND_REDIS),
        Trouble::Certificate => (words::REDIS_TLS, words::MEND_REDIS_CA),
        Trouble::Plain => (words::REDIS_IS_PLAIN, words::MEND_REDIS_PLAIN),
        Trouble::HungUp if !redis.tls => (words::REDIS_WANTS_TLS, words::MEND_REDIS_TLS),
        Trouble::Login => (words::REDIS_AUTH, words::MEND_REDIS),
        Trouble::HungUp | Trouble::Rights | Trouble::Quota | Trouble::Lost | Trouble::Other => {
            (words::REDIS_ODD, words::MEND_REDIS)
        }
    };
    // Without it nothing is lost and nobody is kept out: it is a bell.
    Finding::warning(REDIS_PING, said(found).with("why", why), fix)
}
