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
