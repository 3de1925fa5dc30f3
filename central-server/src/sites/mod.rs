//! Sites: one row is one box in one venue. Its words, its rules, and its key.

mod connection;
mod filter;
mod overview;
pub mod routes;
pub(crate) mod store;

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::clock::Time;
use crate::db::{Columns as _, Json, row};
use crate::http::page::Pagination;
use crate::http::{Form, FromForm};
use crate::ids::SiteId;

pub use connection::{Connection, ConnectionList, ConnectionStats, ConnectionStatus, SiteInList};
pub use filter::{Counted, Filter, Sort};
pub use overview::{DisplayStatus, Facet, Facets, SiteStats};

/// The key of a box: 256 random bits as 64 hex characters, shown once.
pub struct SiteKey(String);

impl SiteKey {
    /// A new key.
    ///
    /// # Errors
    /// The system has no randomness to give, which ends the request.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = [0u8; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(data_encoding::HEXLOWER.encode(&bytes)))
    }

    /// What is stored of it.
    ///
    /// A plain hash: 256 random bits cannot be guessed, so nothing slow is needed. The label keeps it apart
    /// from every other hash; no secret of the environment goes in, so that none can lock the boxes out.
    #[must_use]
    pub fn stored(&self) -> String {
        let digest = Sha256::new().chain_update(b"neopro site key v1\0").chain_update(self.0.as_bytes()).finalize();
        format!("sha256:{}", data_encoding::HEXLOWER.encode(&digest))
    }

    /// How the stored hash begins: enough to see that a key is another one.
    #[must_use]
    pub fn print(&self) -> i64 {
        let digest = self.stored();
        let digits = digest.get(7..23).unwrap_or_default();
        u64::from_str_radix(digits, 16).unwrap_or_default().cast_signed()
    }

    /// What somebody says is a key.
    #[must_use]
    pub fn given(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Whether this is the key that is stored. The time it takes tells nothing that helps: what is compared
    /// are hashes, which nobody can choose.
    #[must_use]
    pub fn matches(&self, stored: &str) -> bool {
        self.stored() == stored
    }

    /// The key itself, for the one answer that shows it.
    #[must_use]
    pub fn into_shown(self) -> String {
        self.0
    }
}

impl std::fmt::Debug for SiteKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SiteKey(•••)")
    }
}

/// What is known of a site's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Its box is connected.
    Online,
    /// Its box is not connected.
    Offline,
    /// Somebody works on it.
    Maintenance,
    /// Its box reports a fault.
    Error,
}

impl Status {
    const WORDS: &'static str = "online, offline, maintenance, error";

    /// The word in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Offline => "offline",
            Self::Maintenance => "maintenance",
            Self::Error => "error",
        }
    }
}

impl FromStr for Status {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Online, Self::Offline, Self::Maintenance, Self::Error]
            .into_iter()
            .find(|status| status.name() == text)
            .ok_or(())
    }
}

/// A point on the map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Coordinates {
    /// Degrees north, -90 to 90.
    pub lat: f64,
    /// Degrees east, -180 to 180.
    pub lng: f64,
}

impl FromForm for Coordinates {
    fn read(form: &mut Form) -> Option<Self> {
        let (lat, lng) = (form.number("lat", -90.0..=90.0), form.number("lng", -180.0..=180.0));
        Some(Self { lat: lat?, lng: lng? })
    }
}

/// Where a venue is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Location {
    /// Town.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(required = false, nullable = false)]
    pub city: Option<String>,
    /// Region.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(required = false, nullable = false)]
    pub region: Option<String>,
    /// Country.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(required = false, nullable = false)]
    pub country: Option<String>,
    /// The point itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(required = false, nullable = false)]
    pub coordinates: Option<Coordinates>,
}

impl FromForm for Location {
    fn read(form: &mut Form) -> Option<Self> {
        Some(Self {
            city: form.optional_text("city", 255),
            region: form.optional_text("region", 255),
            country: form.optional_text("country", 255),
            coordinates: form.nested("coordinates"),
        })
    }
}

/// A site to be created.
#[derive(Debug, ToSchema)]
pub struct NewSite {
    /// Name of the box's place; made unique by a suffix (`-1`, `-2`…) when it is taken.
    #[schema(max_length = 255, example = "Gymnase Jean Moulin")]
    pub site_name: String,
    /// Name of the club.
    #[schema(max_length = 255, example = "HBC Nantes")]
    pub club_name: String,
    /// Where it is.
    #[schema(required = false)]
    pub location: Option<Location>,
    /// What is played there.
    #[schema(required = false)]
    pub sports: Option<Vec<String>>,
    /// What the box is; empty counts as absent.
    #[schema(required = false)]
    pub hardware_model: Option<String>,
    /// At whose midnight its days begin, by a name of the database's list; Europe/Paris if it is absent.
    #[schema(required = false, nullable = false, max_length = 64, example = "Indian/Reunion")]
    pub time_zone: Option<String>,
}

