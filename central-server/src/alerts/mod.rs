//! What is wrong and worth telling: boxes that are away, too hot or too full, orders that failed, what this server cannot
//! reach. A row for each, from when it was seen until it is over.
//!
//! `watch` looks and tells, `words` says it in three languages, `rules` are the thresholds of the installation.

pub mod routes;
pub mod rules;
mod store;
pub mod watch;
pub mod words;

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::clock::Time;
use crate::db::{Json, row};
use crate::http::page::{Pagination, Slice};
use crate::http::{Form, FromForm};
use crate::ids::{AlertId, SiteId, UserId};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = AlertSeverity)]
pub enum Severity {
    /// Worth knowing; only NeoPro 1 wrote such.
    Info,
    /// To be looked at.
    Warning,
    /// To be looked at now.
    Critical,
}

impl Severity {
    const WORDS: &'static str = "info, warning, critical";

    fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl FromStr for Severity {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Info, Self::Warning, Self::Critical].into_iter().find(|known| known.name() == text).ok_or(())
    }
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = AlertStatus)]
pub enum Status {
    /// Nobody has taken it on.
    Active,
    /// Somebody has.
    Acknowledged,
    /// It is over.
    Resolved,
    /// Active or acknowledged.
    Open,
}

impl Status {
    const WORDS: &'static str = "active, acknowledged, resolved, open";

    /// The states in the table.
    fn names(self) -> Vec<String> {
        let names: &[&str] = match self {
            Self::Active => &["active"],
            Self::Acknowledged => &["acknowledged"],
            Self::Resolved => &["resolved"],
            Self::Open => &["active", "acknowledged"],
        };
        names.iter().map(|name| (*name).to_owned()).collect()
    }
}

impl FromStr for Status {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(match text {
            "active" => Self::Active,
            "acknowledged" => Self::Acknowledged,
            "resolved" => Self::Resolved,
            "open" => Self::Open,
            _ => return Err(()),
        })
    }
}

/// Which alerts a list is of.
#[derive(Debug)]
struct Filter {
    status: Option<Status>,
    severity: Option<Severity>,
    alert_type: Option<String>,
    site_id: Option<SiteId>,
    slice: Slice,
}

impl FromForm for Filter {
    fn read(form: &mut Form) -> Option<Self> {
        Some(Self {
            status: form.choice("status", Status::WORDS),
            severity: form.choice("severity", Severity::WORDS),
            alert_type: form.optional_text("type", 50),
            site_id: if form.has("site_id") { form.id("site_id") } else { None },
            slice: Slice::read(form),
        })
    }
}

/// Which of a club's alerts, as clients of NeoPro 1 ask.
#[derive(Debug)]
struct OfClub {
    days: i64,
    status: Option<Status>,
    severity: Option<Severity>,
    limit: i64,
}

impl FromForm for OfClub {
    fn read(form: &mut Form) -> Option<Self> {
        Some(Self {
            days: form.integer("days", 1..=366).unwrap_or(30),
            status: form.choice("status", Status::WORDS),
            severity: form.choice("severity", Severity::WORDS),
            limit: form.integer("limit", 1..=200).unwrap_or(50),
        })
    }
}

row! {
    /// An alert.
    #[derive(Debug, Serialize, ToSchema)]
    pub struct AlertView {
        /// Its id.
        pub id: AlertId,
        /// The site; null if it is about the whole installation.
        pub site_id: Option<SiteId>,
        /// Name of the box's place.
        pub site_name: Option<String>,
        /// Name of the club.
        pub club_name: Option<String>,
        /// What is wrong, in a word.
        #[schema(example = "site_offline")]
        pub alert_type: String,
        /// `info`, `warning` or `critical`.
        pub severity: String,
        /// A French sentence.
        pub message: String,
        /// What is known besides, by type.
        #[schema(value_type = Object)]
        pub metadata: Json,
        /// `active`, `acknowledged` or `resolved`.
        pub status: String,
        /// When it was seen first.
        pub created_at: Time,
        /// When it was seen last, to ten minutes.
        pub last_seen_at: Time,
        /// Since when it is not seen any more, though not over yet.
        pub clear_since: Option<Time>,
        /// When somebody took it on.
        pub acknowledged_at: Option<Time>,
        /// Who that was.
        pub acknowledged_by: Option<UserId>,
        /// When it was over.
        pub resolved_at: Option<Time>,
        /// Who said so; null if it was seen.
        pub resolved_by: Option<UserId>,
    }
}

row! {
    /// How many are open.
    #[derive(Debug, Serialize, ToSchema)]
    pub struct OpenAlerts {
        /// Active and acknowledged ones.
        pub open: i64,
        /// Those that nobody has taken on.
        pub active: i64,
        /// Critical ones among the open.
        pub critical: i64,
    }
}

/// A page of alerts.
#[derive(Debug, Serialize, ToSchema)]
pub struct Alerts {
    /// The newest first.
    pub alerts: Vec<AlertView>,
    /// All that are open, whatever the list is of.
    pub counts: OpenAlerts,
    /// Where the page stands.
    pub pagination: Pagination,
}

row! {
    /// An alert in the shape of NeoPro 1.
    #[derive(Debug, Serialize, ToSchema)]
    pub struct ClubAlert {
        /// Its id.
        #[schema(value_type = String, format = "uuid")]
        pub id: Uuid,
        /// What is wrong, in a word.
        #[serde(rename = "type")]
        pub kind: String,
        /// `info`, `warning` or `critical`.
        pub severity: String,
        /// A French sentence.
        pub message: String,
        /// Whether it is over.
        pub resolved: bool,
        /// When it was seen first.
        pub created_at: Time,
        /// When it was over.
        pub resolved_at: Option<Time>,
    }
}

/// A club's alerts in the shape of NeoPro 1.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClubAlerts {
    /// The newest first.
    pub alerts: Vec<ClubAlert>,
}

/// What there is to tell of alerts of one kind.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Group {
    /// What is wrong, in a word.
    pub r#type: String,
    /// How bad the worst of them is.
    pub severity: Severity,
    /// How many.
    pub count: i64,
    /// The first names of the sites.
    pub names: Vec<String>,
    /// The site, if it is one.
    pub site_id: Option<SiteId>,
    /// What the row says, if it is one.
    pub message: Option<String>,
}

/// What there is to tell of alerts at one moment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct News {
    /// What was not told yet.
    pub opened: Vec<Group>,
    /// What was told and is worse now.
    pub risen: Vec<Group>,
    /// What is over.
    pub recovered: Vec<Group>,
    /// What was told and lasts.
    pub again: Vec<Group>,
    /// How many alerts are open.
    pub open: i64,
    /// How many sites there are.
    pub sites: i64,
}

impl News {
    /// Whether nothing is worse than it was.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.opened.is_empty() && self.risen.is_empty() && self.again.is_empty()
    }

    /// The site, if it is all about one.
    #[must_use]
    pub fn only_site(&self) -> Option<SiteId> {
        let mut groups = [&self.opened, &self.risen, &self.recovered, &self.again].into_iter().flatten();
        let first = groups.next()?.site_id?;
        groups.all(|group| group.site_id == Some(first)).then_some(first)
    }

    /// Where a reader is led, below the dashboard's address.
    #[must_use]
    pub fn path(&self) -> String {
        self.only_site().map_or_else(|| "/alerts".to_owned(), |site| format!("/sites/{site}"))
    }
}
