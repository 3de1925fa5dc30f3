//! The letters that tell of the fleet: alerts, what became of orders, a week. Their sentences hold figures and names.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::alerts::{News, words};
use crate::clock::Time;
use crate::ids::DeploymentId;
use crate::language::Language;

/// How many orders of a letter are told one by one.
const ORDERS: usize = 20;
/// After how long news of alerts are none any more.
const NEWS: Duration = Duration::from_secs(6 * 3_600);

/// What became of an order, in figures of sites.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    id: DeploymentId,
    title: String,
    target: String,
    action: String,
    total: i64,
    done: i64,
    failed: i64,
    open: i64,
}

/// A week of the fleet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Week {
    /// Its beginning and its end, in seconds since 1970 UTC.
    from: i64,
    until: i64,
    sites: i64,
    online: i64,
    offline_minutes: i64,
    most_offline: Vec<Away>,
    orders: i64,
    failed_orders: i64,
    alerts: i64,
    critical: i64,
    open: i64,
    /// Mails that were not sent because of the day's number.
    held: i64,
}

/// For how long a site was away.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Away {
    name: String,
    minutes: i64,
}

/// What a letter says and where it leads.
#[derive(Debug)]
pub(super) struct Told {
    pub subject: String,
    pub before: Vec<String>,
    pub action: &'static str,
    pub path: String,
    pub after: Vec<String>,
}

/// Whether nobody needs these news any more.
pub(super) fn are_old(at: i64, now: Time) -> bool {
    now.unix_seconds() - at > i64::try_from(NEWS.as_secs()).unwrap_or(i64::MAX)
}

fn setting(language: Language) -> String {
    match language {
        Language::Fr => {
            "Vous choisissez ce que vous recevez dans votre profil, ou par l'API (/api/auth/notifications)."
        }
        Language::En => "You choose what you receive in your profile, or by the API (/api/auth/notifications).",
        Language::Es => "Usted elige lo que recibe en su perfil, o por la API (/api/auth/notifications).",
    }
    .to_owned()
}

/// News of alerts.
pub(super) fn alerts(news: &News, language: Language) -> Told {
    let mut before = Vec::new();
    for (title, lines) in words::parts(news, language) {
        let colon = if language == Language::Fr { " :" } else { ":" };
        before.push(format!("{title}{colon}"));
        before.extend(lines.into_iter().map(|line| format!("• {line}")));
    }
    before.push(words::standing(news, language));
    let action = match (language, news.only_site().is_some()) {
        (Language::Fr, true) => "Voir le site",
        (Language::En, true) => "See the site",
        (Language::Es, true) => "Ver el sitio",
        (Language::Fr, false) => "Voir les alertes",
        (Language::En, false) => "See the alerts",
        (Language::Es, false) => "Ver las alertas",
    };
    let subject = format!("NeoPro : {}", words::headline(news, language));
    Told { subject, before, action, path: news.path(), after: vec![setting(language)] }
}

/// What became of one order or of several.
pub(super) fn results(orders: &[Order], language: Language) -> Told {
    let failed = orders.iter().filter(|order| order.failed > 0).count();
    let subject = match (orders, language) {
        ([order], _) => format!("NeoPro : {}", result(order, language)),
        (_, Language::Fr) => format!("NeoPro : {} déploiements terminés, dont {failed} avec des échecs", orders.len()),
        (_, Language::En) => format!("NeoPro: {} deployments ended, {failed} with failures", orders.len()),
        (_, Language::Es) => format!("NeoPro: {} despliegues terminados, {failed} con fallos", orders.len()),
    };
    let mut before: Vec<String> =
        orders.iter().take(ORDERS).map(|order| format!("• {}", result(order, language))).collect();
    let more = orders.len().saturating_sub(ORDERS);
    if more > 0 {
        before.push(match language {
            Language::Fr => format!("… et {more} de plus."),
            Language::En => format!("… and {more} more."),
            Language::Es => format!("… y {more} más."),
        });
    }
    let (action, path) = match (orders, language) {
        ([order], Language::Fr) => ("Voir le déploiement", format!("/deployments/{}", order.id)),
        ([order], Language::En) => ("See the deployment", format!("/deployments/{}", order.id)),
        ([order], Language::Es) => ("Ver el despliegue", format!("/deployments/{}", order.id)),
        (_, Language::Fr) => ("Voir les déploiements", "/deployments".to_owned()),
        (_, Language::En) => ("See the deployments", "/deployments".to_owned()),
        (_, Language::Es) => ("Ver los despliegues", "/deployments".to_owned()),
    };
    Told { subject, before, action, path, after: vec![setting(language)] }
}

/// An order in a line: `« Boulangerie » vers Bretagne : 12 sites sur 14, 2 en échec`.
fn result(order: &Order, language: Language) -> String {
    let Order { title, target, total, done, failed, open, .. } = order;
    let removes = order.action == "remove";
    let mut line = match (language, removes) {
        (Language::Fr, false) => format!("« {title} » vers {target} : {done} sites sur {total}"),
        (Language::Fr, true) => format!("« {title} » retirée de {target} : {done} sites sur {total}"),
        (Language::En, false) => format!("“{title}” to {target}: {done} of {total} sites"),
        (Language::En, true) => format!("“{title}” removed from {target}: {done} of {total} sites"),
        (Language::Es, false) => format!("«{title}» a {target}: {done} de {total} sitios"),
        (Language::Es, true) => format!("«{title}» retirado de {target}: {done} de {total} sitios"),
    };
    if *failed > 0 {
        line += &match language {
            Language::Fr => format!(", {failed} en échec"),
            Language::En => format!(", {failed} failed"),
            Language::Es => format!(", {failed} fallidos"),
        };
    }
    if *open > 0 {
        line += &match language {
            Language::Fr => format!(", {open} toujours en attente après un jour"),
            Language::En => format!(", {open} still waiting after a day"),
            Language::Es => format!(", {open} siguen pendientes después de un día"),
        };
    }
    line
}

