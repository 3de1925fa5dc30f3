//! The SQL of commands. `$1` is always the caller's tenant: the first wall, see [`reach`].

use serde_json::Value;
use uuid::Uuid;

use super::{CommandView, Kind};
use crate::clock::Time;
use crate::db::{Query, Scalar, Scope, first_wall, query, row, scoped};
use crate::http::Snapshot;
use crate::ids::{CommandId, SiteId};

/// How many commands of one site may be open.
const MOST_OPEN: i32 = 100;
/// How many commands are given up, or forgotten, by one statement.
const TOGETHER: i32 = 1_000;

/// The condition under which a scope reaches commands: NeoPro's own people and the server itself.
fn reach(scope: Scope) -> &'static str {
    first_wall(match scope {
        Scope::System | Scope::Staff(_) => "$1 is null",
        Scope::Agency(..) | Scope::Sponsor(..) => "$1 is null and false",
    })
}

/// A command that is about to be given.
#[derive(Debug)]
pub struct Asked {
    pub id: CommandId,
    pub site: SiteId,
    pub kind: Kind,
    /// Its data without secrets, and the secrets, sealed.
    pub data: Value,
    pub secrets: Option<String>,
    pub priority: i16,
    pub now: Time,
    /// Until when it waits for its box; `None` if it does not.
    pub waits_until: Option<Time>,
    /// The box is connected here, and is told as soon as this is committed.
    pub told: bool,
    /// Who we are among the replicas.
    pub replica: Uuid,
    /// The box does one such command at a time.
    pub alone: bool,
    pub from: Snapshot,
    /// What the journal says of it, and what of that tells of persons.
    pub sent: (Value, Option<Value>),
}

row! {
    /// What became of it.
    #[derive(Debug)]
    pub struct Outcome {
        /// `sent`, `queued`, `known`, `taken`, `crowded`, `away` or `gone`: see `neopro_ask_command`.
        pub outcome: Option<String>,
        /// The state of a command that was known already.
        pub state: Option<String>,
        /// Another replica has the box, and is rung for.
        pub elsewhere: bool,
    }
}

/// How long a command that does not wait for its box may take to another replica, which has the box.
const PASSED_ON: &str = "60 seconds";

/// Writes a command down, once.
pub fn ask(scope: Scope, asked: Asked) -> Query<Option<Outcome>> {
    let sql = format!(
        "with elsewhere as ( \
           select exists (select from sites s where s.id = $2 and not $11 and s.status = 'online' \
             and s.replica_id <> $17 and neopro_is_there(s.replica_id)) as so) \
         select asked.outcome, asked.state, elsewhere.so as elsewhere from elsewhere, neopro_ask_command( \
           $2, $3, $4, $5, $6, $7, $8, $9, case when so then coalesce($10, $8 + interval '{PASSED_ON}') else $10 end, \
           $11, $12, {MOST_OPEN}, $13, $14, $15, $16) as asked where {}",
        reach(scope)
    );
    scoped(scope, sql)
        .bind(asked.site)
        .bind(asked.id)
        .bind(asked.kind.name())
        .bind(asked.data)
        .bind(asked.secrets)
        .bind(asked.priority)
        .bind(asked.now)
        .bind(i32::try_from(asked.kind.patience().as_secs()).unwrap_or(i32::MAX))
        .bind(asked.waits_until)
        .bind(asked.told)
        .bind(asked.alone)
        .bind(asked.from.ip.to_string())
        .bind(asked.from.user_agent)
        .bind(asked.sent.0)
        .bind(asked.sent.1)
        .bind(asked.replica)
        .optional()
}

/// A command whose box has gone before it could be told: it waits after all, or has failed. Whether it was still so.
pub fn take_back(scope: Scope, command: CommandId, now: Time) -> Query<bool> {
    let sql = format!("select neopro_take_back_commands(array[$2], $3) where {}", reach(scope));
    scoped(scope, sql).bind(command).bind(now).optional::<Scalar<CommandId>>().map(|taken| taken.is_some())
}

/// One command of one site.
pub fn find(scope: Scope, site: SiteId, command: CommandId) -> Query<Option<CommandView>> {
    let sql = format!(
        "select id, site_id, command_type, command_data, status, result, error_message, executed_by, created_at, \
           executed_at, received_at, deadline, completed_at, case when queued then id end as pending_command_id \
         from remote_commands where {} and id = $3 and site_id = $2",
        reach(scope)
    );
    scoped(scope, sql).bind(site).bind(command).optional()
}

/// Gives up what is overdue: the site of each.
pub fn give_up(now: Time) -> Query<Vec<SiteId>> {
    query(
        "update remote_commands set status = 'timeout', completed_at = $1, secrets = null, \
           error_message = case \
             when executed_at is null then 'Le boîtier n''est pas revenu à temps.' \
             when received_at is null then 'Le boîtier n''a pas répondu.' \
             else 'Le boîtier a reçu la commande, et n''a pas répondu à temps.' end \
         where id in (select id from remote_commands where origin = 'person' and status in ('pending', 'executing') \
           and deadline <= $1 order by deadline limit $2 for update skip locked) returning site_id",
    )
    .bind(now)
    .bind(TOGETHER)
    .all::<Scalar<SiteId>>()
    .map(|sites| sites.into_iter().map(|Scalar(site)| site).collect())
}
