//! The SQL of the live channel. All of it is the server's own work.

use std::collections::BTreeMap;

use neopro_protocol::Reported;
use neopro_protocol::configuration::DeployedVideo;
use serde_json::{Value, json};
use uuid::Uuid;

use super::answers::Answer;
use super::figures::{Figures, SLOT_SECONDS, SiteSlot, Sum, are_last};
use super::hub::News;
use super::large::HUGE;
use super::v2::word;
use crate::clock::Time;
use crate::db::{Query, Scalar, query, row};
use crate::ids::{CommandId, SiteId};

row! {
    /// A site's key, as it is stored.
    #[derive(Debug, Clone)]
    pub struct StoredKey {
        pub id: SiteId,
        pub site_name: String,
        pub api_key: String,
        /// From where its box was last heard.
        pub last_ip: Option<String>,
        /// The revision of what the site is to have.
        pub desired_revision: i64,
        /// What its box said of itself when it was last another.
        pub protocol: Option<i16>,
        pub agent_version: Option<String>,
        pub device_key: Option<String>,
        pub capabilities: Vec<String>,
    }
}

/// The keys of those sites that exist.
pub fn find_keys(sites: &[SiteId]) -> Query<Vec<StoredKey>> {
    query(
        "select id, site_name, api_key, last_ip, coalesce(desired_revision, 0) as desired_revision, protocol, agent_version, \
           device_key, coalesce(capabilities, '{}') as capabilities \
         from sites left join site_states on site_id = id where id = any($1)",
    )
    .bind(uuids(sites))
    .all()
}

/// Replaces the hash of NeoPro 1 by ours; whether it is still the site's key. A hash takes its time, and behind a
/// whole fleet much of it: the key may be another by now.
pub fn replace_old_key(site: SiteId, old: String, new: String) -> Query<bool> {
    query("update sites set api_key = $3 where id = $1 and api_key in ($2, $3) returning id")
        .bind(site)
        .bind(old)
        .bind(new)
        .optional::<Scalar<SiteId>>()
        .map(|site| site.is_some())
}

/// Writes down what was heard of sites, all of it in one statement. A state that a person set stays; a connection that
/// has ended says nothing about a site that was heard of since, or has come to another replica.
pub fn write_news(news: &[(SiteId, News)], replica: Uuid) -> Query<()> {
    query("select neopro_note_news($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(news.iter().map(|(site, _)| site.0).collect::<Vec<_>>())
        .bind(news.iter().map(|(_, news)| news.seen).collect::<Vec<_>>())
        .bind(news.iter().map(|(_, news)| news.online).collect::<Vec<_>>())
        .bind(news.iter().map(|(_, news)| news.ip.clone()).collect::<Vec<_>>())
        .bind(news.iter().map(|(_, news)| news.local_ip.clone()).collect::<Vec<_>>())
        .bind(news.iter().map(|(_, news)| news.software_version.clone()).collect::<Vec<_>>())
        .bind(replica)
        .bind(news.iter().map(|(_, news)| news.arrived).collect::<Vec<_>>())
        .nothing()
}

/// Adds figures to their five minutes and hours and keeps the latest of each site, in one statement. Sites that are gone
/// are passed over.
pub fn write_figures(figures: &[(SiteSlot, Figures)]) -> Query<()> {
    let numbers = (1..=24).map(|number| format!("${number}")).collect::<Vec<_>>().join(",");
    let begins = |slot: i64| Time::from_unix_micros(slot * SLOT_SECONDS * 1_000_000);
    let mut statement = query(format!("select neopro_note_figures({numbers})"))
        .bind(figures.iter().map(|((site, _), _)| site.0).collect::<Vec<_>>())
        .bind(figures.iter().map(|((_, slot), _)| begins(*slot)).collect::<Vec<_>>())
        .bind(column(figures, |figures| figures.beats))
        .bind(column(figures, |figures| figures.minutes))
        .bind(column(figures, |figures| figures.uptime_max))
        .bind(column(figures, |figures| figures.heard_at));
    let measures: [fn(&Figures) -> Sum; 4] =
        [|figures| figures.cpu, |figures| figures.memory, |figures| figures.temperature, |figures| figures.disk];
    for measure in measures {
        statement = statement
            .bind(column(figures, |figures| measure(figures).sum))
            .bind(column(figures, |figures| measure(figures).count))
            .bind(column(figures, |figures| measure(figures).max));
    }
    statement
        .bind(column(figures, |figures| figures.latest.cpu))
        .bind(column(figures, |figures| figures.latest.memory))
        .bind(column(figures, |figures| figures.latest.temperature))
        .bind(column(figures, |figures| figures.latest.disk))
        .bind(column(figures, |figures| figures.latest.uptime))
        .bind(are_last(figures))
        .nothing()
}

fn column<T>(figures: &[(SiteSlot, Figures)], of: impl Fn(&Figures) -> T) -> Vec<T> {
    figures.iter().map(|(_, figures)| of(figures)).collect()
}

/// What a box says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Introduction {
    pub protocol: i16,
    pub agent_version: Option<String>,
    pub device_key: Option<String>,
    pub capabilities: Vec<String>,
}

