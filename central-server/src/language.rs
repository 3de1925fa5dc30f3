//! The languages in which people are written to.

use std::str::FromStr;

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// French: that of whoever has chosen none.
    #[default]
    Fr,
    /// English.
    En,
    /// Spanish.
    Es,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 3] = [Self::Fr, Self::En, Self::Es];

    /// Its words, as a list in a sentence.
    pub const WORDS: &str = "fr, en, es";

    /// The word in the database and in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fr => "fr",
            Self::En => "en",
            Self::Es => "es",
        }
    }
}

impl FromStr for Language {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|language| language.name() == text).ok_or(())
    }
}
