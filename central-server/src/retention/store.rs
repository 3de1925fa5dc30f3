//! The SQL of retention: the settings, and the functions that do it.

use uuid::Uuid;

use super::RetentionSettings;
use crate::clock::Time;
use crate::db::{Query, Scalar, query, row};
use crate::ids::UserId;

row! {
    /// As they are stored.
    pub struct Stored {
        five_minutes_days: i32,
        hours_months: i32,
        plays_days: i32,
        commands_days: i32,
        deployments_months: i32,
        database_limit_mb: i32,
    }
}

impl From<Stored> for RetentionSettings {
    fn from(stored: Stored) -> Self {
        let Stored {
            five_minutes_days,
            hours_months,
            plays_days,
            commands_days,
            deployments_months,
            database_limit_mb,
        } = stored;
        Self { five_minutes_days, hours_months, plays_days, commands_days, deployments_months, database_limit_mb }
    }
}

/// What somebody has decided.
pub fn settings() -> Query<Option<Stored>> {
    query(
        "select s.* from settings t cross join lateral jsonb_to_record(t.value) as s (five_minutes_days integer, \
           hours_months integer, plays_days integer, commands_days integer, deployments_months integer, \
           database_limit_mb integer) where t.key = 'retention'",
    )
    .optional()
}

/// Lets this hold from now on.
pub fn set_settings(new: &RetentionSettings, by: UserId, now: Time) -> Query<()> {
    query(
        "insert into settings (key, value, updated_at, updated_by) values ('retention', $1, $2, $3) \
         on conflict (key) do update set value = excluded.value, updated_at = excluded.updated_at, \
           updated_by = excluded.updated_by",
    )
    .bind(serde_json::json!(new))
    .bind(now)
    .bind(by)
    .nothing()
}

row! {
    /// A piece of plays that were put into blocks.
    pub struct Packed {
        /// Plays that had come.
        pub arrived: i64,
        /// Those of them that were not there yet.
        pub counted: i64,
        /// Days of clubs that were counted anew.
        pub days: i64,
    }
}

/// Puts a piece of what has come into blocks; none while another replica does.
pub fn pack(most: i32, now: Time) -> Query<Option<Packed>> {
    query("select arrived, counted, days from neopro_pack_plays($1, $2)").bind(most).bind(now).optional()
}

/// Counts the days of the sites behind this one; the last of them, none at the end.
pub fn count_days(behind: Uuid, most: i32, now: Time) -> Query<Option<Uuid>> {
    query("select neopro_count_days($1, $2, $3)")
        .bind(behind)
        .bind(most)
        .bind(now)
        .one::<Scalar<Option<Uuid>>>()
        .map(|Scalar(last)| last)
}

row! {
    /// Plays that were forgotten.
    pub struct ForgottenPlays {
        pub plays: i64,
        /// Of so many days of clubs.
        pub days: i64,
    }
}

/// Forgets a piece of the plays that are older than so many days; none while another replica does.
pub fn forget_plays(days: i32, most: i32, now: Time) -> Query<Option<ForgottenPlays>> {
    query(
        "select plays, days from neopro_forget_plays((($3 - make_interval(days => $1)) at time zone 'UTC')::date, $2)",
    )
    .bind(days)
    .bind(most)
    .bind(now)
    .optional()
}

row! {
    /// Figures that were forgotten.
    pub struct ForgottenFigures {
        pub five_minutes: i64,
        pub hours: i64,
    }
}

/// Forgets a piece of the figures that are too old.
pub fn forget_figures(kept: &RetentionSettings, most: i32, now: Time) -> Query<ForgottenFigures> {
    query(
        "select five_minutes, hours from neopro_forget_figures($4 - make_interval(days => $1), \
           $4 - make_interval(months => $2), $3)",
    )
    .bind(kept.five_minutes_days)
    .bind(kept.hours_months)
    .bind(most)
    .bind(now)
    .one()
}

row! {
    /// Records that were forgotten.
    pub struct ForgottenRecords {
        pub commands: i64,
        pub orders: i64,
        pub sessions: i64,
        /// Months of single readers of the storage.
        pub months: i64,
    }
}

/// Forgets a piece of the records that are too old.
pub fn forget_records(kept: &RetentionSettings, now: Time) -> Query<ForgottenRecords> {
    query(
        "select commands, orders, sessions, months from neopro_forget_records($3 - make_interval(days => $1), \
           $3 - make_interval(months => $2), $3)",
    )
    .bind(kept.commands_days)
    .bind(kept.deployments_months)
    .bind(now)
    .one()
}

/// Bytes of the database.
pub fn database_size() -> Query<i64> {
    query("select neopro_database_size()").one::<Scalar<i64>>().map(|Scalar(bytes)| bytes)
}
