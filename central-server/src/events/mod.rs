//! What changes, for those who have the dashboard open: one stream a tab, instead of asking again and again.
//!
//! A change is a hint that names an id, never the truth: each stream reads the rows itself, in its own caller's scope
//! and with the session proven in the same flush (ADR 0013). `hub` hands the hints on, `stream` is one open stream.

mod hub;
pub mod jobs;
pub mod routes;
mod store;
mod stream;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::Time;
use crate::deployments::DeploymentView;
use crate::ids::{DeploymentId, GroupId, SiteId, VideoId};
use crate::sites::SiteView;

pub use hub::{Changes, Refused, Seat};

/// How many ids of a kind one event names. Of more it says only that all of the kind is out of date.
pub const MOST: usize = 200;

/// What lists are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ListKind)]
pub enum Kind {
    /// Sites.
    Sites,
    /// Orders.
    Deployments,
    /// The library.
    Videos,
    /// Groups.
    Groups,
}

/// That something is not what it was.
#[derive(Debug, Clone)]
pub enum Change {
    /// A site: its row, its connection.
    Site(SiteId),
    /// What a site has of what it is to have, and with it the site and the orders that it has a part in.
    Work(SiteId),
    /// An order.
    Deployment(DeploymentId),
    /// A video.
    Video(VideoId),
    /// A group.
    Group(GroupId),
    /// One of this kind is gone, or too many are changed to name them.
    All(Kind),
    /// A box has measured itself.
    Beat(Arc<Beat>),
}

/// What a box has measured of itself.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Heartbeat)]
pub struct Beat {
    /// The site.
    pub site_id: SiteId,
    /// When it was heard.
    pub at: Time,
    /// Percent of the processors.
    pub cpu: Option<f64>,
    /// Percent of the memory.
    pub memory: Option<f64>,
    /// Degrees Celsius.
    pub temperature: Option<f64>,
    /// Percent of the disk.
    pub disk: Option<f64>,
    /// Seconds since the machine has started.
    pub uptime: Option<i64>,
}

/// The data of the event `changes`.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = Changes)]
pub struct Changed {
    /// Sites that were changed, as they are now.
    pub sites: Vec<SiteView>,
    /// Orders that were changed, as they are now.
    pub deployments: Vec<DeploymentView>,
    /// Videos that were changed.
    pub videos: Vec<VideoId>,
    /// Groups that were changed.
    pub groups: Vec<GroupId>,
    /// Kinds of which everything that is on the screen may be out of date: some are gone, or too many have changed.
    pub stale: Vec<Kind>,
}

impl Changed {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sites.is_empty()
            && self.deployments.is_empty()
            && self.videos.is_empty()
            && self.groups.is_empty()
            && self.stale.is_empty()
    }
}

/// What was heard of and not told yet, each id once. Never more than [`MOST`] of a kind.
#[derive(Debug, Default, Clone)]
pub struct Pending {
    /// Sites.
    pub sites: BTreeSet<SiteId>,
    /// Sites whose orders are to be looked at.
    pub work: BTreeSet<SiteId>,
    /// Orders.
    pub deployments: BTreeSet<DeploymentId>,
    /// Videos.
    pub videos: BTreeSet<VideoId>,
    /// Groups.
    pub groups: BTreeSet<GroupId>,
    /// Kinds that are out of date as a whole.
    pub stale: BTreeSet<Kind>,
    /// The latest measurement of the site that is watched.
    pub beat: Option<Arc<Beat>>,
}

