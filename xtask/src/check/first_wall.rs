//! That no release can take the first wall between tenants away: the switch of its tests is not compiled there.

use std::process::Command;

use super::files::Tree;
use super::finding::{Finding, report};
use crate::steps::output;

/// The file with the switch.
const WALL: &str = "central-server/src/db/first_wall.rs";
/// The switch, and who may name it besides the tests: who hands it on, which a release would not compile.
const SWITCH: &str = "without_first_wall";
const HANDS_ON: &str = "central-server/src/db/mod.rs";

/// A build that is fuzzed and never served from.
const FUZZED: &str = "fuzz/";

/// Judges the text, then has the compiler judge.
pub fn check(tree: &Tree) -> Result<String, String> {
    report(findings(tree))?;
    compiled(false).map_err(|why| format!("{why}\n{WALL} without debug_assertions needs more than the condition."))?;
    match compiled(true) {
        // The switch needs a crate that is not given here.
        Err(_) => Ok(String::new()),
        Ok(()) => Err(format!("{WALL} has no switch with debug_assertions either: this check has lost its subject.")),
    }
}

/// Whether the file compiles by itself. What it has in a release knows no other crate; the switch does.
fn compiled(debug_assertions: bool) -> Result<(), String> {
    let folder = "target/first-wall";
    std::fs::create_dir_all(folder).map_err(|error| format!("{folder} cannot be made: {error}"))?;
    let assertions = format!("debug-assertions={}", if debug_assertions { "on" } else { "off" });
    let arguments = ["--edition", "2024", "--crate-type", "lib", "--emit", "metadata", "--out-dir", folder];
    output(Command::new("rustc").args(arguments).args(["-C", &assertions, WALL])).map(drop)
}

/// Every place that switches the wall off outside of tests, or that gives a release what its switch needs.
fn findings(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        if let Some(source) = &file.source {
            let may = [WALL, HANDS_ON].contains(&file.path.as_str()) || file.path.starts_with("xtask/");
            let lines = source.lines_with(SWITCH).filter(|line| !may && !source.is_test(*line));
            let rule = "the first wall is taken away by tests only";
            findings.extend(lines.map(|line| Finding::new(&file.path, line, rule)));
        } else if !file.path.ends_with(".md") && !file.path.starts_with(FUZZED) {
            let sets = |line: &str| line.contains("debug-assertions") || line.contains("debug_assertions");
            let lines = file.text.lines().enumerate().filter(|(_, line)| sets(line));
            let rule = "nothing sets debug assertions: with them a release would have the switch of the first wall";
            findings.extend(lines.map(|(index, _)| Finding::new(&file.path, index + 1, rule)));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::files::tree;
    use super::super::finding::places;
    use super::*;

    #[test]
    fn the_switch_is_for_tests_and_no_profile_gives_it_to_a_release() {
        let call = "fn a() { db::without_first_wall(b()); }";
        let found = findings(&tree(&[
            ("central-server/src/app.rs", call),
            ("central-server/src/db/mod.rs", "pub use first_wall::without_first_wall;"),
            ("central-server/tests/it/walls.rs", call),
            (
                "central-server/src/sites/mod.rs",
                "#[cfg(test)]\nmod tests {\n    fn a() { without_first_wall(b()); }\n}",
            ),
            ("Cargo.toml", "[profile.release]\nlto = true\ndebug-assertions = true"),
            ("docs/adr/x.md", "debug_assertions"),
            ("fuzz/instrumented", "-C debug-assertions"),
        ]));
        assert_eq!(places(&found), ["central-server/src/app.rs:1", "Cargo.toml:3"]);
    }
}
