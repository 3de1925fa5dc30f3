//! From when on something is worth telling, and how often it is told.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::{Form, FromForm};
use crate::language::Language;

/// What is told from when on, and how often. The thresholds are those of NeoPro 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AlertSettings {
    /// Minutes without a sign of life after which a box counts as away.
    #[schema(minimum = 3, maximum = 10080)]
    pub offline_minutes: i64,
    /// Minutes after which that is critical.
    #[schema(minimum = 3, maximum = 43200)]
    pub offline_critical_minutes: i64,
    /// Degrees Celsius.
    #[schema(minimum = 40, maximum = 110)]
    pub temperature_warning: f64,
    /// Degrees Celsius.
    #[schema(minimum = 40, maximum = 110)]
    pub temperature_critical: f64,
    /// Percent of a box's disk.
    #[schema(minimum = 10, maximum = 100)]
    pub disk_warning: f64,
    /// Percent of a box's disk.
    #[schema(minimum = 10, maximum = 100)]
    pub disk_critical: f64,
    /// Percent of a box's memory.
    #[schema(minimum = 10, maximum = 100)]
    pub memory_warning: f64,
    /// Minutes between two messages.
    #[schema(minimum = 5, maximum = 1440)]
    pub minutes_between: i64,
    /// Hours after which what lasts is told again; 0: never.
    #[schema(minimum = 0, maximum = 720)]
    pub repeat_hours: i64,
    /// Mails in a day behind which only those about accounts leave; 0: no such number.
    #[schema(minimum = 0, maximum = 100000)]
    pub mails_per_day: i64,
    /// Whether a summary is mailed on Monday mornings.
    pub weekly_summary: bool,
    /// In which language Slack is written to.
    pub language: Language,
}

impl Default for AlertSettings {
    fn default() -> Self {
        Self {
            offline_minutes: 5,
            offline_critical_minutes: 60,
            temperature_warning: 75.0,
            temperature_critical: 80.0,
            disk_warning: 90.0,
            disk_critical: 95.0,
            memory_warning: 90.0,
            minutes_between: 15,
            repeat_hours: 24,
            mails_per_day: 80,
            weekly_summary: true,
            language: Language::Fr,
        }
    }
}

impl AlertSettings {
    /// What is stored, and for what an older version did not know its default.
    #[must_use]
    pub fn stored(stored: &serde_json::Value) -> Self {
        let mut whole = serde_json::json!(Self::default());
        if let (Some(whole), Some(stored)) = (whole.as_object_mut(), stored.as_object()) {
            whole.extend(stored.clone());
        }
        serde_json::from_value(whole).unwrap_or_default()
    }
}

impl FromForm for AlertSettings {
    fn read(form: &mut Form) -> Option<Self> {
        let mut whole = |field: &str, most: i64, least: i64| {
            let number = form.integer(field, least..=most);
            if number.is_none() && !form.has_problem(field) {
                form.problem(field, REQUIRED);
            }
            number
        };
        let offline_minutes = whole("offline_minutes", 10_080, 3);
        let offline_critical_minutes = whole("offline_critical_minutes", 43_200, 3);
        let minutes_between = whole("minutes_between", 1_440, 5);
        let repeat_hours = whole("repeat_hours", 720, 0);
        let mails_per_day = whole("mails_per_day", 100_000, 0);
        let temperature_warning = form.number("temperature_warning", 40.0..=110.0);
        let temperature_critical = form.number("temperature_critical", 40.0..=110.0);
        let disk_warning = form.number("disk_warning", 10.0..=100.0);
        let disk_critical = form.number("disk_critical", 10.0..=100.0);
        let memory_warning = form.number("memory_warning", 10.0..=100.0);
        let weekly_summary = form.flag("weekly_summary");
        let language = form.choice("language", Language::WORDS);
        for (field, is_there) in [("weekly_summary", weekly_summary.is_some()), ("language", language.is_some())] {
            if !is_there && !form.has_problem(field) {
                form.problem(field, REQUIRED);
            }
        }
        for (field, rises) in [
            ("offline_critical_minutes", offline_critical_minutes >= offline_minutes),
            ("temperature_critical", temperature_critical >= temperature_warning),
            ("disk_critical", disk_critical >= disk_warning),
        ] {
            if !rises && !form.has_problem(field) {
                form.problem(field, "Le seuil critique est en dessous du seuil d'avertissement.");
            }
        }
        Some(Self {
            offline_minutes: offline_minutes?,
            offline_critical_minutes: offline_critical_minutes?,
            temperature_warning: temperature_warning?,
            temperature_critical: temperature_critical?,
            disk_warning: disk_warning?,
            disk_critical: disk_critical?,
            memory_warning: memory_warning?,
            minutes_between: minutes_between?,
            repeat_hours: repeat_hours?,
            mails_per_day: mails_per_day?,
            weekly_summary: weekly_summary?,
            language: language?,
        })
    }
}

const REQUIRED: &str = "Ce champ est obligatoire.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use serde_json::{Value, json};

    fn read(change: &Value) -> Result<AlertSettings, Vec<String>> {
        let mut body = json!(AlertSettings::default());
        for (field, value) in change.as_object().expect("an object") {
            body[field] = value.clone();
        }
        let Value::Object(values) = body else { panic!("an object") };
        Form::new(values).into().map_err(|error| match error {
            Error::Invalid(fields) => fields.into_iter().map(|problem| problem.field).collect(),
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn every_field_is_asked_for_and_a_critical_threshold_is_no_lower_than_its_warning() {
        assert_eq!(read(&json!({})), Ok(AlertSettings::default()));
        let all = json!(AlertSettings::default());
        for (field, _) in all.as_object().expect("an object") {
            assert_eq!(read(&json!({ field: null })), Err(vec![field.clone()]), "without {field}");
        }
        assert_eq!(read(&json!({"temperature_critical": 70.0})), Err(vec!["temperature_critical".into()]));
        assert_eq!(read(&json!({"offline_critical_minutes": 4})), Err(vec!["offline_critical_minutes".into()]));
        assert_eq!(read(&json!({"minutes_between": 1})), Err(vec!["minutes_between".into()]));
    }

    #[test]
    fn what_an_older_version_has_stored_is_read_with_defaults() {
        let stored = AlertSettings::stored(&json!({"offline_minutes": 9, "of_a_newer_version": 1}));
        assert_eq!(stored, AlertSettings { offline_minutes: 9, ..AlertSettings::default() });
    }
}
