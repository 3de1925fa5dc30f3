//! The crates that we build with, as cargo resolved them.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::steps::{cargo, output};

/// One version of one crate.
pub struct Crate {
    pub name: String,
    pub version: String,
    pub licence: Option<String>,
    pub source: Option<String>,
    /// Whether one of our own crates names it.
    pub is_direct: bool,
    /// Whether it is one of our own.
    pub is_ours: bool,
}

/// Every crate of the lock file, by name and version.
pub struct Dependencies(Vec<Crate>);

impl Dependencies {
    /// Asks cargo, which refuses if the lock file does not fit the manifests.
    pub fn read() -> Result<Self, String> {
        // What only a feature brings is a dependency, too.
        let text = output(&mut cargo(&["metadata", "--locked", "--all-features", "--format-version", "1"]))?;
        let metadata: Value = serde_json::from_str(&text).map_err(|error| format!("`cargo metadata`: {error}"))?;
        Self::of(&metadata)
            .ok_or_else(|| "`cargo metadata` wrote something in another shape than is known here.".to_owned())
    }

    fn of(metadata: &Value) -> Option<Self> {
        let ours: BTreeSet<&str> = metadata["workspace_members"].as_array()?.iter().filter_map(Value::as_str).collect();
        let mut direct = BTreeSet::new();
        for node in metadata["resolve"]["nodes"].as_array()? {
            if ours.contains(node["id"].as_str()?) {
                direct.extend(node["deps"].as_array()?.iter().filter_map(|dependency| dependency["pkg"].as_str()));
            }
        }
        let mut crates = Vec::new();
        for package in metadata["packages"].as_array()? {
            let id = package["id"].as_str()?;
            let text = |key: &str| package[key].as_str().map(str::to_owned);
            crates.push(Crate {
                name: text("name")?,
                version: text("version")?,
                licence: text("license"),
                source: text("source"),
                is_direct: direct.contains(id),
                is_ours: ours.contains(id),
            });
        }
        crates.sort_by(|left, right| (&left.name, &left.version).cmp(&(&right.name, &right.version)));
        Some(Self(crates))
    }

    /// All that others wrote.
    pub fn foreign(&self) -> impl Iterator<Item = &Crate> {
        self.0.iter().filter(|krate| !krate.is_ours)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_direct_and_the_others_are_told_apart() {
        let package = |name: &str| serde_json::json!({"id": name, "name": name, "version": "1.0.0"});
        let metadata = serde_json::json!({
            "workspace_members": ["a"],
            "packages": [package("c"), package("b"), package("a")],
            "resolve": {"nodes": [{"id": "a", "deps": [{"pkg": "b"}]}, {"id": "b", "deps": [{"pkg": "c"}]}]},
        });
        let dependencies = Dependencies::of(&metadata);
        let found: Vec<(&str, bool)> = dependencies
            .iter()
            .flat_map(Dependencies::foreign)
            .map(|krate| (krate.name.as_str(), krate.is_direct))
            .collect();
        assert_eq!(found, [("b", true), ("c", false)]);
        assert!(Dependencies::of(&serde_json::json!({"packages": []})).is_none());
    }
}
