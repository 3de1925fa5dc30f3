//! What is kept how finely and for how long. `docs/retention.md` says it for every table.
//!
//! Figures are written by five minutes and by hours at once; plays come as rows, are put into blocks by club, day and
//! video, and are counted. Once an hour what is older than the limits is forgotten, a bounded piece at a time, so that a
//! server that has slept for weeks catches up, and one that dies in between loses nothing.

mod current;
pub mod jobs;
pub mod routes;
mod store;

use serde::Serialize;
use utoipa::ToSchema;

use crate::http::{Form, FromForm};

pub use current::settings;

/// How many bytes a megabyte of a plan has.
const MEGABYTE: i64 = 1_000_000;
/// The room of the database in the free plan that the guide names, in megabytes.
const FREE_PLAN: i32 = 500;

/// For how long what is kept. A shorter time holds from the next hour on; a longer one keeps what is still there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RetentionSettings {
    /// Days of figures by five minutes: 1 to 90, 30 at the beginning.
    pub five_minutes_days: i32,
    /// Months of figures by hours: 2 to 60, 13 at the beginning.
    pub hours_months: i32,
    /// Days of plays one by one, 7 to 400, 90 at the beginning. What they come to a day is kept for ever.
    pub plays_days: i32,
    /// Days of commands that have ended: 7 to 400, 90 at the beginning.
    pub commands_days: i32,
    /// Months of deployments that have ended: 3 to 120, 13 at the beginning.
    pub deployments_months: i32,
    /// The room of the database in megabytes, of which four fifths are warned of: 0 to 1,000,000, where 0 is no limit.
    pub database_limit_mb: i32,
}

impl RetentionSettings {
    /// What holds as long as nobody has decided anything, on this host of the database, if it is not our own.
    fn at_the_beginning(host: Option<&str>) -> Self {
        let is_plan = host.is_some_and(|host| host.ends_with(".supabase.com") || host.ends_with(".supabase.co"));
        Self {
            five_minutes_days: 30,
            hours_months: 13,
            plays_days: 90,
            commands_days: 90,
            deployments_months: 13,
            database_limit_mb: if is_plan { FREE_PLAN } else { 0 },
        }
    }

    /// The room of the database in bytes, if it is limited.
    #[must_use]
    pub fn database_limit(&self) -> Option<i64> {
        (self.database_limit_mb > 0).then(|| i64::from(self.database_limit_mb) * MEGABYTE)
    }
}

impl FromForm for RetentionSettings {
    fn read(form: &mut Form) -> Option<Self> {
        let mut number = |field: &str, least: i64, most: i64| {
            let number = form.integer(field, least..=most);
            if number.is_none() && !form.has_problem(field) {
                form.problem(field, "Ce champ est obligatoire.");
            }
            number.and_then(|number| i32::try_from(number).ok())
        };
        // Each is read, so that each that is wrong is told.
        let read = (
            number("five_minutes_days", 1, 90),
            number("hours_months", 2, 60),
            number("plays_days", 7, 400),
            number("commands_days", 7, 400),
            number("deployments_months", 3, 120),
            number("database_limit_mb", 0, 1_000_000),
        );
        Some(Self {
            five_minutes_days: read.0?,
            hours_months: read.1?,
            plays_days: read.2?,
            commands_days: read.3?,
            deployments_months: read.4?,
            database_limit_mb: read.5?,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::error::Error;

    fn read(body: Value) -> Result<RetentionSettings, Vec<String>> {
        let Value::Object(values) = body else { panic!("an object") };
        Form::new(values).into().map_err(|error| match error {
            Error::Invalid(fields) => fields.into_iter().map(|problem| problem.field).collect(),
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn every_limit_has_its_bounds_and_none_is_left_out() {
        let good = RetentionSettings::at_the_beginning(Some("aws-0-eu-west-3.pooler.supabase.com"));
        assert_eq!(good.database_limit(), Some(500_000_000));
        assert_eq!(read(json!(good)), Ok(good));
        let fields = [
            ("five_minutes_days", 0, 91),
            ("hours_months", 1, 61),
            ("plays_days", 6, 401),
            ("commands_days", 6, 401),
            ("deployments_months", 2, 121),
            ("database_limit_mb", -1, 1_000_001),
        ];
        assert_eq!(read(json!({})), Err(fields.map(|(field, ..)| field.to_owned()).to_vec()));
        for (field, below, above) in fields {
            for wrong in [json!(below), json!(above), json!(1.5), json!("bientôt"), Value::Null] {
                let mut body = json!(RetentionSettings::at_the_beginning(None));
                body[field] = wrong;
                assert_eq!(read(body), Err(vec![field.to_owned()]));
            }
        }
    }

    #[test]
    fn only_a_database_of_the_guides_plan_has_its_limit() {
        for host in [None, Some("db.club.example"), Some("supabase.co.example")] {
            assert_eq!(RetentionSettings::at_the_beginning(host).database_limit(), None, "{host:?}");
        }
    }
}
