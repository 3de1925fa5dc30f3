//! What an order would mean, before it is given: how many sites, how much has to be sent, whose disk is too small.

pub mod routes;
mod store;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{Act, Target, order};
use crate::db::row;
use crate::http::{Form, FromForm};
use crate::ids::{SiteId, VideoId};

/// The most videos that are looked at together.
const MOST_VIDEOS: usize = 50;

/// What a box keeps free on its disk: it refuses a file that would leave less.
const MARGIN_BYTES: i64 = 256 * 1024 * 1024;

/// How many boxes that are short of space are named.
const MOST_NAMED: i64 = 20;

/// Orders that somebody is about to give: each of these videos to all of these sites.
#[derive(Debug, ToSchema)]
pub struct Plan {
    /// Which videos.
    #[schema(min_items = 1, max_items = 50)]
    pub video_ids: Vec<VideoId>,
    /// Which sites and groups.
    #[schema(min_items = 1, max_items = 1000)]
    pub targets: Vec<Target>,
    /// `install` without it.
    #[schema(required = false, nullable = false)]
    pub action: Act,
}

impl FromForm for Plan {
    const LIMIT: usize = 256 * 1024;

    fn read(form: &mut Form) -> Option<Self> {
        let videos: Option<Vec<VideoId>> = form.ids("video_ids", MOST_VIDEOS);
        match &videos {
            None if !form.has_problem("video_ids") => form.problem("video_ids", "Ce champ est obligatoire."),
            Some(videos) if videos.is_empty() && !form.has_problem("video_ids") => {
                form.problem("video_ids", "Au moins une vidéo est nécessaire.");
            }
            _ => {}
        }
        let targets = order::targets(form);
        if targets.is_none() && !form.has_problem("targets") {
            form.problem("targets", "Ce champ est obligatoire.");
        }
        let action = form.choice("action", Act::WORDS).unwrap_or(Act::Install);
        let mut video_ids = videos?;
        video_ids.sort_unstable();
        video_ids.dedup();
        Some(Self { video_ids, targets: targets?, action })
    }
}

row! {
    /// What these orders would mean if they were given now.
    #[derive(Debug, Serialize, ToSchema)]
    pub struct Preview {
        /// The sites, each once.
        pub sites: i64,
        /// Of these, those whose box is connected.
        pub online: i64,
        /// Of these, those whose box is not: they get it when it comes.
        pub offline: i64,
        /// Of these, those whose box has never been seen.
        pub never_seen: i64,
        /// How often one of the videos is installed on one of the sites already.
        pub already: i64,
        /// What has to be sent to all boxes together.
        pub bytes_to_send: i64,
        /// What has to be sent to the box that lacks most.
        pub bytes_per_site: i64,
        /// How many boxes have too little room: what they keep free for themselves and what is on its way to them is
        /// counted. Boxes that do not tell their room are not among them.
        pub sites_short_of_space: i64,
        /// Those that lack most, at most 20.
        #[schema(value_type = Vec<ShortOfSpace>)]
        pub short_of_space: Value,
        /// How many sites of open orders these orders would take the place of.
        pub supersedes: i64,
        /// What was read from the storage this month, by all boxes: what has to be sent comes on top.
        pub traffic_bytes: i64,
        /// What may be read from it in a month; `null` without a limit.
        pub traffic_limit_bytes: Option<i64>,
    }
}

/// A box that has too little room.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShortOfSpace {
    /// Which site.
    pub site_id: SiteId,
    /// Its club.
    pub club_name: String,
    /// Bytes free on its disk.
    pub free_bytes: i64,
    /// Bytes that are missing there.
    pub missing_bytes: i64,
}
