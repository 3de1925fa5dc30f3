//! Figures of a site's box over time: what its heartbeats said by five minutes and by the hour, and when they were heard.

mod availability;
pub mod routes;
mod store;

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::clock::Time;
use crate::db::row;
use crate::http::{Form, FromForm};
use crate::ids::SiteId;
use crate::sites::Connection;

pub use availability::{Availability, Heartbeats, Hour, Minutes, Recent, Span, SpanState};

/// The longest period of one answer, in hours: a year.
const LONGEST: i64 = 8_784;

/// The longest period by five minutes, in hours: 31 days.
const LONGEST_FINE: i64 = 744;
/// The longest period that is told by five minutes when nobody says how: two days are 576 figures.
const FINE_BY_ITSELF: i64 = 48;

/// How finely figures are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// By hours, which are kept for 13 months.
    Hour,
    /// By five minutes, which are kept for 30 days.
    FiveMinutes,
}

/// How far back, and how finely.
#[derive(Debug)]
pub struct Period {
    /// Hours until now.
    pub hours: i64,
    /// Of what the figures are the average.
    pub resolution: Resolution,
}

impl FromForm for Period {
    fn read(form: &mut Form) -> Option<Self> {
        let hours = form.integer("hours", 1..=LONGEST).unwrap_or(24);
        // Whoever does not say gets hours, as he always did.
        let word = form.optional_text("resolution", 20).unwrap_or_else(|| "hour".to_owned());
        let resolution = match word.as_str() {
            "hour" => Resolution::Hour,
            "five_minutes" => Resolution::FiveMinutes,
            "auto" if hours <= FINE_BY_ITSELF => Resolution::FiveMinutes,
            "auto" => Resolution::Hour,
            _ => {
                form.problem("resolution", "Valeurs possibles : hour, five_minutes, auto.");
                Resolution::Hour
            }
        };
        if resolution == Resolution::FiveMinutes && hours > LONGEST_FINE {
            form.problem("hours", format!("Par tranches de cinq minutes, {LONGEST_FINE} heures au plus."));
        }
        Some(Self { hours, resolution })
    }
}

row! {
    /// Figures of one moment, five minutes or one hour. `null` is what the box did not know.
    #[derive(Debug, Serialize, ToSchema)]
    pub struct Metric {
        /// Always the same for the same site and time.
        #[schema(value_type = String, example = "01a2140d-1e46-777d-ae1d-fcbbe9c1485a")]
        pub id: Uuid,
        /// The site.
        pub site_id: SiteId,
        /// Percent of the processors.
        pub cpu_usage: Option<f64>,
        /// Percent of the memory.
        pub memory_usage: Option<f64>,
        /// Degrees Celsius.
        pub temperature: Option<f64>,
        /// The highest temperature of that time.
        pub temperature_max: Option<f64>,
        /// Percent of the disk.
        pub disk_usage: Option<f64>,
        /// Seconds since the machine has started, in digits.
        pub uptime: Option<String>,
        /// Always null, as in NeoPro 1.
        #[schema(value_type = Option<Object>)]
        pub network_status: Option<serde_json::Value>,
        /// Heartbeats that these figures are the average of: 1 for the latest.
        pub beats: i32,
        /// When the latest was heard; the beginning of five minutes or of an hour.
        pub recorded_at: Time,
    }
}

/// Figures of a period.
#[derive(Debug, Serialize, ToSchema)]
pub struct Metrics {
    /// The site.
    pub site_id: SiteId,
    /// The period.
    pub period_hours: i64,
    /// Of what the figures are the average.
    pub resolution: Resolution,
    /// The newest first: the latest heartbeat by itself, then the averages of each five minutes or hour.
    pub metrics: Vec<Metric>,
}

row! {
    /// What is known of a site's connection.
    #[derive(Debug)]
    pub struct Known {
        /// Name of the box's place.
        pub site_name: String,
        /// Name of the club.
        pub club_name: String,
        /// Its state.
        pub status: String,
        /// When its box was last heard of.
        pub last_seen_at: Option<Time>,
        /// The address of its box within the club's network.
        pub local_ip: Option<String>,
        /// When its configuration was last received.
        pub mirrored_at: Option<Time>,
        /// When its last heartbeat was heard.
        pub heard_at: Option<Time>,
    }
}

/// The connection of one site, with its day.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SiteConnection {
    /// Which site.
    pub site_id: SiteId,
    /// Name of the box's place.
    pub site_name: String,
    /// Name of the club.
    pub club_name: String,
    /// How it is now.
    pub connection: Connection,
    /// What it has sent.
    pub sync: Received,
    /// The last 24 hours.
    pub statistics: Heartbeats,
}

/// What a site's box has sent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Received {
    /// When it last sent its configuration; `null` for an agency, which has nothing to do with it.
    pub last_config_sync: Option<Time>,
}
