//! What the server tells about itself: `LOG_LEVEL`, Logtail, `/metrics`.

use super::reader::{Reader, Refused};
use super::{Secret, web, words};

/// Where logs are sent besides the process's own output.
#[derive(Debug, Clone)]
pub struct Logtail {
    /// The source's token.
    pub token: Secret,
    /// Address to post to, `https://in.logs.betterstack.com`, without a slash at the end.
    pub endpoint: String,
}

/// Who may read `/metrics`.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Otherwise `/metrics` does not exist.
    pub enabled: bool,
    /// The Bearer token to ask for. Without one, in production, only figures of the whole fleet are shown (ADR 0027).
    pub token: Option<Secret>,
}

/// Logtail, if there is a token.
pub(super) fn logtail(r: &mut Reader) -> Result<Option<Logtail>, Refused> {
    let token = r.secret("LOGTAIL_TOKEN");
    let endpoint = logtail_endpoint(r);
    let (token, endpoint) = (token?, endpoint?);
    if token.is_none() && endpoint.is_some() {
        r.fault("LOGTAIL_TOKEN", words::LOGTAIL_HOST_ALONE);
    }
    let endpoint = endpoint.unwrap_or_else(|| "https://in.logs.betterstack.com".to_owned());
    Ok(token.map(|token| Logtail { token, endpoint }))
}

/// `LOGTAIL_HOST`, a host or a URL.
fn logtail_endpoint(r: &mut Reader) -> Result<Option<String>, Refused> {
    const VARIABLE: &str = "LOGTAIL_HOST";
    let Some(value) = r.text(VARIABLE)? else {
        return Ok(None);
    };
    let url = if value.contains("://") { value } else { format!("https://{value}") };
    let address = web::parsed(r, VARIABLE, &url)?;
    web::encrypted(r, VARIABLE, &address)?;
    Ok(Some(address.origin() + &address.path))
}

/// `METRICS_ENABLED` (only `true` or `1` switch it on) and `METRICS_TOKEN`.
pub(super) fn metrics(r: &mut Reader) -> Result<Metrics, Refused> {
    const ENABLED: &str = "METRICS_ENABLED";
    let enabled = r.text(ENABLED);
    let token = r.secret("METRICS_TOKEN");
    let enabled = match enabled?.as_deref() {
        Some("true" | "1") => true,
        None | Some("false" | "0") => false,
        Some(_) => {
            r.warn(ENABLED, words::METRICS_WORD);
            false
        }
    };
    let token = token?;
    if enabled && token.is_none() && r.production() {
        r.warn("METRICS_TOKEN", words::METRICS_WITHOUT_TOKEN);
    }
    Ok(Metrics { enabled, token })
}

/// `LOG_LEVEL` in lower case where case means nothing; `info` if unreadable.
pub(super) fn log_level(r: &mut Reader) -> Result<String, Refused> {
    let Some(value) = r.text("LOG_LEVEL")? else {
        return Ok("info".to_owned());
    };
    let directives: Option<Vec<String>> = value.split(',').map(|directive| parse_directive(directive.trim())).collect();
    Ok(directives.map(|list| list.join(",")).unwrap_or_else(|| {
        r.warn("LOG_LEVEL", words::LOG_LEVEL);
        "info".to_owned()
    }))
}

/// `debug` or `neopro_central=debug`.
fn parse_directive(text: &str) -> Option<String> {
    let level = |text: &str| {
        let text = text.to_ascii_lowercase();
        matches!(text.as_str(), "error" | "warn" | "info" | "debug" | "trace" | "off").then_some(text)
    };
    let Some((target, its_level)) = text.split_once('=') else {
        return level(text);
    };
    let named =
        !target.is_empty() && target.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':' | b'-'));
    level(its_level).filter(|_| named).map(|its_level| format!("{target}={its_level}"))
}