/// A week.
pub(super) fn summary(week: &Week, language: Language) -> Told {
    let day = |seconds: i64| Time::from_unix_micros(seconds.saturating_mul(1_000_000)).to_string()[..10].to_owned();
    let (from, until) = (day(week.from), day(week.until));
    let Week { sites, online, orders, failed_orders, alerts, critical, open, held, .. } = week;
    let away = duration(week.offline_minutes);
    let (subject, mut before) = match language {
        Language::Fr => (
            format!("NeoPro : la semaine du {from}"),
            vec![
                format!("Du {from} au {until} :"),
                format!("• Boîtiers en ligne en ce moment : {online} sur {sites}"),
                format!("• Temps hors ligne, tous sites confondus : {away}"),
                format!("• Déploiements : {orders}, dont {failed_orders} en échec"),
                format!("• Alertes : {alerts}, dont {critical} critiques ; encore ouvertes : {open}"),
            ],
        ),
        Language::En => (
            format!("NeoPro: the week of {from}"),
            vec![
                format!("From {from} to {until}:"),
                format!("• Boxes online now: {online} of {sites}"),
                format!("• Time offline, all sites together: {away}"),
                format!("• Deployments: {orders}, {failed_orders} of them failed"),
                format!("• Alerts: {alerts}, {critical} of them critical; still open: {open}"),
            ],
        ),
        Language::Es => (
            format!("NeoPro: la semana del {from}"),
            vec![
                format!("Del {from} al {until}:"),
                format!("• Equipos conectados ahora: {online} de {sites}"),
                format!("• Tiempo sin conexión, todos los sitios juntos: {away}"),
                format!("• Despliegues: {orders}, de ellos {failed_orders} fallidos"),
                format!("• Alertas: {alerts}, de ellas {critical} críticas; todavía abiertas: {open}"),
            ],
        ),
    };
    if !week.most_offline.is_empty() {
        let names: Vec<String> =
            week.most_offline.iter().map(|site| format!("{} ({})", site.name, duration(site.minutes))).collect();
        let names = names.join(", ");
        before.push(match language {
            Language::Fr => format!("• Les plus longtemps hors ligne : {names}"),
            Language::En => format!("• Offline for longest: {names}"),
            Language::Es => format!("• Más tiempo sin conexión: {names}"),
        });
    }
    if *held > 0 {
        before.push(match language {
            Language::Fr => format!("• Courriels retenus par la limite quotidienne : {held} (alertes et résultats)"),
            Language::En => format!("• Mails held back by the daily limit: {held} (alerts and results)"),
            Language::Es => format!("• Correos retenidos por el límite diario: {held} (alertas y resultados)"),
        });
    }
    let action = match language {
        Language::Fr => "Ouvrir le tableau de bord",
        Language::En => "Open the dashboard",
        Language::Es => "Abrir el panel",
    };
    Told { subject, before, action, path: "/".to_owned(), after: vec![setting(language)] }
}

/// Hours and minutes, in signs that all three languages share.
fn duration(minutes: i64) -> String {
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(title: &str, failed: i64, open: i64) -> Order {
        Order {
            id: DeploymentId::new(),
            title: title.into(),
            target: "Bretagne".into(),
            action: "install".into(),
            total: 14,
            done: 14 - failed - open,
            failed,
            open,
        }
    }

    #[test]
    fn a_result_says_how_many_sites_have_it() {
        assert_eq!(result(&order("Pain", 2, 0), Language::Fr), "« Pain » vers Bretagne : 12 sites sur 14, 2 en échec");
        assert_eq!(
            result(&order("Pain", 0, 1), Language::En),
            "“Pain” to Bretagne: 13 of 14 sites, 1 still waiting after a day"
        );
        let many: Vec<Order> = (0..25).map(|n| order("Pain", n % 2, 0)).collect();
        let told = results(&many, Language::Fr);
        assert_eq!(told.subject, "NeoPro : 25 déploiements terminés, dont 12 avec des échecs");
        assert_eq!((told.before.len(), told.before[20].as_str()), (21, "… et 5 de plus."));
    }

    #[test]
    fn a_week_says_what_was_held_back_only_if_something_was() {
        let mut week = Week {
            from: 1_768_197_600,
            until: 1_768_802_400,
            sites: 35,
            online: 33,
            offline_minutes: 754,
            most_offline: vec![Away { name: "Salle <b>".into(), minutes: 60 }],
            orders: 4,
            failed_orders: 1,
            alerts: 9,
            critical: 2,
            open: 1,
            held: 0,
        };
        for language in Language::ALL {
            let told = summary(&week, language);
            assert_eq!(told.before.len(), 6, "{:?}", told.before);
            assert!(told.before[2].contains("12 h 34") && told.before[5].contains("Salle <b> (1 h)"));
        }
        week.held = 3;
        assert!(summary(&week, Language::Es).before[6].contains("3 (alertas"));
    }
}
