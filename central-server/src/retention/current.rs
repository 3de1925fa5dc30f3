//! What holds now.

use super::{RetentionSettings, store};
use crate::app::App;
use crate::config::Database;
use crate::db::Query;

/// What holds: what somebody has decided, or what fits the database.
pub fn settings(app: &App) -> Query<RetentionSettings> {
    let host = match &app.config.database {
        Database::Url(url) => Some(url.host.as_str()),
        Database::Embedded => None,
    };
    let default = RetentionSettings::at_the_beginning(host);
    store::settings().map(|decided| decided.map_or(default, RetentionSettings::from))
}
