//! Where files are kept, and what the plan of that place allows: `STORAGE`, `STORAGE_…`.

use super::reader::{Reader, Refused};
use super::url::Address;
use super::{Secret, Supabase, web, words};
use crate::words::Said;

/// Where files are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the data folder.
    Local,
    /// In Supabase Storage.
    Supabase,
    /// In a bucket of a storage that speaks S3.
    S3,
}

/// A bucket of a storage that speaks S3, addressed by its path.
#[derive(Debug, Clone)]
pub struct S3 {
    /// `S3_ENDPOINT`: `https://host[:port]`.
    pub endpoint: String,
    /// `S3_BUCKET`.
    pub bucket: String,
    /// `S3_REGION`.
    pub region: String,
    /// `S3_ACCESS_KEY_ID`.
    pub key_id: String,
    /// `S3_SECRET_ACCESS_KEY`. Never leaves the server.
    pub secret: Secret,
    /// `S3_PUBLIC_URL`: where anybody reads what is in the bucket, without a slash at the end.
    pub public_url: String,
}

impl Place {
    /// The word in the environment and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Supabase => "supabase",
            Self::S3 => "s3",
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
        Some("s3") => Ok(Some(Place::S3)),
        Some(_) => Err(r.refuse(STORAGE, words::STORAGE_WORD)),
    }
}

/// The storage, once it is known whether there is a project of Supabase.
pub(super) fn read(
    r: &mut Reader,
    chosen: Result<Option<Place>, Refused>,
    supabase: &Result<Option<Supabase>, Refused>,
    s3: &Result<Option<S3>, Refused>,
) -> Result<Storage, Refused> {
    let most_object = r.number("STORAGE_MAX_OBJECT_MB", 1..=500_000);
    let room = r.number("STORAGE_GB", 0..=1_000_000);
    let traffic = r.number("STORAGE_TRAFFIC_GB", 0..=1_000_000);
    let is_there = matches!(supabase, Ok(Some(_)));
    let place = match chosen? {
        Some(Place::Supabase) if matches!(supabase, Ok(None)) => {
            return Err(r.refuse(STORAGE, words::STORAGE_NEEDS_SUPABASE));
        }
        Some(Place::S3) if matches!(s3, Ok(None)) => {
            return Err(r.refuse(STORAGE, words::STORAGE_NEEDS_S3));
        }
        Some(place) => place,
        None if is_there => Place::Supabase,
        None => Place::Local,
    };
    // What other plans allow is not known here.
    let outside = place == Place::Supabase;
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

/// The bucket, if its variables are there: all of them or none.
pub(super) fn s3(r: &mut Reader) -> Result<Option<S3>, Refused> {
    const NAMES: [&str; 4] = ["S3_ENDPOINT", "S3_BUCKET", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"];
    let mut values = Vec::new();
    for name in NAMES {
        values.push(r.text(name)?);
    }
    let region = r.text("S3_REGION")?.unwrap_or_else(|| "us-east-1".to_owned());
    let public_url = r.text("S3_PUBLIC_URL")?;
    if values.iter().all(Option::is_none) {
        return Ok(None);
    }
    let mut given = Vec::new();
    for (name, value) in NAMES.into_iter().zip(values) {
        given.push(value.ok_or_else(|| r.refuse(name, words::S3_INCOMPLETE))?);
    }
    let Ok([endpoint, bucket, key_id, secret]) = <[String; 4]>::try_from(given) else { return Ok(None) };
    let endpoint = origin(r, NAMES[0], &endpoint)?;
    let is_name = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    if !(3..=63).contains(&bucket.len()) || !bucket.bytes().all(is_name) {
        return Err(r.refuse(NAMES[1], words::S3_BUCKET_NAME));
    }
    if key_id.contains(char::is_whitespace) || secret.contains(char::is_whitespace) {
        return Err(r.refuse(NAMES[2], words::S3_BLANK_KEY));
    }
    let public_url = match public_url {
        Some(url) => {
            let address = address(r, "S3_PUBLIC_URL", &url)?;
            format!("{}{}", address.origin(), address.path.trim_end_matches('/'))
        }
        None => format!("{endpoint}/{bucket}"),
    };
    Ok(Some(S3 { endpoint, bucket, region, key_id, secret: Secret::new(secret), public_url }))
}

fn address(r: &mut Reader, name: &'static str, value: &str) -> Result<Address, Refused> {
    let address = web::parsed(r, name, value)?;
    web::encrypted(r, name, &address)?;
    Ok(address)
}

fn origin(r: &mut Reader, name: &'static str, value: &str) -> Result<String, Refused> {
    let address = address(r, name, value)?;
    if !address.path.is_empty() {
        return Err(r.refuse(name, Said::new(words::WITH_PATH).with("origin", address.origin())));
    }
    Ok(address.origin())
}