impl Pending {
    /// Takes a change in. What a box has measured counts only for who watches its site.
    pub fn add(&mut self, change: Change, watched: Option<SiteId>) {
        match change {
            Change::Site(site) => keep(&mut self.sites, site, Kind::Sites, &mut self.stale),
            Change::Work(site) => {
                keep(&mut self.sites, site, Kind::Sites, &mut self.stale);
                keep(&mut self.work, site, Kind::Deployments, &mut self.stale);
            }
            Change::Deployment(id) => keep(&mut self.deployments, id, Kind::Deployments, &mut self.stale),
            Change::Video(id) => keep(&mut self.videos, id, Kind::Videos, &mut self.stale),
            Change::Group(id) => keep(&mut self.groups, id, Kind::Groups, &mut self.stale),
            Change::All(kind) => {
                self.stale.insert(kind);
            }
            Change::Beat(beat) if watched == Some(beat.site_id) => self.beat = Some(beat),
            Change::Beat(_) => {}
        }
        self.forget_stale();
    }

    /// Changes were lost: everything may be out of date.
    pub fn lost(&mut self) {
        self.stale.extend([Kind::Sites, Kind::Deployments, Kind::Videos, Kind::Groups]);
        self.forget_stale();
    }

    /// Leaves out what somebody of this kind never sees.
    pub fn keep_only(&mut self, kinds: &[Kind]) {
        self.stale.retain(|kind| kinds.contains(kind));
        let sees = |kind| kinds.contains(&kind);
        if !sees(Kind::Deployments) {
            self.deployments.clear();
            self.work.clear();
        }
        if !sees(Kind::Videos) {
            self.videos.clear();
        }
        if !sees(Kind::Groups) {
            self.groups.clear();
        }
    }

    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sites.is_empty()
            && self.work.is_empty()
            && self.deployments.is_empty()
            && self.videos.is_empty()
            && self.groups.is_empty()
            && self.stale.is_empty()
            && self.beat.is_none()
    }

    fn forget_stale(&mut self) {
        for kind in &self.stale {
            match kind {
                Kind::Sites => self.sites.clear(),
                Kind::Deployments => {
                    self.deployments.clear();
                    self.work.clear();
                }
                Kind::Videos => self.videos.clear(),
                Kind::Groups => self.groups.clear(),
            }
        }
    }
}

fn keep<T: Ord>(ids: &mut BTreeSet<T>, id: T, kind: Kind, stale: &mut BTreeSet<Kind>) {
    ids.insert(id);
    if ids.len() > MOST {
        stale.insert(kind);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_id_is_told_once_and_too_many_are_told_as_their_kind() {
        let (mut pending, site) = (Pending::default(), SiteId::new());
        for _ in 0..1_000 {
            pending.add(Change::Work(site), None);
        }
        assert_eq!((pending.sites.len(), pending.work.len(), pending.stale.len()), (1, 1, 0));
        let video = VideoId::new();
        pending.add(Change::Video(video), None);
        for _ in 0..MOST {
            pending.add(Change::Site(SiteId::new()), None);
        }
        assert_eq!(pending.stale, BTreeSet::from([Kind::Sites]));
        assert!(pending.sites.is_empty(), "what is out of date as a whole is not named");
        assert_eq!((pending.work.len(), pending.videos.len()), (1, 1), "the others are");
        pending.add(Change::Site(site), None);
        assert!(pending.sites.is_empty(), "nor is what comes behind it");
        pending.lost();
        assert!(pending.work.is_empty() && pending.videos.is_empty());
        assert_eq!(pending.stale.len(), 4);
        pending.keep_only(&[Kind::Sites]);
        assert_eq!(pending.stale, BTreeSet::from([Kind::Sites]));
    }

    #[test]
    fn only_who_watches_a_site_hears_what_its_box_measures() {
        let (mut pending, site) = (Pending::default(), SiteId::new());
        let beat = Beat {
            site_id: site,
            at: Time::from_unix_micros(0),
            cpu: Some(12.0),
            memory: None,
            temperature: None,
            disk: None,
            uptime: None,
        };
        let beat = Arc::new(beat);
        pending.add(Change::Beat(Arc::clone(&beat)), None);
        pending.add(Change::Beat(Arc::clone(&beat)), Some(SiteId::new()));
        assert!(pending.is_empty());
        pending.add(Change::Beat(beat), Some(site));
        assert!(!pending.is_empty());
    }
}
