//! The journal as it is read: pages, a file, how far it is sealed.

mod csv;
pub mod routes;
mod store;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::parts;
use crate::clock::Time;
use crate::db::row;
use crate::http::{Form, FromForm};
use crate::ids::UserId;

/// The most entries of a page.
const MOST: i64 = 100;

/// Which entries are asked for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Exactly this word.
    pub action: Option<String>,
    /// By this person.
    pub user_id: Option<UserId>,
    /// About this kind of thing.
    pub target_type: Option<String>,
    /// About this thing.
    pub target_id: Option<String>,
    /// From this moment on.
    pub start: Option<Time>,
    /// Before this moment; a date alone means its end.
    pub end: Option<Time>,
    /// These words in the action, the target, the address, what is told, or the name of the person.
    pub search: Option<String>,
}

impl Filter {
    fn of(form: &mut Form) -> Self {
        Self {
            action: form.optional_text("action", 100),
            user_id: form.optional_id("userId"),
            target_type: form.optional_text("targetType", 50),
            target_id: form.optional_text("targetId", 100),
            start: day_or_moment(form, "startDate", "T00:00:00Z"),
            end: day_or_moment(form, "endDate", "T23:59:59.999999Z"),
            search: form.optional_text("search", 200),
        }
    }
}

impl FromForm for Filter {
    fn read(form: &mut Form) -> Option<Self> {
        Some(Self::of(form))
    }
}

/// A moment, or a day, which means the moment of it that is given.
fn day_or_moment(form: &mut Form, field: &str, time: &str) -> Option<Time> {
    let text = form.optional_text(field, 64)?;
    let moment = if text.len() == 10 { format!("{text}{time}").parse() } else { text.parse() };
    if let Ok(moment) = moment {
        return Some(moment);
    }
    form.problem(field, "Une date est attendue, comme 2026-12-31 ou 2026-12-31T18:30:00+01:00.");
    None
}

/// A page of entries.
#[derive(Debug)]
pub struct Asked {
    /// Of which.
    pub filter: Filter,
    /// From 1.
    pub page: i64,
    /// Entries a page.
    pub limit: i64,
}

impl FromForm for Asked {
    fn read(form: &mut Form) -> Option<Self> {
        let page = form.integer("page", 1..=1_000_000).unwrap_or(1);
        // NeoPro 1 took any number and gave at most a hundred.
        let limit = form.integer("limit", 1..=1_000_000).unwrap_or(50).min(MOST);
        Some(Self { filter: Filter::of(form), page, limit })
    }
}

row! {
    /// An entry as it is stored.
    #[derive(Debug, Clone)]
    pub struct LogRow {
        id: Uuid,
        action: String,
        user_id: Option<UserId>,
        user_email: Option<String>,
        target_type: Option<String>,
        target_id: Option<String>,
        target_name: Option<String>,
        details: Option<Value>,
        before: Option<Value>,
        after: Option<Value>,
        personal: Option<Value>,
        ip_address: Option<String>,
        user_agent: Option<String>,
        session_id: Option<Uuid>,
        token_id: Option<Uuid>,
        created_at: Time,
        number: Option<i64>,
        erased: bool,
    }
}

/// One entry of the journal.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Log {
    /// The entry's id.
    #[schema(value_type = String, format = "uuid")]
    pub id: Uuid,
    /// What was done.
    #[schema(example = "SITE_UPDATED")]
    pub action: String,
    /// Who did it; nobody for the server itself and for addresses without an account.
    pub user_id: Option<UserId>,
    /// The address of the account, if it is still there.
    pub user_email: Option<String>,
    /// To what kind of thing.
    pub target_type: Option<String>,
    /// To which.
    pub target_id: Option<String>,
    /// What that is called, or was.
    pub target_name: Option<String>,
    /// What else is known.
    #[schema(value_type = Option<Object>, additional_properties)]
    pub details: Option<Value>,
    /// What it was: the fields that have changed, or all of what is gone. Secrets are `•••`.
    #[schema(value_type = Option<Object>, additional_properties)]
    pub before: Option<Value>,
    /// What it is since.
    #[schema(value_type = Option<Object>, additional_properties)]
    pub after: Option<Value>,
    /// From where.
    pub ip_address: Option<String>,
    /// With which browser.
    pub user_agent: Option<String>,
    /// By which session.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub session_id: Option<Uuid>,
    /// By which API token.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub token_id: Option<Uuid>,
    /// When.
    pub created_at: Time,
    /// Whether it is in the chain of seals.
    pub sealed: bool,
    /// Its place there: what `neopro-central verify-audit` names.
    pub number: Option<i64>,
    /// Whether a person was erased from it.
    pub erased: bool,
}

impl From<LogRow> for Log {
    fn from(row: LogRow) -> Self {
        let LogRow { id, action, user_id, user_email, target_type, target_id, target_name, personal, .. } = row;
        let apart = |name: &str| personal.as_ref().and_then(|personal| personal.get(name));
        let (details, before, after) = (
            parts::join(row.details, apart("details")),
            parts::join(row.before, apart("before")),
            parts::join(row.after, apart("after")),
        );
        let (ip_address, user_agent) = (row.ip_address, row.user_agent);
        let (session_id, token_id, created_at, number) = (row.session_id, row.token_id, row.created_at, row.number);
        let (sealed, erased) = (number.is_some(), row.erased);
        Self {
            id,
            action,
            user_id,
            user_email,
            target_type,
            target_id,
            target_name,
            details,
            before,
            after,
            ip_address,
            user_agent,
            session_id,
            token_id,
            created_at,
            sealed,
            number,
            erased,
        }
    }
}

/// A page of the journal, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Logs {
    /// The entries.
    pub logs: Vec<Log>,
    /// How many there are on all pages.
    pub total: i64,
    /// From 1.
    pub page: i64,
    /// How many pages there are.
    pub total_pages: i64,
}

/// The words that occur.
#[derive(Debug, Serialize, ToSchema)]
pub struct Actions {
    /// In the order of the alphabet.
    pub actions: Vec<String>,
}

row! {
    /// How far the journal is sealed.
    #[derive(Debug, Serialize, ToSchema)]
    pub struct Seals {
        /// When the last seal was made.
        pub last_seal_at: Option<Time>,
        /// Its number.
        pub last_number: Option<i64>,
        /// Its hash, in hex. Note number and hash elsewhere, and `verify-audit --known` finds also what somebody does who
        /// owns the database.
        pub last_hash: Option<String>,
        /// How many entries are not sealed yet.
        pub unsealed: i64,
    }
}