impl FromForm for NewSite {
    fn read(form: &mut Form) -> Option<Self> {
        let (site_name, club_name) = (form.text("site_name", 255), form.text("club_name", 255));
        let location = form.nested("location");
        let sports = form.lines("sports", 50, 100);
        let hardware_model = form.optional_text("hardware_model", 100);
        let time_zone = form.optional_text("time_zone", 64);
        Some(Self { site_name: site_name?, club_name: club_name?, location, sports, hardware_model, time_zone })
    }
}

/// What is to be changed in a site: what is absent stays, `location` and `sports` are replaced whole.
#[derive(Debug, ToSchema)]
pub struct SiteChanges {
    /// Another name, which must be free.
    #[schema(required = false, nullable = false, max_length = 255)]
    pub site_name: Option<String>,
    /// Another club name.
    #[schema(required = false, nullable = false, max_length = 255)]
    pub club_name: Option<String>,
    /// Another place; `null` clears it.
    #[schema(required = false, value_type = Option<Location>)]
    pub location: Option<Option<Location>>,
    /// Other sports; `null` clears them.
    #[schema(required = false, value_type = Option<Vec<String>>)]
    pub sports: Option<Option<Vec<String>>>,
    /// Another state.
    #[schema(required = false, nullable = false)]
    pub status: Option<Status>,
    /// Whether the live score may be shown.
    #[schema(required = false, nullable = false)]
    pub live_score_enabled: Option<bool>,
    /// At whose midnight its days begin from now on, by a name of the database's list; empty counts as absent.
    #[schema(required = false, nullable = false, max_length = 64, example = "Indian/Reunion")]
    pub time_zone: Option<String>,
}

impl FromForm for SiteChanges {
    fn read(form: &mut Form) -> Option<Self> {
        let site_name = form.has("site_name").then(|| form.text("site_name", 255));
        let club_name = form.has("club_name").then(|| form.text("club_name", 255));
        let location = form.has("location").then(|| form.nested("location"));
        let sports = form.has("sports").then(|| form.lines("sports", 50, 100));
        let status = form.choice("status", Status::WORDS);
        let live_score_enabled = form.flag("live_score_enabled");
        let time_zone = form.optional_text("time_zone", 64);
        // A name may stay or change, but not be cleared: the form has noted it then.
        let (site_name, club_name) = (site_name.flatten(), club_name.flatten());
        Some(Self { site_name, club_name, location, sports, status, live_score_enabled, time_zone })
    }
}

impl SiteChanges {
    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(
            self,
            Self {
                site_name: None,
                club_name: None,
                location: None,
                sports: None,
                status: None,
                live_score_enabled: None,
                time_zone: None
            }
        )
    }

    /// The names of the fields that change, for the journal.
    #[must_use]
    pub fn fields(&self) -> Vec<&'static str> {
        [
            ("site_name", self.site_name.is_some()),
            ("club_name", self.club_name.is_some()),
            ("location", self.location.is_some()),
            ("sports", self.sports.is_some()),
            ("status", self.status.is_some()),
            ("live_score_enabled", self.live_score_enabled.is_some()),
            ("time_zone", self.time_zone.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, changes)| changes.then_some(name))
        .collect()
    }
}

row! {
    /// A site, as everybody who may see it sees it.
    #[derive(Debug, Clone, Serialize, ToSchema)]
    pub struct SiteView {
        /// The site's id, which its box sends with its key.
        pub id: SiteId,
        /// Name of the box's place, unique.
        pub site_name: String,
        /// Name of the club.
        pub club_name: String,
        /// Where it is.
        #[schema(value_type = Option<Location>)]
        pub location: Option<Json>,
        /// What is played there.
        #[schema(value_type = Option<Vec<String>>)]
        pub sports: Option<Json>,
        /// Its state.
        #[schema(value_type = Status)]
        pub status: String,
        /// Its state in one word, as screens show it.
        #[schema(value_type = DisplayStatus)]
        pub display_status: String,
        /// When its box was last heard of.
        pub last_seen_at: Option<Time>,
        /// The public address of its box.
        pub last_ip: Option<String>,
        /// The address of its box within the club's network.
        pub local_ip: Option<String>,
        /// What its box runs.
        pub software_version: Option<String>,
        /// What its box is.
        pub hardware_model: String,
        /// Whether its box has not yet reported all that it is to have.
        pub behind: bool,
        /// Bytes that its box has left for videos, as it last reported.
        pub free_bytes: Option<i64>,
        /// Notes of programs.
        #[schema(value_type = Object, additional_properties)]
        pub metadata: Json,
        /// Whether the live score may be shown.
        pub live_score_enabled: bool,
        /// Since when it exists.
        pub created_at: Time,
        /// When it was last changed.
        pub updated_at: Time,
    }
}

