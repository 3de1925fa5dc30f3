//! Sites seen together: their states in one word each, how many are in which, and what there is to filter by.

use std::str::FromStr;

use serde::Serialize;
use utoipa::ToSchema;

use crate::db::row;

/// The state of a site in one word. What a person or a fault has said stands first, then whether its box is connected,
/// then when it was last heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DisplayStatus {
    /// Its box is connected.
    Online,
    /// Its box is not connected, and was heard of less than two minutes ago.
    Warning,
    /// Its box is not connected.
    Offline,
    /// Its box was never heard of.
    Unknown,
    /// Somebody works on it.
    Maintenance,
    /// Its box reports a fault.
    Error,
}

impl DisplayStatus {
    /// Every word.
    pub const WORDS: &'static str = "online, warning, offline, unknown, maintenance, error";

    /// The word in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Warning => "warning",
            Self::Offline => "offline",
            Self::Unknown => "unknown",
            Self::Maintenance => "maintenance",
            Self::Error => "error",
        }
    }
}

impl FromStr for DisplayStatus {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Online, Self::Warning, Self::Offline, Self::Unknown, Self::Maintenance, Self::Error]
            .into_iter()
            .find(|status| status.name() == text)
            .ok_or(())
    }
}

row! {
    /// How many sites there are, each counted in one state, as screens show it.
    #[derive(Debug, Serialize, ToSchema)]
    pub struct SiteStats {
        /// All.
        pub total_sites: i64,
        /// Connected.
        pub online: i64,
        /// Not connected, heard of less than two minutes ago.
        pub warning: i64,
        /// Not connected.
        pub offline: i64,
        /// Never heard of.
        pub unknown: i64,
        /// Somebody works on them.
        pub maintenance: i64,
        /// With a fault.
        pub error: i64,
        /// Of those offline, the ones that were not heard of for a day.
        pub offline_24h: i64,
        /// Whose boxes have not yet reported all that they are to have, in whichever state. None for a sponsor.
        pub behind: i64,
    }
}

row! {
    /// A value with its kind: `region`, `sport` or `version`.
    #[derive(Debug)]
    pub struct FacetRow {
        pub kind: String,
        pub value: String,
        pub count: i64,
    }
}

/// A value that sites have.
#[derive(Debug, Serialize, ToSchema)]
pub struct Facet {
    /// The value.
    pub value: String,
    /// How many sites have it.
    pub count: i64,
}

/// What a list of sites can be filtered by: values that exist, from A to Z.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Facets {
    /// Regions.
    pub regions: Vec<Facet>,
    /// Sports.
    pub sports: Vec<Facet>,
    /// Versions of the boxes' software. None for a sponsor.
    pub versions: Vec<Facet>,
}

impl Facets {
    /// Sorts rows into their lists.
    #[must_use]
    pub fn of(rows: Vec<FacetRow>) -> Self {
        let mut facets = Self::default();
        for FacetRow { kind, value, count } in rows {
            let list = match kind.as_str() {
                "region" => &mut facets.regions,
                "sport" => &mut facets.sports,
                _ => &mut facets.versions,
            };
            list.push(Facet { value, count });
        }
        facets
    }
}
