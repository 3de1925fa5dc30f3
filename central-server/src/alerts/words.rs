//! What is said of alerts, in each language: by mail, by Slack, and in the rows of the installation's own.

use super::{Group, News};
use crate::language::Language;

/// What is wrong, of one site or of the installation.
#[must_use]
pub fn sentence(kind: &str, language: Language) -> &'static str {
    use Language::{En, Es, Fr};
    match (kind, language) {
        ("site_offline", Fr) => "boîtier hors ligne",
        ("site_offline", En) => "box offline",
        ("site_offline", Es) => "equipo sin conexión",
        ("high_temperature", Fr) => "boîtier trop chaud",
        ("high_temperature", En) => "box too hot",
        ("high_temperature", Es) => "equipo demasiado caliente",
        ("high_disk_usage", Fr) => "disque de boîtier presque plein",
        ("high_disk_usage", En) => "box disk nearly full",
        ("high_disk_usage", Es) => "disco del equipo casi lleno",
        ("high_memory_usage", Fr) => "mémoire de boîtier presque pleine",
        ("high_memory_usage", En) => "box memory nearly full",
        ("high_memory_usage", Es) => "memoria del equipo casi llena",
        ("deployment_failed", Fr) => "déploiement en échec",
        ("deployment_failed", En) => "failed deployment",
        ("deployment_failed", Es) => "despliegue fallido",
        ("database_nearly_full", Fr) => "Base de données presque pleine",
        ("database_nearly_full", En) => "Database nearly full",
        ("database_nearly_full", Es) => "Base de datos casi llena",
        ("storage_full", Fr) => "Stockage des vidéos plein",
        ("storage_full", En) => "Video storage full",
        ("storage_full", Es) => "Almacenamiento de vídeos lleno",
        ("storage_unavailable", Fr) => "Stockage des vidéos inaccessible",
        ("storage_unavailable", En) => "Video storage unreachable",
        ("storage_unavailable", Es) => "Almacenamiento de vídeos inaccesible",
        ("mail_failing", Fr) => "Les courriels ne partent plus",
        ("mail_failing", En) => "Mail does not leave any more",
        ("mail_failing", Es) => "Los correos ya no salen",
        ("slack_failing", Fr) => "Slack refuse les messages",
        ("slack_failing", En) => "Slack refuses messages",
        ("slack_failing", Es) => "Slack rechaza los mensajes",
        (_, Fr) => "autre alerte",
        (_, En) => "other alert",
        (_, Es) => "otra alerta",
    }
}

/// The same for several.
fn plural(kind: &str, language: Language) -> &'static str {
    use Language::{En, Es, Fr};
    match (kind, language) {
        ("site_offline", Fr) => "boîtiers hors ligne",
        ("site_offline", En) => "boxes offline",
        ("site_offline", Es) => "equipos sin conexión",
        ("high_temperature", Fr) => "boîtiers trop chauds",
        ("high_temperature", En) => "boxes too hot",
        ("high_temperature", Es) => "equipos demasiado calientes",
        ("high_disk_usage", Fr) => "disques de boîtiers presque pleins",
        ("high_disk_usage", En) => "box disks nearly full",
        ("high_disk_usage", Es) => "discos de equipos casi llenos",
        ("high_memory_usage", Fr) => "mémoires de boîtiers presque pleines",
        ("high_memory_usage", En) => "box memories nearly full",
        ("high_memory_usage", Es) => "memorias de equipos casi llenas",
        ("deployment_failed", Fr) => "sites avec un déploiement en échec",
        ("deployment_failed", En) => "sites with a failed deployment",
        ("deployment_failed", Es) => "sitios con un despliegue fallido",
        (_, Fr) => "autres alertes",
        (_, En) => "other alerts",
        (_, Es) => "otras alertas",
    }
}

