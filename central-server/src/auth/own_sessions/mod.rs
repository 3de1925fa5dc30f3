//! A person's own sessions: on which devices he is logged in, and how he ends that.

mod device;
pub mod routes;
mod store;

use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::Time;
use crate::ids::SessionId;

/// A session that stands.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SessionView {
    /// Its id.
    pub id: SessionId,
    /// When its person logged in.
    pub created_at: Time,
    /// When it was used last, to five minutes.
    pub last_used_at: Time,
    /// When it ends by itself.
    pub expires_at: Time,
    /// The address of its login.
    pub ip: Option<String>,
    /// The browser, in its own words.
    pub user_agent: Option<String>,
    /// The browser and its system, where they are known: `Firefox · Linux`.
    pub device: Option<String>,
    /// Whether it is the session that asks.
    pub current: bool,
}

/// The sessions of a person.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionList {
    /// The one that asks first, then by their last use.
    pub sessions: Vec<SessionView>,
}
