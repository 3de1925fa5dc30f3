//! Groups: sites that get the same things. Static ones: somebody says who is in.

pub mod routes;
pub(crate) mod store;

use std::str::FromStr;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::clock::Time;
use crate::db::row;
use crate::http::{Form, FromForm};
use crate::ids::{GroupId, SiteId};
use crate::sites::SiteView;

/// The most sites that one request names.
const MOST_SITES: usize = 15_000;

/// The ids of that many sites.
const BODY_LIMIT: usize = 1024 * 1024;

/// By what a group holds together, in the words of NeoPro 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A sport.
    Sport,
    /// A place.
    Geography,
    /// A version of the software.
    Version,
    /// Anything else.
    Custom,
}

impl Kind {
    const WORDS: &'static str = "sport, geography, version, custom";

    /// The word in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sport => "sport",
            Self::Geography => "geography",
            Self::Version => "version",
            Self::Custom => "custom",
        }
    }
}

impl FromStr for Kind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Sport, Self::Geography, Self::Version, Self::Custom]
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or(())
    }
}

/// A group to be created.
#[derive(Debug, ToSchema)]
pub struct NewGroup {
    /// Its name.
    #[schema(max_length = 255, example = "Clubs de handball")]
    pub name: String,
    /// What it is for.
    #[schema(required = false)]
    pub description: Option<String>,
    /// By what it holds together.
    #[schema(rename = "type")]
    pub kind: Kind,
    /// Notes of the dashboard of NeoPro 1, kept as they are.
    #[schema(required = false, value_type = Option<Object>)]
    pub filters: Option<Value>,
    /// Notes of programs, kept as they are.
    #[schema(required = false, nullable = false, value_type = Object)]
    pub metadata: Option<Value>,
    /// Who is in it from the start.
    #[schema(required = false, nullable = false)]
    pub site_ids: Option<Vec<SiteId>>,
}

impl FromForm for NewGroup {
    const LIMIT: usize = BODY_LIMIT;

    fn read(form: &mut Form) -> Option<Self> {
        let (name, kind) = (form.text("name", 255), form.choice("type", Kind::WORDS));
        if kind.is_none() && !form.has_problem("type") {
            form.problem("type", format!("Ce champ est obligatoire. Valeurs possibles : {}.", Kind::WORDS));
        }
        let description = form.optional_text("description", 1_000);
        let (filters, metadata) = (form.object("filters"), form.object("metadata"));
        let site_ids = form.ids("site_ids", MOST_SITES);
        Some(Self { name: name?, description, kind: kind?, filters, metadata, site_ids })
    }
}

/// What is to be changed in a group: what is absent stays, `site_ids` replaces who is in it.
#[derive(Debug, ToSchema)]
pub struct GroupChanges {
    /// Another name.
    #[schema(required = false, nullable = false, max_length = 255)]
    pub name: Option<String>,
    /// Another description; `null` or `""` clears it.
    #[schema(required = false, value_type = Option<String>)]
    pub description: Option<Option<String>>,
    /// Another kind.
    #[schema(required = false, nullable = false, rename = "type")]
    pub kind: Option<Kind>,
    /// Other notes; `null` clears them.
    #[schema(required = false, value_type = Option<Object>)]
    pub filters: Option<Option<Value>>,
    /// Other notes.
    #[schema(required = false, nullable = false, value_type = Object)]
    pub metadata: Option<Value>,
    /// Exactly these sites, from now on.
    #[schema(required = false, nullable = false)]
    pub site_ids: Option<Vec<SiteId>>,
}

impl FromForm for GroupChanges {
    const LIMIT: usize = BODY_LIMIT;

    fn read(form: &mut Form) -> Option<Self> {
        Some(Self {
            name: form.has("name").then(|| form.text("name", 255)).flatten(),
            description: form.has("description").then(|| form.optional_text("description", 1_000)),
            kind: form.choice("type", Kind::WORDS),
            filters: form.has("filters").then(|| form.object("filters")),
            metadata: form.object("metadata"),
            site_ids: form.ids("site_ids", MOST_SITES),
        })
    }
}

impl GroupChanges {
    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.name.is_none()
            && self.description.is_none()
            && self.kind.is_none()
            && self.filters.is_none()
            && self.metadata.is_none()
            && self.site_ids.is_none()
    }
}

/// Sites that are to join a group.
#[derive(Debug, ToSchema)]
pub struct Members {
    /// Which; those that are in it already stay.
    #[schema(min_items = 1)]
    pub site_ids: Vec<SiteId>,
}

impl FromForm for Members {
    const LIMIT: usize = BODY_LIMIT;

    fn read(form: &mut Form) -> Option<Self> {
        let site_ids = form.ids("site_ids", MOST_SITES);
        if site_ids.as_ref().is_none_or(Vec::is_empty) && !form.has_problem("site_ids") {
            form.problem("site_ids", "Au moins un site est attendu.");
        }
        Some(Self { site_ids: site_ids? })
    }
}

row! {
    /// A group.
    #[derive(Debug, Serialize, ToSchema)]
    pub struct GroupView {
        /// Its id.
        pub id: GroupId,
        /// Its name.
        pub name: String,
        /// What it is for.
        pub description: Option<String>,
        /// By what it holds together.
        #[serde(rename = "type")]
        #[schema(value_type = Option<Kind>)]
        pub kind: Option<String>,
        /// Notes of the dashboard of NeoPro 1.
        #[schema(value_type = Option<Object>, additional_properties)]
        pub filters: Option<Value>,
        /// Notes of programs.
        #[schema(value_type = Object, additional_properties)]
        pub metadata: Value,
        /// Since when it exists.
        pub created_at: Time,
        /// When it was last changed.
        pub updated_at: Time,
        /// How many sites are in it.
        pub site_count: i64,
    }
}

/// Every group that the session may see, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupList {
    /// How many there are.
    pub total: usize,
    /// The groups.
    pub groups: Vec<GroupView>,
}

/// A group with who is in it.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupWithSites {
    /// The group.
    #[serde(flatten)]
    pub group: GroupView,
    /// Who is in it, by name.
    pub sites: Vec<SiteView>,
}

/// Who is in a group.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupSites {
    /// Which group.
    pub group_id: GroupId,
    /// How many.
    pub total: usize,
    /// Who, by name.
    pub sites: Vec<SiteView>,
}
