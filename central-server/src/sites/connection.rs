//! Whether boxes are connected, in the shapes of NeoPro 1.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::Time;
use crate::db::row;
use crate::ids::SiteId;

/// For how long a box counts as just gone.
const JUST_GONE: Duration = Duration::from_secs(120);

/// The last sign of life of a connected box is not older: then its lease ends.
const LEASE: Duration = Duration::from_secs(100);

/// Whether a box is connected, in one word. Unlike a site's display status it says nothing of maintenance or faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ConnectionStatus {
    /// It is.
    Online,
    /// It is not, and was heard of less than two minutes ago.
    Warning,
    /// It is not.
    Offline,
    /// It was never heard of.
    Unknown,
}

/// The connection of a box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Connection {
    /// Whether it is connected.
    pub is_connected: bool,
    /// The same with its past, in one word.
    pub display_status: ConnectionStatus,
    /// When it was last heard of.
    pub last_seen_at: Option<Time>,
    /// How long ago.
    pub seconds_since_last_seen: Option<i64>,
    /// Its address within the club's network.
    pub local_ip: Option<String>,
}

impl Connection {
    /// Reads a site's row at a moment. A state that a person or a fault has set hides whether the box is connected:
    /// then its last sign of life says so.
    #[must_use]
    pub fn of(status: &str, last_seen_at: Option<Time>, local_ip: Option<String>, now: Time) -> Self {
        let is_within = |period: Duration| last_seen_at.is_some_and(|seen| seen > now.minus(period));
        let is_connected = match status {
            "online" => true,
            "offline" => false,
            _ => is_within(LEASE),
        };
        let display_status = match last_seen_at {
            _ if is_connected => ConnectionStatus::Online,
            None => ConnectionStatus::Unknown,
            Some(_) if is_within(JUST_GONE) => ConnectionStatus::Warning,
            Some(_) => ConnectionStatus::Offline,
        };
        let seconds_since_last_seen = last_seen_at.map(|seen| (now.unix_seconds() - seen.unix_seconds()).max(0));
        Self { is_connected, display_status, last_seen_at, seconds_since_last_seen, local_ip }
    }
}

/// A name as it is sorted: É beside E, like the database's `neopro_fold`.
fn fold(name: &str) -> String {
    let plain = |letter: char| match letter {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' => 'a',
        'ç' => 'c',
        'è' | 'é' | 'ê' | 'ë' => 'e',
        'ì' | 'í' | 'î' | 'ï' => 'i',
        'ñ' => 'n',
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' => 'o',
        'ù' | 'ú' | 'û' | 'ü' => 'u',
        'ý' | 'ÿ' => 'y',
        letter => letter,
    };
    name.chars().flat_map(char::to_lowercase).map(plain).collect()
}

row! {
    /// What is known of a site's connection.
    #[derive(Debug)]
    pub struct Seen {
        pub id: SiteId,
        pub site_name: String,
        pub club_name: String,
        pub status: String,
        pub last_seen_at: Option<Time>,
        pub local_ip: Option<String>,
    }
}

/// A site with its connection.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SiteInList {
    /// Which site.
    pub site_id: SiteId,
    /// Name of the box's place.
    pub site_name: String,
    /// Name of the club.
    pub club_name: String,
    /// Its connection.
    #[serde(flatten)]
    pub connection: Connection,
}

/// How many boxes are in which state.
#[derive(Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ConnectionStats {
    /// All.
    pub total: usize,
    /// Connected.
    pub online: usize,
    /// Not connected, heard of less than two minutes ago.
    pub warning: usize,
    /// Not connected.
    pub offline: usize,
    /// Never heard of.
    pub unknown: usize,
}

/// Which boxes are connected.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectionList {
    /// The sites, by name.
    pub sites: Vec<SiteInList>,
    /// How many are in which state.
    pub stats: ConnectionStats,
    /// At which moment.
    pub timestamp: Time,
}

impl ConnectionList {
    /// Reads rows at a moment.
    #[must_use]
    pub fn of(mut rows: Vec<Seen>, now: Time) -> Self {
        rows.sort_by_cached_key(|row| (fold(&row.site_name), row.id.0));
        let mut stats = ConnectionStats { total: rows.len(), ..ConnectionStats::default() };
        let sites = rows.into_iter().map(|row| {
            let connection = Connection::of(&row.status, row.last_seen_at, row.local_ip, now);
            match connection.display_status {
                ConnectionStatus::Online => stats.online += 1,
                ConnectionStatus::Warning => stats.warning += 1,
                ConnectionStatus::Offline => stats.offline += 1,
                ConnectionStatus::Unknown => stats.unknown += 1,
            }
            SiteInList { site_id: row.id, site_name: row.site_name, club_name: row.club_name, connection }
        });
        let sites = sites.collect();
        Self { sites, stats, timestamp: now }
    }

    /// What a sponsor sees of it: no address.
    #[must_use]
    pub fn for_sponsor(mut self) -> Self {
        for site in &mut self.sites {
            site.connection.local_ip = None;
        }
        self
    }
}
