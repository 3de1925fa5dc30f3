//! Orders: a video is to be on a site, or on every site of a group, or to be there no more.
//!
//! An order changes the desired state of its sites in one transaction and leaves one row per site to follow it by.
//! Nobody writes a status: it follows from what the sites report.

pub mod jobs;
mod order;
pub mod preview;
pub mod routes;
pub(crate) mod store;

use std::str::FromStr;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::clock::Time;
use crate::db::row;
use crate::http::page::{Pagination, Slice};
use crate::http::{Form, FromForm};
use crate::ids::{DeploymentId, SiteId, TargetId, UserId, VideoId};

pub use order::{ForcedStatus, NewDeployment, Retry, Target};

/// Declares an enum of words that stand in the API and in the database alike.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)+
        }

        impl $name {
            const WORDS: &'static str = concat!($($word, " "),+);

            /// The word in the database.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl FromStr for $name {
            type Err = ();

            fn from_str(text: &str) -> Result<Self, ()> {
                match text { $($word => Ok(Self::$variant),)+ _ => Err(()) }
            }
        }
    };
}

words! {
    /// What an order is about.
    Act {
        /// The sites are to have the video.
        Install = "install",
        /// The sites are to have it no more.
        Remove = "remove",
    }
}

words! {
    /// Whom an order can be for.
    TargetType {
        /// One site.
        Site = "site",
        /// The members that a group has when the order is carried out.
        Group = "group",
    }
}

/// Whom an order is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderedFor {
    /// One site.
    Site,
    /// The members that a group has when the order is carried out.
    Group,
    /// Several sites, and the members that several groups have then: each site once.
    Selection,
}

words! {
    /// How far an order is, in the six words of NeoPro 1.
    DeploymentStatus {
        /// No site has begun.
        Pending = "pending",
        /// Its day has not come.
        Scheduled = "scheduled",
        /// Some sites have begun, some have not ended.
        InProgress = "in_progress",
        /// No site is left to wait for, and none has failed.
        Completed = "completed",
        /// No site is left to wait for, and at least one has failed.
        Failed = "failed",
        /// It was taken back, or other orders took its place, before any site was done.
        Cancelled = "cancelled",
    }
}

words! {
    /// How far one site of an order is.
    TargetState {
        /// It has not begun, or waits for its next try.
        Pending = "pending",
        /// The file is on its way.
        Downloading = "downloading",
        /// The site is as the order wants it.
        Installed = "installed",
        /// The box has given up; `reason` says why.
        Failed = "failed",
        /// The order was taken back before the site was done.
        Cancelled = "cancelled",
        /// A later order about the same video took its place.
        Superseded = "superseded",
    }
}

/// Which orders a list is of.
#[derive(Debug)]
pub struct Filter {
    status: Option<DeploymentStatus>,
    open: Option<bool>,
    video: Option<VideoId>,
    target: Option<TargetId>,
    search: Option<String>,
    slice: Slice,
}

impl FromForm for Filter {
    fn read(form: &mut Form) -> Option<Self> {
        Some(Self {
            status: form.choice("status", DeploymentStatus::WORDS),
            open: form.choice("open", "true, false"),
            video: form.choice("video_id", "un identifiant"),
            target: form.choice("target_id", "un identifiant"),
            search: form.optional_text("search", 255),
            slice: Slice::read(form),
        })
    }
}

impl Filter {
    fn all(slice: Slice) -> Self {
        Self { status: None, open: None, video: None, target: None, search: None, slice }
    }

    /// Every order about a video.
    fn of_video(video: VideoId) -> Self {
        Self { video: Some(video), ..Self::all(Slice { page: 1, limit: crate::http::page::MOST }) }
    }

    /// Every order whose day has not come.
    fn scheduled(slice: Slice) -> Self {
        Self { status: Some(DeploymentStatus::Scheduled), ..Self::all(slice) }
    }
}

/// Which sites of an order a list is of.
#[derive(Debug)]
pub struct TargetFilter {
    state: Option<TargetState>,
    reason: Option<String>,
    slice: Slice,
}

impl FromForm for TargetFilter {
    fn read(form: &mut Form) -> Option<Self> {
        Some(Self {
            state: form.choice("state", TargetState::WORDS),
            reason: form.optional_text("reason_code", 64),
            slice: Slice::read(form),
        })
    }
}

