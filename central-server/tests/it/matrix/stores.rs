//! The first wall as it is written: store functions for tenant data take a scope, and what they do under it can be taken
//! away by a test.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Stores that know no tenant: sessions and what proves them, the journal's writing and sealing, jobs, what a super_admin is
/// told of the whole installation, and what the live channel keeps of boxes, each of which speaks for its own site, their
/// plays too; and what forgets.
const THE_SERVERS_OWN: &[&str] = &[
    "alerts/watch/store.rs",
    "audit/seals/store.rs",
    "audit/store.rs",
    "auth/second_factor/store.rs",
    "auth/store.rs",
    "auth/tries/store.rs",
    "doctor/store.rs",
    "due/store.rs",
    "events/store.rs",
    "health/store.rs",
    "jobs/store.rs",
    "live/store.rs",
    "notify/mail/store.rs",
    "passwords/store.rs",
    "plays/store.rs",
    "prometheus/store.rs",
    "replicas/store.rs",
    "retention/store.rs",
    "settings/store.rs",
    "setup/store.rs",
];

/// Functions of the other stores that the server itself calls, of everybody's rows: its jobs, the command line, whose a
/// token is, and what became of an upload that it has found in its person's scope.
const OF_EVERYBODY: &[&str] = &[
    "auth/api_tokens/store.rs bearer",
    "commands/store.rs give_up",
    "deployments/store.rs due",
    "deployments/store.rs start_due",
    "deployments/store.rs sum_tallies",
    "sites/store.rs knows_zone",
    "sites/store.rs last_heard_within",
    "usage/store.rs note_read",
    "users/store.rs exists",
    "users/store.rs find_id",
    "users/store.rs insert",
    "users/store.rs is_last_super_admin",
    "users/store.rs set_role",
    "videos/direct/store.rs expired",
    "videos/direct/store.rs forget",
    "videos/direct/store.rs refuse",
    "videos/direct/store.rs release",
];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every store: where it is, below the source, and what stands in it.
fn stores() -> Vec<(String, String)> {
    let (mut folders, mut stores) = (vec![source()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.ends_with("store.rs") {
                let place = entry.strip_prefix(source()).expect("below it").to_string_lossy().into_owned();
                stores.push((place, std::fs::read_to_string(&entry).expect("a file")));
            }
        }
    }
    stores
}

#[test]
fn every_store_function_for_tenant_data_takes_a_scope() {
    let (mut scoped, mut without) = (0, BTreeSet::new());
    for (place, text) in stores().iter().filter(|(place, _)| !THE_SERVERS_OWN.contains(&place.as_str())) {
        for function in text.split("\npub fn ").skip(1) {
            let (head, _) = function.split_once(" {\n").expect("a body");
            if !head.contains("-> Query<") {
                continue;
            }
            let name = head.split(['(', '<']).next().expect("a name");
            if head.contains("scope: Scope") {
                scoped += 1;
            } else {
                without.insert(format!("{place} {name}"));
            }
        }
    }
    let declared: BTreeSet<String> = OF_EVERYBODY.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(without, declared, "whose rows does it read?");
    assert!(scoped > 80, "{scoped}");
    // The control: what is declared to be the server's own is there.
    let places: BTreeSet<String> = stores().into_iter().map(|(place, _)| place).collect();
    assert!(THE_SERVERS_OWN.iter().all(|place| places.contains(*place)));
}

/// Each condition of the query layer can be taken away, so that nothing hides behind one in the tests of the walls.
#[test]
fn every_condition_of_a_scope_passes_through_the_first_wall() {
    let mut conditions = 0;
    for (place, text) in stores() {
        for body in text.split("(scope: Scope) -> &'static str {").skip(1) {
            assert!(body.trim_start().starts_with("first_wall("), "{place}: {}", &body[..80]);
            conditions += 1;
        }
    }
    assert!(conditions >= 10, "{conditions}");
}
