//! What can be asked for: a new order, another try.

use utoipa::ToSchema;

use super::{Act, TargetType};
use crate::clock::Time;
use crate::http::{Form, FromForm};
use crate::ids::{SiteId, TargetId, VideoId};

/// The most sites that one retry names.
const MOST_SITES: usize = 15_000;

/// The most sites and groups that one order is for.
const MOST_TARGETS: usize = 1_000;

/// A site or a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
pub struct Target {
    /// Which of the two.
    #[schema(rename = "type")]
    pub kind: TargetType,
    /// Its id.
    pub id: TargetId,
}

impl FromForm for Target {
    fn read(form: &mut Form) -> Option<Self> {
        let kind = form.choice("type", TargetType::WORDS);
        if kind.is_none() && !form.has_problem("type") {
            form.problem("type", format!("Ce champ est obligatoire. Valeurs possibles : {}.", TargetType::WORDS));
        }
        let id = form.id("id");
        Some(Self { kind: kind?, id: id? })
    }
}

/// Reads `targets`: each target once, in the order in which they came.
pub(super) fn targets(form: &mut Form) -> Option<Vec<Target>> {
    let sent: Vec<Target> = form.list("targets", MOST_TARGETS)?;
    if sent.is_empty() && !form.has_problem("targets") {
        form.problem("targets", "Au moins un site ou un groupe est nécessaire.");
    }
    let mut seen = std::collections::HashSet::new();
    Some(sent.into_iter().filter(|target| seen.insert((target.kind.name(), target.id))).collect())
}

/// How many groups and how many single sites these are.
#[must_use]
pub(super) fn counted(targets: &[Target]) -> (i32, i32) {
    let groups = targets.iter().filter(|target| target.kind == TargetType::Group).count();
    let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    (count(groups), count(targets.len() - groups))
}

/// What a selection is called: "3 groupes, 12 sites".
#[must_use]
pub(super) fn selection_name(targets: &[Target]) -> String {
    let (groups, sites) = counted(targets);
    let parts = [(groups, "groupe"), (sites, "site")].map(|(number, noun)| match number {
        0 => None,
        1 => Some(format!("1 {noun}")),
        many => Some(format!("{many} {noun}s")),
    });
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// An order to be made. Either `target_id`, or `targets`.
#[derive(Debug, ToSchema)]
pub struct NewDeployment {
    /// Which video.
    pub video_id: VideoId,
    /// Whom it is for; `site` without it.
    #[schema(required = false, nullable = false)]
    pub target_type: TargetType,
    /// Which site, or which group.
    #[schema(required = false, nullable = false)]
    pub target_id: Option<TargetId>,
    /// Whom it is for, if these are several: each site gets the video once. A single one is an order like any other.
    #[schema(required = false, nullable = false, min_items = 1, max_items = 1000)]
    pub targets: Option<Vec<Target>>,
    /// `install` without it.
    #[schema(required = false, nullable = false)]
    pub action: Act,
    /// When it is to be carried out, with its offset from UTC; at once without it.
    #[schema(required = false, value_type = Option<String>, format = DateTime)]
    pub scheduled_at: Option<Time>,
}

impl FromForm for NewDeployment {
    const LIMIT: usize = 256 * 1024;

    fn read(form: &mut Form) -> Option<Self> {
        let video_id = form.id("video_id");
        let target_type = form.choice("target_type", TargetType::WORDS).unwrap_or(TargetType::Site);
        let action = form.choice("action", Act::WORDS).unwrap_or(Act::Install);
        let scheduled_at = form.moment("scheduled_at");
        let targets = targets(form);
        let several = targets.is_some() || form.has_problem("targets");
        if several && form.has("target_id") {
            form.problem("targets", "Envoyez soit targets, soit target_type et target_id, pas les deux.");
        }
        let target_id = if several { None } else { form.id("target_id") };
        Some(Self { video_id: video_id?, target_type, target_id, targets, action, scheduled_at })
    }
}

impl NewDeployment {
    /// Whom it is for.
    #[must_use]
    pub fn chosen(&self) -> Vec<Target> {
        let one = self.target_id.map(|id| Target { kind: self.target_type, id });
        self.targets.clone().unwrap_or_default().into_iter().chain(one).collect()
    }
}

/// What NeoPro 1 let programs write into an order. Nobody can any more.
#[derive(Debug, ToSchema)]
pub struct ForcedStatus {
    /// Refused.
    #[schema(required = false)]
    pub status: Option<String>,
    /// Refused.
    #[schema(required = false)]
    pub progress: Option<i64>,
    /// Refused.
    #[schema(required = false)]
    pub error_message: Option<String>,
}

impl FromForm for ForcedStatus {
    fn read(form: &mut Form) -> Option<Self> {
        Some(Self {
            status: form.optional_text("status", 64),
            progress: form.integer("progress", 0..=100),
            error_message: form.optional_text("error_message", 1_000),
        })
    }
}

/// Which sites of an order are to try again: every one that has failed, if nothing is said.
#[derive(Debug, ToSchema)]
pub struct Retry {
    /// Only these.
    #[schema(required = false, nullable = false)]
    pub site_ids: Option<Vec<SiteId>>,
    /// Only those that have failed for this reason; `unknown` for those of which none was told.
    #[schema(required = false, nullable = false)]
    pub reason_code: Option<String>,
}

impl FromForm for Retry {
    const LIMIT: usize = 1024 * 1024;

    fn read(form: &mut Form) -> Option<Self> {
        Some(Self { site_ids: form.ids("site_ids", MOST_SITES), reason_code: form.optional_text("reason_code", 64) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_is_called_by_its_counts() {
        let target = |kind| Target { kind, id: TargetId::new() };
        let [site, group] = [TargetType::Site, TargetType::Group].map(target);
        assert_eq!(selection_name(&[group, site, site, group, group]), "3 groupes, 2 sites");
        assert_eq!(selection_name(&[group, site]), "1 groupe, 1 site");
        assert_eq!(selection_name(&[site, site]), "2 sites");
        assert_eq!(selection_name(&[group, group]), "2 groupes");
    }
}
