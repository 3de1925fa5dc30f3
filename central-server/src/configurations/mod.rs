//! Clubs' configurations, as their boxes have sent them: secrets never leave.

pub mod routes;
mod store;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::clock::Time;
use crate::db::row;
use crate::ids::SiteId;

row! {
    /// The mirror of a site's configuration.
    #[derive(Debug, Serialize, ToSchema)]
    #[serde(rename_all = "camelCase")]
    pub struct LocalContent {
        /// Which site.
        pub site_id: SiteId,
        /// What it is called.
        pub site_name: String,
        /// Its club.
        pub club_name: String,
        /// Whether its box has ever sent its configuration.
        pub has_content: bool,
        /// When it last did.
        pub last_sync: Option<Time>,
        /// The hash that the box gave it.
        pub config_hash: Option<String>,
        /// The document. A secret is there, as `********`.
        #[schema(value_type = Option<Object>, additional_properties)]
        pub configuration: Option<Value>,
    }
}