/// Makes the next state of a site newer than this one, which its box has.
pub fn go_beyond(site: SiteId, revision: i64) -> Query<()> {
    query(
        "insert into site_states as s (site_id, desired_revision) values ($1, $2 + 1) \
         on conflict (site_id) do update set desired_revision = greatest(s.desired_revision, $2 + 1)",
    )
    .bind(site)
    .bind(revision)
    .nothing()
}

/// Writes down what boxes say of themselves, the last word of each; sites that are gone are passed over. What one of
/// protocol 2 had reported is no news of one of protocol 1 in its place: that one is believed by its own answers and its
/// mirror alone.
pub fn introduce(said: &[(SiteId, Introduction)], now: Time) -> Query<()> {
    let last: BTreeMap<SiteId, &Introduction> = said.iter().map(|(site, introduction)| (*site, introduction)).collect();
    let rows = last.into_iter().map(|(site, new)| {
        json!({
            "site_id": site, "protocol": new.protocol, "agent_version": new.agent_version,
            "device_key": new.device_key, "capabilities": new.capabilities,
        })
    });
    query(
        "with said as ( \
           select said.* from jsonb_to_recordset($1) as said ( \
             site_id uuid, protocol smallint, agent_version text, device_key text, capabilities text[]) \
           join sites on sites.id = said.site_id \
         ), forgotten as ( \
           delete from site_inventory i using said n, site_states x \
           where i.site_id = n.site_id and n.protocol < 2 and i.filename is null \
             and x.site_id = n.site_id and x.protocol >= 2) \
         insert into site_states as s (site_id, protocol, agent_version, device_key, device_key_since, capabilities) \
         select site_id, protocol, agent_version, device_key, case when device_key is not null then $2 end, capabilities \
         from said order by site_id \
         on conflict (site_id) do update set protocol = excluded.protocol, agent_version = excluded.agent_version, \
           device_key_since = case when s.device_key is distinct from excluded.device_key \
             then excluded.device_key_since else s.device_key_since end, \
           device_key = excluded.device_key, capabilities = excluded.capabilities",
    )
    .bind(rows.collect::<Value>())
    .bind(now)
    .nothing()
}

row! {
    /// What a site is to have.
    #[derive(Debug)]
    pub struct DesiredRow {
        pub site_id: SiteId,
        pub revision: i64,
        pub videos: Vec<Uuid>,
        pub attempts: Vec<i32>,
    }
}

/// What these sites are to have.
pub fn desired(sites: &[SiteId]) -> Query<Vec<DesiredRow>> {
    query(
        "select s.site_id, s.desired_revision as revision, \
           coalesce(array_agg(w.video_id order by w.since, w.video_id) filter (where w.video_id is not null), '{}') \
             as videos, \
           coalesce(array_agg(w.attempt order by w.since, w.video_id) filter (where w.video_id is not null), '{}') \
             as attempts \
         from site_states s left join site_videos w on w.site_id = s.site_id \
         where s.site_id = any ($1) group by s.site_id",
    )
    .bind(uuids(sites))
    .all()
}

