//! Protocol 2: a box is told what it is to have, and says what it has.

use neopro_protocol::{Desired, ItemState, Media, Reported, ReportedAck};
use serde_json::{Value, json};

use super::session::Handle;
use super::store::{self, MediaRow};
use crate::app::App;
use crate::events::Change;
use crate::ids::SiteId;
use crate::storage::Bucket;

/// The most files of one report.
const MOST_ITEMS: usize = 10_000;
/// The longest text of a report.
const LONGEST: usize = 500;

/// Tells these sites what they are to have, as far as they are connected here and do not have it.
pub(super) async fn tell(app: &App, sites: &[SiteId]) {
    let Ok(db) = app.db() else { return };
    let (rows, media) = match db.run_as_system((store::desired(sites), store::desired_media(sites))).await {
        Ok(read) => read,
        // The sweep comes back to it.
        Err(error) => return tracing::warn!(%error, sites = sites.len(), "desired states could not be read"),
    };
    let media: std::collections::HashMap<_, _> = media.into_iter().map(|media| (media.id, media)).collect();
    for row in rows {
        let Some(handle) = app.live.seats.tell(row.site_id, row.revision) else { continue };
        let wanted = row.videos.iter().zip(&row.attempts);
        let document = Desired {
            revision: row.revision,
            media: wanted.filter_map(|(id, attempt)| Some(entry(app, media.get(id)?, *attempt))).collect(),
            ..Desired::default()
        };
        handle.emit_with_ack("desired", &json!(document));
    }
}

fn entry(app: &App, video: &MediaRow, attempt: i32) -> Media {
    let is_image = video.mime_type.starts_with("image/");
    let seconds = if is_image { video.shown_for } else { video.duration };
    Media {
        id: video.id,
        sha256: video.checksum.clone(),
        bytes: u64::try_from(video.file_size).unwrap_or_default(),
        url: app.storage.public_url(Bucket::Videos, &video.storage_path),
        name: video.title.clone(),
        category: video.category.clone(),
        subcategory: video.subcategory.clone(),
        media_type: video.mime_type.clone(),
        seconds: seconds.and_then(|seconds| u32::try_from(seconds).ok()),
        in_loop: is_in_loop(video.category.as_deref(), video.analytics_category.as_deref()),
        attempt: u32::try_from(attempt).unwrap_or_default(),
    }
}

/// Whether a video plays by itself: sponsors' videos, and those that belong nowhere in particular. What has a
/// category of its own (jingles, line-ups) is for the remote.
fn is_in_loop(category: Option<&str>, analytics_category: Option<&str>) -> bool {
    let category = category.map(|category| category.trim().to_uppercase());
    analytics_category == Some("sponsor")
        || match category.as_deref() {
            None | Some("") => true,
            Some(name) => matches!(name, "SPONSOR" | "SPONSORS" | "PARTENAIRE" | "PARTENAIRES" | "DEFAULT"),
        }
}

/// Takes a report; whether it is committed. Only then it is acknowledged: a box that hears nothing sends it again.
pub(super) async fn report(
    app: &App,
    site: SiteId,
    handle: &Handle,
    data: &Value,
    ack: Option<u64>,
    fresh: bool,
) -> bool {
    let mut report: Reported = match serde_json::from_value(data.clone()) {
        Ok(report) => report,
        Err(error) => {
            tracing::warn!(%site, %error, "a report could not be read");
            return false;
        }
    };
    if report.inventory.len() > MOST_ITEMS {
        tracing::warn!(%site, items = report.inventory.len(), "a report is too long: what is behind its first part is not counted");
        report.inventory.truncate(MOST_ITEMS);
    }
    report.drift.truncate(100);
    for item in &mut report.inventory {
        item.sha256 = clean(&item.sha256, 64);
        item.detail = item.detail.as_deref().map(|detail| clean(detail, LONGEST));
    }
    for drift in &mut report.drift {
        drift.name = clean(&drift.name, 255);
    }
    let sequence = report.sequence;
    let Ok(db) = app.db() else { return false };
    match db.run_as_system(store::take_report(site, report, fresh, app.clock.now())).await {
        Ok(is_new) => {
            if is_new {
                app.changes.note(Change::Work(site));
            } else {
                tracing::debug!(%site, sequence, "a report came twice");
            }
            if let Some(ack) = ack {
                handle.acknowledge(ack, &json!(ReportedAck { sequence }));
            }
            true
        }
        Err(error) => {
            tracing::warn!(%site, %error, "a report could not be taken now");
            false
        }
    }
}

/// The word in the database.
pub(super) fn word(state: ItemState) -> &'static str {
    match state {
        ItemState::Pending | ItemState::Other => "pending",
        ItemState::Downloading => "downloading",
        ItemState::Installed => "installed",
        ItemState::Failed => "failed",
    }
}

/// Without what the database cannot store, and not longer than this.
pub(super) fn clean(text: &str, longest: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(longest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sponsors_and_what_belongs_nowhere_play_by_themselves() {
        for (category, analytics, plays) in [
            (None, None, true),
            (Some("SPONSORS"), None, true),
            (Some("Partenaires "), None, true),
            (Some("Jingles"), None, false),
            (Some("Jingles"), Some("sponsor"), true),
            (Some(""), Some("jingle"), true),
        ] {
            assert_eq!(is_in_loop(category, analytics), plays, "{category:?} {analytics:?}");
        }
    }
}
