//! The dashboard: whether its page is there, which build it is, and whether its origin is let in.

use axum::http::Method;

use super::catalogue::{DASHBOARD_BUILD, DASHBOARD_CORS, DASHBOARD_PAGE};
use super::net::{self, Answer};
use super::words::{self, Said};
use super::{Finding, VERSION};
use crate::config::Config;

/// Everything about it.
pub(super) async fn look(config: &Config) -> Vec<Finding> {
    let (cors, page) = tokio::join!(cors(config), page(config));
    [cors, page].concat()
}

/// `https://host[:port]` of an address.
fn origin(url: &str) -> &str {
    let from = url.find("://").map_or(0, |place| place + 3);
    let end = url[from..].find('/').map_or(url.len(), |length| from + length);
    &url[..end]
}

async fn cors(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(dashboard) = &config.frontend_url {
        let origin = origin(dashboard);
        let is_listed = config.allowed_origins.iter().any(|listed| listed == origin);
        if !is_listed && origin != config.own_url() {
            let mend = Said::new(words::MEND_CORS).with("origin", origin);
            findings.push(Finding::error(DASHBOARD_CORS, words::CORS_UNLISTED, mend).on(origin));
        }
    }
    let Some(url) = &config.public_url else {
        findings.push(Finding::not_checked(DASHBOARD_CORS, words::NO_PUBLIC_URL));
        return findings;
    };
    if config.allowed_origins.is_empty() && findings.is_empty() {
        findings.push(Finding::ok(DASHBOARD_CORS, words::CORS_NONE));
    }
    let asked = config.allowed_origins.iter().map(|origin| preflight(url, origin));
    findings.extend(futures_util::future::join_all(asked).await);
    findings
}

/// What a browser asks before it sends a login.
async fn preflight(url: &str, origin: &str) -> Finding {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type"),
    ];
    let answer = net::get(Method::OPTIONS, &format!("{url}/api/auth/login"), &headers).await;
    let finding = match answer {
        Ok(answer) if lets_in(&answer, origin) => Finding::ok(DASHBOARD_CORS, words::CORS_OK),
        Ok(_) => {
            let mend = Said::new(words::MEND_CORS).with("origin", origin);
            Finding::error(DASHBOARD_CORS, Said::new(words::CORS_REFUSED).with("url", url), mend)
        }
        Err(why) => {
            let said = Said::new(words::UNREACHABLE).with("url", url).with("why", why);
            Finding::error(DASHBOARD_CORS, said, words::MEND_PUBLIC_URL).at("6.7")
        }
    };
    finding.on(origin)
}

fn lets_in(answer: &Answer, origin: &str) -> bool {
    answer.header("access-control-allow-origin") == origin
        && answer.header("access-control-allow-credentials") == "true"
        && matches!(answer.status, 200..=299)
}

async fn page(config: &Config) -> Vec<Finding> {
    let Some(url) = config.frontend_url.as_ref().or(config.public_url.as_ref()) else {
        return [DASHBOARD_PAGE, DASHBOARD_BUILD]
            .map(|check| Finding::not_checked(check, words::NO_DASHBOARD_URL))
            .into();
    };
    let (root, about) = (format!("{url}/"), format!("{url}/health.json"));
    let (page, build) =
        tokio::join!(net::get(Method::GET, &root, &[("accept", "text/html")]), net::get(Method::GET, &about, &[]));
    let there = match page {
        Err(why) => {
            let said = Said::new(words::UNREACHABLE).with("url", &root).with("why", why);
            Finding::error(DASHBOARD_PAGE, said, words::MEND_PAGE)
        }
        Ok(answer) => judged(&root, &answer),
    };
    vec![there, build_of(config, url, build.ok().as_ref())]
}

fn judged(url: &str, answer: &Answer) -> Finding {
    let said = |words| Said::new(words).with("url", url).with("status", answer.status);
    let text = String::from_utf8_lossy(&answer.body);
    let is_ours = answer.status == 200 && text.contains("NeoPro");
    match (is_ours, text.contains("<script")) {
        (true, true) => Finding::ok(DASHBOARD_PAGE, said(words::PAGE_OK)),
        (true, false) => Finding::error(DASHBOARD_PAGE, said(words::PAGE_EMPTY), words::MEND_PAGE),
        (false, _) => Finding::error(DASHBOARD_PAGE, said(words::PAGE_OTHER), words::MEND_PAGE),
    }
}

fn build_of(config: &Config, url: &str, answer: Option<&Answer>) -> Finding {
    let about = answer.map(Answer::json).unwrap_or_default();
    let Some(version) = about["version"].as_str().map(net::one_line) else {
        let said = Said::new(words::BUILD_UNKNOWN).with("url", url);
        return Finding::not_checked(DASHBOARD_BUILD, said);
    };
    let api = ["api", "api_url", "apiUrl", "api_address"].iter().find_map(|name| about[*name].as_str());
    let api = api.map(|api| net::one_line(api).trim_end_matches('/').to_owned()).filter(|api| !api.is_empty());
    let said = |words| {
        Said::new(words)
            .with("version", &version)
            .with("ours", if words == words::BUILD_OTHER_API { config.own_url() } else { VERSION.to_owned() })
            .with("api", api.as_deref().unwrap_or_default())
    };
    match &api {
        Some(api) if origin(api) != config.own_url() => {
            Finding::error(DASHBOARD_BUILD, said(words::BUILD_OTHER_API), words::MEND_BUILD_API)
        }
        _ if version != VERSION => {
            Finding::warning(DASHBOARD_BUILD, said(words::BUILD_OTHER_VERSION), words::MEND_OTHER_VERSION)
        }
        Some(_) => Finding::ok(DASHBOARD_BUILD, said(words::BUILD_OK)),
        None => Finding::ok(DASHBOARD_BUILD, said(words::BUILD_SAME_HOST)),
    }
}
