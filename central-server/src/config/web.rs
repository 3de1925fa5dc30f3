//! How the server is reached, and by whom: port, public addresses, allowed origins, proxies.

use super::reader::{Reader, Refused};
use super::url::{Address, is_private, port as readable_port};
use super::words;
use crate::words::Said;

/// `PORT`, which platforms set by themselves.
pub(super) fn port(r: &mut Reader) -> Result<u16, Refused> {
    match r.text_or_default("PORT")?.as_deref().map(readable_port) {
        None => Ok(3001),
        Some(Some(port)) => {
            if port != 3001 && r.production() {
                r.remark("PORT", Said::new(words::OTHER_PORT).with("port", port));
            }
            Ok(port)
        }
        Some(None) => Err(r.refuse("PORT", words::NOT_A_PORT)),
    }
}

/// `TRUSTED_PROXY_HOPS`. Render puts two proxies in front of each service.
pub(super) fn trusted_proxy_hops(r: &mut Reader) -> Result<usize, Refused> {
    let default = if r.is_true("RENDER") { 2 } else { 0 };
    Ok(r.number("TRUSTED_PROXY_HOPS", 0..=10)?.unwrap_or(default))
}

/// `NEOPRO_RATE_LIMITS`: `on`, or `off` for those who measure.
pub(super) fn rate_limits(r: &mut Reader) -> Result<bool, Refused> {
    const VARIABLE: &str = "NEOPRO_RATE_LIMITS";
    match r.text(VARIABLE)?.as_deref() {
        None | Some("on") => Ok(true),
        Some("off") => {
            if r.production() {
                r.warn(VARIABLE, words::LIMITS_OFF);
            }
            Ok(false)
        }
        Some(_) => Err(r.refuse(VARIABLE, words::NOT_ON_OR_OFF)),
    }
}

/// `ALLOWED_ORIGINS`: each as a browser writes it, in the order given, each once.
pub(super) fn allowed_origins(r: &mut Reader) -> Result<Vec<String>, Refused> {
    const VARIABLE: &str = "ALLOWED_ORIGINS";
    let Some(list) = r.text(VARIABLE)? else {
        if r.production() {
            r.warn(VARIABLE, words::NO_ORIGINS);
        }
        return Ok(Vec::new());
    };
    let mut origins: Vec<String> = Vec::new();
    let mut refused = None;
    for (index, entry) in list.split(',').map(str::trim).enumerate().filter(|(_, entry)| !entry.is_empty()) {
        let number = index + 1;
        if entry.ends_with('/') {
            r.remark(VARIABLE, Said::new(words::SLASH_AT_THE_END).with("number", number));
        }
        match origin(entry, r.production()) {
            Ok(origin) if origins.contains(&origin) => {}
            Ok(origin) => origins.push(origin),
            Err(fault) => {
                let said = Said::new(words::NTH_ADDRESS).with("number", number).with_words("fault", fault);
                refused = Some(r.refuse(VARIABLE, said));
            }
        }
    }
    refused.map_or(Ok(origins), Err)
}

/// `https://host[:port]`; the error is the end of a sentence that begins with « l'adresse ».
fn origin(entry: &str, production: bool) -> Result<String, Said> {
    if entry.contains('*') {
        return Err(words::WITH_STAR.into());
    }
    let address = Address::parse(entry)?;
    if !address.path.is_empty() {
        return Err(Said::new(words::WITH_PATH).with("origin", address.origin()));
    }
    if production && !address.https && !is_private(&address.host) {
        return Err(Said::new(words::BEGINS_WITH_HTTP).with("host", &address.host));
    }
    Ok(address.origin())
}

/// `PUBLIC_URL`, else the address that Render gives. Without a slash at the end.
pub(super) fn public_url(r: &mut Reader) -> Result<Option<String>, Refused> {
    if let Some(url) = address(r, "PUBLIC_URL")? {
        if !url.path.is_empty() {
            return Err(r.refuse("PUBLIC_URL", Said::new(words::WITH_PATH).with("origin", url.origin())));
        }
        return Ok(Some(url.origin()));
    }
    let platform = r.untouched("RENDER_EXTERNAL_URL").map(|text| Address::parse(text.trim()));
    match platform {
        Some(Ok(url)) => return Ok(Some(url.origin())),
        Some(Err(fault)) => {
            r.warn("RENDER_EXTERNAL_URL", Said::new(words::RENDER_URL_IGNORED).with_words("fault", fault))
        }
        None if r.production() => r.warn("PUBLIC_URL", words::NO_PUBLIC_URL),
        None => {}
    }
    Ok(None)
}

/// Where people open the dashboard: `FRONTEND_URL`, else `DASHBOARD_URL`, else the first allowed origin.
pub(super) fn frontend_url(r: &mut Reader, allowed_origins: &[String]) -> Result<Option<String>, Refused> {
    let frontend = address(r, "FRONTEND_URL");
    let dashboard = address(r, "DASHBOARD_URL");
    let chosen = frontend?.or(dashboard?).map(|url| url.origin() + &url.path);
    Ok(chosen.or_else(|| allowed_origins.first().cloned()))
}

/// A variable that holds a web address, encrypted if it leads over a public network in production.
pub(super) fn address(r: &mut Reader, variable: &'static str) -> Result<Option<Address>, Refused> {
    let Some(value) = r.text(variable)? else {
        return Ok(None);
    };
    let address = parsed(r, variable, &value)?;
    encrypted(r, variable, &address)?;
    Ok(Some(address))
}

/// A web address, or a problem that says why it is none.
pub(super) fn parsed(r: &mut Reader, variable: &'static str, value: &str) -> Result<Address, Refused> {
    Address::parse(value).map_err(|fault| r.refuse(variable, Said::new(words::ADDRESS).with_words("fault", fault)))
}

/// Refuses plain http over a public network in production, and remarks it in a private one.
pub(super) fn encrypted(r: &mut Reader, variable: &'static str, address: &Address) -> Result<(), Refused> {
    match (address.https, is_private(&address.host)) {
        (false, false) if r.production() => Err(r.refuse(variable, words::HTTPS_NEEDED)),
        (false, true) if r.production() => {
            r.warn(variable, words::HTTP_TO_PRIVATE);
            Ok(())
        }
        _ => Ok(()),
    }
}
