//! What the diagnosis says, in three languages: the command line and the dashboard read the same sentences.

mod around;
mod database;
mod outside;
mod titles;

pub(super) use around::*;
pub(super) use database::*;
pub(super) use outside::*;
pub(super) use titles::*;

use crate::language::Language;

/// A sentence in every language, with places for values: `{host}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// French.
    pub fr: &'static str,
    /// English.
    pub en: &'static str,
    /// Spanish.
    pub es: &'static str,
}

impl Words {
    /// The text in a language, its places still open.
    #[must_use]
    pub fn text(&self, language: Language) -> &'static str {
        match language {
            Language::Fr => self.fr,
            Language::En => self.en,
            Language::Es => self.es,
        }
    }
}

/// A sentence with its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    words: Words,
    values: Vec<(&'static str, String)>,
}

impl Said {
    /// A sentence without values yet.
    #[must_use]
    pub fn new(words: Words) -> Self {
        Self { words, values: Vec::new() }
    }

    /// With a value for one of its places.
    #[must_use]
    pub fn with(mut self, place: &'static str, value: impl ToString) -> Self {
        self.values.push((place, value.to_string()));
        self
    }

    /// The whole sentence. A value is put in once and never read again for places: it may be anybody's text.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        let mut text = String::new();
        let mut rest = self.words.text(language);
        while let Some((before, after)) = rest.split_once('{') {
            let (place, behind) = after.split_once('}').unwrap_or((after, ""));
            text.push_str(before);
            if let Some((_, value)) = self.values.iter().find(|(name, _)| *name == place) {
                text.push_str(value);
            }
            rest = behind;
        }
        text + rest
    }
}

impl From<Words> for Said {
    fn from(words: Words) -> Self {
        Self::new(words)
    }
}

/// Names sentences, and lists them for the tests.
macro_rules! words {
    ($($name:ident: $fr:literal, $en:literal, $es:literal;)*) => {
        $(pub(in crate::doctor) const $name: super::Words = super::Words { fr: $fr, en: $en, es: $es };)*

        #[cfg(test)]
        pub(super) const ALL: &[(&str, super::Words)] = &[$((stringify!($name), $name)),*];
    };
}
use words;

/// How a step of the guide is spoken of: a number, or the title of a part.
#[must_use]
pub fn step_in(step: &str, language: Language) -> String {
    if step.starts_with(|first: char| first.is_ascii_digit()) {
        let word = Words { fr: "étape", en: "step", es: "paso" }.text(language);
        return format!("{word} {step}");
    }
    let part = PARTS.iter().find(|part| part.fr == step);
    let title = part.map_or(step, |part| part.text(language));
    match language {
        Language::Fr => format!("partie « {title} »"),
        Language::En => format!("part “{title}”"),
        Language::Es => format!("parte «{title}»"),
    }
}

/// The guide's parts without a number.
const PARTS: [Words; 6] = [
    Words { fr: "Alertes par email", en: "Alerts by e-mail (SendGrid)", es: "Alertas por correo (SendGrid)" },
    Words { fr: "Notifications Slack", en: "Slack notifications", es: "Notificaciones de Slack" },
    Words {
        fr: "Logs centralisés (Logtail)",
        en: "Centralised logs (Logtail)",
        es: "Registros centralizados (Logtail)",
    },
    Words {
        fr: "Monitoring uptime (UptimeRobot)",
        en: "Uptime monitoring (UptimeRobot)",
        es: "Vigilancia de disponibilidad (UptimeRobot)",
    },
    Words {
        fr: "Référence des variables d'environnement",
        en: "Reference of environment variables",
        es: "Referencia de las variables de entorno",
    },
    Words { fr: "Dépannage", en: "Troubleshooting", es: "Resolución de problemas" },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn places(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(place, _)| place).collect()
    }

    #[test]
    fn every_sentence_is_there_in_three_languages_with_the_same_places() {
        let all = [around::ALL, database::ALL, outside::ALL, titles::ALL].concat();
        assert!(all.len() > 100, "the lists were read");
        for (name, words) in all {
            for text in [words.fr, words.en, words.es] {
                assert!(!text.trim().is_empty(), "{name}");
                assert_eq!(places(text), places(words.fr), "{name}: {text}");
                assert_eq!(text.matches('{').count(), text.matches('}').count(), "{name}: {text}");
            }
            let is_a_name = words.fr.len() < 12;
            assert!(is_a_name || (words.fr != words.en && words.fr != words.es), "{name} is not translated");
        }
    }

    #[test]
    fn a_value_is_nobodys_template() {
        let words = Words { fr: "{a} puis {b}.", en: "{a} then {b}.", es: "{a} y {b}." };
        let said = Said::new(words).with("a", "{b}").with("b", "deux");
        assert_eq!(said.text(Language::Fr), "{b} puis deux.");
        assert_eq!(said.text(Language::En), "{b} then deux.");
    }

    #[test]
    fn steps_are_spoken_of_in_every_language() {
        assert_eq!(step_in("2.2", Language::Es), "paso 2.2");
        assert_eq!(step_in("Alertes par email", Language::En), "part “Alerts by e-mail (SendGrid)”");
        for variable in crate::config::VARIABLES {
            let known = PARTS.iter().any(|part| part.fr == variable.step);
            assert!(known || variable.step.starts_with(|first: char| first.is_ascii_digit()), "{}", variable.step);
        }
    }
}