row! {
    /// A video, as far as a box has to know it.
    #[derive(Debug)]
    pub struct MediaRow {
        pub id: Uuid,
        pub checksum: String,
        pub file_size: i64,
        pub storage_path: String,
        pub title: String,
        pub category: Option<String>,
        pub subcategory: Option<String>,
        pub mime_type: String,
        pub duration: Option<i32>,
        pub shown_for: Option<i32>,
        pub analytics_category: Option<String>,
    }
}

/// The videos that these sites are to have, each once.
pub fn desired_media(sites: &[SiteId]) -> Query<Vec<MediaRow>> {
    query(
        "select id, checksum, file_size, storage_path, \
           coalesce(nullif(metadata->>'title', ''), original_name) as title, category, subcategory, mime_type, \
           duration, metadata->>'analytics_category' as analytics_category, \
           case when metadata->>'duration' ~ '^[0-9]{1,4}$' then (metadata->>'duration')::integer end as shown_for \
         from videos \
         where checksum is not null and id in (select video_id from site_videos where site_id = any ($1))",
    )
    .bind(uuids(sites))
    .all()
}

/// The revisions of what these sites are to have.
pub fn revisions(sites: Vec<SiteId>) -> Query<Vec<(SiteId, i64)>> {
    row! { struct Revision { site_id: SiteId, desired_revision: i64, } }
    query("select site_id, desired_revision from site_states where site_id = any ($1)")
        .bind(uuids(&sites))
        .all::<Revision>()
        .map(|rows| rows.into_iter().map(|row| (row.site_id, row.desired_revision)).collect())
}

/// Takes a report of what a box has, with everything that follows from it; whether it is new. `fresh`: the box has
/// lost what it had noted, so its reports are counted anew.
pub fn take_report(site: SiteId, report: Reported, fresh: bool, now: Time) -> Query<bool> {
    let mut items = report.inventory;
    items.sort_by_key(|item| item.id);
    items.dedup_by_key(|item| item.id);
    query("select neopro_report($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)")
        .bind(site)
        .bind(report.revision)
        .bind(report.sequence)
        .bind(fresh)
        .bind(report.free_bytes.and_then(|bytes| i64::try_from(bytes).ok()))
        .bind(json!(report.drift))
        .bind(items.iter().map(|item| item.id).collect::<Vec<_>>())
        .bind(items.iter().map(|item| item.sha256.clone()).collect::<Vec<_>>())
        .bind(items.iter().map(|item| word(item.state).to_owned()).collect::<Vec<_>>())
        .bind(items.iter().map(|item| i32::try_from(item.attempts).unwrap_or(i32::MAX)).collect::<Vec<_>>())
        .bind(items.iter().map(|item| item.reason.map(|reason| reason.code().to_owned())).collect::<Vec<_>>())
        .bind(items.iter().map(|item| item.detail.clone()).collect::<Vec<_>>())
        .bind(now)
        .one::<Scalar<bool>>()
        .map(|Scalar(is_new)| is_new)
}

row! {
    /// What a box of protocol 1 is told next.
    #[derive(Debug)]
    pub struct NextCommand {
        pub site_id: SiteId,
        /// Under which it is on record.
        pub command_id: CommandId,
        pub command_type: String,
        pub command_data: Value,
        /// Where the video lies, for a command that is about one.
        pub storage_path: Option<String>,
    }
}

/// Finds what boxes of protocol 1 are to do next, and writes it down as their running commands under these ids.
pub fn next_commands(asked: &[(SiteId, CommandId)], now: Time) -> Query<Vec<NextCommand>> {
    query("select site_id, command_id, command_type, command_data, storage_path from neopro_next_commands($1, $2, $3)")
        .bind(asked.iter().map(|(site, _)| site.0).collect::<Vec<_>>())
        .bind(asked.iter().map(|(_, command)| command.0).collect::<Vec<_>>())
        .bind(now)
        .all()
}

