//! The journal. The application can add to it, and nothing else.

use uuid::Uuid;

use super::Entry;
use crate::db::{Query, Statement, query};
use crate::ids::{SessionId, SiteId, TokenId};

const INTO: &str = "insert into audit_logs \
     (action, user_id, target_type, target_id, details, ip_address, user_agent, created_at, session_id, before, after, \
      personal, id)";

/// Later entries have larger ids: those of the same moment stay in their order.
fn entry_id() -> String {
    format!("'{}'::uuid", Uuid::now_v7())
}

/// The session is the entry's own, or that which the flush has proven.
const SESSION: &str = "coalesce($9, nullif(current_setting('neopro.session', true), '')::uuid)";

/// Writes an entry.
pub fn record(entry: Entry) -> Query<()> {
    bind(
        query(format!("{INTO} values ($1, $2, $3, $4, $5, $6, $7, $8, {SESSION}, $10, $11, $12, {})", entry_id())),
        entry,
    )
    .nothing()
}

/// Writes an entry if the session that the same flush was to begin did begin.
pub fn record_begun(entry: Entry, session: SessionId) -> Query<()> {
    when(entry.by(session), "select from sessions where id = $13").bind(session).nothing()
}

/// Writes an entry if the session that the same flush is about to end has not ended yet.
pub fn record_ending(entry: Entry, session: SessionId) -> Query<()> {
    let there = "select from sessions where id = $13 and user_id = $2 and revoked_at is null and expires_at > $8";
    when(entry.by(session), there).bind(session).nothing()
}

/// Writes an entry with the other sessions than this one that its person has, if there are any: the same flush is about
/// to end them.
pub fn record_ending_others(entry: Entry, current: SessionId) -> Query<()> {
    let others = "select jsonb_build_object('sessions', jsonb_agg(id order by id)) from sessions \
         where id <> $13 and user_id = $2 and revoked_at is null and expires_at > $8 having count(*) > 0";
    found(entry, others).bind(current).nothing()
}

/// Writes an entry if the token that it is about is there, and its person's.
pub fn record_if_token(entry: Entry, token: TokenId) -> Query<()> {
    when(entry, "select from api_tokens where id = $13 and user_id = $2 and revoked_at is null").bind(token).nothing()
}

/// Writes an entry with what the token may do that the same flush is about to revoke, if it is there and its person's.
pub fn record_revoking(entry: Entry, token: TokenId) -> Query<()> {
    let revoked = "select jsonb_build_object('name', name, 'scopes', scopes, 'expires_at', expires_at) from api_tokens \
         where id = $13 and user_id = $2 and revoked_at is null";
    found(entry, revoked).bind(token).nothing()
}

/// Writes an entry if the site that it is about is there.
pub fn record_if_site(entry: Entry, site: SiteId) -> Query<()> {
    when(entry, "select from sites where id = $13").bind(site).nothing()
}

/// Notes what the thing that the entry is about is before the act. To be put before the act, with [`record_change`]
/// behind it, in one flush. The kinds that can be looked up are `site`, `group`, `video`, `deployment`
/// and `user`: in the server's own scope any, in a person's his own.
pub fn before(kind: &'static str, id: Uuid) -> Query<()> {
    query("select neopro_audit_before($1, $2)").bind(kind).bind(id).nothing()
}

/// Writes an entry with what the act has changed, if the thing that it is about is there.
pub fn record_change(entry: Entry, id: Uuid) -> Query<()> {
    looked_up(entry, DIFFERENCE, &format!("{WAS} on true"), id)
}

/// The same, if anything has changed at all.
pub fn record_change_if_any(entry: Entry, id: Uuid) -> Query<()> {
    looked_up(entry, DIFFERENCE, &format!("{WAS} on was.it is distinct from thing.it"), id)
}

const DIFFERENCE: [&str; 2] =
    ["neopro_audit_difference(was.it, thing.it)", "neopro_audit_difference(thing.it, was.it)"];

/// What [`before`] has noted.
const WAS: &str = " join (select nullif(current_setting('neopro.before', true), '')::jsonb) as was (it)";

/// Writes an entry with what the thing is that the act has made, if it is there.
pub fn record_made(entry: Entry, id: Uuid) -> Query<()> {
    looked_up(entry, ["null", "thing.it"], "", id)
}

/// Writes an entry with what the thing was that the act is about to remove, if it is there.
pub fn record_removal(entry: Entry, id: Uuid) -> Query<()> {
    looked_up(entry, ["thing.it", "null"], "", id)
}

/// An entry whose `before` and `after` the database looks up, where it does not have them itself.
fn looked_up(entry: Entry, [before, after]: [&str; 2], further: &str, id: Uuid) -> Query<()> {
    let sql = format!(
        "{INTO} select $1, $2, $3, $4, $5, $6, $7, $8, {SESSION}, coalesce($10, {before}), coalesce($11, {after}), $12, {} \
         from neopro_audit_snapshot($3, $13) as thing (it){further} where thing.it is not null",
        entry_id()
    );
    bind(query(sql), entry).bind(id).nothing()
}

/// An entry whose `before` is what this finds, if it finds something.
fn found(entry: Entry, what: &str) -> Statement {
    let sql = format!(
        "{INTO} select $1, $2, $3, $4, $5, $6, $7, $8, {SESSION}, coalesce($10, was.it), $11, $12, {} \
         from ({what}) as was (it)",
        entry_id()
    );
    bind(query(sql), entry)
}

fn when(entry: Entry, there: &str) -> Statement {
    let sql = format!(
        "{INTO} select $1, $2, $3, $4, $5, $6, $7, $8, {SESSION}, $10, $11, $12, {} where exists ({there})",
        entry_id()
    );
    bind(query(sql), entry)
}

fn bind(statement: Statement, entry: Entry) -> Statement {
    let (target_type, target_id) = entry.target.unzip();
    let (ip, user_agent) = entry.from.map(|from| (from.ip.to_string(), from.user_agent)).unzip();
    statement
        .bind(entry.action.name())
        .bind(entry.user)
        .bind(target_type)
        .bind(target_id)
        .bind(entry.details)
        .bind(ip)
        .bind(user_agent.flatten())
        .bind(entry.at)
        .bind(entry.session)
        .bind(entry.before)
        .bind(entry.after)
        .bind(entry.personal)
}
