//! Which room of a feature may know which.
//!
//! A feature is a folder with `routes.rs` or `store.rs`. Its `mod.rs` has the words and the rules, `store.rs`
//! the SQL, `routes.rs` HTTP. What is called from outside is the `mod` only.

use std::collections::{BTreeMap, BTreeSet};

use super::files::Tree;
use super::finding::Finding;
use super::layout::SOURCES;
use super::names::{Names, is_anchored};

/// What the words and rules of a feature may use of our own, besides the words of other features: they are
/// pure, so that they can be read, tested and moved without a server. `http` is in it for `Form`, by which a type
/// says how it is read; `language` and `words` are words themselves.
const WORDS_MAY_USE: [&str; 6] = ["ids", "clock", "db", "http", "language", "words"];

/// Which rooms of its own feature a room must not know, and why.
const OWN_ROOMS: [(&str, &[&str], &str); 2] = [
    ("mod", &["routes", "store"], "mod.rs has the words and the rules, which know neither HTTP nor SQL"),
    ("store", &["routes"], "store.rs has the SQL, which does not know HTTP"),
];

/// Rooms of a feature that others may use besides its `mod`: by whom alone, if not by all, and why. The words and rules
/// of a feature may not.
const OPEN_ROOMS: [(&str, &str, Option<&str>, &str); 4] = [
    (
        "audit",
        "store",
        None,
        "an entry of the journal must be in the same flush as the act that it tells of, and a flush is made of the \
         statements of stores (ADR 0008)",
    ),
    ("sites", "store", Some("events"), LIVE_ROWS),
    ("deployments", "store", Some("events"), LIVE_ROWS),
    ("groups", "store", Some("events"), LIVE_ROWS),
];

/// Why the stream of changes reads by the statements of others.
const LIVE_ROWS: &str = "the stream shows the rows that the lists show, read in one flush with its session (ADR 0013)";

/// Folders with a store or routes that are foundations and not features: their `mod` may use what it needs.
const FOUNDATIONS: [&str; 5] = ["auth", "db", "http", "live", "replicas"];

/// Every use of a room from where it must not be used. `app.rs` and what is no feature may use all.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let rooms = rooms(tree);
    let names = Names::of(tree.rust_below(SOURCES));
    let mut findings = Vec::new();
    for (path, source) in tree.rust_below(SOURCES) {
        let Some((feature, room)) = feature_and_room(path).filter(|(feature, _)| rooms.contains_key(feature)) else {
            continue;
        };
        // Behind the door of another feature nobody looks: what its `mod` hands on is its own.
        let follows = |module: &[String]| module.first().is_none_or(|first| first == feature);
        let broken = |path_in_code: &[String]| {
            let meanings = names.meanings(path_in_code, path, follows);
            meanings.iter().find_map(|used| broken_rule(used, feature, room, &rooms))
        };
        let imports = source.imports.iter().filter(|(line, _)| !source.is_test(*line));
        let told: BTreeSet<String> = imports
            .filter(|(_, import)| is_anchored(&import.path))
            .filter_map(|(_, import)| broken(&import.path))
            .collect();
        for (line, names) in source.paths.iter().filter(|(line, _)| !source.is_test(*line)) {
            // What is wrong with a `use` is told there, and not at each place where its name stands.
            if let Some(rule) = broken(names).filter(|rule| is_anchored(names) || !told.contains(rule)) {
                findings.push(Finding::new(&format!("{SOURCES}{path}"), *line, rule));
            }
        }
    }
    findings
}

type Rooms<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// The rooms of each feature.
fn rooms(tree: &Tree) -> Rooms<'_> {
    let mut rooms = Rooms::new();
    for (feature, room) in tree.rust_below(SOURCES).filter_map(|(path, _)| feature_and_room(path)) {
        rooms.entry(feature).or_default().insert(room);
    }
    rooms.retain(|_, rooms| rooms.contains("routes") || rooms.contains("store"));
    rooms
}

/// `sites/store.rs` and `sites/store/list.rs` are the room `store` of the feature `sites`.
fn feature_and_room(path: &str) -> Option<(&str, &str)> {
    let (feature, rest) = path.split_once('/')?;
    Some((feature, rest.split_once('/').map_or_else(|| rest.trim_end_matches(".rs"), |(room, _)| room)))
}

fn broken_rule(used: &[String], feature: &str, room: &str, rooms: &Rooms<'_>) -> Option<String> {
    let first = used.first()?.as_str();
    let second = used.get(1).map(String::as_str);
    if first == feature {
        let (_, _, why) = OWN_ROOMS.iter().find(|(name, closed, _)| {
            *name == room && second.is_some_and(|second| closed.contains(&second)) && !is_foundation(feature)
        })?;
        return Some(format!("{room} uses its own {}: {why}", second.unwrap_or_default()));
    }
    if let Some(foreign) = rooms.get(first) {
        let second = second.filter(|second| foreign.contains(second))?;
        let closed = !is_foundation(first) || second == "store" || second == "routes";
        let words = room == "mod" && !is_foundation(feature);
        let opened = !words
            && OPEN_ROOMS.iter().any(|(open, room, only, _)| {
                (*open, *room) == (first, second) && only.is_none_or(|only| only == feature)
            });
        return (closed && !opened).then(|| {
            format!(
                "{feature} uses {first}::{second}: another feature's `mod` is used only, so that the rest can change"
            )
        });
    }
    let pure = room == "mod" && !is_foundation(feature);
    (pure && !WORDS_MAY_USE.contains(&first)).then(|| {
        format!(
            "mod.rs uses {first}: the words and rules of a feature use none of ours but {}",
            WORDS_MAY_USE.join(", ")
        )
    })
}

