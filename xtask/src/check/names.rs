//! What a path in a file means: the names that `use` has brought in are followed to where they come from.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Import, Source};

/// How many ways of reading one path are followed: imports may lead in a circle.
const MOST: usize = 64;

/// The modules of a crate and what each one brings in, the names behind `crate` being a module's key.
pub struct Names<'a>(BTreeMap<Vec<String>, Vec<&'a Import>>);

impl<'a> Names<'a> {
    /// Those of these files, whose paths are from the crate's folder. What is imported for tests is left out.
    pub fn of(files: impl Iterator<Item = (&'a str, &'a Source)>) -> Self {
        let mut modules: BTreeMap<Vec<String>, Vec<&Import>> = BTreeMap::new();
        for (path, source) in files.filter(|(path, _)| *path != "main.rs") {
            let imports = source.imports.iter().filter(|(line, _)| !source.is_test(*line)).map(|(_, import)| import);
            modules.entry(module(path)).or_default().extend(imports);
        }
        Self(modules)
    }

    /// What a path in a file can mean, in names behind `crate`: as it stands, and behind every import on its way.
    /// Imports are followed in those modules only of which `follows` says so. Nothing, if it leads out of the crate.
    pub fn meanings(&self, path: &[String], file: &str, follows: impl Fn(&[String]) -> bool) -> BTreeSet<Vec<String>> {
        let mut seen = BTreeSet::new();
        let mut open: Vec<Vec<String>> = self.absolute(path, &module(file), None).into_iter().collect();
        while let Some(path) = open.pop().filter(|_| seen.len() < MOST) {
            if !seen.contains(&path) {
                open.extend(self.behind_import(&path, &follows));
                seen.insert(path);
            }
        }
        seen
    }

    /// The names behind `crate` of a path as it stands in a module; of an import's path if `name` is its name, which
    /// then is not what the path begins with.
    fn absolute(&self, path: &[String], module: &[String], name: Option<&str>) -> Option<Vec<String>> {
        let mut here = module.to_vec();
        let mut rest = path;
        match path.first()?.as_str() {
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
            first => {
                here.push(first.to_owned());
                let brought = || name != Some(first) && !self.brought(module, first).is_empty();
                if !self.0.contains_key(&here) && !brought() {
                    return None;
                }
                here.pop();
            }
        }
        here.extend_from_slice(rest);
        Some(here)
    }

    /// What a path means if the first of its names that is no module is an import.
    fn behind_import(&self, path: &[String], follows: impl Fn(&[String]) -> bool) -> Vec<Vec<String>> {
        let Some(at) = (0..path.len()).find(|at| !self.0.contains_key(&path[..=*at])) else { return Vec::new() };
        let (module, name) = (&path[..at], path[at].as_str());
        let imports = if follows(module) { self.brought(module, name) } else { Vec::new() };
        let meant = imports.into_iter().filter_map(|import| self.absolute(&import, module, Some(name)));
        meant.map(|meant| [&meant, &path[at + 1..]].concat()).collect()
    }

    /// The paths for which a name stands in a module; several, if functions import it differently.
    fn brought(&self, module: &[String], name: &str) -> Vec<Vec<String>> {
        let Some(imports) = self.0.get(module) else { return Vec::new() };
        let named = imports.iter().filter(|import| import.name == name).map(|import| import.path.clone());
        // Of what `*` brings in we know the modules of our own.
        let all = imports.iter().filter(|import| import.name == "*" && is_anchored(&import.path));
        let all = all.map(|import| [&import.path[..], &[name.to_owned()]].concat());
        let is_module = |path: &Vec<String>| {
            self.absolute(path, module, None).is_some_and(|absolute| self.0.contains_key(&absolute))
        };
        named.chain(all.filter(is_module)).collect()
    }
}

/// Whether a path says by itself that it leads into our crate.
pub fn is_anchored(path: &[String]) -> bool {
    path.first().is_some_and(|first| matches!(first.as_str(), "crate" | "self" | "super"))
}

/// `sites/store.rs` is the module `sites::store`, `sites/mod.rs` is `sites`, and `lib.rs` the crate itself.
fn module(file: &str) -> Vec<String> {
    let mut names: Vec<String> = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if names.last().is_some_and(|last| last == "mod" || file == "lib.rs" || file == "main.rs") {
        names.pop();
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a path means in `a/b.rs` of a crate with these files.
    fn meanings(files: &[(&str, &str)], path: &str) -> Vec<String> {
        let sources: Vec<(&str, Source)> = files.iter().map(|(file, text)| (*file, Source::read(text))).collect();
        let path: Vec<String> = path.split("::").map(str::to_owned).collect();
        let names = Names::of(sources.iter().map(|(file, source)| (*file, source)));
        let found = names.meanings(&path, "a/b.rs", |module| module.first().is_none_or(|first| first != "closed"));
        found.iter().map(|names| names.join("::")).collect()
    }

    #[test]
    fn a_path_is_read_from_where_it_stands() {
        let files = [("lib.rs", ""), ("a/mod.rs", ""), ("a/b.rs", ""), ("a/b/c.rs", "")];
        for (path, meant) in [
            ("crate::x::y", "x::y"),
            ("self::x", "a::b::x"),
            ("super::x", "a::x"),
            ("super::super::x", "x"),
            ("c::x", "a::b::c::x"),
        ] {
            assert_eq!(meanings(&files, path), [meant], "{path}");
        }
        assert!(meanings(&files, "std::fmt").is_empty());
    }

    #[test]
    fn imports_are_followed_to_where_they_come_from() {
        let files = [
            ("lib.rs", "pub use a as first;"),
            ("a/mod.rs", "use crate::closed as shut;"),
            ("a/b.rs", "use super::shut; use crate::first::b as me; use me::shut as door; use std::fmt; use d::d;"),
            ("closed/mod.rs", "pub use crate::a::b;"),
        ];
        assert_eq!(meanings(&files, "shut::x"), ["a::b::shut::x", "a::shut::x", "closed::x"]);
        assert!(meanings(&files, "door::x").contains(&"closed::x".to_owned()));
        assert_eq!(meanings(&files, "crate::closed::b::x"), ["closed::b::x"]);
        assert_eq!(meanings(&files, "fmt::Display"), ["a::b::fmt::Display"]);
        assert_eq!(meanings(&files, "d::x"), ["a::b::d::x"]);
    }

    #[test]
    fn a_circle_of_imports_has_an_end() {
        let files = [("a/mod.rs", "pub use b::x::y as x;"), ("a/b.rs", "pub use super::x; pub use self::z::z;")];
        assert!(!meanings(&files, "x::y").is_empty());
        assert!(!meanings(&files, "z::y").is_empty());
    }
}
