//! Which sites a list is of, and in which order.

use std::str::FromStr;

use super::{DisplayStatus, Status};
use crate::clock::Time;
use crate::http::page::{Order, Slice};
use crate::http::{Form, FromForm};
use crate::ids::GroupId;

/// By what a list of sites is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// `created_at`, the order of NeoPro 1 (newest first).
    CreatedAt,
    /// `club_name`.
    ClubName,
    /// `site_name`.
    SiteName,
    /// `city`, the town of its location.
    City,
    /// `status`.
    Status,
    /// `last_seen_at`.
    LastSeenAt,
    /// `software_version`.
    SoftwareVersion,
}

impl Sort {
    const WORDS: &'static str = "created_at, club_name, site_name, city, status, last_seen_at, software_version";

    /// Its word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CreatedAt => "created_at",
            Self::ClubName => "club_name",
            Self::SiteName => "site_name",
            Self::City => "city",
            Self::Status => "status",
            Self::LastSeenAt => "last_seen_at",
            Self::SoftwareVersion => "software_version",
        }
    }
}

impl FromStr for Sort {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(match text {
            "created_at" => Self::CreatedAt,
            "club_name" => Self::ClubName,
            "site_name" => Self::SiteName,
            "city" => Self::City,
            "status" => Self::Status,
            "last_seen_at" => Self::LastSeenAt,
            "software_version" => Self::SoftwareVersion,
            _ => return Err(()),
        })
    }
}

/// Which sites a list is of.
#[derive(Debug)]
pub struct Filter {
    /// Words within the site's, club's or town's name, whatever their accents and capitals.
    pub search: Option<String>,
    /// Exactly this state.
    pub status: Option<Status>,
    /// Exactly this state, as screens show it.
    pub display_status: Option<DisplayStatus>,
    /// Among others, this sport.
    pub sport: Option<String>,
    /// Exactly this region.
    pub region: Option<String>,
    /// Members of this group.
    pub group_id: Option<GroupId>,
    /// Exactly this version of the box's software.
    pub version: Option<String>,
    /// Not heard of since this moment; those that were never heard of are among them.
    pub seen_before: Option<Time>,
    /// Whether their boxes have yet to report something that they are to have.
    pub behind: Option<bool>,
    /// By what it is sorted.
    pub sort: Sort,
    /// Up or down.
    pub order: Order,
    /// Which part of it.
    pub slice: Slice,
}

impl FromForm for Filter {
    fn read(form: &mut Form) -> Option<Self> {
        let sort = form.choice("sort", Sort::WORDS);
        // Times read best newest first, names from A.
        let natural = match sort {
            None | Some(Sort::CreatedAt | Sort::LastSeenAt) => Order::Desc,
            Some(Sort::ClubName | Sort::SiteName | Sort::City | Sort::Status | Sort::SoftwareVersion) => Order::Asc,
        };
        Some(Self {
            search: form.optional_text("search", 200),
            status: form.choice("status", Status::WORDS),
            display_status: form.choice("display_status", DisplayStatus::WORDS),
            sport: form.optional_text("sport", 100),
            region: form.optional_text("region", 255),
            group_id: if form.has("group_id") { form.id("group_id") } else { None },
            version: form.optional_text("version", 100),
            seen_before: form.moment("seen_before"),
            behind: form.flag("behind"),
            sort: sort.unwrap_or(Sort::CreatedAt),
            order: form.choice("order", Order::WORDS).unwrap_or(natural),
            slice: Slice::read(form),
        })
    }
}

impl Filter {
    /// Whether it asks about machines, of which a sponsor sees nothing: neither do the rows tell him by being there or
    /// by their order.
    #[must_use]
    pub fn is_about_machines(&self) -> bool {
        self.version.is_some() || self.behind.is_some() || self.sort == Sort::SoftwareVersion
    }
}

/// Which sites are counted.
#[derive(Debug)]
pub struct Counted {
    /// Members of this group only.
    pub group_id: Option<GroupId>,
}

impl FromForm for Counted {
    fn read(form: &mut Form) -> Option<Self> {
        Some(Self { group_id: if form.has("group_id") { form.id("group_id") } else { None } })
    }
}