/// The answer of a box to a command.
#[derive(Debug)]
pub struct Outcome {
    pub succeeded: bool,
    pub result: Value,
    pub code: Option<&'static str>,
    pub message: Option<String>,
}

/// Takes the answer to a command of this site; whether it was waited for.
pub fn finish_command(site: SiteId, command: CommandId, outcome: &Outcome, now: Time) -> Query<bool> {
    query("select neopro_finish_command($1, $2, $3, $4, $5, $6, $7)")
        .bind(site)
        .bind(command)
        .bind(outcome.succeeded)
        .bind(outcome.result.clone())
        .bind(outcome.code)
        .bind(outcome.message.clone())
        .bind(now)
        .one::<Scalar<bool>>()
        .map(|Scalar(waited_for)| waited_for)
}

/// Of these boxes of protocol 1, those that have something to be told.
pub fn with_commands(sites: Vec<SiteId>, now: Time) -> Query<Vec<SiteId>> {
    query(
        "select s.id from unnest($1) as s (id) \
         where exists (select from remote_commands c where c.site_id = s.id and c.status = 'executing' \
             and c.origin = 'deployment' and c.deadline <= $2) \
           or not exists (select from remote_commands c where c.site_id = s.id and c.status = 'executing' \
             and (c.origin = 'deployment' or c.command_type = 'update_config')) and ( \
             exists (select from site_removals r join site_inventory i on i.site_id = r.site_id \
                 and i.video_id = r.video_id \
               where r.site_id = s.id and i.filename is not null and i.state = 'installed' \
                 and i.reason_code is distinct from 'delete_failed' and (i.retry_at is null or i.retry_at <= $2)) \
             or exists (select from site_videos w left join site_inventory i on i.site_id = w.site_id \
                 and i.video_id = w.video_id \
               where w.site_id = s.id and i.state is distinct from 'installed' and (i.video_id is null \
                 or i.attempt < w.attempt \
                 or i.state <> 'failed' and (i.retry_at is null or i.retry_at <= $2))) \
             or exists (select from deployment_targets t where t.site_id = s.id and t.state = 'pending' \
                 and t.action = 'remove' and not exists (select from site_inventory i where i.site_id = s.id \
                   and i.video_id = t.video_id and i.state = 'installed')))",
    )
    .bind(uuids(&sites))
    .bind(now)
    .all::<Scalar<SiteId>>()
    .map(|sites| sites.into_iter().map(|Scalar(site)| site).collect())
}

/// Of these sites, those that have commands of people which wait, or which their boxes have not said to have.
pub fn with_open_commands(sites: Vec<SiteId>) -> Query<Vec<SiteId>> {
    query(
        "select distinct site_id from remote_commands where origin = 'person' and status in ('pending', 'executing') \
           and received_at is null and site_id = any ($1)",
    )
    .bind(uuids(&sites))
    .all::<Scalar<SiteId>>()
    .map(|sites| sites.into_iter().map(|Scalar(site)| site).collect())
}

row! {
    /// A person's command that is to be told now.
    #[derive(Debug)]
    pub struct DueCommand {
        pub id: CommandId,
        pub site_id: SiteId,
        pub command_type: String,
        pub command_data: Value,
        /// The secrets of its data, sealed.
        pub secrets: Option<String>,
    }
}

/// What is to be told now to boxes that are connected, of protocol 1 or not, at most so many to each: it counts as told.
pub fn tell_commands(sites: &[SiteId], olds: Vec<bool>, most: i32, now: Time) -> Query<Vec<DueCommand>> {
    query("select id, site_id, command_type, command_data, secrets from neopro_tell_commands($1, $2, $3, $4)")
        .bind(uuids(sites))
        .bind(olds)
        .bind(most)
        .bind(now)
        .all()
}

