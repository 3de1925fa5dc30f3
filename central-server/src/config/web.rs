//! How the server is reached, and by whom: port, public addresses, allowed origins, proxies.

use super::reader::{Reader, Refused};
use super::url::{Address, is_private, port as readable_port};

/// `PORT`, which platforms set by themselves.
pub(super) fn port(r: &mut Reader) -> Result<u16, Refused> {
    match r.text_or_default("PORT")?.as_deref().map(readable_port) {
        None => Ok(3001),
        Some(Some(port)) => {
            if port != 3001 && r.production() {
                r.remark("PORT", format!("{port} ; le guide écrit 3001, tout autre port convient (étape 6.4)"));
            }
            Ok(port)
        }
        Some(None) => Err(r.refuse("PORT", "un nombre entier de 1 à 65535 est attendu, par exemple 3001")),
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
                r.warn(
                    VARIABLE,
                    "« off » : aucune limite d'appels n'est appliquée ; réserver cette valeur aux mesures",
                );
            }
            Ok(false)
        }
        Some(_) => Err(r.refuse(VARIABLE, "« on » ou « off » est attendu")),
    }
}

/// `ALLOWED_ORIGINS`: each as a browser writes it, in the order given, each once.
pub(super) fn allowed_origins(r: &mut Reader) -> Result<Vec<String>, Refused> {
    const VARIABLE: &str = "ALLOWED_ORIGINS";
    let Some(list) = r.text(VARIABLE)? else {
        if r.production() {
            r.warn(
                VARIABLE,
                "non définie : aucun tableau de bord hébergé ailleurs ne peut joindre ce serveur ; y mettre son adresse \
                 (étape 7.6)",
            );
        }
        return Ok(Vec::new());
    };
    let mut origins: Vec<String> = Vec::new();
    let mut refused = None;
    for (index, entry) in list.split(',').map(str::trim).enumerate().filter(|(_, entry)| !entry.is_empty()) {
        if entry.ends_with('/') {
            let number = index + 1;
            r.remark(
                VARIABLE,
                format!("l'adresse n° {number} finit par « / » ; admis, la forme est https://monsite.com"),
            );
        }
        match origin(entry, r.production()) {
            Ok(origin) if origins.contains(&origin) => {}
            Ok(origin) => origins.push(origin),
            Err(fault) => refused = Some(r.refuse(VARIABLE, format!("l'adresse n° {} {fault}", index + 1))),
        }
    }
    refused.map_or(Ok(origins), Err)
}

/// `https://host[:port]`; the error is the end of a sentence that begins with « l'adresse ».
fn origin(entry: &str, production: bool) -> Result<String, String> {
    if entry.contains('*') {
        return Err("contient « * » ; écrire chaque adresse en entier".to_owned());
    }
    let address = Address::parse(entry)?;
    if !address.path.is_empty() {
        return Err(format!("contient un chemin ; écrire seulement {}", address.origin()));
    }
    if production && !address.https && !is_private(&address.host) {
        return Err(format!("commence par http:// ; écrire https://{}", address.host));
    }
    Ok(address.origin())
}

/// `PUBLIC_URL`, else the address that Render gives. Without a slash at the end.
pub(super) fn public_url(r: &mut Reader) -> Result<Option<String>, Refused> {
    if let Some(url) = address(r, "PUBLIC_URL")? {
        if !url.path.is_empty() {
            return Err(r.refuse("PUBLIC_URL", format!("contient un chemin ; écrire seulement {}", url.origin())));
        }
        return Ok(Some(url.origin()));
    }
    let platform = r.untouched("RENDER_EXTERNAL_URL").map(|text| Address::parse(text.trim()));
    match platform {
        Some(Ok(url)) => return Ok(Some(url.origin())),
        Some(Err(fault)) => r.warn("RENDER_EXTERNAL_URL", format!("ignorée : elle {fault}")),
        None if r.production() => r.warn(
            "PUBLIC_URL",
            "non définie : les liens vers ce serveur manqueront dans les courriels et les rapports ; y mettre son adresse \
             publique (étape 6.7)",
        ),
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
    let address = Address::parse(&value).map_err(|fault| r.refuse(variable, format!("l'adresse {fault}")))?;
    encrypted(r, variable, &address)?;
    Ok(Some(address))
}

/// Refuses plain http over a public network in production, and remarks it in a private one.
pub(super) fn encrypted(r: &mut Reader, variable: &'static str, address: &Address) -> Result<(), Refused> {
    match (address.https, is_private(&address.host)) {
        (false, false) if r.production() => Err(r.refuse(variable, "https:// est nécessaire en production")),
        (false, true) if r.production() => {
            r.warn(variable, "adresse en http:// ; admis car l'hôte est local ou privé");
            Ok(())
        }
        _ => Ok(()),
    }
}
