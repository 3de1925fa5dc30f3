//! This server as the world sees it, through its public address.

use axum::http::{HeaderMap, Method};
use std::net::IpAddr;

use super::catalogue::{OUTSIDE_DOCS, OUTSIDE_HEALTH, OUTSIDE_MONITOR, OUTSIDE_PROXIES, OUTSIDE_READY};
use super::net;
use super::words::{self, Said};
use super::{Check, Finding, VERSION};
use crate::config::Config;

/// Everything of step 10 that needs no browser.
pub(super) async fn look(config: &Config) -> Vec<Finding> {
    let proxies = Said::new(words::PROXIES_BY_PAGE).with("hops", config.trusted_proxy_hops);
    let page = Said::new(words::LOOK_AT_PAGE).with("url", config.dashboard_url());
    let proxies = Finding { fix: Some(page), ..Finding::not_checked(OUTSIDE_PROXIES, proxies) };
    let Some(url) = &config.public_url else {
        let checks = [OUTSIDE_HEALTH, OUTSIDE_READY, OUTSIDE_DOCS, OUTSIDE_MONITOR];
        let unknown = checks.map(|check| Finding::not_checked(check, words::NO_PUBLIC_URL));
        return unknown.into_iter().chain([proxies]).collect();
    };
    let (health, ready, docs, monitor) = tokio::join!(health(url), ready(url), docs(url), monitor(url));
    vec![health, ready, docs, monitor, proxies]
}

fn unreachable(check: &'static Check, url: &str, why: String) -> Finding {
    let said = Said::new(words::UNREACHABLE).with("url", url).with("why", why);
    Finding::error(check, said, words::MEND_PUBLIC_URL)
}

async fn health(url: &str) -> Finding {
    let url = format!("{url}/health");
    let answer = match net::get(Method::GET, &url, &[]).await {
        Ok(answer) => answer,
        Err(why) => return unreachable(OUTSIDE_HEALTH, &url, why),
    };
    let report = answer.json();
    let (status, version) = (report["status"].as_str(), report["version"].as_str());
    let said = |words| Said::new(words).with("url", &url);
    match (status, version) {
        (Some("healthy"), Some(version)) if version == VERSION => {
            Finding::ok(OUTSIDE_HEALTH, said(words::HEALTHY).with("version", version))
        }
        (Some("healthy"), Some(version)) => Finding::warning(
            OUTSIDE_HEALTH,
            said(words::OTHER_VERSION).with("version", net::one_line(version)).with("ours", VERSION),
            words::MEND_OTHER_VERSION,
        ),
        (Some(status @ ("degraded" | "unhealthy")), Some(_)) => {
            let (checks, why) = unwell(&report);
            let said = said(words::NOT_HEALTHY).with("status", status).with("checks", checks).with("why", why);
            match status {
                "degraded" => Finding::warning(OUTSIDE_HEALTH, said, words::MEND_NOT_HEALTHY),
                _ => Finding::error(OUTSIDE_HEALTH, said, words::MEND_NOT_HEALTHY),
            }
        }
        _ => {
            Finding::error(OUTSIDE_HEALTH, said(words::NOT_OURS).with("status", answer.status), words::MEND_PUBLIC_URL)
        }
    }
}

/// The checks that are not well, and what they say of themselves.
fn unwell(report: &serde_json::Value) -> (String, String) {
    let checks = report["checks"].as_object().into_iter().flatten();
    let (names, told): (Vec<String>, Vec<String>) = checks
        .filter(|(_, check)| check["status"] != "healthy")
        .map(|(name, check)| {
            let said = net::one_line(check["message"].as_str().unwrap_or(name));
            (net::one_line(name), said.trim_end_matches('.').to_owned())
        })
        .unzip();
    (names.join(", "), told.join(" ; "))
}

async fn ready(url: &str) -> Finding {
    let (live, ready) = (format!("{url}/live"), format!("{url}/ready"));
    let (first, second) = tokio::join!(net::get(Method::GET, &live, &[]), net::get(Method::GET, &ready, &[]));
    for (url, answer) in [(live, first), (ready.clone(), second)] {
        match answer {
            Ok(answer) if answer.status == 200 => {}
            Ok(answer) => {
                let said = Said::new(words::WRONG_STATUS).with("url", url).with("status", answer.status);
                return Finding::error(OUTSIDE_READY, said, words::MEND_NOT_HEALTHY);
            }
            Err(why) => return unreachable(OUTSIDE_READY, &url, why),
        }
    }
    Finding::ok(OUTSIDE_READY, Said::new(words::ANSWERS).with("url", ready).with("status", 200))
}

async fn docs(url: &str) -> Finding {
    let url = format!("{url}/api-docs/");
    match net::get(Method::GET, &url, &[("accept", "text/html")]).await {
        Ok(answer) if matches!(answer.status, 200..=399) => {
            Finding::ok(OUTSIDE_DOCS, Said::new(words::ANSWERS).with("url", url).with("status", answer.status))
        }
        Ok(answer) => {
            let said = Said::new(words::WRONG_STATUS).with("url", url).with("status", answer.status);
            Finding::error(OUTSIDE_DOCS, said, words::MEND_PUBLIC_URL)
        }
        Err(why) => unreachable(OUTSIDE_DOCS, &url, why),
    }
}

/// As free monitors ask.
async fn monitor(url: &str) -> Finding {
    let url = format!("{url}/health");
    match net::get(Method::HEAD, &url, &[]).await {
        Ok(answer) if answer.status == 200 => {
            Finding::ok(OUTSIDE_MONITOR, Said::new(words::ANSWERS).with("url", url).with("status", 200))
        }
        Ok(answer) => {
            let said = Said::new(words::WRONG_STATUS).with("url", url).with("status", answer.status);
            Finding::warning(OUTSIDE_MONITOR, said, words::MEND_MONITOR)
        }
        Err(why) => unreachable(OUTSIDE_MONITOR, &url, why),
    }
}

/// Through how many proxies this very request of a browser has come, against how many are trusted. A browser writes no
/// `X-Forwarded-For`: each entry is a proxy's.
pub(super) fn proxies(config: &Config, headers: &HeaderMap, peer: IpAddr) -> Finding {
    let entries: Vec<String> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|entry| net::one_line(entry).chars().take(45).collect())
        .collect();
    let (hops, seen) = (config.trusted_proxy_hops, entries.len());
    let chain = entries.into_iter().take(10).chain([peer.to_string()]).collect::<Vec<_>>().join(" → ");
    let said = |words| Said::new(words).with("hops", hops).with("seen", seen).with("chain", &chain);
    match hops == seen {
        true => Finding::ok(OUTSIDE_PROXIES, said(words::PROXIES_OK)),
        false => Finding::warning(OUTSIDE_PROXIES, said(words::PROXIES_DIFFER), said(words::MEND_PROXIES)),
    }
}
