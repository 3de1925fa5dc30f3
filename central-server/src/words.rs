//! Sentences in every language of people, with places for values: what the diagnosis shows, and what is said of an
//! environment. Where only one is known, as in the log, French is read.

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

/// What is put into a place.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    /// The same in every language: a name, a number, somebody else's text.
    Text(String),
    /// Words of ours.
    Words(Said),
    /// Words of ours that follow a name elsewhere, and begin a sentence here.
    Sentence(Said),
}

/// A sentence with its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    words: Words,
    values: Vec<(&'static str, Value)>,
}

impl Said {
    /// A sentence without values yet.
    #[must_use]
    pub fn new(words: Words) -> Self {
        Self { words, values: Vec::new() }
    }

    /// With a value for one of its places.
    #[must_use]
    pub fn with(self, place: &'static str, value: impl ToString) -> Self {
        self.and(place, Value::Text(value.to_string()))
    }

    /// With words of ours in one of its places.
    #[must_use]
    pub fn with_words(self, place: &'static str, words: impl Into<Self>) -> Self {
        self.and(place, Value::Words(words.into()))
    }

    /// The same, where they begin a sentence.
    #[must_use]
    pub fn with_sentence(self, place: &'static str, words: impl Into<Self>) -> Self {
        self.and(place, Value::Sentence(words.into()))
    }

    fn and(mut self, place: &'static str, value: Value) -> Self {
        self.values.push((place, value));
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
            match self.values.iter().find(|(name, _)| *name == place) {
                Some((_, Value::Text(value))) => text.push_str(value),
                Some((_, Value::Words(said))) => text.push_str(&said.text(language)),
                Some((_, Value::Sentence(said))) => text.push_str(&capital(&said.text(language))),
                None => {}
            }
            rest = behind;
        }
        text + rest
    }

    /// The whole sentence in the language of the log.
    #[must_use]
    pub fn french(&self) -> String {
        self.text(Language::Fr)
    }
}

impl From<Words> for Said {
    fn from(words: Words) -> Self {
        Self::new(words)
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// Names sentences, and lists them for the tests.
macro_rules! words {
    ($($name:ident: $fr:literal, $en:literal, $es:literal;)*) => {
        $(pub(crate) const $name: $crate::words::Words = $crate::words::Words { fr: $fr, en: $en, es: $es };)*

        #[cfg(test)]
        pub(crate) const ALL: &[(&str, $crate::words::Words)] = &[$((stringify!($name), $name)),*];
    };
}
pub(crate) use words;

words! {
    STEP: "étape {step}", "step {step}", "paso {step}";
    PART: "partie « {part} »", "part “{part}”", "parte «{part}»";
}

/// How a step of the guide is spoken of: a number, or the title of a part.
#[must_use]
pub fn step(step: &'static str) -> Said {
    if step.starts_with(|first: char| first.is_ascii_digit()) {
        return Said::new(STEP).with("step", step);
    }
    match PARTS.iter().find(|part| part.fr == step) {
        Some(part) => Said::new(PART).with_words("part", *part),
        None => Said::new(PART).with("part", step),
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
pub(crate) mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn places(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(place, _)| place).collect()
    }

    /// Every sentence of a list is there in three languages, with the same places for values.
    pub(crate) fn complete(all: &[(&str, Words)]) {
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
    fn every_sentence_is_there_in_three_languages_with_the_same_places() {
        complete(ALL);
        complete(&PARTS.map(|part| (part.fr, part)));
    }

    #[test]
    #[should_panic(expected = "is not translated")]
    fn a_sentence_that_was_left_in_french_would_be_found() {
        complete(&[("LEFT", Words { fr: "Rien ne répond ici.", en: "Rien ne répond ici.", es: "Nadie responde." })]);
    }

    #[test]
    fn a_value_is_nobodys_template() {
        let words = Words { fr: "{a} puis {b}.", en: "{a} then {b}.", es: "{a} y {b}." };
        let said = Said::new(words).with("a", "{b}").with("b", "deux");
        assert_eq!(said.french(), "{b} puis deux.");
        assert_eq!(said.text(Language::En), "{b} then deux.");
        let inner = Words { fr: "élan de {c}", en: "zest of {c}", es: "ímpetu de {c}" };
        let said = Said::new(words).with_sentence("a", Said::new(inner).with("c", "{b}")).with_words("b", inner);
        assert_eq!(said.french(), "Élan de {b} puis élan de .");
        assert_eq!(said.text(Language::Es), "Ímpetu de {b} y ímpetu de .");
    }

    #[test]
    fn steps_are_spoken_of_in_every_language() {
        assert_eq!(step("2.2").text(Language::Es), "paso 2.2");
        assert_eq!(step("Alertes par email").text(Language::En), "part “Alerts by e-mail (SendGrid)”");
        for variable in crate::config::VARIABLES {
            let known = PARTS.iter().any(|part| part.fr == variable.step);
            assert!(known || variable.step.starts_with(|first: char| first.is_ascii_digit()), "{}", variable.step);
        }
    }
}
