//! The journal. The application can add to it, and nothing else.

use super::Entry;
use crate::db::{Query, Statement, query};
use crate::ids::{DeploymentId, GroupId, SessionId, SiteId, TokenId, VideoId};

const INTO: &str = "insert into audit_logs \
     (action, user_id, target_type, target_id, details, ip_address, user_agent, created_at)";

/// Writes an entry.
pub fn record(entry: Entry) -> Query<()> {
    bind(query(format!("{INTO} values ($1, $2, $3, $4, $5, $6, $7, $8)")), entry).nothing()
}

/// Writes an entry if the session that the same flush was to begin did begin.
pub fn record_begun(entry: Entry, session: SessionId) -> Query<()> {
    when(entry, "select from sessions where id = $9").bind(session).nothing()
}

/// Writes an entry if the session that the same flush is about to end has not ended yet.
pub fn record_ending(entry: Entry, session: SessionId) -> Query<()> {
    when(entry, "select from sessions where id = $9 and user_id = $2 and revoked_at is null and expires_at > $8")
        .bind(session)
        .nothing()
}

/// Writes an entry if its person has other sessions than this one, which the same flush is about to end.
pub fn record_ending_others(entry: Entry, current: SessionId) -> Query<()> {
    when(entry, "select from sessions where id <> $9 and user_id = $2 and revoked_at is null and expires_at > $8")
        .bind(current)
        .nothing()
}

/// Writes an entry if the token that it is about is there, and its person's.
pub fn record_if_token(entry: Entry, token: TokenId) -> Query<()> {
    when(entry, "select from api_tokens where id = $9 and user_id = $2 and revoked_at is null").bind(token).nothing()
}

/// Writes an entry if the site that it is about is there.
pub fn record_if_site(entry: Entry, site: SiteId) -> Query<()> {
    when(entry, "select from sites where id = $9").bind(site).nothing()
}

/// Writes an entry if the group that it is about is there.
pub fn record_if_group(entry: Entry, group: GroupId) -> Query<()> {
    when(entry, "select from groups where id = $9").bind(group).nothing()
}

/// Writes an entry if the site that it is about is in the group.
pub fn record_if_member(entry: Entry, group: GroupId, site: SiteId) -> Query<()> {
    when(entry, "select from site_groups where group_id = $9 and site_id = $10").bind(group).bind(site).nothing()
}

/// Writes an entry if the video that it is about is there.
pub fn record_if_video(entry: Entry, video: VideoId) -> Query<()> {
    when(entry, "select from videos where id = $9").bind(video).nothing()
}

/// Writes an entry if the order that it is about is there.
pub fn record_if_deployment(entry: Entry, deployment: DeploymentId) -> Query<()> {
    when(entry, "select from content_deployments where id = $9").bind(deployment).nothing()
}

fn when(entry: Entry, there: &str) -> Statement {
    bind(query(format!("{INTO} select $1, $2, $3, $4, $5, $6, $7, $8 where exists ({there})")), entry)
}

fn bind(statement: Statement, entry: Entry) -> Statement {
    let (target_type, target_id) = entry.target.unzip();
    statement
        .bind(entry.action.name())
        .bind(entry.user)
        .bind(target_type)
        .bind(target_id)
        .bind(entry.details)
        .bind(entry.from.ip.to_string())
        .bind(entry.from.user_agent)
        .bind(entry.at)
}