fn is_foundation(feature: &str) -> bool {
    FOUNDATIONS.contains(&feature)
}

#[cfg(test)]
mod tests {
    use super::super::files::tree;
    use super::*;

    /// What is said of a text in one file, among the rooms of features and of the foundation `auth`.
    fn found(path: &str, text: &str) -> Vec<String> {
        let path = format!("{SOURCES}{path}");
        let mut files: BTreeMap<String, &str> = BTreeMap::new();
        for feature in ["sites", "users", "audit", "auth"] {
            for room in ["mod", "routes", "store"] {
                files.insert(format!("{SOURCES}{feature}/{room}.rs"), "");
            }
        }
        files.insert(format!("{SOURCES}auth/extract.rs"), "");
        files.insert(path, text);
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
        check(&tree(&files)).iter().map(|finding| format!("{} {}", finding.line, finding.rule)).collect()
    }

    fn breaks(path: &str, text: &str) -> bool {
        !found(path, text).is_empty()
    }

    #[test]
    fn the_rooms_behind_another_features_door_are_closed() {
        for text in [
            "crate::users::store::find(1);",
            "use crate::{ids::A, users::{routes, User}};",
            "super::super::users::store::b();",
        ] {
            assert_eq!(found("sites/routes.rs", text).len(), 1, "{text}");
        }
        assert!(breaks("sites/routes.rs", "crate::auth::store::find(1);"));
        assert!(breaks("sites/jobs.rs", "crate::users::store::find(1);"));
        assert!(breaks("auth/routes.rs", "crate::users::store::find(1);"));
        for text in [
            "crate::users::User::new();",
            "crate::auth::extract::Admin::a();",
            "crate::sites::store::a();",
            "super::store::a();",
        ] {
            assert!(!breaks("sites/routes.rs", text), "{text}");
        }
        assert!(!breaks("app.rs", "crate::users::routes::router();"));
        assert!(!breaks("jobs/mod.rs", "crate::users::store::sweep();"));
    }

    #[test]
    fn a_door_is_not_opened_by_importing_what_is_before_it() {
        for text in [
            "use crate::users; users::store::insert(1);",
            "use crate::users::{self, User}; users::store::insert(1);",
            "use crate::users as people; people::store::insert(1);",
            "use crate::{ids::A, users::{self as people}}; fn f() { people::routes::a(); }",
            "use crate as root; root::users::store::insert(1);",
            "use super::super::users; self::users::store::insert(1);",
            "use crate::*; users::store::insert(1);",
            "use crate::users::*; store::insert(1);",
            "use crate::auth; auth::store::find(1);",
        ] {
            assert_eq!(found("sites/routes.rs", text).len(), 1, "{text}");
        }
        assert_eq!(found("sites/routes.rs", "use crate::users;\nusers::store::a();\nusers::store::b();").len(), 2);
        assert_eq!(
            found("sites/routes.rs", "use crate::users;\nuse users::store as table;\ntable::insert(1);"),
            [2, 3].map(|line| format!(
                "{line} sites uses users::store: another feature's `mod` is used only, so that the rest can change"
            ))
        );
        // The `use` itself is wrong here, and is told of once.
        assert_eq!(found("sites/routes.rs", "use crate::users::store;\nstore::a();\nstore::b();").len(), 1);
        assert!(breaks("sites/store.rs", "use super as sites; sites::routes::a();"));
        for text in [
            "use crate::users::{self, User}; users::check(1); User::new();",
            "use users::store; users::store::insert(1);", // another crate's
            "use ::users; users::store::insert(1);",
            "use super::store; store::insert(1);",
            "use super::*; store::insert(1);",
            "use crate::auth; auth::extract::Admin::a();",
            "#[cfg(test)]\nmod tests {\nuse crate::users;\n}\nfn f() { users::store::a(); }",
            "use users::users; users::store::a();",
        ] {
            assert!(!breaks("sites/routes.rs", text), "{text}");
        }
        assert!(!breaks("app.rs", "use crate::users; users::routes::router();"));
    }

    #[test]
    fn the_journals_store_is_open_to_all_but_words() {
        for text in [
            "use crate::audit::{self, Entry}; audit::store::record(1);",
            "use crate::audit::store as journal; journal::record(1);",
            "crate::audit::store::record(1);",
        ] {
            assert!(!breaks("sites/routes.rs", text), "{text}");
            assert!(!breaks("auth/routes.rs", text), "{text}");
            assert!(breaks("sites/mod.rs", text), "{text}");
        }
        assert!(breaks("sites/routes.rs", "use crate::audit; audit::routes::router();"));
        assert!(breaks("audit/routes.rs", "use crate::sites; sites::store::a();"));
    }

    #[test]
    fn a_store_does_not_know_its_routes() {
        assert!(breaks("sites/store.rs", "use super::routes::Body;"));
        assert!(!breaks("sites/store.rs", "use super::{Site, NewSite};"));
        assert!(!breaks("sites/routes.rs", "use super::{Site, store};"));
    }

    #[test]
    fn the_words_of_a_feature_are_pure() {
        for text in ["crate::app::App::new();", "store::find();", "self::routes::a();", "use super::app::App;"] {
            assert!(breaks("sites/mod.rs", text), "{text}");
        }
        for text in [
            "use crate::ids::SiteId;",
            "use crate::{clock::Time, users::User};",
            "use crate::http::Form;",
            "use std::fmt::Display;",
            "pub mod store;",
            "#[cfg(test)]\nmod tests {\nuse crate::app::App;\n}",
        ] {
            assert!(!breaks("sites/mod.rs", text), "{text}");
        }
        assert!(!breaks("auth/mod.rs", "use crate::app::App;"));
    }
}
