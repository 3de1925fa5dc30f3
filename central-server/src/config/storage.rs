//! Where files are kept, and what the plan of that place allows: `STORAGE`, `STORAGE_…`.

use super::Supabase;
use super::reader::{Reader, Refused};

/// Where files are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the data folder.
    Local,
    /// In Supabase Storage.
    Supabase,
}

impl Place {
    /// The word in the environment and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Supabase => "supabase",
        }
    }
}

/// The storage of files.
#[derive(Debug, Clone, Copy)]
pub struct Storage {
    /// `STORAGE`; without it Supabase if it is configured, else the disk.
    pub place: Place,
    /// `STORAGE_MAX_OBJECT_MB`: the largest object that the storage takes, in bytes, where it does not say so itself.
    pub most_object: Option<u64>,
    /// `STORAGE_GB`: the room of the plan, in bytes. None: it is not looked at.
    pub room: Option<u64>,
    /// `STORAGE_TRAFFIC_GB`: what may be read from the storage in a month, in bytes. None: it is not looked at.
    pub traffic: Option<u64>,
}

const STORAGE: &str = "STORAGE";

/// Supabase's free plan, of which plans of today speak in decimal units.
const FREE_ROOM_GB: usize = 1;
const FREE_TRAFFIC_GB: usize = 5;

/// The place that `STORAGE` names, if it does; it decides whether Supabase has to be configured.
pub(super) fn chosen(r: &mut Reader) -> Result<Option<Place>, Refused> {
    match r.text(STORAGE)?.map(|word| word.to_ascii_lowercase()).as_deref() {
        None => Ok(None),
        Some("local") => Ok(Some(Place::Local)),
        Some("supabase") => Ok(Some(Place::Supabase)),
        Some(_) => Err(r.refuse(STORAGE, "valeurs admises : « supabase » et « local »")),
    }
}

/// The storage, once it is known whether there is a project of Supabase.
pub(super) fn read(
    r: &mut Reader,
    chosen: Result<Option<Place>, Refused>,
    supabase: &Result<Option<Supabase>, Refused>,
) -> Result<Storage, Refused> {
    let most_object = r.number("STORAGE_MAX_OBJECT_MB", 1..=500_000);
    let room = r.number("STORAGE_GB", 0..=1_000_000);
    let traffic = r.number("STORAGE_TRAFFIC_GB", 0..=1_000_000);
    let is_there = matches!(supabase, Ok(Some(_)));
    let place = match chosen? {
        Some(Place::Supabase) if matches!(supabase, Ok(None)) => {
            return Err(r.refuse(STORAGE, "« supabase » demande SUPABASE_URL et SUPABASE_SERVICE_KEY (étape 2.3)"));
        }
        Some(place) => place,
        None if is_there => Place::Supabase,
        None => Place::Local,
    };
    let outside = place != Place::Local;
    let gigabytes = |told: Option<usize>, free: usize| {
        let chosen = told.unwrap_or(if outside { free } else { 0 });
        (chosen > 0).then_some(chosen as u64 * 1_000_000_000)
    };
    Ok(Storage {
        place,
        most_object: most_object?.map(|megabytes| megabytes as u64 * 1_000_000),
        room: gigabytes(room?, FREE_ROOM_GB),
        traffic: gigabytes(traffic?, FREE_TRAFFIC_GB),
    })
}