row! {
    /// An order and what became of it.
    #[derive(Debug, Clone, Serialize, ToSchema)]
    pub struct DeploymentView {
        /// Its id.
        pub id: DeploymentId,
        /// Which video; `null` once that is deleted.
        pub video_id: Option<VideoId>,
        /// What it was called when the order was made.
        pub video_title: String,
        /// The same, under another name of NeoPro 1.
        pub video_name: String,
        /// The video's name in the storage.
        pub filename: Option<String>,
        /// As the sender's computer called it.
        pub original_name: Option<String>,
        /// The bytes of the video.
        pub bytes: Option<i64>,
        /// A small picture of it: its address.
        pub thumbnail_url: Option<String>,
        /// The video's notes.
        #[schema(value_type = Option<Object>, additional_properties)]
        pub metadata: Option<Value>,
        /// What it is about.
        #[schema(value_type = Act)]
        pub action: String,
        /// Whom it is for.
        #[schema(value_type = OrderedFor)]
        pub target_type: String,
        /// Which site, or which group; `null` for a selection.
        pub target_id: Option<TargetId>,
        /// What that was called when the order was made; of a selection, how many were chosen: "3 groupes, 12 sites".
        pub target_name: String,
        /// How many groups were chosen, if it is for a selection.
        pub selected_groups: Option<i32>,
        /// How many single sites were chosen, if it is for a selection.
        pub selected_sites: Option<i32>,
        /// The club, if it is for one site.
        pub club_name: Option<String>,
        /// How far it is.
        #[schema(value_type = DeploymentStatus)]
        pub status: String,
        /// Percent, over all its sites.
        pub progress: i32,
        /// The most frequent reason among the sites that have failed.
        pub error: Option<String>,
        /// The same, under another name of NeoPro 1.
        pub error_message: Option<String>,
        /// Whose order it is.
        pub deployed_by: Option<UserId>,
        /// Whose order it is, by name.
        pub deployed_by_name: Option<String>,
        /// When it was made.
        pub created_at: Time,
        /// For when it was planned.
        pub scheduled_at: Option<Time>,
        /// When it was carried out: from then on its sites know.
        pub started_at: Option<Time>,
        /// When its last site ended.
        pub completed_at: Option<Time>,
        /// The same, under another name of NeoPro 1.
        pub deployed_at: Option<Time>,
        /// Its sites.
        pub total_count: i64,
        /// Those that are as it wants them.
        pub deployed_count: i64,
        /// Those that have given up.
        pub failed_count: i64,
        /// Those that are still waited for.
        pub open_count: i64,
        /// Of these, those that have not begun, or wait for their next try.
        pub pending_count: i64,
        /// Of these, those to which the file is on its way.
        pub downloading_count: i64,
        /// Those that were not done when the order was taken back.
        pub cancelled_count: i64,
        /// Those that were not done when a later order took its place.
        pub superseded_count: i64,
    }
}

row! {
    /// One site of an order.
    #[derive(Debug, Serialize, ToSchema)]
    pub struct TargetView {
        /// Which order.
        pub deployment_id: DeploymentId,
        /// Which site.
        pub site_id: SiteId,
        /// What it is called.
        pub site_name: String,
        /// Its club.
        pub club_name: String,
        /// Which video.
        pub video_id: VideoId,
        /// What it was called when the order was made.
        pub video_title: String,
        /// What the order is about.
        #[schema(value_type = Act)]
        pub action: String,
        /// How far it is.
        #[schema(value_type = TargetState)]
        pub state: String,
        /// Percent.
        pub progress: i16,
        /// How many times the box has begun.
        pub attempts: i32,
        /// Why it is not done, in a stable word.
        pub reason_code: Option<String>,
        /// The same in a sentence.
        pub reason: Option<String>,
        /// When the order was carried out.
        pub created_at: Time,
        /// When the box began.
        pub started_at: Option<Time>,
        /// When it ended.
        pub completed_at: Option<Time>,
    }
}

/// A page of sites of an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct TargetPage {
    /// The sites: those that have failed first, then those that are waited for, by name.
    pub data: Vec<TargetView>,
    /// Where they stand in the list.
    pub pagination: Pagination,
}

/// How many orders about a video are how far.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct VideoStats {
    /// All of them.
    pub total: i64,
    /// Done.
    pub completed: i64,
    /// Ended with a failure.
    pub failed: i64,
    /// Not begun, or planned.
    pub pending: i64,
    /// Under way.
    pub in_progress: i64,
}