/// One kind in a line: how many, what, and who: `12 boîtiers hors ligne : A, B, C, D, E et 7 autres`.
#[must_use]
pub fn line(group: &Group, language: Language) -> String {
    let what = match group.count {
        1 if group.site_id.is_none() => sentence(&group.r#type, language).to_owned(),
        1 => format!("1 {}", sentence(&group.r#type, language)),
        count => format!("{count} {}", plural(&group.r#type, language)),
    };
    if group.names.is_empty() {
        return what;
    }
    let colon = if language == Language::Fr { " :" } else { ":" };
    format!("{what}{colon} {}", names(group, language))
}

fn names(group: &Group, language: Language) -> String {
    let listed = group.names.join(", ");
    let more = group.count.saturating_sub(i64::try_from(group.names.len()).unwrap_or(i64::MAX));
    match (more, language) {
        (..=0, _) => listed,
        (1, Language::Fr) => format!("{listed} et 1 autre"),
        (_, Language::Fr) => format!("{listed} et {more} autres"),
        (1, Language::En) => format!("{listed} and 1 other"),
        (_, Language::En) => format!("{listed} and {more} others"),
        (1, Language::Es) => format!("{listed} y 1 más"),
        (_, Language::Es) => format!("{listed} y {more} más"),
    }
}

/// What a message is about, in one line: the largest of what is worst.
#[must_use]
pub fn headline(news: &News, language: Language) -> String {
    let worse = [&news.risen, &news.opened, &news.again].into_iter().flatten();
    if let Some(group) = worse.max_by_key(|group| (group.severity == super::Severity::Critical, group.count)) {
        return line(group, language);
    }
    match (news.recovered.iter().max_by_key(|group| group.count), language) {
        (Some(group), Language::Fr) => format!("Rétabli – {}", line(group, language)),
        (Some(group), Language::En) => format!("Recovered – {}", line(group, language)),
        (Some(group), Language::Es) => format!("Restablecido – {}", line(group, language)),
        (None, Language::Fr) => "Alertes".to_owned(),
        (None, Language::En) => "Alerts".to_owned(),
        (None, Language::Es) => "Alertas".to_owned(),
    }
}

/// The parts of a message: a title and its lines, those that have some.
#[must_use]
pub fn parts(news: &News, language: Language) -> Vec<(&'static str, Vec<String>)> {
    let titles = match language {
        Language::Fr => ["Devenu critique", "Nouveau", "Dure encore", "Rétabli"],
        Language::En => ["Critical by now", "New", "Still so", "Recovered"],
        Language::Es => ["Ahora crítico", "Nuevo", "Continúa", "Restablecido"],
    };
    let groups = [&news.risen, &news.opened, &news.again, &news.recovered];
    titles
        .into_iter()
        .zip(groups)
        .filter(|(_, groups)| !groups.is_empty())
        .map(|(title, groups)| (title, groups.iter().map(|group| line(group, language)).collect()))
        .collect()
}

/// How many alerts are open, of how many sites.
#[must_use]
pub fn standing(news: &News, language: Language) -> String {
    let (open, sites) = (news.open, news.sites);
    match language {
        Language::Fr => format!("Alertes ouvertes : {open} – sites : {sites}."),
        Language::En => format!("Open alerts: {open} – sites: {sites}."),
        Language::Es => format!("Alertas abiertas: {open} – sitios: {sites}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::Severity;
    use crate::ids::SiteId;

    fn group(kind: &str, count: i64, names: &[&str]) -> Group {
        Group {
            r#type: kind.into(),
            severity: Severity::Warning,
            count,
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            site_id: (count == 1 && !names.is_empty()).then(SiteId::new),
            message: None,
        }
    }

    #[test]
    fn a_line_says_how_many_what_and_who() {
        let many = group("site_offline", 12, &["A", "B", "C", "D", "E"]);
        assert_eq!(line(&many, Language::Fr), "12 boîtiers hors ligne : A, B, C, D, E et 7 autres");
        assert_eq!(line(&many, Language::En), "12 boxes offline: A, B, C, D, E and 7 others");
        assert_eq!(line(&many, Language::Es), "12 equipos sin conexión: A, B, C, D, E y 7 más");
        assert_eq!(line(&group("high_temperature", 1, &["A"]), Language::Fr), "1 boîtier trop chaud : A");
        assert_eq!(line(&group("storage_full", 1, &[]), Language::En), "Video storage full");
        assert_eq!(line(&group("site_offline", 2, &["A"]), Language::Fr), "2 boîtiers hors ligne : A et 1 autre");
    }

    #[test]
    fn every_kind_has_words_of_its_own_in_every_language() {
        let kinds = [
            "site_offline",
            "high_temperature",
            "high_disk_usage",
            "high_memory_usage",
            "deployment_failed",
            "database_nearly_full",
            "storage_full",
            "storage_unavailable",
            "mail_failing",
            "slack_failing",
            "of a newer version",
        ];
        let said: std::collections::BTreeSet<&str> =
            kinds.iter().flat_map(|kind| Language::ALL.map(|language| sentence(kind, language))).collect();
        assert_eq!(said.len(), kinds.len() * 3);
    }
}
