//! Which room of a feature may know which.
//!
//! A feature is a folder with `routes.rs` or `store.rs`. Its `mod.rs` has the words and the rules, `store.rs`
//! the SQL, `routes.rs` HTTP. What is called from outside is the `mod` only.

use std::collections::{BTreeMap, BTreeSet};

use super::files::Tree;
use super::finding::Finding;
use super::layout::SOURCES;

/// What the words and rules of a feature may use of our own, besides the words of other features: they are
/// pure, so that they can be read, tested and moved without a server. `http` is in it for `Form`, by which a type
/// says how it is read.
const WORDS_MAY_USE: [&str; 4] = ["ids", "clock", "db", "http"];

/// Which rooms of its own feature a room must not know, and why.
const OWN_ROOMS: [(&str, &[&str], &str); 2] = [
    ("mod", &["routes", "store"], "mod.rs has the words and the rules, which know neither HTTP nor SQL"),
    ("store", &["routes"], "store.rs has the SQL, which does not know HTTP"),
];

/// Folders with a store or routes that are foundations and not features: their `mod` may use what it needs.
const FOUNDATIONS: [&str; 4] = ["auth", "db", "http", "live"];

/// Every use of a room from where it must not be used. `app.rs` and what is no feature may use all.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let rooms = rooms(tree);
    let mut findings = Vec::new();
    for (path, source) in tree.rust_below(SOURCES) {
        let Some((feature, room)) = feature_and_room(path).filter(|(feature, _)| rooms.contains_key(feature)) else {
            continue;
        };
        for (line, names) in source.paths.iter().filter(|(line, _)| !source.is_test(*line)) {
            let used = resolve(names, feature, room, &rooms[feature]);
            if let Some(rule) = used.and_then(|used| broken_rule(&used, feature, room, &rooms)) {
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

/// The names behind `crate` of a path as it stands in a room, or nothing if it leads out of our crate.
fn resolve(names: &[String], feature: &str, room: &str, own_rooms: &BTreeSet<&str>) -> Option<Vec<String>> {
    let mut here = vec![feature.to_owned()];
    if room != "mod" {
        here.push(room.to_owned());
    }
    let mut rest = names;
    match names.first()?.as_str() {
        "crate" => {
            here.clear();
            rest = &rest[1..];
        }
        "self" => rest = &rest[1..],
        "super" => {
            while let Some(("super", behind)) = rest.split_first().map(|(first, behind)| (first.as_str(), behind)) {
                here.pop();
                rest = behind;
            }
        }
        first if room == "mod" && own_rooms.contains(first) => {}
        _ => return None,
    }
    here.extend_from_slice(rest);
    Some(here)
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
        return closed.then(|| {
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

    /// What is said of a text in one file, among the rooms of two features and of the foundation `auth`.
    fn found(path: &str, text: &str) -> Vec<String> {
        let path = format!("{SOURCES}{path}");
        let mut files: BTreeMap<String, &str> = BTreeMap::new();
        for feature in ["sites", "users", "auth"] {
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
    fn a_store_does_not_know_its_routes() {
        assert!(breaks("sites/store.rs", "use super::routes::Body;"));
        assert!(!breaks("sites/store.rs", "use super::{Site, NewSite};"));
        assert!(!breaks("sites/routes.rs", "use super::{Site, store};"));
    }

    #[test]
    fn the_words_of_a_feature_are_pure() {
        for text in [
            "crate::app::App::new();",
            "use crate::http::Page;",
            "store::find();",
            "self::routes::a();",
            "use super::app::App;",
        ] {
            assert!(breaks("sites/mod.rs", text), "{text}");
        }
        for text in [
            "use crate::ids::SiteId;",
            "use crate::{clock::Time, users::User};",
            "use std::fmt::Display;",
            "pub mod store;",
            "#[cfg(test)]\nmod tests {\nuse crate::app::App;\n}",
        ] {
            assert!(!breaks("sites/mod.rs", text), "{text}");
        }
        assert!(!breaks("auth/mod.rs", "use crate::app::App;"));
    }
}