impl VideoStats {
    /// Counts these orders.
    fn of(orders: &[DeploymentView]) -> Self {
        let count = |statuses: &[DeploymentStatus]| {
            let is_one = |order: &&DeploymentView| statuses.iter().any(|status| status.name() == order.status);
            i64::try_from(orders.iter().filter(is_one).count()).unwrap_or(i64::MAX)
        };
        Self {
            total: i64::try_from(orders.len()).unwrap_or(i64::MAX),
            completed: count(&[DeploymentStatus::Completed]),
            failed: count(&[DeploymentStatus::Failed]),
            pending: count(&[DeploymentStatus::Pending, DeploymentStatus::Scheduled]),
            in_progress: count(&[DeploymentStatus::InProgress]),
        }
    }
}

row! {
    /// How many orders are how far.
    #[derive(Debug, Serialize, ToSchema)]
    pub struct DeploymentSummary {
        /// Those that are not at their end: pending, scheduled or in progress.
        pub open: i64,
        /// Of these, those whose day has not come.
        pub scheduled: i64,
        /// Those that ended with a failure within the last seven days.
        pub failed_7d: i64,
        /// Those that ended without one within the last seven days.
        pub completed_7d: i64,
    }
}

row! {
    /// Why sites of an order have failed.
    #[derive(Debug, Serialize, ToSchema)]
    pub struct Cause {
        /// The stable word; `null` if the boxes gave none.
        pub reason_code: Option<String>,
        /// The most frequent of its sentences.
        pub reason: Option<String>,
        /// How many sites have failed for it.
        pub sites: i64,
    }
}

/// The orders about a video, newest first, at most 1000.
#[derive(Debug, Serialize, ToSchema)]
pub struct VideoDeployments {
    /// Which video.
    pub video_id: VideoId,
    /// How many are how far.
    pub stats: VideoStats,
    /// The orders.
    pub deployments: Vec<DeploymentView>,
}

row! {
    /// One video on one site: what is wanted, and what is there.
    #[derive(Debug, Serialize, ToSchema)]
    pub struct InventoryItem {
        /// Which video.
        pub video_id: VideoId,
        /// What it is called; `null` once it is deleted from the library.
        pub title: Option<String>,
        /// The SHA-256 that is wanted, else the one that is there.
        pub checksum: Option<String>,
        /// Bytes.
        pub file_size: Option<i64>,
        /// Whether the site is to have it.
        pub desired: bool,
        /// What the box has reported; `null` if it has reported nothing of it.
        #[schema(value_type = Option<TargetState>)]
        pub state: Option<String>,
        /// Percent.
        pub progress: Option<i16>,
        /// Why it is not there, in a stable word.
        pub reason_code: Option<String>,
        /// The same in a sentence.
        pub reason: Option<String>,
        /// `missing`: wanted and not there; `extra`: there and not wanted; `changed`: other bytes than wanted.
        pub drift: Option<String>,
        /// When the box has last reported another state.
        pub changed_at: Option<Time>,
    }
}

row! {
    /// How far a site's box is behind its desired state.
    #[derive(Debug, Serialize, ToSchema)]
    pub struct InventoryState {
        /// Which site.
        pub site_id: SiteId,
        /// Grows with every change of the desired state.
        pub desired_revision: i64,
        /// What the box has on its own disk.
        pub persisted_revision: i64,
        /// What its last report was made from.
        pub reported_revision: i64,
        /// When it has last reported.
        pub reported_at: Option<Time>,
        /// Bytes free on its disk.
        pub free_bytes: Option<i64>,
        /// The protocol that it speaks.
        pub protocol: Option<i16>,
        /// The version of its program.
        pub agent_version: Option<String>,
        /// Since when this device uses the site's key; a new time without a new card means a copy of it.
        pub device_since: Option<Time>,
        /// What its last report found different from what it had noted: `{kind, name}`, mended by itself.
        #[schema(value_type = Vec<Object>, additional_properties)]
        pub found: Value,
    }
}

/// What is on a box.
#[derive(Debug, Serialize, ToSchema)]
pub struct Inventory {
    /// How far it is.
    #[serde(flatten)]
    pub state: InventoryState,
    /// Whether something differs.
    pub in_sync: bool,
    /// Every video that is wanted or there.
    pub items: Vec<InventoryItem>,
}
