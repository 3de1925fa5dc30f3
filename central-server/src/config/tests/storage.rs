//! Where files are kept.

use super::*;
use crate::config::Place;

#[test]
fn files_are_kept_at_supabase_if_it_is_configured_and_otherwise_on_the_disk() {
    let config = accepted(&production()).config.storage;
    assert_eq!(
        (config.place, config.room, config.traffic),
        (Place::Supabase, Some(1_000_000_000), Some(5_000_000_000))
    );
    let developing = accepted(&development()).config.storage;
    assert_eq!((developing.place, developing.room, developing.traffic), (Place::Local, None, None));
}

#[test]
fn a_server_with_its_own_disk_needs_no_supabase() {
    let own = [("STORAGE", "local"), ("SUPABASE_URL", ""), ("SUPABASE_SERVICE_KEY", "")];
    let config = accepted(&with(production(), &own)).config;
    assert_eq!((config.storage.place, config.supabase.is_none()), (Place::Local, true));
    // Both may be there, for a copy from one to the other.
    let config = accepted(&with(production(), &[("STORAGE", "local")])).config;
    assert_eq!((config.storage.place, config.supabase.is_some()), (Place::Local, true));
    let nothing = [("NODE_ENV", ""), ("STORAGE", "supabase"), ("SUPABASE_URL", ""), ("SUPABASE_SERVICE_KEY", "")];
    refused(&with(production(), &nothing), "STORAGE");
    refused(&with(production(), &[("STORAGE", "dropbox")]), "STORAGE");
}

#[test]
fn the_limits_of_a_plan_are_told_in_decimal_units_and_zero_is_none() {
    let plan = [("STORAGE_GB", "100"), ("STORAGE_TRAFFIC_GB", "0"), ("STORAGE_MAX_OBJECT_MB", "500")];
    let config = accepted(&with(production(), &plan)).config.storage;
    assert_eq!((config.room, config.traffic, config.most_object), (Some(100_000_000_000), None, Some(500_000_000)));
    refused(&with(production(), &[("STORAGE_MAX_OBJECT_MB", "0")]), "STORAGE_MAX_OBJECT_MB");
}

#[test]
fn a_bucket_is_configured_by_all_of_its_variables_or_none() {
    let bucket = [
        ("STORAGE", "s3"),
        ("SUPABASE_URL", ""),
        ("SUPABASE_SERVICE_KEY", ""),
        ("S3_ENDPOINT", "https://s3.gra.io.cloud.ovh.net/"),
        ("S3_BUCKET", "neopro-videos"),
        ("S3_ACCESS_KEY_ID", "AKNEOPRO"),
        ("S3_SECRET_ACCESS_KEY", "a-secret"),
    ];
    let config = accepted(&with(production(), &bucket)).config;
    let s3 = config.s3.expect("set");
    assert_eq!((config.storage.place, config.storage.room), (Place::S3, None));
    assert_eq!((s3.endpoint.as_str(), s3.region.as_str()), ("https://s3.gra.io.cloud.ovh.net", "us-east-1"));
    assert_eq!(s3.public_url, "https://s3.gra.io.cloud.ovh.net/neopro-videos");
    let with_one = |name: &'static str, value: &'static str| {
        let mut changed: Vec<(&str, &str)> = bucket.into_iter().filter(|(known, _)| *known != name).collect();
        changed.push((name, value));
        with(production(), &changed)
    };
    for (name, wrong) in [
        ("S3_BUCKET", ""),
        ("S3_SECRET_ACCESS_KEY", ""),
        ("S3_BUCKET", "Neopro Videos"),
        ("S3_ENDPOINT", "https://s3.example.net/neopro-videos"),
        ("S3_ENDPOINT", "http://s3.example.net"),
        ("S3_PUBLIC_URL", "videos"),
    ] {
        refused(&with_one(name, wrong), name);
    }
    let behind = accepted(&with_one("S3_PUBLIC_URL", "https://videos.club.fr/a/")).config.s3.expect("set");
    assert_eq!(behind.public_url, "https://videos.club.fr/a");
    refused(&with(production(), &[("STORAGE", "s3")]), "STORAGE");
}