impl SiteView {
    /// What is read of the view `site_overview`, under the name `sites`. `moment` is the parameter with the time.
    #[must_use]
    pub fn columns_at(moment: &str) -> String {
        let column = |name: &&str| match *name {
            "display_status" => {
                format!("neopro_display_status(sites.status, sites.last_seen_at, {moment}) as display_status")
            }
            // A page of a list looks these two up itself, and a site may have no state yet.
            "behind" => "coalesce(behind, false) as behind".to_owned(),
            "free_bytes" => "free_bytes".to_owned(),
            name => format!("sites.{name}"),
        };
        Self::NAMES.iter().map(column).collect::<Vec<_>>().join(", ")
    }

    /// What a sponsor sees of a club that shows it: name, town, sports. No address, no machine.
    #[must_use]
    pub fn for_sponsor(mut self) -> Self {
        self.last_ip = None;
        self.local_ip = None;
        self.software_version = None;
        self.behind = false;
        self.free_bytes = None;
        self.hardware_model = String::new();
        self.metadata = Json::of(&json!({}));
        self.location = self.location.map(|location| {
            let mut location = location.read();
            if let Some(members) = location.as_object_mut() {
                members.remove("coordinates");
            }
            Json::of(&location)
        });
        self
    }
}

/// A site by itself, with what no list shows of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SiteAlone {
    /// The site.
    #[serde(flatten)]
    pub site: SiteView,
    /// At whose midnight its days begin: those of plays and of the figures of its box.
    #[schema(example = "Europe/Paris")]
    pub time_zone: String,
}

/// A page of sites.
#[derive(Debug, Serialize, ToSchema)]
pub struct SitePage {
    /// The rows.
    pub data: Vec<SiteView>,
    /// Where they stand in the list.
    pub pagination: Pagination,
    /// Rows of the whole list, once more: scripts of NeoPro 1 read it here.
    pub total: i64,
    /// The rows, once more and only for lists that are not paged: scripts of NeoPro 1 read them here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub sites: Option<Vec<SiteView>>,
}

/// What goes with a key that is shown.
pub const KEY_WARNING: &str = "Notez cette clé maintenant : elle ne sera plus jamais affichée.";

row! {
    /// What a creation or a new key answers with, before the key is added.
    #[derive(Debug, Serialize, ToSchema)]
    pub struct SiteBrief {
        /// The site's id.
        pub id: SiteId,
        /// Its name, with its suffix if it got one.
        pub site_name: String,
        /// Name of the club.
        pub club_name: String,
        /// Where it is.
        #[schema(value_type = Option<Location>)]
        pub location: Option<Value>,
        /// What is played there.
        #[schema(value_type = Option<Vec<String>>)]
        pub sports: Option<Value>,
        /// What its box is.
        pub hardware_model: String,
        /// Its state.
        #[schema(value_type = Status)]
        pub status: String,
        /// Since when it exists.
        pub created_at: Time,
        /// When it was last changed.
        pub updated_at: Time,
    }
}

/// A site with its new key.
#[derive(Debug, Serialize, ToSchema)]
pub struct SiteWithKey {
    /// The site.
    #[serde(flatten)]
    pub site: SiteBrief,
    /// The key, 64 hex characters, shown this once.
    #[schema(min_length = 64, max_length = 64)]
    pub api_key: String,
    /// A sentence that says so.
    pub api_key_warning: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_256_random_bits_and_stored_as_a_labelled_hash() {
        let key = SiteKey::generate().expect("randomness");
        let stored = key.stored();
        assert!(stored.starts_with("sha256:") && stored.len() == 7 + 64, "{stored}");
        let shown = key.into_shown();
        assert!(shown.len() == 64 && shown.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()));
        assert!(!stored.contains(&shown));
        assert_ne!(shown, SiteKey::generate().expect("randomness").into_shown());
        // Computed with another tool: printf 'neopro site key v1\0%064d' 0 | sha256sum
        assert_eq!(
            SiteKey("0".repeat(64)).stored(),
            "sha256:f7716c7ed6a9e9f3d6379512f26b2ba52cc4ee68b4094c6e2f9fed6ce2079090"
        );
    }
}