/// These could not be told: their boxes have gone.
pub fn take_back_commands(commands: &[CommandId], now: Time) -> Query<()> {
    query("select neopro_take_back_commands($1, $2)")
        .bind(commands.iter().map(|command| command.0).collect::<Vec<_>>())
        .bind(now)
        .nothing()
}

/// Boxes have these commands on their disks. In one order, so that two such statements never wait for each other.
pub fn note_received(received: &[(CommandId, SiteId)], now: Time) -> Query<()> {
    query(
        "with had as (select r.id from unnest($1, $2) as n (id, site) \
           join remote_commands r on r.id = n.id and r.site_id = n.site \
           where r.origin = 'person' and r.received_at is null and r.executed_at is not null order by r.id for update of r) \
         update remote_commands r set received_at = $3, secrets = null from had where r.id = had.id",
    )
    .bind(received.iter().map(|(command, _)| command.0).collect::<Vec<_>>())
    .bind(received.iter().map(|(_, site)| site.0).collect::<Vec<_>>())
    .bind(now)
    .nothing()
}

row! {
    /// A person's command that was answered.
    #[derive(Debug, Clone)]
    pub struct Answered {
        pub id: CommandId,
        pub site_id: SiteId,
        pub command_type: String,
        /// It was not answered before.
        pub is_news: bool,
    }
}

/// Takes answers to people's commands: those that are some.
pub fn answer_commands(answers: &[Answer], now: Time) -> Query<Vec<Answered>> {
    query("select id, site_id, command_type, is_news from neopro_answer_commands($1, $2, $3, $4, $5, $6)")
        .bind(answers.iter().map(|answer| answer.site.0).collect::<Vec<_>>())
        .bind(answers.iter().map(|answer| answer.command.0).collect::<Vec<_>>())
        .bind(answers.iter().map(|answer| answer.succeeded).collect::<Vec<_>>())
        .bind(answers.iter().map(|answer| answer.result.clone()).collect::<Vec<Option<Value>>>())
        .bind(answers.iter().map(|answer| answer.message.clone()).collect::<Vec<_>>())
        .bind(now)
        .all()
}

/// Keeps the mirror of a site's configuration, a document of JSON, and what it shows of our videos.
pub fn keep_mirror(
    site: SiteId,
    document: String,
    secrets: Option<String>,
    hash: Option<String>,
    is_old: bool,
    videos: &[DeployedVideo],
    now: Time,
) -> Query<()> {
    let is_heavy = document.len() > HUGE;
    query("select neopro_mirror($1, $2::jsonb, $3, $4, $5, $6, $7, $8, $9, $10)")
        .bind(site)
        .bind(document)
        .bind(secrets)
        .bind(hash)
        .bind(is_old)
        .bind(videos.iter().map(|video| video.video_id).collect::<Vec<_>>())
        .bind(videos.iter().map(|video| video.filename.clone()).collect::<Vec<_>>())
        .bind(videos.iter().map(|video| video.category.clone()).collect::<Vec<_>>())
        .bind(videos.iter().map(|video| video.subcategory.clone()).collect::<Vec<_>>())
        .bind(now)
        .heavy(is_heavy)
        .nothing()
}

/// Writes down how far downloads are. A command that gives signs of life has time again.
pub fn write_progress(progress: &[((SiteId, Uuid), i16)], now: Time) -> Query<()> {
    query("select neopro_progress($1, $2, $3, $4)")
        .bind(progress.iter().map(|((site, _), _)| site.0).collect::<Vec<_>>())
        .bind(progress.iter().map(|((_, video), _)| *video).collect::<Vec<_>>())
        .bind(progress.iter().map(|(_, percent)| *percent).collect::<Vec<_>>())
        .bind(now)
        .nothing()
}

fn uuids(sites: &[SiteId]) -> Vec<Uuid> {
    sites.iter().map(|site| site.0).collect()
}
